"""What a law is, for which cases it holds, and what the laws share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import wengert as wg
from wengert.core import pytree

from .case import Case

__all__ = [
    "LAWS",
    "Array",
    "Condition",
    "Law",
    "Subject",
    "applicable",
    "assert_same",
    "copies",
    "if_batched",
    "if_recorded",
    "inexact",
    "is_double",
    "law",
    "leaves",
    "like",
    "pairing",
    "to_order",
    "value_of",
]

Law = Callable[[Case, Any], None]
Array = Any

LAWS: dict[str, Law] = {}
"""Every law by name: ``law(case, dtype)``."""

_CONDITIONS: dict[str, Callable[[Case, np.dtype[Any]], bool]] = {}


def law(condition: Callable[[Case, np.dtype[Any]], bool] = lambda case, dtype: True) -> Any:
    """Register a law, and for which cases and dtypes it holds."""

    def register(function: Law) -> Law:
        LAWS[function.__name__] = function
        _CONDITIONS[function.__name__] = condition
        return function

    return register


def applicable(name: str, case: Case, dtype: Any) -> bool:
    """Whether a case is under a law in a dtype."""
    dtype = np.dtype(dtype)
    if dtype.kind == "c" and not case.complex:
        return False
    if dtype.itemsize == (4 if dtype.kind == "f" else 8) and not case.float32:
        return False
    return _CONDITIONS[name](case, dtype)


# ------------------------------------------------------------------ what the laws share


def is_double(dtype: Any) -> bool:
    """Whether numbers of this dtype have double precision."""
    return bool(np.finfo(dtype).bits == 64)


def leaves(tree: Any) -> list[Any]:
    """The arrays of a result."""
    return pytree.leaves(tree)


def inexact(x: Any) -> bool:
    """Whether an array (or Tensor) can be differentiated."""
    return (x.dtype if hasattr(x, "dtype") else np.asarray(x).dtype).kind in "fc"


def value_of(x: Any) -> Array:
    """A plain array of what a result holds."""
    return np.asarray(x.array if isinstance(x, wg.Tensor) else x)


def copies(args: Any) -> tuple[Array, ...]:
    """Fresh arrays with the same values."""
    return tuple(np.array(a) for a in args)


def like(rng: np.random.Generator, x: Any) -> Array:
    """Random numbers of the shape and dtype of ``x``, about one in size."""
    shape, dtype = np.shape(x), np.asarray(x).dtype
    values = rng.uniform(0.5, 1.5, shape) * rng.choice([-1.0, 1.0], shape)
    if dtype.kind == "c":
        values = values + 1j * rng.uniform(-1.0, 1.0, shape)
    return np.asarray(values, dtype)


def pairing(xs: Any, ys: Any) -> float:
    """``Re sum(x * y)`` over all arrays: the pairing of cotangents with tangents."""
    return float(sum(np.sum(np.multiply(x, y)).real for x, y in zip(xs, ys, strict=True)))


def assert_same(
    found: Any, expected: Any, what: str, tolerance: float = 64.0, dtype: Any = np.float64
) -> None:
    """Arrays with equal shapes, equal dtypes and values equal up to rounding.

    `dtype` is that of the arguments: a result can be no more precise.
    """
    found, expected = leaves(found), leaves(expected)
    assert len(found) == len(expected), f"{what}: {len(found)} results, expected {len(expected)}"
    for k, (x, y) in enumerate(zip(found, expected, strict=True)):
        x, y = value_of(x), value_of(y)
        assert x.shape == y.shape, f"{what}[{k}]: shape {x.shape}, expected {y.shape}"
        assert x.dtype == y.dtype, f"{what}[{k}]: dtype {x.dtype}, expected {y.dtype}"
        if y.dtype.kind not in "fc":
            np.testing.assert_array_equal(x, y, err_msg=f"{what}[{k}]")
            continue
        finite = np.abs(y[np.isfinite(y)])
        eps = float(max(np.finfo(y.dtype).eps, np.finfo(dtype).eps))
        atol = tolerance * eps * float(finite.max(initial=eps))
        np.testing.assert_allclose(x, y, rtol=tolerance * eps, atol=atol, err_msg=f"{what}[{k}]")


class Subject:
    """A case at a point: its function of the differentiable arguments alone."""

    def __init__(self, case: Case, dtype: Any, rng: np.random.Generator | None = None) -> None:
        self.case = case
        self.dtype = np.dtype(dtype)
        self.rng = case.rng() if rng is None else rng
        self.all_args = case.draw(self.rng, dtype)
        self.places = [i for i, a in enumerate(self.all_args) if inexact(a)]
        self.args = tuple(self.all_args[i] for i in self.places)

    def merged(self, xs: Any) -> list[Any]:
        """All arguments, with ``xs`` in the differentiable places."""
        full = [a if inexact(a) else a.copy() for a in self.all_args]
        for i, x in zip(self.places, xs, strict=True):
            full[i] = x
        return full

    def f(self, *xs: Any) -> tuple[Any, ...]:
        """The inexact results for given differentiable arguments."""
        return tuple(y for y in leaves(self.case.f(*self.merged(xs))) if inexact(y))

    def call(self, *xs: Any) -> list[Any]:
        """All results."""
        return leaves(self.case.f(*self.merged(xs)))

    def value(self) -> list[Any]:
        """All results by NumPy alone."""
        function = self.case.plain or self.case.f
        return leaves(function(*self.merged(copies(self.args))))

    def primal(self) -> tuple[Any, ...]:
        """The inexact results by NumPy alone."""
        return tuple(y for y in self.value() if inexact(y))


# Single precision is there for dtypes; laws that are about values and memory leave it out.

Condition = Callable[[Case, np.dtype[Any]], bool]


def to_order(least: int, dtypes: str = "f8 f4 c16 c8") -> Condition:
    return lambda case, dtype: case.order >= least and dtype in map(np.dtype, dtypes.split())


def if_recorded(least: int = 0, dtypes: str = "f8 f4 c16 c8") -> Condition:
    return lambda case, dtype: case.record and to_order(least, dtypes)(case, dtype)


def if_batched(least: int = 0, dtypes: str = "f8 f4 c16 c8") -> Condition:
    return lambda case, dtype: case.batch and if_recorded(least, dtypes)(case, dtype)
