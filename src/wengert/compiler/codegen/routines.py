"""Calls of LAPACK: the function of a routine, which goes over its stack of matrices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ..plan import Routine
from ..runtime.blas import PREFIX

__all__ = ["Function", "routine_function"]

_BYTES = {"s": 4, "d": 8, "c": 8, "z": 16}
_REAL = {"s": "float", "d": "double", "c": "float", "z": "double"}
_WORD = 4  # bytes of LAPACK's integers


@dataclass
class Function:
    """A function of pointers: to the operands ``%o0``, ..., then the results ``%r0``, ...

    ``body`` is its text behind the name; ``symbols`` are the routines that it calls.
    """

    body: str = ""
    symbols: set[str] = field(default_factory=set)
    declarations: set[str] = field(default_factory=set)


class _Writer:
    """Writes what is done for one matrix of the stack, the one with the number ``%s``."""

    def __init__(self, step: Routine) -> None:
        self.step = step
        self.size = _BYTES[step.letter]
        self.function = Function()
        self.slots: list[str] = []
        self.lines: list[str] = []
        self._count = 0

    def name(self) -> str:
        self._count += 1
        return f"%t{self._count}"

    def emit(self, text: str) -> str:
        name = self.name()
        self.lines.append(f"{name} = {text}")
        return name

    def number(self, value: int) -> str:
        """A pointer to an integer; arguments in Fortran are pointers."""
        return self._slot("i32", str(value))

    def letters(self, text: str) -> list[str]:
        """Arguments of one letter each."""
        return [self._slot("i8", str(ord(letter))) for letter in text]

    def one(self) -> str:
        """The number 1 in the routine's precision."""
        t = _REAL[self.step.letter]
        if self.step.letter in "sd":
            return self._slot(t, "1.0")
        return self._slot(f"[2 x {t}]", f"[{t} 1.0, {t} 0.0]")

    def array(self, pointer: str, stride: int = 0) -> str:
        """An array, of which each matrix of the stack has a piece of so many bytes."""
        if self.step.stack == 1 or not stride:
            return pointer
        far = self.emit(f"mul i64 %s, {stride}")
        return self.emit(f"getelementptr i8, ptr {pointer}, i64 {far}")

    def call(self, routine: str, *arguments: str) -> None:
        """A call of LAPACK or BLAS."""
        symbol = f"{PREFIX}{self.step.letter}{routine}"
        self.function.symbols.add(symbol)
        self.declare(f"void @{symbol}({', '.join(['ptr'] * len(arguments))})")
        self.lines.append(f"call void @{symbol}({', '.join([f'ptr {x}' for x in arguments])})")

    def declare(self, text: str) -> None:
        self.function.declarations.add(f"declare {text}")

    def copy(self, to: str, source: str, size: int) -> str:
        self.declare("void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)")
        return f"call void @llvm.memcpy.p0.p0.i64(ptr {to}, ptr {source}, i64 {size}, i1 false)"

    def _slot(self, kind: str, value: str) -> str:
        name = self.name()
        self.slots += [f"{name} = alloca {kind}", f"store {kind} {value}, ptr {name}"]
        return name


def _lu_factor(w: _Writer) -> None:
    n = w.number(w.step.n)
    matrix = w.array("%r0", w.step.n**2 * w.size)
    pivots, info = w.array("%r1", w.step.n * _WORD), w.array("%r2", _WORD)
    w.call("getrf", n, n, matrix, n, pivots, info)


def _lu_solve(w: _Writer) -> None:
    (transposed,) = w.step.options
    lu, pivots = w.array("%o1", w.step.n**2 * w.size), w.array("%o2", w.step.n * _WORD)
    b = w.array("%r0", w.step.n * w.step.k * w.size)
    _solve(w, "T" if transposed else "N", w.step.k, lu, pivots, b)


def _solve(w: _Writer, transposed: str, k: int, lu: str, pivots: str, b: str) -> None:
    n = w.number(w.step.n)
    w.call("getrs", *w.letters(transposed), n, w.number(k), lu, n, pivots, b, n, w.number(0))


