"""Kernel density estimates, standard errors, ranks and modes."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import scipy.stats

import wengert as wg
from wengert.scipy import stats

RNG = np.random.default_rng(7)
PLANE = RNG.normal(size=(2, 9))
LINE = RNG.normal(size=6)


@pytest.mark.parametrize("method", [None, "scott", "silverman", 0.4, lambda kde: kde.n**-0.3])
@pytest.mark.parametrize("weights", [None, np.array([1.0, 2, 0, 1, 3, 1, 1, 1, 2])])
def test_estimates(method: Any, weights: Any) -> None:
    ours = stats.gaussian_kde(PLANE, method, weights)
    theirs = scipy.stats.gaussian_kde(PLANE, method, weights)
    points = RNG.normal(size=(2, 4))
    for name in ("pdf", "logpdf", "evaluate"):
        found, expected = getattr(ours, name)(points), getattr(theirs, name)(points)
        np.testing.assert_allclose(found, expected, rtol=1e-12)
    np.testing.assert_allclose(ours([0.5, 1.0]), theirs([0.5, 1.0]), rtol=1e-12)
    for name in ("covariance", "inv_cov", "factor", "neff", "weights", "dataset", "d", "n"):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-10)
    np.testing.assert_allclose(
        ours.integrate_gaussian([0.5, 1.0], np.eye(2)),
        theirs.integrate_gaussian([0.5, 1.0], np.eye(2)),
    )
    np.testing.assert_allclose(
        ours.integrate_kde(stats.gaussian_kde(PLANE[:, 2:])),
        theirs.integrate_kde(scipy.stats.gaussian_kde(PLANE[:, 2:])),
    )
    np.testing.assert_allclose(ours.resample(3, 1), theirs.resample(3, 1), rtol=1e-9)


def test_estimates_on_the_line() -> None:
    ours, theirs = stats.gaussian_kde(LINE, 0.3), scipy.stats.gaussian_kde(LINE, 0.3)
    x = np.array([-800.0, 0.1, 40.0])
    np.testing.assert_allclose(ours.logpdf(x), theirs.logpdf(x), rtol=1e-12)
    assert ours.integrate_box_1d(-np.inf, 0.3) == pytest.approx(
        theirs.integrate_box_1d(-np.inf, 0.3)
    )
    assert np.all(np.isfinite(wg.grad(lambda s: stats.gaussian_kde(s).logpdf(-800.0)[0])(LINE)))
    changed = stats.gaussian_kde(LINE)
    changed.set_bandwidth(0.3)
    np.testing.assert_array_equal(changed(x), ours(x))
    np.testing.assert_allclose(
        stats.gaussian_kde(PLANE).marginal(0).pdf(x), stats.gaussian_kde(PLANE[0], 9 ** (-1 / 6))(x)
    )


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: stats.gaussian_kde([1.0]),
            wg.WengertValueError,
            "gaussian_kde: dataset must have several elements in one or two dimensions, got the "
            "shape (1,)",
        ),
        (
            lambda: stats.gaussian_kde(PLANE.T),
            wg.WengertValueError,
            "dataset has 2 points in 9 dimensions, so that their covariance is singular",
        ),
        (
            lambda: stats.gaussian_kde(np.vstack([LINE, LINE])),
            np.linalg.LinAlgError,
            "gaussian_kde: the points lie in a subspace",
        ),
        (
            lambda: stats.gaussian_kde(LINE, weights=[1.0, 2.0]),
            wg.ShapeError,
            "gaussian_kde: weights must have the shape (6,), one for each point, got (2,)",
        ),
        (
            lambda: stats.gaussian_kde(LINE, "scot"),
            wg.WengertValueError,
            "bw_method must be 'scott', 'silverman', a number or a function of the estimate, got "
            "'scot'",
        ),
        (
            lambda: stats.gaussian_kde(LINE, [0.1, 0.2]),
            wg.WengertTypeError,
            "got an array of the shape (2,)",
        ),
        (
            lambda: stats.gaussian_kde(PLANE)(np.ones((3, 2))),
            wg.ShapeError,
            "gaussian_kde: points must have 2 rows, one for each dimension, got the shape (3, 2)",
        ),
        (
            lambda: stats.gaussian_kde(PLANE).integrate_box_1d(0.0, 1.0),
            wg.WengertValueError,
            "gaussian_kde.integrate_box_1d is for one dimension; the sample has 2",
        ),
        (
            lambda: stats.gaussian_kde(PLANE).integrate_gaussian([1.0], np.eye(2)),
            wg.ShapeError,
            "mean and cov must have the shapes (2,) and (2, 2), got (1,) and (2, 2)",
        ),
        (
            lambda: stats.gaussian_kde(PLANE).integrate_kde(stats.gaussian_kde(LINE)),
            wg.ShapeError,
            "the estimates must have the same number of dimensions, got 2 and 1",
        ),
        (
            lambda: stats.gaussian_kde(PLANE).marginal([0.5]),
            wg.WengertTypeError,
            "gaussian_kde.marginal: dimensions must be integers, got float64",
        ),
        (
            lambda: wg.grad(lambda s: np.sum(stats.gaussian_kde(s).resample(2)))(LINE),
            wg.NoRuleError,
            "gaussian_kde.resample draws by NumPy's generators",
        ),
        (
            lambda: stats.sem(LINE, nan_policy="drop"),
            wg.WengertValueError,
            "sem: nan_policy must be 'propagate', 'omit' or 'raise', got 'drop'",
        ),
        (
            lambda: stats.sem([1.0, np.nan], nan_policy="raise"),
            wg.WengertValueError,
            "sem: the input contains NaN, and nan_policy is 'raise'",
        ),
        (
            lambda: wg.vmap(lambda x: stats.sem(x, nan_policy="raise"))(PLANE),
            wg.AbstractValueError,
            "sem: nan_policy='raise' looks at values, and inside vmap and jit there are only",
        ),
        (
            lambda: wg.vmap(lambda x: stats.rankdata(x, nan_policy="omit"))(PLANE),
            wg.AbstractValueError,
            "rankdata: nan_policy='omit' looks at values",
        ),
        (
            lambda: stats.sem("a"),
            wg.WengertTypeError,
            "sem: expected real numbers, got the dtype <U1",
        ),
        (
            lambda: stats.rankdata(LINE, axis=1),
            np.exceptions.AxisError,
            "axis 1 is out of bounds for array of dimension 1",
        ),
        (
            lambda: stats.rankdata(LINE, "mean"),
            wg.WengertValueError,
            "rankdata: method must be one of average, min, max, dense, ordinal; got 'mean'",
        ),
        (
            lambda: wg.grad(lambda x: stats.mode(x, nan_policy="omit").mode)(LINE),
            wg.WengertValueError,
            "mode: nan_policy='omit' and empty arrays are for values that no derivative goes",
        ),
    ],
)
def test_bad_arguments_are_explained(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=re.escape(message)):
        call()


def test_sem() -> None:
    x = np.where(RNG.random((4, 5)) < 0.2, np.nan, RNG.normal(size=(4, 5)))
    for options in (
        {},
        {"axis": None},
        {"axis": 1, "ddof": 0},
        {"nan_policy": "omit", "axis": 1},
        {"nan_policy": "omit", "axis": None, "keepdims": True},
        {"axis": -1, "keepdims": True},
    ):
        found, expected = stats.sem(x, **options), scipy.stats.sem(x, **options)
        assert np.shape(found) == np.shape(expected), options
        np.testing.assert_allclose(found, expected, rtol=1e-13)
    np.testing.assert_array_equal(wg.grad(stats.sem)(np.ones(3)), np.zeros(3))


def test_ranks() -> None:
    x = RNG.integers(0, 4, (3, 5)).astype(float)
    for method in ("average", "min", "max", "dense", "ordinal"):
        for axis in (None, 0, -1):
            expected = scipy.stats.rankdata(x, method, axis=axis)
            found = stats.rankdata(wg.Tensor(x, True), method, axis=axis)
            assert type(found) is np.ndarray
            assert found.dtype == expected.dtype
            np.testing.assert_array_equal(found, expected)
        batched = wg.vmap(lambda r, m=method: stats.rankdata(r, m))(x)
        np.testing.assert_array_equal(batched, scipy.stats.rankdata(x, method, axis=1))
    assert wg.vmap(lambda r: stats.rankdata(r))(np.ones((2, 2, 2))).shape == (2, 4)


def test_modes() -> None:
    x = RNG.integers(0, 3, (4, 6)).astype(float)
    for axis in (None, 0, 1, -1):
        for keepdims in (False, True):
            expected = scipy.stats.mode(x, axis, keepdims=keepdims)
            for found in (
                stats.mode(x, axis, keepdims=keepdims),
                stats.mode(wg.Tensor(x, True), axis, keepdims=keepdims),
            ):
                value = (
                    found.mode.detach().array if isinstance(found.mode, wg.Tensor) else found.mode
                )
                np.testing.assert_array_equal(value, expected.mode)
                np.testing.assert_array_equal(found.count, expected.count)
                assert np.shape(value) == np.shape(expected.mode)
    g = wg.grad(lambda x: stats.mode(x).mode)(np.array([2.0, 1.0, 2.0, 3.0]))
    np.testing.assert_array_equal(g, [0.5, 0.0, 0.5, 0.0])
    assert np.isnan(stats.mode(wg.Tensor([1.0, np.nan, np.nan], True)).mode.item())
    assert stats.mode(np.array([1, 2, 2])).mode == 2
    np.testing.assert_array_equal(
        wg.vmap(lambda r: stats.mode(r).mode)(x), scipy.stats.mode(x, 1)[0]
    )
