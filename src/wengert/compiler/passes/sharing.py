"""Whether a plan gains by several threads: what they share out, against what they wait and fetch.

What one thread wrote, and another one reads (a sum over the rows that both have filled, say), moves
from one cache to the other and back again in the next call. A short plan of many such steps is
faster on one thread.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..plan import Buffer, Region
from .rows import Profile

__all__ = ["gain_of_threads"]

# In the seconds of `Profile`, of which about six are one on a machine with vectors of 64 bytes.
# Fitted to programs of 10 to 70 us on one thread and on two.
_POOL = 1e-5  # to hand the first parts out: with less to gain one thread was faster
_BARRIER = 7e-6  # that threads wait for each other
_PER_BYTE = 5.4e-10  # that moves between the caches of two
_MOST_BYTES = 1 << 19  # for each thread: more is not in its cache anyway

Periods = Mapping[Buffer, int | None]


def gain_of_threads(
    steps: Sequence[Any],
    threads: int,
    profile: Callable[[Any], Profile],
    periods: Callable[[Region], tuple[Periods, Periods]],
    lost: Callable[[Region], float],
) -> float:
    """The seconds that threads save; less than nothing if one thread is faster.

    ``periods`` gives the rows of what a shared region reads and writes, as `rows.Rows` has them,
    and ``lost`` what its rows cost more than on one thread.
    """
    elsewhere = 1 - 1 / threads  # the part that other threads have
    saved = waited = moved = 0.0
    is_shared = False
    rows: dict[Buffer, int | None] = {}  # of what was written
    for region in steps:
        if not isinstance(region, Region):
            continue
        profiles = [profile(s) for s in (*region.fills, *region.steps)]
        reads = set().union(*(p.reads for p in profiles))
        writes = set().union(*(p.writes for p in profiles))
        inside, outside = periods(region) if region.parts > 1 else ({}, {})
        if region.parts > 1:
            # Rows are shared out in multiples of what is computed at once.
            shared = 1 - min(region.share / region.length, 1.0)
            is_shared = True
            saved += shared * sum(p.seconds for p in profiles) - lost(region)
        waited += _BARRIER * region.barrier
        for memory in reads - writes:
            if memory in rows:
                period = inside.get(memory)
                whole = region.parts > 1 and period is None
                if whole or period != rows[memory]:
                    moved += memory.nbytes
        for memory in writes:
            rows[memory] = outside.get(memory)
    moving = elsewhere * _PER_BYTE * min(moved, _MOST_BYTES * threads)
    return saved - waited - moving - _POOL * is_shared
