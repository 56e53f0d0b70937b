"""Contractions in index notation: the primitive `einsum`, and its evaluation by matrix products.

The primitive is *pure*: every label occurs in at least two of its operands and its output, none
twice in one of them, and each stands for one length. The cotangent of an operand is then a
contraction of the same kind, of the output's cotangent with the other operands. What `np.einsum`
has beyond that (diagonals, sums over a label of one operand, lengths 1 that broadcast, ellipses)
is made of other operations in front of it (`wengert.numpy.subscripts`).

`contract_terms` contracts more than two operands pair by pair along the path that opt_einsum finds,
each pair an operation of its own: the backward pass then reuses the intermediate results, where an
operation on n operands has to contract n - 1 of them anew for each cotangent.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np
import opt_einsum

from ..core.bind import bind
from ..core.errors import ShapeError, WengertValueError
from ..core.primitive import EVERY, Primitive
from ..core.tensor import Tensor
from .batching import shape_of
from .contractions import matmul
from .shapes import transpose

__all__ = ["LETTERS", "contract", "contract_terms", "einsum_p"]

Evaluator = Callable[[Any, Any], Any]

LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


@lru_cache(4096)
def split(subscripts: str) -> tuple[tuple[str, ...], str]:
    """The terms of the operands, and that of the output."""
    inputs, out = subscripts.split("->")
    return tuple(inputs.split(",")), out


def _permutation(term: str, order: str) -> tuple[int, ...] | None:
    """The axes that bring ``term`` into another order; None if it is in it."""
    return None if term == order else tuple([term.index(c) for c in order])


# ------------------------------------------------------------------ evaluation of a pair


@lru_cache(4096)
def pair_evaluator(tx: str, ty: str, out: str) -> Evaluator:
    """A function of two arrays that contracts them, by one product of (stacks of) matrices.

    The labels are those of the stack (in both operands and the output), ``m`` (rows, of ``x``),
    ``n`` (columns, of ``y``), and ``k``, which are summed over.
    """
    stack = "".join([c for c in out if c in tx and c in ty])
    m = "".join([c for c in out if c not in ty])
    n = "".join([c for c in out if c not in tx])
    k = "".join([c for c in tx if c not in out])
    if not k:
        return _elementwise(tx, ty, out)
    if not m and not n:
        return _inner(tx, ty, out) if not stack else _stacked_inner(tx, ty, out)
    if m and n and out == stack + n + m:
        turned = pair_evaluator(ty, tx, out)  # so that the result needs no transposition
        return lambda x, y: turned(y, x)
    other_k = "".join([c for c in ty if c not in out])
    if not (_is_arranged(tx, stack, m, k) and _is_arranged(ty, stack, k, n)) and (
        _is_arranged(tx, stack, m, other_k) and _is_arranged(ty, stack, other_k, n)
    ):
        k = other_k
    return _matrix_product(tx, ty, out, stack, m, k, n)


def _elementwise(tx: str, ty: str, out: str) -> Evaluator:
    """Nothing is summed over: a product with broadcasting."""
    views = []
    for term in (tx, ty):
        order = "".join([c for c in out if c in term])
        index = tuple([slice(None) if c in term else None for c in out])
        views.append((_permutation(term, order), index))
    (axes_x, index_x), (axes_y, index_y) = views

    def evaluate(x: Any, y: Any) -> Any:
        x = x if axes_x is None else x.transpose(axes_x)
        y = y if axes_y is None else y.transpose(axes_y)
        return np.multiply(x[index_x], y[index_y])

    return evaluate


def _inner(tx: str, ty: str, out: str) -> Evaluator:
    """Everything is summed over."""
    axes = _permutation(ty, tx)

    def evaluate(x: Any, y: Any) -> Any:
        y = y if axes is None else y.transpose(axes)
        return np.dot(x.reshape(-1), y.reshape(-1))

    return evaluate


def _stacked_inner(tx: str, ty: str, out: str) -> Evaluator:
    """An inner product for each element of the stack; NumPy's own loop is the fastest."""
    letters = {c: LETTERS[i] for i, c in enumerate(dict.fromkeys(tx + ty))}
    table = str.maketrans(letters)  # labels of batch axes need not be letters
    text = f"{tx},{ty}->{out}".translate(table)
    return lambda x, y: np.einsum(text, x, y)


