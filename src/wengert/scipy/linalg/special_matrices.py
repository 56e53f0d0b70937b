"""Matrices made of the entries of vectors, and of other matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.errors import ShapeError, WengertValueError
from ...numpy.arguments import operand
from ...rules.structured import toeplitz_matrix
from .arguments import matrices, mirrors

__all__ = [
    "block_diag",
    "circulant",
    "companion",
    "convolution_matrix",
    "diagsvd",
    "fiedler",
    "hankel",
    "khatri_rao",
    "leslie",
    "toeplitz",
]


def _vector(name: str, x: Any) -> Any:
    """An argument as vectors (..., n)."""
    x = operand(x)
    return x.reshape(1) if x.ndim == 0 else x


@mirrors
def block_diag(*arrs: Any) -> Any:
    """`scipy.linalg.block_diag` of matrices; vectors count as rows."""
    blocks = [operand(a) for a in arrs]
    if any(a.ndim > 2 for a in blocks):
        raise ShapeError(
            f"block_diag: expected matrices, got shapes {[a.shape for a in blocks]}; use "
            "wengert.vmap for stacks of them"
        )
    blocks = [np.atleast_2d(a) for a in blocks]
    dtype = np.result_type(*[a.dtype for a in blocks])
    columns = sum(a.shape[1] for a in blocks)
    rows, left = [], 0
    for a in blocks:
        rows.append(np.pad(a.astype(dtype), ((0, 0), (left, columns - left - a.shape[1]))))
        left += a.shape[1]
    return np.concatenate(rows, axis=0)


@mirrors
def toeplitz(c: Any, r: Any = None) -> Any:
    """`scipy.linalg.toeplitz` of a first column (..., m) and a first row (..., n)."""
    c = _vector("toeplitz", c)
    r = np.conj(c) if r is None else _vector("toeplitz", r)
    return _stacked(toeplitz_matrix, c, r)


def _stacked(function: Any, c: Any, r: Any) -> Any:
    stack = np.broadcast_shapes(c.shape[:-1], r.shape[:-1])
    dtype = np.result_type(c.dtype, r.dtype)
    c, r = (np.broadcast_to(x, (*stack, x.shape[-1])).astype(dtype) for x in (c, r))
    return function(c, r)


@mirrors
def hankel(c: Any, r: Any = None) -> Any:
    """`scipy.linalg.hankel` of a first column (..., m) and a last row (..., n)."""
    c = _vector("hankel", c)
    r = np.zeros_like(c) if r is None else _vector("hankel", r)
    return _stacked(_hankel_matrix, c, r)


def _hankel_matrix(c: Any, r: Any) -> Any:
    values = np.concatenate([c, r[..., 1:]], axis=-1)
    return values[..., np.arange(c.shape[-1])[:, None] + np.arange(r.shape[-1])]


@mirrors
def circulant(c: Any) -> Any:
    """`scipy.linalg.circulant` of first columns (..., n)."""
    c = _vector("circulant", c)
    n = c.shape[-1]
    return c[..., (np.arange(n)[:, None] - np.arange(n)) % max(n, 1)]


@mirrors
def convolution_matrix(a: Any, n: int, mode: str = "full") -> Any:
    """`scipy.linalg.convolution_matrix`: ``convolution_matrix(a, n) @ v == convolve(a, v)``."""
    a = _vector("convolution_matrix", a)
    m = a.shape[-1]
    if n <= 0 or not m:
        raise WengertValueError("convolution_matrix: n must be positive and a not empty")
    shift = {"full": 0, "same": (min(m, n) - 1) // 2, "valid": min(m, n) - 1}
    rows = {"full": m + n - 1, "same": max(m, n), "valid": max(m, n) - min(m, n) + 1}
    if mode not in rows:
        raise WengertValueError(
            f"convolution_matrix: mode must be 'full', 'same' or 'valid', not {mode!r}"
        )
    place = np.arange(rows[mode])[:, None] + shift[mode] - np.arange(n)
    inside = (place >= 0) & (place < m)
    return a[..., np.clip(place, 0, m - 1)] * inside


@mirrors
def companion(a: Any) -> Any:
    """`scipy.linalg.companion` of the coefficients (..., n) of a polynomial."""
    a = _vector("companion", a)
    n = a.shape[-1] - 1
    if n < 1:
        raise WengertValueError(f"companion: expected at least two coefficients, got {a.shape}")
    first = (-a[..., 1:] / a[..., :1])[..., None, :]
    below = np.broadcast_to(np.eye(n - 1, n, dtype=first.dtype), (*a.shape[:-1], n - 1, n))
    return np.concatenate([first, below], axis=-2)


@mirrors
def leslie(f: Any, s: Any) -> Any:
    """`scipy.linalg.leslie` of fecundities (..., n) and survival rates (..., n - 1)."""
    f, s = _vector("leslie", f), _vector("leslie", s)
    n = f.shape[-1]
    if s.shape[-1] != n - 1:
        raise ShapeError(f"leslie: expected {n - 1} survival rates for {n} ages, got {s.shape}")
    below = s[..., :, None] * np.eye(n - 1, n)
    below = np.broadcast_to(below, (*f.shape[:-1], n - 1, n))
    return np.concatenate([f[..., None, :], below.astype(np.result_type(f, s))], axis=-2)


@mirrors
def fiedler(a: Any) -> Any:
    """`scipy.linalg.fiedler`: ``|a_i - a_j|``."""
    a = _vector("fiedler", a)
    return np.abs(a[..., :, None] - a[..., None, :])


@mirrors
def khatri_rao(a: Any, b: Any) -> Any:
    """`scipy.linalg.khatri_rao`: Kronecker products of the columns of (n, k) and (m, k)."""
    a, b = matrices("khatri_rao", a), matrices("khatri_rao", b)
    if a.shape[-1] != b.shape[-1]:
        raise ShapeError(
            f"khatri_rao: the number of columns must be equal, got shapes {a.shape} and {b.shape}"
        )
    c = a[..., :, None, :] * b[..., None, :, :]
    return c.reshape((*c.shape[:-3], c.shape[-3] * c.shape[-2], c.shape[-1]))


@mirrors
def diagsvd(s: Any, M: int, N: int) -> Any:
    """`scipy.linalg.diagsvd`: singular values on the diagonal of an (M, N) matrix."""
    s = operand(s)
    if s.shape[-1] not in (M, N):
        raise WengertValueError(f"diagsvd: the length of s, {s.shape[-1]}, must be M or N")
    square = np.diag(s)
    return np.pad(square, ((0, M - s.shape[-1]), (0, N - s.shape[-1])))
