"""Numbers that an integer dtype does not have: compiled functions treat them as NumPy does."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import pytest

import wengert as wg

COMPARISONS = (
    operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne
)  # fmt: skip


@pytest.mark.parametrize("bound", [-1, 300, -(2**40), 2**63, 2**70])
@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int32, np.int64, np.uint64])
def test_comparisons_with_python_integers(dtype: Any, bound: int) -> None:
    x = np.array([0, 5, 100], dtype)

    def f(x: Any) -> Any:
        return [c(x, bound) for c in COMPARISONS] + [c(bound, x) for c in COMPARISONS]

    np.testing.assert_array_equal(wg.jit(f)(x), f(x))


def test_comparisons_of_signed_with_unsigned() -> None:
    x = np.array([0, 5, 2**63 + 5, 2**64 - 1], np.uint64)
    y = np.array([-1, 5, 7, -1], np.int64)

    def f(x: Any, y: Any) -> Any:
        return [c(x, y) for c in COMPARISONS] + [c(y, x) for c in COMPARISONS]

    np.testing.assert_array_equal(wg.jit(f)(x, y), f(x, y))


@pytest.mark.parametrize("bounds", [(-1, 300), (2, 300), (-7, 100), (2, 100), (None, 300)])
def test_clip_to_bounds_out_of_range(bounds: Any) -> None:
    x = np.array([0, 5, 200], np.uint8)
    y = wg.jit(lambda x: np.clip(x, *bounds))(x)
    assert y.dtype == np.uint8
    np.testing.assert_array_equal(y, np.clip(x, *bounds))


@pytest.mark.parametrize(
    "f",
    [lambda x: x + 300, lambda x: np.maximum(x, -1), lambda x: 256 * x],
    ids=["add", "maximum", "multiply"],
)
def test_arithmetic_with_too_large_numbers_is_an_error(f: Any) -> None:
    x = np.array([0, 5, 200], np.uint8)
    for g in (f, wg.jit(f)):
        with pytest.raises(OverflowError, match="out of bounds for uint8"):
            g(x)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int16])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_floats_are_cut_to_short_integers_as_by_numpy(kind: Any, dtype: Any) -> None:
    x = np.array([1.5, -1.5, 200, -200, 255.9, 256, 1e5, -3e4, 0, -0.5], kind)
    with np.errstate(invalid="ignore"):
        expected = x.astype(dtype)
    if np.array([-1.5, 300.0]).astype(np.uint8).tolist() != [255, 44]:
        pytest.skip("NumPy saturates on this processor")
    np.testing.assert_array_equal(wg.jit(lambda x: x.astype(dtype))(x), expected)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, bool, np.float32])
def test_einsum_sums_in_the_dtype_of_its_operands(dtype: Any) -> None:
    x = (np.arange(12).reshape(3, 4) * 20).astype(dtype)

    def f(x: Any) -> Any:
        return np.einsum("ij->i", x), np.einsum("ij,ik->j", x, x[:, :2]), np.einsum("ii", x[:, :3])

    for got, expected in zip(wg.jit(f)(x), f(x), strict=True):
        assert got.dtype == expected.dtype
        np.testing.assert_array_equal(got, expected)


def test_einsum_of_booleans_and_numbers_counts() -> None:
    x, y = np.ones((1, 3)), np.ones((5, 3), bool)

    def f(x: Any, y: Any) -> Any:
        return np.einsum("i...,i...->...", x, y)

    np.testing.assert_array_equal(wg.jit(f)(x, y), f(x, y))


def test_python_numbers_are_weak_in_at() -> None:
    def f(x: Any) -> Any:
        y = x.copy()
        np.add.at(y, [0, 0], 1)
        np.multiply.at(y, [1, 1], 2)
        return y

    x = np.array([1, 2, 3], np.uint8)
    got = wg.jit(f)(x)
    assert got.dtype == np.uint8
    np.testing.assert_array_equal(got, f(x))


def test_repeat_of_a_scalar_along_an_axis() -> None:
    y = wg.jit(lambda x: np.repeat(x.sum(), 2, axis=-1))(np.ones(3))
    np.testing.assert_array_equal(y, [3.0, 3.0])


def test_conjugates_of_booleans_are_integers() -> None:
    x = np.array([True, False])
    got = wg.jit(np.conjugate)(x)
    assert got.dtype == np.conjugate(x).dtype
    np.testing.assert_array_equal(got, np.conjugate(x))
