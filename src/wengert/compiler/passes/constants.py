"""Constants: equations on scalars that are known are evaluated."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.abstract import Var
from ...core.primitive import PRIMITIVES
from ...core.program import Equation, Program
from ...core.quiet import quiet

__all__ = ["fold_constants"]


def fold_constants(program: Program) -> Program:
    """The Program without equations whose operands are constants and whose result is a scalar."""
    known: dict[Var, Any] = {}
    equations = []
    for e in program.equations:
        ins = tuple([known.get(x, x) if type(x) is Var else x for x in e.inputs])
        if not any(type(x) is Var for x in ins) and _may_fold(e):
            with quiet():
                value = np.asarray(e.primitive.evaluate(*ins, **e.params))
            (v,) = e.outputs
            if value.shape == () and value.dtype == v.dtype:
                known[v] = value[()]
                continue
        equations.append(Equation(e.primitive, ins, e.params, e.outputs, e.silent))
    # A result stays an array or scalar of its own kind, so that it is made for each call.
    made = [y for y in program.outputs if type(y) is Var and y in known]
    equations += [_filled(v, known[v]) for v in dict.fromkeys(made)]
    return Program(program.inputs, program.captured, equations, program.outputs)


def _may_fold(e: Equation) -> bool:
    return (
        e.primitive.outputs is None
        and e.outputs[0].shape == ()
        and PRIMITIVES.get(e.primitive.name) is e.primitive
    )


def _filled(v: Var, value: Any) -> Equation:
    return Equation(PRIMITIVES["broadcast_to"], (value,), {"shape": ()}, (v,), True)
