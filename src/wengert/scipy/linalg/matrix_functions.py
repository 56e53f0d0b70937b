"""Functions of matrices, norms, and equations whose unknowns are matrices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...core.bind import bind
from ...core.errors import NoRuleError, ShapeError
from ...numpy import linear_algebra as _numpys
from ...numpy import norms
from ...numpy.arguments import concrete, is_known
from ...rules.contractions import matmul
from ...rules.eigen import eig_p
from ...rules.factorizations import adjoint
from ...rules.linalg import inverse, solve_matrices
from ...rules.matrix_equations import riccati_p, stein, sylvester
from ...rules.matrix_functions import expm_frechet_p, expm_p, logm_p, sqrtm_p
from .arguments import matrices, mirrors, square

__all__ = [
    "coshm",
    "cosm",
    "expm",
    "expm_frechet",
    "fractional_matrix_power",
    "funm",
    "logm",
    "norm",
    "signm",
    "sinhm",
    "sinm",
    "solve_continuous_are",
    "solve_continuous_lyapunov",
    "solve_discrete_are",
    "solve_discrete_lyapunov",
    "solve_lyapunov",
    "solve_sylvester",
    "sqrtm",
    "tanhm",
    "tanm",
]


# ------------------------------------------------------------------ exponential, logarithm, root


@mirrors
def expm(A: Any) -> Any:
    """`scipy.linalg.expm` of matrices (..., n, n), with Frechet derivatives of every order."""
    return bind(expm_p, (square("expm", A),), {})


@mirrors
def expm_frechet(
    A: Any, E: Any, method: str | None = None, compute_expm: bool = True, check_finite: bool = True
) -> Any:
    """`scipy.linalg.expm_frechet`: ``expm(A)`` and its derivative in the direction E."""
    a, e = square("expm_frechet", A, check_finite), square("expm_frechet", E, check_finite)
    derivative = bind(expm_frechet_p, (a, e), {})
    return (bind(expm_p, (a,), {}), derivative) if compute_expm else derivative


def _principal(name: str, primitive: Any, a: Any) -> Any:
    """A real matrix with negative eigenvalues becomes complex first, where values are known."""
    a = square(name, a)
    if a.dtype.kind != "c" and is_known(a) and a.size:
        w = np.linalg.eigvals(concrete(a, name))
        if ((np.abs(w.imag) <= 1e-12 * np.abs(w)) & (w.real < 0)).any():
            a = a.astype(np.result_type(a.dtype, np.complex64))
    return bind(primitive, (a,), {})


@mirrors
def logm(A: Any, disp: Any = True) -> Any:
    """`scipy.linalg.logm` of matrices (..., n, n): the principal logarithm.

    A real matrix with negative eigenvalues has a complex one. Inside `wengert.vmap` and `jit`,
    where values are not known, it has to be given as a complex matrix.
    """
    _no_estimate("logm", disp)
    return _principal("logm", logm_p, A)


@mirrors
def sqrtm(A: Any, disp: Any = True, blocksize: Any = None) -> Any:
    """`scipy.linalg.sqrtm` of matrices (..., n, n): the principal square root; see `logm`."""
    _no_estimate("sqrtm", disp)
    return _principal("sqrtm", sqrtm_p, A)


def _no_estimate(name: str, disp: Any) -> None:
    if disp is False:
        raise NoRuleError(
            f"scipy.linalg.{name} has no derivative for disp=False, an estimate of the error; "
            "leave it out"
        )


@mirrors
def fractional_matrix_power(A: Any, t: Any) -> Any:
    """`scipy.linalg.fractional_matrix_power`: ``expm(t logm(A))``, for integers by products."""
    a = square("fractional_matrix_power", A)
    if not hasattr(t, "requires_grad") and float(t) == int(t):
        return _numpys.matrix_power(a, int(t))
    return expm(t * logm(a))


# ------------------------------------------------------------------ trigonometry


def _exponentials(name: str, a: Any) -> tuple[Any, Any]:
    """``expm(i A)`` and ``expm(-i A)``; of a real matrix the first alone says it all."""
    a = square(name, a)
    turned = a * np.result_type(a.dtype, np.complex64).type(1j)
    forward = bind(expm_p, (turned,), {})
    return forward, forward if a.dtype.kind != "c" else bind(expm_p, (-turned,), {})


@mirrors
def cosm(A: Any) -> Any:
    """`scipy.linalg.cosm` of matrices (..., n, n)."""
    forward, backward = _exponentials("cosm", A)
    return np.real(forward) if forward is backward else 0.5 * (forward + backward)


@mirrors
def sinm(A: Any) -> Any:
    """`scipy.linalg.sinm` of matrices (..., n, n)."""
    forward, backward = _exponentials("sinm", A)
    return np.imag(forward) if forward is backward else -0.5j * (forward - backward)


@mirrors
def tanm(A: Any) -> Any:
    """`scipy.linalg.tanm` of matrices (..., n, n)."""
    return solve_matrices(cosm(A), sinm(A))


@mirrors
def coshm(A: Any) -> Any:
    """`scipy.linalg.coshm` of matrices (..., n, n)."""
    return 0.5 * (expm(A) + expm(-square("coshm", A)))


@mirrors
def sinhm(A: Any) -> Any:
    """`scipy.linalg.sinhm` of matrices (..., n, n)."""
    return 0.5 * (expm(A) - expm(-square("sinhm", A)))


@mirrors
def tanhm(A: Any) -> Any:
    """`scipy.linalg.tanhm` of matrices (..., n, n)."""
    return solve_matrices(coshm(A), sinhm(A))


@mirrors
def signm(A: Any, disp: Any = True) -> Any:
    """`scipy.linalg.signm` of matrices (..., n, n): ``A (A^2)^(-1/2)``.

    That of a matrix of zeros is 0 and so is its derivative, as of `numpy.sign`.
    """
    _no_estimate("signm", disp)
    a = square("signm", A)
    zero = np.all(a == 0, axis=(-2, -1), keepdims=True)
    if is_known(zero) and not concrete(zero, "signm").any():
        return matmul(a, inverse(sqrtm(matmul(a, a))))
    a = np.where(zero, np.eye(a.shape[-1], dtype=a.dtype), a)
    y = matmul(a, inverse(sqrtm(matmul(a, a))))
    return np.where(zero, y.dtype.type(0), y)


@mirrors
def funm(A: Any, func: Callable[[Any], Any], disp: bool = True) -> Any:
    """`scipy.linalg.funm` of diagonalizable matrices (..., n, n), by their eigenvalues.

    Parameters
    ----------
    A : array_like (..., n, n)
    func : callable
        Analytic; of an array of complex eigenvalues, made of functions of NumPy's.
    disp : bool
        False has no derivative.

    Returns
    -------
    Tensor
        Of a real matrix real if it is up to rounding; inside `wengert.vmap` and `jit` complex.

    Notes
    -----
    For an exponential, a logarithm or a root use `expm`, `logm` and `sqrtm`, which take every
    matrix.
    """
    _no_estimate("funm", disp)
    a = square("funm", A)
    w, v = bind(eig_p, (a,), {})
    values = func(w)
    y = np.swapaxes(v * values[..., None, :], -1, -2)
    y = np.swapaxes(solve_matrices(np.swapaxes(v, -1, -2), y), -1, -2)
    if a.dtype.kind == "c" or not is_known(y):
        return y
    found = concrete(y, "funm")
    eps = 1e3 * float(np.finfo(found.dtype).eps)
    real = np.abs(found.imag).max(initial=0) <= eps * np.abs(found).max(initial=0)
    return np.real(y) if real else y


@mirrors
def norm(
    a: Any, ord: Any = None, axis: Any = None, keepdims: bool = False, check_finite: bool = True
) -> Any:
    """`scipy.linalg.norm`, of all orders; 0 has the derivative 0. See `numpy.linalg.norm`."""
    return norms.norm(a, ord, axis, keepdims)


# ------------------------------------------------------------------ equations


@mirrors
def solve_sylvester(a: Any, b: Any, q: Any) -> Any:
    """`scipy.linalg.solve_sylvester`: ``a x + x b = q``, matrices (..., m, m), (..., n, n)."""
    a, b = square("solve_sylvester", a), square("solve_sylvester", b)
    return sylvester(a, b, matrices("solve_sylvester", q))


@mirrors
def solve_continuous_lyapunov(a: Any, q: Any) -> Any:
    """`scipy.linalg.solve_continuous_lyapunov`: ``a x + x a^H = q``."""
    a = square("solve_continuous_lyapunov", a)
    return sylvester(a, adjoint(a), matrices("solve_continuous_lyapunov", q))


@mirrors
def solve_lyapunov(a: Any, q: Any) -> Any:
    """`scipy.linalg.solve_lyapunov`, another name of `solve_continuous_lyapunov`."""
    return solve_continuous_lyapunov(a, q)


@mirrors
def solve_discrete_lyapunov(a: Any, q: Any, method: str | None = None) -> Any:
    """`scipy.linalg.solve_discrete_lyapunov`: ``a x a^H - x + q = 0``."""
    a = square("solve_discrete_lyapunov", a)
    return stein(a, matrices("solve_discrete_lyapunov", q))


def _riccati(name: str, matrices_: Any, e: Any, s: Any, discrete: bool) -> Any:
    if e is not None or s is not None:
        raise NoRuleError(
            f"scipy.linalg.{name} has no derivative with e or s; transform the equation so that it "
            "has neither"
        )
    a, b, q, r = (matrices(name, x) for x in matrices_)
    if b.ndim < 2:
        raise ShapeError(f"{name}: b must be a matrix, got shape {b.shape}")
    return bind(riccati_p, (a, b, q, r), {"discrete": discrete})


@mirrors
def solve_continuous_are(
    a: Any, b: Any, q: Any, r: Any, e: Any = None, s: Any = None, balanced: bool = True
) -> Any:
    """`scipy.linalg.solve_continuous_are`, for Hermitian ``q`` and ``r``, without ``e`` and ``s``.

    Differentiated implicitly; derivatives by ``q`` and ``r`` are along Hermitian directions.
    """
    return _riccati("solve_continuous_are", (a, b, q, r), e, s, False)


@mirrors
def solve_discrete_are(
    a: Any, b: Any, q: Any, r: Any, e: Any = None, s: Any = None, balanced: bool = True
) -> Any:
    """`scipy.linalg.solve_discrete_are`; see `solve_continuous_are`."""
    return _riccati("solve_discrete_are", (a, b, q, r), e, s, True)
