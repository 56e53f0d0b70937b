"""What a Tensor can tell of its history: parents, backward steps, gradients, its text."""

from __future__ import annotations

from _weakref import ref
from collections.abc import Callable, Sequence
from typing import Any, overload

import numpy as np

from . import algebra
from .abstract import Aval, Var
from .bind import refresh
from .errors import MutationError, ShapeError, WengertTypeError, WengertValueError
from .ownership import owns_alone
from .state import LOCAL, next_id
from .tape import (
    INPUT,
    LEAF,
    OUTPUT,
    Node,
    NodeKind,
    all_finite,
    collect,
    propagate,
    wrapper,
)
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
# (id, kind, parent nodes, None, reference, parent Tensors, grad_fn, name, foreign, None)


def user_node(
    t: Tensor, parents: tuple[Tensor, ...], grad_fn: Callable[[Any], None] | None, name: str | None
) -> Node:
    """The node of ``Tensor(out, True, parents, grad_fn, name)``."""
    for i, p in enumerate(parents):
        if not isinstance(p, Tensor):
            raise WengertTypeError(f"Tensor(): parents[{i}] is a {type(p).__name__}, not a Tensor")
    nodes = tuple(p._n for p in parents)
    return (next_id(), USER, nodes, None, ref(t), parents, grad_fn, name, 0, None)


def _user_contribution(node: Node, ct: Any, cotangents: dict[int, Any], wrap: Any = None) -> None:
    """Call ``grad_fn``, which adds to its parents' ``.grad``, and take what it added from there."""
    parents, grad_fn = node[5], node[6]
    if grad_fn is None:
        return
    if isinstance(ct, Tensor):
        raise WengertTypeError(
            f"the operation {node[7] or 'made by Tensor(..., grad_fn)'} has no second derivative: its "
            "grad_fn works on plain arrays. Use wengert.custom_vjp or wengert.primitive"
        )
    tracked = {id(p): p for p in parents if p._n is not None}
    before = {k: getattr(p, "_g", None) for k, p in tracked.items()}
    try:
        for p in tracked.values():
            p._g = np.zeros(p.shape, p.dtype)
        grad_fn(ct)
        added = {k: p._g for k, p in tracked.items()}
    finally:
        for k, p in tracked.items():
            p._g = before[k]
    for k, p in tracked.items():
        node_id = p._n[0]  # type: ignore[index]
        g = added[k]
        cotangents[node_id] = cotangents[node_id] + g if node_id in cotangents else g


def _decode_user(node: Node) -> tuple[Any, ...]:
    return node[2], tuple(p._a for p in node[5]), {}, None, (None,) * len(node[2])


USER = NodeKind("user", None, True, _user_contribution, _user_contribution, _decode_user)


# ------------------------------------------------------------------ looking back


def _reference(node: Node) -> Tensor | None:
    """The user's Tensor of a node, while it lives and still has that value."""
    r = node[4]
    t = None if r is None else r()
    return t if t is not None and t._n is node else None


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
    return node[2] if node[1] is OUTPUT else node  # type: ignore[no-any-return]


class _Values:
    """Tensors for nodes: the living ones, and the others computed again, each once."""

    def __init__(self) -> None:
        self._found: dict[int, Tensor] = {}

    def tensor(self, node: Node) -> Tensor:
        t = self._found.get(node[0]) or _reference(node)
        if t is None:
            for earlier in _order(node):
                if earlier[0] in self._found:
                    continue
                if earlier[1].primitive is not None and earlier[1].primitive.outputs is not None:
                    continue  # its OUTPUT nodes ask for it
                self._found[earlier[0]] = _reference(earlier) or self._again(earlier)
            t = self._found[node[0]]
        self._found[node[0]] = t
        return t

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
            with np.errstate(all="ignore"):
                out = primitive.evaluate(*values, **params)
        value = out[node[5]] if node[1] is OUTPUT else out
        return handle(value._a if isinstance(value, Tensor) else value, node, None)

    def parents(self, t: Tensor) -> tuple[Tensor, ...]:
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
    """The operands of the operation that made ``t``; the user's own Tensors where they still live."""
    refresh(t)
    return _Values().parents(t)


class TopologicalOrder(Sequence[Tensor]):
    """The Tensors of a computation, parents before children. Computed when first looked at."""

    def __init__(self, root: Tensor) -> None:
        self._root = root
        self._node = root._n
        self._tensors: list[Tensor] | None = None

    def _all(self) -> list[Tensor]:
        if self._tensors is None:
            values = _Values()
            tensors: list[Tensor] = []
            seen: set[int] = set()
            for node in _order(self._node) if self._node is not None else []:
                if node[1].primitive is not None and node[1].primitive.outputs is not None:
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
        raise ValueError("this Tensor is not part of the computation")

    def __repr__(self) -> str:
        return repr(self._all())


# ------------------------------------------------------------------ gradients


def deposit(t: Tensor, results: dict[int, Any], k: int) -> None:
    """Add the cotangent ``results[k]`` to ``t.grad``, taking the array over where nobody shares it."""
    have = getattr(t, "_g", None)
    new = FastTensor()
    new._a = results.pop(k)
    if isinstance(new._a, Tensor):
        t._g = new._a if have is None else have + new._a
        return
    new._a = algebra.cast_like(new._a, t.dtype)
    if isinstance(have, np.ndarray):
        np.add(have, new._a, out=have)
    elif have is not None:
        t._g = have + new._a
    else:
        if type(new._a) is not np.ndarray or not owns_alone(new):
            new._a = np.array(new._a)
        t._g = new._a


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
            f"backward(): the gradient has shape {seed.shape}; it must have the shape {t.shape} of the "
            "Tensor"
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
            "backward(): this Tensor does not depend on any Tensor that requires gradients. Create the "
            "inputs with requires_grad=True, and compute outside no_grad"
        )
    if type(t._a) is Var:
        raise WengertTypeError(
            "backward() of an abstract value: inside vmap or jit use wengert.grad or wengert.vjp"
        )
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

    def keep(node: Node, ct: Any) -> None:
        if node[4] is not None and node[4]() is not None:
            kept[node[0]] = ct

    none: frozenset[int] = frozenset()
    with np.errstate(all="ignore"):
        propagate(order, nodes, root, seed, none, graph, wrap, False, keep)
        if not all(all_finite(ct) for ct in kept.values()):
            kept.clear()
            propagate(order, nodes, root, seed, none, graph, wrap, True, keep)
    del seed
    for k in list(kept):
        owner = _reference(nodes[k])
        if owner is not None:
            deposit(owner, kept, k)
    return TopologicalOrder(t)


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
        values = _Values()
        parents = {p._n[0]: p for p in values.parents(t) if p._n is not None}
        cotangents: dict[int, Any] = {}
        with np.errstate(all="ignore"):
            node[1].raw(node, seed, cotangents)
            if node[1] is OUTPUT:
                inner = node[2]
                inner[1].raw(inner, cotangents.pop(inner[0]), cotangents)
        del seed
        for k in list(cotangents):
            deposit(parents[k], cotangents, k)

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
    """``tensor(...)`` with three decimals and what the Tensor is: a result, a leaf, or a constant."""
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

