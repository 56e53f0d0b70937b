"""Vector norms, with derivative 0 at 0.

A primitive, and not a root of a sum of squares, because that has the derivative ``0 * inf`` there.
For ``y = (sum |x|^p)^(1/p)``: ``dy = sum (|x| / y)^(p-1) d|x|``; quotients first, so that powers
neither overflow nor vanish.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.bind import bind
from ..core.primitive import Primitive
from .complex import conjugate, real_p
from .reductions import kept_shape, reduce_shape, reduction_batch, sum_
from .shapes import reshape

__all__ = ["vector_norm", "vector_norm_p"]


def _evaluate(x: Any, axis: tuple[int, ...], ord: float) -> Any:
    if ord != 2:
        s = np.add.reduce(np.abs(x) ** ord, axis)
        return s ** s.dtype.type(1 / ord)
    if x.dtype.kind == "c":
        return np.sqrt(np.add.reduce(x.real * x.real + x.imag * x.imag, axis))
    if len(axis) == x.ndim:
        x = x.reshape(-1)
        return np.sqrt(np.dot(x, x))
    return np.sqrt(np.add.reduce(x * x, axis))


def _shape(x: Any, axis: tuple[int, ...], ord: float) -> tuple[tuple[int, ...], Any]:
    return reduce_shape(x, axis)[0], np.empty((), x.dtype).real.dtype


def _jvp(ts: Any, ins: Any, out: Any, axis: tuple[int, ...], ord: float) -> Any:
    x, t = ins[0], ts[0]
    y = reshape(out, kept_shape(x.shape, axis))
    direction = x * ((y != 0) / (y + (y == 0)))
    if ord != 2:
        size = np.abs(direction)
        # Where x is 0, so is its sign; a negative power must not make that NaN.
        direction = (size + (size == 0)) ** (ord - 1) * np.sign(direction)
    z = sum_(conjugate(direction) * t, axis)
    return bind(real_p, (z,), {}, False) if z.dtype.kind == "c" else z


def _text(x: str, axis: tuple[int, ...], ord: float) -> str:
    if len(axis) == 1:
        return f"np.linalg.norm({x}, {'' if ord == 2 else f'{ord}, '}axis={axis[0]})"
    return f"np.linalg.vector_norm({x}, axis={axis}{'' if ord == 2 else f', ord={ord}'})"


vector_norm_p = Primitive(
    "vector_norm", _evaluate, _shape, None, jvp=_jvp, show=_text, lower="vector_norm"
)
vector_norm_p.batch = reduction_batch(vector_norm_p)


def vector_norm(x: Any, axis: tuple[int, ...], ord: float = 2) -> Any:
    """The ``ord``-norm over ``axis``, for a finite ``ord`` other than 0."""
    return bind(vector_norm_p, (x,), {"axis": axis, "ord": ord})
