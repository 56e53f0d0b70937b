"""Sums that need no loop: products with unit vectors, and sums of what does not vary.

A Jacobian is made of pullbacks of unit vectors, so its first product is one with the identity
matrix. In the index IR that is a factor ``i == j`` (as 0 or 1) of a sum over ``i``, which is the
summand at ``i = j``. For operands that are not finite the products with zero are left out: they
would only spread NaN over entries that do not depend on these operands.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from .indices import Linear, seen_through
from .ir import Graph, Node, value_of

__all__ = ["simpler_reduction"]


def simpler_reduction(g: Graph, kind: str, x: Node, axes: Sequence[int]) -> Node | None:
    """A reduction with fewer axes, or none, that has the same value; None if there is none."""
    if kind == "sum" and x.dtype.kind == "f":
        found = _without_unit_vectors(g, x, axes)
        if found is not None:
            return found
    return _of_what_does_not_vary(g, kind, x, axes)


# ------------------------------------------------------------------ sums of what does not vary


def _of_what_does_not_vary(g: Graph, kind: str, x: Node, axes: Sequence[int]) -> Node | None:
    if x.op != "view" or kind not in ("sum", "max", "min", "fmax", "fmin", "and", "or"):
        return None
    moving = {d for entry in x.attrs for d in _axes_of(entry)}
    still = [d for d in axes if d not in moving]
    if not still or 0 in [x.shape[d] for d in still]:
        return None
    y, left = _at(g, x, dict.fromkeys(still, Linear()), axes)
    y = g.reduce(kind, y, left)
    if kind != "sum":
        return y
    times = prod([x.shape[d] for d in still])
    return g.map("mul", y, g.const(times, y.dtype, y.shape))


def _axes_of(entry: Sequence[int]) -> list[int]:
    return [d for d in (entry[0], *entry[3::2]) if d >= 0]


def _at(g: Graph, x: Node, fixed: dict[int, Linear], axes: Sequence[int]) -> tuple[Node, list[int]]:
    """``x`` with axes fixed at linear forms in the others; and what is left of ``axes``."""
    kept = [d for d in range(len(x.shape)) if d not in fixed]
    place = {d: i for i, d in enumerate(kept)}
    shape = tuple([x.shape[d] for d in kept])
    entries = []
    for d in range(len(x.shape)):
        at = fixed.get(d, Linear.variable(d))
        terms = [(place[v], s) for v, s in at.terms]  # type: ignore[index]
        first, *rest = terms or [(-1, 0)]
        entries.append((first[0], at.offset, first[1], *[v for term in rest for v in term]))
    return g.view(x, tuple(entries), shape), [place[d] for d in axes if d in place]


# ------------------------------------------------------------------ unit vectors


def _without_unit_vectors(g: Graph, x: Node, axes: Sequence[int]) -> Node | None:
    factors = list(_factors(x))
    if len(factors) < 2:
        return None
    for number, factor in enumerate(factors):
        difference = _zero_where_one(factor)
        if difference is None:
            continue
        for axis in axes:
            step = difference.step(axis)
            if abs(step) != 1:
                continue
            at = _solved(difference, axis, step)
            if not _lies_within(at, x.shape, x.shape[axis]):
                continue
            rest = factors[:number] + factors[number + 1 :]
            left = [_at(g, y, {axis: at}, axes) for y in rest]
            product = left[0][0]
            for y, _ in left[1:]:
                product = g.map("mul", product, y)
            return g.reduce("sum", product, left[0][1])
    return None


def _factors(x: Node) -> list[Node]:
    if x.op == "map" and x.attrs == "mul":
        return [f for y in x.args for f in _factors(y)]
    return [x]


def _zero_where_one(x: Node) -> Linear | None:
    """For unit vectors, the linear form in the axes that is zero where they are one."""
    index = [Linear.variable(d) for d in range(len(x.shape))]
    while x.op == "view":
        index = seen_through(x.attrs, index)
        x = x.args[0]
    if x.op != "map" or x.attrs != "cast" or x.args[0].op != "map":
        return None
    test = x.args[0]
    if test.attrs != "equal":
        return None
    sides = [_position(y, index) for y in test.args]
    if sides[0] is None or sides[1] is None:
        return None
    return sides[0].plus(sides[1].scaled(-1, 0))


def _position(x: Node, index: list[Linear]) -> Linear | None:
    """What an index array holds, as a linear form."""
    while x.op == "view":
        index = seen_through(x.attrs, index)
        x = x.args[0]
    if x.op == "map" and x.attrs == "add" and (shift := value_of(x.args[1])) is not None:
        position = _position(x.args[0], index)
        return None if position is None else position.plus(Linear(int(shift)))
    return index[0] if x.op == "iota" else None


def _solved(difference: Linear, axis: int, step: int) -> Linear:
    """The value of an axis where the form is zero."""
    others = Linear(difference.offset, tuple([t for t in difference.terms if t[0] != axis]))
    return others.scaled(-step, 0)


def _lies_within(at: Linear, shape: Sequence[int], length: int) -> bool:
    """Whether a form is a valid index for all values of the axes in it."""
    low = high = at.offset
    for d, step in at.terms:
        reach = step * (shape[d] - 1)  # type: ignore[call-overload]
        low, high = low + min(reach, 0), high + max(reach, 0)
    return low >= 0 and high < length
