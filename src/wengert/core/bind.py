"""`bind`: apply a primitive to any mixture of arrays, Tensors, dual numbers and abstract values.

This is the one slow path. The generated fast paths serve operations on ordinary Tensors and hand
everything else over to it.
"""

from __future__ import annotations

from _weakref import ref
from typing import Any

import numpy as np

from . import debugging
from .abstract import Aval, Var
from .errors import MutationError
from .forward import tangents_of_output
from .ownership import overwritten, plain_array, settle, snapshot, was_written
from .primitive import Primitive
from .refusals import explained, not_numbers, operation_text
from .state import DEBUGGED, PAUSED, is_paused, next_id
from .tape import OUTPUT, Node
from .tensor import FastTensor, Rare, RareTensor, Tensor, handle

__all__ = ["bind", "refresh", "require_certain_view"]

ndarray = np.ndarray


def refresh(x: Tensor) -> None:
    """Derive a view again if its base has changed."""
    if type(x) is not RareTensor or x._x.base is None:
        return
    rare = x._x
    base: Tensor = rare.base  # type: ignore[assignment]
    # Into an array that was handed out by .array somebody may have written.
    exposed = type(base) is RareTensor and base._x.exposed
    if base._n is rare.base_node and base._a is rare.base_array and not exposed:
        return
    v: Tensor = base
    if type(base._a) is Var and base._a is not rare.base_array:
        require_certain_view(base, rare.chain)
    for primitive, params in rare.chain:
        v = bind(primitive, (v,), params, False)
    x._a = v._a
    x._n = v._n
    rare.tangents = v._x.tangents if type(v) is RareTensor else {}
    rare.base_node, rare.base_array = base._n, base._a


def require_certain_view(base: Tensor, chain: tuple[Any, ...]) -> None:
    """Whether NumPy's reshape made a view depends on strides, which an abstract value lacks.

    Raises
    ------
    MutationError
        If the chain has a reshape that may have been a copy, so that it matters.
    """
    if base._a.contiguous:
        a = view = np.empty(base._a.shape, base._a.dtype)
        for primitive, params in chain:
            view = primitive.evaluate(view, **params)
        if not a.size or np.may_share_memory(a, view):
            return
    moved = not base._a.contiguous
    value = Aval(base._a.shape, base._a.dtype)
    for primitive, params in chain:
        shape, dtype = primitive.shape(value, **params)
        if primitive.name == "reshape":
            longer = [n for n in value.shape if n != 1], [n for n in shape if n != 1]
            if moved and longer[0] != longer[1]:
                raise MutationError(
                    "a write through a reshape, or into an array of which a reshape is used "
                    "later, where the array may not be contiguous: NumPy makes a view or a copy "
                    "depending on strides, which are not known inside vmap or jit. Write before "
                    "the reshape, or reshape a copy"
                )
        else:
            moved = True
        value = Aval(tuple(shape), dtype)


def bind(
    primitive: Primitive, args: tuple[Any, ...], params: dict[str, Any], view: bool = True
) -> Any:
    """Evaluate or emit the operation, record it, and push tangents forward.

    Plain arguments give a plain result. ``view=False`` asks for a result that does not follow later
    writes to the operand.
    """
    recording: Any = None
    dual = tracked = tensors = lost = False
    first = args[0] if args else None
    for i, x in enumerate(args):
        if isinstance(x, Tensor):
            tensors = True
            if type(x) is RareTensor:
                rare = x._x
                if rare.base is not None:
                    refresh(x)
                if rare.tangents:
                    dual = True
                if type(x._a) is Var:
                    r: Any = x._a.recording
                    if recording is None or r.id > recording.id:
                        recording = r
                elif rare.exposed and not settle(x):
                    lost = lost or was_written(x)
                    x = handle(x._a.copy(), x._n, rare.tangents)
                    args = (*args[:i], x, *args[i + 1 :])
            if x._n is not None:
                tracked = True
        elif type(x) is list or type(x) is tuple:
            args = (*args[:i], np.asarray(x), *args[i + 1 :])
        elif type(x) is not ndarray and isinstance(x, ndarray):
            args = (*args[:i], plain_array(x), *args[i + 1 :])
    if not tensors:
        return primitive.evaluate(*args, **params)
    if tracked and (not primitive.differentiable or (PAUSED and is_paused())):
        tracked = False
    if tracked and lost:
        raise overwritten()
    try:
        if recording is not None:
            args = tuple([recording.lift(x) for x in args])
            ins = tuple([x._a if isinstance(x, Tensor) else x for x in args])
            out = recording.emit(primitive, ins, params)
        else:
            ins = tuple([x._a if isinstance(x, Tensor) else x for x in args])
            out = primitive.evaluate(*ins, **params)
            if primitive.plain:
                return out
    except (ValueError, TypeError, IndexError) as error:
        operands = [np.asarray(x) if isinstance(x, str) else x for x in args]
        better = explained(error, operation_text(primitive, params, len(args)), operands)
        if better is error:
            raise
        raise better from None
    if DEBUGGED and recording is None:
        debugging.examine_result(primitive, params, ins, out)
    if primitive.outputs is not None:
        return _bind_outputs(primitive, args, ins, params, out, recording, tracked, dual)
    kind = out.dtype.kind
    if kind not in "fcbiu":
        raise not_numbers(operation_text(primitive, params, len(args)), out.dtype)
    if not tracked and not dual:
        result = handle(out, None, None)
    else:
        node = None
        if tracked and kind in "fc":
            keep_out = primitive.needs_out or recording is not None
            parents, saved, foreign, constants = _save(
                primitive, args, ins, dual, recording is not None
            )
            node = [
                next_id(),
                primitive.kind,
                parents,
                None,
                None,
                saved,
                params,
                out if keep_out else None,
                foreign,
                constants,
            ]
            if DEBUGGED:
                debugging.locate(node)
        tangents = None
        if dual:
            tangents = tangents_of_output(primitive, args, out, node, params, recording)
        result = handle(out, node, tangents)
    if view and primitive.alias and isinstance(first, Tensor):
        return _as_view(primitive, params, first, ins[0], result)
    return result


