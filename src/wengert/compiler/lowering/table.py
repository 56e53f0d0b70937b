"""The table of lowerings, and the way of one Program into the index IR."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...core.abstract import Var
from ...core.program import Equation, Program
from ..ir import Graph, Node
from .pairs import Pair, join, parts_in, real_dtype

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
    """Whether native code has registers for it, or two for a pair of it."""
    dtype = np.dtype(dtype)
    if dtype.kind == "c":
        return bool(dtype.isnative and dtype.itemsize <= 16)
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
    uses : Counter
        How often a variable is read, as an operand or a result.
    """

    def __init__(self) -> None:
        self.graph = Graph()
        self.inputs: list[Node] = []
        self.outputs: list[Any] = []
        self.checks: list[tuple[Node, str]] = []
        self.native: list[Equation] = []
        self.opaque: list[Equation] = []
        self.uses: Counter[Any] = Counter()


def lowered(program: Program) -> Lowered:
    """Translate a Program, equation by equation."""
    result = Lowered()
    g = result.graph
    env: dict[Any, Node | Pair] = {}
    read = [x for e in program.equations for x in e.inputs] + list(program.outputs)
    result.uses.update(x for x in read if type(x) is Var)
    for v in [*program.inputs, *(v for v, _ in program.captured)]:
        if v.dtype.kind == "c" and representable(v.dtype):
            node = g.input(len(result.inputs), (*v.shape, 2), real_dtype(v.dtype))
            result.inputs.append(node)
            env[v] = parts_in(g, node)
            continue
        node = g.input(len(result.inputs), v.shape, v.dtype)
        result.inputs.append(node)
        env[v] = node
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
    found = [env[v] if type(v) is Var else v for v in program.outputs]
    result.outputs = [join(g, y) if isinstance(y, Pair) else y for y in found]
    return result


def _native(result: Lowered, e: Equation, ins: list[Any]) -> Sequence[Any] | None:
    types = [x.dtype for x in [*ins, *e.outputs] if hasattr(x, "dtype")]
    if not all(map(representable, types)) or not isinstance(e.primitive.lower, str):
        return None
    if all(0 in v.shape for v in e.outputs) and not _has_indices(e, ins):
        return [_nothing(result.graph, v) for v in e.outputs]
    if any(t.kind == "c" for t in types) or any(isinstance(x, complex) for x in ins):
        from .complex_numbers import lowered_complex  # which lowers parts by the table

        return _checked(e, lowered_complex(result, e, ins))
    lowering = LOWERINGS.get(e.primitive.lower)
    if lowering is None:
        return None
    if isinstance(nodes := lowering(result, e, ins), Node):
        nodes = (nodes,)
    return _checked(e, nodes)


def _checked(e: Equation, nodes: Sequence[Any] | None) -> Sequence[Any] | None:
    """The nodes, which have the shapes and dtypes of the outputs."""
    if nodes is not None:
        for node, v in zip(nodes, e.outputs, strict=True):
            assert node.shape == v.shape, f"lowering of {e.primitive.name}: {_text(node)}, not {v}"
            assert node.dtype == v.dtype, f"lowering of {e.primitive.name}: {_text(node)}, not {v}"
    return nodes


def _nothing(g: Graph, v: Var) -> Any:
    """An array without elements."""
    if v.dtype.kind != "c":
        return g.const(0, v.dtype, v.shape)
    part = g.const(0, real_dtype(v.dtype), v.shape)
    return Pair(part, part)


def _text(x: Node | Pair) -> str:
    return x.text() if isinstance(x, Node) else f"{x.dtype.name}{list(x.shape)}"


def _has_indices(e: Equation, ins: list[Any]) -> bool:
    """Whether there may be indices out of bounds, which are errors even where nothing is read."""
    return "template" in e.params and any(
        isinstance(x, Node) and x.size and x.dtype.kind in "iu" for x in ins[1:]
    )


def _opaque(g: Graph, e: Equation, ins: list[Any], number: int) -> Sequence[Any]:
    """An equation for NumPy; ``number`` tells it from others, and where it is kept."""
    operands = [join(g, x) if isinstance(x, Pair) else x for x in ins if isinstance(x, Node | Pair)]
    node = g.make("opaque", operands, (), np.bool_, number)
    return [_item(g, node, v, k) for k, v in enumerate(e.outputs)]


def _item(g: Graph, node: Node, v: Var, number: int) -> Any:
    if v.dtype.kind == "c" and representable(v.dtype):
        return parts_in(g, g.make("item", (node,), (*v.shape, 2), real_dtype(v.dtype), number))
    return g.make("item", (node,), v.shape, v.dtype, number)
