"""The scalar operations of `map` nodes, as instructions.

Each is ``(vectors, operands, dtype of the operands, dtype of the result) -> value``. Lowering has
already cast the operands to the dtype in which NumPy computes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import (
    error_functions,
    hyperbolic,
    integer_functions,
    inverse_functions,
    powers,
    trigonometric,
)
from .vector_math import VECTOR_MATH, Math
from .vectors import Vectors

__all__ = ["SCALAR_OPERATIONS", "supports"]

Emit = Callable[[Vectors, list[str], Any, Any], str]

SCALAR_OPERATIONS: dict[str, tuple[str, Emit]] = {}
"""By name: the kinds of operands that the operation takes, and its instructions."""


def supports(name: str, dtype: Any) -> bool:
    """Whether there is code for the operation on operands of this dtype."""
    dtype = np.dtype(dtype)
    if name not in SCALAR_OPERATIONS or dtype.itemsize not in (1, 2, 4, 8):
        return False
    return dtype.kind in SCALAR_OPERATIONS[name][0] and str(dtype) != "float16"


def _register(name: str, kinds: str) -> Callable[[Emit], Emit]:
    def add(function: Emit) -> Emit:
        SCALAR_OPERATIONS[name] = (kinds, function)
        return function

    return add


# ------------------------------------------------------------------ arithmetic


def _arithmetic(name: str, floating: str, integer: str | None) -> None:
    def emit(v: Vectors, xs: list[str], dtype: Any, out: Any) -> str:
        opcode = floating if dtype.kind == "f" else integer
        assert opcode is not None
        return v.binary(opcode, xs[0], xs[1], dtype)

    SCALAR_OPERATIONS[name] = ("fiu" if integer else "f", emit)


_arithmetic("add", "fadd", "add")
_arithmetic("sub", "fsub", "sub")
_arithmetic("mul", "fmul", "mul")
_arithmetic("div", "fdiv", None)


@_register("multiply_add", "f")
def _multiply_add(v: Vectors, xs: list[str], dtype: Any, out: Any) -> str:
    return v.multiply_add(xs[0], xs[1], xs[2], dtype)


@_register("strong", "f")
def _strong(v: Vectors, xs: list[str], dtype: Any, out: Any) -> str:
    # A cotangent that is exactly zero annihilates an infinite or NaN partial.
    product = v.binary("fmul", xs[0], xs[1], dtype)
    zero = v.compare("oeq", xs[0], v.const(0, dtype), dtype)
    return v.select(zero, v.const(0, dtype), product, dtype)


@_register("changes", "f")
def _changes(v: Vectors, xs: list[str], dtype: Any, out: Any) -> str:
    # Of a tangent and a cotangent, each annihilates the other where it is zero.
    product = v.binary("fmul", xs[0], xs[1], dtype)
    zeros = [v.compare("oeq", x, v.const(0, dtype), dtype) for x in xs]
    either = v.binary("or", zeros[0], zeros[1], np.dtype(bool))
    return v.select(either, v.const(0, dtype), product, dtype)


@_register("neg", "fiu")
def _neg(v: Vectors, xs: list[str], dtype: Any, out: Any) -> str:
    if dtype.kind == "f":
        return v.emit(f"fneg {v.type(dtype)} {xs[0]}")
    return v.binary("sub", v.const(0, dtype), xs[0], dtype)


@_register("abs", "fiu")
def _abs(v: Vectors, xs: list[str], dtype: Any, out: Any) -> str:
    if dtype.kind == "f":
        return v.intrinsic("fabs", xs, dtype)
    if dtype.kind == "u":
        return xs[0]
    negative = v.compare("slt", xs[0], v.const(0, dtype), dtype)
    return v.select(negative, _neg(v, xs, dtype, out), xs[0], dtype)


def _direct(name: str, intrinsic: str) -> None:
    SCALAR_OPERATIONS[name] = ("f", lambda v, xs, dtype, out: v.intrinsic(intrinsic, xs, dtype))


_direct("sqrt", "sqrt")
_direct("floor", "floor")
_direct("ceil", "ceil")
_direct("trunc", "trunc")
_direct("rint", "nearbyint")
_direct("copysign", "copysign")


@_register("sign", "f")
def _sign(v: Vectors, xs: list[str], dtype: Any, out: Any) -> str:
    x = xs[0]
    one = v.const(1, dtype)
    signed = v.intrinsic("copysign", [one, x], dtype)
    nonzero = v.compare("one", x, v.const(0, dtype), dtype)
    y = v.select(nonzero, signed, v.const(0, dtype), dtype)
    return v.select(v.compare("uno", x, x, dtype), x, y, dtype)


def _extremum(name: str, floating: str, kept: str) -> None:
    """NumPy's maximum and minimum: NaN in either operand wins, and of equals the first."""

    def emit(v: Vectors, xs: list[str], dtype: Any, out: Any) -> str:
        a, b = xs
        if dtype.kind in "bu":
            return v.select(v.compare("u" + kept, a, b, dtype), a, b, dtype)
        if dtype.kind == "i":
            return v.select(v.compare("s" + kept, a, b, dtype), a, b, dtype)
        y = v.select(v.compare(floating, a, b, dtype), a, b, dtype)
        return v.select(v.compare("uno", a, a, dtype), a, y, dtype)

    SCALAR_OPERATIONS[name] = ("fiub", emit)


