"""Lab backprop: the hand-written graphs, their checks, the listings and the pictures."""

from __future__ import annotations

import argparse
import ast
import inspect
import io
import json
import math

import numpy as np
import pytest
from PIL import Image

import wengert as wg
from labs.backprop import checks, functions, lab, main, picture, samples
from labs.backprop.functions import FUNCTIONS, f1, f2, f3, f4
from wengert.testing import numerical_gradient

SAMPLES = samples.read_samples(samples.DATA)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_outputs_agree_with_the_samples(name):
    assert max(checks.forward_difference(name, s) for s in SAMPLES[name]) < 1e-12


@pytest.mark.parametrize("method", checks.METHODS)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients_agree_with_numerical_ones(name, method):
    tolerance = 1e-8 if method == "central" else 1e-11
    assert max(checks.backward_difference(name, s, method) for s in SAMPLES[name]) < tolerance


@pytest.mark.parametrize("name", FUNCTIONS)
def test_listing_runs_alone_and_agrees(name):
    assert checks.listing_difference(name, SAMPLES[name]) < 1e-12
    # Without wengert: the text and nothing else, at arguments it was not written for.
    listing = checks.listing(name, SAMPLES[name][0])
    assert "wengert" not in listing.function
    space = {}
    exec(listing.function, space)
    first, second = SAMPLES[name][0], SAMPLES[name][2]  # f3: of the same label
    floats = [x for x in second.inputs.values() if isinstance(x, float)]
    assert first.inputs != second.inputs
    value, gradients = space[name](*floats)
    expected_value, expected = FUNCTIONS[name](*second.inputs.values())
    np.testing.assert_allclose([value, *gradients], [expected_value, *expected], rtol=1e-12)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients_are_those_of_wengert(name):
    for sample in SAMPLES[name]:
        arguments = tuple(sample.inputs.values())
        floats = tuple(i for i, x in enumerate(arguments) if isinstance(x, float))
        expected = wg.grad(checks.output_of(name), floats)(*arguments)
        np.testing.assert_allclose(FUNCTIONS[name](*arguments)[1], expected, rtol=1e-12)


def test_known_values():
    assert f1(1.0, 2.0, 3.0, 4.0, 5.0, 6.0) == (169.0, (52.0, 26.0, 104.0, 78.0, 26.0, -26.0))
    y, (grad_x,) = f2(0.5)
    assert y == pytest.approx(math.tanh(0.5), rel=1e-15)
    assert grad_x == pytest.approx(1 - math.tanh(0.5) ** 2, rel=1e-14)
    loss, gradients = f3(2.0, 2.0, 1)
    assert loss == pytest.approx(math.log(2))
    assert gradients == pytest.approx((-0.5, 0.5))
    loss, gradients = f4(1.0, 1.0, 1.0)
    assert (loss, gradients) == (0.0, (0.0, 0.0, 1.0))


def test_f3_gradient_is_probability_minus_choice():
    p1 = 1 / (1 + math.exp(-1.6))
    assert f3(0.4, -1.2, 1)[1] == pytest.approx((p1 - 1, 1 - p1), rel=1e-14)
    assert f3(0.4, -1.2, 2)[1] == pytest.approx((p1, -p1), rel=1e-14)


@pytest.mark.parametrize("label", [0, 3, -1])
def test_f3_refuses_other_labels(label):
    with pytest.raises(ValueError, match=f"the label y must be 1 or 2, got {label}"):
        f3(0.0, 0.0, label)


def test_functions_take_arrays_element_by_element():
    x = np.linspace(-1, 1, 5)
    y, (gradient,) = f2(x)
    np.testing.assert_allclose(y, np.tanh(x))
    np.testing.assert_allclose(gradient, 1 - np.tanh(x) ** 2)


