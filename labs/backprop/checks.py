"""Three checks of a hand-written graph: its output, its gradients, and wengert's listing of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Any, Literal, get_args

import numpy as np

import wengert as wg
from labs.backprop.functions import FUNCTIONS
from labs.backprop.samples import Sample
from wengert.testing import numerical_gradient

__all__ = [
    "METHODS",
    "Method",
    "backward_difference",
    "forward_difference",
    "largest",
    "listing",
    "listing_difference",
    "output_of",
]

Method = Literal["richardson", "central", "complex"]
METHODS: tuple[Method, ...] = get_args(Method)


def forward_difference(name: str, sample: Sample) -> float:
    """How far the output is from the sample's, relative to 1 or to its size."""
    output, _ = FUNCTIONS[name](*sample.inputs.values())
    return _difference([output], [sample.output])


def backward_difference(name: str, sample: Sample, method: Method = "central") -> float:
    """How far the hand-written gradients are from numerical ones.

    Raises
    ------
    wengert.ShapeError
        If there is not one gradient for each input that has one.
    """
    arguments = tuple(sample.inputs.values())
    _, gradients = FUNCTIONS[name](*arguments)
    positions = _differentiable(arguments)
    if len(gradients) != len(positions):
        raise wg.ShapeError(
            f"{name}: expected {len(positions)} gradients, one for each input, got {len(gradients)}"
        )
    numerical = numerical_gradient(output_of(name), *arguments, argnums=positions, method=method)
    return _difference(gradients, numerical)


def listing_difference(name: str, samples: Sequence[Sample]) -> float:
    """How far the functions that wengert writes are from the hand-written ones, over samples.

    The text is executed in an empty namespace. It is written anew where an integer input changes,
    because such an input chooses a branch.
    """
    written: dict[tuple[Any, ...], Callable[..., Any]] = {}
    found = []
    for sample in samples:
        arguments = tuple(sample.inputs.values())
        positions = _differentiable(arguments)
        branch = tuple(x for i, x in enumerate(arguments) if i not in positions)
        if branch not in written:
            space: dict[str, Any] = {}
            exec(listing(name, sample).function, space)
            written[branch] = space[name]
        value, gradients = written[branch](*(arguments[i] for i in positions))
        expected_value, expected = FUNCTIONS[name](*arguments)
        found.append(_difference([value, *gradients], [expected_value, *expected]))
    return largest(found)


def listing(name: str, sample: Sample) -> Any:
    """What `wengert.show` writes about a graph, at a sample's inputs.

    It is shown the hand-written function itself and keeps what the output depends on, which is the
    forward pass; the backward pass is the library's own.
    """
    return wg.show(output_of(name), *sample.inputs.values())


def output_of(name: str) -> Callable[..., Any]:
    """The graph as a function that returns only its output."""
    function = FUNCTIONS[name]

    @wraps(function)  # the listing takes the names of the arguments from the signature
    def output(*arguments: Any) -> Any:
        return function(*arguments)[0]

    output.__name__ = name
    return output


def _differentiable(arguments: tuple[Any, ...]) -> tuple[int, ...]:
    """The positions of the arguments that have a gradient: all but integer labels."""
    return tuple(i for i, x in enumerate(arguments) if not isinstance(x, int))


def largest(differences: Iterable[float]) -> float:
    """The largest; NaN if one is NaN, which Python's ``max`` may pass over."""
    return float(np.max(list(differences)))


def _difference(found: Sequence[Any], expected: Sequence[Any]) -> float:
    a, b = np.asarray(found, float), np.asarray(expected, float)
    return float(np.max(np.abs(a - b) / np.maximum(1.0, np.abs(b)), initial=0.0))
