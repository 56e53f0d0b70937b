"""Stochastic gradient descent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

import wengert as wg
from wengert import tree
from wengert.optim.base import (
    LearningRate,
    check_number,
    check_parameters,
    check_rate,
    leaves_like,
    rate_at,
)

__all__ = ["SGD", "SGDState"]


class SGDState(NamedTuple):
    """State of `SGD`.

    Attributes
    ----------
    step : int64 scalar
        Updates made so far.
    velocity : container like the parameters, or None without momentum
    """

    step: Any
    velocity: Any


@dataclass(frozen=True)
class SGD:
    """Gradient descent, with momentum and weight decay if asked for.

    With gradient g, momentum m and weight decay d, one update is ``g = g + d * p``,
    ``v = m * v + g``, ``p = p - lr * v``. Nesterov's form steps along ``g + m * v`` instead of v.
    These are PyTorch's conventions; in I. Sutskever et al., On the importance of initialization and
    momentum in deep learning, ICML 2013, the rate is part of v.

    Parameters
    ----------
    lr : float or callable
        The learning rate, or a schedule from the number of updates made so far to it.
    momentum : float
        From 0 to below 1.
    nesterov : bool
        Needs momentum.
    weight_decay : float

    Raises
    ------
    wengert.ConfigError
        If a number is out of range.
    """

    lr: LearningRate
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        check_rate("SGD", self.lr)
        check_number("SGD", "momentum", self.momentum, below=1.0)
        check_number("SGD", "weight_decay", self.weight_decay)
        if self.nesterov and not self.momentum:
            raise wg.ConfigError("SGD: nesterov needs momentum; set it, 0.9 say")

    def init(self, params: Any) -> SGDState:
        """The state before the first update.

        Raises
        ------
        wengert.WengertTypeError
            If a leaf of ``params`` is not a floating-point array.
        """
        check_parameters("SGD", params)
        velocity = tree.map(np.zeros_like, params) if self.momentum else None
        return SGDState(np.int64(0), velocity)

    def update(self, params: Any, grads: Any, state: SGDState) -> tuple[Any, SGDState]:
        """The parameters and the state after one update; the arguments are not changed.

        Parameters
        ----------
        params, grads : containers of the same structure
        state : SGDState

        Raises
        ------
        wengert.ShapeError
            If ``grads`` does not fit ``params``.
        """
        leaves, structure = tree.flatten(params)
        steps = leaves_like("SGD", "grads", grads, params, leaves, structure)
        lr = rate_at(self.lr, state.step)
        if self.weight_decay:
            steps = [g + self.weight_decay * p for g, p in zip(steps, leaves, strict=True)]
        velocity = state.velocity
        if self.momentum:
            old = leaves_like("SGD", "state.velocity", velocity, params, leaves, structure)
            new = [self.momentum * v + g for v, g in zip(old, steps, strict=True)]
            velocity = tree.unflatten(structure, new)
            if self.nesterov:
                steps = [g + self.momentum * v for g, v in zip(steps, new, strict=True)]
            else:
                steps = new
        updated = [_descend(p, g, lr) for p, g in zip(leaves, steps, strict=True)]
        return tree.unflatten(structure, updated), SGDState(state.step + 1, velocity)


def _descend(parameter: Any, direction: Any, lr: Any) -> Any:
    """``parameter - lr * direction`` with one new array instead of two: the arrays are large."""
    updated = direction * -lr
    updated += parameter
    # A schedule may return a float64 scalar, which would promote float32 parameters.
    return updated.astype(parameter.dtype, copy=False)