def _assignments(name):
    body = ast.parse(inspect.getsource(FUNCTIONS[name])).body[0].body
    return [statement for statement in body if isinstance(statement, ast.Assign)]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_value_is_used_once_or_copied(name):
    """No value of a forward pass feeds two operators, except into the tuple of a copy."""
    uses: dict[str, int] = {}
    operators = 0
    for statement in _assignments(name):
        target = ast.unparse(statement.targets[0])
        if target.startswith("grad_"):
            break
        expression = statement.value
        if isinstance(expression, ast.Tuple):
            assert len({ast.unparse(x) for x in expression.elts}) == 1
            uses[ast.unparse(expression.elts[0])] = uses.get(ast.unparse(expression.elts[0]), 0) + 1
            continue
        operators += 1
        for node in ast.walk(expression):
            if isinstance(node, ast.Name) and node.id != "np":
                uses[node.id] = uses.get(node.id, 0) + 1
    assert operators >= 5
    uses.pop("y", None)  # f3: the label
    assert set(uses.values()) == {1}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_value_has_its_gradient(name):
    targets = [t for s in _assignments(name) for t in _target_names(s.targets[0])]
    values = {t for t in targets if not t.startswith("grad_")}
    inputs = set(samples.parameters(name)) - ({"y"} if name == "f3" else set())
    assert {t.removeprefix("grad_") for t in targets if t.startswith("grad_")} == values | inputs
    assert len(targets) == len(set(targets))  # one line for each


def _target_names(target):
    return [n.id for n in ast.walk(target) if isinstance(n, ast.Name)]


# ------------------------------------------------------------------ the check finds faults


def test_a_wrong_gradient_is_found(monkeypatch, capsys):
    def wrong(x):
        y, (gradient,) = f2(x)
        return y, (gradient * 1.0001,)

    monkeypatch.setitem(functions.FUNCTIONS, "f2", wrong)
    assert main.main([]) == 1
    lines = {line[:2]: line for line in capsys.readouterr().out.splitlines()}
    assert lines["f2"].endswith("WRONG")
    assert all(lines[name].endswith("ok") for name in ("f1", "f3", "f4"))


def test_not_a_number_is_found_wherever_it_stands(monkeypatch, capsys):
    def wrong(x):
        y, (gradient,) = f2(x)
        return y, (math.nan if x == last else gradient,)

    last = SAMPLES["f2"][-1].inputs["x"]
    monkeypatch.setitem(functions.FUNCTIONS, "f2", wrong)
    assert main.main(["--function", "f2"]) == 1
    assert capsys.readouterr().out.splitlines()[-1].endswith("WRONG")


def test_a_missing_gradient_is_an_error(monkeypatch, capsys):
    def wrong(x1, w1, x2, w2, b, y):
        loss, gradients = f1(x1, w1, x2, w2, b, y)
        return loss, gradients[:-1]

    monkeypatch.setitem(functions.FUNCTIONS, "f1", wrong)
    assert main.main([]) == 2
    assert "f1: expected 6 gradients, one for each input, got 5" in capsys.readouterr().err


# ------------------------------------------------------------------ the command and its files


def test_main_prints_a_line_for_each_function(capsys):
    assert main.main([]) == 0
    out = capsys.readouterr().out
    assert out.count(" ok\n") == 4
    assert "f3 (10 samples)" in out


def test_main_listing(capsys):
    assert main.main(["--function", "f2", "--listing", "--method", "complex"]) == 0
    assert "grad_x = grad_d * 2" in capsys.readouterr().out


def test_sample_file_is_the_one_that_the_script_writes():
    assert samples.DATA.read_text() == samples.make_samples()


def _content():
    return json.loads(samples.DATA.read_text())


