"""What the derivatives are at kinks, ties and singular points (docs/conventions.md)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg


def both_modes(f: Callable[..., Any], *args: float) -> list[float]:
    """The partial derivatives of a scalar function, which the modes must agree about."""
    points = tuple(np.float64(a) for a in args)
    reverse = wg.grad(f, argnums=tuple(range(len(args))))(*points)
    for k in range(len(args)):
        tangents = tuple(np.float64(k == i) for i in range(len(args)))
        forward = wg.jvp(f, points, tangents)[1]
        np.testing.assert_allclose(forward, reverse[k], rtol=1e-14)
    arrays = wg.grad(lambda *xs: np.sum(f(*xs)), argnums=tuple(range(len(args))))(
        *(np.full(2, a) for a in args)
    )
    np.testing.assert_allclose([g[0] for g in arrays], list(reverse), rtol=1e-14)
    return [float(g) for g in reverse]


@pytest.mark.parametrize(
    ("f", "args", "expected"),
    [
        # ties share evenly
        (np.maximum, (1.0, 1.0), [0.5, 0.5]),
        (np.minimum, (1.0, 1.0), [0.5, 0.5]),
        (np.fmax, (1.0, 1.0), [0.5, 0.5]),
        (np.fmin, (1.0, 1.0), [0.5, 0.5]),
        (lambda x: np.maximum(x, 0.0), (0.0,), [0.5]),
        (lambda x: np.maximum(x, x), (2.0,), [1.0]),
        (np.maximum, (2.0, 1.0), [1.0, 0.0]),
        (np.minimum, (2.0, 1.0), [0.0, 1.0]),
        # fmax and fmin leave NaN out
        (np.fmax, (np.nan, 1.0), [0.0, 1.0]),
        (np.fmax, (1.0, np.nan), [1.0, 0.0]),
        (np.fmin, (np.nan, 1.0), [0.0, 1.0]),
        (np.fmin, (1.0, np.nan), [1.0, 0.0]),
        # sign(0) = 0
        (np.abs, (0.0,), [0.0]),
        (np.fabs, (0.0,), [0.0]),
        (np.abs, (-0.0,), [0.0]),
        (np.sign, (0.0,), [0.0]),
        (lambda x: np.abs(x) ** 2, (0.0,), [0.0]),
        (np.hypot, (0.0, 0.0), [0.0, 0.0]),
        # steps
        (np.floor, (1.0,), [0.0]),
        (np.ceil, (1.0,), [0.0]),
        (np.trunc, (0.0,), [0.0]),
        (np.rint, (0.5,), [0.0]),
        (lambda x: np.heaviside(x, 0.5), (0.0,), [0.0]),
        # powers
        (lambda x: x**2, (0.0,), [0.0]),
        (lambda x: x**1, (0.0,), [1.0]),
        (lambda x: x**0, (0.0,), [0.0]),
        (lambda x: x**3, (-2.0,), [12.0]),
        (lambda x: x**-1, (-2.0,), [-0.25]),
        (np.power, (0.0, 2.0), [0.0, 0.0]),
        (np.power, (0.0, 0.0), [0.0, 0.0]),
        (np.power, (0.0, 1.0), [1.0, 0.0]),
        (np.power, (1.0, 0.0), [0.0, 0.0]),
        (np.float_power, (0.0, 2.0), [0.0, 0.0]),
        # remainders
        (lambda x: x % 2.0, (2.0,), [1.0]),
        (np.remainder, (5.0, 3.0), [1.0, -1.0]),
        (np.remainder, (-5.0, 3.0), [1.0, 2.0]),
        (np.fmod, (-5.0, 3.0), [1.0, 1.0]),
        (np.copysign, (2.0, -1.0), [-1.0, 0.0]),
        (np.copysign, (-2.0, -1.0), [1.0, 0.0]),
        # singular points give what the formula gives
        (np.sqrt, (0.0,), [np.inf]),
        (np.log, (0.0,), [np.inf]),
        (np.cbrt, (0.0,), [np.inf]),
        (np.reciprocal, (0.0,), [-np.inf]),
        (np.arcsin, (1.0,), [np.inf]),
        (np.arccos, (1.0,), [-np.inf]),
        (np.log1p, (-1.0,), [np.inf]),
        # saturation
        (np.tanh, (1e3,), [0.0]),
        (np.logaddexp, (1000.0, 1000.0), [0.5, 0.5]),
        (np.logaddexp, (-np.inf, 1.0), [0.0, 1.0]),
        (np.exp, (-1e4,), [0.0]),
        (np.expm1, (1e-20,), [1.0]),
        (np.expm1, (-40.0,), [np.exp(-40.0)]),
    ],
)
def test_convention(f: Callable[..., Any], args: tuple[float, ...], expected: list[float]) -> None:
    with np.errstate(all="ignore"):
        found = both_modes(f, *args)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_nan_in_nan_out() -> None:
    for f in (np.sin, np.exp, np.log, np.sqrt, np.tanh, np.square):
        with np.errstate(all="ignore"):
            assert np.isnan(wg.grad(f)(np.nan))


def test_a_zero_cotangent_annihilates_an_infinite_partial() -> None:
    def f(x: Any) -> Any:
        return np.sum(np.sqrt(x) * np.array([0.0, 1.0]))

    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(wg.grad(f)(np.array([0.0, 4.0])), [0.0, 0.25])
        second = wg.grad(wg.grad(lambda x, y: x * np.log(y)), argnums=1)
        assert second(0.0, 2.0) == 0.5


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_dtypes_are_kept(dtype: Any) -> None:
    x = np.array([0.25, 0.5], dtype)
    for f in (
        np.abs, np.maximum, np.fmax, np.clip, np.hypot, np.copysign, np.power, np.remainder,
        np.sign, np.rad2deg, np.logaddexp, np.log2, np.cbrt,
    ):  # fmt: skip

        def g(x: Any, f: Any = f) -> Any:
            if f is np.clip:
                return f(x, 0.3, 1.0)
            return f(x, x) + f(x, 0.5) + f(2.0, x) if f.nin == 2 else f(x)

        y, pullback = wg.vjp(g, x)
        assert y.dtype == dtype
        (gradient,) = pullback(np.ones_like(y))
        assert gradient.dtype == dtype
        assert wg.jvp(g, (x,), (x,))[1].dtype == dtype


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x * True,
        lambda x: False + x,
        lambda x: x / True,
        lambda x: np.maximum(x, True),
        lambda x: x**True,
    ],
)
def test_python_bool_is_an_operand_where_shapes_are_recorded(f: Any) -> None:
    x = np.array([2.0, 3.0])
    np.testing.assert_array_equal(wg.vmap(f)(x), f(x))
    value, (gradient,) = wg.show(f, 2.0).run()
    assert (value, gradient) == (f(2.0), wg.grad(f)(2.0))
    assert wg.hessian(f)(2.0) == 0.0


def test_heaviside_is_its_second_argument_at_zero() -> None:
    """JAX has this derivative, which was silently 0."""
    x = np.array([-1.0, 0.0, 2.0, 0.0])

    def function(h: Any) -> Any:
        return np.heaviside(x, h)

    np.testing.assert_array_equal(wg.jacrev(function)(0.5), [0.0, 1.0, 0.0, 1.0])
    np.testing.assert_array_equal(wg.jacfwd(function)(0.5), [0.0, 1.0, 0.0, 1.0])
    np.testing.assert_array_equal(wg.jit(wg.jacrev(function))(0.5), [0.0, 1.0, 0.0, 1.0])
    assert wg.hessian(lambda h: np.sum(function(h) ** 3))(0.5) == pytest.approx(6.0)
    np.testing.assert_array_equal(wg.grad(lambda x: np.sum(np.heaviside(x, 0.5)))(x), np.zeros(4))
