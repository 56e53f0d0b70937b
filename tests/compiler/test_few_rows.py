"""Ranges of few rows: they are even, whatever the nests of a region would like best."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.compiler.codegen.loops import choose_loops
from wengert.compiler.codegen.processor import Processor
from wengert.compiler.passes import few_rows
from wengert.compiler.plan import Nest, Region

from .test_regions import close, force, network, regions_of

pytest.importorskip("llvmlite")


def deep(rows: int, dtype: Any) -> tuple[Any, list[Any]]:
    """A step of descent on a network that is worth two threads, and its arguments."""
    rng = np.random.default_rng(rows)
    sizes = (200, 163, 164, 21)
    weights = [(rng.normal(size=(n, m)) * n**-0.5).astype(dtype) for n, m in pairwise(sizes)]
    x, y = rng.normal(size=(rows, 200)).astype(dtype), rng.integers(0, 21, rows)

    def loss(p: Any, x: Any, y: Any) -> Any:
        h = np.tanh(np.logaddexp(x @ p[0], 0) @ p[1]) @ p[2]
        z = h - np.max(h, axis=1, keepdims=True)
        return np.mean(np.log(np.sum(np.exp(z), axis=1)) - z[np.arange(len(y)), y])

    def step(p: Any, x: Any, y: Any) -> Any:
        value, g = wg.value_and_grad(loss)(p, x, y)
        return [value, *(a - 0.1 * b for a, b in zip(p, g, strict=True))]

    return step, [weights, x, y]


def products(region: Region, buffers: Any, rows: int) -> list[int]:
    """How many rows the products of a region compute at once."""
    nests = [n for n in region.steps if isinstance(n, Nest) and len(n.reductions) == 1]
    found = [n for n in nests if len(n.kept) == 2 and n.kept[0] == rows]
    loops = [choose_loops(n, buffers, Processor(64, 32)) for n in found]
    return [found.step(found.ranged) for found in loops if found.ranged is not None]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rows", [33, 53, 67, 97])
@pytest.mark.parametrize("threads", [2, 3])
def test_odd_numbers_of_rows_are_shared_evenly(rows: int, threads: int, dtype: Any) -> None:
    """With tiles in the products: one range had 32 rows of 33, or each row was computed alone."""
    step, arguments = deep(rows, dtype)
    compiled = wg.jit(step, threads=threads)
    plan = compiled.lower(*arguments).plan
    along = [r for r in regions_of(plan) if r.length == rows and r.parts > 1]
    assert along
    for region in along:
        assert region.share * threads <= 1.35 * rows
    tiles = [n for region in along for n in products(region, plan.buffers, rows)]
    assert max(tiles) > 1
    close(compiled(*arguments), step(*arguments), dtype)


@pytest.mark.parametrize("unit", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("seed", range(6))
def test_any_unit_gives_the_same_numbers(
    seed: int, unit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nests follow a unit that they are told, with their vectors along the rows or not."""
    force(monkeypatch, (256, 1 << 30)[seed % 2])

    def share_out(
        self: few_rows.Tiles, nests: Sequence[Nest], seconds: Any, length: int, parts: int
    ) -> int:
        for nest in nests:
            nest.unit = unit
        assert unit % self.unit(nests) == 0
        return unit

    monkeypatch.setattr(few_rows.Tiles, "share_out", share_out)
    rng = np.random.default_rng(seed)
    dtype = rng.choice([np.float64, np.float32])
    step, parameters, data = network(rng, dtype)
    compiled = wg.jit(step, threads=1 + seed % 3)
    close(compiled(parameters, *data), step(parameters, *data), dtype)

    def rowwise(x: Any) -> Any:
        s = np.cumsum(np.sin(x), axis=1)
        return [np.sum(np.exp(x), axis=1), np.tanh(x[:, 0]) * x[:, 1], s.T * 2, np.max(s)]

    x = rng.normal(size=(37, 11)).astype(dtype)
    close(wg.jit(rowwise, threads=2)(x), rowwise(x), dtype)


def test_ranges_that_are_even_anyway_keep_their_tiles() -> None:
    step, arguments = deep(64, np.float32)
    plan = wg.jit(step, threads=2).lower(*arguments).plan
    along = [r for r in regions_of(plan) if r.length == 64 and r.parts > 1]
    assert along
    for region in along:
        assert region.share == 32
        assert all(n.unit == 0 for n in region.steps if isinstance(n, Nest))
