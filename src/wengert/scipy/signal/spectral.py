"""Spectra: Fourier transforms of the segments of a signal, and averages of their squares."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.fft
import scipy.signal

from ...core.errors import ShapeError, WengertValueError
from ...numpy.arguments import axis_of, cast, concrete, floating, operand
from ...rules.complex import conjugate
from ..mirror import mirrors, refuse
from .filtering import detrend as without_trend

__all__ = ["coherence", "csd", "periodogram", "spectrogram", "stft", "welch"]

_EXTENSIONS = {"zeros": "constant", "constant": "edge", "even": "reflect"}


@dataclass(frozen=True)
class _Segments:
    """How a signal is cut, and what is done with each segment.

    Attributes
    ----------
    window : array (length,)
    step : int
        From the beginning of a segment to that of the next one.
    nfft : int
        The length of the transforms.
    trend : str or False
    onesided : bool
    fs : float
    """

    window: Any
    step: int
    nfft: int
    trend: Any
    onesided: bool
    fs: float

    @property
    def frequencies(self) -> Any:
        """Those of the transforms."""
        make = scipy.fft.rfftfreq if self.onesided else scipy.fft.fftfreq
        return make(self.nfft, 1 / self.fs)

    def times(self, n: int) -> Any:
        """The middles of the segments of a signal of this length."""
        half = self.window.shape[0] / 2
        return np.arange(half, n - half + 1, self.step) / self.fs

    def transforms(self, x: Any) -> Any:
        """Of the segments along the last axis: (..., segments, frequencies)."""
        length = self.window.shape[0]
        parts = np.lib.stride_tricks.sliding_window_view(x, length, -1)[..., :: self.step, :]
        if self.trend:
            parts = without_trend(parts, type=self.trend)
        transform = np.fft.rfft if self.onesided else np.fft.fft
        return transform(parts * self.window, self.nfft, -1)

    def scale(self, name: str, scaling: str) -> Any:
        """What the square of a transform is multiplied with."""
        if scaling not in ("density", "spectrum"):
            raise refuse(name, "scaling", scaling, ("density", "spectrum"))
        w = self.window
        return 1 / (self.fs * np.sum(w * w)) if scaling == "density" else 1 / np.sum(w) ** 2

    def doubled(self, power: Any) -> Any:
        """A one-sided spectrum with the other side added to it; 0 and Nyquist have none."""
        if not self.onesided:
            return power
        factors = np.full(power.shape[-1], 2.0, np.empty(0, power.dtype).real.dtype)
        factors[0] = 1.0
        if self.nfft % 2 == 0:
            factors[-1] = 1.0
        return power * factors


def _signal_last(name: str, argument: str, x: Any, axis: int) -> tuple[Any, int]:
    x = floating(operand(x))
    if not x.ndim or not x.size:
        raise ShapeError(f"{name}: {argument} has shape {x.shape}; expected a signal, not empty")
    axis = axis_of(axis, x.ndim)
    return np.moveaxis(x, axis, -1), axis


def _segments(
    name: str,
    x: Any,
    fs: Any,
    window: Any,
    nperseg: Any,
    noverlap: Any,
    nfft: Any,
    trend: Any,
    onesided: bool,
) -> _Segments:
    """The arguments that all of these functions have, checked; ``x`` has its axis last."""
    n = x.shape[-1]
    real = np.empty(0, x.dtype).real.dtype
    if trend not in ("constant", "linear", False, None):
        raise refuse(name, "detrend", trend, (), "give 'constant', 'linear' or False")
    if isinstance(window, str | tuple):
        length = 256 if nperseg is None else int(nperseg)
        if length > n:
            warnings.warn(
                f"{name}: nperseg={length} is greater than the length {n} of the signal, which is "
                "used instead",
                stacklevel=5,
            )
            length = n
        if length < 1:
            raise WengertValueError(f"{name}: nperseg={nperseg!r}; it must be positive")
        w = scipy.signal.get_window(window, length).astype(real)
    else:
        w = floating(operand(window))
        if w.ndim != 1 or w.shape[0] > n or nperseg not in (None, w.shape[0]):
            raise ShapeError(
                f"{name}: the window has shape {w.shape}; expected a vector that is not longer "
                f"than the signal ({n}), of length nperseg ({nperseg}) if that is given"
            )
        w, length = cast(w, real), w.shape[0]
    overlap = length // 2 if noverlap is None else int(noverlap)
    if not 0 <= overlap < length:
        raise WengertValueError(
            f"{name}: noverlap={noverlap!r} must be less than nperseg, which is {length}"
        )
    size = length if nfft is None else int(nfft)
    if size < length:
        raise WengertValueError(f"{name}: nfft={nfft!r} must be at least nperseg, {length}")
    rate = float(concrete(fs, f"{name}(fs)"))
    return _Segments(w, length - overlap, size, trend, onesided and x.dtype.kind != "c", rate)


def _mean(name: str, power: Any, average: str) -> Any:
    """Over the segments."""
    if average not in ("mean", "median"):
        raise refuse(name, "average", average, ("mean", "median"))
    n = power.shape[-2]
    if average == "mean" or n == 1:
        return np.mean(power, -2)
    even = 2.0 * np.arange(1, (n - 1) // 2 + 1)
    # Of the median of squares: B. Allen et al., arXiv:gr-qc/0509116 (2005), appendix B.
    bias = 1 + float(np.sum(1 / (even + 1) - 1 / even))
    if power.dtype.kind == "c":
        middle = np.median(np.real(power), -2) + 1j * np.median(np.imag(power), -2)
    else:
        middle = np.median(power, -2)
    return middle / bias


def _real_power(z: Any) -> Any:
    return np.real(z) ** 2 + np.imag(z) ** 2


def _welch(
    name: str,
    x: Any,
    fs: Any,
    window: Any,
    nperseg: Any,
    noverlap: Any,
    nfft: Any,
    detrend: Any,
    onesided: bool,
    scaling: str,
    axis: int,
    average: str,
) -> tuple[Any, Any]:
    x, axis = _signal_last(name, "x", x, axis)
    cut = _segments(name, x, fs, window, nperseg, noverlap, nfft, detrend, onesided)
    power = cut.doubled(_real_power(cut.transforms(x)) * cut.scale(name, scaling))
    return cut.frequencies, np.moveaxis(_mean(name, power, average), -1, axis)


@mirrors(scipy.signal.welch, "scipy.signal.welch")
def welch(
    x: Any,
    fs: Any = 1.0,
    window: Any = "hann",
    nperseg: int | None = None,
    noverlap: int | None = None,
    nfft: int | None = None,
    detrend: Any = "constant",
    return_onesided: bool = True,
    scaling: str = "density",
    axis: int = -1,
    average: str = "mean",
) -> tuple[Any, Any]:
    """`scipy.signal.welch`: the power spectral density, averaged over segments.

    Parameters
    ----------
    x : array_like
    fs : float
    window : str, tuple or array
        An array can be differentiated.
    nperseg, noverlap, nfft : int, optional
    detrend : "constant", "linear" or False
    return_onesided, scaling, axis, average :
        As SciPy's.

    Returns
    -------
    f : array
        The frequencies, plain.
    Pxx : array

    Raises
    ------
    NoRuleError
        If ``detrend`` is a function.
    ShapeError
        For an empty signal, or a window that is longer.
    WengertValueError
        For an unknown option, or lengths that do not fit.
    """
    return _welch(
        "scipy.signal.welch", x, fs, window, nperseg, noverlap, nfft, detrend, return_onesided,
        scaling, axis, average,
    )  # fmt: skip


@mirrors(scipy.signal.periodogram, "scipy.signal.periodogram")
def periodogram(
    x: Any,
    fs: Any = 1.0,
    window: Any = "boxcar",
    nfft: int | None = None,
    detrend: Any = "constant",
    return_onesided: bool = True,
    scaling: str = "density",
    axis: int = -1,
) -> tuple[Any, Any]:
    """`scipy.signal.periodogram`: the power spectral density, of the whole signal.

    Arguments, results and errors as for `welch`; with an ``nfft`` below the length of the signal
    only so much of it is used.
    """
    name = "scipy.signal.periodogram"
    x, axis = _signal_last(name, "x", x, axis)
    n = x.shape[-1]
    if nfft is not None and nfft < n:
        x, n, nfft = x[..., :nfft], nfft, None
    window = "boxcar" if window is None else window
    f, power = _welch(
        name, x, fs, window, n, 0, nfft, detrend, return_onesided, scaling, -1, "mean"
    )
    return f, np.moveaxis(power, -1, axis)


@mirrors(scipy.signal.csd, "scipy.signal.csd")
def csd(
    x: Any,
    y: Any,
    fs: Any = 1.0,
    window: Any = "hann",
    nperseg: int | None = None,
    noverlap: int | None = None,
    nfft: int | None = None,
    detrend: Any = "constant",
    return_onesided: bool = True,
    scaling: str = "density",
    axis: int = -1,
    average: str = "mean",
) -> tuple[Any, Any]:
    """`scipy.signal.csd`: the cross power spectral density, complex.

    The shorter signal is continued by zeros. Other arguments, and errors, as for `welch`.
    """
    name = "scipy.signal.csd"
    if x is y:
        return _welch(
            name, x, fs, window, nperseg, noverlap, nfft, detrend, return_onesided, scaling, axis,
            average,
        )  # fmt: skip
    (x, at), (y, _) = _signal_last(name, "x", x, axis), _signal_last(name, "y", y, axis)
    at -= x.ndim  # the other one may have more axes
    dtype = np.result_type(x.dtype, y.dtype)
    x, y = cast(x, dtype), cast(y, dtype)
    n = max(x.shape[-1], y.shape[-1])
    x, y = (np.pad(v, [(0, 0)] * (v.ndim - 1) + [(0, n - v.shape[-1])]) for v in (x, y))
    cut = _segments(name, x, fs, window, nperseg, noverlap, nfft, detrend, return_onesided)
    product = conjugate(cut.transforms(x)) * cut.transforms(y)
    power = cut.doubled(product * cut.scale(name, scaling))
    return cut.frequencies, np.moveaxis(_mean(name, power, average), -1, at)


@mirrors(scipy.signal.coherence, "scipy.signal.coherence")
def coherence(
    x: Any,
    y: Any,
    fs: Any = 1.0,
    window: Any = "hann",
    nperseg: int | None = None,
    noverlap: int | None = None,
    nfft: int | None = None,
    detrend: Any = "constant",
    axis: int = -1,
) -> tuple[Any, Any]:
    """`scipy.signal.coherence`: the squared cross spectrum over the product of both spectra."""
    options: dict[str, Any] = {
        "fs": fs, "window": window, "nperseg": nperseg, "noverlap": noverlap, "nfft": nfft,
        "detrend": detrend, "axis": axis,
    }  # fmt: skip
    f, pxx = welch(x, **options)
    pyy = welch(y, **options)[1]
    return f, _real_power(csd(x, y, **options)[1]) / pxx / pyy


# ------------------------------------------------------------------ spectra that change with time


@mirrors(scipy.signal.spectrogram, "scipy.signal.spectrogram")
def spectrogram(
    x: Any,
    fs: Any = 1.0,
    window: Any = ("tukey", 0.25),
    nperseg: int | None = None,
    noverlap: int | None = None,
    nfft: int | None = None,
    detrend: Any = "constant",
    return_onesided: bool = True,
    scaling: str = "density",
    axis: int = -1,
    mode: str = "psd",
) -> tuple[Any, Any, Any]:
    """`scipy.signal.spectrogram`: the spectrum of each segment.

    Returns frequencies, times, and the spectra with the frequencies along ``axis`` and the times
    last. Arguments and errors as for `welch`.
    """
    name = "scipy.signal.spectrogram"
    modes = ("psd", "complex", "magnitude", "angle", "phase")
    if mode not in modes:
        raise refuse(name, "mode", mode, modes)
    x, axis = _signal_last(name, "x", x, axis)
    if noverlap is None:
        length = 256 if nperseg is None else int(nperseg)
        if not isinstance(window, str | tuple):
            length = operand(window).shape[0]
        noverlap = min(length, x.shape[-1]) // 8
    cut = _segments(name, x, fs, window, nperseg, noverlap, nfft, detrend, return_onesided)
    z, scale = cut.transforms(x), cut.scale(name, scaling)
    if mode == "psd":
        y = cut.doubled(_real_power(z) * scale)
    elif mode == "complex":
        y = z * np.sqrt(scale)
    elif mode == "magnitude":
        y = np.abs(z * np.sqrt(scale))
    else:
        y = np.angle(z)
    y = np.moveaxis(np.swapaxes(y, -1, -2), -2, axis)
    if mode == "phase":
        y = np.unwrap(y, axis=axis)
    return cut.frequencies, cut.times(x.shape[-1]), y


@mirrors(scipy.signal.stft, "scipy.signal.stft")
def stft(
    x: Any,
    fs: Any = 1.0,
    window: Any = "hann",
    nperseg: int | None = 256,
    noverlap: int | None = None,
    nfft: int | None = None,
    detrend: Any = False,
    return_onesided: bool = True,
    boundary: str | None = "zeros",
    padded: bool = True,
    axis: int = -1,
    scaling: str = "spectrum",
) -> tuple[Any, Any, Any]:
    """`scipy.signal.stft`: the Fourier transform of each segment; linear in ``x``.

    Returns frequencies, times, and the transforms with the frequencies along ``axis`` and the times
    last. ``boundary`` is ``"zeros"``, ``"constant"``, ``"even"``, ``"odd"`` or None, ``scaling`` is
    ``"spectrum"`` or ``"psd"``; other arguments and errors as for `welch`.
    """
    name = "scipy.signal.stft"
    if scaling not in ("spectrum", "psd"):
        raise refuse(name, "scaling", scaling, ("spectrum", "psd"))
    if boundary not in (*_EXTENSIONS, "odd", None):
        raise refuse(name, "boundary", boundary, (*_EXTENSIONS, "odd", None))
    x, axis = _signal_last(name, "x", x, axis)
    cut = _segments(name, x, fs, window, nperseg, noverlap, nfft, detrend, return_onesided)
    length = cut.window.shape[0]
    half = length // 2
    flat = [(0, 0)] * (x.ndim - 1)
    if boundary is not None:
        how: dict[str, Any] = {"mode": _EXTENSIONS.get(boundary, "reflect")}
        if boundary == "odd":
            how["reflect_type"] = "odd"
        x = np.pad(x, [*flat, (half, half)], **how)
    if padded:
        x = np.pad(x, [*flat, (0, -(x.shape[-1] - length) % cut.step % length)])
    z = cut.transforms(x) * np.sqrt(cut.scale(name, "density" if scaling == "psd" else scaling))
    times = cut.times(x.shape[-1]) - (0 if boundary is None else length / 2 / cut.fs)
    return cut.frequencies, times, np.moveaxis(np.swapaxes(z, -1, -2), -2, axis)
