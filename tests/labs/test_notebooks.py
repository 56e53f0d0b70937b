"""The labs' notebooks: pairs in step, outputs committed, each runs; and the tool that runs them."""

import asyncio
import gc
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("jupytext", reason="the notebooks need the extra dev")
pytest.importorskip("nbclient", reason="the notebooks need the extra dev")
pytest.importorskip("ipykernel", reason="the notebooks need the extra dev")

import nbformat

from labs import notebooks

# What a reader's browser, and a diff, can bear.
LARGEST_BYTES = 1_500_000
ROOT = Path(notebooks.__file__).parent.parent
ALL = notebooks.notebooks()


@pytest.mark.parametrize("name", ALL)
def test_pairs_are_in_step(name):
    faults = list(notebooks.differences(ALL[name]))
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("name", ALL)
def test_committed_outputs_are_small(name):
    assert ALL[name].with_suffix(".ipynb").stat().st_size <= LARGEST_BYTES


@pytest.mark.parametrize("name", ALL)
def test_each_runs_at_quick_size(name):
    folder = ALL[name].parent
    before = files(folder)
    # In a process of its own: the error names the cell, and its warnings are not this suite's.
    command = [sys.executable, "-m", "labs.notebooks", "--quick", name]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    assert files(folder) == before, "a notebook leaves no files in its folder"


def files(folder):
    return {path for path in folder.rglob("*") if "__pycache__" not in path.parts}


SOURCE = """\
# ---
# jupyter:
#   kernelspec:
#     display_name: other
#     name: other
# ---

# %% [markdown]
# # A title
# and text

# %%
import sys

from labs import quick
from labs.toy.numbers import TWO

print("quick" if quick() else "full")
TWO

# %%
for k in range(3):
    print(f"\\r{k} of 3", end="", file=sys.stderr)
print("step 1")
sys.stdout.flush()
print("step 2")
object()

# %% [markdown]
# The end.

# %%
import matplotlib.pyplot as plt

figure, axes = plt.subplots(figsize=(1, 1))
axes.plot([1, 2])
plt.show()
"""


@pytest.fixture
def folder(tmp_path):
    """A folder of labs with one lab and its notebook."""
    toy = tmp_path / "labs" / "toy"
    toy.mkdir(parents=True)
    package = (ROOT / "labs" / "__init__.py").read_text()
    (toy.parent / "__init__.py").write_text(package)
    (toy / "__init__.py").write_text("")
    (toy / "lab.py").write_text('"""A toy."""\n')
    (toy / "numbers.py").write_text("TWO = 2\n")
    (toy / "toy.py").write_text(SOURCE)
    return toy.parent


def outputs(folder):
    notebook = nbformat.read(folder / "toy" / "toy.ipynb", as_version=4)
    return [cell.get("outputs", []) for cell in notebook.cells]


def test_a_run_at_full_size(folder, capsys):
    assert notebooks.main(["toy"], folder) == 0
    assert capsys.readouterr().out == "toy: 5 cells run\n"
    first = (folder / "toy" / "toy.ipynb").read_bytes()
    _, one, two, _, three = outputs(folder)
    assert one[0].text == "full\n"
    assert one[1].data["text/plain"] == "2"
    # No progress bar, no address, streams in one piece.
    assert [output.output_type for output in two] == ["stream", "execute_result"]
    assert two[0].text == "step 1\nstep 2\n"
    assert two[1].data["text/plain"] == "<object>"
    assert three[-1].data["image/png"].startswith("iVBOR")
    assert list(notebooks.differences(folder / "toy" / "toy.py")) == []
    assert notebooks.main(["--check"], folder) == 0
    # Another run changes nothing.
    assert notebooks.main([], folder) == 0
    assert (folder / "toy" / "toy.ipynb").read_bytes() == first


@pytest.mark.parametrize("failing", [False, True])
def test_a_run_leaves_no_event_loop_open(folder, failing):
    """Regression: the garbage collector found its sockets in the middle of some later test."""
    if failing:
        (folder / "toy" / "toy.py").write_text(f"{SOURCE}\n# %%\n1 / 0\n")
    before = open_loops()
    assert notebooks.main(["toy"], folder) == failing
    assert open_loops() <= before


def open_loops():
    # Not isinstance: it asks the objects, and some of PyTorch's warn when they are asked.
    loops = (o for o in gc.get_objects() if issubclass(type(o), asyncio.AbstractEventLoop))
    return {id(loop) for loop in loops if not loop.is_closed()}


def test_a_quick_run_writes_nothing(folder, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "Agg")
    assert notebooks.main(["--quick", "toy"], folder) == 0
    assert not (folder / "toy" / "toy.ipynb").exists()
    notebook = notebooks.execute(folder / "toy" / "toy.py", quick=True)
    assert notebook.cells[1].outputs[0].text == "quick\n"
    assert "image/png" in notebook.cells[4].outputs[-1].data


def test_a_cell_that_fails(folder, capsys):
    source = folder / "toy" / "toy.py"
    source.write_text(f"{SOURCE}\n# %%\nx = 0\nprint(1 / x)\n")
    assert notebooks.main(["toy"], folder) == 1
    err = capsys.readouterr().err
    assert err.startswith(f"{source}: ZeroDivisionError: division by zero\n")
    assert "print(1 / x)" in err
    assert "\x1b" not in err
    assert not source.with_suffix(".ipynb").exists()


def test_pairs_that_are_not_in_step(folder, capsys):
    source = folder / "toy" / "toy.py"
    target = source.with_suffix(".ipynb")
    assert list(notebooks.differences(source)) == [
        "toy.ipynb is missing (python -m labs.notebooks toy)"
    ]
    notebooks.write(notebooks.read_source(source), target)
    faults = list(notebooks.differences(source))
    assert faults[0] == "toy.ipynb: has no outputs"
    assert faults[1] == "toy.ipynb: not executed: 'import sys'"
    source.write_text(SOURCE.replace("# and text", "# and other text"))
    assert "toy.ipynb: cell 0 differs from toy.py: '# A title'" in notebooks.differences(source)
    source.write_text(f"{SOURCE}\n# %%\n1\n")
    assert "toy.ipynb: 5 cells, toy.py has 6" in notebooks.differences(source)
    notebook = notebooks.read_source(source)
    notebook.cells[1].outputs = [nbformat.v4.new_output("error", ename="E", evalue="e")]
    notebooks.write(notebook, target)
    assert "toy.ipynb: ends with an error: 'import sys'" in notebooks.differences(source)
    assert notebooks.main(["--check"], folder) == 1
    assert "ends with an error" in capsys.readouterr().err
    source.unlink()
    assert list(notebooks.differences(source)) == [
        "toy.py is missing (python -m labs.notebooks toy)"
    ]


def test_unknown_names(folder, capsys):
    assert notebooks.main(["tyo"], folder) == 2
    assert capsys.readouterr().err == "unknown notebook 'tyo'; known are toy\n"


def test_a_lab_need_not_have_one(folder):
    (folder / "toy" / "toy.py").write_text("x = 1\n")
    assert notebooks.notebooks(folder) == {}
