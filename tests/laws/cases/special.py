"""Cases for the functions of `wengert.scipy.special`: sums of exponentials, gamma, erf, entropy.

Other modules with names that begin with ``special`` have the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special as sp
from scipy.special import expit

from wengert.scipy import special
from wengert.scipy.special import log_softmax, logsumexp, softmax

from ..case import Case

Array = Any


def within(*ranges: tuple[float, float], shape: tuple[int, ...] = (2, 3)) -> Any:
    """A domain: for each argument a range; the second and later ones are broadcast."""

    def draw(rng: np.random.Generator) -> tuple[Array, ...]:
        shapes = [shape, *[shape[1:]] * (len(ranges) - 1)]
        return tuple(rng.uniform(*r, s) for r, s in zip(ranges, shapes, strict=True))

    return draw


def rows(table: dict[str, Any], **options: Any) -> list[Case]:
    """Cases of ufuncs by their names and ranges, one for each argument."""
    cases = []
    for name, ranges in table.items():
        each = ranges if isinstance(ranges, list) else [ranges]
        cases.append(Case(name, getattr(sp, name), domain=within(*each), **options))
    return cases


def group(name: str, *functions: Callable[..., Any], ranges: Any, **options: Any) -> Case:
    """Several functions of the same arguments."""
    each = ranges if isinstance(ranges, list) else [ranges]

    def f(*xs: Any) -> list[Any]:
        return [g(*xs) for g in functions]

    return Case(name, f, domain=within(*each), **options)


def _weights(rng: np.random.Generator) -> tuple[Array, ...]:
    return rng.normal(size=(3, 2)), np.array([[1.5, -0.5], [-0.7, 0.0], [2.0, 1.2]])


def real(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function of the real and the imaginary parts of the results."""

    def parts(*xs: Any) -> Any:
        ys = f(*xs)
        if isinstance(ys, tuple):
            return tuple(np.real(y) + 2 * np.imag(y) for y in ys)
        return np.real(ys) + 2 * np.imag(ys)

    return parts


