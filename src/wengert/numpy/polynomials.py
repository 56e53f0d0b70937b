"""NumPy's polynomials as arrays of coefficients, the highest power first."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ..core.bind import bind
from ..core.errors import ShapeError, WengertTypeError, WengertValueError
from ..core.tensor import Tensor
from ..rules.convolve import convolve
from ..rules.cumulative import section
from ..rules.indexing import scatter_add_p
from ..rules.roots import root_of_p
from ..rules.shapes import reshape
from .arguments import cast, concrete, floating, is_known, operand
from .dispatch import implements
from .ranges import vander

__all__ = [
    "poly", "polyadd", "polyder", "polydiv", "polyfit", "polyint", "polymul", "polysub",
    "polyval", "roots",
]  # fmt: skip


def _coefficients(name: str, p: Any, numbers: bool = True) -> Any:
    """One-dimensional coefficients of a polynomial, from a `numpy.poly1d` too.

    ``numbers`` tells whether a 0-d array is a polynomial of degree 0.
    """
    p = operand(p.coeffs if isinstance(p, np.poly1d) else p)
    p = reshape(p, (1,)) if not p.ndim and numbers else p
    if p.ndim != 1:
        raise ShapeError(f"np.{name}: coefficients of shape {p.shape}; expected one dimension")
    return p


# ------------------------------------------------------------------ values


@implements(np.polyval)
def polyval(p: Any, x: Any) -> Any:
    """`numpy.polyval`: Horner's scheme; differentiable in the coefficients and in ``x``."""
    p = operand(p.coeffs if isinstance(p, np.poly1d) else p)
    if isinstance(x, np.poly1d):
        raise WengertTypeError(
            "np.polyval: x is a poly1d, and the coefficients are a Tensor; compose polynomials "
            "with np.polymul and np.polyadd"
        )
    x = operand(x)
    if not len(p):
        return np.zeros_like(x)
    # NumPy begins with 0 * x + p[0], which is NaN where x is infinite.
    value: Any = x.detach() if isinstance(x, Tensor) else x
    y = value * 0 + p[0]
    for i in range(1, len(p)):
        y = y * x + p[i]
    return y


# ------------------------------------------------------------------ arithmetic


def _lengthened(p: Any, n: int) -> Any:
    """The same polynomial with ``n`` coefficients: zeros in front."""
    missing = n - p.shape[0]
    if not missing:
        return p
    return bind(scatter_add_p, (p,), {"template": ((missing, n, None),), "shape": (n,)})


def _sum(name: str, a1: Any, a2: Any, combine: Any) -> Any:
    a1, a2 = _coefficients(name, a1), _coefficients(name, a2)
    n = max(a1.shape[0], a2.shape[0])
    return combine(_lengthened(a1, n), _lengthened(a2, n))


@implements(np.polyadd)
def polyadd(a1: Any, a2: Any) -> Any:
    """`numpy.polyadd`."""
    return _sum("polyadd", a1, a2, lambda p, q: p + q)


@implements(np.polysub)
def polysub(a1: Any, a2: Any) -> Any:
    """`numpy.polysub`."""
    return _sum("polysub", a1, a2, lambda p, q: p - q)


@implements(np.polymul)
def polymul(a1: Any, a2: Any) -> Any:
    """`numpy.polymul`: the convolution of the coefficients.

    NumPy cuts off leading zeros of the operands. They are kept here: they have derivatives.
    """
    p, q = (_coefficients("polymul", a) for a in (a1, a2))
    p, q = (x if x.shape[0] else np.zeros(1, x.dtype) for x in (p, q))
    return convolve(p, q, "full")


