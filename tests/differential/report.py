"""Run many random programs through every library and write docs/differential.md.

python -m tests.differential.report [--narrow N] [--wide N] [--answers FOLDER] [--out FILE]
"""

from __future__ import annotations

import argparse
import platform
import sys
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from tests.differential.answers import BATCH, Store
from tests.differential.compare import (
    INEXACT,
    QUANTITIES,
    TOLERANCES,
    Answers,
    ask,
    differences,
    tolerance,
)
from tests.differential.libraries import OURS, PEERS, Jax, Library, plain_numpy
from tests.differential.programs import Program, generate, operations_of
from tests.differential.steps import OPERATIONS

DISAGREEMENTS = """\
Found by this test and mended, each with a regression test: complex values written into an array
whose tangent is real lost their imaginary part in forward mode
(`tests/transforms/test_forward.py`).

Where wengert and a peer still differ, the peer is wrong, by mpmath in forty digits for the number
of digits, by differences of values for the rest. Left out of the steps for the same reason:
PyTorch's Bessel functions j, y and k of orders 0 and 1, through which no gradient passes and no
error says so, and its von Mises distribution, which has eight digits; autograd's sort in forward
mode, its `where` with broadcasting, and its trace of a matrix that is not square.
"""
OUT = Path(__file__).parent.parent.parent / "docs" / "differential.md"


@dataclass
class Tally:
    """What came of comparing one of our faces with one peer."""

    compared: Counter[str] = field(default_factory=Counter)
    worst: dict[str, float] = field(default_factory=dict)
    disagreements: list[str] = field(default_factory=list)

    def add(self, program: Program, peer: Library, found: dict[str, float]) -> None:
        """Count the differences of one program."""
        for quantity, difference in found.items():
            self.compared[quantity] += 1
            bound = tolerance(peer, program, quantity)
            if bound == TOLERANCES[quantity]:
                self.worst[quantity] = max(difference, self.worst.get(quantity, 0.0))
            if not difference <= bound:
                self.disagreements.append(f"{peer.name}, {quantity}: {difference:.1e}\n{program}")


class Run:
    """Programs that were compared, and what came of it."""

    def __init__(self, ours: list[Library], peers: list[Library]) -> None:
        self.ours, self.peers = ours, peers
        self.tallies = {(mine.name, peer.name): Tally() for mine in ours for peer in peers}
        self.unsupported: dict[str, Counter[str]] = {peer.name: Counter() for peer in peers}
        self.contradictions: dict[str, list[str]] = {peer.name: [] for peer in peers}
        self.programs: list[Program] = []
        # Programs whose gradients were compared with a peer, by family of operations.
        self.families: dict[str, Counter[str]] = {peer.name: Counter() for peer in peers}

    def compare(self, program: Program, wanted: Sequence[str], store: Store) -> None:
        """Ask every library about one program."""
        self.programs.append(program)
        mine = {library.name: ask(library, program, wanted) for library in self.ours}
        for peer in peers_of(program.kind, self.peers):
            theirs = self._ask(peer, program, wanted, store)
            ours_is_near = not any(contradicts_differences(m, program) for m in mine.values())
            if ours_is_near and contradicts_differences(theirs, program):
                self.contradictions[peer.name].append(f"{program.kind} {program.seed}")
                del theirs.arrays["jvp"]
            reason = theirs.unsupported.get("gradient")
            if reason:
                self.unsupported[peer.name][reason] += 1
            else:
                self.families[peer.name].update(families_of(program))
            for name, found in mine.items():
                if found.unsupported:
                    raise SystemExit(f"{name}: {found.unsupported}\n{program}")
                self.tallies[name, peer.name].add(program, peer, differences(found, theirs))

    @staticmethod
    def _ask(peer: Library, program: Program, wanted: Sequence[str], store: Store) -> Answers:
        try:
            return store.ask(peer, program, wanted)
        except Exception as error:
            # A failure of a peer is listed with what it cannot do; the rest is compared.
            reason = f"{type(error).__name__}: {error}".splitlines()[0][:120]
            return Answers({}, dict.fromkeys(wanted, reason))


