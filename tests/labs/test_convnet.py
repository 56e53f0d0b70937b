"""The convolutional network: the architecture, the three parts of the data, training, stopping."""

import argparse
import json
import re
from pathlib import Path

import numpy as np
import pytest

import wengert as wg
from labs.convnet import against_pytorch, lab, network, plots, training
from labs.convnet.training import QUICK, Hyperparameters
from tests.labs.made_up_images import Interrupting, python_handles_ctrl_c
from wengert import data, nn, tree
from wengert.cli import main
from wengert.data import write_idx
from wengert.testing import check_grads
from wengert.train import Data, Examples, TrainingInterrupted, load_parameters

FOLDER = Path(lab.__file__).parent


@pytest.fixture(scope="module")
def model():
    return network.build(np.random.default_rng(0))


@pytest.fixture(scope="module")
def fashion():
    try:
        return data.load("fashion-mnist")
    except wg.DataError as error:
        pytest.skip(f"needs Fashion-MNIST: {error}")


def options(out, **changes):
    flags = dict.fromkeys(lab._FLAGS) | {"seed": None, "data_dir": None, "quick": True}
    return argparse.Namespace(out=out, **{**flags, **changes})


def test_architecture(model):
    rows = network.architecture(model)
    assert [row.output for row in rows] == [
        (28, 28, 1), (28, 28, 16), (28, 28, 16), (14, 14, 16),
        (14, 14, 32), (14, 14, 32), (7, 7, 32), (1568,), (1568,), (128,), (128,), (10,),
    ]  # fmt: skip
    assert [row.parameters for row in rows if row.parameters] == [160, 4640, 200_832, 1290]
    lines = network.table(rows).splitlines()
    assert lines[0].startswith("| layer ")
    assert len({len(line) for line in lines}) == 1
    assert lines[-1].endswith(" 206,922 |")
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert network.table(rows) in text, "the README's table is this one"


def test_gradients():
    rng = np.random.default_rng(0)
    small = network.build(rng, channels=(2, 3), hidden=4)
    x = rng.normal(size=(2, 28, 28, 1))
    labels = np.array([3, 7])
    leaves, structure = tree.flatten(small)
    leaves = [leaf.astype(float) + 0.01 * rng.normal(size=leaf.shape) for leaf in leaves]

    def loss(*leaves):
        return nn.cross_entropy(tree.unflatten(structure, leaves)(x), labels)

    check_grads(loss, tuple(leaves), order=1)


@pytest.mark.peers
def test_pytorchs_network_is_the_same(model):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4, 28, 28, 1)).astype(np.float32)
    net = against_pytorch.torch_network(model)
    with torch.no_grad():
        theirs = net(torch.tensor(nn.to_nchw(x))).numpy()
    np.testing.assert_allclose(model(x), theirs, rtol=1e-4, atol=1e-5)


def test_comparison_of_times():
    found = against_pytorch.compare(rounds=1, burst=0.01)
    assert found["step_ms"] > 0
    if "step_ratio" in found:
        assert found["pytorch_step_ms"] > 0
    else:
        assert found["pytorch"] == "not installed: no comparison"


class TestImages:
    def test_three_parts(self, fashion):
        parts, classes = training.load_images()
        assert [len(part.y) for part in parts] == [50_000, 10_000, 10_000]
        assert parts.train.x.shape == (50_000, 28, 28, 1)
        assert parts.train.x.dtype == np.float32
        assert len(classes) == 10
        # Every training image is in one part, and the test images are the file's.
        labels = np.concatenate([parts.train.y, parts.validation.y])
        np.testing.assert_array_equal(np.bincount(labels), np.bincount(fashion.train_y))
        sums = np.sort(np.concatenate([part.x.sum((1, 2, 3)) for part in parts[:2]]))
        np.testing.assert_array_equal(sums, np.sort(training.scale(fashion.train_x).sum((1, 2, 3))))
        np.testing.assert_array_equal(parts.test.x, training.scale(fashion.test_x))
        scaled = training.scale(fashion.train_x)
        assert abs(scaled.mean()) < 2e-3
        assert abs(scaled.std() - 1) < 2e-3

    def test_seed_decides_the_parts(self, fashion):
        first, again, other = (training.load_images(seed=s, quick=True)[0] for s in (0, 0, 1))
        np.testing.assert_array_equal(first.validation.y, again.validation.y)
        assert not np.array_equal(first.validation.y, other.validation.y)


