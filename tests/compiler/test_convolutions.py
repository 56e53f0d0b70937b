"""Networks of convolutions: what is stored, filled and joined; compiled equals eager."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.compiler.codegen import loops
from wengert.compiler.codegen.processor import Processor
from wengert.compiler.ir import Graph
from wengert.compiler.lowering import lowered
from wengert.compiler.passes.fuse import fuse
from wengert.compiler.passes.margins import share_margins
from wengert.compiler.passes.simplify import simplify
from wengert.compiler.plan import Nest, Plan, Region
from wengert.core.abstract import Aval
from wengert.core.recorder import record
from wengert.operations import avg_pool2d, conv2d, max_pool2d

from .test_regions import close, force

pytest.importorskip("llvmlite")

Array = np.ndarray


def network(rng: np.random.Generator, dtype: Any) -> tuple[Callable[..., Any], Any, Any]:
    """One or two convolutions with what may follow, a sum of squares, and a step with momentum."""
    n, side = int(rng.integers(1, 7)), int(rng.integers(6, 13))
    channels = [int(c) for c in rng.integers(1, 20, 3)]
    layers = []
    for k in range(int(rng.integers(1, 3))):
        padding: Any = [int(p) for p in rng.integers(int(k > 0), 3, 4)]
        layers.append({
            "padding": (tuple(padding[:2]), tuple(padding[2:])),
            "stride": int(rng.integers(1, 3)) if k == 0 else 1,
            "activation": rng.choice(["relu", "tanh", "none"]),
            "pool": rng.choice(["max", "avg", "none"]) if k == 0 else "none",
            "bias": bool(rng.integers(2)),
        })  # fmt: skip
    x = rng.standard_normal((n, side, side, channels[0])).astype(dtype)
    start = []
    for k in range(len(layers)):
        size = (3, int(rng.choice([1, 3])), *channels[k : k + 2])
        start.append(rng.standard_normal(size).astype(dtype) / 4)
        start.append(rng.standard_normal(channels[k + 1]).astype(dtype))

    def loss(p: Any, x: Any) -> Any:
        for k, layer in enumerate(layers):
            x = conv2d(x, p[2 * k], padding=layer["padding"], stride=layer["stride"])
            x = x + p[2 * k + 1] if layer["bias"] else x
            if layer["activation"] != "none":
                x = np.tanh(x) if layer["activation"] == "tanh" else np.maximum(x, 0)
            if layer["pool"] != "none":
                x = max_pool2d(x, 2) if layer["pool"] == "max" else avg_pool2d(x, 2)
        return (x * x).mean()

    def step(p: Any, v: Any, x: Any) -> Any:
        value, g = wg.value_and_grad(loss)(p, x)
        v = [np.float32(0.5) * a + b for a, b in zip(v, g, strict=True)]
        return value, [a - np.float32(0.1) * b for a, b in zip(p, v, strict=True)], v

    return step, start, x


@pytest.mark.parametrize("seed", range(40))
def test_training_steps(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(seed)
    dtype = np.float32 if seed % 2 else np.float64
    step, start, x = network(rng, dtype)
    velocity = [np.ones_like(a) for a in start]
    expected = step(start, velocity, x)
    flat = [expected[0], *expected[1], *expected[2]]
    for threads, forced in ((1, False), (1, True), (3, True)):
        with monkeypatch.context() as patch:
            if forced:
                force(patch, int(rng.choice([256, 20_000])))
            compiled = wg.jit(step, threads=threads, donate_argnums=(0, 1))
            found = compiled([a.copy() for a in start], [a.copy() for a in velocity], x)
        close([found[0], *found[1], *found[2]], flat, dtype)


@pytest.mark.parametrize("vector_bytes", [16, 32, 64])
@pytest.mark.parametrize("shape", [(2, 14, 14, 3, 7), (1, 5, 29, 2, 33), (9, 3, 3, 4, 64)])
def test_registers_of_any_length(
    shape: tuple[int, ...], vector_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other tiles, with what is left over at their ends."""
    from wengert.compiler.codegen import target

    if vector_bytes > target.host_processor().vector_bytes:
        pytest.skip("longer than the registers of this processor")
    monkeypatch.setattr(target, "host_processor", lambda: Processor(vector_bytes))
    rng = np.random.default_rng(0)
    n, height, width, c, outputs = shape
    x = rng.standard_normal((n, height, width, c)).astype(np.float32)
    k = rng.standard_normal((3, 3, c, outputs)).astype(np.float32)

    def f(x: Any, k: Any) -> Any:
        return (conv2d(x, k, padding="same") ** 2).sum()

    gradient = wg.grad(f, (0, 1))
    close(wg.jit(gradient, threads=1)(x, k), gradient(x, k), np.float32)


def plan_of(f: Callable[..., Any], *avals: Aval) -> Plan:
    program = record(lambda *xs: [f(*xs)], avals, True)
    return fuse(share_margins(lowered(simplify(program))))


IMAGES = Aval((4, 10, 12, 5), np.dtype(np.float32))
KERNEL = Aval((3, 3, 5, 5), np.dtype(np.float32))


def written(plan: Plan) -> dict[tuple[int, ...], int]:
    """How many elements are written to arrays of each shape."""
    total: dict[tuple[int, ...], int] = {}
    for s in plan.steps:
        assert isinstance(s, Nest)
        for store in s.stores:
            total[store.buffer.shape] = total.get(store.buffer.shape, 0) + int(np.prod(s.kept))
    return total


