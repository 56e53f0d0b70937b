"""Running sums, products and extrema: each element from the one before it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ...core.program import Equation
from ..ir import Graph, Node
from .complex_functions import Z
from .formulas import Real
from .pairs import Pair, parts_in
from .table import Lowered, lowers

__all__ = ["Step", "recurrence", "recurrence_from"]

_COMBINE = {"cumsum": "add", "cumprod": "mul", "cummax": "maximum", "cummin": "minimum"}


@lowers(*_COMBINE)
def _scan(result: Lowered, e: Equation, ins: Sequence[Any]) -> Node:
    g, v, axis = result.graph, e.outputs[0], e.params["axis"]
    attrs = (_COMBINE[e.primitive.name], axis, e.params.get("reverse", False))
    x = g.cast(ins[0], v.dtype)
    return g.make("scan", (x,), v.shape, v.dtype, attrs) if v.shape[axis] > 1 else x


Step = Callable[[tuple[Node, ...]], tuple[Node, ...]]


def recurrence_from(
    g: Graph, first: Sequence[Node], shape: tuple[int, ...], axis: int, step: Step,
    reverse: bool = False,
) -> tuple[Node, ...]:  # fmt: skip
    """An array that begins with ``first`` along an axis, or ends with it.

    ``step`` makes the other elements of the parts of the array itself, of which it may read, at an
    element, only those before it. An array of pairs has two parts, any other one.
    """
    whole = (*shape, 2) if len(first) == 2 else shape
    own = g.make("own", (), whole, first[0].dtype, len(g.nodes))

    def parts(y: Node) -> tuple[Node, ...]:
        if len(first) == 1:
            return (y,)
        pair = parts_in(g, y)
        return pair.re, pair.im

    args = (own, *first, *step(parts(own)))
    return parts(g.make("recur", args, whole, first[0].dtype, (axis, reverse)))


def recurrence(g: Graph, x: Pair, axis: int, reverse: bool, step: Callable[[Z, Z], Z]) -> Pair:
    """Complex ``y[t] = step(y[t - 1], x[t])``, from the first element of ``x``, or the last."""
    n, rank = x.shape[axis], len(x.shape)

    def seen(y: Node, start: int, length: int) -> Node:
        """From ``start`` on, in the order of the recurrence."""
        where = (n - 1 - start, -1) if reverse else (start, 1)
        entries = tuple([(d, *where) if d == axis else (d, 0, 1) for d in range(rank)])
        return g.view(y, entries, (*y.shape[:axis], length, *y.shape[axis + 1 :]))

    def following(own: tuple[Node, ...]) -> tuple[Node, ...]:
        before = [Real(g, seen(p, 0, n - 1)) for p in own]
        now = [Real(g, seen(p, 1, n - 1)) for p in (x.re, x.im)]
        return tuple([p.node for p in step((before[0], before[1]), (now[0], now[1]))])

    first = [seen(p, 0, 1) for p in (x.re, x.im)]
    return Pair(*recurrence_from(g, first, x.shape, axis, following, reverse))
