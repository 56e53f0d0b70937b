"""Run many random programs through every library and write docs/differential.md.

python -m tests.differential.report [--programs N] [--first-seed S] [--out FILE]
"""

from __future__ import annotations

import argparse
import platform
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from tests.differential.compare import QUANTITIES, TOLERANCES, Answers, ask, differences
from tests.differential.libraries import OURS, PEERS, Library
from tests.differential.operations import OPERATIONS
from tests.differential.programs import Program, generate, operations_of

OUT = Path(__file__).parent.parent.parent / "docs" / "differential.md"


@dataclass
class Tally:
    """What came of comparing one of our faces with one peer."""

    compared: Counter[str] = field(default_factory=Counter)
    worst: dict[str, tuple[float, int]] = field(default_factory=dict)
    disagreements: list[str] = field(default_factory=list)

    def add(self, program: Program, found: dict[str, float]) -> None:
        """Count the differences of one program."""
        for quantity, difference in found.items():
            self.compared[quantity] += 1
            if quantity not in self.worst or difference > self.worst[quantity][0]:
                self.worst[quantity] = (difference, program.seed)
            if not difference <= TOLERANCES[quantity]:
                self.disagreements.append(f"{quantity}: {difference:.1e}\n{program}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.differential.report")
    parser.add_argument("--programs", type=int, default=6 * len(OPERATIONS))
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args(argv)
    missing = [peer.name for peer in PEERS if not peer.installed()]
    if missing:
        print(f"not installed: {', '.join(missing)} (pip install -e '.[bench]')", file=sys.stderr)
        return 1
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.programs)
    programs = [generate(seed) for seed in seeds]
    ours = [library() for library in OURS]
    peers = [peer() for peer in PEERS]
    tallies = {(mine.name, peer.name): Tally() for mine in ours for peer in peers}
    unsupported: dict[str, Counter[str]] = {peer.name: Counter() for peer in peers}
    for number, program in enumerate(programs, start=1):
        mine = {library.name: ask(library, program) for library in ours}
        for peer in peers:
            theirs = ask(peer, program)
            _note_unsupported(theirs, unsupported[peer.name])
            for name, found in mine.items():
                if found.unsupported:
                    raise SystemExit(f"{name}: {found.unsupported}\n{program}")
                tallies[name, peer.name].add(program, differences(found, theirs))
        if number % 50 == 0:
            print(f"{number} of {len(programs)} programs", flush=True)
    arguments.out.write_text(_page(programs, ours, peers, tallies, unsupported))
    print(f"wrote {arguments.out}")
    failures = [text for tally in tallies.values() for text in tally.disagreements]
    for text in failures:
        print(text)
    return 1 if failures else 0


def _note_unsupported(answers: Answers, counter: Counter[str]) -> None:
    reason = answers.unsupported.get("gradient") or answers.unsupported.get("jvp")
    if reason:
        counter[reason] += 1


def _page(
    programs: list[Program],
    ours: list[Library],
    peers: list[Library],
    tallies: dict[tuple[str, str], Tally],
    unsupported: dict[str, Counter[str]],
) -> str:
    versions = ", ".join(f"{library.name} {library.version()}" for library in [ours[0], *peers])
    used = operations_of(programs)
    lines = [
        "# Differential test",
        "",
        "<!-- Written by `python -m tests.differential.report`; do not edit. -->",
        "",
        f"{len(programs)} random programs (seeds {programs[0].seed} to {programs[-1].seed}) of "
        f"{len(programs[0].steps)} steps each, from a table of {len(OPERATIONS)} operations, were "
        "evaluated and differentiated by wengert and by three other libraries in double precision. "
        f"Every operation occurs in at least {min(used.values())} programs.",
        "",
        f"{versions}, NumPy {np.__version__}, Python {platform.python_version()}; "
        f"{datetime.now(UTC).date().isoformat()}.",
        "",
        "A cell gives the number of programs that were compared and the largest relative "
        "difference "
        "among them (the difference of two entries divided by the largest entry).",
        "",
        "| wengert's face | peer | value | gradient | jvp | Hessian-vector product |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for (mine, peer), tally in tallies.items():
        cells = [
            f"{tally.compared[quantity]}: {tally.worst[quantity][0]:.1e}"
            if tally.compared[quantity]
            else "0"
            for quantity in QUANTITIES
        ]
        lines.append(f"| {mine} | {peer} | {' | '.join(cells)} |")
    disagreements = sum(len(tally.disagreements) for tally in tallies.values())
    bounds = ", ".join(f"{quantity} {bound:g}" for quantity, bound in TOLERANCES.items())
    lines += [
        "",
        f"Differences above the tolerances ({bounds}): {disagreements}.",
        "",
        "`wengert` is plain `import numpy as np` code with `value_and_grad`, `jvp` and `jvp` of "
        "`grad`; the second face is `wengert.numpy` with `Tensor.backward()` and `vjp` of `grad`.",
        "",
        "## What the peers could not do",
        "",
        "These programs are not counted for the peer. Item assignment is a step of some programs; "
        "JAX runs it as `x.at[i].set(v)`, PyTorch on a clone, autograd has none.",
        "",
    ]
    for peer, reasons in unsupported.items():
        total = sum(reasons.values())
        lines.append(f"- {peer}: {total} programs" + (", among the reasons:" if reasons else "."))
        lines += [f"    - `{reason}` ({count})" for reason, count in reasons.most_common(6)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
