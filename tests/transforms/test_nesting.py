"""Every mode inside every other: perturbations stay apart, derivatives of any order are right."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg

from ..core.mutating_programs import PROGRAMS, numerical_gradient

F64 = np.float64


def jvp_derivative(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: wg.jvp(f, (x,), (F64(1.0),))[1]


def vmap_derivative(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: wg.vmap(wg.grad(f))(np.reshape(x, (1,)))[0]


def linearize_derivative(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: wg.linearize(f, x)[1](F64(1.0))


def vjp_derivative(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: wg.vjp(f, x)[1](F64(1.0))[0]


MODES = {
    "grad": wg.grad,
    "jvp": jvp_derivative,
    "vmap": vmap_derivative,
    "linearize": linearize_derivative,
    "vjp": vjp_derivative,
    "jacfwd": wg.jacfwd,
    "jacrev": wg.jacrev,
    "derivative": wg.derivative,
}
THREE = ("grad", "jvp", "vmap")


def nested(modes: tuple[str, ...], f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    for mode in modes:
        f = MODES[mode](f)
    return f


def assert_plain(x: Any, expected: Any, **close: float) -> None:
    assert not isinstance(x, wg.Tensor)
    np.testing.assert_allclose(x, expected, **close)


@pytest.mark.parametrize(("outer", "inner"), list(itertools.product(MODES, repeat=2)))
class TestPerturbationConfusion:
    """The examples of Siskind and Pearlmutter (2005), in all pairs of modes."""

    def test_inner_derivative_does_not_see_the_outer_variable(self, outer: str, inner: str) -> None:
        f = MODES[outer](lambda x: x * MODES[inner](lambda y: x + y)(F64(1.0)))
        assert_plain(f(F64(3.0)), 1.0)

    def test_product_of_both_variables(self, outer: str, inner: str) -> None:
        # d/dx x d/dy (x y^2) at y = 2 is d/dx 4 x^2
        f = MODES[outer](lambda x: x * MODES[inner](lambda y: x * y * y)(F64(2.0)))
        assert_plain(f(F64(3.0)), 24.0)

    def test_inner_point_is_the_outer_variable(self, outer: str, inner: str) -> None:
        def f(x: Any) -> Any:
            return x * MODES[inner](lambda y: np.tanh(x * y))(x)

        # x d/dy tanh(x y) at y = x is x^2 (1 - tanh(x^2)^2)
        x = 0.3
        t = np.tanh(x * x)
        expected = 2 * x * (1 - t * t) + x * x * (-2 * t * (1 - t * t) * 2 * x)
        assert_plain(MODES[outer](f)(F64(x)), expected, rtol=1e-12)


@pytest.mark.parametrize("modes", list(itertools.product(MODES, repeat=2)), ids="-".join)
def test_second_derivative_of_tanh(modes: tuple[str, ...]) -> None:
    t = np.tanh(0.5)
    assert_plain(nested(modes, np.tanh)(F64(0.5)), -2 * t * (1 - t * t), rtol=1e-12)


@pytest.mark.parametrize("modes", list(itertools.product(THREE, repeat=3)), ids="-".join)
def test_third_derivative_of_tanh(modes: tuple[str, ...]) -> None:
    t = np.tanh(0.5)
    assert_plain(nested(modes, np.tanh)(F64(0.5)), (1 - t * t) * (6 * t * t - 2), rtol=1e-12)


@pytest.mark.parametrize("modes", list(itertools.product(THREE, repeat=4)), ids="-".join)
def test_fourth_derivative_of_tanh(modes: tuple[str, ...]) -> None:
    t = np.tanh(0.5)
    assert_plain(nested(modes, np.tanh)(F64(0.5)), (1 - t * t) * (16 * t - 24 * t**3), rtol=1e-11)


@pytest.mark.parametrize("modes", list(itertools.product(THREE, repeat=3)), ids="-".join)
def test_three_deep_with_captured_variables(modes: tuple[str, ...]) -> None:
    """Each level captures the variables of those around it; d/dx d/dy d/dz of sin(x y z) x."""
    first, second, third = (MODES[mode] for mode in modes)

    def f(x: Any) -> Any:
        def g(y: Any) -> Any:
            return y * third(lambda z: np.sin(x * y * z) * x)(y)

        return second(g)(x)

    def exact(x: float) -> float:
        # third: cos(x y^2) x^2 y, times y; d/dy of x^2 y^2 cos(x y^2) at y = x
        y = x
        return x * x * (2 * y * np.cos(x * y * y) - y * y * np.sin(x * y * y) * 2 * x * y)

    h = 1e-5
    slope = (8 * (exact(0.7 + h) - exact(0.7 - h)) - (exact(0.7 + 2 * h) - exact(0.7 - 2 * h))) / (
        12 * h
    )
    assert_plain(first(f)(F64(0.7)), slope, rtol=1e-9)


def test_closure_over_a_tensor_of_the_outer_transform() -> None:
    w = np.array([0.5, -1.0, 2.0])

    def loss(w: Any) -> Any:
        xs = np.arange(12.0).reshape(4, 3) / 10
        return np.sum(wg.vmap(lambda x: np.tanh(np.sum(x * w)))(xs))

    expected = sum((1 - np.tanh(x @ w) ** 2) * x for x in np.arange(12.0).reshape(4, 3) / 10)
    assert_plain(wg.grad(loss)(w), expected, rtol=1e-12)
    np.testing.assert_allclose(wg.jvp(loss, (w,), (w,))[1], expected @ w, rtol=1e-12)


def test_inner_result_used_by_a_second_inner_transform() -> None:
    def f(x: Any) -> Any:
        value, slope = wg.value_and_grad(lambda y: np.sin(x * y))(x)
        return value * wg.grad(lambda z: z * slope)(x)

    # slope = x cos(x^2); f = sin(x^2) x cos(x^2)
    def exact(x: float) -> float:
        return np.sin(x * x) * x * np.cos(x * x)

    h = 1e-6
    assert_plain(wg.grad(f)(F64(0.4)), (exact(0.4 + h) - exact(0.4 - h)) / (2 * h), rtol=1e-8)


def test_pullback_of_an_ended_transform_inside_another() -> None:
    """A pullback made outside is used inside a later transform, with a traced cotangent."""
    _, pullback = wg.vjp(lambda x: x**3, F64(2.0))
    assert_plain(wg.grad(lambda c: c * pullback(c)[0])(F64(5.0)), 2 * 5.0 * 12)
    assert_plain(wg.jvp(lambda c: pullback(c)[0], (F64(1.0),), (F64(1.0),))[1], 12.0)
    assert_plain(wg.vmap(lambda c: pullback(c)[0])(np.array([1.0, 2.0])), [12.0, 24.0])


def test_linearization_of_an_ended_transform_inside_another() -> None:
    _, linear = wg.linearize(lambda x: x**3, F64(2.0))
    assert_plain(wg.grad(lambda t: t * linear(t))(F64(5.0)), 2 * 5.0 * 12)
    assert_plain(wg.vmap(linear)(np.array([1.0, 2.0])), [12.0, 24.0])


def test_pullback_made_inside_and_used_inside() -> None:
    def f(x: Any) -> Any:
        y, pullback = wg.vjp(lambda z: z * z * x, x)
        (first,) = pullback(x)
        (second,) = pullback(y)
        return first + second  # 2 x^3 + 2 x^5

    assert_plain(wg.grad(f)(F64(1.5)), 6 * 1.5**2 + 10 * 1.5**4, rtol=1e-13)


POINT = np.array([0.12573022, -0.13210486, 0.64042265, 0.10490012, -0.53566937, 0.36159505])
DIRECTION = np.arange(6.0) + 1


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
class TestMutatingPrograms:
    """Programs that write through views, at first and second order, in all modes."""

    def test_reverse_and_value(self, f: Callable[[Any], Any]) -> None:
        value, gradient = wg.value_and_grad(f)(POINT.copy())
        assert_plain(value, f(POINT.copy()), rtol=1e-13)
        assert_plain(gradient, numerical_gradient(f, POINT), rtol=1e-5, atol=1e-7)

    def test_forward(self, f: Callable[[Any], Any]) -> None:
        slope = numerical_gradient(f, POINT) @ DIRECTION
        assert_plain(wg.jvp(f, (POINT.copy(),), (DIRECTION,))[1], slope, rtol=1e-5)
        assert_plain(wg.linearize(f, POINT.copy())[1](DIRECTION), slope, rtol=1e-5)

    def test_vmap(self, f: Callable[[Any], Any]) -> None:
        batch = np.stack([POINT, 2 * POINT])
        values = [f(POINT.copy()), f(2 * POINT)]
        gradients = [wg.grad(f)(POINT.copy()), wg.grad(f)(2 * POINT)]
        kept = batch.copy()
        assert_plain(wg.vmap(f)(batch), values, rtol=1e-12)
        assert_plain(wg.vmap(wg.grad(f))(batch), gradients, rtol=1e-12)
        assert_plain(wg.grad(lambda x: np.sum(wg.vmap(f)(x)))(batch), gradients, rtol=1e-12)
        directions = np.stack([DIRECTION, DIRECTION])
        slopes = [g @ DIRECTION for g in gradients]
        assert_plain(wg.jvp(wg.vmap(f), (batch,), (directions,))[1], slopes, rtol=1e-12)
        np.testing.assert_array_equal(batch, kept)

    def test_second_order(self, f: Callable[[Any], Any]) -> None:
        product = numerical_gradient(lambda x: wg.grad(f)(x) @ DIRECTION, POINT)
        close = {"rtol": 1e-4, "atol": 1e-6}
        reverse = wg.grad(lambda x: np.sum(wg.grad(f)(x) * DIRECTION))(POINT.copy())
        assert_plain(reverse, product, **close)
        exact = {"rtol": 1e-10, "atol": 1e-12}
        forward = wg.jvp(wg.grad(f), (POINT.copy(),), (DIRECTION,))[1]
        assert_plain(forward, reverse, **exact)
        mixed = wg.grad(lambda x: wg.jvp(f, (x,), (DIRECTION,))[1])(POINT.copy())
        assert_plain(mixed, reverse, **exact)
        twice = wg.jvp(lambda x: wg.jvp(f, (x,), (DIRECTION,))[1], (POINT.copy(),), (DIRECTION,))[1]
        assert_plain(twice, reverse @ DIRECTION, **exact)
        hessian = wg.hessian(f)(POINT.copy())
        assert_plain(hessian @ DIRECTION, reverse, **exact)
        assert_plain(wg.hvp(f, POINT.copy(), DIRECTION), reverse, **exact)
        batched = wg.vmap(wg.hessian(f))(np.stack([POINT, 2 * POINT]))
        assert_plain(batched[0], hessian, **exact)
        assert_plain(wg.jacrev(wg.grad(f))(POINT.copy()), hessian, **exact)
        assert_plain(wg.jacfwd(wg.jacfwd(f))(POINT.copy()), hessian, **exact)

    def test_argument_is_not_written(self, f: Callable[[Any], Any]) -> None:
        x = POINT.copy()
        wg.grad(f)(x)
        wg.jvp(f, (x,), (DIRECTION,))
        wg.linearize(f, x)
        wg.hessian(f)(x)
        np.testing.assert_array_equal(x, POINT)


OPERATORS = [
    operator.add,
    operator.sub,
    operator.mul,
    operator.truediv,
    operator.pow,
    operator.mod,
    operator.matmul,
]
VIEWS = {
    "slice": lambda w: w[1:],
    "reshape": lambda w: np.reshape(w[:3], (3,)),
    "reversed": lambda w: w[:0:-1],
    "transpose": lambda w: w[1:].T,
}


@pytest.mark.parametrize("swap", [False, True])
@pytest.mark.parametrize("apply", OPERATORS)
@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_dual_number_and_recorded_view(view: Any, apply: Any, swap: bool) -> None:
    """Regression: an operator whose right operand was a recorded view lost the tangent of the left.

    Recorded in the outer transform's argument alone, and differentiated forward in the other.
    """
    x, w = np.array([1.3, 2.1, 0.7]), np.array([0.4, 1.7, 2.6, 0.9])

    def loss(x: Any, w: Any) -> Any:
        other = view(w)
        return np.sum(np.sin(apply(other, x) if swap else apply(x, other)))

    def both(x: Any) -> Any:
        return wg.grad(loss, argnums=(0, 1))(x, w)

    columns = wg.jacfwd(both)(x)
    rows = wg.jacrev(both)(x)
    assert_plain(columns[0], rows[0], rtol=1e-12, atol=1e-13)
    assert_plain(columns[1], rows[1], rtol=1e-12, atol=1e-13)
    value, slope = wg.jvp(lambda x: wg.value_and_grad(lambda w: loss(x, w))(w), (x,), (x,))[1]
    assert_plain(value, wg.jvp(lambda x: loss(x, w), (x,), (x,))[1], rtol=1e-12)
    assert_plain(slope, rows[1] @ x, rtol=1e-12, atol=1e-13)


def test_lent_array_and_recorded_view() -> None:
    """The same of a leaf whose array is lent out: it is copied before its holder writes to it."""
    x, w = wg.Tensor([1.0, 2.0], True), wg.Tensor([3.0, 4.0, 5.0], True)
    lent = x.array
    loss = np.sum(x * w[1:])
    lent[...] = 9.0
    loss.backward()
    np.testing.assert_array_equal(w.grad, [0.0, 1.0, 2.0])
