"""A picture of answers: photograph, most probable classes, saliency map."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import wengert as wg
from wengert.data.optional import require
from wengert.models.photographs import crop_box
from wengert.models.prediction import Prediction
from wengert.train.atomic import write_bytes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Answer", "check_picture_name", "draw_answers", "save_picture"]


_ENDINGS = (".jpeg", ".jpg", ".pdf", ".png", ".svg", ".webp")


class Answer(NamedTuple):
    """What is drawn of a photograph.

    Attributes
    ----------
    title : str
    image : ndarray, shape (height, width, 3), uint8
    predictions : sequence of Prediction
    saliency : ndarray, shape (m, m), optional
    """

    title: str
    image: NDArray[np.uint8]
    predictions: Sequence[Prediction]
    saliency: NDArray[Any] | None = None


def draw_answers(answers: Sequence[Answer]) -> Figure:
    """One row for each photograph: the square that the network sees, bars, the saliency map."""
    module = require("matplotlib.figure", "train", "to draw the picture")
    columns = 3 if any(answer.saliency is not None for answer in answers) else 2
    ratios = (1, 1.15, 1)[:columns]
    figure: Figure = module.Figure(
        figsize=(0.4 + 3.1 * sum(ratios), 2.9 * len(answers)), dpi=100, layout="constrained"
    )
    axes = figure.subplots(len(answers), columns, squeeze=False, width_ratios=ratios)
    for row, answer in zip(axes, answers, strict=True):
        top, left, side = crop_box(*answer.image.shape[:2])
        row[0].imshow(answer.image[top : top + side, left : left + side])
        row[0].set_title(answer.title, fontsize=10)
        row[0].set(xticks=[], yticks=[])
        _draw_bars(row[1], answer.predictions)
        if columns == 3:
            _draw_saliency(row[2], answer)
    return figure


def _draw_bars(ax: Any, predictions: Sequence[Prediction]) -> None:
    percent = [100 * p.probability for p in predictions]
    places = np.arange(len(predictions))
    ax.barh(places, percent, height=0.42, color="tab:blue")
    for place, p, value in zip(places, predictions, percent, strict=True):
        # Above its bar, a name of any length fits.
        text = f"{p.name} ({p.index}): {value:.1f} %"
        ax.text(0.6, place - 0.3, text, va="bottom", fontsize=8.5)
    ax.set(yticks=[], ylim=(len(places) - 0.6, -0.85), xlim=(0, 100))
    ax.set_xlabel("probability (percent)", fontsize=9)
    ax.tick_params(labelsize=8)
    ax.spines[["top", "right"]].set_visible(False)


def _draw_saliency(ax: Any, answer: Answer) -> None:
    ax.set(xticks=[], yticks=[])
    if answer.saliency is None:
        ax.set_axis_off()
        return
    # A few pixels are much stronger than all others and would leave the rest dark.
    limit = float(np.percentile(answer.saliency, 99)) or 1.0
    ax.imshow(answer.saliency, cmap="inferno", vmin=0, vmax=limit)
    ax.set_title(f"pixels that move '{answer.predictions[0].name}'", fontsize=10)


def check_picture_name(path: str | os.PathLike[str]) -> None:
    """Find out before the work whether a picture of that name can be written.

    Raises
    ------
    wengert.ConfigError
        If its ending is not one of those that matplotlib writes, or matplotlib is missing.
    """
    require("matplotlib.figure", "train", "to draw the picture")
    if Path(path).suffix.lower() not in _ENDINGS:
        raise wg.ConfigError(f"{path}: a picture's name ends in one of {', '.join(_ENDINGS)}")


def save_picture(path: str | os.PathLike[str], answers: Sequence[Answer]) -> None:
    """Draw answers into a file, in the format of its name's ending, atomically.

    Raises
    ------
    wengert.ConfigError
        If the ending is not known.
    wengert.DataError
        If the file cannot be written.
    """
    check_picture_name(path)
    buffer = io.BytesIO()
    draw_answers(answers).savefig(buffer, format=Path(path).suffix.lower().lstrip("."))
    write_bytes(Path(path), buffer.getvalue())
