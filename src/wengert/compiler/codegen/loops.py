"""The loops of a nest, chosen from what it reads and writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import gcd

from ..indices import Linear
from ..ir import Node
from ..passes.costs import operations_of
from ..plan import Buffer, Nest
from .access import Access, accesses
from .processor import Processor
from .tiles import Read, Shape, best_layout

__all__ = ["Ahead", "Axis", "Loops", "ProductAxes", "choose_loops", "product_axes"]

_UNROLLED = 4  # vectors at once in a nest without sums
_FEW_ACCESSES = 12
_LONG = range(20, 100)  # operations: below, processors overlap vectors; above, registers are short
_MANY = 6  # vectors, so that an odd one left over hardly matters
_FROM_MEMORY = 4 << 20  # bytes: more than the caches of a core keep from step to step


@dataclass(frozen=True)
class Axis:
    """One loop. The object itself is the variable of linear forms."""

    number: int
    length: int
    reduced: bool


@dataclass(frozen=True)
class Ahead:
    """A buffer that is read at ``at``, and by the next tile ``distance`` elements further on."""

    buffer: Buffer
    at: Linear
    distance: int


@dataclass(frozen=True)
class Loops:
    """The loops of a nest.

    ``domain`` has an index in the axes for each axis of ``kept + reduced``; ``vector`` is the axis
    whose elements lie in the lanes of ``width``; ``counts`` are the kept axes of which several
    indices, or vectors, are computed together, and how many. The ``ranged`` axis is that of the
    nest's rows, each of which is ``scale`` long. ``turned`` buffers are read across their rows: as
    many rows as there are lanes at once, along this axis, with this step between the lanes.
    ``ahead`` is what comes from memory along the sum: for each of them the next tile is asked for.
    """

    domain: list[Linear]
    kept: list[Axis]
    reduced: list[Axis]
    vector: Axis | None
    width: int
    counts: Mapping[Axis, int]
    ranged: Axis | None = None
    scale: int = 1
    turned: Mapping[Buffer, tuple[Axis, int]] = field(default_factory=dict)
    ahead: Sequence[Ahead] = ()

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


@dataclass(frozen=True)
class _Axes:
    """The axes of a nest, those that move together joined; see `Loops`."""

    found: list[Access]
    domain: list[Linear]
    kept: list[Axis]
    reduced: list[Axis]
    ranged: Axis | None
    scale: int


def _axes_of(nest: Nest, buffers: Mapping[Node, Buffer], separate: bool = False) -> _Axes:
    """The axes; that of the rows is not joined with others if it is to be ``separate``."""
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
            and not (separate and axes[-1].number == nest.rows)
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
    return _Axes(found, domain, kept, [a for a in axes if a.reduced], ranged, scale)


def choose_loops(nest: Nest, buffers: Mapping[Node, Buffer], processor: Processor) -> Loops:
    """Loops for a nest: axes that move together joined, and the axis along the lanes."""
    loops = _loops(nest, buffers, processor, 0)
    if nest.unit and nest.unit % loops.unit:
        loops = _loops(nest, buffers, processor, nest.unit)
    return loops


def _loops(nest: Nest, buffers: Mapping[Node, Buffer], processor: Processor, unit: int) -> Loops:
    """Loops of any unit, or of one that divides ``unit`` if that is not 0."""
    a = _axes_of(nest, buffers, unit > 0)
    product = _product_of(nest, a, processor)
    if product is not None:
        return product.loops(a)
    found, domain, kept, reduced_axes = a.found, a.domain, a.kept, a.reduced
    ranged, scale = a.ranged, a.scale
    itemsize = max([a.dtype.itemsize for a in found if a.dtype.kind == "f"] or [8])
    ordered = any(s.arrays for s in nest.stores)
    lanes = processor.vector_bytes // itemsize
    lanes_of_rows = gcd(lanes, unit) if unit else lanes
    vector = _vector_axis(found, kept, reduced_axes, ordered, lanes, ranged, lanes_of_rows)
    if nest.ordered is not None:
        # Along the last axis if that is another one: there is no second that is contiguous.
        vector = kept[-1] if kept and nest.ordered != kept[-1].number else None
    if (
        vector is not None
        and vector is ranged
        and not any(a.at.step(vector.number) == 1 for a in found)
    ):
        vector = None  # ranges of rows then need not begin with whole vectors
    if vector is not None and vector is ranged and lanes_of_rows == 1:
        vector = None
    if vector is None:
        return Loops(domain, kept, reduced_axes, None, 1, {}, ranged, scale)
    width = lanes_of_rows if vector is ranged else lanes
    width = min(width, 1 << (vector.length - 1).bit_length())
    if vector in kept:
        kept = [a for a in kept if a is not vector] + [vector]
    else:
        reduced_axes = [a for a in reduced_axes if a is not vector] + [vector]
    if nest.reductions:
        counts = _tile(nest, found, kept, vector, width, processor.registers)
    else:
        vectors = -(-vector.length // width)
        counts = _unrolled(found, kept, vector, vectors, ranged)
        if not counts and _pairs(nest, buffers, vectors):
            counts = {vector: 2}
    # Of an axis along which each element is made of those before it, none are computed together.
    if any(axis.number == nest.ordered for axis in counts):
        counts = {}
    turned = _turned(nest, found, kept, vector, width)
    if unit % width and any(axis is ranged for axis, _ in turned.values()):
        turned = {}
    for axis, _ in turned.values():
        counts = {axis: width, vector: 1}
    if unit and ranged is not None and ranged in counts:
        most = unit // width if ranged is vector else unit
        counts[ranged] = max(n for n in range(1, counts[ranged] + 1) if most % n == 0)
    # The axes of a tile inside, and of these the vectors innermost.
    kept.sort(key=lambda a: (a in counts, a is vector))
    return Loops(domain, kept, reduced_axes, vector, width, counts, ranged, scale, turned)


def _turned(
    nest: Nest, found: Sequence[Access], kept: list[Axis], vector: Axis, width: int
) -> dict[Buffer, tuple[Axis, int]]:
    """What is read across its rows while what is written lies along the lanes."""
    if nest.reductions or nest.ordered is not None or width < 4 or vector.reduced:
        return {}
    if any(s.arrays or s.kind != "set" for s in nest.stores):
        return {}
    across = [
        (a, axis)
        for a in found if not a.writes and not a.dynamic and a.at.step(vector.number) > 1
        for axis in kept if a.at.step(axis.number) == 1 and axis.length >= width
    ]  # fmt: skip
    written = {a.buffer.memory for a in found if a.writes and a.buffer is not None}
    axes = {axis for _, axis in across}
    if any(a.dtype.kind == "b" for a, _ in across):
        return {}
    if len(axes) != 1 or any(a.buffer is None or a.buffer.memory in written for a, _ in across):
        return {}
    if any(a.writes and a.at.step(vector.number) not in (0, 1) for a in found):
        return {}
    return {
        a.buffer: (axis, a.at.step(vector.number)) for a, axis in across if a.buffer is not None
    }


@dataclass(frozen=True)
class ProductAxes:
    """Rows, columns and sums of a nest that is a product of matrices, and its `tiles.Shape`."""

    domain: list[Linear]
    p: Axis
    q: Axis
    k: Axis
    shape: Shape

    def loops(self, a: _Axes) -> Loops:
        """The loops of the best layout."""
        p, q, layout = self.p, self.q, best_layout(self.shape)
        vector = {"p": p, "q": q, "k": self.k}[layout.vector]
        inner = [{"p": p, "q": q}[axis] for axis in layout.order]
        counts = {p: layout.rows, q: layout.columns}
        loops = Loops(
            a.domain,
            [x for x in a.kept if x not in inner] + inner,
            a.reduced,
            vector,
            min(self.shape.lanes, 1 << (vector.length - 1).bit_length()),
            counts,
            a.ranged,
            a.scale,
        )
        return replace(loops, ahead=self._ahead(a, loops))

    def _ahead(self, a: _Axes, loops: Loops) -> list[Ahead]:
        """What lies along the sum, moves with one side of the tile alone, and fills no cache."""
        found = []
        for x in a.found:
            sides = [axis for axis in (self.p, self.q) if x.at.step(axis.number)]
            if not x.in_sum or x.buffer is None or x.buffer.nbytes < _FROM_MEMORY:
                continue
            along = x.at.step(self.k.number) == 1 and loops.vector not in sides
            if along and len(sides) == 1:
                at = x.at.replaced(dict(enumerate(a.domain)))
                distance = loops.step(sides[0]) * x.at.step(sides[0].number)
                found.append(Ahead(x.buffer, at, distance))
        return found


def product_axes(
    nest: Nest, buffers: Mapping[Node, Buffer], processor: Processor
) -> ProductAxes | None:
    """What a nest is as a product of matrices, if it is one."""
    return _product_of(nest, _axes_of(nest, buffers), processor)


def _product_of(nest: Nest, a: _Axes, processor: Processor) -> ProductAxes | None:
    if len(a.reduced) != 1 or len(nest.reductions) != 1 or nest.ordered is not None:
        return None
    (k,), (r,) = a.reduced, nest.reductions
    if r.attrs[0] != "sum" or r.dtype.kind != "f" or not k.length:
        return None
    if any(x.dynamic for x in a.found) or any(s.arrays for s in nest.stores):
        return None
    steps = [([abs(x.at.step(y.number)) for y in (*a.kept, k)], x) for x in a.found]
    reads = [step for step, x in steps if x.in_sum]
    n = len(a.kept)
    pairs = [
        (i, j)
        for j in range(n) for i in range(j)
        if any(s[i] and not s[j] for s in reads) and any(s[j] and not s[i] for s in reads)
    ]  # fmt: skip
    if not pairs or any(x.length == 0 for x in a.kept):
        return None
    i, j = max(pairs, key=lambda pair: a.kept[pair[0]].length * a.kept[pair[1]].length)
    p, q = a.kept[i], a.kept[j]
    spans = {p: p.length, q: q.length}
    if a.ranged in spans:
        spans[a.ranged] = min(a.ranged.length, (nest.span or a.ranged.length) * a.scale)
    shape = Shape(
        p.length, q.length, k.length,
        tuple(sorted({
            Read(s[i], s[j], s[n], x.dtype.itemsize, x.dtype != r.dtype)
            for s, x in steps if x.in_sum
        })),
        tuple([(s[i], s[j]) for s, x in steps if not x.in_sum]),
        processor.vector_bytes // r.dtype.itemsize, processor, spans[p], spans[q],
        {p: "p", q: "q", k: "k" if nest.unit else ""}.get(a.ranged, "") if a.ranged else "",
        nest.parts, nest.unit * a.scale,
    )  # fmt: skip
    return ProductAxes(a.domain, p, q, k, shape)


def _joins(found: Sequence[Access], outer: int, inner: int, length: int) -> bool:
    """Whether every access moves as if the two axes were one."""
    return all(a.at.step(outer) == a.at.step(inner) * length for a in found)


def _vector_axis(
    found: Sequence[Access], kept: list[Axis], reduced: list[Axis], ordered: bool, lanes: int,
    ranged: Axis | None, lanes_of_rows: int,
) -> Axis | None:  # fmt: skip
    """The axis along which most accesses are contiguous; of equals the last kept one.

    Along that of the rows, ``ranged``, there are fewer lanes where ranges are short.
    """
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
        total *= lanes / lanes_of_rows if axis is ranged else 1.0
        return total * (-(-axis.length // lanes) * lanes / axis.length)

    for axis in [*reversed(kept), *reversed(reduced)]:
        if axis.length and (c := cost(axis)) < best_cost:
            best, best_cost = axis, c
    return best


def _tile(
    nest: Nest, found: Sequence[Access], kept: list[Axis], vector: Axis, width: int, registers: int
) -> dict[Axis, int]:
    """How many rows and vectors are computed together: what is read then serves several times.

    The accumulators of a tile stay in registers, with room for operands.
    """
    vectors = -(-vector.length // width)
    columns = {} if vector.reduced else {vector: _columns(vectors, registers)}
    if len(nest.reductions) > 1:
        return columns
    # What is read after the sum is read once for each element: to share that is not worth the text
    # of everything else in a tile. (Lanes that are added up wait for each other, and want tiles.)
    reads = [a for a in found if not a.writes and (a.in_sum or vector.reduced)]
    shared = {
        axis: sum(1 for a in reads if not a.at.step(axis.number) and a.at.step(vector.number))
        for axis in kept
        if axis is not vector
    }
    # Of equals the innermost: neighbours share lines of the cache.
    tiles = sorted((a for a in shared if shared[a]), key=lambda a: (-shared[a], -a.number))
    if not tiles:
        return {} if vector.reduced else {vector: min(4, vectors)}
    if not vector.reduced:
        room = registers * 3 // 4
        most = room // columns[vector] if columns[vector] > 1 else room // 2 + registers // 8
        return {tiles[0]: _rows(tiles[0].length, most), **columns}
    if len(tiles) == 1:
        return {tiles[0]: _rows(tiles[0].length, 8)}
    return {tiles[0]: min(4, tiles[0].length), tiles[1]: _rows(tiles[1].length, 3)}


def _unrolled(
    found: Sequence[Access], kept: list[Axis], vector: Axis, vectors: int, ranged: Axis | None
) -> dict[Axis, int]:
    """Short innermost loops of an elementwise nest, which are written out."""
    if vectors > _UNROLLED or len(found) > _FEW_ACCESSES or len(kept) < 3:
        return {}
    counts = {vector: vectors}
    inner = max((a for a in kept if a is not vector), key=lambda a: a.number)
    if ranged in (vector, inner):
        return {}
    if inner.length * vectors <= _UNROLLED:
        counts[inner] = inner.length
    return counts


def _pairs(nest: Nest, buffers: Mapping[Node, Buffer], vectors: int) -> bool:
    """Whether an elementwise nest computes two vectors together, whose instructions take turns."""
    if vectors < _MANY and (vectors < 2 or vectors % 2):
        return False
    if any(s.kind != "set" or s.arrays for s in nest.stores):
        return False
    computed = {s.node for s in nest.stores if s.computes}
    return operations_of([s.node for s in nest.stores], buffers, computed) in _LONG


def _columns(vectors: int, registers: int) -> int:
    """How many vectors are computed together: few are left over at the end of the axis."""
    most = registers // 8
    if vectors <= most:
        return vectors
    return min(range(max(most - 1, 2), most + 1), key=lambda n: (-vectors % n, -n))


def _rows(length: int, most: int) -> int:
    """How many of so many rows make a tile: two thirds of the most, or what leaves fewer over."""
    if length <= most:
        return length
    usual = max(most * 2 // 3, 1)
    return min(range(usual, most + 1), key=lambda n: (-length % n > n // 2, -length % n, n))
