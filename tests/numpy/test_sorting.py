"""Sorting, searching, counting: NumPy's values; equal elements share derivatives evenly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.testing import check_grads

from .test_reductions import WITH_NAN, X, assert_numpys

TIED = np.array([2.0, 1.0, 2.0, 3.0, 1.0, 2.0])
MEANS = np.zeros((6, 6))  # the derivative of sorting TIED
MEANS[:2, [1, 4]] = 1 / 2
MEANS[2:5, [0, 2, 5]] = 1 / 3
MEANS[5, 3] = 1.0


@pytest.mark.parametrize("axis", [0, 1, -1, None])
def test_sort(axis: Any) -> None:
    assert_numpys(np.sort, X, axis)
    assert_numpys(np.sort, WITH_NAN, axis, kind="stable")
    assert_numpys(np.sort, (X * 3).astype(int), axis, stable=True)
    assert_numpys(np.sort, X + 1j * X[::-1], axis)
    assert_numpys(np.sort, X[:0], axis)
    for kth in (0, 2, -1, [0, 1]):
        if axis != 0:
            assert_numpys(np.partition, X, kth, axis)
            assert_numpys(np.partition, WITH_NAN, kth, axis)


def test_ties() -> None:
    for jacobian in (wg.jacfwd, wg.jacrev):
        np.testing.assert_allclose(jacobian(np.sort)(TIED), MEANS)
        for k in range(6):
            order = np.argsort(np.partition(TIED, k), kind="stable")
            expected = np.empty_like(MEANS)
            expected[order] = MEANS
            np.testing.assert_allclose(jacobian(lambda x, k=k: np.partition(x, k))(TIED), expected)
        np.testing.assert_allclose(jacobian(np.median)(TIED), MEANS[2:4].mean(0))
        np.testing.assert_allclose(jacobian(np.unique)(TIED), MEANS[[0, 2, 5]])
        np.testing.assert_allclose(jacobian(lambda x: np.quantile(x, 0.1))(TIED), MEANS[0])
        pairs = np.stack([TIED, 2 * TIED], 1)
        found = jacobian(lambda x: np.unique(x, axis=0)[:, 1])(pairs)[:, :, 1]
        np.testing.assert_allclose(found, jacobian(np.unique)(TIED))
    rows = np.stack([TIED, np.arange(6.0), TIED[::-1]])
    found = wg.vmap(wg.jacrev(np.sort))(rows)
    np.testing.assert_allclose(found, [wg.jacrev(np.sort)(r) for r in rows])
    np.testing.assert_allclose(found[1], np.eye(6))
    np.testing.assert_allclose(
        wg.jacrev(lambda x: np.sort(x, 0))(rows[:, :2].astype(np.float32)),
        wg.jacfwd(lambda x: np.sort(x, 0))(rows[:, :2].astype(np.float32)),
    )


def test_sort_in_place() -> None:
    t = wg.Tensor(X)
    assert t.sort(1) is None
    np.testing.assert_array_equal(t.array, np.sort(X, 1))
    t = wg.Tensor(X)
    t.partition(2)
    np.testing.assert_array_equal(t.array, np.partition(X, 2))

    def f(x: Any) -> Any:
        y = x * x
        y[1:].sort(axis=0)
        return y * x

    check_grads(f, (np.array([0.5, 3.0, 1.0, -2.0]),))
    with pytest.raises(wg.MutationError):
        wg.Tensor(X, True).sort()


@pytest.mark.parametrize("axis", [0, -1, None])
def test_positions(axis: Any) -> None:
    t = wg.Tensor(X, True)
    for found, expected in (
        (np.argsort(t, axis), np.argsort(X, axis)),
        (np.argsort(t, axis, stable=True), np.argsort(X, axis, stable=True)),
        (t.argsort(axis, kind="stable"), X.argsort(axis, kind="stable")),
        (np.argpartition(t, 1, axis), np.argpartition(X, 1, axis)),
        (t.argpartition(1, axis), X.argpartition(1, axis)),
    ):
        assert type(found) is np.ndarray
        np.testing.assert_array_equal(found, expected)


def test_lexsort() -> None:
    keys = np.round(X[0])
    np.testing.assert_array_equal(np.lexsort(wg.Tensor(keys)), np.lexsort(keys))
    np.testing.assert_array_equal(
        np.lexsort((wg.Tensor(keys), -keys), axis=0), np.lexsort((keys, -keys), axis=0)
    )
    found = wg.vmap(lambda a: np.lexsort((a, -a)))(keys)
    np.testing.assert_array_equal(found, [np.lexsort((a, -a)) for a in keys])


def test_searchsorted_and_digitize() -> None:
    edges = np.array([-1.0, 0.0, 0.0, 1.0])
    t = wg.Tensor(X, True)
    for side in ("left", "right"):
        expected = np.searchsorted(edges, X, side)
        np.testing.assert_array_equal(np.searchsorted(edges, t, side), expected)
        np.testing.assert_array_equal(np.searchsorted(wg.Tensor(edges), X, side), expected)
        np.testing.assert_array_equal(wg.Tensor(edges).searchsorted(X, side), expected)
        found = wg.vmap(lambda e, side=side: np.searchsorted(e, X, side))(
            np.stack([edges, edges + 1])
        )
        np.testing.assert_array_equal(found[1], np.searchsorted(edges + 1, X, side))
    sorter = np.array([3, 0, 2, 1])
    unsorted = np.empty(4)
    unsorted[sorter] = edges
    np.testing.assert_array_equal(
        np.searchsorted(wg.Tensor(unsorted), X, sorter=sorter), np.searchsorted(edges, X)
    )
    assert type(np.searchsorted(edges, wg.Tensor(0.5))) is np.int64
    for bins in (edges, edges[::-1]):
        for right in (False, True):
            np.testing.assert_array_equal(np.digitize(t, bins, right), np.digitize(X, bins, right))
    with pytest.raises(ValueError, match="monotonically"):
        np.digitize(t, [0, 1, 0])
    with pytest.raises(ValueError, match="side"):
        np.searchsorted(edges, t, "middle")


def test_unique() -> None:
    for x in (TIED, np.round(X), np.array([np.nan, 1.0, np.nan, 1.0]), X[:0]):
        assert_numpys(np.unique, x)
        assert_numpys(np.unique, x, equal_nan=False)
        found = np.unique(wg.Tensor(x, True), True, True, True)
        for a, b in zip(found, np.unique(x, True, True, True), strict=True):
            np.testing.assert_array_equal(a.array if isinstance(a, wg.Tensor) else a, b)
    rows = np.round(X[0])
    np.testing.assert_array_equal(np.unique(wg.Tensor(rows), axis=0), np.unique(rows, axis=0))
    with pytest.raises(wg.AbstractValueError):
        wg.vmap(np.unique)(rows)


def test_array_api_sets() -> None:
    for name in ("unique_all", "unique_counts", "unique_inverse"):
        function = getattr(np, name)
        for a, b in zip(function(wg.Tensor(TIED, True)), function(TIED), strict=True):
            np.testing.assert_array_equal(a.array if isinstance(a, wg.Tensor) else a, b)
    assert_numpys(np.unique_values, TIED)
    assert_numpys(np.union1d, TIED, np.array([[7.0, 1.0]]))
    slopes = wg.grad(lambda x, y: np.union1d(x, y)[0], argnums=(0, 1))(TIED, np.ones(2))
    np.testing.assert_allclose(slopes[0], [0, 0.25, 0, 0, 0.25, 0])
    np.testing.assert_allclose(slopes[1], [0.25, 0.25])


def test_bincount() -> None:
    i = np.array([0, 3, 3, 1])
    w = np.array([1.0, 2.0, 3.0, 4.0])
    np.testing.assert_array_equal(np.bincount(i, wg.Tensor(w), 6).array, np.bincount(i, w, 6))
    np.testing.assert_array_equal(wg.grad(lambda w: np.bincount(i, w)[3] ** 2)(w), [0, 10, 10, 0])
    with pytest.raises(ValueError, match="same length"):
        np.bincount(i, wg.Tensor(w[:2]))


def test_errors() -> None:
    t = wg.Tensor(X, True)
    for call in (lambda: np.sort(t, 3), lambda: np.argsort(t, -4), lambda: np.partition(t, 0, 5)):
        with pytest.raises(np.exceptions.AxisError):
            call()
    with pytest.raises(ValueError, match="out of bounds"):
        np.partition(t, 4)
    with pytest.raises(TypeError, match="integer"):
        np.partition(t, 1.5)
    with pytest.raises(ValueError, match="fields"):
        np.sort(t, order="f")
