"""Operands, axes and shapes as NumPy takes them, made canonical for the rules.

An operand may be a Tensor, an array, a number, or nested lists with Tensors inside.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from ..core.abstract import Var
from ..core.bind import bind
from ..core.errors import ShapeError, WengertTypeError
from ..core.tensor import RareTensor, Tensor
from ..rules.joining import stack_p

__all__ = [
    "assemble",
    "axes_of",
    "axis_of",
    "concrete",
    "contains_tensor",
    "is_abstract",
    "is_traced",
    "operand",
    "plain_tree",
    "shape_tuple",
]


def axis_of(axis: Any, ndim: int, name: str | None = None) -> int:
    """A non-negative axis.

    Raises
    ------
    numpy.exceptions.AxisError
        If there is no such axis.
    """
    return int(normalize_axis_index(axis, ndim, name))


def axes_of(axis: Any, ndim: int, name: str | None = None) -> tuple[int, ...]:
    """Non-negative axes in the given order, from an integer or a sequence; all for None."""
    if axis is None:
        return tuple(range(ndim))
    return tuple(normalize_axis_tuple(axis, ndim, name))


def contains_tensor(x: Any) -> bool:
    """Whether a Tensor is among the (nested) elements of lists and tuples."""
    if isinstance(x, Tensor):
        return True
    return isinstance(x, (list, tuple)) and any(map(contains_tensor, x))


def is_abstract(x: Any) -> bool:
    """Whether a value has only a shape and a dtype."""
    return isinstance(x, Tensor) and type(x._a) is Var


def is_traced(x: Any) -> bool:
    """Whether a derivative or a recording follows the value: it cannot become a plain one."""
    return isinstance(x, Tensor) and (
        x._n is not None or type(x._a) is Var or (type(x) is RareTensor and bool(x._x.tangents))
    )


def assemble(x: Any) -> Any:
    """Nested lists and tuples with Tensors among their elements as one Tensor.

    Raises
    ------
    ValueError
        If rows have different shapes.
    """
    if isinstance(x, Tensor) or not contains_tensor(x):
        return x if isinstance(x, Tensor) else np.asarray(x)
    parts = [assemble(part) for part in x]
    shapes = {part.shape for part in parts}
    if len(shapes) > 1:
        raise ShapeError(
            f"array: the rows have different shapes {sorted(shapes)}; they must be equal"
        )
    dtype = np.result_type(*[part.dtype for part in parts])
    parts = [part if part.dtype == dtype else part.astype(dtype) for part in parts]
    return bind(stack_p, tuple(parts), {"axis": 0})


def operand(x: Any) -> Any:
    """An argument as a Tensor or a plain array; lists of Tensors are stacked."""
    if isinstance(x, (Tensor, np.ndarray, np.generic)):
        return x
    return assemble(x) if isinstance(x, (list, tuple)) else np.asarray(x)


def concrete(x: Any, name: str) -> Any:
    """The plain value of an argument that has one.

    Raises
    ------
    AbstractValueError
        While recording on shapes.
    """
    return x._concrete(name) if isinstance(x, Tensor) else x


def plain_tree(x: Any, name: str) -> Any:
    """An argument with the plain values of all Tensors in its lists, tuples and dicts."""
    if isinstance(x, Tensor):
        return x._concrete(name)
    if type(x) in (list, tuple):
        return type(x)(plain_tree(part, name) for part in x)
    if type(x) is dict:
        return {k: plain_tree(v, name) for k, v in x.items()}
    return x


def shape_tuple(shape: Any) -> tuple[int, ...]:
    """A shape from an integer or a sequence of integers."""
    shape = concrete(shape, "a shape")
    if type(shape) is int:
        return (shape,)
    if not isinstance(shape, (tuple, list)) and np.ndim(shape) == 0:
        shape = (shape,)
    try:
        return tuple([n if type(n) is int else n.__index__() for n in shape])
    except AttributeError:
        raise WengertTypeError(f"a shape must be an integer or integers, not {shape!r}") from None
