"""custom_jvp, custom_vjp and primitive: both modes, any nesting, vmap, recording, errors."""

from __future__ import annotations

import itertools
import math
from functools import partial
from typing import Any

import numpy as np
import pytest
import scipy.special

import wengert as wg

X = np.array([0.3, -1.2, 2.0])


def tripled_sine() -> Any:
    """The sine with three times its derivative: the rule is seen to be used."""

    @wg.custom_jvp
    def f(x):
        return np.sin(x)

    @f.defjvp
    def f_jvp(primals, tangents):
        (x,), (t,) = primals, tangents
        return f(x), 3 * np.cos(x) * t

    return f


def without_rule(function, x):
    """A function of plain numbers, on arrays: on Tensors it is an error."""
    return np.asarray(np.frompyfunc(function, 1, 1)(x), float)[()]


class TestCustomJvp:
    def test_value_is_the_function_s(self):
        f = tripled_sine()
        np.testing.assert_array_equal(f(X), np.sin(X))
        assert type(f(0.5)) is np.float64

    def test_both_modes(self):
        f = tripled_sine()
        np.testing.assert_allclose(wg.grad(f)(0.5), 3 * np.cos(0.5))
        value, tangent = wg.jvp(f, (X,), (np.ones(3),))
        np.testing.assert_allclose(value, np.sin(X))
        np.testing.assert_allclose(tangent, 3 * np.cos(X))
        np.testing.assert_allclose(wg.jacrev(f)(X), np.diag(3 * np.cos(X)))
        np.testing.assert_allclose(wg.jacfwd(f)(X), np.diag(3 * np.cos(X)))

    @pytest.mark.parametrize("outer", [wg.grad, wg.derivative, wg.jacfwd, wg.jacrev])
    def test_second_derivative_goes_through_the_rule(self, outer):
        f = tripled_sine()
        np.testing.assert_allclose(outer(wg.grad(f))(0.5), -3 * np.sin(0.5))

    def test_third_derivative(self):
        f = tripled_sine()
        np.testing.assert_allclose(wg.grad(wg.grad(wg.grad(f)))(0.5), -3 * np.cos(0.5))

    def test_vmap_keeps_the_rule(self):
        f = tripled_sine()
        np.testing.assert_allclose(wg.vmap(f)(X), np.sin(X))
        np.testing.assert_allclose(wg.vmap(wg.grad(f))(X), 3 * np.cos(X))
        np.testing.assert_allclose(wg.grad(lambda x: np.sum(wg.vmap(f)(x)))(X), 3 * np.cos(X))
        np.testing.assert_allclose(wg.vmap(wg.grad(wg.grad(f)))(X), -3 * np.sin(X))
        both = wg.vmap(wg.vmap(wg.grad(f)))(np.stack([X, 2 * X]))
        np.testing.assert_allclose(both, 3 * np.cos(np.stack([X, 2 * X])))

    def test_rule_survives_recording(self):
        f = tripled_sine()
        _, linear = wg.linearize(f, X)
        np.testing.assert_allclose(linear(np.ones(3)), 3 * np.cos(X))
        np.testing.assert_allclose(wg.hessian(lambda x: np.sum(f(x)))(X), np.diag(-3 * np.sin(X)))

    def test_backward(self):
        f = tripled_sine()
        t = wg.Tensor(X, requires_grad=True)
        np.sum(f(t)).backward()
        np.testing.assert_allclose(t.grad, 3 * np.cos(X))

    def test_containers_and_several_outputs(self):
        @wg.custom_jvp
        def f(p, scale):
            return {"y": p["a"] * p["b"] * scale, "z": p["a"] + scale}

        @f.defjvp
        def f_jvp(primals, tangents):
            p, scale = primals
            dp, dscale = tangents
            dy = (dp["a"] * p["b"] + p["a"] * dp["b"]) * scale + p["a"] * p["b"] * dscale
            return f(p, scale), {"y": dy, "z": dp["a"] + dscale}

        p = {"a": X, "b": X + 1}

        def loss(p, scale):
            out = f(p, scale)
            return np.sum(out["y"] ** 2) + np.sum(out["z"])

        def plain(p, scale):
            y, z = p["a"] * p["b"] * scale, p["a"] + scale
            return np.sum(y**2) + np.sum(z)

        ours = wg.grad(loss, (0, 1))(p, 2.0)
        theirs = wg.grad(plain, (0, 1))(p, 2.0)
        for a, b in zip(wg.tree.leaves(ours), wg.tree.leaves(theirs), strict=True):
            np.testing.assert_allclose(a, b)
        # One output unused: its cotangent is zero.
        one = wg.grad(lambda p: np.sum(f(p, 2.0)["z"]))(p)
        np.testing.assert_allclose(one["a"], 1.0)
        np.testing.assert_allclose(one["b"], 0.0)

    def test_nondiff_argnums_and_static_leaves(self):
        @partial(wg.custom_jvp, nondiff_argnums=(0,))
        def power(n, x, how):
            assert how == "plainly"
            return x**n

        @power.defjvp
        def power_jvp(n, primals, tangents):
            x, how = primals
            return power(n, x, how), n * x ** (n - 1) * tangents[0]

        np.testing.assert_allclose(wg.grad(lambda x: power(3, x, "plainly"))(2.0), 12.0)
        np.testing.assert_allclose(wg.grad(lambda x: power(4, x, how="plainly"))(2.0), 32.0)

    def test_defaults_and_keywords_reach_the_rule_by_position(self):
        @wg.custom_jvp
        def f(x, scale=2.0):
            return x * scale

        f.defjvp(lambda p, t: (f(*p), t[0] * p[1] + p[0] * t[1]))
        assert wg.grad(f)(3.0) == 2.0
        assert wg.grad(lambda s: f(3.0, scale=s))(5.0) == 3.0

    def test_defjvps(self):
        @wg.custom_jvp
        def f(x, y):
            return x * y

        f.defjvps(lambda t, out, x, y: t * y, None)
        assert wg.grad(f, (0, 1))(2.0, 3.0) == (3.0, 0.0)

    def test_rule_may_branch_on_values_in_reverse_mode(self):
        @wg.custom_jvp
        def relu(x):
            return x if x > 0 else 0.0 * x

        relu.defjvp(lambda p, t: (relu(*p), t[0] if p[0] > 0 else 0.0 * t[0]))
        assert wg.grad(relu)(2.0) == 1.0
        assert wg.grad(relu)(-2.0) == 0.0

    def test_function_may_call_anything(self):
        @wg.custom_jvp
        def sine(x):
            return without_rule(math.sin, x)

        sine.defjvp(lambda p, t: (sine(*p), without_rule(math.cos, p[0]) * t[0]))
        np.testing.assert_allclose(wg.grad(sine)(1.5), np.cos(1.5))
        np.testing.assert_allclose(wg.jvp(sine, (X,), (X,))[1], np.cos(X) * X)
        np.testing.assert_allclose(wg.vmap(wg.grad(sine))(X), np.cos(X))
        np.testing.assert_allclose(wg.jacrev(sine)(X), np.diag(np.cos(X)))
        with pytest.raises(wg.NoRuleError):
            wg.grad(wg.grad(sine))(1.5)
        with pytest.raises(wg.NoRuleError, match="plain arrays"):
            wg.vmap(wg.grad(wg.grad(sine)))(X)

    def test_operations_are_found_again(self):
        f = tripled_sine()
        for _ in range(3):
            wg.grad(f)(0.5)
        assert len(f._operations) == 1

    def test_captured_value_that_is_differentiated_is_refused(self):
        def outer(w):
            f = wg.custom_jvp(lambda x: x * w)
            f.defjvp(lambda p, t: (f(*p), t[0]))
            return f(w * 1.0)

        with pytest.raises(wg.WengertTypeError, match="captures.*argument"):
            wg.grad(outer)(2.0)

    def test_function_cannot_write_into_its_argument(self):
        @wg.custom_jvp
        def f(x):
            x[0] = 0.0
            return x

        f.defjvp(lambda p, t: (f(*p), t[0]))
        with pytest.raises(ValueError, match="read-only"):
            wg.grad(lambda x: np.sum(f(x)))(X)

    def test_result_does_not_share_memory_with_the_argument(self):
        @wg.custom_jvp
        def same(x):
            return x

        same.defjvp(lambda p, t: (p[0], t[0]))

        def f(x):
            y = same(x)
            y[0] = 10.0
            return np.sum(y * x)

        np.testing.assert_allclose(wg.grad(f)(X), [10.0, *2 * X[1:]])

    @pytest.mark.parametrize(
        ("rule", "message"),
        [
            (lambda p, t: t[0], "pair"),
            (lambda p, t: (p[0], np.sum(t[0])), "shape"),
            (lambda p, t: (p[0], (t[0], t[0])), "structure"),
        ],
    )
    def test_bad_rules(self, rule, message):
        f = wg.custom_jvp(lambda x: x * 1.0)
        f.defjvp(rule)
        with pytest.raises((wg.WengertTypeError, wg.WengertValueError), match=message):
            wg.jvp(f, (X,), (X,))

    def test_missing_rule(self):
        with pytest.raises(wg.WengertTypeError, match=r"\.defjvp"):
            wg.grad(wg.custom_jvp(lambda x: x))(1.0)

    def test_structure_must_not_depend_on_values(self):
        f = wg.custom_jvp(lambda x: x if x > 0 else (x, x))
        f.defjvp(lambda p, t: (f(*p), t[0]))
        wg.grad(f)(1.0)
        with pytest.raises(wg.WengertTypeError, match="structure"):
            wg.grad(lambda x: f(x)[0])(-1.0)


