"""Systems of equations of splines."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...rules.sparse import Pattern, sparse_solve

__all__ = ["solve_along_first"]


def solve_along_first(data: Any, rows: Any, columns: Any, rhs: Any) -> Any:
    """The solution of a sparse system along the first axis."""
    n = rhs.shape[0]
    order = np.lexsort((columns, rows))
    indptr = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=n))])
    pattern = Pattern(columns[order], indptr, (n, n))
    flat = rhs if rhs.ndim == 1 else np.reshape(rhs, (n, -1))
    return np.reshape(sparse_solve(data[order], flat, pattern), rhs.shape)
