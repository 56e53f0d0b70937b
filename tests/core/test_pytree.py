"""Containers of arrays."""

from __future__ import annotations

import collections
import dataclasses
from typing import Any, NamedTuple

import numpy as np
import pytest

import wengert as wg
from wengert.core import pytree


class Point(NamedTuple):
    x: Any
    y: Any


@dataclasses.dataclass
class Layer:
    weight: Any
    bias: Any


@dataclasses.dataclass(frozen=True)
class Frozen:
    value: Any


class Registered:
    def __init__(self, a: Any, name: str) -> None:
        self.a = a
        self.name = name


def energy(tree: Any) -> Any:
    return sum((np.sum(x * x) for x in pytree.leaves(tree)), 0.0)


TREES: list[Any] = [
    [np.ones(2), 3.0],
    (np.ones(2), (2.0, [1.5])),
    {"b": np.ones(2), "a": {"c": 2.0}},
    collections.OrderedDict(z=1.0, a=np.ones(2)),
    Point(np.ones(2), Point(1.0, 2.0)),
    Layer(np.ones((2, 2)), np.zeros(2)),
    Frozen({"k": Layer(1.0, 2.0)}),
    {"none": None, "x": 2.0},
]


@pytest.mark.parametrize("tree", TREES, ids=lambda t: type(t).__name__)
def test_gradient_has_the_structure(tree: Any) -> None:
    gradient = wg.grad(energy)(tree)
    assert pytree.structure(gradient) == pytree.structure(tree)
    assert type(gradient) is type(tree)
    for g, x in zip(pytree.leaves(gradient), pytree.leaves(tree), strict=True):
        np.testing.assert_array_equal(g, 2 * np.asarray(x))
    value, tangent = wg.jvp(energy, (tree,), (tree,))
    assert tangent == 2 * value
    assert wg.linearize(energy, tree)[1](tree) == tangent


def test_dict_keys_keep_their_values() -> None:
    p = {"b": 2.0, "a": 3.0}
    assert wg.grad(lambda p: p["b"] * p["a"] ** 2)(p) == {"b": 9.0, "a": 12.0}


def test_registered_class() -> None:
    pytree.register(
        Registered, lambda r: ((r.a,), r.name), lambda name, children: Registered(*children, name)
    )
    g = wg.grad(lambda r: np.sum(r.a**2))(Registered(np.array([3.0]), "n"))
    assert type(g) is Registered
    assert g.name == "n"
    np.testing.assert_array_equal(g.a, [6.0])


def test_dataclass_is_rebuilt_without_its_init() -> None:
    @dataclasses.dataclass
    class Checked:
        a: Any

        def __post_init__(self) -> None:
            if not isinstance(self.a, float):
                raise TypeError("a must be a float")

    g = wg.grad(lambda c: c.a * c.a)(Checked(3.0))
    assert g.a == 6.0


def test_results_are_containers() -> None:
    def f(x: Any) -> Any:
        return {"twice": x * 2, "pair": (x, Layer(x[0], x[1] * x[0]))}

    x = np.array([2.0, 3.0])
    value, pullback = wg.vjp(f, x)
    assert type(value["pair"][1]) is Layer
    assert value["pair"][1].bias == 6.0
    (g,) = pullback({"twice": np.ones(2), "pair": (np.zeros(2), Layer(0.0, 1.0))})
    np.testing.assert_array_equal(g, [2 + 3.0, 2 + 2.0])
    out = wg.vmap(f)(np.ones((4, 2)))
    assert out["pair"][1].weight.shape == (4,)
    _, tangent = wg.jvp(f, (x,), (x,))
    assert tangent["pair"][1].bias == 12.0


def test_structures_that_do_not_fit() -> None:
    _, pullback = wg.vjp(lambda x: {"a": x}, 2.0)
    with pytest.raises(
        wg.WengertValueError, match="cotangent must have the structure of the output"
    ):
        pullback(1.0)
    with pytest.raises(wg.WengertValueError, match="tangents must have the structure of primals"):
        wg.jvp(energy, ({"a": 1.0},), ([1.0],))
    _, linear = wg.linearize(energy, [1.0, 2.0])
    with pytest.raises(wg.WengertValueError, match="structure of the primals"):
        linear([1.0])


def test_leaf_that_is_no_number_is_named() -> None:
    with pytest.raises(
        wg.WengertTypeError, match=r"argument 0\['layers'\]\[1\].*dtype int64.*astype"
    ):
        wg.grad(energy)({"layers": [1.0, np.arange(3)]})
    with pytest.raises(wg.WengertTypeError, match=r"argument 0\['name'\].*a str"):
        wg.grad(energy)({"name": "text", "x": 1.0})


def test_map() -> None:
    out = pytree.map(lambda a, b: a + b, {"x": 1, "y": [2, 3]}, {"x": 10, "y": [20, 30]})
    assert out == {"x": 11, "y": [22, 33]}
    with pytest.raises(ValueError, match="instance of dict"):
        pytree.map(lambda a, b: a, {"x": 1}, [1])


def test_paths() -> None:
    paths, leaves, _ = pytree.flatten_with_paths({"w": [1.0, 2.0], "l": Layer(3.0, 4.0)})
    assert dict(zip(paths, leaves, strict=True))["['w'][1]"] == 2.0
    assert len(paths) == 4


def test_what_one_caller_took_for_a_leaf_is_none_for_others() -> None:
    assert pytree.flatten((1.0, None), lambda x: x is None)[0] == [1.0, None]
    assert pytree.flatten((1.0, None))[0] == [1.0]
    assert pytree.flatten([(1.0, 2.0)], lambda x: isinstance(x, tuple))[0] == [(1.0, 2.0)]
    assert pytree.flatten([(1.0, 2.0)])[0] == [1.0, 2.0]
