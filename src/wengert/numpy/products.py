"""NumPy's products of vectors, matrices and tensors: all contractions, and what is made of them."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from ..core.bind import bind
from ..core.errors import ShapeError, WengertTypeError, WengertValueError
from ..core.tensor import FastTensor
from ..rules.complex import conjugate
from ..rules.contractions import matmul
from ..rules.einsum import LETTERS, contract, contract_terms
from ..rules.joining import stack_p
from ..rules.reductions import sum_
from ..rules.shapes import (
    broadcast_to,
    diagonal_p,
    reshape,
    transpose_p,
    writeable_diagonal,
)
from .arguments import cast, deliver, operand, raveled
from .dispatch import implements
from .methods import attach_method
from .subscripts import Preparation, contraction_of, subscripts_of

__all__ = [
    "cross",
    "dot",
    "einsum",
    "einsum_path",
    "inner",
    "kron",
    "matvec",
    "outer",
    "tensordot",
    "vdot",
    "vecdot",
    "vecmat",
]

implements(np.matmul)(matmul)


# ------------------------------------------------------------------ products of two


@implements(np.dot)
def dot(a: Any, b: Any, out: Any = None) -> Any:
    """`numpy.dot`: over the last axis of ``a`` and the last but one of ``b``."""
    if type(a) is FastTensor and type(b) is FastTensor and out is None:
        na, nb = len(a._a.shape), len(b._a.shape)
        if na and 0 < nb < 3:
            return matmul(a, b)
    a, b = operand(a), operand(b)
    if not a.ndim or not b.ndim:
        y = a * b
    elif b.ndim < 3:
        y = matmul(a, b)
    else:
        k = LETTERS[: a.ndim]
        last = LETTERS[a.ndim : a.ndim + b.ndim - 1]
        _check_fit("dot", a, b, a.ndim - 1, b.ndim - 2)
        y = contract(a, k, b, last[:-1] + k[-1] + last[-1], k[:-1] + last)
    return deliver(y, out, "dot")


def _check_fit(name: str, a: Any, b: Any, i: int, j: int) -> None:
    if a.shape[i] != b.shape[j]:
        raise ShapeError(
            f"{name}: shapes {a.shape} and {b.shape} do not fit: axis {i} has length {a.shape[i]}, "
            f"axis {j} of the other {b.shape[j]}. Transpose or reshape one of them"
        )


@implements(np.inner)
def inner(a: Any, b: Any, /) -> Any:
    """`numpy.inner`: over the last axis of both."""
    a, b = operand(a), operand(b)
    if not a.ndim or not b.ndim:
        return a * b
    if a.ndim == b.ndim == 1:
        return matmul(a, b)
    _check_fit("inner", a, b, a.ndim - 1, b.ndim - 1)
    x = LETTERS[: a.ndim]
    y = LETTERS[a.ndim : a.ndim + b.ndim - 1]
    return contract(a, x, b, y + x[-1], x[:-1] + y)


@implements(np.outer)
def outer(a: Any, b: Any, out: Any = None) -> Any:
    """`numpy.outer`."""
    a, b = raveled(operand(a)), raveled(operand(b))
    return deliver(contract(a, "a", b, "b", "ab"), out, "outer")


@implements(np.vdot)
def vdot(a: Any, b: Any, /) -> Any:
    """`numpy.vdot`: the sum of conj(a) * b over all elements."""
    a, b = raveled(operand(a)), raveled(operand(b))
    _check_fit("vdot", a, b, 0, 0)
    return matmul(conjugate(a), b)


@implements(np.tensordot)
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """`numpy.tensordot`."""
    a, b = operand(a), operand(b)
    axes_a, axes_b = _tensordot_axes(a, b, axes)
    for i, j in zip(axes_a, axes_b, strict=True):
        _check_fit("tensordot", a, b, i, j)
    x = LETTERS[: a.ndim]
    free = iter(LETTERS[a.ndim :])
    paired = {j: x[i] for i, j in zip(axes_a, axes_b, strict=True)}
    y = "".join([paired.get(j) or next(free) for j in range(b.ndim)])
    out = "".join([c for c in x if c not in y] + [c for c in y if c not in x])
    z = contract(a, x, b, y, out)
    # An array also without axes, where `contract` gives a NumPy scalar.
    return z if out else reshape(reshape(z, (1,)), ())


def _tensordot_axes(a: Any, b: Any, axes: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    if not hasattr(axes, "__len__"):
        n = operator.index(axes)
        if n < 0 or n > min(a.ndim, b.ndim):
            raise ShapeError(f"tensordot: axes={n} with arrays of {a.ndim} and {b.ndim} dimensions")
        return tuple(range(a.ndim - n, a.ndim)), tuple(range(n))
    if len(axes) != 2:
        raise WengertValueError(f"tensordot: axes must be an integer or a pair, not {axes!r}")
    axes_a = normalize_axis_tuple(axes[0], a.ndim, "axes")
    axes_b = normalize_axis_tuple(axes[1], b.ndim, "axes")
    if len(axes_a) != len(axes_b):
        raise ShapeError(f"tensordot: axes={axes!r} pairs {len(axes_a)} axes with {len(axes_b)}")
    return axes_a, axes_b


@implements(np.kron)
def kron(a: Any, b: Any) -> Any:
    """`numpy.kron`."""
    a, b = operand(a), operand(b)
    n = max(a.ndim, b.ndim)
    shape_a, shape_b = (1,) * (n - a.ndim) + a.shape, (1,) * (n - b.ndim) + b.shape
    x, y = LETTERS[:n], LETTERS[n : 2 * n]
    mixed = "".join([c + d for c, d in zip(x, y, strict=True)])
    a = a if a.ndim == n else reshape(a, shape_a)
    b = b if b.ndim == n else reshape(b, shape_b)
    z = contract(a, x, b, y, mixed)
    return reshape(z, tuple([p * q for p, q in zip(shape_a, shape_b, strict=True)])) if n else z


# ------------------------------------------------------------------ the vector ufuncs


def _stacks(name: str, x: Any, y: Any, core_x: str, core_y: str, out: str) -> Any:
    x, y = operand(x), operand(y)
    for argument, core in ((x, core_x), (y, core_y)):
        if argument.ndim < len(core):
            raise ShapeError(f"{name}: shapes {x.shape} and {y.shape}: too few dimensions")
    i, j = x.ndim - len(core_x) + core_x.index("n"), y.ndim - len(core_y) + core_y.index("n")
    _check_fit(name, x, y, i, j)
    return einsum(f"...{core_x},...{core_y}->...{out}", x, y)


def vecdot(x1: Any, x2: Any) -> Any:
    """`numpy.vecdot`: conj(x1) * x2 summed over the last axis."""
    return _stacks("vecdot", conjugate(operand(x1)), x2, "n", "n", "")


def matvec(x1: Any, x2: Any) -> Any:
    """`numpy.matvec`: stacks of matrices times stacks of vectors."""
    return _stacks("matvec", x1, x2, "mn", "n", "m")


def vecmat(x1: Any, x2: Any) -> Any:
    """`numpy.vecmat`: stacks of conjugated row vectors times stacks of matrices."""
    return _stacks("vecmat", conjugate(operand(x1)), x2, "n", "nm", "m")


for _function in (vecdot, matvec, vecmat):
    if hasattr(np, _function.__name__):  # NumPy 2.0 has vecdot alone
        implements(getattr(np, _function.__name__))(_function)


# ------------------------------------------------------------------ einsum


@implements(np.einsum)
def einsum(
    *operands: Any,
    out: Any = None,
    optimize: Any = False,
    dtype: Any = None,
    order: str = "K",
    casting: Any = "safe",
) -> Any:
    """`numpy.einsum`, evaluated by matrix products.

    More than two operands are contracted in pairs along opt_einsum's path, whatever ``optimize``
    says; a strategy or a path given there is followed. ``order`` is not: it would only change the
    layout in memory.
    """
    subscripts, given = subscripts_of(operands)
    xs = [operand(x) for x in given]
    if dtype is not None:
        xs = [_cast_operand(i, x, np.dtype(dtype), casting) for i, x in enumerate(xs)]
    preparations, terms, result = contraction_of(subscripts, tuple([x.shape for x in xs]))
    common = np.result_type(*[x.dtype for x in xs])
    xs = [
        x if p is None else _prepared(x, p, common) for x, p in zip(xs, preparations, strict=True)
    ]
    if len(xs) == 1:
        y = xs[0] if preparations[0] and terms[0] == result else _view(xs[0], terms[0], result)
    else:
        y = contract_terms(terms, result, xs, _strategy(optimize))
    return deliver(y, out, "einsum")


def _cast_operand(i: int, x: Any, dtype: Any, casting: Any) -> Any:
    if not np.can_cast(x.dtype, dtype, casting):
        raise WengertTypeError(
            f"einsum: cannot cast operand {i} from {x.dtype} to {dtype} by the rule {casting!r}"
        )
    return cast(x, dtype)


def _prepared(x: Any, p: Preparation, dtype: Any) -> Any:
    """The operand without what it alone has. Sums keep the dtype: `einsum` promotes nothing."""
    if p.shape is not None:
        x = reshape(x, p.shape)
    for axes in p.diagonals:
        x = bind(diagonal_p, (x,), writeable_diagonal(x.ndim, axes))
    return cast(sum_(cast(x, dtype), p.sums), dtype) if p.sums else x


def _view(x: Any, term: str, out: str) -> Any:
    """A single operand with its axes permuted; a view, as in NumPy."""
    if not out:
        return x
    return bind(transpose_p, (x,), {"axes": tuple([term.index(c) for c in out])})


def _strategy(optimize: Any) -> Any:
    """NumPy's ``optimize`` as opt_einsum reads it."""
    if isinstance(optimize, (bool, np.bool_)):
        return "auto"
    if isinstance(optimize, str):
        return optimize
    if len(optimize) == 2 and isinstance(optimize[0], str) and not hasattr(optimize[1], "__len__"):
        return optimize[0]  # with a limit of memory
    path = optimize[1:] if len(optimize) and optimize[0] == "einsum_path" else optimize
    return tuple([tuple(step) for step in path])


