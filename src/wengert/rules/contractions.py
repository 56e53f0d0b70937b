"""Products of matrices and of stacks of them."""

from __future__ import annotations

from _weakref import ref
from typing import Any

import numpy as np

from ..core import algebra
from ..core.abstract import Aval
from ..core.bind import bind
from ..core.errors import ShapeError
from ..core.ownership import snapshot
from ..core.primitive import Primitive
from ..core.state import PAUSED, is_paused, next_id
from ..core.tape import Node, NodeKind, Wrap, contribute
from ..core.tensor import FastTensor, Tensor
from .batching import align, materialize, ndim_of, shape_of
from .shapes import reshape, transpose

__all__ = ["matmul", "matmul_p", "matrix_transpose"]

ndarray = np.ndarray


def matrix_transpose(x: Any) -> Any:
    """``x`` with its last two axes exchanged."""
    if not isinstance(x, Tensor):
        return x.swapaxes(-1, -2)
    return transpose(x, (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


def matmul_shape(a: Any, b: Any) -> tuple[tuple[int, ...], Any]:
    """Shape rule of `matmul`: (..., m, k) @ (..., k, n), and vectors on either side."""
    sa, sb = shape_of(a), shape_of(b)
    if not sa or not sb:
        raise ShapeError("matmul: a 0-d operand; use * for scalars")
    left = sa if len(sa) > 1 else (1, *sa)
    right = sb if len(sb) > 1 else (*sb, 1)
    if left[-1] != right[-2]:
        raise ShapeError(
            f"matmul: shapes {sa} and {sb} do not fit: {left[-1]} columns against {right[-2]} rows"
        )
    shape = np.broadcast_shapes(left[:-2], right[:-2])
    shape += (left[-2],) if len(sa) > 1 else ()
    shape += (right[-1],) if len(sb) > 1 else ()
    return shape, np.result_type(a.dtype, b.dtype)


def _cotangent_a(ct: Any, ins: Any, out: Any) -> Any:
    a, b = ins
    if b.ndim == 1:
        g = ct * b if a.ndim == 1 else reshape(ct, (*ct.shape, 1)) * b
    elif a.ndim == 1:
        g = matmul(b, reshape(ct, (*ct.shape, 1)))
        g = reshape(g, g.shape[:-1])
    else:
        g = matmul(ct, matrix_transpose(b))
    return algebra.unbroadcast(g, a.shape)


def _cotangent_b(ct: Any, ins: Any, out: Any) -> Any:
    a, b = ins
    if a.ndim == 1:
        g = ct * a if b.ndim == 1 else reshape(a, (*a.shape, 1)) * reshape(ct, (*ct.shape[:-1], 1, -1))
    elif b.ndim == 1:
        k = a.shape[-1]
        return matmul(reshape(ct, (-1,)), reshape(a, (-1, k)))
    elif b.ndim == 2 and a.ndim > 2:
        # One product of tall matrices instead of a stack of products that is then summed.
        flat = reshape(a, (-1, a.shape[-1]))
        return matmul(matrix_transpose(flat), reshape(ct, (-1, ct.shape[-1])))
    else:
        g = matmul(matrix_transpose(a), ct)
    return algebra.unbroadcast(g, b.shape)


def _matmul_batch(args: Any, batched: Any, size: int) -> Any:
    a, b = args
    vector_a, vector_b = ndim_of(a, batched[0]) == 1, ndim_of(b, batched[1]) == 1
    if vector_a:
        a = reshape(a, (*shape_of(a)[:-1], 1, shape_of(a)[-1]))
    if vector_b:
        b = reshape(b, (*shape_of(b), 1))
    if batched == (True, False) and ndim_of(b) == 2 and ndim_of(a) == 3:
        # The batch axis joins the rows: one product.
        n, m, k = shape_of(a)
        y = reshape(matmul(reshape(a, (n * m, k)), b), (n, m, shape_of(b)[-1]))
    else:
        rank = max(ndim_of(a, batched[0]), ndim_of(b, batched[1]))
        y = bind(matmul_p, (align(a, batched[0], rank), align(b, batched[1], rank)), {})
    shape = y.shape
    if vector_b:
        shape = shape[:-1]
    if vector_a:
        shape = (*shape[:-1], shape[-1])[:-2] + shape[-1:] if not vector_b else shape[:-1]
    return y if shape == y.shape else reshape(y, shape)


matmul_p = Primitive(
    "matmul",
    np.matmul,
    matmul_shape,
    _matmul_batch,
    multilinear=(0, 1),
    transpose=(_cotangent_a, _cotangent_b),
    show="{0} @ {1}",
    lower="matmul",
    needs_out=False,
)


# ------------------------------------------------------------------ the eager fast path
# Nodes: (id, MATMUL, parent, parent, ref, saved x, saved y, constants), as in `fast.py`.


def matmul(x: Any, y: Any) -> Any:
    """Matrix product, ``(..., m, k) @ (..., k, n)``; vectors on either side as in NumPy."""
    if type(x) is FastTensor:
        m = x._n
        a = x._a
        if type(y) is FastTensor:
            n = y._n
            b = y._a
            held = None if m is not None and n is not None else _constants(x, y)
        elif type(y) is ndarray:
            n = held = None
            b = y if m is None else snapshot(y)
        else:
            return bind(matmul_p, (x, y), {})
    elif type(y) is FastTensor and type(x) is ndarray:
        m = held = None
        n = y._n
        b = y._a
        a = x if n is None else snapshot(x)
    else:
        return bind(matmul_p, (x, y), {})
    r = FastTensor()
    r._a = a @ b
    if (m is None and n is None) or (PAUSED and is_paused()):
        r._n = None
    else:
        r._n = (
            next_id(),
            MATMUL,
            m,
            n,
            ref(r),
            a if m is None or n is not None else a.shape,
            b if n is None or m is not None else b.shape,
            held,
        )
    return r


def _constants(x: Tensor, y: Tensor) -> tuple[Any, Any]:
    return (ref(x) if x._n is None else None, ref(y) if y._n is None else None)


def _raw(node: Node, ct: Any, cotangents: dict[int, Any]) -> None:
    m, n, x, y = node[2], node[3], node[5], node[6]
    if m is not None:
        sx = x if type(x) is tuple else x.shape
        g = ct @ y.T if len(sx) == 2 == y.ndim else _cotangent_a(ct, (Aval(sx, None), y), None)
        k = m[0]
        cotangents[k] = cotangents[k] + g if k in cotangents else g
    if n is not None:
        sy = y if type(y) is tuple else y.shape
        g = x.T @ ct if x.ndim == 2 == len(sy) else _cotangent_b(ct, (x, Aval(sy, None)), None)
        k = n[0]
        cotangents[k] = cotangents[k] + g if k in cotangents else g


def _graph(node: Node, ct: Any, cotangents: dict[int, Any], wrap: Wrap) -> None:
    parents, operands, _, _, _ = _decode(node)
    operands = tuple([wrap(x, m) for x, m in zip(operands, parents, strict=True)])
    contribute(matmul_p, parents, operands, None, {}, ct, cotangents, False)


def _decode(node: Node) -> tuple[Any, ...]:
    x, y = node[5], node[6]
    if type(x) is tuple:
        x = Aval(x, None)
    if type(y) is tuple:
        y = Aval(y, None)
    return node[2:4], (x, y), {}, None, node[7] or (None, None)


MATMUL = NodeKind("matmul", matmul_p, False, _raw, _graph, _decode)
