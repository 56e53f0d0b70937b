"""The tables in labs/README.md, made from the labs' docstrings and their `figures.json`.

    python -m labs.figures            writes the tables
    python -m labs.figures --check    says what is stale or out of bounds, and exits with 1

A lab's `lab.py` may name the figures that it must reach:

    BOUNDS = {"test_accuracy": ">= 0.9", "gradient_difference": "<= 1e-6"}

They are shown first, beside what was asked. All numbers are from full runs: `wengert lab NAME`
writes `runs/NAME/figures.json`, which is committed as `labs/NAME/figures.json`.
"""

from __future__ import annotations

import argparse
import ast
import json
import operator
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wengert.train.atomic import write_bytes

__all__ = ["Lab", "main", "problems", "read_labs", "updated_readme"]

FOLDER = Path(__file__).resolve().parent
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "==": operator.eq,
}
_BOUND = re.compile(r"\s*(>=|<=|==|>|<)\s*(\S+)\s*")
# Decide the figures rather than being some.
_SETTINGS = {"seed", "interrupted", "data", "dataset"}


@dataclass(frozen=True)
class Lab:
    """A lab's folder: what `lab.py` says of itself, and the figures of its full run.

    Attributes
    ----------
    name, summary : str
    bounds : mapping
        From figures to texts like ``">= 0.9"``.
    record : mapping or None
        The content of `figures.json`.
    faults : list of str
        What could not be read.
    """

    name: str
    summary: str
    bounds: Mapping[str, str]
    record: Mapping[str, Any] | None
    faults: list[str] = field(default_factory=list)

    @property
    def figures(self) -> Mapping[str, Any]:
        """The figures of the run."""
        return self.record["figures"] if self.record else {}


def read_labs(folder: Path = FOLDER) -> list[Lab]:
    """All labs of a folder, in alphabetical order."""
    return [_read_lab(path.parent) for path in sorted(folder.glob("*/lab.py"))]


def _read_lab(folder: Path) -> Lab:
    faults: list[str] = []
    summary, bounds = "", {}
    try:
        tree = ast.parse((folder / "lab.py").read_text(encoding="utf-8"))
        summary = (ast.get_docstring(tree) or "").strip().partition("\n")[0]
        bounds = _bounds(tree, faults)
    except (SyntaxError, ValueError) as error:
        faults.append(f"lab.py: {error}")
    record = None
    path = folder / "figures.json"
    if path.exists():
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            for key in ("lab", "command", "quick", "date", "cores", "finished", "figures"):
                record[key]
        except (ValueError, KeyError, TypeError) as error:
            faults.append(f"figures.json: not written by `wengert lab`: {error!r}")
            record = None
    return Lab(folder.name, summary, bounds, record, faults)


def _bounds(tree: ast.Module, faults: list[str]) -> dict[str, str]:
    """The constant ``BOUNDS``, without importing the lab."""
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == "BOUNDS" for target in targets):
            try:
                bounds = dict(ast.literal_eval(node.value))  # type: ignore[attr-defined]
            except (ValueError, TypeError):
                faults.append("lab.py: BOUNDS must be a dict of texts, written out")
                return {}
            for key, text in bounds.items():
                if _parse_bound(text) is None:
                    faults.append(f"lab.py: BOUNDS[{key!r}] is {text!r}; write it like '>= 0.9'")
            return {key: text for key, text in bounds.items() if _parse_bound(text) is not None}
    return {}


def _parse_bound(text: Any) -> tuple[Callable[[Any, Any], bool], float] | None:
    found = _BOUND.fullmatch(text) if isinstance(text, str) else None
    try:
        return (_COMPARISONS[found[1]], float(found[2])) if found else None
    except ValueError:
        return None


def _meets(value: Any, text: str) -> bool:
    parsed = _parse_bound(text)
    assert parsed is not None, "checked when it was read"
    compare, limit = parsed
    return isinstance(value, (int, float)) and compare(value, limit)


