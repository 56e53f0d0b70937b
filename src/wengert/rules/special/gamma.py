"""The gamma function and its relatives. DLMF chapter 5."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.special

from ...core.bind import bind
from ..pointwise import POINTWISE, pointwise
from .declare import float_dtype, refused, ufunc

__all__ = ["polygamma"]

digamma = scipy.special.digamma


# ------------------------------------------------------------------ polygamma


# SciPy adds up a term for each unit of the way from x to 0: at -1e10 it does not return.
_FAR_LEFT = -1e3


def _polynomial_of_cotangent(n: int) -> Any:
    """The p whose ``p(cot w)`` is the n-th derivative of ``cot w``, from ``c' = -1 - c^2``."""
    p = np.polynomial.Polynomial([0.0, 1.0])
    for _ in range(n):
        p = -p.deriv() * np.polynomial.Polynomial([1.0, 0.0, 1.0])
    return p


def _cotangent_derivative(z: Any, n: int) -> Any:
    """The n-th derivative of ``pi cot(pi z)`` for complex z."""
    p = _polynomial_of_cotangent(n)
    # cot(w) = i (q + 1) / (q - 1) with q = exp(2iw); of q and 1/q the one that does not overflow
    upper = z.imag >= 0
    q = np.exp(2j * np.pi * np.where(upper, z, -z))
    c = np.where(upper, 1, -1) * 1j * (q + 1) / (q - 1)
    return math.pi ** (n + 1) * p(c)


def _complex_polygamma(n: int, z: Any) -> Any:
    """By reflection (DLMF 5.15.6), recurrence (5.15.5) and the asymptotic series (5.15.8)."""
    z = np.asarray(z, complex)
    left = z.real < 0
    w = np.where(left, 1 - z, z)
    total = np.zeros_like(w)
    for _ in range(20):
        near = w.real < 20
        total = total + np.where(near, 1 / np.where(near, w, 1) ** (n + 1), 0)
        w = np.where(near, w + 1, w)
    total *= math.factorial(n)
    total += math.factorial(n - 1) / w**n + math.factorial(n) / (2 * w ** (n + 1))
    bernoulli = scipy.special.bernoulli(24)
    for k in range(1, 13):
        factor = bernoulli[2 * k] * math.factorial(2 * k + n - 1) / math.factorial(2 * k)
        total += factor / w ** (2 * k + n)
    total *= (-1) ** (n + 1)
    reflected = (-1) ** n * total - _cotangent_derivative(np.where(left, z, 0.5), n)
    return np.where(left, reflected, total)


def _far_left_polygamma(n: int, x: Any) -> Any:
    """By reflection (DLMF 5.15.6), for ``n > 0`` and finite x; infinite at the poles."""
    rest = x - np.rint(x)
    pole = rest == 0
    slope = _polynomial_of_cotangent(n)(1 / np.tan(np.pi * np.where(pole, 0.5, rest)))
    mirrored = -math.factorial(n) * scipy.special.zeta(n + 1, 1 - x)
    return np.where(pole, (-1) ** (n + 1) * np.inf, mirrored - math.pi ** (n + 1) * slope)


def _polygamma(n: Any, x: Any) -> Any:
    values = _left_to_scipy(n, x)
    far = (x < _FAR_LEFT) & np.isfinite(x)
    if not np.any(far):
        return values
    orders, x64 = np.asarray(n), np.asarray(x, float)
    values = np.asarray(values)
    for order in np.unique(orders[orders > 0]).tolist():
        reflected = _far_left_polygamma(int(order), np.where(far, x64, _FAR_LEFT - 0.5))
        values = np.where(far & (orders == order), reflected.astype(values.dtype), values)
    return values[()]


def _left_to_scipy(n: Any, x: Any) -> Any:
    """SciPy's polygamma, but for x far to the left."""
    dtype = float_dtype(x) if hasattr(x, "dtype") else np.dtype(float)
    positive = np.greater(n, 0)
    x = np.where(positive & (x < _FAR_LEFT) & np.isfinite(x), 1.0, x)
    if type(n) is int and n > 0:  # SciPy's computes digamma as well, for arrays of n
        return ((-1) ** (n + 1) * float(math.factorial(n)) * scipy.special.zeta(n + 1, x)).astype(
            dtype
        )
    return np.asarray(scipy.special.polygamma(n, x)).astype(dtype)[()]


def _polygamma_of_complex(n: Any, z: Any) -> Any:
    orders = np.asarray(n)
    values = np.asarray(scipy.special.digamma(z)) + 0 * orders
    for order in np.unique(orders[orders > 0]).tolist():
        values = np.where(orders == order, _complex_polygamma(int(order), z), values)
    return values.astype(float_dtype(z))[()]


_NUMBER = refused("polygamma", "n", "it is the number of a derivative")

pointwise(
    "polygamma",
    _polygamma,
    _NUMBER,
    lambda y, n, x: polygamma(n + 1, x),
    show="scipy.special.polygamma({0}, {1})",
)
# An operation of its own, since SciPy has none whose text a listing could show.
complex_polygamma_p = pointwise(
    "complex_polygamma", _polygamma_of_complex, _NUMBER, lambda y, n, z: polygamma(n + 1, z)
)
complex_polygamma_p.show = None


