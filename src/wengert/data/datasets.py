"""The data sets that `load` knows, checked and split into training and test data."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

import wengert as wg
from wengert.data.checks import check_images, check_labels
from wengert.data.cifar import read_cifar
from wengert.data.dataset import Dataset
from wengert.data.generated import load_digits, load_moons
from wengert.data.idx import read_idx
from wengert.data.sources import (
    FILE_SOURCES,
    CifarSource,
    FileSource,
    download,
    find_files,
    find_local,
)
from wengert.data.standin import STAND_IN, standin_arrays

__all__ = ["Known", "fetch", "find", "known", "load", "load_cifar10_or_standin", "names"]

_GENERATED: dict[str, tuple[str, Callable[[], Dataset]]] = {
    "digits": ("1,797 handwritten digits, 8 x 8; comes with scikit-learn", load_digits),
    "moons": ("two interleaved half circles; made by scikit-learn", load_moons),
}
_STAND_IN_NAME = "cifar10-standin"


class Known(NamedTuple):
    """A name that `load` knows, for lists.

    Attributes
    ----------
    name : str
    summary : str
        What it is.
    needs : str
        The name of the data set whose files it is made from; empty if it needs none.
    hint : str
        How to get the files.
    """

    name: str
    summary: str
    needs: str
    hint: str


def known() -> tuple[Known, ...]:
    """What `load` knows."""
    summary, _ = _GENERATED["digits"]
    files = [Known(s.name, s.summary, s.name, s.hint) for s in FILE_SOURCES.values()]
    fashion = FILE_SOURCES["fashion-mnist"]
    return (
        Known("digits", summary, "", ""),
        *files,
        Known(
            _STAND_IN_NAME,
            f"stand-in for cifar10: {STAND_IN}, in memory",
            fashion.name,
            fashion.hint,
        ),
        Known("moons", _GENERATED["moons"][0], "", ""),
    )


def names() -> tuple[str, ...]:
    """The names that `load` knows."""
    return tuple(entry.name for entry in known())


def load(name: str, data_dir: str | os.PathLike[str] | None = None) -> Dataset:
    """Load a data set by name.

    * ``"digits"``: 1,437 + 360 digits of 8 x 8 pixels that come with scikit-learn, always split
      alike.
    * ``"fashion-mnist"``, ``"mnist"``: 60,000 + 10,000 images of 28 x 28 pixels in four IDX files.
    * ``"cifar10"``: 50,000 + 10,000 images of 32 x 32 pixels in colour, channels last; seven
      pickled files, or ``cifar-10-python.tar.gz`` as it is.
    * ``"cifar10-standin"``: Fashion-MNIST in the shape of CIFAR-10, made in memory.
    * ``"moons"``: 100 + 100 points of two half circles with noise 0.1; see `moons`.

    Files are looked for in ``data_dir`` (only there, if it is given), the environment variable
    ``WENGERT_DATA``, the user's cache and ``/usr/share/datasets``, and downloaded to the user's
    cache otherwise. Files that `make_cifar_standin` made load as ``"cifar10"``, and the result's
    ``stand_in`` and ``title`` say what they are.

    Parameters
    ----------
    name : str
    data_dir : str or path, optional
        The folder with the files, or with a folder of the data set's name that has them.

    Returns
    -------
    Dataset

    Raises
    ------
    wengert.DataError
        If the name is unknown, a file is missing or broken, the images and labels do not belong
        together, or a label is out of range. A broken file is never passed over for another place.
    wengert.ConfigError
        If a package that is needed is not installed.
    """
    _check_name(name)
    if name in _GENERATED:
        return _GENERATED[name][1]()
    if name == _STAND_IN_NAME:
        fashion = load("fashion-mnist", data_dir)
        made = standin_arrays(
            fashion.train_x, fashion.train_y, fashion.test_x, fashion.test_y, fashion.classes
        )
        return Dataset("cifar10", *made[:5], stand_in=made.stand_in)
    source = FILE_SOURCES[name]
    paths = find_files(source, data_dir)
    if isinstance(source, CifarSource):
        read = read_cifar(paths[0] if len(paths) == 1 else paths[0].parent)
        return Dataset(name, *read[:5], stand_in=read.stand_in)
    return _load_idx(source, paths)


def load_cifar10_or_standin(data_dir: str | os.PathLike[str] | None = None) -> Dataset:
    """CIFAR-10 if its files are on this machine, else the stand-in made in memory.

    For programs that run everywhere without a download; the result's ``title`` says which it is.

    Parameters
    ----------
    data_dir : str or path, optional
        The folder that has the files of CIFAR-10, or of Fashion-MNIST.

    Returns
    -------
    Dataset

    Raises
    ------
    wengert.DataError
        As `load`.
    """
    there = find("cifar10", data_dir) is not None
    return load("cifar10" if there else _STAND_IN_NAME, data_dir)


def find(name: str, data_dir: str | os.PathLike[str] | None = None) -> list[Path] | None:
    """Where the files of a data set are, without a download.

    Parameters
    ----------
    name : str
    data_dir : str or path, optional
        As for `load`.

    Returns
    -------
    list of Path, or None
        Empty if the data set needs no files, None if they are nowhere on this machine.

    Raises
    ------
    wengert.DataError
        If the name is unknown, ``data_dir`` or ``WENGERT_DATA`` is not a directory, or some of the
        files are there and others missing.
    """
    _check_name(name)
    needs = next(entry.needs for entry in known() if entry.name == name)
    return find_local(FILE_SOURCES[needs], data_dir) if needs else []


def fetch(
    name: str, data_dir: str | os.PathLike[str] | None = None, *, progress: bool = False
) -> list[Path]:
    """Download a data set's files, unless they are on this machine, and check their SHA-256 sums.

    Parameters
    ----------
    name : str
    data_dir : str or path, optional
        Gets a folder of the data set's name with the files. Unless given, the user's cache does.
    progress : bool
        Show a bar, if the standard error is a terminal.

    Returns
    -------
    list of Path
        The files; empty if the data set needs none.

    Raises
    ------
    wengert.DataError
        If the name is unknown, the download fails or a sum differs.
    wengert.ConfigError
        If pooch is not installed.
    """
    _check_name(name)
    needs = next(entry.needs for entry in known() if entry.name == name)
    if not needs:
        return []
    source = FILE_SOURCES[needs]
    there = data_dir is None or Path(data_dir).is_dir()
    found = find_local(source, data_dir) if there else None
    return found or download(source, data_dir, progress=progress)


def _check_name(name: str) -> None:
    if name not in names():
        raise wg.DataError(f"unknown data set {name!r}; known are {', '.join(names())}")


def _load_idx(source: FileSource, paths: list[Path]) -> Dataset:
    train_x, train_y, test_x, test_y = (read_idx(path) for path in paths)
    for images, path in ((train_x, paths[0]), (test_x, paths[2])):
        check_images(images, path, source.image_shape)
    for labels, path, images, images_path in (
        (train_y, paths[1], train_x, paths[0]),
        (test_y, paths[3], test_x, paths[2]),
    ):
        check_labels(labels, path, len(source.classes))
        if len(labels) != len(images):
            raise wg.DataError(
                f"{path}: {len(labels)} labels, but {images_path.name} has {len(images)} images"
            )
    return Dataset(
        source.name,
        train_x,
        train_y.astype(np.int64),
        test_x,
        test_y.astype(np.int64),
        source.classes,
    )
