"""Sparse matrices from Tensors, by the names and arguments of SciPy's constructors."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse

from ...core.errors import ShapeError, WengertIndexError, WengertTypeError
from ...numpy.arguments import cast, concrete, operand
from ...rules.sparse import Pattern
from ..mirror import mirrors
from .tensors import SparseTensor, from_coordinates

__all__ = ["coo_array", "csc_array", "csr_array", "diags_array"]


def _indices(name: str, argument: str, x: Any) -> Any:
    x = np.asarray(concrete(x, f"{name}({argument})"))
    if x.ndim != 1 or x.dtype.kind not in "iu":
        raise WengertTypeError(
            f"{name}: {argument} has shape {x.shape} and dtype {x.dtype}; expected a vector of "
            "integers"
        )
    return x


def _made(name: str, arg1: Any, shape: Any, dtype: Any, by_columns: bool | None) -> Any:
    """A SparseTensor from what SciPy's constructors take; ``by_columns`` is None for COO."""
    if isinstance(arg1, SparseTensor):
        return arg1
    if not isinstance(arg1, (tuple, list)) or len(arg1) not in (2, 3):
        raise WengertTypeError(
            f"{name}: expected (data, (rows, columns)) or (data, indices, indptr), got a "
            f"{type(arg1).__name__}. Of a dense Tensor only the elements that are zero would be "
            "left out, and they have derivatives, too: use it as it is"
        )
    data = operand(arg1[0])
    if data.ndim != 1:
        raise ShapeError(f"{name}: data has shape {data.shape}; expected a vector")
    data = data if dtype is None else cast(data, dtype)
    if len(arg1) == 2:
        return _from_pairs(name, data, arg1[1], shape)
    if by_columns is None:
        raise WengertTypeError(f"{name}: expected (data, (rows, columns)), got three arrays")
    indices = _indices(name, "indices", arg1[1])
    indptr = _indices(name, "indptr", arg1[2])
    minor = int(indices.max()) + 1 if indices.size else 0
    if shape is None:
        shape = (minor, indptr.size - 1) if by_columns else (indptr.size - 1, minor)
    inner = (shape[1], shape[0]) if by_columns else (shape[0], shape[1])
    good = (
        indptr.size == inner[0] + 1
        and indptr[0] == 0
        and indptr[-1] == indices.size == data.shape[0]
        and bool(np.all(np.diff(indptr) >= 0))
    )
    if not good:
        raise ShapeError(
            f"{name}: data of length {data.shape[0]}, indices of length {indices.size} and indptr "
            f"{_briefly(indptr)} do not make a matrix of shape {tuple(shape)}: indptr must rise "
            f"from 0 to the length of both in {inner[0] + 1} steps"
        )
    _check_range(name, indices, inner[1], "indices")
    return SparseTensor(data, Pattern(indices, indptr, inner), by_columns)


def _from_pairs(name: str, data: Any, pair: Any, shape: Any) -> Any:
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise WengertTypeError(f"{name}: expected (data, (rows, columns)), with two vectors")
    rows, columns = (_indices(name, w, x) for w, x in zip(("rows", "columns"), pair))
    if not rows.size == columns.size == data.shape[0]:
        raise ShapeError(
            f"{name}: data, rows and columns have the lengths {data.shape[0]}, {rows.size} and "
            f"{columns.size}; they must be equal"
        )
    if shape is None:
        shape = tuple(int(i.max()) + 1 if i.size else 0 for i in (rows, columns))
    _check_range(name, rows, shape[0], "rows")
    _check_range(name, columns, shape[1], "columns")
    return from_coordinates(data, rows, columns, (int(shape[0]), int(shape[1])))


def _check_range(name: str, indices: Any, n: int, argument: str) -> None:
    if indices.size and not (indices.min() >= 0 and indices.max() < n):
        raise WengertIndexError(
            f"{name}: {argument} from {indices.min()} to {indices.max()}, for an axis of length {n}"
        )


def _briefly(a: Any) -> str:
    return np.array2string(a, threshold=8, edgeitems=2)