def polygamma(n: Any, x: Any) -> Any:
    """The ``n``-th derivative of digamma, of real or complex numbers."""
    of_complex = getattr(getattr(x, "dtype", None), "kind", "f") == "c"
    return bind(POINTWISE["complex_polygamma" if of_complex else "polygamma"], (n, x), {})


# ------------------------------------------------------------------ gamma and logarithms


_NOTHING_LEFT = 200.0  # from here on 1 / gamma(x) underflows


def _rgamma_slope(y: Any, x: Any) -> Any:
    """``-rgamma(x) digamma(x)``, and at the poles of digamma its limit (-1)^n n!.

    Left of 1/2 by reflection: ``rgamma(x) = gamma(1 - x) sin(pi x) / pi``.
    """
    if x.dtype.kind == "c":
        return -y * digamma(x)
    left = np.where(x < 0.5, x, 0.25)
    right = np.where((x < 0.5) | (x >= _NOTHING_LEFT), 0.75, x)
    sine, cosine = np.sin(np.pi * left), np.cos(np.pi * left)
    mirrored = scipy.special.gamma(1 - left) * (cosine - digamma(1 - left) * sine / np.pi)
    usual = -scipy.special.rgamma(right) * digamma(right)
    return np.where(x < 0.5, mirrored, np.where(x < _NOTHING_LEFT, usual, 0.0))


ufunc("psi", lambda y, x: polygamma(1, x), also="digamma")
ufunc("gamma", lambda y, x: y * digamma(x))
ufunc("gammaln", lambda y, x: digamma(x))
ufunc("loggamma", lambda y, x: digamma(x))
ufunc("rgamma", _rgamma_slope)
ufunc("gammasgn", None)

# ------------------------------------------------------------------ beta


def _at_pole(x: Any) -> Any:
    """Where gamma has poles: at 0, -1, -2, ..."""
    return (x <= 0) & (x == np.floor(x))


def _poch_slope(z: Any, x: Any, m: Any) -> Any:
    """``z (psi(x + m) - psi(x))``; and where x is a pole what remains of it.

    If x + m is none, the function ``gamma(x + m) rgamma(x)`` is 0 there; if both are, by reflection
    ``psi(x + m) - psi(x) = psi(1 - x - m) - psi(1 - x)``, since m is an integer.
    """
    if getattr(getattr(z, "dtype", None), "kind", "f") == "c":
        return z * (digamma(x + m) - digamma(x))
    pole, double = _at_pole(x), _at_pole(x) & _at_pole(x + m)
    single = pole & ~double
    low, high = np.where(pole, 1.0, x), np.where(pole, 1.0, x + m)
    usual = z * (digamma(high) - digamma(low))
    left, top = np.where(single, x, 1.0), np.where(single, x + m, 1.0)
    zero = scipy.special.gamma(top) * _rgamma_slope(None, left)
    mirrored = np.where(double, x, 0.0), np.where(double, x + m, 0.0)
    both = z * (digamma(1 - mirrored[1]) - digamma(1 - mirrored[0]))
    return np.where(single, zero, np.where(double, both, usual))


def _beta_slope(z: Any, a: Any, b: Any) -> Any:
    """In a: ``z (psi(a) - psi(a + b))``, which vanishes at infinity."""
    far = np.isinf(a) | np.isinf(b)
    a, b = np.where(far, 1.0, a), np.where(far, 1.0, b)
    return np.where(far, 0.0, z * (digamma(a) - digamma(a + b)))


ufunc(
    "beta",
    lambda z, a, b: _beta_slope(z, a, b),
    lambda z, a, b: _beta_slope(z, b, a),
)
ufunc(
    "betaln",
    lambda z, a, b: digamma(a) - digamma(a + b),
    lambda z, a, b: digamma(b) - digamma(a + b),
)
ufunc("poch", _poch_slope, lambda z, x, m: z * digamma(x + m))


def _binom_part(z: Any, n: Any, k: Any) -> Any:
    """``-z psi(n - k + 1)``, and where that is 0 times infinity its limit.

    ``n`` is greater than -1 there; ``rgamma`` has zeros with slopes.
    """
    pole = _at_pole(n - k + 1) & (n > -1)
    inner = np.where(pole, 1.0, n - k + 1)
    above, below = np.where(pole, n, 0.0), np.where(pole, k, 0.0)
    ratio = np.exp(scipy.special.gammaln(above + 1) - scipy.special.gammaln(below + 1))
    zero = ratio * _rgamma_slope(None, np.where(pole, n - k + 1, 1.0))
    return np.where(pole, zero, -z * digamma(inner))


ufunc(
    "binom",
    lambda z, n, k: z * digamma(n + 1) + _binom_part(z, n, k),
    lambda z, n, k: _binom_part(z, n, n - k) - _binom_part(z, n, k),
)
