"""Powers, roots and logarithms to other bases, as polynomials on vectors."""

from __future__ import annotations

import numpy as np

from . import coefficients
from .vector_math import Math, log_of_base, scaled_by_powers, signed, unless, wide

__all__ = ["cbrt", "exp2", "exponent", "hypot", "ldexp", "log2", "log10", "power"]

_LOG2_E = (1.4426950408889634, 2.0355273740931033e-17)
_LOG10_E = (0.4342944819032518, 1.098319650216765e-17)
# Of log10(2), as many digits as leave a product with an exponent exact; and the rest.
_LOG10_2 = (
    (0.3010299956640665, -8.532344317057107e-14),
    (0.301025390625, 4.605038981195214e-06),
)


def exp2(m: Math, x: str) -> str:
    """The nearest whole number is the exponent; of what is left, a polynomial."""
    bound = m.choose(1100.0, 160.0)
    return _exp2_of_sum(m, m.at_least(m.at_most(x, bound), -bound), None)


def _exp2_of_sum(m: Math, x: str, rest: str | None) -> str:
    n, bits = m.rounded(x, 1.0, 2 * m.f.bias)
    r = m.sub(x, n)
    if rest is not None:
        r = m.add(r, rest)
    p = m.mul(r, m.poly(r, m.choose(*coefficients.EXP2)))
    return scaled_by_powers(m, None, p, signed(m, bits))


def log2(m: Math, x: str) -> str:
    """Exact for powers of two."""
    return log_of_base(m, x, _LOG2_E, (1.0, 0.0))


def log10(m: Math, x: str) -> str:
    """The common logarithm."""
    return log_of_base(m, x, _LOG10_E, m.choose(*_LOG10_2))


def cbrt(m: Math, x: str) -> str:
    """A polynomial of the mantissa, and Newton's steps, which double its digits."""
    a = m.abs(x)
    lift = m.choose(54, 24)
    tiny = m.test("olt", a, m.c(float(np.finfo(m.dtype).smallest_normal)))
    normal = m.select(tiny, m.mul(a, m.c(2.0**lift)), a)
    bits = m.bits(normal)
    exponent = m.int_op("sub", m.int_op("lshr", bits, m.i(m.f.mantissa)), m.i(m.f.bias))
    mantissa = m.int_op("and", bits, m.i((1 << m.f.mantissa) - 1))
    one = int(np.asarray(1.0, m.dtype).view(m.integer))
    f = m.from_bits(m.int_op("or", mantissa, m.i(one)))
    e = m.v.cast("sitofp", exponent, m.integer, m.dtype)
    third = m.v.intrinsic("floor", [m.mul(m.add(e, m.c(0.5)), m.c(1 / 3))], m.dtype)
    left = m.fma(third, m.c(-3.0), e)
    first, second = m.test("oeq", left, m.c(1.0)), m.test("oeq", left, m.c(2.0))
    y = m.poly(f, m.choose(*coefficients.CBRT))
    roots = m.select(second, m.c(4 ** (1 / 3)), m.select(first, m.c(2 ** (1 / 3)), m.c(1.0)))
    y = m.mul(y, roots)
    f = m.mul(f, m.select(second, m.c(4.0), m.select(first, m.c(2.0), m.c(1.0))))
    for _ in range(m.choose(2, 1)):
        square = m.mul(y, y)
        wrong = m.fma(m.neg(square), y, f)
        y = m.add(y, m.div(wrong, m.mul(square, m.c(3.0))))
    third = m.sub(third, m.select(tiny, m.c(lift / 3), m.c(0.0)))
    biased = m.v.cast("fptosi", m.add(third, m.c(m.f.bias)), m.dtype, m.integer)
    y = m.mul(y, m.power_of_two(biased))
    plain = m.both(m.test("one", x, m.c(0.0)), m.test("olt", a, m.c(np.inf)))
    return m.select(plain, m.copysign(y, x), x)


def _fraction_and_exponent(m: Math, x: str) -> tuple[str, str, str]:
    """``f`` and ``e`` with ``x = f 2**e``, ``1/2 <= |f| < 1``; and whether x has any."""
    a = m.abs(x)
    lift = m.f.mantissa + 2
    tiny = m.test("olt", a, m.c(float(np.finfo(m.dtype).smallest_normal)))
    bits = m.bits(m.select(tiny, m.mul(a, m.c(2.0**lift)), a))
    e = m.int_op("sub", m.int_op("lshr", bits, m.i(m.f.mantissa)), m.i(m.f.bias - 1))
    lowered = m.v.select(tiny, m.i(lift), m.i(0), m.integer)
    half = int(np.asarray(0.5, m.dtype).view(m.integer))
    f = m.int_op("or", m.int_op("and", bits, m.i((1 << m.f.mantissa) - 1)), m.i(half))
    usual = m.both(m.test("ogt", a, m.c(0.0)), m.test("olt", a, m.c(np.inf)))
    return m.copysign(m.from_bits(f), x), m.int_op("sub", e, lowered), usual


