"""Sweeps that take fewer passes than the rules of the records: what could go wrong with each."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg


def test_product_with_its_transpose_is_swept_by_one_product() -> None:
    x = np.random.default_rng(0).normal(size=(4, 3))
    w = np.random.default_rng(1).normal(size=(4, 4))
    found = wg.grad(lambda x: np.sum(w * (x @ x.T)))(x)
    np.testing.assert_allclose(found, (w + w.T) @ x, rtol=1e-13)


def test_transpose_that_is_held_keeps_its_own_gradient() -> None:
    x = wg.Tensor(np.arange(6.0).reshape(2, 3), requires_grad=True)
    w = np.array([[1.0, 2.0], [3.0, 5.0]])
    y = x.T
    np.sum(w * (x @ y)).backward()
    np.testing.assert_allclose(y.grad, x.numpy().T @ w)
    np.testing.assert_allclose(x.grad, (w + w.T) @ x.numpy())


@pytest.mark.parametrize("axis", [0, 1, None, (0, 1)])
@pytest.mark.parametrize("shape", [(5, 5), (1, 5), (5, 1)])
def test_sole_winners_in_square_arrays(axis: object, shape: tuple[int, int]) -> None:
    x = np.random.default_rng(2).permutation(shape[0] * shape[1]).reshape(shape) + 0.0
    w = np.random.default_rng(3).normal(size=np.shape(np.max(x, axis)))
    winners = x == np.max(x, axis, keepdims=True)
    expected = winners * np.reshape(w, np.max(x, axis, keepdims=True).shape)
    np.testing.assert_array_equal(wg.grad(lambda x: np.sum(w * np.max(x, axis)))(x), expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_where_of_many_elements_does_not_multiply(dtype: type) -> None:
    x = np.linspace(-1, 1, 5000).astype(dtype)
    with np.errstate(all="ignore"):
        found = wg.grad(lambda x: np.sum(np.where(x > 0, np.sqrt(x), 3 * x)))(x)
        expected = np.where(x > 0, 0.5 / np.sqrt(x), 3).astype(dtype)
    assert found.dtype == dtype
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_square_of_many_elements_under_one_cotangent() -> None:
    x = np.random.default_rng(4).normal(size=(90, 90)).astype(np.float32)
    for f in (lambda x: np.sum(x * x), lambda x: np.sum(x**2), lambda x: np.sum(np.square(x))):
        found = wg.grad(f)(x)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, 2 * x)


def test_view_follows_writes_between_operations() -> None:
    def f(x: object) -> object:
        y = x * 1.0  # type: ignore[operator]
        v = y[1:]
        a = np.sum(v * v)
        y[2] = 5.0 * x[0]  # type: ignore[index]
        return a + np.sum(v * v) + np.sum(np.sin(v))

    x = np.array([0.3, 0.5, 0.7, 0.9])
    assert np.max(np.abs(wg.grad(f)(x) - _differences(f, x))) < 1e-6


def _differences(f: object, x: np.ndarray) -> np.ndarray:
    steps = 1e-6 * np.eye(x.size)
    return np.array([(f(x + d) - f(x - d)) / 2e-6 for d in steps])  # type: ignore[operator]


@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("n", [1, 47, 48, 49, 130])
def test_cholesky_sweep_in_blocks(n: int, upper: bool) -> None:
    rng = np.random.default_rng(5)
    a = rng.normal(size=(n, n))
    a = a @ a.T + n * np.eye(n)
    w, d = rng.normal(size=(n, n)), rng.normal(size=(n, n))
    d = d + d.T

    def f(a: np.ndarray) -> object:
        return np.sum(w * np.linalg.cholesky(a, upper=upper))

    _, slope = wg.jvp(f, (a,), (d,))
    np.testing.assert_allclose(np.sum(wg.grad(f)(a) * d), slope, rtol=1e-10)
