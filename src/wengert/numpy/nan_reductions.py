"""NumPy's reductions that skip NaN. The derivative with respect to a NaN that is skipped is 0."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.bind import bind
from ..core.errors import WengertValueError
from ..rules.pointwise import POINTWISE
from ..rules.reductions import argmax_p, argmin_p, nanmax_p, nanmin_p, root, sum_
from ..rules.shapes import reshape
from . import reductions, variance
from .arguments import (
    NO_VALUE,
    cast,
    deliver,
    deliver_reduction,
    flag,
    is_known,
    mask_of,
    operand,
    reduced_axes,
    select,
    warn_if_known,
)
from .dispatch import implements

__all__ = [
    "nanargmax",
    "nanargmin",
    "nanmax",
    "nanmean",
    "nanmin",
    "nanprod",
    "nanstd",
    "nansum",
    "nanvar",
]


def numbers_of(a: Any) -> Any:
    """The mask of the elements that are not NaN; None where there can be no NaN."""
    if a.dtype.kind not in "fc":
        return None
    return np.logical_not(bind(POINTWISE["isnan"], (a,), {}))


def _included(a: Any, where: Any) -> Any:
    mask, numbers = mask_of(where, a.shape), numbers_of(a)
    if mask is None or numbers is None:
        return numbers if mask is None else mask
    return np.logical_and(mask, numbers)


@implements(np.nansum)
def nansum(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = NO_VALUE,
    initial: Any = NO_VALUE,
    where: Any = NO_VALUE,
) -> Any:
    """`numpy.nansum`."""
    a = operand(a)
    a = select(numbers_of(a), a, 0)
    return reductions.sum(a, axis, dtype, out, keepdims, initial, where)


@implements(np.nanprod)
def nanprod(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = NO_VALUE,
    initial: Any = NO_VALUE,
    where: Any = NO_VALUE,
) -> Any:
    """`numpy.nanprod`."""
    a = operand(a)
    a = select(numbers_of(a), a, 1)
    return reductions.prod(a, axis, dtype, out, keepdims, initial, where)


@implements(np.nanmax)
def nanmax(
    a: Any,
    axis: Any = None,
    out: Any = None,
    keepdims: Any = NO_VALUE,
    initial: Any = NO_VALUE,
    where: Any = NO_VALUE,
) -> Any:
    """`numpy.nanmax`. Elements that tie for the maximum share the derivative evenly."""
    y = reductions.extremum("nanmax", nanmax_p, a, axis, None, keepdims, initial, where)
    return deliver_reduction(_checked(y), out, "nanmax")


@implements(np.nanmin)
def nanmin(
    a: Any,
    axis: Any = None,
    out: Any = None,
    keepdims: Any = NO_VALUE,
    initial: Any = NO_VALUE,
    where: Any = NO_VALUE,
) -> Any:
    """`numpy.nanmin`. Elements that tie for the minimum share the derivative evenly."""
    y = reductions.extremum("nanmin", nanmin_p, a, axis, None, keepdims, initial, where)
    return deliver_reduction(_checked(y), out, "nanmin")


def _checked(y: Any) -> Any:
    warn_if_known(y, lambda v: np.isnan(v).any(), "All-NaN slice encountered")
    return y


@implements(np.nanmean)
def nanmean(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = NO_VALUE,
    *,
    where: Any = NO_VALUE,
) -> Any:
    """`numpy.nanmean`."""
    a = operand(a)
    mask = _included(a, where)
    if mask is None:
        return reductions.mean(a, axis, dtype, out, keepdims)
    a = a if dtype is None else cast(a, dtype)
    y = reductions.mean_of(a, reduced_axes(a, axis), flag(keepdims), mask)
    return deliver(y, out, "nanmean")


@implements(np.nanvar)
def nanvar(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: float = 0,
    keepdims: Any = NO_VALUE,
    *,
    where: Any = NO_VALUE,
    mean: Any = NO_VALUE,
    correction: Any = NO_VALUE,
) -> Any:
    """`numpy.nanvar`."""
    ddof = variance.degrees("nanvar", ddof, correction)
    y = _variance(operand(a), axis, dtype, ddof, keepdims, where, mean)
    return deliver(y, out, "nanvar")


@implements(np.nanstd)
def nanstd(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: float = 0,
    keepdims: Any = NO_VALUE,
    *,
    where: Any = NO_VALUE,
    mean: Any = NO_VALUE,
    correction: Any = NO_VALUE,
) -> Any:
    """`numpy.nanstd`. Where all elements are equal the derivative is 0."""
    ddof = variance.degrees("nanstd", ddof, correction)
    y = _variance(operand(a), axis, dtype, ddof, keepdims, where, mean)
    return deliver(root(y), out, "nanstd")


def _variance(
    a: Any, axis: Any, dtype: Any, ddof: float, keepdims: Any, where: Any, center: Any
) -> Any:
    mask = _included(a, where)
    if mask is None:
        return variance.var(a, axis, dtype, None, ddof, keepdims, mean=center)
    a = a if dtype is None else cast(a, dtype)
    axes = reduced_axes(a, axis)
    a = select(mask, a, 0)
    count = reductions.counted(a, axes, mask)
    if center is NO_VALUE:
        with np.errstate(all="ignore"):
            center = sum_(a, axes, True) / cast(count, a.dtype)
    squares = select(mask, variance.squared_distance(a, center), 0)
    total = sum_(squares, axes, flag(keepdims))
    free = cast(reshape(count, total.shape), total.dtype) - total.dtype.type(ddof)
    warn_if_known(free, lambda v: np.any(v <= 0), "Degrees of freedom <= 0 for slice.")
    with np.errstate(all="ignore"):
        return total / np.where(free > 0, free, total.dtype.type(np.nan))


@implements(np.nanargmax)
def nanargmax(a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = NO_VALUE) -> Any:
    """`numpy.nanargmax`; the result is plain."""
    return _position(argmax_p, operand(a), axis, out, keepdims, -np.inf)


@implements(np.nanargmin)
def nanargmin(a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = NO_VALUE) -> Any:
    """`numpy.nanargmin`; the result is plain."""
    return _position(argmin_p, operand(a), axis, out, keepdims, np.inf)


def _position(primitive: Any, a: Any, axis: Any, out: Any, keepdims: Any, last: float) -> Any:
    numbers = numbers_of(a)
    if numbers is None:
        return reductions.position(primitive, a, axis, out, keepdims)
    if is_known(a) and not np.all(np.any(numbers, axis)):
        raise WengertValueError("All-NaN slice encountered")
    return reductions.position(primitive, select(numbers, a, last), axis, out, keepdims)
