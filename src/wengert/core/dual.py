"""Forward over reverse on a plain tape: the derivative of a reverse sweep, without recording it.

One pass up the tape carries tangents, one pass down cotangents and their tangents, all on plain
arrays. Recording the reverse sweep and sweeping it again gives the same, but dispatches and records
every operation of the sweep; that way remains for what this one declines:
operations whose kind of node has no `dual`, complex numbers, outer transforms, `debug` blocks, and
results that are not finite, where zeros must annihilate.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np

from . import debugging
from .abstract import Aval
from .finite import finite
from .quiet import restore, silence
from .state import DEBUGGED
from .sweep import collect
from .tape import Cotangents, Node, NodeKind
from .tensor import FastTensor, Tensor

__all__ = ["Dual", "derivative_of_sweep", "dual_of_record"]

# A global name: looking it up in NumPy's module is slow (docs/design/core.md).
ndarray = np.ndarray

Tangents = dict[int, Any]


class TangentRule(Protocol):
    """``(node, tangents)``: the tangent of the node's value; None where it has no rule."""

    def __call__(self, node: Node, tangents: Tangents, /) -> Any: ...


class BendRule(Protocol):
    """``(node, ct, tangents, results)``: what the change of the saved values contributes.

    The node's contribution to a parent is ``ct`` times a partial; this adds ``ct`` times the
    tangent of the partial.
    """

    def __call__(self, node: Node, ct: Any, tangents: Tangents, results: Cotangents, /) -> None: ...


class Dual(NamedTuple):
    """The rules of one kind of node; no ``bend`` where the operation is linear."""

    tangent: TangentRule
    bend: BendRule | None


def derivative_of_sweep(root: Node, seed: Any, directions: Tangents) -> Cotangents | None:
    """The derivative of the cotangents of the inputs as these move in ``directions``.

    Parameters
    ----------
    root : node
        Of a real scalar.
    seed : scalar
        Its cotangent, which does not move.
    directions : dict
        By the id of each input of the transform, an array of the input's shape and dtype.

    Returns
    -------
    dict or None
        By id, for the inputs reached; None if this way is not open.
    """
    stops = frozenset(directions)
    nodes, graph, _ = collect(root, stops)
    if DEBUGGED and debugging.examines():
        return None  # every operation is to be looked at
    if graph:
        return None
    for v in directions.values():
        if type(v) is not ndarray and not isinstance(v, np.generic):
            return None
    order = sorted(nodes)
    tangents = dict(directions)
    before = silence()
    try:
        for k in order:
            if k in stops:
                continue
            node = nodes[k]
            dual = node[1].dual or _dual(node[1])
            if dual is None:
                return None
            t = dual.tangent(node, tangents)
            if t is None or t.dtype.kind != "f":
                return None
            tangents[k] = t
        results = _down(order, nodes, root, seed, tangents, stops)
    finally:
        restore(before)
    for r in results.values():
        if not finite(r):
            return None
    return results


def _down(
    order: list[int],
    nodes: dict[int, Node],
    root: Node,
    seed: Any,
    tangents: Tangents,
    stops: frozenset[int],
) -> Cotangents:
    cotangents: Cotangents = {root[0]: seed}
    moving: Cotangents = {}
    for k in reversed(order):
        if k in stops:
            continue
        ct = cotangents.pop(k, None)
        moved = moving.pop(k, None)
        node = nodes[k]
        kind = node[1]
        if ct is not None and kind.dual.bend is not None:
            kind.dual.bend(node, ct, tangents, moving)
        if moved is not None:
            kind.raw(node, moved, moving)
        if ct is not None:  # last, since it may write into ct
            kind.raw(node, ct, cotangents)
    return moving


def _dual(kind: NodeKind) -> Dual | None:
    """The rules of a kind; those of an operation that is linear follow from its record."""
    if kind.dual is None:
        p = kind.primitive
        if p is None or p.linear is None or p.jvp is not None or p.outputs is not None:
            return None
        kind.dual = _linear_dual
    dual: Dual = kind.dual
    return dual


def _linear_tangent(node: Node, tangents: Tangents) -> Any:
    """The operation itself on the tangents, with zeros for operands that do not move."""
    primitive = node[1].primitive
    parents, operands, params, _, _ = node[1].decode(node)
    linear = primitive.linear
    ins = []
    for i, (parent, x) in enumerate(zip(parents, operands, strict=True)):
        if parent is not None:
            ins.append(tangents[parent[0]])
        elif i not in linear:
            if isinstance(x, Aval):
                return None
            ins.append(x)
        elif x is None:
            return None
        else:
            moving = [tangents[p[0]] for p in parents if p is not None]
            ins.append(np.zeros(np.shape(x), np.result_type(*moving)))
    return primitive.evaluate(*ins, **params)


_linear_dual = Dual(_linear_tangent, None)


def dual_of_record(flat: NodeKind, saved: str) -> Dual:
    """The rules of a flat kind for the nodes that `bind` records of the same operation.

    ``saved`` names what the flat node holds behind its fifth place: the operands ``x`` and ``y``
    (or the shapes of those that were not saved) and the output.
    """

    def flattened(node: Node) -> Node | None:
        parents, operands, _, out, _ = node[1].decode(node)
        flat_node: Node = [
            node[0],
            flat,
            parents[0],
            parents[1] if len(parents) > 1 else None,
            None,
        ]
        for name in saved.split():
            value = out if name == "out" else operands["xy".index(name)]
            if isinstance(value, Tensor):
                if type(value) is not FastTensor:
                    return None
                value = value._a
            flat_node.append(value.shape if isinstance(value, Aval) else value)
        return flat_node

    def tangent(node: Node, tangents: Tangents) -> Any:
        flat_node = flattened(node)
        return None if flat_node is None else flat.dual.tangent(flat_node, tangents)

    def bend(node: Node, ct: Any, tangents: Tangents, results: Cotangents) -> None:
        flat.dual.bend(flattened(node), ct, tangents, results)

    return Dual(tangent, bend if flat.dual.bend is not None else None)
