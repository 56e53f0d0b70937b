"""The exercises: every automatic answer is the analytic one, and the analytic ones are right."""

import argparse
import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import wengert as wg
from labs.exercises import lab, libraries, linear_regression, plots, problems, solve
from labs.exercises.libraries import wengert
from labs.exercises.problems import EXERCISES

KEYS = [exercise.key for exercise in EXERCISES]


def by_key(key):
    return EXERCISES[KEYS.index(key)]


def test_all_exercises_are_there():
    assert KEYS == [
        "taylor_cos",
        "linear_regression",
        "tanh_fourth",
        "quadratic",
        "trace",
        "least_squares",
        "logistic",
    ]


@pytest.mark.parametrize("exercise", EXERCISES, ids=KEYS)
def test_the_automatic_answer_is_the_analytic_one(exercise):
    answer, reference = exercise.automatic(wengert)(), exercise.analytic()
    assert solve.relative_difference(answer, reference) <= 1e-10


@pytest.mark.peers
@pytest.mark.parametrize("name", libraries.PEERS)
@pytest.mark.parametrize("exercise", EXERCISES, ids=KEYS)
def test_the_other_libraries_agree(exercise, name):
    library = libraries.installed_peers()[name]
    if library is None:
        pytest.skip(f"{name} is not installed")
    answer = exercise.automatic(library)()
    answer = tuple(map(np.asarray, answer)) if isinstance(answer, tuple) else np.asarray(answer)
    assert solve.relative_difference(answer, exercise.analytic()) <= 1e-10


# --- the analytic answers, without any differentiation library


def differences(f, x, h=1e-4):
    """The gradient by central differences with one step of Richardson's extrapolation."""
    gradient = np.empty(x.shape)
    for i in np.ndindex(x.shape):
        e = np.zeros(x.shape)
        e[i] = 1

        def central(h, e=e):
            return (f(x + h * e) - f(x - h * e)) / (2 * h)

        gradient[i] = (4 * central(h / 2) - central(h)) / 3
    return gradient


@pytest.mark.parametrize(
    ("key", "f", "x"),
    [
        ("trace", problems.trace, problems.TRACE_X),
        ("least_squares", problems.least_squares, problems.LEAST_X),
        ("logistic", problems.logistic, problems.LOGISTIC_X),
    ],
)
def test_analytic_gradients(key, f, x):
    answer = by_key(key).analytic()
    gradient = answer[0] if isinstance(answer, tuple) else answer
    np.testing.assert_allclose(
        gradient, differences(lambda x: f(wengert, x), x), rtol=1e-8, atol=1e-8
    )


@pytest.mark.parametrize(
    ("key", "f", "x"),
    [
        ("quadratic", problems.quadratic, problems.QUADRATIC_X),
        ("least_squares", problems.least_squares, problems.LEAST_X),
        ("logistic", problems.logistic, problems.LOGISTIC_X),
    ],
)
def test_analytic_hessians(key, f, x):
    answer = by_key(key).analytic()
    hessian = answer[1] if isinstance(answer, tuple) else answer

    def gradient_entry(i):
        e = np.eye(len(x))[i]
        return lambda x: differences(lambda t: f(wengert, x + t * e), np.zeros(()), 1e-2)

    rows = [differences(gradient_entry(i), x, 1e-2) for i in range(len(x))]
    np.testing.assert_allclose(hessian, rows, rtol=1e-5, atol=1e-5)


def test_the_quadratic_form_is_not_symmetric():
    """With a symmetric matrix the wrong answer, A, would pass."""
    assert not np.allclose(problems.QUADRATIC_A, problems.QUADRATIC_A.T, atol=0.1)


@given(st.floats(-3, 3))
def test_the_fourth_derivative_of_tanh(x):
    d = 1e-2
    stencil = np.array([-1, 12, -39, 56, -39, 12, -1]) / 6  # fourth derivative, error O(d^4)
    numeric = stencil @ np.tanh(x + d * np.arange(-3, 4)) / d**4
    assert problems.tanh_fourth(x) == pytest.approx(numeric, abs=2e-4)
    f = np.tanh
    for _ in range(4):
        f = wg.elementwise_grad(f)
    assert f(x) == pytest.approx(problems.tanh_fourth(x), rel=1e-10, abs=1e-13)


@given(st.floats(-6, 6))
def test_the_taylor_series(x):
    assert problems.taylor_cos(x) == pytest.approx(np.cos(x), abs=1e-12)
    assert wg.grad(problems.taylor_cos)(x) == pytest.approx(-np.sin(x), abs=1e-12)


