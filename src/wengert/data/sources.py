"""Where the files of a data set are looked for, and where they are downloaded from.

The SHA-256 sums are those of the files as their authors publish them. Those of Fashion-MNIST were
computed from files with the MD5 sums in its authors' README; those of MNIST and CIFAR-10 are given
alike by many projects (the MD5 sum on CIFAR-10's page is c58f30108f718f92721af3b95e74349a).
Debian's package ``dataset-fashion-mnist`` holds the same compressed data behind another gzip
header, so sums are checked after a download only, never on files that are found.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import wengert as wg
from wengert.data.cifar import ARCHIVE, BATCHES, FOLDER, META
from wengert.data.optional import require

__all__ = ["FILE_SOURCES", "CifarSource", "FileSource", "download", "find_files", "find_local"]

# In the order train_x, train_y, test_x, test_y.
_FILE_NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
_SYSTEM_DIRECTORY = Path("/usr/share/datasets")


@dataclass(frozen=True)
class FileSource:
    """A data set that comes as four IDX files.

    Attributes
    ----------
    name : str
    summary : str
        What it is, in a few words.
    classes : tuple of str
        The name of each class.
    url : str
        The directory the files are downloaded from.
    sha256 : tuple of str
        Sums of `downloads`.
    hint : str
        How to get the files without this download; part of an error message.
    image_shape : tuple of int
    """

    name: str
    summary: str
    classes: tuple[str, ...]
    url: str
    sha256: tuple[str, ...]
    hint: str
    image_shape: tuple[int, ...] = (28, 28)

    @property
    def downloads(self) -> tuple[str, ...]:
        """Names of the files at `url`: training images and labels, test images and labels."""
        return tuple(f"{name}.gz" for name in _FILE_NAMES)

    @property
    def expected(self) -> str:
        """The files that must be in a folder, in words."""
        return ", ".join(self.downloads)

    def look(self, place: Path) -> tuple[list[Path], str | None]:
        """The files in a folder, and the name of the first that is missing."""
        found = [_first_existing(place, _spellings(name)) for name in _FILE_NAMES]
        missing = f"{_FILE_NAMES[found.index(None)]}.gz" if None in found else None
        return [path for path in found if path is not None], missing


@dataclass(frozen=True)
class CifarSource(FileSource):
    """CIFAR-10: the archive, or the seven files that it unpacks to."""

    @property
    def downloads(self) -> tuple[str, ...]:
        """The archive."""
        return (ARCHIVE,)

    @property
    def expected(self) -> str:
        """The files that must be in a folder, in words."""
        return f"{ARCHIVE}, or the folder {FOLDER} that it unpacks to,"

    def look(self, place: Path) -> tuple[list[Path], str | None]:
        """The seven unpacked files or else the archive, and the name of the first missing file."""
        names = (META, *BATCHES)
        incomplete: tuple[list[Path], str | None] = ([], names[0])
        for folder in (place, place / FOLDER):
            present = [folder / name for name in names if (folder / name).exists()]
            if len(present) == len(names):
                return present, None
            if present and not incomplete[0]:
                there = {path.name for path in present}
                incomplete = present, next(name for name in names if name not in there)
        archive = _first_existing(place, (ARCHIVE, ARCHIVE.removesuffix(".gz")))
        return ([archive], None) if archive is not None else incomplete


_FASHION_CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)

FILE_SOURCES: dict[str, FileSource] = {
    source.name: source
    for source in (
        FileSource(
            name="fashion-mnist",
            summary="70,000 pictures of clothes, 28 x 28",
            classes=_FASHION_CLASSES,
            url="http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            sha256=(
                "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
                "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
                "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
            ),
            hint="on Debian and Ubuntu: apt install dataset-fashion-mnist",
        ),
        FileSource(
            name="mnist",
            summary="70,000 handwritten digits, 28 x 28",
            classes=tuple("0123456789"),
            url="https://ossci-datasets.s3.amazonaws.com/mnist/",
            sha256=(
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
                "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
                "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            ),
            hint="get the four .gz files on another machine",
        ),
        CifarSource(
            name="cifar10",
            summary="60,000 small colour photographs, 32 x 32",
            classes=(
                "airplane",
                "automobile",
                "bird",
                "cat",
                "deer",
                "dog",
                "frog",
                "horse",
                "ship",
                "truck",
            ),
            url="https://www.cs.toronto.edu/~kriz/",
            sha256=("6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",),
            hint=f"get {ARCHIVE} on another machine, or make files of its form with "
            "'wengert data make-cifar-standin DIR'",
            image_shape=(32, 32, 3),
        ),
    )
}


def find_files(source: FileSource, directory: str | os.PathLike[str] | None = None) -> list[Path]:
    """The files of a data set, downloaded if they are nowhere on this machine.

    Looked for in this order: ``directory`` (only there, if it is given), the environment variable
    ``WENGERT_DATA``, the user's cache, ``/usr/share/datasets``; in each the folder of the data
    set's name, for the first two also the folder itself. IDX files may be compressed (``.gz``) or
    not, CIFAR-10 unpacked or not.

    Parameters
    ----------
    source : FileSource
    directory : str or path, optional

    Returns
    -------
    list of Path
        Of IDX files: training images, training labels, test images, test labels. Of CIFAR-10: the
        files of one folder, or the archive.

    Raises
    ------
    wengert.DataError
        If ``directory`` or ``WENGERT_DATA`` is not a directory, if some of the files are there and
        others missing, or if nothing was found and the download failed.
    """
    found, searched = _search(source, directory)
    if found:
        return found
    if directory is not None:
        raise wg.DataError(
            f"{directory}: no {source.name} there; expected {source.expected} in it or in its "
            f"folder {source.name}"
        )
    cache = _cache_directory(source)
    if cache is None:
        _require_pooch(source, searched)
        raise AssertionError("without pooch there is no cache")
    return _download(source, cache, searched)


def find_local(
    source: FileSource, directory: str | os.PathLike[str] | None = None
) -> list[Path] | None:
    """As `find_files`, without a download: None if the files are nowhere on this machine."""
    return _search(source, directory)[0] or None


def download(
    source: FileSource, directory: str | os.PathLike[str] | None = None, *, progress: bool = False
) -> list[Path]:
    """Download a data set and check its SHA-256 sums.

    Parameters
    ----------
    source : FileSource
    directory : str or path, optional
        Gets a folder of the data set's name; the user's cache unless given. A file that is there
        already is kept if its sum is right.
    progress : bool
        Show a bar.

    Returns
    -------
    list of Path

    Raises
    ------
    wengert.DataError
        If the download fails, a sum differs, or ``directory`` has other files of these names.
    wengert.ConfigError
        If pooch is not installed.
    """
    pooch = _require_pooch(source, [])
    if directory is None:
        cache = _cache_directory(source)
        assert cache is not None, "pooch is there"
        return _download(source, cache, [], progress=progress)
    place = Path(directory) / source.name
    for name, sha256 in zip(source.downloads, source.sha256, strict=True):
        # pooch would replace it.
        if (place / name).exists() and pooch.file_hash(str(place / name)) != sha256:
            raise wg.DataError(
                f"{place / name}: is there and is not the published file (its SHA-256 differs); "
                "move it away, or name another directory"
            )
    return _download(source, place, [], progress=progress)


def _search(
    source: FileSource, directory: str | os.PathLike[str] | None
) -> tuple[list[Path], list[str]]:
    """The files, or an empty list, and the places that were looked into."""
    searched = []
    for place, download_completes in _places(source, directory):
        searched.append(str(place))
        present, missing = source.look(place)
        if missing is None:
            return present, searched
        if present and not download_completes:
            raise wg.DataError(
                f"{place}: incomplete {source.name}: {present[0].name} is there, {missing} is "
                "missing"
            )
    return [], searched


def _places(
    source: FileSource, directory: str | os.PathLike[str] | None
) -> Iterator[tuple[Path, bool]]:
    """Folders to look in, and whether a download may complete what is missing there."""
    if directory is not None:
        yield from _named_and_itself(Path(directory), source, "the data directory")
        return
    environment = os.environ.get("WENGERT_DATA")
    if environment:
        yield from _named_and_itself(Path(environment), source, "WENGERT_DATA")
    cache = _cache_directory(source)
    if cache is not None:
        yield cache, True
    yield _SYSTEM_DIRECTORY / source.name, False


def _named_and_itself(
    directory: Path, source: FileSource, what: str
) -> Iterator[tuple[Path, bool]]:
    if not directory.is_dir():
        raise wg.DataError(f"{directory}: no such directory (given as {what})")
    yield directory / source.name, False
    yield directory, False


def _cache_directory(source: FileSource) -> Path | None:
    """The user's cache, or None without pooch, which knows the place on each system."""
    try:
        pooch = require("pooch", "train", "to find the user's cache")
    except wg.ConfigError:
        return None
    return Path(pooch.os_cache("wengert")) / source.name


