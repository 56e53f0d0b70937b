"""Batch normalization."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.errors import ShapeError, WengertTypeError
from ..core.tensor import Tensor
from ..rules.normalization import batch_norm as _batch_norm

__all__ = ["batch_norm"]


def batch_norm(x: Any, scale: Any, shift: Any, eps: float = 1e-5) -> tuple[Any, Any, Any]:
    """``(x - mean) / sqrt(variance + eps) * scale + shift``, and that mean and variance.

    S. Ioffe and C. Szegedy, Batch normalization, ICML 2015, algorithm 1.

    Parameters
    ----------
    x : array of floats, shape (..., c)
        Mean and variance are those of each channel: over all axes but the last.
    scale, shift : array, shape (c,)
    eps : float

    Returns
    -------
    y : array, shape (..., c)
    mean, variance : array, shape (c,)
        The variance without Bessel's correction: the mean of the squared deviations.

    Raises
    ------
    wengert.ShapeError
        If shapes do not fit, or channels have no values.
    wengert.WengertTypeError
        If ``x``, ``scale`` and ``shift`` are not of one type of floats.
    """
    arrays: list[Any] = []
    for name, a in (("x", x), ("scale", scale), ("shift", shift)):
        a = a if isinstance(a, Tensor) else np.asarray(a)
        if a.dtype.kind != "f" or (arrays and a.dtype != arrays[0].dtype):
            expected = f"as x {arrays[0].dtype}" if arrays else "real floats"
            raise WengertTypeError(f"batch_norm: {name} must be {expected}, got {a.dtype}")
        arrays.append(a)
    x, scale, shift = arrays
    if x.ndim < 2 or 0 in x.shape:
        raise ShapeError(
            "batch_norm: expected x of shape (..., c) with two or more axes, none of them empty; "
            f"got {x.shape}"
        )
    for name, a in (("scale", scale), ("shift", shift)):
        if a.shape != x.shape[-1:]:
            raise ShapeError(
                f"batch_norm: x of shape {x.shape} needs {name} of shape {x.shape[-1:]}, got "
                f"{a.shape}"
            )
    return _batch_norm(x, scale, shift, float(eps))
