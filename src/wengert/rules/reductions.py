"""Sums, products and extrema over axes.

Axes are canonical: a tuple of non-negative, increasing integers.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..core.bind import bind
from ..core.primitive import Primitive
from .batching import shape_of
from .cumulative import products_of_others
from .indexing import where_p
from .pointwise import pointwise
from .shapes import broadcast_to, reshape, transpose

__all__ = [
    "all_p",
    "any_p",
    "argmax_p",
    "argmin_p",
    "canonical_axes",
    "count_nonzero_p",
    "finite_max_p",
    "kept_shape",
    "max_p",
    "min_p",
    "nanmax_p",
    "nanmin_p",
    "prod_p",
    "reduce_shape",
    "reduction_batch",
    "root",
    "spread",
    "sum_",
    "sum_p",
]


def canonical_axes(axis: Any, ndim: int) -> tuple[int, ...]:
    """The axes of a reduction as NumPy takes them (None, an integer, a tuple), made canonical.

    Raises
    ------
    AxisError
        For an axis that does not exist.
    """
    if axis is None or (ndim == 0 and axis in (0, -1)):  # NumPy's reductions allow it for 0-d
        return tuple(range(ndim))
    return tuple(sorted(normalize_axis_tuple(axis, ndim, "axis")))


def reduce_shape(
    x: Any, axis: tuple[int, ...], keepdims: bool = False
) -> tuple[tuple[int, ...], Any]:
    """Shape rule of a reduction that keeps the dtype."""
    if keepdims:
        return kept_shape(x.shape, axis), x.dtype
    return tuple([n for i, n in enumerate(x.shape) if i not in axis]), x.dtype


def kept_shape(shape: tuple[int, ...], axis: tuple[int, ...]) -> tuple[int, ...]:
    """The shape with the reduced axes kept with length one."""
    return tuple([1 if i in axis else n for i, n in enumerate(shape)])


def reduction_batch(primitive: Primitive) -> Any:
    """Batching rule of a reduction: the same axes, one further on."""

    def batch(args: Any, batched: Any, size: int, axis: tuple[int, ...], **params: Any) -> Any:
        return bind(primitive, args, {"axis": tuple(i + 1 for i in axis), **params})

    return batch


def _text(name: str) -> Any:
    def show(x: str, axis: tuple[int, ...], keepdims: bool = False) -> str:
        where = f", axis={axis[0] if len(axis) == 1 else axis}"
        return f"np.{name}({x}{where}{', keepdims=True' if keepdims else ''})"

    return show


def _reduction(
    name: str, evaluate: Any, shape: Any, show: str | None = None, **record: Any
) -> Primitive:
    """A primitive that reduces over ``axis`` with the NumPy function ``evaluate``."""
    p = Primitive(
        name,
        lambda x, axis, keepdims=False: evaluate(x, axis, keepdims=keepdims),
        shape,
        None,
        show=_text(show or name),
        lower=name,
        **record,
    )
    p.batch = reduction_batch(p)
    return p


def spread(ct: Any, shape: tuple[int, ...], axis: tuple[int, ...], keepdims: bool) -> Any:
    """A cotangent of a reduction's output, broadcast to the shape of its input."""
    if not keepdims and ct.ndim:
        ct = reshape(ct, kept_shape(shape, axis))
    return ct if ct.shape == shape else broadcast_to(ct, shape)


# ------------------------------------------------------------------ sum and product


def _promoting_shape(x: Any, axis: tuple[int, ...], keepdims: bool = False) -> Any:
    """Shape rule of sums and products: small integers and booleans become the default integers."""
    shape, dtype = reduce_shape(x, axis, keepdims)
    if dtype.kind in "biu" and dtype.itemsize < np.dtype(np.intp).itemsize:
        dtype = np.dtype(np.uintp if dtype.kind == "u" else np.intp)
    return shape, dtype


sum_p = _reduction(
    "sum",
    np.add.reduce,
    _promoting_shape,
    linear=(0,),
    transpose=(
        lambda ct, ins, out, axis, keepdims=False: spread(ct, ins[0].shape, axis, keepdims),
    ),
)


def sum_(x: Any, axis: tuple[int, ...], keepdims: bool = False) -> Any:
    """The sum over ``axis``."""
    return bind(sum_p, (x,), {"axis": axis, "keepdims": keepdims} if keepdims else {"axis": axis})


def _prod_jvp(ts: Any, ins: Any, out: Any, axis: tuple[int, ...], keepdims: bool = False) -> Any:
    """Each tangent times the product of all other elements: no division, so zeros do no harm."""
    return sum_(ts[0] * _other_factors(ins[0], axis), axis, keepdims)


