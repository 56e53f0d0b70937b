"""Derive the polynomials of the compiler's elementary functions; needs mpmath.

    python scripts/elementary_polynomials.py > src/wengert/compiler/codegen/coefficients.py

Each interpolates, with 300 bits, a smooth function at the Chebyshev points of an interval; that is
within a few percent of the best uniform approximation (L. N. Trefethen, Approximation Theory and
Approximation Practice, 2013, chapter 4). The functions are chosen so that the leading part of a
result is exact and the polynomial's rounding counts little: for an odd function f, ``f(x) = x +
x z P(z)`` with ``z = x * x``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath

Function = Callable[[Any], Any]

HEADER = '''"""Coefficients of polynomials, that of the highest power first.

Written by scripts/elementary_polynomials.py, which tells where they come from. For each function
those for double precision, then those for single precision.
"""

'''


def interpolated(g: Function, low: Any, high: Any, degree: int) -> list[float]:
    """The coefficients of the polynomial that equals ``g`` at the Chebyshev points."""
    low, high = mpmath.mpf(low), mpmath.mpf(high)
    n = degree + 1
    nodes = [
        (low + high) / 2 + (high - low) / 2 * mpmath.cos(mpmath.pi * (2 * k + 1) / (2 * n))
        for k in range(n)
    ]
    c = [g(x) for x in nodes]
    for j in range(1, n):
        for i in range(n - 1, j - 1, -1):
            c[i] = (c[i] - c[i - 1]) / (nodes[i] - nodes[i - j])
    p = [c[-1]]
    for k in range(n - 2, -1, -1):
        shifted = [*p, mpmath.mpf(0)]
        for i, value in enumerate(p):
            shifted[i + 1] -= value * nodes[k]
        shifted[-1] += c[k]
        p = shifted
    return [float(x) for x in p]


def odd(f: Function) -> Function:
    """``(f(x) / x - 1) / x**2`` of ``z = x**2``."""

    def g(z: Any) -> Any:
        x = mpmath.sqrt(z)
        return (f(x) / x - 1) / z

    return g


def cosine_rest(z: Any) -> Any:
    """``(cos(x) - 1 + z / 2) / z**2`` of ``z = x**2``."""
    return (mpmath.cos(mpmath.sqrt(z)) - 1 + z / 2) / (z * z)


def exp2_slope(r: Any) -> Any:
    """``(2**r - 1) / r``."""
    return (mpmath.mpf(2) ** r - 1) / r if abs(r) > 1e-60 else mpmath.log(2)


def coth_slope(z: Any) -> Any:
    """``(h coth(h) - 1) / z`` of ``z = h**2``."""
    h = mpmath.sqrt(z)
    return (h * mpmath.coth(h) - 1) / z


def log_tail(z: Any) -> Any:
    """What ``2 atanh(s) = 2 s + 2/3 s**3 + s**5 R(s**2)`` leaves to R."""
    s = mpmath.sqrt(z)
    return (2 * mpmath.atanh(s) / s - 2 - 2 * z / 3) / (z * z)


def log2_slope(z: Any) -> Any:
    """``log2((1 + s) / (1 - s)) / s`` of ``z = s**2``."""
    s = mpmath.sqrt(z)
    return 2 * mpmath.atanh(s) / (s * mpmath.log(2))


def erf_slope(z: Any) -> Any:
    """``erf(x) / x - 1`` of ``z = x**2``."""
    x = mpmath.sqrt(z)
    return mpmath.erf(x) / x - 1


ERFC_SHIFT = 3


# t = slope * q + offset, with few digits, takes q = 1 / (a + shift) from [-1, 1] to where a goes
# from 0.5 to 28.5 (10.8 in single precision), beyond which erfc(a) is zero.
ERFC_PLACE = [[7.875, -1.25], [9.5, -1.71875]]


def erfc_scaled(slope: float, offset: float) -> Function:
    """``exp(a**2) erfc(a) (a + shift)`` of t."""

    def g(t: Any) -> Any:
        q = (t - offset) / slope
        a = 1 / q - ERFC_SHIFT
        return mpmath.exp(a * a) * mpmath.erfc(a) / q

    return g


def relative_slope(g: Function) -> Function:
    """``g' / g``."""
    return lambda t: mpmath.diff(g, t) / g(t)


PRECISION = 300  # bits


@mpmath.workprec(PRECISION)
def table() -> dict[str, list[list[float]]]:
    """The polynomials by name, for double and single precision."""
    root = (mpmath.sqrt(2) - 1) ** 2
    cases: list[tuple[str, Function, Any, Any, tuple[int, int]]] = [
        ("EXP2", exp2_slope, -0.5, 0.5, (11, 6)),
        ("COTH", coth_slope, 0, (mpmath.log(2) / 4) ** 2, (4, 1)),
        ("COTH_WIDE", coth_slope, 0, mpmath.mpf("0.068"), (5, 2)),
        ("ARCTAN", odd(mpmath.atan), 0, root, (11, 5)),
        ("ARCSIN", odd(mpmath.asin), 0, 0.25, (12, 5)),
        ("SIN", odd(mpmath.sin), 0, (mpmath.pi / 4) ** 2, (5, 2)),
        ("COS", cosine_rest, 0, (mpmath.pi / 4) ** 2, (5, 2)),
        ("TAN", odd(mpmath.tan), 0, (mpmath.pi / 4) ** 2, (14, 7)),
        ("SINH", odd(mpmath.sinh), 0, 1, (7, 4)),
        ("ARCSINH", odd(mpmath.asinh), 0, 0.25, (13, 6)),
        ("ARCTANH", odd(mpmath.atanh), 0, 0.25, (14, 7)),
        ("ERF", erf_slope, 0, 1, (12, 8)),
        ("LOG_TAIL", log_tail, 0, mpmath.mpf("0.0296"), (7, 3)),
        ("SHORT_LOG2", log2_slope, 0, mpmath.mpf("0.0296"), (5, 5)),
    ]
    found = {name: [interpolated(g, a, b, d) for d in degrees] for name, g, a, b, degrees in cases}
    found["CBRT"] = [interpolated(mpmath.cbrt, 1, 2, 4)] * 2
    scaled = [erfc_scaled(*place) for place in ERFC_PLACE]
    found["ERFC"] = [interpolated(g, -1, 1, d) for g, d in zip(scaled, (21, 9), strict=True)]
    found["ERFC_SLOPE"] = [interpolated(relative_slope(g), -1, 1, 2) for g in scaled]
    found["ERFC_PLACE"] = ERFC_PLACE
    return found


def main() -> None:
    """Print the module of coefficients."""
    print(HEADER + f"ERFC_SHIFT = {ERFC_SHIFT}.0")
    for name, pair in table().items():
        print(f"\n{name} = (")
        for p in pair:
            print("    (")
            for value in p:
                print(f"        {value!r},")
            print("    ),")
        print(")")


if __name__ == "__main__":
    main()
