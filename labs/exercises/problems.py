"""The exercises: what is differentiated, and the answer that paper and pencil give."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from labs.exercises import linear_regression
from labs.exercises.libraries import Library

__all__ = ["EXERCISES", "Exercise"]

Answer = Callable[[], Any]  # returns an array, or a tuple of them

_rng = np.random.default_rng(0)


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    Attributes
    ----------
    key : str
        For file names and figures.
    title : str
        For tables.
    question, answer : str
        The mathematics, in LaTeX.
    analytic : callable
        Evaluates the answer that was derived by hand.
    automatic : callable
        From a library, a function that evaluates its answer.
    """

    key: str
    title: str
    question: str
    answer: str
    analytic: Answer
    automatic: Callable[[Library], Answer]


def _gradient(f: Callable[..., Any], point: np.ndarray) -> Callable[[Library], Answer]:
    """Ask a library for the gradient of ``f(library, x)``."""

    def automatic(library: Library) -> Answer:
        x = library.array(point)
        gradient = library.compile(library.grad(lambda x: f(library, x)))
        return lambda: library.finish(gradient(x))

    return automatic


def _hessian(f: Callable[..., Any], point: np.ndarray) -> Callable[[Library], Answer]:
    """Ask a library for the Hessian of ``f(library, x)``."""

    def automatic(library: Library) -> Answer:
        x = library.array(point)
        hessian = library.compile(library.hessian(lambda x: f(library, x)))
        return lambda: library.finish(hessian(x))

    return automatic


def _gradient_and_hessian(f: Callable[..., Any], point: np.ndarray) -> Callable[[Library], Answer]:
    def automatic(library: Library) -> Answer:
        gradient, hessian = _gradient(f, point)(library), _hessian(f, point)(library)
        return lambda: (gradient(), hessian())

    return automatic


# 1. A loop whose length depends on the value that is differentiated.

ANGLE = 1.0


def taylor_cos(x):
    """The Taylor series of the cosine, up to the first term below 1e-17."""
    total = term = x * 0.0 + 1.0
    k = 0
    while abs(term) > 1e-17:
        k += 2
        term = -term * x * x / (k * (k - 1))
        total = total + term
    return total


def _taylor_cos(library: Library) -> Answer:
    # Not compiled: the loop looks at values.
    x, gradient = library.array(np.asarray(ANGLE)), library.grad(taylor_cos)
    return lambda: library.finish(gradient(x))


# 3. A derivative of a derivative of a derivative of a derivative.

ABSCISSAE = np.linspace(-2.0, 2.0, 9)


def tanh_fourth(x: np.ndarray) -> np.ndarray:
    """The fourth derivative of tanh. With t = tanh x: t' = 1 - t^2, and the rest is the chain rule.

    t'' = -2 t t';  t''' = (6 t^2 - 2) t';  t'''' = 8 t (2 - 3 t^2) t'.
    """
    t = np.tanh(x)
    return 8 * t * (2 - 3 * t * t) * (1 - t * t)


def _tanh_fourth(library: Library) -> Answer:
    x = library.array(ABSCISSAE)
    derivative = library.compile(library.elementwise_derivative(library.xp.tanh, 4))
    return lambda: library.finish(derivative(x))


# 4. A quadratic form. A is not symmetric, which is the point.

QUADRATIC_A = _rng.normal(size=(6, 6))
QUADRATIC_B = _rng.normal(size=6)
QUADRATIC_X = _rng.normal(size=6)
QUADRATIC_C = 3.0


def quadratic(library: Library, x):
    """1/2 x'Ax + b'x + c."""
    A, b = library.array(QUADRATIC_A), library.array(QUADRATIC_B)
    return x @ (A @ x) / 2 + b @ x + QUADRATIC_C


# 5. A trace.

TRACE_A, TRACE_X, TRACE_B = (_rng.normal(size=shape) for shape in ((3, 4), (4, 5), (5, 3)))


def trace(library: Library, x):
    """tr(AXB)."""
    return library.xp.trace(library.array(TRACE_A) @ x @ library.array(TRACE_B))


# 6. Least squares.

LEAST_A, LEAST_B, LEAST_X = (_rng.normal(size=shape) for shape in ((8, 5), 8, 5))


