"""Regions: rows, blocks of any size, any number of threads; compiled equals eager."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

import wengert as wg
from wengert.compiler.codegen import loops
from wengert.compiler.codegen.access import Unknown
from wengert.compiler.codegen.tiles import Layout, Shape
from wengert.compiler.indices import Linear
from wengert.compiler.passes import regions
from wengert.compiler.passes.rows import period_of
from wengert.compiler.plan import Plan, Region

from ..core.test_random_programs import loss_of, programs, text_of

pytest.importorskip("llvmlite")

Array = np.ndarray


def force(patch: pytest.MonkeyPatch, block: int = 256) -> None:
    """Regions, blocks and threads for the smallest of programs."""
    patch.setattr(regions, "_CACHE", 64)
    patch.setattr(regions, "_BLOCK", block)
    patch.setattr(regions, "_WORTH_THREADS", 0)
    patch.setattr(regions, "_WORTH_SHARING", 0)
    patch.setattr(regions, "gain_of_threads", lambda *_: 1.0)
    patch.setattr(regions, "_PRICE", 0)
    patch.setattr(regions, "_SUM_PRICE", 0)
    patch.setattr(regions, "_PREPARED", 1)
    patch.setattr(regions, "_PER_ROW", 1 << 40)


def regions_of(plan: Plan) -> list[Region]:
    return [s for s in plan.steps if isinstance(s, Region)]


def close(found: Any, expected: Any, dtype: Any) -> None:
    tolerance = 3000 * float(np.finfo(dtype).eps)
    for a, b in zip(found, expected, strict=True):
        scale = float(np.abs(b).max(initial=1.0))
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * scale)


# ------------------------------------------------------------------ rows


def test_periods_are_right_for_every_index() -> None:
    """Against the addresses themselves."""
    rng = np.random.default_rng(0)
    kept = 0
    for _ in range(3000):
        lengths = tuple(int(n) for n in rng.integers(2, 5, rng.integers(1, 4)))
        data = Unknown(0, 3)
        steps = rng.choice([-4, -1, 0, 1, 2, 3, 4, 6, 8, 12, 24], len(lengths) + 1)
        terms = [(name, int(s)) for name, s in zip([*range(len(lengths)), data], steps) if s]
        at = Linear(int(rng.integers(0, 7)), tuple(terms))
        size = int(rng.choice([8, 12, 16, 24, 48, 72]))
        period = period_of(at, 0, lengths, size)
        if period is None:
            continue
        kept += 1
        for index in product(*map(range, lengths), range(3)):
            values = dict(zip([*range(len(lengths)), data], index, strict=True))
            address = at.offset + sum(s * values[name] for name, s in at.terms)
            assert address // period % lengths[0] == index[0]
    assert kept > 100


# ------------------------------------------------------------------ random programs


@pytest.mark.parametrize("threads", [1, 3])
@settings(max_examples=20, deadline=None, derandomize=True)
@given(case=programs())
def test_programs(case: Any, threads: int) -> None:
    inputs, instructions = case
    loss, text = loss_of(instructions), text_of(instructions)
    gradient = wg.value_and_grad(loss, argnums=(0, 1))
    expected = gradient(*inputs)
    with pytest.MonkeyPatch.context() as patch:
        force(patch)
        try:
            found = wg.jit(gradient, threads=threads)(*inputs)
        except wg.MutationError:
            return
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-10, atol=1e-10, err_msg=text)
    for a, b in zip(found[1], expected[1], strict=True):
        scale = float(np.abs(b).max(initial=1.0))
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-10 * scale, err_msg=text)


def network(rng: np.random.Generator, dtype: Any) -> tuple[Callable[..., Any], Any, Any]:
    """A training step of a random network on a random number of rows, and its arguments."""
    rows = int(rng.choice([1, 2, 7, 16, 31, 61, 97, 128]))
    sizes = [int(n) for n in rng.choice([1, 3, 5, 8, 10, 17, 33], rng.integers(2, 5))]
    classes = int(rng.integers(2, 11))
    sizes.append(classes)
    activations = [int(k) for k in rng.integers(0, 4, len(sizes))]
    normed = [bool(b) for b in rng.random(len(sizes)) < 0.3]
    parameters = []
    for n, m in pairwise(sizes):
        parameters.append((rng.normal(size=(n, m)) / np.sqrt(n)).astype(dtype))
        parameters.append((0.1 * rng.normal(size=m)).astype(dtype))
    is_integer = rng.random() < 0.3
    x = rng.integers(0, 9, (rows, sizes[0])).astype(np.uint8) if is_integer else (
        rng.normal(size=(rows, sizes[0])).astype(dtype)
    )  # fmt: skip
    labels = rng.integers(0, classes, rows)
    penalty = rng.random() < 0.5

    def loss(p: Any, x: Any, y: Any) -> Any:
        h = x.astype(dtype) / 8 if is_integer else x
        for k in range(len(sizes) - 1):
            h = h @ p[2 * k] + p[2 * k + 1]
            if normed[k] and h.shape[1] > 2:
                d = h - np.mean(h, axis=1, keepdims=True)
                h = d / np.sqrt(np.mean(d * d, axis=1, keepdims=True) + 0.1)
            if k < len(sizes) - 2:
                h = (np.tanh, np.sin, lambda v: v * 0.5, lambda v: 1 / (1 + np.exp(-v)))[
                    activations[k]
                ](h)
        e = h - np.max(h, axis=1, keepdims=True)
        value = np.mean(np.log(np.sum(np.exp(e), axis=1)) - e[np.arange(len(x)), y])
        if penalty:
            value = value + sum(0.01 * np.sum(a * a) for a in p) + 0.1 * np.max(np.abs(h))
        return value

    def step(p: Any, x: Any, y: Any) -> Any:
        value, g = wg.value_and_grad(loss)(p, x, y)
        return [value, *(a - 0.1 * b for a, b in zip(p, g, strict=True))]

    return step, parameters, (x, labels)


@pytest.mark.parametrize("seed", range(20))
def test_training_steps(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of several sizes, with one and more threads, parameters donated or not."""
    rng = np.random.default_rng(seed)
    dtype = rng.choice([np.float64, np.float32])
    step, parameters, data = network(rng, dtype)
    expected = step(parameters, *data)
    for threads, block in ((1, 64), (2, 1), (3, 5000), (2, 1 << 30))[seed % 2 :: 2]:
        force(monkeypatch, block)
        donated = threads != 1
        compiled = wg.jit(step, threads=threads, donate_argnums=0 if donated else ())
        found = compiled([a.copy() for a in parameters], *data)
        close(found, expected, dtype)
        if donated:
            again = compiled([a.copy() for a in parameters], *data)
            for a, b in zip(again, found, strict=True):
                np.testing.assert_array_equal(a, b)  # the same bits, whoever did which part


