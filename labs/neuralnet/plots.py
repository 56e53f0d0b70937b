"""Loss and accuracy of training runs."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

import wengert as wg
from wengert.train.atomic import write_bytes

if TYPE_CHECKING:
    from labs.neuralnet.train import Result

__all__ = ["check_output", "check_plot_file", "draw_runs", "save_plot"]

_FORMATS = ("pdf", "png", "svg")
_TRAINING, _VALIDATION, _STEPS = "#4c72b0", "#dd8452", "#b8c7e0"


def check_output(path: Path) -> None:
    """Find out before a long run whether a file can be written afterwards.

    Raises
    ------
    wengert.ConfigError
        If its directory is not there, or it is a directory itself.
    """
    if path.is_dir():
        raise wg.ConfigError(f"{path}: is a directory; name a file")
    if not path.parent.is_dir():
        raise wg.ConfigError(f"{path}: there is no directory {path.parent}; make it first")


def check_plot_file(path: Path) -> None:
    """The same for a plot, whose format its name must tell.

    Raises
    ------
    wengert.ConfigError
    """
    check_output(path)
    if path.suffix.removeprefix(".").lower() not in _FORMATS:
        raise wg.ConfigError(
            f"{path}: plots can be written as {', '.join('.' + f for f in _FORMATS)}"
        )


def save_plot(path: Path, runs: Mapping[str, Result], data: str) -> None:
    """Draw runs and write the picture, atomically, in the format that the file's name tells."""
    buffer = io.BytesIO()
    draw_runs(runs, data).savefig(buffer, format=path.suffix.removeprefix(".").lower())
    write_bytes(path, buffer.getvalue())


def draw_runs(runs: Mapping[str, Result], data: str) -> Figure:
    """A row for each run: the loss on the left, the accuracies on the right.

    Parameters
    ----------
    runs : mapping of str to Result
        Title to run.
    data : str
        What the images are; stands above.
    """
    figure = Figure(figsize=(10, 3.6 * len(runs)), dpi=100, layout="constrained")
    figure.suptitle(data, fontsize=11, color="#555555")
    rows = figure.subplots(len(runs), 2, squeeze=False)
    for (title, result), (left, right) in zip(runs.items(), rows, strict=True):
        _draw_loss(left, result)
        _draw_accuracy(right, result)
        for axes, what in ((left, "loss"), (right, "accuracy")):
            axes.set_title(f"{title}: {what}", fontsize=11)
            axes.set_xlabel("epoch")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.grid(alpha=0.3)
            axes.spines[["top", "right"]].set_visible(False)
            axes.legend(edgecolor="none", framealpha=0.85)
    return figure


def _draw_loss(axes: Any, result: Result) -> None:
    per_epoch = result.steps_per_epoch
    steps = np.arange(1, len(result.losses) + 1) / per_epoch
    axes.plot(steps, result.losses, color=_STEPS, linewidth=0.6, label="each step")
    ends = [record["step"] / per_epoch for record in result.epochs]
    for key, colour, label in (
        ("train_loss", _TRAINING, "training with L2 penalty, mean of the epoch"),
        ("validation_loss", _VALIDATION, "validation"),
    ):
        axes.plot(ends, [r[key] for r in result.epochs], color=colour, label=label, **_marks(ends))
    axes.set_ylabel("cross entropy (nats)")
    # The first steps, from random weights, would press everything else to the bottom.
    losses = [r[key] for r in result.epochs for key in ("train_loss", "validation_loss")]
    axes.set_ylim(0, 1.15 * max([*losses, float(np.percentile(result.losses, 99))]))


def _draw_accuracy(axes: Any, result: Result) -> None:
    ends = [record["step"] / result.steps_per_epoch for record in result.epochs]
    for key, colour, label in (
        ("train_accuracy", _TRAINING, "training"),
        ("validation_accuracy", _VALIDATION, "validation"),
    ):
        values = [100 * record[key] for record in result.epochs]
        label = f"{label}, at the end {values[-1]:.1f} %"
        axes.plot(ends, values, color=colour, label=label, **_marks(ends))
    best = result.best_record
    axes.plot(
        best["step"] / result.steps_per_epoch,
        100 * best["validation_accuracy"],
        "*",
        color=_VALIDATION,
        markersize=13,
        label=f"best model, {100 * best['validation_accuracy']:.1f} %",
    )
    axes.set_ylabel("accuracy (%)")


def _marks(ends: list[float]) -> dict[str, Any]:
    return {"marker": "o", "markersize": 3.5} if len(ends) <= 30 else {}