def contradicts_differences(answers: Answers, program: Program) -> bool:
    """Whether a peer's forward mode is not even near the central difference of the values."""
    if "jvp" not in answers.arrays:
        return False
    function, h = program.function(plain_numpy()), 1e-6
    steps = [(x, h * t) for x, t in zip(program.inputs, program.tangents)]
    above, below = (function(*[x + sign * t for x, t in steps]) for sign in (1, -1))
    slope = (above - below) / (2 * h)
    return bool(abs(answers.arrays["jvp"][0] - slope) > 1e-4 * max(abs(slope), 1.0))


def families_of(program: Program) -> set[str]:
    """The families of the operations of a program."""
    return {OPERATIONS[step.operation].family for step in program.steps}


def quantities(kind: str, seed: int) -> tuple[str, ...]:
    """What is asked of a program: second derivatives and forward mode of a share of the narrow."""
    share = kind == "wide" or (seed + seed // len(OPERATIONS)) % 8 == 0
    return QUANTITIES if share else ("value", "gradient")


def peers_of(kind: str, peers: Sequence[Library]) -> list[Library]:
    """JAX is asked about narrow programs only, for it would compile too long."""
    return [peer for peer in peers if kind == "narrow" or peer.name != "JAX"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.differential.report")
    parser.add_argument("--narrow", type=int, default=2_080, help="number of narrow programs")
    parser.add_argument("--wide", type=int, default=1_206, help="number of wide programs")
    parser.add_argument("--answers", type=Path, help="keep the peers' answers in this folder")
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args(argv)
    missing = [peer.name for peer in PEERS if not peer.installed()]
    if missing:
        print(f"not installed: {', '.join(missing)} (pip install -e '.[bench]')", file=sys.stderr)
        return 1
    warnings.simplefilter("ignore")
    run = Run([library() for library in OURS], [peer() for peer in PEERS])
    store = Store(arguments.answers)
    todo = [("narrow", seed) for seed in range(arguments.narrow)]
    todo += [("wide", seed) for seed in range(arguments.wide)]
    for start in range(0, len(todo), BATCH):
        chunk = [
            (generate(seed, kind), quantities(kind, seed)) for kind, seed in todo[start:][:BATCH]
        ]
        for peer in run.peers:
            if isinstance(peer, Jax):
                store.prepare(peer, [(p, w) for p, w in chunk if p.kind == "narrow"])
        for program, wanted in chunk:
            run.compare(program, wanted, store)
        print(f"{start + len(chunk)} of {len(todo)} programs", flush=True)
    arguments.out.write_text(page(run))
    print(f"wrote {arguments.out}")
    failures = [text for tally in run.tallies.values() for text in tally.disagreements]
    for text in failures:
        print(text)
    return 1 if failures else 0


def page(run: Run) -> str:
    """The page of the documentation."""
    return "\n".join([*_what(run), *_agreement(run), *_families(run), *_peers(run)]) + "\n"


def _what(run: Run) -> list[str]:
    versions = ", ".join(f"{lib.name} {lib.version()}" for lib in [run.ours[0], *run.peers])
    used = operations_of(run.programs)
    kinds = Counter(program.kind for program in run.programs)
    compared = {
        peer.name: run.tallies[run.ours[0].name, peer.name].compared["gradient"]
        for peer in run.peers
    }
    counts = ", ".join(f"{count:,} by {name}" for name, count in compared.items())
    return [
        "# Differential test",
        "",
        "<!-- Written by `python -m tests.differential.report`; do not edit. -->",
        "",
        f"{len(run.programs):,} random programs from a table of {len(OPERATIONS)} operations were "
        f"evaluated and differentiated by wengert and by other libraries in double precision: "
        f"{counts}, in value and gradient. {kinds['narrow']:,} programs have three steps on few "
        f"shapes, {kinds['wide']:,} have six on many. Every operation occurs in at least "
        f"{min(used.values())} programs. Forward mode and Hessian-vector products were asked of "
        "all wide programs and of every eighth narrow one, of JAX only of the latter: it compiles "
        "each operation anew for each shape, and wide programs have too many.",
        "",
        f"{versions}, NumPy {np.__version__}, Python {platform.python_version()}; "
        f"{datetime.now(UTC).date().isoformat()}.",
        "",
    ]


def _agreement(run: Run) -> list[str]:
    lines = [
        "A cell gives the number of programs that were compared and the largest relative "
        "difference among them (the difference of two entries divided by the largest entry).",
        "",
        "| wengert's face | peer | value | gradient | jvp | Hessian-vector product |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for (mine, peer), tally in run.tallies.items():
        cells = [
            f"{tally.compared[quantity]}: {tally.worst.get(quantity, 0.0):.1e}"
            if tally.compared[quantity]
            else "0"
            for quantity in QUANTITIES
        ]
        lines.append(f"| {mine} | {peer} | {' | '.join(cells)} |")
    disagreements = sum(len(tally.disagreements) for tally in run.tallies.values())
    bounds = ", ".join(f"{quantity} {bound:g}" for quantity, bound in TOLERANCES.items())
    return [
        *lines,
        "",
        f"Differences above the tolerances ({bounds}): {disagreements}.",
        "",
        "`wengert` is plain `import numpy as np` code, with SciPy's own ufuncs, `value_and_grad`, "
        "`jvp` and `jvp` of `grad`; the second face is `wengert.numpy` and `wengert.scipy` with "
        "`Tensor.backward()` and `vjp` of `grad`.",
        "",
    ]


def _families(run: Run) -> list[str]:
    sizes = Counter(operation.family for operation in OPERATIONS.values())
    total: Counter[str] = Counter()
    for program in run.programs:
        total.update(families_of(program))
    names = [peer.name for peer in run.peers]
    lines = [
        "## Programs by family of operations",
        "",
        "How many programs have at least one operation of the family, and of how many the gradient "
        "was compared with each peer.",
        "",
        f"| family | operations | programs | {' | '.join(names)} |",
        "| --- | --- | --- |" + " --- |" * len(names),
    ]
    for family, size in sizes.items():
        counts = " | ".join(str(run.families[name][family]) for name in names)
        lines.append(f"| {family} | {size} | {total[family]} | {counts} |")
    return [*lines, ""]


def _peers(run: Run) -> list[str]:
    lines = ["## Disagreements", "", *DISAGREEMENTS.splitlines(), ""]
    for name, known in INEXACT.items():
        for reason, entry in known.items():
            operations = ", ".join(f"`{operation}`" for operation in sorted(entry.operations))
            lines.append(
                f"- {name}: {reason} Programs with {operations} are compared with it to "
                f"{entry.tolerance:g} and left out of the largest differences above."
            )
    for name, programs in run.contradictions.items():
        if programs:
            lines.append(
                f"- {name}: in {len(programs)} programs ({', '.join(programs[:6])}) its forward "
                "mode is far from the central difference of the values, and wengert's is not. "
                "Other quantities are compared."
            )
    lines += [
        "",
        "## What the peers could not do",
        "",
        "These programs are not counted for the peer. Item assignment is a step of some programs; "
        "JAX runs it as `x.at[i].set(v)`, PyTorch on a clone, autograd has none. Where PyTorch has "
        "no function of that name, the program composes it of others, if that is simple.",
        "",
    ]
    for peer, reasons in run.unsupported.items():
        total = sum(reasons.values())
        lines.append(f"- {peer}: {total} programs" + (", among the reasons:" if reasons else "."))
        lines += [f"    - `{reason}` ({count})" for reason, count in reasons.most_common(12)]
    return lines


if __name__ == "__main__":
    sys.exit(main())
