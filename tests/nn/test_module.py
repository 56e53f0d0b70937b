"""Modules are containers: their arrays are leaves, everything else is structure."""

import copy
import pickle

import numpy as np
import pytest

import wengert as wg
from wengert import nn, tree


class Block(nn.Module):
    def __init__(self, rng, *, scale=2.0, note="a"):
        self.note = note
        self.inner = nn.Linear(3, 2, rng=rng)
        self.gain = np.full(2, scale)
        self.parts = {"b": np.ones(1), "a": [np.zeros(2), nn.Linear(2, 1, rng=rng, bias=False)]}
        self.sizes = (3, 2)

    def __call__(self, x):
        return self.inner(x) * self.gain


@pytest.fixture
def block():
    return Block(np.random.default_rng(0))


def test_leaves_are_the_arrays_in_the_order_of_their_names(block):
    named = nn.named_arrays(block)
    assert list(named) == [
        "inner.weight",
        "inner.bias",
        "gain",
        "parts.a.0",
        "parts.a.1.weight",
        "parts.b",
    ]
    leaves = tree.leaves(block)
    assert len(leaves) == len(named)
    assert all(a is b for a, b in zip(leaves, named.values(), strict=True))


def test_flatten_and_unflatten(block):
    leaves, structure = tree.flatten(block)
    doubled = tree.unflatten(structure, [2 * leaf for leaf in leaves])
    assert type(doubled) is Block
    assert doubled.note == "a"
    assert doubled.sizes == (3, 2)
    np.testing.assert_array_equal(doubled.gain, [4.0, 4.0])
    assert tree.structure(doubled) == structure
    x = np.ones((1, 3), np.float32)
    np.testing.assert_allclose(doubled(x), 4 * block(x), rtol=1e-6)


def test_any_object_can_stand_at_a_leaf(block):
    structure = tree.structure(block)
    placeholders = tree.unflatten(structure, [None, "x", object(), 1, 2, 3])
    assert placeholders.inner.bias == "x"


def test_the_static_part_belongs_to_the_structure():
    rng = np.random.default_rng(0)
    a, b, c = Block(rng), Block(rng), Block(rng, note="other")
    assert tree.structure(a) == tree.structure(b)
    assert tree.structure(a) != tree.structure(c)


def test_a_module_does_not_change(block):
    with pytest.raises(AttributeError, match=r"Block.gain cannot be assigned.*replace\(gain=...\)"):
        block.gain = np.zeros(2)
    with pytest.raises(AttributeError, match="Block.gain cannot be deleted"):
        del block.gain


def test_replace(block):
    changed = block.replace(gain=np.zeros(2), note="b")
    assert changed.note == "b"
    assert changed.inner is block.inner
    np.testing.assert_array_equal(changed.gain, 0)
    np.testing.assert_array_equal(block.gain, 2)
    with pytest.raises(AttributeError, match="Block has no attribute gian; it has note, inner"):
        block.replace(gian=1)


def test_replace_can_turn_a_child_into_structure():
    linear = nn.Linear(2, 1, rng=np.random.default_rng(0)).replace(bias=None)
    assert list(nn.named_arrays(linear)) == ["weight"]
    assert repr(linear) == "Linear(2, 1, bias=False)"


def test_static_attributes_must_be_hashable():
    class Careless(nn.Module):
        def __init__(self):
            self.sizes = [1, 2]

    with pytest.raises(wg.WengertTypeError, match="Careless.sizes is a list without arrays.*tuple"):
        Careless()


def test_repr_shows_shapes_and_not_numbers(block):
    assert repr(block) == (
        "Block(note='a', inner=Linear(3, 2), gain=float64[2], parts={'b': float64[1], 'a': "
        "[float64[2], Linear(2, 1, bias=False)]}, sizes=(3, 2))"
    )


def test_subclasses_are_containers_of_their_own():
    class Wider(Block):
        def __init__(self, rng):
            super().__init__(rng)
            self.extra = np.ones(1)

    found = tree.map(lambda leaf: leaf + 1, Wider(np.random.default_rng(0)))
    assert type(found) is Wider
    np.testing.assert_array_equal(found.extra, 2)


def test_copy_and_pickle(block):
    linear = nn.mlp([2, 3, 1], rng=np.random.default_rng(0))
    for other in (copy.deepcopy(linear), pickle.loads(pickle.dumps(linear))):
        assert tree.structure(other) == tree.structure(linear)
        for a, b in zip(tree.leaves(other), tree.leaves(linear), strict=True):
            np.testing.assert_array_equal(a, b)
            assert a is not b


def test_gradient_of_a_module_is_a_module(block):
    def loss(module, x):
        return np.sum(module(x) ** 2)

    x = np.ones((2, 3))
    value, gradient = wg.value_and_grad(loss)(block, x)
    assert type(gradient) is Block
    assert gradient.note == "a"
    # d/d gain of the sum of (h * gain)^2 is the sum over rows of 2 h^2 gain.
    expected = (2 * block.inner(x) ** 2 * block.gain).sum(axis=0)
    np.testing.assert_allclose(gradient.gain, expected, rtol=1e-6)
    np.testing.assert_array_equal(gradient.parts["b"], 0)
    assert value == pytest.approx(loss(block, x))


def test_named_arrays_names_what_is_no_array():
    with pytest.raises(wg.WengertTypeError, match=r"named_arrays: a.1 is a str, not an array"):
        nn.named_arrays({"a": [np.ones(1), "text"]})
    with pytest.raises(wg.WengertTypeError, match="named_arrays: the argument is a float"):
        nn.named_arrays(3.0)
