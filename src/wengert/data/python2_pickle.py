"""Writes pickles as Python 2 and NumPy 1 wrote them, which CIFAR-10's files are.

Python 3's pickler cannot: its byte strings are not Python 2's ``str``, and arrays get
the names of today's NumPy. No memo is written, since nothing is referred to twice.
"""

from __future__ import annotations

import pickle
import struct
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

__all__ = ["dump"]


def dump(value: Any, stream: BinaryIO) -> None:
    """Write a pickle of protocol 2.

    Parameters
    ----------
    value : dict, list, tuple, bytes, bool, int, None, or uint8 ndarray
        Nested in any way. Bytes become Python 2's ``str``; whole numbers have at most 32 bits.
    stream : binary file
    """
    stream.write(pickle.PROTO + b"\x02")
    _write(value, stream)
    stream.write(pickle.STOP)


def _write(value: Any, stream: BinaryIO) -> None:
    if value is None:
        stream.write(pickle.NONE)
    elif isinstance(value, bool):
        stream.write(pickle.NEWTRUE if value else pickle.NEWFALSE)
    elif isinstance(value, int):
        stream.write(_integer(value))
    elif isinstance(value, bytes):
        small = len(value) < 256
        head = pickle.SHORT_BINSTRING if small else pickle.BINSTRING
        stream.write(head + struct.pack("<B" if small else "<i", len(value)) + value)
    elif isinstance(value, np.ndarray):
        _write_array(value, stream)
    else:
        _write_container(value, stream)


def _integer(value: int) -> bytes:
    if 0 <= value < 256:
        return pickle.BININT1 + struct.pack("<B", value)
    if 0 <= value < 65536:
        return pickle.BININT2 + struct.pack("<H", value)
    return pickle.BININT + struct.pack("<i", value)


def _write_container(value: Any, stream: BinaryIO) -> None:
    if isinstance(value, dict):
        items = [part for item in value.items() for part in item]
        head, tail = pickle.EMPTY_DICT + pickle.MARK, pickle.SETITEMS
    elif isinstance(value, list):
        items, head, tail = value, pickle.EMPTY_LIST + pickle.MARK, pickle.APPENDS
    elif isinstance(value, tuple):
        items, head, tail = list(value), pickle.MARK, pickle.TUPLE
    else:
        raise TypeError(f"cannot write {type(value).__name__}")
    stream.write(head)
    for item in items:
        _write(item, stream)
    stream.write(tail)


def _write_array(array: NDArray[Any], stream: BinaryIO) -> None:
    """The calls that NumPy's ``ndarray.__reduce__`` and ``dtype.__reduce__`` ask for."""
    if array.dtype != np.uint8:
        raise TypeError(f"cannot write an array of {array.dtype}")
    _write_global("numpy.core.multiarray", "_reconstruct", stream)
    stream.write(pickle.MARK)
    _write_global("numpy", "ndarray", stream)
    _write((0,), stream)
    _write(b"b", stream)
    stream.write(pickle.TUPLE + pickle.REDUCE + pickle.MARK)
    _write(1, stream)
    _write(array.shape, stream)
    _write_global("numpy", "dtype", stream)
    _write((b"u1", 0, 1), stream)
    stream.write(pickle.REDUCE)
    _write((3, b"|", None, None, None, -1, -1, 0), stream)
    stream.write(pickle.BUILD)
    _write(False, stream)  # C order
    _write(array.tobytes(), stream)
    stream.write(pickle.TUPLE + pickle.BUILD)


def _write_global(module: str, name: str, stream: BinaryIO) -> None:
    stream.write(pickle.GLOBAL + f"{module}\n{name}\n".encode())