def stripes(count, seed):
    """Ten classes that differ in the place of a bright stripe."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 10, count)
    x = rng.normal(0, 0.3, (count, 28, 28, 1)).astype(np.float32)
    for label in range(10):
        x[y == label, 2 * label + 4 : 2 * label + 6] += 2
    return Examples(x, y)


STRIPES = Data(stripes(320, 0), stripes(100, 1), stripes(100, 2))


class TestTraining:
    def test_learns(self, tmp_path):
        result = training.train(QUICK, STRIPES, tmp_path)
        assert result.test_accuracy > 0.95
        assert sum(record["event"] == "test" for record in result.records) == 1, "one evaluation"
        assert result.records[-1]["event"] == "test"
        saved = load_parameters(
            tmp_path / "model.safetensors", network.build(np.random.default_rng(9))
        )
        for name, array in nn.named_arrays(result.model).items():
            np.testing.assert_array_equal(nn.named_arrays(saved)[name], array)

    def test_seed(self):
        def trained(seed):
            settings = Hyperparameters(epochs=1, seed=seed)
            return nn.named_arrays(training.train(settings, STRIPES).model)

        first, again, other = (trained(seed) for seed in (0, 0, 1))
        for name, array in first.items():
            np.testing.assert_array_equal(array, again[name])
            if name.endswith(("kernel", "weight")):
                assert not np.array_equal(array, other[name])

    def test_ctrl_c_saves(self, tmp_path):
        with python_handles_ctrl_c(), pytest.raises(TrainingInterrupted):
            training.train(QUICK, STRIPES, tmp_path, reporter=Interrupting(7))
        load_parameters(tmp_path / "model.safetensors", network.build(np.random.default_rng(9)))
        records = (tmp_path / "metrics.jsonl").read_text().splitlines()
        assert not any(json.loads(line)["event"] == "test" for line in records)

    def test_ctrl_c_hands_over_the_figures(self, tmp_path, monkeypatch, fashion):
        monkeypatch.setattr(lab, "Reporter", lambda quiet: Interrupting(3))
        with python_handles_ctrl_c(), pytest.raises(TrainingInterrupted) as stop:
            lab.run(options(tmp_path))
        assert stop.value.figures["parameters"] == 206_922
        assert (tmp_path / "model.safetensors").is_file()


class TestLab:
    def test_quick(self, tmp_path, fashion, capsys):
        assert main(["lab", "convnet", "--quick", "--out", str(tmp_path / "run")]) == 0
        record = json.loads((tmp_path / "run" / "figures.json").read_text())
        figures = record["figures"]
        assert figures["test_accuracy"] > 0.65
        assert figures["test_images"] == 500
        assert figures["parameters"] == 206_922
        for name in ("convnet.png", "mistakes.png", "model.safetensors", "metrics.jsonl"):
            assert name in record["files"]
        assert "| Conv2d(1, 16, (3, 3), padding=1)" in capsys.readouterr().out

    def test_flags(self, tmp_path):
        found = lab._settings(options(tmp_path, epochs=2, lr=0.3, seed=4))
        assert (found.epochs, found.lr, found.seed) == (2, 0.3, 4)
        assert found.batch_size == QUICK.batch_size
        assert lab._settings(options(tmp_path, quick=False)) == Hyperparameters()

    @pytest.mark.parametrize(
        ("flags", "message"),
        [
            (["--epochs", "0"], "argument --epochs: expected a whole number, at least 1"),
            (["--batch-size", "x"], "argument --batch-size: expected a whole number"),
            (["--lr", "-1"], "lr must be"),
            (["--momentum", "1.5"], "momentum must be"),
            (["--data-dir", "nowhere"], "nowhere: no such directory"),
        ],
    )
    def test_wrong_flags(self, tmp_path, monkeypatch, capsys, fashion, flags, message):
        monkeypatch.chdir(tmp_path)
        assert main(["lab", "convnet", "--quick", *flags]) == 2
        error = capsys.readouterr().err
        assert message in error
        assert error.count("\n") == 1
        assert not Path("runs/convnet/model.safetensors").exists()

    def test_images_of_another_size(self, tmp_path, capsys):
        rng = np.random.default_rng(0)
        for part, count in (("train", 60), ("t10k", 20)):
            images = rng.integers(0, 256, (count, 8, 8)).astype(np.uint8)
            write_idx(tmp_path / f"{part}-images-idx3-ubyte.gz", images)
            labels = rng.integers(0, 10, count).astype(np.uint8)
            write_idx(tmp_path / f"{part}-labels-idx1-ubyte.gz", labels)
        command = ["lab", "convnet", "--quick", "--data-dir", str(tmp_path)]
        assert main([*command, "--out", str(tmp_path / "run")]) == 2
        error = capsys.readouterr().err
        assert "expected images of shape (n, 28, 28)" in error
        assert error.count("\n") == 1

    def test_committed_figures(self):
        figures = json.loads((FOLDER / "figures.json").read_text(encoding="utf-8"))["figures"]
        assert (figures["training_images"], figures["validation_images"]) == (50_000, 10_000)
        assert figures["test_accuracy"] >= 0.9
        assert figures["train_seconds"] <= 600
        assert figures["step_ratio"] <= 4
        text = (FOLDER / "README.md").read_text(encoding="utf-8")
        shown = re.search(r"(\d\d\.\d\d) % of the test images", text)
        assert float(shown[1]) == round(100 * figures["test_accuracy"], 2)


class TestPlots:
    def test_curves(self):
        records = training.train(QUICK, STRIPES).records
        figure = plots.plot_curves(records)
        for ax, label in zip(figure.axes, ("cross entropy (nats)", "accuracy (percent)")):
            assert (ax.get_xlabel(), ax.get_ylabel()) == ("epoch", label)
            assert len(ax.lines) == 2

    def test_mistakes(self):
        logits = np.full((20, 10), -1.0)
        labels = np.arange(20) % 10
        logits[np.arange(20), labels] = 1.0
        logits[3] = np.eye(10)[5] * 9
        figure = plots.plot_mistakes(logits, STRIPES.train.x[:20], labels, "abcdefghij")
        assert figure.axes[1].get_title() == "f 100 %\nis d"
        assert len(figure.axes) == 2
        numbers = {text.get_text() for text in figure.axes[0].texts}
        assert numbers == {"100", "50"}

    def test_kernels(self, model):
        assert len(plots.plot_kernels(model.layers[0].kernel).axes) == 16
