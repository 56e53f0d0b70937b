"""Running sums, products and extrema along one axis (a non-negative integer).

Their derivatives, but for the sum's, are recurrences. They are computed by doubling: after ``k``
steps each place has combined the ``2**k`` places up to it (W. D. Hillis and G. L. Steele, Data
parallel algorithms, CACM 29 (1986), 1170-1183). That is O(n log n) in whole-array operations
without a division, hence exact at zeros and differentiable again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core import algebra
from ..core.bind import bind
from ..core.primitive import Primitive
from .indexing import getitem_p, scatter_add_p

__all__ = [
    "cummax_p",
    "cummin_p",
    "cumprod_p",
    "cumsum",
    "cumsum_p",
    "products_of_others",
    "section",
]

_FULL = (None, None, None)


def section(x: Any, axis: int, start: int | None, stop: int | None, step: int | None = None) -> Any:
    """``x[start:stop:step]`` along ``axis``; not a view that follows later writes."""
    template = (_FULL,) * axis + ((start, stop, step),)
    return bind(getitem_p, (x,), {"template": template}, False)


def _running(x: Any, axis: int, reverse: bool = False) -> tuple[tuple[int, ...], Any]:
    """Shape rule: the operand's shape; small integers and booleans become the default integers."""
    dtype = x.dtype
    if dtype.kind in "biu" and dtype.itemsize < np.dtype(np.intp).itemsize:
        dtype = np.dtype(np.uintp if dtype.kind == "u" else np.intp)
    return x.shape, dtype


def _text(name: str) -> Any:
    def show(x: str, axis: int, reverse: bool = False) -> str:
        if not reverse:
            return f"np.{name}({x}, axis={axis})"
        return f"np.flip(np.{name}(np.flip({x}, {axis}), axis={axis}), {axis})"

    return show


def _cumulative(name: str, ufunc: Any, show: str, **record: Any) -> Primitive:
    """A primitive for ``ufunc.accumulate`` along ``axis``, from the end if ``reverse``."""

    def evaluate(x: Any, axis: int, reverse: bool = False) -> Any:
        if not reverse:
            return ufunc.accumulate(x, axis)
        return np.flip(ufunc.accumulate(np.flip(x, axis), axis), axis)

    def batch(args: Any, batched: Any, size: int, axis: int, **params: Any) -> Any:
        return bind(p, args, {"axis": axis + 1, **params})

    p = Primitive(
        name,
        evaluate,
        _running,
        batch,
        show=_text(show),
        lower=name,
        contiguous=lambda x, axis, reverse=False: x.contiguous and not reverse,
        **record,
    )
    return p


# ------------------------------------------------------------------ sum

cumsum_p = _cumulative(
    "cumsum",
    np.add,
    "cumsum",
    linear=(0,),
    transpose=(lambda ct, ins, out, axis, reverse=False: cumsum(ct, axis, not reverse),),
)


def cumsum(x: Any, axis: int, reverse: bool = False) -> Any:
    """The running sum along ``axis``, from the end if ``reverse``."""
    return bind(cumsum_p, (x,), {"axis": axis, "reverse": True} if reverse else {"axis": axis})


# ------------------------------------------------------------------ doubling


def shifted(x: Any, by: int, axis: int, fill: float = 0.0) -> Any:
    """``x`` moved ``by`` places along ``axis`` (towards the end if positive), ``fill`` moved in."""
    n = x.shape[axis]
    width = min(abs(by), n)
    gone, free = ((0, n - width), (width, n)) if by > 0 else ((width, n), (0, n - width))
    lead = (_FULL,) * axis
    y = section(x, axis, *gone)
    params = {"template": (*lead, (*free, None)), "shape": x.shape}
    y = bind(scatter_add_p, (y,), params)
    if fill:
        margin = np.full(n, fill, x.dtype)
        margin[slice(*free)] = 0
        y = y + margin.reshape((n,) + (1,) * (x.ndim - axis - 1))
    return y


def _doubling(
    state: tuple[Any, ...],
    fills: tuple[float, ...],
    combine: Callable[..., tuple[Any, ...]],
    axis: int,
    reverse: bool,
) -> tuple[Any, ...]:
    """Inclusive scan of ``state`` with the associative ``combine(earlier, later)``."""
    n = state[0].shape[axis]
    d = 1
    while d < n:
        by = -d if reverse else d
        earlier = [shifted(s, by, axis, fill) for s, fill in zip(state, fills, strict=True)]
        state = combine(earlier, state)
        d *= 2
    return state


# ------------------------------------------------------------------ product


def _product_and_tangent(earlier: Any, later: Any) -> tuple[Any, ...]:
    (p, t), (q, u) = earlier, later
    return p * q, t * q + p * u


def _cumprod_jvp(ts: Any, ins: Any, out: Any, axis: int, reverse: bool = False) -> Any:
    """The scan of ``(x, t)`` under the product rule."""
    return _doubling((ins[0], ts[0]), (1.0, 0.0), _product_and_tangent, axis, reverse)[1]


cumprod_p = _cumulative("cumprod", np.multiply, "cumprod", jvp=_cumprod_jvp)


def products_of_others(x: Any, axis: int) -> Any:
    """The product along ``axis`` of all elements but the one in that place."""
    if x.shape[axis] < 2:
        return algebra.zeros_like(x) + x.dtype.type(1)
    before = shifted(bind(cumprod_p, (x,), {"axis": axis}), 1, axis, 1.0)
    after = shifted(bind(cumprod_p, (x,), {"axis": axis, "reverse": True}), -1, axis, 1.0)
    return before * after


# ------------------------------------------------------------------ extrema: ties share evenly


def _within_groups(earlier: Any, later: Any) -> tuple[Any, ...]:
    (y, s, c), (z, u, d) = earlier, later
    same = ((y == z) | (y != y)).astype(u.dtype)
    return z, u + s * same, d + c * same


def _extremum_jvp(ts: Any, ins: Any, out: Any, axis: int, reverse: bool = False) -> Any:
    """The mean tangent of the elements so far that equal the extremum so far.

    They lie in the stretch where the running extremum has its present value, so a sum that restarts
    with each new value, of tangents and of ones, gives the mean. NaN counts as equal to NaN.
    """
    x = ins[0]
    winners = ((x == out) | (x != x)).astype(ts[0].dtype)
    state = (out, ts[0] * winners, winners)
    _, total, count = _doubling(state, (0.0, 0.0, 0.0), _within_groups, axis, reverse)
    return total / count


cummax_p = _cumulative("cummax", np.maximum, "maximum.accumulate", jvp=_extremum_jvp)
cummin_p = _cumulative("cummin", np.minimum, "minimum.accumulate", jvp=_extremum_jvp)
for _p in (cummax_p, cummin_p):
    _p.shape = lambda x, axis, reverse=False: (x.shape, x.dtype)
