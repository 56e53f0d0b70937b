"""Distributions of angles."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...rules.distributions import vonmises_cdf, vonmises_log_density
from ...rules.quantiles import vonmises_quantile
from .base import log_of, replaced
from .continuous import Continuous

__all__ = ["vonmises", "wrapcauchy"]

_TWO_PI = 2 * math.pi


class VonMises(Continuous):
    """The von Mises distribution with the concentration ``kappa``; angles may be of any turn."""

    name = "vonmises"
    shapes = ("kappa",)
    typical = (1.0,)
    notes = (
        "The cdf grows by 1 with each turn, as in SciPy. Its derivative in ``kappa`` is a "
        "quadrature of 64 points per element."
    )

    def allowed(self, kappa: Any) -> tuple[Any, ...]:
        return (kappa >= 0,)

    def _logpdf(self, z: Any, kappa: Any) -> Any:
        return vonmises_log_density(kappa, z)

    def _cdf(self, z: Any, kappa: Any) -> Any:
        return vonmises_cdf(kappa, z)

    def _ppf(self, q: Any, kappa: Any) -> Any:
        return vonmises_quantile(kappa, q, False)

    def _isf(self, q: Any, kappa: Any) -> Any:
        return vonmises_quantile(kappa, q, True)

    # Some turns away from 0 these are not between 0 and 1.
    def _logcdf(self, z: Any, kappa: Any) -> Any:
        p = self._cdf(z, kappa)
        return replaced(log_of(p, 1.0 - p), p < 0, np.nan)

    def _logsf(self, z: Any, kappa: Any) -> Any:
        p = self._cdf(z, kappa)
        return replaced(log_of(1.0 - p, p), p > 1, np.nan)


class WrappedCauchy(Continuous):
    """The Cauchy distribution wrapped around the circle, for angles from 0 to 2 pi."""

    name = "wrapcauchy"
    shapes = ("c",)
    typical = (0.5,)
    lower = 0.0
    upper = _TWO_PI
    inside = 1.0

    def allowed(self, c: Any) -> tuple[Any, ...]:
        return (np.logical_and(c > 0, c < 1),)

    def _pdf(self, z: Any, c: Any) -> Any:
        # 1 + c^2 - 2 c cos(z), as a sum of positive terms
        nearness = (1.0 - c) ** 2 + 4.0 * c * np.sin(0.5 * z) ** 2
        return (1.0 - c) * (1.0 + c) / (_TWO_PI * nearness)

    def _logpdf(self, z: Any, c: Any) -> Any:
        return np.log(self._pdf(z, c))

    # arctan((1 + c) / (1 - c) tan(z/2)), which is continuous at pi as an angle
    def _cdf(self, z: Any, c: Any) -> Any:
        return _angle((1.0 + c) / (1.0 - c), 0.5 * z, 1.0) / math.pi

    def _sf(self, z: Any, c: Any) -> Any:
        return _angle((1.0 + c) / (1.0 - c), 0.5 * z, -1.0) / math.pi

    def _ppf(self, q: Any, c: Any) -> Any:
        return 2.0 * _angle((1.0 - c) / (1.0 + c), math.pi * q, 1.0)

    def _isf(self, q: Any, c: Any) -> Any:
        return self._ppf(1.0 - q, c)


def _angle(factor: Any, half: Any, sign: float) -> Any:
    """The angle from 0 to pi whose tangent is ``factor * tan(half)``; from pi, if sign is -1."""
    sine = np.sin(half)
    # Rounding may make it negative at pi; + 0.0, since arctan2 takes -0.0 for negative too.
    sine = replaced(sine, sine < 0, 0.0) + 0.0
    return np.arctan2(factor * sine, sign * np.cos(half))


vonmises = VonMises()
wrapcauchy = WrappedCauchy()
