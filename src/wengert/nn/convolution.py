"""Layers on images (n, height, width, channels)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

import wengert as wg
from wengert.nn import init
from wengert.nn.module import Module
from wengert.operations import avg_pool2d, conv2d, max_pool2d
from wengert.operations.arguments import padding_of, pair

__all__ = ["AvgPool2d", "Conv2d", "DepthwiseConv2d", "Flatten", "GlobalAvgPool2d", "MaxPool2d"]

Pair = tuple[int, int]
Size = int | Pair
Padding = str | int | Pair | tuple[Pair, Pair]


class Conv2d(Module):
    """Convolution with a trained kernel; see `wengert.nn.conv2d`.

    Parameters
    ----------
    in_channels, out_channels : int
    window : int or (int, int)
        Height and width of the kernel.
    rng : numpy.random.Generator
        Draws the initial kernel.
    stride, dilation : int or (int, int)
    padding : int, (int, int), ((int, int), (int, int)), "valid" or "same"
        "same" is TensorFlow's, asymmetric where it must be.
    groups : int
        Divides both numbers of channels; with ``groups=in_channels`` the convolution is depthwise.
    bias : bool
        Whether there is a bias, initially zero.
    init : callable
        Initial kernel; see `wengert.nn.init`.
    dtype : dtype
        float32 or float64.

    Attributes
    ----------
    kernel : ndarray, shape (height, width, in_channels / groups, out_channels)
        PyTorch's layout is converted by `wengert.nn.kernel_from_oihw`.
    bias : ndarray, shape (out_channels,), or None

    Raises
    ------
    wengert.WengertValueError
        If a size is not a positive integer, or the groups do not divide the channels.
    wengert.WengertTypeError
        If ``dtype`` is not a floating type.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        window: Size,
        *,
        rng: np.random.Generator,
        stride: Size = 1,
        padding: Padding = "valid",
        dilation: Size = 1,
        groups: int = 1,
        bias: bool = True,
        init: init.Initializer = init.he_normal,
        dtype: DTypeLike = np.float32,
    ) -> None:
        name = type(self).__name__
        sizes = {"in_channels": in_channels, "out_channels": out_channels, "groups": groups}
        for argument, n in sizes.items():
            if not isinstance(n, (int, np.integer)) or isinstance(n, bool) or n < 1:
                raise wg.WengertValueError(
                    f"{name}: {argument} must be a positive integer, got {n!r}"
                )
        if in_channels % groups or out_channels % groups:
            raise wg.WengertValueError(
                f"{name}: groups={groups} must divide in_channels={in_channels} and "
                f"out_channels={out_channels}"
            )
        if not np.issubdtype(dtype, np.inexact):
            raise wg.WengertTypeError(
                f"{name}: dtype must be a floating type, got {np.dtype(dtype)}"
            )
        height, width = pair(name, "window", window)
        self.stride = pair(name, "stride", stride)
        self.padding = _checked_padding(name, padding, (height, width), self.stride)
        self.dilation = pair(name, "dilation", dilation)
        self.groups = int(groups)
        shape = (height, width, int(in_channels // groups), int(out_channels))
        self.kernel = init(rng, shape, dtype)
        self.bias = np.zeros(out_channels, dtype) if bias else None

    def __call__(self, x: Any) -> Any:
        """The convolution of ``x``.

        Parameters
        ----------
        x : array, shape (n, height, width, in_channels)

        Returns
        -------
        array, shape (n, out_height, out_width, out_channels)

        Raises
        ------
        wengert.ShapeError
            If ``x`` does not fit.
        """
        return conv2d(
            x,
            self.kernel,
            self.bias,
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            groups=self.groups,
        )

    def __repr__(self) -> str:
        height, width, c, outputs = self.kernel.shape
        options = [
            f", {key}={value!r}"
            for key, value, usual in (
                ("stride", self.stride, (1, 1)),
                ("padding", self.padding, "valid"),
                ("dilation", self.dilation, (1, 1)),
                ("groups", self.groups, 1),
                ("bias", self.bias is not None, True),
            )
            if value != usual
        ]
        return f"Conv2d({c * self.groups}, {outputs}, {(height, width)}{''.join(options)})"


class DepthwiseConv2d(Conv2d):
    """Convolution of every channel with kernels of its own.

    Parameters
    ----------
    channels : int
    window : int or (int, int)
        Height and width of the kernels.
    multiplier : int
        How many outputs each channel has.
    **options :
        Those of `Conv2d`: ``rng``, ``stride``, ``padding``, ``dilation``, ``bias``, ``init``,
        ``dtype``.

    Attributes
    ----------
    kernel : ndarray, shape (height, width, 1, channels * multiplier)
        The outputs of one channel are neighbours.
    """

    def __init__(
        self,
        channels: int,
        window: Size,
        *,
        rng: np.random.Generator,
        multiplier: int = 1,
        **options: Any,
    ) -> None:
        if not isinstance(multiplier, (int, np.integer)) or multiplier < 1:
            raise wg.WengertValueError(
                f"DepthwiseConv2d: multiplier must be a positive integer, got {multiplier!r}"
            )
        super().__init__(
            channels, channels * multiplier, window, rng=rng, groups=channels, **options
        )


class _Pool2d(Module):
    """What the poolings share: windows of a fixed geometry."""

    def __init__(
        self, window: Size, *, stride: Size | None = None, padding: Padding = "valid"
    ) -> None:
        name = type(self).__name__
        self.window = pair(name, "window", window)
        self.stride = self.window if stride is None else pair(name, "stride", stride)
        self.padding = _checked_padding(name, padding, self.window, self.stride)

    def __call__(self, x: Any) -> Any:
        raise NotImplementedError

    def __repr__(self) -> str:
        stride = f", stride={self.stride}" if self.stride != self.window else ""
        padding = f", padding={self.padding!r}" if self.padding != "valid" else ""
        return f"{type(self).__name__}({self.window}{stride}{padding})"


class MaxPool2d(_Pool2d):
    """The maximum of every window; see `wengert.nn.max_pool2d`.

    Parameters
    ----------
    window : int or (int, int)
    stride : int or (int, int), optional
        By default windows do not overlap.
    padding : int, (int, int), ((int, int), (int, int)), "valid" or "same"
    """

    def __call__(self, x: Any) -> Any:
        """The maxima of ``x``, (n, height, width, channels) to (n, out_height, out_width, c)."""
        return max_pool2d(x, self.window, stride=self.stride, padding=self.padding)


class AvgPool2d(_Pool2d):
    """The mean of every window; see `wengert.nn.avg_pool2d`.

    Parameters
    ----------
    window : int or (int, int)
    stride : int or (int, int), optional
        By default windows do not overlap.
    padding : int, (int, int), ((int, int), (int, int)), "valid" or "same"
    count_include_pad : bool
        Whether the zeros of the padding count as elements.
    """

    def __init__(
        self,
        window: Size,
        *,
        stride: Size | None = None,
        padding: Padding = "valid",
        count_include_pad: bool = True,
    ) -> None:
        self.count_include_pad = bool(count_include_pad)
        super().__init__(window, stride=stride, padding=padding)

    def __call__(self, x: Any) -> Any:
        """The means of ``x``, (n, height, width, channels) to (n, out_height, out_width, c)."""
        return avg_pool2d(
            x,
            self.window,
            stride=self.stride,
            padding=self.padding,
            count_include_pad=self.count_include_pad,
        )


class GlobalAvgPool2d(Module):
    """The mean over height and width: (n, height, width, channels) to (n, channels)."""

    def __call__(self, x: Any) -> Any:
        """The means of ``x``."""
        if np.ndim(x) != 4:
            raise wg.ShapeError(
                "GlobalAvgPool2d: expected images of shape (n, height, width, channels), got "
                f"shape {np.shape(x)}"
            )
        return np.mean(x, axis=(1, 2))


class Flatten(Module):
    """All axes but the first as one: (n, ...) to (n, features).

    Images become rows of pixels, channels varying fastest; a `Linear` after it that was trained on
    PyTorch's order (channels slowest) needs its weights permuted.
    """

    def __call__(self, x: Any) -> Any:
        """The rows of ``x``."""
        if np.ndim(x) < 2:
            raise wg.ShapeError(
                f"Flatten: expected an array with a batch axis, got shape {np.shape(x)}"
            )
        return np.reshape(x, (x.shape[0], int(np.prod(x.shape[1:]))))


def _checked_padding(name: str, padding: Any, window: Pair, stride: Pair) -> Any:
    """Padding as it was given, but hashable: it belongs to a module's structure."""
    size = (2**30, 2**30)  # that of the images is not known yet
    padding_of(name, padding, size, window, stride)
    return _static(padding)


def _static(padding: Any) -> Any:
    if isinstance(padding, (list, tuple, np.ndarray)):
        return tuple([_static(p) for p in padding])
    return padding
