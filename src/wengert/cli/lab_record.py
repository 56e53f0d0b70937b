"""``figures.json``: what a lab found, with which command, when, and on what machine."""

from __future__ import annotations

import datetime
import json
import math
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import scipy

import wengert as wg
from wengert.train.atomic import check_writable, remove_leftovers, write_bytes

__all__ = ["LabRecord", "figure_text"]

_FILE = "figures.json"


class LabRecord:
    """The directory of one run of a lab.

    Parameters
    ----------
    name : str
        The lab's.
    directory : Path
    command : str
        The command that makes the same figures.
    quick : bool
    """

    def __init__(self, name: str, directory: Path, command: str, *, quick: bool) -> None:
        self.directory = directory
        self._path = directory / _FILE
        self._content: dict[str, Any] = {"lab": name, "command": command, "quick": quick}
        # Files of the user that are there before the run; a later --overwrite keeps them.
        self._foreign: set[str] = set()

    def open(self, *, overwrite: bool) -> None:
        """Make the directory, and note in it that a run has begun.

        Raises
        ------
        wengert.ConfigError
            If it is not empty, and ``overwrite`` is false or it holds no lab's run.
        wengert.DataError
            If it cannot be written.
        """
        if self.directory.is_dir():
            remove_leftovers(self.directory)
        if self.directory.is_dir() and any(self.directory.iterdir()):
            if not overwrite:
                raise wg.ConfigError(
                    f"{self.directory}: is not empty; --overwrite replaces the run in it, --out "
                    "names another directory"
                )
            self._remove_earlier()
            self._foreign = set(self.files())
        check_writable(self.directory)
        self._write({"finished": False})

    def _remove_earlier(self) -> None:
        """Remove the files of an earlier run, and no others."""
        try:
            earlier = json.loads(self._path.read_text(encoding="utf-8"))
            files = [*earlier["files"], _FILE]
            assert "lab" in earlier
        except (OSError, ValueError, KeyError, TypeError, AssertionError) as error:
            raise wg.ConfigError(
                f"{self.directory}: holds files and no run of a lab ({_FILE}), so --overwrite "
                "leaves it alone; --out names another directory"
            ) from error
        root = self.directory.resolve()
        for name in map(str, files):
            path = (root / name).resolve()
            if not path.is_relative_to(root) or not path.is_file():
                continue
            path.unlink()
            for folder in path.relative_to(root).parents:
                if folder != Path() and not any((root / folder).iterdir()):
                    (root / folder).rmdir()

    def finish(self, figures: Mapping[str, Any], seconds: float) -> None:
        """Write ``figures.json``.

        Parameters
        ----------
        figures : mapping
            From names to numbers, texts, truth values or lists of them; NumPy's are converted.
        seconds : float
            What the run took.

        Raises
        ------
        wengert.ConfigError
            If ``figures`` is something else.
        """
        if not isinstance(figures, Mapping):
            raise wg.ConfigError(
                f"run(options) of the lab returned {type(figures).__name__}, expected a dict of "
                "figures"
            )
        plain = {str(key): _plain(key, value) for key, value in figures.items()}
        finished = not plain.get("interrupted")
        # The list must hold this file's neighbours, whatever they are.
        files = [name for name in self.files() if name != _FILE]
        self._write({"finished": finished, "seconds": round(seconds, 1), "figures": plain}, files)

    def withdraw(self) -> None:
        """After an error: leave what the lab saved, and no ``figures.json`` if that is nothing."""
        if self.files() == [_FILE]:
            self._path.unlink(missing_ok=True)
            try:
                self.directory.rmdir()
            except OSError:
                pass  # not empty after all, or in use
        else:
            self._write({"finished": False}, [name for name in self.files() if name != _FILE])

    def files(self) -> list[str]:
        """What the run saved, by names relative to the directory."""
        paths = (path for path in self.directory.rglob("*") if path.is_file())
        names = {path.relative_to(self.directory).as_posix() for path in paths}
        return sorted(names - self._foreign)

    def _write(self, more: Mapping[str, Any], files: list[str] | None = None) -> None:
        content = {
            **self._content,
            "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
            "cores": _cores(),
            "versions": {
                "python": platform.python_version(),
                "numpy": np.__version__,
                "scipy": scipy.__version__,
                "wengert": wg.__version__,
            },
            **more,
            "files": files or [],
        }
        text = json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False)
        write_bytes(self._path, f"{text}\n".encode())


def figure_text(value: Any) -> str:
    """A figure as it is printed: six digits, long lists shortened."""
    if isinstance(value, (bool, str)) or value is None:
        return str(value)
    if isinstance(value, (list, tuple, np.ndarray)):
        shown = [figure_text(item) for item in value]
        if len(shown) > 6:
            shown = [*shown[:3], "...", *shown[-2:]]
        return f"[{', '.join(shown)}]"
    try:
        return f"{value:.6g}" if isinstance(value, (float, np.floating)) else f"{value}"
    except (TypeError, ValueError):
        return str(value)


def _plain(key: Any, value: Any) -> Any:
    if isinstance(value, (np.generic, np.ndarray)):
        value = value.tolist()
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)  # JSON has no nan
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [_plain(key, item) for item in value]
    raise wg.ConfigError(
        f"the lab's figure {key!r} is {type(value).__name__}; expected a number, a text or a list"
    )


def _cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