def scaled_product() -> Any:
    """x sin(y), with gradients twice and three times the true ones."""
    f = wg.custom_vjp(lambda x, y: x * np.sin(y))
    f.defvjp(
        lambda x, y: (x * np.sin(y), (x, y)),
        lambda res, ct: (2 * ct * np.sin(res[1]), 3 * ct * res[0] * np.cos(res[1])),
    )
    return f


class TestCustomVjp:
    def test_gradient(self):
        gx, gy = wg.grad(scaled_product(), (0, 1))(2.0, 0.5)
        np.testing.assert_allclose([gx, gy], [2 * np.sin(0.5), 6 * np.cos(0.5)])

    def test_residuals_are_computed_once_and_used(self):
        calls = []

        def forward(x):
            calls.append("forward")
            return x * x, 2 * x

        f = wg.custom_vjp(lambda x: x * x)
        f.defvjp(forward, lambda res, ct: (ct * res,))
        assert wg.grad(f)(3.0) == 6.0
        assert calls == ["forward"]

    @pytest.mark.parametrize("outer", [wg.grad, wg.derivative, wg.jacfwd, wg.jacrev])
    def test_second_derivative_goes_through_both_rules(self, outer):
        f = scaled_product()
        second = outer(lambda y: wg.grad(f, 1)(2.0, y))(0.5)
        np.testing.assert_allclose(second, -6 * np.sin(0.5))
        mixed = outer(lambda x: wg.grad(f, 1)(x, 0.5))(2.0)
        np.testing.assert_allclose(mixed, 3 * np.cos(0.5))

    def test_third_derivative(self):
        f = scaled_product()
        third = wg.grad(wg.grad(wg.grad(f, 1), 1), 1)(2.0, 0.5)
        np.testing.assert_allclose(third, -6 * np.cos(0.5))

    def test_hessian_and_forward_mode_use_the_rule(self):
        f = scaled_product()
        _, tangent = wg.jvp(f, (2.0, 0.5), (1.0, 1.0))
        np.testing.assert_allclose(tangent, 2 * np.sin(0.5) + 6 * np.cos(0.5))

    def test_vmap(self):
        f = scaled_product()
        np.testing.assert_allclose(wg.vmap(f)(X, X), X * np.sin(X))
        np.testing.assert_allclose(wg.vmap(wg.grad(f), (0, None))(X, 0.5), [2 * np.sin(0.5)] * 3)
        # An argument that all examples share collects from all of them.
        shared = wg.grad(lambda y: np.sum(wg.vmap(f, (0, None))(X, y)))(0.5)
        np.testing.assert_allclose(shared, 3 * np.cos(0.5) * X.sum())
        np.testing.assert_allclose(
            wg.vmap(wg.hessian(f, 1), (0, None))(X, 0.5), -3 * np.sin(0.5) * X
        )

    def test_backward(self):
        f = scaled_product()
        x, y = wg.Tensor(2.0, requires_grad=True), wg.Tensor(0.5, requires_grad=True)
        f(x, y).backward()
        np.testing.assert_allclose([x.grad, y.grad], [2 * np.sin(0.5), 6 * np.cos(0.5)])
        x.zero_grad()
        f(x, y).backward(create_graph=True)
        x.grad.backward()
        np.testing.assert_allclose(y.grad.detach(), (6 + 6 + 2) * np.cos(0.5))

    def test_gradient_clipping_and_straight_through(self):
        clip = wg.custom_vjp(lambda x: x)
        clip.defvjp(lambda x: (x, None), lambda _, ct: (np.clip(ct, -1, 1),))
        np.testing.assert_allclose(wg.grad(lambda x: np.sum(5 * clip(x)))(X), np.ones(3))
        step = wg.custom_vjp(lambda x: np.round(x))
        step.defvjp(lambda x: (np.round(x), None), lambda _, ct: (ct,))
        np.testing.assert_allclose(wg.grad(lambda x: np.sum(step(x) ** 2))(X), 2 * np.round(X))

    def test_none_is_zero_and_residuals_may_be_anything(self):
        f = wg.custom_vjp(lambda x, y: x * y)
        f.defvjp(lambda x, y: (x * y, {"y": y, "how": "text"}), lambda r, ct: (ct * r["y"], None))
        gx, gy = wg.grad(f, (0, 1))(2.0, 3.0)
        assert (gx, gy) == (3.0, 0.0)

    def test_nondiff_argnums(self):
        f = partial(wg.custom_vjp, nondiff_argnums=(1,))(lambda x, n: x**n)
        f.defvjp(lambda x, n: (x**n, x), lambda n, x, ct: (ct * n * x ** (n - 1),))
        assert wg.grad(f)(2.0, 3) == 12.0

    def test_integers_among_the_arguments(self):
        f = wg.custom_vjp(lambda table, i: table[i])

        def backward(res, ct):
            shape, i = res
            g = np.zeros(shape)
            g[i] = ct
            return g, None

        f.defvjp(lambda table, i: (table[i], (table.shape, i)), backward)
        np.testing.assert_allclose(wg.grad(lambda t: f(t, 1))(X), [0, 1, 0])

    def test_forward_mode_of_a_rule_that_cannot_be_transposed(self):
        f = wg.custom_vjp(lambda x: np.sin(x))
        f.defvjp(lambda x: (np.sin(x), x), lambda x, ct: (without_rule(math.cos, ct),))
        with pytest.raises(wg.WengertTypeError, match="custom_jvp"):
            wg.jvp(f, (1.0,), (1.0,))

    @pytest.mark.parametrize(
        ("backward", "message"),
        [
            (lambda r, ct: (ct, ct), "one cotangent for each"),
            (lambda r, ct: (np.sum(ct),), "shape"),
            (lambda r, ct: ({"a": ct},), "structure"),
        ],
    )
    def test_bad_rules(self, backward, message):
        f = wg.custom_vjp(lambda x: x * 1.0)
        f.defvjp(lambda x: (x * 1.0, None), backward)
        with pytest.raises((wg.WengertValueError, wg.WengertTypeError), match=message):
            wg.grad(lambda x: np.sum(f(x)))(X)

    def test_missing_rule(self):
        with pytest.raises(wg.WengertTypeError, match=r"\.defvjp"):
            wg.grad(wg.custom_vjp(lambda x: x))(1.0)


