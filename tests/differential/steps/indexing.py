"""Reading and writing by index.

What a library spells in its own way is a method of the namespace: ``write(x, index, value, how)``
gives a copy of x written to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.differential.steps.table import (
    GAP,
    Family,
    Parameters,
    Propose,
    array,
    is_square,
    matrix,
    one_axis,
    only_if,
    square,
    vector,
    when,
)

reads = Family("gather")


def _slices(rng: np.random.Generator, x: np.ndarray) -> Parameters | None:
    """A basic index: integers, slices with steps, an ellipsis, a new axis."""
    if x.ndim == 0:
        return None
    index: list[Any] = []
    for n in x.shape:
        kind = rng.integers(4)
        if kind == 0:
            index.append(int(rng.integers(-n, n)))
        elif kind == 1:
            index.append(slice(int(rng.integers(0, n)), None))
        elif kind == 2:
            index.append(slice(None, None, 2))
        else:
            index.append(slice(None))
    if rng.integers(3) == 0:
        index = [*index[: int(rng.integers(len(index)))], ...]
    if rng.integers(3) == 0:
        index.append(None)
    return {"index": tuple(index)}


@reads.step("basic_index", 1, _slices)
def _basic_index(xp: Any, x: Any, index: Any) -> Any:
    return x[index]


def _integers(rng: np.random.Generator, x: np.ndarray) -> Parameters | None:
    if x.ndim == 0:
        return None
    rows = rng.integers(0, x.shape[0], int(rng.integers(1, 5)))
    if x.ndim > 1 and rng.integers(2):
        return {"index": (rows, rng.integers(0, x.shape[1], len(rows)))}
    return {"index": (rows,)}


@reads.step("advanced_index", 1, _integers)
def _advanced_index(xp: Any, x: Any, index: tuple[Any, ...]) -> Any:
    return x[tuple(xp.constant(part) for part in index)]


def _mask(rng: np.random.Generator, x: np.ndarray) -> Parameters | None:
    if x.ndim == 0:
        return None
    mask = rng.integers(0, 2, x.shape).astype(bool)
    mask.flat[0] = True
    return {"mask": mask}


@reads.step("boolean_index", 1, _mask)
def _boolean_index(xp: Any, x: Any, mask: Any) -> Any:
    return x[xp.constant(mask)]


# ------------------------------------------------------------------ gathering by functions

gathers = Family("gather")


@gathers.step("take", 1, one_axis)
def _take(xp: Any, x: Any, axis: int) -> Any:
    """With a duplicate."""
    return xp.take(x, np.array([0, -1, 0]), axis=axis)


@gathers.step("take_of_matrix", 1, matrix)
def _take_of_matrix(xp: Any, x: Any) -> Any:
    return xp.take(x, np.array([[0, 1], [2, 1]]) % x.shape[1], axis=1)


@gathers.step("take_along_axis", 1, one_axis)
def _take_along_axis(xp: Any, x: Any, axis: int) -> Any:
    order = np.arange(np.prod(x.shape)).reshape(x.shape) * 7 % x.shape[axis]
    return xp.take_along_axis(x, xp.constant(order), axis=axis)


@gathers.step("compress", 1, when(lambda x: x.ndim > 0 and x.shape[0] == 3))
def _compress(xp: Any, x: Any) -> Any:
    return xp.compress(np.array([True, False, True]), x, axis=0)


@gathers.step("extract_by_value", 1, only_if(vector, lambda x: (abs(x) > GAP) & np.any(x > 0)))
def _extract_by_value(xp: Any, x: Any) -> Any:
    """The mask comes from the values; the sum does not depend on how many there are."""
    return xp.sum(x[x > 0] ** 2)


@gathers.step("index_of_two_arrays", 1, when(lambda x: x.ndim >= 2 and x.shape[:2] == (3, 3)))
def _index_of_two_arrays(xp: Any, x: Any) -> Any:
    """Integer arrays that broadcast: an open mesh."""
    return x[xp.constant(np.array([[0], [2]])), xp.constant(np.array([1, 2, 1]))]


@gathers.step("index_mixed", 1, when(lambda x: x.ndim == 3 and min(x.shape) > 1))
def _index_mixed(xp: Any, x: Any) -> Any:
    """A slice between integer arrays sends their axis to the front."""
    return x[xp.constant(np.array([0, 1])), :, xp.constant(np.array([1, 0]))]


@gathers.step("choose_rows", 2, when(lambda x, y: x.shape == y.shape and x.ndim > 0))
def _choose_rows(xp: Any, x: Any, y: Any) -> Any:
    return xp.stack([x, y], axis=0)[xp.constant(np.arange(x.shape[0]) % 2), np.arange(x.shape[0])]


# ------------------------------------------------------------------ writes

writes = Family("mutation")


def _target(rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> Parameters | None:
    """A place in a copy of ``x`` that takes a row or an element of ``y``."""
    if x.ndim == 0 or not np.shape(x[0]) == np.shape(y):
        return None
    return {"row": int(rng.integers(-x.shape[0], x.shape[0]))}


@writes.step("set_row", 2, _target)
def _set_row(xp: Any, x: Any, y: Any, row: int) -> Any:
    return xp.set_item(x, row, y)


@writes.step("accumulate_into_view", 1, when(lambda x: x.ndim > 0 and x.shape[0] > 1))
def _accumulate_into_view(xp: Any, x: Any) -> Any:
    return xp.add_item(x, slice(1, None), 0.5 * x[:-1])


HOW = ("set", "add", "multiply")


def _place(rng: np.random.Generator, x: np.ndarray) -> Any:
    """A slice, rows by number (with duplicates), or pairs of rows and columns."""
    n = x.shape[0]
    kind = rng.integers(4 if x.ndim > 1 else 3)
    if kind == 0:
        return slice(None, None, 2)
    if kind == 1:
        return slice(int(rng.integers(0, n)), None)
    rows = rng.integers(0, n, int(rng.integers(1, 4)))
    return (rows,) if kind == 2 else (rows, rng.integers(0, x.shape[1], len(rows)))


def _write_parameters(rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> Parameters | None:
    if x.ndim == 0 or not x.size:
        return None
    index = _place(rng, x)
    region = x[index].shape
    try:
        fits = np.broadcast_shapes(region, y.shape) == region
    except ValueError:
        return None
    how = HOW[rng.integers(len(HOW))]
    unique = isinstance(index, slice) or len(set(zip(*[i.tolist() for i in index]))) == len(
        index[0]
    )
    # Which of duplicate writes wins, and products of duplicates, are not the same everywhere.
    return {"index": index, "how": how} if fits and (unique or how == "add") else None


@writes.step("write", 2, _write_parameters)
def _write(xp: Any, x: Any, y: Any, index: Any, how: str) -> Any:
    return xp.write(x, index, y, how)


def _mask_parameters(rng: np.random.Generator, x: np.ndarray) -> Parameters | None:
    if x.ndim == 0:
        return None
    mask = rng.integers(0, 2, x.shape).astype(bool)
    return {"mask": mask, "how": HOW[rng.integers(len(HOW))]}


@writes.step("write_masked", 1, _mask_parameters)
def _write_masked(xp: Any, x: Any, mask: Any, how: str) -> Any:
    return xp.write(x, xp.constant(mask), 0.5, how)


@writes.step("write_through_transpose", 1, when(lambda x: x.ndim == 2 and x.shape[0] > 1))
def _write_through_transpose(xp: Any, x: Any) -> Any:
    """The first column of x, as a row of its transpose, is multiplied; x itself is returned."""
    return xp.write(x, (slice(None), 0), xp.sin(x[:, -1]), "multiply", True)


@writes.step("recurrence", 1, when(lambda x: x.ndim == 1 and x.size > 1))
def _recurrence(xp: Any, x: Any) -> Any:
    """Each element is made of the one before, which has just been written."""
    for i in range(1, x.shape[0]):
        x = xp.write(x, i, xp.tanh(x[i - 1]), "add")
    return x


rare_writes = Family("mutation")


@rare_writes.step("write_by_value", 1, only_if(array, lambda x: abs(x) > GAP))
def _write_by_value(xp: Any, x: Any) -> Any:
    """``x[x > 0] *= 0.5``."""
    return xp.write(x, x > 0, 0.5, "multiply")


@rare_writes.step("write_rows_swapped", 1, when(lambda x: x.ndim > 0 and x.shape[0] > 1))
def _write_rows_swapped(xp: Any, x: Any) -> Any:
    """``x[[0, 1]] = x[[1, 0]] ** 2``."""
    rows = xp.constant(np.array([1, 0]))
    return xp.write(x, (np.array([0, 1]),), x[rows] ** 2, "set")


@rare_writes.step("write_block", 1, square)
def _write_block(xp: Any, x: Any) -> Any:
    """A block of the last two axes, from another one that overlaps it."""
    return xp.write(x, (..., slice(1, None), slice(0, 2)), x[..., :-1, :2] * 0.5, "set")


@rare_writes.step("write_row_and_column", 1, when(lambda x: is_square(x) and x.ndim == 2))
def _write_row_and_column(xp: Any, x: Any) -> Any:
    x = xp.write(x, (0, slice(None)), x[:, 1], "multiply")
    return xp.write(x, (slice(None), -1), x[0], "add")


@rare_writes.step("elimination", 1, when(lambda x: is_square(x) and x.ndim == 2))
def _elimination(xp: Any, x: Any) -> Any:
    """Gauss's algorithm, in place."""
    n = x.shape[0]
    x = xp.sin(x) + xp.constant(3.0 * np.eye(n))
    for k in range(n - 1):
        factor = x[k + 1 :, k] / x[k, k]
        x = xp.write(x, slice(k + 1, None), -factor[:, None] * x[k], "add")
    return x


