"""Time ``x @ y.T`` against ``(y @ x.T).T`` in single precision.

``python -m benchmarks.products`` shows why `wengert.rules.contractions` turns the product around
for few rows. It prints the ratio of the times (above 1 where turning it around, with the copy to C
order, is faster), interleaved, median of 15.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

SHAPES = [(m, k, k) for k in (128, 256, 512) for m in (4, 8, 16, 32, 48, 64, 128)]


def _seconds(run: Callable[[], Any], repeats: int) -> float:
    start = time.perf_counter()
    for _ in range(repeats):
        run()
    return time.perf_counter() - start


def main() -> None:
    """Print the table."""
    rng = np.random.default_rng(0)
    print(f"{'rows':>6}{'width':>7}{'ratio':>8}")
    for m, k, n in SHAPES:
        x = rng.random((m, n), dtype=np.float32)
        y = rng.random((k, n), dtype=np.float32)
        repeats = max(5, 2**21 // (m * k))
        ratios = [
            _seconds(lambda x=x, y=y: x.dot(y.T), repeats)
            / _seconds(lambda x=x, y=y: np.ascontiguousarray(y.dot(x.T).T), repeats)
            for _ in range(15)
        ]
        print(f"{m:>6}{k:>7}{statistics.median(ratios):>8.2f}")


if __name__ == "__main__":
    main()
