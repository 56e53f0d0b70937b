"""Runs on several kinds of processors, side by side."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.processors import bars_by_processor, store


def run(processor: str, **bars: float) -> dict[str, Any]:
    return {"machine": {"processor": processor, "date": "2026-01-02"}, "bars": bars}


def bars_of(results: dict[str, Any]) -> dict[str, tuple[str, bool]]:
    return {name: (f"{value} x", value >= 1) for name, value in results["bars"].items()}


def test_the_last_run_of_each_processor_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "results" / "some.json"
    store(path, run("Fast (R) CPU", a=1.5, b=0.5))
    store(path, run("AMD EPYC", a=0.9))
    store(path, run("Fast (R) CPU", a=1.25, b=2.0))
    last = json.loads(path.read_text())
    assert last["bars"]["a"] == 1.25
    assert bars_by_processor(path, last, bars_of) == [
        ["bar", "Fast (R) CPU, 2026-01-02", "AMD EPYC, 2026-01-02"],
        ["a", "1.25 x", "0.9 x, missed"],
        ["b", "2.0 x", ""],
    ]


def test_one_processor_needs_no_table(tmp_path: Path) -> None:
    store(tmp_path / "some.json", run("AMD EPYC", a=2.0))
    assert bars_by_processor(tmp_path / "some.json", run("AMD EPYC", a=2.0), bars_of) == []
