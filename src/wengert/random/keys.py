"""Keys, and the bits that they stand for."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..core.errors import ShapeError, WengertTypeError, WengertValueError
from ..core.tensor import Tensor
from ..rules.philox import SPLIT
from ..rules.random import fold_in as _fold_in
from ..rules.random import random_words
from ..rules.stream import next_key as _next_key
from ..rules.stream import set_state

__all__ = ["bits", "checked_key", "fold_in", "key", "next_key", "seed", "shape_of_draw", "split"]

_WORD = 64


def key(seed: int) -> NDArray[np.uint64]:
    """The key of a seed.

    Parameters
    ----------
    seed : int
        From 0 to 2**128 - 1; different seeds give different keys.

    Returns
    -------
    uint64 ndarray, shape (2,)
        The seed's low and high 64 bits.

    Raises
    ------
    wengert.WengertTypeError
        If the seed is not an integer.
    wengert.WengertValueError
        If it is out of range.

    Examples
    --------
    >>> import wengert as wg
    >>> wg.random.key(7)
    array([7, 0], dtype=uint64)
    """
    try:
        number = operator.index(seed)
    except TypeError:
        raise WengertTypeError(
            f"random.key: the seed must be an integer, got {type(seed).__name__}; to make a key "
            "from a number that is traced, use fold_in"
        ) from None
    if not 0 <= number < 1 << 2 * _WORD:
        raise WengertValueError(
            f"random.key: the seed must be at least 0 and below 2**128, got {number}"
        )
    return np.array([number % (1 << _WORD), number >> _WORD], np.uint64)


def seed(seed: int) -> None:
    """Begin the stream anew, from which draws without a key get theirs.

    Parameters
    ----------
    seed : int
        See `key`.

    Raises
    ------
    wengert.WengertTypeError, wengert.WengertValueError
        As `key`.

    Examples
    --------
    >>> import wengert as wg
    >>> wg.random.seed(0)
    >>> wg.random.uniform(shape=2)
    array([0.52829835, 0.01391113])
    """
    first, second = key(seed).tolist()
    set_state(first, second)


def next_key() -> Any:
    """The next key of the stream: another one at each call, also of a compiled function.

    It is ``fold_in(key, n)`` for the key that `seed` set (by default one by chance) and the number
    of keys taken since.

    Returns
    -------
    uint64 array, shape (2,)

    Examples
    --------
    >>> import wengert as wg
    >>> wg.random.seed(0)
    >>> bool((wg.random.next_key() == wg.random.fold_in(wg.random.key(0), 0)).all())
    True
    """
    return _next_key()


def split(key: Any, num: int = 2) -> Any:
    """New keys from a key, whose numbers have nothing to do with each other or with the key's own.

    Parameters
    ----------
    key : uint64 array, shape (2,)
    num : int

    Returns
    -------
    uint64 array, shape (num, 2)
        Key ``i`` does not depend on ``num``: it is the words ``2 i`` and ``2 i + 1`` of stream 1.

    Raises
    ------
    wengert.WengertTypeError, wengert.ShapeError
        If ``key`` is not a key.
    wengert.WengertValueError
        If ``num`` is negative.

    Examples
    --------
    >>> import wengert as wg
    >>> first, second = wg.random.split(wg.random.key(0))
    """
    key = checked_key("split", key)
    (count,) = shape_of_draw("split", (num,))
    return random_words(key, (count, 2), np.uint64, SPLIT)


def fold_in(key: Any, data: Any) -> Any:
    """The key that belongs to a key and a number: of a step, a layer, an example.

    Parameters
    ----------
    key : uint64 array, shape (2,)
    data : int or integer array, shape ()
        From 0 to 2**64 - 1; it may be traced. (Of an array that is, negative numbers wrap around.)

    Returns
    -------
    uint64 array, shape (2,)
        The first two words of block ``data`` of stream 2.

    Raises
    ------
    wengert.WengertTypeError
        If ``key`` is not a key, or ``data`` not an integer.
    wengert.WengertValueError
        If a plain number is out of range.

    Examples
    --------
    >>> import wengert as wg
    >>> keys = [wg.random.fold_in(wg.random.key(0), step) for step in range(3)]
    """
    key = checked_key("fold_in", key)
    if isinstance(data, (int, np.integer)) and not isinstance(data, bool):
        if not 0 <= data < 1 << _WORD:
            raise WengertValueError(
                f"random.fold_in: data must be at least 0 and below 2**64, got {data}"
            )
        return _fold_in(key, np.uint64(data))
    dtype = getattr(data, "dtype", None)
    if dtype is None or dtype.kind not in "iu":
        raise WengertTypeError(
            f"random.fold_in: data must be an integer, got {dtype or type(data).__name__}"
        )
    if data.shape != ():
        raise ShapeError(
            f"random.fold_in: data must be one integer, got shape {data.shape}; wengert.vmap makes "
            "a key for each"
        )
    return _fold_in(key, data)


def bits(key: Any = None, shape: Any = (), dtype: DTypeLike = np.uint64) -> Any:
    """Random bits: integers that are uniform over all values of their type.

    Parameters
    ----------
    key : uint64 array, shape (2,), or None
        None takes the next key of the stream (`next_key`).
    shape : int or tuple of int
    dtype : {uint64, uint32}

    Returns
    -------
    array of ``dtype``, shape ``shape``

    Raises
    ------
    wengert.WengertTypeError, wengert.ShapeError
        If an argument is not what it must be.

    Examples
    --------
    >>> import numpy as np, wengert as wg
    >>> wg.random.bits(wg.random.key(0), 2, np.uint32)
    array([149215387,  49592932], dtype=uint32)
    """
    key = checked_key("bits", key)
    dtype = np.dtype(dtype)
    if dtype not in (np.uint64, np.uint32):
        raise WengertTypeError(f"random.bits: dtype must be uint64 or uint32, got {dtype}")
    return random_words(key, shape_of_draw("bits", shape), dtype)


def checked_key(function: str, key: Any) -> Any:
    """The key, if it is one; for None the next one of the stream.

    Raises
    ------
    WengertTypeError
        If it is no array of unsigned 64-bit numbers.
    ShapeError
        If it is not one key.
    """
    if key is None and function not in ("split", "fold_in"):
        return _next_key()
    if not isinstance(key, (np.ndarray, Tensor)) or key.dtype != np.uint64:
        what = f"an array of {key.dtype}" if hasattr(key, "dtype") else f"{key!r}"
        raise WengertTypeError(
            f"random.{function}: expected a key, a uint64 array of shape (2,), got {what}; "
            "wengert.random.key(seed) makes one"
        )
    if key.shape != (2,):
        raise ShapeError(
            f"random.{function}: expected a key of shape (2,), got shape {key.shape}; "
            "wengert.vmap goes over an array of keys"
        )
    return key


def shape_of_draw(function: str, shape: Any) -> tuple[int, ...]:
    """A shape from an integer or integers.

    Raises
    ------
    WengertTypeError, WengertValueError
        If it is not one.
    """
    try:
        sizes = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
        result = tuple([operator.index(n) for n in sizes])
    except TypeError:
        raise WengertTypeError(
            f"random.{function}: shape must be an integer or a tuple of integers, got {shape!r}"
        ) from None
    if any(n < 0 for n in result):
        raise WengertValueError(
            f"random.{function}: shape must not have negative sizes, got {shape!r}"
        )
    return result
