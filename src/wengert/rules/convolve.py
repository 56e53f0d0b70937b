"""Discrete convolution along the last axis, of stacks that broadcast.

``full`` has every place where the two overlap, ``valid`` those where ``v`` lies within ``a``
(``v`` is not the longer one). Each is the transpose of the other:

    full:   y_j = sum_i a_(j-i) v_i         valid:  y_j = sum_i a_(j+k-1-i) v_i

so the cotangent of ``a`` is the other kind of convolution of ``ct`` with ``v`` reversed, and the
cotangent of ``v`` is made from ``a`` likewise.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ..core import algebra
from ..core.bind import bind
from ..core.finite import finite
from ..core.primitive import Primitive
from .batching import align, ndim_of, shape_of
from .cumulative import section

__all__ = ["convolve", "convolve_p", "reversed_last"]


def _convolve(a: Any, v: Any, mode: Any) -> Any:
    if a.ndim == v.ndim == 1:
        return np.convolve(a, v, mode)
    k = v.shape[-1]
    if mode == "full":
        if not finite(v):
            return _by_terms(a, v)
        padded = np.zeros((*a.shape[:-1], a.shape[-1] + 2 * (k - 1)), a.dtype)
        padded[..., k - 1 : k - 1 + a.shape[-1]] = a
        a = padded
    windows = sliding_window_view(a, k, -1)
    return np.einsum("...jk,...k->...j", windows, v[..., ::-1])


def _by_terms(a: Any, v: Any) -> Any:
    """The full convolution term by term of ``v``, which has no zeros around ``a`` to multiply."""
    n, k = a.shape[-1], v.shape[-1]
    (*stack, length), dtype = _shape(a, v, "full")
    y = np.zeros((*stack, length), dtype)
    for i in range(k):
        y[..., i : i + n] += a * v[..., i : i + 1]
    return y


def _shape(a: Any, v: Any, mode: str) -> tuple[tuple[int, ...], Any]:
    n, k = shape_of(a)[-1], shape_of(v)[-1]
    stack = np.broadcast_shapes(shape_of(a)[:-1], shape_of(v)[:-1])
    dtype = np.result_type(a.dtype, v.dtype)
    return (*stack, n + k - 1 if mode == "full" else n - k + 1), dtype


def reversed_last(x: Any) -> Any:
    """``x`` with its last axis reversed."""
    return section(x, ndim_of(x) - 1, None, None, -1)


def _cotangent_a(ct: Any, ins: Any, out: Any, mode: str) -> Any:
    a, v = ins
    g = convolve(ct, reversed_last(v), "full" if mode == "valid" else "valid")
    return algebra.unbroadcast(g, shape_of(a))


def _cotangent_v(ct: Any, ins: Any, out: Any, mode: str) -> Any:
    a, v = ins
    if mode == "full":
        g = convolve(ct, reversed_last(a), "valid")
    else:
        g = reversed_last(convolve(a, reversed_last(ct), "valid"))
    return algebra.unbroadcast(g, shape_of(v))


def _batch(args: Any, batched: Any, size: int, mode: str) -> Any:
    rank = max(ndim_of(x, b) for x, b in zip(args, batched, strict=True))
    a, v = (align(x, b, rank) for x, b in zip(args, batched, strict=True))
    return convolve(a, v, mode)


convolve_p = Primitive(
    "convolve",
    _convolve,
    _shape,
    _batch,
    multilinear=(0, 1),
    transpose=(_cotangent_a, _cotangent_v),
    show="np.convolve({0}, {1}, {mode!r})",
    lower="convolve",
    needs_out=False,
    contiguous=lambda a, v, mode: False,
)


def convolve(a: Any, v: Any, mode: str) -> Any:
    """The convolution along the last axis: ``"full"``, or ``"valid"`` with ``v`` not the longer."""
    return bind(convolve_p, (a, v), {"mode": mode})
