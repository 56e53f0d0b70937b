"""Gradient descent, with a progress bar."""

from __future__ import annotations

import math
import sys

import numpy as np

import wengert as wg
from labs.moons.network import NeuralNetwork, check_data
from wengert.data.optional import require
from wengert.train import DivergenceError

__all__ = ["gradient_descent"]


def gradient_descent(
    model: NeuralNetwork,
    X: np.ndarray,
    y: np.ndarray,
    lr: float = 3e-2,
    steps: int = 250,
    *,
    progress: bool = True,
) -> list[float]:
    """Full-batch gradient descent on the network's negative log-likelihood.

    Parameters
    ----------
    model : NeuralNetwork
        Its ``weights`` are replaced at each step.
    X : ndarray, (points, dims)
    y : ndarray, (points,)
        Labels 0 and 1.
    lr : float
        The step is this times the gradient of the sum over the points.
    steps : int
    progress : bool
        Show a bar with the loss and the accuracy on standard error.

    Returns
    -------
    list of float
        The loss before each step. Ctrl-C ends the training early: the list is shorter then, and
        the weights are those after the last whole step.

    Raises
    ------
    wengert.WengertValueError
        If ``lr`` or ``steps`` make no sense, or the data do not fit the network.
    wengert.train.DivergenceError
        If the loss stops being finite.
    """
    if not 0 < lr < math.inf:
        raise wg.WengertValueError(f"gradient_descent: lr must be a number above zero, got {lr!r}")
    if steps != int(steps) or steps < 0:
        raise wg.WengertValueError(
            f"gradient_descent: steps must be a whole number from 0 on, got {steps!r}"
        )
    X, y = check_data(model, X, y)
    losses: list[float] = []
    tqdm = require("tqdm", "train", "for the progress bar")
    bar = tqdm.tqdm(total=int(steps), unit=" steps", file=sys.stderr, disable=not progress)
    # A diverging loss is reported once, when it is looked at, and not by every sigmoid on the way.
    with bar, np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        try:
            for step in range(int(steps)):
                losses.append(_step(model, X, y, lr, step))
                bar.set_postfix_str(
                    f"loss {losses[-1]:.2f}, accuracy {model.accuracy(X, y):.2f}", refresh=False
                )
                bar.update()
        except KeyboardInterrupt:
            bar.set_description_str("interrupted")
    return losses


def _step(model: NeuralNetwork, X: np.ndarray, y: np.ndarray, lr: float, step: int) -> float:
    try:
        loss, gradients = model.nll_and_grad(X, y)
    except ArithmeticError as error:  # Python's own numbers overflow with an error, not with inf
        raise _diverged(step, str(error), lr) from error
    if not math.isfinite(loss):
        raise _diverged(step, f"the loss is {loss}", lr)
    model.weights = [w - lr * g for w, g in zip(model.weights, gradients, strict=True)]
    return float(loss)


def _diverged(step: int, what: str, lr: float) -> DivergenceError:
    return DivergenceError(f"gradient_descent: step {step + 1}: {what}; try a lr below {lr:g}")
