"""Initialisers of weights: ``initialiser(rng, shape, dtype) -> array``.

``shape`` is ``(in, out)``, or ``(height, width, in, out)`` for a convolution, with the inputs of
one group. The fan-in of a weight is the number of inputs that reach one output, its fan-out the
number of outputs that one input reaches (for a convolution in groups, those of all groups).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

import wengert as wg

__all__ = [
    "Initializer",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "lecun_normal",
    "lecun_uniform",
    "zeros",
]

Initializer: TypeAlias = Callable[[np.random.Generator, tuple[int, ...], DTypeLike], NDArray[Any]]


def glorot_uniform(
    rng: np.random.Generator, shape: tuple[int, ...], dtype: DTypeLike = np.float32
) -> NDArray[Any]:
    """Uniform with variance ``2 / (fan_in + fan_out)``, for tanh and sigmoid.

    X. Glorot and Y. Bengio, Understanding the difficulty of training deep feedforward neural
    networks, AISTATS 2010, equation 16.
    """
    return _uniform(rng, shape, 2 / sum(_fans(shape)), dtype)


def glorot_normal(
    rng: np.random.Generator, shape: tuple[int, ...], dtype: DTypeLike = np.float32
) -> NDArray[Any]:
    """Normal with variance ``2 / (fan_in + fan_out)``; see `glorot_uniform`."""
    return _normal(rng, shape, 2 / sum(_fans(shape)), dtype)


def he_uniform(
    rng: np.random.Generator, shape: tuple[int, ...], dtype: DTypeLike = np.float32
) -> NDArray[Any]:
    """Uniform with variance ``2 / fan_in``, for ReLU and its relatives.

    K. He, X. Zhang, S. Ren, J. Sun, Delving deep into rectifiers, ICCV 2015, equation 10.
    """
    return _uniform(rng, shape, 2 / _fans(shape)[0], dtype)


def he_normal(
    rng: np.random.Generator, shape: tuple[int, ...], dtype: DTypeLike = np.float32
) -> NDArray[Any]:
    """Normal with variance ``2 / fan_in``; see `he_uniform`."""
    return _normal(rng, shape, 2 / _fans(shape)[0], dtype)


def lecun_uniform(
    rng: np.random.Generator, shape: tuple[int, ...], dtype: DTypeLike = np.float32
) -> NDArray[Any]:
    """Uniform with variance ``1 / fan_in``.

    Y. LeCun, L. Bottou, G. Orr, K.-R. Müller, Efficient BackProp, 1998, equation 16.
    """
    return _uniform(rng, shape, 1 / _fans(shape)[0], dtype)


def lecun_normal(
    rng: np.random.Generator, shape: tuple[int, ...], dtype: DTypeLike = np.float32
) -> NDArray[Any]:
    """Normal with variance ``1 / fan_in``; see `lecun_uniform`."""
    return _normal(rng, shape, 1 / _fans(shape)[0], dtype)


def zeros(
    rng: np.random.Generator, shape: tuple[int, ...], dtype: DTypeLike = np.float32
) -> NDArray[Any]:
    """Zeros; ``rng`` is not used."""
    return np.zeros(shape, dtype)


def _fans(shape: tuple[int, ...]) -> tuple[int, int]:
    if len(shape) < 2 or 0 in shape:
        raise wg.ShapeError(
            "an initialiser needs a weight with two or more axes, none of them empty; got shape "
            f"{shape}"
        )
    receptive = math.prod(shape[:-2])
    return receptive * shape[-2], receptive * shape[-1]


def _uniform(
    rng: np.random.Generator, shape: tuple[int, ...], variance: float, dtype: DTypeLike
) -> NDArray[Any]:
    _check_generator(rng)
    bound = math.sqrt(3 * variance)  # uniform on (-b, b) has variance b^2 / 3
    return rng.uniform(-bound, bound, shape).astype(dtype)


def _normal(
    rng: np.random.Generator, shape: tuple[int, ...], variance: float, dtype: DTypeLike
) -> NDArray[Any]:
    _check_generator(rng)
    return rng.normal(0, math.sqrt(variance), shape).astype(dtype)


def _check_generator(rng: Any) -> None:
    if not hasattr(rng, "uniform") or not hasattr(rng, "normal"):
        raise wg.WengertTypeError(
            f"an initialiser needs a generator of random numbers, got rng={rng!r}; pass "
            "np.random.default_rng(0)"
        )
