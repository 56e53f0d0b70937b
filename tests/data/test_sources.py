"""Where files are looked for, and what the download does."""

import sys
from pathlib import Path

import numpy as np
import pooch
import pytest

import wengert as wg
from wengert.data import sources, write_idx
from wengert.data.sources import FILE_SOURCES, find_files

NAMES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)
MNIST = FILE_SOURCES["mnist"]


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    """Every place is empty, and nothing can be downloaded."""
    monkeypatch.delenv("WENGERT_DATA", raising=False)
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / "cache" / project)
    monkeypatch.setattr(sources, "_SYSTEM_DIRECTORY", tmp_path / "system")

    def offline(url, known_hash, fname, path):
        raise ConnectionError("no network " * 30)

    monkeypatch.setattr(pooch, "retrieve", offline)


def put_files(directory: Path, names=NAMES):
    directory.mkdir(parents=True, exist_ok=True)
    for name in names:
        write_idx(directory / name, np.zeros(1, np.uint8))
    return directory


def test_search_order(tmp_path, monkeypatch):
    put_files(tmp_path / "system" / "mnist")
    assert find_files(MNIST)[0].parent == tmp_path / "system" / "mnist"
    put_files(tmp_path / "cache" / "wengert" / "mnist")
    assert find_files(MNIST)[0].parent == tmp_path / "cache" / "wengert" / "mnist"
    environment = put_files(tmp_path / "environment")
    monkeypatch.setenv("WENGERT_DATA", str(environment))
    assert find_files(MNIST)[0].parent == environment
    put_files(environment / "mnist")
    assert find_files(MNIST)[0].parent == environment / "mnist"
    explicit = put_files(tmp_path / "explicit")
    assert find_files(MNIST, explicit)[0].parent == explicit
    put_files(explicit / "mnist")
    assert find_files(MNIST, explicit)[0].parent == explicit / "mnist"


def test_order_of_the_files(tmp_path):
    put_files(tmp_path / "d")
    assert tuple(path.name for path in find_files(MNIST, tmp_path / "d")) == NAMES


@pytest.mark.parametrize("name", ["train-images-idx3-ubyte", "train-images.idx3-ubyte"])
def test_unpacked_files(tmp_path, name):
    put_files(tmp_path / "d", (name, *NAMES[1:]))
    assert find_files(MNIST, tmp_path / "d")[0].name == name


def test_an_explicit_directory_without_the_files_is_an_error(tmp_path):
    put_files(tmp_path / "system" / "mnist")
    (tmp_path / "d").mkdir()
    with pytest.raises(wg.DataError, match="d: no mnist there; expected train-images.*its folder"):
        find_files(MNIST, tmp_path / "d")


def test_a_directory_that_is_not_there(tmp_path, monkeypatch):
    put_files(tmp_path / "system" / "mnist")
    with pytest.raises(wg.DataError, match="no such directory .given as the data directory"):
        find_files(MNIST, tmp_path / "nowhere")
    monkeypatch.setenv("WENGERT_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(wg.DataError, match="no such directory .given as WENGERT_DATA"):
        find_files(MNIST)


def test_an_environment_directory_with_other_data_is_passed_over(tmp_path, monkeypatch):
    put_files(tmp_path / "system" / "mnist")
    put_files(tmp_path / "environment" / "fashion-mnist")
    monkeypatch.setenv("WENGERT_DATA", str(tmp_path / "environment"))
    assert find_files(MNIST)[0].parent == tmp_path / "system" / "mnist"


def test_incomplete_files_are_an_error(tmp_path):
    put_files(tmp_path / "d", NAMES[:3])
    with pytest.raises(wg.DataError, match="incomplete mnist: .* t10k-labels-idx1-ubyte.gz is mis"):
        find_files(MNIST, tmp_path / "d")


def test_download_completes_the_cache(tmp_path, monkeypatch):
    cache = put_files(tmp_path / "cache" / "wengert" / "mnist", NAMES[:2])
    asked = []

    def retrieve(url, known_hash, fname, path):
        asked.append((url, known_hash, path))
        return str(put_files(Path(path), [fname]) / fname)

    monkeypatch.setattr(pooch, "retrieve", retrieve)
    assert find_files(MNIST) == [cache / name for name in NAMES]
    assert asked[0] == (
        "https://ossci-datasets.s3.amazonaws.com/mnist/train-images-idx3-ubyte.gz",
        "sha256:440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        cache,
    )
    assert len(asked) == 4


def test_no_network(tmp_path):
    with pytest.raises(wg.DataError, match="could not be downloaded .ConnectionError.;") as caught:
        find_files(FILE_SOURCES["fashion-mnist"])
    message = str(caught.value)
    assert str(tmp_path / "system" / "fashion-mnist") in message
    assert "apt install dataset-fashion-mnist" in message
    assert "WENGERT_DATA" in message


def test_a_download_with_the_wrong_sum(monkeypatch):
    def retrieve(url, known_hash, fname, path):
        raise ValueError("SHA256 hash of downloaded file does not match")

    monkeypatch.setattr(pooch, "retrieve", retrieve)
    with pytest.raises(wg.DataError, match="SHA256 hash of downloaded file does not match"):
        find_files(MNIST)


def test_without_pooch_files_are_still_found(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(
        wg.ConfigError, match=r"pooch is needed to download mnist .*wengert\[train\]"
    ):
        find_files(MNIST)
    put_files(tmp_path / "system" / "mnist")
    assert len(find_files(MNIST)) == 4


def test_sums_are_well_formed():
    for source in FILE_SOURCES.values():
        assert all(len(bytes.fromhex(sha256)) == 32 for sha256 in source.sha256)
        assert len(set(source.sha256)) == len(source.downloads)
        assert source.url.endswith("/")
