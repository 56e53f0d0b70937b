"""Joining arrays: concatenate along an axis, stack along a new one. Linear in all operands.

Padding, tiling, rolling, inserting and their kind are composites of these and of indexing, in
`wengert.numpy.joining`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.bind import bind
from ..core.errors import ShapeError
from ..core.primitive import EVERY, PRIMITIVES, Primitive
from .batching import materialize, shape_of

__all__ = ["concatenate_p", "stack_p"]

_FULL = (None, None, None)


def _text(name: str) -> Any:
    def show(*xs: str, axis: int) -> str:
        where = f", axis={axis}" if axis else ""
        return f"np.{name}([{', '.join(xs)}]{where})"

    return show


def _joined_batch(args: Any, batched: Any, size: int, axis: int, primitive: Primitive) -> Any:
    full = [materialize(x, b, size) for x, b in zip(args, batched, strict=True)]
    return bind(primitive, tuple(full), {"axis": axis + 1})


def _dtype(xs: Any) -> Any:
    return np.result_type(*[x.dtype if hasattr(x, "dtype") else np.asarray(x).dtype for x in xs])


# ------------------------------------------------------------------ concatenate


def _concatenate_shape(*xs: Any, axis: int) -> tuple[tuple[int, ...], Any]:
    first = shape_of(xs[0])
    total = 0
    for x in xs:
        shape = shape_of(x)
        if len(shape) != len(first) or any(
            n != m for i, (n, m) in enumerate(zip(shape, first, strict=True)) if i != axis
        ):
            raise ShapeError(
                f"concatenate: shapes {first} and {shape} differ in more than axis {axis}"
            )
        total += shape[axis]
    return (*first[:axis], total, *first[axis + 1 :]), _dtype(xs)


def _concatenate_transpose(i: int, ct: Any, ins: Any, out: Any, axis: int) -> Any:
    start = sum(shape_of(x)[axis] for x in ins[:i])
    stop = start + shape_of(ins[i])[axis]
    template = (*(_FULL,) * axis, (start, stop, None))
    return bind(PRIMITIVES["getitem"], (ct,), {"template": template}, False)


concatenate_p: Primitive = Primitive(
    "concatenate",
    lambda *xs, axis: np.concatenate(xs, axis),
    _concatenate_shape,
    lambda args, batched, size, axis: _joined_batch(args, batched, size, axis, concatenate_p),
    linear=EVERY,
    transpose=_concatenate_transpose,
    show=_text("concatenate"),
    lower="concatenate",
)


# ------------------------------------------------------------------ stack


def _stack_shape(*xs: Any, axis: int) -> tuple[tuple[int, ...], Any]:
    first = shape_of(xs[0])
    for x in xs:
        if shape_of(x) != first:
            raise ShapeError(
                f"stack: all arrays must have the same shape, not {first} and {shape_of(x)}"
            )
    return (*first[:axis], len(xs), *first[axis:]), _dtype(xs)


def _stack_transpose(i: int, ct: Any, ins: Any, out: Any, axis: int) -> Any:
    template = (*(_FULL,) * axis, i)
    return bind(PRIMITIVES["getitem"], (ct,), {"template": template}, False)


# A primitive besides `concatenate`, for np.stack([dx, dy, dz]) of scalars, as in the right-hand
# side of a differential equation: one operation takes 10 us where three reshapes and a concatenate
# take 24, and 43 instead of 72 with its backward pass.
stack_p: Primitive = Primitive(
    "stack",
    lambda *xs, axis: np.stack(xs, axis),
    _stack_shape,
    lambda args, batched, size, axis: _joined_batch(args, batched, size, axis, stack_p),
    linear=EVERY,
    transpose=_stack_transpose,
    show=_text("stack"),
    lower="stack",
)
