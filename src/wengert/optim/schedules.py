"""Learning rates that change with the number of updates.

A schedule is a function of the number of updates made so far, which may be traced. These are
dataclasses, so that a resumed run can be compared with the one that it continues.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

import wengert as wg
from wengert.optim.base import LearningRate, check_number, check_rate, rate_at

__all__ = [
    "Constant",
    "CosineDecay",
    "ExponentialDecay",
    "PiecewiseConstant",
    "StepDecay",
    "Warmup",
]


@dataclass(frozen=True)
class Constant:
    """Always ``lr``.

    Parameters
    ----------
    lr : float

    Raises
    ------
    wengert.ConfigError
        If it is out of range.
    """

    lr: float

    def __post_init__(self) -> None:
        check_number("Constant", "lr", self.lr)

    def __call__(self, step: Any) -> Any:
        """The rate after ``step`` updates."""
        return self.lr


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
        _check_factor("StepDecay", self.factor)

    def __call__(self, step: Any) -> Any:
        """The rate after ``step`` updates."""
        return self.lr * self.factor ** (step // self.every)


@dataclass(frozen=True)
class ExponentialDecay:
    """``lr * factor ** (step / every)``, the smooth counterpart of `StepDecay`.

    Parameters
    ----------
    lr : float
        The rate of the first update.
    factor : float
        Above 0, at most 1.
    every : int
        Updates in which the rate falls by ``factor``.

    Raises
    ------
    wengert.ConfigError
        If a number is out of range.
    """

    lr: float
    factor: float
    every: int = 1

    def __post_init__(self) -> None:
        check_number("ExponentialDecay", "lr", self.lr)
        check_number("ExponentialDecay", "every", self.every, low=1)
        _check_factor("ExponentialDecay", self.factor)

    def __call__(self, step: Any) -> Any:
        """The rate after ``step`` updates."""
        return self.lr * self.factor ** (step / self.every)


@dataclass(frozen=True)
class CosineDecay:
    """Half a cosine from ``lr`` down to ``final`` in ``steps`` updates, and ``final`` after these.

    I. Loshchilov and F. Hutter, SGDR: stochastic gradient descent with warm restarts, ICLR 2017,
    equation 5, without restarts.

    Parameters
    ----------
    lr, final : float
    steps : int
        At least 1.

    Raises
    ------
    wengert.ConfigError
        If a number is out of range.

    Examples
    --------
    >>> schedule = CosineDecay(0.1, steps=100)
    >>> [round(schedule(step), 6) for step in (0, 50, 100, 150)]
    [0.1, 0.05, 0.0, 0.0]
    """

    lr: float
    steps: int
    final: float = 0.0

    def __post_init__(self) -> None:
        check_number("CosineDecay", "lr", self.lr)
        check_number("CosineDecay", "final", self.final)
        check_number("CosineDecay", "steps", self.steps, low=1)

    def __call__(self, step: Any) -> Any:
        """The rate after ``step`` updates."""
        if isinstance(step, (int, np.integer)):
            wave = math.cos(math.pi * min(int(step), self.steps) / self.steps)
        else:
            wave = np.cos(math.pi * np.minimum(step, self.steps) / self.steps)
        return self.final + (self.lr - self.final) * (1 + wave) / 2


@dataclass(frozen=True)
class PiecewiseConstant:
    """``rates[i]`` until ``boundaries[i]`` updates were made, then the next one.

    Parameters
    ----------
    rates : tuple of float
    boundaries : tuple of int
        Increasing; one fewer than rates.

    Raises
    ------
    wengert.ConfigError
        If a number is out of range, or there are too many or too few.

    Examples
    --------
    >>> schedule = PiecewiseConstant((0.1, 0.01), (1000,))
    >>> schedule(999), schedule(1000)
    (0.1, 0.01)
    """

    rates: tuple[float, ...]
    boundaries: tuple[int, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "rates", tuple(self.rates))
        object.__setattr__(self, "boundaries", tuple(self.boundaries))
        for rate in self.rates:
            check_number("PiecewiseConstant", "each rate", rate)
        for boundary in self.boundaries:
            check_number("PiecewiseConstant", "each boundary", boundary, low=1)
        if len(self.rates) != len(self.boundaries) + 1:
            raise wg.ConfigError(
                f"PiecewiseConstant: {len(self.boundaries)} boundaries need "
                f"{len(self.boundaries) + 1} rates, got {len(self.rates)}"
            )
        if any(a >= b for a, b in pairwise(self.boundaries)):
            raise wg.ConfigError(
                f"PiecewiseConstant: boundaries must increase, got {self.boundaries}"
            )

    def __call__(self, step: Any) -> Any:
        """The rate after ``step`` updates."""
        if isinstance(step, (int, np.integer)):
            return self.rates[bisect_right(self.boundaries, step)]
        rate: Any = self.rates[0]
        for boundary, following in zip(self.boundaries, self.rates[1:], strict=True):
            rate = np.where(step >= boundary, following, rate)
        return rate


@dataclass(frozen=True)
class Warmup:
    """Another schedule, after ``steps`` updates in which the rate grows to its first one.

    Update number t, counted from 1, has ``t / steps`` of that rate; the schedule itself then begins
    at its beginning.

    Parameters
    ----------
    lr : float or callable
        What follows.
    steps : int
        At least 1.

    Raises
    ------
    wengert.ConfigError
        If a number is out of range.

    Examples
    --------
    >>> schedule = Warmup(StepDecay(0.4, 0.5, 2), steps=4)
    >>> [schedule(step) for step in range(8)]
    [0.1, 0.2, 0.30000000000000004, 0.4, 0.4, 0.4, 0.2, 0.2]
    """

    lr: LearningRate
    steps: int

    def __post_init__(self) -> None:
        check_rate("Warmup", self.lr)
        check_number("Warmup", "steps", self.steps, low=1)

    def __call__(self, step: Any) -> Any:
        """The rate after ``step`` updates."""
        if isinstance(step, (int, np.integer)):
            if step < self.steps:
                return rate_at(self.lr, 0) * ((int(step) + 1) / self.steps)
            return rate_at(self.lr, step - self.steps)
        rising = rate_at(self.lr, 0) * ((step + 1) / self.steps)
        following = rate_at(self.lr, np.maximum(step - self.steps, 0))
        return np.where(step < self.steps, rising, following)


def _check_factor(schedule: str, factor: float) -> None:
    if not 0 < factor <= 1:
        raise wg.ConfigError(f"{schedule}: factor must be above 0 and at most 1, got {factor!r}")
