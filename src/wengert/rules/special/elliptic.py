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
    zero with a power of 2 or more, NaN where one is negative, 0 where one is infinite.
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
                total = np.where(v == np.inf, 0.0, total)
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


def _of_real(w: Any) -> bool:
    """Whether a result is real: only then an argument may be negative, for a principal value."""
    return getattr(getattr(w, "dtype", None), "kind", "f") != "c"


def _rc_in_x(w: Any, x: Any, y: Any) -> Any:
    """For negative y from ``x RC_x + y RC_y = -RC / 2``, ``RC_x + RC_y = -1 / (2 y sqrt(x))``."""
    usual = special.elliprd(y, y, x) / -6
    if not _of_real(w):
        return usual
    gap = np.where(y < 0, x - y, 1.0)
    return np.where(y < 0, (1 / np.sqrt(x) - w) / (2 * gap), usual)


def _rc_in_y(w: Any, x: Any, y: Any) -> Any:
    usual = special.elliprd(x, y, y) / -3
    if not _of_real(w):
        return usual
    below = np.where(y < 0, y, -1.0)
    in_x = (np.sqrt(x) - x * w) / (2 * (x - below))  # x times the derivative in x
    return np.where(y < 0, (w / -2 - in_x) / below, usual)


ufunc("elliprc", _rc_in_x, _rc_in_y)


def _rg_slope(w: Any, x: Any, y: Any, z: Any) -> Any:
    """In x. ``RG(x, 0, 0)`` is ``sqrt(x) / 2``, where RF and RD are infinite.

    RD grows as the reciprocal square root of x.
    """
    usual = special.elliprf(x, y, z) / 4 - strong_product(x, special.elliprd(y, z, x)) / 12
    alone = (y == 0) & (z == 0) & (x != 0)
    return np.where(alone, 0.25 / np.sqrt(np.where(alone, x, 1.0)), usual)


ufunc(
    "elliprg",
    lambda w, x, y, z: _rg_slope(w, x, y, z),
    lambda w, x, y, z: _rg_slope(w, y, x, z),
    lambda w, x, y, z: _rg_slope(w, z, x, y),
)
ufunc(
    "elliprd",
    real_only("elliprd", lambda w, x, y, z: _integral(-0.75, x, y, z, 1.0, 3, 1, 3, 0)),
    real_only("elliprd", lambda w, x, y, z: _integral(-0.75, x, y, z, 1.0, 1, 3, 3, 0)),
    real_only("elliprd", lambda w, x, y, z: _integral(-2.25, x, y, z, 1.0, 1, 1, 5, 0)),
)


def _rj_principal(w: Any, x: Any, y: Any, z: Any, p: Any) -> Any:
    """In x, for negative p: ``1 / ((t + x) (t + p))`` in partial fractions gives RD and RJ."""
    return (w - special.elliprd(y, z, x)) / (2 * (p - x))


def _rj_slope(w: Any, x: Any, y: Any, z: Any, p: Any) -> Any:
    """In x."""
    below = np.where(p < 0, p, -1.0)
    usual = _integral(-0.75, x, y, z, np.abs(p), 3, 1, 1, 2)
    return np.where(p < 0, _rj_principal(w, x, y, z, below), usual)


def _rj_in_p(w: Any, x: Any, y: Any, z: Any, p: Any) -> Any:
    """For negative p since the function is homogeneous of degree -3/2."""
    below = np.where(p < 0, p, -1.0)
    total = -1.5 * w
    for a, b, c in ((x, y, z), (y, x, z), (z, x, y)):
        total = total - strong_product(a, _rj_principal(w, a, b, c, below))
    return np.where(p < 0, total / below, _integral(-1.5, x, y, z, np.abs(p), 1, 1, 1, 4))


ufunc(
    "elliprj",
    real_only("elliprj", lambda w, x, y, z, p: _rj_slope(w, x, y, z, p)),
    real_only("elliprj", lambda w, x, y, z, p: _rj_slope(w, y, x, z, p)),
    real_only("elliprj", lambda w, x, y, z, p: _rj_slope(w, z, x, y, p)),
    real_only("elliprj", _rj_in_p),
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
def _agm_slope(y: Any, a: Any, b: Any) -> Any:
    """In a. The mean with 0 is 0, and rises from there as ``pi b / (2 log(4 b / a))``."""
    flat, steep = (b == 0) & (a != 0), (a == 0) & (b != 0)
    usual = y * y * np.abs(a) * special.elliprd(0.0, b * b, a * a) * (2 / (3 * np.pi))
    return np.where(flat, 0.0, np.where(steep, np.inf, usual))


ufunc("agm", _agm_slope, lambda y, a, b: _agm_slope(y, b, a))
