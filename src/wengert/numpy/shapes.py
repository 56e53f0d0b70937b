"""Shapes: reshape, transpose, broadcast, and the functions made of them.

What NumPy returns as a view is a view here: it follows writes to the array it was taken from, and
writes into it reach that array.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.exceptions import AxisError

from ..core.bind import bind
from ..core.errors import AbstractValueError, ShapeError, WengertTypeError, WengertValueError
from ..core.tensor import RareTensor, Tensor
from ..core.views import apply_chain
from ..rules.shapes import (
    astype_p,
    broadcast_to_p,
    copy_p,
    diagonal_p,
    fits,
    reshape_p,
    resolved_shape,
    transpose_p,
)
from .arguments import axes_of, axis_of, is_abstract, operand, shape_tuple
from .dispatch import implements
from .methods import attach_method

__all__ = [
    "astype",
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "broadcast_arrays",
    "broadcast_to",
    "copy",
    "diagonal",
    "expand_dims",
    "matrix_transpose",
    "moveaxis",
    "permute_dims",
    "ravel",
    "reshape",
    "rollaxis",
    "squeeze",
    "swapaxes",
    "transpose",
]


def view_with_shape(a: Any, shape: tuple[int, ...]) -> Any:
    """``a`` with a complete shape: a view where NumPy makes one."""
    if not is_abstract(a) or _can_be_view(a, shape):
        return bind(reshape_p, (a,), {"shape": shape})
    return _in_c_order(bind(reshape_p, (a,), {"shape": shape}, False))


def _in_c_order(copy: Any) -> Any:
    """A new array that NumPy makes in C order, also of one that is not."""
    if is_abstract(copy):
        copy._a.contiguous = True
    return copy


def _can_be_view(a: Tensor, shape: tuple[int, ...]) -> bool:
    """Whether an abstract value can have the shape without a copy.

    It is if the array that it stands for in a C-contiguous base is; for other bases nobody knows.
    """
    if not a.size or not _root(a)._a.contiguous:
        return True
    stand_in = _stand_in(a)
    try:
        if _NO_COPY:
            np.reshape(stand_in, shape, **_NO_COPY)
        else:
            stand_in.shape = shape
    except (ValueError, AttributeError):
        return False
    return True


# An assignment to .shape never copies, and is deprecated since NumPy 2.1 has the option.
_NO_COPY: dict[str, Any] = {"copy": False} if np.lib.NumpyVersion(np.__version__) >= "2.1.0" else {}


def _root(a: Tensor) -> Tensor:
    base = a._x.base if type(a) is RareTensor else None
    return a if base is None else base


def _stand_in(a: Tensor) -> Any:
    """A plain array with the strides that an abstract value has if its base is C-contiguous."""
    chain = a._x.chain if a._x.base is not None else ()
    root = _root(a)
    return apply_chain(np.empty(root.shape, root.dtype), chain)


def _is_contiguous(a: Any) -> bool:
    if is_abstract(a):
        return not _root(a)._a.contiguous or bool(_stand_in(a).flags.c_contiguous)
    value = a._a if isinstance(a, Tensor) else a
    return not isinstance(value, np.ndarray) or bool(value.flags.c_contiguous)


def view_with_axes(a: Any, axes: tuple[int, ...]) -> Any:
    """``a`` with its axes permuted."""
    return bind(transpose_p, (a,), {"axes": axes})


# ------------------------------------------------------------------ reshape and its kind


@implements(np.reshape)
def reshape(
    a: Any, shape: Any = None, order: str = "C", *, newshape: Any = None, copy: bool | None = None
) -> Any:
    """``np.reshape``: a view where NumPy makes one.

    Raises
    ------
    ShapeError
        If the number of elements differs.
    ValueError
        With ``copy=False`` where a copy is needed.
    """
    a = operand(a)
    if shape is None:
        shape = newshape
    shape = shape_tuple(shape)
    result = _reshaped(a, resolved_shape(a, shape), _order_of(a, order))
    if copy is None:
        return result
    if copy is False and not _is_view(result, a):
        raise WengertValueError("Unable to avoid creating a copy while reshaping.")
    return bind(copy_p, (result,), {}) if copy else result


def _is_view(result: Any, a: Any) -> bool:
    if is_abstract(a) or not isinstance(a, Tensor):
        return True
    return bool(np.may_share_memory(result._a, a._a)) or not a.size


def _reshaped(a: Any, shape: tuple[int, ...], order: str) -> Any:
    if order == "C":
        return view_with_shape(a, shape)
    turned = view_with_axes(a, tuple(reversed(range(a.ndim))))
    turned = view_with_shape(turned, shape[::-1])
    return view_with_axes(turned, tuple(reversed(range(len(shape)))))


def _order_of(a: Any, order: str) -> str:
    """C or F for the orders that NumPy knows."""
    if order in ("C", "F"):
        return order
    if order not in ("A", "K"):
        raise WengertValueError(f"order must be one of 'C', 'F', 'A', or 'K' (got {order!r})")
    value = a._a if isinstance(a, Tensor) else a
    if is_abstract(a) and a.ndim > 1:
        raise AbstractValueError(
            f"order={order!r} depends on the layout in memory, which an abstract value does not "
            "have (inside vmap or jit); say order='C' or order='F'"
        )
    return "F" if isinstance(value, np.ndarray) and value.flags.fnc else "C"


@implements(np.ravel)
def ravel(a: Any, order: str = "C") -> Any:
    """``np.ravel``: one dimension; a view of a contiguous array, else a copy."""
    a = operand(a)
    order = "K" if order == "K" and not is_abstract(a) and a.ndim else _order_of(a, order)
    if order == "K" and isinstance(a, Tensor):
        # Axes from the longest stride to the shortest: the elements in the order of memory.
        strides = [abs(s) for s in np.asarray(a._a).strides]
        a = view_with_axes(a, tuple(sorted(range(a.ndim), key=lambda i: (-strides[i], i))))
    elif order == "F":
        a = view_with_axes(a, tuple(reversed(range(a.ndim))))
    if not _is_contiguous(a):
        a = copied(a)
    # NumPy makes a new object of a vector; neither reads nor writes tell it from the vector.
    return a if a.ndim == 1 else view_with_shape(a, (a.size,))


@implements(np.squeeze)
def squeeze(a: Any, axis: Any = None) -> Any:
    """``np.squeeze``: without the axes of length one, or without the given ones."""
    a = operand(a)
    if axis is None:
        axes = tuple(i for i, n in enumerate(a.shape) if n == 1)
    else:
        axes = axes_of(axis, a.ndim)
        if any(a.shape[i] != 1 for i in axes):
            raise ShapeError("cannot select an axis to squeeze out which has size not equal to one")
    return view_with_shape(a, tuple(n for i, n in enumerate(a.shape) if i not in axes))


@implements(np.expand_dims)
def expand_dims(a: Any, axis: Any) -> Any:
    """``np.expand_dims``: new axes of length one at the given positions of the result."""
    a = operand(a)
    count = len(axis) if isinstance(axis, (tuple, list)) else 1
    axes = axes_of(axis, a.ndim + count)
    rest = iter(a.shape)
    return view_with_shape(a, tuple(1 if i in axes else next(rest) for i in range(a.ndim + count)))


def _at_least(arrays: tuple[Any, ...], ndim: int, widen: Any) -> Any:
    results = []
    for a in arrays:
        a = operand(a)
        results.append(a if a.ndim >= ndim else view_with_shape(a, widen(a.shape)))
    return results[0] if len(results) == 1 else tuple(results)


@implements(np.atleast_1d)
def atleast_1d(*arys: Any) -> Any:
    """``np.atleast_1d``."""
    return _at_least(arys, 1, lambda shape: (1,))


@implements(np.atleast_2d)
def atleast_2d(*arys: Any) -> Any:
    """``np.atleast_2d``: a vector becomes one row."""
    return _at_least(arys, 2, lambda shape: (1, *shape) if shape else (1, 1))


@implements(np.atleast_3d)
def atleast_3d(*arys: Any) -> Any:
    """``np.atleast_3d``: (n,) becomes (1, n, 1), and (m, n) becomes (m, n, 1)."""
    return _at_least(arys, 3, lambda shape: {0: (1, 1, 1), 1: (1, *shape, 1)}.get(
        len(shape), (*shape, 1)
    ))  # fmt: skip


# ------------------------------------------------------------------ permutations of axes


@implements(np.transpose, np.permute_dims)
def transpose(a: Any, axes: Any = None) -> Any:
    """``np.transpose``: a view with the axes permuted, by default reversed."""
    a = operand(a)
    if axes is None:
        return view_with_axes(a, tuple(reversed(range(a.ndim))))
    order = axes_of(axes, a.ndim)
    if len(order) != a.ndim:
        raise ShapeError(f"transpose: axes {axes} do not match an array of shape {a.shape}")
    return view_with_axes(a, order)


permute_dims = transpose


@implements(np.matrix_transpose)
def matrix_transpose(x: Any, /) -> Any:
    """``np.matrix_transpose``: the last two axes exchanged."""
    x = operand(x)
    if x.ndim < 2:
        raise ShapeError(f"Input array must be at least 2-dimensional, but it is {x.ndim}")
    return swapaxes(x, -1, -2)


@implements(np.swapaxes)
def swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    """``np.swapaxes``."""
    a = operand(a)
    i, j = axis_of(axis1, a.ndim, "axis1"), axis_of(axis2, a.ndim, "axis2")
    order = list(range(a.ndim))
    order[i], order[j] = j, i
    return view_with_axes(a, tuple(order))


@implements(np.moveaxis)
def moveaxis(a: Any, source: Any, destination: Any) -> Any:
    """``np.moveaxis``."""
    a = operand(a)
    sources, destinations = (
        axes_of(source, a.ndim, "source"),
        axes_of(destination, a.ndim, "destination"),
    )
    if len(sources) != len(destinations):
        raise ShapeError(
            "`source` and `destination` arguments must have the same number of elements"
        )
    order = [i for i in range(a.ndim) if i not in sources]
    for to, i in sorted(zip(destinations, sources, strict=True)):
        order.insert(to, i)
    return view_with_axes(a, tuple(order))


@implements(np.rollaxis)
def rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    """``np.rollaxis``; `moveaxis` is easier to read."""
    a = operand(a)
    n = a.ndim
    axis = axis_of(axis, n)
    at = start + n if start < 0 else start
    if not 0 <= at <= n:
        raise AxisError(f"'start' arg requires {-n} <= start < {n + 1}, but {start} was passed in")
    order = [i for i in range(n) if i != axis]
    order.insert(at - (axis < at), axis)
    return view_with_axes(a, tuple(order))


# ------------------------------------------------------------------ broadcasting


@implements(np.broadcast_to)
def broadcast_to(array: Any, shape: Any, subok: bool = False) -> Any:
    """``np.broadcast_to``: a read-only view.

    Raises
    ------
    ValueError
        If the shape does not fit.
    """
    array, shape = operand(array), shape_tuple(shape)
    if not fits(array.shape, shape):
        raise ShapeError(
            f"np.broadcast_to: an array of shape {array.shape} cannot be broadcast to shape "
            f"{shape}; each of its lengths must be equal or 1, counted from the last axis"
        )
    return bind(broadcast_to_p, (array,), {"shape": shape})


@implements(np.broadcast_arrays)
def broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Any, ...]:
    """``np.broadcast_arrays``: read-only views of one shape."""
    arrays = [operand(a) for a in args]
    shape = np.broadcast_shapes(*[a.shape for a in arrays])
    return tuple(a if a.shape == shape else broadcast_to(a, shape) for a in arrays)


# ------------------------------------------------------------------ diagonals


@implements(np.diagonal)
def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """``np.diagonal``: a read-only view, the diagonals along its last axis."""
    a = operand(a)
    if a.ndim < 2:
        raise ShapeError("diag requires an array of at least two dimensions")
    axes = axis_of(axis1, a.ndim, "axis1"), axis_of(axis2, a.ndim, "axis2")
    if axes[0] == axes[1]:
        raise WengertValueError("axis1 and axis2 cannot be the same")
    return bind(diagonal_p, (a,), {"offset": int(offset), "axes": axes})


# ------------------------------------------------------------------ copies and dtypes


@implements(np.copy)
def copy(a: Any, order: str = "K", subok: bool = False) -> Any:
    """``np.copy``: what is written into the copy does not reach the original."""
    return copied(operand(a), order)


def copied(a: Any, order: str = "C") -> Any:
    """A copy; the memory order matters only to later views."""
    if order == "C":
        return _in_c_order(bind(copy_p, (a,), {}))
    return bind(copy_p, (a,), {"order": order})


@implements(np.astype)
def astype(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Any:
    """``np.astype``: the same values in another dtype.

    An integer or boolean result is a constant; a real result of a complex array loses the imaginary
    part, and its derivative.
    """
    return _as_type(operand(x), dtype, copy=copy)


def _as_type(
    x: Any,
    dtype: Any,
    order: str = "K",
    casting: str = "unsafe",
    subok: bool = True,
    copy: bool = True,
) -> Any:
    """``ndarray.astype``."""
    dtype = np.dtype(dtype)
    if dtype.kind not in "biufc":
        raise WengertTypeError(f"astype: a Tensor holds numbers; it cannot have dtype {dtype}")
    if not np.can_cast(x.dtype, dtype, casting):  # type: ignore[arg-type]
        raise WengertTypeError(
            f"Cannot cast array data from {x.dtype!r} to {dtype!r} according to the rule "
            f"{casting!r}"
        )
    if x.dtype == dtype:
        return copied(x, order) if copy else x
    return bind(astype_p, (x,), {"dtype": dtype})


# ------------------------------------------------------------------ methods


def _reshape_method(self: Any, *shape: Any, order: str = "C", copy: bool | None = None) -> Any:
    if len(shape) == 1:
        (shape,) = shape
    return reshape(self, shape, order, copy=copy)


def _transpose_method(self: Any, *axes: Any) -> Any:
    if len(axes) == 1 and (axes[0] is None or isinstance(axes[0], (tuple, list))):
        return transpose(self, axes[0])
    return transpose(self, axes or None)


def _flatten(self: Any, order: str = "C") -> Any:
    """A copy with one dimension."""
    return copied(ravel(self, order))


def _view(self: Any, dtype: Any = None, type: Any = None) -> Any:
    """A view of the same elements; another dtype would reinterpret the bytes, and is refused."""
    if type is not None or (dtype is not None and np.dtype(dtype) != self.dtype):
        raise WengertTypeError(
            "view: bytes cannot be reinterpreted as another dtype or type; use .astype to convert"
        )
    return view_with_axes(self, tuple(range(self.ndim)))


attach_method("reshape", _reshape_method)
attach_method("ravel", ravel)
attach_method("flatten", _flatten)
attach_method("squeeze", squeeze)
attach_method("transpose", _transpose_method)
attach_method("swapaxes", swapaxes)
attach_method("T", property(transpose, doc="The Tensor with its axes reversed; a view."))
attach_method("mT", property(matrix_transpose, doc="With its last two axes exchanged; a view."))
attach_method("diagonal", diagonal)
attach_method("copy", lambda self, order="C": copied(self, order))
attach_method("astype", _as_type)
attach_method("view", _view)
