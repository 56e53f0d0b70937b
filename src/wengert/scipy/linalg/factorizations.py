"""Factorizations: Cholesky, LU, QR, singular values, eigenvalues, polar."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.bind import bind
from ...core.errors import NoRuleError, ShapeError, WengertValueError
from ...numpy.arguments import concrete, is_known, operand
from ...rules.contractions import matmul
from ...rules.eigen import eig_p, eigvals_p
from ...rules.factorizations import adjoint, cholesky_p, eigh_p, svd_p
from ...rules.linalg import inverse, solve_matrices
from ...rules.linalg import solve_triangular as triangular
from ...rules.lu import lu_p, unpacked
from ...rules.orthogonal import column_order_p
from ...rules.orthogonal import qr as decompose_qr
from .arguments import matrices, mirrored, mirrors, square
from .systems import all_diagonals

__all__ = [
    "cho_factor",
    "cholesky",
    "eig",
    "eig_banded",
    "eigh",
    "eigh_tridiagonal",
    "eigvals",
    "eigvals_banded",
    "eigvalsh",
    "eigvalsh_tridiagonal",
    "lu",
    "lu_factor",
    "orthogonal_procrustes",
    "polar",
    "qr",
    "svd",
    "svdvals",
]


# ------------------------------------------------------------------ Cholesky, LU


@mirrors
def cholesky(
    a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True
) -> Any:
    """`scipy.linalg.cholesky` of matrices (..., n, n): upper triangular unless ``lower``.

    The derivative is along Hermitian directions, as in `numpy.linalg.cholesky`.
    """
    a = square("cholesky", a, check_finite)
    return bind(cholesky_p, (a,), {"upper": not lower})


@mirrors
def cho_factor(
    a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True
) -> Any:
    """`scipy.linalg.cho_factor`: a factor for `cho_solve`, and ``lower``.

    As in SciPy the other triangle of the factor is that of ``a``.
    """
    a = square("cho_factor", a, check_finite)
    factor = bind(cholesky_p, (a,), {"upper": not lower})
    return factor + (np.triu(a, 1) if lower else np.tril(a, -1)), bool(lower)


@mirrors
def lu_factor(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """`scipy.linalg.lu_factor` of matrices (..., m, n): the packed factors, and plain pivots."""
    packed, pivots, _ = bind(lu_p, (matrices("lu_factor", a, check_finite),), {})
    return packed, concrete(pivots, "the pivots") if is_known(pivots) else pivots


@mirrors
def lu(
    a: Any,
    permute_l: bool = False,
    overwrite_a: bool = False,
    check_finite: bool = True,
    p_indices: bool = False,
) -> Any:
    """`scipy.linalg.lu` of matrices (..., m, n): ``a = P @ L @ U``.

    Returns
    -------
    tuple
        ``P, L, U``; with ``p_indices`` the order of rows in place of the matrix P, with
        ``permute_l`` the product ``P @ L`` and U. P is plain where values are known.
    """
    a = matrices("lu", a, check_finite)
    packed, _, order = bind(lu_p, (a,), {})
    lower, upper = unpacked(packed)
    place = np.argsort(order, axis=-1)
    if permute_l:
        return np.take_along_axis(lower, place[..., :, None], axis=-2), upper
    if p_indices:
        return place.astype(np.int32), lower, upper
    m = a.shape[-2]
    matrix = (place[..., :, None] == np.arange(m)).astype(a.real.dtype)
    return matrix, lower, upper


# ------------------------------------------------------------------ QR


@mirrors
def qr(
    a: Any,
    overwrite_a: bool = False,
    lwork: Any = None,
    mode: str = "full",
    pivoting: bool = False,
    check_finite: bool = True,
) -> Any:
    """`scipy.linalg.qr` of matrices (..., m, n) of full rank, but for its mode "raw".

    See `numpy.linalg.qr` for the columns that "full" adds. With ``pivoting`` the plain order of
    columns comes last.
    """
    if mode not in ("full", "r", "economic", "raw"):
        raise WengertValueError(f"qr: mode must be 'full', 'r', 'economic' or 'raw', not {mode!r}")
    if mode == "raw":
        raise NoRuleError(
            "scipy.linalg.qr has no derivative for mode='raw', LAPACK's reflectors; use 'economic'"
        )
    a = matrices("qr", a, check_finite)
    order: tuple[Any, ...] = ()
    if pivoting:
        columns = bind(column_order_p, (a,), {})
        a = np.take_along_axis(a, columns[..., None, :], axis=-1)
        order = (columns,)
    full = mode != "economic"
    q, r = decompose_qr(a, full)
    if mode == "r":
        return (r, *order) if order else (r,)
    return (q, r, *order)


# ------------------------------------------------------------------ singular values


@mirrors
def svd(
    a: Any,
    full_matrices: bool = True,
    compute_uv: bool = True,
    overwrite_a: bool = False,
    check_finite: bool = True,
    lapack_driver: str = "gesdd",
) -> Any:
    """`scipy.linalg.svd` of matrices (..., m, n); see `numpy.linalg.svd`."""
    a = matrices("svd", a, check_finite)
    if not compute_uv:
        return bind(svd_p, (a,), {})[1]
    full = bool(full_matrices) and a.shape[-1] != a.shape[-2]
    return tuple(bind(svd_p, (a,), {"full": True} if full else {}))


@mirrors
def svdvals(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """`scipy.linalg.svdvals` of matrices (..., m, n)."""
    return bind(svd_p, (matrices("svdvals", a, check_finite),), {})[1]


@mirrors
def polar(a: Any, side: str = "right") -> Any:
    """`scipy.linalg.polar`: ``a = u @ p`` or ``a = p @ u``; smooth where ``a`` has full rank."""
    if side not in ("right", "left"):
        raise WengertValueError(f"polar: side must be 'right' or 'left', not {side!r}")
    a = matrices("polar", a)
    u, _, vh = bind(svd_p, (a,), {})
    unitary = matmul(u, vh)
    other = adjoint(unitary)
    return unitary, matmul(other, a) if side == "right" else matmul(a, other)


@mirrors
def orthogonal_procrustes(A: Any, B: Any, check_finite: bool = True) -> Any:
    """`scipy.linalg.orthogonal_procrustes`: orthogonal R with ``A @ R`` near B, and a scale."""
    a = matrices("orthogonal_procrustes", A, check_finite)
    b = matrices("orthogonal_procrustes", B, check_finite)
    if a.shape != b.shape:
        raise ShapeError(f"orthogonal_procrustes: the shapes {a.shape} and {b.shape} must be equal")
    u, s, vh = bind(svd_p, (matmul(adjoint(a), b),), {})
    return matmul(u, vh), np.sum(s, axis=-1)


# ------------------------------------------------------------------ eigenvalues, Hermitian


def _selected(name: str, w: Any, by_index: Any, by_value: Any) -> slice:
    n = w.shape[-1]
    if by_index is not None and by_value is not None:
        raise WengertValueError(f"{name}: give subset_by_index or subset_by_value, not both")
    if by_index is not None:
        first, last = (int(i) for i in by_index)
        if not 0 <= first <= last < n:
            raise WengertValueError(
                f"{name}: subset_by_index={by_index!r} is no range within 0..{n - 1}"
            )
        return slice(first, last + 1)
    if by_value is None:
        return slice(None)
    low, high = (float(v) for v in by_value)
    values = concrete(w, f"scipy.linalg.{name} with subset_by_value")
    inside = np.flatnonzero((values > low) & (values <= high))
    return slice(int(inside[0]), int(inside[-1]) + 1) if inside.size else slice(0, 0)


@mirrors
def eigh(
    a: Any,
    b: Any = None,
    *,
    lower: bool = True,
    eigvals_only: bool = False,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    type: int = 1,
    check_finite: bool = True,
    subset_by_index: Any = None,
    subset_by_value: Any = None,
    driver: str | None = None,
) -> Any:
    """`scipy.linalg.eigh` of matrices (..., n, n), also with ``b`` positive definite.

    Parameters
    ----------
    a, b : array_like (..., n, n)
        Hermitian; one triangle is read.
    type : int
        1 for ``a v = w b v``, 2 for ``a b v = w v``, 3 for ``b a v = w v``.
    subset_by_index, subset_by_value : pair, optional
        Which eigenvalues; values have to be known for the second.
    driver : str, optional
        LAPACK's, where there is no ``b``.

    Notes
    -----
    Functions that do not depend on the choice of eigenvectors have their derivatives also where
    eigenvalues coincide.
    """
    a = square("eigh", a, check_finite)
    if type not in (1, 2, 3):
        raise WengertValueError(f"eigh: type must be 1, 2 or 3, not {type!r}")
    if b is None:
        params = {"UPLO": "L" if lower else "U", "driver": driver or "evr"}
        w, v = bind(eigh_p, (a,), params)
    else:
        w, v = _generalized(a, square("eigh", b, check_finite), lower, type)
    part = _selected("eigh", w, subset_by_index, subset_by_value)
    if part != slice(None):
        w, v = w[..., part], v[..., part]
    return w if eigvals_only else (w, v)


def _generalized(a: Any, b: Any, lower: bool, kind: int) -> tuple[Any, Any]:
    """By the Cholesky factor ``b = L L^H``, as LAPACK's sygst does it."""
    a = mirrored(a, lower)
    factor = bind(cholesky_p, (mirrored(b, lower),), {"upper": False})
    across = adjoint(factor)
    if kind == 1:
        inner = triangular(factor, adjoint(triangular(factor, a, True)), True)
    else:
        inner = matmul(across, matmul(a, factor))
    w, y = bind(eigh_p, (inner,), {"UPLO": "L"})
    return w, matmul(factor, y) if kind == 3 else triangular(across, y, False)


