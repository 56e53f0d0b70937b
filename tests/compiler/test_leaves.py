"""Native calls with leaves: compiled programs inside of transforms, and captured containers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert import nn
from wengert.compiler.runtime import executable, native
from wengert.compiler.runtime.leaves import is_worth_trying

pytest.importorskip("llvmlite")
pytestmark = pytest.mark.skipif(not native.is_available(), reason="objects look different here")

X = np.linspace(-1.0, 1.0, 6).reshape(2, 3)
Function = Callable[..., Any]


@pytest.fixture
def through_python(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """A list that grows whenever Python, and not native code, runs a compiled program."""
    runs: list[None] = []
    run = executable.Executable.__call__

    def noted(self: Any, arguments: Any) -> Any:
        runs.append(None)
        return run(self, arguments)

    monkeypatch.setattr(executable.Executable, "__call__", noted)
    return runs


def f(x: Any, s: Any) -> Any:
    return np.sum(np.exp(np.sin(x) * s) * x)


@pytest.mark.parametrize(
    "transformed",
    [
        lambda g: wg.grad(g),
        lambda g: wg.grad(g, (0, 1)),
        lambda g: lambda x, s: wg.vmap(g, (0, None))(x, s),
        lambda g: lambda x, s: wg.jvp(g, (x, s), (x, s)),
        lambda g: wg.hessian(g),
    ],
)
def test_transforms_of_compiled_functions(transformed: Any, through_python: list[None]) -> None:
    compiled, plain = transformed(wg.jit(f)), transformed(f)
    for k in range(6):
        if k == 3:
            del through_python[:]
        found = wg.tree.leaves(compiled(X + k, 2.0))
        for a, b in zip(found, wg.tree.leaves(plain(X + k, 2.0)), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12)
    assert not through_python


def test_arrays_of_other_layouts_and_byte_orders() -> None:
    g = wg.grad(wg.jit(f))
    big = np.zeros((4, 6))
    big[::2, ::2] = X
    for _ in range(3):
        for x in (X, np.asfortranarray(X), big[::2, ::2], X.astype(">f8"), X.astype(np.float32)):
            np.testing.assert_allclose(g(x, 0.5), wg.grad(f)(x, 0.5), rtol=1e-6)


def test_results_belong_to_the_caller() -> None:
    g = wg.value_and_grad(wg.jit(f))
    kept = [g(X + k, 1.0)[1] for k in range(5)]
    before = [a.copy() for a in kept]
    kept[-1][...] = 0.0
    for a, b in zip(kept[:-1], before, strict=False):
        np.testing.assert_array_equal(a, b)


def test_what_a_program_checks_is_checked_inside_of_transforms() -> None:
    g = wg.grad(wg.jit(lambda x, i: np.sum(x[i] ** 2)))
    for _ in range(4):
        np.testing.assert_array_equal(g(np.ones(3), np.array([0, 2])), [2.0, 0.0, 2.0])
    with pytest.raises(IndexError):
        g(np.ones(3), np.array([0, 3]))
    np.testing.assert_array_equal(g(np.ones(3), np.array([1, 1])), [0.0, 4.0, 0.0])


def test_many_threads_at_once() -> None:
    g, expected = wg.grad(wg.jit(f)), wg.grad(f)(X, 0.3)
    wrong: list[Any] = []

    def work() -> None:
        for _ in range(200):
            found = g(X, 0.3)
            if not np.allclose(found, expected, rtol=1e-12):
                wrong.append(found)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_how_often_entries_are_tried() -> None:
    assert [n for n in range(40) if is_worth_trying(n)] == [2, 3, 4, 5, 8, 16, 32]


# ------------------------------------------------------------------ captured containers


def _counted(function: Function) -> tuple[Function, list[None]]:
    made = wg.jit(function)
    slow: list[None] = []
    inner = made._call

    def counted(args: Any, kwargs: Any) -> Any:
        slow.append(None)
        return inner(args, kwargs)

    made._call = counted
    return made, slow


def _network(seed: int) -> Any:
    rng = np.random.default_rng(seed)
    return nn.Sequential(nn.Linear(3, 4, rng=rng), np.tanh, nn.Linear(4, 2, rng=rng))


def test_a_captured_network_is_called_natively() -> None:
    model = _network(0)
    g, slow = _counted(lambda x: model(x))
    for _ in range(3):
        np.testing.assert_allclose(g(X), model(X), rtol=1e-12)
    del slow[:]
    g(X)
    assert not slow
    model.layers[0].weight[...] *= 2.0  # arrays are read where they are
    np.testing.assert_allclose(g(X), model(X), rtol=1e-12)
    assert not slow
    model = _network(1)
    np.testing.assert_allclose(g(X), model(X), rtol=1e-12)
    assert slow
    vars(model.layers[0])["weight"] = np.ones((3, 4))  # by force
    for _ in range(3):
        np.testing.assert_allclose(g(X), model(X), rtol=1e-12)


def test_networks_in_captured_lists() -> None:
    models = [_network(0), {"a": _network(1), "b": np.ones(2)}]
    g, slow = _counted(lambda x: models[0](x) + models[1]["a"](x) * models[1]["b"])

    def expected() -> Any:
        return models[0](X) + models[1]["a"](X) * models[1]["b"]

    for _ in range(3):
        np.testing.assert_allclose(g(X), expected(), rtol=1e-12)
    del slow[:]
    models[1]["b"] = np.array([3.0, 4.0])
    np.testing.assert_allclose(g(X), expected(), rtol=1e-12)
    assert not slow
    models[0], models[1]["a"] = models[1]["a"], models[0]
    for _ in range(3):
        np.testing.assert_allclose(g(X), expected(), rtol=1e-12)


class Scaled(nn.Module):
    """A user's module, with a function that reads an array besides."""

    def __init__(self, function: Function, w: Any) -> None:
        self.function, self.w = function, w

    def __call__(self, x: Any) -> Any:
        return self.function(x) * self.w


def test_an_array_that_is_a_leaf_and_a_constant() -> None:
    w = np.ones(3)
    model = Scaled(lambda x: x + w, w)
    g = wg.jit(lambda x: model(x))
    for _ in range(3):
        np.testing.assert_allclose(g(X), X + 1.0)
    w[...] = 2.0
    for _ in range(3):
        np.testing.assert_allclose(g(X), (X + 2.0) * 2.0)


def test_a_method_of_a_captured_module_that_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Scaled(np.sin, np.ones(3))
    g = wg.jit(lambda x: model(x))
    for _ in range(3):
        np.testing.assert_allclose(g(X), np.sin(X))
    monkeypatch.setattr(Scaled, "__call__", lambda self, x: self.function(x) - self.w)
    for _ in range(3):
        np.testing.assert_allclose(g(X), np.sin(X) - 1.0)
