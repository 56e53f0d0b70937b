"""Compare the backward passes of the classifiers with numerical gradients and with wengert's."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from labs.command import Parser, run_script, whole_number
from labs.neuralnet import Classifier, LinearClassifier, TwoLayerNet
from labs.neuralnet.gradcheck_layers import Differences, compare, print_differences
from labs.neuralnet.train import training_step

__all__ = ["TOLERANCE", "classifier_differences", "main"]

TOLERANCE = 1e-10
_INPUTS, _CLASSES, _ROWS, _REG = 6, 4, 7, 0.1


def classifier_differences(seed: int = 0) -> Differences:
    """The gradients of a training step (softmax loss and regularization) of both classifiers."""
    rng = np.random.default_rng(seed)
    models = (
        LinearClassifier(_INPUTS, _CLASSES, weight_scale=1.0, rng=rng),
        TwoLayerNet(_INPUTS, _CLASSES, hidden_dim=5, weight_scale=1.0, rng=rng),
    )
    X = rng.standard_normal((_ROWS, _INPUTS))
    y = rng.integers(0, _CLASSES, _ROWS)
    found: Differences = {}
    for model in models:
        found |= _check(model, X, y, rng)
    return found


def _check(model: Classifier, X: Any, y: Any, rng: np.random.Generator) -> Differences:
    # Biases start at zero, where a missing one would not be noticed.
    parameters = {
        name: value + rng.normal(0, 0.1, value.shape) for name, value in model.parameters().items()
    }

    def loss(*values: Any) -> Any:
        moved = model.replace(dict(zip(parameters, values, strict=True)))
        return training_step(moved, X, y, _REG)[0]

    _, gradients = training_step(model.replace(parameters), X, y, _REG)
    return compare(loss, parameters, gradients, type(model).__name__)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code is 1 if a difference is too large."""
    parser = Parser("python -m labs.neuralnet.gradcheck_classifier", __doc__ or "")
    parser.add_argument(
        "--seed",
        type=whole_number(0),
        default=0,
        help="of the random points (default: %(default)s)",
    )
    return run_script(parser, _run, argv)


def _run(arguments: argparse.Namespace) -> int:
    return print_differences(classifier_differences(arguments.seed), TOLERANCE)


if __name__ == "__main__":
    sys.exit(main())
