"""What a Tensor can tell of its history: parents, backward steps, gradients, its text."""

from __future__ import annotations

import gc
import sys
from _weakref import ref
from collections.abc import Callable, Sequence
from typing import Any, overload

import numpy as np

from . import algebra
from .abstract import Aval, Var
from .bind import refresh
from .errors import MutationError, ShapeError, WengertTypeError, WengertValueError
from .ownership import owns_alone
from .quiet import quiet
from .refusals import not_numbers
from .state import LOCAL, next_id
from .sweep import collect, propagate, results_finite
from .tape import INPUT, LEAF, OUTPUT, Node, NodeKind, wrapper
from .tensor import FastTensor, Tensor, handle

__all__ = [
    "backward",
    "deposit",
    "describe",
    "grad_fn_name_of",
    "grad_fn_of",
    "parents_of",
    "user_node",
]


# ------------------------------------------------------------------ operations made by users
# [id, kind, parent nodes, None, gradient, parent Tensors, grad_fn, name, foreign, weak reference]


def user_node(
    t: Tensor, parents: tuple[Tensor, ...], grad_fn: Callable[[Any], None] | None, name: str | None
) -> Node:
    """The node of ``Tensor(out, True, parents, grad_fn, name)``."""
    for i, p in enumerate(parents):
        if not isinstance(p, Tensor):
            raise WengertTypeError(f"Tensor(): parents[{i}] is a {type(p).__name__}, not a Tensor")
        refresh(p)
    nodes = tuple(p._n for p in parents)
    return [next_id(), USER, nodes, None, None, parents, grad_fn, name, 0, ref(t)]


def _user_contribution(node: Node, ct: Any, cotangents: dict[int, Any], wrap: Any = None) -> None:
    """Call ``grad_fn``, which adds to its parents' ``.grad``, and take what it added from there."""
    parents, grad_fn = node[5], node[6]
    if grad_fn is None:
        return
    if isinstance(ct, Tensor):
        raise WengertTypeError(
            f"the operation {node[7] or 'made by Tensor(..., grad_fn)'} has no second derivative: "
            "its grad_fn works on plain arrays. Use wengert.custom_vjp or wengert.primitive"
        )
    nodes = {p._n[0]: p._n for p in parents if p._n is not None}
    before = {k: n[4] for k, n in nodes.items()}
    recorded = [(p, getattr(p, "_g", None)) for p in parents]
    try:
        for p in parents:
            p.zero_grad()
        grad_fn(ct)
        added = {k: n[4] for k, n in nodes.items()}
    finally:
        for k, n in nodes.items():
            n[4] = before[k]
        for p, g in recorded:
            p._g = g
    for k, g in added.items():
        if g is not None:
            cotangents[k] = cotangents[k] + g if k in cotangents else g


def _decode_user(node: Node) -> tuple[Any, ...]:
    return node[2], tuple(p._a for p in node[5]), {}, None, (None,) * len(node[2])


USER = NodeKind("user", None, True, _user_contribution, _user_contribution, _decode_user)


# ------------------------------------------------------------------ looking back


def _living(nodes: list[Node]) -> dict[int, Tensor]:
    """The user's Tensors of nodes, as far as they live, by node id.

    Nodes do not refer back to their Tensors: that would cost every operation a weak reference.
    Leaves do; the others are looked for among all objects that refer to a node, which takes
    milliseconds. Only questions about the history (``.parents``) ask this.
    """
    found: dict[int, Tensor] = {}
    wanted = {id(node): node for node in nodes}
    for node in nodes:
        if node[1] is LEAF or node[1] is USER:
            t = node[-1]()
            if t is not None and t._n is node:
                found[node[0]] = t
                wanted.pop(id(node), None)  # it stands twice among the parents of t * t
    if wanted:
        for t in gc.get_referrers(*wanted.values()):
            if isinstance(t, Tensor) and id(t._n) in wanted:
                found.setdefault(t._n[0], t)  # type: ignore[index]
    return found


