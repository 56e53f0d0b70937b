"""What batching rules share. A batched operand has its batch axis first, always."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.bind import bind
from ..core.primitive import PRIMITIVES
from ..core.tensor import Tensor

__all__ = ["align", "materialize", "ndim_of", "shape_of", "stacked"]


def shape_of(x: Any) -> tuple[int, ...]:
    """The shape of an array, Tensor, abstract value or scalar."""
    return tuple(x.shape) if hasattr(x, "shape") else np.shape(x)


def ndim_of(x: Any, batched: bool = False) -> int:
    """The number of dimensions, not counting the batch axis."""
    return len(shape_of(x)) - batched


def align(x: Any, batched: bool, rank: int) -> Any:
    """A batched operand, with axes of length one behind the batch axis until ``rank`` follow it."""
    k = ndim_of(x, batched)
    if not batched or k >= rank:
        return x
    shape = shape_of(x)
    new = (shape[0],) + (1,) * (rank - k) + shape[1:]
    if not isinstance(x, Tensor):
        return np.reshape(x, new)
    return bind(PRIMITIVES["reshape"], (x,), {"shape": new}, False)


def materialize(x: Any, batched: bool, size: int) -> Any:
    """The operand with a batch axis, repeated along it if it had none."""
    if batched:
        return x
    shape = (size, *shape_of(x))
    if not isinstance(x, Tensor):
        return np.broadcast_to(x, shape)
    return bind(PRIMITIVES["broadcast_to"], (x,), {"shape": shape}, False)


def stacked(args: Any, batched: Any, size: int, cores: tuple[int, ...]) -> tuple[Any, ...]:
    """Operands that are stacks, all with the batch axis first and as many axes before their core.

    ``cores`` are the numbers of axes that an operation itself looks at, of each operand.
    """
    ranks = [ndim_of(x, b) - core for x, b, core in zip(args, batched, cores, strict=True)]
    rank = max(ranks)
    full = [materialize(x, b, size) for x, b in zip(args, batched, strict=True)]
    return tuple([align(x, True, rank + core) for x, core in zip(full, cores, strict=True)])
