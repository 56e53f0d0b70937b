"""The data that a loop trains and measures on, the order it is gone through, and measuring."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wengert import nn
from wengert.train.history import Sums

__all__ = ["EVALUATED", "Data", "Examples", "count_correct", "epoch_order", "evaluate"]

# Keeps the orders apart from other random numbers that a program draws with the same seed.
_ORDER_STREAM = 0


# Examples that are evaluated at once; bounds the memory.
EVALUATED = 1000


class Examples(NamedTuple):
    """Inputs and labels.

    Attributes
    ----------
    x : ndarray, shape (n, ...)
    y : integer ndarray, shape (n,)
    """

    x: NDArray[Any]
    y: NDArray[Any]


class Data(NamedTuple):
    """What to train on, and what to measure on after each epoch and at the end."""

    train: Examples
    validation: Examples | None = None
    test: Examples | None = None


def epoch_order(seed: int, epoch: int, count: int) -> NDArray[np.int64]:
    """The order of the examples in an epoch: a function of the seed and the epoch alone.

    No generator has to be saved to resume, and no epoch depends on what was drawn before it.
    """
    sequence = np.random.SeedSequence(seed, spawn_key=(_ORDER_STREAM, epoch))
    return np.random.default_rng(sequence).permutation(count)


def evaluate(
    model: Callable[[Any], Any],
    examples: Examples,
    loss: Callable[[Any, Any], Any] = nn.cross_entropy,
    batch: int = EVALUATED,
) -> Sums:
    """Loss and accuracy of a model; ``.mean_loss`` and ``.accuracy`` of the result.

    Parameters
    ----------
    model : callable
        From inputs to logits of shape (n, k).
    examples : Examples
    loss : callable
        ``loss(logits, labels)``, a mean over examples.
    batch : int
        Examples computed at once; bounds the memory.
    """
    sums = Sums()
    for start in range(0, len(examples.y), batch):
        labels = examples.y[start : start + batch]
        logits = model(examples.x[start : start + batch])
        sums.add(float(loss(logits, labels)), count_correct(logits, labels), len(labels))
    return sums


def count_correct(logits: Any, labels: NDArray[Any]) -> int:
    """How many rows of logits are largest at their label."""
    return int(np.count_nonzero(logits.argmax(axis=1) == labels))
