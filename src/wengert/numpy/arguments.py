"""What the public functions share in reading their arguments and delivering their results."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ..core.abstract import Var
from ..core.bind import bind, refresh
from ..core.errors import NoRuleError
from ..core.tensor import Tensor
from ..rules.indexing import where_p
from ..rules.reductions import canonical_axes
from ..rules.shapes import astype, reshape
from .dispatch import write_out

__all__ = [
    "NO_VALUE",
    "as_operand",
    "cast",
    "deliver",
    "flag",
    "floating",
    "known",
    "mask_of",
    "raveled",
    "reduced_axes",
    "refuse_traced",
    "select",
    "warn_if_known",
]

NO_VALUE: Any = np._NoValue
"""NumPy's own mark of an argument that was not given."""


def as_operand(x: Any) -> Any:
    """A Tensor as it is, anything else as an array."""
    return x if isinstance(x, Tensor) else np.asarray(x)


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


def deliver(result: Any, out: Any, name: str) -> Any:
    """The result, stored in ``out`` if that was given."""
    if isinstance(out, tuple):  # a ufunc's method hands it over like this
        (out,) = out
    return result if out is None else write_out(out, result, True, name)


def known(x: Any, what: str) -> Any:
    """The plain values of an argument that decides about shapes or positions.

    Raises
    ------
    AbstractValueError
        If there are none, because ``x`` is abstract.
    """
    return x._concrete(what) if isinstance(x, Tensor) else x


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
