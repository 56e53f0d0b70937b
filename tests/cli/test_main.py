"""The command: help, version, and errors in one line."""

import subprocess
import sys

import pytest

import wengert as wg
from wengert.cli import main


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"wengert {wg.__version__}\n"


def test_no_command_prints_the_help(capsys):
    assert main([]) == 0
    assert capsys.readouterr().out.startswith("usage: wengert")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["--help"], ["wengert train fashion-mnist", "wengert show", "--version"]),
        (["train", "--help"], ["DATASET", "--resume", "$WENGERT_DATA", "(default: 32)", "Ctrl-C"]),
        (["show", "--help"], ["FUNCTION", "normal(3, 4)", "file.py:name"]),
    ],
)
def test_help(capsys, command, words):
    assert main(command) == 0
    out = capsys.readouterr().out
    assert all(word in out for word in words)
    assert max(map(len, out.splitlines())) <= 100


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["fly"], "argument COMMAND: invalid choice: 'fly'"),
        (
            ["train", "--lr", "fast"],
            "argument --lr: invalid float value: 'fast' (see 'wengert train",
        ),
        (["train", "--epoch", "3"], "unrecognized arguments: --epoch"),
        (["train", "--hidden"], "argument --hidden: expected at least one argument"),
    ],
)
def test_wrong_arguments(capsys, command, message):
    assert main(command) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("wengert: error: ")
    assert captured.err.count("\n") == 1
    assert message in captured.err


def test_keyboard_interrupt(capsys, monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("wengert.cli.train.train_dataset", interrupt)
    assert main(["train"]) == 130
    assert capsys.readouterr().err == "wengert: interrupted\n"


def test_debug_shows_the_traceback():
    with pytest.raises(wg.ConfigError, match="unknown data set 'cats'"):
        main(["train", "cats", "--debug"])


def test_as_a_module():
    command = [sys.executable, "-m", "wengert", "train", "cats"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 2
    assert found.stderr == (
        "wengert: error: unknown data set 'cats'; known are digits, fashion-mnist, mnist, cifar10, "
        "cifar10-standin, moons\n"
    )


@pytest.mark.skipif(sys.platform == "win32", reason="pipes close in another way")
def test_a_reader_that_goes_away():
    command = f"{sys.executable} -m wengert train --help | true"
    found = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert found.stderr == ""
