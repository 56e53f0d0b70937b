"""Cumulative functions whose derivatives are not those of a formula for their values.

Student's t and the generalized normal distribution are incomplete beta and gamma functions of a
power of ``|x|``: right as values, but at ``x = 0`` the chain rule multiplies an infinite derivative
with a zero one, and near 0 it loses digits. The derivative in ``x`` is the density, so they are
primitives that say so; and so are their derivatives in the shape. The von Mises distribution
function is a series that SciPy sums.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
import scipy.special

from ...core.bind import bind
from ...core.primitive import Primitive
from ..pointwise import pointwise, pointwise_batch, pointwise_shape
from .declare import float_dtype, function, ufunc
from .gamma import polygamma
from .incomplete_beta import betainc_derivative_p
from .incomplete_gamma import gammainc_derivative_p

__all__ = [
    "gennorm_cdf",
    "gennorm_log_density",
    "student_cdf",
    "student_log_density",
    "vonmises_cdf",
    "vonmises_log_density",
]

_LOG_PI = math.log(math.pi)
_LOG_TWO_PI = math.log(2 * math.pi)


# ------------------------------------------------------------------ Student's t


def student_log_density(df: Any, t: Any) -> Any:
    """The logarithm of the density of Student's t, for finite ``df``."""
    return (
        np.log(scipy.special.poch(0.5 * df, 0.5))
        - 0.5 * (np.log(df) + _LOG_PI)
        - 0.5 * (df + 1.0) * np.log1p(t * t / df)
    )


def _student_density(df: Any, t: Any) -> Any:
    return np.exp(student_log_density(df, t))


def _student_log_slope(df: Any, t: Any) -> Any:
    """The derivative of the log density in ``df``."""
    r = t * t / df
    digammas = polygamma(0, 0.5 * (df + 1.0)) - polygamma(0, 0.5 * df)
    return 0.5 * (digammas - 1.0 / df - np.log1p(r) + (df + 1.0) * r / (df * (1.0 + r)))


def _beta_argument(df: Any, t: Any) -> Any:
    return df / (df + t * t)


def _student_slope(df: Any, t: Any) -> Any:
    """The derivative of the cdf in ``df``.

    For t > 0 the cdf is ``1 - I_v(df/2, 1/2) / 2`` with ``v = df / (df + t^2)``, mirrored for t <
    0. It depends on ``df`` by the parameter and by ``v``, which is a function of ``t/sqrt(df)``.
    """
    inner = betainc_derivative_p.evaluate(0.5 * df, 0.5, _beta_argument(df, t), m=1, n=0)
    slope = -0.25 * np.sign(t) * inner - _student_density(df, t) * t / (2.0 * df)
    return np.asarray(slope).astype(float_dtype(df, t))[()]


def _student_curvature(df: Any, t: Any) -> Any:
    """The second derivative of the cdf in ``df``: that of `_student_slope`, term by term."""
    second = bind(
        betainc_derivative_p, (0.5 * df, 0.5, _beta_argument(df, t)), {"m": 2, "n": 0}
    )
    density = _student_density(df, t)
    digammas = polygamma(0, 0.5 * (df + 1.0)) - polygamma(0, 0.5 * df)
    along = digammas - np.log1p(t * t / df)
    rest = 0.5 * along + _student_log_slope(df, t) - 1.0 / df
    return -0.125 * np.sign(t) * second - 0.5 * t * density / df * rest


student_slope_p = pointwise(
    "stdtr_slope",
    _student_slope,
    lambda y, df, t: _student_curvature(df, t),
    lambda y, df, t: _student_density(df, t) * _student_log_slope(df, t),
    show="stdtr_slope({0}, {1})",
)
ufunc(
    "stdtr",
    lambda y, df, t: bind(student_slope_p, (df, t), {}),
    lambda y, df, t: _student_density(df, t),
)
student_cdf = function("stdtr")


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
    lambda y, b, x: bind(gennorm_slope_p, (b, x), {}),
    lambda y, b, x: _gennorm_density(b, x),
    show="scipy.stats.gennorm.cdf({1}, {0})",
)


def gennorm_cdf(b: Any, x: Any) -> Any:
    """The cdf of the generalized normal distribution."""
    return bind(gennorm_cdf_p, (b, x), {})


# ------------------------------------------------------------------ von Mises

_NODES = 64
_REACH = 170.0  # the square of the number of standard deviations that count, 13


def vonmises_log_density(kappa: Any, x: Any) -> Any:
    """``kappa cos(x) - log(2 pi I_0(kappa))`` without large numbers."""
    return (
        -2.0 * kappa * np.square(np.sin(0.5 * x))
        - _LOG_TWO_PI
        - np.log(scipy.special.i0e(kappa))
    )


@cache
def _gauss_legendre() -> tuple[Any, Any]:
    """Nodes and weights on the interval from 0 to 1."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    return 0.5 * (nodes + 1.0), 0.5 * weights


def _vonmises_slope(kappa: Any, x: Any) -> Any:
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
        terms.append(ts[0] * _vonmises_slope(*ins))
    if ts[1] is not None:
        terms.append(ts[1] * np.exp(vonmises_log_density(*ins)))
    return sum(terms[1:], terms[0])


vonmises_cdf_p = Primitive(
    "vonmises_cdf",
    _vonmises,
    pointwise_shape(_vonmises),
    None,
    jvp=_vonmises_jvp,
    show="scipy.stats.vonmises.cdf({1}, {0})",
)
vonmises_cdf_p.batch = pointwise_batch(vonmises_cdf_p)


def vonmises_cdf(kappa: Any, x: Any) -> Any:
    """The cdf of the von Mises distribution; it grows by 1 with each turn."""
    return bind(vonmises_cdf_p, (kappa, x), {})