def exponent(m: Math, x: str) -> str:
    """That of `numpy.frexp`, as an integer of the length of x."""
    _, e, usual = _fraction_and_exponent(m, x)
    return m.v.select(usual, e, m.i(0), m.integer)


def ldexp(m: Math, x: str, n: str) -> str:
    """``x 2**n`` for ``|n| <= 5000``: the only product that can round is the last."""
    f, e, usual = _fraction_and_exponent(m, x)
    total = m.int_op("add", e, n)
    bound = m.choose(1100, 160)
    for predicate, limit in (("sgt", bound), ("slt", -bound)):
        beyond = m.v.compare(predicate, total, m.i(limit), m.integer)
        total = m.v.select(beyond, m.i(limit), total, m.integer)
    biased = m.int_op("add", total, m.i(2 * m.f.bias))
    return m.select(usual, scaled_by_powers(m, f, None, biased), x)


def _hypot(m: Math, x: str, y: str) -> str:
    a, b = m.abs(x), m.abs(y)
    larger = m.test("ogt", a, b)
    high, low = m.select(larger, a, b), m.select(larger, b, a)
    up = m.test("olt", high, m.c(2.0**-500))
    down = m.test("ogt", high, m.c(2.0**500))

    def scale(exponent: int) -> str:
        one, factor = m.c(1.0), 2.0**exponent
        return m.select(up, m.c(factor), m.select(down, m.c(1 / factor), one))

    high, low = m.mul(high, scale(600)), m.mul(low, scale(600))
    root = m.v.intrinsic("sqrt", [m.fma(high, high, m.mul(low, low))], m.dtype)
    infinity = m.c(np.inf)
    infinite = m.either(m.test("oeq", a, infinity), m.test("oeq", b, infinity))
    return m.select(infinite, infinity, m.mul(root, scale(-600)))


def hypot(m: Math, x: str, y: str) -> str:
    """``sqrt(x**2 + y**2)`` of numbers scaled so that squares neither overflow nor vanish."""
    return m.choose(_hypot, wide(_hypot))(m, x, y)  # type: ignore[no-any-return]


# ------------------------------------------------------------------ pow


def _exponent_and_mantissa(m: Math, x: str) -> tuple[str, str]:
    """``k`` and ``y`` of a positive normal ``x = 2**k y``, with ``y`` from sqrt(1/2) to sqrt(2)."""
    root = int(np.asarray(np.sqrt(0.5), m.dtype).view(m.integer))
    bits = m.bits(x)
    n = m.int_op("ashr", m.int_op("sub", bits, m.i(root)), m.i(m.f.mantissa))
    mantissa = m.from_bits(m.int_op("sub", bits, m.int_op("shl", n, m.i(m.f.mantissa))))
    k = m.v.cast("sitofp", n, m.integer, m.dtype)
    return k, mantissa


def _log2_in_two(m: Math, x: str) -> tuple[str, str]:
    """``log2(x)`` of a positive normal number in two parts, to about 65 bits.

    With ``x = 2**k m`` and ``s = (m - 1) / (m + 1)``, ``log m = 2 s + 2/3 s**3 + s**5 R(s**2)``;
    all but the last term in two parts, whose rounding is found by fused multiplications.
    """
    k, mantissa = _exponent_and_mantissa(m, x)
    one = m.c(1.0)
    f, d = m.sub(mantissa, one), m.add(mantissa, one)
    d_rest = m.sub(mantissa, m.sub(d, one))
    inverse = m.div(one, d)  # one division instead of two: what s lacks is found in any case
    s = m.mul(f, inverse)
    s_rest = m.mul(m.fused(m.neg(s), d_rest, m.fused(m.neg(s), d, f)), inverse)
    z = m.mul(s, s)
    z_rest = m.fused(m.add(s, s), s_rest, m.fused(s, s, m.neg(z)))
    third, third_rest = m.c(2 / 3), m.c(3.700743415417188e-17)
    t = m.mul(z, third)
    t_rest = m.fused(z_rest, third, m.fused(z, third_rest, m.fused(z, third, m.neg(t))))
    tail = m.mul(m.mul(z, z), m.poly(z, m.choose(*coefficients.LOG_TAIL)))
    u, u_rest = _sum(m, t, tail, t_rest)
    w, w_rest = _sum(m, m.c(2.0), u, u_rest)
    y, y_rest = _product(m, (s, s_rest), (w, w_rest))
    y, y_rest = _product(m, (y, y_rest), m.constant_pair(_LOG2_E))
    # k is zero, or larger than what is added to it.
    return _sum(m, k, y, y_rest)


