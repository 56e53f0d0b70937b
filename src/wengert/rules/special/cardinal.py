"""Special functions that NumPy has: sinc and the modified Bessel function i0.

Each is one primitive for the function and all its derivatives, numbered by a parameter, so that any
order of derivative is exact, also where the closed forms of the derivatives cancel.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.special

from ...core.bind import bind
from ...core.primitive import Primitive
from ..batching import shape_of
from ..shapes import parameters_with_batch

__all__ = ["bessel_i", "sinc"]


# ------------------------------------------------------------------ sinc


def _sinc_derivative(y: Any, n: int) -> Any:
    """The n-th derivative of ``sin(y) / y`` in ``y``.

    For large ``y`` by the recurrence that differentiating ``y s = sin y`` n times gives,
    ``y s_n = sin(y + n pi/2) - n s_(n-1)``. It amplifies rounding by n!/y^n, so for ``|y| <= n +
    1`` the power series is used: ``s_n = sum_m cos((m + n) pi/2) y^m / (m! (m + n + 1))``.
    """
    far = np.where(np.abs(y) <= n + 1, n + 2.0, y)
    large = np.sin(far) / far
    for k in range(1, n + 1):
        phase = (np.sin, np.cos, lambda v: -np.sin(v), lambda v: -np.cos(v))[k % 4]
        large = (phase(far) - k * large) / far
    near = np.where(np.abs(y) <= n + 1, y, 0.0)
    small = np.zeros_like(near)
    power = np.ones_like(near)
    for m in range(3 * n + 24):
        sign = (1.0, 0.0, -1.0, 0.0)[(m + n) % 4]
        if sign:
            small += sign * power / (m + n + 1)
        power = power * near / (m + 1)
    return np.where(np.abs(y) <= n + 1, small, large)


def _sinc(x: Any, order: int) -> Any:
    if order == 0:
        return np.sinc(x)
    wide = np.asarray(x, np.result_type(x, np.float64))
    value = np.pi**order * _sinc_derivative(np.pi * wide, order)
    return value.astype(x.dtype)[()]


def _float_shape(x: Any, order: int) -> tuple[tuple[int, ...], Any]:
    dtype = x.dtype if hasattr(x, "dtype") else np.asarray(x).dtype
    return shape_of(x), dtype if dtype.kind in "fc" else np.dtype(np.float64)


def _sinc_text(x: str, order: int) -> str:
    if order == 0:
        return f"np.sinc({x})"
    return f"sinc_derivative({x}, {order})"


sinc_p: Primitive = parameters_with_batch(
    Primitive(
        "sinc",
        _sinc,
        _float_shape,
        None,
        jvp=lambda ts, ins, out, order: ts[0] * bind(sinc_p, ins, {"order": order + 1}),
        show=_sinc_text,
    ),
    lambda size, order: {"order": order},
)


def sinc(x: Any) -> Any:
    """``sin(pi x) / (pi x)``; 1 at 0, where every derivative is exact too."""
    return bind(sinc_p, (x,), {"order": 0})


# ------------------------------------------------------------------ modified Bessel functions


_OVERFLOWS = 1e9


def _bessel_i(x: Any, order: int) -> Any:
    if order == 0:
        return np.i0(x)
    tiny, whole = np.abs(x) < 1e-100, np.abs(x) > _OVERFLOWS
    y = scipy.special.iv(order, np.where(tiny | whole, 0, x))  # SciPy's is NaN at some of these
    y = np.where(tiny, (0.5 * x) ** order / math.factorial(order), y)
    return np.where(whole, np.where(x < 0, (-1) ** order, 1) * np.inf, y).astype(x.dtype)


def _bessel_jvp(ts: Any, ins: Any, out: Any, order: int) -> Any:
    # I_n' = (I_(n-1) + I_(n+1)) / 2 and I_0' = I_1 (DLMF 10.29.1)
    above = bind(bessel_i_p, ins, {"order": order + 1})
    if order == 0:
        return ts[0] * above
    return ts[0] * (0.5 * (bind(bessel_i_p, ins, {"order": order - 1}) + above))


bessel_i_p: Primitive = parameters_with_batch(
    Primitive(
        "bessel_i",
        _bessel_i,
        _float_shape,
        None,
        jvp=_bessel_jvp,
        show=lambda x, order: f"scipy.special.iv({order}, {x})" if order else f"np.i0({x})",
        array0d=True,
    ),
    lambda size, order: {"order": order},
)


def bessel_i(x: Any) -> Any:
    """The modified Bessel function of the first kind, order 0."""
    return bind(bessel_i_p, (x,), {"order": 0})