def _is_arranged(term: str, stack: str, rows: str, columns: str) -> bool:
    return term in (stack + rows + columns, stack + columns + rows)


def _matrix_product(tx: str, ty: str, out: str, stack: str, m: str, k: str, n: str) -> Evaluator:
    left = _arranger(tx, stack, m, k)
    right = _arranger(ty, stack, k, n)
    multiply = np.matmul if stack else np.dot
    from_x = [tx.index(c) for c in stack + m]
    from_y = [ty.index(c) for c in n]
    reshaped = len(m) != 1 or len(n) != 1
    axes = _permutation(stack + m + n, out)

    def evaluate(x: Any, y: Any) -> Any:
        z = multiply(left(x), right(y))
        if reshaped:
            z = z.reshape([x.shape[i] for i in from_x] + [y.shape[i] for i in from_y])
        return z if axes is None else z.transpose(axes)

    return evaluate


def _arranger(term: str, stack: str, rows: str, columns: str) -> Callable[[Any], Any]:
    """A function that makes an array a stack of matrices, without a copy where that is possible."""
    turned = term == stack + columns + rows and term != stack + rows + columns
    first, second = (columns, rows) if turned else (rows, columns)
    axes = _permutation(term, stack + first + second)
    reshaped = len(rows) != 1 or len(columns) != 1
    depth, split_at = len(stack), len(stack + first)

    def arrange(x: Any) -> Any:
        if axes is not None:
            x = x.transpose(axes)
        if reshaped:
            shape = x.shape
            x = x.reshape(*shape[:depth], prod(shape[depth:split_at]), prod(shape[split_at:]))
        if turned:
            x = x.swapaxes(-1, -2)
        if depth and x.dtype.itemsize not in x.strides[-2:]:
            x = np.ascontiguousarray(x)  # NumPy would multiply such a stack without BLAS
        return x

    return arrange


# ------------------------------------------------------------------ more operands: a path of pairs


@lru_cache(1024)
def _path(
    terms: tuple[str, ...], out: str, shapes: tuple[tuple[int, ...], ...], optimize: Any
) -> list[tuple[int, int, str]]:
    """Which pairs to contract, and the term of each result; results are numbered after operands."""
    path = optimize
    if not isinstance(optimize, tuple):
        subscripts = ",".join(terms) + "->" + out
        path, _ = opt_einsum.contract_path(subscripts, *shapes, shapes=True, optimize=optimize)
    names = list(terms)
    live = list(range(len(terms)))
    steps = []
    for positions in path:
        if not all(0 <= p < len(live) for p in positions):
            raise WengertValueError(f"einsum: the path {optimize!r} has no operands {positions}")
        group = [live.pop(p) for p in sorted(positions, reverse=True)]
        while len(group) > 1:
            i, j = group.pop(), group.pop()
            elsewhere = {*out}.union(*(names[q] for q in (*live, *group)))
            if live or group:
                both = [c for c in names[i] if c in names[j] and c in elsewhere]
                either = [c for c in names[i] if c not in names[j]]
                term = "".join(both + either + [c for c in names[j] if c not in names[i]])
            else:
                term = out
            steps.append((i, j, term))
            names.append(term)
            group.append(len(names) - 1)
        live += group
    if len(live) != 1:
        raise WengertValueError(f"einsum: the path {optimize!r} leaves {len(live)} operands")
    return steps


def _along_path(
    terms: tuple[str, ...], out: str, operands: Sequence[Any], optimize: Any, pair: Any
) -> Any:
    values, names = list(operands), list(terms)
    for i, j, term in _path(terms, out, tuple(map(shape_of, operands)), optimize):
        values.append(pair(values[i], names[i], values[j], names[j], term))
        names.append(term)
        values[i] = values[j] = None
    return values[-1]


# ------------------------------------------------------------------ the primitive


def _evaluate(*operands: Any, subscripts: str) -> Any:
    terms, out = split(subscripts)
    if len(terms) == 2:
        return pair_evaluator(*terms, out)(*operands)
    return _along_path(
        terms, out, operands, "auto", lambda x, tx, y, ty, tz: pair_evaluator(tx, ty, tz)(x, y)
    )


