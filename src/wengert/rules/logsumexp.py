"""The logarithm of a sum of exponentials, as one operation.

Fused for stability (composed, ``log(sum(exp(x)))`` overflows, and the maximum that prevents it
needs a gradient that is zero) and for time: it is most of a cross entropy, which small networks
evaluate at every step (benchmarks/workloads/mlp.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.bind import bind
from ..core.finite import finite
from ..core.primitive import Primitive
from ..core.quiet import quiet
from ..core.state import COUNTER, PAUSED
from ..core.tape import Cotangents, Node, NodeKind, Wrap, contribute
from ..core.tensor import FastTensor
from .reductions import finite_max_p, reduce_shape, reduction_batch, sum_

__all__ = ["logsumexp", "logsumexp_p"]

Axes = tuple[int, ...]

# NumPy's stubs know the arguments of `reduce` by keyword only; by position they cost less.
_maximum: Any = np.maximum.reduce
_total: Any = np.add.reduce


def _parts(x: Any, axis: Axes) -> tuple[Any, Any, Any]:
    """The result with its axes kept, and ``exp(x - max)`` and its sum, which make the softmax."""
    with quiet():
        # The sum of nothing is 0, and its logarithm -inf, as in SciPy.
        top = _maximum(x, axis, None, None, True) if x.size else _empty_maximum(x, axis)
        parts = _shifted(x, top, axis)
        if not finite(parts[0]):  # where the maximum is infinite, exp(inf - inf) is NaN
            top = np.where(np.isfinite(top), top, top.dtype.type(0))
            parts = _shifted(x, top, axis)
    return parts


def _empty_maximum(x: Any, axis: Axes) -> Any:
    return _maximum(x, axis, None, None, True, -np.inf)


def _shifted(x: Any, top: Any, axis: Axes) -> tuple[Any, Any, Any]:
    e = x - top
    e = np.exp(e, out=e) if e.ndim else np.exp(e)
    total = _total(e, axis, None, None, True)
    y = np.log(total)
    y += top
    return y, e, total


def _evaluate(x: Any, axis: Axes, keepdims: bool = False) -> Any:
    y = _parts(x, axis)[0]
    return y if keepdims else _dropped(y, axis)


def _dropped(y: Any, axis: Axes) -> Any:
    return y.reshape([n for i, n in enumerate(y.shape) if i not in axis])[()]


def _jvp(ts: Any, ins: Any, out: Any, axis: Axes, keepdims: bool = False) -> Any:
    # Not exp(x - out): out is rounded, and large scores of single precision would show it.
    x = ins[0]
    e = np.exp(x - bind(finite_max_p, (x,), {"axis": axis, "keepdims": True}))
    total = sum_(e, axis, True)
    return sum_(ts[0] * (e / (total + (total == 0))), axis, keepdims)


def _show(x: str, axis: Axes, keepdims: bool = False) -> str:
    # The listing writes it in several lines (show/fused.py); this is for inside an expression.
    along = f"axis={axis[0] if len(axis) == 1 else axis}"
    where = f"{along}, keepdims=True" if keepdims else along
    shifted = f"{x} - np.max({x}, {along}, keepdims=True)"
    return f"np.max({x}, {where}) + np.log(np.sum(np.exp({shifted}), {where}))"


logsumexp_p = Primitive(
    "logsumexp",
    _evaluate,
    reduce_shape,
    None,
    jvp=_jvp,
    show=_show,
    lower="logsumexp",
)
logsumexp_p.batch = reduction_batch(logsumexp_p)


def logsumexp(x: Any, axis: Axes, keepdims: bool = False) -> Any:
    """``log(sum(exp(x)))`` over canonical axes, of floats. Its gradient is the softmax."""
    params: dict[str, Any] = {"axis": axis, "keepdims": keepdims}
    if type(x) is not FastTensor or x._n is None or not x._a.ndim or PAUSED:
        return bind(logsumexp_p, (x,), params)
    y, e, total = _parts(x._a, axis)
    r = FastTensor()
    r._a = y = y if keepdims else _dropped(y, axis)
    r._n = [next(COUNTER), LOGSUMEXP, x._n, None, None, x._a, y, params, e, total]
    return r


# Nodes: [id, LOGSUMEXP, parent, None, gradient, x, out, params, exp(x - max), its sum]


def _raw(node: Node, ct: Any, cotangents: Cotangents) -> None:
    e, total = node[8], node[9]
    g = e * (ct.reshape(total.shape) / (total + (total == 0)))
    k = node[2][0]
    cotangents[k] = cotangents[k] + g if k in cotangents else g


def _graph(node: Node, ct: Any, cotangents: Cotangents, wrap: Wrap) -> None:
    parents, (x,), params, out, _ = _decode(node)
    out = wrap(out, node)
    contribute(logsumexp_p, parents, (wrap(x, parents[0]),), out, params, ct, cotangents, False)


def _decode(node: Node) -> tuple[Any, ...]:
    return (node[2],), (node[5],), node[7], node[6], (None,)


LOGSUMEXP = NodeKind("logsumexp", logsumexp_p, False, _raw, _graph, _decode)
