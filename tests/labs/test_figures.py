"""The tables in labs/README.md: in step with the labs, and made as they should be."""

import json
from pathlib import Path

import pytest

from labs import figures

ROOT = Path(figures.__file__).parent.parent


def test_the_tables_are_in_step(capsys):
    code = figures.main(["--check"])
    assert code == 0, capsys.readouterr().err


LAB = '''\
"""It learns a | b.

More.
"""
BOUNDS = {"accuracy": ">= 0.9", "difference": "<= 1e-6"}
'''
README = """\
# Labs
before
<!-- labs: python -m labs.figures -->
old
<!-- /labs -->
between
<!-- figures: python -m labs.figures -->
<!-- /figures -->
after
"""


def record(**changes):
    content = {
        "lab": "toy",
        "command": "wengert lab toy",
        "quick": False,
        "date": "2026-11-22",
        "cores": 2,
        "finished": True,
        "figures": {
            "data": "cifar10 (stand-in: Fashion-MNIST)",
            "accuracy": 0.91234567,
            "difference": 1e-9,
            "seconds": 12345.6,
            "images": 50000,
            "seed": 3,
            "losses": [1, 2],
            "note": "text",
            "good": True,
        },
    }
    content.update(changes)
    return content


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "README.md").write_text(README)
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy" / "lab.py").write_text(LAB)
    put(tmp_path, record())
    return tmp_path


def put(folder, content):
    (folder / "toy" / "figures.json").write_text(json.dumps(content))


def with_figures(**changes):
    return record(figures={**record()["figures"], **changes})


def check(folder, capsys, *arguments):
    code = figures.main(arguments, folder)
    return code, capsys.readouterr().err.splitlines()


def test_tables(folder, capsys):
    assert check(folder, capsys, "--check") == (
        1,
        ["labs/README.md: stale; run `python -m labs.figures`"],
    )
    assert (folder / "README.md").read_text() == README
    assert check(folder, capsys) == (0, [])
    assert (folder / "README.md").read_text() == (
        README.replace(
            "old\n",
            "| lab | what it is |\n| --- | --- |\n| [toy](toy/README.md) | It learns a \\| b. |\n",
        ).replace(
            "<!-- /figures",
            """\
| lab | figure | value | asked | command | cores | date | data |
| --- | --- | ---: | --- | --- | ---: | --- | --- |
| [toy](toy/README.md) | accuracy | 0.9123 | >= 0.9 | `wengert lab toy` | 2 | 2026-11-22 | \
cifar10 (stand-in: Fashion-MNIST) |
| [toy](toy/README.md) | difference | 1e-09 | <= 1e-6 |  | 2 | 2026-11-22 |  |
| [toy](toy/README.md) | seconds | 12,346 |  |  | 2 | 2026-11-22 |  |
| [toy](toy/README.md) | images | 50,000 |  |  | 2 | 2026-11-22 |  |
<!-- /figures""",
        )
    )
    assert check(folder, capsys, "--check") == (0, [])
    put(folder, with_figures(accuracy=0.95))
    assert check(folder, capsys, "--check")[0] == 1


def test_without_labs(folder, capsys):
    for path in (folder / "toy").iterdir():
        path.unlink()
    assert check(folder, capsys) == (0, [])
    text = (folder / "README.md").read_text()
    assert "No lab is here yet.\n" in text
    assert "No full run is here yet.\n" in text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (record(quick=True), "figures.json: is of a --quick run"),
        (record(finished=False), "figures.json: is of a run that was not finished"),
        (record(lab="other"), "figures.json: is of the lab other"),
        (with_figures(accuracy=0.8), "figures.json: accuracy is 0.8, asked >= 0.9"),
        (with_figures(accuracy="nan"), "figures.json: accuracy is nan, asked >= 0.9"),
        (record(figures={"accuracy": 1.0}), "has no figure difference, which lab.py bounds"),
        ({"lab": "toy"}, "figures.json: not written by `wengert lab`: KeyError('command')"),
        ([], "figures.json: not written by `wengert lab`"),
    ],
)
def test_figures_that_do_not_stand(folder, capsys, content, message):
    put(folder, content)
    for arguments in ([], ["--check"]):
        code, lines = check(folder, capsys, *arguments)
        assert code == 1
        assert any(line.startswith("labs/toy/") and message in line for line in lines)


def test_a_missed_bound_is_shown(folder, capsys):
    put(folder, with_figures(accuracy=0.8))
    check(folder, capsys)
    assert "| 0.8 | **>= 0.9: not met** |" in (folder / "README.md").read_text()


def test_missing_figures(folder, capsys):
    (folder / "toy" / "figures.json").unlink()
    code, lines = check(folder, capsys)
    assert code == 1
    assert lines == ["labs/toy/figures.json: missing; it comes from `wengert lab toy`"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("BOUNDS = dict(x=1)", "lab.py: BOUNDS must be a dict of texts, written out"),
        ("BOUNDS = {'x': 0.9}", "lab.py: BOUNDS['x'] is 0.9; write it like '>= 0.9'"),
        ("BOUNDS: dict = {'x': '>= a'}", "lab.py: BOUNDS['x'] is '>= a'; write it like"),
        ("BOUNDS = [", "lab.py: '[' was never closed"),
    ],
)
def test_bounds_that_cannot_be_read(folder, capsys, text, message):
    (folder / "toy" / "lab.py").write_text(text)
    code, lines = check(folder, capsys, "--check")
    assert code == 1
    assert any(message in line for line in lines)


def test_a_readme_without_markers(folder, capsys):
    (folder / "README.md").write_text("# Labs\n")
    code, lines = check(folder, capsys)
    assert code == 1
    assert lines[-1].startswith("labs/README.md: the markers <!-- labs: python -m labs.figures -->")
    (folder / "README.md").unlink()
    assert check(folder, capsys)[0] == 1
