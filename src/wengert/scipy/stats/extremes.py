"""Distributions of extreme values: Weibull's, the general one, and of what exceeds a threshold."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special as sc

from .base import replaced
from .continuous import Continuous
from .line import log_one_minus_exp_of_minus_exp

__all__ = ["genextreme", "genpareto", "weibull_max", "weibull_min"]


class WeibullMin(Continuous):
    """The Weibull distribution: a power of ``x``, ``x**c``, has the exponential one."""

    name = "weibull_min"
    shapes = ("c",)
    typical = (1.0,)
    lower = 0.0
    inside = 1.0

    def _logpdf(self, z: Any, c: Any) -> Any:
        return np.log(c) + sc.xlogy(c - 1.0, z) - z**c

    def _cdf(self, z: Any, c: Any) -> Any:
        return -np.expm1(-(z**c))

    def _sf(self, z: Any, c: Any) -> Any:
        return np.exp(-(z**c))

    def _logcdf(self, z: Any, c: Any) -> Any:
        return log_one_minus_exp_of_minus_exp(c * np.log(z))

    def _logsf(self, z: Any, c: Any) -> Any:
        return -(z**c)

    def _ppf(self, q: Any, c: Any) -> Any:
        return (-np.log1p(-q)) ** (1.0 / c)

    def _isf(self, q: Any, c: Any) -> Any:
        return (-np.log(q)) ** (1.0 / c)


class WeibullMax(Continuous):
    """The Weibull distribution of negative numbers: ``-x`` has that of `weibull_min`."""

    name = "weibull_max"
    shapes = ("c",)
    typical = (1.0,)
    upper = 0.0
    inside = -1.0

    def _logpdf(self, z: Any, c: Any) -> Any:
        return weibull_min._logpdf(-z, c)

    def _cdf(self, z: Any, c: Any) -> Any:
        return weibull_min._sf(-z, c)

    def _sf(self, z: Any, c: Any) -> Any:
        return weibull_min._cdf(-z, c)

    def _logcdf(self, z: Any, c: Any) -> Any:
        return weibull_min._logsf(-z, c)

    def _logsf(self, z: Any, c: Any) -> Any:
        return weibull_min._logcdf(-z, c)

    def _ppf(self, q: Any, c: Any) -> Any:
        return -weibull_min._isf(q, c)

    def _isf(self, q: Any, c: Any) -> Any:
        return -weibull_min._ppf(q, c)


def _log1p_rate(z: Any, c: Any) -> Any:
    """``log(1 + c z) / c``, which is ``z`` for ``c = 0``, with derivatives in ``c`` there."""
    u = c * z
    # The quotient would lose digits in its derivatives; what ten terms leave is below rounding.
    close = np.abs(u) < 0.03
    small = np.where(close, u, 0.0)
    series = 1 / 11 - small / 12
    for k in range(10, 0, -1):
        series = 1 / k - small * series
    far = np.where(close, 1.0, u)
    return np.where(close, z * series, z * (np.log1p(far) / far))


def _expm1_rate(y: Any, c: Any) -> Any:
    """``(exp(c y) - 1) / c``, the inverse of `_log1p_rate`."""
    return y * sc.exprel(c * y)


class GeneralizedPareto(Continuous):
    """What exceeds a high threshold; exponential for ``c = 0``, bounded for ``c < 0``."""

    name = "genpareto"
    shapes = ("c",)
    typical = (0.5,)
    lower = 0.0
    inside = 1.0
    open_above = True
    notes = "At the upper end (``-1/c`` for ``c < 0``) the density is taken for 0."

    def allowed(self, c: Any) -> tuple[Any, ...]:
        return (np.isfinite(c),)

    def support(self, c: Any) -> tuple[Any, Any]:
        bounded = c < 0
        return 0.0, np.where(bounded, -1.0 / np.where(bounded, c, -1.0), np.inf)

    def _interior(self, c: Any) -> Any:
        return 0.5 / (1.0 + np.abs(c))

    def _logpdf(self, z: Any, c: Any) -> Any:
        return -(1.0 + c) * _log1p_rate(z, c)

    def _cdf(self, z: Any, c: Any) -> Any:
        return -np.expm1(-_log1p_rate(z, c))

    def _sf(self, z: Any, c: Any) -> Any:
        return np.exp(-_log1p_rate(z, c))

    def _logsf(self, z: Any, c: Any) -> Any:
        return -_log1p_rate(z, c)

    # Where the quantile is an end of the support, it is finite: of c < 0.

    def _ppf(self, q: Any, c: Any) -> Any:
        end = q == 1
        z = _expm1_rate(-np.log1p(-replaced(q, end, 0.5)), c)
        return replaced(z, end, lambda: self.support(c)[1])

    def _isf(self, q: Any, c: Any) -> Any:
        end = q == 0
        z = _expm1_rate(-np.log(replaced(q, end, 0.5)), c)
        return replaced(z, end, lambda: self.support(c)[1])


class GeneralizedExtreme(Continuous):
    """The maximum of many variables; `gumbel_r` for ``c = 0``, with ``c`` of SciPy's sign."""

    name = "genextreme"
    shapes = ("c",)
    typical = (0.5,)
    open = True
    notes = "At the end of the support (``1/c``) the density is taken for 0."

    def allowed(self, c: Any) -> tuple[Any, ...]:
        return (np.isfinite(c),)

    def support(self, c: Any) -> tuple[Any, Any]:
        end = 1.0 / np.where(c == 0, 1.0, c)
        return np.where(c < 0, end, -np.inf), np.where(c > 0, end, np.inf)

    def _interior(self, c: Any) -> Any:
        return 0.0 * c

    def _log_rate(self, z: Any, c: Any) -> Any:
        """``log(-log(cdf))``."""
        return -_log1p_rate(z, -c)

    def _logpdf(self, z: Any, c: Any) -> Any:
        y = self._log_rate(z, c)
        return (1.0 - c) * y - np.exp(y)

    def _cdf(self, z: Any, c: Any) -> Any:
        return np.exp(-np.exp(self._log_rate(z, c)))

    def _sf(self, z: Any, c: Any) -> Any:
        return -np.expm1(-np.exp(self._log_rate(z, c)))

    def _logcdf(self, z: Any, c: Any) -> Any:
        return -np.exp(self._log_rate(z, c))

    def _logsf(self, z: Any, c: Any) -> Any:
        return log_one_minus_exp_of_minus_exp(self._log_rate(z, c))

    def _ppf(self, q: Any, c: Any) -> Any:
        return self._from_rate(lambda p: -np.log(p), q, c)

    def _isf(self, q: Any, c: Any) -> Any:
        return self._from_rate(lambda p: -np.log1p(-p), q, c)

    def _from_rate(self, rate: Any, q: Any, c: Any) -> Any:
        end = np.logical_or(q == 0, q == 1)  # of the support, where that is finite
        z = _expm1_rate(-np.log(rate(replaced(q, end, 0.5))), -c)
        return replaced(z, end, lambda: 1.0 / replaced(c, c == 0, 1.0))


weibull_min = WeibullMin()
weibull_max = WeibullMax()
genpareto = GeneralizedPareto()
genextreme = GeneralizedExtreme()
