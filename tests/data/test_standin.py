"""The stand-in for CIFAR-10: the same files, made alike everywhere, whole or absent."""

import os
import pickle
import time
from pathlib import Path

import numpy as np
import pytest

import wengert as wg
from tests.data.cifar_files import put
from wengert import data
from wengert.data import standin
from wengert.data.cifar import ARCHIVE, BATCHES, FOLDER, MARKER, META
from wengert.data.standin import STAND_IN, enlarge, make_cifar_standin

FASHION = Path("/usr/share/datasets/fashion-mnist")
CLASSES = ("T-shirt/top", *(f"class {k}" for k in range(1, 10)))


def small(train=10, test=2, seed=0):
    """A data set like Fashion-MNIST, but small."""
    rng = np.random.default_rng(seed)
    return data.Dataset(
        "fashion-mnist",
        rng.integers(0, 256, (train, 28, 28)).astype(np.uint8),
        rng.integers(0, 10, train),
        rng.integers(0, 256, (test, 28, 28)).astype(np.uint8),
        rng.integers(0, 10, test),
        CLASSES,
    )


def contents(path):
    return {file.name: file.read_bytes() for file in sorted(path.iterdir())}


def test_the_real_thing(tmp_path):
    if not FASHION.is_dir():
        pytest.skip("Fashion-MNIST is not installed")
    fashion = data.load("fashion-mnist", FASHION)
    make_cifar_standin(tmp_path, fashion)
    found = data.load("cifar10", tmp_path)
    assert found.train_x.shape == (50_000, 32, 32, 3)
    assert found.test_x.shape == (10_000, 32, 32, 3)
    assert found.stand_in == STAND_IN
    assert found.title == f"cifar10 (stand-in: {STAND_IN})"
    assert repr(found).startswith(f"Dataset('cifar10 (stand-in: {STAND_IN})': 50000 training")
    np.testing.assert_array_equal(found.train_y, fashion.train_y[:50_000])
    np.testing.assert_array_equal(found.test_y, fashion.test_y)
    assert found.classes == fashion.classes
    # Grey in colour: all planes alike; and the same pictures as those made in memory.
    assert (found.train_x == found.train_x[..., :1]).all()
    in_memory = data.load("cifar10-standin", FASHION)
    assert in_memory.fingerprint() == found.fingerprint()
    assert in_memory.title == found.title
    # Within the rounding: the mean brightness is that of the originals.
    assert abs(found.test_x.mean() - fashion.test_x.mean()) < 1


def test_the_files_are_cifars(tmp_path):
    fashion = small()
    folder = make_cifar_standin(tmp_path, fashion)
    assert folder == tmp_path / FOLDER
    assert sorted(contents(folder)) == sorted([*BATCHES, META, MARKER])
    for name, content in contents(folder).items():
        if name == MARKER:
            assert content.decode().splitlines()[0] == STAND_IN
            continue
        assert content[:2] == b"\x80\x02"  # protocol 2
        # As the course's own programs read it.
        found = pickle.loads(content, encoding="latin1")
        if name == META:
            assert sorted(found) == ["label_names", "num_cases_per_batch", "num_vis"]
            assert found["num_cases_per_batch"] == 2
            continue
        assert sorted(found) == ["batch_label", "data", "filenames", "labels"]
        assert found["data"].dtype == np.uint8
        assert found["data"].shape == (2, 3072)
        assert [type(label) for label in found["labels"]] == [int, int]
        assert len(set(found["filenames"])) == 2
    assert pickle.loads(contents(folder)["data_batch_2"], encoding="bytes")[b"batch_label"] == (
        b"training batch 2 of 5"
    )


@pytest.fixture(autouse=True)
def _numpy_1_names():
    """NumPy 2 warns of its old module, whose name the files must have."""
    import warnings

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*numpy.core.*")
        yield


@pytest.mark.parametrize("tar", [False, True])
def test_the_same_bytes_each_time(tmp_path, tar):
    first = make_cifar_standin(tmp_path / "a", small(), tar=tar)
    time.sleep(0.01)
    second = make_cifar_standin(tmp_path / "b", small(), tar=tar)
    if tar:
        assert first.name == ARCHIVE
        assert first.read_bytes() == second.read_bytes()
    else:
        assert contents(first) == contents(second)


def test_the_archive_has_what_the_folder_has(tmp_path):
    make_cifar_standin(tmp_path / "a", small())
    make_cifar_standin(tmp_path / "b", small(), tar=True)
    folder, archive = (data.load("cifar10", tmp_path / name) for name in "ab")
    assert folder.fingerprint() == archive.fingerprint()
    assert archive.stand_in == STAND_IN
    assert data.standin_title(data.find("cifar10", tmp_path / "a")) == STAND_IN
    assert data.standin_title(data.find("cifar10", tmp_path / "b")) == STAND_IN


def test_real_files_are_no_stand_in(tmp_path):
    put(tmp_path)
    assert data.standin_title(data.find("cifar10", tmp_path)) == ""


