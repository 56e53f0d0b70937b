"""Whether a cotangent or tangent is free of infinities and NaNs."""

from __future__ import annotations

from math import isfinite
from typing import Any

import numpy as np

from .abstract import Aval
from .tensor import FastTensor, RareTensor, Tensor

__all__ = ["finite", "vdot"]

# Global names: looking them up in NumPy's module is slow (docs/design/core.md).
ndarray = np.ndarray

# Without the dispatch to other libraries' arrays, which would cost a third of the call.
vdot = getattr(np.vdot, "_implementation", np.vdot)

# OpenBLAS computes longer products of doubles on all cores. Of an array that one core has just
# written that takes three times as long as the slower test, and more while another works.
_THREADED = 10_000


def finite(value: Any) -> bool:
    """Whether a value and its tangents are finite. Abstract values count as finite."""
    if type(value) is ndarray and value.dtype.char in "df":
        if value.size > _THREADED and value.dtype.char == "d":
            return bool(np.isfinite(value).all())
        # One pass of BLAS; an overflow sends a finite array to the slower test, no more.
        square = vdot(value, value)
        return isfinite(square) or bool(np.isfinite(value).all())
    if type(value) is FastTensor:
        return finite(value._a)
    if isinstance(value, Tensor):
        rare = value._x if type(value) is RareTensor else None
        if rare is not None and not all(finite(t) for t in rare.tangents.values()):
            return False
        return finite(value._a)
    if isinstance(value, Aval) or value is None or value.dtype.kind not in "fc":
        return True
    if value.ndim == 0:
        return isfinite(abs(value))
    return bool(np.isfinite(value).all())
