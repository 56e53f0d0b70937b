"""SGD against its formula, on containers, with every option; and arguments that cannot be right."""

import math

import numpy as np
import pytest

import wengert as wg
from wengert import nn, tree
from wengert.optim import SGD, SGDState, StepDecay

PARAMS = {"w": np.array([1.0, -2.0]), "b": [np.array(3.0)]}
GRADS = {"w": np.array([0.5, 1.0]), "b": [np.array(-1.0)]}


def run(optimizer, steps, params=PARAMS, grads=GRADS):
    state = optimizer.init(params)
    for _ in range(steps):
        params, state = optimizer.update(params, grads, state)
    return params, state


def test_one_step():
    params, state = run(SGD(0.1), 1)
    np.testing.assert_allclose(params["w"], [0.95, -2.1])
    np.testing.assert_allclose(params["b"][0], 3.1)
    assert state == SGDState(1, None)


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_formula(nesterov, weight_decay):
    found, _ = run(SGD(0.1, 0.9, nesterov=nesterov, weight_decay=weight_decay), 4)
    p, v = PARAMS["w"], 0.0
    for _ in range(4):
        g = GRADS["w"] + weight_decay * p
        v = 0.9 * v + g
        p = p - 0.1 * (g + 0.9 * v if nesterov else v)
    np.testing.assert_allclose(found["w"], p, rtol=1e-14)


def test_arguments_are_not_changed():
    before = PARAMS["w"].copy(), GRADS["w"].copy()
    optimizer = SGD(0.1, 0.9)
    state = optimizer.init(PARAMS)
    optimizer.update(PARAMS, GRADS, state)
    np.testing.assert_array_equal(PARAMS["w"], before[0])
    np.testing.assert_array_equal(GRADS["w"], before[1])
    np.testing.assert_array_equal(state.velocity["w"], 0)


def test_schedule_sees_the_number_of_updates_made():
    seen = []
    run(SGD(lambda step: seen.append(int(step)) or 0.1), 3)
    assert seen == [0, 1, 2]
    found, _ = run(SGD(StepDecay(0.1, 0.5, 2)), 3)
    np.testing.assert_allclose(found["w"], PARAMS["w"] - (0.1 + 0.1 + 0.05) * GRADS["w"])


@pytest.mark.parametrize("lr", [0.1, np.float64(0.1), lambda step: np.float64(0.1)])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_float32_stays_float32(lr, momentum):
    params, grads = np.ones(3, np.float32), np.ones(3, np.float32)
    found, state = run(SGD(lr, momentum, weight_decay=0.1), 2, params, grads)
    assert found.dtype == np.float32
    if momentum:
        assert state.velocity.dtype == np.float32


def test_state_is_a_container_of_arrays():
    network = nn.mlp([2, 1], rng=np.random.default_rng(0))
    state = SGD(0.1, 0.9).init(network)
    assert list(nn.named_arrays(state)) == [
        "step",
        "velocity.layers.0.weight",
        "velocity.layers.0.bias",
    ]
    assert tree.structure(state.velocity) == tree.structure(network)


def test_descends():
    optimizer = SGD(0.1, momentum=0.5)
    params, target = np.zeros(3), np.array([1.0, 2.0, 3.0])
    state = optimizer.init(params)
    for _ in range(100):
        gradient = wg.grad(lambda p: np.sum((p - target) ** 2))(params)
        params, state = optimizer.update(params, gradient, state)
    np.testing.assert_allclose(params, target, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lr": -0.1}, "lr must be at least 0 and finite, got -0.1"),
        ({"lr": math.nan}, "lr must be at least 0 and finite, got nan"),
        ({"lr": math.inf}, "lr must be at least 0 and finite, got inf"),
        ({"lr": 0.1, "momentum": 1.0}, "momentum must be at least 0 and below 1, got 1.0"),
        ({"lr": 0.1, "weight_decay": -1}, "weight_decay must be at least 0 and finite, got -1"),
        ({"lr": 0.1, "nesterov": True}, "nesterov needs momentum"),
    ],
)
def test_wrong_numbers(arguments, message):
    with pytest.raises(wg.ConfigError, match=f"SGD: {message}"):
        SGD(**arguments)


@pytest.mark.parametrize(
    ("grads", "message"),
    [
        ({"w": np.ones(2)}, r"params\['b'\]\[0\] has no counterpart"),
        ({**GRADS, "c": np.ones(1)}, r"grads\['c'\] has no counterpart"),
        ([np.ones(2), np.ones(())], r"params\['b'\]\[0\] has no counterpart"),
        ({"w": np.ones(2), "b": (np.ones(()),)}, "grads is a dict, params a dict"),
        (
            {"w": np.ones(3), "b": [np.ones(())]},
            r"grads\['w'\] has shape \(3,\), but params\['w'\]",
        ),
    ],
)
def test_gradients_that_do_not_fit(grads, message):
    optimizer = SGD(0.1)
    with pytest.raises(wg.ShapeError, match=message):
        optimizer.update(PARAMS, grads, optimizer.init(PARAMS))


def test_a_state_that_does_not_fit():
    optimizer = SGD(0.1, 0.9)
    with pytest.raises(wg.ShapeError, match="state.velocity does not have the structure of params"):
        optimizer.update(PARAMS, GRADS, SGD(0.1).init(PARAMS))


def test_parameters_that_are_not_floating():
    with pytest.raises(wg.WengertTypeError, match=r"SGD: params\['n'\] is int64, but parameters"):
        SGD(0.1).init({"n": np.arange(3)})
    with pytest.raises(wg.WengertTypeError, match=r"SGD: params\[0\] is float, but parameters"):
        SGD(0.1).init([1.0])
