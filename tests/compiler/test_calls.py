"""Native calls: what passes their guards, what goes back to Python, and what is handed out."""

from __future__ import annotations

import collections
import dataclasses
import gc
import pickle
import sys
import threading
from typing import Any, NamedTuple

import numpy as np
import pytest

import wengert as wg
from wengert.compiler.runtime import layout, native

pytest.importorskip("llvmlite")
pytestmark = pytest.mark.skipif(not native.is_available(), reason="objects look different here")

X = np.linspace(-1.0, 1.0, 6).reshape(2, 3)


class Pair(NamedTuple):
    a: Any
    b: Any


@dataclasses.dataclass
class Layer:
    w: Any
    name: str = "layer"


def jitted(f: Any, **options: Any) -> tuple[Any, list[Any]]:
    """A compiled function, and a list that grows with each call that Python had to serve."""
    slow: list[Any] = []
    made = wg.jit(f, **options)
    inner = made._call

    def counted(args: Any, kwargs: Any) -> Any:
        slow.append(args)
        return inner(args, kwargs)

    made._call = counted
    return made, slow


def warm(f: Any, *args: Any, **kwargs: Any) -> Any:
    f(*args, **kwargs)
    return f(*args, **kwargs)


# ------------------------------------------------------------------ what is native


@pytest.mark.parametrize(
    "args",
    [
        (X,), (X, X), ([X, X], (X,)), ({"b": X, "a": X[0]},), (Pair(X, [X]), None), (0.5, X),
        (3, X), (np.float32(2), X), (np.array(0.5), X), (X[:0], X), (True, X), (np.int16(3), X),
        ({}, [], X), (X.astype(np.int8), X.astype(np.uint16), X > 0, X.astype(np.float32)),
        (2**61, X), (-1, X), (Pair(1.5, {"k": (X, {"j": -2})}),),
    ],
)  # fmt: skip
def test_native_calls(args: Any) -> None:
    def f(*args: Any) -> Any:
        return [wg.tree.map(lambda x: x * 2 if not isinstance(x, bool) else np.ones(2), args)]

    g, slow = jitted(f)
    expected = f(*args)
    for _ in range(4):
        found = g(*args)
        assert wg.tree.structure(found) == wg.tree.structure(expected)
        for a, b in zip(wg.tree.leaves(found), wg.tree.leaves(expected), strict=True):
            assert type(a) is type(np.asarray(b)[()]) if np.ndim(b) == 0 else np.ndarray
            np.testing.assert_array_equal(a, b)
    assert len(slow) == 2


def test_containers_that_native_code_does_not_know() -> None:
    g = wg.jit(lambda p, x: type(p["a"])(p["a"].w * x, p["a"].name))
    tree = collections.OrderedDict(a=Layer(X, 2.0))  # type: ignore[arg-type]
    for k in range(4):
        found = g(tree, X + k)
        np.testing.assert_array_equal(found.w, X * (X + k))
    assert len(g._leaves) == 1
    np.testing.assert_array_equal(g(tree, X[0]).w, X * X[0])
    with pytest.raises(ValueError, match="shapes|broadcast"):
        g(tree, np.ones(5))


def test_keywords_and_static_arguments() -> None:
    def f(x: Any, n: int = 1, *, mode: str = "a", y: Any = 0.0) -> Any:
        return (x + y) * n if mode == "a" else x - y

    g, slow = jitted(f, static_argnums=1, static_argnames="mode")
    for _ in range(3):
        np.testing.assert_array_equal(g(X, 2, mode="b", y=X), X - X)
        np.testing.assert_array_equal(g(X, 2, y=X, mode="a"), 4 * X)
        np.testing.assert_array_equal(g(X, 3), X * 3)
    assert len(slow) == 6
    np.testing.assert_array_equal(g(X, True), X)
    np.testing.assert_array_equal(g(X, y=X, mode="".join(["b"])), X - X)
    with pytest.raises(TypeError):
        g(X, 2, z=X)


