"""What a program is."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.backends import Backend

__all__ = ["ACTIVATIONS", "DTYPES", "Bar", "Program", "Step", "chosen"]

Step = Callable[[], Any]

# What variants choose from.
ACTIVATIONS = ("tanh", "sigmoid", "relu", "gelu", "softplus")
DTYPES = (np.float32, np.float64)


@dataclass(frozen=True)
class Bar:
    """The least ratio of another's time to ours, and the aim."""

    peer: str
    bound: float
    aim: float | None = None


@dataclass(frozen=True)
class Program:
    """The same computation in every library.

    Attributes
    ----------
    title : str
    make : callable
        For a `Backend`: a step, which returns its result.
    by_hand : mapping of str to callable
        Versions that are written out in NumPy, by name; each makes a step.
    bars : sequence of Bar
    steps : int
        How many results in succession are compared.
    rtol, atol : float
        How far they may differ.
    without : sequence of str
        Libraries that cannot do it, or take minutes.
    flops, bytes : float, optional
        Of a step, to compare with the limits of the machine; an operation in float64 is two.
    is_large : bool
        Whether a step takes a tenth of a second and more.
    least_fraction : float, optional
        A bar: the part of the machine's limit that is to be reached.
    most_memory : int, optional
        A bar: the bytes beyond the data that a step may need.
    """

    title: str
    make: Callable[[Backend], Step]
    by_hand: Mapping[str, Callable[[], Step]] = field(default_factory=dict)
    bars: Sequence[Bar] = ()
    steps: int = 3
    rtol: float = 1e-4
    atol: float = 0.0
    without: Sequence[str] = ()
    flops: float | None = None
    bytes: float | None = None
    is_large: bool = False
    least_fraction: float | None = None
    most_memory: int | None = None


def chosen(key: str, seed: int | None) -> np.random.Generator | None:
    """The generator of sizes for a family; None for the sizes of the issue."""
    return None if seed is None else np.random.default_rng([seed, zlib.crc32(key.encode())])
