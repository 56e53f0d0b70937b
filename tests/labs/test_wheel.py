"""The labs in an installed wheel: `wengert lab` finds and runs them away from the checkout."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAB = '''\
"""A toy."""
from labs import quick
from labs.toy.numbers import TWO

def run(options):
    (options.out / "model.txt").write_text("m")
    return {"two": TWO, "quick": quick()}
'''


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A directory with what the wheel of a checkout with one more lab installs."""
    pytest.importorskip("hatchling", reason="builds the wheel without a network")
    directory = tmp_path_factory.mktemp("wheel")
    checkout = directory / "checkout"
    checkout.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, checkout)
    ignored = shutil.ignore_patterns("__pycache__", "*.ipynb", "*.png")
    for name in ("src", "labs"):
        shutil.copytree(ROOT / name, checkout / name, ignore=ignored)
    toy = checkout / "labs" / "toy"
    toy.mkdir()
    (toy / "__init__.py").write_text("")
    (toy / "lab.py").write_text(LAB)
    (toy / "numbers.py").write_text("TWO = 2\n")
    build = "from hatchling.build import build_wheel; import sys; print(build_wheel(sys.argv[1]))"
    command = [sys.executable, "-c", build, str(directory)]
    found = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    target = directory / "site-packages"
    with zipfile.ZipFile(directory / found.stdout.split()[-1]) as wheel:
        names = wheel.namelist()
        wheel.extractall(target)
    shutil.rmtree(checkout)
    return target, names


def run(target, directory, *arguments):
    """The command with nothing of the checkout on its path."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    program = (
        f"import sys; sys.path.insert(0, {str(target)!r}); import wengert; "
        f"assert wengert.__file__.startswith({str(target)!r}), wengert.__file__; "
        "from wengert.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, check=False
    )


def test_the_wheel_has_the_labs(installed):
    _, names = installed
    assert "wengert_labs/__init__.py" in names
    assert "wengert_labs/toy/lab.py" in names
    # The name is too general to install, and the tests stay at home.
    assert not [name for name in names if name.startswith(("labs/", "tests/"))]
    assert not [name for name in names if "__pycache__" in name]


def test_a_lab_runs(installed, tmp_path):
    target, _ = installed
    found = run(target, tmp_path, "lab", "toy", "--quick")
    assert found.returncode == 0, found.stderr
    assert found.stdout.splitlines()[0] == "two    2"
    assert sorted(path.name for path in (tmp_path / "runs" / "toy").iterdir()) == [
        "figures.json",
        "model.txt",
    ]


def test_labs_are_listed(installed, tmp_path):
    target, _ = installed
    found = run(target, tmp_path, "lab")
    lines = found.stdout.splitlines()
    assert [line for line in lines if line.split() == ["toy", "A", "toy."]]
    found = run(target, tmp_path, "lab", "tyo")
    assert found.returncode == 2
    assert found.stderr.startswith("wengert: error: unknown lab 'tyo'; known are ")
