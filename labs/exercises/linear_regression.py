"""Linear regression by gradient descent, and a gradient that is four times too long.

The model is ``f(x) = w * x``, the data are four points on the line ``y = 2 x``, and the loss is the
mean squared error

    J(w) = 1/4 sum_i (w x_i - y_i)^2,    so    dJ/dw = 1/4 sum_i 2 x_i (w x_i - y_i).

The course computes ``np.dot(2 * x, y_pred - y).mean()``. The dot product has summed already; it is
one number, and the mean of one number is that number. What comes out is 4 dJ/dw: the gradient of
the *sum* of squared errors. Descent still goes to the right place, as if the learning rate were
four times as large; the test of a gradient by its loss's finite differences would have failed.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from labs.exercises.libraries import Library

__all__ = [
    "ITERATIONS",
    "RATE",
    "X",
    "Y",
    "as_text",
    "automatic_descent",
    "compare",
    "course_gradient",
    "descend",
    "mean_squared_error",
    "sum_of_squares",
    "true_gradient",
]

X = np.array([1.0, 2.0, 3.0, 4.0])
Y = 2 * X
RATE = 0.01
ITERATIONS = 20


def mean_squared_error(w, x, y):
    """The loss J(w)."""
    return ((w * x - y) ** 2).mean()


def sum_of_squares(w, x, y):
    """The loss whose gradient the course computes, 4 J(w)."""
    return ((w * x - y) ** 2).sum()


def true_gradient(w: float) -> float:
    """Compute dJ/dw: the mean of the four products."""
    return (2 * X * (w * X - Y)).mean()


def course_gradient(w: float) -> float:
    """What the course computes: the mean of the one number that the dot product is, 4 dJ/dw."""
    return np.dot(2 * X, w * X - Y).mean()


def descend(gradient: Callable[[float], float], iterations: int = ITERATIONS) -> list[float]:
    """The weight before each of the iterations of gradient descent from 0, and after the last."""
    weights = [0.0]
    for _ in range(iterations):
        weights.append(weights[-1] - RATE * gradient(weights[-1]))
    return weights


def automatic_descent(library: Library, loss=mean_squared_error) -> Callable[[], float]:
    """A function that runs the descent, with the gradient from a library."""
    x, y, start = (library.array(np.asarray(a)) for a in (X, Y, 0.0))
    gradient = library.compile(library.grad(lambda w: loss(w, x, y)))

    def descent():
        w = start
        for _ in range(ITERATIONS):
            w = w - RATE * gradient(w)
        return w

    return descent


def compare(library: Library) -> list[tuple[str, float, float]]:
    """Train by hand and with a library, with both gradients.

    Returns
    -------
    list of (str, float, float)
        What was done, the weight after 20 iterations, and the prediction f(5).
    """
    weights = {
        "the course's gradient, by hand": descend(course_gradient)[-1],
        f"{library.name}, gradient of the sum": float(automatic_descent(library, sum_of_squares)()),
        "the true gradient, by hand": descend(true_gradient)[-1],
        f"{library.name}, gradient of the mean": float(
            automatic_descent(library, mean_squared_error)()
        ),
    }
    return [(name, w, w * 5) for name, w in weights.items()]


def as_text(comparison: list[tuple[str, float, float]]) -> str:
    """The comparison as text."""
    return "\n".join(f"{name:34}w = {w:.5f}  f(5) = {f5:.3f}" for name, w, f5 in comparison)
