"""Derivatives of incomplete gamma and beta functions in their parameters, of any order.

Both are, up to elementary factors, integrals ``int_0^inf u^j v(u)^k w(u) du`` once the variable is
changed so that ``u`` is the logarithm that a derivative brings down. The weight ``w`` falls from 1
at ``u = 0`` without a maximum in between and on one scale, ``u`` and ``v`` do not change sign: so
nothing cancels, and one Gauss-Legendre rule reaches full precision everywhere. (Power series and
continued fractions need a number of terms that grows like the root of the parameters.) Derivatives
are coefficients of truncated Taylor series in the parameters, multiplied by the ones of the
elementary factors and by SciPy's value of the function.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import scipy.special

__all__ = ["betainc_derivative", "gammainc_derivative"]

Array = Any
Series = list[list[Array]]
"""Taylor coefficients in two small variables: ``c[j][k]`` of ``e^j d^k``."""

_NODES = 80
_DEPTH = 45.0  # the weight is cut off where it has fallen by exp(-45)
_BLOCK = 1 << 19  # elements of an intermediate array


# ------------------------------------------------------------------ truncated Taylor series


def _series(m: int, n: int) -> Series:
    return [[0.0] * (n + 1) for _ in range(m + 1)]


def _product(f: Series, g: Series) -> Series:
    m, n = len(f) - 1, len(f[0]) - 1
    h = _series(m, n)
    for j in range(m + 1):
        for k in range(n + 1):
            h[j][k] = sum(f[i][s] * g[j - i][k - s] for i in range(j + 1) for s in range(k + 1))
    return h


def _exponential(f: Series) -> Series:
    """``exp(f)`` for ``f`` without a constant term, by ``h' = f' h`` in one of the variables."""
    m, n = len(f) - 1, len(f[0]) - 1
    h = _series(m, n)
    h[0][0] = 1.0
    for j in range(m + 1):
        for k in range(n + 1):
            if j:
                terms = [
                    i * f[i][s] * h[j - i][k - s] for i in range(1, j + 1) for s in range(k + 1)
                ]
                h[j][k] = sum(terms) / j
            elif k:
                h[j][k] = sum(s * f[0][s] * h[0][k - s] for s in range(1, k + 1)) / k
    return h


def _log_gamma(a: Array, order: int) -> list[Array]:
    """Taylor coefficients of ``gammaln(a + e)`` but for the first two."""
    polygamma = scipy.special.polygamma
    return [0.0, 0.0, *(polygamma(k - 1, a) / math.factorial(k) for k in range(2, order + 1))]


def _digamma_less_log(a: Array) -> Array:
    """``digamma(a) - log(a)`` without cancellation for large ``a`` (DLMF 5.11.2)."""
    t = 1 / np.square(np.maximum(a, 10.0))
    tail = 1 / 12 - t * (
        1 / 120 - t * (1 / 252 - t * (1 / 240 - t * (1 / 132 - t * (691 / 32760 - t / 12))))
    )
    return np.where(a < 10, scipy.special.digamma(a) - np.log(a), -0.5 / a - t * tail)


# ------------------------------------------------------------------ quadrature


@cache
def _rule() -> tuple[Array, Array]:
    """Nodes ``u/U`` and weights ``du/U`` on (0, 1), dense near zero: ``u = U t^2``."""
    t, w = np.polynomial.legendre.leggauss(_NODES)
    t = (t + 1) / 2
    return t * t, w * t


def _moments(
    width: Array, factors: Callable[[Array], tuple[Array, Array]], m: int, n: int
) -> Series:
    """``int_0^width u^j v^k w du / (j! k!)`` where ``factors(u)`` is ``(log w, v)``."""
    nodes, weights = _rule()
    total = _series(m, n)
    block = max(_BLOCK // max(width.size, 1), 1)
    for start in range(0, _NODES, block):
        u = nodes[start : start + block, None] * width
        log_w, v = factors(u)
        w = np.exp(log_w) * weights[start : start + block, None]
        for j in range(m + 1):
            p = w
            for k in range(n + 1):
                total[j][k] = total[j][k] + p.sum(axis=0)
                p = p * v / (k + 1) if k < n else p
            w = w * u / (j + 1) if j < m else w
    return [[c * width for c in row] for row in total]


def _compact(function: Callable[..., Array], *args: Array) -> Array:
    """The function on flat arrays of the finite elements, in double precision; NaN elsewhere."""
    args = np.broadcast_arrays(*[np.asarray(x, float) for x in args])
    good = np.logical_and.reduce([np.isfinite(x) for x in args])
    out = np.full(args[0].shape, np.nan)
    with np.errstate(all="ignore"):
        out[good] = function(*[x[good] for x in args])
    return out


# ------------------------------------------------------------------ incomplete gamma function


def gammainc_derivative(a: Array, x: Array, order: int) -> Array:
    """The ``order``-th derivative of ``gammainc(a, x)`` in ``a``, for ``order >= 1``.

    For ``x <= a + 1``: ``P(a, x) = x^a e^-x / Gamma(a + 1) (1 + x int w)`` with ``w = exp(-(a + 1)
    u - x (e^-u - 1))``, from ``t = x e^-u`` in the definition of ``P(a + 1, x)`` (DLMF 8.2.4,
    8.8.5). Else ``1 - P = x^a e^-x / Gamma(a) int w`` with ``w = exp(a u - x (e^u - 1))``.
    """
    shape = np.broadcast_shapes(np.shape(a), np.shape(x))
    infinite = np.broadcast_to(np.isposinf(x) & (np.asarray(a) > 0), shape)
    y = _compact(lambda a, x: _gammainc_derivative(a, x, order), a, x)
    return np.where(infinite, 0.0, y)


def _gammainc_derivative(a: Array, x: Array, order: int) -> Array:
    y = np.full(a.shape, np.nan)
    low = (x > 0) & (x <= a + 1) & (a >= 0)
    high = (x > a + 1) & (a >= 0)
    y[(x == 0) & (a > 0)] = 0.0
    if low.any():
        y[low] = _lower(a[low], x[low], order)
    if high.any():
        # At a = 0 the value is zero and the slope is not: see the factor 1 + e/a.
        y[high] = -_upper(np.maximum(a[high], 1e-150), x[high], order)
    return math.factorial(order) * y


def _gamma_factor(a: Array, x: Array, order: int) -> Series:
    """``exp(e log(x) - gammaln(a + 1 + e) + gammaln(a + 1))`` as a series in e."""
    f = [[-c] for c in _log_gamma(a + 1, order)][: order + 1]
    f[1][0] = np.log(x / (a + 1)) - _digamma_less_log(a + 1)
    return _exponential(f)


def _lower(a: Array, x: Array, order: int) -> Array:
    width = (_DEPTH + x) / (a + 1)
    for _ in range(8):  # Newton's method from the right, on a concave function
        fall = _DEPTH - (a + 1) * width - x * np.expm1(-width)
        width = width + fall / (a + 1 - x * np.exp(-width))
    m = _moments(width, lambda u: (-(a + 1) * u - x * np.expm1(-u), u), order, 0)
    s = [[x * (-1) ** j * c[0]] for j, c in enumerate(m)]
    s[0][0] = 1 + s[0][0]
    s = [[c[0] / s[0][0]] for c in s]
    return scipy.special.gammainc(a, x) * _product(_gamma_factor(a, x, order), s)[order][0]


def _upper(a: Array, x: Array, order: int) -> Array:
    # (x - a) u + x u^2 / 2 is no more than what the weight has fallen by
    width = 2 * _DEPTH / (x - a + np.sqrt((x - a) ** 2 + 2 * _DEPTH * x))
    m = _moments(width, lambda u: (a * u - x * np.expm1(u), u), order, 0)
    s = [[c[0] / m[0][0]] for c in m]
    ratio = _series(order, 0)
    ratio[0][0], ratio[1][0] = 1.0, 1 / a  # Gamma(a) (a + e) / Gamma(a + 1)
    s = _product(s, ratio)
    return scipy.special.gammaincc(a, x) * _product(_gamma_factor(a, x, order), s)[order][0]


# ------------------------------------------------------------------ incomplete beta function


def betainc_derivative(a: Array, b: Array, x: Array, m: int, n: int) -> Array:
    """The derivative of ``betainc(a, b, x)``, m times in ``a`` and n times in ``b``, m + n >= 1.

    For ``x <= (a + 1) / (a + b + 2)``: ``I = x^a (1 - x)^b Gamma(a + b) / (Gamma(a + 1) Gamma(b))
    (1 + (a + b) z int w)`` with ``z = x / (1 - x)`` and ``w = exp(-(a + 1) u) ((1 - x e^-u) / (1 -
    x))^(b - 1)``, from ``t = x e^-u`` in the definition of ``I(a + 1, b)`` (DLMF 8.17.20). Else
    from ``I_x(a, b) = 1 - I_(1-x)(b, a)``.
    """
    return _compact(lambda a, b, x: _betainc_derivative(a, b, x, m, n), a, b, x)


def _betainc_derivative(a: Array, b: Array, x: Array, m: int, n: int) -> Array:
    y = np.full(a.shape, np.nan)
    inside = (a > 0) & (b > 0) & (x > 0) & (x < 1)
    y[(a > 0) & (b > 0) & ((x == 0) | (x == 1))] = 0.0
    # The function is 0 where b = 0, and 1 where a = 0: constant in the other parameter.
    if n == 0:
        y[(b == 0) & (a > 0) & (x >= 0) & (x < 1)] = 0.0
    if m == 0:
        y[(a == 0) & (b > 0) & (x > 0) & (x <= 1)] = 0.0
    low = inside & (x <= (a + 1) / (a + b + 2))
    high = inside & ~low
    if low.any():
        value = scipy.special.betainc(a[low], b[low], x[low])
        y[low] = _beta_side(value, a[low], b[low], x[low], 1 - x[low], m, n)
    if high.any():
        value = scipy.special.betaincc(a[high], b[high], x[high])
        y[high] = -_beta_side(value, b[high], a[high], 1 - x[high], x[high], n, m)
    return math.factorial(m) * math.factorial(n) * y


def _beta_side(value: Array, a: Array, b: Array, x: Array, rest: Array, m: int, n: int) -> Array:
    """The Taylor coefficient of the incomplete beta function; ``rest`` is ``1 - x``."""
    z, total = x / rest, a + b

    def factors(u: Array) -> tuple[Array, Array]:
        v = np.log1p(-z * np.expm1(-u))
        return (b - 1) * v - (a + 1) * u, v

    width = (_DEPTH + np.maximum(b - 1, 0) * np.log1p(z)) / (a + 1)
    for _ in range(8):  # Newton's method from the right where log w is concave; else width is right
        log_w, v = factors(width)
        slope = (b - 1) * z * np.exp(-width - v) - (a + 1)
        width = np.where(b > 1, width - (log_w + _DEPTH) / slope, width)
    s = _moments(width, factors, m, n)
    for j in range(m + 1):
        for k in range(n + 1):
            # the series of total / (total + e + d) has binomial coefficients
            c = (-1) ** (j + k) * math.comb(j + k, j) / total ** (j + k)
            s[j][k] = c + total * z * (-1) ** j * s[j][k]
    s = [[c / s[0][0] for c in row] for row in s]
    reciprocal = _series(m, n)  # Gamma(b) (b + d) / Gamma(b + 1)
    reciprocal[0][0] = 1.0
    if n:
        reciprocal[0][1] = 1 / b
    f = _product(_exponential(_beta_exponent(a, b, x, rest, m, n)), reciprocal)
    return value * _product(f, s)[m][n]


def _beta_exponent(a: Array, b: Array, x: Array, rest: Array, m: int, n: int) -> Series:
    """The series of ``log(x^e (1-x)^d Gamma(a+b+1+e+d) / (Gamma(a+1+e) Gamma(b+1+d)))``.

    Without the constant term.
    """
    sums = _log_gamma(a + b + 1, m + n)
    f = [[math.comb(j + k, j) * sums[j + k] for k in range(n + 1)] for j in range(m + 1)]
    for j, c in enumerate(_log_gamma(a + 1, m)[: m + 1]):
        f[j][0] = f[j][0] - c
    for k, c in enumerate(_log_gamma(b + 1, n)[: n + 1]):
        f[0][k] = f[0][k] - c
    whole = _digamma_less_log(a + b + 1)
    if m:
        f[1][0] = np.log(x * ((a + b + 1) / (a + 1))) + whole - _digamma_less_log(a + 1)
    if n:
        f[0][1] = np.log(rest * ((a + b + 1) / (b + 1))) + whole - _digamma_less_log(b + 1)
    return f
