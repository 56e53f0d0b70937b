"""Products of matrices and contractions in index notation: sums of products of views."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...core.program import Equation
from ...rules.einsum import split
from ..ir import Graph, Node
from .complex_functions import product
from .formulas import Real
from .pairs import Pair
from .table import Lowered, lowers

__all__ = ["contracted_parts"]


def _contract(
    result: Lowered, operands: Sequence[Node], terms: Sequence[Sequence[Any]], out: Sequence[Any]
) -> Node:
    """The contraction; labels are any hashable things, and lengths of one have broadcast away."""
    g = result.graph
    views, summed = _seen_together(g, operands, terms, out)
    y = views[0]
    for x in views[1:]:
        y = g.map("mul", y, x)
    return g.reduce("sum", y, summed)


def _seen_together(
    g: Graph, operands: Sequence[Node], terms: Sequence[Sequence[Any]], out: Sequence[Any]
) -> tuple[list[Node], range]:
    """Views of the operands over all labels, those of the result first, and the other axes."""
    lengths = {c: n for x, t in zip(operands, terms) for c, n in zip(t, x.shape) if n != 1}
    order = [*out, *dict.fromkeys(c for t in terms for c in t if c not in out)]
    shape = tuple([lengths.get(c, 1) for c in order])
    place = {c: d for d, c in enumerate(order)}
    views = [
        g.view(x, tuple([(place[c], 0, 1) if n != 1 else (-1, 0, 0)
                         for c, n in zip(t, x.shape)]), shape)
        for x, t in zip(operands, terms)
    ]  # fmt: skip
    return views, range(len(out), len(order))


def contracted_parts(result: Lowered, e: Equation, operands: Sequence[Pair]) -> Pair:
    """A contraction of many complex operands, multiplied out."""
    g, v = result.graph, e.outputs[0]
    terms, out = split(e.params["subscripts"])
    parts = []
    for which in ("re", "im"):
        nodes = [getattr(x, which) for x in operands]
        views, summed = _seen_together(g, nodes, terms, out)
        parts.append([Real(g, x) for x in views])
    y = (parts[0][0], parts[1][0])
    for z in zip(*[p[1:] for p in parts], strict=True):
        y = product(y, z)
    return Pair(*[g.reshape(g.reduce("sum", p.node, summed), v.shape) for p in y])


@lowers("matmul")
def _matmul(result: Lowered, e: Equation, ins: Sequence[Any]) -> Node | None:
    g, dtype = result.graph, e.outputs[0].dtype
    if dtype.kind not in "fiu":
        return None
    a, b = (g.cast(x, dtype) for x in ins)
    ta = [*(("batch", k) for k in range(len(a.shape) - 2, 0, -1)), "i", "k"][-len(a.shape) :]
    tb = [*(("batch", k) for k in range(len(b.shape) - 2, 0, -1)), "k", "j"]
    tb = tb[-len(b.shape) :] if len(b.shape) > 1 else ["k"]
    if len(a.shape) == 1:
        ta = ["k"]
    stacks = max(len(a.shape), len(b.shape)) - 2
    out: list[Any] = [("batch", k) for k in range(stacks, 0, -1)]
    out += ["i"] * (len(a.shape) > 1) + ["j"] * (len(b.shape) > 1)
    return g.reshape(_contract(result, (a, b), (ta, tb), out), e.outputs[0].shape)


@lowers("einsum")
def _einsum(result: Lowered, e: Equation, ins: Sequence[Any]) -> Node | None:
    g, v = result.graph, e.outputs[0]
    if v.dtype.kind not in "fiu" or not all(isinstance(x, Node) for x in ins):
        return None
    terms, out = split(e.params["subscripts"])
    return g.reshape(_contract(result, [g.cast(x, v.dtype) for x in ins], terms, out), v.shape)
