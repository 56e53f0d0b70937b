"""The stream: keys for draws that name none, one after the other.

Its state is a key and the number of keys that were taken, `fold_in` of which is the next one. A
recording does not take keys but the state as an input (`recorded`), so that compiled code draws
anew at each call, and the numbers that the function would draw uncompiled.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..core.state import LOCAL
from .random import fold_in

__all__ = ["RecordedKeys", "next_key", "recorded", "remembered", "repeated", "set_state", "take"]

_lock = threading.Lock()
# Key (two words) and count; chosen by chance when it is first asked for.
_state: list[int] = []


def set_state(first: int, second: int, count: int = 0) -> None:
    """Begin the stream of a key anew.

    Parameters
    ----------
    first, second : int
        The words of the key.
    count : int
        How many keys have been taken.
    """
    with _lock:
        _state[:] = [first, second, count]


def take(count: int) -> Any:
    """The state before taking ``count`` keys: a uint64 array, shape (3,); traced in a recording."""
    source = LOCAL.keys
    if source is not None:
        return source.take(count)
    with _lock:
        if not _state:
            _state[:] = [secrets.randbits(64), secrets.randbits(64), 0]
        state = np.array(_state, np.uint64)
        _state[2] += count
    return state


def next_key() -> Any:
    """The next key of the stream: a uint64 array, shape (2,)."""
    return _key_of(take(1))


def _key_of(state: Any) -> Any:
    return fold_in(state[:2], state[2])


class RecordedKeys:
    """The stream inside of a recording: its state is an input, counted from there.

    Attributes
    ----------
    count : int
        The keys that were taken.
    """

    def __init__(self, state: Any) -> None:
        self.count = 0
        self._state = state

    def take(self, count: int) -> Any:
        """The state before taking so many keys."""
        before = np.array([0, 0, self.count], np.uint64)
        self.count += count
        return self._state + before


class _Remembered:
    """Takes from the stream, and remembers what it took."""

    def __init__(self) -> None:
        self.states: list[Any] = []
        self._outer = LOCAL.keys

    def take(self, count: int) -> Any:
        inner, LOCAL.keys = LOCAL.keys, self._outer
        try:
            state = take(count)
        finally:
            LOCAL.keys = inner
        self.states.append(state)
        return state


class _Repeated:
    """What was taken before, once more; after that (the function did more than before) new keys."""

    def __init__(self, states: list[Any]) -> None:
        self._rest = iter(states)
        self._outer = LOCAL.keys

    def take(self, count: int) -> Any:
        state = next(self._rest, None)
        if state is not None:
            return state
        inner, LOCAL.keys = LOCAL.keys, self._outer
        try:
            return take(count)
        finally:
            LOCAL.keys = inner


@contextmanager
def _source(source: Any) -> Iterator[Any]:
    before, LOCAL.keys = LOCAL.keys, source
    try:
        yield source
    finally:
        LOCAL.keys = before


def recorded(state: Any) -> Any:
    """A block in which keys are made of a traced state; gives a `RecordedKeys`."""
    return _source(RecordedKeys(state))


@contextmanager
def remembered() -> Iterator[list[Any]]:
    """A block whose keys can be had again with `repeated`; gives what that needs."""
    with _source(_Remembered()) as source:
        yield source.states


def repeated(states: list[Any]) -> Any:
    """A block in which the keys are those of an earlier block."""
    return _source(_Repeated(states))
