"""Linear forms in the indices of loops: where a nest reads and writes.

An index is ``constant + sum(step * variable)``, with integer steps. A variable is any hashable
object: a position in the domain of a nest while that is planned, later the counter of a loop.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Linear", "address", "seen_through", "strides_of"]


@dataclass(frozen=True, slots=True)
class Linear:
    """``offset + sum(step * variable for variable, step in terms)``; no step is zero."""

    offset: int = 0
    terms: tuple[tuple[Hashable, int], ...] = ()

    @staticmethod
    def variable(name: Hashable) -> Linear:
        """The variable itself."""
        return Linear(0, ((name, 1),))

    def scaled(self, step: int, offset: int) -> Linear:
        """``offset + step * self``."""
        if step == 0:
            return Linear(offset)
        return Linear(
            offset + step * self.offset, tuple([(name, step * s) for name, s in self.terms])
        )

    def plus(self, other: Linear) -> Linear:
        """The sum."""
        steps = dict(self.terms)
        for name, s in other.terms:
            steps[name] = steps.get(name, 0) + s
        terms = [(name, s) for name, s in steps.items() if s]
        return Linear(self.offset + other.offset, tuple(terms))

    def step(self, name: Hashable) -> int:
        """How far the index moves with this variable."""
        for other, s in self.terms:
            if other == name:
                return s
        return 0

    def replaced(self, values: Mapping[Hashable, Linear]) -> Linear:
        """With linear forms in the places of variables."""
        total = Linear(self.offset)
        for name, s in self.terms:
            total = total.plus(values[name].scaled(s, 0))
        return total


def seen_through(axes: Sequence[tuple[int, ...]], index: Sequence[Linear]) -> list[Linear]:
    """The index into the operand of a view, for an index into the view."""
    return [_entry_at(entry, index) for entry in axes]


def _entry_at(entry: tuple[int, ...], index: Sequence[Linear]) -> Linear:
    d, o, s = entry[:3]
    total = Linear(o) if d < 0 else index[d].scaled(s, o)
    for k in range(3, len(entry), 2):
        total = total.plus(index[entry[k]].scaled(entry[k + 1], 0))
    return total


def strides_of(shape: Sequence[int]) -> list[int]:
    """The strides of a C-contiguous array, in elements."""
    strides = [1] * len(shape)
    for d in range(len(shape) - 1, 0, -1):
        strides[d - 1] = strides[d] * shape[d]
    return strides


def address(shape: Sequence[int], index: Sequence[Linear]) -> Linear:
    """The position in a C-contiguous buffer, in elements."""
    total = Linear()
    for i, stride in zip(index, strides_of(shape), strict=True):
        total = total.plus(i.scaled(stride, 0))
    return total
