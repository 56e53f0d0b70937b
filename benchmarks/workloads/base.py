"""What a workload is, and the test that its contestants do the same work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

# Makes fresh parameters and returns the step. A step returns its loss (or its result), which is
# converted to NumPy only where losses are compared, never while the clock runs.
Make = Callable[[], Callable[[], Any]]


@dataclass(frozen=True)
class Contestant:
    """One library's version of a workload. A peer may have several; its fastest counts."""

    peer: str
    variant: str
    make: Make

    @property
    def name(self) -> str:
        """The name in tables."""
        return f"{self.peer}: {self.variant}"


@dataclass(frozen=True)
class Bar:
    """A ratio that must be reached: ``peer``'s time divided by ours, or ours by the peer's."""

    peer: str
    bound: float
    at_most: bool = False

    def text(self) -> str:
        """The bar in words."""
        if self.at_most:
            return f"at most {self.bound:g} x the time of {self.peer}"
        return f"at least {self.bound:g} x as fast as {self.peer}"


@dataclass(frozen=True)
class Workload:
    """The same computation in several libraries.

    Attributes
    ----------
    key, title, description : str
        For the results file, the tables and the reader.
    contestants : sequence of Contestant
        The first is the hand-written NumPy version, which sets the losses of the others.
    steps : int
        How many losses are compared, from the same initial values.
    rtol : float
        How far they may differ.
    bars : sequence of Bar
        What must be reached.
    """

    key: str
    title: str
    description: str
    contestants: Sequence[Contestant]
    steps: int
    rtol: float
    bars: Sequence[Bar] = ()

    def available(self, peers: Sequence[str]) -> list[Contestant]:
        """The contestants whose library is installed."""
        return [contestant for contestant in self.contestants if contestant.peer in peers]

    def check_losses(self, contestants: Sequence[Contestant]) -> None:
        """Assert that all contestants produce the same losses from the same initial values.

        Raises
        ------
        AssertionError
            Names the workload, the contestant and the losses.
        """
        expected = _losses(contestants[0], self.steps)
        for contestant in contestants[1:]:
            np.testing.assert_allclose(
                _losses(contestant, self.steps),
                expected,
                rtol=self.rtol,
                err_msg=f"{self.title}: {contestant.name} does not do the same work",
            )


def _losses(contestant: Contestant, steps: int) -> np.ndarray:
    step = contestant.make()
    return np.array([_as_array(step()) for _ in range(steps)])


def _as_array(value: Any) -> np.ndarray:
    value = getattr(value, "array", value)
    if hasattr(value, "detach"):
        value = value.detach().numpy()
    return np.array(value, dtype=float)
