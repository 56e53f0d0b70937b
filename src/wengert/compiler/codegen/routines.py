"""Calls of LAPACK: the function of a routine, which goes over its stack of matrices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ..plan import Routine
from ..runtime.blas import PREFIX
from .function_text import FunctionText

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
    """Writes what is done for one matrix of the stack, the one with the number ``index``."""

    def __init__(self, step: Routine, header: str) -> None:
        self.step = step
        self.size = _BYTES[step.letter]
        self.function = Function()
        self.text = FunctionText(header)
        self.index = ""

    def number(self, value: int) -> str:
        """A pointer to an integer; arguments in Fortran are pointers."""
        return self.text.variable("i32", str(value))

    def letters(self, text: str) -> list[str]:
        """Arguments of one letter each."""
        return [self.text.variable("i8", str(ord(letter))) for letter in text]

    def one(self) -> str:
        """The number 1 in the routine's precision."""
        t = _REAL[self.step.letter]
        if self.step.letter in "sd":
            return self.text.variable(t, "1.0")
        return self.text.variable(f"[2 x {t}]", f"[{t} 1.0, {t} 0.0]")

    def array(self, pointer: str, stride: int = 0) -> str:
        """An array, of which each matrix of the stack has a piece of so many bytes."""
        if not self.index or not stride:
            return pointer
        far = self.text.value(f"mul i64 {self.index}, {stride}")
        return self.text.value(f"getelementptr i8, ptr {pointer}, i64 {far}")

    def call(self, routine: str, *arguments: str) -> None:
        """A call of LAPACK or BLAS."""
        symbol = f"{PREFIX}{self.step.letter}{routine}"
        self.function.symbols.add(symbol)
        self.declare(f"void @{symbol}({', '.join(['ptr'] * len(arguments))})")
        self.text(f"call void @{symbol}({', '.join([f'ptr {x}' for x in arguments])})")

    def declare(self, text: str) -> None:
        self.function.declarations.add(f"declare {text}")

    def copy(self, to: str, source: str, size: int) -> None:
        self.declare("void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)")
        self.text(f"call void @llvm.memcpy.p0.p0.i64(ptr {to}, ptr {source}, i64 {size}, i1 false)")


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
    f = w.text
    usual, rare, done = f.block(), f.block(), f.block()
    flag = f.value(f"icmp ne i8 {f.at(finite, 0, 'i8')}, 0")
    f(f"br i1 {flag}, label %{usual}, label %{rare}")
    f.label(usual)
    w.copy(y, lu, matrix)
    size, room = w.number(n), w.number(w.step.results[1].nbytes // w.size)
    w.call("getri", size, y, size, pivots, "%r1", room, w.number(0))
    f(f"br label %{done}")
    f.label(rare)
    w.declare("void @llvm.memset.p0.i64(ptr, i8, i64, i1)")
    f(f"call void @llvm.memset.p0.i64(ptr {y}, i8 0, i64 {matrix}, i1 false)")
    with f.count_to(str(n)) as i:
        far = f.value(f"mul i64 {i}, {(n + 1) * w.size}")
        place = f.value(f"getelementptr i8, ptr {y}, i64 {far}")
        f(f"store {_REAL[w.step.letter]} 1.0, ptr {place}")
    _solve(w, "N", n, lu, pivots, y)
    f(f"br label %{done}")
    f.label(done)


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
    parameters = [f"ptr %o{i}" for i in range(len(step.operands))]
    parameters += [f"ptr %r{i}" for i in range(len(step.results))]
    w = _Writer(step, f"({', '.join(parameters)}) #0")
    write = _ROUTINES[step.name]
    if step.in_place and step.operands[0].memory is not step.results[0].memory:
        w.copy("%r0", "%o0", step.results[0].nbytes)
    if step.stack == 1:
        write(w)
    else:
        with w.text.count_to(str(step.stack)) as w.index:
            write(w)
    w.text("ret void")
    w.function.body = w.text.text().removeprefix("define ")
    return w.function
