"""The linear classifier: the program, its variants, its gradients, and long descents."""

from __future__ import annotations

import argparse
import ast
import difflib
import inspect
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import wengert as wg
from labs.linear_classifier import classifier, data, lab, training
from labs.linear_classifier.training import Curves
from wengert.testing import check_grads

FOLDER = Path(lab.__file__).parent
SOURCE = (FOLDER / "classifier.py").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def images() -> data.Images:
    return data.load(train=600, test=200)


# ------------------------------------------------------------------ the program


def test_two_loops_in_the_whole_program() -> None:
    loops = [
        node
        for node in ast.walk(ast.parse(SOURCE))
        if isinstance(node, (ast.For, ast.While, ast.comprehension, ast.AsyncFor))
    ]
    assert [type(node) for node in loops] == [ast.For, ast.For]


def body_of(function: Any) -> list[str]:
    lines = inspect.getsource(function).splitlines()
    return [line for line in lines[1:] if '"""' not in line]


def test_the_variants_differ_in_three_lines() -> None:
    numerical, automatic = body_of(classifier.numerical), body_of(classifier.automatic)
    changes = list(difflib.ndiff(numerical, automatic))
    # The features, the gradient; and that the descent is not compiled.
    assert sum(line.startswith("- ") for line in changes) == 4
    assert sum(line.startswith("+ ") for line in changes) <= 4
    assert "    grad_f = grad(loss)" in automatic


def with_plain_numpy() -> ModuleType:
    line = "import wengert.numpy as np\n"
    assert SOURCE.count(line) == 1
    module = ModuleType("classifier_with_plain_numpy")
    exec(SOURCE.replace(line, "import numpy as np\n"), vars(module))
    return module


def test_plain_numpy_works_as_well(images: data.Images) -> None:
    plain = with_plain_numpy()
    assert plain.np is np
    for variant, epochs in (("automatic", 5), ("numerical", 1)):
        ours = getattr(classifier, variant)(images.x_train, images.y_train, epochs)
        theirs = getattr(plain, variant)(images.x_train, images.y_train, epochs)
        np.testing.assert_array_equal(ours[0], theirs[0])
        assert ours[1:] == theirs[1:]
        assert type(ours[0]) is np.ndarray
    w = np.random.default_rng(0).normal(size=4 * 3073 + 50)
    loss, plain_loss = classifier.two_layer(4)[1], plain.two_layer(4)[1]
    data_of_few = images.x_train[:10].astype(float), images.y_train[:10]
    np.testing.assert_array_equal(
        classifier.grad(loss)(w, *data_of_few), plain.grad(plain_loss)(w, *data_of_few)
    )


def test_imports_are_what_users_of_older_packages_change() -> None:
    imports = [line for line in SOURCE.splitlines() if line.startswith(("import", "from"))]
    assert imports == ["import wengert.numpy as np", "from wengert import grad, jit"]


def test_sanity_check() -> None:
    derivative = classifier.grad(lambda x: x**2)
    assert [derivative(x) for x in (-1.0, 0.0, 3.0)] == [-2.0, 0.0, 6.0]
    numerical = classifier.numerical_gradient(lambda x: np.sum(x**2))
    np.testing.assert_allclose(numerical(np.array([-1.0, 0.0, 3.0])), [-2.0, 0.0, 6.0], atol=1e-9)


# ------------------------------------------------------------------ gradients


def test_numerical_and_automatic_gradients_agree(images: data.Images) -> None:
    assert lab.agreement(images)["gradient_error"] < 1e-6


def test_gradient_is_the_textbook_one(images: data.Images) -> None:
    X, y = lab.random_features(images.x_train), images.y_train
    W = np.random.default_rng(0).normal(size=(10, 10))
    S = X @ W.T
    p = np.exp(S - S.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(len(y)), y] -= 1
    g = classifier.grad(classifier.loss)(W, X, y)
    np.testing.assert_allclose(g, p.T @ X / len(y), rtol=1e-11, atol=1e-15)