def test_barriers_are_left_out_only_where_nothing_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """With all barriers in place the results have the same bits."""
    force(monkeypatch)
    left_out = 0
    for seed in range(3):
        rng = np.random.default_rng(seed)
        step, parameters, data = network(rng, np.float64)
        compiled = wg.jit(step, threads=2)
        plan = compiled.lower(parameters, *data).plan
        left_out += sum(not r.barrier for r in regions_of(plan))
        found = compiled(parameters, *data)
        with monkeypatch.context() as patch:
            patch.setattr(regions._Former, "_elide_barriers", lambda self, found: None)
            guarded = wg.jit(step, threads=2)
            lowered = guarded.lower(parameters, *data)
            assert all(r.barrier for r in regions_of(lowered.plan))
            expected = guarded(parameters, *data)
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_array_equal(a, b)
    assert left_out > 2


def test_donated_memory_is_not_overwritten_before_all_have_read_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The value reads w as it was, though regions put its computation off to the end."""
    force(monkeypatch, 64)

    def step(w: Any, x: Any) -> Any:
        def loss(w: Any) -> Any:
            z = np.tanh(x * w)
            return np.sum(z / np.sum(z * z, axis=1, keepdims=True)) + np.sum(w * w)

        value, g = wg.value_and_grad(loss)(w)
        return value, w - 0.1 * g

    w, x = np.array([0.7]), np.random.default_rng(0).normal(size=(97, 5))
    expected = step(w, x)
    for threads in (1, 2):
        lowered = wg.jit(step, donate_argnums=0, threads=threads).lower(w, x)
        assert lowered.cost()["in_place"] == 1
        found = wg.jit(step, donate_argnums=0, threads=threads)(w.copy(), x)
        close(found, expected, float)


# ------------------------------------------------------------------ what becomes of programs


def classifier(x: Any, y: Any, w: Any) -> Any:
    z = x @ w
    e = z - np.max(z, axis=1, keepdims=True)
    return np.mean(np.log(np.sum(np.exp(e), axis=1)) - e[np.arange(len(x)), y])


@pytest.mark.parametrize("dtype", [np.float32, np.uint8])
@pytest.mark.parametrize("threads", [1, 2])
def test_a_large_batch_is_read_once(dtype: Any, threads: int) -> None:
    """Forward and backward in one region, whose temporaries are those of a block."""
    x, y = np.zeros((20_000, 600), dtype), np.zeros(20_000, int)
    w = np.zeros((600, 10), np.float32)

    def loss(w: Any) -> Any:
        return classifier(x.astype(np.float32), y, w)

    lowered = wg.jit(wg.value_and_grad(loss), threads=threads).lower(w)
    large = [s for s in lowered.plan.leaves() if 20_000 in getattr(s, "lengths", ())]
    blocked = [r for r in regions_of(lowered.plan) if r.block < r.share]
    assert len(blocked) == 1
    # What is outside only looks at the labels, whether they are in bounds.
    assert len(large) - len(blocked[0].steps) <= 1
    assert blocked[0].parts == threads
    assert lowered.cost()["arena"] < 2**20


def test_accumulators_that_are_stored_once_are_not_filled() -> None:
    """Each part of a region that is not cut into blocks goes over its accumulators once."""
    rng = np.random.default_rng(0)
    x, w, g = (rng.normal(size=s).astype(np.float32) for s in ((32, 784), (784, 256), (32, 256)))

    def step(x: Any, w: Any, g: Any) -> Any:
        return np.tanh(x @ w), w - np.float32(0.1) * x.T @ g

    f = wg.jit(step, threads=2)
    shared = [r for r in regions_of(f.lower(x, w, g).plan) if r.private]
    assert shared
    for region in shared:
        assert region.block >= region.share
        assert not region.fills
        for nest in region.steps:
            stores = [s for s in nest.stores if s.buffer.memory in region.private]
            assert all(s.kind == "set" for s in stores)
    for _ in range(2):  # the second call finds what the first has left there
        for found, expected in zip(f(x, w, g), step(x, w, g), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "rows", [lambda s: 8 if s.span_p == s.p else 16, lambda s: 8 if s.span_p % 8 else 16]
)
@pytest.mark.parametrize("length", [776, 784])
def test_tiles_that_depend_on_the_rows_of_a_part(
    rows: Any, length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ranges of the parts are multiples of the tile that is used in the end."""
    monkeypatch.setenv("WENGERT_CACHE", "off")
    asked = []

    def forced(s: Shape) -> Layout:
        asked.append(s.ranged)
        return Layout("q", rows(s), 1, "pq", 1)

    monkeypatch.setattr(loops, "best_layout", forced)
    force(monkeypatch, 1 << 30)
    rng = np.random.default_rng(0)
    x, g = (rng.normal(size=s).astype(np.float32) for s in ((32, length), (32, 3)))
    room = np.full((length + 64, 3), 7, np.float32)
    w = room[32:-32]

    def step(w: Any) -> Any:
        return w - np.float32(0.5) * x.T @ g

    f = wg.jit(step, threads=2, donate_argnums=0)
    assert any(r.parts == 2 and r.length == length for r in regions_of(f.lower(w).plan))
    assert asked[-1] == "p"
    expected = step(w)
    np.testing.assert_allclose(f(w), expected, rtol=1e-4, atol=1e-4)
    assert np.all(room[:32] == 7)
    assert np.all(room[-32:] == 7)


