"""``backward()`` where eigenvalues or singular values coincide: the limit (`core.coincidence`).

A transform calls its function again with these values moved apart. ``backward()`` has no function,
but every node of the tape knows its operation, its parameters and where its operands come from.
Once all is evaluated as it was, which shows the operations that meet coinciding values and what
depends on them; this part of the history is then recorded anew for each step ``h`` and swept, down
to the nodes before it, which stay what they are.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from .abstract import Aval
from .bind import bind
from .coincidence import EXTRAPOLATION, limit_of, split_runs
from .finite import finite
from .quiet import quiet
from .state import COINCIDENCES, tracing
from .sweep import collect, propagate
from .tape import INPUT, LEAF, OUTPUT, Node, wrapper
from .tensor import RareTensor, Tensor, handle
from .user_operation import USER

__all__ = ["with_limits"]


class _CannotRunAgain(Exception):
    """Why the history cannot be evaluated again."""


def with_limits(
    t: Tensor,
    seed: Any,
    nodes: dict[int, Node],
    tracked: bool,
    kept: dict[int, Any],
    warn: bool = True,
) -> dict[int, Any]:
    """The cotangents ``kept`` by a sweep, with limits in place of what is not finite.

    Parameters
    ----------
    t : Tensor
        The root of the sweep.
    seed : array or Tensor
        Its cotangent.
    nodes : dict
        The nodes swept, by id.
    tracked : bool
        Whether the sweep is recorded.
    kept : dict
        By node id.
    warn : bool
        Whether to say so where a limit cannot be looked for.

    Warns
    -----
    RuntimeWarning
        If values coincide and the computation cannot be run again: NaN stays.
    """
    try:
        values, moved = _evaluated(t, nodes)
    except _CannotRunAgain as reason:
        if not warn:
            return kept
        warnings.warn(
            "backward(): a gradient is NaN, perhaps because eigenvalues or singular values "
            f"coincide. The limit was not looked for: {reason}. Use wengert.grad of the function, "
            "which runs it again",
            RuntimeWarning,
            stacklevel=5,
        )
        return kept
    if not moved:
        return kept  # NaN for another reason
    runs = split_runs(lambda: _cotangents(t, seed, nodes, values, moved, tracked, kept))
    return {k: y if finite(y) else _limit(y, [run[k] for run in runs]) for k, y in kept.items()}


def _limit(y: Any, runs: list[Any]) -> Any:
    if any(r is None for r in runs) or (type(y) is RareTensor and y._x.tangents):
        return y
    if not isinstance(y, Tensor):
        return limit_of(np.asarray(y), runs)
    limit = limit_of(np.asarray(y._a), [r._a if isinstance(r, Tensor) else r for r in runs])
    if not np.isfinite(limit).all():
        return y
    # A recorded gradient is that sum of recorded gradients, so that it can be differentiated.
    total = runs[0] * y.dtype.type(EXTRAPOLATION[0])
    for r, weight in zip(runs[1:], EXTRAPOLATION[1:], strict=True):
        total = total + r * y.dtype.type(weight)
    return total


def _parents(node: Node) -> list[Node]:
    parents = node[2] if node[1].wide else node[2:4]
    return [p for p in parents if p is not None]


# ------------------------------------------------------------------ as it was


def _evaluated(t: Tensor, nodes: dict[int, Node]) -> tuple[dict[int, Any], set[int]]:
    """The value of every node, and the ids of those that depend on values that coincide."""
    values: dict[int, Any] = {}
    moved: set[int] = set()
    given = _saved_operands(nodes)
    with quiet():
        for k in sorted(nodes):
            node = nodes[k]
            before = COINCIDENCES[0]
            values[k] = _value(node, values, given)
            if COINCIDENCES[0] != before or any(p[0] in moved for p in _parents(node)):
                moved.add(k)
                if node[1] is USER:
                    raise _CannotRunAgain(
                        f"the operation {node[7] or 'made by Tensor(..., grad_fn)'} is the user's"
                    )
    root: Node = t._n  # type: ignore[assignment]
    if not _equal(np.asarray(t._a), np.asarray(values[root[0]])):
        raise _CannotRunAgain("an array has been changed since the computation used it")
    return values, moved


def _equal(a: Any, b: Any) -> bool:
    tolerance = float(np.finfo(a.dtype).eps) ** 0.75
    scale = float(np.max(np.abs(a), initial=0.0, where=np.isfinite(a)))
    return a.shape == b.shape and np.allclose(a, b, tolerance, tolerance * scale, equal_nan=True)


def _saved_operands(nodes: dict[int, Node]) -> dict[int, Any]:
    """What operations keep of the values of leaves, and of the users' own results."""
    given: dict[int, Any] = {}
    for node in nodes.values():
        if node[1].primitive is None and node[1] is not USER:
            continue
        parents, operands, *_ = node[1].decode(node)
        for parent, x in zip(parents, operands, strict=True):
            if parent is not None and parent[1] in (LEAF, USER):
                x = x._a if isinstance(x, Tensor) else x
                if x is not None and not isinstance(x, Aval):
                    given.setdefault(parent[0], x)
    return given


