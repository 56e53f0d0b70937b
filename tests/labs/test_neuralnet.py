"""Lab neuralnet: layers, classifiers, training, and the scripts with what they refuse."""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save_file

import wengert as wg
from labs.neuralnet import (
    Classifier,
    LinearClassifier,
    TwoLayerNet,
    check_softmax,
    gradcheck_classifier,
    gradcheck_layers,
    lab,
    layers,
    plots,
    settings,
)
from labs.neuralnet import data as data_module
from labs.neuralnet import test as test_module
from labs.neuralnet import train as train_module
from labs.neuralnet.data import DataSampler, Scaling, Split
from labs.neuralnet.settings import OVERFIT, TUNED, Settings
from labs.neuralnet.train import evaluate, train, training_step
from wengert.optim import SGD
from wengert.train import DivergenceError

FASHION = Path("/usr/share/datasets/fashion-mnist")
LAB = Path(lab.__file__).parent


@pytest.fixture
def rng():
    return np.random.default_rng(0)


# ------------------------------------------------------------------ gradients


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_layer_gradients(seed):
    differences = gradcheck_layers.layer_differences(seed)
    assert set(differences) == {
        "fc grad_X",
        "fc grad_W",
        "fc grad_b",
        "relu grad_x",
        "l2_loss grad_x",
        "softmax_loss grad_x",
        "l2_regularization grad_W",
    }
    assert all(numerical < 1e-9 for numerical, _ in differences.values())
    assert all(automatic < 1e-14 for _, automatic in differences.values())


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_classifier_gradients(seed):
    differences = gradcheck_classifier.classifier_differences(seed)
    names = {f"LinearClassifier grad_{p}" for p in ("W", "b")}
    names |= {f"TwoLayerNet grad_{p}" for p in ("W1", "b1", "W2", "b2")}
    assert set(differences) == names
    assert all(numerical < 1e-10 for numerical, _ in differences.values())
    assert all(automatic < 1e-14 for _, automatic in differences.values())


def test_softmax_is_stable(capsys):
    assert all(check_softmax.softmax_checks().values())
    assert check_softmax.main([]) == 0
    assert "WRONG" not in capsys.readouterr().out


def test_gradcheck_scripts(capsys):
    assert gradcheck_layers.main([]) == 0
    assert "all are below 1e-09" in capsys.readouterr().out
    assert gradcheck_classifier.main(["--seed", "5"]) == 0
    assert "all are below 1e-10" in capsys.readouterr().out


@pytest.mark.parametrize("factor", [1 + 1e-8, np.nan])
def test_gradcheck_finds_a_wrong_backward_pass(monkeypatch, capsys, factor):
    right = layers.relu_backward
    monkeypatch.setattr(gradcheck_layers, "relu_backward", lambda g, c: factor * right(g, c))
    assert gradcheck_layers.main([]) == 1
    out = capsys.readouterr().out
    assert out.count("WRONG") == 1
    assert "some are not below 1e-09" in out


def test_gradcheck_finds_a_missing_sum(monkeypatch, capsys):
    right = layers.fc_backward

    def wrong(grad_y, cache):
        grad_X, grad_W, _ = right(grad_y, cache)
        return grad_X, grad_W, grad_y

    monkeypatch.setattr(gradcheck_layers, "fc_backward", wrong)
    assert gradcheck_layers.main([]) == 2
    message = "fc: grad_b has shape (5, 4), expected that of b, (4,)"
    assert message in capsys.readouterr().err


def test_check_softmax_finds_an_unstable_one(monkeypatch, capsys):
    def unstable(x, y):
        with np.errstate(all="ignore"):
            p = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
            return -np.log(p[np.arange(len(y)), y]).mean(), (p - np.eye(x.shape[1])[y]) / len(y)

    monkeypatch.setattr(check_softmax, "softmax_loss", unstable)
    assert check_softmax.main([]) == 1
    assert capsys.readouterr().out.count("WRONG") == 5


# ------------------------------------------------------------------ layers


def test_relu_has_slope_zero_at_its_kink():
    x = np.array([[-1.0, 0.0, 2.0]])
    y, cache = layers.relu_forward(x)
    np.testing.assert_array_equal(y, [[0.0, 0.0, 2.0]])
    np.testing.assert_array_equal(layers.relu_backward(np.ones_like(x), cache), [[0.0, 0.0, 1.0]])


