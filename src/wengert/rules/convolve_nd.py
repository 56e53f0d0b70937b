"""Discrete convolution along the last axes, of stacks that broadcast; see `convolve` for one axis.

``full`` has every place where the two overlap, ``valid`` those where ``v`` lies within ``a`` (along
no axis is ``v`` the longer one). Each is the transpose of the other, with the other operand
reversed, as in one dimension.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ..core import algebra
from ..core.bind import bind
from ..core.primitive import Primitive
from .batching import align, ndim_of, shape_of
from .convolve import convolve
from .indexing import getitem_p

__all__ = ["convolve_nd", "convolve_nd_p", "reversed_axes"]

_FEW = 1024  # places in the output


def _convolve(a: Any, v: Any, ndim: int, mode: str) -> Any:
    if a.ndim == v.ndim == ndim:
        from scipy import signal  # importing it takes 200 ms

        dtype = np.result_type(a, v)
        if mode == "valid":
            shape = tuple(n - k + 1 for n, k in zip(a.shape, v.shape, strict=True))
            if prod(shape) <= _FEW and v.size > prod(shape):
                return _at_few_places(a, v, shape, dtype)
        if ndim == 2:  # a tenth of the time
            return signal.convolve2d(a.astype(dtype), v.astype(dtype), mode)
        return signal.convolve(a.astype(dtype), v.astype(dtype), mode, "direct")
    last = range(-ndim, 0)
    if mode == "full":
        widths = [v.shape[i] - 1 for i in last]
        lead = a.shape[: a.ndim - ndim]
        padded_shape = [n + 2 * w for n, w in zip(a.shape[a.ndim - ndim :], widths, strict=True)]
        padded = np.zeros((*lead, *padded_shape), a.dtype)
        inner = tuple(slice(w, n - w) for w, n in zip(widths, padded_shape, strict=True))
        where: Any = (..., *inner)
        padded[where] = a
        a = padded
    windows = sliding_window_view(a, v.shape[v.ndim - ndim :], tuple(last))
    places, offsets = "uvwxyz"[:ndim], "ijklmn"[:ndim]
    reverse: Any = (..., *(slice(None, None, -1),) * ndim)
    return np.einsum(f"...{places}{offsets},...{offsets}->...{places}", windows, v[reverse])


def _at_few_places(a: Any, v: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """A product of long vectors for each place: the cotangent of a small kernel is of this kind.

    SciPy's loop takes 15 times as long there (200 x 200 points, 9 x 9 places).
    """
    kernel = np.ascontiguousarray(np.flip(v), dtype).reshape(-1)
    y = np.empty(shape, dtype)
    for place in np.ndindex(*shape):
        part = a[tuple(slice(i, i + k) for i, k in zip(place, v.shape, strict=True))]
        y[place] = np.dot(part.reshape(-1), kernel)
    return y


def _shape(a: Any, v: Any, ndim: int, mode: str) -> tuple[tuple[int, ...], Any]:
    sa, sv = shape_of(a), shape_of(v)
    stack = np.broadcast_shapes(sa[: len(sa) - ndim], sv[: len(sv) - ndim])
    sign = 1 if mode == "full" else -1
    lengths = [n + sign * (k - 1) for n, k in zip(sa[len(sa) - ndim :], sv[len(sv) - ndim :])]
    return (*stack, *lengths), np.result_type(a.dtype, v.dtype)


def reversed_axes(x: Any, ndim: int) -> Any:
    """``x`` with its last ``ndim`` axes reversed."""
    template = (Ellipsis, *((None, None, -1),) * ndim)
    return bind(getitem_p, (x,), {"template": template}, False)


def _cotangent_a(ct: Any, ins: Any, out: Any, ndim: int, mode: str) -> Any:
    a, v = ins
    g = convolve_nd(ct, reversed_axes(v, ndim), ndim, "full" if mode == "valid" else "valid")
    return algebra.unbroadcast(g, shape_of(a))


def _cotangent_v(ct: Any, ins: Any, out: Any, ndim: int, mode: str) -> Any:
    a, v = ins
    if mode == "full":
        g = convolve_nd(ct, reversed_axes(a, ndim), ndim, "valid")
    else:
        g = reversed_axes(convolve_nd(a, reversed_axes(ct, ndim), ndim, "valid"), ndim)
    return algebra.unbroadcast(g, shape_of(v))


def _batch(args: Any, batched: Any, size: int, ndim: int, mode: str) -> Any:
    rank = max(ndim_of(x, b) for x, b in zip(args, batched, strict=True))
    a, v = (align(x, b, rank) for x, b in zip(args, batched, strict=True))
    return bind(convolve_nd_p, (a, v), {"ndim": ndim, "mode": mode})


convolve_nd_p = Primitive(
    "convolve_nd",
    _convolve,
    _shape,
    _batch,
    multilinear=(0, 1),
    transpose=(_cotangent_a, _cotangent_v),
    show=lambda a, v, ndim, mode: f"scipy.signal.convolve({a}, {v}, {mode!r}, 'direct')",
    lower="convolve_nd",
    needs_out=False,
    contiguous=lambda a, v, ndim, mode: False,
)


def convolve_nd(a: Any, v: Any, ndim: int, mode: str) -> Any:
    """The convolution along the last ``ndim`` axes, ``"full"`` or ``"valid"``."""
    if ndim == 1:
        return convolve(a, v, mode)
    return bind(convolve_nd_p, (a, v), {"ndim": ndim, "mode": mode})
