"""``numpy.random``, so that ``import wengert.numpy.random as npr`` works.

These are NumPy's own functions, of plain numbers: draw standard numbers and scale them
(``mean + sd * npr.randn(n)``) where the derivative by the parameters is wanted, or use
`wengert.random`, whose distributions have those derivatives.
"""

from __future__ import annotations

from typing import Any

import numpy as _numpy

_random = _numpy.random
__all__ = list(_random.__all__)
globals().update({name: getattr(_random, name) for name in __all__})


def __getattr__(name: str) -> Any:
    try:
        return getattr(_random, name)
    except AttributeError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
