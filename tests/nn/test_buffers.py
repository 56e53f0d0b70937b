"""Modules with state: buffers, partition and combine, training calls."""

import copy
import pickle

import numpy as np
import pytest

import wengert as wg
from wengert import nn, tree


class Net(nn.Module):
    """With all kinds of children: buffers (a dict of arrays, a module) and parameters."""

    def __init__(self):
        rng = np.random.default_rng(0)
        self.linear = nn.Linear(3, 2, rng=rng)
        self.seen = nn.Buffer({"count": np.array(0), "sum": np.zeros(2)})
        self.frozen = nn.Buffer(nn.Linear(2, 2, rng=rng))
        self.gain = np.ones(2)
        self.size = 2

    def __call__(self, x):
        return self.frozen(self.linear(x)) * self.gain

    def training_call(self, x, *, key=None):
        seen = {"count": self.seen["count"] + 1, "sum": self.seen["sum"] + x[:, :2].sum(axis=0)}
        return self(x), self.replace(seen=seen)


X = np.arange(6.0).reshape(2, 3)


def test_buffers_are_leaves_like_others():
    names = ["linear.weight", "linear.bias", "seen.count", "seen.sum", "frozen.weight"]
    names += ["frozen.bias", "gain"]
    net = Net()
    assert list(nn.named_arrays(net)) == names
    assert isinstance(net.seen["sum"], np.ndarray)
    marks = nn.trained(tree.structure(net))
    assert marks == (True, True, False, False, False, False, True)


def test_partition_and_combine():
    net = Net()
    parameters, buffers = nn.partition(net)
    assert list(nn.named_arrays(parameters)) == ["linear.weight", "linear.bias", "gain"]
    assert list(nn.named_arrays(buffers)) == [
        "seen.count",
        "seen.sum",
        "frozen.weight",
        "frozen.bias",
    ]
    assert parameters.size == 2
    for whole in (nn.combine(parameters, buffers), nn.combine(buffers, parameters)):
        assert tree.structure(whole) == tree.structure(net)
        assert all(a is b for a, b in zip(tree.leaves(whole), tree.leaves(net), strict=True))
    nested = {"a": [net, np.ones(1)], "b": None}
    parameters, buffers = nn.partition(nested)
    assert len(tree.leaves(parameters)) == 4
    assert tree.structure(nn.combine(parameters, buffers)) == tree.structure(nested)
    plain = nn.mlp([2, 1], rng=np.random.default_rng(0))
    assert tree.leaves(nn.partition(plain)[1]) == []


def test_what_cannot_be_combined():
    parameters, buffers = nn.partition(Net())
    with pytest.raises(wg.ShapeError, match="combine: parameters and buffers differ in structure"):
        nn.combine(parameters, nn.partition(nn.BatchNorm(2))[1])
    with pytest.raises(wg.ShapeError, match="combine: .* both have an array at leaf 0"):
        nn.combine(parameters, parameters)
    assert buffers.gain is None


def test_replace_keeps_buffers_buffers():
    net = Net()
    for changed in (
        net.replace(seen={"count": np.array(2), "sum": np.ones(2)}),
        net.replace(gain=np.zeros(2)),
        copy.deepcopy(net),
        pickle.loads(pickle.dumps(net)),
        tree.map(lambda x: x + 1, net),
    ):
        assert tree.structure(changed) == tree.structure(net)
    assert nn.trained(tree.structure(net.replace(gain=nn.Buffer(np.ones(2)))))[-1] is False
    assert net.replace(gain=nn.Buffer(np.ones(2))).gain.tolist() == [1, 1]


def test_the_last_assignment_in_init_counts():
    class Twice(nn.Module):
        def __init__(self):
            self.a = nn.Buffer(np.ones(1))
            self.a = np.ones(1)
            self.b = np.ones(1)
            self.b = nn.Buffer(self.b)

    assert nn.trained(tree.structure(Twice())) == (True, False)


def test_gradients_of_the_parameters_alone():
    def objective(parameters, buffers, x):
        y, net = nn.combine(parameters, buffers).training_call(x)
        return np.sum(y**2), nn.partition(net)[1]

    net = Net()
    parameters, buffers = nn.partition(net)
    gradient, new = wg.grad_and_aux(objective)(parameters, buffers, X)
    assert tree.structure(gradient) == tree.structure(parameters)
    assert new.seen["count"] == 1
    np.testing.assert_array_equal(new.seen["sum"], X[:, :2].sum(axis=0))
    assert type(new.seen["sum"]) is np.ndarray
    np.testing.assert_array_equal(new.frozen.weight, net.frozen.weight)


