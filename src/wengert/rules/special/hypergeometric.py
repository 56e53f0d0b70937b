"""Hypergeometric functions. DLMF chapters 13, 15 and 16."""

from __future__ import annotations

from typing import Any

import scipy.special

from ...core.algebra import strong_product
from ...core.bind import bind
from .declare import float_dtype, numbered, real_only, refused, ufunc
from .parameter_series import hyp1f1_derivative, hyp2f1_derivative

__all__ = ["hyp1f1_derivative_p", "hyp2f1_derivative_p"]

special: Any = scipy.special


def _evaluate_1f1(a: Any, b: Any, x: Any, m: int, n: int) -> Any:
    return hyp1f1_derivative(a, b, x, m, n).astype(float_dtype(a, b, x))[()]


def _evaluate_2f1(a: Any, b: Any, c: Any, x: Any, m: int, n: int, k: int) -> Any:
    return hyp2f1_derivative(a, b, c, x, m, n, k).astype(float_dtype(a, b, c, x))[()]


def _total(terms: list[Any]) -> Any:
    return sum(terms[1:], terms[0])


def _confluent(a: Any, b: Any, x: Any, m: int, n: int) -> Any:
    """``d^m/da^m d^n/db^n 1F1(a; b; x)``."""
    if m == n == 0:
        return special.hyp1f1(a, b, x)
    return bind(hyp1f1_derivative_p, (a, b, x), {"m": m, "n": n})


def _jvp_1f1(ts: Any, ins: Any, out: Any, m: int, n: int) -> Any:
    a, b, x = ins
    terms = []
    if ts[0] is not None:
        terms.append(ts[0] * _confluent(a, b, x, m + 1, n))
    if ts[1] is not None:
        terms.append(ts[1] * _confluent(a, b, x, m, n + 1))
    if ts[2] is not None:
        terms.append(ts[2] * _confluent_in_x(a, b, x, m, n))
    return _total(terms)


def _confluent_in_x(a: Any, b: Any, x: Any, m: int, n: int) -> Any:
    """Derivatives in a and b of ``a/b 1F1(a + 1; b + 1; x)``, by Leibniz's rule."""
    slope: Any = 0.0
    fall = 1 / b
    for j in range(n, -1, -1):
        # (d/db)^(n-j) of 1/b, with the binomial coefficient, is n!/j! (-1)^(n-j) b^(j-n-1)
        inner = a * _confluent(a + 1, b + 1, x, m, j)
        if m:
            inner = inner + m * _confluent(a + 1, b + 1, x, m - 1, j)
        slope = slope + fall * inner
        fall = -fall * j / b
    return slope


hyp1f1_derivative_p = numbered("hyp1f1_derivative", _evaluate_1f1, _jvp_1f1)


def _gauss(a: Any, b: Any, c: Any, x: Any, m: int, n: int, k: int) -> Any:
    if m == n == k == 0:
        return special.hyp2f1(a, b, c, x)
    return bind(hyp2f1_derivative_p, (a, b, c, x), {"m": m, "n": n, "k": k})


def _jvp_2f1(ts: Any, ins: Any, out: Any, m: int, n: int, k: int) -> Any:
    a, b, c, x = ins
    terms = []
    for i, orders in enumerate(((m + 1, n, k), (m, n + 1, k), (m, n, k + 1))):
        if ts[i] is not None:
            terms.append(ts[i] * _gauss(a, b, c, x, *orders))
    if ts[3] is not None:
        terms.append(ts[3] * _gauss_in_x(a, b, c, x, m, n, k))
    return _total(terms)


def _gauss_in_x(a: Any, b: Any, c: Any, x: Any, m: int, n: int, k: int) -> Any:
    """Derivatives in a, b and c of ``ab/c 2F1(a + 1, b + 1; c + 1; x)``, by Leibniz's rule."""
    slope: Any = 0.0
    fall = 1 / c
    for j in range(k, -1, -1):
        for i, in_a in ((0, a), (1, m)):
            for s, in_b in ((0, b), (1, n)):
                if i <= m and s <= n:
                    inner = _gauss(a + 1, b + 1, c + 1, x, m - i, n - s, j)
                    slope = slope + fall * in_a * in_b * inner
        fall = -fall * j / c
    return slope


hyp2f1_derivative_p = numbered("hyp2f1_derivative", _evaluate_2f1, _jvp_2f1)

ufunc(
    "hyp1f1",
    real_only("hyp1f1", lambda y, a, b, x: _confluent(a, b, x, 1, 0)),
    real_only("hyp1f1", lambda y, a, b, x: _confluent(a, b, x, 0, 1)),
    lambda y, a, b, x: a / b * special.hyp1f1(a + 1, b + 1, x),
)
ufunc(
    "hyp2f1",
    real_only("hyp2f1", lambda y, a, b, c, x: _gauss(a, b, c, x, 1, 0, 0)),
    real_only("hyp2f1", lambda y, a, b, c, x: _gauss(a, b, c, x, 0, 1, 0)),
    real_only("hyp2f1", lambda y, a, b, c, x: _gauss(a, b, c, x, 0, 0, 1)),
    # where a or b is 0 the function is 1, also for x > 1, where the next one has poles
    lambda y, a, b, c, x: strong_product(a * b / c, special.hyp2f1(a + 1, b + 1, c + 1, x)),
)
ufunc(
    "hyp0f1",
    refused("hyp0f1", "v"),
    lambda y, v, z: special.hyp0f1(v + 1, z) / v,
)
ufunc(
    "hyperu",
    refused("hyperu", "a"),
    refused("hyperu", "b"),
    lambda y, a, b, x: -a * special.hyperu(a + 1, b + 1, x),
)
