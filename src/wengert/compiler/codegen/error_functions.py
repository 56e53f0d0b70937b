"""The error function and its complement, as polynomials on vectors.

From 1/2 on, ``erfc(a) = exp(-a**2) P / (a + k)`` with a polynomial P in ``1 / (a + k)`` (the form
is that of M. M. Shepherd and J. G. Laframboise, Math. Comp. 36 (1981), 249-253). The rounding of
``a**2`` and of ``a + k`` is made good in the polynomial's sum, so that it does not count.
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
    q = m.div(m.c(1.0), d)
    slope, offset = m.choose(*coefficients.ERFC_PLACE)
    p = m.poly(m.fma(q, m.c(slope), m.c(offset)), m.choose(*coefficients.ERFC))
    square = m.mul(a, a)
    square_lost = m.fused(a, a, m.neg(square))
    n, bits = m.rounded(square, -1.4426950408889634)
    r = m.fma(n, m.c(-m.f.ln2[0]), m.neg(square))
    r = m.fma(n, m.c(-m.f.ln2[1]), r)
    r = m.sub(r, m.add(square_lost, m.mul(lost, q)))
    e = m.fma(m.mul(r, r), m.poly(r, m.f.exp), r)
    return scaled_by_powers(m, m.div(p, d), e, signed(m, bits))


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
