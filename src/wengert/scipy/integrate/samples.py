"""Integrals of sampled functions."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.integrate

from ...core.errors import ShapeError, WengertValueError
from ...numpy.arguments import axis_of, cast, floating, operand
from ..mirror import mirrors

__all__ = ["cumulative_trapezoid", "simpson", "trapezoid"]


def _samples(name: str, y: Any, x: Any, axis: int) -> tuple[Any, Any, int]:
    """Values and points with the axis last."""
    y = floating(operand(y))
    if not y.ndim:
        raise ShapeError(f"{name}: y is one number; expected samples along an axis")
    axis = axis_of(axis, y.ndim)
    y = np.moveaxis(y, axis, -1)
    if x is None:
        return y, None, axis
    x = floating(operand(x))
    x = np.moveaxis(x, axis, -1) if x.ndim > 1 else x
    if x.ndim not in (1, y.ndim) or x.shape[-1] != y.shape[-1]:
        raise ShapeError(
            f"{name}: x has {x.shape[-1] if x.ndim else 'no'} points, y {y.shape[-1]} values along "
            "the axis; x must be a vector of that length, or have the shape of y"
        )
    return y, x, axis


@mirrors(scipy.integrate.trapezoid, "scipy.integrate.trapezoid")
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """`scipy.integrate.trapezoid`: differentiable in the values, the points and the distance."""
    y, x, _ = _samples("scipy.integrate.trapezoid", y, x, axis)
    h = dx if x is None else np.diff(x)
    return np.sum(h * (y[..., 1:] + y[..., :-1]) / 2.0, -1)


@mirrors(scipy.integrate.cumulative_trapezoid, "scipy.integrate.cumulative_trapezoid")
def cumulative_trapezoid(
    y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1, initial: Any = None
) -> Any:
    """`scipy.integrate.cumulative_trapezoid`: the integral up to each point.

    ``initial`` is None, or 0 to begin with a zero.
    """
    name = "scipy.integrate.cumulative_trapezoid"
    y, x, axis = _samples(name, y, x, axis)
    h = dx if x is None else np.diff(x)
    total = np.cumsum(h * (y[..., 1:] + y[..., :-1]) / 2.0, -1)
    if initial is not None:
        if np.ndim(initial) or initial != 0:
            raise WengertValueError(f"{name}: initial={initial!r}; it must be None or 0")
        total = np.concatenate([0.0 * y[..., :1], total], -1)
    return np.moveaxis(total, -1, axis)


@mirrors(scipy.integrate.simpson, "scipy.integrate.simpson")
def simpson(y: Any, x: Any = None, *, dx: Any = 1.0, axis: int = -1) -> Any:
    """`scipy.integrate.simpson`: parabolas through the samples.

    With an even number of samples the last interval is integrated with the parabola through the
    last three (K. V. Cartwright, J. Math. Sci. Math. Educ. 11 (2016)), as SciPy does.
    """
    name = "scipy.integrate.simpson"
    y, x, _ = _samples(name, y, x, axis)
    n = y.shape[-1]
    h = dx * np.ones(n - 1) if x is None else np.diff(x)
    if n < 2:
        return np.sum(0.0 * y, -1)
    if n == 2:
        return 0.5 * h[..., 0] * (y[..., 0] + y[..., 1])
    h = h if x is None else cast(h, np.float64)  # as SciPy's, whatever the dtype of y
    last = n if n % 2 else n - 1
    h0, h1 = h[..., 0 : last - 1 : 2], h[..., 1 : last - 1 : 2]
    y0, y1, y2 = y[..., 0 : last - 2 : 2], y[..., 1 : last - 1 : 2], y[..., 2:last:2]
    both = h0 + h1
    parts = both / 6.0 * (y0 * (2 - h1 / h0) + y1 * both * both / (h0 * h1) + y2 * (2 - h0 / h1))
    total = np.sum(parts, -1)
    if n % 2:
        return total
    b, a = h[..., -1], h[..., -2]
    alpha = (2 * b**2 + 3 * a * b) / (6 * (b + a))
    beta = (b**2 + 3 * a * b) / (6 * a)
    eta = b**3 / (6 * a * (a + b))
    return total + alpha * y[..., -1] + beta * y[..., -2] - eta * y[..., -3]