_extremum("maximum", "oge", "ge")
_extremum("minimum", "ole", "le")


def _number_extremum(name: str, floating: str, like: str) -> None:
    """NumPy's fmax and fmin: a number wins over NaN."""

    def emit(v: Vectors, xs: list[str], dtype: Any, out: Any) -> str:
        a, b = xs
        if dtype.kind != "f":
            return SCALAR_OPERATIONS[like][1](v, xs, dtype, out)
        y = v.select(v.compare(floating, a, b, dtype), a, b, dtype)
        return v.select(v.compare("uno", b, b, dtype), a, y, dtype)

    SCALAR_OPERATIONS[name] = ("fiub", emit)


_number_extremum("fmax", "oge", "maximum")
_number_extremum("fmin", "ole", "minimum")


@_register("remainder", "fiu")
def _remainder(v: Vectors, xs: list[str], dtype: Any, out: Any) -> str:
    if dtype.kind != "f":
        return _divided(v, xs, dtype)[1]
    # Python's modulo: the remainder has the sign of the divisor.
    x, y = xs
    zero = v.const(0, dtype)
    m = v.library("fmod", [x, y], dtype)
    nonzero = v.compare("une", m, zero, dtype)
    signs_differ = v.emit(
        f"xor {v.type(bool)} {v.compare('olt', m, zero, dtype)}, {v.compare('olt', y, zero, dtype)}"
    )
    moved = v.select(signs_differ, v.binary("fadd", m, y, dtype), m, dtype)
    return v.select(nonzero, moved, v.intrinsic("copysign", [zero, y], dtype), dtype)


# ------------------------------------------------------------------ integers


def _divided(v: Vectors, xs: list[str], dtype: Any) -> tuple[str, str]:
    """Quotient and remainder, rounded down; both 0 for a divisor of 0, as in NumPy.

    The processor traps at a division by zero and at that of the least number by -1.
    """
    x, y = xs
    zero, one = v.const(0, dtype), v.const(1, dtype)
    by_zero = v.compare("eq", y, zero, dtype)
    if dtype.kind == "u":
        safe = v.select(by_zero, one, y, dtype)
        quotient, rest = (v.binary(op, x, safe, dtype) for op in ("udiv", "urem"))
        return v.select(by_zero, zero, quotient, dtype), v.select(by_zero, zero, rest, dtype)
    by_minus_one = v.compare("eq", y, v.const(-1, dtype), dtype)
    either = v.binary("or", by_zero, by_minus_one, np.dtype(bool))
    safe = v.select(either, one, y, dtype)
    quotient, rest = (v.binary(op, x, safe, dtype) for op in ("sdiv", "srem"))
    nonzero = v.compare("ne", rest, zero, dtype)
    opposite = v.compare("slt", v.binary("xor", rest, y, dtype), zero, dtype)
    down = v.binary("and", nonzero, opposite, np.dtype(bool))
    quotient = v.select(down, v.binary("sub", quotient, one, dtype), quotient, dtype)
    rest = v.select(down, v.binary("add", rest, y, dtype), rest, dtype)
    quotient = v.select(by_minus_one, v.binary("sub", zero, x, dtype), quotient, dtype)
    return (
        v.select(by_zero, zero, quotient, dtype),
        v.select(either, zero, rest, dtype),
    )


