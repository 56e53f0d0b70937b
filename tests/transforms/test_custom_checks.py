"""Rules of users that are wrong, or used in odd ways: a clear error, never a wrong number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special

import wengert as wg
from wengert import Tensor

X = np.array([1.0, 2.0, 3.0])


def with_jvp(function: Any, rule: Any, **options: Any) -> Any:
    f = wg.custom_jvp(function, **options)
    f.defjvp(rule)
    return f


def with_vjp(function: Any, forward: Any, backward: Any, **options: Any) -> Any:
    f = wg.custom_vjp(function, **options)
    f.defvjp(forward, backward)
    return f


def square(tangent: Callable[[Any, Any], Any]) -> Any:
    """x^2, with a tangent of one's own."""
    return with_jvp(lambda x: x * x, lambda p, t: (p[0] ** 2, tangent(p[0], t[0])))


def doubled(backward: Callable[[Any], Any]) -> Any:
    """2 x, with a cotangent of one's own."""
    return with_vjp(lambda x: x * 2, lambda x: (x * 2, None), lambda _, ct: backward(ct))


NONLINEAR = {
    "square": (lambda x, t: t**2, "applies square"),
    "mul": (lambda x, t: t * t * x, "applies mul"),
    "abs": (lambda x, t: np.abs(t), "applies abs"),
    "sign": (lambda x, t: np.sign(t) * x, "applies sign"),
    "mod": (lambda x, t: t % 1.0, "applies mod"),
    "greater": (lambda x, t: np.where(t > 0, t, 0.0), "applies greater"),
    "max": (lambda x, t: x * np.max(t), "applies max"),
    "div": (lambda x, t: x / t, "applies div"),
    "stop_gradient": (lambda x, t: wg.stop_gradient(t) * x, "applies stop_gradient"),
    "affine": (lambda x, t: 2 * x * t + 1.0, "where they are zero, what it returns is not"),
    "constant": (lambda x, t: np.ones_like(x), "where they are zero, what it returns is not"),
    "branch": (lambda x, t: t * x if np.sum(t) > 0 else 2 * t * x, "-3 times the tangents"),
}

LINEAR = {
    "product": lambda x, t: 2 * x * t,
    "division": lambda x, t: t / (1 / (2 * x)),
    "sum and difference": lambda x, t: x * t + t * x - 0 * t,
    "masked": lambda x, t: np.where(x > 0, 2 * x * t, 0.0),
    "matmul": lambda x, t: np.diag(2 * x) @ t,
    "einsum": lambda x, t: np.einsum("i,i->i", 2 * x, t),
    "reshaped and indexed": lambda x, t: (2 * x * t).reshape(3, 1)[:, 0],
    "cumulative": lambda x, t: np.diff(np.cumsum(2 * x * t), prepend=0.0),
    "solved": lambda x, t: np.linalg.solve(np.diag(0.5 / x), t),
    "degrees": lambda x, t: np.rad2deg(np.deg2rad(2 * x * t)),
    "clever zero": lambda x, t: 2 * x * t if t is not None else None,
    "concatenated": lambda x, t: np.concatenate([2 * x[:1] * t[:1], 2 * x[1:] * t[1:]]),
    "a branch on the point": lambda x, t: 2 * x * t if x[0] > 0 else t,
    "written": lambda x, t: _written(x, t),
}


def _written(x: Any, t: Any) -> Any:
    y = np.zeros_like(t)
    y[:] = 2 * x * t
    return y


