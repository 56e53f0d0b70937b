"""Running sums, products, extrema; differences, integrals, interpolation; ufunc methods."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..case import Case

Array = Any


def _row_with_zeros(rng: np.random.Generator) -> tuple[Array, ...]:
    x = rng.normal(size=(2, 6))
    x[0, 2] = x[1, 1] = x[1, 4] = 0.0
    return (x,)


def _samples(rng: np.random.Generator) -> tuple[Array, ...]:
    """Points that lie further from the knots than numerical differentiation goes at first."""
    x = np.array([-4.4, -2.0, 0.1, 2.0, 4.3]) + rng.uniform(-0.05, 0.05, 5)
    return x, np.array([-3.0, -1.0, 1.0, 3.0]), rng.normal(size=4)


def _samples_within(rng: np.random.Generator) -> tuple[Array, ...]:
    x, xp, fp = _samples(rng)
    return x[1:4], xp, fp


def add_at(x: Array, v: Array) -> Array:
    y = x + v[:1]  # of both, so that it is a Tensor whichever is differentiated
    np.add.at(y, [0, 2, 2, 0], v)
    np.subtract.at(y, (slice(None), 1), v[0, 0])
    return y * y


def add_at_batched(x: Array, v: Array, i: Array) -> Array:
    y = x + v[:1]
    np.add.at(y, i, v)
    return y * y


def multiply_at(x: Array, v: Array) -> Array:
    y = x * v[0]
    np.multiply.at(y, [0, 1, 1, 1], v)
    return y


def interp_outside(x: Array, left: Array) -> Array:
    # np.interp does not dispatch on `left` alone.
    return np.interp(x + 0.0 * left, [-3.0, -1.0, 1.0, 3.0], [1.0, -1.0, 0.5, 2.0], left, 3.0)


RUNNING = [
    Case("cumsum", lambda x: np.cumsum(x * x), [(2, 3)], complex=True, primitives=("cumsum",)),
    Case("cumsum_axis", lambda x: np.cumsum(x * x, axis=0), [(3, 2)], complex=True),
    Case(
        "cumprod", lambda x: np.cumprod(x, axis=1), [(2, 5)], complex=True, primitives=("cumprod",)
    ),
    Case("cumprod_ravel", lambda x: np.cumprod(x), [(2, 2)]),
    Case("cumprod_of_zeros", lambda x: np.cumprod(x, axis=1), domain=_row_with_zeros),
    Case(
        "nancumsum",
        lambda x: np.nancumsum(np.where([True, False, True], x, np.nan), 1) * x,
        [(2, 3)],
    ),
    Case(
        "nancumprod", lambda x: np.nancumprod(np.where([True, False, True], x, np.nan), 1), [(2, 3)]
    ),
    Case(
        "cumulative_sum", lambda x: np.cumulative_sum(x * x, axis=1, include_initial=True), [(2, 3)]
    ),
    Case("cumulative_prod", lambda x: np.cumulative_prod(x), [(4,)]),
    Case("add_accumulate", lambda x: np.add.accumulate(x * x), [(3, 2)]),
    Case("multiply_accumulate", lambda x: np.multiply.accumulate(x, axis=1), [(2, 3)]),
    Case(
        "maximum_accumulate",
        lambda x: np.maximum.accumulate(x, axis=1) * x,
        [(2, 6)],
        domain="distinct",
        primitives=("cummax",),
    ),
    Case(
        "minimum_accumulate",
        lambda x: np.minimum.accumulate(x) * x,
        [(6, 2)],
        domain="distinct",
        primitives=("cummin",),
    ),
    Case(
        "maximum_accumulate_of_ties",
        lambda x: np.maximum.accumulate(np.concatenate([x, x * 1.0])) ** 2,
        [(4,)],
        domain="distinct",
    ),
]

DIFFERENCES = [
    Case("diff", lambda x: np.diff(x * x, axis=0), [(4, 2)], complex=True),
    Case("diff_twice", lambda x: np.diff(x * x, 2), [(2, 4)]),
    Case("diff_edges", lambda x, e: np.diff(x * x, prepend=0.0, append=e), [(2, 3), (2, 1)]),
    Case("ediff1d", lambda x, e: np.ediff1d(x * x, to_begin=e, to_end=1.0), [(2, 3), (2,)]),
    Case("gradient", lambda x: np.gradient(x * x), [(3, 4)], complex=True),
    Case(
        "gradient_spacing",
        lambda x, h: np.gradient(x, h, axis=0),
        [(4, 2), (4,)],
        domain="distinct",
    ),
    Case("gradient_step", lambda x, h: np.gradient(x, h), [(4,), ()], domain="positive"),
    Case(
        "gradient_second_order",
        lambda x, h: np.gradient(x, h, edge_order=2),
        [(5,), (5,)],
        domain=lambda rng: (rng.normal(size=5), np.cumsum(rng.uniform(1.0, 1.3, 5))),
    ),
    Case("trapezoid", lambda y, x: np.trapezoid(y, x), [(2, 4), (4,)], complex=True),
    Case("trapezoid_step", lambda y, dx: np.trapezoid(y, dx=dx, axis=0), [(4, 2), ()]),
    Case("trapezoid_of_both", lambda y, x: np.trapezoid(y, x, axis=1), [(2, 4), (2, 4)]),
    Case("interp", np.interp, domain=_samples, primitives=("searchsorted",)),
    Case("interp_0d", lambda x, xp, fp: np.interp(x[2], xp, fp), domain=_samples),
    Case("interp_period", lambda *a: np.interp(*a, period=9.0), domain=_samples_within),
    Case(
        "interp_outside",
        interp_outside,
        domain=lambda rng: (_samples(rng)[0], np.asarray(rng.normal())),
    ),
]

UFUNC_METHODS = [
    Case("add_reduceat", lambda x: np.add.reduceat(x * x, [0, 3, 1, 1], axis=1), [(2, 5)]),
    Case("multiply_outer", np.multiply.outer, [(2, 2), (3,)], complex=True),
    Case("hypot_outer", np.hypot.outer, [(2,), (3,)], domain="positive"),
    Case("add_at", add_at, [(3, 2), (4, 2)], complex=True),
    Case("multiply_at", multiply_at, [(3,), (4,)]),
    Case(
        "add_at_batched",
        add_at_batched,
        [(3, 2), (4, 2), np.array([0, 2, 2, -1])],
        batch_integers=True,
    ),
]

CASES = [*RUNNING, *DIFFERENCES, *UFUNC_METHODS]
if not hasattr(np, "cumulative_sum"):  # NumPy 2.0
    CASES = [case for case in CASES if not case.name.startswith("cumulative_")]
