"""Data sets: their shapes, and the checks that images and labels belong together."""

import sys
from pathlib import Path

import numpy as np
import pytest

import wengert as wg
from wengert import data
from wengert.data import sources

FASHION = Path("/usr/share/datasets/fashion-mnist")
# A change of NumPy's permutation would change every published accuracy: it must be noticed.
FIRST_TEST_LABELS = [5, 7, 6, 5, 7, 0, 5, 3, 4, 5, 9, 3]


def put(directory, **changes):
    """Four small files in the form of MNIST."""
    rng = np.random.default_rng(0)
    arrays = {
        "train-images-idx3-ubyte.gz": rng.integers(0, 256, (12, 28, 28)).astype(np.uint8),
        "train-labels-idx1-ubyte.gz": np.arange(12, dtype=np.uint8) % 10,
        "t10k-images-idx3-ubyte.gz": rng.integers(0, 256, (5, 28, 28)).astype(np.uint8),
        "t10k-labels-idx1-ubyte.gz": np.arange(5, dtype=np.uint8),
    }
    directory.mkdir(exist_ok=True)
    for name, array in arrays.items():
        key = name.partition("-idx")[0].replace("-", "_")
        data.write_idx(directory / name, changes.get(key, array))
    return directory


def test_digits():
    digits = data.load("digits")
    assert digits.train_x.shape == (1437, 8, 8)
    assert digits.test_x.shape == (360, 8, 8)
    assert digits.train_x.dtype == digits.test_x.dtype == np.uint8
    assert digits.train_y.dtype == digits.test_y.dtype == np.int64
    assert digits.classes == tuple("0123456789")
    assert digits.train_x.max() == digits.pixel_max == 16
    assert np.bincount(digits.test_y, minlength=10).min() >= 25
    assert repr(digits) == (
        "Dataset('digits': 1437 training and 360 test images of 8 x 8 pixels, 10 classes)"
    )


def test_the_split_of_the_digits_is_fixed():
    digits = data.load("digits")
    assert digits.fingerprint() == data.load("digits").fingerprint()
    assert digits.test_y[:12].tolist() == FIRST_TEST_LABELS


def test_digits_are_all_of_them():
    from sklearn.datasets import load_digits

    digits = data.load("digits")
    every = np.concatenate([digits.train_x, digits.test_x]).reshape(1797, 64)
    assert sorted(map(bytes, every)) == sorted(map(bytes, load_digits().data.astype(np.uint8)))


def test_files(tmp_path):
    found = data.load("mnist", put(tmp_path / "d"))
    assert found.train_x.shape == (12, 28, 28)
    assert found.test_x.shape == (5, 28, 28)
    assert found.train_y.dtype == np.int64
    assert found.test_y.tolist() == [0, 1, 2, 3, 4]
    assert found.image_shape == (28, 28)


@pytest.mark.skipif(not FASHION.is_dir(), reason="Fashion-MNIST is not installed")
def test_fashion_mnist():
    fashion = data.load("fashion-mnist", FASHION)
    assert fashion.train_x.shape == (60000, 28, 28)
    assert fashion.test_x.shape == (10000, 28, 28)
    assert np.bincount(fashion.train_y).tolist() == [6000] * 10
    assert np.bincount(fashion.test_y).tolist() == [1000] * 10
    assert fashion.classes[9] == "Ankle boot"
    assert fashion.train_y[:5].tolist() == [9, 0, 0, 3, 0]


@pytest.mark.skipif(not FASHION.is_dir(), reason="Fashion-MNIST is not installed")
def test_sums_of_fashion_mnist_are_those_of_its_authors():
    """The installed file is the published one but for its gzip header: put that back."""
    import hashlib

    installed = (FASHION / "t10k-labels-idx1-ubyte.gz").read_bytes()
    header = b"\x1f\x8b\x08\x08" + (1504176627).to_bytes(4, "little") + b"\x00\x03"
    published = header + b"t10k-labels-idx1-ubyte\0" + installed[10:]
    assert hashlib.md5(published).hexdigest() == "bb300cfdad3c16e7a12a480ee83cd310"
    expected = sources.FILE_SOURCES["fashion-mnist"].sha256[3]
    assert hashlib.sha256(published).hexdigest() == expected


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"train_labels": np.arange(11, dtype=np.uint8) % 10},
            "train-labels.*: 11 labels, but train-images-idx3-ubyte.gz has 12 images",
        ),
        (
            {"t10k_labels": np.array([0, 1, 10, 11, 4], np.uint8)},
            r"t10k-labels.*label 10 at position 2 is out of range: .* 0 to 9 \(2 such labels\)",
        ),
        ({"train_labels": -np.ones(12, np.int8)}, "label -1 at position 0 is out of range"),
        ({"train_labels": np.zeros(12, np.float32)}, "one integer label per image.*float32"),
        ({"train_labels": np.zeros((12, 1), np.uint8)}, r"label per image, found shape \(12, 1\)"),
        (
            {"train_images": np.zeros((12, 28, 27), np.uint8)},
            r"train-images.*expected images of shape \(n, 28, 28\).*found shape \(12, 28, 27\)",
        ),
        ({"t10k_images": np.zeros((5, 28, 28), np.int16)}, "dtype uint8.*found.*int16"),
        ({"t10k_images": np.zeros((0, 28, 28), np.uint8)}, "t10k-images.*holds no images"),
    ],
)
def test_files_that_do_not_belong_together(tmp_path, changes, message):
    with pytest.raises(wg.DataError, match=message):
        data.load("mnist", put(tmp_path / "d", **changes))


def test_a_broken_file_is_not_passed_over(tmp_path, monkeypatch):
    put(tmp_path / "mnist")
    monkeypatch.setattr(sources, "_SYSTEM_DIRECTORY", tmp_path)
    broken = put(tmp_path / "environment")
    path = broken / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-20])
    monkeypatch.setenv("WENGERT_DATA", str(broken))
    with pytest.raises(wg.DataError, match="environment/train-images.*cut short or damaged"):
        data.load("mnist")


def test_unknown_name():
    with pytest.raises(
        wg.DataError,
        match="unknown data set .minst.; known are digits, fashion-mnist, mnist, cifar10, cifar10-",
    ):
        data.load("minst")


def test_without_scikit_learn(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(wg.ConfigError, match=r"sklearn is needed.*pip install 'wengert\[data\]'"):
        data.load("digits")


def test_the_fingerprint_sees_every_part(tmp_path):
    base = data.load("mnist", put(tmp_path / "d"))
    prints = {base.fingerprint()}
    for part in ("train_images", "t10k_images"):
        count = 12 if part == "train_images" else 5
        changed = data.load(
            "mnist", put(tmp_path / part, **{part: np.zeros((count, 28, 28), np.uint8)})
        )
        prints.add(changed.fingerprint())
    prints.add(
        data.load("mnist", put(tmp_path / "l", t10k_labels=np.zeros(5, np.uint8))).fingerprint()
    )
    assert len(prints) == 4


def test_flatten_images():
    images = np.array([[[0, 255], [51, 102]]], np.uint8)
    rows = data.flatten_images(images)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(rows, [[0, 1, 0.2, 0.4]], rtol=1e-6)
    np.testing.assert_array_equal(images, [[[0, 255], [51, 102]]])
    assert data.flatten_images(np.zeros((0, 3, 3), np.uint8)).shape == (0, 9)
    digits = data.load("digits")
    assert digits.features(digits.test_x).max() == 1.0
    with pytest.raises(wg.ShapeError, match="flatten_images: expected an array of images"):
        data.flatten_images(np.uint8(3))
