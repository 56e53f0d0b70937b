"""CIFAR-10's files: the layout of the images, and every way to be broken named."""

import gzip
import io
import pickle
import tarfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import wengert as wg
from tests.data.cifar_files import CLASSES, batch, errors_that_name, meta, pickled, put
from wengert import data
from wengert.data.cifar import ARCHIVE, BATCHES, FOLDER, META

same_directory = settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)


def archive(path, folder, *, names=None, mode="w:gz"):
    with tarfile.open(path, mode) as tar:
        for name in names or sorted(file.name for file in folder.iterdir()):
            tar.add(folder / name, f"{FOLDER}/{name}")
    return path


def test_a_folder(tmp_path):
    put(tmp_path)
    found = data.load("cifar10", tmp_path)
    assert found.name == found.title == "cifar10"
    assert found.stand_in == ""
    assert found.classes == tuple(CLASSES)
    assert found.train_x.shape == (20, 32, 32, 3)
    assert found.test_x.shape == (4, 32, 32, 3)
    assert found.train_x.dtype == np.uint8
    assert found.train_y.dtype == np.int64
    assert found.image_shape == (32, 32, 3)
    assert repr(found) == (
        "Dataset('cifar10': 20 training and 4 test images of 32 x 32 x 3 pixels, 10 classes)"
    )


def test_order_of_batches_and_layout(tmp_path):
    found = data.read_cifar(put(tmp_path))
    for k in range(5):
        content = batch(k)
        labels, rows = content[b"labels"], content[b"data"]
        np.testing.assert_array_equal(found.train_y[4 * k : 4 * k + 4], labels)
        for i in range(4):
            image = found.train_x[4 * k + i]
            # The format's own words: 1024 red, then 1024 green, then 1024 blue; row by row.
            for row, column, channel in ((0, 0, 0), (0, 31, 0), (7, 5, 1), (31, 30, 2)):
                at = 1024 * channel + 32 * row + column
                assert image[row, column, channel] == rows[i, at]
    np.testing.assert_array_equal(found.test_y, batch(5)[b"labels"])


def test_flattened_variants(tmp_path):
    folder = put(tmp_path)
    rows, labels = data.read_cifar_batch(folder / "data_batch_1")
    images = data.images_from_rows(rows)
    assert rows.shape == (4, 3072)
    assert labels.tolist() == batch(0)[b"labels"]
    planes = data.flatten_images(images, channels_first=True)
    np.testing.assert_allclose(planes, rows / 255, rtol=1e-6)
    pixels = data.flatten_images(images)
    np.testing.assert_allclose(pixels.reshape(images.shape), images / 255, rtol=1e-6)
    assert not np.array_equal(planes, pixels)
    with pytest.raises(wg.ShapeError, match=r"images_from_rows: expected rows .* got \(4, 32\)"):
        data.images_from_rows(np.zeros((4, 32)))
    with pytest.raises(wg.ShapeError, match="channels_first needs images of shape"):
        data.flatten_images(np.zeros((4, 32, 32)), channels_first=True)


@pytest.mark.parametrize(("name", "mode"), [(ARCHIVE, "w:gz"), ("cifar-10-python.tar", "w")])
def test_an_archive_is_read_as_it_is(tmp_path, name, mode):
    folder = put(tmp_path / "a")
    (tmp_path / "b").mkdir()
    archive(tmp_path / "b" / name, folder, mode=mode)
    (tmp_path / "b" / "other").write_text("")
    before = sorted((tmp_path / "b").iterdir())
    found = data.load("cifar10", tmp_path / "b")
    assert found.fingerprint() == data.load("cifar10", tmp_path / "a").fingerprint()
    assert sorted((tmp_path / "b").iterdir()) == before


def test_the_order_in_the_archive_does_not_matter(tmp_path):
    folder = put(tmp_path)
    names = [*reversed(BATCHES), META]
    found = data.read_cifar(archive(tmp_path / "x.tar.gz", folder, names=names))
    np.testing.assert_array_equal(found.train_x, data.read_cifar(folder).train_x)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_files_written_again_by_python_3(tmp_path, protocol):
    content = {key.decode(): value for key, value in batch(0).items()}
    content["labels"] = np.array(content["labels"])
    folder = put(tmp_path / "a", data_batch_1=pickle.dumps(content, protocol))
    expected = data.read_cifar(put(tmp_path / "b"))
    np.testing.assert_array_equal(data.read_cifar(folder).train_x, expected.train_x)
    np.testing.assert_array_equal(data.read_cifar(folder).train_y, expected.train_y)


