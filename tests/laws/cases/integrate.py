"""Integrals of samples, and with fixed points."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.integrate

from wengert.scipy import integrate

from ..case import Case

Array = Any


def samples(n: int, *rest: int) -> Any:
    """Values, and increasing points."""
    return lambda rng: (rng.normal(size=(*rest, n)), np.cumsum(rng.uniform(0.4, 1.0, n)))


def gauss(m: Any, a: Array, b: Array, w: Array) -> Array:
    return m.fixed_quad(lambda x, k: np.exp(-k[0] * x) + k[1] * x, a, b, (w,), n=2)[0]


CASES = [
    *(
        Case(f"{name}_{n}", lambda y, x, f=name: getattr(integrate, f)(y, x),
             domain=samples(n, 2), complex=name == "trapezoid",
             plain=lambda y, x, f=name: getattr(scipy.integrate, f)(y, x))
        for name in ("trapezoid", "cumulative_trapezoid", "simpson")
        for n in (2, 3, 4, 5)
    ),
    Case("cumulative_initial",
         lambda y: integrate.cumulative_trapezoid(y, dx=0.5, axis=0, initial=0), [(3, 2)],
         plain=lambda y: scipy.integrate.cumulative_trapezoid(y, dx=0.5, axis=0, initial=0)),
    Case("simpson_spacing", lambda y: integrate.simpson(y, dx=0.3, axis=0), [(6, 2)],
         float32=False, reason="SciPy integrates the last of an odd number of intervals in float64",
         plain=lambda y: scipy.integrate.simpson(y, dx=0.3, axis=0)),
    Case("fixed_quad", lambda a, b, w: gauss(integrate, a, b, w),
         domain=lambda rng: (np.array(0.1), np.array(1.3), rng.uniform(0.5, 1.5, 2)),
         plain=lambda a, b, w: gauss(scipy.integrate, a, b, w),
         float32=False, reason="the points are float64"),
]  # fmt: skip
