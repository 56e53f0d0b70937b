"""What serves the functions of `numpy.linalg` on Tensors; norms are in `wengert.numpy.norms`.

Matrices that a function takes as symmetric are differentiated along symmetric directions
(`wengert.rules.factorizations`).
"""

from __future__ import annotations

import operator
from math import prod
from typing import Any

import numpy as np
import opt_einsum
from numpy.lib.array_utils import normalize_axis_tuple

from ..core.bind import bind
from ..core.errors import ShapeError, WengertTypeError, WengertValueError
from ..core.tensor import Tensor
from ..rules.contractions import matmul
from ..rules.determinants import det_p, slogdet_p
from ..rules.eigen import eig_p, eigvals_p
from ..rules.einsum import contract_terms
from ..rules.factorizations import cholesky_p, eigh_p, pinv_p, svd_p
from ..rules.linalg import MatrixShapeError, check_square, inverse, solve_matrices
from ..rules.orthogonal import qr as decompose_qr
from ..rules.shapes import reshape, transpose
from . import products
from .arguments import (
    NO_VALUE,
    concrete,
    deliver,
    floating,
    is_abstract,
    is_known,
    operand,
    refuse_traced,
)
from .core_axes import call_on_axes
from .dispatch import implements
from .unknown_values import rank_of_matrix

__all__ = [
    "cholesky",
    "cross",
    "det",
    "diagonal",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "inv",
    "lstsq",
    "matrix_power",
    "matrix_rank",
    "matrix_transpose",
    "multi_dot",
    "outer",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "svd",
    "svdvals",
    "tensordot",
    "tensorinv",
    "tensorsolve",
    "trace",
    "vecdot",
]

# NumPy's named tuples, which have no public names.
_EighResult: Any = type(np.linalg.eigh(np.eye(1)))
_EigResult: Any = type(np.linalg.eig(np.eye(1)))
_QRResult: Any = type(np.linalg.qr(np.eye(1)))
_SVDResult: Any = type(np.linalg.svd(np.eye(1)))
_SlogdetResult: Any = type(np.linalg.slogdet(np.eye(1)))


def _square(name: str, a: Any) -> Any:
    a = floating(operand(a))
    check_square(name, a)
    return a


def _at_least_2d(name: str, a: Any) -> Any:
    a = floating(operand(a))
    if a.ndim < 2:
        raise MatrixShapeError(f"{name}: expected matrices (..., m, n), got shape {a.shape}")
    return a


# ------------------------------------------------------------------ systems, inverses, determinants


@implements(np.linalg.solve)
def solve(a: Any, b: Any) -> Any:
    """`numpy.linalg.solve`; ``b`` is a vector where it has one dimension, else matrices."""
    a, b = _square("solve", a), floating(operand(b))
    is_vector = b.ndim == 1
    n = b.shape[-1 if is_vector else -2] if b.ndim else -1
    if n != a.shape[-1]:
        raise ShapeError(
            f"solve: matrices of shape {a.shape} do not fit a right-hand side of shape {b.shape}"
        )
    if not is_vector:
        return solve_matrices(a, b)
    x = solve_matrices(a, reshape(b, (n, 1)))
    return reshape(x, x.shape[:-1])


@implements(np.linalg.inv)
def inv(a: Any) -> Any:
    """`numpy.linalg.inv`."""
    return inverse(_square("inv", a))


@implements(np.linalg.pinv)
def pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = NO_VALUE) -> Any:
    """`numpy.linalg.pinv`; its derivative is that for matrices of constant rank."""
    a = _at_least_2d("pinv", a)
    if rcond is None:
        rcond = 1e-15 if rtol is NO_VALUE else rtol
        if rtol is None:
            rcond = max(a.shape[-2:]) * np.finfo(a.dtype).eps
    elif rtol is not NO_VALUE:
        raise WengertValueError("pinv: give rcond or rtol, not both")
    return bind(pinv_p, (a,), {"rcond": float(rcond), "hermitian": bool(hermitian)})


@implements(np.linalg.det)
def det(a: Any) -> Any:
    """`numpy.linalg.det`; first and second derivatives are right at singular matrices, too."""
    return bind(det_p, (_square("det", a),), {})


