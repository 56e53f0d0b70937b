"""The commands in the reference of data and labs run as they stand there."""

import re
import shlex
from pathlib import Path

import pytest

from tests.test_documentation import blocks_of, reason_not_to_run
from wengert.cli import main

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
COMMANDS = [
    (page, line)
    for page in ("data.md", "labs.md")
    for block in blocks_of((REFERENCE / page).read_text(encoding="utf-8"))
    if block.language == "sh" and reason_not_to_run(block) is None
    for line in block.text.splitlines()
]


@pytest.mark.parametrize(("page", "line"), COMMANDS)
def test_commands(page, line, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    program, *arguments = shlex.split(line, comments=True)
    assert program == "wengert"
    assert main(arguments) == 0
    assert "Traceback" not in capsys.readouterr().err


def test_both_pages_have_commands():
    assert {page for page, _ in COMMANDS} == {"data.md", "labs.md"}


@pytest.mark.parametrize("page", ["data.md", "labs.md"])
def test_flags_in_the_text_exist(page, capsys):
    text = (REFERENCE / page).read_text(encoding="utf-8")
    flags = set(re.findall(r"`(--[a-z-]+)", text))
    helps = [["train"], ["data", "list"], ["data", "fetch"], ["data", "make-cifar-standin"]]
    for command in helps:
        assert main([*command, "--help"]) == 0
    known = set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
    # A lab's flags are those of `wengert.cli.lab`; --check and --quick are of labs.figures too.
    source = Path(REFERENCE.parents[1] / "src/wengert/cli/lab.py").read_text(encoding="utf-8")
    known |= set(re.findall(r'"(--[a-z-]+)"', source)) | {"--check"}
    assert flags <= known