class TestPrimitive:
    def test_jvp_alone_serves_both_modes(self):
        j0 = wg.primitive(scipy.special.j0, jvp=lambda ts, out, x: -scipy.special.j1(x) * ts[0])
        np.testing.assert_allclose(wg.grad(j0)(1.5), -scipy.special.j1(1.5))
        np.testing.assert_allclose(wg.jvp(j0, (X,), (X,))[1], -scipy.special.j1(X) * X)
        np.testing.assert_allclose(wg.vmap(wg.grad(j0))(X), -scipy.special.j1(X))

    def test_vjp_with_differentiable_rules_has_all_orders(self):
        # The derivatives of the Bessel functions, each in terms of the others.
        j1 = wg.primitive(
            lambda x: scipy.special.jv(1, x), vjp=lambda ct, out, x: ct * (j0(x) - out / x)
        )
        j0 = wg.primitive(lambda x: scipy.special.jv(0, x), vjp=lambda ct, out, x: -ct * j1(x))
        second = scipy.special.jvp(0, 1.5, 2)
        np.testing.assert_allclose(wg.grad(wg.grad(j0))(1.5), second)
        np.testing.assert_allclose(wg.hessian(j0)(1.5), second)
        np.testing.assert_allclose(wg.vmap(wg.grad(wg.grad(j0)))(np.array([1.5, 2.5])),
                                   scipy.special.jvp(0, np.array([1.5, 2.5]), 2))  # fmt: skip
        third = scipy.special.jvp(0, 1.5, 3)
        np.testing.assert_allclose(wg.grad(wg.grad(wg.grad(j0)))(1.5), third)

    def test_both_rules_may_be_given(self):
        f = wg.primitive(
            np.square, vjp=lambda ct, out, x: 10 * ct * x, jvp=lambda ts, out, x: 20 * x * ts[0]
        )
        assert wg.grad(f)(1.0) == 10.0
        assert wg.jvp(f, (1.0,), (1.0,))[1] == 20.0

    def test_partials(self):
        zeta = wg.primitive(
            scipy.special.zeta, partials=(None, lambda out, s, q: -s * zeta(s + 1, q)), name="zeta"
        )
        np.testing.assert_allclose(wg.grad(zeta, 1)(2.0, 1.5), -2 * scipy.special.zeta(3, 1.5))
        second = wg.grad(wg.grad(zeta, 1), 1)(2.0, 1.5)
        np.testing.assert_allclose(second, 6 * scipy.special.zeta(4, 1.5))
        q = np.array([1.5, 2.5])
        np.testing.assert_allclose(wg.vmap(lambda q: zeta(2.0, q))(q), scipy.special.zeta(2.0, q))
        # Broadcasting: the gradient is summed down to the argument's shape.
        total = wg.grad(lambda q: np.sum(zeta(np.array([2.0, 3.0]), q)))(1.5)
        expected = -2 * scipy.special.zeta(3, 1.5) - 3 * scipy.special.zeta(4, 1.5)
        np.testing.assert_allclose(total, expected)

    def test_several_arguments_and_outputs(self):
        f = wg.primitive(
            lambda a, b: (a @ b, b.sum()),
            vjp=lambda cts, out, a, b: (np.outer(cts[0], b), a.T @ cts[0] + cts[1]),
        )
        a, b = np.arange(6.0).reshape(2, 3), X

        def loss(a, b):
            y, s = f(a, b)
            return np.sum(y**2) + s**2

        ga, gb = wg.grad(loss, (0, 1))(a, b)
        ea, eb = wg.grad(lambda a, b: np.sum((a @ b) ** 2) + np.sum(b) ** 2, (0, 1))(a, b)
        np.testing.assert_allclose(ga, ea)
        np.testing.assert_allclose(gb, eb)

    def test_scalar_function(self):
        f = wg.primitive(math.erf, vjp=lambda ct, out, x: ct * 2 / np.sqrt(np.pi) * np.exp(-(x**2)))
        np.testing.assert_allclose(wg.grad(f)(0.5), 2 / np.sqrt(np.pi) * np.exp(-0.25))
        np.testing.assert_allclose(wg.grad(wg.grad(f))(0.5), -2 / np.sqrt(np.pi) * np.exp(-0.25))

    def test_shape_is_needed_where_nothing_else_tells_it(self):
        def checked_root(x):
            if np.any(x < 5):
                raise ValueError("below 5")
            return np.sqrt(np.asarray(x))

        rule = {"vjp": lambda ct, out, x: ct / (2 * np.asarray(out))}
        x = np.array([[6.0, 7.0], [8.0, 9.0]])
        f = wg.primitive(checked_root, **rule)
        with pytest.raises(wg.WengertTypeError, match="shape="):
            wg.vmap(f)(x)
        f = wg.primitive(checked_root, **rule, shape=lambda x: x.shape)
        np.testing.assert_allclose(wg.vmap(f)(x), np.sqrt(x))
        np.testing.assert_allclose(wg.vmap(wg.grad(lambda x: np.sum(f(x))))(x), 0.5 / np.sqrt(x))

    def test_an_internal_buffer_that_is_reused_is_copied(self):
        buffer = np.zeros(3)

        def doubled(x):
            np.multiply(x, 2, out=buffer)
            return buffer

        f = wg.primitive(doubled, vjp=lambda ct, out, x: 2 * ct)
        np.testing.assert_allclose(wg.grad(lambda x: np.sum(f(x) * f(f(x))))(X), 16 * X)

    @pytest.mark.parametrize(
        "arguments",
        [{"name": "f"}, {"shape": np.shape}, {"batch": np.shape},
         {"partials": (1,), "vjp": lambda *a: a}, {"partials": (1,), "batch": np.shape}],
    )  # fmt: skip
    def test_exactly_one_way_to_give_the_derivative(self, arguments):
        with pytest.raises(wg.WengertValueError):
            wg.primitive(np.sin, **arguments)

    def test_a_batching_rule_replaces_the_loop(self):
        calls = []

        def solve(a, b):
            calls.append(np.shape(a))
            return np.array(scipy.linalg.solve(np.array(a), np.array(b)))

        def batch(batched, a, b):
            assert batched == (True, False)
            calls.append("batch")
            return np.linalg.solve(a, np.tile(b, (len(a), 1))[..., None])[..., 0]

        def vjp(ct, out, a, b):
            w = np.linalg.solve(a.T, ct)
            return -np.outer(w, out), w

        f = wg.primitive(solve, vjp, batch=batch)
        a = np.random.default_rng(0).normal(size=(4, 3, 3))
        expected = [np.linalg.solve(m, X) for m in a]
        calls.clear()
        np.testing.assert_allclose(wg.vmap(f, (0, None))(a, X), expected)
        assert calls.count("batch") == 1
        assert calls.count((3, 3)) <= 2  # for the shape of the result
        loss = lambda m: np.sum(f(m, X) ** 2)  # noqa: E731
        np.testing.assert_allclose(wg.vmap(wg.grad(loss))(a), [wg.grad(loss)(m) for m in a])
        of_all = lambda a: np.sum(wg.vmap(f, (0, None))(a, X) ** 2)  # noqa: E731
        np.testing.assert_allclose(wg.grad(of_all)(a), [wg.grad(loss)(m) for m in a])

    def test_a_batching_rule_that_loses_the_batch(self):
        f = wg.primitive(lambda x: np.array(x.tolist()), lambda ct, out, x: ct,
                         batch=lambda batched, x: np.ones(7))  # fmt: skip
        with pytest.raises(wg.ShapeError, match=r"batch= returned an output of shape \(7,\).* 3"):
            wg.vmap(f)(np.ones((3, 2)))

    def test_not_a_function(self):
        with pytest.raises(wg.WengertTypeError, match="function"):
            wg.primitive(3.0, vjp=lambda *a: a)


