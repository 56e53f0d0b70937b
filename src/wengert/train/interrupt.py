"""Ctrl-C that waits for the end of a step."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["InterruptFlag", "TrainingInterrupted", "deferred_interrupt"]


class TrainingInterrupted(KeyboardInterrupt):
    """Ctrl-C during training, after everything was saved. A ``KeyboardInterrupt``."""


class InterruptFlag:
    """Whether Ctrl-C was pressed."""

    def __init__(self) -> None:
        self.is_set = False


@contextmanager
def deferred_interrupt() -> Iterator[InterruptFlag]:
    """In this block the first Ctrl-C only sets the flag; a second one interrupts at once.

    Parameters and counters then never belong to different steps. Outside the main thread, or where
    the program handles Ctrl-C in its own way, nothing is changed and the flag stays unset.
    """
    flag = InterruptFlag()
    if (
        threading.current_thread() is not threading.main_thread()
        or signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    ):
        yield flag
        return

    def note(signum: int, frame: FrameType | None) -> None:
        flag.is_set = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    signal.signal(signal.SIGINT, note)
    try:
        yield flag
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