def test_small_programs_stay_on_one_thread() -> None:
    f = wg.jit(lambda x: np.sum(np.tanh(x @ x.T)), threads=2)
    assert regions_of(f.lower(np.ones((20, 20))).plan) == []


def has_gather(plan: Plan) -> bool:
    stack = [store.node for s in plan.leaves() for store in s.stores]  # type: ignore[union-attr]
    seen = set()
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            stack.extend(node.args)
    return any(node.op == "gather" for node in seen)


def test_row_numbers_are_no_gather() -> None:
    x, y = np.arange(12.0).reshape(4, 3), np.array([0, 2, 1, 1])
    f = wg.jit(lambda x: x[np.arange(4), np.zeros(4, int) + 1] + x[np.arange(1, 4, 2), 0].sum())
    assert has_gather(wg.jit(lambda x: x[y, 0]).lower(x).plan)
    assert not has_gather(f.lower(x).plan)
    np.testing.assert_array_equal(f(x), x[np.arange(4), 1] + x[[1, 3], 0].sum())
    g = wg.jit(wg.grad(lambda x: np.sum(x[np.arange(4), y] ** 2 + x[np.array([0, 0, 1, 1]), 0])))
    expected = wg.grad(lambda x: np.sum(x[np.arange(4), y] ** 2 + x[np.array([0, 0, 1, 1]), 0]))(x)
    np.testing.assert_array_equal(g(x), expected)