@mirrors
def eigvalsh(
    a: Any,
    b: Any = None,
    *,
    lower: bool = True,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    type: int = 1,
    check_finite: bool = True,
    subset_by_index: Any = None,
    subset_by_value: Any = None,
    driver: str | None = None,
) -> Any:
    """`scipy.linalg.eigvalsh`; see `eigh`."""
    return eigh(
        a, b, lower=lower, eigvals_only=True, type=type, check_finite=check_finite,
        subset_by_index=subset_by_index, subset_by_value=subset_by_value, driver=driver,
    )  # fmt: skip


def _dense(ab: Any, lower: bool) -> Any:
    """The Hermitian matrices (..., n, n) of which half the diagonals are stored (..., u + 1, n)."""
    u, n = ab.shape[-2] - 1, ab.shape[-1]
    bands = all_diagonals(ab, lower)
    i, j = np.arange(n)[:, None], np.arange(n)
    near = np.abs(i - j) <= u
    return bands[..., np.clip(u + i - j, 0, 2 * u), np.broadcast_to(j, (n, n))] * near


def _subset(name: str, select: Any, select_range: Any) -> dict[str, Any]:
    if select in ("a", "all", 0):
        return {}
    if select in ("i", "index", 2):
        return {"subset_by_index": select_range}
    if select in ("v", "value", 1):
        return {"subset_by_value": select_range}
    raise WengertValueError(f"{name}: select must be 'a', 'v' or 'i', not {select!r}")


