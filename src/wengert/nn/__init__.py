"""Layers, activations, initialisers, losses, and operations on images: what networks are made of.

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
from wengert.nn.convolution import (
    AvgPool2d,
    Conv2d,
    DepthwiseConv2d,
    Flatten,
    GlobalAvgPool2d,
    MaxPool2d,
)
from wengert.nn.layers import Activation, Linear, Sequential, mlp
from wengert.nn.losses import cross_entropy, mse
from wengert.nn.module import Module, named_arrays
from wengert.operations import (
    avg_pool2d,
    conv2d,
    from_nchw,
    kernel_from_oihw,
    kernel_to_oihw,
    max_pool2d,
    resize,
    to_nchw,
)

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "AvgPool2d",
    "Conv2d",
    "DepthwiseConv2d",
    "Flatten",
    "GlobalAvgPool2d",
    "Linear",
    "MaxPool2d",
    "Module",
    "Sequential",
    "avg_pool2d",
    "conv2d",
    "cross_entropy",
    "elu",
    "from_nchw",
    "gelu",
    "identity",
    "init",
    "kernel_from_oihw",
    "kernel_to_oihw",
    "leaky_relu",
    "log_softmax",
    "max_pool2d",
    "mlp",
    "mse",
    "named_arrays",
    "relu",
    "resize",
    "sigmoid",
    "softmax",
    "softplus",
    "tanh",
    "to_nchw",
]
