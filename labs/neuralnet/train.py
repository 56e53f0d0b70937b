"""Train a classifier with gradients written by hand; keep the best model and a plot."""

from __future__ import annotations

import argparse
import dataclasses
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from labs.command import Parser, run_script
from labs.neuralnet import Classifier
from labs.neuralnet.data import DataSampler, Scaling, Split, Splits, load_splits
from labs.neuralnet.layers import l2_regularization, softmax_loss
from labs.neuralnet.plots import check_output, check_plot_file, save_plot
from labs.neuralnet.settings import OVERFIT, TUNED, Settings, add_flags, settings_of
from wengert.train import DivergenceError, TrainingInterrupted
from wengert.train.compiled import compiler
from wengert.train.history import Record, Sums
from wengert.train.interrupt import InterruptFlag, deferred_interrupt
from wengert.train.progress import Reporter

__all__ = ["Result", "evaluate", "main", "train", "training_step"]

# Of the training images at most so many are classified after each epoch to see the accuracy.
_MEASURED = 5_000


def training_step(model: Classifier, X: Any, y: Any, reg: float) -> tuple[Any, dict[str, Any]]:
    """Loss of a minibatch, and the gradient with respect to every parameter.

    The loss is the softmax loss of the scores plus L2 regularization of the weight matrices; biases
    are not regularized.

    Parameters
    ----------
    model : Classifier
    X : ndarray, shape (n, d)
    y : ndarray of int, shape (n,)
    reg : float

    Returns
    -------
    loss : number
    gradients : dict
        Under the names of ``model.parameters()``.
    """
    scores, cache = model.forward(X)
    loss, grad_scores = softmax_loss(scores, y)
    gradients = model.backward(grad_scores, cache)
    for name, value in model.parameters().items():
        if value.ndim == 2:
            penalty, grad_penalty = l2_regularization(value, reg)
            loss = loss + penalty
            gradients[name] = gradients[name] + grad_penalty
    return loss, gradients


def evaluate(model: Classifier, split: Split, scaling: Scaling, batch_size: int = 1000) -> Sums:
    """Softmax loss and accuracy: ``.mean_loss`` and ``.accuracy`` of the result."""
    sums = Sums()
    for start in range(0, len(split.y), batch_size):
        y = split.y[start : start + batch_size]
        scores, _ = model.forward(scaling(split.X[start : start + batch_size]))
        loss, _ = softmax_loss(scores, y)
        sums.add(float(loss), int(np.count_nonzero(scores.argmax(axis=1) == y)), len(y))
    return sums


@dataclass
class Result:
    """The outcome of a training run.

    Attributes
    ----------
    best : Classifier
        After the epoch with the highest validation accuracy (the first of equal ones).
    last : Classifier
        After the last epoch.
    epochs : list of dict
        For each epoch ``train_loss`` (with regularization, a mean over the steps),
        ``train_accuracy`` (on at most 5,000 images), ``validation_loss`` and
        ``validation_accuracy``.
    losses : list of float
        Of every step.
    steps_per_epoch : int
    seconds : float
    interrupted : bool
        Whether Ctrl-C ended the run; the last epoch is then not complete.
    """

    best: Classifier
    last: Classifier
    steps_per_epoch: int
    epochs: list[Record] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    seconds: float = 0.0
    interrupted: bool = False

    @property
    def best_record(self) -> Record:
        """What was measured when `best` was found."""
        return max(self.epochs, key=lambda record: record["validation_accuracy"])


def train(
    settings: Settings,
    splits: Splits,
    *,
    model_file: Path | None = None,
    reporter: Reporter | None = None,
    jit: bool = True,
) -> Result:
    """Train by minibatch gradient descent with momentum; the learning rate decays by the epoch.

    The best model so far is saved whenever there is a better one, so that a run that is killed
    leaves it. Ctrl-C waits for the end of a step and ends the run with what it has.

    Parameters
    ----------
    settings : Settings
    splits : Splits
        ``settings.num_train`` has been applied.
    model_file : Path, optional
    reporter : Reporter, optional
        Shows the progress.
    jit : bool
        Whether a step is compiled.

    Raises
    ------
    wengert.train.DivergenceError
        If the loss becomes infinite or NaN.
    """
    reporter = reporter or Reporter(quiet=True)
    trainer = _Trainer(settings, splits, model_file, reporter, jit)
    start = time.perf_counter()
    # Overflow on the way to a diverging loss is reported once, when the loss is looked at.
    with deferred_interrupt() as interrupt, np.errstate(over="ignore", invalid="ignore"):
        reporter.start(settings.epochs, settings.epochs * len(trainer.sampler), 0)
        try:
            trainer.run(interrupt)
        finally:
            reporter.close()
    trainer.result.seconds = time.perf_counter() - start
    return trainer.result


