"""What the optimizers share: the protocol, the learning rate, the checks of their arguments."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Protocol, TypeAlias

import numpy as np

import wengert as wg
from wengert import nn, tree

__all__ = [
    "LearningRate",
    "Optimizer",
    "Trained",
    "add_to",
    "check_number",
    "check_parameters",
    "check_rate",
    "check_state",
    "decayed",
    "descend",
    "moved_average",
    "rate_at",
    "scratch_for",
    "zeros_like_parameters",
]

ndarray = np.ndarray

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
    try:
        fits = low <= value < below
    except (TypeError, ValueError):  # a text, None, an array of several
        raise wg.ConfigError(f"{optimizer}: {name} must be a number, got {value!r}") from None
    if not fits:
        upper = " and finite" if below == math.inf else f" and below {below:g}"
        raise wg.ConfigError(f"{optimizer}: {name} must be at least {low:g}{upper}, got {value!r}")


def check_rate(optimizer: str, lr: LearningRate) -> None:
    """Raise `ConfigError` unless the learning rate is a schedule or a finite number >= 0."""
    if not callable(lr):
        check_number(optimizer, "lr", lr)


def check_state(optimizer: str, state: Any, kind: type) -> None:
    """Raise `WengertTypeError` unless the state is of this optimizer."""
    if not isinstance(state, kind):
        raise wg.WengertTypeError(
            f"{optimizer}.update: the state is a {type(state).__name__}, expected the "
            f"{kind.__name__} that {optimizer}.init(params) or the update before returned"
        )


def rate_at(lr: LearningRate, step: Any) -> Any:
    """The learning rate after ``step`` updates."""
    return lr(step) if callable(lr) else lr


def check_parameters(optimizer: str, params: Any, complex_too: bool = False) -> None:
    """Raise `WengertTypeError`, naming the leaf, unless all that is trained are floating arrays."""
    paths, leaves, structure = tree.flatten_with_paths(params)
    for path, leaf, is_trained in zip(paths, leaves, nn.trained(structure), strict=True):
        dtype = getattr(leaf, "dtype", None)
        if not is_trained or (dtype is not None and dtype.kind == "f"):
            continue
        if dtype is not None and dtype.kind == "c":
            if not complex_too:
                raise wg.WengertTypeError(
                    f"{optimizer}: params{path} is {dtype}; make its real and its imaginary part "
                    "parameters, or use SGD"
                )
            continue
        raise wg.WengertTypeError(
            f"{optimizer}: params{path} is {dtype or type(leaf).__name__}, but parameters must "
            "be floating-point arrays; cast with .astype(float)"
        )


def zeros_like_parameters(params: Any) -> Any:
    """A container like the parameters, filled with zeros; with None in the place of buffers."""
    leaves, structure = tree.flatten(params)
    marks = nn.trained(structure)
    return tree.unflatten(
        structure,
        [np.zeros_like(x) if mark else None for x, mark in zip(leaves, marks, strict=True)],
    )


class Trained:
    """The leaves of a container that are trained, and the way back to the whole.

    Buffers (see `wengert.nn.Buffer`) are not among them: they are left as they are, and optimizer
    states have None in their place.

    Parameters
    ----------
    optimizer : str
        For messages.
    params : container

    Attributes
    ----------
    leaves : list of arrays
    """

    __slots__ = ("_all", "_marks", "_optimizer", "_params", "_structure", "leaves")

    def __init__(self, optimizer: str, params: Any) -> None:
        self._optimizer, self._params = optimizer, params
        self._all, self._structure = tree.flatten(params)
        self._marks = _marks_unless_all(self._structure)
        self.leaves = self._all if self._marks is None else self._select(self._all)

    def _select(self, leaves: list[Any]) -> list[Any]:
        if self._marks is None:
            return leaves
        return [leaf for leaf, mark in zip(leaves, self._marks, strict=True) if mark]

    def gradients(self, grads: Any) -> list[Any]:
        """The gradients of the leaves; of the parameters alone, or of all with the buffers.

        Raises
        ------
        wengert.ShapeError
            If their structure or shapes differ from those of the parameters.
        """
        found, structure = tree.flatten(grads)
        if structure == self._structure:
            found = self._select(found)
        elif self._marks is None or structure != tree.structure(nn.partition(self._params)[0]):
            raise self._other_structure("grads", grads)
        self._check_shapes("grads", found)
        return found

    def state(self, what: str, container: Any) -> list[Any]:
        """The arrays of a part of the optimizer's state, one for each leaf.

        Raises
        ------
        wengert.ShapeError
            If their structure or shapes differ from those of the parameters.
        """
        found, structure = tree.flatten(container)
        expected = self._structure
        if self._marks is not None:
            expected = tree.structure(nn.partition(self._params)[0])
        if structure != expected:
            raise self._other_structure(what, container)
        self._check_shapes(what, found)
        return found

    def _check_shapes(self, what: str, found: list[Any]) -> None:
        shapes = [np.shape(leaf) for leaf in found]
        expected = [leaf.shape for leaf in self.leaves]
        if shapes != expected:
            paths = self._select(tree.flatten_with_paths(self._params)[0])
            path, shape, other = next(
                entry for entry in zip(paths, shapes, expected, strict=True) if entry[1] != entry[2]
            )
            raise wg.ShapeError(
                f"{self._optimizer}: {what}{path} has shape {shape}, but params{path} has shape "
                f"{other}"
            )

    def _other_structure(self, what: str, container: Any) -> wg.ShapeError:
        difference = _first_difference(what, container, self._params)
        return wg.ShapeError(
            f"{self._optimizer}: {what} does not have the structure of params: {difference}"
        )

    def rebuild(self, leaves: list[Any]) -> Any:
        """The container with these leaves, and with the buffers as they were."""
        if self._marks is not None:
            rest = iter(leaves)
            leaves = [
                next(rest) if mark else leaf
                for leaf, mark in zip(self._all, self._marks, strict=True)
            ]
        return tree.unflatten(self._structure, leaves)

    def rebuild_state(self, leaves: list[Any]) -> Any:
        """A part of the state with these leaves, and None in the place of buffers."""
        if self._marks is not None:
            rest = iter(leaves)
            leaves = [next(rest) if mark else None for mark in self._marks]
        return tree.unflatten(self._structure, leaves)


@lru_cache(maxsize=256)
def _marks_unless_all(structure: tree.PyTreeSpec) -> tuple[bool, ...] | None:
    """Which leaves are trained; None if all are, which is the usual case."""
    marks = nn.trained(structure)
    return None if all(marks) else marks


def decayed(gradients: list[Any], parameters: list[Any], weight_decay: float) -> list[Any]:
    """``g + weight_decay * p`` of each, the gradient of the loss plus half the weighted square."""
    if not weight_decay:
        return gradients
    return [add_to(p * weight_decay, g) for g, p in zip(gradients, parameters, strict=True)]


def add_to(own: Any, x: Any) -> Any:
    """``own + x``, where possible in the place of ``own``, an array of the caller's own."""
    if type(x) is not ndarray and _is_traced(x):
        return own + x
    own += x
    return own


