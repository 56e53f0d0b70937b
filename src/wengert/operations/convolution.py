"""Two-dimensional convolution."""

from __future__ import annotations

from typing import Any

from ..core.errors import ShapeError, WengertTypeError, WengertValueError
from ..numpy.arguments import operand
from ..rules.convolution import conv2d as _conv2d
from ..rules.windows import output_size
from .arguments import images, padding_of, pair

__all__ = ["conv2d"]


def conv2d(
    x: Any,
    kernel: Any,
    bias: Any = None,
    *,
    stride: Any = 1,
    padding: Any = "valid",
    dilation: Any = 1,
    groups: int = 1,
) -> Any:
    """Convolution of images with a kernel, as networks define it: the kernel is not turned.

    ``y[n, i, j, q] = bias[q] + sum x[n, i s + a d - p, j s + b d - p, c] kernel[a, b, c, q]``,
    summed over places a, b of the kernel and the channels c of the output's group, with stride s,
    dilation d, and p zeros in front.

    Parameters
    ----------
    x : array, shape (n, height, width, channels)
        Channels last; `from_nchw` converts. float32, float64 or complex.
    kernel : array, shape (kernel_height, kernel_width, channels / groups, outputs)
        `kernel_from_oihw` converts PyTorch's.
    bias : array, shape (outputs,), optional
    stride, dilation : int or (int, int)
        For height and width.
    padding : int, (int, int), ((int, int), (int, int)), "valid" or "same"
        Zeros around the images: on all sides, (above and below, left and right), or ((top, bottom),
        (left, right)). "valid" adds none. "same" is TensorFlow's: the output has ``ceil(size /
        stride)`` places, and where the number of zeros is odd, the last one is at the bottom and on
        the right. (PyTorch's networks with stride 2 use symmetric padding: give the number.)
    groups : int
        The channels and the outputs are divided, in order, into this many groups, and outputs see
        the channels of their group only. With one channel in each group the convolution is
        depthwise.

    Returns
    -------
    array, shape (n, out_height, out_width, outputs)
        ``out = (size + padding - dilation (kernel - 1) - 1) // stride + 1``.

    Raises
    ------
    wengert.ShapeError
        If ranks or channels do not fit, or the kernel is larger than the padded images.
    wengert.WengertValueError
        If an option is not what it should be.
    wengert.WengertTypeError
        For images or kernels of integers.

    Notes
    -----
    Linear in ``x`` and in ``kernel``; derivatives by either are again convolutions.

    Examples
    --------
    >>> import numpy as np
    >>> from wengert import nn
    >>> x = np.arange(9.0).reshape(1, 3, 3, 1)
    >>> nn.conv2d(x, np.ones((2, 2, 1, 1)))[0, :, :, 0]
    array([[ 8., 12.],
           [20., 24.]])
    """
    x = images("conv2d", x)
    kernel = operand(kernel)
    groups = _check_operands(x, kernel, groups)
    stride, dilation = pair("conv2d", "stride", stride), pair("conv2d", "dilation", dilation)
    size, window = tuple(x.shape[1:3]), tuple(kernel.shape[:2])
    pads = padding_of("conv2d", padding, size, window, stride, dilation)
    output_size("conv2d", size, window, stride, pads, dilation)  # raises if there is no output
    y = _conv2d(x, kernel, stride=stride, padding=pads, dilation=dilation, groups=groups)
    if bias is None:
        return y
    bias = operand(bias)
    if tuple(bias.shape) != (kernel.shape[3],):
        raise ShapeError(
            f"conv2d: bias must have shape ({kernel.shape[3]},), one number for each output of the "
            f"kernel {tuple(kernel.shape)}; got {tuple(bias.shape)}"
        )
    return y + bias


def _check_operands(x: Any, kernel: Any, groups: Any) -> int:
    """The number of groups, if images and kernel fit."""
    if kernel.ndim != 4 or 0 in kernel.shape:
        raise ShapeError(
            "conv2d: expected a kernel of shape (height, width, channels / groups, outputs), none "
            f"of them 0; got shape {tuple(kernel.shape)}"
        )
    if kernel.dtype.kind not in "fc":
        raise WengertTypeError(
            f"conv2d: expected a kernel of a floating type, got {kernel.dtype}; cast it: "
            "kernel.astype(np.float32)"
        )
    if not hasattr(groups, "__index__") or isinstance(groups, bool) or groups < 1:
        raise WengertValueError(f"conv2d: groups must be a positive integer, got {groups!r}")
    g = int(groups)
    channels, (c, outputs) = x.shape[3], kernel.shape[2:]
    if c * g != channels:
        raise ShapeError(
            f"conv2d: images of shape {tuple(x.shape)} have {channels} channels, but a kernel of "
            f"shape {tuple(kernel.shape)} with groups={g} needs {c * g}"
            + _layout_hint(x, kernel, g)
        )
    if outputs % g:
        raise ShapeError(
            f"conv2d: groups={g} does not divide the {outputs} outputs of the kernel "
            f"{tuple(kernel.shape)}"
        )
    return g


def _layout_hint(x: Any, kernel: Any, groups: int) -> str:
    """What is probably meant, where another memory layout would fit."""
    if kernel.shape[2] * groups == x.shape[1]:
        return (
            f". Axis 1 of the images has length {x.shape[1]}: if they are (n, channels, height, "
            "width), convert them with nn.from_nchw(x)"
        )
    channels_of_oihw = kernel.shape[1] * groups
    if channels_of_oihw in (x.shape[3], x.shape[1]):
        also = "" if x.shape[3] == channels_of_oihw else " and the images with nn.from_nchw(x)"
        return (
            ". If the kernel is (outputs, channels, height, width), convert it with "
            f"nn.kernel_from_oihw(kernel){also}"
        )
    if x.shape[3] % groups:
        return f"; groups={groups} does not divide {x.shape[3]} channels"
    return ""
