"""`scipy.special.logsumexp` and what is made of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special

from ...core.bind import bind
from ...core.tensor import Tensor
from ...numpy.arguments import floating, operand
from ...rules.logsumexp import logsumexp as _logsumexp
from ...rules.reductions import canonical_axes, finite_max_p

__all__ = ["log_softmax", "logsumexp", "softmax", "softplus"]


def logsumexp(
    a: Any,
    axis: int | tuple[int, ...] | None = None,
    b: Any = None,
    keepdims: bool = False,
    return_sign: bool = False,
) -> Any:
    """``log(sum(b * exp(a)))`` over ``axis`` without overflow, as `scipy.special.logsumexp`.

    Parameters
    ----------
    a : array_like
    axis : int, tuple of int, or None
        None sums over all axes.
    b : array_like, optional
        Weights of any sign, broadcast against ``a``.
    keepdims : bool
    return_sign : bool
        Return the logarithm of the absolute value and the sign of the sum (of a complex sum, its
        phase factor), so that it may be negative. Without it the logarithm of a negative sum is
        NaN.

    Notes
    -----
    The gradient is the softmax. Where all of a slice is -inf the value is -inf and the gradient 0.
    """
    x = floating(operand(a))
    if b is None and not return_sign and x.dtype.kind == "f":
        return _logsumexp(x, canonical_axes(axis, x.ndim), bool(keepdims))
    weights = None if b is None else operand(b)
    if not isinstance(x, Tensor) and not isinstance(weights, Tensor):
        return scipy.special.logsumexp(x, axis, weights, keepdims, return_sign)
    if weights is not None:
        x, weights = np.broadcast_arrays(x, floating(weights))
    axes = canonical_axes(axis, x.ndim)
    shift = np.real(x) if weights is None else np.where(weights == 0, -np.inf, np.real(x))
    top = bind(finite_max_p, (shift,), {"axis": axes, "keepdims": True})
    shifted = x - top
    if weights is None:
        parts = np.exp(shifted)
    else:
        # Only terms of weight zero can be above `top`; their derivative in the weight is finite.
        if x.dtype.kind == "f":
            shifted = np.minimum(shifted, np.log(np.finfo(x.dtype).max) - 1)
        parts = np.exp(shifted) * weights
    total = np.sum(parts, axes, keepdims=True)
    if not return_sign:
        y = np.log(total) + top
        return y if keepdims else np.squeeze(y, axes)
    size = np.abs(total)
    y = np.log(size) + top
    sign = np.sign(total) if total.dtype.kind == "f" else total / size
    return (y, sign) if keepdims else (np.squeeze(y, axes), np.squeeze(sign, axes))


def log_softmax(x: Any, axis: int | tuple[int, ...] | None = None) -> Any:
    """``x - logsumexp(x)`` along ``axis``, of real numbers."""
    x = floating(operand(x))
    return x - _logsumexp(x, canonical_axes(axis, x.ndim), True)


def softmax(x: Any, axis: int | tuple[int, ...] | None = None) -> Any:
    """``exp(x) / sum(exp(x))`` along ``axis``, of real numbers."""
    return np.exp(log_softmax(x, axis))


def softplus(x: Any, **kwargs: Any) -> Any:
    """``log(1 + exp(x))``, without overflow; keyword arguments are those of a ufunc."""
    return np.logaddexp(0, x, **kwargs)
