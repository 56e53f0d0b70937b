"""A linear classifier."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from labs.neuralnet.classifier import Classifier, check_sizes
from labs.neuralnet.layers import fc_backward, fc_forward

__all__ = ["LinearClassifier"]


class LinearClassifier(Classifier):
    """Scores that are linear in the input: ``X W + b``.

    Parameters
    ----------
    input_dim : int
    num_classes : int
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
        weight_scale: float = 1e-3,
        rng: np.random.Generator | None = None,
        dtype: npt.DTypeLike = np.float64,
    ) -> None:
        check_sizes("LinearClassifier", input_dim=input_dim, num_classes=num_classes)
        rng = rng or np.random.default_rng(0)
        self.W = (weight_scale * rng.standard_normal((input_dim, num_classes))).astype(dtype)
        self.b = np.zeros(num_classes, dtype)
        self.notes = {}

    def parameters(self) -> dict[str, Any]:
        return {"W": self.W, "b": self.b}

    def architecture(self) -> dict[str, Any]:
        input_dim, num_classes = self.W.shape
        return {"input_dim": input_dim, "num_classes": num_classes}

    def forward(self, X: Any) -> tuple[Any, Any]:
        return fc_forward(X, self.W, self.b)

    def backward(self, grad_scores: Any, cache: Any) -> dict[str, Any]:
        _, grad_W, grad_b = fc_backward(grad_scores, cache, input_gradient=False)
        return {"W": grad_W, "b": grad_b}
