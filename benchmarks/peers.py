"""Compiled programs beside hand-written NumPy, autograd, JAX and PyTorch, in one run.

python -m benchmarks.peers                      # everything: checks, table, JSON, chart, page
python -m benchmarks.peers --quick              # a smoke run of a minute; nothing is written
python -m benchmarks.peers --only mlp --only moons
python -m benchmarks.peers --variant 7          # drawn at random, the gallery, too; bars at 80 %

All that take part must find the same numbers, or nothing is measured. Ratios are formed within
interleaved rounds; a peer that is missing, or fails, is left out and named.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import libraries, peers_report, processors
from benchmarks.backends import BACKENDS
from benchmarks.limits import Limits, measure_limits
from benchmarks.memory import peak_beyond_data
from benchmarks.programs import FAMILIES, GALLERY, Program, programs, variants
from benchmarks.timing import Times, interleave, timer

__all__ = ["main", "measure"]

RESULTS = peers_report.RESULTS
OURS = "wengert"
Step = Callable[[], Any]


def _flat(result: Any) -> np.ndarray:
    """All numbers of a result as one vector."""
    if isinstance(result, (tuple, list)):
        return np.concatenate([_flat(part) for part in result])
    result = result.detach().numpy() if hasattr(result, "detach") else result
    return np.asarray(getattr(result, "array", result), float).ravel()


def _contestants(program: Program, leave_out: Sequence[str]) -> dict[str, Callable[[], Step]]:
    found: dict[str, Callable[[], Step]] = {}
    for name, (backend, module) in BACKENDS.items():
        if name not in (*program.without, *leave_out) and libraries.is_installed(module):
            found[name] = lambda backend=backend: program.make(backend())  # type: ignore[misc]
    return found | dict(program.by_hand)


def _checked(program: Program, leave_out: Sequence[str]) -> tuple[dict[str, Step], dict[str, str]]:
    """Fresh steps of all whose results agree, and why others are left out.

    Raises
    ------
    AssertionError
        If somebody computes something else.
    """
    steps: dict[str, Step] = {}
    missing: dict[str, str] = {}
    expected: np.ndarray | None = None
    for name, make in _contestants(program, leave_out).items():
        try:
            step = make()
            found = np.stack([_flat(step()) for _ in range(program.steps)])
        except Exception as error:
            if name == OURS:
                raise
            missing[name] = f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"
            continue
        if expected is None:
            expected = found
        np.testing.assert_allclose(
            found, expected, program.rtol, program.atol,
            err_msg=f"{program.title}: {name} does not compute what {OURS} does",
        )  # fmt: skip
        steps[name] = step
    return steps, missing


def measure(
    key: str, program: Program, *, rounds: int, burst: float, scale: float = 1.0,
    leave_out: Sequence[str] = (), limits: Limits | None = None, variant: int | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Check one program, measure it, and compare with its bars.

    Returns
    -------
    dict
        ``title``, ``times`` in microseconds by name with quartiles, ``ratios`` (the other's time
        divided by ours), ``bars`` with what was measured, ``missing`` with reasons, the
        ``fraction`` of the machine's limit that is reached, and ``own_bars``, those on it and on
        memory.
    """
    steps, missing = _checked(program, leave_out)
    rounds = min(rounds, 5) if program.is_large else rounds
    times: Times = interleave(
        {name: timer(step) for name, step in steps.items()}, rounds=rounds, burst=burst
    )
    ratios = {name: times.ratio(name, OURS) for name in steps if name != OURS}
    entry: dict[str, Any] = {
        "key": key,
        "title": program.title,
        "times": {
            name: [times.median(name) * 1e6, *(1e6 * q for q in times.quartiles(name))]
            for name in steps
        },
        "ratios": ratios,
        "bars": [
            {
                "peer": bar.peer,
                "bound": bar.bound * scale,
                "aim": bar.aim,
                "measured": ratios[bar.peer],
                "met": ratios[bar.peer] >= bar.bound * scale,
            }
            for bar in program.bars
            if bar.peer in ratios
        ],
        "missing": missing,
    }
    if limits is not None:
        entry["fraction"] = limits.fraction(times.median(OURS), program.flops, program.bytes)
    entry["own_bars"] = _own_bars(key, program, entry.get("fraction"), scale, variant)
    return entry


