"""Random numbers as operations: what is drawn is a function of the key, which is an operand.

So a recorded program draws anew for each key it is given, equally in every executor, and a draw
does not depend on whether, or how often, anything was recorded or computed again.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.abstract import Aval
from ..core.bind import bind
from ..core.primitive import Primitive
from .batching import align, ndim_of
from .philox import DRAW, FOLD, draw, first_words

__all__ = ["fold_in", "fold_in_p", "random_words", "random_words_p"]


def _words_batch(args: Any, batched: Any, size: int, **params: Any) -> Any:
    return bind(random_words_p, args, params)


# Floats are made here, and not from the words by a shift, a conversion and a product, because
# NumPy's generator makes them while it draws: 6 ns each instead of 9.
random_words_p: Primitive = Primitive(
    "random_words",
    lambda keys, shape, dtype, stream: draw(keys, shape, dtype, stream),
    lambda keys, shape, dtype, stream: ((*keys.shape[:-1], *shape), dtype),
    _words_batch,
    plain=True,
)


def random_words(keys: Any, shape: tuple[int, ...], dtype: Any, stream: int = DRAW) -> Any:
    """Numbers that are uniform over the range of ``dtype``; for floats that is 0 to below 1.

    Parameters
    ----------
    keys : uint64 array, shape (..., 2)
    shape : tuple of int
        Of the numbers for each key.
    dtype : dtype
        uint32, uint64, float32 or float64.
    stream : int
        See `wengert.rules.philox`.

    Returns
    -------
    array, shape (..., *shape)
    """
    return bind(
        random_words_p, (keys,), {"shape": shape, "dtype": np.dtype(dtype), "stream": stream}
    )


def _fold_in(keys: Any, data: Any) -> Any:
    return first_words(keys, np.asarray(data).astype(np.uint64), FOLD)


def _fold_in_shape(keys: Any, data: Any) -> tuple[tuple[int, ...], Any]:
    shape = data.shape if isinstance(data, (Aval, np.ndarray)) else np.shape(data)
    return (*np.broadcast_shapes(keys.shape[:-1], shape), 2), np.dtype(np.uint64)


def _fold_in_batch(args: Any, batched: Any, size: int) -> Any:
    keys, data = args
    rank = max(ndim_of(keys, batched[0]) - 1, ndim_of(data, batched[1]))
    # Of the key, the last axis is not broadcast.
    return bind(fold_in_p, (align(keys, batched[0], rank + 1), align(data, batched[1], rank)), {})


fold_in_p: Primitive = Primitive(
    "fold_in",
    _fold_in,
    _fold_in_shape,
    _fold_in_batch,
    plain=True,
)


def fold_in(keys: Any, data: Any) -> Any:
    """New keys from keys, shape (..., 2), and integers, shape (...)."""
    return bind(fold_in_p, (keys, data), {})
