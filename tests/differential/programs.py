"""Random programs: generated from a seed, printed, and run in any NumPy-like namespace."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.differential.libraries import plain_numpy
from tests.differential.steps import LARGEST, OPERATIONS

# What programs of the wide kind start from.
SHAPES: tuple[tuple[int, ...], ...] = ((), (3,), (4,), (2, 3), (3, 3), (3, 2), (2, 3, 4), (4, 1))
# What narrow programs start from and what they are filled with: few shapes and operations, for JAX
# compiles each combination of them once.
FEW_SHAPES: tuple[tuple[int, ...], ...] = ((3,), (3,), (2, 3), (3, 3), (3, 3), (2, 3, 3))
FILLERS = (
    *("sin", "tanh", "square", "add", "subtract", "multiply", "maximum", "where", "operators"),
    *("sum", "mean", "max", "var", "cumsum", "sort", "transpose", "flip", "roll", "triangle"),
    *("basic_index", "advanced_index", "write", "write_masked", "set_row", "matmul", "einsum"),
    *("accumulate_into_view", "recurrence"),
)

# Wide programs are filled with everything but what PyTorch has not (or not its derivative); every
# other program only with families that autograd has for the most part.
RARE = frozenset(
    "betainc_of_x boxcox dawsn exp1 expi expn gammainc gammaincc gennorm_logpdf hyp1f1_of_x "
    "hyp2f1_of_x interp logistic_logpdf owens_t pad spence toeplitz truncnorm_logpdf unwrap "
    "vander vonmises_logpdf wrapcauchy_logpdf".split()
)
CLASSIC = ("elementwise", "reductions", "contractions", "complex", "shapes")


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
    kind: str
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
        lines = [f"{self.kind} program {self.seed}"]
        lines += [f"  v{i} = input of shape {x.shape}" for i, x in enumerate(self.inputs)]
        for number, step in enumerate(self.steps, start=len(self.inputs)):
            words = [f"v{position}" for position in step.operands]
            words += [f"{name}={value!r}" for name, value in step.parameters.items()]
            lines.append(f"  v{number} = {step.operation}({', '.join(words)})")
        return "\n".join(lines)


def generate(seed: int, kind: str = "wide") -> Program:
    """Make the program with this seed.

    Operations take turns: the program with seed ``i`` uses operation ``i`` modulo their number.

    Parameters
    ----------
    seed : int
        Same seed, same program.
    kind : {"wide", "narrow"}
        A wide program has six steps on many shapes. A narrow one has three on few, and besides the
        operation that it features only such as every peer has.
    """
    assert kind in ("wide", "narrow"), kind
    wide = kind == "wide"
    rng = np.random.default_rng([seed, wide])
    featured = list(OPERATIONS)[seed % len(OPERATIONS)]
    shapes = SHAPES if wide else FEW_SHAPES
    fillers = _wide_fillers(seed // len(OPERATIONS) % 2 == 1) if wide else FILLERS
    steps: list[Step] = []
    for _ in range(1000):
        chosen = [shapes[rng.integers(len(shapes))] for _ in range(int(rng.integers(2, 4)))]
        inputs = [np.asarray(rng.normal(0.0, 1.0, shape)) for shape in chosen]
        values: list[np.ndarray] = list(inputs)
        steps = _steps(
            values, 6 if wide else 3, featured, rng, fillers, None if wide else FEW_SHAPES
        )
        if any(step.operation == featured for step in steps):
            break
    else:
        raise AssertionError(f"no operands for {featured}")
    used = {position for step in steps for position in step.operands}
    outputs = {
        position: np.asarray(rng.normal(0.0, 1.0, value.shape))
        for position, value in enumerate(values)
        if position not in used
    }
    tangents = [np.asarray(rng.normal(0.0, 1.0, shape)) for shape in chosen]
    return Program(seed, kind, inputs, tangents, steps, outputs)


def _wide_fillers(classic: bool) -> list[str]:
    return [
        name
        for name, operation in OPERATIONS.items()
        if name not in RARE and (not classic or operation.family in CLASSIC)
    ]


def _steps(
    values: list[np.ndarray],
    length: int,
    featured: str,
    rng: np.random.Generator,
    fillers: Sequence[str],
    shapes: Sequence[tuple[int, ...]] | None,
) -> list[Step]:
    """Steps on the values, which grow; the featured operation is used as soon as it fits.

    Other operations are fillers, whose results have one of the given shapes or none.
    """
    steps: list[Step] = []
    missing = True
    while len(steps) < length:
        name = featured if missing and rng.integers(2) else fillers[rng.integers(len(fillers))]
        step = _propose(name, values, rng)
        if step is None:
            continue
        if shapes and name != featured and values[-1].shape not in ((), *shapes):
            values.pop()
            continue
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


_NUMPY = plain_numpy()


def operations_of(programs: Sequence[Program]) -> dict[str, int]:
    """How many of the programs use each operation."""
    used = [{step.operation for step in program.steps} for program in programs]
    return {name: sum(name in names for names in used) for name in OPERATIONS}
