"""Functions with rules of their own as what they are in Python: methods, decorators, closures."""

from __future__ import annotations

import copy
import gc
import inspect
import pickle
import weakref
from typing import Any

import numpy as np
import pytest

import wengert as wg

X = np.array([1.0, 2.0, 3.0])
ROWS = np.stack([X, 2 * X])


@wg.custom_jvp
def tripled(x: Any) -> Any:
    """The sine."""
    return np.sin(x)


tripled.defjvp(lambda p, t: (np.sin(p[0]), 3 * np.cos(p[0]) * t[0]))


@wg.custom_vjp
def doubled(x: Any) -> Any:
    """The sine."""
    return np.sin(x)


doubled.defvjp(lambda x: (np.sin(x), x), lambda x, ct: (2 * np.cos(x) * ct,))


@wg.primitive(vjp=lambda ct, y, x: 5 * np.cos(x) * ct)
def fivefold(x: Any) -> Any:
    """The sine."""
    return np.sin(x)


@wg.primitive(partials=(lambda y, x: 7 * np.cos(x),))
def sevenfold(x: Any) -> Any:
    """The sine."""
    return np.sin(x)


@wg.primitive
def elevenfold(x: Any) -> Any:
    """The sine."""
    return np.sin(x)


wg.extend.defvjp(elevenfold, lambda y, x: lambda g: 11 * np.cos(x) * g)

FACTORS = [(tripled, 3), (doubled, 2), (fivefold, 5), (sevenfold, 7), (elevenfold, 11)]


class Scaled:
    """One method of each kind, whose rule says 7 whatever the factor is."""

    factor = 3.0

    @wg.custom_jvp
    def jvp(self, x):
        return self.factor * x

    jvp.defjvp(lambda p, t: (p[0].factor * p[1], 7 * t[1]))

    @wg.custom_vjp
    def vjp(self, x):
        return self.factor * x

    vjp.defvjp(lambda self, x: (self.factor * x, None), lambda _, ct: (None, 7 * ct))

    @wg.custom_vjp(nondiff_argnums=(0,))
    def nondiff(self, x):
        return self.factor * x

    nondiff.defvjp(lambda self, x: (self.factor * x, None), lambda self, _, ct: (7 * ct,))

    @wg.primitive(vjp=lambda ct, y, self, x: (None, 7 * ct))
    def primitive(self, x):
        return self.factor * x


class TestAsFunctions:
    @pytest.mark.parametrize(("f", "factor"), FACTORS)
    def test_pickled_by_name(self, f: Any, factor: int) -> None:
        """Regression: functions with rules could not be pickled."""
        assert pickle.loads(pickle.dumps(f)) is f
        assert copy.deepcopy(f) is f
        np.testing.assert_allclose(wg.grad(f)(0.5), factor * np.cos(0.5))

    @pytest.mark.parametrize("f", [f for f, _ in FACTORS])
    def test_name_and_signature(self, f: Any) -> None:
        assert f.__name__ == f.__qualname__ == f.__wrapped__.__name__
        assert f.__module__ == __name__
        assert f.__doc__ == "The sine."
        assert list(inspect.signature(f).parameters) == ["x"]

    @pytest.mark.parametrize("f", [f for f, _ in FACTORS[:-1]])
    def test_keywords(self, f: Any) -> None:
        """Regression: a primitive with partials took positions only."""
        expected = wg.grad(f)(0.5)
        assert wg.grad(lambda x: f(x=x))(0.5) == expected
        for options in ({"y": 1.0}, {"x": 1.0, "y": 1.0}):
            with pytest.raises(wg.WengertTypeError, match=rf"{f.__name__}\(x"):
                f(**options)

    def test_keyword_only_arguments(self) -> None:
        def scaled(x, *, scale=2.0):
            return scale * x

        f = wg.primitive(scaled, partials=(2.0,))
        assert wg.grad(f)(3.0) == 2.0
        with pytest.raises(wg.WengertTypeError, match=r"keyword-only arguments \(scale\)"):
            wg.grad(lambda x: f(x, scale=4.0))(3.0)

    def test_partials_are_for_numbers(self) -> None:
        """Regression: inside jit the error was that of calling the type of the argument."""
        f = wg.primitive(lambda how, x: 2 * x, partials=(None, 2.0))
        for how in ("plainly", [1.0], Scaled()):
            with pytest.raises(wg.WengertTypeError, match=f"argument 0 is a {type(how).__name__};"):
                wg.grad(f, 1)(how, 3.0)

    @pytest.mark.parametrize("method", ["jvp", "vjp", "nondiff", "primitive"])
    def test_methods(self, method: str) -> None:
        """Regression: the instance was not passed."""
        f = getattr(Scaled(), method)
        assert f(2.0) == 6.0
        assert getattr(Scaled, method)(Scaled(), 2.0) == 6.0
        assert wg.value_and_grad(f)(2.0) == (6.0, 7.0)
        assert wg.jvp(f, (2.0,), (1.0,)) == (6.0, 7.0)
        assert wg.jit(wg.grad(f))(2.0) == 7.0
        np.testing.assert_array_equal(wg.vmap(wg.grad(f))(X), 7.0)


