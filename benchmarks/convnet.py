"""One training step of a small convolutional network, against PyTorch, in one process.

python -m benchmarks.convnet              # two threads each, 21 interleaved rounds
python -m benchmarks.convnet --quick      # a smoke run
python -m benchmarks.convnet --json FILE  # also write the figures

The step is forward pass, cross entropy, backward pass and update by SGD with momentum, on a batch
of 64 images 28 x 28: conv 3x3x16, relu, max pool 2, conv 3x3x32, relu, max pool 2, dense 10, single
precision. Each library in its own idiom: PyTorch has NCHW. Both start from the same weights and
must find the same loss. Exit status 1 if the bar is missed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import wengert as wg
from benchmarks import libraries
from benchmarks.timing import interleave, timer
from wengert import nn, optim

BAR = 4.0
BATCH = 64
RATE, MOMENTUM = 0.05, 0.9

Step = Callable[[], float]


def network(rng: np.random.Generator) -> nn.Sequential:
    """Two convolutions and one dense layer, channels last."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1, rng=rng),
        nn.relu,
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1, rng=rng),
        nn.relu,
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(7 * 7 * 32, 10, rng=rng),
    )


def wengert_step(model: nn.Sequential, x: Any, labels: Any) -> Step:
    """A training step of wengert's, eager."""
    sgd = optim.SGD(RATE, momentum=MOMENTUM)
    state = sgd.init(model)
    gradient = wg.value_and_grad(lambda m: nn.cross_entropy(m(x), labels))

    def step() -> float:
        nonlocal model, state
        loss, grads = gradient(model)
        model, state = sgd.update(model, grads, state)
        return float(loss)

    return step


def torch_step(model: nn.Sequential, x: Any, labels: Any) -> Step:
    """The same step of PyTorch's, from the same weights."""
    import torch

    first, second, dense = model.layers[0], model.layers[3], model.layers[7]
    net = torch.nn.Sequential(
        torch.nn.Conv2d(1, 16, 3, padding=1),
        torch.nn.ReLU(),
        torch.nn.MaxPool2d(2),
        torch.nn.Conv2d(16, 32, 3, padding=1),
        torch.nn.ReLU(),
        torch.nn.MaxPool2d(2),
        torch.nn.Flatten(),
        torch.nn.Linear(7 * 7 * 32, 10),
    )
    # Rows of the dense layer by channel, height, width instead of height, width, channel.
    rows = dense.weight.reshape(7, 7, 32, 10).transpose(3, 2, 0, 1).reshape(10, -1)
    weights = [nn.kernel_to_oihw(first.kernel), first.bias, nn.kernel_to_oihw(second.kernel)]
    weights += [second.bias, rows, dense.bias]
    with torch.no_grad():
        for parameter, value in zip(net.parameters(), weights, strict=True):
            parameter.copy_(torch.tensor(value))
    images, targets = torch.tensor(nn.to_nchw(x)), torch.tensor(labels)
    sgd = torch.optim.SGD(net.parameters(), lr=RATE, momentum=MOMENTUM)

    def step() -> float:
        sgd.zero_grad()
        loss = torch.nn.functional.cross_entropy(net(images), targets)
        loss.backward()
        sgd.step()
        return float(loss.detach())

    return step


def measure(rounds: int, burst: float) -> dict[str, Any]:
    """Run both, interleaved."""
    found, _ = libraries.installed()
    found = [peer for peer in found if peer in ("wengert", "pytorch")]
    libraries.set_up(found)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(BATCH, 28, 28, 1)).astype(np.float32)
    labels = rng.integers(0, 10, BATCH)
    model = network(rng)
    steps: dict[str, Step] = {"wengert": wengert_step(model, x, labels)}
    if "pytorch" in found:
        steps["torch"] = torch_step(model, x, labels)
        losses = {name: [step() for _ in range(5)] for name, step in steps.items()}
        np.testing.assert_allclose(losses["wengert"], losses["torch"], rtol=2e-3)
    times = interleave({k: timer(v) for k, v in steps.items()}, rounds=rounds, burst=burst)
    results: dict[str, Any] = {"machine": libraries.machine(found), "rounds": rounds}
    for name in steps:
        low, high = times.quartiles(name)
        results[name] = {
            "median_ms": times.median(name) * 1e3,
            "quartiles_ms": [low * 1e3, high * 1e3],
        }
    if "torch" in steps:
        ratio = times.ratio("wengert", "torch")
        results |= {"ratio": ratio, "bar": BAR, "met": ratio <= BAR}
    return results


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.convnet", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--quick", action="store_true", help="a smoke run of a few seconds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the results go")
    arguments = parser.parse_args(argv)
    results = measure(3, 0.05) if arguments.quick else measure(21, 0.3)
    for name in ("wengert", "torch"):
        if name in results:
            low, high = results[name]["quartiles_ms"]
            print(f"{name:8s} {results[name]['median_ms']:7.2f} ms ({low:.2f} to {high:.2f})")
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")
    if "ratio" not in results:
        print("PyTorch is not installed: no comparison")
        return 0
    print(f"{results['ratio']:.2f} x the time of PyTorch; the bar is {BAR:g} x")
    return 0 if results["met"] or arguments.quick else 1


if __name__ == "__main__":
    sys.exit(main())
