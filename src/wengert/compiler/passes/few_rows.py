"""What a region with few rows loses where each thread has fewer than are computed at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import lcm, prod

from ..codegen.access import Loops, choose_loops
from ..plan import Nest, Plan
from .rows import Profile

__all__ = ["Tiles"]

_MANY_ROWS = 64  # for each thread: more than are computed at once in any nest
_WORTH = 0.4  # of the time of a nest: what tiles save


class Tiles:
    """How many rows nests compute at once, with so many threads."""

    def __init__(self, plan: Plan, vector_bytes: int, threads: int) -> None:
        self._plan = plan
        self._vector_bytes = vector_bytes
        self._threads = threads
        self._known: dict[tuple[Profile, int, bool], Loops] = {}

    def unit(self, nests: Sequence[Nest]) -> int:
        """The number of rows of which the ranges of all nests are multiples."""
        buffers = self._plan.buffers
        return lcm(*[choose_loops(n, buffers, self._vector_bytes).unit for n in nests])

    def lost(self, members: Sequence[tuple[Profile, int]], length: int) -> float:
        """Seconds lost, with the steps of a region on these axes of so many rows.

        Nothing is lost if every thread gets rows without giving up tiles.
        """
        if self._threads == 1 or length >= _MANY_ROWS * self._threads:
            return 0.0
        unit = lcm(*[self._loops(p, axis, False).unit for p, axis in members])
        share = -(-length // (self._threads * unit)) * unit
        if -(-length // share) == self._threads:
            return 0.0
        return _WORTH * sum(
            profile.seconds for profile, axis in members
            if _at_once(self._loops(profile, axis, False))
            > _at_once(self._loops(profile, axis, True))
        )  # fmt: skip

    def _loops(self, profile: Profile, axis: int, alone: bool) -> Loops:
        """The loops of a step that runs on ranges of an axis."""
        key = (profile, axis, alone)
        if key not in self._known:
            nest = replace(profile.nest, rows=axis, alone=alone, parts=self._threads)
            self._known[key] = choose_loops(nest, self._plan.buffers, self._vector_bytes)
        return self._known[key]


def _at_once(loops: Loops) -> int:
    """How many elements are computed together."""
    return prod(loops.counts.values()) * loops.width