def test_stop_gradient_inside_a_rule_and_vmap():
    f = tripled_sine()
    np.testing.assert_allclose(wg.vmap(wg.grad(lambda x: x * wg.stop_gradient(f(x))))(X), np.sin(X))


class TestVjpForm:
    """The fifth derivative form of a primitive's record: reverse mode only."""

    def make(self, **rules: Any) -> Any:
        from wengert.core.bind import bind
        from wengert.core.primitive import Primitive

        p = Primitive(
            "doubled",
            lambda x: 2 * x,
            lambda x: (x.shape, x.dtype),
            None,
            vjp=lambda ct, ins, out: [5 * ct],
            register=False,
            **rules,
        )
        return lambda x: bind(p, (x,), {})

    def test_reverse_mode(self):
        np.testing.assert_allclose(wg.grad(lambda x: np.sum(self.make()(x)))(X), [5, 5, 5])

    def test_forward_mode_names_the_remedy(self):
        with pytest.raises(wg.WengertTypeError, match="doubled.*custom_jvp"):
            wg.jvp(self.make(), (X,), (X,))

    def test_beside_a_jvp_it_replaces_its_transpose(self):
        f = self.make(jvp=lambda ts, ins, out: 7 * ts[0])
        assert wg.jvp(f, (1.0,), (1.0,))[1] == 7.0
        assert wg.grad(f)(1.0) == 5.0

    def test_beside_another_form_it_is_refused(self):
        with pytest.raises(wg.WengertValueError, match="give one of"):
            self.make(partials=(1,))


