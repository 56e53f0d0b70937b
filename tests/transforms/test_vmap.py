"""`vmap`: axes, containers, captured values, errors."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict, deque
from typing import Any, NamedTuple

import numpy as np
import pytest

import wengert as wg
from wengert import Tensor

B = np.arange(12.0).reshape(4, 3)
X = np.array([1.0, 2.0, 3.0])


@dataclasses.dataclass
class _Pair:
    a: Any
    b: Any


class _NamedPair(NamedTuple):
    a: Any
    b: Any


class _Registered:
    def __init__(self, a: Any, b: Any) -> None:
        self.a, self.b = a, b


wg.tree.register(_Registered, lambda p: ((p.a, p.b), None), lambda _, ab: _Registered(*ab))


class TestAxes:
    def test_in_axes(self) -> None:
        f = lambda x, y: np.sum(x) * y  # noqa: E731
        np.testing.assert_array_equal(wg.vmap(f, in_axes=(0, None))(B, X), np.outer(B.sum(1), X))
        np.testing.assert_array_equal(wg.vmap(f, in_axes=(1, 0))(B, X), B.sum(0) * X)
        np.testing.assert_array_equal(wg.vmap(f, in_axes=(-1, 0))(B, X), B.sum(0) * X)
        np.testing.assert_array_equal(wg.vmap(lambda x: x, in_axes=1)(B), B.T)

    def test_in_axes_of_containers(self) -> None:
        def f(p: Any, y: Any) -> Any:
            return p["w"] @ p["x"] + y

        p = {"w": np.ones((2, 3)), "x": B}
        out = wg.vmap(f, in_axes=({"w": None, "x": 0}, None))(p, 1.0)
        np.testing.assert_array_equal(out, B.sum(1)[:, None] * np.ones(2) + 1)
        out = wg.vmap(lambda p: p[0] * p[1][0], in_axes=([0, None],))([B, [2.0]])
        np.testing.assert_array_equal(out, 2 * B)

    def test_out_axes(self) -> None:
        out = wg.vmap(lambda x: np.stack([x, 2 * x]), out_axes=2)(B)
        assert out.shape == (2, 3, 4)
        np.testing.assert_array_equal(out[1, :, 2], 2 * B[2])
        a, b = wg.vmap(lambda x: (x, np.sum(x)), out_axes=(1, 0))(B)
        assert (a.shape, b.shape) == ((3, 4), (4,))
        assert wg.vmap(lambda x: x, out_axes=-1)(B).shape == (3, 4)

    def test_out_axes_none(self) -> None:
        """Regression: None was taken for 0."""
        out, same = wg.vmap(lambda x: (x, X * 2), out_axes=(0, None))(B)
        np.testing.assert_array_equal(same, 2 * X)
        np.testing.assert_array_equal(out, B)
        with pytest.raises(
            wg.WengertValueError, match="out_axes is None for a result that differs"
        ):
            wg.vmap(lambda x: x, out_axes=None)(B)

    def test_nested(self) -> None:
        outer = wg.vmap(wg.vmap(lambda x, y: x * y, in_axes=(None, 0)), in_axes=(0, None))
        np.testing.assert_array_equal(outer(X, X), np.outer(X, X))


class TestResults:
    def test_constants_are_repeated(self) -> None:
        array, number, integer, nothing = wg.vmap(lambda x: (X, 1.5, 3, None))(B)
        np.testing.assert_array_equal(array, np.tile(X, (4, 1)))
        np.testing.assert_array_equal(number, [1.5] * 4)
        np.testing.assert_array_equal(integer, [3] * 4)
        assert nothing is None
        array[0, 0] = 9.0
        assert X[0] == 1.0

    def test_empty_batch(self) -> None:
        assert wg.vmap(lambda x: x * 2)(np.zeros((0, 3))).shape == (0, 3)
        assert wg.vmap(wg.grad(lambda x: np.sum(x * x)))(np.zeros((0, 3))).shape == (0, 3)

    def test_dtypes(self) -> None:
        assert wg.vmap(lambda x: x * 2.0)(B.astype("f4")).dtype == np.float32
        assert wg.vmap(lambda i: i + 1)(np.arange(3)).dtype == np.int64
        assert wg.vmap(lambda x: x > 1)(X).dtype == np.bool_
        assert wg.vmap(np.argmax)(B).dtype == np.int64

    def test_keyword_arguments_are_shared(self) -> None:
        np.testing.assert_array_equal(wg.vmap(lambda x, *, s: x * s)(B, s=X), B * X)

    def test_tensors(self) -> None:
        t = Tensor(B, True)
        y = wg.vmap(lambda x: np.sum(x * x))(t)
        y.backward()
        np.testing.assert_array_equal(t.grad, 2 * B)
        w = Tensor(X, True)
        y = wg.vmap(lambda x: np.sum(x * w))(B)
        assert isinstance(y, Tensor)
        y.backward()
        np.testing.assert_array_equal(w.grad, B.sum(0))

    def test_table_lookup(self) -> None:
        table = np.arange(10.0) ** 2
        out = wg.vmap(lambda t, i: t[i], in_axes=(None, 0))(table, np.array([3, 1]))
        np.testing.assert_array_equal(out, [9.0, 1.0])

    def test_function_runs_once(self) -> None:
        calls: list[int] = []

        def f(x: Any) -> Any:
            calls.append(1)
            return x * 2

        wg.vmap(f)(B)
        assert len(calls) == 1


class TestPerExample:
    def test_gradients_of_a_network(self) -> None:
        rng = np.random.default_rng(0)
        w1, w2 = rng.standard_normal((3, 8)), rng.standard_normal((8, 2))

        def loss(w: Any, x: Any) -> Any:
            return np.sum(np.tanh(x @ w[0]) @ w[1])

        g = wg.vmap(wg.grad(loss), in_axes=(None, 0))([w1, w2], B)
        assert [a.shape for a in g] == [(4, 3, 8), (4, 8, 2)]
        for k in range(4):
            one = wg.grad(loss)([w1, w2], B[k])
            np.testing.assert_allclose(g[0][k], one[0], rtol=1e-12)
            np.testing.assert_allclose(g[1][k], one[1], rtol=1e-12)
        summed = wg.grad(lambda w: np.sum(wg.vmap(loss, in_axes=(None, 0))(w, B)))([w1, w2])
        np.testing.assert_allclose(summed[0], g[0].sum(0), rtol=1e-12)

    def test_hessians(self) -> None:
        h = wg.vmap(wg.hessian(lambda x: np.sum(x**3)))(B)
        np.testing.assert_allclose(h, [np.diag(6 * x) for x in B])


class TestErrors:
    def test_lengths(self) -> None:
        with pytest.raises(wg.ShapeError, match=r"must have one length; found 4 .*, 3 .*"):
            wg.vmap(lambda x, y: x)(B, X)
        with pytest.raises(wg.ShapeError, match="names no batch axis"):
            wg.vmap(lambda x: x, in_axes=None)(B)
        with pytest.raises(wg.ShapeError, match=r"has no axis 2, its shape is \(4, 3\)"):
            wg.vmap(lambda x: x, in_axes=2)(B)
        with pytest.raises(wg.ShapeError, match="has no axis 0"):
            wg.vmap(lambda x: x)(1.0)

    def test_in_axes(self) -> None:
        with pytest.raises(wg.WengertValueError, match="2 entries but .* 1 positional"):
            wg.vmap(lambda x: x, in_axes=(0, 0))(B)
        with pytest.raises(wg.WengertTypeError, match="integers or None in the structure"):
            wg.vmap(lambda x: x, in_axes="a")(B)
        with pytest.raises(wg.WengertValueError, match="has keys"):
            wg.vmap(lambda p: p["x"], in_axes=({"y": 0},))({"x": B})

    def test_shapes_inside_are_those_of_one_example(self) -> None:
        with pytest.raises(wg.ShapeError, match=r"matmul.*\(3,\).*\(2,\)"):
            wg.vmap(lambda x: x @ np.ones(2))(B)
        shapes: list[Any] = []
        wg.vmap(lambda x: [shapes.append((x.shape, len(x), x.ndim)), x][1])(B)
        assert shapes == [((3,), 3, 1)]

    def test_branch_on_a_value(self) -> None:
        with pytest.raises(wg.AbstractValueError, match=r"bool\(\).*np\.where"):
            wg.vmap(lambda x: x if np.sum(x) > 0 else -x)(B)

    def test_branch_on_a_captured_value_is_possible(self) -> None:
        w = Tensor(2.0, True)
        out = wg.vmap(lambda x: x * w if w > 1 else x)(X)
        np.testing.assert_array_equal(out.array, 2 * X)


def test_plain_batched_arguments_may_change_afterwards() -> None:
    """A batched argument that is not differentiated is saved as it was when vmap was called."""
    x, k = np.arange(6.0).reshape(2, 3) + 1.0, np.arange(6.0).reshape(2, 3) - 2.0
    kept = k.copy()
    _, pullback = wg.vjp(lambda x: wg.vmap(lambda row, weights: row * weights)(x, k), x)
    k[...] = 7.0
    np.testing.assert_array_equal(pullback(np.ones((2, 3)))[0], kept)


class TestStructuresOfAxes:
    X = np.arange(6.0).reshape(2, 3)

    def test_negative_axes(self) -> None:
        found = wg.vmap(np.cumsum, in_axes=-1, out_axes=-1)(self.X)
        np.testing.assert_array_equal(found, np.cumsum(self.X, axis=0))

    def test_dataclasses_and_named_tuples(self) -> None:
        for kind in (_Pair, _NamedPair):
            f = wg.vmap(lambda p: p.a * p.b, in_axes=(kind(0, None),))
            np.testing.assert_array_equal(f(kind(self.X, self.X[0])), self.X * self.X[0])
        made = wg.vmap(lambda x: _Pair(x, x[0]), out_axes=_Pair(1, 0))(self.X)
        np.testing.assert_array_equal(made.a, self.X.T)
        np.testing.assert_array_equal(made.b, self.X[:, 0])

    def test_ordered_dicts(self) -> None:
        """Regression: axes were taken in the order of sorted keys, leaves in that of insertion."""
        p = OrderedDict(b=self.X, a=self.X[0])
        for axes in ({"b": 0, "a": None}, {"a": None, "b": 0}, OrderedDict(a=None, b=0)):
            found = wg.vmap(lambda p: p["b"] * p["a"], in_axes=(axes,))(p)
            np.testing.assert_array_equal(found, self.X * self.X[0])
        made = wg.vmap(lambda x: OrderedDict(b=x, a=x[0]), out_axes={"a": 0, "b": 1})(self.X)
        np.testing.assert_array_equal(made["b"], self.X.T)
        np.testing.assert_array_equal(made["a"], self.X[:, 0])

    def test_other_containers(self) -> None:
        """Keys that have no order, deques, registered classes, None."""
        found = wg.vmap(lambda p: p[1] * p["a"], in_axes=({1: 0, "a": None},))
        np.testing.assert_array_equal(found({1: self.X, "a": 2.0}), 2 * self.X)
        found = wg.vmap(lambda p: p[0] * p[1], in_axes=([0, None],))
        np.testing.assert_array_equal(found(deque([self.X, 2.0])), 2 * self.X)
        found = wg.vmap(lambda p: p.a * p.b, in_axes=(_Registered(0, None),))
        np.testing.assert_array_equal(found(_Registered(self.X, 2.0)), 2 * self.X)
        found = wg.vmap(lambda p, q: p["x"], in_axes=({"x": 0, "y": 0}, 0))
        np.testing.assert_array_equal(found({"x": self.X, "y": None}, None), self.X)

    @pytest.mark.parametrize(
        ("axes", "message"),
        [
            (({"x": 0},), r"in_axes\[0\] has keys \['x'\], the argument \['x', 'y'\]"),
            (({"x": 0, "y": [0]},), r"in_axes\[0\]\['y'\] has 1 entries, the argument has 2"),
            (({"x": (0,), "y": 0},), r"in_axes\[0\]\['x'\] .* \(0,\) for what is no container"),
            (([0, 0],), r"in_axes\[0\] must be .* not a list for a dict"),
        ],
    )
    def test_other_structures(self, axes: Any, message: str) -> None:
        p = {"x": self.X, "y": [self.X, self.X]}
        with pytest.raises(wg.WengertError, match=message):
            wg.vmap(lambda p: p["x"], in_axes=axes)(p)

    def test_out_axes_of_another_structure(self) -> None:
        with pytest.raises(wg.WengertValueError, match="out_axes has 1 entries, the result has 2"):
            wg.vmap(lambda x: (x, x), out_axes=(0,))(self.X)
        with pytest.raises(wg.WengertValueError, match=r"has keys \['b'\], the result \['a'\]"):
            wg.vmap(lambda x: {"a": x}, out_axes={"b": 0})(self.X)

    @pytest.mark.parametrize("axes", [X, 0.5, (0, 1.0), [True], {"x": "y"}])
    def test_axes_are_checked_before_the_call(self, axes: Any) -> None:
        with pytest.raises(wg.WengertTypeError, match="in_axes must be integers or None"):
            wg.vmap(np.sin, axes)
        with pytest.raises(wg.WengertTypeError, match="out_axes must be integers or None"):
            wg.vmap(np.sin, out_axes=axes)

    @pytest.mark.parametrize(
        "x", [np.array(["a", "b"]), np.array([[], {}], object), np.zeros(2, "M8[D]"), "ab"]
    )
    def test_batches_are_numbers(self, x: Any) -> None:
        with pytest.raises(wg.WengertTypeError, match=r"argument \[0\]: has dtype .* in in_axes"):
            wg.vmap(lambda x: x)(x)
        assert wg.vmap(lambda x, y: y, in_axes=(None, 0))(x, np.ones(2)).shape == (2,)

    def test_slices_at_batched_places(self) -> None:
        places = np.array([0, 1])
        with pytest.raises(wg.AbstractValueError, match=r"x\[i \+ np\.arange\(n\)\] instead of"):
            wg.vmap(lambda x, i: x[i : i + 2])(self.X, places)
        found = wg.vmap(lambda x, i: x[i + np.arange(2)])(self.X, places)
        np.testing.assert_array_equal(found, [[0.0, 1.0], [4.0, 5.0]])

    def test_no_batched_argument(self) -> None:
        with pytest.raises(wg.ShapeError, match="by position, keyword arguments are shared"):
            wg.vmap(lambda x: x * 2)(x=self.X)
        with pytest.raises(
            wg.ShapeError, match=r"argument \[1\]: has no axis 0.*is None in in_axes"
        ):
            wg.vmap(lambda x, y: x * y)(self.X, 2.0)

    @pytest.mark.parametrize("axis", [2, -3, 5])
    def test_no_such_out_axis(self, axis: int) -> None:
        message = f"vmap of sin: out_axes is {axis} for a result of 1 dimensions"
        with pytest.raises(wg.ShapeError, match=message):
            wg.vmap(np.sin, out_axes=axis)(self.X)

    def test_axes_that_are_none(self) -> None:
        for axes in (True, "0", 0.0):
            with pytest.raises(wg.WengertTypeError, match="in_axes must be integers or None"):
                wg.vmap(np.sin, in_axes=axes)(self.X)

    def test_what_is_no_function_or_no_result(self) -> None:
        with pytest.raises(wg.WengertTypeError, match="expected a function, not a int"):
            wg.vmap(3)
        with pytest.raises(wg.WengertTypeError, match="a result is a str"):
            wg.vmap(lambda x: "text")(self.X)


def test_masked_update_without_values() -> None:
    def f(x: Any) -> Any:
        y = x * 1.0
        y[y > 1] += 1.0
        return y

    def g(x: Any) -> Any:
        y = x * 1.0
        np.add(y, 1.0, out=y, where=y > 1)
        return y

    x = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(wg.vmap(f)(x), [f(row) for row in x])
    np.testing.assert_array_equal(wg.vmap(g)(x), [f(row) for row in x])
