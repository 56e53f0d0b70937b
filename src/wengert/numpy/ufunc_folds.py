"""``reduce``, ``accumulate`` and ``reduceat`` of the ufuncs that have no primitive for them.

Most ufuncs are not associative: NumPy takes the elements one after another, and so does the fold
here, with one operation for each step along the axis, whatever the other axes hold. Associative
ones are folded in pairs, in a number of operations that grows with the logarithm of the length.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..core.bind import bind
from ..core.errors import WengertIndexError
from ..core.index import ARRAY
from ..core.tensor import Tensor
from ..rules.cumulative import cummax_p, cummin_p, cumsum_p, section, shifted
from ..rules.indexing import getitem_p, scatter_add_p, where_p
from ..rules.joining import stack_p
from ..rules.reductions import max_p, min_p
from ..rules.shapes import reshape, transpose
from .arguments import (
    NO_VALUE,
    as_scalar,
    cast,
    concrete,
    deliver,
    deliver_reduction,
    dtype_by_out,
    flag,
    mask_of,
    operand,
    select,
)
from .dispatch import UFUNC_METHODS, implements_method
from .reductions import highest, lowest

__all__ = ["accumulate", "reduce", "reduceat"]

_FULL = (None, None, None)

ASSOCIATIVE: dict[Any, float | None] = {
    np.logaddexp: -np.inf,
    np.logaddexp2: -np.inf,
    np.hypot: 0.0,
    np.gcd: 0,
    np.lcm: None,
    np.bitwise_and: None,
    np.bitwise_or: 0,
    np.bitwise_xor: 0,
}
"""Ufuncs that may be folded in any order, and the value that changes nothing, if there is one."""


def _stand_in(method: Callable[..., Any], a: Any, *args: Any, **kwargs: Any) -> Any:
    """NumPy's own result for an operand with axes of length one: its dtype and its complaints."""
    with np.errstate(all="ignore"):
        return method(np.ones([min(n, 1) for n in a.shape], a.dtype), *args, **kwargs)


def _rows(a: Any) -> list[Any]:
    """The slices along the first axis."""
    return [bind(getitem_p, (a,), {"template": (k,)}, False) for k in range(a.shape[0])]