# --- linear regression


def test_the_four_figures():
    rows = linear_regression.compare(wengert)
    assert [(f"{w:.5f}", f"{f5:.3f}") for _, w, f5 in rows] == [
        ("2.00000", "10.000"),
        ("2.00000", "10.000"),
        ("1.92248", "9.612"),
        ("1.92248", "9.612"),
    ]
    text = linear_regression.as_text(rows).splitlines()
    assert text[0] == "the course's gradient, by hand    w = 2.00000  f(5) = 10.000"
    assert text[3] == "wengert, gradient of the mean     w = 1.92248  f(5) = 9.612"


@given(st.floats(-10, 10))
def test_the_course_gradient_is_four_times_the_true_one(w):
    x, y = linear_regression.X, linear_regression.Y
    true, course = linear_regression.true_gradient(w), linear_regression.course_gradient(w)
    of_mean = wg.grad(linear_regression.mean_squared_error)(w, x, y)
    of_sum = wg.grad(linear_regression.sum_of_squares)(w, x, y)
    assert course == pytest.approx(4 * true, rel=1e-12, abs=1e-12)
    assert of_mean == pytest.approx(true, rel=1e-10, abs=1e-12)
    assert of_sum == pytest.approx(course, rel=1e-10, abs=1e-12)
    assert of_mean == pytest.approx(15 * (w - 2), rel=1e-10, abs=1e-12)


def test_the_descent_by_hand():
    """Each step keeps 1 - 0.01 * 15 = 0.85 of the error."""
    weights = linear_regression.descend(linear_regression.true_gradient)
    np.testing.assert_allclose(weights, 2 - 2 * 0.85 ** np.arange(21), rtol=1e-12)
    weights = linear_regression.descend(linear_regression.course_gradient, iterations=3)
    np.testing.assert_allclose(weights, 2 - 2 * 0.4 ** np.arange(4), rtol=1e-12)


# --- solving


def test_relative_difference():
    reference = np.array([1.0, -4.0])
    assert solve.relative_difference(np.array([1.0, -3.0]), reference) == 0.25
    assert solve.relative_difference((reference, reference + 1), (reference, reference)) == 0.25
    assert np.isnan(solve.relative_difference(np.array([np.nan, 0]), reference))
    with pytest.raises(ValueError, match=re.escape("shape (1, 2), the reference (2,)")):
        solve.relative_difference(reference[None], reference)
    with pytest.raises(ValueError, match="zip"):
        solve.relative_difference((reference,), (reference, reference))


def test_a_solution():
    solution = solve.solve(by_key("logistic"), {"JAX": None}, rounds=3, burst=1e-3)
    assert list(solution.answers) == ["analytic", "wengert", "JAX"]
    assert solution.answers["JAX"] is None
    assert set(solution.seconds) == set(solution.ratios) == {"analytic", "wengert"}
    assert solution.ratios["wengert"] == 1
    assert min(solution.seconds.values()) > 0
    assert solution.differences == {"wengert": pytest.approx(0, abs=1e-10)}
    text = solve.describe(solution)
    assert text.splitlines()[0] == "gradient, Hessian of ln(1 + exp<a, x>), n = 5"
    assert len(re.findall(r"^  analytic +\[", text, re.MULTILINE)) == 2
    assert len(re.findall(r"^  wengert +\[", text, re.MULTILINE)) == 2
    assert re.search(r"^  analytic +[\d.]+ [nu]s, [\d.e-]+ x wengert's time$", text, re.MULTILINE)
    assert re.search(r"^  wengert +[\d.e+]+ [um]s, difference \de[-+]\d\d$", text, re.MULTILINE)
    assert "  JAX       not installed" in text.splitlines()


def test_the_table():
    solution = solve.Solution(
        exercise=by_key("trace"),
        answers={"analytic": 0, "wengert": 0, "autograd": 0, "JAX": None},
        differences={"wengert": 2.4e-16, "autograd": 0.0},
        seconds={"analytic": 2e-9, "wengert": 3.25e-5, "autograd": 1.5},
        ratios={"analytic": 0.00006154, "wengert": 1.0, "autograd": 46154.0},
    )
    head, row = solve.table([solution]).splitlines()
    assert head.split() == ["exercise", "difference", "analytic", "wengert", "autograd", "JAX"]
    assert re.split(r" {2,}", row) == [
        "gradient of tr(AXB), X is 4 x 5",
        "2e-16",
        "2 ns (6.2e-05 x)",
        "32.5 us",
        "1.5 s (4.6e+04 x)",
        "not installed",
    ]


