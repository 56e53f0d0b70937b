"""A sparse matrix whose stored elements are a Tensor."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core import pytree
from ...core.bind import bind
from ...core.errors import NoRuleError, ShapeError, WengertTypeError
from ...core.index import ARRAY
from ...core.tensor import Tensor
from ...numpy.arguments import operand
from ...rules.indexing import scatter_add_p
from ...rules.shapes import transpose
from ...rules.sparse import Pattern, constant_matrix, is_sparse, sparse_matmul

__all__ = ["SparseTensor", "as_sparse_tensor", "from_coordinates"]

_PAIR, _ONE = (ARRAY, ARRAY), (ARRAY,)
_NUMBERS = (int, float, complex, np.generic)


class SparseTensor:
    """A sparse matrix with differentiable elements; made by `csr_array` and its kind.

    It is a container of its data: it can be an argument of `grad` and of other transforms, and then
    the gradient is a SparseTensor of the same pattern. Products with dense arrays and Tensors
    (``A @ x``, ``x @ A``) and with sparse matrices (``A @ B``), ``A.T``, ``A + B``, products with
    numbers, ``multiply`` and ``toarray()`` are differentiable. There is one format: ``tocsr()`` and
    its kind return the matrix itself.

    Attributes
    ----------
    data : Tensor or array (nnz,)
        The stored elements, row after row (column after column after an odd number of ``.T``).
    shape : (int, int)
    """

    __slots__ = ("_pattern", "_transposed", "data")
    __array_ufunc__ = None  # arrays leave their operators to this class
    ndim = 2

    def __init__(self, data: Any, pattern: Pattern, transposed: bool = False) -> None:
        self.data = data
        self._pattern = pattern
        self._transposed = transposed

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        m, n = self._pattern.shape
        return (n, m) if self._transposed else (m, n)

    @property
    def dtype(self) -> Any:
        """The dtype of the elements."""
        return self.data.dtype

    @property
    def nnz(self) -> int:
        """The number of stored elements."""
        return self._pattern.nnz

    @property
    def coords(self) -> tuple[Any, Any]:
        """The rows and the columns of the stored elements, as plain arrays."""
        r, c = self._pattern.rows, self._pattern.indices
        return (c, r) if self._transposed else (r, c)

    @property
    def T(self) -> SparseTensor:
        """The transpose, with the same data."""
        return SparseTensor(self.data, self._pattern, not self._transposed)

    def transpose(self) -> SparseTensor:
        """The transpose, with the same data."""
        return self.T

    def toarray(self) -> Any:
        """The dense matrix."""
        r, c = (np.asarray(a, np.intp) for a in self.coords)
        params = {"template": _PAIR, "shape": self.shape}
        return bind(scatter_add_p, (self.data, r, c), params)

    todense = toarray

    def tocsr(self) -> SparseTensor:
        """The matrix itself: formats differ in nothing that can be seen."""
        return self

    tocsc = tocoo = tocsr

    def multiply(self, other: Any) -> SparseTensor:
        """The product with a number, a dense array or a sparse matrix, element by element."""
        if isinstance(other, SparseTensor) or is_sparse(other):
            return _elementwise_product(self, as_sparse_tensor("multiply", other))
        dense = operand(other)
        if any(n not in (1, k) for n, k in zip(dense.shape[::-1], self.shape[::-1])):
            raise ShapeError(
                f"multiply: an array of shape {dense.shape} does not broadcast to that of the "
                f"sparse matrix, {self.shape}"
            )
        dense = np.broadcast_to(dense, self.shape)
        return self._scaled(self.data * dense[self.coords])

    def diagonal(self) -> Any:
        """The elements of the diagonal."""
        r, c = self.coords
        at = np.flatnonzero(r == c)
        params = {"template": _ONE, "shape": (min(self.shape),)}
        return bind(scatter_add_p, (self.data[at], np.asarray(r[at], np.intp)), params)

    def sum(self, axis: int | None = None) -> Any:
        """The sum of all elements, of each column (0) or of each row (1)."""
        if axis is None:
            return np.sum(self.data)
        m, n = self.shape
        if axis in (0, -2):
            return np.ones(m, self.dtype) @ self
        return self @ np.ones(n, self.dtype)

    def dot(self, other: Any) -> Any:
        """``self @ other``."""
        return self @ other

    def __matmul__(self, other: Any) -> Any:
        if isinstance(other, SparseTensor) or is_sparse(other):
            return _product(self, as_sparse_tensor("matmul", other))
        x = operand(other)
        if x.ndim not in (1, 2) or x.shape[0] != self.shape[1]:
            raise self._no_fit(x, f"({self.shape[1]},) or ({self.shape[1]}, k) on the right")
        return sparse_matmul(self.data, x, self._pattern, self._transposed)

    def __rmatmul__(self, other: Any) -> Any:
        if is_sparse(other):
            return _product(as_sparse_tensor("matmul", other), self)
        x = operand(other)
        if x.ndim not in (1, 2) or x.shape[-1] != self.shape[0]:
            raise self._no_fit(x, f"({self.shape[0]},) or (k, {self.shape[0]}) on the left")
        if x.ndim == 1:
            return self.T @ x
        return transpose(self.T @ transpose(x, (1, 0)), (1, 0))

    def _no_fit(self, x: Any, expected: str) -> ShapeError:
        return ShapeError(
            f"matmul: a sparse matrix of shape {self.shape} does not fit an array of shape "
            f"{x.shape}; expected {expected}"
        )

    def _scaled(self, data: Any) -> SparseTensor:
        return SparseTensor(data, self._pattern, self._transposed)

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, _NUMBERS) or (isinstance(other, Tensor) and other.ndim == 0):
            return self._scaled(self.data * other)
        raise NoRuleError(
            f"a sparse matrix times a {type(other).__name__}: only products with numbers are "
            "supported element by element. Write A @ x for the product of matrices, or use "
            "A.toarray()"
        )

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        if isinstance(other, _NUMBERS) or (isinstance(other, Tensor) and other.ndim == 0):
            return self._scaled(self.data / other)
        raise NoRuleError(
            f"a sparse matrix divided by a {type(other).__name__}: only numbers are supported; "
            "use A.toarray()"
        )

    def __neg__(self) -> SparseTensor:
        return self._scaled(-self.data)

    def __add__(self, other: Any) -> Any:
        if not (isinstance(other, SparseTensor) or is_sparse(other)):
            raise NoRuleError(
                f"a sparse matrix plus a {type(other).__name__}: the sum would be dense; use "
                "A.toarray() + B"
            )
        b = as_sparse_tensor("A + B", other)
        if self.shape != b.shape:
            raise ShapeError(f"A + B: sparse matrices of shapes {self.shape} and {b.shape}")
        if self._pattern == b._pattern and self._transposed == b._transposed:
            return self._scaled(self.data + b.data)
        data = np.concatenate([self.data, b.data])
        rows, columns = (np.concatenate(pair) for pair in zip(self.coords, b.coords))
        return from_coordinates(data, rows, columns, self.shape)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self + (-other)

    def __rsub__(self, other: Any) -> Any:
        return (-self) + other

    def __repr__(self) -> str:
        m, n = self.shape
        return f"<SparseTensor of dtype {self.dtype} with {self.nnz} elements and shape ({m}, {n})>"


def _product(a: SparseTensor, b: SparseTensor) -> SparseTensor:
    """``A @ B``: each element of A with the elements of B in the row that is its column."""
    if a.shape[1] != b.shape[0]:
        raise ShapeError(
            f"matmul: sparse matrices of shapes {a.shape} and {b.shape}; the columns of the first "
            "must be as many as the rows of the second"
        )
    m, n = a.shape[0], b.shape[1]
    (rows, inner), (below, columns) = (
        tuple(np.asarray(i, np.intp) for i in x.coords) for x in (a, b)
    )
    order = np.argsort(below, kind="stable")
    starts = np.searchsorted(below[order], inner, "left")
    counts = np.searchsorted(below[order], inner, "right") - starts
    left = np.repeat(np.arange(len(inner)), counts)
    within = np.arange(len(left)) - np.repeat(np.cumsum(counts) - counts, counts)
    right = order[np.repeat(starts, counts) + within]
    places, slots = np.unique(rows[left] * n + columns[right], return_inverse=True)
    terms = a.data[left] * b.data[right]
    params = {"template": _ONE, "shape": (len(places),)}
    data = bind(scatter_add_p, (terms, slots), params)
    return from_coordinates(data, places // max(n, 1), places % max(n, 1), (m, n))


def _elementwise_product(a: SparseTensor, b: SparseTensor) -> SparseTensor:
    """Elements where both have one; what is stored twice is added first."""
    if a.shape != b.shape:
        raise ShapeError(
            f"multiply: sparse matrices of shapes {a.shape} and {b.shape}; they must be equal"
        )
    n = max(a.shape[1], 1)
    keys = [np.asarray(r, np.intp) * n + c for r, c in (a.coords, b.coords)]
    places = np.intersect1d(*keys)
    factors = []
    for x, key in zip((a, b), keys, strict=True):
        kept = np.flatnonzero(np.isin(key, places))
        params = {"template": _ONE, "shape": (len(places),)}
        factors.append(bind(scatter_add_p, (x.data[kept], places.searchsorted(key[kept])), params))
    return from_coordinates(factors[0] * factors[1], places // n, places % n, a.shape)


def as_sparse_tensor(name: str, a: Any) -> SparseTensor:
    """A SparseTensor of one, or of one of SciPy's sparse arrays.

    Raises
    ------
    WengertTypeError
        For anything else.
    """
    if isinstance(a, SparseTensor):
        return a
    if is_sparse(a):
        return SparseTensor(*constant_matrix(a))
    raise WengertTypeError(
        f"{name}: expected a sparse matrix, got a {type(a).__name__}; make one with "
        "wengert.scipy.sparse.csr_array((data, (rows, columns)), shape), or use np.linalg for "
        "dense ones"
    )


def from_coordinates(data: Any, rows: Any, columns: Any, shape: tuple[int, int]) -> SparseTensor:
    """The matrix with ``data[e]`` in ``(rows[e], columns[e])``; what is stored twice is added."""
    order = np.lexsort((columns, rows))
    counts = np.bincount(rows, minlength=shape[0])
    indptr = np.concatenate([[0], np.cumsum(counts)])
    if not np.array_equal(order, np.arange(len(order))):
        data = data[order]
    return SparseTensor(data, Pattern(columns[order], indptr, shape))


pytree.register(
    SparseTensor,
    lambda a: ((a.data,), (a._pattern, a._transposed)),
    lambda static, children: SparseTensor(next(iter(children)), *static),
)
