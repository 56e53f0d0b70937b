"""What a Tensor was computed from: ``.parents``, and the order that ``backward()`` returns.

Nodes do not refer back to their Tensors: that would cost every operation a weak reference. Leaves
do; the others are looked for among all objects that the interpreter tracks, which takes
milliseconds, once for a whole history. Only these questions ask that. A Tensor that nobody holds
any more is made again, from saved values where there are any. (After ``gc.freeze()`` the
interpreter does not show the frozen Tensors, and equal ones are made in their place.)
"""

from __future__ import annotations

import gc
from _weakref import ref
from collections.abc import Callable, Iterable, Sequence
from typing import Any, overload
from weakref import ReferenceType

import numpy as np

from .abstract import Aval
from .bind import refresh
from .errors import WengertValueError
from .quiet import quiet
from .tape import INPUT, LEAF, OUTPUT, Node
from .tensor import FastTensor, RareTensor, Tensor, handle
from .user_operation import USER

__all__ = ["TopologicalOrder", "living", "operation_of", "parent_nodes", "parents_of"]


def operation_of(node: Node) -> Node:
    """The node that holds the operation: that of the whole tuple for one output of several."""
    return node[2] if node[1] is OUTPUT else node


def _direct(node: Node) -> list[Node]:
    return [m for m in (node[2] if node[1].wide else node[2:4]) if m is not None]


def parent_nodes(node: Node | None) -> list[Node]:
    """The nodes of the operands of the operation that made a value."""
    if node is None or node[1] in (LEAF, INPUT):
        return []
    return _direct(operation_of(node))


def _is_tuple(node: Node) -> bool:
    """Whether the node stands for a tuple, whose OUTPUT nodes stand for the values."""
    return node[1].primitive is not None and node[1].primitive.outputs is not None


def _ancestors(root: Node) -> list[Node]:
    """The nodes that ``root`` depends on, oldest first, itself last; none for a whole tuple."""
    nodes = {root[0]: root}
    stack = [root]
    while stack:
        for parent in _direct(stack.pop()):
            if parent[0] not in nodes:
                nodes[parent[0]] = parent
                stack.append(parent)
    return [nodes[k] for k in sorted(nodes) if not _is_tuple(nodes[k])]


def living(nodes: Iterable[Node]) -> dict[int, Tensor]:
    """The user's Tensors of nodes, as far as they live, by node id."""
    found: dict[int, Tensor] = {}
    wanted = set()
    for node in nodes:
        if node[1] is LEAF or node[1] is USER:
            t = node[-1]()
            if t is not None and t._n is node:
                found[node[0]] = t
        else:
            wanted.add(id(node))
    if wanted:
        for t in gc.get_objects():
            # No isinstance, which asks every object for its __class__: some answer with a warning.
            kind = type(t)
            if kind is FastTensor or kind is RareTensor:
                own: Any = getattr(t, "_n", None)
                if id(own) in wanted:
                    found.setdefault(own[0], t)
    return found


