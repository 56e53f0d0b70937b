"""Families of probabilities of integers with a location."""

from __future__ import annotations

from typing import Any

import numpy as np

from .base import Distribution, before, beyond, floats, log_of, plain, replaced

__all__ = ["Discrete"]


class Discrete(Distribution):
    """A family of probabilities of integers, with a location.

    A distribution gives ``_logpmf`` and ``_cdf``, functions of the integer and the shape
    parameters, and where there is something more accurate also ``_pmf``, ``_sf``, ``_logcdf``,
    ``_logsf``.

    Notes
    -----
    Probabilities exist at integers only. Their derivatives in ``k`` and ``loc`` are those of the
    formula, which has gamma functions for factorials, as in JAX. Cumulative functions are steps:
    their derivatives in ``k`` and ``loc`` are zero.
    """

    options: tuple[str, ...] = ("loc",)
    methods: tuple[str, ...] = ("pmf", "logpmf", "cdf", "logcdf", "sf", "logsf")
    lower: float = 0.0
    variable = "k"

    def _logpmf(self, k: Any, *shapes: Any) -> Any:
        raise NotImplementedError

    def _pmf(self, k: Any, *shapes: Any) -> Any:
        return np.exp(self._logpmf(k, *shapes))

    def _cdf(self, k: Any, *shapes: Any) -> Any:
        raise NotImplementedError

    def _sf(self, k: Any, *shapes: Any) -> Any:
        return 1.0 - self._cdf(k, *shapes)

    def _logcdf(self, k: Any, *shapes: Any) -> Any:
        return log_of(self._cdf(k, *shapes), self._sf(k, *shapes))

    def _logsf(self, k: Any, *shapes: Any) -> Any:
        return log_of(self._sf(k, *shapes), self._cdf(k, *shapes))

    # -------------------------------------------------------------- what SciPy calls

    def pmf(self, k: Any, *args: Any, **kwds: Any) -> Any:
        """The probability of ``k``; zero unless that is an integer in the support."""
        return self._probability("pmf", k, args, kwds, 0.0)

    def logpmf(self, k: Any, *args: Any, **kwds: Any) -> Any:
        """The logarithm of `pmf`; -inf where that is zero."""
        return self._probability("logpmf", k, args, kwds, -np.inf)

    def cdf(self, k: Any, *args: Any, **kwds: Any) -> Any:
        """The probability of values up to ``k``."""
        return self._cumulative("cdf", k, args, kwds, 0.0, 1.0)

    def sf(self, k: Any, *args: Any, **kwds: Any) -> Any:
        """The probability of values above ``k``: 1 - cdf, accurate where it is small."""
        return self._cumulative("sf", k, args, kwds, 1.0, 0.0)

    def logcdf(self, k: Any, *args: Any, **kwds: Any) -> Any:
        """The logarithm of `cdf`, accurate where that is close to 1."""
        return self._cumulative("logcdf", k, args, kwds, -np.inf, 0.0)

    def logsf(self, k: Any, *args: Any, **kwds: Any) -> Any:
        """The logarithm of `sf`, accurate where that is close to 1."""
        return self._cumulative("logsf", k, args, kwds, 0.0, -np.inf)

    # -------------------------------------------------------------- how

    def _arguments(
        self, method: str, k: Any, args: tuple[Any, ...], kwds: dict[str, Any]
    ) -> tuple[Any, list[Any], Any]:
        *given, loc = self._parameters(method, args, kwds)
        moved = not (type(loc) is int and loc == 0)
        k, *shapes, loc = floats(f"{self.name}.{method}", k, *given, loc)
        shapes, bad = self._checked(shapes)
        return k - loc if moved else k, shapes, bad

    def _probability(
        self, method: str, k: Any, args: tuple[Any, ...], kwds: dict[str, Any], nothing: float
    ) -> Any:
        k, shapes, bad = self._arguments(method, k, args, kwds)
        lower, upper = self.support(*shapes)
        outside = np.logical_or(before(k, lower), beyond(k, upper))
        outside = np.logical_or(outside, np.logical_and(np.floor(k) != k, k == k))
        y = getattr(self, f"_{method}")(replaced(k, outside, lower), *shapes)
        return plain(replaced(replaced(y, outside, nothing), bad, np.nan))

    def _cumulative(
        self,
        method: str,
        k: Any,
        args: tuple[Any, ...],
        kwds: dict[str, Any],
        at_lower: float,
        at_upper: float,
    ) -> Any:
        k, shapes, bad = self._arguments(method, k, args, kwds)
        k = np.floor(k)
        lower, upper = self.support(*shapes)
        below, above = k < lower, k >= upper
        k = replaced(k, np.logical_or(below, above), lower)
        y = getattr(self, f"_{method}")(k, *shapes)
        y = replaced(replaced(y, below, at_lower), above, at_upper)
        return plain(replaced(y, np.logical_or(bad, np.isnan(k)), np.nan))
