"""Choosing between values: where, select, choose, piecewise; clip and nan_to_num."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.bind import bind
from ..core.errors import AbstractValueError, ShapeError, WengertTypeError, WengertValueError
from ..core.primitive import PRIMITIVES
from ..core.tensor import Tensor
from ..core.views import set_item
from ..rules.indexing import where_p
from .arguments import concrete, is_abstract, operand
from .dispatch import implements
from .methods import attach_method
from .shapes import broadcast_to, copied
from .ufunc_options import write_out

__all__ = ["choose", "clip", "nan_to_num", "piecewise", "select", "where"]

_NO_VALUE = np._NoValue


def _choice(x: Any) -> Any:
    """An operand whose Python numbers stay weak in promotion, as NumPy has it."""
    return x if type(x) in (int, float, complex) else operand(x)


@implements(np.where)
def where(condition: Any, x: Any = _NO_VALUE, y: Any = _NO_VALUE, /) -> Any:
    """``np.where``: elements of ``x`` or ``y``; with the condition alone, where it holds.

    Both sides are evaluated; the derivative of the one that is not chosen is exactly zero, even
    where it is infinite or NaN (a strong zero).

    Raises
    ------
    AbstractValueError
        With the condition alone, if it is abstract: the result's shape would depend on data.
    """
    if x is _NO_VALUE and y is _NO_VALUE:
        return np.nonzero(concrete(condition, "np.where(condition)"))
    if x is _NO_VALUE or y is _NO_VALUE:
        raise WengertValueError("either both or neither of x and y should be given")
    x, y = _choice(x), _choice(y)
    condition = condition if isinstance(condition, Tensor) else np.asarray(condition)
    if condition.dtype != bool:
        condition = condition != 0
    return bind(where_p, (condition, x, y), {})


@implements(np.select)
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """``np.select``: the choice of the first condition that holds."""
    if len(condlist) != len(choicelist):
        raise ShapeError("list of cases must be same length as list of conditions")
    if not len(condlist):
        raise WengertValueError("select with an empty condition list is not possible")
    choices = [_choice(c) for c in (*choicelist, default)]
    conditions = [operand(c) for c in condlist]
    for i, c in enumerate(conditions):
        if c.dtype != bool:
            raise WengertTypeError(f"invalid entry {i} in condlist: should be boolean ndarray")
    # Nested where's take the common dtype only pairwise: give it to the last one.
    dtype = np.result_type(*[c if not hasattr(c, "dtype") else c.dtype for c in choices])
    shape = np.broadcast_shapes(*[np.shape(c) for c in (*choices, *conditions)])
    result = choices.pop()
    result = result.astype(dtype) if hasattr(result, "dtype") else dtype.type(result)
    for condition, choice in zip(reversed(conditions), reversed(choices), strict=True):
        result = where(condition, choice, result)
    return result if result.shape == shape else copied(broadcast_to(result, shape))


@implements(np.choose)
def choose(a: Any, choices: Any, out: Any = None, mode: str = "raise") -> Any:
    """``np.choose``: for each entry of ``a`` the element of the choice with that number.

    Raises
    ------
    ValueError
        If an entry is out of bounds, with ``mode="raise"``.
    """
    a = operand(a)
    if a.dtype.kind not in "iub":
        raise WengertTypeError(
            f"choose: the numbers of the choices must be integers, not {a.dtype}"
        )
    a = a.astype(np.intp)
    choices = [operand(c) for c in choices]
    n = len(choices)
    if mode == "wrap":
        a = a % n
    elif mode == "clip":
        a = np.minimum(np.maximum(a, 0), n - 1)
    elif not is_abstract(a):
        value = np.asarray(concrete(a, "choose(a)"))
        if value.size and (value.min() < 0 or value.max() >= n):
            raise WengertValueError("invalid entry in choice array")
    result = choices[-1]
    for number in range(n - 2, -1, -1):
        result = where(a == number, choices[number], result)
    shape = np.broadcast_shapes(a.shape, *[c.shape for c in choices])
    dtype = np.result_type(*[c.dtype for c in choices])
    if result.dtype != dtype:
        result = result.astype(dtype)
    if result.shape != shape:
        result = broadcast_to(result, shape)
    result = copied(result) if n == 1 or result.shape == shape else result
    return result if out is None else write_out(out, result, True, "choose")


@implements(np.piecewise)
def piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Any:
    """``np.piecewise``: a function for each condition, called on the elements at which it holds.

    While recording on shapes each function is called on all elements, and the results are chosen
    with `where`.
    """
    x = operand(x)
    conditions = _conditions(x, condlist)
    if len(conditions) == len(funclist) - 1:
        otherwise = conditions[0]
        for c in conditions[1:]:
            otherwise = np.logical_or(otherwise, c)
        conditions.append(np.logical_not(otherwise))
    elif len(conditions) != len(funclist):
        n = len(conditions)
        raise WengertValueError(
            f"with {n} condition(s), either {n} or {n + 1} functions are expected"
        )
    if is_abstract(x) or any(map(is_abstract, conditions)):
        return _piecewise_everywhere(x, conditions, funclist, args, kw)
    result = np.zeros_like(x)
    for condition, function in zip(conditions, funclist, strict=True):
        mask = np.asarray(concrete(condition, "piecewise(condlist)"))
        if not callable(function):
            set_item(result, mask if mask.ndim else ..., function) if mask.any() else None
            continue
        if mask.any():
            chosen = x[mask] if mask.ndim else x
            set_item(result, mask if mask.ndim else ..., function(chosen, *args, **kw))
    return result


def _conditions(x: Any, condlist: Any) -> list[Any]:
    if isinstance(condlist, (list, tuple)):
        many = x.ndim == 0 or (
            len(condlist) > 0 and isinstance(condlist[0], (list, tuple, np.ndarray, Tensor))
        )
        conditions = list(condlist) if many else [condlist]
    else:
        many = np.ndim(condlist) > 1 or (np.ndim(condlist) == 1 and x.ndim == 0)
        conditions = list(condlist) if many else [condlist]
    result = []
    for c in conditions:
        c = operand(c)
        result.append(c if c.dtype == bool else c != 0)
    return result


def _piecewise_everywhere(x: Any, conditions: list[Any], functions: Any, args: Any, kw: Any) -> Any:
    result = np.zeros_like(x)
    for condition, function in zip(conditions, functions, strict=True):
        value: Any = function(x, *args, **kw) if callable(function) else function
        if hasattr(value, "dtype") and value.dtype != x.dtype:
            value = value.astype(x.dtype)
        result = where(condition, value, result)
    return result


# ------------------------------------------------------------------ clip


@implements(np.clip)
def clip(
    a: Any,
    a_min: Any = _NO_VALUE,
    a_max: Any = _NO_VALUE,
    out: Any = None,
    *,
    min: Any = _NO_VALUE,
    max: Any = _NO_VALUE,
    **kwargs: Any,
) -> Any:
    """``np.clip``: passes the gradient between the bounds and at them; outside, to the bound."""
    if a_min is _NO_VALUE and a_max is _NO_VALUE:
        a_min = None if min is _NO_VALUE else min
        a_max = None if max is _NO_VALUE else max
    elif a_min is _NO_VALUE or a_max is _NO_VALUE:
        missing = "a_min" if a_min is _NO_VALUE else "a_max"
        raise WengertTypeError(f"clip() missing 1 required positional argument: '{missing}'")
    elif min is not _NO_VALUE or max is not _NO_VALUE:
        raise WengertValueError(
            "Passing `min` or `max` keyword argument when `a_min` and `a_max` are provided is "
            "forbidden."
        )
    return _clipped(operand(a), a_min, a_max, out, **kwargs)


def _clipped(
    a: Any,
    low: Any,
    high: Any,
    out: Any = None,
    *,
    where: Any = True,
    dtype: Any = None,
    casting: Any = "same_kind",
    order: str = "K",
    subok: bool = True,
) -> Any:
    low, high = (None if v is None else _choice(v) for v in (low, high))
    if dtype is not None:
        a = a.astype(dtype)
    if a.dtype.kind in "iu":  # as in NumPy, where other numbers that do not fit are errors
        info = np.iinfo(a.dtype)
        low = None if type(low) is int and low <= info.min else low
        high = None if type(high) is int and high >= info.max else high
    if low is None and high is None:
        result = copied(a)
    elif a.dtype.kind == "f" or not (low is None or high is None):
        low = -np.inf if low is None else low
        high = np.inf if high is None else high
        result = bind(PRIMITIVES["clip"], (a, low, high), {})
    else:
        result = np.maximum(a, low) if high is None else np.minimum(a, high)
    if out is None and where is not True:
        raise AbstractValueError("np.clip(..., where=...) without out= leaves entries undefined")
    if isinstance(out, tuple):
        (out,) = out
    return result if out is None else write_out(out, result, where, "clip", casting, np.maximum)


def _clip_ufunc(a: Any, low: Any, high: Any) -> Any:
    """``ndarray.clip`` of a plain array with traced bounds calls this ufunc."""
    return _clipped(_choice(a), low, high)


def _clip_method(
    self: Any, min: Any = None, max: Any = None, out: Any = None, **kwargs: Any
) -> Any:
    return _clipped(self, min, max, out, **kwargs)


implements(np._core.umath.clip)(_clip_ufunc)  # type: ignore[attr-defined]
attach_method("clip", _clip_method)


# ------------------------------------------------------------------ nan_to_num


def _finite(x: Any, nan: Any, posinf: Any, neginf: Any) -> Any:
    info = np.finfo(x.dtype)
    highest: Any = info.max if posinf is None else posinf
    lowest: Any = info.min if neginf is None else neginf

    def weak(v: Any) -> Any:
        return v.astype(x.dtype) if hasattr(v, "dtype") else operand(v).astype(x.dtype)

    x = where(np.isnan(x), weak(nan), x)
    x = where(x == np.inf, weak(highest), x)
    return where(x == -np.inf, weak(lowest), x)


@implements(np.nan_to_num)
def nan_to_num(
    x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> Any:
    """``np.nan_to_num``: finite numbers for NaN and infinities, which get no gradient."""
    x = operand(x)
    if x.dtype.kind not in "fc":
        return copied(x) if copy else x
    if x.dtype.kind == "f":
        result = _finite(x, nan, posinf, neginf)
    else:
        parts = [_finite(p, nan, posinf, neginf) for p in (np.real(x), np.imag(x))]
        result = parts[0] + parts[1] * x.dtype.type(1j)
    if not copy:
        set_item(x, ..., result)
        return x
    return result if x.ndim else result[()]
