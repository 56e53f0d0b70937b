"""Eigenvalues and eigenvectors of matrices in general.

The results are complex whatever the values are, so that dtypes do not depend on values. NumPy's
eigenvectors have norm 1, and their largest component is real (LAPACK's ``geev``): this fixes them,
and the derivative is that of exactly these vectors.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.bind import bind
from ..core.primitive import Primitive
from .complex import conjugate
from .contractions import matmul
from .linalg import check_square, result_dtype, same_batch, solve_matrices
from .reductions import sum_
from .spectra import as_rows, coupling, separated_pairs

__all__ = ["complex_dtype", "eig_p", "eigvals_p", "largest_component"]


def complex_dtype(dtype: Any) -> Any:
    """The complex dtype of the same precision."""
    return np.result_type(dtype, np.complex64)


def _eig(a: Any) -> Any:
    w, v = np.linalg.eig(a)
    dtype = complex_dtype(result_dtype(a))
    return separated_pairs(w.astype(dtype, copy=False)), v.astype(dtype, copy=False)


def _eig_shape(a: Any) -> Any:
    check_square("eig", a)
    dtype = complex_dtype(result_dtype(a))
    return (a.shape[:-1], dtype), (a.shape, dtype)


def largest_component(v: Any) -> Any:
    """A mask of each column's largest component among those that are real, as LAPACK made it."""
    size = np.abs(v) * (v.imag == 0)
    place = np.argmax(size, axis=size.ndim - 2)
    return place[..., None, :] == np.arange(v.shape[-1])[:, None]


def _eig_jvp(ts: Any, ins: Any, out: Any) -> Any:
    """``dw = diag M`` and ``dV = V (F * M)`` with ``M = V^-1 dA V``, ``F_ij = 1 / (w_j - w_i)``.

    From ``A V = V diag(w)`` (Boeddeker et al. 2017, section 4.1). To each column a multiple of
    itself is added, which keeps its norm and the imaginary part of its largest component.
    """
    w, v = out
    n = w.shape[-1]
    inner = solve_matrices(v, matmul(ts[0], v))
    dw = sum_(inner * np.eye(n, dtype=w.real.dtype), (inner.ndim - 1,))
    dv = matmul(v, coupling(inner, w))
    if not n:
        return dw, dv
    pivot = largest_component(v)
    column = v.ndim - 2
    longer = sum_(conjugate(v) * dv, (column,)).real
    turned = sum_(dv * pivot, (column,)).imag / sum_(v * pivot, (column,)).real
    return dw, dv - v * as_rows(longer + turned * w.dtype.type(1j))


eig_p = same_batch(
    Primitive(
        "eig",
        _eig,
        _eig_shape,
        None,
        jvp=_eig_jvp,
        outputs=2,
        show="np.linalg.eig({0})",
    )
)


def _eigvals(a: Any) -> Any:
    w = np.linalg.eigvals(a).astype(complex_dtype(result_dtype(a)), copy=False)
    return separated_pairs(w)


def _eigvals_jvp(ts: Any, ins: Any, out: Any) -> Any:
    """``diag(V^-1 dA V)``; the eigenvectors are found again, in the order of the eigenvalues."""
    _, v = bind(eig_p, ins, {})
    inner = matmul(solve_matrices(v, ts[0]), v)
    return sum_(inner * np.eye(v.shape[-1], dtype=v.real.dtype), (inner.ndim - 1,))


eigvals_p = same_batch(
    Primitive(
        "eigvals",
        _eigvals,
        lambda a: _eig_shape(a)[0],
        None,
        jvp=_eigvals_jvp,
        show="np.linalg.eigvals({0})",
    )
)
