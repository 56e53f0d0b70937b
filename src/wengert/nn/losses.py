"""Loss functions."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

import wengert as wg
from wengert import operations

__all__ = ["cross_entropy", "mse"]

Reduction = Literal["mean", "sum", "none"]


def cross_entropy(logits: Any, labels: NDArray[Any], reduction: Reduction = "mean") -> Any:
    """Negative log-probability of the labels under ``softmax(logits)``.

    Finite for all finite logits: the maximum of each row is subtracted first.

    Parameters
    ----------
    logits : array, shape (n, k)
        One row of unnormalised log-probabilities per example.
    labels : integer array, shape (n,)
        The right class of each example, from 0 to k - 1.
    reduction : {"mean", "sum", "none"}
        Over the examples; "none" returns shape (n,).

    Raises
    ------
    wengert.ShapeError
        If the shapes do not fit.
    wengert.WengertTypeError
        If the labels are not integers.
    wengert.WengertValueError
        If a label is out of range.
    """
    shape = getattr(logits, "shape", None) or np.shape(logits)
    if len(shape) != 2:
        raise wg.ShapeError(f"cross_entropy: expected logits of shape (n, k), got {shape}")
    return _reduce(operations.cross_entropy(logits, labels), reduction)


def mse(prediction: Any, target: Any, reduction: Reduction = "mean") -> Any:
    """Squared error, averaged over all elements.

    Parameters
    ----------
    prediction, target : arrays of the same shape
        A difference in shape is an error, for broadcasting (n, 1) against (n,) is a common mistake.
    reduction : {"mean", "sum", "none"}

    Raises
    ------
    wengert.ShapeError
        If the shapes differ.
    """
    if np.shape(prediction) != np.shape(target):
        raise wg.ShapeError(
            f"mse: prediction has shape {np.shape(prediction)} and target {np.shape(target)}; "
            "reshape one of them"
        )
    return _reduce((prediction - target) ** 2, reduction)


def _reduce(values: Any, reduction: Reduction) -> Any:
    if reduction == "mean":
        return np.mean(values)
    if reduction == "sum":
        return np.sum(values)
    if reduction == "none":
        return values
    raise wg.WengertValueError(f'reduction must be "mean", "sum" or "none", got {reduction!r}')
