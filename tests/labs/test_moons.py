"""The lab moons: network, training, pictures, speeds and what is committed."""

import argparse
import gc
import json
import math
import re
from pathlib import Path

import numpy as np
import pytest

import wengert as wg
from labs.moons import autogradvalue as scalar
from labs.moons import engines, lab, plots, speed, vectorised
from labs.moons.network import NeuralNetwork
from labs.moons.training import gradient_descent
from wengert.testing import check_grads
from wengert.train import DivergenceError, load_parameters

FOLDER = Path(lab.__file__).parent


# --- the network


def test_the_layers_and_the_first_weights():
    network = NeuralNetwork(20, [40, 50, 50], seed=0)
    assert [w.shape for w in network.weights] == [(21, 40), (41, 50), (51, 50), (51, 1)]
    entries = np.concatenate([w.ravel() for w in network.weights])
    assert abs(entries.mean()) < 0.05
    assert abs(entries.std() - 1) < 0.05
    assert len(set(entries)) == len(entries)
    again = NeuralNetwork(20, [40, 50, 50], seed=0)
    assert all(np.array_equal(v, w) for v, w in zip(network.weights, again.weights, strict=True))
    assert [w.shape for w in NeuralNetwork(3).weights] == [(4, 1)]


def test_predictions_by_hand():
    """One path through the network has a weight: 2, 3, 4, then 5; the other units are at 1/2."""
    network = NeuralNetwork(2, [4, 5, 4], seed=0)
    for i, w in enumerate(network.weights):
        w[:] = 0
        w[0, 0] = i + 2
    X = np.ones((3, 2))

    def sigmoid(z):
        return 1 / (1 + math.exp(-z))

    logit = 5 * sigmoid(4 * sigmoid(3 * sigmoid(2)))
    assert logit == pytest.approx(4.88332188, rel=1e-8)
    np.testing.assert_allclose(network.prediction_function(X, network.weights), [[logit]] * 3)
    np.testing.assert_allclose(network.predict_probability(X), [[sigmoid(logit)]] * 3)
    assert network.predict(X).tolist() == [[True]] * 3
    assert network.accuracy(X, np.array([1, 1, 0])) == pytest.approx(2 / 3)
    assert network.accuracy(X, np.array([[1], [1], [0]])) == pytest.approx(2 / 3)
    # A sum, not a mean.
    loss = -2 * math.log(sigmoid(logit)) - math.log(1 - sigmoid(logit))
    assert network.nll(X, np.array([1, 1, 0])) == pytest.approx(loss, rel=1e-12)


def test_the_bias_is_the_last_row():
    network = NeuralNetwork(1, [], seed=0)
    network.weights = [np.array([[2.0], [0.5]])]
    X = np.array([[3.0]])
    np.testing.assert_array_equal(network.prediction_function(X, network.weights), [[6.5]])


@pytest.mark.parametrize("hidden", [[], [5, 5], [7]])
def test_all_engines_give_the_same_loss_and_gradients(hidden):
    X, y = lab.moons(0)
    results = {}
    for engine in engines.ENGINES:
        network = NeuralNetwork(2, hidden, engine=engine, seed=1)
        loss, gradients = network.nll_and_grad(X, y)
        assert [g.shape for g in gradients] == [w.shape for w in network.weights]
        assert [g.dtype for g in gradients] == [np.float64] * len(gradients)
        assert loss == pytest.approx(float(network.nll(X, y)), rel=1e-13)
        results[engine] = gradients
    for gradients in results.values():
        for g, reference in zip(gradients, results["wengert"], strict=True):
            np.testing.assert_allclose(g, reference, rtol=0, atol=1e-12 * np.abs(reference).max())


def test_gradients_against_finite_differences():
    X, y = lab.moons(0)
    network = NeuralNetwork(2, [3], seed=0)
    check_grads(lambda w: network.nll(X, y, w), (network.weights,), order=1)


