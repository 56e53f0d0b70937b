"""Complex numbers in native code: nothing is called, and results are NumPy's."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import wengert as wg

pytest.importorskip("llvmlite")

DTYPES = [np.complex128, np.complex64]
SPECIAL = [
    0.0, -0.0, 1.0, -1.0, 0.5, -2.0, 3.0, 1e-310, 1e-160, 1e160, -1e160, 1e308, 709.9, -745.0,
    np.inf, -np.inf, np.nan, 1 + 1e-9,
]  # fmt: skip


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def _drawn(*shape: int, dtype: Any = np.complex128, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    return (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(dtype)


def _native(f: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """The result of the compiled function, in which NumPy has no part."""
    jitted = wg.jit(f, **options)
    assert jitted.lower(*args).cost()["calls"] == {}
    found = jitted(*args)
    for a, b in zip(np.atleast_1d(found), np.atleast_1d(jitted(*args)), strict=True):
        np.testing.assert_array_equal(a, b)  # by the native entry
    return found


def _assert_close(found: Any, expected: Any, units: float = 16.0) -> None:
    assert found.dtype == expected.dtype
    assert np.shape(found) == np.shape(expected)
    eps = np.finfo(expected.dtype).eps
    scale = float(np.max(np.abs(expected), initial=0))
    np.testing.assert_allclose(found, expected, rtol=units * eps, atol=units * eps * scale)


# ------------------------------------------------------------------ element by element

_FUNCTIONS = [
    "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sqrt", "sin", "cos", "tan", "sinh",
    "cosh", "tanh", "arcsin", "arccos", "arctan", "arcsinh", "arccosh", "arctanh", "square",
    "reciprocal", "sign", "abs", "angle", "conj", "real", "imag", "negative", "isnan", "isinf",
    "isfinite",
]  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", _FUNCTIONS)
def test_functions(name: str, dtype: Any) -> None:
    f = getattr(np, name)
    for n in (1, 7, 50):
        z = _drawn(n, dtype=dtype)
        found, expected = _native(f, z), f(z)
        assert found.dtype == expected.dtype
        if expected.dtype.kind == "b":
            np.testing.assert_array_equal(found, expected)
        else:
            np.testing.assert_allclose(found, expected, rtol=32 * np.finfo(dtype).eps)


def _assert_part(found: Any, expected: Any, size: Any, tolerance: float) -> None:
    same = (np.isnan(found) & np.isnan(expected)) | (found == expected)
    size = np.where(np.isfinite(size), size, np.abs(expected))
    size = np.where(np.isfinite(size), size, 0)
    close = np.abs(found - expected) <= tolerance * size + 5e-324
    assert np.all(same | close), (found[~(same | close)], expected[~(same | close)])


def _size(z: Any) -> Any:
    return np.fmax(np.abs(z.real), np.abs(z.imag))


# C99 leaves the sign of an infinite part open where the other part is NaN.
_OPEN_SIGNS = {"sin", "cos", "sinh", "cosh"}


@pytest.mark.parametrize("name", _FUNCTIONS)
def test_special_values(name: str) -> None:
    z = np.array([complex(a, b) for a in SPECIAL for b in SPECIAL])
    f = getattr(np, name)
    found, expected = _native(f, z), f(z)
    if expected.dtype.kind != "c":
        _assert_part(found.astype(float), expected.astype(float), np.abs(expected), 1e-15)
        return
    parts = [(found.real, expected.real), (found.imag, expected.imag)]
    for a, b in parts:
        if name in _OPEN_SIGNS:
            is_open = np.isinf(b) & (np.isnan(expected.real) | np.isnan(expected.imag))
            a, b = (np.where(is_open, np.abs(x), x) for x in (a, b))
        _assert_part(a, b, _size(expected), 1e-14)


@pytest.mark.parametrize("name", ["sqrt", "log", "arcsin", "arccos", "arctan", "arcsinh",
                                  "arccosh", "arctanh"])  # fmt: skip
def test_branch_cuts(name: str) -> None:
    ends = [0.25, 1.0, 1.5, 30.0]
    on = [complex(s * a, z) for a in ends for s in (1, -1) for z in (0.0, -0.0)]
    on += [complex(z.imag, z.real) for z in on]
    z = np.array(on)
    f = getattr(np, name)
    found, expected = _native(f, z), f(z)
    for a, b in ((found.real, expected.real), (found.imag, expected.imag)):
        np.testing.assert_allclose(a, b, rtol=1e-14, atol=1e-15)
        np.testing.assert_array_equal(np.signbit(a), np.signbit(b))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("f", [np.add, np.subtract, np.multiply, np.divide, np.power])
def test_arithmetic(f: Any, dtype: Any) -> None:
    z, w = _drawn(9, 5, dtype=dtype), _drawn(5, dtype=dtype, seed=1)
    np.testing.assert_allclose(_native(f, z, w), f(z, w), rtol=64 * np.finfo(dtype).eps)
    x = np.abs(w)
    np.testing.assert_allclose(_native(f, z, x), f(z, x), rtol=64 * np.finfo(dtype).eps)


@pytest.mark.parametrize("f", [np.multiply, np.divide])
def test_arithmetic_of_special_values(f: Any) -> None:
    values = [complex(a, b) for a in SPECIAL[::2] for b in SPECIAL[::3]]
    z = np.repeat(np.array(values), len(values))
    w = np.tile(np.array(values), len(values))
    found, expected = _native(f, z, w), f(z, w)
    # Where products overflow, whether they are rounded before they are added decides.
    sizes = np.maximum(np.abs(z), np.abs(w))
    modest = (sizes < 1e150) | ~np.isfinite(sizes)
    for a, b in ((found.real, expected.real), (found.imag, expected.imag)):
        _assert_part(a[modest], b[modest], _size(expected)[modest], 1e-14)


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, 7, -1, -2, 0.5, -1.5, 2.0, 1j, 2 - 1j])
def test_constant_powers(exponent: Any) -> None:
    z = _drawn(11)
    np.testing.assert_allclose(_native(lambda z: z**exponent, z), z**exponent, rtol=1e-14)


def test_powers_of_zero() -> None:
    z, w = np.zeros(4, complex), np.array([0, 1, 2, 0.5 + 0j])
    np.testing.assert_array_equal(_native(np.power, z, w), [1, 0, 0, 0])
    assert np.isnan(_native(np.power, z, -w)[1:]).all()


@pytest.mark.parametrize("f", [np.less, np.less_equal, np.greater, np.greater_equal, np.equal,
                               np.not_equal, np.maximum, np.minimum, np.fmax, np.fmin])  # fmt: skip
def test_order(f: Any) -> None:
    values = [complex(a, b) for a in (0.0, 1.0, -1.0, np.nan, np.inf) for b in (0, 2.0, np.nan)]
    z = np.repeat(np.array(values), len(values))
    w = np.tile(np.array(values), len(values))
    np.testing.assert_array_equal(_native(f, z, w), f(z, w))


# ------------------------------------------------------------------ over axes


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["sum", "prod", "mean", "cumsum", "cumprod", "max", "min",
                                  "argmax", "argmin", "all", "any", "count_nonzero"])  # fmt: skip
def test_over_axes(name: str, dtype: Any) -> None:
    f = getattr(np, name)
    z = _drawn(3, 13, 4, dtype=dtype)
    z[1, 5] = 0
    for axis in (0, 1, 2):
        found, expected = _native(lambda z, axis=axis: f(z, axis=axis), z), f(z, axis=axis)
        if expected.dtype.kind == "c":
            _assert_close(found, expected, 64)
        else:
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", ["max", "min", "argmax", "argmin"])
def test_extrema_of_ties_and_nan(name: str) -> None:
    f = getattr(np, name)
    z = np.array([[1 + 2j, 1 + 3j, 1 - 1j, 0], [2j, np.nan, 5, complex(1, np.nan)]])
    np.testing.assert_array_equal(_native(lambda z: f(z, axis=1), z), f(z, axis=1))


def test_large_sums_on_threads() -> None:
    z = _drawn(300_001)

    def f(z: Any) -> Any:
        return np.vdot(z, 1j * z), z.sum(), np.exp(z).sum()

    jitted = wg.jit(f, threads=2)
    for a, b in zip(jitted(z), f(z), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-11)
    assert jitted.lower(z).cost()["calls"] == {}


# ------------------------------------------------------------------ products


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("m", "k", "n"), [(5, 7, 6), (4, 4, 4), (33, 20, 17), (1, 9, 8), (3, 2, 3),
                                           (130, 140, 150)])  # fmt: skip
def test_products_of_matrices(m: int, k: int, n: int, dtype: Any) -> None:
    a, b = _drawn(m, k, dtype=dtype), _drawn(k, n, dtype=dtype, seed=1)
    for f in (
        lambda a, b: a @ b,
        lambda a, b: a.real @ b,
        lambda a, b: a @ b.imag,
        lambda a, b: (b.conj().T @ a.T) * 2j + 1,
        lambda a, b: a[0] @ b,
        lambda a, b: a @ b[:, 1],
        lambda a, b: np.einsum("ij,jk,i->k", a, b, a[:, 0]),
        lambda a, b: np.exp(a * 0.1) @ (b + 1j),
    ):
        _assert_close(_native(f, a, b), f(a, b), 64)


def test_stacks_of_products() -> None:
    a, b = _drawn(3, 6, 5), _drawn(5, 8, seed=1)
    _assert_close(_native(np.matmul, a, b), a @ b)
    _assert_close(_native(np.matmul, a, _drawn(3, 5, 4)), a @ _drawn(3, 5, 4))


# ------------------------------------------------------------------ memory


def test_results_that_are_arguments() -> None:
    z = _drawn(4)

    def f(z: Any) -> Any:
        return z, z.reshape(2, 2), z, z.real, z.T

    found = wg.jit(f)(z)
    for x, y in zip(found, f(z), strict=True):
        np.testing.assert_array_equal(x, y)
        assert not np.shares_memory(x, z)


@pytest.mark.parametrize("n", [3, 64, 1001])
def test_donated(n: int) -> None:
    z, w = _drawn(n), _drawn(n, seed=1)
    jitted = wg.jit(lambda z, w: z * w - z.conj(), donate_argnums=0)
    for _ in range(3):
        mine = z.copy()
        found = jitted(mine, w)
        assert found is mine
        _assert_close(found, z * w - z.conj())
    assert jitted.lower(z, w).cost()["in_place"] == 1


def test_donated_is_not_overwritten_too_early() -> None:
    z = _drawn(64)
    jitted = wg.jit(lambda z: z[::-1] * 2j, donate_argnums=0)
    for _ in range(3):
        _assert_close(jitted(z.copy()), z[::-1] * 2j)


def test_written_parts() -> None:
    def f(z: Any) -> Any:
        z = z * 1
        z.real[1] = 5
        z[2:].imag[...] = z[2:].real
        z[0] = 3j
        return z

    z = _drawn(6)
    np.testing.assert_array_equal(_native(f, z), f(z))


def test_numpy_takes_part() -> None:
    def f(z: Any) -> Any:
        y = np.fft.fft(z * 2j)
        return np.linalg.solve(np.outer(y, y) + 5 * np.eye(4), y.reshape(4, 1)).imag, y.conj()

    z = _drawn(4)
    for x, y in zip(wg.jit(f)(z), f(z), strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-12)


@pytest.mark.parametrize("c", [2j, 1.5, np.complex64(1j), np.complex128(1 - 1j)])
def test_scalars(c: Any) -> None:
    z = _drawn(5, dtype=np.complex64)
    jitted = wg.jit(lambda z, c: (z * c, c * c))
    for _ in range(3):
        found, expected = jitted(z, c), (z * c, c * c)
        for x, y in zip(found, expected, strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-6)
        assert found[0].dtype == expected[0].dtype


def test_gradient_of_a_spectrum() -> None:
    def f(z: Any) -> Any:
        return np.sum(np.abs(np.exp(1j * z) / (z + 2)) ** 2)

    z = _drawn(20)
    found = _native(wg.grad(f), z)
    _assert_close(found, wg.grad(f)(z), 64)
