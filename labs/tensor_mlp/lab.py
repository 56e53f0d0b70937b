"""A Tensor with a graph, and a network on images trained with it."""

from __future__ import annotations

import argparse
import io
import time
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import wengert as wg
from labs.tensor_mlp import by_hand, grade, training
from labs.tensor_mlp.network import MLP
from wengert import data
from wengert.train import save_model
from wengert.train.atomic import write_bytes

__all__ = ["BOUNDS", "add_arguments", "run"]

BOUNDS = {
    "facts_that_hold": "== 42",
    "step_ratio": "<= 1.5",
    "fashion_mnist_test_accuracy_percent": ">= 84",
}

# The course's settings; it leaves the hidden size open.
_EPOCHS, _BATCH, _RATE, _HIDDEN = 5, 32, 0.1, 256
_TITLES = {"fashion-mnist": "Fashion-MNIST", "mnist": "MNIST"}
_SEED = 0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Hyperparameters."""
    parser.add_argument("--epochs", type=int, help=f"default {_EPOCHS}")
    parser.add_argument("--batch-size", type=int, default=_BATCH, help=f"default {_BATCH}")
    parser.add_argument("--lr", type=float, default=_RATE, help=f"default {_RATE}")
    parser.add_argument("--hidden-size", type=int, default=_HIDDEN, help=f"default {_HIDDEN}")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Grade the Tensor, train on every data set that is here, time a step; plots and models.

    Returns
    -------
    dict
        ``facts_that_hold``; for each data set losses, accuracy and time; ``step_ratio``, the time
        of a training step divided by that of the same step written by hand in NumPy.
    """
    for name in ("epochs", "batch_size", "hidden_size"):
        value = getattr(options, name)
        if value is not None and value < 1:
            flag = name.replace("_", "-")
            raise wg.ConfigError(f"--{flag} must be at least 1, got {value}")
    report = grade.grade(Path(grade.__file__).with_name("submitted.py"))
    print(f"facts of the course: {report.points} of {len(report.results)}")
    figures: dict[str, Any] = {"facts_that_hold": report.points, "facts": len(report.results)}
    histories: dict[str, Any] = {}
    for name, title in _TITLES.items():
        if name != "fashion-mnist" and data.find(name, options.data_dir) is None:
            reason = f"no files of {name} are here; `wengert data list` says where they would be"
            figures[f"{_key(name)}_left_out"] = reason
            print(f"{title} is left out: {reason}")
            continue
        images, classes = training.load_images(name, options.data_dir)
        if options.quick:
            images = tuple(array[:n] for array, n in zip(images, (2000, 2000, 500, 500)))
        histories[title] = _train(name, title, images, options, figures)
        if name == "fashion-mnist":
            _save_figure(options.out / "images.png", draw_images(images, classes))
            figures |= _ratios(images, options)
    _save_figure(options.out / "tensor_mlp.png", training.plot_losses(histories))
    return figures


def _key(name: str) -> str:
    return name.replace("-", "_")


def _train(
    name: str, title: str, images: Any, options: argparse.Namespace, figures: dict[str, Any]
) -> dict[str, list[float]]:
    x_train, y_train, x_test, y_test = images
    epochs = (2 if options.quick else _EPOCHS) if options.epochs is None else options.epochs
    print(f"{title}: {len(x_train):,} training and {len(x_test):,} test images")
    rng = np.random.default_rng(_SEED if options.seed is None else options.seed)
    model = MLP(x_train.shape[1], options.hidden_size, 10, rng)
    start = time.perf_counter()
    history = training.train(
        model, x_train, y_train, x_test, y_test, epochs, options.batch_size, options.lr, rng
    )
    seconds = time.perf_counter() - start
    parameters = {
        f"{layer}.{part}": getattr(getattr(model, layer), part).array
        for layer in ("fc1", "fc2", "fc3")
        for part in ("W", "b")
    }
    save_model(options.out / f"{name}.safetensors", parameters, {"dataset": name})
    if len(history["train_loss"]) < epochs:
        figures["interrupted"] = True
    key = _key(name)
    figures |= {
        f"{key}_epochs": len(history["train_loss"]),
        f"{key}_train_loss": [round(v, 4) for v in history["train_loss"]],
        f"{key}_val_loss": [round(v, 4) for v in history["val_loss"]],
        f"{key}_test_accuracy_percent": round(training.evaluate(model, x_test, y_test), 2),
        f"{key}_seconds": round(seconds, 1),
    }
    return history


def _ratios(images: Any, options: argparse.Namespace) -> dict[str, Any]:
    """A training step against the same by hand, in turns, at two hidden sizes."""
    x, y = images[0][: options.batch_size], images[1][: options.batch_size]
    rounds, burst = (5, 0.02) if options.quick else (21, 0.2)
    figures: dict[str, Any] = {}
    for hidden, suffix in ((options.hidden_size, ""), (options.hidden_size // 2, "_half_hidden")):
        times = by_hand.compare_times(x, y, max(1, hidden), rounds=rounds, burst=burst)
        figures |= {
            f"step{suffix}_us": round(times["tensor_us"]),
            f"step{suffix}_by_hand_us": round(times["hand_us"]),
            f"step{suffix}_ratio": round(times["ratio"], 2),
        }
    print(f"time of a step: {figures['step_ratio']:.2f} x that written by hand in NumPy")
    return figures


def draw_images(images: Any, classes: tuple[str, ...]) -> Figure:
    """One image of each class."""
    x_train, y_train, _, _ = images
    figure = Figure(figsize=(8, 3.8), dpi=100, layout="constrained")
    names = np.array(classes)[y_train]
    for label in range(len(classes)):
        ax = figure.add_subplot(2, (len(classes) + 1) // 2, label + 1)
        training.plot_mnist_image(x_train, names, int(np.argmax(y_train == label)), ax)
    return figure


def _save_figure(path: Path, figure: Figure) -> None:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    write_bytes(path, buffer.getvalue())
