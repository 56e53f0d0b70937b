"""Elementary functions as polynomials on vectors: at most 2.5 units in the last place.

Each follows the classical plan: reduce the argument so that it is small, evaluate a polynomial,
undo the reduction. The polynomials interpolate at Chebyshev points of the reduced interval
(``tests/compiler/test_vector_math.py`` measures them against mpmath). Comparisons are written so
that NaN falls through to the arithmetic, which keeps it.

Sources: W. J. Cody and W. Waite, Software Manual for the Elementary Functions (1980), for the
reductions; the form of the logarithm is that of Sun's fdlibm.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import coefficients
from .interleave import UNLIKELY
from .vectors import Vectors

__all__ = [
    "VECTOR_MATH",
    "Math",
    "exp_scaled",
    "log",
    "log1p",
    "log_of_base",
    "log_parts",
    "scaled_by_powers",
    "signed",
    "unless",
    "wide",
]


@dataclass(frozen=True)
class _Format:
    """What differs between single and double precision."""

    integer: str
    mantissa: int
    bias: int
    magic: float  # 1.5 * 2**mantissa: adding it rounds to an integer, in the low bits
    ln2: tuple[float, float]
    exp_range: tuple[float, float]
    expm1_low: float
    tanh_high: float
    exp: tuple[float, ...]  # (exp(r) - 1 - r) / r**2
    log: tuple[float, ...]  # (2 atanh(s) / s - 2), of s**2


_DOUBLE = _Format(
    integer="i8",
    mantissa=52,
    bias=1023,
    magic=6755399441055744.0,
    ln2=(0.6931471803691238, 1.9082149292705877e-10),
    exp_range=(-746.0, 710.0),
    expm1_low=-40.0,
    tanh_high=22.0,
    exp=(
        2.5100472505694996e-08, 2.7620201591031547e-07, 2.7557268276905696e-06,
        2.4801521057868204e-05, 0.00019841269863171557, 0.0013888888917367081,
        0.008333333333330039, 0.041666666666623824, 0.16666666666666669, 0.5000000000000001,
    ),
    log=(
        0.14617807153462828, 0.15331611722050653, 0.18182892432537032, 0.22222211089379493,
        0.28571428626253836, 0.3999999999989889, 0.666666666666667,
    ),
)  # fmt: skip

_SINGLE = _Format(
    integer="i4",
    mantissa=23,
    bias=127,
    magic=12582912.0,
    ln2=(0.693115234375, 3.1946184945309415e-05),
    exp_range=(-104.0, 89.0),
    expm1_low=-20.0,
    tanh_high=10.0,
    exp=(
        0.0013926250831497611, 0.008363232883682618, 0.04166655421298415, 0.16666576666119928, 0.5,
    ),
    log=(0.23331614471881984, 0.2855077863318998, 0.4000012221181068, 0.6666666655404201),
)  # fmt: skip


class Math:
    """Shorthand for instructions on one floating-point type."""

    def __init__(self, v: Vectors, dtype: Any) -> None:
        self.v = v
        self.dtype = np.dtype(dtype)
        self.f = _SINGLE if self.dtype.itemsize == 4 else _DOUBLE
        self.integer = np.dtype(self.f.integer)

    def c(self, value: float) -> str:
        """A constant."""
        return self.v.const(value, self.dtype)

    def i(self, value: int) -> str:
        """A constant integer of the same length."""
        return self.v.const(value, self.integer)

    def add(self, a: str, b: str) -> str:
        """``a + b``."""
        return self.v.binary("fadd", a, b, self.dtype)

    def sub(self, a: str, b: str) -> str:
        """``a - b``."""
        return self.v.binary("fsub", a, b, self.dtype)

    def mul(self, a: str, b: str) -> str:
        """``a * b``."""
        return self.v.binary("fmul", a, b, self.dtype)

    def div(self, a: str, b: str) -> str:
        """``a / b``."""
        return self.v.binary("fdiv", a, b, self.dtype)

    def fma(self, a: str, b: str, c: str) -> str:
        """``a * b + c``, rounded once where that costs nothing."""
        return self.v.multiply_add(a, b, c, self.dtype)

    def fused(self, a: str, b: str, c: str) -> str:
        """``a * b + c``, rounded once, be it by a call."""
        return self.v.intrinsic("fma", [a, b, c], self.dtype)

    def poly(self, x: str, coefficients: tuple[float, ...]) -> str:
        """A polynomial; the coefficient of the highest power is first."""
        return self.v.polynomial(x, coefficients, self.dtype)

    def test(self, predicate: str, a: str, b: str) -> str:
        """A comparison."""
        return self.v.compare(predicate, a, b, self.dtype)

    def select(self, condition: str, a: str, b: str) -> str:
        """``a`` where the condition holds, else ``b``."""
        return self.v.select(condition, a, b, self.dtype)

    def at_most(self, x: str, bound: float) -> str:
        """The smaller; NaN stays NaN."""
        return self.select(self.test("ogt", x, self.c(bound)), self.c(bound), x)

    def at_least(self, x: str, bound: float) -> str:
        """The larger; NaN stays NaN."""
        return self.select(self.test("olt", x, self.c(bound)), self.c(bound), x)

    def neg(self, x: str) -> str:
        """``-x``."""
        return self.v.emit(f"fneg {self.v.type(self.dtype)} {x}")

    def both(self, a: str, b: str) -> str:
        """Whether two conditions hold."""
        return self.v.binary("and", a, b, np.dtype(bool))

    def either(self, a: str, b: str) -> str:
        """Whether one of two conditions holds."""
        return self.v.binary("or", a, b, np.dtype(bool))

    def choose(self, double: Any, single: Any) -> Any:
        """What the format needs."""
        return single if self.dtype.itemsize == 4 else double

    def constant_pair(self, value: tuple[float, float]) -> tuple[str, str]:
        """A constant, given as a double and what that leaves, as two of this precision."""
        high = float(self.dtype.type(value[0]))
        return self.c(high), self.c((value[0] - high) + value[1])

    def abs(self, x: str) -> str:
        """``|x|``."""
        return self.v.intrinsic("fabs", [x], self.dtype)

    def copysign(self, x: str, sign: str) -> str:
        """``|x|`` with another sign."""
        return self.v.intrinsic("copysign", [x, sign], self.dtype)

    def bits(self, x: str) -> str:
        """The bits as an integer."""
        return self.v.cast("bitcast", x, self.dtype, self.integer)

    def from_bits(self, x: str) -> str:
        """The number that has these bits."""
        return self.v.cast("bitcast", x, self.integer, self.dtype)

    def int_op(self, opcode: str, a: str, b: str) -> str:
        """An instruction on integers."""
        return self.v.binary(opcode, a, b, self.integer)

    def rounded(self, x: str, scale: float, plus: int = 0) -> tuple[str, str]:
        """The integer next to ``x * scale``, as a float, and bits whose low part is it ``+ plus``.

        What is added to it costs nothing, since a number is added for the rounding.
        """
        magic = self.c(self.f.magic + plus)
        z = self.fma(x, self.c(scale), magic)
        return self.sub(z, magic), self.bits(z)

    def power_of_two(self, biased: str) -> str:
        """``2 ** n``, in the normal range, for an integer whose low part is ``n + bias``."""
        return self.from_bits(self.int_op("shl", biased, self.i(self.f.mantissa)))


def _reduced_exp(m: Math, x: str, plus: int) -> tuple[str, str]:
    """Bits whose low part is ``n + plus``, and ``exp(r) - 1``, where ``x = n ln 2 + r``."""
    n, bits = m.rounded(x, 1.4426950408889634, plus)
    r = m.fma(n, m.c(-m.f.ln2[0]), x)
    r = m.fma(n, m.c(-m.f.ln2[1]), r)
    return bits, m.fma(m.mul(r, r), m.poly(r, m.f.exp), r)


def signed(m: Math, bits: str) -> str:
    """The integer in the low bits of a number of which `rounded` made the bits."""
    # Above the low bits stand exponent and leading bits of the magic number, always the same.
    magic = np.asarray(m.f.magic, m.dtype).view(m.integer)
    return m.int_op("sub", bits, m.i(int(magic)))


def scaled_by_powers(m: Math, mantissa: str | None, p: str | None, biased: str) -> str:
    """``mantissa * 2 ** n`` or ``(1 + p) * 2 ** n``, also subnormal or nearly too large.

    ``biased`` is ``n`` and twice the bias of exponents.
    """
    half = m.int_op("ashr", biased, m.i(1))
    first, second = m.power_of_two(half), m.power_of_two(m.int_op("sub", biased, half))
    if mantissa is not None:
        return m.mul(m.mul(mantissa, first), second)
    assert p is not None
    return m.mul(m.fma(p, first, first), second)


def exp_scaled(m: Math, x: str, shift: int) -> str:
    """``exp(x) * 2 ** shift``, which may overflow later, or earlier, than ``exp(x)``."""
    high = m.f.exp_range[1] + max(-shift, 0)
    x = m.at_least(m.at_most(x, high), m.f.exp_range[0])
    bits, p = _reduced_exp(m, x, 2 * m.f.bias + shift)
    return scaled_by_powers(m, None, p, signed(m, bits))


def _expm1(m: Math, x: str) -> str:
    z = m.at_least(m.at_most(x, m.f.exp_range[1]), m.f.expm1_low)
    # Half of the result, since 2 ** n itself may overflow.
    bits, p = _reduced_exp(m, z, m.f.bias - 1)
    half = m.power_of_two(bits)
    y = m.fma(p, half, m.sub(half, m.c(0.5)))
    y = m.add(y, y)
    return m.select(m.test("oeq", x, m.c(0.0)), x, y)  # -0 stays -0


def log_parts(m: Math, x: str) -> tuple[str, str, str, str, str]:
    """The exponent of ``x``, and for ``f`` in ``x = 2**e (1 + f)`` the parts of its logarithm.

    Returns ``e, f, s, f**2 / 2, r`` with ``log(1 + f) = f - (f**2 / 2 - s (f**2 / 2 + r))``.
    """
    smallest = float(np.finfo(m.dtype).smallest_normal)
    lift = 2 * (m.f.mantissa + 1) // 2 + 1
    tiny = m.test("olt", x, m.c(smallest))
    normal = m.select(tiny, m.mul(x, m.c(2.0**lift)), x)
    root = np.asarray(np.sqrt(0.5), m.dtype).view(m.integer)
    bits = m.bits(normal)
    n = m.int_op("ashr", m.int_op("sub", bits, m.i(int(root))), m.i(m.f.mantissa))
    f = m.from_bits(m.int_op("sub", bits, m.int_op("shl", n, m.i(m.f.mantissa))))
    f = m.sub(f, m.c(1.0))
    e = m.v.cast("sitofp", n, m.integer, m.dtype)
    e = m.sub(e, m.select(tiny, m.c(float(lift)), m.c(0.0)))
    s = m.div(f, m.add(f, m.c(2.0)))
    z = m.mul(s, s)
    half_square = m.mul(m.mul(f, f), m.c(0.5))
    return e, f, s, half_square, m.mul(z, m.poly(z, m.f.log))


def _log_at_edges(m: Math, x: str, y: str) -> str:
    y = m.select(m.test("oeq", x, m.c(np.inf)), x, y)
    y = m.select(m.test("oeq", x, m.c(0.0)), m.c(-np.inf), y)
    return m.select(m.test("oge", x, m.c(0.0)), y, m.c(np.nan))


def log(m: Math, x: str) -> str:
    """The natural logarithm."""
    e, f, s, half_square, r = log_parts(m, x)
    tail = m.fma(s, m.add(half_square, r), m.mul(e, m.c(m.f.ln2[1])))
    y = m.fma(e, m.c(m.f.ln2[0]), m.sub(f, m.sub(half_square, tail)))
    return _log_at_edges(m, x, y)


def log_of_base(m: Math, x: str, scale: tuple[float, float], two: tuple[float, float]) -> str:
    """The logarithm times ``scale``; ``two`` is that of 2, its first part with few digits."""
    e, f, s, half_square, r = log_parts(m, x)
    y = m.sub(f, m.sub(half_square, m.mul(s, m.add(half_square, r))))
    high, low = m.constant_pair(scale)
    y = m.fma(y, high, m.fma(y, low, m.mul(e, m.c(two[1]))))
    return _log_at_edges(m, x, m.fma(e, m.c(two[0]), y))


def log1p(m: Math, x: str) -> str:
    """``log(1 + x)``."""
    u = m.add(x, m.c(1.0))
    # What was rounded away of 1 + x, relative to it.
    lost = m.div(m.sub(x, m.sub(u, m.c(1.0))), u)
    y = log(m, u)
    is_finite = m.v.binary("and", m.test("one", u, m.c(0.0)), m.test("olt", u, m.c(np.inf)), bool)
    y = m.select(is_finite, m.add(y, lost), y)
    return m.select(m.test("oeq", x, m.c(0.0)), x, y)


# With q = h coth(h), an even function, exp(2 h) = (q + h) / (q - h): a polynomial of half the
# length, and the division is one with that of tanh or sigmoid. Their denominators are the numerator
# and a rest, so that the rounding of a large numerator cancels.


def _tanh(m: Math, x: str) -> str:
    a = m.at_most(m.abs(x), m.f.tanh_high)
    # 2 a = n ln 2 + 2 h, -0.087 < h < 0.26: where n = 1, little of the numerator may cancel. What
    # rounding takes from ln 2 counts less than exp(2 a) grows.
    n, bits = m.rounded(m.sub(a, m.c(0.0866)), 2.8853900817779268, m.f.bias)
    h = m.fma(n, m.c(-0.34657359027997264), a)
    z = m.mul(h, h)
    rest = m.mul(z, m.poly(z, m.choose(*coefficients.COTH_WIDE)))  # q - 1
    scale = m.power_of_two(bits)
    less, more = m.sub(scale, m.c(1.0)), m.add(scale, m.c(1.0))
    y = m.fma(less, rest, m.fma(more, h, less))
    half = m.add(m.c(1.0), m.sub(rest, h))
    return m.copysign(m.div(y, m.fma(half, m.c(2.0), y)), x)


def _sigmoid(m: Math, x: str) -> str:
    # Above it is 1; below, what underflows is the result.
    x = m.at_least(m.at_most(x, -m.f.expm1_low), m.f.exp_range[0])
    n, bits = m.rounded(x, 1.4426950408889634, 2 * m.f.bias)
    r = m.fma(n, m.c(-m.f.ln2[0]), x)
    r = m.fma(n, m.c(-m.f.ln2[1]), r)
    z = m.mul(r, r)
    # For r = 2 h, and twice: multiples by powers of two.
    terms = m.choose(*coefficients.COTH)
    doubled = tuple([2 * c / 4 ** (len(terms) - k) for k, c in enumerate(terms)])
    q = m.fma(z, m.poly(z, doubled), m.c(2.0))
    e = scaled_by_powers(m, m.add(q, r), None, signed(m, bits))
    return m.div(e, m.add(e, m.sub(q, r)))


def unless(m: Math, rare: str, results: Sequence[tuple[str, str]], *xs: str) -> list[str]:
    """Of each ``(name, y)``, ``y``, or where the condition holds the C library's function of xs.

    That is called, for all lanes, if the condition holds in any; `interleaved` knows these lines.
    """
    w, t = m.v.writer, m.v.type(m.dtype)
    any_rare = rare
    if m.v.width > 1:
        flags = m.v.type(bool)
        any_rare = m.v.emit(f"call i1 @llvm.vector.reduce.or.v{m.v.width}i1({flags} {rare})")
        w.declarations.add(f"declare i1 @llvm.vector.reduce.or.v{m.v.width}i1({flags})")
    slots = [w.slot(t) for _ in results]
    slow, after = w.name("slow")[1:], w.name("after")[1:]
    lines = w.levels[m.v.depth].lines
    lines += [f"store {t} {y}, ptr {slot}" for slot, (_, y) in zip(slots, results, strict=True)]
    lines += [f"br i1 {any_rare}, label %{slow}, label %{after}, {UNLIKELY}", f"{slow}:"]
    for slot, (name, y) in zip(slots, results, strict=True):
        chosen = m.select(rare, m.v.library(name, list(xs), m.dtype), y)
        lines.append(f"store {t} {chosen}, ptr {slot}")
    lines += [f"br label %{after}", f"{after}:"]
    return [m.v.emit(f"load {t}, ptr {slot}") for slot in slots]


def wide(function: Callable[..., str]) -> Callable[..., str]:
    """A function for single precision that computes in double precision."""

    def compute(m: Math, *xs: str) -> str:
        double = Math(m.v, np.float64)
        wider = [m.v.cast("fpext", x, m.dtype, double.dtype) for x in xs]
        return m.v.cast("fptrunc", function(double, *wider), double.dtype, m.dtype)

    return compute


_FUNCTIONS: dict[str, Callable[[Math, str], str]] = {
    "exp": lambda m, x: exp_scaled(m, x, 0),
    "expm1": _expm1,
    "log": log,
    "log1p": log1p,
    "tanh": _tanh,
    "sigmoid": _sigmoid,
}

VECTOR_MATH: dict[str, Callable[[Vectors, str, Any], str]] = {
    name: (lambda v, x, dtype, f=function: f(Math(v, dtype), x))  # type: ignore[misc]
    for name, function in _FUNCTIONS.items()
}
"""``(vectors, x, dtype) -> y`` for each function, by the name of its primitive."""
