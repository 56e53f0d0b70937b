"""Distribution functions and their inverses: incomplete gamma and beta functions in other letters.

The derivatives of an inverse are those of an implicit function: from ``F(u, ...) = p`` it follows
that ``du/dp = 1 / F_u`` and ``du/dv = -F_v / F_u``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special

from ...core.algebra import strong_product
from ...core.bind import bind
from ...core.errors import NoRuleError
from ...core.quiet import quiet
from ..at_infinity import slope
from .declare import float_dtype, numbered, refused, ufunc
from .elementary import exprel_slope
from .error_functions import normal_density
from .gamma import polygamma
from .incomplete_beta import beta_density, slope_in
from .incomplete_gamma import gamma_density, slope_in_shape
from .moments import betainc_derivative

__all__ = ["student_derivative_p"]

special: Any = scipy.special
Slopes = list[Callable[..., Any] | None]


def _distribution(name: str, complement: str, slopes: Slopes) -> None:
    """A distribution function of ``len(slopes)`` arguments, and what it lacks to 1."""

    def negative(slope: Any) -> Any:
        return None if slope is None else lambda y, *args: -slope(*args)

    ufunc(name, *[None if f is None else _ignoring_value(f) for f in slopes])
    if complement:
        ufunc(complement, *[negative(f) for f in slopes])


def _ignoring_value(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda y, *args: f(*args)


def _at_end(y: Any) -> Any:
    """Whether SciPy's search for a parameter has ended at an end of its interval."""
    end = (y == 0) | (y == 1e10)
    numbers = np.finfo(y.dtype)
    for bound in (float(np.finfo(float).tiny), 1e-100, 1e100):
        if numbers.tiny <= bound <= numbers.max:  # not in single precision
            end = end | (y == bound)
    return end


def _inverse(
    name: str,
    slopes: Slopes,
    unknown: int,
    given: int,
    sign: int = 1,
    *,
    searched: bool = False,
) -> None:
    """``name`` finds the argument ``unknown`` of a distribution function.

    Its own arguments are those of the distribution function, in their order, without the unknown
    one and with the probability in place ``given``. ``sign`` is -1 for the probability of more.
    Parameters are ``searched`` for in an interval: where SciPy returns an end of it, since no
    value in it has the probability, the derivatives are 0.
    """

    def of_search(y: Any, partial: Any) -> Any:
        return np.where(_at_end(y), 0.0, partial) if searched else partial

    def full(y: Any, args: tuple[Any, ...]) -> list[Any]:
        rest = [*args[:given], *args[given + 1 :]]
        return [*rest[:unknown], y, *rest[unknown:]]

    def in_probability(y: Any, *args: Any) -> Any:
        return of_search(y, sign / slopes[unknown](*full(y, args)))  # type: ignore[misc]

    def in_other(i: int) -> Any:
        slope = slopes[i]
        if slope is None:
            return None

        def partial(y: Any, *args: Any) -> Any:
            values = full(y, args)
            # at probabilities of 0 and 1 the first factor is 0 and the second may be infinite
            steepness = 1 / slopes[unknown](*values)  # type: ignore[misc]
            return of_search(y, strong_product(-slope(*values), steepness))

        return partial

    partials = [in_other(i) for i in range(len(slopes)) if i != unknown]
    partials.insert(given, in_probability)
    ufunc(name, *partials)


# ------------------------------------------------------------------ gamma and chi-square


def _gdtr(a: Any, b: Any, x: Any) -> Any:
    return gamma_density(b, a * x)


_GDTR: Slopes = [
    lambda a, b, x: strong_product(x, _gdtr(a, b, x)),
    lambda a, b, x: slope_in_shape(b, a * x),
    lambda a, b, x: strong_product(a, _gdtr(a, b, x)),
]
_distribution("gdtr", "gdtrc", _GDTR)
_inverse("gdtria", _GDTR, 0, 0, searched=True)
_inverse("gdtrib", _GDTR, 1, 1, searched=True)
_inverse("gdtrix", _GDTR, 2, 2)

