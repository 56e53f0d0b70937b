"""Images in CIFAR-10's layout as rows of numbers, centred.

The stand-in for CIFAR-10 is Fashion-MNIST enlarged to 32 x 32 pixels, its grey in all three
channels: 50,000 + 10,000 images, 3,072 numbers each.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wengert import data

__all__ = ["STAND_IN", "Images", "load"]

STAND_IN = "stand-in for CIFAR-10: Fashion-MNIST as 32 x 32 RGB"
_TRAIN, _TEST = 50_000, 10_000


class Images(NamedTuple):
    """Centred images ``(n, 3072)``, float32, and labels ``(n,)``; all arrays are read-only."""

    x_train: NDArray[np.float32]
    y_train: NDArray[np.int64]
    x_test: NDArray[np.float32]
    y_test: NDArray[np.int64]


def load(directory: Path | None = None, train: int = _TRAIN, test: int = _TEST) -> Images:
    """The first ``train`` and ``test`` images, from 0 to 1, without the mean training image.

    With pixels from 0 to 255, or without subtracting the mean, steps of 0.1 diverge. The arrays are
    read-only so that wengert does not copy them (600 MB) at each call, to be safe from changes.
    """
    found = data.load("fashion-mnist", directory)
    x_train, x_test = (_rows(found.train_x[:train]), _rows(found.test_x[:test]))
    mean = x_train.mean(axis=0, dtype=np.float64).astype(np.float32)
    for x in (x_train, x_test):
        x -= mean
    images = Images(x_train, found.train_y[:train].copy(), x_test, found.test_y[:test].copy())
    for array in images:
        array.flags.writeable = False
    return images


def _rows(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Images (n, 28, 28) as rows (n, 3072) of numbers from 0 to 1."""
    rows = np.empty((len(images), 32, 32, 3), np.float32)
    for start in range(0, len(images), 1000):
        block = slice(start, start + 1000)
        rows[block] = np.floor(_enlarge(images[block]) + 0.5)[..., None]
    rows *= np.float32(1 / 255)
    return rows.reshape(len(images), -1)


def _enlarge(images: NDArray[np.uint8]) -> Any:
    """28 x 28 to 32 x 32 pixels, bilinearly: pixel centres map by (i + 1/2) 28/32 - 1/2."""
    source = np.clip((np.arange(32) + 0.5) * 28 / 32 - 0.5, 0, 27)
    low = source.astype(int)
    high = np.minimum(low + 1, 27)
    weight = (source - low).astype(np.float32)
    x = images.astype(np.float32)
    x = x[:, low] * (1 - weight)[:, None] + x[:, high] * weight[:, None]
    return x[:, :, low] * (1 - weight) + x[:, :, high] * weight
