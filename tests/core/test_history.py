"""`backward`, parents, backward steps, and nodes made by users."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert import Tensor

A2 = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
B2 = [[8.0, 2.0, 5.0]]


def pair() -> tuple[Tensor, Tensor]:
    return Tensor(A2, True), Tensor(B2, True)


# ------------------------------------------------------------------ facts of the course system


@pytest.mark.parametrize(
    ("f", "of_a", "of_b"),
    [
        (lambda a, b: a + b, np.ones((2, 3)), [[2, 2, 2]]),
        (lambda a, b: a - b, np.ones((2, 3)), [[-2, -2, -2]]),
        (lambda a, b: a * b, [[8, 2, 5], [8, 2, 5]], [[5, 7, 9]]),
        (
            lambda a, b: a / b,
            [[0.125, 0.5, 0.2], [0.125, 0.5, 0.2]],
            [[-0.078125, -1.75, -0.36]],
        ),
    ],
)
def test_facts_of_arithmetic(f: Any, of_a: Any, of_b: Any) -> None:
    a, b = pair()
    f(a, b).backward(np.ones((2, 3)))
    np.testing.assert_allclose(a.grad, of_a, rtol=1e-15)
    np.testing.assert_allclose(b.grad, of_b, rtol=1e-15)
    a, b = pair()
    f(a, b).backward()  # seeds ones
    np.testing.assert_allclose(b.grad, of_b, rtol=1e-15)
    a, b = pair()
    f(a, b).grad_fn(np.ones((2, 3)))
    np.testing.assert_allclose(a.grad, of_a, rtol=1e-15)
    np.testing.assert_allclose(b.grad, of_b, rtol=1e-15)


def test_facts_of_matmul() -> None:
    a, b = Tensor(np.ones((2, 3)), True), Tensor(np.full((3, 2), 2.0), True)
    (a @ b).backward()
    np.testing.assert_array_equal(a.grad, np.full((2, 3), 4.0))
    np.testing.assert_array_equal(b.grad, np.full((3, 2), 2.0))


def test_facts_of_reductions() -> None:
    a = Tensor(A2, True)
    a.sum(axis=1).backward(np.array([1, 2]))
    np.testing.assert_array_equal(a.grad, [[1, 1, 1], [2, 2, 2]])
    a = Tensor([[1.0, 2.0, 3.0], [6.0, 4.0, 0.0]], True)
    a.max(axis=1).backward(np.array([1, 2]))
    np.testing.assert_array_equal(a.grad, [[0, 0, 1], [2, 0, 0]])
    a = Tensor(A2, True)
    a.sum(axis=1).grad_fn(np.array([1, 2]))
    np.testing.assert_array_equal(a.grad, [[1, 1, 1], [2, 2, 2]])


def test_facts_of_sigmoid() -> None:
    x = Tensor([[1.0, 2.0, 3.0], [6.0, 4.0, 0.0]], True)
    y = 1 / (1 + (-1 * x).exp())
    y.backward()
    expected = [
        [0.19661193324, 0.10499358540, 0.04517665973],
        [0.00246650929, 0.01766270621, 0.25],
    ]
    np.testing.assert_allclose(x.grad, expected, rtol=1e-9)


def test_reflected_operators() -> None:
    x = Tensor([2.0], True)
    y = (3 - x) * (1 / x) + 2 * x - (-x)
    y.backward()
    np.testing.assert_allclose(x.grad, [-3 / 4 + 3])
    m = Tensor(np.eye(2), True)
    (np.ones((1, 2)) @ m).backward()
    np.testing.assert_array_equal(m.grad, np.ones((2, 2)))


# ------------------------------------------------------------------ parents


class TestParents:
    def test_are_the_very_operands(self) -> None:
        a, b = pair()
        y = a + b
        assert y.parents[0] is a
        assert y.parents[1] is b
        z = y * y
        assert z.parents[0] is y
        assert z.parents[1] is y
        assert a.parents == ()

    def test_constants_keep_their_identity(self) -> None:
        a, c = Tensor(A2, True), Tensor(B2)
        assert (a + c).parents[1] is c
        assert (c * a).parents[0] is c
        assert (a @ c.T).parents[0] is a
        y = np.maximum(a, c)
        assert y.parents[0] is a
        assert y.parents[1] is c

    def test_plain_operands_are_wrapped(self) -> None:
        a = Tensor(A2, True)
        _, other = (a + np.ones(3)).parents
        assert isinstance(other, Tensor)
        assert not other.requires_grad
        np.testing.assert_array_equal(other.array, np.ones(3))
        _, number = (a * 2.5).parents
        assert float(number) == 2.5

    def test_intermediates_that_died_are_computed_again(self) -> None:
        a = Tensor(A2, True)
        y = np.sum(np.exp(a * 2.0) + 1.0)
        (middle,) = y.parents
        np.testing.assert_array_equal(middle.array, np.exp(np.array(A2) * 2) + 1)
        assert middle.grad_fn_name == "<AddBackward>"
        exponential = middle.parents[0]
        assert exponential.parents[0].parents[0] is a
        exponential.backward()
        np.testing.assert_allclose(a.grad, 2 * np.exp(np.array(A2) * 2))

    def test_walk_back_finds_what_lives_and_makes_the_rest(self) -> None:
        a, _ = pair()
        held = np.exp(a)
        s = (held * 2 + 1).sum()
        plus = s.parents[0]
        times = plus.parents[0]
        np.testing.assert_array_equal(plus.array, held.array * 2 + 1)
        np.testing.assert_array_equal(times.array, held.array * 2)
        assert times.parents[0] is held
        assert held.parents[0] is a

    def test_walk_back_notices_updates_in_place(self) -> None:
        a, b = pair()
        y = a * 2
        assert (y + 1).parents[0] is y  # looked for, and remembered
        e = np.exp(b)
        y += e
        assert y.parents[1] is e

    def test_of_long_histories_take_no_recursion(self) -> None:
        x = start = Tensor([1.0], True)
        for _ in range(5000):
            x = x + 1.0
        steps = 0
        while x.parents:
            x = x.parents[0]
            steps += 1
        assert (steps, x) == (5000, start)

    def test_of_a_square(self) -> None:
        """Regression: a leaf that stands twice among the parents."""
        a = Tensor(A2, True)
        assert [p is a for p in (a * a).parents] == [True, True]
        y = np.sum(a * a)
        assert all(p is a for p in y.parents[0].parents)

    def test_of_views_and_writes(self) -> None:
        a = Tensor(A2, True)
        v = a[0]
        assert v.parents[0] is a
        y = a * 1.0
        y[0] = a[1]
        assert y.grad_fn_name == "<SetitemBackward>"
        np.testing.assert_array_equal(y.parents[0].array, A2)

    def test_of_unrecorded_results(self) -> None:
        a = Tensor(A2, True)
        with wg.no_grad():
            assert (a * 2).parents == ()
        assert (Tensor(A2) * 2).parents == ()
        assert (Tensor(A2) * 2).grad_fn is None


# ------------------------------------------------------------------ backward


class TestBackward:
    def test_order(self) -> None:
        a, b, c = Tensor([1.0], True), Tensor([2.0], True), Tensor([3.0])
        s = a + b
        p = s * c
        q = p * s
        order = q.backward()
        assert order[-1] is q
        assert {id(t) for t in (a, b, c, s, p, q)} == {id(t) for t in order}
        assert len(order) == 6
        for t in order:
            for parent in t.parents:
                assert order.index(parent) < order.index(t)
        assert c in order
        assert list(order)[-1] is q
        assert [t.grad_fn_name for t in order[-2:]] == ["<MulBackward>", "<MulBackward>"]

    def test_order_contains_constants_made_on_the_way(self) -> None:
        a = Tensor([1.0], True)
        order = (2.0 * a + np.ones(1)).backward()
        assert sum(not t.requires_grad for t in order) == 2
        assert len(order) == 5

    def test_order_has_the_gradients_of_what_nobody_held(self) -> None:
        a = Tensor([1.0, 2.0], True)
        order = np.exp(a * 3).sum().backward()
        e = np.exp([3.0, 6.0])
        np.testing.assert_allclose(a.grad, 3 * e)
        expected = [3 * e, None, e, [1, 1], 1]  # a, 3, a * 3, exp, sum
        for t, g in zip(order, expected, strict=True):
            assert (t.grad is None) == (g is None)
            if g is not None:
                np.testing.assert_allclose(t.grad, g)
        np.testing.assert_allclose(a.grad, 3 * e)

    def test_accumulates(self) -> None:
        a = Tensor([1.0, 2.0], True)
        for _ in range(3):
            np.sum(a * a).backward()
        np.testing.assert_array_equal(a.grad, [6.0, 12.0])
        a.zero_grad()
        np.sum(a).backward()
        np.testing.assert_array_equal(a.grad, [1.0, 1.0])

    def test_twice_through_one_tape(self) -> None:
        a = Tensor([1.0, 2.0], True)
        y = np.sum(np.exp(a))
        y.backward()
        y.backward()
        np.testing.assert_array_equal(a.grad, 2 * np.exp([1.0, 2.0]))

    def test_of_a_leaf(self) -> None:
        a = Tensor([1.0, 2.0], True)
        a.backward()
        np.testing.assert_array_equal(a.grad, [1.0, 1.0])

    def test_gradient_is_cast(self) -> None:
        a = Tensor(np.ones(2, "f4"), True)
        (a * 2).backward([1, 2])
        np.testing.assert_array_equal(a.grad, [2.0, 4.0])
        assert a.grad.dtype == np.float32
        a.zero_grad()
        (a * 2).backward(Tensor([3.0, 4.0]))
        np.testing.assert_array_equal(a.grad, [6.0, 8.0])

    def test_errors(self) -> None:
        with pytest.raises(wg.WengertValueError, match="requires_grad=True.*outside no_grad"):
            Tensor([1.0]).backward()
        y = Tensor([1.0, 2.0], True) * 2
        with pytest.raises(wg.ShapeError, match=r"shape \(3,\).* shape \(2,\)"):
            y.backward(np.ones(3))
        with pytest.raises(wg.WengertTypeError, match="complex128.*float64"):
            y.backward(np.array([1j, 0]))
        with pytest.raises(wg.WengertTypeError, match="dtype <U1"):
            y.backward(np.array(["a", "b"]))

    def test_inside_a_transform(self) -> None:
        with pytest.raises(wg.MutationError, match=r"backward\(\) inside a transform"):
            wg.grad(lambda x: [(x * x).backward(), x][1])(2.0)

        def with_a_leaf_of_its_own(x: Any) -> Any:
            t = Tensor(3.0, True)
            (t * t).backward()
            return x * t.grad

        assert wg.grad(with_a_leaf_of_its_own)(2.0) == 6.0

    def test_reaching_an_outer_leaf_from_inside(self) -> None:
        t = Tensor(3.0, True)
        g = wg.grad(lambda x: x * x * t)(2.0)
        assert isinstance(g, Tensor)
        g.backward()
        assert float(t.grad) == 4.0

    def test_of_an_abstract_value(self) -> None:
        t = Tensor(3.0, True)
        with pytest.raises(wg.WengertTypeError, match=r"abstract.*wengert\.grad"):
            wg.vmap(lambda x: [(x * t).backward(), x][1])(np.ones(2))

    def test_create_graph(self) -> None:
        t = Tensor([1.0, 2.0], True)
        np.sum(t**3).backward(create_graph=True)
        gradient = t.grad
        assert isinstance(gradient, Tensor)
        np.testing.assert_array_equal(gradient.array, [3.0, 12.0])
        t.zero_grad()
        np.sum(gradient * gradient).backward()
        np.testing.assert_allclose(t.grad, [36.0, 288.0])

    def test_create_graph_three_times(self) -> None:
        t = Tensor(0.5, True)
        y = np.tanh(t)
        for _ in range(3):
            t.zero_grad()
            y.backward(create_graph=True)
            y = t.grad
        u = np.tanh(0.5)
        assert float(y) == pytest.approx((1 - u * u) * (6 * u * u - 2), rel=1e-13)

    def test_create_graph_accumulates(self) -> None:
        t = Tensor([1.0, 2.0], True)
        np.sum(t**3).backward(create_graph=True)
        np.sum(t.grad * t).backward(create_graph=True)  # 3 t^3
        np.testing.assert_allclose(t.grad.array, [3.0 + 9.0, 12.0 + 36.0])

    def test_recorded_gradients_of_intermediate_tensors(self) -> None:
        t = Tensor([1.0, 2.0], True)
        y = t * 2.0
        z = np.sum(y**3)
        z.backward(create_graph=True)
        assert all(isinstance(v.grad, Tensor) for v in (t, y, z))
        np.testing.assert_array_equal(y.grad.array, [12.0, 48.0])
        np.sum(y * y).backward()  # an ordinary pass adds to it
        np.testing.assert_array_equal(y.grad.array, [16.0, 56.0])
        np.testing.assert_array_equal(t.grad.array, [32.0, 112.0])
        t.zero_grad()
        assert type(t.grad) is np.ndarray
        np.sum(y.grad).backward()
        np.testing.assert_array_equal(t.grad, [24.0, 48.0])

    def test_grad_can_be_set_to_a_tensor(self) -> None:
        t = Tensor([1.0, 2.0], True)
        t.grad = Tensor([1.0, 1.0])
        np.sum(t * t).backward()
        np.testing.assert_array_equal(t.grad.array, [3.0, 5.0])
        t.grad = np.ones(2)
        np.testing.assert_array_equal(t.grad, [1.0, 1.0])

    def test_gradient_of_a_gradient_by_transform(self) -> None:
        t = Tensor([1.0, 2.0], True)
        g = wg.grad(lambda x: np.sum(x**3))(t)
        np.sum(g * g).backward()
        np.testing.assert_allclose(t.grad, [36.0, 288.0])


# ------------------------------------------------------------------ nodes made by users


class TestUserNodes:
    @staticmethod
    def square(x: Tensor) -> Tensor:
        def step(upstream: Any) -> None:
            x.grad += upstream * 2 * x.array

        return Tensor(x.array**2, True, (x,), step, "<SquareBackward>")

    def test_is_called_by_backward(self) -> None:
        a = Tensor([1.0, 2.0], True)
        y = self.square(a)
        z = np.sum(y * y)  # a^4
        z.backward()
        np.testing.assert_array_equal(a.grad, 4 * np.array([1.0, 8.0]))
        assert y.grad_fn_name == "<SquareBackward>"
        assert y.parents[0] is a
        assert repr(y) == "tensor([1.000 4.000], grad_fn=<SquareBackward>)"

    def test_adds_to_what_is_there(self) -> None:
        a = Tensor([1.0, 2.0], True)
        a.grad[:] = 100.0
        self.square(self.square(a)).backward()
        np.testing.assert_array_equal(a.grad, 100 + 4 * np.array([1.0, 8.0]))

    def test_gradient_flows_on_to_operations_before_it(self) -> None:
        a = Tensor([1.0, 2.0], True)
        b = a * 3.0
        y = self.square(b) + b
        y.backward()
        np.testing.assert_array_equal(a.grad, 2 * 9 * np.array([1.0, 2.0]) + 3)
        np.testing.assert_array_equal(b.grad, 2 * 3 * np.array([1.0, 2.0]) + 1)

    def test_operand_used_twice(self) -> None:
        a, b = Tensor([3.0], True), Tensor([5.0], True)

        def product(x: Tensor, y: Tensor) -> Tensor:
            def step(upstream: Any) -> None:
                x.grad += upstream * y.array
                y.grad += upstream * x.array

            return Tensor(x.array * y.array, True, (x, y), step, "<Product>")

        product(a, b).backward()
        assert (a.grad, b.grad) == (5.0, 3.0)
        a.zero_grad()
        product(a, a).backward()
        assert a.grad == 6.0

    def test_grad_fn_is_the_users(self) -> None:
        a = Tensor([3.0], True)
        y = self.square(a)
        y.grad_fn(np.array([1.0]))
        assert a.grad == 6.0

    def test_order_contains_constant_parents(self) -> None:
        a, c = Tensor([3.0], True), Tensor([1.0])
        y = Tensor(a.array, True, (a, c), lambda g: None, "<Nothing>")
        order = y.backward()
        assert [t is u for t, u in zip(order, (a, c, y), strict=True)] == [True] * 3
        np.testing.assert_array_equal(a.grad, [0.0])

    def test_requires_grad_follows_the_parents(self) -> None:
        c = Tensor([1.0])
        assert not Tensor([1.0], False, (c,), lambda g: None, "<F>").requires_grad
        a = Tensor([1.0], True)
        assert Tensor([1.0], True, (a,), lambda g: None, "<F>").requires_grad

    def test_default_name(self) -> None:
        a = Tensor([1.0], True)
        assert Tensor([1.0], True, (a,), lambda g: None).grad_fn_name == "<UserBackward>"

    def test_second_derivative_is_refused(self) -> None:
        a = Tensor([1.0, 2.0], True)
        with pytest.raises(wg.WengertTypeError, match="<SquareBackward> has no second derivative"):
            self.square(a).backward(create_graph=True)
        np.testing.assert_array_equal(a.grad, [0.0, 0.0])

    def test_error_in_grad_fn_leaves_gradients_alone(self) -> None:
        a = Tensor([1.0], True)
        a.grad[:] = 7.0
        y = Tensor(a.array, True, (a,), lambda g: 1 // 0, "<Bad>")
        with pytest.raises(ZeroDivisionError):
            y.backward()
        np.testing.assert_array_equal(a.grad, [7.0])
