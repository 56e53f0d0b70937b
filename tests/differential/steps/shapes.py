"""Shapes, joining and splitting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.differential.steps.table import (
    Family,
    Parameters,
    Propose,
    array,
    is_square,
    one_axis,
    only_if,
    square,
    vector,
    when,
)

shapes = Family("shapes")


@shapes.step("transpose", 1, lambda rng, x: {"axes": rng.permutation(x.ndim).tolist()})
def _transpose(xp: Any, x: Any, axes: list[int]) -> Any:
    return xp.transpose(x, axes)


def _new_shape(rng: np.random.Generator, x: np.ndarray) -> Parameters | None:
    shapes: list[tuple[int, ...]] = [(x.size,), (1, x.size)]
    shapes += [(n, x.size // n) for n in (2, 3, 4) if x.size % n == 0]
    return {"shape": shapes[rng.integers(len(shapes))]}


@shapes.step("reshape", 1, _new_shape)
def _reshape(xp: Any, x: Any, shape: tuple[int, ...]) -> Any:
    return xp.reshape(x, shape)


@shapes.step("expand_dims", 1, lambda rng, x: {"axis": int(rng.integers(x.ndim + 1))})
def _expand_dims(xp: Any, x: Any, axis: int) -> Any:
    return xp.expand_dims(x, axis)


@shapes.step("squeeze", 1, when(lambda x: x.ndim > 1))
def _squeeze(xp: Any, x: Any) -> Any:
    return xp.squeeze(x)


def _wider(rng: np.random.Generator, x: np.ndarray) -> Parameters | None:
    return {"shape": (int(rng.integers(1, 4)), *x.shape)} if x.size <= 16 else None


@shapes.step("broadcast_to", 1, _wider)
def _broadcast_to(xp: Any, x: Any, shape: tuple[int, ...]) -> Any:
    return xp.broadcast_to(x, shape)


def _joinable(rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> Parameters | None:
    if x.ndim != y.ndim or x.ndim == 0:
        return None
    axis = int(rng.integers(x.ndim))
    same = [n == m for number, (n, m) in enumerate(zip(x.shape, y.shape)) if number != axis]
    return {"axis": axis} if all(same) and x.size + y.size <= 48 else None


@shapes.step("concatenate", 2, _joinable)
def _concatenate(xp: Any, x: Any, y: Any, axis: int) -> Any:
    return xp.concatenate([x, y], axis=axis)


def _stackable(rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> Parameters | None:
    if x.shape != y.shape or x.size > 24:
        return None
    return {"axis": int(rng.integers(-x.ndim - 1, x.ndim + 1))}


@shapes.step("stack", 2, _stackable)
def _stack(xp: Any, x: Any, y: Any, axis: int) -> Any:
    return xp.stack([x, y], axis=axis)


@shapes.step("flip", 1, one_axis)
def _flip(xp: Any, x: Any, axis: int) -> Any:
    return xp.flip(x, axis)


def _shift(rng: np.random.Generator, x: np.ndarray) -> Parameters | None:
    found = one_axis(rng, x)
    return found and {**found, "shift": int(rng.integers(-3, 4))}


@shapes.step("roll", 1, _shift)
def _roll(xp: Any, x: Any, shift: int, axis: int) -> Any:
    return xp.roll(x, shift, axis=axis)


@shapes.step("tile", 1, when(lambda x: 0 < x.ndim < 3 and x.size <= 12))
def _tile(xp: Any, x: Any) -> Any:
    return xp.tile(x, (2,) + (1,) * (len(x.shape) - 1))


@shapes.step("triangle", 1, lambda rng, x: {"k": int(rng.integers(-1, 2))} if x.ndim == 2 else None)
def _triangle(xp: Any, x: Any, k: int) -> Any:
    return xp.tril(x, k) * 0.5 + xp.triu(x, k)


@shapes.step("diagonal", 1, when(lambda x: x.ndim == 2))
def _diagonal(xp: Any, x: Any) -> Any:
    return xp.diagonal(x)


# ------------------------------------------------------------------ more of them

more_shapes = Family("shapes")

_SHAPING: dict[str, tuple[Callable[..., Any], Propose]] = {
    "ravel": (lambda xp, x: xp.ravel(x), array),
    "swapaxes": (lambda xp, x: xp.swapaxes(x, 0, -1), when(lambda x: x.ndim > 1)),
    "moveaxis": (lambda xp, x: xp.moveaxis(x, 0, -1), when(lambda x: x.ndim > 1)),
    "rot90": (lambda xp, x: xp.rot90(x, 3), when(lambda x: x.ndim > 1)),
    "flipud": (lambda xp, x: xp.flipud(x), array),
    "fliplr": (lambda xp, x: xp.fliplr(x), when(lambda x: x.ndim > 1)),
    "atleast_2d": (lambda xp, x: xp.atleast_2d(x), when(lambda x: x.ndim < 3)),
    "repeat": (lambda xp, x: xp.repeat(x, 2, axis=0), when(lambda x: 0 < x.ndim and x.size < 13)),
    "repeat_by_counts": (
        lambda xp, x: xp.repeat(x, np.array([2, 0, 1]), axis=0),
        when(lambda x: x.ndim > 0 and x.shape[0] == 3),
    ),
    "diag_of_vector": (lambda xp, x: xp.diag(x), when(lambda x: x.ndim == 1)),
    "diag_of_matrix": (lambda xp, x: xp.diag(x, 1), when(lambda x: is_square(x) and x.ndim == 2)),
    "diagflat": (lambda xp, x: xp.diagflat(x), when(lambda x: x.ndim == 1)),
    "vander": (
        lambda xp, x: xp.vander(x, 3),
        when(lambda x: x.ndim == 1 and np.all(abs(x) < 3)),
    ),
    "split": (
        lambda xp, x: xp.split(x, [1], axis=0)[1] * xp.split(x, [1], axis=0)[0],
        when(lambda x: x.ndim > 0 and x.shape[0] > 1),
    ),
    "hstack": (lambda xp, x: xp.hstack([x, x * x]), when(lambda x: x.ndim > 0 and x.size < 13)),
    "vstack": (lambda xp, x: xp.vstack([x, x * x]), when(lambda x: x.ndim > 0 and x.size < 13)),
    "column_stack": (lambda xp, x: xp.column_stack([x, xp.sin(x)]), vector),
    "meshgrid": (
        lambda xp, x: xp.meshgrid(x, x * x, indexing="ij")[0] * xp.meshgrid(x, xp.sin(x))[1],
        vector,
    ),
    "tril_stack": (lambda xp, x: xp.tril(x, -1) + xp.triu(x) ** 2, square),
}
for _name, (_apply, _propose) in _SHAPING.items():
    more_shapes.add(_name, 1, _apply, only_if(_propose, lambda x: abs(x) < 5))


def _pad_mode(rng: np.random.Generator, x: np.ndarray) -> Parameters | None:
    if x.ndim not in (1, 2) or min(x.shape) < 3:
        return None
    return {"mode": ("constant", "edge", "reflect", "wrap", "symmetric")[rng.integers(5)]}


@more_shapes.step("pad", 1, _pad_mode)
def _pad(xp: Any, x: Any, mode: str) -> Any:
    return xp.pad(x, [(0, 0)] * (len(x.shape) - 1) + [(1, 2)], mode=mode)
