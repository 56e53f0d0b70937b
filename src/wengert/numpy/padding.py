"""``np.pad``: composites of indexing and joining, axis after axis as NumPy does it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.bind import bind
from ..core.errors import ShapeError, WengertTypeError, WengertValueError
from ..core.primitive import PRIMITIVES
from ..core.tensor import Tensor
from .arguments import concrete, contains_tensor, operand
from .dispatch import implements
from .joining import along, joined, part
from .shapes import broadcast_to, copied

__all__ = ["pad"]

_OPTIONS = {
    "empty": (),
    "edge": (),
    "wrap": (),
    "constant": ("constant_values",),
    "linear_ramp": ("end_values",),
    "maximum": ("stat_length",),
    "mean": ("stat_length",),
    "median": ("stat_length",),
    "minimum": ("stat_length",),
    "reflect": ("reflect_type",),
    "symmetric": ("reflect_type",),
}
_STATISTICS: dict[str, Callable[..., Any]] = {
    "maximum": np.max,
    "minimum": np.min,
    "mean": np.mean,
    "median": np.median,
}


@implements(np.pad)
def pad(array: Any, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Any:
    """``np.pad``, all modes. A function as ``mode`` writes into the vectors that it is given.

    Raises
    ------
    ValueError
        For an unknown mode or an option that the mode does not have.
    """
    if callable(mode):
        a = operand(array)
        return _pad_by_function(
            a, _widths(concrete(pad_width, "pad(pad_width)"), a.ndim), mode, kwargs
        )
    if mode not in _OPTIONS:
        raise WengertValueError(f"mode '{mode}' is not supported")
    wrong = set(kwargs) - set(_OPTIONS[mode])
    if wrong:
        raise WengertValueError(f"unsupported keyword arguments for mode '{mode}': {wrong}")
    a = operand(array)
    widths = _widths(concrete(pad_width, "pad(pad_width)"), a.ndim)
    if mode in ("constant", "empty"):
        return _pad_constant(a, widths, kwargs.get("constant_values", 0))
    for axis, (left, right) in enumerate(widths):
        if a.shape[axis] == 0 and left + right:
            raise ShapeError(
                f"can't extend empty axis {axis} using modes other than 'constant' or 'empty'"
            )
    if mode in _STATISTICS:
        lengths = _pairs(kwargs.get("stat_length"), a.ndim)
        return _each_axis(a, widths, lambda x, i, w: _statistics(x, i, w, lengths[i], mode))
    if mode == "linear_ramp":
        ends = _value_pairs(kwargs.get("end_values", 0), a.ndim)
        return _each_axis(a, widths, lambda x, i, w: _ramps(x, i, w, ends[i]))
    if kwargs.get("reflect_type", "even") == "odd":
        return _each_axis(a, widths, lambda x, i, w: _reflect_odd(x, i, w, mode == "symmetric"))
    return _pad_by_index(a, widths, mode)


def _widths(pad_width: Any, ndim: int) -> list[tuple[int, int]]:
    if isinstance(pad_width, dict):
        widths = [(0, 0)] * ndim
        for axis, width in pad_width.items():
            widths[axis] = (width, width) if np.ndim(width) == 0 else tuple(width)
        pad_width = widths
    pad_width = np.asarray(pad_width)
    if pad_width.dtype.kind not in "iu":
        raise WengertTypeError("`pad_width` must be of integral type.")
    if (pad_width < 0).any():
        raise WengertValueError("index can't contain negative values")
    pairs = np.broadcast_to(pad_width, (ndim, 2)) if ndim else np.zeros((0, 2), int)
    return [(int(left), int(right)) for left, right in pairs]


def _pairs(values: Any, ndim: int) -> list[tuple[Any, Any]]:
    if values is None:
        return [(None, None)] * ndim
    return [(int(left), int(right)) for left, right in np.broadcast_to(values, (ndim, 2))]


def _value_pairs(values: Any, ndim: int) -> list[tuple[Any, Any]]:
    """Padding values, one pair for each axis; they may be Tensors."""
    if contains_tensor(values):
        full = broadcast_to(operand(values), (ndim, 2))
        return [(part(full, (i, 0)), part(full, (i, 1))) for i in range(ndim)]
    full = np.broadcast_to(values, (ndim, 2))
    return [(full[i, 0], full[i, 1]) for i in range(ndim)]


def _each_axis(a: Any, widths: Any, sides: Callable[..., tuple[Any, Any]]) -> Any:
    """Pad one axis after the other with the blocks that ``sides(x, axis, widths)`` gives."""
    changed = False
    for axis, (left, right) in enumerate(widths):
        if left or right:
            before, after = sides(a, axis, (left, right))
            a = joined([b for b, n in ((before, left), (a, 1), (after, right)) if n], axis)
            changed = True
    return a if changed else copied(a)


# ------------------------------------------------------------------ constants


def _pad_constant(a: Any, widths: list[tuple[int, int]], values: Any) -> Any:
    """Into zeros for the usual case: one operation whose transpose is a slice."""
    shape = tuple(left + n + right for n, (left, right) in zip(a.shape, widths, strict=True))
    template = tuple((left, left + n, None) for n, (left, _) in zip(a.shape, widths, strict=True))
    if not contains_tensor(values):
        if not isinstance(a, Tensor):
            return np.pad(a, widths, constant_values=values)
        if not np.any(values):
            return bind(PRIMITIVES["scatter_add"], (a,), {"template": template, "shape": shape})
        frame = np.pad(np.zeros(a.shape, a.dtype), widths, constant_values=values)
        return bind(PRIMITIVES["setitem"], (frame, a), {"chain": (), "template": template})
    pairs = _value_pairs(values, a.ndim)

    def sides(x: Any, axis: int, w: tuple[int, int]) -> tuple[Any, Any]:
        left, right = (
            broadcast_to(v.astype(x.dtype), (*x.shape[:axis], n, *x.shape[axis + 1 :]))
            for v, n in zip(pairs[axis], w, strict=True)
        )
        return left, right

    return _each_axis(a, widths, sides)


# ------------------------------------------------------------------ a function of the user


def _pad_by_function(
    a: Any, widths: list[tuple[int, int]], function: Callable[..., Any], kwargs: dict[str, Any]
) -> Any:
    """Zeros around ``a``; then ``function`` writes into every vector, axis after axis."""
    padded = _pad_constant(a, widths, 0)
    for axis, width in enumerate(widths):
        vectors = np.moveaxis(padded, axis, -1)
        for place in np.ndindex(vectors.shape[:-1]):
            function(vectors[(*place, ...)], width, axis, kwargs)
    return padded


# ------------------------------------------------------------------ copies of elements


def _pad_by_index(a: Any, widths: list[tuple[int, int]], mode: str) -> Any:
    """Modes that copy elements: NumPy itself, on the numbers of the slices, says which."""
    result = a
    for axis, width in enumerate(widths):
        if any(width):
            numbers = np.pad(np.arange(a.shape[axis]), width, mode)  # type: ignore[call-overload]
            result = part(result, along(axis, numbers))
    return copied(a) if result is a else result


def _reflect_odd(x: Any, axis: int, width: tuple[int, int], symmetric: bool) -> tuple[Any, Any]:
    """Point reflection at the edges, ``2 * edge - x``, repeated until the sides are filled."""
    left, right = width
    n = x.shape[axis]
    if n == 1:
        # NumPy extends an axis of length one by its only element, whatever the reflection.
        before, after = (part(x, along(axis, np.zeros(k, int))) for k in width)
        return before, after
    skip = 0 if symmetric else 1  # whether the edge itself is repeated
    period = n - skip
    grown = x
    have_left = have_right = 0
    while have_left < left or have_right < right:
        size = grown.shape[axis]
        reach = (size - skip) // period * period
        more_left, more_right = min(reach, left - have_left), min(reach, right - have_right)
        backward = part(grown, along(axis, slice(None, None, -1)))
        first, last = (part(grown, along(axis, s)) for s in (slice(0, 1), slice(size - 1, None)))
        from_left = part(backward, along(axis, slice(size - skip - more_left, size - skip)))
        from_right = part(backward, along(axis, slice(skip, skip + more_right)))
        grown = joined([2 * first - from_left, grown, 2 * last - from_right], axis)
        have_left, have_right = have_left + more_left, have_right + more_right
    return (
        part(grown, along(axis, slice(0, left))),
        part(grown, along(axis, slice(left + n, None))),
    )


# ------------------------------------------------------------------ ramps and statistics


def _ramps(x: Any, axis: int, width: tuple[int, int], ends: tuple[Any, Any]) -> tuple[Any, Any]:
    """From the end value (which stands outermost) towards the edge."""
    results = []
    for side, (n, end) in enumerate(zip(width, ends, strict=True)):
        edge = part(x, along(axis, slice(0, 1) if side == 0 else slice(-1, None)))
        steps = np.arange(n, dtype=x.dtype) / max(n, 1)
        steps = steps[:: -1 if side else 1].astype(x.dtype)
        steps = steps.reshape((1,) * axis + (n,) + (1,) * (x.ndim - axis - 1))
        results.append(((edge - end) * steps + end).astype(x.dtype))
    return results[0], results[1]


def _statistics(
    x: Any, axis: int, width: tuple[int, int], lengths: tuple[Any, Any], mode: str
) -> tuple[Any, Any]:
    n = x.shape[axis]
    blocks = []
    for side, (count, length) in enumerate(zip(width, lengths, strict=True)):
        length = n if length is None else min(length, n)
        if length == 0 and mode in ("maximum", "minimum"):
            raise ShapeError("stat_length of 0 yields no value for padding")
        within = slice(0, length) if side == 0 else slice(n - length, None)
        value = _STATISTICS[mode](part(x, along(axis, within)), axis=axis, keepdims=True)
        if x.dtype.kind in "iu" and value.dtype.kind == "f":
            value = np.rint(value)
        shape = (*x.shape[:axis], count, *x.shape[axis + 1 :])
        blocks.append(broadcast_to(value.astype(x.dtype), shape))
    return blocks[0], blocks[1]
