"""The reverse sweep: from a value back to the inputs of a transform, or to the leaves.

Neither the walk nor the sweep recurses: ids give the order of recording.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any

import numpy as np

from . import debugging
from .abstract import Var
from .finite import finite
from .quiet import quiet, restore, silence
from .state import DEBUGGED
from .tape import FOREVER, INPUT, LEAF, Cotangents, Node, Wrap, contribute, restore_output, wrapper
from .tensor import RareTensor, Tensor, handle

__all__ = [
    "LARGE",
    "collect",
    "propagate",
    "propagate_plain",
    "reach",
    "results_finite",
    "sweep",
]

# Global names: looking them up in NumPy's module is slow (docs/design/core.md).
ndarray, np_float64 = np.ndarray, np.float64


# Cotangents with so many elements are worth the question whether their memory may be written.
LARGE = 4096


def sweep(
    root: Node,
    seed: Any,
    stops: frozenset[int],
    create_graph: bool = False,
    large: bool = False,
    value: Any = None,
) -> tuple[Cotangents, dict[int, Node], bool, bool]:
    """Propagate ``seed``, the cotangent of ``root``, back to ``stops`` (to the leaves if empty).

    Runs on plain arrays unless the swept part of the tape meets something of an outer transform (an
    older node, a foreign leaf, a tangent, an abstract value) or ``create_graph`` is set.

    A cotangent that is exactly zero must annihilate an infinite or NaN partial. The usual case does
    not pay for that: the sweep multiplies, and is repeated with strong products only where a result
    is not finite. With ``large``, of inputs of which one has `LARGE` elements, cotangents on plain
    arrays are changed in place where that is possible, and ``value``, that of ``root``, may tell
    that no partial is infinite or NaN.

    Returns
    -------
    cotangents : dict
        By node id, for the stops (or all leaves) reached.
    nodes : dict
        The nodes swept, by id.
    graph : bool
        Whether the cotangents are Tensors.
    record : bool
        Whether the swept part reaches something of an outer transform.
    """
    nodes, graph, record = collect(root, stops)
    if not graph:
        graph = create_graph or _any_tensor(seed)
    if not graph:
        order = sorted(nodes, reverse=True)
        if DEBUGGED and debugging.examines():
            wrap = wrapper(False)
            with quiet():
                cotangents = propagate(
                    order, nodes, root, seed, stops, False, wrap, True, examined=True
                )
            return cotangents, nodes, False, record
        before = silence()
        try:
            cotangents = propagate_plain(order, nodes, root, seed, stops, large)
            known = large and _is_telling(value, nodes)
            if not known and not results_finite(cotangents, nodes):
                wrap = wrapper(False)
                cotangents = propagate(order, nodes, root, seed, stops, False, wrap, True)
        finally:
            restore(before)
        return cotangents, nodes, False, record
    wrap = wrapper(record or create_graph, min(stops) if stops else FOREVER)
    if stops and record:
        nodes = _leading_to(nodes, stops)
    order = sorted(nodes, reverse=True)
    if DEBUGGED and debugging.examines():
        with quiet():
            cotangents = propagate(order, nodes, root, seed, stops, True, wrap, True, examined=True)
        return cotangents, nodes, True, record
    with quiet():
        cotangents = propagate(order, nodes, root, seed, stops, True, wrap, False)
        if not all_finite(cotangents):
            cotangents = propagate(order, nodes, root, seed, stops, True, wrap, True)
    return cotangents, nodes, True, record


def _any_tensor(seed: Any) -> bool:
    if type(seed) is list:
        return any(isinstance(s, Tensor) for s in seed)
    return isinstance(seed, Tensor)


def all_finite(cotangents: Cotangents) -> bool:
    """Whether no cotangent has an infinity or a NaN."""
    for ct in cotangents.values():
        if not finite(ct):
            return False
    return True


def propagate_plain(
    order: list[int],
    nodes: dict[int, Node],
    root: Node,
    seed: Any,
    stops: frozenset[int],
    large: bool = False,
) -> Cotangents:
    """`propagate` on plain arrays between a value and the inputs of a transform: the usual case.

    With ``large``, kinds that have rules of their own for large cotangents go by these.
    """
    cotangents: Cotangents = {root[0]: seed}
    pop = cotangents.pop
    node = root
    try:
        for k in order:
            if k in stops:
                continue
            ct = pop(k, None)
            if ct is not None:
                node = nodes[k]
                kind = node[1]
                if large and kind.large is not None and type(ct) is ndarray and ct.size >= LARGE:
                    kind.large(node, ct, cotangents)
                else:
                    kind.raw(node, ct, cotangents)
    except Exception as error:
        debugging.note_backward(error, node)
        raise
    return cotangents


# Arrays from here on are worth the search for a cheaper test of finiteness.
_LARGE = 16384


def results_finite(results: Cotangents, nodes: dict[int, Node]) -> bool:
    """Whether strong zeros could change nothing, since all results are finite.

    Contractions have no strong zeros, and spread what is not finite in a cotangent over whole rows
    and columns of their result. A large array that only contractions contributed to (the gradient
    of a weight matrix) is therefore tested by its first rows along each axis, and one that only an
    extremum contributed to where the extrema stand.
    """
    large = set()
    for k in results:
        ct = results[k]
        if type(ct) is ndarray and ct.size >= _LARGE and ct.ndim >= 2:
            large.add(k)
        elif not finite(ct):
            return False
    if not large:
        return True
    elsewhere: dict[int, Node | None] = {}  # with the node, if it is the only one
    lefts: set[int] = set()
    contracted: set[int] = set()
    for node in nodes.values():
        kind = node[1]
        if kind is LEAF:
            continue
        left = node[2]
        if kind.contracts:
            if left is not None:
                lefts.add(left[0])
                contracted.add(left[0])
            if node[3] is not None:
                contracted.add(node[3][0])
            continue
        for parent in left if kind.wide else (left, node[3]):
            if parent is not None and parent[0] in large:
                elsewhere[parent[0]] = None if parent[0] in elsewhere else node
    for k in large:
        ct = results[k]
        if k in elsewhere or k not in contracted:
            only = None if k in contracted else elsewhere.get(k)
            if not finite(_telling(ct, only)):
                return False
        # What is not finite spreads over columns from a right operand, over rows from a left.
        elif not finite(ct[0]) or (k in lefts and not finite(ct[:, 0])):
            return False
    return True


def _is_telling(value: Any, nodes: dict[int, Node]) -> bool:
    """Whether all values that were saved are finite because the value at the root is.

    Sums, products and their kind spread what is not finite. Elements may be left out of the inputs
    alone: there nothing is multiplied with what comes back for them.
    """
    if type(value) is not np_float64 or not isfinite(value):
        return False
    for node in nodes.values():
        kind = node[1]
        if not kind.spreads and kind is not INPUT:
            parent = node[2][0] if kind.wide else node[2]
            if kind.name != "getitem" or parent is None or parent[1] is not INPUT:
                return False
    return True


def _telling(ct: Any, only: Node | None) -> Any:
    """The entries of a cotangent that tell whether it is finite, if one node contributed to it."""
    if only is None or only[1].support is None:
        return ct
    places = only[1].support(only)
    return ct if places is None else ct.reshape(-1)[places]


def collect(root: Node, stops: frozenset[int]) -> tuple[dict[int, Node], bool, bool]:
    """The nodes between ``root`` and the stops; whether anything foreign or abstract was met."""
    nodes = {root[0]: root}
    found = [root]
    graph = record = False
    oldest = min(stops) if stops else 0
    live = oldest or FOREVER
    push = found.append
    for node in found:
        kind = node[1]
        if node[0] in stops:
            if node[2] is not None:
                record = True
            if kind is INPUT and node[5]:
                graph = True
            continue
        if kind.wide:
            if node[8] and node[8] < live:
                graph = True
            for parent in node[2]:
                if parent is not None and parent[0] not in nodes:
                    if parent[0] < oldest:
                        record = True
                    else:
                        nodes[parent[0]] = parent
                        push(parent)
            continue
        parent = node[2]
        if parent is not None:
            k = parent[0]
            if k not in nodes:
                if k < oldest:
                    record = True
                else:
                    nodes[k] = parent
                    push(parent)
        elif kind is LEAF and stops:
            record = True
        parent = node[3]
        if parent is not None:
            k = parent[0]
            if k not in nodes:
                if k < oldest:
                    record = True
                else:
                    nodes[k] = parent
                    push(parent)
    return nodes, graph or record, record


def reach(root: Node) -> tuple[dict[int, Node], dict[int, int], bool]:
    """`collect` without stops, for `Tensor.backward`.

    Returns
    -------
    nodes : dict
        All nodes that the root depends on, and itself, by id.
    shared : dict
        By id, how often more than once a node is another's parent.
    graph : bool
        Whether a tangent was met.
    """
    nodes = {root[0]: root}
    shared: dict[int, int] = {}
    graph = False
    found = [root]
    push = found.append
    for node in found:
        if node[1].wide:
            parents = node[2]
            if node[8] and node[8] < FOREVER:
                graph = True
        else:
            parents = node[2:4]
        for parent in parents:
            if parent is not None:
                k = parent[0]
                if k in nodes:
                    shared[k] = shared.get(k, 0) + 1
                else:
                    nodes[k] = parent
                    push(parent)
    return nodes, shared, graph


def _leading_to(nodes: dict[int, Node], stops: frozenset[int]) -> dict[int, Node]:
    """Only the nodes that depend on a stop: the others belong to outer transforms."""
    useful: dict[int, Node] = {}
    for k in sorted(nodes):
        node = nodes[k]
        if k in stops:
            useful[k] = node
            continue
        parents = node[2] if node[1].wide else (node[2], node[3])
        for parent in parents:
            if parent is not None and parent[0] in useful:
                useful[k] = node
                break
    return useful


def _as_tensor(x: Any) -> Tensor:
    return x if isinstance(x, Tensor) else handle(x, None, None)


def propagate(
    order: list[int],
    nodes: dict[int, Node],
    root: Node,
    seed: Any,
    stops: frozenset[int],
    graph: bool,
    wrap: Wrap,
    strong: bool,
    visit: Callable[[Node, Any], None] | None = None,
    examined: bool = False,
) -> Cotangents:
    """One pass over the nodes, newest first.

    ``visit(node, ct)`` sees every cotangent. If ``examined``, as inside of `debug`, products are
    strong, and what each node adds is looked at.
    """
    if graph:
        seed = [_as_tensor(s) for s in seed] if type(seed) is list else _as_tensor(seed)
    cotangents: Cotangents = {root[0]: seed}
    results: Cotangents = {}
    node = root
    try:
        for k in order:
            if k not in cotangents:
                continue
            ct = cotangents.pop(k)
            node = nodes[k]
            kind = node[1]
            if visit is not None:
                visit(node, ct)
            if k in stops or kind is LEAF:
                results[k] = ct
            elif examined and (kind.primitive is not None or kind.name == "user"):
                _contribute_examined(node, ct, cotangents, graph, wrap)
            elif kind.primitive is not None and (strong or (graph and _is_abstract(ct))):
                _contribute_strongly(node, ct, cotangents, graph, wrap)
            elif graph:
                kind.graph(node, ct, cotangents, wrap)
            else:
                kind.raw(node, ct, cotangents)
    except Exception as error:
        debugging.note_backward(error, node)
        raise
    return results


def _contribute_examined(
    node: Node, ct: Any, cotangents: Cotangents, graph: bool, wrap: Wrap
) -> None:
    """Inside of `debug`: look at what a node adds before it is added."""
    kind = node[1]
    added: Cotangents = {}
    with debugging.rule_of(node):
        if kind.primitive is not None:
            _contribute_strongly(node, ct, added, graph, wrap)
        elif graph:
            kind.graph(node, ct, added, wrap)
        else:
            kind.raw(node, ct, added)
    debugging.examine_contributions(node, ct, added)
    with debugging.rule_of(node):
        for j, c in added.items():
            cotangents[j] = cotangents[j] + c if j in cotangents else c


def _is_abstract(ct: Any) -> bool:
    """Whether nobody can look whether a cotangent is finite: then products are strong at once."""
    return type(ct) is RareTensor and type(ct._a) is Var


def _contribute_strongly(
    node: Node, ct: Any, cotangents: Cotangents, graph: bool, wrap: Wrap
) -> None:
    primitive = node[1].primitive
    if primitive.partials is None or all(type(p) is int for p in primitive.partials):
        if graph:
            node[1].graph(node, ct, cotangents, wrap)
        else:
            node[1].raw(node, ct, cotangents)
        return
    parents, operands, params, out, _ = node[1].decode(node)
    if graph:
        operands = tuple([wrap(x, m) for x, m in zip(operands, parents, strict=True)])
        if out is not None:
            out = restore_output(primitive, node, operands, params, out, wrap)
    else:  # without the tangents of jvps that have ended
        operands = tuple([x._a if isinstance(x, Tensor) else x for x in operands])
    contribute(primitive, parents, operands, out, params, ct, cotangents, True)
