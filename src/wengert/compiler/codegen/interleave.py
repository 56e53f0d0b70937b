"""Text of independent computations, one instruction of each in turn.

A polynomial of ten steps waits for each of them, and a processor looks ahead only so far: with a
second vector beside it, its units have something to do meanwhile.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["interleaved"]

_NAME = re.compile(r"%[\w.]+")
_SHORT = 16  # lines that processors overlap by themselves


def interleaved(chains: Sequence[list[str]]) -> list[str]:
    """The lines of all chains; each chain keeps its order.

    A line may use what earlier chains define, and then waits for it. Chains that are short, or that
    branch, follow one another.
    """
    whole = [line for chain in chains for line in chain]
    if min(map(len, chains)) < _SHORT or any(_branches(line) for line in whole):
        return whole
    missing = {line.split(" = ", 1)[0] for line in whole if " = " in line}
    places = [0] * len(chains)
    merged: list[str] = []
    while len(merged) < len(whole):
        for k, chain in enumerate(chains):
            if places[k] == len(chain):
                continue
            line = chain[places[k]]
            defined, _, text = line.rpartition(" = ")
            if k and not missing.isdisjoint(_NAME.findall(text)):
                continue
            missing.discard(defined)
            merged.append(line)
            places[k] += 1
    return merged


def _branches(line: str) -> bool:
    return line.endswith(":") or line.startswith("br ")