def test_l2_loss_is_half_the_sum_over_columns_and_the_mean_over_rows():
    x, y = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[0.0, 0.0], [3.0, 2.0]])
    loss, grad = layers.l2_loss(x, y)
    assert loss == (1 + 4 + 0 + 4) / 2 / 2
    np.testing.assert_array_equal(grad, [[0.5, 1.0], [0.0, 1.0]])


def test_l2_regularization_is_half_reg_times_the_squares():
    loss, grad = layers.l2_regularization(np.array([[1.0, -2.0]]), 0.5)
    assert loss == 1.25
    np.testing.assert_array_equal(grad, [[0.5, -1.0]])


def test_softmax_loss_of_one_row():
    loss, grad = layers.softmax_loss(np.log([[1.0, 2.0, 5.0]]), np.array([2]))
    assert loss == pytest.approx(math.log(8 / 5))
    np.testing.assert_allclose(grad, [[0.125, 0.25, -0.375]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_layers_keep_the_dtype(dtype, rng):
    X, W = rng.standard_normal((3, 4)).astype(dtype), rng.standard_normal((4, 5)).astype(dtype)
    y, cache = layers.fc_forward(X, W, np.zeros(5, dtype))
    h, mask = layers.relu_forward(y)
    loss, grad = layers.softmax_loss(h, np.array([0, 1, 2]))
    found = [y, h, loss, grad, layers.relu_backward(grad, mask), *layers.fc_backward(grad, cache)]
    found += [*layers.l2_regularization(W, 0.1), *layers.l2_loss(X, X)]
    assert {np.asarray(array).dtype for array in found} == {np.dtype(dtype)}


def test_inputs_are_not_changed(rng):
    X, W, b = rng.standard_normal((3, 4)), rng.standard_normal((4, 4)), rng.standard_normal(4)
    labels = np.array([0, 1, 2])
    copies = [a.copy() for a in (X, W, b, labels)]
    y, cache = layers.fc_forward(X, W, b)
    kept = y.copy()
    layers.fc_backward(y, cache)
    layers.relu_backward(y, layers.relu_forward(y)[1])
    layers.softmax_loss(y, labels)
    layers.l2_loss(y, y)
    np.testing.assert_array_equal(y, kept)
    for array, copy in zip((X, W, b, labels), copies, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_input_gradient_can_be_left_out(rng):
    X, W = rng.standard_normal((3, 4)), rng.standard_normal((4, 2))
    y, cache = layers.fc_forward(X, W, np.zeros(2))
    grad_X, *others = layers.fc_backward(y, cache, input_gradient=False)
    assert grad_X is None
    for a, b in zip(others, layers.fc_backward(y, cache)[1:], strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: layers.fc_forward(np.ones((2, 3)), np.ones((4, 5)), np.ones(5)),
            wg.ShapeError,
            "expected X of shape (n, d), W (d, m) and b (m,); got (2, 3), (4, 5) and (5,)",
        ),
        (
            lambda: layers.fc_forward(np.ones((2, 3)), np.ones((3, 5)), np.ones((2, 5))),
            wg.ShapeError,
            "fc_forward",
        ),
        (
            lambda: layers.l2_loss(np.ones((2, 3)), np.ones(3)),
            wg.ShapeError,
            "l2_loss: expected x and y of one shape",
        ),
        (
            lambda: layers.softmax_loss(np.ones((2, 3)), np.array([0, 1, 2])),
            wg.ShapeError,
            "got (2, 3) and (3,)",
        ),
        (
            lambda: layers.softmax_loss(np.ones((0, 3)), np.zeros(0, int)),
            wg.ShapeError,
            "n > 0",
        ),
        (
            lambda: layers.softmax_loss(np.ones((2, 3)), np.array([0.0, 1.0])),
            wg.WengertTypeError,
            "expected integer labels, got float64",
        ),
        (
            lambda: layers.softmax_loss(np.ones((2, 3)), np.array([0, 3])),
            wg.WengertValueError,
            "label 3 is out of range; 3 classes are numbered 0 to 2",
        ),
        (
            lambda: layers.softmax_loss(np.ones((2, 3)), np.array([-1, 0])),
            wg.WengertValueError,
            "label -1 is out of range",
        ),
    ],
)
def test_bad_input_of_layers(call, error, message):
    with pytest.raises(error) as raised:
        call()
    assert message in str(raised.value)


# ------------------------------------------------------------------ classifiers


@pytest.fixture(params=[LinearClassifier, TwoLayerNet])
def model(request, rng):
    sizes = {"hidden_dim": 7} if request.param is TwoLayerNet else {}
    return request.param(6, 4, weight_scale=0.5, rng=rng, **sizes)


def test_parameters_are_the_arrays_themselves(model, rng):
    X = rng.standard_normal((3, 6))
    before, _ = model.forward(X)
    for value in model.parameters().values():
        value += 1.0
    after, _ = model.forward(X)
    assert not np.allclose(before, after)


def test_backward_has_the_keys_and_shapes_of_the_parameters(model, rng):
    scores, cache = model.forward(rng.standard_normal((5, 6)))
    gradients = model.backward(scores, cache)
    shapes = {name: value.shape for name, value in model.parameters().items()}
    assert {name: value.shape for name, value in gradients.items()} == shapes


def test_predict(model, rng):
    X = rng.standard_normal((9, 6))
    np.testing.assert_array_equal(model.predict(X), np.argmax(model.forward(X)[0], axis=1))


def test_default_sizes():
    linear, net = LinearClassifier(), TwoLayerNet()
    assert linear.W.shape == (3072, 10)
    assert (net.W1.shape, net.W2.shape) == ((3072, 512), (512, 10))
    assert net.W1.std() == pytest.approx(1e-3, rel=0.01)
    assert not net.b1.any()
    assert not net.b2.any()


def test_replace(model):
    doubled = model.replace({k: 2 * v for k, v in model.parameters().items()})
    assert type(doubled) is type(model)
    for name, value in model.parameters().items():
        np.testing.assert_array_equal(doubled.parameters()[name], 2 * value)
    with pytest.raises(wg.WengertValueError, match="expected the parameters W"):
        model.replace({"V": np.ones(3)})


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_save_and_load(tmp_path, rng, dtype, model):
    model = model.replace({k: v.astype(dtype) for k, v in model.parameters().items()})
    model.notes = {"any": [1, "thing"]}
    path = tmp_path / "model.safetensors"
    model.save(path)
    for loaded in (Classifier.load(path), type(model).load(path)):
        assert type(loaded) is type(model)
        assert loaded.notes == model.notes
        assert loaded.architecture() == model.architecture()
        for name, value in model.parameters().items():
            assert loaded.parameters()[name].dtype == dtype
            np.testing.assert_array_equal(loaded.parameters()[name], value)
    assert [p.name for p in tmp_path.iterdir()] == ["model.safetensors"]


def test_load_refuses_what_is_not_a_model(tmp_path, model):
    path = tmp_path / "m.safetensors"

    def refused(message, kind=Classifier):
        with pytest.raises(wg.DataError) as raised:
            kind.load(path)
        assert message in str(raised.value)
        assert str(path) in str(raised.value)

    refused("no such file")
    model.save(path)
    whole = path.read_bytes()
    other = LinearClassifier if type(model) is TwoLayerNet else TwoLayerNet
    refused(f"holds {type(model).__name__}, expected {other.__name__}", other)
    for size in (0, 7, 60, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        refused("cut short, damaged or not a safetensors file")
    save_file({"W": np.ones(3)}, path)
    refused("not one that wengert wrote")

    def write(arrays, **description):
        metadata = {"wengert": json.dumps(description)}
        save_file(arrays, path, metadata=metadata)

    sizes = {"input_dim": 6, "num_classes": 4}
    arrays = {"W": np.ones((6, 4)), "b": np.ones(4)}
    write(arrays, architecture=sizes)
    refused("holds no classifier")
    write(arrays, classifier="Forest", architecture=sizes)
    refused("holds Forest, expected LinearClassifier or TwoLayerNet")
    write(arrays, classifier="LinearClassifier", architecture={"input_dim": 6, "depth": 4})
    refused("does not describe a LinearClassifier that can be rebuilt")
    for damaged in ([], 3, {**sizes, "rng": 1}, {**sizes, "dtype": "int8"}):
        write(arrays, classifier="LinearClassifier", architecture=damaged)
        refused("does not describe a LinearClassifier that can be rebuilt")
    write(arrays, classifier=["LinearClassifier"], architecture=sizes)
    refused("expected LinearClassifier or TwoLayerNet")
    save_file(arrays, path, metadata={"wengert": "[1]"})
    refused("holds no classifier")
    write(arrays, classifier="LinearClassifier", architecture=sizes, notes=3)
    assert LinearClassifier.load(path).notes == {}
    write(arrays, classifier="LinearClassifier", architecture={**sizes, "input_dim": -6})
    refused("input_dim must be a whole number, at least 1, got -6")
    write({"W": np.ones((5, 4)), "b": np.ones(4)}, classifier="LinearClassifier",
          architecture=sizes)  # fmt: skip
    refused("W has shape (5, 4) and dtype float64, expected (6, 4)")
    write({"W": np.ones((6, 4))}, classifier="LinearClassifier", architecture=sizes)
    refused("has no array b")
    write({k: v.astype(int) for k, v in arrays.items()}, classifier="LinearClassifier",
          architecture=sizes)  # fmt: skip
    refused("expected arrays of one floating-point dtype, found int64")


@pytest.mark.parametrize("size", [0, -3, 2.5, "many"])
def test_sizes_are_positive_whole_numbers(size):
    with pytest.raises(wg.ConfigError, match="hidden_dim must be a whole number, at least 1"):
        TwoLayerNet(4, 3, hidden_dim=size)


def test_training_step_regularizes_weights_not_biases(model, rng):
    X, y = rng.standard_normal((5, 6)), rng.integers(0, 4, 5)
    model = model.replace({k: v + 0.1 for k, v in model.parameters().items()})
    plain_loss, plain = training_step(model, X, y, 0.0)
    loss, gradients = training_step(model, X, y, 0.2)
    weights = {k: v for k, v in model.parameters().items() if k.startswith("W")}
    assert loss == pytest.approx(plain_loss + 0.1 * sum((W**2).sum() for W in weights.values()))
    for name, gradient in gradients.items():
        penalty = 0.2 * weights[name] if name in weights else 0.0
        np.testing.assert_allclose(gradient, plain[name] + penalty)


def test_training_step_is_the_gradient_of_wengert(model, rng):
    X, y = rng.standard_normal((5, 6)), rng.integers(0, 4, 5)
    found = wg.grad(lambda p: training_step(model.replace(p), X, y, 0.2)[0])(model.parameters())
    for name, gradient in training_step(model, X, y, 0.2)[1].items():
        np.testing.assert_allclose(gradient, found[name], rtol=1e-12, atol=1e-15)


# ------------------------------------------------------------------ data


def _fake_images(count, seed):
    """Ten classes that a linear classifier tells apart: noise, and a bright stripe."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 10, count)
    X = rng.integers(0, 60, (count, 3072), np.uint8)
    for label in range(10):
        X[y == label, 300 * label : 300 * label + 300] += 100
    return Split(X, y)


_FAKE = (_fake_images(5_300, 1), _fake_images(200, 2), tuple("abcdefghij"), "made-up images")


@pytest.fixture
def fake(monkeypatch):
    monkeypatch.setattr(data_module, "_cifar_rows", lambda data_dir: _FAKE)
    return data_module.load_splits(num_validation=200)


def test_splits(fake):
    train_images, test_images, *_ = _FAKE
    assert len(fake.train.y) == 300
    assert len(fake.validation.y) == 200
    np.testing.assert_array_equal(fake.train.X, train_images.X[:300])
    np.testing.assert_array_equal(fake.validation.X, train_images.X[300:500])
    assert fake.test is test_images
    np.testing.assert_array_equal(data_module.load_splits(num_train=10).train.y, fake.train.y[:10])
    np.testing.assert_array_equal(fake.first(10).train.y, fake.train.y[:10])
    assert len(fake.first(None).train.y) == 300


@pytest.mark.parametrize("count", [0, -1, 301])
def test_too_many_images(fake, count):
    with pytest.raises(wg.ConfigError, match=r"there are 300 training images.* got"):
        fake.first(count)


def test_scaling_gives_mean_zero_and_deviation_one(rng):
    X = rng.integers(0, 200, (7, 3072), np.uint8)
    X[:, ::3] //= 2  # the first channel of each pixel
    scaling = Scaling.of(X)
    channels = scaling(X).reshape(7, 1024, 3)
    assert channels.dtype == np.float32
    np.testing.assert_allclose(channels.mean(axis=(0, 1)), 0, atol=1e-5)
    np.testing.assert_allclose(channels.std(axis=(0, 1)), 1, rtol=1e-5)
    np.testing.assert_allclose(scaling.mean, X.reshape(-1, 3).mean(axis=0) / 255)
    assert Scaling.from_json(json.loads(json.dumps(scaling.to_json()))) == scaling


def test_scaling_refuses_constant_images_and_damaged_descriptions():
    with pytest.raises(wg.DataError, match="the same everywhere"):
        Scaling.of(np.full((2, 3072), 9, np.uint8))
    for state in (None, {}, {"mean": [1, 2, 3]}, {"mean": "abc", "std": [1, 1, 1]}):
        with pytest.raises(wg.DataError, match="missing or damaged"):
            Scaling.from_json(state)
    with pytest.raises(wg.DataError, match="for 3 channels"):
        Scaling.from_json({"mean": [0, 0, 0], "std": [1, 0, 1]})


def test_sampler_goes_once_through_all_images():
    split = Split(np.repeat(np.arange(10, dtype=np.uint8)[:, None], 3072, axis=1), np.arange(10))
    sampler = DataSampler(split, Scaling((0.0,) * 3, (1 / 255,) * 3), batch_size=4, seed=3)
    assert len(sampler) == 3
    epochs = []
    for number in (0, 1, 0):
        batches = list(sampler.epoch(number))
        assert [len(y) for _, y in batches] == [4, 4, 2]
        for X, y in batches:
            np.testing.assert_allclose(X[:, 0], y)
        epochs.append(np.concatenate([y for _, y in batches]))
        assert sorted(epochs[-1]) == list(range(10))
    assert not np.array_equal(epochs[0], epochs[1])
    np.testing.assert_array_equal(epochs[0], epochs[2])


@pytest.mark.skipif(not FASHION.is_dir(), reason="needs dataset-fashion-mnist")
def test_real_images():
    splits = data_module.load_splits()
    assert (len(splits.train.y), len(splits.validation.y)) == (45_000, 5_000)
    assert splits.train.X.shape == (45_000, 3072)
    assert splits.test.X.shape == (10_000, 3072)
    assert splits.train.X.dtype == np.uint8
    assert "stand-in" in splits.name
    channels = splits.train.X[:100].reshape(100, 32, 32, 3)
    assert (channels == channels[..., :1]).all()
    assert len(splits.classes) == 10


# ------------------------------------------------------------------ training

SMALL = Settings(hidden_dim=16, epochs=3, batch_size=50, learning_rate=0.02, lr_decay=1.0)


@pytest.mark.parametrize("kind", settings.MODELS)
def test_training_learns(fake, kind, tmp_path):
    path = tmp_path / "best.safetensors"
    result = train(dataclasses.replace(SMALL, model=kind), fake, model_file=path)
    assert result.steps_per_epoch == 6
    assert len(result.losses) == 18
    assert [record["epoch"] for record in result.epochs] == [1, 2, 3]
    assert np.mean(result.losses[-6:]) < 0.5 * np.mean(result.losses[:2])
    best = result.best_record["validation_accuracy"]
    assert best == max(record["validation_accuracy"] for record in result.epochs) > 0.8
    scaling = Scaling.from_json(result.best.notes["scaling"])
    saved = Classifier.load(path)
    for m in (result.best, saved):
        assert evaluate(m, fake.validation, scaling).accuracy == best
        assert m.parameters()[next(iter(m.parameters()))].dtype == np.float32
    assert test_module.test(saved, fake.validation).accuracy == best
    assert [p.name for p in tmp_path.iterdir()] == ["best.safetensors"]


def test_equal_seeds_give_equal_runs(fake):
    a, b = train(SMALL, fake), train(SMALL, fake)
    assert a.losses == b.losses
    assert train(dataclasses.replace(SMALL, seed=1), fake).losses != a.losses


def test_steps_are_momentum_and_decay_by_hand(fake):
    chosen = dataclasses.replace(
        SMALL, model="linear", epochs=2, lr_decay=0.5, momentum=0.8, reg=0.01
    )
    result = train(chosen, fake)
    scaling = Scaling.of(fake.train.X)
    sampler = DataSampler(fake.train, scaling, chosen.batch_size, chosen.seed)
    parameters = chosen.classifier(3072, 10, np.float32).parameters()
    velocity = {name: np.zeros_like(value) for name, value in parameters.items()}
    model = chosen.classifier(3072, 10, np.float32)
    for epoch, rate in ((0, 0.02), (1, 0.01)):
        for X, y in sampler.epoch(epoch):
            _, gradients = training_step(model.replace(parameters), X, y, 0.01)
            for name, gradient in gradients.items():
                velocity[name] = 0.8 * velocity[name] + gradient
                parameters[name] = parameters[name] - np.float32(rate) * velocity[name]
    for name, value in result.last.parameters().items():
        np.testing.assert_allclose(value, parameters[name], rtol=1e-4, atol=1e-6)


def test_best_model_is_not_the_last_one(fake):
    """A learning rate that destroys the model after it was good."""
    chosen = dataclasses.replace(SMALL, epochs=2)
    good = train(chosen, fake)

    class Wild(SGD):
        def update(self, params, grads, state):
            new, state = super().update(params, grads, state)
            return ({k: 0 * v for k, v in new.items()} if state.step > 6 else new), state

    class WildSettings(Settings):
        def optimizer(self, steps_per_epoch):
            return Wild(0.02, momentum=0.9)

    wild = train(WildSettings(**dataclasses.asdict(chosen)), fake)
    assert wild.best_record["epoch"] == 1
    assert wild.epochs[1]["validation_accuracy"] < 0.2
    scaling = Scaling.of(fake.train.X)
    assert evaluate(wild.best, fake.validation, scaling).accuracy > 0.5
    assert good.epochs[1]["validation_accuracy"] > 0.5


def test_a_diverging_loss_is_an_error(fake):
    with pytest.raises(DivergenceError, match=r"the loss became (inf|nan) in epoch \d"):
        train(dataclasses.replace(SMALL, learning_rate=1e12, epochs=5), fake)


class _Interrupting(train_module.Reporter):
    """Presses Ctrl-C after some steps."""

    def __init__(self, after):
        super().__init__(quiet=True)
        self._after = after

    def step(self, step, epoch, sums):
        if step == self._after:
            signal.raise_signal(signal.SIGINT)


def test_interrupt_keeps_what_there_is(fake, tmp_path):
    path = tmp_path / "m.safetensors"
    result = train(SMALL, fake, model_file=path, reporter=_Interrupting(8))
    assert result.interrupted
    assert len(result.losses) == 8
    assert [record["step"] for record in result.epochs] == [6, 8]
    assert Classifier.load(path).architecture()["hidden_dim"] == 16
    plots.save_plot(tmp_path / "p.png", {"interrupted": result}, "made-up images")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "deep"}, "unknown model 'deep'; known are two-layer, linear"),
        ({"hidden_dim": 0}, "hidden_dim must be at least 1, got 0"),
        ({"epochs": 0}, "epochs must be at least 1, got 0"),
        ({"batch_size": -1}, "batch_size must be at least 1, got -1"),
        ({"learning_rate": math.nan}, "learning_rate must be at least 0, got nan"),
        ({"learning_rate": math.inf}, "learning_rate must be at least 0, got inf"),
        ({"lr_decay": 0.0}, "lr_decay must be above 0 and at most 1, got 0.0"),
        ({"lr_decay": 1.5}, "lr_decay must be above 0 and at most 1, got 1.5"),
        ({"momentum": 1.0}, "momentum must be at least 0 and below 1, got 1.0"),
        ({"reg": -0.1}, "reg must be at least 0, got -0.1"),
        ({"weight_scale": -1.0}, "weight_scale must be at least 0, got -1.0"),
        ({"num_train": 0}, "num_train must be at least 1, got 0"),
        ({"seed": -1}, "seed must be at least 0, got -1"),
    ],
)
def test_settings_out_of_range(change, message):
    with pytest.raises(wg.ConfigError) as raised:
        Settings(**change)
    assert message in str(raised.value)


# ------------------------------------------------------------------ plots


def test_plot_has_labels_and_titles(fake):
    runs = {"one": train(SMALL, fake), "two": train(dataclasses.replace(SMALL, epochs=1), fake)}
    figure = plots.draw_runs(runs, "made-up images")
    assert len(figure.axes) == 4
    assert figure.get_suptitle() == "made-up images"
    for axes, (title, label) in zip(
        figure.axes,
        [
            ("one: loss", "cross entropy (nats)"),
            ("one: accuracy", "accuracy (%)"),
            ("two: loss", "cross entropy (nats)"),
            ("two: accuracy", "accuracy (%)"),
        ],
        strict=True,
    ):
        assert axes.get_title() == title
        assert axes.get_xlabel() == "epoch"
        assert axes.get_ylabel() == label
        assert axes.get_legend() is not None


def test_committed_picture():
    path = LAB / "neuralnet.png"
    assert path.stat().st_size < 200_000
    with Image.open(path) as image:
        assert image.width >= 800


# ------------------------------------------------------------------ scripts


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


QUICK = "--hidden-dim 8 --epochs 2 --batch-size 50 --learning-rate 0.02 --num-validation 200"


def test_train_and_test_scripts(fake, here, capsys):
    assert train_module.main(QUICK.split()) == 0
    captured = capsys.readouterr()
    assert captured.err.count("epoch ") == 2
    assert "validation accuracy" in captured.out
    assert "made-up images: 300 training images" in captured.out
    assert sorted(p.name for p in here.iterdir()) == ["model.safetensors", "plot.pdf"]
    assert (here / "plot.pdf").read_bytes().startswith(b"%PDF")
    assert test_module.main([]) == 0
    out = capsys.readouterr().out
    accuracy = test_module.test(Classifier.load("model.safetensors"), _FAKE[1]).accuracy
    assert accuracy > 0.5
    assert f"test accuracy {100 * accuracy:.2f} %" in out
    assert len(out.splitlines()) == 12


def test_every_hyperparameter_has_a_flag(fake, here):
    flags = (
        "--model two-layer --hidden-dim 9 --epochs 1 --batch-size 30 --learning-rate 0.01 "
        "--lr-decay 0.5 --momentum 0.5 --reg 0.1 --weight-scale 0.03 --num-train 60 --seed 4 "
        "--num-validation 50 --model-file m.safetensors --plot-file p.svg"
    )
    assert train_module.main(flags.split()) == 0
    noted = Classifier.load("m.safetensors").notes["settings"]
    assert noted == {
        "model": "two-layer",
        "hidden_dim": 9,
        "epochs": 1,
        "batch_size": 30,
        "learning_rate": 0.01,
        "lr_decay": 0.5,
        "momentum": 0.5,
        "reg": 0.1,
        "weight_scale": 0.03,
        "num_train": 60,
        "seed": 4,
    }
    assert "<svg" in (here / "p.svg").read_text()


def test_overfit_flag_changes_the_defaults():
    parser = argparse.ArgumentParser()
    settings.add_flags(parser)
    given = parser.parse_args(["--epochs", "7"])
    assert settings.settings_of(given) == dataclasses.replace(TUNED, epochs=7)
    assert settings.settings_of(given, OVERFIT, 3) == dataclasses.replace(OVERFIT, epochs=7, seed=3)
    assert OVERFIT.num_train <= 1_000


def test_linear_model_by_flag(fake, here, capsys):
    assert train_module.main("--model linear --epochs 1 --num-validation 50".split()) == 0
    assert isinstance(Classifier.load("model.safetensors"), LinearClassifier)
    assert train_module.main("--model linear --hidden-dim 5".split()) == 2
    assert "the linear model has no hidden layer" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("--layers 3", "unrecognized arguments: --layers 3"),
        ("--epo 3", "unrecognized arguments: --epo 3"),
        ("--epochs many", "argument --epochs: invalid int value: 'many'"),
        ("--epochs 0", "epochs must be at least 1, got 0"),
        ("--lr-decay 2", "lr_decay must be above 0 and at most 1, got 2.0"),
        ("--model deep", "argument --model: invalid choice: 'deep'"),
        ("--num-train 301", "there are 300 training images"),
        ("--num-validation 0", "there are 5000 validation images"),
        ("--plot-file plot.doc", "plots can be written as .pdf, .png, .svg"),
        ("--plot-file none/plot.pdf", "there is no directory none; make it first"),
        ("--model-file none/m.safetensors", "there is no directory none; make it first"),
        ("--model-file .", "is a directory; name a file"),
        ("--seed -1", "seed must be at least 0, got -1"),
        ("--learning-rate 1e12 --epochs 5", "lower the learning rate"),
    ],
)
def test_bad_flags(fake, here, capsys, flags, message):
    assert train_module.main(flags.split()) == 2
    err = capsys.readouterr().err
    error = err.splitlines()[-1]
    assert error.startswith("python -m labs.neuralnet.train: error: ")
    assert message in error
    assert "Traceback" not in err
    assert not (here / "plot.pdf").exists()


@pytest.mark.parametrize("module", [train_module, test_module])
def test_data_directory_that_is_not_there(here, capsys, module):
    TwoLayerNet(4, 3, 2).save("model.safetensors")
    assert module.main(["--data-dir", "nowhere"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "nowhere: no such directory" in err


def test_test_script_refuses_other_models(fake, here, capsys):
    def refused(message):
        assert test_module.main([]) == 2
        captured = capsys.readouterr()
        assert captured.err.count("\n") == 1
        assert message in captured.err

    refused("model.safetensors: no such file")
    TwoLayerNet(16, 10, 4).save("model.safetensors")
    refused("the model takes 16 inputs, the images have 3072 values")
    LinearClassifier(3072, 10).save("model.safetensors")
    refused("the scaling of the pixels is missing or damaged")
    path = here / "model.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    refused("model.safetensors: cut short, damaged or not a safetensors file")
    model = LinearClassifier(3072, 7)
    model.notes["scaling"] = Scaling.of(_FAKE[0].X[:9]).to_json()
    model.save("model.safetensors")
    refused("the model knows 7 classes, the images have 10")


def test_interrupted_script_saves_and_exits_130(fake, here, capsys, monkeypatch):
    monkeypatch.setattr(train_module, "Reporter", lambda: _Interrupting(8))
    assert train_module.main(QUICK.split()) == 130
    assert sorted(p.name for p in here.iterdir()) == ["model.safetensors", "plot.pdf"]
    assert capsys.readouterr().err.endswith("interrupted\n")


# ------------------------------------------------------------------ the lab


def _options(out, *flags, quick=True):
    parser = argparse.ArgumentParser()
    lab.add_arguments(parser)
    given = vars(parser.parse_args(flags))
    return argparse.Namespace(out=out, quick=quick, seed=None, data_dir=None, **given)


@pytest.mark.skipif(not FASHION.is_dir(), reason="needs dataset-fashion-mnist")
def test_lab_quick(tmp_path):
    figures = lab.run(_options(tmp_path))
    assert figures["layers_max_difference"] < 1e-9
    assert figures["classifiers_max_difference"] < 1e-10
    assert figures["validation_accuracy"] > 0.7
    assert figures["test_accuracy"] > 0.7
    assert figures["overfit_train_accuracy"] >= 0.99
    assert figures["overfit_gap_points"] >= 15
    assert "stand-in" in figures["data"]
    files = {"metrics.jsonl", "model.safetensors", "neuralnet.png", "plot.pdf"}
    assert {p.name for p in tmp_path.iterdir()} == files
    json.dumps(figures)
    records = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert len({record["run"] for record in records}) == 2
    assert records[-1]["train_accuracy"] == figures["overfit_train_accuracy"]


def test_lab_flags_and_interrupt(fake, tmp_path, monkeypatch):
    monkeypatch.setattr(lab, "Reporter", lambda quiet: _Interrupting(3))
    monkeypatch.setattr(lab, "_QUICK_TUNED", dataclasses.replace(TUNED, num_train=200))
    with pytest.raises(KeyboardInterrupt) as stop:
        lab.run(_options(tmp_path, "--hidden-dim", "5"))
    assert stop.value.figures["epochs"] == 2  # of two steps each, the second cut short
    assert "test_accuracy" not in stop.value.figures
    assert Classifier.load(tmp_path / "model.safetensors").architecture()["hidden_dim"] == 5
    assert (tmp_path / "neuralnet.png").exists()


def test_lab_refuses_to_train_on_wrong_gradients(tmp_path, monkeypatch):
    right = layers.relu_backward
    monkeypatch.setattr(gradcheck_layers, "relu_backward", lambda g, c: 1.01 * right(g, c))
    with pytest.raises(wg.WengertValueError, match="a check failed: relu grad_x"):
        lab.run(_options(tmp_path))


def test_committed_figures():
    figures = json.loads((LAB / "figures.json").read_text())
    figures = figures.get("figures", figures)
    assert figures["layers_max_difference"] < 1e-9
    assert figures["classifiers_max_difference"] < 1e-10
    assert figures["training_images"] == 45_000
    assert figures["validation_images"] == 5_000
    assert figures["validation_accuracy"] >= 0.85
    assert figures["overfit_training_images"] <= 1_000
    assert figures["overfit_train_accuracy"] >= 0.99
    assert figures["overfit_gap_points"] >= 15
    assert figures["overfit_seconds"] <= 90
