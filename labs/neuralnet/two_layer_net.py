"""A network with one hidden layer."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from labs.neuralnet.classifier import Classifier, check_sizes
from labs.neuralnet.layers import fc_backward, fc_forward, relu_backward, relu_forward

__all__ = ["TwoLayerNet"]


class TwoLayerNet(Classifier):
    """Two fully connected layers with a rectifier between them: ``relu(X W1 + b1) W2 + b2``.

    Parameters
    ----------
    input_dim : int
    num_classes : int
    hidden_dim : int
        Units of the hidden layer.
    weight_scale : float
        Standard deviation of the initial weights; biases are zero.
    rng : numpy.random.Generator, optional
        Seed 0 unless given.
    dtype : dtype
    """

    def __init__(
        self,
        input_dim: int = 3072,
        num_classes: int = 10,
        hidden_dim: int = 512,
        weight_scale: float = 1e-3,
        rng: np.random.Generator | None = None,
        dtype: npt.DTypeLike = np.float64,
    ) -> None:
        check_sizes(
            "TwoLayerNet", input_dim=input_dim, num_classes=num_classes, hidden_dim=hidden_dim
        )
        rng = rng or np.random.default_rng(0)
        self.W1 = (weight_scale * rng.standard_normal((input_dim, hidden_dim))).astype(dtype)
        self.b1 = np.zeros(hidden_dim, dtype)
        self.W2 = (weight_scale * rng.standard_normal((hidden_dim, num_classes))).astype(dtype)
        self.b2 = np.zeros(num_classes, dtype)
        self.notes = {}

    def parameters(self) -> dict[str, Any]:
        return {"W1": self.W1, "b1": self.b1, "W2": self.W2, "b2": self.b2}

    def architecture(self) -> dict[str, Any]:
        input_dim, hidden_dim = self.W1.shape
        num_classes = self.W2.shape[1]
        return {"input_dim": input_dim, "num_classes": num_classes, "hidden_dim": hidden_dim}

    def forward(self, X: Any) -> tuple[Any, Any]:
        a, cache_1 = fc_forward(X, self.W1, self.b1)
        h, cache_relu = relu_forward(a)
        scores, cache_2 = fc_forward(h, self.W2, self.b2)
        return scores, (cache_1, cache_relu, cache_2)

    def backward(self, grad_scores: Any, cache: Any) -> dict[str, Any]:
        cache_1, cache_relu, cache_2 = cache
        grad_h, grad_W2, grad_b2 = fc_backward(grad_scores, cache_2)
        grad_a = relu_backward(grad_h, cache_relu)
        _, grad_W1, grad_b1 = fc_backward(grad_a, cache_1, input_gradient=False)
        return {"W1": grad_W1, "b1": grad_b1, "W2": grad_W2, "b2": grad_b2}
