"""The few array operations that the transforms themselves need, found by name.

``core`` imports no sibling, so these functions look the primitives up that ``rules`` has declared.
They take plain arrays, Tensors and abstract values alike.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from .abstract import Aval, Var
from .finite import vdot
from .tensor import Tensor

__all__ = [
    "add_to_cotangent",
    "cast_like",
    "ones_like",
    "stretched",
    "strong_product",
    "times_partial",
    "twice_product",
    "unbroadcast",
    "zeros_like",
]

# Global names: looking them up in NumPy's module is slow (docs/design/core.md).
ndarray, _add, _add_reduce = np.ndarray, np.add, np.add.reduce


def _bind(name: str, args: tuple[Any, ...], params: dict[str, Any]) -> Any:
    from .bind import bind
    from .primitive import PRIMITIVES

    return bind(PRIMITIVES[name], args, params)


# To add that many rows, BLAS takes between a half and a twentieth of the time of NumPy's sum, and
# its partial sums are more precise: the gradient of a bias (benchmarks/convnet.py).
_MANY_ROWS = 128


def unbroadcast(g: Any, shape: tuple[int, ...]) -> Any:
    """Sum ``g`` down to ``shape``: the transpose of broadcasting."""
    have = g.shape
    if have == shape:
        return g
    lead = len(have) - len(shape)
    if lead == 1 and have[1:] == shape and have[0] < _MANY_ROWS and type(g) is ndarray:
        return _add_reduce(g, 0)  # a bias: the search for the axes would take as long as the sum
    axes = tuple(range(lead)) + tuple(
        lead + i for i, n in enumerate(shape) if n == 1 and have[lead + i] != 1
    )
    if not isinstance(g, Tensor):
        if len(axes) == lead and shape and g.flags.c_contiguous and g.dtype.char in "fdFD":
            rows = prod(have[:lead])
            if rows >= _MANY_ROWS:
                return np.ones(rows, g.dtype).dot(g.reshape(rows, prod(shape))).reshape(shape)
        g = _add_reduce(g, axes)
        return g if g.shape == shape else g.reshape(shape)
    if axes:
        g = _bind("sum", (g,), {"axis": axes})
    return g if g.shape == shape else _bind("reshape", (g,), {"shape": shape})


# From here on an addition into an array that is there already saves more than it costs to ask.
_WORTH_ASKING = 4096


def add_to_cotangent(cotangents: dict[int, Any], k: int, t: Any) -> None:
    """Add ``t``, a plain array that nobody else holds, to the cotangent that is there already."""
    ct = cotangents[k]
    if t.size >= _WORTH_ASKING and t.shape == ct.shape and t.dtype is ct.dtype:
        _add(ct, t, out=t)
        cotangents[k] = t
    else:
        cotangents[k] = ct + t


_broadcast_to = getattr(np.broadcast_to, "_implementation", np.broadcast_to)


def stretched(value: Any, shape: tuple[int, ...]) -> Any:
    """One number as a read-only array of the shape, without memory for each element."""
    if isinstance(value, np.generic):  # np.broadcast_to takes several times as long
        return ndarray(shape, value.dtype, value.data, 0, (0,) * len(shape))
    return _broadcast_to(value, shape)


def inner_product(g: Any, y: Any) -> Any:
    """The sum of ``g * y``: the transpose of a number times ``y``, on plain arrays."""
    if (
        g.size < _WORTH_ASKING
        and g.shape == y.shape
        and g.dtype is y.dtype
        and g.dtype.char in "df"
    ):
        return vdot(g, y)
    return _add_reduce(g * y, None)


def twice_product(g: Any, x: Any) -> Any:
    """``2 g x`` for arrays of one shape.

    The cotangent that a sum gives to all its terms is one number: it is doubled, not the product.
    """
    if not any(g.strides):
        return (2 * g[(0,) * g.ndim]) * x
    t = g * x
    t += t
    return t


def strong_product(c: Any, p: Any) -> Any:
    """``c * p``, but zero wherever ``c`` is exactly zero, whatever ``p`` is."""
    return _bind("strong_product", (c, p), {})


def _promoted(operands: tuple[Any, ...], dtype: Any) -> tuple[Any, ...]:
    """Operands in the precision of the output, in which its derivative is to be computed.

    Of ``x64 / y32`` the partial derivative ``1 / y32`` would have single precision; of integers
    ``y * y`` would overflow, and booleans have no ``-y``. Python's numbers adapt by themselves.
    """
    for x in operands:
        if getattr(x, "dtype", dtype) is not dtype:
            break
    else:
        return operands
    return tuple([_in_precision(x, dtype) for x in operands])


def _in_precision(x: Any, dtype: Any) -> Any:
    have = getattr(x, "dtype", None)
    if have is None or have == dtype or have.kind not in "biufc":
        return x
    if dtype.kind == "c" and have.kind != "c":
        dtype = np.dtype(f"f{dtype.itemsize // 2}")
    if (have.kind == "c" and dtype.kind != "c") or dtype.kind not in "fc":
        return x
    if have.kind == dtype.kind and have.itemsize >= dtype.itemsize:
        return x
    return _bind("astype", (x,), {"dtype": dtype}) if isinstance(x, Tensor) else x.astype(dtype)


def _numpys(x: Any, dtype: Any) -> Any:
    """A Python number as one of NumPy's."""
    return dtype.type(x) if type(x) in (int, float, complex) else x


