"""Products with sparse matrices, whose pattern is a constant: gathers, and sums at its rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...core.program import Equation
from ..ir import Graph, Node
from .table import Lowered, lowers

__all__: list[str] = []


def _places(g: Graph, pattern: Any, transposed: bool, shape: tuple[int, ...]) -> list[Node]:
    """The row and column of each stored element, seen from a region that begins with them."""
    found = (pattern.indices, pattern.rows) if transposed else (pattern.rows, pattern.indices)
    return [
        g.view(g.cast(g.data(np.asarray(a, np.int32)), np.int64), ((0, 0, 1),), shape)
        for a in found
    ]  # fmt: skip


def _map(ndim: int) -> tuple[Any, ...]:
    """The first axis is indexed by an array; others are as they are."""
    return (0, *[(d, 0, 1) for d in range(1, ndim)])


def _has_code(e: Equation, ins: Sequence[Any]) -> bool:
    pattern = e.params["pattern"]
    return (
        e.outputs[0].dtype.kind in "fiu"
        and all(isinstance(x, Node) and x.size for x in ins)
        and max(pattern.shape) < 2**31
    )


@lowers("sparse_matmul")
def _matmul(result: Lowered, e: Equation, ins: Sequence[Any]) -> Node | None:
    g, v = result.graph, e.outputs[0]
    if not _has_code(e, ins):
        return None
    data, x = (g.cast(a, v.dtype) for a in ins)
    shape = (*data.shape, *x.shape[1:])
    rows, columns = _places(g, e.params["pattern"], e.params["transposed"], shape)
    entries = _map(len(shape))
    seen = g.make("gather", (x, columns), shape, v.dtype, entries)
    product = g.map("mul", g.view(data, ((0, 0, 1),), shape), seen)
    zeros = g.const(0, v.dtype, v.shape)
    return g.make("update", (zeros, product, rows), v.shape, v.dtype, ("add", entries))


@lowers("sparse_outer")
def _outer(result: Lowered, e: Equation, ins: Sequence[Any]) -> Node | None:
    g, v = result.graph, e.outputs[0]
    if not _has_code(e, ins) or not v.shape[0]:
        return None
    a, b = (g.cast(x, v.dtype) for x in ins)
    shape = (*v.shape, *a.shape[1:])
    rows, columns = _places(g, e.params["pattern"], e.params["transposed"], shape)
    entries = _map(len(shape))
    factors = [
        g.make("gather", (x, i), shape, v.dtype, entries) for x, i in ((a, rows), (b, columns))
    ]
    return g.reduce("sum", g.map("mul", *factors), range(1, len(shape)))
