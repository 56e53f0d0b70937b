"""Cases for `wengert.operations`."""

from __future__ import annotations

import numpy as np

from wengert.operations import cross_entropy

from ..case import Case

LABELS = np.array([2, 0, 3])

CASES = [
    Case("cross_entropy", lambda x: cross_entropy(x, LABELS), args=[(3, 4)]),
    Case("cross_entropy_one_row", lambda x: cross_entropy(x, np.uint8(2)), args=[(4,)]),
    Case(
        "cross_entropy_stacked",
        lambda x: cross_entropy(x, np.array([[0, 1, 2], [2, 2, 1]])),
        args=[(2, 3, 3)],
    ),
    Case("cross_entropy_no_rows", lambda x: cross_entropy(x, LABELS[:0]), args=[(0, 4)]),
]
