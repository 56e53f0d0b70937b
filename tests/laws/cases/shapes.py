"""Reshape, transpose, broadcast, diagonals, copies and dtypes."""

from __future__ import annotations

import numpy as np

from ..case import Case

CASES = [
    # reshape and its kind
    Case(
        "reshape", lambda x: np.reshape(x, (4, -1)), [(2, 6)], complex=True, primitives=("reshape",)
    ),
    Case("reshape_0d", lambda x: np.reshape(x, ()) * 2.0, [(1, 1)]),
    Case("reshape_of_scalar", lambda x: np.reshape(np.sin(x), (1, 1)), [()]),
    Case("reshape_empty", lambda x: np.reshape(x, (0, 3)), [(2, 0)]),
    Case("reshape_fortran", lambda x: np.reshape(x, (4, 3), order="F"), [(2, 6)]),
    Case("reshape_of_transposed", lambda x: x.T.reshape(-1, 2), [(2, 6)]),
    Case("reshape_method", lambda x: x.reshape(3, 4) * 2.0, [(2, 6)]),
    Case("ravel", lambda x: np.ravel(x) ** 2, [(2, 3)]),
    Case("ravel_of_transposed", lambda x: np.ravel(x.T) ** 2, [(2, 3)]),
    Case("ravel_fortran", lambda x: np.ravel(x, order="F"), [(2, 3)]),
    Case("flatten", lambda x: x.flatten(), [(2, 3)]),
    Case("squeeze", np.squeeze, [(1, 3, 1)]),
    Case("squeeze_axis", lambda x: np.squeeze(x, axis=-1), [(1, 3, 1)]),
    Case("squeeze_to_0d", np.squeeze, [(1, 1)]),
    Case("expand_dims", lambda x: np.expand_dims(x, (0, -1)), [(2, 3)]),
    Case("atleast_1d", lambda x: np.atleast_1d(x), [()]),
    Case("atleast_2d", lambda x: np.atleast_2d(x), [(3,)]),
    Case("atleast_3d", lambda x, y: np.atleast_3d(x, y), [(3,), (2, 3)]),
    # axes
    Case("transpose", np.transpose, [(2, 3, 4)], complex=True, primitives=("transpose",)),
    Case("transpose_axes", lambda x: np.transpose(x, (1, -1, 0)), [(2, 3, 4)]),
    Case("transpose_0d", lambda x: np.transpose(x) * 2.0, [()]),
    Case("T", lambda x: x.T @ x, [(3, 2)]),
    Case("mT", lambda x: x.mT * 2.0, [(2, 3, 2)]),
    Case("permute_dims", lambda x: np.permute_dims(x, (2, 0, 1)), [(2, 3, 2)]),
    Case("matrix_transpose", np.matrix_transpose, [(2, 3, 2)]),
    Case("swapaxes", lambda x: np.swapaxes(x, 0, -1), [(2, 3, 2)]),
    Case("moveaxis", lambda x: np.moveaxis(x, [0, 1], [-1, 0]), [(2, 3, 4)]),
    Case("rollaxis", lambda x: np.rollaxis(x, 2, 1), [(2, 3, 4)]),
    # broadcasting
    Case(
        "broadcast_to",
        lambda x: np.broadcast_to(x, (2, 4, 3)),
        [(4, 1)],
        primitives=("broadcast_to",),
    ),
    Case("broadcast_to_of_scalar", lambda x: np.broadcast_to(x, (2,)), [()]),
    Case("broadcast_to_empty", lambda x: np.broadcast_to(x, (0, 3)), [(3,)]),
    Case("broadcast_arrays", lambda x, y: np.broadcast_arrays(x, y), [(3, 1), (2,)]),
    # diagonals
    Case("diagonal", np.diagonal, [(3, 4)], complex=True, primitives=("diagonal",)),
    Case("diagonal_of_einsum", lambda x: np.einsum("ijik->jik", x), [(3, 2, 3, 2)], complex=True),
    Case("diagonal_axes", lambda x: np.diagonal(x, 1, 2, 0), [(3, 2, 4)]),
    Case("diagonal_below", lambda x: x.diagonal(-1), [(4, 3)]),
    Case("diagonal_outside", lambda x: np.diagonal(x, 5), [(3, 4)]),
    Case("diag_of_matrix", lambda x: np.diag(x, 1), [(3, 3)]),
    Case("diag_of_vector", lambda x: np.diag(x, -2), [(3,)]),
    Case("diagflat", lambda x: np.diagflat(x, 1), [(2, 2)]),
    Case("trace", np.trace, [(3, 4)]),
    Case("trace_axes", lambda x: np.trace(x, 1, 0, 2), [(3, 2, 4)]),
    Case("tril", lambda x: np.tril(x, 1), [(2, 3, 4)]),
    Case("triu", lambda x: np.triu(x, -1), [(4, 3)]),
    Case("triu_of_vector", np.triu, [(3,)]),
    # copies and dtypes
    Case("copy", np.copy, [(2, 3)], complex=True, primitives=("copy",)),
    Case("copy_0d", lambda x: x.copy() * 2.0, [()]),
    Case("copy_fortran", lambda x: x.copy("F"), [(2, 3)]),
    Case("astype", lambda x: x.astype(np.complex128) * (1 + 2j), [(3,)], primitives=("astype",)),
    Case(
        "astype_to_float32",
        lambda x: x.astype(np.float32) ** 2,
        [(3,)],
        order=0,
        reason="float64 arguments rounded to float32 have no numerical derivative",
    ),
    Case("astype_function", lambda x: np.astype(x, np.float64) * 2.0, [(2,)]),
    Case("astype_0d", lambda x: x.astype(np.complex128), [()]),
]
