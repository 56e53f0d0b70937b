"""Derivatives of compiled functions: what the forward pass keeps for the backward pass."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

import wengert as wg

pytest.importorskip("llvmlite")

X = np.linspace(-1.0, 1.0, 6).reshape(2, 3)


def test_the_value_is_computed_once() -> None:
    runs: list[str] = []

    def noted(x: Any) -> Any:
        runs.append("forward")
        return np.exp(x)

    probe = wg.primitive(noted, vjp=lambda ct, out, x: ct * out, shape=lambda x: x.shape)
    f = wg.jit(lambda x: np.sum(np.tanh(probe(x) @ np.ones((3, 2)))))
    expected = wg.grad(lambda x: np.sum(np.tanh(np.exp(x) @ np.ones((3, 2)))))(X)
    for _ in range(3):
        del runs[:]
        # Where tanh is near 1, the last place of it is much of 1 - tanh**2.
        np.testing.assert_allclose(wg.grad(f)(X), expected, rtol=1e-13, atol=1e-14)
        assert runs == ["forward"]


def _net(p: Any, x: Any, y: Any) -> Any:
    h = np.tanh(x @ p["w"] + p["b"])
    z = np.maximum(h @ p["v"], 0.1)
    e = np.exp(z - np.max(z, axis=1, keepdims=True))
    q = e / np.sum(e, axis=1, keepdims=True)
    return -np.mean(np.log(q[np.arange(len(y)), y])), np.argmax(z, axis=1), q


def test_residuals_of_several_results() -> None:
    rng = np.random.default_rng(0)
    p = {"w": rng.normal(size=(3, 4)), "b": rng.normal(size=4), "v": rng.normal(size=(4, 5))}
    x, y = rng.normal(size=(6, 3)), rng.integers(0, 5, 6)
    f = wg.jit(_net)
    for weights in ((1.0, 0.0), (0.5, 2.0), (0.0, 1.0)):

        def total(f: Any, p: Any, x: Any, weights: Any = weights) -> Any:
            a, _, q = f(p, x, y)
            return weights[0] * a + weights[1] * np.sum(q[:, :2] ** 2)

        for argnums in (0, 1, (0, 1)):
            found = wg.grad(functools.partial(total, f), argnums=argnums)(p, x)
            expected = wg.grad(functools.partial(total, _net), argnums=argnums)(p, x)
            for a, b in zip(wg.tree.leaves(found), wg.tree.leaves(expected), strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-13)


def test_derivatives_of_residuals() -> None:
    """Second and third derivatives go through the residuals, also in mixed order."""
    f, g = wg.jit(lambda x: np.sum(np.exp(np.sin(x)) * x)), lambda x: np.sum(np.exp(np.sin(x)) * x)
    x, v = X[0].copy(), np.array([0.5, -1.0, 2.0])
    close = functools.partial(np.testing.assert_allclose, rtol=1e-11, atol=1e-12)

    def along(h: Any) -> Any:
        return lambda x: np.sum(wg.grad(h)(x) * v)

    close(wg.grad(along(f))(x), wg.grad(along(g))(x))
    close(wg.grad(along(along(f)))(x), wg.grad(along(along(g)))(x))
    close(wg.hessian(f)(x), wg.hessian(g)(x))
    close(wg.jacfwd(wg.grad(f))(x), wg.hessian(g)(x))
    close(wg.jacrev(wg.grad(f))(x), wg.hessian(g)(x))
    close(wg.hvp(f, x, v), wg.hvp(g, x, v))
    close(wg.jvp(wg.grad(f), (x,), (v,))[1], wg.jvp(wg.grad(g), (x,), (v,))[1])
    close(wg.grad(lambda x: wg.jvp(f, (x,), (v,))[1])(x), wg.grad(along(g))(x))
    close(wg.vmap(wg.grad(f))(X), wg.vmap(wg.grad(g))(X))
    t = wg.Tensor(x, requires_grad=True)
    y = f(t) * 2
    with wg.no_grad():
        assert not f(t).requires_grad
    y.backward()
    close(t.grad, 2 * wg.grad(g)(x))


def test_what_a_backward_pass_keeps() -> None:
    from wengert.compiler.passes.residuals import split
    from wengert.core.abstract import Aval
    from wengert.core.program import verify
    from wengert.core.recorder import record

    def joint(x: Any, ct: Any) -> Any:
        y, pull = wg.vjp(lambda x: np.sum(np.broadcast_to(np.tanh(x), (50, 4)) * 2 + 1), x)
        return [y, *pull(ct)]

    program = record(joint, [Aval((4,), np.dtype(float)), Aval((), np.dtype(float))], True)
    halves = split(program, 1, 1)
    verify(halves.forward)
    verify(halves.backward)
    assert [v.shape for v in halves.forward.outputs] == [(), (4,)]  # tanh, not its broadcast
    assert halves.sources == [("output", 1)]
    assert "tanh" not in str(halves.backward)
