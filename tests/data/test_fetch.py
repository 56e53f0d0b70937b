"""Finding and downloading: the real pooch, from a server on this machine."""

import functools
import hashlib
import http.server
import threading
from dataclasses import replace

import numpy as np
import pooch
import pytest

import wengert as wg
from tests.data.cifar_files import put
from tests.data.test_cifar import archive
from wengert import data
from wengert.data import datasets, sources
from wengert.data.cifar import ARCHIVE
from wengert.data.sources import FILE_SOURCES


class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture(autouse=True)
def _empty_places(tmp_path, monkeypatch):
    monkeypatch.delenv("WENGERT_DATA", raising=False)
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / "cache" / project)
    monkeypatch.setattr(sources, "_SYSTEM_DIRECTORY", tmp_path / "system")
    pooch.get_logger().setLevel("ERROR")


@pytest.fixture
def served(tmp_path, monkeypatch):
    """The archive of a small CIFAR-10, served by this machine; returns the served directory."""
    directory = tmp_path / "served"
    directory.mkdir()
    path = archive(directory / ARCHIVE, put(tmp_path / "made"))
    handler = functools.partial(Handler, directory=str(directory))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    source = replace(
        FILE_SOURCES["cifar10"],
        url=f"http://127.0.0.1:{server.server_port}/",
        sha256=(hashlib.sha256(path.read_bytes()).hexdigest(),),
    )
    monkeypatch.setitem(sources.FILE_SOURCES, "cifar10", source)
    assert datasets.FILE_SOURCES is sources.FILE_SOURCES
    yield directory
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_download_to_the_cache(tmp_path, served):
    expected = tmp_path / "cache" / "wengert" / "cifar10" / ARCHIVE
    assert data.find("cifar10") is None
    assert data.fetch("cifar10") == [expected]
    assert data.find("cifar10") == [expected]
    (served / ARCHIVE).unlink()  # it is not asked again
    assert data.fetch("cifar10") == [expected]
    assert len(data.load("cifar10").train_y) == 20


def test_loading_downloads(served):
    assert len(data.load("cifar10").test_y) == 4


def test_a_download_to_a_directory(tmp_path, served):
    expected = tmp_path / "new" / "cifar10" / ARCHIVE
    assert data.fetch("cifar10", tmp_path / "new") == [expected]
    assert len(data.load("cifar10", tmp_path / "new").train_y) == 20


def test_what_is_in_the_directory_is_not_downloaded(tmp_path, served):
    folder = put(tmp_path / "mine")
    assert data.fetch("cifar10", tmp_path / "mine")[0].parent == folder


def test_a_file_of_the_user_is_not_replaced(tmp_path, served):
    fashion = FILE_SOURCES["fashion-mnist"].downloads[0]
    mine = tmp_path / "mine" / "fashion-mnist"
    mine.mkdir(parents=True)
    (mine / fashion).write_bytes(b"mine")
    with pytest.raises(wg.DataError, match="incomplete fashion-mnist"):
        data.fetch("fashion-mnist", tmp_path / "mine")
    with pytest.raises(wg.DataError, match="is there and is not the published file"):
        sources.download(FILE_SOURCES["fashion-mnist"], tmp_path / "mine")
    assert (mine / fashion).read_bytes() == b"mine"


@pytest.mark.parametrize("content", [b"", b"not it"])
def test_a_wrong_sum(tmp_path, served, content):
    whole = (served / ARCHIVE).read_bytes()
    (served / ARCHIVE).write_bytes(content or whole[:-100])
    with pytest.raises(wg.DataError, match=r"could not be downloaded \(SHA256 hash of downloaded"):
        data.fetch("cifar10")
    assert data.find("cifar10") is None
    assert not list((tmp_path / "cache").rglob("*.gz"))


def test_a_file_that_the_server_does_not_have(served):
    (served / ARCHIVE).unlink()
    with pytest.raises(wg.DataError, match=r"could not be downloaded .HTTPError.; get cifar-10-py"):
        data.fetch("cifar10")


def test_a_directory_that_cannot_be_made(tmp_path, served):
    (tmp_path / "file").write_text("")
    with pytest.raises(wg.DataError, match="file/x/cifar10: cannot be written: Not a directory"):
        data.fetch("cifar10", tmp_path / "file" / "x")


def test_no_server(monkeypatch):
    source = replace(FILE_SOURCES["cifar10"], url="http://127.0.0.1:9/")
    monkeypatch.setitem(sources.FILE_SOURCES, "cifar10", source)
    with pytest.raises(wg.DataError, match="make files of its form with 'wengert data make-cifar"):
        data.load("cifar10")


def test_names_that_need_no_file():
    for name in ("digits", "moons"):
        assert data.find(name) == []
        assert data.fetch(name) == []


@pytest.mark.parametrize("function", [data.find, data.fetch, data.load])
def test_unknown_names(function):
    with pytest.raises(wg.DataError, match="unknown data set 'cifar'; known are digits, fashion"):
        function("cifar")


def test_search_order_of_cifar(tmp_path, monkeypatch):
    system = put(tmp_path / "system" / "cifar10")
    assert data.find("cifar10")[0].parent == system
    cached = tmp_path / "cache" / "wengert" / "cifar10"
    cached.mkdir(parents=True)
    archive(cached / ARCHIVE, system)
    assert data.find("cifar10") == [cached / ARCHIVE]
    environment = put(tmp_path / "environment")
    monkeypatch.setenv("WENGERT_DATA", str(tmp_path / "environment"))
    assert data.find("cifar10")[0].parent == environment
    explicit = put(tmp_path / "explicit")
    # The folder itself is as good as the one that has it.
    for directory in (explicit, tmp_path / "explicit"):
        assert data.find("cifar10", directory)[0].parent == explicit
    named = put(tmp_path / "explicit" / "cifar10")
    assert data.find("cifar10", tmp_path / "explicit")[0].parent == named


def test_the_stand_in_needs_fashion_mnist(tmp_path):
    assert data.find("cifar10-standin") is None
    with pytest.raises(wg.DataError, match="no fashion-mnist there"):
        data.load("cifar10-standin", tmp_path)


def test_known_names_are_described():
    entries = data.known()
    assert tuple(entry.name for entry in entries) == data.names()
    for entry in entries:
        assert entry.summary
        assert bool(entry.needs) == bool(entry.hint)


def test_sums_of_cifar_are_the_published_ones():
    assert FILE_SOURCES["cifar10"].sha256 == (
        "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
    )
    assert FILE_SOURCES["cifar10"].url + ARCHIVE == (
        "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
    )
    assert np.unique(FILE_SOURCES["cifar10"].classes).size == 10
