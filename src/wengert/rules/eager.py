"""Cotangents on plain arrays by hand, where the derived rule makes many passes.

The rules of extrema, products, norms, sorts, running products and of Cholesky's factor are forward
rules; transposed by machine they cost many times the function, because rules may not look at
values: they multiply by masks, and avoid division in case there is a zero. A sweep on plain arrays
may look. So each function here gives the cotangent of the operand in the usual case, and None in
any other, for which the record's own rule serves; that remains the definition, and the laws compare
the two (a recorded pullback is made of the records' rules, an eager one comes here).
`python -m benchmarks.gradient_cost` has the ratios.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.algebra import unbroadcast
from ..core.primitive import Primitive
from ..core.quiet import quiet
from ..core.tape import Cotangents, Node, accumulate
from ..core.tensor import Tensor
from .cholesky_sweep import cholesky_cotangent
from .cumulative import cumprod_p
from .factorizations import cholesky_p
from .fast_reductions import to_sole_winners
from .fast_sorting import sort_cotangent
from .indexing import where_p
from .norms import vector_norm_p
from .pointwise import POINTWISE
from .reductions import kept_shape, max_p, min_p, nanmax_p, nanmin_p, prod_p
from .sorting import sort_p

__all__: list[str] = []

Rule = Callable[..., Any]


def _by_hand(primitive: Primitive, rule: Rule) -> None:
    """Let ``rule(ct, x, y, **params)`` serve the eager sweep of an operation on one real array."""
    derived = primitive.kind.raw

    def raw(node: Node, ct: Any, cotangents: Cotangents) -> None:
        parent, x, y = node[2][0], node[5][0], node[7]
        if parent is None:
            return
        if isinstance(x, Tensor):  # it has tangents of jvps that have ended
            x = x._a
        g = None
        if x.dtype.kind == "f" == y.dtype.kind == ct.dtype.kind and x.size:
            with quiet():
                g = rule(ct, x, y, **node[6])
        if g is None:
            derived(node, ct, cotangents)
        else:
            accumulate(cotangents, parent, g)

    primitive.kind.raw = raw


def _kept(a: Any, x: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    """A result of a reduction of ``x``, with the reduced axes."""
    return a if keepdims else np.reshape(a, kept_shape(x.shape, axis))


# ------------------------------------------------------------------ reductions


def _extremum(ct: Any, x: Any, y: Any, axis: tuple[int, ...], keepdims: bool = False) -> Any:
    """The cotangent where the extremum stands, if it stands once."""
    y = _kept(y, x, axis, keepdims)
    return to_sole_winners(_kept(ct, x, axis, keepdims), x == y, y)


for _p in (max_p, min_p, nanmax_p, nanmin_p):
    _by_hand(_p, _extremum)


def _no_tiny(y: Any) -> bool:
    """Whether quotients by parts of the product ``y`` are exact up to rounding."""
    size = np.abs(y)
    tiny, most = _LIMITS[y.dtype.char]
    return bool(_minimum(size, None) >= tiny) and bool(_maximum(size, None) <= most)


# Looking them up with np.finfo takes as long as looking through a short array.
_LIMITS: dict[str, Any] = {c: (np.finfo(c).tiny, np.finfo(c).max) for c in "efdg"}
_minimum, _maximum = np.minimum.reduce, np.maximum.reduce


def _product(ct: Any, x: Any, y: Any, axis: tuple[int, ...], keepdims: bool = False) -> Any:
    """``ct y / x``, if the product neither vanishes nor overflows."""
    if not _no_tiny(y):
        return None
    return _kept(ct * y, x, axis, keepdims) / x


_by_hand(prod_p, _product)


def _norm(ct: Any, x: Any, y: Any, axis: tuple[int, ...], ord: float) -> Any:
    """``ct x / y``, for the Euclidean norm."""
    if ord != 2 or not _no_tiny(y):
        return None
    return x * np.reshape(ct / y, kept_shape(x.shape, axis))


_by_hand(vector_norm_p, _norm)


def _first_of_rows(node: Node) -> Any:
    """The support of a Euclidean norm of rows: one element of each.

    Where no norm vanishes or overflows, none of its elements is larger; so all of a row of
    ``x ct / y`` are finite if ``ct / y`` is, and otherwise none.
    """
    x, y = node[5][0], node[7]
    if isinstance(x, Tensor) or node[6]["axis"] != (x.ndim - 1,):
        return None
    if node[6]["ord"] != 2 or y.dtype.kind != "f" or not y.size or not _no_tiny(y):
        return None
    return slice(0, x.size, x.shape[-1])


vector_norm_p.kind.support = _first_of_rows


# ------------------------------------------------------------------ along one axis


def _running_product(ct: Any, x: Any, y: Any, axis: int, reverse: bool = False) -> Any:
    """The sum of ``ct y`` from each place on, over ``x``, if no product vanishes or overflows."""
    if not _no_tiny(y):
        return None
    weighted = ct * y
    if reverse:
        return np.add.accumulate(weighted, axis) / x
    return np.flip(np.add.accumulate(np.flip(weighted, axis), axis), axis) / x


_by_hand(cumprod_p, _running_product)


def _sorted(ct: Any, x: Any, y: Any, axis: int) -> Any:
    """By the order; where few places of the result matter, as for a median, without it."""
    if x.shape[axis] >= 8 and (g := _few_places(ct, x, y, axis)) is not None:
        return g
    return sort_cotangent(ct, x, y, axis, None, False)


def _few_places(ct: Any, x: Any, y: Any, axis: int) -> Any:
    """Each element that equals the one in such a place has its share of the cotangent there."""
    others = tuple([i for i in range(x.ndim) if i != axis])
    places = np.flatnonzero(np.any(ct, others))
    if len(places) > 3 or np.isnan(y.take([-1], axis)).any():
        return None
    g = np.zeros(x.shape, ct.dtype)
    for k in places:
        equal = x == y.take([k], axis)
        share = ct.take([k], axis)
        if np.count_nonzero(equal) != share.size:
            share = share / np.count_nonzero(equal, axis, keepdims=True).astype(ct.dtype)
        g += np.where(equal, share, ct.dtype.type(0))
    return g


_by_hand(sort_p, _sorted)


# ------------------------------------------------------------------ choices

# NumPy's `where` branches for each element; below this size that costs less than to avoid it.
_MANY = 4096


def _where(node: Node, ct: Any, cotangents: Cotangents) -> None:
    """The cotangent where a value was chosen, and zero elsewhere, by its bits.

    A product with the condition would make NaN of an infinite cotangent.
    """
    parents, (chosen, x, y) = node[2], node[5]
    if node[8] or ct.size < _MANY or ct.dtype.char not in "fd" or np.shape(chosen) != ct.shape:
        _derived_where(node, ct, cotangents)
        return
    integer = np.dtype(f"i{ct.dtype.itemsize}")
    bits = np.ascontiguousarray(ct).view(integer)
    kept = np.asarray(chosen, bool).astype(integer)
    np.negative(kept, out=kept)
    np.bitwise_and(kept, bits, out=kept)
    if parents[2] is not None:
        rest = np.bitwise_xor(kept, bits).view(ct.dtype)
        accumulate(cotangents, parents[2], unbroadcast(rest, np.shape(y)))
    if parents[1] is not None:
        accumulate(cotangents, parents[1], unbroadcast(kept.view(ct.dtype), np.shape(x)))


_derived_where = where_p.kind.raw
where_p.kind.raw = _where

# ------------------------------------------------------------------ angles


def _angle(node: Node, ct: Any, cotangents: Cotangents) -> None:
    """Of arctan2: the square of the distance once for both operands, if no point is the origin."""
    (to_x, to_y), (x, y) = node[2], node[5]
    if not node[8] and all(isinstance(a, np.ndarray) and a.dtype == ct.dtype for a in (x, y)):
        with quiet():
            square = x * x + y * y
            if square.all():
                ct = ct / square
                if to_x is not None:
                    accumulate(cotangents, to_x, unbroadcast(ct * y, x.shape))
                if to_y is not None:
                    accumulate(cotangents, to_y, unbroadcast(ct * -x, y.shape))
                return
    _derived_angle(node, ct, cotangents)


_derived_angle = POINTWISE["arctan2"].kind.raw
POINTWISE["arctan2"].kind.raw = _angle

# ------------------------------------------------------------------ matrices

_by_hand(cholesky_p, cholesky_cotangent)
