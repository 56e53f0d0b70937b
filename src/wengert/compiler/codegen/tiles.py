"""Tiles of products: how many rows and vectors, along which axes, and which loop is outside.

A product has two kept axes, each of which moves an operand that the other leaves where it is, and
one that is summed. For every way to lay it out the cycles are estimated: multiplications, loads,
the latency of the accumulators, remainders, and what has to come from the caches. The estimate is
in units of one multiplication of vectors; only the order of the candidates matters.
``python -m benchmarks.tiles`` measures how near to the fastest tile the choice is.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from math import gcd
from typing import NamedTuple

from .processor import Processor

__all__ = ["Layout", "Read", "Shape", "best_layout", "layouts", "pieces"]

_LINE = 64
_L1 = 24 << 10  # bytes that operands may have there
_PER_L2_ALONG_SUM = 1 / 40  # where every load takes a line of its own
_LONE = 12 / 64  # beyond that, if neighbouring lines are not read with it
_PER_L3 = 1 / 10
_WAYS = 8  # lines that the first cache keeps of addresses that differ by its pages
_PAGE = 4096
_ROWS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 16)
_EVEN = (1, 2, 4, 6, 8, 12, 16)  # where ranges begin at multiples of them
_VECTORS = (1, 2, 3, 4, 5, 6)
_REST = 0.02  # of the cycles: a tile of what is left is as much text to compile again


class _Costs(NamedTuple):
    """Of a processor, in the time of one multiplication of vectors.

    ``broadcast`` and ``load`` are the times of an element for all lanes and of a vector,
    ``strided`` is that of an element that is loaded or stored alone, and ``latency`` that of a
    multiplication whose result the next one waits for. ``step`` is added for each step of the sum,
    ``end`` for each tile, ``join`` for each accumulator whose lanes are added up, ``skipped`` for
    each element that is not gone over in its order. ``per_l2`` is what a byte from the second cache
    takes, of which there are ``l2``: most of it passes beside multiplications.
    """

    broadcast: float
    load: float
    strided: float
    latency: float
    step: float
    end: float
    join: float
    skipped: float
    per_l2: float
    l2: int


# Fitted to the times of all tiles of 37 products: on an Intel Xeon with AMX, with registers of 64
# bytes and of 32, and on AMD's Zen 4, to which instructions are cheap beside multiplications.
_WHOLE = _Costs(1.1, 2.0, 2.0, 8.0, 4.0, 8.0, 25.0, 1 / 8, 1 / 40, 1 << 20)
_HALVED = _Costs(0.8, 1.0, 1.5, 4.0, 0.2, 6.0, 10.0, 1 / 16, 1 / 120, 640 << 10)


class Read(NamedTuple):
    """An operand: its steps along rows, columns and the sum, and the bytes of an element."""

    row: int
    column: int
    sum: int
    itemsize: int
    converts: bool = False


class Shape(NamedTuple):
    """A product: rows p, columns q, and the sum k.

    ``outer`` are the steps along rows and columns of what is read and written once for each
    element of the result. ``span_p`` and ``span_q`` are how many rows and columns are computed in
    one go, and ``ranged`` tells along which axis ranges are cut, for so many ``parts``. If ``unit``
    is not 0, ranges begin at multiples of it, which a tile has to divide.
    """

    p: int
    q: int
    k: int
    reads: tuple[Read, ...]
    outer: tuple[tuple[int, int], ...]
    lanes: int
    processor: Processor
    span_p: int
    span_q: int
    ranged: str
    parts: int
    unit: int = 0

    @property
    def costs(self) -> _Costs:
        """Of the processor."""
        return _HALVED if self.processor.halves else _WHOLE

    def imbalance(self, layout_rows: int) -> float:
        """How much more the busiest part does than its share, of ranges of so many rows."""
        length = {"p": self.p, "q": self.q}[self.ranged]
        return -(-length // (self.parts * layout_rows)) * layout_rows * self.parts / length


@dataclass(frozen=True)
class Layout:
    """``vector`` is "p", "q" or "k"; ``rows`` of p and ``columns`` of q are a tile.

    Along the axis of the vectors they count vectors. ``order`` has the outer loop first.
    """

    vector: str
    rows: int
    columns: int
    order: str
    cycles: float


def pieces(length: int, unit: int, count: int) -> list[tuple[int, int]]:
    """Of an axis: how many tiles there are of how many vectors, the rest last."""
    vectors = -(-length // unit)
    full = length // unit // count
    left = vectors - full * count
    return [(n, c) for n, c in ((full, count), (1, left)) if n and c]


@functools.lru_cache(maxsize=4096)
def best_layout(shape: Shape) -> Layout:
    """The layout of the least cycles; of equals the first.

    Without what comes from the caches the estimate is quick to make, and never more than with it:
    so the layouts are gone through in the order of that, until none can be better.
    """
    estimates = sorted(
        (_least_cycles(shape, *tile), number, tile)
        for number, tile in enumerate(_tiles_that_fit(shape))
    )
    best: tuple[float, int, Layout] | None = None
    for least, number, tile in estimates:
        if best is not None and least > best[0]:
            break
        layout = _judged(shape, *tile)
        if best is None or (layout.cycles, number) < best[:2]:
            best = layout.cycles, number, layout
    assert best is not None  # one row and one vector always fit
    return best[2]


def _tiles_that_fit(s: Shape) -> Iterator[tuple[str, int, int, int]]:
    """The axis of vectors, rows, columns and lanes of all tiles to choose from."""
    for vector in "qpk":
        length = {"p": s.p, "q": s.q, "k": s.k}[vector]
        lanes = min(s.lanes, 1 << (length - 1).bit_length())
        many = -(-length // lanes)
        for rows in _EVEN if s.ranged == "p" else _VECTORS if vector == "p" else _ROWS:
            for columns in _EVEN if s.ranged == "q" else _VECTORS if vector == "q" else _ROWS:
                if rows > (many if vector == "p" else s.p):
                    continue
                if columns > (many if vector == "q" else s.q):
                    continue
                if rows * columns + min(rows, columns) + 1 > s.processor.registers:
                    continue
                if s.unit and s.unit % _ranged_rows(s, vector, rows, columns, lanes):
                    continue
                yield vector, rows, columns, lanes


def _ranged_rows(s: Shape, vector: str, rows: int, columns: int, lanes: int) -> int:
    """How many indices a tile has along the axis that is cut into ranges."""
    return {"p": rows, "q": columns}.get(s.ranged, 1) * (lanes if vector == s.ranged else 1)


def layouts(shape: Shape) -> list[Layout]:
    """All layouts that there are, with the loops in either order."""
    return [
        _ordered(shape, order, *tile) for tile in _tiles_that_fit(shape) for order in ("pq", "qp")
    ]


def _judged(s: Shape, vector: str, rows: int, columns: int, lanes: int) -> Layout:
    """The better order of the loops for a tile."""
    first, second = (_ordered(s, order, vector, rows, columns, lanes) for order in ("pq", "qp"))
    return second if second.cycles < first.cycles else first


def _ordered(s: Shape, order: str, vector: str, rows: int, columns: int, lanes: int) -> Layout:
    per_l2 = _PER_L2_ALONG_SUM if vector == "k" else s.costs.per_l2
    tile = {
        "p": rows * (lanes if vector == "p" else 1),
        "q": columns * (lanes if vector == "q" else 1),
    }
    traffic = 0.7 * _traffic(s, order, tile, per_l2)
    cycles = _least_cycles(s, vector, rows, columns, lanes, traffic)
    return Layout(vector, rows, columns, order, cycles)


def _least_cycles(
    s: Shape, vector: str, rows: int, columns: int, lanes: int, traffic: float = 0.0
) -> float:
    """The estimate, with these cycles for what comes from the caches."""
    unit_p, unit_q = (lanes if vector == v else 1 for v in "pq")
    steps = -(-s.k // lanes) if vector == "k" else s.k
    total = traffic
    kinds = 0
    for n, r in pieces(s.p, unit_p, rows):
        for m, c in pieces(s.q, unit_q, columns):
            total += n * m * (steps * _step(s, vector, r, c, lanes) + _ends(s, vector, r, c, lanes))
            kinds += 1
    # Small tiles are less text, and the end of one overlaps the beginning of the next.
    cycles = total * (1 + 0.005 * rows * columns + _REST * (kinds - 1))
    if s.ranged in ("p", "q") and not s.unit:
        length, unit = (
            s.p if s.ranged == "p" else s.q,
            _ranged_rows(s, vector, rows, columns, lanes),
        )
        cycles *= -(-length // (s.parts * unit)) * unit * s.parts / length
    return cycles


def _step(s: Shape, vector: str, rows: int, columns: int, lanes: int) -> float:
    """One step of the sum for one tile."""
    costs = s.costs
    loads = 0.0
    work = float(rows * columns)
    for read in s.reads:
        times = (rows if read.row else 1) * (columns if read.column else 1)
        along = {"p": read.row, "q": read.column, "k": read.sum}[vector]
        if not read.sum and vector != "k":
            continue  # before the loop
        whole = costs.load * (1.0 + 0.9 * _is_askew(read) * s.processor.vector_bytes / _LINE)
        each = costs.broadcast if along == 0 else whole if along == 1 else s.costs.strided * lanes
        loads += times * each
        if read.sum == 1 and read.row * rows + read.column * columns:
            loads += times * _collisions(read, rows, columns)
        work += times * read.converts * (1.0 if along else 1 / lanes)
    return max(work, loads, costs.latency) + costs.step


@functools.lru_cache(maxsize=1024)
def _is_askew(read: Read) -> bool:
    """Whether vectors lie across two lines, since rows are no multiples of a line."""
    return any(
        step > 1 and step * read.itemsize % _LINE for step in (read.row, read.column, read.sum)
    )


def _collisions(read: Read, rows: int, columns: int) -> float:
    """The price of lines that push each other out, since they are powers of two apart."""
    step, count = (read.row, rows) if read.row else (read.column, columns)
    places = _PAGE // gcd(step * read.itemsize, _PAGE)
    return 4.0 if count > _WAYS * places else 0.0


def _ends(s: Shape, vector: str, rows: int, columns: int, lanes: int) -> float:
    """What is done once for each tile."""
    total = s.costs.end
    for along_p, along_q in s.outer:
        times = (rows if along_p else 1) * (columns if along_q else 1)
        along = {"p": along_p, "q": along_q, "k": 0}[vector]
        total += times * (1.0 if along in (0, 1) else s.costs.strided * lanes)
    if vector == "k":
        total += rows * columns * s.costs.join
    return total


def _traffic(s: Shape, order: str, counts: dict[str, int], per_l2: float) -> float:
    """Cycles in which operands come from the caches, in a span of tiles of so many elements."""
    span = {"p": s.span_p, "q": s.span_q}
    tile = {axis: min(counts[axis], span[axis]) for axis in "pq"}
    outer, inner = order[0], order[1]
    passes = {axis: -(-span[axis] // tile[axis]) for axis in "pq"}
    panels = sum(_room(r, s.k, tile, "pq") for r in s.reads)
    itemsize = s.processor.vector_bytes // s.lanes
    l2 = s.costs.l2
    total = 0.0
    for read in s.reads:
        moved = {"p": bool(read.row), "q": bool(read.column)}
        per_l3 = _PER_L3 + _LONE * _is_lone((read.row, read.column), tile, read.itemsize)
        per_l3 = _PER_L3 if read.sum == 1 else per_l3
        if moved[outer] and not moved[inner]:
            # A panel stays while the inner loop runs, in the first cache if there is room.
            once = _bytes(read, s.k, tile, outer)
            whole = once * passes[outer]
            total += whole * (per_l2 if whole <= l2 else per_l3)
            if panels > _L1:
                total += whole * (passes[inner] - 1) * (per_l2 if once <= l2 else per_l3)
        elif moved[inner]:
            whole = _bytes(read, s.k, {**tile, inner: span[inner]}, "pq")
            if _room(read, s.k, {**tile, inner: span[inner]}, "pq") > _L1:
                total += passes[outer] * whole * (per_l2 if whole <= l2 else per_l3)
            else:
                total += whole * per_l2
    for along in s.outer:
        # What is read and written once is best gone over as it lies in memory.
        if along["pq".index(outer)] == 1 and tile[outer] < span[outer]:
            total += span["p"] * span["q"] * s.costs.skipped
        size = span["p"] * span["q"] * itemsize
        if all(along) and size > l2 and _is_lone(along, tile, itemsize):
            total += size * _LONE / 2
    return total * (s.p / span["p"]) * (s.q / span["q"])


def _is_lone(along: tuple[int, int], tile: dict[str, int], itemsize: int) -> bool:
    """Whether a tile has less than two lines of each row of what it moves along."""
    runs = [tile[axis] for axis, step in zip("pq", along, strict=True) if step == 1]
    return not runs or max(runs) * itemsize < 2 * _LINE


def _bytes(read: Read, k: int, counts: dict[str, int], axes: str) -> float:
    """The bytes of whole cache lines that a panel has."""
    n = 1
    contiguous = read.sum == 1
    length = k if read.sum else 1
    for axis in axes:
        step = read.row if axis == "p" else read.column
        if not step:
            continue
        if step == 1 and not contiguous:
            length_in = counts[axis] * read.itemsize
            n *= max(length_in + _LINE * _is_askew(read), _LINE) // read.itemsize
        else:
            n *= counts[axis]
    return float(n * length * read.itemsize)


def _room(read: Read, k: int, counts: dict[str, int], axes: str) -> float:
    """The bytes of the first cache that a panel takes.

    Lines a power of two apart share few places there, and push each other out, though the panel is
    small.
    """
    number = _bytes(read, k, counts, axes) / _LINE
    steps = [(read.sum, k)]
    steps += [(read.row if axis == "p" else read.column, counts[axis]) for axis in axes]
    places = 1.0
    for step, count in steps:
        if step == 1:
            places *= max(count * read.itemsize / _LINE, 1.0)
        elif step and count > 1:
            places *= min(_PAGE // gcd(step * read.itemsize, _PAGE), count)
    ways = number / min(places, _PAGE / _LINE)
    return max(number * _LINE, (ways - 1) * _PAGE)
