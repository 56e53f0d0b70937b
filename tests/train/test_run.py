"""The directory of a run: when it may be used, what is resumed, what is refused."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import wengert as wg
from wengert import nn
from wengert.optim import SGD
from wengert.train import Run
from wengert.train.history import Progress, Sums
from wengert.train.tensors import read_tensors, write_tensors

MODEL = {"w": np.array([1.0, 2.0], np.float32)}
STATE = SGD(0.1, 0.9).init(MODEL)
TRAINING = {"batch": 32}


def save(directory, **options):
    run = Run(directory, description={"lr": 0.1}, **options)
    progress = Progress(1, 2, Sums(0.1, 3, 4), Sums(0.3, 1, 2), [{"event": "train", "loss": 0.1}])
    run.save_checkpoint(TRAINING, 5, MODEL, STATE, progress)
    return run, progress


def test_there_and_back(tmp_path):
    run, progress = save(tmp_path / "a" / "b")
    again = Run(run.directory, description={"lr": 0.1}, resume=True)
    zeros = {"w": np.zeros(2, np.float32)}
    model, state, found = again.restore(TRAINING, zeros, SGD(0.1, 0.9).init(zeros))
    np.testing.assert_array_equal(model["w"], MODEL["w"])
    np.testing.assert_array_equal(state.velocity["w"], STATE.velocity["w"])
    assert type(state.step) is np.int64
    assert found == progress
    assert run.metrics.read_text() == '{"event": "train", "loss": 0.1}\n'


def test_floats_survive_exactly(tmp_path):
    run = Run(tmp_path)
    progress = Progress(0, 1, Sums(0.1 + 0.2, 1, 3), Sums(1e-308, 0, 1), [{"loss": 1 / 3}])
    run.save_checkpoint({}, 1, MODEL, STATE, progress)
    assert Run(tmp_path, resume=True).restore({}, MODEL, STATE)[2] == progress


def test_equal_checkpoints_have_equal_bytes(tmp_path):
    a, _ = save(tmp_path / "a")
    b, _ = save(tmp_path / "b")
    assert a.checkpoint.read_bytes() == b.checkpoint.read_bytes()


def test_a_directory_that_holds_a_run(tmp_path):
    save(tmp_path)
    with pytest.raises(
        wg.ConfigError, match="already holds a run .checkpoint.*--resume.*--overwri"
    ):
        Run(tmp_path)


def test_a_directory_with_other_files_is_fine(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    save(tmp_path)
    run = Run(tmp_path, overwrite=True)
    assert not run.checkpoint.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_resume_without_a_run(tmp_path):
    with pytest.raises(wg.ConfigError, match="no run to resume .*leave out --resume to start one"):
        Run(tmp_path / "nowhere", resume=True)
    assert not (tmp_path / "nowhere").exists()


def test_resume_and_overwrite(tmp_path):
    with pytest.raises(wg.ConfigError, match="resume and overwrite exclude each other"):
        Run(tmp_path, resume=True, overwrite=True)


def test_other_settings(tmp_path):
    save(tmp_path)
    resumed = Run(tmp_path, description={"lr": 0.2}, resume=True)
    with pytest.raises(wg.ConfigError, match=r"other settings: lr 0.1 \(now 0.2\); resume it with"):
        resumed.restore(TRAINING, MODEL, STATE)
    resumed = Run(tmp_path, description={"lr": 0.1}, resume=True)
    with pytest.raises(wg.ConfigError, match=r"other settings: batch 32 \(now 16\)"):
        resumed.restore({"batch": 16}, MODEL, STATE)
    with pytest.raises(wg.ConfigError, match=r"extra null \(now true\)"):
        resumed.restore({**TRAINING, "extra": True}, MODEL, STATE)


def test_another_model(tmp_path):
    save(tmp_path)
    resumed = Run(tmp_path, description={"lr": 0.1}, resume=True)
    other = {"w": np.zeros(3, np.float32)}
    with pytest.raises(wg.DataError, match=r"model.w has shape \(2,\).*expected \(3,\)"):
        resumed.restore(TRAINING, other, SGD(0.1, 0.9).init(other))
    with pytest.raises(wg.DataError, match="optimizer.velocity.w that does not belong"):
        resumed.restore(TRAINING, MODEL, SGD(0.1).init(MODEL))


def test_a_checkpoint_cut_short(tmp_path):
    run, _ = save(tmp_path)
    run.checkpoint.write_bytes(run.checkpoint.read_bytes()[:-7])
    resumed = Run(tmp_path, description={"lr": 0.1}, resume=True)
    with pytest.raises(wg.DataError, match="checkpoint.safetensors: cut short, damaged"):
        resumed.restore(TRAINING, MODEL, STATE)


def test_a_file_that_is_no_checkpoint(tmp_path):
    run, _ = save(tmp_path)
    run.save_results(MODEL, [])
    run.model.replace(run.checkpoint)
    with pytest.raises(
        wg.DataError, match="not a checkpoint that this version.*format None, expect"
    ):
        Run(tmp_path, resume=True).restore(TRAINING, MODEL, STATE)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ({"progress": {}}, "its progress cannot be read"),
        ({"progress": {"epoch": 1}}, "its progress cannot be read"),
        ({"progress": []}, "damaged: its progress is a list"),
        ({"description": 3}, "damaged: its description is a int"),
        ({"format": 99}, "format 99, expected 2.*--overwrite"),
    ],
)
def test_a_checkpoint_with_wrong_content(tmp_path, damage, message):
    run, _ = save(tmp_path)
    arrays, content = read_tensors(run.checkpoint)
    write_tensors(run.checkpoint, arrays, {**content, **damage})
    with pytest.raises(wg.DataError, match=message):
        Run(tmp_path, description={"lr": 0.1}, resume=True).restore(TRAINING, MODEL, STATE)


def test_metrics_are_not_written_before_there_are_any(tmp_path):
    run = Run(tmp_path)
    run.save_checkpoint(TRAINING, 3, MODEL, STATE, Progress())
    assert not run.metrics.exists(), "an empty file looks like one that a full disk cut short"


def test_a_directory_in_the_place_of_a_file(tmp_path):
    (tmp_path / "checkpoint.safetensors").mkdir()
    with pytest.raises(wg.DataError, match="checkpoint.safetensors: cannot be removed: .*by hand"):
        Run(tmp_path, overwrite=True)


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit of the file size")
@pytest.mark.parametrize("limit", [100, 10_000, 30_000, 45_000])
def test_a_full_disk_leaves_no_half_written_file(tmp_path, limit):
    """Every file that is there is whole, whatever the byte at which writing fails."""
    program = f"""
