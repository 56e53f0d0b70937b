"""Distributions on the whole line."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special as sc

from .base import log_of
from .continuous import Continuous

__all__ = ["cauchy", "gumbel_l", "gumbel_r", "laplace", "logistic", "norm"]

_ROOT_TWO_PI = math.sqrt(2 * math.pi)
_LOG_ROOT_TWO_PI = math.log(2 * math.pi) / 2
_LOG_PI = math.log(math.pi)
_LOG_TWO = math.log(2)


class Normal(Continuous):
    """The normal distribution; ``loc`` is the mean and ``scale`` the standard deviation."""

    name = "norm"

    def _logpdf(self, z: Any) -> Any:
        return -0.5 * z**2 - _LOG_ROOT_TWO_PI

    def _pdf(self, z: Any) -> Any:
        return np.exp(-0.5 * z**2) / _ROOT_TWO_PI

    def _cdf(self, z: Any) -> Any:
        return sc.ndtr(z)

    def _sf(self, z: Any) -> Any:
        return sc.ndtr(-z)

    def _logcdf(self, z: Any) -> Any:
        return sc.log_ndtr(z)

    def _logsf(self, z: Any) -> Any:
        return sc.log_ndtr(-z)

    def _ppf(self, q: Any) -> Any:
        return sc.ndtri(q)

    def _isf(self, q: Any) -> Any:
        return -sc.ndtri(q)


class Cauchy(Continuous):
    """The Cauchy distribution."""

    name = "cauchy"

    def _logpdf(self, z: Any) -> Any:
        # hypot: 1 + z^2 would overflow for |z| > 1e154
        return -_LOG_PI - 2.0 * np.log(np.hypot(1.0, z))

    def _pdf(self, z: Any) -> Any:
        return (1.0 / np.hypot(1.0, z)) ** 2 / math.pi

    def _cdf(self, z: Any) -> Any:
        return np.arctan2(1.0, -z) / math.pi

    def _sf(self, z: Any) -> Any:
        return np.arctan2(1.0, z) / math.pi

    def _ppf(self, q: Any) -> Any:
        # In the middle tan(pi (q - 1/2)); in the tails the cotangent of pi times the smaller one
        # of q and 1 - q, since 1/2 - q would round.
        high, middle = q > 0.75, np.logical_and(q >= 0.25, q <= 0.75)
        small = np.where(middle, 0.25, np.where(high, 1.0 - q, q))
        tail = 1.0 / np.tan(math.pi * small)
        tail = np.where(high, tail, -tail)
        return np.where(middle, np.tan(math.pi * (np.where(middle, q, 0.5) - 0.5)), tail)

    def _isf(self, q: Any) -> Any:
        return -self._ppf(q)


class Laplace(Continuous):
    """The Laplace distribution, with a density that falls exponentially on both sides."""

    name = "laplace"
    notes = "At ``x = loc`` the density has a kink; its derivative there is 0."

    def _logpdf(self, z: Any) -> Any:
        return -_LOG_TWO - np.abs(z)

    def _cdf(self, z: Any) -> Any:
        # Two exponentials, since the derivative of exp(-|z|) at 0 is 0 and not one-sided.
        right = z > 0
        above = 1.0 - 0.5 * np.exp(-np.where(right, z, 0.0))
        return np.where(right, above, 0.5 * np.exp(np.where(right, 0.0, z)))

    def _sf(self, z: Any) -> Any:
        return self._cdf(-z)

    def _logcdf(self, z: Any) -> Any:
        right = z > 0
        above = np.log1p(-0.5 * np.exp(-np.where(right, z, 0.0)))
        return np.where(right, above, z - _LOG_TWO)

    def _logsf(self, z: Any) -> Any:
        return self._logcdf(-z)

    def _ppf(self, q: Any) -> Any:
        high = q > 0.5
        tail = np.log(2.0 * np.where(high, 1.0 - q, q))
        return np.where(high, -tail, tail)

    def _isf(self, q: Any) -> Any:
        return -self._ppf(q)


class Logistic(Continuous):
    """The logistic distribution, whose cdf is the sigmoid function."""

    name = "logistic"

    def _logpdf(self, z: Any) -> Any:
        # log(cdf) + log(sf): smooth at 0, where a form with |z| is not
        return sc.log_expit(z) + sc.log_expit(-z)

    def _cdf(self, z: Any) -> Any:
        # expit(z), but its derivative y (1 - y) would cancel where y is nearly 1
        return np.exp(sc.log_expit(z))

    def _sf(self, z: Any) -> Any:
        return np.exp(sc.log_expit(-z))

    def _logcdf(self, z: Any) -> Any:
        return sc.log_expit(z)

    def _logsf(self, z: Any) -> Any:
        return sc.log_expit(-z)

    def _ppf(self, q: Any) -> Any:
        return sc.logit(q)

    def _isf(self, q: Any) -> Any:
        return -sc.logit(q)


def log_one_minus_exp_of_minus_exp(z: Any) -> Any:
    """``log(1 - exp(-exp(z)))``, which is ``z - exp(z)/2`` where ``exp(z)`` is below rounding."""
    far = z < -34.0
    e = np.exp(np.where(far, 0.0, z))
    return np.where(far, z, log_of(-np.expm1(-e), np.exp(-e)))


class GumbelRight(Continuous):
    """The Gumbel distribution of maxima."""

    name = "gumbel_r"

    def _logpdf(self, z: Any) -> Any:
        return -z - np.exp(-z)

    def _cdf(self, z: Any) -> Any:
        return np.exp(-np.exp(-z))

    def _sf(self, z: Any) -> Any:
        return -np.expm1(-np.exp(-z))

    def _logcdf(self, z: Any) -> Any:
        return -np.exp(-z)

    def _logsf(self, z: Any) -> Any:
        return log_one_minus_exp_of_minus_exp(-z)

    def _ppf(self, q: Any) -> Any:
        return -np.log(-np.log(q))

    def _isf(self, q: Any) -> Any:
        return -np.log(-np.log1p(-q))


class GumbelLeft(Continuous):
    """The Gumbel distribution of minima."""

    name = "gumbel_l"

    def _logpdf(self, z: Any) -> Any:
        return z - np.exp(z)

    def _cdf(self, z: Any) -> Any:
        return -np.expm1(-np.exp(z))

    def _sf(self, z: Any) -> Any:
        return np.exp(-np.exp(z))

    def _logcdf(self, z: Any) -> Any:
        return log_one_minus_exp_of_minus_exp(z)

    def _logsf(self, z: Any) -> Any:
        return -np.exp(z)

    def _ppf(self, q: Any) -> Any:
        return np.log(-np.log1p(-q))

    def _isf(self, q: Any) -> Any:
        return np.log(-np.log(q))


norm = Normal()
cauchy = Cauchy()
laplace = Laplace()
logistic = Logistic()
gumbel_r = GumbelRight()
gumbel_l = GumbelLeft()
