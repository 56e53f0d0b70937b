"""Layers, activations, initialisers and losses: what a network is made of.

A network is a `Module`, a container of arrays that every transform of wengert accepts as an
argument. Written with the public interface only; there are no derivative formulas and no training
loops here.
"""

from wengert.nn import init
from wengert.nn.activations import (
    ACTIVATIONS,
    elu,
    gelu,
    identity,
    leaky_relu,
    log_softmax,
    relu,
    sigmoid,
    softmax,
    softplus,
    tanh,
)
from wengert.nn.buffers import combine, partition, trained
from wengert.nn.dropout import Dropout
from wengert.nn.layers import Activation, Linear, Sequential, mlp
from wengert.nn.losses import binary_cross_entropy, cross_entropy, huber, mse
from wengert.nn.module import Buffer, Module, named_arrays
from wengert.nn.normalization import BatchNorm, LayerNorm

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "BatchNorm",
    "Buffer",
    "Dropout",
    "LayerNorm",
    "Linear",
    "Module",
    "Sequential",
    "binary_cross_entropy",
    "combine",
    "cross_entropy",
    "elu",
    "gelu",
    "huber",
    "identity",
    "init",
    "leaky_relu",
    "log_softmax",
    "mlp",
    "mse",
    "named_arrays",
    "partition",
    "relu",
    "sigmoid",
    "softmax",
    "softplus",
    "tanh",
    "trained",
]
