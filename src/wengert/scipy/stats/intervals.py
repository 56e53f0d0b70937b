"""More distributions on intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special as sc

from .base import replaced
from .continuous import Continuous

__all__ = ["loguniform", "powerlaw", "triang"]


class LogUniform(Continuous):
    """The exponential of a uniform variable: between ``a`` and ``b``, with a density as ``1/x``."""

    name = "loguniform"
    shapes = ("a", "b")
    typical = (1.0, 2.0)

    def support(self, a: Any, b: Any) -> tuple[Any, Any]:
        return a, b

    def allowed(self, a: Any, b: Any) -> tuple[Any, ...]:
        good = np.logical_and(a > 0, b > a)
        return good, good

    def _interior(self, a: Any, b: Any) -> Any:
        return 0.5 * (a + b)

    def _logpdf(self, z: Any, a: Any, b: Any) -> Any:
        return -np.log(z) - np.log(np.log(b / a))

    def _cdf(self, z: Any, a: Any, b: Any) -> Any:
        return np.log(z / a) / np.log(b / a)

    def _sf(self, z: Any, a: Any, b: Any) -> Any:
        return np.log(b / z) / np.log(b / a)

    def _ppf(self, q: Any, a: Any, b: Any) -> Any:
        return a * np.exp(q * np.log(b / a))

    def _isf(self, q: Any, a: Any, b: Any) -> Any:
        return b * np.exp(-q * np.log(b / a))


class PowerLaw(Continuous):
    """The density ``a x**(a - 1)`` between 0 and 1."""

    name = "powerlaw"
    shapes = ("a",)
    typical = (1.0,)
    lower = 0.0
    upper = 1.0
    inside = 0.5

    def _logpdf(self, z: Any, a: Any) -> Any:
        return np.log(a) + sc.xlogy(a - 1.0, z)

    def _cdf(self, z: Any, a: Any) -> Any:
        return z**a

    def _sf(self, z: Any, a: Any) -> Any:
        # Near 1 the difference would cancel; at 0 the logarithm has no derivative.
        high = z > 0.5
        near = -np.expm1(a * np.log(np.where(high, z, 1.0)))
        return np.where(high, near, 1.0 - np.where(high, 0.5, z) ** a)

    def _logcdf(self, z: Any, a: Any) -> Any:
        return sc.xlogy(a, z)

    def _ppf(self, q: Any, a: Any) -> Any:
        return q ** (1.0 / a)

    def _isf(self, q: Any, a: Any) -> Any:
        return (1.0 - q) ** (1.0 / a)


class Triangular(Continuous):
    """A density that rises from 0 to the mode ``c`` and falls to 1, both along straight lines."""

    name = "triang"
    shapes = ("c",)
    typical = (0.5,)
    lower = 0.0
    upper = 1.0
    inside = 0.25
    notes = "At the mode the density has a kink; its derivative there is that from the right."

    def allowed(self, c: Any) -> tuple[Any, ...]:
        return (np.logical_and(c >= 0, c <= 1),)

    def _sides(self, z: Any, c: Any) -> tuple[Any, Any, Any]:
        """Where ``z`` is left of the mode; ``1/c`` there, ``1/(1 - c)`` right of it.

        If the mode is 1, its right is the end itself: a value of the left.
        """
        left = np.logical_or(z < c, c == 1)
        return left, 1.0 / np.where(left, c, 1.0), 1.0 / np.where(left, 1.0, 1.0 - c)

    def _pdf(self, z: Any, c: Any) -> Any:
        left, rise, fall = self._sides(z, c)
        return 2.0 * np.where(left, rise * z, fall * (1.0 - z))

    def _logpdf(self, z: Any, c: Any) -> Any:
        p = self._pdf(z, c)
        nothing = p == 0
        return replaced(np.log(replaced(p, nothing, 1.0)), nothing, -np.inf)

    def _cdf(self, z: Any, c: Any) -> Any:
        left, rise, fall = self._sides(z, c)
        # In two forms, each without the loss of digits that the other or its derivative has.
        right = np.where(z < 0.5, fall * (z * (2.0 - z) - c), 1.0 - fall * (1.0 - z) ** 2)
        return np.where(left, rise * z**2, right)

    def _sf(self, z: Any, c: Any) -> Any:
        left, rise, fall = self._sides(z, c)
        return np.where(left, 1.0 - rise * z**2, fall * (1.0 - z) ** 2)

    def _ppf(self, q: Any, c: Any) -> Any:
        left = q < c
        rise = np.sqrt(np.where(left, c * q, 1.0))
        return np.where(left, rise, 1.0 - np.sqrt(np.where(left, 1.0, (1.0 - c) * (1.0 - q))))

    def _isf(self, q: Any, c: Any) -> Any:
        right = q < 1.0 - c
        fall = np.sqrt(np.where(right, (1.0 - c) * q, 1.0))
        return np.where(right, 1.0 - fall, np.sqrt(np.where(right, 1.0, c * (1.0 - q))))


loguniform = LogUniform()
powerlaw = PowerLaw()
triang = Triangular()
