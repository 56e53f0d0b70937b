"""Interpolation in one dimension: nodes, values and points are differentiated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.interpolate

from wengert.scipy import interpolate

from ..case import Case

Array = Any


def data(
    n: int, *rest: int, points: tuple[int, ...] = (4,), outside: bool = False, gap: float = 0.35
) -> Any:
    """Nodes a third to one apart, values, and points that are away from nodes and middles."""

    def draw(rng: np.random.Generator) -> tuple[Array, ...]:
        x = np.cumsum(rng.uniform(gap, 3 * gap, n))
        at = rng.integers(0, n - 1, points)
        q = x[at] + rng.choice([0.2, 0.3, 0.7, 0.8], points) * (x[at + 1] - x[at])
        if outside:
            q.flat[0], q.flat[-1] = x[0] - 0.3, x[-1] + 0.4
        return x, rng.normal(size=(n, *rest)), q

    return draw


def case(name: str, f: Callable[..., Any], domain: Any, **options: Any) -> Case:
    """``f(module, x, y, points)`` with our module, and with SciPy's."""
    return Case(
        name,
        lambda *xs: f(interpolate, *xs),
        domain=domain,
        plain=lambda *xs: f(scipy.interpolate, *xs),
        rtol=1e-5,
        **options,
    )


def periodic(m: Any, x: Array, y: Array, q: Array) -> Array:
    closed = np.concatenate([y[:-1], y[:1]])
    return m.CubicSpline(x, closed, bc_type="periodic")(q)


def with_ends(m: Any, x: Array, y: Array, q: Array) -> Array:
    return m.CubicSpline(x, y, bc_type=((1, y[0] * 2.0), (2, y[1])))(q)


def integrals(m: Any, x: Array, y: Array, q: Array) -> Array:
    s = m.CubicSpline(x, y)
    return np.stack([s.integrate(q[0], q[1]), s.derivative(2)(q[2]), s.antiderivative()(q[3])])


def over_periods(m: Any, x: Array, y: Array, q: Array) -> Array:
    s = m.CubicSpline(x, np.concatenate([y[:-1], y[:1]]), bc_type="periodic")
    return np.stack([s.integrate(q[0] - 3.0, q[1]), s(q[2] + 7.0)])


def along(m: Any, x: Array, y: Array, q: Array) -> Array:
    return m.CubicSpline(x, y.T, axis=1)(q)


def stepped(kind: str) -> Any:
    options = {"bounds_error": False, "fill_value": (0.5, 1.5)}
    return lambda m, x, y, q: m.interp1d(x, y, kind, 0, **options)(q) * q


def with_fill(m: Any, x: Array, y: Array, q: Array) -> Array:
    fill = (y[0] * 2, y[1] * 3)
    return m.interp1d(x, y, bounds_error=False, fill_value=fill)(q)


_RECORDED = {"reason": "float32 arguments: SciPy computes in float64", "float32": False}

CASES = [
    *(
        case(f"spline_{bc.replace('-', '_')}_{n}",
             lambda m, x, y, q, bc=bc: m.CubicSpline(x, y, bc_type=bc)(q), data(n))
        for bc in ("not-a-knot", "natural", "clamped")
        for n in (2, 3, 5)
    ),
    case("spline_periodic", periodic, data(5)),
    case("spline_periodic_3", periodic, data(3), **_RECORDED),
    case("spline_ends", with_ends, data(4)),
    case("spline_outside", lambda m, x, y, q: m.CubicSpline(x, y)(q), data(4, outside=True)),
    case("spline_no_extrapolation",
         lambda m, x, y, q: np.nan_to_num(m.CubicSpline(x, y, extrapolate=False)(q)),
         data(4, outside=True)),
    case("spline_columns", lambda m, x, y, q: m.CubicSpline(x, y)(q, 1), data(4, 2)),
    case("spline_axis", along, data(4, 2, points=(2, 2))),
    case("spline_integrals", integrals, data(5)),
    case("spline_over_periods", over_periods, data(5)),
    case("hermite", lambda m, x, y, q: m.CubicHermiteSpline(x, y, y[::-1])(q), data(4, 2)),
    case("pchip", lambda m, x, y, q: m.PchipInterpolator(x, y)(q), data(5)),
    case("pchip_two", lambda m, x, y, q: m.PchipInterpolator(x, y)(q), data(2)),
    case("pchip_monotone",
         lambda m, x, y, q: m.pchip_interpolate(x, np.cumsum(y * y + 0.1, 0), q, 1), data(5)),
    case("akima", lambda m, x, y, q: m.Akima1DInterpolator(x, y)(q), data(6)),
    case("makima",
         lambda m, x, y, q: m.Akima1DInterpolator(x, y, method="makima", extrapolate=True)(q),
         data(6, outside=True)),
    case("make_interp_spline_1", lambda m, x, y, q: m.make_interp_spline(x, y, 1)(q), data(4, 2)),
    case("make_interp_spline_3", lambda m, x, y, q: m.make_interp_spline(x, y)(q), data(5)),
    case("interp1d_linear", lambda m, x, y, q: m.interp1d(x, y.T, bounds_error=False)(q),
         data(4, 2)),
    case("interp1d_extrapolated",
         lambda m, x, y, q: m.interp1d(x[::-1], y[::-1], fill_value="extrapolate")(q),
         data(4, outside=True)),
    case("interp1d_fill", with_fill, data(4, outside=True)),
    case("interp1d_cubic",
         lambda m, x, y, q: m.interp1d(x, y, "cubic", fill_value="extrapolate")(q),
         data(5, outside=True)),
    *(case(f"interp1d_{kind.replace('-', '_')}", stepped(kind), data(4, outside=True, gap=4.0))
      for kind in ("nearest", "nearest-up", "previous", "next", "zero")),
    case("make_interp_spline_0",
         lambda m, x, y, q: m.make_interp_spline(x, y, 0)(q) * q[:, None], data(4, 2)),
    *(case(f"make_interp_spline_{k}_{n}",
           lambda m, x, y, q, k=k: m.make_interp_spline(x, y, k)(q), data(n, *rest))
      for k, n, *rest in ((2, 3), (2, 5, 2), (4, 6), (5, 7))),
    case("make_interp_spline_slope", lambda m, x, y, q: m.make_interp_spline(x, y, 2)(q, 1),
         data(5)),
    case("interp1d_quadratic",
         lambda m, x, y, q: m.interp1d(x, y, "quadratic", fill_value="extrapolate")(q),
         data(5, outside=True)),
    case("interp1d_quadratic_fill",
         lambda m, x, y, q: m.interp1d(x, y.T, 2, bounds_error=False, fill_value=0.5)(q),
         data(4, 2, outside=True)),
]  # fmt: skip