@implements(np.einsum_path)
def einsum_path(*operands: Any, optimize: Any = "greedy", einsum_call: bool = False) -> Any:
    """`numpy.einsum_path`: depends on shapes alone."""
    subscripts, given = subscripts_of(operands)
    shapes = [np.broadcast_to(0.0, operand(x).shape) for x in given]
    plain: Any = np.einsum_path
    return plain(subscripts, *shapes, optimize=optimize, einsum_call=einsum_call)


# ------------------------------------------------------------------ cross


@implements(np.cross)
def cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Any:
    """`numpy.cross`, of vectors of three components; a two-component one has a third of zero."""
    a, b = operand(a), operand(b)
    if axis is not None:
        axisa = axisb = axisc = axis
    x = _components("a", a, axisa)
    y = _components("b", b, axisb)
    if x[2] is None and y[2] is None:
        return x[0] * y[1] - x[1] * y[0]
    parts = [_difference(x[i], y[j], x[j], y[i]) for i, j in ((1, 2), (2, 0), (0, 1))]
    shape = np.broadcast_shapes(*[p.shape for p in parts])
    axisc = normalize_axis_index(axisc, len(shape) + 1)
    return bind(stack_p, tuple([broadcast_to(p, shape) for p in parts]), {"axis": axisc})


def _components(name: str, x: Any, axis: int) -> list[Any]:
    if not x.ndim:
        raise ShapeError(f"cross: {name} is a number; expected vectors of 3 components")
    axis = normalize_axis_index(axis, x.ndim)
    n = x.shape[axis]
    if n not in (2, 3):
        raise ShapeError(
            f"cross: {name} of shape {x.shape} has vectors of {n} components; expected 3 (or 2)"
        )
    lead = (slice(None),) * axis
    return [x[(*lead, i)] if i < n else None for i in range(3)]


def _difference(p: Any, q: Any, r: Any, s: Any) -> Any:
    """``p q - r s``, where None is zero."""
    if p is None or q is None:
        return -(r * s)
    return p * q if r is None or s is None else p * q - r * s


attach_method("dot", dot)
