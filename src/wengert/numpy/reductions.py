"""NumPy's reductions: sums, products, extrema, means, variances; and those with plain results."""

from __future__ import annotations

from math import prod as product_of
from typing import Any

import numpy as np

from ..core.bind import bind
from ..core.errors import ShapeError, WengertTypeError, WengertValueError
from ..core.settled_views import ordinary
from ..core.tensor import FastTensor, RareTensor, Tensor
from ..rules import (
    eager,  # noqa: F401  (sets how the sweep goes through reductions and sorts)
    fast,
    large_arrays,  # noqa: F401  (sets how it goes through sums and products of large arrays)
)
from ..rules.fast_reductions import fast_max, fast_min, fast_sum
from ..rules.pointwise import POINTWISE
from ..rules.reductions import (
    all_p,
    any_p,
    argmax_p,
    argmin_p,
    count_nonzero_p,
    max_p,
    min_p,
    prod_p,
    sum_,
)
from ..rules.shapes import broadcast_to, reshape, transpose
from .arguments import (
    NO_VALUE,
    cast,
    deliver,
    deliver_reduction,
    dtype_by_out,
    flag,
    floating,
    is_known,
    mask_of,
    operand,
    raveled,
    reduced_axes,
    select,
    warn_if_known,
)
from .dispatch import implements
from .methods import attach_method

__all__ = [
    "all",
    "any",
    "argmax",
    "argmin",
    "average",
    "count_nonzero",
    "highest",
    "lowest",
    "max",
    "mean",
    "min",
    "prod",
    "ptp",
    "sum",
]

_divide: Any = fast.op_div


# ------------------------------------------------------------------ sum and product


@implements(np.sum)
def sum(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = NO_VALUE,
    initial: Any = NO_VALUE,
    where: Any = NO_VALUE,
) -> Any:
    """`numpy.sum`. As ``x.sum(axis, keepdims)`` it is understood, too."""
    if type(a) is RareTensor:
        a = a if (t := ordinary(a, False)) is None else t
    if (
        type(a) is FastTensor
        and dtype is None
        and out is None
        and initial is NO_VALUE
        and where is NO_VALUE
    ):
        return fast_sum(a, axis, keepdims is not NO_VALUE and bool(keepdims))
    if dtype is True or dtype is False:  # never a dtype: NumPy refuses it
        return sum(a, axis, None, out, dtype, initial, where)
    a = operand(a)
    dtype = dtype_by_out(a, dtype, out)
    a = _in_dtype(a, dtype)
    y = sum_(select(mask_of(where, a.shape), a, 0), reduced_axes(a, axis), flag(keepdims))
    y = _in_dtype(y, dtype)
    return deliver_reduction(y if initial is NO_VALUE else y + _initial(initial, y), out, "sum")


@implements(np.prod)
def prod(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = NO_VALUE,
    initial: Any = NO_VALUE,
    where: Any = NO_VALUE,
) -> Any:
    """`numpy.prod`. Its derivatives are right at zeros, too."""
    a = operand(a)
    dtype = dtype_by_out(a, dtype, out)
    a = _in_dtype(a, dtype)
    y = _in_dtype(_reduce(prod_p, select(mask_of(where, a.shape), a, 1), axis, keepdims), dtype)
    return deliver_reduction(y if initial is NO_VALUE else y * _initial(initial, y), out, "prod")


def _in_dtype(a: Any, dtype: Any) -> Any:
    return a if dtype is None else cast(a, dtype)


def _initial(initial: Any, y: Any) -> Any:
    """The starting value of a reduction, in the dtype of its result."""
    return cast(operand(initial), y.dtype)


def _reduce(primitive: Any, a: Any, axis: Any, keepdims: Any) -> Any:
    params: dict[str, Any] = {"axis": reduced_axes(a, axis)}
    if flag(keepdims):
        params["keepdims"] = True
    return bind(primitive, (a,), params)


# ------------------------------------------------------------------ extrema


@implements(np.max, np.amax)
def max(
    a: Any,
    axis: Any = None,
    out: Any = None,
    keepdims: Any = NO_VALUE,
    initial: Any = NO_VALUE,
    where: Any = NO_VALUE,
) -> Any:
    """`numpy.max`. Elements that tie for the maximum share the derivative evenly.

    As ``x.max(axis, keepdims)`` it is understood, too.
    """
    if type(a) is FastTensor and out is None and initial is NO_VALUE and where is NO_VALUE:
        return fast_max(a, axis, keepdims is not NO_VALUE and bool(keepdims))
    if out is True or out is False:  # never an output: NumPy refuses it
        return max(a, axis, None, out, initial, where)
    return extremum("max", max_p, a, axis, out, keepdims, initial, where)


