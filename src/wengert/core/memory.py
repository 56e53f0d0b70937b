"""Memory of freed arrays is kept for the next ones.

A training step allocates tens of megabytes and frees them at its end. glibc returns what is freed
to the system and asks for it again in the next step, one page fault for every 4 KB, which took a
good part of a convolutional network's step (benchmarks/convnet.py). Its limits adapt to the largest
block that a program has ever freed, up to 32 MB. Freeing one of that size, without having touched
it, therefore makes it keep up to 64 MB (mallopt(3), "dynamic mmap threshold"). Other allocators are
not affected.
"""

from __future__ import annotations

import numpy as np

__all__ = ["retain_freed_memory"]

# DEFAULT_MMAP_THRESHOLD_MAX of glibc's malloc.c for 64 bits, less a page for its own header.
LARGEST = 2**25 - 2**13


def retain_freed_memory() -> None:
    """Allocate a large block, untouched, and free it."""
    np.empty(LARGEST, np.uint8)