def test_writes_to_one_row_again_and_again() -> None:
    def last(v: Any) -> Any:
        x = np.zeros_like(v)
        x[np.zeros(4, int)] = v
        return x

    def added(v: Any) -> Any:
        x = np.zeros_like(v)
        np.add.at(x, np.zeros(4, int) + 2, v)
        return x

    v = np.arange(1.0, 5.0)
    for f in (last, added, wg.grad(lambda v: np.sum(v[np.zeros(4, int) + 1] ** 2))):
        np.testing.assert_array_equal(wg.jit(f)(v), f(v))


def test_captured_row_numbers_are_read_anew() -> None:
    x, rows = np.arange(12.0).reshape(4, 3), np.arange(4)
    f = wg.jit(lambda x: x[rows, 0])
    np.testing.assert_array_equal(f(x), [0, 3, 6, 9])
    rows[:] = [3, 3, 0, 0]
    np.testing.assert_array_equal(f(x), [9, 9, 0, 0])


def test_row_numbers_out_of_bounds_are_an_error() -> None:
    f = wg.jit(lambda x: x[np.arange(5), 0])
    with pytest.raises(IndexError):
        f(np.ones((4, 3)))


# ------------------------------------------------------------------ threads


def heavy(x: Any) -> Any:
    return np.sum(np.tanh(x @ x.T) * 1e-3, axis=0), np.sum(np.exp(np.sin(x)))