def _sum(m: Math, a: str, b: str, rest: str) -> tuple[str, str]:
    """``a + b + rest`` in two parts, for ``|a| >= |b|`` or ``a = 0``."""
    high = m.add(a, b)
    return high, m.add(m.add(m.sub(a, high), b), rest)


def _product(m: Math, a: tuple[str, str], b: tuple[str, str]) -> tuple[str, str]:
    """The product of numbers in two parts."""
    high = m.mul(a[0], b[0])
    low = m.fused(a[0], b[0], m.neg(high))
    return high, m.fused(a[0], b[1], m.fused(a[1], b[0], low))


def _power(m: Math, x: str, y: str) -> str:
    a = m.abs(x)
    infinity = m.c(np.inf)
    usual = m.both(
        m.test("oge", a, m.c(float(np.finfo(m.dtype).smallest_normal))), m.test("olt", a, infinity)
    )
    usual = m.both(usual, m.test("olt", m.abs(y), m.c(2.0**64)))
    high, low = _log2_in_two(m, m.select(usual, a, m.c(1.0)))
    z = m.mul(y, high)
    z_rest = m.fused(y, low, m.fused(y, high, m.neg(z)))
    return _signed_power(m, x, y, usual, z, z_rest)


def _signed_power(m: Math, x: str, y: str, usual: str, z: str, z_rest: str) -> str:
    """``2 ** (z + z_rest)`` with the sign of ``x ** y``; unusual operands are the C library's."""
    bound = m.c(1100.0)
    inside = m.test("olt", m.abs(z), bound)
    z_rest = m.select(inside, z_rest, m.c(0.0))
    result = _exp2_of_sum(m, m.at_least(m.at_most(z, 1100.0), -1100.0), z_rest)
    return _with_sign(m, x, y, usual, result)


def _with_sign(m: Math, x: str, y: str, usual: str, result: str) -> str:
    """``|x| ** y`` with the sign of ``x ** y``; unusual operands are the C library's."""
    whole = m.test("oeq", m.v.intrinsic("rint", [y], m.dtype), y)
    half = m.mul(y, m.c(0.5))
    even = m.test("oeq", m.v.intrinsic("rint", [half], m.dtype), half)
    of_negative = m.select(whole, m.select(even, result, m.neg(result)), m.c(np.nan))
    result = m.select(m.test("olt", x, m.c(0.0)), of_negative, result)
    true = m.v.const(True, bool)
    return unless(m, m.v.binary("xor", usual, true, bool), [("pow", result)], x, y)[0]


def _short_log2(m: Math, x: str) -> str:
    """``log2(x)`` of a positive normal double, to 36 bits: for a result in single precision."""
    k, mantissa = _exponent_and_mantissa(m, x)
    one = m.c(1.0)
    s = m.div(m.sub(mantissa, one), m.add(mantissa, one))
    return m.fma(s, m.poly(m.mul(s, s), coefficients.SHORT_LOG2[0]), k)


def _single_power(m: Math, x: str, y: str) -> str:
    """The logarithm and the power of two in double precision, with few terms."""
    a = m.abs(x)
    usual = m.both(m.test("ogt", a, m.c(0.0)), m.test("olt", a, m.c(np.inf)))
    usual = m.both(usual, m.test("olt", m.abs(y), m.c(np.inf)))
    double = Math(m.v, np.float64)
    base, exponent = (
        m.v.cast("fpext", v, m.dtype, double.dtype)
        for v in (m.select(usual, a, m.c(1.0)), m.select(usual, y, m.c(1.0)))
    )
    z = double.mul(exponent, _short_log2(double, base))
    # What is beyond is infinite or zero in single precision.
    z = double.at_least(double.at_most(z, 200.0), -200.0)
    n, bits = double.rounded(z, 1.0, double.f.bias)
    r = double.sub(z, n)
    scale = double.power_of_two(bits)
    power = double.fma(double.mul(r, double.poly(r, coefficients.EXP2[1])), scale, scale)
    return _with_sign(m, x, y, usual, m.v.cast("fptrunc", power, double.dtype, m.dtype))


def power(m: Math, x: str, y: str) -> str:
    """``x ** y``; the logarithm is computed to 65 bits, for single precision to 36."""
    return m.choose(_power, _single_power)(m, x, y)  # type: ignore[no-any-return]
