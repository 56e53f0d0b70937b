"""Maxima and sums over windows of images (n, height, width, channels).

The maximum's derivative is the mean of the tangents over the places of a window where its elements
equal the maximum: ties share evenly, as in every reduction here. That mean is linear in the
tangents, so it is a primitive, and its transpose another. What a window covers beyond the image
takes no part. The maximum and the sum go along the rows of the windows first and then along the
columns, which takes ``kh + kw`` passes instead of ``kh kw``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.bind import bind
from ..core.finite import finite
from ..core.primitive import Primitive
from .batching import materialize, shape_of
from .shapes import reshape
from .windows import Padding, Pair, output_size, reach

__all__ = [
    "max_pool2d",
    "max_pool2d_p",
    "maxima_mean2d_p",
    "maxima_spread2d_p",
    "window_spread2d_p",
    "window_sum2d",
    "window_sum2d_p",
]

Shape = tuple[tuple[int, ...], Any]


def _image(x: Any) -> Pair:
    _, height, width, _ = shape_of(x)
    return height, width


def _pool_shape(x: Any, window: Pair, stride: Pair, padding: Padding) -> Shape:
    n, height, width, c = shape_of(x)
    return (n, *output_size("pooling", (height, width), window, stride, padding), c), x.dtype


def _along_axis(combine: Any, x: Any, axis: int, k: int, s: int, p: Pair, initial: Any) -> Any:
    """Combine the ``k`` places of windows along one axis by a ufunc of two operands."""
    n = x.shape[axis]
    out = (n + sum(p) - k) // s + 1
    if k == 1 and s == 1 and p == (0, 0):
        return x
    lead = (slice(None),) * axis
    if p == (0, 0) and k > 1:
        first, second = (x[(*lead, slice(i, i + (out - 1) * s + 1, s))] for i in (0, 1))
        y = combine(first, second)
        start = 2
    else:
        y = np.full((*x.shape[:axis], out, *x.shape[axis + 1 :]), initial, x.dtype)
        start = 0
    for i in range(start, k):
        outputs, inputs = reach(n, out, i, s, p[0])
        part = y[(*lead, outputs)]
        combine(part, x[(*lead, inputs)], out=part)
    return y


def _places(image: Pair, out: Pair, window: Pair, stride: Pair, padding: Padding) -> Any:
    """For each place of the window, indices of outputs and of the inputs that they meet there."""
    every = slice(None)
    for i in range(window[0]):
        rows, from_rows = reach(image[0], out[0], i, stride[0], padding[0][0])
        for j in range(window[1]):
            columns, from_columns = reach(image[1], out[1], j, stride[1], padding[1][0])
            yield (every, rows, columns), (every, from_rows, from_columns)


def _by_images(primitive: Primitive) -> Any:
    """Batching rule: the batch axis joins the images of all operands."""

    def batch(args: Any, batched: Any, size: int, **params: Any) -> Any:
        joined = []
        for x, b in zip(args, batched, strict=True):
            full = materialize(x, b, size)
            _, n, *rest = shape_of(full)
            joined.append(reshape(full, (size * n, *rest)))
        y = bind(primitive, tuple(joined), params)
        n, *rest = shape_of(y)
        return reshape(y, (size, n // size, *rest))

    return batch


def _pooling(name: str, evaluate: Any, shape: Any, **record: Any) -> Primitive:
    p = Primitive(
        name,
        evaluate,
        shape,
        None,
        lower=name,
        contiguous=lambda *xs, **params: False,  # NumPy's sums keep the layout of their operands
        **record,
    )
    p.batch = _by_images(p)
    return p


# ------------------------------------------------------------------ maxima


def _max_pool(x: Any, window: Pair, stride: Pair, padding: Padding) -> Any:
    y = x
    for axis in (0, 1):
        y = _along_axis(np.maximum, y, axis + 1, window[axis], stride[axis], padding[axis], -np.inf)
    return y if y is not x else np.array(x)


def _winners(x: Any, y: Any, window: Pair, stride: Pair, padding: Padding) -> tuple[Any, Any]:
    """Which element of each window equals its maximum, place by place, and how many do."""
    winners = []
    count = np.zeros(y.shape, np.min_scalar_type(window[0] * window[1]))
    nan = np.isnan(y)
    any_nan = nan.any()
    for outputs, inputs in _places(_image(x), _image(y), window, stride, padding):
        part = x[inputs]
        equal = part == y[outputs]
        if any_nan:  # the maximum is NaN where any element is
            equal |= (part != part) & nan[outputs]
        winners.append((outputs, inputs, equal))
        count[outputs] += equal
    return winners, count


def _chosen(t: Any, mask: Any, is_finite: bool) -> Any:
    """``t`` where the mask is true, 0 elsewhere; by a product, which takes a tenth of the time."""
    return t * mask if is_finite else np.where(mask, t, t.dtype.type(0))


def _maxima_mean(t: Any, x: Any, y: Any, window: Pair, stride: Pair, padding: Padding) -> Any:
    winners, count = _winners(x, y, window, stride, padding)
    total = np.zeros(y.shape, t.dtype)
    is_finite = finite(t)
    for outputs, inputs, equal in winners:
        total[outputs] += _chosen(t[inputs], equal, is_finite)
    total /= count.astype(t.real.dtype)
    return total


def _maxima_spread(ct: Any, x: Any, y: Any, window: Pair, stride: Pair, padding: Padding) -> Any:
    winners, count = _winners(x, y, window, stride, padding)
    share = ct / count.astype(ct.real.dtype)
    is_finite = finite(share)
    apart = window[0] <= stride[0] and window[1] <= stride[1]  # no element is in two windows
    covered = tuple(np.multiply(_image(y), stride)) if window == stride else None
    # Windows that start within the padding end before the image does.
    tiled = _image(x) == covered and not (padding[0][0] or padding[1][0])
    total = (np.empty if tiled else np.zeros)(x.shape, ct.dtype)
    for outputs, inputs, equal in winners:
        chosen = _chosen(share[outputs], equal, is_finite)
        if apart:
            total[inputs] = chosen
        else:
            total[inputs] += chosen
    return total


def _spread_maxima(ct: Any, x: Any, y: Any, params: dict[str, Any]) -> Any:
    return bind(maxima_spread2d_p, (ct, x, y), params)


def _mean_of_maxima(t: Any, x: Any, y: Any, params: dict[str, Any]) -> Any:
    return bind(maxima_mean2d_p, (t, x, y), params)


maxima_mean2d_p: Primitive = _pooling(
    "maxima_mean2d",
    _maxima_mean,
    lambda t, x, y, **params: (shape_of(y), t.dtype),
    linear=(0,),
    transpose=(
        lambda ct, ins, out, **params: _spread_maxima(ct, ins[1], ins[2], params),
        None,
        None,
    ),
    show="maxima_mean2d({0}, {1}, {2})",
)

maxima_spread2d_p: Primitive = _pooling(
    "maxima_spread2d",
    _maxima_spread,
    lambda ct, x, y, **params: (shape_of(x), ct.dtype),
    linear=(0,),
    transpose=(
        lambda ct, ins, out, **params: _mean_of_maxima(ct, ins[1], ins[2], params),
        None,
        None,
    ),
    show="maxima_spread2d({0}, {1}, {2})",
)

max_pool2d_p: Primitive = _pooling(
    "max_pool2d",
    _max_pool,
    _pool_shape,
    jvp=lambda ts, ins, out, **params: _mean_of_maxima(ts[0], ins[0], out, params),
    show="max_pool2d({0})",
)


def max_pool2d(x: Any, **params: Any) -> Any:
    """The maxima of windows of images."""
    return bind(max_pool2d_p, (x,), params)


# ------------------------------------------------------------------ sums


def _window_sum(x: Any, window: Pair, stride: Pair, padding: Padding) -> Any:
    y = x
    for axis in (0, 1):
        y = _along_axis(np.add, y, axis + 1, window[axis], stride[axis], padding[axis], 0)
    return np.array(y) if y is x else y


def _window_spread(ct: Any, image: Pair, window: Pair, stride: Pair, padding: Padding) -> Any:
    """The transpose: every output is added to all inputs of its window."""
    for axis in (2, 1):
        s, k, p = stride[axis - 1], window[axis - 1], padding[axis - 1][0]
        lead = (slice(None),) * axis
        total = np.zeros((*ct.shape[:axis], image[axis - 1], *ct.shape[axis + 1 :]), ct.dtype)
        for i in range(k):
            outputs, inputs = reach(image[axis - 1], ct.shape[axis], i, s, p)
            total[(*lead, inputs)] += ct[(*lead, outputs)]
        ct = total
    return ct


window_sum2d_p: Primitive = _pooling(
    "window_sum2d",
    _window_sum,
    _pool_shape,
    linear=(0,),
    transpose=(
        lambda ct, ins, out, **params: bind(
            window_spread2d_p, (ct,), {"image": _image(ins[0]), **params}
        ),
    ),
    show="window_sum2d({0})",
)

window_spread2d_p: Primitive = _pooling(
    "window_spread2d",
    _window_spread,
    lambda ct, image, **params: ((shape_of(ct)[0], *image, shape_of(ct)[3]), ct.dtype),
    linear=(0,),
    transpose=(lambda ct, ins, out, image, **params: bind(window_sum2d_p, (ct,), params),),
    show="window_spread2d({0})",
)


def window_sum2d(x: Any, **params: Any) -> Any:
    """The sums of windows of images."""
    return bind(window_sum2d_p, (x,), params)