def _spellings(name: str) -> tuple[str, ...]:
    # Some unpackers write train-images.idx3-ubyte.
    return f"{name}.gz", name, name.replace("-idx", ".idx")


def _first_existing(place: Path, names: tuple[str, ...]) -> Path | None:
    return next((place / name for name in names if (place / name).exists()), None)


def _require_pooch(source: FileSource, searched: list[str]) -> Any:
    where = f" (it is not in {' or '.join(searched)})" if searched else ""
    return require("pooch", "train", f"to download {source.name}{where}")


def _download(
    source: FileSource, directory: Path, searched: list[str], *, progress: bool = False
) -> list[Path]:
    pooch = _require_pooch(source, searched)
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise wg.DataError(
            f"{directory}: cannot be written: {error.strerror or error}; name another directory "
            f"for {source.name}"
        ) from error
    paths = []
    for name, sha256 in zip(source.downloads, source.sha256, strict=True):
        url = f"{source.url}{name}"
        bar = {"progressbar": True} if progress and sys.stderr.isatty() else {}
        try:
            path = pooch.retrieve(url, f"sha256:{sha256}", fname=name, path=directory, **bar)
        except (OSError, ValueError) as error:
            # requests raises OSErrors, whose long texts say little; ValueError: the sum differs.
            reason = str(error) if isinstance(error, ValueError) else type(error).__name__
            where = f"{source.name} is not in {', '.join(searched)}, and " if searched else ""
            raise wg.DataError(
                f"{where}{url} could not be downloaded ({reason}); {source.hint}, or name the "
                "folder that has the files with --data or WENGERT_DATA"
            ) from error
        paths.append(Path(path))
    return paths
