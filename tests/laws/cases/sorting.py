"""Sorting and what is built on it: partitions, medians, quantiles, unique; positions and counts."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..case import Case

Array = Any

MISSING = np.array([[False, True, False], [False, False, False]])


def tied(x: Array) -> Array:
    return np.concatenate([x, x * 1.0, x[..., :1] * 1.0], axis=-1)


def sort_in_place(x: Array) -> Array:
    y = x * x
    y[1:].sort()
    return y * x[0]


def by_rank(x: Array) -> Array:
    """Products with ranks: plain positions along both axes."""
    return (
        x * np.argsort(np.argsort(x, axis=1), axis=1)
        + x * np.lexsort((x, -x), axis=0)
        + x * (np.argpartition(x, 1, axis=0) >= 0)
        + x * np.searchsorted(np.array([-0.5, 0.1, 0.7]), x)
    )


def rank_among(x: Array, knots: Array) -> Array:
    return x * np.searchsorted(np.sort(knots), x, side="right")


def quantiles(x: Array, q: Array) -> Array:
    return np.quantile(x, q, axis=1) ** 2


def _quantiles(rng: np.random.Generator) -> tuple[Array, ...]:
    """Three elements and quantiles between them, well away from the kinks at 0, 1/2 and 1."""
    x = np.stack([rng.permutation(3), rng.permutation(3)]) * 1.1 - 0.9
    return x, np.array([0.25, 0.75]) + rng.uniform(-0.005, 0.005, 2)


NOT_ABSTRACT = "the number of distinct elements depends on data"

CASES = [
    Case(
        "sort",
        lambda x: np.sort(x * x, axis=1),
        [(3, 4)],
        domain="distinct",
        complex=True,
        primitives=("sort", "argsort", "permute_along", "unpermute_along", "tie_mean"),
    ),
    Case("sort_axis0", lambda x: np.sort(x, axis=0) * x, [(4, 2)], domain="distinct"),
    Case("sort_ravel", lambda x: np.sort(x, axis=None) ** 2, [(2, 3)], domain="distinct"),
    Case("sort_ties", lambda x: np.sort(tied(x)) ** 2, [(2, 3)], domain="distinct"),
    Case("sort_method", sort_in_place, [(5,)], domain="distinct"),
    Case(
        "partition",
        lambda x: np.partition(x, (1, -2), axis=0) ** 2,
        [(6, 2)],
        domain="distinct",
        primitives=("partition",),
    ),
    Case("partition_ties", lambda x: np.partition(tied(x), 3) ** 2, [(2, 3)], domain="distinct"),
    Case(
        "by_rank",
        by_rank,
        [(3, 4)],
        domain="distinct",
        primitives=("argsort", "lexsort", "argpartition", "searchsorted"),
    ),
    Case("rank_among", rank_among, [(3,), (4,)], domain="distinct"),
    Case("median", lambda x: np.median(x, axis=0) ** 2, [(3, 4)], domain="distinct"),
    Case("median_even", lambda x: np.median(x * x, axis=(0, 1)), [(3, 4)], domain="distinct"),
    Case("median_ties", lambda x: np.median(tied(x), axis=-1) ** 2, [(2, 3)], domain="distinct"),
    Case(
        "nanmedian",
        lambda x: np.nanmedian(np.where(MISSING, np.nan, x), axis=1) ** 2,
        [(2, 3)],
        domain="distinct",
    ),
    Case("quantile", quantiles, domain=_quantiles),
    Case("quantile_scalar", lambda x: np.quantile(x * x, 0.3), [(2, 4)], domain="distinct"),
    Case("percentile", lambda x: np.percentile(x, [10, 60], 1) ** 2, [(2, 4)], domain="distinct"),
    Case(
        "nanquantile",
        lambda x: np.nanquantile(np.where(MISSING, np.nan, x), [0.2, 0.7], axis=1) ** 2,
        [(2, 3)],
        domain="distinct",
    ),
    Case("nanpercentile", lambda x: np.nanpercentile(x, 30.0, 0) ** 2, [(4, 2)], domain="distinct"),
    Case(
        "unique",
        lambda x: np.unique(tied(x)) ** 2,
        [(3,)],
        domain="distinct",
        record=False,
        reason=NOT_ABSTRACT,
    ),
    Case("bincount", lambda w: np.bincount([0, 2, 2, 1], w, 5) ** 2, [(4,)]),
    Case("sort_complex", lambda x: np.sort_complex(x) ** 2, [(2, 3)], domain="distinct",
         complex=True, float32=False, reason="the result is complex128"),
    Case("intersect1d", lambda x, y: np.intersect1d(np.concatenate([x, y[:2]]), y) ** 2,
         [(3,), (4,)], domain="distinct", record=False, reason=NOT_ABSTRACT),
    Case("setdiff1d", lambda x, y: np.setdiff1d(x, np.concatenate([y, x[:1]])) ** 2,
         [(3,), (4,)], domain="distinct", record=False, reason=NOT_ABSTRACT),
    Case("setxor1d", lambda x, y: np.setxor1d(x, np.concatenate([y, x[:1] * 1.0])) ** 2,
         [(3,), (4,)], domain="distinct", record=False, reason=NOT_ABSTRACT),
]  # fmt: skip
