"""Batching: `vmap` records a function on the shapes of one example and replays it on all."""

from __future__ import annotations

import functools
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np

from ..core import debugging, pytree
from ..core.abstract import Aval, Var
from ..core.bind import bind, refresh
from ..core.coincidence import resolves_coincidence
from ..core.errors import NoRuleError, ShapeError, WengertTypeError, WengertValueError
from ..core.liveness import Liveness
from ..core.ownership import plain_array, snapshot
from ..core.program import Equation, Program
from ..core.quiet import quiet
from ..core.recorder import lift_plain, record
from ..core.state import DEBUGGED
from ..core.tensor import RareTensor, Tensor, handle
from ..rules.batching import materialize
from ..rules.shapes import transpose
from .boundary import any_tensor, check_function, name_of, release, tracing_user

__all__ = ["vmap"]

Function = Callable[..., Any]
_LOUD: Any = nullcontext()
_SEQUENCES = (tuple, list, deque)


def _is_axis(x: Any) -> bool:
    return isinstance(x, (int, np.integer)) and not isinstance(x, bool)


def _no_axes(what: str, found: Any, place: str = "") -> WengertTypeError:
    text = repr(found) if np.size(found) < 2 else f"a {type(found).__name__}"
    of = "arguments" if what.startswith("in_axes") else "results"
    return WengertTypeError(
        f"vmap: {what} must be integers or None in the structure of the {of}, not {text}{place}"
    )


def _check_axes(axes: Any, what: str) -> None:
    for axis in pytree.leaves(axes):
        if not _is_axis(axis):
            raise _no_axes(what, axis)


def _axes_tree(axes: Any, tree: Any, what: str) -> list[int | None]:
    """One axis for each leaf of ``tree``; ``axes`` may be a prefix of its structure."""
    if axes is None or _is_axis(axes):
        return [None if axes is None else int(axes)] * len(pytree.leaves(tree))
    inside = pytree.children(tree)
    parts = pytree.children(axes)
    alike = type(axes) is type(tree) or any(
        isinstance(axes, kinds) and isinstance(tree, kinds) for kinds in (_SEQUENCES, dict)
    )
    if inside is None or parts is None or not alike:
        kind = "what is no container" if inside is None else f"a {type(tree).__name__}"
        raise _no_axes(what, axes, f" for {kind}")
    of = "argument" if what.startswith("in_axes") else "result"
    found, (subtrees, places) = parts[0], inside
    if isinstance(tree, dict):
        if set(axes) != set(tree):
            raise WengertValueError(f"vmap: {what} has keys {list(axes)}, the {of} {list(tree)}")
        found = [axes[key] for key in places]
    if len(found) != len(subtrees):
        raise WengertValueError(
            f"vmap: {what} has {len(found)} entries, the {of} has {len(subtrees)}"
        )
    return [
        axis
        for part, subtree, place in zip(found, subtrees, places, strict=True)
        for axis in _axes_tree(part, subtree, f"{what}[{place!r}]")
    ]


def _to_front(x: Any, axis: int, where: str) -> Any:
    ndim = x.ndim
    if not -ndim <= axis < ndim:
        raise ShapeError(
            f"{where}: has no axis {axis}, its shape is {x.shape}. The axis of what all examples "
            "share is None in in_axes"
        )
    axis %= ndim
    if axis == 0:
        return x
    order = (axis, *(i for i in range(ndim) if i != axis))
    return transpose(x, order) if isinstance(x, Tensor) else np.transpose(x, order)


def _from_front(x: Any, axis: int, where: str) -> Any:
    ndim = x.ndim
    if not -ndim <= axis < ndim:
        raise ShapeError(
            f"{where}: out_axes is {axis} for a result of {ndim - 1} dimensions; it must be from "
            f"{-ndim} to {ndim - 1}"
        )
    axis %= ndim
    if axis == 0:
        return x
    order = [*range(1, ndim)]
    order.insert(axis, 0)
    return transpose(x, tuple(order)) if isinstance(x, Tensor) else np.transpose(x, order)


