"""Where the objects of CPython and NumPy keep what native code reads of them.

None of it is part of an interface, so it is checked once with live objects. Where it does not hold
(another interpreter, a build without the global lock) calls go through Python and ctypes, which ask
every array for its address: 1 us for each array of each call.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
import sys
import sysconfig
import types
from typing import Any

import numpy as np

__all__ = ["BYTE_ORDER", "CONTENT", "DIMS", "DTYPE", "FLAGS", "FUNCTION", "ITEMS", "NDIM", "TYPE"]
__all__ += ["TYPE_NUM", "address_of", "is_as_expected", "numpy_functions"]

TYPE = 8  # of any object: its type
CONTENT = 16  # what follows the head: an array's data, a number's value, a length, a cell's content
ITEMS = 24  # of a tuple: the first item; of a list: the pointer to its items
NDIM, DIMS, DTYPE, FLAGS = 24, 32, 56, 64  # of an array
BYTE_ORDER, TYPE_NUM = 26, 28  # of a dtype
FUNCTION = (48, 56, 64, 88)  # its code, defaults, keyword defaults and attributes

# NumPy's table of functions for C code; the numbers are part of its binary interface.
_API_VERSION, _SCALAR, _NEW_ARRAY = 0, 60, 94
_KNOWN_VERSION = 0x02000000


def _word(x: Any, offset: int) -> int | None:
    return ctypes.c_void_p.from_address(id(x) + offset).value


def _int(x: Any, offset: int) -> int:
    return ctypes.c_int.from_address(id(x) + offset).value


def _arrays() -> list[Any]:
    locked = np.ones((2, 3), np.float32)
    locked.flags.writeable = False
    return [
        np.empty(3), np.arange(7, dtype=np.int8)[2:], np.zeros((2, 5)).T, np.array(1.0), locked,
        np.zeros((3, 0, 2), np.int64), np.zeros(4, ">i4"), np.zeros((4, 6))[::2, ::3],
    ]  # fmt: skip


@functools.cache
def _has_data_pointer() -> bool:
    return all(_word(a, CONTENT) == a.__array_interface__["data"][0] for a in _arrays())


def address_of(a: Any) -> int:
    """The address of an array's first element; ``a.ctypes.data`` takes 3 us."""
    if _has_data_pointer():
        return _word(a, CONTENT) or 0
    return int(a.__array_interface__["data"][0])


def _is_array_as_expected(a: Any) -> bool:
    if _int(a, NDIM) != a.ndim or _word(a, DTYPE) != id(a.dtype) or _int(a, FLAGS) != a.flags.num:
        return False
    dims = _word(a, DIMS)
    if a.ndim and (not dims or tuple((ctypes.c_ssize_t * a.ndim).from_address(dims)) != a.shape):
        return False
    order = ctypes.c_char.from_address(id(a.dtype) + BYTE_ORDER).value.decode()
    return bool(order == a.dtype.byteorder and _int(a.dtype, TYPE_NUM) == a.dtype.num)


def _is_container_as_expected(x: Any) -> bool:
    if ctypes.c_ssize_t.from_address(id(x) + CONTENT).value != len(x):
        return False
    if not isinstance(x, (list, tuple)) or not x:
        return True
    start = id(x) + ITEMS if isinstance(x, tuple) else _word(x, ITEMS)
    return list((ctypes.c_void_p * len(x)).from_address(start or 0)) == [id(y) for y in x]


def _is_function_as_expected(f: Any) -> bool:
    held = (f.__code__, f.__defaults__, f.__kwdefaults__, f.__dict__)
    words = [None if x is None else id(x) for x in held]
    return [_word(f, offset) for offset in FUNCTION] == words


def _with_defaults(x: int = 1, *, y: int = 2) -> int:
    return x + y


class _Pair(tuple[Any, ...]):
    __slots__ = ()


class _Holder:
    __slots__ = ("first",)


class _Extended(_Holder):
    """What has a dictionary keeps it elsewhere."""


@functools.cache
def is_as_expected() -> bool:
    """Whether arrays, numbers, containers and cells look as this module says."""
    if sys.implementation.name != "cpython" or object.__basicsize__ != CONTENT:
        return False
    if sysconfig.get_config_var("Py_GIL_DISABLED") or ctypes.sizeof(ctypes.c_void_p) != 8:
        return False
    arrays = _arrays()
    numbers: list[Any] = [np.dtype(t).type(1) for t in "?bhilqBHILQfdFD"]
    shrunk = {"a": 1, "b": 2}
    del shrunk["a"]
    containers: list[Any] = [
        [], [1, "a", None], (), (1.0, []), {}, shrunk, _Pair((1, 2)), list(range(100)),
    ]  # fmt: skip
    cell = types.CellType(arrays)
    holder = _Extended()
    holder.first = arrays  # type: ignore[attr-defined]
    objects = [*arrays, *numbers, *containers, cell, 1.5]
    return (
        all(_word(x, TYPE) == id(type(x)) for x in objects)
        and _has_data_pointer()
        and all(map(_is_array_as_expected, arrays))
        and all(map(_is_container_as_expected, containers))
        and all(ctypes.string_at(id(x) + CONTENT, x.dtype.itemsize) == x.tobytes() for x in numbers)
        and ctypes.c_double.from_address(id(number := 1.5) + CONTENT).value == number
        and ctypes.string_at(id(pair := 1.5 + 2j) + CONTENT, 16) == np.complex128(pair).tobytes()
        and _word(cell, CONTENT) == id(arrays)
        and _word(holder, CONTENT) == id(arrays)
        and all(map(_is_function_as_expected, (_with_defaults, _word)))
        and _word(vars(_with_defaults), CONTENT) == (len(vars(_with_defaults)) or None)
    )


@functools.cache
def numpy_functions() -> dict[str, int] | None:
    """The addresses of NumPy's functions that make arrays and scalars; None if it has others."""
    try:
        module = importlib.import_module("numpy._core._multiarray_umath")
        capsule = module._ARRAY_API
    except (ImportError, AttributeError):
        return None
    pointer_of = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
        ("PyCapsule_GetPointer", ctypes.pythonapi)
    )
    table = (ctypes.c_void_p * (_NEW_ARRAY + 1)).from_address(pointer_of(capsule, None))
    version = ctypes.CFUNCTYPE(ctypes.c_uint)(table[_API_VERSION] or 0)()
    scalar, new = table[_SCALAR], table[_NEW_ARRAY]
    if version != _KNOWN_VERSION or not scalar or not new:
        return None
    return {"PyArray_Scalar": scalar, "PyArray_NewFromDescr": new}
