"""The network, and its architecture as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from wengert import nn

__all__ = ["Row", "architecture", "build", "table"]

SIZE, CLASSES = 28, 10
DROPOUT = 0.3


def build(
    rng: np.random.Generator, *, channels: tuple[int, int] = (16, 32), hidden: int = 128
) -> nn.Sequential:
    """Two convolutional layers, each with a rectifier and a pooling, and two linear ones.

    Parameters
    ----------
    rng : numpy.random.Generator
        Draws the weights.
    channels : (int, int)
        Outputs of the two convolutions.
    hidden : int
        Outputs of the first linear layer.

    Returns
    -------
    Sequential
        From images (n, 28, 28, 1) to logits (n, 10).
    """
    first, second = channels
    side = SIZE // 4  # each pooling halves it
    return nn.Sequential(
        nn.Conv2d(1, first, 3, padding=1, rng=rng),
        nn.relu,
        nn.MaxPool2d(2),
        nn.Conv2d(first, second, 3, padding=1, rng=rng),
        nn.relu,
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(DROPOUT),
        nn.Linear(side * side * second, hidden, rng=rng, init=nn.init.he_uniform),
        nn.relu,
        nn.Linear(hidden, CLASSES, rng=rng),
    )


class Row(NamedTuple):
    """A layer: how it is written, the shape of its output for one image, its parameters."""

    layer: str
    output: tuple[int, ...]
    parameters: int


def architecture(model: nn.Sequential, shape: Sequence[int] = (SIZE, SIZE, 1)) -> list[Row]:
    """Every layer of a network, found out by sending one image through it.

    Parameters
    ----------
    model : Sequential
    shape : sequence of int
        Of an image.
    """
    x: Any = np.zeros((1, *shape), np.float32)
    rows = [Row("input", tuple(shape), 0)]
    for layer in model.layers:
        x = layer(x)
        count = sum(array.size for array in nn.named_arrays(layer).values())
        rows.append(Row(repr(layer), tuple(x.shape[1:]), count))
    return rows


def table(rows: Sequence[Row]) -> str:
    """The rows as a table in Markdown, with the sum of the parameters."""
    total = Row("sum", (), sum(row.parameters for row in rows))
    cells = [("layer", "output shape", "parameters"), ("---", "---", "---:")]
    for row in (*rows, total):
        cells.append((row.layer, " x ".join(map(str, row.output)), f"{row.parameters:,}"))
    widths = [max(map(len, column)) for column in zip(*cells)]
    lines = []
    for left, middle, right in cells:
        lines.append(f"| {left:<{widths[0]}} | {middle:<{widths[1]}} | {right:>{widths[2]}} |")
    return "\n".join(lines)