@pytest.fixture
def no_peers(monkeypatch):
    monkeypatch.setattr(libraries.importlib.util, "find_spec", lambda module: None)


@pytest.mark.usefixtures("no_peers")
def test_libraries_that_are_missing():
    assert libraries.installed_peers() == {"autograd": None, "PyTorch": None, "JAX": None}


# --- the lab and its picture


def options(out, *flags):
    parser = argparse.ArgumentParser()
    lab.add_arguments(parser)
    return argparse.Namespace(
        out=out, quick=True, seed=None, data_dir=None, **vars(parser.parse_args(flags))
    )


@pytest.mark.usefixtures("no_peers")
def test_the_lab(tmp_path, capsys):
    figures = lab.run(options(tmp_path, "--answers"))
    assert figures["course_gradient_w"] == "2.00000"
    assert figures["course_gradient_f5"] == "10.000"
    assert figures["true_gradient_w"] == "1.92248"
    assert figures["true_gradient_f5"] == "9.612"
    assert figures["largest_difference"] <= 1e-10
    for key in KEYS:
        assert figures[f"{key}_difference"] <= 1e-10
        analytic, own, *others = figures[f"{key}_microseconds"]
        assert 0 < analytic < own
        assert others == ["not installed"] * 3
        assert figures[f"{key}_time_over_wengerts"][1] == 1
    assert figures["timed"] == ["analytic", "wengert", "autograd", "PyTorch", "JAX"]
    json.dumps(figures)
    printed = capsys.readouterr().out
    assert "w = 1.92248  f(5) = 9.612" in printed
    for exercise in EXERCISES:
        assert printed.count(exercise.title) == 2  # its answers, and its row of the table
    assert (tmp_path / "exercises.png").stat().st_size < 200_000


@pytest.mark.usefixtures("no_peers")
def test_the_lab_interrupted(tmp_path, monkeypatch, capsys):
    whole = solve.solve

    def interrupted(exercise, *args, **kwargs):
        if exercise.key == "tanh_fourth":
            raise KeyboardInterrupt
        return whole(exercise, *args, **kwargs)

    monkeypatch.setattr(solve, "solve", interrupted)
    figures = lab.run(options(tmp_path))
    assert figures["interrupted"] == "after 2 of 7 exercises"
    assert figures["linear_regression_difference"] <= 1e-10
    assert "tanh_fourth_difference" not in figures
    assert "linear regression" in capsys.readouterr().out


def test_the_picture_of_tanh():
    axes = plots.plot_tanh().axes[0]
    assert axes.get_xlabel() == "x"
    assert axes.get_ylabel() == "value of the derivative"
    lines = {line.get_label(): line.get_xydata().T for line in axes.get_lines()}
    assert list(lines) == ["tanh", "1st derivative", "2nd", "3rd", "4th", "4th, by hand"]
    x, fourth = lines["4th"]
    np.testing.assert_allclose(fourth, problems.tanh_fourth(x), rtol=1e-10, atol=1e-12)


def test_the_picture_of_the_descent():
    axes = plots.plot_descent().axes[0]
    assert axes.get_xlabel() == "iteration of gradient descent, learning rate 0.01"
    assert axes.get_ylabel() == "weight w (the data have w = 2)"
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == [
        "the course's gradient (4 x): w = 2.00000",
        "gradient of the mean squared error: w = 1.92248",
    ]


def test_the_readme_has_the_times_of_the_full_run():
    folder = Path(lab.__file__).parent
    figures = json.loads((folder / "figures.json").read_text())["figures"]
    rows = [line for line in (folder / "README.md").read_text().splitlines() if " us | " in line]
    assert len(rows) == len(KEYS)
    for key, row in zip(KEYS, rows, strict=True):
        microseconds = dict(zip(figures["timed"], figures[f"{key}_microseconds"], strict=True))
        ratios = dict(zip(figures["timed"], figures[f"{key}_time_over_wengerts"], strict=True))
        own = microseconds["wengert"]
        expected = [f"{own:.0f} us" if own >= 10 else f"{own:.2g} us"]
        for name in ("analytic", "autograd", "PyTorch", "JAX"):
            ratio = ratios[name]
            expected.append(f"{ratio:.0f} x" if ratio >= 100 else f"{ratio:.2g} x")
        assert row.strip("| ").split(" | ")[1:] == expected
