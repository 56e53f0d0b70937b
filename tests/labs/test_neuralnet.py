"""Lab neuralnet: layers, their gradient checks, and classifiers."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from safetensors.numpy import save_file

import wengert as wg
from labs.neuralnet import (
    Classifier,
    LinearClassifier,
    TwoLayerNet,
    check_softmax,
    gradcheck_classifier,
    gradcheck_layers,
    layers,
)
from labs.neuralnet.train import training_step


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
    refused("its description is a list")
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
