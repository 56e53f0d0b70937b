"""The table of lowerings, and the way of one Program into the index IR."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...core.abstract import Var
from ...core.program import Equation, Program
from ..ir import Graph, Node

__all__ = ["LOWERINGS", "Lowering", "lowered", "lowers", "representable"]

Lowering = Callable[..., Node | Sequence[Node] | None]

LOWERINGS: dict[str, Lowering] = {}
"""By the ``lower`` field of a primitive: ``(graph, equation, operands) -> nodes``.

Operands are nodes, and Python's or NumPy's scalars, whose dtype may be weak.
"""


def lowers(*names: str) -> Callable[[Lowering], Lowering]:
    """Register the lowering of primitives with these ``lower`` fields."""

    def add(function: Lowering) -> Lowering:
        for name in names:
            LOWERINGS[name] = function
        return function

    return add


def representable(dtype: Any) -> bool:
    """Whether native code has registers for it."""
    dtype = np.dtype(dtype)
    return dtype.isnative and (
        dtype.kind in "b" or (dtype.kind in "fiu" and dtype.itemsize <= 8 and dtype != np.float16)
    )


class Lowered:
    """A Program as a graph.

    Attributes
    ----------
    inputs : list of Node
        Arguments first, then hidden inputs.
    outputs : list
        A node, or a scalar constant.
    checks : list of (Node, str)
        Scalars that are True if the program may not be run on these values, and why.
    native, opaque : list of Equation
        What has code, and what NumPy evaluates.
    """

    def __init__(self) -> None:
        self.graph = Graph()
        self.inputs: list[Node] = []
        self.outputs: list[Any] = []
        self.checks: list[tuple[Node, str]] = []
        self.native: list[Equation] = []
        self.opaque: list[Equation] = []


def lowered(program: Program) -> Lowered:
    """Translate a Program, equation by equation."""
    result = Lowered()
    g = result.graph
    env: dict[Any, Node] = {}
    for v in [*program.inputs, *(v for v, _ in program.captured)]:
        env[v] = g.input(len(result.inputs), v.shape, v.dtype)
        result.inputs.append(env[v])
        if v.progression is not None:
            env[v] = g.progression(*v.progression, v.shape[0], v.dtype)
    for e in program.equations:
        ins = [env[x] if type(x) is Var else x for x in e.inputs]
        nodes = _native(result, e, ins)
        if nodes is None:
            result.opaque.append(e)
            nodes = _opaque(g, e, ins, len(result.opaque) - 1)
        else:
            result.native.append(e)
        env.update(zip(e.outputs, nodes, strict=True))
    result.outputs = [env[v] if type(v) is Var else v for v in program.outputs]
    return result


def _native(result: Lowered, e: Equation, ins: list[Any]) -> Sequence[Node] | None:
    lowering = LOWERINGS.get(e.primitive.lower) if isinstance(e.primitive.lower, str) else None
    if lowering is None:
        return None
    types = [x.dtype for x in [*ins, *e.outputs] if hasattr(x, "dtype")]
    if not all(map(representable, types)) or any(isinstance(x, complex) for x in ins):
        return None
    if all(0 in v.shape for v in e.outputs) and not _has_indices(e, ins):
        return [result.graph.const(0, v.dtype, v.shape) for v in e.outputs]
    if isinstance(nodes := lowering(result, e, ins), Node):
        nodes = (nodes,)
    if nodes is not None:
        for node, v in zip(nodes, e.outputs, strict=True):
            assert node.shape == v.shape, f"lowering of {e.primitive.name}: {node.text()}, not {v}"
            assert node.dtype == v.dtype, f"lowering of {e.primitive.name}: {node.text()}, not {v}"
    return nodes


def _has_indices(e: Equation, ins: list[Any]) -> bool:
    """Whether there may be indices out of bounds, which are errors even where nothing is read."""
    return "template" in e.params and any(
        isinstance(x, Node) and x.size and x.dtype.kind in "iu" for x in ins[1:]
    )


def _opaque(g: Graph, e: Equation, ins: list[Any], number: int) -> Sequence[Node]:
    """An equation for NumPy; ``number`` tells it from others, and where it is kept."""
    operands = [x for x in ins if isinstance(x, Node)]
    node = g.make("opaque", operands, (), np.bool_, number)
    return [g.make("item", (node,), v.shape, v.dtype, k) for k, v in enumerate(e.outputs)]
