"""Interleaved timing.

Machines drift: clocks change, neighbours wake up. So nothing is measured in one go. In every round
each contestant runs for a short burst, in an order that rotates, and ratios are formed within a
round before the median over rounds is taken. The garbage collector is left as the user has it.

Threads of the contestant before spin for up to a tenth of a second after its last call (those of
OpenBLAS do) and take a core from whoever runs then; so each burst begins when the process is idle.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import repeat
from time import perf_counter, process_time, sleep

import numpy as np

# Takes a number of calls and returns the seconds they took.
Timer = Callable[[int], float]


def timer(step: Callable[[], object]) -> Timer:
    """Time calls of a function."""

    def run(calls: int) -> float:
        start = perf_counter()
        for _ in repeat(None, calls):
            step()
        return perf_counter() - start

    return run


def statement_timer(statement: str, **names: object) -> Timer:
    """Time a statement without the cost of a function call around it, as timeit does."""
    source = (
        "def run(calls):\n"
        "    start = perf_counter()\n"
        "    for _ in repeat(None, calls):\n"
        f"        {statement}\n"
        "    return perf_counter() - start\n"
    )
    scope: dict[str, object] = {}
    parameters = ", ".join(names)
    factory = f"def make({parameters}):\n" + "".join(
        f"    {line}\n" for line in source.splitlines()
    )
    # Names become closure variables, which are as fast to read as a user's own local ones.
    exec(factory + "    return run\n", {"perf_counter": perf_counter, "repeat": repeat}, scope)
    made = scope["make"](**names)  # type: ignore[operator]
    return made  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Times:
    """Seconds per call of several contestants, one row per round."""

    names: list[str]
    rounds: np.ndarray

    def of(self, name: str) -> np.ndarray:
        """The rounds of one contestant."""
        return self.rounds[:, self.names.index(name)]

    def median(self, name: str) -> float:
        """The median time of one call."""
        return float(np.median(self.of(name)))

    def quartiles(self, name: str) -> tuple[float, float]:
        """The first and third quartile of the time of one call."""
        low, high = np.quantile(self.of(name), [0.25, 0.75])
        return float(low), float(high)

    def ratio(self, name: str, reference: str) -> float:
        """The median over rounds of the time of ``name`` divided by that of ``reference``."""
        return float(np.median(self.of(name) / self.of(reference)))


def interleave(contestants: Mapping[str, Timer], *, rounds: int, burst: float) -> Times:
    """Run all contestants in turn, ``rounds`` times, for about ``burst`` seconds each.

    Parameters
    ----------
    contestants : mapping
        Timers by name.
    rounds : int
        The number of rounds; an odd number has a median that was measured.
    burst : float
        Seconds per contestant and round. A quarter as many calls run before the clock starts, so
        that caches and thread pools are warm.
    """
    names = list(contestants)
    calls: dict[str, int] = {}
    for name, run in contestants.items():
        _wait_until_idle()
        calls[name] = _calls_for(run, burst)
    seconds = np.empty((rounds, len(names)))
    for number in range(rounds):
        for offset in range(len(names)):
            position = (number + offset) % len(names)
            name = names[position]
            _wait_until_idle()
            contestants[name](max(1, calls[name] // 4))
            seconds[number, position] = contestants[name](calls[name]) / calls[name]
    return Times(names, seconds)


def _calls_for(run: Timer, burst: float) -> int:
    run(3)  # compiled functions are prepared for further calls in the second one
    calls = 1
    while (elapsed := run(calls)) < burst / 4:
        calls *= 2 if elapsed > burst / 100 else 10
    return max(1, round(calls * burst / elapsed))


def _wait_until_idle(most: float = 0.5) -> None:
    """Sleep until no thread of the process works, or for ``most`` seconds."""
    deadline = perf_counter() + most
    while perf_counter() < deadline:
        start, used = perf_counter(), process_time()
        sleep(0.01)
        if process_time() - used < 0.1 * (perf_counter() - start):
            return
