"""Operations that users make by hand: ``Tensor(out, True, parents, grad_fn, name)``.

Their nodes are ``[id, kind, parent nodes, None, gradient, parent Tensors, grad_fn, name, foreign,
weak reference to the Tensor]``.
"""

from __future__ import annotations

from _weakref import ref
from collections.abc import Callable
from typing import Any

from .bind import refresh
from .errors import WengertTypeError
from .state import next_id
from .tape import Node, NodeKind
from .tensor import Tensor

__all__ = ["USER", "user_node"]


def user_node(
    t: Tensor, parents: tuple[Tensor, ...], grad_fn: Callable[[Any], None] | None, name: str | None
) -> Node:
    """The node of ``Tensor(out, True, parents, grad_fn, name)``."""
    if grad_fn is not None and not callable(grad_fn):
        raise WengertTypeError(
            "Tensor(): grad_fn must be a function of the upstream gradient that adds to its "
            f"parents' .grad, not a {type(grad_fn).__name__}"
        )
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
