"""`numpy.fft` under its name here: NumPy's own functions, which call wengert's on Tensors.

>>> import wengert as wg
>>> import wengert.numpy as np
>>> def power(x):
...     return np.sum(np.abs(np.fft.rfft(x)) ** 2)
>>> wg.grad(power)(np.array([1.0, 2.0, 4.0]))
array([10., 13., 19.])
"""

from __future__ import annotations

from typing import Any

import numpy as _numpy

from . import fourier as _fourier

_SERVED = (_fourier,)  # importing it registers what it serves

# `test` is left to __getattr__, lest pytest take it for one of ours.
_PUBLIC = [name for name in vars(_numpy.fft) if name[0] != "_" and name != "test"]
globals().update({name: getattr(_numpy.fft, name) for name in _PUBLIC})

__all__ = list(_numpy.fft.__all__)


def __getattr__(name: str) -> Any:
    """The other names of `numpy.fft`."""
    try:
        return getattr(_numpy.fft, name)
    except AttributeError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
