"""Every Python snippet in README.md and docs/ runs, and prints what the text says.

Blocks of one file share a namespace and run in order. A ```text block directly after a ```python
block is its output; blocks with >>> are doctests. A block may be left out by a comment on the line
above it: <!-- no-run: the reason -->.
"""

import contextlib
import doctest
import io
import linecache
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE

_FENCE = re.compile(r"^( *)```([\w.+-]*)[^\n]*\n(.*?)^\1```[ ]*$", re.MULTILINE | re.DOTALL)
_NO_RUN = re.compile(r"<!-- no-run:(.*?)-->\s*\Z", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: language, text, first line in the file, and what stands around it."""

    language: str
    text: str
    line: int
    before: str
    expected: str | None


def blocks_of(document: str) -> Iterator[Block]:
    matches = list(_FENCE.finditer(document))
    for match, following in zip(matches, [*matches[1:], None]):
        expected = None
        if following and following[2] == "text":
            between = document[match.end() : following.start()]
            expected = following[3] if not between.strip() else None
        indent = len(match[1])
        text = "".join(line[indent:] or "\n" for line in match[3].splitlines(keepends=True))
        line = document.count("\n", 0, match.start(3)) + 1
        yield Block(match[2], text, line, document[: match.start()], expected)


def reason_not_to_run(block: Block) -> str | None:
    found = _NO_RUN.search(block.before)
    return found[1].strip() if found else None


def run(block: Block, name: str, namespace: dict[str, object]) -> None:
    if ">>>" in block.text:
        test = doctest.DocTestParser().get_doctest(
            block.text, namespace, f"{name}:{block.line}", name, block.line - 1
        )
        runner = doctest.DebugRunner(optionflags=OPTIONS)
        runner.run(test, clear_globs=False)
        namespace.update(test.globs)
        return
    printed = io.StringIO()
    # Blank lines in front make line numbers in a traceback those of the document.
    source = "\n" * (block.line - 1) + block.text
    # Error messages quote the user's line.
    linecache.cache[name] = len(source), None, source.splitlines(keepends=True), name
    code = compile(source, name, "exec")
    with contextlib.redirect_stdout(printed):
        exec(code, namespace)
    if block.expected is not None:
        matches = doctest.OutputChecker().check_output(block.expected, printed.getvalue(), OPTIONS)
        assert matches, (
            f"{name}:{block.line} prints\n{printed.getvalue()}\nand the text says\n{block.expected}"
        )


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_snippets(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    name = str(path.relative_to(ROOT))
    namespace: dict[str, object] = {"__name__": "__main__"}
    for block in blocks_of(path.read_text(encoding="utf-8")):
        if block.language != "python":
            continue
        reason = reason_not_to_run(block)
        if reason is None:
            run(block, name, namespace)
        assert reason != "", f"{name}:{block.line}: no-run needs a reason"


def section(document: str, heading: str) -> str:
    return document.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]


@pytest.mark.parametrize(("heading", "script"), [("Run it", "run"), ("Test it", "test")])
def test_readme_commands(heading: str, script: str) -> None:
    text = section((ROOT / "README.md").read_text(encoding="utf-8"), heading)
    blocks = [block for block in blocks_of(text) if block.language == "sh"]
    assert [block.text for block in blocks] == [f"./scripts/{script}\n"]
    assert (ROOT / "scripts" / script).stat().st_mode & 0o100


def test_every_page_is_in_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for path in DOCUMENTS[1:]:
        assert str(path.relative_to(ROOT / "docs")) in navigation


def test_links_between_documents_exist() -> None:
    for path in DOCUMENTS:
        text = _FENCE.sub("", path.read_text(encoding="utf-8"))
        targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
        for target in [*targets, *re.findall(r'src="([^"]+)"', text)]:
            assert (path.parent / target).exists(), f"{path.relative_to(ROOT)}: {target}"


EXAMPLE = """\
```python
x = 2
print(x)
```

```text
2
```

<!-- no-run: an example -->
```python
1 / 0
```

    ```python
    >>> x + 1
    3
    ```
"""


def test_the_reader_of_documents() -> None:
    first, text, skipped, last = blocks_of(EXAMPLE)
    assert (first.line, first.expected) == (2, "2\n")
    assert text.language == "text"
    assert reason_not_to_run(skipped) == "an example"
    assert last.text == ">>> x + 1\n3\n"
    namespace: dict[str, object] = {}
    run(first, "example", namespace)
    run(last, "example", namespace)
    wrong = Block("python", "print(3)\n", 1, "", "2\n")
    with pytest.raises(AssertionError, match=r"prints\s+3"):
        run(wrong, "example", {})
    with pytest.raises(doctest.DocTestFailure):
        run(Block("python", ">>> 1 + 1\n3\n", 1, "", None), "example", {})