@mirrors(scipy.sparse.csr_array, "scipy.sparse.csr_array")
def csr_array(arg1: Any, shape: Any = None, dtype: Any = None, copy: bool = False) -> Any:
    """A sparse matrix from ``(data, indices, indptr)`` or ``(data, (rows, columns))``.

    Parameters
    ----------
    arg1 : tuple
        With a Tensor for data; the rest are plain integers.
    shape : (int, int), optional
    dtype : dtype, optional
    copy : bool
        Ignored.

    Returns
    -------
    SparseTensor
        One of SciPy's arrays if all arguments are plain.

    Raises
    ------
    ShapeError, WengertIndexError, WengertTypeError
        If the parts do not make a matrix.

    Examples
    --------
    >>> import numpy as np, wengert as wg
    >>> def f(d):
    ...     A = wg.scipy.sparse.csr_array((d, ([0, 1], [1, 0])), shape=(2, 2))
    ...     return np.sum(A @ np.array([1.0, 2.0]))
    >>> wg.grad(f)(np.array([3.0, 4.0]))
    array([2., 1.])
    """
    return _made("scipy.sparse.csr_array", arg1, shape, dtype, False)


@mirrors(scipy.sparse.csc_array, "scipy.sparse.csc_array")
def csc_array(arg1: Any, shape: Any = None, dtype: Any = None, copy: bool = False) -> Any:
    """A sparse matrix from ``(data, indices, indptr)`` by columns; see `csr_array`."""
    return _made("scipy.sparse.csc_array", arg1, shape, dtype, True)


@mirrors(scipy.sparse.coo_array, "scipy.sparse.coo_array")
def coo_array(arg1: Any, shape: Any = None, dtype: Any = None, copy: bool = False) -> Any:
    """A sparse matrix from ``(data, (rows, columns))``; see `csr_array`."""
    return _made("scipy.sparse.coo_array", arg1, shape, dtype, None)


@mirrors(scipy.sparse.diags_array, "scipy.sparse.diags_array")
def diags_array(
    diagonals: Any, /, *, offsets: Any = 0, shape: Any = None, format: Any = None, dtype: Any = None
) -> Any:
    """`scipy.sparse.diags_array`: a sparse matrix from its diagonals.

    ``format`` is ignored.

    Raises
    ------
    ShapeError
        If a diagonal has a length that its place does not have, and is no single number.
    """
    name = "scipy.sparse.diags_array"
    offsets = np.atleast_1d(np.asarray(concrete(offsets, f"{name}(offsets)")))
    given = list(diagonals) if isinstance(diagonals, (tuple, list)) else [operand(diagonals)]
    if np.ndim(given[0]) == 0 and len(given) == offsets.size == 1:
        given = [operand(d) for d in given]
    if len(given) == 1 and operand(given[0]).ndim == 2:
        given = list(operand(given[0]))
    elif all(np.ndim(operand(d)) == 0 for d in given) and offsets.size == 1:
        given = [operand(given)]  # one diagonal as a list of numbers
    parts = [np.atleast_1d(operand(d)) for d in given]
    if len(parts) != offsets.size:
        raise ShapeError(f"{name}: {len(parts)} diagonals for {offsets.size} offsets")
    if shape is None:
        n = parts[0].shape[0] + abs(int(offsets[0]))
        shape = (n, n)
    m, n = (int(k) for k in shape)
    data, rows, columns = [], [], []
    for d, k in zip(parts, offsets.tolist()):
        length = min(m + min(k, 0), n - max(k, 0))
        if length < 0 or d.shape[0] not in (1, length):
            raise ShapeError(
                f"{name}: diagonal {k} of a matrix of shape {(m, n)} has length {length}, but "
                f"{d.shape[0]} elements were given"
            )
        data.append(np.broadcast_to(d, (length,)))
        rows.append(np.arange(length) - min(k, 0))
        columns.append(np.arange(length) + max(k, 0))
    whole = np.concatenate(data)
    whole = whole if dtype is None else cast(whole, dtype)
    return from_coordinates(whole, np.concatenate(rows), np.concatenate(columns), (m, n))
