"""Determinants, to every order, and their derivatives at singular matrices.

``d det A = sum(cof A * dA)``, with the matrix of cofactors ``cof A = det A (A^-1)^T``. That formula
divides by zero where A is singular, but the cofactors are polynomials: they are computed from the
singular value decomposition there. With ``A = U S V^H`` and ``c = det U det V^H``,

    cof A = c conj(U) diag(p) conj(V^H),      p_i = product of s_k over k != i,

and the second derivative ``D cof[H]`` has in the same bases, with ``H' = U^H H V`` and ``P_ij`` the
product of s_k over k != i, j, the entries ``sum_j P_ij H'_jj`` (j != i) on the diagonal and
``-P_ij H'_ji`` off it. Third derivatives are those of the formula with the inverse, and exist where
that does.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import algebra
from ..core.bind import bind
from ..core.primitive import Primitive
from .batching import materialize
from .complex import imag_p, real_p
from .contractions import matmul, matrix_transpose
from .linalg import check_square, inverse, result_dtype, same_batch
from .reductions import sum_
from .shapes import reshape

__all__ = ["cofactor_p", "cofactor_tangent_p", "cofactors_where", "det_p"]
__all__ += ["nearly_singular", "slogdet_p"]


def _frobenius(x: Any, y: Any) -> Any:
    """``sum(x * y)`` over matrices: (..., n, n) to (...)."""
    z = x * y
    return sum_(z, (z.ndim - 2, z.ndim - 1))


def _as_matrices(x: Any) -> Any:
    """Numbers (...) as (..., 1, 1), to multiply matrices with."""
    return reshape(x, (*x.shape, 1, 1))


# ------------------------------------------------------------------ cofactors


def _regular(a: Any) -> tuple[Any, Any, Any]:
    """Determinants, inverses, and which matrices are so nearly singular that those are no use."""
    x = inverse(a, False)
    with np.errstate(all="ignore"):
        return np.linalg.det(a), x, nearly_singular(a, x)


def nearly_singular(a: Any, x: Any) -> Any:
    """Whether matrices are so badly conditioned that their inverses ``x`` are no use."""
    dtype = np.dtype(x.dtype)
    tolerance = float(np.finfo(dtype).eps) ** 0.25
    condition = np.abs(a).sum(-1).max(-1, initial=0) * np.abs(x).sum(-1).max(-1, initial=0)
    return ~(condition * tolerance < 1) & np.isfinite(a).all((-2, -1))


def _products_of_others(s: Any) -> Any:
    """For each entry along the last axis the product of the others, without division."""
    ones = np.ones((*s.shape[:-1], 1), s.dtype)
    before = np.concatenate([ones, s[..., :-1]], -1).cumprod(-1)
    after = np.concatenate([ones, s[..., :0:-1]], -1).cumprod(-1)[..., ::-1]
    return before * after


def _decompose(a: Any) -> tuple[Any, Any, Any, Any]:
    u, s, vh = np.linalg.svd(a)
    return np.linalg.det(u) * np.linalg.det(vh), u, s, vh


def _cofactor(a: Any) -> Any:
    d, x, poor = _regular(a)
    with np.errstate(all="ignore"):
        y = np.asarray(d[..., None, None] * x.swapaxes(-1, -2))
    return cofactors_where(a, y, poor)


def cofactors_where(a: Any, y: Any, poor: Any) -> Any:
    """Cofactors ``y``, made of determinants and inverses, but where these are ``poor``."""
    if not poor.any():
        return y
    c, u, s, vh = _decompose(a[poor])
    p = c[..., None] * _products_of_others(s)
    y = np.array(y)
    y[poor] = (u.conj() * p[..., None, :]) @ vh.conj()
    return y


def _cofactor_tangent(a: Any, h: Any) -> Any:
    a, h = np.broadcast_arrays(a, h)
    d, x, poor = _regular(a)
    with np.errstate(all="ignore"):
        trace = (x.swapaxes(-1, -2) * h).sum((-2, -1))[..., None, None]
        y = np.asarray(d[..., None, None] * (trace * x - x @ h @ x).swapaxes(-1, -2))
    if poor.any():
        c, u, s, vh = _decompose(a[poor])
        n = s.shape[-1]
        eye = np.eye(n, dtype=bool)
        pairs = _products_of_others(np.where(eye, 1, s[..., None, :])) * ~eye
        inner = u.conj().swapaxes(-1, -2) @ h[poor] @ vh.conj().swapaxes(-1, -2)
        diagonal = np.einsum("...ij,...jj->...i", pairs, inner)
        g = np.where(eye, diagonal[..., None], -pairs * inner.swapaxes(-1, -2))
        y[poor] = c[..., None, None] * (u.conj() @ g @ vh.conj())
    return y


def _square_shape(name: str) -> Any:
    def shape(a: Any, *h: Any) -> tuple[tuple[int, ...], Any]:
        check_square(name, a)
        return np.broadcast_shapes(a.shape, *[x.shape for x in h]), result_dtype(a, *h)

    return shape


cofactor_p: Primitive = same_batch(
    Primitive(
        "cofactor",
        _cofactor,
        _square_shape("cofactor"),
        None,
        jvp=lambda ts, ins, out: bind(cofactor_tangent_p, (ins[0], ts[0]), {}),
        needs_out=False,
        show="cofactor({0})",
        contiguous=lambda a: False,
    )
)


def _third_derivative(ts: Any, ins: Any, out: Any) -> Any:
    a, h = ins
    ta, th = ts
    total = None if th is None else bind(cofactor_tangent_p, (a, th), {})
    if ta is None:
        return total
    # The derivative of det(A) (tr(X H) X - X H X)^T along K.
    x = inverse(a)
    xh, xk = matmul(x, h), matmul(x, ta)
    xhx, xkx = matmul(xh, x), matmul(xk, x)
    trace_h, trace_k = (_as_matrices(_frobenius(matrix_transpose(x), t)) for t in (h, ta))
    both = _as_matrices(_frobenius(matrix_transpose(xk), xh))
    t = trace_k * (trace_h * x - xhx) - both * x - trace_h * xkx + matmul(xk, xhx) + matmul(xh, xkx)
    t = _as_matrices(bind(det_p, (a,), {})) * matrix_transpose(t)
    return t if total is None else total + t


def _tangent_batch(args: Any, batched: Any, size: int) -> Any:
    full = [materialize(x, b, size) for x, b in zip(args, batched, strict=True)]
    return bind(cofactor_tangent_p, tuple(full), {})


# Linear in h, and its own transpose there: sum(k * D cof[h]) is the second derivative of det, which
# is symmetric.
cofactor_tangent_p: Primitive = Primitive(
    "cofactor_tangent",
    _cofactor_tangent,
    _square_shape("cofactor_tangent"),
    _tangent_batch,
    jvp=_third_derivative,
    linear=(1,),
    transpose=(
        None,
        lambda ct, ins, out: algebra.unbroadcast(
            bind(cofactor_tangent_p, (ins[0], ct), {}), ins[1].shape
        ),
    ),
    needs_out=False,
    show="cofactor_tangent({0}, {1})",
    contiguous=lambda a, t: False,
)


# ------------------------------------------------------------------ det


def _det_shape(a: Any) -> tuple[tuple[int, ...], Any]:
    check_square("det", a)
    return a.shape[:-2], result_dtype(a)


det_p = same_batch(
    Primitive(
        "det",
        np.linalg.det,
        _det_shape,
        None,
        jvp=lambda ts, ins, out: _frobenius(bind(cofactor_p, ins, {}), ts[0]),
        needs_out=False,
        show="np.linalg.det({0})",
    )
)


# ------------------------------------------------------------------ slogdet


def _slogdet_shape(a: Any) -> Any:
    check_square("slogdet", a)
    dtype = result_dtype(a)
    return (a.shape[:-2], dtype), (a.shape[:-2], np.empty((), dtype).real.dtype)


def _slogdet_jvp(ts: Any, ins: Any, out: Any) -> Any:
    """``tr(A^-1 dA)``: its real part goes to the logarithm, the imaginary one turns the sign.

    The derivatives at an exactly singular matrix are NaN, but for a cotangent of zero.
    """
    a, t = ins[0], ts[0]
    z = algebra.strong_product(t, matrix_transpose(inverse(a, False)))
    z = sum_(z, (z.ndim - 2, z.ndim - 1))
    if z.dtype.kind != "c":
        return None, z
    turn = bind(imag_p, (z,), {}, False)
    return out[0] * turn * z.dtype.type(1j), bind(real_p, (z,), {}, False)


slogdet_p = same_batch(
    Primitive(
        "slogdet",
        lambda a: tuple(np.linalg.slogdet(a)),
        _slogdet_shape,
        None,
        jvp=_slogdet_jvp,
        outputs=2,
        show="np.linalg.slogdet({0})",
    )
)
