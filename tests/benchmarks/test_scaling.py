"""How steps grow with their sizes, and what the tables of calls demand."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from benchmarks import calls, scaling, scaling_report
from benchmarks.limits import Limits
from benchmarks.timing import Times

pytest.importorskip("llvmlite")

LIMITS = Limits(flops=1e11, bandwidth=2e10)


def test_the_nearer_limit_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WENGERT_CACHE", str(tmp_path))
    row = scaling.measure(8, 16, 2, seconds=0.01)
    assert not list(tmp_path.iterdir())  # compiled, and not loaded or stored
    assert os.environ["WENGERT_CACHE"] == str(tmp_path)
    assert row["arena_kb"] > 0
    parameters = 784 * 16 + 16 + 16 * 16 + 16 + 16 * 10 + 10
    assert row["bytes"] == 8 * 784 * 4 + 8 * 8 + 2 * 4 * parameters
    assert row["flops"] == 2 * 8 * (2 * 784 * 16 + 3 * (16 * 16 + 16 * 10))
    for flops, limit, seconds in (
        (1e9, "flops", row["flops"] / 1e9), (1e15, "bandwidth", row["bytes"] / 2e10),
    ):  # fmt: skip
        scaling._judge(row, Limits(flops, 2e10))
        assert row["limit"] == limit
        assert np.isclose(row["at_limit"], seconds * 1e6)
        assert np.isclose(row["fraction"], row["at_limit"] / row["microseconds"])


def test_command_line_and_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scaling, "measure_limits", lambda seconds: LIMITS)
    monkeypatch.setattr(scaling, "_SIZES", {"batch": (2, 4), "depth": (1, 2)})
    monkeypatch.setattr(scaling, "_BASE", {"batch": 4, "width": 8, "depth": 1})
    monkeypatch.setattr(scaling_report, "PAGE", tmp_path / "page.md")
    monkeypatch.setattr(scaling_report, "CHART", tmp_path / "chart.png")
    monkeypatch.setattr(scaling_report.draw, "__defaults__", (tmp_path / "chart.png",))
    file = tmp_path / "scaling.json"
    assert scaling.main(["--json", str(file), "--write-page"]) == 1
    assert "run python -m benchmarks.scaling first" in capsys.readouterr().err
    assert scaling.main(["--quick", "--json", str(file)]) == 0
    assert len(json.loads(file.read_text())["rows"]) == 4
    assert scaling.main(["--json", str(file), "--write-page"]) == 0
    page = (tmp_path / "page.md").read_text()
    assert "100 GF/s float32" in page
    assert page.count("| bandwidth |") + page.count("| flops |") == 4
    assert (tmp_path / "chart.png").stat().st_size > 5000


@pytest.mark.parametrize(
    ("name", "nanoseconds", "words"),
    [
        ("no array to allocate", 150, "bar 1.5, aim 0.4: met"),
        ("no array to allocate", 151, "MISSED"),
        ("three arrays", 299, "1.49 without 3 np.empty, bar 1.5: met"),
        ("three arrays", 301, "MISSED"),
        ("nested lists and dicts", 239, "2.99 x the flat call, bar 3: met"),
        ("nested lists and dicts", 241, "MISSED"),
    ],
)
def test_bars_of_calls(name: str, nanoseconds: float, words: str) -> None:
    times = Times(
        ["a * b", "np.empty(4)", "one array", name],
        np.array([[100.0, 50.0, 80.0, nanoseconds]] * 3),
    )
    assert words in calls.bar(name, times)
    assert calls.bar("grad", times) == ""
