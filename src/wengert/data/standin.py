"""A stand-in for CIFAR-10, for machines that cannot download it: Fashion-MNIST in CIFAR-10's files.

The images are enlarged from 28 to 32 pixels and their grey put into all three channels; names,
keys, dtypes and the pickle protocol of the files are those of the real ones. It is easier than
CIFAR-10: a figure from it says so wherever it is shown.
"""

from __future__ import annotations

import gzip
import io
import os
import shutil
import tarfile
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

import wengert as wg
from wengert.data.cifar import (
    ARCHIVE,
    FOLDER,
    MARKER,
    META,
    TEST_BATCH,
    TRAIN_BATCHES,
    Cifar,
    first_line,
)
from wengert.data.python2_pickle import dump

__all__ = ["STAND_IN", "enlarge", "make_cifar_standin", "standin_arrays", "standin_title"]

STAND_IN = "Fashion-MNIST as 32 x 32 RGB"
_MARKER_TEXT = f"""{STAND_IN}
These files have the form of CIFAR-10 and the content of Fashion-MNIST (Zalando Research, MIT
license): a stand-in made by `wengert data make-cifar-standin`. Figures from it are not figures of
CIFAR-10.
"""

_TRAIN = 50_000
_TEST = 10_000
_SIDE = 32
# Level 9 takes four times as long for 4 % less.
_COMPRESSION = 3
# The whole takes seconds.
_ABANDONED_SECONDS = 600


def standin_arrays(
    train_x: NDArray[np.uint8],
    train_y: NDArray[np.int64],
    test_x: NDArray[np.uint8],
    test_y: NDArray[np.int64],
    classes: tuple[str, ...],
) -> Cifar:
    """The stand-in in memory: the first 50,000 training and 10,000 test images, enlarged.

    Parameters
    ----------
    train_x, test_x : ndarray, shape (n, 28, 28), uint8
        Fashion-MNIST.
    train_y, test_y : ndarray, shape (n,)
    classes : tuple of str
    """
    return Cifar(
        _to_rgb(enlarge(train_x[:_TRAIN])),
        np.asarray(train_y[:_TRAIN], np.int64),
        _to_rgb(enlarge(test_x[:_TEST])),
        np.asarray(test_y[:_TEST], np.int64),
        classes,
        STAND_IN,
    )