def test_the_scalar_engine_leaves_the_collector_as_it_was():
    network = NeuralNetwork(2, [2], engine="scalar", seed=0)
    X, y = lab.moons(0)
    assert gc.isenabled()
    network.nll_and_grad(X, y)
    assert gc.isenabled()
    network.weights = [w * 1e6 for w in network.weights]
    with pytest.raises(ArithmeticError):
        network.nll_and_grad(X, y)
    assert gc.isenabled()


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: NeuralNetwork(0), wg.ConfigError, "units above zero, got 0; dims is 0"),
        (lambda: NeuralNetwork(2, [5, 2.5]), wg.ConfigError, "units above zero, got 2.5"),
        (lambda: NeuralNetwork(2, [5, -1]), wg.ConfigError, "hidden_sizes [5, -1]"),
        (
            lambda: NeuralNetwork(2, [5], engine="warp"),
            wg.ConfigError,
            "unknown engine 'warp'; known are scalar, vectorised, wengert",
        ),
        (
            lambda: NeuralNetwork(2).predict(np.ones((4, 3))),
            wg.ShapeError,
            "X has shape (4, 3), expected (points, 2)",
        ),
        (
            lambda: NeuralNetwork(2).predict_probability(np.ones(2)),
            wg.ShapeError,
            "X has shape (2,), expected (points, 2)",
        ),
        (
            lambda: NeuralNetwork(2).accuracy(np.ones((4, 2)), np.ones(5)),
            wg.ShapeError,
            "y has shape (5,), expected (4,): one label per row of X",
        ),
        (
            lambda: NeuralNetwork(2).nll_and_grad(np.ones((2, 2)), np.array([-1, 1])),
            wg.WengertValueError,
            "labels are 0 and 1; y has np.int64(-1)",
        ),
        (
            lambda: NeuralNetwork(2).nll_and_grad(np.ones((0, 2)), np.ones(0)),
            wg.WengertValueError,
            "there are no data points",
        ),
    ],
)
def test_errors_of_the_network(make, error, message):
    with pytest.raises(error, match=re.escape(message)):
        make()


# --- training


def test_the_bar_shows_loss_and_accuracy(capsys):
    X, y = lab.moons()
    network = NeuralNetwork(2, [5], seed=0)
    first = float(network.nll(X, y))
    losses = gradient_descent(network, X, y, lr=1e-2, steps=7)
    shown = capsys.readouterr().err
    assert "7/7" in shown
    assert f"loss {losses[-1]:.2f}, accuracy {network.accuracy(X, y):.2f}" in shown
    assert len(losses) == 7
    assert losses[0] == first
    assert all(type(loss) is float for loss in losses)
    assert network.nll(X, y) < losses[-1] < first


def test_a_step_is_the_gradient_times_lr():
    X, y = lab.moons()
    network = NeuralNetwork(2, [5], seed=0)
    weights, (_, gradients) = network.weights, network.nll_and_grad(X, y)
    gradient_descent(network, X, y, lr=0.01, steps=1, progress=False)
    for new, w, g in zip(network.weights, weights, gradients, strict=True):
        np.testing.assert_array_equal(new, w - 0.01 * g)


def test_no_bar_without_progress(capsys):
    X, y = lab.moons()
    assert gradient_descent(NeuralNetwork(2), X, y, steps=2, progress=False)
    assert capsys.readouterr().err == ""


def test_ctrl_c_keeps_what_there_is(monkeypatch):
    X, y = lab.moons()
    network = NeuralNetwork(2, [5], seed=0)
    whole = network.loss_and_gradients

    def interrupted(*args, calls=[]):  # noqa: B006
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return whole(*args)

    monkeypatch.setattr(network, "loss_and_gradients", interrupted)
    assert len(gradient_descent(network, X, y, lr=1e-2, steps=10)) == 3
    other = NeuralNetwork(2, [5], seed=0)
    gradient_descent(other, X, y, lr=1e-2, steps=3)
    for w, v in zip(network.weights, other.weights, strict=True):
        np.testing.assert_array_equal(w, v)


@pytest.mark.parametrize("engine", list(engines.ENGINES))
def test_a_loss_that_diverges_is_reported(engine):
    X, y = lab.moons()
    network = NeuralNetwork(2, [5], engine=engine, seed=0)
    with pytest.raises(DivergenceError, match=r"gradient_descent: step \d+: .*; try a lr below 1e"):
        gradient_descent(network, X, y, lr=1e9, steps=20, progress=False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lr": 0}, "lr must be a number above zero, got 0"),
        ({"lr": math.nan}, "lr must be a number above zero, got nan"),
        ({"lr": math.inf}, "lr must be a number above zero, got inf"),
        ({"steps": -1}, "steps must be a whole number from 0 on, got -1"),
        ({"steps": 1.5}, "steps must be a whole number from 0 on, got 1.5"),
    ],
)
def test_errors_of_training(arguments, message):
    X, y = lab.moons()
    with pytest.raises(wg.WengertValueError, match=message):
        gradient_descent(NeuralNetwork(2), X, y, **arguments)


