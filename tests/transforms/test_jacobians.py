"""Jacobians, Hessians and products with them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert import Tensor

X = np.array([1.0, 2.0, 3.0])
A = np.array([[1.0, 2.0, 0.0], [0.5, -1.0, 3.0]])
JACOBIANS = [wg.jacrev, wg.jacfwd, wg.jacobian]


@pytest.mark.parametrize("jacobian", JACOBIANS)
class TestJacobian:
    def test_of_vectors(self, jacobian: Any) -> None:
        j = jacobian(lambda x: A @ np.sin(x))(X)
        np.testing.assert_allclose(j, A * np.cos(X))
        assert type(j) is np.ndarray

    def test_shapes(self, jacobian: Any) -> None:
        j = jacobian(lambda x: np.sum(x**2, axis=0))(np.ones((4, 5)))
        assert j.shape == (5, 4, 5)
        assert jacobian(lambda x: x * X)(2.0).shape == (3,)
        assert jacobian(lambda x: np.sum(x))(X).shape == (3,)
        assert jacobian(lambda x: x**2)(2.0) == 4.0

    def test_argnums(self, jacobian: Any) -> None:
        np.testing.assert_array_equal(jacobian(lambda a, x: a @ x, 1)(A, X), A)
        by_a, by_x = jacobian(lambda a, x: a @ x, (0, 1))(A, X)
        np.testing.assert_array_equal(by_a, jacobian(lambda a, x: a @ x)(A, X))
        np.testing.assert_array_equal(by_x, A)

    def test_containers(self, jacobian: Any) -> None:
        def f(p: Any) -> Any:
            return {"u": p["a"] * X, "v": np.sum(p["b"])}

        j = jacobian(f)({"a": 2.0, "b": A})
        np.testing.assert_array_equal(j["u"]["a"], X)
        np.testing.assert_array_equal(j["u"]["b"], np.zeros((3, 2, 3)))
        np.testing.assert_array_equal(j["v"]["b"], np.ones((2, 3)))
        assert np.shape(j["v"]["a"]) == ()

    def test_single_precision(self, jacobian: Any) -> None:
        """Regression: blocks of zeros were double."""
        x = X.astype("f4")
        assert jacobian(np.sin)(x).dtype == np.float32
        assert jacobian(lambda x: np.ones(2, "f4"))(x).dtype == np.float32
        assert jacobian(lambda x: x[:0])(x).dtype == np.float32

    def test_empty(self, jacobian: Any) -> None:
        assert jacobian(lambda x: x[:0])(X).shape == (0, 3)
        assert jacobian(lambda x: np.sum(x) * np.ones(2))(X[:0]).shape == (2, 0)

    def test_complex(self, jacobian: Any) -> None:
        z = np.array([1 + 1j, 2.0])
        np.testing.assert_allclose(jacobian(lambda z: z * z)(z), np.diag(2 * z))

    def test_nested(self, jacobian: Any) -> None:
        h = jacobian(jacobian(lambda x: np.sum(x**3)))(X)
        np.testing.assert_allclose(h, np.diag(6 * X))

    def test_integer_results(self, jacobian: Any) -> None:
        with pytest.raises(
            wg.WengertTypeError, match="returned dtype int64; it must return floats"
        ):
            jacobian(lambda x: np.argmax(x))(X)

    def test_of_tensors(self, jacobian: Any) -> None:
        t = Tensor(X, True)
        j = jacobian(lambda x: x**3)(t)
        assert isinstance(j, Tensor)
        np.sum(j).backward()
        np.testing.assert_allclose(t.grad, 6 * X)


class TestHessian:
    def test_quadratic(self) -> None:
        m = A.T @ A
        h = wg.hessian(lambda x: 0.5 * x @ m @ x)(X)
        np.testing.assert_allclose(h, m)

    def test_shapes_and_containers(self) -> None:
        h = wg.hessian(lambda a: np.sum(a**3))(A)
        assert h.shape == (2, 3, 2, 3)
        h = wg.hessian(lambda p: p["x"] ** 2 * p["y"])({"x": 2.0, "y": 3.0})
        assert h == {"x": {"x": 6.0, "y": 4.0}, "y": {"x": 4.0, "y": 0.0}}

    def test_of_a_linear_function_in_single_precision(self) -> None:
        h = wg.hessian(lambda x: np.sum(x))(X.astype("f4"))
        np.testing.assert_array_equal(h, np.zeros((3, 3)))
        assert h.dtype == np.float32

    def test_of_an_array_the_axes_of_the_output_come_first(self) -> None:
        h = wg.hessian(lambda x: np.outer(x, x)[:2])(X)
        assert h.shape == (2, 3, 3, 3)
        np.testing.assert_allclose(h[0, 1], wg.hessian(lambda x: x[0] * x[1])(X))
        with pytest.raises(wg.WengertTypeError, match="hessian of sin, argument 0"):
            wg.hessian(np.sin)(np.arange(3))


class TestHvp:
    def test_product(self) -> None:
        v = np.array([1.0, 0.0, -1.0])
        np.testing.assert_allclose(wg.hvp(lambda x: np.sum(x**3), X, v), 6 * X * v)

    def test_further_arguments_and_containers(self) -> None:
        out = wg.hvp(
            lambda p, c: c * p["x"] ** 2 * p["y"], {"x": 2.0, "y": 3.0}, {"x": 1.0, "y": 0.0}, 2.0
        )
        assert out == {"x": 12.0, "y": 8.0}

    def test_is_symmetric(self) -> None:
        rng = np.random.default_rng(0)
        w = rng.standard_normal((5, 4))
        x, u, v = rng.standard_normal((3, 4))

        def f(x: Any) -> Any:
            return np.sum(np.tanh(w @ x) ** 2) + np.logaddexp(x[0], x[1])

        assert u @ wg.hvp(f, x, v) == pytest.approx(v @ wg.hvp(f, x, u), rel=1e-12)
