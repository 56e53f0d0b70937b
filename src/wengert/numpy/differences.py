"""NumPy's finite differences, integrals and interpolation of sampled functions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from ..core.bind import bind
from ..core.errors import ShapeError, WengertTypeError, WengertValueError
from ..rules.batching import ndim_of
from ..rules.cumulative import section
from ..rules.indexing import where_p
from ..rules.reductions import sum_
from ..rules.shapes import broadcast_to, reshape
from ..rules.sorting import searchsorted_p
from .arguments import NO_VALUE, cast, floating, is_known, operand, raveled
from .dispatch import implements
from .sorting import pick

__all__ = ["diff", "ediff1d", "gradient", "interp", "trapezoid"]


# ------------------------------------------------------------------ differences


@implements(np.diff)
def diff(
    a: Any, n: int = 1, axis: int = -1, prepend: Any = NO_VALUE, append: Any = NO_VALUE
) -> Any:
    """`numpy.diff`."""
    if n == 0:
        return a
    if n < 0:
        raise WengertValueError(f"np.diff: order must be non-negative but got {n}")
    a = operand(a)
    if a.ndim == 0:
        raise ShapeError("diff requires input that is at least one dimensional")
    axis = normalize_axis_index(axis, a.ndim)
    edges = [_edge(e, a, axis) for e in (prepend, append)]
    parts = [p for p in (edges[0], a, edges[1]) if p is not None]
    if len(parts) > 1:
        a = np.concatenate(parts, axis)
    for _ in range(n):
        a = _step(a, axis)
    return a


def _step(a: Any, axis: int) -> Any:
    later, earlier = section(a, axis, 1, None), section(a, axis, None, -1)
    return np.not_equal(later, earlier) if a.dtype.kind == "b" else later - earlier


def _edge(e: Any, a: Any, axis: int) -> Any:
    if e is NO_VALUE:
        return None
    e = operand(e)
    shape = (*a.shape[:axis], 1, *a.shape[axis + 1 :])
    return broadcast_to(e, shape) if e.ndim == 0 else e


@implements(np.ediff1d)
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    """`numpy.ediff1d`."""
    a = raveled(operand(ary))
    y = _step(a, 0) if a.size else a
    parts = [y]
    for place, name, e in ((0, "to_begin", to_begin), (2, "to_end", to_end)):
        if e is None:
            continue
        e = raveled(operand(e))
        if not np.can_cast(e.dtype, a.dtype, "same_kind"):
            raise WengertTypeError(
                f"dtype of `{name}` must be compatible with input `ary` under the `same_kind` rule."
            )
        parts.insert(place, cast(e, a.dtype))
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


# ------------------------------------------------------------------ gradient on a grid


@implements(np.gradient)
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """`numpy.gradient`; differentiable in the samples and in the spacings."""
    f = operand(f)
    axes = tuple(range(f.ndim)) if axis is None else normalize_axis_tuple(axis, f.ndim)
    spacings = _spacings(f, axes, varargs)
    if edge_order > 2:
        raise ShapeError("'edge_order' greater than 2 not supported")
    f = floating(f)
    results = []
    for i, h in zip(axes, spacings, strict=True):
        if f.shape[i] < edge_order + 1:
            raise ShapeError(
                "Shape of array too small to calculate a numerical gradient, at least "
                "(edge_order + 1) elements are required."
            )
        results.append(cast(_gradient_along(f, h, i, edge_order), f.dtype))
    return results[0] if len(results) == 1 else tuple(results)


def _spacings(f: Any, axes: tuple[int, ...], varargs: tuple[Any, ...]) -> list[Any]:
    """For each axis the distance between samples, or the array of distances."""
    if not varargs:
        return [1.0] * len(axes)
    if len(varargs) == 1 and ndim_of(varargs[0]) == 0:
        return list(varargs) * len(axes)
    if len(varargs) != len(axes):
        raise WengertTypeError("invalid number of arguments")
    spacings = []
    for i, x in zip(axes, varargs, strict=True):
        if ndim_of(x) == 0:
            spacings.append(x)
            continue
        x = operand(x)
        if x.ndim != 1:
            raise ShapeError("distances must be either scalars or 1d")
        if x.shape[0] != f.shape[i]:
            raise ShapeError(
                "when 1d, distances must match the length of the corresponding dimension"
            )
        spacings.append(_step(floating(x), 0))
    return spacings


def _gradient_along(f: Any, h: Any, axis: int, edge_order: int) -> Any:
    """Second-order differences inside, differences of order ``edge_order`` at the two ends."""
    uniform = ndim_of(h) == 0

    def at(i: int) -> Any:
        return section(f, axis, i, i + 1 if i != -1 else None)

    def spacing(i: int) -> Any:
        return h if uniform else h[i]

    if edge_order == 1:
        first = (at(1) - at(0)) / spacing(0)
        last = (at(-1) - at(-2)) / spacing(-1)
    else:
        a, b, c = _one_sided(spacing(0), spacing(1) if not uniform else h)
        first = a * at(0) + b * at(1) + c * at(2)
        a, b, c = _one_sided(spacing(-1), spacing(-2) if not uniform else h)
        last = -(c * at(-3) + b * at(-2) + a * at(-1))
    return np.concatenate((first, _inside(f, h, axis, uniform), last), axis)


def _one_sided(h: Any, k: Any) -> tuple[Any, Any, Any]:
    """Weights of three samples, at distances ``h`` and ``k``, for the derivative at the first."""
    return -(2.0 * h + k) / (h * (h + k)), (h + k) / (h * k), -h / (k * (h + k))


def _inside(f: Any, h: Any, axis: int, uniform: bool) -> Any:
    before, after = section(f, axis, None, -2), section(f, axis, 2, None)
    if uniform:
        return (after - before) / (2.0 * h)
    here = section(f, axis, 1, -1)
    shape = (-1,) + (1,) * (f.ndim - axis - 1)
    h, k = reshape(section(h, 0, None, -1), shape), reshape(section(h, 0, 1, None), shape)
    return -k / (h * (h + k)) * before + (k - h) / (h * k) * here + h / (k * (h + k)) * after


# ------------------------------------------------------------------ trapezoid


@implements(np.trapezoid)
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """`numpy.trapezoid`; differentiable in the samples and in their places."""
    y = operand(y)
    along = normalize_axis_index(axis, y.ndim)
    width = dx
    if x is not None:
        x = operand(x)
        if x.ndim == 1:
            width = reshape(_step(x, 0), (-1,) + (1,) * (y.ndim - along - 1))
        else:
            width = diff(x, axis=axis)
    area = width * (section(y, along, 1, None) + section(y, along, None, -1)) / 2.0
    return sum_(area, (normalize_axis_index(axis, area.ndim),))


# ------------------------------------------------------------------ interpolation


@implements(np.interp)
def interp(
    x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Any:
    """`numpy.interp`; differentiable in ``x``, ``xp`` and ``fp``.

    At a knot the derivative with respect to ``x`` is the slope of the interval on its right; at the
    last knot, of the one on its left.
    """
    x, xp, fp = (operand(v) for v in (x, xp, fp))
    if xp.ndim != 1 or fp.ndim != 1:
        raise ShapeError("Data points must be 1-D sequences")
    if xp.size != fp.size:
        raise WengertValueError("fp and xp are not of the same length.")
    if not xp.size and not x.size:  # as NumPy does from 2.5 on
        return cast(x, np.complex128 if fp.dtype.kind == "c" else np.float64)
    if not xp.size:
        raise WengertValueError("array of sample points is empty")
    x, xp = cast(x, np.float64), cast(xp, np.float64)
    fp = cast(fp, np.complex128 if fp.dtype.kind == "c" else np.float64)
    if period is not None:
        x, xp, fp = _wrapped(x, xp, fp, period)
        left = right = None
    first, last = xp[0], xp[-1]
    y = _between(x, xp, fp) if xp.size > 1 else broadcast_to(fp[0], x.shape)
    y = bind(where_p, (np.greater(x, last), fp[-1] if right is None else right, y), {})
    y = bind(where_p, (np.less(x, first), fp[0] if left is None else left, y), {})
    return y if y.ndim else y[()]


def _between(x: Any, xp: Any, fp: Any) -> Any:
    found = bind(searchsorted_p, (xp, x), {"side": "right"})
    i = np.minimum(np.maximum(found, 1), xp.size - 1) - 1
    x0, x1, f0, f1 = pick(xp, i), pick(xp, i + 1), pick(fp, i), pick(fp, i + 1)
    width = x1 - x0
    # Knots that coincide make a jump; the value is the one on its right.
    jump = np.equal(width, 0)
    slope = (f1 - f0) / bind(where_p, (jump, 1.0, width), {})
    return bind(where_p, (jump, f1, slope * (x - x0) + f0), {})


def _wrapped(x: Any, xp: Any, fp: Any, period: Any) -> tuple[Any, Any, Any]:
    """One period of the samples, with one more on either side."""
    if is_known(period) and period == 0:
        raise WengertValueError("np.interp: period must be a non-zero value")
    period = np.absolute(period)
    x, xp = x % period, xp % period
    order = np.argsort(xp)
    xp, fp = pick(xp, order), pick(fp, order)
    xp = np.concatenate((xp[-1:] - period, xp, xp[:1] + period))
    return x, xp, np.concatenate((fp[-1:], fp, fp[:1]))
