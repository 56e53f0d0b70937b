"""Which angles of a nest have their sine and their cosine computed at the same elements."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence

from ..indices import Linear, seen_through
from ..ir import Node
from ..plan import Nest
from .access import operand_index

__all__ = ["angles_of_both"]

_WAVES = frozenset({"sin", "cos"})


def angles_of_both(nest: Nest, in_memory: Container[Node]) -> set[Node]:
    """The nodes of which ``sin`` and ``cos`` are computed in the same loops, at the same indices.

    Parameters
    ----------
    nest : Nest
    in_memory : container of Node
        What is read from there, not computed here.
    """
    domain = [Linear.variable(d) for d in range(len(nest.lengths))]
    summed = [
        (nest.operand(r), operand_index(places, domain)) for r, places in nest.reductions.items()
    ]
    kept = domain[: len(nest.kept)]
    stored = [(x, kept) for s in nest.stores for x in (s.node, *s.arrays)]
    stored = [(x, index) for x, index in stored if x not in nest.reductions]
    return _both(summed, in_memory, ()) | _both(stored, in_memory, nest.reductions)


def _both(
    roots: Iterable[tuple[Node, Sequence[Linear]]], in_memory: Container[Node],
    known: Container[Node],
) -> set[Node]:  # fmt: skip
    found: dict[Node, dict[tuple[Linear, ...], set[str]]] = {}
    stack = list(roots)
    seen = set()
    while stack:
        node, index = stack.pop()
        at = tuple(index)
        if (node, at) in seen or node in known or node in in_memory:
            continue
        seen.add((node, at))
        if node.op == "map" and node.attrs in _WAVES:
            found.setdefault(node.args[0], {}).setdefault(at, set()).add(node.attrs)
        if node.op == "view":
            index = seen_through(node.attrs, index)
        operands = node.args[1:] if node.op == "gather" else node.args
        stack += [(x, index) for x in operands]
    return {angle for angle, places in found.items() if all(_WAVES <= w for w in places.values())}
