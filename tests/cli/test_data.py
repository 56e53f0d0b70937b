"""``wengert data``: lists, downloads, the stand-in."""

import re
from pathlib import Path

import numpy as np
import pooch
import pytest

from tests.data.cifar_files import put
from wengert import data
from wengert.cli import main
from wengert.data import sources, write_idx
from wengert.data.standin import STAND_IN
from wengert.train import load_model


@pytest.fixture(autouse=True)
def _empty_places(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WENGERT_DATA", raising=False)
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / "cache" / project)
    monkeypatch.setattr(sources, "_SYSTEM_DIRECTORY", tmp_path / "system")

    def offline(*arguments, **options):
        raise ConnectionError("no network")

    monkeypatch.setattr(pooch, "retrieve", offline)


def put_fashion(directory, train=10, test=2):
    rng = np.random.default_rng(0)
    directory.mkdir(parents=True)
    for part, count in (("train", train), ("t10k", test)):
        images = rng.integers(0, 256, (count, 28, 28)).astype(np.uint8)
        write_idx(directory / f"{part}-images-idx3-ubyte.gz", images)
        labels = rng.integers(0, 10, count).astype(np.uint8)
        write_idx(directory / f"{part}-labels-idx1-ubyte.gz", labels)
    return directory


def run(capsys, *command):
    code = main(["data", *map(str, command)])
    return code, capsys.readouterr()


def error_of(capsys, *command):
    code, captured = run(capsys, *command)
    assert code == 2
    assert captured.out == ""
    last = captured.err.splitlines()[-1]
    assert last.startswith("wengert: error: ")
    return last


def test_no_command_prints_the_help(capsys):
    code, captured = run(capsys)
    assert code == 0
    for word in ("list", "fetch", "make-cifar-standin", "$WENGERT_DATA"):
        assert word in captured.out


@pytest.mark.parametrize("command", ["list", "fetch", "make-cifar-standin"])
def test_help(capsys, command):
    code, captured = run(capsys, command, "--help")
    assert code == 0
    assert max(map(len, captured.out.splitlines())) <= 100


def test_list(capsys, tmp_path):
    put_fashion(tmp_path / "system" / "fashion-mnist")
    code, captured = run(capsys, "list")
    assert code == 0
    text = captured.out
    for name in data.names():
        assert f"\n{name} " in f"\n{text}"
    assert text.count("needs no file") == 2
    assert text.count(f"found in {tmp_path / 'system' / 'fashion-mnist'}") == 2
    assert "missing: wengert data fetch mnist;" in text
    assert "wengert data make-cifar-standin DIR" in text
    put(tmp_path / "cache" / "wengert" / "cifar10")
    assert f"found in {tmp_path / 'cache'}" in run(capsys, "list")[1].out


def test_list_of_a_directory(capsys, tmp_path):
    put_fashion(tmp_path / "system" / "fashion-mnist")
    folder = put(tmp_path / "d")
    text = run(capsys, "list", "--dir", tmp_path / "d")[1].out
    assert f"found in {folder}\n" in text
    assert "missing: wengert data fetch fashion-mnist" in text
    (folder / "test_batch").unlink()
    text = run(capsys, "list", "--dir", tmp_path / "d")[1].out
    assert "broken:" in text
    assert "test_batch is missing" in text
    assert "no such directory" in error_of(capsys, "list", "--dir", "nowhere")


def test_fetch(capsys, tmp_path):
    folder = put(tmp_path / "cache" / "wengert" / "cifar10")
    code, captured = run(capsys, "fetch", "cifar10")
    assert code == 0
    assert captured.out.splitlines()[0] == str(folder / "batches.meta")
    assert run(capsys, "fetch", "moons")[1].out == "moons needs no file\n"
    message = error_of(capsys, "fetch", "mnist")
    assert "could not be downloaded (ConnectionError)" in message
    assert "unknown data set 'cats'; known are digits," in error_of(capsys, "fetch", "cats")


def test_fetch_to_a_directory(capsys, tmp_path, monkeypatch):
    asked = []

    def retrieve(url, known_hash, fname, path):
        asked.append((url, Path(path)))
        return str(Path(path) / fname)

    monkeypatch.setattr(pooch, "retrieve", retrieve)
    code, captured = run(capsys, "fetch", "cifar10", "--dir", "mine")
    assert code == 0
    assert asked == [
        ("https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz", Path("mine/cifar10"))
    ]
    assert captured.out == f"{Path('mine/cifar10/cifar-10-python.tar.gz')}\n"


@pytest.mark.parametrize("tar", [[], ["--tar"]])
def test_the_stand_in(capsys, tmp_path, tar):
    put_fashion(tmp_path / "system" / "fashion-mnist")
    code, captured = run(capsys, "make-cifar-standin", "made", *tar)
    assert code == 0
    assert captured.out.startswith("stand-in for CIFAR-10 in made")
    assert captured.err.splitlines()[-1] == "writing test_batch"
    assert data.load("cifar10", "made").stand_in == STAND_IN
    assert f"(a stand-in: {STAND_IN})" in run(capsys, "list", "--dir", "made")[1].out
    assert "is there already; --overwrite makes it again" in error_of(
        capsys, "make-cifar-standin", "made", "--quiet", *tar
    )
    code, captured = run(capsys, "make-cifar-standin", "made", "--overwrite", "--quiet", *tar)
    assert (code, captured.out, captured.err) == (0, "", "")


def test_the_stand_in_from_elsewhere(capsys, tmp_path):
    put_fashion(tmp_path / "mine")
    code, _ = run(capsys, "make-cifar-standin", "made", "--data", tmp_path / "mine")
    assert code == 0
    message = error_of(capsys, "make-cifar-standin", "other")
    assert "fashion-mnist is not in" in message
    assert not Path("other").exists()


def test_training_on_the_stand_in(capsys, tmp_path):
    put_fashion(tmp_path / "mine", train=50, test=10)
    assert run(capsys, "make-cifar-standin", "made", "--data", tmp_path / "mine")[0] == 0
    command = "train cifar10 --data made --model linear --epochs 1 --quiet --lr 0.001"
    assert main(command.split()) == 0
    assert f"data          a stand-in: {STAND_IN}\n" in capsys.readouterr().out

    assert load_model("runs/cifar10/model.safetensors")[1]["dataset"] == (
        f"cifar10 (stand-in: {STAND_IN})"
    )


def test_training_on_moons(capsys):
    assert main(["train", "moons", "--quiet"]) == 0
    accuracy = float(re.match(r"test accuracy (\d+\.\d+) %", capsys.readouterr().out)[1])
    assert accuracy >= 97
