"""Reading and writing parts of arrays: affine maps where the index is static, gathers where not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...core.index import ARRAY, Template, advanced_position
from ...core.program import Equation
from ..ir import Graph, Node
from .movement import diagonal_map, node_of
from .reductions import log_sum_exp
from .table import Lowered, lowers

__all__ = ["gather_map"]

_OUT_OF_BOUNDS = "index out of bounds"


def gather_map(
    shape: Sequence[int], template: Template, arrays: Sequence[Sequence[int]]
) -> tuple[tuple[Any, ...], tuple[int, ...], int]:
    """Where ``x[index]`` reads: an entry for each axis of ``x``, the result's shape, the block.

    An entry is ``(axis of the result or -1, offset, step)`` or the number of an index array; the
    block is the first of the axes that the index arrays make.
    """
    parts = list(template)
    if Ellipsis not in parts:
        parts.append(Ellipsis)
    at = parts.index(Ellipsis)
    named = sum(1 for p in parts if p is not None and p is not Ellipsis)
    parts[at : at + 1] = [(None, None, None)] * (len(shape) - named)
    lengths = np.broadcast_shapes(*arrays) if arrays else ()
    block = advanced_position(template, len(shape)) if arrays else -1
    out: list[int] = []
    entries: list[Any] = []
    seen = 0

    def new_axis(n: int) -> int:
        if len(out) == block:
            out.extend(lengths)
        out.append(n)
        return len(out) - 1

    for part in parts:
        n = shape[len(entries)] if part is not None else 1
        if part is None:
            new_axis(1)
        elif part is ARRAY:
            entries.append(seen)
            seen += 1
        elif type(part) is int:
            entries.append((-1, part % max(n, 1), 0))
        else:
            start, stop, step = slice(*part).indices(n)
            entries.append((new_axis(len(range(start, stop, step))), start, step))
    if len(out) == block:
        out.extend(lengths)
    return tuple(entries), tuple(out), block


def _index_nodes(
    result: Lowered, x: Node, entries: Sequence[Any], arrays: Sequence[Any],
    shape: tuple[int, ...], block: int,
) -> tuple[tuple[Any, ...], list[Node]]:  # fmt: skip
    """The entries of the map, and the index arrays seen from the region that they make.

    What is known to be a progression becomes part of the map; of others the bounds are checked.
    """
    g = result.graph
    nodes: list[Node] = []
    settled = list(entries)
    lengths = np.broadcast_shapes(*[a.shape if hasattr(a, "shape") else () for a in arrays])
    for k, a in enumerate(arrays):
        at = entries.index(k)
        n = x.shape[at]
        i = g.cast(node_of(g, a, np.int64) if not isinstance(a, Node) else a, np.int64)
        seen = g.view(
            g.broadcast(i, tuple(lengths)),
            tuple([(block + d, 0, 1) for d in range(len(lengths))]), shape,
        )  # fmt: skip
        line = seen.args[0] if seen.op == "view" else seen
        if line.op == "iota" and line.size <= n:
            settled[at] = seen.attrs[0] if seen.op == "view" else (0, 0, 1)
            continue
        settled[at] = len(nodes)
        nodes.append(seen)
        outside = g.map(
            "or",
            g.map("less", i, g.const(-n, np.int64, i.shape), dtype=bool),
            g.map("greater_equal", i, g.const(n, np.int64, i.shape), dtype=bool),
        )
        if 0 not in shape:
            check = g.reduce("or", outside, range(len(i.shape)))
            result.checks.append((check, f"{_OUT_OF_BOUNDS} for an axis of length {n}"))
    return tuple(settled), nodes


def _is_basic(entries: Sequence[Any]) -> bool:
    return all(type(entry) is tuple for entry in entries)


@lowers("getitem")
def _getitem(result: Lowered, e: Equation, ins: Sequence[Any]) -> Node | None:
    x, *arrays = ins
    shapes = [a.shape if hasattr(a, "shape") else () for a in arrays]
    entries, shape, block = gather_map(x.shape, e.params["template"], shapes)
    if _is_basic(entries):
        return result.graph.view(x, entries, shape)
    if 0 in x.shape:
        return None
    entries, nodes = _index_nodes(result, x, entries, arrays, shape, block)
    if not nodes:
        return result.graph.view(x, entries, shape)
    return result.graph.make("gather", (x, *nodes), shape, x.dtype, entries)


@lowers("scatter_add")
def _scatter_add(result: Lowered, e: Equation, ins: Sequence[Any]) -> Node | None:
    g, (ct, *arrays) = result.graph, ins
    v = e.outputs[0]
    if not isinstance(ct, Node) or (v.dtype.kind == "b") or 0 in v.shape:
        return None
    zeros = g.const(0, v.dtype, v.shape)
    shapes = [a.shape if hasattr(a, "shape") else () for a in arrays]
    entries, shape, block = gather_map(v.shape, e.params["template"], shapes)
    ct = g.broadcast(ct, shape)
    if _is_basic(entries):
        return g.make("update", (zeros, ct), v.shape, v.dtype, ("set", entries))
    entries, nodes = _index_nodes(result, zeros, entries, arrays, shape, block)
    return g.make("update", (zeros, ct, *nodes), v.shape, v.dtype, ("add", entries))


def _chain_map(shape: tuple[int, ...], chain: Any) -> tuple[Any, tuple[int, ...]] | None:
    """What a chain of views shows of an array: a map from its axes, and its shape."""
    g = Graph()
    base = node = g.input(0, shape, np.float64)
    for primitive, params in chain:
        if primitive.name == "getitem":
            entries, out, _ = gather_map(node.shape, params["template"], ())
            node = g.view(node, entries, out)
        elif primitive.name == "transpose":
            node = g.transpose(node, params["axes"])
        elif primitive.name == "diagonal":
            out = primitive.shape(node, **params)[0]
            node = g.view(node, diagonal_map(len(node.shape), **params), out)
        elif primitive.name == "reshape":
            node = g.reshape(node, params["shape"])
        else:
            return None
        if node.op == "reshape":
            return None
    if node is base:
        return tuple([(d, 0, 1) for d in range(len(shape))]), shape
    return node.attrs, node.shape


def _compose(outer: Sequence[Any], inner: Sequence[Any]) -> tuple[Any, ...] | None:
    """The map of a chain, followed by that of an index."""
    composed: list[Any] = []
    for d, o, s in outer:
        if d < 0:
            composed.append((-1, o, 0))
            continue
        entry = inner[d]
        if type(entry) is tuple:
            e, p, t = entry
            composed.append((e, o + s * p, s * t))
        elif (o, s) == (0, 1):
            composed.append(entry)
        else:
            return None  # an index array into a slice
    return tuple(composed)


@lowers("setitem")
def _setitem(result: Lowered, e: Equation, ins: Sequence[Any]) -> Node | None:
    g, (x, value, *arrays) = result.graph, ins
    v = e.outputs[0]
    seen = _chain_map(v.shape, e.params["chain"])
    if seen is None or 0 in v.shape:
        return None
    shapes = [a.shape if hasattr(a, "shape") else () for a in arrays]
    inner, region, block = gather_map(seen[1], e.params["template"], shapes)
    entries = _compose(seen[0], inner)
    if entries is None or (arrays and len({x for x in entries if type(x) is int}) < len(arrays)):
        return None
    value = g.broadcast(_without_lead(g, node_of(g, value, v.dtype), region), region)
    base = node_of(g, x, v.dtype)
    entries, nodes = _index_nodes(result, base, entries, arrays, region, block)
    return g.make("update", (base, value, *nodes), v.shape, v.dtype, ("set", entries))


def _without_lead(g: Graph, value: Node, region: tuple[int, ...]) -> Node:
    """NumPy's assignment ignores leading axes of length one beyond those of the region."""
    extra = len(value.shape) - len(region)
    return g.reshape(value, value.shape[extra:]) if extra > 0 else value


@lowers("cross_entropy")
def _cross_entropy(result: Lowered, e: Equation, ins: Sequence[Any]) -> Node | None:
    g, (logits, labels) = result.graph, ins
    if not isinstance(logits, Node) or not isinstance(labels, Node) or 0 in logits.shape:
        return None
    last = len(logits.shape) - 1
    entries: tuple[Any, ...] = (*((d, 0, 1) for d in range(last)), 0)
    entries, indices = _index_nodes(result, logits, entries, [labels], logits.shape[:-1], 0)
    if indices:
        picked = g.make("gather", (logits, *indices), logits.shape[:-1], logits.dtype, entries)
    else:
        picked = g.view(logits, entries, logits.shape[:-1])
    total = g.reshape(log_sum_exp(g, logits, (last,)), logits.shape[:-1])
    return g.map("sub", total, picked)
