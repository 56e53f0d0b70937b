"""Between which numbers the elements of a node lie, and what makes one of them NaN.

Proved from how they are computed: of what comes from outside nothing is known, but ``tanh(x)``
lies in [-1, 1] wherever it is a number, and differences and products of such values lie in
intervals of their own. Intervals are computed in double precision without care for rounding: nobody
may rely on their last places.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import inf, isfinite, pi, sqrt
from typing import NamedTuple

import numpy as np

from .ir import Node, value_of

__all__ = ["Range", "Ranges", "spreads"]


class Range(NamedTuple):
    """What is known of the elements of a node.

    Attributes
    ----------
    low, high : float
        Every element lies between them, or is NaN.
    sources : frozenset of Node
        If both are finite: wherever an element is NaN, so is that of one of these nodes, which
        have the same shape, and need not be finite themselves.
    """

    low: float
    high: float
    sources: frozenset[Node] = frozenset()

    @property
    def is_finite(self) -> bool:
        """Whether no element is infinite."""
        return isfinite(self.low) and isfinite(self.high)


_UNKNOWN = Range(-inf, inf)
_SMALL = 2.0**-100  # divisors from here on are not taken for zero, whatever is rounded
_SOURCES = 4  # more are not followed; the node stands for itself
_SEARCHED = 200  # nodes

_BOUNDED = {
    "tanh": (-1, 1), "sin": (-1, 1), "cos": (-1, 1), "erf": (-1, 1), "sign": (-1, 1),
    "sigmoid": (0, 1), "erfc": (0, 2), "arctan": (-pi / 2, pi / 2), "arctan2": (-pi, pi),
    "arcsin": (-pi / 2, pi / 2), "arccos": (0, pi),
    "abs": (0, inf), "exp": (0, inf), "exp2": (0, inf), "cosh": (1, inf), "sqrt": (0, inf),
}  # fmt: skip
"""Of functions, whatever their operands are."""

_TOTAL = frozenset((
    "neg", "add", "sub", "mul", "multiply_add", "strong", "changes", "maximum", "minimum", "select",
    "abs", "exp", "exp2", "tanh", "sigmoid", "sin", "cos", "erf", "erfc", "arctan", "sign", "cosh",
    "cast",
))  # fmt: skip
"""What is a number for all operands that are finite, unless it overflows."""

_OF_INFINITY = frozenset(("tanh", "sigmoid", "erf", "erfc", "arctan", "sign", "exp", "exp2"))
"""What is a number for infinite operands, too, or is infinite itself."""

_SPREADING = _TOTAL - {"strong", "changes", "select"} | {
    "div", "sqrt", "expm1", "log", "log1p", "arcsin", "arccos", "tan", "sinh", "arcsinh", "arctanh",
}  # fmt: skip
"""What is NaN wherever one of its operands is."""


class Ranges:
    """The ranges of nodes, each computed once."""

    def __init__(self) -> None:
        self._known: dict[Node, Range] = {}

    def of(self, node: Node) -> Range:
        """What is known of this node."""
        stack = [node]
        while stack:
            n = stack[-1]
            missing = [x for x in _looked_through(n) if x not in self._known]
            if missing and n not in self._known:
                stack += missing
                continue
            if n not in self._known:
                self._known[n] = _range(n, [self._known[x] for x in _looked_through(n)])
            stack.pop()
        return self._known[node]


def spreads(node: Node, sources: Iterable[Node]) -> bool:
    """Whether an element of the node is NaN wherever that of any of the ``sources`` is."""
    return all(_reaches(node, s) for s in sources)


def _reaches(node: Node, source: Node) -> bool:
    stack, seen = [node], {node}
    while stack and len(seen) < _SEARCHED:
        n = stack.pop()
        if n is source:
            return True
        if n.op != "map" or n.dtype.kind != "f":
            continue
        # A zero in front annihilates what follows.
        spreading = n.args[:1] if n.attrs == "strong" else n.args if n.attrs in _SPREADING else ()
        for x in spreading:
            if x.id >= source.id and x not in seen:
                seen.add(x)
                stack.append(x)
    return False


def _looked_through(n: Node) -> tuple[Node, ...]:
    """The operands that tell something of a node."""
    if n.dtype.kind != "f" or value_of(n) is not None:
        return ()
    if n.op == "map":
        return n.args[1:] if n.attrs == "select" else n.args
    if n.op in ("view", "reshape") or (n.op == "reduce" and n.attrs[0] in ("max", "min")):
        return n.args
    return ()


def _range(n: Node, operands: list[Range]) -> Range:
    if n.dtype.kind == "b":
        return Range(0, 1)
    if n.dtype.kind in "iu":
        limits = np.iinfo(n.dtype)
        return Range(int(limits.min), int(limits.max))
    if n.dtype.kind != "f":
        return _UNKNOWN
    if (value := value_of(n)) is not None:
        return Range(float(value), float(value)) if value == value else _UNKNOWN
    if not operands:
        return _UNKNOWN
    if n.op == "map":
        interval = _INTERVALS.get(n.attrs)
        low, high = interval(n, operands) if interval else _BOUNDED.get(n.attrs, (-inf, inf))
    else:
        low, high = operands[0].low, operands[0].high
    most = float(np.finfo(n.dtype).max) / 2
    low = -inf if low != low or low < -most else min(low, most)
    high = inf if high != high or high > most else max(high, -most)
    is_finite = isfinite(low) and isfinite(high)
    return Range(low, high, _sources(n, operands) if is_finite else frozenset())


def _sources(n: Node, operands: list[Range]) -> frozenset[Node]:
    """Of which nodes one is NaN where this one is; it cannot be infinite."""
    own = frozenset((n,))
    if n.op != "map":
        return own
    divides = n.attrs == "div" and _is_nonzero(operands[1])
    if not (divides or n.attrs in _TOTAL):
        return own
    found: set[Node] = set()
    for x, r in zip(_looked_through(n), operands, strict=True):
        if r.is_finite:
            found |= r.sources
        elif n.attrs in _OF_INFINITY or (divides and x is n.args[1] and operands[0].is_finite):
            found.add(x)
        else:
            return own
    return frozenset(found) if len(found) <= _SOURCES else own


def _is_nonzero(r: Range) -> bool:
    return r.low >= _SMALL or r.high <= -_SMALL


# ------------------------------------------------------------------ arithmetic on intervals

Interval = tuple[float, float]


def _times(a: float, b: float) -> float:
    return a * b if a and b else 0.0  # zero times infinity is NaN, which every range allows


def _product(a: Range, b: Range) -> Interval:
    corners = [_times(x, y) for x in (a.low, a.high) for y in (b.low, b.high)]
    return min(corners), max(corners)


def _mul(n: Node, r: list[Range]) -> Interval:
    low, high = _product(r[0], r[1])
    if n.args[0] is n.args[1]:
        return max(low, 0.0), high
    return low, high


def _multiply_add(n: Node, r: list[Range]) -> Interval:
    low, high = _product(r[0], r[1])
    return low + r[2].low, high + r[2].high


def _div(n: Node, r: list[Range]) -> Interval:
    a, b = r
    if _is_nonzero(b):
        return _product(a, Range(1 / b.high, 1 / b.low))
    return (0.0, inf) if a.low >= 0 and b.low > 0 else (-inf, inf)


def _annihilated(n: Node, r: list[Range]) -> Interval:
    low, high = _product(r[0], r[1])
    return min(low, 0.0), max(high, 0.0)


def _abs(n: Node, r: list[Range]) -> Interval:
    least = 0.0 if r[0].low <= 0 <= r[0].high else min(abs(r[0].low), abs(r[0].high))
    return least, max(abs(r[0].low), abs(r[0].high))


def _exp(n: Node, r: list[Range]) -> Interval:
    with np.errstate(all="ignore"):
        return 0.0, float(np.exp(r[0].high)) * 1.01


def _sqrt(n: Node, r: list[Range]) -> Interval:
    return sqrt(max(r[0].low, 0.0)), sqrt(max(r[0].high, 0.0))


def _cast(n: Node, r: list[Range]) -> Interval:
    return r[0].low, r[0].high


_INTERVALS: dict[str, Callable[[Node, list[Range]], Interval]] = {
    "neg": lambda n, r: (-r[0].high, -r[0].low),
    "add": lambda n, r: (r[0].low + r[1].low, r[0].high + r[1].high),
    "sub": lambda n, r: (r[0].low - r[1].high, r[0].high - r[1].low),
    "maximum": lambda n, r: (max(r[0].low, r[1].low), max(r[0].high, r[1].high)),
    "minimum": lambda n, r: (min(r[0].low, r[1].low), min(r[0].high, r[1].high)),
    "select": lambda n, r: (min(r[0].low, r[1].low), max(r[0].high, r[1].high)),
    "mul": _mul, "multiply_add": _multiply_add, "div": _div, "strong": _annihilated,
    "changes": _annihilated, "abs": _abs, "exp": _exp, "sqrt": _sqrt, "cast": _cast,
}  # fmt: skip
"""Of functions whose range depends on their operands'."""
