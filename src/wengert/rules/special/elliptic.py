"""Elliptic integrals and functions. DLMF chapters 19 and 22.

Derivatives in the parameter m are written with Carlson's symmetric integrals, which do not cancel
where m or the amplitude is small. Carlson's are the integrals ``int_0^inf prod (t + x_i)^(-n_i/2)
dt`` with odd n_i; so are all their derivatives.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special

from ...core.algebra import strong_product
from ...core.bind import bind
from .declare import float_dtype, numbered, real_only, several, ufunc

__all__ = ["symmetric_integral", "symmetric_integral_p"]

special: Any = scipy.special

# ------------------------------------------------------------------ Carlson's integrals

_NODES = 400
_BLOCK = 1 << 21  # elements of an intermediate array: 16 MiB


def symmetric_integral(x: Any, y: Any, z: Any, p: Any, powers: tuple[int, ...]) -> Any:
    """``int_0^inf (t + x)^(-i/2) (t + y)^(-j/2) (t + z)^(-k/2) (t + p)^(-l/2) dt``.

    With ``t = exp(s)`` the integrand is analytic for ``abs(Im s) < pi``, so that the trapezoidal
    rule with a step of 0.4 has an error of ``exp(-2 pi^2 / 0.4)``. Infinite where an argument is
    zero with a power of 2 or more, NaN where one is negative.
    """
    args = [np.array(v, float) for v in np.broadcast_arrays(x, y, z, p)]
    shape = args[0].shape
    args = [v.ravel() for v in args]
    with np.errstate(all="ignore"):
        used = [v for v, n in zip(args, powers, strict=True) if n]
        positive = [np.where(v > 0, v, np.nan) for v in used]
        low = np.log(np.fmin.reduce(positive)) - 80
        high = np.log(np.fmax.reduce(positive)) + 40
        step = (high - low) / (_NODES - 1)
        total = np.zeros(args[0].shape)
        block = max(_BLOCK // max(total.size, 1), 1)
        for start in range(0, _NODES, block):
            s = low + step * np.arange(start, min(start + block, _NODES))[:, None]
            t = np.exp(s)
            for v, n in zip(args, powers, strict=True):
                s = s - (0.5 * n * np.log(t + v) if n else 0)
            total = total + np.exp(s).sum(axis=0)
        total = total * step
        for v, n in zip(args, powers, strict=True):
            if n:
                total = np.where((v == 0) & (n > 1), np.inf, np.where(v < 0, np.nan, total))
    return total.reshape(shape)


def _evaluate(x: Any, y: Any, z: Any, p: Any, i: int, j: int, k: int, l: int) -> Any:  # noqa: E741
    return symmetric_integral(x, y, z, p, (i, j, k, l)).astype(float_dtype(x, y, z, p))[()]


def _jvp(ts: Any, ins: Any, out: Any, **powers: int) -> Any:
    total = None
    for t, (name, n) in zip(ts, powers.items(), strict=True):
        if t is not None and n:
            u = t * (-0.5 * n * bind(symmetric_integral_p, ins, {**powers, name: n + 2}))
            total = u if total is None else total + u
    return total


symmetric_integral_p = numbered("symmetric_integral", _evaluate, _jvp)


def _integral(factor: float, x: Any, y: Any, z: Any, p: Any, *powers: int) -> Any:
    return factor * bind(symmetric_integral_p, (x, y, z, p), dict(zip("ijkl", powers, strict=True)))


ufunc(
    "elliprf",
    lambda w, x, y, z: special.elliprd(y, z, x) / -6,
    lambda w, x, y, z: special.elliprd(x, z, y) / -6,
    lambda w, x, y, z: special.elliprd(x, y, z) / -6,
)
ufunc(
    "elliprc",
    lambda w, x, y: special.elliprd(y, y, x) / -6,
    lambda w, x, y: special.elliprd(x, y, y) / -3,
)
ufunc(
    "elliprg",
    lambda w, x, y, z: special.elliprf(x, y, z) / 4 - x * special.elliprd(y, z, x) / 12,
    lambda w, x, y, z: special.elliprf(x, y, z) / 4 - y * special.elliprd(x, z, y) / 12,
    lambda w, x, y, z: special.elliprf(x, y, z) / 4 - z * special.elliprd(x, y, z) / 12,
)
ufunc(
    "elliprd",
    real_only("elliprd", lambda w, x, y, z: _integral(-0.75, x, y, z, 1.0, 3, 1, 3, 0)),
    real_only("elliprd", lambda w, x, y, z: _integral(-0.75, x, y, z, 1.0, 1, 3, 3, 0)),
    real_only("elliprd", lambda w, x, y, z: _integral(-2.25, x, y, z, 1.0, 1, 1, 5, 0)),
)
ufunc(
    "elliprj",
    real_only("elliprj", lambda w, x, y, z, p: _integral(-0.75, x, y, z, p, 3, 1, 1, 2)),
    real_only("elliprj", lambda w, x, y, z, p: _integral(-0.75, x, y, z, p, 1, 3, 1, 2)),
    real_only("elliprj", lambda w, x, y, z, p: _integral(-0.75, x, y, z, p, 1, 1, 3, 2)),
    real_only("elliprj", lambda w, x, y, z, p: _integral(-1.5, x, y, z, p, 1, 1, 1, 4)),
)

# ------------------------------------------------------------------ Legendre's integrals


def _k_slope(m: Any) -> Any:
    """``K'(m) = RD(0, 1, 1 - m) / 6``, from ``K = RF(0, 1 - m, 1)``, DLMF 19.25.1."""
    return special.elliprd(0.0, 1.0, 1 - m) / 6