WIDE = np.zeros((4, 3071), np.uint8)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": [0, 1, 2]}, "data_batch_3: 3 labels, but 4 images"),
        ({"labels": [0, 1, 10, 3]}, "data_batch_3: label 10 at position 2 is out of range"),
        ({"labels": [0, -1, 1, 3]}, "data_batch_3: label -1 at position 1 is out of range"),
        ({"labels": [0, b"1", 1, 3]}, "data_batch_3: label at position 1 is bytes, not a whole"),
        ({"labels": [0, True, 1, 3]}, "data_batch_3: label at position 1 is bool, not a whole"),
        ({"labels": b"0123"}, "expected 'labels' to be a list of whole numbers, found bytes"),
        ({"labels": None}, "data_batch_3: has no 'labels'; it has 'batch_label', 'data'"),
        ({"data": None}, "data_batch_3: has no 'data'"),
        ({"data": b"abc"}, r"expected 'data' of shape \(n, 3072\) and dtype uint8, found bytes"),
        ({"data": WIDE}, r"found an array of shape \(4, 3071\) and dtype uint8"),
        ({"data": WIDE[:0], "labels": []}, r"found an array of shape \(0, 3071\)"),
        ({"data": np.zeros((0, 3072), np.uint8), "labels": []}, "data_batch_3: holds no images"),
    ],
)
def test_batches_that_are_inconsistent(tmp_path, change, message):
    folder = put(tmp_path, data_batch_3=pickled(batch(2, **change)))
    with pytest.raises(wg.DataError, match=message) as caught:
        data.read_cifar(folder)
    assert str(folder / "data_batch_3") in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_cases_per_batch": 5}, "data_batch_1: 4 images, but batches.meta says 5 per batch"),
        ({"num_cases_per_batch": b"4"}, "'num_cases_per_batch' is bytes, not a number"),
        ({"label_names": [b"cat"]}, "batches.meta: 1 names of classes, but CIFAR-10 has 10"),
        ({"label_names": [1] * 10}, "batches.meta: expected 'label_names' to be a list of texts"),
        ({"label_names": b"cat"}, "batches.meta: expected 'label_names' to be a list of texts"),
    ],
)
def test_a_meta_file_that_disagrees(tmp_path, change, message):
    folder = put(tmp_path, batches_meta=pickled(meta(**change)))
    with pytest.raises(wg.DataError, match=message):
        data.read_cifar(folder)


def test_a_batch_of_another_size(tmp_path):
    folder = put(tmp_path, data_batch_2=pickled(batch(1, count=3)))
    with pytest.raises(wg.DataError, match="data_batch_2: 3 images, but batches.meta says 4"):
        data.read_cifar(folder)


def test_other_pickles(tmp_path):
    folder = put(tmp_path, test_batch=pickled([1, 2]))
    with pytest.raises(wg.DataError, match="test_batch: not a CIFAR-10 batch: it holds list"):
        data.read_cifar(folder)
    folder = put(tmp_path, test_batch=pickled(batch()) + b"x")
    with pytest.raises(wg.DataError, match="test_batch: damaged: more data follows"):
        data.read_cifar(folder)
    folder = put(tmp_path, test_batch=b"<html>not found</html>")
    with pytest.raises(wg.DataError, match="test_batch: damaged, or not a CIFAR-10 batch"):
        data.read_cifar(folder)
    folder = put(tmp_path, test_batch=b"")
    with pytest.raises(wg.DataError, match="test_batch: cut short"):
        data.read_cifar(folder)
    huge = pickle.dumps({"data": batch()[b"data"], "labels": [2**80, 0, 0, 0]}, 2)
    folder = put(tmp_path, test_batch=huge)
    with pytest.raises(wg.DataError, match="test_batch: a label has more than 64 bits"):
        data.read_cifar(folder)


def test_a_batch_that_asks_for_more_than_arrays(tmp_path):
    evil = b"cos\nsystem\n(U\x04true\x85R."
    folder = put(tmp_path, data_batch_4=evil)
    with pytest.raises(wg.DataError, match=r"data_batch_4: refused: .* global os\.system"):
        data.load("cifar10", tmp_path)
    path = archive(tmp_path / "x.tar.gz", folder)
    with pytest.raises(wg.DataError, match=r"x.tar.gz:.*data_batch_4: refused: .* os\.system"):
        data.read_cifar(path)