class TestLinearity:
    """Regression: a rule that is not linear in the tangents gave wrong gradients silently."""

    @pytest.mark.parametrize("name", NONLINEAR)
    @pytest.mark.parametrize("transform", ["grad", "backward", "vmap", "jvp of grad", "primitive"])
    def test_nonlinear(self, name: str, transform: str) -> None:
        tangent, message = NONLINEAR[name]
        f: Any = square(tangent)
        if transform == "primitive":
            f = wg.primitive(lambda x: x * x, jvp=lambda ts, out, x: tangent(x, ts[0]))
        transforms: dict[str, Callable[[], Any]] = {
            "backward": lambda: np.sum(f(Tensor(X, requires_grad=True))).backward(),
            "vmap": lambda: wg.vmap(wg.grad(lambda x: np.sum(f(x))))(np.stack([X, X])),
            "jvp of grad": lambda: wg.jvp(wg.grad(lambda x: np.sum(f(x))), (X,), (X,)),
        }
        call = transforms.get(transform, lambda: wg.grad(lambda x: np.sum(f(x)))(X))
        message = f"<lambda>.*not linear in the tangents.*{message}"
        with pytest.raises(wg.WengertValueError, match=message):
            call()

    @pytest.mark.parametrize("name", LINEAR)
    def test_linear(self, name: str) -> None:
        f = square(LINEAR[name])
        np.testing.assert_allclose(wg.grad(lambda x: np.sum(f(x)))(X), 2 * X)
        np.testing.assert_allclose(wg.jvp(f, (X,), (X,))[1], 2 * X * X)
        rows = np.stack([X, 2 * X])
        if name != "a branch on the point":
            got = wg.vmap(wg.grad(lambda x: np.sum(f(x))))(rows)
            np.testing.assert_allclose(got, 2 * rows)

    def test_both_tangents(self) -> None:
        f = with_jvp(lambda x, y: x * y, lambda p, t: (p[0] * p[1], t[0] * t[1]))
        with pytest.raises(wg.WengertValueError, match="applies mul"):
            wg.grad(f, (0, 1))(2.0, 3.0)
        f = with_jvp(lambda x, y: x * y, lambda p, t: (p[0] * p[1], t[0] * p[1] + p[0] * t[1]))
        assert wg.grad(f, (0, 1))(2.0, 3.0) == (3.0, 2.0)

    def test_operations_of_the_user_are_tried_with_numbers(self) -> None:
        dct = wg.primitive(
            lambda x: np.fft.fft(x).real,
            vjp=lambda ct, out, x: np.fft.fft(ct).real,
        )
        good = square(lambda x, t: dct(dct(2 * x * t)) * 0 + 2 * x * t)
        np.testing.assert_allclose(wg.grad(lambda x: np.sum(good(x)))(X), 2 * X)
        bad = square(lambda x, t: dct(t) + np.where(dct(t) > 0, 1.0, 0.0))
        with pytest.raises(wg.WengertValueError, match="not linear"):
            wg.grad(lambda x: np.sum(bad(x)))(X)

    def test_forward_mode_takes_the_rule_at_its_word(self) -> None:
        assert wg.jvp(square(lambda x, t: t**2), (3.0,), (2.0,))[1] == 4.0

    def test_a_rule_that_calls_itself_on_tangents(self) -> None:
        """Regression: RecursionError."""
        f = wg.primitive(lambda x: np.fft.fft(x).real, jvp=lambda ts, out, x: f(ts[0]))
        np.testing.assert_allclose(wg.jvp(f, (X,), (X,))[1], np.fft.fft(X).real)
        with pytest.raises(wg.WengertTypeError, match="calls the function itself on the tangents"):
            wg.grad(lambda x: np.sum(f(x)))(X)


BAD = [
    ("text", "a", "got a str"),
    ("objects", np.array([None, 1, 2]), "got dtype object"),
    ("shape", np.ones(2), r"expected shape \(3,\), got \(2,\)"),
    ("number", 1.0, r"expected shape \(3,\), got \(\)"),
    ("structure", {"a": X}, "structure"),
]


