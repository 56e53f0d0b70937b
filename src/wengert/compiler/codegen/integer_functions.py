"""Functions of integers that are loops: each is a function of the module, called for each lane."""

from __future__ import annotations

from typing import Any

from .vectors import Vectors, type_name

__all__ = ["gcd", "integer_power", "lcm"]

_GCD = """define internal {t} @wengert_gcd_{t}({t} %a, {t} %b) #0 {{
entry:
  br label %loop
loop:
  %x = phi {t} [ %a, %entry ], [ %y, %next ]
  %y = phi {t} [ %b, %entry ], [ %rest, %next ]
  %end = icmp eq {t} %y, 0
  br i1 %end, label %done, label %next
next:
  %rest = urem {t} %x, %y
  br label %loop
done:
  ret {t} %x
}}"""

_POWER = """define internal {t} @wengert_power_{t}({t} %base, {t} %exponent) #0 {{
entry:
  br label %loop
loop:
  %x = phi {t} [ %base, %entry ], [ %square, %next ]
  %n = phi {t} [ %exponent, %entry ], [ %half, %next ]
  %y = phi {t} [ 1, %entry ], [ %z, %next ]
  %end = icmp eq {t} %n, 0
  br i1 %end, label %done, label %next
next:
  %low = and {t} %n, 1
  %odd = icmp ne {t} %low, 0
  %times = mul {t} %y, %x
  %z = select i1 %odd, {t} %times, {t} %y
  %square = mul {t} %x, %x
  %half = lshr {t} %n, 1
  br label %loop
done:
  ret {t} %y
}}"""


def _by_lanes(v: Vectors, text: str, name: str, xs: list[str], dtype: Any) -> str:
    t = type_name(dtype)
    v.writer.declarations.add(text.format(t=t))
    lanes = zip(*[v.lanes(x, dtype) for x in xs], strict=True)
    return v.gathered(
        [v.emit(f"call {t} @wengert_{name}_{t}({t} {a}, {t} {b})") for a, b in lanes], dtype
    )


def _size(v: Vectors, x: str, dtype: Any) -> str:
    """The absolute value; that of the least number is itself."""
    if dtype.kind == "u":
        return x
    negative = v.compare("slt", x, v.const(0, dtype), dtype)
    return v.select(negative, v.binary("sub", v.const(0, dtype), x, dtype), x, dtype)


def gcd(v: Vectors, xs: list[str], dtype: Any, out: Any) -> str:
    """Euclid's algorithm."""
    return _by_lanes(v, _GCD, "gcd", [_size(v, x, dtype) for x in xs], dtype)


def lcm(v: Vectors, xs: list[str], dtype: Any, out: Any) -> str:
    """0 where an operand is."""
    a, b = (_size(v, x, dtype) for x in xs)
    common = _by_lanes(v, _GCD, "gcd", [a, b], dtype)
    zero, one = v.const(0, dtype), v.const(1, dtype)
    none = v.compare("eq", common, zero, dtype)
    safe = v.select(none, one, common, dtype)
    product = v.binary("mul", v.binary("udiv", a, safe, dtype), b, dtype)
    return v.select(none, zero, product, dtype)


def integer_power(v: Vectors, xs: list[str], dtype: Any, out: Any) -> str:
    """By squaring, for exponents that are not negative; of others something."""
    return _by_lanes(v, _POWER, "power", xs, dtype)
