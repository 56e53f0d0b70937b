"""The inverse trigonometric functions, as polynomials on vectors.

Sources: Sun's fdlibm for the reductions; the polynomials are those of scripts/
elementary_polynomials.py. Where a constant such as pi / 2 is added, its rounding is added as well.
"""

from __future__ import annotations

from . import coefficients
from .vector_math import Math

__all__ = ["arccos", "arcsin", "arctan", "arctan2", "odd_polynomial"]

_PI = (3.141592653589793, 1.2246467991473532e-16)
_HALF_PI = (_PI[0] / 2, _PI[1] / 2)
_QUARTER_PI = (_PI[0] / 4, _PI[1] / 4)
_THREE_QUARTERS_PI = (2.356194490192345, 9.184850993605148e-17)
_TAN_PI_8 = 0.41421356237309503


def odd_polynomial(m: Math, x: str, z: str, pair: object) -> str:
    """``x + x z P(z)``."""
    p = m.poly(z, m.choose(*pair))  # type: ignore[misc]
    return m.fma(m.mul(x, z), p, x)


def _angle(m: Math, low: str, high: str, swapped: str, negative: str | None) -> str:
    """The angle whose tangent is ``low / high <= 1``, reflected at the diagonal and the axis."""
    shifted = m.test("ogt", low, m.mul(high, m.c(_TAN_PI_8)))
    t = m.div(
        m.select(shifted, m.sub(low, high), low),
        m.select(shifted, m.add(low, high), high),
    )
    p = odd_polynomial(m, t, m.mul(t, t), coefficients.ARCTAN)
    zero = (m.c(0.0), m.c(0.0))
    quarter, half = m.constant_pair(_QUARTER_PI), m.constant_pair(_HALF_PI)
    parts = []
    for k in (0, 1):
        plain = m.select(shifted, quarter[k], zero[k])
        reflected = m.select(shifted, quarter[k], half[k])
        y = m.select(swapped, reflected, plain)
        if negative is not None:
            whole, more = m.constant_pair(_PI), m.constant_pair(_THREE_QUARTERS_PI)
            plain = m.select(shifted, more[k], whole[k])
            reflected = m.select(shifted, more[k], half[k])
            y = m.select(negative, m.select(swapped, reflected, plain), y)
        parts.append(y)
    flipped = swapped if negative is None else m.v.binary("xor", swapped, negative, bool)
    p = m.select(flipped, m.neg(p), p)
    return m.add(parts[0], m.add(parts[1], p))


def arctan(m: Math, x: str) -> str:
    """Of a large argument, pi / 2 less the arctangent of its reciprocal."""
    a, one = m.abs(x), m.c(1.0)
    swapped = m.test("ogt", a, one)
    low, high = m.select(swapped, one, a), m.select(swapped, a, one)
    return m.copysign(_angle(m, low, high, swapped, None), x)


def arctan2(m: Math, y: str, x: str) -> str:
    """The angle of the point (x, y)."""
    a, b = m.abs(x), m.abs(y)
    swapped = m.test("ogt", b, a)
    low, high = m.select(swapped, a, b), m.select(swapped, b, a)
    one, infinity = m.c(1.0), m.c(float("inf"))
    # Two infinities are on a diagonal, two zeros on an axis.
    infinite = m.test("oeq", low, infinity)
    low = m.select(infinite, one, low)
    high = m.select(infinite, one, high)
    high = m.select(m.test("oeq", high, m.c(0.0)), one, high)
    # A quotient of scaled numbers, so that sums do not overflow nor digits get lost.
    large, small, factor = m.choose((2.0**1000, 2.0**-900, 2.0**110), (2e36, 2e-30, 2.0**30))
    up = m.test("olt", high, m.c(small))
    down = m.test("ogt", high, m.c(large))
    scale = m.select(up, m.c(factor), m.select(down, m.c(1 / factor), one))
    negative = m.test("olt", m.copysign(one, x), m.c(0.0))
    angle = _angle(m, m.mul(low, scale), m.mul(high, scale), swapped, negative)
    angle = m.copysign(angle, y)
    return m.select(m.test("uno", x, y), m.add(x, y), angle)


def _half_angle(m: Math, x: str) -> tuple[str, str]:
    """Whether ``|x| <= 1/2``; and the arcsine of ``|x|``, or of ``sqrt((1 - |x|) / 2)``."""
    a = m.abs(x)
    small = m.test("ole", a, m.c(0.5))
    z = m.select(small, m.mul(a, a), m.mul(m.sub(m.c(1.0), a), m.c(0.5)))
    s = m.select(small, a, m.v.intrinsic("sqrt", [z], m.dtype))
    return small, odd_polynomial(m, s, z, coefficients.ARCSIN)


def arcsin(m: Math, x: str) -> str:
    """Beyond 1/2, pi / 2 less twice that of the half angle."""
    small, y = _half_angle(m, x)
    high, low = m.constant_pair(_HALF_PI)
    far = m.sub(high, m.sub(m.add(y, y), low))
    return m.copysign(m.select(small, y, far), x)


def arccos(m: Math, x: str) -> str:
    """Twice that of the half angle, which keeps its digits near 1."""
    small, y = _half_angle(m, x)
    negative = m.test("olt", x, m.c(0.0))
    half, pi = m.constant_pair(_HALF_PI), m.constant_pair(_PI)
    near = m.sub(half[0], m.sub(m.copysign(y, x), half[1]))
    twice = m.add(y, y)
    far = m.select(negative, m.sub(pi[0], m.sub(twice, pi[1])), twice)
    return m.select(small, near, far)
