"""Inverses and linear systems of square matrices, in stacks ``(..., n, n)``.

With ``X = A^-1``: ``dX = -X dA X``, and ``A x = b`` gives ``A dx = db - dA x`` (Dwyer and Macphail
1948; Giles 2008). Both are holomorphic, so nothing is conjugated.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ..core import algebra
from ..core.bind import bind
from ..core.errors import ShapeError
from ..core.primitive import Primitive
from .batching import align, ndim_of, shape_of
from .contractions import matmul, matrix_transpose
from .shapes import reshape, transpose

__all__ = [
    "MatrixShapeError",
    "check_square",
    "inv_p",
    "inverse",
    "on_stacks",
    "result_dtype",
    "same_batch",
    "solve_matrices",
    "solve_p",
    "solve_triangular",
    "solve_triangular_p",
]


class MatrixShapeError(ShapeError, np.linalg.LinAlgError):
    """A shape that a function of matrices cannot take; also NumPy's own error for it."""


def check_square(name: str, a: Any) -> None:
    """Raise unless ``a`` is a square matrix or a stack of them."""
    shape = shape_of(a)
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise MatrixShapeError(
            f"{name}: expected square matrices (..., n, n), got shape {shape}; for others see "
            "np.linalg.lstsq and np.linalg.pinv"
        )


def result_dtype(*operands: Any) -> Any:
    """What LAPACK computes in: float64 for integers and booleans."""
    dtype = np.result_type(*[x.dtype for x in operands])
    return dtype if dtype.kind in "fc" else np.dtype(np.float64)


def same_batch(primitive: Primitive) -> Primitive:
    """Give a primitive on one stack of matrices its batching rule: a stack with one axis more."""
    primitive.batch = lambda args, batched, size, **params: bind(primitive, args, params)
    return primitive


def on_stacks(function: Any, signature: str, results: Any, *args: Any, **options: Any) -> Any:
    """Call a function of SciPy's for single matrices, where there are stacks in NumPy's loop.

    Versions of SciPy before 1.16 take no stacks, and later ones loop over them in Python as well.
    Only what has no stacked function in NumPy or SciPy comes here: tests/rules/test_stacks.py lists
    who does, with the reason. Results are C-contiguous.

    Parameters
    ----------
    function : callable
    signature : str
        As for `numpy.vectorize`: ``(n,n),(n,k)->(n,k)``.
    results : tuple of (shape, dtype)
        Of all results; a single result alone.
    *args, **options :
        Its arguments.
    """
    single = not isinstance(results[0][0], tuple)
    if single:
        results = (results,)
    if not all(a.size for a in args):
        found = tuple([np.zeros(shape, dtype) for shape, dtype in results])
        return found[0] if single else found
    if options:
        function = partial(function, **options)
    cores = signature.partition("->")[0].split("),(")
    if any(a.ndim > core.count(",") + 1 for a, core in zip(args, cores, strict=True)):
        function = np.vectorize(function, signature=signature)
    found = function(*args)
    if single:
        return np.ascontiguousarray(found, results[0][1])
    return tuple(
        [np.ascontiguousarray(y, dtype) for y, (_, dtype) in zip(found, results, strict=True)]
    )


# ------------------------------------------------------------------ inverse


def _inverse(a: Any, strict: bool = True) -> Any:
    try:
        return np.linalg.inv(a)
    except np.linalg.LinAlgError:
        if strict:
            raise
    singular = np.linalg.slogdet(a)[0] == 0  # what made inv raise, too: an exactly zero pivot
    y = np.linalg.inv(np.where(singular[..., None, None], np.eye(a.shape[-1], dtype=a.dtype), a))
    return np.where(singular[..., None, None], y.dtype.type(np.nan), y)


def _inverse_shape(a: Any, strict: bool = True) -> tuple[tuple[int, ...], Any]:
    check_square("inv", a)
    return a.shape, result_dtype(a)


def _inverse_text(a: str, strict: bool = True) -> str:
    return f"np.linalg.inv({a})"


inv_p = same_batch(
    Primitive(
        "inv",
        _inverse,
        _inverse_shape,
        None,
        jvp=lambda ts, ins, out, strict=True: -matmul(out, matmul(ts[0], out)),
        show=_inverse_text,
    )
)


def inverse(a: Any, strict: bool = True) -> Any:
    """The inverses of square matrices; without ``strict`` NaN for those exactly singular."""
    return bind(inv_p, (a,), {} if strict else {"strict": False})


# ------------------------------------------------------------------ linear systems A x = b
# b is always a (stack of) matrices here, (..., n, k); the face reshapes vectors.


