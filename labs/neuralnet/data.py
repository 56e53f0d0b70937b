"""Images in CIFAR's format for the classifiers: the splits, the scaling of pixels, minibatches.

CIFAR-10 where its files are on the machine, else its stand-in: the images of Fashion-MNIST in
CIFAR's shape, 32 x 32 pixels with three equal channels, 50,000 for training and 10,000 for testing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import wengert as wg
from wengert.data import load_cifar10_or_standin
from wengert.train.examples import epoch_order

__all__ = ["CHANNELS", "PIXELS", "DataSampler", "Scaling", "Split", "Splits", "load_splits"]

CHANNELS = 3
PIXELS = 32 * 32
_VALIDATION = 5_000


class Split(NamedTuple):
    """Images and their classes.

    Attributes
    ----------
    X : ndarray, shape (n, 3072), uint8
        One image per row: pixel by pixel, the three channels of each side by side.
    y : ndarray, shape (n,), int64
    """

    X: NDArray[np.uint8]
    y: NDArray[np.int64]


@dataclass(frozen=True)
class Splits:
    """Training, validation and test images, and the names of the classes."""

    train: Split
    validation: Split
    test: Split
    classes: tuple[str, ...]
    name: str

    def first(self, num_train: int | None) -> Splits:
        """The same with the first training images only; None keeps all.

        Raises
        ------
        wengert.ConfigError
            If there are not so many.
        """
        train = _part(self.train, 0, len(self.train.y), num_train, "training")
        return dataclasses.replace(self, train=train)


def load_splits(
    data_dir: Path | None = None,
    *,
    num_train: int | None = None,
    num_validation: int | None = None,
) -> Splits:
    """The 50,000 training images as 45,000 for training and 5,000 for validation, and the test set.

    The split is always the same: the last 5,000 are for validation.

    Parameters
    ----------
    data_dir : Path, optional
        Where to look for the files; see `wengert.data.load`.
    num_train, num_validation : int, optional
        Take only the first ones.

    Raises
    ------
    wengert.DataError
        If the files are missing or broken.
    wengert.ConfigError
        If there are not so many images.
    """
    train, test, classes, name = _cifar_rows(data_dir)
    border = len(train.y) - _VALIDATION
    return Splits(
        _part(train, 0, border, num_train, "training"),
        _part(train, border, len(train.y), num_validation, "validation"),
        test,
        classes,
        name,
    )


def _part(split: Split, start: int, stop: int, count: int | None, what: str) -> Split:
    if count is not None and not 1 <= count <= stop - start:
        raise wg.ConfigError(
            f"there are {stop - start} {what} images, so at most that many and at least 1 can be "
            f"used; got {count}"
        )
    stop = stop if count is None else start + count
    return Split(split.X[start:stop], split.y[start:stop])


def _cifar_rows(data_dir: Path | None) -> tuple[Split, Split, tuple[str, ...], str]:
    """Training and test images as rows of CIFAR's format, the classes, and what the data is."""
    source = load_cifar10_or_standin(data_dir)
    train = Split(source.train_x.reshape(len(source.train_x), -1), source.train_y)
    test = Split(source.test_x.reshape(len(source.test_x), -1), source.test_y)
    return train, test, source.classes, source.title


@dataclass(frozen=True)
class Scaling:
    """Pixels from 0 to 1, minus the mean of their channel, divided by its standard deviation.

    Attributes
    ----------
    mean, std : tuple of float
        One for each channel, measured on the training images.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def of(cls, X: NDArray[np.uint8]) -> Scaling:
        """The scaling that gives these images mean 0 and standard deviation 1 in each channel."""
        sums, squares = np.zeros((2, X.shape[1]), np.int64)
        for start in range(0, len(X), 1000):  # bounds the memory of the copies; integers are exact
            part = X[start : start + 1000].astype(np.int32)
            sums += part.sum(axis=0)
            squares += np.square(part).sum(axis=0)
        count = len(X) * PIXELS
        mean = sums.reshape(PIXELS, CHANNELS).sum(axis=0) / count
        variance = squares.reshape(PIXELS, CHANNELS).sum(axis=0) / count - mean**2
        if variance.min() <= 0:
            raise wg.DataError("a colour channel of the training images is the same everywhere")
        return cls(tuple((mean / 255).tolist()), tuple((np.sqrt(variance) / 255).tolist()))

    def __call__(self, X: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Rows of ``X`` as float32."""
        mean = np.tile(np.asarray(self.mean, np.float32) * 255, PIXELS)
        scale = np.tile(1 / (np.asarray(self.std, np.float32) * 255), PIXELS)
        rows: NDArray[np.float32] = X.astype(np.float32)
        rows -= mean
        rows *= scale
        return rows

    def to_json(self) -> dict[str, list[float]]:
        """As a dict that `from_json` reads."""
        return {"mean": list(self.mean), "std": list(self.std)}

    @classmethod
    def from_json(cls, state: Any) -> Scaling:
        """The inverse of `to_json`.

        Raises
        ------
        wengert.DataError
            If ``state`` is something else.
        """
        try:
            mean, std = (tuple(float(x) for x in state[key]) for key in ("mean", "std"))
        except (KeyError, TypeError, ValueError) as error:
            raise wg.DataError("the scaling of the pixels is missing or damaged") from error
        if len(mean) != CHANNELS or len(std) != CHANNELS or min(std) <= 0:
            raise wg.DataError(f"expected a mean and a std for {CHANNELS} channels, got {state}")
        return cls(mean, std)


@dataclass(frozen=True)
class DataSampler:
    """Goes through a split in random order, a minibatch at a time.

    Attributes
    ----------
    split : Split
    scaling : Scaling
    batch_size : int
    seed : int
        With the number of the epoch it decides the order.
    """

    split: Split
    scaling: Scaling
    batch_size: int
    seed: int

    def __len__(self) -> int:
        """Minibatches per epoch; the last one may be smaller."""
        return -(-len(self.split.y) // self.batch_size)

    def epoch(self, number: int) -> Iterator[tuple[NDArray[np.float32], NDArray[np.int64]]]:
        """The minibatches of an epoch: scaled images and their classes."""
        order = epoch_order(self.seed, number, len(self.split.y))
        for start in range(0, len(order), self.batch_size):
            rows = order[start : start + self.batch_size]
            yield self.scaling(self.split.X[rows]), self.split.y[rows]
