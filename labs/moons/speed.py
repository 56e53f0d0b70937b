"""Steps of gradient descent per second, engine by engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from labs.moons.engines import ENGINES, Engine
from labs.moons.network import NeuralNetwork, negative_log_likelihood
from labs.timing import interleaved

__all__ = ["steps_per_second", "table"]


def steps_per_second(
    X: np.ndarray,
    y: np.ndarray,
    hidden_sizes: Sequence[int],
    *,
    rounds: int,
    burst: float,
    engines: Mapping[str, Engine] = ENGINES,
) -> dict[str, float]:
    """Steps per second by engine: the loss, its gradients, and the new weights.

    All engines differentiate the same loss at the same weights. They take turns, in every round a
    burst of steps each; the median over the rounds is taken.

    Parameters
    ----------
    X, y : ndarray
        The data.
    hidden_sizes : sequence of int
        The hidden layers of the network.
    rounds : int
        Number of rounds, better odd.
    burst : float
        Seconds per engine and round (at least one step).
    engines : mapping of str to engine
        Who takes part.
    """
    contestants = {name: _step(engine, X, y, hidden_sizes) for name, engine in engines.items()}
    times = interleaved(contestants, rounds=rounds, burst=burst)
    return {name: float(1 / np.median(seconds)) for name, seconds in times.items()}


def _step(
    engine: Engine, X: np.ndarray, y: np.ndarray, hidden_sizes: Sequence[int]
) -> Callable[[], object]:
    model = NeuralNetwork(X.shape[1], hidden_sizes, seed=0)
    loss_and_gradients = engine(negative_log_likelihood)

    def step() -> object:
        # The new weights are made and dropped, so that every step is the same work.
        _, gradients = loss_and_gradients(model.weights, X, y)
        return [w - 3e-2 * g for w, g in zip(model.weights, gradients, strict=True)]

    return step


def table(speeds: Mapping[str, Mapping[str, float]]) -> str:
    """The speeds as text: a row for each engine, a column for each network.

    Parameters
    ----------
    speeds : mapping
        ``speeds[network][engine]`` in steps per second. In brackets stands the multiple of the
        first engine's speed.
    """
    lines = [["steps per second", *speeds]]
    for engine in next(iter(speeds.values()), {}):
        cells = []
        for column in speeds.values():
            first = next(iter(column.values()))
            cells.append(
                f"{_three_digits(column[engine])} ({_three_digits(column[engine] / first)} x)"
            )
        lines.append([engine, *cells])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in lines
    )


def _three_digits(value: float) -> str:
    digits = max(0, 2 - int(np.floor(np.log10(value))))
    rounded = round(value, 2 - int(np.floor(np.log10(value))))
    return f"{rounded:,.{digits}f}"