def _shape(*operands: Any, subscripts: str) -> tuple[tuple[int, ...], Any]:
    terms, out = split(subscripts)
    lengths: dict[str, int] = {}
    for term, x in zip(terms, operands, strict=True):
        shape = shape_of(x)
        if len(term) != len(shape):
            raise ShapeError(f"einsum {subscripts!r}: an operand of shape {shape} for {term!r}")
        for c, n in zip(term, shape, strict=True):
            if lengths.setdefault(c, n) != n:
                raise ShapeError(
                    f"einsum {subscripts!r}: label {c!r} has the lengths {lengths[c]} and {n}"
                )
    dtypes = [x.dtype if hasattr(x, "dtype") else np.asarray(x).dtype for x in operands]
    return tuple([lengths[c] for c in out]), np.result_type(*dtypes)


def _transpose(i: int, ct: Any, ins: Any, out: Any, subscripts: str) -> Any:
    terms, out_term = split(subscripts)
    return contract_terms(
        (out_term, *terms[:i], *terms[i + 1 :]), terms[i], (ct, *ins[:i], *ins[i + 1 :])
    )


def _batch(args: Any, batched: Any, size: int, subscripts: str) -> Any:
    terms, out = split(subscripts)
    new = next(c for c in map(opt_einsum.get_symbol, range(10**6)) if c not in subscripts)
    terms = tuple([new + t if b else t for t, b in zip(terms, batched, strict=True)])
    return contract_terms(terms, new + out, args)


einsum_p = Primitive(
    "einsum",
    _evaluate,
    _shape,
    _batch,
    multilinear=EVERY,
    transpose=_transpose,
    show=lambda *xs, subscripts: f"np.einsum({subscripts!r}, {', '.join(xs)})",
    lower="einsum",
    contiguous=lambda *xs, subscripts: False,  # the transpose of a product, often
    needs_out=False,
)


# ------------------------------------------------------------------ pure contractions


def contract(x: Any, tx: str, y: Any, ty: str, out: str) -> Any:
    """The pure contraction of two operands; by ``@`` or ``*`` where it is such a product."""
    return _route(tx, ty, out)(x, y)


@lru_cache(4096)
def _route(tx: str, ty: str, out: str) -> Evaluator:
    if not tx or not ty or tx == ty == out:
        axes = _permutation(tx or ty, out)
        return operator.mul if axes is None else lambda x, y: transpose(x * y, axes)
    if _is_matmul(tx, ty, out):
        return matmul
    if _is_matmul(ty, tx, out):
        return lambda x, y: matmul(y, x)
    params = {"subscripts": f"{tx},{ty}->{out}"}
    return lambda x, y: bind(einsum_p, (x, y), params)


def _is_matmul(tx: str, ty: str, out: str) -> bool:
    """Whether ``x @ y`` is the contraction, for a vector, matrix or stack on either side."""
    k = tx[-1]
    if k in out or (k not in ty[-2:]):
        return False
    if len(tx) == 1 and len(ty) == 1:
        return out == ""
    if len(ty) == 1:
        return out == tx[:-1]
    if ty[-2] != k:
        return False
    if len(tx) == 1:
        return out == ty[:-2] + ty[-1]
    stack_x, stack_y = tx[:-2], ty[:-2]
    return (stack_x == stack_y or not stack_x or not stack_y) and out == (
        (stack_x or stack_y) + tx[-2] + ty[-1]
    )


def contract_terms(
    terms: tuple[str, ...], out: str, operands: Sequence[Any], optimize: Any = "auto"
) -> Any:
    """The pure contraction of any number of operands, pair by pair.

    Parameters
    ----------
    terms : tuple of str
        The labels of each operand's axes.
    out : str
        Those of the result.
    operands : sequence
        Arrays, Tensors, abstract values.
    optimize : str or tuple of tuples
        opt_einsum's strategy, or an explicit path.
    """
    if len(operands) == 1:
        (x,), axes = operands, _permutation(terms[0], out)
        if axes is None:
            return x
        return transpose(x, axes) if isinstance(x, Tensor) else x.transpose(axes)
    if len(operands) == 2:
        return contract(operands[0], terms[0], operands[1], terms[1], out)
    return _along_path(terms, out, operands, optimize, contract)
