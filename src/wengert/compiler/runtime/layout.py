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
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["BYTE_ORDER", "CONTENT", "DIMS", "DTYPE", "FLAGS", "FUNCTION", "ITEMS", "NDIM", "TYPE"]
__all__ += ["PARTIAL", "TYPE_NUM", "address_of", "can_watch", "class_version", "dict_of"]
__all__ += ["SET_LENGTH", "SET_MASK", "SET_TABLE", "is_as_expected", "members"]
__all__ += ["numpy_functions", "slot_offset", "word"]

TYPE = 8  # of any object: its type
CONTENT = 16  # what follows the head: an array's data, a number's value, a length, a cell's content
ITEMS = 24  # of a tuple: the first item; of a list: the pointer to its items
NDIM, DIMS, DTYPE, FLAGS = 24, 32, 56, 64  # of an array
BYTE_ORDER, TYPE_NUM = 26, 28  # of a dtype
FUNCTION = (48, 56, 64, 88)  # its code, defaults, keyword defaults and attributes
PARTIAL = (16, 24, 32)  # its function, arguments and keywords
SET_LENGTH, SET_MASK, SET_TABLE = 24, 32, 40  # of a set: its table has mask + 1 places
VERSION = 384  # of a class: a number that no other state of any class has
_MEMBER, _MEMBER_TYPE, _MEMBER_OFFSET, _OBJECT_OR_NULL = 40, 8, 16, 16  # of a slot's descriptor

# NumPy's table of functions for C code; the numbers are part of its binary interface.
_API_VERSION, _SCALAR, _NEW_ARRAY = 0, 60, 94
_KNOWN_VERSION = 0x02000000


def word(x: Any, offset: int) -> int | None:
    """What stands at an offset of an object; None for 0."""
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
    return all(word(a, CONTENT) == a.__array_interface__["data"][0] for a in _arrays())


def address_of(a: Any) -> int:
    """The address of an array's first element; ``a.ctypes.data`` takes 3 us."""
    if _has_data_pointer():
        return word(a, CONTENT) or 0
    return int(a.__array_interface__["data"][0])


def _is_array_as_expected(a: Any) -> bool:
    if _int(a, NDIM) != a.ndim or word(a, DTYPE) != id(a.dtype) or _int(a, FLAGS) != a.flags.num:
        return False
    dims = word(a, DIMS)
    if a.ndim and (not dims or tuple((ctypes.c_ssize_t * a.ndim).from_address(dims)) != a.shape):
        return False
    order = ctypes.c_char.from_address(id(a.dtype) + BYTE_ORDER).value.decode()
    return bool(order == a.dtype.byteorder and _int(a.dtype, TYPE_NUM) == a.dtype.num)


def _is_container_as_expected(x: Any) -> bool:
    if ctypes.c_ssize_t.from_address(id(x) + CONTENT).value != len(x):
        return False
    if not isinstance(x, (list, tuple)) or not x:
        return True
    start = id(x) + ITEMS if isinstance(x, tuple) else word(x, ITEMS)
    return list((ctypes.c_void_p * len(x)).from_address(start or 0)) == [id(y) for y in x]


def _is_function_as_expected(f: Any) -> bool:
    held = (f.__code__, f.__defaults__, f.__kwdefaults__, f.__dict__)
    words = [None if x is None else id(x) for x in held]
    return [word(f, offset) for offset in FUNCTION] == words


def _with_defaults(x: int = 1, *, y: int = 2) -> int:
    return x + y


class _Pair(tuple[Any, ...]):
    __slots__ = ()


class _Holder:
    __slots__ = ("first",)


class _Extended(_Holder):
    """What has a dictionary keeps it elsewhere."""


class _Slots:
    __slots__ = ("a", "b", "c")


def members(x: set[Any]) -> list[int] | None:
    """What stands in each place of a set's table, 0 where nothing does; None if that is unknown."""
    if not _has_sets_as_expected():
        return None
    return _places(x)


def _places(x: set[Any]) -> list[int]:
    words = (ctypes.c_void_p * (2 * (word(x, SET_MASK) or 0) + 2)).from_address(
        word(x, SET_TABLE) or 0
    )
    return [key or 0 for key in words[::2]]


