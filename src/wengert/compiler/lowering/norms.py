"""Norms of vectors, and normalization over a batch."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from ...core.program import Equation
from ..ir import Node
from .pointwise import power
from .table import Lowered, lowers

__all__: list[str] = []


@lowers("vector_norm")
def _vector_norm(result: Lowered, e: Equation, ins: Sequence[Any]) -> Node | None:
    g, x, order = result.graph, ins[0], e.params["ord"]
    if x.dtype.kind != "f":
        return None
    if order == 2:
        return g.map("sqrt", g.reduce("sum", g.map("mul", x, x), e.params["axis"]))
    powers = power(g, g.map("abs", x), order)
    assert powers is not None  # as for all floating-point numbers
    total = g.reduce("sum", powers, e.params["axis"])
    return power(g, total, 1 / order)


@lowers("batch_norm")
def _batch_norm(result: Lowered, e: Equation, ins: Sequence[Any]) -> Sequence[Node] | None:
    g, v = result.graph, e.outputs[0]
    if v.dtype.kind != "f" or 0 in v.shape:
        return None
    x, scale, shift = [g.cast(a, v.dtype) for a in ins]
    axes = range(len(v.shape) - 1)
    count = prod(v.shape[:-1])

    def average(y: Node) -> Node:
        total = g.reduce("sum", y, axes)
        return g.map("div", total, g.const(count, v.dtype, total.shape))

    mean = average(x)
    centred = g.map("sub", x, g.broadcast(mean, v.shape))
    variance = average(g.map("mul", centred, centred))
    root = g.map("sqrt", g.map("add", variance, g.const(e.params["eps"], v.dtype, scale.shape)))
    factor = g.map("div", scale, root)
    y = g.map("mul", centred, g.broadcast(factor, v.shape))
    return g.map("add", y, g.broadcast(shift, v.shape)), mean, variance
