"""Values against `scipy.stats` on the whole domain, at its ends and outside, for bad parameters."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest
import scipy.stats

from wengert.scipy import stats
from wengert.scipy.stats.base import DISTRIBUTIONS

from .grid import POINTS, QUANTILES, SHAPES, parameters

UNIVARIATE = [d for d in DISTRIBUTIONS.values() if "loc" in d.options]


def scipys(name: str, method: str, *args: Any) -> np.ndarray:
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.asarray(getattr(getattr(scipy.stats, name), method)(*args))


def ours(name: str, method: str, *args: Any) -> Any:
    """No warning but that of a square that overflows, which SciPy gives too."""
    with np.errstate(over="ignore"):
        return getattr(getattr(stats, name), method)(*args)


# What SciPy takes from 1, or from the quantile of 1 - q: small and large ones have no digits left.
ROUNDED = {
    ("halfnorm", "ppf"), ("halfcauchy", "ppf"), ("halfcauchy", "isf"), ("fisk", "ppf"),
    ("lomax", "isf"), ("weibull_max", "isf"), ("f", "isf"), ("vonmises", "isf"),
    ("exponnorm", "isf"),
}  # fmt: skip
FROM_ONE = {("fisk", "sf"), ("fisk", "logsf"), ("triang", "sf"), ("triang", "logsf")}


def scipy_is_right(
    d: Any, method: str, x: np.ndarray, args: tuple[float, ...], y: np.ndarray
) -> np.ndarray:
    """Where SciPy's value is to be reached: all but what is listed here."""
    right = np.ones(x.shape, bool)
    if method in ("pdf", "logpdf", "pmf", "logpmf"):
        # It subtracts infinities, also of 1/x, or multiplies them: the density is 0.
        right &= ~((np.isinf(x) | (x == 1e-300) | (x == 1e200)) & np.isnan(y))
        if d.name == "fisk":
            right &= x != 1e-300  # infinity
        if d.name == "powerlaw" and args[0] < 1:
            right &= ~((x == args[1] if len(args) > 1 else x == 0) & (y <= 0))  # it is infinite
    if (d.name, method) in ROUNDED:
        right &= ~((x < 1e-3) | (x > 0.999)) | (x == 0) | (x == 1)
    if (d.name, method) in FROM_ONE:
        right &= ~(y < (1e-3 if method == "sf" else np.log(1e-3)))
    if method == "logcdf" and "scale" not in d.options:
        right &= ~(np.isnan(getattr(stats, d.name).cdf(x, *args)))  # 0 for parameters that are bad
    if d.name == "invgauss" and method in ("ppf", "isf"):
        right &= x != 1e-300  # it loses its way, and says so
    if method.startswith("log"):
        right &= ~np.isneginf(y)  # it underflows: `test_logarithms_do_not_underflow`
    if method == "isf":
        if d.name == "truncnorm":
            right &= (x > 1e-3) & (x < 0.999)  # it takes the difference from the far tail
        if d.name == "bernoulli":
            right &= x != 1e-300  # of rounding
    return right


@pytest.mark.parametrize(
    ("d", "method"),
    [(d, m) for d in UNIVARIATE for m in d.methods if m != "entropy"],
    ids=lambda v: v if isinstance(v, str) else v.name,
)
def test_values_are_scipys(d: Any, method: str) -> None:
    x = QUANTILES if method in ("ppf", "isf") else POINTS
    for args in parameters(d):
        expected = scipys(d.name, method, x, *args)
        found = ours(d.name, method, x, *args)
        assert found.dtype == np.float64
        mask = scipy_is_right(d, method, x, args, expected)
        # Relative, but for values of nearly 0 that SciPy takes from 1.
        atol = 1e-12 if method in ("logcdf", "logsf") or d.name == "truncnorm" else 0.0
        atol = 1e-15 if method == "logpdf" else atol
        rtol = 1e-8 if d.name == "truncnorm" else 1e-10
        np.testing.assert_allclose(
            found[mask], expected[mask], rtol=rtol, atol=atol, err_msg=f"{d.name}.{method}{args}"
        )
        lost = method.startswith("log") & np.isneginf(expected) & ~np.isposinf(found)
        if (d.name, method) in FROM_ONE:
            continue
        assert np.all(np.isnan(found[lost]) | (found[lost] < -600)), f"{d.name}.{method}{args}"


def test_every_distribution_of_one_variable_is_here() -> None:
    assert len(UNIVARIATE) == 44


LITTLE = 1 - (1 - 1e-9)  # what is left of 1e-9


