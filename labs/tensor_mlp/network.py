"""A multilayer perceptron from Tensors: layers, loss and optimizer, as the course has them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

import wengert as wg
from wengert import nn
from wengert.tensors import Tensor, ensure_tensor

__all__ = ["MLP", "SGD", "Linear", "cross_entropy_loss", "softmax", "tanh"]


def tanh(x: Any) -> Tensor:
    """The hyperbolic tangent of each element.

    NumPy's own, which takes Tensors: written with exponentials it overflows for large arguments.
    """
    return np.tanh(ensure_tensor(x))


def softmax(x: Any) -> Tensor:
    """``exp(x) / sum(exp(x))`` along the last axis; finite for all finite ``x``.

    The result does not change when a number is subtracted from a row. Subtracting the maximum keeps
    `exp` from overflowing; it is a constant here, for the derivatives by it cancel.
    """
    x = ensure_tensor(x)
    e = (x - x.detach().max(axis=-1, keepdims=True)).exp()
    return e / e.sum(axis=-1, keepdims=True)


def cross_entropy_loss(logits: Any, labels: Any) -> Tensor:
    """The mean negative log-probability of the labels, a scalar; finite for all finite logits.

    The logarithm of `softmax` overflows where a probability rounds to zero; the library's function
    computes it without the detour.

    Parameters
    ----------
    logits : Tensor, shape (n, k)
        Scores before the softmax.
    labels : integer array, shape (n,)
        The right class of each row, from 0 to k - 1.

    Raises
    ------
    wengert.ShapeError, wengert.WengertTypeError, wengert.WengertValueError
        If the labels are not n integers from 0 to k - 1.
    """
    return nn.cross_entropy(ensure_tensor(logits), labels)


class Linear:
    """``x @ W + b``.

    Parameters
    ----------
    in_features, out_features : int
    rng : numpy.random.Generator, optional
        For the initial weights and biases, uniform in +-sqrt(1 / in_features).

    Attributes
    ----------
    W : Tensor, shape (in_features, out_features)
    b : Tensor, shape (1, out_features)
    """

    def __init__(
        self, in_features: int, out_features: int, rng: np.random.Generator | None = None
    ) -> None:
        for name, size in (("in_features", in_features), ("out_features", out_features)):
            if size < 1:
                raise wg.WengertValueError(f"Linear: {name} must be at least 1, got {size}")
        rng = np.random.default_rng() if rng is None else rng
        bound = np.sqrt(1 / in_features)
        self.W = Tensor(rng.uniform(-bound, bound, (in_features, out_features)), True)
        self.b = Tensor(rng.uniform(-bound, bound, (1, out_features)), True)

    def forward(self, x: Any) -> Tensor:
        """(n, in_features) to (n, out_features)."""
        return x @ self.W + self.b

    def __call__(self, x: Any) -> Tensor:
        return self.forward(x)

    def parameters(self) -> list[Tensor]:
        """The weights and the biases."""
        return [self.W, self.b]


class MLP:
    """Two hidden layers with tanh, and a linear one.

    Parameters
    ----------
    input_size, hidden_size, num_classes : int
    rng : numpy.random.Generator, optional
        For the initial parameters.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_classes: int,
        rng: np.random.Generator | None = None,
    ) -> None:
        rng = np.random.default_rng() if rng is None else rng
        self.fc1 = Linear(input_size, hidden_size, rng)
        self.fc2 = Linear(hidden_size, hidden_size, rng)
        self.fc3 = Linear(hidden_size, num_classes, rng)

    def forward(self, x: Any) -> Tensor:
        """Images (n, input_size) to logits (n, num_classes)."""
        x = tanh(self.fc1(x))
        x = tanh(self.fc2(x))
        return self.fc3(x)

    def __call__(self, x: Any) -> Tensor:
        return self.forward(x)

    def parameters(self) -> list[Tensor]:
        """All weights and biases, first layer first."""
        return self.fc1.parameters() + self.fc2.parameters() + self.fc3.parameters()


class SGD:
    """Gradient descent: each parameter minus ``lr`` times its gradient.

    Parameters
    ----------
    parameters : iterable of Tensor
    lr : float
        The step size.
    """

    def __init__(self, parameters: Iterable[Tensor], lr: float) -> None:
        self.parameters = list(parameters)
        self.lr = lr

    def step(self) -> None:
        """Update the parameters in place."""
        for param in self.parameters:
            param.array -= self.lr * param.grad

    def zero_grad(self) -> None:
        """Set all gradients to zero."""
        for param in self.parameters:
            param.zero_grad()
