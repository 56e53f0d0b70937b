"""The time of a training step, against the same step in PyTorch.

python -m labs.convnet.against_pytorch
"""

from __future__ import annotations

import importlib.util
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

import wengert as wg
from labs.convnet import network
from labs.timing import interleaved
from wengert import nn, optim
from wengert.data.optional import require

__all__ = ["compare", "torch_network"]

_BATCH, _RATE, _MOMENTUM = 64, 0.01, 0.9


def compare(*, rounds: int = 21, burst: float = 0.3) -> dict[str, Any]:
    """Medians of both, taking turns on one thread each; forward, backward and update.

    Both start from the same weights and, without the dropout, must find the same losses.

    Returns
    -------
    dict
        ``step_ms``; with PyTorch installed also ``pytorch_step_ms`` and ``step_ratio``, else
        ``pytorch``, which says that it is not.

    Raises
    ------
    AssertionError
        If the losses of the first steps differ by more than rounding.
    """
    rng = np.random.default_rng(0)
    x = rng.normal(size=(_BATCH, 28, 28, 1)).astype(np.float32)
    labels = rng.integers(0, 10, _BATCH)
    model = network.build(rng)
    steps = {"wengert": _wengert_step(model, x, labels, dropout=True)}
    if importlib.util.find_spec("torch") is None:
        times = interleaved(steps, rounds=rounds, burst=burst)
        step_ms = 1e3 * float(np.median(times["wengert"]))
        return {"step_ms": round(step_ms, 2), "pytorch": "not installed: no comparison"}
    import torch

    threadpoolctl = require("threadpoolctl", "data", "to measure on one thread")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        ours, theirs = (
            make(model, x, labels, dropout=False) for make in (_wengert_step, _torch_step)
        )
        for _ in range(5):
            np.testing.assert_allclose(ours(), theirs(), rtol=2e-3)
        steps["pytorch"] = _torch_step(model, x, labels, dropout=True)
        with threadpoolctl.threadpool_limits(1, "blas"):
            times = interleaved(steps, rounds=rounds, burst=burst)
    finally:
        torch.set_num_threads(threads)
    return {
        "step_ms": round(1e3 * float(np.median(times["wengert"])), 2),
        "pytorch_step_ms": round(1e3 * float(np.median(times["pytorch"])), 2),
        "step_ratio": round(float(np.median(times["wengert"] / times["pytorch"])), 2),
        "pytorch": torch.__version__,
    }


def _wengert_step(model: Any, x: Any, labels: Any, *, dropout: bool) -> Callable[[], float]:
    sgd = optim.SGD(_RATE, momentum=_MOMENTUM)
    state = [model, sgd.init(model)]
    count = itertools.count()

    def loss(model: Any, key: Any) -> Any:
        logits = model.training_call(x, key=key)[0] if dropout else model(x)
        return nn.cross_entropy(logits, labels)

    gradient = wg.value_and_grad(loss)

    def step() -> float:
        value, grads = gradient(state[0], wg.random.key(next(count)))
        state[:] = sgd.update(state[0], grads, state[1])
        return float(value)

    return step


def torch_network(model: nn.Sequential) -> Any:
    """PyTorch's counterpart of a network of this lab, with the same weights, for evaluation."""
    import torch

    first, second, hidden, dense = [m for m in model.layers if nn.named_arrays(m)]
    inner, outer = first.kernel.shape[-1], second.kernel.shape[-1]
    width = hidden.weight.shape[1]
    net = torch.nn.Sequential(
        torch.nn.Conv2d(1, inner, 3, padding=1),
        torch.nn.ReLU(),
        torch.nn.MaxPool2d(2),
        torch.nn.Conv2d(inner, outer, 3, padding=1),
        torch.nn.ReLU(),
        torch.nn.MaxPool2d(2),
        torch.nn.Flatten(),
        torch.nn.Dropout(network.DROPOUT),
        torch.nn.Linear(7 * 7 * outer, width),
        torch.nn.ReLU(),
        torch.nn.Linear(width, 10),
    )
    # PyTorch flattens channel by channel, here pixels come first.
    rows = hidden.weight.reshape(7, 7, outer, width).transpose(3, 2, 0, 1).reshape(width, -1)
    weights = (
        nn.kernel_to_oihw(first.kernel),
        first.bias,
        nn.kernel_to_oihw(second.kernel),
        second.bias,
        rows,
        hidden.bias,
        dense.weight.T,
        dense.bias,
    )
    with torch.no_grad():
        for parameter, value in zip(net.parameters(), weights, strict=True):
            parameter.copy_(torch.tensor(value))
    return net.eval()


def _torch_step(model: Any, x: Any, labels: Any, *, dropout: bool) -> Callable[[], float]:
    import torch

    net = torch_network(model).train(dropout)
    images, targets = torch.tensor(nn.to_nchw(x)), torch.tensor(labels)
    sgd = torch.optim.SGD(net.parameters(), lr=_RATE, momentum=_MOMENTUM)

    def step() -> float:
        sgd.zero_grad()
        loss = torch.nn.functional.cross_entropy(net(images), targets)
        loss.backward()
        sgd.step()
        return loss.item()

    return step


if __name__ == "__main__":
    for name, value in compare().items():
        print(f"{name:<18}{value}")
