"""The same training step with the derivatives written by hand, to measure against.

Same network, same loss, same float64, same batch, same update in place; no Tensor, no graph.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labs.tensor_mlp.network import MLP, SGD, cross_entropy_loss
from labs.timing import interleaved

__all__ = ["compare_times", "hand_step", "tensor_step"]


def tensor_step(model: MLP, x: NDArray[Any], y: NDArray[Any], lr: float) -> Callable[[], float]:
    """One step of the course's training loop."""
    optimizer = SGD(model.parameters(), lr)

    def step() -> float:
        loss = cross_entropy_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        value = float(loss.array)
        del loss  # the graph, as in `training.train`
        optimizer.step()
        return value

    return step


def hand_step(
    parameters: list[NDArray[Any]], x: NDArray[Any], y: NDArray[Any], lr: float
) -> Callable[[], float]:
    """The same step on plain arrays ``W1, b1, W2, b2, W3, b3``, which it changes in place."""
    rows = np.arange(len(y))
    w1, b1, w2, b2, w3, b3 = parameters

    def step() -> float:
        h1 = np.tanh(x @ w1 + b1)
        h2 = np.tanh(h1 @ w2 + b2)
        logits = h2 @ w3 + b3
        logits -= logits.max(axis=1, keepdims=True)
        p = np.exp(logits)
        total = p.sum(axis=1, keepdims=True)
        loss = float((np.log(total[:, 0]) - logits[rows, y]).sum() / len(y))
        p /= total
        p[rows, y] -= 1
        p /= len(y)  # the gradient of the logits
        g2 = (p @ w3.T) * (1 - h2 * h2)
        g1 = (g2 @ w2.T) * (1 - h1 * h1)
        for w, b, inputs, g in ((w1, b1, x, g1), (w2, b2, h1, g2), (w3, b3, h2, p)):
            w -= lr * (inputs.T @ g)
            b -= lr * g.sum(axis=0, keepdims=True)
        return loss

    return step


def compare_times(
    x: NDArray[Any],
    y: NDArray[Any],
    hidden_size: int,
    *,
    lr: float = 0.1,
    rounds: int = 21,
    burst: float = 0.1,
) -> dict[str, float]:
    """Time both steps on one batch, in turns.

    Returns
    -------
    dict
        ``tensor_us`` and ``hand_us``, medians in microseconds, and ``ratio``, the median over the
        rounds of their quotient.
    """
    model = MLP(x.shape[1], hidden_size, 10, np.random.default_rng(0))
    copies = [p.array.copy() for p in model.parameters()]
    times = interleaved(
        {"tensor": tensor_step(model, x, y, lr), "hand": hand_step(copies, x, y, lr)},
        rounds=rounds,
        burst=burst,
    )
    return {
        "tensor_us": 1e6 * float(np.median(times["tensor"])),
        "hand_us": 1e6 * float(np.median(times["hand"])),
        "ratio": float(np.median(times["tensor"] / times["hand"])),
    }
