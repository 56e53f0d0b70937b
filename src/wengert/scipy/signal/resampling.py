"""Signals at another rate."""

from __future__ import annotations

from operator import index
from typing import Any

import numpy as np
import scipy.fft
import scipy.signal

from ...core.errors import ShapeError, WengertValueError
from ...numpy.arguments import axis_of, cast, operand
from ...rules.filters import padded_last
from ..mirror import mirrors, refuse
from .filtering import signal_of

__all__ = ["resample"]


@mirrors(scipy.signal.resample, "scipy.signal.resample")
def resample(
    x: Any, num: int, t: Any = None, axis: int = 0, window: Any = None, domain: str = "time"
) -> Any:
    """`scipy.signal.resample`: ``num`` samples of the periodic function; linear in ``x``.

    Parameters
    ----------
    x : array_like
        Samples, or with ``domain="freq"`` their Fourier transform.
    num : int
    t : array_like, optional
        The times of the samples; with them, those of the result are returned, too.
    axis : int
    window : callable, str, tuple or array, optional
        Weights of the frequencies.
    domain : "time" or "freq"

    Raises
    ------
    ShapeError
        For a window of another length than the signal.
    WengertValueError
        For an unknown domain, or ``num`` below 1.
    """
    name = "scipy.signal.resample"
    if domain not in ("time", "freq"):
        raise refuse(name, "domain", domain, ("time", "freq"))
    num = index(num)
    if num < 1:
        raise WengertValueError(f"{name}: num={num}; the result needs at least one sample")
    x = signal_of(name, x)
    axis = axis_of(axis, x.ndim)
    real = domain == "time" and x.dtype.kind != "c"
    x = np.moveaxis(x, axis, -1)
    n = x.shape[-1]
    spectrum = np.fft.fft(x) if domain == "time" else x
    if window is not None:
        weights = _weights(name, window, n)
        same = spectrum.dtype if weights.dtype.kind == "c" else np.real(spectrum).dtype
        spectrum = spectrum * cast(weights, same)
    y = np.fft.ifft(_cut_or_padded(spectrum, num) * (num / n))
    y = np.moveaxis(np.real(y) if real else y, -1, axis)
    if t is None:
        return y
    t = operand(t)
    return y, t[0] + (t[1] - t[0]) * (n / num) * np.arange(num)


def _weights(name: str, window: Any, n: int) -> Any:
    """Of the frequencies in the order of the transform."""
    if callable(window):
        return operand(window(scipy.fft.fftfreq(n)))
    if isinstance(window, str | tuple):
        return scipy.fft.fftshift(scipy.signal.get_window(window, n))
    weights = operand(window)
    if weights.shape != (n,):
        raise ShapeError(f"{name}: the window has shape {weights.shape}; expected ({n},)")
    return weights


def _cut_or_padded(spectrum: Any, num: int) -> Any:
    """The transform of ``num`` samples: without high frequencies, or with zeros for them.

    An even number of frequencies has one in the middle that stands for two, which come together or
    part there.
    """
    n = spectrum.shape[-1]
    m = min(n, num)
    if m == n == num:
        return spectrum
    first, last = spectrum[..., : (m + 1) // 2], spectrum[..., n - (m - 1) // 2 :]
    between = num - first.shape[-1] - last.shape[-1]
    if m % 2:
        return np.concatenate([padded_last(first, 0, between), last], -1)
    half = spectrum[..., m // 2 : m // 2 + 1]
    if num < n:
        middle = half + spectrum[..., n - m // 2 : n - m // 2 + 1]
    else:
        middle = padded_last(0.5 * half, 0, between - 1)
        middle = middle + padded_last(0.5 * half, between - 1, 0)
    return np.concatenate([first, middle, last], -1)
