"""Cases for orthogonal polynomials, spherical harmonics, Mathieu and spheroidal functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special as sp

from wengert.scipy import special

from ..case import Case
from .special import group, real, within

N = np.array([0, 1, 4])
X = (-0.8, 0.8)


SINGLE = "in single precision SciPy returns NaN"
ENDLESS = "in single precision pro_cv and obl_cv of SciPy 1.17 do not return"


def of_degrees(name: str) -> Callable[[Any], Any]:
    """A polynomial of the degrees ``N``."""
    return lambda x: getattr(sp, f"eval_{name}")(N, x)


CASES = [
    group(
        "chebyshev",
        *map(of_degrees, ("chebyt", "chebyu", "chebyc", "chebys")),
        ranges=X,
    ),
    group(
        "shifted",
        *map(of_degrees, ("sh_chebyt", "sh_chebyu", "sh_legendre")),
        lambda x: sp.eval_sh_jacobi(N, 2.3, 0.7, x),
        ranges=(0.2, 0.8),
    ),
    group(
        "polynomials",
        lambda x: sp.eval_legendre(N, x),
        lambda x: sp.eval_gegenbauer(N, 1.3, x),
        lambda x: sp.eval_jacobi(N, 1.3, 0.4, x),
        ranges=X,
        complex=True,
    ),
    group(
        "polynomials_of_a_half_line",
        lambda x: sp.eval_laguerre(N, x),
        lambda x: sp.eval_genlaguerre(N, 1.3, x),
        lambda x: sp.assoc_laguerre(x, N, 0.4),
        lambda x: sp.eval_hermite(N, x),
        lambda x: sp.eval_hermitenorm(N, x),
        ranges=(0.2, 2),
    ),
    Case("lpmv", lambda x: sp.lpmv(1, N, x), domain=within(X)),
    Case("legendre_p", lambda x: special.legendre_p(N, x), domain=within(X)),
    Case("sph_legendre_p", lambda x: special.sph_legendre_p(N, 1, x), domain=within((0.2, 3))),
    Case(
        "sph_harm_y",
        real(lambda t, p: special.sph_harm_y(np.array([1, 3, 4]), np.array([0, -3, 2]), t, p)),
        domain=within((0.2, 3), (-3, 3)),
    ),
    Case(
        "sph_harm_y_beyond_the_poles",
        real(lambda t, p: special.sph_harm_y(np.array([1, 3, 4]), np.array([0, -3, 2]), t, p)),
        domain=within((-3, -0.2), (-3, 3)),
    ),
    Case("pbdv", lambda x: sp.pbdv(1.3, x), domain=within((0.4, 2)), rtol=1e-5),
    Case("pbvv", lambda x: sp.pbvv(1.3, x), domain=within((0.4, 2)), rtol=1e-5),
    Case("pbwa", lambda x: sp.pbwa(0.3, x), domain=within((0.4, 2)), rtol=1e-5),
    group(
        "mathieu",
        lambda x: sp.mathieu_cem(2, 1.3, x),
        lambda x: sp.mathieu_sem(2, 1.3, x),
        ranges=(20, 70),
        rtol=1e-5,
        float32=False,
        reason=SINGLE,
    ),
    group(
        "mathieu_modified",
        lambda x: sp.mathieu_modcem1(2, 1.3, x),
        lambda x: sp.mathieu_modcem2(2, 1.3, x),
        lambda x: sp.mathieu_modsem1(2, 1.3, x),
        lambda x: sp.mathieu_modsem2(2, 1.3, x),
        ranges=(0.4, 1.2),
        rtol=1e-5,
        float32=False,
        reason=SINGLE,
    ),
    # A step is constant to derivatives and abstract while recording.
    group(
        "characteristic_values",
        lambda x: sp.mathieu_a(np.floor(x), 1.3) * x,
        lambda x: sp.mathieu_b(np.floor(x), 1.3) * x,
        lambda x: sp.pro_cv(1, np.floor(x), 3.0) * x,
        lambda x: sp.obl_cv(1, np.floor(x), 3.0) * x,
        ranges=(2.2, 2.8),
        float32=False,
        reason=ENDLESS,
    ),
    group(
        "spheroidal_angular",
        lambda x: sp.pro_ang1(1, 2, 3.0, x),
        lambda x: sp.obl_ang1(1, 2, 3.0, x),
        lambda x: sp.pro_ang1_cv(1, 2, 3.0, sp.pro_cv(1, 2, 3.0), x),
        lambda x: sp.obl_ang1_cv(1, 2, 3.0, sp.obl_cv(1, 2, 3.0), x),
        ranges=X,
        rtol=1e-5,
        float32=False,
        reason=ENDLESS,
    ),
    group(
        "spheroidal_radial",
        lambda x: sp.pro_rad1(1, 2, 3.0, x),
        lambda x: sp.obl_rad1(1, 2, 3.0, x),
        lambda x: sp.pro_rad1_cv(1, 2, 3.0, sp.pro_cv(1, 2, 3.0), x),
        lambda x: sp.obl_rad1_cv(1, 2, 3.0, sp.obl_cv(1, 2, 3.0), x),
        ranges=(2, 3),
        rtol=1e-5,
        float32=False,
        reason=ENDLESS,
    ),
    group(
        "spheroidal_radial_second",
        lambda x: sp.pro_rad2(1, 2, 3.0, x),
        lambda x: sp.obl_rad2(1, 2, 3.0, x),
        lambda x: sp.pro_rad2_cv(1, 2, 3.0, sp.pro_cv(1, 2, 3.0), x),
        lambda x: sp.obl_rad2_cv(1, 2, 3.0, sp.obl_cv(1, 2, 3.0), x),
        ranges=(2.3, 3),
        rtol=1e-4,
        float32=False,
        reason=ENDLESS,
    ),
]