_CHDTR: Slopes = [
    lambda v, x: 0.5 * slope_in_shape(0.5 * v, 0.5 * x),
    lambda v, x: 0.5 * gamma_density(0.5 * v, 0.5 * x),
]
_distribution("chdtr", "chdtrc", _CHDTR)
_inverse("chdtri", _CHDTR, 1, 1, -1)
_inverse("chdtriv", _CHDTR, 0, 0, searched=True)


def _chndtr_density(x: Any, df: Any, nc: Any) -> Any:
    """The density of the noncentral chi-square distribution, DLMF 10.39.5 in its series.

    Written with the scaled Bessel function, which does not overflow.
    """
    far = np.isinf(x)
    x = np.where(far, 1.0, x)
    half = 0.5 * df - 1
    product = np.sqrt(x * nc)
    central = gamma_density(0.5 * df, 0.5 * x)
    safe = np.where(nc > 0, nc, 1.0)
    power = special.xlogy(0.5 * half, x / safe) - 0.5 * np.square(np.sqrt(x) - np.sqrt(safe))
    spread = np.exp(power) * special.ive(half, np.where(nc > 0, product, 1.0))
    return np.where(far, 0.0, 0.5 * np.where(nc > 0, spread, central))


_NO_DEGREES = "the slope of the noncentral distribution in it has no closed form"
ufunc(
    "chndtr",
    lambda y, x, df, nc: _chndtr_density(x, df, nc),
    refused("chndtr", "df", _NO_DEGREES),
    lambda y, x, df, nc: -_chndtr_density(x, df + 2, nc),
)
ufunc(
    "chndtrix",
    lambda x, p, df, nc: 1 / _chndtr_density(x, df, nc),
    refused("chndtrix", "df", _NO_DEGREES),
    lambda x, p, df, nc: strong_product(
        _chndtr_density(x, df + 2, nc), 1 / _chndtr_density(x, df, nc)
    ),
)

# ------------------------------------------------------------------ Poisson

# The steps in the number of events are what SciPy makes of it; the inverse takes no steps.
_PDTR: Slopes = [
    lambda k, m: -slope_in_shape(k + 1, m),
    lambda k, m: -gamma_density(k + 1, m),
]
_PDTR_STEPS: Slopes = [None, lambda k, m: -gamma_density(np.floor(k) + 1, m)]
_distribution("pdtr", "pdtrc", _PDTR_STEPS)
# Of a probability, the number of events is truncated: that between -1 and 0 is 0.
_inverse("pdtri", [None, lambda k, m: -gamma_density(np.trunc(k) + 1, m)], 1, 1)
_inverse("pdtrik", _PDTR, 0, 0, searched=True)

# ------------------------------------------------------------------ beta


_BETA: Slopes = [
    lambda a, b, x: slope_in(0, a, b, x),
    lambda a, b, x: slope_in(1, a, b, x),
    lambda a, b, x: beta_density(a, b, x),
]
_inverse("btdtria", _BETA, 0, 0, searched=True)
_inverse("btdtrib", _BETA, 1, 1, searched=True)

# ------------------------------------------------------------------ binomial

_BDTR: Slopes = [  # betainc(n - k, k + 1, 1 - p)
    lambda k, n, p: slope_in(1, n - k, k + 1, 1 - p) - slope_in(0, n - k, k + 1, 1 - p),
    lambda k, n, p: slope_in(0, n - k, k + 1, 1 - p),
    lambda k, n, p: -beta_density(n - k, k + 1, 1 - p),
]
_BDTR_STEPS: Slopes = [
    None,
    None,
    lambda k, n, p: -beta_density(np.trunc(n) - np.floor(k), np.floor(k) + 1, 1 - p),
]
_distribution("bdtr", "bdtrc", _BDTR_STEPS)
_inverse("bdtri", _BDTR_STEPS, 2, 2)
_inverse("bdtrik", _BDTR, 0, 0, searched=True)
_inverse("bdtrin", _BDTR, 1, 1, searched=True)