def test_images_with_a_margin_are_stored_once() -> None:
    """The sum reads the array with the margin, too."""
    plan = plan_of(
        lambda x, k: conv2d(y := np.tanh(x), k, padding="same") * y.sum(), IMAGES, KERNEL
    )
    shapes = written(plan)
    # Neither tanh(x) in an array of its own, nor an element of the padded one written twice.
    assert shapes.pop((4, 12, 14, 5)) == 4 * 12 * 14 * 5
    assert set(shapes) == {(4, 10, 12, 5), (4, 10, 12, 1, 5), ()} & set(shapes)
    assert sum(n for shape, n in shapes.items() if shape) <= 2 * 4 * 10 * 12 * 5


def test_results_are_stored_without_a_margin() -> None:
    def f(x: Array, k: Array) -> Any:
        y = np.tanh(x)
        return [conv2d(y, k, padding="same"), y]

    rng = np.random.default_rng(0)
    x = rng.standard_normal(IMAGES.shape).astype(np.float32)
    k = rng.standard_normal(KERNEL.shape).astype(np.float32)
    close(wg.jit(f)(x, k), f(x, k), np.float32)


@pytest.mark.parametrize("margins", [((0, 0), (1, 1)), ((2, 2), (0, 3)), ((1, 0), (2, 2))])
def test_only_the_margin_is_filled(margins: Any) -> None:
    plan = plan_of(lambda x, k: conv2d(x, k, padding=margins), IMAGES, KERNEL)
    shape = (4, 10 + sum(margins[0]), 12 + sum(margins[1]), 5)
    assert written(plan)[shape] == np.prod(shape)


def test_operations_go_before_a_rearrangement() -> None:
    """What follows the pullback of a pooling is computed in its nest."""
    g = Graph()
    ct = g.input(0, (3, 2), np.float64)
    y = g.input(1, (6,), np.float64)
    empty = g.make("empty", (), (6,), np.float64, 0)
    spread = g.make("update", (empty, ct), (6,), np.float64, ("set", ((0, 0, 2, 1, 1),)))
    found = g.map("mul", spread, y)
    assert (found.op, found.shape) == ("update", (6,))
    value = found.args[1]
    assert (value.op, value.shape) == ("map", (3, 2))
    assert value.args[0] is ct
    assert value.args[1].attrs == ((0, 0, 2, 1, 1),)
    assert g.map("mul", spread, y) is found  # each only once


def test_maxima_that_are_not_numbers() -> None:
    """A window with NaN has NaN as its maximum, and its gradient goes there."""
    x = np.arange(32.0).reshape(1, 4, 8, 1)
    x[0, 1, 1], x[0, 2, 3], x[0, 3, 2], x[0, 0, 6] = np.nan, np.nan, np.nan, np.inf

    def f(x: Array) -> Any:
        return (max_pool2d(x, 2) * np.arange(1.0, 9.0).reshape(1, 2, 4, 1)).sum()

    for g in (wg.grad(f), wg.grad(lambda x: max_pool2d(x, 3, stride=1).sum())):
        np.testing.assert_array_equal(wg.jit(g)(x), g(x))


def test_forward_and_backward_share_a_region() -> None:
    """Gradients of all kernels are sums over images, and need no pass of their own over them."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((32, 16, 16, 8)).astype(np.float32)
    kernels = [rng.standard_normal((3, 3, a, b)).astype(np.float32) for a, b in ((8, 32), (32, 32))]

    def loss(kernels: Any, x: Any) -> Any:
        for k in kernels:
            x = max_pool2d(np.maximum(conv2d(x, k, padding="same"), 0), 2)
        return (x * x).sum()

    plan = wg.jit(wg.grad(loss), threads=2).lower(kernels, x).plan
    large = [s for s in plan.steps if isinstance(s, Region) and s.length == 32 and s.parts == 2]
    assert len(large) == 1
    assert len(large[0].private) == 2
    before = plan.steps[: plan.steps.index(large[0])]
    assert all(isinstance(s, Region) and s.parts == 1 for s in before)


def test_tiles_fill_the_registers() -> None:
    for registers in (16, 32):
        for vectors in range(1, 20):
            columns = loops._columns(vectors, registers)
            assert 1 <= columns <= min(vectors, registers // 8)
    assert loops._columns(4, 32) == 4
    assert loops._columns(6, 32) == 3
    for most in (4, 6, 12):
        for length in range(1, 60):
            assert 1 <= loops._rows(length, most) <= most
    assert loops._rows(14, 12) == 8


@pytest.mark.parametrize("weight", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("lengths", [(9, 4), (4, 9), (5, 5), (1, 3), (3, 1), (40, 17)])
@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("function", [np.convolve, np.correlate])
def test_margins_do_not_meet_infinite_weights(
    function: Any, mode: str, lengths: tuple[int, int], weight: float
) -> None:
    """Regression: the zeros beside a sequence made NaN of them, where NumPy has no product."""
    rng = np.random.default_rng(3)
    a, v = [rng.normal(size=n) for n in lengths]
    v[rng.integers(len(v))] = weight

    def f(a: Any, v: Any) -> Any:
        return function(a, v, mode)

    def total(a: Any, v: Any) -> Any:
        y = f(a, v)
        return np.sum(y * np.arange(1.0, y.size + 1))

    with np.errstate(invalid="ignore"):
        np.testing.assert_allclose(wg.jit(f)(a, v), f(a, v), rtol=1e-12)
        gradients = wg.jit(wg.grad(total, (0, 1)))(a, v)
        for found, expected in zip(gradients, wg.grad(total, (0, 1))(a, v), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-10)
        stack = np.stack([a, 2 * a])
        stacked = wg.jit(wg.vmap(f, (0, None)))(stack, v)
        np.testing.assert_allclose(stacked, [f(a, v), f(2 * a, v)], rtol=1e-12)
