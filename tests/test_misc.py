"""`wengert.misc` and `wengert.test_util`: autograd's helpers."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert import test_util
from wengert.misc import const_graph
from wengert.misc.fixed_points import fixed_point
from wengert.misc.flatten import flatten, flatten_func
from wengert.misc.optimizers import adam, rmsprop, sgd, unflatten_optimizer
from wengert.misc.tracers import const_graph_unary
from wengert.testing import check_grads

PARAMS = {"w": [np.arange(4.0).reshape(2, 2), 5.0], "a": (np.float32(1.5), np.zeros((0, 2)))}


class TestFlatten:
    def test_round_trip(self) -> None:
        flat, unflatten = flatten(PARAMS)
        np.testing.assert_array_equal(flat, [1.5, 0, 1, 2, 3, 5])
        again = unflatten(flat)
        assert wg.tree.structure(again) == wg.tree.structure(PARAMS)
        np.testing.assert_array_equal(again["w"][0], PARAMS["w"][0])
        assert np.shape(again["w"][1]) == ()
        assert flatten(())[0].size == 0
        assert flatten(3.0)[1](np.array([4.0])) == 4.0

    def test_both_directions_are_differentiable(self) -> None:
        flat, unflatten = flatten(PARAMS)
        check_grads(lambda v: np.sum(unflatten(v)["w"][0] ** 2) * unflatten(v)["w"][1], (flat,))
        check_grads(lambda p: flatten(p)[0] ** 2, ({"b": np.ones(2), "a": 2.0},))

    def test_of_the_gradient_of_containers(self) -> None:
        loss = lambda p: p["a"] ** 2 + np.sum(p["b"] ** 3)  # noqa: E731
        point = OrderedDict(b=np.ones(2), a=2.0)
        flat_gradient, _, x = flatten_func(wg.grad(loss), point)
        np.testing.assert_allclose(wg.jacobian(flat_gradient)(x), np.diag([6.0, 6.0, 2.0]))

    def test_a_vector_of_another_length(self) -> None:
        with pytest.raises(wg.ShapeError, match=r"expected a vector of shape \(6,\).*\(5,\)"):
            flatten(PARAMS)[1](np.zeros(5))


class TestOptimizers:
    @pytest.mark.parametrize(
        ("optimize", "options"),
        [(sgd, {"num_iters": 300}), (rmsprop, {"num_iters": 300, "step_size": 0.02}),
         (adam, {"num_iters": 300, "step_size": 0.05})],
    )  # fmt: skip
    def test_they_reach_the_minimum_of_containers(self, optimize: Any, options: Any) -> None:
        seen = []

        def note(x, i, g):
            assert set(x) == set(g) == {"a", "b"}
            seen.append(i)

        loss = lambda p, i: np.sum((p["a"] - 1) ** 2) + 2 * (p["b"] + 2) ** 2  # noqa: E731
        x = optimize(wg.grad(loss), {"a": np.zeros(2), "b": 0.0}, note, **options)
        assert seen == list(range(300))
        np.testing.assert_allclose(x["a"], [1, 1], atol=0.05)
        np.testing.assert_allclose(x["b"], -2, atol=0.05)

    def test_they_can_be_differentiated(self) -> None:
        def after_training(rate):
            return sgd(lambda x, i: 2 * x, np.array([1.0]), num_iters=3, step_size=rate)[0]

        check_grads(after_training, (0.1,))

    def test_one_of_ones_own(self) -> None:
        newton = unflatten_optimizer(lambda g, x, callback=None, n=1: x - g(x, 0) / 2)
        assert newton(lambda x, i: {"a": 2 * (x["a"] - 3)}, {"a": 7.0}) == {"a": 3.0}

    @pytest.mark.peers
    def test_autograds_numbers(self) -> None:
        optimizers = pytest.importorskip("autograd.misc.optimizers")
        start = {"a": np.array([0.3, -2.0]), "b": np.array(1.0)}
        gradient = wg.grad(lambda p, i: np.sum(p["a"] ** 4) + np.cos(p["b"] + i))
        for ours, name in ((sgd, "sgd"), (rmsprop, "rmsprop"), (adam, "adam")):
            theirs = getattr(optimizers, name)
            got, expected = ours(gradient, start), theirs(gradient, start)
            for key in start:
                np.testing.assert_allclose(got[key], expected[key], rtol=1e-12, err_msg=name)


def babylonian(a):
    return lambda x: 0.5 * (x + a / x)


def distance(x, y):
    return np.max(np.abs(np.asarray(x) - np.asarray(y)))


class TestFixedPoint:
    def test_root(self) -> None:
        root = lambda a: fixed_point(babylonian, a, 1.0, distance, 1e-12)  # noqa: E731
        assert abs(root(2.0) - np.sqrt(2)) < 1e-12
        check_grads(root, (2.0,), order=2)
        np.testing.assert_allclose(wg.vmap(wg.grad(root))(np.array([1.0, 4.0])), [0.5, 0.25])

    def test_of_vectors_and_containers(self) -> None:
        m = np.array([[0.1, 0.3], [-0.2, 0.2]])

        def step(parameters):
            return lambda x: np.tanh(m @ x + parameters["b"]) * parameters["c"]

        def solve(b, c):
            return fixed_point(step, {"b": b, "c": c}, np.zeros(2), distance, 1e-13)

        check_grads(solve, (np.array([0.5, -1.0]), 0.7))

    def test_the_start_has_no_derivative(self) -> None:
        assert wg.grad(lambda s: fixed_point(babylonian, 2.0, s, distance, 1e-12))(1.0) == 0.0


class TestConstGraph:
    def test_it_runs_what_the_first_call_recorded(self) -> None:
        calls = []

        def f(scale, x, y):
            calls.append(1)
            return {"out": scale * np.sin(x) * y if x > 0 else x}

        g = const_graph(f, 2.0)
        assert g(1.0, 3.0)["out"] == 2 * np.sin(1.0) * 3
        assert g(-1.0, 3.0)["out"] == 2 * np.sin(-1.0) * 3
        assert len(calls) == 1
        assert wg.grad(lambda x: g(x, 3.0)["out"])(2.0) == 2 * np.cos(2.0) * 3
        check_grads(lambda x, y: g(x, y)["out"], (0.3, 0.4), order=2)

    def test_recorded_in_a_transform(self) -> None:
        g = const_graph_unary(lambda x: x**3)
        assert wg.grad(wg.grad(g))(2.0) == 12.0

    def test_errors(self) -> None:
        with pytest.raises(wg.WengertValueError, match="does not depend"):
            const_graph(lambda x: 3.0)(1.0)
        g = const_graph(lambda x: x[0] * 2)
        g([1.0, 2.0])
        with pytest.raises(wg.WengertTypeError, match="recorded for arguments of structure"):
            g(1.0)


class TestTestUtil:
    def test_right_derivatives_pass(self) -> None:
        f = lambda x, y=1.0: np.sin(x) * y  # noqa: E731
        test_util.check_grads(f)(np.ones(3))
        test_util.check_grads(f, (0, 1), modes=["rev"], order=1)(np.ones(3), 2.0)
        test_util.check_grads(f)(np.ones(3), y=2.0)
        test_util.combo_check(f, (0, 1), order=1)([np.ones(2), 0.3], [1.0, 2.0])
        test_util.check_vjp(np.sin, 0.5)
        test_util.check_jvp(np.sin, 0.5)

    def test_wrong_derivatives_raise(self) -> None:
        wrong = wg.primitive(np.sin, lambda ct, out, x: ct)
        for check in (test_util.check_grads(wrong), lambda x: test_util.check_vjp(wrong, x),
                      lambda x: test_util.check_jvp(wrong, x),
                      test_util.combo_check(wrong)):  # fmt: skip
            with pytest.raises(AssertionError, match="differ|wrong|analytic|derivative"):
                check(np.array([0.5]))

    def test_small_functions(self) -> None:
        jvp = test_util.make_numerical_jvp(lambda p: {"y": p[0] ** 2 * p[1]}, (2.0, 3.0))
        np.testing.assert_allclose(jvp((1.0, 1.0))["y"], 16.0, rtol=1e-8)
        assert test_util.scalar_close(1.0, 1.0 + 1e-7)
        assert test_util.scalar_close(0.0, 0.0)
        assert not test_util.scalar_close(1.0, 1.1)
        test_util.check_equivalent((1.0, np.ones(2)), (1.0, np.ones(2)))
        with pytest.raises(AssertionError, match="VSpace mismatch"):
            test_util.check_equivalent(np.ones(2), np.ones(3))
        with pytest.raises(AssertionError, match="Value mismatch"):
            test_util.check_equivalent(np.ones(2), np.zeros(2))


@pytest.mark.parametrize("leaf", ["text", object(), np.array(["a"]), np.array([None])])
def test_flatten_takes_numbers_alone(leaf: Any) -> None:
    with pytest.raises(wg.WengertTypeError, match="flatten: a .* stands among the numbers"):
        flatten({"w": np.ones(2), "name": leaf})


def test_optimizers_ask_for_a_function() -> None:
    for optimize in (adam, rmsprop, sgd):
        with pytest.raises(wg.WengertTypeError, match=f"{optimize.__name__}: expected a function"):
            optimize(np.ones(2), np.ones(2))
