"""Pickles from elsewhere: data are read, nothing is run, and every refusal says why."""

import io
import os
import pickle
import pickletools
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import wengert as wg
from tests.data.cifar_files import batch, errors_that_name, pickled
from wengert.data.numpy_pickle import NUMPY_NAMES, finished_array
from wengert.data.pth import TORCH_NAMES
from wengert.data.restricted_pickle import _OPCODES, Unpickler

ran = []


def trap(*arguments):
    ran.append(arguments)


class Evil:
    def __reduce__(self):
        return (trap, ("run",))


class EvilState:
    def __setstate__(self, state):
        ran.append(state)


def read(content):
    return Unpickler(io.BytesIO(content), "file.pkl", NUMPY_NAMES, "a test").load_object()


@pytest.fixture(autouse=True)
def nothing_runs():
    ran.clear()
    yield
    assert ran == []


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**31), 2**31 - 1) | st.binary(max_size=400),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.binary(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(deadline=None, max_examples=60)
@given(plain)
def test_what_python_2_wrote_comes_back(value):
    content = pickled(value)
    assert read(content) == value
    # Python's own unpickler agrees on what was written.
    assert pickle.loads(content, encoding="bytes") == value


@settings(deadline=None, max_examples=60)
@given(plain, st.integers(3, 5))
def test_what_python_3_wrote_comes_back(value, protocol):
    assert read(pickle.dumps(value, protocol)) == value


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["u1", "<i8", ">f4", "?"])
def test_arrays(protocol, order, dtype):
    array = np.asarray(np.arange(12).reshape(3, 4), dtype, order=order)
    found = finished_array(read(pickle.dumps({"a": array}, protocol))["a"])
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)


def test_arrays_share_a_dtype():
    a, b = np.arange(3, dtype=np.int32), np.ones((2, 2), np.int32)
    found = read(pickle.dumps([a, b], 2))
    np.testing.assert_array_equal(finished_array(found[0]), a)
    np.testing.assert_array_equal(finished_array(found[1]), b)


def test_arrays_written_as_numpy_1_did_are_read_by_numpy():
    array = np.arange(6, dtype=np.uint8).reshape(2, 3)
    content = pickled({b"data": array})
    assert b"cnumpy.core.multiarray\n_reconstruct\n" in content
    pickletools.dis(content, io.StringIO())
    with pytest.MonkeyPatch.context() as patch:
        # The old name of the module warns; its warning is not what is tested.
        patch.setattr("warnings.warn", lambda *_, **__: None)
        np.testing.assert_array_equal(pickle.loads(content, encoding="bytes")[b"data"], array)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("posix", "system"),
        ("builtins", "eval"),
        ("__builtin__", "eval"),
        ("numpy", "load"),
        ("numpy", "dtype.__class__"),
        ("numpy.core.multiarray", "fromfile"),
        ("numpy.testing._private.utils", "runstring"),
        ("_codecs", "decode"),
        ("wengert.data.restricted_pickle", "Unpickler"),
        ("collections", "OrderedDict"),
    ],
)
@pytest.mark.parametrize("opcode", ["GLOBAL", "STACK_GLOBAL"])
def test_other_globals_are_refused_by_name(module, name, opcode):
    if opcode == "GLOBAL":
        content = f"c{module}\n{name}\n(S'echo'\ntR.".encode()
    else:
        parts = (b"\x8c" + bytes([len(text)]) + text.encode() for text in (module, name))
        content = b"\x80\x04" + b"".join(parts) + b"\x93."
    with pytest.raises(wg.DataError) as caught:
        read(content)
    message = str(caught.value)
    assert message.startswith(f"file.pkl: refused: the pickle asks for the global {module}.{name},")
    assert "it needs numpy.core.multiarray._reconstruct" in message
    assert "nothing was run" in message


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_reduce_of_a_function_of_ours(protocol):
    with pytest.raises(wg.DataError, match=r"the global .*test_restricted_pickle\.trap"):
        read(pickle.dumps(Evil(), protocol))


def test_a_command_is_not_run(tmp_path):
    class Command:
        def __reduce__(self):
            return (os.system, (f"touch {tmp_path / 'ran'}",))

    with pytest.raises(wg.DataError, match=r"global (posix|nt)\.system"):
        read(pickle.dumps({b"data": Command()}, 2))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"(i__main__\nEvil\n.", "INST"),
        (b"(cnumpy\ndtype\no.", "OBJ"),
        (b"cnumpy\ndtype\n)\x81.", "NEWOBJ"),
        (b"\x82\x01.", "EXT1"),
        (b"S'text'\n.", "STRING"),
        (b"P1\n.", "PERSID"),
        (b"\x8f.", "EMPTY_SET"),
        (b"\x97.", "NEXT_BUFFER"),
        (b"I1\n.", "INT"),
    ],
)
def test_other_opcodes_are_refused_by_name(content, name):
    with pytest.raises(wg.DataError, match=f"refused: the pickle uses the opcode {name}, which"):
        read(content)


def test_every_opcode_is_allowed_or_refused():
    for opcode in pickletools.opcodes:
        name = opcode.name
        if name in _OPCODES:
            continue
        with pytest.raises(wg.DataError, match=f"the opcode {name}, "):
            read(opcode.code.encode("latin1") + b"1\n1\n.")


