"""What the machine can do: products of matrices, and reading memory, measured now."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

__all__ = ["Limits", "measure_limits"]


@dataclass(frozen=True)
class Limits:
    """Operations a second in float32, and bytes read a second, with all of NumPy's threads."""

    flops: float
    bandwidth: float

    def fraction(self, seconds: float, flops: float | None, nbytes: float | None) -> float | None:
        """Which part of the nearer limit is reached; None if neither is known."""
        least = self.least_seconds(flops, nbytes)
        return least / seconds if least else None

    def least_seconds(self, flops: float | None, nbytes: float | None) -> float:
        """What so many operations, or bytes, take at least."""
        return max((flops or 0) / self.flops, (nbytes or 0) / self.bandwidth)

    def nearer(self, flops: float, nbytes: float) -> str:
        """Which limit is the nearer one: "flops" or "bandwidth"."""
        return "flops" if flops / self.flops >= nbytes / self.bandwidth else "bandwidth"


def measure_limits(seconds: float = 0.5) -> Limits:
    """The best of repeated products of 1024 x 1024 matrices, and of sums of 128 MB."""
    a = np.ones((1024, 1024), np.float32)
    b = np.ones(1 << 24)
    return Limits(
        2 * 1024**3 / _best(lambda: a @ a, seconds), b.nbytes / _best(lambda: b.sum(), seconds)
    )


def _best(run, seconds: float) -> float:  # type: ignore[no-untyped-def]
    run()
    best, stop = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < stop:
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
    return best