class TestReturnValues:
    @pytest.mark.parametrize(("value", "message"), [b[1:] for b in BAD], ids=[b[0] for b in BAD])
    def test_cotangents(self, value: Any, message: str) -> None:
        f = doubled(lambda ct: (value,))
        with pytest.raises((wg.WengertTypeError, wg.WengertValueError), match=message):
            wg.grad(lambda x: np.sum(f(x)))(X)

    @pytest.mark.parametrize(("value", "message"), [b[1:] for b in BAD], ids=[b[0] for b in BAD])
    def test_tangents(self, value: Any, message: str) -> None:
        f = with_jvp(lambda x: x * 2, lambda p, t: (p[0] * 2, value))
        with pytest.raises((wg.WengertTypeError, wg.WengertValueError), match=message):
            wg.jvp(f, (X,), (X,))

    def test_none_is_zero(self) -> None:
        for f in (doubled(lambda ct: None), doubled(lambda ct: (None,))):
            np.testing.assert_array_equal(wg.grad(lambda x, f=f: np.sum(f(x)))(X), 0.0)
        f = with_jvp(lambda x: (x * 2, x), lambda p, t: ((p[0] * 2, p[0]), None))
        np.testing.assert_array_equal(wg.jvp(f, (X,), (X,))[1][0], 0.0)
        np.testing.assert_array_equal(wg.grad(lambda x: np.sum(f(x)[0]))(X), 0.0)

    def test_integers_and_booleans_are_cast(self) -> None:
        g = wg.grad(lambda x: np.sum(doubled(lambda ct: (np.array([1, 2, 3]),))(x)))(X)
        assert g.dtype == np.float64
        g = wg.grad(lambda x: np.sum(doubled(lambda ct: (np.ones(3),))(x)))(np.float32(X))
        assert g.dtype == np.float32

    def test_the_output_in_a_forward_rule(self) -> None:
        for bad in (np.ones(2), (X, X), None, "a"):
            f = with_jvp(lambda x: x * 2, lambda p, t, bad=bad: (bad, t[0] * 2))
            with pytest.raises(wg.WengertValueError, match="must return the function's output"):
                wg.jvp(f, (X,), (X,))

    def test_the_output_of_the_forward_rule_of_custom_vjp(self) -> None:
        f = with_vjp(lambda x: x * 2, lambda x: (np.ones(2), None), lambda _, ct: (ct,))
        with pytest.raises(wg.ShapeError, match=r"shape \(2,\).*function one of shape \(3,\)"):
            wg.vjp(f, X)
        f = with_vjp(lambda x: x * 2, lambda x: ((x, x), None), lambda _, ct: (ct[0],))
        with pytest.raises(wg.WengertTypeError, match="forward rule.*structure"):
            wg.vjp(f, X)

    def test_functions_that_return_no_numbers(self) -> None:
        f = with_jvp(lambda x: np.array(["a"]), lambda p, t: (p[0], t[0]))
        with pytest.raises(wg.WengertTypeError, match="dtype <U1; it must return numbers"):
            f(Tensor(X, requires_grad=True))


class TestParametersOfRules:
    """A rule with other parameters than it is called with, and not a TypeError of its own."""

    @pytest.mark.parametrize(
        ("function", "message"),
        [
            (
                wg.primitive(lambda x: x * x, lambda ct, x: ct),
                r"primitive <lambda>, vjp: .* \(ct, out, \*args\), here with 3 arguments",
            ),
            (
                wg.primitive(lambda x: x * x, jvp=lambda ts, x: ts[0]),
                r"primitive <lambda>, jvp: .* \(tangents, out, \*args\), here with 3",
            ),
            (
                wg.primitive(lambda x: x * x, partials=(lambda x: 2 * x,)),
                r"primitive <lambda>: partial derivative 0: .* \(out, \*args\), here with 2",
            ),
            (
                with_vjp(lambda x: x * x, lambda x: (x * x, x), lambda ct: ct),
                r"custom_vjp of <lambda>, backward rule: .* \(residuals, ct\), here with 2",
            ),
            (
                with_vjp(lambda x: x * x, lambda x, y: (x * x, x), lambda r, ct: ct),
                r"custom_vjp of <lambda>, forward rule: .* \(\*args\), here with 1",
            ),
            (
                with_jvp(lambda x: x * x, lambda primals: (primals[0], primals[0])),
                r"custom_jvp of <lambda>: .* \(primals, tangents\), here with 2",
            ),
            (
                with_jvp(lambda n, x: x**n, lambda p, t: (p[0], t[0]), nondiff_argnums=(0,)),
                r"custom_jvp of <lambda>: .* \(\*nondiff_args, primals, tangents\), here with 3",
            ),
        ],
    )
    def test_wrong_number(self, function: Any, message: str) -> None:
        call = (lambda x: function(3, x)) if "nondiff" in message else function
        with pytest.raises(wg.WengertTypeError, match="^" + message):
            wg.grad(lambda x: np.sum(call(x)))(np.ones(2))

    def test_errors_of_the_rule_itself_are_its_own(self) -> None:
        f = wg.primitive(lambda x: x * x, lambda ct, y, x: ct + None)
        with pytest.raises(TypeError, match="^unsupported operand"):
            wg.grad(f)(2.0)

    def test_a_malformed_forward_rule_is_called_so_in_reverse_mode(self) -> None:
        """Regression: the message went on to advise another rule."""
        f = with_jvp(lambda x: x * x, lambda p, t: t[0])
        with pytest.raises(wg.WengertTypeError, match=r"^custom_jvp .* \(output, tangent\)\n"):
            wg.grad(f)(2.0)


