"""`Tensor.backward`, the gradients it leaves behind, single backward steps, and a Tensor's text."""

from __future__ import annotations

import sys
from collections.abc import Callable, Set
from typing import Any

import numpy as np

from . import algebra, debugging
from .abstract import Var
from .ancestry import TopologicalOrder, living, operation_of, parent_nodes
from .bind import refresh
from .errors import (
    MutationError,
    NonFiniteError,
    ShapeError,
    WengertTypeError,
    WengertValueError,
)
from .ownership import alone_in_list, overwritten, was_written
from .quiet import quiet
from .recomputation import with_limits
from .refusals import not_numbers
from .state import COINCIDENCES, DEBUGGED, LOCAL, set_debugging
from .sweep import propagate, reach, results_finite
from .tape import INPUT, LEAF, OUTPUT, Node, wrapper
from .tensor import RareTensor, Tensor
from .user_operation import USER

__all__ = [
    "backward",
    "deposit",
    "describe",
    "grad_fn_name_of",
    "grad_fn_of",
]

# Global names: looking them up in NumPy's module is slow (docs/design/core.md).
ndarray, _add, _array, _OBJECT = np.ndarray, np.add, np.array, np.dtype(object)


# ------------------------------------------------------------------ gradients


_getrefcount: Any = getattr(sys, "getrefcount", None)


def _held(nodes: dict[int, Node], shared: dict[int, int], references: int | None) -> set[int]:
    """The leaves, and the nodes that somebody holds besides a sweep and their consumers.

    ``shared`` is that of `reach`; ``references`` are those that this function, its caller and one
    consumer have to a node. All nodes where that cannot be known.
    """
    if references is None:
        return set(nodes)
    found = set()
    for k in nodes:
        node = nodes[k]
        if node[1] is LEAF or _getrefcount(node) > references + (shared[k] if k in shared else 0):
            found.add(k)
    return found


def _calibrate() -> int | None:
    """How many references to a node `_held`, its caller and a consumer have; None if uncounted."""
    if _getrefcount is None:
        return None
    inner: Node = [1, INPUT, None, None, None]
    nodes: dict[int, Node] = {1: inner, 2: [2, INPUT, inner, None, None]}
    del inner
    return next((count for count in range(100) if 1 not in _held(nodes, {}, count)), None)


_REFERENCES = _calibrate()


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
    if type(t) is RareTensor and was_written(t):
        raise overwritten()
    # The sum of an array of Python objects is whatever they add up to.
    dtype = getattr(t._a, "dtype", _OBJECT)
    if dtype.kind not in "fc":
        raise not_numbers("backward()", dtype)
    seed = _seed(t, gradient, create_graph)
    nodes, shared, graph = reach(root)
    if LOCAL.depth and any(node[1] is INPUT for node in nodes.values()):
        raise MutationError(
            "backward() inside a transform reaches the transform's argument; use wengert.grad or "
            "wengert.vjp there"
        )
    # Tangents among saved operands matter while their jvp runs, and then the root has one, too.
    running = type(t) is RareTensor and bool(t._x.tangents)
    graph = (graph and running) or create_graph
    kept = _gradients(t, seed, nodes, graph, create_graph, _held(nodes, shared, _REFERENCES))
    done = frozenset(kept)
    _leave_gradients(t, nodes, kept)

    def fill() -> None:
        missing = _gradients(t, seed, nodes, graph, create_graph, nodes.keys() - done)
        _leave_gradients(t, nodes, missing)

    return TopologicalOrder(t, fill)


