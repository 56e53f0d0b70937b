"""Divisions by the same number become products with its reciprocal.

The gradient of a quotient divides by the denominator twice more, and processors divide slowly: a
vector of doubles takes the time of ten products. The results differ in the last place. So that they
differ in nothing else, the divisor must be at least 2**-100: the reciprocal of a tiny number is
infinite where quotients are not. That is proved from how it is computed, as in ``1 + exp(-x)`` or
``sqrt(x * x + 1)``; other divisions are left as they are.
"""

from __future__ import annotations

from collections import Counter

from ..ir import Graph, Node, reachable, value_of
from ..lowering.table import Lowered
from ..ranges import Ranges

__all__ = ["share_reciprocals"]

_LEAST = 2.0**-100


def share_reciprocals(lowered: Lowered) -> Lowered:
    """Replace divisions that share a divisor of which the least value is known."""
    roots = [y for y in lowered.outputs if isinstance(y, Node)] + [c for c, _ in lowered.checks]
    nodes = reachable(roots)
    divisors = Counter(n.args[1] for n in nodes if _is_division(n))
    ranges = Ranges()
    shared = {h for h, times in divisors.items() if times > 1 and ranges.of(h).low >= _LEAST}
    if not shared:
        return lowered
    g = lowered.graph
    made: dict[Node, Node] = {}
    for n in nodes:
        args = tuple([made[x] for x in n.args])
        if _is_division(n) and n.args[1] in shared and value_of(n.args[0]) != 1:
            made[n] = g.make("map", (args[0], _reciprocal(g, args[1])), n.shape, n.dtype, "mul")
        else:
            made[n] = g.again(n, args)
    lowered.outputs = [made[y] if isinstance(y, Node) else y for y in lowered.outputs]
    lowered.checks = [(made[c], why) for c, why in lowered.checks]
    return lowered


def _is_division(n: Node) -> bool:
    return n.op == "map" and n.attrs == "div" and n.dtype.kind == "f"


def _reciprocal(g: Graph, x: Node) -> Node:
    return g.make("map", (g.const(1, x.dtype, x.shape), x), x.shape, x.dtype, "div")
