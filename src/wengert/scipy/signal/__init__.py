"""``scipy.signal`` for Tensors: convolutions, filters and spectra.

Owns the signatures; the operations are in `wengert.rules`. Plain arguments go to SciPy itself.
"""

from __future__ import annotations

from ..mirror import names
from .convolution import convolve, convolve2d, correlate, correlate2d, fftconvolve, oaconvolve
from .filtering import detrend, filtfilt, hilbert, lfilter, lfilter_zi, lfiltic, savgol_filter
from .resampling import resample
from .response import freqz, freqz_sos, sosfreqz
from .sections import sosfilt, sosfilt_zi, sosfiltfilt
from .spectral import coherence, csd, periodogram, spectrogram, stft, welch

__all__ = [
    "coherence",
    "convolve",
    "convolve2d",
    "correlate",
    "correlate2d",
    "csd",
    "detrend",
    "fftconvolve",
    "filtfilt",
    "freqz",
    "freqz_sos",
    "hilbert",
    "lfilter",
    "lfilter_zi",
    "lfiltic",
    "oaconvolve",
    "periodogram",
    "resample",
    "savgol_filter",
    "sosfilt",
    "sosfilt_zi",
    "sosfiltfilt",
    "sosfreqz",
    "spectrogram",
    "stft",
    "welch",
]

__getattr__, __dir__ = names(__name__, __all__)
