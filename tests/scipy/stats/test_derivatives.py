"""Derivatives outside of supports, at their ends, at kinks and in tails."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.stats

import wengert as wg
from wengert.scipy import stats
from wengert.scipy.stats.base import DISTRIBUTIONS
from wengert.testing import check_grads

from .grid import POINTS, SHAPES

UNIVARIATE = [d for d in DISTRIBUTIONS.values() if "loc" in d.options]
CONTINUOUS = [d for d in UNIVARIATE if "scale" in d.options]
inf = np.inf


def gradients(f: Callable[..., Any], *args: Any) -> Any:
    """By both modes, which must agree."""
    reverse = wg.grad(lambda *xs: np.sum(f(*xs)), argnums=tuple(range(len(args))))(*args)
    for i, x in enumerate(args):
        tangents = [np.zeros_like(a) for a in args]
        tangents[i] = np.ones_like(x)
        slope = wg.jvp(lambda *xs: np.sum(f(*xs)), args, tuple(tangents))[1]
        np.testing.assert_allclose(slope, np.sum(reverse[i]), rtol=1e-9, atol=1e-12)
    return reverse


def outside(d: Any, shapes: tuple[float, ...]) -> np.ndarray:
    """Points of the grid that do not belong to the support, and the infinite ones."""
    lower, upper = d.support(*shapes)
    with np.errstate(invalid="ignore"):
        mask = (POINTS < lower) | (POINTS > upper) | np.isinf(POINTS)
    if "scale" not in d.options:
        mask |= np.floor(POINTS) != POINTS
    return POINTS[mask & ~np.isnan(POINTS)]


@pytest.mark.parametrize(
    ("d", "method"),
    [(d, m) for d in UNIVARIATE for m in d.methods if m not in ("ppf", "isf", "entropy")],
    ids=lambda v: v if isinstance(v, str) else v.name,
)
def test_derivatives_vanish_outside_of_the_support(d: Any, method: str) -> None:
    """Not one of them is infinite or NaN, and none gives a warning. At second order too."""
    for shapes in SHAPES.get(d.name, [()]):
        x = outside(d, shapes)
        if method in ("cdf", "sf", "logcdf", "logsf") and "scale" not in d.options:
            lower, upper = d.support(*shapes)
            x = x[(x < lower) | (x >= upper)]
        moved = (0.0, 1.0) if "scale" in d.options else (0.0,)
        args = [x, *[np.float64(s) for s in (*shapes, *moved)]]
        fixed = {i: args.pop(i) for i in (1,) if d.name in ("binom", "betabinom")}

        def f(*xs: Any, fixed: dict[int, Any] = fixed) -> Any:
            full = list(xs)
            for i, v in fixed.items():
                full.insert(i, v)
            return getattr(d, method)(*full)

        for g in gradients(f, *args):
            np.testing.assert_array_equal(g, np.zeros_like(g), err_msg=f"{method}{shapes}")
        second = wg.grad(lambda *xs: np.sum(wg.grad(lambda z: np.sum(f(z, *xs[1:])))(xs[0])))(*args)
        np.testing.assert_array_equal(second, np.zeros_like(second))


@pytest.mark.parametrize("d", UNIVARIATE, ids=lambda d: d.name)
def test_one_point_outside_does_not_spoil_the_others(d: Any) -> None:
    """A density in a sum: derivatives are those of the points inside."""
    shapes = [np.float64(s) for s in SHAPES.get(d.name, [()])[0]]
    lower, _ = d.support(*shapes)
    inside = float(lower) + 1.0 if np.isfinite(lower) else 0.5
    if d.name in ("uniform", "beta", "truncnorm"):
        inside = 0.4
    method = "logpdf" if "scale" in d.options else "logpmf"
    first = 1 if d.name in ("binom", "betabinom") else 0  # of the shapes, n is not differentiated
    free = [*shapes[first:], np.float64(0.0)]

    def total(x: np.ndarray) -> Callable[..., Any]:
        def f(*ps: Any) -> Any:
            y = getattr(d, method)(x, *shapes[:first], *ps)
            return np.sum(np.where(np.isfinite(x), y, 0.0))

        return f

    with_infinite = gradients(total(np.array([inside, -inf, inf])), *free)
    alone = gradients(total(np.array([inside])), *free)
    np.testing.assert_allclose(with_infinite, alone, rtol=1e-14)


@pytest.mark.parametrize("d", UNIVARIATE, ids=lambda d: d.name)
def test_bad_parameters_give_nan_and_no_derivative(d: Any) -> None:
    for shapes in SHAPES.get(d.name, [()]):
        for scale in (1.0, -1.0):
            if scale < 0 and "scale" not in d.options:
                continue
            moved = (0.0, scale) if "scale" in d.options else (0.0,)
            x = np.array([0.5, 1.0, 3.0])
            y = d.cdf(x, *shapes, *moved)
            if not np.isnan(y).all():
                continue
            g = wg.grad(lambda x, *p, m=moved: np.sum(d.cdf(x, *p, *m)))(x, *shapes)
            np.testing.assert_array_equal(g, np.zeros(3))


@pytest.mark.parametrize("d", CONTINUOUS, ids=lambda d: d.name)
def test_the_density_is_the_slope_of_the_cdf(d: Any) -> None:
    """On the grid, 0 and the finite ends of the support included."""
    for shapes in SHAPES.get(d.name, [()]):
        if np.isnan(d.cdf(0.5, *shapes)) or (d.name == "truncnorm" and abs(shapes[0]) >= 30):
            continue
        x = POINTS[np.isfinite(POINTS) & (np.abs(POINTS) < 1e6)]
        if d.name == "chi":
            x = x[x != 1e-300]  # whose square is 0
        with np.errstate(over="ignore"):
            density = d.pdf(x, *shapes)
        lower, upper = d.support(*shapes)
        x = x[np.isfinite(density)]
        density = density[np.isfinite(density)]
        if not d.closed:  # at the ends themselves the cdf is taken for constant
            density = np.where((x == lower) | (x == upper), 0.0, density)
        for method, sign in (("cdf", 1), ("sf", -1)):
            with np.errstate(over="ignore"):
                slope = wg.grad(lambda x, m=method, s=shapes: np.sum(getattr(d, m)(x, *s)))(x)
            np.testing.assert_allclose(
                slope, sign * density, rtol=1e-8, atol=1e-300, err_msg=f"{method}{shapes}"
            )


@pytest.mark.parametrize(
    ("name", "method", "x", "args", "expected"),
    [
        ("expon", "cdf", 0.0, (), 1.0),
        ("expon", "logpdf", 0.0, (), -1.0),
        ("uniform", "cdf", 0.0, (), 1.0),
        ("uniform", "cdf", 1.0, (), 1.0),
        ("uniform", "ppf", 0.0, (), 1.0),
        ("laplace", "cdf", 0.0, (), 0.5),
        ("laplace", "logpdf", 0.0, (), 0.0),
        ("logistic", "logpdf", 0.0, (), 0.0),
        ("t", "cdf", 0.0, (3.0,), 2 / (math.pi * math.sqrt(3))),
        ("gennorm", "cdf", 0.0, (1.0,), 0.5),
        ("vonmises", "cdf", 0.0, (0.0,), 0.5 / math.pi),
        ("cauchy", "ppf", 0.5, (), math.pi),
        ("norm", "logcdf", -50.0, (), 50.01998403), 
        ("norm", "logsf", 1e4, (), -1e4 - 1e-4),
        ("cauchy", "logpdf", 1e200, (), -2e-200),
        ("gumbel_r", "logsf", 800.0, (), -1.0),
        ("gumbel_l", "logcdf", -800.0, (), 1.0),
    ],
)  # fmt: skip
def test_slopes_at_ends_kinks_and_in_tails(
    name: str, method: str, x: float, args: tuple[float, ...], expected: float
) -> None:
    f = getattr(getattr(stats, name), method)
    np.testing.assert_allclose(wg.grad(lambda x: f(x, *args))(x), expected, rtol=1e-8, atol=1e-14)


def test_second_derivatives_at_zero() -> None:
    """Where formulas have |x| or a root in them."""

    def second(f: Callable[..., Any], *args: float, at: tuple[int, int]) -> Any:
        return wg.grad(wg.grad(f, argnums=at[0]), argnums=at[1])(*args)

    assert second(stats.logistic.logpdf, 0.0, at=(0, 0)) == -0.5
    # d/dx d/db of the cdf is the slope of the density in b, the same in both orders.
    for name, shape in (("t", 3.0), ("gennorm", 1.5), ("vonmises", 2.0)):
        d = getattr(stats, name)
        slope = wg.grad(d.pdf, argnums=1)(0.0, shape)
        np.testing.assert_allclose(second(d.cdf, 0.0, shape, at=(0, 1)), slope, rtol=1e-12)
        np.testing.assert_allclose(second(d.cdf, 0.0, shape, at=(1, 0)), slope, rtol=1e-10)


@pytest.mark.parametrize(
    ("name", "shapes"),
    [("t", (0.4,)), ("t", (50.0,)), ("gennorm", (0.6,)), ("gennorm", (6.0,)),
     ("vonmises", (0.0,)), ("vonmises", (40.0,)), ("vonmises", (0.3,))],
)  # fmt: skip
def test_slopes_of_cdfs_in_the_shape(name: str, shapes: tuple[float, ...]) -> None:
    """By numbers, at two orders, near 0 and far from it."""
    d = getattr(stats, name)
    x = np.array([-2.9, -0.7, -1e-3, 0.01, 0.3, 2.0])
    if name == "vonmises":
        # Not at the end of what is allowed. (From 50 on SciPy's values are an approximation.)
        shapes = tuple(s + 1e-3 for s in shapes)
    orders = 2 if name != "vonmises" else 1
    check_grads(lambda s: d.cdf(x, s), (np.float64(shapes[0]),), order=orders, rtol=1e-4)


@pytest.mark.parametrize("name", ["genpareto", "genextreme"])
@pytest.mark.parametrize("method", ["logpdf", "cdf", "logsf", "ppf", "isf"])
def test_slopes_where_the_shape_is_zero(name: str, method: str) -> None:
    """Formulas divide by the shape; their limits have derivatives, too."""
    f = getattr(getattr(stats, name), method)
    for x in (0.2, 0.7) if method in ("ppf", "isf") else (0.01, 0.5, 2.0):
        for c in (0.0, 1e-7, 0.0299 / 2.0, 0.0301 / 2.0):
            check_grads(f, (np.float64(x), np.float64(c)), order=2, rtol=1e-5)


def test_ends_of_supports_are_quantiles() -> None:
    for c in (-0.3, -0.8):
        for q, method in ((1.0, "ppf"), (0.0, "isf")):
            f = getattr(stats.genpareto, method)
            assert f(q, c) == scipy.stats.genpareto.ppf(1.0, c)
            assert wg.grad(lambda c, q=q, f=f: f(q, c))(c) == pytest.approx(1 / c**2)
    assert wg.grad(lambda c: stats.genextreme.ppf(1.0, c))(0.5) == -4.0
    assert wg.grad(lambda c: stats.genextreme.isf(1.0, c))(-0.5) == -4.0


def test_programs_and_vmap_give_the_same() -> None:
    """Recorded on shapes, every replacement is there, since no value is known."""
    x = np.array([[-1.0, 0.5], [2.0, np.inf]])
    for name, shapes in (("gamma", (2.0,)), ("truncnorm", (-0.5, 1.0)), ("pareto", (-1.0,))):
        d = getattr(stats, name)

        def f(row: Any, scale: Any, d: Any = d, shapes: Any = shapes) -> Any:
            return d.logpdf(row, *shapes, scale=scale)

        scales = np.array([1.0, -2.0])
        np.testing.assert_array_equal(
            wg.vmap(f)(x, scales), np.stack([f(r, s) for r, s in zip(x, scales, strict=True)])
        )
        g = wg.vmap(wg.grad(lambda r, s: np.sum(f(r, s)), argnums=1))(x, scales)
        assert np.all(np.isfinite(g))
