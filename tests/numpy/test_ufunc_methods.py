"""The methods of ufuncs on Tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert as wg
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
