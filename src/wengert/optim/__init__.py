"""Optimizers as functions of containers: ``init(params)`` and ``update(params, grads, state)``.

They hold no parameters and change nothing in place; their state is a container of arrays, so it can
be saved and passed through every transform. They know nothing of losses, data or training loops.
"""

from wengert.optim.adam import Adam, AdamState, AdamW
from wengert.optim.base import LearningRate, Optimizer
from wengert.optim.rmsprop import RMSProp, RMSPropState
from wengert.optim.schedules import (
    Constant,
    CosineDecay,
    ExponentialDecay,
    PiecewiseConstant,
    StepDecay,
    Warmup,
)
from wengert.optim.sgd import SGD, SGDState

__all__ = [
    "SGD",
    "Adam",
    "AdamState",
    "AdamW",
    "Constant",
    "CosineDecay",
    "ExponentialDecay",
    "LearningRate",
    "Optimizer",
    "PiecewiseConstant",
    "RMSProp",
    "RMSPropState",
    "SGDState",
    "StepDecay",
    "Warmup",
]
