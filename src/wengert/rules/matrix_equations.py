"""Equations for matrices: Sylvester's, Lyapunov's (Stein's), Riccati's; in stacks."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import algebra
from ..core.bind import bind
from ..core.errors import ShapeError
from ..core.primitive import Primitive
from .batching import stacked
from .contractions import matmul, matrix_transpose
from .factorizations import adjoint
from .linalg import check_square, on_stacks, result_dtype, solve_matrices

__all__ = ["riccati_p", "stein", "stein_p", "sylvester", "sylvester_p"]


def _sylvester_shape(a: Any, b: Any, q: Any) -> tuple[tuple[int, ...], Any]:
    check_square("solve_sylvester", a)
    check_square("solve_sylvester", b)
    if len(q.shape) < 2 or q.shape[-2:] != (a.shape[-1], b.shape[-1]):
        raise ShapeError(
            f"solve_sylvester: matrices of shapes {a.shape} and {b.shape} do not fit a right-hand "
            f"side of shape {q.shape}; expected (..., {a.shape[-1]}, {b.shape[-1]})"
        )
    stack = np.broadcast_shapes(a.shape[:-2], b.shape[:-2], q.shape[:-2])
    return (*stack, *q.shape[-2:]), result_dtype(a, b, q)


def _sylvester(a: Any, b: Any, q: Any) -> Any:
    from scipy.linalg import solve_sylvester

    shape, dtype = _sylvester_shape(a, b, q)
    a, b, q = (x.astype(dtype, copy=False) for x in (a, b, q))
    return on_stacks(solve_sylvester, "(m,m),(n,n),(m,n)->(m,n)", (shape, dtype), a, b, q)


def _sylvester_jvp(ts: Any, ins: Any, out: Any) -> Any:
    """``A dX + dX B = dQ - dA X - X dB``."""
    ta, tb, tq = ts
    right = tq
    if ta is not None:
        t = matmul(ta, out)
        right = -t if right is None else right - t
    if tb is not None:
        t = matmul(out, tb)
        right = -t if right is None else right - t
    return sylvester(ins[0], ins[1], right)


def _batch(args: Any, batched: Any, size: int) -> Any:
    return bind(sylvester_p, stacked(args, batched, size, (2, 2, 2)), {})


def _cotangent_q(ct: Any, ins: Any, out: Any) -> Any:
    a, b, q = ins
    x = sylvester(matrix_transpose(a), matrix_transpose(b), ct)
    return algebra.unbroadcast(x, q.shape)


sylvester_p: Primitive = Primitive(
    "solve_sylvester",
    _sylvester,
    _sylvester_shape,
    _batch,
    jvp=_sylvester_jvp,
    linear=(2,),
    transpose=(None, None, _cotangent_q),
    show="scipy.linalg.solve_sylvester({0}, {1}, {2})",
)


def sylvester(a: Any, b: Any, q: Any) -> Any:
    """``X`` with ``A X + X B = Q``, in stacks (..., m, m), (..., n, n), (..., m, n)."""
    return bind(sylvester_p, (a, b, q), {})


# ------------------------------------------------------------------ X = A X A^H + Q


def _stein_shape(a: Any, q: Any) -> tuple[tuple[int, ...], Any]:
    check_square("solve_discrete_lyapunov", a)
    if len(q.shape) < 2 or q.shape[-2:] != a.shape[-2:]:
        raise ShapeError(
            f"solve_discrete_lyapunov: q has shape {q.shape}; expected that of a, {a.shape}"
        )
    return np.broadcast_shapes(a.shape, q.shape), result_dtype(a, q)


def _stein(a: Any, q: Any) -> Any:
    from scipy.linalg import solve_discrete_lyapunov

    shape, dtype = _stein_shape(a, q)
    a, q = a.astype(dtype, copy=False), q.astype(dtype, copy=False)
    return on_stacks(solve_discrete_lyapunov, "(n,n),(n,n)->(n,n)", (shape, dtype), a, q)


def _stein_jvp(ts: Any, ins: Any, out: Any) -> Any:
    """``dX - A dX A^H = dQ + dA X A^H + A X dA^H``."""
    ta, tq = ts
    right = tq
    if ta is not None:
        t = matmul(ta, matmul(out, adjoint(ins[0])))
        t = t + matmul(ins[0], matmul(out, adjoint(ta)))
        right = t if right is None else right + t
    return stein(ins[0], right)


def _stein_batch(args: Any, batched: Any, size: int) -> Any:
    return bind(stein_p, stacked(args, batched, size, (2, 2)), {})


# X = sum_k A^k Q (A^H)^k, so the cotangent of Q is the same series with A^T.
stein_p: Primitive = Primitive(
    "solve_discrete_lyapunov",
    _stein,
    _stein_shape,
    _stein_batch,
    jvp=_stein_jvp,
    linear=(1,),
    transpose=(
        None,
        lambda ct, ins, out: algebra.unbroadcast(stein(matrix_transpose(ins[0]), ct), ins[1].shape),
    ),
    show="solve_discrete_lyapunov({0}, {1})",
)


def stein(a: Any, q: Any) -> Any:
    """``X`` with ``X = A X A^H + Q``, in stacks (..., n, n)."""
    return bind(stein_p, (a, q), {})


# ------------------------------------------------------------------ Riccati's equations


def _riccati_shape(a: Any, b: Any, q: Any, r: Any, discrete: bool) -> tuple[tuple[int, ...], Any]:
    name = "solve_discrete_are" if discrete else "solve_continuous_are"
    check_square(name, a)
    check_square(name, r)
    n, k = a.shape[-1], r.shape[-1]
    if b.shape[-2:] != (n, k) or q.shape[-2:] != (n, n):
        raise ShapeError(
            f"{name}: a {a.shape} and r {r.shape} do not fit b {b.shape} and q {q.shape}; expected "
            f"b (..., {n}, {k}) and q (..., {n}, {n})"
        )
    stack = np.broadcast_shapes(*[x.shape[:-2] for x in (a, b, q, r)])
    return (*stack, n, n), result_dtype(a, b, q, r)


def _riccati(a: Any, b: Any, q: Any, r: Any, discrete: bool) -> Any:
    import scipy.linalg

    function: Any = (
        scipy.linalg.solve_discrete_are if discrete else scipy.linalg.solve_continuous_are
    )
    results = _riccati_shape(a, b, q, r, discrete)
    return on_stacks(function, "(n,n),(n,k),(n,n),(k,k)->(n,n)", results, a, b, q, r)


def _riccati_jvp(ts: Any, ins: Any, out: Any, discrete: bool) -> Any:
    """With the feedback K and the closed loop ``A - B K``, a linear equation for dX.

    At the solution X is stationary in K (Lancaster and Rodman 1995, chapter 11), so that K may be
    held fixed: ``A'^H dX + dX A' + W = 0`` or ``A'^H dX A' - dX + W = 0`` with

        W = dQ + K^H dR K + M^H + M,    M = X (dA - dB K), for the discrete equation A'^H times it.
    """
    a, b, _, r = ins
    ta, tb, tq, tr = ts
    bx = matmul(adjoint(b), out)
    if discrete:
        gain = solve_matrices(r + matmul(bx, b), matmul(bx, a))
    else:
        gain = solve_matrices(r, bx)
    closed = a - matmul(b, gain)
    terms = [] if tq is None else [tq]
    if tr is not None:
        terms.append(matmul(adjoint(gain), matmul(tr, gain)))
    for t in (ta, None if tb is None else -matmul(tb, gain)):
        if t is not None:
            half = matmul(out, t)
            half = matmul(adjoint(closed), half) if discrete else half
            terms += [half, adjoint(half)]
    w = terms[0]
    for t in terms[1:]:
        w = w + t
    return stein(adjoint(closed), w) if discrete else sylvester(adjoint(closed), closed, -w)


def _riccati_batch(args: Any, batched: Any, size: int, discrete: bool) -> Any:
    return bind(riccati_p, stacked(args, batched, size, (2, 2, 2, 2)), {"discrete": discrete})


riccati_p: Primitive = Primitive(
    "riccati",
    _riccati,
    _riccati_shape,
    _riccati_batch,
    jvp=_riccati_jvp,
    show=lambda a, b, q, r, discrete: (
        f"scipy.linalg.solve_{'discrete' if discrete else 'continuous'}_are({a}, {b}, {q}, {r})"
    ),
)
