"""Lab neuralnet: the scripts, the lab, and what they refuse."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path

import pytest

import wengert as wg
from labs.neuralnet import (
    Classifier,
    LinearClassifier,
    TwoLayerNet,
    gradcheck_layers,
    lab,
    layers,
    settings,
)
from labs.neuralnet import test as test_module
from labs.neuralnet import train as train_module
from labs.neuralnet.data import Scaling
from labs.neuralnet.settings import OVERFIT, TUNED

from .made_up_images import FAKE, Interrupting, made_up_splits, python_handles_ctrl_c

FASHION = Path("/usr/share/datasets/fashion-mnist")
LAB = Path(lab.__file__).parent


@pytest.fixture
def fake(monkeypatch):
    with python_handles_ctrl_c():
        yield made_up_splits(monkeypatch)


# ------------------------------------------------------------------ scripts


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


QUICK = "--hidden-dim 8 --epochs 2 --batch-size 50 --learning-rate 0.02 --num-validation 200"


def test_train_and_test_scripts(fake, here, capsys):
    assert train_module.main(QUICK.split()) == 0
    captured = capsys.readouterr()
    assert captured.err.count("epoch ") == 2
    assert "validation accuracy" in captured.out
    assert "made-up images: 300 training images" in captured.out
    assert sorted(p.name for p in here.iterdir()) == ["model.safetensors", "plot.pdf"]
    assert (here / "plot.pdf").read_bytes().startswith(b"%PDF")
    assert test_module.main([]) == 0
    out = capsys.readouterr().out
    accuracy = test_module.test(Classifier.load("model.safetensors"), FAKE[1]).accuracy
    assert accuracy > 0.5
    assert f"test accuracy {100 * accuracy:.2f} %" in out
    assert len(out.splitlines()) == 12


def test_every_hyperparameter_has_a_flag(fake, here):
    flags = (
        "--model two-layer --hidden-dim 9 --epochs 1 --batch-size 30 --learning-rate 0.01 "
        "--lr-decay 0.5 --momentum 0.5 --reg 0.1 --weight-scale 0.03 --num-train 60 --seed 4 "
        "--num-validation 50 --model-file m.safetensors --plot-file p.svg"
    )
    assert train_module.main(flags.split()) == 0
    noted = Classifier.load("m.safetensors").notes["settings"]
    assert noted == {
        "model": "two-layer",
        "hidden_dim": 9,
        "epochs": 1,
        "batch_size": 30,
        "learning_rate": 0.01,
        "lr_decay": 0.5,
        "momentum": 0.5,
        "reg": 0.1,
        "weight_scale": 0.03,
        "num_train": 60,
        "seed": 4,
    }
    assert "<svg" in (here / "p.svg").read_text()


def test_overfit_flag_changes_the_defaults():
    parser = argparse.ArgumentParser()
    settings.add_flags(parser)
    given = parser.parse_args(["--epochs", "7"])
    assert settings.settings_of(given) == dataclasses.replace(TUNED, epochs=7)
    assert settings.settings_of(given, OVERFIT, 3) == dataclasses.replace(OVERFIT, epochs=7, seed=3)
    assert OVERFIT.num_train <= 1_000


def test_linear_model_by_flag(fake, here, capsys):
    assert train_module.main("--model linear --epochs 1 --num-validation 50".split()) == 0
    assert isinstance(Classifier.load("model.safetensors"), LinearClassifier)
    assert train_module.main("--model linear --hidden-dim 5".split()) == 2
    assert "the linear model has no hidden layer" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("--layers 3", "unrecognized arguments: --layers 3"),
        ("--epo 3", "unrecognized arguments: --epo 3"),
        ("--epochs many", "argument --epochs: invalid int value: 'many'"),
        ("--epochs 0", "epochs must be at least 1, got 0"),
        ("--lr-decay 2", "lr_decay must be above 0 and at most 1, got 2.0"),
        ("--model deep", "argument --model: invalid choice: 'deep'"),
        ("--num-train 301", "there are 300 training images"),
        ("--num-validation 0", "there are 5000 validation images"),
        ("--plot-file plot.doc", "plots can be written as .pdf, .png, .svg"),
        ("--plot-file none/plot.pdf", "there is no directory none; make it first"),
        ("--model-file none/m.safetensors", "there is no directory none; make it first"),
        ("--model-file .", "is a directory; name a file"),
        ("--seed -1", "seed must be at least 0, got -1"),
        ("--learning-rate 1e12 --epochs 5", "lower the learning rate"),
    ],
)
def test_bad_flags(fake, here, capsys, flags, message):
    assert train_module.main(flags.split()) == 2
    err = capsys.readouterr().err
    error = err.splitlines()[-1]
    assert error.startswith("python -m labs.neuralnet.train: error: ")
    assert message in error
    assert "Traceback" not in err
    assert not (here / "plot.pdf").exists()


@pytest.mark.parametrize("module", [train_module, test_module])
def test_data_directory_that_is_not_there(here, capsys, module):
    TwoLayerNet(4, 3, 2).save("model.safetensors")
    assert module.main(["--data-dir", "nowhere"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "nowhere: no such directory" in err


def test_test_script_refuses_other_models(fake, here, capsys):
    def refused(message):
        assert test_module.main([]) == 2
        captured = capsys.readouterr()
        assert captured.err.count("\n") == 1
        assert message in captured.err

    refused("model.safetensors: no such file")
    TwoLayerNet(16, 10, 4).save("model.safetensors")
    refused("the model takes 16 inputs, the images have 3072 values")
    LinearClassifier(3072, 10).save("model.safetensors")
    refused("the scaling of the pixels is missing or damaged")
    path = here / "model.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    refused("model.safetensors: cut short, damaged or not a safetensors file")
    model = LinearClassifier(3072, 7)
    model.notes["scaling"] = Scaling.of(FAKE[0].X[:9]).to_json()
    model.save("model.safetensors")
    refused("the model knows 7 classes, the images have 10")


def test_interrupted_script_saves_and_exits_130(fake, here, capsys, monkeypatch):
    monkeypatch.setattr(train_module, "Reporter", lambda: Interrupting(8))
    assert train_module.main(QUICK.split()) == 130
    assert sorted(p.name for p in here.iterdir()) == ["model.safetensors", "plot.pdf"]
    assert capsys.readouterr().err.endswith("interrupted\n")


# ------------------------------------------------------------------ the lab


def _options(out, *flags, quick=True):
    parser = argparse.ArgumentParser()
    lab.add_arguments(parser)
    given = vars(parser.parse_args(flags))
    return argparse.Namespace(out=out, quick=quick, seed=None, data_dir=None, **given)


@pytest.mark.skipif(not FASHION.is_dir(), reason="needs dataset-fashion-mnist")
def test_lab_quick(tmp_path):
    figures = lab.run(_options(tmp_path))
    assert figures["layers_max_difference"] < 1e-9
    assert figures["classifiers_max_difference"] < 1e-10
    assert figures["validation_accuracy"] > 0.7
    assert figures["test_accuracy"] > 0.7
    assert figures["overfit_train_accuracy"] >= 0.99
    assert figures["overfit_gap_points"] >= 15
    assert "stand-in" in figures["data"]
    files = {"metrics.jsonl", "model.safetensors", "neuralnet.png", "plot.pdf"}
    assert {p.name for p in tmp_path.iterdir()} == files
    json.dumps(figures)
    records = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert len({record["run"] for record in records}) == 2
    assert records[-1]["train_accuracy"] == figures["overfit_train_accuracy"]


def test_lab_flags_and_interrupt(fake, tmp_path, monkeypatch):
    monkeypatch.setattr(lab, "Reporter", lambda quiet: Interrupting(3))
    monkeypatch.setattr(lab, "_QUICK_TUNED", dataclasses.replace(TUNED, num_train=200))
    with pytest.raises(KeyboardInterrupt) as stop:
        lab.run(_options(tmp_path, "--hidden-dim", "5"))
    assert stop.value.figures["epochs"] == 2  # of two steps each, the second cut short
    assert "test_accuracy" not in stop.value.figures
    assert Classifier.load(tmp_path / "model.safetensors").architecture()["hidden_dim"] == 5
    assert (tmp_path / "neuralnet.png").exists()


def test_lab_refuses_to_train_on_wrong_gradients(tmp_path, monkeypatch):
    right = layers.relu_backward
    monkeypatch.setattr(gradcheck_layers, "relu_backward", lambda g, c: 1.01 * right(g, c))
    with pytest.raises(wg.WengertValueError, match="a check failed: relu grad_x"):
        lab.run(_options(tmp_path))


def test_committed_figures():
    figures = json.loads((LAB / "figures.json").read_text())
    figures = figures.get("figures", figures)
    assert figures["layers_max_difference"] < 1e-9
    assert figures["classifiers_max_difference"] < 1e-10
    assert figures["training_images"] == 45_000
    assert figures["validation_images"] == 5_000
    assert figures["validation_accuracy"] >= 0.85
    assert figures["overfit_training_images"] <= 1_000
    assert figures["overfit_train_accuracy"] >= 0.99
    assert figures["overfit_gap_points"] >= 15
    assert figures["overfit_seconds"] <= 90
