"""Values in registers, the counters of loops, and what reductions start from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..indices import Linear
from .scalars import SCALAR_OPERATIONS
from .vectors import Vectors, type_name

__all__ = ["LANE", "Counter", "Value", "combine", "identity_of", "letter", "without_lane"]


@dataclass(frozen=True)
class Counter:
    """The counter of an open loop, as a variable of linear forms."""

    name: str
    depth: int


LANE = Counter("lane", 0)
"""The number of the lane; its step tells how a value varies along a vector."""


@dataclass(frozen=True)
class Value:
    """A value in registers: a scalar, or a vector if it varies along the lanes."""

    name: str
    dtype: Any
    depth: int
    is_vector: bool = False
    constant: Any = None


def without_lane(at: Linear) -> tuple[Any, ...]:
    """The terms of a linear form but for the lane's."""
    return tuple([term for term in at.terms if term[0] is not LANE])


def letter(dtype: Any) -> str:
    """A dtype as LLVM's intrinsics name it."""
    return f"f{8 * dtype.itemsize}" if dtype.kind == "f" else f"i{8 * dtype.itemsize}"


def identity_of(kind: str, dtype: Any) -> Any:
    """The neutral element of a reduction."""
    if kind in ("sum", "or"):
        return 0
    if kind in ("prod", "and"):
        return 1
    if kind in ("fmax", "fmin") and dtype.kind == "f":
        return np.nan
    if dtype.kind == "b":
        return kind in ("min", "fmin")
    lowest, highest = (
        (-np.inf, np.inf) if dtype.kind == "f" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    )
    return lowest if kind in ("max", "fmax") else highest


_COMBINE = {
    "sum": "add", "prod": "mul", "max": "maximum", "min": "minimum", "fmax": "fmax",
    "fmin": "fmin", "or": "or", "and": "and",
}  # fmt: skip


def combine(v: Vectors, kind: str, a: str, b: str, dtype: Any) -> str:
    """One step of a reduction."""
    return SCALAR_OPERATIONS[_COMBINE[kind]][1](v, [a, b], dtype, dtype)


def joined(v: Vectors, kind: str, name: str, dtype: Any) -> str:
    """The lanes of a vector reduced to one value: halves with halves."""
    width = v.width
    while width > 1:
        t, half = type_name(dtype, width), width // 2
        parts = []
        for start in (0, half):
            lanes = ", ".join(f"i32 {start + k}" for k in range(half))
            parts.append(v.emit(f"shufflevector {t} {name}, {t} poison, <{half} x i32> <{lanes}>"))
        width = half
        if half == 1:
            t = f"<1 x {type_name(dtype)}>"
            parts = [v.emit(f"extractelement {t} {p}, i32 0") for p in parts]
        name = combine(Vectors(v.writer, v.depth, half), kind, parts[0], parts[1], dtype)
    return name