@implements(np.polydiv)
def polydiv(u: Any, v: Any) -> tuple[Any, Any]:
    """`numpy.polydiv`: quotient and remainder.

    The remainder has as many coefficients as its degree can have, one less than ``v``. NumPy
    cuts off more where they are zero up to rounding; they are kept here: they have derivatives.
    """
    u, v = _coefficients("polydiv", u) + 0.0, _coefficients("polydiv", v) + 0.0
    m, n = u.shape[0] - 1, v.shape[0] - 1
    dtype = np.result_type(u.dtype, v.dtype)
    remainder, scale = cast(u, dtype), 1.0 / v[0]
    quotient = []
    for k in range(m - n + 1):
        d = scale * remainder[k]
        quotient.append(reshape(d, (1,)))
        taken = {"template": ((k, k + n + 1, None),), "shape": (m + 1,)}
        remainder = remainder - bind(scatter_add_p, (d * v,), taken)
    q = np.concatenate(quotient) if quotient else np.zeros(1, dtype)
    return q, section(remainder, 0, min(len(quotient), m), None)


# ------------------------------------------------------------------ calculus


@implements(np.polyder)
def polyder(p: Any, m: int = 1) -> Any:
    """`numpy.polyder`: the coefficients of a derivative."""
    m = int(m)
    if m < 0:
        raise WengertValueError("Order of derivative must be positive (see polyint)")
    p = _coefficients("polyder", p, False)
    for _ in range(m):
        n = max(p.shape[0] - 1, 0)
        p = section(p, 0, None, -1) * np.arange(n, 0, -1)
    return p


@implements(np.polyint)
def polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    """`numpy.polyint`: the coefficients of an antiderivative; ``k`` may be traced, too."""
    m = int(m)
    if m < 0:
        raise WengertValueError("Order of integral must be positive (see polyder)")
    p = _coefficients("polyint", p, False)
    k = np.zeros(m) if k is None else _coefficients("polyint", k)
    if k.shape[0] == 1 and m > 1:
        k = k[0] * np.ones(m)
    if k.shape[0] < m:
        raise WengertValueError("k must be a scalar or a rank-1 array of length 1 or >m.")
    for i in range(m):
        p = np.concatenate((p / np.arange(p.shape[0], 0, -1), reshape(k[i], (1,))))
    return p


# ------------------------------------------------------------------ roots


@implements(np.roots)
def roots(p: Any) -> Any:
    """`numpy.roots`; the derivative is ``-q(r) / p'(r)`` for a change ``q`` of the coefficients.

    It is infinite or NaN at a root that is not simple. How many roots there are and whether they
    are real depends on values.
    """
    p = _coefficients("roots", p)
    values = np.asarray(concrete(p, "np.roots"))
    found = np.roots(values)
    if not found.size:
        return found
    # All coefficients, also zeros at either end: they may change.
    return bind(root_of_p, (floating(p), found), {})


@implements(np.poly)
def poly(seq_of_zeros: Any) -> Any:
    """`numpy.poly`: the coefficients from the roots, or of a characteristic polynomial."""
    z = operand(seq_of_zeros)
    z = reshape(z, (1,)) if not z.ndim else z
    if z.ndim == 2 and z.shape[0] == z.shape[1] and z.shape[0]:
        z = np.linalg.eigvals(z)
    elif z.ndim == 1:
        z = cast(z, np.dtype(np.mintypecode(z.dtype.char)))
    else:
        raise WengertValueError("input must be 1d or non-empty square 2d array.")
    if not z.shape[0]:
        return 1.0
    p: Any = np.ones(1, z.dtype)
    for i in range(z.shape[0]):
        # p times (x - z)
        p = _lengthened_behind(p) - _lengthened(p, i + 2) * z[i]
    if z.dtype.kind == "c":
        values = np.asarray(
            concrete(z, "np.poly of complex roots (whether they are conjugate pairs)")
        )
        if np.all(np.sort(values) == np.sort(values.conjugate())):
            return np.copy(np.real(p))
    return p


def _lengthened_behind(p: Any) -> Any:
    n = p.shape[0]
    return bind(scatter_add_p, (p,), {"template": ((0, n, None),), "shape": (n + 1,)})


