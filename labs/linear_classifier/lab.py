"""A linear classifier of 50,000 images, trained without a derivative written by hand."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import wengert as wg
from labs.linear_classifier import classifier
from labs.linear_classifier.data import Images, load
from labs.linear_classifier.training import Curves, figure_of, follow, save_figure
from wengert.train.atomic import write_bytes
from wengert.train.compiled import compiler

__all__ = [
    "BOUNDS",
    "add_arguments",
    "agreement",
    "first_epochs",
    "run",
    "train_automatic",
    "train_numerical",
    "train_two_layer",
]

BOUNDS = {"gradient_error": "<= 1e-6", "epochs": ">= 2000", "epochs_in_which_loss_rose": "== 0"}

Compile = Callable[[Callable[..., Any]], Callable[..., Any]]

_EPOCHS = 2000
_NUMERICAL_EPOCHS, _NUMERICAL_IMAGES = 50, 10_000
_HIDDEN, _TWO_LAYER_EPOCHS = 32, 300


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """How long to descend."""
    parser.add_argument("--epochs", type=int, help=f"of the linear classifier ({_EPOCHS:,})")
    parser.add_argument(
        "--resume", type=Path, metavar="DIR", help="go on from the checkpoints of an earlier run"
    )


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Compare gradients, train the variants, plot. Goes on from checkpoints in ``options.out``.

    Returns
    -------
    dict
        The figures; those of training are of the stand-in for CIFAR-10.
    """
    quick, out = options.quick, options.out
    images = load(options.data_dir, *((2000, 500) if quick else ()))
    epochs = (30 if quick else _EPOCHS) if options.epochs is None else options.epochs
    if epochs < 1:
        raise wg.ConfigError(f"--epochs must be at least 1, got {epochs}")
    if options.resume is not None:
        _copy_checkpoints(options.resume, out)
    figures: dict[str, Any] = {"data": images.title, "images": len(images.x_train)}
    small = Images(*(array[:_NUMERICAL_IMAGES] for array in images[:4]), images.title)
    figures |= agreement(small)
    compile = compiler(getattr(options, "jit", True))
    figures |= _numerical(small, out, 2 if quick else _NUMERICAL_EPOCHS, compile)
    n = 10 if quick else _TWO_LAYER_EPOCHS
    two_layer = train_two_layer(images, n, out, options.seed, compile)
    linear = train_automatic(images, epochs, out, compile)
    save_figure(
        out / "linear_classifier.png",
        figure_of({"linear": linear}, f"Linear classifier, {epochs:,} epochs ({images.title})"),
    )
    both = {"linear": linear, f"two layers, {_HIDDEN} hidden": two_layer}
    start = first_epochs(both, len(two_layer.loss))
    title = f"The score function swapped ({images.title})"
    save_figure(out / "two_layer.png", figure_of(start, title))
    scores = classifier.score(linear.weights, images.x_test)
    return figures | {
        "epochs": len(linear.loss),
        "first_loss": round(linear.loss[0], 4),
        "last_loss": round(linear.loss[-1], 4),
        "epochs_in_which_loss_rose": linear.rises,
        "train_accuracy_percent": round(100 * linear.accuracy[-1], 2),
        "test_accuracy_percent": round(100 * float(classifier.accuracy(scores, images.y_test)), 2),
        "seconds": round(linear.seconds, 1),
        "seconds_per_epoch": round(linear.seconds / len(linear.loss), 4),
        "two_layer_epochs": len(two_layer.loss),
        "two_layer_loss": round(two_layer.loss[-1], 4),
        "two_layer_train_accuracy_percent": round(100 * two_layer.accuracy[-1], 2),
        "two_layer_seconds_per_epoch": round(two_layer.seconds / len(two_layer.loss), 4),
    }


def first_epochs(curves: dict[str, Curves], n: int) -> dict[str, Curves]:
    """The first ``n`` epochs of each curve."""
    return {name: Curves(None, c.loss[:n], c.accuracy[:n]) for name, c in curves.items()}


def _copy_checkpoints(source: Path, out: Path) -> None:
    found = [
        source / name
        for name in ("linear.safetensors", "two_layer.safetensors")
        if (source / name).exists()
    ]
    if not found:
        raise wg.DataError(
            f"{source}: no checkpoint linear.safetensors or two_layer.safetensors there"
        )
    for path in found:
        if path.parent.resolve() != out.resolve():
            write_bytes(out / path.name, path.read_bytes())


