"""Merging: nests over the same indices become one, which goes over them once.

A nest joins an earlier one if it has the same kept axes, and of what the earlier one computes reads
only the element at the same index: that is still in registers then. Several sums over the same
indices are accumulated in one pass, and elementwise nests become further results of a reduction.
What nobody else reads is not stored any more.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..codegen.access import Access, accesses
from ..codegen.loops import choose_loops
from ..codegen.processor import Processor
from ..indices import Linear
from ..ir import Node
from ..plan import Buffer, Call, Nest, Plan, Product, Routine, Step
from .costs import operations_of
from .epilogues import has_long_epilogue
from .memory import touched

__all__ = ["merge"]

_LARGEST = 400  # operations of one nest, so that functions stay of a size LLVM likes
_CHEAP = 12  # beyond this, two short loops overlap their iterations better than a long one
_CHEAP_WITH_MANY = 60  # the same where there are 32 registers
_LARGEST_EPILOGUE = 120  # where it is written once for each element of a tile


class _Known:
    """A step, and what it reads and writes."""

    def __init__(self, step: Step, plan: Plan) -> None:
        self.step = step
        self.memory = {b.memory for b in touched(step, plan)}
        self.writes = set(_written(step))
        self.found: list[Access] = []
        if isinstance(step, Nest):
            domain = [Linear.variable(d) for d in range(len(step.lengths))]
            self.found = [a for a in accesses(step, plan.buffers, domain) if a.buffer is not None]

    def waits_for(self, other: _Known) -> bool:
        """Whether the order of the two matters."""
        return bool(self.writes & other.memory or self.memory & other.writes)


def _written(step: Step) -> Iterable[Buffer]:
    if isinstance(step, Nest):
        return [s.buffer.memory for s in step.stores]
    if isinstance(step, Product):
        return [step.c.memory]
    assert isinstance(step, Call | Routine)
    return [b.memory for b in step.results]


def merge(plan: Plan, registers: int = 16) -> Plan:
    """Merge nests, and drop the stores that this makes useless; for so many vector registers."""
    shorter = _CHEAP if registers < 32 else _CHEAP_WITH_MANY
    done: list[_Known] = []
    for step in plan.steps:
        known = _Known(step, plan)
        place = _place(known, done, plan, shorter) if isinstance(step, Nest) else None
        if place is None:
            done.append(known)
        else:
            done[place] = _Known(_joined(done[place].step, step), plan)  # type: ignore[arg-type]
    plan.steps = [k.step for k in done]
    _drop_stores(plan)
    return plan


def _place(known: _Known, done: list[_Known], plan: Plan, shorter: int) -> int | None:
    """The nest that this one can join: nothing in between may have to come first."""
    for k in range(len(done) - 1, -1, -1):
        if isinstance(done[k].step, Call):
            return None
        if isinstance(done[k].step, Nest) and _fits(done[k], known, plan, shorter):
            return k
        if known.waits_for(done[k]):
            return None
    return None


def _fits(first: _Known, second: _Known, plan: Plan, shorter: int) -> bool:
    a, b = first.step, second.step
    assert isinstance(a, Nest)
    assert isinstance(b, Nest)
    if a.kept != b.kept or not a.kept:
        return False
    if b.reductions and a.reductions and a.reduced != b.reduced:
        return False
    if any(s.arrays or s.kind != "set" or not s.computes for s in (*a.stores, *b.stores)):
        return False
    if not first.memory & second.memory:
        return False
    has_tiles = bool(a.reductions) and _has_tiles(a, plan)
    if b.reductions and (has_tiles or _has_tiles(b, plan)):
        return False
    work = _operations(a, plan), _operations(b, plan)
    if min(work) > shorter or sum(work) > (_LARGEST_EPILOGUE if has_tiles else _LARGEST):
        return False
    targets = {x.buffer.memory: x.at for x in (*first.found, *second.found)
               if x.writes and x.buffer is not None}  # fmt: skip
    if len(targets) < len(a.stores) + len(b.stores):
        return False
    computed = {s.node for s in a.stores}
    for x in (*first.found, *second.found):
        assert x.buffer is not None
        memory = x.buffer.memory
        if x.writes or memory not in targets:
            continue
        if x.in_sum or x.dynamic or x.at != targets[memory]:
            return False
        if x in second.found and memory in first.writes and x.node not in computed:
            return False  # the same memory in another shape
    return not has_long_epilogue(_joined(a, b), plan)


def _has_tiles(nest: Nest, plan: Plan) -> bool:
    """Whether the nest is a product whose operands serve several accumulators."""
    loops = choose_loops(nest, plan.buffers, Processor())
    return any(axis is not loops.vector for axis in loops.counts)


def _operations(nest: Nest, plan: Plan) -> int:
    roots = {s.node for s in nest.stores} | {nest.operand(r) for r in nest.reductions}
    return operations_of(roots, plan.buffers, roots)


def _joined(a: Nest, b: Nest) -> Nest:
    return Nest(
        a.kept,
        a.reduced if a.reductions else b.reduced,
        [*a.stores, *b.stores],
        {**a.reductions, **b.reductions},
        None,
        {**a.partial, **b.partial},
    )


def _drop_stores(plan: Plan) -> None:
    """Leave values in registers that only the nest reads in which they are computed."""
    users: dict[Buffer, int] = {}
    for step in plan.steps:
        for memory in {b.memory for b in touched(step, plan)}:
            users[memory] = users.get(memory, 0) + 1
    kept = {b.memory for b in plan.outputs if isinstance(b, Buffer)}
    kept |= {b.memory for b, _ in plan.checks}
    shapes: dict[Buffer, list[Node]] = {}
    for node, buffer in plan.buffers.items():
        shapes.setdefault(buffer.memory, []).append(node)
    for step in plan.steps:
        if not isinstance(step, Nest) or len(step.stores) < 2:
            continue
        for store in list(step.stores):
            memory = store.buffer.memory
            if (
                memory.kind == "temporary"
                and memory not in kept
                and users[memory] == 1
                and shapes[memory] == [store.node]
                and len(step.stores) > 1
            ):
                step.stores.remove(store)
                del plan.buffers[store.node]
