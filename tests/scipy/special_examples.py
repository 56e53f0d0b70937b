"""One call of every differentiable function of `scipy.special`, by its name.

Each takes the namespace (`scipy.special` or `wengert.scipy.special`) and real arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.special

__all__ = ["Example", "example_of"]

Array = Any


@dataclass(frozen=True)
class Example:
    """``call(namespace, *args)`` with float64 arrays."""

    call: Callable[..., Any]
    args: tuple[Array, ...]


X = np.array([0.31, 0.44, 0.72])
M = X + 1.3
V = np.array([0.0, 1.5, 2.0])
N = np.array([0, 1, 4])
COUNT = np.array([0, 1, 3])
PROLATE, OBLATE = scipy.special.pro_cv(1, 2, 3.0), scipy.special.obl_cv(1, 2, 3.0)


def _plain(prefix: tuple[Any, ...], x: Array = X) -> Callable[[str], Example]:
    """Plain arguments in front of the one that is differentiated."""
    return lambda name: Example(lambda sp, t: getattr(sp, name)(*prefix, t), (x,))


def _all(*args: Array) -> Callable[[str], Example]:
    """Every argument is differentiated."""
    return lambda name: Example(lambda sp, *xs: getattr(sp, name)(*xs), args)


_GROUPS: list[tuple[str, Callable[[str], Example]]] = [
    (
        """gamma gammaln loggamma rgamma psi digamma gammasgn erf erfc erfcx erfi erfinv erfcinv
        dawsn wofz ndtr log_ndtr ndtri expit log_expit logit entr softplus j0 j1 y0 y1 i0 i0e i1 i1e
        k0 k0e k1 k1e airy airye ber bei berp beip ker kei kerp keip kelvin itj0y0 iti0k0 it2j0y0
        it2i0k0 itairy itstruve0 it2struve0 itmodstruve0 exp1 expi sici shichi fresnel modfresnelp
        modfresnelm spence ellipk ellipkm1 ellipe wrightomega cbrt exp2 exp10 expm1 log1p exprel
        cosm1 sindg cosdg tandg cotdg sinc round logsumexp factorial zetac
        lambertw""",
        _all(X),
    ),
    ("zeta", _all(M, X)),
    ("ndtri_exp", _all(-X)),
    (
        """beta betaln poch gammainc gammaincc gammaincinv gammainccinv owens_t xlogy xlog1py
        rel_entr kl_div pseudo_huber ellipkinc ellipeinc ellipj elliprc agm powm1 boxcox boxcox1p
        inv_boxcox inv_boxcox1p chdtr chdtrc chdtri stdtr stdtrit tklmbda""",
        _all(M, X),
    ),
    ("chdtriv", _all(X, M)),
    ("pdtrik", _all(np.array([0.6, 0.5, 0.55]), M)),
    ("stdtridf", _all(np.array([0.74, 0.71, 0.73]), np.array([0.8, 0.7, 0.75]))),
    ("binom comb perm", _all(M + 3, M)),
    (
        """betainc betaincc betaincinv betainccinv voigt_profile gdtr gdtrc gdtrix fdtr fdtrc fdtri
        elliprd elliprf elliprg hyp1f1 radian""",
        _all(M, M + 0.2, X),
    ),
    ("gdtria btdtria nrdtrimn", _all(X, M, 0.5 * X)),
    ("gdtrib btdtrib", _all(M, X[::-1] * 0.5, 0.8 * X)),
    ("fdtridfd", _all(M, scipy.special.fdtr(M, 4.0, X), X)),
    ("huber", _all(X, M)),
    ("nrdtrisd", _all(X * 0.3, X * 0.4 + 0.52, X)),
    ("bdtrik nbdtrik", _all(np.array([0.6, 0.5, 0.4]), M + 3, np.array([0.5, 0.4, 0.3]))),
    ("bdtrin nbdtrin", _all(M, np.array([0.6, 0.5, 0.4]), np.array([0.5, 0.4, 0.3]))),
    ("hyp2f1 elliprj", _all(M, M + 0.2, M + 0.5, X)),
    (
        """jv jve yv yve iv ive kv kve hankel1 hankel1e hankel2 hankel2e struve modstruve jvp yvp
        ivp kvp h1vp h2vp""",
        _plain((1.5,)),
    ),
    (
        """jn yn kn spherical_jn spherical_yn spherical_in spherical_kn expn eval_chebyt eval_chebyu
        eval_chebyc eval_chebys eval_sh_chebyt eval_sh_chebyu eval_legendre eval_sh_legendre
        eval_laguerre eval_hermite eval_hermitenorm legendre_p""",
        _plain((N,)),
    ),
    ("polygamma", _plain((COUNT,))),
    ("eval_gegenbauer eval_genlaguerre", _plain((N, 1.3))),
    ("eval_jacobi", _plain((N, 1.3, 0.4))),
    ("eval_sh_jacobi", _plain((N, 2.3, 0.7))),
    ("lpmv", _plain((1, N))),
    ("sph_legendre_p", _plain((N, 1))),
    ("wright_bessel log_wright_bessel", _plain((1.0, V))),
    ("hyp0f1 pbdv pbvv pbwa", _plain((0.7,))),
    ("hyperu", _plain((1.3, 0.7))),
    ("mathieu_cem mathieu_sem", _plain((2, 1.3), 50 * X)),
    ("mathieu_modcem1 mathieu_modcem2 mathieu_modsem1 mathieu_modsem2", _plain((2, 1.3), X + 0.3)),
    ("pro_ang1 obl_ang1", _plain((1, 2, 3.0))),
    ("pro_rad1 obl_rad1 pro_rad2 obl_rad2", _plain((1, 2, 3.0), X + 2)),
    ("pro_ang1_cv", _plain((1, 2, 3.0, PROLATE))),
    ("obl_ang1_cv", _plain((1, 2, 3.0, OBLATE))),
    ("pro_rad1_cv pro_rad2_cv", _plain((1, 2, 3.0, PROLATE), X + 2)),
    ("obl_rad1_cv obl_rad2_cv", _plain((1, 2, 3.0, OBLATE), X + 2)),
    ("bdtr bdtrc bdtri nbdtr nbdtrc nbdtri", _plain((COUNT, 5))),
    ("pdtr pdtrc pdtri", _plain((COUNT,))),
]

EXAMPLES: dict[str, Example] = {
    **{name: make(name) for names, make in _GROUPS for name in names.split()},
    "multigammaln": Example(lambda sp, a: sp.multigammaln(a, 3), (M,)),
    "assoc_laguerre": Example(lambda sp, x: sp.assoc_laguerre(x, 3, 0.4), (X,)),
    "besselpoly": Example(lambda sp, a: sp.besselpoly(a, 1.0, 2.0), (X,)),
    "softmax": Example(lambda sp, x: np.array([1.0, 2.0, -3.0]) * sp.softmax(x), (X,)),
    "log_softmax": Example(lambda sp, x: np.array([1.0, 2.0, -4.0]) * sp.log_softmax(x), (X,)),
    "diric": Example(lambda sp, x: sp.diric(x, 4), (X,)),
    "sph_harm_y": Example(lambda sp, t, p: sp.sph_harm_y(3, 2, t, p), (X, M)),
    "chndtr": Example(lambda sp, x, nc: sp.chndtr(x, 2.3, nc), (M, X)),
    "chndtrix": Example(lambda sp, p, nc: sp.chndtrix(p, 2.3, nc), (X, M)),
    # refused
    **{
        name: Example(lambda sp, x, name=name: getattr(sp, name)(2, x), (X,))
        for name in ("mathieu_a", "mathieu_b")
    },
    **{
        name: Example(lambda sp, x, name=name: getattr(sp, name)(1, 2, x), (X,))
        for name in ("pro_cv", "obl_cv")
    },
    **{
        name: Example(lambda sp, x, name=name: getattr(sp, name)(2, x), (np.float64(0.4),))
        for name in (
            *("lmbda", "riccati_jn", "riccati_yn", "lqn", "pbdn_seq", "pbdv_seq", "pbvv_seq"),
            *("legendre_p_all", "smirnov", "smirnovi"),
        )
    },
    **{
        name: Example(lambda sp, x, name=name: getattr(sp, name)(2, 3, x), (np.float64(0.4),))
        for name in (
            *("lqmn", "assoc_legendre_p_all", "assoc_legendre_p", "sph_legendre_p_all"),
        )
    },
    "sph_harm_y_all": Example(lambda sp, t, p: sp.sph_harm_y_all(2, 3, t, p), (X[:1], X[1:2])),
    "ellip_harm": Example(lambda sp, s: sp.ellip_harm(0.5, 0.9, 2, 1, s), (np.float64(0.4),)),
    "ellip_harm_2": Example(lambda sp, s: sp.ellip_harm_2(5.0, 8.0, 2, 1, s), (np.float64(10.0),)),
    "ellip_normal": Example(lambda sp, h: sp.ellip_normal(h, 8.0, 3, 7), (np.float64(5.0),)),
    "kolmogorov": Example(lambda sp, x: sp.kolmogorov(x), (X,)),
    "kolmogi": Example(lambda sp, x: sp.kolmogi(x), (X,)),
}  # fmt: skip


def example_of(name: str, arity: int = 3) -> Example:
    """The call for a function; a refused ufunc is called on as many arrays as it takes."""
    if name in EXAMPLES:
        return EXAMPLES[name]
    return Example(lambda sp, *xs: getattr(sp, name)(*xs), (X, M, M + 0.2, M + 0.4)[:arity])
