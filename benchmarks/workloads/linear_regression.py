"""Linear regression on four points: forward pass, gradient, update. Nothing but overhead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.workloads.base import Bar, Contestant, Workload

X = np.array([1.0, 2.0, 3.0, 4.0])
Y = 2 * X
RATE = 0.01


def numpy_by_hand() -> Callable[[], Any]:
    """Write the gradient of the mean squared error out."""
    w = 0.0

    def step() -> Any:
        nonlocal w
        d = w * X - Y
        loss = d.dot(d) / 4
        w = w - RATE * (d.dot(X) / 2)
        return loss

    return step


def wengert_tensor() -> Callable[[], Any]:
    """Tensor with ``backward()``."""
    import wengert as wg

    w = wg.Tensor(0.0, requires_grad=True)

    def step() -> Any:
        nonlocal w
        d = w * X - Y
        loss = d @ d / 4
        loss.backward()
        with wg.no_grad():
            w -= RATE * w.grad
        w.zero_grad()
        return loss

    return step


def wengert_function() -> Callable[[], Any]:
    """``value_and_grad`` of a plain function."""
    import wengert as wg

    def loss(w: Any) -> Any:
        d = w * X - Y
        return d @ d / 4

    value_and_grad = wg.value_and_grad(loss)
    w = np.float64(0.0)

    def step() -> Any:
        nonlocal w
        value, gradient = value_and_grad(w)
        w = w - RATE * gradient
        return value

    return step


def autograd_dot() -> Callable[[], Any]:
    """``value_and_grad`` with a dot product."""
    import autograd
    import autograd.numpy as anp

    def loss(w: Any) -> Any:
        d = w * X - Y
        return anp.dot(d, d) / 4

    return _autograd_step(autograd.value_and_grad(loss))


def autograd_mean() -> Callable[[], Any]:
    """``value_and_grad`` with the mean of the squares."""
    import autograd
    import autograd.numpy as anp

    return _autograd_step(autograd.value_and_grad(lambda w: anp.mean((w * X - Y) ** 2)))


def _autograd_step(value_and_grad: Callable[[Any], Any]) -> Callable[[], Any]:
    w = 0.0

    def step() -> Any:
        nonlocal w
        value, gradient = value_and_grad(w)
        w = w - RATE * gradient
        return value

    return step


def torch_backward() -> Callable[[], Any]:
    """``backward()`` and an update in place."""
    import torch

    x, y = torch.from_numpy(X), torch.from_numpy(Y)
    w = torch.zeros((), dtype=torch.float64, requires_grad=True)

    def step() -> Any:
        loss = torch.nn.functional.mse_loss(w * x, y)
        loss.backward()
        with torch.no_grad():
            w.sub_(w.grad, alpha=RATE)
        w.grad = None
        return loss

    return step


def torch_grad() -> Callable[[], Any]:
    """``torch.autograd.grad`` and a dot product."""
    import torch

    x, y = torch.from_numpy(X), torch.from_numpy(Y)
    w = torch.zeros((), dtype=torch.float64, requires_grad=True)

    def step() -> Any:
        d = w * x - y
        loss = d.dot(d) / 4
        (gradient,) = torch.autograd.grad(loss, (w,))
        with torch.no_grad():
            w.sub_(gradient, alpha=RATE)
        return loss

    return step


def jax_eager() -> Callable[[], Any]:
    """``value_and_grad`` without jit."""
    import jax
    import jax.numpy as jnp

    x, y = jnp.asarray(X), jnp.asarray(Y)

    def loss(w: Any) -> Any:
        d = w * x - y
        return d @ d / 4

    value_and_grad = jax.value_and_grad(loss)
    w = jnp.zeros(())

    def step() -> Any:
        nonlocal w
        value, gradient = value_and_grad(w)
        w = w - RATE * gradient
        return value

    return step


WORKLOAD = Workload(
    key="linear_regression",
    title="Linear regression, 4 points",
    description="One weight, mean squared error, float64: forward, gradient and update.",
    contestants=(
        Contestant("numpy", "by hand", numpy_by_hand),
        Contestant("wengert", "Tensor", wengert_tensor),
        Contestant("wengert", "value_and_grad", wengert_function),
        Contestant("autograd", "dot", autograd_dot),
        Contestant("autograd", "mean of squares", autograd_mean),
        Contestant("pytorch", "backward, mse_loss", torch_backward),
        Contestant("pytorch", "autograd.grad, dot", torch_grad),
        Contestant("jax", "value_and_grad, no jit", jax_eager),
    ),
    steps=20,
    rtol=1e-10,
    bars=(Bar("pytorch", 2.5), Bar("autograd", 3.0)),
)
