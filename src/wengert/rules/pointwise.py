"""Pointwise operations: each is one row, its partial derivatives plain mathematics.

A partial is a function of the output ``y`` (``z`` for two operands) and the inputs. The generated
fast paths (`fast.py`) and the listing are made from these very functions, traced once on symbols.
Where a comment names a convention, it is that of ``docs/concepts/conventions.md``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special

from ..core import algebra
from ..core.abstract import Aval, Var
from ..core.bind import bind
from ..core.primitive import Primitive
from ..core.quiet import quiet, restore, silence
from .batching import align

__all__ = ["POINTWISE", "UFUNCS", "pointwise"]

POINTWISE: dict[str, Primitive] = {}
"""The pointwise primitives by name."""

UFUNCS: dict[Any, Primitive] = {}
"""The primitive of each NumPy ufunc that is one."""

_dtypes: dict[Any, Any] = {}


_PYTHON_TYPES = {"i": int, "f": float, "c": complex}


def _dtype_key(x: Any) -> Any:
    if type(x) is Var and x.weak:
        return _PYTHON_TYPES.get(x.dtype.kind, x.dtype)
    return x.dtype if isinstance(x, (Aval, np.ndarray, np.generic)) else type(x)


def _resolve(evaluate: Any, ins: tuple[Any, ...]) -> Any:
    key = (evaluate, *map(_dtype_key, ins))
    dtype = _dtypes.get(key)
    if dtype is None:
        if isinstance(evaluate, np.ufunc):
            # Python's int, float and complex are weak here; its bool is not known by that name.
            wanted = tuple(np.dtype(bool) if k is bool else k for k in key[1:])
            dtype = evaluate.resolve_dtypes((*wanted, *(None,) * evaluate.nout))[-1]
        else:
            ones = [np.ones((), k) if isinstance(k, np.dtype) else k(1) for k in key[1:]]
            with np.errstate(all="ignore"):
                dtype = np.asarray(evaluate(*ones)).dtype
        _dtypes[key] = dtype
    return dtype


def broadcast_shape(*ins: Any) -> tuple[int, ...]:
    """The common shape of operands."""
    shapes = [x.shape for x in ins if isinstance(x, (Aval, np.ndarray, np.generic))]
    return np.broadcast_shapes(*shapes)


def pointwise_shape(evaluate: Any) -> Callable[..., Any]:
    """The shape rule of a pointwise operation: broadcasting, and the dtype that NumPy gives."""

    def shape(*ins: Any) -> tuple[tuple[int, ...], Any]:
        return broadcast_shape(*ins), _resolve(evaluate, ins)

    return shape


def pointwise_batch(primitive: Primitive) -> Callable[..., Any]:
    """The batching rule of a pointwise operation: align the operands behind the batch axis."""

    def batch(args: tuple[Any, ...], batched: tuple[bool, ...], size: int) -> Any:
        rank = max(
            (np.ndim(x) if not hasattr(x, "ndim") else x.ndim) - b
            for x, b in zip(args, batched, strict=True)
        )
        return bind(
            primitive, tuple([align(x, b, rank) for x, b in zip(args, batched, strict=True)]), {}
        )

    return batch


def pointwise(
    name: str,
    evaluate: Any,
    *partials: Callable[..., Any] | int | None,
    show: str | None = None,
    plain: bool = False,
    real: bool = False,
    selects: bool = False,
) -> Primitive:
    """Declare a pointwise primitive.

    Parameters
    ----------
    name : str
    evaluate : ufunc or callable
    *partials : callable, 1, -1 or None
        ``(y, *x) -> partial`` for each operand.
    show : str, optional
        Format string over the operands; ``np.NAME(...)`` by default.
    plain : bool
        Comparisons and their kind: eager calls return plain arrays.
    real : bool
        The partials hold for real arguments only; complex ones have a rule of their own.
    selects : bool
        The partials tell which operand is the result: where one is zero, nothing of that operand is
        seen, be its tangent infinite.
    """
    if selects:
        for partial in partials:
            if partial is not None:
                partial.selects = True  # type: ignore[union-attr]
    arity = evaluate.nin if isinstance(evaluate, np.ufunc) else len(partials)
    if show is None:
        operands = ", ".join(f"{{{i}}}" for i in range(arity))
        show = f"np.{name}({operands})"
    p = Primitive(
        name,
        evaluate,
        pointwise_shape(evaluate),
        None,
        partials=tuple(partials) if partials else None,
        show=show,
        plain=plain,
        lower="pointwise",
    )
    p.batch = pointwise_batch(p)
    POINTWISE[name] = p
    if isinstance(evaluate, np.ufunc):
        UFUNCS[evaluate] = p
    if real:
        REAL_ONLY.add(name)
    return p


REAL_ONLY: set[str] = set()
"""Primitives whose complex case is another primitive; the face chooses (`rules.complex`)."""


# ------------------------------------------------------------------ products that zero annihilates


def _strong_product(c: Any, p: Any) -> Any:
    with quiet():
        y = c * p
        if np.isfinite(y).all():
            return y
        return np.where(c == 0, y.dtype.type(0), y)[()]


def _strong(c: Any, p: Any) -> Any:
    return bind(strong_product_p, (c, p), {})


def _product_of_changes(a: Any, b: Any) -> Any:
    with quiet():
        y = a * b
        if np.isfinite(y).all():
            return y
        return np.where((a == 0) | (b == 0), y.dtype.type(0), y)[()]


def _of_changes(a: Any, b: Any) -> Any:
    return bind(product_of_changes_p, (a, b), {})


# The product of a tangent and a cotangent, each of which annihilates the other where it is zero:
# the tangent of a branch that is not taken may be infinite, and the cotangent is zero there.
product_of_changes_p = Primitive(
    "product_of_changes",
    _product_of_changes,
    pointwise_shape(np.multiply),
    None,
    multilinear=(0, 1),
    transpose=(
        lambda ct, ins, out: algebra.unbroadcast(_of_changes(ct, ins[1]), ins[0].shape),
        lambda ct, ins, out: algebra.unbroadcast(_of_changes(ins[0], ct), ins[1].shape),
    ),
    show="{0} * {1}",
    lower="pointwise",
    needs_out=False,
)
product_of_changes_p.batch = pointwise_batch(product_of_changes_p)


# d sz(c, p) = sz(dc, p) + sz(c, dp): where c is zero, no change of an infinite p is seen
# (design.md, "Strong zero").
strong_product_p = Primitive(
    "strong_product",
    _strong_product,
    pointwise_shape(np.multiply),
    None,
    multilinear=(0, 1),
    transpose=(
        lambda ct, ins, out: algebra.unbroadcast(_strong(ct, ins[1]), ins[0].shape),
        lambda ct, ins, out: algebra.unbroadcast(_of_changes(ins[0], ct), ins[1].shape),
    ),
    show="strong_product({0}, {1})",
    lower="pointwise",
    needs_out=False,
)
strong_product_p.batch = pointwise_batch(strong_product_p)


# The same with the parts exchanged: where the partial ``p`` is zero, the operand is not what was
# selected, and nothing of its tangent ``c`` is seen. (Shares have no derivative of their own.)
selected_product_p: Primitive = Primitive(
    "selected_product",
    lambda c, p: _strong_product(p, c),
    pointwise_shape(np.multiply),
    None,
    linear=(0,),
    transpose=(
        lambda ct, ins, out: algebra.unbroadcast(
            bind(selected_product_p, (ct, ins[1]), {}), ins[0].shape
        ),
        None,
    ),
    show="{0} * {1}",
    lower="pointwise",
)
selected_product_p.batch = pointwise_batch(selected_product_p)


# ------------------------------------------------------------------ shares at ties (no derivative)


def _share_of_larger(x: Any, y: Any) -> Any:
    share = np.add(np.greater(x, y), 0.5 * np.equal(x, y))
    return share.astype(
        np.result_type(x, y, np.float32 if _is_half_or_single(x, y) else np.float64)
    )


def _is_half_or_single(x: Any, y: Any) -> bool:
    return np.result_type(x, y) in (np.float16, np.float32)


def _share_ignoring_nan(x: Any, y: Any) -> Any:
    share = _share_of_larger(x, y)
    return np.where(np.isnan(y), share.dtype.type(1), share)[()]


share_of_larger = pointwise("share_of_larger", _share_of_larger, None, None)
share_ignoring_nan = pointwise("share_ignoring_nan", _share_ignoring_nan, None, None)


def _larger(x: Any, y: Any) -> Any:
    return bind(share_of_larger, (x, y), {})


def _larger_or_number(x: Any, y: Any) -> Any:
    return bind(share_ignoring_nan, (x, y), {})


# ------------------------------------------------------------------ arithmetic

pointwise("add", np.add, 1, 1, show="{0} + {1}")
pointwise("sub", np.subtract, 1, -1, show="{0} - {1}")
pointwise("mul", np.multiply, lambda z, x, y: y, lambda z, x, y: x, show="{0} * {1}")
pointwise("div", np.true_divide, lambda z, x, y: 1 / y, lambda z, x, y: -z / y, show="{0} / {1}")
pointwise("neg", np.negative, -1, show="-{0}")
pointwise("positive", np.positive, 1, show="+{0}")
pointwise("square", np.square, lambda y, x: 2 * x)
pointwise("sqrt", np.sqrt, lambda y, x: 0.5 / y)
pointwise("cbrt", np.cbrt, lambda y, x: 1 / (3 * y * y))
pointwise("reciprocal", np.reciprocal, lambda y, x: -y * y)
pointwise("mod", np.remainder, 1, lambda z, x, y: -np.floor(x / y), show="{0} % {1}")
pointwise("fmod", np.fmod, 1, lambda z, x, y: -np.trunc(x / y))
pointwise("floor_divide", np.floor_divide, None, None, show="{0} // {1}")
pointwise("ldexp", np.ldexp, lambda z, x, e: np.exp2(e + 0.0), None)

# ------------------------------------------------------------------ exponentials and logarithms

_LN2, _LN10 = math.log(2), math.log(10)
pointwise("exp", np.exp, lambda y, x: y)
pointwise("exp2", np.exp2, lambda y, x: _LN2 * y)
# Not y + 1, which has no digits left where exp(x) is below 1e-16.
pointwise("expm1", np.expm1, lambda y, x: np.exp(x))
pointwise("log", np.log, lambda y, x: 1 / x)
pointwise("log2", np.log2, lambda y, x: 1 / (_LN2 * x))
pointwise("log10", np.log10, lambda y, x: 1 / (_LN10 * x))
pointwise("log1p", np.log1p, lambda y, x: 1 / (1 + x))

# ------------------------------------------------------------------ trigonometric and hyperbolic

pointwise("sin", np.sin, lambda y, x: np.cos(x))
pointwise("cos", np.cos, lambda y, x: -np.sin(x))
pointwise("tan", np.tan, lambda y, x: 1 + y * y)
pointwise("arcsin", np.arcsin, lambda y, x: 1 / np.sqrt(1 - x * x))
pointwise("arccos", np.arccos, lambda y, x: -1 / np.sqrt(1 - x * x))
pointwise("sinh", np.sinh, lambda y, x: np.cosh(x))
pointwise("cosh", np.cosh, lambda y, x: np.sinh(x))
pointwise("tanh", np.tanh, lambda y, x: 1 - y * y)
# Two quotients: the derivative of a product of the roots would be NaN at 1.
pointwise("arccosh", np.arccosh, lambda y, x: 1 / np.sqrt(x - 1) / np.sqrt(x + 1))
pointwise("arctanh", np.arctanh, lambda y, x: 1 / (1 - x * x))
_DEGREE = math.pi / 180
_SQRT_2_PI = math.sqrt(2 * math.pi)
pointwise("deg2rad", np.deg2rad, lambda y, x: _DEGREE)
pointwise("rad2deg", np.rad2deg, lambda y, x: 1 / _DEGREE)
pointwise("radians", np.radians, lambda y, x: _DEGREE)
pointwise("degrees", np.degrees, lambda y, x: 1 / _DEGREE)


# Global names: looking them up in NumPy's module is slow (docs/design/core.md).
ndarray, _negative, _exp, _reciprocal = np.ndarray, np.negative, np.exp, np.reciprocal


def _sigmoid(x: Any) -> Any:
    # exp(-x) may overflow to infinity, whose reciprocal is the right 0; no other form is as fast.
    before = silence()
    try:
        y = _negative(x)
        if type(y) is not ndarray or y.dtype.kind != "f":
            return 1 / (1 + _exp(y))
        _exp(y, out=y)
        y += 1
        return _reciprocal(y, out=y)
    finally:
        restore(before)


# Fused because networks use it in every layer: composed, it takes four passes forward and six
# backward, and its derivative overflows where its value has underflowed
# (benchmarks/workloads/moons.py).
pointwise("sigmoid", _sigmoid, lambda y, x: y * (1 - y), show="1 / (1 + np.exp(-{0}))")
UFUNCS[scipy.special.expit] = POINTWISE["sigmoid"]

# The quantiles of the standard normal distribution; the derivative is one over its density.
pointwise(
    "ndtri",
    scipy.special.ndtri,
    lambda y, x: _SQRT_2_PI * np.exp(y * y / 2),
    show="scipy.special.ndtri({0})",
)

# ------------------------------------------------------------------ kinks: ties split, sign(0) = 0

# Fused because `np.where(x > 0, x, 0)` takes several times as long: NumPy's `where` branches for
# each element, and random signs are mispredicted.
pointwise(
    "relu",
    lambda x: np.maximum(x, 0),
    lambda y, x: y > 0,
    show="np.maximum({0}, 0)",
    selects=True,
)

pointwise("abs", np.absolute, lambda y, x: np.sign(x), real=True)
pointwise("fabs", np.fabs, lambda y, x: np.sign(x))
pointwise(
    "maximum",
    np.maximum,
    lambda z, x, y: _larger(x, y),
    lambda z, x, y: _larger(y, x),
    selects=True,
)
pointwise(
    "minimum",
    np.minimum,
    lambda z, x, y: _larger(y, x),
    lambda z, x, y: _larger(x, y),
    selects=True,
)
pointwise(
    "fmax",
    np.fmax,
    lambda z, x, y: _larger_or_number(x, y),
    lambda z, x, y: _larger_or_number(y, x),
    selects=True,
)
pointwise(
    "fmin",
    np.fmin,
    lambda z, x, y: _larger_or_number(-x, -y),
    lambda z, x, y: _larger_or_number(-y, -x),
    selects=True,
)
pointwise("copysign", np.copysign, lambda z, x, y: np.copysign(1.0, x) * np.copysign(1.0, y), None)

# Passes the gradient at its bounds; outside, to the bound that is the result. With low > high that
# is high.
pointwise(
    "clip",
    np._core.umath.clip,  # type: ignore[attr-defined]
    lambda y, x, low, high: np.logical_and(np.less_equal(low, x), np.less_equal(x, high)),
    lambda y, x, low, high: np.logical_and(np.less(x, low), np.less_equal(low, high)),
    lambda y, x, low, high: np.logical_or(np.greater(x, high), np.greater(low, high)),
    selects=True,
)

# ------------------------------------------------------------------ steps: the derivative is zero

for _name in ("sign", "floor", "ceil", "trunc", "rint", "spacing"):
    pointwise(_name, getattr(np, _name), None, real=_name == "sign")
# In its second argument it is the identity where the first is 0.
pointwise("heaviside", np.heaviside, None, lambda y, x, h: np.equal(x, 0), selects=True)
pointwise("nextafter", np.nextafter, 1, None)
# The parts of np.modf and np.frexp; the faces put the tuples together.
pointwise("modf_fraction", lambda x: np.modf(x)[0], 1, show="np.modf({0})[0]")
pointwise("frexp_exponent", lambda x: np.frexp(x)[1], None, show="np.frexp({0})[1]", plain=True)

# ------------------------------------------------------------------ plain results

for _name in (
    "equal", "not_equal", "less", "less_equal", "greater", "greater_equal",
    "logical_and", "logical_or", "logical_xor", "logical_not",
    "isnan", "isinf", "isfinite", "signbit",
    "bitwise_and", "bitwise_or", "bitwise_xor", "invert", "left_shift", "right_shift",
    "bitwise_count", "gcd", "lcm",
):  # fmt: skip
    pointwise(_name, getattr(np, _name), plain=True)
