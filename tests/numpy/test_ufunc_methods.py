"""The methods of ufuncs on Tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.core.tensor import handle
from wengert.testing import check_grads

from .test_reductions import MASK, X, assert_numpys


@pytest.mark.parametrize(
    "ufunc", [np.add, np.multiply, np.maximum, np.minimum, np.fmax, np.fmin, np.logaddexp]
)
def test_reduce(ufunc: Any) -> None:
    assert_numpys(ufunc.reduce, X)
    for axis in (1, -1, None, (0, 2), ()):
        assert_numpys(ufunc.reduce, X, axis=axis)
        assert_numpys(ufunc.reduce, X, axis=axis, keepdims=True)
        assert_numpys(ufunc.reduce, X, axis=axis, initial=0.5)
        assert_numpys(ufunc.reduce, X, axis=axis, initial=0.5, where=MASK)
    assert_numpys(ufunc.reduce, X.astype(np.float32), dtype=np.float64)
    assert_numpys(ufunc.reduce, X.astype(np.float32), rtol=1e-5)
    out = wg.Tensor(np.zeros((3, 4)))
    assert ufunc.reduce(wg.Tensor(X, True), out=out) is out
    np.testing.assert_allclose(out.array, ufunc.reduce(X))


@pytest.mark.parametrize("ufunc", [np.logical_and, np.logical_or, np.logical_xor])
def test_logical_reduce(ufunc: Any) -> None:
    x = np.where(X > 0, X, 0.0)
    for axis in (0, -1, None):
        for keepdims in (False, True):
            found = ufunc.reduce(wg.Tensor(x, True), axis=axis, keepdims=keepdims)
            np.testing.assert_array_equal(found, ufunc.reduce(x, axis=axis, keepdims=keepdims))
            found = ufunc.reduce(wg.Tensor(x, True), axis=axis, keepdims=keepdims, where=MASK)
            np.testing.assert_array_equal(
                found, ufunc.reduce(x, axis=axis, keepdims=keepdims, where=MASK)
            )
            assert not isinstance(found, wg.Tensor)


def test_logaddexp_reduce_at_the_limits() -> None:
    inf = np.inf
    for x in ([-inf, 1.0], [1000.0, 1001.0], [-inf, -inf], [inf, 1.0], [-1e4, -1e4]):
        assert_numpys(np.logaddexp.reduce, np.array(x))
    np.testing.assert_allclose(wg.grad(np.logaddexp.reduce)(np.array([1e3, 1e3])), [0.5, 0.5])
    np.testing.assert_allclose(wg.grad(np.logaddexp.reduce)(np.array([-inf, 1.0])), [0, 1])
    assert_numpys(np.logaddexp.reduce, np.zeros((0, 2)))


PLANE = X[0]
NARROW: list[tuple[Any, Any]] = [
    (f, out)
    for f in (np.sum, np.prod, np.mean, np.max, np.min, np.var, np.median, np.nansum,
              np.nanmax, np.cumsum, np.cumprod, np.add.reduce, np.multiply.reduce, np.hypot.reduce,
              np.maximum.reduce, np.subtract.reduce, np.add.accumulate, np.multiply.accumulate,
              np.maximum.accumulate, np.logaddexp.accumulate)
    for out in (np.float32, np.int64, np.int8, np.bool_, np.float64, np.complex128)
    if not (out is np.complex128 and f in (np.hypot.reduce, np.logaddexp.accumulate, np.mean,
                                           np.var, np.median))
]  # fmt: skip


@pytest.mark.parametrize(("function", "dtype"), NARROW)
def test_reductions_into_an_output_of_any_dtype(function: Any, dtype: Any) -> None:
    """Regression: NumPy casts the result of a reduction to the dtype of ``out``; that was refused.

    A wider one is what the sum is computed in.
    """
    for x in (PLANE, PLANE.astype(np.float32), np.arange(12).reshape(3, 4)):
        shape = np.shape(function(x, 0))
        expected = function(x, 0, out=np.zeros(shape, dtype))
        out = handle(np.zeros(shape, dtype), None, None)
        assert function(handle(x, None, None), 0, out=out) is out
        assert out.dtype == dtype
        np.testing.assert_allclose(out.array, expected, rtol=1e-6)
        if x.dtype == np.float32 and dtype is np.float64 and function is not np.hypot.reduce:
            wide = function(x.astype(float), 0)
            if function not in (np.nansum,):
                np.testing.assert_allclose(out.array, wide, rtol=1e-13, atol=1e-15)


def test_reductions_keep_imaginary_parts() -> None:
    with pytest.raises(wg.WengertTypeError, match="cannot cast the result from complex128"):
        np.sum(wg.Tensor(PLANE + 1j), 0, out=wg.Tensor(np.zeros(4)))


def test_derivative_through_an_output() -> None:
    def f(x: Any, dtype: Any) -> Any:
        out = wg.numpy.zeros(4, dtype)
        np.sum(x * x, 0, out=out)
        return np.sum(out)

    np.testing.assert_allclose(wg.grad(lambda x: f(x, np.float64))(PLANE), 2 * PLANE)
    np.testing.assert_allclose(wg.grad(lambda x: f(x, np.float32))(PLANE), 2 * PLANE, rtol=1e-6)
    with pytest.raises(wg.MutationError, match="create the destination with a float dtype"):
        wg.grad(lambda x: f(x, np.int64))(PLANE)


@pytest.mark.parametrize("ufunc", [np.add, np.multiply, np.maximum])
@pytest.mark.parametrize("dtype", [bool, np.int8, np.int64, np.float32, float, complex])
def test_accumulate_has_the_dtype_asked_for(ufunc: Any, dtype: Any) -> None:
    """Regression: running sums of booleans and small integers were integers of 64 bits."""
    for x in (PLANE, np.arange(12).reshape(3, 4), PLANE > 0):
        expected = ufunc.accumulate(x, 1, dtype)
        found = ufunc.accumulate(handle(x, None, None), 1, dtype)
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found.array, expected, rtol=1e-6)


def test_a_logarithm_is_no_integer() -> None:
    """Regression: an error about infinity."""
    with pytest.raises(wg.WengertTypeError, match="dtype=int64 is not real floats"):
        np.logaddexp.reduce(wg.Tensor(PLANE), dtype=np.int64)


def test_methods_without_a_rule_say_so() -> None:
    """A ufunc of somebody else has no rule, so its methods have none."""
    theirs = np.frompyfunc(lambda a, b: a + b, 2, 1)
    for method, args in (("reduce", ()), ("accumulate", ()), ("at", ([0], 1.0))):
        with pytest.raises(wg.NoRuleError, match=method):
            getattr(theirs, method)(wg.Tensor(X, True), *args)


@pytest.mark.parametrize("indices", [[0, 2], [0, 3, 1, 2], [3, 3, 0], [1], []])
def test_reduceat(indices: Any) -> None:
    indices = np.array(indices, int)
    assert_numpys(np.add.reduceat, X[0, :, 0].repeat(2), indices)
    assert_numpys(np.add.reduceat, X.swapaxes(1, 2), indices, axis=1)
    assert_numpys(np.add.reduceat, X.astype(np.float32), indices, axis=-1, dtype=np.float64)


def test_reduceat_checks_its_indices() -> None:
    for bad in ([0, 4], [-1]):
        with pytest.raises(IndexError, match="out of bounds"):
            np.add.reduceat(wg.Tensor(np.ones(4)), bad)


def test_outer() -> None:
    a, b = X[0, 0], X[:, :, 0]
    for ufunc in (np.add, np.multiply, np.subtract, np.maximum, np.power):
        expected = ufunc.outer(np.abs(a), b)
        found = ufunc.outer(wg.Tensor(np.abs(a), True), b)
        np.testing.assert_allclose(found.array, expected)
        assert found.requires_grad
        np.testing.assert_allclose(ufunc.outer(np.abs(a), wg.Tensor(b)).array, expected)
    np.testing.assert_array_equal(np.less.outer(wg.Tensor(a), b), np.less.outer(a, b))
    np.testing.assert_allclose(np.add.outer(wg.Tensor(a), 2.0).array, a + 2.0)


@pytest.mark.parametrize("ufunc", [np.add, np.subtract, np.multiply, np.maximum, np.true_divide])
@pytest.mark.parametrize(
    ("index", "shape"),
    [
        ([0, 2, 2, 0, 2], (5,)),
        (np.array([], int), (0, 3)),
        (([0, 1, 1], [2, 2, 2]), (3,)),
        (slice(1, None), (2, 3)),
        ([[0, 0], [1, 0]], (2, 2, 3)),
        (np.array([True, False, True]), (2, 3)),
    ],
)
def test_at(ufunc: Any, index: Any, shape: Any) -> None:
    rng = np.random.default_rng(3)
    x, v = rng.uniform(1, 2, size=(3, 3)), rng.uniform(1, 2, size=shape)
    if shape == (5,):
        v = v[:, None]
    expected = x.copy()
    ufunc.at(expected, index, v)

    def f(x: Any, v: Any) -> Any:
        y = x * 1.0
        ufunc.at(y, index, v)
        return y

    np.testing.assert_allclose(f(wg.Tensor(x), v).array, expected)
    check_grads(f, (x, v), order=2)


def test_at_with_broadcasting_and_without_operand() -> None:
    x = np.array([1.0, 2.0, 3.0])
    for ufunc, operands in ((np.add, (2.0,)), (np.multiply, (2.0,)), (np.negative, ())):
        expected = x.copy()
        ufunc.at(expected, [0, 0, 1], *operands)
        t = wg.Tensor(x)
        ufunc.at(t, [0, 0, 1], *operands)
        np.testing.assert_array_equal(t.array, expected)


def test_at_into_a_plain_array() -> None:
    with pytest.raises(wg.MutationError, match="plain array"):
        wg.grad(lambda x: np.add.at(np.zeros(3), [0], x))(np.ones(1))


@pytest.mark.parametrize("given", [np.bool_, np.uint8, np.uint16, np.uint64, np.int8, np.float32])
@pytest.mark.parametrize("into", [np.float32, np.float64, np.int32, np.uint8, np.complex128])
def test_subtract_at_of_other_dtypes(into, given):
    """Regression: unsigned numbers were negated in their own dtype; booleans were refused."""
    if not np.can_cast(np.result_type(into, given), into, "same_kind"):
        pytest.skip("NumPy does not store that")
    a, b, places = np.full(4, 10, into), np.array([1, 3, 0], given), np.array([0, 2, 0])

    def f(a, b):
        y = a.copy()
        np.subtract.at(y, places, b)
        return y

    expected = f(a, b)
    for found in (wg.jit(f)(a, b), wg.vmap(f)(a[None], b[None])[0]):
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)
