"""The overhead of one operation on arrays of four numbers, as a multiple of NumPy's own call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Operation:
    """One statement, timed with plain arrays and with Tensors of the same names.

    ``unrecorded`` and ``recorded`` are the most that the Tensor's call may take, as multiples of
    the plain call; None where there is no bar.
    """

    key: str
    way: str
    statement: str
    unrecorded: float | None = None
    recorded: float | None = None


OPERATIONS = (
    Operation("operator", "operator", "a * b", unrecorded=2.0, recorded=2.4),
    Operation("ufunc", "ufunc dispatch", "np.multiply(a, b)", recorded=3.6),
    Operation("function_sum", "array-function dispatch", "np.sum(a)"),
    Operation("function_where", "array-function dispatch", "np.where(c, a, b)"),
)


def operands(kind: str) -> dict[str, Any]:
    """The names that the statements use, for plain arrays, unrecorded and recorded Tensors."""
    a, b = np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.5, -1.5, 2.5, -3.5])
    names = {"np": np, "c": a > 2, "a": a, "b": b}
    if kind != "numpy":
        import wengert as wg

        recorded = kind == "recorded"
        names |= {
            "a": wg.Tensor(a, requires_grad=recorded),
            "b": wg.Tensor(b, requires_grad=recorded),
        }
    return names
