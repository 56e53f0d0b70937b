"""Pictures: what the network has learned, and how the loss fell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

import wengert as wg
from labs.moons.network import NeuralNetwork, check_data
from labs.pictures import new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_boundary", "plot_losses"]

# Class 0, class 1; told apart by their markers as well.
_COLOURS = ("#c44e52", "#4c72b0")
_MARKERS = ("o", "^")
_CURVES = ("#4c72b0", "#dd8452", "#55a868", "#8172b3")


def plot_boundary(
    model: NeuralNetwork,
    X: np.ndarray,
    y: np.ndarray,
    axes: Axes | None = None,
    title: str | None = None,
) -> Figure:
    """Draw the points, the probability of class 1 everywhere, and the line where it is 1/2.

    Parameters
    ----------
    model : NeuralNetwork
    X : ndarray, (points, 2)
    y : ndarray, (points,)
        Labels 0 and 1.
    axes : matplotlib.axes.Axes, optional
        Where to draw; a new figure unless given.
    title : str, optional
        The accuracy unless given.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    wengert.ShapeError
        If there are not two features, or ``X`` and ``y`` do not fit.
    """
    X, y = check_data(model, X, y)
    if model.dims != 2:
        raise wg.ShapeError(
            f"plot_boundary: the plane has 2 features, and the network was made for {model.dims}"
        )
    if axes is None:
        axes = new_figure().add_subplot()
    low, high = X.min(axis=0), X.max(axis=0)
    margin = 0.15 * (high - low)
    horizontal, vertical = (
        np.linspace(a, b, 200) for a, b in zip(low - margin, high + margin, strict=True)
    )
    grid = np.stack(np.meshgrid(horizontal, vertical), axis=-1)
    probability = model.predict_probability(grid.reshape(-1, 2)).reshape(grid.shape[:2])
    shades = axes.contourf(
        horizontal, vertical, probability, levels=np.linspace(0, 1, 11), cmap="RdBu", alpha=0.6
    )
    if probability.min() < 0.5 < probability.max():  # an untrained network may have no boundary
        axes.contour(
            horizontal, vertical, probability, levels=[0.5], colors="black", linewidths=1.2
        )
    axes.figure.colorbar(shades, ax=axes, label="probability of class 1")
    for label in (0, 1):
        points = X[y == label]
        axes.scatter(
            *points.T,
            c=_COLOURS[label],
            marker=_MARKERS[label],
            s=24,
            edgecolors="white",
            linewidths=0.5,
            label=f"class {label}",
        )
    axes.set_title(f"accuracy {model.accuracy(X, y):.2f}" if title is None else title)
    axes.set_xlabel("feature 1")
    axes.set_ylabel("feature 2")
    axes.legend(loc="upper right", fontsize="small")
    return axes.figure


def plot_losses(losses: Mapping[str, Sequence[float]], axes: Axes | None = None) -> Figure:
    """Draw the loss over the steps, the ordinate logarithmic.

    Parameters
    ----------
    losses : mapping of str to sequence of float
        One curve for each name. Names that end alike after a comma ("scalar, 2-5-5-1") belong
        together: they share a colour, and the later are drawn thinner, on top of the earlier.
    axes : matplotlib.axes.Axes, optional
        Where to draw; a new figure unless given.

    Returns
    -------
    matplotlib.figure.Figure
    """
    if axes is None:
        axes = new_figure().add_subplot()
    groups: dict[str, int] = {}
    for name, values in losses.items():
        group = name.rpartition(", ")[2]
        earlier = groups.get(group, 0)
        groups[group] = earlier + 1
        axes.plot(
            range(1, len(values) + 1),
            values,
            label=name,
            color=_CURVES[list(groups).index(group) % len(_CURVES)],
            linewidth=max(1.2, 8 - 3.4 * earlier),
            alpha=min(1, 0.25 + 0.35 * earlier),
            solid_capstyle="butt",
        )
    axes.set_yscale("log")
    axes.set_title("Two moons: loss over the steps")
    axes.set_xlabel("step of gradient descent")
    axes.set_ylabel("negative log-likelihood, sum (nats)")
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    if losses:
        axes.legend(frameon=False)
    return axes.figure
