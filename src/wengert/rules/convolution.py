"""Convolution of images (n, height, width, channels) with kernels, and its two transposes.

The cotangent ``g`` of a convolution ``y = x * w``, paired with a tangent, is a form that is linear
in each of its three arguments,

    T(x, w, g) = sum g[n, o, q] x[n, o s + k d - p, c] w[k, c, q]

over images n, places o of the output, places k of the window, channels c and q (within a group).
The three primitives here are its partial gradients: `conv2d` by g, `conv2d_input` by x,
`conv2d_kernel` by w. Each is linear in its two operands, and the transposes of any of them are the
other two: the three are closed under differentiation, to every order. V. Dumoulin, F. Visin, A
guide to convolution arithmetic for deep learning, arXiv:1603.07285, derives the two transposes.

Batching needs no loop either. A batch axis of the images joins n. One of the kernel joins the
channels that only the kernel and the result have. If two operands have it, every example becomes a
group of its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.bind import bind
from ..core.errors import ShapeError
from ..core.primitive import Primitive
from .batching import shape_of
from .convolution_evaluation import convolve, convolve_input, convolve_kernel
from .shapes import reshape, transpose
from .windows import Padding, Pair, output_size

__all__ = [
    "conv2d",
    "conv2d_input",
    "conv2d_input_p",
    "conv2d_kernel",
    "conv2d_kernel_p",
    "conv2d_p",
]

Shape = tuple[tuple[int, ...], Any]


# ------------------------------------------------------------------ the functions


def conv2d(x: Any, w: Any, **params: Any) -> Any:
    """The convolution of images (n, h, w, groups c) with a kernel (kh, kw, c, groups o)."""
    return bind(conv2d_p, (x, w), params)


def conv2d_input(ct: Any, w: Any, **params: Any) -> Any:
    """Its transpose by the images, of height and width ``image``."""
    return bind(conv2d_input_p, (ct, w), params)


def conv2d_kernel(x: Any, ct: Any, **params: Any) -> Any:
    """Its transpose by the kernel, of height and width ``window``."""
    return bind(conv2d_kernel_p, (x, ct), params)


# ------------------------------------------------------------------ shapes


def _check(name: str, channels: int, c: int, outputs: int, groups: int) -> None:
    if channels != c * groups or outputs % groups:
        raise ShapeError(
            f"{name}: {channels} channels and a kernel of {c} channels and {outputs} outputs do "
            f"not fit with groups={groups}"
        )


def _dtype(x: Any, y: Any) -> Any:
    return np.result_type(x.dtype, y.dtype)


def _conv2d_shape(
    x: Any, w: Any, stride: Pair, padding: Padding, dilation: Pair, groups: int
) -> Shape:
    (n, height, width, channels), (kh, kw, c, outputs) = shape_of(x), shape_of(w)
    _check("conv2d", channels, c, outputs, groups)
    out = output_size("conv2d", (height, width), (kh, kw), stride, padding, dilation)
    return (n, *out, outputs), _dtype(x, w)


def _input_shape(
    ct: Any, w: Any, stride: Pair, padding: Padding, dilation: Pair, groups: int, image: Pair
) -> Shape:
    kh, kw, c, outputs = shape_of(w)
    n, *out, o = shape_of(ct)
    expected = output_size("conv2d_input", image, (kh, kw), stride, padding, dilation)
    if o != outputs or tuple(out) != expected:
        raise ShapeError(
            f"conv2d_input: expected a cotangent of shape {(n, *expected, outputs)}, got "
            f"{shape_of(ct)}"
        )
    return (n, *image, c * groups), _dtype(ct, w)


def _kernel_shape(
    x: Any, ct: Any, stride: Pair, padding: Padding, dilation: Pair, groups: int, window: Pair
) -> Shape:
    n, height, width, channels = shape_of(x)
    outputs = shape_of(ct)[3]
    _check("conv2d_kernel", channels, channels // groups, outputs, groups)
    out = output_size("conv2d_kernel", (height, width), window, stride, padding, dilation)
    if shape_of(ct)[:3] != (n, *out):
        raise ShapeError(
            f"conv2d_kernel: expected a cotangent of shape {(n, *out, outputs)}, got {shape_of(ct)}"
        )
    return (*window, channels // groups, outputs), _dtype(x, ct)


# ------------------------------------------------------------------ moving the batch axis
# Of arrays with four axes and a batch axis of length b in front.


def _join_images(x: Any) -> Any:
    """(b, n, h, w, c) to (b n, h, w, c)."""
    b, n, *rest = shape_of(x)
    return reshape(x, (b * n, *rest))


def _split_images(x: Any, b: int) -> Any:
    n, *rest = shape_of(x)
    return reshape(x, (b, n // b, *rest))


def _join_groups(x: Any) -> Any:
    """(b, p, q, r, c) to (p, q, r, b c): each example is a group, or several."""
    b, p, q, r, c = shape_of(x)
    return reshape(transpose(x, (1, 2, 3, 0, 4)), (p, q, r, b * c))


def _split_groups(x: Any, b: int) -> Any:
    p, q, r, c = shape_of(x)
    return transpose(reshape(x, (p, q, r, b, c // b)), (3, 0, 1, 2, 4))


def _join_outputs(x: Any, groups: int) -> Any:
    """(b, p, q, r, groups o) to (p, q, r, groups b o): more outputs in each group."""
    b, p, q, r, c = shape_of(x)
    x = reshape(x, (b, p, q, r, groups, c // groups))
    return reshape(transpose(x, (1, 2, 3, 4, 0, 5)), (p, q, r, b * c))


def _split_outputs(x: Any, b: int, groups: int) -> Any:
    p, q, r, c = shape_of(x)
    x = transpose(reshape(x, (p, q, r, groups, b, c // (groups * b))), (4, 0, 1, 2, 3, 5))
    return reshape(x, (b, p, q, r, c // b))


def _join_inputs(w: Any) -> Any:
    """(b, kh, kw, c, o) to (kh, kw, b c, o): more channels of a group."""
    b, kh, kw, c, o = shape_of(w)
    return reshape(transpose(w, (1, 2, 0, 3, 4)), (kh, kw, b * c, o))


def _split_inputs(w: Any, b: int) -> Any:
    kh, kw, c, o = shape_of(w)
    return transpose(reshape(w, (kh, kw, b, c // b, o)), (2, 0, 1, 3, 4))


# ------------------------------------------------------------------ batching


def _conv2d_batch(args: Any, batched: Any, size: int, groups: int, **params: Any) -> Any:
    x, w = args
    if batched == (True, False):
        return _split_images(conv2d(_join_images(x), w, groups=groups, **params), size)
    if batched == (False, True):
        y = conv2d(x, _join_outputs(w, groups), groups=groups, **params)
        return _split_outputs(y, size, groups)
    y = conv2d(_join_groups(x), _join_groups(w), groups=size * groups, **params)
    return _split_groups(y, size)


def _input_batch(args: Any, batched: Any, size: int, groups: int, **params: Any) -> Any:
    ct, w = args
    if batched == (True, False):
        return _split_images(conv2d_input(_join_images(ct), w, groups=groups, **params), size)
    if batched == (False, True):
        x = conv2d_input(ct, _join_inputs(w), groups=groups, **params)
        return _split_outputs(x, size, groups)
    x = conv2d_input(_join_groups(ct), _join_groups(w), groups=size * groups, **params)
    return _split_groups(x, size)


def _kernel_batch(args: Any, batched: Any, size: int, groups: int, **params: Any) -> Any:
    x, ct = args
    if batched == (True, False):
        w = conv2d_kernel(_join_outputs(x, groups), ct, groups=groups, **params)
        return _split_inputs(w, size)
    if batched == (False, True):
        w = conv2d_kernel(x, _join_outputs(ct, groups), groups=groups, **params)
        return _split_outputs(w, size, groups)
    w = conv2d_kernel(_join_groups(x), _join_groups(ct), groups=size * groups, **params)
    return _split_groups(w, size)


# ------------------------------------------------------------------ records


def _size(x: Any) -> Pair:
    _, height, width, _ = shape_of(x)
    return height, width


def _window(w: Any) -> Pair:
    return shape_of(w)[0], shape_of(w)[1]


def _dense(*operands: Any, **params: Any) -> bool:
    """The results are always C-contiguous."""
    return True


conv2d_p: Primitive = Primitive(
    "conv2d",
    convolve,
    _conv2d_shape,
    _conv2d_batch,
    multilinear=(0, 1),
    transpose=(
        lambda ct, ins, out, **params: conv2d_input(ct, ins[1], image=_size(ins[0]), **params),
        lambda ct, ins, out, **params: conv2d_kernel(ins[0], ct, window=_window(ins[1]), **params),
    ),
    show="conv2d({0}, {1})",
    lower="conv2d",
    contiguous=_dense,
    needs_out=False,
)

conv2d_input_p: Primitive = Primitive(
    "conv2d_input",
    convolve_input,
    _input_shape,
    _input_batch,
    multilinear=(0, 1),
    transpose=(
        lambda ct, ins, out, image, **params: conv2d(ct, ins[1], **params),
        lambda ct, ins, out, image, **params: conv2d_kernel(
            ct, ins[0], window=_window(ins[1]), **params
        ),
    ),
    show="conv2d_input({0}, {1})",
    lower="conv2d_input",
    contiguous=_dense,
    needs_out=False,
)

conv2d_kernel_p: Primitive = Primitive(
    "conv2d_kernel",
    convolve_kernel,
    _kernel_shape,
    _kernel_batch,
    multilinear=(0, 1),
    transpose=(
        lambda ct, ins, out, window, **params: conv2d_input(
            ins[1], ct, image=_size(ins[0]), **params
        ),
        lambda ct, ins, out, window, **params: conv2d(ins[0], ct, **params),
    ),
    show="conv2d_kernel({0}, {1})",
    lower="conv2d_kernel",
    contiguous=_dense,
    needs_out=False,
)
