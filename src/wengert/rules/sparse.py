"""Products and linear systems of sparse matrices, differentiable in their stored elements.

A matrix is its data, a vector that may be differentiated, and its `Pattern`, which is fixed. Three
operations are closed under differentiation: with ``A`` made of data ``d``, whose element ``e``
stands in row ``r_e`` and column ``c_e``,

    product  y = A x,                     outer  d_e = sum_k u[r_e, k] v[c_e, k],

are the transposes of each other in ``d``, and ``A x = b`` gives ``A dx = db - dA x``. Elements that
are stored twice count with their sum, as in SciPy.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from ..core.bind import bind
from ..core.errors import ShapeError, WengertTypeError
from ..core.ownership import snapshot
from ..core.primitive import Primitive
from ..core.tensor import Tensor
from .batching import materialize, ndim_of, shape_of
from .linalg import result_dtype
from .shapes import reshape, transpose

__all__ = [
    "Pattern",
    "constant_matrix",
    "is_sparse",
    "sparse_matmul",
    "sparse_matmul_p",
    "sparse_outer",
    "sparse_outer_p",
    "sparse_product",
    "sparse_solve",
    "sparse_solve_p",
]

_SHOWN = 64  # stored elements up to which a listing writes the pattern out
_CHUNK = 1 << 20  # elements of the products that `sparse_outer` holds at a time


def _fixed(a: Any) -> Any:
    """The indices as they are now, in an array that cannot be written."""
    a = snapshot(np.asarray(a)).view()
    a.flags.writeable = False
    return a


class Pattern:
    """Where the elements of a sparse matrix stand: compressed rows, as in ``csr_array``.

    Parameters
    ----------
    indices : array of int (nnz,)
        The column of each stored element, row after row.
    indptr : array of int (rows + 1,)
        Where each row begins and ends in ``indices``.
    shape : (int, int)
    """

    def __init__(self, indices: Any, indptr: Any, shape: tuple[int, int]) -> None:
        self.indices = _fixed(indices)
        self.indptr = _fixed(indptr)
        self.shape = (int(shape[0]), int(shape[1]))
        self._blocks: dict[int, Pattern] = {}

    @property
    def nnz(self) -> int:
        """The number of stored elements."""
        return int(self.indices.shape[0])

    @cached_property
    def rows(self) -> Any:
        """The row of each stored element."""
        return _fixed(np.repeat(np.arange(self.shape[0]), np.diff(self.indptr)))

    @cached_property
    def _key(self) -> tuple[Any, ...]:
        return self.shape, self.indices.tobytes(), self.indptr.tobytes()

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Pattern) and self._key == other._key)

    def matrix(self, data: Any) -> Any:
        """The SciPy array with these elements."""
        from scipy.sparse import csr_array  # importing it takes 100 ms

        return csr_array((data, self.indices, self.indptr), self.shape)

    def blocks(self, count: int) -> Pattern:
        """The block diagonal matrix of ``count`` matrices of this pattern."""
        found = self._blocks.get(count)
        if found is None:
            m, n = self.shape
            indices = (self.indices + n * np.arange(count)[:, None]).reshape(-1)
            ends = (self.indptr[1:] + self.nnz * np.arange(count)[:, None]).reshape(-1)
            found = Pattern(indices, np.concatenate([[0], ends]), (count * m, count * n))
            self._blocks = {count: found}  # those of other sizes are made again
        return found

    def text(self, data: str, transposed: bool) -> str:
        """The matrix as Python."""
        places = ", ".join(
            str(a.tolist()) if self.nnz <= _SHOWN else name
            for a, name in ((self.indices, "indices"), (self.indptr, "indptr"))
        )
        return f"scipy.sparse.csr_array(({data}, {places}), {self.shape}){'.T' * transposed}"

    def __repr__(self) -> str:
        return f"<{self.nnz} elements of {self.shape[0]} x {self.shape[1]}>"


def _ends(pattern: Pattern, transposed: bool) -> tuple[int, int]:
    """The number of rows and of columns."""
    m, n = pattern.shape
    return (n, m) if transposed else (m, n)


def _check_data(name: str, data: Any, pattern: Pattern) -> None:
    if shape_of(data) != (pattern.nnz,):
        raise ShapeError(
            f"{name}: data has shape {shape_of(data)}; the pattern has {pattern.nnz} elements"
        )


def _columns_last(x: Any) -> Any:
    """``(batch, n, k)`` as ``(n, batch * k)``, and ``(batch, n)`` as ``(n, batch)``."""
    if ndim_of(x) == 2:
        return transpose(x, (1, 0))
    size, n, k = shape_of(x)
    return reshape(transpose(x, (1, 0, 2)), (n, size * k))


def _batch_first(y: Any, size: int, columns: tuple[int, ...]) -> Any:
    """The inverse of `_columns_last`."""
    if not columns:
        return transpose(y, (1, 0))
    return transpose(reshape(y, (shape_of(y)[0], size, *columns)), (1, 0, 2))


def _joined(x: Any) -> Any:
    """``(batch, n, ...)`` as ``(batch * n, ...)``."""
    size, n, *rest = shape_of(x)
    return reshape(x, (size * n, *rest))


def _split(y: Any, size: int) -> Any:
    n, *rest = shape_of(y)
    return reshape(y, (size, n // size, *rest))


def _by_matrix_batch(apply: Callable[..., Any]) -> Callable[..., Any]:
    """Batching of ``apply(data, x, pattern, ...)``.

    With one matrix for all, their columns stand side by side; with a matrix for each, they become
    one block diagonal matrix.
    """

    def batch(args: Any, batched: Any, size: int, pattern: Pattern, transposed: bool) -> Any:
        data, x = args
        if not batched[0]:
            columns = shape_of(x)[2:]
            return _batch_first(apply(data, _columns_last(x), pattern, transposed), size, columns)
        x = _joined(materialize(x, batched[1], size))
        return _split(apply(_joined(data), x, pattern.blocks(size), transposed), size)

    return batch


# ------------------------------------------------------------------ product


def _matmul(data: Any, x: Any, pattern: Pattern, transposed: bool) -> Any:
    a = pattern.matrix(data)
    return np.ascontiguousarray((a.T if transposed else a) @ x)


def _matmul_shape(data: Any, x: Any, pattern: Pattern, transposed: bool) -> Any:
    rows, columns = _ends(pattern, transposed)
    shape = shape_of(x)
    _check_data("sparse matmul", data, pattern)
    if len(shape) not in (1, 2) or shape[0] != columns:
        raise ShapeError(
            f"sparse matmul: a sparse matrix of shape {(rows, columns)} does not fit an array of "
            f"shape {shape}; expected ({columns},) or ({columns}, k)"
        )
    return (rows, *shape[1:]), np.result_type(data.dtype, x.dtype)


sparse_matmul_p = Primitive(
    "sparse_matmul",
    _matmul,
    _matmul_shape,
    None,
    multilinear=(0, 1),
    transpose=(
        lambda ct, ins, out, pattern, transposed: sparse_outer(ct, ins[1], pattern, transposed),
        lambda ct, ins, out, pattern, transposed: sparse_matmul(
            ins[0], ct, pattern, not transposed
        ),
    ),
    show=lambda data, x, pattern, transposed: f"{pattern.text(data, transposed)} @ {x}",
    lower="sparse_matmul",
    needs_out=False,
    contiguous=lambda data, x, pattern, transposed: True,
)


def sparse_matmul(data: Any, x: Any, pattern: Pattern, transposed: bool = False) -> Any:
    """``A @ x`` (or ``A.T @ x``) for ``x`` of shape (n,) or (n, k)."""
    return bind(sparse_matmul_p, (data, x), {"pattern": pattern, "transposed": transposed})


sparse_matmul_p.batch = _by_matrix_batch(sparse_matmul)


# ------------------------------------------------------------------ outer product


def _outer(u: Any, v: Any, pattern: Pattern, transposed: bool) -> Any:
    r, c = pattern.rows, pattern.indices
    if transposed:
        r, c = c, r
    if u.ndim == 1:
        return u[r] * v[c]
    found = np.empty(pattern.nnz, np.result_type(u, v))
    step = max(_CHUNK // max(u.shape[1], 1), 1)
    for i in range(0, pattern.nnz, step):
        part = slice(i, i + step)
        found[part] = np.einsum("ek,ek->e", u[r[part]], v[c[part]])
    return found


def _outer_batch(args: Any, batched: Any, size: int, pattern: Pattern, transposed: bool) -> Any:
    u, v = (_joined(materialize(x, b, size)) for x, b in zip(args, batched, strict=True))
    return _split(sparse_outer(u, v, pattern.blocks(size), transposed), size)


def _outer_text(u: str, v: str, pattern: Pattern, transposed: bool) -> str:
    r, c = (
        str(a.tolist()) if pattern.nnz <= _SHOWN else name
        for a, name in ((pattern.rows, "rows"), (pattern.indices, "columns"))
    )
    r, c = (c, r) if transposed else (r, c)
    return f"({u}[{r}] * {v}[{c}]).reshape({pattern.nnz}, -1).sum(axis=1)"


sparse_outer_p = Primitive(
    "sparse_outer",
    _outer,
    lambda u, v, pattern, transposed: ((pattern.nnz,), np.result_type(u.dtype, v.dtype)),
    _outer_batch,
    multilinear=(0, 1),
    transpose=(
        lambda ct, ins, out, pattern, transposed: sparse_matmul(ct, ins[1], pattern, transposed),
        lambda ct, ins, out, pattern, transposed: sparse_matmul(
            ct, ins[0], pattern, not transposed
        ),
    ),
    show=_outer_text,
    lower="sparse_outer",
    needs_out=False,
    contiguous=lambda u, v, pattern, transposed: True,
)


def sparse_outer(u: Any, v: Any, pattern: Pattern, transposed: bool = False) -> Any:
    """The elements of ``u @ v.T`` where the pattern has elements; ``(m[, k])`` and ``(n[, k])``."""
    return bind(sparse_outer_p, (u, v), {"pattern": pattern, "transposed": transposed})


# ------------------------------------------------------------------ linear systems


def _solve(data: Any, b: Any, pattern: Pattern, transposed: bool) -> Any:
    from scipy.sparse import linalg

    dtype = result_dtype(data, b)
    if not b.size:
        return np.zeros(b.shape, dtype)
    a = pattern.matrix(data.astype(dtype, copy=False))
    # A copy: SciPy adds up in place what is stored twice.
    a = a.T.copy() if transposed else a.tocsc()
    x = linalg.spsolve(a, b.astype(dtype, copy=False))
    return np.ascontiguousarray(np.reshape(x, b.shape))


def _solve_shape(data: Any, b: Any, pattern: Pattern, transposed: bool) -> Any:
    m, n = pattern.shape
    shape = shape_of(b)
    _check_data("spsolve", data, pattern)
    if m != n:
        raise ShapeError(f"spsolve: expected a square matrix, got one of shape {(m, n)}")
    if len(shape) not in (1, 2) or shape[0] != n:
        raise ShapeError(
            f"spsolve: a matrix of shape {(m, n)} does not fit a right-hand side of shape {shape}; "
            f"expected ({n},) or ({n}, k)"
        )
    return shape, result_dtype(data, b)


def _solve_jvp(ts: Any, ins: Any, out: Any, pattern: Pattern, transposed: bool) -> Any:
    """``A dx = db - dA x``."""
    td, tb = ts
    if td is not None:
        correction = sparse_matmul(td, out, pattern, transposed)
        tb = -correction if tb is None else tb - correction
    return sparse_solve(ins[0], tb, pattern, transposed)


sparse_solve_p = Primitive(
    "sparse_solve",
    _solve,
    _solve_shape,
    None,
    jvp=_solve_jvp,
    linear=(1,),
    transpose=(
        None,
        lambda ct, ins, out, pattern, transposed: sparse_solve(ins[0], ct, pattern, not transposed),
    ),
    show=lambda data, b, pattern, transposed: (
        f"scipy.sparse.linalg.spsolve({pattern.text(data, transposed)}.tocsc(), {b})"
    ),
    lower="sparse_solve",
    contiguous=lambda data, b, pattern, transposed: True,
)


def sparse_solve(data: Any, b: Any, pattern: Pattern, transposed: bool = False) -> Any:
    """``x`` with ``A @ x = b`` (or ``A.T @ x = b``) for ``b`` of shape (n,) or (n, k)."""
    return bind(sparse_solve_p, (data, b), {"pattern": pattern, "transposed": transposed})


sparse_solve_p.batch = _by_matrix_batch(sparse_solve)


# ------------------------------------------------------------------ SciPy's sparse arrays


def is_sparse(x: Any) -> bool:
    """Whether ``x`` is one of SciPy's sparse arrays or matrices."""
    return type(x).__module__.startswith("scipy.sparse") and hasattr(x, "tocsr")


