"""Elementary functions against mpmath: at most 2.5 units in the last place; special values."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.special

import wengert as wg

pytest.importorskip("llvmlite")
from wengert.compiler.codegen import coefficients

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
    "exp2": (np.exp2, lambda x: mpmath.mpf(2) ** x),
    "log2": (np.log2, lambda x: mpmath.log(x, 2)),
    "log10": (np.log10, mpmath.log10),
    "cbrt": (np.cbrt, lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x))),
    "rsqrt": (lambda x: 1 / np.sqrt(x), lambda x: 1 / mpmath.sqrt(x)),
    "arcsin": (np.arcsin, mpmath.asin),
    "arccos": (np.arccos, mpmath.acos),
    "arctan": (np.arctan, mpmath.atan),
    "sinh": (np.sinh, mpmath.sinh),
    "cosh": (np.cosh, mpmath.cosh),
    "arcsinh": (np.arcsinh, mpmath.asinh),
    "arccosh": (np.arccosh, mpmath.acosh),
    "arctanh": (np.arctanh, mpmath.atanh),
    "erf": (scipy.special.erf, lambda x: mpmath.erf(min(max(x, -99), 99))),
    "erfc": (scipy.special.erfc, lambda x: mpmath.erfc(min(max(x, -99), 99))),
}
POSITIVE = {"log", "log2", "log10", "rsqrt"}
WITHIN_ONE = {"arcsin", "arccos", "arctanh"}


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
    middle = rng.uniform(0.3, 2, COUNT)
    x = np.concatenate([every_size, -every_size, dense, near_one, halves, edges, low, middle])
    with np.errstate(over="ignore"):
        x = x.astype(dtype)
    x = x[np.isfinite(x)]
    if name in POSITIVE:
        x = x[x > 0]
    if name == "log1p":
        x = x[x > -1]
    if name in WITHIN_ONE:
        x = x[abs(x) < 1]
    if name == "arccosh":
        x = np.abs(x)
        x = x[x >= 1]
    return x


def worst(found: np.ndarray, x: np.ndarray, exact: Callable[[Any], Any]) -> tuple[float, Any]:
    """The largest error in units of the last place of the result, and where."""
    return _worst_of(found, x, exact, x.dtype)


def _worst_of(
    found: np.ndarray, x: np.ndarray, exact: Callable[[Any], Any], dtype: Any
) -> tuple[float, Any]:
    info = np.finfo(dtype)
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
    if not np.isnan(expected[3]):
        np.testing.assert_array_equal(np.signbit(found[3:5]), np.signbit(expected[3:5]))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", EXACT)
def test_no_function_is_called_back(name: str, dtype: Any) -> None:
    stages = wg.jit(EXACT[name][0]).lower(np.ones(5, dtype))
    assert stages.cost()["calls"] == {}


def _pairs(name: str, dtype: Any) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of every size; near the diagonal; for powers, results up to over- and underflow."""
    rng = np.random.default_rng(len(name))
    info = np.finfo(dtype)
    lowest, highest = np.log2(float(info.smallest_subnormal)), np.log2(float(info.max))

    def every() -> np.ndarray:
        signs = rng.choice([-1.0, 1.0], COUNT)
        return 2.0 ** rng.uniform(lowest, highest, COUNT) * signs

    near, wide = every(), every()
    x = np.concatenate([near, wide])
    y = np.concatenate([near * rng.uniform(0.1, 1, COUNT), every()])
    if name == "power":
        close = 1 + rng.normal(size=COUNT) * 2.0 ** rng.uniform(-50, -1, COUNT)
        x = np.abs(np.concatenate([x, close, rng.uniform(0.1, 10, COUNT)]))
        with np.errstate(divide="ignore"):
            bound = np.minimum(highest / np.abs(np.log2(x)), 1e15)
        y = bound * rng.uniform(-1.05, 1.05, x.size)
        y[-100:] = np.round(y[-100:] / 10)
    with np.errstate(over="ignore"):
        x, y = x.astype(dtype), y.astype(dtype)
    both = np.isfinite(x) & np.isfinite(y) & ((x > 0) | (name != "power"))
    return x[both], y[both]


OF_TWO: dict[str, Callable[[Any, Any], Any]] = {
    "power": lambda x, y: x**y,
    "arctan2": mpmath.atan2,
    "hypot": mpmath.hypot,
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", OF_TWO)
def test_accuracy_of_two(name: str, dtype: Any) -> None:
    function = getattr(np, name)
    x, y = _pairs(name, dtype)
    compiled = wg.jit(function)
    found = compiled(x, y)
    assert compiled.lower(x, y).cost()["calls"] == {}
    pairs = dict(zip(range(x.size), zip(x.tolist(), y.tolist(), strict=True), strict=True))
    numbers = np.arange(x.size).astype(np.float64)

    def exact(k: Any) -> Any:
        a, b = pairs[int(k)]
        return OF_TWO[name](mpmath.mpf(a), mpmath.mpf(b))

    error, where = _worst_of(found, numbers, exact, dtype)
    assert error <= LIMIT, f"{error} units at {pairs[int(where or 0)]!r}"


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", ["power", "arctan2", "hypot", "fmod", "remainder", "floor_divide"])
def test_special_values_of_two(name: str, dtype: Any) -> None:
    function = getattr(np, name)
    info = np.finfo(dtype)
    values = [np.inf, np.nan, 0.0, 1, 2, 0.5, 3, 1e15, info.max, info.tiny, info.smallest_subnormal]
    values = np.array([*values, *(-v for v in values)], dtype)
    x, y = (a.ravel() for a in np.meshgrid(values, values))
    with np.errstate(all="ignore"):
        expected = function(x, y)
    found = wg.jit(function)(x, y)
    np.testing.assert_allclose(found, expected, rtol=4 * info.eps)
    numbers = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(found[numbers]), np.signbit(expected[numbers]))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_logaddexp(dtype: Any) -> None:
    rng = np.random.default_rng(0)
    x, y = (rng.normal(size=500).astype(dtype) * 9 for _ in range(2))
    for function in (np.logaddexp, np.logaddexp2):
        found, expected = wg.jit(function)(x, y), function(x, y)
        np.testing.assert_allclose(found, expected, rtol=8 * np.finfo(dtype).eps, atol=1e-7)


def test_the_coefficients_are_those_that_the_script_derives() -> None:
    scripts = Path(__file__).parents[2] / "scripts"
    specification = importlib.util.spec_from_file_location(
        "elementary_polynomials", scripts / "elementary_polynomials.py"
    )
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    for name, polynomials in module.table().items():
        kept = getattr(coefficients, name)
        for derived, written in zip(polynomials, kept, strict=True):
            np.testing.assert_allclose(derived, written, rtol=1e-15)
