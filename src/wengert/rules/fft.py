"""Discrete Fourier transforms, of the whole length of their axes.

The matrix of the complex transform is symmetric, so the transform is its own transpose. The real
transforms keep half of a spectrum that has Hermitian symmetry; their transposes follow from

    irfft(y)_k = (1/n) Re sum_j c_j y_j w^(-jk),    w = exp(-2 pi i / n),

with c_j = 1 for the frequencies that are their own mirror images (0, and n/2 if n is even) and 2
for the others, by exchanging the sums: see `_rfft_transpose` and `_irfft_transpose`. Lengths are
changed before, by padding or cropping, in `wengert.numpy.fft`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from ..core.bind import bind
from ..core.primitive import Primitive
from .complex import conjugate, real_p
from .shapes import parameters_with_batch

__all__ = ["OTHER_WAY", "fft_p", "irfft_p", "rfft_p"]

OTHER_WAY = {"backward": "forward", "ortho": "ortho", "forward": "backward"}
"""The normalisation with which the inverse transform has the same factor."""


def _widened(dtype: Any) -> Any:
    """The complex dtype of a spectrum."""
    return np.result_type(dtype, 1j)


def _floats(dtype: Any) -> Any:
    return np.empty((), _widened(dtype)).real.dtype


def _with_length(x: Any, axis: int, n: int) -> tuple[int, ...]:
    return (*x.shape[:axis], n, *x.shape[axis + 1 :])


# ------------------------------------------------------------------ complex


def _fft(x: Any, axes: tuple[int, ...], inverse: bool, norm: str) -> Any:
    transform: Any = np.fft.ifft if inverse else np.fft.fft
    for axis in reversed(axes):  # NumPy's order; an axis that occurs twice is transformed twice
        x = transform(x, axis=axis, norm=norm)
    return x


def _fft_text(x: str, axes: tuple[int, ...], inverse: bool, norm: str) -> str:
    scaled = "" if norm == "backward" else f", norm={norm!r}"
    i = "i" if inverse else ""
    if len(axes) == 1:
        return f"np.fft.{i}fft({x}, axis={axes[0]}{scaled})"
    return f"np.fft.{i}fftn({x}, axes={axes}{scaled})"


fft_p: Primitive = parameters_with_batch(
    Primitive(
        "fft",
        _fft,
        lambda x, axes, inverse, norm: (x.shape, _widened(x.dtype)),
        None,
        linear=(0,),
        transpose=(
            lambda ct, ins, out, axes, inverse, norm: bind(
                fft_p, (ct,), {"axes": axes, "inverse": inverse, "norm": norm}
            ),
        ),
        show=_fft_text,
        lower="fft",
    ),
    lambda size, axes, inverse, norm: {
        "axes": tuple([i + 1 for i in axes]),
        "inverse": inverse,
        "norm": norm,
    },
)


# ------------------------------------------------------------------ real


@lru_cache(256)
def _mirrored(n: int, dtype: Any, value: float, trailing: int) -> Any:
    """``value`` for the frequencies that stand for two, 1 for those that stand for themselves."""
    weights = np.full(n // 2 + 1, value, dtype)
    weights[0] = 1
    if n % 2 == 0:
        weights[-1] = 1
    weights = weights.reshape((-1,) + (1,) * trailing)
    weights.flags.writeable = False
    return weights


def _rfft_transpose(ct: Any, ins: Any, out: Any, axis: int, norm: str) -> Any:
    """``Re sum_j ct_j w^(jk)``: an inverse transform of ``conj(ct)``.

    That one counts the frequencies twice that stand for two: hence the halves.
    """
    n = ins[0].shape[axis]
    halves = _mirrored(n, _floats(ct.dtype), 0.5, ct.ndim - axis - 1)
    params = {"axis": axis, "n": n, "norm": OTHER_WAY[norm]}
    return bind(irfft_p, (conjugate(ct) * halves,), params)


def _irfft_transpose(ct: Any, ins: Any, out: Any, axis: int, n: int, norm: str) -> Any:
    """``c_j sum_k ct_k w^(-jk)`` for real ``ct``: the conjugate of its transform."""
    ct = bind(real_p, (ct,), {}, False) if ct.dtype.kind == "c" else ct
    doubles = _mirrored(n, _floats(ct.dtype), 2.0, ct.ndim - axis - 1)
    return conjugate(bind(rfft_p, (ct,), {"axis": axis, "norm": OTHER_WAY[norm]})) * doubles


def _scaled(norm: str) -> str:
    return "" if norm == "backward" else f", norm={norm!r}"


# A primitive besides `fft_p`: it takes half the time and memory.
rfft_p = parameters_with_batch(
    Primitive(
        "rfft",
        lambda x, axis, norm: np.fft.rfft(x, axis=axis, norm=norm),
        lambda x, axis, norm: (
            _with_length(x, axis, x.shape[axis] // 2 + 1),
            _widened(x.dtype),
        ),
        None,
        linear=(0,),
        transpose=(_rfft_transpose,),
        show=lambda x, axis, norm: f"np.fft.rfft({x}, axis={axis}{_scaled(norm)})",
        lower="rfft",
    ),
    lambda size, axis, norm: {"axis": axis + 1, "norm": norm},
)

irfft_p = parameters_with_batch(
    Primitive(
        "irfft",
        lambda x, axis, n, norm: np.fft.irfft(x, n, axis, norm),
        lambda x, axis, n, norm: (_with_length(x, axis, n), _floats(x.dtype)),
        None,
        linear=(0,),
        transpose=(_irfft_transpose,),
        show=lambda x, axis, n, norm: f"np.fft.irfft({x}, {n}, axis={axis}{_scaled(norm)})",
        lower="irfft",
    ),
    lambda size, axis, n, norm: {"axis": axis + 1, "n": n, "norm": norm},
)
