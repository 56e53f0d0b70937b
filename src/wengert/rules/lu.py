"""LU decompositions with exchanges of rows, ``P^T A = L U``, in stacks ``(..., m, n)``.

The two factors are packed into one array as LAPACK does: L without its diagonal of ones below the
diagonal, U above it and on it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.bind import bind
from ..core.primitive import Primitive
from .contractions import matmul, matrix_transpose
from .cumulative import section
from .joining import concatenate_p
from .linalg import on_stacks, result_dtype, same_batch, solve_triangular
from .sorting import permute_along_p

__all__ = ["lu_p", "permutation_p", "permuted_rows", "unpacked"]


def _lu_shape(a: Any) -> Any:
    *stack, m, n = a.shape
    place = np.dtype(np.int32)
    return (a.shape, result_dtype(a)), ((*stack, min(m, n)), place), ((*stack, m), np.dtype(int))


def _lu(a: Any) -> Any:
    from scipy.linalg import lu_factor

    packed, pivots = on_stacks(
        lu_factor, "(m,n)->(m,n),(k)", _lu_shape(a)[:2], a, check_finite=False
    )
    return packed, pivots, _permutation(pivots, a.shape[-2])


def _permutation(pivots: Any, m: int) -> Any:
    """The order of rows after LAPACK's exchanges, one after the other."""
    order = np.broadcast_to(np.arange(m), (*pivots.shape[:-1], m)).copy()
    for i in range(pivots.shape[-1]):
        j = pivots[..., i : i + 1].astype(np.intp)
        here = order[..., i : i + 1].copy()
        order[..., i : i + 1] = np.take_along_axis(order, j, -1)
        np.put_along_axis(order, j, here, -1)
    return order


def permuted_rows(a: Any, order: Any) -> Any:
    """The rows of matrices in another order."""
    return bind(permute_along_p, (a, order[..., :, None]), {"axis": a.ndim - 2})


def unpacked(packed: Any) -> tuple[Any, Any]:
    """L (..., m, k) and U (..., k, n) with k = min(m, n)."""
    m, n = packed.shape[-2:]
    k = min(m, n)
    real = np.empty((), packed.dtype).real.dtype
    left = section(packed, packed.ndim - 1, None, k)
    lower = left * np.tril(np.ones((m, k), real), -1) + np.eye(m, k, dtype=real)
    upper = section(packed, packed.ndim - 2, None, k) * np.triu(np.ones((k, n), real))
    return lower, upper


def _lu_jvp(ts: Any, ins: Any, out: Any) -> Any:
    """``dL1 = L1 tril(M)`` and ``dU1 = triu(M) U1`` with ``M = L1^-1 P^T dA1 U1^-1``.

    L1 and U1 are the square parts; of a matrix with more rows ``dL2 = (dA2 - L2 dU1) U1^-1``, of
    one with more columns ``dU2 = L1^-1 (dA2 - dL1 U2)``.
    """
    packed, _, order = out
    t = permuted_rows(ts[0], order)
    m, n = packed.shape[-2:]
    k = min(m, n)
    row, column = packed.ndim - 2, packed.ndim - 1
    lower, upper = unpacked(packed)
    l1, u1 = section(lower, row, None, k), section(upper, column, None, k)

    def divided(x: Any) -> Any:
        return matrix_transpose(solve_triangular(matrix_transpose(u1), matrix_transpose(x), True))

    square = section(section(t, row, None, k), column, None, k)
    inner = divided(solve_triangular(l1, square, True))
    ones = np.ones((k, k), np.empty((), packed.dtype).real.dtype)
    dl, du = matmul(l1, inner * np.tril(ones, -1)), matmul(inner * np.triu(ones), u1)
    total = dl + du
    if m > k:
        rest = section(t, row, k, None) - matmul(section(lower, row, k, None), du)
        total = bind(concatenate_p, (total, divided(rest)), {"axis": row})
    if n > k:
        rest = section(t, column, k, None) - matmul(dl, section(upper, column, k, None))
        rest = solve_triangular(l1, rest, True)
        total = bind(concatenate_p, (total, rest), {"axis": column})
    return total, None, None


lu_p = same_batch(
    Primitive(
        "lu",
        _lu,
        _lu_shape,
        None,
        jvp=_lu_jvp,
        outputs=3,
        show="lu({0})",
    )
)

permutation_p = same_batch(
    Primitive(
        "permutation",
        _permutation,
        lambda pivots, m: ((*pivots.shape[:-1], m), np.dtype(int)),
        None,
        plain=True,
        show="permutation({0}, {m})",
    )
)
