"""Dropout: what is zero, what is left, and what is not accepted."""

import numpy as np
import pytest

import wengert as wg
from wengert import nn

KEY = wg.random.key(0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_part_becomes_zero(dtype):
    x = np.ones((400, 100), dtype)
    layer = nn.Dropout(0.3)
    y, same = layer.training_call(x, key=KEY)
    assert same is layer
    assert y.dtype == dtype
    kept = y != 0
    assert abs(kept.mean() - 0.7) < 0.01
    np.testing.assert_allclose(y[kept], 1 / 0.7, rtol=1e-6)
    assert abs(np.corrcoef(kept[:, 0], kept[:, 1])[0, 1]) < 0.2
    assert layer(x) is x


def test_keys_decide():
    x, layer = np.ones(100), nn.Dropout(0.5)
    first = layer.training_call(x, key=KEY)[0]
    np.testing.assert_array_equal(first, layer.training_call(x, key=KEY)[0])
    assert np.any(first != layer.training_call(x, key=wg.random.key(1))[0])


def test_gradient():
    x, layer = np.arange(1.0, 7.0), nn.Dropout(0.5)
    gradient = wg.grad(lambda x: np.sum(layer.training_call(x, key=KEY)[0]))(x)
    np.testing.assert_array_equal(gradient, layer.training_call(np.ones(6), key=KEY)[0])


def test_rate_zero_needs_no_key():
    x = np.ones(3)
    assert nn.Dropout(0).training_call(x)[0] is x


def test_without_a_key_it_takes_the_next_one_of_the_stream():
    model, x = nn.Sequential(nn.Dropout(0.5)), np.ones(20)
    wg.random.seed(0)
    first, second = (model.training_call(x)[0] for _ in range(2))
    assert np.any(first != second)
    key = wg.random.fold_in(wg.random.key(0), 0)
    np.testing.assert_array_equal(first, nn.Dropout(0.5).training_call(x, key=key)[0])


def test_bad_arguments():
    for rate in (-0.1, 1.0, np.nan):
        with pytest.raises(wg.WengertValueError, match="Dropout: rate must be at least 0 and belo"):
            nn.Dropout(rate)
    for rate in ("0.5", None, True):
        with pytest.raises(wg.WengertTypeError, match="Dropout: rate must be a number, got"):
            nn.Dropout(rate)
    with pytest.raises(wg.WengertTypeError, match="Dropout: expected inputs of floats, got int64"):
        nn.Dropout(0.5).training_call(np.arange(3), key=KEY)
    with pytest.raises(wg.WengertTypeError, match="random.bernoulli: expected a key"):
        nn.Dropout(0.5).training_call(np.ones(3), key=0)
    assert repr(nn.Dropout(0.25)) == "Dropout(0.25)"
