"""The directory of one training run: what is in it, and how it is continued."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import wengert as wg
from wengert import nn, tree
from wengert.data.optional import require
from wengert.train.atomic import check_writable, remove, remove_leftovers, write_bytes
from wengert.train.history import Progress, Record, json_lines
from wengert.train.model_file import save_model
from wengert.train.plots import plot
from wengert.train.tensors import fill, read_tensors, write_tensors

__all__ = ["Run"]

_FORMAT = 2
_KEYS = {"description", "training", "epochs", "progress"}


class Run:
    """The files of one training run, each written atomically.

    ``checkpoint.safetensors`` holds all that a resumed run needs; ``model.safetensors``,
    ``metrics.jsonl``, ``loss.png`` and ``accuracy.png`` are the results; ``timing.jsonl`` holds the
    seconds of each epoch, apart from the metrics because no two runs agree in them.

    Parameters
    ----------
    directory : str or path
        Made if it does not exist.
    description : mapping, optional
        What the run is, as far as it decides the numbers (settings, data): JSON. Saved with the
        checkpoint and compared when the run is resumed.
    model_description : mapping, optional
        Saved with the model; see `save_model`.
    title : str
        Begins the titles of the plots.
    resume : bool
        Go on from the checkpoint in the directory.
    overwrite : bool
        Remove the files of an earlier run (only those named above).

    Raises
    ------
    wengert.DataError
        If the directory cannot be written.
    wengert.ConfigError
        If the directory holds a run and neither ``resume`` nor ``overwrite`` is given, both are, or
        there is nothing to resume.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        *,
        description: Mapping[str, Any] | None = None,
        model_description: Mapping[str, Any] | None = None,
        title: str = "",
        resume: bool = False,
        overwrite: bool = False,
    ) -> None:
        self.directory = Path(directory)
        self.description = dict(description or {})
        self.model_description = dict(model_description or {})
        self.title = title
        self.resume = resume
        self.checkpoint = self.directory / "checkpoint.safetensors"
        self.model = self.directory / "model.safetensors"
        self.metrics = self.directory / "metrics.jsonl"
        self.timing = self.directory / "timing.jsonl"
        self.loss_plot = self.directory / "loss.png"
        self.accuracy_plot = self.directory / "accuracy.png"
        # Found out now rather than after the training.
        require("safetensors.numpy", "train", "to save the model")
        require("matplotlib.figure", "train", "to draw the plots")
        self._prepare(resume, overwrite)

    def _prepare(self, resume: bool, overwrite: bool) -> None:
        if resume and overwrite:
            raise wg.ConfigError("resume and overwrite exclude each other")
        files = (
            self.checkpoint,
            self.model,
            self.metrics,
            self.timing,
            self.loss_plot,
            self.accuracy_plot,
        )
        present = [path for path in files if path.exists()]
        if resume and not self.checkpoint.exists():
            raise wg.ConfigError(
                f"{self.directory}: no run to resume ({self.checkpoint.name} is not there); leave "
                "out --resume to start one"
            )
        if present and not (resume or overwrite):
            raise wg.ConfigError(
                f"{self.directory}: already holds a run ({present[0].name}); --resume continues "
                "it, --overwrite starts again, --out names another directory"
            )
        check_writable(self.directory)
        remove_leftovers(self.directory)
        if overwrite:
            for path in present:
                remove(path)

    def save_checkpoint(
        self,
        training: Mapping[str, Any],
        epochs: int,
        model: Any,
        optimizer_state: Any,
        progress: Progress,
    ) -> None:
        """Save all that `restore` needs, then the metrics up to here.

        Parameters
        ----------
        training : mapping
            What a resumed run must agree with, beside ``description``.
        epochs : int
            How many epochs are planned; a resumed run may plan more.
        model, optimizer_state : containers of arrays
        progress : Progress
        """
        arrays = {f"model.{name}": a for name, a in nn.named_arrays(model).items()}
        arrays |= {f"optimizer.{name}": a for name, a in nn.named_arrays(optimizer_state).items()}
        content = {
            "format": _FORMAT,
            "description": self.description,
            "training": training,
            "epochs": epochs,
            "progress": progress.to_json(),
        }
        write_tensors(self.checkpoint, arrays, content)
        if progress.records:  # an empty file would look like one that a full disk cut short
            write_bytes(self.metrics, json_lines(progress.records))

    def restore(
        self, training: Mapping[str, Any], model: Any, optimizer_state: Any
    ) -> tuple[Any, Any, Progress]:
        """The model, the optimizer state and the progress in the checkpoint.

        Parameters
        ----------
        training : mapping
            As for `save_checkpoint`.
        model, optimizer_state : containers of arrays
            Give the structure, the shapes and the dtypes.

        Raises
        ------
        wengert.ConfigError
            If the checkpoint was made with other settings or data.
        wengert.DataError
            If the checkpoint is damaged.
        """
        arrays, content = read_checkpoint(self.checkpoint)
        # The description comes first: it has the words in which the run was asked for.
        self._compare(content["description"], self.description)
        self._compare(content["training"], training)
        template = {f"model.{name}": a for name, a in nn.named_arrays(model).items()}
        split = len(template)
        template |= {f"optimizer.{name}": a for name, a in nn.named_arrays(optimizer_state).items()}
        leaves = fill(self.checkpoint, arrays, template)
        return (
            tree.unflatten(tree.structure(model), leaves[:split]),
            tree.unflatten(tree.structure(optimizer_state), leaves[split:]),
            _read_progress(self.checkpoint, content["progress"]),
        )

    def _compare(self, saved: Mapping[str, Any], now: Mapping[str, Any]) -> None:
        current = json.loads(json.dumps(now))  # tuples become lists, as in the file
        differences = [
            f"{key} {_show(saved.get(key))} (now {_show(current.get(key))})"
            for key in sorted({*saved, *current})
            if saved.get(key) != current.get(key)
        ]
        if differences:
            raise wg.ConfigError(
                f"{self.directory}: was made with other settings: {', '.join(differences)}; resume "
                "it with the same ones, or start another run with --out or --overwrite"
            )

    def save_results(self, model: Any, records: list[Record]) -> None:
        """Save the model, the metrics and the plots."""
        save_model(self.model, model, self.model_description)
        write_bytes(self.metrics, json_lines(records))
        prefix = f"{self.title}: " if self.title else ""
        write_bytes(self.loss_plot, plot(records, "loss", f"{prefix}loss"))
        write_bytes(self.accuracy_plot, plot(records, "accuracy", f"{prefix}accuracy"))

    def add_timing(self, record: Record) -> None:
        """Add a record to ``timing.jsonl``."""
        earlier = self.timing.read_bytes() if self.timing.exists() else b""
        write_bytes(self.timing, earlier + json_lines([record]))


def read_checkpoint(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The arrays of a checkpoint and the rest of its content.

    Raises
    ------
    wengert.DataError
        If the file is damaged or of another format.
    """
    arrays, content = read_tensors(path)
    found = content.get("format") if isinstance(content, dict) else None
    if found != _FORMAT or not _KEYS <= content.keys():
        raise wg.DataError(
            f"{path}: not a checkpoint that this version of wengert reads (format {found!r}, "
            f"expected {_FORMAT}); start again with --overwrite"
        )
    for key in ("description", "training", "progress"):
        if not isinstance(content[key], dict):
            raise wg.DataError(f"{path}: damaged: its {key} is a {type(content[key]).__name__}")
    return arrays, content


def _read_progress(path: Path, state: dict[str, Any]) -> Progress:
    try:
        return Progress.from_json(state)
    except (KeyError, TypeError, ValueError) as error:
        raise wg.DataError(
            f"{path}: damaged: its progress cannot be read ({error}); start again with --overwrite"
        ) from error


def _show(value: Any) -> str:
    text = json.dumps(value) if not isinstance(value, str) else value
    return text if len(text) <= 24 else f"{text[:12]}..."
