"""A compiled function never uses an old value of what it captured, however it is reached."""

from __future__ import annotations

import functools
import random
import sys
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert import nn
from wengert.numpy import random as npr

pytest.importorskip("llvmlite")

X = np.linspace(-1.0, 1.0, 6).reshape(2, 3)
W, SCALE, FACTOR = np.ones(3), 1.5, 2.0
Function = Callable[..., Any]


class Layer:
    """An object with an array, a number and a class variable."""

    k: Any = 1.0

    def __init__(self) -> None:
        self.w: Any = np.ones(3)
        self.s = 2.0

    def __call__(self, x: Any) -> Any:
        return x * np.sin(self.w) * self.s * self.k * FACTOR

    def method(self, x: Any) -> Any:
        return self(x) + self.w


class Deep:
    """Arrays at a distance."""

    def __init__(self) -> None:
        self.inner: Any = Layer()
        self.table: dict[str, Any] = {"k": np.ones(3), "layer": Layer()}
        self.list: list[Any] = [np.ones(3)]


class Slotted:
    """An object without a dict."""

    __slots__ = ("s", "w")

    def __init__(self) -> None:
        self.w: Any = np.ones(3)
        self.s = 1.0


def follows(f: Function, *changes: Function, compiled: Function | None = None) -> None:
    """Check that the compiled function equals ``f`` before and after each change.

    It is called often enough for native code to serve the last call.
    """
    g = compiled or wg.jit(f)
    for change in (lambda: None, *changes, lambda: None):
        change()
        for _ in range(3):
            np.testing.assert_allclose(g(X), f(X), rtol=1e-12, atol=1e-15)


def setting(target: Any, name: Any, value: Any) -> Function:
    if isinstance(target, (dict, list, np.ndarray)):
        return functools.partial(target.__setitem__, name, value)
    return functools.partial(setattr, target, name, value)


def test_rebinding_a_variable_of_a_closure() -> None:
    w: Any = np.ones(3)
    f = lambda x: x * np.sin(w)  # noqa: E731
    g = wg.jit(f)
    for new in (np.arange(3.0), 2.0, np.arange(6.0).reshape(2, 3), -0.0, np.float32(1)):
        w = new
        follows(f, compiled=g)


def test_globals(monkeypatch: pytest.MonkeyPatch) -> None:
    follows(
        lambda x: x * np.sin(W) * SCALE,
        setting(W, 0, 5.0),
        functools.partial(monkeypatch.setitem, globals(), "W", np.arange(3.0)),
        functools.partial(monkeypatch.setitem, globals(), "SCALE", 7.0),
        functools.partial(monkeypatch.setitem, globals(), "SCALE", np.ones(3)),
    )


def test_globals_that_come_later(monkeypatch: pytest.MonkeyPatch) -> None:
    define = functools.partial(monkeypatch.setitem, globals())
    f = lambda x: x * LATE * late(x)  # type: ignore[name-defined]  # noqa: E731, F821
    g = wg.jit(f)
    define("LATE", np.ones(3))
    define("late", lambda x: x * LATE)  # type: ignore[name-defined]  # noqa: F821
    follows(
        f,
        functools.partial(define, "LATE", np.arange(3.0)),
        functools.partial(define, "LATE", 4.0),
        functools.partial(define, "late", lambda x: x * SCALE * 2),
        functools.partial(define, "SCALE", 3.0),
        compiled=g,
    )
    monkeypatch.delitem(globals(), "LATE")
    with pytest.raises(NameError):
        g(X)


def test_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    for make in (lambda m: lambda x: m(x), lambda m: m, lambda m: m.method, lambda m: (
        functools.partial(Layer.method, m)
    )):  # fmt: skip
        layer = Layer()
        follows(
            make(layer),
            setting(layer.w, 0, 5.0),
            setting(layer, "w", np.arange(3.0)),
            setting(layer, "s", 9.0),
            functools.partial(monkeypatch.setattr, Layer, "k", 3.0),
            functools.partial(monkeypatch.setattr, Layer, "k", np.ones(3)),
            functools.partial(monkeypatch.setitem, globals(), "FACTOR", 5.0),
            functools.partial(monkeypatch.setattr, Layer, "__call__", lambda self, x: x * self.w),
        )
        monkeypatch.undo()


