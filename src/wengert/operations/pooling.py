"""Maxima and means over windows of images."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.errors import ShapeError, WengertValueError
from ..rules import pooling
from ..rules.windows import Padding, Pair, output_size, reach
from .arguments import images, padding_of, pair

__all__ = ["avg_pool2d", "max_pool2d"]


def max_pool2d(x: Any, window: Any, *, stride: Any = None, padding: Any = "valid") -> Any:
    """The maximum of every window of images, channel by channel.

    Parameters
    ----------
    x : array, shape (n, height, width, channels)
        float32 or float64.
    window : int or (int, int)
        Its height and width.
    stride : int or (int, int), optional
        The step from window to window; by default they do not overlap: ``window``.
    padding : int, (int, int), ((int, int), (int, int)), "valid" or "same"
        As for `conv2d`. What lies outside of the image takes no part in the maximum.

    Returns
    -------
    array, shape (n, out_height, out_width, channels)
        ``out = (size + padding - window) // stride + 1``; NaN where the window has a NaN.

    Raises
    ------
    wengert.ShapeError
        If ``x`` has another rank or no pixels, or the window is larger than the padded images.
    wengert.WengertValueError
        If an option is not what it should be, or the padding as wide as the window.
    wengert.WengertTypeError
        For images of integers or complex numbers.

    Notes
    -----
    Where several elements of a window are its maximum, they share the gradient evenly.

    Examples
    --------
    >>> import numpy as np
    >>> from wengert import nn
    >>> nn.max_pool2d(np.arange(16.0).reshape(1, 4, 4, 1), 2)[0, :, :, 0]
    array([[ 5.,  7.],
           [13., 15.]])
    """
    x = images("max_pool2d", x, "f")
    return pooling.max_pool2d(x, **_geometry("max_pool2d", x, window, stride, padding))


def avg_pool2d(
    x: Any,
    window: Any,
    *,
    stride: Any = None,
    padding: Any = "valid",
    count_include_pad: bool = True,
) -> Any:
    """The mean of every window of images, channel by channel.

    Parameters
    ----------
    x : array, shape (n, height, width, channels)
        float32, float64 or complex.
    window, stride, padding :
        As for `max_pool2d`.
    count_include_pad : bool
        Whether zeros of the padding count as elements, as PyTorch has it by default; with False,
        the mean is over the elements inside the image alone, as TensorFlow has it.

    Returns
    -------
    array, shape (n, out_height, out_width, channels)

    Raises
    ------
    wengert.ShapeError, wengert.WengertValueError, wengert.WengertTypeError
        As `max_pool2d`.
    """
    x = images("avg_pool2d", x)
    geometry = _geometry("avg_pool2d", x, window, stride, padding)
    total = pooling.window_sum2d(x, **geometry)
    height, width = geometry["window"]
    if count_include_pad or not any(map(any, geometry["padding"])):
        return total / (height * width)
    return total / _counts(tuple(x.shape[1:3]), x.real.dtype, **geometry)


def _geometry(name: str, x: Any, window: Any, stride: Any, padding: Any) -> dict[str, Any]:
    size = tuple(x.shape[1:3])
    if 0 in size:
        raise ShapeError(f"{name}: images of shape {tuple(x.shape)} have no pixels")
    k = pair(name, "window", window)
    s = k if stride is None else pair(name, "stride", stride)
    p = padding_of(name, padding, size, k, s)
    for side, width, pads in zip(("height", "width"), k, p, strict=True):
        if max(pads) >= width:
            raise WengertValueError(
                f"{name}: padding {pads} must be less than the window's {side} {width}: a window "
                "would lie outside of the image"
            )
    output_size(name, size, k, s, p)  # raises if there is no output
    return {"window": k, "stride": s, "padding": p}


def _counts(size: Pair, dtype: Any, window: Pair, stride: Pair, padding: Padding) -> Any:
    """How many elements of each window are inside the image, (out_height, out_width, 1)."""
    out = output_size("avg_pool2d", size, window, stride, padding)
    along = []
    for n, m, k, s, p in zip(size, out, window, stride, padding, strict=True):
        count = np.zeros(m, dtype)
        for i in range(k):
            count[reach(n, m, i, s, p[0])[0]] += 1
        along.append(count)
    return np.outer(*along)[..., np.newaxis]
