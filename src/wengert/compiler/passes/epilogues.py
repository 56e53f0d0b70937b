"""Epilogues of sums along vectors: long ones become nests of their own.

What follows a reduction is computed for each element of the result. Where the lanes of a vector are
elements that are summed, such as in a dot product of rows, the result is a scalar, and so is all
that is made of it. If that is more than a few operations, the sums are stored instead, and a second
nest has its vectors along the results. And of several products of matrices in one nest all but one
are stored, since each needs the registers for its tile.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod

from ..codegen.loops import choose_loops, product_axes
from ..codegen.processor import Processor
from ..ir import Node
from ..plan import Buffer, Nest, Plan, Step, Store
from .costs import operations_of

__all__ = ["has_long_epilogue", "split_epilogues"]

_LONGEST = 6  # operations on scalars that cost less than to store the sums and read them again
_FEW = 16  # results, of which vectors would not be worth it
_PROCESSOR = Processor()
_WIDEST = Processor(64, 32)
_LONG = 20  # operations that cost more than to store sums and read them again, by far
_CACHED = 24 << 10  # bytes
_WASTED = 1.1  # lanes of vectors for each element


def split_epilogues(plan: Plan) -> Plan:
    """Store the sums whose epilogue would be long, and computed on scalars."""
    steps: list[Step] = []
    for step in plan.steps:
        if not isinstance(step, Nest):
            steps.append(step)
            continue
        stored, nest = _without_products(step, plan)
        steps += stored
        if has_long_epilogue(nest, plan):
            steps += [_stored(nest, r, plan) for r in nest.reductions]
            rest = [s for s in nest.stores if s.node not in nest.reductions]
            steps += [Nest(nest.kept, (), rest)] if rest else []
        else:
            steps.append(nest)
    plan.steps = steps
    return plan


def _without_products(nest: Nest, plan: Plan) -> tuple[list[Nest], Nest]:
    """Of several products in a nest one is left; the others are stored: each wants its tile."""
    if len(nest.reductions) < 2 or any(s.node in nest.reductions for s in nest.stores):
        return [], nest
    alone = {r: _alone(nest, r, Buffer(r.shape, r.dtype, "temporary")) for r in nest.reductions}
    products = [r for r in alone if product_axes(alone[r], plan.buffers, _PROCESSOR)]
    stored = [_stored(nest, r, plan) for r in products[1:]]
    left = {r: places for r, places in nest.reductions.items() if r not in products[1:]}
    return stored, replace(nest, reductions=left)


def has_long_scalar_epilogue(nest: Nest, plan: Plan) -> bool:
    """Whether a nest sums along its vectors, and computes much for each of its results."""
    if not nest.reductions or prod(nest.kept) < _FEW:
        return False
    if _operations(nest, plan) <= _LONGEST:
        return False
    loops = choose_loops(nest, plan.buffers, _PROCESSOR)
    return loops.vector is not None and loops.vector.reduced


def has_long_epilogue(nest: Nest, plan: Plan) -> bool:
    """Whether the epilogue of a nest is better a nest of its own.

    On scalars, or where many rows end in a vector that is nearly empty while all of them, one after
    the other, are whole vectors, and stay in the first cache.
    """
    if has_long_scalar_epilogue(nest, plan):
        return True
    if len(nest.reductions) != 1 or _operations(nest, plan) < _LONG:
        return False
    (r,) = nest.reductions
    loops = choose_loops(nest, plan.buffers, _WIDEST)
    if r.size * r.dtype.itemsize > _CACHED or loops.vector not in loops.kept or r.dtype.kind != "f":
        return False
    lanes, length = _WIDEST.vector_bytes // r.dtype.itemsize, loops.vector.length
    return r.size > length and -(-length // lanes) * lanes > _WASTED * length


def _operations(nest: Nest, plan: Plan) -> int:
    """What is computed of the sums, for one element of the results."""
    computed = {s.node for s in nest.stores if s.computes}
    return operations_of([s.node for s in nest.stores], plan.buffers, computed, nest.reductions)


def _stored(nest: Nest, r: Node, plan: Plan) -> Nest:
    """A nest that stores one of the reductions."""
    for store in nest.stores:
        if store.node is r:
            return Nest(nest.kept, nest.reduced, [store], {r: nest.reductions[r]})
    plan.buffers[r] = Buffer(r.shape, r.dtype, "temporary")
    return _alone(nest, r, plan.buffers[r])


def _alone(nest: Nest, r: Node, buffer: Buffer) -> Nest:
    places = nest.reductions[r]
    store = Store(buffer, r, "set", _target(r, places))
    return Nest(nest.kept, nest.reduced, [store], {r: places})


def _target(r: Node, places: tuple[int, ...]) -> tuple[tuple[int, int, int], ...]:
    """Where an element of the nest's domain lies among the results of a reduction."""
    kept = [p for d, p in enumerate(places) if d not in r.attrs[1]]
    return tuple([(p, 0, 1) if p >= 0 else (-1, 0, 0) for p in kept])