def _example(x: Any) -> Aval:
    """The shape, dtype and layout of one example of a batch."""
    a = x._a if isinstance(x, Tensor) else x
    if type(a) is Var:
        return Var(a.shape[1:], a.dtype, None, a.contiguous)
    return Var(a.shape[1:], a.dtype, None, a.ndim < 2 or a[:1].flags.c_contiguous)


def evaluate_batched(
    program: Program, args: list[Any], batched: list[bool], size: int
) -> list[tuple[Any, bool]]:
    """Evaluate a Program recorded on one example; batched arguments have the batch axis first."""
    env: dict[Any, tuple[Any, bool]] = {
        v: (x, b) for v, x, b in zip(program.inputs, args, batched, strict=True)
    }
    env.update((v, (lift_plain(obj), False)) for v, obj in program.captured)
    for e in program.equations:
        pairs = [env[x] if type(x) is Var else (x, False) for x in e.inputs]
        ins = tuple([x for x, _ in pairs])
        flags = tuple([b for _, b in pairs])
        if DEBUGGED and debugging.examines():
            with debugging.inside_rule(e.origin):
                outs = _evaluate_equation(e, ins, flags, size)
            if e.origin is not None:
                debugging.examine_equation(e.origin, outs, lambda v: env.get(v, (None,))[0])
        else:
            outs = _evaluate_equation(e, ins, flags, size)
        any_batched = True in flags
        env.update((v, (o, any_batched)) for v, o in zip(e.outputs, outs, strict=True))
    return [env[v] if type(v) is Var else (v, False) for v in program.outputs]


def _evaluate_equation(
    e: Equation, ins: tuple[Any, ...], flags: tuple[bool, ...], size: int
) -> Sequence[Any]:
    """The outputs of one equation on operands of which those flagged have a batch axis first."""
    with quiet() if e.silent else _LOUD:
        if True not in flags:
            out = bind(e.primitive, ins, e.params, False)
        elif e.primitive.batch is None:
            raise NoRuleError(f"vmap: {e.primitive.name} has no batching rule")
        else:
            tensors = tuple(
                [
                    x if isinstance(x, Tensor) or not b else handle(x, None, None)
                    for x, b in zip(ins, flags)
                ]
            )
            out = e.primitive.batch(tensors, flags, size, **e.params)
    return (out,) if e.primitive.outputs is None else out