@mirrors
def eig_banded(
    a_band: Any,
    lower: bool = False,
    eigvals_only: bool = False,
    overwrite_a_band: bool = False,
    select: Any = "a",
    select_range: Any = None,
    max_ev: int = 0,
    check_finite: bool = True,
) -> Any:
    """`scipy.linalg.eig_banded`, by the full matrix; eigenvectors may have the other sign."""
    ab = matrices("eig_banded", a_band, check_finite)
    subset = _subset("eig_banded", select, select_range)
    return eigh(_dense(ab, lower), eigvals_only=eigvals_only, **subset)


@mirrors
def eigvals_banded(
    a_band: Any,
    lower: bool = False,
    overwrite_a_band: bool = False,
    select: Any = "a",
    select_range: Any = None,
    check_finite: bool = True,
) -> Any:
    """`scipy.linalg.eigvals_banded`, by the full matrix."""
    ab = matrices("eigvals_banded", a_band, check_finite)
    subset = _subset("eigvals_banded", select, select_range)
    return eigh(_dense(ab, lower), eigvals_only=True, **subset)


def _of_diagonals(name: str, d: Any, e: Any) -> Any:
    d, e = operand(d), operand(e)
    if d.ndim != 1 or e.shape != (d.shape[0] - 1,):
        raise ShapeError(
            f"{name}: expected a diagonal (n,) and one beside it (n - 1,), got shapes {d.shape} "
            f"and {e.shape}"
        )
    return np.diag(d) + np.diag(e, 1) + np.diag(e, -1)


