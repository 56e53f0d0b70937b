"""The IDX format of the MNIST family: a big-endian header, then the elements in C order.

Two zero bytes, one byte for the element type, one byte for the number of dimensions, each dimension
as an unsigned 32-bit integer, the elements; the whole is often compressed with gzip. The format was
published with the MNIST data (Y. LeCun, C. Cortes, C. Burges).
"""

from __future__ import annotations

import gzip
import math
import os
import struct
import zlib
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import numpy as np
from numpy.typing import NDArray

import wengert as wg

__all__ = ["read_idx", "write_idx"]

_Stream: TypeAlias = BinaryIO | gzip.GzipFile

_DTYPES: dict[int, np.dtype[Any]] = {
    0x08: np.dtype(np.uint8),
    0x09: np.dtype(np.int8),
    0x0B: np.dtype(np.int16),
    0x0C: np.dtype(np.int32),
    0x0D: np.dtype(np.float32),
    0x0E: np.dtype(np.float64),
}
_CODES = {dtype: code for code, dtype in _DTYPES.items()}
_GZIP_MAGIC = b"\x1f\x8b"
_CHUNK = 1 << 20


def read_idx(path: str | os.PathLike[str]) -> NDArray[Any]:
    """Read an IDX file, compressed with gzip or not.

    Whether the file is compressed is seen from its first bytes, not from its name.

    Parameters
    ----------
    path : str or path
        The file.

    Returns
    -------
    ndarray
        The array in the machine's byte order; its dtype is one of uint8, int8, int16, int32,
        float32, float64, as the file says.

    Raises
    ------
    wengert.DataError
        If the file cannot be read, is no IDX file, or holds fewer or more bytes than its header
        announces. The message names the file.
    """
    path = Path(path)
    try:
        with path.open("rb") as raw:
            compressed = raw.read(2) == _GZIP_MAGIC
            raw.seek(0)
            if not compressed:
                return _parse(raw, path)
            with gzip.GzipFile(fileobj=raw) as stream:
                return _parse(stream, path)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise wg.DataError(
            f"{path}: the gzip data is cut short or damaged ({error}); get the file again"
        ) from error
    except OSError as error:
        raise wg.DataError(f"{path}: cannot be read: {error.strerror or error}") from error


def _parse(stream: _Stream, path: Path) -> NDArray[Any]:
    magic = stream.read(4)
    if len(magic) < 4:
        raise wg.DataError(
            f"{path}: cut short: {len(magic)} bytes, but an IDX header has at least 4"
        )
    if magic[:2] != b"\0\0":
        raise wg.DataError(
            f"{path}: not an IDX file: it begins with bytes {magic[:2].hex(' ')}, not 00 00"
        )
    code, ndim = magic[2], magic[3]
    if code not in _DTYPES:
        known = ", ".join(f"0x{known:02X} ({dtype})" for known, dtype in _DTYPES.items())
        raise wg.DataError(f"{path}: unknown IDX element type 0x{code:02X}; known are {known}")
    header = stream.read(4 * ndim)
    if len(header) < 4 * ndim:
        raise wg.DataError(
            f"{path}: cut short: the header announces {ndim} dimensions and has {len(header)} of "
            f"their {4 * ndim} bytes"
        )
    shape = struct.unpack(f">{ndim}I", header)
    dtype = _DTYPES[code]
    expected = math.prod(shape) * dtype.itemsize
    payload = _read_at_most(stream, expected + 1)
    if len(payload) < expected:
        raise wg.DataError(
            f"{path}: cut short: the header announces {_describe(shape, dtype)}, {expected} bytes, "
            f"and {len(payload)} follow; get the file again"
        )
    if len(payload) > expected:
        raise wg.DataError(
            f"{path}: has more data than its header announces, {_describe(shape, dtype)}, "
            f"{expected} bytes"
        )
    try:
        array = np.ndarray(shape, dtype.newbyteorder(">"), payload)
    except ValueError as error:
        # More axes than NumPy has, or a size of zero beside sizes whose product overflows.
        raise wg.DataError(f"{path}: impossible shape {shape} in the header") from error
    return array.astype(dtype, copy=False)


def _describe(shape: tuple[int, ...], dtype: np.dtype[Any]) -> str:
    return f"{' x '.join(map(str, shape)) or 'one'} elements of {dtype}"


def _read_at_most(stream: _Stream, count: int) -> bytearray:
    """Up to ``count`` bytes; a false header cannot make it ask for more memory than is needed."""
    data = bytearray()
    while len(data) < count:
        chunk = stream.read(min(_CHUNK, count - len(data)))
        if not chunk:
            break
        data += chunk
    return data


def write_idx(path: str | os.PathLike[str], array: NDArray[Any]) -> None:
    """Write an array as an IDX file, compressed when the name ends in ``.gz``.

    The bytes depend on the array alone (no name, no time in the gzip header).

    Parameters
    ----------
    path : str or path
        The file; it is replaced if it exists.
    array : ndarray
        At most 255 dimensions, dtype uint8, int8, int16, int32, float32 or float64.

    Raises
    ------
    wengert.DataError
        If IDX cannot hold the dtype.
    """
    array = np.asarray(array)
    code = _CODES.get(array.dtype.newbyteorder("="))
    if code is None:
        known = ", ".join(map(str, _CODES))
        raise wg.DataError(f"{path}: IDX cannot hold {array.dtype}; cast to one of {known}")
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape)
    content = header + array.astype(array.dtype.newbyteorder(">")).tobytes()
    path = Path(path)
    path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
