"""Linear algebra, of matrices that are well-conditioned as smooth functions of the operand.

Results do not depend on signs, phases or the choice of a basis, where libraries may differ.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.differential.steps.table import Family, Parameters, is_square, matrix, square, when

algebra = Family("linear algebra")


def conditioned(xp: Any, x: Any) -> Any:
    """A matrix that is diagonally dominant."""
    return xp.sin(x) + xp.constant(4.0 * np.eye(x.shape[-1]))


def symmetric(xp: Any, x: Any) -> Any:
    """A symmetric matrix with distinct eigenvalues."""
    s = 0.3 * xp.sin(x)
    return s + xp.swapaxes(s, -1, -2) + xp.constant(np.diag(2.0 * np.arange(1, x.shape[-1] + 1)))


def definite(xp: Any, x: Any) -> Any:
    """A positive definite matrix, symmetric as a function of x."""
    s = xp.sin(x)
    return xp.matmul(s, xp.swapaxes(s, -1, -2)) + xp.constant(np.eye(x.shape[-2]))


def separated(xp: Any, x: Any) -> Any:
    """A matrix with distinct singular values."""
    return 0.3 * xp.sin(x) + xp.constant(np.diag(2.0 * np.arange(1, x.shape[-1] + 1)))


def hermitian(xp: Any, x: Any) -> Any:
    """A complex Hermitian matrix with distinct eigenvalues."""
    s = 0.2 * (xp.sin(x) + 1j * xp.cos(x))
    levels = xp.constant(np.diag(2.0 * np.arange(1, x.shape[-1] + 1)))
    return s + xp.conj(xp.swapaxes(s, -1, -2)) + levels


def _function_of_eigenvalues(xp: Any, a: Any) -> Any:
    w, v = xp.linalg.eigh(a)
    return xp.matmul(v * xp.sqrt(w)[..., None, :], xp.conj(xp.swapaxes(v, -1, -2)))


def _polar(xp: Any, x: Any) -> Any:
    u, s, vh = xp.linalg.svd(separated(xp, x), full_matrices=False)
    return xp.matmul(u * xp.log(s)[..., None, :], vh)


def _eigenvector_weights(xp: Any, x: Any) -> Any:
    """Squares of the components of eigenvectors of a matrix that is not symmetric."""
    w, v = xp.linalg.eig(separated(xp, x))
    return 0.1 * xp.sum(xp.abs(w)) + 0.01 * xp.sum(xp.abs(v * w[..., None, :]) ** 4)


_complex = lambda xp, x: conditioned(xp, x) + 1j * xp.cos(x)  # noqa: E731

SQUARE: dict[str, Callable[[Any, Any], Any]] = {
    "inv": lambda xp, x: xp.linalg.inv(conditioned(xp, x)),
    "det": lambda xp, x: 0.05 * xp.linalg.det(conditioned(xp, x)),
    "det_of_rank_two": lambda xp, x: xp.linalg.det(
        xp.matmul(xp.sin(x)[..., :2], xp.swapaxes(xp.cos(x), -1, -2)[..., :2, :])
        + xp.constant(np.eye(x.shape[-1]) * 0.5)
    ),
    "slogdet": lambda xp, x: xp.linalg.slogdet(conditioned(xp, x))[1],
    "slogdet_negative": lambda xp, x: xp.linalg.slogdet(-conditioned(xp, x))[1],
    "cholesky": lambda xp, x: xp.linalg.cholesky(definite(xp, x)),
    "qr_q": lambda xp, x: xp.linalg.qr(conditioned(xp, x))[0] ** 2,
    "qr_r": lambda xp, x: xp.linalg.qr(conditioned(xp, x))[1] ** 2,
    "qr_tall": lambda xp, x: xp.linalg.qr(conditioned(xp, x)[..., :, :2])[0] ** 2,
    "qr_of_both": lambda xp, x: xp.matmul(
        xp.sin(xp.linalg.qr(conditioned(xp, x))[0] ** 2), xp.linalg.qr(conditioned(xp, x))[1] ** 2
    ),
    "svdvals": lambda xp, x: xp.linalg.svd(separated(xp, x), compute_uv=False),
    "svd": _polar,
    "svd_wide": lambda xp, x: (
        xp.linalg.svd(separated(xp, x)[..., :2, :], full_matrices=False)[2] ** 2
    ),
    "svd_squares": lambda xp, x: xp.linalg.svd(separated(xp, x), full_matrices=False)[0] ** 2,
    "eigvalsh": lambda xp, x: xp.linalg.eigvalsh(symmetric(xp, x)),
    "eigh": lambda xp, x: _function_of_eigenvalues(xp, symmetric(xp, x)),
    "eigh_squares": lambda xp, x: xp.linalg.eigh(symmetric(xp, x))[1] ** 2,
    "eigvals": lambda xp, x: (
        0.1 * xp.sum(xp.real(xp.linalg.eigvals(separated(xp, x)) ** 2), axis=-1)
    ),
    "eig": _eigenvector_weights,
    "pinv": lambda xp, x: xp.linalg.pinv(conditioned(xp, x)[..., :, :2]),
    "pinv_wide": lambda xp, x: xp.linalg.pinv(conditioned(xp, x)[..., :2, :]),
    "matrix_power": lambda xp, x: 0.02 * xp.linalg.matrix_power(conditioned(xp, x), 3),
    "matrix_power_negative": lambda xp, x: xp.linalg.matrix_power(conditioned(xp, x), -2),
    "expm": lambda xp, x: xp.slinalg.expm(xp.sin(x)),
    "cond": lambda xp, x: xp.linalg.cond(separated(xp, x)),
    "norm_nuclear": lambda xp, x: xp.linalg.norm(separated(xp, x), "nuc", axis=(-2, -1)),
    "norm_spectral": lambda xp, x: xp.linalg.norm(separated(xp, x), 2, axis=(-2, -1)),
    "norm_of_columns": lambda xp, x: xp.linalg.norm(separated(xp, x), 1, axis=(-2, -1)),
    "norm_frobenius": lambda xp, x: xp.linalg.norm(separated(xp, x), "fro", axis=(-2, -1)),
    "trace_of_stack": lambda xp, x: xp.trace(x, axis1=-2, axis2=-1),
    "complex_inv": lambda xp, x: xp.real(xp.linalg.inv(_complex(xp, x))),
    "complex_det": lambda xp, x: 0.05 * xp.imag(xp.linalg.det(_complex(xp, x))),
    "complex_slogdet": lambda xp, x: xp.linalg.slogdet(_complex(xp, x))[1],
    "complex_eigvalsh": lambda xp, x: xp.linalg.eigvalsh(hermitian(xp, x)),
    "complex_eigh": lambda xp, x: xp.imag(_function_of_eigenvalues(xp, hermitian(xp, x))),
    "complex_svdvals": lambda xp, x: xp.linalg.svd(
        separated(xp, x) + 0.3j * xp.cos(x), compute_uv=False
    ),
    "complex_qr": lambda xp, x: xp.abs(xp.linalg.qr(_complex(xp, x))[0]) ** 2,
}
for _name, _apply in SQUARE.items():
    algebra.add(_name, 1, _apply, square)

# A matrix alone, where a library takes no stacks.
MATRIX: dict[str, Callable[[Any, Any], Any]] = {
    "lu": lambda xp, x: (
        xp.sin(xp.slinalg.lu(conditioned(xp, x))[1]) + xp.slinalg.lu(conditioned(xp, x))[2]
    ),
    "lu_solve": lambda xp, x: xp.slinalg.lu_solve(
        xp.slinalg.lu_factor(conditioned(xp, x)), xp.cos(x)
    ),
    "cho_solve": lambda xp, x: xp.slinalg.cho_solve(
        (xp.linalg.cholesky(definite(xp, x)), True), xp.cos(x)
    ),
    "lstsq": lambda xp, x: xp.linalg.lstsq(conditioned(xp, x)[:, :2], xp.cos(x[:, 2]), rcond=None)[
        0
    ],
    "tensorsolve": lambda xp, x: xp.linalg.tensorsolve(conditioned(xp, x), xp.cos(x[0])),
    "block_diag": lambda xp, x: xp.slinalg.block_diag(x[:2, :2], xp.sin(x)),
    "toeplitz": lambda xp, x: xp.slinalg.toeplitz(x[0], xp.sin(x[1])),
    "inverse_of_inverse": lambda xp, x: xp.linalg.inv(
        xp.linalg.inv(conditioned(xp, x)) + xp.constant(np.eye(3))
    ),
    "sylvester_by_kron": lambda xp, x: xp.linalg.solve(
        xp.kron(conditioned(xp, x), xp.constant(np.eye(3)))
        + xp.kron(xp.constant(np.eye(3)), conditioned(xp, x)),
        xp.reshape(xp.cos(x), (9,)),
    ),
}
for _name, _apply in MATRIX.items():
    algebra.add(_name, 1, _apply, when(lambda x: x.shape == (3, 3)))


def _system(x: np.ndarray, y: np.ndarray) -> bool:
    return is_square(x) and y.ndim >= 2 and x.shape[:-1] == y.shape[:-1]


algebra.add("solve", 2, lambda xp, x, y: xp.linalg.solve(conditioned(xp, x), y), when(_system))
algebra.add(
    "solve_vector",
    2,
    lambda xp, x, y: xp.linalg.solve(conditioned(xp, x), y),
    when(lambda x, y: x.shape == (3, 3) and y.shape == (3,)),
)
algebra.add(
    "solve_definite",
    2,
    lambda xp, x, y: xp.sum(y * xp.linalg.solve(definite(xp, x), y)),
    when(lambda x, y: x.shape == (3, 3) and y.shape == (3, 3)),
)
algebra.add(
    "complex_solve",
    2,
    lambda xp, x, y: xp.imag(xp.linalg.solve(_complex(xp, x), y + 1j * xp.sin(y))),
    when(_system),
)


def _triangular(rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> Parameters | None:
    good = x.shape == (3, 3) and y.shape in ((3, 3), (3,))
    return {"lower": bool(rng.integers(2)), "trans": int(rng.integers(2))} if good else None


@algebra.step("solve_triangular", 2, _triangular)
def _solve_triangular(xp: Any, x: Any, y: Any, lower: bool, trans: int) -> Any:
    return xp.slinalg.solve_triangular(conditioned(xp, x), y, lower=lower, trans=trans)


@algebra.step("norm", 1, when(lambda x: x.ndim in (1, 2) and np.linalg.norm(x) > 0.1))
def _norm(xp: Any, x: Any) -> Any:
    return xp.linalg.norm(x)


_ORDERS = (1, 2, 3, np.inf, -np.inf)


def _order(rng: np.random.Generator, x: np.ndarray) -> Parameters | None:
    size = np.sort(np.abs(x), axis=None)
    good = x.ndim > 0 and size[0] > 0.05 and (x.size < 2 or np.diff(size).min() > 0.01)
    return {"order": _ORDERS[rng.integers(5)], "keepdims": bool(rng.integers(2))} if good else None


@algebra.step("norm_of_vectors", 1, _order)
def _norm_of_vectors(xp: Any, x: Any, order: float, keepdims: bool) -> Any:
    return xp.linalg.norm(x, order, axis=-1, keepdims=keepdims)


algebra.add("trace", 1, lambda xp, x: xp.trace(x), matrix)
algebra.add("trace_above", 1, lambda xp, x: xp.trace(x, 1), square)
