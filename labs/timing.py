"""Times that can be compared: everyone in turn, round by round, medians.

The benchmarks' timer (`benchmarks/timing.py`) measures in the same way and more finely; the labs do
not need it to be there, since they run from an installed wheel as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import repeat
from time import perf_counter

import numpy as np

__all__ = ["interleaved"]


def interleaved(
    contestants: Mapping[str, Callable[[], object]], *, rounds: int, burst: float
) -> dict[str, np.ndarray]:
    """Seconds per call, by name: an array of ``rounds`` entries.

    Machines drift: clocks change, neighbours wake up. So nothing is measured in one go. In every
    round each contestant runs for a short burst, in an order that rotates; compare medians, or
    the median of ratios within a round.

    Parameters
    ----------
    contestants : mapping
        Functions without arguments, by name.
    rounds : int
        Better odd: the median was measured then.
    burst : float
        About how many seconds a contestant runs in a round; at least one call.
    """
    calls = {name: _calls_in(burst, step) for name, step in contestants.items()}
    seconds: dict[str, np.ndarray] = {name: np.empty(rounds) for name in contestants}
    order = list(contestants)
    for number in range(rounds):
        for name in order:
            # A few calls before the clock starts: the caches hold what the last one used.
            _seconds(contestants[name], calls[name] // 4)
            seconds[name][number] = _seconds(contestants[name], calls[name]) / calls[name]
        order = [*order[1:], *order[:1]]
    return seconds


def _seconds(step: Callable[[], object], calls: int) -> float:
    start = perf_counter()
    for _ in repeat(None, calls):
        step()
    return perf_counter() - start


def _calls_in(burst: float, step: Callable[[], object]) -> int:
    """How many calls take about ``burst`` seconds, and at least one."""
    step()  # what happens once only (imports, compilation) is not counted
    calls = 1
    while (elapsed := _seconds(step, calls)) < burst / 4:
        calls *= 4
    return max(1, round(calls * burst / elapsed))
