"""Programs as flat Python on NumPy: what runs without llvmlite, and what tests compare with.

A Program becomes one Python function with a line for each equation. Elementwise operations write
into buffers that are kept from call to call (``out=``) and used again as soon as nobody reads them;
all else is the primitive's ``evaluate``. Values are those of `core.program.interpret`, to the bit
but for sums, whose order in NumPy follows the layout of temporaries.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core.abstract import Var
from ..core.program import Equation, Program
from ..core.quiet import quiet

__all__ = ["NumPyExecutor", "python_source"]

# Operations whose results never share memory with their operands.
_FRESH = frozenset({
    "matmul", "einsum", "sum", "prod", "max", "min", "argmax", "argmin", "concatenate", "stack",
    "cumsum", "cumprod", "sort", "argsort", "scatter_add", "setitem", "copy", "conv2d",
    "conv2d_input", "conv2d_kernel", "logsumexp", "cross_entropy",
})  # fmt: skip


class _Writer:
    """Writes the function, and plans its buffers."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.names: dict[Var, str] = {}
        self.scope: dict[str, Any] = {"quiet": quiet, "asarray": np.asarray, "copied": _copied}
        self.lines: list[str] = []
        self.buffers: list[tuple[tuple[int, ...], Any]] = []
        self.free: dict[Any, list[int]] = {}
        # The memory that a value may share: numbers of buffers, and "own" and "input" memory.
        self.roots: dict[Var, frozenset[Any]] = {}
        self.last: dict[Var, int] = {}
        self.users: dict[int, set[Var]] = {}  # who holds a buffer

    def name(self, v: Var) -> str:
        return self.names.setdefault(v, f"v{len(self.names)}")

    def constant(self, x: Any, kind: str = "c") -> str:
        name = f"{kind}{len(self.scope)}"
        self.scope[name] = x
        return name

    def operand(self, x: Any) -> str:
        return self.name(x) if type(x) is Var else self.constant(x)

    def source(self) -> str:
        """The text of the function."""
        program = self.program
        for number, e in enumerate(program.equations):
            for x in e.inputs:
                if type(x) is Var:
                    self.last[x] = number
        for y in program.outputs:
            if type(y) is Var:
                self.last[y] = len(program.equations)
        for k, v in enumerate(program.inputs):
            self.roots[v] = frozenset({("input", k)})
            self.lines.append(f"{self.name(v)} = {_input_text(k, v)}")
        is_silent = False
        for number, e in enumerate(program.equations):
            if e.silent and not is_silent:
                self.lines.append("with quiet():")
            is_silent = e.silent
            self.equation(number, e, "    " if is_silent else "")
        self.results()
        body = "\n".join(f"    {line}" for line in self.lines)
        return f"def run(inputs, buffers):\n{body}\n"

    def equation(self, number: int, e: Equation, indent: str) -> None:
        operands = ", ".join(map(self.operand, e.inputs))
        buffer = self.buffer_for(number, e)
        if buffer is not None:
            function = self.constant(e.primitive.evaluate, e.primitive.name + "_")
            text = f"{self.name(e.outputs[0])} = {function}({operands}, out=buffers[{buffer}])"
            self.roots[e.outputs[0]] = frozenset({buffer})
            self.users[buffer] = {e.outputs[0]}
        else:
            function = self.constant(e.primitive.evaluate, e.primitive.name + "_")
            params = f", **{self.constant(e.params, 'k')}" if e.params else ""
            left = ", ".join(map(self.name, e.outputs))
            if e.primitive.outputs is not None:
                left = f"({left},)"
            # What Python's numbers give stays weak.
            value = f"{function}({operands}{params})"
            weak = any(v.weak for v in e.outputs)
            text = f"{left} = " + (f"asarray({value}).item()" if weak else value)
            self.share(e)
        self.lines.append(indent + text)
        self.release(number, e, indent)

    def share(self, e: Equation) -> None:
        """What memory the results may be views of."""
        shared: frozenset[Any] = frozenset()
        if e.primitive.name not in _FRESH and not isinstance(e.primitive.evaluate, np.ufunc):
            for x in e.inputs:
                if type(x) is Var:
                    shared |= self.roots[x]
        for v in e.outputs:
            self.roots[v] = shared | {("own", v)}
            for root in shared:
                if type(root) is int:
                    self.users[root].add(v)

    def release(self, number: int, e: Equation, indent: str) -> None:
        """Let go of what is not read any more."""
        dead = [v for v in (*e.inputs, *e.outputs) if type(v) is Var]
        dead = [v for v in dict.fromkeys(dead) if self.last.get(v, number) <= number]
        owned = [v for v in dead if type(v) is Var and v.shape]
        if owned:
            self.lines.append(indent + " = ".join(map(self.name, owned)) + " = None")
        for v in dead:
            for root in self.roots[v]:
                if type(root) is int and v in self.users[root]:
                    self.users[root].remove(v)
                    if not self.users[root]:
                        self.free.setdefault(self.buffers[root], []).append(root)

    def buffer_for(self, number: int, e: Equation) -> int | None:
        """The buffer that an elementwise operation writes to; None if it is to make an array."""
        function = e.primitive.evaluate
        if not isinstance(function, np.ufunc) or function.nout != 1 or e.params:
            return None
        v = e.outputs[0]
        if not v.shape or not v.dtype.isnative or self.last.get(v) == len(self.program.equations):
            return None
        try:
            kinds = function.resolve_dtypes((*map(_kind, e.inputs), None))
        except TypeError:
            return None
        if kinds[-1] != v.dtype:
            return None
        free = self.free.get((v.shape, v.dtype))
        if free:
            return free.pop()
        # An operand that ends here gives its place, if its elements are read one by one.
        for x in e.inputs:
            if type(x) is Var and x.shape == v.shape and x.dtype == v.dtype:
                (root, *more) = self.roots[x]
                ends = self.last[x] == number and not more and type(root) is int
                if ends and self.users[root] == {x}:
                    self.users[root] = set()
                    return int(root)
        self.buffers.append((v.shape, v.dtype))
        return len(self.buffers) - 1

    def results(self) -> None:
        """Results share memory with nothing, and are arrays or scalars as recorded."""
        taken: set[Any] = set()
        found = []
        for y in self.program.outputs:
            if type(y) is not Var:
                found.append(self.constant(y))
                continue
            roots = self.roots[y]
            foreign = any(type(r) is int or r[0] == "input" for r in roots)
            text = self.name(y)
            if y.scalar:
                text = f"asarray({text})[()]"
            elif foreign or roots & taken:
                text = f"copied({text})"
            else:
                text = f"asarray({text})"
            taken |= roots
            found.append(text)
        self.lines.append(f"return [{', '.join(found)}]")


