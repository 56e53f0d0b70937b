"""Linear systems with banded matrices and with Toeplitz matrices.

A banded matrix is stored by its diagonals, ``ab[u + i - j, j] == a[i, j]``, in stacks
``(..., l + u + 1, n)``, as in SciPy. Right-hand sides are matrices ``(..., n, k)``.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ..core import algebra
from ..core.bind import bind
from ..core.errors import ShapeError
from ..core.index import ARRAY
from ..core.primitive import Primitive
from .batching import stacked
from .contractions import matmul
from .cumulative import section, shifted
from .indexing import getitem_p
from .joining import concatenate_p, stack_p
from .linalg import on_stacks, result_dtype
from .shapes import reshape

__all__ = [
    "solve_bands",
    "solve_bands_p",
    "solve_toeplitz_p",
    "toeplitz_matrix",
    "transposed_bands",
]


def _row(ab: Any, i: int) -> Any:
    x = section(ab, ab.ndim - 2, i, i + 1)
    return reshape(x, (*x.shape[:-2], x.shape[-1]))


def transposed_bands(ab: Any, lower: int, upper: int) -> Any:
    """The diagonals of the transpose, which has ``upper`` of them below the main one."""
    rows = [shifted(_row(ab, i), i - upper, ab.ndim - 2) for i in range(lower + upper + 1)]
    return bind(stack_p, tuple(rows[::-1]), {"axis": ab.ndim - 2})


def _times(ab: Any, x: Any, lower: int, upper: int) -> Any:
    """``A x``."""
    total = None
    for i in range(lower + upper + 1):
        row = _row(ab, i)
        y = shifted(reshape(row, (*row.shape, 1)) * x, i - upper, x.ndim - 2)
        total = y if total is None else total + y
    return total


def _bands_shape(ab: Any, b: Any, lower: int, upper: int) -> tuple[tuple[int, ...], Any]:
    if len(ab.shape) < 2 or ab.shape[-2] != lower + upper + 1 or ab.shape[-1] != b.shape[-2]:
        raise ShapeError(
            f"solve_banded: diagonals of shape {ab.shape} do not fit l_and_u = {(lower, upper)} "
            f"and a right-hand side of shape {b.shape}; expected "
            f"({lower + upper + 1}, {b.shape[-2]})"
        )
    stack = np.broadcast_shapes(ab.shape[:-2], b.shape[:-2])
    return (*stack, *b.shape[-2:]), result_dtype(ab, b)


def _solve_bands(ab: Any, b: Any, lower: int, upper: int) -> Any:
    from scipy.linalg import solve_banded

    solve = partial(solve_banded, (lower, upper))
    results = _bands_shape(ab, b, lower, upper)
    return on_stacks(solve, "(d,n),(n,k)->(n,k)", results, ab, b, check_finite=False)


def _bands_jvp(ts: Any, ins: Any, out: Any, lower: int, upper: int) -> Any:
    ta, tb = ts
    right = tb
    if ta is not None:
        t = _times(ta, out, lower, upper)
        right = -t if tb is None else tb - t
    return solve_bands(ins[0], right, lower, upper)


def _cotangent_of_right(ct: Any, ins: Any, out: Any, lower: int, upper: int) -> Any:
    x = solve_bands(transposed_bands(ins[0], lower, upper), ct, upper, lower)
    return algebra.unbroadcast(x, ins[1].shape)


def _bands_batch(args: Any, batched: Any, size: int, lower: int, upper: int) -> Any:
    ab, b = stacked(args, batched, size, (2, 2))
    return solve_bands(ab, b, lower, upper)


solve_bands_p: Primitive = Primitive(
    "solve_banded",
    _solve_bands,
    _bands_shape,
    _bands_batch,
    jvp=_bands_jvp,
    linear=(1,),
    transpose=(None, _cotangent_of_right),
    show="scipy.linalg.solve_banded(({lower}, {upper}), {0}, {1})",
)


def solve_bands(ab: Any, b: Any, lower: int, upper: int) -> Any:
    """``x`` with ``A x = b`` for a banded A and matrices b."""
    return bind(solve_bands_p, (ab, b), {"lower": lower, "upper": upper})


# ------------------------------------------------------------------ Toeplitz matrices


def toeplitz_matrix(c: Any, r: Any) -> Any:
    """Columns ``c`` (..., m) and rows ``r`` (..., n) as matrices (..., m, n); r[0] is not read."""
    m, n = c.shape[-1], r.shape[-1]
    last = len(c.shape) - 1
    tail = section(r, last, 1, None)
    values = bind(concatenate_p, (c, tail), {"axis": last})
    i, j = np.arange(m)[:, None], np.arange(n)
    place = np.where(i >= j, i - j, m + j - i - 1)
    return bind(getitem_p, (values, place), {"template": (Ellipsis, ARRAY)})


def _toeplitz_shape(c: Any, r: Any, b: Any) -> tuple[tuple[int, ...], Any]:
    n = c.shape[-1]
    if r.shape[-1] != n or len(b.shape) < 2 or b.shape[-2] != n:
        raise ShapeError(
            f"solve_toeplitz: the column {c.shape}, the row {r.shape} and the right-hand side "
            f"{b.shape} must have one length"
        )
    stack = np.broadcast_shapes(c.shape[:-1], r.shape[:-1], b.shape[:-2])
    return (*stack, *b.shape[-2:]), result_dtype(c, r, b)


def _solve_toeplitz(c: Any, r: Any, b: Any) -> Any:
    from scipy.linalg import solve_toeplitz

    results = _toeplitz_shape(c, r, b)
    if c.ndim == r.ndim == 1 and b.ndim == 2:
        return np.ascontiguousarray(solve_toeplitz((c, r), b, check_finite=False), results[1])
    # of stacks NumPy's general solver in one call, since SciPy's takes one matrix at a time
    matrices = np.broadcast_to(toeplitz_matrix(c, r), (*results[0][:-2], c.shape[-1], c.shape[-1]))
    found = np.linalg.solve(matrices, np.broadcast_to(b, results[0]))
    return np.ascontiguousarray(found, results[1])


def _toeplitz_jvp(ts: Any, ins: Any, out: Any) -> Any:
    c, r, _ = ins
    tc, tr, tb = ts
    right = tb
    if tc is not None or tr is not None:
        tc = algebra.zeros_like(c) if tc is None else tc
        tr = algebra.zeros_like(r) if tr is None else tr
        t = matmul(toeplitz_matrix(tc, tr), out)
        right = -t if tb is None else tb - t
    return bind(solve_toeplitz_p, (c, r, right), {})


def _exchanged(c: Any, r: Any) -> tuple[Any, Any]:
    """Column and row of the transpose, whose first entries are that of the column."""
    last = len(c.shape) - 1
    first = section(c, last, None, 1)
    return bind(concatenate_p, (first, section(r, last, 1, None)), {"axis": last}), c


def _toeplitz_batch(args: Any, batched: Any, size: int) -> Any:
    return bind(solve_toeplitz_p, stacked(args, batched, size, (1, 1, 2)), {})


solve_toeplitz_p: Primitive = Primitive(
    "solve_toeplitz",
    _solve_toeplitz,
    _toeplitz_shape,
    _toeplitz_batch,
    jvp=_toeplitz_jvp,
    linear=(2,),
    transpose=(
        None,
        None,
        lambda ct, ins, out: algebra.unbroadcast(
            bind(solve_toeplitz_p, (*_exchanged(ins[0], ins[1]), ct), {}), ins[2].shape
        ),
    ),
    show="solve_toeplitz({0}, {1}, {2})",
)