@_register("floor_divide", "iu")
def _floor_divide(v: Vectors, xs: list[str], dtype: Any, out: Any) -> str:
    return _divided(v, xs, dtype)[0]


def _shift(left: bool) -> Emit:
    """What is shifted further than there are bits is all gone; so it is by negative counts."""

    def emit(v: Vectors, xs: list[str], dtype: Any, out: Any) -> str:
        x, count = xs
        bits = 8 * dtype.itemsize
        inside = v.compare("ult", count, v.const(bits, dtype), dtype)
        if left or dtype.kind == "u":
            gone = v.const(0, dtype)
        else:
            gone = v.binary("ashr", x, v.const(bits - 1, dtype), dtype)
        opcode = "shl" if left else "ashr" if dtype.kind == "i" else "lshr"
        moved = v.binary(opcode, x, v.select(inside, count, v.const(0, dtype), dtype), dtype)
        return v.select(inside, moved, gone, dtype)

    return emit


SCALAR_OPERATIONS["left_shift"] = ("iu", _shift(True))
SCALAR_OPERATIONS["right_shift"] = ("iu", _shift(False))


@_register("bitwise_count", "iu")
def _bitwise_count(v: Vectors, xs: list[str], dtype: Any, out: Any) -> str:
    ones = v.intrinsic("ctpop", [_abs(v, xs, dtype, dtype)], dtype)
    return v.cast("trunc", ones, dtype, out) if dtype.itemsize > out.itemsize else ones


# ------------------------------------------------------------------ comparisons and logic


def _comparison(name: str, floating: str, integer: str) -> None:
    def emit(v: Vectors, xs: list[str], dtype: Any, out: Any) -> str:
        if dtype.kind == "f":
            return v.compare(floating, xs[0], xs[1], dtype)
        sign = "" if integer in ("eq", "ne") else "s" if dtype.kind == "i" else "u"
        return v.compare(sign + integer, xs[0], xs[1], dtype)

    SCALAR_OPERATIONS[name] = ("fiub", emit)


_comparison("equal", "oeq", "eq")
_comparison("not_equal", "une", "ne")
_comparison("less", "olt", "lt")
_comparison("less_equal", "ole", "le")
_comparison("greater", "ogt", "gt")
_comparison("greater_equal", "oge", "ge")


def _bitwise(opcode: str) -> Emit:
    return lambda v, xs, dtype, out: v.binary(opcode, xs[0], xs[1], dtype)


for _name in ("and", "or", "xor"):
    SCALAR_OPERATIONS[_name] = ("iub", _bitwise(_name))


@_register("not", "iub")
def _not(v: Vectors, xs: list[str], dtype: Any, out: Any) -> str:
    ones = v.const(True if dtype.kind == "b" else -1, dtype)
    return v.binary("xor", xs[0], ones, dtype)


@_register("isnan", "f")
def _isnan(v: Vectors, xs: list[str], dtype: Any, out: Any) -> str:
    return v.compare("uno", xs[0], xs[0], dtype)


def _compared_with_infinity(name: str, predicate: str) -> None:
    def emit(v: Vectors, xs: list[str], dtype: Any, out: Any) -> str:
        size = v.intrinsic("fabs", xs, dtype)
        return v.compare(predicate, size, v.const(np.inf, dtype), dtype)

    SCALAR_OPERATIONS[name] = ("f", emit)


_compared_with_infinity("isinf", "oeq")
_compared_with_infinity("isfinite", "olt")


