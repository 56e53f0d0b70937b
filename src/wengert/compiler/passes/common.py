"""Common subexpressions: what is computed twice from the same values is computed once."""

from __future__ import annotations

from typing import Any

from ...core.abstract import Var, freeze
from ...core.primitive import PRIMITIVES
from ...core.program import Equation, Program

__all__ = ["merge_common"]


def merge_common(program: Program) -> Program:
    """The Program without equations that repeat an earlier one.

    Operations of users are not merged: their functions may have effects.
    """
    same: dict[Var, Any] = {}
    known: dict[Any, tuple[Var, ...]] = {}
    equations = []
    for e in program.equations:
        ins = tuple([same.get(x, x) if type(x) is Var else x for x in e.inputs])
        if PRIMITIVES.get(e.primitive.name) is e.primitive:
            key = (e.primitive, tuple(map(_key, ins)), freeze(e.params))
            try:
                earlier = known.setdefault(key, e.outputs)
            except TypeError:  # a parameter that cannot be hashed
                earlier = e.outputs
            if earlier is not e.outputs and _alike(earlier, e.outputs):
                same.update(zip(e.outputs, earlier, strict=True))
                continue
        equations.append(Equation(e.primitive, ins, e.params, e.outputs, e.silent))
    outputs = [same.get(y, y) if type(y) is Var else y for y in program.outputs]
    return Program(program.inputs, program.captured, equations, outputs)


def _key(x: Any) -> Any:
    """Constants are the same if their bits are: 0.0 is not -0.0, and 1 not 1.0."""
    if type(x) is Var:
        return x
    return (type(x), getattr(x, "dtype", None), x.tobytes() if hasattr(x, "tobytes") else repr(x))


def _alike(first: tuple[Var, ...], second: tuple[Var, ...]) -> bool:
    return all(a.scalar == b.scalar for a, b in zip(first, second, strict=True))
