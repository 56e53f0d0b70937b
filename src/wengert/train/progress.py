"""What a person sees while a model trains."""

from __future__ import annotations

import sys
import time
from typing import Any, TextIO

from wengert.data.optional import require
from wengert.train.history import Record, Sums

__all__ = ["Reporter"]

# Redrawing the bar costs more than a small training step.
_REDRAW_SECONDS = 0.1
# A long run shows this many epochs as lines of their own.
_EPOCH_LINES = 10


class Reporter:
    """A progress bar with loss and accuracy on a terminal, one line per epoch elsewhere.

    Parameters
    ----------
    quiet : bool
        Show nothing.
    stream : text file, optional
        Standard error unless given.
    """

    def __init__(self, *, quiet: bool = False, stream: TextIO | None = None) -> None:
        self._quiet = quiet
        self._stream = stream if stream is not None else sys.stderr
        self._bar: Any = None
        self._epochs = 0
        self._next_redraw = 0.0

    def start(self, epochs: int, total_steps: int, done_steps: int) -> None:
        """Training begins, or goes on after ``done_steps``."""
        self._epochs = epochs
        if self._quiet or not self._stream.isatty():
            return
        tqdm = require("tqdm", "train", "for the progress bar")
        self._bar = tqdm.tqdm(
            total=total_steps,
            initial=done_steps,
            unit=" steps",
            file=self._stream,
            dynamic_ncols=True,
            leave=False,
        )

    def step(self, step: int, epoch: int, sums: Sums) -> None:
        """``step`` steps are done, in epoch number ``epoch`` (from 1)."""
        if self._bar is None:
            return
        now = time.monotonic()
        if now >= self._next_redraw:
            self._next_redraw = now + _REDRAW_SECONDS
            self._bar.set_description_str(f"epoch {epoch}/{self._epochs}", refresh=False)
            self._bar.set_postfix_str(
                f"loss {sums.mean_loss:.4f}, accuracy {100 * sums.accuracy:.1f} %", refresh=False
            )
            self._bar.update(step - self._bar.n)

    def epoch(self, record: Record) -> None:
        """An epoch has ended."""
        epoch = record["epoch"]
        every = max(1, self._epochs // _EPOCH_LINES)
        if self._quiet or (epoch % every and epoch != self._epochs):
            return
        text = (
            f"epoch {epoch:{len(str(self._epochs))}}/{self._epochs}: loss "
            f"{record['train_loss']:.4f}, accuracy {100 * record['train_accuracy']:.2f} %"
        )
        if "validation_loss" in record:
            text += (
                f"; validation loss {record['validation_loss']:.4f}, "
                f"accuracy {100 * record['validation_accuracy']:.2f} %"
            )
        if self._bar is not None:
            self._bar.update(record["step"] - self._bar.n)
            self._bar.write(text, file=self._stream)
        else:
            print(text, file=self._stream, flush=True)

    def close(self) -> None:
        """Training has ended, in whatever way."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
