"""Medians, quantiles and percentiles, as functions of the sorted array.

Hyndman and Fan, Sample quantiles in statistical packages, American Statistician 50 (1996), 361-365,
number the methods; the names are NumPy's.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.bind import bind
from ..core.errors import WengertTypeError, WengertValueError
from ..rules.indexing import getitem_p, where_p
from ..rules.reductions import kept_shape
from ..rules.shapes import reshape, transpose
from ..rules.sorting import sort_p
from . import reductions
from .arguments import (
    NO_VALUE,
    as_scalar,
    cast,
    concrete,
    deliver,
    deliver_reduction,
    flag,
    floating,
    is_known,
    operand,
    reduced_axes,
)
from .dispatch import implements
from .nan_reductions import numbers_of
from .sorting import pick

__all__ = ["median", "nanmedian", "nanpercentile", "nanquantile", "percentile", "quantile"]


def _sorted_last(a: Any, axes: tuple[int, ...]) -> Any:
    """``a`` sorted over ``axes``, which become one last axis."""
    return bind(sort_p, (_joined(a, axes),), {"axis": a.ndim - len(axes)})


def _joined(a: Any, axes: tuple[int, ...]) -> Any:
    """``a`` with ``axes`` as one last axis."""
    order = (*(i for i in range(a.ndim) if i not in axes), *axes)
    if order != tuple(range(a.ndim)):
        a = transpose(a, order)
    if len(axes) != 1:
        a = reshape(a, (*a.shape[: a.ndim - len(axes)], -1 if a.size else 0))
    return a


def _element(s: Any, i: int) -> Any:
    """``s[..., i]``, not a view that follows later writes."""
    return bind(getitem_p, (s,), {"template": (Ellipsis, i)}, False)


def _nan_where(bad: Any, y: Any) -> Any:
    """``y`` with NaN where ``bad``."""
    return bind(where_p, (bad, y.dtype.type(np.nan), y), {}) if not _surely_false(bad) else y


def _surely_false(bad: Any) -> bool:
    return is_known(bad) and not np.any(bad)


# ------------------------------------------------------------------ median


@implements(np.median)
def median(
    a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: Any = False
) -> Any:
    """`numpy.median`. Elements that tie for the middle share the derivative evenly."""
    a = floating(operand(a))
    axes = reduced_axes(a, axis)
    s = _sorted_last(a, axes)
    n = s.shape[-1]
    if n == 0:
        return deliver(reductions.mean(a, axis, keepdims=keepdims), out, "median")
    y = _element(s, n // 2)
    if n % 2 == 0:
        y = (_element(s, n // 2 - 1) + y) / y.dtype.type(2)
    last = _element(s, n - 1)
    y = _nan_where(np.not_equal(last, last), y)
    return deliver_reduction(as_scalar(_with_axes(y, a, axes, keepdims, 0)), out, "median")


def _with_axes(y: Any, a: Any, axes: tuple[int, ...], keepdims: Any, lead: int) -> Any:
    if not flag(keepdims):
        return y
    return reshape(y, (*y.shape[:lead], *kept_shape(a.shape, axes)))


@implements(np.nanmedian)
def nanmedian(
    a: Any,
    axis: Any = None,
    out: Any = None,
    overwrite_input: bool = False,
    keepdims: Any = NO_VALUE,
) -> Any:
    """`numpy.nanmedian`. Elements that tie for the middle share the derivative evenly."""
    a = floating(operand(a))
    return deliver(_quantile(a, 0.5, axis, "linear", keepdims, True), out, "nanmedian")


# ------------------------------------------------------------------ places in the sorted array
# Each method gives, for n sorted elements and quantiles q, the virtual index between two of them
# and how far (gamma) to go from the one to the other; gamma None: the index is an element's.


def _continuous(alpha: float, beta: float) -> Callable[..., tuple[Any, Any]]:
    def place(n: Any, q: Any) -> tuple[Any, Any]:
        virtual = n * q + (alpha + q * (1 - alpha - beta)) - 1
        return virtual, virtual - np.floor(virtual)

    return place


def _linear(n: Any, q: Any) -> tuple[Any, Any]:
    virtual = (n - 1) * q
    if q.dtype.kind in "iu":
        return virtual, None
    return virtual, virtual - np.floor(virtual)


def _midpoint(n: Any, q: Any) -> tuple[Any, Any]:
    virtual = (n - 1) * q
    between = np.not_equal(np.floor(virtual), virtual)
    return np.floor(virtual), 0.5 * _number(between, q)


def _averaged(n: Any, q: Any) -> tuple[Any, Any]:
    virtual = n * q - 1
    between = np.not_equal(np.floor(virtual), virtual)
    return np.floor(virtual), 0.5 + 0.5 * _number(between, q)


def _number(condition: Any, like: Any) -> Any:
    return cast(operand(condition), like.dtype)


def _inverted(n: Any, q: Any) -> tuple[Any, Any]:
    return np.maximum(np.ceil(n * q - 1), 0), None


def _closest(n: Any, q: Any) -> tuple[Any, Any]:
    # A half goes to the even order statistic (counted from one).
    virtual = n * q - 1.5
    down = np.logical_and(np.equal(np.floor(virtual), virtual), np.equal(np.floor(virtual) % 2, 1))
    return np.maximum(np.floor(virtual) + 1 - _number(down, q), 0), None


METHODS: dict[str, Callable[..., tuple[Any, Any]]] = {
    "inverted_cdf": _inverted,
    "averaged_inverted_cdf": _averaged,
    "closest_observation": _closest,
    "interpolated_inverted_cdf": _continuous(0, 1),
    "hazen": _continuous(0.5, 0.5),
    "weibull": _continuous(0, 0),
    "linear": _linear,
    "median_unbiased": _continuous(1 / 3, 1 / 3),
    "normal_unbiased": _continuous(3 / 8, 3 / 8),
    "lower": lambda n, q: (np.floor((n - 1) * q), None),
    "higher": lambda n, q: (np.ceil((n - 1) * q), None),
    "midpoint": _midpoint,
    "nearest": lambda n, q: (np.rint((n - 1) * q), None),
}


# ------------------------------------------------------------------ quantiles


@implements(np.quantile)
def quantile(
    a: Any,
    q: Any,
    axis: Any = None,
    out: Any = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: Any = False,
    *,
    weights: Any = None,
) -> Any:
    """`numpy.quantile`; differentiable in ``a``, and in ``q`` with the methods that interpolate.

    With ``weights`` (method ``"inverted_cdf"``) it is a step function of them: their derivative is
    zero.
    """
    return deliver(_quantile(a, q, axis, method, keepdims, False, weights), out, "quantile")


@implements(np.percentile)
def percentile(
    a: Any,
    q: Any,
    axis: Any = None,
    out: Any = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: Any = False,
    *,
    weights: Any = None,
) -> Any:
    """`numpy.percentile`; see `quantile`."""
    return deliver(
        _quantile(a, _of_hundred(q), axis, method, keepdims, False, weights), out, "percentile"
    )


@implements(np.nanquantile)
def nanquantile(
    a: Any,
    q: Any,
    axis: Any = None,
    out: Any = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: Any = NO_VALUE,
    *,
    weights: Any = None,
) -> Any:
    """`numpy.nanquantile`; see `quantile`."""
    return deliver(_quantile(a, q, axis, method, keepdims, True, weights), out, "nanquantile")


@implements(np.nanpercentile)
def nanpercentile(
    a: Any,
    q: Any,
    axis: Any = None,
    out: Any = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: Any = NO_VALUE,
    *,
    weights: Any = None,
) -> Any:
    """`numpy.nanpercentile`; see `quantile`."""
    return deliver(
        _quantile(a, _of_hundred(q), axis, method, keepdims, True, weights), out, "nanpercentile"
    )


def _of_hundred(q: Any) -> Any:
    if type(q) in (int, float):
        return q / 100
    return operand(q) / 100


def _quantile(
    a: Any,
    q: Any,
    axis: Any,
    method: str,
    keepdims: Any,
    skip_nan: bool,
    weights: Any = None,
) -> Any:
    """Quantiles over ``axis``; the axis of ``q``, if it has one, comes first."""
    a = operand(a)
    if a.dtype.kind == "c":
        raise WengertTypeError("a must be an array of real numbers")
    if method not in METHODS:
        raise WengertValueError(f"{method!r} is not a valid method. Use one of: {list(METHODS)}")
    weak = type(q) in (int, float)  # a Python number leaves the dtype to ``a``
    q = _checked(operand(q))
    if q.ndim > 1:  # what is said of a row holds for any number of axes
        y = _quantile(a, reshape(q, (-1,)), axis, method, keepdims, skip_nan, weights)
        return reshape(y, (*q.shape, *y.shape[1:]))
    axes = reduced_axes(a, axis)
    if weights is not None:
        weights = _checked_weights(weights, a, axis, axes, method)
    s = _sorted_last(a, axes)
    rest, n = s.shape[:-1], s.shape[-1]
    if n == 0 or not a.size:
        return reductions.mean(a, axis, keepdims=keepdims)
    if q.ndim:
        q = reshape(q, (*q.shape, *(1,) * len(rest)))
    numbers = numbers_of(a) if skip_nan else None
    if numbers is not None:
        n = cast(np.sum(numbers, axes), np.result_type(q.dtype, np.float32))
    if weights is None:
        virtual, gamma = METHODS[method](n, q)
    else:
        virtual, useless = _weighted(_joined(a, axes), weights, q, skip_nan)
        gamma = None
    if weak and gamma is not None and a.dtype.kind == "f":
        gamma = cast(operand(gamma), a.dtype)
    y = _interpolated(s, virtual, gamma, n)
    if weights is not None and y.dtype.kind == "f":
        y = _nan_where(useless, y)
    last = _element(s, s.shape[-1] - 1)
    if not skip_nan:
        y = _nan_where(np.not_equal(last, last), y)
    elif is_known(y) and np.isnan(concrete(y, "np.nanquantile")).any():
        warnings.warn("All-NaN slice encountered", RuntimeWarning, stacklevel=4)
    return as_scalar(_with_axes(y, a, axes, keepdims, int(q.ndim > 0)))


def _checked_weights(weights: Any, a: Any, axis: Any, axes: tuple[int, ...], method: str) -> Any:
    """The weights of all elements of ``a``, with ``axes`` as one last axis."""
    if method != "inverted_cdf":
        raise WengertValueError(f"Only method 'inverted_cdf' supports weights. Got: {method}.")
    w = operand(weights)
    if w.shape != a.shape:
        given = axis if isinstance(axis, (tuple, list)) else (axis,)
        if axis is None:
            raise WengertTypeError("Axis must be specified when shapes of a and weights differ.")
        given = [range(a.ndim)[i] for i in given]
        if w.shape != tuple([a.shape[i] for i in given]):
            raise WengertValueError(
                "Shape of weights must be consistent with shape of a along specified axis."
            )
        w = transpose(w, tuple(np.argsort(given).tolist()))
        w = reshape(w, tuple([n if i in axes else 1 for i, n in enumerate(a.shape)]))
        w = np.broadcast_to(w, a.shape)
    if is_known(w) and np.any(concrete(w, "weights") < 0):
        raise WengertValueError("Weights must be non-negative.")
    return _joined(w, axes)


def _weighted(a: Any, weights: Any, q: Any, skip_nan: bool) -> tuple[Any, Any]:
    """Where in the sorted rows of ``a`` the weights up to there reach the share ``q`` of all.

    Second, the rows whose weights have no sum to take a share of.
    """
    if skip_nan:
        weights = np.where(np.not_equal(a, a), 0, weights)
    order = np.argsort(a, axis=-1)
    reached = np.cumsum(np.take_along_axis(weights, order, -1), -1, dtype=np.float64)
    total = reached[..., -1:]
    empty = np.all(np.not_equal(a, a), -1, keepdims=True) if skip_nan else False
    useless = np.logical_not(np.logical_or(np.logical_and(total > 0, total < np.inf), empty))
    if is_known(useless) and np.any(useless):
        raise WengertValueError("Weights included NaN, inf or were all zero.")
    share = reached / np.where(np.logical_or(useless, empty), 1.0, total)
    if q.dtype.kind == "f":
        share = cast(share, q.dtype)
    # What has no weight before the first that has some is passed over, also for q = 0.
    below = np.logical_or(share < q[..., None], share == 0)
    count = a.shape[-1]
    if skip_nan:
        count = np.sum(np.equal(a, a), -1)
    index = np.minimum(np.sum(below, -1), np.maximum(count - 1, 0))
    return index, useless[..., 0]


def _checked(q: Any) -> Any:
    """The quantiles, of which there may be one or an array."""
    values = concrete(q, "q") if is_known(q) else np.zeros(1)
    if not (np.all(values >= 0) and np.all(values <= 1)):
        raise WengertValueError("Quantiles must be in the range [0, 1]")
    return q


def _interpolated(s: Any, virtual: Any, gamma: Any, n: Any) -> Any:
    """The values at virtual indices of the sorted ``s``, which holds ``n`` numbers in each row."""
    last = np.maximum(n - 1, 0)
    floor = np.floor(virtual)
    below = _take_last(s, np.minimum(np.maximum(floor, 0), last))
    if gamma is None:
        return below
    # Beyond the sample both are the same element, and there is nothing to interpolate.
    above = _take_last(s, np.minimum(np.maximum(floor + 1, 0), last))
    # From the nearer side, as NumPy does; the difference is in the rounding.
    nearer = np.greater_equal(gamma, 0.5)
    start = bind(where_p, (nearer, above, below), {})
    return start + (above - below) * bind(where_p, (nearer, gamma - 1, gamma), {})


def _take_last(s: Any, index: Any) -> Any:
    """``s[r, index[..., r]]`` for every row r: positions in the last axis, by row."""
    index = cast(operand(index), np.intp)
    if is_known(index) and not index.ndim:
        return _element(s, int(concrete(index, "q")))
    rest = s.shape[:-1]
    rows = [np.arange(n).reshape((n,) + (1,) * (len(rest) - i - 1)) for i, n in enumerate(rest)]
    return pick(s, (*rows, index))
