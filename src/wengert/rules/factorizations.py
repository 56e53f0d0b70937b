"""Factorizations of matrices: Cholesky, symmetric eigenvalues, singular values; the pseudoinverse.

A matrix that is factored as symmetric (Hermitian) is read from one triangle by LAPACK. Its
derivative is taken along symmetric directions: the symmetric part of a tangent counts, and the
cotangent is the symmetric matrix. That is what JAX, PyTorch and autograd return.

Where eigenvalues or singular values coincide, vectors that belong to them have no derivative, but
functions of them may (`rules.spectra`). The values themselves keep theirs.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.bind import bind
from ..core.primitive import Primitive
from .complex import conjugate, real_p
from .contractions import matmul, matrix_transpose
from .cumulative import section
from .joining import concatenate_p
from .linalg import check_square, on_stacks, result_dtype, same_batch, solve_triangular, triangle
from .reductions import sum_
from .spectra import as_rows, coupling, separated

__all__ = ["adjoint", "cholesky_p", "complemented", "eigh_p", "hermitian_part", "pinv_p", "svd_p"]


def adjoint(x: Any) -> Any:
    """The conjugate transpose of matrices."""
    return conjugate(matrix_transpose(x))


def hermitian_part(t: Any) -> Any:
    """``(T + T^H) / 2``."""
    return (t + adjoint(t)) * 0.5


def _real(x: Any) -> Any:
    return bind(real_p, (x,), {}, False) if x.dtype.kind == "c" else x


def _real_dtype(dtype: Any) -> Any:
    return np.empty((), dtype).real.dtype


# ------------------------------------------------------------------ Cholesky


def _cholesky_shape(a: Any, upper: bool) -> tuple[tuple[int, ...], Any]:
    check_square("cholesky", a)
    return a.shape, result_dtype(a)


def _cholesky(a: Any, upper: bool) -> Any:
    # NumPy below 2.0 had no `upper`; with it, NumPy reads the other triangle.
    return np.linalg.cholesky(a, upper=True) if upper else np.linalg.cholesky(a)


def _cholesky_jvp(ts: Any, ins: Any, out: Any, upper: bool) -> Any:
    """``dL = L phi(L^-1 dA L^-H)``; phi takes the lower triangle, and half of the diagonal.

    From ``dA = dL L^H + L dL^H``, where ``L^-1 dL`` is lower triangular (Murray 2016, section 3).
    """
    lower = adjoint(out) if upper else out
    n = out.shape[-1]
    phi = triangle(n, True, _real_dtype(out.dtype))
    phi[np.arange(n), np.arange(n)] = 0.5
    inner = solve_triangular(lower, hermitian_part(ts[0]), True)
    inner = solve_triangular(lower, adjoint(inner), True)
    tangent = matmul(lower, inner * phi)
    return adjoint(tangent) if upper else tangent


cholesky_p = same_batch(
    Primitive(
        "cholesky",
        _cholesky,
        _cholesky_shape,
        None,
        jvp=_cholesky_jvp,
        show=lambda a, upper: f"np.linalg.cholesky({a}{', upper=True' if upper else ''})",
        lower="cholesky",
    )
)


# ------------------------------------------------------------------ eigenvalues, Hermitian


def _eigh_shape(a: Any, UPLO: str, driver: str | None = None) -> Any:
    check_square("eigh", a)
    dtype = result_dtype(a)
    return (a.shape[:-1], _real_dtype(dtype)), (a.shape, dtype)


def _eigh_jvp(ts: Any, ins: Any, out: Any, UPLO: str, driver: str | None = None) -> Any:
    """``dw = diag M`` and ``dV = V (F * M)`` with ``M = V^H dA V``, ``F_ij = 1 / (w_j - w_i)``.

    From ``A V = V diag(w)`` and ``V^H V = 1``, with F_ii = 0: the phases of the eigenvectors, which
    are arbitrary, do not change (Giles 2008, section 3.1).
    """
    w, v = out
    tv = matmul(hermitian_part(ts[0]), v)
    dw = _real(sum_(conjugate(v) * tv, (v.ndim - 2,)))
    return dw, matmul(v, coupling(matmul(adjoint(v), tv), w))


def _eigh(a: Any, UPLO: Any, driver: str | None = None) -> Any:
    if driver is None:
        w, v = np.linalg.eigh(a, UPLO)
    else:
        from scipy.linalg import eigh

        results = _eigh_shape(a, UPLO)
        options = {"lower": UPLO == "L", "driver": driver}
        w, v = on_stacks(eigh, "(n,n)->(n),(n,n)", results, a, **options)
    return separated(w), v


def _eigh_text(a: str, UPLO: str, driver: str | None = None) -> str:
    if driver is not None:
        return f"scipy.linalg.eigh({a}, lower={UPLO == 'L'}, driver={driver!r})"
    return f"np.linalg.eigh({a}{'' if UPLO == 'L' else f', {UPLO!r}'})"


eigh_p = same_batch(
    Primitive(
        "eigh",
        _eigh,
        _eigh_shape,
        None,
        jvp=_eigh_jvp,
        outputs=2,
        show=_eigh_text,
    )
)


# ------------------------------------------------------------------ singular values


def _svd_shape(a: Any, full: bool = False) -> Any:
    m, n = a.shape[-2:]
    k = min(m, n)
    dtype = result_dtype(a)
    stack = a.shape[:-2]
    of_u = (*stack, m, m if full else k)
    of_v = (*stack, n if full else k, n)
    return (of_u, dtype), ((*stack, k), _real_dtype(dtype)), (of_v, dtype)


def _svd(a: Any, full: bool = False) -> Any:
    u, s, vh = np.linalg.svd(a, full_matrices=full)
    return u, separated(s, singular=True), vh


def complemented(q: Any, dq: Any, k: int) -> Any:
    """The tangent of orthonormal columns whose first ``k`` have the tangent ``dq``.

    The others are an arbitrary basis of the orthogonal complement. It turns no more than it has
    to: ``dQ2 = -Q1 dQ1^H Q2``, from ``Q1^H Q2 = 0`` and ``Q2^H dQ2 = 0``.
    """
    first, rest = section(q, q.ndim - 1, None, k), section(q, q.ndim - 1, k, None)
    other = -matmul(first, matmul(adjoint(dq), rest))
    return bind(concatenate_p, (dq, other), {"axis": q.ndim - 1})


def _svd_jvp(ts: Any, ins: Any, out: Any, full: bool = False) -> Any:
    """Differentials of ``A = U S V^H``.

    With ``M = U^H dA V``, ``dU = U P`` and ``dV = V Q``, where P and Q are antihermitian, the
    diagonal of ``M = P S + dS - S Q`` is ``ds`` (its real part), and off it

        P_ij + Q_ij = (M + M^H)_ij / (s_j - s_i),    P_ij - Q_ij = (M - M^H)_ij / (s_j + s_i).

    So U V^H, which needs the difference alone, is smooth where singular values coincide. Outside
    of the span of U, ``dU`` has ``(1 - U U^H) dA V / s``, and V likewise. The imaginary part of M's
    diagonal over s turns the phases of U (Townsend 2016).
    """
    u, s, vh = out
    t, v = ts[0], adjoint(vh)
    m, n, k = u.shape[-2], v.shape[-2], s.shape[-1]
    if full:
        u, v = section(u, u.ndim - 1, None, k), section(v, v.ndim - 1, None, k)
    tv = matmul(t, v)
    inner = matmul(adjoint(u), tv)
    eye = np.eye(k, dtype=s.dtype)
    ds = _real(sum_(inner * eye, (inner.ndim - 1,)))
    both = coupling(inner + adjoint(inner), s) * 0.5
    between = coupling(inner - adjoint(inner), s, True) * 0.5
    du_inner = both + between
    if inner.dtype.kind == "c":
        du_inner = du_inner + (inner - adjoint(inner)) * eye * 0.5 / as_rows(s)
    du, dv = matmul(u, du_inner), matmul(v, both - between)
    if m > k:
        du = du + (tv - matmul(u, inner)) / as_rows(s)
    if n > k:
        tu = matmul(adjoint(t), u)
        dv = dv + (tu - matmul(v, adjoint(inner))) / as_rows(s)
    if full and m > k:
        du = complemented(out[0], du, k)
    if full and n > k:
        dv = complemented(adjoint(vh), dv, k)
    return du, ds, adjoint(dv)


svd_p = same_batch(
    Primitive(
        "svd",
        _svd,
        _svd_shape,
        None,
        jvp=_svd_jvp,
        outputs=3,
        show=lambda a, full=False: f"np.linalg.svd({a}{'' if full else ', full_matrices=False'})",
    )
)


# ------------------------------------------------------------------ pseudoinverse


def _pinv_shape(a: Any, rcond: float, hermitian: bool) -> tuple[tuple[int, ...], Any]:
    return (*a.shape[:-2], a.shape[-1], a.shape[-2]), result_dtype(a)


def _pinv_jvp(ts: Any, ins: Any, out: Any, rcond: float, hermitian: bool) -> Any:
    """For constant rank: ``dP = -P dA P + P P^H dA^H (1 - A P) + (1 - P A) dA^H P^H P``.

    Golub and Pereyra 1973, equation 4.12.
    """
    a, p = ins[0], out
    t = hermitian_part(ts[0]) if hermitian else ts[0]
    th, ph = adjoint(t), adjoint(p)
    left = matmul(matmul(p, ph), th)
    right = matmul(th, matmul(ph, p))
    return (
        -matmul(p, matmul(t, p))
        + (left - matmul(matmul(left, a), p))
        + (right - matmul(p, matmul(a, right)))
    )


def _pinv_text(a: str, rcond: float, hermitian: bool) -> str:
    return f"np.linalg.pinv({a}, {rcond}{', hermitian=True' if hermitian else ''})"


pinv_p = same_batch(
    Primitive(
        "pinv",
        lambda a, rcond, hermitian: np.linalg.pinv(a, rcond, hermitian),
        _pinv_shape,
        None,
        jvp=_pinv_jvp,
        show=_pinv_text,
    )
)
