"""Products of arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.differential.steps.table import (
    Family,
    Parameters,
    anything,
    only_if,
    positive,
    vector,
    when,
)

contractions = Family("contractions")


def _fits_matmul(x: np.ndarray, y: np.ndarray) -> bool:
    try:
        return np.matmul(x, y).size <= 48
    except ValueError:
        return False


contractions.add("matmul", 2, lambda xp, x, y: xp.matmul(x, y), when(_fits_matmul))
contractions.add(
    "dot",
    2,
    lambda xp, x, y: xp.dot(x, y),
    when(lambda x, y: x.ndim == 2 and y.ndim in (1, 2) and x.shape[1] == y.shape[0]),
)
contractions.add(
    "outer",
    2,
    lambda xp, x, y: xp.outer(x, y),
    when(lambda x, y: x.ndim == y.ndim == 1 and x.size * y.size <= 48),
)

_SUBSCRIPTS = {
    1: ("i->", "i,i->i"),
    2: ("ij->ji", "ij,ij->i", "ij,kj->ik", "ij,ij->", "ij->j", "ij,ik->jk"),
    3: ("ijk->kj", "ijk,ijk->ik", "ijk,ijl->kl"),
}


def _subscripts(rng: np.random.Generator, x: np.ndarray) -> Parameters | None:
    choices = _SUBSCRIPTS.get(x.ndim)
    return {"subscripts": choices[rng.integers(len(choices))]} if choices else None


@contractions.step("einsum", 1, _subscripts)
def _einsum(xp: Any, x: Any, subscripts: str) -> Any:
    return xp.einsum(subscripts, *[x] * (1 + subscripts.count(",")))


def _tensordot_axes(rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> Parameters | None:
    pairs = [(i, j) for i in range(x.ndim) for j in range(y.ndim) if x.shape[i] == y.shape[j]]
    if not pairs:
        return None
    i, j = pairs[rng.integers(len(pairs))]
    small = x.size // x.shape[i] * (y.size // y.shape[j]) <= 48
    return {"axes": ([i], [j])} if small else None


@contractions.step("tensordot", 2, _tensordot_axes)
def _tensordot(xp: Any, x: Any, y: Any, axes: Any) -> Any:
    return xp.tensordot(x, y, axes=axes)


# ------------------------------------------------------------------ more products

products = Family("contractions")

_small = only_if(anything, lambda x, y: (abs(x) < 4).all() & (abs(y) < 4).all())
_vectors = when(lambda x, y: x.ndim == y.ndim == 1 and x.shape == y.shape)
products.add(
    "inner",
    2,
    lambda xp, x, y: xp.inner(x, y),
    when(lambda x, y: x.ndim > 0 and y.ndim > 0 and x.shape[-1] == y.shape[-1] and x.size < 10),
)
products.add("vdot", 2, lambda xp, x, y: xp.vdot(x, y), _vectors)
products.add(
    "vecdot",
    2,
    lambda xp, x, y: xp.vecdot(x, y),
    when(lambda x, y: x.ndim > 0 and x.shape == y.shape),
)
products.add(
    "kron",
    2,
    lambda xp, x, y: xp.kron(x, y),
    when(lambda x, y: x.ndim == y.ndim > 0 and x.size * y.size <= 40),
)
products.add(
    "cross",
    2,
    lambda xp, x, y: xp.cross(x, y),
    when(lambda x, y: x.shape == y.shape and x.ndim in (1, 2) and x.shape[-1] == 3),
)
products.add(
    "multi_dot",
    2,
    lambda xp, x, y: xp.linalg.multi_dot([x, y, x]),
    when(lambda x, y: x.shape == y.shape == (3, 3) and np.abs(x @ y @ x).max() < 30),
)
products.add(
    "einsum_three",
    2,
    lambda xp, x, y: xp.einsum("ij,j,kj->ik", x, y, xp.sin(x)),
    when(lambda x, y: x.ndim == 2 and y.shape == x.shape[1:]),
)
products.add(
    "einsum_diagonal",
    1,
    lambda xp, x: xp.einsum("ii->i", x) * xp.einsum("ij,ji->i", x, x),
    when(lambda x: x.shape == (3, 3) and np.abs(x).max() < 2),
)
products.add(
    "batched_matvec",
    2,
    lambda xp, x, y: xp.matmul(x, y[..., None])[..., 0],
    when(lambda x, y: x.ndim == 3 and y.shape in (x.shape[-1:], (x.shape[0], x.shape[2]))),
)


# ------------------------------------------------------------------ convolution and statistics

signals = Family("convolution and statistics")
_MODES = ("full", "same", "valid")


def _mode(rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> Parameters | None:
    good = x.ndim == y.ndim == 1 and x.size >= y.size > 1
    return {"mode": _MODES[rng.integers(3)]} if good else None


@signals.step("convolve", 2, _mode)
def _convolve(xp: Any, x: Any, y: Any, mode: str) -> Any:
    return xp.convolve(x, y, mode=mode)


@signals.step("correlate", 2, _mode)
def _correlate(xp: Any, x: Any, y: Any, mode: str) -> Any:
    return xp.correlate(x, y, mode=mode)


@signals.step("cov", 1, when(lambda x: x.shape in ((2, 3), (3, 3), (3, 4))))
def _cov(xp: Any, x: Any) -> Any:
    return xp.cov(x)


@signals.step(
    "corrcoef", 1, when(lambda x: x.shape in ((2, 3), (3, 3)) and np.std(x, axis=1).min() > 0.3)
)
def _corrcoef(xp: Any, x: Any) -> Any:
    return xp.corrcoef(x)


@signals.step("polyval", 2, when(lambda x, y: x.ndim == 1 and x.size < 5 and np.all(abs(y) < 2)))
def _polyval(xp: Any, x: Any, y: Any) -> Any:
    return xp.polyval(x, y)


@signals.step("interp", 2, when(lambda x, y: x.ndim == 1 and x.size > 2 and y.ndim > 0))
def _interp(xp: Any, x: Any, y: Any) -> Any:
    """Abscissas, ordinates and places are all differentiated; places stay between abscissas."""
    places = xp.cumsum(positive(xp, x), axis=0)
    at = places[0] + (0.15 + 0.1 * xp.sin(y)) * (places[-1] - places[0])
    return xp.interp(at, places, xp.cos(x))


@signals.step("unwrap", 1, only_if(vector, lambda x: abs(abs(np.diff(4 * x)) % np.pi) > 0.05))
def _unwrap(xp: Any, x: Any) -> Any:
    return 0.2 * xp.unwrap(4 * x)
