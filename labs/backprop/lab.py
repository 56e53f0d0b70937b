"""Four graphs differentiated by hand, checked, and written out by the library itself."""

from __future__ import annotations

import argparse
from typing import Any

from labs.backprop.checks import largest, listing
from labs.backprop.main import differences
from labs.backprop.picture import picture
from labs.backprop.samples import DATA, read_samples
from wengert.train.atomic import write_bytes

__all__ = ["BOUNDS", "run"]

BOUNDS = {
    "forward_max_difference": "< 1e-12",
    "backward_max_difference_central": "< 1e-8",
    "listing_max_difference": "< 1e-12",
}

_QUICK_SAMPLES = 2  # one for each label of f3


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Check all four graphs and write their listings and pictures.

    Parameters
    ----------
    options : Namespace
        ``out``, where ``f1.py`` (the listing) and ``f1.png`` go, and so on; ``quick``: two samples
        of each graph instead of all.

    Returns
    -------
    dict
        The largest differences over all graphs and samples.
    """
    samples = read_samples(DATA)
    if options.quick:
        samples = {name: entries[:_QUICK_SAMPLES] for name, entries in samples.items()}
    central = differences(samples, "central")
    richardson = differences(samples, "richardson")
    for name, entries in samples.items():
        write_bytes(options.out / f"{name}.py", listing(name, entries[0]).function.encode())
        write_bytes(options.out / f"{name}.png", picture(name))
    return {
        "functions": len(samples),
        "samples": sum(map(len, samples.values())),
        "forward_max_difference": largest(forward for forward, _, _ in central.values()),
        "backward_max_difference_central": largest(backward for _, backward, _ in central.values()),
        "backward_max_difference_richardson": largest(b for _, b, _ in richardson.values()),
        "listing_max_difference": largest(written for _, _, written in central.values()),
    }
