"""``wengert train``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import wengert as wg
from wengert import data, nn
from wengert.train import (
    Result,
    Settings,
    TrainingInterrupted,
    default_settings,
    train_dataset,
)
from wengert.train.progress import Reporter

__all__ = ["add_parser"]

_DESCRIPTION = """\
Train a network to classify images, with derivatives from this library. The network, its metrics,
plots of loss and accuracy and a checkpoint go to a directory: runs/DATASET, or that of --out."""

_EPILOG = """\
data sets:
  digits         1,797 handwritten digits of 8 x 8 pixels; comes with scikit-learn, needs no file
  fashion-mnist  70,000 pictures of clothes, 28 x 28 pixels
  mnist          70,000 handwritten digits, 28 x 28 pixels
  cifar10, cifar10-standin, moons: see 'wengert data list'
  Files are looked for in the folder given by --data (then only there), in $WENGERT_DATA, in your
  cache and in /usr/share/datasets; if they are nowhere, they are downloaded to your cache.

stopping and going on:
  Ctrl-C saves everything; the same command with --resume continues as if nothing had happened.
  A run that was killed continues from its last checkpoint and ends the same. A finished run can
  be resumed with more --epochs.

examples:
  wengert train
  wengert train digits --model linear --out runs/digits-linear
  wengert train fashion-mnist --hidden 512 256 --activation relu --optimizer adam
  wengert train fashion-mnist --batch-norm --dropout 0.2 --schedule cosine --warmup 1
  wengert train fashion-mnist --resume --epochs 10"""

# Options that become attributes of Settings.
_SETTINGS = (
    "model",
    "hidden",
    "activation",
    "batch_norm",
    "dropout",
    "optimizer",
    "lr",
    "schedule",
    "decay",
    "warmup",
    "momentum",
    "weight_decay",
    "batch",
    "epochs",
    "seed",
    "validation",
)


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command ``train``."""
    parser = commands.add_parser(
        "train",
        help="train a network on real images",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=_run)
    parser.add_argument(
        "dataset",
        metavar="DATASET",
        nargs="?",
        default="digits",
        help=f"{', '.join(data.names())} (default: digits)",
    )
    network = parser.add_argument_group("network")
    network.add_argument(
        "--model",
        metavar="NAME",
        help="mlp, a multilayer perceptron, or linear, a linear classifier (default: mlp)",
    )
    network.add_argument(
        "--hidden",
        type=int,
        nargs="+",
        metavar="N",
        help="sizes of the hidden layers (default: 256 256; digits: 64)",
    )
    network.add_argument(
        "--activation",
        metavar="NAME",
        help=f"between the layers: {', '.join(nn.ACTIVATIONS)} (default: tanh)",
    )
    network.add_argument(
        "--batch-norm",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="batch normalization before each activation (default: none)",
    )
    network.add_argument(
        "--dropout",
        type=float,
        metavar="X",
        help="part of the hidden units that is set to zero at each training step (default: 0)",
    )
    training = parser.add_argument_group("training")
    training.add_argument(
        "--epochs",
        type=int,
        metavar="N",
        help="times to go through the training images (default: 5; digits: 30)",
    )
    training.add_argument(
        "--optimizer", metavar="NAME", help="sgd, adam, adamw or rmsprop (default: sgd)"
    )
    training.add_argument(
        "--lr", type=float, metavar="X", help="learning rate (default: 0.1; without sgd 0.001)"
    )
    training.add_argument(
        "--schedule",
        metavar="NAME",
        help="of the learning rate: step, by --decay after each epoch, or cosine, to zero at the "
        "end of the last epoch (default: step)",
    )
    training.add_argument(
        "--decay",
        type=float,
        metavar="X",
        help="factor of the learning rate after each epoch (default: 0.7; digits, cosine and "
        "without sgd: 1)",
    )
    training.add_argument(
        "--warmup",
        type=int,
        metavar="N",
        help="epochs in which the learning rate first grows to --lr (default: 0)",
    )
    training.add_argument(
        "--momentum",
        type=float,
        metavar="X",
        help="of sgd and rmsprop (default: 0; digits with sgd: 0.9)",
    )
    training.add_argument(
        "--weight-decay",
        type=float,
        metavar="X",
        help="pull of the weights towards zero (default: 0; adamw: 0.01)",
    )
    training.add_argument("--batch", type=int, metavar="N", help="images per step (default: 32)")
    training.add_argument(
        "--validation",
        type=float,
        metavar="X",
        help="part of the training images kept apart to measure on after each epoch (default: 0.1)",
    )
    training.add_argument(
        "--seed",
        type=int,
        metavar="N",
        help="decides all that is random: the first weights, the order of the images, the "
        "dropout (default: 0)",
    )
    files = parser.add_argument_group("files")
    files.add_argument("--data", metavar="DIR", help="the folder that has the data set's files")
    files.add_argument(
        "--out", metavar="DIR", help="where everything is saved (default: runs/DATASET)"
    )
    files.add_argument(
        "--resume", action="store_true", help="go on with the run that is in that directory"
    )
    files.add_argument(
        "--overwrite", action="store_true", help="replace the run that is in that directory"
    )
    files.add_argument(
        "--checkpoint-every",
        type=int,
        metavar="N",
        help="steps between checkpoints (default: every 30 seconds, and after epochs)",
    )
    parser.add_argument(
        "--no-jit", dest="jit", action="store_false", help="do not compile the training step"
    )
    parser.add_argument("--quiet", action="store_true", help="print the final result only")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")


