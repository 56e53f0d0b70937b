"""Packing: operands of products are copied into another order where that costs less than it gains.

Vectors want to lie along an axis of the result. In ``a @ b.T`` both operands are contiguous along
the sum instead; a copy of the smaller one, transposed, makes it a product that is as fast as
others. The estimate is that of `codegen.tiles`.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

from ..codegen.loops import ProductAxes, product_axes
from ..codegen.processor import Processor
from ..codegen.tiles import best_layout
from ..indices import Linear, address, seen_through
from ..ir import Node, axis_terms
from ..plan import Buffer, Call, Nest, Plan, Routine, Store

__all__ = ["pack"]

_PER_ELEMENT = 1.0  # cycles of a copied element
_GAIN = 0.85  # of the cycles may be left, at most
_LARGEST = 1 << 24  # bytes: a copy of what no cache holds takes as long as the product


def pack(plan: Plan, processor: Processor) -> Plan:
    """Copy operands where it pays."""
    steps: list[Any] = []
    copies: dict[Node, Nest] = {}
    for step in plan.steps:
        found = _packed(step, plan, processor) if isinstance(step, Nest) else None
        if found is None:
            steps.append(step)
            continue
        nest, view = found
        memory = plan.buffers[view.args[0]].memory
        for same, copy in copies.items():
            if (same.args, same.attrs) == (view.args, view.attrs) and not _is_written(
                memory, steps, copy
            ):
                assert isinstance(step, Nest)
                again = _packed(step, plan, processor, same)
                assert again is not None
                nest, view = again
                break
        else:
            plan.buffers[view] = Buffer(view.shape, view.dtype, "temporary")
            target = tuple([(d, 0, 1) for d in range(len(view.shape))])
            copies[view] = Nest(view.shape, (), [Store(plan.buffers[view], view, "set", target)])
            steps.insert(_earliest(memory, steps), copies[view])
        steps.append(nest)
    plan.steps = steps
    return plan


def _writes(step: Any) -> set[Buffer]:
    if isinstance(step, Nest):
        return {s.buffer.memory for s in step.stores}
    return {b.memory for b in (step.results if isinstance(step, Call | Routine) else [step.c])}


def _is_written(memory: Buffer, steps: list[Any], since: Any) -> bool:
    """Whether the memory has changed since a step."""
    return any(memory in _writes(s) for s in steps[steps.index(since) :])


def _earliest(memory: Buffer, steps: list[Any]) -> int:
    """The place after the last step that writes the memory."""
    return max([k + 1 for k, s in enumerate(steps) if memory in _writes(s)], default=0)


def _packed(
    nest: Nest, plan: Plan, processor: Processor, known: Node | None = None
) -> tuple[Nest, Node] | None:
    """The nest with a copy in the place of an operand, and the copy as a view of the operand."""
    axes = product_axes(nest, plan.buffers, processor)
    if axes is None:
        return None
    (r,) = nest.reductions
    x = nest.operand(r)
    if x.op != "map" or x.attrs != "mul":
        return None
    best: tuple[float, int, list[int]] | None = None
    limit = _GAIN * best_layout(axes.shape).cycles
    for number, y in enumerate(x.args):
        order = _order(nest, r, y, axes, plan)
        if order is None:
            continue
        cycles = _cycles(nest, r, y, axes, order, plan)
        if cycles < limit:
            best, limit = (cycles, number, order), cycles
    if best is None:
        return None
    _, number, order = best
    y = x.args[number]
    view = _view(y, order) if known is None else known
    place = {d: i for i, d in enumerate(order)}
    again = Node(
        "view", (view,), y.shape, y.dtype,
        tuple([(d, 0, 1) for d in sorted(place, key=lambda d: place[d])]), -1,
    )  # fmt: skip
    args = tuple([again if k == number else a for k, a in enumerate(x.args)])
    operand = Node("map", args, x.shape, x.dtype, "mul", -1)
    return replace(nest, packed={r: operand}), view


def _order(nest: Nest, r: Node, y: Node, axes: ProductAxes, plan: Plan) -> list[int] | None:
    """The axes that move an operand in the order of its copy: stacks, the sum, rows or columns."""
    if y.op != "view" or y.args[0] not in plan.buffers:
        return None
    base = y.args[0]
    if plan.buffers[base].nbytes > _LARGEST:
        return None
    if any(len(axis_terms(entry)) > 1 for entry in y.attrs):
        return None
    moving = [d for entry in y.attrs for d, _ in axis_terms(entry)]
    at = address(
        base.shape, seen_through(y.attrs, [Linear.variable(d) for d in range(len(y.shape))])
    )
    places = nest.reductions[r]
    summed = [d for d in moving if places[d] >= len(nest.kept)]
    if len(summed) != 1 or at.step(summed[0]) != 1 or len(set(moving)) != len(moving):
        return None
    lanes = [d for d in moving if _axis(axes, places[d]) in (axes.p, axes.q)]
    if not lanes or len({_axis(axes, places[d]) for d in lanes}) != 1:
        return None
    stacks = [d for d in moving if d not in lanes and d not in summed]
    return [*sorted(stacks), *summed, *sorted(lanes)]


def _axis(axes: ProductAxes, place: int) -> Any:
    form = axes.domain[place] if place >= 0 else Linear()
    return form.terms[0][0] if form.terms else None


def _cycles(nest: Nest, r: Node, y: Node, axes: ProductAxes, order: list[int], plan: Plan) -> float:
    """With the copy in the operand's place."""
    shape = axes.shape
    base = y.args[0]
    at = address(
        base.shape, seen_through(y.attrs, [Linear.variable(d) for d in range(len(y.shape))])
    )
    lanes = [d for d in order if _axis(axes, nest.reductions[r][d]) in (axes.p, axes.q)]
    along_p = _axis(axes, nest.reductions[r][lanes[-1]]) is axes.p
    step = at.step(lanes[-1])
    length = prod([y.shape[d] for d in lanes])
    reads = []
    for read in shape.reads:
        mine = (read.row, read.column, read.sum) == ((step, 0, 1) if along_p else (0, step, 1))
        if mine:
            read = read._replace(row=int(along_p), column=int(not along_p), sum=length)
        reads.append(read)
    copied = length * shape.k
    changed = shape._replace(reads=tuple(sorted(reads)))
    return best_layout(changed).cycles + _PER_ELEMENT * copied


def _view(y: Node, order: list[int]) -> Node:
    """The operand with its axes in this order."""
    place = {d: i for i, d in enumerate(order)}
    base = y.args[0]
    attrs = tuple([(place[e[0]], e[1], e[2]) if e[0] >= 0 else (-1, e[1], 0) for e in y.attrs])
    return Node("view", (base,), tuple([y.shape[d] for d in order]), y.dtype, attrs, -1)
