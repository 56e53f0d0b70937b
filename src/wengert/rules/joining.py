"""Joining arrays: concatenate along an axis, stack along a new one. Linear in all operands.

Padding, tiling, rolling, inserting and their kind are composites of these and of indexing, in
`wengert.numpy.joining`.
"""

from __future__ import annotations

from _weakref import ref
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.abstract import Aval
from ..core.bind import bind
from ..core.errors import ShapeError
from ..core.primitive import EVERY, PRIMITIVES, Primitive
from ..core.state import COUNTER, PAUSED, is_debugged, is_paused
from ..core.tape import Cotangents, Node
from ..core.tensor import FastTensor, Tensor
from .batching import materialize, shape_of

__all__ = ["concatenate_p", "fast_concatenate", "stack_p"]

_FULL = (None, None, None)

ndarray = np.ndarray
# Without the dispatch to other libraries' arrays, an eighth of the call for small ones.
_concatenate = getattr(np.concatenate, "_implementation", np.concatenate)


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
                f"concatenate: shapes {first} and {shape} differ in more than axis {axis}; "
                "reshape or pad them, or use stack for a new axis"
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


# ------------------------------------------------------------------ the fast path of concatenate
# Nodes as `bind` records them, so that only the way there and the rule on plain arrays are shorter.


def fast_concatenate(xs: Sequence[Any], axis: int) -> Any:
    """`concatenate` of ordinary Tensors and plain arrays of one rank; None for anything else."""
    if PAUSED and is_debugged() is not None:
        return None
    arrays: list[Any] = []
    parents: list[Any] = []
    saved: list[Any] = []  # what `bind` keeps: shape and dtype of what is differentiated
    constants: list[Tensor] = []
    tracked = False
    for x in xs:
        if type(x) is FastTensor:
            a, m = x._a, x._n
            arrays.append(a)
            parents.append(m)
            if m is not None:
                tracked = True
                saved.append(Aval(a.shape, a.dtype))
            else:
                constants.append(x)
                saved.append(a)
        elif type(x) is ndarray:
            arrays.append(x)
            parents.append(None)
            saved.append(x)
        else:
            return None
    ndim = arrays[0].ndim
    if not -ndim <= axis < ndim:
        return None
    try:
        y = _concatenate(arrays, axis)
    except ValueError:
        return None  # the general way has the better error
    r = FastTensor()
    r._a = y
    r._n = None
    if tracked and not (PAUSED and is_paused()):
        held = None
        if constants:
            held = tuple([ref(x) if isinstance(x, Tensor) and x._n is None else None for x in xs])
        kind = concatenate_p.kind
        params = {"axis": axis if axis >= 0 else axis + ndim}
        r._n = [
            next(COUNTER), kind, tuple(parents), None, None, tuple(saved), params, None, 0, held
        ]  # fmt: skip
    return r


def _raw_concatenate(node: Node, ct: Any, cotangents: Cotangents) -> None:
    axis = node[6]["axis"]
    before = (slice(None),) * axis
    start = 0
    for m, x in zip(node[2], node[5]):
        stop = start + x.shape[axis]
        if m is not None:
            g = ct[(*before, slice(start, stop))]
            k = m[0]
            cotangents[k] = cotangents[k] + g if k in cotangents else g
        start = stop


concatenate_p.kind.raw = _raw_concatenate


# ------------------------------------------------------------------ stack


def _stack_shape(*xs: Any, axis: int) -> tuple[tuple[int, ...], Any]:
    first = shape_of(xs[0])
    for x in xs:
        if shape_of(x) != first:
            raise ShapeError(
                f"stack: all arrays must have the same shape, not {first} and {shape_of(x)}; "
                "concatenate joins along an axis that is there"
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