class _Ancestry:
    """The Tensors of everything a node depends on, each looked for or made once."""

    def __init__(self, nodes: list[Node]) -> None:
        # Weak, so that what was made for a question lives no longer than its answer.
        self._known = {k: ref(t) for k, t in living(nodes).items()}
        # What had to be computed again, so that a walk does not do it again at each step.
        self._values: dict[int, Any] = {}
        self._covered = frozenset([node[0] for node in nodes])

    def covers(self, node: Node) -> bool:
        """Whether the Tensor of a node was looked for; an update in place makes new nodes."""
        return node[0] in self._covered

    def tensor(self, node: Node) -> Tensor:
        """The Tensor of a node."""
        known = self._known.get(node[0])
        t = None if known is None else known()
        if t is None or t._n is not node:
            t = handle(self._value(node), node, None)
            self._known[node[0]] = ref(t)
        return t

    def _saved(self, node: Node) -> Any:
        """The value of a node if somebody has kept it, else None."""
        known = self._known.get(node[0])
        t = None if known is None else known()
        if t is not None and t._n is node:
            return t._a
        operation = operation_of(node)
        if operation[1].primitive is None:
            raise WengertValueError("the Tensor at the start of this history no longer exists")
        out = operation[1].decode(operation)[3]
        if out is None or isinstance(out, Aval):
            return None
        value = out[node[5]] if node[1] is OUTPUT else out
        return value._a if isinstance(value, Tensor) else value

    def _value(self, node: Node) -> Any:
        """The value of a node, computed from the nearest values that are known."""
        values = self._values
        stack = [node]
        while stack:
            top = stack[-1]
            if top[0] in values:
                stack.pop()
                continue
            value = self._saved(top)
            if value is None:
                operation = operation_of(top)
                missing = self._missing(operation)
                if missing:
                    stack.extend(missing)
                    continue
                value = _evaluate(operation, values)
                if top[1] is OUTPUT:
                    value = value[top[5]]
            values[top[0]] = value
            stack.pop()
        return values[node[0]]

    def _missing(self, operation: Node) -> list[Node]:
        """The operands of an operation whose values are neither saved in it nor known yet."""
        parents, operands, _, _, _ = operation[1].decode(operation)
        return [
            m
            for m, x in zip(parents, operands, strict=True)
            if m is not None and (x is None or isinstance(x, Aval)) and m[0] not in self._values
        ]

    def parents(self, t: Tensor) -> tuple[Tensor, ...]:
        """The operands of the operation that made ``t``."""
        node = t._n
        if node is None or node[1] in (LEAF, INPUT):
            return ()
        node = operation_of(node)
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


def _evaluate(operation: Node, values: dict[int, Any]) -> Any:
    """An operation again, on saved operands or on ``values`` by node id."""
    parents, operands, params, _, _ = operation[1].decode(operation)
    ins = []
    for m, x in zip(parents, operands, strict=True):
        if m is not None and (x is None or isinstance(x, Aval)):
            x = values[m[0]]
        ins.append(x._a if isinstance(x, Tensor) else x)
    with quiet():
        return operation[1].primitive.evaluate(*ins, **params)


# Walking back by ``.parents`` step by step asks one ancestry, so that the walk is not quadratic.
# By id, as long as the Tensor lives: Tensors compare elementwise, so they are no keys.
_WALKS: dict[int, tuple[ReferenceType[Tensor], _Ancestry]] = {}


def _remember(t: Tensor, ancestry: _Ancestry) -> None:
    k = id(t)
    _WALKS[k] = ref(t, lambda _: _WALKS.pop(k, None)), ancestry


def parents_of(t: Tensor) -> tuple[Tensor, ...]:
    """The operands of the operation that made ``t``; the user's own Tensors where these live."""
    refresh(t)
    node = t._n
    if node is None or node[1] in (LEAF, INPUT):
        return ()
    _, ancestry = _WALKS.get(id(t), (None, None))
    if ancestry is None or not ancestry.covers(node):
        ancestry = _Ancestry(_ancestors(node))
    parents = ancestry.parents(t)
    for parent in parents:
        _remember(parent, ancestry)
    return parents


class TopologicalOrder(Sequence[Tensor]):
    """The Tensors of a computation, parents before children. Computed when first looked at.

    Parameters
    ----------
    root : Tensor
        The last of them.
    fill : callable
        Called when the Tensors are first looked at: gives the gradients to those that nobody held
        when ``backward()`` ran.
    """

    def __init__(self, root: Tensor, fill: Callable[[], None]) -> None:
        self._root = root
        self._node = root._n
        self._fill = fill
        self._tensors: list[Tensor] | None = None

    def _all(self) -> list[Tensor]:
        if self._tensors is None:
            self._fill()
            nodes = [] if self._node is None else _ancestors(self._node)
            ancestry = _Ancestry(nodes)
            tensors: dict[int, Tensor] = {}
            for node in nodes:
                t = self._root if node is self._node else ancestry.tensor(node)
                # Keeps what was just made alive until its children refer to it.
                for p in (*ancestry.parents(t), t):
                    tensors.setdefault(id(p), p)
            self._tensors = list(tensors.values())
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
