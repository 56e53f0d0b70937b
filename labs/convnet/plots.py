"""Pictures: the curves of training, and what the network confuses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from labs.pictures import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["plot_curves", "plot_kernels", "plot_mistakes"]


def plot_curves(records: Sequence[dict[str, Any]]) -> Figure:
    """Loss and accuracy over the epochs, for the training and the validation images.

    Parameters
    ----------
    records : sequence of dict
        Those of `wengert.train.fit`.
    """
    within = [r for r in records if r["event"] == "train"]
    ends = [r for r in records if r["event"] == "epoch"]
    figure = new_figure(9.6, 3.8)
    for place, (name, factor, label) in enumerate(
        (("loss", 1, "cross entropy (nats)"), ("accuracy", 100, "accuracy (percent)"))
    ):
        ax = figure.add_subplot(1, 2, place + 1)
        epochs = [r["epoch"] for r in within]
        ax.plot(epochs, [factor * r[name] for r in within], lw=1, alpha=0.7, label="training")
        epochs = [r["epoch"] for r in ends]
        values = [factor * r[f"validation_{name}"] for r in ends]
        ax.plot(epochs, values, "o-", label="validation")
        ax.set(xlabel="epoch", ylabel=label, title=name.capitalize())
        ax.set_xticks(range(len(ends) + 1))
        ax.grid(alpha=0.3)
        ax.spines[["top", "right"]].set_visible(False)
        ax.legend(frameon=False)
    figure.axes[0].set_ylim(0, 1)
    figure.axes[1].set_ylim(70, 100)
    return figure


def plot_mistakes(
    logits: NDArray[Any], images: NDArray[Any], labels: NDArray[Any], classes: Sequence[str]
) -> Figure:
    """The confusion matrix, and the images that the network is most wrong about.

    Parameters
    ----------
    logits : ndarray, shape (n, classes)
    images : ndarray, shape (n, height, width, 1)
    labels : ndarray, shape (n,)
    classes : sequence of str
    """
    found = logits.argmax(axis=1)
    figure = new_figure(11, 4.8)
    left, right = figure.subfigures(1, 2, width_ratios=(1.15, 1))
    _draw_confusion(left.add_subplot(), labels, found, classes)
    shifted = logits - logits.max(axis=1, keepdims=True)
    probability = np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)
    certainty = probability[np.arange(len(found)), found]
    order = np.argsort(-np.where(found != labels, certainty, -1.0), kind="stable")
    wrong = order[: min(8, np.count_nonzero(found != labels))]
    right.suptitle("Most certain mistakes (validation)", fontsize=11)
    for place, index in enumerate(wrong):
        ax = right.add_subplot(2, 4, place + 1)
        ax.imshow(images[index, ..., 0], cmap="gray_r")
        ax.set(xticks=[], yticks=[])
        ax.set_title(
            f"{classes[found[index]]} {100 * certainty[index]:.0f} %\nis {classes[labels[index]]}",
            fontsize=7.5,
        )
    return figure


def _draw_confusion(ax: Any, labels: Any, found: Any, classes: Sequence[str]) -> None:
    n = len(classes)
    counts = np.zeros((n, n), int)
    np.add.at(counts, (labels, found), 1)
    share = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    ax.imshow(np.sqrt(share), cmap="Blues", vmin=0, vmax=10)
    for i in range(n):
        for j in range(n):
            if share[i, j] >= 0.5:
                color = "white" if share[i, j] > 40 else "black"
                ax.text(j, i, f"{share[i, j]:.0f}", ha="center", va="center", fontsize=7.5,
                        color=color)  # fmt: skip
    ax.set_xticks(range(n), classes, rotation=45, ha="right", fontsize=8)
    ax.set_yticks(range(n), classes, fontsize=8)
    ax.set(xlabel="answer", ylabel="class", title="Answers in percent of the class (validation)")


def plot_kernels(kernel: NDArray[Any]) -> Figure:
    """The kernels of a layer that sees grey pictures.

    Parameters
    ----------
    kernel : ndarray, shape (height, width, 1, outputs)
    """
    outputs = kernel.shape[3]
    columns = 8
    rows = -(-outputs // columns)
    figure = new_figure(columns, rows + 0.4)
    figure.suptitle(f"The {outputs} kernels of the first layer", fontsize=11)
    limit = float(np.abs(kernel).max())
    for place in range(outputs):
        ax = figure.add_subplot(rows, columns, place + 1)
        ax.imshow(kernel[:, :, 0, place], cmap="RdBu_r", vmin=-limit, vmax=limit)
        ax.set(xticks=[], yticks=[])
    return figure
