"""Cases for Bessel, Airy, Kelvin and Struve functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special as sp

from wengert.scipy import special

from ..case import Case
from .special import group, real, rows, within

V = np.array([0.0, 1.5, 2.0])
N = np.array([0, 1, 4])


def of_order(module: Any, name: str, orders: Any) -> Callable[[Any], Any]:
    return lambda x: getattr(module, name)(orders, x)


def second(name: str) -> Callable[[Any], Any]:
    """The second derivative of order 3/2."""
    return lambda x: getattr(special, name)(1.5, x, 2)


CASES = [
    *rows(dict.fromkeys("j0 j1 y0 y1 i0 i0e i1 i1e k0 k0e k1 k1e".split(), (0.8, 3))),
    *[
        Case(name, of_order(sp, name, V), domain=within((0.8, 3)), complex=True)
        for name in "jv yv iv kv kve".split()
    ],
    *[
        Case(name, real(of_order(sp, name, V)), domain=within((0.8, 3)), complex=True)
        for name in "hankel1 hankel1e hankel2 hankel2e".split()
    ],
    *[
        Case(name, of_order(sp, name, V), domain=within((0.8, 3)))
        for name in "jve yve ive struve modstruve".split()
    ],
    *[Case(name, of_order(sp, name, N), domain=within((0.8, 3))) for name in "jn yn kn".split()],
    *[
        Case(name, of_order(special, name, N), domain=within((0.8, 3)))
        for name in "spherical_jn spherical_yn spherical_in spherical_kn".split()
    ],
    Case(
        "spherical_jn_derivative",
        lambda x: special.spherical_jn(N, x, derivative=True),
        domain=within((0.8, 3)),
    ),
    *[
        Case(
            name,
            real(second(name)),
            domain=within((0.8, 3)),
            float32=False,
            reason="SciPy makes a 0-d array of the order, which listings write as a number",
        )
        for name in "jvp yvp ivp kvp h1vp h2vp".split()
    ],
    Case("airy", sp.airy, domain=within((-2, 2)), complex=True),
    Case("airye", sp.airye, domain=within((0.3, 2))),
    Case(
        "itairy",
        sp.itairy,
        domain=within((0.5, 2)),
        rtol=1e-4,
        float32=False,
        reason="SciPy's values have an error of 1e-6",
    ),
    group("kelvin_parts", sp.ber, sp.bei, sp.berp, sp.beip, ranges=(-2, 2)),
    group("kelvin_parts_k", sp.ker, sp.kei, sp.kerp, sp.keip, ranges=(0.4, 2)),
    Case("kelvin", real(sp.kelvin), domain=within((0.4, 2))),
    group("integrals", sp.itj0y0, sp.iti0k0, sp.it2j0y0, sp.it2i0k0, ranges=(0.5, 2), rtol=1e-5),
    group(
        "integrals_struve", sp.itstruve0, sp.it2struve0, sp.itmodstruve0, ranges=(0.5, 2), rtol=1e-4
    ),
    Case("besselpoly", lambda a: sp.besselpoly(a, 1.0, 2.0), domain=within((0.4, 2))),
    Case("wright_bessel", lambda x: sp.wright_bessel(1.0, V, x), domain=within((0.4, 2))),
    Case("log_wright_bessel", lambda x: sp.log_wright_bessel(1.0, V, x), domain=within((0.4, 2))),
]
