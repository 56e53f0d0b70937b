"""The operation that a jitted function is inside of transforms and recordings.

Its operands are the leaves of the arguments and what the function captured. Its derivatives and its
batched form are Programs made from its own, and compiled like it. `grad(jit(f))` runs two native
functions: the value with the residuals, which are further results, and the pullback, which reads
them (`passes.residuals`).
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.abstract import Aval, Var, aval_of
from ..core.bind import bind
from ..core.primitive import Primitive
from ..core.program import Program, evaluate
from ..core.recorder import record
from ..core.state import LOCAL, PAUSED, is_paused
from ..core.tensor import RareTensor, Tensor
from ..rules.batching import materialize
from ..transforms.forward import jvp
from ..transforms.reverse import vjp
from ..transforms.vmap import evaluate_batched

__all__ = ["Operation", "inner_program"]

Compile = Callable[[Program], Callable[[Sequence[Any]], list[Any]]]


class Operation:
    """A Program whose hidden inputs are operands, and native code for it once it is wanted.

    Parameters
    ----------
    name : str
    program : Program
        Its hidden inputs become its last inputs; a call adds what they stand for.
    compile : callable
        Gives a function of plain arrays that runs a Program.
    """

    def __init__(self, name: str, program: Program, compile: Compile) -> None:
        self.name = name
        self._captured = [obj for _, obj in program.captured]
        hidden = [v for v, _ in program.captured]
        self.program = Program([*program.inputs, *hidden], [], program.equations, program.outputs)
        self._compile = compile
        self._primitive = jit_primitive(len(program.outputs))
        self._lock = threading.Lock()
        self._run: Callable[[Sequence[Any]], list[Any]] | None = None
        self._derived: dict[Any, Operation] = {}
        self._pullback: _Pullback | None = None

    @property
    def run(self) -> Callable[[Sequence[Any]], list[Any]]:
        """The compiled Program: a function of plain arrays."""
        if self._run is None:
            with self._lock:
                self._run = self._run or self._compile(self.program)
        return self._run

    def __call__(self, arguments: Sequence[Any]) -> Sequence[Any]:
        """The results for any operands."""
        operands = (*arguments, *self._captured)
        recorded = _recorded_places(operands)
        if not recorded:
            return self._bound(operands)
        target = self._with_residuals(recorded, operands)
        return target._bound((*operands, *target._captured))[: len(self.program.outputs)]

    def _bound(self, operands: tuple[Any, ...]) -> Sequence[Any]:
        return bind(self._primitive, operands, {"operation": self}, False)  # type: ignore[no-any-return]

    def _with_residuals(self, places: tuple[int, ...], operands: Sequence[Any]) -> Operation:
        """The operation that has the residuals of a pullback to these operands as results too."""
        key = ("residuals", places, _shapes(operands))
        with self._lock:
            made = self._derived.get(key)
            if made is None:
                made = self._derived[key] = self._split(places, operands)
            return made

    def _split(self, places: tuple[int, ...], operands: Sequence[Any]) -> Operation:
        from .passes.residuals import split

        count = len(operands)
        floats = [type(y) is Var and y.dtype.kind in "fc" for y in self.program.outputs]

        def joint(*leaves: Any) -> list[Any]:
            def of_places(*xs: Any) -> tuple[list[Any], list[Any]]:
                full = list(leaves[:count])
                for i, x in zip(places, xs, strict=True):
                    full[i] = x
                ys = evaluate(self.program, full, [])
                moving = [y for y, flag in zip(ys, floats, strict=True) if flag]
                return moving, [y for y, flag in zip(ys, floats, strict=True) if not flag]

            moving, pullback, fixed = vjp(of_places, *[leaves[i] for i in places], has_aux=True)
            rest = iter(moving), iter(fixed)
            values = [next(rest[not flag]) for flag in floats]
            return [*values, *pullback(list(leaves[count:]))]

        outputs = [y for y, flag in zip(self.program.outputs, floats, strict=True) if flag]
        program = record(joint, [*_avals(operands), *_avals(outputs)], True)
        halves = split(program, count, len(floats))
        made = Operation(self.name, halves.forward, self._compile)
        back = Operation(f"{self.name}:vjp", halves.backward, self._compile)
        made._pullback = _Pullback(back, halves.sources, places, floats)
        return made

    def derived(self, key: Any, function: Callable[..., Any], avals: Sequence[Any]) -> Operation:
        """The operation of a function made from this Program, recorded once."""
        with self._lock:
            made = self._derived.get(key)
            if made is None:
                program = record(function, avals, True)
                made = Operation(f"{self.name}:{key[0]}", program, self._compile)
                self._derived[key] = made
            return made


@dataclass(frozen=True)
class _Pullback:
    """How the cotangents of an operation with residuals are computed.

    ``operation`` takes what ``sources`` says (see `passes.residuals.Split`) and the cotangents of
    those results of the function that are ``floats``, and gives those of the operands at
    ``places``.
    """

    operation: Operation
    sources: list[tuple[str, int]]
    places: tuple[int, ...]
    floats: list[bool]

    def __call__(self, cts: Sequence[Any], ins: Sequence[Any], outs: Sequence[Any]) -> list[Any]:
        read = [ins[k] if kind == "input" else outs[k] for kind, k in self.sources]
        given = [
            np.zeros(y.shape, y.dtype)[()] if ct is None else ct
            for ct, y, flag in zip(cts, outs, self.floats)
            if flag
        ]
        found = dict(zip(self.places, self.operation([*read, *given]), strict=True))
        return [found.get(i) for i in range(len(ins))]


def _recorded_places(operands: Sequence[Any]) -> tuple[int, ...]:
    """The operands that a tape leads to; none if something else looks on that wants all of it.

    Inside of recordings the operation is one equation, of which the compiler makes the best
    together with its derivative.
    """
    if LOCAL.recordings or (PAUSED and is_paused()):
        return ()
    places = []
    for i, x in enumerate(operands):
        if isinstance(x, Tensor):
            if type(x._a) is Var or (type(x) is RareTensor and x._x.tangents):
                return ()
            if x._n is not None and x._a.dtype.kind in "fc":
                places.append(i)
    return tuple(places)


def inner_program(primitive: Primitive, params: dict[str, Any]) -> Program | None:
    """The Program of an equation that calls a jitted function."""
    if primitive.name != "jit" or primitive.evaluate is not _evaluate:
        return None
    return params["operation"].program  # type: ignore[no-any-return]


def _avals(xs: Sequence[Any]) -> list[Aval]:
    return [aval_of(x) for x in xs]


def _shapes(xs: Sequence[Any]) -> tuple[Any, ...]:
    return tuple([(a.shape, a.dtype) for a in _avals(xs)])


def _plain(x: Any) -> Any:
    return x._a if isinstance(x, Tensor) else x


def _evaluate(*ins: Any, operation: Operation) -> tuple[Any, ...]:
    return tuple(operation.run(ins))


def _shape(*ins: Any, operation: Operation) -> tuple[Any, ...]:
    return tuple([(a.shape, a.dtype) for a in _avals(operation.program.outputs)])


def _is_float(x: Any) -> bool:
    return aval_of(x).dtype.kind in "fc"


def _jvp(tangents: Sequence[Any], ins: Sequence[Any], out: Any, operation: Operation) -> Any:
    moving = tuple([t is not None for t in tangents])
    present = [t for t in tangents if t is not None]
    floats = [type(y) is Var and y.dtype.kind in "fc" for y in operation.program.outputs]

    def pushed(*leaves: Any) -> list[Any]:
        rest = iter(leaves[len(ins) :])
        ts = [next(rest) for flag in moving if flag]
        places = [i for i, flag in enumerate(moving) if flag]

        def of_moving(*xs: Any) -> list[Any]:
            full = list(leaves[: len(ins)])
            for i, x in zip(places, xs, strict=True):
                full[i] = x
            ys = evaluate(operation.program, full, [])
            return [y for y, flag in zip(ys, floats, strict=True) if flag]

        xs = tuple([leaves[i] for i in places])
        return list(jvp(of_moving, xs, tuple(ts))[1])

    key = ("jvp", moving, _shapes(ins))
    derived = operation.derived(key, pushed, [*_avals(ins), *_avals(present)])
    found = iter(derived([*ins, *present]))
    return [next(found) if flag else None for flag in floats]


def _vjp(cts: Any, ins: Sequence[Any], out: Any, operation: Operation) -> Any:
    pullback = operation._pullback
    if pullback is not None and all(ct is None for ct in cts[len(pullback.floats) :]):
        return pullback(cts, ins, out)
    given = tuple([ct is not None for ct in cts])
    present = [ct for ct in cts if ct is not None]
    places = [i for i, x in enumerate(ins) if _is_float(x)]

    def pulled(*leaves: Any) -> list[Any]:
        def of_floats(*xs: Any) -> list[Any]:
            full = list(leaves[: len(ins)])
            for i, x in zip(places, xs, strict=True):
                full[i] = x
            ys = evaluate(operation.program, full, [])
            return [y for y, flag in zip(ys, given, strict=True) if flag]

        _, pullback = vjp(of_floats, *[leaves[i] for i in places])
        return list(pullback(list(leaves[len(ins) :])))

    key = ("vjp", given, _shapes(ins))
    derived = operation.derived(key, pulled, [*_avals(ins), *_avals(present)])
    found = iter(derived([*ins, *present]))
    return [next(found) if i in places else None for i in range(len(ins))]


def _batch(args: Any, batched: Any, size: int, operation: Operation) -> Any:
    def over_batch(*leaves: Any) -> list[Any]:
        results = evaluate_batched(operation.program, list(leaves), list(batched), size)
        return [materialize(y, b, size) for y, b in results]

    key = ("vmap", tuple(batched), size, _shapes(args))
    return operation.derived(key, over_batch, _avals(args))(args)


@functools.cache
def jit_primitive(outputs: int) -> Primitive:
    """The primitive for Programs with this number of results."""
    return Primitive(
        "jit",
        _evaluate,
        _shape,
        _batch,
        jvp=_jvp,
        vjp=_vjp,
        outputs=outputs,
        show=lambda *operands, operation: f"{operation.name}({', '.join(operands)})",
        register=False,
    )
