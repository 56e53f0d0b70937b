"""Lab neuralnet: data, training, plots."""

from __future__ import annotations

import dataclasses
import json
import math
import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import wengert as wg
from labs.neuralnet import Classifier, plots, settings
from labs.neuralnet import data as data_module
from labs.neuralnet import test as test_module
from labs.neuralnet.data import DataSampler, Scaling, Split
from labs.neuralnet.settings import Settings
from labs.neuralnet.train import evaluate, train, training_step
from wengert.optim import SGD
from wengert.train import DivergenceError

from .made_up_images import FAKE, Interrupting, made_up_splits, python_handles_ctrl_c

FASHION = Path("/usr/share/datasets/fashion-mnist")
LAB = Path(plots.__file__).parent


@pytest.fixture
def fake(monkeypatch):
    with python_handles_ctrl_c():
        yield made_up_splits(monkeypatch)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


# ------------------------------------------------------------------ data


def test_splits(fake):
    train_images, test_images, *_ = FAKE
    assert len(fake.train.y) == 300
    assert len(fake.validation.y) == 200
    np.testing.assert_array_equal(fake.train.X, train_images.X[:300])
    np.testing.assert_array_equal(fake.validation.X, train_images.X[300:500])
    assert fake.test is test_images
    np.testing.assert_array_equal(data_module.load_splits(num_train=10).train.y, fake.train.y[:10])
    np.testing.assert_array_equal(fake.first(10).train.y, fake.train.y[:10])
    assert len(fake.first(None).train.y) == 300


@pytest.mark.parametrize("count", [0, -1, 301])
def test_too_many_images(fake, count):
    with pytest.raises(wg.ConfigError, match=r"there are 300 training images.* got"):
        fake.first(count)


def test_scaling_gives_mean_zero_and_deviation_one(rng):
    X = rng.integers(0, 200, (7, 3072), np.uint8)
    X[:, ::3] //= 2  # the first channel of each pixel
    scaling = Scaling.of(X)
    channels = scaling(X).reshape(7, 1024, 3)
    assert channels.dtype == np.float32
    np.testing.assert_allclose(channels.mean(axis=(0, 1)), 0, atol=1e-5)
    np.testing.assert_allclose(channels.std(axis=(0, 1)), 1, rtol=1e-5)
    np.testing.assert_allclose(scaling.mean, X.reshape(-1, 3).mean(axis=0) / 255)
    assert Scaling.from_json(json.loads(json.dumps(scaling.to_json()))) == scaling


def test_scaling_refuses_constant_images_and_damaged_descriptions():
    with pytest.raises(wg.DataError, match="the same everywhere"):
        Scaling.of(np.full((2, 3072), 9, np.uint8))
    for state in (None, {}, {"mean": [1, 2, 3]}, {"mean": "abc", "std": [1, 1, 1]}):
        with pytest.raises(wg.DataError, match="missing or damaged"):
            Scaling.from_json(state)
    with pytest.raises(wg.DataError, match="for 3 channels"):
        Scaling.from_json({"mean": [0, 0, 0], "std": [1, 0, 1]})


def test_sampler_goes_once_through_all_images():
    split = Split(np.repeat(np.arange(10, dtype=np.uint8)[:, None], 3072, axis=1), np.arange(10))
    sampler = DataSampler(split, Scaling((0.0,) * 3, (1 / 255,) * 3), batch_size=4, seed=3)
    assert len(sampler) == 3
    epochs = []
    for number in (0, 1, 0):
        batches = list(sampler.epoch(number))
        assert [len(y) for _, y in batches] == [4, 4, 2]
        for X, y in batches:
            np.testing.assert_allclose(X[:, 0], y)
        epochs.append(np.concatenate([y for _, y in batches]))
        assert sorted(epochs[-1]) == list(range(10))
    assert not np.array_equal(epochs[0], epochs[1])
    np.testing.assert_array_equal(epochs[0], epochs[2])


@pytest.mark.skipif(not FASHION.is_dir(), reason="needs dataset-fashion-mnist")
def test_real_images():
    splits = data_module.load_splits()
    assert (len(splits.train.y), len(splits.validation.y)) == (45_000, 5_000)
    assert splits.train.X.shape == (45_000, 3072)
    assert splits.test.X.shape == (10_000, 3072)
    assert splits.train.X.dtype == np.uint8
    assert "stand-in" in splits.name
    channels = splits.train.X[:100].reshape(100, 32, 32, 3)
    assert (channels == channels[..., :1]).all()
    assert len(splits.classes) == 10


# ------------------------------------------------------------------ training

SMALL = Settings(hidden_dim=16, epochs=3, batch_size=50, learning_rate=0.02, lr_decay=1.0)


@pytest.mark.parametrize("kind", settings.MODELS)
def test_training_learns(fake, kind, tmp_path):
    path = tmp_path / "best.safetensors"
    result = train(dataclasses.replace(SMALL, model=kind), fake, model_file=path)
    assert result.steps_per_epoch == 6
    assert len(result.losses) == 18
    assert [record["epoch"] for record in result.epochs] == [1, 2, 3]
    assert np.mean(result.losses[-6:]) < 0.5 * np.mean(result.losses[:2])
    best = result.best_record["validation_accuracy"]
    assert best == max(record["validation_accuracy"] for record in result.epochs) > 0.8
    scaling = Scaling.from_json(result.best.notes["scaling"])
    saved = Classifier.load(path)
    for m in (result.best, saved):
        assert evaluate(m, fake.validation, scaling).accuracy == best
        assert m.parameters()[next(iter(m.parameters()))].dtype == np.float32
    assert test_module.test(saved, fake.validation).accuracy == best
    assert [p.name for p in tmp_path.iterdir()] == ["best.safetensors"]


