"""`numpy.linalg` under its name here: NumPy's own functions, which call wengert's on Tensors.

>>> import wengert as wg
>>> import wengert.numpy as np
>>> wg.grad(np.linalg.norm)(np.array([3.0, 4.0]))
array([0.6, 0.8])
"""

from __future__ import annotations

import numpy as _numpy

from . import linear_algebra as _linear_algebra
from . import norms as _norms
from .submodule import other_names, public_names

_SERVED = (_linear_algebra, _norms)  # importing them registers what they serve

globals().update(public_names(_numpy.linalg))

__all__ = list(_numpy.linalg.__all__)
__getattr__ = other_names(_numpy.linalg, __name__)
