"""``ufunc.reduce``, ``accumulate``, ``reduceat``, ``outer`` and ``at`` on Tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..core.bind import bind
from ..core.errors import MutationError, WengertIndexError
from ..core.index import ARRAY, join, split
from ..core.tensor import Tensor
from ..core.views import set_item
from ..rules.cumulative import cummax_p, cummin_p, cumprod_p, cumsum_p
from ..rules.indexing import getitem_p, scatter_add_p
from ..rules.reductions import finite_max_p, max_p, min_p, nanmax_p, nanmin_p, sum_
from ..rules.shapes import broadcast_to, reshape
from . import reductions
from .arguments import (
    NO_VALUE,
    cast,
    concrete,
    deliver,
    flag,
    mask_of,
    operand,
    reduced_axes,
    select,
)
from .dispatch import UFUNC_CALLS, implements_method, no_rule

__all__ = ["at", "outer"]

# ------------------------------------------------------------------ reduce


@implements_method(np.add, "reduce")
def _add_reduce(
    a: Any,
    axis: Any = 0,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = NO_VALUE,
    where: Any = NO_VALUE,
) -> Any:
    return reductions.sum(a, axis, dtype, _single(out), keepdims, _start(initial), where)


@implements_method(np.multiply, "reduce")
def _multiply_reduce(
    a: Any,
    axis: Any = 0,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = NO_VALUE,
    where: Any = NO_VALUE,
) -> Any:
    return reductions.prod(a, axis, dtype, _single(out), keepdims, _start(initial), where)


def _single(out: Any) -> Any:
    """NumPy hands a method's ``out`` over as a tuple."""
    return out[0] if isinstance(out, tuple) else out


def _start(initial: Any) -> Any:
    return NO_VALUE if initial is None else initial


def _extremum_reduce(ufunc: Any, name: str, primitive: Any) -> None:
    @implements_method(ufunc, "reduce")
    def reduce(
        a: Any,
        axis: Any = 0,
        dtype: Any = None,
        out: Any = None,
        keepdims: Any = False,
        initial: Any = NO_VALUE,
        where: Any = NO_VALUE,
    ) -> Any:
        a = operand(a)
        a = a if dtype is None else cast(a, dtype)
        initial = _start(initial)
        return reductions.extremum(name, primitive, a, axis, _single(out), keepdims, initial, where)


for _row in (
    (np.maximum, "max", max_p),
    (np.minimum, "min", min_p),
    (np.fmax, "nanmax", nanmax_p),
    (np.fmin, "nanmin", nanmin_p),
):
    _extremum_reduce(*_row)


@implements_method(np.logaddexp, "reduce")
def _logaddexp_reduce(
    a: Any,
    axis: Any = 0,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = NO_VALUE,
    where: Any = NO_VALUE,
) -> Any:
    """``log(sum(exp(a)))``, with the largest finite element taken out of the sum."""
    a = operand(a)
    a = a if dtype is None else cast(a, dtype)
    a = select(mask_of(where, a.shape), a, -np.inf)
    axes = reduced_axes(a, axis)
    if not a.size:
        return np.logaddexp.reduce(concrete(a, "np.logaddexp.reduce"), axes)
    offset = bind(finite_max_p, (a,), {"axis": axes, "keepdims": True})
    with np.errstate(divide="ignore"):
        y = np.log(sum_(np.exp(a - offset), axes, True)) + offset
    y = y if flag(keepdims) else reshape(y, sum_(a, axes).shape)
    if initial is not NO_VALUE and initial is not None:
        y = np.logaddexp(y, initial)
    return deliver(y, out, "logaddexp.reduce")


@implements_method(np.logical_and, "reduce")
def _logical_and_reduce(
    a: Any, axis: Any = 0, out: Any = None, keepdims: Any = False, where: Any = NO_VALUE
) -> Any:
    return reductions.all(a, axis, _single(out), keepdims, where=where)


@implements_method(np.logical_or, "reduce")
def _logical_or_reduce(
    a: Any, axis: Any = 0, out: Any = None, keepdims: Any = False, where: Any = NO_VALUE
) -> Any:
    return reductions.any(a, axis, _single(out), keepdims, where=where)


@implements_method(np.logical_xor, "reduce")
def _logical_xor_reduce(
    a: Any, axis: Any = 0, out: Any = None, keepdims: Any = False, where: Any = NO_VALUE
) -> Any:
    a = operand(a)
    mask = mask_of(where, a.shape)
    a = select(mask, np.not_equal(a, 0), False)
    odd = np.not_equal(
        np.remainder(np.sum(a, reduced_axes(a, axis), keepdims=flag(keepdims)), 2), 0
    )
    return deliver(odd, out, "logical_xor.reduce")


# ------------------------------------------------------------------ accumulate


