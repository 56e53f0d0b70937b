"""Moons, and splitting a data set."""

import sys

import numpy as np
import pytest

import wengert as wg
from wengert import data


def test_moons():
    x, y = data.moons()
    assert x.shape == (100, 2)
    assert x.dtype == np.float64
    assert y.dtype == np.int64
    assert np.bincount(y).tolist() == [50, 50]


def test_moons_are_scikit_learns():
    from sklearn.datasets import make_moons

    for samples, noise, seed in ((100, 0.1, 3), (7, 0.0, 0)):
        x, y = data.moons(samples, noise, seed)
        expected = make_moons(samples, noise=noise, random_state=seed)
        np.testing.assert_array_equal(x, expected[0])
        np.testing.assert_array_equal(y, expected[1])


def test_seed_and_noise_of_moons():
    x, _ = data.moons(seed=1)
    np.testing.assert_array_equal(x, data.moons(seed=1)[0])
    assert not np.array_equal(x, data.moons(seed=2)[0])
    x, y = data.moons(noise=0)
    radius = np.hypot(*(x - [0, 0]).T)
    np.testing.assert_allclose(radius[y == 0], 1)


def test_loaded_moons():
    moons = data.load("moons")
    assert moons.classes == ("upper", "lower")
    assert moons.train_x.shape == moons.test_x.shape == (100, 2)
    assert not np.array_equal(moons.train_x, moons.test_x)
    np.testing.assert_allclose(moons.features(moons.train_x), moons.train_x, rtol=1e-6)
    assert repr(moons) == (
        "Dataset('moons': 100 training and 100 test points with 2 numbers, 2 classes)"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"samples": 1}, "moons: samples must be at least 2, got 1"),
        ({"noise": -0.1}, "moons: noise must be at least 0, got -0.1"),
        ({"noise": float("nan")}, "moons: noise must be at least 0, got nan"),
        ({"seed": -1}, "moons: seed must be at least 0, got -1"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(wg.ConfigError, match=message):
        data.moons(**arguments)


def test_moons_without_scikit_learn(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(wg.ConfigError, match=r"moons data set .*pip install 'wengert\[data\]'"):
        data.moons()


def rows(part):
    return {row.tobytes() for row in part.x}


@pytest.mark.parametrize("seed", [0, 5, None])
@pytest.mark.parametrize(("validation", "count"), [(0.25, 25), (10, 10), (0, 0), (99, 99)])
def test_splits(seed, validation, count):
    moons = data.load("moons")
    split = moons.split(validation, seed)
    assert len(split.validation.x) == len(split.validation.y) == count
    assert len(split.train.x) == len(split.train.y) == 100 - count
    assert rows(split.train) | rows(split.validation) == rows(
        data.Part(moons.train_x, moons.train_y)
    )
    labels = {x.tobytes(): y for x, y in zip(moons.train_x, moons.train_y, strict=True)}
    for part in (split.train, split.validation):
        assert all(labels[x.tobytes()] == y for x, y in zip(part.x, part.y, strict=True))
    assert split.test.x is moons.test_x
    if seed is None:
        np.testing.assert_array_equal(split.validation.y, moons.train_y[100 - count :])


def test_the_seed_decides_the_split():
    moons = data.load("moons")
    assert rows(moons.split(10, 1).validation) == rows(moons.split(10, 1).validation)
    assert rows(moons.split(10, 1).validation) != rows(moons.split(10, 2).validation)


@pytest.mark.parametrize("validation", [-0.001, -1, 0.999, 100, 101, 2.5, float("nan")])
def test_impossible_splits(validation):
    with pytest.raises(wg.ConfigError, match="validation must be a part below 1, or a whole numb"):
        data.load("moons").split(validation)
