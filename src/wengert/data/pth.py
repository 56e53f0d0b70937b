"""PyTorch's weight files (.pth) as NumPy arrays, without PyTorch.

Two formats. Since PyTorch 1.6 a zip archive, uncompressed: ``NAME/data.pkl`` is the pickled
object, whose tensors refer to the storages ``NAME/data/0``, ``NAME/data/1``; before, four pickles
(a magic number, a version, facts about the machine, the object), then the list of storages and each
one's length and bytes. Source: ``torch/serialization.py``.
"""

from __future__ import annotations

import io
import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import wengert as wg
from wengert.data.restricted_pickle import Allowed, Names, Shell, StateDict, Unpickler, type_name

__all__ = ["TORCH_NAMES", "read_pth"]

_WHAT = "a PyTorch weight file"
_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_VERSION = 1001
_ZIP_MAGIC = b"PK\x03\x04"
_STORAGES = {
    "FloatStorage": "f4",
    "DoubleStorage": "f8",
    "HalfStorage": "f2",
    "LongStorage": "i8",
    "IntStorage": "i4",
    "ShortStorage": "i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "b1",
}


class _Storage:
    """Elements that tensors are views of; the bytes come after the pickle."""

    __slots__ = ("data", "dtype", "numel")

    def __init__(self, dtype: np.dtype[Any], numel: int) -> None:
        self.dtype = dtype
        self.numel = numel
        self.data: bytes | None = None


class _Tensor(Shell):
    """A view of a storage: offset, sizes and strides in elements."""

    __slots__ = ("offset", "shape", "storage", "strides")

    def __init__(
        self,
        storage: Any,
        offset: Any,
        shape: Any,
        strides: Any,
        requires_grad: Any = False,
        hooks: Any = None,
        metadata: Any = None,
    ) -> None:
        if not isinstance(storage, _Storage):
            raise ValueError(f"the storage of a tensor is {type_name(storage)}")
        for numbers in ((offset,), shape, strides):
            if type(numbers) is not tuple or any(type(n) is not int or n < 0 for n in numbers):
                raise ValueError(f"a tensor has offset {offset}, shape {shape}, strides {strides}")
        if len(shape) != len(strides):
            raise ValueError(f"a tensor has shape {shape} and strides {strides}")
        count, last = 1, offset
        for size, stride in zip(shape, strides, strict=True):
            count *= size
            last += (size - 1) * stride
        if (count and last >= storage.numel) or count > storage.numel:
            # More elements than the storage has (by strides of 0) could fill any memory.
            raise ValueError(
                f"a tensor of shape {shape}, strides {strides} and offset {offset} lies outside "
                f"its storage of {storage.numel} elements"
            )
        self.storage = storage
        self.offset = offset
        self.shape = shape
        self.strides = strides

    def array(self) -> NDArray[Any]:
        """A copy of the elements, in C order and the machine's byte order."""
        assert self.storage.data is not None, "all storages have been read"
        flat = np.frombuffer(self.storage.data, self.storage.dtype)
        size = self.storage.dtype.itemsize
        view = np.lib.stride_tricks.as_strided(
            flat[self.offset :], self.shape, tuple(size * n for n in self.strides)
        )
        return np.array(view, self.storage.dtype.newbyteorder("="), order="C")


def _parameter(tensor: Any, requires_grad: Any = True, hooks: Any = None) -> _Tensor:
    if not isinstance(tensor, _Tensor):
        raise ValueError(f"the data of a parameter are {type_name(tensor)}")
    return tensor


TORCH_NAMES: Names = {
    ("collections", "OrderedDict"): Allowed(
        StateDict, "state_dict() is one; so are a tensor's (empty) hooks"
    ),
    ("torch._utils", "_rebuild_tensor_v2"): Allowed(_Tensor, "makes a tensor over a storage"),
    ("torch._utils", "_rebuild_parameter"): Allowed(
        _parameter, "a tensor that was saved as a parameter of a module"
    ),
    **{
        ("torch", name): Allowed(None, f"the element type {dtype} of a storage")
        for name, dtype in _STORAGES.items()
    },
}


