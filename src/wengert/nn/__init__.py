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
from wengert.nn.layers import Activation, Linear, Sequential, mlp
from wengert.nn.losses import cross_entropy, mse
from wengert.nn.module import Module, named_arrays

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "Linear",
    "Module",
    "Sequential",
    "cross_entropy",
    "elu",
    "gelu",
    "identity",
    "init",
    "leaky_relu",
    "log_softmax",
    "mlp",
    "mse",
    "named_arrays",
    "relu",
    "sigmoid",
    "softmax",
    "softplus",
    "tanh",
]
