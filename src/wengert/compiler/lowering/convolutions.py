"""Discrete convolution along the last axes: one operand slides over the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...core.program import Equation
from ..ir import Node
from .table import Lowered, lowers
from .windows import padded

__all__: list[str] = []


@lowers("convolve", "convolve_nd")
def _convolve(result: Lowered, e: Equation, ins: Sequence[Any]) -> Node | None:
    g, out = result.graph, e.outputs[0]
    if out.dtype.kind not in "fiu" or 0 in out.shape:
        return None
    a, v = [g.cast(x, out.dtype) for x in ins]
    ndim, rank = e.params.get("ndim", 1), len(out.shape)
    window = v.shape[len(v.shape) - ndim :]
    if e.params["mode"] == "full":
        margins = [(0, 0)] * (len(a.shape) - ndim) + [(k - 1, k - 1) for k in window]
        a = padded(g, a, margins)
    shape = (*out.shape, *window)
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
    return g.reduce("sum", product, range(rank, rank + ndim))
