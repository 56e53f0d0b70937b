"""Sines and cosines: of one angle, near multiples of pi / 2, of huge angles among others."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import wengert as wg

from .test_interleaving import texts
from .test_vector_math import LIMIT, points, worst

mpmath = pytest.importorskip("mpmath")

DTYPES = [np.float64, np.float32]
HUGE = {np.float64: 1e5, np.float32: 4096.0}  # from here on the C library computes
FUNCTIONS = {
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "both": lambda x: np.sin(x) + 3 * np.cos(x),
    "of a sine": lambda x: np.cos(np.sin(x) * 3) * np.tanh(x),
    "of two": lambda x: np.sin(x) + 3 * np.cos(x / 2),
    "power": lambda x: np.power(x, np.abs(x) / 8),
}


def both(x: Any) -> Any:
    return np.sin(x), np.cos(x)


def near_zeros(dtype: Any) -> np.ndarray:
    """The numbers next to multiples of pi / 2, where most digits of the angle cancel."""
    rng = np.random.default_rng(0)
    n = rng.integers(-int(HUGE[dtype] * 2 / np.pi), int(HUGE[dtype] * 2 / np.pi), 300)
    with mpmath.workprec(200):
        x = np.array([float(int(k) * mpmath.pi / 2) for k in [*n, *range(-20, 21)]], dtype)
    return np.concatenate([x, np.nextafter(x, dtype(9e5)), np.nextafter(x, -dtype(9e5))])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
def test_accuracy_near_zeros(name: str, dtype: Any) -> None:
    x = near_zeros(dtype)
    error, where = worst(wg.jit(FUNCTIONS[name])(x), x, getattr(mpmath, name))
    assert error <= LIMIT, f"{error} units at {where!r}"


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("k", [0, 1])
def test_accuracy_of_both(k: int, dtype: Any) -> None:
    x = np.concatenate([near_zeros(dtype), points("sin", dtype)])
    error, where = worst(wg.jit(both)(x)[k], x, (mpmath.sin, mpmath.cos)[k])
    assert error <= LIMIT, f"{error} units at {where!r}"


@pytest.mark.parametrize("dtype", DTYPES)
def test_special_values_of_both(dtype: Any) -> None:
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan], dtype)
    with np.errstate(invalid="ignore"):
        expected = both(x)
    for found, wanted in zip(wg.jit(both)(x), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)
        np.testing.assert_array_equal(np.signbit(found[:2]), np.signbit(wanted[:2]))


@pytest.mark.parametrize("dtype", DTYPES)
def test_nothing_is_beyond_one(dtype: Any) -> None:
    small = np.linspace(-1e-3, 1e-3, 20001)
    x = (small[:, None] + np.arange(-8, 9) * (np.pi / 2)).astype(dtype)
    pairs = wg.jit(both)(x)
    for y in (*pairs, wg.jit(np.sin)(x), wg.jit(np.cos)(x)):
        assert np.max(np.abs(y)) == 1


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 7, 16, 33, 500])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_huge_angles_leave_others_as_they_are(name: str, n: int, dtype: Any) -> None:
    f, rng = FUNCTIONS[name], np.random.default_rng(n)
    x = (rng.normal(size=n) * 10).astype(dtype)
    if name == "power":
        x = np.abs(x) + dtype(0.1)
    compiled = wg.jit(f)
    usual = compiled(x).copy()
    for share in (0.02, 0.5):
        is_huge = rng.uniform(size=n) < share
        is_huge[-1] = True
        large = np.inf if name == "power" else HUGE[dtype] * 10
        mixed = np.where(is_huge, large * (1 + rng.uniform(size=n)), x).astype(dtype)
        found = compiled(mixed)
        np.testing.assert_array_equal(found[~is_huge], usual[~is_huge])
        expected = f(mixed[is_huge].astype(dtype))
        np.testing.assert_allclose(found[is_huge], expected, 1e-3 if dtype == np.float32 else 1e-9)


def multiplications(f: Any) -> int:
    (text,) = texts(f, np.ones(800))
    return len(re.findall(r"fmuladd|fmul ", text))


def test_both_of_one_angle_are_reduced_once() -> None:
    alone = multiplications(np.sin) + multiplications(np.cos)
    assert multiplications(both) < 0.8 * alone
    assert multiplications(lambda x: (np.sin(x), np.cos(x + 1))) >= alone


def test_both_at_other_elements_are_computed_alone() -> None:
    def f(x: Any) -> Any:
        return np.sin(x)[1:] * np.cos(x)[:-1]

    x = np.linspace(-5, 5, 801)
    np.testing.assert_allclose(wg.jit(f)(x), f(x), 1e-12, 1e-15)
    assert multiplications(f) >= multiplications(lambda x: (np.sin(x), np.cos(x + 1)))


@pytest.mark.parametrize("shape", [(5, 40), (40, 5), (64, 33)])
def test_both_in_sums_and_beside_them(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=shape) * 4

    def sums(x: Any) -> Any:
        return np.sum(np.sin(x) * np.cos(x), axis=0), np.sum(np.sin(x), axis=1), np.cos(x)

    def of_sums(x: Any) -> Any:
        s = np.sum(x, axis=1)
        return np.sin(s), np.cos(s), np.sum(np.sin(x) - np.cos(x), axis=1)

    for f in (sums, of_sums):
        for found, expected in zip(wg.jit(f)(x), f(x), strict=True):
            np.testing.assert_allclose(found, expected, 1e-12, 1e-12)


def test_gradients_use_both() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=100) * 3

    def f(x: Any) -> Any:
        return np.sum(np.sin(x) * np.cos(x) + np.sin(x * x))

    value, gradient = wg.jit(wg.value_and_grad(f))(x)
    np.testing.assert_allclose(value, f(x), 1e-13)
    np.testing.assert_allclose(gradient, np.cos(2 * x) + 2 * x * np.cos(x * x), 1e-11, 1e-13)
