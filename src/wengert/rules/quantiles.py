"""Quantiles that are no formula: where a cumulative function ``F(s, z)`` has the value ``q``.

With the density ``f`` and the derivative ``F_s`` in the shape, ``f dz + F_s ds = dq``, of the
quantile from above with ``-dq``. The rule is written at the quantile itself, so derivatives of
every order follow. SciPy finds the values; where it inverts a function that is rounded to 1, or
loses its way, Newton's method on the logarithms goes on.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special as sc

from ..core.bind import bind
from ..core.primitive import Primitive
from .batching import align, ndim_of
from .distributions import (
    gennorm_log_density,
    gennorm_slope,
    vonmises_log_density,
    vonmises_slope,
)
from .pointwise import pointwise_shape
from .special.declare import float_dtype

__all__ = [
    "exponnorm_quantile",
    "gennorm_quantile",
    "invgauss_log_density",
    "invgauss_quantile",
    "vonmises_quantile",
]

_LOG_ROOT_TWO_PI = math.log(2 * math.pi) / 2
_STEPS = 8  # of Newton's method, which begins close by


def _declared(
    name: str,
    evaluate: Callable[..., Any],
    log_density: Callable[..., Any],
    slope: Callable[..., Any],
) -> Callable[[Any, Any, bool], Any]:
    """The operation ``(shape, q, upper) -> quantile``; density and slope take ``(shape, z)``."""

    def value(s: Any, q: Any, upper: bool) -> Any:
        found = evaluate(np.asarray(s, np.float64), np.asarray(q, np.float64), upper)
        return np.asarray(found).astype(float_dtype(s, q))[()]

    def jvp(ts: Any, ins: Any, out: Any, upper: bool) -> Any:
        terms = []
        if ts[0] is not None:
            terms.append(-ts[0] * slope(ins[0], out))
        if ts[1] is not None:
            terms.append(-ts[1] if upper else ts[1])
        return sum(terms[1:], terms[0]) * np.exp(-log_density(ins[0], out))

    shape = pointwise_shape(np.multiply)
    operation = Primitive(
        f"{name}_quantile",
        value,
        lambda s, q, upper: shape(s, q),
        None,
        jvp=jvp,
        show=f"{name}_quantile({{0}}, {{1}})",
    )

    def quantile(s: Any, q: Any, upper: bool) -> Any:
        """The quantile, from above if ``upper``."""
        return bind(operation, (s, q), {"upper": upper})

    def batch(args: Any, batched: Any, size: int, upper: bool) -> Any:
        rank = max(ndim_of(x, b) for x, b in zip(args, batched, strict=True))
        s, q = (align(x, b, rank) for x, b in zip(args, batched, strict=True))
        return quantile(s, q, upper)

    operation.batch = batch

    return quantile


def _distribution(name: str) -> Any:
    import scipy.stats  # half a second, so only when needed

    return getattr(scipy.stats, name)


def _closer(name: str, z: Any, s: Any, q: Any, upper: bool) -> Any:
    """Newton's method for ``log F = log q``, which is nearly linear in the tails."""
    d = _distribution(name)
    log_f, sign = (d.logsf, -1.0) if upper else (d.logcdf, 1.0)
    with np.errstate(all="ignore"):
        goal = np.log(q)
        for _ in range(_STEPS):
            now = log_f(z, s)
            step = sign * (now - goal) * np.exp(now - d.logpdf(z, s))
            z = np.where(np.isfinite(step), z - step, z)
    return z


# ------------------------------------------------------------------ the distributions


def _gennorm(b: Any, q: Any, upper: bool) -> Any:
    tail = sc.gammainccinv(1.0 / b, 2.0 * np.minimum(q, 1.0 - q)) ** (1.0 / b)
    return np.sign(0.5 - q if upper else q - 0.5) * tail


def _vonmises(kappa: Any, q: Any, upper: bool) -> Any:
    z = _distribution("vonmises").ppf(q, kappa)
    return 0.0 - z if upper else z


def invgauss_log_density(mu: Any, z: Any) -> Any:
    """That of the first passage of a level, with the mean ``mu``."""
    return -1.5 * np.log(z) - _LOG_ROOT_TWO_PI - 0.5 * ((z - mu) / mu) ** 2 / z


def _invgauss_slope(mu: Any, z: Any) -> Any:
    """Of Shuster's formula: the densities in it cancel."""
    root = np.sqrt(z)
    return -2.0 / (mu * mu) * np.exp(2.0 / mu + sc.log_ndtr(-(z / mu + 1.0) / root))


def _invgauss(mu: Any, q: Any, upper: bool) -> Any:
    d = _distribution("invgauss")
    far = q < 1e-10  # SciPy loses its way there, and warns
    z = (d.isf if upper else d.ppf)(np.where(far, 0.5, q), mu)
    with np.errstate(divide="ignore"):
        # The tails: exp(-z / (2 mu^2)), and that of a normal variable in 1/sqrt(z).
        guess = -2.0 * mu * mu * np.log(q) if upper else sc.ndtri(q) ** -2.0
    return _closer("invgauss", np.where(far, guess, z), mu, q, upper)


def _exponnorm_log_density(K: Any, z: Any) -> Any:
    rate = 1.0 / K
    return rate * (0.5 * rate - z) + sc.log_ndtr(z - rate) - np.log(K)


def _exponnorm_slope(K: Any, z: Any) -> Any:
    rate = 1.0 / K
    part = np.exp(rate * (0.5 * rate - z) + sc.log_ndtr(z - rate))
    normal = np.exp(-0.5 * z * z - _LOG_ROOT_TWO_PI)
    return -rate * rate * ((z - rate) * part + normal)


def _exponnorm(K: Any, q: Any, upper: bool) -> Any:
    d = _distribution("exponnorm")
    if not upper:
        return d.ppf(q, K)
    return _closer("exponnorm", d.isf(q, K), K, q, True)


gennorm_quantile = _declared("gennorm", _gennorm, gennorm_log_density, gennorm_slope)
vonmises_quantile = _declared("vonmises", _vonmises, vonmises_log_density, vonmises_slope)
invgauss_quantile = _declared("invgauss", _invgauss, invgauss_log_density, _invgauss_slope)
exponnorm_quantile = _declared("exponnorm", _exponnorm, _exponnorm_log_density, _exponnorm_slope)
