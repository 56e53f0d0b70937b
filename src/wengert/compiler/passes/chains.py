"""Sums of sums over the same indices become one sum.

The gradient of a weight that is used several times, as in a recurrent net, is a sum of products. In
one nest, one accumulator takes them all in, which leaves registers for a tile of rows and vectors.
This rewrites the index IR, before `fuse` sees it. Products for BLAS, and those whose operands are
contiguous along the sum (they are computed from packed copies), are left as they are.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from ..indices import Linear, address, seen_through
from ..ir import Graph, Node, reachable
from ..lowering.table import Lowered
from .products import as_product

__all__ = ["chain_sums"]

_MOST = 32  # terms of one sum, so that functions stay of a size LLVM likes


@dataclass(frozen=True)
class _Parts:
    """What a node adds up: a sum over indices, of so many terms, and something else."""

    rest: Node | None
    sum: Node | None
    terms: int = 0


def chain_sums(lowered: Lowered) -> Lowered:
    """Join sums that are only added up."""
    roots = [y for y in lowered.outputs if isinstance(y, Node)] + [c for c, _ in lowered.checks]
    nodes = reachable(roots)
    users = Counter(x for n in nodes for x in n.args)
    users.update(roots)
    made: dict[Node, Node] = {}
    parts: dict[Node, _Parts] = {}
    for n in nodes:
        args = tuple([made[x] for x in n.args])
        made[n] = lowered.graph.again(n, args)
        if n.op == "reduce" and n.attrs[0] == "sum" and n.dtype.kind == "f":
            parts[made[n]] = _Parts(None, made[n], 1)
        elif n.op == "map" and n.attrs == "add" and n.dtype.kind == "f":
            mine = [
                parts[x] if x in parts and users[y] == 1 else _Parts(x, None)
                for x, y in zip(args, n.args, strict=True)
            ]
            joined = _joined(lowered.graph, *mine)
            if joined is not None:
                made[n] = _whole(lowered.graph, joined)
                parts[made[n]] = joined
            elif mine[0].sum is None or mine[1].sum is None:
                rest = _added(lowered.graph, mine[0].rest, mine[1].rest)
                both = mine[0] if mine[1].sum is None else mine[1]
                parts[made[n]] = _Parts(rest, both.sum, both.terms)
    lowered.outputs = [made[y] if isinstance(y, Node) else y for y in lowered.outputs]
    lowered.checks = [(made[c], why) for c, why in lowered.checks]
    return lowered


def _added(g: Graph, x: Node | None, y: Node | None) -> Node | None:
    if x is None or y is None:
        return y if x is None else x
    return g.make("map", (x, y), x.shape, x.dtype, "add")


def _whole(g: Graph, parts: _Parts) -> Node:
    whole = _added(g, parts.rest, parts.sum)
    assert whole is not None
    return whole


def _joined(g: Graph, a: _Parts, b: _Parts) -> _Parts | None:
    """Both together, with one sum, if there are two that are alike."""
    x, y, terms = a.sum, b.sum, a.terms + b.terms
    if x is None or y is None or terms > _MOST or not _are_alike(x, y):
        return None
    added = g.make("map", (x.args[0], y.args[0]), x.args[0].shape, x.dtype, "add")
    both = g.make("reduce", (added,), x.shape, x.dtype, x.attrs)
    return _Parts(_added(g, a.rest, b.rest), both, terms)


def _are_alike(x: Node, y: Node) -> bool:
    """Whether two nodes are sums over the same axes, which a nest of both computes best."""
    return (
        x.attrs == y.attrs
        and x.args[0].shape == y.args[0].shape
        and all(_goes_along_results(s) for s in (x, y))
    )


def _goes_along_results(s: Node) -> bool:
    """Whether vectors may lie along an axis of the result, without a copy of an operand."""
    if as_product(s, lambda node: True) is not None:
        return False
    stack = [s.args[0]]
    while stack:
        x = stack.pop()
        if x.op == "map" and x.attrs in ("add", "mul"):
            stack += x.args
        elif x.op == "view":
            index = seen_through(x.attrs, [Linear.variable(d) for d in range(len(x.shape))])
            at = address(x.args[0].shape, index)
            if any(at.step(d) == 1 for d in range(len(x.shape)) if d not in s.attrs[1]):
                return True
    return False
