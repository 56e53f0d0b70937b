"""What has to be known of machine code to run it: plain data, which the disk keeps beside it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core.errors import WengertIndexError
from ...core.program import Program
from ..codegen.module import Module
from ..cost import flops_of
from ..factored import SINGULAR
from ..lowering.factorizations import NOT_DEFINITE, ZERO_ON_DIAGONAL
from ..lowering.pointwise import NEGATIVE_POWER
from ..plan import Buffer, Call, Plan

__all__ = ["CallSite", "Interface", "Place", "error_of", "interface_of"]

# From this many operations on, which take some 100 us, other threads of Python run meanwhile.
_LONG = 4_000_000


@dataclass(frozen=True)
class Place:
    """An array: where its memory is, and its shape.

    ``kind`` and ``slot`` are those of `plan.Buffer`; ``offset`` and ``nbytes`` are of the arena.
    """

    kind: str
    slot: int
    offset: int
    nbytes: int
    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class CallSite:
    """An equation of the simplified Program, by number, that NumPy evaluates."""

    equation: int
    operands: tuple[Place, ...]
    results: tuple[int, ...]


@dataclass
class Interface:
    """How native code is called.

    Attributes
    ----------
    arguments, foreign : int
        How many pointers of the table are arguments and results of calls.
    results : list of (shape, dtype)
        What is allocated for each call; a result has the shape that it is returned in.
    outputs : list
        For each output of the Program a `Place`, or None for a constant.
    scalars : list of bool
        Which outputs are NumPy scalars.
    donated : dict
        For outputs in the memory of an argument, by number, which one.
    checks : list of (offset, message)
    segments : list
        Names of native functions, and calls between them.
    symbols : list of str
        Functions that the code calls.
    needs_program : bool
        Whether equations or constants of the Program are needed to run.
    """

    arguments: int
    foreign: int
    arena: int
    results: list[tuple[tuple[int, ...], str]]
    outputs: list[Place | None]
    scalars: list[bool]
    donated: dict[int, int]
    checks: list[tuple[int, str]]
    segments: list[str | CallSite]
    symbols: list[str]
    is_long: bool = False

    @property
    def needs_program(self) -> bool:
        """Whether equations or constants of the Program are needed to run."""
        return None in self.outputs or any(isinstance(s, CallSite) for s in self.segments)

    def to_data(self) -> dict[str, Any]:
        """What JSON can hold."""
        return dataclasses.asdict(self)

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> Interface:
        """From what JSON has made of `to_data`."""
        made = cls(**data)
        made.results = [(tuple(shape), dtype) for shape, dtype in made.results]
        made.outputs = [None if p is None else _place(p) for p in data["outputs"]]
        made.donated = {int(k): v for k, v in made.donated.items()}
        made.checks = [(offset, why) for offset, why in made.checks]
        made.segments = [
            s if isinstance(s, str)
            else CallSite(
                s["equation"], tuple(map(_place, s["operands"])), tuple(s["results"])
            )
            for s in data["segments"]
        ]  # fmt: skip
        return made


_ERRORS: dict[str, type[Exception]] = {
    NEGATIVE_POWER: ValueError,
    **dict.fromkeys((SINGULAR, NOT_DEFINITE, ZERO_ON_DIAGONAL), np.linalg.LinAlgError),
}


def error_of(message: str) -> type[Exception]:
    """What a failed check raises."""
    return _ERRORS.get(message, WengertIndexError)


def _place(data: dict[str, Any]) -> Place:
    return Place(**{**data, "shape": tuple(data["shape"])})


def _place_of(b: Buffer) -> Place:
    m = b.memory
    return Place(m.kind, m.slot, m.offset, m.nbytes, *_type_of(b)[::-1])


def _type_of(b: Buffer) -> tuple[tuple[int, ...], str]:
    """The shape and dtype of the array."""
    if b.is_complex:
        return tuple(b.shape[:-1]), f"c{2 * np.dtype(b.dtype).itemsize}"
    return tuple(b.shape), np.dtype(b.dtype).str


def interface_of(plan: Plan, module: Module, program: Program) -> Interface:
    """How the module of a plan for this simplified Program is called."""
    numbers = {e: k for k, e in enumerate(program.equations)}
    segments: list[str | CallSite] = [
        CallSite(
            numbers[s.equation],
            tuple([_place_of(b) for b in s.operands]),
            tuple([b.slot for b in s.results]),
        )
        if isinstance(s, Call) else s
        for s in module.segments
    ]  # fmt: skip
    shapes: dict[int, Any] = {}
    for b in plan.outputs:
        if isinstance(b, Buffer) and b.memory.kind == "output":
            shapes.setdefault(b.memory.slot, _type_of(b))
    return Interface(
        arguments=module.arguments,
        foreign=module.foreign,
        arena=plan.arena,
        results=[shapes[k] for k in sorted(shapes)],
        outputs=[_place_of(b) if isinstance(b, Buffer) else None for b in plan.outputs],
        scalars=[bool(getattr(v, "scalar", False)) for v in program.outputs],
        donated=dict(plan.donated),
        checks=[(b.memory.offset, why) for b, why in plan.checks],
        segments=segments,
        symbols=sorted(module.symbols),
        is_long=sum(flops_of(step, plan) for step in plan.leaves()) > _LONG,
    )
