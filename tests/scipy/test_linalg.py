"""`wengert.scipy.linalg`: bad input, empty matrices, what depends on values, plain results."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.linalg

import wengert as wg
from wengert.scipy import linalg

A = np.arange(9.0).reshape(3, 3) + 5 * np.eye(3)
X = wg.Tensor(A, True)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: linalg.expm(X[:2]), r"expm: expected square matrices .* got shape \(2, 3\)"),
        (lambda: linalg.solve(X, np.ones(2)), r"shape \(2,\) does not fit 3 equations"),
        (lambda: linalg.solve(X, np.ones(3), assume_a="x"), "assume_a must be one of"),
        (lambda: linalg.solve_triangular(X, np.ones(3), trans="Q"), "trans must be 0, 1, 2"),
        (lambda: linalg.cholesky(X * np.nan), "must not contain infs or NaNs; pass check_finite"),
        (lambda: linalg.eigh(X, subset_by_index=[2, 5]), r"is no range within 0\.\.2"),
        (lambda: linalg.eigh(X, type=4), "type must be 1, 2 or 3, not 4"),
        (lambda: linalg.solve_sylvester(X, X, np.ones((2, 2))), "do not fit a right-hand side"),
        (lambda: linalg.solve_banded((1, 1), X[:2], np.ones(3)), r"l_and_u = \(1, 1\)"),
        (lambda: linalg.qr(X, mode="reduced"), "mode must be 'full', 'r', 'economic' or 'raw'"),
        (lambda: linalg.qr(X, mode="raw"), "no derivative for mode='raw'.*use 'economic'"),
        (lambda: linalg.polar(X, "up"), "side must be 'right' or 'left'"),
        (lambda: linalg.pinv(X, rtol=-1), "must not be negative"),
        (lambda: linalg.khatri_rao(X, X[:, :2]), "number of columns must be equal"),
        (lambda: linalg.leslie(X[0], X[0]), "expected 2 survival rates for 3 ages"),
        (lambda: linalg.convolution_matrix(X[0], 2, "x"), "mode must be 'full', 'same' or 'valid'"),
        (lambda: linalg.sqrtm(X, disp=False), "no derivative for disp=False"),
        (lambda: linalg.eig(X, homogeneous_eigvals=True), "homogeneous_eigvals=True"),
        (lambda: linalg.solve_circulant(X[0], X[1], singular="lstsq"), "use scipy.linalg.lstsq"),
        (lambda: linalg.solve_continuous_are(X, X, X, X, e=A), "no derivative with e or s"),
        (lambda: linalg.eigh_tridiagonal(X[0], X[0]), r"one beside it \(n - 1,\)"),
        (lambda: linalg.fiedler_companion(X[0]), "use companion"),
    ],
)
def test_bad_input(call: Any, message: str) -> None:
    with pytest.raises(wg.WengertError, match=message):
        call()


def test_singular_matrices_raise() -> None:
    singular = X * 0
    for call in (
        lambda: linalg.solve(singular, np.ones(3)),
        lambda: linalg.inv(singular),
        lambda: linalg.cholesky(singular),
        lambda: linalg.solve(singular, np.ones(3), assume_a="pos"),
        lambda: linalg.solve_triangular(singular, np.ones(3)),
        lambda: linalg.solve_circulant(singular[0], np.ones(3)),
    ):
        with pytest.raises(scipy.linalg.LinAlgError):
            call()


@pytest.mark.parametrize("shape", [(0, 0), (0, 3, 3)])
@pytest.mark.parametrize(
    "function",
    [
        *(linalg.expm, linalg.logm, linalg.sqrtm, linalg.cosm, linalg.inv, linalg.eigvals),
        *(linalg.svdvals, linalg.eigvalsh, linalg.det),
        lambda a: linalg.lu_factor(a)[0],
        lambda a: linalg.qr(a)[0],
        lambda a: linalg.solve_sylvester(a, a, a),
        lambda a: linalg.solve_discrete_lyapunov(a, a),
    ],
)
def test_empty(function: Any, shape: Any) -> None:
    a = np.zeros(shape)
    gradient = wg.grad(lambda a: np.sum(np.real(function(a))))(a)
    assert gradient.shape == shape


def test_real_matrices_with_complex_functions() -> None:
    """-1 has the logarithm i pi; recorded on shapes alone it has to be given as complex."""
    a = np.diag([-1.0, 2.0])
    for name in ("logm", "sqrtm"):
        found = getattr(linalg, name)(wg.Tensor(a, True)).detach().array
        np.testing.assert_allclose(found, getattr(scipy.linalg, name)(a), atol=1e-12)
        with pytest.raises(wg.WengertValueError, match=r"pass it as a complex one: a\.astype"):
            wg.vmap(getattr(linalg, name))(np.stack([a, a]))
        found = wg.vmap(getattr(linalg, name))(np.stack([a, a]).astype(complex))[1]
        np.testing.assert_allclose(found, getattr(scipy.linalg, name)(a), atol=1e-12)


def test_what_is_plain() -> None:
    """Ranks, pivots and orders of columns are ordinary arrays where values are known."""
    assert not isinstance(linalg.lu_factor(X)[1], wg.Tensor)
    assert not isinstance(linalg.qr(X, pivoting=True)[2], wg.Tensor)
    assert not isinstance(linalg.lu(X)[0], wg.Tensor)
    rank = linalg.pinv(X, return_rank=True)[1]
    assert (type(rank) is not wg.Tensor, int(rank)) == (True, 3)
    assert linalg.lstsq(X, np.ones(3))[2] == 3
    w = linalg.eigh(X + X.T, subset_by_value=(0, 15), eigvals_only=True)
    np.testing.assert_allclose(
        w.detach().array, scipy.linalg.eigvalsh(A + A.T, subset_by_value=(0, 15))
    )


def test_plain_arrays_go_to_scipy() -> None:
    """Also with options that have no derivative."""
    for found, expected in (
        (linalg.qr(A, mode="raw"), scipy.linalg.qr(A, mode="raw")),
        (linalg.null_space(A[:2]), scipy.linalg.null_space(A[:2])),
        (linalg.eig(A, homogeneous_eigvals=True), scipy.linalg.eig(A, homogeneous_eigvals=True)),
    ):
        for x, y in zip(wg.tree.leaves(found), wg.tree.leaves(expected), strict=True):
            np.testing.assert_array_equal(x, y)


def test_third_derivative_of_expm() -> None:
    """Of exp(x A) for a defective A, all orders being known."""
    a = np.array([[1.0, 1.0], [0.0, 1.0]])
    f = wg.derivative(wg.derivative(wg.derivative(lambda x: linalg.expm(x * a))))
    expected = a @ a @ a @ scipy.linalg.expm(0.7 * a)
    np.testing.assert_allclose(f(0.7), expected, rtol=1e-10)
    g = wg.grad(wg.grad(wg.grad(lambda x: linalg.expm(x * a)[0, 1])))
    np.testing.assert_allclose(g(0.7), expected[0, 1], rtol=1e-10)


def test_sign_of_a_matrix_of_zeros() -> None:
    """0, as SciPy's, with derivative 0; the other matrices of a stack have their own."""
    a = np.array([[3.0, 1.0], [2.0, -1.0]])
    stack = np.stack([np.zeros((2, 2)), a])
    weight = np.array([[1.0, 2.0], [3.0, 4.0]])

    def weighted(a: Any) -> Any:
        return np.sum(weight * linalg.signm(a))

    assert not linalg.signm(wg.Tensor(np.zeros((2, 2)))).numpy().any()
    expected = wg.grad(weighted)(a)
    assert np.abs(expected).max() > 0.1
    for gradient in (wg.grad(weighted), wg.jit(wg.grad(weighted)), wg.vmap(wg.grad(weighted))):
        found = gradient(stack)
        assert not found[0].any()
        np.testing.assert_allclose(found[1], expected, atol=1e-12)
    _, tangent = wg.jvp(linalg.signm, (stack,), (np.ones((2, 2, 2)),))
    assert not tangent[0].any()