class TestComplex:
    def test_a_real_argument_takes_the_real_part(self) -> None:
        """Regression: the imaginary part went on to what the argument was computed from."""
        f = doubled(lambda ct: (ct * (1 + 1j),))
        assert wg.grad(f)(1.0) == 1.0
        assert wg.grad(lambda z: np.real(f(np.imag(z))))(1 + 2j) == -1j
        assert wg.grad(lambda x: np.abs(f(np.real(x * (3 + 4j)))) ** 2)(1.0) == 36.0

    def test_real_function_of_a_complex_argument(self) -> None:
        f = with_vjp(
            lambda z: np.abs(z) ** 2,
            lambda z: (np.abs(z) ** 2, z),
            lambda z, ct: (2 * ct * z.conj(),),
        )
        assert wg.grad(f)(3 + 4j) == 6 - 8j


class TestChangedArrays:
    """Arrays that their owner changes before the backward pass."""

    def test_a_constant_operand_in_the_residuals(self) -> None:
        c = np.array([1.0, 2.0, 3.0])
        f = with_vjp(lambda x, c: x * c, lambda x, c: (x * c, c), lambda c, ct: (ct * c, None))
        _, pullback = wg.vjp(lambda x: f(x, c), X)
        c[:] = 0.0
        np.testing.assert_array_equal(pullback(np.ones(3))[0], X)

    def test_an_argument_that_is_not_differentiated(self) -> None:
        c = np.array([1.0, 2.0, 3.0])
        for make in (
            lambda: with_vjp(
                lambda x, c: x * c, lambda x, c: (x * c, None), lambda c, _, ct: (ct * c,),
                nondiff_argnums=1,
            ),
            lambda: with_jvp(
                lambda x, c: x * c, lambda c, p, t: (p[0] * c, t[0] * c), nondiff_argnums=(1,)
            ),
        ):  # fmt: skip
            f = make()
            c[:] = [1.0, 2.0, 3.0]
            _, pullback = wg.vjp(lambda x, f=f: f(x, c), X)
            c[:] = 0.0
            np.testing.assert_array_equal(pullback(np.ones(3))[0], X)

    def test_a_residual_from_the_surroundings(self) -> None:
        r = np.array([1.0, 2.0, 3.0])
        f = with_vjp(lambda x: x * r, lambda x: (x * r, {"r": r}), lambda s, ct: (ct * s["r"],))
        _, pullback = wg.vjp(f, X)
        r[:] = 0.0
        np.testing.assert_array_equal(pullback(np.ones(3))[0], X)

    def test_residuals_cannot_be_written(self) -> None:
        def backward(r: Any, ct: Any) -> Any:
            r *= 2
            return (ct * r,)

        f = with_vjp(lambda x: x * 2, lambda x: (x * 2, np.ones(3)), backward)
        with pytest.raises(ValueError, match="read-only"):
            wg.grad(lambda x: np.sum(f(x)))(X)


