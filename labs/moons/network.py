"""A sigmoid network for two classes. Its loss is written once and runs on every engine."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from numbers import Integral
from typing import Any

import numpy as np

import wengert as wg
from labs.moons import vectorised
from labs.moons.engines import find_engine

__all__ = ["NeuralNetwork", "check_data", "negative_log_likelihood"]


# NumPy's functions serve plain arrays, arrays of scalar AutogradValues (np.exp calls the method
# `exp` of every element) and wengert's Tensors. The vectorised engine has methods instead.
def exp(x: Any) -> Any:
    """The exponential of every element."""
    return x.exp() if isinstance(x, vectorised.AutogradValue) else np.exp(x)


def log(x: Any) -> Any:
    """The natural logarithm of every element."""
    return x.log() if isinstance(x, vectorised.AutogradValue) else np.log(x)


def pad(x: Any) -> Any:
    """A matrix with a column of ones at its end, so that a row of weights acts as the bias."""
    if isinstance(x, vectorised.AutogradValue):
        return x.pad()
    return np.concatenate([x, np.ones((len(x), 1))], axis=1)


def sigmoid(x: Any) -> Any:
    """The logistic function 1 / (1 + exp(-x))."""
    return 1 / (1 + exp(-x))


def scores(w: Sequence[Any], X: Any) -> Any:
    """The logits, (points, 1), of the data X, (points, dims), with the weights ``w``."""
    for layer in w[:-1]:
        X = sigmoid(pad(X) @ layer)
    return pad(X) @ w[-1]


def negative_log_likelihood(w: Sequence[Any], X: Any, y: Any) -> Any:
    """The sum (not the mean) over the points, (points, dims), with labels 0 and 1, (points,)."""
    signs = 2 * y.reshape(-1, 1) - 1
    return -log(sigmoid(signs * scores(w, X))).sum()


class NeuralNetwork:
    """A multilayer perceptron with sigmoids and one output, the logit of class 1.

    Parameters
    ----------
    dims : int
        Number of features of a data point.
    hidden_sizes : sequence of int
        Sizes of the hidden layers. With none it is logistic regression.
    engine : str
        Who differentiates: a name in `labs.moons.engines.ENGINES`.
    seed : int, optional
        Decides the first weights, which are standard normal.
    jit : bool
        Whether wengert compiles.

    Attributes
    ----------
    weights : list of ndarray
        One matrix per layer, float64 (inputs + 1, outputs); the last row is the bias.

    Raises
    ------
    wengert.ConfigError
        If a size is not a whole number above zero, or the engine is unknown.
    """

    def __init__(
        self,
        dims: int,
        hidden_sizes: Sequence[int] = (),
        *,
        engine: str = "wengert",
        seed: int | None = None,
        jit: bool = True,
    ) -> None:
        sizes = [dims, *hidden_sizes, 1]
        for size in sizes:
            if not isinstance(size, Integral) or size < 1:
                raise wg.ConfigError(
                    f"NeuralNetwork: a layer has a whole number of units above zero, got {size!r}; "
                    f"dims is {dims!r}, hidden_sizes {list(hidden_sizes)!r}"
                )
        rng = np.random.default_rng(seed)
        self.weights = [rng.normal(0, 1, size=(n + 1, m)) for n, m in pairwise(sizes)]
        self.dims = dims
        self.loss_and_gradients = find_engine(engine, jit)(negative_log_likelihood)

    def prediction_function(self, X: Any, w: Sequence[Any]) -> Any:
        """The logits, (points, 1), of the data X, (points, dims), with the weights ``w``."""
        return scores(w, X)

    def nll(self, X: np.ndarray, y: np.ndarray, w: Sequence[Any] | None = None) -> Any:
        """The negative log-likelihood of the labels: the sum (not the mean) over the points.

        Parameters
        ----------
        X : ndarray, (points, dims)
        y : ndarray, (points,)
            Labels 0 and 1.
        w : sequence of arrays, optional
            Weights in place of the network's own; whatever the engine computes with.
        """
        return negative_log_likelihood(self.weights if w is None else w, X, y)

    def nll_and_grad(self, X: np.ndarray, y: np.ndarray) -> tuple[float, list[np.ndarray]]:
        """The loss and its gradients with respect to each matrix of weights."""
        X, y = check_data(self, X, y)
        return self.loss_and_gradients(self.weights, X, y)

    def predict_probability(self, X: np.ndarray) -> np.ndarray:
        """The probability of class 1 for each point, (points, 1)."""
        return sigmoid(self.prediction_function(_check_points(self, X), self.weights))

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Whether each point is more likely of class 1 than of class 0: bool, (points, 1)."""
        return self.prediction_function(_check_points(self, X), self.weights) > 0

    def accuracy(self, X: np.ndarray, y: np.ndarray) -> float:
        """The part of the points whose class is predicted right, from 0 to 1."""
        X, y = check_data(self, X, y)
        return float((self.predict(X)[:, 0] == y).mean())


def _check_points(model: NeuralNetwork, X: Any) -> np.ndarray:
    X = np.asarray(X)
    if X.ndim != 2 or X.shape[1] != model.dims:
        raise wg.ShapeError(
            f"NeuralNetwork: X has shape {X.shape}, expected (points, {model.dims}): "
            f"the network was made for {model.dims} features"
        )
    return X


def check_data(model: NeuralNetwork, X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    """X as (points, dims) and y as (points,), of 0 and 1.

    Raises
    ------
    wengert.ShapeError
        If the shapes do not fit each other or the network.
    wengert.WengertValueError
        If there are no points, or another label.
    """
    X, y = _check_points(model, X), np.asarray(y)
    if y.shape not in ((len(X),), (len(X), 1)):
        raise wg.ShapeError(
            f"NeuralNetwork: y has shape {y.shape}, expected ({len(X)},): one label per row of X"
        )
    if not len(X):
        raise wg.WengertValueError("NeuralNetwork: there are no data points; X has no rows")
    y = y.ravel()
    other = (y != 0) & (y != 1)
    if other.any():
        raise wg.WengertValueError(f"NeuralNetwork: labels are 0 and 1; y has {y[other][0]!r}")
    return X, y
