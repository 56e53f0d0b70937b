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
STEPS = ("nearest", "nearest-up", "previous", "next", "zero")
KINDS = ("linear", *STEPS, "slinear", "quadratic", "cubic", 0, 4)
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


@pytest.mark.parametrize("fill", [{"fill_value": "extrapolate"}, {"fill_value": (0.5, -1.0)}, {}])
@pytest.mark.parametrize("kind", KINDS)
def test_interp1d_is_scipys(kind: Any, fill: Any) -> None:
    """At nodes, between them and outside; along each axis, with unsorted nodes."""
    order = np.array([3, 0, 5, 1, 4, 2])
    points = np.r_[X, X[:-1] + 0.5, X + 0.3, -0.7, 5.4]
    for axis, y in ((0, Y[order]), (1, Y[order].T)):
        options = {"axis": axis, "bounds_error": False, **fill}
        expected = reference.interp1d(X[order], y, kind, **options)(points)
        found = interpolate.interp1d(X[order], wg.tensor(y), kind, **options)(points)
        np.testing.assert_allclose(found.array, expected, rtol=1e-11, atol=1e-11)
        sorted_x, sorted_y = wg.tensor(X), wg.tensor(Y)
        given = interpolate.interp1d(
            sorted_x, sorted_y, kind, 0, assume_sorted=True, bounds_error=False, **fill
        )(points)
        np.testing.assert_allclose(given.array, expected if not axis else expected.T, atol=1e-11)


@pytest.mark.parametrize("n", [3, 4, 5, 6, 9])
@pytest.mark.parametrize("k", [0, 1, 2, 3, 4, 5, 6])
def test_splines_of_every_degree(k: int, n: int) -> None:
    rng = np.random.default_rng(n)
    x, y = np.cumsum(rng.uniform(0.3, 1.0, n)), rng.normal(size=(n, 2))
    q = np.r_[x, np.linspace(x[0] - 0.2, x[-1] + 0.2, 31)]
    if n <= k:
        with pytest.raises(wg.ShapeError, match=f"{n} nodes; k={k} needs at least {k + 1}"):
            interpolate.make_interp_spline(wg.tensor(x), y, k)
        return
    expected = reference.make_interp_spline(x, y, k)
    found = interpolate.make_interp_spline(wg.tensor(x), y, k)
    for nu in range(k + 1):
        np.testing.assert_allclose(found(q, nu).array, expected(q, nu), rtol=1e-8, atol=1e-8)
    area = np.diff(x) @ y[:-1] if not k else expected.integrate(x[0], x[-1])  # SciPy's is 0
    np.testing.assert_allclose(found.integrate(x[0], x[-1]).array, area, rtol=1e-9, atol=1e-10)


def test_plain_splines_take_all_options() -> None:
    """Regression: they were refused on plain values, too."""
    knots = np.r_[[X[0]] * 4, 2.2, 3.1, [X[-1]] * 4]
    for options in (
        {"t": knots},
        {"k": 5, "bc_type": ([(1, 0.0), (2, 0.0)], [(1, 0.0), (2, 0.0)])},
    ):
        expected = reference.make_interp_spline(X, Y[:, 0], **options)
        spline = interpolate.make_interp_spline(X, Y[:, 0], **options)
        np.testing.assert_allclose(spline(POINTS), expected(POINTS))
        np.testing.assert_allclose(
            wg.elementwise_grad(spline)(POINTS), expected(POINTS, 1), rtol=1e-10
        )
        with pytest.raises(wg.NoRuleError, match="conditions at the ends for k=3"):
            interpolate.make_interp_spline(X, wg.tensor(Y[:, 0]), **options)


def test_a_kind_that_is_unknown() -> None:
    with pytest.raises(wg.WengertValueError, match="kind must be one of 'linear', 'nearest'"):
        interpolate.interp1d(wg.tensor(X), Y, "quartic", 0)
