"""Partial derivatives as source text: trace the functions of a rule once on symbols.

The generator of the fast paths and the listing use it, so that what runs, what is shown and what
the rule says are one thing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.errors import WengertTypeError

__all__ = ["Symbol", "source", "trace_partial"]

_SUM, _PRODUCT, _NEG, _POWER, _ATOM = 1, 2, 3, 4, 5
_COMPARE = 0

_BINARY = {
    np.add: ("+", _SUM),
    np.subtract: ("-", _SUM),
    np.multiply: ("*", _PRODUCT),
    np.true_divide: ("/", _PRODUCT),
    np.power: ("**", _POWER),
    np.equal: ("==", _COMPARE),
    np.greater: (">", _COMPARE),
    np.less: ("<", _COMPARE),
}


class Symbol:
    """A piece of Python source with its precedence and the names it reads."""

    __slots__ = ("names", "precedence", "text")
    __hash__ = None  # type: ignore[assignment]

    def __init__(
        self, text: str, precedence: int = _ATOM, names: frozenset[str] | None = None
    ) -> None:
        self.text = text
        self.precedence = precedence
        self.names = frozenset((text,)) if names is None else names

    def within(self, precedence: int) -> str:
        """The text, in parentheses if its operator binds less tightly."""
        return self.text if self.precedence >= precedence else f"({self.text})"

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Symbol:
        if method != "__call__" or kwargs:
            raise WengertTypeError(
                f"partial: {ufunc.__name__}.{method} cannot be written as source"
            )
        if ufunc in _BINARY:
            return _binary(*_BINARY[ufunc], *inputs)
        if ufunc is np.negative:
            return Symbol("-" + inputs[0].within(_NEG), _NEG, inputs[0].names)
        return call(f"np.{ufunc.__name__}", *inputs)

    def __add__(self, o: Any) -> Symbol:
        return _binary("+", _SUM, self, o)

    def __radd__(self, o: Any) -> Symbol:
        return _binary("+", _SUM, o, self)

    def __sub__(self, o: Any) -> Symbol:
        return _binary("-", _SUM, self, o)

    def __rsub__(self, o: Any) -> Symbol:
        return _binary("-", _SUM, o, self)

    def __mul__(self, o: Any) -> Symbol:
        return _binary("*", _PRODUCT, self, o)

    def __rmul__(self, o: Any) -> Symbol:
        return _binary("*", _PRODUCT, o, self)

    def __truediv__(self, o: Any) -> Symbol:
        return _binary("/", _PRODUCT, self, o)

    def __rtruediv__(self, o: Any) -> Symbol:
        return _binary("/", _PRODUCT, o, self)

    def __pow__(self, o: Any) -> Symbol:
        return _binary("**", _POWER, self, o)

    def __eq__(self, o: Any) -> Symbol:  # type: ignore[override]
        return _binary("==", _COMPARE, self, o)

    def __gt__(self, o: Any) -> Symbol:
        return _binary(">", _COMPARE, self, o)

    def __lt__(self, o: Any) -> Symbol:
        return _binary("<", _COMPARE, self, o)

    def __neg__(self) -> Symbol:
        return Symbol("-" + self.within(_NEG), _NEG, self.names)


def source(x: Any) -> Symbol:
    """A symbol, or a number as one."""
    if isinstance(x, Symbol):
        return x
    return Symbol(repr(x), _ATOM if x >= 0 else _NEG, frozenset())


def call(name: str, *inputs: Any) -> Symbol:
    """The source of a call."""
    parts = [source(x) for x in inputs]
    names = frozenset().union(*[p.names for p in parts])
    return Symbol(f"{name}({', '.join(p.text for p in parts)})", _ATOM, names)


def _binary(operator: str, precedence: int, x: Any, y: Any) -> Symbol:
    x, y = source(x), source(y)
    left = x.within(precedence + (operator in ("**", "==", ">", "<")))
    right = y.within(precedence + (operator in ("-", "/", "*", "==", ">", "<")))
    return Symbol(f"{left} {operator} {right}", precedence, x.names | y.names)


def trace_partial(partial: Callable[..., Any] | int, arity: int) -> Symbol:
    """The source of a partial derivative in ``out`` and ``x`` (``y``, ``z`` for more operands)."""
    if isinstance(partial, int):
        return source(partial)
    inputs = [Symbol(name) for name in ("x", "y", "z")[:arity]]
    return source(partial(Symbol("out"), *inputs))
