"""The regularised incomplete beta functions and their inverses. DLMF 8.17."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
import scipy.special

from ...core.algebra import strong_product
from ...core.bind import bind
from ...core.quiet import quiet
from ..pointwise import pointwise
from .declare import float_dtype, function, numbered, ufunc
from .gamma import polygamma
from .moments import betainc_derivative

__all__ = ["beta_density", "betainc_derivative_p", "slope_in"]


def _powers(p: Any, q: Any, x: Any, c: Any) -> Any:
    with quiet():
        return np.exp(scipy.special.xlogy(p, x) + scipy.special.xlog1py(q, -x) - c)


# ``x^p (1-x)^q exp(-c)``. An operation of its own, since the chain rule through the logarithms
# loses the derivatives at the ends: that of x at 0 would be 0 times infinity.
pointwise(
    "beta_powers",
    _powers,
    lambda y, p, q, x, c: strong_product(y, np.log(x)),
    lambda y, p, q, x, c: strong_product(y, np.log1p(-x)),
    lambda y, p, q, x, c: (
        strong_product(p, _bound_powers(p - 1, q, x, c))
        - strong_product(q, _bound_powers(p, q - 1, x, c))
    ),
    lambda y, p, q, x, c: -y,
    show="np.exp(scipy.special.xlogy({0}, {2}) + scipy.special.xlog1py({1}, -{2}) - {3})",
)
_bound_powers: Any = function("beta_powers")


def beta_density(a: Any, b: Any, x: Any) -> Any:
    """``x^(a-1) (1-x)^(b-1) / beta(a, b)``, the derivative of betainc in x."""
    return _bound_powers(a - 1, b - 1, x, scipy.special.betaln(a, b))


def _density_derivative(a: Any, b: Any, x: Any, m: int, n: int) -> Any:
    """Derivatives of the density in a and b, from those of its logarithm by Leibniz's rule."""

    @cache
    def log(j: int, k: int) -> Any:
        y = polygamma(j + k - 1, a + b)
        if k == 0:
            y = y - polygamma(j - 1, a)
        if j == 0:
            y = y - polygamma(k - 1, b)
        if (j, k) == (1, 0):
            y = y + np.log(x)
        if (j, k) == (0, 1):
            y = y + np.log1p(-x)
        return y

    @cache
    def density(j: int, k: int) -> Any:
        if j == k == 0:
            return beta_density(a, b, x)
        one, other = (1, 0) if j else (0, 1)
        terms = [
            math.comb(j - one, i) * math.comb(k - other, s)
            * strong_product(density(i, s), log(j - i, k - s))
            for i in range(j - one + 1)
            for s in range(k - other + 1)
        ]  # fmt: skip
        return sum(terms[1:], terms[0])

    return density(m, n)


def _evaluate(a: Any, b: Any, x: Any, m: int, n: int) -> Any:
    return betainc_derivative(a, b, x, m, n).astype(float_dtype(a, b, x))[()]


def _jvp(ts: Any, ins: Any, out: Any, m: int, n: int) -> Any:
    terms = []
    if ts[0] is not None:
        terms.append(ts[0] * bind(betainc_derivative_p, ins, {"m": m + 1, "n": n}))
    if ts[1] is not None:
        terms.append(ts[1] * bind(betainc_derivative_p, ins, {"m": m, "n": n + 1}))
    if ts[2] is not None:
        terms.append(ts[2] * _density_derivative(ins[0], ins[1], ins[2], m, n))
    return sum(terms[1:], terms[0])


betainc_derivative_p = numbered("betainc_derivative", _evaluate, _jvp)


def slope_in(which: int, a: Any, b: Any, x: Any) -> Any:
    """The derivative of betainc in a (0) or b (1)."""
    return bind(betainc_derivative_p, (a, b, x), {"m": 1 - which, "n": which})


ufunc(
    "betainc",
    lambda z, a, b, x: slope_in(0, a, b, x),
    lambda z, a, b, x: slope_in(1, a, b, x),
    lambda z, a, b, x: beta_density(a, b, x),
)
ufunc(
    "betaincc",
    lambda z, a, b, x: -slope_in(0, a, b, x),
    lambda z, a, b, x: -slope_in(1, a, b, x),
    lambda z, a, b, x: -beta_density(a, b, x),
)


def _slope_of_inverse(which: int, a: Any, b: Any, x: Any) -> Any:
    """The derivative of an inverse in a (0) or b (1). Its ends, 0 and 1, do not depend on them."""
    end = np.logical_or(x == 0, x == 1)
    x = np.where(end, 0.5, x)
    slope = strong_product(-slope_in(which, a, b, x), 1 / beta_density(a, b, x))
    return np.where(end, 0.0, slope)


ufunc(
    "betaincinv",
    lambda x, a, b, p: _slope_of_inverse(0, a, b, x),
    lambda x, a, b, p: _slope_of_inverse(1, a, b, x),
    lambda x, a, b, p: 1 / beta_density(a, b, x),
)
ufunc(
    "betainccinv",
    lambda x, a, b, q: _slope_of_inverse(0, a, b, x),
    lambda x, a, b, q: _slope_of_inverse(1, a, b, x),
    lambda x, a, b, q: -1 / beta_density(a, b, x),
)