def _accumulate(ufunc: Any, primitive: Any) -> None:
    @implements_method(ufunc, "accumulate")
    def accumulate(a: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Any:
        a = operand(a)
        a = a if dtype is None else cast(a, dtype)
        axis = normalize_axis_index(axis, a.ndim)
        y = bind(primitive, (a,), {"axis": axis})
        return deliver(y, out, f"{ufunc.__name__}.accumulate")


for _ufunc, _primitive in (
    (np.add, cumsum_p),
    (np.multiply, cumprod_p),
    (np.maximum, cummax_p),
    (np.minimum, cummin_p),
):
    _accumulate(_ufunc, _primitive)


# ------------------------------------------------------------------ reduceat


@implements_method(np.add, "reduceat")
def _add_reduceat(a: Any, indices: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Any:
    """The sums of slices that may overlap: every element of every slice, added into its sum."""
    a = operand(a)
    a = a if dtype is None else cast(a, dtype)
    axis = normalize_axis_index(axis, a.ndim)
    n = a.shape[axis]
    starts = np.asarray(concrete(indices, "np.add.reduceat, indices"), dtype=np.intp)
    wrong = (starts < 0) | (starts >= n)
    if wrong.any():
        bad = starts[wrong][0]
        raise WengertIndexError(
            f"np.add.reduceat: index {bad} is out of bounds for an axis of length {n}"
        )
    stops = np.append(starts[1:], n)
    lengths = np.maximum(stops - starts, 1)  # a slice that does not go forward is one element
    slices = np.repeat(np.arange(len(starts)), lengths)
    within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    lead = ((None, None, None),) * axis
    template = (*lead, ARRAY)
    elements = bind(getitem_p, (a, starts[slices] + within), {"template": template}, False)
    shape = (*a.shape[:axis], len(starts), *a.shape[axis + 1 :])
    y = bind(scatter_add_p, (elements, slices), {"template": template, "shape": shape})
    return deliver(y, out, "add.reduceat")


# ------------------------------------------------------------------ outer


def outer(ufunc: Any, a: Any, b: Any, **kwargs: Any) -> Any:
    """``ufunc.outer``: the ufunc on every pair of elements."""
    a, b = operand(a), operand(b)
    return ufunc(reshape(a, (*a.shape, *(1,) * b.ndim)) if b.ndim else a, b, **kwargs)


implements_method(None, "outer")(outer)


# ------------------------------------------------------------------ at


def at(ufunc: Any, a: Any, indices: Any, b: Any = NO_VALUE) -> None:
    """``ufunc.at``: ``a[indices] = ufunc(a[indices], b)`` in place, repeated for repeated indices.

    Additions are collected by one scatter. For other ufuncs the k-th occurrences of all indices
    make one assignment, for k = 1, 2, ...
    """
    name = f"np.{ufunc.__name__}.at"
    if not isinstance(a, Tensor):
        raise MutationError(
            f"{name}: a value that is being differentiated cannot be written into a plain array; "
            "create the array with wengert.numpy.zeros or np.zeros_like(x)"
        )
    if ufunc not in UFUNC_CALLS:
        raise no_rule(name)
    template, arrays = split(indices)
    if ufunc in (np.add, np.subtract) and b is not NO_VALUE:
        set_item(a, ..., ufunc(a, _scattered(a, template, arrays, operand(b))))
        return
    positions = np.arange(a.size).reshape(a.shape)[
        join(template, [concrete(i, f"{name}, indices") for i in arrays])
    ]
    if b is not NO_VALUE:
        b = broadcast_to(operand(b), positions.shape)
    _apply_in_rounds(ufunc, a, positions, b)


def _scattered(a: Any, template: Any, arrays: Any, b: Any) -> Any:
    region = getitem_p.shape(a, *arrays, template=template)[0]
    b = broadcast_to(cast(b, np.result_type(a.dtype, b.dtype)), region)
    return bind(scatter_add_p, (b, *arrays), {"template": template, "shape": a.shape})


def _apply_in_rounds(ufunc: Any, a: Tensor, positions: Any, b: Any) -> None:
    flat = positions.ravel()
    order = np.argsort(flat, kind="stable")
    ordered = flat[order]
    first = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if flat.size else flat
    repeats = np.arange(flat.size) - np.repeat(first, np.diff(np.r_[first, flat.size]))
    values = None if b is NO_VALUE else reshape(b, (flat.size,))
    for k in range(int(repeats.max(initial=-1)) + 1):
        chosen = order[repeats == k]
        place = np.unravel_index(flat[chosen], a.shape)
        operands = (a[place],) if values is None else (a[place], values[chosen])  # type: ignore[index]
        a[place] = ufunc(*operands)  # type: ignore[index]


implements_method(None, "at")(at)
