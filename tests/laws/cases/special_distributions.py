"""Cases for the distribution functions of `scipy.special` and their inverses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special as sp

from ..case import Case
from .special import group, rows, within

K = np.array([0.0, 1.0, 3.0])
KI = np.array([0, 1, 3])
R = (0.6, 3)
P = (0.2, 0.8)


def noncentral(name: str) -> Callable[..., Any]:
    """With plain degrees of freedom."""
    return lambda x, nc: getattr(sp, name)(x, 2.3, nc)


CASES = [
    *rows({"gdtr": [R, R, R], "gdtrc": [R, R, R]}),
    *rows({"gdtria": [P, R, R], "gdtrib": [R, P, R], "gdtrix": [R, R, P]}, rtol=1e-4),
    *rows({"chdtr": [R, R], "chdtrc": [R, R], "chdtri": [R, P]}),
    *rows({"chdtriv": [P, R]}, rtol=1e-4),
    *[
        Case(name, noncentral(name), domain=within(r, R), rtol=1e-4)
        for name, r in (("chndtr", R), ("chndtrix", P))
    ],
    group("poisson", lambda m: sp.pdtr(K, m), lambda m: sp.pdtrc(K, m), ranges=R),
    Case("pdtri", lambda p: sp.pdtri(KI, p), domain=within(P)),
    *rows({"pdtrik": [(0.3, 0.7), (0.8, 2)]}, rtol=1e-4),
    *rows({"btdtria": [P, R, (0.3, 0.7)], "btdtrib": [R, P, (0.3, 0.7)]}, rtol=1e-4),
    group("binomial", lambda p: sp.bdtr(K, 5, p), lambda p: sp.bdtrc(K, 5, p), ranges=P),
    Case("bdtri", lambda p: sp.bdtri(K, 5, p), domain=within(P)),
    *rows(
        {"bdtrik": [(0.3, 0.7), (5, 6), (0.3, 0.6)], "bdtrin": [(2, 3), P, (0.3, 0.6)]}, rtol=1e-4
    ),
    group(
        "negative_binomial", lambda p: sp.nbdtr(KI, 5, p), lambda p: sp.nbdtrc(KI, 5, p), ranges=P
    ),
    Case("nbdtri", lambda p: sp.nbdtri(KI, 5, p), domain=within(P)),
    *rows(
        {"nbdtrik": [(0.3, 0.7), (5, 6), (0.3, 0.6)], "nbdtrin": [(2, 3), P, (0.3, 0.6)]}, rtol=1e-4
    ),
    *rows({"fdtr": [R, R, R], "fdtrc": [R, R, R], "fdtri": [R, R, P]}),
    *rows({"fdtridfd": [R, (0.3, 0.5), R]}, rtol=1e-4),
    *rows({"stdtr": [R, (-2, 2)], "stdtrit": [R, P]}),
    *rows({"stdtridf": [(0.7, 0.75), (0.7, 0.8)]}, rtol=1e-4),
    *rows({"nrdtrimn": [P, R, R], "tklmbda": [(-0.5, 0.5), (-1, 1)]}),
    Case("nrdtrisd", sp.nrdtrisd, domain=within((0.1, 0.3), (0.6, 0.8), (-1, 0.3))),
]