def enlarge(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Images of 28 x 28 pixels enlarged to 32 x 32, bilinearly.

    Pixel centres map by ``source = (target + 1/2) * 28/32 - 1/2``, edges are repeated, as image
    libraries have it. All weights are multiples of 1/16, so whole numbers compute the exact result,
    rounded half up: the same bytes on every machine.

    Parameters
    ----------
    images : ndarray, shape (n, 28, 28), uint8

    Returns
    -------
    ndarray, shape (n, 32, 32), uint8

    Raises
    ------
    wengert.ShapeError
        If the images are of another size.
    """
    if images.shape[1:] != (28, 28) or images.dtype != np.uint8:
        raise wg.ShapeError(
            f"enlarge: expected images of shape (n, 28, 28) and dtype uint8, got {images.shape} "
            f"and {images.dtype}"
        )
    # In sixteenths the source of target i is 14 i - 1.
    source = np.clip(14 * np.arange(_SIDE) - 1, 0, 16 * 27)
    low = source // 16
    high = np.minimum(low + 1, 27)
    weight = (source % 16).astype(np.uint16)
    result = np.empty((len(images), _SIDE, _SIDE), np.uint8)
    # A block at a time stays in the processor's cache.
    for start in range(0, len(images), 256):
        block = images[start : start + 256].astype(np.uint16)
        block = block[:, low] * (16 - weight)[:, None] + block[:, high] * weight[:, None]
        # At most 255 * 256 + 128, which 16 bits hold.
        block = block[:, :, low] * (16 - weight) + block[:, :, high] * weight
        result[start : start + 256] = (block + 128) >> 8
    return result


def _to_rgb(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.repeat(images[..., None], 3, axis=-1)


def make_cifar_standin(
    directory: str | os.PathLike[str],
    fashion: Any,
    *,
    tar: bool = False,
    overwrite: bool = False,
    report: Callable[[str], None] | None = None,
) -> Path:
    """Write the stand-in as CIFAR-10's files.

    The bytes depend on the images alone. The folder (or archive) gets its name when it is whole, so
    one that was interrupted is never taken for data.

    Parameters
    ----------
    directory : str or path
        Made if it does not exist; gets ``cifar-10-batches-py``, or with ``tar``
        ``cifar-10-python.tar.gz``.
    fashion : Dataset
        Fashion-MNIST.
    tar : bool
        Write the archive instead of the folder.
    overwrite : bool
        Replace an earlier stand-in.
    report : callable, optional
        Called with the name of each file before it is written.

    Returns
    -------
    Path
        The folder or the archive.

    Raises
    ------
    wengert.ConfigError
        If the folder or archive exists, and is not a stand-in or ``overwrite`` is false. Real
        CIFAR-10 files are never replaced.
    wengert.DataError
        If it cannot be written.
    """
    directory = Path(directory)
    target = directory / (ARCHIVE if tar else FOLDER)
    _check_target(target, overwrite)
    temporary = directory / f".{target.name}.{os.getpid()}.wengert-tmp"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(directory, target.name)
        if tar:
            with temporary.open("wb") as stream:
                _write_archive(stream, fashion, report)
                _to_disk(stream)
        else:
            temporary.mkdir()
            _write_folder(temporary, fashion, report)
        _put_in_place(temporary, target)
    except OSError as error:
        _remove(temporary)
        raise wg.DataError(f"{target}: cannot be written: {error.strerror or error}") from error
    except BaseException:
        _remove(temporary)
        raise
    return target


def _check_target(target: Path, overwrite: bool) -> None:
    if not target.exists():
        return
    if not standin_title([target]):
        raise wg.ConfigError(
            f"{target}: exists and was not made by this command; name another directory"
        )
    if not overwrite:
        raise wg.ConfigError(
            f"{target}: is there already; --overwrite makes it again, or name another directory"
        )


def standin_title(paths: list[Path]) -> str:
    """What the images of CIFAR-10's files really are, if these are a stand-in; else empty.

    Parameters
    ----------
    paths : list of Path
        As `wengert.data.find` gives them. Of an archive only the beginning is read.
    """
    folder = paths[0].parent if len(paths) > 1 or paths[0].name == META else paths[0]
    try:
        if folder.is_dir():
            marker = folder / MARKER
            return first_line(marker.read_bytes()) if marker.is_file() else ""
        with tarfile.open(folder, "r:*") as archive:
            # The marker is the first member: no need to read on.
            member = archive.next()
            if member is None or member.name != f"{FOLDER}/{MARKER}":
                return ""
            stream = archive.extractfile(member)
            return first_line(stream.read(10_000)) if stream is not None else ""
    except (tarfile.TarError, OSError, EOFError, zlib.error):
        return ""


def _put_in_place(temporary: Path, target: Path) -> None:
    if not target.is_dir():
        os.replace(temporary, target)
        return
    # A folder cannot take the place of another at once; in between there is none, never half one.
    old = temporary.with_name(f"{temporary.name}-old")
    os.rename(target, old)
    os.rename(temporary, target)
    _remove(old)


def _write_folder(folder: Path, fashion: Any, report: Callable[[str], None] | None) -> None:
    for name, write in _files(fashion):
        if report is not None:
            report(name)
        with (folder / name).open("wb") as stream:
            write(stream)
            _to_disk(stream)


def _write_archive(raw: BinaryIO, fashion: Any, report: Callable[[str], None] | None) -> None:
    with (
        gzip.GzipFile("", "wb", _COMPRESSION, raw, mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w|", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for name, write in _files(fashion):
            if report is not None:
                report(name)
            content = io.BytesIO()
            write(content)
            member = tarfile.TarInfo(f"{FOLDER}/{name}")  # no time, no owner
            member.size = content.tell()
            content.seek(0)
            archive.addfile(member, content)


def _files(fashion: Any) -> list[tuple[str, Callable[[BinaryIO], None]]]:
    """Each file's name and what writes it; the marker first, so that it is found at once."""

    def marker(stream: BinaryIO) -> None:
        stream.write(_MARKER_TEXT.encode())

    def meta(stream: BinaryIO) -> None:
        content = {
            b"num_cases_per_batch": per_batch,
            b"label_names": [name.encode() for name in fashion.classes],
            b"num_vis": 3 * _SIDE * _SIDE,
        }
        dump(content, stream)

    def batch(title: str, images: Any, labels: Any, first: int) -> Callable[[BinaryIO], None]:
        def write(stream: BinaryIO) -> None:
            names = [
                f"{fashion.classes[label].lower().replace('/', '_').replace(' ', '_')}"
                f"_s_{first + k:06d}.png".encode()
                for k, label in enumerate(labels)
            ]
            plane = enlarge(images).reshape(len(images), -1)
            content = {
                b"batch_label": title.encode(),
                b"labels": [int(label) for label in labels],
                b"data": np.tile(plane, 3),
                b"filenames": names,
            }
            dump(content, stream)

        return write

    train_x, train_y = fashion.train_x[:_TRAIN], fashion.train_y[:_TRAIN]
    test_x, test_y = fashion.test_x[:_TEST], fashion.test_y[:_TEST]
    per_batch = len(test_y)
    if len(train_y) != 5 * per_batch:
        raise wg.DataError(
            f"the stand-in needs five times as many training as test images, got {len(train_y)} "
            f"and {per_batch}"
        )
    files: list[tuple[str, Callable[[BinaryIO], None]]] = [(MARKER, marker), (META, meta)]
    for k, name in enumerate(TRAIN_BATCHES):
        part = slice(k * per_batch, (k + 1) * per_batch)
        title = f"training batch {k + 1} of 5"
        files.append((name, batch(title, train_x[part], train_y[part], part.start)))
    files.append((TEST_BATCH, batch("testing batch 1 of 1", test_x, test_y, len(train_y))))
    return files


def _to_disk(stream: BinaryIO) -> None:
    stream.flush()
    os.fsync(stream.fileno())


def _remove_leftovers(directory: Path, name: str) -> None:
    """What processes left behind that were killed while they wrote, not what is being written."""
    for leftover in directory.glob(f".{name}.*.wengert-tmp*"):
        if time.time() - leftover.stat().st_mtime > _ABANDONED_SECONDS:
            _remove(leftover)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        try:
            path.unlink(missing_ok=True)
        except OSError:
            pass  # the error that led here is the one to report
