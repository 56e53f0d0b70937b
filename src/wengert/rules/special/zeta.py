"""Riemann's and Hurwitz's zeta functions. DLMF chapter 25."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.special

from ...core.bind import bind
from ...core.errors import NoRuleError
from ..pointwise import pointwise
from .declare import behind, float_dtype, function, numbered, ufunc

__all__ = ["hurwitz", "riemann", "zeta_derivative", "zeta_derivative_p"]

_DIRECT = 20  # terms summed
_CORRECTIONS = 12  # Bernoulli numbers used
_FAR = 1e18  # from here on q^-s log(q) is nothing for all q >= 1


def zeta_derivative(s: Any, q: Any, order: int) -> Any:
    """The ``order``-th derivative of ``zeta(s, q)`` in ``s``, real ``s > -1``, ``q > 0``.

    The Euler-Maclaurin formula (DLMF 25.2.9, 25.11.28) with truncated Taylor series in ``s``.
    """
    s, q = np.broadcast_arrays(np.asarray(s, float), np.asarray(q, float))
    with np.errstate(all="ignore"):
        good = (s > -1) & (q > 0)
        x = np.where(q > 0, q, 1.0)
        total = np.zeros(s.shape)
        for k in range(_DIRECT):
            total = total + (-np.log(x + k)) ** order * (x + k) ** -s
        x = x + _DIRECT
        log = -np.log(x)
        # of x^-(s + e): its Taylor coefficients in e
        power = [x**-s * log**j / math.factorial(j) for j in range(order + 1)]
        whole = [x * (-1) ** j / (s - 1) ** (j + 1) for j in range(order + 1)]
        factor = [w + 0.5 * (j == 0) for j, w in enumerate(whole)]
        rising = [s, 1.0, *[0.0] * (order - 1)][: order + 1]
        bernoulli = scipy.special.bernoulli(2 * _CORRECTIONS)
        for k in range(1, _CORRECTIONS + 1):
            scale = bernoulli[2 * k] / math.factorial(2 * k) * x ** (1.0 - 2 * k)
            factor = [f + scale * r for f, r in zip(factor, rising, strict=True)]
            for shift in (2 * k - 1, 2 * k):  # times (s + e + shift)
                below = [0.0, *rising[:-1]]
                rising = [r * (s + shift) + b for r, b in zip(rising, below, strict=True)]
        tail: Any = sum(power[j] * factor[order - j] for j in range(order + 1))
        total = np.where((s > _FAR) & (q >= 1), 0.0, total + math.factorial(order) * tail)
        return np.where(good, total, np.nan)


def _evaluate(s: Any, q: Any, order: int) -> Any:
    return zeta_derivative(s, q, order).astype(float_dtype(s, q))[()]


def _jvp(ts: Any, ins: Any, out: Any, order: int) -> Any:
    s, q = ins
    total = None
    if ts[0] is not None:
        total = ts[0] * bind(zeta_derivative_p, ins, {"order": order + 1})
    if ts[1] is not None:
        # of d/dq zeta(s, q) = -s zeta(s + 1, q), differentiated in s
        inner = -s * bind(zeta_derivative_p, (s + 1, q), {"order": order})
        below = hurwitz(s + 1, q)
        if order > 1:
            below = bind(zeta_derivative_p, (s + 1, q), {"order": order - 1})
        t = ts[1] * (inner - order * below)
        total = t if total is None else total + t
    return total


zeta_derivative_p = numbered("zeta_derivative", _evaluate, _jvp)


def _hurwitz_in_s(y: Any, s: Any, q: Any) -> Any:
    _require_real("zeta", s)
    return bind(zeta_derivative_p, (s, q), {"order": 1})


def _require_real(name: str, s: Any) -> None:
    if s.dtype.kind == "c":
        raise NoRuleError(
            f"scipy.special.{name} has no derivative here at complex arguments; differentiate "
            "with respect to real ones"
        )


pointwise(
    "zeta",
    scipy.special.zeta,
    _hurwitz_in_s,
    lambda y, s, q: -s * hurwitz(s + 1, q),
    show="scipy.special.zeta({0}, {1})",
)
hurwitz: Any = function("zeta")
behind("_zeta", "zeta")


def _riemann_slope(y: Any, s: Any) -> Any:
    """For s < -1/2 by reflection, DLMF 25.4.1: ``zeta(s) = f(s) zeta(1 - s)``."""
    _require_real("zeta", s)
    direct = s > -0.5
    left = np.where(direct, -1.0, s)
    r = 1 - left
    scale = 2 * np.exp((left - 1) * math.log(2 * math.pi)) * scipy.special.gamma(r)
    angle = 0.5 * np.pi * left
    sine, cosine = np.sin(angle), np.cos(angle)
    inner = (math.log(2 * math.pi) - scipy.special.digamma(r)) * sine + 0.5 * np.pi * cosine
    mirrored = inner * riemann(r) - sine * bind(zeta_derivative_p, (r, 1.0), {"order": 1})
    right = np.where(direct, s, 2.0)
    return np.where(direct, bind(zeta_derivative_p, (right, 1.0), {"order": 1}), scale * mirrored)


pointwise("riemann_zeta", scipy.special.zeta, _riemann_slope, show="scipy.special.zeta({0})")
riemann: Any = function("riemann_zeta")
behind("_riemann_zeta", "riemann_zeta")
ufunc("zetac", _riemann_slope)