@implements(np.min, np.amin)
def min(
    a: Any,
    axis: Any = None,
    out: Any = None,
    keepdims: Any = NO_VALUE,
    initial: Any = NO_VALUE,
    where: Any = NO_VALUE,
) -> Any:
    """`numpy.min`. Elements that tie for the minimum share the derivative evenly."""
    if type(a) is FastTensor and out is None and initial is NO_VALUE and where is NO_VALUE:
        return fast_min(a, axis, keepdims is not NO_VALUE and bool(keepdims))
    return extremum("min", min_p, a, axis, out, keepdims, initial, where)


_PAIRWISE = {"max": "maximum", "min": "minimum", "nanmax": "fmax", "nanmin": "fmin"}


def extremum(
    name: str,
    primitive: Any,
    a: Any,
    axis: Any,
    out: Any,
    keepdims: Any,
    initial: Any,
    where: Any,
) -> Any:
    """A maximum or minimum with all of NumPy's options."""
    a = operand(a)
    mask = mask_of(where, a.shape)
    if initial is NO_VALUE:
        if mask is not None:
            raise WengertValueError(
                f"np.{name}: the operation has no identity, so to use a where mask one has to "
                "specify 'initial'"
            )
        return deliver_reduction(_reduce(primitive, a, axis, keepdims), out, name)
    if mask is not None:
        a = select(mask, a, lowest(a.dtype) if name.endswith("max") else highest(a.dtype))
    axes = reduced_axes(a, axis)
    if product_of(a.shape[i] for i in axes):
        y = _reduce(primitive, a, axes, keepdims)
        initial = _initial(initial, y)
        return deliver_reduction(bind(POINTWISE[_PAIRWISE[name]], (y, initial), {}), out, name)
    shape = sum_(a, axes, flag(keepdims)).shape
    return deliver_reduction(broadcast_to(_initial(initial, a), shape) + a.dtype.type(0), out, name)


def lowest(dtype: Any) -> Any:
    """The least value of a dtype."""
    return -np.inf if dtype.kind in "fc" else dtype.kind != "b" and np.iinfo(dtype).min


def highest(dtype: Any) -> Any:
    """The greatest value of a dtype."""
    return np.inf if dtype.kind in "fc" else dtype.kind == "b" or np.iinfo(dtype).max


@implements(np.ptp)
def ptp(a: Any, axis: Any = None, out: Any = None, keepdims: Any = NO_VALUE) -> Any:
    """`numpy.ptp`: maximum minus minimum."""
    return deliver(max(a, axis, None, keepdims) - min(a, axis, None, keepdims), out, "ptp")


# ------------------------------------------------------------------ mean and average