class Repeated:
    """A method whose result has as many elements as an attribute says."""

    count = 2

    @wg.custom_vjp
    def times(self, x):
        return np.stack([x] * self.count)

    times.defvjp(
        lambda self, x: (np.stack([x] * self.count), None), lambda _, ct: (None, np.sum(ct))
    )


def test_instances_may_change_and_are_not_kept() -> None:
    """Regression: the shape of the result was that of the first call."""

    def used() -> Any:
        r = Repeated()
        means = wg.vmap(lambda x: np.mean(r.times(x) * np.ones(r.count)))
        np.testing.assert_array_equal(means(X), X)
        r.count = 5
        np.testing.assert_array_equal(means(X), X)
        np.testing.assert_array_equal(wg.vmap(wg.grad(lambda x: np.sum(r.times(x))))(X), 5.0)
        return weakref.ref(r)

    alive = used()
    gc.collect()
    assert alive() is None


def with_jvp(function: Any, rule: Any) -> Any:
    f = wg.custom_jvp(function)
    f.defjvp(rule)
    return f


def with_vjp(function: Any, backward: Any) -> Any:
    f = wg.custom_vjp(function)
    f.defvjp(lambda x: (function(x), x), backward)
    return f


CAPTURING = {
    "custom_jvp": lambda a: with_jvp(lambda x: x * a, lambda p, t: (p[0] * a, t[0] * a)),
    "custom_vjp": lambda a: with_vjp(lambda x: x * a, lambda x, ct: (ct * a,)),
    "primitive": lambda a: wg.primitive(lambda x: x * a, lambda ct, y, x: ct * a),
    "partials": lambda a: wg.primitive(lambda x: x * a, partials=(lambda y, x: a,)),
}

TRANSFORMS = {
    "grad": lambda f: wg.grad(f)(2.0),
    "jvp": lambda f: wg.jvp(f, (2.0,), (1.0,)),
    "jit": lambda f: wg.jit(f)(2.0),
    "jit of grad": lambda f: wg.jit(wg.grad(f))(2.0),
    "grad of jit": lambda f: wg.grad(wg.jit(f))(2.0),
    "vmap": lambda f: wg.vmap(f)(X),
    "vmap of grad": lambda f: wg.vmap(wg.grad(f))(X),
}


class TestCapturedValues:
    @pytest.mark.parametrize("kind", CAPTURING)
    @pytest.mark.parametrize("transform", TRANSFORMS)
    def test_refused_in_functions(self, kind: str, transform: str) -> None:
        """Regression: inside jit the derivative through the captured value was left out."""
        with pytest.raises(wg.WengertTypeError, match=r"captures.*as an argument"):
            TRANSFORMS[transform](lambda a: CAPTURING[kind](a)(2.0 * a))

    @pytest.mark.parametrize("kind", CAPTURING)
    def test_constants_are_fine(self, kind: str) -> None:
        f = CAPTURING[kind](3.0)
        for name in ("grad", "jit of grad", "grad of jit"):
            assert TRANSFORMS[name](f) == 3.0

    @pytest.mark.parametrize("kind", ["custom_jvp", "custom_vjp", "primitive"])
    def test_stopped_values_are_fine(self, kind: str) -> None:
        def f(a: Any) -> Any:
            return CAPTURING[kind](wg.stop_gradient(a))(2.0 * a)

        assert wg.grad(f)(2.0) == 4.0

    def test_no_tensor_leaves_a_jvp(self) -> None:
        """Regression: the tangent had a tangent of its own, and came out as a Tensor."""

        def f(a: Any) -> Any:
            return with_jvp(lambda x: 3 * x, lambda p, t: (3 * p[0], t[0] * a))(a)

        tangent = wg.jvp(f, (2.0,), (1.0,))[1]
        assert type(tangent) is np.float64
        assert tangent == 2.0

    def test_rule_that_outlives_a_recording(self) -> None:
        def f(a: Any) -> Any:
            return with_vjp(lambda x: x * 3, lambda x, ct: (ct * a,))(a)

        with pytest.raises(wg.AbstractValueError, match="rule of a custom function.*as arguments"):
            wg.grad(wg.jit(f))(2.0)


