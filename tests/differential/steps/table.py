"""The table of operations, and the conditions under which a step may be used.

An operation proposes parameters for given operand values, or declines: outside its domain, near a
kink or a tie, at an ill-conditioned matrix. So every program is smooth where it is evaluated, and
the libraries must agree to rounding. It is applied in terms of a NumPy-like namespace ``xp``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Parameters = dict[str, Any]
Propose = Callable[..., Parameters | None]

# How far from a kink or a tie a value must be.
GAP = 1e-2
LARGEST = 30.0


@dataclass(frozen=True)
class Operation:
    """A step: its name and family, how many operands, what it does, and where it may be used."""

    name: str
    family: str
    arity: int
    apply: Callable[..., Any]
    propose: Propose


OPERATIONS: dict[str, Operation] = {}


def when(condition: Callable[..., Any]) -> Propose:
    """No parameters; declines where the condition on the operands does not hold."""
    return lambda rng, *operands: {} if bool(np.all(condition(*operands))) else None


def broadcastable(*operands: np.ndarray) -> bool:
    """Whether the operands have a common shape that is small."""
    try:
        shape = np.broadcast_shapes(*(x.shape for x in operands))
    except ValueError:
        return False
    return int(np.prod(shape)) <= 48


anything = when(broadcastable)


class Family:
    """Operations of one kind, which the report counts together."""

    def __init__(self, name: str) -> None:
        self.name = name

    def add(
        self,
        name: str,
        arity: int,
        apply: Callable[..., Any],
        propose: Propose = anything,
    ) -> None:
        """Add an operation to the table."""
        assert name not in OPERATIONS, name
        OPERATIONS[name] = Operation(name, self.name, arity, apply, propose)

    def step(self, name: str, arity: int, propose: Propose = anything) -> Callable[[Any], Any]:
        """Add the decorated function ``(xp, *operands, **parameters)``."""

        def register(apply: Callable[..., Any]) -> Callable[..., Any]:
            self.add(name, arity, apply, propose)
            return apply

        return register


# ------------------------------------------------------------------ conditions on operands


def distinct(x: np.ndarray, axis: Any = None) -> bool:
    """Whether no two values along the axis are close to each other."""
    moved = x.reshape(1, -1) if axis is None else np.moveaxis(x, axis, -1)
    return bool(np.all(np.diff(np.sort(moved, axis=-1), axis=-1) > GAP))


def axes(rng: np.random.Generator, x: np.ndarray) -> Parameters | None:
    """An axis, or several, or None; kept or not."""
    if x.ndim == 0:
        return None
    choices: list[Any] = [None, *range(-x.ndim, x.ndim)]
    if x.ndim > 1:
        choices += [(0, 1), (-1, 0)]
    return {"axis": choices[rng.integers(len(choices))], "keepdims": bool(rng.integers(2))}


def one_axis(rng: np.random.Generator, x: np.ndarray) -> Parameters | None:
    """The number of an axis, counted from either end."""
    return {"axis": int(rng.integers(-x.ndim, x.ndim))} if x.ndim else None


def only_if(propose: Propose, condition: Callable[..., Any]) -> Propose:
    """Declines unless ``condition(operands..., parameters...)`` holds."""

    def proposal(rng: np.random.Generator, *operands: np.ndarray) -> Parameters | None:
        found = propose(rng, *operands)
        good = found is not None and bool(np.all(condition(*operands, **found)))
        return found if good else None

    return proposal


one_axis_distinct = only_if(one_axis, distinct)
vector = when(lambda x: x.ndim == 1 and x.size > 1)
matrix = when(lambda x: x.ndim == 2)
array = when(lambda x: x.ndim > 0)


def is_square(x: np.ndarray) -> bool:
    """Whether it is a square matrix, or a stack of them."""
    return x.ndim >= 2 and x.shape[-1] == x.shape[-2] > 1


square = when(is_square)


# ------------------------------------------------------------------ smooth maps into domains


def positive(xp: Any, x: Any) -> Any:
    """Between 0.5 and 2.5."""
    return 1.5 + xp.sin(x)


def fraction(xp: Any, x: Any) -> Any:
    """Between 0.1 and 0.9."""
    return 0.5 + 0.4 * xp.sin(x)
