"""Reductions, and what is made of them: positions of extrema, log-sum-exp, cross entropy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...core.program import Equation
from ..ir import Graph, Node
from .table import Lowered, lowers

__all__ = ["finite_max", "log_sum_exp"]

_KINDS = {
    "sum": "sum", "prod": "prod", "max": "max", "min": "min", "nanmax": "fmax", "nanmin": "fmin",
    "all": "and", "any": "or", "count_nonzero": "sum",
}  # fmt: skip


def _kept(g: Graph, y: Node, shape: Sequence[int], axes: Sequence[int], keepdims: bool) -> Node:
    if not keepdims:
        return y
    return g.reshape(y, tuple([1 if d in axes else n for d, n in enumerate(shape)]))


@lowers(*_KINDS)
def _reduction(result: Lowered, e: Equation, ins: Sequence[Any]) -> Node | None:
    g, x, name = result.graph, ins[0], e.primitive.name
    axes, keepdims = e.params["axis"], e.params.get("keepdims", False)
    if name in ("all", "any", "count_nonzero"):
        x = g.cast(x, bool)
    x = g.cast(x, e.outputs[0].dtype)
    return _kept(g, g.reduce(_KINDS[name], x, axes), x.shape, axes, keepdims)


def finite_max(g: Graph, x: Node, axes: Sequence[int]) -> Node:
    """The maximum, or 0 where it is not finite; with the axes kept."""
    top = _kept(g, g.reduce("max", x, axes), x.shape, axes, True)
    zero = g.const(0, x.dtype, top.shape)
    return g.map("select", g.map("isfinite", top, dtype=bool), top, zero, dtype=x.dtype)


@lowers("finite_max")
def _finite_max(result: Lowered, e: Equation, ins: Sequence[Any]) -> Node | None:
    if ins[0].dtype.kind != "f":
        return None
    return result.graph.reshape(
        finite_max(result.graph, ins[0], e.params["axis"]), e.outputs[0].shape
    )


def log_sum_exp(g: Graph, x: Node, axes: Sequence[int]) -> Node:
    """With the axes kept."""
    top = finite_max(g, x, axes)
    parts = g.map("exp", g.map("sub", x, g.broadcast(top, x.shape)))
    total = _kept(g, g.reduce("sum", parts, axes), x.shape, axes, True)
    return g.map("add", g.map("log", total), top)


@lowers("logsumexp")
def _logsumexp(result: Lowered, e: Equation, ins: Sequence[Any]) -> Node:
    y = log_sum_exp(result.graph, ins[0], e.params["axis"])
    return result.graph.reshape(y, e.outputs[0].shape)


@lowers("argmax", "argmin")
def _position(result: Lowered, e: Equation, ins: Sequence[Any]) -> Node | None:
    g, x, axis = result.graph, ins[0], e.params["axis"]
    if not x.shape[axis : axis + 1] or not x.size:
        return None
    x = g.cast(x, np.uint8) if x.dtype.kind == "b" else x
    best = _kept(
        g, g.reduce("max" if e.primitive.name == "argmax" else "min", x, (axis,)),
        x.shape, (axis,), True,
    )  # fmt: skip
    here = g.map("equal", x, g.broadcast(best, x.shape), dtype=bool)
    if x.dtype.kind == "f":  # a NaN is the extremum
        here = g.map("or", here, g.map("isnan", x, dtype=bool))
    n = g.const(x.shape[axis], np.int64, x.shape)
    places = g.map("select", here, g.iota(x.shape, axis), n, dtype=np.int64)
    first = g.cast(g.reduce("min", places, (axis,)), e.outputs[0].dtype)
    return _kept(g, first, x.shape, (axis,), e.params.get("keepdims", False))
