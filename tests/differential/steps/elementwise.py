"""Elementwise operations, and those on complex numbers that live inside of a step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.differential.steps.table import (
    GAP,
    Family,
    Parameters,
    array,
    broadcastable,
    is_square,
    one_axis,
    only_if,
    vector,
    when,
)

elementwise = Family("elementwise")

_UNARY: dict[str, Callable[[np.ndarray], Any]] = {
    "negative": lambda x: True,
    "exp": lambda x: x < 3,
    "exp2": lambda x: x < 4,
    "expm1": lambda x: x < 3,
    "log": lambda x: x > 0.2,
    "log2": lambda x: x > 0.2,
    "log10": lambda x: x > 0.2,
    "log1p": lambda x: x > -0.8,
    "sqrt": lambda x: x > 0.2,
    "square": lambda x: abs(x) < 5,
    "reciprocal": lambda x: abs(x) > 0.3,
    "sin": lambda x: True,
    "cos": lambda x: True,
    "tan": lambda x: abs(np.cos(x)) > 0.3,
    "arcsin": lambda x: abs(x) < 0.9,
    "arccos": lambda x: abs(x) < 0.9,
    "arctan": lambda x: True,
    "sinh": lambda x: abs(x) < 3,
    "cosh": lambda x: abs(x) < 3,
    "tanh": lambda x: True,
    "arcsinh": lambda x: True,
    "arccosh": lambda x: x > 1.2,
    "arctanh": lambda x: abs(x) < 0.9,
    "absolute": lambda x: abs(x) > GAP,
    "sinc": lambda x: abs(x) > 0.1,
    "deg2rad": lambda x: True,
}

_BINARY: dict[str, Callable[[np.ndarray, np.ndarray], Any]] = {
    "add": lambda x, y: True,
    "subtract": lambda x, y: True,
    "multiply": lambda x, y: True,
    "true_divide": lambda x, y: abs(y) > 0.3,
    "power": lambda x, y: (x > 0.3) & (abs(y) < 3),
    "maximum": lambda x, y: abs(x - y) > GAP,
    "minimum": lambda x, y: abs(x - y) > GAP,
    "fmax": lambda x, y: abs(x - y) > GAP,
    "arctan2": lambda x, y: (x**2 + y**2 > 0.1) & ((abs(x) > GAP) | (y > 0)),
    "logaddexp": lambda x, y: True,
    "logaddexp2": lambda x, y: True,
    "hypot": lambda x, y: x**2 + y**2 > 0.1,
}

for _name, _domain in _UNARY.items():
    elementwise.add(_name, 1, lambda xp, x, _name=_name: getattr(xp, _name)(x), when(_domain))
for _name, _pair_domain in _BINARY.items():
    elementwise.add(
        _name,
        2,
        lambda xp, x, y, _name=_name: getattr(xp, _name)(x, y),
        when(lambda x, y, domain=_pair_domain: broadcastable(x, y) and np.all(domain(x, y))),
    )


@elementwise.step("operators", 2, when(lambda x, y: broadcastable(x, y) and np.all(abs(y) > 0.3)))
def _operators(xp: Any, x: Any, y: Any) -> Any:
    return (2.0 * x - y) / (1.5 * y) + x * 0.5 - (-x) ** 2 / 8.0


def _clip_bounds(rng: np.random.Generator, x: np.ndarray) -> Parameters | None:
    low, high = sorted(rng.uniform(-2, 2, 2).tolist())
    far = np.minimum(abs(x - low), abs(x - high)) > GAP
    return {"low": low, "high": high} if high - low > 0.1 and far.all() else None


@elementwise.step("clip", 1, _clip_bounds)
def _clip(xp: Any, x: Any, low: float, high: float) -> Any:
    return xp.clip(x, low, high)


@elementwise.step("where", 2, when(lambda x, y: broadcastable(x, y) and np.all(abs(x) > GAP)))
def _where(xp: Any, x: Any, y: Any) -> Any:
    return xp.where(x > 0, x, y)


@elementwise.step("where_safe_log", 1, when(lambda x: abs(x) > GAP))
def _where_safe_log(xp: Any, x: Any) -> Any:
    """The double where, which every library gets right."""
    positive = xp.where(x > 0.2, x, 1.0)
    return xp.where(x > 0.2, xp.log(positive), x)


# ------------------------------------------------------------------ rarer ones

rarer = Family("elementwise")

_RARER: dict[str, Callable[[np.ndarray], Any]] = {
    "cbrt": lambda x: abs(x) > 0.2,
    "fabs": lambda x: abs(x) > GAP,
    "positive": lambda x: True,
    "rad2deg": lambda x: abs(x) < 0.4,
    "floor": lambda x: abs(x - np.round(x)) > GAP,
    "ceil": lambda x: abs(x - np.round(x)) > GAP,
    "trunc": lambda x: abs(x - np.round(x)) > GAP,
    "rint": lambda x: abs(x - np.floor(x) - 0.5) > GAP,
    "sign": lambda x: abs(x) > GAP,
}
for _name, _domain in _RARER.items():
    rarer.add(_name, 1, lambda xp, x, _name=_name: x * getattr(xp, _name)(x), when(_domain))


def _off_grid(x: np.ndarray, y: np.ndarray) -> Any:
    quotient = x / y
    return abs(quotient - np.round(quotient)) > GAP


_RARER_BINARY: dict[str, Callable[[np.ndarray, np.ndarray], Any]] = {
    "fmin": lambda x, y: abs(x - y) > GAP,
    "float_power": lambda x, y: (x > 0.3) & (abs(y) < 3),
    "fmod": lambda x, y: (abs(y) > 0.3) & _off_grid(x, np.where(y, y, 1)),
    "remainder": lambda x, y: (abs(y) > 0.3) & _off_grid(x, np.where(y, y, 1)),
    "copysign": lambda x, y: (abs(x) > GAP) & (abs(y) > GAP),
}
for _name, _pair_domain in _RARER_BINARY.items():
    rarer.add(
        _name,
        2,
        lambda xp, x, y, _name=_name: getattr(xp, _name)(x, y),
        when(lambda x, y, domain=_pair_domain: broadcastable(x, y) and np.all(domain(x, y))),
    )


@rarer.step("heaviside", 1, when(lambda x: abs(x) > GAP))
def _heaviside(xp: Any, x: Any) -> Any:
    return x * xp.heaviside(x, xp.constant(np.array(0.5)))


@rarer.step("integer_power", 1, when(lambda x: abs(x) < 2.5))
def _integer_power(xp: Any, x: Any) -> Any:
    return x**3 - x**2


@rarer.step("constant_base", 1, when(lambda x: abs(x) < 3))
def _constant_base(xp: Any, x: Any) -> Any:
    return 1.5**x


@rarer.step("select", 2, when(lambda x, y: x.shape == y.shape and np.all(abs(abs(x) - 0.5) > GAP)))
def _select(xp: Any, x: Any, y: Any) -> Any:
    return xp.select([x < -0.5, x < 0.5], [x * y, xp.sin(y)], 0.7)


@rarer.step("masked_division", 2, when(lambda x, y: x.shape == y.shape and np.all(abs(y) > 0.3)))
def _masked_division(xp: Any, x: Any, y: Any) -> Any:
    """The branch that is not taken divides by zero; the divisor is made safe beforehand."""
    safe = xp.where(y > 0, y, 1.0)
    return xp.where(y > 0, x / safe, x)


@rarer.step("branch_of_python", 1, array)
def _branch_of_python(xp: Any, x: Any) -> Any:
    """Python's own loop, which runs over rows."""
    total = 0.0
    for row in range(x.shape[0]):
        total = xp.tanh(x[row] + 0.5 * total)
    return total


