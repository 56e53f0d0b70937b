"""Activation functions that are one operation."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import expit

from ..core.bind import bind
from ..core.tensor import Tensor
from ..rules import fast
from ..rules.pointwise import POINTWISE

__all__ = ["relu", "sigmoid"]

_relu_p = POINTWISE["relu"]
_sigmoid = POINTWISE["sigmoid"].evaluate


def relu(x: Any) -> Any:
    """``max(x, 0)``, elementwise; the derivative at 0 is 0.

    Parameters
    ----------
    x : array of any shape and real dtype

    Returns
    -------
    array of the same shape and dtype
        NaN stays NaN.
    """
    return bind(_relu_p, (x,), {}) if isinstance(x, Tensor) else np.maximum(x, 0)


def sigmoid(x: Any) -> Any:
    """``1 / (1 + exp(-x))``, elementwise, without overflow.

    Parameters
    ----------
    x : array of any shape and real dtype

    Returns
    -------
    array of the same shape
        In the dtype of ``x`` where that is floating, else in that of SciPy's ``expit``; within
        four units in the last place of that.
    """
    if isinstance(x, Tensor):
        return fast.sigmoid(x)
    if type(x) is np.ndarray and x.dtype.kind == "f":
        return _sigmoid(x)
    return expit(x)