def test_objects_in_objects() -> None:
    deep = Deep()
    follows(
        lambda x: deep.inner(x) * deep.table["k"] * deep.list[0] * deep.table["layer"].w,
        setting(deep.inner.w, 0, 5.0),
        setting(deep.inner, "w", np.arange(3.0)),
        setting(deep.inner, "s", 3.0),
        setting(deep, "inner", Layer()),
        setting(deep.table["k"], 1, 3.0),
        setting(deep.table, "k", np.arange(3.0)),
        setting(deep.table["layer"], "w", np.arange(3.0)),
        setting(deep.list[0], 1, 9.0),
        setting(deep.list, 0, np.full(3, 4.0)),
        setting(deep, "list", [np.arange(3.0)]),
    )


def test_slots_modules_classes_and_functions_have_attributes() -> None:
    module: Any = types.ModuleType("somewhere")

    def function(x: Any) -> Any:
        return x * function.w * function.s  # type: ignore[attr-defined]

    for target in (Slotted(), type("Holder", (), {}), module, types.SimpleNamespace(), function):
        target.w, target.s = np.ones(3), 1.0  # type: ignore[attr-defined]
        f = function if target is function else lambda x, t=target: x * np.sin(t.w) * t.s
        g = wg.jit(lambda x, f=f: f(x))
        follows(
            f,
            setting(target.w, 0, 4.0),  # type: ignore[attr-defined]
            setting(target, "w", np.arange(3.0)),
            setting(target, "s", 3.0),
            compiled=g,
        )


def test_defaults() -> None:
    def f(x: Any, w: Any = np.ones(3), *, s: Any = 2.0) -> Any:  # noqa: B008
        return x * np.sin(w) * s

    for g in (wg.jit(f), wg.jit(lambda x: f(x))):
        assert f.__kwdefaults__ is not None
        follows(
            f,
            setting(f.__defaults__[0], 0, 5.0),  # type: ignore[index]
            setting(f, "__defaults__", (np.arange(3.0),)),
            setting(f.__kwdefaults__, "s", 3.0),
            setting(f, "__kwdefaults__", {"s": np.ones(3)}),
            setting(f, "__defaults__", (2.0,)),
            compiled=g,
        )
        f.__defaults__, f.__kwdefaults__ = (np.ones(3),), {"s": 2.0}


def test_code_that_is_replaced() -> None:
    def inner(x: Any) -> Any:
        return x

    follows(lambda x: inner(x), setting(inner, "__code__", (lambda x: x * 3).__code__))


def test_partials() -> None:
    w, table = np.ones(3), {"k": np.ones(3)}
    f = functools.partial(lambda w, x, t: x * np.sin(w) * t["k"], w, t=table)
    changes = (setting(w, 0, 5.0), setting(table["k"], 1, 8.0), setting(table, "k", np.arange(3.0)))
    follows(f, *changes)
    follows(lambda x: f(x), *changes, setting(w, 0, 6.0))


def test_functions_in_containers_and_attributes() -> None:
    w: Any = np.ones(3)
    held: Any = types.SimpleNamespace(f=lambda x: x * w)
    functions: list[Function] = [lambda x: x * w]
    options = {"k": functions[0]}
    f = lambda x: functions[0](x) + options["k"](x) + held.f(x)  # noqa: E731
    g = wg.jit(f)
    follows(
        f,
        setting(w, 0, 7.0),
        setting(functions, 0, lambda x: x * 2),
        setting(options, "k", lambda x: x * 3),
        setting(held, "f", lambda x: x * 5 * w),
        compiled=g,
    )
    w = np.arange(3.0)
    follows(f, compiled=g)


def test_decorated_and_remembered_functions() -> None:
    w, v, kept = np.ones(3), np.ones(3), np.ones(3)

    def decorated(h: Function) -> Function:
        @functools.wraps(h)
        def inner(x: Any) -> Any:
            return h(x) * w * remembered()

        return inner

    @functools.lru_cache
    def remembered() -> Any:
        return kept

    f = decorated(lambda x: x * v)
    follows(f, setting(w, 0, 3.0), setting(v, 1, 3.0), setting(kept, 2, 3.0))


def test_functions_that_are_rebound() -> None:
    h: Any = lambda x: x * 2  # noqa: E731
    f = lambda x: h(x)  # noqa: E731
    g = wg.jit(f)
    follows(f, compiled=g)
    w = np.ones(3)
    h = lambda x: x * np.sin(w)  # noqa: E731
    follows(f, setting(w, 0, 7.0), compiled=g)


