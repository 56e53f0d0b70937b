"""Files that are whole or absent."""

from __future__ import annotations

import os
from pathlib import Path

import wengert as wg

__all__ = ["check_writable", "remove", "remove_leftovers", "write_bytes"]

_SUFFIX = ".wengert-tmp"


def write_bytes(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path`` so that the old or the new file is there at every moment.

    The bytes go to a temporary file in the same directory and reach the disk before that file takes
    the name, so neither a killed process nor a power failure leaves half a file.

    Raises
    ------
    wengert.DataError
        If the file cannot be written; the message names it.
    """
    temporary = _temporary(path)
    try:
        with temporary.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
        _sync_directory(path.parent)
    except OSError as error:
        _remove(temporary)
        raise wg.DataError(
            f"{path}: cannot be written: {error.strerror or error}; what was there before is "
            "unchanged. Make room or choose another directory"
        ) from error
    except BaseException:
        _remove(temporary)
        raise


def check_writable(directory: Path) -> None:
    """Make a directory if need be, and find out by writing whether files can be made in it.

    Permission bits do not tell all: the file system may be full or read-only.

    Raises
    ------
    wengert.DataError
        If not; the message names the directory.
    """
    probe = _temporary(directory / "probe")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"wengert")
        probe.unlink()
    except OSError as error:
        _remove(probe)
        raise wg.DataError(
            f"{directory}: cannot be written: {error.strerror or error}; --out names another "
            "directory"
        ) from error


def remove(path: Path) -> None:
    """Remove a file.

    Raises
    ------
    wengert.DataError
        If that is impossible; the message names it.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise wg.DataError(
            f"{path}: cannot be removed: {error.strerror or error}; remove it by hand, or choose "
            "another directory"
        ) from error


def remove_leftovers(directory: Path) -> None:
    """Remove temporary files of processes that were killed while they wrote."""
    for temporary in directory.glob(f".*{_SUFFIX}"):
        _remove(temporary)


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}{_SUFFIX}")


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        pass  # the error that led here is the one to report


def _sync_directory(directory: Path) -> None:
    """Make the new name durable, where directories can be opened (not on Windows)."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
