"""NumPy's sorting, searching and counting."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..core.bind import bind
from ..core.errors import ShapeError, WengertTypeError, WengertValueError
from ..core.index import split
from ..core.tensor import Tensor
from ..core.views import set_item
from ..rules.fast_sorting import fast_sort
from ..rules.indexing import getitem_p, scatter_add_p
from ..rules.sorting import (
    argpartition_p,
    argsort_p,
    lexsort_p,
    partition_p,
    searchsorted_p,
)
from .arguments import cast, concrete, is_abstract, operand, raveled
from .dispatch import implements
from .methods import attach_method
from .unknown_values import number_of_bin

__all__ = [
    "argpartition",
    "argsort",
    "bincount",
    "digitize",
    "lexsort",
    "partition",
    "searchsorted",
    "sort",
    "sort_complex",
]


def _along(a: Any, axis: Any) -> tuple[Any, int]:
    """The operand and its axis; None stands for the raveled array."""
    a = operand(a)
    if axis is None:
        return raveled(a), 0
    return a, normalize_axis_index(axis, a.ndim)


def _check_order(order: Any) -> None:
    if order is not None:
        raise WengertValueError("Cannot specify order when the array has no fields.")


# ------------------------------------------------------------------ sort and partition


@implements(np.sort)
def sort(a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Any:
    """`numpy.sort`. Elements that are equal share their derivatives evenly."""
    _check_order(order)
    return fast_sort(*_along(a, axis))


@implements(np.partition)
def partition(
    a: Any, kth: Any, axis: Any = -1, kind: str = "introselect", order: Any = None
) -> Any:
    """`numpy.partition`. Elements that are equal share their derivatives evenly."""
    _check_order(order)
    a, axis = _along(a, axis)
    return bind(partition_p, (a,), {"axis": axis, "kth": _places(kth, a, axis)})


@implements(np.sort_complex)
def sort_complex(a: Any) -> Any:
    """`numpy.sort_complex`: sorted along the last axis, real parts first; a complex result."""
    a = sort(a)
    if a.dtype.kind == "c":
        return a
    char = "F" if a.dtype.char in "bhBH" else "G" if a.dtype.char == "g" else "D"
    return cast(a, np.dtype(char))


def _places(kth: Any, a: Any, axis: int) -> tuple[int, ...]:
    places = np.atleast_1d(np.asarray(concrete(kth, "kth")))
    if places.dtype.kind not in "iu":
        raise WengertTypeError("Partition index must be integer")
    if not a.size:
        return (0,)  # NumPy takes any place of nothing
    n = a.shape[axis]
    for k in places.tolist():
        if not -n <= k < n:
            raise WengertValueError(f"kth(={k}) out of bounds ({n})")
    return tuple(sorted({int(k) % n for k in places.tolist()}))


def _sort_in_place(
    x: Any, axis: int = -1, kind: Any = None, order: Any = None, *, stable: Any = None
) -> None:
    """Sort this Tensor in place, along ``axis``."""
    set_item(x, ..., sort(x, axis, kind, order))


def _partition_in_place(
    x: Any, kth: Any, axis: int = -1, kind: str = "introselect", order: Any = None
) -> None:
    """Partition this Tensor in place, along ``axis``."""
    set_item(x, ..., partition(x, kth, axis, kind, order))


# ------------------------------------------------------------------ positions


@implements(np.argsort)
def argsort(
    a: Any, axis: Any = -1, kind: Any = None, order: Any = None, *, stable: Any = None
) -> Any:
    """`numpy.argsort`; the result is plain."""
    _check_order(order)
    a, axis = _along(a, axis)
    if stable or kind in ("stable", "mergesort"):
        return bind(argsort_p, (a,), {"axis": axis, "stable": True})
    return bind(argsort_p, (a,), {"axis": axis})


@implements(np.argpartition)
def argpartition(
    a: Any, kth: Any, axis: Any = -1, kind: str = "introselect", order: Any = None
) -> Any:
    """`numpy.argpartition`; the result is plain."""
    _check_order(order)
    a, axis = _along(a, axis)
    return bind(argpartition_p, (a,), {"axis": axis, "kth": _places(kth, a, axis)})


@implements(np.lexsort)
def lexsort(keys: Any, axis: int = -1) -> Any:
    """`numpy.lexsort`; the result is plain."""
    if not isinstance(keys, (tuple, list)):
        keys = tuple(operand(keys))
    keys = tuple([operand(k) for k in keys])
    return bind(lexsort_p, keys, {"axis": normalize_axis_index(axis, keys[0].ndim)})


@implements(np.searchsorted)
def searchsorted(a: Any, v: Any, side: str = "left", sorter: Any = None) -> Any:
    """`numpy.searchsorted`; the result is plain."""
    if side not in ("left", "right"):
        raise WengertValueError(f"side must be 'left' or 'right' (got {side!r})")
    a, v = operand(a), operand(v)
    if a.ndim != 1:
        raise ShapeError("object of too small depth for desired array")
    if sorter is not None:
        a = pick(a, sorter)
    return bind(searchsorted_p, (a, v), {"side": side})


def pick(x: Any, index: Any) -> Any:
    """``x[index]``, not a view that follows later writes."""
    template, arrays = split(index)
    return bind(getitem_p, (x, *arrays), {"template": template}, False)


@implements(np.digitize)
def digitize(x: Any, bins: Any, right: bool = False) -> Any:
    """`numpy.digitize`; the result is plain."""
    if is_abstract(bins) and bins.ndim == 1 and bins.shape[0]:
        return number_of_bin(operand(x), bins, right)
    bins = np.asarray(concrete(bins, "np.digitize, bins"))
    steps = np.diff(bins)
    if bins.ndim != 1 or not ((steps >= 0).all() or (steps <= 0).all()):
        raise WengertValueError("bins must be monotonically increasing or decreasing")
    x = operand(x)
    if x.dtype.kind == "c":
        raise WengertTypeError("x may not be complex")
    side = "left" if right else "right"
    if (steps >= 0).all():
        return bind(searchsorted_p, (bins, x), {"side": side})
    return len(bins) - bind(searchsorted_p, (bins[::-1], x), {"side": side})


# ------------------------------------------------------------------ counts


@implements(np.bincount)
def bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Any:
    """`numpy.bincount`; differentiable in the weights."""
    x = concrete(x, "np.bincount")
    if not isinstance(weights, Tensor):
        return np.bincount(x, weights, minlength)
    n = len(np.bincount(x, None, minlength))
    x = np.asarray(x)
    if weights.shape != x.shape:
        raise ShapeError("The weights and list don't have the same length.")
    template, arrays = split(x)
    return bind(
        scatter_add_p, (cast(weights, np.float64), *arrays), {"template": template, "shape": (n,)}
    )


attach_method("sort", _sort_in_place)
attach_method("partition", _partition_in_place)
attach_method("argsort", argsort)
attach_method("argpartition", argpartition)
attach_method("searchsorted", searchsorted)
