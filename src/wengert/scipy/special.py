"""``scipy.special`` for Tensors and plain arrays.

``scipy.special``'s own ufuncs (``expit``, ``ndtri``) dispatch on Tensors by themselves; the
functions here are those that are not ufuncs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import (
    beta,
    betainc,
    betaincc,
    betaln,
    digamma,
    entr,
    erf,
    erfc,
    erfcinv,
    erfinv,
    expit,
    gamma,
    gammainc,
    gammaincc,
    gammaln,
    i0e,
    i1e,
    log_expit,
    log_ndtr,
    loggamma,
    logit,
    ndtr,
    ndtri,
    poch,
    xlog1py,
    xlogy,
)

from ..core.tensor import Tensor
from ..rules.logsumexp import logsumexp as _logsumexp
from ..rules.reductions import canonical_axes
from ..rules.shapes import astype

__all__ = [
    "beta",
    "betainc",
    "betaincc",
    "betaln",
    "digamma",
    "entr",
    "erf",
    "erfc",
    "erfcinv",
    "erfinv",
    "expit",
    "gamma",
    "gammainc",
    "gammaincc",
    "gammaln",
    "i0e",
    "i1e",
    "log_expit",
    "log_ndtr",
    "log_softmax",
    "loggamma",
    "logit",
    "logsumexp",
    "ndtr",
    "ndtri",
    "poch",
    "softmax",
    "xlog1py",
    "xlogy",
]


def _floating(a: Any) -> Any:
    x = a if isinstance(a, Tensor) else np.asarray(a)
    if x.dtype.kind in "fc":
        return x
    return astype(x, np.float64) if isinstance(x, Tensor) else x.astype(np.float64)


def logsumexp(
    a: Any, axis: int | tuple[int, ...] | None = None, b: Any = None, keepdims: bool = False
) -> Any:
    """``log(sum(b * exp(a)))`` over ``axis`` without overflow.

    Parameters
    ----------
    a : array_like of floats
    axis : int, tuple of int, or None
        None sums over all axes.
    b : array_like, optional
        Positive weights, broadcast against ``a``.
    keepdims : bool

    Notes
    -----
    The gradient is the softmax. Where all of a slice is -inf the value is -inf and the gradient 0.
    """
    x = _floating(a)
    if b is not None:
        x = x + np.log(b)
    return _logsumexp(x, canonical_axes(axis, x.ndim), bool(keepdims))


def log_softmax(x: Any, axis: int | tuple[int, ...] | None = None) -> Any:
    """``x - logsumexp(x)`` along ``axis``."""
    x = _floating(x)
    return x - _logsumexp(x, canonical_axes(axis, x.ndim), True)


def softmax(x: Any, axis: int | tuple[int, ...] | None = None) -> Any:
    """``exp(x) / sum(exp(x))`` along ``axis``."""
    return np.exp(log_softmax(x, axis))
