"""Discrete convolution along the last axes: one operand slides over the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...core.program import Equation
from ..ir import Graph, Node
from .movement import assembled
from .table import Lowered, lowers
from .windows import padded

__all__: list[str] = []


@lowers("convolve", "convolve_nd")
def _convolve(result: Lowered, e: Equation, ins: Sequence[Any]) -> Node | None:
    g, out = result.graph, e.outputs[0]
    if out.dtype.kind not in "fiu" or 0 in out.shape:
        return None
    a, v = [g.cast(x, out.dtype) for x in ins]
    ndim = e.params.get("ndim", 1)
    if e.params["mode"] != "full":
        return _sum(g, *_products(g, a, v, out.shape, ndim))
    if ndim == 1 and out.dtype.kind == "f":
        return _full(g, a, v, out.shape)
    # SciPy's convolutions in more dimensions multiply the margin too, whatever the weights are.
    window = v.shape[len(v.shape) - ndim :]
    margins = [(0, 0)] * (len(a.shape) - ndim) + [(k - 1, k - 1) for k in window]
    return _sum(g, *_products(g, padded(g, a, margins), v, out.shape, ndim))


def _products(g: Graph, a: Node, v: Node, out: Sequence[int], ndim: int) -> tuple[Node, int]:
    """Those whose sums over the axes after the first ones, here counted, are the results."""
    window = v.shape[len(v.shape) - ndim :]
    rank = len(out)
    shape = (*out, *window)
    # Places of the output, then places in the window, which is read backwards.
    places = range(rank - ndim, rank)
    slides = [(d, 0, 1, d + ndim, 1) for d in places]
    reverse = [(d + ndim, k - 1, -1) for d, k in zip(places, window, strict=True)]

    def stack(x: Node) -> list[tuple[int, ...]]:
        lead = len(x.shape) - ndim
        return [
            (-1, 0, 0) if x.shape[d] == 1 else (rank - ndim - lead + d, 0, 1) for d in range(lead)
        ]

    product = g.map(
        "mul",
        g.view(a, (*stack(a), *slides), shape),
        g.view(v, (*stack(v), *reverse), shape),
    )
    return product, rank


def _sum(g: Graph, product: Node, rank: int) -> Node:
    return g.reduce("sum", product, range(rank, len(product.shape)))


def _full(g: Graph, a: Node, v: Node, shape: Sequence[int]) -> Node:
    """Along one axis: `np.convolve` does not multiply what lies beyond the ends of ``a``.

    So the ends, where that would make NaN of an infinite weight, are sums with fewer terms, and
    apart from the middle, which has no margin.
    """
    if v.shape[-1] > a.shape[-1]:
        a, v = v, a
    n, k = a.shape[-1], v.shape[-1]
    lead = tuple(shape[:-1])
    middle = _sum(g, *_products(g, a, v, (*lead, n - k + 1), 1))
    if k == 1:
        return middle
    rank = len(shape)
    place = [g.iota((*lead, k - 1, k), d) for d in (rank - 1, rank)]
    last = g.const(k - 1, np.int64, place[0].shape)
    sum_of_places = g.map("add", *place)

    def end(start: int, margin: tuple[int, int], test: str) -> Node:
        axes = [(d, 0, 1) for d in range(len(a.shape) - 1)]
        part = g.view(a, (*axes, (len(axes), start, 1)), (*a.shape[:-1], k - 1))
        part = padded(g, part, [(0, 0)] * len(axes) + [margin])
        product, _ = _products(g, part, v, (*lead, k - 1), 1)
        inside = g.map(test, sum_of_places, last, dtype=bool)
        zero = g.const(0, product.dtype, product.shape)
        return _sum(g, g.map("select", inside, product, zero, dtype=product.dtype), rank)

    def at(start: int) -> list[tuple[int, int, int]]:
        return [(d, start if d == rank - 1 else 0, 1) for d in range(rank)]

    first, final = end(0, (k - 1, 0), "greater_equal"), end(n - k + 1, (0, k - 1), "less")
    pieces = [(first, at(0)), (middle, at(k - 1)), (final, at(n))]
    return assembled(g, shape, middle.dtype, pieces)
