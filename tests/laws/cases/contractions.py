"""Products of vectors, matrices and tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.core.bind import bind
from wengert.rules.einsum import einsum_p

from ..case import Case

_MATMUL = {
    "vv": [(3,), (3,)],
    "vm": [(3,), (3, 2)],
    "mv": [(2, 3), (3,)],
    "mm": [(2, 3), (3, 4)],
    "v_stack": [(3,), (2, 3, 4)],
    "stack_v": [(2, 4, 3), (3,)],
    "m_stack": [(4, 3), (2, 3, 2)],
    "stack_m": [(2, 4, 3), (3, 2)],
    "stack_stack": [(2, 4, 3), (2, 3, 2)],
    "broadcast": [(2, 1, 4, 3), (3, 3, 2)],
    "broadcast_one": [(1, 4, 3), (2, 3, 2)],
    "columns_of_one": [(4, 1), (1, 3)],
    "empty_sum": [(2, 0), (0, 3)],
    "no_rows": [(0, 3), (3, 2)],
    "empty_stack_v": [(0, 2, 3), (3,)],
    "v_no_columns": [(3,), (3, 0)],
}

_EINSUM = {
    "ij,jk->ik": [(2, 3), (3, 4)],
    "ij,jk->ki": [(2, 3), (3, 4)],
    "ij,kj->ik": [(2, 3), (4, 3)],
    "ij,jk": [(2, 3), (3, 4)],
    "i,i->": [(3,), (3,)],
    "i,i->i": [(3,), (3,)],
    "i,j->ji": [(3,), (2,)],
    "ij,ij->": [(2, 3), (2, 3)],
    "ij,ji->": [(2, 3), (3, 2)],
    "ij,ij->j": [(2, 3), (2, 3)],
    "bij,bjk->bik": [(2, 3, 2), (2, 2, 4)],
    "bij,bjk->ikb": [(2, 3, 2), (2, 2, 4)],
    "bi,bi->b": [(2, 3), (2, 3)],
    "nchw,ochw->no": [(2, 2, 3, 1), (3, 2, 3, 1)],
    ",ij->ji": [(), (2, 3)],
    "ii": [(3, 3)],
    "ii->i": [(3, 3)],
    "iij->ji": [(2, 2, 3)],
    "iii->i": [(2, 2, 2)],
    "ij->": [(2, 3)],
    "ij->j": [(2, 3)],
    "ijk->kij": [(2, 3, 4)],
    "ii,i->i": [(3, 3), (3,)],
    "ij,k->i": [(2, 3), (4,)],
    "i,j->": [(2,), (3,)],
    "...ij,...jk->...ik": [(2, 1, 2, 3), (3, 3, 2)],
    "...i,...i->...": [(2, 3), (3,)],
    "i...->...": [(2, 3)],
    "ij,jk->kij": [(2, 1), (3, 4)],
    "i,ij,j->": [(2,), (2, 3), (3,)],
    "bi,ij,bj->b": [(2, 3), (3, 4), (2, 4)],
    "ij,jk,kl->il": [(2, 3), (3, 2), (2, 3)],
    "ab,ab,ab->ab": [(2, 3), (2, 3), (2, 3)],
    "a,b,c->cab": [(2,), (3,), (2,)],
    "ij,jk,kl,lm->mi": [(2, 3), (3, 2), (2, 2), (2, 3)],
    "ij,jk->ik ": [(2, 0), (0, 3)],
}


def _einsum(subscripts: str) -> Any:
    return lambda *xs: np.einsum(subscripts, *xs)


def _three_at_once(x: Any, y: Any, z: Any) -> Any:
    return bind(einsum_p, (x, y, z), {"subscripts": "ij,jk,ik->i"})


CASES = [
    *(
        Case(f"matmul_{name}", lambda x, y: x @ y, args=shapes, complex=True)
        for name, shapes in _MATMUL.items()
    ),
    *(
        Case(f"einsum_{subscripts}", _einsum(subscripts), args=shapes, complex=True)
        for subscripts, shapes in _EINSUM.items()
    ),
    Case("matmul_same", lambda x: x @ x, args=[(3, 3)], complex=True, primitives=("matmul",)),
    Case("matmul_constant", lambda x: np.ones((2, 3)) @ x, args=[(3, 2)], complex=True),
    Case("matmul_function", np.matmul, args=[(2, 3), (3, 2)]),
    Case(
        "matmul_axes",
        lambda x, y: np.matmul(x, y, axes=[(0, 1), (1, 2), (2, 0)]),
        args=[(2, 3, 2), (2, 3, 4)],
    ),
    Case(
        "einsum_interleaved",
        lambda x, y: np.einsum(x, [2, 0], y, [0, 1], [1, 2]),
        args=[(2, 3), (3, 4)],
    ),
    Case(
        "einsum_path",
        lambda x, y, z: np.einsum(
            "ij,jk,kl->li", x, y, z, optimize=["einsum_path", (1, 2), (0, 1)]
        ),
        args=[(2, 3), (3, 2), (2, 3)],
    ),
    Case(
        "einsum_three_at_once",
        _three_at_once,
        args=[(2, 3), (3, 4), (2, 4)],
        complex=True,
        primitives=("einsum",),
        plain=lambda x, y, z: np.einsum("ij,jk,ik->i", x, y, z),
    ),
    Case(
        "einsum_path_function",
        lambda x, y: np.array(np.einsum_path("ij,jk", x, y)[0][1]),
        args=[(2, 3), (3, 4)],
        order=0,
        batch=False,
        reason="positions, which do not depend on values",
    ),
    Case("dot_vectors", np.dot, args=[(3,), (3,)], complex=True),
    Case("dot_matrices", np.dot, args=[(2, 3), (3, 4)]),
    Case("dot_tensors", np.dot, args=[(2, 2, 3), (2, 3, 4)], complex=True),
    Case("dot_vector_tensor", np.dot, args=[(3,), (2, 3, 4)]),
    Case("dot_number", np.dot, args=[(), (2, 3)]),
    Case("dot_method", lambda x: x.dot(x), args=[(3, 3)]),
    Case("inner_vectors", np.inner, args=[(3,), (3,)]),
    Case("inner_tensors", np.inner, args=[(2, 3), (4, 2, 3)], complex=True),
    Case("inner_number", np.inner, args=[(), (2, 3)]),
    Case("outer", np.outer, args=[(3,), (4,)], complex=True),
    Case("outer_of_matrices", np.outer, args=[(2, 2), (3,)]),
    Case("vdot", np.vdot, args=[(2, 3), (3, 2)], complex=True),
    Case("tensordot_0", lambda x, y: np.tensordot(x, y, 0), args=[(2,), (3, 2)]),
    Case("tensordot_1", lambda x, y: np.tensordot(x, y, 1), args=[(2, 3), (3, 2)]),
    Case("tensordot_2", np.tensordot, args=[(2, 3, 4), (3, 4, 2)], complex=True),
    Case(
        "tensordot_axes",
        lambda x, y: np.tensordot(x, y, axes=([1, -3], [0, 1])),
        args=[(2, 3, 4), (3, 2, 2)],
        complex=True,
    ),
    Case("tensordot_same_axis", lambda x: np.tensordot(x, x, axes=(0, 0)), args=[(2, 3)]),
    Case("kron", np.kron, args=[(2, 3), (3, 2)], complex=True),
    Case("kron_ranks", np.kron, args=[(3,), (2, 2)]),
    Case("cross", np.cross, args=[(2, 3), (3,)], complex=True),
    Case("cross_axes", lambda x, y: np.cross(x, y, 0, 1, 0), args=[(3, 2), (2, 3)]),
    Case("vecdot", np.vecdot, args=[(2, 3), (3,)], complex=True),
    Case("vecdot_axis", lambda x, y: np.vecdot(x, y, axis=0), args=[(3, 2), (3, 2)]),
    Case(
        "vecdot_keepdims",
        lambda x, y: np.vecdot(x, y, axis=0, keepdims=True),
        args=[(3, 2), (3, 2)],
    ),
]

if hasattr(np, "matvec"):  # NumPy 2.2
    CASES += [
        Case("matvec", np.matvec, args=[(2, 2, 3), (3,)], complex=True),
        Case("vecmat", np.vecmat, args=[(2, 3), (3, 4)], complex=True),
    ]
