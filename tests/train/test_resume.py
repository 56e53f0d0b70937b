"""A run that is killed, again and again, ends with the bytes of one that was never disturbed."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from wengert.train import load_model

SCRIPT = Path(__file__).with_name("killed_run.py")
COMPARED = ("model.safetensors", "metrics.jsonl", "checkpoint.safetensors")
# 26 batches in each of 3 epochs.
UPDATES = 78


def run(network, directory, where="never", count=0):
    return subprocess.run(
        [sys.executable, str(SCRIPT), network, str(directory), where, str(count)],
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )


def contents(directory):
    return {name: (directory / name).read_bytes() for name in COMPARED}


@pytest.fixture(scope="module", params=["plain", "stateful"])
def undisturbed(request, tmp_path_factory):
    """The name of a network, and the files of its undisturbed run."""
    directory = tmp_path_factory.mktemp("undisturbed")
    assert run(request.param, directory).returncode == 0
    return request.param, contents(directory)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_killed_at_random_steps(tmp_path, undisturbed):
    network, expected = undisturbed
    rng = random.Random(0)
    for _ in range(5):
        # A process lives for some updates, some of which are lost and done again by the next one.
        killed = run(network, tmp_path, "update", rng.randint(1, UPDATES // 4))
        assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert run(network, tmp_path).returncode == 0
    assert contents(tmp_path) == expected


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
@pytest.mark.parametrize("where", ["before", "after"])
def test_killed_while_files_are_written(tmp_path, undisturbed, where):
    network, expected = undisturbed
    rng = random.Random(1)
    # The first file is the first checkpoint: killed before it is in its place, there is no run yet.
    for count in (1, *(rng.randint(2, 20) for _ in range(3))):
        killed = run(network, tmp_path, where, count)
        assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert run(network, tmp_path).returncode == 0
    assert contents(tmp_path) == expected
    assert not list(tmp_path.glob(".*")), "leftovers of the killed processes"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_killed_from_outside_at_random_times(tmp_path):
    def command(directory):
        options = ["--epochs", "12", "--hidden", "32", "--batch", "8", "--checkpoint-every", "7"]
        command = [sys.executable, "-m", "wengert", "train", "digits", *options]
        return [*command, "--quiet", "--out", str(directory)]

    whole, parts = tmp_path / "whole", tmp_path / "parts"
    subprocess.run(command(whole), check=True, stdout=subprocess.DEVNULL, timeout=60)
    rng = random.Random()
    kills = 0
    checkpoint = parts / "checkpoint.safetensors"
    for _ in range(4):
        resume = ["--resume"] if checkpoint.exists() else []
        with subprocess.Popen([*command(parts), *resume], stdout=subprocess.DEVNULL) as process:
            wait_for_a_new_file(checkpoint, process)
            time.sleep(rng.uniform(0, 0.3))
            process.kill()
            kills += process.wait() == -signal.SIGKILL
    resume = ["--resume"] if checkpoint.exists() else []
    subprocess.run([*command(parts), *resume], check=True, stdout=subprocess.DEVNULL, timeout=60)
    assert kills >= 1
    assert contents(parts) == contents(whole)


def wait_for_a_new_file(path, process):
    """Until the process has begun to train, which it shows by writing a checkpoint."""

    def stamp():
        try:
            return path.stat().st_mtime_ns
        except OSError:
            return None

    before = stamp()
    while stamp() == before and process.poll() is None:
        time.sleep(0.01)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is another signal there")
def test_ctrl_c_on_the_command_line(tmp_path):
    out = tmp_path / "run"
    command = [sys.executable, "-m", "wengert", "train", "--epochs", "100000", "--out", str(out)]

    def react_to_ctrl_c():
        # Where the tests run in the background of a shell, Ctrl-C is ignored.
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, preexec_fn=react_to_ctrl_c
    ) as process:
        wait_for_a_new_file(out / "timing.jsonl", process)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors
    last = errors.strip().splitlines()[-1]
    assert last.startswith(
        f"wengert: interrupted; the model, metrics and plots so far are in {out}"
    )
    assert last.endswith("the same command with --resume goes on")
    model, description = load_model(out / "model.safetensors")
    assert description["dataset"] == "digits"
    assert len(model.layers) == 3
    for name in ("loss.png", "accuracy.png", "metrics.jsonl", "checkpoint.safetensors"):
        assert (out / name).stat().st_size > 0
