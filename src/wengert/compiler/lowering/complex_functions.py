"""Functions of complex numbers as formulas on their parts.

They follow what NumPy computes: Smith's division, the modulus by hypot, and for what is not finite
annex G of C99. Logarithms, roots and inverse functions are Kahan's ("Branch cuts for complex
elementary functions", 1987), which keep signed zeros and are exact on the cuts.
"""

from __future__ import annotations

from collections.abc import Callable
from math import pi
from typing import Any

import numpy as np

from .formulas import Real, Test, select

__all__ = ["FUNCTIONS", "Z", "divided", "less", "lower_or_equal", "power_of", "product"]

Z = tuple[Real, Real]


def _limits(x: Real) -> Any:
    return np.finfo(x.node.dtype)


def product(a: Z, b: Z) -> Z:
    """Multiplied out, as NumPy does, the second product rounded first."""
    return (
        a[0].of("multiply_add", b[0], -(a[1] * b[1])),
        a[0].of("multiply_add", b[1], a[1] * b[0]),
    )


def divided(a: Z, b: Z) -> Z:
    """Smith's quotient: what is divided by is never squared."""
    big = abs(b[0]) >= abs(b[1])
    p, q = select(big, b[0], b[1]), select(big, b[1], b[0])
    u, w = select(big, a[0], a[1]), select(big, a[1], a[0])
    ratio = q / p
    scale = 1.0 / (p + q * ratio)
    re = (u + w * ratio) * scale
    t = u * ratio
    im = select(big, w - t, t - w) * scale
    nothing = p.equals(0.0) & q.equals(0.0)  # NumPy divides by that
    return select(nothing, a[0] / abs(p), re), select(nothing, a[1] / abs(p), im)


def _reciprocal(z: Z) -> Z:
    big = abs(z[0]) >= abs(z[1])
    p, q = select(big, z[0], z[1]), select(big, z[1], z[0])
    ratio = q / p
    d = p + q * ratio
    one, r = 1.0 / d, ratio / d
    return select(big, one, r), -select(big, r, one)


def _times(z: Z, factor: float) -> Z:
    return z[0] * factor, z[1] * factor


def _i(z: Z) -> Z:
    return -z[1], z[0]


def _minus_i(z: Z) -> Z:
    return z[1], -z[0]


# ------------------------------------------------------------------ exponentials


def _scaled_exp(x: Real) -> tuple[Real, Real]:
    """Two factors of the exponential: their product with a small number may be finite."""
    far = float(np.floor(np.log(float(_limits(x).max)) - 8))
    beyond = x > far
    e = (x - select(beyond, far, x.like(0.0))).of("exp")
    return e, select(beyond, float(np.exp(far)), x.like(1.0))


def _exp(z: Z) -> Z:
    x, y = z
    e, factor = _scaled_exp(x)
    re, im = e * y.of("cos") * factor, e * y.of("sin") * factor
    # exp(-inf) annihilates any angle; exp(inf) of no angle is infinite.
    wild = ~y.has("isfinite")
    gone = wild & x.equals(-np.inf)
    re = select(gone, 0.0, select(wild & x.equals(np.inf), np.inf, re))
    im = select(gone, 0.0, im)
    real = y.equals(0.0)
    return select(real, e * factor, re), select(real, y, im)


def _expm1(z: Z) -> Z:
    x, y = z
    half = (y * 0.5).of("sin")
    e = x.of("exp")
    return x.of("expm1") * y.of("cos") - 2.0 * half * half, e * y.of("sin")


def _sinh_cosh(x: Real) -> tuple[Real, Real, Real]:
    """Both, and a factor of both that is not 1 where they would overflow."""
    far = float(np.floor(np.log(float(_limits(x).max)) - 8))
    beyond = abs(x) > far
    near = x - select(beyond, x.like(far).of("copysign", x), 0.0)
    e = abs(near).of("exp") * 0.5
    s = select(beyond, e.of("copysign", x), near.of("sinh"))
    c = select(beyond, e, near.of("cosh"))
    return s, c, select(beyond, float(np.exp(far)), x.like(1.0))


def _sinh(z: Z) -> Z:
    x, y = z
    s, c, factor = _sinh_cosh(x)
    re, im = s * y.of("cos") * factor, c * y.of("sin") * factor
    wild = ~y.has("isfinite")
    infinite = x.has("isinf")
    re = select(wild & infinite, x, select(wild & x.equals(0.0), x, re))
    im = select(y.equals(0.0), y, im)
    return select(y.equals(0.0), s * factor, re), im


