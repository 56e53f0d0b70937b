"""``wengert show``: functions by name, arguments by literal or shape, errors in one line."""

import sys
from pathlib import Path

import numpy as np
import pytest

import wengert as wg
from wengert.cli import main

SOURCE = """
import numpy as np

from neighbour import FACTOR

def energy(x):
    return np.sum(np.sin(x) ** 2) * FACTOR

def pair(x, y):
    return np.sum(x * y)

def fails(x):
    raise RuntimeError("out of luck")

class Holder:
    @staticmethod
    def square(x):
        return np.sum(x * x)

_hidden = 3
"""


@pytest.fixture(autouse=True)
def _with_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    Path("neighbour.py").write_text("FACTOR = 2.0\n")
    Path("mycode.py").write_text(SOURCE)
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name in ("neighbour", "mycode", "broken") or name.startswith("shown_"):
            del sys.modules[name]


@pytest.fixture
def shown(monkeypatch):
    """The calls of ``wengert.show``."""
    calls = []

    def show(function, *args):
        function(*args)
        calls.append((function.__name__, args))
        return "the listing"

    monkeypatch.setattr(wg, "show", show)
    return calls


def error_of(capsys, *command):
    assert main(["show", *command]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("wengert: error: ")
    assert captured.err.count("\n") == 1
    return captured.err


@pytest.mark.parametrize("target", ["mycode.py:energy", "mycode:energy", "./mycode.py:energy"])
def test_a_function(capsys, shown, target):
    assert main(["show", target, "--arg", "[1, 2]"]) == 0
    assert capsys.readouterr().out == "the listing\n"
    name, (argument,) = shown[0]
    assert name == "energy"
    np.testing.assert_array_equal(argument, [1.0, 2.0])
    assert argument.dtype == np.float64


def test_a_file_that_is_called_like_a_module_in_use(capsys, shown):
    Path("json.py").write_text(SOURCE)
    assert main(["show", "json.py:energy", "--arg", "1"]) == 0
    assert sys.modules["json"].loads("[1]") == [1]


def test_a_function_inside_a_class(capsys, shown):
    assert main(["show", "mycode.py:Holder.square", "--arg", "3"]) == 0
    assert shown == [("square", (3.0,))]


def test_random_arguments_depend_on_the_seed(shown):
    for seed in ("1", "1", "2"):
        command = ["show", "mycode.py:pair", "--arg", "normal(2)", "--arg", "normal(2)"]
        assert main([*command, "--seed", seed]) == 0
    first, again, other = (np.array(args) for _, args in shown)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert not np.array_equal(first[0], first[1])


def test_the_listing_of_the_library(capsys):
    assert main(["show", "mycode.py:pair", "--arg", "2.0", "--arg", "3.0"]) == 0
    assert len(capsys.readouterr().out.splitlines()) >= 1


def test_the_example(capsys):
    assert main(["show"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("def example(a, b, c):\n    d = a * b\n")
    assert len(out.splitlines()) > 8


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["mycode.py"], "'mycode.py' does not name a function; write file.py:name or package.mod"),
        (["mycode.py:"], "does not name a function"),
        (["nowhere.py:f"], "nowhere.py: no such file"),
        (
            ["nowhere:f"],
            "nowhere cannot be imported: ModuleNotFoundError: No module named 'nowhere'",
        ),
        (["mycode.py:missing"], "mycode.py has no function missing; it has energy, pair, fails"),
        (["mycode.py:_hidden"], "mycode.py has no function _hidden"),
        (["mycode.py:pair", "--arg", "1"], "mycode.py:pair(x, y) was given 1 argument: missing a"),
        (["mycode.py:energy", "--arg", "x"], "--arg x: not understood"),
        (["--arg", "1"], "--arg needs a function"),
        (["--seed", "-1"], "--seed must be at least 0, got -1"),
    ],
)
def test_errors(capsys, command, message):
    assert message in error_of(capsys, *command)


def test_a_file_with_an_error(capsys):
    Path("broken.py").write_text("1 / 0\n")
    assert "broken.py cannot be imported: ZeroDivisionError" in error_of(capsys, "broken.py:f")
    Path("broken.py").write_text("def f(:\n")
    assert "broken.py cannot be imported: SyntaxError" in error_of(capsys, "broken.py:f")
    Path("broken.py").write_text("raise SystemExit(3)\n")
    assert "broken.py cannot be imported: SystemExit: 3" in error_of(capsys, "broken.py:f")


def test_an_argument_that_is_a_name(capsys):
    message = error_of(capsys, "mycode.py:energy", "--arg", "abc")
    assert "--arg abc: not understood; write a number" in message
    assert "malformed" not in message


def test_a_function_that_fails(capsys, shown):
    message = error_of(capsys, "mycode.py:fails", "--arg", "1")
    assert "mycode.py:fails failed on these arguments: RuntimeError: out of luck" in message
    with pytest.raises(RuntimeError, match="out of luck"):
        main(["show", "mycode.py:fails", "--arg", "1", "--debug"])
