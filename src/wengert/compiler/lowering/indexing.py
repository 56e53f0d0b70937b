"""Reading and writing parts of arrays: affine maps where the index is static, gathers where not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...core.index import ARRAY, Template, advanced_position
from ...core.program import Equation
from ..indices import strides_of
from ..ir import Graph, Node, axis_terms
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
    shape: tuple[int, ...], block: int, writes: bool = False,
) -> tuple[tuple[Any, ...], list[Node]]:  # fmt: skip
    """The entries of the map, and the index arrays seen from the region that they make.

    What is known to be a progression becomes part of the map; of others the bounds are checked. A
    map that ``writes`` must not name a place twice: one index again and again is no progression.
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
        if (
            line.op == "iota"
            and line.size <= n
            and not (writes and i.size > 1 and _stands_still(seen))
        ):
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


def _stands_still(indices: Node) -> bool:
    """Whether a progression is one index again and again."""
    return indices.op == "view" and not any(t for _, t in axis_terms(indices.attrs[0]))


def _read(g: Graph, x: Node, entries: Any, nodes: Sequence[Node], shape: tuple[int, ...]) -> Node:
    """What a map shows of an array: a view if no index is data."""
    if not nodes:
        return g.view(x, entries, shape)
    return g.make("gather", (x, *nodes), shape, x.dtype, entries)


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
    entries, nodes = _index_nodes(result, zeros, entries, arrays, shape, block, True)
    return g.make("update", (zeros, ct, *nodes), v.shape, v.dtype, ("add", entries))


def _chain_map(shape: tuple[int, ...], chain: Any) -> tuple[Any, tuple[int, ...]] | None:
    """What a chain of views shows of an array: a map from its axes, and its shape."""
    g = Graph()
    base = node = g.input(0, shape, np.float64)
    for primitive, params in chain:
        if primitive.name in ("real", "imag"):
            continue  # a part of complex numbers, which the caller has chosen
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
    if 0 in v.shape:
        return None
    base = node_of(g, x, v.dtype)
    return _written(result, base, e.params["chain"], e.params["template"], value, arrays)


def _written(
    result: Lowered, base: Node, chain: Any, template: Template, value: Any, arrays: Sequence[Any]
) -> Node | None:
    """``base`` with the value written at an index into what a chain of views shows of it.

    Behind a reshape that is no view the part is written to by itself, and then put back.
    """
    g = result.graph
    for k, (primitive, params) in enumerate(chain):
        if primitive.name != "reshape":
            continue
        before, behind = _chain_map(base.shape, chain[:k]), _chain_map(base.shape, chain[: k + 1])
        if before is None or behind is not None:
            continue
        part = g.reshape(g.view(base, *before), params["shape"])
        written = _written(result, part, chain[k + 1 :], template, value, arrays)
        if written is None:
            return None
        written = g.reshape(written, before[1])
        if not k:
            return written
        return g.make("update", (base, written), base.shape, base.dtype, ("set", before[0]))
    seen = _chain_map(base.shape, chain)
    if seen is None:
        return None
    shapes = [a.shape if hasattr(a, "shape") else () for a in arrays]
    inner, region, block = gather_map(seen[1], template, shapes)
    entries = _compose(seen[0], inner)
    if entries is None or (arrays and len({x for x in entries if type(x) is int}) < len(arrays)):
        return None
    value = node_of(g, value, base.dtype)
    value = g.broadcast(_without_lead(g, value, region), region)
    entries, nodes = _index_nodes(result, base, entries, arrays, region, block, True)
    return g.make("update", (base, value, *nodes), base.shape, base.dtype, ("set", entries))


def _without_lead(g: Graph, value: Node, region: tuple[int, ...]) -> Node:
    """NumPy's assignment ignores leading axes of length one beyond those of the region."""
    extra = len(value.shape) - len(region)
    return g.reshape(value, value.shape[extra:]) if extra > 0 else value


@lowers("permute_along")
def _permute_along(result: Lowered, e: Equation, ins: Sequence[Any]) -> Node | None:
    g, (x, order) = result.graph, ins
    entries, nodes = _along(result, x, order, e.params["axis"])
    return _read(g, x, entries, nodes, x.shape)


@lowers("unpermute_along")
def _unpermute_along(result: Lowered, e: Equation, ins: Sequence[Any]) -> Node | None:
    g, (x, order) = result.graph, ins
    entries, nodes = _along(result, x, order, e.params["axis"])
    y = g.make("empty", (), x.shape, x.dtype, len(g.nodes))
    return g.make("update", (y, x, *nodes), x.shape, x.dtype, ("set", entries))


