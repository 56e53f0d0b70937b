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
    stack = (distinct + 2).reshape(5, 30, 4).astype(np.float32)
    for x in (distinct, zeros, tied, missing, stack, np.asfortranarray(distinct)):
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
