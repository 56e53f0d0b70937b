"""Recursive filters: a sum over the input, and a recurrence that feeds the output back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...core.program import Equation
from ..ir import Graph, Node
from .complex_functions import divided
from .formulas import Real
from .scans import recurrence_from
from .table import Lowered, lowers
from .windows import padded

__all__ = ["filtered"]

_UNROLLED = 16  # terms that are written out; more are a loop


@lowers("lfilter")
def _lfilter(result: Lowered, e: Equation, ins: Sequence[Any]) -> Node | None:
    v = e.outputs[0]
    if v.dtype.kind != "f" or not all(isinstance(x, Node) for x in ins):
        return None
    g = result.graph
    b, a, x = [(g.cast(x, v.dtype),) for x in ins]
    y = filtered(g, b, a, x, v.shape)
    return y[0]


def filtered(
    g: Graph, b: tuple[Node, ...], a: tuple[Node, ...], x: tuple[Node, ...], shape: tuple[int, ...]
) -> tuple[Node, ...]:
    """The output of the filter ``b / a``; complex operands are pairs of nodes."""
    lead = [g.view(p, _first(len(p.shape)), (*p.shape[:-1], 1)) for p in a]
    b = _quotient(g, b, lead)
    a = _quotient(g, a, lead)
    w = _weighted(g, b, x, shape)
    order = a[0].shape[-1] - 1
    if not order:
        return w
    n = shape[-1]
    zeros = tuple([g.const(0, p.dtype, (*shape[:-1], order)) for p in w])

    def step(own: tuple[Node, ...]) -> tuple[Node, ...]:
        return _difference(g, w, _fed_back(g, a, own, order, n, shape))

    y = recurrence_from(g, zeros, (*shape[:-1], order + n), len(shape) - 1, step)
    entries = tuple([(d, order if d == len(shape) - 1 else 0, 1) for d in range(len(shape))])
    return tuple([g.view(p, entries, shape) for p in y])


def _first(rank: int) -> tuple[tuple[int, int, int], ...]:
    return (*[(d, 0, 1) for d in range(rank - 1)], (-1, 0, 0))


def _quotient(g: Graph, x: tuple[Node, ...], lead: list[Node]) -> tuple[Node, ...]:
    """Coefficients divided by the first of the denominator."""
    shape = _broadcast(x[0].shape, lead[0].shape)
    top = [Real(g, g.broadcast(p, shape)) for p in x]
    low = [Real(g, g.broadcast(p, shape)) for p in lead]
    if len(x) == 1:
        return ((top[0] / low[0]).node,)
    return tuple([p.node for p in divided((top[0], top[1]), (low[0], low[1]))])


def _broadcast(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(np.broadcast_shapes(*shapes))


def _products(g: Graph, x: tuple[Node, ...], y: tuple[Node, ...]) -> tuple[Node, ...]:
    """Products of all elements, of complex numbers where both have two parts."""
    if len(x) == 1:
        return (g.map("mul", x[0], y[0]),)
    re = g.map("sub", g.map("mul", x[0], y[0]), g.map("mul", x[1], y[1]))
    return re, g.map("add", g.map("mul", x[0], y[1]), g.map("mul", x[1], y[0]))


def _difference(g: Graph, x: tuple[Node, ...], y: tuple[Node, ...]) -> tuple[Node, ...]:
    return tuple([g.map("sub", p, q) for p, q in zip(x, y, strict=True)])


def _along(g: Graph, x: Node, shape: tuple[int, ...], entry: tuple[int, ...]) -> Node:
    """``x`` broadcast to a shape with its last axis seen through ``entry``."""
    lead = len(shape) - len(x.shape)
    ahead = [(-1, 0, 0) if n == 1 else (d + lead, 0, 1) for d, n in enumerate(x.shape[:-1])]
    return g.view(x, (*ahead, entry), shape)


def _weighted(
    g: Graph, b: tuple[Node, ...], x: tuple[Node, ...], shape: tuple[int, ...]
) -> tuple[Node, ...]:
    """``sum_k b[k] x[t - k]``, of an input that was zero before."""
    count, last = b[0].shape[-1], len(shape) - 1
    margins = [(0, 0)] * (len(x[0].shape) - 1) + [(count - 1, 0)]
    x = tuple([padded(g, p, margins) for p in x])
    whole = (*shape, count)
    # An axis of places is added behind, so leading axes are one further from the end.
    bs = tuple([_behind(g, p, whole, (last + 1, 0, 1)) for p in b])
    xs = tuple([_behind(g, p, whole, (last, count - 1, 1, last + 1, -1)) for p in x])
    return tuple([g.reduce("sum", p, (last + 1,)) for p in _products(g, bs, xs)])


def _behind(g: Graph, x: Node, shape: tuple[int, ...], entry: tuple[int, ...]) -> Node:
    lead = len(shape) - 1 - len(x.shape)
    ahead = [(-1, 0, 0) if n == 1 else (d + lead, 0, 1) for d, n in enumerate(x.shape[:-1])]
    return g.view(x, (*ahead, entry), shape)


def _fed_back(
    g: Graph, a: tuple[Node, ...], own: tuple[Node, ...], order: int, n: int, shape: tuple[int, ...]
) -> tuple[Node, ...]:
    """``sum_k a[k] y[t - k]`` for ``k`` from ``order`` to one: what is newest comes last."""
    last = len(shape) - 1
    if order > _UNROLLED:
        whole = (*shape, order)
        coefficients = tuple([_behind(g, p, whole, (last + 1, 1, 1)) for p in a])
        before = tuple([_behind(g, p, whole, (last, order - 1, 1, last + 1, -1)) for p in own])
        return tuple([g.reduce("sum", p, (last + 1,)) for p in _products(g, coefficients, before)])
    total: tuple[Node, ...] | None = None
    for k in range(order, 0, -1):
        coefficients = tuple([_along(g, p, shape, (-1, k, 0)) for p in a])
        before = tuple([_along(g, p, shape, (last, order - k, 1)) for p in own])
        term = _products(g, coefficients, before)
        if total is None:
            total = term
        else:
            total = tuple([g.map("add", p, q) for p, q in zip(total, term, strict=True)])
    assert total is not None
    return total