# ------------------------------------------------------------------ fits


@implements(np.polyfit)
def polyfit(
    x: Any, y: Any, deg: int, rcond: Any = None, full: bool = False, w: Any = None, cov: Any = False
) -> Any:
    """`numpy.polyfit`: least squares by the pseudo-inverse of the scaled Vandermonde matrix.

    Differentiable in ``x``, ``y`` and ``w``, also of the residuals and the covariance.
    """
    x, y = operand(x) + 0.0, operand(y) + 0.0
    w = None if w is None else operand(w) + 0.0
    _check_fit(x, y, deg, w)
    order = int(deg) + 1
    rcond = x.shape[0] * np.finfo(x.dtype).eps if rcond is None else rcond
    lhs, rhs = vander(x, order), y
    if w is not None:
        lhs = lhs * reshape(w, (-1, 1))
        rhs = rhs * (reshape(w, (-1, 1)) if y.ndim == 2 else w)
    scale = np.sqrt(np.sum(lhs * lhs, 0))
    lhs = lhs / scale
    scaled = np.linalg.pinv(lhs, rcond=rcond) @ rhs
    c = scaled / (reshape(scale, (-1, 1)) if y.ndim == 2 else scale)
    # The rank is a matter of values; only with full=True the singular values are a result.
    plain = not full and isinstance(lhs, Tensor)
    singular = np.linalg.svd(lhs.detach() if plain else lhs, compute_uv=False)
    rank = np.sum(singular > rcond * singular[0]) if is_known(singular) else order
    if rank != order and not full:
        warnings.warn("Polyfit may be poorly conditioned", np.exceptions.RankWarning, stacklevel=3)
    if not full and not cov:
        return c
    residuals = _residuals(lhs, rhs, scaled, rank == order)
    if full:
        return c, residuals, cast(operand(rank), np.int32), singular, rcond
    return c, _fit_covariance(lhs, scale, residuals, x.shape[0], y.ndim, cov)


def _check_fit(x: Any, y: Any, deg: Any, w: Any) -> None:
    """NumPy's checks, with its messages."""
    if deg < 0:
        raise WengertValueError("expected deg >= 0")
    if x.ndim != 1:
        raise WengertTypeError("expected 1D vector for x")
    if not x.size:
        raise WengertTypeError("expected non-empty vector for x")
    if not 1 <= y.ndim <= 2:
        raise WengertTypeError("expected 1D or 2D array for y")
    if x.shape[0] != y.shape[0]:
        raise WengertTypeError("expected x and y to have same length")
    if w is not None and w.ndim != 1:
        raise WengertTypeError("expected a 1-d array for weights")
    if w is not None and w.shape[0] != y.shape[0]:
        raise WengertTypeError("expected w and y to have the same length")


def _residuals(lhs: Any, rhs: Any, solution: Any, determined: Any) -> Any:
    """The sums of squares that `numpy.linalg.lstsq` returns: none without full rank."""
    if not determined or lhs.shape[0] <= lhs.shape[1]:
        return np.zeros(0, np.result_type(lhs.dtype, rhs.dtype))
    d = lhs @ solution - rhs
    squares = np.sum(np.real(d * np.conj(d)), 0)
    return reshape(squares, (1,)) if not squares.ndim else squares


def _fit_covariance(lhs: Any, scale: Any, residuals: Any, points: int, ndim: int, cov: Any) -> Any:
    base = np.linalg.inv(np.transpose(lhs) @ lhs) / np.outer(scale, scale)
    if cov == "unscaled":
        factor: Any = 1
    else:
        if points <= lhs.shape[1]:
            raise WengertValueError(
                "the number of data points must exceed order to scale the covariance matrix"
            )
        factor = residuals / (points - lhs.shape[1])
    return base * factor if ndim == 1 else reshape(base, (*base.shape, 1)) * factor
