"""Differences, integrals and interpolation: NumPy's values, and derivatives in every argument."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.testing import check_grads

from .test_reductions import X, assert_numpys


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_diff(n: int, axis: int) -> None:
    assert_numpys(np.diff, X[:, :, :3].repeat(2, 0), n, axis)
    assert_numpys(np.diff, X, 1, axis, prepend=0.5)
    assert_numpys(np.diff, X, 1, axis, prepend=X, append=2)
    assert_numpys(np.diff, (X * 4).astype(int), 1, axis)
    assert_numpys(np.diff, X > 0, 1, axis)


def test_diff_refuses() -> None:
    with pytest.raises(ValueError, match="non-negative"):
        np.diff(wg.Tensor(X), -1)
    with pytest.raises(ValueError, match="one dimensional"):
        np.diff(wg.Tensor(1.0))


def test_ediff1d() -> None:
    assert_numpys(np.ediff1d, X)
    assert_numpys(np.ediff1d, X, to_begin=1.0, to_end=[2.0, 3.0])
    assert_numpys(np.ediff1d, X.astype(np.float32), to_end=X[0])
    assert_numpys(np.ediff1d, X[:0])
    with pytest.raises(TypeError, match="same_kind"):
        np.ediff1d(wg.Tensor(X), to_end=1j)


PLACES = np.array([0.0, 1.0, 1.5, 3.0])


@pytest.mark.parametrize("edge_order", [1, 2])
def test_gradient(edge_order: int) -> None:
    x = np.concatenate([X, X * X])
    kwargs: Any = {"edge_order": edge_order}
    assert_numpys(np.gradient, x, axis=1, **kwargs)
    assert_numpys(np.gradient, x, 2.5, axis=-1, **kwargs)
    assert_numpys(np.gradient, x, PLACES, axis=-1, **kwargs)
    assert_numpys(np.gradient, x, np.arange(4), axis=-1, **kwargs)
    assert_numpys(np.gradient, x.astype(np.float32), PLACES, axis=-1, rtol=1e-5, **kwargs)
    assert_numpys(np.gradient, (x * 5).astype(int), axis=-1, **kwargs)
    found = np.gradient(wg.Tensor(x), 2.0, PLACES, axis=(1, 0), **kwargs)
    for a, b in zip(found, np.gradient(x, 2.0, PLACES, axis=(1, 0), **kwargs), strict=True):
        np.testing.assert_allclose(a.array, b)
    assert len(np.gradient(wg.Tensor(x), **kwargs)) == 3
    check_grads(lambda f, h: np.gradient(f, h, axis=-1, **kwargs), (X[0], PLACES))
    check_grads(lambda f, h: np.gradient(f, h, axis=-1, **kwargs), (X[0], np.array(0.5)))


def test_gradient_refuses() -> None:
    x = wg.Tensor(X)
    for args, kwargs in (
        ((1.0, 2.0), {}),
        ((np.ones((2, 2)),), {"axis": 0}),
        ((np.ones(3),), {"axis": 0}),
        ((), {"edge_order": 3}),
        ((), {"edge_order": 2}),
    ):
        with pytest.raises((TypeError, ValueError)) as numpys:
            np.gradient(X, *args, **kwargs)
        with pytest.raises(numpys.type, match="gradient") as ours:
            np.gradient(x, *args, **kwargs)
        assert isinstance(ours.value, wg.WengertError)


def test_trapezoid() -> None:
    for axis in (0, 1, -1):
        assert_numpys(np.trapezoid, X, dx=0.5, axis=axis)
        assert_numpys(np.trapezoid, X, X * X, axis=axis)
    assert_numpys(np.trapezoid, X, PLACES)
    assert_numpys(np.trapezoid, X, X[0, 0] ** 2)
    check_grads(lambda y, x: np.trapezoid(y, x), (X, PLACES))


KNOTS = np.array([0.0, 1.0, 2.5, 3.0])
VALUES = np.array([1.0, -2.0, 0.5, 4.0])
POINTS = np.array([[-0.5, 0.25, 1.0], [2.75, 3.0, 3.5]])


def test_interp_values() -> None:
    assert_numpys(np.interp, POINTS, KNOTS, VALUES)
    assert_numpys(np.interp, POINTS, KNOTS, VALUES, left=-1.0, right=7.0)
    assert_numpys(np.interp, POINTS, KNOTS, VALUES * 1j, left=-1.0)
    assert_numpys(np.interp, POINTS.astype(np.float32), KNOTS, VALUES.astype(np.float32))
    assert_numpys(np.interp, POINTS, KNOTS[[2, 0, 1, 3]], VALUES, period=2.25)
    assert_numpys(np.interp, POINTS, KNOTS[:1], VALUES[:1])
    assert_numpys(np.interp, POINTS, KNOTS[:1], VALUES[:1], left=0.0, right=9.0)
    assert_numpys(np.interp, POINTS[0, 1:2].reshape(()), KNOTS, VALUES)
    assert_numpys(np.interp, np.array([0.5, np.nan, np.inf]), KNOTS, VALUES)
    assert_numpys(np.interp, np.array([0.5, 1.0, 1.5]), np.array([0.0, 1.0, 1.0, 2.0]), VALUES)
    assert_numpys(np.interp, np.array([0.5, 1.0, 1.5]), np.array([0.0, 1.0, 1.0]), VALUES[:3])


def test_interp_derivatives() -> None:
    x, knots = np.array([-4.5, -2.0, 0.0, 1.8, 4.3]), np.array([-3.0, -1.0, 1.0, 2.8])
    check_grads(np.interp, (x, knots, VALUES), order=2)
    check_grads(lambda *a: np.interp(*a, period=9.0), (x[1:4], knots, VALUES), order=2)
    check_grads(
        lambda x, left, right: np.interp(x, knots, VALUES, left, right),
        (x, np.array(1.0), np.array(2.0)),
    )
    # At a knot: the slope on its right; at the last one, that on its left.
    slopes = np.diff(VALUES) / np.diff(KNOTS)
    found = wg.elementwise_grad(lambda x: np.interp(x, KNOTS, VALUES))(KNOTS)
    np.testing.assert_allclose(found, [*slopes, slopes[-1]])


def test_interp_batched() -> None:
    x = np.array([[0.3, 1.1], [2.6, -1.0]])
    knots = np.stack([KNOTS, KNOTS - 0.5])
    found = wg.vmap(np.interp, in_axes=(0, 0, None))(x, knots, VALUES)
    expected = [np.interp(p, k, VALUES) for p, k in zip(x, knots, strict=True)]
    np.testing.assert_allclose(found, expected)
    found = wg.vmap(np.interp, in_axes=(None, 0, None))(x, knots, VALUES)
    np.testing.assert_allclose(found, [np.interp(x, k, VALUES) for k in knots])


def test_interp_refuses() -> None:
    x = wg.Tensor(POINTS)
    for args in ((KNOTS, VALUES[:2]), (KNOTS[:0], VALUES[:0]), (KNOTS[None], VALUES[None])):
        with pytest.raises(ValueError, match=r"same length|empty|1-D"):
            np.interp(x, *args)
    with pytest.raises(ValueError, match="period"):
        np.interp(x, KNOTS, VALUES, period=0)
