"""A named model trained on a named data set."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

import wengert as wg
from wengert import nn
from wengert.data import Dataset, load, names
from wengert.optim import (
    SGD,
    Adam,
    AdamW,
    CosineDecay,
    LearningRate,
    Optimizer,
    RMSProp,
    StepDecay,
    Warmup,
)
from wengert.train.examples import Data, Examples
from wengert.train.loop import Result, fit
from wengert.train.model_file import build_model
from wengert.train.progress import Reporter
from wengert.train.run import Run, read_checkpoint

__all__ = ["Settings", "default_settings", "train_dataset"]

# A stream of random numbers of its own: 0 are the orders of the epochs, 1 is the split of the data.
_WEIGHT_STREAM = 2
_LARGEST_LAYER = 1_000_000  # a larger number is a slip of the keyboard, not a network

_ADAMS: Mapping[str, type[Adam]] = {"adam": Adam, "adamw": AdamW}
_OPTIMIZERS = ("sgd", *_ADAMS, "rmsprop")


@dataclass(frozen=True)
class Settings:
    """All that decides the numbers of a run.

    Attributes
    ----------
    dataset : str
        See `wengert.data.load`.
    model : {"mlp", "linear"}
        A multilayer perceptron, or a linear classifier.
    hidden : tuple of int
        Sizes of the hidden layers of the perceptron; empty for the linear classifier.
    activation : str
        A key of `wengert.nn.ACTIVATIONS`.
    batch_norm : bool
        Whether the perceptron has batch normalization before each activation.
    dropout : float
        Part of the hidden units that is set to zero at each training step.
    optimizer : {"sgd", "adam", "adamw", "rmsprop"}
    lr : float
        Learning rate of the first epoch.
    schedule : {"step", "cosine"}
        How the learning rate changes: by ``decay`` after each epoch, or along half a cosine to zero
        at the end of the last epoch (then a finished run cannot be continued with more).
    decay : float
        The learning rate is multiplied by this after each epoch.
    warmup : int
        Epochs in which the learning rate first grows to ``lr``.
    momentum : float
        For SGD and RMSProp.
    weight_decay : float
        See `wengert.optim`.
    batch : int
        Images per step.
    epochs : int
    seed : int
        Decides the initial weights, the validation images and the order of the images.
    validation : float
        Part of the training images that is kept apart to measure on after each epoch; may be 0.
    """

    dataset: str
    model: str = "mlp"
    hidden: tuple[int, ...] = (256, 256)
    activation: str = "tanh"
    batch_norm: bool = False
    dropout: float = 0.0
    optimizer: str = "sgd"
    lr: float = 0.1
    schedule: str = "step"
    decay: float = 1.0
    warmup: int = 0
    momentum: float = 0.0
    weight_decay: float = 0.0
    batch: int = 32
    epochs: int = 5
    seed: int = 0
    validation: float = 0.1

    def __post_init__(self) -> None:
        for name, value, known in (
            ("data set", self.dataset, names()),
            ("model", self.model, ("mlp", "linear")),
            ("optimizer", self.optimizer, _OPTIMIZERS),
            ("schedule", self.schedule, ("step", "cosine")),
            ("activation", self.activation, tuple(nn.ACTIVATIONS)),
        ):
            if value not in known:
                raise wg.ConfigError(f"unknown {name} {value!r}; known are {', '.join(known)}")
        for name, number, low in (
            ("batch", self.batch, 1),
            ("epochs", self.epochs, 1),
            ("seed", self.seed, 0),
            ("warmup", self.warmup, 0),
            *(("hidden", size, 1) for size in self.hidden),
        ):
            if number < low:
                raise wg.ConfigError(f"{name} must be at least {low}, got {number}")
        if any(size > _LARGEST_LAYER for size in self.hidden):
            raise wg.ConfigError(f"hidden must be at most {_LARGEST_LAYER}, got {max(self.hidden)}")
        if not 0 <= self.validation < 1:
            raise wg.ConfigError(
                f"validation must be at least 0 and below 1, got {self.validation}"
            )
        if not 0 <= self.dropout < 1:
            raise wg.ConfigError(f"dropout must be at least 0 and below 1, got {self.dropout}")
        if self.model == "linear" and self.hidden:
            raise wg.ConfigError("the linear model has no hidden layers; leave out hidden")
        if not self.hidden:
            for name, wanted in (("batch_norm", self.batch_norm), ("dropout", self.dropout)):
                if wanted:
                    raise wg.ConfigError(f"{name} needs hidden layers; this model has none")
        if self.optimizer in _ADAMS and self.momentum:
            raise wg.ConfigError(
                "momentum is an option of sgd and rmsprop; leave it out with " + self.optimizer
            )
        if self.schedule == "cosine" and self.decay != 1:
            raise wg.ConfigError("decay is an option of the schedule step; leave it out, or set 1")
        if self.schedule == "cosine" and self.warmup >= self.epochs:
            raise wg.ConfigError(
                f"warmup must be below the number of epochs, {self.epochs}; got {self.warmup}"
            )
        self.build_optimizer(1)  # checks the learning rate, its decay and the momentum

    def build_optimizer(self, steps_per_epoch: int) -> Optimizer:
        """The optimizer that these settings name."""
        lr: LearningRate = self.lr
        if self.schedule == "cosine":
            lr = CosineDecay(self.lr, (self.epochs - self.warmup) * steps_per_epoch)
        elif self.decay != 1:
            lr = StepDecay(self.lr, self.decay, steps_per_epoch)
        if self.warmup:
            lr = Warmup(lr, self.warmup * steps_per_epoch)
        if self.optimizer in _ADAMS:
            return _ADAMS[self.optimizer](lr, weight_decay=self.weight_decay)
        kind = SGD if self.optimizer == "sgd" else RMSProp
        return kind(lr, momentum=self.momentum, weight_decay=self.weight_decay)

    @classmethod
    def of_run(cls, directory: str | os.PathLike[str]) -> Settings | None:
        """The settings of the run in a directory, or None if there is no run.

        Raises
        ------
        wengert.DataError
            If the run's checkpoint is damaged or was not made by `train_dataset`.
        """
        path = Path(directory) / "checkpoint.safetensors"
        if not path.exists():
            return None
        content = read_checkpoint(path)[1]
        saved = {**content["description"], "epochs": content["epochs"]}
        try:
            values = {field.name: saved[field.name] for field in fields(cls)}
            return cls(**{**values, "hidden": tuple(values["hidden"])})
        except (KeyError, TypeError) as error:
            raise wg.DataError(f"{path}: not a run of a named data set ({error})") from error


_TUNED: Mapping[str, Mapping[str, Any]] = {
    "digits": {"hidden": (64,), "lr": 0.1, "momentum": 0.9, "epochs": 30},
    # At a constant rate of 0.1 the accuracy after the last epoch depends on the seed by more than
    # one percent.
    "fashion-mnist": {"decay": 0.7},
    "mnist": {"decay": 0.7},
    "moons": {"hidden": (25, 25), "momentum": 0.9, "epochs": 100},
}


def default_settings(dataset: str, **changes: Any) -> Settings:
    """Settings that work well for a data set, with changes.

    Parameters
    ----------
    dataset : str
    **changes
        Other values for the attributes of `Settings`. With another optimizer than SGD the learning
        rate is 0.001, constant, and the momentum 0 unless they are given (and for AdamW the weight
        decay 0.01); with ``schedule="cosine"`` there is no other decay; with ``model="linear"``
        there are no hidden layers.

    Raises
    ------
    wengert.ConfigError
        If the data set is unknown or a value cannot be used.
    """
    values = dict(_TUNED.get(dataset, {}))
    if changes.get("optimizer", "sgd") != "sgd":
        values |= {"lr": 0.001, "decay": 1.0, "momentum": 0.0}
    if changes.get("optimizer") == "adamw":
        values["weight_decay"] = 0.01
    if changes.get("schedule") == "cosine":
        values["decay"] = 1.0
    if changes.get("model") == "linear":
        values["hidden"] = ()
    return Settings(dataset, **{**values, **changes})


def train_dataset(
    settings: Settings,
    directory: str | os.PathLike[str] | None,
    *,
    data_directory: str | os.PathLike[str] | None = None,
    resume: bool = False,
    overwrite: bool = False,
    checkpoint_every: int | None = None,
    reporter: Reporter | None = None,
    jit: bool = True,
) -> Result:
    """Train a model on a data set and save everything to a directory.

    Parameters
    ----------
    settings : Settings
    directory : str or path, or None
        See `Run`; nothing is saved without it.
    data_directory : str or path, optional
        See `wengert.data.load`.
    resume, overwrite : bool
        See `Run`.
    checkpoint_every, reporter, jit
        See `fit`.

    Returns
    -------
    Result

    Raises
    ------
    wengert.WengertError
        As `wengert.data.load`, `Run` and `fit`.
    """
    dataset = load(settings.dataset, data_directory)
    architecture: dict[str, Any] = {
        "sizes": [int(np.prod(dataset.image_shape)), *settings.hidden, len(dataset.classes)],
        "activation": settings.activation,
    }
    if settings.batch_norm:
        architecture["batch_norm"] = True
    if settings.dropout:
        architecture["dropout"] = settings.dropout
    run = None
    if directory is not None:
        run = Run(
            directory,
            description=_run_description(settings, dataset),
            model_description={
                "architecture": architecture,
                "dataset": dataset.title,
                "classes": list(dataset.classes),
                "image_shape": list(dataset.image_shape),
                "pixel_max": dataset.pixel_max,
            },
            title=f"{dataset.title}, {_network_name(architecture)}",
            resume=resume,
            overwrite=overwrite,
        )
    data = _split(dataset, settings)
    result = fit(
        build_model(architecture, _generator(settings.seed, _WEIGHT_STREAM)),
        data,
        optimizer=settings.build_optimizer(math.ceil(len(data.train.y) / settings.batch)),
        epochs=settings.epochs,
        batch=settings.batch,
        seed=settings.seed,
        run=run,
        checkpoint_every=checkpoint_every,
        reporter=reporter,
        jit=jit,
    )
    return replace(result, stand_in=dataset.stand_in)


def _run_description(settings: Settings, dataset: Dataset) -> dict[str, Any]:
    description = asdict(settings)
    # More epochs continue a run; all else would make it another one.
    del description["epochs"]
    return {**description, "data": dataset.fingerprint()}


def _network_name(architecture: Mapping[str, Any]) -> str:
    sizes = architecture["sizes"]
    if len(sizes) == 2:
        return f"linear {sizes[0]}-{sizes[1]}"
    name = f"{'-'.join(map(str, sizes))} {architecture['activation']}"
    if architecture.get("batch_norm"):
        name += ", batch norm"
    if architecture.get("dropout"):
        name += f", dropout {architecture['dropout']:g}"
    return name


def _generator(seed: int, stream: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(stream,)))


def _split(dataset: Dataset, settings: Settings) -> Data:
    split = dataset.split(settings.validation, settings.seed)
    train, validation, test = (Examples(dataset.features(part.x), part.y) for part in split)
    return Data(train, validation if len(validation.y) else None, test)
