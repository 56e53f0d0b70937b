"""Distributions of several variables: shapes, errors, singular matrices."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import scipy.stats

import wengert as wg
from wengert.scipy import stats

RNG = np.random.default_rng(5)
ROOT = RNG.normal(size=(3, 3))
COV = ROOT @ ROOT.T + np.eye(3)
MEAN = RNG.normal(size=3)


@pytest.mark.parametrize(
    ("x", "mean", "cov"),
    [
        (RNG.normal(size=(5, 3)), MEAN, COV),
        (RNG.normal(size=3), MEAN, COV),
        (RNG.normal(size=(2, 1, 3)), None, COV),
        (RNG.normal(size=(4, 3)), MEAN, 2.0),
        (RNG.normal(size=(4, 3)), MEAN, [1.0, 2.0, 0.5]),
        (RNG.normal(size=4), None, 1),
        (RNG.normal(size=(4, 1)), 0.5, 2.0),
        (0.3, 0.2, 4.0),
        ([1, 2, 3], [0, 0, 1], np.eye(3, dtype=int)),
    ],
)
def test_normal(x: Any, mean: Any, cov: Any) -> None:
    ours, theirs = stats.multivariate_normal, scipy.stats.multivariate_normal
    for method in ("pdf", "logpdf"):
        found, expected = getattr(ours, method)(x, mean, cov), getattr(theirs, method)(x, mean, cov)
        assert np.shape(found) == np.shape(expected)
        np.testing.assert_allclose(found, expected, rtol=1e-12)
    np.testing.assert_allclose(ours.entropy(mean, cov), theirs.entropy(mean, cov), rtol=1e-13)


def test_gradients_of_the_normal_are_those_of_the_matrix_cookbook() -> None:
    x = RNG.normal(size=3)
    by_x, by_mean, by_cov = wg.grad(stats.multivariate_normal.logpdf, argnums=(0, 1, 2))(
        x, MEAN, COV
    )
    inverse = np.linalg.inv(COV)
    white = inverse @ (x - MEAN)
    np.testing.assert_allclose(by_x, -white)
    np.testing.assert_allclose(by_mean, white)
    np.testing.assert_allclose(by_cov, 0.5 * (np.outer(white, white) - inverse), rtol=1e-10)


def test_a_singular_covariance() -> None:
    root = ROOT[:, :2]
    cov = root @ root.T
    inside = RNG.normal(size=(4, 2)) @ root.T
    x = np.vstack([inside, inside + np.array([0.0, 0.0, 1.0])]) + MEAN
    found = stats.multivariate_normal.logpdf(x, MEAN, cov, allow_singular=True)
    np.testing.assert_allclose(
        found, scipy.stats.multivariate_normal.logpdf(x, MEAN, cov, allow_singular=True), rtol=1e-10
    )
    assert np.isneginf(found[4:]).all()
    np.testing.assert_allclose(
        stats.multivariate_normal.entropy(MEAN, cov),
        scipy.stats.multivariate_normal.entropy(MEAN, cov),
    )
    g = wg.grad(lambda x: np.sum(stats.multivariate_normal.pdf(x, MEAN, cov, allow_singular=True)))(
        x
    )
    assert np.all(g[4:] == 0)
    assert np.all(g[:4] != 0)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: stats.multivariate_normal.logpdf([1.0, 2.0], [0.0, 0.0], np.ones((2, 2))),
            np.linalg.LinAlgError,
            "multivariate_normal.logpdf: cov is not positive definite; pass allow_singular=True",
        ),
        (
            lambda: stats.multivariate_normal.pdf(
                [1.0, 2.0], None, [[1.0, 2.0], [2.0, 1.0]], allow_singular=True
            ),
            wg.WengertValueError,
            "multivariate_normal.pdf: cov has the negative eigenvalue -1",
        ),
        (
            lambda: stats.multivariate_normal.pdf([1.0, 2.0], [0.0, 0.0], np.eye(3)),
            wg.ShapeError,
            "cov must be a matrix of the shape (2, 2) since mean has 2 elements, got the shape (3,",
        ),
        (
            lambda: stats.multivariate_normal.pdf([1.0, 2.0], [0.0, 0.0, 0.0], np.eye(3)),
            wg.ShapeError,
            "multivariate_normal.pdf: x has vectors of 2 elements, and mean has 3",
        ),
        (
            lambda: stats.multivariate_normal.pdf([1.0, 2.0], np.zeros((2, 2)), 1.0),
            wg.ShapeError,
            "multivariate_normal.pdf: mean must be a vector, got the shape (2, 2)",
        ),
        (
            lambda: stats.dirichlet.logpdf([0.2, 0.8], [1.0, -1.0]),
            wg.WengertValueError,
            "dirichlet: all elements of alpha must be positive, got -1.0",
        ),
        (
            lambda: stats.dirichlet.logpdf([0.2, 0.8], [[1.0, 1.0]]),
            wg.ShapeError,
            "dirichlet: alpha must be a vector, got the shape (1, 2)",
        ),
        (
            lambda: stats.dirichlet.logpdf([0.2, 0.3, 0.2, 0.3], [1.0, 1.0]),
            wg.ShapeError,
            "dirichlet.logpdf: x must have 2 rows (as alpha has elements) or 1",
        ),
        (
            lambda: stats.dirichlet.pdf([0.2, 0.7], [1.0, 1.0]),
            wg.WengertValueError,
            "dirichlet: the shares must sum to 1, and they are off by 0.1",
        ),
        (
            lambda: stats.dirichlet.pdf([-0.2, 1.2], [1.0, 1.0]),
            wg.WengertValueError,
            "dirichlet: shares must be between 0 and 1, got -0.2 to 1.2",
        ),
        (
            lambda: stats.dirichlet.pdf([0.0, 1.0], [0.5, 1.0]),
            wg.WengertValueError,
            "dirichlet: a share is 0 and its alpha below 1",
        ),
        (
            lambda: stats.multinomial.pmf([1, 2], 3, [0.2, 0.3, 0.5]),
            wg.ShapeError,
            "the last axes of x and p must be equally long; their shapes are (2,) and (3,)",
        ),
    ],
)
def test_bad_arguments_are_explained(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=re.escape(message)):
        call()


def test_dirichlet_with_and_without_the_last_share() -> None:
    alpha = np.array([0.5, 2.0, 3.0])
    x = RNG.dirichlet([2.0, 2.0, 2.0], 4).T
    expected = scipy.stats.dirichlet.logpdf(x, alpha)
    np.testing.assert_allclose(stats.dirichlet.logpdf(x, alpha), expected, rtol=1e-12)
    np.testing.assert_allclose(stats.dirichlet.logpdf(x[:2], alpha), expected, rtol=1e-12)
    assert np.shape(stats.dirichlet.logpdf(x[:, 0], alpha)) == ()
    # A zero share is at the edge: the density there is 0 for alpha > 1.
    assert stats.dirichlet.pdf([0.0, 1.0], [2.0, 1.0]) == 0.0
    assert stats.dirichlet.entropy(alpha) == pytest.approx(scipy.stats.dirichlet.entropy(alpha))


def test_multinomial_outside_and_for_bad_parameters() -> None:
    x = np.array([[1, 2, 3], [0, 0, 6], [1, 1, 1], [-1, 3, 4]])
    p = np.array([0.2, 0.3, 0.5])
    found = stats.multinomial.logpmf(x, 6, p)
    np.testing.assert_allclose(found, scipy.stats.multinomial.logpmf(x, 6, p), rtol=1e-13)
    np.testing.assert_array_equal(np.isneginf(found), [False, False, True, True])
    assert stats.multinomial.pmf([1.5, 1.5], 3, [0.5, 0.5]) == 0.0
    assert stats.multinomial.pmf([2, 0], 2, [1.0, 0.0]) == 1.0
    assert np.isnan(stats.multinomial.pmf([2, 1], 3, [1.5, -0.5]))
    assert np.isnan(stats.multinomial.pmf([0, 0], -1, [0.5, 0.5]))
    g = wg.grad(lambda p: np.sum(stats.multinomial.pmf(x, 6, p)))(p)
    assert np.all(np.isfinite(g))
    with pytest.warns(RuntimeWarning, match="the last of them is adjusted"):
        adjusted = stats.multinomial.pmf([1, 2], 3, [0.4, 0.5])
    assert adjusted == pytest.approx(stats.multinomial.pmf([1, 2], 3, [0.4, 0.6]))


def test_vmap_over_distributions() -> None:
    means = RNG.normal(size=(4, 3))
    x = RNG.normal(size=3)
    found = wg.vmap(lambda m: stats.multivariate_normal.logpdf(x, m, COV))(means)
    expected = [scipy.stats.multivariate_normal.logpdf(x, m, COV) for m in means]
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    alphas = RNG.uniform(0.5, 2.0, (4, 3))
    shares = np.array([0.2, 0.3, 0.5])
    found = wg.vmap(lambda a: stats.dirichlet.logpdf(shares, a))(alphas)
    np.testing.assert_allclose(found, [scipy.stats.dirichlet.logpdf(shares, a) for a in alphas])
