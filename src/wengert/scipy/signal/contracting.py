"""Convolution along some axes and contraction along others, as `autograd.scipy.signal.convolve`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...core.errors import ShapeError, WengertValueError
from ...numpy.arguments import axes_of, operand

__all__ = ["convolve_along"]

_NAME = "scipy.signal.convolve"
Axes = Sequence[int]


def _pair(argument: str, axes: Any, ranks: tuple[int, int]) -> tuple[tuple[int, ...], ...]:
    if not isinstance(axes, list | tuple) or len(axes) != 2:
        raise WengertValueError(
            f"{_NAME}: {argument} must be a pair (axes of in1, axes of in2), not {axes!r}"
        )
    first, second = (
        tuple(axes_of(tuple(a), ndim, f"convolve({argument})") if len(a) else ())
        for a, ndim in zip(axes, ranks, strict=True)
    )
    if len(first) != len(second):
        raise WengertValueError(
            f"{_NAME}: {argument} must name as many axes of in1 as of in2, not {axes!r}"
        )
    return first, second


def convolve_along(in1: Any, in2: Any, axes: Any, dot_axes: Any, mode: str) -> Any:
    """Convolve along ``axes``, sum products along ``dot_axes``; what is left is an outer product.

    Returns
    -------
    array
        With the other axes of ``in1``, then those of ``in2``, then the convolved ones.

    Raises
    ------
    ShapeError
        For contracted axes of different length, empty convolved ones, or ``mode="valid"`` where
        neither operand contains the other.
    WengertValueError
        For another mode than ``"full"`` and ``"valid"``, or axes that are no pair of lists of the
        same length, or named twice.
    """
    a, b = operand(in1), operand(in2)
    ranks = (a.ndim, b.ndim)
    dot_a, dot_b = _pair("dot_axes", ((), ()) if dot_axes is None else dot_axes, ranks)
    conv_a, conv_b = _pair("axes", (range(a.ndim), range(b.ndim)) if axes is None else axes, ranks)
    if {*dot_a} & {*conv_a} or {*dot_b} & {*conv_b}:
        raise WengertValueError(f"{_NAME}: an axis is both in axes and in dot_axes")
    if mode not in ("full", "valid"):
        raise WengertValueError(
            f"{_NAME}: with axes or dot_axes mode must be 'full' or 'valid', not {mode!r}"
        )
    lengths = [(a.shape[i], b.shape[j]) for i, j in zip(conv_a, conv_b, strict=True)]
    if any(a.shape[i] != b.shape[j] for i, j in zip(dot_a, dot_b, strict=True)) or not all(
        n and k for n, k in lengths
    ):
        raise ShapeError(
            f"{_NAME}: dot_axes {(dot_a, dot_b)} must have the same lengths, and axes "
            f"{(conv_a, conv_b)} must not be empty; the shapes are {a.shape} and {b.shape}"
        )
    if mode == "full":
        padding = [(0, 0)] * a.ndim
        for i, (_, k) in zip(conv_a, lengths, strict=True):
            padding[i] = (k - 1, k - 1)
        a = np.pad(a, padding) if a.ndim else a
    elif not all(n >= k for n, k in lengths):
        if not all(k >= n for n, k in lengths):
            raise ShapeError(
                f"{_NAME}: for mode 'valid' one operand must be at least as long as the other "
                f"along all of axes; the shapes are {a.shape} and {b.shape}"
            )
        y = _windowed(b, a, conv_b, conv_a, dot_b, dot_a)
        others = (b.ndim - len(conv_b) - len(dot_b), a.ndim - len(conv_a) - len(dot_a))
        first = range(others[0], sum(others))
        return np.transpose(y, [*first, *range(others[0]), *range(sum(others), y.ndim)])
    return _windowed(a, b, conv_a, conv_b, dot_a, dot_b)


def _windowed(a: Any, b: Any, conv_a: Axes, conv_b: Axes, dot_a: Axes, dot_b: Axes) -> Any:
    """The part where the windows of ``a`` are whole: a product of matrices."""
    sizes = tuple(b.shape[j] for j in conv_b)
    windows = np.lib.stride_tricks.sliding_window_view(a, sizes, tuple(conv_a)) if sizes else a
    inside = range(a.ndim, a.ndim + len(sizes))
    reverse = np.flip(b, tuple(conv_b)) if sizes else b
    y = np.tensordot(windows, reverse, ([*dot_a, *inside], [*dot_b, *conv_b]))
    left = [i for i in range(a.ndim) if i not in dot_a]
    places = [left.index(i) for i in conv_a]
    return np.transpose(y, [*(i for i in range(y.ndim) if i not in places), *places])