def _order(root: Node) -> list[Node]:
    """The nodes that ``root`` depends on, oldest first, itself last."""
    nodes = {root[0]: root}
    stack = [root]
    while stack:
        node = stack.pop()
        for parent in node[2] if node[1].wide else node[2:4]:
            if parent is not None and parent[0] not in nodes:
                nodes[parent[0]] = parent
                stack.append(parent)
    return [nodes[k] for k in sorted(nodes)]


def _operation(node: Node) -> Node:
    """The node that holds the operation: that of the whole tuple for one output of several."""
    return node[2] if node[1] is OUTPUT else node


def _is_tuple(node: Node) -> bool:
    """Whether the node stands for a tuple, whose OUTPUT nodes stand for the values."""
    return node[1].primitive is not None and node[1].primitive.outputs is not None


class _Values:
    """Tensors for nodes: the living ones, and the others computed again, each once."""

    def __init__(self, nodes: list[Node]) -> None:
        self._found = _living([n for n in nodes if not _is_tuple(n)])

    def tensor(self, node: Node) -> Tensor:
        """The Tensor of a node."""
        if node[0] not in self._found:
            order = [n for n in _order(node) if n[0] not in self._found and not _is_tuple(n)]
            self._found.update(_living(order))
            for earlier in order:
                if earlier[0] not in self._found:
                    self._found[earlier[0]] = self._again(earlier)
        return self._found[node[0]]

    def _again(self, node: Node) -> Tensor:
        operation = _operation(node)
        if operation[1] in (LEAF, INPUT) or operation[1].primitive is None:
            raise WengertValueError("the Tensor at the start of this history no longer exists")
        parents, operands, params, out, _ = operation[1].decode(operation)
        primitive = operation[1].primitive
        if out is None or isinstance(out, Aval):
            values = [
                x if m is None else self._found[m[0]]._a
                for m, x in zip(parents, operands, strict=True)
            ]
            with quiet():
                out = primitive.evaluate(*values, **params)
        value = out[node[5]] if node[1] is OUTPUT else out
        return handle(value._a if isinstance(value, Tensor) else value, node, None)

    def parents(self, t: Tensor) -> tuple[Tensor, ...]:
        """The operands of the operation that made ``t``."""
        node = t._n
        if node is None or node[1] in (LEAF, INPUT):
            return ()
        node = _operation(node)
        if node[1] is USER:
            return tuple(node[5])
        parents, operands, _, _, constants = node[1].decode(node)
        result = []
        for m, x, c in zip(parents, operands, constants, strict=True):
            if m is not None:
                result.append(self.tensor(m))
                continue
            alive = None if c is None else c()
            result.append(handle(np.asarray(x), None, None) if alive is None else alive)
        return tuple(result)


def parents_of(t: Tensor) -> tuple[Tensor, ...]:
    """The operands of the operation that made ``t``; the user's own Tensors where these live."""
    refresh(t)
    return _Values(_parent_nodes(t._n)).parents(t)


def _parent_nodes(node: Node | None) -> list[Node]:
    if node is None or node[1] in (LEAF, INPUT):
        return []
    node = _operation(node)
    return [m for m in (node[2] if node[1].wide else node[2:4]) if m is not None]


class TopologicalOrder(Sequence[Tensor]):
    """The Tensors of a computation, parents before children. Computed when first looked at."""

    def __init__(self, root: Tensor) -> None:
        self._root = root
        self._node = root._n
        self._tensors: list[Tensor] | None = None

    def _all(self) -> list[Tensor]:
        if self._tensors is None:
            nodes = _order(self._node) if self._node is not None else []
            values = _Values(nodes)
            tensors: list[Tensor] = []
            seen: set[int] = set()
            for node in nodes:
                if _is_tuple(node):
                    continue
                t = self._root if node is self._node else values.tensor(node)
                for p in values.parents(t):
                    if id(p) not in seen:
                        seen.add(id(p))
                        tensors.append(p)
                if id(t) not in seen:
                    seen.add(id(t))
                    tensors.append(t)
            self._tensors = tensors
        return self._tensors

    def __len__(self) -> int:
        return len(self._all())

    @overload
    def __getitem__(self, i: int) -> Tensor: ...
    @overload
    def __getitem__(self, i: slice) -> list[Tensor]: ...
    def __getitem__(self, i: int | slice) -> Tensor | list[Tensor]:
        return self._all()[i]

    def __contains__(self, t: object) -> bool:
        return any(t is u for u in self._all())

    def index(self, t: Any, start: int = 0, stop: int | None = None) -> int:
        """The position of this very Tensor (elementwise ``==`` would be no use)."""
        for i, u in enumerate(self._all()[:stop]):
            if u is t and i >= start:
                return i
        raise WengertValueError(
            "index: this Tensor is not part of the computation that backward() went through"
        )

    def __repr__(self) -> str:
        return repr(self._all())