def vmap(function: Function, in_axes: Any = 0, out_axes: Any = 0) -> Function:
    """A function that applies ``function`` to every slice along a batch axis, without a loop.

    Parameters
    ----------
    function : callable
        Written for one example.
    in_axes : int, None, or a structure of them
        The batch axis of each positional argument; None for one that all examples share, as they
        do keyword arguments. A tuple or list has one entry for each argument; where that is a
        container, the entry is for all of it, or a container of the same structure.
    out_axes : int, None, or a structure of them
        Where the batch axis goes in the results; None for one that is the same for all examples.

    Returns
    -------
    callable

    Raises
    ------
    ShapeError
        If the batch axes have different lengths, or there is no such axis.
    WengertTypeError
        If axes are no integers, or a result is no number.
    WengertValueError
        If the structure of the axes is not that of the arguments or results.
    AbstractValueError
        If ``function`` branches on a value: it is recorded on shapes alone.

    Examples
    --------
    >>> import numpy as np, wengert as wg
    >>> points, w = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), np.array([1.0, -1.0])
    >>> wg.vmap(lambda x, w: np.tanh(x @ w), in_axes=(0, None))(points, w)
    array([-0.76159416, -0.76159416, -0.76159416])
    >>> wg.vmap(wg.grad(lambda p: p["a"] @ p["b"]), in_axes=({"a": 0, "b": None},))(
    ...     {"a": points, "b": w}
    ... )["b"].shape
    (3, 2)
    """
    check_function("vmap", function)
    _check_axes(in_axes, "in_axes")
    _check_axes(out_axes, "out_axes")

    @resolves_coincidence
    @functools.wraps(function, updated=())
    def batched_function(*args: Any, **kwargs: Any) -> Any:
        if isinstance(in_axes, (tuple, list)) and len(in_axes) != len(args):
            raise WengertValueError(
                f"vmap of {name_of(function)}: in_axes has {len(in_axes)} entries but the function "
                f"was called with {len(args)} positional arguments"
            )
        keep = any_tensor(*args)
        paths, leaves, spec = pytree.flatten_with_paths(args)
        axes = _axes_tree(in_axes, args, "in_axes")
        sizes: dict[int, str] = {}
        batched: list[Any] = []
        for path, x, axis in zip(paths, leaves, axes, strict=True):
            if axis is None:
                continue
            where = f"vmap of {name_of(function)}, argument {path}"
            if isinstance(x, np.ndarray):
                x = plain_array(x)
            x = lift_plain(x if isinstance(x, Tensor) else np.asarray(x))
            if isinstance(x, Tensor):
                refresh(x)
            elif x.dtype.kind not in "biufc":
                raise WengertTypeError(
                    f"{where}: has dtype {x.dtype}; what has a batch axis must be numbers. The "
                    "axis of anything else is None in in_axes, and all examples share it"
                )
            x = _to_front(x, int(axis), where)
            sizes.setdefault(x.shape[0], path)
            batched.append(x)
        if len(sizes) != 1:
            found = ", ".join(f"{n} (argument {path})" for n, path in sizes.items())
            raise ShapeError(
                f"vmap of {name_of(function)}: the batch axes must have one length; found {found}"
                if sizes
                else f"vmap of {name_of(function)}: in_axes names no batch axis of an argument; "
                "batched arguments are given by position, keyword arguments are shared"
            )
        (size,) = sizes
        out_spec: Any = None

        def flat(*examples: Any) -> list[Any]:
            nonlocal out_spec
            rest = iter(examples)
            values = [x if axis is None else next(rest)
                      for x, axis in zip(leaves, axes, strict=True)]  # fmt: skip
            # An array that all share becomes a Tensor, so that table[i] with
            # an abstract i dispatches.
            values = [
                handle(snapshot(x), None, None) if isinstance(x, np.ndarray) else x for x in values
            ]
            y = function(*pytree.unflatten(spec, values), **kwargs)
            outs, out_spec = pytree.flatten(y)
            return outs

        with tracing_user():
            program = record(flat, [_example(x) for x in batched])
            liveness = Liveness()
            program.captured = [
                (v, liveness.strip(obj) if isinstance(obj, Tensor) else obj)
                for v, obj in program.captured
            ]
            keep = keep or any(_still_matters(obj) for _, obj in program.captured)
            if keep:  # what a derivative needs of the caller's arrays is copied, as in `bind`
                batched = [snapshot(x) if isinstance(x, np.ndarray) else x for x in batched]
            results = evaluate_batched(program, batched, [True] * len(batched), size)
        out_paths = _axes_tree(
            out_axes, pytree.unflatten(out_spec, [0.0] * len(results)), "out_axes"
        )
        outs = []
        for y, _ in results:
            kind = np.asarray(y).dtype.kind if not isinstance(y, Tensor) else "f"
            if kind not in "biufc":
                raise WengertTypeError(
                    f"vmap of {name_of(function)}: a result is a {type(y).__name__}"
                    f"{f' of dtype {y.dtype}' if hasattr(y, 'dtype') else ''}; results must "
                    "be numbers, arrays or containers of them"
                )
        # An argument, or a result that stands twice, is not given away.
        uses = Counter(map(id, [*batched, *(y for y, _ in results)]))
        for (y, is_batched), axis in zip(results, out_paths, strict=True):
            if axis is None:
                if is_batched:
                    raise WengertValueError(
                        f"vmap of {name_of(function)}: out_axes is None for a result that differs "
                        "from example to example"
                    )
            else:
                y = _from_front(
                    materialize(y, is_batched, size), int(axis), f"vmap of {name_of(function)}"
                )
            if isinstance(y, Tensor) and uses[id(y)] > 1:
                y = handle(y._a, y._n, y._x.tangents if type(y) is RareTensor else None)
            outs.append(release(y, keep))
        return pytree.unflatten(out_spec, outs)

    return batched_function


def _still_matters(x: Any) -> bool:
    return isinstance(x, Tensor) and (
        x._n is not None or type(x._a) is Var or (type(x) is RareTensor and bool(x._x.tangents))
    )
