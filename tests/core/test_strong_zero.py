"""A cotangent or tangent that is exactly zero annihilates an infinite or NaN partial."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert import Tensor

POINT = np.array([4.0, 0.0, -1.0])
ONES = np.ones(3)


def jvp_gradient(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: np.array([wg.jvp(f, (x,), (e,))[1] for e in np.eye(x.size)])


def linearized_gradient(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: np.array([wg.linearize(f, x)[1](e) for e in np.eye(x.size)])


def backward_gradient(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def gradient(x: Any) -> Any:
        t = Tensor(x, True)
        f(t).backward()
        return t.grad

    return gradient


GRADIENTS: dict[str, Callable[[Any], Any]] = {
    "grad": wg.grad,
    "jvp": jvp_gradient,
    "linearize": linearized_gradient,
    "backward": backward_gradient,
    "vmap of grad": lambda f: lambda x: wg.vmap(wg.grad(f))(x[None])[0],
    "grad of vmap": lambda f: lambda x: wg.grad(lambda b: np.sum(wg.vmap(f)(b)))(x[None])[0],
    "jacfwd": wg.jacfwd,
    "jacrev": wg.jacrev,
}

HESSIANS: dict[str, Callable[[Any], Any]] = {
    "fwd-rev": wg.hessian,
    "rev-rev": lambda f: wg.jacrev(wg.grad(f)),
    "rev-fwd": lambda f: wg.jacrev(wg.jacfwd(f)),
    "fwd-fwd": lambda f: wg.jacfwd(wg.jacfwd(f)),
    "vmap": lambda f: lambda x: wg.vmap(wg.hessian(f))(x[None])[0],
    "jvp of grad": lambda f: (
        lambda x: np.array([wg.jvp(wg.grad(f), (x,), (e,))[1] for e in np.eye(x.size)])
    ),
    "grad of jvp": lambda f: (
        lambda x: np.array(
            [wg.grad(lambda y, e=e: wg.jvp(f, (y,), (e,))[1])(x) for e in np.eye(x.size)]
        )
    ),
    "jvp of jvp": lambda f: (
        lambda x: np.array(
            [
                [
                    wg.jvp(lambda y, e=e: wg.jvp(f, (y,), (e,))[1], (x,), (d,))[1]
                    for d in np.eye(x.size)
                ]
                for e in np.eye(x.size)
            ]
        )
    ),
}

GUARDED: dict[str, tuple[Callable[[Any], Any], list[float], list[float]]] = {
    "where sqrt": (
        lambda x: np.sum(np.where(x > 0, np.sqrt(x), 0.0)), [0.25, 0, 0], [-1 / 32, 0, 0],
    ),
    "where log": (lambda x: np.sum(np.where(x > 0, np.log(x), 0.0)), [0.25, 0, 0], [-1 / 16, 0, 0]),
    "where 1/x": (
        lambda x: np.sum(np.where(x > 0, 1.0 / x, 0.0)), [-1 / 16, 0, 0], [1 / 32, 0, 0],
    ),
    "where power": (
        lambda x: np.sum(np.where(x > 0, x**0.5, 0.0)), [0.25, 0, 0], [-1 / 32, 0, 0],
    ),
    "both branches": (
        lambda x: np.sum(np.where(x > 0, np.log(x), np.sqrt(1.0 - x))),
        [0.25, -0.5, -0.5 / np.sqrt(2)],
        [-1 / 16, -0.25, -0.25 / np.sqrt(8)],
    ),
    "overwritten": (
        lambda x: overwritten(x), [0.25, 0, 0], [-1 / 32, 0, 0],
    ),
    "multiplied by a mask": (
        lambda x: np.sum(np.sqrt(np.where(x > 0, x, 1.0)) * (x > 0)), [0.25, 0, 0], [-1 / 32, 0, 0],
    ),
}  # fmt: skip


def overwritten(x: Any) -> Any:
    y = np.sqrt(x)
    y[1:] = 0.0
    return np.sum(y)


@pytest.fixture(autouse=True)
def _forward_warnings() -> Any:
    with np.errstate(all="ignore"):  # of sqrt and log outside their domain, in the forward pass
        yield


@pytest.mark.parametrize("mode", GRADIENTS)
@pytest.mark.parametrize("name", GUARDED)
def test_branch_not_taken_does_not_poison_the_gradient(name: str, mode: str) -> None:
    f, expected, _ = GUARDED[name]
    np.testing.assert_allclose(GRADIENTS[mode](f)(POINT), expected, rtol=1e-14)


@pytest.mark.parametrize("mode", HESSIANS)
@pytest.mark.parametrize("name", GUARDED)
def test_second_order(name: str, mode: str) -> None:
    f, _, expected = GUARDED[name]
    np.testing.assert_allclose(HESSIANS[mode](f)(POINT), np.diag(expected), rtol=1e-13)


def x_log_y(v: Any) -> Any:
    return v[0] * np.log(v[1])


@pytest.mark.parametrize("mode", HESSIANS)
def test_the_zero_itself_is_differentiated(mode: str) -> None:
    """d2/dxdy of x log y at (0, 2) is 1/2: sz(c, p) is bilinear, not a constant zero."""
    point = np.array([0.0, 2.0])
    np.testing.assert_allclose(HESSIANS[mode](x_log_y)(point), [[0.0, 0.5], [0.5, 0.0]])


@pytest.mark.parametrize(("outer", "inner"), [(a, b) for a in "gd" for b in "gd"])
def test_mixed_derivative_of_x_log_y(outer: str, inner: str) -> None:
    modes = {"g": wg.grad, "d": wg.derivative}

    def f(x: Any, y: Any) -> Any:
        return x * np.log(y)

    assert modes[outer](lambda x: modes[inner](lambda y: f(x, y))(2.0))(0.0) == 0.5
    assert modes[outer](lambda y: modes[inner](lambda x: f(x, y))(0.0))(2.0) == 0.5


@pytest.mark.parametrize("mode", GRADIENTS)
def test_maximum_and_clip_beside_infinities(mode: str) -> None:
    gradient = GRADIENTS[mode]
    x = np.array([0.5, 1.0, -2.0])
    np.testing.assert_array_equal(gradient(lambda x: np.sum(np.maximum(x, -np.inf)))(x), ONES)
    np.testing.assert_array_equal(gradient(lambda x: np.sum(np.minimum(x, np.inf)))(x), ONES)
    np.testing.assert_array_equal(gradient(lambda x: np.sum(np.maximum(x, np.inf)))(x), 0 * ONES)
    np.testing.assert_array_equal(
        gradient(lambda x: np.sum(np.clip(x, -np.inf, 0.75)))(x), [1, 0, 1]
    )
    far = np.array([np.inf, -np.inf, 0.0])
    np.testing.assert_array_equal(gradient(lambda x: np.sum(np.clip(x, -1.0, 1.0)))(far), [0, 0, 1])


DISCARDED: dict[str, Callable[[Any], Any]] = {
    "minimum": lambda x: np.sum(np.minimum(np.exp(x), 5.0)),
    "fmin": lambda x: np.sum(np.fmin(np.exp(x), 5.0)),
    "clip": lambda x: np.sum(np.clip(np.exp(x), 0.0, 5.0)),
    "where": lambda x: np.sum(np.where(x > 5, 5.0, np.exp(x))),
    "min": lambda x: np.min(np.exp(x)),
    "sort": lambda x: np.sort(np.exp(x))[0],
    "index": lambda x: np.exp(x)[1],
}


@pytest.mark.parametrize("mode", [*GRADIENTS, *HESSIANS])
@pytest.mark.parametrize("name", DISCARDED)
def test_overflow_that_is_discarded(name: str, mode: str) -> None:
    """Regression: forward mode multiplied the infinite tangent of what was not chosen by zero."""
    x = np.array([1000.0, 1.0])
    if mode in GRADIENTS:
        np.testing.assert_allclose(GRADIENTS[mode](DISCARDED[name])(x), [0.0, np.e])
    else:
        found = HESSIANS[mode](DISCARDED[name])(x)
        np.testing.assert_allclose(found, [[0.0, 0.0], [0.0, np.e]], rtol=1e-13)


@pytest.mark.parametrize("mode", GRADIENTS)
def test_infinite_slope_beside_a_kink(mode: str) -> None:
    """sqrt(max(x, 0)) is 0 to the left of 0, and so is its derivative."""
    x = np.array([-1.0, 4.0, -3.0])
    f = lambda x: np.sum(np.sqrt(np.maximum(x, 0.0)))  # noqa: E731
    np.testing.assert_allclose(GRADIENTS[mode](f)(x), [0.0, 0.25, 0.0])


@pytest.mark.parametrize("mode", ["grad", "backward"])
def test_large_gradients_through_contractions(mode: str) -> None:
    """Of large gradients only a part is looked at; what is poisoned must still be found."""
    rng = np.random.default_rng(0)
    n = 160
    x, w = rng.standard_normal((n, n)), rng.standard_normal((n, n))
    h = x @ w
    limit = np.sort(h.ravel())[3]  # the square root is undefined at three places

    def f(x: Any, w: Any) -> Any:
        z = x @ w - limit
        return np.sum(np.where(z > 0, np.sqrt(z), 0.0))

    with np.errstate(invalid="ignore"):
        ct = np.where(h > limit, 0.5 / np.sqrt(h - limit), 0.0)
    for k, expected in enumerate((ct @ w.T, x.T @ ct)):
        args = [x, w]

        def one(a: Any, k: int = k, args: Any = args) -> Any:
            return f(*[a if i == k else b for i, b in enumerate(args)])

        np.testing.assert_allclose(GRADIENTS[mode](one)(args[k]), expected, rtol=1e-10)


def test_true_infinities_stay() -> None:
    assert wg.grad(np.sqrt)(0.0) == np.inf
    assert wg.derivative(np.sqrt)(0.0) == np.inf
    assert np.isnan(wg.grad(np.sqrt)(-1.0))
    assert np.isnan(wg.derivative(np.log)(np.nan))
    np.testing.assert_array_equal(wg.grad(x_log_y)(np.array([0.0, 0.0])), [-np.inf, 0.0])
    np.testing.assert_array_equal(
        wg.grad(lambda x: np.sum(x * np.inf))(np.array([0.0, 1.0])), [np.inf, np.inf]
    )


def test_sinc_by_where() -> None:
    def sinc(x: Any) -> Any:
        return np.sum(np.where(x == 0, 1.0, np.sin(x) / x))

    x = np.array([0.0, 1.0])
    expected = [0.0, np.cos(1.0) - np.sin(1.0)]
    np.testing.assert_allclose(wg.grad(sinc)(x), expected)
    np.testing.assert_allclose(jvp_gradient(sinc)(x), expected)


def test_norm_by_where() -> None:
    def norm(x: Any) -> Any:
        square = np.sum(x * x)
        return np.where(square > 0, np.sqrt(square), 0.0)

    np.testing.assert_array_equal(wg.grad(norm)(np.zeros(2)), [0.0, 0.0])
    np.testing.assert_array_equal(wg.hessian(norm)(np.zeros(2)), np.zeros((2, 2)))


class TestWarnings:
    """NumPy's warnings keep their meaning in the forward pass; derivatives add none."""

    @pytest.mark.parametrize("name", GUARDED)
    def test_derivatives_warn_of_nothing(self, name: str) -> None:
        f, _, _ = GUARDED[name]
        t = Tensor(POINT, True)
        with np.errstate(all="ignore"):
            y = f(t)
            _, pullback = wg.vjp(f, POINT)
            _, linear = wg.linearize(f, POINT)
        with np.errstate(all="raise"):
            y.backward()
            pullback(1.0)
            linear(ONES)

    def test_batched_derivatives_warn_of_nothing(self) -> None:
        """Regression: what was recorded in a backward pass warned when it was replayed."""

        def f(x: Any) -> Any:
            positive = x > 0
            return np.sum(np.where(positive, np.sqrt(x * positive), x))

        batch = np.stack([POINT, -POINT])
        with np.errstate(all="raise"):
            for g in (wg.grad(f), wg.jacfwd(f), wg.hessian(f), wg.jacrev(wg.grad(f))):
                assert np.isfinite(wg.vmap(g)(batch)).all()
            wg.vmap(lambda x: wg.jvp(f, (x,), (x,))[1])(batch)

    def test_the_users_errstate_is_kept_under_vmap(self) -> None:
        def quietly(x: Any) -> Any:
            with np.errstate(all="ignore"):
                return np.log(x)

        with np.errstate(all="raise"):
            np.testing.assert_array_equal(wg.vmap(quietly)(np.array([0.0, 1.0])), [-np.inf, 0.0])
            with pytest.raises(FloatingPointError):
                wg.vmap(np.log)(np.array([0.0, 1.0]))

    def test_a_gradient_that_overflows_warns_of_nothing(self) -> None:
        x = Tensor([1e200], True)
        y = np.sum(x * 1e-200)
        with np.errstate(all="raise"):
            z = y * y
            z.backward(1e300)
            wg.grad(lambda x: np.sum(1.0 / x))(np.array([1e-300]))

    def test_forward_warnings_are_numpys(self) -> None:
        with np.errstate(all="raise"):
            with pytest.raises(FloatingPointError, match="divide by zero encountered in log"):
                wg.grad(np.log)(0.0)
            with pytest.raises(FloatingPointError, match="overflow encountered in exp"):
                wg.jvp(np.exp, (1e3,), (1.0,))
        with np.errstate(all="warn"), pytest.warns(RuntimeWarning, match="invalid value .* sqrt"):
            wg.grad(np.sqrt)(-1.0)
