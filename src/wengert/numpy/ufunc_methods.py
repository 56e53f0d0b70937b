"""``ufunc.reduce``, ``accumulate``, ``reduceat``, ``outer`` and ``at`` on Tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..core.bind import bind
from ..core.errors import MutationError, WengertTypeError
from ..core.index import (
    AbstractMaskError,
    ScalarMaskError,
    advanced_position,
    does_not_fit,
    expand_scalar_masks,
    indexed_shape,
    join,
    split,
)
from ..core.masked import masked_elements
from ..core.quiet import quiet
from ..core.tensor import Tensor
from ..core.views import set_item
from ..rules.cumulative import cummax_p, cummin_p, cumprod_p, cumsum_p
from ..rules.indexing import add_at_p
from ..rules.reductions import finite_max_p, max_p, min_p, nanmax_p, nanmin_p, sum_
from ..rules.shapes import broadcast_to, fits, reshape
from . import reductions
from .arguments import (
    NO_VALUE,
    as_scalar,
    cast,
    deliver,
    deliver_reduction,
    dtype_by_out,
    flag,
    is_traced,
    mask_of,
    operand,
    plain_tree,
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
    if dtype is not None and np.dtype(dtype).kind != "f":
        raise WengertTypeError(f"np.logaddexp.reduce: dtype={np.dtype(dtype)} is not real floats")
    dtype = dtype_by_out(a, dtype, out)
    if dtype is None and a.dtype.kind in "biu":
        dtype = np.logaddexp.resolve_dtypes((a.dtype, a.dtype, None))[-1]
    a = a if dtype is None else cast(a, dtype)
    initial = _start(initial)
    a = select(mask_of(where, a.shape), a, -np.inf)
    axes = reduced_axes(a, axis)
    if not a.size:
        shape = sum_(a, axes, flag(keepdims)).shape
        y = as_scalar(np.full_like(a, -np.inf, shape=shape))
        return deliver(y if initial is NO_VALUE else np.logaddexp(y, initial), out, "logaddexp")
    offset = bind(finite_max_p, (a,), {"axis": axes, "keepdims": True})
    with quiet():  # of a slice of -inf alone
        total = sum_(np.exp(a - offset), axes, True)
        # Of -inf alone the derivative is 0, as that of logsumexp is.
        y = select(total != 0, np.log(total), -np.inf) + offset
    y = as_scalar(y if flag(keepdims) else reshape(y, sum_(a, axes).shape))
    if initial is not NO_VALUE:
        y = np.logaddexp(y, initial)
    return deliver_reduction(y, out, "logaddexp.reduce")


# ------------------------------------------------------------------ accumulate


def _accumulate(ufunc: Any, primitive: Any) -> None:
    @implements_method(ufunc, "accumulate")
    def accumulate(a: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Any:
        a = operand(a)
        dtype = dtype_by_out(a, dtype, out)
        a = a if dtype is None else cast(a, dtype)
        axis = normalize_axis_index(axis, a.ndim)
        y = bind(primitive, (a,), {"axis": axis})
        y = y if dtype is None else cast(y, dtype)  # a sum of booleans is one of integers
        return deliver_reduction(y, out, f"{ufunc.__name__}.accumulate")


for _ufunc, _primitive in (
    (np.add, cumsum_p),
    (np.multiply, cumprod_p),
    (np.maximum, cummax_p),
    (np.minimum, cummin_p),
):
    _accumulate(_ufunc, _primitive)


# ------------------------------------------------------------------ outer


def outer(ufunc: Any, a: Any, b: Any, **kwargs: Any) -> Any:
    """``ufunc.outer``: the ufunc on every pair of elements."""
    a, b = operand(a), operand(b)
    return ufunc(reshape(a, (*a.shape, *(1,) * b.ndim)) if b.ndim else a, b, **kwargs)


implements_method(None, "outer")(outer)


# ------------------------------------------------------------------ at


def at(ufunc: Any, a: Any, indices: Any, b: Any = NO_VALUE) -> None:
    """``ufunc.at``: ``a[indices] = ufunc(a[indices], b)`` in place, repeated for repeated indices.

    Additions are one operation. For other ufuncs the k-th occurrences of all indices make one
    assignment, for k = 1, 2, ...; where indices have no values (inside `vmap`),
    each index makes one.

    Raises
    ------
    MutationError
        If ``a`` is a plain array, which cannot hold a derivative.
    WengertTypeError
        If the result cannot be cast to the dtype of ``a`` ("same_kind").
    """
    name = f"np.{ufunc.__name__}.at"
    if not isinstance(a, Tensor):
        if any(map(is_traced, (b, *_parts(indices)))):
            raise MutationError(
                f"{name}: a value that is being differentiated cannot be written into a plain "
                "array; create the array with wengert.numpy.zeros or np.zeros_like(x)"
            )
        operands = () if b is NO_VALUE else (plain_tree(b, name),)
        ufunc.at(a, plain_tree(indices, f"{name}, indices"), *operands)
        return
    if ufunc not in UFUNC_CALLS:
        raise no_rule(name)
    if b is not NO_VALUE:
        # Python's numbers are weak: they take the dtype of the array.
        weak = type(b) in (int, float, complex)
        b = np.asarray(b, np.result_type(a.dtype, b)) if weak else operand(b)
    _check_dtype(ufunc, a, b)
    try:
        template, arrays = split(indices, a.shape)
    except AbstractMaskError:  # a mask names no element twice
        elements = masked_elements(a, indices)
        set_item(a, indices, ufunc(elements) if b is NO_VALUE else ufunc(elements, b))
        return
    except ScalarMaskError:
        first, second = expand_scalar_masks(indices)
        at(ufunc, a[first], second, b)  # type: ignore[index]
        return
    region = indexed_shape(a.shape, template, arrays)
    if b is not NO_VALUE and not fits(b.shape, region):
        raise does_not_fit(b.shape, region)
    if not arrays:  # no element is named twice
        place = join(template, [])
        a[place] = ufunc(a[place]) if b is NO_VALUE else ufunc(a[place], b)  # type: ignore[index]
    elif ufunc in (np.add, np.subtract):
        if ufunc is np.subtract:
            # Unsigned numbers and booleans have no negatives in their own dtype.
            b = np.negative(b if b.dtype.kind in "ifc" else cast(b, a.dtype))
        set_item(a, ..., bind(add_at_p, (a, b, *arrays), {"template": template}))
    elif any(isinstance(i, Tensor) for i in arrays):
        _apply_one_by_one(ufunc, a, template, arrays, b)
    else:
        positions = np.arange(a.size).reshape(a.shape)[join(template, arrays)]
        values = b if b is NO_VALUE else broadcast_to(b, region)
        _apply_in_rounds(ufunc, a, positions, values)


def _parts(indices: Any) -> tuple[Any, ...]:
    return indices if isinstance(indices, tuple) else (indices,)


def _check_dtype(ufunc: Any, a: Any, b: Any) -> None:
    """NumPy's check that the result can be stored."""
    operands = (a.dtype,) if b is NO_VALUE else (a.dtype, b.dtype)
    dtype = ufunc.resolve_dtypes((*operands, None))[-1]
    if not np.can_cast(dtype, a.dtype, "same_kind"):
        raise WengertTypeError(
            f"np.{ufunc.__name__}.at: cannot cast the result from {dtype} to {a.dtype}; create the "
            "array that is written to with that dtype"
        )


def _apply_one_by_one(ufunc: Any, a: Tensor, template: Any, arrays: list[Any], b: Any) -> None:
    """In NumPy's order; the index arrays are broadcast and taken apart."""
    shape = np.broadcast_shapes(*[i.shape for i in arrays])
    arrays = [broadcast_to(i, shape) for i in arrays]
    region = indexed_shape(a.shape, template, arrays)
    values = b if b is NO_VALUE else broadcast_to(b, region)
    start = advanced_position(template, a.ndim)
    for place in np.ndindex(shape):
        # Lists of one element keep the axis where it is, and so the others.
        one = [i[place].reshape((1,)) for i in arrays]
        at = join(template, one)
        if values is NO_VALUE:
            a[at] = ufunc(a[at])  # type: ignore[index]
            continue
        v = values[(slice(None),) * start + place]
        v = reshape(v, (*v.shape[:start], 1, *v.shape[start:]))
        a[at] = ufunc(a[at], v)  # type: ignore[index]


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
