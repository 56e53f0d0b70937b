"""Calls of LAPACK: the function of a routine, which goes over its stack of matrices."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..plan import Routine
from ..runtime.blas import PREFIX

__all__ = ["Function", "routine_function"]

_BYTES = {"s": 4, "d": 8, "c": 8, "z": 16}
_ONE = {"s": "float 1.0", "d": "double 1.0", "c": "[2 x float] [float 1.0, float 0.0]",
        "z": "[2 x double] [double 1.0, double 0.0]"}  # fmt: skip
_WORDS = 4  # bytes of LAPACK's integers


@dataclass
class Function:
    """A function of pointers: to the operands, then the results, of a routine.

    ``body`` is its text behind the name; ``symbols`` are the routines that it calls.
    """

    body: str
    symbols: set[str] = field(default_factory=set)
    declarations: set[str] = field(default_factory=set)


class _Call:
    """The arguments of a Fortran function, each a pointer."""

    def __init__(self, step: Routine, name: str) -> None:
        self.step = step
        self.name = f"{PREFIX}{step.letter}{name}"
        self.slots: list[str] = []
        self.moves: list[str] = []
        self.arguments: list[str] = []

    def number(self, value: int) -> _Call:
        """An integer."""
        return self._slot(f"i32 {value}", "i32")

    def flags(self, letters: str) -> _Call:
        """Arguments of one letter each."""
        for letter in letters:
            self._slot(f"i8 {ord(letter)}", "i8")
        return self

    def one(self) -> _Call:
        """The factor 1 in the routine's precision."""
        text = _ONE[self.step.letter]
        return self._slot(text, text.partition("]")[0] + "]" if "[" in text else text.split()[0])

    def unread(self) -> _Call:
        """An integer that the routine sets, and nobody reads."""
        return self._slot("i32 0", "i32")

    def array(self, pointer: str, stride: int = 0) -> _Call:
        """An array, of which each matrix of the stack has a piece of so many bytes."""
        if self.step.stack > 1 and stride:
            k = len(self.moves) // 2
            self.moves += [
                f"%far{k} = mul i64 %s, {stride}",
                f"%at{k} = getelementptr i8, ptr {pointer}, i64 %far{k}",
            ]
            pointer = f"%at{k}"
        self.arguments.append(pointer)
        return self

    def _slot(self, value: str, kind: str) -> _Call:
        name = f"%v{len(self.slots) // 2}"
        self.slots += [f"{name} = alloca {kind}", f"store {value}, ptr {name}"]
        self.arguments.append(name)
        return self

    @property
    def line(self) -> str:
        """The call."""
        return f"call void @{self.name}({', '.join([f'ptr {x}' for x in self.arguments])})"


def _lu_factor(step: Routine) -> _Call:
    n, matrix = step.n, step.n**2 * _BYTES[step.letter]
    call = _Call(step, "getrf").number(n).number(n).array("%r0", matrix).number(n)
    return call.array("%r1", n * _WORDS).array("%r2", _WORDS)


def _lu_solve(step: Routine) -> _Call:
    n, k, size = step.n, step.k, _BYTES[step.letter]
    (transposed,) = step.options
    call = _Call(step, "getrs").flags("T" if transposed else "N").number(n).number(k)
    call.array("%o1", n * n * size).number(n).array("%o2", n * _WORDS)
    return call.array("%r0", n * k * size).number(n).unread()


def _lu_inverse(step: Routine) -> _Call:
    n, size = step.n, _BYTES[step.letter]
    room = step.results[1].nbytes // size
    call = _Call(step, "getri").number(n).array("%r0", n * n * size).number(n)
    return call.array("%o1", n * _WORDS).array("%r1").number(room).unread()


def _cholesky(step: Routine) -> _Call:
    n, (upper,) = step.n, step.options
    call = _Call(step, "potrf").flags("L" if upper else "U").number(n)
    return call.array("%r0", n * n * _BYTES[step.letter]).number(n).array("%r1", _WORDS)


def _solve_triangular(step: Routine) -> _Call:
    """``A X = B``: LAPACK sees the transposes, ``X^T A^T = B^T``; of one column, ``A x = b``."""
    n, k, size = step.n, step.k, _BYTES[step.letter]
    lower, several = step.options
    triangle = "U" if lower else "L"
    call = _Call(step, "trsm").flags(f"L{triangle}TN" if k == 1 else f"R{triangle}NN")
    rows, columns = (n, 1) if k == 1 else (k, n)
    call.number(rows).number(columns).one().array("%o1", n * n * size * several).number(n)
    return call.array("%r0", n * k * size).number(rows)


_ROUTINES = {
    "lu_factor": _lu_factor,
    "lu_solve": _lu_solve,
    "lu_inverse": _lu_inverse,
    "cholesky": _cholesky,
    "solve_triangular": _solve_triangular,
}


def routine_function(step: Routine) -> Function:
    """The function of a routine; what it overwrites is copied first, where that is not its own."""
    call = _ROUTINES[step.name](step)
    parameters = [f"ptr %o{i}" for i in range(len(step.operands))]
    parameters += [f"ptr %r{i}" for i in range(len(step.results))]
    lines = list(call.slots)
    declarations = {f"declare void @{call.name}({', '.join(['ptr'] * len(call.arguments))})"}
    if step.operands[0].memory is not step.results[0].memory:
        declarations.add("declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)")
        size = step.results[0].nbytes
        lines.append(f"call void @llvm.memcpy.p0.p0.i64(ptr %r0, ptr %o0, i64 {size}, i1 false)")
    if step.stack == 1:
        lines += [call.line, "ret void"]
    else:
        lines += [
            "br label %before", "before:", "br label %loop", "loop:",
            "%s = phi i64 [ 0, %before ], [ %next, %loop ]", *call.moves, call.line,
            "%next = add i64 %s, 1", f"%more = icmp ult i64 %next, {step.stack}",
            "br i1 %more, label %loop, label %end", "end:", "ret void",
        ]  # fmt: skip
    text = "\n".join(line if line.endswith(":") else f"  {line}" for line in lines)
    body = f"({', '.join(parameters)}) #0 {{\n{text}\n}}\n"
    return Function(body, {call.name}, declarations)
