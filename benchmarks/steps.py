"""Where a compiled program of `benchmarks.peers` spends its time: its steps, on every thread.

    python -m benchmarks.steps mlp two_layer
    python -m benchmarks.steps mlp --variant 7

Each step of the plan has a line with its time, GF/s and GB/s (see `wengert.jit`, ``lower``).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.backends import Wengert
from benchmarks.programs import Program, programs, variants

__all__ = ["main", "profiles"]


def profiles(program: Program, seconds: float = 0.2) -> list[Any]:
    """A `wengert.compiler.profiler.Measurement` of each function that the program compiles."""
    calls: dict[Any, tuple[Any, ...]] = {}

    class Watched(Wengert):
        """Remembers with what its compiled functions are called first."""

        def compile(self, f: Callable[..., Any], donate: Sequence[int] = ()) -> Callable[..., Any]:
            compiled = super().compile(f, donate)

            def called(*args: Any) -> Any:
                calls.setdefault(compiled, args)
                return compiled(*args)

            return called

    program.make(Watched())()
    return [compiled.lower(*args).profile(seconds) for compiled, args in calls.items()]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    known = programs()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.steps", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("names", metavar="NAME", nargs="+", help=f"of {', '.join(known)}")
    parser.add_argument("--variant", type=int, metavar="SEED", help="draw sizes and dtypes")
    arguments = parser.parse_args(argv)
    names = arguments.names
    if arguments.variant is not None:
        known = variants(arguments.variant)
    if unknown := [name for name in names if name not in known]:
        print(f"unknown: {', '.join(unknown)}; known are {', '.join(known)}", file=sys.stderr)
        return 2
    for name in names:
        print(known[name].title)
        for measurement in profiles(known[name]):
            print(measurement)
    return 0


if __name__ == "__main__":
    sys.exit(main())
