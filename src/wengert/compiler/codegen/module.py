"""The LLVM module of a plan: a function for each nest, and one for each run of native steps.

Native functions take one argument, a table of pointers: to the arguments, results, what calls gave,
and the arena. Nests with the same text share a function.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..plan import Buffer, Call, Nest, Plan, Product
from .nest import nest_function
from .vectors import literal

__all__ = ["Module", "emit"]

_EXPECT = '!0 = !{!"branch_weights", i32 1, i32 1000000}'


@dataclass
class Module:
    """The text of a module; ``segments`` are the names of native functions, and calls between.

    ``table`` tells what stands where in the table of pointers: first the arguments, then results,
    what calls gave, and the arena.
    """

    text: str
    segments: list[str | Call]
    arguments: int
    results: int
    foreign: int
    symbols: set[str] = field(default_factory=set)


class _Emitter:
    def __init__(self, plan: Plan, vector_bytes: int, features: str) -> None:
        self.plan = plan
        self.vector_bytes = vector_bytes
        self.features = features
        self.functions: dict[str, str] = {}
        self.declarations: set[str] = set()
        self.symbols: set[str] = set()
        found = {b.memory for b in plan.outputs if isinstance(b, Buffer)}
        self.results = sum(1 for memory in found if memory.kind == "output")

    def place(self, buffer: Buffer) -> tuple[int, int]:
        """The entry of the table, and the offset in bytes."""
        memory = buffer.memory
        n = len(self.plan.inputs)
        if memory.kind == "input":
            return memory.slot, 0
        if memory.kind == "output":
            return n + memory.slot, 0
        if memory.kind == "foreign":
            return n + self.results + memory.slot, 0
        return n + self.results + self.plan.foreign, memory.offset

    def nest(self, nest: Nest, lines: list[str], names: dict[Any, str]) -> None:
        function = nest_function(nest, self.plan.buffers, self.vector_bytes)
        name = self.functions.setdefault(function.body, f"@nest{len(self.functions)}")
        self.declarations |= function.declarations
        arguments = [f"ptr {self.pointer(m, lines, names)}" for m in function.memory]
        lines.append(f"call void {name}({', '.join(arguments)})")

    def pointer(self, buffer: Buffer, lines: list[str], names: dict[Any, str]) -> str:
        place = self.place(buffer)
        if place not in names:
            entry, offset = place
            if (entry, 0) not in names or not offset:
                name = f"%t{len(names)}"
                lines.append(f"{name}p = getelementptr ptr, ptr %table, i64 {entry}")
                lines.append(f"{name} = load ptr, ptr {name}p")
                names[entry, 0] = name
            if offset:
                name = f"%t{len(names)}"
                lines.append(f"{name} = getelementptr i8, ptr {names[entry, 0]}, i64 {offset}")
                names[place] = name
        return names[place]

    def product(self, p: Product, lines: list[str], names: dict[Any, str]) -> None:
        """A call of BLAS for each element of the stack.

        BLAS has its columns contiguous: what is row by row for us is transposed for it, so it
        computes the transposed product of the transposed operands.
        """
        single = p.c.dtype.itemsize == 4
        t, routine = ("float", "sgemm") if single else ("double", "dgemm")
        symbol = f"wengert_{routine}"
        self.symbols.add(symbol)
        self.declarations.add(f"declare void @{symbol}({', '.join(['ptr'] * 13)})")
        operands = [
            (p.a, p.strides_a, (p.m, p.k), p.offsets[0]),
            (p.b, p.strides_b, (p.k, p.n), p.offsets[1]),
        ]
        m, n = p.m, p.n
        strides_c = p.strides_c
        if strides_c[1] == 1 and not (strides_c[0] == 1 and m > 1):
            # Row by row: C^T = B^T A^T.
            operands = [
                (b, (s[1], s[0]), (size[1], size[0]), o) for b, s, size, o in reversed(operands)
            ]
            m, n = n, m
            strides_c = (strides_c[1], strides_c[0])
        key = f"product{len(names)}_{len(lines)}"
        constants = {}
        for label, value in (
            ("m", m), ("n", n), ("k", p.k), ("one", 1.0), ("zero", 0.0),
            ("lda", _leading(operands[0][1], operands[0][2])),
            ("ldb", _leading(operands[1][1], operands[1][2])),
            ("ldc", max(strides_c[1], m)),
        ):  # fmt: skip
            kind = t if label in ("one", "zero") else "i32"
            text = literal(value, p.c.dtype) if kind == t else str(value)
            constants[label] = self.constant(kind, text)
        flags = [
            self.constant("i8", str(ord("N" if s[0] == 1 else "T"))) for _, s, _, _ in operands
        ]
        bases = [self.pointer(b, lines, names) for b, _, _, _ in operands]
        target = self.pointer(p.c, lines, names)
        swapped = operands[0][0] is not p.a or operands[0][1] != p.strides_a
        offsets = _stack_offsets(p)
        for number, (oa, ob, oc) in enumerate(offsets):
            first, second = (ob, oa) if swapped else (oa, ob)
            pointers = []
            for q, (base, start) in enumerate(
                zip((*bases, target), (first + operands[0][3], second + operands[1][3], oc))
            ):
                name = f"%{key}_{number}_{q}"
                lines.append(f"{name} = getelementptr {t}, ptr {base}, i64 {start}")
                pointers.append(name)
            c = constants
            lines.append(
                f"call void @{symbol}(ptr {flags[0]}, ptr {flags[1]}, ptr {c['m']}, ptr {c['n']}, "
                f"ptr {c['k']}, ptr {c['one']}, ptr {pointers[0]}, ptr {c['lda']}, "
                f"ptr {pointers[1]}, ptr {c['ldb']}, ptr {c['zero']}, ptr {pointers[2]}, "
                f"ptr {c['ldc']})"
            )

    def constant(self, kind: str, value: str) -> str:
        text = f"private unnamed_addr constant {kind} {value}"
        return self.functions.setdefault(text, f"@c{len(self.functions)}")


def _leading(strides: tuple[int, int], size: tuple[int, int]) -> int:
    """The distance of columns (of rows, for a transposed operand), at least BLAS's minimum."""
    if strides[0] == 1:
        return max(strides[1], size[0])
    return max(strides[0], size[1])


