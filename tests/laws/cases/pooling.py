"""Pooling, resizing, and the rectified linear unit."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.operations import avg_pool2d, max_pool2d, relu, resize

from ..case import Case

Array = Any

_POOL: dict[str, dict[str, Any]] = {
    "tiled": {"window": 2},
    "rest": {"window": (3, 2)},
    "overlapping": {"window": 3, "stride": (1, 2), "padding": 1},
    "gaps": {"window": (1, 2), "stride": 3},
    "same": {"window": 2, "stride": 3, "padding": "same"},
    "one_sided": {"window": (2, 3), "stride": (2, 1), "padding": ((1, 0), (0, 2))},
    "one_place": {"window": 1},
}

_RESIZE: dict[str, tuple[tuple[int, int], tuple[Any, ...], dict[str, Any]]] = {
    "smaller": ((5, 4), ((2, 3),), {}),
    "larger": ((2, 3), ((3, 5),), {}),
    "both": ((2, 5), ((4, 2), "bilinear"), {"antialias": False}),
    "bicubic": ((4, 3), ((3, 5), "bicubic"), {}),
    "nearest": ((2, 4), ((3, 2), "nearest"), {}),
    "same_size": ((2, 2), (2,), {}),
}


def _max(options: dict[str, Any]) -> Any:
    return lambda x: max_pool2d(x, **options)


def _avg(options: dict[str, Any], count: bool) -> Any:
    return lambda x: avg_pool2d(x, **options, count_include_pad=count)


def _resized(args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    return lambda x: resize(x, *args, **options)


def _ties(x: Array) -> Array:
    """Pairs of equal elements in every window."""
    return max_pool2d(np.concatenate([x, x * 1.0], axis=2) * 2.0, (2, 4))


CASES = [
    *(
        Case(f"max_pool2d_{name}", _max(options), args=[(2, 4, 4, 2)], domain="distinct")
        for name, options in _POOL.items()
    ),
    *(
        Case(
            f"avg_pool2d_{name}_{'all' if count else 'inside'}",
            _avg(options, count),
            args=[(2, 4, 4, 2)],
            complex=name == "overlapping",
        )
        for name, options in _POOL.items()
        for count in (True, False)
    ),
    Case(
        "max_pool2d_squares",
        lambda x: max_pool2d(x * x, 2) ** 2,
        args=[(1, 4, 4, 1)],
        domain="distinct",
        primitives=("max_pool2d", "maxima_mean2d", "maxima_spread2d"),
    ),
    Case("max_pool2d_ties", _ties, args=[(1, 4, 2, 2)], domain="distinct"),
    Case(
        "avg_pool2d_squares",
        lambda x: avg_pool2d(x * x, 2) ** 2,
        args=[(1, 2, 4, 1)],
        primitives=("window_sum2d", "window_spread2d"),
    ),
    *(
        Case(f"resize_{name}", _resized(args, options), args=[(2, *size, 2)])
        for name, (size, args, options) in _RESIZE.items()
    ),
    Case("relu", lambda x: relu(x) * x, args=[(3, 4)], domain="nonzero", primitives=("relu",)),
    Case("relu_of_a_number", relu, args=[()], domain="nonzero"),
]
