"""Cross entropy from logits and integer labels, as one operation for each row.

Fused for time: composed of `logsumexp`, an indexed read and a difference it is a good part of what
a training step of a small network spends outside matrix products (benchmarks/workloads/mlp.py), and
its derivative ``softmax - one_hot`` needs one pass. Stable: the maximum of each row is subtracted
before anything is exponentiated.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.abstract import Var
from ..core.bind import bind
from ..core.ownership import snapshot
from ..core.primitive import Primitive
from ..core.quiet import quiet
from ..core.state import COUNTER, PAUSED
from ..core.tape import Cotangents, Node, NodeKind, Wrap, contribute
from ..core.tensor import FastTensor, RareTensor, Tensor
from .batching import materialize
from .indexing import getitem
from .logsumexp import logsumexp
from .reductions import finite_max_p, sum_

__all__ = ["cross_entropy_p", "cross_entropy_rows"]

# NumPy's stubs know the arguments of `reduce` by keyword only; by position they cost less.
_maximum: Any = np.maximum.reduce
_total: Any = np.add.reduce


def _parts(logits: Any, labels: Any) -> tuple[Any, Any, Any]:
    """The losses, ``exp(logits - max)`` and its sum over the last axis, which make the softmax."""
    with quiet():
        e = logits - _maximum(logits, -1, None, None, True)
        picked = e[np.arange(len(e)), labels] if e.ndim == 2 else _picked(e, labels)
        np.exp(e, out=e)
        total = _total(e, -1)
        return np.log(total) - picked, e, total


def _picked(x: Any, labels: Any) -> Any:
    return np.take_along_axis(x, np.asarray(labels)[..., None], -1)[..., 0]


def _jvp(ts: Any, ins: Any, out: Any) -> Any:
    logits, labels = ins
    axis = (logits.ndim - 1,)
    e = np.exp(logits - bind(finite_max_p, (logits,), {"axis": axis, "keepdims": True}))
    here = np.equal(labels.reshape((*labels.shape, 1)), np.arange(logits.shape[-1]))
    return sum_(ts[0] * (e / sum_(e, axis, True) - here), axis, False)


def _batch(args: Any, batched: Any, size: int) -> Any:
    args = tuple([materialize(x, b, size) for x, b in zip(args, batched, strict=True)])
    return bind(cross_entropy_p, args, {})


def _show(logits: str, labels: str) -> str:
    return (
        f"np.log(np.sum(np.exp({logits} - np.max({logits}, axis=-1, keepdims=True)), axis=-1))"
        f" - np.take_along_axis({logits} - np.max({logits}, axis=-1, keepdims=True), "
        f"np.expand_dims({labels}, -1), -1)[..., 0]"
    )


cross_entropy_p = Primitive(
    "cross_entropy",
    lambda logits, labels: _parts(logits, labels)[0],
    lambda logits, labels: (logits.shape[:-1], logits.dtype),
    _batch,
    jvp=_jvp,
    show=_show,
    lower="cross_entropy",
)


def _is_abstract(x: Any) -> bool:
    return type(x) is RareTensor and type(x._a) is Var


def _picked_of(logits: Any, labels: Any) -> Any:
    if not isinstance(logits, Tensor):  # an abstract label of a plain table
        return np.take_along_axis(logits, labels.reshape((*labels.shape, 1)), -1)[..., 0]
    rows = np.indices(labels.shape, sparse=True)
    return getitem(logits, (*rows, labels))


def cross_entropy_rows(logits: Any, labels: Any) -> Any:
    """``logsumexp(row) - row[label]`` for each row along the last axis of float logits.

    Its derivative with respect to a row is ``softmax(row)`` less one at the label.
    """
    if _is_abstract(logits) or _is_abstract(labels):
        # Of two operations, which a listing shows better and a compiler fuses itself.
        picked = _picked_of(logits, labels)
        return logsumexp(logits, (logits.ndim - 1,)) - picked
    fast = type(logits) is FastTensor and logits._n is not None and not isinstance(labels, Tensor)
    if not fast or PAUSED:
        return bind(cross_entropy_p, (logits, labels), {})
    x = logits._a
    r = FastTensor()
    r._a, e, total = _parts(x, labels)
    r._n = [
        next(COUNTER), CROSS_ENTROPY, logits._n, None, None, x, snapshot(labels), r._a, e, total
    ]  # fmt: skip
    return r


# Nodes: [id, CROSS_ENTROPY, parent, None, gradient, logits, labels, out, exp(x - max), its sum]


def _raw(node: Node, ct: Any, cotangents: Cotangents) -> None:
    labels, e, total = node[6], node[8], node[9]
    g = e * (ct / total)[..., None]
    if g.ndim == 2:
        g[np.arange(len(g)), labels] -= ct
    else:
        at = labels[..., None]
        np.put_along_axis(g, at, np.take_along_axis(g, at, -1) - ct[..., None], -1)
    k = node[2][0]
    cotangents[k] = cotangents[k] + g if k in cotangents else g


def _graph(node: Node, ct: Any, cotangents: Cotangents, wrap: Wrap) -> None:
    parents, (x, labels), params, out, _ = _decode(node)
    x, out = wrap(x, node[2]), wrap(out, node)
    contribute(cross_entropy_p, parents, (x, labels), out, params, ct, cotangents, False)


def _decode(node: Node) -> tuple[Any, ...]:
    return (node[2], None), (node[5], node[6]), {}, node[7], (None, None)


CROSS_ENTROPY = NodeKind("cross_entropy", cross_entropy_p, False, _raw, _graph, _decode)
