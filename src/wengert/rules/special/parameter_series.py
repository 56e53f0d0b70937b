"""Derivatives of hypergeometric functions in their parameters, of any order, by power series.

Each term of the series is the one before times a quotient of linear functions of the parameters;
with truncated Taylor series in the parameters in place of numbers, that gives all derivatives.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["hyp1f1_derivative", "hyp2f1_derivative"]

Array = Any
Coefficients = dict[tuple[int, ...], Array]
"""Taylor coefficients by the powers of small changes of the parameters."""

_MOST_TERMS = 20_000
_CHECKED = 8  # convergence is looked at after so many terms
_MOST_LOSS = 1e10  # by cancellation: five digits are left
_JUDGED = 1000  # after so many terms hopeless elements are given up


def _times(f: Coefficients, value: Array, changes: tuple[int, ...]) -> Coefficients:
    """``f (value + sum changes[i] e_i)``."""
    g = {}
    for powers, c in f.items():
        total = c * value
        for i, change in enumerate(changes):
            if change and powers[i]:
                total = total + change * f[_lower(powers, i)]
        g[powers] = total
    return g


def _over(f: Coefficients, value: Array, which: int) -> Coefficients:
    """``f / (value + e_which)``."""
    g: Coefficients = {}
    for powers, c in f.items():  # lower powers come first
        g[powers] = (c - g[_lower(powers, which)] if powers[which] else c) / value
    return g


def _lower(powers: tuple[int, ...], i: int) -> tuple[int, ...]:
    return (*powers[:i], powers[i] - 1, *powers[i + 1 :])


def _series(
    upper: Sequence[tuple[Array, tuple[int, ...]]],
    lower: tuple[Array, int],
    x: Array,
    orders: tuple[int, ...],
    factor: Coefficients,
) -> tuple[Array, Array]:
    """The coefficient at ``orders`` of ``factor sum_k prod (upper)_k / (lower)_k x^k / k!``.

    NaN where the series has not converged. And how many times larger than that the largest term
    was: what the sum has lost by cancellation.
    """
    term = {p: factor.get(p, np.zeros_like(x)) for p in itertools.product(*map(_up_to, orders))}
    total = term[orders].copy()
    largest = np.abs(total)
    settled = np.zeros(x.shape, int)
    for k in range(_MOST_TERMS):
        for value, changes in upper:
            term = _times(term, value + k, changes)
        term = _over(term, lower[0] + k, lower[1])
        scale = x / (k + 1)
        term = {p: c * scale for p, c in term.items()}
        total = total + term[orders]
        largest = np.fmax(largest, np.abs(term[orders]))
        if k % _CHECKED:
            continue
        size = sum(np.abs(c) for c in term.values())
        small = (size <= 1e-17 * np.abs(total)) | (size == 0) | ~np.isfinite(size)
        total = np.where(np.isinf(size) & np.isfinite(total), np.nan, total)
        if k == _JUDGED:
            hopeless = ~small & _hopeless(upper, lower[0], x)
            term = {p: np.where(hopeless, np.nan, c) for p, c in term.items()}
            total = np.where(hopeless, np.nan, total)
        settled = np.where(small, settled + 1, 0)
        if (settled > 1).all():
            break
    total = np.where(settled > 1, total, np.nan)
    return total, np.where(total == 0, 0.0, largest / np.abs(total))


def _hopeless(upper: Sequence[tuple[Array, tuple[int, ...]]], lower: Array, x: Array) -> Array:
    """Where terms still fall by less than a thousandth each when the last one is reached."""
    growth = np.abs(x)
    for value, _ in upper:
        growth = growth * np.abs(value + _MOST_TERMS)
    return ~(growth < 0.999 * np.abs(lower + _MOST_TERMS) * _MOST_TERMS)


def _up_to(order: int) -> range:
    return range(order + 1)


def _best(*sums: tuple[Array, Array]) -> Array:
    """Of the same number by several series, the one that has lost least; NaN if all lost much."""
    value, loss = np.full(np.shape(sums[0][0]), np.nan), np.full(np.shape(sums[0][0]), _MOST_LOSS)
    for total, lost in sums:
        better = lost < loss
        value, loss = np.where(better, total, value), np.where(better, lost, loss)
    return value


def _prepared(*args: Array) -> list[Array]:
    return [np.array(x) for x in np.broadcast_arrays(*[np.asarray(x, float) for x in args])]


def hyp1f1_derivative(a: Array, b: Array, x: Array, m: int, n: int) -> Array:
    """The derivative of ``1F1(a; b; x)``, m times in ``a`` and n times in ``b``, for real ``x``.

    For negative x its terms alternate, and those of Kummer's transformation ``exp(x) 1F1(b - a; b;
    -x)``, DLMF 13.2.39, do so where b - a is negative: what has cancelled less is taken, and NaN
    where both have lost more than ten digits.
    """
    a, b, x = _prepared(a, b, x)
    with np.errstate(all="ignore"):
        one: Coefficients = {(0, 0): np.ones_like(x)}
        scale: Coefficients = {(0, 0): np.exp(np.minimum(x, 0))}
        left = np.where((x < 0) & ~(b >= a), x, 0.0)  # elsewhere the transformed one is good
        direct = _series([(a, (1, 0))], (b, 1), np.where(x < 0, left, x), (m, n), one)
        turned = _series([(b - a, (-1, 1))], (b, 1), np.maximum(-x, 0), (m, n), scale)
        both = np.where(left < 0, _best(direct, turned), _best(turned))
        value = np.where(x < 0, both, _best(direct))
        return np.where(np.isnan(x), np.nan, math.factorial(m) * math.factorial(n) * value)


def hyp2f1_derivative(a: Array, b: Array, c: Array, x: Array, m: int, n: int, k: int) -> Array:
    """The derivative of ``2F1(a, b; c; x)``, m, n and k times in ``a``, ``b`` and ``c``, ``x < 1``.

    For negative x by Pfaff's transformation ``(1 - x)^-a 2F1(a, c - b; c; x / (x - 1))``, DLMF
    15.8.1, or that with a and b exchanged, or near 0 the series itself: by the one that has
    cancelled least. It needs about ``40 / (1 - x)`` terms; NaN where it would need more than 20,000
    or where ten digits are lost by cancellation.
    """
    a, b, c, x = _prepared(a, b, c, x)
    with np.errstate(all="ignore"):
        inside = x < 1
        near = np.where(inside & (x > -0.9), x, 0.0)
        direct = _series(
            [(a, (1, 0, 0)), (b, (0, 1, 0))], (c, 2), near, (m, n, k), {(0, 0, 0): np.ones_like(x)}
        )
        left = np.where(x < 0, x, 0.0)
        turned = [_pfaff(a, b, c, left, m, n, k, exchanged) for exchanged in (False, True)]
        far = np.where(x > -0.9, _best(direct, *turned), _best(*turned))
        value = np.where(x < 0, far, _best(direct))
        value = math.factorial(m) * math.factorial(n) * math.factorial(k) * value
        return np.where(inside, value, np.nan)


def _pfaff(
    a: Array, b: Array, c: Array, x: Array, m: int, n: int, k: int, exchanged: bool
) -> tuple[Array, Array]:
    """The series of Pfaff's transformation that keeps a, or b if ``exchanged``."""
    log, kept, count = -np.log1p(-x), b if exchanged else a, n if exchanged else m
    scale: Coefficients = {}
    for i in range(count + 1):
        powers = (0, i, 0) if exchanged else (i, 0, 0)
        scale[powers] = np.exp(kept * log) * log**i / math.factorial(i)
    if exchanged:
        upper = [(b, (0, 1, 0)), (c - a, (-1, 0, 1))]
    else:
        upper = [(a, (1, 0, 0)), (c - b, (0, -1, 1))]
    return _series(upper, (c, 2), x / (x - 1), (m, n, k), scale)
