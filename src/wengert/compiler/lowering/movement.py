"""Movement of elements: views, copies, and pieces joined into one array."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from ...core.program import Equation
from ..ir import Graph, Node
from .table import Lowered, lowers

__all__ = ["assembled", "copied", "diagonal_map", "node_of"]


def node_of(g: Graph, x: Any, dtype: Any) -> Node:
    """An operand, which may be a scalar, as a node of this dtype."""
    return g.cast(x, dtype) if isinstance(x, Node) else g.const(x, dtype)


@lowers("reshape")
def _reshape(result: Lowered, e: Equation, ins: Sequence[Any]) -> Node:
    v = e.outputs[0]
    return result.graph.reshape(node_of(result.graph, ins[0], v.dtype), v.shape)


@lowers("transpose")
def _transpose(result: Lowered, e: Equation, ins: Sequence[Any]) -> Node:
    return result.graph.transpose(ins[0], e.params["axes"])


@lowers("broadcast_to")
def _broadcast_to(result: Lowered, e: Equation, ins: Sequence[Any]) -> Node:
    v = e.outputs[0]
    return result.graph.broadcast(node_of(result.graph, ins[0], v.dtype), v.shape)


@lowers("copy")
def _copy(result: Lowered, e: Equation, ins: Sequence[Any]) -> Node:
    return node_of(result.graph, ins[0], e.outputs[0].dtype)


def diagonal_map(
    ndim: int, offset: int, axes: tuple[int, int], subscripts: str = ""
) -> tuple[Any, ...]:
    """The map of the view that `np.diagonal` makes."""
    rest = [d for d in range(ndim) if d not in axes]
    entries: list[Any] = [None] * ndim
    for place, d in enumerate(rest):
        entries[d] = (place, 0, 1)
    entries[axes[0]] = (ndim - 2, max(-offset, 0), 1)
    entries[axes[1]] = (ndim - 2, max(offset, 0), 1)
    return tuple(entries)


@lowers("diagonal")
def _diagonal(result: Lowered, e: Equation, ins: Sequence[Any]) -> Node:
    x = ins[0]
    axes = diagonal_map(len(x.shape), e.params["offset"], e.params["axes"])
    return result.graph.view(x, axes, e.outputs[0].shape)


@lowers("sliding_windows")
def _sliding_windows(result: Lowered, e: Equation, ins: Sequence[Any]) -> Node:
    v, axis = e.outputs[0], e.params["axis"]
    last = len(v.shape) - 1
    entries: list[Any] = [(d, 0, 1) for d in range(last)]
    entries[axis] = (axis, 0, 1, last, 1)
    return result.graph.view(ins[0], tuple(entries), v.shape)


def assembled(
    g: Graph, shape: Sequence[int], dtype: Any, pieces: Sequence[tuple[Node, Any]],
    base: Node | None = None,
) -> Node:  # fmt: skip
    """An array made of pieces, each with the map to its place; ``base`` is what lies between."""
    y = g.make("empty", (), shape, dtype, len(g.nodes)) if base is None else base
    for value, target in pieces:
        y = g.make("update", (y, value), shape, dtype, ("set", tuple(target)))
    return y


def copied(g: Graph, x: Node) -> Node:
    """``x`` in memory of its own, in C order."""
    return assembled(g, x.shape, x.dtype, [(x, [(d, 0, 1) for d in range(len(x.shape))])])


@lowers("unit_vectors")
def _unit_vectors(result: Lowered, e: Equation, ins: Sequence[Any]) -> Node | None:
    """Where the number of the array, less ``start``, is that of the place: see `identities`."""
    g, v = result.graph, e.outputs[0]
    if 0 in v.shape:
        return None
    n, size = v.shape[0], prod(v.shape[1:])
    rows, columns = g.make("iota", (), (n,), np.int64), g.make("iota", (), (size,), np.int64)
    shape = (n, size)
    start = g.const(e.params["start"], np.int64, shape)
    row, column = g.view(rows, ((0, 0, 1),), shape), g.view(columns, ((1, 0, 1),), shape)
    if e.params["start"]:
        column = g.map("add", column, start)
    return g.reshape(g.cast(g.map("equal", row, column, dtype=bool), v.dtype), v.shape)


@lowers("concatenate")
def _concatenate(result: Lowered, e: Equation, ins: Sequence[Any]) -> Node:
    g, v, axis = result.graph, e.outputs[0], e.params["axis"]
    pieces = []
    start = 0
    for x in ins:
        target = [(d, start if d == axis else 0, 1) for d in range(len(v.shape))]
        pieces.append((g.cast(x, v.dtype), target))
        start += x.shape[axis]
    return assembled(g, v.shape, v.dtype, pieces)


@lowers("stack")
def _stack(result: Lowered, e: Equation, ins: Sequence[Any]) -> Node:
    g, v, axis = result.graph, e.outputs[0], e.params["axis"]
    pieces = []
    for k, x in enumerate(ins):
        target = [(d - (d > axis), 0, 1) for d in range(len(v.shape))]
        target[axis] = (-1, k, 0)
        pieces.append((node_of(g, x, v.dtype), target))
    return assembled(g, v.shape, v.dtype, pieces)
