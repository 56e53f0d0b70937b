"""Reading and writing by index: take, take_along_axis, compress, put, copyto, diagonals, triangles.

The functions that write (`np.put`, `np.copyto`, ...) go through item assignment of the Tensor, so a
write through a view reaches its base, and is differentiated.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.bind import bind
from ..core.conversions import not_one_item
from ..core.errors import (
    MutationError,
    ShapeError,
    WengertIndexError,
    WengertTypeError,
    WengertValueError,
)
from ..core.primitive import PRIMITIVES
from ..core.tensor import Tensor
from ..core.views import set_item
from ..rules import fast_indexing  # noqa: F401  (sets how the sweep goes through these)
from ..rules.indexing import getitem_p
from .arguments import axis_of, concrete, is_abstract, is_traced, operand, plain_tree
from .dispatch import implements
from .joining import along, part
from .methods import attach_method
from .rearranging import resize
from .shapes import broadcast_to, diagonal, ravel, view_with_shape
from .ufunc_options import write_out

__all__ = [
    "compress",
    "copyto",
    "diag",
    "diagflat",
    "extract",
    "fill_diagonal",
    "place",
    "put",
    "put_along_axis",
    "putmask",
    "take",
    "take_along_axis",
    "trace",
    "tril",
    "triu",
]


def gather(a: Any, index: tuple[Any, ...]) -> Any:
    """``a[index]``, where Tensors (also abstract ones) may stand among the index arrays."""
    if isinstance(a, Tensor) or not any(isinstance(i, Tensor) for i in index):
        return part(a, index)
    from ..core.index import split

    template, arrays = split(index)
    return bind(getitem_p, (a, *arrays), {"template": template})


# ------------------------------------------------------------------ reading


@implements(np.take)
def take(
    a: Any, indices: Any, axis: int | None = None, out: Any = None, mode: str = "raise"
) -> Any:
    """``np.take``: the slices along an axis with the given numbers.

    Raises
    ------
    IndexError
        If a number is out of bounds, with ``mode="raise"``.
    """
    a, indices = operand(a), operand(indices)
    if axis is None:
        a, axis = ravel(a), 0
    axis = axis_of(axis, a.ndim)
    n = a.shape[axis]
    if indices.dtype.kind not in "iu":
        if indices.dtype.kind != "b" and indices.size:
            raise WengertTypeError(
                f"Cannot cast array data from {indices.dtype!r} to dtype('int64') according to the "
                "rule 'safe'"
            )
        indices = indices.astype(np.intp)
    if mode == "wrap":
        indices = indices % n
    elif mode == "clip":
        indices = np.minimum(np.maximum(indices, 0), n - 1)
    elif mode != "raise":
        raise WengertValueError(
            f"clipmode must be one of 'clip', 'raise', or 'wrap' (got {mode!r})"
        )
    result = gather(a, along(axis, indices))
    return result if out is None else write_out(out, result, True, "take")


def _along_axis_index(arr: Any, indices: Any, axis: int) -> tuple[Any, ...]:
    """The index that pairs every entry of ``indices`` with its own place in the other axes."""
    if indices.dtype.kind not in "iu":
        raise WengertIndexError("`indices` must be an integer array")
    if arr.ndim != indices.ndim:
        raise ShapeError("`indices` and `arr` must have the same number of dimensions")
    index: list[Any] = []
    for i in range(arr.ndim):
        if i == axis:
            index.append(indices)
        else:
            index.append(
                np.arange(arr.shape[i]).reshape([-1 if j == i else 1 for j in range(arr.ndim)])
            )
    return tuple(index)


@implements(np.take_along_axis)
def take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    """``np.take_along_axis``: the counterpart of argsort and argmax."""
    arr, indices = operand(arr), operand(indices)
    if axis is None:
        if indices.ndim != 1:
            raise ShapeError("when axis=None, `indices` must have a single dimension.")
        arr, axis = ravel(arr), 0
    axis = axis_of(axis, arr.ndim)
    return gather(arr, _along_axis_index(arr, indices, axis))


@implements(np.compress)
def compress(condition: Any, a: Any, axis: int | None = None, out: Any = None) -> Any:
    """``np.compress``: the slices along an axis at which the condition holds."""
    a = operand(a)
    if is_abstract(condition) and out is None and condition.ndim == 1:
        a, axis = (ravel(a), 0) if axis is None else (a, axis_of(axis, a.ndim))
        a = part(a, along(axis, slice(condition.shape[0])))
        return a[along(axis, condition != 0)]
    condition = np.asarray(concrete(condition, "compress(condition)"))
    if condition.ndim != 1:
        raise ShapeError("condition must be a 1-d array")
    if axis is None:
        a, axis = ravel(a), 0
    result = part(a, along(axis_of(axis, a.ndim), condition.nonzero()[0]))
    return result if out is None else write_out(out, result, True, "compress")


@implements(np.extract)
def extract(condition: Any, arr: Any) -> Any:
    """``np.extract``: the elements at which the condition holds, in one dimension."""
    if is_abstract(condition):
        return ravel(operand(arr))[: condition.size][condition.reshape(-1) != 0]
    condition = np.asarray(concrete(condition, "extract(condition)"))
    return part(ravel(operand(arr)), condition.ravel().nonzero()[0])


# ------------------------------------------------------------------ diagonals and triangles


@implements(np.diag)
def diag(v: Any, k: int = 0) -> Any:
    """``np.diag``: the diagonal of a matrix (a read-only view), or the matrix of a diagonal."""
    v = operand(v)
    if v.ndim == 2:
        return diagonal(v, k)
    if v.ndim != 1:
        raise ShapeError("Input must be 1- or 2-d.")
    return diagflat(v, k)


@implements(np.diagflat)
def diagflat(v: Any, k: int = 0) -> Any:
    """``np.diagflat``: a matrix with the elements on its k-th diagonal."""
    v = ravel(operand(v))
    n = v.size + abs(k)
    start = k if k >= 0 else -k * n
    stop = start + max(0, (v.size - 1) * (n + 1) + 1) if v.size else start
    # Every (n + 1)-th of the n * n elements: a slice.
    params = {"template": ((start, stop, n + 1),), "shape": (n * n,)}
    return view_with_shape(bind(PRIMITIVES["scatter_add"], (v,), params), (n, n))


def _lower_triangle(m: Any, k: int) -> Any:
    rows, columns = (m.shape[-1:] * 2)[:2] if m.ndim == 1 else m.shape[-2:]
    return np.tri(rows, columns, k, bool)


@implements(np.tril)
def tril(m: Any, k: int = 0) -> Any:
    """``np.tril``: zero above the k-th diagonal."""
    m = operand(m)
    mask = _lower_triangle(m, k)
    return np.where(mask, m, m.dtype.type(0))


@implements(np.triu)
def triu(m: Any, k: int = 0) -> Any:
    """``np.triu``: zero below the k-th diagonal."""
    m = operand(m)
    mask = _lower_triangle(m, k - 1)
    return np.where(mask, m.dtype.type(0), m)


@implements(np.trace)
def trace(
    a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: Any = None
) -> Any:
    """``np.trace``: the sum over the diagonal."""
    result = np.sum(diagonal(a, offset, axis1, axis2), axis=-1, dtype=dtype)
    return result if out is None else write_out(out, result, True, "trace")


# ------------------------------------------------------------------ writing


def _destination(a: Any, name: str, *values: Any) -> Any:
    """What may be written into: a Tensor, or a plain array if nothing traced is written.

    Raises
    ------
    MutationError
        If a derivative would be lost.
    """
    if isinstance(a, Tensor):
        return a
    if not isinstance(a, np.ndarray):
        raise WengertTypeError(
            f"np.{name}: the destination must be an array, not {type(a).__name__}"
        )
    for v in values:
        if is_traced(v):
            raise MutationError(
                f"np.{name}: a value that is being differentiated cannot be written into a plain "
                "array; create the array with wengert.numpy.zeros or np.zeros_like(x)"
            )
    return None


@implements(np.put)
def put(a: Any, ind: Any, v: Any, mode: str = "raise") -> None:
    """``np.put``: write into the elements with the given numbers, values repeated as needed."""
    if _destination(a, "put", v, ind) is None:
        np.put(a, plain_tree(ind, "put"), plain_tree(v, "put"), mode)  # type: ignore[arg-type]
        return
    v = ravel(operand(v))
    if not a.ndim:
        a = a[None]  # NumPy counts the one element of a 0-d array, too
    if is_abstract(ind):
        numbers = ravel(ind) if mode == "raise" else take(np.arange(a.size), ravel(ind), mode=mode)
        index = np.unravel_index(np.arange(a.size), a.shape)
        where = tuple(take(i, numbers) for i in index)
    else:
        given = np.ravel(concrete(ind, "put(ind)"))
        given = given if given.size else given.astype(int)
        numbers = np.arange(a.size).take(given, mode=mode)  # type: ignore[call-overload]
        where = np.unravel_index(numbers, a.shape)
    if numbers.size and v.size:
        set_item(a, where, resize(v, numbers.shape) if v.size != numbers.size else v)


@implements(np.put_along_axis)
def put_along_axis(arr: Any, indices: Any, values: Any, axis: int | None = None) -> None:
    """``np.put_along_axis``: the counterpart of `take_along_axis`."""
    if _destination(arr, "put_along_axis", values, indices) is None:
        plain = (plain_tree(x, "put_along_axis") for x in (indices, values))
        np.put_along_axis(arr, *plain, axis)  # type: ignore[call-arg]
        return
    indices = operand(indices)
    if axis is None:
        if indices.ndim != 1:
            raise ShapeError("when axis=None, `indices` must have a single dimension.")
        set_item(arr, np.unravel_index(concrete(indices, "put_along_axis"), arr.shape), values)
        return
    set_item(arr, _along_axis_index(arr, indices, axis_of(axis, arr.ndim)), values)


@implements(np.place)
def place(arr: Any, mask: Any, vals: Any) -> None:
    """``np.place``: write the first values into the elements at which the mask holds."""
    if isinstance(mask, Tensor) and isinstance(arr, Tensor) and np.size(vals) == 1:
        _destination(arr, "place", vals)
        set_item(arr, mask.astype(bool).reshape(arr.shape), operand(vals).reshape(()))  # type: ignore[attr-defined]
        return
    mask = np.asarray(concrete(mask, "place(mask)"), bool)
    if _destination(arr, "place", vals) is None:
        np.place(arr, mask, plain_tree(vals, "place"))
        return
    vals = ravel(operand(vals))
    count = int(mask.sum())
    if count:
        if not vals.size:
            raise ShapeError("Cannot insert from an empty array!")
        set_item(arr, mask.reshape(arr.shape), resize(vals, (count,)))


@implements(np.putmask)
def putmask(a: Any, mask: Any, values: Any) -> None:
    """``np.putmask``: write each value at its own place where the mask holds."""
    if _destination(a, "putmask", mask, values) is None:
        np.putmask(a, plain_tree(mask, "putmask"), plain_tree(values, "putmask"))
        return
    values = operand(values)
    if values.shape != a.shape:
        values = resize(values, a.shape)
    mask = operand(mask)
    if mask.shape != a.shape:
        if mask.size != a.size:
            raise WengertValueError("putmask: mask and data must be the same size")
        mask = mask.reshape(a.shape)
    copyto(a, values, "unsafe", mask)


@implements(np.copyto)
def copyto(dst: Any, src: Any, casting: Any = "same_kind", where: Any = True) -> None:
    """``np.copyto``: write an array into another, where the mask holds."""
    if _destination(dst, "copyto", src, where) is None:
        src, where = plain_tree(src, "copyto"), plain_tree(where, "copyto")
        np.copyto(dst, src, casting, where)
        return
    src = src if isinstance(src, (int, float, complex)) else operand(src)
    if not isinstance(src, (int, float, complex)) and not np.can_cast(
        src.dtype, dst.dtype, casting
    ):
        raise WengertTypeError(
            f"Cannot cast array data from {src.dtype!r} to {dst.dtype!r} according to the rule "
            f"{casting!r}"
        )
    if where is not True:
        if not is_abstract(src) and np.shape(src) not in ((), dst.shape):
            src = broadcast_to(src, dst.shape)
        src = np.where(where, src, dst)
        if src.dtype != dst.dtype:
            src = src.astype(dst.dtype)
    set_item(dst, ..., src)


@implements(np.fill_diagonal)
def fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    """``np.fill_diagonal``: write into the main diagonal; values are repeated as needed."""
    if _destination(a, "fill_diagonal", val) is None:
        np.fill_diagonal(a, plain_tree(val, "fill_diagonal"), wrap)
        return
    if a.ndim < 2:
        raise ShapeError("array must be at least 2-d")
    if a.ndim > 2 and len(set(a.shape)) > 1:
        raise ShapeError("All dimensions of input must be of equal length")
    step = 1 + sum(int(np.prod(a.shape[i:])) for i in range(1, a.ndim))
    end = a.shape[1] * a.shape[1] if a.ndim == 2 and not wrap else None
    numbers = np.arange(a.size)[:end:step]
    put(a, numbers, val)


# ------------------------------------------------------------------ methods


def _item(self: Tensor, *args: Any) -> Any:
    """One element as a Python number."""
    a = self._untraced(".item()")
    if not args and a.size != 1:
        raise not_one_item(".item()", a.shape)
    return a.item(*args)


def _contains(self: Tensor, value: Any) -> bool:
    a = self._concrete("`in`")
    return bool(np.any(a == concrete(value, "`in`")))


attach_method("take", take)
attach_method(
    "compress", lambda self, condition, axis=None, out=None: compress(condition, self, axis, out)
)
attach_method("trace", trace)
attach_method("put", put)
attach_method("item", _item)
attach_method("__contains__", _contains)
