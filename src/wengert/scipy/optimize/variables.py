"""The variables of a solver: a container of arrays outside, a vector inside."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from ...core import pytree
from ...core.errors import ShapeError, WengertTypeError
from ...core.tensor import Tensor
from ...numpy.arguments import cast, is_known, operand
from ...transforms.closure import plain_value, without_trace

__all__ = ["Variables", "active", "flat_output", "only_if_known", "plain_vector"]


def _is_array_like(tree: Any) -> bool:
    """Whether this is one array: nested lists of numbers are, as for SciPy."""
    if isinstance(tree, (list, tuple)):
        return all(_is_array_like(x) for x in tree) and not any(
            isinstance(x, (np.ndarray, Tensor)) and x.ndim for x in tree
        )
    return isinstance(tree, (Tensor, np.ndarray, np.generic, int, float, complex))


class Variables:
    """How a vector becomes the container that the user's function takes, and back.

    Parameters
    ----------
    name : str
        Of the solver, for messages.
    x0 : container of arrays, or array_like
        Where the solver starts. What is traced in it is a constant: solutions do not depend on it.

    Raises
    ------
    WengertTypeError
        If a leaf is complex, or no number.
    """

    def __init__(self, name: str, x0: Any) -> None:
        self.name = name
        self.single = _is_array_like(x0)
        tree = np.atleast_1d(operand(x0)) if self.single else x0
        leaves, self._spec = pytree.flatten(tree)
        found = []
        for x in leaves:
            x = operand(x)
            if x.dtype.kind not in "biuf":
                raise WengertTypeError(
                    f"{name}: x0 has a leaf of dtype {x.dtype}; variables are real numbers"
                )
            found.append(cast(x, np.float64))
        self._shapes = [x.shape for x in found]
        self.size = sum(prod(s) for s in self._shapes)
        self.known = all(map(is_known, found))
        self.start = self.vector(pytree.unflatten(self._spec, list(map(without_trace, found))))

    def vector(self, tree: Any) -> Any:
        """The container as one vector."""
        leaves = [operand(x) for x in pytree.leaves(tree)]
        if len(leaves) == 1:
            return np.reshape(leaves[0], (-1,))
        if not leaves:
            return np.zeros(0)
        return np.concatenate([np.reshape(x, (-1,)) for x in leaves])

    def tree(self, x: Any) -> Any:
        """The vector as the container."""
        stops = np.cumsum([0, *[prod(s) for s in self._shapes]]).tolist()
        parts = [
            np.reshape(x[i:j], s) if s else x[i]
            for i, j, s in zip(stops[:-1], stops[1:], self._shapes)
        ]
        return pytree.unflatten(self._spec, parts)

    def limits(self, side: Any, default: float) -> Any:
        """A container of limits, or one number, as a vector."""
        if side is None:
            return np.full(self.size, default)
        leaves = [np.asarray(operand(without_trace(x)), float) for x in pytree.leaves(side)]
        if len(leaves) == len(self._shapes):
            parts = [
                np.broadcast_to(x, s).reshape(-1) for x, s in zip(leaves, self._shapes, strict=True)
            ]
            return np.concatenate(parts) if parts else np.zeros(0)
        flat = np.asarray(side, float) if self.single or np.ndim(side) == 0 else None
        if flat is None:
            raise ShapeError(
                f"{self.name}: limits of structure {pytree.structure(side)} for variables of "
                f"structure {self._spec}"
            )
        return np.broadcast_to(flat, (self.size,)).copy()


def flat_output(y: Any) -> Any:
    """What a function returned, a container of arrays, as one vector."""
    if _is_array_like(y):
        return np.reshape(operand(y), (-1,))
    leaves = [operand(x) for x in pytree.leaves(y)]
    return np.concatenate([np.reshape(x, (-1,)) for x in leaves])


def plain_vector(f: Callable[..., Any], name: str) -> Callable[..., Any]:
    """``f`` on plain vectors, with a plain vector for a result."""
    return lambda *xs: plain_value(flat_output(f(*xs)), name)


def only_if_known(args: Any, given: Any) -> Any:
    """A derivative of the user's, which takes ``args``; None inside `vmap`, where those differ."""
    return given if all(map(is_known, pytree.leaves(args))) else None


def active(x: Any, low: Any, high: Any) -> Any:
    """Where a solution is held by a bound."""
    at_low = x - low <= 1e-7 * np.maximum(1.0, np.abs(np.where(np.isfinite(low), low, 0.0)))
    at_high = high - x <= 1e-7 * np.maximum(1.0, np.abs(np.where(np.isfinite(high), high, 0.0)))
    return at_low | at_high
