"""How rows are shared out evenly: of how many of them the ranges of a region are multiples.

What a nest computes at once, a tile of rows or a vector along them, divides the ranges of its
region. Where there are not many times as many rows, the multiples that suit every nest would leave
one thread with most of the rows. Then short nests make do with smaller tiles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import lcm, prod

from ..codegen.loops import Loops, choose_loops, product_axes
from ..codegen.processor import Processor
from ..codegen.tiles import best_layout
from ..plan import Nest, Plan
from .rows import Profile

__all__ = ["Tiles"]

_MANY_ROWS = 64  # for each thread: more than are computed at once in any nest
_UNITS = (32, 24, 16, 12, 8, 6, 4, 2, 1)
_EVEN = 1.05  # times its share that the busiest thread may have
_UNTILED = 1.3  # times what a nest takes that computes fewer rows at once
_MOST = 0.4  # of the time of a nest: what is lost with it, at most


class Tiles:
    """How many rows nests compute at once, with so many threads."""

    def __init__(self, plan: Plan, processor: Processor, threads: int) -> None:
        self._plan = plan
        self._processor = processor
        self._threads = threads
        self._slowness: dict[tuple[Profile, int, int], float] = {}

    def unit(self, nests: Sequence[Nest]) -> int:
        """The number of rows of which the ranges of all nests are multiples."""
        return lcm(*[self._loops(n).unit for n in nests])

    def share_out(
        self, nests: Sequence[Nest], seconds: Sequence[float], length: int, parts: int
    ) -> int:
        """The number of rows of which the ranges of all nests are to be multiples.

        Where it is not what suits each nest best, the nests are told.
        """
        own = self.unit(nests)
        if parts == 1 or _busiest(length, parts, own) <= _EVEN:
            return own

        def cost(unit: int) -> float:
            slow = sum(s * self._slower(n, unit) for n, s in zip(nests, seconds, strict=True))
            return slow * _busiest(length, parts, unit)

        unit = min((own, *_UNITS), key=cost)
        for nest in nests:
            nest.unit = unit
        return unit

    def lost(self, members: Sequence[tuple[Profile, int]], length: int) -> float:
        """Seconds lost, with the steps of a region on these axes of so many rows.

        Nothing is lost if every thread gets rows without giving up tiles.
        """
        parts = self._threads
        if parts == 1 or length >= _MANY_ROWS * parts:
            return 0.0
        nests = [replace(p.nest, rows=axis, parts=parts) for p, axis in members]
        share = _share(length, parts, self.unit(nests))
        if -(-length // share) == parts:
            return 0.0

        def slower(unit: int) -> float:
            total = 0.0
            for nest, (profile, axis) in zip(nests, members, strict=True):
                key = (profile, axis, unit)
                if key not in self._slowness:
                    self._slowness[key] = self._slower(nest, unit)
                total += profile.seconds * (self._slowness[key] - 1)
            return total

        whole = sum(p.seconds for p, _ in members)
        units = {unit: slower(unit) for unit in _UNITS}
        best = min(units, key=lambda u: (whole + units[u]) * _busiest(length, parts, u))
        return min(units[best], _MOST * whole)

    def _slower(self, nest: Nest, unit: int) -> float:
        """How many times as long a nest takes whose ranges are multiples of ``unit``."""
        nest = replace(nest, unit=0)
        free = self._loops(nest)
        if unit % free.unit == 0:
            return 1.0
        tied = replace(nest, unit=unit)
        product = product_axes(tied, self._plan.buffers, self._processor)
        if product is not None:
            own = replace(nest, unit=free.unit)
            before = product_axes(own, self._plan.buffers, self._processor)
            assert before is not None
            return max(best_layout(product.shape).cycles / best_layout(before.shape).cycles, 1.0)
        loops = self._loops(tied)
        slower = free.width / loops.width
        return max(slower, _UNTILED) if _at_once(loops) < _at_once(free) else 1.0

    def _loops(self, nest: Nest) -> Loops:
        return choose_loops(nest, self._plan.buffers, self._processor)


def _share(length: int, parts: int, unit: int) -> int:
    """The rows of one part; the last may have fewer."""
    return -(-length // (parts * unit)) * unit


def _busiest(length: int, parts: int, unit: int) -> float:
    """How many times its share of the rows the busiest part has."""
    return min(_share(length, parts, unit), length) * parts / length


def _at_once(loops: Loops) -> int:
    """How many elements are computed together."""
    return prod(loops.counts.values()) * loops.width
