"""The sweep of sums and products where cotangents are large: in their own memory if nobody else's.

On arrays that fill a good part of the processor's second cache, a new array for each product
costs more than the product. A cotangent that only the sweep holds is never read again, so these
rules write into it; as in `core.ownership` that is read off the reference count, whose meaning is
measured at import, and where the measurement makes no sense all is done as in `fast.py`. The
cotangent that a sum gives to all its terms is one number without memory of its own, and stays one
through products with numbers.

What the rules give is, to the bit, what those of `fast.py` give (a test compares them);
`core.sweep` asks for them only in sweeps whose inputs are large.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from ..core.algebra import add_to_cotangent, stretched, unbroadcast
from ..core.sweep import LARGE, propagate_plain
from ..core.tape import Cotangents, Node, NodeKind
from .fast import ADD, DIV, EXP, MUL, NEG, SQUARE, SUB
from .fast_reductions import SUM

__all__: list[str] = []

ndarray = np.ndarray
_add, _divide, _multiply = np.add, np.divide, np.multiply
_negative, _subtract = np.negative, np.subtract
_getrefcount: Any = getattr(sys, "getrefcount", lambda _: 0)
_WEAK = frozenset({float, int, bool})


def _count(g: Any) -> int:
    return int(_getrefcount(g))


def _own(g: Any) -> bool:
    """Whether only the sweep holds the cotangent ``g``, an argument of its rule."""
    return _getrefcount(g) == _ALONE and g.base is None and bool(g.flags.writeable)  # as `_count`


def _is_number(y: Any) -> bool:
    return type(y) in _WEAK or np.ndim(y) == 0


def _fits(g: Any, y: Any) -> bool:
    """Whether the product or quotient of ``g`` and ``y`` has the shape and the dtype of ``g``."""
    if type(y) in _WEAK:
        return bool(g.dtype.kind == "f")
    if y.dtype is not g.dtype:
        return False
    return y.shape == g.shape or (
        y.ndim <= g.ndim
        and all(n in (1, m) for n, m in zip(y.shape[::-1], g.shape[::-1], strict=False))
    )


def _apply(ufunc: Any, g: Any, y: Any, own: bool) -> Any:
    """A product or quotient of ``g`` and ``y``, in the memory of ``g`` if that is ours."""
    if own:
        return ufunc(g, y, g) if _fits(g, y) else ufunc(g, y)
    if _is_number(y) and not any(g.strides):
        return stretched(ufunc(g[(0,) * g.ndim], y), g.shape)
    return ufunc(g, y)


def _give(cotangents: Cotangents, parent: Node, t: Any) -> None:
    """Add ``t``, which nobody else holds, to the cotangent of a parent."""
    k = parent[0]
    if k not in cotangents:
        cotangents[k] = t
    elif t.base is None:
        add_to_cotangent(cotangents, k, t)
    else:
        cotangents[k] = cotangents[k] + t


def _pass_on(cotangents: Cotangents, parent: Node, shape: Any, g: Any, own: bool) -> bool:
    """Add ``g`` itself to the cotangent of a parent; whether that is now ``g``."""
    k = parent[0]
    if g.shape != shape:
        t = unbroadcast(g, shape)
        cotangents[k] = cotangents[k] + t if k in cotangents else t
    elif k not in cotangents:
        cotangents[k] = g
    elif own:
        add_to_cotangent(cotangents, k, g)
    else:
        cotangents[k] = cotangents[k] + g
    return cotangents[k] is g


def _shape(saved: Any) -> Any:
    return saved if type(saved) is tuple else saved.shape


def _large_add(node: Node, g: Any, cotangents: Cotangents) -> None:
    m, n, x, y = node[2], node[3], node[5], node[6]
    own = _own(g)
    if m is not None and _pass_on(cotangents, m, _shape(x), g, own and n is None):
        own = False
    if n is not None:
        _pass_on(cotangents, n, _shape(y), g, own)


def _large_sub(node: Node, g: Any, cotangents: Cotangents) -> None:
    m, n, x, y = node[2], node[3], node[5], node[6]
    own = _own(g)
    if m is not None and _pass_on(cotangents, m, _shape(x), g, own and n is None):
        own = False
    if n is None:
        return
    k, shape = n[0], _shape(y)
    if g.shape != shape:
        t = -unbroadcast(g, shape)
        cotangents[k] = cotangents[k] + t if k in cotangents else t
    elif k in cotangents:
        ct = cotangents[k]
        into = g if own and ct.shape == g.shape and ct.dtype is g.dtype else None
        cotangents[k] = _subtract(ct, g, into)
    elif not own and not any(g.strides):
        cotangents[k] = stretched(-g[(0,) * g.ndim], g.shape)
    else:
        cotangents[k] = _negative(g, g if own else None)


def _large_mul(node: Node, g: Any, cotangents: Cotangents) -> None:
    m, n, x, y = node[2], node[3], node[5], node[6]
    own = _own(g)
    if m is n and x is y:
        _give(cotangents, m, _twice(g, x, own))
        return
    if m is not None:
        t = _apply(_multiply, g, y, own and n is None)
        shape = _shape(x)
        _give(cotangents, m, t if t.shape == shape else unbroadcast(t, shape))
    if n is not None:
        t = _apply(_multiply, g, x, own)
        shape = _shape(y)
        _give(cotangents, n, t if t.shape == shape else unbroadcast(t, shape))


def _large_div(node: Node, g: Any, cotangents: Cotangents) -> None:
    m, n, x, y, out = node[2], node[3], node[5], node[6], node[7]
    own = _own(g)
    if m is not None:
        t = _apply(_divide, g, y, own and n is None)
        shape = _shape(x)
        _give(cotangents, m, t if t.shape == shape else unbroadcast(t, shape))
    if n is not None:
        t = _apply(_multiply, g, -out / y, own)
        shape = _shape(y)
        _give(cotangents, n, t if t.shape == shape else unbroadcast(t, shape))


def _large_neg(node: Node, g: Any, cotangents: Cotangents) -> None:
    _give(cotangents, node[2], _negative(g, g if _own(g) else None))


def _twice(g: Any, x: Any, own: bool) -> Any:
    """``2 g x`` for arrays of one shape."""
    if not own and not any(g.strides):
        return (2 * g[(0,) * g.ndim]) * x
    t = _apply(_multiply, g, x, own)
    t += t
    return t


def _large_square(node: Node, g: Any, cotangents: Cotangents) -> None:
    _give(cotangents, node[2], _twice(g, node[5], _own(g)))


def _large_exp(node: Node, g: Any, cotangents: Cotangents) -> None:
    _give(cotangents, node[2], _apply(_multiply, g, node[5], _own(g)))


_RULES = (
    (ADD, _large_add),
    (SUB, _large_sub),
    (MUL, _large_mul),
    (DIV, _large_div),
    (NEG, _large_neg),
    (SQUARE, _large_square),
    (EXP, _large_exp),
)


def _calibrate() -> int:
    """The count of a cotangent that the sweep alone holds; -1 if counts tell nothing."""
    seen: list[int] = []
    held: list[Any] = []

    def give(node: Node, ct: Any, cotangents: Cotangents) -> None:
        t = np.zeros(LARGE)
        if node[5]:
            held.append(t)
        cotangents[node[2][0]] = t

    def look(node: Node, g: Any, cotangents: Cotangents) -> None:
        seen.append(_count(g))

    giver = NodeKind("giver", None, False, give, give, lambda node: ())
    looker = NodeKind("looker", None, False, look, look, lambda node: ())
    looker.large = look
    for shared in (False, True):
        inner: Node = [1, looker, None, None, None]
        root: Node = [2, giver, inner, None, None, shared]
        propagate_plain([2, 1], {1: inner, 2: root}, root, np.float64(1), frozenset(), True)
    alone, shared_count = seen
    return alone if 0 < alone < 20 and shared_count == alone + 1 else -1


_ALONE = _calibrate()

for _kind, _rule in _RULES:
    _kind.large = _rule
# Not quotients and exponentials: 1 / inf and exp(-inf) are finite.
for _kind in (ADD, SUB, MUL, NEG, SQUARE, SUM):
    _kind.spreads = True
