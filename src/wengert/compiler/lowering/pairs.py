"""Complex arrays as pairs of real ones, in the index IR.

In memory a complex array is a real one with a last axis of length two, so that its parts are views;
in registers, and where an expression has to be stored on its way, the two parts are real nodes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ir import Graph, Node

__all__ = [
    "Pair",
    "blocks",
    "complex_dtype",
    "in_memory",
    "join",
    "parts_in",
    "real_dtype",
    "stored",
]


def real_dtype(dtype: Any) -> Any:
    """That of the parts."""
    return np.dtype(f"f{np.dtype(dtype).itemsize // 2}")


def complex_dtype(dtype: Any) -> Any:
    """That of the pair of two such parts."""
    return np.dtype(f"c{2 * np.dtype(dtype).itemsize}")


class Pair:
    """A complex array: its real and its imaginary part, nodes of one shape and dtype."""

    __slots__ = ("im", "re")

    def __init__(self, re: Node, im: Node) -> None:
        self.re = re
        self.im = im

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the complex array."""
        return self.re.shape

    @property
    def size(self) -> int:
        """The number of complex elements."""
        return self.re.size

    @property
    def dtype(self) -> Any:
        """Of the complex array."""
        return complex_dtype(self.re.dtype)


def _part(g: Graph, base: Node, axis: int, number: int) -> Node:
    """One index of the axis that tells the parts apart."""
    shape = base.shape[:axis] + base.shape[axis + 1 :]
    entries = [(d - (d > axis), 0, 1) for d in range(len(base.shape))]
    entries[axis] = (-1, number, 0)
    return g.view(base, tuple(entries), shape)


def parts_in(g: Graph, base: Node) -> Pair:
    """The parts of a complex array in memory, ``base`` with its last axis of length two."""
    g.complex.add(base)
    last = len(base.shape) - 1
    return Pair(_part(g, base, last, 0), _part(g, base, last, 1))


def in_memory(g: Graph, x: Pair) -> Node | None:
    """The complex array in memory that the parts are those of, if there is one."""
    if x.re.op != "view":
        return None
    base = x.re.args[0]
    if base not in g.complex or base.shape != (*x.shape, 2):
        return None
    parts = parts_in(g, base)
    return base if parts.re is x.re and parts.im is x.im else None


def join(g: Graph, x: Pair) -> Node:
    """The complex array in memory."""
    base = in_memory(g, x)
    if base is not None:
        return base
    base = g.make("pair", (x.re, x.im), (*x.shape, 2), x.re.dtype, (len(x.shape),))
    g.complex.add(base)
    return base


def stored(g: Graph, x: Pair) -> Pair:
    """The parts in memory, one after the other: one nest computes both."""
    base = g.make("pair", (x.re, x.im), (2, *x.shape), x.re.dtype, (0,))
    return Pair(_part(g, base, 0, 0), _part(g, base, 0, 1))


def blocks(g: Graph, x: Pair) -> Node:
    """Matrices ``(..., k, j)`` as the real ones, ``(..., k, 2, j, 2)``, that multiply pairs alike.

    Each complex number ``a + ib`` becomes the block ``[[a, b], [-b, a]]``: a row of numbers in
    memory times this is the row of their products with ``a + ib`` in memory.
    """
    rank = len(x.shape)
    parts = (x.re, x.im, g.map("neg", x.im), x.re)
    shape = (*x.shape[:-1], 2, x.shape[-1], 2)
    base = g.make("pair", parts, shape, x.re.dtype, (rank - 1, rank + 1))
    g.complex.add(base)
    return base