@implements(np.linalg.slogdet)
def slogdet(a: Any) -> Any:
    """`numpy.linalg.slogdet`; the derivative at singular matrices is NaN."""
    return _SlogdetResult(*bind(slogdet_p, (_square("slogdet", a),), {}))


@implements(np.linalg.matrix_power)
def matrix_power(a: Any, n: Any) -> Any:
    """`numpy.linalg.matrix_power`."""
    a = operand(a)
    check_square("matrix_power", a)
    try:
        n = operator.index(n)
    except TypeError:
        raise WengertTypeError(
            f"matrix_power: the exponent must be an integer, not {type(n).__name__}"
        ) from None
    if n == 0:
        return np.zeros_like(a) + np.eye(a.shape[-1], dtype=a.dtype)
    if n < 0:
        a, n = inverse(floating(a)), -n
    result = None
    while True:
        n, bit = divmod(n, 2)
        if bit:
            result = a if result is None else matmul(result, a)
        if not n:
            return result
        a = matmul(a, a)


@implements(np.linalg.tensorinv)
def tensorinv(a: Any, ind: int = 2) -> Any:
    """`numpy.linalg.tensorinv`."""
    a = operand(a)
    if ind <= 0:
        raise WengertValueError(f"tensorinv: ind must be positive, not {ind}")
    rows, columns = a.shape[:ind], a.shape[ind:]
    return reshape(
        inv(reshape(a, (prod(columns), a.size // max(prod(columns), 1)))), columns + rows
    )


@implements(np.linalg.tensorsolve)
def tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    """`numpy.linalg.tensorsolve`."""
    a, b = operand(a), operand(b)
    if axes is not None:
        order = list(range(a.ndim))
        for k in axes:
            order.remove(k)
            order.append(k)
        a = transpose(a, tuple(order))
    shape = a.shape[b.ndim - a.ndim :]
    n = prod(shape)
    if a.size != n**2 or b.size != n:
        raise MatrixShapeError(
            f"tensorsolve: shapes {a.shape} and {b.shape}: the axes that b has and those that are "
            "left must have equally many elements"
        )
    return reshape(solve(reshape(a, (n, n)), reshape(b, (n,))), shape)


# ------------------------------------------------------------------ factorizations


@implements(np.linalg.cholesky)
def cholesky(a: Any, /, *, upper: bool = False) -> Any:
    """`numpy.linalg.cholesky`."""
    return bind(cholesky_p, (_square("cholesky", a),), {"upper": bool(upper)})


@implements(np.linalg.qr)
def qr(a: Any, mode: str = "reduced") -> Any:
    """`numpy.linalg.qr`, but for its mode "raw".

    The columns that "complete" adds to a matrix of more rows than columns are an arbitrary basis;
    they turn no more than they have to.

    Raises
    ------
    NoRuleError
        For ``mode="raw"`` of a value that is being differentiated.
    """
    a = _at_least_2d("qr", a)
    if mode not in ("reduced", "complete", "r", "raw"):
        raise WengertValueError(
            f"qr: mode must be 'reduced', 'complete', 'r' or 'raw', not {mode!r}"
        )
    if mode == "raw":
        remedy = "LAPACK's reflectors have no derivative rule: use mode='reduced'"
        refuse_traced("np.linalg.qr(mode='raw')", "a", a, remedy)
        return np.linalg.qr(concrete(a, "np.linalg.qr"), "raw")
    q, r = decompose_qr(a, mode == "complete")
    return r if mode == "r" else _QRResult(q, r)


@implements(np.linalg.eigh)
def eigh(a: Any, UPLO: str = "L") -> Any:
    """`numpy.linalg.eigh`.

    Eigenvectors of coinciding eigenvalues are arbitrary; functions that do not depend on the choice
    have their derivatives nevertheless (docs/concepts/conventions.md).
    """
    uplo = str(UPLO).upper()
    if uplo not in ("L", "U"):
        raise WengertValueError(f"eigh: UPLO must be 'L' or 'U', not {UPLO!r}")
    return _EighResult(*bind(eigh_p, (_square("eigh", a),), {"UPLO": uplo}))


@implements(np.linalg.eigvalsh)
def eigvalsh(a: Any, UPLO: str = "L") -> Any:
    """`numpy.linalg.eigvalsh`."""
    return eigh(a, UPLO)[0]


@implements(np.linalg.eig)
def eig(a: Any) -> Any:
    """`numpy.linalg.eig`; the results are complex, whatever the eigenvalues are.

    Eigenvectors have norm 1 and a real largest component, as NumPy's; so have their derivatives.
    """
    return _EigResult(*bind(eig_p, (_square("eig", a),), {}))


@implements(np.linalg.eigvals)
def eigvals(a: Any) -> Any:
    """`numpy.linalg.eigvals`; the result is complex, whatever the eigenvalues are."""
    return bind(eigvals_p, (_square("eigvals", a),), {})


@implements(np.linalg.svd)
def svd(
    a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> Any:
    """`numpy.linalg.svd`.

    The columns that ``full_matrices`` adds to those of the thin decomposition are an arbitrary
    basis of the complement; they turn no more than they have to.
    """
    a = _at_least_2d("svd", a)
    if hermitian:
        return _svd_of_hermitian(_square("svd", a), compute_uv)
    if not compute_uv:
        return bind(svd_p, (a,), {})[1]
    full = bool(full_matrices) and a.shape[-1] != a.shape[-2]
    return _SVDResult(*bind(svd_p, (a,), {"full": True} if full else {}))


def _svd_of_hermitian(a: Any, compute_uv: bool) -> Any:
    """Singular values are the moduli of eigenvalues, in descending order."""
    w, v = eigh(a)
    s = np.abs(w)
    order = np.argsort(s, axis=-1)[..., ::-1]
    s = np.take_along_axis(s, order, axis=-1)
    if not compute_uv:
        return s
    sign = np.take_along_axis(np.sign(w), order, axis=-1)
    u = np.take_along_axis(v, order[..., None, :], axis=-1)
    vh = np.swapaxes(np.conj(u * sign[..., None, :]), -1, -2)
    return _SVDResult(u, s, vh)


@implements(np.linalg.lstsq)
def lstsq(a: Any, b: Any, rcond: Any = None) -> Any:
    """`numpy.linalg.lstsq`; derivatives are those for matrices of constant rank.

    ``rank`` is a plain integer. Recorded on shapes alone (inside `wengert.vmap` or `jit`) it is not
    known: then the residuals are there wherever a matrix of full rank would have them.
    """
    a, b = _at_least_2d("lstsq", a), floating(operand(b))
    if a.ndim != 2 or b.ndim not in (1, 2) or b.shape[0] != a.shape[0]:
        raise MatrixShapeError(
            f"lstsq: expected a matrix (m, n) and a right-hand side (m,) or (m, k), got shapes "
            f"{a.shape} and {b.shape}"
        )
    m, n = a.shape
    eps = float(np.finfo(np.result_type(a.dtype, b.dtype)).eps)
    rcond = max(m, n) * eps if rcond is None else max(float(rcond), 0.0) or eps
    x = matmul(bind(pinv_p, (a,), {"rcond": rcond, "hermitian": False}), b)
    s = bind(svd_p, (a,), {})[1] if a.size else np.zeros(0, a.real.dtype)
    rank = np.sum(s > rcond * s[..., :1]) if a.size else 0
    if isinstance(rank, Tensor) and is_known(rank):
        rank = rank._a
    full = not is_known(rank) or rank == n
    if not full or m <= n:
        return x, np.zeros(0, x.real.dtype), _integer(rank), s
    r = b - matmul(a, x)
    square = np.real(r * np.conj(r)) if r.dtype.kind == "c" else r * r
    residuals = np.sum(square, axis=0)
    return x, residuals if b.ndim == 2 else reshape(residuals, (1,)), _integer(rank), s


def _integer(rank: Any) -> Any:
    return np.int32(rank) if is_known(rank) else rank.astype(np.int32)


@implements(np.linalg.svdvals)
def svdvals(x: Any, /) -> Any:
    """`numpy.linalg.svdvals`."""
    return svd(x, compute_uv=False)


@implements(np.linalg.matrix_rank)
def matrix_rank(A: Any, tol: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    """`numpy.linalg.matrix_rank`: plain integers."""
    if is_abstract(A):
        return rank_of_matrix(A, tol, hermitian, rtol)
    return np.linalg.matrix_rank(concrete(A, "matrix_rank"), tol, hermitian, rtol=rtol)


# ------------------------------------------------------------------ products


@implements(np.linalg.multi_dot)
def multi_dot(arrays: Any, *, out: Any = None) -> Any:
    """`numpy.linalg.multi_dot`: the product of a chain of matrices, in the cheapest order."""
    operands = [operand(a) for a in arrays]
    if len(operands) < 2:
        raise WengertValueError("multi_dot: expected at least two arrays")
    last = len(operands) - 1
    for i, x in enumerate(operands):
        if x.ndim != 2 and not (x.ndim == 1 and i in (0, last)):
            raise MatrixShapeError(
                f"multi_dot: array {i} has shape {x.shape}; expected matrices (the first and the "
                "last may be vectors)"
            )
        if i and x.shape[0] != operands[i - 1].shape[-1]:
            raise ShapeError(
                f"multi_dot: arrays {i - 1} and {i} of shapes {operands[i - 1].shape} and "
                f"{x.shape} do not fit"
            )
    letters = [opt_einsum.get_symbol(i) for i in range(len(operands) + 1)]
    terms = [letters[i] + letters[i + 1] for i in range(len(operands))]
    terms[0] = terms[0][-operands[0].ndim :]
    terms[last] = terms[last][: operands[last].ndim]
    result = (letters[0] if operands[0].ndim == 2 else "") + (
        letters[-1] if operands[last].ndim == 2 else ""
    )
    return deliver(contract_terms(tuple(terms), result, operands, "dp"), out, "multi_dot")


@implements(np.linalg.matmul)
def _matmul(x1: Any, x2: Any, /) -> Any:
    return matmul(x1, x2)


@implements(np.linalg.tensordot)
def tensordot(x1: Any, x2: Any, /, *, axes: Any = 2) -> Any:
    """`numpy.linalg.tensordot`."""
    return products.tensordot(x1, x2, axes)


@implements(np.linalg.vecdot)
def vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """`numpy.linalg.vecdot`."""
    return call_on_axes(np.vecdot, products.vecdot, (x1, x2), axis=axis)


@implements(np.linalg.outer)
def outer(x1: Any, x2: Any, /) -> Any:
    """`numpy.linalg.outer`: of two vectors."""
    x1, x2 = operand(x1), operand(x2)
    if x1.ndim != 1 or x2.ndim != 1:
        raise ShapeError(f"np.linalg.outer: expected vectors, got shapes {x1.shape} and {x2.shape}")
    return products.outer(x1, x2)


@implements(np.linalg.cross)
def cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """`numpy.linalg.cross`: of vectors of three components."""
    x1, x2 = operand(x1), operand(x2)
    for x in (x1, x2):
        (i,) = normalize_axis_tuple(axis, x.ndim)
        if x.shape[i] != 3:
            raise ShapeError(
                f"np.linalg.cross: expected 3 components along axis {axis}, got shapes {x1.shape} "
                f"and {x2.shape}"
            )
    return products.cross(x1, x2, axis=axis)


# ------------------------------------------------------------------ the last two axes


@implements(np.linalg.trace)
def trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    """`numpy.linalg.trace`."""
    return np.trace(x, offset, -2, -1, dtype)


@implements(np.linalg.diagonal)
def diagonal(x: Any, /, *, offset: int = 0) -> Any:
    """`numpy.linalg.diagonal`."""
    return np.diagonal(x, offset, -2, -1)


@implements(np.linalg.matrix_transpose)
def matrix_transpose(x: Any, /) -> Any:
    """`numpy.linalg.matrix_transpose`."""
    if operand(x).ndim < 2:
        raise ShapeError(f"matrix_transpose: shape {x.shape} has fewer than 2 dimensions")
    return np.swapaxes(x, -1, -2)
