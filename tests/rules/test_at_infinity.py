"""Derivatives at infinity, at the ends of domains and at the smallest and largest numbers.

Where the one-sided limit of a derivative exists, it is what every mode returns, at first and second
order, of numbers and arrays, recorded or compiled. (docs/concepts/singular-points.md tells what is
left out, and why.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special as sp

import wengert as wg
from wengert import nn
from wengert.scipy import stats

Function = Callable[[Any], Any]
INF, MAX, LEAST = np.inf, float(np.finfo(float).max), 5e-324
ROOT_2_PI = np.sqrt(2 * np.pi)
NORMAL = np.exp(-0.5) / ROOT_2_PI  # the density at 1

# Function, points, first and second derivative there. The limits follow from the functions'
# asymptotic expansions; a number stands for all points.
POINTS: dict[str, tuple[Function, list[float], Any, Any]] = {
    # one argument, at both ends of the line
    "reciprocal": (np.reciprocal, [INF, -INF], 0, 0),
    "sqrt": (np.sqrt, [INF, 0.0], [0, INF], [0, -INF]),
    "cbrt": (np.cbrt, [INF, -INF], 0, 0),
    "exp": (np.exp, [-INF, -800.0], 0, 0),
    "exp2": (np.exp2, [-INF], 0, 0),
    "expm1": (np.expm1, [-INF], 0, 0),
    "log": (np.log, [INF, MAX, 0.0], [0, 1 / MAX, INF], [0, 0, -INF]),
    "log1p": (np.log1p, [INF, -1.0], [0, INF], [0, -INF]),
    "log2": (np.log2, [INF], 0, 0),
    "log10": (np.log10, [INF], 0, 0),
    "square": (np.square, [INF, -INF, LEAST], [INF, -INF, 1e-323], 2),
    "tanh": (np.tanh, [INF, -INF, MAX, LEAST], [0, 0, 0, 1], [0, 0, 0, -1e-323]),
    "arctan": (np.arctan, [INF, -INF, MAX, -MAX, LEAST], [0, 0, 0, 0, 1], [0, 0, 0, 0, -1e-323]),
    "arcsinh": (np.arcsinh, [INF, -INF, MAX, -MAX, LEAST], [0, 0, 0, 0, 1], [0, 0, 0, 0, -LEAST]),
    "arccosh": (np.arccosh, [INF, 1.0], [0, INF], [0, -INF]),
    "arctanh": (np.arctanh, [1.0, -1.0], INF, [INF, -INF]),
    "arcsin": (np.arcsin, [1.0, -1.0], INF, [INF, -INF]),
    "arccos": (np.arccos, [1.0, -1.0], -INF, [-INF, INF]),
    "abs": (np.abs, [INF, -INF], [1, -1], 0),
    "relu": (nn.relu, [INF, -INF], [1, 0], 0),
    "softplus": (nn.softplus, [INF, -INF, MAX, -MAX], [1, 0, 1, 0], 0),
    "elu": (nn.elu, [INF, -INF], [1, 0], 0),
    "expit": (sp.expit, [INF, -INF], 0, 0),
    "log_expit": (sp.log_expit, [INF, -INF], [0, 1], 0),
    "logit": (sp.logit, [0.0, 1.0], INF, [-INF, INF]),
    # two arguments
    "1 / x": (lambda x: 1.0 / x, [INF, -INF], 0, 0),
    "logaddexp beside a number": (lambda x: np.logaddexp(x, 1.0), [INF, -INF], [1, 0], 0),
    "logaddexp beside inf": (
        lambda x: np.logaddexp(INF, x), [INF, 1.0, -INF], [0.5, 0, 0], [0.25, 0, 0]
    ),
    "logaddexp beside -inf": (
        lambda x: np.logaddexp(x, -INF), [INF, 1.0, -INF], [1, 1, 0.5], [0, 0, 0.25]
    ),
    "logaddexp2 beside inf": (
        lambda x: np.logaddexp2(x, INF), [INF, 1.0], [0.5, 0], [0.25 * np.log(2), 0]
    ),
    "logaddexp2 beside -inf": (
        lambda x: np.logaddexp2(-INF, x), [1.0, -INF], [1, 0.5], [0, 0.25 * np.log(2)]
    ),
    "hypot": (lambda x: np.hypot(x, 2.0), [INF, -INF, 0.0], [1, -1, 0], [0, 0, 0.5]),
    "hypot beside inf": (lambda x: np.hypot(INF, x), [2.0, 0.0], 0, 0),
    "arctan2 in y": (lambda y: np.arctan2(y, 2.0), [INF, -INF, MAX], 0, 0),
    "arctan2 in x": (lambda x: np.arctan2(2.0, x), [INF, -INF, -MAX], 0, 0),
    "arctan2 beside inf": (lambda x: np.arctan2(INF, x), [1.0, INF, -INF], 0, 0),
    "arctan2 by inf": (lambda y: np.arctan2(y, -INF), [1.0, INF, -INF], 0, 0),
    "maximum": (lambda x: np.maximum(x, 0.0), [INF, -INF], [1, 0], 0),
    "fmod": (lambda x: np.fmod(2.0, x), [INF], 0, 0),
    "power 2": (lambda x: x**2.0, [0.0, INF, -INF], [0, INF, -INF], 2),
    "power 0": (lambda x: x**0.0, [0.0, INF], 0, 0),
    "power 1": (lambda x: x**1.0, [0.0, INF], 1, 0),
    "power -1": (lambda x: x**-1.0, [INF, -INF], 0, 0),
    "power of 0": (lambda y: np.power(0.0, y), [1.0, 2.0, INF], 0, 0),
    "power of 1": (lambda y: np.power(1.0, y), [INF, -INF, 0.0], 0, 0),
    "power of 2": (lambda y: np.power(2.0, y), [-INF], 0, 0),
    "xlogy in x": (lambda x: sp.xlogy(x, 2.0), [0.0, INF], np.log(2), 0),
    "xlogy in y": (lambda y: sp.xlogy(0.0, y), [0.0, 2.0, INF], 0, 0),
    "xlogy at inf": (lambda y: sp.xlogy(2.0, y), [INF], 0, 0),
    "xlog1py": (lambda y: sp.xlog1py(0.0, y), [-1.0, INF], 0, 0),
    "entr": (sp.entr, [0.0, INF], [INF, -INF], [-INF, 0]),
    "rel_entr": (lambda y: sp.rel_entr(2.0, y), [INF], 0, 0),
    "kl_div": (lambda y: sp.kl_div(2.0, y), [INF], 1, 0),
    # the error function and its relatives
    "erf": (sp.erf, [INF, -INF, MAX], 0, 0),
    "erfc": (sp.erfc, [INF, -INF, MAX], 0, 0),
    "erfcx": (sp.erfcx, [INF, MAX], 0, 0),
    "dawsn": (sp.dawsn, [INF, -INF, MAX], 0, 0),
    "ndtr": (sp.ndtr, [INF, -INF, -MAX], 0, 0),
    "log_ndtr": (sp.log_ndtr, [INF, -INF, -1e200], [0, INF, 1e200], [0, -1, -1]),
    "ndtri_exp": (sp.ndtri_exp, [-INF], 0, 0),
    "owens_t in h": (lambda h: sp.owens_t(h, 0.5), [INF, -INF], 0, 0),
    "owens_t in a": (lambda a: sp.owens_t(0.5, a), [INF, -INF], 0, 0),
    # Bessel functions
    "i0": (sp.i0, [LEAST, 0.0], 0, 0.5),
    "np.i0": (np.i0, [LEAST, 1e-200, 0.0], [0, 5e-201, 0], 0.5),
    "i1": (sp.i1, [LEAST, 0.0], 0.5, 0),
    "i0e": (sp.i0e, [INF, -INF], 0, 0),
    "i1e": (sp.i1e, [INF, -INF], 0, 0),
    "k0": (sp.k0, [INF, 0.0], [0, -INF], [0, INF]),
    "k1": (sp.k1, [INF, 0.0], [0, -INF], [0, INF]),
    "k0e": (sp.k0e, [INF], 0, 0),
    "k1e": (sp.k1e, [INF], 0, 0),
    "struve": (lambda x: sp.struve(0.0, x), [0.0], 2 / np.pi, 0),
    "modstruve": (lambda x: sp.modstruve(0.0, x), [0.0], 2 / np.pi, 0),
    "itstruve0": (sp.itstruve0, [0.0, LEAST], 0, 2 / np.pi),
    "itairy": (lambda x: sp.itairy(x)[0], [INF], 0, 0),
    # gamma functions and distributions
    "gammaln": (sp.gammaln, [INF], INF, 0),
    "rgamma": (sp.rgamma, [INF, 300.0], 0, 0),
    "beta": (lambda a: sp.beta(a, 2.0), [INF], 0, 0),
    "gammainc": (lambda x: sp.gammainc(2.0, x), [INF], 0, 0),
    "gammaincc": (lambda x: sp.gammaincc(0.5, x), [INF], 0, 0),
    "chdtr": (lambda x: sp.chdtr(3.0, x), [INF], 0, 0),
    "pdtr": (lambda m: sp.pdtr(2.0, m), [INF], 0, 0),
    "stdtr in t": (lambda t: sp.stdtr(3.0, t), [INF, -INF], 0, 0),
    "stdtr of the normal": (lambda t: sp.stdtr(INF, t), [1.0, -INF], [NORMAL, 0], [-NORMAL, 0]),
    "stdtr in df": (lambda df: sp.stdtr(df, 2.0), [INF], 0, 0),
    "fdtr": (lambda x: sp.fdtr(2.0, 3.0, x), [INF], 0, 0),
    "voigt": (lambda x: sp.voigt_profile(x, 1.0, 0.5), [INF, -INF], 0, 0),
    "chndtr": (lambda x: sp.chndtr(x, 2.0, 1.0), [INF], 0, 0),
    "gamma.pdf": (lambda x: stats.gamma.pdf(x, 2.0), [0.0, INF], [1, 0], [-2, 0]),
    "chi2.pdf": (lambda x: stats.chi2.pdf(x, 4.0), [0.0, INF], [0.25, 0], [-0.25, 0]),
    "beta.pdf": (lambda x: stats.beta.pdf(x, 2.0, 3.0), [0.0, 1.0], [12, 0], [-48, 24]),
    "boxcox": (lambda x: sp.boxcox(x, 2.0), [0.0], 0, 1),
    "boxcox1p": (lambda x: sp.boxcox1p(x, 3.0), [-1.0], 0, 0),
    "boxcox of the identity": (lambda x: sp.boxcox(x, 1.0), [INF, 0.0], 1, 0),
    "inv_boxcox": (lambda y: sp.inv_boxcox(y, 1.0), [INF, -1.0], 1, 0),
    "inv_boxcox of the logarithm": (lambda y: sp.inv_boxcox(y, 0.0), [-INF], 0, 0),
    "pseudo_huber": (lambda r: sp.pseudo_huber(2.0, r), [INF, -INF], [2, -2], 0),
    # others
    "wrightomega": (sp.wrightomega, [INF, -INF], [1, 0], 0),
    "si": (lambda x: sp.sici(x)[0], [INF, -INF], 0, 0),
    "ci": (lambda x: sp.sici(x)[1], [INF], 0, 0),
    "zetac": (sp.zetac, [INF, MAX], 0, 0),
    "ellipk": (sp.ellipk, [-INF], 0, 0),
    "ellipkm1": (sp.ellipkm1, [INF], 0, 0),
    "ellipe": (sp.ellipe, [-INF], 0, 0),
}  # fmt: skip


def pushed(f: Function) -> Function:
    """The derivative of an elementwise function by forward mode."""
    return lambda x: wg.jvp(f, (x,), (np.ones_like(x),))[1]


def summed(f: Function) -> Function:
    """The same by reverse mode."""
    return wg.grad(lambda x: np.sum(f(x)))


FIRST: dict[str, Callable[[Function], Function]] = {
    "reverse": summed,
    "forward": pushed,
    "vmap of reverse": lambda f: wg.vmap(wg.grad(f)),
    "vmap of forward": lambda f: wg.vmap(pushed(f)),
    "linearize": lambda f: lambda x: wg.linearize(f, x)[1](np.ones_like(x)),
}
SECOND: dict[str, Callable[[Function], Function]] = {
    "reverse over reverse": lambda f: summed(summed(f)),
    "forward over reverse": lambda f: pushed(summed(f)),
    "reverse over forward": lambda f: summed(pushed(f)),
    "forward over forward": lambda f: pushed(pushed(f)),
    "hvp": lambda f: lambda x: wg.hvp(lambda x: np.sum(f(x)), x, np.ones_like(x)),
    "vmap of reverse over reverse": lambda f: wg.vmap(wg.grad(wg.grad(f))),
    "vmap of forward over reverse": lambda f: wg.vmap(pushed(wg.grad(f))),
    "vmap of reverse over forward": lambda f: wg.vmap(wg.grad(pushed(f))),
    "vmap of forward over forward": lambda f: wg.vmap(pushed(pushed(f))),
}


def expected(name: str, dtype: Any) -> tuple[Function, Any, Any, Any]:
    f, points, first, second = POINTS[name]
    x = np.array(points).astype(dtype)
    return f, x, np.broadcast_to(first, x.shape), np.broadcast_to(second, x.shape)


def check(found: Any, limit: Any, message: str) -> None:
    eps = np.finfo(found.dtype).eps
    tiny = np.finfo(found.dtype).tiny
    np.testing.assert_allclose(found, limit, rtol=10 * eps, atol=tiny, err_msg=message)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", POINTS)
def test_arrays(name: str) -> None:
    f, x, first, second = expected(name, np.float64)
    for mode, of in FIRST.items():
        check(of(f)(x), first, mode)
    for mode, of in SECOND.items():
        check(of(f)(x), second, mode)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", POINTS)
def test_numbers(name: str) -> None:
    f, points, first, second = expected(name, np.float64)
    for x, slope, bend in zip(points, first, second, strict=True):
        for mode in ("reverse", "forward", "linearize"):
            check(FIRST[mode](f)(x), slope, mode)
        for mode, of in SECOND.items():
            if not mode.startswith("vmap"):
                check(of(f)(x), bend, mode)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", POINTS)
def test_compiled(name: str) -> None:
    f, x, first, second = expected(name, np.float64)
    modes = ["reverse", "forward", *list(SECOND)[:4]]
    both = [(FIRST | SECOND)[mode](f) for mode in modes]
    for mode, found in zip(modes, wg.jit(lambda x: [of(x) for of in both])(x), strict=True):
        check(found, first if mode in FIRST else second, mode)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    "name", [n for n, row in POINTS.items() if all(np.isinf(x) or abs(x) < 1e3 for x in row[1])]
)
def test_single_precision(name: str) -> None:
    f, x, first, second = expected(name, np.float32)
    if any(0 < abs(p) < 1e-30 for p in POINTS[name][1]):
        return  # 0 in single precision, whose limits are in other rows
    for mode in ("reverse", "forward"):
        check(np.float32(FIRST[mode](f)(x)), first, mode)
    for mode in list(SECOND)[:4]:
        check(np.float32(SECOND[mode](f)(x)), second, mode)
    assert summed(f)(x).dtype == summed(summed(f))(x).dtype == np.float32


def test_without_a_limit_there_is_none() -> None:
    """Both infinite: what the slope of the hypotenuse approaches depends on how."""
    for compiled in (lambda f: f, wg.jit):
        with np.errstate(all="ignore"):
            assert np.isnan(compiled(wg.grad(np.hypot))(INF, INF))


@pytest.mark.parametrize("first", [-INF, INF])
def test_shares_of_equal_infinities(first: float) -> None:
    """They tie; the gradients add up to 1, as everywhere, and the Hessian's rows to 0."""

    def f(x: Any) -> Any:
        return np.logaddexp(x[0], x[1])

    x = np.full(2, first)
    np.testing.assert_array_equal(wg.grad(f)(x), [0.5, 0.5])
    for hessian in (wg.hessian(f), wg.jacfwd(wg.grad(f)), wg.jacrev(wg.jacfwd(f))):
        np.testing.assert_array_equal(hessian(x), [[0.25, -0.25], [-0.25, 0.25]])


@pytest.mark.parametrize("f", [np.hypot, np.arctan2])
def test_hessians_beside_infinity_vanish(f: Any) -> None:
    for point in ([INF, 1.0], [1.0, -INF]):
        x = np.array(point)
        for hessian in (
            wg.hessian,
            lambda g: wg.jacfwd(wg.grad(g)),
            lambda g: wg.jit(wg.hessian(g)),
        ):
            assert not hessian(lambda x: f(x[0], x[1]))(x).any()


def test_sqrt_of_maximum_of_a_number() -> None:
    """In reverse mode it was NaN; arrays had the documented 0."""
    for f in (lambda x: np.sqrt(np.maximum(x, 0.0)), lambda x: np.sqrt(np.clip(x, 0.0, 9.0))):
        for x in (-1.0, np.array(-1.0)):
            assert wg.grad(f)(x) == 0
            assert wg.grad(wg.grad(f))(x) == 0
    assert wg.grad(wg.grad(lambda x: sp.airye(x)[2]))(-2.0) == pytest.approx(-2 * sp.airye(-2.0)[2])