def test_threads_of_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pool serves one call at a time; others do their work alone, with the same result."""
    force(monkeypatch, 4000)
    # Between its calls of NumPy the function runs without the interpreter's lock.
    f = wg.jit(lambda x: heavy(np.sort(x)), threads=3)
    x = np.random.default_rng(0).normal(size=(150, 70))
    expected = f(x)
    close(expected, heavy(np.sort(x)), float)
    wrong: list[Any] = []

    def run() -> None:
        for _ in range(40):
            if not all(np.array_equal(a, b) for a, b in zip(f(x), expected, strict=True)):
                wrong.append(1)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert wrong == []


_FORK = """
import os, signal, sys, warnings
import numpy as np
import wengert as wg
from wengert.compiler.passes import regions
regions._WORTH_THREADS = regions._WORTH_SHARING = 0
regions.gain_of_threads = lambda *_: 1.0
warnings.simplefilter("ignore", DeprecationWarning)
f = wg.jit(lambda x: np.sum(np.tanh(x @ x.T), axis=0), threads=2)
x = np.random.default_rng(0).normal(size=(64, 64))
expected = f(x)
tasks = lambda: len(os.listdir("/proc/self/task"))
before = tasks()
children = []
for k in range(3):
    pid = os.fork()
    if pid == 0:
        signal.alarm(60)
        alone = tasks()
        good = all(np.array_equal(f(x), expected) for _ in range(50))
        os._exit(0 if good and alone == 1 and tasks() == 2 else 1)
    children.append(pid)
for pid in children:
    for _ in range(20):
        assert np.array_equal(f(x), expected)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
assert tasks() == before
print("survived")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has the pool")
def test_the_pool_survives_fork() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _FORK], capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.stdout.strip() == "survived", done.stderr


def test_options(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(wg.WengertTypeError, match="jit: threads must be an integer, not '2'"):
        wg.jit(np.sin, threads="2")
    with pytest.raises(wg.WengertTypeError, match="must be an integer, not True"):
        wg.jit(np.sin, threads=True)
    with pytest.raises(wg.WengertValueError, match="at least 1, not 0"):
        wg.jit(np.sin, threads=0)
    with pytest.raises(wg.WengertValueError, match="set_threads: threads must be at least 1"):
        wg.set_threads(-1)
    force(monkeypatch)
    x = np.ones((40, 30))

    def parts(**options: Any) -> int:
        return max((r.parts for r in regions_of(wg.jit(heavy, **options).lower(x).plan)), default=1)

    monkeypatch.setenv("WENGERT_THREADS", "3")
    assert parts() == 3
    assert parts(threads=2) == 2
    wg.set_threads(4)
    try:
        assert parts() == 4
    finally:
        wg.set_threads(None)
    monkeypatch.setenv("WENGERT_THREADS", "many")
    with pytest.raises(wg.WengertValueError, match="WENGERT_THREADS must be a positive integer"):
        parts()


def test_few_rows_keep_all_threads_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a tile of rows, or a vector over joined axes, would be more than a thread's share."""
    force(monkeypatch, 1 << 30)

    def attention(x: Any) -> Any:
        a = np.exp(x @ np.swapaxes(x, -1, -2) * 0.1)
        return np.tanh((a / a.sum(-1, keepdims=True)) @ x)

    x = np.random.default_rng(0).normal(size=(4, 9, 7))
    for threads in (1, 2, 3, 4):
        f = wg.jit(attention, threads=threads)
        shared = [s for s in f.lower(x).plan.steps if isinstance(s, Region) and s.parts > 1]
        for region in shared:
            if region.length == 4:
                assert -(-region.length // region.share) == -(-4 // -(-4 // threads))
        assert threads == 1 or any(r.length == 4 for r in shared)
        np.testing.assert_allclose(f(x), attention(x), 1e-12)


def test_threads_are_used_where_they_gain_more_than_they_wait() -> None:
    """What moves between caches in each of many short steps is left on one thread."""

    def heat(u: Array) -> Array:
        for _ in range(10):
            u = u + 0.1 * (np.roll(u, 1, 0) + np.roll(u, 1, 1) - 2 * u)
        return u

    def threads(f: Any, *args: Any) -> int:
        plan = wg.jit(f, threads=2).lower(*args).plan
        return max(r.parts for r in regions_of(plan)) if regions_of(plan) else 1

    assert threads(heat, np.ones((64, 64))) == 1
    assert threads(lambda x: np.exp(np.sin(x)), np.ones(100_000)) == 2
