"""The error function and its complement, as polynomials on vectors.

From 1/2 on, ``erfc(a) = exp(-a**2) P / (a + k)`` with a polynomial P in ``1 / (a + k)`` (the form
is that of M. M. Shepherd and J. G. Laframboise, Math. Comp. 36 (1981), 249-253). What rounding
takes from ``a**2``, from ``a + k`` and from the polynomial's argument is added to the exponent.
"""

from __future__ import annotations

from . import coefficients
from .vector_math import Math, scaled_by_powers, signed

__all__ = ["erf", "erfc"]


def _tail(m: Math, a: str) -> str:
    """``erfc(a)`` for ``a >= 1/2``."""
    shift = m.c(coefficients.ERFC_SHIFT)
    d = m.add(a, shift)
    lost = m.sub(a, m.sub(d, shift))
    one = m.c(1.0)
    q = m.div(one, d)
    # The true 1 / (a + k), relative to q.
    wrong = m.fused(m.neg(q), lost, m.fused(m.neg(q), d, one))
    slope, offset = map(m.c, m.choose(*coefficients.ERFC_PLACE))
    scaled = m.mul(q, slope)
    t = m.add(scaled, offset)
    t_rest = m.add(m.sub(scaled, m.sub(t, offset)), m.fused(q, slope, m.neg(scaled)))
    t_rest = m.fma(scaled, wrong, t_rest)
    *upper, last = m.choose(*coefficients.ERFC)
    upper = m.poly(t, tuple(upper))
    p = m.fma(upper, t, m.c(last))
    p_rest = m.fma(upper, t, m.sub(m.c(last), p))
    wrong = m.fma(m.poly(t, m.choose(*coefficients.ERFC_SLOPE)), t_rest, m.neg(m.mul(lost, q)))
    square = m.mul(a, a)
    square_lost = m.fused(a, a, m.neg(square))
    n, bits = m.rounded(square, -1.4426950408889634, 2 * m.f.bias)
    r = m.fma(n, m.c(-m.f.ln2[0]), m.neg(square))
    r = m.fma(n, m.c(-m.f.ln2[1]), r)
    r = m.add(m.sub(r, square_lost), wrong)
    e = m.fma(m.mul(r, r), m.poly(r, m.f.exp), r)
    change = m.fma(p, e, p_rest)
    numerator = m.add(p, change)
    numerator_rest = m.add(m.sub(p, numerator), change)
    y = m.mul(numerator, q)
    left = m.add(m.fused(m.neg(y), d, numerator), numerator_rest)
    y = m.fma(left, q, y)
    return scaled_by_powers(m, y, None, signed(m, bits))


def _near_zero(m: Math, x: str) -> str:
    """``erf(x)`` for ``|x| <= 1``."""
    return m.fma(x, m.poly(m.mul(x, x), m.choose(*coefficients.ERF)), x)


def erf(m: Math, x: str) -> str:
    """The error function."""
    a = m.at_most(m.abs(x), 6.5)
    small = _near_zero(m, x)
    large = m.sub(m.c(1.0), _tail(m, m.at_least(a, 0.5)))
    return m.select(m.test("olt", a, m.c(1.0)), small, m.copysign(large, x))


def erfc(m: Math, x: str) -> str:
    """Its complement, which keeps its digits until it underflows."""
    a = m.at_most(m.abs(x), m.choose(28.0, 10.5))
    near = m.sub(m.c(1.0), _near_zero(m, x))
    tail = _tail(m, m.at_least(a, 0.5))
    negative = m.test("olt", x, m.c(0.0))
    far = m.select(negative, m.sub(m.c(2.0), tail), tail)
    return m.select(m.test("olt", a, m.c(0.5)), near, far)