class TestWhatRulesAreGiven:
    def test_cotangents_cannot_be_written(self) -> None:
        """Regression: the cotangent of an operation beside it changed."""

        def backward(x: Any, ct: Any) -> Any:
            ct[...] = 0.0
            return (np.ones(3),)

        for f in (
            with_vjp(lambda x: 2 * x, backward),
            wg.primitive(lambda x: 2 * x, lambda ct, y, x: backward(x, ct)[0]),
        ):
            with pytest.raises(ValueError, match="read-only"):
                wg.grad(lambda x, f=f: np.sum((x * x + f(x)) * X))(X)
            # On Tensors a write is a change of the rule's own.
            got = wg.vmap(wg.grad(lambda x, f=f: np.sum((x * x + f(x)) * X)))(ROWS)
            np.testing.assert_allclose(got, 1 + 2 * ROWS * X)
            got = wg.jit(wg.grad(lambda x, f=f: np.sum((x * x + f(x)) * X)))(X)
            np.testing.assert_allclose(got, 1 + 2 * X * X)

    def test_the_caller_s_cotangent_is_as_it_was(self) -> None:
        ct = np.ones(3)
        pullback = wg.vjp(with_vjp(lambda x: 2 * x, lambda x, ct: (np.negative(ct, ct),)), X)[1]
        with pytest.raises(ValueError, match="read-only"):
            pullback(ct)
        np.testing.assert_array_equal(ct, 1.0)

    def test_a_buffer_that_is_returned_again_and_again(self) -> None:
        buffer = np.zeros(3)

        def vjp(ct: Any, y: Any, x: Any) -> Any:
            buffer[:] = 2 * ct
            return buffer

        f = wg.primitive(lambda x: 2 * x, vjp)
        got = wg.grad(lambda x: np.sum(f(x) * X + f(x * x)))(X)
        np.testing.assert_allclose(got, 2 * X + 4 * X)


def opaque(function: Any) -> Any:
    """A rule that can neither be recorded nor be called on numbers below 5."""

    def rule(*leaves: Any) -> Any:
        *_, x = leaves = tuple(np.asarray(a) for a in leaves)
        if np.any(x < 5):
            raise ValueError("below 5")
        return function(*leaves)

    return rule


