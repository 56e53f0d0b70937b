"""Products of matrices and of stacks of them."""

from __future__ import annotations

import sys
from _weakref import ref
from math import prod
from typing import Any

import numpy as np

from ..core import algebra
from ..core.abstract import Aval
from ..core.bind import bind
from ..core.dual import Dual, dual_of_record
from ..core.errors import ShapeError
from ..core.ownership import settled, snapshot
from ..core.primitive import Primitive
from ..core.settled_views import ordinary
from ..core.state import COUNTER, PAUSED, SlowPath, leaves_tape
from ..core.sweep import propagate
from ..core.tape import Node, NodeKind, Wrap, accumulate, contribute, wrapper
from ..core.tensor import FastTensor, Tensor
from .batching import align, ndim_of, shape_of
from .shapes import reshape, transpose, transpose_p

__all__ = ["matmul", "matmul_p", "matrix_transpose"]

ndarray = np.ndarray
multiply_outer = np.multiply.outer


def matrix_transpose(x: Any) -> Any:
    """``x`` with its last two axes exchanged."""
    if not isinstance(x, Tensor):
        return x.swapaxes(-1, -2)
    return transpose(x, (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


def matmul_shape(a: Any, b: Any) -> tuple[tuple[int, ...], Any]:
    """Shape rule of `matmul`: (..., m, k) @ (..., k, n), and vectors on either side."""
    sa, sb = shape_of(a), shape_of(b)
    if not sa or not sb:
        raise ShapeError(f"matmul: shapes {sa} and {sb}: a 0-d operand; use * for scalars")
    left = sa if len(sa) > 1 else (1, *sa)
    right = sb if len(sb) > 1 else (*sb, 1)
    if left[-1] != right[-2]:
        raise ShapeError(
            f"matmul: shapes {sa} and {sb} do not fit: {left[-1]} columns against {right[-2]} "
            "rows. Transpose (x.T) or reshape one of them"
        )
    shape = np.broadcast_shapes(left[:-2], right[:-2])
    shape += (left[-2],) if len(sa) > 1 else ()
    shape += (right[-1],) if len(sb) > 1 else ()
    return shape, np.result_type(a.dtype, b.dtype)


def _evaluate(a: Any, b: Any) -> Any:
    try:
        return np.matmul(a, b)
    except ValueError:
        matmul_shape(a, b)  # raises the error that names both shapes
        raise


def _cotangent_a(ct: Any, ins: Any, out: Any) -> Any:
    a, b = ins
    if b.ndim == 1:
        g = ct * b if a.ndim == 1 else reshape(ct, (*ct.shape, 1)) * b
    elif a.ndim == 1:
        if b.ndim == 2:
            return matmul(b, ct)
        g = matmul(b, reshape(ct, (*ct.shape, 1)))
        g = reshape(g, g.shape[:-1])
    elif a.ndim == 2 < b.ndim:
        # One product of wide matrices instead of a stack of products that is then summed.
        return matmul(_rows_first(ct), matrix_transpose(_rows_first(b)))
    else:
        g = matmul(ct, matrix_transpose(b))
    return algebra.unbroadcast(g, a.shape)


def _cotangent_b(ct: Any, ins: Any, out: Any) -> Any:
    a, b = ins
    if a.ndim == 1:
        if b.ndim == 1:
            return ct * a
        g = reshape(a, (*a.shape, 1)) * reshape(ct, (*ct.shape[:-1], 1, ct.shape[-1]))
    elif b.ndim == 1:
        if a.ndim == 2:
            return matmul(ct, a)
        return matmul(reshape(ct, (ct.size,)), reshape(a, (ct.size, a.shape[-1])))
    elif b.ndim == 2 < a.ndim:
        # One product of tall matrices, as above.
        rows = prod(a.shape[:-1])
        flat = reshape(a, (rows, a.shape[-1]))
        return matmul(matrix_transpose(flat), reshape(ct, (rows, ct.shape[-1])))
    else:
        g = matmul(matrix_transpose(a), ct)
    return algebra.unbroadcast(g, b.shape)


def _rows_first(x: Any) -> Any:
    """A stack (..., m, n) of matrices as one matrix, side by side: (m, ... n)."""
    last = x.ndim - 1
    x = transpose(x, (last - 1, *range(last - 1), last))
    return reshape(x, (x.shape[0], prod(x.shape[1:])))


def _matmul_batch(args: Any, batched: Any, size: int) -> Any:
    a, b = args
    na, nb = ndim_of(a, batched[0]), ndim_of(b, batched[1])
    if not batched[1] and (nb == 1 or (nb == 2 and na == 1)):
        return matmul(a, b)  # the batch axis is one more of the axes that NumPy leaves alone
    if not batched[0] and na == 1 < nb:
        return matmul(a, b)
    if not batched[0] and nb == 1 and na <= 2:
        return matmul(b, a if na == 1 else matrix_transpose(a))
    if not batched[1] and na == nb == 2:
        n, m, k = shape_of(a)  # the batch axis joins the rows: one product
        return reshape(matmul(reshape(a, (n * m, k)), b), (n, m, shape_of(b)[-1]))
    if na == 1:
        a = reshape(a, (*shape_of(a)[:-1], 1, shape_of(a)[-1]))
    if nb == 1:
        b = reshape(b, (*shape_of(b), 1))
    rank = max(na, nb, 2)
    y = bind(matmul_p, (align(a, batched[0], rank), align(b, batched[1], rank)), {})
    if na > 1 < nb:
        return y
    *stack, m, n = y.shape
    return reshape(y, (*stack, *((m,) if na > 1 else ()), *((n,) if nb > 1 else ())))


matmul_p = Primitive(
    "matmul",
    _evaluate,
    matmul_shape,
    _matmul_batch,
    multilinear=(0, 1),
    transpose=(_cotangent_a, _cotangent_b),
    show="{0} @ {1}",
    lower="matmul",
    needs_out=False,
)


# ------------------------------------------------------------------ the eager fast path
# Nodes: [id, MATMUL, parent, parent, gradient, saved x, saved y, constants], as in `fast.py`.


def matmul(x: Any, y: Any) -> Any:
    """Matrix product, ``(..., m, k) @ (..., k, n)``; vectors on either side as in NumPy.

    Also serves as the operator: NotImplemented for operands that are no arrays.
    """
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
            return _matmul_any(x, y)
    elif type(y) is FastTensor and type(x) is ndarray:
        m = held = None
        n = y._n
        b = y._a
        a = x if n is None else snapshot(x)
    else:
        return _matmul_any(x, y)
    r = FastTensor()
    try:
        # The same products; the method costs a third of the operator's 0.9 us on small arrays.
        r._a = a.dot(b) if 0 < a.ndim < 3 and 0 < b.ndim < 3 else a @ b
        untracked = (PAUSED and leaves_tape()) or (m is None and n is None)
    except SlowPath:
        return bind(matmul_p, (x, y), {})
    except (ValueError, TypeError):
        matmul_shape(a, b)
        raise
    if untracked:
        r._n = None
    else:
        r._n = [
            next(COUNTER),
            MATMUL,
            m,
            n,
            None,
            a if m is None or n is not None else a.shape,
            b if n is None or m is not None else b.shape,
            held,
        ]
    return r


def _matmul_any(x: Any, y: Any) -> Any:
    """Everything but ordinary Tensors and arrays."""
    if settled(x) or settled(y):
        return matmul(x, y)
    t, u = ordinary(x, True), ordinary(y, True)
    if t is not None or u is not None:
        return matmul(x if t is None else t, y if u is None else u)
    if isinstance(x, (list, tuple)):
        x = np.asarray(x)
    if isinstance(y, (list, tuple)):
        y = np.asarray(y)
    for operand in (x, y):
        if not isinstance(operand, (Tensor, ndarray, np.generic, int, float, complex)):
            return _matmul_sparse(x, y)
    return bind(matmul_p, (x, y), {})


def _matmul_sparse(x: Any, y: Any) -> Any:
    from .sparse import is_sparse, sparse_product  # it stands on the operations of this file

    return sparse_product(x, y) if is_sparse(x) or is_sparse(y) else NotImplemented


def _constants(x: Tensor, y: Tensor) -> tuple[Any, Any]:
    return (ref(x) if x._n is None else None, ref(y) if y._n is None else None)


def _raw(node: Node, ct: Any, cotangents: dict[int, Any]) -> None:
    m, n, x, y = node[2], node[3], node[5], node[6]
    if m is not None and n is not None:
        if m is n:
            if x.ndim == 1:  # the square of a vector's length
                accumulate(cotangents, m, (ct + ct) * x)
                return
        elif n[1] is _TRANSPOSE and _is_transpose(n, m):  # x @ x.T: one product, not two
            if _getrefcount(n) == _UNSEEN and ct.dtype is x.dtype:
                accumulate(cotangents, m, (ct + ct.T).dot(x))
                return
    if m is not None:
        shape = x if type(x) is tuple else x.shape
        if len(shape) == 2 == y.ndim and ct.dtype.char == "d":
            g = ct.dot(y.T)
        else:
            g = _raw_a(ct, shape, y)
        k = m[0]
        if k in cotangents:
            algebra.add_to_cotangent(cotangents, k, g)
        else:
            cotangents[k] = g
    if n is not None:
        shape = y if type(y) is tuple else y.shape
        g = x.T.dot(ct) if x.ndim == 2 and len(shape) < 3 else _raw_b(ct, x, shape)
        k = n[0]
        if k in cotangents:
            algebra.add_to_cotangent(cotangents, k, g)
        else:
            cotangents[k] = g


def _is_transpose(n: Node, m: Node) -> bool:
    """Whether ``n``, of a transpose, is the transpose of the matrix ``m``."""
    return n[2][0] is m and n[6]["axes"] == (1, 0)


_TRANSPOSE = transpose_p.kind


def _count_unseen() -> int:
    """References to a node that only the one swept after it has, so that nobody asks its ``.grad``.

    Measured, as in `core.ownership`; -1 if it makes no sense.
    """
    if _getrefcount is None:
        return -1
    seen = []

    def raw(node: Node, ct: Any, cotangents: dict[int, Any]) -> None:
        n = node[3]
        seen.append(_getrefcount(n))

    probe = NodeKind("probe", None, False, raw, raw, lambda node: ())
    nodes: dict[int, Node] = {1: [1, probe, None, None, None, None, None]}
    nodes[2] = [2, probe, None, nodes[1], None, None, None]
    root = nodes[2]
    propagate([2], nodes, root, 1.0, frozenset(), False, wrapper(False), False)
    return int(seen[0]) if seen[0] < 10 else -1


_getrefcount: Any = getattr(sys, "getrefcount", None)
_UNSEEN = _count_unseen()


def _raw_a(ct: Any, shape: tuple[int, ...], y: Any) -> Any:
    """`_cotangent_a` on plain arrays, the usual ranks first."""
    rank = len(shape)
    if y.ndim == 2 and rank < 3:
        if rank == 1:
            return y.dot(ct)
        return ct.dot(y.T) if ct.dtype.char != "f" else _times_transpose(ct, y)
    if y.ndim == 1 and rank < 3:
        return ct * y if rank == 1 else multiply_outer(ct, y)
    return _cotangent_a(ct, (Aval(shape, None), y), None)


def _times_transpose(x: Any, y: Any) -> Any:
    """``x @ y.T`` in single precision.

    OpenBLAS takes 1.4 to 2 times as long for few rows of ``x`` as it takes for ``y @ x.T``, even
    with the transposition of that small result (benchmarks/products.py).
    """
    if 4 <= len(x) <= 48 and y.size >= 16384 and 4 * len(x) <= len(y):
        return np.ascontiguousarray(y.dot(x.T).T)
    return x.dot(y.T)


def _raw_b(ct: Any, x: Any, shape: tuple[int, ...]) -> Any:
    """`_cotangent_b` on plain arrays: vectors, and ranks above two."""
    rank = len(shape)
    if x.ndim == 1 and rank < 3:
        return x * ct if rank == 1 else multiply_outer(x, ct)
    return _cotangent_b(ct, (x, Aval(shape, None)), None)


def _tangent(node: Node, tangents: dict[int, Any]) -> Any:
    m, n, x, y = node[2], node[3], node[5], node[6]
    if m is None:
        return x @ tangents[n[0]]
    t = tangents[m[0]] @ y
    return t if n is None else t + x @ tangents[n[0]]


def _bend(node: Node, ct: Any, tangents: dict[int, Any], results: dict[int, Any]) -> None:
    m, n = node[2], node[3]
    if m is not None and n is not None:
        moved = [*node]
        moved[5], moved[6] = tangents[m[0]], tangents[n[0]]
        _raw(moved, ct, results)


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
MATMUL.contracts = True
MATMUL.dual = Dual(_tangent, _bend)
matmul_p.kind.dual = dual_of_record(MATMUL, "x y")
