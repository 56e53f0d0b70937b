"""Digital filters, along the last axis of stacks that broadcast.

The output of the filter with numerator ``b`` and denominator ``a`` satisfies ``a * y = b * x`` with
``*`` the convolution of causal sequences, cut off at the end of ``x``. Hence

    dy = filter(b, a, dx) + filter(db, a, x) - filter(da, a, y),

and in ``x`` the filter is a lower triangular Toeplitz matrix, whose transpose is the filter of the
reversed sequence, reversed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ..core import algebra
from ..core.bind import bind
from ..core.primitive import Primitive
from .batching import align, ndim_of, shape_of
from .convolve import convolve, reversed_last
from .cumulative import section
from .indexing import scatter_add_p
from .linalg import result_dtype

__all__ = ["lfilter", "lfilter_p", "padded_last"]


def _lfilter(b: Any, a: Any, x: Any) -> Any:
    from scipy import signal  # importing it takes 200 ms

    dtype = result_dtype(b, a, x)
    b, a, x = (np.asarray(v, dtype) for v in (b, a, x))
    if b.ndim == a.ndim == 1:
        return signal.lfilter(b, a, x)
    if a.ndim == 1:
        return signal.lfilter(np.ones(1, dtype), a / a[0], _moving_average(b / a[0], x))
    lead = a[..., :1]
    return _recursion(a / lead, _moving_average(b / lead, x))


def _moving_average(b: Any, x: Any) -> Any:
    """The filter without feedback."""
    k = b.shape[-1]
    padded = np.zeros((*x.shape[:-1], x.shape[-1] + k - 1), x.dtype)
    padded[..., k - 1 :] = x
    return np.einsum("...jk,...k->...j", sliding_window_view(padded, k, -1), b[..., ::-1])


def _recursion(a: Any, w: Any) -> Any:
    """The filter that is all feedback, of a stack of denominators: a step for each time."""
    order, n = a.shape[-1] - 1, w.shape[-1]
    stack = np.broadcast_shapes(a.shape[:-1], w.shape[:-1])
    y = np.zeros((*stack, order + n), w.dtype)
    feedback = a[..., :0:-1]
    for t in range(n):
        y[..., order + t] = w[..., t] - (feedback * y[..., t : t + order]).sum(-1)
    return y[..., order:]


def _shape(b: Any, a: Any, x: Any) -> tuple[tuple[int, ...], Any]:
    stack = np.broadcast_shapes(*[shape_of(v)[:-1] for v in (b, a, x)])
    return (*stack, shape_of(x)[-1]), result_dtype(b, a, x)


def _jvp(ts: Any, ins: Any, out: Any) -> Any:
    (tb, ta, tx), (b, a, x) = ts, ins
    parts = []
    if tx is not None:
        parts.append(lfilter(b, a, tx))
    if tb is not None:
        parts.append(lfilter(tb, a, x))
    if ta is not None:
        parts.append(-lfilter(ta, a, out))
    return sum(parts[1:], parts[0])


def _correlation(w: Any, x: Any, like: Any) -> Any:
    """``sum_n w[n] x[n - k]`` for every coefficient ``k`` of ``like``."""
    k = shape_of(like)[-1]
    g = convolve(padded_last(x, k - 1, 0), reversed_last(w), "valid")
    return algebra.unbroadcast(reversed_last(g), shape_of(like))


def _fed_back(ct: Any, a: Any) -> Any:
    """The transpose of the feedback, of which all three cotangents are made."""
    return reversed_last(lfilter(np.ones(1, a.dtype), a, reversed_last(ct)))


def _vjp(ct: Any, ins: Any, out: Any) -> Any:
    """All cotangents from one pass of the recursion; the rest is products."""
    b, a, x = ins
    w = _fed_back(ct, a)
    n, k = shape_of(x)[-1], shape_of(b)[-1]
    g = section(convolve(w, reversed_last(b), "full"), ndim_of(w) - 1, k - 1, k - 1 + n)
    return (
        _correlation(w, x, b),
        -_correlation(w, out, a),
        algebra.unbroadcast(g, shape_of(x)),
    )


def _cotangent_b(ct: Any, ins: Any, out: Any) -> Any:
    b, a, x = ins
    return _correlation(_fed_back(ct, a), x, b)


def _cotangent_x(ct: Any, ins: Any, out: Any) -> Any:
    b, a, x = ins
    return algebra.unbroadcast(reversed_last(lfilter(b, a, reversed_last(ct))), shape_of(x))


def _batch(args: Any, batched: Any, size: int) -> Any:
    rank = max(ndim_of(x, b) for x, b in zip(args, batched, strict=True))
    return lfilter(*[align(x, b, rank) for x, b in zip(args, batched, strict=True)])


lfilter_p = Primitive(
    "lfilter",
    _lfilter,
    _shape,
    _batch,
    jvp=_jvp,
    vjp=_vjp,
    linear=(0, 2),
    transpose=(_cotangent_b, None, _cotangent_x),
    show="scipy.signal.lfilter({0}, {1}, {2})",
    lower="lfilter",
    contiguous=lambda b, a, x: False,
)


def lfilter(b: Any, a: Any, x: Any) -> Any:
    """The filter ``b / a`` of ``x`` from rest, along the last axis."""
    return bind(lfilter_p, (b, a, x), {})


def padded_last(x: Any, before: int, after: int) -> Any:
    """``x`` with zeros before and after it along the last axis."""
    if not before and not after:
        return x
    *lead, n = shape_of(x)
    params = {
        "template": (Ellipsis, (before, before + n, None)),
        "shape": (*lead, before + n + after),
    }
    return bind(scatter_add_p, (x,), params)
