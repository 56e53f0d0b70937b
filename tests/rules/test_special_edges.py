"""Derivatives of special functions at the edges of their domains, and where formulas cancel.

The numbers were computed with mpmath 1.3 to 40 digits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.special as sp

import wengert as wg


def both_modes(f: Any, args: tuple[float, ...], i: int) -> Any:
    """The derivative in one argument, after a check that the modes agree, also to second order."""

    def of_one(x: Any) -> Any:
        return f(*args[:i], x, *args[i + 1 :])

    x = float(args[i])
    with np.errstate(all="ignore"):
        slope = wg.grad(of_one)(x)
        np.testing.assert_allclose(wg.jvp(of_one, (x,), (1.0,))[1], slope, rtol=1e-13)
        bend = wg.grad(wg.grad(of_one))(x)
        np.testing.assert_allclose(
            wg.jvp(wg.grad(of_one), (x,), (1.0,))[1], bend, rtol=1e-12, atol=1e-15
        )
    return slope


@pytest.mark.parametrize(
    ("f", "args", "i"),
    [
        (sp.kn, (1.7, 0.8), 1),
        (sp.kn, (-0.5, 0.8), 1),
        (sp.yn, (1.7, 0.8), 1),
        (sp.expn, (2.9, 0.8), 1),
        (sp.expn, (-0.9, 0.8), 1),
        (sp.bdtr, (1.3, 5.8, 0.4), 2),
        (sp.bdtrc, (1.3, 5.8, 0.4), 2),
        (sp.bdtri, (1.3, 5.8, 0.4), 2),
        (sp.nbdtrc, (-0.3, 5.8, 0.4), 2),
        (sp.nbdtri, (-0.3, 5.8, 0.4), 2),
        (sp.pdtri, (-0.3, 0.4), 1),
    ],
)
@pytest.mark.filterwarnings("ignore:floating point number truncated")
@pytest.mark.filterwarnings("ignore:non-integer arg n is deprecated")
def test_orders_and_counts_are_truncated_as_scipy_does(
    f: Any, args: tuple[float, ...], i: int
) -> None:
    """The derivative used to be that at another order than the value."""
    slope = both_modes(f, args, i)
    h = 1e-5
    up, down = list(args), list(args)
    up[i] += h
    down[i] -= h
    np.testing.assert_allclose(slope, (f(*up) - f(*down)) / (2 * h), rtol=1e-7)


@pytest.mark.parametrize(
    ("f", "args", "slopes"),
    [
        (sp.elliprc, (34.004566, -4.040858), (-0.00155300886343, 0.0227721497831)),
        (
            sp.elliprj,
            (4.188692, 75.105097, 1.0, -0.065664),
            (-0.0250321104402, -0.00171874450029, -0.0730011311493, 1.38767530038),
        ),
        (sp.elliprg, (0.0, 0.959643, 0.0), (None, 0.255202637693, None)),
        (sp.binom, (1.0, 3.0), (-1 / 6, 1 / 6)),
        (sp.poch, (0.0, -3.205264), (0.66917441424, 0.0)),
        (sp.poch, (-2.0, 2.0), (-3.0, None)),
        (sp.boxcox, (0.0, 1.701529), (None, 0.345399169684)),
        (sp.boxcox1p, (-1.0, 1.701529), (None, 0.345399169684)),
        (
            sp.hyp2f1,
            (1.228561, 79.431533, -7.244862, -0.360033),
            (0.146366337152, 0.0155126123186, -1.56162689843, -3.33543200505),
        ),
        (sp.hyp2f1, (1.480702, 0.0, 27.158247, 1.224007), (None, None, None, 0.0)),
        (
            sp.voigt_profile,
            (3.0, 0.005252, 12.67148),
            (None, -1.16067267484e-6, None),
        ),
    ],
)
def test_slopes_against_mpmath(
    f: Any, args: tuple[float, ...], slopes: tuple[float | None, ...]
) -> None:
    for i, slope in enumerate(slopes):
        if slope is not None:
            np.testing.assert_allclose(both_modes(f, args, i), slope, rtol=1e-10, atol=1e-14)


def test_a_voigt_profile_without_gaussian_is_the_lorentz_profile() -> None:
    def lorentz(x: Any, gamma: Any) -> Any:
        return gamma / (np.pi * (x * x + gamma * gamma))

    for args in ((0.3, 0.5), (-2.0, 0.1)):
        for i in range(2):
            with np.errstate(all="ignore"):
                slope = wg.grad(lambda x, g: sp.voigt_profile(x, 0.0, g), i)(*args)
            np.testing.assert_allclose(slope, wg.grad(lorentz, i)(*args), rtol=1e-13)
    # the heat equation: sigma is twice as often in its second derivative as x
    with np.errstate(all="ignore"):
        bend = wg.grad(wg.grad(lambda s: sp.voigt_profile(0.3, s, 0.5)))(0.0)
    np.testing.assert_allclose(bend, wg.grad(wg.grad(lorentz))(0.3, 0.5), rtol=1e-13)


@pytest.mark.parametrize(
    ("f", "args", "i"),
    [
        (sp.betaincinv, (3.0, 2.0, 0.0), 0),
        (sp.betaincinv, (3.0, 2.0, 0.0), 1),
        (sp.betainccinv, (5.0, 3.0, 1.0), 0),
        (sp.gammaincinv, (4.0, 0.0), 0),
        (sp.fdtr, (0.7, 1.2, 0.0), 0),
        (sp.fdtr, (0.7, 1.2, 0.0), 1),
        (sp.gdtr, (0.5, 0.1, 0.0), 0),
        (sp.gdtrc, (0.5, 0.9, 0.0), 0),
        (sp.gdtr, (0.0, 0.5, 2.0), 2),
        (sp.gdtrix, (0.5, 2.0, 0.0), 0),
        (sp.chndtrix, (0.0, 4.0, 0.2), 2),
        (sp.betainc, (2.0, 0.0, 0.3), 0),
        (sp.betainc, (0.0, 2.0, 0.3), 1),
        (sp.agm, (2.0, 0.0), 0),
        (sp.pdtrik, (0.007, 1.96), 1),  # P(0) is greater: the search ends at 0
        (sp.stdtridf, (0.01, -0.87), 1),  # at 1e10
    ],
)
def test_where_the_function_is_constant_the_derivative_is_0(
    f: Any, args: tuple[float, ...], i: int
) -> None:
    """It was NaN, 0 times infinity, or at the end of a search that of an implicit function."""
    others = [list(args), list(args)]
    others[0][i] += 0.01
    others[1][i] += 0.02
    assert f(*args) == f(*others[0]) == f(*others[1])
    with np.errstate(all="ignore"):
        assert wg.grad(lambda x: f(*args[:i], x, *args[i + 1 :]))(args[i]) == 0.0
        assert wg.jvp(lambda x: f(*args[:i], x, *args[i + 1 :]), (args[i],), (1.0,))[1] == 0.0


@pytest.mark.parametrize("i", [0, 1])
@pytest.mark.parametrize("shapes", [(2.0, 3.0), (0.5, 2.0), (1.0, 1.0)])
@pytest.mark.parametrize("end", [0.0, 1.0])
def test_the_ends_of_inverses_do_not_move(end: float, shapes: tuple[float, float], i: int) -> None:
    """Regression: the second derivative in a shape was NaN, 0 times infinity."""
    functions = [
        lambda s, f=f: f(*shapes[:i], s, *shapes[i + 1 :], end)
        for f in (sp.betaincinv, sp.betainccinv)
    ]
    functions += [lambda s, f=f: f(s, end) for f in (sp.gammaincinv, sp.gammainccinv)]
    for f in functions:
        with np.errstate(all="ignore"):
            assert wg.grad(f)(shapes[i]) == 0.0
            assert wg.grad(wg.grad(f))(shapes[i]) == 0.0
            assert wg.derivative(wg.derivative(f))(shapes[i]) == 0.0
            assert wg.grad(wg.derivative(f))(shapes[i]) == 0.0


def test_the_kink_of_owens_t_with_an_infinite_slope() -> None:
    for f in (lambda h: sp.owens_t(h, np.inf), lambda h: sp.owens_t(h, -np.inf)):
        assert wg.grad(f)(0.0) == wg.derivative(f)(0.0) == 0.0


def test_the_mean_with_0_rises_vertically() -> None:
    with np.errstate(all="ignore"):
        assert wg.grad(sp.agm, 1)(2.0, 0.0) == np.inf


@pytest.mark.parametrize(
    ("f", "which", "at_zero", "x", "slope"),
    [
        # slopes: x/4 + x^3/64 + ..., x/4 - x^3/64 + ..., -2/pi (1 - x^2/9 + ...)
        (sp.it2i0k0, 0, 0.0, 1e-9, 2.5e-10),
        (sp.it2j0y0, 0, 0.0, 1e-9, 2.5e-10),
        (sp.it2struve0, None, -2 / np.pi, 1e-9, -2 / np.pi),
    ],
)
def test_quotients_near_zero(f: Any, which: Any, at_zero: float, x: float, slope: float) -> None:
    """They were 0 / 0, and lost digits near 0."""

    def g(x: Any) -> Any:
        y = f(x)
        return y if which is None else y[which]

    with np.errstate(all="ignore"):
        np.testing.assert_allclose(wg.grad(g)(0.0), at_zero, rtol=1e-14)
        np.testing.assert_allclose(wg.grad(g)(x), slope, rtol=1e-14)
        left, right = wg.grad(g)(np.nextafter(1.0, 0)), wg.grad(g)(1.0)
        np.testing.assert_allclose(left, right, rtol=1e-13)
        np.testing.assert_allclose(
            wg.grad(wg.grad(g))(np.nextafter(1.0, 0)), wg.grad(wg.grad(g))(1.0), rtol=1e-12
        )


def test_a_power_series_that_cancels_gives_nan_and_no_wrong_number() -> None:
    """The value was wrong in the fourth digit: -1.9140e-7 for -1.91358e-7."""
    slope = wg.grad(sp.hyp1f1)(60.962565, 4.897261, -6.966488)
    assert np.isnan(slope)
    near = wg.grad(sp.hyp1f1)(10.0, 2.0, -2.0)
    np.testing.assert_allclose(near, 0.00012434, rtol=1e-4)


@pytest.mark.parametrize(
    ("df", "t", "first", "second"),
    [
        (3.0, -1e8, -1.9309258893455436e-23, 3.3836164768821004e-22),
        (3.0, -1e3, -6.61442096703095e-09, 3.990390169331092e-08),
        (30.0, -9.0, -7.552546927209593e-11, 2.5099097556443178e-11),
        (2.5, 1.7, 0.02110186046501008, -0.014939133014255264),
    ],
)
def test_students_distribution_in_its_tails(
    df: float, t: float, first: float, second: float
) -> None:
    """The slope in the degrees of freedom came from 1 - w: 1.8 times too large at t = -1e8."""
    in_df = wg.grad(lambda df: sp.stdtr(df, t))
    np.testing.assert_allclose(in_df(df), first, rtol=1e-12)
    np.testing.assert_allclose(wg.grad(in_df)(df), second, rtol=1e-12)


def test_slopes_at_zero_that_are_products_with_infinity() -> None:
    """They were NaN. RG_x(0, y, z) is RF(0, y, z) / 4; the density of two degrees of freedom."""
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(
            wg.grad(sp.elliprg)(0.0, 1.0, 2.0), sp.elliprf(0.0, 1.0, 2.0) / 4, rtol=1e-14
        )
        np.testing.assert_allclose(
            wg.grad(lambda x: sp.chndtr(x, 2.0, 1.0))(0.0), 0.5 * np.exp(-0.5), rtol=1e-14
        )


@pytest.mark.parametrize(
    ("f", "x", "slope", "bend"),
    [
        (sp.log_ndtr, -49.5, 49.520185563987496, -0.9995928743746948),
        (sp.log_ndtr, -50.5, 50.51978648111454, -0.9996088011190107),
        (sp.log_ndtr, -1e6, 1000000.000001, -0.999999999999),
        (sp.dawsn, 50.5, -0.00019617464072356987, 7.773868709793973e-06),
        (sp.dawsn, 1e3, -5.00000750001875e-07, 1.00000300001125e-09),
        (sp.erfcx, 1e3, -5.641887372654967e-07, 1.1283757819707055e-09),
        (sp.ndtri_exp, -3.0, 0.48437983837444076, 0.09797276017831785),
        (sp.ndtri_exp, -1e3, 0.02240236768623081, 1.1237357221835882e-05),
    ],
)
def test_tails_against_mpmath(f: Any, x: float, slope: float, bend: float) -> None:
    """Far out the formulas cancelled: the second derivative of dawsn at 1e8 was -1e-8."""
    np.testing.assert_allclose(both_modes(f, (x,), 0), slope, rtol=1e-13)
    np.testing.assert_allclose(wg.grad(wg.grad(f))(x), bend, rtol=1e-11)


@pytest.mark.parametrize(
    ("f", "x", "slope"),
    [
        (sp.i0e, 1e10, -1.994711402081965e-16),
        (sp.i1e, 2e6, -7.052365827387911e-11),
        (sp.i1e, 1e10, -1.9947114017827584e-16),
        (sp.k0e, 1e10, -6.266570686342505e-16),
        (sp.k1e, 1e10, -6.266570687282491e-16),
    ],
)
def test_scaled_bessel_functions_far_out(f: Any, x: float, slope: float) -> None:
    """SciPy has no function of order 2 there: the derivative was NaN. It is as exact as f."""
    for g in (wg.grad(f), wg.grad(wg.grad(f))):
        assert np.isfinite(g(x))
    np.testing.assert_allclose(both_modes(f, (x,), 0), slope, atol=2e-16 * f(x))
