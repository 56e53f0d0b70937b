"""Reading and writing parts of arrays.

An index is a static template with array operands (`core.index`). ``getitem`` reads, ``scatter_add``
is its transpose, ``setitem`` is the functional form of a write through a chain of views.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import algebra
from ..core.abstract import Aval
from ..core.bind import bind
from ..core.index import (
    ARRAY,
    AbstractMaskError,
    ScalarMaskError,
    Template,
    advanced_position,
    does_not_fit,
    expand_scalar_masks,
    indexed_shape,
    join,
    split,
)
from ..core.masked import masked_elements
from ..core.primitive import Primitive
from ..core.tensor import Tensor
from ..core.views import apply_chain
from .batching import align, materialize, ndim_of, shape_of
from .shapes import BATCHED_PARAMS, broadcast_to, fits, transpose

__all__ = [
    "add_at_p",
    "getitem",
    "getitem_p",
    "index_text",
    "scatter_add_p",
    "setitem_p",
    "where_p",
]

_FULL = (None, None, None)


def index_text(template: Template, arrays: list[str]) -> str:
    """An index as Python source."""
    rest = iter(arrays)
    parts = []
    for part in template:
        if part is ARRAY:
            parts.append(next(rest))
        elif part is Ellipsis:
            parts.append("...")
        elif type(part) is tuple:
            start, stop, step = ("" if v is None else str(v) for v in part)
            parts.append(f"{start}:{stop}" + (f":{step}" if step else ""))
        else:
            parts.append(repr(part))
    return ", ".join(parts) if parts else "()"


def _batch_index(
    arrays: list[Any], batched: tuple[bool, ...], template: Template, size: int
) -> Any:
    """The index into an array that has a batch axis: an iota along it joins the index arrays."""
    if not arrays:
        return (_FULL, *template), arrays
    rank = max(ndim_of(a, b) for a, b in zip(arrays, batched, strict=True))
    arrays = [align(a, b, rank) for a, b in zip(arrays, batched, strict=True)]
    return (ARRAY, *template), [np.arange(size).reshape((size,) + (1,) * rank), *arrays]


def _block(template: Template, ndim: int, arrays: list[Any]) -> tuple[int, int]:
    """Position and number of the dimensions that the index arrays make in the result."""
    rank = max(ndim_of(a) for a in arrays)
    return advanced_position(template, ndim), rank


def _batch_to_front(y: Any, at: int, template: Template, ndim: int, rank: int) -> Any:
    """Bring the batch axis to the front and the other index dimensions where they belong.

    ``y`` was read with a batched index whose block of ``rank + 1`` dimensions stands at the
    position that NumPy chooses; the unbatched index has its block of ``rank`` dimensions at ``at``.
    """
    have = advanced_position(template, ndim)
    rest = [k for k in range(y.ndim) if not have <= k < have + rank + 1]
    block = range(have + 1, have + 1 + rank)
    return _permuted(y, (have, *rest[:at], *block, *rest[at:]))


def _batch_into_block(v: Any, at: int, template: Template, ndim: int, rank: int) -> Any:
    """The inverse of `_batch_to_front`, for a value that is to be written."""
    to = advanced_position(template, ndim)
    block = [0, *range(1 + at, 1 + at + rank)]
    rest = [k for k in range(v.ndim) if k not in block]
    return _permuted(v, (*rest[:to], *block, *rest[to:]))


def _permuted(y: Any, axes: tuple[int, ...]) -> Any:
    if axes == tuple(range(len(axes))):
        return y
    return transpose(y, axes) if isinstance(y, Tensor) else np.transpose(y, axes)


# ------------------------------------------------------------------ getitem


def _getitem_batch(args: Any, batched: Any, size: int, template: Template) -> Any:
    x, *arrays = args
    if not arrays:
        return bind(getitem_p, (x,), {"template": (_FULL, *template)}, False)
    ndim = ndim_of(x, batched[0])
    at, _ = _block(template, ndim, arrays)
    rank = max(ndim_of(a, b) for a, b in zip(arrays, batched[1:], strict=True))
    if batched[0]:
        new, arrays = _batch_index(arrays, batched[1:], template, size)
        y = bind(getitem_p, (x, *arrays), {"template": new}, False)
        return _batch_to_front(y, at, new, ndim + 1, rank)
    # Only index arrays have the batch axis: it becomes the first dimension of their block.
    arrays = [align(a, b, rank) for a, b in zip(arrays, batched[1:], strict=True)]
    y = bind(getitem_p, (x, *arrays), {"template": template}, False)
    return _batch_to_front(y, at, template, ndim, rank)


getitem_p: Primitive = Primitive(
    "getitem",
    lambda x, *arrays, template: x[join(template, arrays)],
    lambda x, *arrays, template: (indexed_shape(x.shape, template, arrays), x.dtype),
    _getitem_batch,
    linear=(0,),
    transpose=(
        lambda ct, ins, out, template: bind(
            scatter_add_p, (ct, *ins[1:]), {"template": template, "shape": ins[0].shape}
        ),
    ),
    show=lambda x, *arrays, template: f"{x}[{index_text(template, list(arrays))}]",
    lower="getitem",
    alias=True,
    # x[0] is a NumPy scalar, no view; x[0, ...] is a 0-d view.
    array0d=lambda x, *arrays, template: Ellipsis in template,
)
BATCHED_PARAMS[getitem_p] = lambda size, template: {"template": (_FULL, *template)}


def getitem(x: Any, index: Any) -> Any:
    """``x[index]`` for a Tensor."""
    try:
        template, arrays = split(index, x.shape)
    except ScalarMaskError:
        first, second = expand_scalar_masks(index)
        return getitem(getitem(x, first), second)
    except AbstractMaskError:
        return masked_elements(x, index)
    return bind(getitem_p, (x, *arrays), {"template": template}, not arrays)


# ------------------------------------------------------------------ scatter_add


def _scatter_add(ct: Any, *arrays: Any, template: Template, shape: tuple[int, ...]) -> Any:
    total = np.zeros(shape, ct.dtype)
    index = join(template, arrays)
    if arrays:
        np.add.at(total, index, ct)
    else:
        total[index] = ct
    return total


def _scatter_add_batch(
    args: Any, batched: Any, size: int, template: Template, shape: tuple[int, ...]
) -> Any:
    ct, *arrays = args
    ct = materialize(ct, batched[0], size)
    params = {"shape": (size, *shape)}
    if not arrays:
        return bind(scatter_add_p, (ct,), {"template": (_FULL, *template), **params})
    at, _ = _block(template, len(shape), arrays)
    rank = max(ndim_of(a, b) for a, b in zip(arrays, batched[1:], strict=True))
    new, arrays = _batch_index(arrays, batched[1:], template, size)
    ct = _batch_into_block(ct, at, new, len(shape) + 1, rank)
    return bind(scatter_add_p, (ct, *arrays), {"template": new, **params})


scatter_add_p: Primitive = Primitive(
    "scatter_add",
    _scatter_add,
    lambda ct, *arrays, template, shape: (shape, ct.dtype),
    _scatter_add_batch,
    linear=(0,),
    transpose=(
        lambda ct, ins, out, template, shape: bind(
            getitem_p, (ct, *ins[1:]), {"template": template}, False
        ),
    ),
    show=lambda ct, *arrays, template, shape: (
        f"scatter_add({ct}, ({index_text(template, list(arrays))},), {shape})"
    ),
    lower="scatter_add",
    array0d=True,
)


# ------------------------------------------------------------------ add_at


def _add_at(x: Any, value: Any, *arrays: Any, template: Template) -> Any:
    y = np.array(x, order="K")
    np.add.at(y, join(template, arrays), value)
    return y


def _add_at_shape(x: Any, value: Any, *arrays: Any, template: Template) -> Any:
    region = indexed_shape(x.shape, template, arrays)
    if not fits(shape_of(value), region):
        raise does_not_fit(shape_of(value), region)
    return x.shape, x.dtype


def _add_at_batch(args: Any, batched: Any, size: int, template: Template) -> Any:
    x, value, *arrays = args
    shape = shape_of(x)[1:] if batched[0] else shape_of(x)
    x = materialize(x, batched[0], size)
    rank = max(ndim_of(a, b) for a, b in zip(arrays, batched[2:], strict=True))
    unbatched = [
        np.empty(shape_of(a)[1:] if b else shape_of(a), np.int8)
        for a, b in zip(arrays, batched[2:], strict=True)
    ]
    region = indexed_shape(shape, template, unbatched)
    at = advanced_position(template, len(shape))
    new, arrays = _batch_index(arrays, batched[2:], template, size)
    value = align(value, batched[1], len(region))
    value = value if isinstance(value, Tensor) else np.asarray(value)
    value = broadcast_to(value, (size, *region))
    value = _batch_into_block(value, at, new, len(shape) + 1, rank)
    return bind(add_at_p, (x, value, *arrays), {"template": new})


def _add_at_transpose_value(ct: Any, ins: Any, out: Any, template: Template) -> Any:
    ct = bind(getitem_p, (ct, *ins[2:]), {"template": template}, False)
    return algebra.unbroadcast(ct, shape_of(ins[1]))


# x with value added at index, again for each time that an element is named; linear in (x, value).
# Beside a sum with scatter_add, it adds in NumPy's order, and so gives NumPy's numbers.
add_at_p: Primitive = Primitive(
    "add_at",
    _add_at,
    _add_at_shape,
    _add_at_batch,
    linear=(0, 1),
    transpose=(lambda ct, ins, out, template: ct, _add_at_transpose_value),
    show=lambda x, value, *arrays, template: (
        f"add_at({x}, {value}, {_index_argument(index_text(template, list(arrays)))})"
    ),
    lower="add_at",
    array0d=True,
)


# ------------------------------------------------------------------ setitem
# x with chain(x)[index] = value, linear in (x, value) together


def _chain_shape(shape: tuple[int, ...], chain: Any) -> tuple[int, ...]:
    for primitive, params in chain:
        shape = primitive.shape(Aval(shape, np.dtype(float)), **params)[0]
    return tuple(shape)


def _setitem(x: Any, value: Any, *arrays: Any, chain: Any, template: Template) -> Any:
    y = np.array(x, order="K")
    index = join(template, arrays)
    view = apply_chain(y, chain)
    if view.size and not np.may_share_memory(view, y):
        # In this memory layout a reshape copies. In C order only one after a transpose does.
        y = np.array(x, order="C")
        view = apply_chain(y, chain)
    if not view.size or np.may_share_memory(view, y):
        view[index] = value
        return y
    # Find the written elements by their numbers instead.
    numbers = apply_chain(np.arange(y.size).reshape(y.shape), _positions(chain))[index]
    y.reshape(-1)[numbers] = value
    return y


def _setitem_shape(x: Any, value: Any, *arrays: Any, chain: Any, template: Template) -> Any:
    region = indexed_shape(_chain_shape(x.shape, chain), template, arrays)
    have = shape_of(value)
    if not fits(have, region):
        raise does_not_fit(have, region)
    return x.shape, x.dtype


def _positions(chain: Any) -> Any:
    """The views of a chain that choose elements, without those that choose a part of each."""
    return tuple([(p, params) for p, params in chain if p.name not in ("real", "imag")])


def _batched_chain(chain: Any, size: int) -> Any:
    return tuple(
        [(primitive, BATCHED_PARAMS[primitive](size, **params)) for primitive, params in chain]
    )


def _setitem_batch(args: Any, batched: Any, size: int, chain: Any, template: Template) -> Any:
    x, value, *arrays = args
    shape = shape_of(x)[1:] if batched[0] else shape_of(x)
    x = materialize(x, batched[0], size)
    viewed = _chain_shape(shape, chain)
    unbatched = [
        np.empty(shape_of(a)[1:] if b else shape_of(a), np.int8)
        for a, b in zip(arrays, batched[2:], strict=True)
    ]
    region = indexed_shape(viewed, template, unbatched)
    value = align(value, batched[1], len(region))
    new_chain = _batched_chain(chain, size)
    if not arrays:
        params = {"chain": new_chain, "template": (_FULL, *template)}
        return bind(setitem_p, (x, value), params)
    at = advanced_position(template, len(viewed))
    rank = max(a.ndim for a in unbatched)
    new, arrays = _batch_index(arrays, batched[2:], template, size)
    if ndim_of(value):
        if not batched[1]:
            value = (
                broadcast_to(value, region)
                if isinstance(value, Tensor)
                else np.broadcast_to(value, region)
            )
            value = materialize(value, False, size)
        elif shape_of(value)[1:] != region:
            value = broadcast_to(value, (size, *region))
        value = _batch_into_block(value, at, new, len(viewed) + 1, rank)
    return bind(setitem_p, (x, value, *arrays), {"chain": new_chain, "template": new})


def _setitem_transpose_value(ct: Any, ins: Any, out: Any, chain: Any, template: Template) -> Any:
    arrays = ins[2:]
    whole = ct.shape
    for primitive, params in chain:
        ct = bind(primitive, (ct,), params, False)
        if primitive.name == "imag":  # written values v enter as iv: Re(ct * iv) = -Im(ct) v
            ct = -ct
    ct = bind(getitem_p, (ct, *arrays), {"template": template}, False)
    if arrays:
        # Of duplicate indices the last one wins; the others' values were overwritten.
        params = {"shape": whole, "chain": chain, "template": template}
        ct = ct * bind(last_writer_p, tuple(arrays), params)
    return algebra.unbroadcast(ct, ins[1].shape)


setitem_p: Primitive = Primitive(
    "setitem",
    _setitem,
    _setitem_shape,
    _setitem_batch,
    linear=(0, 1),
    transpose=(
        lambda ct, ins, out, chain, template: bind(
            setitem_p, (ct, 0.0, *ins[2:]), {"chain": chain, "template": template}
        ),
        _setitem_transpose_value,
    ),
    show=lambda x, value, *arrays, chain, template: (
        f"setitem({x}, {value}, ({index_text(template, list(arrays))},)"
        + (f", through={[(p.name, d) for p, d in chain]}" if chain else "")
        + ")"
    ),
    lower="setitem",
    array0d=True,
)


def _last_writer(*arrays: Any, shape: Any, chain: Any, template: Template) -> Any:
    writer = np.full(shape, -1)
    view = apply_chain(writer, _positions(chain))
    index = join(template, arrays)
    numbers = np.arange(view[index].size).reshape(view[index].shape)
    view[index] = numbers
    return view[index] == numbers


def _last_writer_batch(
    args: Any, batched: Any, size: int, shape: Any, chain: Any, template: Template
) -> Any:
    arrays = list(args)
    viewed = _chain_shape(shape, chain)
    at = advanced_position(template, len(viewed))
    rank = max(ndim_of(a, b) for a, b in zip(arrays, batched, strict=True))
    new, arrays = _batch_index(arrays, batched, template, size)
    params = {"shape": (size, *shape), "chain": _batched_chain(chain, size), "template": new}
    y = bind(last_writer_p, tuple(arrays), params)
    return _batch_to_front(y, at, new, len(viewed) + 1, rank)


def _index_argument(text: str) -> str:
    """An index as an argument: a slice needs ``np.s_``."""
    return f"np.s_[{text}]" if ":" in text or "," in text else text


last_writer_p = Primitive(
    "last_writer",
    _last_writer,
    lambda *arrays, shape, chain, template: (
        indexed_shape(_chain_shape(shape, chain), template, arrays),
        np.dtype(bool),
    ),
    _last_writer_batch,
    show=lambda *arrays, shape, chain, template: (
        f"last_writer({_chain_shape(shape, chain)}, "
        f"{_index_argument(index_text(template, list(arrays)))})"
    ),
    lower="last_writer",
)


# ------------------------------------------------------------------ where


def _where_shape(c: Any, x: Any, y: Any) -> Any:
    def weak(v: Any) -> Any:
        return v.dtype if hasattr(v, "dtype") else v

    return np.broadcast_shapes(shape_of(c), shape_of(x), shape_of(y)), np.result_type(
        weak(x), weak(y)
    )


def _where_batch(args: Any, batched: Any, size: int) -> Any:
    rank = max(ndim_of(x, b) for x, b in zip(args, batched, strict=True))
    return bind(where_p, tuple([align(x, b, rank) for x, b in zip(args, batched, strict=True)]), {})


def _where_transpose(i: int) -> Any:
    def rule(ct: Any, ins: Any, out: Any) -> Any:
        zero = ct.dtype.type(0)
        chosen = (ins[0], ct, zero) if i == 1 else (ins[0], zero, ct)
        return algebra.unbroadcast(bind(where_p, chosen, {}), ins[i].shape)

    return rule


where_p = Primitive(
    "where",
    np.where,
    _where_shape,
    _where_batch,
    linear=(1, 2),
    transpose=(None, _where_transpose(1), _where_transpose(2)),
    show="np.where({0}, {1}, {2})",
    lower="where",
    array0d=True,
)
