"""Stochastic gradient descent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

import wengert as wg
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
    rate_at,
    zeros_like_parameters,
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
        check_parameters("SGD", params, complex_too=True)
        velocity = zeros_like_parameters(params) if self.momentum else None
        return SGDState(np.int64(0), velocity)

    def update(self, params: Any, grads: Any, state: SGDState) -> tuple[Any, SGDState]:
        """The parameters and the state after one update; the arguments are not changed.

        Parameters
        ----------
        params, grads : containers of the same structure
            Buffers among the parameters stay as they are. The gradient of complex parameters is
            taken as `wengert.grad` gives it: its conjugate is the direction of ascent.
        state : SGDState

        Raises
        ------
        wengert.ShapeError
            If ``grads`` does not fit ``params``.
        wengert.WengertTypeError
            If the state is not of this optimizer.
        """
        check_state("SGD", state, SGDState)
        trained = Trained("SGD", params)
        leaves = trained.leaves
        steps = [g.conj() if g.dtype.kind == "c" else g for g in trained.gradients(grads)]
        steps = decayed(steps, leaves, self.weight_decay)
        lr = rate_at(self.lr, state.step)
        own = bool(self.weight_decay)
        velocity = state.velocity
        if self.momentum:
            old = trained.state("state.velocity", velocity)
            new = [add_to(v * self.momentum, g) for v, g in zip(old, steps, strict=True)]
            velocity = trained.rebuild_state(new)
            own = self.nesterov
            if self.nesterov:
                steps = [add_to(v * self.momentum, g) for g, v in zip(steps, new, strict=True)]
            else:
                steps = new
        updated = [descend(p, g, lr, own) for p, g in zip(leaves, steps, strict=True)]
        return trained.rebuild(updated), SGDState(state.step + 1, velocity)
