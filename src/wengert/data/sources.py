"""Where the files of a data set are looked for, and where they are downloaded from.

The SHA-256 sums are those of the files as their authors publish them. Those of Fashion-MNIST were
computed from files with the MD5 sums in its authors' README; those of MNIST are given alike by many
projects. Debian's package ``dataset-fashion-mnist`` holds the same compressed data behind another
gzip header, so sums are checked after a download only, never on files that are found.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import wengert as wg
from wengert.data.optional import require

__all__ = ["FILE_SOURCES", "FileSource", "find_files"]

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
    classes : tuple of str
        The name of each class.
    url : str
        The directory the files are downloaded from.
    sha256 : tuple of str
        Sums of the four ``.gz`` files: training images and labels, test images and labels.
    hint : str
        How to get the files without this download; part of an error message.
    image_shape : tuple of int
    """

    name: str
    classes: tuple[str, ...]
    url: str
    sha256: tuple[str, str, str, str]
    hint: str
    image_shape: tuple[int, int] = (28, 28)


FILE_SOURCES = {
    source.name: source
    for source in (
        FileSource(
            name="fashion-mnist",
            classes=(
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
            ),
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
    )
}


def find_files(source: FileSource, directory: str | os.PathLike[str] | None = None) -> list[Path]:
    """The four files of a data set, downloaded if they are nowhere on this machine.

    Looked for in this order: ``directory`` (only there, if it is given), the environment variable
    ``WENGERT_DATA``, the user's cache, ``/usr/share/datasets``; in each the folder of the data
    set's name, for the first two also the folder itself. Files may be compressed (``.gz``) or not.

    Parameters
    ----------
    source : FileSource
    directory : str or path, optional

    Returns
    -------
    list of Path
        Training images, training labels, test images, test labels.

    Raises
    ------
    wengert.DataError
        If ``directory`` or ``WENGERT_DATA`` is not a directory, if some of the four files are there
        and others missing, or if nothing was found and the download failed.
    """
    searched = []
    for place, download_completes in _places(source, directory):
        searched.append(str(place))
        found = [_find_file(place, name) for name in _FILE_NAMES]
        present = [path for path in found if path is not None]
        if len(present) == len(_FILE_NAMES):
            return present
        if present and not download_completes:
            missing = _FILE_NAMES[found.index(None)]
            raise wg.DataError(
                f"{place}: incomplete {source.name}: {present[0].name} is there, {missing}.gz is "
                "missing"
            )
    if directory is not None:
        raise wg.DataError(
            f"{directory}: no {source.name} there; expected "
            f"{', '.join(n + '.gz' for n in _FILE_NAMES)} in it or in its folder {source.name}"
        )
    return _download(source, searched)


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


def _find_file(place: Path, name: str) -> Path | None:
    # Some unpackers write train-images.idx3-ubyte.
    for candidate in (f"{name}.gz", name, name.replace("-idx", ".idx")):
        path = place / candidate
        if path.exists():
            return path
    return None


def _download(source: FileSource, searched: list[str]) -> list[Path]:
    pooch = require(
        "pooch", "train", f"to download {source.name} (it is not in {' or '.join(searched)})"
    )
    cache = _cache_directory(source)
    paths = []
    for name, sha256 in zip(_FILE_NAMES, source.sha256, strict=True):
        url = f"{source.url}{name}.gz"
        try:
            path = pooch.retrieve(url, f"sha256:{sha256}", fname=f"{name}.gz", path=cache)
        except (OSError, ValueError) as error:
            # requests raises OSErrors, whose long texts say little; ValueError: the sum differs.
            reason = str(error) if isinstance(error, ValueError) else type(error).__name__
            raise wg.DataError(
                f"{source.name} is not in {', '.join(searched)}, and {url} could not be "
                f"downloaded ({reason}); {source.hint}, or name the folder that has the files with "
                "--data or WENGERT_DATA"
            ) from error
        paths.append(Path(path))
    return paths
