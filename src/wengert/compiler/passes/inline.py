"""Calls of jitted functions inside of a Program, replaced by their equations."""

from __future__ import annotations

from typing import Any

from ...core.abstract import Var
from ...core.program import Equation, Program
from ..operation import inner_program

__all__ = ["inline"]


def inline(program: Program) -> Program:
    """The Program with the equations of inner jitted functions in the place of their calls."""
    if all(inner_program(e.primitive, e.params) is None for e in program.equations):
        return program
    equations: list[Equation] = []
    env: dict[Var, Any] = {}

    def expand(body: list[Equation], env: dict[Var, Any]) -> None:
        for e in body:
            ins = tuple([env.get(x, x) if type(x) is Var else x for x in e.inputs])
            inner = inner_program(e.primitive, e.params)
            if inner is not None:
                known = dict(zip(inner.inputs, ins, strict=True))
                expand(inner.equations, known)
                for v, y in zip(e.outputs, inner.outputs, strict=True):
                    env[v] = known[y] if type(y) is Var else y
                continue
            outs = tuple([_like(v) for v in e.outputs]) if env is not outermost else e.outputs
            equations.append(Equation(e.primitive, ins, e.params, outs, e.silent))
            env.update(zip(e.outputs, outs, strict=True))

    outermost = env
    expand(program.equations, env)
    outputs = [env.get(y, y) if type(y) is Var else y for y in program.outputs]
    return Program(program.inputs, program.captured, equations, outputs)


def _like(v: Var) -> Var:
    return Var(v.shape, v.dtype, v.recording, v.contiguous, v.scalar, v.weak)