@functools.cache
def _has_sets_as_expected() -> bool:
    if not is_as_expected():
        return False
    larger = {str(k) for k in range(100)}
    for x in (set(), {"a", None}, larger, larger - {"7"}):
        places = (word(x, SET_MASK) or 0) + 1
        if (word(x, SET_LENGTH) or 0) != len(x) or places & places - 1 or not 8 <= places <= 1024:
            return False
        # Every member has a place; what else is there stands for one that was removed.
        if not {id(y) for y in x} <= set(_places(x)):
            return False
    return True


def slot_offset(descriptor: Any) -> int | None:
    """Where objects keep what is in a slot; None if it is none for an object."""
    member = word(descriptor, _MEMBER) or 0
    if ctypes.c_int.from_address(member + _MEMBER_TYPE).value != _OBJECT_OR_NULL:
        return None
    return ctypes.c_ssize_t.from_address(member + _MEMBER_OFFSET).value


def class_version(cls: type) -> int | None:
    """The word with the version of a class, which any change of it or its bases makes another.

    None if it has none: after many changes CPython gives it no more.
    """
    getattr(cls, "__name_that_no_class_has", None)  # a look-up gives it one
    version = word(cls, VERSION) or 0
    return version if version & 0xFFFFFFFF else None


def dict_of(x: Any) -> dict[str, Any] | None:
    """The dict with the attributes of an object, as native code asks for it."""
    get = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object, ctypes.c_void_p)(
        ("PyObject_GenericGetDict", ctypes.pythonapi)
    )
    try:
        return get(x, None)  # type: ignore[no-any-return]
    except AttributeError:
        return None


def _has_versions_as_expected() -> bool:
    base = type("_Base", (), {"a": 1})
    other = type("_Other", (), {"a": 2})
    cls = type("_Class", (base,), {"b": 1})
    seen = [class_version(cls), class_version(base), class_version(other)]
    changes: tuple[Callable[[], None], ...] = (
        lambda: setattr(cls, "b", 2), lambda: setattr(base, "a", 2),
        lambda: setattr(base, "c", 3), lambda: delattr(base, "c"),
        lambda: setattr(cls, "__bases__", (other,)),
    )  # fmt: skip
    for change in changes:
        before = word(cls, VERSION)
        change()
        if word(cls, VERSION) == before:
            return False
        seen.append(class_version(cls))
        if class_version(cls) != class_version(cls):
            return False
    return None not in seen and len(set(seen)) == len(seen)


@functools.cache
def can_watch() -> bool:
    """Whether slots, partials and versions of classes are where this module says."""
    if not is_as_expected():
        return False
    held = _Slots()
    values: Any = ([], "text")
    held.a, held.c = values  # type: ignore[attr-defined]
    offsets = [slot_offset(vars(_Slots)[name]) for name in "abc"]
    if None in offsets:
        return False
    partial = functools.partial(_with_defaults, 1, y=2)
    parts = (partial.func, partial.args, partial.keywords)
    extended = _Extended()
    return (
        [word(held, k or 0) for k in offsets] == [id(values[0]), None, id(values[1])]
        and [word(partial, k) for k in PARTIAL] == [id(x) for x in parts]
        and dict_of(extended) is extended.__dict__
        and dict_of(held) is None
        and _has_versions_as_expected()
    )


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
        all(word(x, TYPE) == id(type(x)) for x in objects)
        and _has_data_pointer()
        and all(map(_is_array_as_expected, arrays))
        and all(map(_is_container_as_expected, containers))
        and all(ctypes.string_at(id(x) + CONTENT, x.dtype.itemsize) == x.tobytes() for x in numbers)
        and ctypes.c_double.from_address(id(number := 1.5) + CONTENT).value == number
        and ctypes.string_at(id(pair := 1.5 + 2j) + CONTENT, 16) == np.complex128(pair).tobytes()
        and word(cell, CONTENT) == id(arrays)
        and word(holder, CONTENT) == id(arrays)
        and all(map(_is_function_as_expected, (_with_defaults, word)))
        and word(vars(_with_defaults), CONTENT) == (len(vars(_with_defaults)) or None)
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
