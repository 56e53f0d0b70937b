"""A scalar engine, a vectorised one and wengert learn two moons; steps per second of each."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

import wengert as wg
from labs.moons.engines import ENGINES, find_engine
from labs.moons.network import NeuralNetwork
from labs.moons.plots import plot_boundary, plot_losses
from labs.moons.speed import steps_per_second, table
from labs.moons.training import gradient_descent
from labs.pictures import new_figure, save_png
from wengert.data.optional import require
from wengert.train import save_model

__all__ = ["BOUNDS", "SEED", "SMALL", "WIDE", "add_arguments", "moons", "run"]

# Decides the points and the first weights. It matters: with other seeds the small network mostly
# gets stuck where one moon's tip is on the wrong side (`count_seeds`).
SEED = 3
SMALL, WIDE = (5, 5), (25, 25)
SEEDS_TRIED = 20

BOUNDS = {
    "accuracy_scalar_2_5_5_1": ">= 0.99",
    "accuracy_vectorised_2_25_25_1": ">= 1",
    "largest_difference_of_gradients": "<= 1e-10",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the lab's own flags."""
    parser.add_argument(
        "--steps", type=int, metavar="N", help="steps of gradient descent (default: 250)"
    )
    parser.add_argument(
        "--lr", type=float, default=3e-2, metavar="X", help="learning rate (default: 0.03)"
    )