@mirrors
def eigh_tridiagonal(
    d: Any,
    e: Any,
    eigvals_only: bool = False,
    select: Any = "a",
    select_range: Any = None,
    check_finite: bool = True,
    tol: float = 0.0,
    lapack_driver: str = "auto",
) -> Any:
    """`scipy.linalg.eigh_tridiagonal`, by the full matrix; eigenvectors may have the other sign."""
    subset = _subset("eigh_tridiagonal", select, select_range)
    a = _of_diagonals("eigh_tridiagonal", d, e)
    return eigh(a, eigvals_only=eigvals_only, check_finite=check_finite, **subset)


@mirrors
def eigvalsh_tridiagonal(
    d: Any,
    e: Any,
    select: Any = "a",
    select_range: Any = None,
    check_finite: bool = True,
    tol: float = 0.0,
    lapack_driver: str = "auto",
) -> Any:
    """`scipy.linalg.eigvalsh_tridiagonal`, by the full matrix."""
    subset = _subset("eigvalsh_tridiagonal", select, select_range)
    a = _of_diagonals("eigvalsh_tridiagonal", d, e)
    return eigh(a, eigvals_only=True, check_finite=check_finite, **subset)


# ------------------------------------------------------------------ eigenvalues in general


def _no_homogeneous(name: str, homogeneous_eigvals: bool) -> None:
    if homogeneous_eigvals:
        raise NoRuleError(
            f"scipy.linalg.{name} has no derivative for homogeneous_eigvals=True, whose scale is "
            "LAPACK's; use ordinary eigenvalues"
        )


@mirrors
def eig(
    a: Any,
    b: Any = None,
    left: bool = False,
    right: bool = True,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
    homogeneous_eigvals: bool = False,
) -> Any:
    """`scipy.linalg.eig`: ``a v = w b v`` for matrices (..., n, n); results are complex.

    Eigenvectors have norm 1 and a real largest component. So have SciPy's where there is no ``b``;
    with ``b``, which has to be regular here, the phases of SciPy's are others.
    """
    _no_homogeneous("eig", homogeneous_eigvals)
    a = square("eig", a, check_finite)
    if b is not None:
        b = square("eig", b, check_finite)
        a = solve_matrices(b, a)
    if not left and not right:
        return bind(eigvals_p, (a,), {})
    w, v = bind(eig_p, (a,), {})
    if not left:
        return w, v
    u = adjoint(inverse(v))
    if b is not None:
        u = solve_matrices(adjoint(b), u)
    return (w, _normalized(u), v) if right else (w, _normalized(u))


def _normalized(v: Any) -> Any:
    """Columns of norm 1 with a real largest component."""
    v = v / np.linalg.norm(v, axis=-2, keepdims=True)
    size = np.abs(v)
    place = np.argmax(size, axis=-2)
    pivot = place[..., None, :] == np.arange(v.shape[-1])[:, None]
    z = np.sum(v * pivot, axis=-2, keepdims=True)
    return v * (np.conj(z) / np.abs(z))


@mirrors
def eigvals(
    a: Any,
    b: Any = None,
    overwrite_a: bool = False,
    check_finite: bool = True,
    homogeneous_eigvals: bool = False,
) -> Any:
    """`scipy.linalg.eigvals`; see `eig`."""
    return eig(a, b, False, False, False, False, check_finite, homogeneous_eigvals)
