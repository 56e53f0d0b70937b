"""Regions: steps that run together on ranges of the same rows, in blocks and on several threads.

A region begins with the first step that is left, and takes in what follows as long as `rows` proves
that both can go along the same rows: then a thread that has its own rows needs to wait for nobody,
and rows of temporaries are still in the cache when the next step reads them. Steps that do not fit
are put off, and so is all that depends on them.

Where the rows do not fit into the cache, a step that sums over the rows joins as well: each part of
the region adds to an accumulator of its own, and what the sum is made into is computed from these
accumulators afterwards. So a loss over a large batch and its gradient go over the batch once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..codegen.processor import Processor
from ..codegen.values import identity_of
from ..ir import Node
from ..plan import Buffer, Call, Nest, Plan, Product, Region, Routine, Store
from .accumulators import fill, store_once
from .few_rows import Tiles
from .growing import Growing
from .memory import touched
from .rows import SECONDS_PER_BYTE, Profile, Rows, bytes_of_row
from .sharing import gain_of_threads

__all__ = ["Target", "form_regions"]

_CACHE = 1 << 19  # bytes of rows that a core keeps at hand: half of a usual L2
_BLOCK = 3 << 17  # bytes that the rows of a block, and what else is read with them, may have
_ACCUMULATORS = 1 << 23  # bytes of the accumulators of a region, at most
_BETTER = 1.1  # how much more a region has to do that goes along a later axis
_PRICE = 4  # how often accumulators are written and read
_SUM_PRICE = 1  # how often those of one step are, whose rows are read later otherwise
_WORTH_THREADS = 1e-4  # seconds of a whole plan
_WORTH_SHARING = 4e-6  # seconds of a region
_SHORT_STEPS = 8  # that are looked past for better rows
_WORTH_BARRIER = 2e-5  # seconds of a region that begins with another
_WORTH_WAITING = 2e-6  # seconds that a barrier costs, with what is not in the cache after it
_SHORT = 1 << 12  # bytes of a piece of memory that is shared out; less is dear
_DEAR = 1.5  # times: pieces of lines and pages, which fill only a part of the cache
_FETCHED_BACK = 3  # times, where it is updated: another thread's prefetches take what it wrote
_WORTH_SUMS = 3 << 16  # bytes that each thread reads a part of, with sums of its own
_PREPARED = 0.02  # of the seconds of all steps: what may be done before the others, on one thread
_PREPARED_STEP = 3e-5  # seconds of one of them
_SCATTERED = 512  # bytes: reading pieces of so many takes twice as long as reading them in order
_PACKED = 4  # how many times the bytes that BLAS copies for every block its rows have
_PER_ROW = 1 << 14  # bytes of accumulators that pay for themselves with one row of a block


@dataclass(frozen=True)
class Target:
    """For which machine to plan: threads, and the processor.

    ``shares_products`` tells whether threads may call BLAS at the same time.
    """

    threads: int = 1
    processor: Processor = field(default_factory=Processor)
    shares_products: bool = True


def form_regions(plan: Plan, target: Target) -> Plan:
    """Put the steps between calls, of Python or LAPACK, into regions."""
    former = _Former(plan, target)
    buffers = dict(plan.buffers)
    steps = former.formed()
    if former.threads > 1 and former.gain_of_threads(steps) < 0:
        plan.buffers = buffers
        former = _Former(plan, replace(target, threads=1))
        steps = former.formed()
    plan.steps = steps
    former.shrink()
    return plan


class _Former:
    def __init__(self, plan: Plan, target: Target) -> None:
        self.plan = plan
        self.target = target
        self.profiles: dict[Any, Profile] = {}
        self.made: list[tuple[Region, Growing]] = []
        self.owned: dict[Buffer, int] = {}  # how memory is cut that one thread has in its cache
        self.updated = {b for b in plan.inputs if b.slot in plan.donated.values()}  # in place
        seconds = sum(
            self.profile(s).seconds
            for s in plan.steps
            if not isinstance(s, Call | Region | Routine)
        )
        self.threads = target.threads if seconds > _WORTH_THREADS else 1
        self.tiles = Tiles(plan, target.processor, self.threads)

    def profile(self, step: Any) -> Profile:
        if step not in self.profiles:
            self.profiles[step] = Profile(step, self.plan.buffers)
        return self.profiles[step]

    def formed(self) -> list[Any]:
        """The steps of the whole plan."""
        steps: list[Any] = []
        run: list[Nest | Product] = []
        for step in [*self.plan.steps, None]:
            if step is None or isinstance(step, Call | Routine):
                steps += self.regions(run)
                steps += [step] if step is not None else []
                run = []
            else:
                assert isinstance(step, Nest | Product)
                run.append(step)
        return steps

    def gain_of_threads(self, steps: Sequence[Any]) -> float:
        """The seconds that the threads of these steps save."""
        growing = {id(region): g for region, g in self.made}
        return gain_of_threads(
            steps, self.threads, self.profile,
            lambda region: (growing[id(region)].reads, growing[id(region)].writes),
            lambda region: self._lost(growing[id(region)]),
        )  # fmt: skip

    # -------------------------------------------------------------- which steps

    def regions(self, steps: Sequence[Nest | Product]) -> list[Any]:
        """The regions of a run of steps, and steps that are left as they are."""
        left = list(steps)
        found: list[Any] = []
        while left:
            growing = self._best(left)
            first, rest = self._preparations(left, growing)
            if first and rest and (other := self._best(rest)) is not None:
                if growing is None or self._gain(other) > _BETTER * self._gain(growing):
                    found.append(Region(list(first)))
                    left, growing = rest, other
            if growing is None or self._is_better_later(growing, left):
                found.append(left.pop(0))
                continue
            taken = {id(p.step) for p, _ in growing.members}
            left = [s for s in left if id(s) not in taken and id(s) not in self._taken(growing)]
            region, after = self._region(growing)
            found.append(region)
            if region.parts > 1:
                self.owned |= {m: p for m, p in growing.reads.items() if p} | {
                    m: p for m, p in growing.writes.items() if p
                }
            self.made.append((region, growing))
            left = after + left
        if self.threads > 1 and any(isinstance(s, Region) and s.parts > 1 for s in found):
            found = [s if isinstance(s, Region) else Region([s]) for s in found]
            self._elide_barriers(found)
        return found

    def _preparations(
        self, left: list[Nest | Product], growing: Growing | None
    ) -> tuple[list[Nest | Product], list[Nest | Product]]:
        """Short steps outside of a region that can come before all others, and these.

        A turned kernel, say, that is read whole by a step that else belongs to the region.
        """
        members = {id(p.step) for p, _ in growing.members} if growing is not None else set()
        budget = _PREPARED * sum(self.profile(s).seconds for s in left)
        first: list[Nest | Product] = []
        rest: list[Nest | Product] = []
        read: set[Buffer] = set()
        written: set[Buffer] = set()
        for step in left:
            p = self.profile(step)
            waits = p.reads & written or p.writes & written or p.writes & read
            inside = id(step) in members and len(members) > 1 and step is not left[0]
            if waits or inside or p.nest.reductions or p.seconds > min(budget, _PREPARED_STEP):
                rest.append(step)
                read |= p.reads
                written |= p.writes
            else:
                first.append(step)
                budget -= p.seconds
        return first, rest

    def _taken(self, growing: Growing) -> set[int]:
        """The products that members stand for."""
        return {id(p.origin) for p, _ in growing.members if p.origin is not None}

    def _best(self, left: list[Nest | Product]) -> Growing | None:
        """The best region that begins with the first step."""
        best: Growing | None = None
        for profile, rows in self._choices(left[0], True):
            if not rows.sums:
                found = self._grown(left, profile, rows, False)
                blocked = self._grown(left, profile, rows, True)
                found = blocked if self._is_worth_sums(blocked) else found
            else:
                found = self._grown(left, profile, rows, True)
                if not self._is_worth_sums(found):
                    continue
            if not self._pays(found):
                continue
            if best is None or self._is_better(found, best):
                best = found
        return best

    def _is_better(self, found: Growing, best: Growing) -> bool:
        tiled = self._is_tiled(found)
        if tiled != self._is_tiled(best) and (found if tiled else best).seconds > _WORTH_BARRIER:
            return tiled
        return self._gain(found) > _BETTER * self._gain(best)

    def _is_tiled(self, growing: Growing) -> bool:
        return self._gain(growing) > 0.9 * growing.seconds

    def _is_better_later(self, growing: Growing, left: list[Nest | Product]) -> bool:
        """Whether a short first step would impose its rows on those that have better ones."""
        if self._is_tiled(growing):
            return False
        for k, step in enumerate(left[:_SHORT_STEPS], 1):
            if self.profile(step).seconds > _WORTH_SHARING:
                return False
            later = self._best(left[k:]) if k < len(left) else None
            if later is not None and self._is_tiled(later) and later.seconds > _WORTH_BARRIER:
                return True
        return False

    def _lost(self, growing: Growing) -> float:
        return growing.seconds - self._gain(growing)

    def _gain(self, growing: Growing) -> float:
        """What a region does; nests count less that lose their tiles to keep all threads busy."""
        if growing.gain is None:
            members = [(p, r.axis) for p, r in growing.members if not r.sums]
            lost = self.tiles.lost(members, growing.axis_length)
            if growing.accumulators and self._overflows(growing):
                lost += self._scattered(growing.reads, self._rows_at_once(growing))
            growing.gain = growing.seconds - lost
        return growing.gain

    def _scattered(self, reads: Mapping[Buffer, int | None], block: int) -> float:
        """The seconds lost where rows of a block are short pieces all over a large memory."""
        return SECONDS_PER_BYTE * sum(
            float(memory.nbytes * _SCATTERED / piece)
            for memory, period in reads.items()
            if period and memory.nbytes > _CACHE * self.threads
            and (piece := block * period * memory.dtype.itemsize) < _SHORT
        )  # fmt: skip

    def _pays(self, growing: Growing) -> bool:
        if self._overflows(growing) and (len(growing.members) > 1 or growing.accumulators):
            return True
        return self.threads > 1 and growing.seconds > _WORTH_SHARING

    def _overflows(self, growing: Growing) -> bool:
        return growing.reused > _CACHE * self.threads

    def _is_worth_sums(self, growing: Growing) -> bool:
        """Whether accumulators cost less than going over the rows again, or sharing them gains."""
        total = growing.row_bytes * growing.axis_length
        gain = growing.reused if self._overflows(growing) else 0
        if self.threads > 1 and total > _WORTH_SUMS:
            gain = max(gain, total)
        return gain > _PRICE * growing.accumulators * self.threads

    def _choices(self, step: Nest | Product, sums: bool) -> list[tuple[Profile, Rows]]:
        """The axes of rows that a step may have, kept ones first."""
        profile = self.profile(step)
        if isinstance(step, Product) and self.threads > 1 and not self.target.shares_products:
            return []
        found = [(profile, rows) for d in profile.axes() if (rows := profile.rows(d))]
        if self.threads > 1:
            found = self._local(found)
        if isinstance(step, Product) and sums:
            nest = self.profile(step.nest)
            nest.origin = step
            found += [(nest, r) for d in nest.axes() if (r := nest.rows(d)) and r.sums]
        return found if sums else [(p, r) for p, r in found if not r.sums]

    def _local(self, found: list[tuple[Profile, Rows]]) -> list[tuple[Profile, Rows]]:
        """Without axes along which the threads have to fetch much more than along another one.

        What a step reads on no rows, such as weights, comes into the cache of every thread; and
        what is cut otherwise than before has to come from the cache of another one.
        """
        prices = [self._price(*choice) for choice in found]
        best = min(prices, default=0.0)
        return [choice for c, choice in zip(prices, found) if c <= best + _WORTH_WAITING]

    def _price(self, profile: Profile, rows: Rows) -> float:
        """The seconds in which one thread fetches what it needs for its rows."""
        total = 0.0
        for memory, period in rows.reads.items() if rows.sums else _all(rows):
            share = 1 / self.threads if period else 1.0
            if period and self.owned.get(memory, period) != period:
                share *= 2
            if period and period * rows.length * memory.dtype.itemsize < _SHORT * self.threads:
                share *= _FETCHED_BACK if memory in self.updated else _DEAR
            total += memory.nbytes * share
        if rows.sums:
            sums = sum(r.size * r.dtype.itemsize for r in profile.nest.reductions)
            if sum(m.nbytes for m in rows.reads) < max(_PRICE * sums * self.threads, _WORTH_SUMS):
                return float("inf")
            total += 2 * sums
        return total * SECONDS_PER_BYTE

    def _grown(self, left: list[Nest | Product], first: Profile, rows: Rows, sums: bool) -> Growing:
        growing = Growing(rows.length, sums)
        growing.add(first, rows)
        read: set[Buffer] = set()  # by steps that were put off
        written: set[Buffer] = set()
        for step in left[1:]:
            profile = self.profile(step)
            waits = profile.reads & written or profile.writes & written or profile.writes & read
            choice = None if waits else self._joining(growing, step)
            if choice is None:
                read |= profile.reads
                written |= profile.writes
            else:
                growing.add(*choice)
        return growing

    def _joining(self, growing: Growing, step: Nest | Product) -> tuple[Profile, Rows] | None:
        for profile, rows in self._choices(step, growing.sums):
            if not growing.admits(profile, rows) or not growing.is_connected(profile, rows):
                continue
            if rows.sums:
                size = sum(r.size * r.dtype.itemsize for r in profile.nest.reductions)
                if (growing.accumulators + size) * self.threads > _ACCUMULATORS:
                    continue
                if size * self.threads * _SUM_PRICE > self._bytes_of_rows(rows):
                    continue
                block = self._rows_at_once(growing, size, self._bytes_of_rows(rows) // rows.length)
                if self._scattered(rows.reads, block) > growing.seconds:
                    continue
            return profile, rows
        return None

    def _bytes_of_rows(self, rows: Rows) -> int:
        """What a step reads along its rows."""
        return rows.length * sum(
            bytes_of_row(m, period or 0, rows.length) for m, period in rows.reads.items()
        )

    # -------------------------------------------------------------- making them

    def _region(self, growing: Growing) -> tuple[Region, list[Nest | Product]]:
        """The region, and the steps that follow from its accumulators."""
        overflows = self._overflows(growing)
        parts = self.threads if growing.seconds > _WORTH_SHARING else 1
        region = Region([], growing.axis_length, parts)
        after: list[Nest | Product] = []
        for profile, rows in growing.members:
            step = profile.step
            if rows.sums:
                after.append(self._accumulate(region, profile.nest, rows))
            else:
                as_product = isinstance(step, Product) and not (overflows and _is_skinny(step))
                made: Nest | Product
                if as_product:
                    made = replace(step, rows=rows.axis)
                else:
                    span = -(-region.length // parts)
                    made = replace(profile.nest, rows=rows.axis, parts=parts, span=span)
                self.profiles[made] = profile
                region.steps.append(made)
        nests = [step for step in region.steps if isinstance(step, Nest)]
        seconds = [self.profile(nest).seconds for nest in nests]
        region.unit = self.tiles.share_out(nests, seconds, region.length, parts)
        region.block = region.share
        if overflows:
            region.block = self._block(region, growing)
            if any(isinstance(step, Product) for step in region.steps):
                region.block = self._amortised(region, growing)
        self._tell_span(region, nests)
        if region.block >= region.share and (parts - 1) * region.share < region.length:
            store_once(region)
        return region, after

    def _tell_span(self, region: Region, nests: Sequence[Nest]) -> None:
        """Let nests choose tiles for the rows of a block, unless ranges then no longer suit."""
        before = [nest.span for nest in nests]
        for nest in nests:
            nest.span = region.block
        if region.unit % self.tiles.unit(nests):
            for nest, span in zip(nests, before, strict=True):
                nest.span = span

    def _block(self, region: Region, growing: Growing) -> int:
        """How many rows at a time: they fit into the cache, and accumulators are worth it."""
        blocks = max(-(-region.share // self._rows_at_once(growing)), 1)
        return max(-(-region.share // blocks) // region.unit, 1) * region.unit

    def _amortised(self, region: Region, growing: Growing) -> int:
        """BLAS copies what it reads for every block, so it has to be worth it."""
        rows = _PACKED * growing.others // max(growing.row_bytes, 1)
        return max(region.block, min(-(-rows // region.unit) * region.unit, region.share))

    def _rows_at_once(self, growing: Growing, sums: int = 0, row_bytes: int = 0) -> int:
        """The rows of a block; with a step more, that has these sums and reads these rows."""
        sums += growing.accumulators
        budget = max(_BLOCK - growing.others - sums, _BLOCK // 3)
        return max(budget // max(growing.row_bytes + row_bytes, 1), sums // _PER_ROW, 1)

    def _accumulate(self, region: Region, nest: Nest, rows: Rows) -> Nest:
        """Add a nest that sums over the rows; returns the one that finishes its work."""
        buffers = self.plan.buffers
        stores, partial, places = [], {}, {}
        last = self._last_axis(nest)
        for r, axes in nest.reductions.items():
            kept = [p for d, p in enumerate(axes) if d not in r.attrs[1]]
            kept.sort(key=lambda p: p == last)
            shape = tuple([nest.kept[p] if p >= 0 else 1 for p in kept])
            node = Node("partial", (), (region.parts, *shape), r.dtype, (), -1)
            memory = Buffer(node.shape, r.dtype, "temporary")
            own = Buffer(shape, r.dtype, "temporary", base=memory)
            buffers[node] = memory
            region.private[memory] = r.size * r.dtype.itemsize
            partial[r] = node
            places[r] = (len(nest.kept), *kept)
            target = tuple([(p, 0, 1) if p >= 0 else (-1, 0, 0) for p in kept])
            stores.append(Store(own, r, r.attrs[0], target))
            region.fills.append(fill(own, identity_of(r.attrs[0], r.dtype)))
        region.steps.append(replace(
            nest, stores=stores, reductions=dict(nest.reductions), rows=rows.axis,
            parts=region.parts,
        ))  # fmt: skip
        return Nest(nest.kept, (region.parts,), nest.stores, places, None, partial)

    def _last_axis(self, nest: Nest) -> int:
        """The kept axis along which accumulators lie: it fills vectors, and reads go along it."""
        lanes = self.target.processor.vector_bytes // max(r.dtype.itemsize for r in nest.reductions)
        contiguous = self.profile(nest).contiguous_axes()

        def waste(p: int) -> float:
            n = nest.kept[p]
            return -(-n // lanes) * lanes / n if p in contiguous else float("inf")

        return min(reversed(range(len(nest.kept))), key=waste, default=-1)

    # -------------------------------------------------------------- barriers and memory

    def _elide_barriers(self, regions: list[Region]) -> None:
        """Regions that have nothing to do with each other need not wait for each other."""
        read: set[Buffer] = set()
        written: set[Buffer] = set()
        for region in regions:
            profiles = [self.profile(s) for s in (*region.fills, *region.steps)]
            reads = set().union(*(p.reads for p in profiles))
            writes = set().union(*(p.writes for p in profiles))
            region.barrier = bool(reads & written or writes & written or writes & read)
            if region.barrier:
                read, written = set(), set()
            read |= reads
            written |= writes
        regions[0].barrier = True

    def shrink(self) -> None:
        """Let temporaries of one region hold only the rows of its blocks."""
        plan = self.plan
        users: dict[Buffer, set[int]] = {}
        for k, step in enumerate(plan.steps):
            for buffer in touched(step, plan):
                users.setdefault(buffer.memory, set()).add(k)
        outside = {b.memory for b in plan.outputs if isinstance(b, Buffer)}
        outside |= {b.memory for b, _ in plan.checks}
        for region, growing in self.made:
            if region.block >= region.share:
                continue
            for memory, period in growing.writes.items():
                size = bytes_of_row(memory, period or 0, region.length)
                if (
                    memory.kind == "temporary"
                    and memory not in outside
                    and len(users[memory]) == 1
                    and period
                    and period * region.length * memory.dtype.itemsize == memory.nbytes
                    and growing.reads.get(memory, period) == period
                ):
                    region.local[memory] = size
                    memory.held = region.parts * region.block * size


def _all(rows: Rows) -> Iterable[tuple[Buffer, int | None]]:
    return {**rows.reads, **rows.writes}.items()


def _is_skinny(p: Product) -> bool:
    """Whether a nest computes a block of the product as fast as BLAS."""
    along = p.strides_b[1] == p.strides_c[1] == 1 or p.strides_a[0] == p.strides_c[0] == 1
    return along and not p.stack
