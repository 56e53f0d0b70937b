"""Compiled training: the numbers of uncompiled training up to rounding, in every case of use."""

from __future__ import annotations

import importlib.util
import queue
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert import nn, optim, tree
from wengert.cli.main import main
from wengert.train import Data, Examples, Settings, compiled, fit, train_dataset

pytest.importorskip("llvmlite")

DIGITS = Settings("digits", hidden=(16,), lr=0.05, batch=50, epochs=2)
RNG = np.random.default_rng(0)
X = RNG.normal(size=(70, 6)).astype(np.float32)
Y = (X[:, 0] * X[:, 1] > 0).astype(int)
DATA = Data(Examples(X, Y))


@pytest.fixture(autouse=True)
def _not_said() -> None:
    compiled.say_once.cache_clear()


def same(a: Any, b: Any, rtol: float = 1e-4) -> None:
    for p, q in zip(tree.leaves(a), tree.leaves(b), strict=True):
        np.testing.assert_allclose(p, q, rtol=rtol, atol=1e-5)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"momentum": 0.9, "decay": 0.5, "weight_decay": 0.01},
        {"batch_norm": True, "dropout": 0.3, "activation": "relu"},
        {"optimizer": "adam", "schedule": "cosine", "warmup": 1, "lr": 0.001},
        {"optimizer": "adamw", "activation": "gelu", "lr": 0.001, "weight_decay": 0.01},
        {"optimizer": "rmsprop", "momentum": 0.5, "lr": 0.001},
        {"model": "linear", "hidden": ()},
    ],
)
def test_equals_uncompiled(changes: dict[str, Any], capfd: pytest.CaptureFixture[str]) -> None:
    settings = replace(DIGITS, **changes)
    found, expected = (train_dataset(settings, None, jit=jit) for jit in (True, False))
    same(found.model, expected.model)
    assert found.test_accuracy == pytest.approx(expected.test_accuracy, abs=0.01)
    assert not capfd.readouterr().err, "something was not compiled"


def test_a_step_is_recorded_once() -> None:
    """The last batch of an epoch, which is smaller, is not compiled for."""
    # A queue is not looked into: what a compiled function captures and changes, records it again.
    runs: queue.SimpleQueue[int] = queue.SimpleQueue()

    class Counted(nn.Module):
        def __init__(self) -> None:
            self.inner = nn.Linear(6, 2, rng=np.random.default_rng(0))

        def __call__(self, x: Any) -> Any:
            runs.put(len(x))
            return self.inner(x)

    fit(Counted(), DATA, optimizer=optim.SGD(0.1), epochs=3, batch=20)
    assert sorted(runs.get() for _ in range(runs.qsize())) == [10, 10, 10, 20]


def test_the_models_arrays_stay() -> None:
    model = nn.mlp((6, 8, 2), rng=np.random.default_rng(0))
    before = [a.copy() for a in tree.leaves(model)]
    result = fit(model, DATA, optimizer=optim.SGD(0.1, momentum=0.9), epochs=2, batch=20)
    for a, b, c in zip(tree.leaves(model), before, tree.leaves(result.model), strict=True):
        np.testing.assert_array_equal(a, b)
        assert not np.shares_memory(a, c)


def test_a_model_that_branches_on_values(capfd: pytest.CaptureFixture[str]) -> None:
    class Branching(nn.Module):
        def __init__(self) -> None:
            self.inner = nn.Linear(6, 2, rng=np.random.default_rng(0))

        def __call__(self, x: Any) -> Any:
            y = self.inner(x)
            return y if y.sum() > 0 else y * 1.5

    found, expected = (
        fit(Branching(), DATA, optimizer=optim.SGD(0.1), epochs=2, batch=20, jit=jit)
        for jit in (True, False)
    )
    for a, b in zip(tree.leaves(found.model), tree.leaves(expected.model), strict=True):
        np.testing.assert_array_equal(a, b)
    said = capfd.readouterr().err
    assert said.count("runs uncompiled") == 1
    assert "y.sum() > 0" in said


def test_an_error_of_the_model_is_shown_as_it_is() -> None:
    model = nn.mlp((5, 2), rng=np.random.default_rng(0))
    with pytest.raises(wg.ShapeError, match="Linear"):
        fit(model, DATA, optimizer=optim.SGD(0.1), epochs=1, batch=20)


def test_labels_out_of_range() -> None:
    data = Data(Examples(X, Y + 1))
    model = nn.mlp((6, 2), rng=np.random.default_rng(0))
    with pytest.raises(wg.WengertValueError, match="label 2 of example"):
        fit(model, data, optimizer=optim.SGD(0.1), epochs=1, batch=20)


def test_without_a_compiler(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "llvmlite" else find(name)
    )
    found = [train_dataset(DIGITS, None, jit=True) for _ in range(2)][1]
    assert capfd.readouterr().err.count("llvmlite is not installed") == 1
    expected = train_dataset(DIGITS, None, jit=False)
    for a, b in zip(tree.leaves(found.model), tree.leaves(expected.model), strict=True):
        np.testing.assert_array_equal(a, b)


def test_evaluation_of_many_examples_is_compiled() -> None:
    many = Examples(np.tile(X, (90, 1)), np.tile(Y, 90))
    model = nn.mlp((6, 8, 2), rng=np.random.default_rng(0))
    results = [
        fit(model, Data(many, many, many), optimizer=optim.SGD(0.1), epochs=1, batch=700, jit=jit)
        for jit in (True, False)
    ]
    for found, expected in zip(*[r.records for r in results], strict=True):
        assert found.keys() == expected.keys()
        for key in found.keys() - {"event"}:
            assert found[key] == pytest.approx(expected[key], rel=1e-4)


def test_command_line(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["train", "--epochs", "1", "--quiet", "--out", str(tmp_path)]
    assert main([*options, "--no-jit"]) == 0
    again = [*options, "--resume", "--epochs", "2"]
    assert main(again) == 2
    assert "compiled false (now true)" in capsys.readouterr().err.lower()
    assert main([*again, "--no-jit"]) == 0
