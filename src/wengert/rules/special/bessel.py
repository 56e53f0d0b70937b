"""Bessel functions and their relatives. DLMF chapters 9 to 11.

Derivatives are in the argument; they are functions of neighbouring orders (DLMF 10.6.1, 10.29.1),
which is exact at 0, too, where the forms with a division by x are not. In the order there is no
derivative here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special

from ..pointwise import pointwise
from .declare import function, real_only, refused, several, ufunc

__all__ = ["spherical", "spherical_slope"]

Rule = Callable[..., Any]
special: Any = scipy.special


def _order(name: str, slope: Rule, argument: str = "v", also: str = "") -> None:
    """A function of an order and an argument."""
    why = "no accurate derivative in the order of a Bessel function is known"
    ufunc(name, refused(name, argument, why), slope, also=also)


def _whole(n: Any) -> Any:
    """The order that ``yn`` and ``kn`` take: SciPy truncates."""
    return np.trunc(n)


# ------------------------------------------------------------------ cylindrical functions

ufunc("j0", lambda y, x: -special.j1(x))
ufunc("j1", lambda y, x: 0.5 * (special.j0(x) - special.jv(2, x)))
ufunc("y0", lambda y, x: -special.y1(x))
ufunc("y1", lambda y, x: special.y0(x) - y / x)
_order("jv", lambda y, v, x: 0.5 * (special.jv(v - 1, x) - special.jv(v + 1, x)), also="jn")
_order("yv", lambda y, v, x: 0.5 * (special.yv(v - 1, x) - special.yv(v + 1, x)))
_order(
    "yn", lambda y, n, x: 0.5 * (special.yn(_whole(n) - 1, x) - special.yn(_whole(n) + 1, x)), "n"
)
_order("hankel1", lambda y, v, z: 0.5 * (special.hankel1(v - 1, z) - special.hankel1(v + 1, z)))
_order("hankel2", lambda y, v, z: 0.5 * (special.hankel2(v - 1, z) - special.hankel2(v + 1, z)))
_order(
    "hankel1e",
    lambda y, v, z: 0.5 * (special.hankel1e(v - 1, z) - special.hankel1e(v + 1, z)) - 1j * y,
)
_order(
    "hankel2e",
    lambda y, v, z: 0.5 * (special.hankel2e(v - 1, z) - special.hankel2e(v + 1, z)) + 1j * y,
)
# Scaled by exp(-abs(z.imag)): for real arguments by 1, for complex ones not differentiable over C.
_order(
    "jve",
    real_only("jve", lambda y, v, x: 0.5 * (special.jve(v - 1, x) - special.jve(v + 1, x))),
)
_order(
    "yve",
    real_only("yve", lambda y, v, x: 0.5 * (special.yve(v - 1, x) - special.yve(v + 1, x))),
)

# ------------------------------------------------------------------ modified functions


def _i2(x: Any) -> Any:
    """``iv(2, x)``; SciPy's is NaN at the smallest numbers, where it vanishes, and the largest."""
    tiny = (np.abs(x) < 1e-100) & (x != 0)
    return np.where(tiny, 0.0, special.iv(2, np.clip(np.where(tiny, 1.0, x), -1e6, 1e6)))


def _i2e(y: Any, x: Any) -> Any:
    """``ive(2, x)``, far from 0 ``i0e(x) - 2 i1e(x) / x``; there SciPy's is NaN."""
    far = np.abs(x) > 1e6
    beyond = special.i0e(x) - 2 * y / np.where(far, x, 1.0)
    return np.where(far, beyond, special.ive(2, np.where(far, 1.0, x)))


