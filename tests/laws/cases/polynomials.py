"""Polynomials as arrays of coefficients: values, arithmetic, calculus, roots, fits."""

from __future__ import annotations

from typing import Any

import numpy as np

import wengert.numpy as wnp

from ..case import Case

Array = Any

COUNTED = "how many roots there are, and whether they are real, depends on their values"
PAIRED = "whether the roots are conjugate pairs depends on their values"
TRIMMED = "poly1d cuts off leading zeros"
DOUBLE = "NumPy's Vandermonde matrix is float64"


def _separated(rng: np.random.Generator) -> tuple[Array, ...]:
    """Coefficients of a polynomial with well separated roots, two of them complex."""
    roots = np.array([1.5, -0.8, 0.4 + 1.1j, 0.4 - 1.1j]) + rng.uniform(-0.05, 0.05, 1)
    return (np.poly(roots).real * 1.7,)


def _separated_complex(rng: np.random.Generator) -> tuple[Array, ...]:
    roots = np.array([1.5, -0.8j, 0.4 + 1.1j]) + rng.uniform(-0.05, 0.05, 3)
    return (np.poly(roots) * (1.2 - 0.3j),)


def _root_at_zero(rng: np.random.Generator) -> tuple[Array, ...]:
    return (np.concatenate([np.poly([1.5, -0.8 + rng.uniform(-0.05, 0.05)]), [0.0]]),)


def by_modulus(z: Array) -> Array:
    """In an order that small changes leave alone."""
    return z[np.argsort(np.abs(z))] ** 2


def _points(rng: np.random.Generator) -> tuple[Array, ...]:
    x = np.linspace(-1.0, 1.2, 6) + rng.uniform(-0.05, 0.05, 6)
    return x, rng.normal(size=6), rng.uniform(0.5, 1.5, 6)


def _two_sets(rng: np.random.Generator) -> tuple[Array, ...]:
    x, y, w = _points(rng)
    return x, np.stack([y, y[::-1] * 1.3], 1), w


def through_poly1d(p: Array, q: Array) -> Array:
    product = np.poly1d(p) * np.poly1d(q) + np.poly1d(p).deriv()
    return product(np.array([0.3, -1.2]))


_ROUNDING = "in single precision NumPy takes rounding errors for coefficients of the remainder"

CASES = [
    Case("polyval", lambda p, x: np.polyval(p, x), [(4,), (2, 3)], complex=True),
    Case("polyval_number", lambda p, x: np.polyval(p, x), [(1,), ()]),
    Case("polyval_rows", lambda p, x: np.polyval(p, x), [(3, 2), (4, 2)]),
    Case("polyadd", lambda p, q: np.polyadd(p, q) ** 2, [(2,), (4,)], complex=True),
    Case("polysub", lambda p, q: np.polysub(p, q) ** 2, [(4,), ()], complex=True),
    Case("polymul", lambda p, q: np.polymul(p, q), [(3,), (4,)], complex=True),
    Case("polydiv_quotient", lambda u, v: np.polydiv(u, v)[0], [(5,), (3,)], domain="nonzero",
         complex=True),
    Case("polydiv", lambda u, v: np.polydiv(u, v), [(5,), (3,)], domain="nonzero", complex=True,
         float32=False, reason=_ROUNDING),
    Case("polydiv_number", lambda u, v: np.polydiv(u, v), [(3,), (1,)], domain="nonzero",
         float32=False, reason=_ROUNDING),
    Case("polydiv_shorter", lambda u, v: np.polydiv(u, v), [(2,), (4,)], domain="nonzero"),
    Case("polyder", lambda p: np.polyder(p, 2), [(5,)], complex=True,
         float32=False, reason="NumPy's powers are float64"),
    Case("polyint", lambda p, k: np.polyint(p, 2, k) ** 2, [(3,), (2,)], complex=True,
         float32=False, reason="NumPy's powers are float64"),
    Case("poly", lambda z: np.poly(z) ** 2, [(4,)]),
    Case("poly_complex", lambda z: np.poly(z * (1 + 0.4j)) ** 2, [(3,)], record=False,
         reason=PAIRED),
    Case("poly_pairs", lambda z: np.poly(np.concatenate([z, np.conj(z)])) ** 2,
         [np.array([0.4 + 1.1j])], record=False, reason=PAIRED),
    Case("roots", lambda p: by_modulus(np.roots(p)), domain=_separated, record=False,
         float32=False, primitives=("root_of",), reason=COUNTED),
    Case("roots_complex", lambda p: by_modulus(np.roots(p)), domain=_separated_complex,
         record=False, float32=False, primitives=("root_of",), reason=COUNTED),
    Case("roots_at_zero", lambda p: by_modulus(np.roots(p)) + np.roots(p),
         domain=_root_at_zero, record=False, float32=False, reason=COUNTED),
    Case("polyfit", lambda x, y, w: np.polyfit(x, y, 2), domain=_points, float32=False,
         reason=DOUBLE),
    Case("polyfit_weights", lambda x, y, w: np.polyfit(x, y, 1, w=w, cov=True), domain=_points,
         float32=False, reason=DOUBLE),
    Case("polyfit_two", lambda x, y, w: np.polyfit(x, y, 2, w=w, cov="unscaled"),
         domain=_two_sets, float32=False, reason=DOUBLE),
    Case("polyfit_full", lambda x, y, w: np.polyfit(x, y, 1, full=True)[:2], domain=_points,
         float32=False, reason=DOUBLE),
    Case("poly1d", through_poly1d, [(3,), (2,)], domain="nonzero", record=False, reason=TRIMMED),
    Case("kaiser", lambda b: wnp.kaiser(5, b) ** 2, [()], domain="positive", float32=False,
         plain=lambda b: np.kaiser(5, b) ** 2, reason="NumPy's window is float64"),
]  # fmt: skip
