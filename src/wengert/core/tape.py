"""The eager tape: its nodes and the reverse sweep.

There is no global tape. Each recorded value has a node, a plain list

    [id, kind, parent, parent, gradient, saved...]

that refers to the nodes of its operands, so a tape dies with the last Tensor that refers to it. Ids
come from one counter; sorting what is reachable by id gives the order of recording, so that neither
the walk nor the sweep recurses. Kinds with ``wide`` set hold any number of parents, as a tuple in
the third place; the flat kinds are those of the generated fast paths (`wengert.rules.fast`).

Nodes are written once, but for the gradient in the fifth place: that is the Tensor's ``.grad``, and
``backward()`` fills it in for leaves and for every Tensor that somebody still holds. (A list costs
7 ns more than a tuple; a weak reference back to the Tensor, the other way to find it, costs 70.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import algebra
from .abstract import Aval, Var
from .finite import finite
from .quiet import quiet
from .state import next_id
from .tensor import RareTensor, Tensor, handle

if TYPE_CHECKING:
    from .primitive import Primitive

__all__ = [
    "INPUT",
    "JOIN",
    "LEAF",
    "OUTPUT",
    "Liveness",
    "Node",
    "NodeKind",
    "Scope",
    "Wrap",
    "accumulate",
    "collect",
    "contribute",
    "propagate",
    "results_finite",
    "sweep",
    "wide_kind",
    "wrapper",
]

Node = list[Any]
Cotangents = dict[int, Any]
Wrap = Callable[[Any, Node | None], Any]


class NodeKind:
    """How the reverse sweep reads one layout of node.

    Parameters
    ----------
    name : str
        For messages.
    primitive : Primitive or None
        None for leaves, inputs of transforms and outputs of tuple-valued operations.
    wide : bool
        Whether the third entry is a tuple of parents.
    raw : callable
        ``(node, ct, cotangents)``: add this node's contributions to its parents', on plain arrays.
    graph : callable
        ``(node, ct, cotangents, wrap)``: the same on Tensors; ``wrap(value, parent)`` turns a saved
        value into what it was when it was recorded.
    contracts : bool
        Whether it is a product of matrices of rank at most two (set afterwards).
    decode : callable
        ``node -> (parents, operands, params, output, constants)``; an operand that was not saved is
        an `Aval` or None, an output that was not is None; ``constants`` are weak references to the
        operands that are Tensors without a node.
    """

    __slots__ = ("contracts", "decode", "graph", "name", "primitive", "raw", "wide")

    def __init__(
        self,
        name: str,
        primitive: Primitive | None,
        wide: bool,
        raw: Callable[..., None],
        graph: Callable[..., None],
        decode: Callable[[Node], tuple[Any, ...]],
    ) -> None:
        self.name = name
        self.primitive = primitive
        self.wide = wide
        self.raw = raw
        self.graph = graph
        self.decode = decode
        self.contracts = False

    def __repr__(self) -> str:
        return self.name


def accumulate(cotangents: Cotangents, parent: Node, ct: Any) -> None:
    """Add ``ct`` to the cotangent of ``parent``."""
    k = parent[0]
    cotangents[k] = cotangents[k] + ct if k in cotangents else ct


_FOREVER = 2**62


def wrapper(tracked: bool, oldest: int = _FOREVER) -> Wrap:
    """What turns a saved value into the Tensor that it was when it was recorded.

    Parameters
    ----------
    tracked : bool
        Whether the sweep itself is to be recorded.
    oldest : int
        The transform's oldest input: tangents of younger levels belong to jvps that have ended.
    """

    def wrap(value: Any, parent: Node | None) -> Any:
        node = parent if tracked else None
        if isinstance(value, Tensor):
            tangents = value._x.tangents if type(value) is RareTensor else {}
            return handle(value._a, node, {k: t for k, t in tangents.items() if k < oldest})
        if type(value) is Var:
            return handle(value, node, None)
        if node is None or type(value) is Aval or value is None:
            return value
        return handle(value, node, None)

    return wrap


# ------------------------------------------------------------------ leaves, inputs, parts of tuples


def _no_contribution(node: Node, ct: Any, cotangents: Cotangents, wrap: Any = None) -> None:
    """A leaf: its cotangent is a result."""


def _pass_on(node: Node, ct: Any, cotangents: Cotangents, wrap: Any = None) -> None:
    if node[2] is not None:
        accumulate(cotangents, node[2], ct)


def _collect_output(node: Node, ct: Any, cotangents: Cotangents, wrap: Any = None) -> None:
    parent = node[2]
    k = parent[0]
    if k not in cotangents:
        cotangents[k] = [None] * parent[1].primitive.outputs
    have = cotangents[k][node[5]]
    cotangents[k][node[5]] = ct if have is None else have + ct


def _decode_parent(node: Node) -> tuple[Any, ...]:
    return (node[2],), (None,), {}, None, (None,)


def _distribute(node: Node, ct: Any, cotangents: Cotangents, wrap: Any = None) -> None:
    for parent, c in zip(node[2], ct, strict=True):
        if parent is not None:
            accumulate(cotangents, parent, c)


LEAF = NodeKind("leaf", None, False, _no_contribution, _no_contribution, _decode_parent)
INPUT = NodeKind("input", None, False, _pass_on, _pass_on, _decode_parent)
JOIN = NodeKind("join", None, True, _distribute, _distribute, _decode_parent)  # several roots
OUTPUT = NodeKind("output", None, False, _collect_output, _collect_output, _decode_parent)


# ------------------------------------------------------------------ wide nodes: any primitive
# [id, kind, parents, None, gradient, operands, params, output, foreign, constants]


def _decode_wide(node: Node) -> tuple[Any, ...]:
    return node[2], node[5], node[6], node[7], node[9] or (None,) * len(node[2])


def wide_kind(primitive: Primitive) -> NodeKind:
    """The kind of the nodes that `bind` records for ``primitive``."""

    def raw(node: Node, ct: Any, cotangents: Cotangents) -> None:
        operands = node[5]
        if node[8]:  # tangents of jvps that have ended
            operands = tuple([x._a if isinstance(x, Tensor) else x for x in operands])
        contribute(primitive, node[2], operands, node[7], node[6], ct, cotangents, False)

    def graph(node: Node, ct: Any, cotangents: Cotangents, wrap: Wrap) -> None:
        parents, operands, params, out = node[2], node[5], node[6], node[7]
        operands = tuple([wrap(x, m) for x, m in zip(operands, parents, strict=True)])
        if primitive.needs_out:
            out = _restore_output(primitive, node, operands, params, out, wrap)
        contribute(primitive, parents, operands, out, params, ct, cotangents, False)

    return NodeKind(primitive.name, primitive, True, raw, graph, _decode_wide)


def _restore_output(
    primitive: Primitive, node: Node, operands: Any, params: Any, out: Any, wrap: Wrap
) -> Any:
    """The output with its node and its tangents.

    The tangents are computed again from those of the operands: saving them in the node would make
    a reference cycle (the tangent's node refers to this one).
    """
    dual = any(type(x) is RareTensor and x._x.tangents for x in operands)
    if primitive.outputs is not None:
        return _restore_outputs(primitive, node, operands, params, out, wrap, dual)
    result = wrap(out, node)
    if dual:
        from .forward import tangents_of_output

        base = result if isinstance(result, Tensor) else handle(result, None, None)
        return handle(
            base._a, base._n, tangents_of_output(primitive, operands, base._a, base._n, params)
        )
    return result


def _restore_outputs(
    primitive: Primitive,
    node: Node,
    operands: Any,
    params: Any,
    outs: Any,
    wrap: Wrap,
    dual: bool,
) -> tuple[Any, ...]:
    """The same for several outputs. Each gets a new OUTPUT node: the first ones died."""
    nodes = [
        [next_id(), OUTPUT, node, None, None, i] if o.dtype.kind in "fc" else None
        for i, o in enumerate(outs)
    ]
    results = tuple([wrap(o, n) for o, n in zip(outs, nodes, strict=True)])
    if not dual:
        return results
    from .forward import tangents_of_output

    bases = [r if isinstance(r, Tensor) else handle(r, None, None) for r in results]
    tangents = tangents_of_output(
        primitive, operands, [b._a for b in bases], [b._n for b in bases], params
    )
    return tuple(
        handle(b._a, b._n, {level: t[i] for level, t in tangents.items() if t[i] is not None})
        for i, b in enumerate(bases)
    )


def contribute(
    primitive: Primitive,
    parents: tuple[Node | None, ...],
    operands: tuple[Any, ...],
    out: Any,
    params: dict[str, Any],
    ct: Any,
    cotangents: Cotangents,
    strong: bool,
) -> None:
    """Add an operation's contributions to the cotangents of its parents, by its record."""
    if primitive.partials is not None:
        for i, parent in enumerate(parents):
            partial = primitive.partials[i] if parent is not None else None
            if parent is None or partial is None:
                continue
            t = algebra.times_partial(ct, partial, out, operands, strong)
            accumulate(cotangents, parent, algebra.unbroadcast(t, operands[i].shape))
    elif primitive.transpose is not None and _is_transposable(primitive, parents):
        rules = primitive.transpose
        for i, parent in enumerate(parents):
            if parent is None:
                continue
            if not isinstance(rules, tuple):
                accumulate(cotangents, parent, rules(i, ct, operands, out, **params))
            elif (rule := rules[i] if i < len(rules) else None) is not None:
                accumulate(cotangents, parent, rule(ct, operands, out, **params))
    elif primitive.vjp is not None:
        cts = primitive.vjp(ct, operands, out, **params)
        for parent, c in zip(parents, cts, strict=True):
            if parent is not None and c is not None:
                accumulate(cotangents, parent, c)
    elif primitive.jvp is not None:
        from .transposition import transpose_jvp

        tracked = [i for i, parent in enumerate(parents) if parent is not None]
        for i, t in zip(
            tracked, transpose_jvp(primitive, tracked, operands, out, params, ct), strict=True
        ):
            if t is not None:
                accumulate(cotangents, parents[i], t)  # type: ignore[arg-type]


def _is_transposable(primitive: Primitive, parents: tuple[Node | None, ...]) -> bool:
    """Whether all that is differentiated are operands in which the operation is linear."""
    linear = primitive.linear
    return primitive.jvp is None or all(
        parent is None or i in (linear or ()) for i, parent in enumerate(parents)
    )


# ------------------------------------------------------------------ the sweep


def sweep(
    root: Node, seed: Any, stops: frozenset[int], create_graph: bool = False
) -> tuple[Cotangents, dict[int, Node], bool, bool]:
    """Propagate ``seed``, the cotangent of ``root``, back to ``stops`` (to the leaves if empty).

    Runs on plain arrays unless the swept part of the tape meets something of an outer transform (an
    older node, a foreign leaf, a tangent, an abstract value) or ``create_graph`` is set.

    A cotangent that is exactly zero must annihilate an infinite or NaN partial. The usual case does
    not pay for that: the sweep multiplies, and is repeated with strong products only where a result
    is not finite.

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
        with quiet():
            cotangents = _propagate_plain(order, nodes, root, seed, stops)
            if not results_finite(cotangents, nodes):
                wrap = wrapper(False)
                cotangents = propagate(order, nodes, root, seed, stops, False, wrap, True)
        return cotangents, nodes, False, record
    wrap = wrapper(record or create_graph, min(stops) if stops else _FOREVER)
    if stops and record:
        nodes = _leading_to(nodes, stops)
    order = sorted(nodes, reverse=True)
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


def _propagate_plain(
    order: list[int], nodes: dict[int, Node], root: Node, seed: Any, stops: frozenset[int]
) -> Cotangents:
    """`propagate` on plain arrays between a value and the inputs of a transform: the usual case."""
    cotangents: Cotangents = {root[0]: seed}
    pop = cotangents.pop
    for k in order:
        if k in stops:
            continue
        ct = pop(k, None)
        if ct is not None:
            node = nodes[k]
            node[1].raw(node, ct, cotangents)
    return cotangents


# Arrays from here on are worth the search for a cheaper test of finiteness.
_LARGE = 16384


def results_finite(results: Cotangents, nodes: dict[int, Node]) -> bool:
    """Whether strong zeros could change nothing, since all results are finite.

    Contractions have no strong zeros, and spread what is not finite in a cotangent over whole rows
    and columns of their result. A large array that only contractions contributed to (the gradient
    of a weight matrix) is therefore tested by its first rows along each axis.
    """
    large = [k for k, ct in results.items() if ct is not None and ct.size >= _LARGE]
    elsewhere: set[int] = set()
    if large:
        for node in nodes.values():
            if not node[1].contracts:
                for parent in node[2] if node[1].wide else node[2:4]:
                    if parent is not None:
                        elsewhere.add(parent[0])
    for k, ct in results.items():
        if k in large and k not in elsewhere and ct.ndim == 2:
            if not (finite(ct[0]) and finite(ct[:, 0])):
                return False
        elif not finite(ct):
            return False
    return True


def collect(root: Node, stops: frozenset[int]) -> tuple[dict[int, Node], bool, bool]:
    """The nodes between ``root`` and the stops; whether anything foreign or abstract was met."""
    nodes = {root[0]: root}
    stack = [root]
    graph = record = False
    oldest = min(stops) if stops else 0
    live = oldest or _FOREVER
    pop, push = stack.pop, stack.append
    while stack:
        node = pop()
        if node[0] in stops:
            if node[2] is not None:
                record = True
            if node[1] is INPUT and node[5]:
                graph = True
            continue
        kind = node[1]
        if kind.wide:
            if node[8] and node[8] < live:
                graph = True
            for parent in node[2]:
                if parent is None:
                    continue
                k = parent[0]
                if k < oldest:
                    record = True
                elif k not in nodes:
                    nodes[k] = parent
                    push(parent)
            continue
        parent = node[2]
        if parent is not None:
            k = parent[0]
            if k < oldest:
                record = True
            elif k not in nodes:
                nodes[k] = parent
                push(parent)
        elif kind is LEAF and stops:
            record = True
        parent = node[3]
        if parent is not None:
            k = parent[0]
            if k < oldest:
                record = True
            elif k not in nodes:
                nodes[k] = parent
                push(parent)
    return nodes, graph or record, record


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
) -> Cotangents:
    """One pass over the nodes, newest first. ``visit(node, ct)`` sees every cotangent."""
    if graph:
        seed = [_as_tensor(s) for s in seed] if type(seed) is list else _as_tensor(seed)
    cotangents: Cotangents = {root[0]: seed}
    results: Cotangents = {}
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
        elif kind.primitive is not None and (strong or (graph and _is_abstract(ct))):
            _contribute_strongly(node, ct, cotangents, graph, wrap)
        elif graph:
            kind.graph(node, ct, cotangents, wrap)
        else:
            kind.raw(node, ct, cotangents)
    return results


class Scope:
    """Whether a transform is still running its function. Its INPUT nodes refer to it."""

    __slots__ = ("active",)

    def __init__(self) -> None:
        self.active = True


class Liveness:
    """Which nodes still matter: those that lead to a leaf or to an input of a running transform.

    When a transform ends, what leaves it drops the nodes that led only to its own inputs.
    """

    def __init__(self) -> None:
        self._dead: set[int] = set()

    def alive(self, node: Node | None) -> bool:
        """Whether anything that is still to be differentiated is reached from ``node``."""
        if node is None or node[0] in self._dead:
            return False
        stack = [node]
        seen = {node[0]}
        while stack:
            n = stack.pop()
            kind = n[1]
            if kind is LEAF or (kind is INPUT and n[6].active):
                return True
            for parent in n[2] if kind.wide else n[2:4]:
                if parent is not None and parent[0] not in seen and parent[0] not in self._dead:
                    seen.add(parent[0])
                    stack.append(parent)
        self._dead |= seen
        return False

    def strip(self, t: Tensor) -> Tensor:
        """The same value with only the nodes and the tangents' nodes that still matter."""
        node = t._n if self.alive(t._n) else None
        tangents = None
        if type(t) is RareTensor and t._x.tangents:
            tangents = {
                level: self.strip(v) if isinstance(v, Tensor) else v
                for level, v in t._x.tangents.items()
            }
        return handle(t._a, node, tangents)


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
            out = _restore_output(primitive, node, operands, params, out, wrap)
    contribute(primitive, parents, operands, out, params, ct, cotangents, True)
