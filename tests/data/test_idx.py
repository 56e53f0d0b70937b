"""IDX files: every dtype there and back, and every way to be broken named."""

import contextlib
import gzip
import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import wengert as wg
from wengert.data import read_idx, write_idx

DTYPES = [np.uint8, np.int8, np.int16, np.int32, np.float32, np.float64]

any_array = hnp.arrays(
    dtype=st.sampled_from(DTYPES), shape=hnp.array_shapes(min_dims=0, max_dims=4, min_side=0)
)
# The directory is shared between examples, which overwrite one file.
same_directory = settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)


@pytest.mark.parametrize("name", ["a.idx", "a.gz"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_round_trip_of_each_dtype(tmp_path, name, dtype):
    array = np.arange(24).reshape(2, 3, 4).astype(dtype)
    write_idx(tmp_path / name, array)
    found = read_idx(tmp_path / name)
    assert found.dtype == dtype
    assert found.dtype.isnative
    np.testing.assert_array_equal(found, array)


@same_directory
@given(array=any_array, compressed=st.booleans())
def test_round_trip(tmp_path, array, compressed):
    path = tmp_path / ("a.gz" if compressed else "a.idx")
    write_idx(path, array)
    found = read_idx(path)
    assert found.shape == array.shape
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)


def test_known_bytes(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(bytes([0, 0, 0x0B, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0x01, 0x02, 0xFF, 0xFE]))
    np.testing.assert_array_equal(read_idx(path), np.array([[258, -2]], np.int16))
    write_idx(tmp_path / "b", np.array([[258, -2]], np.int16))
    assert (tmp_path / "b").read_bytes() == path.read_bytes()


def test_byte_order_and_layout_of_the_array_do_not_matter(tmp_path):
    array = np.arange(6, dtype=">i4").reshape(2, 3).T
    write_idx(tmp_path / "a", array)
    np.testing.assert_array_equal(read_idx(tmp_path / "a"), array)


def test_compressed_bytes_depend_on_the_array_alone(tmp_path):
    write_idx(tmp_path / "a.gz", np.arange(3, dtype=np.uint8))
    write_idx(tmp_path / "b.gz", np.arange(3, dtype=np.uint8))
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()


def test_compression_is_seen_from_the_content(tmp_path):
    write_idx(tmp_path / "a.gz", np.arange(3, dtype=np.uint8))
    (tmp_path / "a.gz").rename(tmp_path / "plain-name")
    np.testing.assert_array_equal(read_idx(tmp_path / "plain-name"), [0, 1, 2])


@same_directory
@given(array=any_array, compressed=st.booleans(), data=st.data())
def test_every_truncation_is_an_error(tmp_path, array, compressed, data):
    path = tmp_path / ("a.gz" if compressed else "a.idx")
    write_idx(path, array)
    content = path.read_bytes()
    kept = data.draw(st.integers(0, len(content) - 1))
    path.write_bytes(content[:kept])
    with pytest.raises(wg.DataError, match="cut short") as caught:
        read_idx(path)
    assert str(path) in str(caught.value)


@same_directory
@given(array=any_array, extra=st.binary(min_size=1, max_size=5), compressed=st.booleans())
def test_every_extra_byte_is_an_error(tmp_path, array, extra, compressed):
    path = tmp_path / "a"
    write_idx(path, array)
    content = path.read_bytes() + extra
    path.write_bytes(gzip.compress(content) if compressed else content)
    with pytest.raises(wg.DataError, match="more data than its header announces"):
        read_idx(path)


@same_directory
@given(position=st.integers(10, 60), flip=st.integers(1, 255))
def test_a_damaged_compressed_file_never_gives_wrong_data(tmp_path, position, flip):
    array = np.arange(200, dtype=np.uint8)
    path = tmp_path / "a.gz"
    write_idx(path, array)
    content = bytearray(path.read_bytes())
    content[position % len(content)] ^= flip
    path.write_bytes(content)
    # Some bits of a compressed stream mean nothing: then the data must be right.
    with contextlib.suppress(wg.DataError):
        np.testing.assert_array_equal(read_idx(path), array)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "0 bytes, but an IDX header has at least 4"),
        (b"\0\0\x08", "3 bytes, but an IDX header has at least 4"),
        (b"PK\x03\x04abcd", "not an IDX file: it begins with bytes 50 4b, not 00 00"),
        (b"\0\0\x07\x01\0\0\0\0", "unknown IDX element type 0x07; known are 0x08 .uint8."),
        (b"\0\0\x08\x03\0\0\0\x01\0", "announces 3 dimensions and has 5 of their 12 bytes"),
        (b"\0\0\x08\x02\0\0\0\x02\0\0\0\x03abcd", "2 x 3 elements of uint8, 6 bytes, and 4 follow"),
        (b"\0\0\x08\x01\0\0\0\x01ab", "has more data than its header announces, 1 elements of"),
    ],
)
def test_message_of_each_fault(tmp_path, content, message):
    path = tmp_path / "broken-idx3-ubyte"
    path.write_bytes(content)
    with pytest.raises(wg.DataError, match=message) as caught:
        read_idx(path)
    assert str(caught.value).startswith(str(path))


def test_a_false_header_does_not_ask_for_memory(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"\0\0\x0e\x04" + struct.pack(">4I", *[2**32 - 1] * 4) + b"abc")
    with pytest.raises(wg.DataError, match="and 3 follow"):
        read_idx(path)


@pytest.mark.parametrize("shape", [(0, *[2**32 - 1] * 3), (1,) * 200])
def test_a_shape_that_numpy_cannot_have(tmp_path, shape):
    path = tmp_path / "a"
    content = struct.pack(f">BBBB{len(shape)}I", 0, 0, 0x08, len(shape), *shape)
    path.write_bytes(content + (b"x" if 0 not in shape else b""))
    with pytest.raises(wg.DataError, match="impossible shape"):
        read_idx(path)


def test_gzip_garbage_after_the_end(tmp_path):
    path = tmp_path / "a.gz"
    write_idx(path, np.arange(3, dtype=np.uint8))
    path.write_bytes(path.read_bytes() + b"garbage")
    with pytest.raises(wg.DataError, match="cut short or damaged"):
        read_idx(path)


def test_missing_file_and_directory(tmp_path):
    with pytest.raises(wg.DataError, match="nowhere: cannot be read: No such file"):
        read_idx(tmp_path / "nowhere")
    with pytest.raises(wg.DataError, match="cannot be read: Is a directory"):
        read_idx(tmp_path)


def test_a_dtype_that_idx_cannot_hold(tmp_path):
    with pytest.raises(wg.DataError, match="IDX cannot hold int64; cast to one of uint8, int8"):
        write_idx(tmp_path / "a", np.arange(3))
    assert not (tmp_path / "a").exists()