def test_captured_variables_are_guarded() -> None:
    w, scale, table = np.arange(3.0), 2.0, {"k": [np.ones(3), 5.0]}

    def helper(x: Any) -> Any:
        return x * scale

    def f(x: Any) -> Any:
        return helper(x * w) + table["k"][0] * table["k"][1]

    g, slow = jitted(f)
    np.testing.assert_array_equal(warm(g, X), f(X))
    del slow[:]
    np.testing.assert_array_equal(g(X), f(X))
    w[1] = 9.0
    np.testing.assert_array_equal(g(X), f(X))
    w = np.arange(3.0)[::-1].copy()
    np.testing.assert_array_equal(g(X), f(X))
    table["k"][0] = np.zeros(3)
    np.testing.assert_array_equal(g(X), f(X))
    assert not slow
    for change in range(4):
        if change == 0:
            scale = 7.0
        elif change == 1:
            table["k"][1] = -1.0
        elif change == 2:
            w = np.ones((2, 3))
        else:
            helper = np.exp  # type: ignore[assignment]
        np.testing.assert_allclose(g(X), f(X), rtol=1e-15)
        assert len(slow) == change + 1


def test_arrays_that_only_the_recording_sees() -> None:
    g, slow = jitted(lambda x: x * np.arange(3.0) + np.array([1, 2, 0])[np.array([2, 1, 0])])
    expected = warm(g, X)
    gc.collect()
    np.testing.assert_array_equal(g(X), expected)
    assert len(slow) == 2


# ------------------------------------------------------------------ what is not


def readonly(x: Any) -> Any:
    x = x.copy()
    x.flags.writeable = False
    return x


class Sub(np.ndarray):
    pass


