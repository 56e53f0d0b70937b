"""Images in CIFAR-10's layout as rows of numbers, centred.

CIFAR-10 where its files are on the machine; else its stand-in, Fashion-MNIST enlarged to 32 x 32
pixels, its grey in all three channels: 50,000 + 10,000 images, 3,072 numbers each.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wengert import data

__all__ = ["Images", "load"]

_TRAIN, _TEST = 50_000, 10_000


class Images(NamedTuple):
    """Centred images ``(n, 3072)``, float32, labels ``(n,)``, all read-only; and what they are."""

    x_train: NDArray[np.float32]
    y_train: NDArray[np.int64]
    x_test: NDArray[np.float32]
    y_test: NDArray[np.int64]
    title: str


def load(directory: Path | None = None, train: int = _TRAIN, test: int = _TEST) -> Images:
    """The first ``train`` and ``test`` images, from 0 to 1, without the mean training image.

    With pixels from 0 to 255, or without subtracting the mean, steps of 0.1 diverge. The arrays are
    read-only so that wengert does not copy them (600 MB) at each call, to be safe from changes.
    """
    found = data.load_cifar10_or_standin(directory)
    x_train, x_test = (_rows(found.train_x[:train]), _rows(found.test_x[:test]))
    mean = x_train.mean(axis=0, dtype=np.float64).astype(np.float32)
    for x in (x_train, x_test):
        x -= mean
    y_train, y_test = found.train_y[:train].copy(), found.test_y[:test].copy()
    for array in (x_train, y_train, x_test, y_test):
        array.flags.writeable = False
    return Images(x_train, y_train, x_test, y_test, found.title)


def _rows(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Images (n, 32, 32, 3) as rows (n, 3072) of numbers from 0 to 1."""
    rows = images.reshape(len(images), -1).astype(np.float32)
    rows *= np.float32(1 / 255)
    return rows
