"""Memory: one arena for all temporaries, whose parts are used again when nothing reads them."""

from __future__ import annotations

from collections.abc import Iterator

from ..ir import Node
from ..plan import Buffer, Call, Nest, Plan, Product, Region, Routine, Step

__all__ = ["plan_memory"]

_ALIGNMENT = 64


def plan_memory(plan: Plan) -> Plan:
    """Give every temporary its place in the arena: the first that is free while it is needed."""
    first: dict[Buffer, int] = {}
    last: dict[Buffer, int] = {}
    number = 0
    for step in plan.steps:
        # Regions without a barrier between them run at the same time.
        number += not isinstance(step, Region) or step.barrier
        for buffer in touched(step, plan):
            memory = buffer.memory
            if memory.kind == "temporary":
                first.setdefault(memory, number)
                last[memory] = number
    for buffer, _ in plan.checks:
        last[buffer.memory] = len(plan.steps) + 1
        first.setdefault(buffer.memory, 0)
    placed: list[Buffer] = []
    for buffer in sorted(first, key=lambda b: (-b.nbytes, first[b])):
        taken = sorted(
            (b.offset, b.offset + _padded(b.nbytes))
            for b in placed
            if first[b] <= last[buffer] and first[buffer] <= last[b]
        )
        offset = 0
        for start, stop in taken:
            if offset + _padded(buffer.nbytes) <= start:
                break
            offset = max(offset, stop)
        buffer.offset = offset
        placed.append(buffer)
        plan.arena = max(plan.arena, offset + _padded(buffer.nbytes))
    return plan


def _padded(size: int) -> int:
    return max(-(-size // _ALIGNMENT), 1) * _ALIGNMENT


def touched(step: Step, plan: Plan) -> Iterator[Buffer]:
    """All buffers that a step reads or writes."""
    if isinstance(step, Call | Routine):
        yield from step.operands
        yield from step.results
    elif isinstance(step, Region):
        for inner in (*step.fills, *step.steps):
            yield from touched(inner, plan)
    elif isinstance(step, Product):
        yield from (step.a, step.b, step.c)
    else:
        yield from _of_nest(step, plan)


def _of_nest(nest: Nest, plan: Plan) -> Iterator[Buffer]:
    computed = {s.node for s in nest.stores if s.computes}
    stack: list[Node] = [nest.operand(r) for r in nest.reductions]
    for s in nest.stores:
        yield s.buffer
        stack.extend(s.arrays)
        if s.computes:
            stack.extend(s.node.args if s.node not in nest.reductions else ())
        else:
            stack.append(s.node)
    seen: set[Node] = set()
    while stack:
        node = stack.pop()
        if node in seen or node in nest.reductions:
            continue
        seen.add(node)
        if node in plan.buffers and node not in computed:
            yield plan.buffers[node]
        elif node.op == "gather":
            base = node.args[0]
            yield plan.buffers[base if base in plan.buffers else base.args[0]]
            stack.extend(node.args[1:])
        else:
            stack.extend(node.args)
