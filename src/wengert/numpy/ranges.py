"""Ranges, grids and matrices made from ends and vectors that may be traced."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ..core.errors import ShapeError, WengertValueError
from .arguments import concrete, contains_tensor, is_abstract, operand
from .creation import writable
from .dispatch import implements
from .shapes import _as_type

__all__ = ["geomspace", "kaiser", "linspace", "logspace", "meshgrid", "vander"]

_numpys: Any = np  # for calls whose options are passed on untyped


@implements(np.linspace)
def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
    *,
    device: Any = None,
) -> Any:
    """``np.linspace``; the ends may be traced.

    ``start + k * step``, and exactly ``stop`` at the end.
    """
    num = operator.index(num)
    if not contains_tensor((start, stop)):
        plain = _numpys.linspace(start, stop, num, endpoint, retstep, dtype, axis)
        return (writable(plain[0]), plain[1]) if retstep else writable(plain)
    if num < 0:
        raise WengertValueError(f"Number of samples, {num}, must be non-negative.")
    start, stop = (v if isinstance(v, (int, float, complex)) else operand(v) for v in (start, stop))
    start, stop = start * 1.0, stop * 1.0
    delta = stop - start
    pieces = num - 1 if endpoint else num
    k = np.arange(num, dtype=np.real(np.zeros(1, delta.dtype)).dtype)
    k = k.reshape((num,) + (1,) * delta.ndim)
    step = delta / pieces if pieces > 0 else delta * np.nan
    values = k * step + start if pieces > 0 else k * delta + start
    if endpoint and num > 1:
        last = np.arange(num).reshape(k.shape) == num - 1
        values = np.where(last, stop, values)
    if axis:
        values = np.moveaxis(values, 0, axis)
    if dtype is not None:
        if np.dtype(dtype).kind in "iu":
            values = np.floor(values)
        values = _as_type(values, dtype, copy=False)
    return (values, step) if retstep else values


@implements(np.logspace)
def logspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    base: Any = 10.0,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """``np.logspace``: powers of ``base`` with evenly spaced exponents; all may be traced."""
    if not contains_tensor((start, stop, base)):
        return writable(np.logspace(start, stop, num, endpoint, base, dtype, axis))
    if np.ndim(base):
        base = np.expand_dims(operand(base), axis)
    result = np.power(base, linspace(start, stop, num, endpoint, axis=axis))
    return result if dtype is None else _as_type(result, dtype, copy=False)


@implements(np.geomspace)
def geomspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0
) -> Any:
    """``np.geomspace``: a geometric progression between ends of one sign, which may be traced.

    Between complex ends it turns the shorter way.

    Raises
    ------
    ValueError
        For an end that is zero, where values are known.
    """
    if not contains_tensor((start, stop)):
        return writable(np.geomspace(start, stop, num, endpoint, dtype, axis))
    start, stop = operand(start), operand(stop)
    for argument, end in (("start", start), ("stop", stop)):
        if not is_abstract(end) and not np.all(concrete(end, "np.geomspace")):
            raise WengertValueError(
                f"np.geomspace: {argument} is 0; a geometric progression cannot include zero. "
                "Use np.linspace, or start above zero"
            )
    # NumPy computes in float64 unless a longer dtype is given.
    wide = np.result_type(start.dtype, stop.dtype, np.float64)
    start, stop = start.astype(wide), stop.astype(wide)
    if wide.kind == "c":
        direction = start / np.absolute(start)
        last = np.log(stop / direction)
    else:
        direction = np.sign(start)
        last = np.log(np.absolute(stop))
    logs = linspace(np.log(np.absolute(start)), last, num, endpoint, axis=0)
    result = direction * np.exp(logs)
    # The ends are what was given, not what exp and log made of them.
    first = np.arange(num).reshape((num,) + (1,) * (result.ndim - 1))
    if num:
        result = np.where(first == 0, start, result)
    if num > 1 and endpoint:
        result = np.where(first == num - 1, stop, result)
    if axis:
        result = np.moveaxis(result, 0, axis)
    return result if dtype is None else _as_type(result, dtype, copy=False)


# ------------------------------------------------------------------ grids and matrices of vectors


@implements(np.meshgrid)
def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> Any:
    """``np.meshgrid``: coordinate arrays from coordinate vectors."""
    if indexing not in ("xy", "ij"):
        raise WengertValueError("Valid values for `indexing` are 'xy' and 'ij'.")
    n = len(xi)
    order = list(range(n))
    if indexing == "xy" and n > 1:
        order[0], order[1] = 1, 0
    grids = []
    for x, place in zip(xi, order, strict=True):
        x = operand(x)
        grids.append(x.reshape((1,) * place + (-1,) + (1,) * (n - place - 1)))
    if not sparse:
        grids = list(np.broadcast_arrays(*grids))
    return tuple(g.copy() for g in grids) if copy else tuple(grids)


@implements(np.vander)
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """``np.vander``: the powers of a vector as columns."""
    if not contains_tensor(x):
        return writable(np.vander(x, N, increasing))
    x = operand(x)
    if x.ndim != 1:
        raise ShapeError("x must be a one-dimensional array or sequence.")
    count = len(x) if N is None else N
    powers = np.arange(count)
    return np.power(x[:, None], powers if increasing else powers[::-1])


# ------------------------------------------------------------------ windows


def kaiser(M: Any, beta: Any) -> Any:
    """``np.kaiser``, the Kaiser window of ``M`` points; ``beta`` may be traced."""
    if not contains_tensor(beta):
        return writable(np.kaiser(M, beta))
    beta = operand(beta)
    if beta.ndim:
        raise ShapeError(f"np.kaiser: beta has shape {beta.shape}; expected a number")
    if M == 1:
        return np.ones_like(beta, shape=(1,))
    middle = (M - 1) / 2.0
    height = np.sqrt(1 - ((np.arange(M) - middle) / middle) ** 2.0)
    return np.i0(beta * height) / np.i0(beta)
