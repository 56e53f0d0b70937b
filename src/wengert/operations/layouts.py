"""Conversions between memory layouts.

Here images are (n, height, width, channels), "NHWC", and kernels (height, width, channels,
outputs), "HWIO": the channels of a pixel are neighbours, so that a window's rows are contiguous, a
pointwise convolution is a product of matrices as it stands, and a depthwise one runs along memory.
PyTorch has NCHW and OIHW.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.errors import ShapeError
from ..numpy.arguments import operand

__all__ = ["from_nchw", "kernel_from_oihw", "kernel_to_oihw", "to_nchw"]


def from_nchw(x: Any) -> Any:
    """Images (n, channels, height, width) as (n, height, width, channels), copied."""
    return _permuted("from_nchw", x, (0, 2, 3, 1), "(n, channels, height, width)")


def to_nchw(x: Any) -> Any:
    """Images (n, height, width, channels) as (n, channels, height, width), copied."""
    return _permuted("to_nchw", x, (0, 3, 1, 2), "(n, height, width, channels)")


def kernel_from_oihw(kernel: Any) -> Any:
    """A kernel (outputs, channels / groups, height, width), PyTorch's layout, as `conv2d` takes it.

    Returns
    -------
    array, shape (height, width, channels / groups, outputs)
        A copy.
    """
    return _permuted(
        "kernel_from_oihw", kernel, (2, 3, 1, 0), "(outputs, channels / groups, height, width)"
    )


def kernel_to_oihw(kernel: Any) -> Any:
    """The inverse of `kernel_from_oihw`."""
    return _permuted(
        "kernel_to_oihw", kernel, (3, 2, 0, 1), "(height, width, channels / groups, outputs)"
    )


def _permuted(name: str, x: Any, axes: tuple[int, ...], expected: str) -> Any:
    x = operand(x)
    if x.ndim != 4:
        raise ShapeError(f"{name}: expected an array {expected}, got shape {tuple(x.shape)}")
    return np.copy(np.transpose(x, axes), order="C")