@rare_writes.step("heat_steps", 1, vector)
def _heat_steps(xp: Any, x: Any) -> Any:
    for _ in range(3):
        x = xp.write(x, slice(1, -1), 0.2 * (x[2:] - 2 * x[1:-1] + x[:-2]), "add")
    return x


@rare_writes.step("write_scattered_add", 2, when(lambda x, y: x.shape == y.shape in ((3,), (4,))))
def _write_scattered_add(xp: Any, x: Any, y: Any) -> Any:
    """``np.add.at`` with a bin that is met more than once."""
    return xp.write(x, (np.array([0, 1, 0, 2])[: x.shape[0]],), xp.sin(y), "add")


_CHAINS: dict[str, tuple[tuple[Any, ...], Callable[[np.ndarray], Any]]] = {
    "slice_of_slice": ((slice(1, None), slice(None, None, 2)), lambda x: x.shape[0] > 1),
    "column_of_rows": ((slice(0, 2), (slice(None), -1)), lambda x: x.ndim == 2),
    "row_then_slice": ((0, slice(1, None)), lambda x: x.ndim > 1 and x.shape[1] > 1),
    "new_axis": (((None, slice(1, None)), (0,)), lambda x: x.shape[0] > 1),
    "ellipsis": (((..., 0), slice(None, 2)), lambda x: x.ndim > 1),
}


