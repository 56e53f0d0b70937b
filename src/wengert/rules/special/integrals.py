"""Exponential, trigonometric and Fresnel integrals; the Voigt profile; the dilogarithm.

DLMF chapters 6, 7 and 25.
"""

from __future__ import annotations

import cmath
import math
from typing import Any

import numpy as np
import scipy.special

from .declare import refused, several, ufunc

__all__: list[str] = []

special: Any = scipy.special
_ROOT_PI = math.sqrt(math.pi)

# ------------------------------------------------------------------ exponential integrals


def _expn_slope(y: Any, n: Any, x: Any) -> Any:
    """``-E_(n-1)(x)``, DLMF 8.19.13; SciPy has no E of -1."""
    return np.where(n == 0, -y * (1 + 1 / x), -special.expn(np.maximum(n - 1, 0), x))


ufunc("exp1", lambda y, z: -np.exp(-z) / z)
ufunc("expi", lambda y, z: np.exp(z) / z)
ufunc("expn", refused("expn", "n", "it is an integer"), _expn_slope)

# ------------------------------------------------------------------ sine and cosine integrals


def _sinhc(x: Any) -> Any:
    """``sinh(x) / x``; its derivatives do not cancel near 0."""
    if x.dtype.kind == "c":
        return np.sinh(x) / x
    size = np.abs(x)
    return np.exp(size) * special.exprel(-2 * size)


def _sinc(x: Any) -> Any:
    return np.sin(x) / x if x.dtype.kind == "c" else np.sinc(x / np.pi)


several("sici", lambda outs, x: (_sinc(x), np.cos(x) / x))
several("shichi", lambda outs, x: (_sinhc(x), np.cosh(x) / x))

# ------------------------------------------------------------------ Fresnel integrals


def _fresnel_slopes(outs: Any, z: Any) -> tuple[Any, ...]:
    angle = 0.5 * np.pi * z * z
    return np.sin(angle), np.cos(angle)


def _modified_slopes(sign: int) -> Any:
    """Of ``F(x) = int_x^inf exp(i s t^2) dt`` and ``K = exp(-i s (x^2 + pi/4)) F / sqrt(pi)``."""
    phase = cmath.exp(-0.25j * sign * math.pi) / _ROOT_PI

    def slopes(outs: Any, x: Any) -> tuple[Any, ...]:
        return -np.exp(sign * 1j * x * x), -2j * sign * x * outs[1] - phase

    return slopes


several("fresnel", _fresnel_slopes)
several("modfresnelp", _modified_slopes(1))
several("modfresnelm", _modified_slopes(-1))

# ------------------------------------------------------------------ normal distributions


def _voigt_slopes(x: Any, sigma: Any, gamma: Any) -> tuple[Any, Any]:
    """In x and gamma, of ``Re w(z) / (sigma sqrt(2 pi))`` at ``(x + i gamma) / (sigma sqrt 2)``."""
    z = (x + 1j * gamma) / (sigma * math.sqrt(2))
    slope = (2j / _ROOT_PI - 2 * z * special.wofz(z)) / (2 * _ROOT_PI)
    return np.real(slope) / (sigma * sigma), -np.imag(slope) / (sigma * sigma)


def _voigt_in_sigma(y: Any, x: Any, sigma: Any, gamma: Any) -> Any:
    # the profile is homogeneous of degree -1
    in_x, in_gamma = _voigt_slopes(x, sigma, gamma)
    return -(y + x * in_x + gamma * in_gamma) / sigma


ufunc(
    "voigt_profile",
    lambda y, x, sigma, gamma: _voigt_slopes(x, sigma, gamma)[0],
    _voigt_in_sigma,
    lambda y, x, sigma, gamma: _voigt_slopes(x, sigma, gamma)[1],
)
ufunc(
    "owens_t",
    lambda y, h, a: (
        -np.exp(-0.5 * h * h) * special.erf(a * h * math.sqrt(0.5)) / (2 * math.sqrt(2 * math.pi))
    ),
    lambda y, h, a: np.exp(-0.5 * h * h * (1 + a * a)) / (2 * math.pi * (1 + a * a)),
)

# ------------------------------------------------------------------ dilogarithm

# log(z) / (1 - z), which is 2F1(1, 1; 2; 1 - z): exact at z = 1, too.
ufunc("spence", lambda y, z: -special.hyp2f1(1, 1, 2, 1 - z))
