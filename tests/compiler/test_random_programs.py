"""Random programs, random nests and random products: compiled equals eager."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

import wengert as wg
from wengert.compiler.passes import products as matrix_products

from ..core.test_random_programs import loss_of, programs, text_of

pytest.importorskip("llvmlite")


@settings(max_examples=60, deadline=None, derandomize=True)
@given(programs())
def test_programs(case: Any) -> None:
    inputs, instructions = case
    loss, text = loss_of(instructions), text_of(instructions)
    gradient = wg.value_and_grad(loss, argnums=(0, 1))
    expected = gradient(*inputs)
    try:
        found = wg.jit(gradient)(*inputs)
    except wg.MutationError:
        return  # a write through a reshape that cannot be decided on shapes; see tests of vmap
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-10, atol=1e-10, err_msg=text)
    for a, b in zip(found[1], expected[1], strict=True):
        scale = float(np.abs(b).max(initial=1.0))
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-10 * scale, err_msg=text)


LENGTHS = (1, 2, 3, 5, 8, 13, 16, 17, 31, 64, 65)


@pytest.mark.parametrize("seed", range(25))
def test_reductions(seed: int) -> None:
    """Reductions of expressions with broadcasting, over any axes, with what follows them."""
    rng = np.random.default_rng(seed)
    shape = tuple(int(n) for n in rng.choice(LENGTHS, rng.integers(1, 4)))
    axes = tuple(int(d) for d in range(len(shape)) if rng.random() < 0.5)
    dtype = rng.choice([np.float64, np.float32])
    x = rng.normal(size=shape).astype(dtype)
    y = rng.normal(size=[n if rng.random() < 0.6 else 1 for n in shape]).astype(dtype)
    order = tuple(int(d) for d in rng.permutation(len(shape)))

    def f(x: Any, y: Any) -> Any:
        z = np.exp(x * y - 1) + x
        total = np.sum(z, axis=axes, keepdims=True)
        low = np.min(np.transpose(z, order) * 2, axis=0)
        return np.tanh(total * 0.1) + y, np.max(z[..., ::-1], axis=axes), z / total, low

    tolerance = 200 * float(np.finfo(dtype).eps)
    for a, b in zip(wg.jit(f)(x, y), f(x, y), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("blas", [False, True])
@pytest.mark.parametrize("seed", range(25))
def test_products(seed: int, blas: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Products of every size, layout and stack: by loops, and by BLAS."""
    if blas:
        monkeypatch.setattr(matrix_products, "_LEAST", {4: 1, 8: 1})
        monkeypatch.setattr(matrix_products, "_LEAST_SIDE", 1)
    rng = np.random.default_rng(seed)
    m, n, k = (int(v) for v in rng.choice([1, 2, 7, 9, 16, 33, 50, 70], 3))
    stack = (int(rng.integers(1, 4)),) if rng.random() < 0.3 else ()
    dtype = rng.choice([np.float64, np.float32])
    left = rng.normal(size=(*stack, k, m) if rng.random() < 0.5 else (*stack, m, k)).astype(dtype)
    right = rng.normal(size=(k, n) if rng.random() < 0.5 else (n, k)).astype(dtype)
    turned = left.shape[-2:] != (m, k), right.shape != (k, n)
    b = rng.normal(size=n).astype(dtype)

    def f(a: Any, c: Any, b: Any) -> Any:
        a = np.swapaxes(a, -1, -2) if turned[0] else a
        c = c.T if turned[1] else c
        y = np.tanh(a @ c + b)
        return y, np.swapaxes(y, -1, -2) @ a, y @ c.T, y.sum(0)

    tolerance = 2000 * float(np.finfo(dtype).eps)
    for got, expected in zip(wg.jit(f)(left, right, b), f(left, right, b), strict=True):
        assert got.dtype == expected.dtype
        np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)