@pytest.mark.parametrize("engine", [name for name in engines.ENGINES if name != "scalar"])
@pytest.mark.parametrize(("hidden", "least"), [(lab.SMALL, 0.99), (lab.WIDE, 1.0)])
def test_the_stated_seed_reaches_its_accuracy(engine, hidden, least):
    X, y = lab.moons(lab.SEED)
    network = NeuralNetwork(2, hidden, engine=engine, seed=lab.SEED)
    gradient_descent(network, X, y, lr=3e-2, steps=250, progress=False)
    assert network.accuracy(X, y) >= least


@pytest.mark.slow
def test_the_scalar_engine_reaches_its_accuracy():
    X, y = lab.moons(lab.SEED)
    network = NeuralNetwork(2, lab.SMALL, engine="scalar", seed=lab.SEED)
    gradient_descent(network, X, y, lr=3e-2, steps=250, progress=False)
    assert network.accuracy(X, y) >= 0.99


# --- pictures


def test_the_boundary_has_labels_and_all_points():
    X, y = lab.moons()
    axes = plots.plot_boundary(NeuralNetwork(2, [5], seed=0), X, y).axes[0]
    assert axes.get_xlabel() == "feature 1"
    assert axes.get_ylabel() == "feature 2"
    assert axes.get_title().startswith("accuracy 0.")
    points = [c.get_offsets() for c in axes.collections if c.get_label().startswith("class")]
    assert sorted(map(tuple, np.concatenate(points).tolist())) == sorted(map(tuple, X.tolist()))
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["class 0", "class 1"]


