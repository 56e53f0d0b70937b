"""Forward over reverse on a plain tape gives what sweeping the recorded sweep gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.core import dual
from wengert.nn import sigmoid
from wengert.transforms import reverse

RNG = np.random.default_rng(0)
X = RNG.uniform(0.3, 1.2, (3, 4))
V = RNG.standard_normal((3, 4))
C = RNG.uniform(0.5, 1.5, (3, 4))
ROW = RNG.uniform(0.5, 1.5, 4)
M = RNG.standard_normal((4, 3))

PROGRAMS: dict[str, Any] = {
    "add": lambda x: np.sum((x + ROW + x[:, :1]) ** 3),
    "add scalar to array": lambda x: np.sum((x[0, 0] + C) ** 3),
    "sub": lambda x: np.sum((ROW - x) ** 3 - (x - x[:1]) ** 2),
    "mul": lambda x: np.sum(x * x[:1] * ROW * x),
    "mul by a number": lambda x: np.sum(3.0 * x * x * 2),
    "div": lambda x: np.sum(x / x[:1] + ROW / x + x / 3),
    "neg": lambda x: np.sum(-x * x),
    "pow": lambda x: np.sum(x**2.5 + x**2 + x**C),
    "square": lambda x: np.sum(np.square(x) * x),
    "sqrt": lambda x: np.sum(np.sqrt(x)),
    "reciprocal": lambda x: np.sum(np.reciprocal(x)),
    "exp": lambda x: np.sum(np.exp(x * x)),
    "expm1": lambda x: np.sum(np.expm1(x * x)),
    "log": lambda x: np.sum(np.log(x)),
    "log1p": lambda x: np.sum(np.log1p(x)),
    "logaddexp": lambda x: np.sum(np.logaddexp(x, x[:1]) + np.logaddexp(0, x * x)),
    "sin, cos": lambda x: np.sum(np.sin(x) * np.cos(x)),
    "arctan": lambda x: np.sum(np.arctan(x)),
    "sinh, cosh": lambda x: np.sum(np.sinh(x) + np.cosh(x)),
    "tanh": lambda x: np.sum(np.tanh(x)),
    "sigmoid": lambda x: np.sum(sigmoid(x)),
    "matmul": lambda x: np.sum((x @ M @ x) ** 2),
    "matmul of vectors": lambda x: (x[0] @ x[1]) * (ROW @ x[2]),
    "sum over an axis": lambda x: np.sum(np.sum(x, axis=0, keepdims=True) ** 2 * x.sum(1)[:, None]),
    "reshape, transpose": lambda x: np.sum((x.reshape(4, 3).T * x.T.reshape(3, 4)) ** 2),
    "concatenate": lambda x: np.sum(np.concatenate([x, C, x * x]) ** 3),
    "where": lambda x: np.sum(np.where(C > 1, x * x, x) * x),
    "indexing": lambda x: np.sum(x[[0, 0, 2]] ** 3) + x[1, 2] ** 2,
    "cumsum": lambda x: np.sum(np.cumsum(x, 1) ** 3),
    "a function that ends in its input": lambda x: x[0, 0] * 1.0,
    "item assignment": lambda x: np.sum(_assigned(x) ** 3),
}


def _assigned(x: Any) -> Any:
    y = x * 2
    y[1] = y[0] * x[2]
    y[:, 0] += 1.0
    return y


@pytest.fixture
def ways(monkeypatch: Any) -> list[bool]:
    """For each Hessian-vector product, whether the plain way was open."""
    found: list[bool] = []

    def watched(*args: Any) -> Any:
        result = dual.derivative_of_sweep(*args)
        found.append(result is not None)
        return result

    monkeypatch.setattr(reverse, "derivative_of_sweep", watched)
    return found


@pytest.mark.parametrize("name", PROGRAMS)
def test_agrees_with_forward_over_the_gradient(name: str, ways: list[bool]) -> None:
    f = PROGRAMS[name]
    product = wg.hvp(f, X, V)
    assert ways == [True]
    np.testing.assert_allclose(product, wg.jvp(wg.grad(f), (X,), (V,))[1], rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.max(x) ** 2 * x[0, 0],
        lambda x: np.sum(x**x),
        lambda x: np.real(np.sum((x * (1 + 2j)) ** 3)),
        lambda x: np.linalg.det(x[:, :3]) ** 2,
        lambda x: np.sum(np.where(C > 1, np.sqrt(x - x), x**3)),
    ],
    ids=["max", "both operands of pow", "complex", "det", "a partial that is infinite"],
)
def test_what_it_declines_is_done_by_two_sweeps(f: Any, ways: list[bool]) -> None:
    product = wg.hvp(f, X, V)
    assert ways == [False]
    np.testing.assert_allclose(product, wg.jvp(wg.grad(f), (X,), (V,))[1], rtol=1e-11, atol=1e-13)


def test_inside_other_transforms() -> None:
    f = PROGRAMS["mul"]
    third = wg.grad(lambda x: np.sum(wg.hvp(f, x, V) * C))(X)
    by_forward = wg.jvp(lambda x: wg.hvp(f, x, V), (X,), (C,))[1]
    np.testing.assert_allclose(third, by_forward, rtol=1e-11)
    stacked = wg.vmap(lambda v: wg.hvp(f, X, v))(np.stack([V, C]))
    np.testing.assert_allclose(stacked[1], wg.hvp(f, X, C), rtol=1e-12)


def test_containers_and_unused_inputs() -> None:
    x = {"a": X, "b": np.float64(2.0), "unused": ROW}
    v = {"a": V, "b": np.float64(0.5), "unused": ROW}

    def f(p: Any) -> Any:
        return np.sum(p["a"] ** 3) * p["b"] ** 2

    product = wg.hvp(f, x, v)
    np.testing.assert_allclose(product["a"], 6 * X * V * 4 + 3 * X**2 * 2 * 2.0 * 0.5)
    np.testing.assert_array_equal(product["unused"], np.zeros(4))
    assert product["a"].dtype == np.float64


def test_single_precision_stays() -> None:
    product = wg.hvp(PROGRAMS["tanh"], X.astype(np.float32), V.astype(np.float32))
    assert product.dtype == np.float32
    np.testing.assert_allclose(product, wg.hvp(PROGRAMS["tanh"], X, V), rtol=2e-5)


def test_inside_a_debug_block_every_operation_is_looked_at() -> None:
    def f(x: Any) -> Any:
        return np.sum(np.where(x > 1, np.sqrt(x - 1), x))

    with wg.debug():
        np.testing.assert_allclose(wg.hvp(PROGRAMS["tanh"], X, V), wg.hvp(PROGRAMS["tanh"], X, V))
        with pytest.raises(wg.NonFiniteError, match=r"np\.sqrt"):
            wg.hvp(f, np.array([1.0, 0.5]), np.ones(2))
