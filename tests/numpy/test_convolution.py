"""Convolution, correlation, covariance: modes, options, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert as wg

from .compare import assert_numpys

RNG = np.random.default_rng(5)
A, V = RNG.normal(size=7), RNG.normal(size=4)
X = RNG.normal(size=(3, 6))


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("lengths", [(7, 4), (4, 7), (6, 6), (7, 1), (1, 1), (5, 2), (2, 5)])
def test_modes(mode: Any, lengths: tuple[int, int]) -> None:
    a, v = RNG.normal(size=lengths[0]), RNG.normal(size=lengths[1]) * (1 + 0.5j)
    for f in (np.convolve, np.correlate):
        assert_numpys(lambda x, f=f: f(x, v, mode), a, rtol=1e-13)  # type: ignore[misc]
        assert_numpys(lambda x, f=f: f(a, x, mode), v, rtol=1e-13)  # type: ignore[misc]


def test_errors() -> None:
    t = wg.Tensor(A, True)
    for f, error, message in (
        (lambda: np.convolve(t[:0], V), wg.ShapeError, r"np\.convolve: a cannot be empty"),
        (lambda: np.correlate(V, t[:0]), wg.ShapeError, r"np\.correlate: v cannot be empty"),
        (lambda: np.convolve(t, V, "no"), ValueError, "mode must be one of.*'no'"),
        (lambda: np.convolve(t.reshape(1, 7), V), wg.ShapeError, r"\(1, 7\).*vmap"),
        (lambda: np.correlate(t[0, ...], V), wg.ShapeError, "one dimension"),
    ):
        with pytest.raises(error, match=message):
            f()


WEIGHTS = np.array([0.5, 1.0, 2.0, 0.1, 0.7, 1.1])


@pytest.mark.parametrize(
    "f",
    [
        np.cov,
        lambda x: np.cov(x, bias=True),
        lambda x: np.cov(x, ddof=0),
        lambda x: np.cov(x, ddof=2, dtype=x.dtype),
        lambda x: np.cov(x.T, rowvar=False),
        lambda x: np.cov(x, x[::-1] ** 2),
        lambda x: np.cov(x[0], x[1:]),
        lambda x: np.cov(x[0]),
        lambda x: np.cov(x[0], rowvar=False),
        lambda x: np.cov(x, fweights=[1, 2, 1, 1, 3, 1]),
        lambda x: np.cov(x, aweights=WEIGHTS),
        lambda x: np.cov(x, aweights=WEIGHTS, fweights=[1, 2, 1, 1, 3, 1], ddof=0),
        lambda x: np.cov(x, aweights=WEIGHTS, fweights=[1, 2, 1, 1, 3, 1]),
        lambda x: np.cov(x[:0]),
        np.corrcoef,
        lambda x: np.corrcoef(x, x[:1] ** 2),
        lambda x: np.corrcoef(x[0]),
        lambda x: np.corrcoef(x.T, rowvar=False),
    ],
)
def test_covariances(f: Any) -> None:
    for x in (X, X[::-1, ::-1], X.astype(np.float32), X * (1 + 0.3j) + X**2):
        assert_numpys(f, x, rtol=1e-5 if x.dtype == np.float32 else 1e-6)


def test_covariance_errors() -> None:
    t = wg.Tensor(X, True)
    for f, error, message in (
        (lambda: np.cov(t, ddof=0.5), ValueError, "ddof must be integer"),
        (lambda: np.cov(t[None]), ValueError, r"np\.cov: m .*more than 2.*vmap"),
        (lambda: np.cov(t, t[:, :4]), wg.ShapeError, r"6 observations and y has 4"),
        (lambda: np.cov(t, fweights=[1, 2]), wg.ShapeError, "incompatible numbers"),
        (lambda: np.cov(t, aweights=X), wg.ShapeError, "multidimensional aweights"),
        (lambda: np.cov(t, aweights=-WEIGHTS), ValueError, "cannot be negative"),
        (lambda: np.cov(t, fweights=WEIGHTS), TypeError, "fweights must be integer"),
    ):
        with pytest.raises(error, match=message):
            f()
    with pytest.warns(RuntimeWarning, match="Degrees of freedom"), np.errstate(all="ignore"):
        np.cov(t[:, :1])


def test_correlations_beyond_one_keep_their_derivatives() -> None:
    """The diagonal is 1 whatever rounding says, and does not move."""
    for seed in range(20):
        x = np.random.default_rng(seed).normal(size=(3, 5))
        c = wg.value_and_grad(lambda x: np.sum(np.diagonal(np.corrcoef(x))))(x)
        np.testing.assert_allclose(c[0], 3.0, rtol=1e-15)
        np.testing.assert_allclose(c[1], 0, atol=1e-14)


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("function", [np.convolve, np.correlate])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_stacks_with_weights_that_are_not_finite(function: Any, mode: str) -> None:
    """Beyond the ends there is nothing, not zeros that would make NaN of an infinite weight."""
    a = np.array([1.0, 4.0, 0.0, -2.0, 3.0])
    for v in ([np.inf, 2.0, 1.0], [1.0, np.nan], [2.0, -np.inf, np.inf], [1.0, 2.0, 3.0]):
        expected = function(a, np.array(v), mode)
        stacked = wg.vmap(lambda a, v: function(a, v, mode))(a[None], np.array([v]))
        np.testing.assert_array_equal(stacked[0], expected)
        shared = wg.vmap(lambda a, v: function(a, v, mode), (0, None))(a[None], np.array(v))
        np.testing.assert_array_equal(shared[0], expected)
