"""Random programs of two arguments: recorded in both, and differentiated forward in one of them.

So tangents and nodes meet in the operands of one operation in every combination, views among them.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg
import wengert.numpy as wnp

VIEWS: list[Callable[[Any], Any]] = [
    lambda a: a[1:3, :2],
    lambda a: a.T[:2, :2],
    lambda a: np.reshape(a, (9,))[2:6].reshape(2, 2),
    lambda a: a[::-1][:2, 1:3],
    lambda a: np.broadcast_to(a[0, :2], (2, 2)),
    lambda a: np.expand_dims(a, 0)[0, 1:, 1:],
    lambda a: a[[0, 2]][:, [1, 0]],
    lambda a: a[:2, :2] * 1.0,
]
MAPS: list[Callable[[Any], Any]] = [
    np.sin,
    np.tanh,
    lambda a: a.T,
    lambda a: a - a.mean(),
    lambda a: a.max(axis=1)[:, None] * np.ones((2, 2)),
    wg.checkpoint(np.sin),
    lambda a: wg.vmap(lambda row: row * row[0])(a),
    lambda a: wg.jvp(np.tanh, (a,), (a,))[1],
    lambda a: wg.grad(lambda b: np.sum(b * b * a))(a),
]


def _written(write: Callable[[Any, Any], None]) -> Callable[[Any, Any], Any]:
    def both(a: Any, b: Any) -> Any:
        buffer = wnp.zeros((2, 2))
        buffer[...] = a
        write(buffer, b)
        return buffer

    return both


PAIRS: list[Callable[[Any, Any], Any]] = [
    operator.add,
    operator.sub,
    operator.mul,
    operator.matmul,
    lambda a, b: a / (2 + b * b),
    lambda a, b: (1.5 + a * a) ** b,
    np.multiply,
    np.maximum,
    lambda a, b: np.where(a > b, a, b),
    lambda a, b: np.stack([a, b])[:, 0],
    lambda a, b: np.einsum("ij,jk->ik", a, b),
    _written(lambda c, b: c.__setitem__(0, b[1])),
    _written(lambda c, b: np.multiply(c, b, out=c)),
    _written(lambda c, b: operator.isub(c[1:], b[:1])),
    _written(lambda c, b: np.add.at(c, [0, 0], b)),
]


def random_program(rng: np.random.Generator) -> Callable[[Any, Any], Any]:
    steps = rng.integers(0, 1000, size=(rng.integers(3, 7), 6))

    def f(x: Any, w: Any) -> Any:
        values: list[Any] = []
        for order, view, pair, unary, earlier, which in steps:
            first, second = (x, w) if which % 2 else (w, x)
            a = VIEWS[view % len(VIEWS)](first)
            c = values[earlier % len(values)] if values else VIEWS[earlier % len(VIEWS)](second)
            if order % 3 == 0:
                c = MAPS[unary % len(MAPS)](c)
            made = PAIRS[pair % len(PAIRS)](*((a, c) if order % 2 else (c, a)))
            values.append(np.arctan(made))
        return sum(np.sum(np.sin(v)) for v in values[-2:])

    return f


@pytest.mark.parametrize("seed", range(80))
def test_second_derivatives_agree(seed: int) -> None:
    rng = np.random.default_rng(seed)
    f = random_program(rng)
    x, w, v = rng.normal(size=(3, 3, 3))
    both = wg.grad(f, argnums=(0, 1))

    def along(x: Any) -> Any:
        return wg.jvp(lambda x: both(x, w), (x,), (v,))[1]

    expected = [np.tensordot(h, v, 2) for h in wg.jacrev(both)(x, w)]
    t = wg.Tensor(w, True)
    slope = wg.jvp(lambda x: f(x, t), (x,), (v,))[1]
    if isinstance(slope, wg.Tensor) and slope.requires_grad:
        slope.backward()
        assert type(t.grad) is np.ndarray
    else:
        t.zero_grad()
    found = {
        "jvp of grad": along(x),
        "linearize": wg.linearize(lambda x: both(x, w), x)[1](v),
        "jacfwd of grad": [np.tensordot(h, v, 2) for h in wg.jacfwd(both)(x, w)],
        "grad of jvp": wg.grad(
            lambda x, w: wg.jvp(lambda x: f(x, w), (x,), (v,))[1], argnums=(0, 1)
        )(x, w),
        "vmap of jvp": [h[1] for h in wg.vmap(along)(np.stack([w, x]))],
        "hvp": [wg.hvp(f, x, v, w), expected[1]],
        "backward of jvp": [expected[0], expected[1] if t.grad is None else t.grad],
    }
    for name, parts in found.items():
        for part, right in zip(parts, expected, strict=True):
            np.testing.assert_allclose(part, right, rtol=1e-8, atol=1e-10, err_msg=name)
