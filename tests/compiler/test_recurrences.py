"""Recursive filters, sparse products and functions of integers in native code."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.signal
import scipy.sparse

import wengert as wg
from wengert.scipy import signal

pytest.importorskip("llvmlite")


def _native(f: Any, *args: Any) -> Any:
    """The result of the compiled function, in which NumPy has no part."""
    jitted = wg.jit(f)
    assert jitted.lower(*args).cost()["calls"] == {}
    found = jitted(*args)
    np.testing.assert_array_equal(jitted(*args), found)
    return found


def _coefficients(order: int, dtype: Any) -> tuple[Any, Any]:
    rng = np.random.default_rng(order)
    a = rng.normal(size=order + 1) * 0.5 ** np.arange(order + 1) * 0.5
    b = rng.normal(size=3)
    a[0] = 2
    if np.dtype(dtype).kind == "c":
        return (b * (1 - 2j)).astype(dtype), (a * (1 + 0.5j)).astype(dtype)
    return b.astype(dtype), a.astype(dtype)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.complex128])
@pytest.mark.parametrize("order", [0, 1, 2, 16, 17, 40])  # written out, and as a loop
@pytest.mark.parametrize("shape", [(1,), (50,), (3, 20), (2, 1, 7)])
def test_filters(shape: tuple[int, ...], order: int, dtype: Any) -> None:
    b, a = _coefficients(order, dtype)
    x = np.random.default_rng(0).normal(size=shape).astype(dtype)
    found = _native(lambda b, a, x: signal.lfilter(b, a, x), b, a, x)
    expected = scipy.signal.lfilter(b, a, x)
    assert found.dtype == expected.dtype
    scale = np.abs(expected).max()
    np.testing.assert_allclose(found, expected, atol=64 * np.finfo(dtype).eps * scale)


def test_filters_of_a_batch() -> None:
    rng = np.random.default_rng(0)
    b, a = (
        rng.normal(size=(4, 2)),
        np.concatenate([np.ones((4, 1)), rng.normal(size=(4, 2)) / 4], 1),
    )
    x = rng.normal(size=(4, 15))
    found = _native(wg.vmap(signal.lfilter), b, a, x)
    expected = [scipy.signal.lfilter(*v) for v in zip(b, a, x, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)


def test_running_products_of_complex_numbers() -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(size=(6, 30)) + 1j * rng.normal(size=(6, 30))
    for axis in (0, 1):
        found = _native(lambda z, axis=axis: np.cumprod(z, axis), z)
        np.testing.assert_allclose(found, np.cumprod(z, axis), rtol=1e-13)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.complex128])
@pytest.mark.parametrize("columns", [(), (5,)])
def test_sparse_products(columns: tuple[int, ...], dtype: Any) -> None:
    rng = np.random.default_rng(0)
    matrix = scipy.sparse.random_array((40, 30), density=0.1, rng=rng, format="csr")
    matrix = matrix.astype(dtype)
    x = rng.normal(size=(30, *columns)).astype(dtype)
    y = rng.normal(size=(40, *columns)).astype(dtype)

    def f(data: Any, x: Any, y: Any) -> Any:
        a = wg.scipy.sparse.csr_array((data, matrix.indices, matrix.indptr), matrix.shape)
        return a @ x, a.T @ y

    jitted = wg.jit(f)
    for found, expected in zip(jitted(matrix.data, x, y), (matrix @ x, matrix.T @ y), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
        assert found.dtype == expected.dtype
    assert jitted.lower(matrix.data, x, y).cost()["calls"] == {}

    def total(data: Any, x: Any) -> Any:
        return np.sum(abs(f(data, x, y)[0]) ** 2)

    found, expected = (g(matrix.data, x) for g in (wg.jit(wg.grad(total)), wg.grad(total)))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.int8, np.uint8, np.uint64])
@pytest.mark.parametrize("f", [np.gcd, np.lcm, np.power])
def test_functions_of_integers(f: Any, dtype: Any) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 100, 37).astype(dtype), rng.integers(0, 20, 37).astype(dtype)
    if np.dtype(dtype).kind == "i":
        x[::2] *= -1
        x[0] = np.iinfo(dtype).min
    x[1], y[2], x[3], y[3] = 0, 0, 0, 0
    found, expected = _native(f, x, y), f(x, y)
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == expected.dtype


@pytest.mark.parametrize("exponent", [0, 3, 64, 65, 1000])
def test_constant_powers_of_integers(exponent: int) -> None:
    x = np.arange(-5, 6)
    np.testing.assert_array_equal(_native(lambda x: x**exponent, x), x**exponent)


def test_negative_powers_of_integers() -> None:
    jitted = wg.jit(np.power)
    x = np.array([2, 3])
    for exponents in ([1, 2], [1, 2], [1, -2], [0, 1], [-1, -1]):
        y = np.array(exponents)
        if min(exponents) < 0:
            with pytest.raises(ValueError, match="Integers to negative integer powers"):
                jitted(x, y)
        else:
            np.testing.assert_array_equal(jitted(x, y), x**y)
    with pytest.raises(ValueError, match="Integers to negative integer powers"):
        wg.jit(lambda x: x**-2)(x)
