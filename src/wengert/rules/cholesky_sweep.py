"""The cotangent of a Cholesky factor on a plain matrix, block by block.

The rule transposed from `factorizations` solves with the whole triangle twice and multiplies twice:
about ten times the factorization, which has only ``n^3 / 3`` multiplications and additions. This is
the reverse of the blocked algorithm (Murray 2016, "Differentiation of the Cholesky decomposition",
section 4.2): twice the operations of the factorization, nearly all of them in matrix products.

Murray subtracts from all columns to the left what each block of columns contributes. Here a block
takes what it needs from all blocks to its right when its turn comes. With ``S`` the symmetric
matrix of which half is the cotangent, they contribute ``S[k:, k:] L[k:, j:k]`` together: one
product, and nothing is written twice.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from scipy.linalg import get_lapack_funcs

from ..core.finite import finite

__all__ = ["cholesky_cotangent"]

# Columns at a time: 32 to 96 take the same time for 200 to 500 rows (`benchmarks.gradient_cost`).
_BLOCK = 48


def cholesky_cotangent(ct: Any, x: Any, y: Any, upper: bool) -> Any:
    """The symmetric cotangent of ``x`` where ``y`` is its factor.

    None for stacks of matrices, and where it is not finite.
    """
    if x.ndim != 2 or x.dtype.itemsize < 4:
        return None
    factor, g = (y.T, ct.T) if upper else (y, ct)
    (trtri,) = get_lapack_funcs(("trtri",), (factor,))
    n = len(g)
    s = np.empty((n, n), g.dtype)
    for k in range(n, 0, -_BLOCK):
        j = max(0, k - _BLOCK)
        diagonal = factor[j:k, j:k]
        # Small products with the inverse take half of the time of solving, and are as exact as the
        # block is well conditioned, which is better than the whole.
        inverse, info = trtri(diagonal, lower=1)
        if info:
            return None
        lower, halved = _masks(k - j, g.dtype.char)
        own = g[j:k, j:k] * lower
        if k < n:
            left = factor[k:, j:k]
            below = s[k:, k:] @ left
            np.subtract(g[k:, j:k], below, out=below)
            below = below @ inverse
            s[k:, j:k] = below
            s[j:k, k:] = below.T
            own -= below.T @ left
        p = diagonal.T @ own
        p *= halved
        s[j:k, j:k] = inverse.T @ (p + p.T) @ inverse
    s *= s.dtype.type(0.5)
    return s if finite(s) else None


@lru_cache(16)
def _masks(n: int, char: str) -> tuple[Any, Any]:
    """Ones in the lower triangle; phi: the same with half of the diagonal."""
    lower = np.tri(n, dtype=char)
    halved = lower.copy()
    halved.flat[:: n + 1] *= 0.5
    return lower, halved
