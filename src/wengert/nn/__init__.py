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
from wengert.nn.buffers import combine, partition, trained
from wengert.nn.convolution import (
    AvgPool2d,
    Conv2d,
    DepthwiseConv2d,
    Flatten,
    GlobalAvgPool2d,
    MaxPool2d,
)
from wengert.nn.dropout import Dropout
from wengert.nn.layers import Activation, Linear, Sequential, mlp
from wengert.nn.losses import binary_cross_entropy, cross_entropy, huber, mse
from wengert.nn.module import Buffer, Module, named_arrays
from wengert.nn.normalization import BatchNorm, LayerNorm
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
    "BatchNorm",
    "Buffer",
    "Conv2d",
    "DepthwiseConv2d",
    "Dropout",
    "Flatten",
    "GlobalAvgPool2d",
    "LayerNorm",
    "Linear",
    "MaxPool2d",
    "Module",
    "Sequential",
    "avg_pool2d",
    "binary_cross_entropy",
    "combine",
    "conv2d",
    "cross_entropy",
    "elu",
    "from_nchw",
    "gelu",
    "huber",
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
    "partition",
    "relu",
    "resize",
    "sigmoid",
    "softmax",
    "softplus",
    "tanh",
    "to_nchw",
    "trained",
]
