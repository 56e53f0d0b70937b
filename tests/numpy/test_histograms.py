"""Histograms: NumPy's values, and derivatives in weights and in edges chosen from the data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert as wg

X = np.random.default_rng(3).normal(size=(2, 3, 4))
SAMPLE = np.array([0.1, 0.2, 0.7, 0.9, 2.0, np.nan])
OPTIONS: Any = (
    {},
    {"bins": 5},
    {"bins": "fd"},
    {"bins": [-1.0, 0.0, 2.0], "density": True},
    {"range": (-1, 1)},
    {"range": (-1, 1), "density": True},
)


def plain(x: Any) -> Any:
    return x.array if isinstance(x, wg.Tensor) else np.asarray(x)


@pytest.mark.parametrize("options", OPTIONS)
def test_values_are_numpys(options: Any) -> None:
    w = np.linspace(0.5, 2.0, X.size).reshape(X.shape)
    for weights in (None, w) if options.get("bins") != "fd" else (None,):
        found = np.histogram(
            wg.Tensor(X, True), weights=None if weights is None else wg.Tensor(w), **options
        )
        expected = np.histogram(X, weights=weights, **options)
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(plain(a), b, rtol=1e-14)
            assert plain(a).dtype == b.dtype


def test_counts_are_plain() -> None:
    t = wg.Tensor(X, True)
    assert type(np.histogram(t)[0]) is np.ndarray
    assert type(np.histogramdd(t[0].T)[0]) is np.ndarray
    f = lambda x: np.sum(x) * np.histogram(x, [-1.0, 0.0, 1.0])[0].sum()  # noqa: E731
    assert np.all(wg.grad(f)(X) == ((X >= -1) & (X <= 1)).sum())


@pytest.mark.parametrize("density", [False, True])
def test_several_dimensions(density: bool) -> None:
    x, y = X[0, 0], X[1, 1]
    w = np.array([1.0, 2.0, 0.5, 3.0])
    for bins in (3, (2, 3), [2, [-2.0, 0.0, 2.0]], [[-2.0, 0.0, 2.0], 4], np.linspace(-3, 3, 5)):
        found = np.histogram2d(wg.Tensor(x), y, bins, density=density, weights=wg.Tensor(w))
        expected = np.histogram2d(x, y, bins, density=density, weights=w)
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(plain(a), b, rtol=1e-14)
    matrix = X.reshape(8, 3)
    for sample in (matrix, [matrix[:, 0], matrix[:, 1]], matrix[:, 0]):
        tensors = [wg.Tensor(c) for c in sample] if isinstance(sample, list) else wg.Tensor(sample)
        found = np.histogramdd(tensors, 3, density=density)
        expected = np.histogramdd(sample, 3, density=density)
        np.testing.assert_allclose(plain(found[0]), expected[0], rtol=1e-14)
        for a, b in zip(found[1], expected[1], strict=True):
            np.testing.assert_allclose(plain(a), b, rtol=1e-14)


def test_derivatives() -> None:
    w = np.arange(1.0, 7.0)
    sums = lambda w: np.histogram(SAMPLE, [0.0, 0.2, 0.8, 0.9], weights=w)[0]  # noqa: E731
    np.testing.assert_array_equal(
        wg.jacobian(sums)(w), [[1, 0, 0, 0, 0, 0], [0, 1, 1, 0, 0, 0], [0, 0, 0, 1, 0, 0]]
    )
    # Edges chosen from the data go with the smallest and the largest element.
    edges = wg.jacobian(lambda x: np.histogram(x, 2)[1])(np.array([2.0, 0.0, 5.0]))
    np.testing.assert_array_equal(edges, [[0, 1, 0], [0, 0.5, 0.5], [0, 0, 1]])
    equal = wg.jacobian(lambda x: np.histogram_bin_edges(x, 1))(np.ones(2))
    np.testing.assert_array_equal(equal, [[0.5, 0.5], [0.5, 0.5]])


def test_batches() -> None:
    rows, weights = X[0], X[1] ** 2
    for f in (
        lambda x, w: np.histogram(x, 3, weights=w),
        lambda x, w: np.histogram(x, 3, (-1, 1), density=True),
        lambda x, w: np.histogramdd([x, w], (3, 2), density=True)[:1],
        lambda x, w: np.histogram2d(x, w, 2, weights=w),
    ):
        batched = wg.vmap(f)(rows, weights)
        for i in range(3):
            for a, b in zip(batched, f(rows[i], weights[i]), strict=True):
                np.testing.assert_allclose(a[i], b, rtol=1e-14)


def test_errors() -> None:
    t = wg.Tensor(X[0], True)
    for call, message in (
        (lambda: np.histogram(t, weights=t[0]), "same shape as a"),
        (lambda: np.histogram(t, [2.0, 1.0]), "increase monotonically"),
        (lambda: np.histogram(t * np.nan), "not finite"),
        (lambda: np.histogram(t, 0), "positive"),
        (lambda: np.histogram2d(t[0], t[1, :2]), "same length"),
        (lambda: np.histogramdd(t, [2, 2]), "bins has 2 entries for a sample of 4 dimensions"),
        (lambda: np.histogramdd(t, weights=t[0]), "expected one for each"),
        (lambda: np.histogramdd([t[0], t[1, :2]]), "d vectors of one length"),
        (lambda: np.histogram2d(t, t, weights=t), "d vectors of one length"),
        (lambda: np.histogram_bin_edges(t, "auto", weights=t), "not supported"),
    ):
        with pytest.raises(wg.WengertError, match=message) as caught:
            call()
        assert isinstance(caught.value, ValueError)
    with pytest.raises(wg.AbstractValueError, match="chosen from the data"):
        wg.vmap(lambda x: np.histogram(x, "auto")[0])(X[0])