def _broken(change):
    content = _content()
    change(content)
    return json.dumps(content)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (samples.DATA.read_text()[:300], "cut short, or not a JSON file"),
        ("", "cut short, or not a JSON file"),
        ("[]", "expected an object with the samples of f1, f2, f3, f4"),
        (_broken(lambda c: c.update(f5=[])), "unknown function 'f5'; known are f1, f2, f3, f4"),
        (_broken(lambda c: c.update(f1=[])), "f1: expected a list of samples"),
        (_broken(lambda c: c["f1"].append(3)), "f1[10]: expected an object with 'inputs'"),
        (_broken(lambda c: c["f2"][1]["inputs"].pop("x")), "f2[1]: expected the inputs x; found"),
        (
            _broken(lambda c: c["f2"][0].update(output="1")),
            "f2[0]: output must be a number below 1e100",
        ),
        (
            _broken(lambda c: c["f2"][0]["inputs"].update(x=math.nan)),
            "f2[0]: x must be a number below 1e100, found nan",
        ),
        (
            _broken(lambda c: c["f2"][0]["inputs"].update(x=10**400)),
            "f2[0]: x must be a number below 1e100, found 1000",
        ),
        ("[" * 100_000, "cut short, or not a JSON file"),
        (
            _broken(lambda c: c["f3"][0]["inputs"].update(y=3)),
            "f3[0]: the label y must be 1 or 2, found 3",
        ),
    ],
)
def test_broken_sample_files(tmp_path, capsys, text, message):
    path = tmp_path / "data.json"
    path.write_text(text)
    assert main.main(["--data", str(path)]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert f"error: {path}: " in err
    assert message in err


def test_bad_arguments(tmp_path, capsys):
    for arguments, message in (
        (["--data", str(tmp_path / "none.json")], "none.json: cannot be read: No such file"),
        (["--bogus"], "unrecognized arguments: --bogus"),
        (["--function", "f7"], "invalid choice: 'f7'"),
    ):
        assert main.main(arguments) == 2
        err = capsys.readouterr().err
        assert err.count("\n") == 1
        assert message in err
    path = tmp_path / "f1.json"
    path.write_text(json.dumps({"f1": _content()["f1"]}))
    assert main.main(["--data", str(path), "--function", "f2"]) == 2
    assert "has no samples of f2" in capsys.readouterr().err


def test_integers_in_a_sample_file_are_numbers(tmp_path):
    path = tmp_path / "data.json"
    path.write_text(json.dumps({"f2": [{"inputs": {"x": 0}, "output": 0}]}))
    assert main.main(["--data", str(path)]) == 0


# ------------------------------------------------------------------ picture


@pytest.mark.parametrize("name", FUNCTIONS)
def test_graph_has_the_numbers_of_the_function(name):
    sample = SAMPLES[name][0]
    graph = picture.graph_of(checks.listing(name, sample))
    value, gradients = FUNCTIONS[name](*sample.inputs.values())
    assert graph.values[graph.output] == pytest.approx(value, rel=1e-12)
    assert graph.gradients[graph.output] == 1.0
    inputs = [k for k, x in sample.inputs.items() if isinstance(x, float)]
    assert sorted(graph.inputs) == sorted(inputs)
    for key, gradient in zip(inputs, gradients, strict=True):
        assert graph.gradients[key] == pytest.approx(gradient, rel=1e-12)
    for key in graph.labels:
        leaving = [e for e in graph.edges if e.source == key]
        assert all(e.value == graph.values[key] for e in leaving)
        if leaving:  # the gradients of a copy add up
            assert sum(e.gradient for e in leaving) == pytest.approx(graph.gradients[key])


def test_layout_has_no_overlap():
    for name in FUNCTIONS:
        graph = picture.graph_of(checks.listing(name, SAMPLES[name][0]))
        column = picture._columns(graph)
        places = picture._places(graph, column, picture._chains(graph, column))
        assert all(column[e.source] < column[e.target] for e in graph.edges)
        for a in places.values():
            assert sum(b[0] == a[0] and abs(b[1] - a[1]) < 0.999 for b in places.values()) == 1


def test_committed_pictures_are_small_pictures():
    for name in FUNCTIONS:
        path = samples.DATA.parent / f"{name}.png"
        assert path.stat().st_size < 200_000
        with Image.open(path) as image:
            assert image.width > 800


# ------------------------------------------------------------------ the lab


def test_lab_quick(tmp_path):
    figures = lab.run(argparse.Namespace(out=tmp_path, quick=True, seed=None, data_dir=None))
    assert figures["functions"] == 4
    assert figures["forward_max_difference"] < 1e-12
    assert figures["backward_max_difference_central"] < 1e-8
    assert figures["backward_max_difference_richardson"] < 1e-11
    assert figures["listing_max_difference"] < 1e-12
    assert {p.name for p in tmp_path.iterdir()} == {
        f"f{k}.{suffix}" for k in (1, 2, 3, 4) for suffix in ("py", "png")
    }
    space = {}
    exec((tmp_path / "f2.py").read_text(), space)
    value, (gradient,) = space["f2"](0.7)
    assert value == pytest.approx(math.tanh(0.7))
    assert gradient == pytest.approx(numerical_gradient(math.tanh, 0.7))
    with Image.open(io.BytesIO((tmp_path / "f4.png").read_bytes())) as image:
        assert image.format == "PNG"
