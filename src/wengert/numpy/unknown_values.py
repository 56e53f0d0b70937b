"""Functions that look at values, where only shapes are known: inside `vmap` and `jit`.

NumPy's own functions serve plain values. What stands here gives the same results by comparisons and
arithmetic, for arguments whose results have a shape that does not depend on data. Where NumPy would
raise an error that depends on values (bins that are not monotonic, a number out of bounds), none is
raised.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.bind import bind
from ..core.index import split
from ..rules.indexing import getitem_p
from .arguments import operand
from .joining import along

__all__ = [
    "counts_between", "flat_numbers", "membership", "number_of_bin", "rank_of_matrix", "rolled",
    "with_inserted", "without", "wrapped_numbers",
]  # fmt: skip


def _taken(a: Any, numbers: Any, axis: int) -> Any:
    template, arrays = split(along(axis, numbers))
    return bind(getitem_p, (a, *arrays), {"template": template}, False)


def rolled(a: Any, shift: Any, axis: int) -> Any:
    """``np.roll`` along one axis by an unknown number of places."""
    n = a.shape[axis]
    return _taken(a, (np.arange(n) - shift) % n, axis) if n else a


def without(a: Any, place: Any, axis: int) -> Any:
    """``np.delete`` of the slice with an unknown number."""
    n = a.shape[axis]
    others = np.arange(n - 1)
    return _taken(a, others + (others >= place % n), axis)


def with_inserted(a: Any, place: Any, values: Any, axis: int) -> Any:
    """``np.insert`` of all values before the slice with an unknown number."""
    n = a.shape[axis]
    values = values.reshape((1,) * (a.ndim - values.ndim) + values.shape)
    values = np.moveaxis(values, 0, axis)  # what NumPy does for a single number
    m = values.shape[axis]
    place = np.where(place < 0, place + n, place)
    numbers = np.arange(n + m)
    new = np.logical_and(numbers >= place, numbers < place + m)
    old = _taken(a, np.clip(numbers - m * (numbers >= place + m), 0, max(n - 1, 0)), axis)
    inserted = _taken(values, np.clip(numbers - place, 0, m - 1), axis)
    return np.where(new.reshape((n + m,) + (1,) * (a.ndim - 1 - axis)), inserted, old)


def number_of_bin(x: Any, bins: Any, right: bool) -> Any:
    """``np.digitize`` with unknown bins, in ascending or descending order."""
    side: Any = "left" if right else "right"
    ascending = np.searchsorted(bins, x, side)
    descending = bins.shape[0] - np.searchsorted(bins[::-1], x, side)
    return np.where(bins[-1] >= bins[0], ascending, descending)


def counts_between(x: Any, edges: Any) -> Any:
    """How many elements lie in each bin between ascending edges, the last one included."""
    x, edges = operand(x).reshape(-1), operand(edges)
    ordered = np.sort(x)
    before = np.searchsorted(ordered, edges, "left")
    last = np.searchsorted(ordered, edges[-1:], "right")
    return np.diff(np.concatenate([before[:-1], last]))


def membership(x: Any, among: Any, invert: bool) -> Any:
    """``np.isin``."""
    x, among = operand(x), operand(among).reshape(-1)
    found = np.any(x.reshape((*x.shape, 1)) == among, axis=-1)
    return np.logical_not(found) if invert else found


def rank_of_matrix(a: Any, tol: Any, hermitian: bool, rtol: Any) -> Any:
    """``np.linalg.matrix_rank``: the singular values above the tolerance."""
    if a.ndim < 2:
        return np.any(a != 0).astype(np.intp)
    s = abs(np.linalg.eigvalsh(a)) if hermitian else np.linalg.svd(a, compute_uv=False)
    if tol is None:
        if rtol is None:
            rtol = max(a.shape[-2:]) * np.finfo(s.dtype).eps
        tol = np.max(s, axis=-1, keepdims=True) * np.reshape(rtol, (*np.shape(rtol), 1))
    else:
        tol = np.reshape(tol, (*np.shape(tol), 1))
    return np.count_nonzero(s > tol, axis=-1)


def flat_numbers(places: Any, shape: Any, mode: Any, order: str) -> Any:
    """``np.ravel_multi_index``."""
    modes = mode if isinstance(mode, tuple) else (mode,) * len(shape)
    sizes = [(i, n, m) for i, n, m in zip(places, shape, modes, strict=True)]
    number: Any = 0
    for i, n, m in sizes if order == "C" else reversed(sizes):
        if m == "wrap":
            i = i % n
        elif m == "clip":
            i = np.clip(i, 0, n - 1)
        number = number * n + i
    return number


def wrapped_numbers(number: Any, shape: Any, order: str) -> tuple[Any, ...]:
    """``np.unravel_index``."""
    places = []
    for n in reversed(shape) if order == "C" else shape:
        places.append(number % n)
        number = number // n
    return tuple(reversed(places)) if order == "C" else tuple(places)