def problems(labs: Sequence[Lab]) -> Iterator[str]:
    """What is wrong with the committed figures, one line each."""
    for lab in labs:
        where = f"labs/{lab.name}/figures.json"
        yield from (f"labs/{lab.name}/{fault}" for fault in lab.faults)
        if lab.record is None:
            if not lab.faults:
                yield f"{where}: missing; it comes from `wengert lab {lab.name}`"
            continue
        if lab.record["lab"] != lab.name:
            yield f"{where}: is of the lab {lab.record['lab']}"
        if lab.record["quick"]:
            yield f"{where}: is of a --quick run"
        if not lab.record["finished"]:
            yield f"{where}: is of a run that was not finished"
        for key, text in lab.bounds.items():
            if key not in lab.figures:
                yield f"{where}: has no figure {key}, which lab.py bounds"
            elif not _meets(lab.figures[key], text):
                yield f"{where}: {key} is {_number(lab.figures[key])}, asked {text}"


def updated_readme(text: str, labs: Sequence[Lab]) -> str:
    """The README with new tables between its markers.

    Raises
    ------
    ValueError
        If a marker is missing.
    """
    for name, table in (("labs", _lab_table(labs)), ("figures", _figure_table(labs))):
        begin, end = f"<!-- {name}: python -m labs.figures -->", f"<!-- /{name} -->"
        if begin not in text or end not in text:
            raise ValueError(f"labs/README.md: the markers {begin} and {end} must be there")
        head, rest = text.split(begin, 1)
        tail = rest.split(end, 1)[1]
        text = f"{head}{begin}\n{table}{end}{tail}"
    return text


def _lab_table(labs: Sequence[Lab]) -> str:
    if not labs:
        return "No lab is here yet.\n"
    rows = [f"| [{lab.name}]({lab.name}/README.md) | {_cell(lab.summary)} |" for lab in labs]
    return "\n".join(["| lab | what it is |", "| --- | --- |", *rows, ""])


def _figure_table(labs: Sequence[Lab]) -> str:
    rows = [row for lab in labs for row in _figure_rows(lab)]
    if not rows:
        return "No full run is here yet.\n"
    head = "| lab | figure | value | asked | command | cores | date | data |"
    return "\n".join([head, "| --- | --- | ---: | --- | --- | ---: | --- | --- |", *rows, ""])


def _figure_rows(lab: Lab) -> Iterator[str]:
    if lab.record is None:
        return
    data = _cell(str(lab.figures.get("data", lab.figures.get("dataset", ""))))
    command = f"`{_cell(lab.record['command'])}`"
    keys = [*lab.bounds, *(k for k in lab.figures if k not in lab.bounds and k not in _SETTINGS)]
    for key in keys:
        value = lab.figures.get(key)
        if key not in lab.bounds and not _is_number(value):
            continue
        asked = lab.bounds.get(key, "")
        if asked and not _meets(value, asked):
            asked = f"**{asked}: not met**"
        cells = (
            f"[{lab.name}]({lab.name}/README.md)",
            _cell(key.replace("_", " ")),
            _number(value),
            asked,
            command,
            str(lab.record["cores"]),
            lab.record["date"],
            data,
        )
        yield f"| {' | '.join(cells)} |"
        # The run is the same for all figures of a lab: said once.
        command = data = ""


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _number(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1e4 else f"{value:,.0f}"
    return f"{value:,}" if _is_number(value) else str(value)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def main(argv: Sequence[str] | None = None, folder: Path = FOLDER) -> int:
    """Write or check the tables; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m labs.figures",
        description="Write the tables in labs/README.md from the labs' figures.json.",
    )
    parser.add_argument("--check", action="store_true", help="write nothing; fail if stale")
    arguments = parser.parse_args(argv)
    labs = read_labs(folder)
    path = folder / "README.md"
    found = list(problems(labs))
    try:
        old = path.read_text(encoding="utf-8")
        new = updated_readme(old, labs)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    if arguments.check:
        if new != old:
            found.append("labs/README.md: stale; run `python -m labs.figures`")
    elif new != old:
        write_bytes(path, new.encode())
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
