"""CIFAR-10, the "python version": pickled batches in a folder or in the archive they come in.

Five training batches ``data_batch_1`` to ``data_batch_5``, ``test_batch`` and ``batches.meta``. A
batch is a pickled dict with ``data``, a uint8 array of shape (n, 3072), and ``labels``, a list of n
whole numbers. A row of ``data`` is an image of 32 x 32 pixels as three planes, red, green, blue,
each row by row. Source: A. Krizhevsky, *Learning Multiple Layers of Features from Tiny Images*,
2009, and https://www.cs.toronto.edu/~kriz/cifar.html.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import wengert as wg
from wengert.data.checks import check_labels
from wengert.data.numpy_pickle import NUMPY_NAMES, finished_array
from wengert.data.restricted_pickle import Unpickler, type_name

__all__ = [
    "ARCHIVE",
    "BATCHES",
    "FOLDER",
    "MARKER",
    "META",
    "TEST_BATCH",
    "TRAIN_BATCHES",
    "Cifar",
    "first_line",
    "images_from_rows",
    "read_cifar",
    "read_cifar_batch",
]

TRAIN_BATCHES = tuple(f"data_batch_{k}" for k in range(1, 6))
TEST_BATCH = "test_batch"
BATCHES = (*TRAIN_BATCHES, TEST_BATCH)
META = "batches.meta"
# What the archive unpacks to.
FOLDER = "cifar-10-batches-py"
ARCHIVE = "cifar-10-python.tar.gz"
# Lies beside the batches that `wengert.data.standin` makes, and says what they are.
MARKER = "STAND-IN.txt"

_SIDE = 32
_PIXELS = 3 * _SIDE * _SIDE
# A batch has 31 MB. A false header must not fill the memory.
_LARGEST = 1 << 28


class Cifar(NamedTuple):
    """The content of CIFAR-10 files.

    Attributes
    ----------
    train_x, test_x : ndarray, shape (n, 32, 32, 3), uint8
        Rows, columns, channels.
    train_y, test_y : ndarray, shape (n,), int64
    classes : tuple of str
    stand_in : str
        What the images really are, where they are not CIFAR-10; else empty.
    """

    train_x: NDArray[np.uint8]
    train_y: NDArray[np.int64]
    test_x: NDArray[np.uint8]
    test_y: NDArray[np.int64]
    classes: tuple[str, ...]
    stand_in: str


def read_cifar(path: str | os.PathLike[str]) -> Cifar:
    """Read all of CIFAR-10.

    Parameters
    ----------
    path : str or path
        The folder with the batches, or the archive (``.tar.gz`` or ``.tar``), which is read as it
        is: nothing is unpacked to the disk.

    Returns
    -------
    Cifar

    Raises
    ------
    wengert.DataError
        If a batch is missing, cut short, damaged, asks for anything but NumPy arrays, has labels
        out of range, or its counts disagree. The message names the file.
    """
    path = Path(path)
    members = _in_folder(path) if path.is_dir() else _in_archive(path)
    meta: _Meta | None = None
    batches: dict[str, tuple[NDArray[np.uint8], NDArray[np.int64], str]] = {}
    stand_in = ""
    for name, content, source in members:
        # One by one: an archive's members are dropped as soon as they are read.
        if name == MARKER:
            stand_in = first_line(content)
        elif name == META:
            meta = _read_meta(content, source)
        else:
            rows, labels = _parse_batch(content, source)
            batches[name] = (images_from_rows(rows), labels, source)
    if meta is None:
        raise wg.DataError(f"{path}: {META} is missing")
    for name in BATCHES:
        if name not in batches:
            raise wg.DataError(f"{path}: {name} is missing")
        _, labels, source = batches[name]
        if len(labels) != meta.images_per_batch:
            raise wg.DataError(
                f"{source}: {len(labels)} images, but {META} says {meta.images_per_batch} per batch"
            )
        check_labels(labels, source, len(meta.classes))
    train = [batches[name] for name in TRAIN_BATCHES]
    return Cifar(
        np.concatenate([images for images, _, _ in train]),
        np.concatenate([labels for _, labels, _ in train]),
        batches[TEST_BATCH][0],
        batches[TEST_BATCH][1],
        meta.classes,
        stand_in,
    )


def read_cifar_batch(
    path: str | os.PathLike[str],
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Read one batch as it lies in its file.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    rows : ndarray, shape (n, 3072), uint8
        Each row the red, the green and the blue plane of an image; see `images_from_rows`.
    labels : ndarray, shape (n,), int64

    Raises
    ------
    wengert.DataError
        As `read_cifar`.
    """
    path = Path(path)
    return _parse_batch(_read_file(path), str(path))