def test_modules_as_captures_and_as_functions() -> None:
    scale, w = 2.0, np.ones(3)

    class Net(nn.Module):
        def __init__(self, activation: Function) -> None:
            self.w, self.activation = np.ones(3), activation

        def __call__(self, x: Any) -> Any:
            return self.activation(x * self.w) * FACTOR

    net: Any = Net(lambda x: x * scale * w)
    argument = wg.jit(lambda net, x: net(x))
    compiled = (wg.jit(lambda x: net(x)), wg.jit(net), lambda x: argument(net, x))
    expected = lambda x: net(x)  # noqa: E731
    for g in compiled:
        follows(expected, setting(w, 0, 5.0), setting(net.w, 1, 3.0), compiled=g)
    scale = 3.0
    for g in compiled:
        follows(expected, compiled=g)
    globals()["FACTOR"] = 7.0
    for g in compiled:
        follows(expected, compiled=g)
    globals()["FACTOR"] = 2.0


def test_captured_modules_are_not_recorded_again_for_new_weights() -> None:
    """They are containers: their arrays are operands."""
    runs = []
    layer: Any = nn.Linear(3, 2, rng=np.random.default_rng(0), dtype=np.float64)

    def f(x: Any) -> Any:
        runs.append(None)
        return layer(x)

    g = wg.jit(f)
    for _ in range(3):
        np.testing.assert_allclose(g(X), layer(X))
        layer = layer.replace(weight=layer.weight * 2)
    assert len(runs) == 1


def test_nothing_is_recorded_again_without_a_change() -> None:
    """Fingerprints of what stayed the same are equal."""
    runs = []
    deep, layer = Deep(), Layer()

    def f(x: Any) -> Any:
        runs.append(None)
        return layer(x) * deep.inner.w + np.sin(deep.list[0]) + len(types.__name__)

    g = wg.jit(f)
    for _ in range(3):
        g(X)
    assert len(runs) == 1


def power(x: Any, n: int) -> Any:
    return x * power(x, n - 1) * SCALE if n else x


def test_what_refers_to_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """A function that calls itself was looked into for ever."""
    held: Any = types.SimpleNamespace(f=power, w=np.ones(3))
    held.self = [held]
    follows(
        lambda x: held.f(x, 3) * held.self[0].w,
        setting(held, "w", np.arange(3.0)),
        functools.partial(monkeypatch.setitem, globals(), "SCALE", 3.0),
    )


def test_a_transform_of_a_function_without_captures_has_none() -> None:
    """Its calls take the short way."""
    for f in (
        wg.jit(lambda x: np.sum(np.sin(x))),
        wg.jit(wg.grad(lambda x: np.sum(np.sin(x)))),
        wg.jit(wg.elementwise_grad(wg.elementwise_grad(np.tanh))),
    ):
        f(X)
        assert f._captures.is_empty


def test_programs_run_by_exec() -> None:
    """Their namespace may have no name."""
    scope: dict[str, Any] = {}
    source = "class Box:\n    s = 2.0\nbox, w = Box(), 3.0\ndef f(x):\n    return x * box.s * w\n"
    exec(source, scope)
    follows(
        scope["f"],
        setting(scope, "w", np.arange(3.0)),
        setting(scope["box"], "s", 5.0),
        setting(scope["Box"], "s", 6.0),
        functools.partial(delattr, scope["box"], "s"),
    )


def test_captured_arrays_whose_values_are_needed() -> None:
    """They become part of the signature."""
    sizes, w = np.array([2, 1]), np.ones(3)
    follows(
        lambda x: x[:, : int(sizes[0])] * w[:1] if sizes.sum() > 2 else x * w,
        setting(w, 0, 5.0),
        setting(sizes, 0, 3),
        setting(sizes, 0, 0),
    )
    with pytest.raises(wg.AbstractValueError):
        wg.jit(lambda x: x * w if x.sum() > 0 else x)(X)


def test_static_objects() -> None:
    f = wg.jit(lambda x, o: o(x), static_argnums=1)
    layer = Layer()
    for change in (setting(layer.w, 0, 4.0), setting(layer, "w", np.arange(3.0)),
                   setting(layer, "s", 3.0)):  # fmt: skip
        np.testing.assert_allclose(f(X, layer), layer(X))
        change()
        np.testing.assert_allclose(f(X, layer), layer(X))


