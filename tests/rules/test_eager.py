"""Cotangents by hand are those of the records' rules, at ties, zeros and NaN too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg

RNG = np.random.default_rng(4)
DISTINCT = (RNG.permutation(60).reshape(3, 4, 5) + 0.5) / 20 - 1.4
TIED = np.round(DISTINCT)
ZEROS = np.where(DISTINCT > 0.9, 0.0, DISTINCT)
MISSING = np.where(DISTINCT > 0.9, np.nan, DISTINCT)
ONE_OF_EACH = np.array([[2.0, 2.0, 1.0], [np.nan, 1.0, 2.0]])  # two winners, and none
TINY = DISTINCT * 1e-80
HUGE = DISTINCT * 1e150
LONG = RNG.permutation(90).reshape(3, 30) / 30.0


FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "max": lambda x: np.max(x, axis=-1),
    "max of all": lambda x: np.max(x),
    "max over two": lambda x: np.max(x, axis=(0, -1), keepdims=True),
    "method": lambda x: x.max(),
    "min": lambda x: np.min(x, axis=0),
    "nanmax": lambda x: np.nanmax(x, axis=-1),
    "nanmin": lambda x: np.nanmin(x, axis=0),
    "prod": lambda x: np.prod(x, axis=-1),
    "prod of all": lambda x: np.prod(x),
    "prod over two": lambda x: np.prod(x, axis=(0, -1), keepdims=True),
    "norm": lambda x: np.linalg.norm(x, axis=-1),
    "norm of all": lambda x: np.linalg.norm(x),
    "third norm": lambda x: np.linalg.norm(x, 3, axis=-1),
    "cumprod": lambda x: np.cumprod(x, axis=-1),
    "cumprod of first": lambda x: np.cumprod(x, axis=0),
    "sort": lambda x: np.sort(x, axis=-1),
    "one place": lambda x: np.sort(x, axis=-1)[..., 0],
    "median": lambda x: np.median(x, axis=-1),
    "ends": lambda x: np.sort(x, axis=-1)[..., [0, -1]],
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_by_hand_is_by_rule(name: str) -> None:
    """A pullback of a linearization is made of the records' rules; an eager one comes by hand."""
    function = FUNCTIONS[name]
    for x in (DISTINCT, TIED, ZEROS, MISSING, ONE_OF_EACH, TINY, HUGE, LONG, LONG[:, :1]):
        y, pullback = wg.vjp(function, x)
        ct = np.asarray(RNG.normal(size=np.shape(y)))
        (by_hand,) = pullback(ct)
        (by_rule,) = wg.vjp(lambda x: wg.vmap(function)(x[None])[0], x)[1](ct)
        assert by_hand.dtype == x.dtype
        finite = np.abs(by_rule[np.isfinite(by_rule)])
        tolerance = {"rtol": 1e-10, "atol": 1e-12 * finite.max(initial=0.0)}
        np.testing.assert_allclose(by_hand, by_rule, **tolerance)


