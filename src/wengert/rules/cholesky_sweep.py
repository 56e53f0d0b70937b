"""The cotangent of a Cholesky factor on a plain matrix, block by block.

The rule transposed from `factorizations` solves with the whole triangle twice and multiplies twice:
about ten times the factorization, which has only ``n^3 / 3`` multiplications and additions. This is
the reverse of the blocked algorithm (Murray 2016, "Differentiation of the Cholesky decomposition",
section 4.2): twice the operations of the factorization, nearly all of them in matrix products.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg import get_blas_funcs

__all__ = ["cholesky_cotangent"]

# Columns at a time: 32 to 96 take the same time for 200 to 500 rows (`benchmarks.gradient_cost`).
_BLOCK = 48


def cholesky_cotangent(ct: Any, x: Any, y: Any, upper: bool) -> Any:
    """The symmetric cotangent of ``x`` where ``y`` is its factor; None for stacks of matrices."""
    if x.ndim != 2 or x.dtype.itemsize < 4 or not (np.isfinite(y).all() and np.isfinite(ct).all()):
        return None
    factor, g = (y.T, ct.T) if upper else (y, ct)
    (trsm,) = get_blas_funcs(("trsm",), (factor,))
    a = np.tril(g)
    for k in range(len(a), 0, -_BLOCK):
        j = max(0, k - _BLOCK)
        left, diagonal = factor[j:k, :j], factor[j:k, j:k]
        if k < len(a):
            below = a[k:, j:k] = trsm(1.0, diagonal, a[k:, j:k], side=1, lower=1)
            a[k:, :j] -= below @ left
            a[j:k, :j] -= below.T @ factor[k:, :j]
            a[j:k, j:k] -= np.tril(below.T @ factor[k:, j:k])
        inner = a[j:k, j:k] = _unblocked(diagonal, a[j:k, j:k], trsm)
        a[j:k, :j] -= (inner + inner.T) @ left
    return (a + a.T) * a.dtype.type(0.5)


def _unblocked(factor: Any, ct: Any, trsm: Any) -> Any:
    """``phi(L^-T (P + P^T) L^-1)`` with ``P = phi(L^T ct)``: the lower half of the cotangent."""
    p = _halved(factor.T @ ct)
    s = trsm(1.0, factor, p + p.T, side=0, lower=1, trans_a=1)
    return _halved(trsm(1.0, factor, s, side=1, lower=1))


def _halved(a: Any) -> Any:
    """phi: the lower triangle, with half of the diagonal."""
    a = np.tril(a)
    a.flat[:: len(a) + 1] *= 0.5
    return a
