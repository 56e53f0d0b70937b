"""A compiled Program: what runs when a jitted function is called."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...core.abstract import Var
from ...core.program import Program
from ...core.quiet import quiet
from .interface import CallSite, Interface, Place, error_of
from .layout import address_of
from .native import Result, Results

if TYPE_CHECKING:
    from ..codegen.target import Code

__all__ = ["Executable"]

_ALIGNMENT = 64
_MOST_OUTPUTS = 2048  # native calls have them on the stack, as `guards` says of arguments
_RUN = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class Executable:
    """Native code, and the memory that it works in.

    Parameters
    ----------
    interface : Interface
    code : Code or None
        None if there is no native function.
    program : Program or None
        The simplified Program, if the interface needs it.
    """

    def __init__(self, interface: Interface, code: Code | None, program: Program | None) -> None:
        self.interface = interface
        self._code = code
        self._program = program
        self._steps: list[Callable[[Any], None] | CallSite] = [
            _RUN(code.addresses[s]) if isinstance(s, str) else s  # type: ignore[union-attr]
            for s in interface.segments
        ]
        self._results = [(shape, np.dtype(dtype)) for shape, dtype in interface.results]
        # The usual case: each output is a result of its own, and an array.
        self._plain_results = all(
            p is not None and p.kind == "output" and p.slot == k and not scalar
            for k, (p, scalar) in enumerate(zip(interface.outputs, interface.scalars, strict=True))
        )
        self._arenas: list[Any] = []
        self._native: Results | None = None

    def _new_arena(self) -> Any:
        size = max(self.interface.arena, 1)
        memory = np.empty(size + _ALIGNMENT, np.uint8)
        start = -memory.ctypes.data % _ALIGNMENT
        return memory[start : start + size]

    def __call__(self, arguments: Sequence[Any]) -> list[Any]:
        """Run on C-contiguous, aligned arrays of the dtypes and shapes of the Program's inputs."""
        results = [np.empty(shape, dtype) for shape, dtype in self._results]
        try:
            arena = self._arenas.pop()  # each call that is under way has its own
        except IndexError:
            arena = self._new_arena()
        foreign = self._run_steps(arguments, results, arena)
        for offset, why in self.interface.checks:
            if arena[offset]:
                self._arenas.append(arena)
                raise error_of(why)(why)
        if self._plain_results:
            outputs = results
        else:
            outputs = self._collected(arguments, results, foreign, arena)
        self._arenas.append(arena)
        return outputs

    def _run_steps(self, arguments: Sequence[Any], results: list[Any], arena: Any) -> list[Any]:
        """Native functions and calls in turn; returns what the calls gave."""
        n, m, k = self.interface.arguments, len(self._results), self.interface.foreign
        table = (ctypes.c_void_p * (n + m + k + 1))(
            *map(address_of, arguments), *map(address_of, results), *[None] * k, address_of(arena)
        )  # fmt: skip
        foreign: list[Any] = [None] * k
        for step in self._steps:
            if isinstance(step, CallSite):
                self._evaluate(step, arguments, results, foreign, arena)
                for slot in step.results:
                    table[n + m + slot] = address_of(foreign[slot])
            else:
                step(ctypes.addressof(table))
        return foreign

    def _array(
        self, place: Place, arguments: Sequence[Any], results: list[Any], foreign: list[Any],
        arena: Any,
    ) -> Any:  # fmt: skip
        if place.kind == "temporary":
            whole = arena[place.offset : place.offset + place.nbytes].view(place.dtype)
        else:
            kinds = {"input": arguments, "output": results, "foreign": foreign}
            whole = kinds[place.kind][place.slot]
        return whole if whole.shape == place.shape else whole.reshape(place.shape)

    def _evaluate(
        self, call: CallSite, arguments: Sequence[Any], results: list[Any], foreign: list[Any],
        arena: Any,
    ) -> None:  # fmt: skip
        """Let NumPy evaluate an equation."""
        assert self._program is not None
        e = self._program.equations[call.equation]
        places = iter(call.operands)
        operands = []
        for x in e.inputs:
            if type(x) is not Var:
                operands.append(x)
                continue
            a = self._array(next(places), arguments, results, foreign, arena).view()
            a.flags.writeable = False
            operands.append(a[()] if x.scalar else a)
        with quiet():
            found = e.primitive.evaluate(*operands, **e.params)
        if e.primitive.outputs is None:
            found = (found,)
        for slot, v, y in zip(call.results, e.outputs, found, strict=True):
            y = np.asarray(y)
            owned = type(y) is np.ndarray and y.base is None and y.flags.c_contiguous
            y = y if owned and y.dtype == v.dtype else np.array(y, v.dtype, order="C")
            foreign[slot] = y

    def _collected(
        self, arguments: Sequence[Any], results: list[Any], foreign: list[Any], arena: Any
    ) -> list[Any]:
        outputs: list[Any] = []
        taken: set[tuple[str, int]] = set()
        for number, place in enumerate(self.interface.outputs):
            if place is None:
                assert self._program is not None
                outputs.append(self._program.outputs[number])
                continue
            a = self._array(place, arguments, results, foreign, arena)
            if number in self.interface.donated:
                outputs.append(a[()] if self.interface.scalars[number] else a)
                continue
            memory = (place.kind, place.slot)
            if place.kind == "input" or a.base is not None or memory in taken:
                a = a.copy()  # what the caller gets, nobody else has
            taken.add(memory)
            outputs.append(a[()] if self.interface.scalars[number] else a)
        return outputs

    # ------------------------------------------------------------------ calls from native code

    def native_results(self) -> tuple[Results, list[tuple[str, Any]]] | None:
        """What native code needs to run this itself, and where each output comes from.

        That is ``("result", number)``, ``("argument", slot)`` or ``("object", constant)``. None if
        Python has a part in it.
        """
        face = self.interface
        if face.segments != ["run0"] or self._code is None or len(face.outputs) > _MOST_OUTPUTS:
            return None
        sources: list[tuple[str, Any]] = []
        n, m = face.arguments, len(self._results)
        made: dict[int, bool] = {}  # whether the result in this slot is a scalar
        copies: list[Result] = []
        for number, (place, scalar) in enumerate(zip(face.outputs, face.scalars, strict=True)):
            if place is None:
                assert self._program is not None
                sources.append(("object", self._program.outputs[number]))
            elif number in face.donated:
                sources.append(("argument", face.donated[number]))
            elif place.kind == "output" and place.slot not in made:
                made[place.slot] = scalar
                sources.append(("result", place.slot))
            elif place.kind in ("input", "output"):
                source = place.slot + (n if place.kind == "output" else 0)
                slot = n + m + face.foreign + 1 + len(copies)
                sources.append(("result", m + len(copies)))
                copies.append(Result(slot, place.shape, np.dtype(place.dtype), scalar, source))
            else:
                return None
        arrays = [
            Result(n + k, shape, dtype, made.get(k, False))
            for k, (shape, dtype) in enumerate(self._results)
        ]
        return (self._shared_results([*arrays, *copies]), sources) if len(made) == m else None

    def _shared_results(self, arrays: list[Result]) -> Results:
        if self._native is None:
            face = self.interface
            arena = self._new_arena()
            copies = len(arrays) - len(self._results)
            slot = face.arguments + len(self._results) + face.foreign
            self._native = Results(
                arrays,
                slot + 1 + copies,
                (slot, arena.ctypes.data),
                [(offset, error_of(why), why) for offset, why in face.checks],
                self._code.addresses["run0"],  # type: ignore[union-attr]
                face.is_long,
                (self._code, arena),
            )
        return self._native