@pytest.mark.parametrize(
    ("name", "method", "x", "args", "expected"),
    [
        ("norm", "logcdf", -50.0, (), -1254.8313611394199),
        ("norm", "logsf", 1e4, (), -50000010.12927892),
        ("logistic", "logcdf", -800.0, (), -800.0),
        ("laplace", "logcdf", -800.0, (), -800.0 - math.log(2)),
        ("laplace", "logpdf", 1e5, (), -1e5 - math.log(2)),
        ("gumbel_r", "logsf", 800.0, (), -800.0),
        ("gumbel_l", "logcdf", -800.0, (), -800.0),
        ("pareto", "logsf", 1e200, (3.0,), -600 * math.log(10)),
        ("poisson", "logcdf", 30.0, (3.0,), -4.1254051981139914e-21),
        ("poisson", "logsf", 0.0, (200.0,), -math.exp(-200)),
        ("lomax", "logsf", 1e200, (3.0,), -600 * math.log(10)),
        ("fisk", "logsf", 1e200, (0.5,), -100 * math.log(10)),
        ("weibull_min", "logcdf", 1e-300, (2.0,), -600 * math.log(10)),
        ("halfnorm", "logsf", 1e4, (), -50000009.436131745),
        ("triang", "sf", 1 - 1e-10, (0.0,), (1 - (1 - 1e-10)) ** 2),
        ("halfcauchy", "ppf", 1 - 1e-9, (), 2 / (math.pi * LITTLE)),
        ("lomax", "isf", 1 - 1e-9, (0.5,), 2 * LITTLE + 3 * LITTLE**2),
        ("truncnorm", "logcdf", 1e-300, (0.0, np.inf), -691.0013192508585),
        ("truncnorm", "cdf", 1e-9, (0.0, np.inf), 1e-9 * math.sqrt(2 / math.pi)),
    ],
)  # fmt: skip
def test_logarithms_do_not_underflow(
    name: str, method: str, x: float, args: tuple[float, ...], expected: float
) -> None:
    """Values where SciPy's are infinite or rounded; the first three by its special functions."""
    np.testing.assert_allclose(getattr(getattr(stats, name), method)(x, *args), expected, 1e-13)


@pytest.mark.parametrize(
    "d",
    [d for d in UNIVARIATE if "ppf" in d.methods and "scale" in d.options],
    ids=lambda d: d.name,
)
def test_quantiles_are_inverse_to_cumulative_functions(d: Any) -> None:
    q = np.array([0.001, 0.01, 0.3, 0.5, 0.8, 0.999])
    for shapes in SHAPES.get(d.name, [()]):
        x = d.ppf(q, *shapes)
        # SciPy's own stdtrit and betainccinv are that inaccurate for large and small shapes
        tolerance = {"truncnorm": 1e-8, "t": 1e-6, "wrapcauchy": 1e-9, "f": 1e-7}.get(d.name, 1e-10)
        if not np.isnan(x).all():
            np.testing.assert_allclose(d.cdf(x, *shapes), q, tolerance, err_msg=f"{shapes}")
            np.testing.assert_allclose(d.sf(d.isf(q, *shapes), *shapes), q, tolerance)


@pytest.mark.parametrize("name", ["invgauss", "exponnorm", "gennorm"])
def test_quantiles_in_the_tails(name: str) -> None:
    """Where SciPy's are rounded, or have no digit."""
    d = getattr(stats, name)
    q = np.array([1e-300, 1e-100, 1e-20, 1e-9])
    for shapes in SHAPES[name]:
        if np.isnan(d.cdf(1.0, *shapes)):
            continue
        np.testing.assert_allclose(d.logcdf(d.ppf(q, *shapes), *shapes), np.log(q), 1e-11)
        np.testing.assert_allclose(d.logsf(d.isf(q, *shapes), *shapes), np.log(q), 1e-11)


def test_float32_stays_float32() -> None:
    """As everywhere in wengert (SciPy returns float64)."""
    for d in UNIVARIATE:
        args = next(v for v in parameters(d) if not np.isnan(d.cdf(1.0, *v)))
        for method in d.methods:
            if method == "entropy":
                continue
            x = np.array([0.25, 0.5, 1.0], np.float32)
            found = getattr(d, method)(x, *args)
            assert found.dtype == np.float32, f"{d.name}.{method}"
            expected = getattr(d, method)(x.astype(float), *args)
            np.testing.assert_allclose(found, expected, 2e-5, 2e-6, err_msg=f"{d.name}.{method}")


def test_numbers_lists_and_integers_are_arguments() -> None:
    assert stats.norm.pdf(0) == scipy.stats.norm.pdf(0)
    assert isinstance(stats.norm.pdf(0), np.float64)
    np.testing.assert_array_equal(
        stats.norm.cdf([0, 1], [1, 2]), scipy.stats.norm.cdf([0, 1], [1, 2])
    )
    np.testing.assert_array_equal(
        stats.expon.pdf(np.arange(3), scale=2), scipy.stats.expon.pdf(np.arange(3), scale=2)
    )
    assert stats.uniform.logpdf(np.zeros((2, 0))).shape == (2, 0)
    x = np.ones((4, 1))[::-1]
    assert stats.uniform.logpdf(x, scale=np.ones(3)).shape == (4, 3)
