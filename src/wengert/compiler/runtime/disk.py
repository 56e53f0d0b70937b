"""Machine code on disk, so that a program is compiled once for each user and machine.

An entry is a file: a mark, a checksum, a header (JSON: the key, and how the code is called), the
object code. It is written to a temporary name and renamed. What is damaged, of another key, or not
the user's own is not used, and written anew. The directory is the user's alone (machine code from
others would be run), and of bounded size: what was not used for longest goes first.

The directory is that of the environment variable ``WENGERT_CACHE`` (``off`` turns the cache off),
else ``$XDG_CACHE_HOME/wengert``, else ``~/.cache/wengert``. A failure to read or write is no error:
the program is compiled.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import struct
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["MOST_BYTES", "code_of", "directory", "load", "store"]

MOST_BYTES = 256 * 2**20
_MARK = b"wengert machine code 1\n"
_SUFFIX = ".code"
_TEMPORARY = ".tmp"
_LEFT_BEHIND = 3600.0  # seconds after which a temporary file belongs to a process that died


def directory() -> Path | None:
    """Where entries are kept; None if the cache is turned off."""
    given = os.environ.get("WENGERT_CACHE")
    if given is not None:
        if given.strip().lower() in ("", "0", "off", "no", "none"):
            return None
        return Path(os.path.expanduser(given))  # where no shell has replaced ~
    base = os.environ.get("XDG_CACHE_HOME")
    if base and os.path.isabs(base):
        return Path(base) / "wengert"
    try:
        home = Path.home()
    except RuntimeError:
        return None
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home) / "wengert" / "cache"
    return home / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "wengert"


def _own(about: os.stat_result) -> bool:
    """Whether nobody but the user can have put something there."""
    if sys.platform == "win32":
        return True
    return about.st_uid == os.getuid() and not about.st_mode & 0o022


def _content(path: Path) -> bytes:
    """What is in the user's own file; links are not followed, and nobody can exchange it meanwhile.

    Raises
    ------
    OSError
        If there is no such file, or others can write to it.
    """
    flags = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    with open(os.open(path, os.O_RDONLY | flags), "rb") as stream:
        if not _own(os.fstat(stream.fileno())):
            raise PermissionError(path)
        return stream.read()


def load(key: str) -> tuple[dict[str, Any], bytes] | None:
    """What was stored under a key, and its code; None if there is nothing that can be used."""
    place = directory()
    if place is None:
        return None
    path = place / (key + _SUFFIX)
    try:
        if not _own(place.lstat()):
            return None
        header, code = _unpacked(_content(path), key)
        with contextlib.suppress(OSError):
            os.utime(path)  # used now
        return header, code
    except (OSError, ValueError, KeyError, TypeError, struct.error):
        return None


def _unpacked(content: bytes, key: str) -> tuple[dict[str, Any], bytes]:
    start = len(_MARK)
    if content[:start] != _MARK:
        raise ValueError
    checksum, rest = content[start : start + 32], content[start + 32 :]
    if hashlib.sha256(rest).digest() != checksum:
        raise ValueError
    (length,) = struct.unpack_from("<Q", rest)
    header = json.loads(rest[8 : 8 + length])
    if header["key"] != key:
        raise ValueError
    return header["about"], rest[8 + length :]


def store(key: str, about: dict[str, Any], code: bytes) -> None:
    """Keep code, and what JSON can hold about it."""
    place = directory()
    if place is None:
        return
    header = json.dumps({"key": key, "about": about}).encode()
    rest = struct.pack("<Q", len(header)) + header + code
    content = _MARK + hashlib.sha256(rest).digest() + rest
    if len(content) > MOST_BYTES // 4:
        return
    temporary = place / f"{key}.{os.getpid()}.{time.monotonic_ns()}{_TEMPORARY}"
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _own(place.lstat()):
            return
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
        os.replace(temporary, place / (key + _SUFFIX))
        _evict(place)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()


def code_of(text: str) -> bytes:
    """The object code of a module that every process needs, such as the pool of threads.

    Of the same text, for the same machine, it is the same.
    """
    from ..codegen import target

    key = hashlib.sha256(f"{target.description()}\n{text}".encode()).hexdigest()
    found = load(key)
    if found is not None:
        return found[1]
    code = target.object_code(text)
    store(key, {}, code)
    return code


def _files(place: Path) -> Iterator[tuple[float, int, str]]:
    with os.scandir(place) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                about = entry.stat(follow_symlinks=False)
                if entry.name.endswith(_SUFFIX):
                    yield about.st_mtime, about.st_size, entry.path
                elif entry.name.endswith(_TEMPORARY) and (
                    about.st_mtime < time.time() - _LEFT_BEHIND
                ):
                    os.unlink(entry.path)


def _evict(place: Path) -> None:
    """Remove the entries that were not used for longest, down to three quarters of the bound."""
    found = sorted(_files(place))
    total = sum(size for _, size, _ in found)
    if total <= MOST_BYTES:
        return
    for _, size, path in found:
        if total <= MOST_BYTES * 3 // 4:
            return
        with contextlib.suppress(OSError):
            os.unlink(path)
            total -= size
