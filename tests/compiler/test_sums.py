"""Epilogues of their own, sums of sums, shared reciprocals: what is rewritten, and what is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.compiler.lowering import lowered
from wengert.compiler.passes.chains import chain_sums, reachable
from wengert.compiler.passes.epilogues import has_long_scalar_epilogue, split_epilogues
from wengert.compiler.passes.fuse import fuse
from wengert.compiler.passes.reciprocals import share_reciprocals
from wengert.compiler.passes.simplify import simplify
from wengert.compiler.plan import Nest, Plan
from wengert.core.abstract import Aval
from wengert.core.recorder import record

Array = np.ndarray


def graph(function: Callable[..., Any], *shapes: tuple[int, ...]) -> Any:
    avals = [Aval(shape, np.dtype(float)) for shape in shapes]
    return lowered(simplify(record(lambda *xs: [function(*xs)], avals, True)))


def nests(plan: Plan) -> list[Nest]:
    return [s for s in plan.steps if isinstance(s, Nest)]


def count(result: Any, name: str) -> int:
    """How many such operations the results are made of."""
    return sum(n.op == "map" and n.attrs == name for n in reachable(result.outputs))


def data(*shapes: tuple[int, ...]) -> list[Array]:
    rng = np.random.default_rng(3)
    return [rng.normal(size=shape) for shape in shapes]


# ------------------------------------------------------------------ epilogues


def test_long_epilogue_of_dot_products_is_a_nest_of_its_own() -> None:
    shapes = (50, 7), (7,)

    def f(x: Any, w: Any) -> Any:
        return np.log1p(np.exp(x @ w))

    before = fuse(graph(f, *shapes))
    assert len(nests(before)) == 1
    assert has_long_scalar_epilogue(nests(before)[0], before)
    first, second = nests(split_epilogues(before))
    assert first.reductions
    assert not second.reductions
    assert second.kept == (50,)
    x, w = data(*shapes)
    np.testing.assert_allclose(wg.jit(f)(x, w), f(x, w), 1e-13)


def test_short_and_vectorised_epilogues_stay() -> None:
    for f, shapes in (
        (lambda x, w: x @ w + 1, ((50, 7), (7,))),
        (lambda x: np.tanh(x.sum(0)), ((50, 40),)),  # vectors along the result
        (lambda x, w: np.tanh(x @ w).sum(), ((3, 7), (7,))),  # too few
    ):
        plan = fuse(graph(f, *shapes))
        count_before = len(plan.steps)
        assert len(split_epilogues(plan).steps) == count_before


def test_each_of_several_products_has_its_tile() -> None:
    shapes = (20, 16), (16, 24), (20, 16), (16, 24)

    def f(x: Any, w: Any, h: Any, u: Any) -> Any:
        return np.tanh((x @ w) * (h @ u))

    plan = split_epilogues(fuse(graph(f, *shapes)))
    assert [len(n.reductions) for n in nests(plan)] == [1, 1]
    np.testing.assert_allclose(wg.jit(f)(*data(*shapes)), f(*data(*shapes)), 1e-12)


# ------------------------------------------------------------------ sums of sums


def test_sums_over_the_same_indices_have_one_accumulator() -> None:
    shapes = (6, 5, 8), (6, 5, 9)

    def f(x: Any, z: Any) -> Any:
        return sum(x[t].T @ z[t] for t in range(6))

    (nest,) = nests(fuse(chain_sums(graph(f, *shapes))))
    assert len(nest.reductions) == 1
    x, z = data(*shapes)
    np.testing.assert_allclose(wg.jit(f)(x, z), f(x, z), 1e-12)


@pytest.mark.parametrize(
    ("function", "sums"),
    [
        (lambda x, z: 3 * z[:, :9] + x.T @ z + z[0] + (2 * x).T @ z, 1),
        (lambda x, z: np.concatenate([x.T @ z + (2 * x).T @ z, np.exp(x.T @ z)]), 2),  # read twice
        (lambda x, z: x[:3].T @ z[:3] + x[3:].T @ z[3:], 2),  # of other lengths
        (lambda x, z: x.T @ z - (2 * x).T @ z, 2),
        (lambda x, z: x @ x.T + (2 * z) @ z.T, 2),  # contiguous along the sum
    ],
)
def test_which_sums_are_joined(function: Callable[..., Any], sums: int) -> None:
    shapes = (9, 9), (9, 9)
    result = chain_sums(graph(function, *shapes))
    assert len([n for n in reachable(result.outputs) if n.op == "reduce"]) == sums
    found, expected = wg.jit(function)(*data(*shapes)), function(*data(*shapes))
    np.testing.assert_allclose(found, expected, 1e-12, 1e-13)


def test_recurrent_gradient_is_the_same() -> None:
    def loss(p: Any, x: Any) -> Any:
        h = x[0] @ p[0] * 0
        for t in range(x.shape[0]):
            h = np.tanh(x[t] @ p[0] + h @ p[1])
        return (h * h).sum()

    w, u, x = data((7, 11), (11, 11), (9, 5, 7))
    expected = wg.grad(loss)([w, u], x)
    for threads in (1, 2):
        found = wg.jit(wg.grad(loss), threads=threads)([w, u], x)
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(a, b, 1e-10, 1e-12)


# ------------------------------------------------------------------ reciprocals


def test_divisions_by_what_cannot_be_tiny_share_a_reciprocal() -> None:
    for f, least in (
        (lambda x, y: x / (1 + y * y) + y / (1 + y * y), 1),
        (lambda x, y: x / np.sqrt(np.abs(y) + 2) - (x + y) / np.sqrt(np.abs(y) + 2), 1),
        (lambda x, y: x / (1 + np.exp(-y)) + (x - 1) / (1 + np.exp(-y)), 1),
        (lambda x, y: x / y + 2 * x / y, 2),  # may be tiny
        (lambda x, y: x / (y * y) + 2 * x / (y * y), 2),
        (lambda x, y: x / (1 + y) + 2 * x / (1 + y), 2),
        (lambda x, y: x / (1 + y * y), 1),  # only once
    ):
        result = share_reciprocals(graph(f, (40,), (40,)))
        assert count(result, "div") == least
        x, y = data((40,), (40,))
        np.testing.assert_allclose(wg.jit(f)(x, y), f(x, y), 1e-14)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_special_values_of_shared_reciprocals(dtype: str) -> None:
    def f(x: Any, y: Any) -> Any:
        h = 1 + y * y
        return x / h, (x + 1) / h, np.sqrt(h)

    values = [0.0, -0.0, 1.0, 5e-324, 1e-310, 1e19, 1e30, 1e154, np.inf, -np.inf, np.nan]
    with np.errstate(all="ignore"):
        x, y = (a.ravel() for a in np.meshgrid(*[np.array(values).astype(dtype)] * 2))
        expected = f(x, y)
    for a, b in zip(wg.jit(f)(x, y), expected, strict=True):
        np.testing.assert_allclose(a, b, 8 * np.finfo(dtype).eps, 4 * np.finfo(dtype).tiny)
