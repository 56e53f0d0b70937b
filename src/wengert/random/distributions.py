"""Continuous distributions, as differentiable functions of their parameters.

Each draws numbers of a standard distribution, which depend on the key, the shape and the dtype
alone, and moves them by the parameters: samples have derivatives with respect to these (D. Kingma
and M. Welling, Auto-encoding variational Bayes, ICLR 2014, section 2.4).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike
from scipy.special import ndtr, ndtri

from ..core.errors import ShapeError, WengertTypeError, WengertValueError
from ..core.tensor import Tensor
from ..rules.random import random_words
from .keys import checked_key, shape_of_draw

__all__ = [
    "exponential",
    "gumbel",
    "normal",
    "open_uniform",
    "sample_shape",
    "standard_gumbel",
    "truncated_normal",
    "uniform",
]


def uniform(
    key: Any = None,
    shape: Any = None,
    dtype: DTypeLike | None = None,
    low: Any = 0.0,
    high: Any = 1.0,
) -> Any:
    """Numbers that are uniform from ``low`` to below ``high``.

    Parameters
    ----------
    key : uint64 array, shape (2,), or None
        None takes the next key of the stream (`next_key`).
    shape : int or tuple of int, optional
        By default that of the parameters together.
    dtype : {float64, float32}, optional
        By default that of the parameters if they are arrays, else float64. The numbers are
        multiples of 2**-53 (float32: 2**-24) of the distance.
    low, high : float or array
        May be traced.

    Returns
    -------
    array of ``dtype``, shape ``shape``

    Raises
    ------
    wengert.WengertTypeError
        If an argument has the wrong type.
    wengert.ShapeError
        If the parameters do not fit the shape.

    Examples
    --------
    >>> import wengert as wg
    >>> wg.random.uniform(wg.random.key(0), 3)
    array([0.01154675, 0.2415492 , 0.11142586])
    """
    key = checked_key("uniform", key)
    shape, dtype = _result("uniform", shape, dtype, low=low, high=high)
    u = random_words(key, shape, dtype)
    if _is_number(low, 0) and _is_number(high, 1):
        return u
    # With both ends known only as rounded, low + u * (high - low) may round up to high; that is
    # what NumPy does too.
    return _cast(low + u * np.subtract(high, low), dtype)


def normal(
    key: Any = None,
    shape: Any = None,
    dtype: DTypeLike | None = None,
    loc: Any = 0.0,
    scale: Any = 1.0,
) -> Any:
    """Numbers of the normal distribution with mean ``loc`` and standard deviation ``scale``.

    Parameters
    ----------
    key : uint64 array, shape (2,), or None
        None takes the next key of the stream (`next_key`).
    shape, dtype
        See `uniform`.
    loc, scale : float or array
        May be traced; ``scale`` is not negative.

    Returns
    -------
    array of ``dtype``, shape ``shape``

    Raises
    ------
    wengert.WengertTypeError, wengert.ShapeError
        As `uniform`.
    wengert.WengertValueError
        If a known ``scale`` is negative.

    Notes
    -----
    The quantile function at ``(k + 1/2) / 2**52`` with the upper 52 bits of a word each
    (float32: of 32 bits), so that one number costs one word, everywhere the same. No number
    is larger than 8.21 (6.34) standard deviations.

    Examples
    --------
    >>> import wengert as wg
    >>> sample = lambda scale: wg.random.normal(wg.random.key(0), scale=scale)
    >>> bool(wg.grad(sample)(2.0) == sample(1.0))
    True
    """
    key = checked_key("normal", key)
    shape, dtype = _result("normal", shape, dtype, loc=loc, scale=scale)
    _check_positive("normal", "scale", scale)
    return _moved(_cast(ndtri(open_uniform(key, shape, dtype)), dtype), loc, scale, dtype)


def truncated_normal(
    key: Any = None,
    shape: Any = None,
    dtype: DTypeLike | None = None,
    low: Any = -2.0,
    high: Any = 2.0,
) -> Any:
    """Numbers of the standard normal distribution given that they lie between two bounds.

    Parameters
    ----------
    key : uint64 array, shape (2,), or None
        None takes the next key of the stream (`next_key`).
    shape, dtype
        See `uniform`.
    low, high : float or array
        Plain numbers, not traced.

    Returns
    -------
    array of ``dtype``, shape ``shape``

    Raises
    ------
    wengert.WengertTypeError, wengert.ShapeError
        As `uniform`, or if a bound is traced.
    wengert.WengertValueError
        If ``low`` is not below ``high``.
    """
    key = checked_key("truncated_normal", key)
    shape, dtype = _result("truncated_normal", shape, dtype, low=low, high=high)
    if isinstance(low, Tensor) or isinstance(high, Tensor):
        raise WengertTypeError("random.truncated_normal: the bounds must be plain numbers")
    low, high = np.asarray(low, np.float64), np.asarray(high, np.float64)
    if not np.all(low < high):
        raise WengertValueError(
            f"random.truncated_normal: low must be below high, got {low} and {high}"
        )
    # In the tail on the right, probabilities next to 1 have no digits left; it is mirrored.
    mirrored = low > 0
    a, b = np.where(mirrored, -high, low), np.where(mirrored, -low, high)
    u = open_uniform(key, shape, dtype)
    x = ndtri(ndtr(a) + u * (ndtr(b) - ndtr(a)))
    # Rounding may lead beyond a bound.
    return _cast(np.clip(np.where(mirrored, -x, x), low, high), dtype)


def exponential(
    key: Any = None, shape: Any = None, dtype: DTypeLike | None = None, scale: Any = 1.0
) -> Any:
    """Numbers of the exponential distribution with mean ``scale``.

    Parameters
    ----------
    key : uint64 array, shape (2,), or None
        None takes the next key of the stream (`next_key`).
    shape, dtype
        See `uniform`.
    scale : float or array
        May be traced; not negative.

    Returns
    -------
    array of ``dtype``, shape ``shape``

    Raises
    ------
    wengert.WengertTypeError, wengert.ShapeError, wengert.WengertValueError
        As `normal`.
    """
    key = checked_key("exponential", key)
    shape, dtype = _result("exponential", shape, dtype, scale=scale)
    _check_positive("exponential", "scale", scale)
    return _moved(-np.log1p(-random_words(key, shape, dtype)), 0.0, scale, dtype)


def gumbel(
    key: Any = None,
    shape: Any = None,
    dtype: DTypeLike | None = None,
    loc: Any = 0.0,
    scale: Any = 1.0,
) -> Any:
    """Numbers of the Gumbel distribution: ``loc - scale * log(-log(u))`` with uniform ``u``.

    Parameters
    ----------
    key : uint64 array, shape (2,), or None
        None takes the next key of the stream (`next_key`).
    shape, dtype
        See `uniform`.
    loc, scale : float or array
        May be traced; ``scale`` is not negative.

    Returns
    -------
    array of ``dtype``, shape ``shape``

    Raises
    ------
    wengert.WengertTypeError, wengert.ShapeError, wengert.WengertValueError
        As `normal`.
    """
    key = checked_key("gumbel", key)
    shape, dtype = _result("gumbel", shape, dtype, loc=loc, scale=scale)
    _check_positive("gumbel", "scale", scale)
    return _moved(standard_gumbel(key, shape, dtype), loc, scale, dtype)


def standard_gumbel(key: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    """Numbers of the Gumbel distribution with loc 0 and scale 1."""
    return _cast(-np.log(-np.log(open_uniform(key, shape, dtype))), dtype)


def open_uniform(key: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    """Numbers strictly between 0 and 1, symmetric about 1/2, as float64.

    Of 52 bits each, or of 32 for float32.
    """
    if dtype == np.float32:
        return (random_words(key, shape, np.uint32) + 0.5) * 2.0**-32
    return ((random_words(key, shape, np.uint64) >> np.uint64(12)) + 0.5) * 2.0**-52


def sample_shape(function: str, shape: Any, **parameters: Any) -> tuple[int, ...]:
    """The shape asked for, which the parameters must broadcast to, or theirs.

    Raises
    ------
    ShapeError
        If they do not.
    """
    shapes = {name: np.shape(x) for name, x in parameters.items()}
    wanted = None if shape is None else shape_of_draw(function, shape)
    try:
        found = np.broadcast_shapes(*shapes.values())
        if wanted is None:
            return found
        fits = np.broadcast_shapes(found, wanted) == wanted
    except ValueError:
        fits = False
    if fits and wanted is not None:
        return wanted
    described = " and ".join(f"{name} of shape {s}" for name, s in shapes.items())
    target = "each other" if wanted is None else f"shape {wanted}"
    raise ShapeError(f"random.{function}: {described} cannot be broadcast to {target}")


def _result(
    function: str, shape: Any, dtype: DTypeLike | None, **parameters: Any
) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """The shape and the dtype of a sample."""
    for name, x in parameters.items():
        kind = x.dtype.kind if hasattr(x, "dtype") else np.asarray(x).dtype.kind
        if kind not in "fiu":
            raise WengertTypeError(
                f"random.{function}: {name} must be real numbers, got "
                f"{getattr(x, 'dtype', type(x).__name__)}"
            )
    if dtype is None:
        dtypes = [x.dtype for x in parameters.values() if hasattr(x, "dtype")]
        floats = [d for d in dtypes if d.kind == "f"]
        found = np.result_type(*dtypes, np.float32) if floats else np.dtype(np.float64)
    else:
        found = np.dtype(dtype)
    if found not in (np.float64, np.float32):
        raise WengertTypeError(f"random.{function}: dtype must be float64 or float32, got {found}")
    return sample_shape(function, shape, **parameters), found


def _moved(z: Any, loc: Any, scale: Any, dtype: np.dtype[Any]) -> Any:
    if not _is_number(scale, 1):
        z = z * scale
    if not _is_number(loc, 0):
        z = loc + z
    return _cast(z, dtype)


def _is_number(x: Any, value: float) -> bool:
    return isinstance(x, (int, float)) and x == value


def _cast(x: Any, dtype: np.dtype[Any]) -> Any:
    return x if x.dtype == dtype else x.astype(dtype)


def _check_positive(function: str, name: str, x: Any) -> None:
    if not isinstance(x, Tensor) and np.any(np.asarray(x) < 0):
        raise WengertValueError(f"random.{function}: {name} must not be negative, got {x!r}")
