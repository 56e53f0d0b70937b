"""`numpy.fft` under its name here: NumPy's own functions, which call wengert's on Tensors.

>>> import wengert as wg
>>> import wengert.numpy as np
>>> def power(x):
...     return np.sum(np.abs(np.fft.rfft(x)) ** 2)
>>> wg.grad(power)(np.array([1.0, 2.0, 4.0]))
array([10., 13., 19.])
"""

from __future__ import annotations

import numpy as _numpy

from . import fourier as _fourier
from .submodule import other_names, public_names

_SERVED = (_fourier,)  # importing it registers what it serves

globals().update(public_names(_numpy.fft))

__all__ = list(_numpy.fft.__all__)
__getattr__ = other_names(_numpy.fft, __name__)