class TestClosuresAndStatics:
    @pytest.mark.parametrize("outer", ["grad", "jvp", "vmap"])
    @pytest.mark.parametrize("inner", ["vjp", "jvp", "transposed jvp"])
    def test_rules_may_capture_traced_values(self, outer: str, inner: str) -> None:
        def f(a: Any) -> Any:
            if inner == "vjp":
                g = with_vjp(lambda x: x, lambda x: (x * 1, None), lambda _, ct: (ct * a,))
            else:
                g = with_jvp(lambda x: x, lambda p, t: (p[0] * 1, t[0] * a))
            if inner == "jvp":
                return np.sum(wg.jvp(g, (X,), (np.ones(3),))[1])
            return np.sum(wg.grad(lambda x: np.sum(g(x)))(X))

        if outer == "grad":
            assert wg.grad(f)(2.0) == 3.0
        elif outer == "jvp":
            assert wg.jvp(f, (2.0,), (1.0,)) == (6.0, 3.0)
        else:
            np.testing.assert_array_equal(wg.vmap(f)(X), 3 * X)

    def test_nondiff_arguments_must_not_be_traced(self) -> None:
        """Regression: the rule was passed over, or the Tensor kept in a cache."""
        f = with_jvp(lambda x, n: x * n, lambda n, p, t: (p[0] * n, t[0] * n), nondiff_argnums=1)
        for call in (lambda a: f(2.0, a), lambda a: f(a, a), lambda a: f(a, [a])):
            with pytest.raises(wg.WengertTypeError, match="argument 1 is in nondiff_argnums"):
                wg.grad(call)(3.0)
        assert wg.grad(lambda a: f(a, wg.stop_gradient(a)))(3.0) == 3.0
        assert wg.grad(lambda a: f(a, Tensor(2.0)))(3.0) == 2.0

    @pytest.mark.parametrize(
        ("first", "second"),
        [(0.0, -0.0), ((1,), (1.0,)), (1, True), ((2, (0.0,)), (2, (-0.0,)))],
    )
    def test_equal_statics_that_differ(self, first: Any, second: Any) -> None:
        """Regression: the second call found the operation of the first."""
        f = with_jvp(
            lambda x, n: x * len(repr(n)),
            lambda n, p, t: (p[0] * len(repr(n)), t[0] * len(repr(n))),
            nondiff_argnums=(1,),
        )
        for n in (first, second):
            assert wg.grad(lambda x, n=n: f(x, n))(1.0) == len(repr(n))

    @pytest.mark.parametrize(
        ("positions", "error", "message"),
        [
            ((-1,), wg.WengertTypeError, "counted from 0"),
            ("a", wg.WengertTypeError, "counted from 0"),
            ((True,), wg.WengertTypeError, "counted from 0"),
            ((1, 1), wg.WengertValueError, "names an argument twice"),
        ],
    )
    def test_wrong_positions(self, positions: Any, error: Any, message: str) -> None:
        for decorator in (wg.custom_jvp, wg.custom_vjp):
            with pytest.raises(error, match=message):
                decorator(lambda x, n: x, nondiff_argnums=positions)

    def test_rules_must_be_functions(self) -> None:
        with pytest.raises(wg.WengertTypeError, match="the rule must be a function, not a int"):
            wg.custom_jvp(lambda x: x).defjvp(3)  # type: ignore[arg-type]
        with pytest.raises(wg.WengertTypeError, match="rule of argument 1 must be a function"):
            wg.custom_jvp(lambda x, y: x).defjvps(None, 3)  # type: ignore[arg-type]
        with pytest.raises(wg.WengertTypeError, match="the backward rule must be a function"):
            wg.custom_vjp(lambda x: x).defvjp(lambda x: (x, None), None)


