"""Linear systems, inverses and determinants."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.bind import bind
from ...core.errors import NoRuleError, ShapeError, WengertValueError
from ...numpy import linear_algebra as _numpys
from ...numpy.arguments import concrete, floating, is_known, operand
from ...rules.contractions import matmul
from ...rules.factorizations import adjoint, cholesky_p, pinv_p
from ...rules.linalg import MatrixShapeError, inverse, solve_matrices
from ...rules.linalg import solve_triangular as triangular
from ...rules.lu import permutation_p, permuted_rows, unpacked
from ...rules.structured import solve_bands, solve_toeplitz_p, toeplitz_matrix
from .arguments import (
    as_matrices,
    matrices,
    mirrored,
    mirrors,
    right_hand_side,
    square,
    transposed_by,
)

__all__ = [
    "cho_solve",
    "det",
    "inv",
    "lstsq",
    "lu_solve",
    "matmul_toeplitz",
    "pinv",
    "pinvh",
    "solve",
    "solve_banded",
    "solve_circulant",
    "solve_toeplitz",
    "solve_triangular",
    "solveh_banded",
]

_STRUCTURES = {
    None: "general", "gen": "general", "general": "general",
    "sym": "symmetric", "symmetric": "symmetric",
    "her": "hermitian", "hermitian": "hermitian",
    "pos": "positive", "positive definite": "positive",
    "diagonal": "diagonal", "tridiagonal": "tridiagonal", "banded": "general",
    "upper triangular": "upper", "lower triangular": "lower",
}  # fmt: skip


def _read(name: str, a: Any, assume_a: str | None, lower: bool) -> tuple[Any, str]:
    """What is read of matrices of an assumed structure, and the structure."""
    structure = _STRUCTURES.get(assume_a)
    if structure is None:
        raise WengertValueError(
            f"{name}: assume_a must be one of {sorted(k for k in _STRUCTURES if k)}, "
            f"not {assume_a!r}"
        )
    if structure == "symmetric":
        return mirrored(a, lower, hermitian=False), structure
    if structure in ("hermitian", "positive"):
        return mirrored(a, lower), structure
    if structure == "diagonal":
        return a * np.eye(a.shape[-1], dtype=a.real.dtype), structure
    if structure == "tridiagonal":
        return np.triu(np.tril(a, 1), -1), structure
    return a, structure


def _solved(a: Any, b: Any, structure: str) -> Any:
    if structure == "positive":
        factor = bind(cholesky_p, (a,), {"upper": False})
        return triangular(adjoint(factor), triangular(factor, b, True), False)
    if structure in ("upper", "lower"):
        return triangular(a, b, structure == "lower")
    return solve_matrices(a, b)


@mirrors
def solve(
    a: Any,
    b: Any,
    lower: bool = False,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
    assume_a: str | None = None,
    transposed: bool = False,
) -> Any:
    """`scipy.linalg.solve`: ``x`` with ``a @ x = b``.

    Parameters
    ----------
    a : array_like (..., n, n)
    b : array_like (n,) or (..., n, k)
    lower : bool
        Which triangle is read of a matrix that ``assume_a`` calls symmetric, Hermitian or positive
        definite. The gradient is by what is read.
    overwrite_a, overwrite_b : bool
        Ignored: arguments are never overwritten.
    check_finite : bool
        Whether infinities and NaN raise.
    assume_a : str, optional
        'gen', 'sym', 'her', 'pos', 'diagonal', 'tridiagonal', 'banded', 'upper triangular' or
        'lower triangular', and their long names.
    transposed : bool
        Solve with the transpose of ``a``.

    Returns
    -------
    Tensor
        With the shape of ``b``, broadcast against the stack of ``a``.

    Raises
    ------
    LinAlgError
        If a matrix is singular, or not positive definite where that is assumed.
    """
    a = square("solve", a, check_finite)
    b, is_vector = right_hand_side("solve", b, a.shape[-1], check_finite)
    a, structure = _read("solve", a, assume_a, lower)
    if transposed:
        if a.dtype.kind == "c" and structure in ("hermitian", "symmetric"):
            raise NoRuleError(
                "solve: transposed=True of complex Hermitian or symmetric matrices is not "
                "implemented, as in SciPy; conjugate a and b instead"
            )
        a = np.swapaxes(a, -1, -2)
        structure = {"upper": "lower", "lower": "upper"}.get(structure, structure)
    return as_matrices(_solved(a, b, structure), is_vector)


@mirrors
def solve_triangular(
    a: Any,
    b: Any,
    trans: Any = 0,
    lower: bool = False,
    unit_diagonal: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Any:
    """`scipy.linalg.solve_triangular`: one triangle of ``a`` (..., n, n) is read.

    With ``unit_diagonal`` its diagonal is not read either, but taken to be ones.
    """
    a = square("solve_triangular", a, check_finite)
    n = a.shape[-1]
    b, is_vector = right_hand_side("solve_triangular", b, n, check_finite)
    code = transposed_by("solve_triangular", trans)
    if unit_diagonal:
        strict = np.tril(a, -1) if lower else np.triu(a, 1)
        a = strict + np.eye(n, dtype=a.dtype)
    if code:
        a = adjoint(a) if code == 2 else np.swapaxes(a, -1, -2)
        lower = not lower
    return as_matrices(triangular(a, b, bool(lower)), is_vector)


@mirrors
def cho_solve(
    c_and_lower: Any, b: Any, overwrite_b: bool = False, check_finite: bool = True
) -> Any:
    """`scipy.linalg.cho_solve`: ``a @ x = b`` by the Cholesky factor of ``a`` from `cho_factor`."""
    c, lower = c_and_lower
    c = square("cho_solve", c, check_finite)
    b, is_vector = right_hand_side("cho_solve", b, c.shape[-1], check_finite)
    if lower:
        x = triangular(adjoint(c), triangular(c, b, True), False)
    else:
        x = triangular(c, triangular(adjoint(c), b, True), False)
    return as_matrices(x, is_vector)


@mirrors
def lu_solve(
    lu_and_piv: Any, b: Any, trans: Any = 0, overwrite_b: bool = False, check_finite: bool = True
) -> Any:
    """`scipy.linalg.lu_solve`: ``a @ x = b`` by the factors of ``a`` from `lu_factor`."""
    packed, pivots = lu_and_piv
    packed, pivots = square("lu_solve", packed, check_finite), operand(pivots)
    n = packed.shape[-1]
    b, is_vector = right_hand_side("lu_solve", b, n, check_finite)
    code = transposed_by("lu_solve", trans)
    order = bind(permutation_p, (pivots,), {"m": n})
    lower, upper = unpacked(packed)
    if not code:
        x = triangular(upper, triangular(lower, _in_order(b, order), True), False)
        return as_matrices(x, is_vector)
    turn = adjoint if code == 2 else _transposed
    x = triangular(turn(lower), triangular(turn(upper), b, True), False)
    return as_matrices(_in_order(x, np.argsort(order, axis=-1)), is_vector)


def _transposed(a: Any) -> Any:
    return np.swapaxes(a, -1, -2)


def _in_order(b: Any, order: Any) -> Any:
    stack = np.broadcast_shapes(b.shape[:-2], order.shape[:-1])
    if b.shape[:-2] != stack:
        b = np.broadcast_to(b, (*stack, *b.shape[-2:]))
    return permuted_rows(b, order)


# ------------------------------------------------------------------ inverses, determinants


@mirrors
def inv(
    a: Any,
    overwrite_a: bool = False,
    check_finite: bool = True,
    *,
    assume_a: str | None = None,
    lower: bool = False,
) -> Any:
    """`scipy.linalg.inv` of matrices (..., n, n)."""
    a = square("inv", a, check_finite)
    a, structure = _read("inv", a, assume_a, lower)
    if structure in ("upper", "lower", "positive"):
        eye = np.broadcast_to(np.eye(a.shape[-1], dtype=a.dtype), a.shape)
        return _solved(a, eye, structure)
    return inverse(a)


@mirrors
def det(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """`scipy.linalg.det` of matrices (..., n, n)."""
    return _numpys.det(square("det", a, check_finite))


def _cutoff(name: str, a: Any, atol: Any, rtol: Any) -> float:
    """The smallest singular value that counts, relative to the largest one."""
    if (atol is not None and atol < 0) or (rtol is not None and rtol < 0):
        raise WengertValueError(f"{name}: atol and rtol must not be negative")
    if rtol is None:
        rtol = 0.0 if atol else max(a.shape[-2:]) * float(np.finfo(a.dtype).eps)
    if not atol:
        return float(rtol)
    largest = np.linalg.norm(concrete(a, f"scipy.linalg.{name} with atol"), 2)
    return float(rtol + atol / largest) if largest else float(rtol)


@mirrors
def pinv(
    a: Any,
    *,
    atol: Any = None,
    rtol: Any = None,
    return_rank: bool = False,
    check_finite: bool = True,
) -> Any:
    """`scipy.linalg.pinv` of matrices (..., m, n); its derivative is that for constant rank.

    ``atol`` needs values, and a single matrix. The rank is a plain integer where values are known.
    """
    a = matrices("pinv", a, check_finite)
    return _pseudoinverse("pinv", a, atol, rtol, return_rank, False)


@mirrors
def pinvh(
    a: Any,
    atol: Any = None,
    rtol: Any = None,
    lower: bool = True,
    return_rank: bool = False,
    check_finite: bool = True,
) -> Any:
    """`scipy.linalg.pinvh` of Hermitian matrices (..., n, n), of which one triangle is read."""
    a = mirrored(square("pinvh", a, check_finite), lower)
    return _pseudoinverse("pinvh", a, atol, rtol, return_rank, True)


def _pseudoinverse(
    name: str, a: Any, atol: Any, rtol: Any, return_rank: bool, hermitian: bool
) -> Any:
    if atol and a.ndim > 2:
        raise ShapeError(f"{name}: atol takes a single matrix, not a stack of shape {a.shape}")
    rcond = _cutoff(name, a, atol, rtol)
    x = bind(pinv_p, (a,), {"rcond": rcond, "hermitian": hermitian})
    if not return_rank:
        return x
    s = np.linalg.svd(a, compute_uv=False)
    rank = np.sum(s > rcond * s[..., :1], axis=-1)
    return x, concrete(rank, "the rank") if is_known(rank) else rank


@mirrors
def lstsq(
    a: Any,
    b: Any,
    cond: Any = None,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
    lapack_driver: str | None = None,
) -> Any:
    """`scipy.linalg.lstsq` of a matrix (m, n): ``(x, residues, rank, s)``, as in NumPy.

    The residues have the shape (k,) of the right-hand sides (m, k), and () for a vector.
    """
    a = matrices("lstsq", a, check_finite)
    b = floating(operand(b))
    if cond is None:
        cond = float(np.finfo(np.result_type(a.dtype, b.dtype)).eps)
    x, residuals, rank, s = _numpys.lstsq(a, b, cond)
    if b.ndim == 1 and residuals.size:
        residuals = residuals[0]
    return x, residuals, int(rank) if is_known(rank) else rank, s


# ------------------------------------------------------------------ structured matrices


def _diagonals(name: str, ab: Any, check_finite: bool) -> Any:
    return matrices(name, ab, check_finite)


@mirrors
def solve_banded(
    l_and_u: Any,
    ab: Any,
    b: Any,
    overwrite_ab: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Any:
    """`scipy.linalg.solve_banded`: diagonals ``ab`` (l + u + 1, n); ``b`` is (n,) or (n, k).

    The derivative by entries of ``ab`` that no diagonal of the matrix reaches is 0.
    """
    lower, upper = (int(k) for k in l_and_u)
    ab = _diagonals("solve_banded", ab, check_finite)
    b, is_vector = right_hand_side("solve_banded", b, ab.shape[-1], check_finite)
    return as_matrices(solve_bands(ab, b, lower, upper), is_vector)


@mirrors
def solveh_banded(
    ab: Any,
    b: Any,
    overwrite_ab: bool = False,
    overwrite_b: bool = False,
    lower: bool = False,
    check_finite: bool = True,
) -> Any:
    """`scipy.linalg.solveh_banded`: one half of the diagonals of a Hermitian matrix, (u + 1, n)."""
    ab = _diagonals("solveh_banded", ab, check_finite)
    b, is_vector = right_hand_side("solveh_banded", b, ab.shape[-1], check_finite)
    u = ab.shape[-2] - 1
    return as_matrices(solve_bands(all_diagonals(ab, lower), b, u, u), is_vector)


def all_diagonals(ab: Any, lower: bool) -> Any:
    """All diagonals (2 u + 1, n) of Hermitian matrices, of which one half is stored (u + 1, n)."""
    u = ab.shape[-2] - 1
    rows = [ab[..., i, :] for i in range(u + 1)]
    middle = rows[0] if lower else rows[u]
    middle = np.real(middle) if ab.dtype.kind == "c" else middle
    given = rows[1:] if lower else rows[:u]
    other = []
    for k in range(1, u + 1):  # the diagonal k places away, on the other side
        row = given[k - 1] if lower else given[u - k]
        other.append(_moved(np.conj(row), k if lower else -k))
    if lower:
        return np.stack([*other[::-1], middle, *given], axis=-2)
    return np.stack([*given, middle, *other], axis=-2)


def _moved(row: Any, by: int) -> Any:
    zeros = np.zeros((*row.shape[:-1], abs(by)), row.dtype)
    if by > 0:
        return np.concatenate([zeros, row[..., :-by]], axis=-1)
    return np.concatenate([row[..., -by:], zeros], axis=-1)


def _column_and_row(name: str, c_or_cr: Any) -> tuple[Any, Any]:
    if isinstance(c_or_cr, tuple):
        c, r = (np.ravel(floating(operand(x))) for x in c_or_cr)
        return c, r
    c = np.ravel(floating(operand(c_or_cr)))
    return c, np.conj(c) if c.dtype.kind == "c" else c


@mirrors
def solve_toeplitz(c_or_cr: Any, b: Any, check_finite: bool = True) -> Any:
    """`scipy.linalg.solve_toeplitz`, by Levinson's recursion; ``b`` is (n,) or (n, k)."""
    c, r = _column_and_row("solve_toeplitz", c_or_cr)
    b, is_vector = right_hand_side("solve_toeplitz", b, c.shape[0], check_finite)
    return as_matrices(bind(solve_toeplitz_p, (c, r, b), {}), is_vector)


