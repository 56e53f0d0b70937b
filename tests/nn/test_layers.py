"""Layers and networks."""

import numpy as np
import pytest

import wengert as wg
from wengert import nn


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_linear(rng):
    linear = nn.Linear(3, 2, rng=rng)
    assert linear.weight.shape == (3, 2)
    assert linear.weight.dtype == linear.bias.dtype == np.float32
    np.testing.assert_array_equal(linear.bias, 0)
    x = rng.normal(size=(5, 3)).astype(np.float32)
    np.testing.assert_allclose(linear(x), x @ linear.weight + linear.bias)
    assert linear(x).dtype == np.float32
    assert linear(x[0]).shape == (2,)
    assert linear(np.ones((4, 5, 3))).shape == (4, 5, 2)


def test_linear_options(rng):
    linear = nn.Linear(3, 2, rng=rng, bias=False, dtype=np.float64, init=nn.init.zeros)
    assert linear.bias is None
    assert linear.weight.dtype == np.float64
    np.testing.assert_array_equal(linear(np.ones((1, 3))), 0)


def test_equal_seeds_give_equal_weights():
    a = nn.Linear(3, 2, rng=np.random.default_rng(7)).weight
    b = nn.Linear(3, 2, rng=np.random.default_rng(7)).weight
    np.testing.assert_array_equal(a, b)


def test_linear_refuses_wrong_arguments(rng):
    with pytest.raises(wg.WengertValueError, match="Linear: in_features must be a positive int.*0"):
        nn.Linear(0, 2, rng=rng)
    with pytest.raises(
        wg.WengertValueError, match="out_features must be a positive integer, got 2.0"
    ):
        nn.Linear(3, 2.0, rng=rng)
    with pytest.raises(
        wg.WengertTypeError, match="Linear: dtype must be a floating type, got int32"
    ):
        nn.Linear(3, 2, rng=rng, dtype=np.int32)
    with pytest.raises(
        wg.ShapeError, match=r"Linear: expected inputs of shape \(..., 3\), got \(5, 4\)"
    ):
        nn.Linear(3, 2, rng=rng)(np.ones((5, 4)))
    with pytest.raises(wg.ShapeError, match=r"got \(\)"):
        nn.Linear(3, 2, rng=rng)(np.float64(1))


def test_sequential(rng):
    a, b = nn.Linear(3, 4, rng=rng), nn.Linear(4, 2, rng=rng)
    network = nn.Sequential(a, np.tanh, b)
    x = rng.normal(size=(5, 3)).astype(np.float32)
    np.testing.assert_array_equal(network(x), b(np.tanh(a(x))))
    assert repr(network) == "Sequential(Linear(3, 4), tanh, Linear(4, 2))"
    assert list(nn.named_arrays(network)) == [
        "layers.0.weight",
        "layers.0.bias",
        "layers.2.weight",
        "layers.2.bias",
    ]


def test_sequential_refuses_what_cannot_be_called():
    with pytest.raises(wg.WengertTypeError, match="Sequential: layer 1 is a int, which cannot be"):
        nn.Sequential(np.tanh, 3)


def test_mlp(rng):
    assert repr(nn.mlp([4, 3, 2], rng=rng)) == "Sequential(Linear(4, 3), tanh, Linear(3, 2))"
    assert repr(nn.mlp([4, 2], rng=rng)) == "Sequential(Linear(4, 2))"
    with pytest.raises(wg.WengertValueError, match=r"mlp: expected the sizes.*got \[4\]"):
        nn.mlp([4], rng=rng)


def test_mlp_draws_weights_that_suit_the_activation():
    bound = {
        name: np.abs(
            nn.mlp([600, 600], rng=np.random.default_rng(0), activation=f).layers[0].weight
        )
        for name, f in (("tanh", nn.tanh), ("relu", nn.relu))
    }
    assert bound["tanh"].max() == pytest.approx(np.sqrt(6 / 1200), rel=1e-3)
    assert bound["relu"].max() == pytest.approx(np.sqrt(6 / 600), rel=1e-3)


def test_gradient_of_an_mlp_agrees_with_differences():
    rng = np.random.default_rng(1)
    network = nn.mlp([3, 4, 2], rng=rng, dtype=np.float64)
    x, labels = rng.normal(size=(5, 3)), np.array([0, 1, 1, 0, 1])

    def loss(network):
        return nn.cross_entropy(network(x), labels)

    gradient = nn.named_arrays(wg.grad(loss)(network))
    step = 1e-6
    for index, layer in ((0, network.layers[0]), (2, network.layers[2])):
        for name in ("weight", "bias"):
            array = getattr(layer, name)
            for place in np.ndindex(array.shape):
                values = []
                for sign in (1, -1):
                    moved = array.copy()
                    moved[place] += sign * step
                    layers = list(network.layers)
                    layers[index] = layer.replace(**{name: moved})
                    values.append(loss(network.replace(layers=tuple(layers))))
                expected = (values[0] - values[1]) / (2 * step)
                found = gradient[f"layers.{index}.{name}"][place]
                assert found == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize(
    "make", [lambda rng: nn.Linear(2, 3, rng=rng), lambda rng: nn.Conv2d(2, 3, 1, rng=rng)]
)
def test_a_seed_is_no_generator(make):
    """Regression: 'int' object has no attribute 'uniform'."""
    with pytest.raises(wg.WengertTypeError, match=r"got rng=0; pass np.random.default_rng\(0\)"):
        make(0)


def test_a_linear_layer_of_a_list_and_of_what_is_no_array():
    """Regression: 'list' object has no attribute 'shape'."""
    layer = nn.Linear(2, 3, rng=np.random.default_rng(0), dtype=float)
    np.testing.assert_array_equal(layer([[1.0, 2.0]]), layer(np.array([[1.0, 2.0]])))
    with pytest.raises(wg.ShapeError, match=r"expected inputs of shape \(\.\.\., 2\), got \(\)"):
        layer(3.0)