def test_equal_seeds_give_equal_runs(fake):
    a, b = train(SMALL, fake), train(SMALL, fake)
    assert a.losses == b.losses
    assert train(dataclasses.replace(SMALL, seed=1), fake).losses != a.losses


def test_steps_are_momentum_and_decay_by_hand(fake):
    chosen = dataclasses.replace(
        SMALL, model="linear", epochs=2, lr_decay=0.5, momentum=0.8, reg=0.01
    )
    result = train(chosen, fake)
    scaling = Scaling.of(fake.train.X)
    sampler = DataSampler(fake.train, scaling, chosen.batch_size, chosen.seed)
    parameters = chosen.classifier(3072, 10, np.float32).parameters()
    velocity = {name: np.zeros_like(value) for name, value in parameters.items()}
    model = chosen.classifier(3072, 10, np.float32)
    for epoch, rate in ((0, 0.02), (1, 0.01)):
        for X, y in sampler.epoch(epoch):
            _, gradients = training_step(model.replace(parameters), X, y, 0.01)
            for name, gradient in gradients.items():
                velocity[name] = 0.8 * velocity[name] + gradient
                parameters[name] = parameters[name] - np.float32(rate) * velocity[name]
    for name, value in result.last.parameters().items():
        np.testing.assert_allclose(value, parameters[name], rtol=1e-4, atol=1e-6)


def test_best_model_is_not_the_last_one(fake):
    """A learning rate that destroys the model after it was good."""
    chosen = dataclasses.replace(SMALL, epochs=2)
    good = train(chosen, fake)

    class Wild(SGD):
        def update(self, params, grads, state):
            new, state = super().update(params, grads, state)
            return ({k: 0 * v for k, v in new.items()} if state.step > 6 else new), state

    class WildSettings(Settings):
        def optimizer(self, steps_per_epoch):
            return Wild(0.02, momentum=0.9)

    wild = train(WildSettings(**dataclasses.asdict(chosen)), fake)
    assert wild.best_record["epoch"] == 1
    assert wild.epochs[1]["validation_accuracy"] < 0.2
    scaling = Scaling.of(fake.train.X)
    assert evaluate(wild.best, fake.validation, scaling).accuracy > 0.5
    assert good.epochs[1]["validation_accuracy"] > 0.5


def test_a_diverging_loss_is_an_error(fake):
    with pytest.raises(DivergenceError, match=r"the loss became (inf|nan) in epoch \d"):
        train(dataclasses.replace(SMALL, learning_rate=1e12, epochs=5), fake)


def test_interrupt_keeps_what_there_is(fake, tmp_path):
    path = tmp_path / "m.safetensors"
    result = train(SMALL, fake, model_file=path, reporter=Interrupting(8))
    assert result.interrupted
    assert len(result.losses) == 8
    assert [record["step"] for record in result.epochs] == [6, 8]
    assert Classifier.load(path).architecture()["hidden_dim"] == 16
    plots.save_plot(tmp_path / "p.png", {"interrupted": result}, "made-up images")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "deep"}, "unknown model 'deep'; known are two-layer, linear"),
        ({"hidden_dim": 0}, "hidden_dim must be at least 1, got 0"),
        ({"epochs": 0}, "epochs must be at least 1, got 0"),
        ({"batch_size": -1}, "batch_size must be at least 1, got -1"),
        ({"learning_rate": math.nan}, "learning_rate must be at least 0, got nan"),
        ({"learning_rate": math.inf}, "learning_rate must be at least 0, got inf"),
        ({"lr_decay": 0.0}, "lr_decay must be above 0 and at most 1, got 0.0"),
        ({"lr_decay": 1.5}, "lr_decay must be above 0 and at most 1, got 1.5"),
        ({"momentum": 1.0}, "momentum must be at least 0 and below 1, got 1.0"),
        ({"reg": -0.1}, "reg must be at least 0, got -0.1"),
        ({"weight_scale": -1.0}, "weight_scale must be at least 0, got -1.0"),
        ({"num_train": 0}, "num_train must be at least 1, got 0"),
        ({"seed": -1}, "seed must be at least 0, got -1"),
    ],
)
def test_settings_out_of_range(change, message):
    with pytest.raises(wg.ConfigError) as raised:
        Settings(**change)
    assert message in str(raised.value)


# ------------------------------------------------------------------ plots


def test_plot_has_labels_and_titles(fake):
    runs = {"one": train(SMALL, fake), "two": train(dataclasses.replace(SMALL, epochs=1), fake)}
    figure = plots.draw_runs(runs, "made-up images")
    assert len(figure.axes) == 4
    assert figure.get_suptitle() == "made-up images"
    for axes, (title, label) in zip(
        figure.axes,
        [
            ("one: loss", "cross entropy (nats)"),
            ("one: accuracy", "accuracy (%)"),
            ("two: loss", "cross entropy (nats)"),
            ("two: accuracy", "accuracy (%)"),
        ],
        strict=True,
    ):
        assert axes.get_title() == title
        assert axes.get_xlabel() == "epoch"
        assert axes.get_ylabel() == label
        assert axes.get_legend() is not None


def test_committed_picture():
    path = LAB / "neuralnet.png"
    assert path.stat().st_size < 200_000
    with Image.open(path) as image:
        assert image.width >= 800
