"""Model files: there and back, and every way to be broken named."""

import subprocess
import sys

import numpy as np
import pytest
import safetensors.numpy

import wengert as wg
from wengert import nn
from wengert.train import load_model, load_parameters, save_model

ARCHITECTURE = {"sizes": [4, 3, 2], "activation": "relu"}


@pytest.fixture
def network():
    return nn.mlp([4, 3, 2], rng=np.random.default_rng(0), activation=nn.relu)


@pytest.fixture
def path(tmp_path, network):
    path = tmp_path / "model.safetensors"
    save_model(path, network, {"architecture": ARCHITECTURE, "classes": ["a", "b"]})
    return path


def assert_equal(a, b):
    a, b = nn.named_arrays(a), nn.named_arrays(b)
    assert list(a) == list(b)
    for name in a:
        np.testing.assert_array_equal(a[name], b[name])
        assert a[name].dtype == b[name].dtype


def test_there_and_back(path, network):
    found, description = load_model(path)
    assert_equal(found, network)
    assert repr(found) == "Sequential(Linear(4, 3), relu, Linear(3, 2))"
    assert description["classes"] == ["a", "b"]


def test_any_safetensors_reader_can_read_it(path, network):
    arrays = safetensors.numpy.load_file(path)
    assert sorted(arrays) == [
        "layers.0.bias",
        "layers.0.weight",
        "layers.2.bias",
        "layers.2.weight",
    ]
    np.testing.assert_array_equal(arrays["layers.0.weight"], network.layers[0].weight)


def test_equal_models_give_equal_bytes(tmp_path, path):
    """In another process too, where hashes of strings differ."""
    code = (
        "import sys, numpy as np\n"
        "from wengert import nn\n"
        "from wengert.train import save_model\n"
        "network = nn.mlp([4, 3, 2], rng=np.random.default_rng(0), activation=nn.relu)\n"
        "architecture = {'sizes': [4, 3, 2], 'activation': 'relu'}\n"
        "save_model(sys.argv[1], network, {'architecture': architecture, 'classes': ['a', 'b']})\n"
    )
    other = tmp_path / "other.safetensors"
    subprocess.run([sys.executable, "-c", code, str(other)], check=True)
    assert other.read_bytes() == path.read_bytes()


def test_arrays_of_any_layout_and_scalars(tmp_path):
    container = {
        "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "scalar": np.float32(2.5),
        "steps": np.arange(12.0)[::3],
    }
    save_model(tmp_path / "a", container)
    found = load_parameters(tmp_path / "a", container)
    assert_equal(found, container)
    assert type(found["scalar"]) is np.float32


def test_load_parameters_into_a_model_of_ones_own(tmp_path):
    class Scale(nn.Module):
        def __init__(self, factor):
            self.factor = np.array(factor)

    save_model(tmp_path / "a", Scale([2.0, 3.0]))
    np.testing.assert_array_equal(load_parameters(tmp_path / "a", Scale([0.0, 0.0])).factor, [2, 3])


@pytest.mark.parametrize("fraction", [0.0, 0.01, 0.3, 0.9, 0.999])
def test_a_file_cut_short(path, fraction):
    content = path.read_bytes()
    path.write_bytes(content[: int(fraction * len(content))])
    with pytest.raises(wg.DataError, match="model.safetensors: cut short, damaged or not a safet"):
        load_model(path)


def test_other_files(tmp_path, path):
    with pytest.raises(wg.DataError, match="nowhere: no such file"):
        load_model(tmp_path / "nowhere")
    with pytest.raises(wg.DataError, match="is a directory, not a file"):
        load_model(tmp_path)
    path.write_bytes(b"\x89PNG" * 100)
    with pytest.raises(wg.DataError, match="cut short, damaged or not a safetensors file"):
        load_model(path)
    safetensors.numpy.save_file({"a": np.ones(1)}, path)
    with pytest.raises(wg.DataError, match="a safetensors file, but not one that wengert wrote"):
        load_model(path)


def test_parameters_that_do_not_fit(path):
    def like(*sizes, dtype=np.float32):
        return nn.mlp(sizes, rng=np.random.default_rng(0), dtype=dtype)

    with pytest.raises(
        wg.DataError, match=r"layers.0.weight has shape \(4, 3\) and dtype float32, "
    ):
        load_parameters(path, like(4, 5, 2))
    with pytest.raises(wg.DataError, match=r"expected \(4, 3\) and float64"):
        load_parameters(path, like(4, 3, 2, dtype=np.float64))
    with pytest.raises(wg.DataError, match="has no array layers.4.weight"):
        load_parameters(path, like(4, 3, 2, 2))
    with pytest.raises(wg.DataError, match="has an array layers.2.*that does not belong"):
        load_parameters(path, like(4, 3))


@pytest.mark.parametrize(
    "description",
    [
        {},
        {"architecture": {}},
        {"architecture": {**ARCHITECTURE, "activation": "step"}},
        {"architecture": {**ARCHITECTURE, "activation": []}},
        {"architecture": {**ARCHITECTURE, "sizes": 5}},
        {"architecture": {**ARCHITECTURE, "sizes": [4, -3]}},
        {"architecture": {**ARCHITECTURE, "sizes": [10**15, 10**15]}},
        {"architecture": {**ARCHITECTURE, "sizes": [10**30, 2]}},
    ],
)
def test_a_file_that_does_not_say_what_it_is(tmp_path, network, description):
    save_model(tmp_path / "a", network, description)
    with pytest.raises(
        wg.DataError, match="does not describe a network that can be rebuilt.*load_p"
    ):
        load_model(tmp_path / "a")


def test_a_description_that_is_no_mapping(tmp_path, network):
    save_model(tmp_path / "a", network, [1, 2])
    with pytest.raises(wg.DataError, match="damaged: its description is a list, not a mapping"):
        load_model(tmp_path / "a")
