"""The eager tape: its nodes, their kinds, and what each contributes to a reverse sweep.

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
from .errors import NoRuleError
from .state import next_id
from .tensor import RareTensor, Tensor, handle

if TYPE_CHECKING:
    from .primitive import Primitive

__all__ = [
    "FOREVER",
    "INPUT",
    "JOIN",
    "LEAF",
    "OUTPUT",
    "Cotangents",
    "Node",
    "NodeKind",
    "Wrap",
    "accumulate",
    "contribute",
    "restore_output",
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
    dual : Dual or None
        The rules of forward over reverse mode on plain arrays, where there are any (set afterwards;
        see `core.dual`).
    support : callable or None
        ``node -> flat indices``, or a slice: the entries of its operand's cotangent that tell
        whether all that ``raw`` adds to it is finite; None in place of the indices where they are
        not known (set afterwards).
    spreads : bool
        Whether an element of an operand that is not finite makes one of the value so, whatever the
        other operand is (set afterwards).
    large : callable or None
        ``raw`` for a large cotangent, into which it may write if nobody else holds it (set
        afterwards).
    """

    __slots__ = (
        "contracts", "decode", "dual", "graph", "large", "name", "primitive", "raw", "spreads",
        "support", "wide",
    )  # fmt: skip

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
        self.spreads = False
        self.dual: Any = None
        self.support: Callable[[Node], Any] | None = None
        self.large: Callable[[Node, Any, Cotangents], None] | None = None

    def __repr__(self) -> str:
        return self.name


def accumulate(cotangents: Cotangents, parent: Node, ct: Any) -> None:
    """Add ``ct`` to the cotangent of ``parent``."""
    k = parent[0]
    cotangents[k] = cotangents[k] + ct if k in cotangents else ct


FOREVER = 2**62


def wrapper(tracked: bool, oldest: int = FOREVER) -> Wrap:
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
            out = restore_output(primitive, node, operands, params, out, wrap)
        contribute(primitive, parents, operands, out, params, ct, cotangents, False)

    return NodeKind(primitive.name, primitive, True, raw, graph, _decode_wide)


def restore_output(
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
                if isinstance(c, NoRuleError):  # in the place of a cotangent without a rule
                    raise c
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
