"""Check that the softmax loss is right and stays finite where exponentials overflow."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import numpy as np

from labs.command import Parser, run_script
from labs.neuralnet.layers import softmax_loss

__all__ = ["main", "softmax_checks"]


def softmax_checks() -> dict[str, bool]:
    """What must hold of `softmax_loss`, and whether it does."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((6, 10)), rng.integers(0, 10, 6)
    p = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)  # fine for small scores
    rows = np.arange(6)
    loss, grad = softmax_loss(x, y)
    checks = {
        "small scores: the textbook formula": bool(
            np.isclose(loss, -np.log(p[rows, y]).mean(), rtol=1e-14)
            and np.allclose(grad, (p - np.eye(10)[y]) / 6, rtol=1e-13, atol=1e-16)
        ),
        "equal scores: log 10": bool(
            np.isclose(softmax_loss(np.full((6, 10), 3.0), y)[0], np.log(10), rtol=1e-14)
        ),
        "adding 1e4 to every score changes nothing": bool(
            np.isclose(softmax_loss(x + 1e4, y)[0], loss, rtol=1e-11)
            and np.allclose(softmax_loss(x + 1e4, y)[1], grad, rtol=1e-9, atol=1e-12)
        ),
    }
    for dtype in (np.float64, np.float32):
        for score, expected in ((1e4, 0.5e4), (-1e4, 0.5e4 + np.log(2))):
            far = np.zeros((2, 3), dtype)
            far[:, 0] = score
            # One of the two labels is the best class, the other one is worse by 1e4.
            with np.errstate(over="raise", invalid="raise", divide="raise"):
                large, large_grad = softmax_loss(far, np.array([0, 1]))
            checks[f"scores of {score:g} in {np.dtype(dtype).name}: finite, and right"] = bool(
                np.isfinite(large_grad).all() and np.isclose(large, expected, rtol=1e-6)
            )
    return checks


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code is 1 if a check fails."""
    parser = Parser("python -m labs.neuralnet.check_softmax", __doc__ or "")
    return run_script(parser, _run, argv)


def _run(arguments: argparse.Namespace) -> int:
    checks = softmax_checks()
    for name, ok in checks.items():
        print(f"{'ok' if ok else 'WRONG':5} {name}")
    return int(not all(checks.values()))


if __name__ == "__main__":
    sys.exit(main())
