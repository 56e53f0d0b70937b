"""Layers and losses, each with its backward pass written by hand.

A layer's forward function returns the output and a cache; its backward function takes the gradient
of a loss with respect to the output, and the cache, and returns the gradients with respect to the
inputs. A loss returns its value and its gradient at once. Everything here is plain NumPy, so that
wengert can differentiate the forward functions, which is how `gradcheck_layers` checks the
backward ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import wengert as wg

__all__ = [
    "fc_backward",
    "fc_forward",
    "l2_loss",
    "l2_regularization",
    "relu_backward",
    "relu_forward",
    "softmax_loss",
]


def fc_forward(X: Any, W: Any, b: Any) -> tuple[Any, tuple[Any, Any]]:
    """Fully connected layer: ``y = X W + b``.

    Parameters
    ----------
    X : ndarray, shape (n, d)
        One input per row.
    W : ndarray, shape (d, m)
    b : ndarray, shape (m,)

    Returns
    -------
    y : ndarray, shape (n, m)
    cache : tuple
        For `fc_backward`.

    Raises
    ------
    wengert.ShapeError
        If the shapes do not fit together.
    """
    if X.ndim != 2 or W.ndim != 2 or X.shape[1] != W.shape[0] or b.shape != (W.shape[1],):
        raise wg.ShapeError(
            f"fc_forward: expected X of shape (n, d), W (d, m) and b (m,); got {X.shape}, "
            f"{W.shape} and {b.shape}"
        )
    return X @ W + b, (X, W)


def fc_backward(
    grad_y: Any, cache: tuple[Any, Any], *, input_gradient: bool = True
) -> tuple[Any, Any, Any]:
    """Backward pass of `fc_forward`.

    Parameters
    ----------
    grad_y : ndarray, shape (n, m)
        Gradient of the loss with respect to the output.
    cache : tuple
        From `fc_forward`.
    input_gradient : bool
        Whether the gradient with respect to ``X`` is wanted. A first layer, whose inputs are data,
        saves a third of its work without it.

    Returns
    -------
    grad_X : ndarray, shape (n, d), or None
    grad_W : ndarray, shape (d, m)
    grad_b : ndarray, shape (m,)
    """
    X, W = cache
    grad_X = grad_y @ W.T if input_gradient else None
    grad_W = X.T @ grad_y
    grad_b = grad_y.sum(axis=0)
    return grad_X, grad_W, grad_b


def relu_forward(x: Any) -> tuple[Any, Any]:
    """Rectified linear unit, ``max(x, 0)``, for an array of any shape.

    Returns
    -------
    y : ndarray
        Of the shape of ``x``.
    cache : ndarray
        For `relu_backward`.
    """
    return np.maximum(x, 0), x


def relu_backward(grad_y: Any, cache: Any) -> Any:
    """Backward pass of `relu_forward`.

    The slope at the kink, ``x = 0``, is taken to be 0. (wengert's ``np.maximum`` shares ties
    evenly, so its slope there is 0.5; it is compared away from the kink.)
    """
    return grad_y * (cache > 0)


def l2_loss(x: Any, y: Any) -> tuple[Any, Any]:
    """Half the squared distance of two batches of rows, averaged over the rows.

    ``loss = 1 / (2 n) * sum_i |x_i - y_i|^2``: the sum of squares goes over all columns, is halved,
    and is divided by the number of rows (not of elements).

    Parameters
    ----------
    x, y : ndarray, shape (n, d)

    Returns
    -------
    loss : number
    grad_x : ndarray, shape (n, d)

    Raises
    ------
    wengert.ShapeError
        If the shapes differ, where broadcasting would hide a mistake, or there are no rows.
    """
    if x.shape != y.shape or x.ndim != 2 or x.shape[0] == 0:
        raise wg.ShapeError(
            f"l2_loss: expected x and y of one shape (n, d) with n > 0, got {x.shape} and {y.shape}"
        )
    rows = x.shape[0]
    difference = x - y
    return (difference**2).sum() / (2 * rows), difference / rows


def softmax_loss(x: Any, y: Any) -> tuple[Any, Any]:
    """Cross entropy of the softmax of scores, averaged over the rows.

    ``loss = -1 / n * sum_i log(exp(x_i,y_i) / sum_k exp(x_ik))``. The maximum of each row is
    subtracted first, which changes nothing in exact arithmetic; the largest exponential is then 1,
    so that scores of 1e4 neither overflow nor underflow to ``log 0``.

    Parameters
    ----------
    x : ndarray, shape (n, c)
        The scores of ``c`` classes.
    y : ndarray of int, shape (n,)
        The right classes, from 0 to ``c - 1``.

    Returns
    -------
    loss : number
    grad_x : ndarray, shape (n, c)
        ``(softmax(x) - onehot(y)) / n``.

    Raises
    ------
    wengert.ShapeError
        If the shapes do not fit, or there are no rows.
    wengert.WengertTypeError
        If the labels are not integers.
    wengert.WengertValueError
        If a label is out of range. (NumPy would take -1 for the last class.)
    """
    _check_labels(x, y)
    rows = np.arange(x.shape[0])
    shifted = x - x.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -log_p[rows, y].mean()
    grad_x = np.exp(log_p)
    grad_x[rows, y] -= 1
    grad_x /= x.shape[0]
    return loss, grad_x


def _check_labels(x: Any, y: Any) -> None:
    if x.ndim != 2 or y.shape != x.shape[:1] or x.shape[0] == 0:
        raise wg.ShapeError(
            f"softmax_loss: expected scores of shape (n, c) and n labels with n > 0, got {x.shape} "
            f"and {y.shape}"
        )
    if y.dtype.kind not in "iu":
        raise wg.WengertTypeError(f"softmax_loss: expected integer labels, got {y.dtype}")
    if isinstance(y, wg.Tensor):
        return  # compiled; out of range is an error of the index
    low, high = int(y.min()), int(y.max())
    if low < 0 or high >= x.shape[1]:
        raise wg.WengertValueError(
            f"softmax_loss: label {low if low < 0 else high} is out of range; {x.shape[1]} classes "
            f"are numbered 0 to {x.shape[1] - 1}"
        )


def l2_regularization(W: Any, reg: float) -> tuple[Any, Any]:
    """Penalty on the size of weights: ``loss = reg / 2 * sum W^2``.

    Parameters
    ----------
    W : ndarray
        Of any shape.
    reg : float

    Returns
    -------
    loss : number
    grad_W : ndarray
        ``reg * W``.
    """
    return reg / 2 * (W**2).sum(), reg * W
