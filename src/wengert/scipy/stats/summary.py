"""Statistics of samples along an axis."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...core.bind import bind
from ...core.errors import AbstractValueError, WengertValueError
from ...core.tensor import Tensor
from ...numpy.arguments import axis_of, is_traced, operand
from ...rules.ranks import most_common_p, rankdata_p
from .base import floats, known_values

__all__ = ["ModeResult", "mode", "rankdata", "sem"]

_METHODS = ("average", "min", "max", "dense", "ordinal")


class ModeResult(NamedTuple):
    """The most common values, and how often they occur."""

    mode: Any
    count: Any


def _along(a: Any, axis: Any) -> tuple[Any, int]:
    """The operand with at least one dimension, flattened if the axis is None; the axis."""
    a = operand(a)
    if axis is None or a.ndim == 0:
        return a.reshape(-1), 0
    return a, axis_of(axis, a.ndim)


def _check_policy(function: str, nan_policy: str) -> None:
    if nan_policy not in ("propagate", "omit", "raise"):
        raise WengertValueError(
            f"{function}: nan_policy must be 'propagate', 'omit' or 'raise', got {nan_policy!r}"
        )


def _refuse_nan(function: str, a: Any, nan_policy: str) -> None:
    if nan_policy != "raise":
        return
    values = known_values(a)
    if values is None:
        raise AbstractValueError(
            f"{function}: nan_policy='raise' looks at values, and inside vmap and jit there are "
            "only shapes; pass 'propagate'"
        )
    if values.dtype.kind == "f" and np.any(np.isnan(values)):
        raise WengertValueError(
            f"{function}: the input contains NaN, and nan_policy is 'raise'; pass 'omit' or "
            "'propagate', or take them out"
        )


def sem(
    a: Any,
    axis: Any = 0,
    ddof: int = 1,
    nan_policy: str = "propagate",
    *,
    keepdims: bool = False,
) -> Any:
    """The standard error of the mean, ``std(a, ddof) / sqrt(n)``.

    Parameters
    ----------
    a : array_like
    axis : int or None
        None takes all elements together.
    ddof : int
        What is subtracted from n in the variance.
    nan_policy : {"propagate", "omit", "raise"}
    keepdims : bool

    Raises
    ------
    WengertValueError
        For a NaN where ``nan_policy`` is "raise".

    Notes
    -----
    Where all values are equal its derivative is 0.

    Examples
    --------
    >>> import numpy as np
    >>> import wengert as wg
    >>> from wengert.scipy import stats
    >>> wg.grad(stats.sem)(np.array([1.0, 2.0, 6.0]))
    array([-0.21821789, -0.10910895,  0.32732684])
    """
    _check_policy("sem", nan_policy)
    (a,) = floats("sem", a)
    _refuse_nan("sem", a, nan_policy)
    axis = None if axis is None or a.ndim == 0 else axis_of(axis, a.ndim)
    if nan_policy == "omit":
        n = np.sum(np.logical_not(np.isnan(a)), axis=axis, keepdims=keepdims)
        return np.nanstd(a, axis=axis, ddof=ddof, keepdims=keepdims) / np.sqrt(n)
    n = a.size if axis is None else a.shape[axis]
    return np.std(a, axis=axis, ddof=ddof, keepdims=keepdims) / float(n) ** 0.5


def rankdata(
    a: Any, method: str = "average", *, axis: Any = None, nan_policy: str = "propagate"
) -> Any:
    """The ranks of the values, from 1; a plain array, since ranks do not change smoothly.

    Parameters
    ----------
    a : array_like
    method : {"average", "min", "max", "dense", "ordinal"}
        What equal values get.
    axis : int or None
        None ranks all elements, in one dimension.
    nan_policy : {"propagate", "omit", "raise"}

    Raises
    ------
    WengertValueError
        For an unknown method or policy.

    Notes
    -----
    Inside of ``vmap`` and ``jit`` the policy must be "propagate", and ranks are float64.
    """
    import scipy.stats

    if method not in _METHODS:
        raise WengertValueError(
            f"rankdata: method must be one of {', '.join(_METHODS)}; got {method!r}"
        )
    _check_policy("rankdata", nan_policy)
    a = operand(a)
    if axis is not None:
        axis = axis_of(axis, max(a.ndim, 1))
    values = known_values(a)
    if values is not None:
        _refuse_nan("rankdata", a, nan_policy)
        return scipy.stats.rankdata(values, method, axis=axis, nan_policy=nan_policy)
    if nan_policy != "propagate":
        raise AbstractValueError(
            f"rankdata: nan_policy={nan_policy!r} looks at values, and inside vmap and jit there "
            "are only shapes; pass 'propagate'"
        )
    a, axis = _along(a, axis)
    return bind(rankdata_p, (a,), {"axis": axis - a.ndim, "method": method})


def mode(
    a: Any, axis: Any = 0, nan_policy: str = "propagate", keepdims: bool = False
) -> ModeResult:
    """The most common value (of several the smallest), and how often it occurs.

    Parameters
    ----------
    a : array_like
    axis : int or None
        None takes all elements together.
    nan_policy : {"propagate", "omit", "raise"}
    keepdims : bool

    Returns
    -------
    ModeResult
        ``mode``, whose derivative the elements that have the value share evenly, and ``count``, a
        plain array.

    Raises
    ------
    WengertValueError
        For an unknown policy, or for a NaN where it is "raise".
    """
    import scipy.stats

    _check_policy("mode", nan_policy)
    a = operand(a)
    if not isinstance(a, Tensor) or not is_traced(a):
        found = scipy.stats.mode(
            known_values(a), axis=axis, nan_policy=nan_policy, keepdims=keepdims
        )
        return ModeResult(found.mode, found.count)
    if nan_policy == "omit" or not a.size:
        raise WengertValueError(
            "mode: nan_policy='omit' and empty arrays are for values that no derivative goes "
            "through; pass wengert.stop_gradient(a)"
        )
    _refuse_nan("mode", a, nan_policy)
    ndim = a.ndim
    a, along = _along(a, axis)
    value = bind(most_common_p, (a,), {"axis": along - a.ndim})
    equal = a == value
    if a.dtype.kind == "f":
        equal = np.logical_or(equal, np.logical_and(np.isnan(a), np.isnan(value)))
        # Of equal values the maximum is that value, and they share its derivative.
        value = np.max(np.where(equal, a, -np.inf), axis=along, keepdims=True)
    count = np.sum(equal, axis=along, keepdims=True)
    if keepdims:
        shape = (1,) * ndim if axis is None else value.shape
    else:
        shape = () if axis is None else value.shape[:along] + value.shape[along + 1 :]
    return ModeResult(value.reshape(shape), count.reshape(shape))
