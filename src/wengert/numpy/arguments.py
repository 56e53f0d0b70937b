"""How the public functions read their arguments and deliver their results.

An operand may be a Tensor, an array, a number, or nested lists with Tensors inside; axes, shapes
and options come in all the forms that NumPy takes. Here they become what the rules expect.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from ..core.abstract import Var
from ..core.bind import bind, refresh
from ..core.errors import NoRuleError, ShapeError, WengertTypeError, WengertValueError
from ..core.tensor import RareTensor, Tensor
from ..rules.indexing import where_p
from ..rules.joining import stack_p
from ..rules.reductions import canonical_axes
from ..rules.shapes import astype, reshape
from .ufunc_options import write_out

__all__ = [
    "NO_VALUE",
    "as_scalar",
    "assemble",
    "axes_of",
    "axis_of",
    "cast",
    "concrete",
    "contains_tensor",
    "deliver",
    "deliver_reduction",
    "dtype_by_out",
    "flag",
    "floating",
    "is_abstract",
    "is_known",
    "is_traced",
    "mask_of",
    "operand",
    "plain_tree",
    "raveled",
    "reduced_axes",
    "refuse_traced",
    "select",
    "shape_tuple",
    "warn_if_known",
]

NO_VALUE: Any = np._NoValue
"""NumPy's own mark of an argument that was not given."""


def flag(value: Any) -> bool:
    """A boolean option such as ``keepdims``, False if it was not given."""
    return value is not NO_VALUE and bool(value)


def reduced_axes(x: Any, axis: Any) -> tuple[int, ...]:
    """The axes that a reduction of ``x`` is to take, sorted and non-negative."""
    return canonical_axes(axis, x.ndim)


def cast(x: Any, dtype: Any) -> Any:
    """``x`` in another dtype."""
    dtype = np.dtype(dtype)
    if x.dtype == dtype:
        return x
    return astype(x, dtype) if isinstance(x, Tensor) else x.astype(dtype)


def floating(x: Any) -> Any:
    """``x``, integers and booleans as float64."""
    return x if x.dtype.kind in "fc" else cast(x, np.float64)


def raveled(x: Any) -> Any:
    """``x`` as one dimension, in C order."""
    return x if x.ndim == 1 else reshape(x, (x.size,))


def mask_of(where: Any, shape: tuple[int, ...]) -> Any:
    """The ``where`` of a reduction, broadcast to the operand; None if it includes everything."""
    if where is NO_VALUE or where is True or where is np.True_:
        return None
    if isinstance(where, Tensor):
        return where
    return np.broadcast_to(np.asarray(where, dtype=bool), shape)


def select(mask: Any, x: Any, other: Any) -> Any:
    """``x`` where the mask is true or None, ``other`` elsewhere; in the dtype of ``x``."""
    if mask is None:
        return x
    return bind(where_p, (mask, x, x.dtype.type(other)), {})


def as_scalar(x: Any) -> Any:
    """A NumPy scalar of an array without dimensions, as reductions and ufuncs give."""
    return x[()] if x.ndim == 0 else x


def deliver(result: Any, out: Any, name: str) -> Any:
    """The result, stored in ``out`` if that was given."""
    if isinstance(out, tuple):  # a ufunc's method hands it over like this
        (out,) = out
    return result if out is None else write_out(out, result, True, name)


def deliver_reduction(result: Any, out: Any, name: str) -> Any:
    """A reduction's result, stored in ``out`` if that was given, whatever real dtype it has.

    NumPy's reductions cast to the dtype of ``out`` without asking. An imaginary part is not cut off
    here, and what is being differentiated is not written into integers (`MutationError`).
    """
    if isinstance(out, tuple):
        (out,) = out
    if out is None:
        return result
    kinds = getattr(result, "dtype", np.asarray(0.0).dtype).kind, out.dtype.kind
    casting = "same_kind" if kinds[0] == "c" != kinds[1] else "unsafe"
    return write_out(out, result, True, name, casting)


def dtype_by_out(a: Any, dtype: Any, out: Any) -> Any:
    """What a sum is computed in: as NumPy says, the dtype of ``out`` if none is given.

    A narrower one is left to the cast of the result, which rounds once.
    """
    if isinstance(out, tuple):
        (out,) = out
    if dtype is None and out is not None and np.can_cast(a.dtype, out.dtype):
        return out.dtype if out.dtype.kind in "fc" else None
    return dtype


def is_known(x: Any) -> bool:
    """Whether ``x`` has values, and not only a shape."""
    return not (isinstance(x, Tensor) and type(x._a) is Var)


def warn_if_known(x: Any, test: Any, message: str) -> None:
    """NumPy's warning about slices that ``test(values)`` finds; abstract values give none."""
    if not is_known(x):
        return
    if isinstance(x, Tensor):
        refresh(x)
        x = x._a
    if test(x):
        warnings.warn(message, RuntimeWarning, stacklevel=4)


def refuse_traced(name: str, argument: str, x: Any, reason: str) -> None:
    """Raise if an argument that is not differentiated here requires gradients or has tangents."""
    if isinstance(x, Tensor):
        refresh(x)
        if x._n is not None or getattr(getattr(x, "_x", None), "tangents", None):
            raise NoRuleError(f"{name}: {argument} is being differentiated, and {reason}")


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
    try:
        return tuple(normalize_axis_tuple(axis, ndim, name))
    except ValueError as error:
        if type(error) is not ValueError:
            raise  # an AxisError
        raise WengertValueError(
            f"{name or 'axes'}: repeated axis in {axis}; give each axis once"
        ) from None


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
