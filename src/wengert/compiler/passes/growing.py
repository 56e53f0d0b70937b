"""A region in the making: what its steps touch, and whether another one can join."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..plan import Buffer
from .rows import Profile, Rows, bytes_of_row

__all__ = ["Growing"]


@dataclass
class Growing:
    """A region in the making."""

    axis_length: int
    sums: bool  # whether steps that sum over the rows may join
    members: list[tuple[Profile, Rows]] = field(default_factory=list)
    reads: dict[Buffer, int | None] = field(default_factory=dict)
    writes: dict[Buffer, int | None] = field(default_factory=dict)
    summed: set[Buffer] = field(default_factory=set)  # written when the region has ended
    late: set[Buffer] = field(default_factory=set)  # read then
    gain: float | None = None  # of a region with few rows; see `regions`

    @property
    def seconds(self) -> float:
        """What its steps take on one thread."""
        return sum(p.seconds for p, _ in self.members)

    @property
    def row_bytes(self) -> int:
        """Bytes of one row of all that is touched along the rows."""
        periods = {**{m: p for m, p in self.reads.items() if p}, **self.writes}
        return sum(bytes_of_row(m, p or 0, self.axis_length) for m, p in periods.items())

    @property
    def reused(self) -> int:
        """Bytes of rows that several steps touch, in all."""
        users: dict[Buffer, int] = {}
        for profile, rows in self.members:
            for memory in profile.reads | profile.writes:
                # A sum over the rows goes through them once for each tile of its elements.
                users[memory] = users.get(memory, 0) + (2 if rows.sums else 1)
        periods = {**{m: p for m, p in self.reads.items() if p}, **self.writes}
        return self.axis_length * sum(
            bytes_of_row(m, p or 0, self.axis_length)
            for m, p in periods.items() if users.get(m, 0) > 1
        )  # fmt: skip

    @property
    def accumulators(self) -> int:
        """Bytes of the sums over the rows."""
        return sum(
            r.size * r.dtype.itemsize
            for p, rows in self.members if rows.sums for r in p.nest.reductions
        )  # fmt: skip

    @property
    def others(self) -> int:
        """Bytes that are read for every block, such as weights."""
        return sum(m.nbytes for m, period in self.reads.items() if period is None)

    def admits(self, profile: Profile, rows: Rows) -> bool:
        """Whether a step can join, on these rows."""
        if rows.length != self.axis_length or (rows.sums and not self.sums):
            return False
        if (profile.reads | profile.writes) & self.summed or profile.writes & self.late:
            return False
        for memory, period in rows.reads.items():
            if memory in self.writes and (period is None or period != self.writes[memory]):
                return False
        for memory, period in rows.writes.items():
            if rows.sums:  # written when the region has ended, so it may read what was there
                if memory in self.writes:
                    return False
            elif period != self.writes.get(memory, period):
                return False
            elif memory in self.reads and period != self.reads[memory]:
                return False
        return True

    def is_connected(self, profile: Profile, rows: Rows) -> bool:
        """Whether a step has to do with what the region computes, or goes over the same rows."""
        if (profile.reads | profile.writes) & set(self.writes):
            return True
        if rows.axis == 0 and not rows.sums:
            return True
        return self.sums and any(
            period is not None and self.reads.get(memory) == period
            for memory, period in rows.reads.items()
        )

    def add(self, profile: Profile, rows: Rows) -> None:
        """Take a step in, on these rows."""
        self.members.append((profile, rows))
        for memory, period in rows.reads.items():
            seen = self.reads.get(memory, period)
            self.reads[memory] = period if seen == period else None
        if rows.sums:
            self.summed |= profile.writes
            self.late |= profile.reads
        else:
            self.writes.update(rows.writes)
