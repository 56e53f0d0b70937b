"""Pointwise operations: casts to the dtype in which NumPy computes, then scalar operations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...core.program import Equation
from ..codegen.scalars import supports
from ..ir import Graph, Node
from .table import Lowered, lowers, representable

__all__ = ["COMPOSITES"]

# Where NumPy's name and that of the scalar operation differ.
_NAMES = {
    "root": "sqrt",
    "strong_product": "strong",
    "fabs": "abs",
    "bitwise_and": "and",
    "bitwise_or": "or",
    "bitwise_xor": "xor",
    "logical_and": "and",
    "logical_or": "or",
    "logical_xor": "xor",
    "logical_not": "not",
    "invert": "not",
    "mod": "remainder",
}
_LOGICAL = ("logical_and", "logical_or", "logical_xor", "logical_not")
_ON_BOOLEANS = {"add": "or", "mul": "and", "maximum": "or", "minimum": "and"}


@lowers("pointwise")
def _pointwise(result: Lowered, e: Equation, ins: Sequence[Any]) -> Node | None:
    g, name = result.graph, e.primitive.name
    out = e.outputs[0]
    types = _loop_dtypes(e, ins)
    if types is None or not all(map(representable, types)):
        return None
    args = [_operand(g, x, t) for x, t in zip(ins, types, strict=True)]
    args = [g.broadcast(x, out.shape) for x in args]
    if name in _LOGICAL:
        args = [g.cast(x, bool) for x in args]
    composite = COMPOSITES.get(name)
    if composite is not None:
        y = composite(g, *args)
        return None if y is None else g.cast(y, out.dtype)
    if args[0].dtype.kind == "b" and name in _ON_BOOLEANS:
        name = _ON_BOOLEANS[name]
    name = _NAMES.get(name, name)
    if not all(supports(name, x.dtype) for x in args):
        return None
    is_test = out.dtype.kind == "b" and name not in ("and", "or", "xor", "not")
    return g.cast(g.map(name, *args, dtype=bool if is_test else args[0].dtype), out.dtype)


def _loop_dtypes(e: Equation, ins: Sequence[Any]) -> list[Any] | None:
    """The dtypes to which NumPy converts the operands before it computes."""
    function = e.primitive.evaluate
    if isinstance(function, np.ufunc):
        kinds = [x.dtype if hasattr(x, "dtype") else type(x) for x in ins]
        wanted = tuple([np.dtype(bool) if k is bool else k for k in kinds])
        return list(function.resolve_dtypes((*wanted, *(None,) * function.nout))[: len(ins)])
    if e.primitive.name in ("share_of_larger", "share_ignoring_nan"):
        weak = [x.dtype if hasattr(x, "dtype") else x for x in ins]
        return [np.result_type(*weak)] * len(ins)
    return [e.outputs[0].dtype] * len(ins)


def _operand(g: Graph, x: Any, dtype: Any) -> Node:
    return g.cast(x, dtype) if isinstance(x, Node) else g.const(x, dtype)


@lowers("where")
def _where(result: Lowered, e: Equation, ins: Sequence[Any]) -> Node:
    g, out = result.graph, e.outputs[0]
    condition, x, y = [
        g.broadcast(_operand(g, v, t), out.shape)
        for v, t in zip(ins, (np.bool_, out.dtype, out.dtype), strict=True)
    ]
    return g.map("select", condition, x, y, dtype=out.dtype)


@lowers("astype")
def _astype(result: Lowered, e: Equation, ins: Sequence[Any]) -> Node | None:
    return result.graph.cast(ins[0], e.outputs[0].dtype) if isinstance(ins[0], Node) else None


# ------------------------------------------------------------------ made of several operations


def _pow(g: Graph, x: Node, y: Node) -> Node | None:
    if x.dtype.kind != "f":
        return None
    from ..ir import value_of

    exponent = value_of(y)
    if exponent == 2:
        return g.map("mul", x, x)
    if exponent == 1:
        return x
    if exponent == -1:
        return g.map("div", g.const(1, x.dtype, x.shape), x)
    return g.map("pow", x, y)


def _share_of_larger(g: Graph, x: Node, y: Node) -> Node:
    dtype = x.dtype if x.dtype.kind == "f" else np.dtype(np.float64)
    one, half, zero = (g.const(c, dtype, x.shape) for c in (1, 0.5, 0))
    tie = g.map("select", g.map("equal", x, y, dtype=bool), half, zero, dtype=dtype)
    return g.map("select", g.map("greater", x, y, dtype=bool), one, tie, dtype=dtype)


def _share_ignoring_nan(g: Graph, x: Node, y: Node) -> Node:
    share = _share_of_larger(g, x, y)
    if y.dtype.kind != "f":
        return share
    one = g.const(1, share.dtype, share.shape)
    return g.map("select", g.map("isnan", y, dtype=bool), one, share, dtype=share.dtype)


def _heaviside(g: Graph, x: Node, y: Node) -> Node:
    zero, one = (g.const(c, x.dtype, x.shape) for c in (0, 1))
    y = g.map("select", g.map("less", x, zero, dtype=bool), zero, y, dtype=x.dtype)
    y = g.map("select", g.map("greater", x, zero, dtype=bool), one, y, dtype=x.dtype)
    return g.map("select", g.map("isnan", x, dtype=bool), x, y, dtype=x.dtype)


def _logaddexp(g: Graph, x: Node, y: Node) -> Node:
    # Of equal infinities the difference is NaN; NumPy takes 0 for it.
    top, low = g.map("maximum", x, y), g.map("minimum", x, y)
    zero = g.const(0, x.dtype, x.shape)
    equal = g.map("equal", x, y, dtype=bool)
    distance = g.map("select", equal, zero, g.map("sub", low, top), dtype=x.dtype)
    return g.map("add", top, g.map("log1p", g.map("exp", distance)))


def _scaled(factor: float) -> Callable[[Graph, Node], Node]:
    return lambda g, x: g.map("mul", x, g.const(factor, x.dtype, x.shape))


def _relu(g: Graph, x: Node) -> Node:
    return g.map("maximum", x, g.const(0, x.dtype, x.shape))


COMPOSITES: dict[str, Callable[..., Node | None]] = {
    "pow": _pow,
    "square": lambda g, x: g.map("mul", x, x),
    "reciprocal": lambda g, x: (
        g.map("div", g.const(1, x.dtype, x.shape), x) if x.dtype.kind == "f" else None
    ),
    "positive": lambda g, x: x,
    "relu": _relu,
    "selected_product": lambda g, c, p: (
        g.map("strong", p, c) if c.dtype.kind == "f" else g.map("mul", c, p)
    ),
    "share_of_larger": _share_of_larger,
    "share_ignoring_nan": _share_ignoring_nan,
    "heaviside": _heaviside,
    "logaddexp": _logaddexp,
    "clip": lambda g, x, low, high: g.map("minimum", g.map("maximum", x, low), high),
    "deg2rad": _scaled(np.pi / 180),
    "radians": _scaled(np.pi / 180),
    "rad2deg": _scaled(180 / np.pi),
    "degrees": _scaled(180 / np.pi),
}
"""Pointwise primitives that are made of several scalar operations."""
