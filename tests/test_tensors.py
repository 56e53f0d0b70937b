"""Tensor's operations as functions, and what hand-written operations are made with."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert import tensors
from wengert.tensors import Tensor, broadcast_grad_accumulate, ensure_tensor

A = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
B = np.array([[8.0, 2.0, 5.0]])


class TestFunctions:
    @pytest.mark.parametrize(
        ("name", "reference"),
        [
            ("add", operator.add),
            ("sub", operator.sub),
            ("mul", operator.mul),
            ("div", operator.truediv),
        ],
    )
    def test_binary(self, name: str, reference: Any) -> None:
        f = getattr(tensors, name)
        for a, b in ((Tensor(A, True), Tensor(B)), (Tensor(A), B), (A, Tensor(B, True)), (A, B)):
            out = f(a, b)
            assert isinstance(out, Tensor)
            np.testing.assert_array_equal(out.array, reference(A, B))
            assert out.requires_grad is any(
                isinstance(t, Tensor) and t.requires_grad for t in (a, b)
            )
        assert float(f(3, 2)) == reference(3.0, 2.0)

    def test_matmul(self) -> None:
        a, b = Tensor(A, True), Tensor(B.T, True)
        out = tensors.matmul(a, b)
        np.testing.assert_array_equal(out.array, A @ B.T)
        out.backward()
        np.testing.assert_array_equal(b.grad, A.sum(axis=0)[:, None])
        np.testing.assert_array_equal(tensors.matmul(A, B.T).array, A @ B.T)
        with pytest.raises(wg.ShapeError, match=r"matmul: shapes \(2, 3\) and \(1, 3\)"):
            tensors.matmul(a, B)

    @pytest.mark.parametrize("name", ["exp", "log"])
    def test_unary(self, name: str) -> None:
        for a in (Tensor(A, True), A, A.tolist()):
            out = getattr(tensors, name)(a)
            assert isinstance(out, Tensor)
            np.testing.assert_array_equal(out.array, getattr(np, name)(A))

    @pytest.mark.parametrize("name", ["sum", "max"])
    @pytest.mark.parametrize("axis", [None, 0, 1, -1, (0, 1)])
    @pytest.mark.parametrize("keepdims", [False, True])
    def test_reductions(self, name: str, axis: Any, keepdims: bool) -> None:
        expected = getattr(np, name)(A, axis=axis, keepdims=keepdims)
        for a in (Tensor(A, True), Tensor(A), A):
            out = getattr(tensors, name)(a, axis, keepdims)
            assert isinstance(out, Tensor)
            np.testing.assert_array_equal(out.array, expected)
            if isinstance(a, Tensor):
                np.testing.assert_array_equal(getattr(a, name)(axis, keepdims).array, expected)

    def test_inside_transforms(self) -> None:
        f = lambda x: tensors.sum(tensors.exp(x) * x)  # noqa: E731
        np.testing.assert_allclose(wg.grad(f)(A), np.exp(A) * (A + 1))
        _, tangent = wg.jvp(f, (A,), (np.ones_like(A),))
        np.testing.assert_allclose(tangent, (np.exp(A) * (A + 1)).sum())
        np.testing.assert_allclose(wg.vmap(lambda r: tensors.max(r))(A), A.max(axis=1))

    def test_a_bad_operand(self) -> None:
        with pytest.raises(wg.WengertTypeError, match="a Tensor holds numbers"):
            tensors.add(Tensor(A), "text")
        with pytest.raises(wg.WengertTypeError, match="rows of different lengths|holds numbers"):
            ensure_tensor(np.array([[1], [1, 2]], dtype=object))


class TestEnsureTensor:
    def test_passes_tensors_through(self) -> None:
        for t in (Tensor(A), Tensor(A, True), Tensor(A, True) * 2, Tensor(A)[0]):
            assert ensure_tensor(t) is t

    def test_wraps_the_rest(self) -> None:
        source = A.copy()
        t = ensure_tensor(source)
        source[:] = 0
        np.testing.assert_array_equal(t.array, A)
        assert not t.requires_grad
        assert ensure_tensor(3).dtype == np.float64
        assert ensure_tensor([1, 2]).shape == (2,)
        assert ensure_tensor(np.float32(2)).dtype == np.float32


class TestAccumulate:
    @pytest.mark.parametrize(
        "shape", [(), (1,), (3,), (1, 3), (2, 1), (2, 3), (4, 2, 3), (1, 1, 1), (4, 1, 3)]
    )
    def test_is_the_gradient_of_broadcasting(self, shape: tuple[int, ...]) -> None:
        ct = np.random.default_rng(0).normal(size=(4, 2, 3))
        expected = wg.grad(lambda x: np.sum(np.broadcast_to(x, ct.shape) * ct))(np.zeros(shape))
        t = Tensor(np.zeros(shape), True)
        for n in (1, 2):
            broadcast_grad_accumulate(t, ct)
            assert t.grad.shape == shape
            np.testing.assert_allclose(t.grad, n * expected, rtol=1e-13)

    def test_adds_in_place(self) -> None:
        t = Tensor(B, True)
        held = t.grad
        broadcast_grad_accumulate(t, np.ones((2, 3)))
        np.testing.assert_array_equal(held, [[2, 2, 2]])
        assert t.grad is held

    def test_lengths_of_one_are_spread(self) -> None:
        t = Tensor(A, True)
        broadcast_grad_accumulate(t, 2)
        broadcast_grad_accumulate(t, np.array([[1], [10]]))
        broadcast_grad_accumulate(t, [0.5, 0.5, 0.5])
        np.testing.assert_array_equal(t.grad, [[3.5] * 3, [12.5] * 3])
        u = Tensor(B, True)  # spread along one dimension, summed along the other
        broadcast_grad_accumulate(u, np.array([[1], [10]]))
        np.testing.assert_array_equal(u.grad, [[11, 11, 11]])

    def test_constants_are_left_alone(self) -> None:
        t = Tensor(B)
        broadcast_grad_accumulate(t, np.ones((2, 3)))
        assert t.grad is None

    def test_of_tensors(self) -> None:
        t = Tensor(B, True)
        broadcast_grad_accumulate(t, Tensor(A))
        broadcast_grad_accumulate(t, Tensor(A, True) * 1)
        np.testing.assert_array_equal(t.grad, 2 * A.sum(axis=0, keepdims=True))

    def test_to_a_recorded_gradient(self) -> None:
        t = Tensor([1.0, 2.0], True)
        np.sum(t**3).backward(create_graph=True)
        broadcast_grad_accumulate(t, np.ones((2, 2)))
        np.testing.assert_array_equal(t.grad.array, [5.0, 14.0])

    def test_keeps_the_dtype(self) -> None:
        t = Tensor(np.zeros((1, 3), "f4"), True)
        broadcast_grad_accumulate(t, A)
        assert t.grad.dtype == np.float32
        np.testing.assert_array_equal(t.grad, A.sum(axis=0, keepdims=True))

    def test_errors(self) -> None:
        with pytest.raises(wg.ShapeError, match=r"\(2, 4\) does not belong .* shape \(1, 3\)"):
            broadcast_grad_accumulate(Tensor(B, True), np.ones((2, 4)))
        with pytest.raises(wg.ShapeError, match="does not belong"):
            broadcast_grad_accumulate(Tensor(A), np.ones((2, 4)))  # constants, too
        with pytest.raises(wg.WengertTypeError, match="a ndarray, not a Tensor"):
            broadcast_grad_accumulate(A, A)  # type: ignore[arg-type]
        with pytest.raises(wg.WengertTypeError, match="dtype complex128 .* dtype float64"):
            broadcast_grad_accumulate(Tensor(A, True), A * 1j)
        with pytest.raises(wg.WengertTypeError, match="dtype <U1"):
            broadcast_grad_accumulate(Tensor(B, True), np.array(["a", "b", "c"]))


class TestUserOperations:
    """Operations that users write with it, differentiated together with the library's."""

    @staticmethod
    def times(a: Tensor, b: Tensor) -> Tensor:
        def step(upstream: Any) -> None:
            broadcast_grad_accumulate(a, upstream * b.array)
            broadcast_grad_accumulate(b, upstream * a.array)

        return Tensor(a.array * b.array, True, (a, b), step, "<TimesBackward>")

    def test_agree_with_the_librarys(self) -> None:
        results = []
        for f in (self.times, tensors.mul):
            a, b = Tensor(A, True), Tensor(B, True)
            y = f(a, b) + a
            np.sum((f(y, y) / 1e3).exp().log() * 2).backward()
            results.append((a.grad, b.grad))
        for mine, theirs in zip(*results):
            np.testing.assert_allclose(mine, theirs, rtol=1e-13)

    def test_grad_fn_alone(self) -> None:
        a, b = Tensor(A, True), Tensor(B)
        self.times(a, b).grad_fn(np.ones((2, 3)))
        np.testing.assert_array_equal(a.grad, np.broadcast_to(B, (2, 3)))
        assert b.grad is None