def _stack_offsets(p: Product) -> list[tuple[int, int, int]]:
    offsets = [(0, 0, 0)]
    for length, a, b, c in p.stack:
        offsets = [(x + k * a, y + k * b, z + k * c) for x, y, z in offsets for k in range(length)]
    return offsets


def emit(plan: Plan, vector_bytes: int) -> Module:
    """The module of a plan, for registers of this length."""
    e = _Emitter(plan, vector_bytes, "")
    segments: list[str | Call] = []
    bodies: list[str] = []
    lines: list[str] = []
    names: dict[Any, str] = {}

    def close() -> None:
        if lines:
            name = f"run{len(bodies)}"
            body = "\n".join(f"  {line}" for line in lines)
            bodies.append(f"define void @{name}(ptr %table) #0 {{\n{body}\n  ret void\n}}\n")
            segments.append(name)
        lines.clear()
        names.clear()

    for step in plan.steps:
        if isinstance(step, Call):
            close()
            segments.append(step)
        elif isinstance(step, Product):
            e.product(step, lines, names)
        else:
            e.nest(step, lines, names)
    close()
    parts = []
    for body, name in e.functions.items():
        if body.startswith("private"):
            parts.append(f"{name} = {body}")
        else:
            parts.append(f"define internal void {name}{body}")
    text = "\n".join(
        [*sorted(e.declarations), *parts, *bodies, "attributes #0 = { nounwind }", _EXPECT, ""]
    )
    return Module(text, segments, len(plan.inputs), e.results, plan.foreign, e.symbols)