@implements(np.mean)
def mean(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = NO_VALUE,
    *,
    where: Any = NO_VALUE,
) -> Any:
    """`numpy.mean`."""
    if (
        type(a) is FastTensor
        and dtype is None
        and out is None
        and where is NO_VALUE
        and a._a.dtype.char in "fdFD"
        and a._a.size
    ):
        total = fast_sum(a, axis, keepdims is not NO_VALUE and bool(keepdims))
        return _divide(total, a._a.size // total._a.size)
    a = operand(a)
    dtype = dtype_by_out(a, dtype, out)
    axes, result_dtype = reduced_axes(a, axis), mean_dtype(a, dtype)
    a = accumulating(a, dtype)
    mask = mask_of(where, a.shape)
    y = mean_of(a, axes, flag(keepdims), mask)
    return deliver_reduction(cast(y, result_dtype), out, "mean")


def mean_dtype(a: Any, dtype: Any) -> Any:
    """The dtype of a mean: that of the operand, float64 for integers."""
    if dtype is not None:
        return np.dtype(dtype)
    return a.dtype if a.dtype.kind in "fc" else np.dtype(np.float64)


def accumulating(a: Any, dtype: Any) -> Any:
    """The operand in the dtype that NumPy's means and variances sum in."""
    if dtype is not None:
        return cast(a, dtype)
    return cast(a, np.float32) if a.dtype == np.float16 else floating(a)


def counted(a: Any, axes: tuple[int, ...], mask: Any) -> Any:
    """How many elements of ``a`` a reduction over ``axes`` takes (with kept axes, given a mask)."""
    if mask is None:
        return product_of(a.shape[i] for i in axes)
    if isinstance(mask, Tensor):
        return sum_(cast(broadcast_to(mask, a.shape), np.intp), axes, True)
    return np.add.reduce(mask, axes, np.intp, keepdims=True)


def mean_of(a: Any, axes: tuple[int, ...], keepdims: bool, mask: Any = None) -> Any:
    """The mean over canonical axes."""
    count = counted(a, axes, mask)
    warn_if_known(count, _has_zero, "Mean of empty slice")
    return divided(sum_(select(mask, a, 0), axes, keepdims), count)


def _has_zero(count: Any) -> bool:
    return bool(np.any(np.equal(count, 0)))


def divided(total: Any, count: Any) -> Any:
    """A sum divided by the number of its elements, in its own dtype."""
    if isinstance(count, int):
        return total / total.dtype.type(count) if total.size else total
    return total / cast(reshape(count, total.shape), total.dtype)


@implements(np.average)
def average(
    a: Any,
    axis: Any = None,
    weights: Any = None,
    returned: bool = False,
    *,
    keepdims: Any = NO_VALUE,
) -> Any:
    """`numpy.average`; differentiable in the values and in the weights."""
    a = operand(a)
    axes = reduced_axes(a, axis)
    if weights is None:
        y = mean(a, axis, keepdims=keepdims)
        total: Any = y.dtype.type(a.size / y.size) if y.size else y.dtype.type(0)
    else:
        weights = _fitting_weights(a, operand(weights), axis)
        dtypes = (a.dtype, weights.dtype, *((np.float64,) if a.dtype.kind in "biu" else ()))
        dtype = np.result_type(*dtypes)
        a, weights = cast(a, dtype), cast(weights, dtype)
        total = sum_(weights, axes, flag(keepdims))
        if is_known(total) and _has_zero(total._a if isinstance(total, Tensor) else total):
            raise ZeroDivisionError("Weights sum to zero, can't be normalized")
        y = sum_(a * weights, axes, flag(keepdims)) / total
    if not returned:
        return y
    # The second result may be written to, as NumPy's.
    return y, broadcast_to(total, y.shape) * y.dtype.type(1)


def _fitting_weights(a: Any, weights: Any, axis: Any) -> Any:
    """The weights of `average`, broadcast to the shape of ``a``."""
    if weights.shape == a.shape:
        return weights
    if axis is None:
        raise WengertTypeError("Axis must be specified when shapes of a and weights differ.")
    axes = np.lib.array_utils.normalize_axis_tuple(axis, a.ndim, "axis")
    if weights.shape != tuple(a.shape[i] for i in axes):
        raise ShapeError(
            "Shape of weights must be consistent with shape of a along specified axis."
        )
    order = tuple(int(i) for i in np.argsort(axes))
    kept = tuple(n if i in axes else 1 for i, n in enumerate(a.shape))
    return broadcast_to(reshape(transpose(weights, order), kept), a.shape)


# ------------------------------------------------------------------ plain results


def _plain_reduction(primitive: Any, name: str, neutral: bool) -> Any:
    def reduction(
        a: Any,
        axis: Any = None,
        out: Any = None,
        keepdims: Any = NO_VALUE,
        *,
        where: Any = NO_VALUE,
    ) -> Any:
        a = operand(a)
        a = select(mask_of(where, a.shape), a, neutral)
        return deliver_reduction(_reduce(primitive, a, axis, keepdims), out, name)

    reduction.__name__ = name
    reduction.__qualname__ = name
    reduction.__doc__ = f"`numpy.{name}`; the result is plain."
    return reduction


all = implements(np.all)(_plain_reduction(all_p, "all", True))
any = implements(np.any)(_plain_reduction(any_p, "any", False))


@implements(np.count_nonzero)
def count_nonzero(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    """`numpy.count_nonzero`; the result is plain."""
    return _reduce(count_nonzero_p, operand(a), axis, keepdims)


@implements(np.argmax)
def argmax(a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = NO_VALUE) -> Any:
    """`numpy.argmax`; the result is plain."""
    if type(a) is FastTensor and out is None:
        return a._a.argmax(axis, keepdims=flag(keepdims))
    return position(argmax_p, operand(a), axis, out, keepdims)


@implements(np.argmin)
def argmin(a: Any, axis: Any = None, out: Any = None, *, keepdims: Any = NO_VALUE) -> Any:
    """`numpy.argmin`; the result is plain."""
    if type(a) is FastTensor and out is None:
        return a._a.argmin(axis, keepdims=flag(keepdims))
    return position(argmin_p, operand(a), axis, out, keepdims)


def position(primitive: Any, a: Any, axis: Any, out: Any, keepdims: Any) -> Any:
    """The position of an extremum along one axis, or in the raveled array."""
    kept = (1,) * a.ndim
    if a.ndim == 0:
        a = raveled(a)
    if axis is not None:
        axis = np.lib.array_utils.normalize_axis_index(axis, a.ndim)
        params = {"axis": axis, "keepdims": True} if flag(keepdims) and kept else {"axis": axis}
        return deliver_reduction(bind(primitive, (a,), params), out, primitive.name)
    y = bind(primitive, (raveled(a),), {"axis": 0})
    return deliver_reduction(
        np.reshape(y, kept) if flag(keepdims) and kept else y, out, primitive.name
    )


for _method in (sum, prod, max, min, ptp, mean, all, any, argmax, argmin):
    attach_method(_method.__name__, _method)
