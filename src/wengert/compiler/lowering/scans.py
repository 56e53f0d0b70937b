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

__all__ = ["recurrence"]

_COMBINE = {"cumsum": "add", "cumprod": "mul", "cummax": "maximum", "cummin": "minimum"}


@lowers(*_COMBINE)
def _scan(result: Lowered, e: Equation, ins: Sequence[Any]) -> Node:
    g, v, axis = result.graph, e.outputs[0], e.params["axis"]
    attrs = (_COMBINE[e.primitive.name], axis, e.params.get("reverse", False))
    x = g.cast(ins[0], v.dtype)
    return g.make("scan", (x,), v.shape, v.dtype, attrs) if v.shape[axis] > 1 else x


def recurrence(
    g: Graph, x: Pair, axis: int, reverse: bool, step: Callable[[Z, Z], Z]
) -> Pair:
    """Complex ``y[t] = step(y[t - 1], x[t])``, from the first element of ``x``, or the last."""
    n, rank = x.shape[axis], len(x.shape)

    def seen(y: Node, start: int, length: int) -> Node:
        """From ``start`` on, in the order of the recurrence."""
        where = (n - 1 - start, -1) if reverse else (start, 1)
        entries = tuple([(d, *where) if d == axis else (d, 0, 1) for d in range(rank)])
        return g.view(y, entries, (*y.shape[:axis], length, *y.shape[axis + 1 :]))

    memory = g.make("own", (), (*x.shape, 2), x.re.dtype, len(g.nodes))
    own = parts_in(g, memory)
    before = [Real(g, seen(p, 0, n - 1)) for p in (own.re, own.im)]
    now = [Real(g, seen(p, 1, n - 1)) for p in (x.re, x.im)]
    following = step((before[0], before[1]), (now[0], now[1]))
    first = [seen(p, 0, 1) for p in (x.re, x.im)]
    args = (memory, *first, *[p.node for p in following])
    return parts_in(g, g.make("recur", args, memory.shape, memory.dtype, (axis, reverse)))
