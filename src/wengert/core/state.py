"""The few pieces of global state that recording needs, all in one place.

* one counter numbers tape nodes, tangent levels and recordings, so that "is older than" is one
  integer comparison whatever is compared;
* ``PAUSED`` has one entry for each active ``no_grad`` or ``debug`` block of any thread; the hot
  path tests that list for emptiness, and only when it is not empty asks the context
  whether *this* caller is in one; ``DEBUGGED`` has those of the ``debug`` blocks alone;
* ``RECORDING`` has one entry for each open shape recording and each ``debug`` block of any thread;
  compiled functions, whose native code must not run there, read its length from native code;
* the open shape recordings and the depth of nested transforms are kept per thread, and so are the
  ids of the nodes that a checkpoint reads while it computes again (see `core.liveness`), how far
  eigenvalues that coincide are to be moved apart, and where draws without a key get one inside of a
  recording (see `rules.stream`).
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import ContextDecorator, contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .recorder import Recording

__all__ = [
    "COINCIDENCES",
    "COUNTER",
    "DEBUGGED",
    "LOCAL",
    "PAUSED",
    "RECORDING",
    "SlowPath",
    "awaiting",
    "innermost_recording",
    "is_debugged",
    "is_paused",
    "leaves_tape",
    "next_id",
    "no_grad",
    "set_debugging",
    "tracing",
]

COUNTER = itertools.count(1)  # the fast paths call next(COUNTER) themselves
next_id: Callable[[], int] = COUNTER.__next__

# How often operations met eigenvalues or singular values that coincide (see `rules.spectra`).
COINCIDENCES = [0]

PAUSED: list[None] = []
_paused_here: ContextVar[bool] = ContextVar("wengert_no_grad", default=False)

RECORDING: list[None] = []

DEBUGGED: list[None] = []
_debugged_here: ContextVar[Any] = ContextVar("wengert_debug", default=None)


class SlowPath(ValueError):
    """Leaves a fast path, which takes it for an operand it cannot serve: `bind` is called."""


class _Local(threading.local):
    recordings: list[Recording]
    depth: int
    awaited: frozenset[int]
    split: float
    keys: Any

    def __init__(self) -> None:
        self.recordings = []
        self.depth = 0
        self.awaited = frozenset()
        self.split = 0.0
        self.keys = None


LOCAL = _Local()


def is_paused() -> bool:
    """Whether the caller is inside a ``no_grad`` block (ask only when ``PAUSED`` is not empty)."""
    return _paused_here.get()


def is_debugged() -> Any:
    """The options of the `debug` block the caller is in; None outside of one."""
    return _debugged_here.get()


def leaves_tape() -> bool:
    """`is_paused` for the fast paths, which end here in a `debug` block.

    Raises
    ------
    SlowPath
        There every operation goes through `bind`, which looks at its result. The fast paths ask
        nothing more for it than what they ask for ``no_grad``.
    """
    if DEBUGGED and _debugged_here.get() is not None:
        raise SlowPath
    return _paused_here.get()


@contextmanager
def set_debugging(options: Any) -> Iterator[None]:
    """A `debug` block with these options, for the current thread and context."""
    token = _debugged_here.set(options)
    DEBUGGED.append(None)
    PAUSED.append(None)
    RECORDING.append(None)
    try:
        yield
    finally:
        RECORDING.pop()
        PAUSED.pop()
        DEBUGGED.pop()
        _debugged_here.reset(token)


class no_grad(ContextDecorator):
    """Record nothing in this block: results do not require gradients.

    Applies to the current thread (and context) only. Can be nested and used as a decorator. A
    transform called in the block records as usual. Forward mode has no record: tangents pass
    through the block; what no mode may see goes through `wengert.stop_gradient`.
    """

    __slots__ = ("_tokens",)

    def __init__(self) -> None:
        self._tokens: list[Any] = []  # one for each time that the block is being run

    def __enter__(self) -> None:
        self._tokens.append(_paused_here.set(True))
        PAUSED.append(None)

    def __exit__(self, *_: object) -> None:
        PAUSED.pop()
        _paused_here.reset(self._tokens.pop())

    def _recreate_cm(self) -> no_grad:
        # The calls of a decorated function have a block each: threads may run it at once.
        return no_grad()


@contextmanager
def awaiting(ids: frozenset[int]) -> Iterator[None]:
    """Nodes with these ids are to be differentiated, although their transform may have ended."""
    before = LOCAL.awaited
    LOCAL.awaited = before | ids
    try:
        yield
    finally:
        LOCAL.awaited = before


class innermost_recording:
    """What the current thread does in this block belongs to the recording."""

    __slots__ = ("_recording",)

    def __init__(self, recording: Recording) -> None:
        self._recording = recording

    def __enter__(self) -> None:
        LOCAL.recordings.append(self._recording)
        RECORDING.append(None)

    def __exit__(self, *_: object) -> None:
        RECORDING.pop()
        LOCAL.recordings.pop()


class tracing:
    """A transform is running its function.

    ``float()`` of a tracked value is an error in here, and operations are recorded even where the
    transform was called inside ``no_grad``.
    """

    __slots__ = ("_token",)

    def __enter__(self) -> None:
        LOCAL.depth += 1
        self._token = _paused_here.set(False) if PAUSED else None

    def __exit__(self, *_: object) -> None:
        LOCAL.depth -= 1
        if self._token is not None:
            _paused_here.reset(self._token)