ufunc("i0", lambda y, x: special.i1(x))
ufunc("i1", lambda y, x: 0.5 * (special.i0(x) + _i2(x)))
ufunc("i0e", lambda y, x: special.i1e(x) - np.sign(x) * y)
ufunc("i1e", lambda y, x: 0.5 * (special.i0e(x) + _i2e(y, x)) - np.sign(x) * y)
# k2(x) = k0(x) + 2 k1(x) / x, which SciPy does not have as far out; x + 0.0 is no -0.0.
ufunc("k0", lambda y, x: -special.k1(x))
ufunc("k1", lambda y, x: -special.k0(x) - y / (x + 0.0))
ufunc("k0e", lambda y, x: y - special.k1e(x))
ufunc("k1e", lambda y, x: -special.k0e(x) - y * (1 / (x + 0.0) - 1))
_order("iv", lambda y, v, x: 0.5 * (special.iv(v - 1, x) + special.iv(v + 1, x)))
_order("kv", lambda y, v, x: -0.5 * (special.kv(v - 1, x) + special.kv(v + 1, x)))
_order(
    "kn", lambda y, n, x: -0.5 * (special.kn(_whole(n) - 1, x) + special.kn(_whole(n) + 1, x)), "n"
)
_order("kve", lambda y, v, x: y - 0.5 * (special.kve(v - 1, x) + special.kve(v + 1, x)))
_order(
    "ive",
    real_only(
        "ive",
        lambda y, v, x: 0.5 * (special.ive(v - 1, x) + special.ive(v + 1, x)) - np.sign(x) * y,
    ),
)

# ------------------------------------------------------------------ spherical functions


def spherical(kind: str) -> Rule:
    """The spherical Bessel function ``spherical_KIND`` of a plain order and an argument."""
    return function(f"spherical_{kind}")


_SPHERICAL_SLOPES: dict[str, Rule] = {}


def spherical_slope(kind: str) -> Rule:
    """Its derivative in the argument."""
    return _SPHERICAL_SLOPES[kind]


def _spherical(kind: str, below: int, above: int) -> None:
    """Declare one: ``f_n' = (below n f_(n-1) + above (n + 1) f_(n+1)) / (2n + 1)``, DLMF 10.51."""
    name = f"spherical_{kind}"
    evaluate = getattr(scipy.special, name)

    def slope(n: Any, z: Any) -> Any:
        lower = below * n * spherical(kind)(np.maximum(n - 1, 0), z)
        return (lower + above * (n + 1) * spherical(kind)(n + 1, z)) / (2 * n + 1)

    _SPHERICAL_SLOPES[kind] = slope
    pointwise(
        name,
        evaluate,
        refused(name, "n", "it is an integer"),
        lambda y, n, z: slope(n, z),
        show=f"scipy.special.{name}({{0}}, {{1}})",
    )


_spherical("jn", 1, -1)
_spherical("yn", 1, -1)
_spherical("in", 1, 1)
_spherical("kn", -1, -1)

# ------------------------------------------------------------------ Airy functions


def _airy_slopes(outs: Any, x: Any) -> tuple[Any, ...]:
    ai, aip, bi, bip = outs
    return aip, x * ai, bip, x * bi


def _airye_slopes(outs: Any, x: Any) -> tuple[Any, ...]:
    # scaled by exp(+-2/3 x^(3/2)) for positive x, the second pair by 1 for negative x
    ai, aip, bi, bip = outs
    root = np.sqrt(np.maximum(x, 0))
    return aip + root * ai, x * ai + root * aip, bip - root * bi, x * bi - root * bip


def _falling_airy(x: Any) -> Any:
    """``Ai(x)``; SciPy's is NaN far on the right, where it has underflowed."""
    far = x > 200
    return np.where(far, 0.0, special.airy(np.where(far, 0.0, x))[0])


def _itairy_slopes(outs: Any, x: Any) -> tuple[Any, ...]:
    return _falling_airy(x), special.airy(x)[2], _falling_airy(-x), special.airy(-x)[2]


several("airy", _airy_slopes)
several("airye", real_only("airye", _airye_slopes))
several("itairy", _itairy_slopes)

# ------------------------------------------------------------------ Kelvin functions

# From the differential equation of f = ber + i bei (or ker + i kei): f'' = i f - f' / x, where
# f'(0) / 0 is i/2.
ufunc("ber", lambda y, x: special.berp(x))
ufunc("bei", lambda y, x: special.beip(x))
ufunc("ker", lambda y, x: special.kerp(x))
ufunc("kei", lambda y, x: special.keip(x))
ufunc("berp", lambda y, x: -special.bei(x) - y / (x + (x == 0)))
ufunc("beip", lambda y, x: special.ber(x) - y / (x + (x == 0)) - 0.5 * (x == 0))
ufunc("kerp", lambda y, x: -special.kei(x) - y / x)
ufunc("keip", lambda y, x: special.ker(x) - y / x)


def _kelvin_slopes(outs: Any, x: Any) -> tuple[Any, ...]:
    be, ke, bep, kep = outs
    at_zero = x == 0
    return bep, kep, 1j * be - bep / (x + at_zero) - 0.5j * at_zero, 1j * ke - kep / x


