"""Operations of factored matrices, which only the compiler makes (`passes.factorize`).

``solve``, ``inv``, ``det`` and ``slogdet`` of one matrix each factorize it. Here the factorization
is an operation of its own, and what follows from it others, so that equal factorizations merge like
any common subexpressions. They are LAPACK's getrf, getrs and getri, and stand in Programs that are
run, never in those that are differentiated.

Stacks of matrices ``(..., n, n)`` have stacks of everything else. No matrix is empty.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.bind import bind
from ..core.primitive import Primitive
from ..rules.determinants import cofactors_where, nearly_singular
from ..rules.linalg import same_batch

__all__ = ["SINGULAR", "cofactors", "determinant", "inverse", "log_determinant", "lu_factor_p"]
__all__ += ["solution"]

SINGULAR = "Singular matrix"
"""What NumPy's LinAlgError says."""


def _getters(*names: str, dtype: Any) -> Any:
    from scipy.linalg import get_lapack_funcs

    return get_lapack_funcs(names, dtype=dtype)


def _per_matrix(function: Callable[..., Any], stack: tuple[int, ...], *operands: Any) -> Any:
    """Call a function for each matrix of a stack; operands have the stack's axes in front."""
    if not stack:
        return function(*operands)
    found = [function(*[x[i] for x in operands]) for i in np.ndindex(stack)]
    if not isinstance(found[0], tuple):
        return np.stack(found).reshape(*stack, *np.shape(found[0]))
    return tuple(
        [np.stack(ys).reshape(*stack, *np.shape(ys[0])) for ys in zip(*found, strict=True)]
    )


# ------------------------------------------------------------------ the factorization


def _factor(a: Any) -> Any:
    (getrf,) = _getters("getrf", dtype=a.dtype)

    def single(a: Any) -> Any:
        lu, pivots, info = getrf(a)
        return lu, (pivots + 1).astype(np.int32), np.int32(info)

    return _per_matrix(single, a.shape[:-2], a)


lu_factor_p = same_batch(
    Primitive(
        "lu_factor",
        _factor,
        lambda a: (
            (a.shape, a.dtype),
            (a.shape[:-1], np.dtype(np.int32)),
            (a.shape[:-2], np.dtype(np.int32)),
        ),
        None,
        outputs=3,
        show="lu_factor({0})",
        lower="lu_factor",
    )
)
"""``(..., n, n)`` to the packed factors L and U, the exchanges of rows as LAPACK counts them (from
one), and the place of the first pivot that is exactly zero, counted from one, or 0."""


# ------------------------------------------------------------------ solutions


def _refuse(info: Any) -> None:
    if np.any(info > 0):
        raise np.linalg.LinAlgError(SINGULAR)


def _solve(lu: Any, pivots: Any, info: Any, b: Any, transposed: bool) -> Any:
    _refuse(info)
    (getrs,) = _getters("getrs", dtype=lu.dtype)

    def single(lu: Any, pivots: Any, b: Any) -> Any:
        return getrs(lu, pivots - 1, b, trans=int(transposed))[0]

    stack = np.broadcast_shapes(lu.shape[:-2], b.shape[:-2])
    operands = [
        np.broadcast_to(x, (*stack, *x.shape[x.ndim - rank :]))
        for x, rank in ((lu, 2), (pivots, 1), (b, 2))
    ]
    return _per_matrix(single, stack, *operands)


def _solve_shape(lu: Any, pivots: Any, info: Any, b: Any, transposed: bool) -> Any:
    stack = np.broadcast_shapes(lu.shape[:-2], b.shape[:-2])
    return (*stack, *b.shape[-2:]), lu.dtype


lu_solve_p = same_batch(
    Primitive(
        "lu_solve",
        _solve,
        _solve_shape,
        None,
        show="lu_solve({0}, {1}, {2}, {3}, {transposed})",
        lower="lu_solve",
        contiguous=lambda *x, transposed: False,
    )
)
"""``x (..., n, k)`` with ``A x = b``, or ``A^T x = b``; an error if a matrix is singular."""


