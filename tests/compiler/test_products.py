"""Products of matrices: layouts, widths of registers, ways to cut them; copies; the profile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.compiler.codegen import loops, target, tiles
from wengert.compiler.codegen.processor import Processor
from wengert.compiler.codegen.tiles import Layout, Read, Shape, best_layout, pieces
from wengert.compiler.plan import Nest, Product

FORMS: dict[str, tuple[Callable[..., Any], Callable[[int, int, int], tuple[Any, Any]]]] = {
    "nn": (lambda a, b: a @ b, lambda m, n, k: ((m, k), (k, n))),
    "nt": (lambda a, b: a @ b.T, lambda m, n, k: ((m, k), (n, k))),
    "tn": (lambda a, b: a.T @ b, lambda m, n, k: ((k, m), (k, n))),
    "tt": (lambda a, b: a.T @ b.T, lambda m, n, k: ((k, m), (n, k))),
    "epilogue": (lambda a, b: np.tanh(a @ b.T + 1) * 2, lambda m, n, k: ((m, k), (n, k))),
    "stack": (
        lambda a, b: a @ np.swapaxes(b, 1, 2),
        lambda m, n, k: ((3, m, k), (3, n, k)),
    ),
}
PROCESSORS = [
    Processor(16, 16), Processor(16, 32), Processor(32, 16), Processor(64, 32),
    Processor(64, 32, halves=True),
]  # fmt: skip
LONG = pytest.mark.parametrize("processor", PROCESSORS[-2:])
SIZES = [(32, 40, 10), (7, 13, 5), (33, 100, 37), (100, 26, 25), (16, 64, 128)]


def drawn(*shape: int, dtype: Any = np.float64) -> Any:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(dtype)


def check(f: Callable[..., Any], *args: Any, **options: Any) -> None:
    rtol = 1e-4 if args[0].dtype == np.float32 else 1e-11
    np.testing.assert_allclose(wg.jit(f, **options)(*args), f(*args), rtol=rtol, atol=10 * rtol)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("processor", [*PROCESSORS, None])
def test_products(
    form: str, dtype: Any, processor: Processor | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if processor:
        if processor.vector_bytes > target.host_processor().vector_bytes:
            pytest.skip("longer than the registers of this machine")
        monkeypatch.setenv("WENGERT_CACHE", "off")
        monkeypatch.setattr(target, "host_processor", lambda: processor)
    f, shapes = FORMS[form]
    for size in SIZES if processor is None else SIZES[1:3]:
        args = [drawn(*s, dtype=dtype) for s in shapes(*size)]
        for threads in (1, 3):
            check(f, *args, threads=threads)


@pytest.mark.parametrize("vector", "pqk")
@pytest.mark.parametrize("order", ["pq", "qp"])
@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (3, 2), (4, 5), (16, 1)])
def test_every_layout(
    vector: str, order: str, rows: int, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WENGERT_CACHE", "off")
    asked = []

    def forced(shape: Shape) -> Layout:
        asked.append(shape)
        return Layout(vector, min(rows, shape.p), min(columns, shape.q), order, 1.0)

    monkeypatch.setattr(loops, "best_layout", forced)
    check(FORMS["nn"][0], drawn(37, 21, dtype=np.float32), drawn(21, 43, dtype=np.float32))
    check(FORMS["tn"][0], drawn(21, 37), drawn(21, 43))
    assert asked


@pytest.mark.parametrize(
    ("vector", "rows", "columns", "form"),
    [("q", 6, 1, "nn"), ("q", 3, 1, "nt"), ("k", 4, 3, "nt"), ("k", 2, 1, "nn")],
)
def test_what_comes_from_memory_is_asked_for_a_tile_ahead(
    vector: str, rows: int, columns: int, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forced(s: Shape) -> Layout:
        near = [x for x in tiles.layouts(s) if x.vector == vector]
        return min(near, key=lambda x: (abs(x.rows - rows), abs(x.columns - columns)))

    monkeypatch.setenv("WENGERT_CACHE", "off")
    monkeypatch.setattr(loops, "best_layout", forced)
    monkeypatch.setattr(loops, "_FROM_MEMORY", 1 << 16)
    f, shapes = FORMS[form]
    for dtype, k in ((np.float32, 1003), (np.float64, 517), (np.float32, 35)):
        m = (1 << 16) // (k * np.dtype(dtype).itemsize) + 5
        a, b = (drawn(*shape, dtype=dtype) for shape in shapes(m, 7, k))
        assert "@llvm.prefetch" in wg.jit(f, threads=2).lower(a, b).llvm
        check(f, a, b, threads=2)
        assert "@llvm.prefetch" not in wg.jit(f, threads=2).lower(a[:3].copy(), b).llvm


def test_large_products_use_all_their_threads() -> None:
    a, b = drawn(300, 400, dtype=np.float32), drawn(400, 200, dtype=np.float32)
    check(FORMS["nn"][0], a, b, threads=2)
    check(FORMS["tn"][0], a, drawn(300, 200, dtype=np.float32), threads=2)


def test_tiles_leave_nothing_out() -> None:
    for length in range(1, 70):
        for count in range(1, 7):
            found = pieces(length, 8, count)
            assert sum(n * c for n, c in found) == -(-length // 8)
            assert all(c <= count for _, c in found)


@LONG
def test_ranges_are_cut_evenly(processor: Processor) -> None:
    """A tile of six vectors would give one thread three quarters of 256 columns."""
    reads = (Read(0, 1, 256, 4), Read(1, 0, 784, 4))
    found = best_layout(Shape(784, 256, 32, reads, ((256, 1),), 16, processor, 784, 256, "q", 2))
    assert found.vector == "q"
    assert 128 % (16 * found.columns) == 0


@LONG
def test_tiles_take_few_lines_that_are_a_power_of_two_apart(processor: Processor) -> None:
    """Of 32 rows of 1024 bytes eight share each place in the first cache, so few of them stay:
    each vector has to serve for many rows."""
    reads = (Read(0, 1, 256, 4), Read(1, 0, 784, 4))
    found = best_layout(Shape(392, 256, 32, reads, ((256, 1),), 16, processor, 392, 256, "", 1))
    assert found.vector == "q"
    assert found.columns <= 2
    assert found.rows >= 8


@pytest.mark.parametrize("form", ["nn", "nt", "update"])
@pytest.mark.parametrize("processor", [Processor(64, 32), Processor(32, 16)])
def test_tiles_have_work_for_two_units(processor: Processor, form: str) -> None:
    """Of eight multiplications two begin in a cycle, and the first ends after the last began."""
    reads, outer, p, q, k = {
        "nn": ((Read(0, 1, 256, 4), Read(256, 0, 1, 4)), ((256, 1),), 32, 256, 256),
        "nt": ((Read(0, 256, 1, 4), Read(256, 0, 1, 4)), ((256, 1),), 32, 256, 256),
        "update": ((Read(0, 1, 256, 4), Read(1, 0, 256, 4)), ((256, 1),) * 2, 256, 256, 32),
    }[form]
    lanes = processor.vector_bytes // 4
    found = best_layout(Shape(p, q, k, reads, outer, lanes, processor, p, q, "", 1))
    assert found.rows * found.columns > 8


@LONG
def test_vectors_across_two_lines_are_loaded_for_more_rows(processor: Processor) -> None:
    even, askew = (
        best_layout(Shape(96, 96, 200, reads, ((96, 1),), 16, processor, 96, 96, "", 1))
        for reads in (
            (Read(0, 1, 96 + 16, 4), Read(200, 0, 1, 4)),
            (Read(0, 1, 96 + 18, 4), Read(200, 0, 1, 4)),
        )
    )
    assert askew.rows >= even.rows
    assert askew.cycles > even.cycles


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.uint8, np.int64, np.bool_])
@pytest.mark.parametrize("shape", [(16, 16), (33, 47), (40, 5), (3, 33, 50)])
def test_copies_in_another_order(dtype: Any, shape: tuple[int, ...]) -> None:
    x = (drawn(*shape) * 50).astype(dtype)
    one = np.ones((), dtype)
    for f in (
        lambda x: np.swapaxes(x, -1, -2).copy(),
        lambda x: np.swapaxes(x, -1, -2) * one,
        lambda x: np.swapaxes(x, -1, -2)[..., ::-1, :] * one,
        lambda x: np.swapaxes(x, -1, -2)[..., ::2] * one,
    ):
        for threads in (1, 2):
            np.testing.assert_array_equal(wg.jit(f, threads=threads)(x), f(x))


def test_operands_are_packed_once() -> None:
    """Two products with the same transposed weights share the copy."""

    def f(a: Any, b: Any, w: Any) -> Any:
        return a @ w.T, b @ w.T

    args = drawn(64, 48), drawn(80, 48), drawn(56, 48)
    steps = list(wg.jit(f, threads=1).lower(*args).plan.leaves())
    assert not any(isinstance(s, Product) for s in steps)
    packed = [s for s in steps if isinstance(s, Nest) and s.packed]
    copies = [s for s in steps if isinstance(s, Nest) and not s.reductions]
    assert len(packed) == 2
    assert len(copies) == 1
    for found, expected in zip(wg.jit(f)(*args), f(*args), strict=True):
        np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_copy_is_of_the_values_before_the_update(threads: int) -> None:
    """The gradient needs the transposed weights of before, which the update overwrites."""

    def step(w: Any, v: Any, x: Any) -> Any:
        h = np.tanh(x @ w)
        g = (h @ v - 1) @ v.T * (1 - h * h)
        return w - 0.1 * x.T @ g, v - 0.1 * h.T @ (h @ v - 1)

    w, v, x = drawn(40, 48), drawn(48, 36), drawn(64, 40)
    expected = step(w, v, x)
    expected = step(*expected, x)
    jitted = wg.jit(step, donate_argnums=(0, 1), threads=threads)
    found = jitted(w.copy(), v.copy(), x)
    found = jitted(*found, x)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("threads", [1, 2])
def test_profile(threads: int) -> None:
    def f(x: Any, w: Any) -> Any:
        return np.sort(np.tanh(x @ w)) + (x @ w).sum()

    args = drawn(512, 300), drawn(300, 200)
    lowered = wg.jit(f, threads=threads).lower(*args)
    found = lowered.profile(seconds=0.02)
    steps = [m for phase in found.phases for m in phase]
    assert len(steps) == sum(isinstance(s, Nest | Product) for s in lowered.plan.leaves())
    assert sum(m.flops for m in steps) == lowered.cost()["flops"]
    assert all(s >= 0 for m in steps for s in m.seconds)
    assert 0 < sum(m.longest for m in steps) < 1.5 * found.seconds
    assert 0 <= found.alone <= 1
    assert "a call" in str(found)
    assert "512" in str(found)


def large_steps(f: Callable[..., Any], *args: Any) -> list[Any]:
    steps = wg.jit(f, threads=2).lower(*args).plan.leaves()
    return [s for s in steps if isinstance(s, Product) or 12_000 in getattr(s, "lengths", ())]


@pytest.mark.parametrize("form", ["nn", "nt"])
def test_narrow_products_are_nests(form: str) -> None:
    """BLAS would copy the larger operand; where that does not lie along the sum, it has to be."""
    f, shapes = FORMS[form]
    a, b = (np.zeros(s, np.float32) for s in shapes(12_000, 40, 600))
    assert [type(s) for s in large_steps(f, a, b)] == [Nest]
    across = large_steps(lambda a, b: a.T @ b, a.T.copy(), np.zeros((600, 40), np.float32))
    assert [type(s) for s in across] == [Product]


@pytest.mark.parametrize("form", ["nn", "nt"])
def test_regions_do_not_go_along_the_sum_of_a_large_product(form: str) -> None:
    """What prepares the small operand goes along it; of the large one it would read bits."""
    f, shapes = FORMS[form]
    a, b = (drawn(*s, dtype=np.float32) for s in shapes(12_000, 10, 800))
    (step,) = large_steps(lambda a, b: f(a, b * 2 + 1), a, b)
    assert step.rows is not None
    assert step.lengths[step.rows] == 12_000
    check(lambda a, b: f(a, b * 2 + 1), a, b, threads=2)


def test_blocks_of_blas_are_worth_the_copies() -> None:
    """BLAS copies both operands in every call: its rows are several times the other operand."""
    a, b = np.zeros((12_000, 700), np.float32), np.zeros((300, 700), np.float32)
    plan = wg.jit(lambda a, b: np.sum(np.tanh(a @ b.T), axis=1), threads=2).lower(a, b).plan
    (region,) = [r for r in plan.steps if any(isinstance(s, Product) for s in r.steps)]
    assert region.block * a[:1].nbytes > 2 * b.nbytes


@LONG
def test_the_search_for_tiles_finds_the_best(processor: Processor) -> None:
    """It leaves out what cannot be better; here nothing is left out."""
    rng = np.random.default_rng(0)
    for _ in range(60):
        p, q, k = (int(rng.choice([1, 3, 10, 16, 33, 50, 100, 256, 1000])) for _ in range(3))
        reads = (
            Read(k, 0, 1, 4) if rng.random() < 0.5 else Read(1, 0, p, 4),
            Read(0, 1, q, 4) if rng.random() < 0.5 else Read(0, k, 1, 4),
        )
        ranged, unit = str(rng.choice(["", "p", "q"])), int(rng.choice([0, 0, 4]))
        shape = Shape(p, q, k, reads, ((q, 1),), 16, processor, p, q, ranged, 2, unit)
        every = [tiles._judged(shape, *tile) for tile in tiles._tiles_that_fit(shape)]
        assert best_layout(shape) == min(every, key=lambda layout: layout.cycles)
