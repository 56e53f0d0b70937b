"""Derivatives of special functions where they are hard: against mpmath, and at singular points.

The numbers were computed with mpmath 1.3 to 60 digits: ``diff`` of ``gammainc``, ``betainc``,
``zeta``, ``psi``, ``hyp1f1``, ``hyp2f1`` and ``ellipk``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special as sp

import wengert as wg
from wengert.rules.special import parameter_series
from wengert.scipy import special


def nth(f: Callable[..., Any], args: tuple[float, ...], *positions: int) -> float:
    """A mixed derivative by nested forward mode."""
    if not positions:
        return f(*args)  # type: ignore[no-any-return]
    i = positions[0]

    def slope(*xs: Any) -> Any:
        tangents = tuple(float(k == i) for k in range(len(xs)))
        return wg.jvp(f, xs, tangents)[1]

    return nth(slope, args, *positions[1:])


@pytest.mark.parametrize(
    ("a", "x", "first", "second"),
    [
        (1e-3, 0.5, -0.5603594001080031, -0.5848512398697082),
        (2.5, 40.0, -2.526786070482876e-15, -7.197186330457072e-15),
        (2.5, 1.5, -0.2521754004236278, 0.1365540334550095),
        (800.0, 790.0, -0.01332806662859033, 0.0001676700496171026),
        (50.0, 1.0, -4.839241544364022e-65, 1.895694011305707e-64),
        (1e4, 1.01e4, -0.002415688003176367, -2.403709316633731e-5),
    ],
)
def test_gammainc_in_a(a: float, x: float, first: float, second: float) -> None:
    np.testing.assert_allclose(nth(sp.gammainc, (a, x), 0), first, rtol=1e-11)
    np.testing.assert_allclose(nth(sp.gammainc, (a, x), 0, 0), second, rtol=1e-9)
    np.testing.assert_allclose(nth(sp.gammaincc, (a, x), 0), -first, rtol=1e-11)


@pytest.mark.parametrize(
    ("args", "in_a", "in_b", "mixed", "twice_in_b"),
    [
        (
            (0.01, 0.02, 0.3),
            *(-22.58844924054626, 11.02759578976957, 358.6879522563854, -734.3918382665687),
        ),
        (
            (2.0, 3.0, 0.999),
            *(-4.327084533666821e-9, 2.661129785009167e-8),
            *(2.792456271581873e-8, -1.769234856808335e-7),
        ),
        (
            (500.0, 30.0, 0.95),
            *(-0.003342058247881921, 0.05974422898495303),
            *(0.0003648942009794059, -0.007549585228314154),
        ),
        (
            (1.5, 80.0, 0.01),
            *(-0.3605206006605405, 0.004546505751505643),
            *(-0.001152021643562598, -1.736752489052087e-5),
        ),
    ],
)
def test_betainc_in_a_and_b(
    args: tuple[float, ...], in_a: float, in_b: float, mixed: float, twice_in_b: float
) -> None:
    np.testing.assert_allclose(nth(sp.betainc, args, 0), in_a, rtol=1e-10)
    np.testing.assert_allclose(nth(sp.betainc, args, 1), in_b, rtol=1e-10)
    np.testing.assert_allclose(nth(sp.betainc, args, 0, 1), mixed, rtol=1e-9)
    np.testing.assert_allclose(nth(sp.betainc, args, 1, 1), twice_in_b, rtol=1e-9)


def test_third_derivatives_of_the_incomplete_functions() -> None:
    """By differences of the second ones."""
    for f, args, i in ((sp.gammainc, (2.3, 1.7), 0), (sp.betainc, (2.3, 1.2, 0.4), 1)):
        h = 1e-5
        above = nth(f, tuple(v + h * (k == i) for k, v in enumerate(args)), i, i)
        below = nth(f, tuple(v - h * (k == i) for k, v in enumerate(args)), i, i)
        np.testing.assert_allclose(nth(f, args, i, i, i), (above - below) / (2 * h), rtol=1e-7)


@pytest.mark.parametrize(
    ("s", "q", "slope"),
    [
        (1.0001, 1.0, -99999999.92720715),
        (2.5, 0.1, 727.6942065121685),
        (30.0, 3.0, -5.337093454802828e-15),
    ],
)
def test_zeta_in_s(s: float, q: float, slope: float) -> None:
    np.testing.assert_allclose(wg.grad(special.zeta)(s, q), slope, rtol=1e-11)


@pytest.mark.parametrize(
    ("s", "slope"),
    [
        (-3.5, 0.009154213629941512),
        (-0.2, -0.6122097851734888),
        (0.0, -0.9189385332046727),
        (0.5, -3.922646139209152),
    ],
)
def test_riemann_zeta(s: float, slope: float) -> None:
    np.testing.assert_allclose(wg.grad(special.zeta)(s), slope, rtol=1e-12)


def test_the_rest_against_mpmath() -> None:
    x = -150.0
    np.testing.assert_allclose(nth(sp.log_ndtr, (x,), 0), 150.0066660742057, rtol=1e-14)
    np.testing.assert_allclose(nth(sp.log_ndtr, (x,), 0, 0), -0.9999555674030199, rtol=1e-10)
    z = np.array(-4.3 + 0.7j)
    first = wg.holomorphic_grad(sp.psi)(z)
    second = wg.holomorphic_grad(lambda z: special.polygamma(1, z))(z)
    np.testing.assert_allclose(first, -0.04381448088947744 + 0.4251890832662491j, rtol=1e-12)
    np.testing.assert_allclose(second, -2.851259959866624 + 1.048885706652683j, rtol=1e-12)
    np.testing.assert_allclose(
        nth(sp.hyp1f1, (1.2, 2.3, -30.0), 0), -0.07808667098617725, rtol=1e-11
    )
    slope = nth(sp.hyp2f1, (1.2, 0.7, 1.9, 0.95), 2)
    np.testing.assert_allclose(slope, -2.641020156216789, rtol=1e-11)
    np.testing.assert_allclose(nth(sp.stdtr, (2.5, 3.0), 0), 0.01812979095737399, rtol=1e-12)
    np.testing.assert_allclose(nth(sp.ellipk, (1e-9,), 0, 0), 0.4417864678314531, rtol=1e-12)


# ------------------------------------------------------------------ singular points


def test_limits() -> None:
    assert wg.grad(sp.gammainc, (0, 1))(2.0, 0.0) == (0.0, 0.0)
    assert wg.grad(sp.gammainc)(2.0, np.inf) == 0.0
    np.testing.assert_allclose(wg.grad(sp.gammainc)(0.0, 3.0), -sp.exp1(3.0), rtol=1e-12)
    assert wg.grad(sp.betainc, (0, 1))(2.0, 3.0, 0.0) == (0.0, 0.0)
    assert wg.grad(sp.betainc, (0, 1))(2.0, 3.0, 1.0) == (0.0, 0.0)
    np.testing.assert_allclose(wg.grad(sp.rgamma)(-3.0), -6.0)  # (-1)^n n!
    assert wg.grad(sp.xlogy, (0, 1))(0.0, 2.0) == (math.log(2), 0.0)
    assert wg.grad(sp.xlogy, 1)(0.0, 0.0) == 0.0
    assert wg.grad(sp.i0e)(0.0) == 0.0
    assert wg.grad(sp.exprel)(0.0) == 0.5
    np.testing.assert_allclose(wg.grad(sp.spence)(1.0), -1.0)
    np.testing.assert_allclose(wg.grad(sp.ellipk)(0.0), math.pi / 8)
    np.testing.assert_allclose(wg.grad(sp.boxcox, 1)(2.0, 0.0), math.log(2) ** 2 / 2)
    np.testing.assert_allclose(nth(sp.stdtr, (3.0, 0.0), 0, 1), nth(sp.stdtr, (3.0, 0.0), 1, 0))
    assert wg.grad(lambda x: special.diric(x, 5))(0.0) == 0.0


def test_a_branch_not_taken_does_not_poison() -> None:
    x = np.array([-1.0, 0.0, 2.0])
    for f in (sp.entr, sp.gammaln, sp.logit, sp.y0, sp.k1, sp.exp1, sp.erfinv):
        g = wg.grad(lambda x, f=f: np.sum(np.where(x > 5, f(x), x)))(x)
        np.testing.assert_array_equal(g, np.ones(3))


def test_invalid_arguments_give_nan() -> None:
    for args in ((-1.0, 2.0), (2.0, -1.0), (np.nan, 1.0), (1.0, np.nan)):
        assert np.isnan(wg.grad(sp.gammainc)(*args))
    assert np.isnan(wg.grad(sp.betainc)(2.0, 3.0, 1.5))
    assert np.isnan(wg.grad(sp.hyp2f1)(1.0, 2.0, 3.0, 0.99999))


# ------------------------------------------------------------------ errors


@pytest.mark.parametrize(
    ("f", "argument"),
    [
        (lambda v: sp.jv(v, 1.0), "v"),
        (lambda n: sp.eval_legendre(n, 0.3), "n"),
        (lambda v: sp.hyp0f1(v, 0.3), "v"),
        (lambda v: sp.chndtr(1.0, v, 2.0), "df"),
    ],
)
def test_arguments_without_derivative(f: Callable[[Any], Any], argument: str) -> None:
    for transform in (wg.grad(f), lambda x: wg.jvp(f, (x,), (1.0,))):
        with pytest.raises(wg.NoRuleError, match=f"cannot be differentiated with .* {argument} "):
            transform(1.5)
    assert wg.grad(lambda x: f(wg.stop_gradient(x)) * x)(1.5) == f(1.5)


def test_integers_of_functions() -> None:
    for call in (
        lambda n: special.polygamma(n, 1.0),
        lambda n: special.spherical_jn(n, 1.0),
        lambda n: special.sph_harm_y(n, 0, 1.0, 1.0),
        lambda n: special.lambertw(1.0, n),
        lambda n: special.diric(1.0, n),
    ):
        with pytest.raises(wg.NoRuleError, match="is being differentiated, and it is an integer"):
            wg.jvp(call, (2.0,), (1.0,))


def test_orders_may_be_batched() -> None:
    orders, x = np.array([0.0, 1.0, 2.5]), np.array([0.3, 1.2, 2.0])
    found = wg.vmap(wg.grad(sp.jv, 1))(orders, x)
    np.testing.assert_allclose(found, sp.jvp(orders, x))


def test_options_that_need_plain_values() -> None:
    with pytest.raises(wg.NoRuleError, match="exact=True"):
        wg.grad(lambda n: special.comb(n, 2, exact=True))(5.0)
    with pytest.raises(wg.NoRuleError, match="diff_n=1"):
        wg.jvp(lambda z: special.legendre_p(2, z, diff_n=1), (0.3,), (1.0,))
    with pytest.raises(wg.WengertValueError, match=r"a must be greater than \(d - 1\) / 2 = 1.0"):
        wg.grad(lambda a: special.multigammaln(a, 3))(0.7)
    with pytest.raises(wg.WengertValueError, match="d must be a positive integer"):
        wg.grad(lambda a: special.multigammaln(a, 1.5))(0.7)
    with pytest.raises(wg.NoRuleError, match="complex arguments"):
        wg.holomorphic_grad(lambda z: sp.jve(1.0, z))(np.array(1.0 + 1j))
    with pytest.raises(wg.NoRuleError, match="third derivatives"):
        nth(sp.stdtr, (3.0, 1.0), 0, 0, 0)


# ------------------------------------------------------------------ sums of exponentials


@pytest.mark.parametrize("return_sign", [False, True])
def test_logsumexp_is_scipys(return_sign: bool) -> None:
    a = np.array([[1.0, 800.0, -3.0], [2.0, 0.5, -np.inf]])
    for b in (None, np.array([[1.0, 0.0, 2.0], [0.5, -2.0, 1.0]])):
        for axis in (None, 0, 1, (0, 1)):
            with np.errstate(invalid="ignore"):
                wanted = sp.logsumexp(a, axis, b, return_sign=return_sign)
                y = special.logsumexp(wg.Tensor(a, True), axis, b, return_sign=return_sign)
            y, wanted = (y, wanted) if return_sign else ((y,), (wanted,))
            for v, w in zip(y, wanted, strict=True):
                np.testing.assert_allclose(v.detach().array, w, rtol=1e-13)


def test_the_derivative_in_a_weight_of_zero() -> None:
    b = np.array([1.0, 0.0, 2.0])
    a = np.array([0.3, 1.2, -0.7])
    g = wg.grad(lambda b: special.logsumexp(a, b=b))(b)
    np.testing.assert_allclose(g, np.exp(a) / np.sum(b * np.exp(a)))


FAR_LEFT = [
    (1, -1000.2, 28.565852042507746),
    (1, -12345.25, 19.739127802644507),
    (1, -1e10 + 0.25, 2 * math.pi**2),  # pi^2 / sin(pi/4)^2 - 1e-10
    (2, -12345.25, 4 * math.pi**3),
    (1, -2000.0, math.inf),
    (2, -1e10, -math.inf),
]


@pytest.mark.parametrize(("n", "x", "expected"), FAR_LEFT)
def test_polygamma_far_to_the_left_returns(n: int, x: float, expected: float) -> None:
    # SciPy's zeta(2, x) adds up abs(x) terms.
    t = wg.Tensor(x)
    for orders in (n, np.array([n, n])):
        value = special.polygamma(orders, t).array
        tolerance = 2e-5 if n == 2 and math.isfinite(expected) else 1e-9
        np.testing.assert_allclose(value, np.full(np.shape(orders), expected), rtol=tolerance)


def test_hessians_of_gamma_functions_far_to_the_left_return() -> None:
    assert math.isinf(wg.derivative(wg.derivative(sp.gammaln))(-1e10))
    np.testing.assert_allclose(
        wg.derivative(wg.derivative(sp.gammaln))(-1e10 + 0.25), 2 * math.pi**2, rtol=1e-9
    )


@pytest.mark.parametrize(
    ("x", "first", "second"),
    [
        (-math.inf, 0.0, 0.0),
        (-1e10, 1e-20, 2e-30),
        (-30.1, 0.001103740576811919, 7.333824430362679e-05),
        (30.1, 379335862623.8512, 367166418571.6869),
        (math.inf, math.inf, math.inf),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
def test_exprel_far_out_returns(x: float, first: float, second: float) -> None:
    slope = wg.derivative(sp.exprel)
    np.testing.assert_allclose([slope(x), wg.derivative(slope)(x)], [first, second], rtol=1e-13)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_boxcox_of_infinity_returns() -> None:
    assert wg.grad(sp.boxcox, argnums=(0, 1))(math.inf, 2.0) == (math.inf, math.inf)
    assert wg.grad(sp.boxcox1p, argnums=1)(-1.0, -1.0) == math.inf


def test_hopeless_power_series_are_given_up_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    terms = 0
    times = parameter_series._times

    def counting(*args: Any) -> Any:
        nonlocal terms
        terms += 1
        return times(*args)

    monkeypatch.setattr(parameter_series, "_times", counting)
    assert math.isnan(wg.grad(sp.hyp1f1)(-1e6, 1.3, 40.0))
    assert math.isnan(wg.grad(sp.hyp2f1)(1.0, 2.0, 3.5, 0.9999))
    assert terms < 5000
    np.testing.assert_allclose(
        wg.grad(sp.hyp1f1, argnums=(0, 1))(1.0, 2.0, -500.0),
        (-0.013579639494453897, 0.0019959919678064503),
    )


def test_the_factorial_of_nan_is_nan() -> None:
    np.testing.assert_array_equal(
        special.factorial(wg.Tensor([math.nan, -1.0, 3.0])).array, [math.nan, 0.0, 6.0]
    )


def test_mathieu_and_spheroidal_functions_in_single_precision() -> None:
    # SciPy 1.17 returns NaN for these, or does not return.
    calls = [
        lambda x: sp.mathieu_cem(2, 1.3, x),
        lambda x: sp.mathieu_modsem2(2, 1.3, x),
        lambda x: sp.pro_rad1(1, 2, 3.0, x),
        lambda x: sp.obl_rad2(1, 2, 3.0, x),
    ]
    for call in calls:
        first = wg.elementwise_grad(lambda x, call=call: call(x)[0])
        second = wg.elementwise_grad(first)
        single, double = np.array([1.2, 1.7], np.float32), np.array([1.2, 1.7])
        for f in (first, second):
            assert f(single).dtype == np.float32
            np.testing.assert_allclose(f(single), f(double), rtol=1e-4)
    assert sp.pro_cv(1.0, 2.0, wg.Tensor(np.float32(3.0))).dtype == np.float32


def test_the_logarithm_of_the_sum_of_nothing() -> None:
    empty = np.zeros((2, 0))
    np.testing.assert_array_equal(special.logsumexp(wg.Tensor(empty), 1).array, [-np.inf] * 2)
    assert wg.grad(lambda x: special.logsumexp(x))(np.zeros(0)).shape == (0,)
    assert wg.hessian(lambda x: special.logsumexp(x))(np.zeros(0)).shape == (0, 0)
    assert special.softmax(wg.Tensor(empty), 1).shape == (2, 0)


def test_tukeys_lambda_far_out_returns() -> None:
    with np.errstate(all="ignore"):
        assert np.isfinite(wg.grad(sp.tklmbda, argnums=(0, 1))(0.3, -1e3)).any()
        wg.grad(sp.tklmbda, argnums=(0, 1))(0.3, -math.inf)
        wg.grad(sp.tklmbda, argnums=1)(-1e10, -1e10)


@pytest.mark.parametrize(
    ("f", "x", "second"),
    [
        (lambda x: sp.betainc(2.0, 3.0, x), 0.0, 12.0),
        (lambda x: sp.betainc(3.0, 2.0, x), 1.0, -12.0),
        (lambda x: sp.betainc(2.0, 3.0, x), 1.0, 0.0),
        (lambda x: sp.betainc(1.0, 2.0, x), 0.0, -2.0),
        (lambda x: sp.gammainc(2.0, x), 0.0, 1.0),
        (lambda x: sp.gammainc(3.0, x), 0.0, 0.0),
        (lambda x: sp.gammainc(1.0, x), 0.0, -1.0),
    ],
)
def test_second_derivatives_of_incomplete_functions_at_the_ends(
    f: Callable[[Any], Any], x: float, second: float
) -> None:
    # Through the logarithm of x they were 0 in reverse mode and NaN in forward mode.
    for outer in (wg.jacfwd, wg.jacrev):
        for inner in (wg.jacfwd, wg.jacrev):
            np.testing.assert_allclose(outer(inner(f))(x), second, atol=1e-12)


@pytest.mark.parametrize("x", [-40.0, -1.0, 0.0, 1.0, 40.0, math.inf])
def test_log_ndtr_in_the_tails(x: float) -> None:
    first = wg.derivative(sp.log_ndtr)(x)
    if x == -40.0:
        np.testing.assert_allclose(first, 40.02496885, rtol=1e-9)
    slope = math.exp(sp.log_ndtr(x)) if math.isfinite(x) else 1.0
    if x >= 0:
        np.testing.assert_allclose(
            first, math.exp(-0.5 * x * x) / math.sqrt(2 * math.pi) / slope, rtol=1e-12
        )
    if math.isfinite(x):
        second = -first * (x + first)
        for outer in (wg.jacfwd, wg.jacrev):
            for inner in (wg.jacfwd, wg.jacrev):
                value = outer(inner(sp.log_ndtr))(x)
                np.testing.assert_allclose(value, second, rtol=1e-8, atol=1e-300)


def test_functions_of_scipy_with_a_ufunc_behind_them() -> None:
    x = np.array([1.5, 2.5])
    for name, args in (("zeta", ()), ("zeta", (1.25,)), ("lambertw", ()), ("lambertw", (1,))):
        total = lambda module, x, name=name, args=args: np.sum(  # noqa: E731
            np.real(getattr(module, name)(x, *args))
        )
        found = wg.grad(lambda x, total=total: total(sp, x))(x)
        expected = wg.grad(lambda x, total=total: total(special, x))(x)
        np.testing.assert_array_equal(found, expected)
