"""Where nests store what they compute: boxes, margins, parts of complex numbers."""

from __future__ import annotations

from ..ir import Node, axis_terms

__all__ = ["box", "domain_of", "margins", "place"]


def box(n: Node) -> list[tuple[int, int]] | None:
    """The box of its array that an update sets, if it is one: the bounds along each axis."""
    kind, entries = n.attrs
    base, value, *arrays = n.args
    if kind != "set" or arrays or base.op != "view" or 0 in value.shape:
        return None
    found = []
    used: list[int] = []
    for entry in entries:
        length = 1
        for d, step in sorted(axis_terms(entry), key=lambda term: term[1]):
            if value.shape[d] > 1 and step != length:
                return None
            length *= value.shape[d]
            used.append(d)
        found.append((entry[1], entry[1] + length))
    return found if len(set(used)) == len(used) else None


def margins(start: int, stop: int, length: int) -> list[tuple[int, list[tuple[int, int]]]]:
    """The indices outside of a range: a first one, and (how many, step) of what moves it."""
    before, after = start, length - stop
    if before == after and before:
        return [(0, [(2, stop), (before, 1)] if before > 1 else [(2, stop)])]
    return [(at, [(n, 1)]) for at, n in ((0, before), (stop, after)) if n]


def domain_of(root: Node) -> tuple[int, ...]:
    """The kept axes of the nest of what is stored."""
    return root.args[0].shape if root.op == "pair" else root.shape


def place(axes: tuple[int, ...], number: int, rank: int) -> tuple[tuple[int, ...], ...]:
    """Where one of a pair is stored, or of a pair of pairs."""
    target: list[tuple[int, ...]] = [(d, 0, 1) for d in range(rank)]
    for k, axis in enumerate(axes):
        target.insert(axis, (-1, number >> (len(axes) - 1 - k) & 1, 0))
    return tuple(target)
