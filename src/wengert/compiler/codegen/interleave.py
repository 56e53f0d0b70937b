"""Text of independent computations, one instruction of each in turn.

A polynomial of ten steps waits for each of them, and a processor looks ahead only so far: with a
second vector beside it, its units have something to do meanwhile. What is done rarely, in a branch
of its own, is done for all of them in one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["UNLIKELY", "interleaved"]

UNLIKELY = "!prof !0"  # the module defines it

_NAME = re.compile(r"%[\w.]+")
_RARE = re.compile(rf"br i1 (\S+), label %(\w+), label %(\w+), {UNLIKELY}")
_SHORT = 16  # lines that processors overlap by themselves


class _Rare(NamedTuple):
    """Lines between labels that are executed only if a condition holds."""

    condition: str
    label: str
    after: str
    lines: list[str]


class _Parts(NamedTuple):
    """A chain in order: ``straight[0]``, ``rare[0]``, ``straight[1]``, ..."""

    straight: list[list[str]]
    rare: list[_Rare]


def interleaved(chains: Sequence[list[str]]) -> list[str]:
    """The lines of all chains; each chain keeps its order.

    A line may use what earlier chains define, and then waits for it. Chains that are short, or that
    branch otherwise than to what is rare, follow one another.
    """
    whole = [line for chain in chains for line in chain]
    parts = [_parts(chain) for chain in chains]
    if len(chains) == 1 or min(map(len, chains)) < _SHORT or None in parts:
        return whole
    steps = [p for p in parts if p is not None]
    if len({len(p.rare) for p in steps}) > 1 or not _in_order(steps):
        return whole
    merged: list[str] = []
    for k in range(len(steps[0].straight)):
        merged += _in_turn([p.straight[k] for p in steps])
        if k < len(steps[0].rare):
            merged += _together([p.rare[k] for p in steps])
    return merged


def _parts(chain: Sequence[str]) -> _Parts | None:
    """The parts of a chain, unless it branches otherwise."""
    found = _Parts([[]], [])
    rare: _Rare | None = None
    for line in chain:
        entered = _RARE.fullmatch(line)
        if rare is None and entered:
            rare = _Rare(entered[1], entered[2], entered[3], [])
        elif rare is None and not _branches(line):
            found.straight[-1].append(line)
        elif rare is not None and not _branches(line):
            rare.lines.append(line)
        elif rare is not None and line == f"{rare.after}:":
            found.rare.append(rare)
            found.straight.append([])
            rare = None
        elif rare is None or line not in (f"{rare.label}:", f"br label %{rare.after}"):
            return None
    return found if rare is None else None


def _branches(line: str) -> bool:
    return line.endswith(":") or line.startswith("br ")


def _defined(lines: Sequence[str]) -> set[str]:
    return {line.split(" = ", 1)[0] for line in lines if " = " in line}


def _in_order(chains: Sequence[_Parts]) -> bool:
    """Whether no part needs what later parts of other chains define."""
    later: set[str] = set()
    for k in range(len(chains[0].straight) - 1, -1, -1):
        for p in chains:
            here = [*p.straight[k], *(p.rare[k].lines if k < len(p.rare) else [])]
            if not later.isdisjoint(name for line in here for name in _NAME.findall(line)):
                return False
        # What is defined in a branch is seen after it only through stack slots.
        later |= _defined([line for p in chains for line in p.straight[k]])
    return True


def _in_turn(chains: Sequence[Sequence[str]]) -> list[str]:
    whole = [line for chain in chains for line in chain]
    missing = _defined(whole)
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


def _together(rare: Sequence[_Rare]) -> list[str]:
    """One branch, taken if any of them were: they do right where their condition does not hold."""
    first = rare[0]
    lines: list[str] = []
    condition = first.condition
    for k, other in enumerate(rare[1:]):
        either = f"{first.condition}.or{k}"
        lines.append(f"{either} = or i1 {condition}, {other.condition}")
        condition = either
    return [
        *lines,
        f"br i1 {condition}, label %{first.label}, label %{first.after}, {UNLIKELY}",
        f"{first.label}:",
        *[line for r in rare for line in r.lines],
        f"br label %{first.after}",
        f"{first.after}:",
    ]
