"""`numpy.linalg` under its name here: NumPy's own functions, which call wengert's on Tensors.

>>> import wengert as wg
>>> import wengert.numpy as np
>>> wg.grad(np.linalg.norm)(np.array([3.0, 4.0]))
array([0.6, 0.8])
"""

from __future__ import annotations

from typing import Any

import numpy as _numpy

from . import linear_algebra as _linear_algebra
from . import norms as _norms

_SERVED = (_linear_algebra, _norms)  # importing them registers what they serve

# `test` is left to __getattr__, lest pytest take it for one of ours.
_PUBLIC = [name for name in vars(_numpy.linalg) if name[0] != "_" and name != "test"]
globals().update({name: getattr(_numpy.linalg, name) for name in _PUBLIC})

__all__ = list(_numpy.linalg.__all__)


def __getattr__(name: str) -> Any:
    """The other names of `numpy.linalg`."""
    try:
        return getattr(_numpy.linalg, name)
    except AttributeError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
