"""A recorded sort has NumPy's values to the bit, and the cotangents of the record's rule."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.core.tape import NodeKind
from wengert.rules.fast_sorting import SORT
from wengert.rules.sorting import sort_p

RNG = np.random.default_rng(5)
LONG = RNG.normal(size=3000)


def _with(values: dict[int, float]) -> Any:
    x = LONG.copy()
    for place, value in values.items():
        x[place::7] = value
    return x


ARRAYS = {
    "distinct": LONG,
    "one row": LONG[None],
    "rows": LONG.reshape(30, 100),
    "many rows": LONG.reshape(5, 200, 3),
    "rows of one": LONG[:, None],
    "ties": np.round(LONG, 1),
    "all equal": np.ones(2000),
    "signed zeros": _with({0: 0.0, 1: -0.0}),
    "one zero of each sign": np.concatenate([[0.0], LONG, [-0.0]]),
    "infinities": _with({0: np.inf, 1: -np.inf}),
    "one infinity": np.concatenate([LONG, [np.inf]]),
    "NaN": _with({0: np.nan, 1: -np.nan}),
    "one NaN": np.concatenate([[np.nan], LONG]),
    "all infinite": np.full(2000, np.inf),
    "almost equal": 1 + LONG * 1e-14,
    "subnormal": LONG * 1e-310,
    "more than places fit": RNG.normal(size=70_000),
    "reversed": LONG[::-1],
    "every other": LONG[::2],
    "columns": LONG.reshape(30, 100).T,
    "short": LONG[:50],
    "empty": LONG[:0],
}


def _by_record(x: Any, ct: Any, axis: Any) -> Any:
    """The cotangent by the order, with the mean over what is equal."""
    flat = x.reshape(-1) if axis is None else np.moveaxis(x, axis, -1)
    ct = ct if axis is None else np.moveaxis(ct, axis, -1)
    g = np.empty(flat.shape, x.dtype)
    for row in np.ndindex(flat.shape[:-1]):
        values = flat[row]
        order = np.argsort(values, kind="stable")
        _, group, count = np.unique(
            values[order], return_inverse=True, return_counts=True, equal_nan=False
        )
        g[row][order] = (np.bincount(group, ct[row], len(count)) / count)[group]
    return g.reshape(x.shape) if axis is None else np.moveaxis(g, -1, axis)


def _check(x: Any, axis: Any) -> None:
    expected = np.sort(x, axis)
    ct = RNG.normal(size=expected.shape).astype(x.dtype)
    y, pullback = wg.vjp(lambda x: np.sort(x, axis), x)
    assert y.tobytes() == expected.tobytes()
    assert y.dtype == x.dtype
    assert y.strides == expected.strides
    (found,) = pullback(ct)
    assert found.dtype == x.dtype
    there = ~np.isnan(x)  # which of several NaN came first is NumPy's secret
    tolerance = 1e-13 if x.dtype == float else 1e-5
    by_record = _by_record(x, ct, axis)
    np.testing.assert_allclose(found[there], by_record[there], rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(np.sum(found), np.sum(ct), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", ARRAYS)
def test_values_and_cotangents(name: str, dtype: type) -> None:
    with np.errstate(invalid="ignore"):
        x = ARRAYS[name].astype(dtype, order="K")
    for axis in (-1, None, *range(x.ndim - 1)):
        _check(x, axis)


def _recorded(x: Any) -> tuple[NodeKind, Any]:
    y = np.sort(wg.Tensor(x, requires_grad=True))
    return y._n[1], y._n  # type: ignore[attr-defined]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_order_is_found_in_the_forward_pass(dtype: type) -> None:
    """Of distinct and of tied elements; of what the keys cannot tell, by the sweep."""
    for name, distinct in (("distinct", True), ("rows", True), ("ties", False)):
        kind, node = _recorded(ARRAYS[name].astype(dtype))
        assert kind is SORT
        assert node[8] is not None
        assert node[9] is distinct
    kind, node = _recorded(ARRAYS["almost equal" if dtype is np.float64 else "NaN"].astype(dtype))
    assert kind is SORT
    assert node[8] is None
    assert _recorded(ARRAYS["short"])[0] is sort_p.kind


def test_half_precision_and_integers() -> None:
    _check(np.round(LONG, 2).astype(np.float16).astype(np.float64), -1)
    half = LONG.astype(np.float16)
    assert _recorded(half)[0] is sort_p.kind
    np.testing.assert_array_equal(
        np.sort(wg.Tensor(np.arange(2000)[::-1])).numpy(), np.arange(2000.0)
    )
    swapped = LONG.astype(LONG.dtype.newbyteorder())
    w = np.arange(3000.0)
    found = wg.grad(lambda x: np.sum(np.sort(x) * w))(swapped)
    np.testing.assert_array_equal(found, wg.grad(lambda x: np.sum(np.sort(x) * w))(LONG))


def test_sorted_view_follows_writes() -> None:
    w = np.arange(2999.0)

    def f(x: Any) -> Any:
        y = x * 1.0
        v = y[1:]
        first = np.sum(np.sort(v) * w)
        y[5] = 100.0
        return first + np.sum(np.sort(v) * w)

    found = wg.grad(f)(LONG)
    order = np.argsort(LONG[1:])
    expected = np.zeros(3000)
    expected[1:][order] += w
    changed = LONG.copy()
    changed[5] = 100.0
    order = np.argsort(changed[1:])
    expected[1:][order] += w
    expected[5] -= w[-1]
    np.testing.assert_array_equal(found, expected)


def test_second_derivative_and_pullback_twice() -> None:
    w = RNG.normal(size=3000)
    v = RNG.normal(size=3000)
    y = LONG

    def f(x: Any) -> Any:
        return np.sum(w * np.sort(x) ** 3)

    order = np.argsort(y)
    expected = np.empty(3000)
    expected[order] = 6 * w * y[order] * v[order]
    np.testing.assert_allclose(wg.hvp(f, y, v), expected, rtol=1e-12)
    np.testing.assert_allclose(
        wg.grad(lambda x: np.sum(wg.grad(f)(x) * v))(y), expected, rtol=1e-12
    )
    _, pullback = wg.vjp(np.sort, y)
    np.testing.assert_array_equal(pullback(w)[0], pullback(w)[0])
