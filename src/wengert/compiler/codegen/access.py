"""What a nest reads and writes, as linear forms in its axes; and the loops chosen from that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import gcd
from typing import Any

from ..indices import Linear, address, seen_through
from ..ir import Node
from ..plan import Buffer, Nest

__all__ = ["Access", "Axis", "Loops", "accesses", "choose_loops", "operand_index", "through_views"]


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


@dataclass(frozen=True)
class Axis:
    """One loop. The object itself is the variable of linear forms."""

    number: int
    length: int
    reduced: bool


@dataclass(frozen=True)
class Loops:
    """The loops of a nest.

    ``domain`` has an index in the axes for each axis of ``kept + reduced``; ``vector`` is the axis
    whose elements lie in the lanes of ``width``; ``counts`` are the kept axes of which several
    indices, or vectors, are computed together, and how many. The ``ranged`` axis is that of the
    nest's rows, each of which is ``scale`` long.
    """

    domain: list[Linear]
    kept: list[Axis]
    reduced: list[Axis]
    vector: Axis | None
    width: int
    counts: Mapping[Axis, int]
    ranged: Axis | None = None
    scale: int = 1

    @property
    def unit(self) -> int:
        """Ranges of rows begin and end at multiples of this, or at the end of the axis."""
        if self.ranged is None:
            return 1
        step = self.step(self.ranged)
        return step // gcd(step, self.scale)

    def step(self, axis: Axis) -> int:
        """How many indices of an axis are computed at once."""
        return self.counts.get(axis, 1) * (self.width if axis is self.vector else 1)


def choose_loops(nest: Nest, buffers: Mapping[Node, Buffer], vector_bytes: int) -> Loops:
    """Loops for a nest: axes that move together joined, and the axis along the lanes."""
    lengths = (*nest.kept, *nest.reduced)
    plain = [Linear.variable(d) for d in range(len(lengths))]
    found = list(accesses(nest, buffers, plain))
    axes: list[Axis] = []
    domain: list[Linear] = []
    ranged: Axis | None = None
    scale = 1
    for d, n in enumerate(lengths):
        reduced = d >= len(nest.kept)
        if n == 1:
            domain.append(Linear())
        elif (
            axes
            and axes[-1].reduced == reduced
            and d != nest.rows
            and nest.ordered not in (d, axes[-1].number)
            and _joins(found, axes[-1].number, d, n)
        ):
            before = axes.pop()
            if ranged is before:
                scale *= n
            domain[before.number] = Linear()
            axes.append(Axis(d, before.length * n, reduced))
            domain.append(Linear.variable(axes[-1]))
            ranged = axes[-1] if ranged is before else ranged
        else:
            axes.append(Axis(d, n, reduced))
            domain.append(Linear.variable(axes[-1]))
            ranged = axes[-1] if d == nest.rows else ranged
    kept = [a for a in axes if not a.reduced]
    reduced_axes = [a for a in axes if a.reduced]
    itemsize = max([a.dtype.itemsize for a in found if a.dtype.kind == "f"] or [8])
    ordered = any(s.arrays for s in nest.stores)
    vector = _vector_axis(found, kept, reduced_axes, ordered, vector_bytes // itemsize)
    if nest.ordered is not None:
        # Along the last axis if that is another one: there is no second that is contiguous.
        vector = kept[-1] if kept and nest.ordered != kept[-1].number else None
    if vector is None:
        return Loops(domain, kept, reduced_axes, None, 1, {}, ranged, scale)
    width = min(vector_bytes // itemsize, 1 << (vector.length - 1).bit_length())
    if vector in kept:
        kept = [a for a in kept if a is not vector] + [vector]
    else:
        reduced_axes = [a for a in reduced_axes if a is not vector] + [vector]
    counts = _tile(nest, found, kept, vector, width)
    # The axes of a tile inside, and of these the vectors innermost.
    kept.sort(key=lambda a: (a in counts, a is vector))
    return Loops(domain, kept, reduced_axes, vector, width, counts, ranged, scale)


def _joins(found: Sequence[Access], outer: int, inner: int, length: int) -> bool:
    """Whether every access moves as if the two axes were one."""
    return all(a.at.step(outer) == a.at.step(inner) * length for a in found)


def _vector_axis(
    found: Sequence[Access], kept: list[Axis], reduced: list[Axis], ordered: bool, lanes: int
) -> Axis | None:
    """The axis along which most accesses are contiguous; of equals the last kept one."""
    if ordered:
        return kept[-1] if kept and not reduced else None
    best, best_cost = None, 1e9

    def cost(axis: Axis) -> float:
        total = 0.0
        for a in found:
            step = abs(a.at.step(axis.number)) if not (a.writes and axis.reduced) else 0
            if step == 2 and a.buffer is not None and a.buffer.is_complex:
                step = 1  # both parts are taken from what lies side by side
            total += 0.25 if step == 0 else 1.0 if step == 1 else 8.0
        total += 2.0 if axis.reduced else 0.0
        return total * (-(-axis.length // lanes) * lanes / axis.length)

    for axis in [*reversed(kept), *reversed(reduced)]:
        if axis.length and (c := cost(axis)) < best_cost:
            best, best_cost = axis, c
    return best


def _tile(
    nest: Nest, found: Sequence[Access], kept: list[Axis], vector: Axis, width: int
) -> dict[Axis, int]:
    """How many rows and vectors are computed together: what is read then serves several times.

    The accumulators of a tile stay in registers, of which there are 16, with room for operands.
    """
    vectors = -(-vector.length // width)
    columns = {} if vector.reduced else {vector: min(2, vectors)}
    if not nest.reductions:
        return {}
    if len(nest.reductions) > 1:
        return columns
    reads = [a for a in found if not a.writes]
    shared = {
        axis: sum(1 for a in reads if not a.at.step(axis.number) and a.at.step(vector.number))
        for axis in kept
        if axis is not vector
    }
    tiles = sorted((a for a in shared if shared[a]), key=lambda a: -shared[a])
    if not tiles:
        return {} if vector.reduced else {vector: min(4, vectors)}
    if not vector.reduced:
        return {tiles[0]: _rows(tiles[0].length, 6 if vectors > 1 else 8), **columns}
    if len(tiles) == 1:
        return {tiles[0]: _rows(tiles[0].length, 8)}
    return {tiles[0]: min(4, tiles[0].length), tiles[1]: _rows(tiles[1].length, 3)}


def _rows(length: int, most: int) -> int:
    """How many of so many rows make a tile: four, unless another number leaves fewer over."""
    if length <= most:
        return length
    return min(range(min(most, 4), most + 1), key=lambda n: (-length % n, abs(n - 4)))