def _cosh(z: Z) -> Z:
    x, y = z
    s, c, factor = _sinh_cosh(x)
    re, im = c * y.of("cos") * factor, s * y.of("sin") * factor
    wild = ~y.has("isfinite")
    re = select(wild & x.has("isinf"), np.inf, re)
    # A zero for a zero, also times what is not finite; its sign is that of the product.
    nothing = (x.equals(0.0) & wild) | y.equals(0.0)
    signs = x.like(1.0).of("copysign", x) * y.like(1.0).of("copysign", y)
    im = select(nothing, x.like(0.0).of("copysign", signs), im)
    return select(y.equals(0.0), c * factor, re), im


def _sin(z: Z) -> Z:
    return _minus_i(_sinh(_i(z)))


def _cos(z: Z) -> Z:
    return _cosh(_i(z))


def _tanh(z: Z) -> Z:
    x, y = z
    far = 0.5 * float(np.log(4 / float(_limits(x).eps))) + 1
    large = abs(x) > far
    near = select(large, 0.0, x)
    t = y.of("tan")
    beta = 1.0 + t * t
    s = near.of("sinh")
    rho = (1.0 + s * s).of("sqrt")
    d = 1.0 + beta * s * s
    pole = t.has("isinf")
    re = select(pole, rho / s, beta * rho * s / d)
    im = select(pole, 1.0 / t, t / d)
    wave = 4.0 * y.of("sin") * y.of("cos") * (-2.0 * abs(x)).of("exp")
    wild = ~y.has("isfinite")
    wave = select(x.has("isinf") & wild, y.like(0.0).of("copysign", y), wave)
    re = select(large, x.like(1.0).of("copysign", x), re)
    im = select(large, wave, im)
    re = select(wild & ~x.has("isinf"), select(x.equals(0.0), x, np.nan), re)
    return re, select(y.equals(0.0), y, im)


def _tan(z: Z) -> Z:
    return _minus_i(_tanh(_i(z)))


# ------------------------------------------------------------------ logarithms and roots


def _log_modulus(x: Real, y: Real) -> Real:
    """The logarithm of the modulus, also where that is close to one, or overflows."""
    ax, ay = abs(x), abs(y)
    top, low = select(ax > ay, ax, ay), select(ax > ay, ay, ax)
    near = (top > 0.5) & (top < 1.5)
    close = 0.5 * ((top - 1.0) * (top + 1.0) + low * low).of("log1p")
    huge = top > float(_limits(x).max) / 4
    scale = select(huge, 0.25, x.like(1.0))
    size = (ax * scale).of("hypot", ay * scale)
    far = size.of("log") + select(huge, float(np.log(4.0)), x.like(0.0))
    return select(near & (low < 1.5), close, far)


def _log(z: Z) -> Z:
    x, y = z
    return _log_modulus(x, y), y.of("arctan2", x)


def _log1p(z: Z) -> Z:
    x, y = z
    return (x + 1.0).of("hypot", y).of("log"), y.of("arctan2", x + 1.0)


