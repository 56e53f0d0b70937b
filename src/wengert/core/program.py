"""`Program`: a Wengert list.

Typed inputs, a flat list of equations ``outputs = primitive[params](inputs)``, outputs. Constants
that were arrays when the Program was recorded are its *captured* inputs: hidden operands that are
read anew at each evaluation. Scalars stand in the equations themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from . import debugging
from .abstract import Aval, Var
from .bind import bind
from .debugging import Origin
from .errors import ProgramError
from .primitive import Primitive
from .quiet import quiet
from .state import DEBUGGED
from .tensor import Tensor, handle

__all__ = ["Equation", "Program", "evaluate", "interpret", "pruned", "verify"]


class Equation:
    """``outputs = primitive[params](inputs)``; an input is a `Var` or a scalar constant.

    ``silent`` says that NumPy's floating-point warnings were off when it was recorded: in a
    derivative, or by the user's ``np.errstate``. ``origin`` says inside `debug` what it belongs to.
    """

    __slots__ = ("inputs", "origin", "outputs", "params", "primitive", "silent")

    def __init__(
        self,
        primitive: Primitive,
        inputs: tuple[Any, ...],
        params: dict[str, Any],
        outputs: tuple[Var, ...],
        silent: bool = False,
    ) -> None:
        self.primitive = primitive
        self.inputs = inputs
        self.params = params
        self.outputs = outputs
        self.silent = silent
        self.origin: Origin | None = None


class Program:
    """A straight-line program on arrays.

    Attributes
    ----------
    inputs : list of Var
    captured : list of (Var, object)
        Hidden inputs and the arrays or Tensors they stand for.
    equations : list of Equation
    outputs : list
        A `Var`, or a constant.
    """

    __slots__ = ("captured", "equations", "inputs", "outputs")

    def __init__(
        self,
        inputs: list[Var],
        captured: list[tuple[Var, Any]],
        equations: list[Equation],
        outputs: list[Any],
    ) -> None:
        self.inputs = inputs
        self.captured = captured
        self.equations = equations
        self.outputs = outputs

    def __str__(self) -> str:
        return to_text(self)

    def __len__(self) -> int:
        return len(self.equations)


def _letters(i: int) -> str:
    name = ""
    i += 1
    while i:
        i, r = divmod(i - 1, 26)
        name = chr(ord("a") + r) + name
    return name


def _param_text(value: Any) -> str:
    if isinstance(value, Primitive):
        return value.name
    if type(value) is tuple:
        inner = ", ".join(map(_param_text, value))
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if type(value) is dict:
        return "{" + ", ".join(f"{k}={_param_text(v)}" for k, v in sorted(value.items())) + "}"
    if isinstance(value, np.dtype):
        return value.name
    if isinstance(value, Program):
        return "{\n" + "\n".join("    " + line for line in str(value).splitlines()) + "\n}"
    if callable(value) and hasattr(value, "__name__"):
        return str(value.__name__)
    return repr(value)


def to_text(program: Program) -> str:
    """The Program as text: the same Program always gives the same text."""
    names: dict[Var, str] = {}

    def name(v: Any) -> str:
        if type(v) is Var:
            if v not in names:
                names[v] = _letters(len(names))
            return names[v]
        return repr(v.item()) if isinstance(v, (np.generic, np.ndarray)) else repr(v)

    def typed(v: Any) -> str:
        return f"{name(v)}:{v!r}" if type(v) is Var else name(v)

    lines = ["inputs    " + ", ".join(map(typed, program.inputs))]
    if program.captured:
        lines.append("captured  " + ", ".join(typed(v) for v, _ in program.captured))
    for e in program.equations:
        left = ", ".join(map(typed, e.outputs))
        params = ", ".join(f"{k}={_param_text(v)}" for k, v in sorted(e.params.items()))
        brackets = f"[{params}]" if params else ""
        lines.append(f"{left} = {e.primitive.name}{brackets}({', '.join(map(name, e.inputs))})")
    lines.append("outputs   " + ", ".join(map(name, program.outputs)))
    return "\n".join(lines)


def verify(program: Program) -> None:
    """Check that a Program is well formed.

    Every variable is defined once and before its use, every primitive's shape rule gives the
    recorded shapes and dtypes, and only scalars stand as constants.

    Raises
    ------
    ProgramError
        Naming the equation.
    """
    defined: set[Var] = set()
    for v in [*program.inputs, *(v for v, _ in program.captured)]:
        if v in defined:
            raise ProgramError(f"input {v!r} appears twice")
        defined.add(v)
    for number, e in enumerate(program.equations):
        where = f"equation {number} ({e.primitive.name})"
        for x in e.inputs:
            if type(x) is Var:
                if x not in defined:
                    raise ProgramError(
                        f"{where}: an operand of type {x!r} is used before its definition"
                    )
            elif isinstance(x, (Tensor, Aval)) or np.ndim(x):
                raise ProgramError(
                    f"{where}: a constant operand must be a scalar, not {type(x).__name__}"
                )
        expected = e.primitive.shape(*e.inputs, **e.params)
        if e.primitive.outputs is None:
            expected = (expected,)
        if len(expected) != len(e.outputs):
            raise ProgramError(
                f"{where}: has {len(e.outputs)} outputs, its rule gives {len(expected)}"
            )
        for v, (shape, dtype) in zip(e.outputs, expected, strict=True):
            if v in defined:
                raise ProgramError(f"{where}: its output is defined twice")
            if v.shape != tuple(shape) or v.dtype != dtype:
                raise ProgramError(
                    f"{where}: output is {v!r}, its rule gives {Aval(shape, dtype)!r}"
                )
            defined.add(v)
    for v in program.outputs:
        if type(v) is Var and v not in defined:
            raise ProgramError(f"output of type {v!r} is not defined")


def pruned(program: Program) -> Program:
    """The Program without the equations and captured inputs that its outputs do not depend on."""
    needed = {v for v in program.outputs if type(v) is Var}
    equations = []
    for e in reversed(program.equations):
        if needed.isdisjoint(e.outputs):
            continue
        equations.append(e)
        needed.update(x for x in e.inputs if type(x) is Var)
    captured = [(v, obj) for v, obj in program.captured if v in needed]
    return Program(program.inputs, captured, equations[::-1], program.outputs)


def evaluate(
    program: Program, args: Sequence[Any], captured: Sequence[Any] | None = None
) -> list[Any]:
    """Evaluate on arrays or Tensors; on Tensors the evaluation is recorded and carries tangents."""
    env: dict[Any, Any] = dict(zip(program.inputs, args, strict=True))
    held = [obj for _, obj in program.captured] if captured is None else captured
    env.update(zip((v for v, _ in program.captured), held, strict=True))
    for e in program.equations:
        ins = tuple([env[x] if type(x) is Var else x for x in e.inputs])
        if DEBUGGED and debugging.examines():
            with debugging.inside_rule(e.origin):
                out = bind(e.primitive, ins, e.params, False)
            if e.origin is not None:
                outs = (out,) if e.primitive.outputs is None else out
                debugging.examine_equation(e.origin, outs, env.get)
        elif e.silent:
            with quiet():
                out = bind(e.primitive, ins, e.params, False)
        else:
            out = bind(e.primitive, ins, e.params, False)
        if e.primitive.outputs is None:
            v = e.outputs[0]
            env[v] = out.item() if v.weak and isinstance(out, np.generic) else out
        else:
            env.update(zip(e.outputs, out, strict=True))
    return [env[v] if type(v) is Var else v for v in program.outputs]


def interpret(program: Program, args: Sequence[Any]) -> list[Any]:
    """Evaluate with NumPy, one operation after the other, on plain arrays: the definition."""

    def plain(x: Any) -> Any:
        if isinstance(x, Tensor):
            t = handle(x._a, None, None)
            return t._concrete("interpretation")
        return x

    return evaluate(program, [plain(x) for x in args], [plain(obj) for _, obj in program.captured])
