"""Hyperparameters: the tuned ones, those that overfit, and the flags that change them."""

from __future__ import annotations

import argparse
import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

import wengert as wg
from labs.neuralnet import Classifier, LinearClassifier, TwoLayerNet
from wengert.optim import SGD, StepDecay

__all__ = ["OVERFIT", "TUNED", "Settings", "add_flags", "settings_of"]

MODELS = ("two-layer", "linear")


@dataclass(frozen=True)
class Settings:
    """All that decides the numbers of a training run besides the data.

    Raises
    ------
    wengert.ConfigError
        If a number is out of range.
    """

    model: str = "two-layer"
    hidden_dim: int = 512
    epochs: int = 15
    batch_size: int = 128
    learning_rate: float = 0.05
    lr_decay: float = 0.8
    momentum: float = 0.9
    reg: float = 1e-3
    weight_scale: float = 0.02
    num_train: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.model not in MODELS:
            raise wg.ConfigError(f"unknown model {self.model!r}; known are {', '.join(MODELS)}")
        for name in ("hidden_dim", "epochs", "batch_size"):
            _check(name, getattr(self, name), 1)
        if self.num_train is not None:
            _check("num_train", self.num_train, 1)
        _check("seed", self.seed, 0)
        _check("reg", self.reg, 0)
        _check("weight_scale", self.weight_scale, 0)
        _check("learning_rate", self.learning_rate, 0)
        if not 0 < self.lr_decay <= 1:
            raise wg.ConfigError(f"lr_decay must be above 0 and at most 1, got {self.lr_decay!r}")
        self.optimizer(1)  # checks the momentum

    def classifier(self, input_dim: int, num_classes: int, dtype: npt.DTypeLike) -> Classifier:
        """The classifier that these settings name, freshly initialised."""
        rng = np.random.default_rng(self.seed)
        if self.model == "linear":
            return LinearClassifier(input_dim, num_classes, self.weight_scale, rng, dtype)
        return TwoLayerNet(input_dim, num_classes, self.hidden_dim, self.weight_scale, rng, dtype)

    def optimizer(self, steps_per_epoch: int) -> SGD:
        """Gradient descent with momentum; the learning rate decays after each epoch."""
        schedule = StepDecay(self.learning_rate, self.lr_decay, steps_per_epoch)
        return SGD(schedule, momentum=self.momentum)


def _check(name: str, value: float, low: float) -> None:
    if not low <= value < math.inf:
        raise wg.ConfigError(f"{name} must be at least {low:g}, got {value!r}")


TUNED = Settings()
"""The defaults."""

OVERFIT = Settings(num_train=500, epochs=30, lr_decay=1.0, reg=0.0)
"""So few images that the network learns them by heart."""

_HELP = {
    "model": "the classifier",
    "hidden_dim": "units of the hidden layer",
    "epochs": "times through the training images",
    "batch_size": "images per step",
    "learning_rate": "of the first epoch",
    "lr_decay": "factor on the learning rate after each epoch",
    "momentum": "part of the last step that is repeated",
    "reg": "strength of the L2 penalty on the weights",
    "weight_scale": "standard deviation of the initial weights",
    "num_train": "use only so many training images",
}


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add a flag for every hyperparameter except the seed."""
    for field in dataclasses.fields(Settings):
        if field.name not in _HELP:
            continue
        tuned, overfit = (_text(getattr(s, field.name)) for s in (TUNED, OVERFIT))
        default = tuned if tuned == overfit else f"{tuned}; with --overfit {overfit}"
        options: dict[str, Any] = {
            "type": int if field.name == "num_train" else type(field.default)
        }
        if field.name == "model":
            options = {"choices": MODELS}
        parser.add_argument(
            f"--{field.name.replace('_', '-')}",
            default=argparse.SUPPRESS,
            help=f"{_HELP[field.name]} (default: {default})",
            **options,
        )


def _text(value: Any) -> str:
    return "all" if value is None else f"{value}"


def settings_of(
    options: argparse.Namespace, base: Settings = TUNED, seed: int | None = None
) -> Settings:
    """``base``, changed by the flags that were given.

    Raises
    ------
    wengert.ConfigError
        If a number is out of range, or a hidden layer is asked of the linear model.
    """
    given = {name: getattr(options, name) for name in _HELP if hasattr(options, name)}
    if seed is not None:
        given["seed"] = seed
    settings = dataclasses.replace(base, **given)
    if settings.model == "linear" and "hidden_dim" in given:
        raise wg.ConfigError("the linear model has no hidden layer; leave out --hidden-dim")
    return settings
