"""What a captured object holds at any depth is compared in native code; every change is seen."""

from __future__ import annotations

import collections
import dataclasses
import functools
import gc
import sys
import types
import weakref
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import wengert as wg
from wengert.compiler.runtime import layout, native
from wengert.compiler.surroundings import Fingerprint

pytest.importorskip("llvmlite")
pytestmark = pytest.mark.skipif(not native.is_available(), reason="objects look different here")

X = np.linspace(-1.0, 1.0, 6).reshape(2, 3)
FACTOR, other = 2.0, types.ModuleType("other_module")
other.__dict__.update(shift=0.5, inner=types.ModuleType("inner_module"), call=lambda x: x + 1)
other.inner.gain = 1.5  # type: ignore[attr-defined]


class Options(NamedTuple):
    power: float
    table: Any


class Slotted:
    __slots__ = ("__private", "s", "unset")

    def __init__(self) -> None:
        self.s = 1.25
        self.__private = [2.0]

    def value(self) -> Any:
        return self.s * self.__private[0] + getattr(self, "unset", 0.0)


class SlottedMore(Slotted):
    """Both a dict and slots."""

    __slots__ = ("__dict__", "more")

    def value(self) -> Any:
        return super().value() + getattr(self, "more", 0.0) + getattr(self, "free", 0.0)


class Base:
    base: Any = 1.5

    def scaled(self, x: Any) -> Any:
        return x * self.base


class Layer(Base):
    k: Any = 1.25

    def __init__(self) -> None:
        self.w = np.ones(3)
        self.t = np.ones((2, 3), np.float32)
        self.s: Any = 2.0

    def __call__(self, x: Any, *, more: float = 1.0) -> Any:
        return self.scaled(x) * self.w * self.s * self.k * more + self.t.sum(0) * FACTOR

    @staticmethod
    def plus(x: Any, y: Any = 0.25) -> Any:
        return x + y

    @property
    def size(self) -> float:
        return 3.0


@dataclasses.dataclass(frozen=True)
class Settings:
    """Its methods are made by a library, and hold sets."""

    rate: float = 1.25


