"""Memory that a sweep frees is kept by the allocator for the next one.

A tape frees its arrays together. The C library then gives the end of the heap back to the system,
from 128 KB on, and arrays from 128 KB on are mapped and unmapped one by one; the next recording
faults every page in again. That made a gradient of arrays of 80 KB up to eight times as slow as its
operations (`python -m benchmarks.gradient_cost`). The GNU C library raises both limits by itself
when a larger mapped block is freed, up to 32 MB and twice that (mallopt(3), M_MMAP_THRESHOLD). So
one block of nearly that size is allocated and freed, untouched, as any program with a large array
does; other C libraries take no notice. At most 64 MB more stay with the process.
"""

from __future__ import annotations

import numpy as np

__all__ = ["LARGEST", "raise_limits"]

LARGEST = 2**25 - 2**16
"""Bytes: a little less than the largest block that the limits follow."""


def raise_limits() -> None:
    """Let the C library keep up to 64 MB of freed memory for what comes next."""
    np.empty(LARGEST, np.uint8)  # freed at once; not one page of it is used
