"""Functions that are elementary, but for how they avoid cancellation and overflow."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.special

from ..at_infinity import power_slope, power_slope_in_exponent
from ..pointwise import pointwise
from .declare import behind, function, refused, same_as, ufunc

__all__ = ["exprel_slope", "lambertw"]

special: Any = scipy.special
_DEGREE = math.pi / 180

for _name in ("cbrt", "exp2", "expm1", "log1p"):
    same_as(_name, _name)
same_as("round", "rint")

ufunc("exp10", lambda y, x: math.log(10) * y)


def exprel_slope(x: Any) -> Any:
    """``((x - 1) exp(x) + 1) / x^2``, near 0 as ``1F1(2; 3; x) / 2``.

    SciPy's 1F1 adds up as many terms as x has units, and does not return for infinite ones.
    """
    near = np.abs(x) < 30
    outside = np.where(near, 30.0, x)
    over = outside > 800  # exp(x) is infinite there, and the quotient below inf / inf
    moderate = np.where(over, 30.0, outside)
    r = 1 / moderate
    far = np.exp(moderate) * (1 - r) * r + r * r
    far = np.where(over, np.exp(outside), far)
    return np.where(near, 0.5 * special.hyp1f1(2, 3, np.where(near, x, 0.0)), far)


ufunc("exprel", lambda y, x: exprel_slope(x))
ufunc("cosm1", lambda y, x: -np.sin(x))
ufunc(
    "powm1",
    lambda z, x, y: power_slope(x, y),
    lambda z, x, y: power_slope_in_exponent(z + 1, x),
)

# ------------------------------------------------------------------ angles in degrees

ufunc("sindg", lambda y, x: _DEGREE * special.cosdg(x))
ufunc("cosdg", lambda y, x: -_DEGREE * special.sindg(x))
ufunc("tandg", lambda y, x: _DEGREE * (1 + y * y))
ufunc("cotdg", lambda y, x: -_DEGREE * (1 + y * y))
ufunc(
    "radian",
    lambda y, d, m, s: _DEGREE,
    lambda y, d, m, s: _DEGREE / 60,
    lambda y, d, m, s: _DEGREE / 3600,
)

# ------------------------------------------------------------------ Box and Cox


def _slope_in_power(log: Any, power: Any) -> Any:
    """The derivative of ``(exp(p l) - 1) / p`` in p is ``l^2 exprel'(p l)``: exact at p = 0."""
    t = power * log
    far = t < -30  # (1 + (t - 1) exp(t)) / p^2, which is 1 / p^2 where the logarithm is infinite
    safe, limited = np.where(far, power, 1.0), np.where(far, np.maximum(t, -800.0), -800.0)
    limit = (1 + (limited - 1) * np.exp(limited)) / (safe * safe)
    log = np.where(far, 0.0, log)
    return np.where(far, limit, log * log * exprel_slope(power * log))


def _inverse_slope_in_power(y: Any, power: Any) -> Any:
    """The derivative of ``log1p(p y) / p`` in p; ``log1p(t)/t = 2F1(1, 1; 2; -t)``."""
    return -0.5 * y * y * special.hyp2f1(2, 2, 3, -power * y)


ufunc(
    "boxcox",
    lambda z, x, p: np.where(x >= 0, x, np.nan) ** (p - 1),
    lambda z, x, p: _slope_in_power(np.log(x), p),
)
ufunc(
    "boxcox1p",
    lambda z, x, p: np.where(x >= -1, 1 + x, np.nan) ** (p - 1),
    lambda z, x, p: _slope_in_power(np.log1p(x), p),
)
ufunc(
    "inv_boxcox",
    lambda x, y, p: x ** (1 - p),
    lambda x, y, p: x * _inverse_slope_in_power(y, p),
)
ufunc(
    "inv_boxcox1p",
    lambda x, y, p: (1 + x) ** (1 - p),
    lambda x, y, p: (1 + x) * _inverse_slope_in_power(y, p),
)

# ------------------------------------------------------------------ losses

ufunc(
    "huber",
    lambda z, d, r: np.maximum(np.abs(r) - d, 0),
    lambda z, d, r: np.clip(r, -d, d),
)


def _pseudo_huber_in_delta(z: Any, d: Any, r: Any) -> Any:
    # 2 d (s - 1) - r^2 / (d s) with s = sqrt(1 + (r/d)^2), without its cancellation
    square = np.square(r / d)
    s = np.sqrt(1 + square)
    return d * square * square / (s * np.square(1 + s))


def _pseudo_huber_in_residual(z: Any, d: Any, r: Any) -> Any:
    far = np.isinf(r)
    w = np.where(far, 0.0, r)
    return np.where(far, d * np.sign(r), w / np.sqrt(1 + np.square(w / d)))


ufunc(
    "pseudo_huber",
    _pseudo_huber_in_delta,
    _pseudo_huber_in_residual,
)

# ------------------------------------------------------------------ Lambert's function

pointwise(
    "lambertw",
    scipy.special.lambertw,
    lambda w, z, k, tol: np.exp(-w) / (1 + w),
    refused("lambertw", "k", "it numbers the branches"),
    None,
    show="scipy.special.lambertw({0}, {1}, {2})",
)
lambertw = function("lambertw")
behind("_lambertw", "lambertw")


def _wrightomega_slope(w: Any, z: Any) -> Any:
    """``w / (1 + w)``, which goes to 1 as w goes to infinity."""
    if z.dtype.kind == "c":
        return w / (1 + w)
    large = w > 1
    small = np.where(large, 1.0, w)
    return np.where(large, 1 / (1 + 1 / np.where(large, w, 1.0)), small / (1 + small))


ufunc("wrightomega", _wrightomega_slope)
