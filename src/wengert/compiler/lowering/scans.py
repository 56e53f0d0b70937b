"""Running sums, products and extrema: each element from the one before it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...core.program import Equation
from ..ir import Node
from .table import Lowered, lowers

__all__: list[str] = []

_COMBINE = {"cumsum": "add", "cumprod": "mul", "cummax": "maximum", "cummin": "minimum"}


@lowers(*_COMBINE)
def _scan(result: Lowered, e: Equation, ins: Sequence[Any]) -> Node:
    g, v, axis = result.graph, e.outputs[0], e.params["axis"]
    attrs = (_COMBINE[e.primitive.name], axis, e.params.get("reverse", False))
    x = g.cast(ins[0], v.dtype)
    return g.make("scan", (x,), v.shape, v.dtype, attrs) if v.shape[axis] > 1 else x
