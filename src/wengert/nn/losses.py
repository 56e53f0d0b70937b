"""Loss functions."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

import wengert as wg
from wengert import operations

__all__ = ["binary_cross_entropy", "cross_entropy", "huber", "mse"]

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
        If the shapes do not fit, or the mean of no examples is asked for.
    wengert.WengertTypeError
        If the labels are not integers.
    wengert.WengertValueError
        If a label is out of range.
    """
    shape = getattr(logits, "shape", None) or np.shape(logits)
    if len(shape) != 2:
        raise wg.ShapeError(f"cross_entropy: expected logits of shape (n, k), got {shape}")
    return _reduce("cross_entropy", operations.cross_entropy(logits, labels), reduction)


def binary_cross_entropy(logits: Any, targets: Any, reduction: Reduction = "mean") -> Any:
    """Negative log-probability of yes-or-no targets under ``sigmoid(logits)``.

    Finite for all finite logits, and exact to rounding where it is next to zero.

    Parameters
    ----------
    logits : array
        Unnormalised log-odds of yes.
    targets : array of the same shape
        1 or True for yes, 0 or False for no; or probabilities between.
    reduction : {"mean", "sum", "none"}
        Over all elements.

    Raises
    ------
    wengert.ShapeError
        If the shapes differ, or the mean of no elements is asked for.
    wengert.WengertValueError
        If a target is below 0 or above 1.
    """
    logits, targets = (a if isinstance(a, wg.Tensor) else np.asarray(a) for a in (logits, targets))
    _check_shapes("binary_cross_entropy", "logits", logits, "targets", targets)
    if isinstance(targets, np.ndarray):
        if targets.dtype.kind != "b" and not np.all((targets >= 0) & (targets <= 1)):
            wrong = targets[~((targets >= 0) & (targets <= 1))].flat[0]
            raise wg.WengertValueError(
                f"binary_cross_entropy: targets must be from 0 to 1, got {wrong}"
            )
    if targets.dtype.kind in "biu":  # not to promote float32 logits
        targets = targets.astype(logits.dtype)
    # The textbook's max(x, 0) - x t + log(1 + exp(-|x|)) has a wrong second derivative at 0, and
    # softplus(x) - x t cancels where the loss is small.
    yes, no = np.logaddexp(-logits, 0), np.logaddexp(logits, 0)
    return _reduce("binary_cross_entropy", targets * yes + (1 - targets) * no, reduction)


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
        If the shapes differ, or the mean of no elements is asked for.
    """
    _check_shapes("mse", "prediction", prediction, "target", target)
    return _reduce("mse", (prediction - target) ** 2, reduction)


def huber(prediction: Any, target: Any, reduction: Reduction = "mean", delta: float = 1.0) -> Any:
    """Half the squared error where it is small, and growing linearly beyond ``delta``.

    ``d**2 / 2`` for ``|d| <= delta``, else ``delta * (|d| - delta / 2)``. P. Huber, Robust
    estimation of a location parameter, Annals of Mathematical Statistics 35, 1964.

    Parameters
    ----------
    prediction, target : arrays of the same shape
    reduction : {"mean", "sum", "none"}
        Over all elements.
    delta : float
        Above 0.

    Raises
    ------
    wengert.ShapeError
        If the shapes differ, or the mean of no elements is asked for.
    wengert.WengertValueError
        If ``delta`` is not above 0.
    """
    _check_shapes("huber", "prediction", prediction, "target", target)
    if not delta > 0:
        raise wg.WengertValueError(f"huber: delta must be above 0, got {delta!r}")
    difference = prediction - target
    near = np.clip(difference, -delta, delta)
    # near (d - near / 2) is d^2 / 2 within, and delta (|d| - delta / 2) beyond: no branch is
    # computed in vain, and none can overflow.
    return _reduce("huber", near * (difference - 0.5 * near), reduction)


def _check_shapes(loss: str, first: str, a: Any, second: str, b: Any) -> None:
    if np.shape(a) != np.shape(b):
        raise wg.ShapeError(
            f"{loss}: {first} has shape {np.shape(a)} and {second} {np.shape(b)}; reshape one of "
            "them"
        )


def _reduce(loss: str, values: Any, reduction: Reduction) -> Any:
    if reduction == "mean":
        if 0 in values.shape:
            raise wg.ShapeError(
                f"{loss}: the batch is empty (shape {values.shape}), and its mean not defined; "
                'leave it out, or use reduction="sum"'
            )
        return np.mean(values)
    if reduction == "sum":
        return np.sum(values)
    if reduction == "none":
        return values
    raise wg.WengertValueError(f'reduction must be "mean", "sum" or "none", got {reduction!r}')
