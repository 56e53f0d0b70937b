"""More distributions of positive numbers: halves of symmetric ones, powers and inverses."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special as sc

from ...rules.quantiles import invgauss_log_density, invgauss_quantile
from .base import inverse, log_one_minus_exp, replaced
from .continuous import Continuous

__all__ = [
    "chi",
    "f",
    "fisk",
    "halfcauchy",
    "halflogistic",
    "halfnorm",
    "invgamma",
    "invgauss",
    "levy",
    "lognorm",
    "lomax",
    "maxwell",
    "rayleigh",
]

_LOG_TWO = math.log(2)
_LOG_ROOT_TWO_PI = math.log(2 * math.pi) / 2
_ROOT_HALF = math.sqrt(0.5)


def _like(x: Any, value: float) -> Any:
    """A number of the dtype of ``x``: with Python's numbers SciPy's functions give float64."""
    return x.dtype.type(value)


class HalfLine(Continuous):
    """A distribution of positive numbers."""

    lower = 0.0
    inside = 1.0


# ------------------------------------------------------------------ halves of symmetric ones


class HalfNormal(HalfLine):
    """The absolute value of a standard normal variable."""

    name = "halfnorm"

    def _logpdf(self, z: Any) -> Any:
        return _LOG_TWO - _LOG_ROOT_TWO_PI - 0.5 * z**2

    def _cdf(self, z: Any) -> Any:
        return sc.erf(_ROOT_HALF * z)

    def _sf(self, z: Any) -> Any:
        return 2.0 * sc.ndtr(-z)

    def _logsf(self, z: Any) -> Any:
        return _LOG_TWO + sc.log_ndtr(-z)

    def _ppf(self, q: Any) -> Any:
        return math.sqrt(2) * sc.erfinv(q)

    def _isf(self, q: Any) -> Any:
        return -sc.ndtri(0.5 * q)


class HalfCauchy(HalfLine):
    """The absolute value of a Cauchy variable."""

    name = "halfcauchy"

    def _logpdf(self, z: Any) -> Any:
        # hypot: 1 + z^2 would overflow for z > 1e154
        return math.log(2 / math.pi) - 2.0 * np.log(np.hypot(1.0, z))

    def _cdf(self, z: Any) -> Any:
        return 2 / math.pi * np.arctan(z)

    def _sf(self, z: Any) -> Any:
        return 2 / math.pi * np.arctan2(1.0, z)

    def _ppf(self, q: Any) -> Any:
        # Near 1 the cotangent of the complement, since the tangent has a pole there.
        high = q > 0.5
        tail = 1.0 / np.tan(0.5 * math.pi * np.where(high, 1.0 - q, 0.5))
        return np.where(high, tail, np.tan(0.5 * math.pi * np.where(high, 0.5, q)))

    def _isf(self, q: Any) -> Any:
        low = q < 0.5
        tail = 1.0 / np.tan(0.5 * math.pi * np.where(low, q, 0.5))
        return np.where(low, tail, np.tan(0.5 * math.pi * np.where(low, 0.5, 1.0 - q)))


class HalfLogistic(HalfLine):
    """The absolute value of a logistic variable."""

    name = "halflogistic"

    def _logpdf(self, z: Any) -> Any:
        return _LOG_TWO + sc.log_expit(z) + sc.log_expit(-z)

    def _cdf(self, z: Any) -> Any:
        # tanh(z/2), but its derivative 1 - y^2 would cancel where y is nearly 1
        return -np.expm1(-z) * np.exp(sc.log_expit(z))

    def _sf(self, z: Any) -> Any:
        return np.exp(self._logsf(z))

    def _logsf(self, z: Any) -> Any:
        return _LOG_TWO + sc.log_expit(-z)

    def _ppf(self, q: Any) -> Any:
        return 2.0 * np.arctanh(q)

    def _isf(self, q: Any) -> Any:
        return -sc.logit(0.5 * q)


# ------------------------------------------------------------------ lengths of normal vectors


class Rayleigh(HalfLine):
    """The length of a vector of two standard normal variables."""

    name = "rayleigh"

    def _logpdf(self, z: Any) -> Any:
        return sc.xlogy(_like(z, 1), z) - 0.5 * z**2

    def _pdf(self, z: Any) -> Any:
        return z * np.exp(-0.5 * z**2)

    def _cdf(self, z: Any) -> Any:
        return -np.expm1(-0.5 * z**2)

    def _sf(self, z: Any) -> Any:
        return np.exp(-0.5 * z**2)

    def _logsf(self, z: Any) -> Any:
        return -0.5 * z**2

    def _ppf(self, q: Any) -> Any:
        return np.sqrt(-2.0 * np.log1p(-q))

    def _isf(self, q: Any) -> Any:
        return np.sqrt(-2.0 * np.log(q))


class Maxwell(HalfLine):
    """The length of a vector of three standard normal variables."""

    name = "maxwell"

    def _logpdf(self, z: Any) -> Any:
        return 0.5 * math.log(2 / math.pi) + sc.xlogy(_like(z, 2), z) - 0.5 * z**2

    def _pdf(self, z: Any) -> Any:
        # From the right: z^2 overflows where the exponential is 0.
        return math.sqrt(2 / math.pi) * z * (z * np.exp(-0.5 * z**2))

    def _cdf(self, z: Any) -> Any:
        return sc.gammainc(_like(z, 1.5), 0.5 * z**2)

    def _sf(self, z: Any) -> Any:
        return sc.gammaincc(_like(z, 1.5), 0.5 * z**2)

    def _ppf(self, q: Any) -> Any:
        return np.sqrt(2.0 * sc.gammaincinv(_like(q, 1.5), q))

    def _isf(self, q: Any) -> Any:
        return np.sqrt(2.0 * sc.gammainccinv(_like(q, 1.5), q))


class Chi(HalfLine):
    """The length of a vector of ``df`` standard normal variables."""

    name = "chi"
    shapes = ("df",)
    typical = (1.0,)
    closed = False

    def _logpdf(self, z: Any, df: Any) -> Any:
        constant = (1.0 - 0.5 * df) * _LOG_TWO - sc.gammaln(0.5 * df)
        return constant + sc.xlogy(df - 1.0, z) - 0.5 * z**2

    def _cdf(self, z: Any, df: Any) -> Any:
        return sc.gammainc(0.5 * df, 0.5 * z**2)

    def _sf(self, z: Any, df: Any) -> Any:
        return sc.gammaincc(0.5 * df, 0.5 * z**2)

    def _ppf(self, q: Any, df: Any) -> Any:
        return np.sqrt(2.0 * sc.gammaincinv(0.5 * df, q))

    def _isf(self, q: Any, df: Any) -> Any:
        return np.sqrt(2.0 * sc.gammainccinv(0.5 * df, q))


# ------------------------------------------------------------------ by logarithms


class LogNormal(HalfLine):
    """The exponential of a normal variable with the standard deviation ``s``."""

    name = "lognorm"
    shapes = ("s",)
    typical = (1.0,)
    open = True

    def _logpdf(self, z: Any, s: Any) -> Any:
        y = np.log(z)
        return -0.5 * (y / s) ** 2 - np.log(s) - _LOG_ROOT_TWO_PI - y

    def _cdf(self, z: Any, s: Any) -> Any:
        return sc.ndtr(np.log(z) / s)

    def _sf(self, z: Any, s: Any) -> Any:
        return sc.ndtr(-np.log(z) / s)

    def _logcdf(self, z: Any, s: Any) -> Any:
        return sc.log_ndtr(np.log(z) / s)

    def _logsf(self, z: Any, s: Any) -> Any:
        return sc.log_ndtr(-np.log(z) / s)

    def _ppf(self, q: Any, s: Any) -> Any:
        return np.exp(s * sc.ndtri(q))

    def _isf(self, q: Any, s: Any) -> Any:
        return np.exp(-s * sc.ndtri(q))


class LogLogistic(HalfLine):
    """The exponential of a logistic variable with the scale ``1/c``."""

    name = "fisk"
    shapes = ("c",)
    typical = (1.0,)
    closed = False

    def _logpdf(self, z: Any, c: Any) -> Any:
        zero = z == 0
        y = replaced(sc.log_expit(-c * np.log(replaced(z, zero, 1.0))), zero, 0.0)
        return np.log(c) + sc.xlogy(c - 1.0, z) + 2.0 * y

    def _cdf(self, z: Any, c: Any) -> Any:
        return np.exp(self._logcdf(z, c))

    def _sf(self, z: Any, c: Any) -> Any:
        return np.exp(self._logsf(z, c))

    def _logcdf(self, z: Any, c: Any) -> Any:
        return sc.log_expit(c * np.log(z))

    def _logsf(self, z: Any, c: Any) -> Any:
        return sc.log_expit(-c * np.log(z))

    def _ppf(self, q: Any, c: Any) -> Any:
        return np.exp(sc.logit(q) / c)

    def _isf(self, q: Any, c: Any) -> Any:
        return np.exp(-sc.logit(q) / c)


class Lomax(HalfLine):
    """The Pareto distribution moved to 0: its sf is ``(1 + x)**-c``."""

    name = "lomax"
    shapes = ("c",)
    typical = (1.0,)

    def _logpdf(self, z: Any, c: Any) -> Any:
        return np.log(c) - (c + 1.0) * np.log1p(z)

    def _cdf(self, z: Any, c: Any) -> Any:
        return -np.expm1(-c * np.log1p(z))

    def _sf(self, z: Any, c: Any) -> Any:
        return np.exp(-c * np.log1p(z))

    def _logsf(self, z: Any, c: Any) -> Any:
        return -c * np.log1p(z)

    def _ppf(self, q: Any, c: Any) -> Any:
        return np.expm1(-np.log1p(-q) / c)

    def _isf(self, q: Any, c: Any) -> Any:
        return np.expm1(-np.log(q) / c)


# ------------------------------------------------------------------ inverses and ratios


class InverseGamma(HalfLine):
    """The inverse of a gamma variable with the shape ``a``."""

    name = "invgamma"
    shapes = ("a",)
    typical = (1.0,)
    open = True

    def _logpdf(self, z: Any, a: Any) -> Any:
        return -(a + 1.0) * np.log(z) - sc.gammaln(a) - 1.0 / z

    def _cdf(self, z: Any, a: Any) -> Any:
        return sc.gammaincc(a, 1.0 / z)

    def _sf(self, z: Any, a: Any) -> Any:
        return sc.gammainc(a, 1.0 / z)

    def _ppf(self, q: Any, a: Any) -> Any:
        return inverse(sc.gammainccinv(a, q))

    def _isf(self, q: Any, a: Any) -> Any:
        return inverse(sc.gammaincinv(a, q))


class Levy(HalfLine):
    """The inverse of the square of a standard normal variable."""

    name = "levy"
    open = True

    def _logpdf(self, z: Any) -> Any:
        return -1.5 * np.log(z) - _LOG_ROOT_TWO_PI - 0.5 / z

    def _cdf(self, z: Any) -> Any:
        return 2.0 * sc.ndtr(-1.0 / np.sqrt(z))

    def _sf(self, z: Any) -> Any:
        return sc.erf(_ROOT_HALF / np.sqrt(z))

    def _logcdf(self, z: Any) -> Any:
        return _LOG_TWO + sc.log_ndtr(-1.0 / np.sqrt(z))

    def _ppf(self, q: Any) -> Any:
        return sc.ndtri(0.5 * q) ** -2.0

    def _isf(self, q: Any) -> Any:
        return 0.5 * sc.erfinv(q) ** -2.0


class InverseGaussian(HalfLine):
    """When a Brownian motion with drift first reaches a level; ``mu`` is the mean."""

    name = "invgauss"
    shapes = ("mu",)
    typical = (1.0,)
    open = True

    def _logpdf(self, z: Any, mu: Any) -> Any:
        return invgauss_log_density(mu, z)

    def _cdf(self, z: Any, mu: Any) -> Any:
        return np.exp(self._logcdf(z, mu))

    def _sf(self, z: Any, mu: Any) -> Any:
        return np.exp(self._logsf(z, mu))

    # J. Shuster, On the inverse Gaussian distribution function, JASA 63 (1968), 1514-1516:
    # cdf = ndtr((z/mu - 1)/sqrt(z)) + exp(2/mu) ndtr(-(z/mu + 1)/sqrt(z)). The second part is less
    # than both the first and what is left of it; rounding may hide that.

    def _logcdf(self, z: Any, mu: Any) -> Any:
        root = np.sqrt(z)
        first = sc.log_ndtr((z / mu - 1.0) / root)
        return first + np.log1p(np.exp(np.minimum(self._second(z, root, mu) - first, 0.0)))

    def _logsf(self, z: Any, mu: Any) -> Any:
        root = np.sqrt(z)
        first = sc.log_ndtr((1.0 - z / mu) / root)
        return first + log_one_minus_exp(np.minimum(self._second(z, root, mu) - first, 0.0))

    def _second(self, z: Any, root: Any, mu: Any) -> Any:
        return 2.0 / mu + sc.log_ndtr(-(z / mu + 1.0) / root)

    def _ppf(self, q: Any, mu: Any) -> Any:
        return invgauss_quantile(mu, q, False)

    def _isf(self, q: Any, mu: Any) -> Any:
        return invgauss_quantile(mu, q, True)


class F(HalfLine):
    """The ratio of two mean squares of ``dfn`` and ``dfd`` standard normal variables."""

    name = "f"
    shapes = ("dfn", "dfd")
    typical = (1.0, 1.0)

    def _logpdf(self, z: Any, dfn: Any, dfd: Any) -> Any:
        n, m = 0.5 * dfn, 0.5 * dfd
        scale = dfn / dfd
        return (
            n * np.log(scale) + sc.xlogy(n - 1.0, z) - (n + m) * np.log1p(scale * z)
            - sc.betaln(n, m)
        )  # fmt: skip

    def _cdf(self, z: Any, dfn: Any, dfd: Any) -> Any:
        return self._part(z, dfn, dfd, sc.betainc, sc.betaincc)

    def _sf(self, z: Any, dfn: Any, dfd: Any) -> Any:
        return self._part(z, dfn, dfd, sc.betaincc, sc.betainc)

    def _part(self, z: Any, dfn: Any, dfd: Any, low: Any, high: Any) -> Any:
        """By whichever of the two shares of a beta variable is small: no digits are lost."""
        n, m = 0.5 * dfn, 0.5 * dfd
        small = dfn * z < dfd
        near, far = np.where(small, z, 0.0), np.where(small, 1.0, z)
        first = low(n, m, dfn * near / (dfd + dfn * near))
        return np.where(small, first, high(m, n, dfd / (dfd + dfn * far)))

    # x dfn / dfd is v / (1 - v) of a beta variable v; the smaller part tells the other.

    def _ppf(self, q: Any, dfn: Any, dfd: Any) -> Any:
        n, m = 0.5 * dfn, 0.5 * dfd
        v = sc.betaincinv(n, m, q)
        small = v < 0.5
        rest = np.where(small, 1.0 - v, sc.betainccinv(m, n, replaced(q, small, 0.5)))
        return dfd / dfn * v / rest

    def _isf(self, q: Any, dfn: Any, dfd: Any) -> Any:
        n, m = 0.5 * dfn, 0.5 * dfd
        rest = sc.betaincinv(m, n, q)
        small = rest < 0.5
        v = np.where(small, 1.0 - rest, sc.betainccinv(n, m, replaced(q, small, 0.5)))
        return dfd / dfn * v * inverse(rest)


halfnorm = HalfNormal()
halfcauchy = HalfCauchy()
halflogistic = HalfLogistic()
rayleigh = Rayleigh()
maxwell = Maxwell()
chi = Chi()
lognorm = LogNormal()
fisk = LogLogistic()
lomax = Lomax()
invgamma = InverseGamma()
levy = Levy()
invgauss = InverseGaussian()
f = F()
