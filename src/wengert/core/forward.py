"""Forward mode: tangents of an operation's output from those of its operands.

A dual number is a `RareTensor` with tangents by level. Levels are numbered from the one counter, so
an inner ``jvp`` has a higher level than the one around it; the tangent at a level is computed from
operands restricted to lower levels, which is what keeps perturbations apart.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from . import algebra, debugging
from .errors import WengertTypeError
from .finite import finite
from .quiet import quiet
from .state import DEBUGGED
from .tensor import RareTensor, Tensor, handle

if TYPE_CHECKING:
    from .primitive import Primitive

__all__ = ["below", "push_forward", "tangents_of_output"]


def _tangents(x: Any) -> dict[int, Any] | None:
    return x._x.tangents if type(x) is RareTensor else None


def below(x: Any, level: int) -> Any:
    """``x`` with only the tangents of levels below ``level``."""
    tangents = _tangents(x)
    if not tangents:
        return x
    return handle(x._a, x._n, {k: t for k, t in tangents.items() if k < level})


def tangents_of_output(
    primitive: Primitive,
    args: tuple[Any, ...],
    out: Any,
    node: Any,
    params: dict[str, Any],
    recording: Any = None,
) -> dict[int, Any]:
    """The output's tangents by level. For several outputs, ``out`` and ``node`` are sequences."""
    tangents: dict[int, Any] = {}
    if not primitive.differentiable:
        return tangents
    found = [x._x.tangents if type(x) is RareTensor else None for x in args]
    levels: Any = None
    for d in found:
        if d:
            levels = d.keys() if levels is None else levels | d.keys()
    if levels is None:
        return tangents
    for level in sorted(levels) if len(levels) > 1 else levels:
        if recording is not None and level < recording.id:
            continue  # that jvp ends after this recording: replaying the Program carries it
        restricted = tuple([below(x, level) if d else x for x, d in zip(args, found, strict=True)])
        ts = [d.get(level) if d else None for d in found]
        y: Any
        if primitive.outputs is None:
            y = handle(out, node, dict(tangents) if tangents else None)
        else:
            y = tuple(
                handle(o, n, {k: t[i] for k, t in tangents.items() if t[i] is not None})
                for i, (o, n) in enumerate(zip(out, node, strict=True))
            )
        if DEBUGGED:
            t = debugging.examine_tangent(
                functools.partial(push_forward, primitive, restricted, y, ts, params),
                primitive,
                params,
                restricted,
                ts,
            )
        else:
            t = push_forward(primitive, restricted, y, ts, params)
        if t is not None:
            tangents[level] = t
    return tangents


def push_forward(
    primitive: Primitive,
    ins: tuple[Any, ...],
    out: Any,
    tangents: list[Any],
    params: dict[str, Any],
) -> Any:
    """The tangent of the output; None for an exact zero."""
    if primitive.partials is not None:
        return _push_partials(primitive.partials, ins, out, tangents)
    if primitive.jvp is not None:
        if all(t is None for t in tangents):
            return None
        with quiet():
            return primitive.jvp(tangents, ins, out, **params)
    if primitive.vjp is not None:
        if all(t is None for t in tangents):
            return None
        raise WengertTypeError(
            f"{primitive.name} has only a reverse rule, so forward mode (jvp, jacfwd) "
            "cannot differentiate it. Give it a forward rule with "
            "wengert.custom_jvp, which serves both modes"
        )
    from .bind import bind

    if primitive.linear is not None:
        if all(t is None for i, t in enumerate(tangents) if i in primitive.linear):
            return None
        args = [
            (algebra.zeros_like(x) if t is None else t) if i in primitive.linear else x
            for i, (x, t) in enumerate(zip(ins, tangents, strict=True))
        ]
        joint = len(args) > 1 and 0 in primitive.linear and primitive.outputs is None
        if joint and out.dtype.kind == "c":
            # The tangent of x + 1j, x real, is real; a write into it would lose imaginary parts.
            args[0] = algebra.cast_like(args[0], out.dtype)
        return bind(primitive, tuple(args), params, False)
    total = None
    for i, t in enumerate(tangents):
        if t is not None and i in (primitive.multilinear or ()):
            u = bind(primitive, (*ins[:i], t, *ins[i + 1 :]), params, False)
            total = u if total is None else total + u
    return total


def _push_partials(partials: Any, ins: tuple[Any, ...], out: Any, tangents: list[Any]) -> Any:
    total = None
    for partial, t in zip(partials, tangents, strict=True):
        if t is None or partial is None:
            continue
        if type(partial) is int:
            u = t if partial == 1 else -t
        else:
            with quiet():
                u = algebra.times_partial(t, partial, out, ins, False)
                if not finite(u):
                    u = algebra.times_partial(t, partial, out, ins, True)
        total = u if total is None else total + u
    if total is None or total.shape == out.shape:
        return total
    from .bind import bind
    from .primitive import PRIMITIVES

    if not isinstance(total, Tensor):
        return np.broadcast_to(total, out.shape)
    return bind(PRIMITIVES["broadcast_to"], (total,), {"shape": out.shape}, False)