def _sqrt(z: Z) -> Z:
    x, y = z
    limits = _limits(x)
    ax, ay = abs(x), abs(y)
    top = select(ax > ay, ax, ay)
    huge, tiny = top > float(limits.max) / 8, top < float(limits.tiny) * 2.0**8
    up = 2 * (int(limits.nmant) // 2 + 1)
    scale = select(huge, 2.0**-4, select(tiny, 2.0**up, x.like(1.0)))
    back = select(huge, 4.0, select(tiny, 2.0 ** -(up // 2), x.like(1.0)))
    sx, sy = ax * scale, ay * scale
    t = ((sx + sx.of("hypot", sy)) * 0.5).of("sqrt")
    other = select(t.equals(0.0), t, sy * 0.5 / t) * back
    t = t * back
    left = x < 0.0
    re, im = select(left, other, t), select(left, t, other).of("copysign", y)
    # Infinities, by C99: what is infinite along y is so in both; else along x in one.
    gap = select(y.has("isnan"), y, 0.0)
    below = x.equals(-np.inf)
    re = select(below, gap, re)
    im = select(x.equals(np.inf), gap.of("copysign", y), im)
    im = select(below, x.like(np.inf).of("copysign", y), im)
    infinite = y.has("isinf")
    return select(infinite, np.inf, re), select(infinite, y, im)


# ------------------------------------------------------------------ inverse functions


def _is_far(z: Z) -> Test:
    """Where 1 is nothing beside the square."""
    limit = float(1 / np.sqrt(float(_limits(z[0]).eps))) * 2
    return (abs(z[0]) > limit) | (abs(z[1]) > limit)


def _log_twice(z: Z) -> Real:
    """``log(2 |z|)``."""
    return _log_modulus(*z) + float(np.log(2.0))


def _roots(z: Z) -> tuple[Z, Z, Test]:
    """``sqrt(1 - z)`` and ``sqrt(1 + z)``, and where they are not to be used."""
    far = _is_far(z)
    x, y = select(far, 0.5, z[0]), select(far, 0.5, z[1])
    return _sqrt((1.0 - x, -y)), _sqrt((1.0 + x, y)), far


def _arcsin(z: Z) -> Z:
    x, y = z
    (a, b), (c, d), far = _roots(z)
    re = x.of("arctan2", a * c - b * d)
    im = (a * d - b * c).of("arcsinh")
    re = select(far, x.of("arctan2", abs(y)), select(x.equals(0.0), x, re))
    im = select(far, _log_twice(z).of("copysign", y), im.of("copysign", y))
    return re, im


def _arccos(z: Z) -> Z:
    x, y = z
    (a, b), (c, d), far = _roots(z)
    re = 2.0 * a.of("arctan2", c)
    im = (c * b - d * a).of("arcsinh")
    re = select(x.equals(0.0), pi / 2, select(far, abs(y).of("arctan2", x), re))
    im = select(far, _log_twice(z), abs(im))
    return re, (-im).of("copysign", -y)


def _arccosh(z: Z) -> Z:
    re, im = _arccos(z)
    # i acos(z) or -i acos(z): the real part is not negative, and the cut keeps the sign of y.
    return abs(im), re.of("copysign", z[1])


def _arcsinh(z: Z) -> Z:
    return _minus_i(_arcsin(_i(z)))


def _arctanh(z: Z) -> Z:
    x, y = z
    far = _is_far(z)
    ax, ay = abs(x), abs(y)
    u, v = select(far, 0.5, ax), select(far, 0.5, ay)
    gap = 1.0 - u
    re = 0.25 * (4.0 * u / (gap * gap + v * v)).of("log1p")
    # At the pole the square of the distance may vanish.
    close = gap.equals(0.0) & (v < float(_limits(x).eps))
    re = select(close, 0.5 * (float(np.log(2.0)) - v.of("log")), re)
    im = 0.5 * (2.0 * v).of("arctan2", gap * (1.0 + u) - v * v)
    # Far out the real part is that of 1 / z.
    top, low = select(ax > ay, ax, ay), select(ax > ay, ay, ax)
    ratio = low / top
    share = select(ax > ay, x.like(1.0), ratio)
    remote = share / top / (1.0 + ratio * ratio)
    remote = select(ax.has("isinf") | ay.has("isinf"), 0.0, remote)
    re, im = select(far, remote, re), select(far, pi / 2, im)
    unknown = y.has("isnan") | (x.has("isnan") & ~y.has("isinf"))
    im = select(far & unknown, np.nan, im)
    re = select(x.equals(0.0), x, re)
    return re.of("copysign", x), im.of("copysign", y)


def _arctan(z: Z) -> Z:
    return _minus_i(_arctanh(_i(z)))


# ------------------------------------------------------------------ powers


def _square(z: Z) -> Z:
    return product(z, z)


def power_of(z: Z, exponent: complex) -> Z:
    """A constant power; whole ones up to 100 by products, as NumPy does."""
    n = exponent.real
    if exponent.imag == 0 and n.is_integer() and abs(n) < 100:
        result: Z | None = None
        count, base = int(abs(n)), z
        while count:
            if count & 1:
                result = base if result is None else product(result, base)
            count >>= 1
            if count:
                base = product(base, base)
        if result is None:
            return z[0].like(1.0), z[0].like(0.0)
        return result if n > 0 else divided((z[0].like(1.0), z[0].like(0.0)), result)
    return power(z, (z[0].like(exponent.real), z[0].like(exponent.imag)))


def power(a: Z, b: Z) -> Z:
    """``exp(b log(a))``, and what NumPy makes of zeros."""
    re, im = _exp(product(b, _log(a)))
    one, two = (b[1].equals(0.0) & b[0].equals(n) for n in (1.0, 2.0))
    squared = _square(a)
    re = select(one, a[0], select(two, squared[0], re))
    im = select(one, a[1], select(two, squared[1], im))
    from_zero = a[0].equals(0.0) & a[1].equals(0.0)
    vanishes = from_zero & (b[0] > 0.0)
    undefined = from_zero & ~(b[0] > 0.0)
    re = select(vanishes, 0.0, select(undefined, np.nan, re))
    im = select(vanishes, 0.0, select(undefined, np.nan, im))
    nothing = b[0].equals(0.0) & b[1].equals(0.0)
    return select(nothing, 1.0, re), select(nothing, 0.0, im)


# ------------------------------------------------------------------ zero, sign, order


def _sign(z: Z) -> Z:
    """The number divided by its modulus; of one infinite part its sign alone."""
    size = z[0].of("hypot", z[1])
    nothing, infinite = size.equals(0.0), size.has("isinf")
    signs = []
    for x, other in (z, z[::-1]):
        along = select(other.has("isinf"), x.like(0.0), x / size)
        both = select(other.has("isinf"), np.nan, x.like(1.0).of("copysign", x))
        y = select(infinite, select(x.has("isinf"), both, along), x / size)
        signs.append(select(nothing, 0.0, y))
    return signs[0], signs[1]


def _is_zero(z: Z) -> Test:
    return z[0].equals(0.0) & z[1].equals(0.0)


def _strong(c: Z, p: Z) -> Z:
    re, im = product(c, p)
    nothing = _is_zero(c)
    return select(nothing, 0.0, re), select(nothing, 0.0, im)


def _changes(a: Z, b: Z) -> Z:
    re, im = product(a, b)
    nothing = _is_zero(a) | _is_zero(b)
    return select(nothing, 0.0, re), select(nothing, 0.0, im)


def less(a: Z, b: Z) -> Test:
    """NumPy's order: by real parts, then by imaginary parts."""
    numbers = a[1].equals(a[1]) & b[1].equals(b[1])
    return ((a[0] < b[0]) & numbers) | (a[0].equals(b[0]) & (a[1] < b[1]))


def lower_or_equal(a: Z, b: Z) -> Test:
    """The same with equality."""
    numbers = a[1].equals(a[1]) & b[1].equals(b[1])
    return ((a[0] < b[0]) & numbers) | (a[0].equals(b[0]) & (a[1] <= b[1]))


def _is_nan(z: Z) -> Test:
    return z[0].has("isnan") | z[1].has("isnan")


def _chosen(condition: Test, a: Z, b: Z) -> Z:
    return select(condition, a[0], b[0]), select(condition, a[1], b[1])


def _times_log(x: Z, y: Z, log: Callable[[Z], Z]) -> Z:
    re, im = product(x, log(y))
    vanishes = _is_zero(x) & ~_is_nan(y)
    return select(vanishes, 0.0, re), select(vanishes, 0.0, im)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "add": lambda a, b: (a[0] + b[0], a[1] + b[1]),
    "sub": lambda a, b: (a[0] - b[0], a[1] - b[1]),
    "mul": product,
    "div": divided,
    "neg": lambda z: (-z[0], -z[1]),
    "positive": lambda z: z,
    "stop_gradient": lambda z: z,
    "square": _square,
    "reciprocal": _reciprocal,
    "conj": lambda z: (z[0], -z[1]),
    "abs_complex": lambda z: z[0].of("hypot", z[1]),
    "abs": lambda z: z[0].of("hypot", z[1]),
    "sign_complex": _sign,
    "sign": _sign,
    "strong_product": _strong,
    "product_of_changes": _changes,
    "selected_product": lambda c, p: _strong(p, c),
    "exp": _exp,
    "exp2": lambda z: _exp(_times(z, float(np.log(2.0)))),
    "expm1": _expm1,
    "log": _log,
    "log2": lambda z: _times(_log(z), float(1 / np.log(2.0))),
    "log10": lambda z: _times(_log(z), float(1 / np.log(10.0))),
    "log1p": _log1p,
    "sqrt": _sqrt,
    "root": _sqrt,
    "sin": _sin,
    "cos": _cos,
    "tan": _tan,
    "sinh": _sinh,
    "cosh": _cosh,
    "tanh": _tanh,
    "arcsin": _arcsin,
    "arccos": _arccos,
    "arctan": _arctan,
    "arcsinh": _arcsinh,
    "arccosh": _arccosh,
    "arctanh": _arctanh,
    "xlogy": lambda x, y: _times_log(x, y, _log),
    "xlog1py": lambda x, y: _times_log(x, y, _log1p),
    "equal": lambda a, b: a[0].equals(b[0]) & a[1].equals(b[1]),
    "not_equal": lambda a, b: a[0].differs(b[0]) | a[1].differs(b[1]),
    "less": less,
    "less_equal": lower_or_equal,
    "greater": lambda a, b: less(b, a),
    "greater_equal": lambda a, b: lower_or_equal(b, a),
    "maximum": lambda a, b: _chosen(_is_nan(a) | lower_or_equal(b, a), a, b),
    "minimum": lambda a, b: _chosen(_is_nan(a) | lower_or_equal(a, b), a, b),
    "fmax": lambda a, b: _chosen(_is_nan(b) | lower_or_equal(b, a), a, b),
    "fmin": lambda a, b: _chosen(_is_nan(b) | lower_or_equal(a, b), a, b),
    "isnan": _is_nan,
    "isinf": lambda z: z[0].has("isinf") | z[1].has("isinf"),
    "isfinite": lambda z: z[0].has("isfinite") & z[1].has("isfinite"),
    "logical_not": _is_zero,
    "logical_and": lambda a, b: ~_is_zero(a) & ~_is_zero(b),
    "logical_or": lambda a, b: ~_is_zero(a) | ~_is_zero(b),
}
"""By the name of the pointwise primitive: on parts, giving parts, a real number or a test."""
