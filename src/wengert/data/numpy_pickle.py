"""NumPy arrays in pickles: the names that they need, and what stands in for each."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wengert.data.restricted_pickle import Allowed, Names, Shell, type_name

__all__ = ["NUMPY_NAMES", "finished_array"]

# Numbers and truth values. Objects, texts, dates and records are left out: no format here has them.
_DTYPES = {
    name: np.dtype(name)
    for name in ("b1", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8")
}
_ORDERS = ("|", "<", ">", "=")


class _DtypeShell(Shell):
    """A dtype: its kind and size come with the call, its byte order with the state."""

    __slots__ = ("dtype",)

    def __init__(self, code: Any, align: Any = False, copy: Any = True) -> None:
        name = _text(code)
        if name.lstrip("|<>=") not in _DTYPES:
            raise ValueError(f"dtype {name!r}; known are {', '.join(_DTYPES)}")
        self.dtype = np.dtype(name)

    def build(self, state: Any) -> None:
        # (version, byte order, subarray, names, fields, item size, alignment, flags)
        if (
            type(state) is not tuple
            or len(state) < 5
            or any(part is not None for part in state[2:5])
        ):
            raise ValueError("the state of a dtype is not that of a plain number")
        order = _text(state[1])
        if order not in _ORDERS:
            raise ValueError(f"byte order {order!r}")
        self.dtype = self.dtype.newbyteorder("|" if order == "|" else order)  # type: ignore[arg-type]


class _ArrayShell(Shell):
    """An array: made empty by the call, filled by the state."""

    __slots__ = ("array",)

    def __init__(self, kind: Any = None, shape: Any = (0,), code: Any = b"b") -> None:
        self.array: NDArray[Any] | None = None

    def build(self, state: Any) -> None:
        # (version, shape, dtype, Fortran order, elements); without the version before NumPy 1.0
        if type(state) is not tuple or len(state) != 5:
            raise ValueError("the state of an array is not (version, shape, dtype, order, data)")
        _, shape, dtype, fortran, data = state
        self.array = _array(data, dtype, shape, "F" if fortran else "C")


def _array(data: Any, dtype: Any, shape: Any, order: Any) -> NDArray[Any]:
    """An array over ``data``; ValueError where the parts do not belong together."""
    if not isinstance(dtype, _DtypeShell):
        raise ValueError(f"the dtype of an array is {type_name(dtype)}")
    if type(shape) is not tuple or any(type(n) is not int or n < 0 for n in shape):
        raise ValueError(f"the shape of an array is {shape!r:.60}")
    if not isinstance(data, (bytes, bytearray)):
        raise ValueError(f"the elements of an array are {type_name(data)}, not bytes")
    expected = math.prod(shape) * dtype.dtype.itemsize
    if len(data) != expected:
        raise ValueError(
            f"an array of shape {shape} and dtype {dtype.dtype} has {expected} bytes, and "
            f"{len(data)} are there"
        )
    return np.frombuffer(data, dtype.dtype).reshape(
        shape, order="F" if order in ("F", b"F") else "C"
    )


class _BufferShell(_ArrayShell):
    """An array from one call, as pickle protocol 5 has it."""

    __slots__ = ()

    def __init__(self, data: Any, dtype: Any, shape: Any, order: Any) -> None:
        self.array = _array(data, dtype, shape, order)

    def build(self, state: Any) -> None:
        raise ValueError("the state of an array is set twice")


def _encode(text: Any, encoding: Any) -> bytes:
    if type(text) is not str or encoding not in ("latin1", b"latin1"):
        raise ValueError("_codecs.encode with other arguments than a text and latin1")
    return text.encode("latin1")


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("latin1")
    if isinstance(value, str):
        return value
    raise ValueError(f"expected a text, found {type_name(value)}")


def finished_array(value: Any) -> NDArray[Any] | None:
    """The array that an unpickled object is, read-only; None if it is something else."""
    return value.array if isinstance(value, _ArrayShell) else None


NUMPY_NAMES: Names = {
    ("numpy.core.multiarray", "_reconstruct"): Allowed(
        _ArrayShell, "makes an array; the name that CIFAR's files of 2009 have"
    ),
    ("numpy._core.multiarray", "_reconstruct"): Allowed(
        _ArrayShell, "the same, in files that NumPy 2 wrote"
    ),
    ("numpy.core.numeric", "_frombuffer"): Allowed(
        _BufferShell, "makes an array, in files of pickle protocol 5"
    ),
    ("numpy._core.numeric", "_frombuffer"): Allowed(
        _BufferShell, "the same, in files that NumPy 2 wrote"
    ),
    ("numpy", "ndarray"): Allowed(None, "the type of the array; an argument of _reconstruct"),
    ("numpy", "dtype"): Allowed(_DtypeShell, "the type of an array's elements"),
    ("_codecs", "encode"): Allowed(
        _encode, "bytes, where Python 3 wrote pickle protocol 2, which has only texts"
    ),
}
