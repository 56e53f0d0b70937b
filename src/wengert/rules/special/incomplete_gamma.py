"""The regularised incomplete gamma functions and their inverses. DLMF chapter 8."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.special

from ...core.algebra import strong_product
from ...core.bind import bind
from ...core.quiet import quiet
from ..pointwise import pointwise
from .declare import float_dtype, function, numbered, ufunc
from .gamma import polygamma
from .moments import gammainc_derivative

__all__ = ["gamma_density", "gammainc_derivative_p", "slope_in_shape"]


def _powers(p: Any, x: Any, c: Any) -> Any:
    with quiet():
        y = np.exp(scipy.special.xlogy(p, x) - x - c)
        return np.where(x == np.inf, y.dtype.type(0), y)[()] if np.isnan(y).any() else y


# ``x^p exp(-x - c)``: see `beta_powers`.
pointwise(
    "gamma_powers",
    _powers,
    lambda y, p, x, c: strong_product(y, np.log(x)),
    lambda y, p, x, c: strong_product(p, _bound_powers(p - 1, x, c)) - y,
    lambda y, p, x, c: -y,
    show="np.exp(scipy.special.xlogy({0}, {1}) - {1} - {2})",
)
_bound_powers: Any = function("gamma_powers")


def gamma_density(a: Any, x: Any) -> Any:
    """``x^(a-1) e^-x / gamma(a)``, the derivative of gammainc in x."""
    return _bound_powers(a - 1, x, scipy.special.gammaln(a))


def _density_derivative(a: Any, x: Any, order: int) -> Any:
    """The derivative of the density in a, from that of its logarithm by Leibniz's rule."""
    logs = [np.log(x) - polygamma(0, a), *[-polygamma(k, a) for k in range(1, order)]]
    ds = [gamma_density(a, x)]
    for n in range(order):
        ds.append(sum(math.comb(n, i) * strong_product(ds[i], logs[n - i]) for i in range(n + 1)))
    return ds[order]


def _evaluate(a: Any, x: Any, order: int) -> Any:
    return gammainc_derivative(a, x, order).astype(float_dtype(a, x))[()]


def _jvp(ts: Any, ins: Any, out: Any, order: int) -> Any:
    a, x = ins
    total = None
    if ts[0] is not None:
        total = ts[0] * bind(gammainc_derivative_p, (a, x), {"order": order + 1})
    if ts[1] is not None:
        t = ts[1] * _density_derivative(a, x, order)
        total = t if total is None else total + t
    return total


gammainc_derivative_p = numbered("gammainc_derivative", _evaluate, _jvp)


def slope_in_shape(a: Any, x: Any) -> Any:
    """The derivative of gammainc in a."""
    return bind(gammainc_derivative_p, (a, x), {"order": 1})


ufunc(
    "gammainc",
    lambda z, a, x: slope_in_shape(a, x),
    lambda z, a, x: gamma_density(a, x),
)
ufunc(
    "gammaincc",
    lambda z, a, x: -slope_in_shape(a, x),
    lambda z, a, x: -gamma_density(a, x),
)


def _slope_of_inverse(a: Any, x: Any) -> Any:
    """The derivative of an inverse in a, on which its ends, 0 and infinity, do not depend."""
    end = np.logical_or(x == 0, x == math.inf)
    x = np.where(end, 1.0, x)
    slope = strong_product(-slope_in_shape(a, x), 1 / gamma_density(a, x))
    return np.where(end, 0.0, slope)


ufunc(
    "gammaincinv",
    lambda x, a, p: _slope_of_inverse(a, x),
    lambda x, a, p: 1 / gamma_density(a, x),
)
ufunc(
    "gammainccinv",
    lambda x, a, q: _slope_of_inverse(a, x),
    lambda x, a, q: -1 / gamma_density(a, x),
)
