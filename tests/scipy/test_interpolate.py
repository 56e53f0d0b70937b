"""Interpolants of plain data at traced points, inside `vmap` and `jit`, against SciPy's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.interpolate as reference

import wengert as wg
from wengert.scipy import interpolate

X = np.arange(6.0)
Y = np.stack([np.sin(X), X**2, np.sqrt(X)], -1)
POINTS = np.array([[0.5, 1.5], [3.2, 4.9], [2.0, 4.1]])
KINDS = ("linear", "nearest", "nearest-up", "previous", "next", "slinear", "cubic")
MAKERS: dict[str, Any] = {
    "CubicSpline": lambda m, y: m.CubicSpline(X, y),
    "periodic": lambda m, y: m.CubicSpline(X, np.r_[y[:-1], y[:1]], bc_type="periodic"),
    "CubicHermiteSpline": lambda m, y: m.CubicHermiteSpline(X, y, y[::-1]),
    "PchipInterpolator": lambda m, y: m.PchipInterpolator(X, y),
    "Akima1DInterpolator": lambda m, y: m.Akima1DInterpolator(X, y),
    "make_interp_spline": lambda m, y: m.make_interp_spline(X, y),
    **{
        f"interp1d {kind}": lambda m, y, kind=kind: m.interp1d(
            X, y, kind, axis=0, bounds_error=False
        )
        for kind in KINDS
    },
}


@pytest.mark.parametrize("columns", [0, slice(None)])
@pytest.mark.parametrize("name", MAKERS)
def test_plain_data_at_abstract_points(name: str, columns: Any) -> None:
    """Regression: plain nodes and values were indexed by what has no values there."""
    y = Y[:, columns]
    f, expected = MAKERS[name](interpolate, y), MAKERS[name](reference, y)(POINTS)
    np.testing.assert_allclose(wg.vmap(f)(POINTS), expected, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(wg.jit(f)(POINTS), expected, rtol=1e-12, atol=1e-13)

    def total(x: Any) -> Any:
        return np.sum(f(x))

    gradient = wg.grad(total)(POINTS)
    for found in (wg.vmap(wg.grad(total))(POINTS), wg.jit(wg.grad(total))(POINTS)):
        np.testing.assert_allclose(found, gradient, rtol=1e-11, atol=1e-13)
