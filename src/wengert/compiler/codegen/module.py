"""The LLVM module of a plan: a function for each nest, and one for each run of native steps.

Native functions take one argument, a table of pointers: to the arguments, results, what calls gave,
and the arena. Nests with the same text share a function.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ..passes.memory import touched
from ..plan import Buffer, Call, Nest, Plan, Product, Region, Routine
from ..runtime.blas import PREFIX
from .clocks import Clocks
from .nest import nest_function
from .processor import Processor
from .routines import routine_function
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


class _Lines:
    """A function in the making: its lines, and the names of pointers that it has loaded."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.slots: list[str] = []
        self.names: dict[Any, str] = {}
        self.shifted: dict[Buffer, str] = {}
        self._count = 0

    def name(self) -> str:
        self._count += 1
        return f"%t{self._count}"

    def label(self) -> str:
        self._count += 1
        return f"l{self._count}"

    def emit(self, text: str) -> str:
        name = self.name()
        self.lines.append(f"{name} = {text}")
        return name

    def slot(self, type_: str) -> str:
        name = self.name()
        self.slots.append(f"{name} = alloca {type_}")
        return name

    def function(self, header: str) -> str:
        lines = [f"{x}" if x.endswith(":") else f"  {x}" for x in [*self.slots, *self.lines]]
        return f"define {header} #0 {{\n" + "\n".join(lines) + "\n  ret void\n}\n"


def _phase_text(
    number: int, function: str, parts: int, flags: int, clocks: Clocks | None
) -> list[str]:
    """Take the parts of a phase that nobody has taken, and wait for all of them.

    ``flags`` is where its words begin: one for each part, and one that counts those that are done.
    """
    f = f"f{number}"
    waits = [f"  call void @wengert_wait(ptr %{f}done, i32 {parts})"]
    if clocks is not None:
        ended = [f"  {line}" for line in clocks.stop(f"%{f}c", 0, "%thread")]
        waits = [f"  {clocks.start(f'%{f}c')}", *waits, *ended]
    return [
        f"  br label %{f}",
        f"{f}:",
        f"  %{f}done = getelementptr i32, ptr %flags, i64 {flags + parts}",
        f"  br label %{f}loop",
        f"{f}loop:",
        f"  %{f}q = phi i64 [ 0, %{f} ], [ %{f}next, %{f}after ]",
        f"  %{f}sum = add i64 %{f}q, %thread",
        f"  %{f}part = urem i64 %{f}sum, {parts}",
        f"  %{f}at = add i64 %{f}part, {flags}",
        f"  %{f}flag = getelementptr i32, ptr %flags, i64 %{f}at",
        f"  %{f}old = atomicrmw xchg ptr %{f}flag, i32 1 acq_rel",
        f"  %{f}free = icmp eq i32 %{f}old, 0",
        f"  br i1 %{f}free, label %{f}take, label %{f}after",
        f"{f}take:",
        f"  call void {function}(ptr %table, i64 %{f}part)",
        f"  %{f}count = atomicrmw add ptr %{f}done, i32 1 acq_rel",
        f"  br label %{f}after",
        f"{f}after:",
        f"  %{f}next = add i64 %{f}q, 1",
        f"  %{f}more = icmp ult i64 %{f}next, {parts}",
        f"  br i1 %{f}more, label %{f}loop, label %{f}wait",
        f"{f}wait:",
        *waits,
    ]


