"""`jvp`, `linearize` and `derivative`."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert import Tensor

X = np.array([1.0, 2.0, 3.0])
V = np.array([0.5, -1.0, 2.0])


class TestJvp:
    def test_value_and_tangent(self) -> None:
        value, tangent = wg.jvp(lambda x, y: x * y, (X, V), (V, X))
        np.testing.assert_array_equal(value, X * V)
        np.testing.assert_array_equal(tangent, V * V + X * X)
        assert type(tangent) is np.ndarray

    def test_zero_tangent_of_what_does_not_depend(self) -> None:
        value, tangent = wg.jvp(lambda x: (np.ones(2, "f4"), np.argmax(x), 3), (X,), (V,))
        np.testing.assert_array_equal(tangent[0], np.zeros(2, "f4"))
        assert tangent[0].dtype == np.float32
        assert tangent[1] == 0
        assert value[2] == 3

    def test_single_precision(self) -> None:
        value, tangent = wg.jvp(np.sin, (X.astype("f4"),), (V,))
        assert value.dtype == tangent.dtype == np.float32

    def test_complex(self) -> None:
        z, v = np.array([1 + 1j]), np.array([0.5 - 2j])
        np.testing.assert_allclose(wg.jvp(lambda z: z * z, (z,), (v,))[1], 2 * z * v)
        tangent = wg.jvp(lambda z: np.real(z * np.conj(z)), (z,), (v,))[1]
        np.testing.assert_allclose(tangent, 2 * np.real(np.conj(z) * v))
        assert tangent.dtype == np.float64

    def test_errors(self) -> None:
        with pytest.raises(
            wg.WengertTypeError, match=r"primals must be a tuple.*write \(primal,\)"
        ):
            wg.jvp(np.sin, X, V)  # type: ignore[arg-type]
        with pytest.raises(wg.WengertTypeError, match="tangents must be a tuple"):
            wg.jvp(np.sin, (X,), V)  # type: ignore[arg-type]
        with pytest.raises(wg.WengertValueError, match="1 primals but 2 tangents"):
            wg.jvp(np.sin, (X,), (V, V))
        with pytest.raises(
            wg.ShapeError, match=r"tangents\[0\]: expected shape \(3,\), got \(2,\)"
        ):
            wg.jvp(np.sin, (X,), (V[:2],))
        with pytest.raises(
            wg.WengertTypeError, match=r"primals\[0\].*dtype int64.*astype\(float\)"
        ):
            wg.jvp(np.sin, (np.arange(3),), (V,))
        with pytest.raises(wg.WengertTypeError, match="complex value for a real array"):
            wg.jvp(np.sin, (X,), (V * 1j,))

    def test_tensors_stay_tensors(self) -> None:
        t = Tensor(X, True)
        value, tangent = wg.jvp(lambda x: np.sum(x**3), (t,), (V,))
        tangent.backward()
        np.testing.assert_array_equal(t.grad, 6 * X * V)
        assert value.requires_grad

    def test_leaked_dual_is_harmless(self) -> None:
        leaked: list[Any] = []
        wg.jvp(lambda x: [leaked.append(x * x), x][1], (2.0,), (1.0,))
        assert float(leaked[0] + 1.0) == 5.0
        assert wg.jvp(lambda y: y * leaked[0], (3.0,), (1.0,))[1] == 4.0
        assert wg.grad(lambda y: y * leaked[0])(3.0) == 4.0


class TestLinearize:
    def test_program_holds_only_what_depends_on_the_tangent(self) -> None:
        def f(x: Any) -> Any:
            constant = np.exp(np.cos(x)) * 3.0
            return constant * 2.0

        _, linear = wg.linearize(f, X)
        primitives = {e.primitive.name for e in linear.program.equations}
        assert "exp" not in primitives
        assert "cos" not in primitives

    def test_branches_on_values(self) -> None:
        def f(x: Any) -> Any:
            return np.sum(x * x) if x[0] > 0 else np.sum(x)

        assert wg.linearize(f, X)[1](V) == 2 * X @ V
        assert wg.linearize(f, -X)[1](V) == V.sum()

    def test_is_linear(self) -> None:
        _, linear = wg.linearize(lambda x: np.tanh(x) * x, X)
        np.testing.assert_allclose(linear(2 * V + X), 2 * linear(V) + linear(X))
        np.testing.assert_array_equal(linear(0 * V), 0 * V)

    def test_does_not_run_the_function_again(self) -> None:
        calls: list[int] = []

        def f(x: Any) -> Any:
            calls.append(1)
            return x * x

        _, linear = wg.linearize(f, X)
        linear(V)
        linear(V)
        assert len(calls) == 1

    def test_can_be_differentiated(self) -> None:
        def f(x: Any) -> Any:
            return np.sum(wg.linearize(np.sin, x)[1](V))

        np.testing.assert_allclose(wg.grad(f)(X), -np.sin(X) * V)

    def test_errors(self) -> None:
        _, linear = wg.linearize(np.sin, X)
        with pytest.raises(wg.ShapeError, match=r"tangent: expected shape \(3,\), got \(2,\)"):
            linear(V[:2])
        with pytest.raises(wg.WengertValueError, match="structure of the primals"):
            linear(V, V)
        with pytest.raises(wg.WengertTypeError, match="dtype int64"):
            wg.linearize(np.sin, np.arange(3))


class TestDerivative:
    def test_of_numbers(self) -> None:
        assert wg.derivative(np.sin)(0.0) == 1.0
        assert wg.derivative(wg.derivative(wg.derivative(lambda x: x**4)))(2.0) == 48.0
        assert wg.derivative(lambda x, y: x * y, argnums=1)(2.0, 3.0) == 2.0

    def test_of_arrays_and_containers(self) -> None:
        out = wg.derivative(lambda t: {"p": np.stack([np.cos(t), np.sin(t)])})(0.0)
        np.testing.assert_array_equal(out["p"], [0.0, 1.0])

    def test_errors(self) -> None:
        with pytest.raises(wg.WengertTypeError, match="must be one number.*elementwise_grad"):
            wg.derivative(np.sin)(X)
        with pytest.raises(wg.WengertTypeError, match="must be one number"):
            wg.derivative(lambda p: p[0])([1.0])
        with pytest.raises(wg.WengertTypeError, match="argnums must be one integer"):
            wg.derivative(np.sin, argnums=(0,))(1.0)  # type: ignore[arg-type]
        with pytest.raises(wg.WengertTypeError, match="dtype int64"):
            wg.derivative(np.sin)(1)


COMPLEX_WRITES = {
    "slice": lambda z, x: operator.setitem(z, slice(1, None), 1j * x[:-1] ** 2),
    "number": lambda z, x: operator.setitem(z, 0, 2.0),
    "mask": lambda z, x: operator.setitem(z, np.array([True, False]), 1j * x[0]),
    "view": lambda z, x: operator.setitem(z[::-1], slice(1, None), 1j * x[:1]),
    "transposed": lambda z, x: operator.setitem(z[:, None].T, (0, 0), 1j * x[1]),
    "in place": lambda z, x: operator.imul(z, 1j * x),
    "out": lambda z, x: np.multiply(z, 1j * x, out=z),
    "add.at": lambda z, x: np.add.at(z, np.array([0, 0]), 1j * x),
}


@pytest.mark.parametrize("name", COMPLEX_WRITES)
def test_complex_values_written_where_the_tangent_is_real(name: str) -> None:
    """The tangent of x + 0.5j is real; imaginary parts written into it were lost.

    Found by the differential test (complex_write, wide program 141).
    """

    def f(x: Any) -> Any:
        z = np.copy(x + 0.5j)
        COMPLEX_WRITES[name](z, x)
        return np.sum(np.imag(z) * x + np.real(z) ** 2)

    x, v = np.array([1.0, 2.0]), np.array([0.3, -0.5])
    h = 1e-6 * v
    gradient = wg.grad(f)
    np.testing.assert_allclose(wg.jvp(f, (x,), (v,))[1], (f(x + h) - f(x - h)) / 2e-6, rtol=1e-8)
    expected = (gradient(x + h) - gradient(x - h)) / 2e-6
    for product in (
        wg.jvp(gradient, (x,), (v,))[1],
        wg.grad(lambda x: wg.jvp(f, (x,), (v,))[1])(x),
        wg.jacfwd(gradient)(x) @ v,
        wg.hvp(f, x, v),
    ):
        np.testing.assert_allclose(product, expected, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(wg.linearize(f, x)[1](v), gradient(x) @ v, rtol=1e-12)
    np.testing.assert_allclose(wg.jacfwd(f)(x), gradient(x), rtol=1e-12)


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize(
    "along",
    [
        lambda f, x: wg.linearize(f, x)[1](1.0),
        lambda f, x: wg.jvp(f, (x,), (1.0,))[1],
        lambda f, x: wg.jacfwd(f)(x),
    ],
)
def test_backward_from_a_tangent(along, create_graph):
    """Regression: tangents of the linearization that had ended were pushed through the sweep."""
    x = wg.Tensor(0.7, requires_grad=True)
    along(lambda v: v * v * v, x).backward(create_graph=create_graph)
    np.testing.assert_allclose(float(x.grad.detach() if create_graph else x.grad), 6 * 0.7)


@pytest.mark.parametrize("f", [np.tanh, np.exp, np.sin, lambda x: x * x, wg.checkpoint(np.tanh)])
def test_backward_after_a_jvp_leaves_plain_gradients(f: Any) -> None:
    """Regression: gradients were Tensors that led back into the tape, where an output was saved."""
    x = np.array([0.3, 0.5])
    t = wg.Tensor(x, True)
    np.sum(wg.jvp(f, (t,), (t,))[1]).backward()
    assert type(t.grad) is np.ndarray
    expected = wg.grad(lambda x: np.sum(wg.jvp(f, (x,), (x,))[1]))(x)
    np.testing.assert_allclose(t.grad, expected, rtol=1e-12)
    t = wg.Tensor(x, True)
    np.sum(wg.jvp(f, (t,), (np.ones(2),))[0]).backward()
    assert type(t.grad) is np.ndarray


def test_backward_inside_of_a_running_jvp() -> None:
    w, x = np.array([0.3, 0.5]), np.array([0.7, 0.9])

    def gradient(x: Any) -> Any:
        t = wg.Tensor(w, True)
        np.sum(np.tanh(t * x)).backward()
        return t.grad

    found = wg.jvp(gradient, (x,), (np.ones(2),))
    expected = wg.jvp(lambda x: wg.grad(lambda w: np.sum(np.tanh(w * x)))(w), (x,), (np.ones(2),))
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(np.asarray(wg.stop_gradient(a)), b, rtol=1e-12)
