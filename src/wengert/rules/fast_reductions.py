"""The eager fast paths of `sum`, `max` and `min`: one flat node, its cotangent on plain arrays.

What they compute is what the records in `reductions.py` say (a test compares the two); this file
is about time: a recorded sum of a few numbers takes half a microsecond more than NumPy's own, where
the way through `bind` takes four.

Nodes: ``[id, SUM, parent, None, gradient, shape, axis, keepdims]`` and ``[id, MAX, parent, None,
gradient, x, out, axis, keepdims, places]``, with the axis as the caller gave it; ``places`` are the
flat indices of the extrema where these were found first, or None.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ..core.abstract import Aval
from ..core.algebra import stretched
from ..core.bind import bind
from ..core.dual import Dual
from ..core.finite import finite
from ..core.ownership import alone_in_list
from ..core.primitive import Primitive
from ..core.state import COUNTER, PAUSED, SlowPath, leaves_tape
from ..core.sweep import LARGE
from ..core.tape import Cotangents, Node, NodeKind, Wrap, contribute
from ..core.tensor import FastTensor, Tensor
from .reductions import canonical_axes, kept_shape, max_p, min_p, spread, sum_p

__all__ = ["fast_max", "fast_min", "fast_sum"]

_add: Any = np.add.reduce
_maximum: Any = np.maximum.reduce
_minimum: Any = np.minimum.reduce
_argmax: Any = np.ndarray.argmax
_argmin: Any = np.ndarray.argmin
_empty = np.empty
_arange = np.arange
_asarray = np.asarray
_ndarray = np.ndarray
# Without the dispatch to other libraries' arrays.
_count_nonzero: Any = getattr(np.count_nonzero, "_implementation", np.count_nonzero)
# Below this number of elements filling an array is faster than making a view of stride zero.
_LARGE = 16384
# Of at least so many rows, none longer than that, NumPy finds the places of the extrema in less
# time than it takes to reduce them, and the sweep needs the places.
_MANY, _SHORT = 100, 1000
# Of fewer elements for each extremum, multiplying by the mask is faster than finding the places.
_DENSE = 8


def _through_bind(primitive: Primitive, x: Tensor, axis: Any, keepdims: bool) -> Any:
    params = {"axis": canonical_axes(axis, x.ndim), "keepdims": keepdims}
    return bind(primitive, (x,), params)


def fast_sum(x: Tensor, axis: Any, keepdims: bool) -> Any:
    """The sum of a FastTensor."""
    a = x._a
    m = x._n
    r = FastTensor()
    r._a = _add(a, axis, None, None, keepdims)
    try:
        untracked = (PAUSED and leaves_tape()) or m is None
    except SlowPath:
        return _through_bind(sum_p, x, axis, keepdims)
    if untracked:
        r._n = None
    else:
        r._n = [next(COUNTER), SUM, m, None, None, a.shape, axis, keepdims]
    return r


class _Writable:
    """Describes the memory of an array to NumPy, without the mark that it is read-only."""

    __slots__ = ("__array_interface__", "array")

    def __init__(self, a: Any) -> None:
        description = a.__array_interface__
        description["data"] = (description["data"][0], False)
        self.__array_interface__ = description
        self.array = a  # keeps the memory


def _first_places(a: Any, find: Any) -> Any:
    """The indices of the extrema along the last axis, of which nothing is written.

    NumPy copies an array that is read-only before it looks for them, which takes as long again.
    """
    return find(a if a.flags.writeable else _asarray(_Writable(a)), -1)


def _by_places(a: Any, axis: int, keepdims: bool, find: Any) -> tuple[Any, Any]:
    """The extrema of many short rows, read at their flat places; None for other arrays."""
    rows, n = a.shape[:-1], a.shape[-1]
    if axis not in (-1, a.ndim - 1) or not 0 < n <= _SHORT or a.dtype.char not in "fd":
        return None, None
    if not a.flags.c_contiguous:
        return None, None
    places = _first_places(a, find).reshape(-1)
    places += _arange(0, a.size, n)
    y = a.reshape(-1).take(places)
    # Which of 0.0 and -0.0 NumPy's reduction gives is left to it.
    if _count_nonzero(y) != y.size:
        return None, None
    return y.reshape((*rows, 1) if keepdims else rows), places


def _extrema(a: Any, axis: Any, keepdims: bool, reduce: Any, find: Any) -> tuple[Any, Any]:
    """The extrema, and their flat places where those were found first."""
    if type(axis) is int and a.ndim > 1 and a.size >= _MANY * a.shape[-1]:
        y, places = _by_places(a, axis, keepdims, find)
        if y is not None:
            return y, places
    return reduce(a, axis, None, None, keepdims), None


def fast_max(x: Tensor, axis: Any, keepdims: bool) -> Any:
    """The maximum of a FastTensor."""
    a = x._a
    m = x._n
    try:
        untracked = (PAUSED and leaves_tape()) or m is None
    except SlowPath:
        return _through_bind(max_p, x, axis, keepdims)
    r = FastTensor()
    if untracked:
        r._a = _maximum(a, axis, None, None, keepdims)
        r._n = None
        return r
    y, places = _extrema(a, axis, keepdims, _maximum, _argmax)
    r._a = y
    r._n = [next(COUNTER), MAX, m, None, None, a, y, axis, keepdims, places]
    return r


def fast_min(x: Tensor, axis: Any, keepdims: bool) -> Any:
    """The minimum of a FastTensor."""
    a = x._a
    m = x._n
    try:
        untracked = (PAUSED and leaves_tape()) or m is None
    except SlowPath:
        return _through_bind(min_p, x, axis, keepdims)
    r = FastTensor()
    if untracked:
        r._a = _minimum(a, axis, None, None, keepdims)
        r._n = None
        return r
    y, places = _extrema(a, axis, keepdims, _minimum, _argmin)
    r._a = y
    r._n = [next(COUNTER), MIN, m, None, None, a, y, axis, keepdims, places]
    return r


def _with_kept_axes(ct: Any, shape: tuple[int, ...], axis: Any) -> Any:
    """An output, or its cotangent, with the reduced axes put back as axes of length one."""
    if type(axis) is int:
        axis %= len(shape)
        return ct.reshape((*shape[:axis], 1, *shape[axis + 1 :]))
    return ct.reshape(kept_shape(shape, canonical_axes(axis, len(shape))))


def _raw_sum(node: Node, ct: Any, cotangents: Cotangents) -> None:
    m = node[2]
    shape = node[5]
    if ct.ndim and not node[7]:
        ct = _with_kept_axes(ct, shape, node[6])
    if ct.shape == shape:
        g = ct
    elif prod(shape) < _LARGE:
        g = _empty(shape, ct.dtype)
        if ct.ndim:
            g[...] = ct
        else:
            g.fill(ct)
    else:
        g = stretched(ct, shape)
    k = m[0]
    if k not in cotangents:
        cotangents[k] = g
    elif type(g) is _ndarray and g.size >= LARGE:
        _add_large(cotangents, k, g)
    else:
        cotangents[k] = cotangents[k] + g


def _add_large(cotangents: Cotangents, k: int, g: Any) -> None:
    """Add to a cotangent, in its own memory if only the sweep holds it."""
    if alone_in_list(cotangents, k):
        have = cotangents[k]
        if have.shape == g.shape and have.dtype is g.dtype and have.flags.writeable:
            np.add(have, g, have)
            return
    cotangents[k] = cotangents[k] + g


def _tangent_sum(node: Node, tangents: dict[int, Any]) -> Any:
    return _add(tangents[node[2][0]], node[6], None, None, node[7])


def _graph_sum(node: Node, ct: Any, cotangents: Cotangents, wrap: Wrap) -> None:
    shape = node[5]
    g = spread(ct, shape, canonical_axes(node[6], len(shape)), node[7])
    k = node[2][0]
    cotangents[k] = cotangents[k] + g if k in cotangents else g


def _decode_sum(node: Node) -> tuple[Any, ...]:
    shape = node[5]
    params = {"axis": canonical_axes(node[6], len(shape)), "keepdims": node[7]}
    return (node[2],), (Aval(shape, None),), params, None, (None,)


def to_sole_winners(ct: Any, winners: Any, y: Any, places: Any = None) -> Any:
    """Zeros with the cotangents where the extrema ``y`` stand; None with ties, NaN, no dimension.

    All have the reduced axes, with length one but in ``winners``; ``places`` are the flat indices
    of extrema, one for each ``y``, if these are known.
    """
    if not winners.ndim or not finite(np.asarray(y)) or _count_nonzero(winners) != np.size(y):
        return None
    kept = ct.ndim - ct.shape.count(1)
    leading = ct.size == prod(winners.shape[:kept])
    if places is None:
        if not leading and _DENSE * ct.size > winners.size:
            return winners * ct
        places = winners.reshape(-1).nonzero()[0]
    # Not np.zeros: the system's fresh zero pages would fault one by one in the next pass. Bytes are
    # filled by the C library, in half the time that NumPy's loop over numbers takes.
    g = np.empty(winners.shape, ct.dtype)
    g.view(np.uint8).fill(0)
    if leading and ct.shape[:kept] == winners.shape[:kept]:  # the places come in their order
        g.reshape(-1)[places] = ct.reshape(-1)
    elif ct.shape[ct.ndim - kept :] == winners.shape[ct.ndim - kept :]:
        g.reshape(-1)[places] = ct.reshape(-1)[places % ct.size]
    else:
        where = np.unravel_index(places, winners.shape)
        g[where] = np.broadcast_to(ct, winners.shape)[where]
    return g


def _raw_extremum(node: Node, ct: Any, cotangents: Cotangents) -> None:
    x, y, axis, keepdims, places = node[5:10]
    if y.ndim and not keepdims:
        y = _with_kept_axes(y, x.shape, axis)
        ct = _with_kept_axes(ct, x.shape, axis)
    winners = x == y
    g = to_sole_winners(ct, winners, y, places)
    if g is None:
        if np.not_equal(y, y).any():
            winners |= x != x
        count = _add(winners, axis, ct.dtype, None, True)
        g = winners * (ct / count)
    k = node[2][0]
    cotangents[k] = cotangents[k] + g if k in cotangents else g


def _graph_extremum(node: Node, ct: Any, cotangents: Cotangents, wrap: Wrap) -> None:
    parents, (x,), params, out, _ = _decode_extremum(node)
    operands = (wrap(x, parents[0]),)
    contribute(node[1].primitive, parents, operands, wrap(out, node), params, ct, cotangents, False)


def _decode_extremum(node: Node) -> tuple[Any, ...]:
    x = node[5]
    params = {"axis": canonical_axes(node[7], x.ndim), "keepdims": node[8]}
    return (node[2],), (x,), params, node[6], (None,)


def _places(node: Node) -> Any:
    """An extremum's support: where it stands, or the first of those that share its cotangent."""
    return node[9]


def _extremum_kind(primitive: Primitive) -> NodeKind:
    kind = NodeKind(
        primitive.name, primitive, False, _raw_extremum, _graph_extremum, _decode_extremum
    )
    kind.support = _places
    return kind


SUM = NodeKind("sum", sum_p, False, _raw_sum, _graph_sum, _decode_sum)
SUM.dual = Dual(_tangent_sum, None)
MAX = _extremum_kind(max_p)
MIN = _extremum_kind(min_p)
