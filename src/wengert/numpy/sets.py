"""NumPy's functions on arrays as sets: the distinct elements in order.

A set's element is the derivative of all elements that it stands for: they share it evenly.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .arguments import concrete, operand, raveled, refuse_traced
from .dispatch import implements
from .sorting import pick, sort

__all__ = ["union1d", "unique", "unique_all", "unique_counts", "unique_inverse", "unique_values"]


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

    Elements that are equal share the derivative evenly. The other results are plain.
    """
    a = operand(ar)
    values = concrete(a, "np.unique")
    wanted = (return_index, return_inverse, return_counts, axis)
    plain: Any = np.unique(values, *wanted, equal_nan=equal_nan)  # type: ignore[call-overload]
    if axis is not None and a.ndim > 1:
        refuse_traced(
            "np.unique(..., axis=...)",
            "the array",
            a,
            "equal rows would have to share the derivative; index with the positions from "
            "np.unique(stop_gradient(x), axis=..., return_index=True) instead",
        )
        return plain
    ordered = sort(a, None)
    firsts = np.unique(concrete(ordered, "np.unique"), return_index=True, equal_nan=equal_nan)[1]
    result = pick(ordered, firsts)
    return (result, *plain[1:]) if isinstance(plain, tuple) else result


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
