"""The random words of a key: the counter-based generator Philox4x64-10.

J. Salmon, M. Moraes, R. Dror, D. Shaw, Parallel random numbers: as easy as 1, 2, 3, SC 2011. A key
is two unsigned 64-bit numbers. Block ``i`` of its stream ``s`` is the four words that Philox makes
of that key and of the counter ``(i + 1, 0, 0, s)``, least significant word first. So stream 0 is
what ``numpy.random.Philox(key=key).random_raw()`` gives, and NumPy's generator in C computes it.
Numbers are made of words as `numpy.random.Generator` makes them:

===========  =====================================================================
``uint64``   the words
``uint32``   the low half of each word, then its high half
``float64``  ``(w >> 11) * 2**-53`` of the 64-bit words
``float32``  ``(w >> 8) * 2**-24`` of the 32-bit words
===========  =====================================================================

Why 64 bits wide and not Threefry or Philox4x32, as other libraries have it: written in NumPy these
take 25 to 60 ns for a word, and 0.1 to 0.4 ms for the first; NumPy's own Philox takes 5 ns, and
starts in 1.5 us.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

__all__ = ["DRAW", "FOLD", "SPLIT", "draw", "first_words", "philox"]

# Streams of a key, kept apart by the last word of the counter: the numbers drawn with it, the keys
# that are split from it, and those into which something is folded.
DRAW, SPLIT, FOLD = 0, 1, 2

# From so many keys on, the blocks of all together in NumPy cost less than to start NumPy's
# generator for each, as long as they are few.
_MANY_KEYS = 512
_FEW_BLOCKS = 4

_MULTIPLIERS = np.uint64(0xD2E7470EE14C6C93), np.uint64(0xCA5A826395121157)
_INCREMENTS = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBB67AE8584CAA73B)
_ROUNDS = 10
_LOW, _HALF = np.uint64(0xFFFFFFFF), np.uint64(32)


class _Generator(threading.local):
    """NumPy's generator, one for each thread, started anew for each draw."""

    def __init__(self) -> None:
        self.bits = np.random.Philox(0)
        self.numbers = np.random.Generator(self.bits)

    def start(self, key: Any, counter: tuple[int, int, int, int]) -> None:
        self.bits.state = {
            "bit_generator": "Philox",
            "state": {"counter": np.array(counter, np.uint64), "key": key},
            "buffer": _EMPTY,
            "buffer_pos": 4,
            "has_uint32": 0,
            "uinteger": 0,
        }


_EMPTY = np.zeros(4, np.uint64)
_generator = _Generator()


def draw(keys: Any, shape: tuple[int, ...], dtype: np.dtype[Any], stream: int) -> Any:
    """Numbers from the beginning of a stream of each key, uniform over the range of the type.

    Parameters
    ----------
    keys : uint64 array, shape (..., 2)
    shape : tuple of int
        Numbers for each key.
    dtype : dtype
        uint64, uint32, float64 or float32 (from 0 to below 1).
    stream : int

    Returns
    -------
    array, shape (..., *shape)
    """
    if keys.ndim == 1:
        return _from_start(keys, shape, dtype, stream)
    out = np.empty((*keys.shape[:-1], *shape), dtype)
    flat = keys.reshape(-1, 2)
    if not out.size:
        return out
    count = out.size // len(flat)
    blocks = -(-count * dtype.itemsize // 32)
    if len(flat) >= _MANY_KEYS and blocks <= _FEW_BLOCKS:
        counters = np.arange(1, blocks + 1, dtype=np.uint64)
        words = philox((counters, 0, 0, stream), flat[:, None, :]).reshape(len(flat), -1)
        out[...] = _numbers(words, count, dtype).reshape(out.shape)
    else:
        rows = out.reshape(len(flat), *shape)
        for i, key in enumerate(flat):
            rows[i] = _from_start(key, shape, dtype, stream)
    return out


def _from_start(key: Any, shape: tuple[int, ...], dtype: np.dtype[Any], stream: int) -> Any:
    _generator.start(key, (0, 0, 0, stream))
    if dtype.kind == "f":
        # Equal to _numbers of the words, without passes of their own.
        return _generator.numbers.random(shape, dtype=dtype.type)[()]
    count = 1
    for n in shape:
        count *= n
    words = _generator.bits.random_raw(-(-count * dtype.itemsize // 8))
    return _numbers(words, count, dtype).reshape(shape)[()]


def _numbers(words: Any, count: int, dtype: np.dtype[Any]) -> Any:
    """The first ``count`` numbers of words, along the last axis."""
    if dtype.itemsize == 4:
        # The low half first, on machines of either byte order.
        halves = np.ascontiguousarray(words).astype("<u8", copy=False).view("<u4")
        words = halves.astype(np.uint32, copy=False)
    words = words[..., :count]
    if dtype.kind == "u":
        return words
    if dtype.itemsize == 4:
        return (words >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)
    return (words >> np.uint64(11)) * 2.0**-53


def first_words(keys: Any, blocks: Any, stream: int) -> Any:
    """The first two words of one block of each key's stream.

    Parameters
    ----------
    keys : uint64 array, shape (..., 2)
    blocks : uint64 array, shape (...)
        The numbers of the blocks.

    Returns
    -------
    uint64 array, shape (..., 2), of the shapes broadcast
    """
    shape = np.broadcast_shapes(keys.shape[:-1], blocks.shape)
    keys = np.broadcast_to(keys, (*shape, 2)).reshape(-1, 2)
    blocks = np.broadcast_to(blocks, shape).reshape(-1)
    if len(keys) >= _MANY_KEYS:
        low = blocks + np.uint64(1)
        words = philox((low, low == 0, 0, stream), keys)[:, :2]
    else:
        words = np.empty((len(keys), 2), np.uint64)
        for row, key, block in zip(words, keys, blocks.tolist(), strict=True):
            # The generator counts before it computes.
            _generator.start(key, (block, 0, 0, stream))
            row[...] = _generator.bits.random_raw(2)
    return words.reshape(*shape, 2)


def philox(counter: tuple[Any, Any, Any, Any], keys: Any) -> Any:
    """Philox4x64-10 in NumPy, of many counters and keys at once.

    Parameters
    ----------
    counter : four uint64 arrays or integers
        Least significant word first.
    keys : uint64 array, shape (..., 2)

    Returns
    -------
    uint64 array, shape (..., 4), of the shapes broadcast
    """
    c0, c1, c2, c3 = (np.asarray(c).astype(np.uint64) for c in counter)
    k0, k1 = keys[..., 0], keys[..., 1]
    with np.errstate(over="ignore"):  # unsigned scalars that wrap around, as they should
        for _ in range(_ROUNDS):
            high0, high2 = _high(_MULTIPLIERS[0], c0), _high(_MULTIPLIERS[1], c2)
            low0, low2 = _MULTIPLIERS[0] * c0, _MULTIPLIERS[1] * c2
            c0, c1, c2, c3 = high2 ^ c1 ^ k0, low2, high0 ^ c3 ^ k1, low0
            k0, k1 = k0 + _INCREMENTS[0], k1 + _INCREMENTS[1]
    return np.stack(np.broadcast_arrays(c0, c1, c2, c3), axis=-1)


def _high(a: Any, b: Any) -> Any:
    """The high words of products of 64-bit words, from products of their halves."""
    a0, a1, b0, b1 = a & _LOW, a >> _HALF, b & _LOW, b >> _HALF
    middle = a1 * b0 + (a0 * b0 >> _HALF)
    carried = a0 * b1 + (middle & _LOW)
    return a1 * b1 + (middle >> _HALF) + (carried >> _HALF)
