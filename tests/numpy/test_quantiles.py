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
    ones = np.ones_like(X)
    for weights, method, message in (
        (ones, "linear", "Only method 'inverted_cdf' supports weights"),
        (-ones, "inverted_cdf", "non-negative"),
        (0 * ones, "inverted_cdf", "NaN, inf or were all zero"),
        (np.nan * ones, "inverted_cdf", "NaN, inf or were all zero"),
        (ones[0, 0], "inverted_cdf", "Axis must be specified"),
    ):
        with pytest.raises((wg.WengertValueError, wg.WengertTypeError), match=message):
            np.quantile(t, 0.5, method=method, weights=weights)
    with pytest.raises(wg.WengertValueError, match="consistent with shape of a"):
        np.quantile(t, 0.5, 1, method="inverted_cdf", weights=np.ones(7))


WEIGHTS = np.random.default_rng(5).integers(0, 4, X.shape).astype(float)
for places in ((..., 0), (slice(None), 0), (0,)):  # none but in a row of zeros
    WEIGHTS[places] += 1
PLACES: list[tuple[Any, np.ndarray]] = [
    (None, WEIGHTS), (0, WEIGHTS), ((0, 2), WEIGHTS), (-1, WEIGHTS), (1, WEIGHTS[0, :, 0]),
    ((0, 1), WEIGHTS[:, :, 0]), ((1, 0), WEIGHTS[:, :, 0].T),
]  # fmt: skip


@pytest.mark.parametrize("q", QS)
def test_weights(q: Any) -> None:
    for axis, w in PLACES:
        for keepdims in (False, True):
            options: Any = {"method": "inverted_cdf", "weights": w, "keepdims": keepdims}
            for x in (X, X.astype(np.float32), np.round(X), WITH_NAN):
                assert_numpys(np.quantile, x, q, axis, **options)
                assert_numpys(np.percentile, x, np.multiply(q, 100), axis, **options)
            if w.shape == X.shape:  # NumPy's own fail for others
                assert_numpys(np.nanquantile, X, q, axis, **options)
                assert_numpys(np.nanpercentile, X, np.multiply(q, 100), axis, **options)


def test_weights_beside_nan() -> None:
    """NaN is skipped with its weight."""
    x, w = np.array([3.0, np.nan, 1.0, 2.0]), np.array([1.0, 50.0, 2.0, 3.0])
    options: Any = {"method": "inverted_cdf", "weights": w}
    for q in (0.0, 0.3, 0.5, 1.0):
        assert np.nanquantile(wg.Tensor(x), q, **options).item() == np.nanquantile(x, q, **options)
    rows = np.stack([x, np.full(4, np.nan)])
    with pytest.warns(RuntimeWarning, match="All-NaN"):
        y = np.nanquantile(wg.Tensor(rows), 0.5, axis=1, method="inverted_cdf", weights=w)
    np.testing.assert_array_equal(y.array, [2.0, np.nan])


def test_derivatives_with_weights() -> None:
    options: Any = {"axis": 1, "method": "inverted_cdf"}
    f = lambda x: np.quantile(x, [0.2, 0.55], weights=WEIGHTS, **options)  # noqa: E731
    check_grads(f, (X,))
    g = wg.grad(lambda w: np.sum(np.quantile(X, 0.55, weights=w, **options)))(WEIGHTS)
    np.testing.assert_array_equal(g, 0.0)
    median = lambda x, w: np.quantile(x, 0.5, weights=w, axis=-1, method="inverted_cdf")  # noqa: E731
    np.testing.assert_array_equal(wg.grad(median)(np.full(3, 2.0), np.ones(3)), np.full(3, 1 / 3))
    expected = median(X, WEIGHTS)
    np.testing.assert_array_equal(wg.vmap(median)(X, WEIGHTS), expected)
    np.testing.assert_array_equal(wg.jit(median)(X, WEIGHTS), expected)
    # Inside a recording nobody can look whether the weights have a sum.
    np.testing.assert_array_equal(wg.vmap(median)(X, 0 * WEIGHTS), np.nan * expected)


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
