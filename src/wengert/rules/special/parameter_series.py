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
) -> Array:
    """The coefficient at ``orders`` of ``factor sum_k prod (upper)_k / (lower)_k x^k / k!``.

    NaN where the series has not converged.
    """
    term = {p: factor.get(p, np.zeros_like(x)) for p in itertools.product(*map(_up_to, orders))}
    total = term[orders].copy()
    settled = np.zeros(x.shape, int)
    for k in range(_MOST_TERMS):
        for value, changes in upper:
            term = _times(term, value + k, changes)
        term = _over(term, lower[0] + k, lower[1])
        scale = x / (k + 1)
        term = {p: c * scale for p, c in term.items()}
        total = total + term[orders]
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
            return total
    return np.where(settled > 1, total, np.nan)


def _hopeless(upper: Sequence[tuple[Array, tuple[int, ...]]], lower: Array, x: Array) -> Array:
    """Where terms still fall by less than a thousandth each when the last one is reached."""
    growth = np.abs(x)
    for value, _ in upper:
        growth = growth * np.abs(value + _MOST_TERMS)
    return ~(growth < 0.999 * np.abs(lower + _MOST_TERMS) * _MOST_TERMS)


def _up_to(order: int) -> range:
    return range(order + 1)


def _prepared(*args: Array) -> list[Array]:
    return [np.array(x) for x in np.broadcast_arrays(*[np.asarray(x, float) for x in args])]


def hyp1f1_derivative(a: Array, b: Array, x: Array, m: int, n: int) -> Array:
    """The derivative of ``1F1(a; b; x)``, m times in ``a`` and n times in ``b``, for real ``x``.

    For negative x by Kummer's transformation ``exp(x) 1F1(b - a; b; -x)``, DLMF 13.2.39, since
    the terms of the series itself alternate.
    """
    a, b, x = _prepared(a, b, x)
    with np.errstate(all="ignore"):
        one: Coefficients = {(0, 0): np.ones_like(x)}
        direct = _series([(a, (1, 0))], (b, 1), np.maximum(x, 0), (m, n), one)
        scale: Coefficients = {(0, 0): np.exp(np.minimum(x, 0))}
        turned = _series([(b - a, (-1, 1))], (b, 1), np.maximum(-x, 0), (m, n), scale)
        value = math.factorial(m) * math.factorial(n) * np.where(x < 0, turned, direct)
        return np.where(np.isnan(x), np.nan, value)


def hyp2f1_derivative(a: Array, b: Array, c: Array, x: Array, m: int, n: int, k: int) -> Array:
    """The derivative of ``2F1(a, b; c; x)``, m, n and k times in ``a``, ``b`` and ``c``, ``x < 1``.

    For negative x by Pfaff's transformation ``(1 - x)^-a 2F1(a, c - b; c; x / (x - 1))``, DLMF
    15.8.1. The series needs about ``40 / (1 - x)`` terms; NaN where it would need more than 20,000.
    """
    a, b, c, x = _prepared(a, b, c, x)
    with np.errstate(all="ignore"):
        inside = x < 1
        right = np.where(inside & (x > 0), x, 0.0)
        left = np.where(x < 0, x, 0.0)
        orders = (m, n, k)
        one: Coefficients = {(0, 0, 0): np.ones_like(x)}
        direct = _series([(a, (1, 0, 0)), (b, (0, 1, 0))], (c, 2), right, orders, one)
        log = -np.log1p(-left)
        scale: Coefficients = {
            (i, 0, 0): np.exp(a * log) * log**i / math.factorial(i) for i in range(m + 1)
        }
        upper = [(a, (1, 0, 0)), (c - b, (0, -1, 1))]
        turned = _series(upper, (c, 2), left / (left - 1), orders, scale)
        value = np.where(x < 0, turned, direct)
        value = math.factorial(m) * math.factorial(n) * math.factorial(k) * value
        return np.where(inside, value, np.nan)
