"""`grad`, `vjp` and the gradients made from them."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert import Tensor

X = np.array([1.0, 2.0, 3.0])


def cube(x: Any) -> Any:
    return np.sum(x**3)


class TestGrad:
    def test_values_that_no_node_saved_are_freed_before_the_sweep(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from wengert.transforms import gradient

        inputs: list[Any] = []
        freed: list[bool] = []
        sweep = gradient.sweep

        def watched(*args: Any, **options: Any) -> Any:
            freed.extend([ref() is None for ref in inputs])
            return sweep(*args, **options)

        def f(ws: Any) -> Any:
            inputs[:] = [weakref.ref(w) for w in ws]
            return np.sum(ws[0] + 2.0 * ws[1])

        monkeypatch.setattr(gradient, "sweep", watched)
        x = np.linspace(0.0, 1.0, 5000)
        gradients = wg.grad(f)([x, x, x.astype(np.float32)])
        assert freed == [True, True, True]
        for g, expected, dtype in zip(gradients, (1.0, 2.0, 0.0), "ddf", strict=True):
            np.testing.assert_array_equal(g, np.full(5000, expected))
            assert g.dtype.char == dtype

    def test_inputs_that_the_function_keeps_keep_their_values(self) -> None:
        kept: list[Any] = []

        def f(ws: Any) -> Any:
            kept.extend(ws)
            return np.sum(ws[0] * ws[0])

        wg.grad(f)([X])
        np.testing.assert_array_equal(kept[0].detach().numpy(), X)

    def test_kinds_of_arguments(self) -> None:
        np.testing.assert_array_equal(wg.grad(cube)(X), 3 * X**2)
        for number in (2.0, np.float64(2.0), np.array(2.0)):
            g = wg.grad(lambda x: x**3)(number)
            assert g == 12.0
            assert g.dtype == np.float64
        assert wg.grad(lambda x: x**3)(np.float32(2.0)).dtype == np.float32

    def test_argnums(self) -> None:
        def f(a: Any, b: Any, *, c: Any = 1.0) -> Any:
            return a * b * b * c

        assert wg.grad(f)(2.0, 3.0) == 9.0
        assert wg.grad(f, 1)(2.0, 3.0) == 12.0
        assert wg.grad(f, argnums=(1, 0))(2.0, 3.0) == (12.0, 9.0)
        assert wg.grad(f, argnums=-1)(2.0, 3.0, c=2.0) == 24.0
        assert wg.grad(f, argnums=(0,))(2.0, 3.0) == (9.0,)

    def test_arguments_that_are_not_differentiated_are_passed_on(self) -> None:
        def f(x: Any, n: int, name: str, flag: bool) -> Any:
            assert isinstance(n, int)
            assert name == "text"
            return x**n if flag else x

        assert wg.grad(f)(3.0, 2, "text", True) == 6.0

    def test_value_and_grad(self) -> None:
        value, gradient = wg.value_and_grad(cube)(X)
        assert type(value) is np.float64
        assert value == 36.0
        np.testing.assert_array_equal(gradient, 3 * X**2)

    def test_aux(self) -> None:
        def f(x: Any) -> Any:
            return np.sum(x * x), {"half": x / 2, "n": 3, "text": "t"}

        (value, aux), gradient = wg.value_and_grad(f, has_aux=True)(X)
        assert value == 14.0
        assert type(aux["half"]) is np.ndarray
        assert (aux["n"], aux["text"]) == (3, "t")
        gradient, aux = wg.grad_and_aux(f)(X)
        np.testing.assert_array_equal(gradient, 2 * X)
        np.testing.assert_array_equal(aux["half"], X / 2)
        with pytest.raises(wg.WengertTypeError, match="must return a pair"):
            wg.grad_and_aux(cube)(X)

    def test_constant_function(self) -> None:
        np.testing.assert_array_equal(wg.grad(lambda x: 1.0)(X), np.zeros(3))
        np.testing.assert_array_equal(wg.grad(lambda x: np.sum(np.floor(x)))(X), np.zeros(3))
        np.testing.assert_array_equal(wg.grad(lambda x, y: np.sum(y), 0)(X, X), np.zeros(3))

    def test_size_one_counts_as_a_scalar(self) -> None:
        g = wg.grad(lambda x: np.sum(x, keepdims=True))(X)
        np.testing.assert_array_equal(g, np.ones(3))

    def test_name_and_docstring_of_the_function_are_kept(self) -> None:
        assert wg.grad(cube).__name__ == "cube"

    def test_control_flow(self) -> None:
        def f(x: Any) -> Any:
            y = x
            while np.sum(y) < 100:
                y = y * 2 if y[0] > 0 else y - 1
            return np.sum(y)

        np.testing.assert_array_equal(wg.grad(f)(X), np.full(3, 32.0))

    def test_exception_of_the_function_passes_through(self) -> None:
        with pytest.raises(KeyError, match="missing"):
            wg.grad(lambda x: {}["missing"])(X)
        with pytest.raises(TypeError, match="keyword-only argument: 'b'"):
            wg.grad(lambda a, *, b: a * b)(2.0)

    def test_complex(self) -> None:
        z = np.array([1.0 + 2j, -0.5 + 1j])
        # f = |z|^2 = x^2 + y^2: df/dx - i df/dy = 2 conj(z)
        g = wg.grad(lambda z: np.sum(np.real(z * np.conj(z))))(z)
        np.testing.assert_allclose(g, 2 * np.conj(z))
        g = wg.grad(lambda x: np.real(np.sum(np.exp(1j * x))))(X)
        assert g.dtype == np.float64
        np.testing.assert_allclose(g, -np.sin(X))
        np.testing.assert_allclose(wg.holomorphic_grad(lambda z: z**3)(1 + 1j), 3 * (1 + 1j) ** 2)

    def test_elementwise(self) -> None:
        np.testing.assert_allclose(wg.elementwise_grad(np.sin)(X), np.cos(X))
        third = wg.elementwise_grad(wg.elementwise_grad(wg.elementwise_grad(np.tanh)))
        t = np.tanh(X)
        np.testing.assert_allclose(third(X), (1 - t * t) * (6 * t * t - 2), rtol=1e-12)


class TestErrors:
    @pytest.mark.parametrize(
        "argument",
        [3, True, np.arange(3), np.array([True]), np.int32(1), [1, 2], {"a": np.arange(2)}],
        ids=repr,
    )
    @pytest.mark.parametrize(
        "transform",
        [wg.grad, wg.value_and_grad, wg.grad_and_aux, wg.elementwise_grad, wg.jacrev, wg.hessian],
    )
    def test_integers(self, transform: Any, argument: Any) -> None:
        pattern = rf"{transform.__name__} of cube, argument 0.* dtype .*\.astype\(float\)"
        with pytest.raises(wg.WengertTypeError, match=pattern):
            transform(cube)(argument)

    @pytest.mark.parametrize(
        ("result", "match"),
        [
            (lambda x: x * 2, r"array of shape \(3,\).*jacobian.*elementwise_grad"),
            (lambda x: None, "returned a NoneType; it must return one scalar"),
            (lambda x: (x, x), "returned a tuple.*grad_and_aux or vjp"),
            (lambda x: "text", "returned a str"),
            (lambda x: np.sum(x) * 1j, r"complex number; take np\.real"),
            (lambda x: np.sum(x) > 0, "dtype bool, whose derivative is zero or undefined"),
            (lambda x: np.argmax(x), "dtype int64"),
        ],
    )
    def test_results(self, result: Any, match: str) -> None:
        with pytest.raises(wg.WengertTypeError, match=f"grad of .*{match}"):
            wg.grad(result)(X)

    def test_argnums(self) -> None:
        with pytest.raises(wg.WengertValueError, match="argnums=2 but .* 1 positional argument"):
            wg.grad(cube, 2)(X)
        with pytest.raises(wg.WengertTypeError, match="must be an integer or a tuple"):
            wg.grad(cube, "x")(X)  # type: ignore[arg-type]
        with pytest.raises(wg.WengertTypeError, match="must be an integer or a tuple"):
            wg.grad(cube, True)(X)
        with pytest.raises(wg.WengertValueError, match="names an argument twice"):
            wg.grad(cube, (0, -1))(X)

    def test_no_number(self) -> None:
        with pytest.raises(wg.WengertTypeError, match="with respect to a str"):
            wg.grad(cube)("text")
        with pytest.raises(wg.WengertTypeError, match="dtype object"):
            wg.grad(cube)(np.array([None]))

    def test_holomorphic_grad_of_reals(self) -> None:
        with pytest.raises(
            wg.WengertTypeError, match=r"must be complex, not float64.*astype\(complex\)"
        ):
            wg.holomorphic_grad(cube)(X)

    @pytest.mark.parametrize(
        ("what", "f"),
        [
            ("float()", lambda x: float(x[0])),
            ("int()", lambda x: x[0] * int(x[1])),
            ("complex()", lambda x: x[0] * complex(x[1])),
            (".item()", lambda x: x[0].item()),
            (".tolist()", lambda x: sum(x.tolist())),
            (".numpy()", lambda x: x.numpy().sum()),
            ("conversion to a plain array", lambda x: np.sum(np.asarray(x))),
            ("conversion to a plain array", lambda x: np.array([x[0], x[1]]).sum()),
        ],
    )
    def test_values_that_leave_the_tape(self, what: str, f: Any) -> None:
        for run in (wg.grad(f), lambda x: wg.jvp(f, (x,), (x,)), wg.hessian(f)):
            with pytest.raises(wg.WengertTypeError) as caught:
                run(X)
            assert what in str(caught.value)
            assert "derivative would be lost" in str(caught.value)
            assert "wengert.stop_gradient" in str(caught.value)

    def test_bool_and_index_are_allowed(self) -> None:
        def f(x: Any) -> Any:
            return x[0] if x[1] > 0 else -x[0]

        np.testing.assert_array_equal(wg.grad(f)(X), [1.0, 0.0, 0.0])
        assert wg.grad(lambda x: x if x else -x)(2.0) == 1.0

    def test_function_without_a_rule(self) -> None:
        with pytest.raises(
            wg.NoRuleError, match=r"np\.isnat has no rule.*wengert\.custom_vjp"
        ) as caught:
            wg.grad(lambda x: np.sum(np.isnat(x)))(X)
        assert isinstance(caught.value, NotImplementedError)
        mine = np.frompyfunc(lambda x: x + 1, 1, 1)
        with pytest.raises(wg.NoRuleError, match=r"^<lambda> \(vectorized\) has no rule"):
            mine(Tensor(X, True))


class TestVjp:
    def test_containers(self) -> None:
        def f(p: Any, y: Any) -> Any:
            return {"s": p["a"] * y, "t": (p["b"] + y, y)}

        value, pullback = wg.vjp(f, {"a": 2.0, "b": X}, X)
        assert set(value) == {"s", "t"}
        ct = {"s": np.ones(3), "t": (X, np.zeros(3))}
        p, y = pullback(ct)
        assert p["a"] == X.sum()
        np.testing.assert_array_equal(p["b"], X)
        np.testing.assert_array_equal(y, 2.0 + X)

    def test_pullback_can_be_called_again(self) -> None:
        _, pullback = wg.vjp(np.sin, X)
        first = pullback(np.ones(3))[0]
        np.testing.assert_array_equal(pullback(2 * np.ones(3))[0], 2 * first)
        np.testing.assert_array_equal(pullback(np.ones(3))[0], first)

    def test_aux(self) -> None:
        value, pullback, aux = wg.vjp(lambda x: (np.sin(x), {"x": x}), X, has_aux=True)
        np.testing.assert_array_equal(value, np.sin(X))
        assert type(aux["x"]) is np.ndarray
        assert pullback(np.ones(3))[0].shape == (3,)

    def test_cotangents_are_checked_and_cast(self) -> None:
        _, pullback = wg.vjp(np.sin, X)
        np.testing.assert_array_equal(pullback([1, 1, 1])[0], np.cos(X))
        with pytest.raises(wg.ShapeError, match=r"cotangent: expected shape \(3,\), got \(2,\)"):
            pullback(np.ones(2))
        with pytest.raises(wg.WengertTypeError, match="complex value for a real array"):
            pullback(np.ones(3) * 1j)
        with pytest.raises(wg.WengertTypeError, match="expected numbers"):
            pullback(np.array(["a", "b", "c"]))
        g = wg.vjp(np.sin, X.astype("f4"))[1](np.ones(3))[0]
        assert g.dtype == np.float32

    def test_integer_outputs_have_zero_derivative(self) -> None:
        value, pullback = wg.vjp(lambda x: (np.argmax(x), x * 2), X)
        assert value[0] == 2
        np.testing.assert_array_equal(pullback((0, np.ones(3)))[0], [2.0, 2.0, 2.0])

    def test_tensors_stay_tensors(self) -> None:
        t = Tensor(X, True)
        value, pullback = wg.vjp(cube, t)
        assert isinstance(value, Tensor)
        (g,) = pullback(1.0)
        np.sum(g).backward()
        np.testing.assert_array_equal(t.grad, 6 * X)
        np.testing.assert_array_equal(np.asarray(wg.grad(cube)(Tensor(X))), 3 * X**2)