def moved_average(old: Any, new: Any, keep: float, scratch: Any) -> Any:
    """``keep * old + (1 - keep) * new``; ``new * (1 - keep)`` is left in ``scratch``, if given."""
    return add_to(old * keep, np.multiply(new, 1 - keep, out=scratch))


def scratch_for(parameter: Any, *operands: Any) -> Any:
    """An array for intermediate results, or None where ``out=`` has no use: scalars, traced values.

    The updates are short of memory bandwidth; each intermediate result that takes no memory of its
    own makes them faster, by a third for Adam on 65,536 elements and more.
    """
    if type(parameter) is np.ndarray and parameter.ndim and not any(map(_is_traced, operands)):
        return np.empty_like(parameter)
    return None


def _is_traced(x: Any) -> bool:
    return isinstance(x, wg.Tensor)


def descend(parameter: Any, direction: Any, lr: Any, own: bool = False) -> Any:
    """``parameter - lr * direction``; in the place of ``direction`` if that is the caller's own."""
    if type(lr) is not float:
        # A schedule may return a float64 scalar, which would promote float32 parameters.
        lr = lr if _is_traced(lr) else np.asarray(lr)[()]
        lr = lr.astype(parameter.real.dtype)
    if own and type(direction) is ndarray and direction.ndim and not _is_traced(lr):
        direction *= -lr
        updated = direction
    else:
        updated = direction * -lr
    if type(parameter) is ndarray:
        updated += parameter
    else:
        updated = add_to(updated, parameter)
    return updated.astype(parameter.dtype, copy=False)


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
