"""Images in another size."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import ShapeError, WengertValueError
from ..rules.contractions import matmul
from ..rules.shapes import reshape
from .arguments import images, pair

__all__ = ["resize"]


def _triangle(t: Any) -> Any:
    return np.maximum(1 - np.abs(t), 0)


def _cubic(t: Any) -> Any:
    """R. Keys, Cubic convolution interpolation for digital image processing, 1981; a = -1/2."""
    t = np.abs(t)
    inner = (1.5 * t - 2.5) * t * t + 1
    outer = ((-0.5 * t + 2.5) * t - 4) * t + 2
    return np.where(t < 1, inner, np.where(t < 2, outer, 0))


_FILTERS: dict[str, Callable[[Any], Any]] = {
    "bilinear": _triangle,
    "bicubic": _cubic,
}


def resize(x: Any, size: Any, method: str = "bilinear", *, antialias: bool = True) -> Any:
    """Images in another height and width.

    Parameters
    ----------
    x : array, shape (n, height, width, channels)
        float32, float64 or complex; for "nearest" any dtype.
    size : int or (int, int)
        The new height and width.
    method : {"bilinear", "bicubic", "nearest"}
    antialias : bool
        When an image becomes smaller, widen the filter so that every pixel has its part in the
        result, as Pillow, JAX, and PyTorch with ``antialias=True`` do; without it pixels between
        the samples are skipped. It makes no difference to enlarging, nor to "nearest".

    Returns
    -------
    array, shape (n, *size, channels)

    Raises
    ------
    wengert.ShapeError
        If ``x`` has another rank, or no pixels.
    wengert.WengertValueError
        For an unknown method, or a size that is not positive.
    wengert.WengertTypeError
        For integers, unless ``method`` is "nearest".

    Notes
    -----
    Pixels are squares, and the squares of the whole image are mapped to each other: the centre of
    output pixel i is at ``(i + 1/2) n / m - 1/2`` in the input. PyTorch calls that
    ``align_corners=False`` ("nearest" is its "nearest-exact"); there is no other convention here.
    At the border the filter's weights inside the image are scaled to a sum of one. Linear in ``x``:
    a matrix along the height and one along the width.

    Examples
    --------
    >>> import numpy as np
    >>> from wengert import nn
    >>> nn.resize(np.array([0.0, 1.0]).reshape(1, 1, 2, 1), (1, 4)).ravel()
    array([0.  , 0.25, 0.75, 1.  ])
    """
    if method not in ("nearest", *_FILTERS):
        known = ", ".join(sorted(["nearest", *_FILTERS]))
        raise WengertValueError(f"resize: there is no method {method!r}; there are {known}")
    x = images("resize", x, "fc" if method in _FILTERS else "biufc")
    n, height, width, channels = x.shape
    new = pair("resize", "size", size)
    if 0 in (height, width):
        raise ShapeError(f"resize: images of shape {tuple(x.shape)} have no pixels")
    if method == "nearest":
        rows, columns = _nearest(height, new[0]), _nearest(width, new[1])
        return x[:, rows[:, np.newaxis], columns]
    down = _weights(height, new[0], method, bool(antialias), x.real.dtype.str)
    across = _weights(width, new[1], method, bool(antialias), x.real.dtype.str)
    y = matmul(down, reshape(x, (n, height, width * channels)))
    y = matmul(across, reshape(y, (n * new[0], width, channels)))
    return reshape(y, (n, *new, channels))


def _centres(n: int, m: int) -> NDArray[Any]:
    return (np.arange(m) + 0.5) * (n / m) - 0.5


def _nearest(n: int, m: int) -> NDArray[Any]:
    return (np.arange(m) * 2 + 1) * n // (2 * m)


@lru_cache(64)
def _weights(n: int, m: int, method: str, antialias: bool, dtype: str) -> Any:
    """The matrix (m, n) that resizes along an axis; read-only, so that it may be shared."""
    width = max(n / m, 1.0) if antialias else 1.0
    weights = _FILTERS[method]((np.arange(n) - _centres(n, m)[:, np.newaxis]) / width)
    weights = (weights / weights.sum(axis=1, keepdims=True)).astype(dtype)
    weights.flags.writeable = False
    return weights