_NBDTR: Slopes = [  # betainc(n, k + 1, p)
    lambda k, n, p: slope_in(1, n, k + 1, p),
    lambda k, n, p: slope_in(0, n, k + 1, p),
    lambda k, n, p: beta_density(n, k + 1, p),
]
_NBDTR_STEPS: Slopes = [
    None,
    None,
    lambda k, n, p: beta_density(np.trunc(n), np.trunc(k) + 1, p),
]
_distribution("nbdtr", "nbdtrc", _NBDTR_STEPS)
_inverse("nbdtri", _NBDTR_STEPS, 2, 2)
_inverse("nbdtrik", _NBDTR, 0, 0, searched=True)
_inverse("nbdtrin", _NBDTR, 1, 1, searched=True)

# ------------------------------------------------------------------ F


def _fdtr_parts(m: Any, n: Any, x: Any) -> tuple[Any, Any, Any, Any]:
    """The arguments of betainc, and ``dw/dx = m n / (n + m x)^2`` of its last."""
    whole = n + m * x
    return 0.5 * m, 0.5 * n, m * x / whole, m * n / np.square(whole)


def _fdtr_in_m(m: Any, n: Any, x: Any) -> Any:
    a, b, w, slope = _fdtr_parts(m, n, x)
    return 0.5 * slope_in(0, a, b, w) + strong_product(slope * x / m, beta_density(a, b, w))


def _fdtr_in_n(m: Any, n: Any, x: Any) -> Any:
    a, b, w, slope = _fdtr_parts(m, n, x)
    return 0.5 * slope_in(1, a, b, w) - strong_product(slope * x / n, beta_density(a, b, w))


def _fdtr_in_x(m: Any, n: Any, x: Any) -> Any:
    a, b, w, slope = _fdtr_parts(m, n, x)
    return beta_density(a, b, w) * slope


def _vanishing_at_infinity(slope: Callable[..., Any]) -> Callable[..., Any]:
    def limited(m: Any, n: Any, x: Any) -> Any:
        far = np.isinf(x)
        return np.where(far, 0.0, slope(m, n, np.where(far, 1.0, x)))

    return limited


_FDTR: Slopes = [_vanishing_at_infinity(f) for f in (_fdtr_in_m, _fdtr_in_n, _fdtr_in_x)]
_distribution("fdtr", "fdtrc", _FDTR)
_inverse("fdtri", _FDTR, 2, 2)
_inverse("fdtridfd", _FDTR, 1, 1, searched=True)

# ------------------------------------------------------------------ Student's t


def _student_density_formula(df: Any, t: Any) -> Any:
    power = 0.5 * (df + 1) * np.log1p(t * t / df)
    return np.exp(-power - special.betaln(0.5, 0.5 * df)) / np.sqrt(df)


def _evaluate_student_density(df: Any, t: Any) -> Any:
    with quiet():
        y = _student_density_formula(df, t)
        if not np.isinf(df).any():
            return y
        return np.where(np.isinf(df), normal_density(t), y).astype(y.dtype)[()]


def _log_student_density_in_df(df: Any, t: Any) -> Any:
    square = t * t / df
    log = 0.5 * (square * (df + 1) / (df * (1 + square)) - np.log1p(square) - 1 / df)
    return log + 0.5 * (polygamma(0, 0.5 * df + 0.5) - polygamma(0, 0.5 * df))


# In the tails the density is 0, and what its logarithm does there does not matter.
_student_density = slope(
    "student_density",
    _student_density_formula,
    lambda y, df, t: strong_product(y, _log_student_density_in_df(df, t)),
    lambda y, df, t: strong_product(y, -(1 + 1 / df) * t / (1 + t * t / df)),
    evaluate=_evaluate_student_density,
    show=(
        "np.exp(-0.5 * ({0} + 1) * np.log1p({1} * {1} / {0}) "
        "- scipy.special.betaln(0.5, 0.5 * {0})) / np.sqrt({0})"
    ),
)


def _student_density_in_df(df: Any, t: Any) -> Any:
    return strong_product(_student_density(df, t), _log_student_density_in_df(df, t))


