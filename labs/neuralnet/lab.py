"""Layers with hand-written backward passes, checked; two runs: one tuned, one that overfits."""

from __future__ import annotations

import argparse
import dataclasses
from typing import Any

import numpy as np

import wengert as wg
from labs.neuralnet import Classifier
from labs.neuralnet.check_softmax import softmax_checks
from labs.neuralnet.data import Splits, load_splits
from labs.neuralnet.gradcheck_classifier import TOLERANCE as CLASSIFIER_TOLERANCE
from labs.neuralnet.gradcheck_classifier import classifier_differences
from labs.neuralnet.gradcheck_layers import TOLERANCE as LAYER_TOLERANCE
from labs.neuralnet.gradcheck_layers import Differences, layer_differences
from labs.neuralnet.plots import save_plot
from labs.neuralnet.settings import OVERFIT, TUNED, Settings, add_flags, settings_of
from labs.neuralnet.test import test
from labs.neuralnet.train import Result, title_of, train
from wengert.train import TrainingInterrupted
from wengert.train.atomic import write_bytes
from wengert.train.history import json_lines
from wengert.train.progress import Reporter

__all__ = ["BOUNDS", "add_arguments", "run"]

BOUNDS = {
    "layers_max_difference": "< 1e-9",
    "classifiers_max_difference": "< 1e-10",
    "validation_accuracy": ">= 0.85",
    "overfit_training_images": "<= 1000",
    "overfit_train_accuracy": ">= 0.99",
    "overfit_gap_points": ">= 15",
}

# Some seconds each; the accuracies mean little.
_QUICK_TUNED = dataclasses.replace(TUNED, num_train=2_000, hidden_dim=64, epochs=3)
_QUICK_OVERFIT = dataclasses.replace(OVERFIT, num_train=200, hidden_dim=64)
_QUICK_VALIDATION = 1_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Flags for the hyperparameters of the tuned run; the overfit run keeps its own."""
    add_flags(parser)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Check the gradients, train, test once, and overfit.

    Parameters
    ----------
    options : Namespace
        ``out`` gets ``model.safetensors`` (the best of the tuned run), ``plot.pdf`` and
        ``neuralnet.png`` (both runs); ``quick``, ``seed``, ``data_dir``, and the flags of
        `add_arguments`. ``metrics.jsonl`` gets a line for each epoch.

    Raises
    ------
    wengert.train.TrainingInterrupted
        On Ctrl-C, after the model and the plots were saved; its ``figures`` are those so far.
    """
    figures = _check_gradients()
    tuned = settings_of(options, _QUICK_TUNED if options.quick else TUNED, options.seed)
    overfit = _QUICK_OVERFIT if options.quick else OVERFIT
    if options.seed is not None:
        overfit = dataclasses.replace(overfit, seed=options.seed)
    splits = load_splits(
        options.data_dir, num_validation=_QUICK_VALIDATION if options.quick else None
    )
    runs: dict[str, Result] = {}
    model_file = options.out / "model.safetensors"
    result = _train(tuned, splits, runs, options, model_file)
    figures |= {
        "data": splits.name,
        "training_images": tuned.num_train or len(splits.train.y),
        "validation_images": len(splits.validation.y),
        "epochs": len(result.epochs),
        "train_accuracy": result.best_record["train_accuracy"],
        "validation_accuracy": result.best_record["validation_accuracy"],
        "train_seconds": round(result.seconds, 1),
    }
    _stop_if_interrupted(result, figures)
    best: Classifier = Classifier.load(model_file)
    figures["test_accuracy"] = test(best, splits.test).accuracy
    result = _train(overfit, splits, runs, options, None)
    last = result.epochs[-1]
    figures |= {
        "overfit_training_images": overfit.num_train,
        "overfit_train_accuracy": last["train_accuracy"],
        "overfit_validation_accuracy": last["validation_accuracy"],
        "overfit_gap_points": round(
            100 * (last["train_accuracy"] - last["validation_accuracy"]), 2
        ),
        "overfit_seconds": round(result.seconds, 1),
    }
    _stop_if_interrupted(result, figures)
    return figures


def _check_gradients() -> dict[str, Any]:
    layers, classifiers = layer_differences(), classifier_differences()
    wrong = [name for name, ok in softmax_checks().items() if not ok]
    for differences, tolerance in ((layers, LAYER_TOLERANCE), (classifiers, CLASSIFIER_TOLERANCE)):
        wrong += [
            name for name, pair in differences.items() if not all(d < tolerance for d in pair)
        ]
    if wrong:
        raise wg.WengertValueError(f"neuralnet: a check failed: {'; '.join(wrong)}")
    return {
        "layers_max_difference": _worst(layers, 0),
        "layers_max_difference_from_wengert": _worst(layers, 1),
        "classifiers_max_difference": _worst(classifiers, 0),
        "classifiers_max_difference_from_wengert": _worst(classifiers, 1),
    }


def _worst(differences: Differences, position: int) -> float:
    return float(np.max([pair[position] for pair in differences.values()]))


def _train(
    settings: Settings,
    splits: Splits,
    runs: dict[str, Result],
    options: argparse.Namespace,
    model_file: Any,
) -> Result:
    part = splits.first(settings.num_train)
    result = train(
        settings, part, model_file=model_file, reporter=Reporter(quiet=options.quick),
        jit=getattr(options, "jit", True),
    )  # fmt: skip
    runs[title_of(settings, part)] = result
    save_plot(options.out / "plot.pdf", runs, splits.name)
    save_plot(options.out / "neuralnet.png", runs, splits.name)
    records = [{"run": title, **record} for title, r in runs.items() for record in r.epochs]
    write_bytes(options.out / "metrics.jsonl", json_lines(records))
    return result


def _stop_if_interrupted(result: Result, figures: dict[str, Any]) -> None:
    if result.interrupted:
        stop = TrainingInterrupted()
        stop.figures = figures  # type: ignore[attr-defined]
        raise stop
