"""Elements in another order, repeated, inserted or left out: composites of indexing and joining."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.bind import bind
from ..core.errors import ShapeError, WengertTypeError, WengertValueError
from ..core.tensor import Tensor
from ..rules.shapes import broadcast_to_p
from .arguments import axes_of, axis_of, concrete, is_abstract, operand, shape_tuple
from .dispatch import implements
from .joining import along, joined, part
from .methods import attach_method
from .shapes import broadcast_to, copied, moveaxis, ravel, transpose, view_with_shape
from .unknown_values import rolled, with_inserted, without

__all__ = [
    "delete",
    "flip",
    "fliplr",
    "flipud",
    "insert",
    "repeat",
    "resize",
    "roll",
    "rot90",
    "tile",
    "trim_zeros",
]

_EVERY = slice(None)
_BACKWARD = slice(None, None, -1)


# ------------------------------------------------------------------ order


@implements(np.flip)
def flip(m: Any, axis: Any = None) -> Any:
    """``np.flip``: a view with the order along the axes reversed."""
    m = operand(m)
    axes = axes_of(axis, m.ndim)
    return part(m, tuple(_BACKWARD if i in axes else _EVERY for i in range(m.ndim)))


@implements(np.fliplr)
def fliplr(m: Any) -> Any:
    """``np.fliplr``: reversed along the second axis."""
    if operand(m).ndim < 2:
        raise ShapeError("Input must be >= 2-d.")
    return flip(m, 1)


@implements(np.flipud)
def flipud(m: Any) -> Any:
    """``np.flipud``: reversed along the first axis."""
    if operand(m).ndim < 1:
        raise ShapeError("Input must be >= 1-d.")
    return flip(m, 0)


@implements(np.rot90)
def rot90(m: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    """``np.rot90``: a view turned by quarter turns from the first axis towards the second."""
    m = operand(m)
    if len(tuple(axes)) != 2:
        raise WengertValueError("len(axes) must be 2.")
    i, j = (axis_of(axis, m.ndim) for axis in axes)
    if i == j:
        raise WengertValueError("Axes must be different.")
    order = list(range(m.ndim))
    order[i], order[j] = j, i
    k %= 4
    if k == 0:
        return part(m, (Ellipsis,))
    if k == 2:
        return flip(m, (i, j))
    return transpose(flip(m, j), order) if k == 1 else flip(transpose(m, order), j)


@implements(np.roll)
def roll(a: Any, shift: Any, axis: Any = None) -> Any:
    """``np.roll``: elements moved on along axes; what leaves at the end comes back at the front."""
    a = operand(a)
    if is_abstract(shift) or (isinstance(shift, (tuple, list)) and any(map(is_abstract, shift))):
        return _rolled_by_unknown(a, shift, axis)
    shift = concrete(shift, "roll(shift)")
    if axis is None:
        return view_with_shape(roll(ravel(a), shift, 0), a.shape)
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    total: dict[int, int] = {}
    for s, i in np.broadcast(shift, axes):
        i = axis_of(i, a.ndim)
        total[i] = total.get(i, 0) + int(s)
    result = a
    for i, s in total.items():
        n = a.shape[i]
        s = s % n if n else 0
        if s:
            pieces = [
                part(result, along(i, slice(n - s, None))),
                part(result, along(i, slice(n - s))),
            ]
            result = joined(pieces, i)
    return copied(a) if result is a else result


def _rolled_by_unknown(a: Any, shift: Any, axis: Any) -> Any:
    if axis is None:
        return view_with_shape(_rolled_by_unknown(ravel(a), shift, 0), a.shape)
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    single = is_abstract(shift) and shift.ndim == 0
    shifts = [shift] * len(axes) if single else shift
    for k, i in enumerate(axes):
        a = rolled(a, shifts[k], axis_of(i, a.ndim))
    return a


# ------------------------------------------------------------------ repetition


@implements(np.repeat)
def repeat(a: Any, repeats: Any, axis: int | None = None) -> Any:
    """``np.repeat``: each element several times; one number for all needs no index array."""
    a = operand(a)
    repeats = np.asarray(concrete(repeats, "np.repeat"))
    if axis is None or not a.ndim:
        a, axis = ravel(a), 0 if axis is None else axis
    axis = axis_of(axis, a.ndim)
    n = a.shape[axis]
    if repeats.size != 1:
        if repeats.shape != (n,):
            raise ShapeError(
                f"operands could not be broadcast together with shape ({n},) {repeats.shape}"
            )
        return part(a, along(axis, np.repeat(np.arange(n), repeats)))
    times = int(repeats.reshape(())[()])
    if times < 0:
        raise ShapeError("repeats may not contain negative values.")
    shape = a.shape
    spread = view_with_shape(a, (*shape[: axis + 1], 1, *shape[axis + 1 :]))
    spread = bind(
        broadcast_to_p, (spread,), {"shape": (*shape[: axis + 1], times, *shape[axis + 1 :])}
    )
    return _settled(spread, (*shape[:axis], n * times, *shape[axis + 1 :]))


def _settled(spread: Any, shape: tuple[int, ...]) -> Any:
    """A broadcast view as an array of its own."""
    return view_with_shape(copied(spread), shape)


@implements(np.tile)
def tile(A: Any, reps: Any) -> Any:
    """``np.tile``: the whole array repeated along each axis."""
    a = operand(A)
    counts = shape_tuple(reps)
    rank = max(a.ndim, len(counts))
    counts = (1,) * (rank - len(counts)) + counts
    shape = (1,) * (rank - a.ndim) + a.shape
    if all(c == 1 for c in counts):
        return copied(view_with_shape(a, shape))
    interleaved = tuple(k for n in shape for k in (1, n))
    spread = view_with_shape(a, interleaved)
    to = tuple(k for c, n in zip(counts, shape, strict=True) for k in (c, n))
    spread = bind(broadcast_to_p, (spread,), {"shape": to})
    return _settled(spread, tuple(c * n for c, n in zip(counts, shape, strict=True)))


@implements(np.resize)
def resize(a: Any, new_shape: Any) -> Any:
    """``np.resize``: a new shape, filled with repeated copies of the elements."""
    a, shape = operand(a), shape_tuple(new_shape)
    if any(n < 0 for n in shape):
        raise ShapeError("all elements of `new_shape` must be non-negative")
    size = int(np.prod(shape))
    if not a.size or not size:
        return np.zeros_like(a, shape=shape)
    flat = ravel(a)
    if size > a.size:
        flat = tile(flat, -(-size // a.size))
    return copied(view_with_shape(part(flat, slice(size)), shape))


# ------------------------------------------------------------------ leaving out and inserting


def _flattened(a: Any, axis: int | None) -> tuple[Any, int]:
    if axis is None:
        return ravel(a), 0
    return a, axis_of(axis, a.ndim)


@implements(np.delete)
def delete(arr: Any, obj: Any, axis: int | None = None) -> Any:
    """``np.delete``: without the slices along an axis that ``obj`` names."""
    arr, axis = _flattened(operand(arr), axis)
    if is_abstract(obj) and obj.ndim == 0 and obj.dtype.kind in "iu":
        return without(arr, obj, axis)
    kept = np.delete(np.arange(arr.shape[axis]), concrete(obj, "delete(obj)"))
    return part(arr, along(axis, kept))


@implements(np.insert)
def insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    """``np.insert``: with ``values`` before the slices along an axis that ``obj`` names."""
    arr, axis = _flattened(operand(arr), axis)
    values = operand(values)
    if values.dtype != arr.dtype:
        values = values.astype(arr.dtype)
    if is_abstract(obj) and obj.ndim == 0 and obj.dtype.kind in "iu":
        return with_inserted(arr, obj, values, axis)
    obj = concrete(obj, "insert(obj)")
    n = arr.shape[axis]
    single = not isinstance(obj, slice) and np.size(obj) == 1 and np.asarray(obj).dtype != bool
    if single:
        values = view_with_shape(values, (1,) * (arr.ndim - values.ndim) + values.shape)
        if np.ndim(obj) == 0:
            values = moveaxis(values, 0, axis)
        count = values.shape[axis]
    else:
        count = len(np.insert(np.arange(n), obj, -1)) - n
    region = (*arr.shape[:axis], count, *arr.shape[axis + 1 :])
    if values.shape != region:
        values = broadcast_to(values, region)
    if single:
        at = int(np.insert(np.arange(n), obj, -1).argmin())
        before, after = (part(arr, along(axis, s)) for s in (slice(at), slice(at, None)))
        return joined([before, values, after], axis)
    # Old elements have their numbers, the k-th new one has n + k.
    numbers = np.insert(np.arange(n), obj, n + np.arange(count))
    return part(joined([arr, values], axis), along(axis, numbers))


@implements(np.trim_zeros)
def trim_zeros(filt: Any, trim: str = "fb", axis: Any = None) -> Any:
    """``np.trim_zeros``: a view without the zeros at the front (``f``) and back (``b``)."""
    filt = operand(filt)
    value = np.asarray(concrete(filt, "trim_zeros"))
    if set(trim.lower()) - {"f", "b"} or not trim:
        raise WengertValueError(f"unexpected character(s) in `trim`: {trim!r}")
    axes = axes_of(axis, value.ndim)
    found = np.argwhere(value)
    index = []
    for i in range(value.ndim):
        first, last = (found[:, i].min(), found[:, i].max() + 1) if len(found) else (0, 0)
        start = int(first) if i in axes and ("f" in trim.lower() or not len(found)) else None
        stop = int(last) if i in axes and ("b" in trim.lower() or not len(found)) else None
        index.append(slice(start, stop))
    return part(filt, tuple(index))


attach_method("repeat", repeat)


def _resize_in_place(self: Tensor, *args: Any, **kwargs: Any) -> Any:
    raise WengertTypeError("Tensor.resize would change the shape in place; use np.resize(x, shape)")


attach_method("resize", _resize_in_place)
