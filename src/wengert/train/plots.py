"""The loss and the accuracy of a run as pictures."""

from __future__ import annotations

import io
from typing import Any

from wengert.data.optional import require
from wengert.train.history import Record

__all__ = ["plot"]

_TRAINING, _VALIDATION, _TEST = "#4c72b0", "#dd8452", "#55a868"


def plot(records: list[Record], quantity: str, title: str) -> bytes:
    """Draw one quantity over the epochs.

    Parameters
    ----------
    records : list of dict
        The records of a run.
    quantity : {"loss", "accuracy"}
    title : str

    Returns
    -------
    bytes
        A PNG picture.

    Raises
    ------
    wengert.ConfigError
        If matplotlib is not installed.
    """
    # Figure without pyplot: no window, no global state, no display needed.
    figure_module = require("matplotlib.figure", "train", "to draw the plots")
    figure = figure_module.Figure(figsize=(7, 4.5), dpi=120, layout="constrained")
    axes = figure.add_subplot()
    scale = 100 if quantity == "accuracy" else 1
    _draw_curves(axes, records, quantity, scale)
    axes.set_title(title)
    axes.set_xlabel("epoch")
    axes.set_ylabel("accuracy (%)" if quantity == "accuracy" else "cross entropy (nats)")
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def _draw_curves(axes: Any, records: list[Record], quantity: str, scale: float) -> None:
    steps = [record for record in records if record["event"] == "train"]
    epochs = [record for record in records if record["event"] == "epoch"]
    tests = [record for record in records if record["event"] == "test"]
    if steps:
        axes.plot(
            [record["epoch"] for record in steps],
            [scale * record[quantity] for record in steps],
            color=_TRAINING,
            alpha=0.45,
            linewidth=1,
            label="training, within the epoch",
        )
    for key, label, color in (
        (f"train_{quantity}", "training, mean over the epoch", _TRAINING),
        (f"validation_{quantity}", "validation, after the epoch", _VALIDATION),
    ):
        points = [record for record in epochs if key in record]
        if points:
            axes.plot(
                [record["epoch"] for record in points],
                [scale * record[key] for record in points],
                color=color,
                marker="o",
                markersize=4 if len(points) <= 20 else 0,
                label=label,
            )
    for record in tests:
        value = scale * record[f"test_{quantity}"]
        text = f"test: {value:.1f} %" if quantity == "accuracy" else f"test: {value:.3f}"
        axes.plot(record["epoch"], value, "*", color=_TEST, markersize=13, label=text)