class TestPartials:
    def test_numbers(self) -> None:
        """Regression: a constant other than 1 was taken for -1."""
        for constant in (2, 2.0, np.float64(2.0)):
            f = wg.primitive(lambda x: 2 * x, partials=(constant,))
            assert wg.grad(f)(3.0) == 2.0
            assert wg.jvp(f, (3.0,), (1.0,)) == (6.0, 2.0)
            np.testing.assert_array_equal(wg.vmap(wg.grad(f))(X), 2.0)
        assert wg.grad(wg.primitive(lambda x: 0 * x, partials=(0,)))(3.0) == 0.0

    @pytest.mark.parametrize(
        ("partial", "message"),
        [
            (lambda y, x: np.ones(3), r"partial derivative 0 has shape \(3,\), its output \(\)"),
            (lambda y, x: None, "partial derivative 0 returned a NoneType"),
            (True, "must be a function of"),
            ("x", "must be a function of"),
        ],
    )
    def test_wrong_partials(self, partial: Any, message: str) -> None:
        """Regression: a partial derivative of a larger shape was summed."""
        with pytest.raises((wg.WengertTypeError, wg.WengertValueError), match=message):
            wg.grad(wg.primitive(lambda x: 2 * x, partials=(partial,)))(3.0)

    def test_a_function_that_is_not_elementwise(self) -> None:
        f = wg.primitive(lambda x: np.sum(x), partials=(1,))
        with pytest.raises(wg.ShapeError, match="works on each element alone.*vjp or jvp"):
            wg.grad(f)(X)

    def test_broadcasting_partials_are_fine(self) -> None:
        f = wg.primitive(lambda x, y: x * y, partials=(lambda z, x, y: y, lambda z, x, y: x))
        gx, gy = wg.grad(lambda x, y: np.sum(f(x, y)), (0, 1))(X, 2.0)
        np.testing.assert_array_equal(gx, 2.0)
        assert gy == X.sum()
        j = wg.primitive(scipy.special.j0, partials=(lambda y, x: -scipy.special.j1(x),))
        np.testing.assert_allclose(wg.elementwise_grad(j)(X), -scipy.special.j1(X))


class TestPrimitiveOptions:
    @staticmethod
    def first_two(**options: Any) -> Any:
        def function(x: Any) -> Any:
            if type(x) is not np.ndarray:  # it cannot be recorded
                raise TypeError
            return x[:2] * 1.0

        return wg.primitive(function, lambda ct, y, x: np.append(ct, 0.0), **options)

    @pytest.mark.parametrize("shape", [2, (2,), (np.int64(2),), np.zeros(2)])
    def test_shapes(self, shape: Any) -> None:
        f = self.first_two(shape=lambda x: shape)
        got = wg.vmap(wg.grad(lambda x: np.sum(f(x) ** 2)))(np.stack([X, X]))
        np.testing.assert_array_equal(got, [[2.0, 4.0, 0.0]] * 2)

    @pytest.mark.parametrize("shape", ["a", None, (2.5,), (-1,), [], {"a": 3}])
    def test_shapes_that_are_none(self, shape: Any) -> None:
        f = self.first_two(shape=lambda x: shape)
        with pytest.raises(wg.WengertTypeError, match="shape must return the lengths|structure"):
            wg.vmap(f)(np.stack([X, X]))

    @pytest.mark.parametrize("call", [wg.vmap, lambda f: lambda x: wg.grad(f)(x[0])])
    def test_a_wrong_shape(self, call: Any) -> None:
        """Regression: operations were recorded on shapes that the values did not have."""
        f = self.first_two(shape=lambda x: (3,))
        with pytest.raises(wg.ShapeError, match=r"says.*\(3,\), but the function returned \(2,\)"):
            call(lambda x: np.sum(f(x)))(np.stack([X, X]))

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"vjp": 3}, "vjp must be a function, not a int"),
            ({"jvp": "a"}, "jvp must be a function, not a str"),
            ({"vjp": np.sin, "shape": (3,)}, "shape must be a function, not a tuple"),
            ({"vjp": np.sin, "name": 3}, "name must be a string"),
            ({"partials": np.sin}, "partials must be a tuple"),
        ],
    )
    def test_wrong_options(self, options: Any, message: str) -> None:
        with pytest.raises(wg.WengertTypeError, match=message):
            wg.primitive(np.sin, **options)
