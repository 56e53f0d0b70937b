"""A convolutional network on Fashion-MNIST: trained, tested once, timed against PyTorch."""

from __future__ import annotations

import argparse
import dataclasses
import time
from typing import Any

import numpy as np

from labs.command import whole_number
from labs.convnet import against_pytorch, network
from labs.convnet.plots import plot_curves, plot_mistakes
from labs.convnet.training import QUICK, Hyperparameters, load_images, train
from labs.pictures import save_png
from wengert.train import Result, TrainingInterrupted
from wengert.train.progress import Reporter

__all__ = ["BOUNDS", "add_arguments", "logits_of", "run"]

BOUNDS = {
    "test_accuracy": ">= 0.9",
    "train_seconds": "<= 600",
    "step_ratio": "<= 4",
}

_FLAGS = {
    "epochs": whole_number(1),
    "batch_size": whole_number(1),
    "lr": float,
    "momentum": float,
    "weight_decay": float,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Hyperparameters."""
    for name, kind in _FLAGS.items():
        default = getattr(Hyperparameters, name)
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, help=f"default {default}")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Train, test once, draw, and time a step.

    Parameters
    ----------
    options : Namespace
        ``out`` gets ``model.safetensors``, ``metrics.jsonl``, ``convnet.png``, ``mistakes.png``,
        ``architecture.md`` and the checkpoint; ``quick``, ``seed``, ``data_dir``, and the flags of
        `add_arguments`.

    Raises
    ------
    wengert.train.TrainingInterrupted
        On Ctrl-C, after the model and the metrics were saved.
    """
    settings = _settings(options)
    images, classes = load_images(options.data_dir, seed=settings.seed, quick=options.quick)
    rows = network.architecture(network.build(np.random.default_rng(0), channels=settings.channels))
    print(network.table(rows))
    figures: dict[str, Any] = {
        "data": "fashion-mnist",
        "training_images": len(images.train.y),
        "validation_images": len(images.validation.y),
        "test_images": len(images.test.y),
        "parameters": sum(row.parameters for row in rows),
        **{name: getattr(settings, name) for name in _FLAGS},
    }
    start = time.perf_counter()
    try:
        reporter = Reporter(quiet=options.quick)
        result = train(
            settings, images, options.out, reporter=reporter, jit=getattr(options, "jit", True)
        )
    except TrainingInterrupted as stop:
        stop.figures = figures  # type: ignore[attr-defined]
        raise
    figures["train_seconds"] = round(time.perf_counter() - start, 1)
    figures |= _accuracies(result)
    save_png(plot_curves(result.records), options.out / "convnet.png")
    logits = logits_of(result.model, images.validation.x)
    pictures = plot_mistakes(logits, images.validation.x, images.validation.y, classes)
    save_png(pictures, options.out / "mistakes.png")
    figures |= against_pytorch.compare(
        rounds=3 if options.quick else 21,
        burst=0.05 if options.quick else 0.3,
        jit=getattr(options, "jit", True),
    )
    return figures


def _settings(options: argparse.Namespace) -> Hyperparameters:
    settings = QUICK if options.quick else Hyperparameters()
    given = {name: getattr(options, name) for name in (*_FLAGS, "seed")}
    return dataclasses.replace(settings, **{k: v for k, v in given.items() if v is not None})


def _accuracies(result: Result) -> dict[str, Any]:
    last = [record for record in result.records if record["event"] == "epoch"][-1]
    return {
        "train_accuracy": round(last["train_accuracy"], 4),
        "validation_accuracy": round(last["validation_accuracy"], 4),
        "test_accuracy": result.test_accuracy,
        "test_loss": result.test_loss,
    }


def logits_of(model: Any, x: Any, batch: int = 1000) -> Any:
    """What a network answers to images, (n, classes); a batch at a time."""
    return np.concatenate([model(x[i : i + batch]) for i in range(0, len(x), batch)])
