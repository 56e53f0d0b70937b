"""Hessian-vector product of a two-layer scalar function of 100 inputs, float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.workloads.base import Bar, Contestant, Workload

_RNG = np.random.default_rng(0)
A = _RNG.standard_normal((50, 100)) / 10
B = _RNG.standard_normal((50, 50)) / 7
X = _RNG.standard_normal(100)
V = _RNG.standard_normal(100)


def _function(xp: Any, a: Any = A, b: Any = B) -> Callable[[Any], Any]:
    """``sum(tanh(B tanh(A x)))`` in terms of a NumPy-like module."""
    return lambda x: xp.sum(xp.tanh(b @ xp.tanh(a @ x)))


def numpy_by_hand() -> Callable[[], Any]:
    """Write forward over reverse out."""

    def step() -> Any:
        h = np.tanh(A @ X)
        y = np.tanh(B @ h)
        slope_h, slope_y = 1 - h * h, 1 - y * y
        h_dot = slope_h * (A @ V)
        y_dot = slope_y * (B @ h_dot)
        g = B.T @ slope_y
        g_dot = B.T @ (-2 * y * y_dot)
        return A.T @ (g_dot * slope_h - 2 * g * h * h_dot)

    return step


def wengert_hvp() -> Callable[[], Any]:
    """``wg.hvp``."""
    import wengert as wg

    f = _function(np)
    return lambda: wg.hvp(f, X, V)


def wengert_forward_over_reverse() -> Callable[[], Any]:
    """``jvp`` of ``grad``."""
    import wengert as wg

    gradient = wg.grad(_function(np))
    return lambda: wg.jvp(gradient, (X,), (V,))[1]


def autograd_reverse_over_reverse() -> Callable[[], Any]:
    """``hessian_vector_product``."""
    import autograd
    import autograd.numpy as anp

    product = autograd.hessian_vector_product(_function(anp))
    return lambda: product(X, V)


def autograd_forward_over_reverse() -> Callable[[], Any]:
    """``make_jvp`` of ``grad``."""
    import autograd
    import autograd.numpy as anp

    product = autograd.make_jvp(autograd.grad(_function(anp)))
    return lambda: product(X)(V)[1]


def torch_func_forward_over_reverse() -> Callable[[], Any]:
    """``torch.func.jvp`` of ``torch.func.grad``."""
    import torch

    x, v = torch.from_numpy(X), torch.from_numpy(V)
    gradient = torch.func.grad(_function(torch, torch.from_numpy(A), torch.from_numpy(B)))
    return lambda: torch.func.jvp(gradient, (x,), (v,))[1]


def torch_func_reverse_over_reverse() -> Callable[[], Any]:
    """``torch.func.vjp`` of ``torch.func.grad``."""
    import torch

    x, v = torch.from_numpy(X), torch.from_numpy(V)
    gradient = torch.func.grad(_function(torch, torch.from_numpy(A), torch.from_numpy(B)))

    def step() -> Any:
        _, pullback = torch.func.vjp(gradient, x)
        return pullback(v)[0]

    return step


def torch_double_backward() -> Callable[[], Any]:
    """``torch.autograd.grad`` twice, which bypasses torch.func."""
    import torch

    x, v = torch.from_numpy(X).requires_grad_(), torch.from_numpy(V)
    f = _function(torch, torch.from_numpy(A), torch.from_numpy(B))

    def step() -> Any:
        (gradient,) = torch.autograd.grad(f(x), (x,), create_graph=True)
        return torch.autograd.grad(gradient, (x,), v)[0]

    return step


def jax_eager() -> Callable[[], Any]:
    """``jvp`` of ``grad`` without jit."""
    import jax
    import jax.numpy as jnp

    gradient = jax.grad(_function(jnp, jnp.asarray(A), jnp.asarray(B)))
    x, v = jnp.asarray(X), jnp.asarray(V)
    return lambda: jax.jvp(gradient, (x,), (v,))[1]


WORKLOAD = Workload(
    key="hessian_vector",
    title="Hessian-vector product, 100 inputs",
    description="Of sum(tanh(B tanh(A x))) with 50 hidden units twice, float64.",
    contestants=(
        Contestant("numpy", "by hand", numpy_by_hand),
        Contestant("wengert", "hvp", wengert_hvp),
        Contestant("wengert", "jvp of grad", wengert_forward_over_reverse),
        Contestant("autograd", "hessian_vector_product", autograd_reverse_over_reverse),
        Contestant("autograd", "make_jvp of grad", autograd_forward_over_reverse),
        Contestant("torch.func", "jvp of grad", torch_func_forward_over_reverse),
        Contestant("torch.func", "vjp of grad", torch_func_reverse_over_reverse),
        Contestant("pytorch", "autograd.grad twice", torch_double_backward),
        Contestant("jax", "jvp of grad, no jit", jax_eager),
    ),
    steps=1,
    rtol=1e-9,
    bars=(Bar("torch.func", 5.0),),
)
