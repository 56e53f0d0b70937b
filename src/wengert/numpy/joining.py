"""Joining arrays and taking them apart: concatenate, stack, block, split and their kind."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from ..core.bind import bind
from ..core.errors import ShapeError, WengertTypeError
from ..core.tensor import Tensor
from ..rules.indexing import getitem
from ..rules.joining import concatenate_p, fast_concatenate, stack_p
from .arguments import axis_of, concrete, operand
from .dispatch import implements
from .shapes import atleast_1d, atleast_2d, atleast_3d, moveaxis, ravel, view_with_shape
from .ufunc_options import write_out

__all__ = [
    "append",
    "array_split",
    "block",
    "column_stack",
    "concat",
    "concatenate",
    "dsplit",
    "dstack",
    "hsplit",
    "hstack",
    "split",
    "stack",
    "unstack",
    "vsplit",
    "vstack",
]

# Each rule of a joined operand counts the operands before it; joining in groups keeps that short.
_GROUP = 128


def part(a: Any, index: Any) -> Any:
    """``a[index]`` for a Tensor or an array."""
    return getitem(a, index) if isinstance(a, Tensor) else a[index]


def along(axis: int, index: Any) -> tuple[Any, ...]:
    """An index that applies to one axis."""
    return (*(slice(None),) * axis, index)


def _operands(arrays: Any, dtype: Any, casting: Any) -> list[Any]:
    if not isinstance(arrays, (Sequence, Tensor, np.ndarray)):
        raise WengertTypeError(
            'arrays to stack must be passed as a "sequence" type such as list or tuple.'
        )
    xs = [operand(a) for a in arrays]
    if dtype is None:
        return xs
    dtype = np.dtype(dtype)
    for x in xs:
        if not np.can_cast(x.dtype, dtype, casting):
            raise WengertTypeError(
                f"Cannot cast array data from {x.dtype!r} to {dtype!r} according to the rule "
                f"{casting!r}"
            )
    return [x if x.dtype == dtype else x.astype(dtype) for x in xs]


def _finish(result: Any, out: Any, name: str) -> Any:
    return result if out is None else write_out(out, result, True, name)


# ------------------------------------------------------------------ concatenate


def joined(xs: list[Any], axis: int) -> Any:
    """Arrays of one rank, one after the other along a non-negative axis."""
    while len(xs) > _GROUP:
        xs = [joined(xs[i : i + _GROUP], axis) for i in range(0, len(xs), _GROUP)]
    return bind(concatenate_p, tuple(xs), {"axis": axis})


@implements(np.concatenate, np.concat)
def concatenate(
    arrays: Any,
    /,
    axis: int | None = 0,
    out: Any = None,
    *,
    dtype: Any = None,
    casting: Any = "same_kind",
) -> Any:
    """``np.concatenate``: arrays one after the other along an axis; flattened for ``axis=None``."""
    plain = type(arrays) in (list, tuple) and 0 < len(arrays) <= _GROUP and type(axis) is int
    if plain and out is None and dtype is None:
        joined_fast = fast_concatenate(arrays, axis)  # type: ignore[arg-type]
        if joined_fast is not None:
            return joined_fast
    xs = _operands(arrays, dtype, casting)
    if not xs:
        raise ShapeError("need at least one array to concatenate")
    if axis is None:
        xs, axis = [ravel(x) for x in xs], 0
    if xs[0].ndim == 0:
        raise ShapeError("zero-dimensional arrays cannot be concatenated")
    return _finish(joined(xs, axis_of(axis, xs[0].ndim)), out, "concatenate")


concat = concatenate


@implements(np.stack)
def stack(
    arrays: Any,
    axis: int = 0,
    out: Any = None,
    *,
    dtype: Any = None,
    casting: Any = "same_kind",
) -> Any:
    """``np.stack``: arrays of one shape along a new axis."""
    xs = _operands(arrays, dtype, casting)
    if not xs:
        raise ShapeError("need at least one array to stack")
    if len({x.shape for x in xs}) > 1:
        raise ShapeError("all input arrays must have the same shape")
    axis = axis_of(axis, xs[0].ndim + 1)
    return _finish(bind(stack_p, tuple(xs), {"axis": axis}), out, "stack")


@implements(np.vstack)
def vstack(tup: Any, *, dtype: Any = None, casting: Any = "same_kind") -> Any:
    """``np.vstack``: rows below each other."""
    xs = _operands(tup, dtype, casting)
    return concatenate([atleast_2d(x) for x in xs])


@implements(np.hstack)
def hstack(tup: Any, *, dtype: Any = None, casting: Any = "same_kind") -> Any:
    """``np.hstack``: along the second axis; vectors end to end."""
    xs = [atleast_1d(x) for x in _operands(tup, dtype, casting)]
    return concatenate(xs, 0 if xs and xs[0].ndim == 1 else 1)


@implements(np.dstack)
def dstack(tup: Any) -> Any:
    """``np.dstack``: along the third axis."""
    return concatenate([atleast_3d(x) for x in _operands(tup, None, None)], 2)


@implements(np.column_stack)
def column_stack(tup: Any) -> Any:
    """``np.column_stack``: vectors as the columns of a matrix."""
    xs = _operands(tup, None, None)
    return concatenate([x if x.ndim > 1 else view_with_shape(x, (x.size, 1)) for x in xs], 1)


@implements(np.append)
def append(arr: Any, values: Any, axis: int | None = None) -> Any:
    """``np.append``: a new array; flattened for ``axis=None``."""
    arr, values = operand(arr), operand(values)
    if axis is None:
        arr, values, axis = ravel(arr), ravel(values), 0
    return concatenate([arr, values], axis)


# ------------------------------------------------------------------ block


def _depth(arrays: Any, where: str = "arrays") -> int:
    if isinstance(arrays, tuple):
        raise WengertTypeError(
            f"{where} is a tuple. Only lists can be used to arrange blocks, and np.block does not "
            "allow implicit conversion from tuple to ndarray."
        )
    if not isinstance(arrays, list):
        return 0
    if not arrays:
        raise ShapeError(f"List at {where} cannot be empty")
    depths = [_depth(a, f"{where}[{i}]") for i, a in enumerate(arrays)]
    if len(set(depths)) > 1:
        raise ShapeError(
            f"List depths are mismatched: {where} has elements of depths {sorted(set(depths))}"
        )
    return depths[0] + 1


def _largest_rank(arrays: Any) -> int:
    if isinstance(arrays, list):
        return max(map(_largest_rank, arrays))
    return int(operand(arrays).ndim)


@implements(np.block)
def block(arrays: Any) -> Any:
    """``np.block``: a matrix of blocks; the innermost lists are joined along the last axis."""
    depth = _depth(arrays)
    rank = max(_largest_rank(arrays), depth)

    def join(xs: Any, level: int) -> Any:
        if level == depth:
            x = operand(xs)
            return view_with_shape(x, (1,) * (rank - x.ndim) + x.shape)
        return concatenate([join(x, level + 1) for x in xs], level - depth)

    return join(arrays, 0) if depth else operand(arrays).copy()


# ------------------------------------------------------------------ splitting: views


@implements(np.array_split)
def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """``np.array_split``: views of parts, which need not be equal."""
    ary = operand(ary)
    axis = axis_of(axis, ary.ndim)
    n = ary.shape[axis]
    sections = concrete(indices_or_sections, "array_split(indices_or_sections)")
    if np.ndim(sections):
        points = [0, *(int(i) for i in sections), n]
    else:
        if sections <= 0:
            raise ShapeError("number sections must be larger than 0.")
        each, extra = divmod(n, int(sections))
        sizes = [each + 1] * extra + [each] * (int(sections) - extra)
        points = [0, *np.cumsum(sizes).tolist()]
    return [part(ary, along(axis, slice(i, j))) for i, j in pairwise(points)]


@implements(np.split)
def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """``np.split``: views of equal parts, or of the parts between the given indices."""
    ary = operand(ary)
    if not np.ndim(indices_or_sections) and ary.shape[axis] % indices_or_sections:
        raise ShapeError("array split does not result in an equal division")
    return array_split(ary, indices_or_sections, axis)


@implements(np.hsplit)
def hsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """``np.hsplit``: along the second axis; the first of a vector."""
    ary = operand(ary)
    if ary.ndim == 0:
        raise ShapeError("hsplit only works on arrays of 1 or more dimensions")
    return split(ary, indices_or_sections, 1 if ary.ndim > 1 else 0)


@implements(np.vsplit)
def vsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """``np.vsplit``: along the first axis."""
    if operand(ary).ndim < 2:
        raise ShapeError("vsplit only works on arrays of 2 or more dimensions")
    return split(ary, indices_or_sections, 0)


@implements(np.dsplit)
def dsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """``np.dsplit``: along the third axis."""
    if operand(ary).ndim < 3:
        raise ShapeError("dsplit only works on arrays of 3 or more dimensions")
    return split(ary, indices_or_sections, 2)


def unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
    """``np.unstack``: views of the slices along an axis."""
    x = operand(x)
    if x.ndim == 0:
        raise ShapeError("Input array must be at least 1-d.")
    moved = moveaxis(x, axis, 0)
    return tuple(part(moved, i) for i in range(moved.shape[0]))


if hasattr(np, "unstack"):  # NumPy 2.1
    implements(np.unstack)(unstack)