def least_squares(library: Library, x):
    """1/2 |Ax - b|^2."""
    residual = library.array(LEAST_A) @ x - library.array(LEAST_B)
    return residual @ residual / 2


def _least_squares() -> tuple[np.ndarray, np.ndarray]:
    return LEAST_A.T @ (LEAST_A @ LEAST_X - LEAST_B), LEAST_A.T @ LEAST_A


# 7. The logistic loss of one example.

LOGISTIC_A, LOGISTIC_X = _rng.normal(size=5), _rng.normal(size=5)


def logistic(library: Library, x):
    """ln(1 + exp<a, x>). Where <a, x> may exceed 700, np.logaddexp(0, <a, x>) does not overflow."""
    return library.xp.log1p(library.xp.exp(library.array(LOGISTIC_A) @ x))


def _logistic() -> tuple[np.ndarray, np.ndarray]:
    p = 1 / (1 + math.exp(-(LOGISTIC_A @ LOGISTIC_X)))
    return p * LOGISTIC_A, p * (1 - p) * np.outer(LOGISTIC_A, LOGISTIC_A)


EXERCISES = (
    Exercise(
        key="taylor_cos",
        title="gradient of a Taylor series of cos",
        question=r"f(x) = \sum_k (-1)^k \frac{x^{2k}}{(2k)!},\quad f'(1) = \,?",
        answer=r"f'(x) = -\sin x",
        analytic=lambda: -np.sin(ANGLE),
        automatic=_taylor_cos,
    ),
    Exercise(
        key="linear_regression",
        title="linear regression, 20 iterations",
        question=r"J(w) = \tfrac14 \sum_i (w x_i - y_i)^2,\quad w \leftarrow w - 0.01\, J'(w)",
        answer=r"J'(w) = \tfrac14 \sum_i 2 x_i (w x_i - y_i)",
        analytic=lambda: linear_regression.descend(linear_regression.true_gradient)[-1],
        automatic=lambda library: _finished(library, linear_regression.automatic_descent(library)),
    ),
    Exercise(
        key="tanh_fourth",
        title="fourth derivative of tanh, 9 points",
        question=r"\frac{d^4}{dx^4} \tanh x",
        answer=r"8 t\,(2 - 3 t^2)(1 - t^2),\quad t = \tanh x",
        analytic=lambda: tanh_fourth(ABSCISSAE),
        automatic=_tanh_fourth,
    ),
    Exercise(
        key="quadratic",
        title="Hessian of 1/2 x'Ax + b'x + c, n = 6",
        question=r"\nabla^2 \left(\tfrac12 x^\top A x + b^\top x + c\right)",
        answer=r"\tfrac12 (A + A^\top)",
        analytic=lambda: (QUADRATIC_A + QUADRATIC_A.T) / 2,
        automatic=_hessian(quadratic, QUADRATIC_X),
    ),
    Exercise(
        key="trace",
        title="gradient of tr(AXB), X is 4 x 5",
        question=r"\nabla_X \operatorname{tr}(A X B)",
        answer=r"A^\top B^\top",
        analytic=lambda: TRACE_A.T @ TRACE_B.T,
        automatic=_gradient(trace, TRACE_X),
    ),
    Exercise(
        key="least_squares",
        title="gradient, Hessian of 1/2 |Ax - b|^2, A is 8 x 5",
        question=r"\nabla,\ \nabla^2 \text{ of } \tfrac12 \lVert A x - b \rVert^2",
        answer=r"A^\top (A x - b),\quad A^\top A",
        analytic=_least_squares,
        automatic=_gradient_and_hessian(least_squares, LEAST_X),
    ),
    Exercise(
        key="logistic",
        title="gradient, Hessian of ln(1 + exp<a, x>), n = 5",
        question=r"\nabla,\ \nabla^2 \text{ of } \ln(1 + e^{\langle a, x \rangle})",
        answer=r"p\, a,\quad p (1 - p)\, a a^\top,\quad p = 1 / (1 + e^{-\langle a, x \rangle})",
        analytic=_logistic,
        automatic=_gradient_and_hessian(logistic, LOGISTIC_X),
    ),
)


def _finished(library: Library, compute: Answer) -> Answer:
    return lambda: library.finish(compute())
