"""What interpolants share: their nodes and values, checked and in one layout."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.errors import ShapeError, WengertTypeError, WengertValueError
from ...core.tensor import Tensor
from ...numpy.arguments import axis_of, cast, is_known, operand
from ...rules.sorting import searchsorted_p

__all__ = ["axis_to_place", "checked_nodes", "interval_of", "moved_first", "values_known"]


def values_known(x: Any) -> Any:
    """The plain values of an operand; None if it has only a shape."""
    if not is_known(x):
        return None
    return x._concrete("interpolation") if isinstance(x, Tensor) else x


def moved_first(y: Any, axis: int) -> Any:
    """``y`` with an axis first."""
    return np.moveaxis(y, axis, 0) if axis else y


def axis_to_place(y: Any, ndim: int, axis: int) -> Any:
    """A result whose first ``ndim`` axes belong to the points, with these where ``axis`` was."""
    if not axis:
        return y
    order = (*range(ndim, ndim + axis), *range(ndim), *range(ndim + axis, y.ndim))
    return np.transpose(y, order)


def checked_nodes(name: str, x: Any, y: Any, axis: Any, increasing: bool = True) -> Any:
    """Nodes, values with the axis of the nodes first, and that axis.

    Raises
    ------
    ShapeError
        If there are fewer than two nodes, or not as many as values.
    WengertTypeError
        For complex nodes.
    WengertValueError
        If nodes do not increase, or are not finite.
    """
    x, y = operand(x), operand(y)
    if x.ndim != 1 or x.shape[0] < 2:
        raise ShapeError(
            f"{name}: x has shape {x.shape}; expected a vector of at least two nodes. Use "
            "wengert.vmap for several sets of nodes"
        )
    if x.dtype.kind == "c":
        raise WengertTypeError(f"{name}: x is complex, of dtype {x.dtype}; nodes are real")
    if not y.ndim:
        raise ShapeError(f"{name}: y is one number; expected as many values as nodes")
    axis = axis_of(axis, y.ndim)
    if y.shape[axis] != x.shape[0]:
        raise ShapeError(
            f"{name}: {x.shape[0]} nodes, but y of shape {y.shape} has {y.shape[axis]} values "
            f"along axis {axis}"
        )
    plain = values_known(x)
    if plain is not None and not np.all(np.isfinite(plain)):
        raise WengertValueError(f"{name}: x must be finite; it holds infinities or NaN")
    if increasing and plain is not None and not np.all(np.diff(plain) > 0):
        at = int(np.argmin(np.diff(plain)))
        raise WengertValueError(
            f"{name}: x must increase strictly; x[{at}] = {plain[at]} is followed by "
            f"{plain[at + 1]}. Sort x and y, or remove what stands twice"
        )
    x, y = cast(x, np.float64), cast(y, np.complex128 if y.dtype.kind == "c" else np.float64)
    return x, moved_first(y, axis), axis


def interval_of(inner: Any, points: Any, side: str = "right") -> Any:
    """The number of the interval of each point, by the nodes between intervals."""
    if not inner.shape[0]:
        return np.zeros(points.shape, np.intp)
    from ...core.bind import bind

    return bind(searchsorted_p, (inner, points), {"side": side})
