"""Training and measuring the network, as the course has it, and the pictures."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from tqdm import tqdm

import wengert as wg
from labs.tensor_mlp.network import SGD, cross_entropy_loss
from wengert import data

__all__ = [
    "evaluate",
    "load_images",
    "plot_losses",
    "plot_mnist_image",
    "train",
]

Images = tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]


def load_images(name: str, directory: Path | None = None) -> tuple[Images, tuple[str, ...]]:
    """A data set of images as rows of float64 from 0 to 1.

    Parameters
    ----------
    name : {"fashion-mnist", "mnist"}
    directory : Path, optional
        Where the files are; see `wengert.data.load`.

    Returns
    -------
    images : tuple
        ``x_train, y_train, x_test, y_test``.
    classes : tuple of str
        Names of the classes.
    """
    found = data.load(name, directory)
    x_train, x_test = (
        images.reshape(len(images), -1) / float(found.pixel_max)
        for images in (found.train_x, found.test_x)
    )
    return (x_train, found.train_y, x_test, found.test_y), found.classes


def evaluate(model: Any, x: NDArray[Any], y: NDArray[Any], batch_size: int = 1000) -> float:
    """The percentage of images that are classified correctly."""
    return 100 * _measure(model, x, y, batch_size)[1]


def _measure(model: Any, x: Any, y: Any, batch_size: int = 1000) -> tuple[float, float]:
    """Mean loss and fraction of right answers."""
    if len(x) != len(y) or len(x) == 0:
        raise wg.ShapeError(f"evaluate: {len(x)} images and {len(y)} labels")
    loss = correct = 0.0
    with wg.no_grad():
        for start in range(0, len(x), batch_size):
            labels = y[start : start + batch_size]
            logits = model(x[start : start + batch_size])
            loss += float(cross_entropy_loss(logits, labels).array) * len(labels)
            correct += float((logits.array.argmax(axis=1) == labels).sum())
    return loss / len(x), correct / len(x)


def train(
    model: Any,
    x_train: NDArray[Any],
    y_train: NDArray[Any],
    x_test: NDArray[Any],
    y_test: NDArray[Any],
    epochs: int = 5,
    batch_size: int = 32,
    lr: float = 0.1,
    rng: np.random.Generator | None = None,
) -> dict[str, list[float]]:
    """Minibatch gradient descent; prints one line per epoch.

    Parameters
    ----------
    model : MLP
        Changed in place.
    x_train, x_test : ndarray, shape (n, pixels)
    y_train, y_test : integer ndarray, shape (n,)
    epochs, batch_size : int
    lr : float
    rng : numpy.random.Generator, optional
        For the order of the images, which is new in every epoch.

    Returns
    -------
    dict
        ``"train_loss"``, the mean over the batches of each epoch, and ``"val_loss"``, that on the
        test images after it. After Ctrl-C: of the epochs that were finished.
    """
    if len(x_train) != len(y_train) or len(x_train) == 0:
        raise wg.ShapeError(f"train: {len(x_train)} images and {len(y_train)} labels")
    rng = np.random.default_rng() if rng is None else rng
    optimizer = SGD(model.parameters(), lr)
    history: dict[str, list[float]] = {"train_loss": [], "val_loss": []}
    for epoch in range(epochs):
        try:
            train_loss = _train_epoch(model, optimizer, x_train, y_train, batch_size, rng)
        except KeyboardInterrupt:
            print(f"interrupted in epoch {epoch + 1}")
            break
        val_loss, accuracy = _measure(model, x_test, y_test)
        history["train_loss"].append(train_loss)
        history["val_loss"].append(val_loss)
        print(
            f"Epoch {epoch + 1}/{epochs} | Train Loss: {train_loss:.4f} | "
            f"Val Loss: {val_loss:.4f} | Test Acc: {100 * accuracy:.2f}%"
        )
    return history


def _train_epoch(
    model: Any, optimizer: SGD, x: Any, y: Any, batch_size: int, rng: np.random.Generator
) -> float:
    order = rng.permutation(len(x))
    starts = range(0, len(x), batch_size)
    total = correct = 0.0
    # The bar is for people: nothing of it gets into a file or a test.
    with tqdm(starts, unit="step", leave=False, disable=not sys.stderr.isatty()) as bar:
        for start in bar:
            batch = order[start : start + batch_size]
            labels = y[batch]
            logits = model(x[batch])
            loss = cross_entropy_loss(logits, labels)
            optimizer.zero_grad()
            loss.backward()
            total += float(loss.array) * len(batch)
            if not bar.disable:
                seen = start + len(batch)
                correct += float((logits.array.argmax(axis=1) == labels).sum())
                text = f"loss {total / seen:.4f}, accuracy {100 * correct / seen:.1f} %"
                bar.set_postfix_str(text, refresh=False)
            # The graph holds the weights that it was computed with. While it lives, changing them
            # in place would make another backward() wrong, so `param.array` would be a copy.
            del logits, loss
            optimizer.step()
    return total / len(x)


# ------------------------------------------------------------------ pictures


def plot_mnist_image(
    x: NDArray[Any], y: NDArray[Any] | None = None, index: int = 0, ax: Axes | None = None
) -> Axes:
    """Draw one image, with its label as the title.

    Parameters
    ----------
    x : ndarray, shape (n, 784) or (n, 28, 28)
    y : ndarray, shape (n,), optional
        Labels: numbers or names.
    index : int
        Which image.
    ax : matplotlib Axes, optional
        Where to draw; a new figure unless given.

    Returns
    -------
    matplotlib Axes
        ``.figure`` is the figure.
    """
    if not -len(x) <= index < len(x):
        raise wg.WengertValueError(f"plot_mnist_image: image {index} of {len(x)} images")
    if np.asarray(x[index]).size != 28 * 28:
        raise wg.ShapeError(
            f"plot_mnist_image: expected images of 784 pixels, got {np.shape(x[index])}"
        )
    if ax is None:
        ax = Figure(figsize=(2.6, 2.8), dpi=100, layout="constrained").add_subplot()
    ax.imshow(np.reshape(x[index], (28, 28)), cmap="gray_r")
    ax.set(xticks=[], yticks=[])
    if y is not None:
        ax.set_title(f"{y[index]}")
    return ax


def plot_losses(histories: dict[str, dict[str, Sequence[float]]]) -> Figure:
    """Training and test loss over the epochs, one panel for each data set."""
    figure = Figure(figsize=(5.5 * len(histories), 4), dpi=110, layout="constrained")
    for i, (title, history) in enumerate(histories.items()):
        ax = figure.add_subplot(1, len(histories), i + 1)
        epochs = np.arange(1, len(history["train_loss"]) + 1)
        ax.plot(epochs, history["train_loss"], "o-", label="training, mean over the epoch")
        ax.plot(epochs, history["val_loss"], "s-", label="test, after the epoch")
        ax.set(xlabel="epoch", ylabel="cross entropy (nats)", title=title, xticks=epochs)
        ax.grid(alpha=0.3)
        ax.spines[["top", "right"]].set_visible(False)
        ax.legend(frameon=False)
    return figure
