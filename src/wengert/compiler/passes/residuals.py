"""Residuals: a Program of values and cotangents, split into what runs forward and what runs back.

Partial evaluation: everything that does not depend on the cotangents is known when the value is
computed. Of that the backward Program gets what it reads, its *residuals*, but for cheap
operations: those it repeats where that leaves less to keep.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

from ...core.abstract import Var
from ...core.primitive import PRIMITIVES
from ...core.program import Equation, Program, pruned
from .simplify import simplify

__all__ = ["Split", "split"]

# Repeating these takes no more time than reading what they gave.
_CHEAP = frozenset({
    "add", "sub", "mul", "neg", "positive", "abs", "sign", "square", "maximum", "minimum", "clip",
    "relu", "equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "logical_and",
    "logical_or", "logical_not", "where", "astype", "copy", "reshape", "transpose", "broadcast_to",
    "diagonal", "real", "imag", "strong_product",
})  # fmt: skip


@dataclass(frozen=True)
class Split:
    """A Program in two halves.

    Attributes
    ----------
    forward : Program
        From the inputs that are no cotangents to the values, and the residuals behind them.
    backward : Program
        From what ``sources`` says, and the cotangents, to the results.
    sources : list of (str, int)
        Where the first inputs of ``backward`` come from: ``("input", k)`` or ``("output", k)`` of
        ``forward``.
    """

    forward: Program
    backward: Program
    sources: list[tuple[str, int]]


def split(program: Program, known: int, values: int) -> Split:
    """Split a Program.

    Parameters
    ----------
    program : Program
    known : int
        How many of its inputs, the first ones, are no cotangents.
    values : int
        How many of its outputs, the first ones, the forward half gives; they must not depend on
        cotangents.
    """
    program = simplify(program)
    unknown: set[Var] = set(program.inputs[known:])
    forward: list[Equation] = []
    backward: list[Equation] = []
    for e in program.equations:
        if unknown.isdisjoint(x for x in e.inputs if type(x) is Var):
            forward.append(e)
        else:
            backward.append(e)
            unknown.update(e.outputs)
    made_by = {v: e for e in forward for v in e.outputs}
    free = {*program.inputs, *(v for v, _ in program.captured)}
    free.update(y for y in program.outputs[:values] if type(y) is Var)
    results = program.outputs[values:]
    needed = _read(backward, results) - unknown
    repeated = _repeated(needed, made_by, free)
    again = [e for e in forward if e in repeated]
    needed = (_read([*again, *backward], results) - unknown).difference(
        v for e in again for v in e.outputs
    )
    residuals = [v for e in forward for v in e.outputs if v in needed and v not in free]
    outputs = [*program.outputs[:values], *residuals]
    sources: list[tuple[str, int]] = []
    inputs: list[Var] = []
    for kind, variables in (("input", program.inputs[:known]), ("output", outputs)):
        for k, v in enumerate(variables):
            if type(v) is Var and v in needed and v not in inputs:
                inputs.append(v)
                sources.append((kind, k))
    return Split(
        pruned(Program(program.inputs[:known], program.captured, forward, outputs)),
        pruned(
            Program(
                [*inputs, *program.inputs[known:]],
                [(v, obj) for v, obj in program.captured if v not in inputs],
                [*again, *backward],
                results,
            )
        ),
        sources,
    )


def _read(equations: list[Equation], results: list[Any]) -> set[Var]:
    read = {x for e in equations for x in e.inputs if type(x) is Var}
    return read | {y for y in results if type(y) is Var}


def _size(v: Var) -> int:
    return prod(v.shape) * int(v.dtype.itemsize)


def _is_cheap(e: Equation) -> bool:
    known = PRIMITIVES.get(e.primitive.name) is e.primitive and e.primitive.outputs is None
    return known and (e.primitive.name in _CHEAP or not any(type(x) is Var for x in e.inputs))


def _repeated(needed: set[Var], made_by: dict[Var, Equation], free: set[Var]) -> set[Equation]:
    """The cheap equations to run once more, so that fewer bytes are kept."""
    kept = {v for v in needed if v not in free}
    repeated: set[Equation] = set()
    waiting = sorted(kept, key=_size, reverse=True)
    while waiting:
        v = waiting.pop()
        e = made_by[v]
        if v not in kept or not _is_cheap(e):
            continue
        operands = {x for x in e.inputs if type(x) is Var and x not in free}
        new = operands - kept - {y for r in repeated for y in r.outputs}
        if sum(map(_size, new)) <= _size(v):
            kept.remove(v)
            repeated.add(e)
            kept |= new
            waiting += new
    return repeated
