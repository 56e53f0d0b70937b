"""Adam."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from wengert import tree
from wengert.optim.base import (
    LearningRate,
    check_number,
    check_parameters,
    check_rate,
    leaves_like,
    rate_at,
)

__all__ = ["Adam", "AdamState"]


class AdamState(NamedTuple):
    """State of `Adam`.

    Attributes
    ----------
    step : int64 scalar
        Updates made so far.
    mean, square : containers like the parameters
        Running means of the gradients and of their squares, before the correction of their bias.
    """

    step: Any
    mean: Any
    square: Any


@dataclass(frozen=True)
class Adam:
    """Adam: the running mean of the gradients over their running root mean square.

    D. Kingma and J. Ba, Adam: a method for stochastic optimization, ICLR 2015, algorithm 1.

    Parameters
    ----------
    lr : float or callable
        The learning rate, or a schedule from the number of updates made so far to it.
    b1, b2 : float
        Decay of the running means, from 0 to below 1.
    eps : float
        Added to the root mean square.

    Raises
    ------
    wengert.ConfigError
        If a number is out of range.
    """

    lr: LearningRate = 1e-3
    b1: float = 0.9
    b2: float = 0.999
    eps: float = 1e-8

    def __post_init__(self) -> None:
        check_rate("Adam", self.lr)
        check_number("Adam", "b1", self.b1, below=1.0)
        check_number("Adam", "b2", self.b2, below=1.0)
        check_number("Adam", "eps", self.eps)

    def init(self, params: Any) -> AdamState:
        """The state before the first update.

        Raises
        ------
        wengert.WengertTypeError
            If a leaf of ``params`` is not a floating-point array.
        """
        check_parameters("Adam", params)
        zeros = tree.map(np.zeros_like, params)
        return AdamState(np.int64(0), zeros, tree.map(np.zeros_like, params))

    def update(self, params: Any, grads: Any, state: AdamState) -> tuple[Any, AdamState]:
        """The parameters and the state after one update; the arguments are not changed.

        Parameters
        ----------
        params, grads : containers of the same structure
        state : AdamState

        Raises
        ------
        wengert.ShapeError
            If ``grads`` does not fit ``params``.
        """
        leaves, structure = tree.flatten(params)
        gradients = leaves_like("Adam", "grads", grads, params, leaves, structure)
        means = leaves_like("Adam", "state.mean", state.mean, params, leaves, structure)
        squares = leaves_like("Adam", "state.square", state.square, params, leaves, structure)

        step = state.step + 1
        lr = rate_at(self.lr, state.step)
        mean_scale = 1 / (1 - self.b1**step)
        square_scale = 1 / (1 - self.b2**step)
        new_params, new_means, new_squares = [], [], []
        for p, g, m, v in zip(leaves, gradients, means, squares, strict=True):
            m = self.b1 * m + (1 - self.b1) * g
            v = self.b2 * v + (1 - self.b2) * (g * g)
            # The scales are float64 scalars, which would promote float32 arrays.
            root = np.sqrt(_scaled(v, square_scale, p.dtype)) + self.eps
            new_params.append(p - _scaled(m, lr * mean_scale, p.dtype) / root)
            new_means.append(m)
            new_squares.append(v)
        return tree.unflatten(structure, new_params), AdamState(
            step, tree.unflatten(structure, new_means), tree.unflatten(structure, new_squares)
        )


def _scaled(array: Any, scale: Any, dtype: np.dtype[Any]) -> Any:
    return array * scale.astype(dtype)
