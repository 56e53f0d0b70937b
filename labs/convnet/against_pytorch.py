"""The time of a training step, against the same step in PyTorch.

python -m labs.convnet.against_pytorch
"""

from __future__ import annotations

import importlib.util
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

import wengert as wg
from labs.convnet import network
from labs.timing import interleaved
from wengert import nn, optim
from wengert.data.optional import require
from wengert.train.compiled import compiler

__all__ = ["compare", "torch_network"]

_BATCH, _RATE, _MOMENTUM = 64, 0.01, 0.9


def compare(*, rounds: int = 21, burst: float = 0.3, jit: bool = True) -> dict[str, Any]:
    """Medians of both, taking turns on one thread each; forward, backward and update.

    Both start from the same weights and, without the dropout, must find the same losses. Ours is
    compiled, unless ``jit`` is False.

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
    steps = {"wengert": _wengert_step(model, x, labels, dropout=True, jit=jit)}
    with _one_thread() as torch:
        if torch is None:
            times = interleaved(steps, rounds=rounds, burst=burst)
            step_ms = 1e3 * float(np.median(times["wengert"]))
            return {"step_ms": round(step_ms, 2), "pytorch": "not installed: no comparison"}
        ours = _wengert_step(model, x, labels, dropout=False, jit=jit)
        theirs = _torch_step(model, x, labels, dropout=False)
        for _ in range(5):
            np.testing.assert_allclose(ours(), theirs(), rtol=2e-3)
        steps["pytorch"] = _torch_step(model, x, labels, dropout=True)
        times = interleaved(steps, rounds=rounds, burst=burst)
    return {
        "step_ms": round(1e3 * float(np.median(times["wengert"])), 2),
        "pytorch_step_ms": round(1e3 * float(np.median(times["pytorch"])), 2),
        "step_ratio": round(float(np.median(times["wengert"] / times["pytorch"])), 2),
        "pytorch": torch.__version__,
    }


@contextmanager
def _one_thread() -> Iterator[Any]:
    """Everybody on one thread; the value is PyTorch, or None where it is not installed."""
    torch: Any = None
    if importlib.util.find_spec("torch") is not None:
        torch = importlib.import_module("torch")
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
    wg.set_threads(1)
    threadpoolctl = require("threadpoolctl", "data", "to measure on one thread")
    try:
        with threadpoolctl.threadpool_limits(1, "blas"):
            yield torch
    finally:
        wg.set_threads(None)
        if torch is not None:
            torch.set_num_threads(threads)


def _wengert_step(
    model: Any, x: Any, labels: Any, *, dropout: bool, jit: bool
) -> Callable[[], float]:
    sgd = optim.SGD(_RATE, momentum=_MOMENTUM)
    state = [model, sgd.init(model)]
    count = itertools.count()

    def loss(model: Any, key: Any) -> Any:
        logits = model.training_call(x, key=key)[0] if dropout else model(x)
        return nn.cross_entropy(logits, labels)

    def updated(model: Any, momenta: Any, key: Any) -> tuple[Any, Any, Any]:
        value, grads = wg.value_and_grad(loss)(model, key)
        return value, *sgd.update(model, grads, momenta)

    run = compiler(jit)(updated)

    def step() -> float:
        value, *state[:] = run(*state, wg.random.key(next(count)))
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
