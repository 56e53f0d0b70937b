"""A compiled Program: what runs when a jitted function is called."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...core.abstract import Var
from ...core.errors import WengertIndexError
from ...core.quiet import quiet
from ..codegen.module import Module
from ..codegen.target import compile_text
from ..plan import Buffer, Call, Plan
from . import blas
from .layout import data_offset

__all__ = ["Executable"]

_ALIGNMENT = 64
_RUN = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class Executable:
    """Native code for a plan, and the memory that it works in.

    Parameters
    ----------
    plan : Plan
    module : Module
    outputs : sequence
        The outputs of the Program: variables or constants.
    """

    def __init__(self, plan: Plan, module: Module, outputs: Sequence[Any]) -> None:
        self.plan = plan
        self._checks = [(b.memory.offset, why) for b, why in plan.checks]
        names = [s for s in module.segments if isinstance(s, str)]
        direct = module.has_entry and data_offset() is not None
        names += ["entry"] if direct else []
        wanted = {name: blas.addresses()[name] for name in module.symbols}
        # Holds the code; without it the addresses are worth nothing.
        self._code = compile_text(module.text, names, wanted) if names else None
        self._steps: list[Callable[[Any], None] | Call] = [
            _RUN(self._code.addresses[s]) if isinstance(s, str) else s  # type: ignore[union-attr]
            for s in module.segments
        ]
        self._entry: Any = None
        if direct:
            count = module.arguments + module.results + module.foreign + 1
            kind = ctypes.PYFUNCTYPE(None, *[ctypes.py_object] * count)
            self._entry = kind(self._code.addresses["entry"])  # type: ignore[union-attr]
        self._counts = (module.arguments, module.results, module.foreign)
        # A result is allocated in the shape that it is returned in, the first that has its memory.
        shapes: dict[int, Any] = {}
        for b in plan.outputs:
            if isinstance(b, Buffer) and b.memory.kind == "output":
                shapes.setdefault(b.memory.slot, (b.shape, b.dtype))
        self._results = [shapes[k] for k in sorted(shapes)]
        self._outputs = [
            (v, b, type(v) is Var and v.scalar) for v, b in zip(outputs, plan.outputs, strict=True)
        ]
        # The usual case: each output is a result of its own, and an array.
        self._plain_results = all(
            isinstance(b, Buffer)
            and b.memory.kind == "output"
            and b.memory.slot == k
            and not scalar
            for k, (_, b, scalar) in enumerate(self._outputs)
        )
        self._arenas: list[Any] = []

    def _new_arena(self) -> Any:
        memory = np.empty(self.plan.arena + _ALIGNMENT, np.uint8)
        start = -memory.ctypes.data % _ALIGNMENT
        return memory[start : start + max(self.plan.arena, 1)]

    def __call__(self, arguments: Sequence[Any]) -> list[Any]:
        """Run on C-contiguous, aligned arrays of the dtypes and shapes of the plan's inputs."""
        results = [np.empty(shape, dtype) for shape, dtype in self._results]
        try:
            arena = self._arenas.pop()  # each call that is under way has its own
        except IndexError:
            arena = self._new_arena()
        foreign: list[Any] = []
        if self._entry is not None:
            self._entry(*arguments, *results, arena)
        else:
            foreign = self._run_steps(arguments, results, arena)
        for offset, why in self._checks:
            if arena[offset]:
                raise WengertIndexError(why)
        if self._plain_results:
            outputs = results
        else:
            outputs = self._collected(arguments, results, foreign, arena)
        self._arenas.append(arena)
        return outputs

    def _run_steps(self, arguments: Sequence[Any], results: list[Any], arena: Any) -> list[Any]:
        """Native functions and calls in turn; returns what the calls gave."""
        n, m, k = self._counts
        table = (ctypes.c_void_p * (n + m + k + 1))(
            *[a.__array_interface__["data"][0] for a in arguments],
            *[a.__array_interface__["data"][0] for a in results],
            *[None] * k,
            arena.__array_interface__["data"][0],
        )
        foreign: list[Any] = [None] * k
        for step in self._steps:
            if isinstance(step, Call):
                self._evaluate(step, arguments, results, foreign, arena)
                for b in step.results:
                    table[n + m + b.slot] = foreign[b.slot].__array_interface__["data"][0]
            else:
                step(ctypes.addressof(table))
        return foreign

    def _array(
        self, buffer: Buffer, arguments: Sequence[Any], results: list[Any], foreign: list[Any],
        arena: Any,
    ) -> Any:  # fmt: skip
        memory = buffer.memory
        if memory.kind == "temporary":
            stop = memory.offset + memory.nbytes
            whole = arena[memory.offset : stop].view(memory.dtype)
        else:
            kinds = {"input": arguments, "output": results, "foreign": foreign}
            whole = kinds[memory.kind][memory.slot]
        return whole if whole.shape == buffer.shape else whole.reshape(buffer.shape)

    def _evaluate(
        self, call: Call, arguments: Sequence[Any], results: list[Any], foreign: list[Any],
        arena: Any,
    ) -> None:  # fmt: skip
        """Let NumPy evaluate an equation."""
        e = call.equation
        buffers = iter(call.operands)
        operands = []
        for x in e.inputs:
            if type(x) is not Var:
                operands.append(x)
                continue
            a = self._array(next(buffers), arguments, results, foreign, arena).view()
            a.flags.writeable = False
            operands.append(a[()] if x.scalar else a)
        with quiet():
            found = e.primitive.evaluate(*operands, **e.params)
        if e.primitive.outputs is None:
            found = (found,)
        for buffer, v, y in zip(call.results, e.outputs, found, strict=True):
            y = np.asarray(y)
            owned = type(y) is np.ndarray and y.base is None and y.flags.c_contiguous
            y = y if owned and y.dtype == v.dtype else np.array(y, v.dtype, order="C")
            foreign[buffer.slot] = y

    def _collected(
        self, arguments: Sequence[Any], results: list[Any], foreign: list[Any], arena: Any
    ) -> list[Any]:
        outputs: list[Any] = []
        taken: set[int] = set()
        for number, (v, b, scalar) in enumerate(self._outputs):
            if not isinstance(b, Buffer):
                outputs.append(v)
                continue
            a = self._array(b, arguments, results, foreign, arena)
            memory = b.memory
            if number in self.plan.donated:
                outputs.append(a[()] if scalar else a)
                continue
            if memory.kind == "input" or a.base is not None or id(memory) in taken:
                a = a.copy()  # what the caller gets, nobody else has
            taken.add(id(memory))
            outputs.append(a[()] if scalar else a)
        return outputs
