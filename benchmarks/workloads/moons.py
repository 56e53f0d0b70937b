"""A small sigmoid network on two moons: 2-25-25-1, 100 rows, one full-batch step.

The bias is the last row of each weight matrix, as if a column of ones had been appended to the
input; some libraries are faster with the column, some with the sum, so both are tried. The loss is
the sum of the negative log-likelihoods, ``log(1 + exp(-s z))`` with ``s = +-1`` and the logit
``z``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks.workloads.base import Bar, Contestant, Workload

ROWS = 100
RATE = 1e-3
SIZES = (2, 25, 25, 1)


def _two_moons() -> tuple[np.ndarray, np.ndarray]:
    """Two interleaved half circles with noise 0.1, and their labels 0 and 1."""
    rng = np.random.default_rng(0)
    angle = np.linspace(0, np.pi, ROWS // 2)
    upper = np.column_stack([np.cos(angle), np.sin(angle)])
    lower = np.column_stack([1 - np.cos(angle), 0.5 - np.sin(angle)])
    x = np.concatenate([upper, lower]) + 0.1 * rng.standard_normal((ROWS, 2))
    return x, np.repeat([0.0, 1.0], ROWS // 2)[:, None]


X, Y = _two_moons()
SIGNS = 2 * Y - 1
ONES = np.ones((ROWS, 1))


def initial_weights() -> list[np.ndarray]:
    """Standard normal weights, one row more than inputs."""
    rng = np.random.default_rng(1)
    return [rng.standard_normal((n + 1, m)) for n, m in pairwise(SIZES)]


def numpy_by_hand() -> Callable[[], Any]:
    """Write the backward pass out, with temporaries overwritten where that helps."""
    weights = initial_weights()

    def sigmoid(z: np.ndarray) -> np.ndarray:
        np.negative(z, out=z)
        np.exp(z, out=z)
        z += 1
        return np.reciprocal(z, out=z)

    def step() -> Any:
        w1, w2, w3 = weights
        z1 = X @ w1[:-1]
        z1 += w1[-1]
        h1 = sigmoid(z1)
        z2 = h1 @ w2[:-1]
        z2 += w2[-1]
        h2 = sigmoid(z2)
        margin = h2 @ w3[:-1]
        margin += w3[-1]
        margin *= SIGNS
        loss = np.logaddexp(0, -margin).sum()
        g3 = -SIGNS / (1 + np.exp(margin))
        g2 = g3 @ w3[:-1].T
        g2 *= h2 * (1 - h2)
        g1 = g2 @ w2[:-1].T
        g1 *= h1 * (1 - h1)
        for w, h, g in ((w1, X, g1), (w2, h1, g2), (w3, h2, g3)):
            w[:-1] -= RATE * (h.T @ g)
            w[-1] -= RATE * g.sum(axis=0)
        return loss

    return step


def _loss_sum(xp: Any, sigmoid: Callable[[Any], Any]) -> Callable[[Sequence[Any]], Any]:
    """The loss as a function of the weights, the bias as a sum."""

    def loss(weights: Sequence[Any]) -> Any:
        w1, w2, w3 = weights
        h1 = sigmoid(X @ w1[:-1] + w1[-1])
        h2 = sigmoid(h1 @ w2[:-1] + w2[-1])
        return xp.sum(xp.logaddexp(0, -SIGNS * (h2 @ w3[:-1] + w3[-1])))

    return loss


def _loss_padded(xp: Any, sigmoid: Callable[[Any], Any]) -> Callable[[Sequence[Any]], Any]:
    """The loss as a function of the weights, the bias as a column of ones."""
    padded = np.concatenate([X, ONES], axis=1)

    def loss(weights: Sequence[Any]) -> Any:
        w1, w2, w3 = weights
        h1 = xp.concatenate([sigmoid(padded @ w1), ONES], axis=1)
        h2 = xp.concatenate([sigmoid(h1 @ w2), ONES], axis=1)
        return xp.sum(xp.logaddexp(0, -SIGNS * (h2 @ w3)))

    return loss


def _functional(value_and_grad: Callable[[Any], Any]) -> Callable[[], Any]:
    """Full-batch gradient descent with a function that returns loss and gradients."""
    weights: Any = initial_weights()

    def step() -> Any:
        nonlocal weights
        value, gradients = value_and_grad(weights)
        weights = [w - RATE * g for w, g in zip(weights, gradients)]
        return value

    return step


def _sigmoid_exp(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def _wengert_function(make_loss: Callable[..., Any]) -> Callable[[], Any]:
    import wengert as wg
    from wengert import nn

    return _functional(wg.value_and_grad(make_loss(np, nn.sigmoid)))


def wengert_function_sum() -> Callable[[], Any]:
    """``value_and_grad``, the bias as a sum."""
    return _wengert_function(_loss_sum)


def wengert_function_padded() -> Callable[[], Any]:
    """``value_and_grad``, the bias as a column of ones."""
    return _wengert_function(_loss_padded)


def _wengert_tensor(make_loss: Callable[..., Any]) -> Callable[[], Any]:
    import wengert as wg
    from wengert import nn

    weights = [wg.Tensor(w, requires_grad=True) for w in initial_weights()]
    forward = make_loss(np, nn.sigmoid)

    def step() -> Any:
        loss = forward(weights)
        loss.backward()
        with wg.no_grad():
            for w in weights:
                w -= RATE * w.grad
                w.zero_grad()
        return loss

    return step


def wengert_tensor_sum() -> Callable[[], Any]:
    """Tensors with ``backward()``, the bias as a sum."""
    return _wengert_tensor(_loss_sum)


def wengert_tensor_padded() -> Callable[[], Any]:
    """Tensors with ``backward()``, the bias as a column of ones."""
    return _wengert_tensor(_loss_padded)


def _autograd(make_loss: Callable[..., Any]) -> Callable[[], Any]:
    import autograd
    import autograd.numpy as anp
    from autograd.scipy.special import expit

    return _functional(autograd.value_and_grad(make_loss(anp, expit)))


def autograd_sum() -> Callable[[], Any]:
    """``value_and_grad``, the bias as a sum."""
    return _autograd(_loss_sum)


def autograd_padded() -> Callable[[], Any]:
    """``value_and_grad``, the bias as a column of ones."""
    return _autograd(_loss_padded)


def torch_linear() -> Callable[[], Any]:
    """``addmm`` for the bias row, the built-in loss."""
    import torch

    x, y = torch.from_numpy(X), torch.from_numpy(Y)
    weights = [torch.from_numpy(w).requires_grad_() for w in initial_weights()]
    loss_of = torch.nn.functional.binary_cross_entropy_with_logits

    def forward() -> Any:
        w1, w2, w3 = weights
        h1 = torch.sigmoid(torch.addmm(w1[-1], x, w1[:-1]))
        h2 = torch.sigmoid(torch.addmm(w2[-1], h1, w2[:-1]))
        return loss_of(torch.addmm(w3[-1], h2, w3[:-1]), y, reduction="sum")

    return _torch_step(weights, forward)


def torch_padded() -> Callable[[], Any]:
    """``cat`` with a column of ones, the built-in loss."""
    import torch

    ones = torch.from_numpy(ONES)
    x, y = torch.cat([torch.from_numpy(X), ones], dim=1), torch.from_numpy(Y)
    weights = [torch.from_numpy(w).requires_grad_() for w in initial_weights()]
    loss_of = torch.nn.functional.binary_cross_entropy_with_logits

    def forward() -> Any:
        w1, w2, w3 = weights
        h1 = torch.cat([torch.sigmoid(x @ w1), ones], dim=1)
        h2 = torch.cat([torch.sigmoid(h1 @ w2), ones], dim=1)
        return loss_of(h2 @ w3, y, reduction="sum")

    return _torch_step(weights, forward)


def _torch_step(weights: list[Any], forward: Callable[[], Any]) -> Callable[[], Any]:
    import torch

    def step() -> Any:
        loss = forward()
        gradients = torch.autograd.grad(loss, weights)
        with torch.no_grad():
            torch._foreach_add_(weights, gradients, alpha=-RATE)
        return loss

    return step


def jax_eager() -> Callable[[], Any]:
    """``value_and_grad`` without jit."""
    import jax
    import jax.numpy as jnp

    return _functional(jax.value_and_grad(_loss_sum(jnp, jax.nn.sigmoid)))


WORKLOAD = Workload(
    key="moons",
    title="Moons, 2-25-25-1, 100 rows",
    description="Sigmoid network, float64, sum of negative log-likelihoods: a full-batch step.",
    contestants=(
        Contestant("numpy", "by hand", numpy_by_hand),
        Contestant("wengert", "Tensor, bias added", wengert_tensor_sum),
        Contestant("wengert", "Tensor, column of ones", wengert_tensor_padded),
        Contestant("wengert", "value_and_grad, bias added", wengert_function_sum),
        Contestant("wengert", "value_and_grad, column of ones", wengert_function_padded),
        Contestant("autograd", "bias added", autograd_sum),
        Contestant("autograd", "column of ones", autograd_padded),
        Contestant("pytorch", "addmm", torch_linear),
        Contestant("pytorch", "column of ones", torch_padded),
        Contestant("jax", "value_and_grad, no jit", jax_eager),
    ),
    steps=10,
    rtol=1e-9,
    bars=(Bar("pytorch", 1.5), Bar("autograd", 3.0)),
)