class _Trainer:
    def __init__(
        self,
        settings: Settings,
        splits: Splits,
        model_file: Path | None,
        reporter: Reporter,
        jit: bool,
    ) -> None:
        self._settings, self._splits = settings, splits
        self._model_file, self._reporter = model_file, reporter
        scaling = Scaling.of(splits.train.X)
        self.sampler = DataSampler(splits.train, scaling, settings.batch_size, settings.seed)
        input_dim, num_classes = splits.train.X.shape[1], len(splits.classes)
        model = settings.classifier(input_dim, num_classes, np.float32)
        model.notes = {
            "scaling": scaling.to_json(),
            "classes": list(splits.classes),
            "data": splits.name,
            "settings": dataclasses.asdict(settings),
        }
        self._size = settings.batch_size
        optimizer, reg = settings.optimizer(len(self.sampler)), settings.reg
        self._state = optimizer.init(model.parameters())

        def step(parameters: Any, state: Any, X: Any, y: Any) -> Any:
            loss, gradients = training_step(model.replace(parameters), X, y, reg)
            return loss, *optimizer.update(parameters, gradients, state)

        self._step, self._compiled = step, compiler(jit)(step)
        self.result = Result(model, model, len(self.sampler))

    def run(self, interrupt: InterruptFlag) -> None:
        for epoch in range(self._settings.epochs):
            self._end_epoch(self._train_epoch(epoch, interrupt))
            if interrupt.is_set:
                self.result.interrupted = True
                return

    def _train_epoch(self, epoch: int, interrupt: InterruptFlag) -> Sums:
        """At least one step, even if the flag is set: there is always a model to save."""
        result, sums = self.result, Sums()
        for X, y in self.sampler.epoch(epoch):
            model = result.last
            # A smaller last batch would be compiled for anew.
            step = self._compiled if len(y) == self._size else self._step
            loss, parameters, self._state = step(model.parameters(), self._state, X, y)
            value = float(loss)
            if not math.isfinite(value):
                raise DivergenceError(
                    f"the loss became {value} in epoch {epoch + 1}, step {len(result.losses) + 1}: "
                    "lower the learning rate or the weight scale"
                )
            result.last = model.replace(parameters)
            result.losses.append(value)
            sums.add(value, 0, len(y))
            self._reporter.step(len(result.losses), epoch + 1, self._shown(sums))
            if interrupt.is_set:
                break
        return sums

    def _shown(self, sums: Sums) -> Sums:
        """The loss of this epoch with the last accuracy that was measured."""
        accuracy = self.result.epochs[-1]["train_accuracy"] if self.result.epochs else 0.0
        return Sums(sums.loss, accuracy * sums.count, sums.count)  # type: ignore[arg-type]

    def _end_epoch(self, sums: Sums) -> None:
        result, scaling = self.result, self.sampler.scaling
        measured = Split(self._splits.train.X[:_MEASURED], self._splits.train.y[:_MEASURED])
        on_train = evaluate(result.last, measured, scaling)
        on_validation = evaluate(result.last, self._splits.validation, scaling)
        steps = len(result.losses)
        record: Record = {
            "epoch": -(-steps // result.steps_per_epoch),
            "step": steps,
            "train_loss": sums.mean_loss,
            "train_accuracy": on_train.accuracy,
            "validation_loss": on_validation.mean_loss,
            "validation_accuracy": on_validation.accuracy,
        }
        is_best = (
            not result.epochs
            or record["validation_accuracy"] > result.best_record["validation_accuracy"]
        )
        result.epochs.append(record)
        if is_best:
            result.best = result.last
            if self._model_file is not None:
                result.best.save(self._model_file)
        self._reporter.epoch(record)


# ------------------------------------------------------------------ the command


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = Parser("python -m labs.neuralnet.train", __doc__ or "")
    parser.add_argument(
        "--overfit", action="store_true", help="start from the settings that overfit"
    )
    add_flags(parser)
    parser.add_argument(
        "--seed", type=int, default=TUNED.seed, help="of weights and order (default: %(default)s)"
    )
    parser.add_argument(
        "--no-jit", dest="jit", action="store_false", help="do not compile the training step"
    )
    parser.add_argument(
        "--num-validation",
        type=int,
        help="measure on only so many validation images (default: all)",
    )
    parser.add_argument(
        "--data-dir", type=Path, metavar="DIR", help="the folder that has the images"
    )
    parser.add_argument(
        "--model-file", type=Path, default=Path("model.safetensors"), metavar="FILE",
        help="where the best model goes (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--plot-file", type=Path, default=Path("plot.pdf"), metavar="FILE",
        help="where the plot goes: .pdf, .png or .svg (default: %(default)s)",
    )  # fmt: skip
    return run_script(parser, _run, argv)


def _run(arguments: argparse.Namespace) -> int:
    base = OVERFIT if arguments.overfit else TUNED
    settings = settings_of(arguments, base, arguments.seed)
    check_output(arguments.model_file)
    check_plot_file(arguments.plot_file)
    splits = load_splits(
        arguments.data_dir,
        num_train=settings.num_train,
        num_validation=arguments.num_validation,
    )
    result = train(
        settings,
        splits,
        model_file=arguments.model_file,
        reporter=Reporter(),
        jit=arguments.jit,
    )
    save_plot(arguments.plot_file, {title_of(settings, splits): result}, splits.name)
    best, last = result.best_record, result.epochs[-1]
    print(f"{splits.name}: {len(splits.train.y)} training images")
    for name, record in (("best", best), ("last", last)):
        print(
            f"{name} epoch {record['epoch']}: training accuracy "
            f"{100 * record['train_accuracy']:.2f} %, validation accuracy "
            f"{100 * record['validation_accuracy']:.2f} %"
        )
    print(f"{result.seconds:.0f} s; {arguments.model_file} (best), {arguments.plot_file}")
    if result.interrupted:
        raise TrainingInterrupted
    return 0


def title_of(settings: Settings, splits: Splits) -> str:
    """What a plot of a run is called."""
    name = f"{settings.hidden_dim} hidden units" if settings.model == "two-layer" else "linear"
    return f"{name}, {len(splits.train.y):,} images"


if __name__ == "__main__":
    sys.exit(main())
