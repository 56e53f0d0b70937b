"""Pictures of the labs: figures that need no window, written whole or not at all."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from wengert.data.optional import require
from wengert.train.atomic import write_bytes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["new_figure", "save_png"]


def new_figure(width: float = 5.6, height: float = 4.2) -> Figure:
    """A figure of that many inches, without pyplot: no window, no global state, no display."""
    module = require("matplotlib.figure", "train", "to draw the plots")
    figure: Figure = module.Figure(figsize=(width, height), dpi=110, layout="constrained")
    return figure


def save_png(figure: Figure, path: Path) -> None:
    """Write a figure as a PNG picture.

    Raises
    ------
    wengert.DataError
        If the file cannot be written.
    """
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    write_bytes(path, buffer.getvalue())
