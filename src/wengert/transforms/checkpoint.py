"""Checkpointing: forget what a function recorded, and record it again when it is swept."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from ..core import debugging, pytree
from ..core.abstract import Aval, Var
from ..core.bind import refresh
from ..core.errors import MutationError, WengertError, WengertTypeError, WengertValueError
from ..core.finite import finite
from ..core.liveness import Scope
from ..core.ownership import snapshot
from ..core.primitive import Primitive
from ..core.quiet import quiet
from ..core.state import DEBUGGED, PAUSED, awaiting, is_paused, next_id, no_grad
from ..core.sweep import propagate, sweep
from ..core.tape import INPUT, JOIN, LEAF, OUTPUT, Node, wrapper
from ..core.tensor import RareTensor, Tensor, handle
from ..rules.stream import remembered, repeated
from .boundary import as_input, name_of, tracing_user
from .user_function import read_only

__all__ = ["checkpoint"]

Function = Callable[..., Any]


def checkpoint(function: Function) -> Function:
    """The same function, with its intermediate values computed again in the backward pass.

    Between the two passes only the arguments are kept. A chain of n equal functions needs the
    memory of about 2 sqrt(n) of them if every sqrt(n) are put into one checkpoint, at the price of
    one more forward pass.

    Parameters
    ----------
    function : callable
        From containers of arrays to a container of arrays. It must compute the same values when it
        is called again, and must not write into its arguments or into Tensors that it captures.

    Returns
    -------
    callable
        With the same value and derivatives: with respect to the arguments, and to Tensors that
        ``function`` reads from its surroundings. In forward mode and on abstract values there is no
        tape to save, and the function is simply called. What it returns may be written into: where
        ``function`` returns a view of an argument, that is a copy.

    Raises
    ------
    WengertValueError
        In the backward pass, if computing the function again gave other values: it used random
        numbers (those of `wengert.random` are drawn again as they were), or something it reads has
        changed.
    MutationError
        If it writes into an argument or into a captured Tensor.

    Examples
    --------
    >>> import numpy as np, wengert as wg
    >>> block = wg.checkpoint(lambda x: np.sin(np.exp(x)))
    >>> wg.grad(lambda x: np.sum(block(block(x))))(np.zeros(2)).round(3)
    array([-0.853, -0.853])
    """
    if not callable(function):
        raise WengertTypeError(f"checkpoint: expected a function, not a {type(function).__name__}")

    @functools.wraps(function, updated=())
    def checkpointed(*args: Any, **kwargs: Any) -> Any:
        leaves, spec = pytree.flatten((args, kwargs))
        tensors = [x for x in leaves if isinstance(x, Tensor)]
        for t in tensors:
            refresh(t)
        if (PAUSED and is_paused()) or any(_is_traced_otherwise(t) for t in tensors):
            return function(*args, **kwargs)
        segment = _Segment(function, spec, leaves)
        start = next_id()
        inputs = segment.new_inputs(segment.operands)
        arrays = [t._a for t in inputs]
        with awaiting(_ids(inputs)), remembered() as segment.keys:
            y = segment.call(inputs)
        segment.check_arguments(inputs, arrays)
        outs, out_spec = pytree.flatten(y)
        for o in outs:
            if isinstance(o, Tensor):
                refresh(o)
                if _is_traced_otherwise(o):  # something captured is; the tape stays as it is
                    return y
        inside = [isinstance(o, Tensor) and o._n is not None and o._n[0] > start for o in outs]
        if not any(inside):
            return y
        ids = {t._n[0] for t in inputs if t._n is not None}
        captured = _captured([o._n for o, i in zip(outs, inside, strict=True) if i], start, ids)
        del inputs, y
        return pytree.unflatten(out_spec, segment.close(outs, inside, captured, arrays))

    return checkpointed


def _ids(tensors: Sequence[Tensor]) -> frozenset[int]:
    return frozenset([t._n[0] for t in tensors if t._n is not None])


def _is_traced_otherwise(t: Tensor) -> bool:
    return type(t._a) is Var or (type(t) is RareTensor and bool(t._x.tangents))


def _captured(roots: Sequence[Node], start: int, ids: set[int]) -> list[Node]:
    """The nodes older than ``start`` that the function's own nodes lead to, besides the inputs."""
    found: dict[int, Node] = {}
    seen = set(ids)
    stack = [n for n in roots if n[0] not in ids]
    while stack:
        node = stack.pop()
        if node[0] in seen:
            continue
        seen.add(node[0])
        if node[0] < start:
            found[node[0]] = node
            continue
        parents = node[2] if node[1].wide else node[2:4]
        if node[1].name == "setitem" and parents[0] is not None and parents[0][0] < start:
            raise MutationError(
                "checkpoint: the function writes into a Tensor that it captures; the write would "
                "be repeated in the backward pass. Pass it as an argument and return a changed copy"
            )
        stack.extend([p for p in parents if p is not None])
    return [found[k] for k in sorted(found)]


