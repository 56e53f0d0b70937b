"""Distributions of integers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special as sc

from ...core.errors import AbstractValueError, WengertValueError
from .base import floats, known_values, plain, replaced
from .discrete import Discrete

__all__ = ["bernoulli", "betabinom", "binom", "geom", "nbinom", "poisson"]


_MOST_TERMS = 10_000_000


def _is_number(n: Any) -> Any:
    return np.logical_and(n >= 0, np.floor(n) == n)


def _is_probability(p: Any) -> Any:
    return np.logical_and(p >= 0, p <= 1)


class Bernoulli(Discrete):
    """One trial: 1 with the probability ``p``, else 0."""

    name = "bernoulli"
    shapes = ("p",)
    typical = (0.5,)
    methods = (*Discrete.methods, "ppf", "isf")
    upper = 1.0
    notes = "Quantiles are steps: only their derivative in ``loc`` is not zero."

    def allowed(self, p: Any) -> tuple[Any, ...]:
        return (_is_probability(p),)

    def _logpmf(self, k: Any, p: Any) -> Any:
        return sc.xlogy(k, p) + sc.xlog1py(1.0 - k, -p)

    def _pmf(self, k: Any, p: Any) -> Any:
        return k * p + (1.0 - k) * (1.0 - p)

    # Inside of the support, below 1, there is 0 alone.
    def _cdf(self, k: Any, p: Any) -> Any:
        return 1.0 - p + 0.0 * k

    def _sf(self, k: Any, p: Any) -> Any:
        return p + 0.0 * k

    def ppf(self, q: Any, *args: Any, **kwds: Any) -> Any:
        """The smallest ``k`` whose `cdf` is at least ``q``; -1 for 0, as in SciPy."""
        return self._step("ppf", q, args, kwds)

    def isf(self, q: Any, *args: Any, **kwds: Any) -> Any:
        """The smallest ``k`` whose `sf` is at most ``q``; -1 for 1, as in SciPy."""
        return self._step("isf", q, args, kwds)

    def _step(self, method: str, q: Any, args: tuple[Any, ...], kwds: dict[str, Any]) -> Any:
        *shapes, loc = self._parameters(method, args, kwds)
        # `_arguments` takes the location from its variable; here it is added to the result.
        q, (p,), bad = self._arguments(method, q, tuple(shapes), {})
        up = q > 1.0 - p if method == "ppf" else q < p
        lowest, highest = (q == 0, q == 1) if method == "ppf" else (q == 1, q == 0)
        bad = np.logical_or(bad, np.logical_not(_is_probability(q)))
        k = np.where(np.logical_or(up, highest), 1.0, 0.0 * q)
        k = replaced(replaced(k, lowest, -1.0), bad, np.nan)
        return k + loc


class Binomial(Discrete):
    """The number of successes in ``n`` trials of the probability ``p``."""

    name = "binom"
    shapes = ("n", "p")
    typical = (1.0, 0.5)

    def support(self, n: Any, p: Any) -> tuple[Any, Any]:
        return 0.0, n

    def allowed(self, n: Any, p: Any) -> tuple[Any, ...]:
        return _is_number(n), _is_probability(p)

    def _logpmf(self, k: Any, n: Any, p: Any) -> Any:
        ways = sc.gammaln(n + 1.0) - (sc.gammaln(k + 1.0) + sc.gammaln(n - k + 1.0))
        return ways + sc.xlogy(k, p) + sc.xlog1py(n - k, -p)

    # Below n; the number of successes is at most k if that of failures is at least n - k.
    def _cdf(self, k: Any, n: Any, p: Any) -> Any:
        return sc.betaincc(k + 1.0, n - k, p)

    def _sf(self, k: Any, n: Any, p: Any) -> Any:
        return sc.betainc(k + 1.0, n - k, p)


class NegativeBinomial(Discrete):
    """The number of failures before the ``n``-th success, of the probability ``p`` each."""

    name = "nbinom"
    shapes = ("n", "p")
    typical = (1.0, 0.5)

    def allowed(self, n: Any, p: Any) -> tuple[Any, ...]:
        return n > 0, np.logical_and(p > 0, p <= 1)

    def _logpmf(self, k: Any, n: Any, p: Any) -> Any:
        ways = sc.gammaln(n + k) - sc.gammaln(k + 1.0) - sc.gammaln(n)
        return ways + n * np.log(p) + sc.xlog1py(k, -p)

    def _cdf(self, k: Any, n: Any, p: Any) -> Any:
        return sc.betainc(n, k + 1.0, p)

    def _sf(self, k: Any, n: Any, p: Any) -> Any:
        return sc.betaincc(n, k + 1.0, p)


class Geometric(Discrete):
    """The number of trials up to the first success, of the probability ``p`` each."""

    name = "geom"
    shapes = ("p",)
    typical = (0.5,)
    lower = 1.0

    def allowed(self, p: Any) -> tuple[Any, ...]:
        return (np.logical_and(p > 0, p <= 1),)

    def _logpmf(self, k: Any, p: Any) -> Any:
        return sc.xlog1py(k - 1.0, -p) + np.log(p)

    def _cdf(self, k: Any, p: Any) -> Any:
        return -np.expm1(self._logsf(k, p))

    def _sf(self, k: Any, p: Any) -> Any:
        return np.exp(self._logsf(k, p))

    def _logsf(self, k: Any, p: Any) -> Any:
        return sc.xlog1py(k, -p)


class Poisson(Discrete):
    """The Poisson distribution with the mean ``mu``."""

    name = "poisson"
    shapes = ("mu",)
    typical = (1.0,)
    methods = (*Discrete.methods, "entropy")

    def allowed(self, mu: Any) -> tuple[Any, ...]:
        return (mu >= 0,)

    def _logpmf(self, k: Any, mu: Any) -> Any:
        return sc.xlogy(k, mu) - sc.gammaln(k + 1.0) - mu

    def _cdf(self, k: Any, mu: Any) -> Any:
        return sc.gammaincc(k + 1.0, mu)

    def _sf(self, k: Any, mu: Any) -> Any:
        return sc.gammainc(k + 1.0, mu)

    def entropy(self, *args: Any, **kwds: Any) -> Any:
        """The entropy of the probabilities, in nats.

        A sum over the integers within 12 standard deviations of the mean, so that the number of
        terms depends on ``mu``, which must be known: `vmap` and `jit` cannot trace it.
        """
        mu, loc = self._parameters("entropy", args, kwds)
        mu, loc = floats("poisson.entropy", mu, loc)
        (mu,), bad = self._checked([mu])
        values = known_values(mu)
        if values is None:
            raise AbstractValueError(
                "poisson.entropy is a sum whose number of terms depends on mu, and mu is traced "
                "by vmap or jit. Make it a constant of the function, or take the expectation of "
                "-poisson.logpmf over a fixed range"
            )
        spread = 12.0 * np.sqrt(values)
        last = np.max(values + spread, initial=0.0) + 30.0
        with np.errstate(invalid="ignore"):  # of an infinite mu, which is refused below
            first = np.floor(np.maximum(np.min(values - spread, initial=np.inf), 0.0))
        # Not last - first alone: where mu is large, that is lost in rounding.
        terms = max(last - min(first, last), 2 * np.max(spread, initial=0.0))
        _require_few("poisson.entropy", "mu", terms, values.size)
        k = np.arange(min(first, last), last, dtype=values.dtype)
        mu = np.expand_dims(mu, -1)
        logs = self._logpmf(k, mu)
        logs = replaced(logs, np.isneginf(logs), 0.0)
        y = -np.sum(np.exp(logs) * logs, axis=-1)
        return plain(replaced(y, bad, np.nan) + 0.0 * loc)


def _require_few(functions: str, argument: str, terms: Any, elements: int) -> None:
    """A sum that does not fit into memory is an error before it is tried."""
    if not terms * elements <= _MOST_TERMS:
        raise WengertValueError(
            f"{functions}: the sum would have {terms:.6g} terms for each of {elements} elements, "
            f"{_MOST_TERMS:.0e} in all at most; {argument} has to be smaller"
        )


class BetaBinomial(Discrete):
    """Successes in ``n`` trials whose probability has the beta distribution of ``a`` and ``b``."""

    name = "betabinom"
    shapes = ("n", "a", "b")
    typical = (1.0, 1.0, 1.0)
    notes = (
        "The cumulative functions are sums over all integers up to the largest ``n``, which must "
        "be known: it cannot be traced by ``vmap`` or ``jit``."
    )

    def support(self, n: Any, a: Any, b: Any) -> tuple[Any, Any]:
        return 0.0, n

    def allowed(self, n: Any, a: Any, b: Any) -> tuple[Any, ...]:
        return _is_number(n), a > 0, b > 0

    def _logpmf(self, k: Any, n: Any, a: Any, b: Any) -> Any:
        ways = -np.log(n + 1.0) - sc.betaln(n - k + 1.0, k + 1.0)
        return ways + sc.betaln(k + a, n - k + b) - sc.betaln(a, b)

    def _terms(self, k: Any, n: Any, a: Any, b: Any) -> tuple[Any, Any]:
        """The probabilities of 0, 1, ... on a last axis, and where they are at most ``k``."""
        values = known_values(n)
        if values is None:
            raise AbstractValueError(
                "betabinom.cdf, sf, logcdf and logsf are sums of n terms: n must be known, and is "
                "traced by vmap or jit. Make it a constant of the function"
            )
        largest = np.max(values, initial=0)
        elements = math.prod(np.broadcast_shapes(*[np.shape(v) for v in (k, n, a, b)]))
        _require_few("betabinom.cdf, sf, logcdf and logsf", "n", largest + 1.0, elements)
        m = np.arange(int(largest) + 1.0, dtype=k.dtype)
        k, n, a, b = (np.expand_dims(v, -1) for v in (k, n, a, b))
        outside = m > n
        terms = np.exp(self._logpmf(np.where(outside, 0.0, m), n, a, b))
        return replaced(terms, outside, 0.0), m <= k

    def _cdf(self, k: Any, n: Any, a: Any, b: Any) -> Any:
        terms, low = self._terms(k, n, a, b)
        return np.sum(np.where(low, terms, 0.0), axis=-1)

    def _sf(self, k: Any, n: Any, a: Any, b: Any) -> Any:
        terms, low = self._terms(k, n, a, b)
        return np.sum(np.where(low, 0.0, terms), axis=-1)


bernoulli = Bernoulli()
binom = Binomial()
nbinom = NegativeBinomial()
geom = Geometric()
poisson = Poisson()
betabinom = BetaBinomial()