# ------------------------------------------------------------------ gradients


def deposit(node: Node, cotangents: dict[int, Any]) -> None:
    """Move a node's cotangent to its ``.grad``, taking the array over where nobody shares it."""
    have = node[4]
    new = FastTensor()
    new._a = cotangents.pop(node[0])
    if have is not None:
        np.add(have, new._a, out=have, casting="same_kind")
    else:
        if type(new._a) is not np.ndarray or not owns_alone(new):
            new._a = np.array(new._a)
        node[4] = new._a


_getrefcount: Any = getattr(sys, "getrefcount", None)


def _references(node: Node) -> int:
    """How many hold a node; where that cannot be known, more than anybody expects."""
    return int(_getrefcount(node)) if _getrefcount is not None else 2**31


def _calibrate() -> int:
    """What `_references` counts for a node that only the sweep and its consumers hold."""
    if _getrefcount is None:
        return -1
    inner: Node = [1, INPUT, None, None, None]
    root: Node = [2, INPUT, inner, None, None]
    nodes: dict[int, Node] = {1: inner, 2: root}
    del inner
    seen: list[int] = []

    def visit(node: Node, ct: Any) -> None:  # called from `propagate`, as `keep` in `backward` is
        seen.append(_references(node))

    ct = np.float64(1)
    propagate([2, 1], nodes, root, ct, frozenset(), False, wrapper(False), False, visit)
    held = seen[1] - 1  # root's use of it is a consumer's
    return held if held < 100 else -1


_HELD_BY_SWEEP = _calibrate()


def _seed(t: Tensor, gradient: Any, create_graph: bool) -> Any:
    if gradient is None:
        a = t._a
        return a.dtype.type(1) if a.ndim == 0 else np.ones(a.shape, a.dtype)
    if isinstance(gradient, Tensor):
        refresh(gradient)
        seed: Any = gradient if create_graph else gradient._concrete("backward(gradient)")
    else:
        seed = np.asarray(gradient)
    if seed.shape != t.shape:
        raise ShapeError(
            f"backward(): the gradient has shape {seed.shape}; it must have the shape "
            f"{t.shape} of the Tensor"
        )
    if seed.dtype.kind not in ("biufc" if t.dtype.kind == "c" else "biuf"):
        raise WengertTypeError(
            f"backward(): a gradient of dtype {seed.dtype} for a Tensor of dtype {t.dtype}"
        )
    if not isinstance(seed, Tensor) and seed.dtype != t.dtype:
        seed = seed.astype(np.result_type(seed.dtype, t.dtype))
    return seed


