"""Gradient descent, RMSprop and Adam by the signatures of ``autograd.misc.optimizers``.

``grad(x, i)`` gives the gradient at iteration ``i``; parameters are any container of arrays.
`wengert.optim` has optimizers with state that can be stored, schedules and weight decay.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import wengert.numpy as np
from wengert import WengertTypeError
from wengert.misc.flatten import flatten

__all__ = ["adam", "rmsprop", "sgd", "unflatten_optimizer"]

Function = Callable[..., Any]


def unflatten_optimizer(optimize: Function) -> Function:
    """An optimizer of vectors as one of containers.

    Parameters
    ----------
    optimize : callable
        ``(grad, x0, callback, *args, **kwargs) -> x`` on vectors.
    """

    @functools.wraps(optimize)
    def optimize_container(
        grad: Function, x0: Any, callback: Function | None = None, *args: Any, **kwargs: Any
    ) -> Any:
        if not callable(grad):
            raise WengertTypeError(
                f"{optimize.__name__}: expected a function (x, i) -> gradient, not a "
                f"{type(grad).__name__}"
            )
        start, unflatten = flatten(x0)

        def flat_grad(x: Any, i: int) -> Any:
            return flatten(grad(unflatten(x), i))[0]

        def flat_callback(x: Any, i: int, g: Any) -> None:
            callback(unflatten(x), i, unflatten(g))  # type: ignore[misc]

        told = None if callback is None else flat_callback
        return unflatten(optimize(flat_grad, start, told, *args, **kwargs))

    return optimize_container


@unflatten_optimizer
def sgd(
    grad: Function,
    x: Any,
    callback: Function | None = None,
    num_iters: int = 200,
    step_size: float = 0.1,
    mass: float = 0.9,
) -> Any:
    """Gradient descent with momentum: ``v = mass v - (1 - mass) g``, ``x = x + step_size v``.

    Parameters
    ----------
    grad : callable
        ``(x, i) -> gradient`` at iteration ``i``.
    x : container of arrays
        Where to start.
    callback : callable, optional
        ``(x, i, gradient)``, called before each step.
    num_iters : int
    step_size, mass : float
    """
    velocity = np.zeros(len(x))
    for i in range(num_iters):
        g = grad(x, i)
        if callback is not None:
            callback(x, i, g)
        velocity = mass * velocity - (1.0 - mass) * g
        x = x + step_size * velocity
    return x


@unflatten_optimizer
def rmsprop(
    grad: Function,
    x: Any,
    callback: Function | None = None,
    num_iters: int = 100,
    step_size: float = 0.1,
    gamma: float = 0.9,
    eps: float = 1e-8,
) -> Any:
    """RMSprop (Tieleman and Hinton 2012), whose mean of squares starts at one.

    Arguments as for `sgd`; ``gamma`` is the decay of the mean.
    """
    mean_square = np.ones(len(x))
    for i in range(num_iters):
        g = grad(x, i)
        if callback is not None:
            callback(x, i, g)
        mean_square = gamma * mean_square + (1 - gamma) * g**2
        x = x - step_size * g / (np.sqrt(mean_square) + eps)
    return x


@unflatten_optimizer
def adam(
    grad: Function,
    x: Any,
    callback: Function | None = None,
    num_iters: int = 100,
    step_size: float = 0.001,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
) -> Any:
    """Adam (Kingma and Ba, arXiv:1412.6980, algorithm 1). Arguments as for `sgd`."""
    mean, mean_square = np.zeros(len(x)), np.zeros(len(x))
    for i in range(num_iters):
        g = grad(x, i)
        if callback is not None:
            callback(x, i, g)
        mean = b1 * mean + (1 - b1) * g
        mean_square = b2 * mean_square + (1 - b2) * g**2
        step = mean / (1 - b1 ** (i + 1))
        scale = np.sqrt(mean_square / (1 - b2 ** (i + 1)))
        x = x - step_size * step / (scale + eps)
    return x
