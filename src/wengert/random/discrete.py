"""Integers, truth values and orders. They have no derivatives: every result is plain."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index
from numpy.typing import DTypeLike

from ..core.errors import ShapeError, WengertTypeError, WengertValueError
from ..core.tensor import Tensor
from ..numpy.indexing import take
from ..rules.random import random_words
from ..transforms.stop import stop_gradient
from .distributions import sample_shape, standard_gumbel
from .keys import checked_key, shape_of_draw

__all__ = ["bernoulli", "categorical", "choice", "permutation", "randint"]

_HALF, _LOW = np.uint64(32), np.uint64(0xFFFFFFFF)


def bernoulli(key: Any = None, p: Any = 0.5, shape: Any = None) -> Any:
    """True with probability ``p``.

    Parameters
    ----------
    key : uint64 array, shape (2,), or None
        None takes the next key of the stream (`next_key`).
    p : float or array
        From 0 to 1. Of a float32 array, the probability is rounded to a multiple of 2**-24; else of
        2**-53.
    shape : int or tuple of int, optional
        By default that of ``p``.

    Returns
    -------
    bool array, shape ``shape``

    Raises
    ------
    wengert.WengertTypeError, wengert.ShapeError
        If an argument is not what it must be.
    wengert.WengertValueError
        If a known ``p`` is below 0 or above 1.
    """
    key = checked_key("bernoulli", key)
    dtype = p.dtype if hasattr(p, "dtype") else np.asarray(p).dtype
    if dtype.kind not in "fiu":
        raise WengertTypeError(f"random.bernoulli: p must be real numbers, got {dtype}")
    if not isinstance(p, Tensor) and not np.all((0 <= np.asarray(p)) & (np.asarray(p) <= 1)):
        raise WengertValueError(f"random.bernoulli: p must be from 0 to 1, got {p!r}")
    draws = np.float32 if dtype == np.float32 else np.float64
    return random_words(key, sample_shape("bernoulli", shape, p=p), draws) < p


def randint(key: Any, shape: Any, low: int, high: int, dtype: DTypeLike = np.int64) -> Any:
    """Integers that are uniform from ``low`` to below ``high``.

    Parameters
    ----------
    key : uint64 array, shape (2,), or None
        None takes the next key of the stream (`next_key`).
    shape : int or tuple of int
    low, high : int
    dtype : dtype
        An integer type that has all of them.

    Returns
    -------
    array of ``dtype``, shape ``shape``

    Raises
    ------
    wengert.WengertTypeError, wengert.WengertValueError
        If an argument is not what it must be.

    Notes
    -----
    With n = ``high - low``, the high word of ``n`` times a word (D. Lemire, Fast random integer
    generation in an interval, ACM TOMACS 2019, without its rejection). No probability differs from
    1/n by more than 2**-64, so that for n to 2**32 the difference is not to be seen.
    """
    key = checked_key("randint", key)
    dtype = np.dtype(dtype)
    if dtype.kind not in "iu":
        raise WengertTypeError(f"random.randint: dtype must be an integer type, got {dtype}")
    try:
        low, high = operator.index(low), operator.index(high)
    except TypeError:
        raise WengertTypeError(
            f"random.randint: low and high must be integers, got {low!r} and {high!r}"
        ) from None
    limits = np.iinfo(dtype)
    if not limits.min <= low < high <= limits.max + 1:
        raise WengertValueError(
            f"random.randint: needs low < high within the {dtype} numbers, got low = {low} and "
            f"high = {high}"
        )
    # Never a scalar, for scalars warn when they wrap around.
    words = random_words(key, (1, *shape_of_draw("randint", shape)), np.uint64)
    n = high - low
    if n < 1 << 64:
        words = _high_word(words, n)
    # In unsigned numbers, which wrap around, low may be negative and the sum still right.
    return (words + np.uint64(low % (1 << 64))).astype(dtype)[0]


def _high_word(words: Any, n: int) -> Any:
    """``words * n // 2**64``, from products of halves."""
    n0, n1 = np.uint64(n & 0xFFFFFFFF), np.uint64(n >> 32)
    w0, w1 = words & _LOW, words >> _HALF
    if not n1:
        return (w1 * n0 + (w0 * n0 >> _HALF)) >> _HALF
    middle = w1 * n0 + (w0 * n0 >> _HALF)
    carried = w0 * n1 + (middle & _LOW)
    return w1 * n1 + (middle >> _HALF) + (carried >> _HALF)


def permutation(key: Any, x: Any, axis: int = 0) -> Any:
    """A random order of integers, or of what stands along an axis of an array.

    Parameters
    ----------
    key : uint64 array, shape (2,), or None
        None takes the next key of the stream (`next_key`).
    x : int or array
        An integer n stands for ``arange(n)``. Derivatives flow through an array.
    axis : int

    Returns
    -------
    array

    Raises
    ------
    wengert.WengertTypeError, wengert.WengertValueError, wengert.ShapeError
        If an argument is not what it must be.
    """
    key = checked_key("permutation", key)
    if np.ndim(x):
        x = x if isinstance(x, Tensor) else np.asarray(x)
        axis = normalize_axis_index(axis, x.ndim)
        return take(x, _order(key, x.shape[axis]), axis)
    return _order(key, _count("permutation", x))