def read_pth(path: str | os.PathLike[str], key: str | None = None) -> dict[str, NDArray[Any]]:
    """Read the weights in a PyTorch file (``torch.save(model.state_dict(), path)``).

    PyTorch is not needed. The pickle in the file is read as data: nothing it names is run.

    Parameters
    ----------
    path : str or path
        In the zip format or in the one before it; which, is seen from the content.
    key : str, optional
        Where the weights are, if the file holds a dict of several things (``"state_dict"``, say).

    Returns
    -------
    dict of str to ndarray
        In the order of the file. float16, float32, float64, signed whole numbers, uint8 and bool.

    Raises
    ------
    wengert.DataError
        If the file cannot be read, is cut short or damaged, asks for a global that is not in the
        list, or holds something else than named tensors. The message names the file, and the
        global.
    """
    path = Path(path)
    try:
        with path.open("rb") as stream:
            zipped = stream.read(4) == _ZIP_MAGIC
            stream.seek(0)
            content = b"" if zipped else stream.read()
        found = _read_zip(path) if zipped else _read_legacy(content, str(path))
    except OSError as error:
        raise wg.DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    return _named_arrays(found, str(path), key)


def _named_arrays(found: Any, source: str, key: str | None) -> dict[str, NDArray[Any]]:
    if key is not None:
        if not isinstance(found, dict) or key not in found:
            there = ", ".join(map(repr, found)) if isinstance(found, dict) else type_name(found)
            raise wg.DataError(f"{source}: has no {key!r}; it has {there:.300}")
        found = found[key]
    if not isinstance(found, dict):
        raise wg.DataError(f"{source}: expected a dict of tensors, found {type_name(found)}")
    for name, value in found.items():
        if not isinstance(name, str) or not isinstance(value, _Tensor):
            inner = [str(k) for k, v in found.items() if isinstance(v, dict)]
            remedy = f"; key={inner[0]!r} may be what you want" if inner else ""
            raise wg.DataError(
                f"{source}: expected a dict of tensors, found {type_name(value)} at {name!r}"
                f"{remedy}"
            )
    return {name: tensor.array() for name, tensor in found.items()}


class _Storages:
    """The storages that a pickle refers to, by their keys."""

    def __init__(self, order: str) -> None:
        self.order = order
        self.found: dict[str, _Storage] = {}

    def __call__(self, pid: Any) -> _Storage:
        """The storage of a persistent id ('storage', type, key, device, elements[, view])."""
        if type(pid) is not tuple or len(pid) not in (5, 6) or pid[0] != "storage":
            raise ValueError("a reference to something else than a storage")
        kind, key, numel = getattr(pid[1], "label", ""), pid[2], pid[4]
        code = _STORAGES.get(kind.removeprefix("torch."))
        if code is None or type(key) is not str or type(numel) is not int or numel < 0:
            raise ValueError(f"a storage of type {type_name(pid[1])} and {numel!r} elements")
        if len(pid) == 6 and pid[5] is not None:
            raise ValueError("a storage that is a view of another one, from before PyTorch 0.4")
        storage = self.found.setdefault(key, _Storage(np.dtype(self.order + code), numel))
        if storage.numel != numel or storage.dtype != np.dtype(self.order + code):
            raise ValueError(f"storage {key!r} is referred to with two sizes or types")
        return storage


def _unpickler(stream: io.BytesIO, source: str, storages: Callable[[Any], Any]) -> Unpickler:
    return Unpickler(stream, source, TORCH_NAMES, _WHAT, encoding="utf-8", persistent=storages)


