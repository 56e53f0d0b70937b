"""Donation: results are written into the memory of arguments that the caller gives away."""

from __future__ import annotations

from collections.abc import Sequence

from ..codegen.access import accesses
from ..codegen.parts import are_twins
from ..indices import Linear
from ..plan import Buffer, Nest, Plan
from .memory import touched

__all__ = ["donate"]


def donate(plan: Plan, slots: Sequence[int]) -> Plan:
    """Let results take over the memory of the arguments in these slots, where that is safe.

    An argument's memory may be overwritten by a nest if nothing reads it later, and the nest itself
    reads of it only the element that it writes next. What finds no result is left alone, and so is
    what has no dimension: a Python number or NumPy scalar must never change.
    """
    for slot in slots:
        argument = plan.inputs[slot]
        if len(argument.shape) == argument.is_complex:  # the last axis has real and imaginary parts
            continue
        found = _result_for(plan, argument)
        if found is not None:
            number, memory = found
            # One memory from now on: later passes must see that who writes one writes the other.
            memory.kind, memory.slot, memory.base = "input", slot, argument
            plan.donated[number] = slot
    return _renumbered(plan)


def _result_for(plan: Plan, argument: Buffer) -> tuple[int, Buffer] | None:
    if any(isinstance(y, Buffer) and y.memory is argument for y in plan.outputs):
        return None  # it is a result itself, and is copied from at the end
    readers = [
        k for k, step in enumerate(plan.steps)
        if any(b.memory is argument for b in touched(step, plan))
    ]  # fmt: skip
    for number, result in enumerate(plan.outputs):
        if not isinstance(result, Buffer) or result.memory is not result:
            continue
        if result.kind != "output" or plan.outputs.index(result) != number:
            continue
        if _type(result) != _type(argument):
            continue
        touching = [k for k, step in enumerate(plan.steps) if result in set(touched(step, plan))]
        if not touching or not readers or touching[0] != readers[-1]:
            continue
        step = plan.steps[touching[0]]
        if isinstance(step, Nest) and _reads_what_it_writes(step, plan, argument, result):
            return number, result
    return None


def _type(b: Buffer) -> tuple[object, ...]:
    return b.shape, b.dtype, b.is_complex


def _reads_what_it_writes(nest: Nest, plan: Plan, argument: Buffer, result: Buffer) -> bool:
    """Whether an element of the argument is only read where the result's element is written."""
    if any(s.buffer is not result for s in nest.stores):
        return False
    if len(nest.stores) != 1 and not (len(nest.stores) == 2 and are_twins(nest.stores)):
        return False
    domain = [Linear.variable(d) for d in range(len(nest.kept) + len(nest.reduced))]
    found = list(accesses(nest, plan.buffers, domain))
    targets = [a.at for a in found if a.writes]
    reads = [a for a in found if a.buffer is not None and a.buffer.memory is argument]
    # What a reduction reads has the reduced indices in it, and is not the element alone.
    return all(a.at in targets and not a.dynamic for a in reads)


def _renumbered(plan: Plan) -> Plan:
    """The slots of the results that are left, without gaps."""
    memories = {b.memory for b in plan.outputs if isinstance(b, Buffer)}
    left = sorted((m for m in memories if m.kind == "output"), key=lambda m: m.slot)
    for slot, memory in enumerate(left):
        memory.slot = slot
    return plan
