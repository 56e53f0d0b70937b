"""NumPy's running sums, products and extrema."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..core.bind import bind
from ..core.errors import ShapeError
from ..rules.cumulative import cumprod_p, cumsum_p
from ..rules.shapes import reshape
from .arguments import cast, deliver_reduction, dtype_by_out, operand, raveled, select
from .dispatch import implements
from .methods import attach_method
from .nan_reductions import numbers_of

__all__ = ["cumprod", "cumsum", "cumulative_prod", "cumulative_sum", "nancumprod", "nancumsum"]


def accumulated(primitive: Any, a: Any, axis: Any, dtype: Any, out: Any = None) -> Any:
    """A running reduction along ``axis``, over the raveled array for None."""
    a = operand(a)
    if axis is None or a.ndim == 0:
        if axis not in (None, 0, -1):
            normalize_axis_index(axis, a.ndim)
        a, axis = raveled(a), 0
    axis = normalize_axis_index(axis, a.ndim)
    dtype = dtype_by_out(a, dtype, out)
    if dtype is None:
        return bind(primitive, (a,), {"axis": axis})
    return cast(bind(primitive, (cast(a, dtype),), {"axis": axis}), dtype)


@implements(np.cumsum)
def cumsum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    """`numpy.cumsum`."""
    return deliver_reduction(accumulated(cumsum_p, a, axis, dtype, out), out, "cumsum")


@implements(np.cumprod)
def cumprod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    """`numpy.cumprod`. Its derivatives are right at zeros, too."""
    return deliver_reduction(accumulated(cumprod_p, a, axis, dtype, out), out, "cumprod")


@implements(np.nancumsum)
def nancumsum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    """`numpy.nancumsum`."""
    a = operand(a)
    return cumsum(select(numbers_of(a), a, 0), axis, dtype, out)


@implements(np.nancumprod)
def nancumprod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    """`numpy.nancumprod`."""
    a = operand(a)
    return cumprod(select(numbers_of(a), a, 1), axis, dtype, out)


def cumulative_sum(
    x: Any,
    /,
    *,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    include_initial: bool = False,
) -> Any:
    """`numpy.cumulative_sum` (NumPy 2.1)."""
    return _cumulative("cumulative_sum", cumsum_p, x, axis, dtype, out, include_initial, 0)


def cumulative_prod(
    x: Any,
    /,
    *,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    include_initial: bool = False,
) -> Any:
    """`numpy.cumulative_prod` (NumPy 2.1)."""
    return _cumulative("cumulative_prod", cumprod_p, x, axis, dtype, out, include_initial, 1)


for _function in (cumulative_sum, cumulative_prod):
    if hasattr(np, _function.__name__):
        implements(getattr(np, _function.__name__))(_function)


def _cumulative(
    name: str, primitive: Any, x: Any, axis: Any, dtype: Any, out: Any, initial: bool, value: int
) -> Any:
    x = operand(x)
    x = x if x.ndim else reshape(x, (1,))
    if axis is None:
        if x.ndim > 1:
            raise ShapeError(
                f"np.{name}: for arrays which have more than one dimension axis is required"
            )
        axis = 0
    y = accumulated(primitive, x, axis, dtype, out)
    if initial:
        shape = list(y.shape)
        shape[axis] = 1
        y = np.concatenate((np.full(shape, value, y.dtype), y), axis)
    return deliver_reduction(y, out, name)


attach_method("cumsum", cumsum)
attach_method("cumprod", cumprod)
