"""Families of densities with a location and a scale."""

from __future__ import annotations

from typing import Any

import numpy as np

from .base import Distribution, before, beyond, floats, log_of, plain, replaced

__all__ = ["Continuous"]


class Continuous(Distribution):
    """A family of densities with a location and a scale.

    A distribution gives ``_logpdf`` and ``_cdf``, functions of the standardized variable and the
    shape parameters, and where there is something more accurate than the defaults also ``_pdf``,
    ``_sf``, ``_logcdf``, ``_logsf``; and ``_ppf`` and ``_isf``.

    Attributes
    ----------
    open, open_above : bool
        Whether no formula holds at the ends of the support (at the upper end), where the density is
        0 then.
    """

    open: bool = False
    open_above: bool = False

    options = ("loc", "scale")
    methods: tuple[str, ...] = ("pdf", "logpdf", "cdf", "logcdf", "sf", "logsf", "ppf", "isf")

    def _logpdf(self, z: Any, *shapes: Any) -> Any:
        raise NotImplementedError

    def _pdf(self, z: Any, *shapes: Any) -> Any:
        return np.exp(self._logpdf(z, *shapes))

    def _cdf(self, z: Any, *shapes: Any) -> Any:
        raise NotImplementedError

    def _sf(self, z: Any, *shapes: Any) -> Any:
        return 1.0 - self._cdf(z, *shapes)

    def _logcdf(self, z: Any, *shapes: Any) -> Any:
        return log_of(self._cdf(z, *shapes), self._sf(z, *shapes))

    def _logsf(self, z: Any, *shapes: Any) -> Any:
        return log_of(self._sf(z, *shapes), self._cdf(z, *shapes))

    def _ppf(self, q: Any, *shapes: Any) -> Any:
        raise NotImplementedError

    def _isf(self, q: Any, *shapes: Any) -> Any:
        raise NotImplementedError

    # -------------------------------------------------------------- what SciPy calls

    def pdf(self, x: Any, *args: Any, **kwds: Any) -> Any:
        """The density at ``x``; zero outside of the support."""
        z, shapes, scale, bad = self._standard("pdf", x, args, kwds)
        outside = self._outside(z, shapes)
        y = self._pdf(replaced(z, outside, lambda: self._interior(*shapes)), *shapes)
        if scale is not None:
            y = y / scale
        return plain(replaced(replaced(y, outside, 0.0), bad, np.nan))

    def logpdf(self, x: Any, *args: Any, **kwds: Any) -> Any:
        """The logarithm of the density at ``x``; -inf outside of the support."""
        z, shapes, scale, bad = self._standard("logpdf", x, args, kwds)
        outside = self._outside(z, shapes)
        y = self._logpdf(replaced(z, outside, lambda: self._interior(*shapes)), *shapes)
        if scale is not None:
            y = y - np.log(scale)
        return plain(replaced(replaced(y, outside, -np.inf), bad, np.nan))

    def cdf(self, x: Any, *args: Any, **kwds: Any) -> Any:
        """The probability of values up to ``x``."""
        return self._cumulative("cdf", x, args, kwds, 0.0, 1.0)

    def sf(self, x: Any, *args: Any, **kwds: Any) -> Any:
        """The probability of values above ``x``: 1 - cdf, accurate where it is small."""
        return self._cumulative("sf", x, args, kwds, 1.0, 0.0)

    def logcdf(self, x: Any, *args: Any, **kwds: Any) -> Any:
        """The logarithm of `cdf`, accurate where that is close to 1."""
        return self._cumulative("logcdf", x, args, kwds, -np.inf, 0.0)

    def logsf(self, x: Any, *args: Any, **kwds: Any) -> Any:
        """The logarithm of `sf`, accurate where that is close to 1."""
        return self._cumulative("logsf", x, args, kwds, 0.0, -np.inf)

    def ppf(self, q: Any, *args: Any, **kwds: Any) -> Any:
        """The quantile: where `cdf` is ``q``; NaN unless ``0 <= q <= 1``."""
        return self._quantile("ppf", q, args, kwds)

    def isf(self, q: Any, *args: Any, **kwds: Any) -> Any:
        """The quantile from above: where `sf` is ``q``; NaN unless ``0 <= q <= 1``."""
        return self._quantile("isf", q, args, kwds)

    # -------------------------------------------------------------- how

    def _outside(self, z: Any, shapes: list[Any]) -> Any:
        """Where the density is 0 without the formula."""
        lower, upper = self.support(*shapes)
        below = z <= lower if self.open else before(z, lower)
        above = z >= upper if self.open or self.open_above else beyond(z, upper)
        return np.logical_or(below, above)

    def _interior(self, *shapes: Any) -> Any:
        return self.inside

    def _standard(
        self, method: str, x: Any, args: tuple[Any, ...], kwds: dict[str, Any]
    ) -> tuple[Any, list[Any], Any, Any]:
        """The standardized variable, the shapes, the scale (None if not given), what is bad."""
        z, shapes, loc, scale, bad = self._scaled(method, x, args, kwds)
        if loc is not None:
            z = z - loc
        if scale is not None:
            z = z / scale
        return z, shapes, scale, bad

    def _scaled(
        self, method: str, x: Any, args: tuple[Any, ...], kwds: dict[str, Any]
    ) -> tuple[Any, list[Any], Any, Any, Any]:
        *given, loc, scale = self._parameters(method, args, kwds)
        moved = not (type(loc) is int and loc == 0)
        sized = not (type(scale) is int and scale == 1)
        x, *shapes, loc, scale = floats(f"{self.name}.{method}", x, *given, loc, scale)
        shapes, bad = self._checked(shapes)
        if sized:
            wrong = np.logical_not(scale > 0)
            scale = replaced(scale, wrong, 1.0)
            bad = wrong if bad is False else np.logical_or(bad, wrong)
        return x, shapes, loc if moved else None, scale if sized else None, bad

    def _cumulative(
        self,
        method: str,
        x: Any,
        args: tuple[Any, ...],
        kwds: dict[str, Any],
        at_lower: float,
        at_upper: float,
    ) -> Any:
        """A cumulative function: constant outside of the support.

        An end of the support belongs to the inside where the value there is finite (unless
        `closed` is false): so the derivative of the exponential distribution's cdf at 0 is 1.
        """
        z, shapes, _, bad = self._standard(method, x, args, kwds)
        lower, upper = self.support(*shapes)
        closed = self.closed and not self.open
        below = before(z, lower) if closed and np.isfinite(at_lower) else z <= lower
        closed = closed and not self.open_above
        above = beyond(z, upper) if closed and np.isfinite(at_upper) else z >= upper
        outside = np.logical_or(below, above)
        z = replaced(z, outside, lambda: self._interior(*shapes))
        y = getattr(self, f"_{method}")(z, *shapes)
        y = replaced(replaced(y, below, at_lower), above, at_upper)
        return plain(replaced(y, bad, np.nan))

    def _quantile(self, method: str, q: Any, args: tuple[Any, ...], kwds: dict[str, Any]) -> Any:
        q, shapes, loc, scale, bad = self._scaled(method, q, args, kwds)
        bad = np.logical_or(bad, np.logical_not(np.logical_and(q >= 0, q <= 1)))
        if loc is not None:
            bad = np.logical_or(bad, np.isnan(loc))
        lower, upper = self.support(*shapes)
        if method == "isf":
            lower, upper = upper, lower
        # A finite end is a value of the formula, with a derivative; an infinite one is not.
        first = np.logical_and(q == 0, np.isinf(lower))
        last = np.logical_and(q == 1, np.isinf(upper))
        edge = np.logical_or(first, last)
        z = getattr(self, f"_{method}")(replaced(q, np.logical_or(edge, bad), 0.5), *shapes)
        if scale is not None:
            z = z * scale
        if loc is not None:
            z = z + loc
        return plain(replaced(replaced(replaced(z, first, lower), last, upper), bad, np.nan))
