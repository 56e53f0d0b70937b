"""Two of the exercises as pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import wengert as wg
from labs.exercises import linear_regression
from labs.exercises.problems import tanh_fourth
from labs.pictures import new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_descent", "plot_tanh"]

_COLOURS = ("#4c72b0", "#dd8452", "#55a868", "#c44e52", "#8172b3")


def plot_tanh(axes: Axes | None = None) -> Figure:
    """Draw tanh and four derivatives by wengert, and points of the fourth by hand."""
    axes = axes or new_figure().add_subplot()
    x = np.linspace(-4, 4, 401)
    f, labels = np.tanh, ("tanh", "1st derivative", "2nd", "3rd", "4th")
    for label, colour in zip(labels, _COLOURS, strict=True):
        axes.plot(x, f(x), color=colour, label=label)
        f = wg.elementwise_grad(f)
    points = x[::16]
    axes.plot(points, tanh_fourth(points), "o", color="black", markersize=3, label="4th, by hand")
    axes.set_title("tanh, differentiated again and again")
    axes.set_xlabel("x")
    axes.set_ylabel("value of the derivative")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize="small")
    return axes.figure


def plot_descent(axes: Axes | None = None) -> Figure:
    """Draw the weight over the iterations of linear regression, with both gradients."""
    axes = axes or new_figure().add_subplot()
    for label, gradient, colour in (
        ("the course's gradient (4 x)", linear_regression.course_gradient, _COLOURS[1]),
        ("gradient of the mean squared error", linear_regression.true_gradient, _COLOURS[0]),
    ):
        weights = linear_regression.descend(gradient)
        label = f"{label}: w = {weights[-1]:.5f}"
        axes.plot(weights, color=colour, marker="o", markersize=3, label=label)
    axes.axhline(2, color="black", linewidth=0.8, linestyle="--")
    axes.set_title("Linear regression: a gradient that is 4 times as long")
    axes.set_xlabel("iteration of gradient descent, learning rate 0.01")
    axes.set_ylabel("weight w (the data have w = 2)")
    axes.set_xticks(range(0, linear_regression.ITERATIONS + 1, 5))
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, loc="lower right")
    return axes.figure
