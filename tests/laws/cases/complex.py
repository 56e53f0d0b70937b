"""Complex parts, modulus and phase; real functions of complex numbers, and the reverse."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..case import Case

Array = Any


def _away_from_zero(rng: np.random.Generator) -> tuple[Array, ...]:
    r = rng.uniform(0.5, 1.5, (2, 3))
    phase = rng.uniform(0.2, 1.3, (2, 3)) + np.pi / 2 * rng.integers(0, 4, (2, 3)) - np.pi
    return (r * np.exp(1j * phase),)


def write_parts(z: Array) -> Array:
    w = z * (1 + 1j)
    w.real[0] = np.abs(w[1])
    w.imag *= w.real
    u = w.T[1:]
    u.imag[0] = z.real[0, 0]
    return w * np.conj(z) + w.imag


def from_parts(x: Array, y: Array) -> Array:
    z = np.zeros(x.shape, complex) + x
    z = z + 1j * y
    return np.real(z * z * np.conj(z)) + np.abs(z)


CASES = [
    Case("real", np.real, domain=_away_from_zero, complex=True, primitives=("real",)),
    Case("real_0d", lambda z: z.real * 2.0, [()], complex=True),
    Case(
        "imag",
        lambda z: np.imag(z * 1j),
        domain=_away_from_zero,
        complex=True,
        primitives=("imag",),
    ),
    Case(
        "conj", lambda z: np.conj(z) * z, domain=_away_from_zero, complex=True, primitives=("conj",)
    ),
    Case("conj_method", lambda z: z.conj() + z.conjugate() * 1j, domain=_away_from_zero),
    Case("absolute", np.abs, domain=_away_from_zero, complex=True, primitives=("abs_complex",)),
    Case("absolute_squared", lambda z: np.abs(z) ** 2 * z, domain=_away_from_zero),
    Case("angle", np.angle, domain=_away_from_zero, complex=True),
    Case("angle_degrees", lambda z: np.angle(z, deg=True), domain=_away_from_zero),
    Case("sign", np.sign, domain=_away_from_zero, complex=True, primitives=("sign_complex",)),
    Case("parts_together", lambda z: z.real * np.exp(z.imag), domain=_away_from_zero, complex=True),
    Case("write_parts", write_parts, domain=_away_from_zero, primitives=("setitem",)),
    Case("from_parts", from_parts, [(3,), (3,)], domain="nonzero"),
    Case("real_times_complex", lambda x: np.abs(x * (2 - 1j) + 1j) * x, [(3,)]),
    Case("real_then_complex", lambda x: np.real((np.cos(x) + 1j * np.sin(x)) ** 3), [(3,)]),
    Case("astype_discards", lambda x: np.imag((x + 0j) * 1j * np.real(x * (1 + 2j))), [(3,)]),
    Case("complex_where", lambda z: np.where(z.real > 0, z, np.conj(z)), domain=_away_from_zero),
]
