"""The last whole run on each kind of processor: how far ratios depend on the machine.

What is compared is not equally fast everywhere: PyTorch's and OpenBLAS's best code is chosen by
the processor, and so is ours. Beside the last run, ``results/NAME.json``, there is a file for each
kind of processor in ``results/NAME/``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["bars_by_processor", "store"]

Bar = tuple[str, bool]  # what was measured, as text, and whether the bar is met


def store(path: Path, results: dict[str, Any], keep: bool = True) -> None:
    """Write a run, and keep it for its kind of processor."""
    name = re.sub(r"\W+", "-", results["machine"]["processor"].lower()).strip("-")
    for place in (path, path.with_suffix("") / f"{name}.json")[: 1 + keep]:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps(results, indent=1) + "\n")


def bars_by_processor(
    path: Path, results: dict[str, Any], bars_of: Callable[[dict[str, Any]], dict[str, Bar]]
) -> list[list[str]]:
    """A table of the bars with a column for each kind of processor, this run's first.

    Parameters
    ----------
    path : Path
        Where the last run is kept.
    results : dict
        This run.
    bars_of : callable
        The bars of a run, by name.

    Returns
    -------
    list of list of str
        The header and the rows; empty if there is only one kind.
    """
    runs = [json.loads(p.read_text()) for p in sorted(path.with_suffix("").glob("*.json"))]
    mine = results["machine"]["processor"]
    runs = [results, *(r for r in runs if r["machine"]["processor"] != mine)]
    if len(runs) == 1:
        return []
    header = [f"{r['machine']['processor']}, {r['machine']['date']}" for r in runs]
    rows = [["bar", *header]]
    for name in bars_of(results):
        found = [bars_of(run).get(name, ("", True)) for run in runs]
        rows.append([name, *(text + ("" if met else ", missed") for text, met in found)])
    return rows
