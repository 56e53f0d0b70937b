"""The benchmarks measure what they say, and the documents show what was measured."""

import json

import numpy as np
import pytest

from benchmarks import eager, libraries, report
from benchmarks.timing import Timer, Times, interleave, statement_timer
from benchmarks.workloads import WORKLOADS, Workload
from benchmarks.workloads.operations import OPERATIONS, operands


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.key)
def test_all_contestants_do_the_same_work(workload: Workload) -> None:
    found, _ = libraries.installed()
    libraries.set_up(found)
    workload.check_losses(workload.available(found))


def test_different_work_is_noticed() -> None:
    workload = WORKLOADS[0]
    lazy = workload.contestants[0].__class__("numpy", "lazy", lambda: lambda: 1.0)
    with pytest.raises(AssertionError, match="numpy: lazy does not do the same work"):
        workload.check_losses([workload.contestants[0], lazy])


@pytest.mark.parametrize("kind", ["numpy", "unrecorded", "recorded"])
def test_operations_run(kind: str) -> None:
    for operation in OPERATIONS:
        assert statement_timer(operation.statement, **operands(kind))(2) > 0


def test_interleaving_rotates() -> None:
    calls: list[str] = []

    def contestant(name: str) -> Timer:
        def run(count: int) -> float:
            calls.append(name)
            return 1e-3 * count

        return run

    times = interleave({name: contestant(name) for name in "abc"}, rounds=2, burst=1e-3)
    np.testing.assert_allclose(times.rounds, 1e-3)
    # Each contestant warms up and is timed, and the next round starts with the next one.
    assert "".join(calls[-12:]) == "aabbccbbccaa"


def test_ratios_are_formed_within_rounds() -> None:
    # The machine is twice as slow in the second round, for both.
    times = Times(["ours", "theirs"], np.array([[1.0, 3.0], [2.0, 6.0], [1.0, 3.0]]))
    assert times.ratio("theirs", "ours") == 3.0
    assert times.median("ours") == 1.0
    assert times.quartiles("theirs") == (3.0, 4.5)


def results() -> dict:
    return json.loads(eager.RESULTS.read_text())


@pytest.mark.parametrize(("document", "kind"), report.DOCUMENTS.items())
def test_documents_show_the_last_run(document: str, kind: str) -> None:
    text = (report.ROOT / document).read_text()
    assert text == report.replaced(text, kind, results()), (
        f"{document} is stale: python -m benchmarks.eager --write-readme"
    )


def test_every_bar_of_the_issue_is_measured() -> None:
    bars = [bar for workload in WORKLOADS for bar in workload.bars]
    assert len(bars) == 8
    names = {entry["bar"] for entry in results()["bars"]}
    assert len(names) == 8 + 3


def test_a_document_without_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="benchmarks:eager"):
        report.replaced("no markers", "summary", results())


def test_quick_run_prints_bars(capsys: pytest.CaptureFixture[str]) -> None:
    assert eager.main(["--quick", "--only", "operations", "--only", "linear_regression"]) == 0
    printed = capsys.readouterr().out
    assert "recorded a * b" in printed
    assert "wengert" in printed


def test_writing_documents_without_results(tmp_path, capsys) -> None:
    assert eager.main(["--write-readme", "--json", str(tmp_path / "none.json")]) == 1
    assert "run python -m benchmarks.eager first" in capsys.readouterr().err
