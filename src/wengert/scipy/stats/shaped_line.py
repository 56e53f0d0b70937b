"""Distributions on the whole line that have a shape."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special as sc

from ...rules.distributions import gennorm_cdf, gennorm_log_density
from .base import replaced
from .continuous import WITHOUT_QUANTILES, Continuous
from .line import norm

__all__ = ["gennorm", "t"]

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
    methods = WITHOUT_QUANTILES
    typical = (2.0,)

    def _logpdf(self, z: Any, beta: Any) -> Any:
        return gennorm_log_density(beta, z)

    def _cdf(self, z: Any, beta: Any) -> Any:
        return gennorm_cdf(beta, z)

    def _sf(self, z: Any, beta: Any) -> Any:
        return gennorm_cdf(beta, -z)


t = StudentT()
gennorm = GeneralizedNormal()