def _in_pairs(ufunc: Any, a: Any) -> Any:
    """The fold of an associative ufunc along the first axis, by halves."""
    rest = []
    while a.shape[0] > 1:
        n = a.shape[0]
        if n % 2:
            rest.append(section(a, 0, n - 1, n))
        a = ufunc(section(a, 0, 0, n // 2), section(a, 0, n // 2, n - n % 2))
    for last in reversed(rest):
        a = ufunc(a, last)
    return reshape(a, a.shape[1:])


def _fold(ufunc: Any, a: Any, start: Any = None, mask: Any = None) -> Any:
    """The fold along the first axis, from ``start`` if given, of the elements in ``mask``."""
    if ufunc in ASSOCIATIVE and a.shape[0] and (mask is None or ASSOCIATIVE[ufunc] is not None):
        y = _in_pairs(ufunc, select(mask, a, ASSOCIATIVE[ufunc]))
        return y if start is None else ufunc(start, y)
    rows = _rows(a)
    masks = [None] * len(rows) if mask is None else _rows(mask)
    y = rows[0] if start is None else start
    first = 1 if start is None else 0
    for row, chosen in zip(rows[first:], masks[first:], strict=True):
        combined = ufunc(y, row)
        y = combined if chosen is None else bind(where_p, (chosen, combined, y), {})
    return y


# ------------------------------------------------------------------ reduce


def reduce(
    ufunc: Any,
    a: Any,
    axis: Any = 0,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = NO_VALUE,
    where: Any = NO_VALUE,
) -> Any:
    """``ufunc.reduce``: the elements along axes combined, one after another.

    Raises
    ------
    ValueError
        From NumPy: several axes for a ufunc whose order matters; an empty axis, or a mask, for one
        without identity and without ``initial``.
    """
    a = operand(a)
    dtype = dtype_by_out(a, dtype, out)
    mask = mask_of(where, a.shape)
    options: dict[str, Any] = {"keepdims": True}
    if initial is not NO_VALUE:
        options["initial"] = None if initial is None else 1
    if mask is not None:
        options["where"] = np.True_
    model = _stand_in(ufunc.reduce, a, axis, dtype, **options)
    start = None if initial is NO_VALUE else initial
    if start is None and initial is not None and ufunc.identity is not None:
        start = ufunc.identity
    a = cast(a, model.dtype)
    axes = tuple(i for i, n in enumerate(a.shape) if _is_reduced(axis, i, a.ndim))
    rest = tuple(i for i in range(a.ndim) if i not in axes)
    shape = tuple(a.shape[i] for i in rest)
    length = prod(a.shape[i] for i in axes)
    if length and not (start is None and not axes):
        kept = tuple(1 if i in axes else n for i, n in enumerate(a.shape))
        if start is not None:
            start = cast(operand(start), model.dtype)
        y = _fold(ufunc, _axes_first(a, axes, rest), start, _mask_first(mask, a, axes, rest))
        y = reshape(y, kept if flag(keepdims) else shape)
    elif not axes:
        y = a
    else:  # nothing to combine
        kept = tuple(1 if i in axes else n for i, n in enumerate(a.shape))
        y = np.full_like(a, 0, shape=kept if flag(keepdims) else shape)
        y = y + (start if isinstance(start, Tensor) else np.asarray(start).astype(a.dtype))
        y = cast(y, model.dtype)
    return deliver_reduction(as_scalar(y), out, f"{ufunc.__name__}.reduce")


def _is_reduced(axis: Any, i: int, ndim: int) -> bool:
    if axis is None:
        return True
    return any(a % ndim == i for a in (axis if isinstance(axis, (tuple, list)) else (axis,)))


def _axes_first(a: Any, axes: tuple[int, ...], rest: tuple[int, ...]) -> Any:
    order = (*axes, *rest)
    a = transpose(a, order) if order != tuple(range(a.ndim)) else a
    n = len(axes)
    return reshape(a, (prod(a.shape[:n]), *a.shape[n:])) if n != 1 else a


def _mask_first(mask: Any, a: Any, axes: tuple[int, ...], rest: tuple[int, ...]) -> Any:
    if mask is None:
        return None
    return _axes_first(np.broadcast_to(mask, a.shape), axes, rest)


implements_method(None, "reduce")(reduce)


@implements_method(np.logical_xor, "reduce")
def _logical_xor_reduce(
    a: Any,
    axis: Any = 0,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = NO_VALUE,
    where: Any = NO_VALUE,
) -> Any:
    a = operand(a)
    _stand_in(np.logical_xor.reduce, a, axis, dtype)
    a = select(mask_of(where, a.shape), np.not_equal(a, 0), False)
    axis = axis if axis is None or isinstance(axis, tuple) else (axis,)
    odd = np.not_equal(np.remainder(np.sum(a, axis, keepdims=flag(keepdims)), 2), 0)
    return deliver(_combined(np.logical_xor, odd, initial), out, "logical_xor.reduce")


def _combined(ufunc: Any, y: Any, initial: Any) -> Any:
    return y if initial is NO_VALUE or initial is None else ufunc(initial, y)


def _logical_reduce(ufunc: Any, function: Any) -> None:
    @implements_method(ufunc, "reduce")
    def reduce(
        a: Any,
        axis: Any = 0,
        dtype: Any = None,
        out: Any = None,
        keepdims: Any = False,
        initial: Any = NO_VALUE,
        where: Any = NO_VALUE,
    ) -> Any:
        a = operand(a)
        _stand_in(ufunc.reduce, a, axis, dtype)
        y = function(np.not_equal(a, 0), axis, None, flag(keepdims), where=where)
        return deliver(_combined(ufunc, y, initial), out, f"{ufunc.__name__}.reduce")


_logical_reduce(np.logical_and, np.all)
_logical_reduce(np.logical_or, np.any)


# ------------------------------------------------------------------ accumulate


def accumulate(ufunc: Any, a: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Any:
    """``ufunc.accumulate``: all the partial results of `reduce` along one axis."""
    a = operand(a)
    dtype = dtype_by_out(a, dtype, out)
    model = _stand_in(ufunc.accumulate, a, axis, dtype)
    axis = normalize_axis_index(axis, a.ndim)
    if ufunc in _SCANS:
        y = cast(_SCANS[ufunc](a if dtype is None else cast(a, model.dtype), axis), model.dtype)
    elif not a.size:
        y = cast(a, model.dtype)
    else:
        a = cast(a, model.dtype)
        neutral = ASSOCIATIVE.get(ufunc)
        if neutral is not None:
            y = _by_doubling(ufunc, a, axis, neutral)
            if ufunc is np.hypot:  # the first element stays as it is, of whatever sign
                rest = section(y, axis, 1, a.shape[axis])
                y = np.concatenate([section(a, axis, 0, 1), rest], axis)
        else:
            rows = _rows(_axes_first(a, (axis,), tuple(i for i in range(a.ndim) if i != axis)))
            results = rows[:1]
            for row in rows[1:]:
                results.append(ufunc(results[-1], row))
            y = bind(stack_p, tuple(results), {"axis": axis})
    return deliver_reduction(y, out, f"{ufunc.__name__}.accumulate")


implements_method(None, "accumulate")(accumulate)


def _by_doubling(ufunc: Any, a: Any, axis: int, neutral: float) -> Any:
    """Each place combines twice as many elements after each step (see `rules.cumulative`)."""
    by = 1
    while by < a.shape[axis]:
        a = ufunc(shifted(a, by, axis, neutral), a)
        by *= 2
    return a


def _differences(a: Any, axis: int) -> Any:
    """``a[0] - a[1] - ...``: the running sum with all signs but the first turned."""
    if not a.shape[axis]:
        return a
    sign = np.full((a.shape[axis], *(1,) * (a.ndim - axis - 1)), -1, a.dtype)
    sign[0] = 1
    return bind(cumsum_p, (a * sign,), {"axis": axis})


def _skipping_nan(primitive: Any, replacement: float) -> Any:
    def scan(a: Any, axis: int) -> Any:
        if a.dtype.kind not in "fc":
            return bind(primitive, (a,), {"axis": axis})
        known = np.logical_not(np.isnan(a))
        y = bind(primitive, (select(known, a, replacement),), {"axis": axis})
        seen = np.logical_or.accumulate(known, axis)
        # Before the first number the result is the NaN of that place, and its derivative too.
        return bind(where_p, (seen, y, a), {})

    return scan


def _running_truth(primitive: Any) -> Any:
    return lambda a, axis: bind(primitive, (np.not_equal(a, 0),), {"axis": axis})


def _running_parity(a: Any, axis: int) -> Any:
    count = bind(cumsum_p, (cast(operand(np.not_equal(a, 0)), np.intp),), {"axis": axis})
    return np.not_equal(np.remainder(count, 2), 0)


_SCANS: dict[Any, Callable[[Any, int], Any]] = {
    np.subtract: _differences,
    np.fmax: _skipping_nan(cummax_p, -np.inf),
    np.fmin: _skipping_nan(cummin_p, np.inf),
    np.logical_and: _running_truth(cummin_p),
    np.logical_or: _running_truth(cummax_p),
    np.logical_xor: _running_parity,
}
"""Running results that primitives give: ``(a, axis) -> result``."""


# ------------------------------------------------------------------ reduceat


def _slices(ufunc: Any, indices: Any, n: int) -> tuple[Any, Any]:
    """Where the slices of ``reduceat`` start, and how long they are."""
    name = f"np.{ufunc.__name__}.reduceat"
    starts = np.asarray(concrete(indices, f"{name}, indices"))
    starts = starts.astype(np.intp) if not starts.size else starts
    if starts.dtype.kind not in "iu" or starts.ndim != 1:
        raise WengertIndexError(
            f"{name}: indices must be integers in one dimension, not {starts.dtype} of shape "
            f"{starts.shape}"
        )
    wrong = (starts < 0) | (starts >= n)
    if wrong.any():
        raise WengertIndexError(
            f"{name}: index {starts[wrong][0]} is out of bounds for an axis of length {n}"
        )
    starts = starts.astype(np.intp)
    stops = np.append(starts[1:], n)
    return starts, np.maximum(stops - starts, 1)  # a slice that does not go forward is one element


@implements_method(np.add, "reduceat")
def _add_reduceat(a: Any, indices: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Any:
    """The sums of slices that may overlap: every element of every slice, added into its sum."""
    a = operand(a)
    a = cast(a, _stand_in(np.add.reduceat, a, [0] if a.size else [], axis, dtype).dtype)
    axis = normalize_axis_index(axis, a.ndim)
    starts, lengths = _slices(np.add, indices, a.shape[axis])
    slices = np.repeat(np.arange(len(starts)), lengths)
    within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    template = (*(_FULL,) * axis, ARRAY)
    elements = bind(getitem_p, (a, starts[slices] + within), {"template": template}, False)
    shape = (*a.shape[:axis], len(starts), *a.shape[axis + 1 :])
    y = bind(scatter_add_p, (elements, slices), {"template": template, "shape": shape})
    return deliver(y, out, "add.reduceat")


def reduceat(
    ufunc: Any, a: Any, indices: Any, axis: int = 0, dtype: Any = None, out: Any = None
) -> Any:
    """``ufunc.reduceat``: the fold of each slice ``a[indices[i]:indices[i + 1]]``.

    Slices of about one length (between two powers of two) are folded together, each padded to the
    longest of them with elements that a mask leaves out.
    """
    a = operand(a)
    model = _stand_in(ufunc.reduceat, a, [0] if a.size else [], axis, dtype)
    axis = normalize_axis_index(axis, a.ndim)
    starts, lengths = _slices(ufunc, indices, a.shape[axis])
    if model.dtype.kind != "b":
        a = cast(a, model.dtype)
    template = (*(_FULL,) * axis, ARRAY)
    parts, order = [], []
    bucket = np.ceil(np.log2(lengths)).astype(int) if lengths.size else lengths
    for size in np.unique(bucket):
        chosen = np.flatnonzero(bucket == size)
        longest = int(lengths[chosen].max())
        step = np.arange(longest)[:, None]
        inside = step < lengths[chosen]
        positions = starts[chosen] + np.minimum(step, lengths[chosen] - 1)
        g = bind(getitem_p, (a, positions), {"template": template}, False)
        # Axes: the steps, the slices, and the others of a.
        g = _axes_first(g, (axis,), tuple(i for i in range(g.ndim) if i != axis))
        inside = inside.reshape(longest, *(1,) * axis, len(chosen), *(1,) * (a.ndim - axis - 1))
        y = _fold_slices(ufunc, g, None if inside.all() else np.broadcast_to(inside, g.shape))
        parts.append(y)
        order.append(chosen)
    if not parts:
        shape = (*a.shape[:axis], 0, *a.shape[axis + 1 :])
        return deliver(
            np.zeros_like(a, dtype=model.dtype, shape=shape), out, f"{ufunc.__name__}.reduceat"
        )
    y = parts[0] if len(parts) == 1 else np.concatenate(parts, axis)
    if len(parts) > 1:
        back = np.argsort(np.concatenate(order))
        y = bind(getitem_p, (y, back), {"template": template}, False)
    return deliver(y, out, f"{ufunc.__name__}.reduceat")


def _fold_slices(ufunc: Any, g: Any, mask: Any) -> Any:
    """The fold along the first axis of what the mask leaves; in each slice that has the first."""
    if g.shape[0] == 1:
        one = reshape(g, g.shape[1:])
        return np.not_equal(one, 0) if ufunc in _LOGICAL else one
    if ufunc in (np.maximum, np.minimum):
        padding = (lowest if ufunc is np.maximum else highest)(g.dtype)
        primitive = max_p if ufunc is np.maximum else min_p
        return bind(primitive, (select(mask, g, padding),), {"axis": (0,)})
    if ufunc in (np.fmax, np.fmin):  # of NaN alone, and of NaN and padding, NaN
        return UFUNC_METHODS[ufunc, "reduce"](select(mask, g, np.nan) if mask is not None else g, 0)
    if (ufunc, "reduce") in UFUNC_METHODS and ufunc.identity is not None:
        return UFUNC_METHODS[ufunc, "reduce"](g, 0, where=NO_VALUE if mask is None else mask)
    return _fold(ufunc, g, None, mask)


_LOGICAL = (np.logical_and, np.logical_or, np.logical_xor)
implements_method(None, "reduceat")(reduceat)
