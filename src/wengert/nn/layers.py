"""Layers, and networks made of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike

import wengert as wg
from wengert.nn import init
from wengert.nn.activations import relu, tanh
from wengert.nn.dropout import Dropout
from wengert.nn.module import Module
from wengert.nn.normalization import BatchNorm

__all__ = ["Activation", "Linear", "Sequential", "mlp"]


class Linear(Module):
    """``x @ weight + bias``.

    Parameters
    ----------
    in_features, out_features : int
    rng : numpy.random.Generator
        Draws the initial weight.
    bias : bool
        Whether there is a bias, initially zero.
    init : callable
        Initial weight; see `wengert.nn.init`.
    dtype : dtype
        float32 or float64.

    Attributes
    ----------
    weight : ndarray, shape (in_features, out_features)
        Note the order: PyTorch stores the transpose.
    bias : ndarray, shape (out_features,), or None

    Raises
    ------
    wengert.WengertValueError
        If a size is not a positive integer.
    wengert.WengertTypeError
        If ``dtype`` is not a floating type.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        *,
        rng: np.random.Generator,
        bias: bool = True,
        init: init.Initializer = init.glorot_uniform,
        dtype: DTypeLike = np.float32,
    ) -> None:
        for name, size in (("in_features", in_features), ("out_features", out_features)):
            if not isinstance(size, (int, np.integer)) or size < 1:
                raise wg.WengertValueError(
                    f"Linear: {name} must be a positive integer, got {size!r}"
                )
        if not np.issubdtype(dtype, np.inexact):
            raise wg.WengertTypeError(
                f"Linear: dtype must be a floating type, got {np.dtype(dtype)}"
            )
        self.weight = init(rng, (int(in_features), int(out_features)), dtype)
        self.bias = np.zeros(out_features, dtype) if bias else None

    def __call__(self, x: Any) -> Any:
        """``x @ weight + bias``.

        Parameters
        ----------
        x : array, shape (..., in_features)

        Returns
        -------
        array, shape (..., out_features)

        Raises
        ------
        wengert.ShapeError
            If the last axis of ``x`` does not fit.
        """
        weight, bias = self.weight, self.bias
        shape = getattr(x, "shape", None)
        if shape is None:  # a list, say
            x = np.asarray(x)
            shape = x.shape
        if shape[-1:] != weight.shape[:1]:
            raise wg.ShapeError(
                f"Linear: expected inputs of shape (..., {weight.shape[0]}), got {shape}"
            )
        y = x @ weight
        return y if bias is None else y + bias

    def __repr__(self) -> str:
        rows, columns = self.weight.shape
        return f"Linear({rows}, {columns}{'' if self.bias is not None else ', bias=False'})"


class Activation(Module):
    """A function without parameters as a layer."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function

    def __call__(self, x: Any) -> Any:
        """The function at ``x``."""
        return self.function(x)

    def __repr__(self) -> str:
        return getattr(self.function, "__name__", repr(self.function))


class Sequential(Module):
    """Layers applied one after the other.

    Parameters
    ----------
    *layers : Module or callable
        Functions such as `tanh` may stand between modules.

    Raises
    ------
    wengert.WengertTypeError
        If a layer cannot be called.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> Sequential(Linear(4, 3, rng=rng), tanh, Linear(3, 2, rng=rng))
    Sequential(Linear(4, 3), tanh, Linear(3, 2))
    """

    _hands_training_on = True

    def __init__(self, *layers: Callable[[Any], Any]) -> None:
        for index, layer in enumerate(layers):
            if not callable(layer):
                raise wg.WengertTypeError(
                    f"Sequential: layer {index} is a {type(layer).__name__}, which cannot be called"
                )
        self.layers = tuple(
            layer if isinstance(layer, Module) else Activation(layer) for layer in layers
        )

    def __call__(self, x: Any) -> Any:
        """The last layer's output for the input ``x`` of the first."""
        for layer in self.layers:
            x = layer(x)
        return x

    def training_call(self, x: Any, *, key: Any = None) -> tuple[Any, Self]:
        """The output in training, and the network with what its layers have become.

        Parameters
        ----------
        x : array
        key : uint64 array, shape (2,), optional
            Layer ``i`` gets ``wengert.random.fold_in(key, i)``.

        Returns
        -------
        y : array
        network : Sequential
        """
        layers = []
        for index, layer in enumerate(self.layers):
            if layer.stateful:
                own = None if key is None else wg.random.fold_in(key, index)
                x, layer = layer.training_call(x, key=own)
            else:
                x = layer(x)
            layers.append(layer)
        changed = any(new is not old for new, old in zip(layers, self.layers, strict=True))
        return x, self.replace(layers=tuple(layers)) if changed else self

    def __repr__(self) -> str:
        return f"Sequential({', '.join(map(repr, self.layers))})"


def mlp(
    sizes: Sequence[int],
    *,
    rng: np.random.Generator,
    activation: Callable[[Any], Any] = tanh,
    batch_norm: bool = False,
    dropout: float = 0.0,
    dtype: DTypeLike = np.float32,
) -> Sequential:
    """A multilayer perceptron: linear layers with an activation between them.

    Weights are drawn by He's rule for `relu` and by Glorot's for other activations.

    Parameters
    ----------
    sizes : sequence of int
        Inputs, hidden layers, outputs; two sizes make a linear model.
    rng : numpy.random.Generator
    activation : callable
        Follows every layer but the last.
    batch_norm : bool
        Whether a `BatchNorm` stands before each activation; the linear layer before it needs no
        bias, and has none.
    dropout : float
        The rate of a `Dropout` after each activation; none at 0.
    dtype : dtype

    Raises
    ------
    wengert.WengertValueError
        If there are fewer than two sizes.
    """
    if len(sizes) < 2:
        raise wg.WengertValueError(
            f"mlp: expected the sizes of inputs and outputs at least, got {list(sizes)}"
        )
    initializer = init.he_uniform if activation is relu else init.glorot_uniform
    layers: list[Callable[[Any], Any]] = []
    for index, (fan_in, fan_out) in enumerate(pairwise(sizes)):
        last = index == len(sizes) - 2
        bias = last or not batch_norm
        layers.append(Linear(fan_in, fan_out, rng=rng, bias=bias, init=initializer, dtype=dtype))
        if not last:
            if batch_norm:
                layers.append(BatchNorm(fan_out, dtype=dtype))
            layers.append(activation)
            if dropout:
                layers.append(Dropout(dropout))
    return Sequential(*layers)
