"""Indices as static templates with array operands.

``x[1:, i, ..., None]`` becomes the template ``((1, None, None), ARRAY, Ellipsis, None)`` and the
list ``[i]``; slices are written as tuples, so that a template can be hashed and compared.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from .abstract import Var
from .errors import AbstractValueError, ShapeError, WengertIndexError
from .refusals import located
from .tensor import Tensor

__all__ = [
    "ARRAY",
    "AbstractMaskError",
    "ScalarMaskError",
    "Template",
    "advanced_position",
    "does_not_fit",
    "expand_scalar_masks",
    "indexed_shape",
    "join",
    "split",
]


class _Array:
    def __repr__(self) -> str:
        return "ARRAY"


ARRAY = _Array()
Template = tuple[Any, ...]
ndarray = np.ndarray


class AbstractMaskError(AbstractValueError):
    """An index has a mask without values."""


class ScalarMaskError(WengertIndexError):
    """An index has a boolean without dimensions, for which there is no template."""


def expand_scalar_masks(index: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Two indices, one after the other, for one with booleans that have no dimensions.

    NumPy takes such a boolean as a new axis of length one that is kept or dropped. The first of the
    two indices makes that axis (a view); the second indexes it with ``[0]`` or with ``[]``.
    """
    first: list[Any] = []
    second: list[Any] = []
    for part in index if type(index) is tuple else (index,):
        if part is None or part is Ellipsis or isinstance(part, slice):
            first.extend(() if part is None else (part if part is Ellipsis else slice(None),))
            second.append(part)
            continue
        a = part._a if isinstance(part, Tensor) else np.asarray(part)
        if a.dtype.kind != "b":
            first.append(slice(None))
            second.append(part)
        elif a.ndim:
            first.extend([slice(None)] * a.ndim)
            second.append(part)
        else:
            first.append(None)
            second.append(np.zeros(int(a), np.intp))
    return tuple(first), tuple(second)


def split(index: Any, shape: tuple[int, ...] | None = None) -> tuple[Template, list[Any]]:
    """Template and array operands of an index as NumPy takes it.

    Boolean masks become the integer arrays of their true elements, as NumPy defines them. With the
    ``shape`` of the array that is indexed their shapes are checked.
    """
    template: list[Any] = []
    arrays: list[Any] = []
    masks: list[tuple[int, tuple[int, ...]]] = []
    for part in index if type(index) is tuple else (index,):
        if part is None or part is Ellipsis:
            template.append(part)
        elif type(part) is slice:
            template.append((_bound(part.start), _bound(part.stop), _bound(part.step)))
        elif type(part) is int:
            template.append(part)
        elif isinstance(part, np.integer):
            template.append(int(part))
        elif isinstance(part, Tensor):
            if type(part._a) is Var:
                if part._a.dtype.kind == "b":
                    raise AbstractMaskError(
                        "index: a boolean mask of an abstract value; the result's shape would "
                        "depend on data. Use np.where(mask, a, b), assign a scalar, or for "
                        "x[mask] += y write np.add(x, y, out=x, where=mask)"
                    )
                template.append(ARRAY)
                arrays.append(part)
            else:
                _add_array(part._concrete("index"), template, arrays, masks)
        else:
            _add_array(
                np.asarray(part) if not isinstance(part, (list, range)) else _listed(part),
                template,
                arrays,
                masks,
            )
    if masks and shape is not None:
        _check_masks(template, masks, shape)
    return tuple(template), arrays


def _check_masks(
    template: list[Any], masks: list[tuple[int, tuple[int, ...]]], shape: tuple[int, ...]
) -> None:
    """NumPy's check, which positions alone do not make."""
    total = sum(p is not None and p is not Ellipsis for p in template)
    for place, mask in masks:
        before = template[:place]
        axis = sum(p is not None and p is not Ellipsis for p in before)
        if Ellipsis in before:
            axis += len(shape) - total
        have = shape[axis : axis + len(mask)]
        if have != mask:
            raise WengertIndexError(
                f"index: a boolean mask of shape {mask} does not match the dimensions {have} that "
                f"it stands for, of an array of shape {shape}; they must be equal"
            )


