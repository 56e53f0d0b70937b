"""Check the hand-written graphs against sample outputs, central differences and wengert."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import wengert as wg
from labs.backprop.checks import (
    METHODS,
    Method,
    backward_difference,
    forward_difference,
    largest,
    listing,
    listing_difference,
)
from labs.backprop.functions import FUNCTIONS
from labs.backprop.samples import DATA, Sample, read_samples
from labs.command import Parser, run_script

__all__ = ["FORWARD_TOLERANCE", "TOLERANCE", "differences", "main"]

FORWARD_TOLERANCE = 1e-12
# A central difference in double precision resolves about ten digits.
TOLERANCE = 1e-8


def differences(
    samples: dict[str, list[Sample]], method: Method = "central"
) -> dict[str, tuple[float, float, float]]:
    """The largest differences of each function over its samples.

    Returns
    -------
    dict
        Function to differences of the output from the sample's, of the gradients from numerical
        ones, and of both from those of wengert's listing.
    """
    return {
        name: (
            largest(forward_difference(name, sample) for sample in entries),
            largest(backward_difference(name, sample, method) for sample in entries),
            listing_difference(name, entries),
        )
        for name, entries in samples.items()
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code is 1 if a difference is too large."""
    parser = Parser("python -m labs.backprop.main", __doc__ or "")
    parser.add_argument(
        "--data",
        type=Path,
        default=DATA,
        metavar="FILE",
        help="sample data (default: backprop-data.json)",
    )
    parser.add_argument(
        "--function", action="append", choices=list(FUNCTIONS), help="check only this one"
    )
    parser.add_argument(
        "--method",
        choices=METHODS,
        default="central",
        help="of numerical differentiation (default: %(default)s)",
    )
    parser.add_argument(
        "--listing", action="store_true", help="print what wengert writes of each graph, too"
    )
    return run_script(parser, _run, argv)


def _run(arguments: argparse.Namespace) -> int:
    samples = read_samples(arguments.data)
    for name in arguments.function or ():
        if name not in samples:
            raise wg.DataError(f"{arguments.data}: has no samples of {name}")
    if arguments.function:
        samples = {name: samples[name] for name in FUNCTIONS if name in arguments.function}
    if arguments.listing:
        for name, entries in samples.items():
            print(f"# ---- {name}\n{listing(name, entries[0])}\n")
    failed = False
    print(f"largest differences    forward   backward ({arguments.method})   wengert's listing")
    for name, (forward, backward, written) in differences(samples, arguments.method).items():
        ok = forward < FORWARD_TOLERANCE and backward < TOLERANCE and written < FORWARD_TOLERANCE
        failed |= not ok
        width = len(f"backward ({arguments.method})")
        print(
            f"{name} ({len(samples[name])} samples){'':6}{forward:9.1e}   {backward:{width}.1e}"
            f"   {written:17.1e}   {'ok' if ok else 'WRONG'}"
        )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