def _gradients(
    t: Tensor,
    seed: Any,
    nodes: dict[int, Node],
    graph: bool,
    tracked: bool,
    wanted: Set[int],
) -> dict[int, Any]:
    """The cotangents of the nodes that are wanted, by id."""
    root: Node = t._n  # type: ignore[assignment]
    order = sorted(nodes, reverse=True)
    kept: dict[int, Any] = {}

    def keep(node: Node, ct: Any) -> None:
        # A list holds a tuple's cotangents; those of its values are what somebody may hold.
        if type(ct) is not list and node[0] in wanted:
            kept[node[0]] = ct

    none: frozenset[int] = frozenset()
    met = False
    # A jvp that is still running has given the root a tangent; tangents of later levels are over.
    levels = t._x.tangents if type(t) is RareTensor else ()
    oldest = max(levels, default=0) + 1
    if DEBUGGED and debugging.examines():
        wrap = wrapper(tracked, oldest)
        with quiet():
            try:
                propagate(order, nodes, root, seed, none, graph, wrap, True, keep, examined=True)
            except NonFiniteError:
                if not COINCIDENCES[0] or LOCAL.split:
                    raise
                kept.clear()
                with set_debugging(None):  # where values coincide, a limit may take the NaN's place
                    propagate(order, nodes, root, seed, none, graph, wrap, True, keep)
                    if results_finite(kept, nodes):
                        raise
                    kept = with_limits(t, seed, nodes, tracked, kept, warn=False)
                if not results_finite(kept, nodes):
                    raise
        return kept
    with quiet():
        if graph:
            propagate(order, nodes, root, seed, none, graph, wrapper(tracked, oldest), False, keep)
        else:
            kept = _plain_gradients(order, nodes, root, seed, wanted)
        if not results_finite(kept, nodes):
            kept.clear()
            propagate(order, nodes, root, seed, none, graph, wrapper(tracked, oldest), True, keep)
            met = COINCIDENCES[0] > 0 and not LOCAL.split and not results_finite(kept, nodes)
    if met:
        kept = with_limits(t, seed, nodes, tracked, kept)
    return kept


def _plain_gradients(
    order: list[int], nodes: dict[int, Node], root: Node, seed: Any, wanted: Set[int]
) -> dict[int, Any]:
    """`propagate` on plain arrays, for the usual case of `_gradients`."""
    cotangents = {root[0]: seed}
    pop = cotangents.pop
    kept: dict[int, Any] = {}
    node = root
    try:
        for k in order:
            ct = pop(k, None)
            if ct is not None:
                node = nodes[k]
                kind = node[1]
                if k in wanted and type(ct) is not list:
                    kept[k] = ct
                if kind is not LEAF:
                    kind.raw(node, ct, cotangents)
    except Exception as error:
        debugging.note_backward(error, node)
        raise
    return kept


def deposit(nodes: dict[int, Node], cotangents: dict[int, Any]) -> None:
    """Add plain cotangents to the ``.grad`` of their nodes, taking over arrays nobody shares.

    Removes from ``cotangents`` what it added: it leaves those that are Tensors.
    """
    alone: list[Any] = [None]
    for k in list(cotangents):
        node = nodes[k]
        ct = cotangents[k]
        if node[1] is LEAF:
            leaf = node[-1]()
            if leaf is not None and leaf._a.dtype is not ct.dtype:
                ct = cotangents[k] = algebra.cast_like(ct, leaf.dtype)
        have = node[4]
        if isinstance(ct, Tensor):
            continue
        del ct
        alone[0] = cotangents.pop(k)
        if have is not None:
            _add(have, alone[0], out=have, casting="same_kind")
        elif type(alone[0]) is ndarray and alone_in_list(alone, 0):
            node[4] = alone[0]
        else:
            node[4] = _array(alone[0])


def _leave_gradients(t: Tensor, nodes: dict[int, Node], kept: dict[int, Any]) -> None:
    """Add cotangents to the ``.grad`` of the Tensors of their nodes."""
    deposit(nodes, kept)
    if not kept:
        return
    # The gradients of a recorded backward pass go to the Tensors themselves.
    owners = living([nodes[k] for k in kept if nodes[k] is not t._n])
    if t._n is not None:
        owners[t._n[0]] = t
    for k, g in kept.items():
        if k in owners:
            have = owners[k]._recorded_grad()
            owners[k]._g = (k, g if have is None else have + g)


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
        parents = {m[0]: m for m in parent_nodes(t._n)}
        cotangents: dict[int, Any] = {}
        with quiet():
            node[1].raw(node, seed, cotangents)
            if node[1] is OUTPUT:
                inner = node[2]
                inner[1].raw(inner, cotangents.pop(inner[0]), cotangents)
        del seed
        deposit(parents, cotangents)

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
    return _backward_name(operation_of(node)[1].primitive.name)


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
