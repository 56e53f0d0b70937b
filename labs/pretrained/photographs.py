"""The photographs: those that scikit-image and scikit-learn bring along."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wengert.data.optional import require

__all__ = ["CATS", "COMPARED", "ESPRESSO", "PHOTOGRAPHS", "digest", "photograph"]

# Tabby, tiger cat, Egyptian cat.
CATS = (281, 282, 285)
ESPRESSO = 967


def _skimage(name: str) -> Callable[[], Any]:
    return lambda: getattr(require("skimage.data", "data", "for photographs"), name)()


def _sklearn(name: str) -> Callable[[], Any]:
    return lambda: require("sklearn.datasets", "data", "for photographs").load_sample_image(name)


# Names, and where they come from: see skimage.data and sklearn.datasets.load_sample_image.
PHOTOGRAPHS: Mapping[str, Callable[[], Any]] = {
    "chelsea": _skimage("chelsea"),
    "coffee": _skimage("coffee"),
    "rocket": _skimage("rocket"),
    "flower": _sklearn("flower.jpg"),
    "china": _sklearn("china.jpg"),
    "astronaut": _skimage("astronaut"),
}
# PyTorch's logits of these are committed.
COMPARED = ("chelsea", "coffee", "rocket", "flower", "china")


def photograph(name: str) -> NDArray[np.uint8]:
    """A photograph, (height, width, 3).

    Raises
    ------
    wengert.ConfigError
        If the package that brings it is not installed.
    """
    image: NDArray[np.uint8] = np.asarray(PHOTOGRAPHS[name](), np.uint8)
    return image


def digest(image: NDArray[np.uint8]) -> str:
    """SHA-256 of the pixels: two decoders of JPEG need not agree in every one."""
    return hashlib.sha256(np.ascontiguousarray(image).data).hexdigest()