def _chain(how: str) -> Propose:
    def propose(rng: np.random.Generator, x: np.ndarray) -> Parameters | None:
        fitting = [name for name, (_, fits) in _CHAINS.items() if x.ndim and fits(x)]
        return {"chain": fitting[rng.integers(len(fitting))], "how": how} if fitting else None

    return propose


for _how in HOW:

    @rare_writes.step(f"write_view_{_how}", 1, _chain(_how))
    def _write_view(xp: Any, x: Any, chain: str, how: str) -> Any:
        """A write into a view of a view; x itself is returned."""
        path = _CHAINS[chain][0]
        return xp.write_view(x, path, xp.sin(xp.sum(x)), how)


@rare_writes.step("fill_diagonal", 1, when(lambda x: is_square(x) and x.ndim == 2))
def _fill_diagonal(xp: Any, x: Any) -> Any:
    n = np.arange(x.shape[0])
    return xp.write(x * x, (n, n), x[0], "set")


@rare_writes.step("buffer_of_rows", 1, when(lambda x: x.ndim > 1 and x.size < 20))
def _buffer_of_rows(xp: Any, x: Any) -> Any:
    """Rows written one after the other, each from the one before."""
    result = xp.zeros_like(x)
    for i in range(x.shape[0]):
        result = xp.write(result, i, xp.tanh(x[i] + 0.5 * result[i - 1]), "set")
    return result