def test_the_line_is_where_the_probability_is_one_half():
    """Logistic regression with weights (1, 0) and bias 0: the line feature 1 = 0."""
    network = NeuralNetwork(2)
    network.weights = [np.array([[1.0], [0.0], [0.0]])]
    X = np.array([[-1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
    axes = plots.plot_boundary(network, X, np.array([0, 1, 0]), title="a line").axes[0]
    assert axes.get_title() == "a line"
    line = next(c for c in axes.collections if list(getattr(c, "levels", [])) == [0.5])
    np.testing.assert_allclose(line.get_paths()[0].vertices[:, 0], 0, atol=1e-9)


def test_no_line_where_one_class_is_everywhere():
    """Matplotlib would warn of a contour line that is nowhere."""
    network = NeuralNetwork(2)
    network.weights = [np.array([[0.0], [0.0], [5.0]])]
    axes = plots.plot_boundary(network, np.eye(2), np.array([0, 1])).axes[0]
    assert not [c for c in axes.collections if list(getattr(c, "levels", [])) == [0.5]]


def test_a_boundary_needs_a_plane():
    with pytest.raises(wg.ShapeError, match="the plane has 2 features, and the network was made"):
        plots.plot_boundary(NeuralNetwork(3), np.ones((2, 3)), np.array([0, 1]))


def test_the_losses_as_curves():
    losses = {"scalar, 2-5-5-1": [3.0, 2.0], "b, c": [9.0], "wengert, 2-5-5-1": [3.0, 2.0, 1.0]}
    axes = plots.plot_losses(losses).axes[0]
    assert axes.get_title() == "Two moons: loss over the steps"
    assert axes.get_xlabel() == "step of gradient descent"
    assert axes.get_ylabel() == "negative log-likelihood, sum (nats)"
    lines = axes.get_lines()
    assert lines[2].get_xydata().tolist() == [[1, 3], [2, 2], [3, 1]]
    assert lines[0].get_color() == lines[2].get_color() != lines[1].get_color()
    assert lines[0].get_linewidth() == lines[1].get_linewidth() > lines[2].get_linewidth()
    assert [text.get_text() for text in axes.get_legend().get_texts()] == list(losses)


# --- speeds and the lab


def test_any_number_of_engines_is_measured():
    X, y = lab.moons()
    with_one_more = {**engines.ENGINES, "wengert again": wg.value_and_grad}
    del with_one_more["scalar"]
    speeds = speed.steps_per_second(X, y, [5], rounds=1, burst=0.001, engines=with_one_more)
    assert list(speeds) == ["vectorised", "wengert", "wengert again"]
    assert all(value > 1 for value in speeds.values())


def test_the_table_of_speeds():
    speeds = {"2-5-5-1": {"scalar": 20.04, "fast": 12345.0}, "2-9-1": {"scalar": 0.5, "fast": 99.9}}
    assert speed.table(speeds).splitlines() == [
        "steps per second         2-5-5-1           2-9-1",
        "scalar             20.0 (1.00 x)  0.500 (1.00 x)",
        "fast              12,300 (616 x)    99.9 (200 x)",
    ]


def options(out, *flags):
    parser = argparse.ArgumentParser()
    lab.add_arguments(parser)
    parsed = parser.parse_args(flags)
    return argparse.Namespace(
        **{"out": out, "quick": True, "seed": None, "data_dir": None, **vars(parsed)}
    )


def test_the_lab(tmp_path, capsys):
    figures = lab.run(options(tmp_path))
    assert figures["seed"] == lab.SEED
    assert figures["accuracy_vectorised_2_5_5_1"] >= 0.99
    assert figures["accuracy_vectorised_2_25_25_1"] == 1.0
    assert figures["accuracy_wengert_2_5_5_1"] >= 0.99
    assert figures["accuracy_wengert_2_25_25_1"] == 1.0
    assert figures["largest_difference_of_gradients"] < 1e-12
    printed = capsys.readouterr().out
    for engine in engines.ENGINES:
        assert figures[f"steps_per_second_{engine}_2_5_5_1"] > 0
        assert f"\n{engine} " in printed
    pictures = {path.name for path in tmp_path.glob("*.png")}
    assert pictures == {"moons.png", "loss.png"}
    names = ["layer0", "layer1", "layer2"]
    like = dict(zip(names, NeuralNetwork(2, lab.WIDE).weights, strict=True))
    weights = load_parameters(tmp_path / "vectorised-2-25-25-1.safetensors", like)
    network = NeuralNetwork(2, lab.WIDE)
    network.weights = [weights[name] for name in names]
    X, y = lab.moons(lab.SEED)
    assert network.accuracy(X, y) == 1.0


def test_the_lab_interrupted_in_training(tmp_path, monkeypatch):
    def two_steps(model, X, y, lr, steps):
        return gradient_descent(model, X, y, lr, 2, progress=False)

    monkeypatch.setattr(lab, "gradient_descent", two_steps)
    figures = lab.run(options(tmp_path))
    assert figures["interrupted"] == "scalar, 2-5-5-1: after 2 of 20 steps"
    assert "accuracy_scalar_2_5_5_1" in figures
    written = sorted(path.name for path in tmp_path.iterdir())
    assert written == ["loss.png", "moons.png", "scalar-2-5-5-1.safetensors"]


def test_the_lab_interrupted_while_it_measures(tmp_path, monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(lab, "steps_per_second", interrupt)
    figures = lab.run(options(tmp_path, "--steps", "3"))
    assert figures["interrupted"] == "while the engines were compared"
    assert figures["steps"] == 3
    assert (tmp_path / "moons.png").exists()


def test_no_steps_at_all(tmp_path):
    figures = lab.run(options(tmp_path, "--steps", "0"))
    assert figures["accuracy_wengert_2_5_5_1"] == figures["accuracy_scalar_2_5_5_1"]


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_seeds_that_cannot_be(tmp_path, seed):
    chosen = options(tmp_path)
    chosen.seed = seed
    with pytest.raises(wg.ConfigError, match=f"--seed must be .* got {seed}"):
        lab.run(chosen)
    assert not list(tmp_path.iterdir())


# --- what is committed


def test_the_readme_has_the_speeds_of_the_full_run():
    figures = json.loads((FOLDER / "figures.json").read_text())["figures"]
    readme = (FOLDER / "README.md").read_text()
    for engine in engines.ENGINES:
        cells = [f"| {engine}"]
        for network in ("2_5_5_1", "2_25_25_1"):
            own = figures[f"steps_per_second_{engine}_{network}"]
            ratio = own / figures[f"steps_per_second_scalar_{network}"]
            text = f" ({_rounded(ratio)} x)" if engine != "scalar" else ""
            cells.append(f"{_rounded(own)}{text}")
        assert " | ".join(cells) in readme
    assert f"{figures['seeds_with_99_percent_2_5_5_1']} lead the small network" in readme


def _rounded(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def test_the_sizes_of_the_graphs():
    """The README and the notebook tell how many values a step makes."""
    X, y = lab.moons()
    for module, wrap, least, most in (
        (vectorised, vectorised.AutogradValue, 24, 24),
        (scalar, scalar.wrap_array, 13_500, 14_499),
    ):
        network = NeuralNetwork(2, lab.SMALL, seed=0)
        seen = {network.nll(X, y, [wrap(w) for w in network.weights])}
        stack = list(seen)
        while stack:
            for parent in stack.pop().parents:
                if isinstance(parent, module.AutogradValue) and parent not in seen:
                    seen.add(parent)
                    stack.append(parent)
        assert least <= len(seen) <= most