def _name(images: Images) -> str:
    return f"{len(images.x_train)} images"


def agreement(images: Images) -> dict[str, float]:
    """Numerical against automatic gradients on 10 random features, at the start and elsewhere.

    Returns
    -------
    dict
        ``gradient_error``: the largest difference divided by the largest entry of the gradient;
        and the times of one gradient in milliseconds.
    """
    X, y = random_features(images.x_train), images.y_train
    numerical, automatic = (
        classifier.numerical_gradient(classifier.loss),
        classifier.grad(classifier.loss),
    )
    elsewhere = np.random.default_rng(1).normal(size=(10, 10))
    errors = []
    for W in (np.zeros((10, 10)), elsewhere):
        start = time.perf_counter()
        by_hand = numerical(W, X, y)
        middle = time.perf_counter()
        exact = automatic(W, X, y)
        end = time.perf_counter()
        errors.append(float(np.abs(by_hand - exact).max() / np.abs(exact).max()))
    return {
        "gradient_error": max(errors),
        "numerical_gradient_ms": round(1e3 * (middle - start), 2),
        "automatic_gradient_ms": round(1e3 * (end - middle), 2),
    }


def random_features(x: NDArray[Any]) -> NDArray[Any]:
    """The 10 features on which `classifier.numerical` trains."""
    rng = np.random.default_rng(0)
    return x @ rng.normal(0, x.shape[1] ** -0.5, (x.shape[1], 10))


def _numerical(images: Images, out: Path, epochs: int, compile: Compile) -> dict[str, Any]:
    """Descend with numerical gradients, and with automatic ones on the same features."""
    by_hand = train_numerical(images, epochs)
    X = random_features(images.x_train)
    exact = classifier.automatic(X, images.y_train, epochs, compile=compile)[1]
    curves = {"numerical": by_hand}
    save_figure(
        out / "numerical.png",
        figure_of(curves, f"Numerical gradients, 10 random features ({images.title})"),
    )
    n = len(by_hand.loss)
    return {
        "numerical_images": len(images.x_train),
        "numerical_epochs": n,
        "numerical_last_loss": round(by_hand.loss[-1], 4),
        "numerical_seconds_per_epoch": round(by_hand.seconds / n, 4),
        "numerical_against_automatic_loss": float(
            np.abs(np.subtract(by_hand.loss, exact[:n])).max()
        ),
    }


def train_numerical(images: Images, epochs: int) -> Curves:
    """The linear classifier on 10 random features, with numerical gradients."""

    def descend(weights: Any, left: int, watch: Any) -> Any:
        return classifier.numerical(images.x_train, images.y_train, left, watch)

    return follow(descend, epochs, "numerical")


def train_automatic(
    images: Images, epochs: int, out: Path | None = None, compile: Compile | None = None
) -> Curves:
    """The linear classifier; goes on from ``out/linear.safetensors`` if it is there."""
    compile = compile or compiler()

    def descend(weights: Any, left: int, watch: Any) -> Any:
        if weights is None:
            return classifier.automatic(images.x_train, images.y_train, left, watch, compile)
        return classifier.descend(
            classifier.score,
            classifier.grad(classifier.loss),
            weights,
            images.x_train,
            images.y_train,
            left,
            watch=watch,
            compile=compile,
        )

    return follow(descend, epochs, "linear", out and out / "linear.safetensors", _name(images))


def train_two_layer(
    images: Images,
    epochs: int,
    out: Path | None = None,
    seed: int | None = None,
    compile: Compile | None = None,
) -> Curves:
    """The same with another score function; goes on from ``out/two_layer.safetensors``."""
    compile = compile or compiler()
    score, loss = classifier.two_layer(_HIDDEN)
    x = images.x_train
    rng = np.random.default_rng(0 if seed is None else seed)
    start = rng.normal(0, x.shape[1] ** -0.5, _HIDDEN * (x.shape[1] + 1) + 10 * (_HIDDEN + 1))

    def descend(weights: Any, left: int, watch: Any) -> Any:
        weights = start.astype(x.dtype) if weights is None else weights
        return classifier.descend(
            score, classifier.grad(loss), weights, x, images.y_train, left, watch=watch,
            compile=compile,
        )  # fmt: skip

    return follow(
        descend, epochs, "two layers", out and out / "two_layer.safetensors", _name(images)
    )
