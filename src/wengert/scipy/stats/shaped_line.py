"""Distributions on the whole line that have a shape."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special as sc

from ...rules.distributions import gennorm_cdf, gennorm_log_density
from ...rules.quantiles import exponnorm_quantile, gennorm_quantile
from .base import log_one_minus_exp, replaced
from .continuous import Continuous
from .line import norm

__all__ = ["exponnorm", "gennorm", "t"]

_LOG_PI = math.log(math.pi)


class StudentT(Continuous):
    """Student's t distribution with ``df`` degrees of freedom; the normal one if they are inf."""

    name = "t"
    shapes = ("df",)
    typical = (1.0,)

    def _logpdf(self, z: Any, df: Any) -> Any:
        normal = np.isinf(df)
        n = replaced(df, normal, 1.0)
        # poch(a, b) = gamma(a + b) / gamma(a), also for large a
        y = (
            np.log(sc.poch(0.5 * n, 0.5))
            - 0.5 * (np.log(n) + _LOG_PI)
            - 0.5 * (n + 1.0) * np.log1p(z * z / n)
        )
        return replaced(y, normal, lambda: norm._logpdf(z))

    def _cdf(self, z: Any, df: Any) -> Any:
        normal = np.isinf(df)
        y = sc.stdtr(replaced(df, normal, 1.0), z)
        return replaced(y, normal, lambda: norm._cdf(z))

    def _sf(self, z: Any, df: Any) -> Any:
        return self._cdf(-z, df)

    def _ppf(self, q: Any, df: Any) -> Any:
        normal = np.isinf(df)
        z = sc.stdtrit(replaced(df, normal, 1.0), q)
        return replaced(z, normal, lambda: norm._ppf(q))

    def _isf(self, q: Any, df: Any) -> Any:
        return -self._ppf(q, df)


class GeneralizedNormal(Continuous):
    """The density proportional to ``exp(-|x|**beta)``."""

    name = "gennorm"
    shapes = ("beta",)
    typical = (2.0,)

    def _logpdf(self, z: Any, beta: Any) -> Any:
        return gennorm_log_density(beta, z)

    def _cdf(self, z: Any, beta: Any) -> Any:
        return gennorm_cdf(beta, z)

    def _sf(self, z: Any, beta: Any) -> Any:
        return gennorm_cdf(beta, -z)

    def _ppf(self, q: Any, beta: Any) -> Any:
        return gennorm_quantile(beta, q, False)

    def _isf(self, q: Any, beta: Any) -> Any:
        return gennorm_quantile(beta, q, True)


class ExponentiallyModifiedNormal(Continuous):
    """The sum of a standard normal variable and an exponential one of the mean ``K``."""

    name = "exponnorm"
    shapes = ("K",)
    typical = (1.0,)

    def _logpdf(self, z: Any, K: Any) -> Any:
        return self._log_part(z, K) - np.log(K)

    def _log_part(self, z: Any, K: Any) -> Any:
        rate = 1.0 / K
        return rate * (0.5 * rate - z) + sc.log_ndtr(z - rate)

    def _cdf(self, z: Any, K: Any) -> Any:
        return np.exp(self._logcdf(z, K))

    def _sf(self, z: Any, K: Any) -> Any:
        return sc.ndtr(-z) + np.exp(self._log_part(z, K))

    def _logcdf(self, z: Any, K: Any) -> Any:
        first = sc.log_ndtr(z)
        part = self._log_part(z, K) - replaced(first, np.isinf(first), 0.0)
        return first + log_one_minus_exp(np.minimum(part, 0.0))

    def _logsf(self, z: Any, K: Any) -> Any:
        first, second = sc.log_ndtr(-z), self._log_part(z, K)
        larger = np.maximum(first, second)
        return larger + np.log1p(np.exp(np.minimum(first, second) - larger))

    def _ppf(self, q: Any, K: Any) -> Any:
        return exponnorm_quantile(K, q, False)

    def _isf(self, q: Any, K: Any) -> Any:
        return exponnorm_quantile(K, q, True)


t = StudentT()
exponnorm = ExponentiallyModifiedNormal()
gennorm = GeneralizedNormal()