def test_enlarging_is_bilinear():
    pillow = pytest.importorskip("PIL.Image")
    images = small(20).train_x
    found = enlarge(images)
    for image, large in zip(images, found, strict=True):
        expected = pillow.fromarray(image).resize((32, 32), pillow.Resampling.BILINEAR)
        # Pillow rounds between the two directions.
        difference = np.abs(large.astype(int) - np.asarray(expected).astype(int))
        assert difference.max() <= 1


def test_enlarging_keeps_what_it_must():
    for value in (0, 1, 127, 255):
        assert (enlarge(np.full((1, 28, 28), value, np.uint8)) == value).all()
    ramp = np.broadcast_to(np.arange(28, dtype=np.uint8) * 8, (300, 28, 28))
    found = enlarge(np.ascontiguousarray(ramp))
    assert (np.diff(found.astype(int), axis=2) >= 0).all()
    np.testing.assert_array_equal(enlarge(ramp.transpose(0, 2, 1)), found.transpose(0, 2, 1))
    with pytest.raises(wg.ShapeError, match=r"enlarge: expected .* got \(1, 27, 28\) and uint8"):
        enlarge(np.zeros((1, 27, 28), np.uint8))
    with pytest.raises(wg.ShapeError, match="and float64"):
        enlarge(np.zeros((1, 28, 28)))


@pytest.mark.parametrize("tar", [False, True])
@pytest.mark.parametrize("stop", [KeyboardInterrupt, OSError("disk full")])
def test_an_interrupted_one_is_not_there(tmp_path, tar, stop):
    def report(name):
        if name == "data_batch_3":
            raise stop

    expected = wg.DataError if isinstance(stop, OSError) else KeyboardInterrupt
    with pytest.raises(expected):
        make_cifar_standin(tmp_path, small(), tar=tar, report=report)
    assert list(tmp_path.iterdir()) == []
    assert data.find("cifar10", tmp_path) is None


def test_cifar_or_the_stand_in(tmp_path, monkeypatch):
    folder = tmp_path / "fashion"
    folder.mkdir()
    fashion = small()
    for part, x, y in (
        ("train", fashion.train_x, fashion.train_y),
        ("t10k", fashion.test_x, fashion.test_y),
    ):
        data.write_idx(folder / f"{part}-images-idx3-ubyte.gz", x)
        data.write_idx(folder / f"{part}-labels-idx1-ubyte.gz", y.astype(np.uint8))
    assert data.load_cifar10_or_standin(folder).stand_in == STAND_IN
    put(folder)
    assert data.load_cifar10_or_standin(folder).title == "cifar10"
    (folder / FOLDER / META).unlink()
    # A broken one is not passed over.
    with pytest.raises(wg.DataError, match="batches.meta is missing"):
        data.load_cifar10_or_standin(folder)


@pytest.mark.parametrize("tar", [False, True])
def test_overwriting(tmp_path, tar):
    target = make_cifar_standin(tmp_path, small(seed=0), tar=tar)
    before = data.load("cifar10", tmp_path).fingerprint()
    with pytest.raises(wg.ConfigError, match="is there already; --overwrite makes it again"):
        make_cifar_standin(tmp_path, small(seed=1), tar=tar)
    assert data.load("cifar10", tmp_path).fingerprint() == before
    make_cifar_standin(tmp_path, small(seed=1), tar=tar, overwrite=True)
    assert data.load("cifar10", tmp_path).fingerprint() != before
    assert list(tmp_path.iterdir()) == [target]


def test_real_files_are_never_replaced(tmp_path):
    folder = put(tmp_path)
    (tmp_path / ARCHIVE).write_bytes(b"something")
    before = contents(folder)
    for tar in (False, True):
        with pytest.raises(wg.ConfigError, match="was not made by this command; name another"):
            make_cifar_standin(tmp_path, small(), tar=tar, overwrite=True)
    assert contents(folder) == before
    assert (tmp_path / ARCHIVE).read_bytes() == b"something"


def test_leftovers_of_killed_processes(tmp_path):
    old, new = (tmp_path / f".{FOLDER}.{pid}.wengert-tmp" for pid in (1, 2))
    for leftover in (old, new):
        leftover.mkdir()
        (leftover / META).write_bytes(b"")
    os.utime(old, (0, 0))
    make_cifar_standin(tmp_path, small())
    assert not old.exists()
    assert new.exists()  # another process may be writing it
    assert data.load("cifar10", tmp_path).stand_in


def test_counts_that_do_not_fit(tmp_path):
    with pytest.raises(wg.DataError, match="five times as many training as test images, got 9 an"):
        make_cifar_standin(tmp_path, small(train=9))
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(wg.DataError, match=f"file/d/{FOLDER}: cannot be written"):
        make_cifar_standin(tmp_path / "file" / "d", small())


def test_marker_text_names_the_command():
    assert "wengert data make-cifar-standin" in standin._MARKER_TEXT
