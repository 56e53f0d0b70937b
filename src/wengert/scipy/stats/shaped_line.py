"""Distributions on the whole line that have a shape."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...rules.special.distribution_functions import gennorm_cdf, gennorm_log_density, student_cdf, student_log_density
from .base import replaced
from .continuous import Continuous
from .line import norm

__all__ = ["gennorm", "t"]


class StudentT(Continuous):
    """Student's t distribution with ``df`` degrees of freedom; the normal one if they are inf."""

    name = "t"
    shapes = ("df",)
    typical = (1.0,)

    def _logpdf(self, z: Any, df: Any) -> Any:
        normal = np.isinf(df)
        y = student_log_density(replaced(df, normal, 1.0), z)
        return replaced(y, normal, lambda: norm._logpdf(z))

    def _cdf(self, z: Any, df: Any) -> Any:
        normal = np.isinf(df)
        y = student_cdf(replaced(df, normal, 1.0), z)
        return replaced(y, normal, lambda: norm._cdf(z))

    def _sf(self, z: Any, df: Any) -> Any:
        return self._cdf(-z, df)


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


t = StudentT()
gennorm = GeneralizedNormal()
