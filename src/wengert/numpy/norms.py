"""Norms of vectors and matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from ..core.bind import bind
from ..core.errors import WengertTypeError, WengertValueError
from ..rules.factorizations import svd_p
from ..rules.linalg import MatrixShapeError, check_square, inverse
from ..rules.norms import vector_norm as norm_of_finite_order
from ..rules.reductions import kept_shape
from ..rules.shapes import reshape, transpose
from .arguments import concrete, floating, is_abstract, operand
from .dispatch import implements

__all__ = ["cond", "matrix_norm", "norm", "vector_norm"]


@implements(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """`numpy.linalg.norm`, all orders; the derivative at 0 is 0."""
    x = floating(operand(x))
    if axis is None:
        if ord is None:
            return _kept(_of_vectors(x, 2, tuple(range(x.ndim))), x, None, keepdims)
        axis = tuple(range(x.ndim))
    elif not isinstance(axis, tuple):
        try:
            axis = (int(axis),)
        except (TypeError, ValueError):
            raise WengertTypeError(
                f"norm: axis must be None, an integer or a tuple of integers, not {axis!r}"
            ) from None
    axes = normalize_axis_tuple(axis, x.ndim, "axis")
    if len(axes) == 1:
        y = _of_vectors(x, 2 if ord is None else ord, axes)
    elif len(axes) == 2:
        y = _of_matrices(x, "fro" if ord is None else ord, *axes)
    else:
        raise WengertValueError(
            f"norm: {len(axes)} axes; expected one (of vectors) or two (of matrices)"
        )
    return _kept(y, x, axes, keepdims)


@implements(np.linalg.vector_norm)
def vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """`numpy.linalg.vector_norm`, over any number of axes."""
    x = floating(operand(x))
    axes = tuple(range(x.ndim)) if axis is None else normalize_axis_tuple(axis, x.ndim, "axis")
    return _kept(_of_vectors(x, ord, tuple(sorted(axes))), x, axes, keepdims)


@implements(np.linalg.matrix_norm)
def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    """`numpy.linalg.matrix_norm`."""
    return norm(x, ord, (-2, -1), keepdims)


def _kept(y: Any, x: Any, axes: Any, keepdims: bool) -> Any:
    if not keepdims:
        return y
    return reshape(y, kept_shape(x.shape, tuple(range(x.ndim)) if axes is None else axes))


def _of_vectors(x: Any, ord: Any, axes: tuple[int, ...]) -> Any:
    if isinstance(ord, str):
        raise WengertValueError(f"norm: the order {ord!r} is not one of vectors")
    if ord == np.inf:
        return _largest(np.abs(x), axes)
    if ord == -np.inf:
        return np.min(np.abs(x), axis=axes)
    if ord == 0:
        return np.sum((x != 0).astype(x.real.dtype), axis=axes)
    if ord == 1:
        return np.sum(np.abs(x), axis=axes)
    return norm_of_finite_order(x, axes, ord if isinstance(ord, int) else float(ord))


def _largest(x: Any, axes: Any) -> Any:
    """The largest of numbers that are not negative; 0 if there are none."""
    empty = not all(x.shape[i] for i in axes)
    return np.max(x, axis=axes, initial=0) if empty else np.max(x, axis=axes)


def _of_matrices(x: Any, ord: Any, row: int, column: int) -> Any:
    if row == column:
        raise WengertValueError("norm: the two axes of a matrix must differ")
    if isinstance(ord, str) and ord in ("fro", "f"):
        return norm_of_finite_order(x, tuple(sorted((row, column))), 2)
    if ord in (1, -1, np.inf, -np.inf):
        summed, left = (row, column) if ord in (1, -1) else (column, row)
        sums = np.sum(np.abs(x), axis=summed)
        left -= left > summed
        return _largest(sums, (left,)) if ord > 0 else np.min(sums, axis=left)
    if ord in (2, -2) or ord == "nuc":
        s = np.abs(_singular_values_of_norm(x, row, column))  # the derivative of abs at 0 is 0
        last = s.ndim - 1
        if ord == "nuc":
            return np.sum(s, axis=last)
        return _largest(s, (last,)) if ord == 2 else np.min(s, axis=last)
    raise WengertValueError(f"norm: the order {ord!r} is not one of matrices")


def _singular_values(x: Any, row: int, column: int) -> Any:
    rest = tuple([i for i in range(x.ndim) if i not in (row, column)])
    return bind(svd_p, (transpose(x, (*rest, row, column)),), {})[1]


def _singular_values_of_norm(x: Any, row: int, column: int) -> Any:
    """The singular values; those of a matrix of zeros are constants.

    So all derivatives of a norm at 0 are 0, as those of every other norm here. Where all singular
    values coincide with each other and with their negatives, their own second derivatives are 0/0.
    """
    zero = np.all(x == 0, axis=(row, column), keepdims=True)
    k = min(x.shape[row], x.shape[column])
    if not k or (not is_abstract(zero) and not concrete(zero, "norm").any()):
        return _singular_values(x, row, column)
    shape = [n if i in (row, column) else 1 for i, n in enumerate(x.shape)]
    apart = np.zeros(shape, x.dtype)
    diagonal = [np.arange(k) if i in (row, column) else 0 for i in range(x.ndim)]
    apart[tuple(diagonal)] = np.arange(1, k + 1)
    s = _singular_values(np.where(zero, apart, x), row, column)
    return np.where(np.squeeze(zero, (row, column))[..., None], s.dtype.type(0), s)


@implements(np.linalg.cond)
def cond(x: Any, p: Any = None) -> Any:
    """`numpy.linalg.cond`."""
    x = floating(operand(x))
    if x.ndim < 2 or not x.shape[-1] * x.shape[-2]:
        raise MatrixShapeError(f"cond: expected matrices that are not empty, got shape {x.shape}")
    if p is None or p in (2, -2):
        s = _singular_values(x, x.ndim - 2, x.ndim - 1)
        largest, smallest = s[..., 0], s[..., -1]
        r = smallest / largest if p == -2 else largest / smallest
    else:
        check_square("cond", x)
        r = norm(x, p, (-2, -1)) * norm(inverse(x, False), p, (-2, -1))
    missing = np.isnan(r) & ~np.any(np.isnan(x), axis=(-2, -1))
    return np.where(missing, np.inf, r)
