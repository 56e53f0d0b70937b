"""Activation functions: elementwise nonlinearities, and softmax along one axis.

Each accepts arrays of any shape and keeps float32 and float64.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import wengert as wg
from wengert.operations import relu, sigmoid

__all__ = [
    "ACTIVATIONS",
    "elu",
    "gelu",
    "identity",
    "leaky_relu",
    "log_softmax",
    "relu",
    "sigmoid",
    "softmax",
    "softplus",
    "tanh",
]


def identity(x: Any) -> Any:
    """``x`` itself."""
    return x


def leaky_relu(x: Any, slope: float = 0.01) -> Any:
    """``x`` where it is positive, ``slope * x`` elsewhere; the derivative at 0 is ``slope``."""
    return np.where(x > 0, x, slope * x)


def elu(x: Any, alpha: float = 1.0) -> Any:
    """``x`` where it is positive, else ``alpha * (exp(x) - 1)``; its derivative at 0 is alpha."""
    negative = np.where(x > 0, 0, x)  # exp never sees a large number, which would overflow
    return np.where(x > 0, x, alpha * np.expm1(negative))


def tanh(x: Any) -> Any:
    """The hyperbolic tangent."""
    return np.tanh(x)


def softplus(x: Any) -> Any:
    """``log(1 + exp(x))`` without overflow."""
    return np.logaddexp(x, 0)


def gelu(x: Any) -> Any:
    """Gaussian error linear unit, in the tanh form.

    ``x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))``; D. Hendrycks and K. Gimpel, Gaussian
    error linear units, arXiv:1606.08415, section 2. It differs from ``x * normal_cdf(x)`` by less
    than 5e-4.
    """
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * (x * x * x))))


def log_softmax(x: Any, axis: int = -1) -> Any:
    """``x - log(sum(exp(x)))`` along ``axis``; finite for every finite ``x``."""
    # The result does not depend on what is subtracted, so nothing flows back through the maximum.
    shifted = x - np.max(wg.stop_gradient(x), axis=axis, keepdims=True)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


def softmax(x: Any, axis: int = -1) -> Any:
    """``exp(x) / sum(exp(x))`` along ``axis``; finite for every finite ``x``."""
    exponentials = np.exp(x - np.max(wg.stop_gradient(x), axis=axis, keepdims=True))
    return exponentials / np.sum(exponentials, axis=axis, keepdims=True)


ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    function.__name__: function
    for function in (elu, gelu, identity, leaky_relu, relu, sigmoid, softplus, tanh)
}
"""The elementwise activations by name, as the command line and model files name them."""
