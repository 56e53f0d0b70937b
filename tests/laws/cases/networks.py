"""Normalization and losses of `wengert.nn`."""

from __future__ import annotations

import numpy as np

import wengert as wg
from wengert import nn
from wengert.operations import batch_norm

from ..case import Case

LABELS = np.array([2, 0, 1, 1])
TARGETS = np.array([[0.0, 1.0, 0.3], [1.0, 0.0, 0.5]])


def dropout(x, key):
    return nn.Dropout(0.5).training_call(x, key=key)[0]


def normalized(x, scale, shift):
    layer = nn.BatchNorm(3, momentum=0.3, dtype=x.dtype).replace(weight=scale, bias=shift)
    return layer.training_call(x)[0]


def evaluated(x, scale, shift, mean, variance):
    layer = nn.BatchNorm(3, dtype=x.dtype)
    return layer.replace(weight=scale, bias=shift, mean=mean, variance=variance)(x)


CASES = [
    Case("batch_norm", batch_norm, args=[(4, 3), (3,), (3,)], primitives=("batch_norm",)),
    Case("batch_norm_eps", lambda x: batch_norm(x, x[0], x[1], 0.1), args=[(4, 3)]),
    Case(
        "batch_norm_output",
        lambda x, s, b: batch_norm(x, s, b)[0],
        args=[(2, 2, 2, 3), (3,), (3,)],
    ),
    Case("batch_norm_mean", lambda x, s, b: batch_norm(x, s, b)[1], args=[(4, 3), (3,), (3,)]),
    Case("batch_norm_variance", lambda x, s, b: batch_norm(x, s, b)[2], args=[(4, 3), (3,), (3,)]),
    Case("batch_norm_layer", normalized, args=[(5, 3), (3,), (3,)]),
    Case("batch_norm_evaluated", evaluated, args=[(5, 3), *[(3,)] * 4], domain="positive"),
    Case("layer_norm", lambda x: nn.LayerNorm(4, dtype=x.dtype)(x), args=[(3, 4)]),
    Case(
        "dropout",
        dropout,
        args=[(3, 4), wg.random.key(1)],
        batch_integers=True,
        loops="few keys: NumPy's generator is started for each",
    ),
    Case(
        "binary_cross_entropy",
        lambda x, t: nn.binary_cross_entropy(x, t),
        args=[(2, 3), (2, 3)],
        domain=lambda rng: (rng.normal(size=(2, 3)), rng.uniform(0.1, 0.9, (2, 3))),
    ),
    Case(
        "binary_cross_entropy_hard",
        lambda x: nn.binary_cross_entropy(x, TARGETS > 0.4, "none"),
        args=[(2, 3)],
    ),
    Case("cross_entropy", lambda x: nn.cross_entropy(x, LABELS), args=[(4, 3)]),
    Case("mse", lambda x, y: nn.mse(x, y), args=[(2, 3), (2, 3)]),
    Case(
        "huber",
        lambda x, y: nn.huber(x, y, "none", 0.7),
        args=[(2, 3), (2, 3)],
        domain=lambda rng: (np.array([[0.1, 3, -2], [0.2, -0.3, 5]]), rng.uniform(0, 0.05, (2, 3))),
    ),
]
