"""Sorting for the eager tape: one pass gives the sorted array and the order, which the sweep needs.

NumPy sorts numbers in less than half the time in which it finds their order (`np.argsort`), so the
sort of a recorded array sorts keys that tell both: the numbers with their places in the last bits.
Of doubles these bits are those of the fraction that matter least, which may swap neighbours that
are almost equal; so what the order gives is looked at, and where it does not rise the values are
NumPy's own. `python -m benchmarks.gradient_cost sort` has the ratio.

Nodes: ``[id, SORT, parent, None, gradient, x, out, axis, places, distinct]``, where ``places`` are
the flat indices in ``x`` of the elements of ``out``, or None where the sweep has to find them, and
``distinct`` tells that no elements are equal.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.bind import bind
from ..core.settled_views import ordinary
from ..core.state import COUNTER, PAUSED, SlowPath, leaves_tape
from ..core.tape import Cotangents, Node, NodeKind, Wrap, accumulate, contribute
from ..core.tensor import FastTensor
from .sorting import sort_p, tie_mean_p

__all__ = ["fast_sort", "sort_cotangent"]

# Of fewer elements NumPy's own sort, and its search for the order, are over sooner.
_MANY = 1024
# The most bits of a double's fraction that places may take: 36 remain to tell numbers apart.
_BITS = 16
_DOUBLE, _SINGLE = np.dtype(np.float64), np.dtype(np.float32)


def _sorted_keys(x: Any) -> Any:
    """The order of each row of ``x`` (in C order), by keys; None if these cannot tell it.

    A permutation in any case, but of doubles that are almost equal maybe not the order.
    """
    n = x.shape[-1]
    bits = (n - 1).bit_length()
    if x.dtype == _DOUBLE and bits <= _BITS:
        mask = np.uint64((1 << bits) - 1)
        keys = x.view(np.uint64) & ~mask
    elif x.dtype == _SINGLE and bits <= 32:
        # The bits of a single number at the top of a double: it has the same sign, and rises with
        # the number, since its exponent and fraction do.
        mask = np.uint64((1 << 32) - 1)
        keys = x.view(np.uint32).astype(np.uint64)
        keys <<= np.uint64(32)
    else:
        return None
    keys |= np.arange(n, dtype=np.uint64)
    numbers = keys.view(np.float64)
    numbers.sort()
    # A place in the last bits of an infinity makes it a NaN, and NumPy's sort may replace those.
    if np.isnan(numbers[..., -1]).any():
        return None
    keys &= mask
    return keys.view(np.int64)


def _flat(order: Any) -> Any:
    """Places in the raveled array, for places in the rows of an array in C order."""
    rows, n = order.shape[:-1], order.shape[-1]
    if rows:
        order += np.arange(0, order.size, n).reshape((*rows, 1))
    return order


def _searched(x: Any) -> Any:
    """The flat places of the sorted elements of each row of ``x``, as NumPy finds them."""
    return _flat(np.argsort(x, -1))


def _rises(y: Any) -> bool:
    return bool((y[..., 1:] > y[..., :-1]).all())


def _by_order(x: Any) -> tuple[Any, Any, bool]:
    """The sorted rows of ``x``, in C order, their flat places, and whether no elements are equal.

    No places are given where they would have to be searched for a second time.
    """
    order = _sorted_keys(x)
    places = _searched(x) if order is None else _flat(order)
    y = x.reshape(-1).take(places)
    if _rises(y):
        return y, places, True
    # Equal numbers and NaN: which of their representations come first is left to NumPy.
    found = np.sort(x)
    return found, places if order is None or np.array_equal(found, y) else None, False


def fast_sort(x: Any, axis: int) -> Any:
    """``np.sort(x, axis)`` for ``x`` as `operand` gives it."""
    t = _recordable(x, axis) if x.size >= _MANY else None
    try:
        if t is None or (PAUSED and leaves_tape()):
            return bind(sort_p, (x,), {"axis": axis})
    except SlowPath:
        return bind(sort_p, (x,), {"axis": axis})
    a = t._a
    r = FastTensor()
    r._a, places, distinct = _by_order(a)
    r._n = [next(COUNTER), SORT, t._n, None, None, a, r._a, axis, places, distinct]
    return r


def _recordable(x: Any, axis: int) -> Any:
    """The FastTensor that is or stands for ``x``, if its rows along ``axis`` are in C order."""
    t = x if type(x) is FastTensor else ordinary(x, True)
    if t is None or t._n is None or type(t._a) is not np.ndarray:
        return None
    a = t._a
    usual = axis == a.ndim - 1 and a.flags.c_contiguous and a.dtype.char in "fd"
    return t if usual else None


def sort_cotangent(ct: Any, x: Any, y: Any, axis: int, places: Any, distinct: bool) -> Any:
    """The cotangent of ``x``: that of each sorted element, or the mean over those that equal it."""
    if not distinct:
        ct = tie_mean_p.evaluate(ct, y, axis)
    if axis != x.ndim - 1:
        x, y, ct = (np.moveaxis(a, axis, -1) for a in (x, y, ct))
    if places is None:
        places = _places(np.ascontiguousarray(x), y)
    g = np.empty(x.shape, ct.dtype)
    g.reshape(-1)[places.reshape(-1)] = ct.reshape(-1)
    return g if axis == g.ndim - 1 else np.moveaxis(g, -1, axis)


def _places(x: Any, y: Any) -> Any:
    """The flat places of the sorted rows ``y`` in ``x``."""
    if x.size >= _MANY:
        order = _sorted_keys(x)
        if order is not None and np.array_equal(x.reshape(-1).take(_flat(order)), y):
            return order
    return _searched(x)


def _raw_sort(node: Node, ct: Any, cotangents: Cotangents) -> None:
    accumulate(cotangents, node[2], sort_cotangent(ct, *node[5:10]))


def _graph_sort(node: Node, ct: Any, cotangents: Cotangents, wrap: Wrap) -> None:
    parents, (x,), params, out, _ = _decode_sort(node)
    operands = (wrap(x, parents[0]),)
    contribute(sort_p, parents, operands, wrap(out, node), params, ct, cotangents, False)


def _decode_sort(node: Node) -> tuple[Any, ...]:
    return (node[2],), (node[5],), {"axis": node[7]}, node[6], (None,)


SORT = NodeKind("sort", sort_p, False, _raw_sort, _graph_sort, _decode_sort)
