"""Activations: values against their definitions, no overflow, the derivative at the kinks."""

import math

import numpy as np
import pytest

import wengert as wg
from wengert import nn

X = np.array([-30.0, -2.0, -0.5, 0.0, 0.5, 2.0, 30.0])

DEFINITIONS = {
    "identity": lambda x: x,
    "relu": lambda x: max(x, 0.0),
    "leaky_relu": lambda x: x if x > 0 else 0.01 * x,
    "elu": lambda x: x if x > 0 else math.expm1(x),
    "tanh": math.tanh,
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "softplus": lambda x: math.log1p(math.exp(x)),
}


@pytest.mark.parametrize("name", DEFINITIONS)
def test_value(name):
    expected = [DEFINITIONS[name](x) for x in X.tolist()]
    np.testing.assert_allclose(nn.ACTIVATIONS[name](X), expected, rtol=1e-12)


def test_gelu_is_close_to_its_definition():
    expected = [0.5 * x * (1 + math.erf(x / math.sqrt(2))) for x in X.tolist()]
    np.testing.assert_allclose(nn.gelu(X), expected, atol=5e-4)


@pytest.mark.parametrize("name", nn.ACTIVATIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_is_kept(name, dtype):
    assert nn.ACTIVATIONS[name](X.astype(dtype)).dtype == dtype


@pytest.mark.parametrize("name", nn.ACTIVATIONS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_inputs_overflow_nowhere(name, dtype):
    # pytest turns NumPy's overflow warnings into errors.
    x = np.array([-1e4, -1e3, 1e3, 1e4], dtype)
    assert np.isfinite(nn.ACTIVATIONS[name](x)).all()
    gradient = wg.grad(lambda x: np.sum(nn.ACTIVATIONS[name](x)))(x)
    assert np.isfinite(gradient).all()
    assert gradient.dtype == dtype


@pytest.mark.parametrize("name", nn.ACTIVATIONS)
def test_derivative_agrees_with_differences(name):
    function, x, step = nn.ACTIVATIONS[name], X[X != 0], 1e-6
    gradient = wg.grad(lambda x: np.sum(function(x)))(x)
    expected = (function(x + step) - function(x - step)) / (2 * step)
    np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("relu", 0.0),
        ("leaky_relu", 0.01),
        ("elu", 1.0),
        ("sigmoid", 0.25),
        ("softplus", 0.5),
        ("gelu", 0.5),
        ("tanh", 1.0),
    ],
)
def test_derivative_at_zero(name, expected):
    gradient = wg.grad(lambda x: np.sum(nn.ACTIVATIONS[name](x)))(np.zeros(1))
    np.testing.assert_allclose(gradient, [expected], rtol=1e-12)


def test_sigmoid_keeps_relative_accuracy_in_the_tail():
    x = np.array([-700.0, -100.0])
    np.testing.assert_allclose(nn.sigmoid(x), np.exp(x), rtol=1e-12)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_softmax(axis):
    x = np.random.default_rng(0).normal(size=(3, 4))
    expected = np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True)
    np.testing.assert_allclose(nn.softmax(x, axis=axis), expected)
    np.testing.assert_allclose(nn.log_softmax(x, axis=axis), np.log(expected))


def test_softmax_of_large_numbers():
    x = np.array([[1e4, 0.0, -1e4]])
    np.testing.assert_array_equal(nn.softmax(x), [[1, 0, 0]])
    np.testing.assert_array_equal(nn.log_softmax(x), [[0, -1e4, -2e4]])
    gradient = wg.grad(lambda x: np.sum(nn.log_softmax(x)[:, 1]))(x)
    np.testing.assert_array_equal(gradient, [[-1, 1, 0]])


def test_gradient_of_softmax():
    x = np.random.default_rng(0).normal(size=5)
    p = nn.softmax(x)
    gradient = wg.grad(lambda x: np.sum(nn.softmax(x)[2:3]))(x)
    np.testing.assert_allclose(gradient, p[2] * (np.eye(5)[2] - p), rtol=1e-10)
