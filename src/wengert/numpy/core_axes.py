"""The options ``axes``, ``axis`` and ``keepdims`` of generalised ufuncs: matmul, vecdot, ..."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.errors import WengertTypeError, WengertValueError

__all__ = ["call_on_axes"]


def call_on_axes(
    ufunc: Any,
    function: Callable[..., Any],
    inputs: tuple[Any, ...],
    axes: Any = None,
    axis: int | None = None,
    keepdims: bool = False,
) -> Any:
    """Call a function that works on the last axes, on the axes that NumPy's options name.

    Parameters
    ----------
    ufunc : numpy.ufunc
        Its signature tells how many axes each operand and the result have.
    function : callable
        Works on the last axes.
    inputs : tuple
        Arrays or Tensors.
    axes : list of tuples, optional
        The axes of each operand, and of the result if that has any.
    axis : int, optional
        Short for ``axes`` where each operand has one axis and the result none.
    keepdims : bool
        Whether that axis stays in the result with length one.
    """
    inputs = tuple([x if hasattr(x, "ndim") else np.asarray(x) for x in inputs])
    taken, given = _core_dimensions(ufunc, inputs)
    if axis is not None:
        if any(len(core) != 1 for core in taken) or given:
            raise WengertTypeError(f"np.{ufunc.__name__}: axis= needs one axis in each operand")
        axes = [(axis,)] * len(inputs)
    if keepdims and (given or any(len(core) != len(taken[0]) for core in taken)):
        raise WengertTypeError(f"np.{ufunc.__name__}: keepdims= is not possible for this function")
    last = [tuple(range(-len(core), 0)) for core in [*taken, given]]
    where = last if axes is None else _checked(ufunc, axes, last)
    moved = [
        x if w == s else np.moveaxis(x, w, s) for x, w, s in zip(inputs, where, last, strict=False)
    ]
    y = function(*moved)
    if keepdims:
        return np.expand_dims(y, where[0])
    return y if where[-1] == last[-1] else np.moveaxis(y, last[-1], where[-1])


def _core_dimensions(ufunc: Any, inputs: tuple[Any, ...]) -> tuple[list[list[str]], list[str]]:
    """The names of the core dimensions of operands and result, without those that are absent."""
    operands, result = [
        [[name for name in group.strip("()").split(",") if name] for group in side.split("),(")]
        for side in ufunc.signature.split("->")
    ]
    taken, absent = [], set()
    for core, x in zip(operands, inputs, strict=True):
        if x.ndim < len(core):
            absent |= {name for name in core if name.endswith("?")}
            core = [name for name in core if not name.endswith("?")]
        taken.append(core)
    return taken, [name for name in result[0] if name not in absent]


def _checked(ufunc: Any, axes: Any, last: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    entries = [(a,) if hasattr(a, "__index__") else tuple(a) for a in axes]
    entries = [tuple(operator.index(i) for i in entry) for entry in entries]
    if len(entries) == len(last) - 1 and not last[-1]:
        entries.append(())
    if [len(entry) for entry in entries] != [len(core) for core in last]:
        raise WengertValueError(
            f"np.{ufunc.__name__}: axes={axes!r}; expected {len(last)} entries with "
            f"{', '.join(str(len(core)) for core in last)} axes"
        )
    return entries