def images_from_rows(rows: NDArray[Any]) -> NDArray[Any]:
    """Rows of CIFAR's files as images, channels last.

    Parameters
    ----------
    rows : ndarray, shape (n, 3072)

    Returns
    -------
    ndarray, shape (n, 32, 32, 3)

    Raises
    ------
    wengert.ShapeError
        If the rows do not have 3072 elements.
    """
    rows = np.asarray(rows)
    if rows.ndim != 2 or rows.shape[1] != _PIXELS:
        raise wg.ShapeError(
            f"images_from_rows: expected rows of shape (n, {_PIXELS}), got {rows.shape}"
        )
    planes = rows.reshape(-1, 3, _SIDE, _SIDE)
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1))


class _Meta(NamedTuple):
    classes: tuple[str, ...]
    images_per_batch: int


def _parse_batch(content: bytes, source: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    batch = _unpickle(content, source, "a CIFAR-10 batch")
    rows = finished_array(_entry(batch, "data", source))
    if rows is None or rows.dtype != np.uint8 or rows.ndim != 2 or rows.shape[1] != _PIXELS:
        found = (
            type_name(batch["data"])
            if rows is None
            else f"an array of shape {rows.shape} and dtype {rows.dtype}"
        )
        raise wg.DataError(
            f"{source}: expected 'data' of shape (n, {_PIXELS}) and dtype uint8, found {found}"
        )
    labels = _labels(_entry(batch, "labels", source), source)
    if len(labels) != len(rows):
        raise wg.DataError(f"{source}: {len(labels)} labels, but {len(rows)} images")
    if len(rows) == 0:
        raise wg.DataError(f"{source}: holds no images")
    # Ten classes by definition of the format, whatever batches.meta calls them.
    check_labels(labels, source, 10)
    return rows, labels


def _labels(value: Any, source: str) -> NDArray[np.int64]:
    array = finished_array(value)
    if array is not None and array.ndim == 1 and array.dtype.kind in "iu":
        return array.astype(np.int64)
    if type(value) is not list:
        raise wg.DataError(
            f"{source}: expected 'labels' to be a list of whole numbers, found {type_name(value)}"
        )
    for position, label in enumerate(value):
        if type(label) is not int:
            raise wg.DataError(
                f"{source}: label at position {position} is {type_name(label)}, not a whole number"
            )
    try:
        return np.array(value, np.int64)
    except OverflowError as error:
        raise wg.DataError(f"{source}: a label has more than 64 bits") from error


def _read_meta(content: bytes, source: str) -> _Meta:
    meta = _unpickle(content, source, "CIFAR-10's batches.meta")
    names = _entry(meta, "label_names", source)
    if type(names) is not list or not all(isinstance(name, (str, bytes)) for name in names):
        raise wg.DataError(f"{source}: expected 'label_names' to be a list of texts")
    if len(names) != 10:
        raise wg.DataError(f"{source}: {len(names)} names of classes, but CIFAR-10 has 10")
    count = _entry(meta, "num_cases_per_batch", source)
    if type(count) is not int:
        raise wg.DataError(f"{source}: 'num_cases_per_batch' is {type_name(count)}, not a number")
    return _Meta(tuple(_decode(name) for name in names), count)


def _unpickle(content: bytes, source: str, what: str) -> dict[str, Any]:
    stream = io.BytesIO(content)
    found = Unpickler(stream, source, NUMPY_NAMES, what).load_object()
    if not isinstance(found, dict):
        raise wg.DataError(f"{source}: not {what}: it holds {type_name(found)}, not a dict")
    if stream.read(1):
        raise wg.DataError(f"{source}: damaged: more data follows the end of the pickle")
    # Python 2 wrote byte strings; files written again by Python 3 may have texts.
    return {
        _decode(key) if isinstance(key, (str, bytes)) else str(key): found[key] for key in found
    }


def _entry(content: dict[str, Any], key: str, source: str) -> Any:
    if key not in content:
        there = ", ".join(map(repr, content)) or "nothing"
        raise wg.DataError(f"{source}: has no {key!r}; it has {there:.200}")
    return content[key]


def _decode(text: str | bytes) -> str:
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else text


def first_line(content: bytes) -> str:
    """The first line of `MARKER`."""
    return (_decode(content).strip().splitlines() or ["an unknown data set"])[0].strip()


def _in_folder(folder: Path) -> Iterator[tuple[str, bytes, str]]:
    for name in (META, *BATCHES):
        path = folder / name
        if not path.exists():
            raise wg.DataError(f"{folder}: {name} is missing")
        yield name, _read_file(path), str(path)
    if (folder / MARKER).exists():
        yield MARKER, _read_file(folder / MARKER), str(folder / MARKER)


def _read_file(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            content = stream.read(_LARGEST + 1)
    except OSError as error:
        raise wg.DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    if len(content) > _LARGEST:
        raise wg.DataError(f"{path}: larger than {_LARGEST} bytes: not a CIFAR-10 batch")
    return content


def _in_archive(path: Path) -> Iterator[tuple[str, bytes, str]]:
    wanted = {META, MARKER, *BATCHES}
    seen: set[str] = set()
    with _archive_errors(path), path.open("rb") as raw:
        compressed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        with gzip.GzipFile(fileobj=raw) if compressed else contextlib.nullcontext(raw) as stream:
            # As a stream: members are read in one pass, and the sum at the end of the gzip data is
            # checked below.
            with tarfile.open(fileobj=stream, mode="r|") as archive:
                for member in archive:
                    name = member.name.rpartition("/")[2]
                    if name not in wanted or not member.isfile():
                        continue
                    source = f"{path}:{member.name}"
                    if name in seen:
                        raise wg.DataError(f"{source}: is in the archive twice")
                    seen.add(name)
                    yield name, _read_member(archive, member, source), source
            while stream.read(1 << 20):
                pass
    for name in (META, *BATCHES):
        if name not in seen:
            raise wg.DataError(
                f"{path}: {name} is missing: the archive is cut short, or not CIFAR-10's; get the "
                "file again"
            )


def _read_member(archive: tarfile.TarFile, member: tarfile.TarInfo, source: str) -> bytes:
    if member.size > _LARGEST:
        raise wg.DataError(f"{source}: {member.size} bytes: not a CIFAR-10 batch")
    stream = archive.extractfile(member)
    content = stream.read() if stream is not None else b""
    if len(content) != member.size:
        raise wg.DataError(
            f"{source}: cut short: {len(content)} of {member.size} bytes; get the file again"
        )
    return content


@contextlib.contextmanager
def _archive_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise wg.DataError(
            f"{path}: the gzip data is cut short or damaged ({error}); get the file again"
        ) from error
    except tarfile.TarError as error:
        raise wg.DataError(
            f"{path}: not a tar archive, cut short or damaged ({error}); get the file again"
        ) from error
    except OSError as error:
        raise wg.DataError(f"{path}: cannot be read: {error.strerror or error}") from error
