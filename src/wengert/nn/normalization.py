"""Normalization layers."""

from __future__ import annotations

from math import prod
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike

import wengert as wg
from wengert import operations
from wengert.nn.module import Buffer, Module

__all__ = ["BatchNorm", "LayerNorm"]


class BatchNorm(Module):
    """Gives each channel mean 0 and variance 1 over the batch, then a scale and a shift of its own.

    In training (`training_call`) mean and variance are those of the batch, and the layer that is
    returned has running means of them. In evaluation (a call) these take their place. S. Ioffe and
    C. Szegedy, Batch normalization: accelerating deep network training by reducing internal
    covariate shift, ICML 2015.

    Parameters
    ----------
    channels : int
    momentum : float
        How far a running mean goes towards the value of the batch, from 0 to 1; as in PyTorch.
    eps : float
        Added to variances.
    dtype : dtype
        float32 or float64.

    Attributes
    ----------
    weight, bias : ndarray, shape (channels,)
        Scale and shift.
    mean, variance : ndarray, shape (channels,)
        Running means of the batches' means and of their variances (with Bessel's correction, as in
        PyTorch). Buffers: they are not trained.

    Raises
    ------
    wengert.WengertValueError, wengert.WengertTypeError
        If an argument is not what it must be.

    Examples
    --------
    >>> import numpy as np
    >>> from wengert import nn
    >>> norm = nn.BatchNorm(1, dtype=float)
    >>> y, norm = norm.training_call(np.array([[1.0], [3.0]]))
    >>> y.ravel().round(4), norm.mean, norm.variance
    (array([-1.,  1.]), array([0.2]), array([1.1]))
    """

    def __init__(
        self,
        channels: int,
        *,
        momentum: float = 0.1,
        eps: float = 1e-5,
        dtype: DTypeLike = np.float32,
    ) -> None:
        _check("BatchNorm", "channels", channels, eps, dtype)
        if not 0 <= momentum <= 1:
            raise wg.WengertValueError(f"BatchNorm: momentum must be from 0 to 1, got {momentum!r}")
        self.weight = np.ones(channels, dtype)
        self.bias = np.zeros(channels, dtype)
        self.mean = Buffer(np.zeros(channels, dtype))
        self.variance = Buffer(np.ones(channels, dtype))
        self.momentum = float(momentum)
        self.eps = float(eps)

    def __call__(self, x: Any) -> Any:
        """The inputs normalized by the running statistics.

        Parameters
        ----------
        x : array, shape (n, ..., channels)

        Raises
        ------
        wengert.ShapeError
            If the last axis of ``x`` does not fit.
        """
        _check_input("BatchNorm", x, self.weight)
        scale = self.weight / np.sqrt(self.variance + self.eps)
        return x * scale + (self.bias - self.mean * scale)

    def training_call(self, x: Any, *, key: Any = None) -> tuple[Any, Self]:
        """The inputs normalized by their own statistics, and the layer with these mixed in.

        Parameters
        ----------
        x : array, shape (n, ..., channels)
            With two or more values for each channel.
        key
            Not used.

        Raises
        ------
        wengert.ShapeError
            If the last axis of ``x`` does not fit, or there is one value for each channel.
        """
        _check_input("BatchNorm", x, self.weight)
        count = prod(x.shape[:-1])
        if count < 2:
            raise wg.ShapeError(
                f"BatchNorm: training needs two or more values for each channel, got inputs of "
                f"shape {x.shape}; use larger batches, or a batch size that leaves no single "
                "example over"
            )
        y, mean, variance = operations.batch_norm(x, self.weight, self.bias, self.eps)
        variance = variance * (count / (count - 1))
        keep, momentum = 1 - self.momentum, self.momentum
        return y, self.replace(
            mean=keep * self.mean + momentum * wg.stop_gradient(mean),
            variance=keep * self.variance + momentum * wg.stop_gradient(variance),
        )

    def __repr__(self) -> str:
        return f"BatchNorm({self.weight.shape[0]})"


class LayerNorm(Module):
    """Gives each example mean 0 and variance 1 over its last axis, then a scale and a shift.

    J. Ba, J. Kiros, G. Hinton, Layer normalization, arXiv:1607.06450. Training and evaluation are
    the same.

    Parameters
    ----------
    features : int
        Length of the last axis.
    eps : float
        Added to variances.
    dtype : dtype
        float32 or float64.

    Attributes
    ----------
    weight, bias : ndarray, shape (features,)

    Raises
    ------
    wengert.WengertValueError, wengert.WengertTypeError
        If an argument is not what it must be.
    """

    def __init__(self, features: int, *, eps: float = 1e-5, dtype: DTypeLike = np.float32) -> None:
        _check("LayerNorm", "features", features, eps, dtype)
        self.weight = np.ones(features, dtype)
        self.bias = np.zeros(features, dtype)
        self.eps = float(eps)

    def __call__(self, x: Any) -> Any:
        """The normalized inputs.

        Parameters
        ----------
        x : array, shape (..., features)

        Raises
        ------
        wengert.ShapeError
            If the last axis of ``x`` does not fit.
        """
        _check_input("LayerNorm", x, self.weight)
        centred = x - np.mean(x, axis=-1, keepdims=True)
        variance = np.mean(centred * centred, axis=-1, keepdims=True)
        return centred * (1 / np.sqrt(variance + self.eps)) * self.weight + self.bias

    def __repr__(self) -> str:
        return f"LayerNorm({self.weight.shape[0]})"


def _check(layer: str, name: str, size: Any, eps: float, dtype: DTypeLike) -> None:
    if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 1:
        raise wg.WengertValueError(f"{layer}: {name} must be a positive integer, got {size!r}")
    if not 0 < eps < float("inf"):
        raise wg.WengertValueError(f"{layer}: eps must be above 0, got {eps!r}")
    if not np.issubdtype(dtype, np.floating):
        raise wg.WengertTypeError(f"{layer}: dtype must be a floating type, got {np.dtype(dtype)}")


def _check_input(layer: str, x: Any, weight: Any) -> None:
    if x.shape[-1:] != weight.shape:
        raise wg.ShapeError(
            f"{layer}: expected inputs of shape (..., {weight.shape[0]}), got {x.shape}; channels "
            "come last"
        )
