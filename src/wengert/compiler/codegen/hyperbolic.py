"""Hyperbolic functions and their inverses, as polynomials on vectors.

Near zero they are odd polynomials, elsewhere exponentials and logarithms; where squares would
overflow, ``log(2 x)``.
"""

from __future__ import annotations

from . import coefficients
from .inverse_functions import odd_polynomial
from .vector_math import Math, exp_scaled, log1p

__all__ = ["arccosh", "arcsinh", "arctanh", "cosh", "sinh"]

_LN2 = 0.6931471805599453
_LARGE = 2.0**60  # its square does not overflow, and adding 1 changes nothing


def sinh(m: Math, x: str) -> str:
    """Beyond 1 the difference of halves of exponentials, which overflow where the result does."""
    a = m.abs(x)
    small = odd_polynomial(m, a, m.mul(a, a), coefficients.SINH)
    half = exp_scaled(m, a, -1)
    large = m.sub(half, m.div(m.c(0.25), half))
    return m.copysign(m.select(m.test("olt", a, m.c(1.0)), small, large), x)


def cosh(m: Math, x: str) -> str:
    """The sum of halves of exponentials."""
    half = exp_scaled(m, m.abs(x), -1)
    return m.add(half, m.div(m.c(0.25), half))


def _sqrt(m: Math, x: str) -> str:
    return m.v.intrinsic("sqrt", [x], m.dtype)


def _log_of_sum(m: Math, a: str, u: str) -> str:
    """``log1p(u)``, or ``log(2 a)`` where that is the same."""
    large = m.test("ogt", a, m.c(_LARGE))
    y = log1p(m, m.select(large, a, u))
    return m.add(y, m.select(large, m.c(_LN2), m.c(0.0)))


def arcsinh(m: Math, x: str) -> str:
    """``log(x + sqrt(x**2 + 1))``."""
    a = m.abs(x)
    square = m.mul(a, a)
    small = odd_polynomial(m, a, square, coefficients.ARCSINH)
    one = m.c(1.0)
    root = _sqrt(m, m.add(square, one))
    u = m.add(a, m.div(square, m.add(one, root)))
    y = m.select(m.test("olt", a, m.c(0.5)), small, _log_of_sum(m, a, u))
    return m.copysign(y, x)


def arccosh(m: Math, x: str) -> str:
    """``log(x + sqrt(x**2 - 1))``."""
    t = m.sub(x, m.c(1.0))
    u = m.add(t, _sqrt(m, m.fma(t, t, m.add(t, t))))
    y = _log_of_sum(m, t, u)
    return m.select(m.test("oge", x, m.c(1.0)), y, m.c(float("nan")))


def arctanh(m: Math, x: str) -> str:
    """``log((1 + x) / (1 - x)) / 2``."""
    a = m.abs(x)
    small = odd_polynomial(m, a, m.mul(a, a), coefficients.ARCTANH)
    y = log1p(m, m.div(m.add(a, a), m.sub(m.c(1.0), a)))
    y = m.select(m.test("olt", a, m.c(0.5)), small, m.mul(y, m.c(0.5)))
    return m.copysign(y, x)
