"""Rows: along which axis the steps of a plan can be run piece by piece.

Let an axis of a step have N indices. An array in memory has a row for each of them if its element
at address a belongs to row ``a // period % N``; that holds whether the rows are the first axis of
the array or another one, and survives reshapes. A step that writes, for index i of the axis, only
elements of row i, and reads only elements of row i of what other such steps write, can run on any
range of the axis as soon as they have run on the same range. This is decided on addresses, which
are linear forms in the indices.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import prod

from ..codegen.access import Access, Unknown, accesses
from ..indices import Linear
from ..ir import Node
from ..plan import Buffer, Nest, Product
from .costs import operations_of

__all__ = ["SECONDS_PER_BYTE", "Profile", "Rows", "bytes_of_row", "period_of"]

SECONDS_PER_BYTE = 1e-10
_SECONDS_PER_OPERATION = 4e-10  # of one scalar operation; vectors share it between their lanes
_SECONDS_PER_CALL = 5e-8
_VECTOR_BYTES = 32
_COMBINES = {"sum", "prod", "max", "min", "fmax", "fmin", "or", "and"}


def period_of(at: Linear, axis: int, lengths: tuple[int, ...], size: int) -> int | None:
    """The period of the rows of a memory of ``size`` elements that an access keeps to."""
    period, n = at.step(axis), lengths[axis]
    if period <= 0 or size % (period * n):
        return None
    low = high = at.offset % (period * n)
    for name, step in at.terms:
        length = name.length if isinstance(name, Unknown) else lengths[name]  # type: ignore[call-overload]
        if name == axis or step % (period * n) == 0:
            continue
        low += min(step * (length - 1), 0)
        high += max(step * (length - 1), 0)
    return period if low >= 0 and high < period else None


@dataclass
class Rows:
    """What a step does along one of its axes.

    ``reads`` and ``writes`` give for each memory the period of its rows, or None if the step does
    not keep to rows. If ``sums`` the axis is reduced, and the step has to add to accumulators.
    """

    axis: int
    length: int
    sums: bool
    reads: dict[Buffer, int | None] = field(default_factory=dict)
    writes: dict[Buffer, int | None] = field(default_factory=dict)


class Profile:
    """What a nest or product reads and writes, and about how long it takes.

    Attributes
    ----------
    reads, writes : set of Buffer
        Memories.
    seconds : float
        On one core, roughly: it decides whether threads are worth waking.
    """

    def __init__(self, step: Nest | Product, buffers: Mapping[Node, Buffer]) -> None:
        self.step = step
        self.nest = step.nest if isinstance(step, Product) else step
        self.lengths = self.nest.lengths
        domain = [Linear.variable(d) for d in range(len(self.lengths))]
        self._found = [a for a in accesses(self.nest, buffers, domain) if a.buffer is not None]
        self.reads = {_memory(a) for a in self._found if not a.writes}
        self.writes = {_memory(a) for a in self._found if a.writes}
        # An update adds to what is there, and leaves the rest as it was.
        self.reads |= {s.buffer.memory for s in self.nest.stores if s.kind != "set" or s.arrays}
        self._buffers = buffers
        self.origin: Product | None = None  # for the nest of a product, that

    @cached_property
    def seconds(self) -> float:
        """The work of all indices."""
        points, inner = prod(self.nest.kept), prod(self.nest.reduced)
        roots = [s.node for s in self.nest.stores if s.node not in self.nest.reductions]
        operations = points * self._operations(roots)
        operations += (
            points * inner * self._operations(map(self.nest.operand, self.nest.reductions))
        )
        itemsize = max([s.buffer.dtype.itemsize for s in self.nest.stores])
        return float(
            operations * itemsize / _VECTOR_BYTES * _SECONDS_PER_OPERATION
            + sum(m.nbytes for m in self.reads | self.writes) * SECONDS_PER_BYTE
            + _SECONDS_PER_CALL
        )

    def _operations(self, roots: Iterable[Node]) -> int:
        computed = {s.node for s in self.nest.stores if s.computes}
        return 1 + operations_of(roots, self._buffers, computed, self.nest.reductions)

    def axes(self) -> range:
        """The axes that may be those of rows."""
        if isinstance(self.step, Product):
            i, j, _ = self.step.axes
            return range(min(i, j), max(i, j) + 1) if not self.step.stack else range(0)
        return range(len(self.lengths))

    def rows(self, axis: int) -> Rows | None:
        """What the step does along an axis; None if it cannot be run on ranges of it."""
        length = self.lengths[axis]
        if length < 2 or 0 in self.lengths:
            return None
        rows = Rows(axis, length, axis >= len(self.nest.kept))
        for a in self._found:
            memory = _memory(a)
            period = period_of(a.at, axis, self.lengths, _elements(memory))
            table = rows.writes if a.writes else rows.reads
            table[memory] = period if table.get(memory, period) == period else None
        if rows.sums:
            return rows if self._can_accumulate() else None
        if any(period is None for period in rows.writes.values()):
            return None
        for memory, period in rows.writes.items():
            if rows.reads.get(memory, period) != period:
                return None
            if memory in self.reads:
                rows.reads[memory] = period
        return rows

    def contiguous_axes(self) -> set[int]:
        """The kept axes along which something is read element after element."""
        found = {d for a in self._found if not a.writes for d, step in a.at.terms if step == 1}
        return {d for d in found if isinstance(d, int) and d < len(self.nest.kept)}

    def _can_accumulate(self) -> bool:
        nest = self.nest
        return bool(nest.reductions) and not nest.partial and all(
            r.attrs[0] in _COMBINES for r in nest.reductions
        ) and all(s.kind == "set" and not s.arrays for s in nest.stores)  # fmt: skip


def _memory(a: Access) -> Buffer:
    assert a.buffer is not None
    return a.buffer.memory


def _elements(memory: Buffer) -> int:
    return prod(memory.shape)


def bytes_of_row(memory: Buffer, period: int, length: int) -> int:
    """How many bytes of a memory belong to one row."""
    return int(prod(memory.shape) // length * memory.dtype.itemsize) if period else 0
