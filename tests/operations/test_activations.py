"""relu and sigmoid beyond the laws: the kink, infinities, NaN, dtypes, accuracy."""

import numpy as np
import pytest
from scipy.special import expit

import wengert as wg
from wengert import nn


def test_values():
    x = np.array([np.nan, -np.inf, -1.0, -0.0, 2.0, np.inf])
    np.testing.assert_array_equal(nn.relu(x), [np.nan, 0, 0, 0, 2, np.inf])
    np.testing.assert_array_equal(nn.relu(wg.tensor(x)).array, nn.relu(x))
    assert nn.relu(np.float32(-3)).dtype == nn.relu(wg.tensor(np.float32(-3))).dtype == np.float32
    assert nn.relu([1, -1]).tolist() == [1, 0]


def test_derivative():
    x = np.array([-np.inf, -1.0, 0.0, 2.0, np.inf])
    grad = wg.grad(lambda x, ct: np.sum(ct * nn.relu(x)))
    np.testing.assert_array_equal(grad(x, np.ones(5)), [0, 0, 0, 1, 1])
    np.testing.assert_array_equal(wg.jvp(nn.relu, (x,), (np.ones(5),))[1], [0, 0, 0, 1, 1])
    hessian = wg.hessian(lambda x: np.sum(nn.relu(x) ** 2))(x[1:4])
    np.testing.assert_array_equal(hessian, np.diag([0, 0, 2]))


def test_what_it_does_not_let_pass_may_be_infinite():
    x, large = np.array([-1.0, 2.0]), np.array([np.inf, 3.0])
    assert wg.vjp(nn.relu, x)[1](large)[0].tolist() == [0, 3]
    assert wg.jvp(nn.relu, (x,), (large,))[1].tolist() == [0, 3]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sigmoid_is_scipys(dtype):
    x = np.concatenate([np.linspace(-750, 750, 4001), [np.inf, -np.inf, np.nan, -0.0]])
    x = x.astype(dtype)
    y, expected = nn.sigmoid(x), expit(x)
    assert y.dtype == nn.sigmoid(wg.tensor(x)).dtype == dtype
    np.testing.assert_allclose(y, expected, rtol=4 * np.finfo(dtype).eps, atol=np.finfo(dtype).tiny)
    np.testing.assert_array_equal(nn.sigmoid(wg.tensor(x)).array, y)


def test_sigmoid_of_numbers_lists_and_integers():
    assert nn.sigmoid(0.0) == 0.5
    assert nn.sigmoid([0, 0]).tolist() == [0.5, 0.5]
    np.testing.assert_allclose(nn.sigmoid(np.array([1, 2], np.uint8)), expit([1.0, 2.0]), rtol=1e-3)
