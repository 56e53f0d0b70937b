"""Evaluate a saved classifier once on the test images."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import wengert as wg
from labs.command import Parser, run_script
from labs.neuralnet import Classifier
from labs.neuralnet.data import Scaling, Split, load_splits

__all__ = ["Outcome", "main", "test"]

_BATCH = 1000  # bounds the memory


@dataclass(frozen=True)
class Outcome:
    """Accuracy on the test images, of all and of each class in turn, from 0 to 1."""

    accuracy: float
    per_class: tuple[float, ...]


def test(model: Classifier, split: Split) -> Outcome:
    """Classify all images of a split.

    Raises
    ------
    wengert.DataError
        If the model was made for other images, or saved without the scaling of the pixels.
    """
    architecture = model.architecture()
    if architecture["input_dim"] != split.X.shape[1]:
        raise wg.DataError(
            f"the model takes {architecture['input_dim']} inputs, the images have "
            f"{split.X.shape[1]} values"
        )
    scaling = Scaling.from_json(model.notes.get("scaling"))
    starts = range(0, len(split.y), _BATCH)
    predictions = [model.predict(scaling(split.X[i : i + _BATCH])) for i in starts]
    is_right = np.concatenate(predictions) == split.y
    per_class = (
        float(is_right[split.y == label].mean()) for label in range(architecture["num_classes"])
    )
    return Outcome(float(is_right.mean()), tuple(per_class))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = Parser("python -m labs.neuralnet.test", __doc__ or "")
    parser.add_argument(
        "--model-file", type=Path, default=Path("model.safetensors"), metavar="FILE",
        help="a model that labs.neuralnet.train saved (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--data-dir", type=Path, metavar="DIR", help="the folder that has the images"
    )
    return run_script(parser, _run, argv)


def _run(arguments: argparse.Namespace) -> int:
    model: Classifier = Classifier.load(arguments.model_file)
    splits = load_splits(arguments.data_dir)
    known = model.architecture()["num_classes"]
    if known != len(splits.classes):
        raise wg.DataError(
            f"the model knows {known} classes, the images have {len(splits.classes)}"
        )
    outcome = test(model, splits.test)
    print(f"{splits.name}: {len(splits.test.y):,} test images")
    width = max(map(len, splits.classes))
    for name, accuracy in zip(splits.classes, outcome.per_class, strict=True):
        print(f"  {name:{width}}  {100 * accuracy:6.2f} %")
    print(f"test accuracy {100 * outcome.accuracy:.2f} %")
    return 0


if __name__ == "__main__":
    sys.exit(main())