def moons(seed: int = SEED) -> tuple[np.ndarray, np.ndarray]:
    """100 points, (100, 2), on two interleaved half circles with noise 0.1, and their labels."""
    datasets = require("sklearn.datasets", "data", "for the two moons")
    X, y = datasets.make_moons(100, noise=0.1, random_state=seed)
    return X, y


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Train on every engine, draw, and measure. ``--quick`` stops the scalar engine early."""
    seed = SEED if options.seed is None else options.seed
    if not 0 <= seed < 2**32:
        raise wg.ConfigError(f"--seed must be a whole number from 0 to 2^32 - 1, got {seed}")
    given = getattr(options, "steps", None)
    steps, lr = 250 if given is None else given, getattr(options, "lr", 3e-2)
    X, y = moons(seed)
    figures: dict[str, Any] = {"seed": seed, "steps": steps, "learning_rate": lr}

    trained: dict[str, NeuralNetwork] = {}
    losses: dict[str, list[float]] = {}
    for engine, hidden in _trainings():
        name = f"{engine}, {_size(hidden)}"
        print(f"{name}:", file=sys.stderr)
        few = options.quick and engine == "scalar" and given is None
        model = NeuralNetwork(
            2, hidden, engine=engine, seed=seed, jit=getattr(options, "jit", True)
        )
        wanted = min(steps, 20) if few else steps
        losses[name] = gradient_descent(model, X, y, lr, wanted)
        trained[name] = model
        key = f"{_key(engine)}_{_size(hidden).replace('-', '_')}"
        figures[f"accuracy_{key}"] = model.accuracy(X, y)
        if len(losses[name]) < wanted:
            figures["interrupted"] = f"{name}: after {len(losses[name])} of {wanted} steps"
            break
    _write(options.out, trained, losses, X, y)
    if "interrupted" in figures:
        return figures

    try:
        _compare(X, y, trained, options, figures)
    except KeyboardInterrupt:
        figures["interrupted"] = "while the engines were compared"
    return figures


def _compare(
    X: np.ndarray,
    y: np.ndarray,
    trained: dict[str, NeuralNetwork],
    options: argparse.Namespace,
    figures: dict[str, Any],
) -> None:
    """What the engines have in common, and what they have not: gradients and speed."""
    figures["largest_difference_of_gradients"] = largest_difference(X, y, trained)
    seeds = range(4 if options.quick else SEEDS_TRIED)
    figures["seeds_tried"] = len(seeds)
    for hidden in (SMALL, WIDE):
        figures[f"seeds_with_99_percent_{_size(hidden).replace('-', '_')}"] = count_seeds(
            hidden, seeds, getattr(options, "jit", True)
        )
    speeds = _measure(X, y, options.quick, getattr(options, "jit", True))
    for network, by_engine in speeds.items():
        for engine, speed in by_engine.items():
            key = f"{_key(engine)}_{network.replace('-', '_')}"
            figures[f"steps_per_second_{key}"] = float(f"{speed:.4g}")
    print(table(speeds))


def largest_difference(X: np.ndarray, y: np.ndarray, trained: dict[str, NeuralNetwork]) -> float:
    """The largest relative difference between the engines' gradients and wengert's.

    At the first weights of the small network and at the trained ones; relative to the largest
    entry of each matrix. (The losses of whole trainings differ by more: every step carries the
    rounding errors of the last one on.)
    """
    largest = 0.0
    for weights in (
        NeuralNetwork(2, SMALL, seed=0).weights,
        *(model.weights for name, model in trained.items() if name.endswith(_size(SMALL))),
    ):
        gradients = {}
        for engine in ENGINES:
            model = NeuralNetwork(2, SMALL, engine=engine)
            model.weights = weights
            gradients[engine] = model.nll_and_grad(X, y)[1]
        for own in gradients.values():
            for g, reference in zip(own, gradients["wengert"], strict=True):
                scale = np.max(np.abs(reference))
                largest = max(largest, float(np.max(np.abs(g - reference)) / scale))
    return largest


def count_seeds(hidden: tuple[int, ...], seeds: Iterable[int], jit: bool = True) -> int:
    """How many of the seeds end with accuracy 0.99 or more; trained with wengert."""
    count = 0
    for seed in seeds:
        X, y = moons(seed)
        model = NeuralNetwork(2, hidden, seed=seed, jit=jit)
        gradient_descent(model, X, y, progress=False)
        count += model.accuracy(X, y) >= 0.99
    return count


def _trainings() -> list[tuple[str, tuple[int, ...]]]:
    """Who trains what: the scalar engine is too slow for the wide network."""
    small = [(engine, SMALL) for engine in ENGINES]
    return small + [(engine, WIDE) for engine in ENGINES if engine != "scalar"]


def _measure(X: np.ndarray, y: np.ndarray, quick: bool, jit: bool) -> dict[str, dict[str, float]]:
    """Steps per second, by network and engine."""
    engines = {name: find_engine(name, jit) for name in ENGINES}
    if quick:
        return {_size(SMALL): steps_per_second(X, y, SMALL, rounds=3, burst=0.05, engines=engines)}
    print("measuring steps per second, about a minute ...", file=sys.stderr)
    return {
        _size(hidden): steps_per_second(X, y, hidden, rounds=15, burst=0.2, engines=engines)
        for hidden in (SMALL, WIDE)
    }


def _write(
    out: Path,
    trained: dict[str, NeuralNetwork],
    losses: dict[str, list[float]],
    X: np.ndarray,
    y: np.ndarray,
) -> None:
    """The pictures, and the weights of the networks."""
    shown = [f"scalar, {_size(SMALL)}", f"vectorised, {_size(WIDE)}"]
    shown = [name for name in shown if name in trained]
    figure = new_figure(5.6 * len(shown), 4.2)
    for axes, name in zip(figure.subplots(1, len(shown), squeeze=False)[0], shown, strict=True):
        accuracy = trained[name].accuracy(X, y)
        title = f"{name}: accuracy {accuracy:.2f} after {len(losses[name])} steps"
        plot_boundary(trained[name], X, y, axes, title)
    save_png(figure, out / "moons.png")
    save_png(plot_losses(losses), out / "loss.png")
    for name, model in trained.items():
        weights = {f"layer{i}": w for i, w in enumerate(model.weights)}
        save_model(out / f"{name.replace(', ', '-')}.safetensors", weights)


def _size(hidden: tuple[int, ...]) -> str:
    """The network's layers: 2-5-5-1."""
    return "-".join(map(str, (2, *hidden, 1)))


def _key(engine: str) -> str:
    return engine.replace(" ", "_")
