"""What a loaded data set is."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import wengert as wg

__all__ = ["Dataset", "Part", "Split", "flatten_images"]

# Keeps the split apart from other random numbers that a program draws with the same seed.
_SPLIT_STREAM = 1


class Part(NamedTuple):
    """Some examples of a data set.

    Attributes
    ----------
    x : ndarray, shape (n, ...)
    y : ndarray, shape (n,), int64
    """

    x: NDArray[Any]
    y: NDArray[np.int64]


class Split(NamedTuple):
    """A data set in three parts; see `Dataset.split`."""

    train: Part
    validation: Part
    test: Part


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled examples, split into training and test data.

    Images are uint8: ``(n, height, width)`` in grey, ``(n, height, width, 3)`` in colour (channels
    last, red, green, blue). Points in the plane are ``(n, 2)`` and float64.

    Attributes
    ----------
    name : str
    train_x : ndarray, shape (n, ...)
    train_y : ndarray, shape (n,), int64
        Class of each example, from 0 to ``len(classes) - 1``.
    test_x : ndarray, shape (m, ...)
    test_y : ndarray, shape (m,), int64
    classes : tuple of str
        The name of each class.
    pixel_max : int
        The value of a white pixel; 1 if the examples are not images.
    stand_in : str
        What the data really are, where they stand in for those of this name; else empty.
    """

    name: str
    train_x: NDArray[Any]
    train_y: NDArray[np.int64]
    test_x: NDArray[Any]
    test_y: NDArray[np.int64]
    classes: tuple[str, ...]
    pixel_max: int = 255
    stand_in: str = ""

    @property
    def title(self) -> str:
        """The name as it is to be shown: it says so where the data are a stand-in."""
        return f"{self.name} (stand-in: {self.stand_in})" if self.stand_in else self.name

    @property
    def image_shape(self) -> tuple[int, ...]:
        """The shape of one example: height and width in pixels, and channels in colour."""
        return self.train_x.shape[1:]

    def features(
        self, images: NDArray[Any], *, channels_first: bool = False
    ) -> NDArray[np.float32]:
        """``images`` as rows of numbers, from 0 to 1 for images; see `flatten_images`."""
        return flatten_images(images, self.pixel_max, channels_first=channels_first)

    def split(self, validation: float, seed: int | None = 0) -> Split:
        """Keep some of the training examples apart, to measure on while training.

        Parameters
        ----------
        validation : int or float
            How many, or below 1 which part of them; may be 0.
        seed : int or None
            Decides which; None takes the last ones, in the order of the files.

        Returns
        -------
        Split
            ``.train``, ``.validation`` and ``.test``, each with ``.x`` and ``.y``.

        Raises
        ------
        wengert.ConfigError
            If ``validation`` is negative or not smaller than the number of training examples.
        """
        total = len(self.train_y)
        whole = validation >= 1
        count = -1
        if 0 <= validation < total:
            count = int(validation) if whole else round(validation * total)
        if not 0 <= count < total or (whole and count != validation):
            raise wg.ConfigError(
                f"validation must be a part below 1, or a whole number below the {total} training "
                f"examples of {self.name}; got {validation}"
            )
        test = Part(self.test_x, self.test_y)
        x, y = self.train_x, self.train_y
        if seed is None or count == 0:
            at = total - count
            return Split(Part(x[:at], y[:at]), Part(x[at:], y[at:]), test)
        sequence = np.random.SeedSequence(seed, spawn_key=(_SPLIT_STREAM,))
        order = np.random.default_rng(sequence).permutation(total)
        kept, train = order[:count], order[count:]
        return Split(Part(x[train], y[train]), Part(x[kept], y[kept]), test)

    def fingerprint(self) -> str:
        """A hexadecimal digest of all examples and labels."""
        digest = hashlib.sha256()
        for array in (self.train_x, self.train_y, self.test_x, self.test_y):
            digest.update(f"{array.dtype.str}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    def __repr__(self) -> str:
        size = " x ".join(map(str, self.image_shape))
        what = (
            f"images of {size} pixels"
            if len(self.image_shape) > 1
            else f"points with {size} numbers"
        )
        return (
            f"Dataset({self.title!r}: {len(self.train_x)} training and {len(self.test_x)} test "
            f"{what}, {len(self.classes)} classes)"
        )


def flatten_images(
    images: NDArray[Any], maximum: float = 255, *, channels_first: bool = False
) -> NDArray[np.float32]:
    """Images as rows of numbers from 0 to 1.

    Parameters
    ----------
    images : ndarray, shape (n, ...)
    maximum : float
        The value of a white pixel.
    channels_first : bool
        For images in colour, ``(n, height, width, channels)``: the row is one plane after the
        other, as in CIFAR-10's files, instead of one pixel after the other.

    Returns
    -------
    ndarray, shape (n, pixels), float32

    Raises
    ------
    wengert.ShapeError
        If ``images`` has no axis, or ``channels_first`` is asked of images without channels.
    """
    images = np.asarray(images)
    if images.ndim == 0:
        raise wg.ShapeError("flatten_images: expected an array of images, got a single number")
    if channels_first:
        if images.ndim != 4:
            raise wg.ShapeError(
                "flatten_images: channels_first needs images of shape (n, height, width, channels)"
                f", got {images.shape}"
            )
        images = images.transpose(0, 3, 1, 2)
    pixels = int(np.prod(images.shape[1:]))
    rows: NDArray[np.float32] = images.astype(np.float32, order="C").reshape(len(images), pixels)
    rows *= np.float32(1 / maximum)
    return rows
