"""The Program: its text, its verifier, its interpreter; recording on shapes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert import Tensor
from wengert.core.abstract import Aval, Var
from wengert.core.primitive import PRIMITIVES, Primitive
from wengert.core.program import Equation, Program, evaluate, interpret, verify
from wengert.core.recorder import record
from wengert.core.state import LOCAL

F8 = np.dtype(float)


def program_of(f: Any, *shapes: tuple[int, ...], dtype: Any = F8) -> Program:
    return record(lambda *xs: [f(*xs)], [Aval(s, np.dtype(dtype)) for s in shapes])


class TestText:
    def test_of_a_small_program(self) -> None:
        program = program_of(lambda x, y: np.sum(x * y + 2.0) / x[0, 1:], (2, 3), (3,))
        assert str(program) == "\n".join(
            [
                "inputs    a:float64[2,3], b:float64[3]",
                "c:float64[2,3] = mul(a, b)",
                "d:float64[2,3] = add(c, 2.0)",
                "e:float64[] = sum[axis=(0, 1)](d)",
                "f:float64[2] = getitem[template=(0, (1, None, None))](a)",
                "g:float64[2] = div(e, f)",
                "outputs   g",
            ]
        )
        assert len(program) == 5

    def test_of_captured_arrays_and_constant_outputs(self) -> None:
        w = np.ones(3)
        program = record(lambda x: [x * w, 3.0, w], [Aval((3,), F8)])
        assert str(program) == "\n".join(
            [
                "inputs    a:float64[3]",
                "captured  b:float64[3]",
                "c:float64[3] = mul(a, b)",
                "outputs   c, 3.0, b",
            ]
        )

    def test_is_deterministic(self) -> None:
        def f(x: Any) -> Any:
            return wg.hessian(lambda v: np.sum(np.tanh(v) * np.exp(v)))(x)

        texts = {str(program_of(f, (3,))) for _ in range(3)}
        assert len(texts) == 1

    def test_names_go_past_z(self) -> None:
        def f(x: Any) -> Any:
            for _ in range(60):
                x = x * 1.5
            return x

        lines = str(program_of(f, ())).splitlines()
        assert lines[26].startswith("aa:float64[] = mul(z, 1.5)")
        assert lines[-1] == "outputs   bi"


class TestVerify:
    def setup_method(self) -> None:
        self.program = program_of(lambda x, y: np.exp(x * y), (3,), (3,))

    def test_accepts_what_is_recorded(self) -> None:
        verify(self.program)

    def test_use_before_definition(self) -> None:
        self.program.equations.reverse()
        with pytest.raises(wg.ProgramError, match=r"equation 0 \(exp\).*before its definition"):
            verify(self.program)

    def test_wrong_shape(self) -> None:
        e = self.program.equations[1]
        wrong = Var((4,), F8, None)
        self.program.equations[1] = Equation(e.primitive, e.inputs, e.params, (wrong,))
        with pytest.raises(
            wg.ProgramError, match=r"output is float64\[4\], its rule gives float64\[3\]"
        ):
            verify(self.program)

    def test_wrong_dtype(self) -> None:
        e = self.program.equations[0]
        wrong = Var((3,), np.dtype("f4"), None)
        self.program.equations[0] = Equation(e.primitive, e.inputs, e.params, (wrong,))
        with pytest.raises(wg.ProgramError, match=r"equation 0 \(mul\): output is float32\[3\]"):
            verify(self.program)

    def test_defined_twice(self) -> None:
        e = self.program.equations[0]
        self.program.equations.insert(1, e)
        with pytest.raises(wg.ProgramError, match=r"equation 1 \(mul\).*defined twice"):
            verify(self.program)
        program = program_of(lambda x: x, (3,))
        program.inputs.append(program.inputs[0])
        with pytest.raises(wg.ProgramError, match="appears twice"):
            verify(program)

    def test_array_constant(self) -> None:
        e = self.program.equations[0]
        inputs = (e.inputs[0], np.ones(3))
        self.program.equations[0] = Equation(e.primitive, inputs, e.params, e.outputs)
        with pytest.raises(wg.ProgramError, match="must be a scalar, not ndarray"):
            verify(self.program)

    def test_undefined_output(self) -> None:
        self.program.outputs.append(Var((3,), F8, None))
        with pytest.raises(wg.ProgramError, match=r"output of type float64\[3\] is not defined"):
            verify(self.program)

    def test_number_of_outputs(self) -> None:
        e = self.program.equations[1]
        extra = (*e.outputs, Var((3,), F8, None))
        self.program.equations[1] = Equation(e.primitive, e.inputs, e.params, extra)
        with pytest.raises(wg.ProgramError, match="has 2 outputs, its rule gives 1"):
            verify(self.program)


class TestEvaluation:
    def test_interpreter_gives_plain_values(self) -> None:
        w = np.array([2.0, 3.0])
        program = program_of(lambda x: np.sum(np.sin(x) * w), (2,))
        x = np.array([0.5, 1.0])
        (y,) = interpret(program, [Tensor(x, True)])
        assert isinstance(y, np.float64)
        assert y == np.sum(np.sin(x) * w)

    def test_evaluation_on_tensors_is_recorded(self) -> None:
        program = program_of(lambda x: np.sum(np.sin(x) * x), (2,))
        x = Tensor([0.5, 1.0], True)
        (y,) = evaluate(program, [x])
        y.backward()
        np.testing.assert_allclose(x.grad, np.cos(x.array) * x.array + np.sin(x.array))

    def test_evaluation_under_transforms(self) -> None:
        program = program_of(lambda x: np.tanh(x) * x, ())
        x, t = 0.3, np.tanh(0.3)
        first = (1 - t * t) * x + t
        assert wg.grad(lambda x: evaluate(program, [x])[0])(x) == pytest.approx(first)
        assert wg.jvp(lambda x: evaluate(program, [x])[0], (x,), (1.0,))[1] == pytest.approx(first)
        again = program_of(lambda x: evaluate(program, [x])[0], ())
        assert str(again) == str(program)

    def test_arguments_are_not_written(self) -> None:
        def f(x: Any) -> Any:
            x[0] = 5.0
            x *= 2.0
            return x

        program = program_of(f, (2,))
        x = np.array([1.0, 2.0])
        np.testing.assert_array_equal(interpret(program, [x])[0], [10.0, 4.0])
        np.testing.assert_array_equal(x, [1.0, 2.0])

    def test_captured_values_can_be_given(self) -> None:
        w = np.array([2.0, 3.0])
        program = program_of(lambda x: x * w, (2,))
        x = np.ones(2)
        np.testing.assert_array_equal(evaluate(program, [x], [np.zeros(2)])[0], [0.0, 0.0])
        np.testing.assert_array_equal(evaluate(program, [x])[0], w)

    def test_several_outputs_of_one_operation(self) -> None:
        p = Primitive(
            "test_sincos",
            lambda x: (np.sin(x), np.cos(x)),
            lambda x: ((x.shape, x.dtype), (x.shape, x.dtype)),
            None,
            jvp=lambda ts, ins, out: (ts[0] * out[1], -ts[0] * out[0]),
            outputs=2,
            register=False,
        )
        from wengert.core.bind import bind

        program = record(lambda x: list(bind(p, (x,), {})), [Aval((3,), F8)])
        verify(program)
        assert "b:float64[3], c:float64[3] = test_sincos(a)" in str(program)
        x = np.linspace(0, 1, 3)
        np.testing.assert_array_equal(interpret(program, [x])[1], np.cos(x))

        def f(x: Any) -> Any:
            s, c = bind(p, (x,), {})
            return np.sum(s * c)

        np.testing.assert_allclose(wg.grad(f)(x), np.cos(2 * x))
        np.testing.assert_allclose(wg.grad(lambda x: np.sum(bind(p, (x,), {})[1]))(x), -np.sin(x))
        np.testing.assert_allclose(wg.hessian(f)(x), np.diag(-2 * np.sin(2 * x)), atol=1e-15)
        np.testing.assert_allclose(
            wg.jacrev(wg.grad(f))(x), np.diag(-2 * np.sin(2 * x)), atol=1e-15
        )
        np.testing.assert_allclose(
            wg.grad(lambda x: wg.jvp(f, (x,), (x,))[1])(x),
            np.cos(2 * x) - 2 * x * np.sin(2 * x),
            atol=1e-15,
        )


class TestRecording:
    def test_scalars_are_told_from_arrays(self) -> None:
        """``s = x[0]; s += 1`` binds the name anew, also where only shapes are known."""

        def f(x: Any) -> Any:
            s = x[0]
            s += 1.0
            v = x[1, ...]
            v += 1.0
            return np.sum(x) * s

        x = np.array([1.0, 2.0])
        expected = f(x.copy())
        assert expected == 8.0
        np.testing.assert_array_equal(wg.vmap(f)(x[None].copy()), [expected])
        assert interpret(program_of(f, (2,)), [x.copy()]) == [expected]

    def test_python_scalars_are_weak(self) -> None:
        program = program_of(lambda x: x * 2.0 + 1, (3,), dtype="f4")
        assert all(e.outputs[0].dtype == np.float32 for e in program.equations)
        program = program_of(lambda x: x * np.float64(2.0), (3,), dtype="f4")
        assert program.equations[0].outputs[0].dtype == np.float64

    def test_a_constant_is_captured_once(self) -> None:
        w = np.ones(3)
        program = program_of(lambda x: x * w + w, (3,))
        assert len(program.captured) == 1

    def test_integers_and_comparisons_are_recorded(self) -> None:
        program = program_of(lambda x: np.where(x > 0, x, -x), (3,))
        assert [e.primitive.name for e in program.equations] == ["greater", "neg", "where"]
        verify(program)

    @pytest.mark.parametrize(
        ("what", "f"),
        [
            ("bool()", lambda x: x if x > 0 else -x),
            ("bool()", lambda x: x or 1.0),
            ("float()", float),
            ("int()", int),
            ("complex()", complex),
            ("conversion to a plain array", np.asarray),
            ("conversion to a plain array", lambda x: np.ones(3)[x.astype(int)]),
            (".item()", lambda x: x.item()),
            (".tolist()", lambda x: x.tolist()),
            (".numpy()", lambda x: x.numpy()),
            (".array", lambda x: x.array),
            ("format()", lambda x: f"{x:.3f}"),
            ("index()", lambda x: [1, 2, 3][x.astype(int)]),
            ("index()", lambda x: range(x.astype(int))),
        ],
    )
    def test_questions_about_values_are_errors(self, what: str, f: Any) -> None:
        with pytest.raises(wg.AbstractValueError) as caught:
            wg.vmap(f)(np.ones(2))
        message = str(caught.value)
        assert message.startswith(f"{what} of an abstract value of shape ()")
        assert "np.where" in message
        assert isinstance(caught.value, TypeError)
        assert LOCAL.recordings == []

    def test_mask_of_an_abstract_value(self) -> None:
        with pytest.raises(wg.AbstractValueError, match=r"boolean mask.*np\.where"):
            wg.vmap(lambda x: x[x > 0])(np.ones((2, 3)))

        def f(x: Any) -> Any:
            x[x > 0] = np.ones(2)
            return x

        with pytest.raises(wg.AbstractValueError, match="depends on data"):
            wg.vmap(f)(np.ones((2, 3)))

    def test_scalar_into_an_abstract_mask(self) -> None:
        def f(x: Any) -> Any:
            y = x * 2.0
            y[y > 1] = 0.0
            return y

        def g(x: Any) -> Any:
            y = x * 2.0
            y[y > 1] = x[0]
            return y

        x = np.array([[1.0, -0.2, 0.1], [0.3, 0.7, -2.0]])
        np.testing.assert_array_equal(wg.vmap(g)(x), [g(v) for v in x])
        np.testing.assert_allclose(
            wg.vmap(wg.grad(lambda v: np.sum(g(v) ** 2)))(x),
            [wg.grad(lambda v: np.sum(g(v) ** 2))(v) for v in x],
        )

    def test_leaked_value(self) -> None:
        leaked: list[Any] = []
        wg.vmap(lambda x: [leaked.append(x), x][1])(np.ones(2))
        with pytest.raises(
            wg.AbstractValueError, match="add: .* used after its recording has ended"
        ):
            leaked[0] + 1.0
        with pytest.raises(wg.AbstractValueError, match="recording has ended"):
            leaked[0] * Tensor(1.0, True)
        with pytest.raises(wg.AbstractValueError, match="recording has ended"):
            wg.vmap(lambda x: x * leaked[0])(np.ones(2))
        with pytest.raises(wg.AbstractValueError):
            float(leaked[0])
        assert repr(leaked[0]) == "tensor(abstract float64[])"

    def test_leak_of_an_abandoned_recording(self) -> None:
        leaked: list[Any] = []

        def f(x: Any) -> Any:
            leaked.append(x)
            raise ZeroDivisionError

        for transform in (wg.vmap, wg.jacfwd):
            with pytest.raises(ZeroDivisionError):
                transform(f)(np.ones(2))
        with pytest.raises(wg.AbstractValueError, match="recording has ended"):
            leaked[0] + 1.0

    def test_outer_value_used_inside(self) -> None:
        def f(x: Any) -> Any:
            return wg.vmap(lambda y: x * y)(np.arange(3.0))

        np.testing.assert_array_equal(wg.vmap(f)(np.arange(2.0)), np.outer([0, 1], [0, 1, 2]))

    def test_inner_write_into_an_outer_tensor(self) -> None:
        """Regression: the outer Tensor held an abstract value afterwards."""
        outer = Tensor(np.zeros(3))
        view = outer[:2]

        def f(x: Any) -> Any:
            outer[0] = x
            return x

        def g(x: Any) -> Any:
            view[0] += x
            return x

        for function in (f, g):
            with pytest.raises(wg.MutationError, match="Tensor from outside.*return that"):
                wg.vmap(function)(np.ones(2))
            np.testing.assert_array_equal(outer.array, np.zeros(3))
            np.testing.assert_array_equal((view + outer[1:]).array, np.zeros(2))

    def test_inner_recording_writes_into_an_outer_one(self) -> None:
        def f(x: Any) -> Any:
            buffer = x * 1.0

            def g(y: Any) -> Any:
                buffer[0] = y
                return y

            wg.vmap(g)(np.ones(2))
            return buffer

        with pytest.raises(wg.MutationError, match="Tensor from outside"):
            wg.vmap(f)(np.ones((2, 3)))

    def test_writes_into_tensors_made_inside(self) -> None:
        """Buffers that the function makes may be written, returned, and kept by a cycle."""

        def f(x: Any) -> Any:
            buffer = Tensor(np.zeros(3))

            def fill(k: int) -> None:
                buffer[k] = x * k
                if k:
                    fill(k - 1)

            fill(2)
            return buffer[1:], buffer

        parts, whole = wg.vmap(f)(np.array([1.0, 2.0]))
        np.testing.assert_array_equal(parts, [[1, 2], [2, 4]])
        np.testing.assert_array_equal(whole, [[0, 1, 2], [0, 2, 4]])

    def test_backward_inside(self) -> None:
        t = Tensor(2.0, True)
        with pytest.raises(wg.WengertTypeError, match="abstract value"):
            wg.vmap(lambda x: (x * t).backward())(np.ones(2))


def test_every_primitive_has_a_record_that_is_whole() -> None:
    for name, p in PRIMITIVES.items():
        assert p.name == name
        assert callable(p.evaluate)
        assert callable(p.shape)
        assert callable(p.batch), f"{name} has no batching rule"


class TestPrimitive:
    def test_one_derivative_only(self) -> None:
        with pytest.raises(wg.WengertValueError, match="one of partials, linear, multilinear, jvp"):
            Primitive("test_two", np.sin, None, None, partials=(1,), jvp=lambda: 0, register=False)

    def test_linear_needs_transpose(self) -> None:
        with pytest.raises(wg.WengertValueError, match="need transpose"):
            Primitive("test_linear", np.sin, None, None, linear=(0,), register=False)

    def test_names_are_unique(self) -> None:
        with pytest.raises(wg.WengertValueError, match="'add' exists already"):
            Primitive("add", np.add, None, None)

    def test_without_a_batching_rule(self) -> None:
        from wengert.core.bind import bind

        p = Primitive(
            "test_unbatched", np.sin, lambda x: (x.shape, x.dtype), None,
            partials=(lambda y, x: np.cos(x),), register=False,
        )  # fmt: skip
        with pytest.raises(wg.NoRuleError, match="test_unbatched has no batching rule"):
            wg.vmap(lambda x: bind(p, (x,), {}))(np.ones(2))
