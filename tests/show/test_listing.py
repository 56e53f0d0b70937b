"""Listings of arrays, containers, branches and writes: they run, agree, and read well."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import wengert as wg
from wengert.show import show

from .programs import assert_same, check, run_elsewhere

rng = np.random.default_rng(0)
OFFSET = np.array([1.0, 2.0, 3.0])
TABLE = rng.normal(size=(40, 3))


def normal(*shape):
    return rng.normal(size=shape)


class TestReadability:
    def test_product(self):
        def f(a, b):
            d = a * b
            return d

        listing = check(f, 2.0, 3.0)
        assert listing.forward == "d = a * b"
        assert listing.backward.splitlines() == [
            "grad_d = 1.0",
            "grad_a = grad_d * b",
            "grad_b = grad_d * a",
        ]

    def test_the_author_s_names_are_used(self):
        def f(x):
            inner = np.sin(x)
            outer = np.exp(inner)
            return outer

        listing = check(f, 0.5)
        assert listing.forward.splitlines() == ["inner = np.sin(x)", "outer = np.exp(inner)"]
        assert "grad_inner = grad_outer * outer" in listing.backward

    def test_names_of_a_helper_function_and_names_used_twice(self):
        def square(v):
            result = v * v
            return result

        def f(x):
            h = square(x)
            h = np.sin(h)
            return h * square(h)

        lines = check(f, 0.5).forward.splitlines()
        assert lines[:3] == ["h = x * x", "h_2 = np.sin(h)", "result = h_2 * h_2"]

    def test_the_trace_hook_is_given_back(self):
        calls = []

        def tracer(frame, event, argument):
            calls.append(event)

        before = sys.gettrace()
        sys.settrace(tracer)
        try:
            show(lambda x: x * x, 1.0)
            assert sys.gettrace() is tracer
        finally:
            sys.settrace(before)

    def test_partials_are_simple(self):
        expected = {
            "np.log(x)": "grad_a / x",
            "x / 5.0": "grad_a / 5.0",
            "3.0 / x": "-grad_a * a / x",
            "np.tanh(x)": "grad_a * (1 - a ** 2)",
            "x ** 3": "grad_a * 3 * x ** 2",
            "x ** 2": "grad_a * 2 * x",
            "-x": "-grad_a",
            "x - 1.0": "grad_a",
            "1.0 - x": "-grad_a",
            "np.cos(x)": "-grad_a * np.sin(x)",
            "np.sqrt(x)": "grad_a * 0.5 / a",
            "np.abs(x)": "grad_a * np.sign(x)",
            "np.arctan(x)": "grad_a / (1 + x ** 2)",
            "np.cbrt(x)": "grad_a / (3 * a ** 2)",
            "np.maximum(x, 0)": "grad_a * ((x > 0) + 0.5 * (x == 0))",
            "x % 3.0": "grad_a",
            "1 / x": "-grad_a * a / x",
        }
        for text, gradient in expected.items():
            listing = check(eval(f"lambda x: {text}", {"np": np}), 2.0)
            assert listing.backward.splitlines()[-1] == f"grad_x = {gradient}", text

    def test_shapes(self):
        listing = check(
            lambda x, w: np.sum(np.tanh(x @ w)), normal(4, 3), normal(3, 2), shapes=True
        )
        assert listing.forward.splitlines()[0] == "a = x @ w       # (4, 2)"
        assert listing.backward.splitlines()[0].endswith("# ()")

    def test_letters_skip_what_is_taken(self):
        listing = check(lambda a, c: np.sin(a) * np.cos(c) + a, 1.0, 2.0)
        assert listing.forward.splitlines()[0] == "b = np.sin(a)"
        assert listing.forward.splitlines()[1] == "d = np.cos(c)"

    def test_argument_names_that_collide(self):
        listing = check(lambda x, grad_x, sum: x * grad_x + sum, 1.0, 2.0, 3.0)
        assert "grad_x_ = " in listing.backward
        assert "grad_sum = " in listing.backward

    def test_repr_is_the_listing(self):
        listing = show(lambda x: x * x, 1.0)
        assert repr(listing) == str(listing)
        assert listing.source.startswith("import numpy as np\n\n# forward pass")


class TestArrays:
    def test_broadcasting_shows_as_sums(self):
        listing = check(lambda x, b, c: x * b + c, normal(4, 3), normal(3), normal(4, 1))
        assert "grad_b = (grad_a * x).sum(axis=0)" in listing.backward
        assert "grad_c = grad_d.sum(axis=1, keepdims=True)" in listing.backward
        scalar = check(lambda x, s: x * s, normal(4, 3), 2.0)
        assert "grad_s = (grad_a * x).sum()" in scalar.backward
        check(lambda x, y: x - y, normal(1, 3), normal(4, 1))
        check(lambda x, y: x * y, normal(2, 1, 3), normal(4, 1))

    @pytest.mark.parametrize("axis", [None, 0, 1, -1, (0, 1), (0, 2)])
    @pytest.mark.parametrize("keepdims", [False, True])
    @pytest.mark.parametrize("reduction", [np.sum, np.mean, np.max, np.min, np.prod, np.var])
    def test_reductions(self, reduction, axis, keepdims):
        check(lambda x: reduction(x, axis=axis, keepdims=keepdims) * 2.0, normal(2, 3, 4))

    def test_sum_of_everything_reads_simply(self):
        listing = check(lambda x: np.sum(x), normal(3, 4))
        assert listing.forward == "a = np.sum(x)"
        assert "grad_x = np.broadcast_to(grad_a, x.shape)" in listing.backward
        rows = check(lambda x: np.sum(x, axis=1), normal(3, 4))
        assert "grad_x = np.broadcast_to(grad_a[:, None], x.shape)" in rows.backward

    def test_matrix_products(self):
        listing = check(lambda x, w: x @ w, normal(4, 3), normal(3, 2))
        assert "grad_x = grad_a @ w.T" in listing.backward
        assert "grad_w = x.T @ grad_a" in listing.backward
        vector = check(lambda w, x: w @ x, normal(4, 3), normal(3))
        assert "grad_w = grad_a[:, None] * x" in vector.backward
        assert "grad_x = grad_a @ w" in vector.backward
        inner = check(lambda x, y: x @ y, normal(3), normal(3))
        assert "grad_x = grad_a * y" in inner.backward
        check(lambda x, w: x @ w, normal(3), normal(3, 2))
        check(lambda x, w: x @ w, normal(5, 4, 3), normal(3, 2))
        check(lambda x, w: np.einsum("ij,kj->ik", x, w), normal(4, 3), normal(2, 3))
        check(lambda x, w: np.tensordot(x, w, 2), normal(2, 4, 3), normal(4, 3, 2))

    def test_indexing(self):
        listing = check(lambda x: x[1:3] * x[0], normal(5))
        assert "grad_x = np.zeros_like(x)" in listing.backward
        assert "grad_x[0] += " in listing.backward
        repeated = check(lambda x: x[np.array([0, 0, 2])] ** 2, normal(5))
        assert "np.add.at(grad_x, [0, 0, 2], grad_a)" in repeated.backward
        distinct = check(lambda x: x[np.arange(3), np.array([0, 1, 1])] ** 2, normal(3, 2))
        assert "grad_x[np.arange(3), [0, 1, 1]] += grad_a" in distinct.backward
        check(lambda x: x[1:, np.array([0, 0])] * 2.0, normal(3, 2))
        check(lambda x: x[x > 0] ** 2, normal(6))
        check(lambda x: x[None, :, ::-1].T * 2.0, normal(3, 2))

    def test_where_and_comparisons(self):
        listing = check(lambda x, y: np.where(x > y, x * y, 0.0), normal(4), normal(4))
        assert "x > y" in listing.forward
        # The comparison is part of the listing: it holds for other values.
        x, y = normal(4), normal(4)
        np.testing.assert_allclose(listing.run(x, y)[0], np.where(x > y, x * y, 0.0))

    def test_a_gradient_of_zero_stays_zero(self):
        listing = check(lambda x: np.sum(np.where(x > 0, np.sqrt(x), 0.0)), np.array([4.0, 0.0]))
        assert "np.where(grad_b == 0, 0.0, grad_b * 0.5 / b)" in listing.backward
        usual = check(lambda x: np.sum(np.sqrt(x)), np.array([4.0, 1.0]))
        assert "np.where" not in usual.backward

    def test_linear_algebra(self):
        def f(A, b):
            x = np.linalg.solve(A, b)
            return x @ x

        listing = check(f, normal(3, 3) + 3 * np.eye(3), normal(3))
        assert "np.linalg.solve(A.T, " in listing.backward
        check(lambda a: np.linalg.slogdet(a)[1], normal(3, 3))
        check(lambda a: np.linalg.det(a), normal(3, 3))
        check(lambda a: np.linalg.norm(a, axis=1), normal(3, 2))

    def test_moving_things(self):
        check(lambda x, y: np.concatenate([x, y], axis=1) * 2.0, normal(2, 3), normal(2, 1))
        check(lambda x: np.sort(x)[::-1] * np.arange(4.0), normal(4))
        check(lambda x: np.cumsum(x, axis=0) * x, normal(3, 2))
        check(lambda x: x.reshape(3, 2).T @ x[:, :1].reshape(3), normal(3, 2).reshape(3, 2))
        check(lambda x: np.transpose(x, (2, 0, 1)) * 2.0, normal(2, 3, 4))

    def test_single_precision_and_complex_values(self):
        x = normal(3).astype(np.float32)
        listing = check(lambda x: x * np.float32(0.1), x)
        assert listing.run()[1][0].dtype == np.float32
        check(lambda x: np.abs(np.exp(1j * x) + x), normal(3))
        with pytest.raises(wg.WengertTypeError, match="complex"):
            show(lambda x: np.exp(1j * x), 1.0)

    def test_softmax_cross_entropy_of_a_network(self):
        def loss(params, X, labels):
            h = np.tanh(X @ params["W1"] + params["b1"])
            scores = h @ params["W2"] + params["b2"]
            shifted = scores - np.max(scores, axis=1, keepdims=True)
            logp = shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))
            return -np.mean(logp[np.arange(len(labels)), labels])

        params = {"W1": normal(3, 4), "b1": normal(4), "W2": normal(4, 2), "b2": normal(2)}
        X, labels = normal(5, 3), np.array([0, 1, 1, 0, 1])
        listing = check(loss, params, X, labels)
        assert "grad_params_W2 = h.T @ " in listing.backward
        assert "logp[np.arange(5), labels]" in listing.forward
        other = (X[::-1], labels[::-1].copy())
        value, (gradient, _) = listing.run(params, *other)
        np.testing.assert_allclose(value, loss(params, *other))
        expected = wg.grad(loss)(params, *other)
        np.testing.assert_allclose(gradient["W1"], expected["W1"])


class TestWrites:
    def test_a_write_in_place_needs_no_copy(self):
        def f(x):
            y = np.sin(x) ** 2
            y[0] = 0.0
            return y.sum()

        listing = check(f, normal(3))
        assert listing.forward.splitlines()[1:3] == ["y = a ** 2", "y[0] = 0.0"]
        assert "grad_y[0] = 0.0" in listing.backward

    def test_a_value_that_is_still_needed_is_copied(self):
        def f(x):
            y = np.exp(x)
            y[0] = x[1]
            return y.sum()

        listing = check(f, normal(3))
        assert "y.copy()" in listing.forward or "a.copy()" in listing.forward

    def test_no_line_changes_what_another_reads(self):
        def stopped(x):
            y = wg.stop_gradient(x)
            y[0] = x[1] ** 2
            return np.sum(y * x)

        x = normal(3)
        value, gradient = wg.value_and_grad(stopped)(x)
        assert_same(show(stopped, x).run(), (value, (gradient,)))
        # Gradients that are views of others and are added to afterwards.
        check(lambda x: (np.flip(x) + x) * np.sum(x) + x.T[::-1], normal(3))
        check(lambda x: np.einsum("ij->ji", x) * x + x.T, normal(3, 3))

        def residual(x):
            y = x + np.tanh(x)
            z = y + np.reshape(y, (3, 1))[:, 0]
            return z * x + y

        check(residual, normal(3))

    def test_programs(self):
        def f(x, v):
            y = np.exp(x)
            z = y * y
            y[1:3] = v * x[0]
            y[[0, 0]] += x[1]
            y.reshape(2, 2).T[0] = x[2]
            y[::2] *= 2.0
            y += x
            return (y * z).sum()

        check(f, normal(4), normal(2))

        def duplicates(x):
            y = x * 1.0
            y[np.array([0, 0, 1])] = x[1:4] ** 2
            return y * x

        check(duplicates, normal(4))

        def buffer(x):
            y = np.zeros_like(x)
            y[1:] = x[:-1] * 2.0
            y[0] += x[-1]
            return y * x

        check(buffer, normal(4))


class TestRecording:
    def test_branch_on_a_value(self):
        def f(x):
            if x > 0:
                return x * x
            return -x

        assert "x * x" in check(f, 2.0).forward
        assert check(f, -2.0).forward.endswith("= -x")

    def test_branch_and_a_buffer_that_changes(self):
        def f(x):
            buffer = np.zeros(3)
            for i in range(3):
                buffer[:] = i
                x = x + buffer
            return np.sum(x) if x[0] > -100 else x

        with pytest.raises(wg.MutationError, match="branches on values"):
            show(f, normal(3))

    def test_loop_that_depends_on_values(self):
        def f(x):
            while x < 100:
                x = x * x
            return x

        assert len(check(f, 3.0).forward.splitlines()) == 3

    def test_integer_array_argument_of_a_function_recorded_on_values(self):
        def f(x, labels):
            if x[0, 0] > -100:
                return np.sum(x[np.arange(3), labels] ** 2)
            return 0.0

        listing = check(f, normal(3, 2), np.array([0, 1, 1]))
        assert "[np.arange(3), labels]" in listing.forward

    def test_arrays_from_the_surroundings(self):
        def f(w):
            return np.sum((TABLE @ w - OFFSET[0]) ** 2) + OFFSET @ w

        listing = check(f, normal(3))
        assert "OFFSET = np.array([1.0, 2.0, 3.0])" in str(listing)
        assert "# TABLE: an array of shape (40, 3)" in str(listing)
        assert "a = TABLE @ w" in listing.forward
        assert listing.namespace()["TABLE"] is TABLE or np.array_equal(
            listing.namespace()["TABLE"], TABLE
        )

    def test_containers_in_and_out(self):
        def f(p, q):
            return {"y": p["a"] * q[0], "z": [p["a"] + q[1], 3.0]}

        listing = check(f, {"a": normal(3)}, (2.0, normal(3)))
        value, (gp, gq) = listing.run()
        assert set(value) == {"y", "z"}
        assert set(gp) == {"a"}
        assert isinstance(gq, tuple)
        assert "grad_q_1 = " in listing.backward

    def test_outputs_that_are_used_and_returned_twice(self):
        check(lambda x: (x * x, np.sin(x * x)), normal(3))

        def f(x):
            y = x * x
            return y, y

        check(f, normal(3))
        check(lambda x: x, normal(3))
        check(lambda x, y: x * 2.0, 1.0, 3.0)

    def test_arguments_without_names(self):
        assert "np.sin(x)" in check(np.sin, 0.5).forward
        assert "xs_0 * xs_1" in check(lambda *xs: xs[0] * xs[1], 1.0, 2.0).forward

    def test_argnums(self):
        listing = show(lambda x, w: np.sum(x * w), normal(3), normal(3), argnums=1)
        assert "grad_x" not in listing.backward
        assert len(listing.run()[1]) == 1
        with pytest.raises(wg.WengertTypeError, match="int64"):
            show(lambda x: x * 2.0, np.arange(3), argnums=0)

    def test_custom_rules(self):
        @wg.custom_jvp
        def softplus(x):
            return np.logaddexp(0.0, x)

        softplus.defjvp(lambda p, t: (softplus(*p), t[0] / (1 + np.exp(-p[0]))))
        listing = check(lambda x: softplus(x) * x, normal(3))
        assert "a = softplus(x)" in listing.forward
        assert "/ (1 + np.exp(-x))" in listing.backward

    def test_stop_gradient_and_checkpoint(self):
        check(lambda x: x * wg.stop_gradient(np.sin(x)), 0.5)
        listing = check(lambda x: wg.checkpoint(lambda v: np.sin(v) * v)(x) * x, 0.5)
        assert "np.sin(x)" in listing.forward

    def test_derivatives_inside(self):
        check(lambda x: wg.grad(lambda v: np.sum(v**3))(x) * x, normal(3))
        check(lambda x: wg.vmap(lambda v: np.sin(v) * v)(x), normal(3))

    def test_a_thousand_operations(self):
        def f(x):
            for _ in range(1000):
                x = np.sin(x) + 0.1
            return x

        listing = check(f, 0.5)
        assert len(listing.forward.splitlines()) == 2000

    def test_no_rule(self):
        with pytest.raises(wg.NoRuleError):
            show(np.frompyfunc(lambda v: v, 1, 1), normal(3))
        with pytest.raises(wg.WengertTypeError, match="function"):
            show(3.0)
        with pytest.raises(wg.WengertValueError, match="mode"):
            show(np.sin, 1.0, mode="sideways")


class TestRunning:
    def test_other_values(self):
        listing = show(lambda x, y: np.sum(x * y), normal(3), normal(3))
        x, y = normal(3), normal(3)
        value, (gx, gy) = listing.run(x, y)
        np.testing.assert_allclose(value, x @ y)
        np.testing.assert_allclose(gx, y)
        np.testing.assert_allclose(gy, x)

    def test_wrong_arguments(self):
        listing = show(lambda p, n: p["x"] * n, {"x": normal(3)}, 2)
        with pytest.raises(wg.WengertTypeError, match="expected 2"):
            listing.run({"x": normal(3)})
        with pytest.raises(wg.ShapeError, match="p_x"):
            listing.run({"x": normal(4)}, 2)
        with pytest.raises(wg.WengertValueError, match="structure"):
            listing.run(normal(3), 2)
        with pytest.raises(wg.WengertValueError, match="n=2"):
            listing.run({"x": normal(3)}, 3)

    def test_function_text(self):
        listing = show(lambda x, w: np.sum(np.maximum(x @ w, 0)), normal(2, 3), normal(3))
        x, w = "np.arange(6.0).reshape(2, 3)", "np.array([1.0, -1.0, 0.5])"
        out = run_elsewhere(listing.function + f"\nprint(f({x}, {w})[0])")
        expected = np.maximum(np.arange(6.0).reshape(2, 3) @ np.array([1.0, -1.0, 0.5]), 0).sum()
        np.testing.assert_allclose(float(out), expected)

    def test_inputs_are_not_modified(self):
        def f(x):
            x[0] = 1.0
            return np.sum(x * x)

        x = normal(3)
        before = x.copy()
        listing = show(f, x)
        np.testing.assert_array_equal(x, before)
        listing.run(x)
        np.testing.assert_array_equal(x, before)


class TestForwardMode:
    def test_tangents_follow_the_values(self):
        def f(x, y):
            a = np.sin(x)
            b = a * y
            return b

        listing = show(f, 0.5, 2.0, mode="forward")
        assert listing.forward.splitlines() == [
            "a = np.sin(x)",
            "dot_a = dot_x * np.cos(x)",
            "b = a * y",
            "dot_b = dot_a * y + dot_y * a",
        ]
        assert listing.backward == ""
        value, tangent = listing.run(0.5, 2.0, tangents=(1.0, 3.0))
        expected = wg.jvp(f, (0.5, 2.0), (1.0, 3.0))
        np.testing.assert_allclose([value, tangent], expected)

    def test_function_text(self):
        listing = show(lambda x: x / (1 + x), 2.0, mode="forward")
        out = run_elsewhere(listing.function + "\nprint(f(2.0, 1.0)[1])")
        np.testing.assert_allclose(float(out), 1 / 9)

    def test_custom_vjp_has_no_forward_text_unless_it_can_be_transposed(self):
        f = wg.custom_vjp(lambda x: x * x)
        f.defvjp(lambda x: (x * x, x), lambda x, ct: (2 * ct * x,))
        _, tangent = show(lambda x: f(x), 3.0, mode="forward").run()
        assert tangent == 6.0


def test_empty_passes_say_why():
    assert str(show(lambda x: x * x, 3)).splitlines() == [
        "# forward pass",
        "# nothing to compute: the result is an argument or a constant",
        "",
        "# backward pass",
        "# nothing to differentiate: no argument is floating point (write 2.0 instead of 2)",
    ]
    listing = show(lambda x: x, 3.0)
    assert "# nothing to compute" in str(listing)
    assert listing.backward == "grad_x = 1.0"
    assert listing.run() == (3.0, (1.0,))
