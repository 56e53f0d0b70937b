"""Sums and extrema over axes. Axes are canonical: a tuple of non-negative, increasing integers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.bind import bind
from ..core.primitive import Primitive
from .shapes import broadcast_to, reshape

__all__ = ["kept_shape", "max_p", "min_p", "reduce_shape", "reduction_batch", "sum_", "sum_p"]


def reduce_shape(x: Any, axis: tuple[int, ...], keepdims: bool = False) -> tuple[tuple[int, ...], Any]:
    """Shape rule of a reduction that keeps the dtype."""
    if keepdims:
        return kept_shape(x.shape, axis), x.dtype
    return tuple([n for i, n in enumerate(x.shape) if i not in axis]), x.dtype


def kept_shape(shape: tuple[int, ...], axis: tuple[int, ...]) -> tuple[int, ...]:
    """The shape with the reduced axes kept with length one."""
    return tuple([1 if i in axis else n for i, n in enumerate(shape)])


def reduction_batch(primitive: Primitive) -> Any:
    """Batching rule of a reduction: the same axes, one further on."""

    def batch(args: Any, batched: Any, size: int, axis: tuple[int, ...], **params: Any) -> Any:
        return bind(primitive, args, {"axis": tuple(i + 1 for i in axis), **params})

    return batch


def _reduction_text(name: str) -> Any:
    def show(x: str, axis: tuple[int, ...], keepdims: bool = False) -> str:
        where = f", axis={axis[0] if len(axis) == 1 else axis}"
        return f"np.{name}({x}{where}{', keepdims=True' if keepdims else ''})"

    return show


def spread(ct: Any, shape: tuple[int, ...], axis: tuple[int, ...], keepdims: bool) -> Any:
    """A cotangent of a reduction's output, broadcast to the shape of its input."""
    if not keepdims and ct.ndim:
        ct = reshape(ct, kept_shape(shape, axis))
    return broadcast_to(ct, shape)


# ------------------------------------------------------------------ sum


def _sum_shape(x: Any, axis: tuple[int, ...], keepdims: bool = False) -> tuple[tuple[int, ...], Any]:
    shape, dtype = reduce_shape(x, axis, keepdims)
    return shape, np.dtype(np.intp) if dtype.kind in "bi" and dtype.itemsize < 8 else dtype


sum_p = Primitive(
    "sum",
    lambda x, axis, keepdims=False: np.add.reduce(x, axis, keepdims=keepdims),
    _sum_shape,
    None,
    linear=(0,),
    transpose=(lambda ct, ins, out, axis, keepdims=False: spread(ct, ins[0].shape, axis, keepdims),),
    show=_reduction_text("sum"),
    lower="sum",
)
sum_p.batch = reduction_batch(sum_p)


def sum_(x: Any, axis: tuple[int, ...], keepdims: bool = False) -> Any:
    """The sum over ``axis``."""
    return bind(sum_p, (x,), {"axis": axis, "keepdims": keepdims} if keepdims else {"axis": axis})


# ------------------------------------------------------------------ extrema: ties share evenly


def _share_among_equal(
    ts: Any, ins: Any, out: Any, axis: tuple[int, ...], keepdims: bool = False
) -> Any:
    x = ins[0]
    full = out if keepdims else reshape(out, kept_shape(x.shape, axis))
    winners = (x == full).astype(x.dtype)
    share = winners / sum_(winners, axis, True)
    return sum_(ts[0] * share, axis, keepdims)


def _extremum(name: str, ufunc: Any) -> Primitive:
    p = Primitive(
        name,
        lambda x, axis, keepdims=False: ufunc.reduce(x, axis, keepdims=keepdims),
        reduce_shape,
        None,
        jvp=_share_among_equal,
        show=_reduction_text(name),
        lower=name,
    )
    p.batch = reduction_batch(p)
    return p


max_p = _extremum("max", np.maximum)
min_p = _extremum("min", np.minimum)
