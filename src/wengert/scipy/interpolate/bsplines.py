"""Interpolating splines of any degree, by way of B-splines.

The spline of degree ``k`` is ``sum_j c_j B_j``, where the B-splines have knots at or between the
nodes and the coefficients solve the banded system ``s(x_i) = y_i`` (C. de Boor, A Practical Guide
to Splines, 1978, chapters IX, X and XIII). Which B-splines are not zero at a node follows from the
number of the node alone, so the pattern of the system is fixed, and its elements are differentiated
in the nodes.
"""

from __future__ import annotations

from math import factorial
from typing import Any

import numpy as np

from .sparse_systems import solve_along_first

__all__ = ["spline_pieces"]


def spline_pieces(x: Any, y: Any, k: int) -> tuple[Any, Any]:
    """Coefficients (k + 1, n - k, ...) in powers, and breakpoints (n - k + 1,), for ``k >= 2``.

    The breakpoints are SciPy's: for odd ``k`` the nodes but for ``(k - 1) / 2`` after the first and
    before the last one, for even ``k`` the middles between nodes but for ``k / 2`` at each end.

    Parameters
    ----------
    x : array (n,)
        Increasing nodes, at least ``k + 1``.
    y : array (n, ...)
    k : int
    """
    n = x.shape[0]
    half = (k + 1) // 2
    inner = (x if k % 2 else (x[1:] + x[:-1]) / 2)[half:-half]
    breaks = np.concatenate([x[:1], inner, x[-1:]])
    knots = np.concatenate([x[np.zeros(k, int)], breaks, x[np.full(k, n - 1)]])
    i = np.arange(n)
    at = np.clip(i - half + k % 2, 0, n - k - 1)  # the interval of each node
    values = np.stack(_basis(knots, at + k, x, k), -1)
    columns = at[:, None] + np.arange(k + 1)
    rows = np.broadcast_to(i[:, None], columns.shape)
    c = solve_along_first(np.reshape(values, (-1,)), np.ravel(rows), np.ravel(columns), y)
    return _powers(knots, c, k), breaks


def _basis(knots: Any, at: Any, x: Any, k: int) -> list[Any]:
    """The ``k + 1`` B-splines that are not zero in the interval after the knot ``at``, at ``x``."""
    after = [knots[at + j] - x for j in range(1, k + 1)]
    before = [x - knots[at + 1 - j] for j in range(1, k + 1)]
    found = [1.0 + 0.0 * x]
    for j in range(1, k + 1):
        parts = [found[r] / (after[r] + before[j - 1 - r]) for r in range(j)]
        up = [0.0, *[before[j - 1 - r] * parts[r] for r in range(j)]]
        down = [*[after[r] * parts[r] for r in range(j)], 0.0]
        found = [u + d for u, d in zip(up, down, strict=True)]
    return found


def _powers(knots: Any, c: Any, k: int) -> Any:
    """The pieces in powers of the distance from their left ends, the highest first.

    The coefficient of the power ``m`` is the derivative of order ``m`` there over its factorial.
    The coefficients of a derivative are differences of coefficients, over those of knots.
    """
    count = c.shape[0] - k
    left = np.arange(count)
    rest = (1,) * (c.ndim - 1)
    rows = []
    for m in range(k + 1):
        basis = _basis(knots, left + k, knots[left + k], k - m)
        terms = [np.reshape(b, (-1, *rest)) * c[left + r] for r, b in enumerate(basis)]
        rows.append(sum(terms[1:], terms[0]) / float(factorial(m)))
        if m < k:
            j = np.arange(c.shape[0] - 1)
            gaps = np.reshape(knots[j + k + 1] - knots[j + m + 1], (-1, *rest))
            c = (k - m) * np.diff(c, axis=0) / gaps
    return np.stack(rows[::-1])
