"""What the operations on images check and make canonical, and what they say if it is wrong."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ..core.errors import ShapeError, WengertTypeError, WengertValueError
from ..numpy.arguments import operand
from ..rules.windows import Padding, Pair, extent

__all__ = ["images", "padding_of", "pair"]


def images(name: str, x: Any, kinds: str = "fc") -> Any:
    """``x`` as an array or Tensor of shape (n, height, width, channels).

    Raises
    ------
    ShapeError
        For another number of axes.
    WengertTypeError
        For a dtype whose kind is not among ``kinds``.
    """
    x = operand(x)
    if x.ndim != 4:
        remedy = {
            2: "; add axes for the batch and the channels: x[np.newaxis, :, :, np.newaxis]",
            3: "; add a batch axis, x[np.newaxis], or, for grey images, channels: "
            "x[..., np.newaxis]",
        }.get(x.ndim, "")
        raise ShapeError(
            f"{name}: expected images of shape (n, height, width, channels), got shape "
            f"{tuple(x.shape)}{remedy}"
        )
    if x.dtype.kind not in kinds:
        real = "real " if "c" not in kinds else ""
        raise WengertTypeError(
            f"{name}: expected images of a {real}floating type, got {x.dtype}"
            + ("" if x.dtype.kind == "c" else "; cast them: x.astype(np.float32)")
        )
    return x


def pair(name: str, argument: str, value: Any, least: int = 1) -> Pair:
    """Two integers, for height and width, from one or two.

    Raises
    ------
    WengertValueError
        If there are more, or one is less than ``least``.
    """
    values = (value, value) if np.ndim(value) == 0 else tuple(value)
    try:
        found = tuple([operator.index(v) for v in values])
    except TypeError:
        found = ()
    wrong = len(found) != 2 or min(found) < least or any(isinstance(v, bool) for v in values)
    if wrong:
        kind = "positive" if least == 1 else "non-negative"
        raise WengertValueError(
            f"{name}: {argument} must be a {kind} integer, or two for height and width; got "
            f"{value!r}"
        )
    return found[0], found[1]


def padding_of(
    name: str, padding: Any, size: Pair, window: Pair, stride: Pair, dilation: Pair = (1, 1)
) -> Padding:
    """``((top, bottom), (left, right))`` from what users write.

    Parameters
    ----------
    padding : int, (int, int), ((int, int), (int, int)), "valid" or "same"
    size, window, stride, dilation : pairs of int
        Of the images and the windows.

    Raises
    ------
    WengertValueError
        For anything else.
    """
    if isinstance(padding, str):
        if padding == "valid":
            return (0, 0), (0, 0)
        if padding == "same":
            height, width = (
                _same(n, extent(k, d), s)
                for n, k, s, d in zip(size, window, stride, dilation, strict=True)
            )
            return height, width
    else:
        try:
            found = np.asarray(padding)
        except ValueError:  # rows of different lengths
            found = np.empty(0)
        if found.dtype.kind in "iu" and found.shape in ((), (2,), (2, 2)) and found.min() >= 0:
            # One number, or one for each axis, or one for each side of each axis.
            full = np.broadcast_to(found[:, None] if found.ndim == 1 else found, (2, 2)).tolist()
            return (full[0][0], full[0][1]), (full[1][0], full[1][1])
    raise WengertValueError(
        f'{name}: padding must be "valid", "same", a non-negative integer, a pair (vertical, '
        f"horizontal) or pairs ((top, bottom), (left, right)); got {padding!r}"
    )


def _same(n: int, span: int, stride: int) -> Pair:
    """TensorFlow's: ceil(n / stride) outputs, and the odd zero at the end."""
    total = max((-(-n // stride) - 1) * stride + span - n, 0)
    return total // 2, total - total // 2
