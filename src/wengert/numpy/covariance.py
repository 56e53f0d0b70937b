"""NumPy's covariances and correlations of samples."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ..core.errors import ShapeError, WengertTypeError, WengertValueError
from ..core.tensor import Tensor
from ..rules.complex import conjugate
from ..rules.contractions import matmul, matrix_transpose
from ..rules.reductions import sum_
from ..rules.shapes import reshape
from .arguments import cast, concrete, is_known, operand
from .dispatch import implements

__all__ = ["corrcoef", "cov"]


def _variables(name: str, x: Any, rowvar: bool, dtype: Any) -> Any:
    """Samples as a matrix with one variable in each row."""
    if x.ndim > 2:
        raise WengertValueError(
            f"np.cov: {name} of shape {x.shape} has more than 2 dimensions; expected variables "
            "by observations. Use wengert.vmap for stacks of samples"
        )
    rows = reshape(x, (1, x.size)) if x.ndim < 2 else x
    return cast(rows, dtype)


def _weights(name: str, w: Any, count: int) -> Any:
    w = operand(w)
    if w.ndim > 1:
        raise ShapeError(f"cannot handle multidimensional {name}")
    if w.shape != (count,):
        raise ShapeError(f"incompatible numbers of samples and {name}")
    # The values decide only about errors, so abstract weights pass.
    values = w.detach().array if isinstance(w, Tensor) and is_known(w) else w
    if not isinstance(values, Tensor):
        if name == "fweights" and not np.all(values == np.around(values)):
            raise WengertTypeError("fweights must be integer")
        if np.any(values < 0):
            raise WengertValueError(f"{name} cannot be negative")
    return cast(w, np.float64)


@implements(np.cov)
def cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: Any = None,
) -> Any:
    """`numpy.cov`; differentiable in the samples and in ``aweights``."""
    if ddof is not None and ddof != int(ddof):
        raise WengertValueError("ddof must be integer")
    m = operand(m)
    y = None if y is None else operand(y)
    if dtype is None:
        dtype = np.result_type(*[x.dtype for x in (m, y) if x is not None], np.float64)
    x = _variables("m", m, rowvar, dtype)
    x = matrix_transpose(x) if not rowvar and m.ndim != 1 else x
    if x.shape[0] == 0:
        return np.zeros((0, 0))
    if y is not None:
        other = _variables("y", y, rowvar, dtype)
        other = matrix_transpose(other) if not rowvar and other.shape[0] != 1 else other
        if other.shape[1] != x.shape[1]:
            raise ShapeError(
                f"np.cov: m has {x.shape[1]} observations and y has {other.shape[1]}; expected "
                "as many"
            )
        x = np.concatenate((x, other), 0)
    ddof = ddof if ddof is not None else (1 if bias == 0 else 0)
    c = _scatter(x, ddof, fweights, aweights)
    return np.squeeze(c)


def _scatter(x: Any, ddof: int, fweights: Any, aweights: Any) -> Any:
    """The products of deviations from the mean, over the degrees of freedom."""
    count = x.shape[1]
    f = None if fweights is None else _weights("fweights", fweights, count)
    a = None if aweights is None else _weights("aweights", aweights, count)
    if f is None and a is None:
        free: Any = _at_least_zero(count - ddof)
        with np.errstate(all="ignore"):  # without observations
            x = x - sum_(x, (1,), True) / x.dtype.type(count)
            factor = np.empty((), x.dtype).real.dtype.type(np.true_divide(1, free))
            return matmul(x, matrix_transpose(conjugate(x))) * factor
    w = f * a if f is not None and a is not None else a if f is None else f
    total = sum_(w, (0,))
    if ddof == 0:
        free = total
    elif a is None:
        free = total - ddof
    else:
        free = total - ddof * sum_(w * a, (0,)) / total
    free = _at_least_zero(free)
    x = x - sum_(x * w, (1,), True) / total
    return matmul(x, matrix_transpose(conjugate(x * w))) * (1.0 / free)


def _at_least_zero(free: Any) -> Any:
    if is_known(free) and free <= 0:
        warnings.warn("Degrees of freedom <= 0 for slice", RuntimeWarning, stacklevel=5)
        return np.float64(0.0)
    return free


@implements(np.corrcoef)
def corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Any:
    """`numpy.corrcoef`.

    Values that rounding takes beyond 1 are clipped as NumPy's are; the derivative is that of the
    unclipped ones.
    """
    c = cov(x, y, rowvar, dtype=dtype)
    if not c.ndim:
        return c / c  # 1, or NaN
    scale = 1 / np.sqrt(np.real(np.diagonal(c)))
    c = c * reshape(scale, (-1, 1)) * reshape(scale, (1, -1))
    if c.dtype.kind == "c":
        return _clipped(np.real(c)) + 1j * _clipped(np.imag(c))
    return _clipped(c)


def _clipped(c: Any) -> Any:
    if not isinstance(c, Tensor):
        return np.clip(c, -1, 1)
    values: Any = c.detach()
    values = concrete(values, "np.corrcoef") if is_known(c) else values
    return c + (np.clip(values, -1, 1) - values)
