"""The eager reverse sweep of reading and writing parts of arrays, without a copy of the whole.

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

from ..core.index import join
from ..core.sweep import propagate
from ..core.tape import Cotangents, Node, NodeKind, accumulate, wrapper
from ..core.tensor import Tensor
from ..core.views import apply_chain
from .indexing import getitem_p, scatter_add_p, setitem_p

__all__: list[str] = []

ndarray = np.ndarray
_getrefcount: Any = getattr(sys, "getrefcount", None)


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
    k = parent[0]
    if _getrefcount is not None and k in cotangents and _getrefcount(cotangents[k]) == _IN_DICT:
        have = cotangents[k]
        if _writable(have) and have.shape == x.shape and have.dtype == ct.dtype:
            index = join(node[6]["template"], arrays)
            if arrays:
                np.add.at(have, index, ct)
            else:
                have[index] += ct
            return
    accumulate(cotangents, parent, scatter_add_p.evaluate(ct, *arrays, **node[6], shape=x.shape))


def _write(node: Node, ct: Any, cotangents: Cotangents) -> None:
    """``chain(x)[index] = value``: the value gets that part, and ``x`` the rest."""
    alone = _getrefcount is not None and _getrefcount(ct) == _IN_RAW and _writable(ct)
    operands, params = _operands(node), node[6]
    of_base, of_value = node[2][:2]
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
