"""Linear and quadratic equations in matrices: Sylvester's, Riccati's; banded systems."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import algebra
from ..core.bind import bind
from ..core.errors import ShapeError
from ..core.primitive import Primitive
from .batching import materialize
from .contractions import matmul, matrix_transpose
from .linalg import check_square, on_stacks, result_dtype

__all__ = ["sylvester", "sylvester_p"]


def _sylvester_shape(a: Any, b: Any, q: Any) -> tuple[tuple[int, ...], Any]:
    check_square("solve_sylvester", a)
    check_square("solve_sylvester", b)
    if len(q.shape) < 2 or q.shape[-2:] != (a.shape[-1], b.shape[-1]):
        raise ShapeError(
            f"solve_sylvester: matrices of shapes {a.shape} and {b.shape} do not fit a right-hand "
            f"side of shape {q.shape}; expected (..., {a.shape[-1]}, {b.shape[-1]})"
        )
    stack = np.broadcast_shapes(a.shape[:-2], b.shape[:-2], q.shape[:-2])
    return (*stack, *q.shape[-2:]), result_dtype(a, b, q)


def _sylvester(a: Any, b: Any, q: Any) -> Any:
    from scipy.linalg import solve_sylvester

    shape, dtype = _sylvester_shape(a, b, q)
    a, b, q = (x.astype(dtype, copy=False) for x in (a, b, q))
    return on_stacks(solve_sylvester, "(m,m),(n,n),(m,n)->(m,n)", (shape, dtype), a, b, q)


def _sylvester_jvp(ts: Any, ins: Any, out: Any) -> Any:
    """``A dX + dX B = dQ - dA X - X dB``."""
    ta, tb, tq = ts
    right = tq
    if ta is not None:
        t = matmul(ta, out)
        right = -t if right is None else right - t
    if tb is not None:
        t = matmul(out, tb)
        right = -t if right is None else right - t
    return sylvester(ins[0], ins[1], right)


def _batch(args: Any, batched: Any, size: int) -> Any:
    full = [materialize(x, b, size) for x, b in zip(args, batched, strict=True)]
    return bind(sylvester_p, tuple(full), {})


def _cotangent_q(ct: Any, ins: Any, out: Any) -> Any:
    a, b, q = ins
    x = sylvester(matrix_transpose(a), matrix_transpose(b), ct)
    return algebra.unbroadcast(x, q.shape)


sylvester_p: Primitive = Primitive(
    "solve_sylvester",
    _sylvester,
    _sylvester_shape,
    _batch,
    jvp=_sylvester_jvp,
    linear=(2,),
    transpose=(None, None, _cotangent_q),
    show="scipy.linalg.solve_sylvester({0}, {1}, {2})",
    contiguous=lambda a, b, q: False,
)


def sylvester(a: Any, b: Any, q: Any) -> Any:
    """``X`` with ``A X + X B = Q``, in stacks (..., m, m), (..., n, n), (..., m, n)."""
    return bind(sylvester_p, (a, b, q), {})
