"""Adam against the algorithm in its paper; and arguments that cannot be right."""

import numpy as np
import pytest

import wengert as wg
from wengert import nn
from wengert.optim import Adam, StepDecay

PARAMS = {"w": np.array([1.0, -2.0]), "b": np.array(3.0)}


def test_formula():
    rng = np.random.default_rng(0)
    optimizer = Adam(0.01, b1=0.8, b2=0.95, eps=1e-6)
    params, state = PARAMS, optimizer.init(PARAMS)
    p, m, v = PARAMS["w"], 0.0, 0.0
    for t in range(1, 6):
        grads = {"w": rng.normal(size=2), "b": np.array(0.0)}
        params, state = optimizer.update(params, grads, state)
        g = grads["w"]
        m = 0.8 * m + 0.2 * g
        v = 0.95 * v + 0.05 * g**2
        p = p - 0.01 * (m / (1 - 0.8**t)) / (np.sqrt(v / (1 - 0.95**t)) + 1e-6)
    np.testing.assert_allclose(params["w"], p, rtol=1e-13)
    np.testing.assert_array_equal(params["b"], 3)
    assert state.step == 5


def test_the_first_step_has_the_length_of_the_rate():
    optimizer = Adam(0.1)
    params, _ = optimizer.update(np.zeros(2), np.array([1e-3, -1e3]), optimizer.init(np.zeros(2)))
    np.testing.assert_allclose(params, [-0.1, 0.1], rtol=1e-4)


@pytest.mark.parametrize("lr", [0.1, np.float64(0.1), lambda step: np.float64(0.1)])
def test_float32_stays_float32(lr):
    optimizer = Adam(lr)
    params = np.ones(3, np.float32)
    params, state = optimizer.update(params, params, optimizer.init(params))
    assert params.dtype == state.mean.dtype == state.square.dtype == np.float32


def test_arguments_are_not_changed():
    params, grads = np.ones(2), np.ones(2)
    state = Adam().init(params)
    Adam().update(params, grads, state)
    for array, value in ((params, 1), (grads, 1), (state.mean, 0), (state.square, 0)):
        np.testing.assert_array_equal(array, value)


def test_schedule():
    constant, falling = Adam(0.1), Adam(StepDecay(0.1, 0.5, 1))
    results = []
    for optimizer in (constant, falling):
        params, state = np.zeros(1), optimizer.init(np.zeros(1))
        for _ in range(2):
            params, state = optimizer.update(params, np.ones(1), state)
        results.append(params.item())
    np.testing.assert_allclose(results, [-0.2, -0.15], rtol=1e-6)


def test_state_is_a_container_of_arrays():
    assert list(nn.named_arrays(Adam().init(PARAMS))) == [
        "step",
        "mean.b",
        "mean.w",
        "square.b",
        "square.w",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lr": -1.0}, "lr must be at least 0"),
        ({"b1": 1.0}, "b1 must be at least 0 and below 1"),
        ({"b2": -0.1}, "b2 must be at least 0 and below 1"),
        ({"eps": -1e-8}, "eps must be at least 0"),
    ],
)
def test_wrong_numbers(arguments, message):
    with pytest.raises(wg.ConfigError, match=f"Adam: {message}"):
        Adam(**arguments)


def test_gradients_and_states_that_do_not_fit():
    optimizer = Adam()
    state = optimizer.init(PARAMS)
    with pytest.raises(wg.ShapeError, match=r"Adam: grads does not have the structure of params"):
        optimizer.update(PARAMS, {"w": np.ones(2)}, state)
    broken = state._replace(square={"w": np.ones(3), "b": np.ones(())})
    with pytest.raises(wg.ShapeError, match=r"Adam: state.square\['w'\] has shape \(3,\)"):
        optimizer.update(PARAMS, PARAMS, broken)
    with pytest.raises(wg.WengertTypeError, match="Adam: params is int64, but parameters must be"):
        optimizer.init(np.arange(3))
