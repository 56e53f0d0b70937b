"""Operands of different precision: derivatives have that of the result, as NumPy promotes.

The operands of lower precision are exact numbers, so that the derivative must be the one at the
same numbers in double precision, to double precision: in forward mode along either operand, in
reverse mode for the operand that is double itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.special

import wengert as wg
from wengert.rules.at_infinity import SLOPES
from wengert.rules.pointwise import POINTWISE

rng = np.random.default_rng(7)
BINARY = sorted(
    name
    for name, p in POINTWISE.items()
    if p.partials is not None
    and len(p.partials) == 2
    and any(f is not None for f in p.partials)
    # SciPy's special functions have laws in single precision, and orders without a derivative.
    and not p.name.startswith("complex_")
    and p.name not in SLOPES  # partials call them, with operands of the result's precision
    and not hasattr(scipy.special, getattr(p.evaluate, "__name__", ""))
    and (hasattr(np, p.name) or not hasattr(scipy.special, p.name))
)
LOW = [np.float16, np.float32, np.bool_, np.int8, np.uint8, np.int16, np.int32, np.int64]


def values(dtype: Any) -> Any:
    if dtype is np.bool_:
        return np.array([True, False, True, True])
    if np.dtype(dtype).kind in "iu":
        return np.array([3, 7, 11, 101], dtype)  # 101 * 101 is too large for int8
    return rng.uniform(0.6, 1.7, 4).astype(dtype)


def function(name: str) -> Any:
    from wengert.core.bind import bind

    return lambda x, y: bind(POINTWISE[name], (x, y), {})


def is_defined(f: Any, x: Any, y: Any) -> bool:
    try:
        with np.errstate(all="ignore"):
            return bool(np.isfinite(f(x, y)).all() and f(x, y).dtype == np.float64)
    except TypeError:
        return False


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("low", LOW)
@pytest.mark.parametrize("position", [0, 1])
@pytest.mark.parametrize("kind", ["array", "scalar"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_pointwise(name: str, low: Any, position: int, kind: str) -> None:
    """``position`` is that of the operand of lower precision."""
    f = function(name)
    x, y = rng.uniform(0.6, 1.7, 4), values(low)
    if kind == "scalar":
        y = y[3]
    operands = (y, x) if position == 0 else (x, y)
    promoted = tuple(np.asarray(z, float)[()] for z in operands)
    if not is_defined(f, *operands) or not is_defined(f, *promoted):
        return  # ldexp takes integers and no floats there
    high = 1 - position

    def along(i: int, points: Any) -> Any:
        other = points[1 - i]
        g = (lambda v: f(v, other)) if i == 0 else (lambda v: f(other, v))
        return wg.jvp(g, (points[i],), (np.full_like(points[i], 0.75),))[1]

    def gradient(i: int, points: Any) -> Any:
        other = points[1 - i]
        return wg.grad(lambda v: np.sum(f(v, other) if i == 0 else f(other, v)))(points[i])

    # To a few units in the last place of double precision.
    for i in (high, position) if np.dtype(low).kind == "f" else (high,):
        got = along(i, operands)
        assert got.dtype == np.float64
        np.testing.assert_allclose(got, along(i, promoted), rtol=1e-13, atol=1e-15)
    for got, expected in (
        (gradient(high, operands), gradient(high, promoted)),
        (wg.vmap(lambda v: gradient(high, _with(operands, high, v)))(x[None])[0],
         gradient(high, promoted)),
    ):  # fmt: skip
        assert got.dtype == np.float64
        np.testing.assert_allclose(got, expected, rtol=1e-13, atol=1e-15)
    if np.dtype(low).kind == "f":
        got = gradient(position, operands)
        assert got.dtype == low
        eps = np.finfo(low).eps
        np.testing.assert_allclose(got, gradient(position, promoted), rtol=2 * eps, atol=eps / 1e3)


def _with(operands: Any, i: int, v: Any) -> Any:
    return (v, operands[1]) if i == 0 else (operands[0], v)


OPERATORS = {
    "div": (lambda x, y: x / y),
    "pow": (lambda x, y: x**y),
    "mul": (lambda x, y: x * y),
    "logaddexp": np.logaddexp,
}


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("kinds", ["tensors", "array", "scalar"])
@pytest.mark.parametrize("mode", ["backward", "jvp", "second"])
def test_fast_paths(name: str, kinds: str, mode: str) -> None:
    f = OPERATORS[name]
    x, y = rng.uniform(0.6, 1.7, 4), values(np.float32)
    if kinds == "scalar":
        y = y[2]
    for a, b in ((x, y), (y, x)):
        a64, b64 = np.asarray(a, float)[()], np.asarray(b, float)[()]
        for i in (0, 1):
            if mode == "jvp":
                got = _jvp(f, a, b, i)
                np.testing.assert_allclose(got, _jvp(f, a64, b64, i), rtol=1e-13)
                continue
            got = _gradient(f, a, b, i, kinds, mode)
            expected = _gradient(f, a64, b64, i, kinds, mode)
            own = (a, b)[i].dtype
            assert got.dtype == own
            np.testing.assert_allclose(got, expected, rtol=4 * np.finfo(own).eps)


def _jvp(f: Any, a: Any, b: Any, i: int) -> Any:
    g = (lambda v: f(v, b)) if i == 0 else (lambda v: f(a, v))
    point = (a, b)[i]
    return wg.jvp(g, (point,), (np.ones_like(point),))[1]


def _gradient(f: Any, a: Any, b: Any, i: int, kinds: str, mode: str) -> Any:
    operands = [a, b]
    leaf = operands[i] = wg.Tensor(operands[i], requires_grad=True)
    if kinds == "tensors":
        operands[1 - i] = wg.Tensor(operands[1 - i])
    y = np.sum(f(*operands))
    y.backward(create_graph=mode == "second")
    if mode == "backward":
        return leaf.grad
    g = leaf.grad
    leaf.zero_grad()
    if not isinstance(g, wg.Tensor) or not g.requires_grad:
        return np.zeros(leaf.shape, leaf.dtype)  # mul: the gradient is constant
    np.sum(g).backward()
    return leaf.grad


def test_division_by_single_precision() -> None:
    """Regression: ``1 / y`` was computed in single precision, and cost half of the digits."""
    x, y = np.array([1.0]), np.array([3.0], np.float32)
    assert wg.jvp(lambda v: v / y, (x,), (np.ones(1),))[1][0] == 1 / 3


def test_squares_of_small_integers() -> None:
    """Regression: ``y * y`` overflowed in the derivative of arctan2."""
    x, y = np.array([2.0]), np.array([100], np.int8)
    assert wg.grad(lambda v: np.sum(np.arctan2(v, y)))(x)[0] == 100 / (4.0 + 10000.0)


def test_complex_and_real_operands() -> None:
    z, y = np.array([1 + 2j]), np.array([0.3], np.float32)
    for f in (lambda v, w: v / w, lambda v, w: v**w):
        got = wg.jvp(lambda v, f=f: f(v, y), (z,), (np.ones(1, complex),))[1]
        expected = wg.jvp(lambda v, f=f: f(v, y.astype(float)), (z,), (np.ones(1, complex),))[1]
        assert got.dtype == complex
        np.testing.assert_allclose(got, expected, rtol=1e-14)
