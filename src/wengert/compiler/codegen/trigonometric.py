"""Sine, cosine and tangent as polynomials on vectors.

The angle is reduced by multiples of pi / 2 in parts, the first of which have few digits, so that
products with a quotient are exact; what is too large for that goes to the C library.

Sources: W. J. Cody and W. Waite, Software Manual for the Elementary Functions (1980), for the
reduction; the polynomials are those of scripts/elementary_polynomials.py.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from . import coefficients
from .inverse_functions import odd_polynomial
from .vector_math import Math, unless

__all__ = ["cos", "sin", "sine_and_cosine", "tan"]

# For double and for single precision.
_HALF_PI = (
    (1.5707963267341256, 6.077100506303966e-11, 2.0222662487959506e-21),
    (1.5703125, 0.0004837512969970703, 7.549533620476723e-08, 2.563344151594519e-12),
)
_LARGEST = (1e5, 4096.0)


class _Angle(NamedTuple):
    """``x = n pi / 2 + r + rest``: the low bits of ``bits`` are those of ``n``."""

    bits: str
    r: str
    rest: str  # what rounding took from r
    is_odd: str
    is_huge: str


def _reduced(m: Math, x: str) -> _Angle:
    n, bits = m.rounded(x, 2 / np.pi)
    *parts, last = m.choose(*_HALF_PI)
    before = x
    for part in parts:
        before = m.fma(n, m.c(-part), before)
    r = m.fma(n, m.c(-last), before)
    rest = m.fma(n, m.c(-last), m.sub(before, r))
    is_odd = m.v.compare("ne", m.int_op("and", bits, m.i(1)), m.i(0), m.integer)
    is_huge = m.test("ogt", m.abs(x), m.c(m.choose(*_LARGEST)))
    return _Angle(bits, r, rest, is_odd, is_huge)


def _with_sign(m: Math, y: str, bits: str, shift: int) -> str:
    """``y``, or ``-y`` in the third and fourth quadrant, counted from that of ``shift``."""
    quadrant = m.int_op("add", bits, m.i(shift)) if shift else bits
    top = 8 * m.dtype.itemsize - 1
    sign = m.int_op("and", m.int_op("shl", quadrant, m.i(top - 1)), m.i(-1 << top))
    return m.from_bits(m.int_op("xor", m.bits(y), sign))


def _unless_zero(m: Math, x: str, y: str) -> str:
    """``y``; of zero, zero with its sign."""
    return m.select(m.test("oeq", x, m.c(0.0)), x, y)


def _wave(m: Math, x: str, shift: int) -> tuple[str, str]:
    """Sine, or with ``shift`` 1 cosine; and where the angle was too large.

    Of the polynomials of sine and cosine one is evaluated, with the coefficients chosen for each
    lane: processors choose beside multiplying, and two polynomials would be more multiplications.
    """
    angle = _reduced(m, x)
    r, z = angle.r, m.mul(angle.r, angle.r)
    sides = (coefficients.COS, coefficients.SIN)

    def chosen(of_cosine: str, of_sine: str) -> str:
        pair = (of_sine, of_cosine) if shift else (of_cosine, of_sine)
        return m.select(angle.is_odd, *pair)

    first, *others = zip(*[m.choose(*side) for side in sides], strict=True)
    p = chosen(m.c(first[0]), m.c(first[1]))
    for of_cosine, of_sine in others:
        p = m.fma(p, z, chosen(m.c(of_cosine), m.c(of_sine)))
    # 1 - z / 2 + z**2 P and r + z r P.
    start = chosen(m.fma(z, m.c(-0.5), m.c(1.0)), r)
    y = m.fma(m.mul(z, chosen(z, r)), p, start)
    return _with_sign(m, y, angle.bits, shift), angle.is_huge


def sin(m: Math, x: str) -> str:
    """The sine."""
    y, is_huge = _wave(m, x, 0)
    return unless(m, is_huge, [("sin", _unless_zero(m, x, y))], x)[0]


def cos(m: Math, x: str) -> str:
    """The cosine."""
    y, is_huge = _wave(m, x, 1)
    return unless(m, is_huge, [("cos", y)], x)[0]


def sine_and_cosine(m: Math, x: str) -> list[str]:
    """Both, of which each quadrant needs both polynomials."""
    angle = _reduced(m, x)
    r, z = angle.r, m.mul(angle.r, angle.r)
    sine = m.fma(m.mul(z, r), m.poly(z, m.choose(*coefficients.SIN)), r)
    start = m.fma(z, m.c(-0.5), m.c(1.0))
    cosine = m.fma(m.mul(z, z), m.poly(z, m.choose(*coefficients.COS)), start)
    y = _with_sign(m, m.select(angle.is_odd, cosine, sine), angle.bits, 0)
    of_cosine = _with_sign(m, m.select(angle.is_odd, sine, cosine), angle.bits, 1)
    results = [("sin", _unless_zero(m, x, y)), ("cos", of_cosine)]
    return unless(m, angle.is_huge, results, x)


def tan(m: Math, x: str) -> str:
    """The tangent; ``-1 / tan`` of what is left in odd quadrants."""
    angle = _reduced(m, x)
    t = odd_polynomial(m, angle.r, m.mul(angle.r, angle.r), coefficients.TAN)
    t = m.add(t, m.mul(m.fma(t, t, m.c(1.0)), angle.rest))
    y = m.select(angle.is_odd, m.div(m.c(-1.0), t), t)
    return unless(m, angle.is_huge, [("tan", _unless_zero(m, x, y))], x)[0]
