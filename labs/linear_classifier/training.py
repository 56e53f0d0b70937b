"""Long descents: a progress bar, checkpoints to go on from, and Ctrl-C; and the pictures."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from tqdm import tqdm

import wengert as wg
from wengert.train.atomic import write_bytes
from wengert.train.interrupt import deferred_interrupt
from wengert.train.tensors import read_tensors, write_tensors

__all__ = ["Curves", "draw_accuracy", "draw_loss", "figure_of", "follow", "save_figure"]

# Saving takes milliseconds, an epoch of all images a quarter of a second.
_SAVE_EVERY = 50


@dataclass
class Curves:
    """What a descent has reached: weights, loss and accuracy after each epoch, and the time.

    ``of`` says what it descends on, so that a checkpoint is not taken for that of something else.
    """

    weights: NDArray[Any] | None = None
    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    seconds: float = 0.0
    of: str = ""

    @property
    def rises(self) -> int:
        """In how many epochs the loss did not fall."""
        return int(np.sum(np.diff(self.loss) >= 0))

    def save(self, path: Path) -> None:
        """Write a safetensors file, whole or not at all."""
        arrays = {
            "weights": np.asarray(self.weights),
            "loss": np.array(self.loss),
            "accuracy": np.array(self.accuracy),
        }
        write_tensors(path, arrays, {"seconds": self.seconds, "of": self.of})

    @classmethod
    def load(cls, path: Path) -> Curves:
        """Read what `save` wrote.

        Raises
        ------
        wengert.DataError
            If the file is broken.
        """
        try:
            arrays, about = read_tensors(path)
            loss, accuracy = arrays["loss"].tolist(), arrays["accuracy"].tolist()
            return cls(arrays["weights"], loss, accuracy, float(about["seconds"]), about["of"])
        except (KeyError, wg.DataError) as error:
            raise wg.DataError(
                f"{path}: no checkpoint that can be read ({error}); remove it to start anew"
            ) from error


def follow(
    descend: Callable[..., Any],
    epochs: int,
    title: str,
    checkpoint: Path | None = None,
    of: str = "",
) -> Curves:
    """Run a descent with a bar and checkpoints, from the checkpoint on if there is one.

    Parameters
    ----------
    descend : callable
        ``descend(weights, epochs, watch)``; ``weights`` is None at the start, or those to go on
        from. ``watch(weights, loss, accuracy)`` is to be called after each epoch, and to end the
        descent where it returns True.
    epochs : int
        In all, with those before the checkpoint.
    title : str
        For the bar.
    checkpoint : Path, optional
        Saved there every 50 epochs, at the end, and upon Ctrl-C.
    of : str
        What it descends on; a checkpoint of something else is refused.

    Raises
    ------
    KeyboardInterrupt
        After saving, if Ctrl-C was pressed and there is a checkpoint to go on from.
    wengert.DataError
        If the checkpoint cannot be read, or is of something else.
    """
    curves = Curves(of=of)
    if checkpoint is not None and checkpoint.exists():
        curves = Curves.load(checkpoint)
        if curves.of != of:
            raise wg.DataError(f"{checkpoint}: a checkpoint of {curves.of!r}, not of {of!r}")
    left = epochs - len(curves.loss)
    if left <= 0:
        return curves
    bar = _bar(epochs, len(curves.loss), title)
    before, start = curves.seconds, time.perf_counter()
    with bar, deferred_interrupt() as interrupt:

        def watch(weights: Any, loss: float, accuracy: float) -> bool:
            curves.weights = weights
            curves.loss.append(loss)
            curves.accuracy.append(accuracy)
            curves.seconds = before + time.perf_counter() - start
            bar.set_postfix_str(f"loss {loss:.4f}, accuracy {100 * accuracy:.2f} %", refresh=False)
            bar.update()
            if checkpoint is not None and len(curves.loss) % _SAVE_EVERY == 0:
                curves.save(checkpoint)
            return interrupt.is_set

        descend(curves.weights, left, watch)
        if checkpoint is not None:
            curves.save(checkpoint)
        if interrupt.is_set and checkpoint is not None:
            raise KeyboardInterrupt(f"{len(curves.loss)} epochs are saved in {checkpoint}")
    return curves


def _bar(epochs: int, done: int, title: str) -> Any:
    # A terminal sees the bar move; a log gets a line a minute.
    interval = 0.2 if sys.stderr.isatty() else 60.0
    return tqdm(total=epochs, initial=done, desc=title, unit="epoch", mininterval=interval)


# ------------------------------------------------------------------ pictures


def draw_loss(ax: Axes, curves: Mapping[str, Curves], title: str) -> None:
    """Loss over epochs; the key of each curve is its label."""
    for label, c in curves.items():
        ax.plot(np.arange(1, len(c.loss) + 1), c.loss, label=label)
    _finish(ax, title, "cross entropy (nats)", len(curves))


def draw_accuracy(ax: Axes, curves: Mapping[str, Curves], title: str) -> None:
    """Accuracy in percent over epochs."""
    for label, c in curves.items():
        ax.plot(np.arange(1, len(c.loss) + 1), 100 * np.array(c.accuracy), label=label)
    _finish(ax, title, "training accuracy (%)", len(curves))


def _finish(ax: Axes, title: str, quantity: str, curves: int) -> None:
    ax.set(xlabel="epoch", ylabel=quantity, title=title)
    ax.grid(alpha=0.3)
    ax.spines[["top", "right"]].set_visible(False)
    if curves > 1:
        ax.legend(frameon=False)


def figure_of(curves: Mapping[str, Curves], title: str) -> Figure:
    """Loss and accuracy over the epochs, side by side."""
    figure = Figure(figsize=(10, 4), dpi=110, layout="constrained")
    figure.suptitle(title)
    left, right = figure.subplots(1, 2)
    draw_loss(left, curves, "Loss")
    draw_accuracy(right, curves, "Accuracy")
    return figure


def save_figure(path: Path, figure: Figure) -> None:
    """Write a PNG file, whole or not at all."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    write_bytes(path, buffer.getvalue())
