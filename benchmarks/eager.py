"""Eager execution against hand-written NumPy, HIPS autograd, PyTorch and JAX.

python -m benchmarks.eager measures, prints, and writes benchmarks/results/eager.json; with --quick
it is a smoke run with rough figures that writes nothing; with --write-readme it measures nothing
and puts the figures of the last full run into the documents.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import libraries, processors, report
from benchmarks.timing import Times, interleave, statement_timer, timer
from benchmarks.workloads import WORKLOADS, Workload
from benchmarks.workloads.operations import OPERATIONS, Operation, operands

RESULTS = report.RESULTS


@dataclass(frozen=True)
class Effort:
    """How long to measure: rounds, and seconds per contestant and round."""

    rounds: int
    burst: float


FULL = Effort(rounds=21, burst=0.05)
QUICK = Effort(rounds=3, burst=0.005)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    arguments = _parser().parse_args(argv)
    if arguments.write_readme:
        path = arguments.json or RESULTS
        if not path.exists():
            print(f"{path} does not exist; run python -m benchmarks.eager first", file=sys.stderr)
            return 1
        for changed in report.write_into_documents(json.loads(path.read_text())):
            print(f"wrote {changed}")
        return 0
    results = measure(
        QUICK if arguments.quick else FULL,
        only=arguments.only,
        leave_out=arguments.without or (),
    )
    print(report.as_text(results))
    path = arguments.json or (None if arguments.quick or arguments.only else RESULTS)
    if path:
        processors.store(path, results, keep=path == RESULTS)
        print(f"\nwrote {path}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.eager", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    keys = ["operations", *(workload.key for workload in WORKLOADS)]
    parser.add_argument("--quick", action="store_true", help="a smoke run of a few seconds")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the results go")
    parser.add_argument("--only", action="append", choices=keys, help="run just this part")
    parser.add_argument(
        "--without", action="append", choices=list(libraries.PEERS), help="leave a library out"
    )
    parser.add_argument(
        "--write-readme",
        action="store_true",
        help="measure nothing; write the tables in the documents from the results file",
    )
    return parser


def measure(
    effort: Effort, only: Sequence[str] | None = None, leave_out: Sequence[str] = ()
) -> dict[str, Any]:
    """Run everything and return what the results file holds."""
    found, missing = libraries.installed()
    if "wengert" not in found:
        raise SystemExit("wengert is not installed here: pip install -e .")
    found = [peer for peer in found if peer not in leave_out]
    libraries.set_up(found)
    results: dict[str, Any] = {
        "machine": libraries.machine(found),
        "rounds": effort.rounds,
        "burst_seconds": effort.burst,
        "left_out": [*missing, *leave_out],
        "operations": [],
        "workloads": [],
        "bars": [],
    }
    if not only or "operations" in only:
        for operation in OPERATIONS:
            _measure_operation(operation, effort, results)
    for workload in WORKLOADS:
        if not only or workload.key in only:
            _measure_workload(workload, found, effort, results)
    return results


def _measure_operation(operation: Operation, effort: Effort, results: dict[str, Any]) -> None:
    kinds = ("numpy", "unrecorded", "recorded")
    timers = {kind: statement_timer(operation.statement, **operands(kind)) for kind in kinds}
    times = interleave(timers, rounds=effort.rounds, burst=effort.burst)
    entry: dict[str, Any] = {
        "key": operation.key,
        "way": operation.way,
        "statement": operation.statement,
    }
    for kind in kinds:
        entry[f"{kind}_ns"] = times.median(kind) * 1e9
    for kind, bound in (("unrecorded", operation.unrecorded), ("recorded", operation.recorded)):
        entry[f"{kind}_ratio"] = times.ratio(kind, "numpy")
        if bound is not None:
            text = (
                f"{kind} `{operation.statement}`, 4 elements: at most {bound:g} x the time of NumPy"
            )
            _add_bar(results, text, bound, times.ratio(kind, "numpy"), at_most=True)
    results["operations"].append(entry)


def _measure_workload(
    workload: Workload, found: Sequence[str], effort: Effort, results: dict[str, Any]
) -> None:
    contestants = workload.available(found)
    workload.check_losses(contestants)
    timers = {contestant.name: timer(contestant.make()) for contestant in contestants}
    times = interleave(timers, rounds=effort.rounds, burst=effort.burst)
    fastest: dict[str, str] = {}
    for contestant in contestants:
        best = fastest.get(contestant.peer)
        if best is None or times.median(contestant.name) < times.median(best):
            fastest[contestant.peer] = contestant.name
    ours = fastest["wengert"]
    results["workloads"].append(
        {
            "key": workload.key,
            "title": workload.title,
            "description": workload.description,
            "contestants": [
                _contestant_entry(contestant.peer, contestant.variant, contestant.name, times)
                for contestant in contestants
            ],
            "fastest": fastest,
            "times_ours": {peer: times.ratio(name, ours) for peer, name in fastest.items()},
        }
    )
    for bar in workload.bars:
        if bar.peer not in fastest:
            continue
        pair = (ours, fastest[bar.peer]) if bar.at_most else (fastest[bar.peer], ours)
        text = f"{workload.title}: {bar.text()}"
        _add_bar(results, text, bar.bound, times.ratio(*pair), bar.at_most)


def _contestant_entry(peer: str, variant: str, name: str, times: Times) -> dict[str, Any]:
    low, high = times.quartiles(name)
    return {
        "peer": peer,
        "variant": variant,
        "median_us": times.median(name) * 1e6,
        "quartiles_us": [low * 1e6, high * 1e6],
    }


def _add_bar(
    results: dict[str, Any], text: str, bound: float, measured: float, at_most: bool
) -> None:
    met = measured <= bound if at_most else measured >= bound
    results["bars"].append({"bar": text, "bound": bound, "measured": measured, "met": met})


if __name__ == "__main__":
    sys.exit(main())