@pytest.mark.parametrize("name", [META, *BATCHES])
def test_a_missing_file(tmp_path, name):
    folder = put(tmp_path)
    (folder / name).unlink()
    with pytest.raises(wg.DataError, match=f"{name} is missing"):
        data.read_cifar(folder)
    with pytest.raises(wg.DataError, match=f"incomplete cifar10: .* {name} is missing"):
        data.load("cifar10", tmp_path)
    with pytest.raises(wg.DataError, match=f"x.tar.gz: {name} is missing: the archive is cut"):
        data.read_cifar(archive(tmp_path / "x.tar.gz", folder))


def test_an_archive_beside_an_incomplete_folder(tmp_path):
    folder = put(tmp_path)
    archive(tmp_path / ARCHIVE, folder)
    (folder / META).unlink()
    assert data.find("cifar10", tmp_path) == [tmp_path / ARCHIVE]
    assert len(data.load("cifar10", tmp_path).train_y) == 20


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    directory = tmp_path_factory.mktemp("cifar")
    path = archive(directory / ARCHIVE, put(directory))
    return path.read_bytes(), gzip.decompress(path.read_bytes())


@same_directory
@given(st.data(), st.booleans())
def test_every_truncated_archive_is_an_error(tmp_path, whole, draw, compressed):
    content = whole[0] if compressed else whole[1]
    # Behind the last member a plain tar has nothing but zeros.
    end = len(content) if compressed else whole[1].rstrip(b"\0").__len__()
    path = tmp_path / "x"
    path.write_bytes(content[: draw.draw(st.integers(0, end - 1))])
    with pytest.raises(wg.DataError) as caught:
        data.read_cifar(path)
    assert str(path) in str(caught.value)


@same_directory
@given(st.data(), st.integers(1, 255))
def test_a_damaged_archive_never_gives_wrong_data(tmp_path, whole, draw, flip):
    content = bytearray(whole[0])
    content[draw.draw(st.integers(0, len(content) - 1))] ^= flip
    path = tmp_path / "x"
    path.write_bytes(content)
    with errors_that_name(path):
        found = data.read_cifar(path)
        np.testing.assert_array_equal(found.train_y[:4], batch(0)[b"labels"])
        np.testing.assert_array_equal(found.train_x[:4], data.images_from_rows(batch(0)[b"data"]))


def member(name, content=b"", **attributes):
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for key, value in attributes.items():
        setattr(info, key, value)
    return info, io.BytesIO(content)


def test_odd_members(tmp_path):
    folder = put(tmp_path)
    path = archive(tmp_path / "x.tar", folder, mode="w")
    with tarfile.open(path, "a") as tar:
        tar.addfile(*member(f"{FOLDER}/test_batch", b"x"))
    with pytest.raises(wg.DataError, match=r"x.tar:.*/test_batch: is in the archive twice"):
        data.read_cifar(path)
    with tarfile.open(path, "w") as tar:
        tar.addfile(*member(f"{FOLDER}/test_batch", type=tarfile.SYMTYPE, linkname="/etc/passwd"))
    with pytest.raises(wg.DataError, match=r"x.tar: batches.meta is missing"):
        data.read_cifar(path)
    with tarfile.open(path, "w") as tar:
        info, _ = member(f"{FOLDER}/test_batch")
        info.size = 1 << 40
        tar.fileobj.write(info.tobuf())
    with pytest.raises(wg.DataError, match=r"test_batch: 1099511627776 bytes: not a CIFAR-10"):
        data.read_cifar(path)


def test_no_archive_at_all(tmp_path):
    path = tmp_path / "x.tar.gz"
    with pytest.raises(wg.DataError, match="x.tar.gz: cannot be read: No such file"):
        data.read_cifar(path)
    path.write_bytes(b"<html>" * 500)
    with pytest.raises(wg.DataError, match="x.tar.gz: not a tar archive, cut short or damaged"):
        data.read_cifar(path)
    path.write_bytes(gzip.compress(b"<html>" * 500))
    with pytest.raises(wg.DataError, match="x.tar.gz: not a tar archive, cut short or damaged"):
        data.read_cifar(path)


def test_nothing_there(tmp_path):
    with pytest.raises(
        wg.DataError, match="no cifar10 there; expected cifar-10-python.tar.gz, or the folder"
    ):
        data.load("cifar10", tmp_path)
