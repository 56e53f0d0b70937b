"""Adam, with weight decay in the gradient or beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from wengert.optim.base import (
    LearningRate,
    Trained,
    check_number,
    check_parameters,
    check_rate,
    check_state,
    decayed,
    moved_average,
    rate_at,
    scratch_for,
    zeros_like_parameters,
)

__all__ = ["Adam", "AdamState", "AdamW"]


class AdamState(NamedTuple):
    """State of `Adam` and `AdamW`.

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
    weight_decay : float
        Times the parameters it is added to the gradients. `AdamW` keeps it apart from them, which
        is usually better.

    Raises
    ------
    wengert.ConfigError
        If a number is out of range.
    """

    lr: LearningRate = 1e-3
    b1: float = 0.9
    b2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        name = type(self).__name__
        check_rate(name, self.lr)
        check_number(name, "b1", self.b1, below=1.0)
        check_number(name, "b2", self.b2, below=1.0)
        check_number(name, "eps", self.eps)
        check_number(name, "weight_decay", self.weight_decay)

    def init(self, params: Any) -> AdamState:
        """The state before the first update.

        Raises
        ------
        wengert.WengertTypeError
            If a leaf of ``params`` that is trained is not a real floating-point array.
        """
        check_parameters(type(self).__name__, params)
        return AdamState(np.int64(0), zeros_like_parameters(params), zeros_like_parameters(params))

    def update(self, params: Any, grads: Any, state: AdamState) -> tuple[Any, AdamState]:
        """The parameters and the state after one update; the arguments are not changed.

        Parameters
        ----------
        params, grads : containers of the same structure
            Buffers among the parameters stay as they are.
        state : AdamState

        Raises
        ------
        wengert.ShapeError
            If ``grads`` does not fit ``params``.
        wengert.WengertTypeError
            If the state is not of this optimizer.
        """
        check_state(type(self).__name__, state, AdamState)
        trained = Trained(type(self).__name__, params)
        gradients = decayed(trained.gradients(grads), trained.leaves, self._coupled_decay)
        step = state.step + 1
        lr = rate_at(self.lr, state.step)
        size = lr / (1 - self.b1**step)
        square_scale = 1 / (1 - self.b2**step)
        new: tuple[list[Any], list[Any], list[Any]] = ([], [], [])
        for p, g, m, v in zip(
            trained.leaves,
            gradients,
            trained.state("state.mean", state.mean),
            trained.state("state.square", state.square),
            strict=True,
        ):
            for array, results in zip(
                self._updated(p, g, m, v, lr, size, square_scale), new, strict=True
            ):
                results.append(array)
        params = trained.rebuild(new[0])
        return params, AdamState(step, *map(trained.rebuild_state, new[1:]))

    @property
    def _coupled_decay(self) -> float:
        return self.weight_decay

    def _kept(self, p: Any, lr: Any) -> Any:
        """What is left of a parameter before the step is taken."""
        return p

    def _updated(
        self, p: Any, g: Any, m: Any, v: Any, lr: Any, size: Any, square_scale: Any
    ) -> tuple[Any, Any, Any]:
        """One parameter, its mean and its square after the update."""
        scratch = scratch_for(p, g, m, v, lr)
        m = moved_average(m, g, self.b1, scratch)
        v = moved_average(v, np.multiply(g, g, out=scratch), self.b2, scratch)
        # The scales are float64 scalars, which would promote float32 arrays.
        root = np.multiply(v, _like(p, square_scale), out=scratch)
        root = np.sqrt(root, out=scratch)
        root += self.eps
        direction = np.divide(m, root, out=scratch)
        direction = np.multiply(direction, _like(p, size), out=scratch)
        # All else that was used of the scratch array is done with, so it becomes the result.
        return np.subtract(self._kept(p, lr), direction, out=scratch), m, v


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with decoupled weight decay: parameters shrink by ``lr * weight_decay`` at each update.

    I. Loshchilov and F. Hutter, Decoupled weight decay regularization, ICLR 2019, algorithm 2, with
    the rate in the place of the schedule's multiplier, as in PyTorch.

    Parameters
    ----------
    lr, b1, b2, eps
        As for `Adam`.
    weight_decay : float

    Raises
    ------
    wengert.ConfigError
        If a number is out of range.
    """

    weight_decay: float = 0.01

    @property
    def _coupled_decay(self) -> float:
        return 0.0

    def _kept(self, p: Any, lr: Any) -> Any:
        return p * _like(p, 1 - lr * self.weight_decay)


def _like(parameter: Any, scale: Any) -> Any:
    """A scale in the dtype of a parameter: a float64 scalar would promote float32."""
    return scale.astype(parameter.dtype) if hasattr(scale, "astype") else scale