OTHERS = {
    "transposed": X.T.copy().T,
    "strided": np.repeat(X, 2, 1)[:, ::2],
    "negative": X[::-1].copy()[::-1],
    "broadcast": np.broadcast_to(X[0], (2, 3)),
    "misaligned": np.frombuffer(b"\0" + X.tobytes(), offset=1).reshape(2, 3),
    "swapped": X.astype(">f8"),
    "subclass": X.view(Sub),
    "float32": X.astype(np.float32),
    "integers": (X * 10).astype(np.int64),
    "unsigned": (X * X * 10).astype(np.uint64),
    "longer": np.ones((2, 4)),
    "rank": np.ones((1, 2, 3)),
    "vector": np.ones(6),
    "scalar": np.float64(0.5),
    "zero_d": np.array(0.5),
    "number": 0.5,
    "integer": 7,
    "bool": True,
    "complex": 1j,
    "tensor": wg.Tensor(X),
    "readonly": readonly(X),
    "empty": np.ones((0, 3)),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_arguments_are_never_taken_for_these(name: str) -> None:
    """Whatever comes after a native call with a plain array is right."""

    def f(x: Any, y: Any) -> Any:
        return x * 2 + 1, y * 3

    g = wg.jit(f)
    warm(g, X, X)
    other = OTHERS[name]
    for _ in range(3):
        for args in ((other, X), (X, other), (X, X)):
            for a, b in zip(g(*args), f(*args), strict=True):
                np.testing.assert_array_equal(np.asarray(a), np.asarray(b))
                if not isinstance(a, (wg.Tensor, int)) and not isinstance(b, (Sub, complex)):
                    # A Python number gives a NumPy scalar, as NumPy's functions do.
                    assert np.asarray(a).dtype == np.asarray(b).dtype
                    assert isinstance(a, np.ndarray) == isinstance(b, np.ndarray)


@pytest.mark.parametrize("bad", ["s", b"s", object(), np.array(["s"]), np.array([None]), 2**70])
def test_bad_arguments_after_native_calls(bad: Any) -> None:
    g = wg.jit(lambda x: x * 2)
    warm(g, X)
    warm(g, 3)
    with pytest.raises((wg.WengertTypeError, OverflowError)):
        g(bad)
    np.testing.assert_array_equal(g(X), X * 2)
    assert g(3) == 6


def test_thousands_of_arrays_do_not_fill_the_stack_of_a_thread() -> None:
    """Regression: native calls had all of them on it, and compared every array with every other."""
    f = wg.jit(lambda xs: (xs[0] + xs[-1], xs[1] * 2))
    xs = [X] * 20_000
    for _ in range(3):
        f(xs)
    found: list[Any] = []
    size = threading.stack_size(256 * 1024)
    try:
        thread = threading.Thread(target=lambda: found.extend(f(xs)))
        thread.start()
    finally:
        threading.stack_size(size)
    thread.join()
    np.testing.assert_array_equal(found, [2 * X, 2 * X])


def test_equal_dtypes_that_are_other_objects() -> None:
    x = pickle.loads(pickle.dumps(X))
    assert x.dtype is not X.dtype
    g, slow = jitted(lambda x: x * 2)
    warm(g, X)
    np.testing.assert_array_equal(g(x), X * 2)
    assert len(slow) == 2


def test_arrays_that_changed_their_shape() -> None:
    g = wg.jit(lambda x: x + 1)
    x = X.copy()
    warm(g, x)
    x.resize((3, 2), refcheck=False)
    np.testing.assert_array_equal(g(x), x + 1)
    x.resize((1, 2), refcheck=False)
    np.testing.assert_array_equal(g(x), x + 1)


def test_mutated_containers() -> None:
    g = wg.jit(lambda p: p["a"] + p["b"][0])
    p: dict[str, Any] = {"a": X, "b": [X]}
    warm(g, p)
    p["b"].append(X)
    np.testing.assert_array_equal(g(p), 2 * X)
    p["c"] = X
    np.testing.assert_array_equal(g(p), 2 * X)
    del p["a"]
    with pytest.raises(KeyError):
        g(p)
    assert g({1: X, "a": X, "b": [X]}).shape == X.shape


def test_calls_inside_transforms_and_recordings() -> None:
    """With plain arrays, while somebody records: the result belongs to the recording."""
    w = np.ones(3)
    f = wg.jit(lambda x: x * 2)
    warm(f, w)
    g = wg.jit(lambda x: x * f(w))
    np.testing.assert_array_equal(warm(g, X), 2 * X)
    w[:] = 5.0
    np.testing.assert_array_equal(g(X), 10 * X)
    np.testing.assert_array_equal(wg.vmap(lambda x: x * f(w))(X), 10 * X)
    np.testing.assert_array_equal(wg.grad(lambda x: np.sum(f(x * 1.0)))(w), [2.0] * 3)


# ------------------------------------------------------------------ objects and memory


def test_no_object_is_lost_or_freed_too_early() -> None:
    w, b, step = X.copy(), np.ones(3), 0.25

    def f(p: Any, k: Any) -> Any:
        return {"a": [p[0] * w, (p[1]["z"] + b, None)], "n": np.sum(p[0]) * k}, p[1]["z"] * step

    g = wg.jit(f)
    x, z = X.copy(), X.copy()
    args = ([x, {"z": z}], 3)
    warm(g, *args)
    own, shared = [x, z, w, b, args[0], f], [None, list, dict, tuple, x.dtype]
    gc.collect()
    before = [sys.getrefcount(y) for y in own], [sys.getrefcount(y) for y in shared]
    blocks = []
    for _ in range(5):
        for _ in range(200):
            g(*args)
        gc.collect()
        blocks.append(sys.getallocatedblocks())
    assert [sys.getrefcount(y) for y in own] == before[0]
    after = [sys.getrefcount(y) for y in shared]
    np.testing.assert_allclose(after, before[1], atol=100)
    assert max(blocks[1:]) - min(blocks[1:]) < 50
    found = g(*args)
    count = sys.getrefcount(found[1])
    assert count == 2
    assert found[1].base is None
    assert found[1].flags.owndata
    assert found[1].flags.writeable


def test_errors_lose_nothing() -> None:
    g = wg.jit(lambda x, i: (x * 2, x[i], x + 1))
    x, i = X[0].copy(), np.array([0, 2])
    warm(g, x, i)
    gc.collect()
    counts = [sys.getrefcount(y) for y in (x, i, x.dtype)]
    i[1] = 3
    for _ in range(500):
        with pytest.raises(IndexError, match="out of bounds"):
            g(x, i)
    gc.collect()
    after = [sys.getrefcount(y) for y in (x, i, x.dtype)]
    assert after[:2] == counts[:2]
    assert abs(after[2] - counts[2]) < 50
    i[1] = 1
    np.testing.assert_array_equal(g(x, i)[1], x[i])


def test_threads_and_long_work() -> None:
    """Long calls run without the lock; each has memory of its own."""
    a = np.random.default_rng(0).normal(size=(150, 150))
    g = wg.jit(lambda x: np.tanh(x @ x) @ x + np.exp(-x))
    xs = [a + k for k in range(4)]
    expected = [np.tanh(x @ x) @ x + np.exp(-x) for x in xs]
    warm(g, xs[0])
    assert g._natives
    wrong: list[int] = []

    def run(k: int) -> None:
        for _ in range(10):
            if not np.allclose(g(xs[k]), expected[k]):
                wrong.append(k)

    threads = [threading.Thread(target=run, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_layouts_that_are_not_as_expected(monkeypatch: pytest.MonkeyPatch) -> None:
    """The way through ctypes gives the same."""
    monkeypatch.setattr(layout, "_has_data_pointer", lambda: False)
    monkeypatch.setattr("wengert.compiler.jit.is_available", lambda: False, raising=False)
    module = sys.modules["wengert.compiler.jit"]
    monkeypatch.setattr(module, "is_available", lambda: False)
    g = wg.jit(lambda p, x: [p["a"] @ x.T, np.sum(x)], donate_argnums=0)
    for _ in range(3):
        found = g({"a": X.copy()}, X)
        np.testing.assert_allclose(found[0], X @ X.T)
    assert not g._natives


def test_methods_and_attributes() -> None:
    class Model:
        @wg.jit
        def double(self: Any, x: Any) -> Any:
            return x * 2

    f = wg.jit(lambda x: x * 2)
    warm(f, X)
    np.testing.assert_array_equal(f.__call__(X), 2 * X)
    np.testing.assert_array_equal(type(f).__call__(f, X), 2 * X)
    assert callable(f)
    with pytest.raises(TypeError):
        f()
    with pytest.raises(TypeError):
        f(X, X)
    with pytest.raises(wg.WengertTypeError, match="Model"):
        Model().double(X)


def in_order(d: Any) -> Any:
    """What depends on the order in which a dict is gone over."""
    total = np.zeros(3)
    for value in d.values():
        total = total * 2 + value
    return total


@pytest.mark.parametrize(
    "kind", [dict, lambda d: collections.defaultdict(list, d), collections.OrderedDict]
)
def test_the_order_of_a_dict_is_followed(kind: Any) -> None:
    """Python's structures of containers are equal whatever the order is."""
    a, b = np.ones(3), np.full(3, 5.0)
    orders = [kind({"a": a, "b": b}), kind({"b": b, "a": a})]
    for wrap in (lambda d: d, lambda d: [1.0, {"inner": d}], lambda d: {"z": (d, d)}):
        f = lambda t: sum(in_order(d) for d in dicts_in(t))  # noqa: E731
        compiled = wg.jit(f)
        for d in orders * 4:
            np.testing.assert_array_equal(compiled(wrap(d)), f(wrap(d)))
    captured = orders[0]
    g = wg.jit(lambda x: x * in_order(captured))
    for captured in orders * 4:
        np.testing.assert_array_equal(g(a), a * in_order(captured))


def dicts_in(tree: Any) -> list[Any]:
    """The innermost dicts."""
    if isinstance(tree, dict):
        inner = [d for value in tree.values() for d in dicts_in(value)]
        return inner or [tree]
    return [d for x in tree for d in dicts_in(x)] if isinstance(tree, (list, tuple)) else []


def test_keys_that_are_other_objects_with_the_same_letters() -> None:
    f, slow = jitted(in_order)

    def spelt(*names: str) -> dict[str, Any]:
        return {"".join(list(name)): np.ones(3) * k for k, name in enumerate(names)}

    for _ in range(3):
        f(spelt("first", "second"))
    slow.clear()
    for names in (("first", "second"), ("first", "thirds"), ("second", "first")):
        np.testing.assert_array_equal(f(spelt(*names)), in_order(spelt(*names)))
    assert len(slow) == 2  # native code compares letters, and follows the order
