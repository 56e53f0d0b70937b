"""Cases for exponential, Fresnel and elliptic integrals, zeta and hypergeometric functions."""

from __future__ import annotations

import numpy as np
import scipy.special as sp

from wengert.scipy import special

from ..case import Case
from .special import real, rows, within

R = (0.4, 2)

CASES = [
    *rows({"exp1": R, "expi": R, "sici": R, "shichi": R, "fresnel": R, "spence": R}, complex=True),
    Case("expn", lambda x: sp.expn(np.array([0, 1, 4]), x), domain=within(R)),
    # For negative x the imaginary parts of SciPy's values are wrong.
    Case("modfresnelp", real(sp.modfresnelp), domain=within((0.3, 1.5))),
    Case("modfresnelm", real(sp.modfresnelm), domain=within((0.3, 1.5))),
    # elliptic
    *rows(
        {
            "ellipk": (-2, 0.8),
            "ellipkm1": (0.1, 2),
            "ellipe": (-2, 0.8),
            "ellipkinc": [(-1.4, 1.4), (-1, 0.8)],
            "ellipeinc": [(-1.4, 1.4), (-1, 0.8)],
            "ellipj": [(-1, 1), (0.1, 0.9)],
            "elliprj": [R, R, R, R],
            "agm": [R, R],
        }
    ),
    Case("ellipkinc_turns", sp.ellipkinc, domain=within((4, 5), (-1, 0.8))),
    Case("ellipeinc_turns", sp.ellipeinc, domain=within((-5, -4), (-1, 0.8))),
    *rows({"elliprc": [R, R], "elliprd": [R, R, R], "elliprf": [R, R, R], "elliprg": [R, R, R]}),
    # zeta
    Case("riemann_zeta", lambda s: special.zeta(s), domain=within((1.4, 4))),
    Case("riemann_zeta_left", lambda s: special.zeta(s), domain=within((-3.5, 0.5))),
    Case("zetac", sp.zetac, domain=within((1.4, 4))),
    Case("zeta", lambda s, q: special.zeta(s, q), domain=within((1.4, 4), (0.4, 3))),
    # hypergeometric
    Case("hyp0f1", lambda z: sp.hyp0f1(1.3, z), domain=within((-1, 2)), complex=True),
    Case("hyp1f1", sp.hyp1f1, domain=within(R, R, (0.2, 3))),
    Case("hyp1f1_left", sp.hyp1f1, domain=within(R, R, (-3, -0.2))),
    Case("hyp1f1_complex", lambda z: sp.hyp1f1(1.3, 0.7, z), domain=within(R), complex=True),
    Case("hyp2f1", sp.hyp2f1, domain=within(R, R, R, (0.1, 0.7))),
    Case("hyp2f1_left", sp.hyp2f1, domain=within(R, R, R, (-3, -0.2))),
    Case(
        "hyp2f1_complex",
        lambda z: sp.hyp2f1(1.3, 0.7, 2.1, z),
        domain=within((0.1, 0.5)),
        complex=True,
    ),
    Case("hyperu", lambda x: sp.hyperu(1.3, 0.7, x), domain=within(R)),
]