def times_partial(ct: Any, partial: Any, out: Any, operands: tuple[Any, ...], strong: bool) -> Any:
    """A cotangent (or tangent) times a partial derivative of a pointwise operation."""
    if type(partial) is int:
        return ct if partial == 1 else -ct
    # An output that no partial reads is not saved. Its cotangent has no less precision.
    dtype = (ct if out is None else out).dtype
    try:
        p = partial(out, *_promoted(operands, dtype))
    except ZeroDivisionError:  # of Python's numbers; NumPy's give infinity
        p = partial(out, *_promoted(tuple([_numpys(x, dtype) for x in operands]), dtype))
    if strong or (isinstance(ct, Tensor) and type(ct._a) is Var):
        if getattr(partial, "selects", False):
            return _bind("selected_product", (ct, p), {})
        if not isinstance(p, Tensor) and np.ndim(p) == 0 and np.isfinite(p):
            return ct * p
        return strong_product(ct, p)
    return ct * p


def _filled(x: Any, value: int, dtype: Any) -> Any:
    a = x._a if isinstance(x, Tensor) else x
    if type(a) in (np.ndarray, Aval) and value == 0:  # np.full takes five times as long
        return np.zeros(a.shape, a.dtype if dtype is None else dtype)
    if dtype is None and isinstance(a, np.generic):
        return a.dtype.type(value)
    if not isinstance(a, (Aval, np.ndarray, np.generic)):
        a = np.asarray(a)
    dtype = np.dtype(a.dtype if dtype is None else dtype)
    if type(a) is Var and a.recording is not None and a.recording.open:
        filled = a.recording.constant(value, a.shape, dtype)
        filled._a.contiguous = a.contiguous  # NumPy's zeros_like follows the layout
        return filled
    if a.ndim or isinstance(a, (Aval, np.ndarray)):
        return np.full(a.shape, value, dtype)
    return dtype.type(value)


def zeros_like(x: Any, dtype: Any = None) -> Any:
    """Zeros like ``x``; inside a recording they belong to it, so that they accept writes."""
    return _filled(x, 0, dtype)


def ones_like(x: Any, dtype: Any = None) -> Any:
    """Ones like ``x``."""
    return _filled(x, 1, dtype)


def cast_like(g: Any, dtype: Any) -> Any:
    """A cotangent in the dtype of the value it belongs to; a real value takes the real part."""
    if g.dtype == dtype:
        return g
    if g.dtype.kind == "c" and dtype.kind != "c":
        g = _bind("real", (g,), {})
        if g.dtype == dtype:
            return g
    return _bind("astype", (g,), {"dtype": dtype})