class _Segment:
    """What is kept of a call: the function and its arguments."""

    def __init__(self, function: Function, spec: Any, leaves: list[Any]) -> None:
        self.name = f"checkpoint of {name_of(function)}"
        self.function = function
        self.spec = spec
        self.positions = [i for i, x in enumerate(leaves) if isinstance(x, Tensor)]
        self.operands: tuple[Any, ...] = tuple([leaves[i] for i in self.positions])
        # A plain array may be changed by its owner before the backward pass.
        self.leaves = [
            None
            if isinstance(x, Tensor)
            else read_only(snapshot(x))
            if isinstance(x, np.ndarray)
            else x
            for x in leaves
        ]
        self.inside: list[bool] = []
        self.captured: tuple[int, ...] = ()
        self.keys: list[Any] = []

    def new_inputs(self, operands: Sequence[Any]) -> list[Tensor]:
        """The Tensors among the arguments, with nodes of their own that lead to the given ones."""
        inputs = []
        for x in operands:
            node: Node | None
            if isinstance(x, Tensor):
                tracked = x._n is not None
                if tracked:
                    a, node, _ = as_input(x, lambda: self.name)
                else:
                    a, node = x.detach()._a, None
            else:
                a, node, tracked = x, None, True
            scope = Scope()
            scope.active = False
            mine = [next_id(), INPUT, node, None, None, False, scope] if tracked else None
            inputs.append(handle(a, mine, None))
        return inputs

    def call(self, inputs: Sequence[Any]) -> Any:
        """Call the function with these in place of its Tensors."""
        leaves = list(self.leaves)
        for i, t in zip(self.positions, inputs, strict=True):
            leaves[i] = t
        args, kwargs = pytree.unflatten(self.spec, leaves)
        return self.function(*args, **kwargs)

    def check_arguments(self, inputs: list[Tensor], arrays: list[Any]) -> None:
        """Refuse a function that has written into its arguments."""
        for t, a in zip(inputs, arrays, strict=True):
            if t._a is not a or (t._n is not None and t._n[1] is not INPUT):
                raise MutationError(
                    f"{self.name}: the function writes into its argument; it is called again in "
                    "the backward pass. Write into a copy (x = x.copy())"
                )

    def close(
        self, outs: list[Any], inside: list[bool], captured: list[Node], arrays: list[Any]
    ) -> list[Any]:
        """The outputs on one node that stands for the whole function."""
        self.inside = inside
        self.captured = tuple([n[0] for n in captured])
        values = tuple([o._a for o, i in zip(outs, inside, strict=True) if i])
        parents = (*[x._n for x in self.operands], *captured)
        saved = (*arrays, *(Aval((), np.dtype(float)),) * len(captured))
        self.operands = ()
        kind = _primitive(len(values)).kind
        node = [next_id(), kind, parents, None, None, saved, {"segment": self}, values, 0, None]
        debugging.locate(node, always=True)
        results = []
        k = 0
        for o, is_inside in zip(outs, inside, strict=True):
            if is_inside:
                o = handle(o._a, [next_id(), OUTPUT, node, None, None, k], None)
                k += 1
            results.append(o)
        return results

    # -------------------------------------------------------------- the backward pass

    def backward(self, cts: list[Any], ins: tuple[Any, ...], outs: tuple[Any, ...]) -> list[Any]:
        """Cotangents of the operands and of what was captured, by recording the function again."""
        with debugging.user_code():
            return self._backward(cts, ins, outs)

    def _backward(self, cts: list[Any], ins: tuple[Any, ...], outs: tuple[Any, ...]) -> list[Any]:
        inputs = self.new_inputs(ins[: len(self.positions)])
        # Transforms inside of the function must not take these for constants.
        waiting = _ids(inputs) | frozenset(self.captured)
        with awaiting(waiting), tracing_user(), repeated(self.keys):
            leaves = pytree.leaves(self.call(inputs))
        if len(leaves) != len(self.inside):
            raise self._changed(f"{len(leaves)} outputs, not {len(self.inside)}")
        again = [o for o, i in zip(leaves, self.inside, strict=True) if i]
        self._check_values(again, outs)
        ids = [t._n[0] if t._n is not None else None for t in inputs]
        stops = frozenset([k for k in ids if k is not None] + list(self.captured))
        pairs = [
            (o._n, c) for o, c in zip(again, cts, strict=True) if c is not None and o._n is not None
        ]
        root: Node = [
            next_id(), JOIN, tuple([n for n, _ in pairs]), None, None, None, None, None, 0, None,
        ]  # fmt: skip
        seeds = [c for _, c in pairs]
        nodes = self._nodes(root, stops)
        if any(isinstance(x, Tensor) for x in (*cts, *ins)):
            found = sweep(root, seeds, stops, True)[0]
        else:
            found = _sweep_plain(root, seeds, stops, nodes)
        return [found.get(k) for k in (*ids, *self.captured)]  # type: ignore[arg-type]

    def _nodes(self, root: Node, stops: frozenset[int]) -> dict[int, Node]:
        """The nodes between ``root`` and the stops, which must be all that it leads to."""
        nodes = {root[0]: root}
        stack = [root]
        while stack:
            node = stack.pop()
            if node[0] in stops:
                continue
            if node[1] is LEAF or (node[1] is INPUT and node[2] is None):
                raise WengertValueError(
                    f"{self.name}: computing the function again used a Tensor that it had not used "
                    "before; what it reads must not change between the passes"
                )
            for p in node[2] if node[1].wide else node[2:4]:
                if p is not None and p[0] not in nodes:
                    nodes[p[0]] = p
                    stack.append(p)
        return nodes

    def _check_values(self, again: list[Any], outs: tuple[Any, ...]) -> None:
        for o, before in zip(again, outs, strict=True):
            before = before._a if isinstance(before, Tensor) else before
            same = isinstance(o, Tensor)
            if same:
                refresh(o)
                now = o._a
                same = now.shape == before.shape and now.dtype == before.dtype
                tolerance = 1e3 * float(np.finfo(before.dtype).eps)
                with np.errstate(all="ignore"):
                    same = same and np.allclose(now, before, tolerance, 0.0, equal_nan=True)
            if not same:
                raise self._changed("other values")

    def _changed(self, found: str) -> WengertValueError:
        return WengertValueError(
            f"{self.name}: computing the function again gave {found}; it must not use random "
            "numbers, and what it reads must not change between the passes"
        )