# ------------------------------------------------------------------ complex numbers inside

complex_numbers = Family("complex")

_COMPLEX: dict[str, tuple[Any, Any]] = {
    "complex_exp": (lambda xp, x, y: xp.real(xp.exp(x + 1j * y)), lambda x, y: abs(x) < 3),
    "complex_product": (
        lambda xp, x, y: xp.imag((x + 1j * y) * (y - 2j * x)),
        lambda x, y: abs(x) + abs(y) < 5,
    ),
    "complex_quotient": (
        lambda xp, x, y: xp.real((x - 1j) / (y + 2j + x * 1j)),
        lambda x, y: abs(x + 2) + abs(y) > 0.5,
    ),
    "complex_modulus": (
        lambda xp, x, y: xp.abs(x + 1j * y),
        lambda x, y: abs(x) + abs(y) > 0.3,
    ),
    "complex_angle": (
        lambda xp, x, y: xp.angle((x * x + 1.0) + 1j * y),
        lambda x, y: abs(x) < 5,
    ),
    "complex_sqrt": (
        lambda xp, x, y: xp.imag(xp.sqrt(x * x + 0.5 + 1j * y)),
        lambda x, y: abs(x) + abs(y) < 5,
    ),
    "complex_log": (lambda xp, x, y: xp.real(xp.log(x * x + 0.5 + 1j * y)), lambda x, y: True),
    "complex_sin": (
        lambda xp, x, y: xp.real(xp.sin(x + 1j * y) * xp.conj(x + 1j * y)),
        lambda x, y: abs(y) < 2,
    ),
    "complex_power": (
        lambda xp, x, y: xp.real((x * x + 0.5 + 1j * y) ** 2.5),
        lambda x, y: abs(x) + abs(y) < 3,
    ),
    "complex_reciprocal": (
        lambda xp, x, y: xp.imag(xp.reciprocal(x + 1j * (y * y + 0.5))),
        lambda x, y: True,
    ),
    "complex_where": (
        lambda xp, x, y: xp.abs(xp.where(x > 0, x + 2j * y, y - 1j * x + 0.5j)),
        lambda x, y: (abs(x) > 0.1) & (abs(x) < 5) & (abs(x - 0.5) > 0.1),
    ),
    "complex_cosh": (
        lambda xp, x, y: xp.abs(xp.cosh(0.5 * x + 0.2j * y) + 2.0),
        lambda x, y: (abs(x) < 4) & (abs(y) < 5),
    ),
    "complex_arctan": (
        lambda xp, x, y: xp.imag(xp.arctan(0.3 * xp.sin(x) + 0.3j * xp.sin(y))),
        lambda x, y: True,
    ),
    "complex_tanh": (
        lambda xp, x, y: xp.imag(xp.tanh(x + 0.3j * y)),
        lambda x, y: abs(y) < 2,
    ),
}