@mirrors
def matmul_toeplitz(
    c_or_cr: Any, x: Any, check_finite: bool = False, workers: int | None = None
) -> Any:
    """`scipy.linalg.matmul_toeplitz`: a Toeplitz matrix times ``x`` (n,) or (n, k)."""
    c, r = _column_and_row("matmul_toeplitz", c_or_cr)
    x, is_vector = right_hand_side("matmul_toeplitz", x, r.shape[0], check_finite)
    return as_matrices(matmul(toeplitz_matrix(c, r), x), is_vector)


@mirrors
def solve_circulant(
    c: Any,
    b: Any,
    singular: str = "raise",
    tol: float | None = None,
    caxis: int = -1,
    baxis: int = 0,
    outaxis: int = 0,
) -> Any:
    """`scipy.linalg.solve_circulant`, by Fourier transforms.

    Raises
    ------
    NoRuleError
        For ``singular="lstsq"``, which depends on which frequencies are absent.
    LinAlgError
        If the matrix is singular (where values are known).
    """
    if singular != "raise":
        raise NoRuleError(
            "solve_circulant: singular='lstsq' has no derivative rule; use scipy.linalg.lstsq with "
            "scipy.linalg.circulant(c)"
        )
    c = np.moveaxis(np.atleast_1d(floating(operand(c))), caxis, -1)
    b = np.moveaxis(np.atleast_1d(floating(operand(b))), baxis, -1)
    n = c.shape[-1]
    if b.shape[-1] != n:
        raise ShapeError(f"solve_circulant: c and b have lengths {n} and {b.shape[-1]}")
    spectrum = np.fft.fft(c)
    if is_known(spectrum):
        sizes = np.abs(concrete(spectrum, "c"))
        least = sizes.max() * n * np.finfo(sizes.dtype).eps if tol is None else tol
        if sizes.min(initial=np.inf) <= least:
            raise MatrixShapeError("solve_circulant: near singular circulant matrix")
    x = np.fft.ifft(np.fft.fft(b) / spectrum)
    if c.dtype.kind != "c" and b.dtype.kind != "c":
        x = np.real(x)
    return np.moveaxis(x, -1, outaxis)