def backward(t: Tensor, gradient: Any, create_graph: bool) -> TopologicalOrder:
    """See `Tensor.backward`."""
    refresh(t)
    root = t._n
    if root is None:
        raise WengertValueError(
            "backward(): this Tensor does not depend on any Tensor that requires gradients. "
            "Create the inputs with requires_grad=True, and compute outside no_grad"
        )
    if type(t._a) is Var:
        raise WengertTypeError(
            "backward() of an abstract value: inside vmap or jit use wengert.grad or wengert.vjp"
        )
    # The sum of an array of Python objects is whatever they add up to.
    dtype = getattr(t._a, "dtype", np.dtype(object))
    if dtype.kind not in "fc":
        raise not_numbers("backward()", dtype)
    seed = _seed(t, gradient, create_graph)
    nodes, graph, record = collect(root, frozenset())
    if LOCAL.depth and any(node[1] is INPUT for node in nodes.values()):
        raise MutationError(
            "backward() inside a transform reaches the transform's argument; use wengert.grad or "
            "wengert.vjp there"
        )
    graph = graph or create_graph
    wrap = wrapper(record or create_graph)
    order = sorted(nodes, reverse=True)
    kept: dict[int, Any] = {}
    uses = _count_uses(nodes)

    def keep(node: Node, ct: Any) -> None:
        if type(ct) is list:
            return  # a tuple's cotangents; those of its values are what somebody may hold
        if node[1] is LEAF or _references(node) - uses.get(node[0], 0) > _HELD_BY_SWEEP:
            kept[node[0]] = ct

    none: frozenset[int] = frozenset()
    with quiet():
        propagate(order, nodes, root, seed, none, graph, wrap, False, keep)
        if not results_finite(kept, nodes):
            kept.clear()
            propagate(order, nodes, root, seed, none, graph, wrap, True, keep)
    del seed
    for k in list(kept):
        kept[k] = _as_gradient(nodes[k], kept[k])
        if not isinstance(kept[k], Tensor):
            deposit(nodes[k], kept)
    if kept:
        _deposit_recorded(t, nodes, kept)
    return TopologicalOrder(t)


def _deposit_recorded(t: Tensor, nodes: dict[int, Node], kept: dict[int, Any]) -> None:
    """Give the gradients of a recorded backward pass to the Tensors themselves."""
    owners = _living([nodes[k] for k in kept if nodes[k] is not t._n])
    if t._n is not None:
        owners[t._n[0]] = t
    for k, g in kept.items():
        if k in owners:
            have = owners[k]._recorded_grad()
            owners[k]._g = (k, g if have is None else have + g)


def _count_uses(nodes: dict[int, Node]) -> dict[int, int]:
    uses: dict[int, int] = {}
    for node in nodes.values():
        for parent in node[2] if node[1].wide else node[2:4]:
            if parent is not None:
                uses[parent[0]] = uses.get(parent[0], 0) + 1
    return uses


def _as_gradient(node: Node, ct: Any) -> Any:
    """A cotangent in the dtype of the leaf it belongs to."""
    t = node[-1]() if node[1] is LEAF else None
    return ct if t is None else algebra.cast_like(ct, t.dtype)


def grad_fn_of(t: Tensor) -> Callable[[Any], None] | None:
    """See `Tensor.grad_fn`."""
    refresh(t)
    node = t._n
    if node is None or node[1] in (LEAF, INPUT):
        return None
    if node[1] is USER:
        return node[6]  # type: ignore[no-any-return]

    def grad_fn(upstream: Any) -> None:
        seed = _seed(t, upstream, False)
        parents = {m[0]: m for m in _parent_nodes(t._n)}
        cotangents: dict[int, Any] = {}
        with quiet():
            node[1].raw(node, seed, cotangents)
            if node[1] is OUTPUT:
                inner = node[2]
                inner[1].raw(inner, cotangents.pop(inner[0]), cotangents)
        del seed
        for k in list(cotangents):
            cotangents[k] = _as_gradient(parents[k], cotangents[k])
            deposit(parents[k], cotangents)

    return grad_fn


# ------------------------------------------------------------------ text


def _backward_name(name: str) -> str:
    return "<" + "".join(w[:1].upper() + w[1:] for w in name.split("_")) + "Backward>"


def grad_fn_name_of(t: Tensor) -> str | None:
    """See `Tensor.grad_fn_name`."""
    node = t._n
    if node is None or node[1] in (LEAF, INPUT):
        return None
    if node[1] is USER:
        return node[7] or "<UserBackward>"
    return _backward_name(_operation(node)[1].primitive.name)


def describe(t: Tensor) -> str:
    """``tensor(...)`` with three decimals and what it is: a result, a leaf, or a constant."""
    refresh(t)
    if type(t._a) is Var:
        body = f"abstract {t._a!r}"
    else:
        body = np.array2string(
            np.asarray(t._a), separator=" ", precision=3, floatmode="fixed", max_line_width=80
        ).replace("\n", "\n" + " " * 7)
    name = grad_fn_name_of(t)
    if name is not None:
        return f"tensor({body}, grad_fn={name})"
    return f"tensor({body}, requires_grad=True)" if t._n is not None else f"tensor({body})"