def _complex_operands(domain: Any) -> Any:
    return when(lambda x, y: x.ndim > 0 and broadcastable(x, y) and np.all(domain(x, y)))


for _name, (_apply, _domain) in _COMPLEX.items():
    complex_numbers.add(_name, 2, _apply, _complex_operands(_domain))


@complex_numbers.step("complex_matmul", 1, when(is_square))
def _complex_matmul(xp: Any, x: Any) -> Any:
    z = xp.sin(x) + 1j * xp.cos(x)
    return xp.real(xp.matmul(z, xp.conj(z)))


@complex_numbers.step("complex_einsum", 1, when(is_square))
def _complex_einsum(xp: Any, x: Any) -> Any:
    z = xp.sin(x) - 0.5j * x
    return 0.2 * xp.imag(xp.einsum("...ij,...kj->...ik", z, xp.conj(z) * z))


@complex_numbers.step("complex_sum", 1, only_if(one_axis, lambda x, axis: abs(x) < 5))
def _complex_sum(xp: Any, x: Any, axis: int) -> Any:
    z = xp.exp(1j * x)
    return xp.abs(2.0 + xp.mean(z, axis=axis))


@complex_numbers.step("complex_cumprod", 1, vector)
def _complex_cumprod(xp: Any, x: Any) -> Any:
    return xp.imag(xp.cumprod(1.0 + 0.5j * xp.sin(x), axis=0))


@complex_numbers.step("complex_write", 1, vector)
def _complex_write(xp: Any, x: Any) -> Any:
    z = xp.write(x + 0.5j, slice(1, None), 1j * x[:-1], "multiply")
    return xp.real(z) + xp.abs(z + 8j)