def test_loss_is_stable() -> None:
    S = np.array([[1e4, 0.0], [0.0, -1e4]])
    assert classifier.cross_entropy(S, np.array([0, 0])) == 0.0
    g = classifier.grad(classifier.cross_entropy)(S, np.array([1, 0]))
    np.testing.assert_array_equal(g, [[0.5, -0.5], [0.0, 0.0]])


def test_two_layer_network() -> None:
    rng = np.random.default_rng(0)
    X, y, w = rng.normal(size=(6, 4)), np.array([0, 9, 3, 3, 1, 2]), rng.normal(size=3 * 5 + 40)
    score, loss = classifier.two_layer(3)
    W1, b1, W2, b2 = w[:12].reshape(3, 4), w[12:15], w[15:45].reshape(10, 3), w[45:]
    np.testing.assert_allclose(score(w, X), np.tanh(X @ W1.T + b1) @ W2.T + b2)
    check_grads(lambda w: loss(w, X, y), (w,))
    numerical = classifier.numerical_gradient(loss)(w, X, y)
    np.testing.assert_allclose(numerical, classifier.grad(loss)(w, X, y), atol=1e-9)


# ------------------------------------------------------------------ data and training


def test_data(images: data.Images) -> None:
    x_train, y_train, x_test, y_test, title = images
    assert "stand-in" in title
    assert x_train.shape == (600, 3072)
    assert x_test.shape == (200, 3072)
    assert x_train.dtype == x_test.dtype == np.float32
    assert np.abs(x_train.mean(axis=0)).max() < 1e-6
    assert x_train.max() <= 1
    assert x_train.min() >= -1
    assert set(y_train) == set(range(10))
    channels = x_train.reshape(-1, 32, 32, 3)
    np.testing.assert_array_equal(channels[..., 0], channels[..., 2])
    for array in images[:4]:
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    assert len(y_test) == 200


def test_loss_falls_monotonically(images: data.Images) -> None:
    W, losses, accuracies = classifier.automatic(images.x_train, images.y_train, 100)
    assert W.shape == (10, 3072)
    assert W.dtype == np.float32
    assert np.all(np.diff(losses) < 0)
    assert accuracies[-1] > 0.8
    assert losses[0] < np.log(10)


