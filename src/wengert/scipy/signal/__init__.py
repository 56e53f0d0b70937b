"""``scipy.signal`` for Tensors: convolutions and filters.

Owns the signatures; the operations are in `wengert.rules`. Plain arguments go to SciPy itself.
"""

from __future__ import annotations

from ..mirror import names
from .convolution import convolve, convolve2d, correlate, correlate2d, fftconvolve, oaconvolve
from .filtering import detrend, filtfilt, hilbert, lfilter, lfilter_zi, savgol_filter, sosfilt

__all__ = [
    "convolve",
    "convolve2d",
    "correlate",
    "correlate2d",
    "detrend",
    "fftconvolve",
    "filtfilt",
    "hilbert",
    "lfilter",
    "lfilter_zi",
    "oaconvolve",
    "savgol_filter",
    "sosfilt",
]

__getattr__, __dir__ = names(__name__, __all__)