def _run(arguments: argparse.Namespace) -> int:
    if arguments.out is not None and not arguments.out.strip():
        raise wg.ConfigError("--out must name a directory, got an empty text")
    if arguments.checkpoint_every is not None and arguments.checkpoint_every < 1:
        raise wg.ConfigError(
            f"--checkpoint-every must be at least 1, got {arguments.checkpoint_every}"
        )
    directory = Path(arguments.out or Path("runs", arguments.dataset))
    try:
        result = train_dataset(
            _settings(arguments, directory),
            directory,
            data_directory=arguments.data,
            resume=arguments.resume,
            overwrite=arguments.overwrite,
            checkpoint_every=arguments.checkpoint_every,
            reporter=Reporter(quiet=arguments.quiet),
            jit=arguments.jit,
        )
    except TrainingInterrupted:
        print(
            f"wengert: interrupted; the model, metrics and plots so far are in {directory}; "
            "the same command with --resume goes on",
            file=sys.stderr,
        )
        return 130
    _print_summary(result, directory)
    return 0


def _settings(arguments: argparse.Namespace, directory: Path) -> Settings:
    """What the command line says, the rest as in the run to resume, or the defaults."""
    given = {name: getattr(arguments, name) for name in _SETTINGS}
    given = {name: value for name, value in given.items() if value is not None}
    if "hidden" in given:
        given["hidden"] = tuple(given["hidden"])
    saved = Settings.of_run(directory) if arguments.resume else None
    if saved is not None and saved.dataset != arguments.dataset:
        raise wg.ConfigError(
            f"{directory}: holds a run on {saved.dataset}, not on {arguments.dataset}; name that "
            "data set to resume it, or another directory with --out"
        )
    if saved is None:
        return default_settings(arguments.dataset, **given)
    return Settings(**{**vars(saved), "dataset": arguments.dataset, **given})


def _print_summary(result: Result, directory: Path) -> None:
    accuracy, loss = result.test_accuracy, result.test_loss
    if accuracy is not None and loss is not None:
        print(f"test accuracy {100 * accuracy:.2f} %, test loss {loss:.4f}, {result.seconds:.1f} s")
    if result.stand_in:
        print(f"{'data':<14}a stand-in: {result.stand_in}")
    for what, name in (
        ("loss plot", "loss.png"),
        ("accuracy plot", "accuracy.png"),
        ("model", "model.safetensors"),
        ("metrics", "metrics.jsonl"),
    ):
        print(f"{what:<14}{directory / name}")
