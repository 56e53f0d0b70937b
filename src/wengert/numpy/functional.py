"""Functions applied along axes, elementwise, or to windows: loops whose results are joined."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.bind import bind
from ..core.errors import (
    MutationError,
    NoRuleError,
    ShapeError,
    WengertTypeError,
    WengertValueError,
)
from ..rules.shapes import sliding_windows_p
from .arguments import axes_of, axis_of, contains_tensor, operand
from .dispatch import implements
from .joining import part, stack
from .shapes import moveaxis, view_with_axes, view_with_shape

__all__ = ["apply_along_axis", "apply_over_axes", "sliding_window_view", "vectorize"]


@implements(np.apply_along_axis)
def apply_along_axis(
    func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **kwargs: Any
) -> Any:
    """``np.apply_along_axis``: a Python loop over the slices; `wengert.vmap` has none.

    Raises
    ------
    ValueError
        If an iteration dimension is 0.
    """
    arr = operand(arr)
    axis = axis_of(axis, arr.ndim)
    moved = moveaxis(arr, axis, -1)
    lead = moved.shape[:-1]
    if 0 in lead:
        raise ShapeError("Cannot apply_along_axis when any iteration dimensions are 0")
    rows = [
        operand(func1d(part(moved, (*index, Ellipsis)), *args, **kwargs))
        for index in np.ndindex(lead)
    ]
    inner = rows[0].ndim
    result = view_with_shape(stack(rows), (*lead, *rows[0].shape))
    order = list(range(len(lead)))
    order[axis:axis] = range(len(lead), len(lead) + inner)
    return view_with_axes(result, tuple(order))


@implements(np.apply_over_axes)
def apply_over_axes(func: Callable[..., Any], a: Any, axes: Any) -> Any:
    """``np.apply_over_axes``: ``func(a, axis)`` for one axis after the other."""
    value = operand(a)
    ndim = value.ndim
    for axis in axes_of(axes, ndim):
        result = func(value, axis)
        if result.ndim != ndim:
            result = np.expand_dims(result, axis)
            if result.ndim != ndim:
                raise ShapeError("function is not returning an array of the correct shape")
        value = result
    return value


@implements(np.lib.stride_tricks.sliding_window_view)
def sliding_window_view(
    x: Any, window_shape: Any, axis: Any = None, *, subok: bool = False, writeable: bool = False
) -> Any:
    """``np.lib.stride_tricks.sliding_window_view``: windows as trailing axes; a read-only view.

    Raises
    ------
    MutationError
        If it is to be writeable: one element has many places in it.
    """
    if writeable:
        raise MutationError(
            "np.lib.stride_tricks.sliding_window_view(..., writeable=True): one element has many "
            "places in the windows, and what it holds after a write depends on their order. Leave "
            "writeable out, and write into the array itself"
        )
    x = operand(x)
    window = tuple(window_shape) if np.iterable(window_shape) else (window_shape,)
    if any(w < 0 for w in window):
        raise ShapeError("`window_shape` cannot contain negative values")
    axes = (
        axes_of(axis, x.ndim)
        if axis is None or not np.iterable(axis)
        else tuple(axis_of(i, x.ndim) for i in axis)
    )
    if len(window) != len(axes):
        raise ShapeError(f"window_shape {window} and axis {axes} must have the same length")
    for w, i in zip(window, axes, strict=True):
        count = x.shape[i] - w + 1
        if count < 1:
            raise ShapeError("window shape cannot be larger than input array shape")
        x = bind(sliding_windows_p, (x,), {"window": int(w), "axis": i})
    return x


class vectorize(np.vectorize):
    """``np.vectorize``; with traced arguments a Python loop whose results are stacked.

    `wengert.vmap` does without the loop.
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function on each element of the broadcast arguments."""
        if not contains_tensor((*args, *kwargs.values())):
            return super().__call__(*args, **kwargs)
        if self.signature is not None:
            return _over_loop_dimensions(self, args, kwargs)
        names = [*range(len(args)), *kwargs]
        given = [*args, *kwargs.values()]
        fixed = {k: v for k, v in zip(names, given, strict=True) if k in self.excluded}
        moving = {k: operand(v) for k, v in zip(names, given, strict=True) if k not in fixed}
        shape = np.broadcast_shapes(*[v.shape for v in moving.values()])
        flat = {k: np.reshape(np.broadcast_to(v, shape), (-1,)) for k, v in moving.items()}
        results = []
        for i in range(int(np.prod(shape))):
            one = {**fixed, **{k: part(v, i) for k, v in flat.items()}}
            positional = [one[k] for k in range(len(args))]
            results.append(self.pyfunc(*positional, **{k: one[k] for k in kwargs}))
        if not results:
            raise ShapeError("cannot call `vectorize` on size 0 inputs unless `otypes` is set")
        if isinstance(results[0], tuple):
            return tuple(np.reshape(stack(list(r)), shape) for r in zip(*results, strict=True))
        return np.reshape(stack(results), shape)


def _over_loop_dimensions(self: vectorize, args: Any, kwargs: Any) -> Any:
    """``vectorize`` with a signature: the function on the core dimensions, one after the other."""
    if kwargs or self.excluded:
        raise NoRuleError(
            "wengert.numpy.vectorize(signature=...) of traced values takes positional arguments "
            "and no excluded ones; use wengert.vmap"
        )
    taken, _, given = str(self.signature).replace(" ", "").partition("->")
    cores = [_core(group) for group in taken.strip("()").split("),(")]
    if len(cores) != len(args):
        raise WengertTypeError(f"wrong number of positional arguments: expected {len(cores)}")
    xs = [operand(x) for x in args]
    lengths: dict[str, int] = {}
    for x, core in zip(xs, cores, strict=True):
        if x.ndim < len(core):
            raise WengertValueError(
                f"{x.ndim}-dimensional argument does not have enough dimensions"
            )
        for name, n in zip(core, x.shape[x.ndim - len(core) :], strict=True):
            if lengths.setdefault(name, n) != n:
                raise WengertValueError(
                    f"inconsistent size for core dimension {name!r}: {n} vs {lengths[name]}"
                )
    loops = np.broadcast_shapes(
        *[x.shape[: x.ndim - len(c)] for x, c in zip(xs, cores, strict=True)]
    )
    full = [
        np.broadcast_to(x, loops + x.shape[x.ndim - len(c) :])
        for x, c in zip(xs, cores, strict=True)
    ]
    results = [self.pyfunc(*[part(x, (*i, Ellipsis)) for x in full]) for i in np.ndindex(loops)]
    if not results:
        raise WengertValueError("cannot call `vectorize` on size 0 inputs unless `otypes` is set")
    if given.count("(") == 1:
        return _joined_over(results, loops)
    return tuple(_joined_over(list(r), loops) for r in zip(*results, strict=True))


def _core(group: str) -> list[str]:
    return [name for name in group.split(",") if name]


def _joined_over(results: list[Any], loops: tuple[int, ...]) -> Any:
    y = stack([operand(r) for r in results])
    return np.reshape(y, loops + y.shape[1:])