def _own_bars(
    key: str, program: Program, fraction: float | None, scale: float, variant: int | None
) -> list[dict[str, Any]]:
    """The bars that are not about others; those that cannot be measured here are left out."""
    found: list[dict[str, Any]] = []
    if program.least_fraction is not None and fraction is not None:
        bound = program.least_fraction * scale
        found.append({
            "what": "of the limit", "bound": bound, "measured": fraction, "met": fraction >= bound,
        })  # fmt: skip
    if program.most_memory is not None and (peak := peak_beyond_data(key, variant)) is not None:
        bound = program.most_memory / scale
        found.append({
            "what": "memory beyond the data", "bound": bound, "measured": peak,
            "met": peak <= bound,
        })  # fmt: skip
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    arguments = _parser().parse_args(argv)
    if arguments.write_page:
        results = json.loads((arguments.json or RESULTS).read_text())
        print(f"wrote {peers_report.write_page(results)}, {peers_report.draw(results)}")
        return 0
    libraries_found, missing = libraries.installed()
    libraries.set_up(libraries_found)
    everything = programs() if arguments.variant is None else variants(arguments.variant)
    wanted = arguments.only or list(everything)
    if unknown := [key for key in wanted if key not in everything]:
        print(f"unknown: {', '.join(unknown)}; known are {', '.join(everything)}", file=sys.stderr)
        return 2
    rounds, burst = (1, 0.001) if arguments.quick else (arguments.rounds, arguments.burst)
    leave_out = list(arguments.without or ()) + (["torch.compile"] if arguments.quick else [])
    limits = measure_limits(0.05 if arguments.quick else 0.5)
    results: dict[str, Any] = {
        "machine": libraries.machine(libraries_found),
        "limits": vars(limits),
        "rounds": rounds,
        "variant": arguments.variant,
        "left_out": [*missing, *leave_out],
        "programs": [],
    }
    print(peers_report.conditions(results))
    for key in wanted:
        program = everything[key]
        if arguments.quick and program.is_large and not arguments.only:
            continue
        start = time.perf_counter()
        entry = measure(
            key, program, rounds=rounds, burst=burst, leave_out=leave_out, limits=limits,
            scale=1.0 if arguments.variant is None else 0.8, variant=arguments.variant,
        )  # fmt: skip
        entry["is_gallery"] = key in GALLERY
        entry["seconds"] = round(time.perf_counter() - start, 1)
        results["programs"].append(entry)
        print(peers_report.as_text(entry), flush=True)
    print(peers_report.summary(results))
    is_whole = not (arguments.quick or arguments.only or arguments.variant is not None)
    path = arguments.json or (RESULTS if is_whole else None)
    if path:
        processors.store(path, results, keep=path == RESULTS)
        print(f"wrote {path}")
    if is_whole:
        print(f"wrote {peers_report.write_page(results)}, {peers_report.draw(results)}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--quick", action="store_true", help="a smoke run, nothing large")
    known = ", ".join([*FAMILIES, *(f"{key!r}" for key in GALLERY)])
    parser.add_argument("--only", action="append", metavar="NAME", help=f"one of {known}")
    parser.add_argument("--variant", type=int, metavar="SEED", help="draw sizes and dtypes")
    parser.add_argument("--without", action="append", choices=list(BACKENDS), help="leave one out")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--burst", type=float, default=0.1, help="seconds for each and round")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the results go")
    parser.add_argument(
        "--write-page", action="store_true", help="measure nothing; page and chart from the results"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
