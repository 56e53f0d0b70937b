"""Where the time of a compiled Program goes: a clock around every step, on every thread.

The program is compiled once more with reads of the processor's counter around each nest and each
call of BLAS, and run on numbers drawn at random. ``f.lower(x).profile()`` prints it.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.program import Program
from .codegen.clocks import Clocks
from .codegen.loops import Axis, Loops, choose_loops
from .codegen.module import emit
from .codegen.processor import Processor
from .cost import bytes_of, flops_of
from .plan import Nest, Plan, Product, Region, Routine

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Measured", "Measurement", "profile"]


_ROUNDS = 10


@dataclass(frozen=True)
class Measured:
    """One step of a plan.

    Attributes
    ----------
    text : str
        What it is: its loops, which of them lies along the lanes, its tile, what it writes.
    seconds : list of float
        Of one call of the program, for each part: the time in this step.
    flops, bytes : int
        As `Lowered.cost` counts them.
    """

    text: str
    seconds: list[float]
    flops: int
    bytes: int

    @property
    def longest(self) -> float:
        """The time of the slowest part, which the others wait for."""
        return max(self.seconds)


@dataclass(frozen=True)
class Measurement:
    """The steps of a plan, in order, grouped by what runs between two barriers.

    ``seconds`` is the time of a call, with the clocks running; ``waits`` is how long each thread
    waited at barriers.
    """

    phases: list[list[Measured]]
    seconds: float
    waits: list[float]

    @property
    def alone(self) -> float:
        """The fraction of the time of all steps in which only one part had something to do."""
        total = both = 0.0
        for phase in self.phases:
            parts = [sum(t) for t in zip(*(_filled(m, phase) for m in phase))]
            longest = sorted(parts)[::-1]
            total += longest[0]
            both += longest[1] if len(longest) > 1 else 0.0
        return 1 - both / total if total else 0.0

    def __str__(self) -> str:
        lines = [f"{'us':>9}{'share':>7}{'GF/s':>8}{'GB/s':>7}  parts in us; step"]
        for number, phase in enumerate(self.phases):
            if number:
                lines.append("")
            for m in phase:
                t = max(m.longest, 1e-12)
                parts = " ".join(f"{1e6 * s:.1f}" for s in m.seconds)
                lines.append(
                    f"{1e6 * t:9.1f}{t / self.seconds:7.1%}{m.flops / t / 1e9:8.1f}"
                    f"{m.bytes / t / 1e9:7.1f}  [{parts}] {m.text}"
                )
        waits = ", ".join(f"{1e6 * s:.1f}" for s in self.waits)
        lines.append(
            f"{1e6 * self.seconds:.1f} us a call; a line between steps is a barrier, where threads "
            f"waited {waits} us; {self.alone:.0%} of the time of the steps is on one thread"
        )
        return "\n".join(lines)


def _filled(m: Measured, phase: Sequence[Measured]) -> list[float]:
    most = max(len(other.seconds) for other in phase)
    return [*m.seconds, *[0.0] * (most - len(m.seconds))]


def profile(plan: Plan, program: Program, seconds: float = 0.2) -> Measurement:
    """Compile a plan with clocks, and run it for so long; of ten rounds the fastest counts."""
    from .codegen import target
    from .runtime.executable import Executable
    from .runtime.interface import interface_of
    from .stages import address_of

    clocks = Clocks()
    processor = target.host_processor()
    module = emit(plan, processor, clocks)
    face = interface_of(plan, module, program)
    names = [s for s in face.segments if isinstance(s, str)]
    wanted = {name: address_of(name) for name in face.symbols}
    code = target.link(target.object_code(module.text), [*names, clocks.symbol], wanted)
    run = Executable(face, code, program)
    arguments = [_drawn(v.shape, v.dtype) for v in program.inputs]
    table = (ctypes.c_int64 * clocks.words).from_address(code.addresses[clocks.symbol])
    _repeat(lambda: run(arguments), seconds / 4)  # warm
    best = float("inf")
    for _ in range(_ROUNDS):
        ctypes.memset(table, 0, ctypes.sizeof(table))
        before = clocks.now()
        calls, elapsed = _repeat(lambda: run(arguments), seconds / _ROUNDS)
        if elapsed / calls < best:
            best = elapsed / calls
            unit = best / max(clocks.now() - before, 1)
            found = [unit * n for n in table]
    phases = [
        [
            Measured(
                describe(step, plan, processor),
                clocks.seconds(found, step, _parts(owner)),
                flops_of(step, plan),
                bytes_of(step, plan),
            )
            for owner, step in phase
        ]
        for phase in _phases(plan)
    ]
    return Measurement(phases, best, clocks.waits(found, _threads(plan)))


def _repeat(run: Any, seconds: float) -> tuple[int, float]:
    start, calls = time.perf_counter(), 0
    while True:
        run()
        calls += 1
        elapsed = time.perf_counter() - start
        if elapsed > seconds:
            return calls, elapsed


def _drawn(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Numbers of a usual size; indices are 0, which is never out of bounds."""
    rng = np.random.default_rng(0)
    if dtype.kind == "f":
        return rng.normal(0, 0.1, shape).astype(dtype)
    return np.zeros(shape, dtype)


def _parts(owner: Any) -> int:
    return owner.parts if isinstance(owner, Region) else 1


def _threads(plan: Plan) -> int:
    return max([_parts(s) for s in plan.steps] or [1])


def _phases(plan: Plan) -> Iterator[list[tuple[Any, Any]]]:
    """The native steps between barriers, each with the region that it is in."""
    phase: list[tuple[Any, Any]] = []
    for step in plan.steps:
        if isinstance(step, Region):
            if step.barrier and phase:
                yield phase
                phase = []
            phase += [(step, inner) for inner in (*step.fills, *step.steps)]
        elif isinstance(step, Nest | Product | Routine):
            phase.append((step, step))
    if phase:
        yield phase


def describe(step: Any, plan: Plan, processor: Processor) -> str:
    """A step as one line."""
    if isinstance(step, Product):
        return f"blas {step.m} x {step.n} x {step.k} {step.c.dtype.name}"
    if isinstance(step, Routine):
        stack = f"{step.stack} times " if step.stack > 1 else ""
        return f"lapack {step.name} {stack}{step.n} x {step.k or step.n} {step.letter}"
    loops = choose_loops(step, plan.buffers, processor)
    kinds = ", ".join(f"{s.kind} {s.node.dtype.name}{list(s.buffer.shape)}" for s in step.stores)
    axes = " ".join(_axis(a, loops) for a in (*loops.kept, *loops.reduced))
    return f"nest {axes or 'scalar'}: {kinds}"


def _axis(axis: Axis, loops: Loops) -> str:
    """An axis with how many indices of it are computed at once; in brackets if it is summed."""
    text = str(axis.length)
    if axis is loops.vector:
        text += f"/{loops.step(axis) // loops.width}v{loops.width}"
    elif axis in loops.counts:
        text += f"/{loops.counts[axis]}"
    if axis is loops.ranged:
        text += "*"
    return f"({text})" if axis.reduced else text
