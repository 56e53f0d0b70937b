"""Moving elements about: reshape, transpose, broadcast; and changes of dtype.

Each is linear, and its transpose moves the cotangent back. Parameters are canonical here: complete
shapes and permutations of non-negative axes; the public functions in `wengert.numpy` resolve -1,
negative axes and defaults.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ..core import algebra
from ..core.bind import bind
from ..core.errors import ShapeError
from ..core.primitive import Primitive
from ..core.tensor import Tensor
from .batching import align, shape_of

__all__ = [
    "astype",
    "astype_p",
    "broadcast_to",
    "broadcast_to_p",
    "reshape",
    "reshape_p",
    "transpose",
    "transpose_p",
]


def _with_size(params_of: Any) -> Any:
    """A batching rule that only changes parameters; filled in below with the primitive."""

    def make(primitive: Primitive) -> Any:
        def batch(
            args: tuple[Any, ...], batched: tuple[bool, ...], size: int, **params: Any
        ) -> Any:
            return bind(primitive, args, params_of(size, **params), False)

        return batch

    return make


# ------------------------------------------------------------------ reshape

reshape_p = Primitive(
    "reshape",
    lambda x, shape: np.reshape(x, shape),
    lambda x, shape: (shape, x.dtype),
    None,
    linear=(0,),
    transpose=(lambda ct, ins, out, shape: reshape(ct, ins[0].shape),),
    show="{0}.reshape({shape})",
    alias=True,
)
reshape_p.batch = _with_size(lambda size, shape: {"shape": (size, *shape)})(reshape_p)


def reshape(x: Any, shape: tuple[int, ...]) -> Any:
    """``x`` with the given shape, in C order; one entry may be -1."""
    size = prod(shape_of(x))
    if -1 in shape:
        known = -prod(shape)
        if shape.count(-1) > 1 or (known and size % known) or (not known and size):
            raise ShapeError(f"reshape: cannot reshape shape {shape_of(x)} to {shape}")
        shape = tuple(size // known if n == -1 and known else 0 if n == -1 else n for n in shape)
    if prod(shape) != size:
        raise ShapeError(f"reshape: cannot reshape shape {shape_of(x)} (size {size}) to {shape}")
    return bind(reshape_p, (x,), {"shape": tuple(shape)})


# ------------------------------------------------------------------ transpose


def _inverse(axes: tuple[int, ...]) -> tuple[int, ...]:
    inverse = [0] * len(axes)
    for i, axis in enumerate(axes):
        inverse[axis] = i
    return tuple(inverse)


transpose_p = Primitive(
    "transpose",
    lambda x, axes: np.transpose(x, axes),
    lambda x, axes: (tuple(x.shape[i] for i in axes), x.dtype),
    None,
    linear=(0,),
    transpose=(lambda ct, ins, out, axes: transpose(ct, _inverse(axes)),),
    show=lambda x, axes: (
        f"{x}.T" if axes == tuple(reversed(range(len(axes)))) else f"{x}.transpose({axes})"
    ),
    alias=True,
)
transpose_p.batch = _with_size(lambda size, axes: {"axes": (0, *(i + 1 for i in axes))})(transpose_p)


def transpose(x: Any, axes: tuple[int, ...]) -> Any:
    """``x`` with its axes permuted; ``axes`` are non-negative."""
    return bind(transpose_p, (x,), {"axes": axes})


# ------------------------------------------------------------------ broadcast_to


def _broadcast_batch(args: Any, batched: Any, size: int, shape: tuple[int, ...]) -> Any:
    return broadcast_to(align(args[0], True, len(shape)), (size, *shape))


def _scalar_dtype(x: Any) -> Any:
    return x.dtype if hasattr(x, "dtype") else np.asarray(x).dtype


# A read-only view in NumPy; nothing can be written through it, so it needs no chain of views.
broadcast_to_p = Primitive(
    "broadcast_to",
    lambda x, shape: np.broadcast_to(x, shape),
    lambda x, shape: (shape, _scalar_dtype(x)),
    _broadcast_batch,
    linear=(0,),
    transpose=(lambda ct, ins, out, shape: algebra.unbroadcast(ct, ins[0].shape),),
    show="np.broadcast_to({0}, {shape})",
    array0d=True,
)


def broadcast_to(x: Any, shape: tuple[int, ...]) -> Any:
    """``x`` repeated to ``shape``, without a copy."""
    if isinstance(x, Tensor) and x.shape == shape:
        return x
    return bind(broadcast_to_p, (x,), {"shape": tuple(shape)})


# ------------------------------------------------------------------ dtype

astype_p = Primitive(
    "astype",
    lambda x, dtype: x.astype(dtype),
    lambda x, dtype: (x.shape, np.dtype(dtype)),
    None,
    linear=(0,),
    transpose=(lambda ct, ins, out, dtype: algebra.cast_like(ct, ins[0].dtype),),
    show=lambda x, dtype: f"{x}.astype(np.{np.dtype(dtype).name})",
)
astype_p.batch = _with_size(lambda size, dtype: {"dtype": dtype})(astype_p)


def astype(x: Any, dtype: Any) -> Any:
    """``x`` in another dtype. A complex value cast to a real dtype loses its imaginary part."""
    return bind(astype_p, (x,), {"dtype": np.dtype(dtype)})