@_register("signbit", "f")
def _signbit(v: Vectors, xs: list[str], dtype: Any, out: Any) -> str:
    one = v.intrinsic("copysign", [v.const(1, dtype), xs[0]], dtype)
    return v.compare("olt", one, v.const(0, dtype), dtype)


@_register("select", "fiub")
def _select(v: Vectors, xs: list[str], dtype: Any, out: Any) -> str:
    return v.select(xs[0], xs[1], xs[2], out)


@_register("cast", "fiub")
def _cast(v: Vectors, xs: list[str], dtype: Any, out: Any) -> str:
    x = xs[0]
    if dtype.kind == "f":
        if out.kind == "f":
            return v.cast("fptrunc" if out.itemsize < dtype.itemsize else "fpext", x, dtype, out)
        if out.kind == "b":
            return v.compare("une", x, v.const(0, dtype), dtype)
        # What does not fit has no defined value, in C and in NumPy; frozen, it stays one value.
        # Short integers are cut out of longer ones, as compilers do it for NumPy: -1.0 is 255.
        if out.itemsize < 4 or out == np.uint32:
            longer = np.dtype(np.int32 if out.itemsize < 4 else np.int64)
            y = v.emit(f"freeze {v.type(longer)} {v.cast('fptosi', x, dtype, longer)}")
            return v.cast("trunc", y, longer, out)
        signed = "fptosi" if out.kind == "i" else "fptoui"
        return v.emit(f"freeze {v.type(out)} {v.cast(signed, x, dtype, out)}")
    if out.kind == "f":
        return v.cast("sitofp" if dtype.kind == "i" else "uitofp", x, dtype, out)
    if out.kind == "b":
        return v.compare("ne", x, v.const(0, dtype), dtype)
    bits = 1 if dtype.kind == "b" else 8 * dtype.itemsize
    if 8 * out.itemsize == bits:
        return x
    if 8 * out.itemsize < bits:
        return v.cast("trunc", x, dtype, out)
    return v.cast("sext" if dtype.kind == "i" else "zext", x, dtype, out)


# ------------------------------------------------------------------ elementary functions


def _vector_function(name: str) -> Emit:
    return lambda v, xs, dtype, out: VECTOR_MATH[name](v, xs[0], dtype)


def _library_function(name: str) -> Emit:
    return lambda v, xs, dtype, out: v.library(name, xs, dtype)


for _name in VECTOR_MATH:
    SCALAR_OPERATIONS[_name] = ("f", _vector_function(_name))


def _polynomial(function: Callable[..., str]) -> Emit:
    return lambda v, xs, dtype, out: function(Math(v, dtype), *xs)


for _name, _function in (
    ("pow", powers.power), ("float_power", powers.power), ("exp2", powers.exp2),
    ("log2", powers.log2), ("log10", powers.log10), ("cbrt", powers.cbrt),
    ("hypot", powers.hypot), ("sin", trigonometric.sin),
    ("cos", trigonometric.cos), ("tan", trigonometric.tan),
    ("arcsin", inverse_functions.arcsin), ("arccos", inverse_functions.arccos),
    ("arctan", inverse_functions.arctan), ("arctan2", inverse_functions.arctan2),
    ("sinh", hyperbolic.sinh), ("cosh", hyperbolic.cosh), ("arcsinh", hyperbolic.arcsinh),
    ("arccosh", hyperbolic.arccosh), ("arctanh", hyperbolic.arctanh),
    ("ldexp", powers.ldexp), ("exponent", powers.exponent),
    ("erf", error_functions.erf), ("erfc", error_functions.erfc),
):  # fmt: skip
    SCALAR_OPERATIONS[_name] = ("f", _polynomial(_function))

SCALAR_OPERATIONS["gcd"] = ("iu", integer_functions.gcd)
SCALAR_OPERATIONS["lcm"] = ("iu", integer_functions.lcm)
SCALAR_OPERATIONS["integer_power"] = ("iu", integer_functions.integer_power)

# Exact in every C library, and rare: a call for each lane.
for _name in ("fmod", "nextafter"):
    SCALAR_OPERATIONS[_name] = ("f", _library_function(_name))
