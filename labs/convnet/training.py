"""The images, the hyperparameters, and training with them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labs.convnet import network
from wengert import data, optim
from wengert.train import Data, Examples, Result, Run, fit
from wengert.train.progress import Reporter

__all__ = ["QUICK", "Hyperparameters", "load_images", "scale", "train"]

VALIDATION = 10_000
# Mean and standard deviation of the pixels of the 60,000 training images, from 0 to 1.
_MEAN, _DEVIATION = 0.286, 0.353


@dataclass(frozen=True)
class Hyperparameters:
    """What decides the result besides the data.

    Attributes
    ----------
    epochs, batch_size : int
    lr : float
        The learning rate of the first steps; it falls to zero along half a cosine.
    momentum, weight_decay : float
    channels : (int, int)
        Outputs of the two convolutional layers.
    seed : int
        Decides the weights, the order of the images, and which are for validation.
    """

    epochs: int = 8
    batch_size: int = 64
    lr: float = 0.03
    momentum: float = 0.9
    weight_decay: float = 5e-4
    channels: tuple[int, int] = (16, 32)
    seed: int = 0


QUICK = Hyperparameters(epochs=3, batch_size=32)
_QUICK_IMAGES = {"train": 1_600, "validation": 500, "test": 500}


def load_images(
    directory: Path | None = None, *, seed: int = 0, quick: bool = False
) -> tuple[Data, tuple[str, ...]]:
    """Fashion-MNIST: 50,000 images for training, 10,000 for validation, 10,000 for the test.

    Parameters
    ----------
    directory : Path, optional
        Where the files are; see `wengert.data.load`.
    seed : int
        Decides which of the 60,000 training images are for validation.
    quick : bool
        Take a few of each.

    Returns
    -------
    data : Data
        Images (n, 28, 28, 1), scaled, and labels.
    classes : tuple of str
        Their names.

    Raises
    ------
    wengert.DataError
        If the files are missing or damaged, or hold images of another size.
    """
    found = data.load("fashion-mnist", directory)
    # Files that a user gives may hold fewer images than the real ones.
    count = min(VALIDATION, len(found.train_y) // 6)
    split = found.split(count, seed)
    parts = []
    for name, part in split._asdict().items():
        end = _QUICK_IMAGES[name] if quick else None
        parts.append(Examples(scale(part.x[:end]), part.y[:end]))
    return Data(*parts), found.classes


def scale(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Pixels with mean 0 and variance 1 over the training images, channels last."""
    x = images.astype(np.float32)[..., np.newaxis]
    x *= np.float32(1 / (255 * _DEVIATION))
    x -= np.float32(_MEAN / _DEVIATION)
    return x


def train(
    settings: Hyperparameters,
    images: Data,
    directory: Path | None = None,
    *,
    reporter: Reporter | None = None,
    jit: bool = True,
) -> Result:
    """Train a new network; the test images are looked at once, at the end.

    Parameters
    ----------
    settings : Hyperparameters
    images : Data
    directory : Path, optional
        Where checkpoints, the model, the metrics and the plots go.
    reporter : Reporter, optional
        What is shown.
    jit : bool
        See `wengert.train.fit`.

    Raises
    ------
    wengert.train.TrainingInterrupted
        On Ctrl-C, after everything was saved.
    """
    steps = settings.epochs * math.ceil(len(images.train.y) / settings.batch_size)
    optimizer = optim.SGD(
        optim.CosineDecay(settings.lr, steps),
        momentum=settings.momentum,
        weight_decay=settings.weight_decay,
    )
    model = network.build(np.random.default_rng(settings.seed), channels=settings.channels)
    return fit(
        model,
        images,
        optimizer=optimizer,
        epochs=settings.epochs,
        batch=settings.batch_size,
        seed=settings.seed,
        run=_run(settings, directory) if directory is not None else None,
        reporter=reporter,
        jit=jit,
    )


def _run(settings: Hyperparameters, directory: Path) -> Run:
    description: dict[str, Any] = {"lab": "convnet", **vars(settings)}
    return Run(
        directory,
        description=description,
        model_description={"dataset": "fashion-mnist", **description},
        title="Fashion-MNIST, convolutional network",
        overwrite=True,
    )
