"""Concatenate, stack and what is made of them: block, split, pad, tile, roll, insert, delete."""

from __future__ import annotations

import numpy as np

from ..case import Case

CASES = [
    Case(
        "concatenate",
        lambda x, y: np.concatenate([x, y * y, x]),
        [(2, 3), (1, 3)],
        complex=True,
        primitives=("concatenate",),
    ),
    Case("concatenate_constant", lambda x: np.concatenate([x, np.ones((2, 2))], axis=-1), [(2, 3)]),
    Case("concatenate_flat", lambda x, y: np.concatenate([x, y], axis=None), [(2, 2), (3,)]),
    Case("concatenate_mixed", lambda x: np.concatenate([x, x * 1j]), [(2,)]),
    Case("concatenate_dtype", lambda x: np.concatenate([x, x], dtype=np.complex128), [(2,)]),
    Case("concat", lambda x: np.concat([x, np.sin(x)], axis=1), [(2, 2)]),
    Case(
        "concatenate_many",
        lambda x: np.concatenate([x * i for i in range(150)]),
        [(2,)],
        order=1,
        reason="the second derivative of a linear function",
    ),
    Case(
        "stack",
        lambda x, y: np.stack([x, y, x * y], axis=1),
        [(2, 3), (2, 3)],
        complex=True,
        primitives=("stack",),
    ),
    Case("stack_scalars", lambda x, y: np.stack([x * y, 2.0, x]), [(), ()]),
    Case("vstack", lambda x, y: np.vstack([x, y]), [(3,), (2, 3)]),
    Case("hstack", lambda x, y: np.hstack([x, y]), [(2, 1), (2, 2)]),
    Case("hstack_vectors", lambda x, y: np.hstack([x, y, 1.0]), [(2,), (3,)]),
    Case("dstack", lambda x: np.dstack([x, x * x]), [(2, 2)]),
    Case("column_stack", lambda x, y: np.column_stack([x, y]), [(3,), (3, 2)]),
    Case("block", lambda x, y: np.block([[x, np.zeros((2, 1))], [y, 5.0]]), [(2, 3), (1, 3)]),
    Case("append", lambda x: np.append(x, 3.0), [(2, 2)]),
    Case("append_axis", lambda x, y: np.append(x, y, axis=0), [(2, 2), (1, 2)]),
    # taking apart
    Case("split", lambda x: np.split(x, 2, axis=1), [(2, 4)]),
    Case("split_at", lambda x: np.split(x, [1, 3]), [(4,)]),
    Case("array_split", lambda x: np.array_split(x, 3), [(5,)]),
    Case("hsplit", lambda x: np.hsplit(x, 2), [(2, 4)]),
    Case("vsplit", lambda x: np.vsplit(x, 2), [(2, 3)]),
    Case("dsplit", lambda x: np.dsplit(x, [1]), [(2, 2, 2)]),
    Case("unstack", lambda x: np.unstack(x, axis=1), [(2, 3)]),
    # repeating
    Case("tile", lambda x: np.tile(x, (2, 1, 3)), [(2, 2)]),
    Case("tile_once", lambda x: np.tile(x, (1, 1)), [(2, 2)]),
    Case("repeat", lambda x: np.repeat(x, 2), [(2, 2)]),
    Case("repeat_axis", lambda x: np.repeat(x, 3, axis=1), [(2, 2)]),
    Case("repeat_each", lambda x: np.repeat(x, [1, 0, 2], axis=0), [(3, 2)]),
    Case("resize", lambda x: np.resize(x, (3, 3)), [(2, 2)]),
    Case("resize_smaller", lambda x: np.resize(x, (3,)), [(2, 2)]),
    # order
    Case("flip", np.flip, [(2, 3)]),
    Case("flip_axis", lambda x: np.flip(x, (0, 2)), [(2, 3, 2)]),
    Case("fliplr", np.fliplr, [(2, 3)]),
    Case("flipud", np.flipud, [(2, 3)]),
    Case("roll", lambda x: np.roll(x, 2), [(2, 3)]),
    Case("roll_axes", lambda x: np.roll(x, (1, -1), axis=(0, 1)), [(2, 3)]),
    Case("rot90", np.rot90, [(2, 3)]),
    Case("rot90_back", lambda x: np.rot90(x, -1, axes=(1, 2)), [(2, 3, 2)]),
    Case("rot90_twice", lambda x: np.rot90(x, 2), [(2, 3)]),
    # inserting and leaving out
    Case("insert", lambda x, y: np.insert(x, 1, y), [(4,), ()]),
    Case("insert_rows", lambda x, y: np.insert(x, 1, y, axis=0), [(2, 3), (3,)]),
    Case("insert_several", lambda x, y: np.insert(x, [3, 1, 1], y), [(4,), (3,)]),
    Case("insert_columns", lambda x, y: np.insert(x, [1], y, axis=1), [(3, 2), (3, 1)]),
    Case("delete", lambda x: np.delete(x, 1), [(4,)]),
    Case("delete_columns", lambda x: np.delete(x, [0, 2], axis=1), [(2, 4)]),
    Case("delete_slice", lambda x: np.delete(x, slice(None, None, 2)), [(5,)]),
    # padding
    Case("pad", lambda x: np.pad(x, ((1, 2), (0, 1))), [(2, 3)]),
    Case("pad_constant", lambda x: np.pad(x, 2, constant_values=((1.0, 2.0),)), [(3,)]),
    Case(
        "pad_traced_constant",
        lambda x, y: np.pad(x, 1, constant_values=y),
        [(2, 2), ()],
        plain=lambda x, y: np.pad(x, 1, constant_values=y),
    ),
    Case("pad_edge", lambda x: np.pad(x, (2, 1), "edge"), [(3,)]),
    Case("pad_reflect", lambda x: np.pad(x, ((1, 2), (3, 0)), "reflect"), [(3, 2)]),
    Case("pad_reflect_odd", lambda x: np.pad(x, (1, 5), "reflect", reflect_type="odd"), [(3,)]),
    Case("pad_symmetric", lambda x: np.pad(x, (4, 1), "symmetric"), [(3,)]),
    Case("pad_symmetric_odd", lambda x: np.pad(x, (4, 1), "symmetric", reflect_type="odd"), [(3,)]),
    Case("pad_wrap", lambda x: np.pad(x, ((0, 3), (1, 1)), "wrap"), [(2, 3)]),
    Case(
        "pad_linear_ramp", lambda x: np.pad(x, (2, 3), "linear_ramp", end_values=(1.0, 2.0)), [(3,)]
    ),
    Case("pad_mean", lambda x: np.pad(x, (2, 1), "mean", stat_length=2), [(3, 3)]),
    Case("pad_maximum", lambda x: np.pad(x, 1, "maximum"), [(2, 3)], domain="distinct"),
    Case("pad_minimum", lambda x: np.pad(x, 1, "minimum"), [(4,)], domain="distinct"),
    Case("pad_median", lambda x: np.pad(x, 1, "median"), [(3,)], domain="distinct"),
    # along axes
    Case(
        "apply_along_axis",
        lambda x: np.apply_along_axis(lambda v: v * np.sum(v), 1, x),
        [(2, 3, 2)],
    ),
    Case("apply_over_axes", lambda x: np.apply_over_axes(np.sum, x, [0, 2]), [(2, 3, 2)]),
    Case(
        "sliding_window_view",
        lambda x: np.lib.stride_tricks.sliding_window_view(x, (2, 2)) * 2.0,
        [(3, 4)],
        complex=True,
        primitives=("sliding_windows",),
    ),
    Case(
        "sliding_window_view_axis",
        lambda x: np.lib.stride_tricks.sliding_window_view(x, 3, axis=1),
        [(2, 4, 2)],
    ),
    Case("meshgrid", lambda x, y: np.meshgrid(x, y), [(2,), (3,)]),
    Case(
        "meshgrid_sparse", lambda x, y: np.meshgrid(x, y, sparse=True, indexing="ij"), [(2,), (3,)]
    ),
]
