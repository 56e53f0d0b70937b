"""What jit refuses: writes that the compiled function would not do, arrays that are none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg

pytest.importorskip("llvmlite")

Function = Callable[..., Any]
X = np.linspace(-1.0, 1.0, 6).reshape(2, 3)
W, OUT = np.ones(3), np.zeros((2, 3))


def _sorts(x: Any) -> Any:
    W.sort()
    return x * W


def _counts_through_a_view(x: Any) -> Any:
    tail = W[1:]
    tail += 1
    return x * W


def _hands_out(x: Any) -> Any:
    return np.sin(x, out=OUT)


@pytest.mark.parametrize("f", [_sorts, _counts_through_a_view, _hands_out])
def test_writes_into_a_captured_array_are_refused(f: Function) -> None:
    before = W.copy(), OUT.copy()
    with pytest.raises(wg.MutationError) as raised:
        wg.jit(f)(X)
    shape = OUT.shape if f is _hands_out else W.shape
    assert str(raised.value) == (
        f"jit of {f.__name__}: the function writes into an array of shape {shape} that it "
        "captured, which the compiled function would not do. Pass the array as an argument "
        "and return it (with donate_argnums it is overwritten in place), or write into a copy"
    )
    assert np.array_equal(before[0], W)
    assert np.array_equal(before[1], OUT)


def test_writes_into_a_captured_tensor_are_refused() -> None:
    p = wg.Tensor(np.ones(3))

    def step(x: Any) -> Any:
        nonlocal p
        p -= x.sum()
        return x

    with pytest.raises(wg.MutationError, match="writes into an array of shape"):
        wg.jit(step)(X)


def test_writes_into_a_copy_of_a_captured_array_are_not() -> None:
    def f(x: Any) -> Any:
        d = W.copy()
        d[0] = x[0, 0]
        return d * x

    assert np.array_equal(wg.jit(f)(X), f(X))


@pytest.mark.filterwarnings("ignore:the matrix subclass")
@pytest.mark.parametrize("kind", [np.ma.masked_array, np.matrix])
def test_arrays_whose_operations_differ_are_refused(kind: Any) -> None:
    x = kind([[1.0, 2.0]])
    with pytest.raises(wg.WengertTypeError, match=f"a {type(x).__name__} is no operand of wengert"):
        wg.jit(lambda x: x + 1)(x)


def test_a_selection_by_a_mask_as_a_result_is_refused_once() -> None:
    with pytest.raises(wg.AbstractValueError) as raised:
        wg.jit(lambda x: x[x > 0])(X)
    assert str(raised.value).startswith("jit of <lambda>: a result x[mask]: how many elements")
