"""Products whose zeros annihilate what is not finite: the tests go where they decide nothing.

A cotangent that is zero annihilates a partial that is infinite or NaN. Where the partial is
provably finite, as an angle's arc tangent is, an ordinary product is the same. So it is where the
partial is NaN only if the cotangent is, too: in higher derivatives of ``tanh`` all factors are made
of the same ``t``, and ``1 - t * t`` is NaN only where ``t`` is. (The zero that comes out may be
negative, as it is in a sweep of finite numbers that is not compiled.)
"""

from __future__ import annotations

from ..ir import Node, reachable
from ..lowering.table import Lowered
from ..ranges import Ranges, spreads

__all__ = ["drop_zero_tests"]


def drop_zero_tests(lowered: Lowered) -> Lowered:
    """Replace products with a test by ones without, where their values are the same."""
    roots = [y for y in lowered.outputs if isinstance(y, Node)] + [c for c, _ in lowered.checks]
    nodes = reachable(roots)
    if not any(n.op == "map" and n.attrs in ("strong", "changes") for n in nodes):
        return lowered
    g, ranges = lowered.graph, Ranges()
    made: dict[Node, Node] = {}
    for n in nodes:
        args = [made[x] for x in n.args]
        made[n] = again = g.again(n, args)
        if n.op != "map" or n.attrs not in ("strong", "changes"):
            continue
        first = _decides(args[0], args[1], ranges)
        second = n.attrs == "changes" and _decides(args[1], args[0], ranges)
        if first and second:
            continue
        if first or second:
            ordered = args if first else args[::-1]
            made[n] = g.map("strong", *ordered) if n.attrs == "changes" else again
        else:
            made[n] = g.map("mul", *args)
    lowered.outputs = [made[y] if isinstance(y, Node) else y for y in lowered.outputs]
    lowered.checks = [(made[c], why) for c, why in lowered.checks]
    return lowered


def _decides(c: Node, p: Node, ranges: Ranges) -> bool:
    """Whether ``c`` may be zero where ``p`` is infinite or NaN."""
    known = ranges.of(p)
    return not (known.is_finite and spreads(c, known.sources))
