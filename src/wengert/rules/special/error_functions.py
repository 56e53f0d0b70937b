"""The error function, the normal distribution and their relatives. DLMF chapter 7."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.special

from ...core.algebra import strong_product
from ..at_infinity import slope
from ..pointwise import POINTWISE, UFUNCS
from .declare import ufunc

__all__ = ["gaussian", "normal_density"]

erfcx = scipy.special.erfcx
_TWO_OVER_ROOT_PI = 2 / math.sqrt(math.pi)
_HALF_ROOT_PI = math.sqrt(math.pi) / 2
_ROOT_TWO_PI = math.sqrt(2 * math.pi)
_ROOT_TWO_OVER_PI = math.sqrt(2 / math.pi)
_ROOT_HALF = math.sqrt(0.5)
_FAR = 50.0  # from here on five terms of an asymptotic series reach full precision

UFUNCS[scipy.special.ndtri] = POINTWISE["ndtri"]


def _erfcx_slope(y: Any, x: Any) -> Any:
    """``2 x erfcx(x) - 2/sqrt(pi)``, which cancels for large x: there by DLMF 7.12.1."""
    if x.dtype.kind == "c":
        return 2 * x * y - _TWO_OVER_ROOT_PI
    far = x > _FAR
    r = 1 / np.where(far, x, _FAR)
    t = 0.5 * r * r
    series = t * (-1 + t * (3 + t * (-15 + t * (105 - 945 * t))))
    near = 2 * np.where(far, 0.0, x) * y - _TWO_OVER_ROOT_PI
    return np.where(far, _TWO_OVER_ROOT_PI * series, near)


def _dawsn_slope(y: Any, x: Any) -> Any:
    """``1 - 2 x dawsn(x)``, which cancels for large x: there by DLMF 7.12.1, too."""
    if x.dtype.kind == "c":
        return 1 - 2 * x * y
    far = np.abs(x) > _FAR
    r = 1 / np.where(far, x, _FAR)
    t = 0.5 * r * r
    series = -t * (1 + t * (3 + t * (15 + t * (105 + 945 * t))))
    return np.where(far, series, 1 - 2 * np.where(far, 0.0, x) * y)


gaussian = slope("gaussian", lambda x: np.exp(-x * x), lambda g, x: strong_product(g, -2 * x))
normal_density = slope(
    "normal_density",
    lambda x: np.exp(-0.5 * x * x) / _ROOT_TWO_PI,
    lambda g, x: strong_product(g, -x),
)

ufunc("erf", lambda y, x: _TWO_OVER_ROOT_PI * gaussian(x))
ufunc("erfc", lambda y, x: -_TWO_OVER_ROOT_PI * gaussian(x))
ufunc("erfcx", _erfcx_slope)
ufunc("erfi", lambda y, x: _TWO_OVER_ROOT_PI * np.exp(x * x))
ufunc("dawsn", _dawsn_slope)
ufunc("wofz", lambda y, z: _TWO_OVER_ROOT_PI * 1j - 2 * z * y)
ufunc("erfinv", lambda y, x: _HALF_ROOT_PI * np.exp(y * y))
ufunc("erfcinv", lambda y, x: -_HALF_ROOT_PI * np.exp(y * y))

ufunc("ndtr", lambda y, x: normal_density(x))


def _log_ndtr_slope(x: Any) -> Any:
    """``phi(x) / Phi(x)`` without numbers that underflow on the left or overflow on the right.

    Far on the left by its asymptotic series (the continued fraction of DLMF 7.9.2, expanded), whose
    derivative is -1 where that of the quotient is infinity over infinity.
    """
    if x.dtype.kind == "c":
        return _ROOT_TWO_OVER_PI / erfcx(x * -_ROOT_HALF)
    far, right = x < -_FAR, x >= 0
    r = -1 / np.where(far, x, -_FAR)
    u = r * r
    series = r * (1 - u * (2 - u * (10 - u * (74 - 706 * u)))) - np.where(far, x, -_FAR)
    left = np.where(far | right, 0, x)
    left = np.where(far, series, _ROOT_TWO_OVER_PI / erfcx(left * -_ROOT_HALF))
    x = np.where(right, x, 0)
    return np.where(right, normal_density(x) / scipy.special.ndtr(x), left)


def _ndtri_exp_slope(x: Any, y: Any) -> Any:
    """``sqrt(2 pi) exp(y + x^2 / 2)``; on the left, where that cancels, ``Phi(x) / phi(x)``."""
    left = x < 0
    right = np.exp(np.where(left, 0.0, y) + 0.5 * np.square(np.where(left, 0.0, x)))
    return np.where(left, 1 / _log_ndtr_slope(np.where(left, x, -1.0)), _ROOT_TWO_PI * right)


ufunc("log_ndtr", lambda y, x: _log_ndtr_slope(x))
ufunc("ndtri_exp", _ndtri_exp_slope)
