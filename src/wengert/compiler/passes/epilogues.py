"""Epilogues of sums along vectors: long ones become nests of their own.

What follows a reduction is computed for each element of the result. Where the lanes of a vector are
elements that are summed, such as in a dot product of rows, the result is a scalar, and so is all
that is made of it. If that is more than a few operations, the sums are stored instead, and a second
nest has its vectors along the results.
"""

from __future__ import annotations

from math import prod

from ..codegen.access import choose_loops
from ..ir import Node
from ..plan import Buffer, Nest, Plan, Store
from .costs import operation_cost

__all__ = ["has_long_scalar_epilogue", "split_epilogues"]

_LONGEST = 6  # operations on scalars that cost less than to store the sums and read them again
_FEW = 16  # results, of which vectors would not be worth it
_VECTOR_BYTES = 32


def split_epilogues(plan: Plan) -> Plan:
    """Store the sums whose epilogue would be long, and computed on scalars."""
    steps = []
    for step in plan.steps:
        if isinstance(step, Nest) and has_long_scalar_epilogue(step, plan):
            steps += _split(step, plan)
        else:
            steps.append(step)
    plan.steps = steps
    return plan


def has_long_scalar_epilogue(nest: Nest, plan: Plan) -> bool:
    """Whether a nest sums along its vectors, and computes much for each of its results."""
    if not nest.reductions or prod(nest.kept) < _FEW:
        return False
    if _operations(nest, plan) <= _LONGEST:
        return False
    loops = choose_loops(nest, plan.buffers, _VECTOR_BYTES)
    return loops.vector is not None and loops.vector.reduced


def _operations(nest: Nest, plan: Plan) -> int:
    """What is computed of the sums, for one element of the results."""
    computed = {s.node for s in nest.stores if s.computes}
    total, seen = 0, set(nest.reductions)
    stack = [s.node for s in nest.stores]
    while stack:
        node = stack.pop()
        if node in seen or (node in plan.buffers and node not in computed):
            continue
        seen.add(node)
        total += operation_cost(node)
        stack.extend(node.args)
    return total


def _split(nest: Nest, plan: Plan) -> list[Nest]:
    stores = []
    for r, places in nest.reductions.items():
        buffer = plan.buffers.get(r)
        if buffer is None:
            buffer = plan.buffers[r] = Buffer(r.shape, r.dtype, "temporary")
            stores.append(Store(buffer, r, "set", _target(r, places)))
        else:
            stores += [s for s in nest.stores if s.node is r]
    rest = [s for s in nest.stores if s.node not in nest.reductions]
    return [
        Nest(nest.kept, nest.reduced, stores, dict(nest.reductions)),
        Nest(nest.kept, (), rest),
    ]


def _target(r: Node, places: tuple[int, ...]) -> tuple[tuple[int, int, int], ...]:
    """Where an element of the nest's domain lies among the results of a reduction."""
    kept = [p for d, p in enumerate(places) if d not in r.attrs[1]]
    return tuple([(p, 0, 1) if p >= 0 else (-1, 0, 0) for p in kept])
