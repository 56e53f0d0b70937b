"""NumPy's functions on arrays as sets: the distinct elements in order.

A set's element is the derivative of all elements that it stands for: they share it evenly.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.bind import bind
from ..core.index import split
from ..core.tensor import Tensor
from ..rules.indexing import scatter_add_p
from .arguments import concrete, operand, raveled
from .dispatch import implements
from .sorting import pick, sort

__all__ = [
    "intersect1d", "setdiff1d", "setxor1d", "union1d", "unique", "unique_all", "unique_counts",
    "unique_inverse", "unique_values",
]  # fmt: skip


@implements(np.unique)
def unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: Any = None,
    *,
    equal_nan: bool = True,
    sorted: bool = True,
) -> Any:
    """`numpy.unique`: the first of each group of equal elements in the sorted array.

    Elements that are equal share the derivative evenly, and so do equal slices along an axis. The
    other results are plain.
    """
    a = operand(ar)
    values = concrete(a, "np.unique")
    wanted = (return_index, return_inverse, return_counts, axis)
    plain: Any = np.unique(values, *wanted, equal_nan=equal_nan)  # type: ignore[call-overload]
    if axis is not None and a.ndim > 1:
        if not isinstance(a, Tensor) or a.dtype.kind not in "fc":
            return plain
        distinct, *others = plain if isinstance(plain, tuple) else (plain,)
        result = _shared(a, np.asarray(values), distinct, axis)
        return (result, *others) if others else result
    ordered = sort(a, None)
    firsts = np.unique(concrete(ordered, "np.unique"), return_index=True, equal_nan=equal_nan)[1]
    result = pick(ordered, firsts)
    return (result, *plain[1:]) if isinstance(plain, tuple) else result


def _shared(a: Any, values: Any, distinct: Any, axis: int) -> Any:
    """The distinct slices of ``a``, with the mean of the derivatives of those that are equal.

    ``distinct + mean(a - values)``, where nothing but derivatives is left of ``a - values``: the
    mean itself would round what it takes the mean of.
    """
    inverse = np.unique(values, return_inverse=True, axis=axis)[1].reshape(-1)
    finite = np.isfinite(values)
    change = np.where(finite, a - np.where(finite, values, 0), 0)
    rows = np.moveaxis(change, axis, 0)
    template, arrays = split(inverse)
    shape = (distinct.shape[axis], *rows.shape[1:])
    sums = bind(scatter_add_p, (rows, *arrays), {"template": template, "shape": shape})
    counts = np.bincount(inverse).reshape((-1,) + (1,) * (a.ndim - 1)).astype(values.real.dtype)
    return distinct + np.moveaxis(sums / counts, 0, axis)


def _unique_like(name: str) -> Any:
    """One of the array API's functions: ``unique(x)`` and positions in a named tuple."""
    function = getattr(np, name)

    def served(x: Any) -> Any:
        values = unique(x, equal_nan=False)
        plain = function(concrete(operand(x), f"np.{name}"))
        return plain._replace(values=values) if hasattr(plain, "_replace") else values

    served.__name__ = served.__qualname__ = name
    served.__doc__ = f"`numpy.{name}`."
    return implements(function)(served)


unique_all = _unique_like("unique_all")
unique_counts = _unique_like("unique_counts")
unique_inverse = _unique_like("unique_inverse")
unique_values = _unique_like("unique_values")


@implements(np.union1d)
def union1d(ar1: Any, ar2: Any) -> Any:
    """`numpy.union1d`. Elements that are equal share the derivative evenly."""
    return unique(np.concatenate((raveled(operand(ar1)), raveled(operand(ar2)))))


def _elements(name: str, ar: Any, assume_unique: bool) -> tuple[Any, Any]:
    """The elements, each once, and their values."""
    a = raveled(operand(ar))
    a = a if assume_unique else unique(a)
    return a, np.asarray(concrete(a, f"np.{name}"))


@implements(np.intersect1d)
def intersect1d(
    ar1: Any, ar2: Any, assume_unique: bool = False, return_indices: bool = False
) -> Any:
    """`numpy.intersect1d`. Elements that are equal share the derivative evenly, in both arrays."""
    a, b = (_elements("intersect1d", ar, assume_unique) for ar in (ar1, ar2))
    both = sort(np.concatenate((a[0], b[0])))
    values = np.asarray(concrete(both, "np.intersect1d"))
    common = pick(both, np.flatnonzero(values[1:] == values[:-1]))
    if not return_indices:
        return common
    plain = (concrete(raveled(operand(ar)), "np.intersect1d") for ar in (ar1, ar2))
    numpys: Any = np.intersect1d
    return common, *numpys(*plain, assume_unique, True)[1:]


@implements(np.setxor1d)
def setxor1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    """`numpy.setxor1d`: the elements of exactly one of the arrays, in order."""
    a, b = (_elements("setxor1d", ar, assume_unique) for ar in (ar1, ar2))
    both = sort(np.concatenate((a[0], b[0])))
    values = np.asarray(concrete(both, "np.setxor1d"))
    if not values.size:
        return both
    changes = np.concatenate(([True], values[1:] != values[:-1], [True]))
    return pick(both, np.flatnonzero(changes[1:] & changes[:-1]))


@implements(np.setdiff1d)
def setdiff1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    """`numpy.setdiff1d`: the elements of the first array that are not in the second."""
    a, values = _elements("setdiff1d", ar1, assume_unique)
    others = concrete(operand(ar2), "np.setdiff1d")
    return pick(a, np.flatnonzero(np.isin(values, others, invert=True)))