def _along(result: Lowered, x: Node, order: Node, axis: int) -> tuple[tuple[Any, ...], list[Node]]:
    """The map that takes the index along one axis from an array."""
    entries = tuple([0 if d == axis else (d, 0, 1) for d in range(len(x.shape))])
    return _index_nodes(result, x, entries, [order], x.shape, 0)


@lowers("add_at")
def _add_at(result: Lowered, e: Equation, ins: Sequence[Any]) -> Node | None:
    g, (x, value, *arrays) = result.graph, ins
    v = e.outputs[0]
    if v.dtype.kind == "b" or 0 in v.shape:
        return None
    shapes = [a.shape if hasattr(a, "shape") else () for a in arrays]
    entries, region, block = gather_map(v.shape, e.params["template"], shapes)
    if 0 in region:
        return node_of(g, x, v.dtype)
    value = g.broadcast(_without_lead(g, node_of(g, value, v.dtype), region), region)
    base = node_of(g, x, v.dtype)
    entries, nodes = _index_nodes(result, base, entries, arrays, region, block, True)
    return g.make("update", (base, value, *nodes), v.shape, v.dtype, ("add", entries))


@lowers("last_writer")
def _last_writer(result: Lowered, e: Equation, ins: Sequence[Any]) -> Node | None:
    """Which of the places that an index names is the last that names its element."""
    g, p = result.graph, e.params
    seen = _chain_map(p["shape"], p["chain"])
    if seen is None or 0 in p["shape"]:
        return None
    shapes = [a.shape if hasattr(a, "shape") else () for a in ins]
    inner, region, block = gather_map(seen[1], p["template"], shapes)
    entries = _compose(seen[0], inner)
    if entries is None or 0 in region:
        return None
    numbers = g.const(0, np.int64, region)
    for d, stride in enumerate(strides_of(region)):
        step = g.const(stride, np.int64, region)
        numbers = g.map("add", numbers, g.map("mul", g.iota(region, d), step))
    nobody = g.const(-1, np.int64, p["shape"])
    if _is_basic(entries):
        return g.const(True, bool, region)
    entries, nodes = _index_nodes(result, nobody, entries, ins, region, block, True)
    writers = g.make("update", (nobody, numbers, *nodes), p["shape"], np.int64, ("set", entries))
    found = _read(g, writers, entries, nodes, region)
    return g.map("equal", found, numbers, dtype=bool)


@lowers("searchsorted")
def _searchsorted(result: Lowered, e: Equation, ins: Sequence[Any]) -> Node | None:
    """Binary search: one gather for each halving."""
    g, (a, v) = result.graph, ins
    dtype = np.result_type(a.dtype, v.dtype)
    if not isinstance(v, Node) or not a.size or not v.size or dtype.kind not in "fiu":
        return None
    n, shape = a.shape[0], e.outputs[0].shape
    v = g.cast(v, dtype)
    low = g.const(0, np.int64, shape)
    step = 1 << (n.bit_length() - 1)
    while step:
        probe = g.map("add", low, g.const(step - 1, np.int64, shape))
        found = g.cast(g.make("gather", (a, probe), shape, a.dtype, (0,)), dtype)
        if e.params["side"] == "left":
            before = _sorts_before(g, found, v)
        else:
            before = g.map("not", _sorts_before(g, v, found), dtype=bool)
        inside = g.map("less", probe, g.const(n, np.int64, shape), dtype=bool)
        moved = g.map("add", low, g.const(step, np.int64, shape))
        low = g.map("select", g.map("and", before, inside), moved, low, dtype=np.int64)
        step >>= 1
    return g.cast(low, e.outputs[0].dtype)


def _sorts_before(g: Graph, x: Node, y: Node) -> Node:
    """Less, where NaN comes last."""
    less = g.map("less", x, y, dtype=bool)
    if x.dtype.kind != "f":
        return less
    nan = g.map("isnan", y, dtype=bool)
    number = g.map("equal", x, x, dtype=bool)
    return g.map("or", less, g.map("and", nan, number))


@lowers("cross_entropy")
def _cross_entropy(result: Lowered, e: Equation, ins: Sequence[Any]) -> Node | None:
    g, (logits, labels) = result.graph, ins
    if not isinstance(logits, Node) or not isinstance(labels, Node) or 0 in logits.shape:
        return None
    last = len(logits.shape) - 1
    entries: tuple[Any, ...] = (*((d, 0, 1) for d in range(last)), 0)
    entries, indices = _index_nodes(result, logits, entries, [labels], logits.shape[:-1], 0)
    picked = _read(g, logits, entries, indices, logits.shape[:-1])
    total = g.reshape(log_sum_exp(g, logits, (last,)), logits.shape[:-1])
    return g.map("sub", total, picked)