CASES = [
    Case("expit", expit, args=[(3, 4)]),
    Case("logsumexp", lambda x: logsumexp(x), args=[(5,)]),
    Case("logsumexp_0d", lambda x: logsumexp(x), args=[()]),
    Case("logsumexp_axis", lambda x: logsumexp(x, axis=1), args=[(3, 4)]),
    Case(
        "logsumexp_keepdims", lambda x: logsumexp(x, axis=(0, 2), keepdims=True), args=[(2, 3, 2)]
    ),
    Case(
        "logsumexp_weights",
        lambda x, b: logsumexp(x, axis=0, b=np.exp(b)),
        args=[(3, 2), (3, 2)],
    ),
    Case(
        "logsumexp_sign",
        lambda x, b: logsumexp(x, axis=0, b=b, return_sign=True)[0],
        domain=_weights,
    ),
    Case(
        "logsumexp_complex",
        real(lambda x: logsumexp(x * np.array([1.0, 1j, 0.5 - 0.3j]), axis=1)),
        args=[(2, 3)],
    ),
    Case("log_softmax", lambda x: log_softmax(x, axis=-1), args=[(3, 4)]),
    Case("softmax", lambda x: softmax(x, axis=0), args=[(3, 4)]),
    Case("softplus", lambda x: special.softplus(x), args=[(3, 4)]),
    # gamma
    *rows(
        {"gamma": (0.3, 3), "loggamma": (0.3, 3), "rgamma": (0.6, 3), "psi": (0.3, 3)}, complex=True
    ),
    *rows(
        {
            "gammaln": (0.3, 4),
            "beta": [(0.3, 3), (0.3, 3)],
            "betaln": [(0.3, 3), (0.3, 3)],
            "poch": [(0.3, 3), (0.3, 2)],
            "binom": [(3.1, 6), (0.3, 2)],
        }
    ),
    Case("gamma_left", sp.gamma, domain=within((-1.9, -1.1))),
    Case("rgamma_left", sp.rgamma, domain=within((-2.5, 0.45))),
    Case("psi_left", sp.psi, domain=within((-1.9, -1.1))),
    Case("psi_far_left", real(lambda x: sp.psi(x * (-8.3 - 2.1j))), domain=within((0.8, 1.2))),
    Case("gammasgn", lambda x: sp.gammasgn(x) * x, domain=within((-1.9, -1.1))),
    Case("round", lambda x: sp.round(x) * x, args=[(2, 3)], domain="distinct"),
    Case(
        "polygamma",
        lambda x: special.polygamma(np.array([0, 1, 3]), x),
        domain=within((0.4, 3)),
        primitives=("polygamma",),
    ),
    Case("multigammaln", lambda x: special.multigammaln(x, 3), domain=within((1.3, 4))),
    Case("factorial", lambda x: special.factorial(x), domain=within((0.3, 4))),
    Case("comb", lambda n, k: special.comb(n, k), domain=within((3.1, 6), (0.3, 2))),
    Case("perm", lambda n, k: special.perm(n, k), domain=within((3.1, 6), (0.3, 2))),
    # incomplete gamma and beta
    *rows(
        {
            "gammainc": [(0.4, 3), (0.3, 4)],
            "gammaincc": [(0.4, 3), (0.3, 4)],
            "gammaincinv": [(0.4, 3), (0.2, 0.8)],
            "gammainccinv": [(0.4, 3), (0.2, 0.8)],
            "betainc": [(0.4, 3), (0.4, 3), (0.1, 0.9)],
            "betaincc": [(0.4, 3), (0.4, 3), (0.1, 0.9)],
            "betaincinv": [(0.6, 3), (0.6, 3), (0.2, 0.8)],
            "betainccinv": [(0.6, 3), (0.6, 3), (0.2, 0.8)],
        }
    ),
    Case("gammainc_large", sp.gammainc, domain=within((200, 300), (200, 300))),
    Case("gammainc_small", sp.gammainc, domain=within((1e-3, 1e-2), (0.1, 3))),
    Case("betainc_large", sp.betainc, domain=within((200, 300), (90, 110), (0.65, 0.75))),
    Case("gammainc_0d", sp.gammainc, [(), ()], domain="positive"),
    Case("gammainc_empty", sp.gammainc, [(0, 3), (3,)], domain="positive"),
    Case("betainc_empty", sp.betainc, [(0, 3), (3,), ()], domain="unit"),
    # error functions
    *rows(
        {
            "erf": (-2, 2),
            "erfc": (-2, 2),
            "erfcx": (-1, 3),
            "erfi": (-1, 1),
            "dawsn": (-2, 2),
            "ndtr": (-2, 2),
            "log_ndtr": (-2, 2),
        },
        complex=True,
    ),
    Case("wofz", real(sp.wofz), domain=within((-2, 2)), complex=True),
    *rows(
        {
            "erfinv": (-0.8, 0.8),
            "erfcinv": (0.2, 1.8),
            "ndtri": (0.1, 0.9),
            "ndtri_exp": (-2, -0.3),
            "owens_t": [(-1, 2), (-1, 2)],
            "voigt_profile": [(-2, 2), (0.5, 1.5), (0.5, 1.5)],
        }
    ),
    Case("erfcx_far", sp.erfcx, domain=within((60, 90))),
    Case("log_ndtr_far", sp.log_ndtr, domain=within((-120, -90))),
    # entropy and losses
    *rows(
        {
            "logit": (0.2, 0.8),
            "log_expit": (-3, 3),
            "entr": (0.2, 2),
            "rel_entr": [(0.2, 2), (0.2, 2)],
            "kl_div": [(0.2, 2), (0.2, 2)],
            "pseudo_huber": [(0.5, 1.5), (-2, 2)],
        }
    ),
    *rows({"xlogy": [(0.2, 2), (0.2, 2)], "xlog1py": [(0.2, 2), (0.2, 2)]}, complex=True),
    Case(
        "huber",
        sp.huber,
        domain=lambda rng: (
            rng.uniform(0.8, 1.2, 3),
            np.array([[0.5, -0.3, 1.9], [-2.0, 2.5, 0.1]]),
        ),
    ),
    # elementary functions
    *rows({"cbrt": (0.3, 2), "exp2": (-1, 1), "exp10": (-1, 1)}),
    *rows({"expm1": (-1, 1), "log1p": (-0.5, 1)}, complex=True),
    *rows(
        {
            "exprel": (-2, 2),
            "cosm1": (-1, 1),
            "powm1": [(0.3, 2), (-2, 2)],
            "boxcox": [(0.3, 2), (-1, 1)],
            "boxcox1p": [(-0.5, 1), (-1, 1)],
            "inv_boxcox": [(-0.5, 0.5), (-1, 1)],
            "inv_boxcox1p": [(-0.5, 0.5), (-1, 1)],
        }
    ),
    Case("boxcox_zero", lambda x: sp.boxcox(x, x * 0.0), domain=within((0.3, 2))),
    group("degrees", sp.sindg, sp.cosdg, sp.tandg, sp.cotdg, ranges=(20, 70)),
    Case("radian", lambda d, m, s: sp.radian(d, m, s) ** 2, [(2, 3), (3,), (3,)]),
    Case("lambertw", real(lambda z: special.lambertw(z)), domain=within((0.2, 2)), complex=True),
    Case("lambertw_branch", real(lambda z: special.lambertw(z, -1)), domain=within((-0.3, -0.1))),
    Case("wrightomega", sp.wrightomega, domain=within((-1, 2)), complex=True),
    Case("diric", lambda x: special.diric(x, np.array([1, 4, 7])), [(2, 3)]),
    Case("sinc", lambda x: special.sinc(x), [(2, 3)]),
]