def _inverse(lu: Any, pivots: Any, info: Any, strict: bool) -> Any:
    if strict:
        _refuse(info)
    getri, getri_lwork = _getters("getri", "getri_lwork", dtype=lu.dtype)
    room = int(getri_lwork(lu.shape[-1])[0].real)

    def single(lu: Any, pivots: Any, info: Any) -> Any:
        if info > 0:
            return np.full_like(lu, np.nan)
        return getri(lu, pivots - 1, lwork=room)[0]

    return _per_matrix(single, lu.shape[:-2], lu, pivots, info)


lu_inverse_p = same_batch(
    Primitive(
        "lu_inverse",
        _inverse,
        lambda lu, pivots, info, strict: (lu.shape, lu.dtype),
        None,
        show="lu_inverse({0}, {1}, {2}, {strict})",
        lower="lu_inverse",
        contiguous=lambda *x, strict: False,
    )
)
"""The inverses; of singular matrices an error, or without ``strict`` NaN."""


# ------------------------------------------------------------------ determinants


def _sign_of_exchanges(pivots: Any, dtype: Any) -> Any:
    moved = pivots != np.arange(1, pivots.shape[-1] + 1)
    return np.where(moved.sum(-1) % 2, -1, 1).astype(dtype)[()]


sign_of_exchanges_p = same_batch(
    Primitive(
        "sign_of_exchanges",
        _sign_of_exchanges,
        lambda pivots, dtype: (pivots.shape[:-1], np.dtype(dtype)),
        None,
        show="sign_of_exchanges({0}, {dtype!r})",
        lower="sign_of_exchanges",
    )
)
"""1 or -1 for an even or odd number of exchanges of rows ``(..., n)``."""


cofactors_where_p = same_batch(
    Primitive(
        "cofactors_where",
        cofactors_where,
        lambda a, y, poor: (y.shape, y.dtype),
        None,
        show="cofactors_where({0}, {1}, {2})",
        contiguous=lambda *x: False,
    )
)
"""Cofactors that are known but for matrices whose inverses are no use; NumPy evaluates it."""


# ------------------------------------------------------------------ in the place of NumPy's
# On Tensors of a recording. ``factors`` are the three results of `lu_factor_p`.


def solution(factors: Any, b: Any, transposed: bool) -> Any:
    """That of `numpy.linalg.solve`."""
    return bind(lu_solve_p, (*factors, b), {"transposed": transposed})


def inverse(factors: Any, strict: bool) -> Any:
    """That of `numpy.linalg.inv`."""
    return bind(lu_inverse_p, factors, {"strict": strict})


def log_determinant(factors: Any) -> tuple[Any, Any]:
    """That of `numpy.linalg.slogdet`: it goes along the diagonal of U in the same way.

    A NaN there has the sign 1.
    """
    lu, pivots, info = factors
    dtype = np.dtype(lu.dtype)
    diagonal = np.diagonal(lu, 0, -2, -1)
    size = np.abs(diagonal)
    signs = diagonal / size if dtype.kind == "c" else np.where(diagonal < 0, -1.0, 1.0)
    exchanged = bind(sign_of_exchanges_p, (pivots,), {"dtype": dtype.str})
    sign = np.prod(signs.astype(dtype), -1) * exchanged
    singular = info > 0
    zero, least = dtype.type(0), np.empty((), dtype).real.dtype.type(-np.inf)
    return np.where(singular, zero, sign), np.where(singular, least, np.log(size).sum(-1))


def determinant(factors: Any) -> Any:
    """That of `numpy.linalg.det`, which is made of the logarithm, too."""
    sign, logarithm = log_determinant(factors)
    return sign * np.exp(logarithm)


def cofactors(factors: Any, a: Any) -> Any:
    """The derivative of the determinant, to which few matrices need more than their inverse."""
    x = inverse(factors, False)
    y = determinant(factors)[..., None, None] * x.swapaxes(-1, -2)
    return bind(cofactors_where_p, (a, y, nearly_singular(a, x)), {})
