"""Every lab's folder has what a reader needs."""

import ast
import re
from pathlib import Path

import pytest

import labs

FOLDER = Path(labs.__file__).parent
LABS = sorted(path.parent for path in FOLDER.glob("*/lab.py"))
# Folders with Python files, so that one without lab.py is noticed.
FOLDERS = sorted({path.parent for path in FOLDER.glob("*/*.py")})
PAGE_LINES = 60
PICTURE_BYTES = 200_000


def test_labs_are_looked_for_where_they_are():
    assert (FOLDER / "README.md").is_file()
    assert FOLDER == Path(__file__).parents[2] / "labs"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_lab_py(folder):
    tree = ast.parse((folder / "lab.py").read_text(encoding="utf-8"))
    text = ast.get_docstring(tree)
    assert text, "the docstring of lab.py is what `wengert lab` lists"
    assert len(text.splitlines()[0]) <= 100
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert [argument.arg for argument in functions["run"].args.args] == ["options"]
    if "add_arguments" in functions:
        assert len(functions["add_arguments"].args.args) == 1
    assert (folder / "__init__.py").is_file()


@pytest.mark.parametrize("folder", LABS, ids=lambda path: path.name)
def test_readme(folder):
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= PAGE_LINES
    assert text.startswith("# ")
    assert f"wengert lab {folder.name}" in text, "the one command"


@pytest.mark.parametrize("folder", LABS, ids=lambda path: path.name)
def test_pictures(folder):
    text = (folder / "README.md").read_text(encoding="utf-8")
    linked = re.findall(r'!\[[^\]]*\]\(([^)\s]+)|<img[^>]*src="([^"]+)"', text)
    names = {first or second for first, second in linked}
    assert names, "the README shows the lab's picture"
    for name in names:
        content = (folder / name).read_bytes()
        assert content.startswith(b"\x89PNG\r\n"), name
        assert len(content) <= PICTURE_BYTES, name
    unused = [path.name for path in folder.glob("*.png") if path.name not in text]
    assert not unused, "pictures that the README does not name"


@pytest.mark.parametrize(
    ("value", "expected"), [("1", True), ("yes", True), ("0", False), ("", False), (None, False)]
)
def test_quick(monkeypatch, value, expected):
    if value is None:
        monkeypatch.delenv("WENGERT_LAB_QUICK", raising=False)
    else:
        monkeypatch.setenv("WENGERT_LAB_QUICK", value)
    assert labs.quick() is expected
