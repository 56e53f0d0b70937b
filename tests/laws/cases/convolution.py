"""Convolutions of images, their transposes, and what composes them."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.core.bind import bind
from wengert.operations import conv2d, from_nchw, kernel_from_oihw, kernel_to_oihw, to_nchw
from wengert.rules.convolution import conv2d_input_p, conv2d_kernel_p

from ..case import Case

Array = Any

# Shapes of images and kernel, and the options.
_CONV: dict[str, tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = {
    "valid": ((2, 4, 3, 2), (2, 2, 2, 3), {}),
    "one_place": ((2, 3, 2, 3), (1, 1, 3, 2), {}),
    "one_place_stride": ((2, 4, 3, 3), (1, 1, 3, 2), {"stride": 2}),
    "one_place_padded": ((1, 2, 2, 2), (1, 1, 2, 2), {"padding": 1}),
    "padded": ((1, 3, 3, 2), (3, 3, 2, 2), {"padding": 1}),
    "many_channels": ((1, 3, 3, 6), (2, 2, 6, 2), {"padding": ((0, 1), (1, 0))}),
    "few_to_many": ((1, 3, 3, 1), (2, 2, 1, 6), {}),
    "wide_padding": ((1, 2, 2, 1), (2, 1, 1, 2), {"padding": ((2, 3), (1, 0))}),
    "stride": ((2, 5, 4, 2), (3, 2, 2, 2), {"stride": (2, 1), "padding": "same"}),
    "stride_many_channels": ((1, 4, 5, 5), (2, 3, 5, 2), {"stride": 2}),
    "stride_larger_than_kernel": ((1, 5, 5, 2), (2, 2, 2, 2), {"stride": 3}),
    "dilation": ((1, 5, 5, 2), (2, 2, 2, 2), {"dilation": (2, 3), "padding": (1, 2)}),
    "groups": ((1, 3, 3, 4), (2, 2, 2, 6), {"groups": 2}),
    "groups_one_channel": ((1, 3, 3, 2), (2, 2, 1, 4), {"groups": 2, "stride": 2}),
    "groups_many_channels": ((1, 3, 2, 10), (2, 2, 5, 2), {"groups": 2}),
    "depthwise": ((1, 3, 3, 2), (3, 2, 1, 2), {"groups": 2, "padding": 1}),
    "depthwise_stride": ((1, 5, 4, 2), (3, 3, 1, 2), {"groups": 2, "stride": 2, "padding": "same"}),
    "depthwise_dilation": ((2, 4, 4, 2), (2, 2, 1, 2), {"groups": 2, "dilation": 2}),
    "no_images": ((0, 3, 3, 2), (2, 2, 2, 2), {}),
}

_GEOMETRY = {"stride": (2, 1), "padding": ((1, 0), (0, 1)), "dilation": (1, 2), "groups": 2}


def _conv(options: dict[str, Any]) -> Any:
    return lambda x, w: conv2d(x, w, **options)


def _input(ct: Array, w: Array) -> Array:
    return bind(conv2d_input_p, (ct, w), {"image": (4, 4), **_GEOMETRY})


def _kernel(x: Array, ct: Array) -> Array:
    return bind(conv2d_kernel_p, (x, ct), {"window": (2, 2), **_GEOMETRY})


CASES = [
    *(
        Case(f"conv2d_{name}", _conv(options), args=[x, w], complex=name in ("stride", "groups"))
        for name, (x, w, options) in _CONV.items()
    ),
    Case(
        "conv2d_all",
        lambda x, w: conv2d(x, w, **_GEOMETRY),
        args=[(2, 4, 4, 4), (2, 2, 2, 4)],
        primitives=("conv2d", "conv2d_input", "conv2d_kernel"),
    ),
    Case("conv2d_input", _input, args=[(2, 2, 3, 4), (2, 2, 2, 4)], complex=True),
    Case("conv2d_kernel", _kernel, args=[(2, 4, 4, 4), (2, 2, 3, 4)], complex=True),
    Case(
        "conv2d_bias",
        lambda x, w, b: conv2d(x, w, b, padding="same"),
        args=[(1, 3, 2, 2), (2, 2, 2, 3), (3,)],
    ),
    Case(
        "conv2d_same_array",
        lambda x: conv2d(x, x, padding=1),
        args=[(2, 2, 2, 2)],
    ),
    Case(
        "conv2d_constant_kernel",
        lambda x: conv2d(x, np.ones((2, 2, 2, 1))),
        args=[(1, 3, 3, 2)],
    ),
    Case(
        "conv2d_other_layout",
        lambda x, w: to_nchw(conv2d(from_nchw(x), kernel_from_oihw(w))),
        args=[(1, 2, 3, 3), (2, 2, 2, 2)],
    ),
    Case("kernel_to_oihw", lambda w: kernel_to_oihw(w) * 2, args=[(2, 1, 3, 2)]),
]