class TestRulesWithoutARecording:
    """Their results have the shapes of what they belong to, so no call on numbers has to tell."""

    Y = np.array([6.0, 7.0, 8.0])

    def test_reverse(self) -> None:
        """Regression: inside jit and vmap the rule was called on arbitrary numbers."""
        f = wg.primitive(lambda x: x * x, opaque(lambda ct, y, x: 2 * ct * x))
        expected = 2 * self.Y
        np.testing.assert_allclose(wg.jit(wg.grad(lambda x: np.sum(f(x))))(self.Y), expected)
        np.testing.assert_allclose(wg.vmap(wg.grad(f))(self.Y), expected)

    def test_forward(self) -> None:
        rule = opaque(lambda t, y, x: 2 * t * x)
        f = wg.primitive(lambda x: x * x, jvp=lambda ts, y, x: rule(ts[0], y, x))
        along = lambda x: wg.jvp(f, (x,), (x,))[1]  # noqa: E731
        np.testing.assert_allclose(wg.jit(along)(self.Y), 2 * self.Y**2)
        np.testing.assert_allclose(wg.vmap(along)(self.Y), 2 * self.Y**2)
        with pytest.raises(wg.WengertTypeError, match="only a forward rule.*reverse rule beside"):
            wg.grad(lambda x: np.sum(f(x)))(self.Y)

    def test_none(self) -> None:
        def tangent(p: Any, t: Any) -> Any:
            return np.asarray(p[0]) ** 2, None

        f = with_jvp(lambda x: np.asarray(x) ** 2, tangent)
        assert wg.jit(lambda x: wg.jvp(f, (x,), (1.0,)))(3.0) == (9.0, 0.0)
        np.testing.assert_array_equal(wg.vmap(wg.grad(f))(X), 0.0)

    @pytest.mark.parametrize("axes", [(0, 0), (0, None), (None, 0)])
    @pytest.mark.parametrize("kind", ["recorded", "opaque", "custom_vjp", "forward"])
    def test_none_from_a_batched_rule(self, kind: str, axes: Any) -> None:
        """Regression: a gradient through vmap failed where the rule returned None, or looped."""
        calls: list[int] = []

        def cotangents(ct: Any, y: Any, x: Any, n: Any) -> Any:
            calls.append(1)
            return (opaque(np.multiply)(ct, n) if kind == "opaque" else ct * n), None

        times = wg.primitive(lambda x, n: x * n, cotangents)
        if kind == "custom_vjp":
            times = wg.custom_vjp(lambda x, n: x * n)
            times.defvjp(lambda x, n: (x * n, (x, n)), lambda kept, ct: cotangents(ct, 0, *kept))
        elif kind == "forward":  # None wherever there is a tangent of the second argument alone
            times = wg.primitive(lambda x, n: x * n, jvp=lambda ts, y, x, n: None)
        x, n = np.arange(12.0).reshape(4, 3), np.full((4, 3), 7.0)
        args = tuple(a[0] if axis is None else a for a, axis in zip((x, n), axes, strict=True))

        def loss(x: Any, n: Any) -> Any:
            return np.sum(wg.vmap(times, in_axes=axes)(x, n))

        by_x, by_n = wg.grad(loss, argnums=(0, 1))(*args)
        one = 0.0 if kind == "forward" else 7.0
        np.testing.assert_array_equal(
            by_x, one * np.ones((4, 3)) if axes[0] == 0 else [4 * one] * 3
        )
        np.testing.assert_array_equal(by_n, np.zeros(args[1].shape))
        assert len(calls) <= 2 or kind == "opaque"

    @pytest.mark.parametrize("transform", ["jit", "vmap"])
    def test_wrong_shapes(self, transform: str) -> None:
        f = wg.primitive(lambda x: x * x, opaque(lambda ct, y, x: np.ones(2)))
        gradient = wg.grad(lambda x: np.sum(f(x)))
        call, x = (wg.jit, self.Y) if transform == "jit" else (wg.vmap, np.stack([self.Y] * 2))
        with pytest.raises(wg.ShapeError, match=r"cotangent.*\(3,\), got \(2,\)"):
            call(gradient)(x)


class TestDerivedDirections:
    """What a rule returns is held to its shape where the other direction is derived."""

    @pytest.mark.parametrize("value", [np.ones(2), 1.0, "a", np.array([None] * 3), (X, X)])
    def test_wrong_values(self, value: Any) -> None:
        """Regression: a constant of any shape was taken for a derivative of zero."""
        f = wg.primitive(lambda x: 2 * x, lambda ct, y, x: value)
        with pytest.raises(wg.WengertError, match="expected|structure|one cotangent"):
            wg.jvp(f, (X,), (X,))
        f = wg.primitive(lambda x: 2 * x, jvp=lambda ts, y, x: value)
        with pytest.raises(wg.WengertError, match="expected|structure"):
            wg.grad(lambda x: np.sum(f(x)))(X)

    def test_complex_tangents_of_real_outputs(self) -> None:
        f = with_jvp(np.abs, lambda p, t: (np.abs(p[0]), np.conj(p[0]) * t[0] / np.abs(p[0])))
        for call in (lambda: wg.jvp(f, (3 + 4j,), (1.0,)), lambda: wg.grad(f)(3 + 4j)):
            with pytest.raises(wg.WengertTypeError, match="expected real numbers.*np.real"):
                call()

    def test_no_rule_for_any_argument(self) -> None:
        """Regression: infinity times zero."""
        f = wg.custom_jvp(lambda x, y: x / y)
        f.defjvps(None, None)
        assert wg.jvp(f, (np.inf, 1.0), (1.0, 1.0)) == (np.inf, 0.0)
        assert wg.grad(f)(np.inf, 1.0) == 0.0
