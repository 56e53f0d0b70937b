"""Each pass on small Programs: what it makes of them, and that they stay well formed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.compiler.ir import Graph
from wengert.compiler.lowering import lowered
from wengert.compiler.passes.common import merge_common
from wengert.compiler.passes.constants import fold_constants
from wengert.compiler.passes.fuse import fuse
from wengert.compiler.passes.memory import plan_memory, touched
from wengert.compiler.passes.merge import merge
from wengert.compiler.passes.simplify import simplify
from wengert.compiler.plan import Call, Nest, Plan, Product
from wengert.core.abstract import Aval
from wengert.core.program import Program, verify
from wengert.core.recorder import record

M = Aval((40, 30), np.dtype(float))
V = Aval((30,), np.dtype(float))


def program(function: Callable[..., Any], *avals: Aval) -> Program:
    def flat(*xs: Any) -> list[Any]:
        y = function(*xs)
        return list(y) if isinstance(y, tuple) else [y]

    return record(flat, avals, True)


def plan(function: Callable[..., Any], *avals: Aval) -> Plan:
    return plan_memory(fuse(lowered(simplify(program(function, *avals)))))


def kinds(p: Plan) -> str:
    return " ".join(
        "call" if isinstance(s, Call) else "product" if isinstance(s, Product) else "nest"
        for s in p.steps
    )


def test_constants_are_folded() -> None:
    p = fold_constants(program(lambda x: x * (wg.Tensor(2.0) * 3.0), V))
    assert str(p) == "inputs    a:float64[30]\nb:float64[30] = mul(a, 6.0)\noutputs   b"


def test_repetitions_are_merged() -> None:
    p = simplify(program(lambda x: np.sin(x) * np.sin(x) + np.sin(x).sum(), V))
    assert [e.primitive.name for e in p.equations].count("sin") == 1
    verify(p)
    # 0.0 and -0.0 are equal, and not the same constant.
    q = merge_common(program(lambda x: (np.copysign(x, 0.0), np.copysign(x, -0.0)), V))
    assert len(q) == 2


def test_unused_equations_are_removed() -> None:
    def f(x: Any) -> Any:
        np.exp(x)
        return x + 1

    assert len(simplify(program(f, V))) == 1


def test_inner_functions_are_inlined() -> None:
    inner = wg.jit(lambda x, w: np.tanh(x) @ w)
    p = program(lambda x, w: inner(x, w) + inner(x, w), M, V)
    assert [e.primitive.name for e in p.equations] == ["jit", "jit", "add"]
    names = [e.primitive.name for e in simplify(p).equations]
    assert names == ["tanh", "matmul", "add"]
    verify(simplify(p))


def test_views_compose() -> None:
    g = Graph()
    x = g.input(0, (4, 6), np.float64)
    y = g.transpose(g.view(x, ((0, 1, 2), (1, 5, -1)), (2, 6)), (1, 0))
    assert y.args == (x,)
    assert y.attrs == ((1, 1, 2), (0, 5, -1))
    assert g.transpose(g.transpose(x, (1, 0)), (1, 0)) is x
    assert g.reshape(g.reshape(x, (24,)), (4, 6)) is x
    assert g.map("neg", g.map("neg", x)) is x


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda x: np.tanh(np.sin(x) * 2) + x, "nest"),
        (lambda x: np.exp(x - x.max(1, keepdims=True)).sum(1), "nest nest"),
        (lambda x: np.tanh((x * x).sum(0)) * 2, "nest"),  # an epilogue
        (lambda x: x.T.T.reshape(1200) * 2, "nest"),  # reshapes are free
        (lambda x: np.sort(x * 2) + 1, "nest call nest"),
        (lambda x: np.tile(x, (20, 20)) @ np.tile(x, (20, 20)).T, "nest product"),
        (lambda x: np.tanh(x[:4, :5] @ x[:5, :3]), "nest"),  # too small for BLAS
        (lambda x: np.concatenate([x, x + 1]), "nest nest"),
    ],
)
def test_fusion(function: Callable[..., Any], expected: str) -> None:
    assert kinds(plan(function, M)) == expected


@pytest.mark.parametrize(
    ("function", "stores"),
    [
        # Results of one domain are computed in one pass, and share what they have in common.
        (lambda x: (np.exp(x), np.exp(x) * 2, x + 1), [3]),
        # A value that nobody else reads stays in registers.
        (lambda x: (np.exp(x) + 1, np.exp(x) * 2), [2]),
        # Sums over the same indices are accumulated together, and what is made of them with them.
        (lambda x: (x.sum(1), (x * x).sum(1), (x * x).sum(1) * 2), [3]),
        # Two long expressions are quicker in two loops.
        (lambda x: (np.exp(np.sin(x)), np.log(np.cos(x))), [1, 1]),
        # Not the element at the same index.
        (lambda x: (np.exp(x), np.exp(x)[::-1] * 2 + np.exp(x)[:, ::-1]), [1, 1]),
        # Rows that are read before they are all written.
        (lambda x: (x + 1, (x + 1).sum(0)), [1, 1]),
    ],
)
def test_merging(function: Callable[..., Any], stores: list[int]) -> None:
    x = np.random.default_rng(0).uniform(0.5, 1, (40, 30))
    merged = merge(fuse(lowered(simplify(program(function, M)))))
    assert [len(s.stores) for s in merged.steps if isinstance(s, Nest)] == stores
    for a, b in zip(wg.jit(function)(x), function(x), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)


def test_a_donated_argument_is_merged_with_what_reads_it() -> None:
    x = np.random.default_rng(0).normal(size=(40, 30))
    f = wg.jit(lambda x: (x * 2 + 1, x - 3, np.sum(x)), donate_argnums=0)
    expected = x * 2 + 1, x - 3, np.sum(x)
    for a, b in zip(f(x.copy()), expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)


def test_temporaries_share_memory() -> None:
    def f(x: Any) -> Any:
        for _ in range(6):
            x = np.sort(x) @ np.ones((30, 30)) * 0.1
        return x

    p = plan(f, M)
    assert p.arena <= 2 * M.size * 8
    # No two temporaries that are needed at the same time overlap.
    last: dict[Any, int] = {}
    first: dict[Any, int] = {}
    for k, step in enumerate(p.steps):
        for b in touched(step, p):
            if b.memory.kind == "temporary":
                first.setdefault(b.memory, k)
                last[b.memory] = k
    for a in first:
        for b in first:
            if a is not b and first[a] <= last[b] and first[b] <= last[a]:
                assert a.offset + a.nbytes <= b.offset or b.offset + b.nbytes <= a.offset


def test_texts_are_the_same_each_time() -> None:
    f = wg.grad(lambda x: np.sum(np.tanh(x @ x.T)))
    x = np.ones((3, 3))
    assert wg.jit(f).lower(x).llvm == wg.jit(f).lower(x).llvm


def test_nothing_is_unfused_in_a_training_step() -> None:
    def loss(w: Any, x: Any, y: Any) -> Any:
        z = np.tanh(x @ w)
        return np.mean((z - y) ** 2) + np.sum(np.maximum(w, 0) * np.where(w > 1, w, 0))

    stages = wg.jit(wg.grad(loss)).lower(np.ones((3, 4)), np.ones((5, 3)), np.ones((5, 4)))
    assert stages.cost()["calls"] == {}
    assert all(isinstance(s, Nest | Product) for s in stages.plan.leaves())


def test_without_llvmlite_numpy_runs_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "wengert.compiler.codegen.target", None)
    monkeypatch.delattr("wengert.compiler.codegen.target", raising=False)
    x = np.linspace(0, 1, 5)
    np.testing.assert_allclose(wg.jit(wg.grad(lambda x: np.sum(np.exp(x))))(x), np.exp(x))


def test_identities_of_arithmetic() -> None:
    g = Graph()
    x, y = g.input(0, (4,), np.float64), g.input(1, (4,), np.float64)
    zero, one = (g.const(c, np.float64, (4,)) for c in (0.0, 1.0))
    negative_zero = g.const(-0.0, np.float64, (4,))
    assert g.map("mul", x, one) is x
    assert g.map("div", x, one) is x
    assert g.map("sub", x, zero) is x
    assert g.map("add", x, negative_zero) is x
    # 0 + -0 is 0 and not -0; x * 0 may be NaN or -0; x - x may be NaN.
    assert g.map("add", x, zero) is not x
    assert g.map("sub", x, negative_zero) is not x
    assert g.map("mul", x, zero).op == "map"
    assert g.map("sub", x, x).op == "map"
    assert g.map("add", x, g.map("neg", y)) is g.map("sub", x, y)
    assert g.map("sub", x, g.map("neg", y)) is g.map("add", x, y)
    assert g.map("mul", g.map("neg", x), g.map("neg", y)) is g.map("mul", x, y)
    assert g.map("maximum", x, x) is x
    # Exact inverses only.
    assert g.map("div", x, g.const(8.0, np.float64, (4,))).attrs == "mul"
    assert g.map("div", x, g.const(3.0, np.float64, (4,))).attrs == "div"
    # A cotangent that is not zero annihilates nothing; a finite partial needs no care.
    assert g.map("strong", one, x) is x
    assert g.map("strong", x, one) is x
    assert g.map("strong", x, y).attrs == "strong"
    assert g.map("changes", x, one) is x


def test_sums_of_what_does_not_vary() -> None:
    g = Graph()
    x = g.input(0, (4,), np.float64)
    wide = g.broadcast(g.reshape(x, (4, 1)), (4, 5))
    assert g.reduce("max", wide, (1,)) is x
    total = g.reduce("sum", wide, (1,))
    assert (total.attrs, total.args[0]) == ("mul", x)
    both = g.reduce("sum", wide, (0, 1))
    assert both.attrs == "mul"
    assert both.args[0].attrs == ("sum", (0,))
    assert g.reduce("prod", wide, (1,)).op == "reduce"


def test_products_with_unit_vectors() -> None:
    g = Graph()
    a = g.input(0, (6, 5), np.float64)

    def unit(rows: int, columns: int, start: int, shape: Any, axes: Any) -> Any:
        i = g.view(g.make("iota", (), (rows,), np.int64), ((0, 0, 1),), (rows, columns))
        j = g.view(g.make("iota", (), (columns,), np.int64), ((1, 0, 1),), (rows, columns))
        j = g.map("add", j, g.const(start, np.int64, (rows, columns))) if start else j
        e = g.cast(g.map("equal", i, j, dtype=bool), np.float64)
        return g.view(e, axes, shape)

    # (i, j, k) with e[i, k] a[k, j]
    seen = g.view(a, ((2, 0, 1), (1, 0, 1)), (6, 5, 6))
    e = unit(6, 6, 0, (6, 5, 6), ((0, 0, 1), (2, 0, 1)))
    assert g.reduce("sum", g.map("mul", e, seen), (2,)) is a
    assert g.reduce("sum", g.map("mul", seen, e), (2,)) is a
    # The first rows are zero: no element stands for the sum.
    e = unit(8, 6, 2, (8, 5, 6), ((0, 0, 1), (2, 0, 1)))
    seen = g.view(a, ((2, 0, 1), (1, 0, 1)), (8, 5, 6))
    assert g.reduce("sum", g.map("mul", e, seen), (2,)).op == "reduce"
    # Of e[k, i] a[k, j] with k = i + 2 they are rows of a.
    e = unit(6, 4, 2, (4, 5, 6), ((2, 0, 1), (0, 0, 1)))
    seen = g.view(a, ((2, 0, 1), (1, 0, 1)), (4, 5, 6))
    found = g.reduce("sum", g.map("mul", e, seen), (2,))
    assert (found.op, found.attrs, found.shape) == ("view", ((0, 2, 1), (1, 0, 1)), (4, 5))


def test_windows_are_views() -> None:
    g = Graph()
    x = g.input(0, (9,), np.float64)
    windows = g.view(x, ((0, 1, 2, 1, 3),), (3, 2))
    assert windows.attrs == ((0, 1, 2, 1, 3),)
    # The second window's places, and a window of one place.
    assert g.view(windows, ((-1, 1, 0), (0, 0, 1)), (2,)).attrs == ((0, 3, 3),)
    assert g.view(x, ((0, 0, 1, 1, 1),), (9, 1)).attrs == ((0, 0, 1),)


@pytest.mark.parametrize("c", [-1.5, 1.5, -1.0, 1.0, -0.0, 0.0, np.inf, -np.inf, np.nan])
def test_identities_with_constants(c: float) -> None:
    """Every constant on either side: adding a negative one was once taken for adding -0.0."""
    x = np.array([-2.0, -0.0, 0.0, 0.5, np.inf, -np.inf, np.nan])
    for operation in (np.add, np.subtract, np.multiply, np.divide, np.maximum, np.power):
        with np.errstate(all="ignore"):
            for left in (False, True):
                f = (lambda v, o=operation: o(c, v)) if left else (lambda v, o=operation: o(v, c))
                found, expected = wg.jit(f)(x), f(x)
                # A power is a polynomial's whatever its neighbours are: its last bit may differ.
                rtol = 2.5 * np.finfo(x.dtype).eps if operation is np.power else 0.0
                np.testing.assert_allclose(found, expected, rtol=rtol)
                if operation is np.maximum:  # of 0.0 and -0.0 either is the larger one
                    continue
                numbers = ~np.isnan(expected)
                np.testing.assert_array_equal(
                    np.signbit(found)[numbers], np.signbit(expected)[numbers]
                )


@pytest.mark.parametrize("reverse", [False, True])
def test_a_scan_of_which_parts_are_results_reads_nothing_before_it_is_stored(
    reverse: bool,
) -> None:
    # The first element and the others, which the scan reads, are views that are results, too.
    def f(x: Any) -> Any:
        z = np.exp(x)
        if reverse:
            z = z[::-1]
        return np.cumsum(z, axis=0), z[1:], z[0], z[:-1], z[-1]

    x = np.arange(21.0).reshape(7, 3) / 20
    expected = f(x)
    compiled = wg.jit(f)
    for got, y in zip(compiled(x), expected, strict=True):
        np.testing.assert_allclose(got, y, rtol=1e-14)


def test_margins_that_are_results_are_written_first() -> None:
    def f(x: Any) -> Any:
        return np.concatenate([np.zeros((3, 3)), np.sin(x[:4])]), np.zeros((3, 3))

    def g(x: Any, w: Any) -> Any:  # w has no influence: its gradient is zeros
        return np.sum(np.maximum(x, np.roll(x, 3, axis=0)) ** 2)

    x, w = np.arange(21.0).reshape(7, 3), np.ones((3, 3))
    gradient = wg.grad(g, argnums=(0, 1))
    cases = [(wg.jit(f), (x,), f(x)), (wg.jit(gradient), (x, w), gradient(x, w))]
    for compiled, args, expected in cases:
        for got, y in zip(compiled(*args), expected, strict=True):
            np.testing.assert_allclose(got, y, rtol=1e-14)


@pytest.mark.parametrize("shape", [(3, 3, 8), (4, 5, 6), (2, 3, 2), (3, 4, 5, 6)])
@pytest.mark.parametrize("scan", [np.cumsum, np.cumprod, np.maximum.accumulate])
def test_short_scans_along_an_inner_axis(shape: tuple[int, ...], scan: Any) -> None:
    # Written out, the loop read elements before it had stored them.
    x = np.random.default_rng(0).normal(size=shape)
    for axis in range(len(shape)):
        for threads in (1, 2):
            y = wg.jit(lambda x, axis=axis: scan(x, axis=axis), threads=threads)(x)
            np.testing.assert_allclose(y, scan(x, axis=axis), rtol=1e-12)


@pytest.mark.parametrize("f", [
    lambda p, g: (p - g, p),
    lambda p, g: (np.maximum(p, p), p * 2 - g),
    lambda p, g: (p.reshape(-1), p + g),
], ids=["itself", "the same", "reshaped"])  # fmt: skip
def test_donated_arguments_that_are_results_keep_their_values(f: Any) -> None:
    p, g = np.arange(6.0).reshape(2, 3), np.ones((2, 3))
    step = wg.jit(f, donate_argnums=0)
    for _ in range(3):
        for got, expected in zip(step(p.copy(), g), f(p, g), strict=True):
            np.testing.assert_array_equal(got, expected)
