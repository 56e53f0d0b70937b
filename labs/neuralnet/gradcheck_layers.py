"""Compare the backward functions of the layers with numerical gradients and with wengert's."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import wengert as wg
from labs.command import Parser, run_script, whole_number
from labs.neuralnet.layers import (
    fc_backward,
    fc_forward,
    l2_loss,
    l2_regularization,
    relu_backward,
    relu_forward,
    softmax_loss,
)
from wengert.testing import numerical_gradient

__all__ = ["TOLERANCE", "Differences", "compare", "layer_differences", "main", "print_differences"]

TOLERANCE = 1e-9

Differences = dict[str, tuple[float, float]]
"""Gradient to its largest difference from the numerical one, and from wengert's."""


def compare(
    loss: Callable[..., Any], arguments: dict[str, Any], gradients: dict[str, Any], label: str
) -> Differences:
    """Compare gradients written by hand with numerical ones and with wengert's.

    Parameters
    ----------
    loss : callable
        A real function of the arguments, by position.
    arguments : dict
        Name of each argument to the point.
    gradients : dict
        The gradients written by hand, under the same names.
    label : str
        Begins the names in the result.

    Returns
    -------
    dict
        The numerical gradients are central differences, extrapolated (`wengert.testing`).

    Raises
    ------
    wengert.ShapeError
        If a gradient has another shape than its argument.
    """
    positions = tuple(range(len(arguments)))
    values = tuple(arguments.values())
    numerical = numerical_gradient(loss, *values, argnums=positions)
    automatic = wg.grad(loss, positions)(*values)
    found = {}
    for name, numeric, auto in zip(arguments, numerical, automatic, strict=True):
        by_hand = gradients[name]
        if np.shape(by_hand) != np.shape(arguments[name]):
            raise wg.ShapeError(
                f"{label}: grad_{name} has shape {np.shape(by_hand)}, expected that of {name}, "
                f"{np.shape(arguments[name])}"
            )
        found[f"{label} grad_{name}"] = (
            float(np.max(np.abs(by_hand - numeric))),
            float(np.max(np.abs(by_hand - auto))),
        )
    return found


def layer_differences(seed: int = 0) -> Differences:
    """All gradients of `layers`, at random points.

    A layer is followed by a sum with random weights, so that its backward function gets a gradient
    of the output in which no two entries are alike.
    """
    rng = np.random.default_rng(seed)
    return {
        **_check_fc(rng),
        **_check_relu(rng),
        **_check_l2_loss(rng),
        **_check_softmax_loss(rng),
        **_check_l2_regularization(rng),
    }


def _check_fc(rng: np.random.Generator) -> Differences:
    X, W, b = (rng.standard_normal(shape) for shape in ((5, 8), (8, 4), (4,)))
    y, cache = fc_forward(X, W, b)
    grad_y = rng.standard_normal(y.shape)
    gradients = dict(zip(("X", "W", "b"), fc_backward(grad_y, cache), strict=True))

    def loss(X: Any, W: Any, b: Any) -> Any:
        return (grad_y * fc_forward(X, W, b)[0]).sum()

    return compare(loss, {"X": X, "W": W, "b": b}, gradients, "fc")


def _check_relu(rng: np.random.Generator) -> Differences:
    # At the kink there is no derivative to compare with.
    x = rng.standard_normal((6, 7))
    x += np.copysign(0.05, x)
    y, cache = relu_forward(x)
    grad_y = rng.standard_normal(y.shape)
    return compare(
        lambda x: (grad_y * relu_forward(x)[0]).sum(),
        {"x": x},
        {"x": relu_backward(grad_y, cache)},
        "relu",
    )


def _check_l2_loss(rng: np.random.Generator) -> Differences:
    x, y = rng.standard_normal((2, 5, 6))
    return compare(lambda x: l2_loss(x, y)[0], {"x": x}, {"x": l2_loss(x, y)[1]}, "l2_loss")


def _check_softmax_loss(rng: np.random.Generator) -> Differences:
    x, y = rng.standard_normal((8, 5)), rng.integers(0, 5, 8)
    return compare(
        lambda x: softmax_loss(x, y)[0], {"x": x}, {"x": softmax_loss(x, y)[1]}, "softmax_loss"
    )


def _check_l2_regularization(rng: np.random.Generator) -> Differences:
    W, reg = rng.standard_normal((6, 4)), 0.3
    return compare(
        lambda W: l2_regularization(W, reg)[0],
        {"W": W},
        {"W": l2_regularization(W, reg)[1]},
        "l2_regularization",
    )


def print_differences(differences: Differences, tolerance: float) -> int:
    """Print a table; 1 if a difference is not below the tolerance (NaN is not), else 0."""
    width = max(map(len, differences))
    print(f"{'largest differences':{width}}   numerical   wengert")
    failed = False
    for name, pair in differences.items():
        ok = all(difference < tolerance for difference in pair)
        failed |= not ok
        print(f"{name:{width}}     {pair[0]:.1e}   {pair[1]:.1e}   {'ok' if ok else 'WRONG'}")
    print(f"{'some are' if failed else 'all are'} {'not ' * failed}below {tolerance:g}")
    return int(failed)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code is 1 if a difference is too large."""
    parser = Parser("python -m labs.neuralnet.gradcheck_layers", __doc__ or "")
    parser.add_argument(
        "--seed",
        type=whole_number(0),
        default=0,
        help="of the random points (default: %(default)s)",
    )
    return run_script(parser, _run, argv)


def _run(arguments: argparse.Namespace) -> int:
    return print_differences(layer_differences(arguments.seed), TOLERANCE)


if __name__ == "__main__":
    sys.exit(main())
