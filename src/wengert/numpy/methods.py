"""Operators and methods of `Tensor`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.bind import bind
from ..core.refusals import explained
from ..core.tensor import FastTensor, RareTensor, Tensor
from ..core.views import in_place, set_item, update_unrecorded
from ..rules import fast
from ..rules.contractions import matmul
from ..rules.fast_indexing import fast_getitem
from ..rules.pointwise import POINTWISE

__all__: list[str] = []

NUMBERS = fast.NUMBERS
_PYTHON_NAMES = {"add": "add", "sub": "sub", "mul": "mul", "div": "truediv", "pow": "pow"}
_GENERIC = {
    "mod": "mod", "floordiv": "floor_divide", "and": "bitwise_and", "or": "bitwise_or",
    "xor": "bitwise_xor", "lshift": "left_shift", "rshift": "right_shift",
}  # fmt: skip
_COMPARISONS = {
    "eq": "equal", "ne": "not_equal", "lt": "less", "le": "less_equal", "gt": "greater",
    "ge": "greater_equal",
}  # fmt: skip


def _is_operand(y: Any) -> bool:
    return isinstance(y, Tensor) or isinstance(y, NUMBERS)


def _power(x: Any, y: Any) -> Any:
    if type(y) is int and y == 2:  # what NumPy does for arrays, too
        return fast.square(x)
    return fast.op_pow(x, y) if type(x) is FastTensor else fast.slow_pow(x, y)


def _attach_fast() -> None:
    for name, op, rop, slow, slow_r in fast.OPERATORS:
        python = _PYTHON_NAMES[name]
        forward = _power if name == "pow" else op
        setattr(FastTensor, f"__{python}__", forward)
        setattr(FastTensor, f"__r{python}__", rop)
        setattr(RareTensor, f"__{python}__", _power if name == "pow" else slow)
        setattr(RareTensor, f"__r{python}__", slow_r)


def _binary(name: str) -> Callable[[Any, Any], Any]:
    primitive = POINTWISE[name]

    def operator(x: Any, y: Any) -> Any:
        return bind(primitive, (x, y), {}) if _is_operand(y) else NotImplemented

    return operator


def _attach_generic() -> None:
    for python, name in _GENERIC.items():
        operator = _binary(name)
        setattr(Tensor, f"__{python}__", operator)
        setattr(Tensor, f"__r{python}__", _reflected(operator))
    for python, name in _COMPARISONS.items():
        setattr(Tensor, f"__{python}__", _binary(name))
    cls: Any = Tensor
    cls.__neg__ = lambda x: fast.neg(x)
    cls.__pos__ = lambda x: bind(POINTWISE["positive"], (x,), {})
    cls.__abs__ = lambda x: np.absolute(x)
    cls.__invert__ = lambda x: bind(POINTWISE["invert"], (x,), {})
    cls.__matmul__ = matmul
    cls.__rmatmul__ = lambda y, x: matmul(x, y)
    cls.__divmod__ = lambda x, y: (x // y, x % y)
    cls.__rdivmod__ = lambda y, x: (x // y, x % y)
    cls.__getitem__ = fast_getitem
    cls.__setitem__ = set_item
    cls.__hash__ = object.__hash__
    for sub in (FastTensor, RareTensor):
        sub.__hash__ = object.__hash__


def _reflected(operator: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def reflected(y: Any, x: Any) -> Any:
        if not isinstance(x, NUMBERS):
            return NotImplemented
        return operator(x, y)

    return reflected


def _attach_in_place() -> None:
    def make(python: str, ufunc: Any) -> Callable[[Any, Any], Any]:
        forward = f"__{python}__"

        def operation(x: Any, y: Any) -> Any:
            return getattr(type(x), forward)(x, y)

        def assignment(x: Any, y: Any) -> Any:
            if ufunc is not None and update_unrecorded(x, y, ufunc):
                return x
            return in_place(x, y, operation)

        return assignment

    ufuncs = {python: POINTWISE[name].evaluate for name, python in _PYTHON_NAMES.items()}
    for python in (*ufuncs, *_GENERIC, "matmul"):
        setattr(Tensor, f"__i{python}__", make(python, ufuncs.get(python)))


# Called so often that a wrapper would be felt; `bind` explains most of what they refuse.
_FREQUENT = frozenset(
    {"sum", "mean", "max", "min", "exp", "log", "reshape", "transpose", "astype", "copy", "item"}
)


def attach_method(name: str, method: Any) -> None:
    """Give Tensor a method (or property), with errors that name it and the operand's shape."""
    if not isinstance(method, property) and name not in _FREQUENT and name[0] != "_":
        method = _with_explanations(name, method)
    setattr(Tensor, name, method)


def _with_explanations(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def explaining(*args: Any, **kwargs: Any) -> Any:
        try:
            return method(*args, **kwargs)
        except (ValueError, TypeError, IndexError) as error:
            better = explained(error, f"x.{name}", (args, kwargs))
            if better is error:
                raise
            raise better from None

    return explaining


_attach_generic()
_attach_fast()
_attach_in_place()