def constant_matrix(a: Any) -> tuple[Any, Pattern, bool]:
    """Data, pattern, and whether it is that of the transpose, of a sparse array as it is now.

    Raises
    ------
    WengertTypeError
        If it has one dimension, or more than two.
    """
    if len(a.shape) != 2:
        raise WengertTypeError(
            f"a sparse array of shape {a.shape} in a product with a Tensor: expected a matrix; "
            "reshape it, or use its .toarray()"
        )
    transposed = a.format == "csc"
    a = a if transposed else a.tocsr()
    shape = a.shape[::-1] if transposed else a.shape
    return _fixed(a.data), Pattern(a.indices, a.indptr, shape), transposed


def sparse_product(x: Any, y: Any) -> Any:
    """``x @ y``, where one is a sparse array of SciPy's and the other a Tensor."""
    if isinstance(y, Tensor):
        data, pattern, transposed = constant_matrix(x)
        if y.ndim not in (1, 2) or y.shape[0] != x.shape[1]:
            raise _no_fit(x.shape, y.shape, f"({x.shape[1]},) or ({x.shape[1]}, k) on the right")
        return sparse_matmul(data, y, pattern, transposed)
    data, pattern, transposed = constant_matrix(y)
    if x.ndim not in (1, 2) or x.shape[-1] != y.shape[0]:
        raise _no_fit(y.shape, x.shape, f"({y.shape[0]},) or (k, {y.shape[0]}) on the left")
    if x.ndim == 1:
        return sparse_matmul(data, x, pattern, not transposed)
    product = sparse_matmul(data, transpose(x, (1, 0)), pattern, not transposed)
    return transpose(product, (1, 0))


def _no_fit(matrix: Any, array: Any, expected: str) -> ShapeError:
    return ShapeError(
        f"matmul: a sparse matrix of shape {matrix} does not fit a Tensor of shape {array}; "
        f"expected {expected}"
    )
