"""Two vectors in turn, short last vectors, epilogues of their own: the text, and the results."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.compiler.codegen.interleave import UNLIKELY, interleaved
from wengert.compiler.codegen.nest import nest_function
from wengert.compiler.codegen.processor import Processor
from wengert.compiler.plan import Nest, Plan
from wengert.compiler.stages import build_plan


def chain(letter: str, steps: int, first: str) -> list[str]:
    lines = [f"%{letter}0 = load double, ptr {first}"]
    lines += [f"%{letter}{k} = fadd double %{letter}{k - 1}, 1.0" for k in range(1, steps)]
    return [*lines, f"store double %{letter}{steps - 1}, ptr %p"]


def test_chains_take_turns_and_keep_their_order() -> None:
    a, b = chain("a", 20, "%x"), chain("b", 20, "%y")
    merged = interleaved([a, b])
    assert merged[:4] == [a[0], b[0], a[1], b[1]]
    assert [line for line in merged if line in a] == a
    assert [line for line in merged if line in b] == b


def test_a_line_waits_for_what_an_earlier_chain_defines() -> None:
    a, b = chain("a", 20, "%x"), chain("b", 20, "%a7")
    merged = interleaved([a, b])
    assert merged.index(b[0]) == merged.index(a[7]) + 1
    assert [line for line in merged if line in b] == b
    assert len(merged) == len(a) + len(b)


def test_short_chains_and_branches_are_left() -> None:
    short = [chain("a", 3, "%x"), chain("b", 3, "%y")]
    assert interleaved(short) == short[0] + short[1]
    branching = [chain("a", 20, "%x"), [*chain("b", 20, "%y"), "br label %after", "after:"]]
    assert interleaved(branching) == branching[0] + branching[1]


def rare_chain(letter: str, needs: str = "1.0") -> list[str]:
    """A chain with a branch to what is rare, and lines before and after it."""
    return [
        *chain(letter, 20, "%x"),
        f"br i1 %{letter}3, label %slow{letter}, label %after{letter}, {UNLIKELY}",
        f"slow{letter}:",
        f"%{letter}s = call double @f()",
        f"store double %{letter}s, ptr %{letter}p",
        f"br label %after{letter}",
        f"after{letter}:",
        f"%{letter}r = load double, ptr %{letter}p",
        f"%{letter}t = fadd double %{letter}r, {needs}",
    ]


def test_rare_branches_become_one() -> None:
    a, b = rare_chain("a"), rare_chain("b")
    merged = interleaved([a, b])
    assert merged[:4] == [a[0], b[0], a[1], b[1]]
    start = merged.index("%a3.or0 = or i1 %a3, %b3")
    assert merged[start:] == [
        "%a3.or0 = or i1 %a3, %b3",
        f"br i1 %a3.or0, label %slowa, label %aftera, {UNLIKELY}",
        "slowa:",
        *a[23:25],
        *b[23:25],
        "br label %aftera",
        "aftera:",
        a[-2],
        b[-2],
        a[-1],
        b[-1],
    ]
    assert len(merged) == len(a) + len(b) - 3


def test_rare_branches_that_do_not_match_are_left() -> None:
    a, twice = rare_chain("a"), [*rare_chain("b"), *rare_chain("c")]
    assert interleaved([a, twice]) == a + twice
    # Its first part needs what the other chain defines behind its branch.
    waits = rare_chain("b")
    waits[0] = "%b0 = fadd double %at, 1.0"
    assert interleaved([a, waits]) == a + waits
    # What is needed was defined before.
    ready = rare_chain("b", "%a7")
    assert interleaved([a, ready])[:2] == [a[0], ready[0]]


def test_two_vectors_have_one_branch_to_what_is_rare() -> None:
    for branches, f in (
        (1, np.sin),
        (1, np.tan),
        (1, lambda x: np.abs(x) ** 1.7),
        (1, lambda x: np.cos(x) * np.sin(x)),
        (2, lambda x: np.cos(np.sin(x))),
    ):
        (text,) = texts(f, np.ones(800))
        assert len(re.findall(r"load <8 x double>, ptr %v", text)) == 2
        assert text.count(UNLIKELY) == branches


def plan_of(f: Any, *xs: np.ndarray) -> Plan:
    return build_plan(wg.jit(f, threads=1).lower(*xs).optimized, threads=1)


def texts(f: Any, *xs: np.ndarray) -> list[str]:
    plan = plan_of(f, *xs)
    steps = [s for step in plan.steps for s in getattr(step, "steps", [step])]
    nests = [s for s in steps if isinstance(s, Nest)]
    return [nest_function(s, plan.buffers, Processor(64, 32)).body for s in nests]


def test_long_elementwise_loops_compute_two_vectors_and_short_ones_one() -> None:
    x = np.ones(800)
    (long,), (short,) = texts(np.tanh, x), texts(lambda x: x * x + 1, x)
    assert len(re.findall(r"fdiv <8 x double>", long)) == 2
    assert len(re.findall(r"fmul <8 x double>", short)) == 1


def test_a_last_vector_is_as_short_as_it_can_be() -> None:
    x, w = np.ones((100, 26)), np.ones((26, 25))
    (text,) = texts(lambda x: x @ w, x)
    assert "<2 x double>" in text
    assert "<8 x double>" in text


def test_epilogues_of_ragged_rows_run_over_whole_vectors() -> None:
    x, w = np.ones((100, 6)), np.ones((6, 25))
    for columns, expected in ((25, 2), (24, 1)):
        assert len(texts(lambda x, w: np.tanh(x @ w), x, w[:, :columns].copy())) == expected
    assert len(texts(lambda x: (x @ w) * 2 + 1, x)) == 1  # short
    large = np.ones((4000, 6))
    assert len(texts(lambda x: np.tanh(x @ w), large)) == 1  # would leave the first cache


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("columns", [*range(1, 20), 25, 33, 47, 63])
def test_all_lengths_of_the_last_vector(dtype: str, columns: int) -> None:
    rng = np.random.default_rng(columns)
    x, w = rng.normal(size=(13, 7)).astype(dtype), rng.normal(size=(7, columns)).astype(dtype)
    b = rng.normal(size=columns).astype(dtype)
    i = rng.integers(0, 7, columns)
    rtol = 1e-4 if dtype == "f4" else 1e-12

    def dense(x: Any, w: Any, b: Any) -> Any:
        return np.tanh(x @ w + b)

    def gathered(x: Any, i: Any) -> Any:
        return np.exp(x[:, i]) * np.arange(len(i))

    def flags(x: Any, w: Any) -> Any:
        return (x @ w > 0.5) | (x @ w < -1), (x @ w).astype(np.int32)

    np.testing.assert_allclose(wg.jit(dense)(x, w, b), dense(x, w, b), rtol, rtol)
    np.testing.assert_allclose(wg.jit(gathered)(x, i), gathered(x, i), rtol)
    for got, expected in zip(wg.jit(flags)(x, w), flags(x, w), strict=True):
        np.testing.assert_array_equal(got, expected)
    np.testing.assert_allclose(wg.jit(dense)(x, w[:, ::-1], b), dense(x, w[:, ::-1], b), rtol, rtol)


@pytest.mark.parametrize("n", [16, 17, 100, 999])
def test_donated_memory_is_read_before_it_is_written(n: int) -> None:
    x = np.linspace(-3, 3, n)
    expected = np.tanh(x) * x
    np.testing.assert_allclose(
        wg.jit(lambda x: np.tanh(x) * x, donate_argnums=0)(x.copy()), expected, 1e-14, 1e-16
    )


def test_arithmetic_on_constants_is_done_beforehand() -> None:
    def fourth(x: Any) -> Any:
        d = wg.grad(np.tanh)
        for _ in range(3):
            d = wg.grad(d)
        return wg.vmap(d)(x)

    x = np.linspace(-4, 4, 333)
    plan = plan_of(fourth, x)
    nodes = {n for s in plan.steps for n in _nodes(s)}
    for n in nodes:
        if n.op == "map" and n.attrs in ("neg", "add", "sub", "mul", "div"):
            assert not all(_is_constant(y) for y in n.args), n.text()
    t = np.tanh(x)
    expected = 8 * t * (1 - t * t) * (2 - 3 * t * t)
    np.testing.assert_allclose(wg.jit(fourth)(x), expected, 1e-10, 1e-12)


def _is_constant(node: Any) -> bool:
    return (node.args[0] if node.op == "view" else node).op == "const"


def _nodes(step: Any) -> list[Any]:
    found, stack = [], [s.node for x in getattr(step, "steps", [step]) for s in x.stores]
    while stack:
        found.append(stack.pop())
        stack += found[-1].args
    return found