def _value(node: Node, values: dict[int, Any], given: dict[int, Any]) -> Any:
    kind = node[1]
    if kind is OUTPUT:
        return values[node[2][0]][node[5]]
    if kind is LEAF or kind is USER:
        if node[0] in given:
            return given[node[0]]
        t = node[-1]()
        if t is None or t._n is not node:
            raise _CannotRunAgain("a Tensor that it used no longer exists")
        return t._a
    if kind.primitive is None:
        if kind is INPUT and node[2] is not None:
            return values[node[2][0]]
        raise _CannotRunAgain("it starts from the argument of a transform")
    parents, operands, params, _, _ = kind.decode(node)
    ins = [
        values[p[0]] if p is not None else x._a if isinstance(x, Tensor) else x
        for p, x in zip(parents, operands, strict=True)
    ]
    if any(isinstance(x, Aval) for x in ins):
        raise _CannotRunAgain("an array that it used is not kept")
    return kind.primitive.evaluate(*ins, **params)


# ------------------------------------------------------------------ with the values moved apart


def _cotangents(
    t: Tensor,
    seed: Any,
    nodes: dict[int, Node],
    values: dict[int, Any],
    moved: set[int],
    tracked: bool,
    kept: dict[int, Any],
) -> dict[int, Any]:
    """The cotangents of the nodes of ``kept``; None for those that are not reached."""
    own: Node = t._n  # type: ignore[assignment]
    results: dict[int, Any] = {}
    with tracing(), quiet():
        for k in sorted(moved):
            results[k] = _recorded(nodes[k], results, values, nodes)
        root = results[own[0]]._n
        again, graph, record = collect(root, frozenset())
        # A tuple of several outputs has no node of its own to ask for, and no cotangent to keep.
        origin = {r._n[0]: k for k, r in results.items() if isinstance(r, Tensor) and r._n}
        found: dict[int, Any] = dict.fromkeys(kept)

        def keep(node: Node, ct: Any) -> None:
            k = origin.get(node[0], node[0])
            if k in found and type(ct) is not list:
                found[k] = ct

        graph = graph or tracked or isinstance(seed, Tensor)
        wrap = wrapper(record or tracked)
        order = sorted(again, reverse=True)
        propagate(order, again, root, seed, frozenset(), graph, wrap, True, keep)
    return found


def _recorded(
    node: Node, results: dict[int, Any], values: dict[int, Any], nodes: dict[int, Node]
) -> Any:
    """The Tensor of a node (a tuple of them for several outputs), computed and recorded anew."""
    if node[1] is OUTPUT:
        return results[node[2][0]][node[5]]
    if node[1] is INPUT:
        return results[node[2][0]]
    parents, operands, params, _, _ = node[1].decode(node)
    ins = []
    for p, x in zip(parents, operands, strict=True):
        if p is None:
            ins.append(x._a if isinstance(x, Tensor) else x)
        elif p[0] in results:
            ins.append(results[p[0]])
        else:
            ins.append(handle(values[p[0]], p, None))
    return bind(node[1].primitive, tuple(ins), params, False)