several("kelvin", _kelvin_slopes)

# ------------------------------------------------------------------ integrals

several("itj0y0", lambda outs, x: (special.j0(x), special.y0(x)))
several("iti0k0", lambda outs, x: (special.i0(x), special.k0(x)))


def _near_zero(x: Any, scale: float, sign: int, odd: int) -> Any:
    """``scale sum_k (sign x^2)^k / ((odd + 2) (odd + 4) ... (odd + 2k))^2``, for x in [-1, 1]."""
    total: Any = 0.0
    for k in range(9, 0, -1):
        total = (1 + total) * (sign * x * x / (odd + 2 * k) ** 2)
    return scale * (1 + total)


def _small(x: Any) -> tuple[Any, Any, Any]:
    """Whether x is near 0, x there, and x elsewhere."""
    near = np.abs(x) < 1
    return near, np.where(near, x, 0.0), np.where(near, 1.0, x)


def _bessel_quotient(sign: int, function: Rule) -> Rule:
    """``sign (f(x) - 1) / x`` of ``f = J0`` (sign -1) or ``I0``; 0 at 0."""

    def quotient(x: Any) -> Any:
        near, inner, outer = _small(x)
        series = inner / 4 * _near_zero_shifted(inner, sign)
        return np.where(near, series, sign * (function(outer) - 1) / outer)

    return quotient


def _near_zero_shifted(x: Any, sign: int) -> Any:
    """``sign (f(x) - 1) / (x^2 / 4)``: the series of ``f`` without its first term."""
    total: Any = 0.0
    for k in range(9, 1, -1):
        total = (1 + total) * (sign * x * x / (2 * k) ** 2)
    return 1 + total


def _struve_quotient(x: Any) -> Any:
    """``H0(x) / x``; 2/pi at 0."""
    near, inner, outer = _small(x)
    series = _near_zero(inner, 2 / math.pi, -1, 1)
    return np.where(near, series, special.struve(0, outer) / outer)


_j0_quotient = _bessel_quotient(-1, special.j0)
_i0_quotient = _bessel_quotient(1, special.i0)
several("it2j0y0", lambda outs, x: (_j0_quotient(x), -special.y0(x) / x))
several("it2i0k0", lambda outs, x: (_i0_quotient(x), -special.k0(x) / x))
ufunc("itstruve0", lambda y, x: special.struve(0, x))
ufunc("it2struve0", lambda y, x: -_struve_quotient(x))
ufunc("itmodstruve0", lambda y, x: special.modstruve(0, x))

_ROOT_PI = math.sqrt(math.pi)


def _struve_term(v: Any, x: Any) -> Any:
    return (0.5 * x) ** v * special.rgamma(v + 1.5) / _ROOT_PI


def _struve_slope(function: Rule, sign: int) -> Rule:
    """DLMF 11.4.25 to 11.4.27; order 0 without a function of order -1, which is infinite at 0."""

    def slope(y: Any, v: Any, x: Any) -> Any:
        none = np.equal(v, 0)
        some = np.where(none, 1.0, v)
        sides = function(some - 1, x) + sign * function(some + 1, x)
        usual = 0.5 * (sides + _struve_term(some, x))
        return np.where(none, 2 / math.pi + sign * function(1.0, x), usual)

    return slope


_order("struve", _struve_slope(special.struve, -1))
_order("modstruve", _struve_slope(special.modstruve, 1))

# ------------------------------------------------------------------ others


def _besselpoly_slope(y: Any, a: Any, power: Any, v: Any) -> Any:
    return special.besselpoly(a, power + 1, v - 1) - special.besselpoly(a, power + 1, v + 1)


ufunc("besselpoly", _besselpoly_slope, refused("besselpoly", "lmb"), refused("besselpoly", "nu"))
ufunc(
    "wright_bessel",
    refused("wright_bessel", "a"),
    refused("wright_bessel", "b"),
    lambda y, a, b, x: special.wright_bessel(a, b + a, x),
)
ufunc(
    "log_wright_bessel",
    refused("log_wright_bessel", "a"),
    refused("log_wright_bessel", "b"),
    lambda y, a, b, x: np.exp(special.log_wright_bessel(a, b + a, x) - y),
)
