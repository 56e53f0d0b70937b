"""Values, dtypes and errors of the running reductions are NumPy's; their derivatives are exact."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert as wg

from .test_reductions import WITH_NAN, X, assert_numpys


@pytest.mark.parametrize("function", [np.cumsum, np.cumprod, np.nancumsum, np.nancumprod])
@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_values(function: Any, axis: Any) -> None:
    assert_numpys(function, X, axis=axis)
    assert_numpys(function, X.astype(np.float32), axis=axis, rtol=1e-5)
    assert_numpys(function, WITH_NAN, axis=axis)
    assert_numpys(function, (X * 5).astype(np.int8), axis=axis)
    assert_numpys(function, (X * 5).astype(np.int8), axis=axis, dtype=np.int8)
    assert_numpys(function, X.astype(np.float32), axis=axis, dtype=np.float64)
    assert_numpys(function, X + 1j, axis=axis)
    assert_numpys(function, X[0, 0, :1].reshape(()))
    assert_numpys(function, X[:0], axis=axis)


@pytest.mark.parametrize("ufunc", [np.add, np.multiply, np.maximum, np.minimum])
def test_accumulate(ufunc: Any) -> None:
    for axis in (0, 1, -1):
        assert_numpys(ufunc.accumulate, X, axis)
        assert_numpys(ufunc.accumulate, WITH_NAN, axis=axis)
        assert_numpys(ufunc.accumulate, (X * 5).astype(np.int32), axis=axis)
    assert_numpys(ufunc.accumulate, X.astype(np.float32), dtype=np.float64)
    out = wg.Tensor(np.zeros_like(X))
    assert ufunc.accumulate(wg.Tensor(X, True), 1, out=out) is out
    np.testing.assert_allclose(out.array, ufunc.accumulate(X, 1))


@pytest.mark.skipif(not hasattr(np, "cumulative_sum"), reason="NumPy 2.1")
@pytest.mark.parametrize("name", ["cumulative_sum", "cumulative_prod"])
def test_cumulative(name: str) -> None:
    function = getattr(np, name)
    assert_numpys(function, X[0, 0])
    assert_numpys(function, X, axis=1)
    assert_numpys(function, X, axis=-1, include_initial=True)
    assert_numpys(function, (X * 5).astype(int), axis=-1, include_initial=True, dtype=float)
    with pytest.raises(ValueError, match="axis"):
        function(wg.Tensor(X))


def test_methods_and_out() -> None:
    t = wg.Tensor(X, True)
    np.testing.assert_allclose(t.cumsum(1).array, X.cumsum(1))
    np.testing.assert_allclose(t.cumprod().array, X.cumprod())
    out = wg.Tensor(np.zeros(24))
    assert np.cumsum(t, out=out) is out
    np.testing.assert_allclose(out.array, np.cumsum(X))
    with pytest.raises(np.exceptions.AxisError):
        np.cumsum(t, axis=3)
    with pytest.raises(TypeError):
        np.cumsum(t, axis=(0, 1))


@pytest.mark.parametrize("n", [1, 2, 3, 7, 8, 9])
def test_cumprod_at_zeros(n: int) -> None:
    x = np.random.default_rng(n).normal(size=n)
    x[n // 3] = 0.0
    x[n // 2] = 0.0
    expected = np.array(
        [[np.prod(np.delete(x[: k + 1], i)) if i <= k else 0.0 for i in range(n)] for k in range(n)]
    )
    np.testing.assert_allclose(wg.jacfwd(np.cumprod)(x), expected)
    np.testing.assert_allclose(wg.jacrev(np.cumprod)(x), expected)


def test_running_extremum_shares_ties() -> None:
    x = np.array([1.0, 3.0, 2.0, 3.0, 3.0, 5.0, 1.0, 5.0])
    expected = np.zeros((8, 8))
    for k in range(8):
        winners = x[: k + 1] == x[: k + 1].max()
        expected[k, : k + 1] = winners / winners.sum()
    np.testing.assert_allclose(wg.jacrev(np.maximum.accumulate)(x), expected)
    np.testing.assert_allclose(wg.jacfwd(np.maximum.accumulate)(x), expected)
    np.testing.assert_allclose(wg.jacrev(np.minimum.accumulate)(-x), expected)


def test_running_extremum_of_nan_passes_the_derivative_to_nan() -> None:
    x = np.array([2.0, np.nan, 3.0])
    np.testing.assert_allclose(
        wg.jacrev(np.maximum.accumulate)(x), [[1, 0, 0], [0, 1, 0], [0, 1, 0]]
    )
    x = np.array([2.0, -np.inf, np.inf, 3.0])
    np.testing.assert_allclose(wg.jacrev(np.maximum.accumulate)(x)[3], [0, 0, 1, 0])
