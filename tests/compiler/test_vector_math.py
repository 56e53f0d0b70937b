"""Elementary functions against mpmath: at most 2.5 units in the last place; special values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special

import wengert as wg

pytest.importorskip("llvmlite")
mpmath = pytest.importorskip("mpmath")

LIMIT = 2.5
COUNT = 400


def _sigmoid(x: Any) -> Any:
    return scipy.special.expit(x)


EXACT: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "exp": (np.exp, mpmath.exp),
    "expm1": (np.expm1, mpmath.expm1),
    "log": (np.log, mpmath.log),
    "log1p": (np.log1p, mpmath.log1p),
    "tanh": (np.tanh, mpmath.tanh),
    "sigmoid": (_sigmoid, lambda x: 1 / (1 + mpmath.exp(-x))),
    "sin": (np.sin, mpmath.sin),
    "cos": (np.cos, mpmath.cos),
    "tan": (np.tan, mpmath.tan),
}
POSITIVE = {"log"}


def points(name: str, dtype: Any) -> np.ndarray:
    """Dense points around 0 and 1, points of every size, and adversarial ones."""
    rng = np.random.default_rng(len(name))
    info = np.finfo(dtype)
    largest = np.log2(float(info.max))
    every_size = 2.0 ** rng.uniform(np.log2(float(info.smallest_subnormal)), largest, COUNT)
    dense = np.concatenate([rng.uniform(-1, 1, COUNT), rng.normal(size=COUNT) * 20])
    near_one = 1 + rng.normal(size=COUNT) * 2.0 ** rng.uniform(-50, 0, COUNT)
    halves = np.arange(-200, 200) * (np.pi / 4)
    edges = np.log(float(info.max)) + rng.uniform(-2, 2, 200)
    low = np.log(float(info.smallest_subnormal)) + rng.uniform(-2, 40, 400)
    x = np.concatenate([every_size, -every_size, dense, near_one, halves, edges, low])
    with np.errstate(over="ignore"):
        x = x.astype(dtype)
    x = x[np.isfinite(x)]
    if name in POSITIVE:
        x = x[x > 0]
    if name == "log1p":
        x = x[x > -1]
    return x


def worst(found: np.ndarray, x: np.ndarray, exact: Callable[[Any], Any]) -> tuple[float, Any]:
    """The largest error in units of the last place of the result, and where."""
    info = np.finfo(x.dtype)
    largest, where = 0.0, None
    top = mpmath.mpf(float(info.max)) * (1 + mpmath.mpf(float(info.eps)) / 4)
    with mpmath.workprec(1300 if exact in (mpmath.sin, mpmath.cos, mpmath.tan) else 160):
        for y, v in zip(found.tolist(), x.tolist(), strict=True):
            true = exact(mpmath.mpf(v))
            if abs(true) > top:
                assert np.isinf(y), (v, y)
                continue
            size = max(abs(true), mpmath.mpf(float(info.smallest_normal)))
            exponent = mpmath.frexp(size)[1] - 1
            unit = mpmath.ldexp(1, exponent - info.nmant)
            error = float(abs(mpmath.mpf(y) - true) / unit)
            if not error <= largest:
                largest, where = error, v
    return largest, where


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", EXACT)
def test_accuracy(name: str, dtype: Any) -> None:
    function, exact = EXACT[name]
    x = points(name, dtype)
    error, where = worst(wg.jit(function)(x), x, exact)
    assert error <= LIMIT, f"{error} units at {where!r}"


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", EXACT)
def test_special_values(name: str, dtype: Any) -> None:
    function, _ = EXACT[name]
    info = np.finfo(dtype)
    special = np.array(
        [np.inf, -np.inf, np.nan, 0.0, -0.0, info.max, -info.max, info.tiny, -info.tiny, -1.0],
        dtype,
    )  # fmt: skip
    with np.errstate(all="ignore"):
        expected = function(special)
    if name in ("sin", "cos", "tan"):
        special, expected = special[:5], expected[:5]
    found = wg.jit(function)(special)
    np.testing.assert_allclose(found, expected, rtol=4 * info.eps)
    np.testing.assert_array_equal(np.signbit(found[3:5]), np.signbit(expected[3:5]))


LIBRARY = (
    "exp2 log2 log10 cbrt arcsin arccos arctan sinh cosh arcsinh arccosh arctanh".split()
)  # fmt: skip


@pytest.mark.parametrize("name", LIBRARY)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_library_functions(name: str, dtype: Any) -> None:
    function = getattr(np, name)
    x = np.random.default_rng(0).uniform(0.01, 0.99, 1000).astype(dtype)
    x = x + (name == "arccosh")
    x = x.astype(dtype)
    np.testing.assert_allclose(wg.jit(function)(x), function(x), rtol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", ["power", "arctan2", "hypot", "fmod", "remainder", "logaddexp"])
def test_library_functions_of_two(name: str, dtype: Any) -> None:
    function = getattr(np, name)
    rng = np.random.default_rng(0)
    x, y = (rng.uniform(0.2, 9, 500).astype(dtype) for _ in range(2))
    if name != "power":
        x, y = x * rng.choice([-1, 1], 500), y * rng.choice([-1, 1], 500)
        x, y = x.astype(dtype), y.astype(dtype)
    found, expected = wg.jit(function)(x, y), function(x, y)
    np.testing.assert_allclose(found, expected, rtol=8 * np.finfo(dtype).eps, atol=1e-7)
