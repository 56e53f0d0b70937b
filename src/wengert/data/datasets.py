"""The data sets that `load` knows, checked and split into training and test data."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import wengert as wg
from wengert.data.idx import read_idx
from wengert.data.optional import require
from wengert.data.sources import FILE_SOURCES, FileSource, find_files

__all__ = ["Dataset", "flatten_images", "load", "names"]

# The split of the digits is part of their definition here: accuracies are comparable only with it.
_DIGITS_SEED = 1797
_DIGITS_TEST = 360


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled images, split into training and test data.

    Attributes
    ----------
    name : str
    train_x : ndarray, shape (n, height, width), uint8
    train_y : ndarray, shape (n,), int64
        Class of each image, from 0 to ``len(classes) - 1``.
    test_x : ndarray, shape (m, height, width), uint8
    test_y : ndarray, shape (m,), int64
    classes : tuple of str
        The name of each class.
    pixel_max : int
        The value of a white pixel.
    """

    name: str
    train_x: NDArray[np.uint8]
    train_y: NDArray[np.int64]
    test_x: NDArray[np.uint8]
    test_y: NDArray[np.int64]
    classes: tuple[str, ...]
    pixel_max: int = 255

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Height and width in pixels."""
        return self.train_x.shape[1:]

    def features(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """``images`` as rows of numbers from 0 to 1; see `flatten_images`."""
        return flatten_images(images, self.pixel_max)

    def fingerprint(self) -> str:
        """A hexadecimal digest of all images and labels."""
        digest = hashlib.sha256()
        for array in (self.train_x, self.train_y, self.test_x, self.test_y):
            digest.update(f"{array.dtype.str}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    def __repr__(self) -> str:
        size = " x ".join(map(str, self.image_shape))
        return (
            f"Dataset({self.name!r}: {len(self.train_x)} training and {len(self.test_x)} test "
            f"images of {size} pixels, {len(self.classes)} classes)"
        )


def names() -> tuple[str, ...]:
    """The names that `load` knows."""
    return ("digits", *FILE_SOURCES)


def load(name: str, directory: str | os.PathLike[str] | None = None) -> Dataset:
    """Load a data set by name.

    ``"digits"`` are the 1,797 digits of 8 x 8 pixels that come with scikit-learn (1,437 for
    training, 360 for testing, always the same) and need no file. ``"fashion-mnist"`` and
    ``"mnist"`` are 60,000 + 10,000 images of 28 x 28 pixels in four IDX files, looked for in
    ``directory`` (only there, if it is given), the environment variable ``WENGERT_DATA``, the
    user's cache and ``/usr/share/datasets``, and downloaded to the user's cache otherwise.

    Parameters
    ----------
    name : str
    directory : str or path, optional
        The folder with the files, or with a folder of the data set's name that has them.

    Returns
    -------
    Dataset

    Raises
    ------
    wengert.DataError
        If the name is unknown, a file is missing or broken, the images and labels do not belong
        together, or a label is out of range. A broken file is never passed over for another place.
    wengert.ConfigError
        If a package that is needed is not installed.
    """
    if name == "digits":
        return _load_digits()
    if name not in FILE_SOURCES:
        raise wg.DataError(f"unknown data set {name!r}; known are {', '.join(names())}")
    return _load_files(FILE_SOURCES[name], directory)


def _load_files(source: FileSource, directory: str | os.PathLike[str] | None) -> Dataset:
    paths = find_files(source, directory)
    train_x, train_y, test_x, test_y = (read_idx(path) for path in paths)
    for images, path in ((train_x, paths[0]), (test_x, paths[2])):
        _check_images(images, path, source.image_shape)
    for labels, path, images, images_path in (
        (train_y, paths[1], train_x, paths[0]),
        (test_y, paths[3], test_x, paths[2]),
    ):
        _check_labels(labels, path, len(source.classes))
        if len(labels) != len(images):
            raise wg.DataError(
                f"{path}: {len(labels)} labels, but {images_path.name} has {len(images)} images"
            )
    return Dataset(
        source.name,
        train_x,
        train_y.astype(np.int64),
        test_x,
        test_y.astype(np.int64),
        source.classes,
    )


def _check_images(images: NDArray[Any], path: Path, image_shape: tuple[int, ...]) -> None:
    if images.dtype != np.uint8 or images.ndim != 3 or images.shape[1:] != image_shape:
        raise wg.DataError(
            f"{path}: expected images of shape (n, {', '.join(map(str, image_shape))}) and dtype "
            f"uint8, found shape {images.shape} and dtype {images.dtype}"
        )
    if len(images) == 0:
        raise wg.DataError(f"{path}: holds no images")


def _check_labels(labels: NDArray[Any], path: Path, classes: int) -> None:
    if labels.dtype.kind not in "iu" or labels.ndim != 1:
        raise wg.DataError(
            f"{path}: expected one integer label per image, found shape {labels.shape} and dtype "
            f"{labels.dtype}"
        )
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if wrong.size:
        raise wg.DataError(
            f"{path}: label {labels[wrong[0]]} at position {wrong[0]} is out of range: there are "
            f"{classes} classes, 0 to {classes - 1} ({wrong.size} such labels)"
        )


def _load_digits() -> Dataset:
    datasets = require("sklearn.datasets", "data", "for the digits data set")
    bunch = datasets.load_digits()
    images = bunch.images.astype(np.uint8)
    labels = bunch.target.astype(np.int64)
    order = np.random.default_rng(_DIGITS_SEED).permutation(len(images))
    test, train = order[:_DIGITS_TEST], order[_DIGITS_TEST:]
    return Dataset(
        "digits",
        images[train],
        labels[train],
        images[test],
        labels[test],
        tuple("0123456789"),
        pixel_max=16,
    )


def flatten_images(images: NDArray[Any], maximum: float = 255) -> NDArray[np.float32]:
    """Images as rows of numbers from 0 to 1.

    Parameters
    ----------
    images : ndarray, shape (n, ...)
    maximum : float
        The value of a white pixel.

    Returns
    -------
    ndarray, shape (n, pixels), float32

    Raises
    ------
    wengert.ShapeError
        If ``images`` has no axis.
    """
    images = np.asarray(images)
    if images.ndim == 0:
        raise wg.ShapeError("flatten_images: expected an array of images, got a single number")
    pixels = int(np.prod(images.shape[1:]))
    rows: NDArray[np.float32] = images.reshape(len(images), pixels).astype(np.float32)
    rows *= np.float32(1 / maximum)
    return rows