# ------------------------------------------------------------------ training calls


def test_stateful():
    rng = np.random.default_rng(0)
    linear = nn.Linear(2, 2, rng=rng)
    assert not linear.stateful
    assert not nn.Sequential(linear, np.tanh).stateful
    assert not nn.Sequential(nn.Sequential(linear)).stateful
    for layer in (nn.Dropout(0.1), nn.BatchNorm(2), Net()):
        assert layer.stateful
        assert nn.Sequential(linear, layer).stateful
        assert nn.Sequential(nn.Sequential(linear, layer)).stateful
    assert not nn.LayerNorm(2).stateful


def test_a_module_without_state_is_called():
    linear = nn.Linear(3, 2, rng=np.random.default_rng(0))
    y, same = linear.training_call(X)
    assert same is linear
    np.testing.assert_array_equal(y, linear(X))
    network = nn.Sequential(linear, np.tanh)
    y, same = network.training_call(X, key=wg.random.key(0))
    assert same is network
    np.testing.assert_array_equal(y, network(X))


def test_a_container_must_say_what_training_does():
    class Careless(nn.Module):
        def __init__(self):
            self.parts = [{"norm": nn.BatchNorm(3)}]

        def __call__(self, x):
            return self.parts[0]["norm"](x)

    careless = Careless()
    assert careless.stateful
    careless(X)
    message = (
        r"Careless.parts.0.norm is a BatchNorm, which does something else in training: define "
        r"Careless.training_call\(x, \*, key=None\), which returns \(y, self.replace\(parts=...\)\)"
    )
    with pytest.raises(wg.WengertTypeError, match=message):
        careless.training_call(X)
    with pytest.raises(wg.WengertTypeError, match=message):
        nn.Sequential(careless).training_call(X)


def test_sequential_hands_keys_and_state_on():
    network = nn.Sequential(
        nn.BatchNorm(3, dtype=float),
        nn.Dropout(0.5),
        np.tanh,
        nn.Sequential(nn.Dropout(0.5), nn.BatchNorm(3, dtype=float)),
    )
    key, x = wg.random.key(3), np.random.default_rng(0).normal(size=(40, 3))
    y, after = network.training_call(x, key=key)
    h, first = network.layers[0].training_call(x)
    h = np.tanh(network.layers[1].training_call(h, key=wg.random.fold_in(key, 1))[0])
    inner = wg.random.fold_in(wg.random.fold_in(key, 3), 0)
    h, last = (
        network.layers[3]
        .layers[1]
        .training_call(network.layers[3].layers[0].training_call(h, key=inner)[0])
    )
    np.testing.assert_array_equal(y, h)
    np.testing.assert_array_equal(after.layers[0].mean, first.mean)
    np.testing.assert_array_equal(after.layers[3].layers[1].variance, last.variance)
    assert tree.structure(after) == tree.structure(network)
    assert after.layers[1] is network.layers[1]
    np.testing.assert_array_equal(network.layers[0].mean, 0)


def test_under_transforms():
    network = nn.mlp(
        [3, 4, 2], rng=np.random.default_rng(0), batch_norm=True, dropout=0.3, dtype=float
    )
    x = np.random.default_rng(1).normal(size=(5, 6, 3))
    keys = wg.random.split(wg.random.key(0), 5)

    def run(x, key):
        y, after = network.training_call(x, key=key)
        return y, after.layers[1].mean

    found = wg.vmap(run)(x, keys)
    each = [run(a, k) for a, k in zip(x, keys, strict=True)]
    np.testing.assert_allclose(found[0], np.stack([y for y, _ in each]), rtol=1e-10)
    np.testing.assert_allclose(found[1], np.stack([m for _, m in each]), rtol=1e-10)

    def loss(network, checkpointed):
        call = lambda x: network.training_call(x, key=keys[0])[0]  # noqa: E731
        return np.sum((wg.checkpoint(call) if checkpointed else call)(x[0]) ** 2)

    plain, again = wg.grad(loss)(network, False), wg.grad(loss)(network, True)
    for a, b in zip(tree.leaves(plain), tree.leaves(again), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-13)
