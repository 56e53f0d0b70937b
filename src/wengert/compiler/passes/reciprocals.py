"""Divisions by the same number become products with its reciprocal.

The gradient of a quotient divides by the denominator twice more, and processors divide slowly: a
vector of doubles takes the time of ten products. The results differ in the last place. So that they
differ in nothing else, the divisor must be at least 2**-100: the reciprocal of a tiny number is
infinite where quotients are not. That is proved from how it is computed, as in ``1 + exp(-x)`` or
``sqrt(x * x + 1)``; other divisions are left as they are.
"""

from __future__ import annotations

from collections import Counter
from math import inf, sqrt

from ..ir import Graph, Node, reachable, value_of
from ..lowering.table import Lowered

__all__ = ["share_reciprocals"]

_LEAST = 2.0**-100


def share_reciprocals(lowered: Lowered) -> Lowered:
    """Replace divisions that share a divisor of which the least value is known."""
    roots = [y for y in lowered.outputs if isinstance(y, Node)] + [c for c, _ in lowered.checks]
    nodes = reachable(roots)
    divisors = Counter(n.args[1] for n in nodes if _is_division(n))
    least: dict[Node, float] = {}
    shared = {h for h, times in divisors.items() if times > 1 and _least(h, least) >= _LEAST}
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


def _least(node: Node, known: dict[Node, float]) -> float:
    """A bound that all elements reach that are not NaN; minus infinity if none is known."""
    stack = [node]
    while stack:
        n = stack[-1]
        missing = [x for x in n.args if x not in known] if n.op in ("map", "view") else []
        if missing and n not in known:
            stack += missing
            continue
        known[n] = known.get(n, _bound(n, known))
        stack.pop()
    return known[node]


def _bound(n: Node, known: dict[Node, float]) -> float:
    if n.dtype.kind != "f":
        return -inf
    if (value := value_of(n)) is not None:
        return float(value) if value == value else -inf
    if n.op == "view":
        return known[n.args[0]]
    if n.op != "map":
        return -inf
    bounds = [known[x] for x in n.args]
    low = min(bounds) if bounds else -inf
    name = n.attrs
    if name == "mul" and n.args[0] is n.args[1]:
        return max(low, 0.0) * max(low, 0.0)
    if name == "mul" and low >= 0:
        return bounds[0] * bounds[1] if 0 not in bounds else 0.0
    if name == "add":
        return bounds[0] + bounds[1] if low > -inf else -inf
    if name == "maximum":
        return max(bounds)
    if name == "minimum":
        return low
    if name in ("exp", "exp2", "sigmoid"):
        return 0.0
    if name in ("abs", "sqrt"):
        return 0.0 if low <= 0 else low if name == "abs" else sqrt(low)
    if name == "cosh":
        return 1.0
    if name == "div" and low >= 0:
        return 0.0
    return -inf
