"""NumPy's variances and standard deviations."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.bind import bind
from ..core.errors import WengertValueError
from ..core.primitive import PRIMITIVES
from ..core.tensor import FastTensor, Tensor
from ..rules import fast
from ..rules.fast_reductions import fast_sum
from ..rules.reductions import root, sum_
from ..rules.shapes import reshape
from .arguments import (
    NO_VALUE,
    cast,
    deliver,
    deliver_reduction,
    dtype_by_out,
    flag,
    mask_of,
    operand,
    reduced_axes,
    select,
    warn_if_known,
)
from .dispatch import implements
from .methods import attach_method
from .reductions import accumulating, counted, divided, mean_dtype

__all__ = ["std", "var"]

_divide: Any = fast.op_div
_subtract: Any = fast.op_sub
_square: Any = fast.square


@implements(np.var)
def var(
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
    """`numpy.var`."""
    ddof = degrees("var", ddof, correction)
    dtype = dtype if out is None else dtype_by_out(operand(a), dtype, out)
    quick = _fast_variance(a, axis, dtype, ddof, keepdims, where, mean)
    if quick is not None:
        return deliver_reduction(quick, out, "var")
    y, result_dtype = _variance(operand(a), axis, dtype, ddof, keepdims, where, mean)
    return deliver_reduction(cast(y, result_dtype), out, "var")


@implements(np.std)
def std(
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
    """`numpy.std`. Where all elements are equal the derivative is 0."""
    ddof = degrees("std", ddof, correction)
    dtype = dtype if out is None else dtype_by_out(operand(a), dtype, out)
    quick = _fast_variance(a, axis, dtype, ddof, keepdims, where, mean)
    if quick is not None:
        return deliver(root(quick), out, "std")
    y, result_dtype = _variance(operand(a), axis, dtype, ddof, keepdims, where, mean)
    y = root(cast(y, _real_dtype(result_dtype)))
    return deliver(cast(y, result_dtype), out, "std")


def _real_dtype(dtype: Any) -> Any:
    return dtype.type(0).real.dtype


def _fast_variance(
    a: Any, axis: Any, dtype: Any, ddof: float, keepdims: Any, where: Any, center: Any
) -> Any:
    """The variance of a real FastTensor in six nodes; None for all that is less common."""
    if type(a) is not FastTensor or a._a.dtype.char not in "fd":
        return None
    if dtype is not None or where is not NO_VALUE or center is not NO_VALUE:
        return None
    total = fast_sum(a, axis, True)
    count = a._a.size // (total._a.size or 1)
    if count <= ddof or not count:  # a warning is due
        return None
    squares = _square(_subtract(a, _divide(total, count)))
    return _divide(fast_sum(squares, axis, flag(keepdims)), count - ddof)


def degrees(name: str, ddof: float, correction: Any) -> float:
    if correction is NO_VALUE:
        return ddof
    if ddof != 0:
        raise WengertValueError(f"np.{name}: ddof and correction can't be provided simultaneously.")
    return float(correction) if not isinstance(correction, int) else correction


def _variance(
    a: Any, axis: Any, dtype: Any, ddof: float, keepdims: Any, where: Any, center: Any
) -> tuple[Any, Any]:
    """The variance in the dtype it is computed in, and the dtype of the result."""
    axes = reduced_axes(a, axis)
    result_dtype = mean_dtype(a, dtype)
    if dtype is None and result_dtype.kind == "c":
        result_dtype = _real_dtype(result_dtype)
    a = accumulating(a, dtype)
    mask = mask_of(where, a.shape)
    if center is NO_VALUE:
        center = _divided_quietly(a, axes, mask)
    y = variance_about(a, center, axes, flag(keepdims), mask, ddof)
    return y, result_dtype


def _divided_quietly(a: Any, axes: tuple[int, ...], mask: Any) -> Any:
    """The mean with kept axes, without a warning of its own."""
    with np.errstate(all="ignore"):
        return divided(sum_(select(mask, a, 0), axes, True), counted(a, axes, mask))


def variance_about(
    a: Any, center: Any, axes: tuple[int, ...], keepdims: bool, mask: Any, ddof: float
) -> Any:
    """The sum of squared distances from ``center``, over the number of elements less ``ddof``."""
    squares = squared_distance(a, center)
    count = counted(a, axes, mask)
    warn_if_known(count, lambda n: np.any(n - ddof <= 0), "Degrees of freedom <= 0 for slice")
    if isinstance(count, int):
        free: Any = count - ddof if count > ddof else 0
        total = sum_(squares, axes, keepdims)
        return total / total.dtype.type(free)
    total = sum_(select(mask, squares, 0), axes, keepdims)
    free = cast(reshape(count, total.shape), total.dtype) - total.dtype.type(ddof)
    return total / np.maximum(free, total.dtype.type(0))


def squared_distance(a: Any, center: Any) -> Any:
    """``abs(a - center) ** 2``, smooth at 0."""
    d = a - center
    if d.dtype.kind == "c":
        re, im = (bind(PRIMITIVES[part], (d,), {}) for part in ("real", "imag"))
        return re * re + im * im
    return _square(d) if isinstance(d, Tensor) else np.square(d)


attach_method("var", var)
attach_method("std", std)
