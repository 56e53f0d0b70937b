"""`debug` looks into compiled functions, whatever was compiled before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg

X = np.array([0.0, 1.0, 2.0])


@wg.jit
def logarithm(x):
    y = 2 * x
    return np.sum(np.log(y))  # made here


@wg.jit
def root(x):
    return np.sum(np.sqrt(x))  # made here, too


def caught(f: Callable[..., Any], *args: Any, **options: Any) -> wg.NonFiniteError:
    with pytest.raises(wg.NonFiniteError) as info, wg.debug(**options):
        f(*args)
    return info.value


FORWARD = {
    "itself": logarithm,
    "grad": wg.grad(logarithm),
    "jit(grad)": wg.jit(wg.grad(logarithm)),
    "inside of another": wg.jit(lambda x: 3 * logarithm(x)),
    "vmap": lambda x: wg.vmap(logarithm)(x[:, None]),
    "jit(vmap)": wg.jit(lambda x: wg.vmap(logarithm)(x[:, None])),
    "jvp": lambda x: wg.jvp(logarithm, (x,), (x,)),
    "Tensor": lambda x: logarithm(wg.Tensor(x)),
}
BACKWARD = {
    "grad": wg.grad(root),
    "jit(grad)": wg.jit(wg.grad(root)),
    "hessian": wg.hessian(root),
    "vmap(grad)": lambda x: wg.vmap(wg.grad(root))(x[:, None]),
    "inside of another": wg.jit(wg.grad(lambda x: 3 * root(x))),
    "backward": lambda x: (lambda t: root(t).backward())(wg.Tensor(x, True)),
}


@pytest.mark.parametrize("name", FORWARD)
def test_forward(name: str) -> None:
    error = caught(FORWARD[name], X)
    assert error.operation == "np.log(x)"
    assert error.line.endswith("# made here")
    np.testing.assert_array_equal(np.ravel(error.operands["x"]), 2 * X)


@pytest.mark.parametrize("name", BACKWARD)
def test_backward(name: str) -> None:
    error = caught(BACKWARD[name], X)
    assert (error.operation, error.phase) == ("np.sqrt(x)", "backward")
    assert error.line.endswith("# made here, too")


@pytest.mark.parametrize("compiled", [wg.jit, wg.vmap, lambda f: lambda x: wg.jit(wg.vmap(f))(x)])
def test_tangents_are_called_so(compiled: Any) -> None:
    """Regression: a tangent of an equation was called the result of the operation."""
    f = compiled(lambda x: np.sqrt(x))
    error = caught(lambda: wg.jvp(f, (X,), (X + 1,)))
    assert str(error).startswith("the tangent of np.sqrt(x) made inf, at index (0,)")
    np.testing.assert_array_equal(error.operands["the tangent of x"], X + 1)


def test_after_native_calls() -> None:
    """Native code that serves earlier signatures stands back inside the block, and then returns."""
    f = wg.jit(lambda x: np.log(x) + 1.0)
    expected = [f(X + 1) for _ in range(6)]
    with np.errstate(divide="ignore"):
        assert f(X)[0] == -np.inf
    with wg.debug():
        np.testing.assert_array_equal(f(X + 1), expected[0])
    assert caught(f, X).operation == "np.log(x)"
    with wg.debug(infinities=False):
        assert f(X)[0] == -np.inf
    with np.errstate(divide="ignore"):
        assert f(X)[0] == -np.inf


def test_results_are_those_of_compiled_code() -> None:
    f = wg.jit(lambda x, k: (x * k, 3, x[0] > 0, {"a": np.sum(x)}))
    for x in (X, X.astype(np.float32)):
        plain = f(x, 2.5)
        with wg.debug():
            looked_at = f(x, 2.5)
        for y, z in zip(wg.tree.leaves(plain), wg.tree.leaves(looked_at), strict=True):
            assert (type(y), np.asarray(y).dtype) == (type(z), np.asarray(z).dtype)
            np.testing.assert_array_equal(y, z)


def test_draws_and_captured_arrays() -> None:
    scale = np.ones(3)

    @wg.jit
    def noise(x):
        return np.log(scale) + wg.random.normal(None, (3,)) * x

    wg.random.seed(4)
    expected = [noise(X), noise(X)]
    wg.random.seed(4)
    with wg.debug():
        np.testing.assert_array_equal([noise(X), noise(X)], expected)
    scale[1] = 0.0
    assert caught(noise, X).operation == "np.log(x)"
