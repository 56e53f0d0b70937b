"""Reading and writing by index, of every kind that NumPy has."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..case import Case

Array = Any

I2 = np.array([[0, 2], [1, 1]])
I3 = np.array([2, 0, 2])
NEGATIVE = np.array([-1, 0, -1, 1])
MASK = np.array([[True, False, True], [False, True, True]])
ROW_MASK = np.array([True, False])


def reading(name: str, read: Any, shape: tuple[int, ...], **options: Any) -> Case:
    return Case(
        "read_" + name, lambda x: read(x) * 2.0, [shape], primitives=("getitem",), **options
    )


def writing(
    name: str, write: Any, shape: tuple[int, ...], value: tuple[int, ...], **options: Any
) -> Case:
    """``write(y, v)`` writes ``v`` into ``y``; the rest and what was read before count too."""

    def f(x: Array, v: Array) -> Array:
        y = x * 2.0
        before = y * y
        write(y, v * v)
        return np.sum(before) * y + y * x

    return Case("write_" + name, f, [shape, value], primitives=("setitem",), **options)


def _assign(index: Any) -> Any:
    def write(y: Array, v: Array) -> None:
        y[index] = v

    return write


def _put(y: Array, v: Array) -> None:
    np.put(y, [0, -1, 7], v)


def _put_along(y: Array, v: Array) -> None:
    np.put_along_axis(y, np.array([[1], [0], [2]]), v, axis=1)


def _copyto(y: Array, v: Array) -> None:
    np.copyto(y, v, where=MASK)


def _putmask(y: Array, v: Array) -> None:
    np.putmask(y, MASK, v)


def _place(y: Array, v: Array) -> None:
    np.place(y, MASK, v)


def _diagonal(y: Array, v: Array) -> None:
    np.fill_diagonal(y, v)


def _flat(y: Array, v: Array) -> None:
    y.flat[1::3] = v


def _fill(y: Array, v: Array) -> None:
    y.fill(v)


def gather_and_scatter(x: Array, i: Array, j: Array) -> Array:
    y = x * 1.0
    y[i, j] = x[j, i] * 3.0
    return np.sum(y[i] * x[j]) + y[0, i] @ x[i, j]


CASES = [
    # basic
    reading("element", lambda x: x[1, 2], (2, 3), complex=True),
    reading("element_0d", lambda x: x[1, 2, ...], (2, 3)),
    reading("row", lambda x: x[-1], (2, 3)),
    reading("slice", lambda x: x[1:, ::2], (3, 4)),
    reading("reversed", lambda x: x[::-1, 3:0:-2], (3, 4)),
    reading("ellipsis", lambda x: x[..., 1], (2, 3, 2)),
    reading("new_axis", lambda x: x[None, :, None, 1], (2, 3)),
    reading("empty", lambda x: x[2:2], (3, 2)),
    reading("everything", lambda x: x[...], (2, 2)),
    # advanced
    reading("list", lambda x: x[[0, 0, 2]], (3, 2), complex=True),
    reading("matrix_of_indices", lambda x: x[I2], (3, 2)),
    reading("pairs", lambda x: x[I3, [1, 1, 0]], (3, 2)),
    reading("broadcast_pairs", lambda x: x[I2, I3[:2]], (3, 3)),
    reading("slice_then_list", lambda x: x[:, I3], (2, 3)),
    reading("list_then_slice", lambda x: x[I3, 1:], (3, 3)),
    reading("separated", lambda x: x[I3, :, [0, 1, 1]], (3, 2, 2)),
    reading("separated_by_integer", lambda x: x[0, :, I3], (2, 2, 3)),
    reading("integer_beside", lambda x: x[:, 1, I3], (2, 2, 3)),
    reading("with_new_axis", lambda x: x[None, I3, None], (3, 2)),
    reading("with_ellipsis", lambda x: x[..., I3], (2, 2, 3)),
    reading("negative", lambda x: x[NEGATIVE], (3,)),
    reading("no_indices", lambda x: x[np.array([], int)], (3, 2)),
    reading("mask", lambda x: x[MASK], (2, 3)),
    reading("row_mask", lambda x: x[ROW_MASK, 1:], (2, 3)),
    reading("ix", lambda x: x[np.ix_([0, 2], [1, 0])], (3, 2)),
    Case(
        "gather_and_scatter",
        gather_and_scatter,
        [(4, 4), np.array([0, 2, 3]), np.array([3, 1, 1])],
        batch_integers=True,
        primitives=("getitem", "setitem", "scatter_add", "last_writer"),
    ),
    Case(
        "abstract_index_0d",
        lambda x, i: x[i] * x[1, i] + x[..., i],
        [(3, 3), np.array(2)],
        batch_integers=True,
    ),
    # functions that read
    Case("take", lambda x: np.take(x, I2, axis=1), [(2, 3)], primitives=("getitem",)),
    Case("take_flat", lambda x: np.take(x, [0, 5, -1]), [(2, 3)]),
    Case("take_one", lambda x: np.take(x, 1, axis=0), [(2, 3)]),
    Case("take_wrap", lambda x: x.take([4, -5], mode="wrap"), [(3,)]),
    Case("take_clip", lambda x: np.take(x, [4, -5], mode="clip"), [(3,)]),
    Case("take_abstract", lambda x, i: np.take(x, i, axis=1), [(2, 3), I3], batch_integers=True),
    Case(
        "take_along_axis",
        lambda x, i: np.take_along_axis(x, i, axis=1),
        [(3, 3), np.array([[1, 0], [2, 2], [0, 1]])],
        batch_integers=True,
    ),
    Case("take_along_flat", lambda x: np.take_along_axis(x, I3, axis=None), [(2, 2)]),
    Case("compress", lambda x: np.compress([True, False, True], x, axis=1), [(2, 3)]),
    Case("extract", lambda x: np.extract(MASK, x), [(2, 3)]),
    Case("flat", lambda x: x.flat[1::2] * 2.0, [(2, 3)]),
    # writing
    writing("element", _assign((0, 1)), (2, 3), (), complex=True),
    writing("row", _assign(1), (2, 3), (3,)),
    writing("row_broadcast", _assign(np.s_[:, 1:]), (2, 3), (2, 1)),
    writing("slice", _assign(np.s_[::-2]), (4, 2), (2, 2)),
    writing("everything", _assign(...), (2, 3), (3,)),
    writing("list", _assign([0, 2]), (3, 2), (2, 2)),
    writing("duplicates", _assign([0, 0, 2]), (3, 2), (3, 2), complex=True),
    writing("duplicate_pairs", _assign((I3, np.array([1, 1, 1]))), (3, 2), (3,)),
    writing(
        "separated", _assign((np.array([0, 2]), slice(None), np.array([0, 1]))), (3, 2, 2), (2, 2)
    ),
    writing("mask", _assign(MASK), (2, 3), (4,)),
    writing("mask_broadcast", _assign(MASK), (2, 3), ()),
    writing("leading_ones", _assign(0), (2, 3), (1, 1, 3)),
    writing("nothing", _assign(np.s_[1:1]), (2, 3), (3,)),
    writing("put", _put, (3, 3), (3,)),
    writing("put_along_axis", _put_along, (3, 3), (3, 1)),
    writing("copyto", _copyto, (2, 3), (3,)),
    writing("putmask", _putmask, (2, 3), (2, 3)),
    writing("place", _place, (2, 3), (2,)),
    writing("fill_diagonal", _diagonal, (3, 4), ()),
    writing("flat", _flat, (2, 3), (2,)),
    writing("fill", _fill, (2, 2), ()),
]
