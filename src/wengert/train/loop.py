"""The training loop."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import wengert as wg
from wengert import nn, tree
from wengert.optim import Optimizer
from wengert.train.compiled import Compiled, can_compile
from wengert.train.examples import (
    EVALUATED,
    Data,
    Examples,
    count_correct,
    epoch_order,
    evaluate,
)
from wengert.train.history import Progress, Record, Sums
from wengert.train.interrupt import InterruptFlag, TrainingInterrupted, deferred_interrupt
from wengert.train.progress import Reporter
from wengert.train.run import Run
from wengert.train.step import assemble, step_function

__all__ = ["DivergenceError", "Result", "fit"]

# Time between checkpoints without checkpoint_every: at the ends of epochs, and within them.
_EPOCH_SECONDS = 1.0
_STEP_SECONDS = 30.0
# Records within an epoch are means over at least so many examples, and at most so many per epoch.
_WINDOW_EXAMPLES = 512
_WINDOWS_PER_EPOCH = 20
# Below so many batches an evaluation takes less time than compiling it.
_COMPILED_BATCHES = 5
# Keeps what a model draws apart from other numbers that are drawn with a key of the same seed.
_KEY_STREAM = 0


# An epoch whose mean loss is so many times that of the untrained model ends a run; losses below
# _SMALL_LOSS do not, for a model that starts out well may have a loss next to zero.
_RISE = 10.0
_SMALL_LOSS = 10.0


class DivergenceError(wg.WengertValueError):
    """The loss became infinite or not a number, or rose far above that of the untrained model."""


@dataclass(frozen=True)
class Result:
    """The outcome of a training run.

    Attributes
    ----------
    model : the trained model
    records : list of dict
        What ``metrics.jsonl`` holds: events "train" (a mean within an epoch), "epoch" and "test".
    seconds : float
        Time taken by this call.
    stand_in : str
        What the data really are, where they stand in for the data set that was named; else empty.
    """

    model: Any
    records: list[Record]
    seconds: float
    stand_in: str = ""

    @property
    def test_accuracy(self) -> float | None:
        """Fraction of test examples classified correctly, or None without test data."""
        return next((r["test_accuracy"] for r in self.records if r["event"] == "test"), None)

    @property
    def test_loss(self) -> float | None:
        """Mean test loss, or None without test data."""
        return next((r["test_loss"] for r in self.records if r["event"] == "test"), None)


def fit(
    model: Any,
    data: Data,
    *,
    optimizer: Optimizer,
    epochs: int,
    batch: int,
    seed: int = 0,
    loss: Callable[[Any, Any], Any] = nn.cross_entropy,
    run: Run | None = None,
    checkpoint_every: int | None = None,
    reporter: Reporter | None = None,
    jit: bool = True,
) -> Result:
    """Train a model by minibatch descent.

    Every epoch goes once through the training examples in an order of its own (`epoch_order`); the
    last batch may be smaller. On one machine a run that was interrupted, or killed, and resumed
    ends with exactly the parameters and metrics of an uninterrupted one.

    Parameters
    ----------
    model : Module or other callable container of floating-point arrays
        From inputs to logits of shape (n, k). A stateful one is trained through its
        ``training_call``; its buffers, which the optimizer does not see, are taken over from what
        that returns. Validation and test are calls (evaluation).
    data : Data
    optimizer : Optimizer
    epochs : int
    batch : int
        Examples per step.
    seed : int
        Decides the order of the examples, and what the model draws at random.
    loss : callable
        ``loss(logits, labels)``, a mean over examples.
    run : Run, optional
        Where checkpoints and results go, and whether to resume; nothing is saved without it.
    checkpoint_every : int, optional
        Steps between checkpoints. By default one is made every 30 seconds and at the end of an
        epoch, there at most one a second.
    reporter : Reporter, optional
        What is shown; nothing without it.
    jit : bool
        Whether a step (the gradient and the update) is one compiled function; see `wengert.jit`.
        A resumed run must say the same. A smaller last batch is not compiled for. What cannot be
        compiled runs as it is, which is said once.

    Returns
    -------
    Result

    Raises
    ------
    wengert.ConfigError
        If a number is out of range, or a resumed run was made with other settings.
    wengert.ShapeError
        If inputs and labels differ in number, or the last batch of an epoch is too small for the
        model.
    DivergenceError
        If the loss becomes infinite or NaN, or its mean over an epoch is ten times the loss before
        training (and above 10), or parameters become infinite or NaN.
    TrainingInterrupted
        On Ctrl-C, after the checkpoint, the model, the metrics and the plots were saved.
    """
    _check(data, epochs, batch, seed, checkpoint_every)
    _try_last_batch(model, data, batch)
    is_compiled = jit and can_compile()
    trainer = _Trainer(
        model, data, optimizer, epochs, batch, seed, loss, run, checkpoint_every, is_compiled
    )
    reporter = reporter or Reporter(quiet=True)
    start = time.perf_counter()
    # Overflow on the way to a diverging loss is reported once, by name, when the loss is looked at.
    with deferred_interrupt() as interrupt, np.errstate(over="ignore", invalid="ignore"):
        try:
            trainer.train(reporter, interrupt)
        finally:
            reporter.close()
    return Result(trainer.model, trainer.progress.records, time.perf_counter() - start)


def _check(data: Data, epochs: int, batch: int, seed: int, checkpoint_every: int | None) -> None:
    for name, value, low in (
        ("epochs", epochs, 1),
        ("batch", batch, 1),
        ("seed", seed, 0),
        ("checkpoint_every", 1 if checkpoint_every is None else checkpoint_every, 1),
    ):
        if value < low:
            raise wg.ConfigError(f"{name} must be at least {low}, got {value}")
    for part, examples in data._asdict().items():
        if examples is None:
            continue
        if len(examples.x) != len(examples.y):
            raise wg.ShapeError(
                f"{part} data: {len(examples.x)} inputs and {len(examples.y)} labels"
            )
        if len(examples.y) == 0:
            raise wg.ShapeError(
                f"{part} data: no examples; give some (is the part kept for validation too large?)"
            )


def _try_last_batch(model: Any, data: Data, batch: int) -> None:
    """Find out now, not after an epoch, whether the last batch is too small to be normalized."""
    count = len(data.train.y) % batch
    if count and getattr(model, "stateful", False):
        try:
            model.training_call(data.train.x[:count], key=wg.random.key(0))
        except wg.ShapeError as error:
            raise wg.ShapeError(
                f"the last batch of an epoch has {count} of {len(data.train.y)} examples, with "
                f"which the model cannot be trained ({error}); choose another batch size than "
                f"{batch} (--batch)"
            ) from error


class _Trainer:
    """The state of a run: parameters, optimizer state and progress, which change together."""

    def __init__(
        self,
        model: Any,
        data: Data,
        optimizer: Optimizer,
        epochs: int,
        batch: int,
        seed: int,
        loss: Callable[[Any, Any], Any],
        run: Run | None,
        checkpoint_every: int | None,
        is_compiled: bool,
    ) -> None:
        self._data, self._loss, self._run = data, loss, run
        self._optimizer = optimizer
        self._epochs, self._batch, self._seed = epochs, batch, seed
        self._checkpoint_every = checkpoint_every
        self._last_checkpoint = time.monotonic()
        count = len(data.train.y)
        self._batches = math.ceil(count / batch)
        self._window = max(
            math.ceil(self._batches / _WINDOWS_PER_EPOCH), math.ceil(_WINDOW_EXAMPLES / batch)
        )
        # The number of epochs is not part of this: a finished run can be resumed with more.
        self._training = {
            "batch": batch,
            "seed": seed,
            "optimizer": _describe(optimizer),
            "training examples": count,
            # The executors agree up to rounding, which is not enough to resume with the other.
            "compiled": is_compiled,
        }
        # Flattened once: a step then handles a plain list of arrays.
        leaves, self._structure = tree.flatten(model)
        self._trained = nn.trained(self._structure)
        self._set_leaves(leaves)
        self._state = optimizer.init(self._leaves)
        step = step_function(model, self._trained, loss, optimizer)
        self._eager_step = step
        # A step for another number of examples would be compiled anew.
        self._compiled_size = min(batch, count) if is_compiled else 0
        self._compiled_step = Compiled(step, donate_argnums=(0, 1, 2))
        structure, trained = self._structure, self._trained
        self._predict = Compiled(
            lambda parameters, buffers, x: assemble(structure, trained, parameters, buffers)(x)
        )
        self._is_compiled = is_compiled
        self._run_key = wg.random.fold_in(wg.random.key(seed), _KEY_STREAM)
        self._stateful = bool(getattr(model, "stateful", False))
        self.progress = Progress()
        if run is not None and run.resume:
            model, self._state, self.progress = run.restore(self._training, model, self._state)
            self._set_leaves(tree.leaves(model))
            begun = self.progress.epoch + (self.progress.batch > 0)
            if epochs < begun:
                raise wg.ConfigError(
                    f"{run.directory}: has come to epoch {begun} already, beyond epochs = {epochs}"
                )

    def _set_leaves(self, leaves: list[Any]) -> None:
        """Take over the arrays of a model: parameters, and buffers, which are not trained.

        They are copied, for compiled steps overwrite them.
        """
        pairs = list(zip(map(np.array, leaves), self._trained, strict=True))
        self._leaves = [leaf for leaf, is_trained in pairs if is_trained]
        self._buffers = [leaf for leaf, is_trained in pairs if not is_trained]

    @property
    def model(self) -> Any:
        """The model with the present parameters and buffers."""
        return assemble(self._structure, self._trained, self._leaves, self._buffers)

    @property
    def _step(self) -> int:
        return self.progress.epoch * self._batches + self.progress.batch

    def train(self, reporter: Reporter, interrupt: InterruptFlag) -> None:
        """Train to the end, or until the interrupt flag is set, and save the results."""
        reporter.start(self._epochs, self._epochs * self._batches, self._step)
        self._save_checkpoint()  # a run that is killed at once can be resumed too
        while self.progress.epoch < self._epochs:
            start, first_step = time.perf_counter(), self._step
            self._train_epoch(reporter, interrupt)
            if interrupt.is_set:
                self._save_checkpoint()
                self._save_results()
                raise TrainingInterrupted
            self._end_epoch(reporter)
            self._save_timing(time.perf_counter() - start, self._step - first_step)
        self._save_checkpoint()
        self._test()
        self._save_results()

    def _train_epoch(self, reporter: Reporter, interrupt: InterruptFlag) -> None:
        progress = self.progress
        x, y = self._data.train
        order = epoch_order(self._seed, progress.epoch, len(y))
        while progress.batch < self._batches and not interrupt.is_set:
            start = progress.batch * self._batch
            rows = order[start : start + self._batch]
            labels = y[rows]
            # What a model draws at a step is decided by the seed and the number of the step: there
            # is no state of a generator to save, and a resumed run draws what an uninterrupted one
            # does.
            key = wg.random.fold_in(self._run_key, self._step) if self._stateful else None
            is_full = len(rows) == self._compiled_size
            self._leaves, self._buffers, self._state, loss, logits = (
                self._compiled_step if is_full else self._eager_step
            )(self._leaves, self._buffers, self._state, x[rows], labels, key)
            if self._is_compiled and not is_full:
                # Arrays of another layout would be another signature.
                self._leaves, self._buffers, self._state = tree.map(
                    _in_c_order, (self._leaves, self._buffers, self._state)
                )
            value = float(loss)
            if not math.isfinite(value):
                raise self._divergence(f"the loss became {value} in step {self._step + 1}")
            if progress.first_loss is None:
                progress.first_loss = value
            self._count(value, count_correct(logits, labels), len(rows))
            reporter.step(self._step, progress.epoch + 1, progress.epoch_sums)
            if self._checkpoint_is_due():
                self._save_checkpoint()

    def _count(self, loss: float, correct: int, examples: int) -> None:
        progress = self.progress
        progress.batch += 1
        progress.epoch_sums.add(loss, correct, examples)
        progress.window_sums.add(loss, correct, examples)
        if progress.batch % self._window == 0:
            window, progress.window_sums = progress.window_sums, Sums()
            progress.records.append(
                {
                    "event": "train",
                    "step": self._step,
                    "epoch": self._step / self._batches,
                    "loss": window.mean_loss,
                    "accuracy": window.accuracy,
                }
            )

    def _end_epoch(self, reporter: Reporter) -> None:
        progress = self.progress
        self._check_divergence()
        record: Record = {
            "event": "epoch",
            "step": self._step,
            "epoch": progress.epoch + 1,
            "train_loss": progress.epoch_sums.mean_loss,
            "train_accuracy": progress.epoch_sums.accuracy,
        }
        if self._data.validation is not None:
            sums = self._evaluate(self._data.validation)
            record |= {"validation_loss": sums.mean_loss, "validation_accuracy": sums.accuracy}
        progress.records.append(record)
        progress.epoch += 1
        progress.batch = 0
        progress.epoch_sums, progress.window_sums = Sums(), Sums()
        reporter.epoch(record)
        if time.monotonic() - self._last_checkpoint >= _EPOCH_SECONDS:
            self._save_checkpoint()

    def _test(self) -> None:
        # After the last checkpoint: a run resumed with more epochs tests again at its own end.
        if self._data.test is None:
            return
        sums = self._evaluate(self._data.test)
        self.progress.records.append(
            {
                "event": "test",
                "step": self._step,
                "epoch": self.progress.epoch,
                "test_loss": sums.mean_loss,
                "test_accuracy": sums.accuracy,
            }
        )

    def _evaluate(self, examples: Examples) -> Sums:
        model, size = self.model, EVALUATED
        if not self._is_compiled or len(examples.y) < _COMPILED_BATCHES * size:
            return evaluate(model, examples, self._loss)

        def predict(x: Any) -> Any:
            if len(x) < size:
                return model(x)
            return self._predict(self._leaves, self._buffers, x)

        return evaluate(predict, examples, self._loss)

    def _checkpoint_is_due(self) -> bool:
        if self._checkpoint_every is not None:
            return self._step % self._checkpoint_every == 0
        return time.monotonic() - self._last_checkpoint >= _STEP_SECONDS

    def _save_checkpoint(self) -> None:
        if self._run is not None:
            self._run.save_checkpoint(
                self._training, self._epochs, self.model, self._state, self.progress
            )
            self._last_checkpoint = time.monotonic()

    def _save_results(self) -> None:
        if self._run is not None:
            self._run.save_results(self.model, self.progress.records)

    def _save_timing(self, seconds: float, steps: int) -> None:
        if self._run is not None:
            self._run.add_timing(
                {"epoch": self.progress.epoch, "steps": steps, "seconds": round(seconds, 3)}
            )

    def _check_divergence(self) -> None:
        """Raise at the end of an epoch that made the model useless."""
        loss, first = self.progress.epoch_sums.mean_loss, self.progress.first_loss
        if first is not None and loss > max(_RISE * first, _SMALL_LOSS):
            raise self._divergence(
                f"training diverges: the mean loss is {loss:.4g}, and before training it was "
                f"{first:.4g}"
            )
        # The last update of an epoch may be the one that overflows, and no loss tells.
        if not all(np.isfinite(leaf).all() for leaf in self._leaves):
            raise self._divergence("the parameters became infinite or NaN")

    def _divergence(self, what: str) -> DivergenceError:
        return DivergenceError(
            f"{what} (epoch {self.progress.epoch + 1}): lower the learning rate (--lr, now "
            f"{_describe(getattr(self._optimizer, 'lr', '?'))}; --overwrite replaces this run), or "
            "look at the data"
        )


def _in_c_order(x: Any) -> Any:
    return np.ascontiguousarray(x) if np.ndim(x) > 1 else x


def _describe(value: Any) -> str:
    """A text, the same in every process, for a number, a function or a dataclass of these."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = (
            f"{field.name}={_describe(getattr(value, field.name))}"
            for field in dataclasses.fields(value)
        )
        return f"{type(value).__qualname__}({', '.join(fields)})"
    if isinstance(value, (bool, int, float, str)):
        return repr(value)
    if isinstance(value, (tuple, list)):
        return f"({', '.join(map(_describe, value))})"
    # The repr of other objects has their address in it.
    return str(getattr(value, "__qualname__", type(value).__qualname__))