import resource, signal
from wengert.cli import main
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
raise SystemExit(main(["train", "--epochs", "2", "--quiet", "--checkpoint-every", "7"]))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("wengert: error: runs/digits")
    assert "cannot be written: File too large" in lines[0]
    for path in (tmp_path / "runs/digits").iterdir():
        content = path.read_bytes()
        assert content, path
        if path.suffix == ".jsonl":
            assert all(json.loads(line) for line in content.decode().splitlines())
            assert content.endswith(b"\n")
        elif path.suffix == ".safetensors":
            read_tensors(path)
        else:
            assert path.suffix == ".png"
            assert content.endswith(b"IEND\xaeB`\x82")


def test_results(tmp_path):
    run = Run(tmp_path, title="digits", model_description={"classes": ["a"]})
    records = [{"event": "epoch", "epoch": 1, "train_loss": 1.0, "train_accuracy": 0.5}]
    run.save_results(nn.mlp([2, 1], rng=np.random.default_rng(0)), records)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "accuracy.png",
        "loss.png",
        "metrics.jsonl",
        "model.safetensors",
    ]
    assert [json.loads(line) for line in run.metrics.read_text().splitlines()] == records


def test_timing_grows(tmp_path):
    run = Run(tmp_path)
    run.add_timing({"seconds": 1.0})
    run.add_timing({"seconds": 2.0})
    assert run.timing.read_text() == '{"seconds": 1.0}\n{"seconds": 2.0}\n'


def test_a_directory_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(wg.DataError, match="file/run: cannot be written: Not a directory; --out"):
        Run(tmp_path / "file" / "run")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_without_permission(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(wg.DataError, match="cannot be written: Permission denied"):
        Run(tmp_path)
    tmp_path.chmod(0o700)


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a file system without writing")
def test_a_file_system_that_cannot_be_written():
    with pytest.raises(wg.DataError, match="/proc/runs: cannot be written"):
        Run("/proc/runs")


@pytest.mark.parametrize("package", ["safetensors", "matplotlib"])
def test_a_package_that_is_missing_is_named_before_the_training(tmp_path, monkeypatch, package):
    for name in list(sys.modules):
        if name.partition(".")[0] == package:
            monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(
        wg.ConfigError, match=rf"{package} is needed.*pip install 'wengert\[train\]'"
    ):
        Run(tmp_path)
