"""``wengert train``: what it prints, where it writes, what it refuses."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import wengert as wg
from wengert import data
from wengert.cli import main
from wengert.data import write_idx
from wengert.train import load_model

FILES = [
    "accuracy.png",
    "checkpoint.safetensors",
    "loss.png",
    "metrics.jsonl",
    "model.safetensors",
    "timing.jsonl",
]


@pytest.fixture(autouse=True)
def _in_an_empty_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def error_of(capsys, *command):
    assert main(["train", *command]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    lines = captured.err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("wengert: error: ")
    return lines[0]


def test_the_command_of_the_readme(capsys):
    assert main(["train", "digits"]) == 0
    captured = capsys.readouterr()
    accuracy = re.match(r"test accuracy (\d+\.\d+) %, test loss \d\.\d{4}, \d+\.\d s", captured.out)
    assert float(accuracy[1]) > 95
    assert sorted(path.name for path in Path("runs/digits").iterdir()) == FILES
    for name in ("loss.png", "accuracy.png", "model.safetensors", "metrics.jsonl"):
        assert str(Path("runs/digits", name)) in captured.out
    assert captured.err.splitlines()[-1].startswith("epoch 30/30: loss ")


def test_options(capsys):
    options = "--model mlp --hidden 8 4 --activation relu --optimizer adam --lr 0.01 --batch 16"
    options += " --epochs 2 --seed 3 --validation 0.2 --decay 0.5 --checkpoint-every 5 --quiet"
    assert main(["train", *options.split(), "--out", "here"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert captured.out.count("\n") == 5
    assert sorted(path.name for path in Path("here").iterdir()) == FILES
    records = [json.loads(line) for line in Path("here/metrics.jsonl").read_text().splitlines()]
    assert records[-1]["event"] == "test"
    assert records[-1]["step"] == 2 * 72


def test_options_of_networks_with_state(capsys):
    options = "--hidden 8 --batch-norm --dropout 0.2 --optimizer adamw --weight-decay 0.1"
    options += " --schedule cosine --warmup 1 --epochs 2 --quiet --out here"
    assert main(["train", *options.split()]) == 0
    _, description = load_model(Path("here", "model.safetensors"))
    assert description["architecture"] == {
        "sizes": [64, 8, 10],
        "activation": "tanh",
        "batch_norm": True,
        "dropout": 0.2,
    }
    capsys.readouterr()
    error = error_of(capsys, "--out", "here", "--resume", "--no-batch-norm")
    assert "was made with other settings: batch_norm true (now false)" in error
    error = error_of(capsys, "--out", "here", "--resume", "--epochs", "3")
    assert "was made with other settings: optimizer" in error
    error = error_of(capsys, "--batch-norm", "--batch", "1436", "--validation", "0", "--out", "new")
    assert "the last batch of an epoch has 1 of 1437 examples" in error
    assert not Path("new", "checkpoint.safetensors").exists()


def test_a_directory_with_a_run(capsys):
    quick = ["--epochs", "1", "--quiet"]
    assert main(["train", *quick]) == 0
    before = Path("runs/digits/model.safetensors").read_bytes()
    capsys.readouterr()
    message = error_of(capsys, *quick)
    assert "already holds a run" in message
    assert "--resume" in message
    assert "--overwrite" in message
    assert Path("runs/digits/model.safetensors").read_bytes() == before
    assert main(["train", *quick, "--overwrite", "--seed", "1"]) == 0
    assert Path("runs/digits/model.safetensors").read_bytes() != before


def test_resume(capsys):
    assert main(["train", "--epochs", "3", "--hidden", "8", "--quiet", "--out", "whole"]) == 0
    assert main(["train", "--epochs", "1", "--hidden", "8", "--quiet", "--out", "parts"]) == 0
    # What is not given again is as in the run.
    assert main(["train", "--epochs", "3", "--resume", "--quiet", "--out", "parts"]) == 0
    for name in ("model.safetensors", "metrics.jsonl"):
        assert Path("parts", name).read_bytes() == Path("whole", name).read_bytes()
    capsys.readouterr()
    assert "lr 0.1 (now 0.5)" in error_of(capsys, "--resume", "--lr", "0.5", "--out", "parts")
    assert "hidden [8] (now [9])" in error_of(capsys, "--resume", "--hidden", "9", "--out", "parts")
    assert "no run to resume" in error_of(capsys, "--resume", "--out", "nowhere")
    assert "exclude each other" in error_of(capsys, "--resume", "--overwrite", "--out", "parts")


def test_resume_with_another_data_set(capsys, tmp_path):
    assert main(["train", "--epochs", "1", "--quiet", "--out", "run"]) == 0
    capsys.readouterr()
    message = error_of(capsys, "mnist", "--resume", "--out", "run", "--data", small_mnist(tmp_path))
    assert "holds a run on digits, not on mnist" in message


def small_mnist(tmp_path):
    rng = np.random.default_rng(0)
    directory = tmp_path / "data"
    directory.mkdir()
    for part, count in (("train", 40), ("t10k", 20)):
        images = rng.integers(0, 256, (count, 28, 28)).astype(np.uint8)
        write_idx(directory / f"{part}-images-idx3-ubyte.gz", images)
        labels = rng.integers(0, 10, count).astype(np.uint8)
        write_idx(directory / f"{part}-labels-idx1-ubyte.gz", labels)
    return str(directory)


def test_files_in_a_directory(tmp_path):
    directory = small_mnist(tmp_path)
    assert main(["train", "mnist", "--data", directory, "--epochs", "1", "--quiet"]) == 0
    assert sorted(path.name for path in Path("runs/mnist").iterdir()) == FILES


def test_a_broken_file(capsys, tmp_path):
    directory = small_mnist(tmp_path)
    path = Path(directory, "train-images-idx3-ubyte.gz")
    path.write_bytes(path.read_bytes()[:1000])
    message = error_of(capsys, "mnist", "--data", directory)
    assert f"{path}: the gzip data is cut short or damaged" in message
    assert not Path("runs").exists()


def test_a_label_out_of_range(capsys, tmp_path):
    directory = small_mnist(tmp_path)
    labels = np.full(40, 10, np.uint8)
    write_idx(Path(directory, "train-labels-idx1-ubyte.gz"), labels)
    assert "label 10 at position 0 is out of range" in error_of(
        capsys, "mnist", "--data", directory
    )


def test_a_directory_that_cannot_be_written(capsys):
    Path("file").write_text("")
    message = error_of(capsys, "--out", "file/run")
    assert "file/run: cannot be written: Not a directory; --out names another directory" in message


def test_a_damaged_checkpoint(capsys):
    assert main(["train", "--epochs", "1", "--quiet"]) == 0
    capsys.readouterr()
    path = Path("runs/digits/checkpoint.safetensors")
    path.write_bytes(path.read_bytes()[:-5])
    assert f"{path}: cut short, damaged" in error_of(capsys, "--resume")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (
            ["cats"],
            "unknown data set 'cats'; known are digits, fashion-mnist, mnist, ",
        ),
        (["--epochs", "0"], "epochs must be at least 1, got 0"),
        (["--epochs", "1.5"], "argument --epochs: invalid int value: '1.5'"),
        (["--lr", "nan"], "lr must be at least 0 and finite, got nan"),
        (["--lr", "-1"], "lr must be at least 0 and finite, got -1.0"),
        (["--lr", "inf"], "lr must be at least 0 and finite, got inf"),
        (["--momentum", "1"], "momentum must be at least 0 and below 1, got 1.0"),
        (["--decay", "0"], "factor must be above 0"),
        (["--batch", "0"], "batch must be at least 1, got 0"),
        (["--hidden", "0"], "hidden must be at least 1, got 0"),
        (["--hidden", "64", "-3"], "hidden must be at least 1, got -3"),
        (["--hidden", str(10**20)], "hidden must be at most 1000000"),
        (["--optimizer", "lbfgs"], "unknown optimizer 'lbfgs'; known are sgd, adam"),
        (["--activation", "sine"], "unknown activation 'sine'; known are"),
        (["--validation", "1"], "validation must be at least 0 and below 1, got 1.0"),
        (["--validation", "0.9999"], "validation must be a part below 1, or a whole number below"),
        (["--seed", "-1"], "seed must be at least 0, got -1"),
        (["--out", ""], "--out must name a directory, got an empty text"),
        (["--model", "tree"], "unknown model 'tree'; known are mlp, linear"),
        (["--model", "linear", "--hidden", "8"], "the linear model has no hidden layers"),
        (["--checkpoint-every", "0"], "--checkpoint-every must be at least 1, got 0"),
        (
            ["mnist", "--data", "nowhere"],
            "nowhere: no such directory (given as the data directory)",
        ),
    ],
)
def test_wrong_settings(capsys, command, message):
    assert message in error_of(capsys, *command)
    assert not Path("runs/digits/model.safetensors").exists()


def test_divergence(capsys):
    assert main(["train", "--activation", "identity", "--lr", "1e20", "--quiet"]) == 2
    error = capsys.readouterr().err
    assert "wengert: error: the loss became" in error
    assert "lower the learning rate (--lr, now 1e+20" in error


@pytest.mark.parametrize("options", [["--lr", "1e6"], ["--optimizer", "adam", "--lr", "1e30"]])
def test_divergence_without_an_overflow(capsys, options):
    """The loss stays finite; the run must not end as if all were well."""
    message = error_of(capsys, "--epochs", "3", "--quiet", *options)
    assert "training diverges: the mean loss is" in message
    assert not Path("runs/digits/model.safetensors").exists()


def test_not_enough_memory(capsys, monkeypatch):
    def train_dataset(*_, **__):
        raise MemoryError("Unable to allocate 7.28 TiB")

    monkeypatch.setattr("wengert.cli.train.train_dataset", train_dataset)
    message = error_of(capsys)
    assert "not enough memory; use smaller sizes (Unable to allocate 7.28 TiB)" in message
    with pytest.raises(MemoryError):
        main(["train", "--debug"])


def test_a_batch_larger_than_the_data():
    assert main(["train", "--batch", str(10**9), "--epochs", "2", "--quiet"]) == 0


def test_other_files_in_the_directory_are_left_alone():
    Path("runs/digits").mkdir(parents=True)
    Path("runs/digits/notes.txt").write_text("mine")
    assert main(["train", "--epochs", "1", "--quiet"]) == 0
    assert main(["train", "--epochs", "1", "--quiet", "--overwrite"]) == 0
    assert Path("runs/digits/notes.txt").read_text() == "mine"


@pytest.mark.slow
@pytest.mark.parametrize(("name", "percent"), [("fashion-mnist", 86), ("mnist", 95)])
def test_the_real_run(name, percent):
    try:
        data.load(name)
    except wg.DataError:
        pytest.skip(f"{name} is not installed")
    # One BLAS thread: where other processes keep the cores busy, OpenBLAS's threads wait for each
    # other, and an epoch of two seconds takes more than a minute.
    found = subprocess.run(
        [sys.executable, "-m", "wengert", "train", name, "--quiet"],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert float(re.match(r"test accuracy (\d+\.\d+) %", found.stdout)[1]) >= percent
