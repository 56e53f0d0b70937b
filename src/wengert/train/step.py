"""One step of training as a function of arrays, which can be compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import wengert as wg
from wengert import tree
from wengert.optim import Optimizer

__all__ = ["assemble", "step_function"]


def assemble(
    structure: Any, trained: tuple[bool, ...], parameters: list[Any], buffers: list[Any]
) -> Any:
    """The model with these leaves."""
    if buffers:
        first, second = iter(parameters), iter(buffers)
        parameters = [next(first) if mark else next(second) for mark in trained]
    return tree.unflatten(structure, parameters)


def step_function(
    model: Any, trained: tuple[bool, ...], loss: Callable[[Any, Any], Any], optimizer: Optimizer
) -> Callable[..., Any]:
    """One step: the gradient of the loss of a batch, and the update.

    It is a function of ``(parameters, buffers, state, x, y, key)`` that returns the new parameters,
    buffers and state of the optimizer, the loss, and the logits.
    """
    structure = tree.structure(model)
    stateful = getattr(model, "stateful", False)

    def objective(
        parameters: list[Any], buffers: list[Any], x: Any, y: Any, key: Any
    ) -> tuple[Any, tuple[Any, Any, list[Any]]]:
        current = assemble(structure, trained, parameters, buffers)
        if stateful:
            logits, current = current.training_call(x, key=key)
            leaves = tree.leaves(current)
            buffers = [leaf for leaf, mark in zip(leaves, trained, strict=True) if not mark]
        else:
            logits = current(x)
        value = loss(logits, y)
        return value, (value, logits, buffers)

    gradient = wg.grad_and_aux(objective)

    def step(
        parameters: list[Any], buffers: list[Any], state: Any, x: Any, y: Any, key: Any
    ) -> tuple[list[Any], list[Any], Any, Any, Any]:
        gradients, (value, logits, buffers) = gradient(parameters, buffers, x, y, key)
        parameters, state = optimizer.update(parameters, gradients, state)
        return parameters, buffers, state, value, logits

    return step
