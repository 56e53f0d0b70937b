"""Losses that are single operations."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.errors import ShapeError, WengertTypeError, WengertValueError
from ..core.tensor import Tensor
from ..rules.cross_entropy import cross_entropy_rows

__all__ = ["cross_entropy"]


def cross_entropy(logits: Any, labels: Any) -> Any:
    """Negative log-probability of each label under ``softmax(logits)``.

    Finite for all finite logits: the maximum of each row is subtracted first.

    Parameters
    ----------
    logits : array, shape (..., k), float
        Unnormalised log-probabilities along the last axis.
    labels : integer array, shape (...)
        The right classes, from 0 to k - 1. Not differentiated.

    Returns
    -------
    array, shape (...)
        ``log(sum(exp(logits), axis=-1)) - logits[..., label]``, in the dtype of the logits.

    Raises
    ------
    ShapeError
        If the shapes do not fit, or there is no class.
    WengertTypeError
        If the logits are not floats or the labels not integers.
    WengertValueError
        If a label is out of range.
    """
    if not isinstance(logits, Tensor):
        logits = np.asarray(logits)
    if not isinstance(labels, Tensor):
        labels = np.asarray(labels)
    _check(logits, labels)
    return cross_entropy_rows(logits, labels)


def _check(logits: Any, labels: Any) -> None:
    shape = logits.shape
    if not shape or not shape[-1]:
        raise ShapeError(
            f"cross_entropy: expected logits of shape (..., k) with k classes, got {shape}"
        )
    if logits.dtype.kind != "f":
        raise WengertTypeError(
            f"cross_entropy: logits must be floats, got {logits.dtype}; cast with .astype(float)"
        )
    if labels.dtype.kind not in "iu":
        raise WengertTypeError(
            f"cross_entropy: labels must be integers, got {labels.dtype}; cast with .astype(int)"
        )
    if labels.shape != shape[:-1]:
        raise ShapeError(
            f"cross_entropy: logits of shape {shape} need labels of shape {shape[:-1]}, got "
            f"{labels.shape}"
        )
    # Seen as unsigned numbers, negative labels are larger than any class: one pass finds both
    # faults. An abstract label (under jit) has no value to look at.
    if isinstance(labels, np.ndarray) and labels.size:
        if labels.view(f"u{labels.itemsize}").max() >= shape[-1]:
            at = tuple(np.argwhere((labels < 0) | (labels >= shape[-1]))[0].tolist())
            raise WengertValueError(
                f"cross_entropy: label {labels[at]} of example {at[0] if len(at) == 1 else at} is "
                f"out of range: {shape[-1]} columns of logits allow 0 to {shape[-1] - 1}"
            )
