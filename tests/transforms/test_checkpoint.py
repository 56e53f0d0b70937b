"""checkpoint: the same derivatives in every mode and nesting, in less memory."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

import wengert as wg

rng = np.random.default_rng(0)
X = rng.normal(size=4)
W = rng.normal(size=(4, 4))


def layer(x: Any, w: Any) -> Any:
    return np.tanh(x @ w) * np.sin(x)


def composed(make: Any) -> Any:
    """A function of x and w in which the second block captures both."""

    def f(x, w):
        first = make(layer)
        second = make(lambda v: np.tanh(v @ w) * x)
        return np.sum(second(first(first(x, w), w)))

    return f


PLAIN = composed(lambda f: f)
SAVED = composed(wg.checkpoint)


def assert_same(a: Any, b: Any) -> None:
    for x, y in zip(wg.tree.leaves(a), wg.tree.leaves(b), strict=True):
        np.testing.assert_allclose(x, y)


@pytest.mark.parametrize(
    "transform",
    [
        lambda f: wg.value_and_grad(f, (0, 1))(X, W),
        lambda f: wg.jvp(f, (X, W), (W[0], W.T)),
        lambda f: wg.hessian(f)(X, W),
        lambda f: wg.jacrev(wg.grad(f))(X, W),
        lambda f: wg.jacrev(wg.jacrev(f, 1), 0)(X, W),
        lambda f: wg.grad(lambda x, w: np.sum(wg.grad(f, 1)(x, w) ** 2), (0, 1))(X, W),
        lambda f: wg.vmap(wg.grad(f), (0, None))(np.stack([X, 2 * X]), W),
        lambda f: wg.grad(lambda x: np.sum(wg.vmap(f, (0, None))(x, W)))(np.stack([X, 2 * X])),
        lambda f: wg.linearize(lambda x: f(x, W), X)[1](W[1]),
        lambda f: wg.jvp(lambda x: wg.vjp(f, x, W)[1](1.0), (X,), (W[2],)),
    ],
)
def test_same_derivatives(transform):
    assert_same(transform(SAVED), transform(PLAIN))


def test_nested_in_itself_to_third_order():
    def make(c):
        return c(lambda x: c(lambda v: np.sin(v) * x)(np.exp(x)))

    a, b = make(wg.checkpoint), make(lambda f: f)
    for _ in range(4):
        np.testing.assert_allclose(a(0.3), b(0.3))
        a, b = wg.grad(a), wg.grad(b)


def test_backward_reaches_arguments_and_captured_leaves():
    x, w = wg.Tensor(X, requires_grad=True), wg.Tensor(W, requires_grad=True)
    block = wg.checkpoint(lambda v: np.tanh(v @ w))
    np.sum(block(block(x)) ** 2).backward()
    gx, gw = wg.grad(lambda x, w: np.sum(np.tanh(np.tanh(x @ w) @ w) ** 2), (0, 1))(X, W)
    np.testing.assert_allclose(x.grad, gx)
    np.testing.assert_allclose(w.grad, gw)


def test_backward_twice_and_create_graph():
    x = wg.Tensor(X, requires_grad=True)
    y = np.sum(wg.checkpoint(lambda v: np.sin(v) * v)(x))
    y.backward()
    y.backward()
    np.testing.assert_allclose(x.grad, 2 * (np.cos(X) * X + np.sin(X)))
    x.zero_grad()
    y.backward(create_graph=True)
    g = x.grad
    x.zero_grad()
    np.sum(g).backward()
    np.testing.assert_allclose(x.grad, 2 * np.cos(X) - np.sin(X) * X)


def test_backward_inside_no_grad():
    x = wg.Tensor(X, requires_grad=True)
    y = np.sum(wg.checkpoint(np.sin)(x))
    with wg.no_grad():
        y.backward()
    np.testing.assert_allclose(x.grad, np.cos(X))


def test_containers_keywords_and_outputs_that_are_no_tensors():
    @wg.checkpoint
    def f(p, *, scale=1.0, name="f"):
        return {"y": p["a"] * p["b"] * scale, "same": p["a"], "name": name, "n": 3}

    def loss(p):
        out = f(p, scale=2.0, name="g")
        assert (out["name"], out["n"]) == ("g", 3)
        return np.sum(out["y"] ** 2) + np.sum(out["same"])

    got = wg.grad(loss)({"a": X, "b": W[0]})
    np.testing.assert_allclose(got["a"], 8 * X * W[0] ** 2 + 1)
    np.testing.assert_allclose(got["b"], 8 * X**2 * W[0])


def test_branches_and_loops_run_again_as_they_did():
    @wg.checkpoint
    def f(x):
        while x < 10:
            x = x * x if x > 2 else x + 1.5
        return x

    np.testing.assert_allclose(wg.grad(f)(1.0), (2 * 2.5) * (2 * 6.25))


def test_writes_inside_are_fine():
    @wg.checkpoint
    def f(x):
        y = x * 1.0
        y[1:] *= y[:-1]
        return y

    plain = lambda x: np.concatenate([x[:1], x[1:] * x[:-1]])  # noqa: E731
    np.testing.assert_allclose(wg.jacrev(f)(X), wg.jacrev(plain)(X))


def test_strong_zero():
    f = wg.checkpoint(lambda x: np.where(x > 0, np.sqrt(x), 0.0))
    np.testing.assert_allclose(wg.grad(lambda x: np.sum(f(x)))(np.array([4.0, 0.0])), [0.25, 0.0])


def test_constant_function_and_no_grad():
    x = wg.Tensor(X, requires_grad=True)
    assert not wg.checkpoint(lambda v: np.zeros(3))(x).any()
    with wg.no_grad():
        assert not wg.checkpoint(np.sin)(x).requires_grad
    np.testing.assert_allclose(wg.checkpoint(np.sin)(X), np.sin(X))


def test_plain_argument_that_changes_afterwards():
    data = X.copy()
    t = wg.Tensor(X, requires_grad=True)
    y = np.sum(wg.checkpoint(lambda a, b: a * b)(t, data))
    data[:] = 0.0
    y.backward()
    np.testing.assert_allclose(t.grad, X)


def test_captured_array_that_changes_afterwards_is_an_error():
    data = X.copy()
    t = wg.Tensor(X, requires_grad=True)
    y = np.sum(wg.checkpoint(lambda a: a * data)(t))
    data[:] = 0.0
    with pytest.raises(wg.WengertValueError, match="must not change"):
        y.backward()


def test_captured_parameter_that_is_updated_before_the_backward_pass_is_an_error():
    w = wg.Tensor(W, requires_grad=True)
    y = np.sum(wg.checkpoint(lambda v: v @ w)(wg.Tensor(X)))
    w.array -= 0.1
    with pytest.raises(wg.WengertValueError, match="other values"):
        y.backward()


def test_random_numbers_are_an_error():
    generator = np.random.default_rng(0)
    f = wg.checkpoint(lambda x: x * generator.random())
    with pytest.raises(wg.WengertValueError, match="random"):
        wg.grad(f)(1.0)


def test_writing_into_an_argument_is_an_error():
    def write(x):
        x[0] = 1.0
        return x * x

    with pytest.raises(wg.MutationError, match="argument"):
        wg.grad(lambda x: np.sum(wg.checkpoint(write)(x * 1.0)))(X)
    with pytest.raises(wg.MutationError, match="argument"):
        wg.checkpoint(write)(wg.Tensor(X))


def test_writing_into_a_captured_tensor_is_an_error():
    def f(x):
        y = x * 1.0

        def write(v):
            y[0] = v[1]
            return y * v

        return np.sum(wg.checkpoint(write)(x))

    with pytest.raises(wg.MutationError, match="captures"):
        wg.grad(f)(X)


def test_another_number_of_outputs_the_second_time_is_an_error():
    """Regression: an error about zip."""
    calls = []

    def f(x):
        calls.append(1)
        return (x,) * len(calls)

    with pytest.raises(wg.WengertValueError, match="gave 2 outputs, not 1"):
        wg.grad(lambda x: wg.checkpoint(lambda v: f(v * v))(x)[0])(2.0)


def test_a_view_of_an_argument_is_a_copy():
    def f(x):
        y = x * 1.0
        z = wg.checkpoint(lambda v: v[:2])(y)
        z[0] = 5.0
        return np.sum(z) + np.sum(y)

    value, gradient = wg.value_and_grad(f)(X)
    np.testing.assert_allclose(value, 5.0 + X[1] + X.sum())
    np.testing.assert_allclose(gradient, [1.0, 2.0, 1.0, 1.0])


def test_memory_of_a_deep_chain():
    def block(x):
        for _ in range(10):
            x = np.sin(x) * 1.01
        return x

    def peak(f):
        def chain(x):
            for _ in range(20):
                x = f(x)
            return np.sum(x)

        big = np.ones(20_000)
        tracemalloc.start()
        gradient = wg.grad(chain)(big)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most, gradient

    plain, expected = peak(block)
    saved, gradient = peak(wg.checkpoint(block))
    np.testing.assert_allclose(gradient, expected)
    # 200 steps on 160 kB: everything against 20 arguments and one block of 10 steps.
    assert plain > 30e6
    assert saved < plain / 4


INNER = {
    "grad": lambda g, x: wg.grad(g)(x),
    "vjp": lambda g, x: wg.vjp(g, x)[1](1.0)[0],
    "jvp": lambda g, x: wg.jvp(g, (x,), (1.0,))[1],
    "linearize": lambda g, x: wg.linearize(g, x)[1](1.0),
    "vmap": lambda g, x: np.sum(wg.vmap(wg.grad(g))(x * np.ones(1))),
    "checkpoint": lambda g, x: wg.checkpoint(wg.grad(g))(x),
}


class TestTransformsInside:
    """Regression: a transform inside took the checkpoint's operands for constants."""

    @pytest.mark.parametrize("inner", INNER)
    @pytest.mark.parametrize("captured", [False, True])
    @pytest.mark.parametrize("outer", ["grad", "vjp", "backward", "twice"])
    def test_inner_derivatives(self, inner, captured, outer):
        derivative = INNER[inner]

        def f(a):  # d/dy y^2 a at y = a, which is 2 a^2
            if captured:
                return wg.checkpoint(lambda x: derivative(lambda y: y**2 * a, x))(a)
            return wg.checkpoint(lambda x: derivative(lambda y: y**2 * x, x))(a)

        if outer == "grad":
            assert wg.grad(f)(2.0) == 8.0
        elif outer == "vjp":
            assert wg.vjp(f, 2.0)[1](1.0) == (8.0,)
        elif outer == "backward":
            a = wg.Tensor(2.0, requires_grad=True)
            f(a).backward()
            assert a.grad == 8.0
        else:
            assert wg.grad(wg.grad(f))(2.0) == 4.0

    def test_not_a_function(self):
        with pytest.raises(wg.WengertTypeError, match="expected a function, not a int"):
            wg.checkpoint(3)
