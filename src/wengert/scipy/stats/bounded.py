"""Distributions of positive numbers, and on intervals."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special as sc

from ...rules.special.incomplete_beta import beta_density
from ...rules.special.incomplete_gamma import gamma_density
from .base import log_of, log_one_minus_exp, replaced
from .continuous import Continuous
from .line import norm

__all__ = ["beta", "chi2", "expon", "gamma", "pareto", "truncnorm", "uniform"]

_ROOT_HALF = math.sqrt(0.5)


class Exponential(Continuous):
    """The exponential distribution; its mean is ``scale``."""

    name = "expon"
    lower = 0.0
    inside = 1.0

    def _logpdf(self, z: Any) -> Any:
        return -z

    def _cdf(self, z: Any) -> Any:
        return -np.expm1(-z)

    def _sf(self, z: Any) -> Any:
        return np.exp(-z)

    def _logcdf(self, z: Any) -> Any:
        return log_of(-np.expm1(-z), np.exp(-z))

    def _logsf(self, z: Any) -> Any:
        return -z

    def _ppf(self, q: Any) -> Any:
        return -np.log1p(-q)

    def _isf(self, q: Any) -> Any:
        return -np.log(q)


class Gamma(Continuous):
    """The gamma distribution with the shape ``a``."""

    name = "gamma"
    shapes = ("a",)
    typical = (1.0,)
    lower = 0.0
    inside = 1.0

    def _logpdf(self, z: Any, a: Any) -> Any:
        return sc.xlogy(a - 1.0, z) - z - sc.gammaln(a)

    def _pdf(self, z: Any, a: Any) -> Any:
        return gamma_density(a, z)  # by the logarithm its slope would be lost at 0

    def _cdf(self, z: Any, a: Any) -> Any:
        return sc.gammainc(a, z)

    def _sf(self, z: Any, a: Any) -> Any:
        return sc.gammaincc(a, z)

    def _ppf(self, q: Any, a: Any) -> Any:
        return sc.gammaincinv(a, q)

    def _isf(self, q: Any, a: Any) -> Any:
        return sc.gammainccinv(a, q)


class ChiSquared(Continuous):
    """The distribution of a sum of ``df`` squares of standard normal variables."""

    name = "chi2"
    shapes = ("df",)
    typical = (1.0,)
    lower = 0.0
    inside = 1.0

    def _logpdf(self, z: Any, df: Any) -> Any:
        half = 0.5 * df
        return sc.xlogy(half - 1.0, z) - 0.5 * z - sc.gammaln(half) - math.log(2) * half

    def _pdf(self, z: Any, df: Any) -> Any:
        return 0.5 * gamma_density(0.5 * df, 0.5 * z)

    def _cdf(self, z: Any, df: Any) -> Any:
        return sc.gammainc(0.5 * df, 0.5 * z)

    def _sf(self, z: Any, df: Any) -> Any:
        return sc.gammaincc(0.5 * df, 0.5 * z)

    def _ppf(self, q: Any, df: Any) -> Any:
        return 2.0 * sc.gammaincinv(0.5 * df, q)

    def _isf(self, q: Any, df: Any) -> Any:
        return 2.0 * sc.gammainccinv(0.5 * df, q)


class Pareto(Continuous):
    """The Pareto distribution, whose sf is ``x**-b`` from 1 on."""

    name = "pareto"
    shapes = ("b",)
    typical = (1.0,)
    lower = 1.0
    inside = 2.0

    def _logpdf(self, z: Any, b: Any) -> Any:
        return np.log(b) - (b + 1.0) * np.log(z)

    def _pdf(self, z: Any, b: Any) -> Any:
        return b * z ** (-b - 1.0)

    def _cdf(self, z: Any, b: Any) -> Any:
        return -np.expm1(-b * np.log(z))

    def _sf(self, z: Any, b: Any) -> Any:
        return z**-b

    def _logsf(self, z: Any, b: Any) -> Any:
        return -b * np.log(z)

    def _ppf(self, q: Any, b: Any) -> Any:
        return (1.0 - q) ** (-1.0 / b)

    def _isf(self, q: Any, b: Any) -> Any:
        return q ** (-1.0 / b)


class Uniform(Continuous):
    """The uniform distribution from ``loc`` to ``loc + scale``."""

    name = "uniform"
    lower = 0.0
    upper = 1.0
    inside = 0.5

    def _logpdf(self, z: Any) -> Any:
        return 0.0 * z

    def _pdf(self, z: Any) -> Any:
        return 0.0 * z + 1.0

    def _cdf(self, z: Any) -> Any:
        return +z

    def _sf(self, z: Any) -> Any:
        return 1.0 - z

    def _ppf(self, q: Any) -> Any:
        return +q

    def _isf(self, q: Any) -> Any:
        return 1.0 - q


class Beta(Continuous):
    """The beta distribution on the interval from 0 to 1, with the shapes ``a`` and ``b``."""

    name = "beta"
    shapes = ("a", "b")
    typical = (1.0, 1.0)
    lower = 0.0
    upper = 1.0
    inside = 0.5

    def _logpdf(self, z: Any, a: Any, b: Any) -> Any:
        return sc.xlog1py(b - 1.0, -z) + sc.xlogy(a - 1.0, z) - sc.betaln(a, b)

    def _pdf(self, z: Any, a: Any, b: Any) -> Any:
        return beta_density(a, b, z)

    def _cdf(self, z: Any, a: Any, b: Any) -> Any:
        return sc.betainc(a, b, z)

    def _sf(self, z: Any, a: Any, b: Any) -> Any:
        return sc.betaincc(a, b, z)

    def _ppf(self, q: Any, a: Any, b: Any) -> Any:
        return sc.betaincinv(a, b, q)

    def _isf(self, q: Any, a: Any, b: Any) -> Any:
        return sc.betainccinv(a, b, q)


# ------------------------------------------------------------------ truncated normal


def log_normal_mass(a: Any, b: Any) -> Any:
    """``log(ndtr(b) - ndtr(a))`` for a < b, accurate everywhere.

    An interval above 0 is mirrored; one below 0 is a difference of logarithms; one across 0 is a
    sum of two error functions, or if it holds more than a half, what its two tails leave.
    """
    mirrored = a > 0
    a, b = np.where(mirrored, -b, a), np.where(mirrored, -a, b)
    across = b > 0
    low = sc.log_ndtr(replaced(a, across, -2.0))
    high = sc.log_ndtr(replaced(b, across, -1.0))
    tail = high + log_one_minus_exp(low - replaced(high, np.isinf(high), 0.0))
    first = replaced(a, np.logical_not(across), -1.0)
    last = replaced(b, np.logical_not(across), 1.0)
    mass = 0.5 * (sc.erf(_ROOT_HALF * last) + sc.erf(-_ROOT_HALF * first))
    return np.where(across, log_of(mass, sc.ndtr(first) + sc.ndtr(-last)), tail)


def _log(p: Any) -> Any:
    """``log(p)``, -inf at 0 without a warning."""
    return replaced(np.log(replaced(p, p <= 0, 1.0)), p <= 0, -np.inf)


class TruncatedNormal(Continuous):
    """The standard normal distribution between ``a`` and ``b``, then scaled and moved."""

    name = "truncnorm"
    shapes = ("a", "b")
    typical = (-1.0, 1.0)
    closed = False

    def support(self, a: Any, b: Any) -> tuple[Any, Any]:
        return a, b

    def allowed(self, a: Any, b: Any) -> tuple[Any, ...]:
        return a < b, a < b

    def _interior(self, a: Any, b: Any) -> Any:
        first, last = np.isfinite(a), np.isfinite(b)
        from_below = np.where(last, 0.5 * (a + np.where(last, b, 0.0)), a + 1.0)
        from_above = np.where(last, b - 1.0, 0.0)
        return np.where(first, from_below, from_above)

    def _logpdf(self, z: Any, a: Any, b: Any) -> Any:
        return norm._logpdf(z) - log_normal_mass(a, b)

    def _cdf(self, z: Any, a: Any, b: Any) -> Any:
        return np.exp(self._logcdf(z, a, b))

    def _sf(self, z: Any, a: Any, b: Any) -> Any:
        return np.exp(self._logsf(z, a, b))

    def _logcdf(self, z: Any, a: Any, b: Any) -> Any:
        return self._log_ratio(log_normal_mass(a, z), log_normal_mass(z, b), a, b)

    def _logsf(self, z: Any, a: Any, b: Any) -> Any:
        return self._log_ratio(log_normal_mass(z, b), log_normal_mass(a, z), a, b)

    def _ppf(self, q: Any, a: Any, b: Any) -> Any:
        # From the tail that is nearer, as in SciPy; the other one by symmetry.
        mass = log_normal_mass(a, b)
        left = a < 0
        first = np.where(left, sc.log_ndtr(a), sc.log_ndtr(-b))
        share = np.where(left, _log(q), _log(1.0 - q))
        z = sc.ndtri_exp(np.logaddexp(first, share + mass))
        return np.where(left, z, -z)

    def _isf(self, q: Any, a: Any, b: Any) -> Any:
        return -self._ppf(q, -b, -a)

    def _log_ratio(self, part: Any, rest: Any, a: Any, b: Any) -> Any:
        whole = log_normal_mass(a, b)
        ratio = part - whole
        # Near 0 it would be a difference of nearly equal numbers.
        close = ratio > -0.1
        other = log_one_minus_exp(replaced(rest - whole, np.logical_not(close), -1.0))
        return np.where(close, other, ratio)


expon = Exponential()
gamma = Gamma()
chi2 = ChiSquared()
pareto = Pareto()
uniform = Uniform()
beta = Beta()
truncnorm = TruncatedNormal()
