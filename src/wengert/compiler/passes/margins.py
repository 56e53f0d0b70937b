"""Margins: what is stored with a margin around it is not stored without one as well.

A convolution reads images with a margin of zeros, its gradients and what comes before it read the
same images without. All of them can read the array that has the margin, each the part it needs.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..ir import AxisMap, Node, axis_terms, is_rearranged, reachable
from ..lowering.table import Lowered

__all__ = ["share_margins"]


def share_margins(lowered: Lowered) -> Lowered:
    """The Program with reads of an array in place of reads of the part of it that was copied."""
    roots = [y for y in lowered.outputs if isinstance(y, Node)]
    roots += [check for check, _ in lowered.checks]
    nodes = reachable(roots)
    users: dict[Node, list[Node]] = {n: [] for n in nodes}
    for n in nodes:
        for x in dict.fromkeys(n.args):
            users[x].append(n)
    parts: dict[Node, tuple[Node, AxisMap]] = {}
    for n in nodes:
        if not _is_margin(n):
            continue
        for x in _same_values(n, users):
            others = [u for u in users[x] if u is not n]
            if others and x not in roots and _may_read_parts(others, users):
                entries = _place_of(x, n)
                if entries is not None:
                    parts.setdefault(x, (n, entries))
    if not parts:
        return lowered
    _substitute(lowered, roots, parts)
    return lowered


def _is_margin(n: Node) -> bool:
    """Whether a node writes one value into an array that is filled otherwise."""
    if n.op != "update" or n.attrs[0] != "set" or len(n.args) != 2:
        return False
    base = n.args[0]
    return base.op == "view" and base.args[0].op == "const"


def _same_values(n: Node, users: dict[Node, list[Node]]) -> list[Node]:
    """The value that a node writes, and arrays of its elements in the order they have in there."""
    value = n.args[1]
    found = [value] if value.op in ("map", "reduce") else []
    return found + [u for u in users[value] if is_rearranged(u) and u.args[1] is value]


def _may_read_parts(readers: Iterable[Node], users: dict[Node, list[Node]]) -> bool:
    """Whether all that read an array can as well read it where other elements lie between."""
    for user in readers:
        if user.op == "view":
            if not _may_read_parts(users[user], users):
                return False
        elif user.op not in ("map", "reduce"):
            return False
    return True


def _place_of(x: Node, n: Node) -> AxisMap | None:
    """Where the elements of x are in n, as the map of a view; None if it is none."""
    target: AxisMap = n.attrs[1]
    if x is n.args[1]:
        entries = target
    else:
        # Both are written by the same index: every axis of n must be one of x, moved.
        rearranged: AxisMap = x.attrs[1]
        if len(target) != len(rearranged):
            return None
        moved = []
        for d, (of_x, of_n) in enumerate(zip(rearranged, target, strict=True)):
            if sorted(axis_terms(of_x)) != sorted(axis_terms(of_n)):
                return None
            moved.append((d, of_n[1] - of_x[1], 1))
        entries = tuple(moved)
    moved_by = [d for entry in entries for d, _ in axis_terms(entry)]
    once = len(set(moved_by)) == len(moved_by) == sum(entry[0] >= 0 for entry in entries)
    return entries if once and all(n == 1 or d in moved_by for d, n in enumerate(x.shape)) else None


def _substitute(
    lowered: Lowered, roots: Iterable[Node], parts: dict[Node, tuple[Node, AxisMap]]
) -> None:
    """Make all nodes anew; an operand that is part of another array is a view of that."""
    g = lowered.graph
    made: dict[Node, Node] = {}

    def needed(n: Node) -> list[Node]:
        return [parts[a][0] if a in parts and parts[a][0] is not n else a for a in n.args]

    stack = list(roots)
    while stack:
        n = stack[-1]
        missing = [a for a in needed(n) if a not in made] if n not in made else []
        if missing:
            stack += missing
            continue
        stack.pop()
        if n not in made:
            args = [
                made[a] if a is b else g.view(made[b], parts[a][1], a.shape)
                for a, b in zip(n.args, needed(n), strict=True)
            ]
            made[n] = g.again(n, args)
    lowered.outputs = [made[y] if isinstance(y, Node) else y for y in lowered.outputs]
    lowered.checks = [(made[check], why) for check, why in lowered.checks]