def _listed(part: Any) -> Any:
    a = np.asarray(part)
    return a.astype(np.intp) if a.size == 0 else a


def _bound(b: Any) -> int | None:
    return None if b is None else b.__index__()


def _add_array(
    a: Any, template: list[Any], arrays: list[Any], masks: list[tuple[int, tuple[int, ...]]]
) -> None:
    if a.dtype.kind == "b":
        if a.ndim == 0:
            raise ScalarMaskError("index: a single boolean is not supported here; use np.where")
        masks.append((len(template), a.shape))
        for positions in a.nonzero():
            template.append(ARRAY)
            arrays.append(positions)
    elif a.dtype.kind in "iu":
        if a.ndim == 0:
            template.append(int(a))
        else:
            template.append(ARRAY)
            arrays.append(a)
    else:
        raise WengertIndexError(
            f"index: arrays used as indices must be of integer or boolean dtype, not {a.dtype}; "
            "cast with .astype(int)"
        )


def join(template: Template, arrays: Any) -> tuple[Any, ...]:
    """The index that NumPy takes."""
    rest = iter(arrays)
    return tuple(
        [
            slice(*part) if type(part) is tuple else next(rest) if part is ARRAY else part
            for part in template
        ]
    )


@lru_cache(maxsize=4096)
def _shape(
    shape: tuple[int, ...], template: Template, shapes: tuple[tuple[int, ...], ...]
) -> tuple[int, ...]:
    # NumPy decides, on a dummy of stride zero. Index arrays of zeros would be out of bounds on an
    # empty dimension, where only empty index arrays are legal anyway.
    dummy = np.broadcast_to(np.int8(0), tuple(max(n, 1) if shapes else n for n in shape))
    return (
        dummy[join(template, [np.zeros(s, np.intp) for s in shapes])].shape
        if not shapes or all(shape)
        else _shape_with_empty(shape, template, shapes)
    )


def _shape_with_empty(
    shape: tuple[int, ...], template: Template, shapes: tuple[tuple[int, ...], ...]
) -> tuple[int, ...]:
    # Dimensions of length zero that an array or an integer indexes are given length one;
    # sliced ones keep theirs.
    names = [p for p in template if p is not None]
    known = sum(1 for p in names if p is not Ellipsis)
    if Ellipsis not in names:
        names.append(Ellipsis)
    at = names.index(Ellipsis)
    names[at : at + 1] = [(None, None, None)] * (len(shape) - known)
    dims = tuple(1 if p is ARRAY and n == 0 else n for p, n in zip(names, shape, strict=True))
    dummy = np.broadcast_to(np.int8(0), dims)
    shape = dummy[join(template, [np.zeros(s, np.intp) for s in shapes])].shape
    return shape


def indexed_shape(shape: tuple[int, ...], template: Template, arrays: Any) -> tuple[int, ...]:
    """The shape of ``x[index]`` for ``x`` of the given shape."""
    return _shape(
        tuple(shape),
        template,
        tuple(
            [tuple(np.shape(a) if not isinstance(a, (Tensor, Var)) else a.shape) for a in arrays]
        ),
    )


def does_not_fit(value: tuple[int, ...], region: tuple[int, ...]) -> ShapeError:
    """The error for ``x[index] = value`` with a value of another shape than ``x[index]``."""
    return located(
        ShapeError(
            f"setitem: a value of shape {value} does not fit a region of shape {region}; each "
            "length must be equal or 1, counted from the last axis. Reshape the value, or index "
            "the part that it belongs to"
        )
    )


def advanced_position(template: Template, ndim: int) -> int:
    """Where NumPy puts the broadcast index dimensions in the result.

    Integers count as advanced indices when there are arrays. Advanced indices that stand next to
    each other keep their place; separated ones move to the front.
    """
    advanced = [k for k, p in enumerate(template) if p is ARRAY or type(p) is int]
    if advanced[-1] - advanced[0] + 1 != len(advanced):
        return 0
    before = template[: advanced[0]]
    position = sum(p is not Ellipsis for p in before)
    if Ellipsis in before:
        position += ndim - sum(p is not Ellipsis and p is not None for p in template)
    return position
