"""Pointwise operations: casts to the dtype in which NumPy computes, then scalar operations."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...core.program import Equation
from ..codegen.scalars import supports
from ..ir import Graph, Node, value_of
from .formulas import Real, select
from .table import Lowered, lowers, representable

__all__ = ["COMPOSITES", "NEGATIVE_POWER", "loop_dtypes", "power"]

# Where NumPy's name and that of the scalar operation differ.
_NAMES = {
    "root": "sqrt",
    "strong_product": "strong",
    "fabs": "abs",
    "bitwise_and": "and",
    "bitwise_or": "or",
    "bitwise_xor": "xor",
    "logical_and": "and",
    "logical_or": "or",
    "logical_xor": "xor",
    "logical_not": "not",
    "invert": "not",
    "mod": "remainder",
}
NEGATIVE_POWER = "Integers to negative integer powers are not allowed."
_LOGICAL = ("logical_and", "logical_or", "logical_xor", "logical_not")
_COMPARISONS = {
    "equal": operator.eq, "not_equal": operator.ne, "less": operator.lt,
    "less_equal": operator.le, "greater": operator.gt, "greater_equal": operator.ge,
}  # fmt: skip
_ON_BOOLEANS = {"add": "or", "mul": "and", "maximum": "or", "minimum": "and"}


@lowers("pointwise")
def _pointwise(result: Lowered, e: Equation, ins: Sequence[Any]) -> Node | None:
    g, name = result.graph, e.primitive.name
    out = e.outputs[0]
    types = loop_dtypes(e, ins)
    if types is None or not all(map(representable, types)):
        return None
    if name in _COMPARISONS and (known := _compared_out_of_range(name, ins, types)) is not None:
        return g.const(known, bool, out.shape)
    args = [_operand(g, x, t) for x, t in zip(ins, types, strict=True)]
    args = [g.broadcast(x, out.shape) for x in args]
    if name in _LOGICAL:
        args = [g.cast(x, bool) for x in args]
    if name == "pow" and args[0].dtype.kind in "iu" and not _is_short(value_of(args[1])):
        return g.cast(_integer_power(result, *args), out.dtype)
    composite = COMPOSITES.get(name)
    if composite is not None:
        y = composite(g, *args)
        return None if y is None else g.cast(y, out.dtype)
    if name in _COMPARISONS and args[0].dtype != args[1].dtype:
        return _compared_signs(g, name, *args)
    if args[0].dtype.kind == "b" and name in _ON_BOOLEANS:
        name = _ON_BOOLEANS[name]
    name = _NAMES.get(name, name)
    if not all(supports(name, x.dtype) for x in args):
        return None
    is_test = out.dtype.kind == "b" and name not in ("and", "or", "xor", "not")
    return g.cast(g.map(name, *args, dtype=bool if is_test else args[0].dtype), out.dtype)


def loop_dtypes(e: Equation, ins: Sequence[Any]) -> list[Any] | None:
    """The dtypes to which NumPy converts the operands before it computes."""
    function = e.primitive.evaluate
    if isinstance(function, np.ufunc):
        kinds = [x.dtype if hasattr(x, "dtype") else type(x) for x in ins]
        wanted = tuple([np.dtype(bool) if k is bool else k for k in kinds])
        return list(function.resolve_dtypes((*wanted, *(None,) * function.nout))[: len(ins)])
    if e.primitive.name in ("share_of_larger", "share_ignoring_nan", "frexp_exponent"):
        weak = [x.dtype if hasattr(x, "dtype") else x for x in ins]
        return [np.result_type(*weak)] * len(ins)
    return [e.outputs[0].dtype] * len(ins)


def _operand(g: Graph, x: Any, dtype: Any) -> Node:
    if isinstance(x, Node):
        return g.cast(x, dtype)
    if type(x) is int and np.dtype(dtype).kind in "iu":
        x = np.dtype(dtype).type(x)  # which raises OverflowError, as in NumPy, if it does not fit
    return g.const(x, dtype)


def _compared_out_of_range(name: str, ins: Sequence[Any], types: Sequence[Any]) -> bool | None:
    """What a comparison of integers with a Python integer gives that their dtype does not have."""
    for x, dtype in zip(ins, types, strict=True):
        if type(x) is int and dtype.kind in "iu":
            info = np.iinfo(dtype)
            if not info.min <= x <= info.max:
                # Zero is on the same side of it as all that the dtype has.
                first, second = [v if v is x else 0 for v in ins]
                return bool(_COMPARISONS[name](first, second))
    return None


def _compared_signs(g: Graph, name: str, x: Node, y: Node) -> Node:
    """int64 and uint64, as NumPy compares them: below all without a sign is what is negative."""
    signed, other = (x, y) if x.dtype.kind == "i" else (y, x)
    negative = g.map("less", signed, g.const(0, signed.dtype, signed.shape), dtype=bool)
    alike = g.cast(signed, other.dtype)
    pair = (alike, other) if signed is x else (other, alike)
    below = (-1, 0) if signed is x else (0, -1)
    known = g.const(_COMPARISONS[name](*below), bool, x.shape)
    return g.map("select", negative, known, g.map(name, *pair, dtype=bool), dtype=bool)


@lowers("where")
def _where(result: Lowered, e: Equation, ins: Sequence[Any]) -> Node:
    g, out = result.graph, e.outputs[0]
    condition, x, y = [
        g.broadcast(g.cast(v, t) if isinstance(v, Node) else g.const(v, t), out.shape)
        for v, t in zip(ins, (np.bool_, out.dtype, out.dtype), strict=True)
    ]
    return g.map("select", condition, x, y, dtype=out.dtype)


@lowers("astype")
def _astype(result: Lowered, e: Equation, ins: Sequence[Any]) -> Node | None:
    return result.graph.cast(ins[0], e.outputs[0].dtype) if isinstance(ins[0], Node) else None


# ------------------------------------------------------------------ made of several operations


def _pow(g: Graph, x: Node, y: Node) -> Node | None:
    exponent = value_of(y)
    if exponent is not None:
        return power(g, x, exponent)
    return g.map("pow", x, y) if x.dtype.kind == "f" else None


def _is_short(exponent: Any) -> bool:
    """Whether a constant exponent is one for which the products are written out."""
    return exponent is not None and bool(0 <= exponent <= 64)


def _integer_power(result: Lowered, x: Node, y: Node) -> Node:
    """Negative exponents are errors, as in NumPy."""
    g = result.graph
    if y.dtype.kind == "i" and y.size:
        negative = g.map("less", y, g.const(0, y.dtype, y.shape), dtype=bool)
        check = g.reduce("or", negative, range(len(y.shape)))
        result.checks.append((check, NEGATIVE_POWER))
    return g.map("integer_power", x, y)


def power(g: Graph, x: Node, exponent: Any) -> Node | None:
    """``x`` to a constant power; integers to non-negative ones only."""
    whole = float(exponent).is_integer()
    if whole and 0 <= exponent <= (4 if x.dtype.kind == "f" else 64):
        return _product_power(g, x, int(exponent))
    if x.dtype.kind != "f":
        return None
    one = g.const(1, x.dtype, x.shape)
    if exponent in (-1, -2):
        # The square of the reciprocal, and not the reverse: a square overflows where its reciprocal
        # is still a subnormal number.
        return _product_power(g, g.map("div", one, x), -int(exponent))
    if exponent == 0.5:
        return g.map("sqrt", x)  # as NumPy: it differs at -inf and -0
    return g.map("pow", x, g.const(exponent, x.dtype, x.shape))


def _product_power(g: Graph, x: Node, exponent: int) -> Node:
    """By squaring."""
    result: Node | None = None
    while exponent:
        if exponent & 1:
            result = x if result is None else g.map("mul", result, x)
        exponent >>= 1
        if exponent:
            x = g.map("mul", x, x)
    return g.const(1, x.dtype, x.shape) if result is None else result


def _share_of_larger(g: Graph, x: Node, y: Node) -> Node:
    dtype = x.dtype if x.dtype.kind == "f" else np.dtype(np.float64)
    one, half, zero = (g.const(c, dtype, x.shape) for c in (1, 0.5, 0))
    tie = g.map("select", g.map("equal", x, y, dtype=bool), half, zero, dtype=dtype)
    return g.map("select", g.map("greater", x, y, dtype=bool), one, tie, dtype=dtype)


def _share_ignoring_nan(g: Graph, x: Node, y: Node) -> Node:
    share = _share_of_larger(g, x, y)
    if y.dtype.kind != "f":
        return share
    one = g.const(1, share.dtype, share.shape)
    return g.map("select", g.map("isnan", y, dtype=bool), one, share, dtype=share.dtype)


def _heaviside(g: Graph, x: Node, y: Node) -> Node:
    zero, one = (g.const(c, x.dtype, x.shape) for c in (0, 1))
    y = g.map("select", g.map("less", x, zero, dtype=bool), zero, y, dtype=x.dtype)
    y = g.map("select", g.map("greater", x, zero, dtype=bool), one, y, dtype=x.dtype)
    return g.map("select", g.map("isnan", x, dtype=bool), x, y, dtype=x.dtype)


def _logaddexp(g: Graph, x: Node, y: Node, base: int = 0) -> Node:
    # Of equal infinities the difference is NaN; NumPy takes 0 for it.
    top, low = g.map("maximum", x, y), g.map("minimum", x, y)
    zero = g.const(0, x.dtype, x.shape)
    equal = g.map("equal", x, y, dtype=bool)
    distance = g.map("select", equal, zero, g.map("sub", low, top), dtype=x.dtype)
    if base == 2:
        small = g.map("log1p", g.map("exp2", distance))
        small = g.map("mul", small, g.const(1 / np.log(2), x.dtype, x.shape))
    else:
        small = g.map("log1p", g.map("exp", distance))
    return g.map("add", top, small)


def _exponential_share(g: Graph, x: Node, y: Node, z: Node, base: int = 0) -> Node:
    """``exp(x - z)``, and what `rules.at_infinity` makes of it where both are infinite."""
    zero, half = (g.const(c, x.dtype, x.shape) for c in (0, 0.5))
    top, tie = (g.map("equal", x, v, dtype=bool) for v in (z, y))
    distance = g.map("select", top, zero, g.map("sub", x, z), dtype=x.dtype)
    share = g.map("exp2" if base == 2 else "exp", distance)
    return g.map("select", tie, half, share, dtype=x.dtype)


def _hypot_slope(g: Graph, x: Node, y: Node, z: Node) -> Node:
    # Both slopes share the reciprocal.
    inverse = select(Real(g, z).equals(0.0), 0.0, 1.0 / Real(g, z))
    alone = Real(g, x).has("isinf") & Real(g, y).has("isfinite")
    return select(alone, Real(g, x).of("sign"), Real(g, x) * inverse).node


def _normal_density(x: Real) -> Real:
    return (-0.5 * x * x).of("exp") / math.sqrt(2 * math.pi)


def _angle_slope(g: Graph, u: Node, v: Node) -> Node:
    a, b = Real(g, u), Real(g, v)
    origin = a.equals(0.0) & b.equals(0.0)
    inverse = select(origin, 0.0, 1.0 / (a * a + b * b))
    return g.map("strong", inverse.node, u)


def _sign(g: Graph, x: Node) -> Node | None:
    if x.dtype.kind == "b":
        return None
    if x.dtype.kind == "f":
        return g.map("sign", x)
    zero = g.const(0, x.dtype, x.shape)
    above, below = (g.cast(g.map(t, x, zero, dtype=bool), x.dtype) for t in ("greater", "less"))
    return g.map("sub", above, below)


def _floor_divide(g: Graph, x: Node, y: Node) -> Node:
    """NumPy's: the whole number that the remainder, which has the divisor's sign, belongs to."""
    if x.dtype.kind in "iu":
        return g.map("floor_divide", x, y)

    def const(value: float) -> Node:
        return g.const(value, x.dtype, x.shape)

    def test(name: str, a: Node, b: Node) -> Node:
        return g.map(name, a, b, dtype=bool)

    def select(condition: Node, a: Node, b: Node) -> Node:
        return g.map("select", condition, a, b, dtype=x.dtype)

    quotient = g.map("div", x, y)
    rest = g.map("fmod", x, y)
    whole = g.map("div", g.map("sub", x, rest), y)
    opposite = g.map("xor", test("less", y, const(0)), test("less", rest, const(0)))
    moved = g.map("and", opposite, test("not_equal", rest, const(0)))
    whole = select(moved, g.map("sub", whole, const(1)), whole)
    floor = g.map("floor", whole)
    far = test("greater", g.map("sub", whole, floor), const(0.5))
    floor = select(far, g.map("add", floor, const(1)), floor)
    signed_zero = g.map("copysign", const(0), quotient)
    floor = select(test("equal", whole, const(0)), signed_zero, floor)
    return select(test("equal", y, const(0)), quotient, floor)


def _spacing(g: Graph, x: Node) -> Node:
    away = g.map("copysign", g.const(np.inf, x.dtype, x.shape), x)
    return g.map("sub", g.map("nextafter", x, away), x)


def _modf_fraction(g: Graph, x: Node) -> Node:
    rest = g.map("sub", x, g.map("trunc", x))
    infinite = g.map("isinf", x, dtype=bool)
    rest = g.map("select", infinite, g.const(0, x.dtype, x.shape), rest, dtype=x.dtype)
    return g.map("copysign", rest, x)


def _integer_like(x: Node) -> Any:
    return np.dtype(f"i{x.dtype.itemsize}")


def _ldexp(g: Graph, x: Node, n: Node) -> Node | None:
    if n.dtype.kind not in "iu":
        return None
    if n.dtype.itemsize > 1:  # beyond that, every result is 0 or infinite
        bounds = (5000, -5000 if n.dtype.kind == "i" else 0)
        high, low = (g.const(b, n.dtype, n.shape) for b in bounds)
        n = g.map("maximum", g.map("minimum", n, high), low)
    return g.map("ldexp", x, g.cast(n, _integer_like(x)))


def _times_log(g: Graph, x: Node, y: Node, log: str) -> Node:
    """0 where ``x`` is, unless ``y`` is NaN."""
    zero = g.const(0, x.dtype, x.shape)
    number = g.map("equal", y, y, dtype=bool)
    vanishes = g.map("and", g.map("equal", x, zero, dtype=bool), number)
    return g.map("select", vanishes, zero, g.map("mul", x, g.map(log, y)), dtype=x.dtype)


def _gamma_powers(g: Graph, p: Node, x: Node, c: Node) -> Node:
    """``x^p exp(-x - c)``, which vanishes at infinity."""
    exponent = g.map("sub", g.map("sub", _times_log(g, p, x, "log"), x), c)
    zero, infinity = (g.const(v, x.dtype, x.shape) for v in (0, np.inf))
    far = g.map("equal", x, infinity, dtype=bool)
    return g.map("select", far, zero, g.map("exp", exponent), dtype=x.dtype)


def _beta_powers(g: Graph, p: Node, q: Node, x: Node, c: Node) -> Node:
    """``x^p (1-x)^q exp(-c)``."""
    rest = _times_log(g, q, g.map("neg", x), "log1p")
    return g.map("exp", g.map("sub", g.map("add", _times_log(g, p, x, "log"), rest), c))


def _log_expit(g: Graph, x: Node) -> Node:
    """``-log(1 + exp(-x))`` with an exponential that does not overflow."""
    rest = g.map("log1p", g.map("exp", g.map("neg", g.map("abs", x))))
    return g.map("sub", g.map("minimum", x, g.const(0, x.dtype, x.shape)), rest)


def _scaled(factor: float) -> Callable[[Graph, Node], Node]:
    return lambda g, x: g.map("mul", x, g.const(factor, x.dtype, x.shape))


def _relu(g: Graph, x: Node) -> Node:
    return g.map("maximum", x, g.const(0, x.dtype, x.shape))


COMPOSITES: dict[str, Callable[..., Node | None]] = {
    "pow": _pow,
    "square": lambda g, x: g.map("mul", x, x),
    "sign": lambda g, x: _sign(g, x),
    "logaddexp2": lambda g, x, y: _logaddexp(g, x, y, 2),
    "floor_divide": lambda g, x, y: _floor_divide(g, x, y),
    "spacing": lambda g, x: _spacing(g, x),
    "modf_fraction": lambda g, x: _modf_fraction(g, x),
    "reciprocal": lambda g, x: (
        g.map("div", g.const(1, x.dtype, x.shape), x) if x.dtype.kind == "f" else None
    ),
    "positive": lambda g, x: x,
    "relu": _relu,
    "ldexp": lambda g, x, n: _ldexp(g, x, n),
    "frexp_exponent": lambda g, x: g.map("exponent", x, dtype=_integer_like(x)),
    "xlogy": lambda g, x, y: _times_log(g, x, y, "log"),
    "xlog1py": lambda g, x, y: _times_log(g, x, y, "log1p"),
    "log_expit": lambda g, x: _log_expit(g, x),
    "gamma_powers": _gamma_powers,
    "beta_powers": _beta_powers,
    "stop_gradient": lambda g, x: x,
    "product_of_changes": lambda g, a, b: g.map("changes" if a.dtype.kind == "f" else "mul", a, b),
    "selected_product": lambda g, c, p: (
        g.map("strong", p, c) if c.dtype.kind == "f" else g.map("mul", c, p)
    ),
    "share_of_larger": _share_of_larger,
    "share_ignoring_nan": _share_ignoring_nan,
    "heaviside": _heaviside,
    "logaddexp": _logaddexp,
    "exponential_share": _exponential_share,
    "exponential_share2": lambda g, x, y, z: _exponential_share(g, x, y, z, 2),
    "hypot_slope": _hypot_slope,
    "angle_slope": _angle_slope,
    "arctan_slope": lambda g, x: (1.0 / (1.0 + Real(g, x) * Real(g, x))).node,
    "arcsinh_slope": lambda g, x: (1.0 / (Real(g, x) * Real(g, x) + 1.0).of("sqrt")).node,
    "gaussian": lambda g, x: (-Real(g, x) * Real(g, x)).of("exp").node,
    "normal_density": lambda g, x: _normal_density(Real(g, x)).node,
    "clip": lambda g, x, low, high: g.map("minimum", g.map("maximum", x, low), high),
    "deg2rad": _scaled(np.pi / 180),
    "radians": _scaled(np.pi / 180),
    "rad2deg": _scaled(180 / np.pi),
    "degrees": _scaled(180 / np.pi),
}
"""Pointwise primitives that are made of several scalar operations."""
