"""Data sets that need no file: what scikit-learn ships and what it makes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

import wengert as wg
from wengert.data.dataset import Dataset
from wengert.data.optional import require

__all__ = ["load_digits", "load_moons", "moons"]

# The split of the digits is part of their definition here: accuracies are comparable only with it.
_DIGITS_SEED = 1797
_DIGITS_TEST = 360


def load_digits() -> Dataset:
    """The 1,797 digits of 8 x 8 pixels, always split in the same way."""
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


def moons(
    samples: int = 100, noise: float = 0.1, seed: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Two interleaved half circles, scikit-learn's ``make_moons``.

    Parameters
    ----------
    samples : int
        Points in both moons together.
    noise : float
        Standard deviation of the normal noise that is added to each coordinate.
    seed : int
        Decides the order and the noise.

    Returns
    -------
    x : ndarray, shape (samples, 2), float64
    y : ndarray, shape (samples,), int64
        0 for the upper moon, 1 for the lower.

    Raises
    ------
    wengert.ConfigError
        If an argument is out of range, or scikit-learn is not installed.
    """
    for name, number, low in (("samples", samples, 2), ("noise", noise, 0), ("seed", seed, 0)):
        if not number >= low:
            raise wg.ConfigError(f"moons: {name} must be at least {low}, got {number}")
    datasets = require("sklearn.datasets", "data", "for the moons data set")
    x, y = datasets.make_moons(samples, noise=noise, random_state=seed)
    return x, y.astype(np.int64)


def load_moons() -> Dataset:
    """Two draws of `moons`, with seed 0 for training and 1 for testing."""
    return Dataset("moons", *moons(seed=0), *moons(seed=1), ("upper", "lower"), pixel_max=1)