def _lu_inverse(w: _Writer) -> None:
    """By getri; where there is an infinity, by a system for the identity, as NumPy does it.

    Both take the same steps in another order, which matters to what becomes of an infinity.
    """
    n, matrix = w.step.n, w.step.n**2 * w.size
    lu, y = w.array("%o0", matrix), w.array("%r0", matrix)
    pivots, finite = w.array("%o1", n * _WORD), w.array("%o2", 1)
    flag = w.emit(f"load i8, ptr {finite}")
    w.lines += [
        f"{flag}t = icmp ne i8 {flag}, 0", f"br i1 {flag}t, label %usual, label %rare", "usual:",
        w.copy(y, lu, matrix),
    ]  # fmt: skip
    size, room = w.number(n), w.number(w.step.results[1].nbytes // w.size)
    w.call("getri", size, y, size, pivots, "%r1", room, w.number(0))
    w.declare("void @llvm.memset.p0.i64(ptr, i8, i64, i1)")
    one = f"store {_REAL[w.step.letter]} 1.0"
    w.lines += [
        "br label %done", "rare:",
        f"call void @llvm.memset.p0.i64(ptr {y}, i8 0, i64 {matrix}, i1 false)",
        "br label %ones", "ones:", "%i = phi i64 [ 0, %rare ], [ %i1, %ones ]",
        f"%ii = mul i64 %i, {(n + 1) * w.size}", f"%at = getelementptr i8, ptr {y}, i64 %ii",
        f"{one}, ptr %at", "%i1 = add i64 %i, 1", f"%in = icmp ult i64 %i1, {n}",
        "br i1 %in, label %ones, label %solve", "solve:",
    ]  # fmt: skip
    _solve(w, "N", n, lu, pivots, y)
    w.lines += ["br label %done", "done:"]


def _cholesky(w: _Writer) -> None:
    n, (upper,) = w.number(w.step.n), w.step.options
    matrix, info = w.array("%r0", w.step.n**2 * w.size), w.array("%r1", _WORD)
    w.call("potrf", *w.letters("L" if upper else "U"), n, matrix, n, info)


def _solve_triangular(w: _Writer) -> None:
    """``A X = B``: LAPACK sees the transposes, ``X^T A^T = B^T``; of one column, ``A x = b``."""
    n, k = w.step.n, w.step.k
    lower, several = w.step.options
    triangle = "U" if lower else "L"
    flags = w.letters(f"L{triangle}TN" if k == 1 else f"R{triangle}NN")
    rows, columns = map(w.number, (n, 1) if k == 1 else (k, n))
    a, b = w.array("%o1", n * n * w.size * several), w.array("%r0", n * k * w.size)
    w.call("trsm", *flags, rows, columns, w.one(), a, w.number(n), b, rows)


_ROUTINES: dict[str, Callable[[_Writer], None]] = {
    "lu_factor": _lu_factor,
    "lu_solve": _lu_solve,
    "lu_inverse": _lu_inverse,
    "cholesky": _cholesky,
    "solve_triangular": _solve_triangular,
}


def routine_function(step: Routine) -> Function:
    """The function of a routine; what it overwrites is copied first, where that is not its own."""
    w = _Writer(step)
    _ROUTINES[step.name](w)
    parameters = [f"ptr %o{i}" for i in range(len(step.operands))]
    parameters += [f"ptr %r{i}" for i in range(len(step.results))]
    lines = list(w.slots)
    if step.in_place and step.operands[0].memory is not step.results[0].memory:
        lines.append(w.copy("%r0", "%o0", step.results[0].nbytes))
    if step.stack == 1:
        lines += [*w.lines, "ret void"]
    else:
        lines += [
            "br label %before", "before:", "br label %loop", "loop:",
            "%s = phi i64 [ 0, %before ], [ %next, %latch ]", *w.lines,
            "br label %latch", "latch:", "%next = add i64 %s, 1",
            f"%more = icmp ult i64 %next, {step.stack}",
            "br i1 %more, label %loop, label %end", "end:", "ret void",
        ]  # fmt: skip
    text = "\n".join(line if line.endswith(":") else f"  {line}" for line in lines)
    w.function.body = f"({', '.join(parameters)}) #0 {{\n{text}\n}}\n"
    return w.function
