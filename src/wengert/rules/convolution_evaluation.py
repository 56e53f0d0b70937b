"""Convolution and its two transposes on plain arrays, as products of matrices.

Images are (n, height, width, channels), kernels (height, width, channels of a group, outputs). The
windows of the input are gathered into matrices (windows, entries of a window), a block that fits
the cache at a time, for BLAS to multiply. A kernel of size one needs no gathering. With one channel
in and out of each group there is nothing to multiply as matrices: such a depthwise convolution
adds up the places of the window, each a product of whole rows.

`gather` has two layouts, since a copy is as fast as its innermost run is long: windows by entries,
with runs of ``width * channels`` of the kernel; or, for few channels, entries by windows, with
runs of a row of the output. Measured: 3 x 3 windows of 64 images 28 x 28 of one channel take 0.3
instead of 1.0 ms with their product.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from .windows import Padding, Pair, blocks, extent, output_size, padded, reach, windows_of

__all__ = ["convolve", "convolve_input", "convolve_kernel"]

FEW_CHANNELS = 4
# A depthwise convolution reads each block kernel.size times: it must stay in the first caches.
DEPTHWISE_BYTES = 2**17


def _cast(x: Any, y: Any) -> tuple[Any, Any]:
    dtype = np.result_type(x, y)
    return x.astype(dtype, copy=False), y.astype(dtype, copy=False)


def _is_depthwise(channels: int, outputs: int, groups: int) -> bool:
    return channels == outputs == groups


def gather(v: Any, groups: int) -> Any:
    """Windows (b, r, w, kh, kw, channels) as matrices (groups, b r w, kh kw channels / groups)."""
    b, r, w, kh, kw, channels = v.shape
    c = channels // groups
    v = v.reshape(b, r, w, kh, kw, groups, c) if groups > 1 else v[..., None, :]
    m, k = b * r * w, kh * kw * c
    if c <= FEW_CHANNELS and k > c:
        return v.transpose(5, 3, 4, 6, 0, 1, 2).reshape(groups, k, m).swapaxes(1, 2)
    return v.transpose(5, 0, 1, 2, 3, 4, 6).reshape(groups, m, k)


def _split_groups(y: Any, groups: int) -> Any:
    """Images (b, r, w, outputs) as matrices (groups, b r w, outputs / groups)."""
    b, r, w, o = y.shape
    y = y.reshape(b, r, w, groups, o // groups)
    return y.transpose(3, 0, 1, 2, 4).reshape(groups, b * r * w, o // groups)


def _kernel_matrices(w: Any, groups: int) -> Any:
    """A kernel (kh, kw, c, outputs) as matrices (groups, kh kw c, outputs / groups)."""
    kh, kw, c, o = w.shape
    return w.reshape(kh * kw * c, groups, o // groups).swapaxes(0, 1)


def convolve(x: Any, w: Any, stride: Pair, padding: Padding, dilation: Pair, groups: int) -> Any:
    """The convolution (in signal processing's words, the correlation) of images with a kernel."""
    x, w = _cast(x, w)
    kh, kw, _, outputs = w.shape
    out = output_size("conv2d", x.shape[1:3], (kh, kw), stride, padding, dilation)
    x = padded(x, padding)
    n = x.shape[0]
    if _is_depthwise(x.shape[3], outputs, groups):
        return _depthwise(x, w, out, stride, dilation)
    v = windows_of(x, (kh, kw), out, stride, dilation)
    matrices = _kernel_matrices(w, groups)
    y = np.empty((n, *out, outputs), x.dtype)
    grouped = y.reshape(n, *out, groups, outputs // groups)
    # Windows of a single place are not gathered: one product of everything.
    row_bytes = out[1] * kh * kw * x.shape[3] * x.itemsize if kh * kw > 1 else 0
    for images, rows in blocks(n, out[0], row_bytes):
        part = gather(v[images, rows], groups)
        if groups == 1:
            np.matmul(part[0], matrices[0], out=y[images, rows].reshape(-1, outputs))
        else:
            z = np.matmul(part, matrices)
            target = grouped[images, rows]
            target[...] = z.reshape(groups, *target.shape[:3], -1).transpose(1, 2, 3, 0, 4)
    return y


def convolve_input(
    ct: Any, w: Any, stride: Pair, padding: Padding, dilation: Pair, groups: int, image: Pair
) -> Any:
    """The transpose by the images: each output sends its value back to its window.

    At stride 1 that is a convolution with the kernel turned by 180 degrees and its two last axes
    exchanged; otherwise the products are added where they belong, place by place of the window.
    """
    ct, w = _cast(ct, w)
    kh, kw, c, outputs = w.shape
    if _is_depthwise(c * groups, outputs, groups):
        return _depthwise_input(ct, w, stride, padding, dilation, image)
    down, across = (
        (extent(k, d) - 1 - p[0], extent(k, d) - 1 - p[1])
        for k, d, p in zip((kh, kw), dilation, padding, strict=True)
    )
    o = outputs // groups
    if stride == (1, 1) and min(*down, *across) >= 0 and o <= 4 * c:
        back = w[::-1, ::-1].reshape(kh, kw, c, groups, o).transpose(0, 1, 4, 3, 2)
        back = back.reshape(kh, kw, o, groups * c)
        return convolve(ct, back, stride, (down, across), dilation, groups)
    return _scatter(ct, w, stride, padding, dilation, groups, image)


def _scatter(
    ct: Any, w: Any, stride: Pair, padding: Padding, dilation: Pair, groups: int, image: Pair
) -> Any:
    """Products of cotangents and kernels, added to the inputs of their windows."""
    kh, kw, c, _ = w.shape
    n, *out, _ = ct.shape
    few = c <= FEW_CHANNELS
    matrices = _kernel_matrices(w, groups)
    # As in `gather`, whole rows are added where there are few channels.
    total = np.zeros((groups, c, n, *image) if few else (n, *image, groups, c), ct.dtype)
    row_bytes = out[1] * w.size // max(w.shape[3], 1) * groups * ct.itemsize
    for images, rows in blocks(n, out[0], row_bytes):
        g = _split_groups(ct[images, rows], groups)
        b, r = images.stop - images.start, rows.stop - rows.start
        if few:
            z = np.matmul(matrices, g.swapaxes(1, 2)).reshape(groups, kh, kw, c, b, r, out[1])
        else:
            z = np.matmul(g, matrices.swapaxes(1, 2)).reshape(groups, b, r, out[1], kh, kw, c)
            z = z.transpose(1, 2, 3, 0, 6, 4, 5)
        for i in range(kh):
            before = padding[0][0] - rows.start * stride[0]
            from_rows, to_rows = reach(image[0], r, i * dilation[0], stride[0], before)
            for j in range(kw):
                from_columns, to_columns = reach(
                    image[1], out[1], j * dilation[1], stride[1], padding[1][0]
                )
                if few:
                    total[:, :, images, to_rows, to_columns] += z[
                        :, i, j, :, :, from_rows, from_columns
                    ]
                else:
                    total[images, to_rows, to_columns] += z[:, from_rows, from_columns, :, :, i, j]
    if few:
        total = np.ascontiguousarray(total.transpose(2, 3, 4, 0, 1))
    return total.reshape(n, *image, groups * c)


def convolve_kernel(
    x: Any, ct: Any, stride: Pair, padding: Padding, dilation: Pair, groups: int, window: Pair
) -> Any:
    """The transpose by the kernel: each of its entries meets all its inputs and outputs."""
    x, ct = _cast(x, ct)
    n, *out, outputs = ct.shape
    channels = x.shape[3]
    x = padded(x, padding)
    c, o = channels // groups, outputs // groups
    if _is_depthwise(channels, outputs, groups):
        return _depthwise_kernel(x, ct, stride, dilation, window)
    v = windows_of(x, window, (out[0], out[1]), stride, dilation)
    total = np.zeros((groups, prod(window) * c, o), x.dtype)
    row_bytes = out[1] * prod(window) * channels * x.itemsize if prod(window) > 1 else 0
    for images, rows in blocks(n, out[0], row_bytes):
        part = gather(v[images, rows], groups)
        total += np.matmul(part.swapaxes(1, 2), _split_groups(ct[images, rows], groups))
    return np.ascontiguousarray(total.swapaxes(0, 1)).reshape(*window, c, outputs)


# ------------------------------------------------------------------ depthwise


def _place(i: int, dilation: int, rows: slice, stride: int) -> slice:
    """The rows of a padded input that ``rows`` of the output meet at place ``i`` of the window."""
    start = rows.start * stride + i * dilation
    return slice(start, start + (rows.stop - rows.start - 1) * stride + 1, stride)


def _depthwise(x: Any, w: Any, out: Pair, stride: Pair, dilation: Pair) -> Any:
    n, c = x.shape[0], x.shape[3]
    kh, kw = w.shape[:2]
    y = np.empty((n, *out, c), x.dtype)
    # Repeated along a row: operands that are contiguous together have longer inner loops.
    rowwise = np.repeat(w, out[1], axis=2)
    columns = slice(0, out[1])
    for images, rows in blocks(n, out[0], out[1] * c * x.itemsize, DEPTHWISE_BYTES):
        part = y[images, rows]
        product = None
        for i in range(kh):
            above = x[images, _place(i, dilation[0], rows, stride[0])]
            for j in range(kw):
                values = above[:, :, _place(j, dilation[1], columns, stride[1])]
                if product is None:
                    np.multiply(values, rowwise[i, j], out=part)
                    product = np.empty_like(part)
                else:
                    np.multiply(values, rowwise[i, j], out=product)
                    part += product
    return y


def _depthwise_input(
    ct: Any, w: Any, stride: Pair, padding: Padding, dilation: Pair, image: Pair
) -> Any:
    n, *out, c = ct.shape
    kh, kw = w.shape[:2]
    (top, bottom), (left, right) = padding
    total = np.zeros((n, image[0] + top + bottom, image[1] + left + right, c), ct.dtype)
    rowwise = np.repeat(w, out[1], axis=2)
    columns = slice(0, out[1])
    for images, rows in blocks(n, out[0], out[1] * c * ct.itemsize, DEPTHWISE_BYTES):
        part = ct[images, rows]
        product = np.empty(part.shape, ct.dtype)
        for i in range(kh):
            above = total[images, _place(i, dilation[0], rows, stride[0])]
            for j in range(kw):
                np.multiply(part, rowwise[i, j], out=product)
                above[:, :, _place(j, dilation[1], columns, stride[1])] += product
    return np.ascontiguousarray(total[:, top : top + image[0], left : left + image[1]])


def _depthwise_kernel(x: Any, ct: Any, stride: Pair, dilation: Pair, window: Pair) -> Any:
    n, *out, c = ct.shape
    kh, kw = window
    w = np.zeros((kh, kw, 1, c), ct.dtype)
    columns = slice(0, out[1])
    for images, rows in blocks(n, out[0], out[1] * c * ct.itemsize, DEPTHWISE_BYTES):
        part = ct[images, rows]
        product = np.empty(part.shape, ct.dtype)
        flat = product.reshape(-1, c)
        ones = np.ones(len(flat), ct.dtype)
        for i in range(kh):
            above = x[images, _place(i, dilation[0], rows, stride[0])]
            for j in range(kw):
                values = above[:, :, _place(j, dilation[1], columns, stride[1])]
                np.multiply(values, part, out=product)
                w[i, j, 0] += ones @ flat
    return w
