"""What docs/concepts/singular-points.md promises: both modes, first and second order, vmap."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert import nn
from wengert.scipy import special

Function = Callable[[Any], Any]
THIRD = 1 / 3

# Function, point, gradient of the sum of its results, Hessian (one number: a multiple of the
# identity; a list: the diagonal).
POINTS: dict[str, tuple[Function, list[float], list[float], Any]] = {
    # branches that are not taken
    "where sqrt": (lambda x: np.where(x > 0, np.sqrt(x), 0.0), [0, 4], [0, 0.25], [0, -1 / 32]),
    "where log": (lambda x: np.where(x > 0, np.log(x), 0.0), [-1, 2], [0, 0.5], [0, -0.25]),
    "where x log x": (lambda x: np.where(x > 0, x * np.log(x), 0.0), [0, 1], [0, 1], [0, 1]),
    "where power": (lambda x: np.where(x > 0, x**0.5, 0.0), [0, 1], [0, 0.5], [0, -0.25]),
    "where reciprocal": (lambda x: np.where(x != 0, 1 / x, 0.0), [0, 2], [0, -0.25], [0, 0.25]),
    "where arccos": (lambda x: np.where(abs(x) < 1, np.arccos(x), 0.0), [1, 0], [0, -1], [0, 0]),
    "sqrt of maximum": (lambda x: np.sqrt(np.maximum(x, 0.0)), [-1, 4], [0, 0.25], [0, -1 / 32]),
    "sqrt of clip": (lambda x: np.sqrt(np.clip(x, 0.0, 9.0)), [-1, 4], [0, 0.25], [0, -1 / 32]),
    "log of maximum": (lambda x: (x > 0) * np.log(np.maximum(x, 0.0)), [2], [0.5], [-0.25]),
    "select": (lambda x: np.select([x > 0], [np.log(x)], 0.0), [0, 2], [0, 0.5], [0, -0.25]),
    "piecewise": (lambda x: _piecewise(x), [0, 4], [0, 0.25], [0, -1 / 32]),
    "masked write": (lambda x: _masked(x), [0, 4], [0, 0.25], [0, -1 / 32]),
    "divide where": (lambda x: _divided(x), [0, 2], [0, -0.25], [0, 0.25]),
    # kinks and ties
    "maximum": (lambda x: np.maximum(x, 0.0), [0, 1, -1], [0.5, 1, 0], 0),
    "maximum of equals": (lambda x: np.maximum(x, x), [2], [1], 0),
    "minimum": (lambda x: np.minimum(x, 0.0), [0, 1, -1], [0.5, 0, 1], 0),
    "fmax": (lambda x: np.fmax(x, 0.0), [0], [0.5], 0),
    "relu": (nn.relu, [0, 1, -1], [0, 1, 0], 0),
    "abs": (np.abs, [0, -2], [0, -1], 0),
    "sign": (np.sign, [0, 2], [0, 0], 0),
    "x abs x": (lambda x: x * np.abs(x), [0, 1], [0, 2], [0, 2]),
    "floor": (np.floor, [0, 1], [0, 0], 0),
    "clip": (lambda x: np.clip(x, 0.0, 1.0), [0, 1, 2], [1, 1, 0], 0),
    "max": (np.max, [3, 1, 3], [0.5, 0, 0.5], 0),
    "min": (np.min, [1, 1, 1], [THIRD] * 3, 0),
    "ptp": (np.ptp, [1, 1, 1], [0, 0, 0], 0),
    "nanmax": (np.nanmax, [1, 1], [0.5, 0.5], 0),
    "median odd": (np.median, [1, 2, 2, 2, 3], [0, THIRD, THIRD, THIRD, 0], 0),
    "median even": (np.median, [1, 2, 2, 3], [0, 0.5, 0.5, 0], 0),
    "percentile": (lambda x: np.percentile(x, 75.0), [2, 2, 2, 0], [THIRD] * 3 + [0], 0),
    "quantile": (lambda x: np.quantile(x, 0.5), [1, 1], [0.5, 0.5], 0),
    "sort": (lambda x: np.sort(x) * np.arange(1.0, 4.0), [2, 2, 1], [2.5, 2.5, 1], 0),
    "sort in place": (lambda x: _sorted_in_place(x), [2, 2, 1], [2.5, 2.5, 1], 0),
    "partition": (lambda x: np.partition(x, 1)[:1], [1, 1, 3], [0.5, 0.5, 0], 0),
    "maximum.accumulate": (np.maximum.accumulate, [1, 1], [1.5, 0.5], 0),
    "maximum.reduceat": (lambda x: np.maximum.reduceat(x, [0]), [1, 1], [0.5, 0.5], 0),
    # norms and products at zero
    "norm": (np.linalg.norm, [0, 0], [0, 0], 0),
    "norm 1": (lambda x: np.linalg.norm(x, 1), [0, 2], [0, 1], 0),
    "norm 3": (lambda x: np.linalg.norm(x, 3), [0, 0], [0, 0], 0),
    "norm inf": (lambda x: np.linalg.norm(x, np.inf), [0, 0], [0, 0], 0),
    "norm -inf": (lambda x: np.linalg.norm(x, -np.inf), [0, 0], [0, 0], 0),
    "norm frobenius": (lambda x: np.linalg.norm(x.reshape(2, 2)), [0, 0, 0, 0], [0, 0, 0, 0], 0),
    "hypot": (lambda x: np.hypot(x, x), [0], [0], 0),
    "arctan2": (lambda x: np.arctan2(x[:1], x[1:]), [0, 0], [0, 0], 0),
    "arctan2 of one": (lambda x: np.arctan2(x, x), [0], [0], 0),
    "angle": (lambda x: np.angle(x[0] + 1j * x[1]), [0, 0], [0, 0], 0),
    "angle of real": (np.angle, [0, -1], [0, 0], 0),
    "abs complex": (lambda x: np.abs(x[0] + 1j * x[1]), [0, 0], [0, 0], 0),
    "logaddexp.reduce": (np.logaddexp.reduce, [-np.inf, -np.inf], [0, 0], 0),
    "std": (np.std, [2, 2], [0, 0], 0),
    "prod": (np.prod, [0, 2, 3], [6, 0, 0], None),
    "prod of zeros": (np.prod, [0, 0, 3], [0, 0, 0], None),
    "cumprod": (np.cumprod, [0, 0, 3], [1, 0, 0], None),
    "square": (lambda x: x**2, [0], [0], 2),
    "power 1.5 of abs": (lambda x: np.abs(x) ** 1.5, [0], [0], 0),
    "sinc": (np.sinc, [0], [0], -np.pi**2 / 3),
    "logaddexp of -inf": (lambda x: np.logaddexp(x, -np.inf), [1], [1], 0),
    # infinite
    "sqrt": (np.sqrt, [0], [np.inf], -np.inf),
    "log": (np.log, [0], [np.inf], -np.inf),
    "log1p": (np.log1p, [-1], [np.inf], -np.inf),
    "arcsin": (np.arcsin, [1], [np.inf], np.inf),
    "arccosh": (np.arccosh, [1], [np.inf], -np.inf),
    "logit": (special.logit, [0], [np.inf], -np.inf),
}  # fmt: skip


def _piecewise(x: Any) -> Any:
    return np.piecewise(x, [x > 0], [np.sqrt, 0.0])


def _divided(x: Any) -> Any:
    return np.divide(1.0, x, out=np.zeros_like(x), where=x > 0)


def _masked(x: Any) -> Any:
    y = np.sqrt(x)
    y[...] = np.where(x > 0, y, 0.0)
    return y


def _sorted_in_place(x: Any) -> Any:
    y = x * 1.0
    y.sort()
    return y * np.arange(1.0, 4.0)


def total(name: str) -> tuple[Function, Any, Any]:
    f, point, gradient, _ = POINTS[name]
    return (lambda x: np.sum(f(x))), np.array(point, float), np.array(gradient, float)


def pushed(f: Function) -> Function:
    """The gradient by forward mode, one direction at a time."""
    return lambda x: np.array([wg.jvp(f, (x,), (e,))[1] for e in np.eye(x.size)])


MODES: dict[str, Callable[[Function], Function]] = {
    "reverse": wg.grad,
    "forward": pushed,
    "jacfwd": wg.jacfwd,
    "vmap of grad": lambda f: lambda x: wg.vmap(wg.grad(f))(np.stack([x, x]))[1],
    "grad of vmap": lambda f: lambda x: wg.grad(lambda b: np.sum(wg.vmap(f)(b)))(x[None])[0],
    "linearize": lambda f: lambda x: np.array([wg.linearize(f, x)[1](e) for e in np.eye(x.size)]),
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", POINTS)
def test_first_order(name: str, mode: str) -> None:
    f, x, expected = total(name)
    np.testing.assert_allclose(MODES[mode](f)(x), expected, rtol=1e-13, atol=1e-15)


SECOND: dict[str, Callable[[Function], Function]] = {
    "hessian": wg.hessian,
    "forward over reverse": lambda f: wg.jacfwd(wg.grad(f)),
    "reverse over reverse": lambda f: wg.jacrev(wg.grad(f)),
    "reverse over forward": lambda f: wg.jacrev(wg.jacfwd(f)),
    "forward over forward": lambda f: wg.jacfwd(wg.jacfwd(f)),
    "vmap of hessian": lambda f: lambda x: wg.vmap(wg.hessian(f))(np.stack([x, x]))[0],
}
HESSIANS: dict[str, Any] = {
    "prod": [[0, 3, 2], [3, 0, 0], [2, 0, 0]],
    "prod of zeros": [[0, 3, 0], [3, 0, 0], [0, 0, 0]],
    "cumprod": [[0, 4, 0], [4, 0, 0], [0, 0, 0]],
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("mode", SECOND)
@pytest.mark.parametrize("name", POINTS)
def test_second_order(name: str, mode: str) -> None:
    f, x, _ = total(name)
    diagonal = POINTS[name][3]
    expected = HESSIANS.get(name)
    if expected is None:
        expected = np.diag(np.broadcast_to(np.array(diagonal, float), x.shape))
    np.testing.assert_allclose(SECOND[mode](f)(x), expected, rtol=1e-12, atol=1e-14)


def test_mixed_second_derivative_through_a_zero() -> None:
    f = lambda x, y: x * np.log(y)  # noqa: E731
    for outer in (wg.grad, wg.jacfwd, wg.jacrev):
        for inner in (wg.grad, wg.jacfwd, wg.jacrev):
            assert outer(inner(f, argnums=0), argnums=1)(0.0, 2.0) == 0.5
            assert outer(inner(f, argnums=1), argnums=0)(0.0, 2.0) == 0.5


@pytest.mark.parametrize("order", ["nuc", 2, -2])
def test_hessians_of_norms_by_singular_values_at_zero(order: Any) -> None:
    """They are 0, as those of the other norms, and leave the other matrices of a stack alone."""

    def norms(a: Any) -> Any:
        return np.sum(np.linalg.norm(a, order, axis=(-2, -1)))

    a = np.random.default_rng(8).normal(size=(2, 3))
    for zeros in (np.zeros((2, 3)), np.zeros((3, 3)), np.zeros((3, 2), complex)):
        if zeros.dtype.kind != "c":
            assert not wg.hessian(norms)(zeros).any()
        assert not wg.grad(norms)(zeros).any()
    stack = np.stack([np.zeros((2, 3)), a])
    expected = wg.hessian(norms)(a)
    assert np.isfinite(expected).all()
    for hessian in (wg.hessian(norms), wg.jit(wg.hessian(norms))):
        h = hessian(stack)
        assert not h[0].any()
        np.testing.assert_allclose(h[1, :, :, 1], expected, atol=1e-12)
    x = wg.Tensor(stack, requires_grad=True)
    norms(x).backward()
    np.testing.assert_allclose(x.grad, wg.grad(norms)(stack), atol=1e-14)