class Model:
    def __init__(self) -> None:
        self.settings = Settings()
        self.few: Any = {1.0, "b"}
        self.many: Any = {float(k) for k in range(100)}
        self.none: Any = set()
        self.layers: Any = [Layer(), Layer()]
        self.slotted, self.more = Slotted(), SlottedMore()
        self.options: Any = Options(1.0, {"a": [1.0, (2.0,)], 3: 4.0})
        self.partial = functools.partial(helper, y=1.0)
        self.function: Any = helper
        self.method = self.layers[0].plus

    def __call__(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        table = self.options.table
        x = x * self.options.power + sum(table["a"][1]) + table["a"][0] * len(table)
        x = x + self.slotted.value() - self.more.value()
        x = self.partial(x) + self.function(x, 2.0) * self.layers[0].size
        x = x * self.settings.rate + sum(self.many) * (len(self.none) + 1) + (1.0 in self.few)
        return self.method(x) * getattr(self, "extra", 1.0) + other.shift * other.inner.gain


def helper(x: Any, y: float, *, z: float = 3.0) -> Any:
    return x * y + z + other.call(x)


class Another(Base):
    """A class to give to an object of `Layer`."""

    def __call__(self, x: Any) -> Any:
        return x * 0.5

    def plus(self, x: Any) -> Any:
        return x

    size = 1.0


def _set_array(a: np.ndarray) -> None:
    a.resize((3, 2), refcheck=False)


# Each changes what a call gives, or is an error in NumPy and in the compiled function alike.
CHANGES: dict[str, Callable[[Model, Any], Any]] = {
    "attribute": lambda m, p: setattr(m.layers[1], "s", 5.0),
    "attribute of the object itself": lambda m, p: setattr(m, "function", lambda x, y: x),
    "added": lambda m, p: setattr(m, "extra", 3.0),
    "shadows a class variable": lambda m, p: setattr(m.layers[0], "k", 3.0),
    "shadows a method": lambda m, p: setattr(m.layers[0], "scaled", lambda x: x),
    "deleted": lambda m, p: delattr(m.layers[0], "s"),
    "through the dict": lambda m, p: m.layers[0].__dict__.update(s=7.0),
    "dict replaced": lambda m, p: setattr(m.layers[0], "__dict__", {**vars(m.layers[0]), "s": 9.0}),
    "dict of the object replaced": lambda m, p: setattr(m, "__dict__", {**vars(m), "extra": 9.0}),
    "class replaced": lambda m, p: setattr(m.layers[1], "__class__", Another),
    "class variable": lambda m, p: p.setattr(Layer, "k", 4.0),
    "class variable of a base": lambda m, p: p.setattr(Base, "base", 4.0),
    "class variable added": lambda m, p: p.setattr(Model, "extra", 4.0, raising=False),
    "method replaced": lambda m, p: p.setattr(Layer, "__call__", lambda self, x: x - 1),
    "method of a base replaced": lambda m, p: p.setattr(Base, "scaled", lambda self, x: x - 1),
    "method overrides": lambda m, p: p.setattr(Layer, "scaled", lambda s, x: -x, raising=False),
    "property replaced": lambda m, p: p.setattr(Layer, "size", property(lambda self: 1.0)),
    "code replaced": lambda m, p: p.setattr(
        Layer.__call__, "__code__", (lambda self, x, *, more=1: x * more).__code__
    ),
    "defaults replaced": lambda m, p: p.setattr(Layer.plus, "__defaults__", (7.0,)),
    "defaults by name changed": lambda m, p: p.setitem(Layer.__call__.__kwdefaults__, "more", 2.0),
    "defaults by name replaced": lambda m, p: p.setattr(helper, "__kwdefaults__", {"z": 1.0}),
    "global": lambda m, p: p.setitem(globals(), "FACTOR", 3.0),
    "global that hides a builtin": lambda m, p: p.setitem(globals(), "len", lambda x: 7.0),
    "variable of another module": lambda m, p: p.setattr(other, "shift", 3.0),
    "function of another module": lambda m, p: p.setattr(other, "call", lambda x: -x),
    "variable of a module in a module": lambda m, p: p.setattr(other.inner, "gain", 3.0),
    "module in a module": lambda m, p: p.setattr(other, "inner", types.SimpleNamespace(gain=0.0)),
    "array in place": lambda m, p: m.layers[0].w.__setitem__(1, 5.0),
    "last byte of an array": lambda m, p: m.layers[1].t.view(np.uint8).__setitem__((-1, -1), 0x40),
    "array replaced": lambda m, p: setattr(m.layers[0], "w", np.full(3, 2.0)),
    "shape of an array": lambda m, p: _set_array(m.layers[0].t),
    "list item": lambda m, p: m.layers.__setitem__(0, lambda x: x),
    "list appended": lambda m, p: m.layers.append(lambda x: x + 3),
    "list shortened": lambda m, p: m.layers.pop(),
    "list reversed": lambda m, p: (setattr(m.layers[0], "s", 1.0), m.layers.reverse()),
    "list replaced": lambda m, p: setattr(m, "layers", m.layers[:1]),
    "dict item": lambda m, p: m.options.table.__setitem__("a", [5.0, (1.0,)]),
    "dict item added": lambda m, p: m.options.table.__setitem__("c", 5.0),
    "dict item removed": lambda m, p: m.options.table.pop(3),
    "deep list": lambda m, p: m.options.table["a"].__setitem__(0, 7.0),
    "named tuple replaced": lambda m, p: setattr(m, "options", m.options._replace(power=2.0)),
    "slot": lambda m, p: setattr(m.slotted, "s", 4.0),
    "slot filled": lambda m, p: setattr(m.slotted, "unset", 4.0),
    "slot emptied": lambda m, p: delattr(m.slotted, "s"),
    "private slot": lambda m, p: setattr(m.slotted, "_Slotted__private", [3.0]),
    "list in a private slot": lambda m, p: m.slotted._Slotted__private.append(1) or setattr(
        m.slotted, "s", 8.0
    ),
    "slot of a subclass": lambda m, p: setattr(m.more, "more", 4.0),
    "dict besides slots": lambda m, p: setattr(m.more, "free", 4.0),
    "field of a dataclass": lambda m, p: object.__setattr__(m.settings, "rate", 2.0),
    "member added to an empty set": lambda m, p: m.none.add(1),
    "member of a set": lambda m, p: (m.few.remove(1.0), m.few.add(2.0)),
    "member of a large set": lambda m, p: (m.many.remove(7.0), m.many.add(107.0)),
    "members added to a large set": lambda m, p: m.many.update(map(float, range(1000))),
    "set emptied": lambda m, p: m.many.clear(),
    "keyword of a partial": lambda m, p: m.partial.keywords.update(y=4.0),
    "state of a partial": lambda m, p: m.partial.__setstate__((np.add, (1.0,), {}, {})),
}  # fmt: skip


def jitted(f: Any, **options: Any) -> tuple[Any, list[Any]]:
    """A compiled function, and a list that grows with each call that Python had to serve."""
    slow: list[Any] = []
    made = wg.jit(f, **options)
    inner = made._call
    made._call = lambda args, kwargs: (slow.append(args), inner(args, kwargs))[1]
    return made, slow


def outcome(f: Any, *args: Any) -> Any:
    try:
        return f(*args)
    except (AttributeError, TypeError, ValueError) as error:
        return type(error)


def is_native(g: Any, slow: list[Any], *args: Any) -> bool:
    """Whether native code serves a call, after some that it may not have served."""
    for _ in range(3):
        g(*args)
    del slow[:]
    g(*args)
    return not slow


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("by", ["closure", "static", "method", "attribute"])
def test_every_change_is_seen(name: str, by: str, monkeypatch: pytest.MonkeyPatch) -> None:
    m = Model()
    box = types.SimpleNamespace(deep=[{"m": m}])
    f: Any
    args: Any = (X,)
    if by == "closure":
        f = lambda x: m(x) * 2  # noqa: E731
    elif by == "attribute":
        f = lambda x: box.deep[0]["m"](x) * 2  # noqa: E731
    elif by == "method":
        f = m.__call__
    else:
        f, args = lambda m, x: m(x), (m, X)
    g, slow = jitted(f, static_argnums=0) if by == "static" else jitted(f)
    assert is_native(g, slow, *args)
    np.testing.assert_allclose(g(*args), before := f(*args), rtol=1e-12)
    assert not slow
    CHANGES[name](m, monkeypatch)
    expected = outcome(f, *args)
    found = outcome(g, *args)
    assert slow
    if isinstance(expected, type):
        assert issubclass(found, expected)
        return
    assert not np.array_equal(expected, before)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert is_native(g, slow, *args)
    np.testing.assert_allclose(g(*args), expected, rtol=1e-12)


def test_what_is_restored_is_known_again() -> None:
    m = Model()
    g, slow = jitted(lambda x: m(x))
    assert is_native(g, slow, X)
    old = m.layers[0].s
    for value in (7.0, old, 8.0, old):
        m.layers[0].s = value
        np.testing.assert_allclose(g(X), m(X), rtol=1e-12)
    assert len(slow) == 2  # for the new values only


def test_equal_values_in_new_objects_again_and_again() -> None:
    m = Layer()
    g, slow = jitted(lambda x: m(x))
    for _ in range(100):
        m.s = float("1.5")
        np.testing.assert_allclose(g(X), m(X), rtol=1e-12)
    assert len(g._natives) <= 4
    for _ in range(100):  # it has become careful
        g(X)
    assert is_native(g, slow, X)


def test_what_cannot_be_compared_goes_through_python() -> None:
    class Holder:
        def __init__(self) -> None:
            self.seen = collections.deque([1.0])
            self.view = np.arange(6.0)[::2]

    h = Holder()
    for f, change in (
        (lambda x: x * len(h.seen), lambda: h.seen.append(2.0)),
        (lambda x: x * h.view, lambda: h.view.__setitem__(1, 9.0)),
    ):
        g, slow = jitted(f)
        assert not is_native(g, slow, X)
        change()
        np.testing.assert_array_equal(g(X), f(X))


def test_defaults_and_partials_that_hold_arrays() -> None:
    w = np.ones(3)

    def f(x: Any, y: Any = w, *, z: Any = [w * 2]) -> Any:  # noqa: B006
        return x * y + z[0]

    p = functools.partial(f, y=np.full(3, 2.0))
    for h, array in ((f, w), (p, p.keywords["y"])):
        g, slow = jitted(h)
        assert is_native(g, slow, X)
        array[1] = 5.0  # read anew, without another recording
        np.testing.assert_array_equal(g(X), h(X))
        assert not slow
    p.keywords["y"] = np.zeros(3)
    np.testing.assert_array_equal(g(X), p(X))
    f.__kwdefaults__["z"] = [w * 0]
    np.testing.assert_array_equal(g(X), p(X))
    f.__defaults__ = (w * 7,)
    g, slow = jitted(f)
    assert is_native(g, slow, X)
    f.__defaults__ = (w * 8,)
    np.testing.assert_array_equal(g(X), f(X))


def test_objects_are_not_lost() -> None:
    """References are counted right, and what was captured dies with the function."""
    m = Model()
    g, slow = jitted(functools.partial(lambda m, x: m(x), m))
    assert is_native(g, slow, X)
    objects = [m, m.layers, m.layers[0].__dict__, m.layers[0].w, Layer, m.slotted, m.options.table]
    before = [sys.getrefcount(x) for x in objects]
    for _ in range(100):
        g(X)
    assert not slow
    assert [sys.getrefcount(x) for x in objects] == before
    watched = weakref.ref(m)
    del g, m, objects
    gc.collect()
    assert watched() is None


def test_layouts_of_other_interpreters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the places of slots and versions are not known, objects are compared in Python."""
    monkeypatch.setattr(layout, "can_watch", lambda: False)
    m = Model()
    g, slow = jitted(lambda x: m(x))
    assert not is_native(g, slow, X)
    m.layers[0].__class__ = Another
    np.testing.assert_allclose(g(X), m(X), rtol=1e-12)


@pytest.mark.parametrize("name", CHANGES)
def test_watches_in_python(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    m = Model()
    found = Fingerprint(m)
    assert found.still_holds()
    assert found == Fingerprint(m)
    CHANGES[name](m, monkeypatch)
    assert not found.still_holds()
    assert found != Fingerprint(m)


def test_versions_of_classes() -> None:
    class Some:
        x = 1

    before = layout.class_version(Some)
    assert before is not None
    assert before == layout.class_version(Some)
    Some.x = 2
    assert before != layout.class_version(Some)


def test_signatures_are_forgotten_at_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["wengert.compiler.jit"], "_MOST_SIGNATURES", 6)
    counter = types.SimpleNamespace(n=0)
    g, slow = jitted(lambda x: x * counter.n)
    for counter.n in range(12):
        for _ in range(3):
            np.testing.assert_array_equal(g(X), X * counter.n)
        assert len(g._entries) <= 6
        assert len(g._natives) <= 6
    assert is_native(g, slow, X)
    counter.n = 0
    np.testing.assert_array_equal(g(X), X * 0)