def call(module, name):
    return f"c{module}\n{name}\n".encode()


DTYPE = call("numpy", "dtype")
ARRAY = call("numpy._core.multiarray", "_reconstruct")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff.", "unknown pickle opcode 0xff"),
        (b".", "IndexError"),
        (b"\x80\x09.", "unsupported pickle protocol: 9"),
        (b"h\x05.", "Memo value not found at index 5"),
        (b"K\x01)R.", "it calls int, which is not a constructor"),
        (call("numpy", "ndarray") + b")R.", "calls the global numpy.ndarray, which is not a con"),
        (DTYPE + b"]R.", "the arguments of numpy.dtype are not a tuple"),
        (DTYPE + b")R.", "TypeError"),
        (DTYPE + b"U\x02O8\x85R.", "dtype 'O8'; known are b1, u1"),
        (DTYPE + b"U\x02V9\x85R.", "dtype 'V9'"),
        (DTYPE + b"U\x02u1\x85R}b.", "the state of a dtype is not that of a plain number"),
        (DTYPE + b"U\x02u1\x85R(K\x03U\x01!NNNJ\xff\xff\xff\xfftb.", "byte order '!'"),
        (DTYPE + b"}U\x01aK\x01sb.", "it sets the state of the global numpy.dtype"),
        (DTYPE + b"N}U\x0c__defaults__)s\x86b.", "it sets the state of the global numpy.dtype"),
        (b"}}b.", "it sets the state of dict"),
        (b"]U\x01aK\x01s.", "it puts items into list"),
        (b"}))s.", "a key of a dict is tuple"),
        (b"}(K\x01u.", "ValueError"),
        (b"}K\x01a.", "it appends to dict"),
        (DTYPE + b"K\x01a.", "it appends to the global numpy.dtype"),
        (b"K\x01Q.", "it refers to an object outside the pickle"),
        (ARRAY + b")R}b.", "the state of an array is not"),
        (ARRAY + b")R(K\x01K\x03NNNtb.", "the dtype of an array is NoneType"),
        (b"U\x02ab\x93.", "IndexError|STACK_GLOBAL requires str"),
        (call("_codecs", "encode") + b"X\x01\0\0\0aX\x05\0\0\0utf-8\x86R.", "_codecs.encode with"),
    ],
)
def test_nonsense_is_damage(content, message):
    with pytest.raises(wg.DataError, match=rf"file.pkl: damaged, or not a test: .*({message})"):
        read(content)


@pytest.mark.parametrize(
    ("shape", "size", "message"),
    [
        ((4,), 3, "has 4 bytes, and 3 are there"),
        ((2**40, 2**40), 3, "and 3 are there"),
        ((-1,), 3, "the shape of an array is"),
        ((True,), 1, "the shape of an array is"),
        ([3], 3, "the shape of an array is"),
    ],
)
def test_arrays_that_do_not_fit_their_data(shape, size, message):
    dtype = DTYPE + b"U\x02u1\x85R"
    shape = pickle.dumps(shape, 2)[2:-1]
    data = b"T" + struct.pack("<i", size) + b"x" * size
    content = b"\x80\x02" + ARRAY + b")R(K\x01" + shape + dtype + b"\x89" + data + b"tb."
    with pytest.raises(wg.DataError, match=message):
        read(content)


def test_sizes_that_are_not_there_ask_for_no_memory():
    for content in (
        b"T\xff\xff\xff\x7f",  # BINSTRING
        b"\x8e" + b"\xff" * 7 + b"\x7f",  # BINBYTES8
        b"\x96" + b"\xff" * 7 + b"\x7f",  # BYTEARRAY8, which Python itself would allocate
        b"\x95" + b"\xff" * 7 + b"\x7f",  # FRAME
    ):
        with pytest.raises(wg.DataError, match="cut short"):
            read(b"\x80\x05" + content + b"abc.")
    # An index of the memo that Python's C code makes room for.
    assert read(b"\x80\x02Nr\xff\xff\xff\x7f.") is None


def test_deep_nesting_does_not_overflow():
    content = b"\x80\x02)" + b"\x85" * 200_000
    read(content + b".")
    with pytest.raises(wg.DataError, match="a key of a dict is tuple"):
        read(b"\x80\x02}" + content[2:] + b"Ns.")


CONTENT = pickled(batch(count=2))


@settings(deadline=None, max_examples=150)
@given(st.integers(0, len(CONTENT) - 1))
def test_every_truncation_is_an_error(kept):
    with pytest.raises(wg.DataError, match="cut short") as caught:
        read(CONTENT[:kept])
    assert str(caught.value).startswith("file.pkl: ")


@settings(deadline=None, max_examples=400)
@given(st.integers(0, len(CONTENT) - 1), st.integers(1, 255))
def test_a_changed_byte_is_data_or_an_error(position, flip):
    content = bytearray(CONTENT)
    content[position] ^= flip
    with errors_that_name("file.pkl: "):
        read(bytes(content))


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=60))
def test_any_bytes_are_data_or_an_error(content):
    with errors_that_name("file.pkl: "):
        read(content)


def test_every_listed_name_has_its_reason():
    for names in (NUMPY_NAMES, TORCH_NAMES):
        for allowed in names.values():
            assert len(allowed.why) > 10
