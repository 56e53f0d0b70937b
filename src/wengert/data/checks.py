"""What must hold of images and labels, whatever format they came in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import wengert as wg

__all__ = ["check_images", "check_labels"]


def check_images(images: NDArray[Any], path: Path, image_shape: tuple[int, ...]) -> None:
    """Images of the expected shape, uint8, at least one.

    Raises
    ------
    wengert.DataError
        If not; the message names the file.
    """
    if images.dtype != np.uint8 or images.shape[1:] != image_shape or images.ndim == 0:
        raise wg.DataError(
            f"{path}: expected images of shape (n, {', '.join(map(str, image_shape))}) and dtype "
            f"uint8, found shape {images.shape} and dtype {images.dtype}"
        )
    if len(images) == 0:
        raise wg.DataError(f"{path}: holds no images")


def check_labels(labels: NDArray[Any], path: Path | str, classes: int, first: int = 0) -> None:
    """One whole number from 0 to ``classes - 1`` for each image.

    Parameters
    ----------
    labels : ndarray, shape (n,)
    path : path or str
        For the message.
    classes : int
    first : int
        The position of ``labels[0]`` in the file.

    Raises
    ------
    wengert.DataError
        If not; the message names the file, the first wrong label and its position.
    """
    if labels.dtype.kind not in "iu" or labels.ndim != 1:
        raise wg.DataError(
            f"{path}: expected one integer label per image, found shape {labels.shape} and dtype "
            f"{labels.dtype}"
        )
    wrong = np.flatnonzero((labels < 0) | (labels >= classes))
    if wrong.size:
        raise wg.DataError(
            f"{path}: label {labels[wrong[0]]} at position {first + wrong[0]} is out of range: "
            f"there are {classes} classes, 0 to {classes - 1} ({wrong.size} such labels)"
        )
