"""Named models on named data sets."""

import numpy as np
import pytest

import wengert as wg
from wengert import data
from wengert.optim import SGD, Adam, AdamW, CosineDecay, RMSProp, StepDecay, Warmup
from wengert.train import Run, Settings, default_settings, load_model, train_dataset
from wengert.train.experiment import _split
from wengert.train.history import Progress


def test_digits_are_learned(tmp_path):
    result = train_dataset(default_settings("digits"), tmp_path)
    assert result.test_accuracy > 0.95
    model, description = load_model(tmp_path / "model.safetensors")
    digits = data.load("digits")
    assert description == {
        "architecture": {"sizes": [64, 64, 10], "activation": "tanh"},
        "dataset": "digits",
        "classes": list("0123456789"),
        "image_shape": [8, 8],
        "pixel_max": 16,
    }
    logits = model(digits.features(digits.test_x))
    assert np.mean(logits.argmax(axis=1) == digits.test_y) == result.test_accuracy


@pytest.mark.parametrize("model", ["mlp", "linear"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_every_combination_trains(model, optimizer):
    settings = default_settings("digits", model=model, optimizer=optimizer, epochs=8)
    assert train_dataset(settings, None).test_accuracy > 0.85


def test_the_split():
    settings = default_settings("digits", validation=0.25)
    digits = data.load("digits")
    train, validation, test = _split(digits, settings)
    assert len(validation.y) == 359
    assert len(train.y) == 1437 - 359
    assert len(test.y) == 360
    every = np.concatenate([train.x, validation.x])
    assert sorted(map(bytes, every)) == sorted(map(bytes, digits.features(digits.train_x)))
    assert _split(digits, default_settings("digits", validation=0)).validation is None
    again = _split(digits, settings)
    np.testing.assert_array_equal(again.train.x, train.x)
    other = _split(digits, default_settings("digits", validation=0.25, seed=1))
    assert not np.array_equal(other.validation.y, validation.y)


def test_the_test_data_does_not_depend_on_the_seed():
    digits = data.load("digits")
    a, b = (_split(digits, default_settings("digits", seed=seed)) for seed in (0, 1))
    np.testing.assert_array_equal(a.test.x, b.test.x)


def test_defaults():
    assert default_settings("digits").hidden == (64,)
    fashion = default_settings("fashion-mnist")
    assert (fashion.hidden, fashion.batch, fashion.lr, fashion.epochs) == ((256, 256), 32, 0.1, 5)
    adam = default_settings("digits", optimizer="adam")
    assert (adam.lr, adam.momentum) == (0.001, 0.0)
    assert default_settings("digits", optimizer="adam", lr=0.1).lr == 0.1
    assert default_settings("mnist", model="linear").hidden == ()


def test_optimizers():
    assert default_settings("digits").build_optimizer(9) == SGD(0.1, momentum=0.9)
    assert default_settings("mnist").build_optimizer(9) == SGD(StepDecay(0.1, 0.7, 9))
    assert default_settings("mnist", optimizer="adam").build_optimizer(9) == Adam(0.001)
    adamw = default_settings("mnist", optimizer="adamw").build_optimizer(9)
    assert adamw == AdamW(0.001, weight_decay=0.01)
    rmsprop = default_settings("digits", optimizer="rmsprop", momentum=0.5)
    assert rmsprop.build_optimizer(9) == RMSProp(0.001, momentum=0.5)
    cosine = default_settings("mnist", schedule="cosine", warmup=2, weight_decay=0.1)
    assert cosine.build_optimizer(9) == SGD(Warmup(CosineDecay(0.1, 27), 18), weight_decay=0.1)
    warm = Settings("mnist", decay=0.5, warmup=1)
    assert warm.build_optimizer(9) == SGD(Warmup(StepDecay(0.1, 0.5, 9), 9))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"dataset": "cats"},
            "unknown data set 'cats'; known are digits, fashion-mnist, mnist, ",
        ),
        ({"model": "tree"}, "unknown model 'tree'; known are mlp, linear"),
        ({"optimizer": "lbfgs"}, "unknown optimizer 'lbfgs'; known are sgd, adam, adamw, rmsprop"),
        ({"schedule": "linear"}, "unknown schedule 'linear'; known are step, cosine"),
        ({"dropout": 1.0}, "dropout must be at least 0 and below 1, got 1.0"),
        ({"warmup": -1}, "warmup must be at least 0, got -1"),
        ({"weight_decay": -1.0}, "weight_decay must be at least 0 and finite, got -1.0"),
        ({"hidden": (), "dropout": 0.1}, "dropout needs hidden layers; this model has none"),
        ({"hidden": (), "batch_norm": True}, "batch_norm needs hidden layers"),
        ({"schedule": "cosine", "decay": 0.5}, "decay is an option of the schedule step"),
        ({"schedule": "cosine", "warmup": 5}, "warmup must be below the number of epochs, 5"),
        ({"activation": "step"}, "unknown activation 'step'; known are elu, gelu"),
        ({"batch": 0}, "batch must be at least 1, got 0"),
        ({"epochs": 0}, "epochs must be at least 1, got 0"),
        ({"seed": -1}, "seed must be at least 0, got -1"),
        ({"hidden": (8, 0)}, "hidden must be at least 1, got 0"),
        ({"validation": 1.0}, "validation must be at least 0 and below 1, got 1.0"),
        ({"lr": -1.0}, "SGD: lr must be at least 0 and finite, got -1.0"),
        ({"momentum": 1.5}, "SGD: momentum must be at least 0 and below 1"),
        ({"decay": 0.0}, "StepDecay: factor must be above 0 and at most 1, got 0.0"),
        ({"model": "linear", "hidden": (8,)}, "the linear model has no hidden layers"),
        ({"optimizer": "adam", "momentum": 0.5}, "momentum is an option of sgd"),
    ],
)
def test_settings_that_cannot_be_used(changes, message):
    with pytest.raises(wg.ConfigError, match=message):
        Settings(**{"dataset": "digits", **changes})


def test_settings_of_a_run(tmp_path):
    assert Settings.of_run(tmp_path) is None
    settings = default_settings("digits", epochs=2, hidden=(8, 4), seed=3)
    train_dataset(settings, tmp_path)
    assert Settings.of_run(tmp_path) == settings


def test_settings_of_a_run_of_another_kind(tmp_path):
    Run(tmp_path).save_checkpoint({}, 1, {"w": np.ones(1)}, {}, Progress())
    with pytest.raises(wg.DataError, match="not a run of a named data set .'dataset'"):
        Settings.of_run(tmp_path)


def test_resume_with_other_data(tmp_path, monkeypatch):
    settings = default_settings("digits", epochs=1)
    train_dataset(settings, tmp_path)
    monkeypatch.setattr(data.Dataset, "fingerprint", lambda self: "0" * 64)
    with pytest.raises(
        wg.ConfigError, match=r"other settings: data \w+... \(now 000000000000...\)"
    ):
        train_dataset(settings, tmp_path, resume=True)


def test_resume_with_more_epochs(tmp_path):
    whole = train_dataset(default_settings("digits", epochs=3), tmp_path / "whole")
    train_dataset(default_settings("digits", epochs=1), tmp_path / "parts")
    parts = train_dataset(default_settings("digits", epochs=3), tmp_path / "parts", resume=True)
    assert parts.records == whole.records
