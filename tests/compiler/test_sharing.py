"""Which plans are shared out to threads."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg
from wengert.compiler.plan import Region

pytest.importorskip("llvmlite")

Array = np.ndarray


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def loss(weights: list[Array], x: Array) -> Array:
    for w in weights:
        x = sigmoid(x @ w)
    return np.sum(x)


@pytest.mark.parametrize(("rows", "threads"), [(140, 1), (3000, 2)])
def test_threads_have_to_save_more_than_it_takes_to_start_them(rows: int, threads: int) -> None:
    """A step of 15 us gains nothing by a second thread; long ones are shared out."""
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=s) for s in ((3, 25), (25, 25), (25, 1))]
    x = rng.normal(size=(rows, 3))
    step = wg.jit(wg.grad(loss), threads=2)
    plan = step.lower(weights, x).plan
    assert max((s.parts for s in plan.steps if isinstance(s, Region)), default=1) == threads
    for found, expected in zip(step(weights, x), wg.grad(loss)(weights, x), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
