"""Cotangents of large arrays are changed in place, and only where nobody else holds them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.core import sweep
from wengert.core.sweep import LARGE
from wengert.rules import large_arrays

RNG = np.random.default_rng(8)
N = LARGE + 4
X = RNG.uniform(0.5, 1.5, N)
W = RNG.normal(size=N)
ROWS = RNG.uniform(0.5, 1.5, (N // 4, 4))

PROGRAMS: dict[str, Callable[[Any], Any]] = {
    "sum with itself": lambda x: (x * W) + (x * W),
    "same operand twice": lambda x: (lambda y: y + y)(x * W) * W,
    "difference from itself": lambda x: (lambda y: y - y)(x * W) * W,
    "shared terms": lambda x: (lambda y: (y + x) * y - (x - y) * W)(x * W),
    "several uses": lambda x: (lambda y: y * 2.0 - y * W + y / 3.0 - (-y))(np.exp(x)),
    "product with itself": lambda x: (lambda y: y * y * W)(x - 1.0),
    "squares": lambda x: np.square(x * W) - np.square(x) * 2.0,
    "quotients": lambda x: (x / W) / (x + 2.0) - 1.0 / x,
    "reflected": lambda x: (2.0 - x) * (3.0 / (W - x * 0.1)),
    "negated": lambda x: -(-(x * W) * W),
    "integers and booleans": lambda x: (x * 3 - True) / 7,
    "numbers of NumPy": lambda x: (x * np.float64(3)) / np.float32(7) - np.asarray(2.0) * x,
    "integer arrays": lambda x: (x * np.arange(N)) / (1 + np.arange(N)),
    "complex": lambda x: np.real((x * 1j + W) * (W - 2j * x) / (x + 1j)),
    "powers": lambda x: (x**2 * W) ** 2 / x,
    "one number for all": lambda x: x * 2.0 - (-(x / 3.0)),
    "mixed": lambda x: np.sin(x) * np.exp(-x) + np.log(x) * W,
    "written": lambda x: _written(x),
}
BROADCAST: dict[str, Callable[[Any], Any]] = {
    "row": lambda x: (x * W[:4]) * (x - x[0]) + x[0] / x,
    "column": lambda x: (x - np.mean(x, 1, keepdims=True)) * ROWS[:, :1] - x[:, 1:2],
    "number": lambda x: x * x[0, 0] - x / x[1, 1] + x[2, 2],
    "wider result": lambda x: np.sum((x * x[:3, None]) - (x[:3, None] / x), 0),
}


def _written(x: Any) -> Any:
    y = x * W
    y[::2] *= np.sin(y[::2])
    y[1:] += x[:-1] * 2.0
    return y - x


def _without_ownership(f: Callable[[Any], Any], x: Any, monkeypatch: Any) -> Any:
    """The gradient by the rules that write into nothing."""
    with monkeypatch.context() as m:
        for kind, _ in large_arrays._RULES:
            m.setattr(kind, "large", None)
        return wg.grad(f)(x)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", [*PROGRAMS, *BROADCAST])
def test_in_place_is_bit_for_bit_the_same(name: str, dtype: type, monkeypatch: Any) -> None:
    x = (X if name in PROGRAMS else ROWS).astype(dtype)
    program = PROGRAMS.get(name) or BROADCAST[name]
    w = RNG.normal(size=np.shape(program(x))).astype(dtype)
    for f in (lambda x: np.sum(program(x)), lambda x: np.sum(program(x) * w)):
        found = wg.grad(f)(x)
        expected = _without_ownership(f, x, monkeypatch)
        assert found.dtype == dtype
        assert found.flags.writeable
        assert found.base is None
        np.testing.assert_array_equal(found, expected)


def test_counts_mean_something_here() -> None:
    """Else nothing would be done in place, and nothing above would have been tested."""
    assert large_arrays._ALONE > 0


@pytest.mark.parametrize("name", PROGRAMS)
def test_pullback_keeps_its_cotangent_and_what_was_saved(name: str) -> None:
    y, pullback = wg.vjp(PROGRAMS[name], X)
    ct = RNG.normal(size=y.shape)
    before = ct.copy()
    (first,) = pullback(ct)
    (second,) = pullback(ct)
    np.testing.assert_array_equal(ct, before)
    np.testing.assert_array_equal(first, second)
    assert not np.shares_memory(first, ct)
    assert not np.shares_memory(first, second)


def test_cotangent_that_a_rule_of_the_user_keeps() -> None:
    kept: list[Any] = []

    @wg.custom_vjp
    def twice(x: Any) -> Any:
        return 2.0 * x

    def forward(x: Any) -> Any:
        return 2.0 * x, None

    def backward(_: Any, ct: Any) -> Any:
        kept.append(ct)
        kept.append(ct * 2.0)
        return (kept[-1],)

    twice.defvjp(forward, backward)
    found = wg.grad(lambda x: np.sum(twice(x * W) * W))(X)
    np.testing.assert_array_equal(found, 2.0 * W * W)
    np.testing.assert_array_equal(np.asarray(kept[0]), W)
    np.testing.assert_array_equal(np.asarray(kept[1]), 2.0 * W)


def test_captured_arrays_are_not_written() -> None:
    w = W.copy()
    wg.grad(lambda x: np.sum((x + w) * w - w * (w - x)))(X)
    np.testing.assert_array_equal(w, W)
    data = wg.Tensor(W)
    wg.grad(lambda x: np.sum((x + data) * data - data * (data - x)))(X)
    np.testing.assert_array_equal(data.numpy(), W)


def test_sweep_that_is_repeated_with_strong_zeros() -> None:
    """Nothing that the first sweep has written is read by the second."""
    x = np.concatenate([[0.0], X])

    def f(x: Any) -> Any:
        y = x * 3.0
        return np.sum(np.where(x > 0, np.exp(y) * np.log(x) / y, y) * 2.0)

    with np.errstate(all="ignore"):
        found = wg.grad(f)(x)
    h = 3 * X
    expected = 2 * np.exp(h) * (3 * np.log(X) / h + 1 / (X * h) - np.log(X) * 3 / h**2)
    np.testing.assert_allclose(found[1:], expected, rtol=1e-10, atol=1e-10)
    assert found[0] == 6.0


def test_gradients_of_gradients() -> None:
    def f(x: Any) -> Any:
        return np.sum(((x * 0.3 + 1.1) * x - 0.7) * x)

    second = wg.grad(lambda x: np.sum(wg.grad(f)(x) * W))(X)
    np.testing.assert_allclose(second, (1.8 * X + 2.2) * W, rtol=1e-12)
    np.testing.assert_allclose(wg.hvp(f, X, W), (1.8 * X + 2.2) * W, rtol=1e-12)


ANYWHERE: dict[str, Callable[[Any], Any]] = {
    "products": lambda x: x * W - np.square(x) * x,
    "by zero": lambda x: (x - x) * W + 0.0 * x * x,
    "slices": lambda x: x[1:] * x[:-1] - W[1:],
    "gather": lambda x: x[np.arange(N) % 100] ** 2 * W,
    "left out later": lambda x: (x * x)[3:] * W[3:],
    "chosen": lambda x: np.where(np.isfinite(x * x), x * x, 0.0),
    "quotients": lambda x: W / (x * x),
    "exponentials": lambda x: np.exp(-x * x),
    "overflow": lambda x: x * 1e200 * x * 1e200,
}


@pytest.mark.parametrize("name", ANYWHERE)
@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, 1e200, 0.0])
@pytest.mark.parametrize("place", [0, 2, 500, N - 1])
def test_a_finite_value_tells_that_partials_are_finite_only_where_it_does(
    name: str, value: float, place: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = X.copy()
    x[place] = value
    gradient = wg.grad(lambda x: np.sum(ANYWHERE[name](x)))
    with np.errstate(all="ignore"):
        found = gradient(x)
        monkeypatch.setattr(sweep, "_is_telling", lambda value, nodes: False)
        np.testing.assert_array_equal(found, gradient(x))


def test_a_finite_value_saves_the_look_at_the_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []
    before = sweep.results_finite
    monkeypatch.setattr(sweep, "results_finite", lambda *a: looks.append(None) or before(*a))
    for name, look in {"products": 0, "slices": 0, "gather": 0, "left out later": 1}.items():
        looks.clear()
        wg.grad(lambda x, f=ANYWHERE[name]: np.sum(f(x)))(X)
        assert len(looks) == look, name