def test_cotangents_that_are_zero() -> None:
    """Rows without a cotangent get zeros, also where their own part would be infinite or NaN."""
    x = np.array([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]])
    gradient = wg.grad(lambda x: np.linalg.norm(x, axis=1)[0])(x)
    np.testing.assert_allclose(gradient[1], 0.0)
    gradient = wg.grad(lambda x: np.prod(x, axis=1)[0])(x)
    np.testing.assert_array_equal(gradient, [[6.0, 3.0, 2.0], [0.0, 0.0, 0.0]])


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("name", ["max", "min"])
def test_extrema_of_many_short_rows(name: str, keepdims: bool) -> None:
    """These are read at their places: NumPy's values to the bit, and the records' derivatives."""
    plain = getattr(np, name)
    distinct = RNG.permutation(600).reshape(150, 4) / 300 - 1
    zeros = np.where(RNG.random((150, 4)) < 0.5, 0.0, -0.0)
    tied = np.round(distinct, 1) + 2
    missing = np.where(distinct > 0.9, np.nan, distinct)
    long = RNG.permutation(45_000).reshape(150, 300) / 9_000 - 2.0
    rounded = np.round(long, 1) + 0.05
    stack = (distinct + 2).reshape(5, 30, 4).astype(np.float32)
    for x in (distinct, zeros, tied, missing, stack, np.asfortranarray(distinct), long, rounded):
        for axis in (-1, x.ndim - 1):

            def function(x: Any, axis: int = axis) -> Any:
                return plain(x, axis=axis, keepdims=keepdims)

            y, pullback = wg.vjp(function, x)
            expected = function(x)
            assert y.dtype == expected.dtype
            np.testing.assert_array_equal(y, expected)
            np.testing.assert_array_equal(np.signbit(y), np.signbit(expected))
            ct = RNG.normal(size=y.shape).astype(y.dtype)
            (by_rule,) = wg.vjp(lambda x, f=function: wg.vmap(f)(x[None])[0], x)[1](ct)
            np.testing.assert_allclose(pullback(ct)[0], by_rule, rtol=1e-6)
            (again,) = wg.vjp(lambda x, f=function: wg.grad(lambda z: np.sum(f(z) ** 2))(x), x)[1](
                x
            )
            assert again.shape == x.shape


@pytest.mark.parametrize("axis", [0, 1, 2, (0, 1), (1, 2), (0, 2), None])
@pytest.mark.parametrize("shape", [(3, 4, 5), (120, 2, 150), (2, 300, 3), (1, 4, 1)])
def test_extrema_that_stand_once(shape: tuple[int, ...], axis: Any) -> None:
    """Each cotangent goes to the place of its extremum, along every axis, dense or sparse."""
    x = RNG.permutation(int(np.prod(shape))).reshape(shape) / 7.0
    x.flags.writeable = False  # read-only input is not copied
    before = x.copy()
    for plain in (np.max, np.min, np.nanmax):
        y, pullback = wg.vjp(lambda x, f=plain: f(x, axis=axis), x)
        ct = np.asarray(RNG.normal(size=np.shape(y)))
        here = x == plain(x, axis=axis, keepdims=True)
        kept = np.reshape(ct, np.shape(plain(x, axis=axis, keepdims=True)))
        np.testing.assert_array_equal(pullback(ct)[0], here * kept)
    np.testing.assert_array_equal(x, before)
    assert not x.flags.writeable


def test_what_is_not_finite_is_noticed_where_the_extrema_stand() -> None:
    """An extremum's gradient is tested at its places alone; strong zeros must not be missed."""
    x = RNG.permutation(40_000).reshape(200, 200) / 40_000 + 1.0
    edge = np.max(x, axis=1)[7]

    def guarded(x: Any) -> Any:
        y = np.max(x, axis=1)
        return np.sum(np.where(y > edge, np.sqrt(np.abs(y - edge)), 0.0))

    rows = np.max(x, axis=1, keepdims=True)
    with np.errstate(divide="ignore"):
        part = np.where(rows > edge, 0.5 / np.sqrt(np.abs(rows - edge)), 0.0)
    expected = np.where(x == rows, part, 0.0)
    np.testing.assert_allclose(wg.grad(guarded)(x), expected)
    t = wg.Tensor(x, requires_grad=True)
    guarded(t).backward()
    np.testing.assert_allclose(t.grad, expected)

    def with_another(x: Any) -> Any:  # and where others contribute, everywhere
        return guarded(x) + np.sum(np.where(x > 1.0, np.log(x - 1.0), 0.0))

    with np.errstate(divide="ignore", invalid="ignore"):
        more = np.where(x > 1.0, 1 / (x - 1.0), 0.0)
        np.testing.assert_allclose(wg.grad(with_another)(x), expected + more)
