"""Windows that slide over the height and width of arrays (n, height, width, channels).

Convolutions and poolings share their geometry: with stride s, dilation d and p zeros in front, the
output at o meets, at place k of its window, the input at ``o s + k d - p``. Padding is canonical
here: ``((top, bottom), (left, right))``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from ..core.errors import ShapeError

__all__ = [
    "Padding",
    "Pair",
    "blocks",
    "extent",
    "output_size",
    "padded",
    "reach",
    "windows_of",
]

Pair = tuple[int, int]
Padding = tuple[Pair, Pair]

# What is gathered of an array at once. About the size of a second-level cache: on images of 14 x 14
# with 64 channels, 1 to 4 MB are equally fast, and ten times that takes 1.3 times as long.
BLOCK_BYTES = 2**21


def extent(window: int, dilation: int = 1) -> int:
    """How many places of the input a window spans."""
    return (window - 1) * dilation + 1


def output_size(
    name: str, size: Pair, window: Pair, stride: Pair, padding: Padding, dilation: Pair = (1, 1)
) -> Pair:
    """Height and width of the output.

    Raises
    ------
    ShapeError
        If the window is larger than the padded input.
    """
    out = []
    for side, n, k, s, p, d in zip(
        ("height", "width"), size, window, stride, padding, dilation, strict=True
    ):
        room = n + sum(p) - extent(k, d)
        if room < 0:
            pads = f" + {p[0]} + {p[1]} of padding" if any(p) else ""
            spread = f" (dilated by {d}: {extent(k, d)})" if d > 1 else ""
            raise ShapeError(
                f"{name}: the window's {side} {k}{spread} is larger than that of the input, "
                f"{n}{pads}; pad the input, or use a smaller window"
            )
        out.append(room // s + 1)
    return out[0], out[1]


def padded(x: Any, padding: Padding) -> Any:
    """``x`` with zeros around its images; ``x`` itself if there are none to add."""
    (top, bottom), (left, right) = padding
    if not (top or bottom or left or right):
        return x
    n, h, w, c = x.shape
    y = np.zeros((n, h + top + bottom, w + left + right, c), x.dtype)
    y[:, top : top + h, left : left + w] = x
    return y


def windows_of(x: Any, window: Pair, out: Pair, stride: Pair, dilation: Pair) -> Any:
    """All windows of a padded array, as a view (n, out, out, window, window, channels)."""
    n, _, _, c = x.shape
    sn, sh, sw, sc = x.strides
    return as_strided(
        x,
        (n, *out, *window, c),
        (sn, sh * stride[0], sw * stride[1], sh * dilation[0], sw * dilation[1], sc),
        writeable=False,
    )


def reach(n: int, out: int, place: int, stride: int, before: int) -> tuple[slice, slice]:
    """The outputs whose window has, ``place`` steps from its start, an input that exists.

    Returns
    -------
    outputs, inputs : slice
        Of the same length, perhaps zero.
    """
    first = max(0, -(-(before - place) // stride))
    last = min(out - 1, (n - 1 + before - place) // stride)
    if last < first:
        return slice(0, 0), slice(0, 0)
    start = first * stride + place - before
    return slice(first, last + 1), slice(start, start + (last - first) * stride + 1, stride)


def blocks(n: int, rows: int, row_bytes: int, limit: int = BLOCK_BYTES) -> Iterator[Any]:
    """Slices of images and of output rows, of about ``limit`` bytes if a row has ``row_bytes``."""
    image = max(rows * row_bytes, 1)
    if image <= limit:
        images, step = limit // image, rows
    else:
        images, step = 1, max(1, limit // row_bytes)
    for i in range(0, n, images):
        for r in range(0, rows, step):
            yield slice(i, min(i + images, n)), slice(r, min(r + step, rows))
