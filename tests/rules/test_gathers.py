"""Parts of vectors that arrays of places choose, and cotangents that slices and sums add to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.core.sweep import LARGE

RNG = np.random.default_rng(9)
N = LARGE + 10
X = RNG.normal(size=N)
W = RNG.normal(size=N)
PLACES = RNG.integers(-N, N, N)


def _scattered(index: Any, w: Any, n: int = N) -> Any:
    g = np.zeros(n, w.dtype)
    np.add.at(g, index, w)
    return g


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.complex128])
@pytest.mark.parametrize(
    "index",
    [
        PLACES,
        PLACES[:7],
        PLACES[:0],
        PLACES[:4000].reshape(40, 100),
        np.asfortranarray(PLACES[:4000].reshape(40, 100)),
        PLACES[::3],
        PLACES.astype(np.int32),
        PLACES % N == 0,
        (PLACES[:9],),
        np.array(3),
    ],
    ids=str,
)
def test_values_layout_and_cotangents(index: Any, dtype: type) -> None:
    x = X.astype(dtype)
    expected = x[index]
    ct = RNG.normal(size=np.shape(expected)).astype(dtype)
    y, pullback = wg.vjp(lambda x: x[index], x)
    assert np.asarray(y).tobytes("A") == np.asarray(expected).tobytes("A")
    assert y.dtype == dtype
    assert np.asarray(y).strides == np.asarray(expected).strides
    np.testing.assert_allclose(pullback(ct)[0], _scattered(index, ct), rtol=1e-6)
    strided = np.repeat(x, 2)
    found = wg.vjp(lambda x: x[::2][index], strided)
    np.testing.assert_array_equal(found[0], expected)
    np.testing.assert_allclose(found[1](ct)[0][::2], _scattered(index, ct), rtol=1e-6)


def test_places_that_change_after_the_gather() -> None:
    def f(x: Any) -> Any:
        index = PLACES.copy()
        y = x[index]
        index[...] = 0
        z = x[index]
        index[...] = 1
        return np.sum(y * W) + np.sum(z * W)

    expected = _scattered(PLACES, W)
    expected[0] += np.sum(W)
    np.testing.assert_allclose(wg.grad(f)(X), expected, rtol=1e-12)


def test_places_out_of_bounds() -> None:
    with pytest.raises(IndexError, match=f"index {N} is out of bounds"):
        wg.grad(lambda x: np.sum(x[np.array([0, N])]))(X)


def test_gathered_values_follow_no_later_write() -> None:
    def f(x: Any) -> Any:
        y = x * 1.0
        z = y[PLACES]
        y[...] = 0.0
        return np.sum(z * z)

    np.testing.assert_allclose(wg.grad(f)(X), _scattered(PLACES, 2 * X[PLACES]), rtol=1e-12)


PROGRAMS: dict[str, Callable[[Any], Any]] = {
    "two slices": lambda x: np.sum(W[1:] * x[1:]) + np.sum(W[:-1] * x[:-1]),
    "slices of a number for all": lambda x: np.sum(x) + np.sum(x[5:]) + x[3],
    "slices under a concatenation": lambda x: (
        np.sum(np.concatenate([x, x[:2]])[: N - 1] * W[1:]) + np.sum(x[2:] * W[2:])
    ),
    "the same cotangent twice": lambda x: np.sum((x + x[::-1]) * W) + np.sum(x[1:] * W[1:]),
    "elements": lambda x: np.sum(x * W) + x[0] * x[-1] + x[7] * 2.0,
    "steps": lambda x: np.sum(x[::2] * W[::2]) - np.sum(x[::-3] * W[::-3]),
    "empty": lambda x: np.sum(x[5:2]) + np.sum(x[N:] * 2.0) + np.sum(x * W),
    "rows": lambda x: (lambda a: np.sum(a[1:] * a[:-1]) + np.sum(a[:, 1:] * 2.0))(
        x[: N // 3 * 3].reshape(-1, 3)
    ),
    "blocks": lambda x: (lambda a: np.sum(a[1:] * 2.0) + np.sum(a[0] * a[1]))(
        x[: N // 2 * 2].reshape(2, -1)
    ),
    "sums": lambda x: np.sum(x * W) * np.sum(x) + np.sum(x),
    "centred rows": lambda x: (lambda a: np.sum((a - np.mean(a, 1, keepdims=True)) ** 2))(
        x[:4096].reshape(64, 64)
    ),
    "gathered and cut": lambda x: np.sum(x[PLACES] * W) + np.sum(x[9:] * W[9:]),
    "quotients": lambda x: np.sum((x[1:] - x[:-1]) / 2.0 / (1 + x[1:] ** 2)),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_against_differences_in_a_direction(name: str) -> None:
    f = PROGRAMS[name]
    v = RNG.normal(size=N)
    found = wg.grad(f)(X)
    assert found.flags.writeable
    _, expected = wg.jvp(f, (X,), (v,))
    np.testing.assert_allclose(np.vdot(found, v), expected, rtol=1e-9)
    again = wg.vjp(f, X)[1]
    np.testing.assert_array_equal(again(1.0)[0], found)
    np.testing.assert_array_equal(again(1.0)[0], found)


@pytest.mark.parametrize("value", [0.0, np.inf, np.nan, 1e-200, 1e200])
def test_norms_of_rows_that_vanish_or_overflow(value: float) -> None:
    """A cotangent that is not finite in one row is noticed, and strong zeros are made."""
    x = RNG.normal(size=(200, 200))
    x[3] = value
    w = RNG.normal(size=200)

    def f(x: Any) -> Any:
        y = np.linalg.norm(x, axis=1)
        return np.sum(np.where(np.isfinite(y) & (y > 0), y, 0.0) * w)

    with np.errstate(all="ignore"):
        found = wg.grad(f)(x)
    usual = np.arange(200) != 3
    rows = x[usual]
    expected = rows / np.sqrt(np.sum(rows * rows, 1, keepdims=True)) * w[usual, None]
    np.testing.assert_allclose(found[usual], expected, rtol=1e-12)
    assert np.all(np.isfinite(found[3])) or not np.isfinite(value)
    if value == 0:
        np.testing.assert_array_equal(found[3], 0.0)


def test_infinite_factor_of_a_norm_is_annihilated() -> None:
    x = RNG.normal(size=(200, 200))

    def f(x: Any) -> Any:
        y = np.linalg.norm(x, axis=1)
        return np.sum(np.where(y > 1e9, np.sqrt(y - y), y))

    with np.errstate(all="ignore"):
        found = wg.grad(f)(x)
    np.testing.assert_allclose(found, x / np.linalg.norm(x, axis=1, keepdims=True), rtol=1e-12)
