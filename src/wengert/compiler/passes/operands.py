"""Operands of products that are summed, of which an element may be read many times."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from ..ir import Node, axis_terms

__all__ = ["factors", "serves_often"]

_OFTEN = 4  # reads of an element, beyond which it is stored


def serves_often(r: Node) -> bool:
    """Whether a sum of products reads both operands several times: it has a tile to itself."""
    x = r.args[0]
    if r.attrs[0] != "sum" or x.op != "map" or x.attrs != "mul":
        return False
    return all(y.op == "view" and times(y) > 1 for y in x.args)


def times(y: Node) -> int:
    """How often a view shows each element."""
    used = {d for entry in y.attrs for d, _ in axis_terms(entry)}
    return prod([n for d, n in enumerate(y.shape) if d not in used])


def factors(x: Node) -> Iterator[Node]:
    """Operands of a product that is summed, of which each element is read several times."""
    if x.op != "map" or x.attrs not in ("mul", "add"):
        return
    for y in x.args:
        if y.op == "map" and y.attrs in (("mul",) if x.attrs == "mul" else ("mul", "add")):
            yield from factors(y)
        elif y.op == "view" and x.attrs == "mul":
            if times(y) > _OFTEN and y.args[0].op in ("map", "gather", "view"):
                yield y.args[0]