def _order(key: Any, n: int) -> Any:
    # Two of a million words are equal with a probability of 3e-8; then the first stays first.
    return np.argsort(random_words(key, (n,), np.uint64), kind="stable")


def _count(function: str, x: Any) -> int:
    try:
        n = operator.index(x)
    except TypeError:
        raise WengertTypeError(
            f"random.{function}: expected an integer or an array, got {x!r}"
        ) from None
    if n < 0:
        raise WengertValueError(f"random.{function}: expected at least 0, got {n}")
    return n


def choice(
    key: Any, a: Any, shape: Any = (), replace: bool = True, p: Any = None, axis: int = 0
) -> Any:
    """Elements of an array, drawn with or without replacement.

    Parameters
    ----------
    key : uint64 array, shape (2,), or None
        None takes the next key of the stream (`next_key`).
    a : int or array
        An integer n stands for ``arange(n)``. Derivatives flow through an array.
    shape : int or tuple of int
        Takes the place of the axis that is drawn from.
    replace : bool
        Whether an element can be drawn more than once.
    p : array, shape (n,), optional
        The probabilities, whose sum is 1; by default they are equal.
    axis : int
        What is drawn from in an array.

    Returns
    -------
    array

    Raises
    ------
    wengert.WengertTypeError, wengert.ShapeError
        If an argument is not what it must be.
    wengert.WengertValueError
        If there are not enough elements, or ``p`` are no probabilities.
    """
    key = checked_key("choice", key)
    is_array = bool(np.ndim(a))
    if is_array:
        a = a if isinstance(a, Tensor) else np.asarray(a)
        axis = normalize_axis_index(axis, a.ndim)
    n = a.shape[axis] if is_array else _count("choice", a)
    sizes = shape_of_draw("choice", shape)
    count = int(np.prod(sizes))
    enough = count if not replace else min(count, 1)
    p = _probabilities(p, n, enough)
    if n < enough:
        raise WengertValueError(
            f"random.choice: cannot draw {count} of {n} elements"
            f"{'' if replace else ' without replacement'}"
        )
    if not replace:
        chosen = _distinct(key, n, p)[:count]
    elif p is None:
        chosen = randint(key, (count,), 0, max(n, 1))
    else:
        sums = np.cumsum(p)
        chosen = np.searchsorted(sums, random_words(key, (count,), np.float64) * sums[-1], "right")
    chosen = chosen.reshape(sizes)
    return take(a, chosen, axis) if is_array else chosen


def _distinct(key: Any, n: int, p: Any) -> Any:
    """All elements, in an order in which the likely ones come early.

    Sorting log p + Gumbel noise is drawing one after the other without replacement (W. Kool et al.,
    Stochastic beams and where to find them, ICML 2019, section 2.3).
    """
    if p is None:
        return _order(key, n)
    with np.errstate(divide="ignore"):
        scores = np.log(p) + standard_gumbel(key, (n,), np.dtype(np.float64))
    return np.argsort(-scores, kind="stable")


def _probabilities(p: Any, n: int, needed: int) -> Any:
    if p is None:
        return None
    if isinstance(p, Tensor):
        p = stop_gradient(p)
    else:
        p = np.asarray(p, np.float64)
    if p.shape != (n,):
        raise ShapeError(f"random.choice: {n} elements need p of shape ({n},), got {p.shape}")
    if isinstance(p, np.ndarray):
        if not np.all(p >= 0) or abs(p.sum() - 1) > 1e-6:
            raise WengertValueError("random.choice: p must be at least 0 and have the sum 1")
        if np.count_nonzero(p) < needed:
            raise WengertValueError(
                f"random.choice: cannot draw {needed} elements, of which only "
                f"{np.count_nonzero(p)} have a probability above 0"
            )
    return p


def categorical(key: Any, logits: Any, shape: Any = None, axis: int = -1) -> Any:
    """Classes with the probabilities ``softmax(logits)``.

    Parameters
    ----------
    key : uint64 array, shape (2,), or None
        None takes the next key of the stream (`next_key`).
    logits : array
        Classes along ``axis``.
    shape : int or tuple of int, optional
        What the other axes of ``logits`` broadcast to; by default their sizes.
    axis : int

    Returns
    -------
    int64 array, shape ``shape``
        Argument of the maximum of ``logits`` plus Gumbel noise.

    Raises
    ------
    wengert.WengertTypeError, wengert.ShapeError
        If an argument is not what it must be.
    """
    key = checked_key("categorical", key)
    logits = stop_gradient(logits) if isinstance(logits, Tensor) else np.asarray(logits)
    if logits.dtype.kind != "f":
        raise WengertTypeError(f"random.categorical: logits must be floats, got {logits.dtype}")
    logits = np.moveaxis(logits, axis, -1)
    if not logits.shape[-1]:
        raise ShapeError(
            f"random.categorical: logits of shape {logits.shape} have no classes to draw from"
        )
    others = sample_shape("categorical", shape, logits=logits[..., 0])
    noise_type = np.dtype(np.float32 if logits.dtype == np.float32 else np.float64)
    noise = standard_gumbel(key, (*others, logits.shape[-1]), noise_type)
    return np.argmax(logits + noise, axis=-1)
