"""A multilayer perceptron for digit images: 784-256-256-10, tanh, an SGD step on 32 rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks.workloads.base import Bar, Contestant, Workload

BATCH = 32
SIZES = (784, 256, 256, 10)
RATE = np.float32(0.1)
ROWS = np.arange(BATCH)


def _batch() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.random((BATCH, SIZES[0]), dtype=np.float32)
    # A constant batch; wengert then need not copy what its tape saves of it. The others ignore it.
    x.flags.writeable = False
    return x, rng.integers(0, SIZES[-1], BATCH)


X, Y = _batch()


def initial_parameters() -> list[np.ndarray]:
    """Weights and biases in turn, float32, uniform in +-sqrt(1 / inputs)."""
    rng = np.random.default_rng(1)
    parameters = []
    for n, m in pairwise(SIZES):
        bound = np.sqrt(1 / n)
        parameters.append(rng.uniform(-bound, bound, (n, m)).astype(np.float32))
        parameters.append(np.zeros(m, np.float32))
    return parameters


def numpy_by_hand() -> Callable[[], Any]:
    """Write the backward pass out, with temporaries overwritten where that helps."""
    parameters = initial_parameters()
    one = np.float32(1)

    def step() -> Any:
        w1, b1, w2, b2, w3, b3 = parameters
        z1 = X @ w1
        z1 += b1
        h1 = np.tanh(z1, out=z1)
        z2 = h1 @ w2
        z2 += b2
        h2 = np.tanh(z2, out=z2)
        logits = h2 @ w3
        logits += b3
        logits -= logits.max(axis=1, keepdims=True)
        p = np.exp(logits)
        total = p.sum(axis=1, keepdims=True)
        loss = (np.log(total[:, 0]) - logits[ROWS, Y]).mean()
        p /= total
        p[ROWS, Y] -= one
        p /= BATCH
        g2 = p @ w3.T
        g2 *= one - h2 * h2
        g1 = g2 @ w2.T
        g1 *= one - h1 * h1
        for w, b, h, g in ((w1, b1, X, g1), (w2, b2, h1, g2), (w3, b3, h2, p)):
            gradient = h.T @ g
            gradient *= RATE
            w -= gradient
            b -= RATE * g.sum(axis=0)
        return loss

    return step


def _loss(xp: Any, picked: Callable[[Any], Any]) -> Callable[[Sequence[Any]], Any]:
    """Cross entropy from logits as a function of the parameters, for a NumPy-like module."""

    def loss(parameters: Sequence[Any]) -> Any:
        w1, b1, w2, b2, w3, b3 = parameters
        h1 = xp.tanh(X @ w1 + b1)
        h2 = xp.tanh(h1 @ w2 + b2)
        logits = h2 @ w3 + b3
        top = picked(logits)
        return xp.mean(xp.log(xp.sum(xp.exp(logits - top), axis=1)) - (logits - top)[ROWS, Y])

    return loss


def _wengert_loss() -> Callable[[Sequence[Any]], Any]:
    from wengert import nn

    def loss(parameters: Sequence[Any]) -> Any:
        w1, b1, w2, b2, w3, b3 = parameters
        h1 = np.tanh(X @ w1 + b1)
        h2 = np.tanh(h1 @ w2 + b2)
        return nn.cross_entropy(h2 @ w3 + b3, Y)

    return loss


def wengert_tensor() -> Callable[[], Any]:
    """Tensors with ``backward()`` and an update in place."""
    import wengert as wg

    parameters = [wg.Tensor(p, requires_grad=True) for p in initial_parameters()]
    forward = _wengert_loss()

    def step() -> Any:
        loss = forward(parameters)
        loss.backward()
        with wg.no_grad():
            for p in parameters:
                gradient = p.grad
                gradient *= RATE
                p -= gradient
                p.zero_grad()
        return loss

    return step


def wengert_function() -> Callable[[], Any]:
    """``value_and_grad`` of a plain function, arrays updated in place."""
    import wengert as wg

    return _functional(wg.value_and_grad(_wengert_loss()))


def wengert_constants() -> Callable[[], Any]:
    """``value_and_grad`` of read-only parameters, of which no copy needs to be kept.

    The new parameters take the memory of the gradients: as many passes as an update in place.
    """
    import wengert as wg

    value_and_grad = wg.value_and_grad(_wengert_loss())
    parameters: Sequence[Any] = initial_parameters()

    def step() -> Any:
        nonlocal parameters
        value, gradients = value_and_grad(parameters)
        for p, g in zip(parameters, gradients):
            g *= -RATE
            g += p
            g.flags.writeable = False
        parameters = gradients
        return value

    return step


def wengert_modules() -> Callable[[], Any]:
    """`wengert.nn` and `wengert.optim`, as the training loop uses them."""
    import wengert as wg
    from wengert import nn, optim

    model: Any = nn.mlp(SIZES, rng=np.random.default_rng(1), activation=nn.tanh)
    leaves, structure = wg.tree.flatten(model)
    order = {p.shape: p for p in initial_parameters()}
    model = wg.tree.unflatten(structure, [order[leaf.shape] for leaf in leaves])
    optimizer = optim.SGD(lr=float(RATE))
    state = optimizer.init(model)
    value_and_grad = wg.value_and_grad(lambda model: nn.cross_entropy(model(X), Y))

    def step() -> Any:
        nonlocal model, state
        value, gradients = value_and_grad(model)
        model, state = optimizer.update(model, gradients, state)
        return value

    return step


def autograd_function() -> Callable[[], Any]:
    """``value_and_grad``, the maximum found on plain values, arrays updated in place."""
    import autograd
    import autograd.numpy as anp
    from autograd.tracer import getval

    loss = _loss(anp, lambda logits: getval(logits).max(axis=1, keepdims=True))
    return _functional(autograd.value_and_grad(loss))


def _functional(value_and_grad: Callable[[Any], Any]) -> Callable[[], Any]:
    parameters = initial_parameters()

    def step() -> Any:
        value, gradients = value_and_grad(parameters)
        for p, g in zip(parameters, gradients):
            g *= RATE
            p -= g
        return value

    return step


def torch_foreach() -> Callable[[], Any]:
    """``torch.autograd.grad`` and one fused update of all parameters."""
    import torch

    parameters, forward = _torch_model()

    def step() -> Any:
        loss = forward()
        gradients = torch.autograd.grad(loss, parameters)
        with torch.no_grad():
            torch._foreach_add_(parameters, gradients, alpha=-float(RATE))
        return loss

    return step


def torch_in_place() -> Callable[[], Any]:
    """``backward()`` and one update per parameter."""
    import torch

    parameters, forward = _torch_model()

    def step() -> Any:
        loss = forward()
        loss.backward()
        with torch.no_grad():
            for p in parameters:
                p.sub_(p.grad, alpha=float(RATE))
                p.grad = None
        return loss

    return step


def _torch_model() -> tuple[list[Any], Callable[[], Any]]:
    import torch
    from torch.nn.functional import cross_entropy, linear

    x, y = torch.tensor(X), torch.tensor(Y)
    # torch.nn.functional.linear wants weights of shape (outputs, inputs).
    parameters = [
        torch.from_numpy(np.ascontiguousarray(p.T)).requires_grad_() for p in initial_parameters()
    ]

    def forward() -> Any:
        w1, b1, w2, b2, w3, b3 = parameters
        h1 = torch.tanh(linear(x, w1, b1))
        h2 = torch.tanh(linear(h1, w2, b2))
        return cross_entropy(linear(h2, w3, b3), y)

    return parameters, forward


def jax_eager() -> Callable[[], Any]:
    """``value_and_grad`` without jit."""
    import jax
    import jax.numpy as jnp

    def largest(logits: Any) -> Any:
        return jax.lax.stop_gradient(jnp.max(logits, axis=1, keepdims=True))

    value_and_grad = jax.value_and_grad(_loss(jnp, largest))
    parameters: Any = [jnp.asarray(p) for p in initial_parameters()]

    def step() -> Any:
        nonlocal parameters
        value, gradients = value_and_grad(parameters)
        parameters = [p - RATE * g for p, g in zip(parameters, gradients)]
        return value

    return step


WORKLOAD = Workload(
    key="mlp",
    title="MLP 784-256-256-10, batch 32",
    description="tanh network, float32, cross entropy from logits: one SGD step.",
    contestants=(
        Contestant("numpy", "by hand", numpy_by_hand),
        Contestant("wengert", "Tensor", wengert_tensor),
        Contestant("wengert", "value_and_grad", wengert_function),
        Contestant("wengert", "value_and_grad, read-only", wengert_constants),
        Contestant("wengert", "nn and optim", wengert_modules),
        Contestant("autograd", "value_and_grad", autograd_function),
        Contestant("pytorch", "foreach update", torch_foreach),
        Contestant("pytorch", "backward, in place", torch_in_place),
        Contestant("jax", "value_and_grad, no jit", jax_eager),
    ),
    steps=10,
    rtol=1e-4,
    bars=(Bar("pytorch", 1.0), Bar("autograd", 2.5), Bar("numpy", 1.3, at_most=True)),
)