def _system_shape(name: str) -> Any:
    def shape(a: Any, b: Any, **params: Any) -> tuple[tuple[int, ...], Any]:
        check_square(name, a)
        if a.shape[-1] != shape_of(b)[-2]:
            raise ShapeError(
                f"{name}: matrices of shape {a.shape} do not fit a right-hand side of shape "
                f"{shape_of(b)}: {a.shape[-1]} columns against {shape_of(b)[-2]} rows. "
                "Vectors are (n,), several of them the columns of (..., n, k)"
            )
        stack = np.broadcast_shapes(a.shape[:-2], shape_of(b)[:-2])
        return (*stack, *shape_of(b)[-2:]), result_dtype(a, b)

    return shape


def _right_hand_side(ts: Any, out: Any, of_matrix: Any = lambda t: t) -> Any:
    """``db - dA x``."""
    ta, tb = ts
    if ta is None:
        return tb
    correction = matmul(of_matrix(ta), out)
    return -correction if tb is None else tb - correction


def _system_batch(primitive: Primitive) -> Any:
    def batch(args: Any, batched: Any, size: int, **params: Any) -> Any:
        a, b = args
        if not batched[0] and ndim_of(a) == 2 and ndim_of(b, True) == 2:
            # One matrix for all: their right-hand sides side by side, one factorization.
            _, n, k = shape_of(b)
            wide = reshape(transpose(b, (1, 0, 2)), (n, size * k))
            x = reshape(bind(primitive, (a, wide), params), (n, size, k))
            return transpose(x, (1, 0, 2))
        rank = max(ndim_of(a, batched[0]), ndim_of(b, batched[1]))
        return bind(primitive, (align(a, batched[0], rank), align(b, batched[1], rank)), params)

    return batch


# The cotangent of b is that of the transposed system; it is given besides the jvp because the jvp
# solves a system itself.
solve_p = Primitive(
    "solve",
    np.linalg.solve,
    _system_shape("solve"),
    None,
    jvp=lambda ts, ins, out: solve_matrices(ins[0], _right_hand_side(ts, out)),
    linear=(1,),
    transpose=(
        None,
        lambda ct, ins, out: algebra.unbroadcast(
            solve_matrices(matrix_transpose(ins[0]), ct), ins[1].shape
        ),
    ),
    show="np.linalg.solve({0}, {1})",
)
solve_p.batch = _system_batch(solve_p)


def solve_matrices(a: Any, b: Any) -> Any:
    """``x`` with ``a @ x = b`` for matrices ``b``."""
    return bind(solve_p, (a, b), {})


# ------------------------------------------------------------------ triangular systems


def triangle(n: int, lower: bool, dtype: Any) -> Any:
    """Ones in one triangle, with the diagonal."""
    ones = np.ones((n, n), dtype)
    return np.tril(ones) if lower else np.triu(ones)


def _solve_triangular(a: Any, b: Any, lower: bool) -> Any:
    dtype = result_dtype(a, b)
    if a.ndim != 2 or b.ndim != 2 or not a.size or not b.size or dtype.char not in "fdFD":
        return np.linalg.solve(np.tril(a) if lower else np.triu(a), b)
    zero = a.diagonal() == 0
    if zero.any():
        raise np.linalg.LinAlgError(f"solve_triangular: diagonal entry {zero.argmax()} is zero")
    from scipy.linalg import blas  # importing it takes 50 ms

    # BLAS itself: around it SciPy's solve_triangular takes 70 us for a 4 x 4 system, and LAPACK's
    # trtrs waits for threads however small the system is. It reads columns, so it sees the rows of
    # `a` in the transpose.
    trsm = getattr(blas, {"f": "s", "d": "d", "F": "c", "D": "z"}[dtype.char] + "trsm")
    return np.ascontiguousarray(trsm(1.0, a.T, b, lower=not lower, trans_a=1))


def _triangular_jvp(ts: Any, ins: Any, out: Any, lower: bool) -> Any:
    def read(t: Any) -> Any:
        return t * triangle(t.shape[-1], lower, np.empty((), t.dtype).real.dtype)

    return solve_triangular(ins[0], _right_hand_side(ts, out, read), lower)


solve_triangular_p = Primitive(
    "solve_triangular",
    _solve_triangular,
    _system_shape("solve_triangular"),
    None,
    jvp=_triangular_jvp,
    linear=(1,),
    transpose=(
        None,
        lambda ct, ins, out, lower: algebra.unbroadcast(
            solve_triangular(matrix_transpose(ins[0]), ct, not lower), ins[1].shape
        ),
    ),
    show="scipy.linalg.solve_triangular({0}, {1}, lower={lower})",
    lower="solve_triangular",
)
solve_triangular_p.batch = _system_batch(solve_triangular_p)


def solve_triangular(a: Any, b: Any, lower: bool) -> Any:
    """``x`` with ``a @ x = b``, where only one triangle of ``a`` is read."""
    return bind(solve_triangular_p, (a, b), {"lower": lower})
