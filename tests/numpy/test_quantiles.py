"""Medians and quantiles: NumPy's values for every method, and their derivatives."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.testing import check_grads

from .test_reductions import WITH_NAN, X, assert_numpys

METHODS = [
    "inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf",
    "hazen", "weibull", "linear", "median_unbiased", "normal_unbiased", "lower", "higher",
    "midpoint", "nearest",
]  # fmt: skip
QS: Any = (0.0, 0.3, 1, np.array([0.0, 0.25, 0.5, 0.9, 1.0]), np.float64(0.62), [0.1])


@pytest.mark.parametrize("method", METHODS)
def test_methods(method: str) -> None:
    for q in QS:
        for axis in (None, 0, -1, (0, 2)):
            assert_numpys(np.quantile, X, q, axis, method=method)
        assert_numpys(np.quantile, X, q, 1, method=method, keepdims=True)
        assert_numpys(np.nanquantile, WITH_NAN[:1], q, 1, method=method, keepdims=True)
        assert_numpys(np.percentile, X, np.multiply(q, 100), 1, method=method)


@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.int8])
def test_dtypes(dtype: Any) -> None:
    x = (X * 10).astype(dtype)
    for q in QS:
        assert_numpys(np.quantile, x, q, 1, rtol=1e-6, atol=1e-6)
        assert_numpys(np.quantile, x, q, 1, method="lower", rtol=1e-6)
    assert_numpys(np.median, x, 1, rtol=1e-6)
    assert_numpys(np.median, x, 2, rtol=1e-6)
    assert_numpys(np.nanmedian, x, 1, rtol=1e-6)


@pytest.mark.parametrize("axis", [None, 0, 1, -1, (0, 1)])
def test_medians(axis: Any) -> None:
    for keepdims in (False, True):
        assert_numpys(np.median, X, axis, keepdims=keepdims)
        assert_numpys(np.median, WITH_NAN, axis, keepdims=keepdims)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            assert_numpys(np.nanmedian, WITH_NAN, axis, keepdims=keepdims)
            assert_numpys(np.nanmedian, X, axis, keepdims=keepdims)
            assert_numpys(np.nanpercentile, WITH_NAN, [20, 80], axis, keepdims=keepdims)
            assert_numpys(np.quantile, WITH_NAN, [0.2, 0.8], axis, keepdims=keepdims)


def test_out_and_empty() -> None:
    out = wg.Tensor(np.zeros((2, 4)))
    assert np.median(wg.Tensor(X, True), 1, out=out) is out
    np.testing.assert_allclose(out.array, np.median(X, 1))
    with pytest.warns(RuntimeWarning, match="Mean of empty"), np.errstate(all="ignore"):
        assert np.isnan(np.median(wg.Tensor(X[:0])).item())
    with pytest.warns(RuntimeWarning, match="All-NaN"):
        np.nanmedian(wg.Tensor([np.nan]))


def test_derivatives() -> None:
    for method in ("linear", "hazen", "midpoint", "lower", "averaged_inverted_cdf"):
        check_grads(lambda x, m=method: np.quantile(x, [0.21, 0.84], 1, method=m), (X,))
    # Three elements lie so far apart in q that numerical differentiation meets no kink.
    x = X[:, :, 0]
    check_grads(lambda x, q: np.quantile(x, q, 1), (x, np.array([0.25, 0.75])), order=2)
    check_grads(lambda x, q: np.percentile(x, q, 1), (x, np.array(25.0)), order=2)
    x = np.where(np.isnan(WITH_NAN[:1]), 0.0, WITH_NAN[:1])
    x[0, 0, 0] = np.nan
    gradient = wg.grad(lambda x: np.nanquantile(x, 0.4, 1).sum())(x)
    assert gradient[0, 0, 0] == 0.0
    np.testing.assert_allclose(gradient.sum(), 4.0)
    check_grads(lambda x: np.nanquantile(np.where(np.isnan(WITH_NAN), np.nan, x), 0.4), (X,))
    check_grads(lambda x: np.median(x, (0, 2)), (X,))


def test_batched() -> None:
    for f in (
        lambda x: np.median(x, 0),
        lambda x: np.quantile(x, [0.2, 0.7], -1),
        lambda x: np.nanquantile(x, 0.7, -1),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            np.testing.assert_allclose(wg.vmap(f)(WITH_NAN), [f(r) for r in WITH_NAN])
    np.testing.assert_allclose(
        wg.vmap(lambda q: np.quantile(wg.Tensor(X[0]), q, 1))(np.array([0.1, 0.6])),
        np.quantile(X[0], [0.1, 0.6], 1),
    )


def test_refused() -> None:
    t = wg.Tensor(X, True)
    with pytest.raises(ValueError, match="range"):
        np.quantile(t, 1.2)
    with pytest.raises(ValueError, match="not a valid method"):
        np.quantile(t, 0.5, method="guess")
    with pytest.raises(TypeError, match="real"):
        np.quantile(wg.Tensor(X * 1j), 0.5)
    with pytest.raises(wg.NoRuleError, match="weights"):
        np.quantile(t, 0.5, method="inverted_cdf", weights=np.ones_like(X))


def test_quantiles_of_any_shape() -> None:
    """Regression: `q` had to be a number or a row; NumPy takes it of any shape."""
    q = np.array([[0.1, 0.43, 0.52], [0.23, 0.9, 0.97]])
    for axis in (None, 0, (0, 2)):
        found = np.quantile(wg.Tensor(X), q, axis).array
        for place in np.ndindex(q.shape):
            np.testing.assert_allclose(found[place], np.quantile(X, q[place], axis), rtol=1e-13)
    check_grads(lambda x, q: np.quantile(x, q, axis=1, keepdims=True), (X, q))


@pytest.mark.parametrize("n", [3, 4])
def test_quantiles_of_everything_are_scalars(n: int) -> None:
    """Regression: medians of an odd number, and quantiles under `jit`, were arrays without axes."""
    x = np.arange(n) * 1.5
    for f in (
        np.median,
        np.nanmedian,
        lambda x: np.quantile(x, 0.3),
        lambda x: np.percentile(x, 9),
    ):
        for y in (f(wg.Tensor(x))._a, wg.jit(f)(x), wg.vjp(f, x)[0]):
            assert type(y) is np.float64
            assert y == f(x)
