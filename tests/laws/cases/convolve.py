"""Convolution and correlation, covariances."""

from __future__ import annotations

from typing import Any

import numpy as np

import wengert as wg

from ..case import Case

Array = Any

# NumPy clips correlations to [-1, 1]; the diagonal, where the derivative is zero, may be above.
FREQUENCIES = np.array([2, 1, 3, 1, 2])


def off_diagonal(c: Array) -> Array:
    return c[np.triu_indices(c.shape[0], 1)] ** 2


def weighted(x: Array, w: Array) -> Array:
    return np.cov(x, aweights=w) ** 2


def both_weights(x: Array, w: Array) -> Array:
    return np.cov(x, fweights=FREQUENCIES, aweights=w, ddof=1)


def rows_with_kernels(x: Array, k: Array) -> Array:
    """Stacks, by way of vmap: with one kernel for all, and with one for each."""
    one = np.stack([np.convolve(row, k[0], "same") for row in x])
    each = np.stack([np.convolve(row, kernel, "full")[: x.shape[1]] for row, kernel in zip(x, k)])
    return one * each


def mapped(x: Array, k: Array) -> Array:
    one = wg.vmap(lambda row: np.convolve(row, k[0], "same"))(x)
    each = wg.vmap(lambda row, kernel: np.convolve(row, kernel, "full"))(x, k)
    return one * each[:, : x.shape[1]]


CASES = [
    *(
        Case(f"{name}_{mode}_{n}_{k}", lambda a, v, f=f, mode=mode: f(a, v, mode) * 2.0,
             [(n,), (k,)], complex=True, primitives=("convolve",))
        for name, f in (("convolve", np.convolve), ("correlate", np.correlate))
        for mode in ("full", "same", "valid")
        for n, k in ((6, 4), (3, 4), (4, 1), (3, 3))
    ),
    Case("convolve_self", lambda x: np.convolve(x, x) * np.convolve(x, [1.0, -2.0], "full")[0],
         [(4,)], complex=True),
    Case("convolve_number", lambda a, v: np.convolve(a, v), [(3,), ()]),
    Case("convolve_real_by_complex", lambda x: np.convolve(x, np.array([1.0 + 2j, 0.5j])),
         [(3,)]),
    Case("convolve_stacks", mapped, [(2, 4), (2, 3)], plain=rows_with_kernels),
    Case("cov", lambda x: np.cov(x) ** 2, [(2, 5)], float32=False, complex=True,
         reason="NumPy's covariance is float64"),
    Case("cov_dtype", lambda x: np.cov(x, dtype=x.dtype) ** 2, [(3, 4)], complex=True),
    Case("cov_columns", lambda x, y: np.cov(x, y, rowvar=False, bias=True, dtype=x.dtype),
         [(4, 2), (4, 2)], complex=True),
    Case("cov_vector", lambda x: np.cov(x, dtype=x.dtype), [(4,)]),
    Case("cov_vectors", lambda x, y: np.cov(x, y, dtype=x.dtype) ** 2, [(4,), (4,)]),
    Case("cov_aweights", lambda x, w: weighted(x, np.abs(w) + 0.3), [(2, 5), (5,)],
         float32=False, reason="NumPy's weights are float64"),
    Case("cov_both_weights", lambda x, w: both_weights(x, np.abs(w) + 0.3), [(2, 5), (5,)],
         float32=False, reason="NumPy's weights are float64"),
    Case("cov_fweights", lambda x: np.cov(x, fweights=FREQUENCIES), [(2, 5)],
         float32=False, reason="NumPy's covariance is float64"),
    Case("corrcoef", lambda x: off_diagonal(np.corrcoef(x, dtype=x.dtype)), [(3, 5)],
         complex=True),
    Case("corrcoef_pair", lambda x, y: off_diagonal(np.corrcoef(x, y, dtype=x.dtype)),
         [(5,), (5,)]),
    Case("corrcoef_vector", lambda x: np.corrcoef(x, dtype=x.dtype) * x, [(5,)]),
]  # fmt: skip
