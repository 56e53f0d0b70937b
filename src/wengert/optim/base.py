"""What the optimizers share: the protocol, the learning rate, the checks of their arguments."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

import wengert as wg
from wengert import tree

__all__ = [
    "LearningRate",
    "Optimizer",
    "check_number",
    "check_parameters",
    "check_rate",
    "leaves_like",
    "rate_at",
]

LearningRate: TypeAlias = float | Callable[[Any], Any]
"""A number, or a schedule: a function of the number of updates made so far."""


class Optimizer(Protocol):
    """What a training loop needs of an optimizer."""

    def init(self, params: Any) -> Any:
        """The state before the first update."""
        ...

    def update(self, params: Any, grads: Any, state: Any) -> tuple[Any, Any]:
        """The parameters and the state after one update."""
        ...


def check_number(
    optimizer: str, name: str, value: float, *, low: float = 0.0, below: float = math.inf
) -> None:
    """Raise `ConfigError` unless ``low <= value < below``; NaN is refused too."""
    if not low <= value < below:
        upper = " and finite" if below == math.inf else f" and below {below:g}"
        raise wg.ConfigError(f"{optimizer}: {name} must be at least {low:g}{upper}, got {value!r}")


def check_rate(optimizer: str, lr: LearningRate) -> None:
    """Raise `ConfigError` unless the learning rate is a schedule or a finite number >= 0."""
    if not callable(lr):
        check_number(optimizer, "lr", lr)


def rate_at(lr: LearningRate, step: Any) -> Any:
    """The learning rate after ``step`` updates."""
    return lr(step) if callable(lr) else lr


def check_parameters(optimizer: str, params: Any) -> None:
    """Raise `WengertTypeError`, naming the leaf, unless all are floating-point arrays."""
    for path, leaf in zip(*tree.flatten_with_paths(params)[:2], strict=True):
        dtype = getattr(leaf, "dtype", None)
        if dtype is None or dtype.kind not in "fc":
            raise wg.WengertTypeError(
                f"{optimizer}: params{path} is {dtype or type(leaf).__name__}, but parameters must "
                "be floating-point arrays; cast with .astype(float)"
            )


def leaves_like(
    optimizer: str, what: str, container: Any, params: Any, leaves: list[Any], structure: Any
) -> list[Any]:
    """The leaves of ``container``, which must have the structure and the shapes of ``params``.

    Parameters
    ----------
    optimizer, what : str
        For the message: which optimizer, and what ``container`` is.
    container, params : container
    leaves, structure : list, PyTreeSpec
        Those of ``params``.

    Raises
    ------
    wengert.ShapeError
        If they differ; the message names the first place where they do.
    """
    found, found_structure = tree.flatten(container)
    if found_structure != structure:
        raise wg.ShapeError(
            f"{optimizer}: {what} does not have the structure of params: "
            f"{_first_difference(what, container, params)}"
        )
    for index, (leaf, parameter) in enumerate(zip(found, leaves, strict=True)):
        if leaf.shape != parameter.shape:
            path = tree.flatten_with_paths(params)[0][index]
            raise wg.ShapeError(
                f"{optimizer}: {what}{path} has shape {leaf.shape}, but params{path} has shape "
                f"{parameter.shape}"
            )
    return found


def _first_difference(what: str, container: Any, params: Any) -> str:
    found = tree.flatten_with_paths(container)[0]
    expected = tree.flatten_with_paths(params)[0]
    missing = [path for path in expected if path not in found]
    extra = [path for path in found if path not in expected]
    if missing:
        return f"params{missing[0]} has no counterpart"
    if extra:
        return f"{what}{extra[0]} has no counterpart"
    return f"{what} is a {type(container).__name__}, params a {type(params).__name__}"