def _e_slope(m: Any) -> Any:
    """``E'(m) = (E - K) / (2m) = -RD(0, 1 - m, 1) / 6``."""
    return special.elliprd(0.0, 1 - m, 1.0) / -6


def _reduced(phi: Any) -> tuple[Any, Any, Any]:
    """The number of half turns, and sine and cosine of what is left between -pi/2 and pi/2."""
    turns = np.rint(phi / np.pi)
    rest = phi - np.pi * turns
    return turns, np.sin(rest), np.cos(rest)


def _f_slope(phi: Any, m: Any) -> Any:
    """In m: ``sin^3 RD(cos^2, 1, 1 - m sin^2) / 6``, from DLMF 19.25.5."""
    turns, s, c = _reduced(phi)
    part = s * s * s * special.elliprd(c * c, 1.0, 1 - m * s * s) / 6
    return part + strong_product(2 * turns, _k_slope(m))


def _e_inc_slope(phi: Any, m: Any) -> Any:
    """In m: ``(E - F) / (2m) = -sin^3 RD(cos^2, 1 - m sin^2, 1) / 6``."""
    turns, s, c = _reduced(phi)
    part = s * s * s * special.elliprd(c * c, 1 - m * s * s, 1.0) / -6
    return part + strong_product(2 * turns, _e_slope(m))


ufunc("ellipk", lambda y, m: _k_slope(m))
ufunc("ellipkm1", lambda y, p: special.elliprd(0.0, 1.0, p) / -6)
ufunc("ellipe", lambda y, m: _e_slope(m))
ufunc(
    "ellipkinc",
    lambda y, phi, m: 1 / np.sqrt(1 - m * np.square(np.sin(phi))),
    lambda y, phi, m: _f_slope(phi, m),
)
ufunc(
    "ellipeinc",
    lambda y, phi, m: np.sqrt(1 - m * np.square(np.sin(phi))),
    lambda y, phi, m: _e_inc_slope(phi, m),
)

# ------------------------------------------------------------------ Jacobi's functions


def _ellipj_in_u(outs: Any, u: Any, m: Any) -> tuple[Any, ...]:
    sn, cn, dn, _ = outs
    return cn * dn, -sn * dn, -m * sn * cn, dn


def _ellipj_in_m(outs: Any, u: Any, m: Any) -> tuple[Any, ...]:
    # From F(phi, m) = u: the amplitude phi changes by -(dF/dm) / (dF/dphi) = -dn dF/dm.
    sn, cn, dn, phi = outs
    turn = -dn * _f_slope(phi, m)
    return cn * turn, -sn * turn, -(sn * sn + 2 * m * sn * cn * turn) / (2 * dn), turn


several("ellipj", _ellipj_in_u, _ellipj_in_m)

# The arithmetic-geometric mean is pi / (2 RF(0, a^2, b^2)), DLMF 19.22.1.
ufunc(
    "agm",
    lambda y, a, b: y * y * np.abs(a) * special.elliprd(0.0, b * b, a * a) * (2 / (3 * np.pi)),
    lambda y, a, b: y * y * np.abs(b) * special.elliprd(0.0, a * a, b * b) * (2 / (3 * np.pi)),
)
