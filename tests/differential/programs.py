"""Random programs: generated from a seed, printed, and run in any NumPy-like namespace."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.differential import writes_and_transforms  # noqa: F401  (adds to the table of steps)
from tests.differential.libraries import NumpyLike
from tests.differential.operations import LARGEST, OPERATIONS

SHAPES: tuple[tuple[int, ...], ...] = ((), (3,), (4,), (2, 3), (3, 3), (3, 2), (2, 3, 4), (4, 1))


@dataclass(frozen=True)
class Step:
    """``operation(*values[operands], **parameters)``."""

    operation: str
    operands: tuple[int, ...]
    parameters: dict[str, Any]


@dataclass(frozen=True)
class Program:
    """A scalar function of several arrays, and where to differentiate it.

    The steps append to the list of values, which starts with the inputs. The result is a weighted
    sum of every value that no step uses.
    """

    seed: int
    inputs: list[np.ndarray]
    tangents: list[np.ndarray]
    steps: list[Step]
    outputs: dict[int, np.ndarray]

    def function(self, xp: Any) -> Callable[..., Any]:
        """The program as a function of its inputs in the namespace ``xp``."""

        def run(*inputs: Any) -> Any:
            values = list(inputs)
            for step in self.steps:
                operands = [values[position] for position in step.operands]
                values.append(OPERATIONS[step.operation].apply(xp, *operands, **step.parameters))
            total: Any = 0.0
            for position, weights in self.outputs.items():
                total = total + xp.sum(values[position] * xp.constant(weights))
            return total

        return run

    def __str__(self) -> str:
        lines = [f"program {self.seed}"]
        lines += [f"  v{i} = input of shape {x.shape}" for i, x in enumerate(self.inputs)]
        for number, step in enumerate(self.steps, start=len(self.inputs)):
            words = [f"v{position}" for position in step.operands]
            words += [f"{name}={value!r}" for name, value in step.parameters.items()]
            lines.append(f"  v{number} = {step.operation}({', '.join(words)})")
        return "\n".join(lines)


def generate(seed: int, length: int = 8) -> Program:
    """Make the program with this seed.

    Operations take turns: the program with seed ``i`` uses operation ``i`` modulo their number.

    Parameters
    ----------
    seed : int
        Same seed, same program.
    length : int
        The number of steps.
    """
    rng = np.random.default_rng([seed, length])
    featured = list(OPERATIONS)[seed % len(OPERATIONS)]
    steps: list[Step] = []
    while not any(step.operation == featured for step in steps):
        shapes = [SHAPES[rng.integers(len(SHAPES))] for _ in range(int(rng.integers(2, 4)))]
        inputs = [np.asarray(rng.normal(0.0, 1.0, shape)) for shape in shapes]
        values: list[np.ndarray] = list(inputs)
        steps = _steps(values, length, featured, rng)
    used = {position for step in steps for position in step.operands}
    outputs = {
        position: np.asarray(rng.normal(0.0, 1.0, value.shape))
        for position, value in enumerate(values)
        if position not in used
    }
    tangents = [np.asarray(rng.normal(0.0, 1.0, shape)) for shape in shapes]
    return Program(seed, inputs, tangents, steps, outputs)


def _steps(
    values: list[np.ndarray], length: int, featured: str, rng: np.random.Generator
) -> list[Step]:
    """Steps on the values, which grow; the featured operation is used as soon as it fits."""
    names = list(OPERATIONS)
    steps: list[Step] = []
    missing = True
    while len(steps) < length:
        name = featured if missing and rng.integers(2) else names[rng.integers(len(names))]
        step = _propose(name, values, rng)
        if step is not None:
            steps.append(step)
            missing = missing and step.operation != featured
    return steps


def _propose(name: str, values: list[np.ndarray], rng: np.random.Generator) -> Step | None:
    """A step on some of the values, preferably recent ones; appends its value. Or None."""
    operation = OPERATIONS[name]
    recent = np.arange(1, len(values) + 1) ** 2.0
    for _ in range(4):
        chosen = rng.choice(len(values), operation.arity, p=recent / recent.sum())
        operands = tuple(int(position) for position in chosen)
        arrays = [values[position] for position in operands]
        parameters = operation.propose(rng, *arrays)
        if parameters is None:
            continue
        value = np.asarray(operation.apply(_NUMPY, *arrays, **parameters))
        if value.size and np.isfinite(value).all() and np.abs(value).max() < LARGEST:
            values.append(value)
            return Step(name, operands, parameters)
    return None


_NUMPY = NumpyLike(np)


def operations_of(programs: Sequence[Program]) -> dict[str, int]:
    """How many of the programs use each operation."""
    used = [{step.operation for step in program.steps} for program in programs]
    return {name: sum(name in names for names in used) for name in OPERATIONS}