def _evaluate_student(df: Any, t: Any, order: int) -> Any:
    """Derivatives in df of ``1/2 + sign(t)/2 betainc(1/2, df/2, w)``, ``w = t^2 / (df + t^2)``."""
    dtype = float_dtype(df, t)
    df, t = np.broadcast_arrays(np.asarray(df, float), np.asarray(t, float))
    with np.errstate(all="ignore"):
        b, whole = 0.5 * df, df + t * t
        w, rest = t * t / whole, df / whole
        fall = -w / whole
        # in the tails w is 1 but for rounding, so that the complement has to be taken
        far = rest < 0.5
        log_rest = np.where(far, np.log(rest), np.log1p(-w))

        def in_b(n: int) -> Any:
            tail = betainc_derivative(b, 0.5, np.where(far, rest, 0.5), n, 0)
            return np.where(far, -tail, betainc_derivative(0.5, b, np.where(far, 0.5, w), 0, n))

        first = in_b(1)
        density = np.exp((b - 1) * log_rest - special.betaln(0.5, b)) / np.sqrt(w)
        if order == 1:
            total = 0.5 * first + density * fall
        else:
            log = log_rest - special.psi(b) + special.psi(b + 0.5)
            bend = density * (-0.5 / w - (b - 1) / rest)
            total = 0.25 * in_b(2) + density * log * fall
            total = total + bend * fall * fall - density * 2 * fall / whole
        flat = (t == 0) | np.isinf(t) | np.isinf(df)
        total = np.where(flat, 0.0, 0.5 * np.sign(t) * total)
        return np.where(np.isnan(t), np.nan, total).astype(dtype)[()]


def _student_jvp(ts: Any, ins: Any, out: Any, order: int) -> Any:
    if order > 1:
        raise NoRuleError(
            "scipy.special.stdtr: its third derivatives in df are not among the rules; write the "
            "distribution function with scipy.special.betainc, which has all derivatives"
        )
    terms = []
    if ts[0] is not None:
        terms.append(ts[0] * bind(student_derivative_p, ins, {"order": 2}))
    if ts[1] is not None:
        terms.append(ts[1] * _student_density_in_df(*ins))
    return sum(terms[1:], terms[0])


student_derivative_p = numbered("student_derivative", _evaluate_student, _student_jvp)

_STDTR: Slopes = [
    lambda df, t: bind(student_derivative_p, (df, t), {"order": 1}),
    _student_density,
]
_distribution("stdtr", "", _STDTR)
_inverse("stdtrit", _STDTR, 1, 1)
_inverse("stdtridf", _STDTR, 0, 0, searched=True)

# ------------------------------------------------------------------ normal


def _reciprocal_density(z: Any) -> Any:
    """The derivative of ndtri where its value is z."""
    return math.sqrt(2 * math.pi) * np.exp(0.5 * z * z)


ufunc(
    "nrdtrimn",  # x - std ndtri(p)
    lambda mn, p, std, x: -std * _reciprocal_density((x - mn) / std),
    lambda mn, p, std, x: (mn - x) / std,
    lambda mn, p, std, x: 1.0,
)
ufunc(
    "nrdtrisd",  # (x - mn) / ndtri(p)
    lambda sd, mn, p, x: -sd / (x - mn),
    lambda sd, mn, p, x: -sd * sd / (x - mn) * _reciprocal_density((x - mn) / sd),
    lambda sd, mn, p, x: sd / (x - mn),
)

# ------------------------------------------------------------------ Tukey's lambda


def _tukey_in_x(p: Any, lam: Any) -> Any:
    inside = (p > 0) * (p < 1)
    left, right = np.where(inside, p, 0.5), np.where(inside, 1 - p, 0.5)
    return inside / (left ** (lam - 1) + right ** (lam - 1))


def _tukey_in_lambda(p: Any, lam: Any) -> Any:
    # of the quantile (p^lam - (1 - p)^lam) / lam, see elementary.py on Box and Cox
    inside = (p > 0) * (p < 1)
    left = np.log(np.where(inside, p, 0.5))
    right = np.log1p(-np.where(inside, p, 0.5))
    slope = left * left * exprel_slope(lam * left)
    slope = slope - right * right * exprel_slope(lam * right)
    return -slope * _tukey_in_x(p, lam)


ufunc("tklmbda", lambda p, x, lam: _tukey_in_x(p, lam), lambda p, x, lam: _tukey_in_lambda(p, lam))
