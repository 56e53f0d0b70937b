"""``scipy.sparse.linalg`` for Tensors: sparse linear systems."""

from __future__ import annotations

from typing import Any

import scipy.sparse.linalg

from ...core.errors import NoRuleError, ShapeError
from ...numpy.arguments import operand
from ...rules.shapes import reshape
from ...rules.sparse import is_sparse, sparse_solve
from ..mirror import mirrors, names
from .tensors import SparseTensor, as_sparse_tensor

__all__ = ["spsolve"]


@mirrors(scipy.sparse.linalg.spsolve, "scipy.sparse.linalg.spsolve")
def spsolve(A: Any, b: Any, permc_spec: Any = None, use_umfpack: bool = True) -> Any:
    """`scipy.sparse.linalg.spsolve`: ``x`` with ``A @ x = b``.

    Differentiable in the elements of ``A`` and in ``b``; derivatives solve systems with ``A`` and
    its transpose.

    Parameters
    ----------
    A : sparse matrix (n, n)
        One of SciPy's, or a `SparseTensor`.
    b : array_like (n,) or (n, k)
        Dense.
    permc_spec, use_umfpack :
        Ignored on Tensors.

    Raises
    ------
    ShapeError
        If ``A`` is not square, or ``b`` does not fit.
    NoRuleError
        If ``b`` is sparse.
    """
    name = "scipy.sparse.linalg.spsolve"
    if isinstance(b, SparseTensor) or is_sparse(b):
        raise NoRuleError(
            f"{name}: a sparse right-hand side is not supported on Tensors; use b.toarray()"
        )
    a, b = as_sparse_tensor(name, A), operand(b)
    m, n = a.shape
    if m != n:
        raise ShapeError(f"{name}: expected a square matrix, got one of shape {(m, n)}")
    if b.ndim not in (1, 2) or b.shape[0] != n:
        raise ShapeError(
            f"{name}: a matrix of shape {(m, n)} does not fit a right-hand side of shape {b.shape}"
            f"; expected ({n},) or ({n}, k)"
        )
    if b.ndim == 2 and b.shape[1] == 1:  # SciPy returns a vector
        b = reshape(b, (n,))
    return sparse_solve(a.data, b, a._pattern, a._transposed)


__getattr__, __dir__ = names(__name__, __all__)
