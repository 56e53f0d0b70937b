"""Cumulative functions whose derivatives are not those of a formula for their values.

The generalized normal distribution function is an incomplete gamma function of a power of ``|x|``:
right as a value, but at ``x = 0`` the chain rule multiplies an infinite derivative with a zero one,
and near 0 it loses digits. The derivative in ``x`` is the density, so it is a primitive that says
so; and so is its derivative in the shape. The von Mises distribution function is a series that
SciPy sums.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
import scipy.special

from ..core.bind import bind
from ..core.primitive import Primitive
from .pointwise import pointwise, pointwise_batch, pointwise_shape
from .special.declare import float_dtype
from .special.gamma import polygamma
from .special.incomplete_gamma import gammainc_derivative_p

__all__ = [
    "gennorm_cdf",
    "gennorm_log_density",
    "gennorm_slope",
    "vonmises_cdf",
    "vonmises_log_density",
    "vonmises_slope",
]

_LOG_TWO_PI = math.log(2 * math.pi)


# ------------------------------------------------------------------ generalized normal


def gennorm_log_density(b: Any, x: Any) -> Any:
    """The logarithm of ``b / (2 gamma(1/b)) exp(-|x|^b)``."""
    return np.log(0.5 * b) - scipy.special.gammaln(1.0 / b) - np.abs(x) ** b


def _gennorm_density(b: Any, x: Any) -> Any:
    return np.exp(gennorm_log_density(b, x))


def _log_abs(x: Any) -> Any:
    """``log|x|``, but 0 at 0, where it is multiplied with a power of ``x``."""
    return np.log(np.abs(x) + (x == 0))


def _gennorm_log_slope(b: Any, x: Any) -> Any:
    """The derivative of the log density in ``b``."""
    return 1.0 / b + polygamma(0, 1.0 / b) / (b * b) - np.abs(x) ** b * _log_abs(x)


def _gennorm(b: Any, x: Any) -> Any:
    # As in SciPy: 1/2 + c first, so that the tails do not cancel.
    c = 0.5 * np.sign(x)
    return (0.5 + c) - c * scipy.special.gammaincc(1.0 / b, np.abs(x) ** b)


def _gennorm_slope(b: Any, x: Any) -> Any:
    """The derivative of the cdf in ``b``.

    The cdf is ``1/2 + sign(x) P(1/b, |x|^b) / 2``; with ``p`` the density of the gamma
    distribution, ``p(t) t log|x|`` is ``2 f |x| log|x| / b``.
    """
    inner = gammainc_derivative_p.evaluate(1.0 / b, np.abs(x) ** b, order=1)
    slope = -0.5 * np.sign(x) * inner / (b * b) + _gennorm_density(b, x) * x * _log_abs(x) / b
    return np.asarray(slope).astype(float_dtype(b, x))[()]


def _gennorm_curvature(b: Any, x: Any) -> Any:
    """The second derivative of the cdf in ``b``: that of `_gennorm_slope`, term by term."""
    a, t = 1.0 / b, np.abs(x) ** b
    first, second = (bind(gammainc_derivative_p, (a, t), {"order": n}) for n in (1, 2))
    density, log = _gennorm_density(b, x), _log_abs(x)
    inner = np.sign(x) * (0.5 * a**4 * second + a**3 * first)
    along = -(a**3) * (b * log - polygamma(0, a))
    return inner + density * x * log * (along + a * _gennorm_log_slope(b, x) - a * a)


gennorm_slope_p = pointwise(
    "gennorm_slope",
    _gennorm_slope,
    lambda y, b, x: _gennorm_curvature(b, x),
    lambda y, b, x: _gennorm_density(b, x) * _gennorm_log_slope(b, x),
    show="gennorm_slope({0}, {1})",
)
gennorm_cdf_p = pointwise(
    "gennorm_cdf",
    _gennorm,
    lambda y, b, x: gennorm_slope(b, x),
    lambda y, b, x: _gennorm_density(b, x),
    show="(0.5 + 0.5 * np.sign({1})) - 0.5 * np.sign({1})"
    " * scipy.special.gammaincc(1.0 / {0}, np.abs({1}) ** {0})",
)


def gennorm_slope(b: Any, x: Any) -> Any:
    """The derivative of the cdf of the generalized normal distribution in its shape."""
    return bind(gennorm_slope_p, (b, x), {})


def gennorm_cdf(b: Any, x: Any) -> Any:
    """The cdf of the generalized normal distribution."""
    return bind(gennorm_cdf_p, (b, x), {})


# ------------------------------------------------------------------ von Mises

_NODES = 64
_REACH = 170.0  # the square of the number of standard deviations that count, 13


def vonmises_log_density(kappa: Any, x: Any) -> Any:
    """``kappa cos(x) - log(2 pi I_0(kappa))`` without large numbers."""
    return (
        -2.0 * kappa * np.square(np.sin(0.5 * x)) - _LOG_TWO_PI - np.log(scipy.special.i0e(kappa))
    )


@cache
def _gauss_legendre() -> tuple[Any, Any]:
    """Nodes and weights on the interval from 0 to 1."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    return 0.5 * (nodes + 1.0), 0.5 * weights


def vonmises_slope(kappa: Any, x: Any) -> Any:
    """The derivative of the cdf in ``kappa``.

    The integral of ``f(t) (cos t - I_1/I_0)`` from 0 to x, which has the period 2 pi, since over
    half a period it is 0. Integrated numerically, as far as the density is not negligible.
    """
    nodes, weights = _gauss_legendre()
    x = x - 2.0 * math.pi * np.rint(x / (2.0 * math.pi))
    far = kappa * x * x > _REACH
    width = np.sqrt(_REACH / np.where(far, kappa, 1.0))
    x = np.where(far, np.sign(x) * width, x)
    x, kappa = np.expand_dims(x, -1), np.expand_dims(kappa, -1)
    t = x * nodes.astype(x.dtype)
    zeroth, first = scipy.special.i0e(kappa), scipy.special.i1e(kappa)
    deviation = (zeroth - first) / zeroth - 2.0 * np.square(np.sin(0.5 * t))
    values = np.exp(vonmises_log_density(kappa, t)) * deviation
    return np.sum(x * values * weights.astype(x.dtype), axis=-1)


def _vonmises(kappa: Any, x: Any) -> Any:
    import scipy.stats  # half a second, so only when needed

    return np.asarray(scipy.stats.vonmises.cdf(x, kappa)).astype(float_dtype(kappa, x))[()]


def _vonmises_jvp(ts: Any, ins: Any, out: Any) -> Any:
    terms = []
    if ts[0] is not None:
        terms.append(ts[0] * vonmises_slope(*ins))
    if ts[1] is not None:
        terms.append(ts[1] * np.exp(vonmises_log_density(*ins)))
    return sum(terms[1:], terms[0])


vonmises_cdf_p = Primitive(
    "vonmises_cdf",
    _vonmises,
    pointwise_shape(_vonmises),
    None,
    jvp=_vonmises_jvp,
    show="vonmises_cdf({0}, {1})",
)
vonmises_cdf_p.batch = pointwise_batch(vonmises_cdf_p)


def vonmises_cdf(kappa: Any, x: Any) -> Any:
    """The cdf of the von Mises distribution; it grows by 1 with each turn."""
    return bind(vonmises_cdf_p, (kappa, x), {})
