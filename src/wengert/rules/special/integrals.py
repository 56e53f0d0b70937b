"""Exponential, trigonometric and Fresnel integrals; the Voigt profile; the dilogarithm.

DLMF chapters 6, 7 and 25.
"""

from __future__ import annotations

import cmath
import math
from typing import Any

import numpy as np
import scipy.special

from ...core.algebra import strong_product
from ...core.bind import bind
from ..at_infinity import arctan_slope
from .declare import float_dtype, numbered, refused, several, ufunc
from .error_functions import gaussian, normal_density

__all__ = ["voigt_derivative_p"]

special: Any = scipy.special
_ROOT_PI = math.sqrt(math.pi)
_ROOT_HALF = math.sqrt(0.5)

# ------------------------------------------------------------------ exponential integrals


def _expn_slope(y: Any, n: Any, x: Any) -> Any:
    """``-E_(n-1)(x)``, DLMF 8.19.13; SciPy has no E of -1."""
    n = np.trunc(n)  # as SciPy does
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


def _sici_slopes(outs: Any, x: Any) -> tuple[Any, ...]:
    """``sin(x) / x`` and ``cos(x) / x``, which are 0 at infinity."""
    if x.dtype.kind == "c":
        return np.sin(x) / x, np.cos(x) / x
    far = np.isinf(x)
    x = np.where(far, 1.0, x)
    return np.where(far, 0.0, np.sinc(x / np.pi)), np.where(far, 0.0, np.cos(x) / x)


several("sici", _sici_slopes)
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


_FAR = 8.0  # from here on the asymptotic series reaches full precision
_TERMS = 30


def _voigt_derivative(x: Any, sigma: Any, gamma: Any, n: int) -> Any:
    """The n-th derivative in x of ``w(z / (sigma sqrt 2)) / (sigma sqrt(2 pi))``.

    Here ``z = x + i gamma``, and w is the Faddeeva function.

    Near 0 by ``w' = 2i / sqrt(pi) - 2 z w`` and ``w^(n+1) = -2 z w^(n) - 2 n w^(n-1)``, which
    cancels where z is large: there by the derivatives of ``i / (pi z) sum_k (2k - 1)!! (sigma /
    z)^2k`` (DLMF 7.12.1), which for sigma = 0 are those of the Lorentz profile.
    """
    z, sigma = np.broadcast_arrays(np.asarray(x) + 1j * np.asarray(gamma), np.abs(sigma))
    with np.errstate(all="ignore"):
        scale = 1 / (sigma * math.sqrt(2))
        far = (z.imag >= 0) & (np.abs(z) >= _FAR * math.sqrt(2) * sigma)
        u = np.where(far, 0.0, z * scale)
        below, w = 0.0 * u, special.wofz(u)
        for k in range(n):
            below, w = w, -2 * u * w + (2j / _ROOT_PI if k == 0 else -2 * k * below)
        near = w * scale ** (n + 1) / _ROOT_PI
        ratio, total = np.square(np.where(far, sigma / z, 0.0)), np.zeros(z.shape, complex)
        for k in range(_TERMS - 1, 0, -1):
            # the term k over the one before: (2k - 1) (2k + n - 1) (2k + n) / ((2k - 1) (2k)) r
            total = (1 + total) * ratio * ((2 * k + n - 1) * (2 * k + n) / (2 * k))
        first = 1j * (-1) ** n * math.factorial(n) / math.pi / z ** (n + 1)
        infinite = np.isinf(z) | np.isinf(sigma)
        return np.where(infinite, 0.0, np.where(far, first * (1 + total), near))


def _evaluate_voigt(x: Any, sigma: Any, gamma: Any, n: int, part: str) -> Any:
    value = getattr(_voigt_derivative(x, sigma, gamma, n), part)
    return value.astype(float_dtype(x, sigma, gamma))[()]


def _voigt_jvp(ts: Any, ins: Any, out: Any, n: int, part: str) -> Any:
    # The profile solves the heat equation: its slope in sigma is sigma times its bend in x.
    other, sign = ("imag", -1) if part == "real" else ("real", 1)
    terms = []
    if ts[0] is not None:
        terms.append(ts[0] * _voigt(ins, n + 1, part))
    if ts[1] is not None:
        terms.append(ts[1] * (ins[1] * _voigt(ins, n + 2, part)))
    if ts[2] is not None:
        terms.append(ts[2] * (sign * _voigt(ins, n + 1, other)))
    return sum(terms[1:], terms[0])


voigt_derivative_p = numbered("voigt_derivative", _evaluate_voigt, _voigt_jvp)


def _voigt(args: tuple[Any, ...], n: int, part: str = "real") -> Any:
    return bind(voigt_derivative_p, args, {"n": n, "part": part})


ufunc(
    "voigt_profile",
    lambda y, x, sigma, gamma: _voigt((x, sigma, gamma), 1),
    lambda y, x, sigma, gamma: sigma * _voigt((x, sigma, gamma), 2),
    lambda y, x, sigma, gamma: -_voigt((x, sigma, gamma), 1, "imag"),
)
ufunc(
    "owens_t",
    # A slope a that is infinite makes a kink of h = 0, where the derivative is 0.
    lambda y, h, a: (
        -0.5 * strong_product(normal_density(h), special.erf(strong_product(h, a) * _ROOT_HALF))
    ),
    lambda y, h, a: strong_product(
        strong_product(gaussian(h * _ROOT_HALF), arctan_slope(a) / (2 * math.pi)),
        gaussian(a * h * _ROOT_HALF),
    ),
)

# ------------------------------------------------------------------ dilogarithm

# log(z) / (1 - z), which is 2F1(1, 1; 2; 1 - z): exact at z = 1, too.
ufunc("spence", lambda y, z: -special.hyp2f1(1, 1, 2, 1 - z))
