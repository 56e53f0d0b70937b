"""The engines that the network can be trained with.

An engine turns ``loss(weights, X, y)`` into a function of the same arguments that returns the loss
and its gradients: a float, and an array for each array of weights. That is what
`wengert.value_and_grad` does, so wengert needs no adapter; it is compiled.
"""

from __future__ import annotations

import functools
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

import wengert as wg
from labs.moons import autogradvalue, vectorised
from wengert.train.compiled import compiler

__all__ = ["ENGINES", "Engine", "Loss", "LossAndGradients", "find_engine"]

Loss = Callable[[list[Any], np.ndarray, np.ndarray], Any]
LossAndGradients = Callable[
    [list[np.ndarray], np.ndarray, np.ndarray], tuple[float, list[np.ndarray]]
]
Engine = Callable[[Loss], LossAndGradients]


def scalar(loss: Loss) -> LossAndGradients:
    """`autogradvalue`: every number is a value of its own."""

    def loss_and_gradients(weights, X, y):
        with _collector_paused():
            wrapped = [autogradvalue.wrap_array(w) for w in weights]
            result = loss(wrapped, X, y)
            result.backward()
            return result.value, [autogradvalue.unwrap_gradient(w) for w in wrapped]

    return loss_and_gradients


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Keep Python's garbage collector from looking for cycles, which a graph of values has none of.

    It would go through the tens of thousands of values again and again while they are made, and
    double the time; reference counts free them all the same.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def vectorised_engine(loss: Loss) -> LossAndGradients:
    """`vectorised`: every array is a value."""

    def loss_and_gradients(weights, X, y):
        wrapped = [vectorised.AutogradValue(w) for w in weights]
        result = loss(wrapped, X, y)
        result.backward()
        return float(result.value), [w.grad for w in wrapped]

    return loss_and_gradients


@functools.cache
def wengert_engine(loss: Loss) -> LossAndGradients:
    """`wengert.value_and_grad`, compiled once for each loss."""
    return compiler()(wg.value_and_grad(loss))


# Name -> engine. Training, the tests and the table of speeds go through all of them; one more (a
# compiled one, say) is one more entry.
ENGINES: dict[str, Engine] = {
    "scalar": scalar,
    "vectorised": vectorised_engine,
    "wengert": wengert_engine,
}


def find_engine(name: str, jit: bool = True) -> Engine:
    """The engine of that name; wengert's as it is without ``jit``.

    Raises
    ------
    wengert.ConfigError
        If there is none; the message lists the known ones.
    """
    if name not in ENGINES:
        raise wg.ConfigError(f"unknown engine {name!r}; known are {', '.join(ENGINES)}")
    return wg.value_and_grad if name == "wengert" and not jit else ENGINES[name]
