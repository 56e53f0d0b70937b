"""RMSProp."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from wengert.optim.base import (
    LearningRate,
    Trained,
    add_to,
    check_number,
    check_parameters,
    check_rate,
    check_state,
    decayed,
    descend,
    moved_average,
    rate_at,
    scratch_for,
    zeros_like_parameters,
)

__all__ = ["RMSProp", "RMSPropState"]


class RMSPropState(NamedTuple):
    """State of `RMSProp`.

    Attributes
    ----------
    step : int64 scalar
        Updates made so far.
    square : container like the parameters
        Running mean of the squares of the gradients.
    mean : container like the parameters, or None unless centred
        Running mean of the gradients.
    velocity : container like the parameters, or None without momentum
    """

    step: Any
    square: Any
    mean: Any
    velocity: Any


@dataclass(frozen=True)
class RMSProp:
    """RMSProp: the gradient over the running root mean square of the gradients.

    G. Hinton, Neural networks for machine learning, lecture 6e, 2012. Centred (the running standard
    deviation), as in A. Graves, Generating sequences with recurrent neural networks,
    arXiv:1308.0850, equations 38 to 40, but with ``eps`` outside of the root and momentum after the
    division, as in PyTorch.

    Parameters
    ----------
    lr : float or callable
        The learning rate, or a schedule from the number of updates made so far to it.
    decay : float
        Of the running means, from 0 to below 1.
    momentum : float
        From 0 to below 1.
    centered : bool
        Divide by the standard deviation.
    eps : float
        Added to the root.
    weight_decay : float
        Times the parameters it is added to the gradients.

    Raises
    ------
    wengert.ConfigError
        If a number is out of range.
    """

    lr: LearningRate = 1e-2
    decay: float = 0.99
    momentum: float = 0.0
    centered: bool = False
    eps: float = 1e-8
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        check_rate("RMSProp", self.lr)
        check_number("RMSProp", "decay", self.decay, below=1.0)
        check_number("RMSProp", "momentum", self.momentum, below=1.0)
        check_number("RMSProp", "eps", self.eps)
        check_number("RMSProp", "weight_decay", self.weight_decay)

    def init(self, params: Any) -> RMSPropState:
        """The state before the first update.

        Raises
        ------
        wengert.WengertTypeError
            If a leaf of ``params`` that is trained is not a real floating-point array.
        """
        check_parameters("RMSProp", params)
        return RMSPropState(
            np.int64(0),
            zeros_like_parameters(params),
            zeros_like_parameters(params) if self.centered else None,
            zeros_like_parameters(params) if self.momentum else None,
        )

    def update(self, params: Any, grads: Any, state: RMSPropState) -> tuple[Any, RMSPropState]:
        """The parameters and the state after one update; the arguments are not changed.

        Parameters
        ----------
        params, grads : containers of the same structure
            Buffers among the parameters stay as they are.
        state : RMSPropState

        Raises
        ------
        wengert.ShapeError
            If ``grads`` does not fit ``params``.
        wengert.WengertTypeError
            If the state is not of this optimizer.
        """
        check_state("RMSProp", state, RMSPropState)
        trained = Trained("RMSProp", params)
        leaves = trained.leaves
        gradients = decayed(trained.gradients(grads), leaves, self.weight_decay)
        lr = rate_at(self.lr, state.step)
        squares = trained.state("state.square", state.square)
        means: list[Any] = [None] * len(leaves)
        velocities: list[Any] = [None] * len(leaves)
        if self.centered:
            means = trained.state("state.mean", state.mean)
        if self.momentum:
            velocities = trained.state("state.velocity", state.velocity)
        new: tuple[list[Any], ...] = ([], [], [], [])
        for p, g, v, m, u in zip(leaves, gradients, squares, means, velocities, strict=True):
            for array, results in zip(self._updated(p, g, v, m, u, lr), new, strict=True):
                results.append(array)
        return trained.rebuild(new[0]), RMSPropState(
            state.step + 1,
            trained.rebuild_state(new[1]),
            trained.rebuild_state(new[2]) if self.centered else None,
            trained.rebuild_state(new[3]) if self.momentum else None,
        )

    def _updated(self, p: Any, g: Any, v: Any, m: Any, u: Any, lr: Any) -> tuple[Any, ...]:
        """One parameter, its square, its mean and its velocity after the update."""
        scratch = scratch_for(p, g, v, m, u)
        if self.centered:
            m = moved_average(m, g, self.decay, scratch)
        v = moved_average(v, np.multiply(g, g, out=scratch), self.decay, scratch)
        if self.centered:
            variance = np.subtract(v, np.multiply(m, m, out=scratch), out=scratch)
            # Of gradients that are all alike it may be below 0 by rounding.
            root = np.sqrt(np.maximum(variance, 0, out=scratch), out=scratch)
        else:
            root = np.sqrt(v, out=scratch)
        root += self.eps
        direction = np.divide(g, root, out=scratch)
        if self.momentum:
            u = add_to(u * self.momentum, direction)
            return descend(p, u, lr), v, m, u
        return descend(p, direction, lr, own=True), v, m, u