def _read_zip(path: Path) -> Any:
    try:
        with zipfile.ZipFile(path) as archive:
            names = {info.filename: info for info in archive.infolist()}
            pickled = [name for name in names if name.rpartition("/")[2] == "data.pkl"]
            if len(pickled) != 1:
                raise wg.DataError(f"{path}: a zip archive, but not {_WHAT}: no data.pkl in it")
            root = pickled[0].removesuffix("data.pkl")
            order = _byte_order(archive, names.get(f"{root}byteorder"), path)
            storages = _Storages(order)
            stream = io.BytesIO(_entry(archive, names[pickled[0]], path))
            found = _unpickler(stream, f"{path}:{pickled[0]}", storages).load_object()
            for key, storage in storages.found.items():
                info = names.get(f"{root}data/{key}")
                if info is None:
                    raise wg.DataError(f"{path}: the storage {root}data/{key} is missing")
                expected = storage.numel * storage.dtype.itemsize
                if info.file_size != expected:
                    raise wg.DataError(
                        f"{path}:{info.filename}: {info.file_size} bytes, but {storage.numel} "
                        f"elements of {storage.dtype} have {expected}"
                    )
                storage.data = _entry(archive, info, path)
            return found
    except (zipfile.BadZipFile, EOFError, NotImplementedError) as error:
        raise wg.DataError(
            f"{path}: the zip archive is cut short or damaged ({error}); get the file again"
        ) from error


def _entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path) -> bytes:
    # PyTorch does not compress. A compressed entry could be of any size.
    if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1:
        raise wg.DataError(
            f"{path}:{info.filename}: compressed or encrypted, which PyTorch's files are not"
        )
    content = archive.read(info)  # checks its CRC
    if len(content) != info.file_size:
        raise wg.DataError(
            f"{path}:{info.filename}: cut short: {len(content)} of {info.file_size} bytes"
        )
    return content


def _byte_order(archive: zipfile.ZipFile, info: zipfile.ZipInfo | None, path: Path) -> str:
    if info is None:
        return "<"  # files before PyTorch 2.1 do not say, and were written on such machines
    order = _entry(archive, info, path)
    if order not in (b"little", b"big"):
        raise wg.DataError(f"{path}:{info.filename}: unknown byte order {order[:20]!r}")
    return "<" if order == b"little" else ">"


def _read_legacy(content: bytes, source: str) -> Any:
    stream = io.BytesIO(content)
    storages = _Storages("<")
    # Each pickle has a memo of its own, so each has its own machine.
    if content[:1] != b"\x80":
        raise wg.DataError(
            f"{source}: not {_WHAT}: it begins with {content[:4]!r}, neither a zip archive nor a "
            "pickle"
        )
    if _unpickler(stream, source, storages).load_object() != _LEGACY_MAGIC:
        raise wg.DataError(f"{source}: not {_WHAT}: a pickle without PyTorch's magic number")
    version = _unpickler(stream, source, storages).load_object()
    if version != _LEGACY_VERSION:
        raise wg.DataError(f"{source}: version {version!r}, expected {_LEGACY_VERSION}")
    machine = _unpickler(stream, source, storages).load_object()
    if not isinstance(machine, dict) or machine.get("little_endian") is not True:
        raise wg.DataError(f"{source}: written on a big-endian machine, which is not supported")
    found = _unpickler(stream, source, storages).load_object()
    keys = _unpickler(stream, source, storages).load_object()
    if type(keys) is not list or sorted(map(str, keys)) != sorted(storages.found):
        raise wg.DataError(f"{source}: damaged: the list of storages is not what the tensors use")
    for key in keys:
        _read_legacy_storage(stream, storages.found[key], key, source)
    if stream.read(1):
        raise wg.DataError(f"{source}: damaged: more data follows the last storage")
    return found


def _read_legacy_storage(stream: io.BytesIO, storage: _Storage, key: str, source: str) -> None:
    header = stream.read(8)
    expected = storage.numel * storage.dtype.itemsize
    storage.data = stream.read(expected)
    if len(header) < 8 or len(storage.data) < expected:
        raise wg.DataError(
            f"{source}: cut short: storage {key} has {len(storage.data)} of {expected} bytes; get "
            "the file again"
        )
    (numel,) = struct.unpack("<q", header)
    if numel != storage.numel:
        raise wg.DataError(
            f"{source}: damaged: storage {key} has {numel} elements, the tensors say "
            f"{storage.numel}"
        )
