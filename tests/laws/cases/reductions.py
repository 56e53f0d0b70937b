"""Sums, products, extrema, means and variances; ``ufunc.reduce``; plain reductions."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..case import Case

Array = Any

MASK = np.array([[True, False, True, True], [False, True, True, False], [True] * 4])


def _zeros(*shape: int, at: int = 1) -> Any:
    """Normal numbers of which ``at`` in each row of the last axis are exactly zero."""

    def draw(rng: np.random.Generator) -> tuple[Array, ...]:
        x = rng.normal(size=shape)
        x[..., :at] = 0.0
        return (x,)

    return draw


def _with_nan(rng: np.random.Generator) -> tuple[Array, ...]:
    """Distinct numbers, one of each row to be taken for missing."""
    return (rng.permutation(12).reshape(3, 4) * 0.35 - 2.0 + rng.uniform(-0.05, 0.05, (3, 4)),)


def missing(x: Array) -> Array:
    """``x`` with NaN where the mask is false."""
    return np.where(MASK, x, np.nan)


def tied(x: Array) -> Array:
    """Repeats every element, so that extrema tie."""
    return np.concatenate([x, x * 1.0], axis=-1)


def initial_and_where(x: Array) -> Array:
    return np.sum(x, axis=1, where=MASK, initial=2.0, keepdims=True) * x


def weighted(x: Array, w: Array) -> Array:
    y, total = np.average(x, axis=1, weights=w, returned=True)
    return y * total


def out_argument(x: Array) -> Array:
    y = np.zeros_like(x[0])
    np.sum(x * x, axis=0, out=y)
    y[1] = y[0] * y[2]
    return y


def pick_largest(x: Array) -> Array:
    return x * np.argmax(x, axis=1, keepdims=True) + np.argmin(x, axis=0)


def count(x: Array) -> Array:
    big = x > 0.2
    return (
        x * np.count_nonzero(big, axis=0)
        + np.any(big, axis=1, keepdims=True) * x
        - np.all(big, axis=(0, 1)) * x
    )


SUMS = [
    Case("sum", np.sum, [(3, 4)], complex=True, primitives=("sum",)),
    Case("sum_axis", lambda x: np.sum(x * x, axis=0), [(3, 4)], complex=True),
    Case("sum_keepdims", lambda x: x * np.sum(x, axis=(0, -1), keepdims=True), [(2, 3, 2)]),
    Case("sum_of_nothing", lambda x: np.sum(x, axis=()) * x, [(2, 3)]),
    Case("sum_of_empty", lambda x: np.sum(x, axis=0) + 1.0, [(0, 2)], reason="no entry to vary"),
    Case("sum_0d", lambda x: np.sum(x * x), [()], complex=True),
    Case("sum_dtype", lambda x: np.sum(x * x, axis=1, dtype=np.complex128), [(2, 3)]),
    Case("sum_initial_where", initial_and_where, [(3, 4)]),
    Case("sum_method", lambda x: x.sum(-1) * x.mean(), [(2, 3)], complex=True),
    Case("sum_out", out_argument, [(2, 3)], complex=True),
    Case("add_reduce", lambda x: np.add.reduce(x * x), [(3, 2)], complex=True),
    Case("mean", lambda x: np.mean(x * x, axis=1), [(3, 4)], complex=True),
    Case("mean_all", lambda x: np.mean(x * x), [(3, 4)], complex=True),
    Case("mean_where", lambda x: np.mean(x * x, axis=1, where=MASK), [(3, 4)]),
    Case("average", weighted, [(3, 2), (2,)], domain="positive"),
    Case("average_of_all", lambda x, w: np.average(x, weights=w), [(2, 2), (2, 2)], "positive"),
    Case("nansum", lambda x: np.nansum(missing(x) ** 2, axis=1), [(3, 4)]),
    Case("nanmean", lambda x: np.nanmean(missing(x) ** 2, axis=0, keepdims=True), [(3, 4)]),
    Case(
        "logaddexp_reduce",
        lambda x: np.logaddexp.reduce(x, axis=1),
        [(2, 3)],
        primitives=("finite_max",),
    ),
    Case("logaddexp_reduce_where", lambda x: np.logaddexp.reduce(x, 1, where=MASK), [(3, 4)]),
]

PRODUCTS = [
    Case("prod", np.prod, [(2, 3)], complex=True, primitives=("prod",)),
    Case("prod_axis", lambda x: np.prod(x, axis=0), [(3, 2)], complex=True),
    Case("prod_axes", lambda x: np.prod(x, axis=(0, 2), keepdims=True) * x, [(2, 2, 2)]),
    Case("prod_of_one", lambda x: np.prod(x, axis=0) * x, [(1, 3)]),
    Case("prod_of_zero", lambda x: np.prod(x, axis=-1), domain=_zeros(2, 4)),
    Case("prod_of_two_zeros", lambda x: np.prod(x, axis=-1), domain=_zeros(2, 4, at=2)),
    Case("prod_of_three_zeros", lambda x: np.prod(x, axis=-1), domain=_zeros(2, 4, at=3)),
    Case("prod_initial_where", lambda x: np.prod(x, 1, where=MASK, initial=2.0), [(3, 4)]),
    Case("multiply_reduce", lambda x: np.multiply.reduce(x), [(3, 2)]),
    Case("nanprod", lambda x: np.nanprod(missing(x), axis=1), [(3, 4)]),
]

EXTREMA = [
    Case("max", np.max, [(3, 4)], domain="distinct", primitives=("max",)),
    Case("max_axis", lambda x: np.max(x * x, axis=1), [(3, 4)], domain="distinct"),
    Case(
        "max_keepdims", lambda x: x * np.max(x, axis=(0, 2), keepdims=True), [(2, 3, 2)], "distinct"
    ),
    Case("max_0d", lambda x: np.max(x) * x, [()]),
    Case("max_complex", lambda x: np.max(x * x, axis=0), [(3, 2)], domain="distinct", complex=True),
    Case(
        "min", lambda x: np.min(x, axis=-1) ** 2, [(3, 4)], domain="distinct", primitives=("min",)
    ),
    Case(
        "max_initial_where",
        lambda x: np.max(x, 1, initial=0.0, where=MASK) * x[:, 0],
        [(3, 4)],
        "distinct",
    ),
    Case("maximum_reduce", lambda x: np.maximum.reduce(x) ** 2, [(3, 2)], domain="distinct"),
    Case("minimum_reduce", lambda x: np.minimum.reduce(x) ** 2, [(3, 2)], domain="distinct"),
    Case(
        "fmax_reduce",
        lambda x: np.fmax.reduce(missing(x), 1) ** 2,
        domain=_with_nan,
        primitives=("nanmax",),
    ),
    Case(
        "fmin_reduce",
        lambda x: np.fmin.reduce(missing(x), 0) ** 2,
        domain=_with_nan,
        primitives=("nanmin",),
    ),
    Case("nanmax", lambda x: np.nanmax(missing(x), axis=1) ** 2, domain=_with_nan),
    Case("nanmin", lambda x: np.nanmin(missing(x), axis=0) ** 2, domain=_with_nan),
    Case("max_of_ties", lambda x: np.max(tied(x), axis=-1) ** 2, [(2, 3)], domain="distinct"),
    Case("min_of_ties", lambda x: np.min(tied(x)) ** 2, [(2, 3)], domain="distinct"),
    Case("ptp", lambda x: np.ptp(x, axis=1) ** 2, [(2, 3)], domain="distinct"),
]

VARIANCES = [
    Case("var", lambda x: np.var(x, axis=1), [(3, 4)], complex=True),
    Case("var_ddof", lambda x: np.var(x, axis=(0, 1), ddof=1, keepdims=True), [(3, 4)]),
    Case("var_where", lambda x: np.var(x, axis=1, where=MASK), [(3, 4)]),
    Case("var_about", lambda x, c: np.var(x, axis=1, mean=c), [(3, 4), (3, 1)]),
    Case("std", lambda x: np.std(x, axis=0), [(4, 3)], complex=True, primitives=("root",)),
    Case("std_ddof", lambda x: np.std(x, correction=1), [(2, 3)]),
    Case("nanvar", lambda x: np.nanvar(missing(x), axis=1), [(3, 4)]),
    Case("nanstd", lambda x: np.nanstd(missing(x), axis=1, ddof=1), [(3, 4)]),
]

PLAIN = [
    Case("argmax", pick_largest, [(3, 4)], domain="distinct", primitives=("argmax", "argmin")),
    Case("count", count, [(3, 4)], domain="distinct", primitives=("all", "any", "count_nonzero")),
    Case("argmax_of_all", lambda x: x * np.argmax(x) * np.argmin(x), [(2, 3)], domain="distinct"),
    Case("nanargmax", lambda x: x * np.nanargmax(missing(x), axis=0), domain=_with_nan),
]

CASES = [*SUMS, *PRODUCTS, *EXTREMA, *VARIANCES, *PLAIN]
