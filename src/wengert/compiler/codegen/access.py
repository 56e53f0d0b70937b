"""What a nest reads and writes, as linear forms in its axes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..indices import Linear, address, seen_through
from ..ir import Node
from ..plan import Buffer, Nest

__all__ = ["Access", "Unknown", "accesses", "operand_index", "through_views"]


@dataclass(frozen=True)
class Unknown:
    """A variable of linear forms: an index that is data, from 0 to ``length - 1``."""

    number: int
    length: int


def _known(entries: Sequence[Any], index: Sequence[Linear], shape: Sequence[int]) -> list[Linear]:
    """The index that a map with index arrays gives, with an `Unknown` for each of them."""
    return [
        Linear.variable(Unknown(entry, shape[d])) if type(entry) is int
        else seen_through([entry], index)[0]
        for d, entry in enumerate(entries)
    ]  # fmt: skip


@dataclass(frozen=True)
class Access:
    """One read or write; ``at`` is in elements (of an iota, its value).

    ``node`` is what is read, and ``in_sum`` tells whether a reduction reads it.
    """

    at: Linear
    dtype: Any
    writes: bool
    dynamic: bool = False
    buffer: Buffer | None = None
    node: Node | None = None
    in_sum: bool = False


def _expression(
    node: Node, index: Sequence[Linear], buffers: Mapping[Node, Buffer],
    inside: Mapping[Node, Any], seen: set[Any],
) -> Iterator[Access]:  # fmt: skip
    """The accesses of an expression; nodes ``inside`` are in registers."""
    key = (node, tuple(index))
    if key in seen:
        return
    seen.add(key)
    if node.op == "const" or node in inside:
        return
    if node.op == "iota" and node not in buffers:
        yield Access(index[0], node.dtype, False)
    elif node in buffers:
        buffer = buffers[node]
        yield Access(address(buffer.shape, index), node.dtype, False, False, buffer, node)
    elif node.op == "view":
        yield from _expression(node.args[0], seen_through(node.attrs, index), buffers, inside, seen)
    elif node.op == "gather":
        static = _known(node.attrs, index, node.args[0].shape)
        base, static = through_views(node.args[0], static, buffers)
        buffer = buffers[base]
        yield Access(address(buffer.shape, static), node.dtype, False, True, buffer)
        for x in node.args[1:]:
            yield from _expression(x, index, buffers, inside, seen)
    else:
        for x in node.args:
            yield from _expression(x, index, buffers, inside, seen)


def operand_index(places: Sequence[int], domain: Sequence[Linear]) -> list[Linear]:
    """The index into a reduction's operand, whose axes of length one have no place."""
    return [domain[p] if p >= 0 else Linear() for p in places]


def through_views(
    node: Node, index: list[Linear], buffers: Mapping[Node, Buffer]
) -> tuple[Node, list[Linear]]:
    """The array in memory that a view shows, and the index into it."""
    while node not in buffers:
        index = seen_through(node.attrs, index)
        node = node.args[0]
    return node, index


def accesses(
    nest: Nest, buffers: Mapping[Node, Buffer], domain: Sequence[Linear]
) -> Iterator[Access]:
    """All accesses of a nest. ``domain`` has an index for each axis of ``kept + reduced``."""
    seen: set[Any] = set()
    summed: set[Any] = set()
    kept = domain[: len(nest.kept)]
    computed = [s.node for s in nest.stores if s.computes]
    outer = {n: b for n, b in buffers.items() if n not in computed} if computed else buffers
    for r, places in nest.reductions.items():
        operand = nest.operand(r)
        for a in _expression(operand, operand_index(places, domain), outer, {}, summed):
            yield replace(a, in_sum=True)
    for s in nest.stores:
        if s.node not in nest.reductions:
            yield from _expression(s.node, kept, outer, nest.reductions, seen)
        at = address(s.buffer.shape, _known(s.target, kept, s.buffer.shape))
        yield Access(at, s.buffer.dtype, True, bool(s.arrays), s.buffer)
        for x in s.arrays:
            yield from _expression(x, kept, buffers, {}, seen)
