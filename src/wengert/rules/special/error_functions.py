"""The error function, the normal distribution and their relatives. DLMF chapter 7."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.special

from ..pointwise import POINTWISE, UFUNCS
from .declare import ufunc

__all__: list[str] = []

erfcx = scipy.special.erfcx
_TWO_OVER_ROOT_PI = 2 / math.sqrt(math.pi)
_HALF_ROOT_PI = math.sqrt(math.pi) / 2
_ROOT_TWO_PI = math.sqrt(2 * math.pi)
_ROOT_TWO_OVER_PI = math.sqrt(2 / math.pi)
_ROOT_HALF = math.sqrt(0.5)

UFUNCS[scipy.special.ndtri] = POINTWISE["ndtri"]


def _erfcx_slope(y: Any, x: Any) -> Any:
    """``2 x erfcx(x) - 2/sqrt(pi)``, which cancels for large x: there by DLMF 7.12.1."""
    if x.dtype.kind == "c":
        return 2 * x * y - _TWO_OVER_ROOT_PI
    far = x > 50
    t = 0.5 / np.square(np.where(far, x, 50.0))
    series = t * (-1 + t * (3 + t * (-15 + t * (105 - 945 * t))))
    return np.where(far, _TWO_OVER_ROOT_PI * series, 2 * x * y - _TWO_OVER_ROOT_PI)


ufunc("erf", lambda y, x: _TWO_OVER_ROOT_PI * np.exp(-x * x))
ufunc("erfc", lambda y, x: -_TWO_OVER_ROOT_PI * np.exp(-x * x))
ufunc("erfcx", _erfcx_slope)
ufunc("erfi", lambda y, x: _TWO_OVER_ROOT_PI * np.exp(x * x))
ufunc("dawsn", lambda y, x: 1 - 2 * x * y)
ufunc("wofz", lambda y, z: _TWO_OVER_ROOT_PI * 1j - 2 * z * y)
ufunc("erfinv", lambda y, x: _HALF_ROOT_PI * np.exp(y * y))
ufunc("erfcinv", lambda y, x: -_HALF_ROOT_PI * np.exp(y * y))

ufunc("ndtr", lambda y, x: np.exp(-0.5 * x * x) / _ROOT_TWO_PI)


def _log_ndtr_slope(x: Any) -> Any:
    """``phi(x) / Phi(x)`` without numbers that underflow on the left or overflow on the right."""
    if x.dtype.kind == "c":
        return _ROOT_TWO_OVER_PI / erfcx(x * -_ROOT_HALF)
    left, right = np.where(x < 0, x, 0), np.where(x < 0, 0, x)
    density = np.exp(-0.5 * right * right) / _ROOT_TWO_PI
    quotient = density / scipy.special.ndtr(right)
    return np.where(x < 0, _ROOT_TWO_OVER_PI / erfcx(left * -_ROOT_HALF), quotient)


ufunc("log_ndtr", lambda y, x: _log_ndtr_slope(x))
ufunc("ndtri_exp", lambda x, y: _ROOT_TWO_PI * np.exp(y + 0.5 * x * x))
