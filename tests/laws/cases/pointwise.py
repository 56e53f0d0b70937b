"""All pointwise primitives, where they are smooth; kinks have fixed tests in `tests/rules`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..case import Case

Array = Any
PAIR = [(2, 3), (3,)]


def _unary(rows: dict[str, str], complex: bool) -> list[Case]:
    return [
        Case(name, getattr(np, name), [(2, 3)], domain=domain, complex=complex)
        for name, domain in rows.items()
    ]


def _within(low: float, high: float, *shapes: tuple[int, ...]) -> Callable[..., tuple[Array, ...]]:
    def draw(rng: np.random.Generator) -> tuple[Array, ...]:
        return tuple(rng.uniform(low, high, shape) for shape in shapes)

    return draw


def _remainders(rng: np.random.Generator) -> tuple[Array, ...]:
    """Quotients away from integers, of all signs."""
    y = rng.uniform(0.5, 2.0, (3,)) * rng.choice([-1.0, 1.0], (3,))
    quotient = rng.integers(-4, 4, (2, 3)) + rng.uniform(0.2, 0.8, (2, 3))
    return quotient * y, y


def _constant(name: str, f: Any, *args: Any, domain: Any = "distinct", primitive: str = "") -> Case:
    """A step: its derivative is zero, so the argument also enters in another way."""
    return Case(name, f, list(args), domain=domain, primitives=(primitive or name,))


def plain_results(x: Array, y: Array) -> Array:
    """Comparisons and tests: constants to the derivatives, and abstract while recording."""
    masks = [
        x == y, x != y, x < y, x <= y, x > y, x >= y,
        np.logical_and(x, y), np.logical_or(x > 0, y > 0), np.logical_xor(x > 0, y > 0),
        np.logical_not(x > 0), np.isnan(x), np.isinf(x), np.isfinite(x), np.signbit(x),
    ]  # fmt: skip
    total = x * 0.0
    for k, mask in enumerate(masks):
        total = total + np.where(mask, x * y, 1.0) * (k + 1)
    return total


def integer_results(x: Array, i: Array, j: Array) -> Array:
    total = x * 0.0
    i = i + np.floor(np.abs(x) * 10.0).astype(int)
    results = [
        np.bitwise_and(i, j), i | j, i ^ j, ~i, i << 2, i >> 1, np.bitwise_count(i), np.gcd(i, j),
        np.lcm(i, j), i % j, i // j,
    ]  # fmt: skip
    for r in results:
        total = total + x * r
    return total


CASES = [
    # arithmetic
    Case("add", lambda x, y: x + y, PAIR, complex=True, primitives=("add",)),
    Case("add_itself", lambda x: x + x, [(3,)], primitives=("add",)),
    Case("sub", lambda x, y: x - y, PAIR, complex=True, primitives=("sub",)),
    Case("sub_reflected", lambda x: 1.5 - x, [(2, 3)], primitives=("sub",)),
    Case("mul", lambda x, y: x * y, PAIR, complex=True, primitives=("mul",)),
    Case("mul_itself", lambda x: x * x, [()], complex=True, primitives=("mul",)),
    Case("mul_empty", lambda x, y: x * y, [(0, 3), (3,)], primitives=("mul",)),
    Case("mul_outer", lambda x, y: x * y, [(2, 1), (1, 3)], primitives=("mul",)),
    Case("div", lambda x, y: x / y, PAIR, domain="nonzero", complex=True, primitives=("div",)),
    Case("div_reflected", lambda x: 2.0 / x, [()], domain="nonzero", primitives=("div",)),
    Case("neg", lambda x: -x, [(2, 3)], complex=True, primitives=("neg",)),
    Case("positive", lambda x: +x, [(2, 3)], complex=True, primitives=("positive",)),
    Case("pow", lambda x, y: x**y, PAIR, domain="positive", complex=True, primitives=("pow",)),
    Case("pow_integer", lambda x: x**3 + x**-2, [(2, 3)], domain="nonzero", complex=True),
    Case("pow_two", lambda x: x**2, [(3,)], primitives=("square",)),
    Case("pow_base", lambda y: 2.0**y, [(2, 3)], primitives=("pow",)),
    Case(
        "float_power",
        lambda x, y: np.float_power(x, y),
        PAIR,
        domain="positive",
        primitives=("float_power",),
    ),
    Case("ldexp", lambda x: np.ldexp(x, np.array([1, -2, 3])), [(2, 3)], primitives=("ldexp",)),
    Case("mod", lambda x, y: x % y, domain=_remainders, primitives=("mod",)),
    Case("fmod", lambda x, y: np.fmod(x, y), domain=_remainders, primitives=("fmod",)),
    Case(
        "floor_divide",
        lambda x, y: (x // y) * x * y,
        domain=_remainders,
        primitives=("floor_divide",),
    ),
    Case("divmod", lambda x, y: np.divmod(x, y), domain=_remainders),
    Case("divmod_operator", lambda x, y: divmod(x, y)[1] * 2.0, domain=_remainders),
    *_unary(
        {
            "square": "any",
            "sqrt": "positive",
            "reciprocal": "nonzero",
            "exp": "any",
            "exp2": "any",
            "expm1": "any",
            "log": "above_one",
            "log2": "above_one",
            "log10": "above_one",
            "log1p": "positive",
            "sin": "any",
            "cos": "any",
            "tan": "unit",
            "arcsin": "unit",
            "arccos": "unit",
            "arctan": "unit",
            "sinh": "any",
            "cosh": "any",
            "tanh": "any",
            "arcsinh": "unit",
            "arccosh": "above_one",
            "arctanh": "unit",
        },
        complex=True,
    ),
    *_unary(
        {
            "cbrt": "nonzero",
            "deg2rad": "any",
            "rad2deg": "any",
            "radians": "any",
            "degrees": "any",
            "fabs": "distinct",
        },
        complex=False,
    ),
    Case("cbrt_of_negative", lambda x: np.cbrt(-x), [(2,)], domain="positive"),
    Case("exp_0d", np.exp, [()]),
    Case("tanh_empty", np.tanh, [(0,)]),
    Case("logaddexp", np.logaddexp, PAIR),
    Case("logaddexp2", np.logaddexp2, PAIR),
    Case("arctan2", np.arctan2, PAIR, domain="positive"),
    Case("arctan2_left", lambda x, y: np.arctan2(x, -y), PAIR, domain="nonzero"),
    Case("hypot", np.hypot, PAIR, domain="nonzero"),
    # kinks, away from them
    Case("abs", abs, [(2, 3)], domain="distinct", primitives=("abs",)),
    Case("maximum", np.maximum, PAIR, domain="distinct", primitives=("maximum", "share_of_larger")),
    Case("minimum", np.minimum, PAIR, domain="distinct", primitives=("minimum",)),
    Case("fmax", np.fmax, PAIR, domain="distinct", primitives=("fmax", "share_ignoring_nan")),
    Case("fmin", np.fmin, PAIR, domain="distinct", primitives=("fmin",)),
    Case("maximum_number", lambda x: np.maximum(x, 0.0), [(2, 3)], domain="distinct"),
    Case("copysign", np.copysign, PAIR, domain="distinct"),
    # steps
    _constant("sign", lambda x: np.sign(x) * x, (2, 3)),
    _constant("floor", lambda x: np.floor(x) * x, (2, 3)),
    _constant("ceil", lambda x: np.ceil(x) * x, (2, 3)),
    _constant("trunc", lambda x: np.trunc(x) * x, (2, 3)),
    _constant("rint", lambda x: np.rint(x) * x, (2, 3), domain=_within(0.6, 1.4, (2, 3))),
    _constant("spacing", lambda x: np.spacing(x) + x, (2, 3), domain=_within(1.1, 1.9, (2, 3))),
    _constant("heaviside", lambda x, y: np.heaviside(x, 0.5) * y, (2, 3), (3,)),
    _constant("nextafter", lambda x: np.nextafter(x, 9.0), (2, 3)),
    _constant("modf_fraction", lambda x: np.modf(x)[0] * x + np.modf(x)[1], (2, 3)),
    Case("round", lambda x: np.round(x * 10.0) * x, domain=_within(0.11, 0.14, (2, 3))),
    Case("round_decimals", lambda x: np.round(x, 1) * x, domain=_within(0.96, 1.04, (2, 3))),
    Case("round_tens", lambda x: np.round(x * 10.0, -1) * x, domain=_within(0.6, 1.4, (2, 3))),
    Case("fix", lambda x: np.fix(x) * x, [(2, 3)], domain="distinct"),
    Case(
        "frexp",
        lambda x: np.frexp(x)[0] * np.frexp(x)[1],
        domain=_within(1.1, 1.9, (2, 3)),
        primitives=("frexp_exponent", "ldexp"),
    ),
    # plain results
    Case(
        "comparisons",
        plain_results,
        [(2, 3), (3,)],
        domain="distinct",
        primitives=(
            "equal",
            "not_equal",
            "less",
            "less_equal",
            "greater",
            "greater_equal",
            "logical_and",
            "logical_or",
            "logical_xor",
            "logical_not",
            "isnan",
            "isinf",
            "isfinite",
            "signbit",
        ),
    ),
    Case(
        "integers",
        integer_results,
        [(3,), np.array([6, 5, 12]), np.array([4, 3, 9])],
        domain="distinct",
        batch_integers=True,
        primitives=(
            "bitwise_and",
            "bitwise_or",
            "bitwise_xor",
            "invert",
            "left_shift",
            "right_shift",
            "bitwise_count",
            "gcd",
            "lcm",
        ),
    ),
    # composites and special functions
    Case("sinc", np.sinc, [(2, 3)], complex=True, primitives=("sinc",)),
    Case("sinc_near_zero", np.sinc, domain=_within(-1e-3, 1e-3, (4,))),
    Case("sinc_far", np.sinc, domain=_within(2.0, 9.0, (4,))),
    Case("i0", np.i0, [(2, 3)], domain="nonzero", primitives=("bessel_i",)),
    Case("i0_0d", np.i0, [()], domain="nonzero"),
    Case(
        "unwrap",
        np.unwrap,
        domain=lambda rng: (np.cumsum(rng.uniform(2.0, 3.0, (2, 5)), -1) * 2.2,),
    ),
    Case(
        "unwrap_period",
        lambda x: np.unwrap(x, axis=0, period=2.0),
        domain=_within(0.0, 0.9, (3, 2)),
    ),
]