def _other_factors(x: Any, axis: tuple[int, ...]) -> Any:
    """The product over ``axis`` of all elements but the one in that place."""
    if len(axis) == 1:
        return products_of_others(x, axis[0])
    shape = shape_of(x)
    order = (*(i for i in range(len(shape)) if i not in axis), *axis)
    kept = tuple(shape[i] for i in order)
    flat = reshape(
        transpose(x, order), (*kept[: len(shape) - len(axis)], prod(shape[i] for i in axis))
    )
    others = reshape(products_of_others(flat, flat.ndim - 1), kept)
    return transpose(others, tuple(order.index(i) for i in range(len(shape))))


prod_p = _reduction("prod", np.multiply.reduce, _promoting_shape, jvp=_prod_jvp)


# ------------------------------------------------------------------ extrema: ties share evenly


def _shared(ts: Any, winners: Any, axis: tuple[int, ...], keepdims: bool) -> Any:
    # Chosen and not multiplied: of the other elements not even an infinite tangent is seen.
    t = ts[0]
    total = sum_(bind(where_p, (winners, t, t.dtype.type(0)), {}), axis, keepdims)
    count = sum_(winners.astype(t.dtype), axis, keepdims)
    # Without winners (a slice of NaN alone, to nanmax) the derivative is 0.
    return total / (count + (count == 0))


def _extremum_jvp(
    ts: Any, ins: Any, out: Any, axis: tuple[int, ...], keepdims: bool = False
) -> Any:
    """The mean tangent of the elements that equal the extremum; if that is NaN, of the NaNs."""
    x = ins[0]
    full = out if keepdims else reshape(out, kept_shape(x.shape, axis))
    return _shared(ts, (x == full) | (x != x), axis, keepdims)


def _number_extremum_jvp(
    ts: Any, ins: Any, out: Any, axis: tuple[int, ...], keepdims: bool = False
) -> Any:
    """The same for an extremum that skips NaN."""
    x = ins[0]
    full = out if keepdims else reshape(out, kept_shape(x.shape, axis))
    return _shared(ts, x == full, axis, keepdims)


max_p = _reduction("max", np.maximum.reduce, reduce_shape, jvp=_extremum_jvp)
min_p = _reduction("min", np.minimum.reduce, reduce_shape, jvp=_extremum_jvp)
nanmax_p = _reduction("nanmax", np.fmax.reduce, reduce_shape, jvp=_number_extremum_jvp)
nanmin_p = _reduction("nanmin", np.fmin.reduce, reduce_shape, jvp=_number_extremum_jvp)


def _finite_max(x: Any, axis: tuple[int, ...], keepdims: bool = False) -> Any:
    m = np.max(x, axis, keepdims=keepdims, initial=-np.inf)
    return np.where(np.isfinite(m), m, m.dtype.type(0))[()]


# The offset that keeps exp(x - offset) in range. It has no derivative: what is computed with it
# does not depend on it.
finite_max_p = Primitive(
    "finite_max", _finite_max, reduce_shape, None, show=_text("max"), lower="finite_max"
)
finite_max_p.batch = reduction_batch(finite_max_p)

# The square root of a sum of squares: the derivative at 0 is 0, as that of a norm (of `std`, of
# `np.linalg.norm`).
root_p = pointwise(
    "root",
    lambda v: np.sqrt(v),
    lambda y, v: 0.5 * y / (v + (v == 0)),
    show="np.sqrt({0})",
)


def root(v: Any) -> Any:
    """``sqrt(v)`` with derivative 0 at 0."""
    return bind(root_p, (v,), {})


# ------------------------------------------------------------------ plain results


def _plain_shape(dtype: Any) -> Any:
    def shape(x: Any, axis: tuple[int, ...], keepdims: bool = False) -> Any:
        return reduce_shape(x, axis, keepdims)[0], np.dtype(dtype)

    return shape


all_p = _reduction("all", np.all, _plain_shape(bool), plain=True)
any_p = _reduction("any", np.any, _plain_shape(bool), plain=True)
count_nonzero_p = _reduction("count_nonzero", np.count_nonzero, _plain_shape(np.intp), plain=True)


def _position(name: str) -> Primitive:
    """A primitive for the position of an extremum along ``axis``, here a single integer."""
    function = getattr(np, name)

    def shape(x: Any, axis: int, keepdims: bool = False) -> Any:
        return reduce_shape(x, (axis,), keepdims)[0], np.dtype(np.intp)

    def batch(args: Any, batched: Any, size: int, axis: int, keepdims: bool = False) -> Any:
        return bind(p, args, {"axis": axis + 1, "keepdims": keepdims})

    p = Primitive(
        name,
        lambda x, axis, keepdims=False: function(x, axis, keepdims=keepdims),
        shape,
        batch,
        show=lambda x, axis, keepdims=False: (
            f"np.{name}({x}, axis={axis}{', keepdims=True' if keepdims else ''})"
        ),
        lower=name,
        plain=True,
    )
    return p


argmax_p = _position("argmax")
argmin_p = _position("argmin")
