"""Moving elements about: reshape, transpose, broadcast, diagonals, copies; and changes of dtype.

Each is linear, and its transpose moves the cotangent back. Parameters are canonical here: complete
shapes and permutations of non-negative axes; the public functions in `wengert.numpy` resolve -1,
negative axes and defaults.

The functions here serve the rules of other operations and return results that do not follow later
writes to the operand; the public ones, which return views, apply the primitives themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from string import ascii_letters
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ..core import algebra
from ..core.abstract import is_array
from ..core.bind import bind
from ..core.errors import ShapeError
from ..core.index import ARRAY
from ..core.primitive import PRIMITIVES, Primitive
from ..core.tensor import Tensor
from .batching import align, shape_of

__all__ = [
    "BATCHED_PARAMS",
    "astype",
    "astype_p",
    "broadcast_to",
    "broadcast_to_p",
    "copy_p",
    "diagonal_p",
    "parameters_with_batch",
    "reshape",
    "reshape_p",
    "resolved_shape",
    "sliding_windows_p",
    "transpose",
    "transpose_p",
    "unit_vectors",
    "unit_vectors_p",
    "writeable_diagonal",
]

BATCHED_PARAMS: dict[Primitive, Callable[..., dict[str, Any]]] = {}
"""Operations whose batched form is the operation itself with other parameters, which ``(size,
**params)`` gives. All that make views are among them: `rules.indexing` batches chains of views.
"""


def parameters_with_batch(
    primitive: Primitive, params_of: Callable[..., dict[str, Any]]
) -> Primitive:
    """Give a primitive on one operand the batching rule that only changes its parameters."""

    def batch(args: tuple[Any, ...], batched: tuple[bool, ...], size: int, **params: Any) -> Any:
        return bind(primitive, args, params_of(size, **params), False)

    BATCHED_PARAMS[primitive] = params_of
    primitive.batch = batch
    return primitive


# ------------------------------------------------------------------ reshape

reshape_p = parameters_with_batch(
    Primitive(
        "reshape",
        lambda x, shape: np.reshape(x, shape),
        lambda x, shape: (shape, x.dtype),
        None,
        linear=(0,),
        transpose=(lambda ct, ins, out, shape: reshape(ct, ins[0].shape),),
        lower="reshape",
        show="{0}.reshape({shape})",
        alias=True,
        array0d=lambda x, shape: is_array(x),
    ),
    lambda size, shape: {"shape": (size, *shape)},
)


def fits(shape: tuple[int, ...], into: tuple[int, ...]) -> bool:
    """Whether an array of one shape broadcasts to another."""
    if len(shape) > len(into):
        return False
    return all(n in (1, m) for n, m in zip(reversed(shape), reversed(into), strict=False))


def resolved_shape(x: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape that `x` is to be given, with an entry of -1 replaced by what is left for it.

    Raises
    ------
    ShapeError
        If the number of elements differs.
    """
    size = x.size if hasattr(x, "size") else 1
    if -1 in shape:
        known = -prod(shape)
        if shape.count(-1) > 1 or known <= 0 or size % known:
            rule = "only one length can be" if shape.count(-1) > 1 else "no length fits for the"
            raise ShapeError(
                f"reshape: cannot reshape shape {shape_of(x)} (size {size}) to {shape}: {rule} -1"
            )
        shape = tuple([size // known if n == -1 else n for n in shape])
    if prod(shape) != size or (shape and min(shape) < 0):
        raise ShapeError(
            f"reshape: cannot reshape shape {shape_of(x)} (size {size}) to {shape} (size "
            f"{prod(shape)}); the sizes must agree, and -1 stands for a length that is computed"
        )
    return shape


def reshape(x: Any, shape: tuple[int, ...]) -> Any:
    """``x`` with the given shape, in C order; one entry may be -1."""
    return bind(reshape_p, (x,), {"shape": resolved_shape(x, shape)}, False)


# ------------------------------------------------------------------ transpose


def _inverse(axes: tuple[int, ...]) -> tuple[int, ...]:
    inverse = [0] * len(axes)
    for i, axis in enumerate(axes):
        inverse[axis] = i
    return tuple(inverse)


transpose_p = parameters_with_batch(
    Primitive(
        "transpose",
        lambda x, axes: np.transpose(x, axes),
        lambda x, axes: (tuple(x.shape[i] for i in axes), x.dtype),
        None,
        linear=(0,),
        transpose=(lambda ct, ins, out, axes: transpose(ct, _inverse(axes)),),
        lower="transpose",
        show=lambda x, axes: (
            f"{x}.T" if axes == tuple(reversed(range(len(axes)))) else f"{x}.transpose({axes})"
        ),
        alias=True,
        array0d=lambda x, axes: is_array(x),
    ),
    lambda size, axes: {"axes": (0, *(i + 1 for i in axes))},
)


def transpose(x: Any, axes: tuple[int, ...]) -> Any:
    """``x`` with its axes permuted; ``axes`` are non-negative."""
    return bind(transpose_p, (x,), {"axes": axes}, False)


# ------------------------------------------------------------------ broadcast_to


def _broadcast_batch(args: Any, batched: Any, size: int, shape: tuple[int, ...]) -> Any:
    return broadcast_to(align(args[0], True, len(shape)), (size, *shape))


def _broadcast_shape(x: Any, shape: tuple[int, ...]) -> tuple[tuple[int, ...], Any]:
    return shape, x.dtype if hasattr(x, "dtype") else np.asarray(x).dtype


# A read-only view in NumPy: it follows writes to its operand, and refuses its own.
broadcast_to_p = Primitive(
    "broadcast_to",
    lambda x, shape: np.broadcast_to(x, shape),
    _broadcast_shape,
    _broadcast_batch,
    linear=(0,),
    transpose=(lambda ct, ins, out, shape: algebra.unbroadcast(ct, ins[0].shape),),
    lower="broadcast_to",
    show="np.broadcast_to({0}, {shape})",
    alias=True,
    array0d=True,
)


def broadcast_to(x: Any, shape: tuple[int, ...]) -> Any:
    """``x`` repeated to ``shape``, without a copy."""
    if isinstance(x, Tensor) and x.shape == shape:
        return x
    return bind(broadcast_to_p, (x,), {"shape": tuple(shape)}, False)


# ------------------------------------------------------------------ diagonals


def _diagonal_slice(rows: int, columns: int, offset: int) -> tuple[int, int, int]:
    """Where the diagonal lies among the elements of a matrix: start, stop and step."""
    count = max(0, min(rows, columns - offset) if offset >= 0 else min(rows + offset, columns))
    start = offset if offset >= 0 else -offset * columns
    if not count:
        return 0, 0, columns + 1
    return start, start + (count - 1) * (columns + 1) + 1, columns + 1


def _diagonal(x: Any, offset: int, axes: tuple[int, int], subscripts: str = "") -> Any:
    return np.einsum(subscripts, x) if subscripts else np.diagonal(x, offset, *axes)


def writeable_diagonal(ndim: int, axes: tuple[int, int]) -> dict[str, Any]:
    """The parameters of the main diagonal by `np.einsum`."""
    letters = ascii_letters[:ndim]
    twice = letters[: axes[1]] + letters[axes[0]] + letters[axes[1] + 1 :]
    rest = "".join([c for i, c in enumerate(letters) if i not in axes])
    return {"offset": 0, "axes": axes, "subscripts": f"{twice}->{rest}{letters[axes[0]]}"}


def _diagonal_with_batch(
    size: int, offset: int, axes: tuple[int, int], subscripts: str = ""
) -> dict[str, Any]:
    axes = axes[0] + 1, axes[1] + 1
    if subscripts:
        return writeable_diagonal(subscripts.index("-") + 1, axes)
    return {"offset": offset, "axes": axes}


def _diagonal_shape(
    x: Any, offset: int, axes: tuple[int, int], subscripts: str = ""
) -> tuple[tuple[int, ...], Any]:
    rows, columns = x.shape[axes[0]], x.shape[axes[1]]
    start, stop, step = _diagonal_slice(rows, columns, offset)
    rest = tuple(n for i, n in enumerate(x.shape) if i not in axes)
    return (*rest, len(range(start, stop, step))), x.dtype


def _diagonal_transpose(
    ct: Any, ins: Any, out: Any, offset: int, axes: tuple[int, int], subscripts: str = ""
) -> Any:
    """The cotangent on the diagonal of zeros.

    The diagonals are a slice of the elements once the two axes are last and joined.
    """
    shape = ins[0].shape
    rest = tuple(i for i in range(len(shape)) if i not in axes)
    rows, columns = shape[axes[0]], shape[axes[1]]
    lead = tuple(shape[i] for i in rest)
    spread = bind(
        PRIMITIVES["scatter_add"],
        (ct,),
        {
            "template": (Ellipsis, _diagonal_slice(rows, columns, offset)),
            "shape": (*lead, rows * columns),
        },
    )
    spread = reshape(spread, (*lead, rows, columns))
    return transpose(spread, _inverse((*rest, *axes)))


def _diagonal_text(x: str, offset: int, axes: tuple[int, int], subscripts: str = "") -> str:
    if subscripts:
        return f"np.einsum({subscripts!r}, {x})"
    if axes == (0, 1):
        return f"np.diagonal({x}{f', {offset}' if offset else ''})"
    return f"np.diagonal({x}, {offset}, {axes[0]}, {axes[1]})"


# The diagonals of the matrices that the two axes span, along the last axis of the result; a view in
# NumPy, read-only from `np.diagonal` but not from `np.einsum`. A primitive because its composites
# (reshape and a strided slice, or two index arrays) copy.
diagonal_p = parameters_with_batch(
    Primitive(
        "diagonal",
        _diagonal,
        _diagonal_shape,
        None,
        linear=(0,),
        transpose=(_diagonal_transpose,),
        lower="diagonal",
        show=_diagonal_text,
        alias=True,
    ),
    _diagonal_with_batch,
)


# ------------------------------------------------------------------ windows


def _windows_shape(x: Any, window: int, axis: int) -> tuple[tuple[int, ...], Any]:
    shape = list(x.shape)
    shape[axis] -= window - 1
    return (*shape, window), x.dtype


def _windows_transpose(ct: Any, ins: Any, out: Any, window: int, axis: int) -> Any:
    """Each element gets the cotangents of its places in all windows."""
    shape = ins[0].shape
    places = np.arange(shape[axis] - window + 1)[:, None] + np.arange(window)
    last = len(shape)
    order = (*range(axis + 1), last, *range(axis + 1, last))
    template = (*((None, None, None),) * axis, ARRAY)
    return bind(
        PRIMITIVES["scatter_add"],
        (transpose(ct, order), places),
        {"template": template, "shape": shape},
    )


# All windows along one axis, as the last axis; a read-only view in NumPy.
sliding_windows_p = parameters_with_batch(
    Primitive(
        "sliding_windows",
        lambda x, window, axis: sliding_window_view(x, window, axis),
        _windows_shape,
        None,
        linear=(0,),
        transpose=(_windows_transpose,),
        lower="sliding_windows",
        show="np.lib.stride_tricks.sliding_window_view({0}, {window}, {axis})",
        alias=True,
    ),
    lambda size, window, axis: {"window": window, "axis": axis + 1},
)


# ------------------------------------------------------------------ unit vectors


def _unit_vectors(x: Any, n: int, start: int) -> Any:
    shape = np.shape(x)
    size = prod(shape)
    e = np.zeros((n, size), x.dtype)
    e[np.arange(start, start + size), np.arange(size)] = 1
    return e.reshape((n, *shape))


def _unit_vectors_batch(args: Any, batched: Any, size: int, n: int, start: int) -> Any:
    (x,) = args
    e = _unit_vectors(np.empty(x.shape[1:], x.dtype), n, start)
    return np.broadcast_to(e, (size, *e.shape))


# What pullbacks are applied to for a Jacobian. Under jit it is an equation, and not an array like
# any other, so that the compiler knows of products with the identity.
unit_vectors_p = Primitive(
    "unit_vectors",
    _unit_vectors,
    lambda x, n, start: ((n, *x.shape), x.dtype),
    _unit_vectors_batch,
    plain=True,
    show="unit_vectors({0}.shape, {n}, {start})",
    lower="unit_vectors",
    contiguous=lambda x, n, start: True,
)


def unit_vectors(x: Any, n: int, start: int) -> Any:
    """Arrays like ``x`` along a first axis of length n; that at ``start + i`` is 1 in place i."""
    return bind(unit_vectors_p, (x,), {"n": n, "start": start})


# ------------------------------------------------------------------ copies and dtypes

# What is written into the copy does not reach the original. Unlike `x * 1.0` it keeps integers and
# the sign of zero, and 0-d arrays stay arrays.
copy_p = parameters_with_batch(
    Primitive(
        "copy",
        lambda x, order="C": np.copy(x, order) if isinstance(x, np.ndarray) else x,
        lambda x, order="C": (x.shape, x.dtype),
        None,
        linear=(0,),
        transpose=(lambda ct, ins, out, order="C": ct,),
        lower="copy",
        show=lambda x, order="C": f"{x}.copy({'' if order == 'C' else repr(order)})",
        array0d=lambda x, order="C": is_array(x),
        contiguous=lambda x, order="C": order == "C" or (order != "F" and x.contiguous),
    ),
    lambda size, order="C": {"order": order},
)


def _astype_transpose(ct: Any, ins: Any, out: Any, dtype: Any) -> Any:
    # Only the real part of a complex number reaches a real dtype: the cotangent must be real
    # before it becomes the cotangent of the complex number.
    return algebra.cast_like(algebra.cast_like(ct, dtype), ins[0].dtype)


astype_p = parameters_with_batch(
    Primitive(
        "astype",
        lambda x, dtype: x.astype(dtype) if hasattr(x, "astype") else np.dtype(dtype).type(x),
        lambda x, dtype: (x.shape, np.dtype(dtype)),
        None,
        linear=(0,),
        transpose=(_astype_transpose,),
        lower="astype",
        show=lambda x, dtype: f"{x}.astype(np.{np.dtype(dtype).name})",
        array0d=lambda x, dtype: is_array(x),
    ),
    lambda size, dtype: {"dtype": dtype},
)


def astype(x: Any, dtype: Any) -> Any:
    """``x`` in another dtype. A complex value cast to a real dtype loses its imaginary part."""
    return bind(astype_p, (x,), {"dtype": np.dtype(dtype)})
