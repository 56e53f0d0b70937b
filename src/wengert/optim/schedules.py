"""Learning rates that change with the number of updates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import wengert as wg
from wengert.optim.base import check_number

__all__ = ["StepDecay"]


@dataclass(frozen=True)
class StepDecay:
    """``lr * factor ** (step // every)``, a learning rate that falls in steps.

    It does not depend on how many updates there will be, so a run can be continued beyond its
    planned end.

    Parameters
    ----------
    lr : float
        The rate of the first updates.
    factor : float
        Above 0, at most 1.
    every : int
        Updates between changes, at least 1.

    Raises
    ------
    wengert.ConfigError
        If a number is out of range.

    Examples
    --------
    >>> schedule = StepDecay(0.1, factor=0.5, every=100)
    >>> schedule(0), schedule(99), schedule(100), schedule(200)
    (0.1, 0.1, 0.05, 0.025)
    """

    lr: float
    factor: float
    every: int

    def __post_init__(self) -> None:
        check_number("StepDecay", "lr", self.lr)
        check_number("StepDecay", "every", self.every, low=1)
        if not 0 < self.factor <= 1:
            raise wg.ConfigError(
                f"StepDecay: factor must be above 0 and at most 1, got {self.factor!r}"
            )

    def __call__(self, step: Any) -> Any:
        """The rate after ``step`` updates."""
        return self.lr * self.factor ** (step // self.every)
