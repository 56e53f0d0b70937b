"""Factorizations of matrices: Cholesky, symmetric eigenvalues, singular values; the pseudoinverse.

A matrix that is factored as symmetric (Hermitian) is read from one triangle by LAPACK. Its
derivative is taken along symmetric directions: the symmetric part of a tangent counts, and the
cotangent is the symmetric matrix. That is what JAX, PyTorch and autograd return.

Where eigenvalues or singular values coincide, vectors that belong to them have no derivative: it
comes out infinite or NaN. The values themselves keep theirs.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import algebra
from ..core.bind import bind
from ..core.primitive import Primitive
from .complex import conjugate, real_p
from .contractions import matmul, matrix_transpose
from .linalg import check_square, result_dtype, same_batch, solve_triangular, triangle
from .reductions import sum_
from .shapes import reshape

__all__ = ["adjoint", "cholesky_p", "eigh_p", "pinv_p", "svd_p"]


def adjoint(x: Any) -> Any:
    """The conjugate transpose of matrices."""
    return conjugate(matrix_transpose(x))


def _hermitian(t: Any) -> Any:
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
    inner = solve_triangular(lower, _hermitian(ts[0]), True)
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
    )
)


# ------------------------------------------------------------------ eigenvalues, Hermitian


def _eigh_shape(a: Any, UPLO: str) -> Any:
    check_square("eigh", a)
    dtype = result_dtype(a)
    return (a.shape[:-1], _real_dtype(dtype)), (a.shape, dtype)


def _rows(s: Any) -> Any:
    """Values (..., n) along the columns of a matrix: (..., 1, n)."""
    return reshape(s, (*s.shape[:-1], 1, s.shape[-1]))


def _columns(s: Any) -> Any:
    return reshape(s, (*s.shape, 1))


def _eigh_jvp(ts: Any, ins: Any, out: Any, UPLO: str) -> Any:
    """``dw = diag M`` and ``dV = V (F * M)`` with ``M = V^H dA V``, ``F_ij = 1 / (w_j - w_i)``.

    From ``A V = V diag(w)`` and ``V^H V = 1``, with F_ii = 0: the phases of the eigenvectors, which
    are arbitrary, do not change (Giles 2008, section 3.1).
    """
    w, v = out
    tv = matmul(_hermitian(ts[0]), v)
    dw = _real(sum_(conjugate(v) * tv, (v.ndim - 2,)))
    eye = np.eye(w.shape[-1], dtype=w.dtype)
    f = (1 - eye) / (_rows(w) - _columns(w) + eye)
    return dw, matmul(v, algebra.strong_product(matmul(adjoint(v), tv), f))


eigh_p = same_batch(
    Primitive(
        "eigh",
        lambda a, UPLO: tuple(np.linalg.eigh(a, UPLO)),
        _eigh_shape,
        None,
        jvp=_eigh_jvp,
        outputs=2,
        show=lambda a, UPLO: f"np.linalg.eigh({a}{'' if UPLO == 'L' else f', {UPLO!r}'})",
    )
)


# ------------------------------------------------------------------ singular values


def _svd_shape(a: Any) -> Any:
    m, n = a.shape[-2:]
    k = min(m, n)
    dtype = result_dtype(a)
    stack = a.shape[:-2]
    return ((*stack, m, k), dtype), ((*stack, k), _real_dtype(dtype)), ((*stack, k, n), dtype)


def _svd_jvp(ts: Any, ins: Any, out: Any) -> Any:
    """Differentials of the thin decomposition ``A = U S V^H``.

    With ``M = U^H dA V`` and ``F_ij = 1 / (s_j^2 - s_i^2)``, i != j: ``ds = Re diag M`` and

        dU = U (F * (M S + S M^H) + D / 2) + (1 - U U^H) dA V / s
        dV = V (F * (S M + M^H S)) + (1 - V V^H) dA^H U / s

    where D, the imaginary part of M's diagonal over s, fixes the phase (Townsend 2016).
    """
    u, s, vh = out
    t, v = ts[0], adjoint(vh)
    m, n, k = u.shape[-2], v.shape[-2], s.shape[-1]
    inner = matmul(matmul(adjoint(u), t), v)
    eye = np.eye(k, dtype=s.dtype)
    ds = _real(sum_(inner * eye, (inner.ndim - 1,)))
    f = (1 - eye) / ((_rows(s) - _columns(s)) * (_rows(s) + _columns(s)) + eye)
    scaled, scaled_rows = inner * _rows(s), inner * _columns(s)
    du_inner = algebra.strong_product(scaled + adjoint(scaled), f)
    if inner.dtype.kind == "c":
        du_inner = du_inner + (inner - adjoint(inner)) * eye * 0.5 / _rows(s)
    du = matmul(u, du_inner)
    dv = matmul(v, algebra.strong_product(scaled_rows + adjoint(scaled_rows), f))
    if m > k:
        tv = matmul(t, v)
        du = du + (tv - matmul(u, matmul(adjoint(u), tv))) / _rows(s)
    if n > k:
        tu = matmul(adjoint(t), u)
        dv = dv + (tu - matmul(v, matmul(vh, tu))) / _rows(s)
    return du, ds, adjoint(dv)


svd_p = same_batch(
    Primitive(
        "svd",
        lambda a: tuple(np.linalg.svd(a, full_matrices=False)),
        _svd_shape,
        None,
        jvp=_svd_jvp,
        outputs=3,
        show="np.linalg.svd({0}, full_matrices=False)",
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
    t = _hermitian(ts[0]) if hermitian else ts[0]
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
