"""QR decompositions ``A = Q R`` of matrices with at least as many rows as columns, in stacks.

A wide matrix is decomposed by its first columns; the others are ``Q^H`` times what they were.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.bind import bind
from ..core.primitive import Primitive
from .contractions import matmul
from .cumulative import section
from .factorizations import adjoint, complemented
from .joining import concatenate_p
from .linalg import result_dtype, same_batch, solve_triangular

__all__ = ["column_order_p", "qr", "qr_p"]


def _qr_shape(a: Any, complete: bool = False) -> Any:
    *stack, m, n = a.shape
    dtype = result_dtype(a)
    rows = m if complete else n
    return ((*stack, m, rows), dtype), ((*stack, rows, n), dtype)


def _qr_jvp(ts: Any, ins: Any, out: Any, complete: bool = False) -> Any:
    """``dQ = (dA - Q dR) R^-1`` and ``dR = (C - P) R`` with ``C = Q^H dA R^-1``.

    ``P = Q^H dQ`` is antihermitian and ``dR R^-1`` upper triangular with a real diagonal, as the
    diagonal of R is real: P has the strict lower triangle of C, and the imaginary part of its
    diagonal (Walter and Lehmann 2013). The columns of a complete Q beyond those of A are an
    arbitrary basis, see `complemented`.
    """
    q, r = out
    n = r.shape[-1]
    if complete:
        q, r = section(q, q.ndim - 1, None, n), section(r, r.ndim - 2, None, n)
    # dA R^-1, by the transposed system.
    right = adjoint(solve_triangular(adjoint(r), adjoint(ts[0]), True))
    inner = matmul(adjoint(q), right)
    ones = np.ones((n, n), r.real.dtype)
    lower = inner * np.tril(ones, -1)
    turn = lower - adjoint(lower)
    if inner.dtype.kind == "c":
        turn = turn + (inner - adjoint(inner)) * np.eye(n, dtype=ones.dtype) * 0.5
    upper = (inner - turn) * np.triu(ones)
    dq, dr = right - matmul(q, upper), matmul(upper, r)
    if complete and out[0].shape[-1] > n:
        dq = complemented(out[0], dq, n)
        below = np.zeros((*dr.shape[:-2], out[1].shape[-2] - n, n), dr.dtype)
        dr = bind(concatenate_p, (dr, below), {"axis": dr.ndim - 2})
    return dq, dr


qr_p = same_batch(
    Primitive(
        "qr",
        lambda a, complete=False: tuple(np.linalg.qr(a, "complete" if complete else "reduced")),
        _qr_shape,
        None,
        jvp=_qr_jvp,
        outputs=2,
        show=lambda a, complete=False: (
            f"np.linalg.qr({a}{', mode=' * complete}" + ("'complete')" if complete else ")")
        ),
    )
)


def qr(a: Any, complete: bool = False) -> tuple[Any, Any]:
    """Q and R of matrices (..., m, n): Q has min(m, n) columns, or m."""
    m, n = a.shape[-2:]
    if m >= n:
        q, r = bind(qr_p, (a,), {"complete": True} if complete else {})
        return q, r
    last = a.ndim - 1
    q, r = bind(qr_p, (section(a, last, None, m),), {})
    rest = matmul(adjoint(q), section(a, last, m, None))
    return q, bind(concatenate_p, (r, rest), {"axis": last})


# ------------------------------------------------------------------ the order of columns


def _column_order(a: Any) -> Any:
    from scipy.linalg import qr as decompose

    from .linalg import on_stacks

    results = (((0,), a.dtype), _column_order_shape(a))
    return on_stacks(
        decompose, "(m,n)->(k,n),(n)", results, a, mode="r", pivoting=True, check_finite=False
    )[1]


def _column_order_shape(a: Any) -> Any:
    return (*a.shape[:-2], a.shape[-1]), np.dtype(np.int32)  # LAPACK's


column_order_p = same_batch(
    Primitive(
        "column_order",
        _column_order,
        _column_order_shape,
        None,
        plain=True,
        show="scipy.linalg.qr({0}, mode='r', pivoting=True)[-1]",
    )
)