def _sweep_plain(
    root: Node, seeds: list[Any], stops: frozenset[int], nodes: dict[int, Node]
) -> dict[int, Any]:
    """The sweep on plain arrays, which stops at captured nodes as well as at inputs."""
    order = sorted(nodes, reverse=True)
    wrap = wrapper(False)
    if DEBUGGED and debugging.examines():
        with quiet():
            return propagate(order, nodes, root, seeds, stops, False, wrap, True, examined=True)
    with quiet():
        found = propagate(order, nodes, root, seeds, stops, False, wrap, False)
        if not all(finite(c) for c in found.values()):
            found = propagate(order, nodes, root, seeds, stops, False, wrap, True)
    return found


@lru_cache(maxsize=64)
def _primitive(outputs: int) -> Primitive:
    def evaluate(*values: Any, segment: _Segment) -> tuple[Any, ...]:
        with no_grad(), repeated(segment.keys):
            y = segment.call([handle(a, None, None) for a in values[: len(segment.positions)]])
        outs = [o for o, i in zip(pytree.leaves(y), segment.inside, strict=True) if i]
        return tuple([o._a if isinstance(o, Tensor) else o for o in outs])

    def shape(*values: Any, segment: _Segment) -> Any:
        raise WengertError("checkpoint: a checkpointed call is recorded as what the function does")

    return Primitive(
        "checkpoint",
        evaluate,
        shape,
        None,
        vjp=lambda cts, ins, outs, segment: segment.backward(cts, ins, outs),
        outputs=outputs,
        register=False,
    )
