"""Reductions, cumulative operations, those that skip NaN, and sorting."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.differential.steps.table import (
    Family,
    Parameters,
    axes,
    distinct,
    one_axis,
    one_axis_distinct,
    only_if,
    positive,
    when,
)

reductions = Family("reductions")


def _spread(x: np.ndarray, axis: Any, keepdims: bool) -> Any:
    return np.std(x, axis=axis) > 0.1


for _name, _propose in {
    "sum": axes,
    "mean": axes,
    "prod": only_if(axes, lambda x, **_: (abs(x) > 0.1) & (abs(x) < 3)),
    "max": only_if(axes, lambda x, **_: distinct(x)),
    "min": only_if(axes, lambda x, **_: distinct(x)),
    "var": axes,
    "std": only_if(axes, _spread),
}.items():
    reductions.add(
        _name,
        1,
        lambda xp, x, axis, keepdims, _name=_name: getattr(xp, _name)(
            x, axis=axis, keepdims=keepdims
        ),
        _propose,
    )


@reductions.step("ptp", 1, only_if(one_axis, lambda x, **_: distinct(x)))
def _ptp(xp: Any, x: Any, axis: int) -> Any:
    return xp.ptp(x, axis=axis)


@reductions.step("average", 1, one_axis)
def _average(xp: Any, x: Any, axis: int) -> Any:
    """With weights that depend on x as well."""
    return xp.average(x, axis=axis, weights=positive(xp, x))


@reductions.step("argmax_gather", 1, one_axis_distinct)
def _argmax_gather(xp: Any, x: Any, axis: int) -> Any:
    where = xp.expand_dims(xp.argmax(x, axis=axis), axis)
    return xp.sin(xp.take_along_axis(x, where, axis=axis))


@reductions.step("softmax_by_hand", 1, one_axis_distinct)
def _softmax_by_hand(xp: Any, x: Any, axis: int) -> Any:
    shifted = xp.exp(x - xp.max(x, axis=axis, keepdims=True))
    return shifted / xp.sum(shifted, axis=axis, keepdims=True)


# ------------------------------------------------------------------ cumulative

cumulative = Family("cumulative")

cumulative.add("cumsum", 1, lambda xp, x, axis: xp.cumsum(x, axis=axis), one_axis)


@cumulative.step("cumprod", 1, one_axis)
def _cumprod(xp: Any, x: Any, axis: int) -> Any:
    return xp.cumprod(positive(xp, x), axis=axis)


@cumulative.step("cumprod_of_signs", 1, one_axis)
def _cumprod_of_signs(xp: Any, x: Any, axis: int) -> Any:
    """Factors of both signs, possibly near zero."""
    return xp.cumprod(xp.sin(x), axis=axis)


@cumulative.step("cumulative_maximum", 1, one_axis_distinct)
def _cumulative_maximum(xp: Any, x: Any, axis: int) -> Any:
    return xp.accumulate("maximum", x, axis)


@cumulative.step("cumulative_minimum", 1, one_axis_distinct)
def _cumulative_minimum(xp: Any, x: Any, axis: int) -> Any:
    return xp.accumulate("minimum", x, axis)


def _differences(rng: np.random.Generator, x: np.ndarray) -> Parameters | None:
    found = one_axis(rng, x)
    return found and {**found, "n": int(rng.integers(1, 3))}


@cumulative.step("diff", 1, only_if(_differences, lambda x, n, axis: x.shape[axis] > n))
def _diff(xp: Any, x: Any, n: int, axis: int) -> Any:
    return xp.diff(x, n=n, axis=axis)


_long_axis = only_if(one_axis, lambda x, axis: x.shape[axis] > 2)


@cumulative.step("gradient", 1, _long_axis)
def _gradient(xp: Any, x: Any, axis: int) -> Any:
    return xp.gradient(x, 0.7, axis=axis)


@cumulative.step("trapezoid", 1, _long_axis)
def _trapezoid(xp: Any, x: Any, axis: int) -> Any:
    return xp.trapezoid(x, dx=0.3, axis=axis)


@cumulative.step("trapezoid_of_points", 2, when(lambda x, y: x.ndim == 1 and x.shape == y.shape))
def _trapezoid_of_points(xp: Any, x: Any, y: Any) -> Any:
    """Where the abscissas are differentiated too."""
    return xp.trapezoid(y, x)


# ------------------------------------------------------------------ skipping NaN

nan_functions = Family("nan-functions")


def _holes(rng: np.random.Generator, x: np.ndarray) -> Parameters | None:
    """Which entries become NaN; at least two in each row and column stay."""
    if x.ndim == 0 or min(x.shape) < 3:
        return None
    holes = np.zeros(x.shape, bool)
    if x.ndim == 1:
        holes[rng.integers(x.size)] = True
    else:
        for row in range(min(x.shape[-2:])):
            holes[..., row, (row + 1) % x.shape[-1]] = bool(rng.integers(2))
    axis = [None, *range(x.ndim)][rng.integers(x.ndim + 1)]
    return {"holes": holes, "axis": axis}


def _spread_without_holes(x: np.ndarray, holes: np.ndarray, axis: Any) -> Any:
    return np.nanstd(np.where(holes, np.nan, x), axis=axis) > 0.1


for _name in ("nansum", "nanmean", "nanmax", "nanmin", "nanprod", "nanvar", "nanstd"):
    _proposal = only_if(_holes, lambda x, **_: distinct(x) & (abs(x) < 3))
    nan_functions.add(
        _name,
        1,
        lambda xp, x, holes, axis, _name=_name: getattr(xp, _name)(
            xp.where(xp.constant(holes), np.nan, x), axis=axis
        ),
        only_if(_proposal, _spread_without_holes),
    )


@nan_functions.step("nancumsum", 1, only_if(_holes, lambda x, axis, **_: axis is not None))
def _nancumsum(xp: Any, x: Any, holes: Any, axis: int) -> Any:
    return xp.nancumsum(xp.where(xp.constant(holes), np.nan, x), axis=axis)


@nan_functions.step("nanmedian", 1, only_if(_holes, lambda x, **_: distinct(x)))
def _nanmedian(xp: Any, x: Any, holes: Any, axis: Any) -> Any:
    return xp.nanmedian(xp.where(xp.constant(holes), np.nan, x), axis=axis)


@nan_functions.step("nanquantile", 1, only_if(_holes, lambda x, **_: distinct(x)))
def _nanquantile(xp: Any, x: Any, holes: Any, axis: Any) -> Any:
    return xp.nanquantile(xp.where(xp.constant(holes), np.nan, x), 0.4, axis=axis)


@nan_functions.step("nan_to_num", 1, _holes)
def _nan_to_num(xp: Any, x: Any, holes: Any, axis: Any) -> Any:
    return xp.nan_to_num(xp.where(xp.constant(holes), np.nan, x * x), nan=0.5)


# ------------------------------------------------------------------ sorting

sorting = Family("sorting")

sorting.add("sort", 1, lambda xp, x, axis: xp.sort(x, axis=axis), one_axis_distinct)


@sorting.step("argsort_gather", 1, one_axis_distinct)
def _argsort_gather(xp: Any, x: Any, axis: int) -> Any:
    """Sorts the sines by the order of x."""
    return xp.take_along_axis(xp.sin(x), xp.argsort(x, axis=axis), axis=axis)


@sorting.step("rank_weights", 1, one_axis_distinct)
def _rank_weights(xp: Any, x: Any, axis: int) -> Any:
    return x * xp.argsort(xp.argsort(x, axis=axis), axis=axis)


@sorting.step("median", 1, only_if(axes, lambda x, **_: distinct(x)))
def _median(xp: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    return xp.median(x, axis=axis, keepdims=keepdims)


def _levels(rng: np.random.Generator, x: np.ndarray) -> Parameters | None:
    # Levels that fall between two order statistics of 3, 4, 9, 18 and so on values.
    found = one_axis_distinct(rng, x)
    return found and {**found, "q": [0.15, 0.4, 0.85][rng.integers(3)]}


@sorting.step("quantile", 1, _levels)
def _quantile(xp: Any, x: Any, q: float, axis: int) -> Any:
    return xp.quantile(x, q, axis=axis)


@sorting.step("percentiles", 1, one_axis_distinct)
def _percentiles(xp: Any, x: Any, axis: int) -> Any:
    """Several, by another interpolation."""
    return xp.percentile(x, np.array([20.0, 60.0]), axis=axis, method="lower")


@sorting.step("partition", 1, only_if(one_axis_distinct, lambda x, axis: x.shape[axis] > 2))
def _partition(xp: Any, x: Any, axis: int) -> Any:
    """The second smallest: the order of the others is not defined."""
    return xp.take(xp.partition(x, 1, axis=axis), np.array([1]), axis=axis)


@sorting.step("largest_two", 1, only_if(one_axis_distinct, lambda x, axis: x.shape[axis] > 2))
def _largest_two(xp: Any, x: Any, axis: int) -> Any:
    return xp.take(xp.flip(xp.sort(x, axis=axis), axis), np.array([0, 1]), axis=axis)


@sorting.step("searchsorted_lookup", 2, when(lambda x, y: x.shape == y.shape in ((3,), (4,))))
def _searchsorted_lookup(xp: Any, x: Any, y: Any) -> Any:
    """A table looked up by bins of y."""
    bins = xp.searchsorted(xp.constant(np.array([-0.5, 0.5])), y)
    return x[bins] * y
