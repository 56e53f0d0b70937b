"""Reading parts of arrays without detours, and the eager sweep of reading and writing them.

`fast_getitem` records what `bind` would for a basic index, in a third of the time.

What the nodes of `getitem` and `setitem` contribute is what their records in `indexing.py` say (a
test compares the two). Taken literally, every element that a loop reads or writes would cost a
pass over the whole cotangent, and a loop over n elements n^2. Where the sweep alone holds the
cotangent it is changed in place instead. As in `core.ownership` that is read off reference counts,
whose meaning is measured at import; where the measurement makes no sense, nothing is done in place.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from ..core.abstract import Aval
from ..core.algebra import unbroadcast
from ..core.index import ARRAY, join
from ..core.ownership import snapshot
from ..core.settled_views import ordinary
from ..core.state import COUNTER, PAUSED
from ..core.sweep import LARGE, propagate
from ..core.tape import Cotangents, Node, NodeKind, accumulate, wrapper
from ..core.tensor import FastTensor, Rare, RareTensor, Tensor
from ..core.views import apply_chain
from .indexing import getitem, getitem_p, scatter_add_p, setitem_p

__all__ = ["fast_getitem"]

ndarray = np.ndarray
_getrefcount: Any = getattr(sys, "getrefcount", None)


def fast_getitem(x: Tensor, index: Any) -> Any:
    """``x[index]``; of slices and integers without `bind`."""
    t = x if type(x) is FastTensor else ordinary(x, False)
    if t is None or PAUSED or type(t._a) is not ndarray:
        return getitem(x, index)
    if type(index) is ndarray:
        return _gather(t, index)
    template: list[Any] = []
    for part in index if type(index) is tuple else (index,):
        if type(part) is slice:
            start, stop, step = part.start, part.stop, part.step
            if not (
                (start is None or type(start) is int)
                and (stop is None or type(stop) is int)
                and (step is None or type(step) is int)
            ):
                return getitem(x, index)
            template.append((start, stop, step))
        elif type(part) is int or part is None or part is Ellipsis:
            template.append(part)
        else:
            return getitem(x, index)
    a = t._a
    try:
        out = a[index]
    except (IndexError, ValueError):
        return getitem(x, index)  # which explains it
    params = {"template": tuple(template)}
    m = t._n
    node = None
    if m is not None:
        saved = (Aval(a.shape, a.dtype),)
        node = [next(COUNTER), _KIND, (m,), None, None, saved, params, None, 0, None]
    if type(out) is not ndarray:
        r: Tensor = FastTensor()
    else:
        r = RareTensor()
        r._x = rare = Rare(None)
        if t is x:
            rare.base, rare.chain = x, ((getitem_p, params),)
        else:
            rare.base, rare.chain = x._x.base, (*x._x.chain, (getitem_p, params))
        rare.base_node, rare.base_array = rare.base._n, rare.base._a  # type: ignore[union-attr]
    r._a = out
    r._n = node
    return r


_KIND = getitem_p.kind


def _gather(x: Tensor, index: Any) -> Any:
    """``x[index]`` for an array of numbers of elements of a vector."""
    a = x._a
    if a.ndim != 1 or index.dtype != np.intp or not index.ndim or not index.flags.c_contiguous:
        return getitem(x, index)
    kept = index if x._n is None else snapshot(index)
    try:
        out = a.take(kept)  # what a[index] is, in four fifths of the time
    except IndexError:
        return getitem(x, index)  # which explains it
    r = FastTensor()
    r._a = out
    r._n = None
    if x._n is not None:
        saved = (Aval(a.shape, a.dtype), kept)
        params = {"template": (ARRAY,)}
        r._n = [next(COUNTER), _KIND, (x._n, None), None, None, saved, params, None, 0, None]
    return r


def _operands(node: Node) -> Any:
    """The saved operands on their own, without tangents of jvps that have ended."""
    if node[8]:
        return [x._a if isinstance(x, Tensor) else x for x in node[5]]
    return node[5]


def _read(node: Node, ct: Any, cotangents: Cotangents) -> None:
    """``x[index]``: add the cotangent to that part of the cotangent of ``x``."""
    parent = node[2][0]
    if parent is None:
        return
    x, *arrays = _operands(node)
    template = node[6]["template"]
    k = parent[0]
    if k in cotangents:
        if _takes_part(cotangents, k, x, ct):
            have = cotangents[k]
            index = join(template, arrays)
            if arrays:
                np.add.at(have, index, ct)
            else:
                part = have[index]  # have[index] += ct would write the sum a second time
                if type(part) is ndarray:
                    np.add(part, ct, out=part)
                else:
                    have[index] = part + ct
            return
    elif len(template) == 1 and type(ct) is ndarray and ct.size >= LARGE:
        g = _padded(ct, x.shape, template[0])
        if g is not None:
            cotangents[k] = g
            return
    accumulate(cotangents, parent, scatter_add_p.evaluate(ct, *arrays, **node[6], shape=x.shape))


def _takes_part(cotangents: Cotangents, k: int, x: Any, ct: Any) -> bool:
    """Whether a part can be added to the cotangent of ``x``, in memory that is the sweep's alone.

    A large one that may not be written is copied: to add zeros to it would take longer.
    """
    if _getrefcount is None:
        return False
    alone = _getrefcount(cotangents[k]) == _IN_DICT
    have = cotangents[k]
    if type(have) is not ndarray or have.shape != x.shape or have.dtype != ct.dtype:
        return False
    if not (alone and _writable(have)):
        if have.size < LARGE:
            return False
        cotangents[k] = have.copy()
    return True


def _padded(ct: Any, shape: tuple[int, ...], part: Any) -> Any:
    """A cotangent in the place of ``x[start:stop]`` and zeros around it; None of other indices."""
    if type(part) is not tuple or part[2] not in (None, 1) or ct.ndim != len(shape):
        return None
    start, stop, _ = slice(*part).indices(shape[0])
    g = np.empty(shape, ct.dtype)
    g[:start] = 0
    g[start:stop] = ct
    g[stop:] = 0
    return g


def _write(node: Node, ct: Any, cotangents: Cotangents) -> None:
    """``chain(x)[index] = value``: the value gets that part, and ``x`` the rest."""
    alone = _getrefcount is not None and _getrefcount(ct) == _IN_RAW and _writable(ct)
    operands, params = _operands(node), node[6]
    of_base, of_value = node[2][:2]
    if len(operands) == 2 and of_value is not None and type(ct) is ndarray:
        template, chain = params["template"], params["chain"]
        if all(p is getitem_p for p, _ in chain):
            part = apply_chain(ct, chain)[(*join(template, ()), *_VIEW[Ellipsis in template :])]
            value = part.copy()
            shape = operands[1].shape
            accumulate(
                cotangents, of_value, value if value.shape == shape else unbroadcast(value, shape)
            )
            if of_base is not None:
                if alone:
                    part[...] = 0
                    accumulate(cotangents, of_base, ct)
                else:
                    rest = setitem_p.evaluate(ct, 0.0, **params)
                    accumulate(cotangents, of_base, rest)
            return
    if of_value is not None:
        part = setitem_p.transpose[1](ct, operands, None, **params)  # type: ignore[index,misc]
        if isinstance(part, ndarray) and part.base is not None:
            part = part.copy()
        accumulate(cotangents, of_value, part)
    if of_base is None:
        return
    if alone:
        view = apply_chain(ct, params["chain"])
        if np.may_share_memory(view, ct):
            view[join(params["template"], operands[2:])] = 0
            del view
            accumulate(cotangents, of_base, ct)
            return
    rest = setitem_p.evaluate(ct, 0.0, *operands[2:], **params)
    accumulate(cotangents, of_base, rest)


_VIEW = (Ellipsis,)  # makes x[0] a view, too


def _writable(ct: Any) -> bool:
    return type(ct) is ndarray and ct.base is None and bool(ct.flags.writeable)


def _calibrate() -> tuple[int, int]:
    """Counts of a cotangent that only the sweep's dictionary, or only `propagate`, holds."""
    if _getrefcount is None:
        return -1, -1
    seen: list[int] = []

    def raw(node: Node, ct: Any, cotangents: Cotangents) -> None:
        seen.append(_getrefcount(ct))

    def make(node: Node, ct: Any, cotangents: Cotangents) -> None:
        accumulate(cotangents, node[2], np.zeros(3))
        seen.append(_getrefcount(cotangents[1]))

    probe = NodeKind("probe", None, False, raw, raw, lambda node: ())
    maker = NodeKind("maker", None, False, make, make, lambda node: ())
    inner: Node = [1, probe, None, None, None]
    root: Node = [2, maker, inner, None, None]
    seed = np.float64(1)
    propagate([2, 1], {1: inner, 2: root}, root, seed, frozenset(), False, wrapper(False), False)
    in_dict, in_raw = seen
    sensible = 0 < in_dict < in_raw < 10
    return (in_dict, in_raw) if sensible else (-1, -1)


_IN_DICT, _IN_RAW = _calibrate()

getitem_p.kind.raw = _read
setitem_p.kind.raw = _write