def custom_tanh(kind: str) -> Any:
    if kind == "custom_jvp":
        f = wg.custom_jvp(np.tanh)
        f.defjvp(lambda p, t: (f(*p), (1 - f(p[0]) ** 2) * t[0]))
    elif kind == "custom_vjp":
        f = wg.custom_vjp(lambda x: np.tanh(x))
        f.defvjp(lambda x: (f(x), x), lambda x, ct: ((1 - f(x) ** 2) * ct,))
    elif kind == "vjp with the output":
        f = wg.primitive(math.tanh, vjp=lambda ct, y, x: ct * (1 - y * y))
    elif kind == "jvp with the output":
        f = wg.primitive(math.tanh, jvp=lambda ts, y, x: ts[0] * (1 - y * y))
    else:
        f = wg.primitive(lambda x: np.tanh(x), partials=(lambda y, x: 1 - y * y,))
    return f


MODES = {
    "grad": wg.grad,
    "jvp": lambda f: lambda x: wg.jvp(f, (x,), (1.0,))[1],
    "vmap": lambda f: lambda x: wg.vmap(wg.grad(f))(np.reshape(x, (1,)))[0],
    "linearize": lambda f: lambda x: wg.linearize(f, x)[1](1.0),
}
KINDS = ["custom_jvp", "custom_vjp", "vjp with the output", "jvp with the output", "partials"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("modes", list(itertools.product(MODES, repeat=3)))
def test_third_derivative_in_every_nesting_of_modes(kind, modes):
    derivative = custom_tanh(kind)
    for mode in modes:
        derivative = MODES[mode](derivative)
    t = np.tanh(0.5)
    np.testing.assert_allclose(derivative(0.5), (1 - t * t) * (6 * t * t - 2))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("outer", "inner"), list(itertools.product(MODES, repeat=2)))
def test_perturbations_stay_apart(kind, outer, inner):
    f = custom_tanh(kind)
    got = MODES[outer](lambda x: x * MODES[inner](lambda y: f(x * y))(x))(0.3)
    h = 1e-5
    value = lambda x: x * x * (1 - np.tanh(x * x) ** 2)  # noqa: E731
    np.testing.assert_allclose(got, (value(0.3 + h) - value(0.3 - h)) / (2 * h), rtol=1e-8)