def test_tensors() -> None:
    t = wg.Tensor(np.ones(3))
    g = wg.jit(lambda x: x * t)
    np.testing.assert_allclose(g(X).array if isinstance(g(X), wg.Tensor) else g(X), X)
    t[0] = 5.0
    np.testing.assert_allclose(np.asarray(g(X)), X * t.array)
    t = wg.Tensor(np.arange(3.0))
    np.testing.assert_allclose(np.asarray(g(X)), X * np.arange(3.0))


def test_inside_of_transforms() -> None:
    w = np.arange(3.0)

    def f(x: Any) -> Any:
        return np.sum(np.tanh(x * w) ** 2)

    inner = wg.jit(f)
    outer = wg.jit(lambda x: inner(x) + 1)
    pairs = [
        (wg.jit(wg.hessian(f)), wg.hessian(f)),
        (wg.hessian(inner), wg.hessian(f)),
        (wg.grad(outer), wg.grad(f)),
        (lambda x: wg.vmap(inner)(np.stack([x, 2 * x])), lambda x: [f(x), f(2 * x)]),
        (
            lambda x: wg.jit(wg.vmap(wg.grad(inner)))(np.stack([x, x])),
            lambda x: [wg.grad(f)(x)] * 2,
        ),
        (
            lambda x: wg.jvp(wg.grad(inner), (x,), (x,))[1],
            lambda x: wg.jvp(wg.grad(f), (x,), (x,))[1],
        ),
        (lambda x: wg.hvp(inner, x, x), lambda x: wg.hvp(f, x, x)),
    ]
    for k in range(3):
        for found, expected in pairs:
            np.testing.assert_allclose(found(X[0]), expected(X[0]), rtol=1e-12, atol=1e-15)
        w[k] = 0.7
        if k == 1:
            w = np.arange(3.0) - 1


def test_a_whole_step_with_donated_containers() -> None:
    def step(p: Any, v: Any, x: Any) -> Any:
        g = wg.grad(lambda p: np.sum(np.tanh(x @ p["w"] + p["b"][0]) ** 2))(p)
        v = wg.tree.map(lambda a, b: 0.9 * a + b, v, g)
        return wg.tree.map(lambda a, b: a - 0.1 * b, p, v), v

    rng = np.random.default_rng(0)
    p: Any = {"w": rng.normal(size=(3, 4)), "b": [rng.normal(size=4)]}
    state = p, wg.tree.map(np.zeros_like, p)
    expected = wg.tree.map(np.copy, state)
    arrays = wg.tree.leaves(state)
    compiled = wg.jit(step, donate_argnums=(0, 1))
    for _ in range(3):
        state, expected = compiled(*state, X), step(*expected, X)
        for a, b, c in zip(*map(wg.tree.leaves, (state, expected)), arrays, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12)
            assert a is c


# ------------------------------------------------------------------ other generators

RNG = np.random.default_rng(0)
renamed = np.random.default_rng
HELD = types.SimpleNamespace(numpy=RNG, python=random.Random(0))


@pytest.mark.parametrize(
    "draw",
    [
        lambda: np.random.normal(size=3),  # noqa: NPY002
        lambda: npr.normal(size=3),
        lambda: random.random(),
        lambda: RNG.normal(size=3),
        lambda: HELD.numpy.normal(),
        lambda: HELD.python.random(),
        lambda: np.random.default_rng().normal(),
        lambda: renamed(None).normal(),
        lambda: np.random.Generator(np.random.PCG64()).normal(),
        lambda: np.random.RandomState().normal(),
        lambda: random.Random().random(),
        lambda: random.SystemRandom().random(),
    ],
)
def test_random_numbers_that_would_be_frozen_are_an_error(draw: Function) -> None:
    f = wg.jit(lambda x: x * draw())
    for _ in range(2):
        with pytest.raises(wg.WengertValueError, match="drew random numbers.*wengert.random"):
            f(X)


def test_generators_with_a_seed_may_be_made_in_it() -> None:
    f = wg.jit(lambda x: x * renamed(3).normal() * random.Random(4).random())
    for _ in range(3):
        np.testing.assert_allclose(f(X), X * renamed(3).normal() * random.Random(4).random())
    assert sys.getprofile() is None


def test_generators_may_be_there() -> None:
    constant = wg.jit(lambda x: x * np.random.default_rng(0).normal(size=3) + (RNG is None))
    np.testing.assert_allclose(constant(X), X * np.random.default_rng(0).normal(size=3))
    RNG.normal()
    np.testing.assert_allclose(constant(X), constant(X))
    assert len(constant._entries) <= 2