class _Emitter:
    def __init__(self, plan: Plan, processor: Processor, clocks: Clocks | None) -> None:
        self.plan = plan
        self.clocks = clocks
        self.processor = processor
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

    def nest(self, nest: Nest, to: _Lines, rows: tuple[str, str] | None = None) -> None:
        """A call of the function of a nest, on these rows if it has any."""
        function = nest_function(nest, self.plan.buffers, self.processor)
        name = self.functions.setdefault(function.body, f"@nest{len(self.functions)}")
        self.declarations |= function.declarations
        arguments = [f"ptr {self.pointer(m, to)}" for m in function.memory]
        if nest.rows is not None:
            assert rows is not None
            arguments += [f"i64 {bound}" for bound in rows]
        with self.timed(nest, to):
            to.lines.append(f"call void {name}({', '.join(arguments)})")

    def routine(self, step: Routine, to: _Lines) -> None:
        """A call of the function of a routine."""
        function = routine_function(step)
        name = self.functions.setdefault(function.body, f"@routine{len(self.functions)}")
        self.declarations |= function.declarations
        self.symbols |= function.symbols
        memory = [b.memory for b in (*step.operands, *step.results)]
        arguments = [f"ptr {self.pointer(m, to)}" for m in memory]
        with self.timed(step, to):
            to.lines.append(f"call void {name}({', '.join(arguments)})")

    @contextmanager
    def timed(self, step: Nest | Product | Routine, to: _Lines) -> Iterator[None]:
        """A clock around a step, if there are clocks."""
        if self.clocks is None:
            yield
            return
        started = to.name()
        to.lines.append(self.clocks.start(started))
        yield
        to.lines += self.clocks.stop(started, self.clocks.row(step), "%part")

    def pointer(self, buffer: Buffer, to: _Lines) -> str:
        """Where a memory begins; for what a region holds in part, where it would begin."""
        memory = buffer.memory
        if memory in to.shifted:
            return to.shifted[memory]
        if memory.kind == "constant":
            text = "".join([f"\\{byte:02X}" for byte in memory.content])
            return self.constant(f"[{len(memory.content)} x i8]", f'c"{text}", align 64')
        place = self.place(memory)
        if place not in to.names:
            entry, offset = place
            if (entry, 0) not in to.names or not offset:
                name = to.name()
                to.lines.append(f"{name}p = getelementptr ptr, ptr %table, i64 {entry}")
                to.lines.append(f"{name} = load ptr, ptr {name}p")
                to.names[entry, 0] = name
            if offset:
                name = to.name()
                to.lines.append(
                    f"{name} = getelementptr i8, ptr {to.names[entry, 0]}, i64 {offset}"
                )
                to.names[place] = name
        return to.names[place]

    def step(
        self, step: Nest | Product | Routine, to: _Lines, rows: tuple[str, str] | None = None
    ) -> None:
        """A nest, product or routine."""
        if isinstance(step, Routine):
            self.routine(step, to)
        elif isinstance(step, Product):
            with self.timed(step, to):
                self.product(step, to, rows)
        else:
            self.nest(step, to, rows)

    # -------------------------------------------------------------- regions

    def region(self, region: Region, to: _Lines) -> None:
        """One part of a region, whose number is ``%part``."""
        everything = (*region.fills, *region.steps)
        for b in dict.fromkeys(b.memory for s in everything for b in touched(s, self.plan)):
            self.pointer(b, to)  # before any branch
        for memory, size in region.private.items():
            to.shifted[memory] = to.emit(
                f"getelementptr i8, ptr {self.pointer(memory, to)}, "
                f"i64 {to.emit(f'mul i64 %part, {size}')}"
            )
        for fill in region.fills:
            self.nest(fill, to)
        if all(s.rows is None for s in region.steps):
            for step in region.steps:
                self.step(step, to)
        else:
            self._blocks(region, to)
        to.shifted.clear()

    def _blocks(self, region: Region, to: _Lines) -> None:
        self.declarations.add("declare i64 @llvm.umin.i64(i64, i64)")
        first = to.emit(f"mul i64 %part, {region.share}")
        after = to.emit(f"add i64 {first}, {region.share}")
        last = to.emit(f"call i64 @llvm.umin.i64(i64 {after}, i64 {region.length})")
        some = to.emit(f"icmp ult i64 {first}, {last}")
        before, begin, end = to.label(), to.label(), to.label()
        to.lines += [f"br label %{before}", f"{before}:"]
        to.lines += [f"br i1 {some}, label %{begin}, label %{end}", f"{begin}:"]
        start, following = to.name(), to.name()
        to.lines.append(
            f"{start} = phi i64 [ {first}, %{before} ], [ {following}, %{(back := to.label())} ]"
        )
        ahead = to.emit(f"add i64 {start}, {region.block}")
        stop = to.emit(f"call i64 @llvm.umin.i64(i64 {ahead}, i64 {last})")
        for memory, size in region.local.items():
            # Rows are counted from the first of the array, which is not there: only this block is.
            mine = to.emit(f"mul i64 %part, {region.block * size}")
            gone = to.emit(f"mul i64 {start}, {size}")
            offset = to.emit(f"sub i64 {mine}, {gone}")
            base = self.pointer(memory, to)
            to.shifted[memory] = to.emit(f"getelementptr i8, ptr {base}, i64 {offset}")
        for step in region.steps:
            self.step(step, to, (start, stop) if step.rows is not None else None)
        again = to.emit(f"icmp ult i64 {ahead}, {last}")
        to.lines += [f"br label %{back}", f"{back}:", f"{following} = add i64 {ahead}, 0"]
        to.lines += [f"br i1 {again}, label %{begin}, label %{end}", f"{end}:"]

    def phases(self, regions: Sequence[Region]) -> list[list[Region]]:
        """Regions between two barriers."""
        found: list[list[Region]] = []
        for region in regions:
            if region.barrier or not found:
                found.append([])
            found[-1].append(region)
        return found

    def parallel(self, regions: Sequence[Region], name: str) -> str:
        """The functions of regions that several threads work on, and ``name`` that starts them.

        Each phase has parts. A thread takes parts that nobody has taken, its own first, and waits
        at the end until all are done. So no thread waits for another to wake up: what has not been
        taken by then it does itself.
        """
        texts: list[str] = []
        work: list[str] = []
        phases = self.phases(regions)
        flags = 0
        for number, phase in enumerate(phases):
            parts = max(r.parts for r in phase)
            to = _Lines()
            for k, region in enumerate(phase):
                if region.parts == parts:
                    self.region(region, to)
                    continue
                mine = to.emit(f"icmp eq i64 %part, {k % parts}")
                inside, after = to.label(), to.label()
                to.lines += [f"br i1 {mine}, label %{inside}, label %{after}", f"{inside}:"]
                known = dict(to.names)
                self.region(region, to)
                to.names = known
                to.lines += [f"br label %{after}", f"{after}:"]
            function = f"@{name}_phase{number}"
            texts.append(to.function(f"internal void {function}(ptr %table, i64 %part)"))
            work += _phase_text(number, function, parts, flags, self.clocks)
            flags += parts + 1
        self.symbols |= {"wengert_parallel", "wengert_wait"}
        self.declarations.add("declare void @wengert_parallel(ptr, ptr, ptr, i64)")
        self.declarations.add("declare void @wengert_wait(ptr, i32)")
        body = "\n".join(work)
        texts.append(
            f"define internal void @{name}_work(ptr %table, ptr %flags, i64 %thread) #0 {{\n"
            f"{body}\n  ret void\n}}\n"
        )
        threads = max(r.parts for r in regions)
        before = after = ""
        if any(isinstance(s, Product) and s.rows is not None for r in regions for s in r.steps):
            # Each of our threads calls BLAS, which then has none of its own.
            self.symbols.add("wengert_blas_threads")
            self.declarations.add("declare i32 @wengert_blas_threads(i32)")
            before = "  %blas = call i32 @wengert_blas_threads(i32 1)\n"
            after = "  %ours = call i32 @wengert_blas_threads(i32 %blas)\n"
        self.declarations.add("declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)")
        texts.append(
            f"define void @{name}(ptr %table) #0 {{\n"
            f"  %flags = alloca [{flags} x i32], align 64\n"
            f"  call void @llvm.memset.p0.i64(ptr %flags, i8 0, i64 {4 * flags}, i1 false)\n"
            f"{before}  call void @wengert_parallel(ptr @{name}_work, ptr %table, ptr %flags, "
            f"i64 {threads})\n{after}  ret void\n}}\n"
        )
        return "\n".join(texts)

    # -------------------------------------------------------------- products

    def product(self, p: Product, to: _Lines, rows: tuple[str, str] | None = None) -> None:
        """A call of BLAS for each element of the stack.

        BLAS has its columns contiguous: what is row by row for us is transposed for it, so it
        computes the transposed product of the transposed operands.
        """
        single = p.c.dtype.itemsize == 4
        t, routine = ("float", "sgemm") if single else ("double", "dgemm")
        symbol = f"{PREFIX}{routine}"
        self.symbols.add(symbol)
        self.declarations.add(f"declare void @{symbol}({', '.join(['ptr'] * 13)})")
        sizes: dict[str, Any] = {"m": p.m, "n": p.n, "k": p.k}
        moved = {"a": 0, "b": 0, "c": 0}  # how far operands begin with the first row
        if rows is not None:
            side = "mn"[p.axes.index(p.rows)]
            count = to.emit(f"sub i64 {rows[1]}, {rows[0]}")
            sizes[side] = to.emit(f"trunc i64 {count} to i32")
            moved["a"] = p.strides_a[0] if side == "m" else 0
            moved["b"] = p.strides_b[1] if side == "n" else 0
            moved["c"] = p.strides_c[0] if side == "m" else p.strides_c[1]
        operands = [
            ("a", p.a, p.strides_a, (p.m, p.k), p.offsets[0]),
            ("b", p.b, p.strides_b, (p.k, p.n), p.offsets[1]),
        ]
        strides_c, order = p.strides_c, ("m", "n")
        if strides_c[1] == 1 and not (strides_c[0] == 1 and p.m > 1):
            # Row by row: C^T = B^T A^T.
            operands = [
                (which, b, (s[1], s[0]), (size[1], size[0]), o)
                for which, b, s, size, o in reversed(operands)
            ]
            order = ("n", "m")
            strides_c = (strides_c[1], strides_c[0])
        constants = {}
        for label, kind, value in (
            ("m", "i32", sizes[order[0]]), ("n", "i32", sizes[order[1]]), ("k", "i32", p.k),
            ("one", t, 1.0), ("zero", t, 0.0),
            ("lda", "i32", _leading(operands[0][2], operands[0][3])),
            ("ldb", "i32", _leading(operands[1][2], operands[1][3])),
            ("ldc", "i32", max(strides_c[1], p.m if order[0] == "m" else p.n)),
        ):  # fmt: skip
            if isinstance(value, str):
                constants[label] = to.slot("i32")
                to.lines.append(f"store i32 {value}, ptr {constants[label]}")
            else:
                text = str(value) if kind == "i32" else literal(value, p.c.dtype)
                constants[label] = self.constant(kind, text)
        flags = [self.constant("i8", str(ord("N" if x[2][0] == 1 else "T"))) for x in operands]
        targets = [*[(which, b, start) for which, b, _, _, start in operands], ("c", p.c, 0)]
        bases = []
        for which, buffer, start in targets:
            pointer = self.pointer(buffer, to)
            if moved[which] and rows is not None:
                far = to.emit(f"mul i64 {rows[0]}, {moved[which]}")
                pointer = to.emit(f"getelementptr {t}, ptr {pointer}, i64 {far}")
            bases.append((which, pointer, start))
        for at in _stack_offsets(p):
            pointers = [
                to.emit(f"getelementptr {t}, ptr {base}, i64 {start + at['abc'.index(which)]}")
                for which, base, start in bases
            ]
            c = constants
            to.lines.append(
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


Native = Nest | Product | Region | Routine


def _run(e: _Emitter, steps: Sequence[Native], name: str) -> str:
    """The function of native steps, with all that it needs."""
    texts: list[str] = []
    to = _Lines()
    to.lines.append("%part = add i64 0, 0")
    for run in _runs(steps):
        regions = [s for s in run if isinstance(s, Region)]
        if any(r.parts > 1 for r in regions):
            assert len(regions) == len(run)
            if len(run) == len(steps):
                return e.parallel(regions, name)
            inner = f"{name}_{len(texts)}"
            texts.append(e.parallel(regions, inner))
            to.lines.append(f"call void @{inner}(ptr %table)")
            continue
        for step in run:
            if isinstance(step, Region):
                e.region(step, to)
            else:
                e.step(step, to)
    return "\n".join([*texts, to.function(f"void @{name}(ptr %table)")])


def _runs(steps: Sequence[Native]) -> Iterator[list[Native]]:
    """What threads do together; they all wait for a routine."""
    run: list[Native] = []
    for step in steps:
        if isinstance(step, Routine):
            yield from [run] if run else []
            yield [step]
            run = []
        else:
            run.append(step)
    yield from [run] if run else []


def emit(plan: Plan, processor: Processor, clocks: Clocks | None = None) -> Module:
    """The module of a plan, for this processor; with clocks around steps, if given."""
    e = _Emitter(plan, processor, clocks)
    segments: list[str | Call] = []
    bodies: list[str] = []
    run: list[Native] = []

    def close() -> None:
        if run:
            name = f"run{len(bodies)}"
            bodies.append(_run(e, run, name))
            segments.append(name)
        run.clear()

    for step in plan.steps:
        if isinstance(step, Call):
            close()
            segments.append(step)
        else:
            run.append(step)
    close()
    parts = []
    for body, name in e.functions.items():
        if body.startswith("private"):
            parts.append(f"{name} = {body}")
        else:
            parts.append(f"define internal void {name}{body}")
    if clocks is not None:
        parts += clocks.definition()
    text = "\n".join(
        [*sorted(e.declarations), *parts, *bodies, "attributes #0 = { nounwind }", _EXPECT, ""]
    )
    return Module(text, segments, len(plan.inputs), e.results, plan.foreign, e.symbols)
