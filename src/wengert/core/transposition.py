"""Reverse rules from forward rules.

A primitive may give its derivative as a jvp alone, linear in the tangents. Its transpose
is obtained once for each signature: record the jvp on abstract values, sweep it
backwards, and keep the resulting Program, which takes the cotangent and the operands and
returns the operands' cotangents.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from .abstract import Aval, aval_of, freeze
from .tensor import Tensor, handle

if TYPE_CHECKING:
    from .primitive import Primitive

__all__ = ["record_transpose", "transpose_jvp"]

_CACHE_SIZE = 2048
_cache: OrderedDict[Any, Any] = OrderedDict()


def transpose_jvp(
    primitive: Primitive,
    tracked: list[int],
    operands: tuple[Any, ...],
    out: Any,
    params: dict[str, Any],
    ct: Any,
) -> list[Any]:
    """Cotangents of the tracked operands; None where the derivative is zero."""
    from .program import evaluate

    outs = (out,) if primitive.outputs is None else tuple(out)
    cts = [ct] if primitive.outputs is None else list(ct)
    given = tuple(c is not None for c in cts)
    present = [c for c in cts if c is not None]
    key = (
        primitive,
        tuple(tracked),
        given,
        tuple((a.shape, a.dtype) for a in map(aval_of, (*present, *operands, *outs))),
        tuple(type(x) for x in operands),
        freeze(params),
    )
    program = _cache.get(key)
    if program is None:
        program = record_transpose(primitive, tracked, given, present, operands, outs, params)
        _cache[key] = program
        if len(_cache) > _CACHE_SIZE:
            _cache.popitem(last=False)
    results = iter(evaluate(program[0], [*present, *operands, *outs]))
    return [next(results) if nonzero else None for nonzero in program[1]]


def record_transpose(
    primitive: Primitive,
    tracked: list[int],
    given: tuple[bool, ...],
    cts: list[Any],
    operands: tuple[Any, ...],
    outs: tuple[Any, ...],
    params: dict[str, Any],
) -> tuple[Any, list[bool]]:
    """The Program from cotangents, operands and outputs to the nonzero cotangents; which those are.

    ``cts`` are the given ones only; operands and outputs may be abstract.
    """
    from .liveness import Scope
    from .program import pruned
    from .recorder import record
    from .state import next_id
    from .sweep import sweep
    from .tape import INPUT

    nonzero: list[bool] = []

    def transposed(*args: Any) -> list[Any]:
        cs = args[: len(cts)]
        ins = args[len(cts) : len(cts) + len(operands)]
        ys = args[len(cts) + len(operands) :]
        tangents: list[Any] = [None] * len(ins)
        ids = []
        scope = Scope()
        for i in tracked:
            k = next_id()
            ids.append(k)
            zero = cs[0]._a.recording.constant(0, ins[i].shape, ins[i].dtype)
            tangents[i] = handle(zero._a, [k, INPUT, None, None, None, True, scope], None)
        y = ys[0] if primitive.outputs is None else ys
        t = primitive.jvp(tangents, ins, y, **params)  # type: ignore[misc]
        tangent_outs = [t] if primitive.outputs is None else list(t)
        totals: dict[int, Any] = {}
        remaining = list(cs)
        for is_given, u in zip(given, tangent_outs, strict=True):
            if not is_given:
                continue
            c = remaining.pop(0)
            if not isinstance(u, Tensor) or u._n is None:
                continue
            cotangents, _, _, _ = sweep(u._n, c, frozenset(ids))
            for k, g in cotangents.items():
                totals[k] = totals[k] + g if k in totals else g
        nonzero.extend(k in totals for k in ids)
        return [totals[k] for k in ids if k in totals]

    avals = [aval_of(x) for x in (*cts, *operands, *outs)]
    program = record(transposed, [Aval(a.shape, a.dtype) for a in avals])
    return pruned(program), nonzero