def test_numerical_descent_is_the_automatic_one(images: data.Images) -> None:
    W, losses, _ = classifier.numerical(images.x_train, images.y_train, 3)
    X = lab.random_features(images.x_train)
    exact, exact_losses, _ = classifier.automatic(X, images.y_train, 3)
    assert W.shape == (10, 10)
    np.testing.assert_allclose(W, exact, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(losses, exact_losses, rtol=1e-9)


def test_without_the_mean_step_tenth_is_too_long() -> None:
    """Why the data are centred and scaled."""
    x = data.load(train=300, test=10)
    _, losses, _ = classifier.automatic(x.x_train * 255, x.y_train, 20)
    assert not np.all(np.diff(losses) < 0)


class TestFollow:
    @staticmethod
    def descend(weights: Any, epochs: int, watch: Any) -> None:
        w = 0 if weights is None else int(weights)
        for _ in range(epochs):
            w += 1
            if watch(np.array(w), 1 / w, 0.5):
                return

    def test_goes_on_from_a_checkpoint(self, tmp_path: Path) -> None:
        path = tmp_path / "c.safetensors"
        whole = training.follow(self.descend, 130, "t")
        training.follow(self.descend, 70, "t", path)
        resumed = training.follow(self.descend, 130, "t", path)
        assert resumed.loss == whole.loss
        assert resumed.weights == 130
        again = training.follow(self.descend, 130, "t", path)  # nothing left to do
        assert again.loss == whole.loss
        assert again.rises == 0
        assert sorted(p.name for p in tmp_path.iterdir()) == ["c.safetensors"]

    @pytest.fixture
    def interruptible(self) -> Iterator[None]:
        """Processes that a shell starts in the background ignore SIGINT, tests included."""
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        yield
        signal.signal(signal.SIGINT, before)

    @pytest.mark.usefixtures("interruptible")
    def test_interrupt_saves(self, tmp_path: Path) -> None:
        path = tmp_path / "c.safetensors"

        def interrupted(weights: Any, epochs: int, watch: Any) -> None:
            def press(w: Any, loss: float, accuracy: float) -> bool:
                if w == 7:
                    signal.raise_signal(signal.SIGINT)
                return bool(watch(w, loss, accuracy))

            self.descend(weights, epochs, press)

        with pytest.raises(KeyboardInterrupt, match="7 epochs are saved"):
            training.follow(interrupted, 100, "t", path)
        assert len(Curves.load(path).loss) == 7

    def test_broken_checkpoint(self, tmp_path: Path) -> None:
        path = tmp_path / "c.safetensors"
        training.follow(self.descend, 3, "t", path)
        for content in (path.read_bytes()[:100], b"", b"text"):
            path.write_bytes(content)
            with pytest.raises(
                wg.DataError, match=r"c\.safetensors: no checkpoint that can be read"
            ):
                training.follow(self.descend, 3, "t", path)

    def test_checkpoint_of_something_else(self, tmp_path: Path) -> None:
        path = tmp_path / "c.safetensors"
        training.follow(self.descend, 3, "t", path, "2000 images")
        with pytest.raises(wg.DataError, match="of '2000 images', not of '50000 images'"):
            training.follow(self.descend, 5, "t", path, "50000 images")


def test_rises_are_counted() -> None:
    assert Curves(None, [3.0, 2.0, 2.0, 2.5, 1.0]).rises == 2


def test_curves_have_labelled_axes() -> None:
    curves = {"a": Curves(None, [2.0, 1.0], [0.1, 0.2]), "b": Curves(None, [1.0], [0.3])}
    figure = training.figure_of(curves, "Title")
    loss, accuracy = figure.axes
    assert (loss.get_xlabel(), loss.get_ylabel()) == ("epoch", "cross entropy (nats)")
    assert (accuracy.get_xlabel(), accuracy.get_ylabel()) == ("epoch", "training accuracy (%)")
    assert loss.get_legend() is not None
    np.testing.assert_array_equal(accuracy.lines[0].get_ydata(), [10.0, 20.0])


# ------------------------------------------------------------------ the lab


def options(out: Path, *arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    lab.add_arguments(parser)
    parsed = parser.parse_args(arguments)
    parsed.out, parsed.quick, parsed.seed, parsed.data_dir = out, True, None, None
    return parsed


def test_quick_run(tmp_path: Path) -> None:
    figures = lab.run(options(tmp_path))
    json.dumps(figures)
    assert "stand-in" in figures["data"]
    assert figures["gradient_error"] < 1e-6
    assert figures["numerical_against_automatic_loss"] < 1e-9
    assert figures["epochs"] == 30
    assert figures["epochs_in_which_loss_rose"] == 0
    assert figures["train_accuracy_percent"] > 70
    for name in ("linear_classifier.png", "two_layer.png", "numerical.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
    assert len(Curves.load(tmp_path / "linear.safetensors").loss) == 30


def test_resume(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for out in (first, second):
        out.mkdir()
    lab.run(options(first, "--epochs", "10"))
    figures = lab.run(options(second, "--epochs", "30", "--resume", str(first)))
    assert figures["epochs"] == 30
    whole = Curves.load(second / "linear.safetensors")
    assert whole.loss[:10] == Curves.load(first / "linear.safetensors").loss
    assert whole.rises == 0
    with pytest.raises(
        wg.DataError, match="no checkpoint linear.safetensors or two_layer.safetensors there"
    ):
        lab.run(options(second, "--resume", str(tmp_path)))


def test_bad_epochs(tmp_path: Path) -> None:
    with pytest.raises(wg.ConfigError, match="--epochs must be at least 1, got -1"):
        lab.run(options(tmp_path, "--epochs", "-1"))