def _input_text(k: int, v: Var) -> str:
    """Python's numbers stay weak, and scalars scalars."""
    if v.weak:
        return f"inputs[{k}].item()"
    return f"inputs[{k}][()]" if v.scalar else f"inputs[{k}]"


def _kind(x: Any) -> Any:
    """A dtype, or Python's type of a number without one."""
    if type(x) is Var and x.weak:
        return {"f": float, "i": int, "c": complex, "b": np.dtype(bool)}[x.dtype.kind]
    if type(x) in (int, float, complex):
        return type(x)
    return x.dtype if hasattr(x, "dtype") else np.asarray(x).dtype


def _copied(y: Any) -> Any:
    return np.array(y)


def python_source(program: Program) -> str:
    """The Python function that a Program without hidden inputs becomes.

    Its buffers come in a list; names that are no variables are functions and constants.
    """
    return _Writer(program).source()


class NumPyExecutor:
    """Runs a Program without hidden inputs on plain arrays, with NumPy alone."""

    _count = 0

    def __init__(self, program: Program) -> None:
        writer = _Writer(program)
        self.source = writer.source()
        NumPyExecutor._count += 1
        filename = f"<wengert program {NumPyExecutor._count}>"
        linecache.cache[filename] = (
            len(self.source), None, self.source.splitlines(True), filename,
        )  # fmt: skip
        exec(compile(self.source, filename, "exec"), writer.scope)
        self._run: Callable[[Sequence[Any], Sequence[Any]], list[Any]] = writer.scope["run"]
        self._shapes = writer.buffers
        self._free: list[list[Any]] = []  # each call that is under way has buffers of its own

    def __call__(self, arguments: Sequence[Any]) -> list[Any]:
        """The results for arrays of any layout."""
        try:
            buffers = self._free.pop()
        except IndexError:
            buffers = [np.empty(shape, dtype) for shape, dtype in self._shapes]
        results = self._run([np.asarray(a) for a in arguments], buffers)
        self._free.append(buffers)
        return results
