"""What `jit` keeps for one signature: the Program that was recorded, and the code for it."""

from __future__ import annotations

import functools
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.abstract import Var
from ..core.bind import refresh
from ..core.ownership import plain_array
from ..core.program import Program, evaluate
from ..core.tensor import RareTensor, Tensor
from .operation import Operation
from .runtime.leaves import is_worth_trying
from .runtime.native import NativeEntry
from .stages import compile_program

__all__ = ["Entry", "as_operand", "as_plain", "is_traced"]


class Entry:
    """What is kept for one signature."""

    __slots__ = (
        "calls",
        "captured",
        "draws",
        "is_passing",
        "natives",
        "operation",
        "out_spec",
        "run",
    )

    def __init__(
        self, program: Program, out_spec: Any, name: str, donated: Sequence[int],
        draws: int, threads: int | None, backend: str | None,
    ) -> None:  # fmt: skip
        _find_progressions(program)
        self.captured = [obj for _, obj in program.captured]
        compiler = functools.partial(compile_program, threads=threads, backend=backend)
        self.operation = Operation(name, program, compiler)
        self.out_spec = out_spec
        # How many keys a call takes from the stream of wengert.random, whose state is then the
        # operand between the arguments and what was captured.
        self.draws = draws
        # Inside of transforms the operation runs, which overwrites nothing.
        self.run = compiler(self.operation.program, donated) if donated else None
        # What it captured belongs to a recording or derivative that is going on: for once only.
        self.is_passing = any(map(is_traced, self.captured))
        self.calls = 0
        self.natives: list[NativeEntry] = []

    def evaluate(self, arguments: Sequence[Any]) -> list[Any]:
        """The results operation by operation, at each of which a `debug` block looks."""
        numbers = [x if type(x) in (int, float, complex) else as_operand(x) for x in arguments]
        return evaluate(self.operation.program, [*numbers, *self.captured])

    def wants_native(self) -> bool:
        """Whether this call, which went through Python, should be served natively from now on."""
        return not self.is_passing and is_worth_trying(self.calls)


def _find_progressions(program: Program) -> None:
    """Mark hidden inputs that are row numbers, such as ``np.arange(n)`` in the function itself.

    Nobody can change an array that only the Program refers to: its content is known for good.
    """
    for k in range(len(program.captured)):
        v, a = program.captured[k]
        if type(a) is not np.ndarray or a.base is not None or a.dtype.kind not in "iu":
            continue
        # Of three references one is `a`, and one the argument of getrefcount.
        if a.ndim != 1 or not a.size or sys.getrefcount(a) > 3:
            continue
        start, step = int(a[0]), int(a[1]) - int(a[0]) if a.size > 1 else 0
        if start >= 0 and step >= 0 and np.array_equal(a, start + step * np.arange(a.size)):
            v.progression = (start, step)


def is_traced(x: Any) -> bool:
    """Whether a Tensor takes part in a recording or a derivative."""
    if not isinstance(x, Tensor):
        return False
    refresh(x)
    return x._n is not None or type(x._a) is Var or (type(x) is RareTensor and bool(x._x.tangents))


def as_plain(x: Any) -> Any:
    """The array for native code."""
    if isinstance(x, Tensor):
        refresh(x)
        return x._a
    return x if type(x) is np.ndarray else np.asarray(x)


def as_operand(x: Any) -> Any:
    """What an equation may have as operand."""
    if isinstance(x, Tensor):
        return x
    return plain_array(x) if isinstance(x, np.ndarray) else np.asarray(x)[()]
