"""Pointwise operations whose derivatives have limits at infinity that plain formulas miss.

The derivative of ``1 / (1 + x * x)`` is infinity over infinity at infinite ``x``, and ``exp(x -
z)`` of logaddexp is NaN where both are infinite. Such a partial is declared as a `slope`: an
operation of its own, whose derivative has the limit, and whose evaluation may have one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.algebra import strong_product
from ..core.bind import bind
from ..core.finite import finite
from ..core.quiet import quiet
from ..core.tensor import Tensor
from .pointwise import pointwise
from .symbols import Symbol

__all__ = ["SLOPES", "arctan_slope", "power_slope", "power_slope_in_exponent", "slope"]

Rule = Callable[..., Any]

SLOPES: set[str] = set()
"""The names of the slopes: unlike other operations, they get operands of one precision."""


def slope(
    name: str,
    formula: Rule,
    *partials: Rule | None,
    evaluate: Rule | None = None,
    show: str | None = None,
) -> Rule:
    """Declare a function that partials call, and return it.

    Of symbols and complex numbers it is the formula, so that generated code and listings are made
    of that; of Tensors an operation with the partials given.

    Parameters
    ----------
    name : str
    formula : callable
    *partials : callable or None
        As for `pointwise`.
    evaluate : callable, optional
        The formula with its limits; without it, the formula has them.
    show : str, optional
        As for `pointwise`; the text of the formula by default.
    """
    evaluate = evaluate or formula
    if show is None:
        show = formula(*[Symbol(f"{{{i}}}") for i in range(len(partials))]).text
    p = pointwise(name, evaluate, *partials, show=show)
    SLOPES.add(name)

    def apply(*args: Any) -> Any:
        for x in args:
            if type(x) is Symbol or getattr(getattr(x, "dtype", None), "kind", "f") == "c":
                return formula(*args)
        if any(isinstance(x, Tensor) for x in args):
            return bind(p, args, {})
        return evaluate(*args)

    return apply


# ------------------------------------------------------------------ powers


def _product(c: Any, p: Any) -> Any:
    """``c * p``, where a zero ``c`` vanishes faster than an infinite ``p`` grows."""
    if type(c) is Symbol or (isinstance(p, (int, float, complex)) and abs(p) < math.inf):
        return p * c
    return strong_product(c, p)


def power_slope(x: Any, y: Any) -> Any:
    """The derivative of ``x ** y`` in x.

    The added ``(y == 0)`` makes it zero, and not 0 * inf, where the exponent is 0. Where the power
    is 0, an exponent may be infinite.
    """
    return _product(x ** (y - 1 + (y == 0)), y)


def power_slope_in_exponent(z: Any, x: Any) -> Any:
    """The derivative of ``z = x ** y`` in y: zero where the base is 0, and where the power is."""
    return _product(z, np.log(x + (x == 0)))


pointwise(
    "pow",
    np.power,
    lambda z, x, y: power_slope(x, y),
    lambda z, x, y: power_slope_in_exponent(z, x),
    show="{0} ** {1}",
)
pointwise(
    "float_power",
    np.float_power,
    lambda z, x, y: _product(np.float_power(x, y - 1 + (y == 0)), y),
    lambda z, x, y: power_slope_in_exponent(z, x),
)

# ------------------------------------------------------------------ inverse functions

# Not -2 x s^2, whose square underflows where the product does not. Where s is 0, x may be infinite.
arctan_slope = slope(
    "arctan_slope", lambda x: 1 / (1 + x * x), lambda s, x: strong_product(s, -2 * s * x)
)
pointwise("arctan", np.arctan, lambda y, x: arctan_slope(x))

arcsinh_slope = slope(
    "arcsinh_slope",
    lambda x: 1 / np.sqrt(x * x + 1),
    lambda s, x: strong_product(s, -s * (s * x)),
)
pointwise("arcsinh", np.arcsinh, lambda y, x: arcsinh_slope(x))


def _angle_slope(u: Any, v: Any) -> Any:
    with quiet():
        square = u * u + v * v
        s = u / square
        if finite(s):
            return s
        nothing = ((u == 0) & (v == 0)) | (square == np.inf)
        return np.where(nothing, s.dtype.type(0), s)[()]


# The angle has no limit at the origin: the mean over all directions of its gradient is 0. At
# infinity, which the square reaches first, the gradient vanishes.
angle_slope: Rule = slope(
    "angle_slope",
    lambda u, v: u / (u * u + v * v),
    lambda s, u, v: _difference_of_squares(angle_slope(v, u), s),
    lambda s, u, v: -2 * s * angle_slope(v, u),
    evaluate=_angle_slope,
)


def _difference_of_squares(a: Any, b: Any) -> Any:
    return (a - b) * (a + b)


pointwise(
    "arctan2",
    np.arctan2,
    lambda z, x, y: angle_slope(y, x),
    lambda z, x, y: -angle_slope(x, y),
)

# ------------------------------------------------------------------ the hypotenuse


def _hypot_slope(x: Any, y: Any, z: Any) -> Any:
    with quiet():
        s = x / z
        if finite(s):
            return s
        s = np.where(z == 0, z.dtype.type(0), s)
        return np.where(np.isinf(x) & np.isfinite(y), np.sign(x).astype(s.dtype), s)[()]


def _inverse(z: Any) -> Any:
    return (z != 0) / (z + (z == 0))


# The norm has gradient 0 at 0, and so have its derivatives. At (inf, y) it grows with x alone;
# where both are infinite there is no limit.
hypot_slope = slope(
    "hypot_slope",
    lambda x, y, z: x * _inverse(z),
    lambda s, x, y, z: _inverse(z),
    None,
    lambda s, x, y, z: -s * _inverse(z),
    evaluate=_hypot_slope,
    show="{0} * (({2} != 0) / ({2} + ({2} == 0)))",
)
pointwise(
    "hypot",
    np.hypot,
    lambda z, x, y: hypot_slope(x, y, z),
    lambda z, x, y: hypot_slope(y, x, z),
)

# ------------------------------------------------------------------ sums of exponentials


def _share(name: str, exponential: Any, log: float) -> Rule:
    """The share of x in the sum of exponentials of x and y, whose logarithm is z.

    Infinities share as numbers that tie, or differ by much, do.
    """

    def evaluate(x: Any, y: Any, z: Any) -> Any:
        with quiet():
            share = exponential(x - z)
            if finite(share):
                return share
            one = share.dtype.type(1)
            return np.where(x == y, one / 2, np.where(x == z, one, share))[()]

    return slope(
        name,
        lambda x, y, z: exponential(x - z),
        lambda s, x, y, z: log * s if log != 1 else s,
        None,
        lambda s, x, y, z: -log * s if log != 1 else -s,
        evaluate=evaluate,
    )


exponential_share = _share("exponential_share", np.exp, 1)
exponential_share2 = _share("exponential_share2", np.exp2, math.log(2))
pointwise(
    "logaddexp",
    np.logaddexp,
    lambda z, x, y: exponential_share(x, y, z),
    lambda z, x, y: exponential_share(y, x, z),
)
pointwise(
    "logaddexp2",
    np.logaddexp2,
    lambda z, x, y: exponential_share2(x, y, z),
    lambda z, x, y: exponential_share2(y, x, z),
)