def _save(
    primitive: Primitive, args: tuple[Any, ...], ins: tuple[Any, ...], dual: bool, abstract: bool
) -> tuple[tuple[Node | None, ...], tuple[Any, ...], int, tuple[Any, ...] | None]:
    """Parents and saved operands of a node, and whether it must be swept with Tensors.

    That is 0 if not, -1 for abstract values, else the lowest level of the saved tangents. Last,
    weak references to the operands that are Tensors without a node, for ``.parents``.
    """
    parents = []
    saved: list[Any] = []
    foreign = -1 if abstract else 0
    constants: dict[int, Any] | None = None
    unread = primitive.unread
    for i, (x, a) in enumerate(zip(args, ins, strict=True)):
        unneeded = unread is not None and i in unread
        if isinstance(x, Tensor):
            n = x._n
            parents.append(n)
            if n is None:
                constants = constants or {}
                constants[i] = ref(x)
            if unneeded and n is not None and not abstract:
                saved.append(Aval(a.shape, a.dtype))
            elif dual and type(x) is RareTensor and x._x.tangents and not unneeded:
                saved.append(handle(a, n, dict(x._x.tangents)))
                lowest = min(x._x.tangents)
                foreign = min(foreign, lowest) if foreign else lowest
            else:
                saved.append(_own_copy(x, a))
        else:
            parents.append(None)
            saved.append(snapshot(a) if type(a) is ndarray and not unneeded else a)
    held = None if constants is None else tuple([constants.get(i) for i in range(len(args))])
    return tuple(parents), tuple(saved), foreign, held


def _own_copy(x: Tensor, a: Any) -> Any:
    """What a node saves of an operand: of a small part of an array, a copy.

    Saved as a view it would hold the whole array, so that the next write into that, in a loop over
    its rows say, had to copy the whole.
    """
    if type(x) is RareTensor and x._x.base is not None and type(a) is ndarray:
        whole = x._x.base._a
        if type(whole) is ndarray and 4 * a.size <= whole.size:
            return a.copy("K")
    return a


def _bind_outputs(
    primitive: Primitive,
    args: tuple[Any, ...],
    ins: tuple[Any, ...],
    params: dict[str, Any],
    outs: tuple[Any, ...],
    recording: Any,
    tracked: bool,
    dual: bool,
) -> tuple[Tensor, ...]:
    """Results of an operation with several outputs: one node, and one OUTPUT node for each."""
    node: Node | None = None
    if tracked:
        parents, saved, foreign, constants = _save(
            primitive, args, ins, dual, recording is not None
        )
        kind = primitive.kind
        node = [next_id(), kind, parents, None, None, saved, params, outs, foreign, constants]
        if DEBUGGED:
            debugging.locate(node)
    results = []
    out_nodes: list[Node | None] = []
    for i, o in enumerate(outs):
        r = handle(o, None, None)
        if node is not None and o.dtype.kind in "fc":
            r._n = [next_id(), OUTPUT, node, None, None, i]
        results.append(r)
        out_nodes.append(r._n)
    if not dual:
        return tuple(results)
    tangents = tangents_of_output(primitive, args, outs, out_nodes, params, recording)
    duals = []
    for i, r in enumerate(results):
        mine = {level: t[i] for level, t in tangents.items() if t[i] is not None}
        duals.append(handle(r._a, r._n, mine) if mine else r)
    return tuple(duals)


def _as_view(
    primitive: Primitive, params: dict[str, Any], x: Tensor, a: Any, result: Tensor
) -> Tensor:
    """Make ``result`` follow later writes to ``x`` if NumPy made (or would make) a view of ``a``.

    ``a`` is a copy of what ``x`` holds if that was handed out by ``.array``.
    """
    out = result._a
    if type(out) is ndarray:
        base: Any = out.base
        if base is not None and type(base) is not ndarray:
            base = getattr(base, "base", None)  # of what NumPy's as_strided puts between
        if type(a) is not ndarray or base is None or not (base is a or base is a.base):
            return result
    elif type(out) is not Var or out.scalar:
        return result
    if type(result) is FastTensor:
        node = result._n
        result = RareTensor()
        result._a, result._x = out, Rare(None)
        result._n = node
    rare = result._x
    if type(x) is RareTensor and x._x.base is not None:
        rare.base = x._x.base
        rare.chain = (*x._x.chain, (primitive, params))
    else:
        rare.base = x
        rare.chain = ((primitive, params),)
    rare.base_node, rare.base_array = rare.base._n, rare.base._a
    return result
