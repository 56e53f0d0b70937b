"""Pictures of the labs: figures that need no window, written whole or not at all."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from wengert.data.optional import require
from wengert.train.atomic import write_bytes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["new_figure", "png_bytes", "save_png"]


def new_figure(width: float = 5.6, height: float = 4.2) -> Figure:
    """A figure of that many inches, without pyplot: no window, no global state, no display."""
    module = require("matplotlib.figure", "train", "to draw the plots")
    figure: Figure = module.Figure(figsize=(width, height), dpi=110, layout="constrained")
    return figure


def png_bytes(figure: Figure, *, palette: bool = False) -> bytes:
    """A figure as a PNG picture.

    Parameters
    ----------
    figure : Figure
    palette : bool
        Keep 256 colours only: a third of the size for photographs.
    """
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    if palette:
        image = require("PIL.Image", "train", "to write the pictures").open(buffer)
        buffer = io.BytesIO()
        image.convert("RGB").quantize(256).save(buffer, format="png", optimize=True)
    return buffer.getvalue()


def save_png(figure: Figure, path: Path, *, palette: bool = False) -> None:
    """Write a figure as a PNG picture; see `png_bytes`.

    Raises
    ------
    wengert.DataError
        If the file cannot be written.
    """
    write_bytes(path, png_bytes(figure, palette=palette))
