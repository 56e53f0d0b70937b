"""Sorting and searching.

The derivative of a sort moves the tangents as the elements moved. Equal elements have no order of
their own, so each of them gets the mean of their tangents. Where no elements are equal, which one
comparison of the sorted array tells, that costs nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.bind import bind
from ..core.primitive import Primitive
from ..core.tensor import Tensor
from .batching import materialize, ndim_of, shape_of
from .reductions import sum_
from .shapes import astype, reshape

__all__ = [
    "argpartition_p",
    "argsort_p",
    "lexsort_p",
    "partition_p",
    "permute_along_p",
    "searchsorted_p",
    "sort_p",
    "tie_mean_p",
    "unpermute_along_p",
]


def _same(x: Any, **params: Any) -> tuple[tuple[int, ...], Any]:
    return x.shape, x.dtype


def _positions(x: Any, **params: Any) -> tuple[tuple[int, ...], Any]:
    return x.shape, np.dtype(np.intp)


def _along_batch(primitive: Primitive) -> Any:
    """Batching rule of an operation along ``axis`` on operands of one shape."""

    def batch(args: Any, batched: Any, size: int, axis: int, **params: Any) -> Any:
        args = tuple([materialize(x, b, size) for x, b in zip(args, batched, strict=True)])
        return bind(primitive, args, {"axis": axis + 1, **params})

    return batch


def _along(name: str, evaluate: Any, shape: Any, **record: Any) -> Primitive:
    p = Primitive(name, evaluate, shape, None, lower=name, **record)
    p.batch = _along_batch(p)
    return p


# ------------------------------------------------------------------ positions (plain results)

argsort_p = _along(
    "argsort",
    lambda x, axis, stable=False: np.argsort(x, axis, kind="stable" if stable else None),
    _positions,
    plain=True,
    show=lambda x, axis, stable=False: (
        f"np.argsort({x}, axis={axis}{', stable=True' if stable else ''})"
    ),
)

argpartition_p = _along(
    "argpartition",
    lambda x, axis, kth: np.argpartition(x, kth, axis),
    _positions,
    plain=True,
    show="np.argpartition({0}, {kth}, axis={axis})",
)

lexsort_p = _along(
    "lexsort",
    lambda *keys, axis: np.lexsort(keys, axis),
    lambda *keys, axis: _positions(keys[0]),
    plain=True,
    show=lambda *keys, axis: f"np.lexsort(({', '.join(keys)},), axis={axis})",
)


# ------------------------------------------------------------------ permutations along an axis


def _unpermute(x: Any, order: Any, axis: int) -> Any:
    y = np.empty(x.shape, x.dtype)
    np.put_along_axis(y, order, x, axis)
    return y


permute_along_p = _along(
    "permute_along",
    lambda x, order, axis: np.take_along_axis(x, order, axis),
    lambda x, order, axis: _same(x),
    linear=(0,),
    transpose=(lambda ct, ins, out, axis: _unpermuted(ct, ins[1], axis), None),
    show="np.take_along_axis({0}, {1}, {axis})",
)

unpermute_along_p = _along(
    "unpermute_along",
    _unpermute,
    lambda x, order, axis: _same(x),
    linear=(0,),
    transpose=(lambda ct, ins, out, axis: _permuted(ct, ins[1], axis), None),
    show="np.take_along_axis({0}, np.argsort({1}, {axis}), {axis})",
)


def _permuted(x: Any, order: Any, axis: int) -> Any:
    return bind(permute_along_p, (x, order), {"axis": axis})


def _unpermuted(x: Any, order: Any, axis: int) -> Any:
    return bind(unpermute_along_p, (x, order), {"axis": axis})


# ------------------------------------------------------------------ means over ties


def _tie_mean(t: Any, y: Any, axis: int) -> Any:
    t, y = np.moveaxis(t, axis, -1), np.moveaxis(y, axis, -1)
    starts = np.ones(y.shape, bool)
    np.not_equal(y[..., 1:], y[..., :-1], out=starts[..., 1:])
    if starts.all():
        return np.moveaxis(t, -1, axis).copy()
    starts = starts.ravel()
    places = np.flatnonzero(starts)
    counts = np.diff(places, append=starts.size)
    means = np.add.reduceat(t.ravel(), places) / counts.astype(t.real.dtype)
    return np.moveaxis(np.repeat(means, counts).reshape(t.shape), -1, axis)


# A projection, and symmetric: it is its own transpose.
tie_mean_p = _along(
    "tie_mean",
    _tie_mean,
    lambda t, y, axis: _same(t),
    linear=(0,),
    transpose=(lambda ct, ins, out, axis: _mean_over_ties(ct, ins[1], axis), None),
    show="tie_mean({0}, {1}, {axis})",
)


def _mean_over_ties(t: Any, y: Any, axis: int) -> Any:
    """Of the values ``t``, means over the places where the sorted ``y`` is equal."""
    return bind(tie_mean_p, (t, y), {"axis": axis})


# ------------------------------------------------------------------ sort and partition


def _sort_jvp(ts: Any, ins: Any, out: Any, axis: int) -> Any:
    order = bind(argsort_p, (ins[0],), {"axis": axis})
    return _mean_over_ties(_permuted(ts[0], order, axis), out, axis)


sort_p = _along(
    "sort",
    lambda x, axis: np.sort(x, axis),
    lambda x, axis: _same(x),
    jvp=_sort_jvp,
    show="np.sort({0}, axis={axis})",
)


def _partition_jvp(ts: Any, ins: Any, out: Any, axis: int, kth: tuple[int, ...]) -> Any:
    """To the sorted order and from there to that of the output, which NumPy leaves open."""
    x = ins[0]
    order = bind(argsort_p, (x,), {"axis": axis})
    t = _mean_over_ties(_permuted(ts[0], order, axis), bind(sort_p, (x,), {"axis": axis}), axis)
    return _unpermuted(t, bind(argsort_p, (out,), {"axis": axis}), axis)


partition_p = _along(
    "partition",
    lambda x, axis, kth: np.partition(x, kth, axis),
    lambda x, axis, kth: _same(x),
    jvp=_partition_jvp,
    show="np.partition({0}, {kth}, axis={axis})",
)


# ------------------------------------------------------------------ searching (plain results)


def _searchsorted_batch(args: Any, batched: Any, size: int, side: str) -> Any:
    a, v = args
    if not batched[0]:
        return bind(searchsorted_p, (a, v), {"side": side})
    # As many sorted arrays as examples: count in each the elements before v.
    rank = ndim_of(v, batched[1])
    v = reshape(v, (*shape_of(v), 1) if batched[1] else (1, *shape_of(v), 1))
    a = reshape(a, (size, *(1,) * rank, shape_of(a)[-1]))
    before = np.less(a, v) if side == "left" else np.less_equal(a, v)
    before = before | np.not_equal(v, v)  # NaN comes last
    before = astype(before, np.intp) if isinstance(before, Tensor) else before.astype(np.intp)
    return sum_(before, (rank + 1,))


searchsorted_p = Primitive(
    "searchsorted",
    lambda a, v, side: np.searchsorted(a, v, side),
    lambda a, v, side: (shape_of(v), np.dtype(np.intp)),
    _searchsorted_batch,
    plain=True,
    show="np.searchsorted({0}, {1}, {side!r})",
    lower="searchsorted",
)
