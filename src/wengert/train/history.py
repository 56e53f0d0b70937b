"""What a training run measures, as records that JSON can represent.

Records hold nothing that differs between two equal runs (no times, no paths): the file of an
interrupted and resumed run is equal, byte for byte, to that of an uninterrupted one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, TypeAlias

__all__ = ["Progress", "Record", "Sums", "json_lines"]

Record: TypeAlias = dict[str, Any]


@dataclass
class Sums:
    """Sums over examples, from which means are taken."""

    loss: float = 0.0
    correct: int = 0
    count: int = 0

    def add(self, mean_loss: float, correct: int, count: int) -> None:
        """Add a batch of ``count`` examples."""
        self.loss += mean_loss * count
        self.correct += correct
        self.count += count

    @property
    def mean_loss(self) -> float:
        """Mean loss per example."""
        return self.loss / self.count

    @property
    def accuracy(self) -> float:
        """Fraction of examples that were classified correctly."""
        return self.correct / self.count


@dataclass
class Progress:
    """How far a run has come.

    With the parameters and the optimizer state this is all that a resumed run needs.

    Attributes
    ----------
    epoch : int
        Epochs completed.
    batch : int
        Batches done in the epoch that has begun.
    epoch_sums, window_sums : Sums
        Over the epoch that has begun, and since the last record within it.
    records : list of dict
    first_loss : float, optional
        The loss of the first batch, before any update: what later losses are compared with.
    """

    epoch: int = 0
    batch: int = 0
    epoch_sums: Sums = field(default_factory=Sums)
    window_sums: Sums = field(default_factory=Sums)
    records: list[Record] = field(default_factory=list)
    first_loss: float | None = None

    def to_json(self) -> dict[str, Any]:
        """As a dict that `from_json` reads back exactly: floats survive JSON in Python."""
        return {
            "epoch": self.epoch,
            "batch": self.batch,
            "epoch_sums": vars(self.epoch_sums),
            "window_sums": vars(self.window_sums),
            "records": self.records,
            "first_loss": self.first_loss,
        }

    @classmethod
    def from_json(cls, state: dict[str, Any]) -> Progress:
        """The inverse of `to_json`."""
        return cls(
            state["epoch"],
            state["batch"],
            Sums(**state["epoch_sums"]),
            Sums(**state["window_sums"]),
            list(state["records"]),
            state.get("first_loss"),
        )


def json_lines(records: list[Record]) -> bytes:
    """One JSON object a line."""
    return "".join(json.dumps(record) + "\n" for record in records).encode()
