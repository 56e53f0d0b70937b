"""Rounding, ufuncs with two results, sinc, i0, unwrap."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.special

import wengert as wg

from .compare import assert_numpys, constant, plain

RNG = np.random.default_rng(6)
X = RNG.normal(size=(3, 4)) * 20
EDGE = np.array([0.0, -0.0, 0.5, 1.5, -2.5, np.inf, -np.inf, np.nan, 1e300, 5e-324])


@pytest.mark.parametrize("decimals", [0, 1, 3, -1, -2])
def test_round(decimals: int) -> None:
    for x in (X, X.astype(np.float32), X.astype(int), X + 1j * X[::-1], np.array(2.5)):
        for f in (
            lambda x: np.round(x, decimals),
            lambda x: np.around(x, decimals=decimals),
            lambda x: x.round(decimals),
        ):
            assert_numpys(f, x)
    assert wg.grad(lambda x: np.round(x, decimals) + x)(1.3) == 1.0


def test_round_of_numbers() -> None:
    t = constant(np.float64(2.5))
    assert round(t) == 2
    assert type(round(t)) is int
    assert plain(round(t, 0)) == 2.0
    with pytest.raises(wg.WengertTypeError, match=r"np\.round"):
        round(constant(X))


def test_ufuncs_with_two_results() -> None:
    with np.errstate(all="ignore"):
        for f in (
            np.modf,
            np.frexp,
            lambda x: np.divmod(x, 0.7),
            lambda x: np.divmod(3.0, x),
            lambda x: divmod(x, -0.7),
            lambda x: divmod(3.0, x),
        ):
            assert_numpys(f, X)
            assert_numpys(f, EDGE[:-1])
            assert_numpys(f, np.array(1.5))
    mantissa, exponent = np.frexp(wg.Tensor(X, True))
    assert mantissa.requires_grad
    assert type(exponent) is np.ndarray
    out = np.zeros_like(constant(X)), np.zeros_like(constant(X))
    np.modf(constant(X), out=out)
    np.testing.assert_array_equal(out[1].array, np.modf(X)[1])


def test_fix_nextafter_spacing() -> None:
    for f in (
        np.fix,
        lambda x: np.nextafter(x, 0.0),
        np.spacing,
        lambda x: np.heaviside(x, 0.5),
        lambda x: np.ldexp(x, [1, 2, 3, -4]),
        np.trunc,
    ):
        assert_numpys(f, X)
    assert wg.grad(lambda x: np.nextafter(x, 9.0))(1.0) == 1.0


def test_lists_are_operands() -> None:
    for f in (
        lambda x: np.add(x, [1, 2, 3, 4]),
        lambda x: [1.0, 2.0, 3.0, 4.0] * x,
        lambda x: x - (1, 2, 3, 4),
        lambda x: np.maximum([1, 2, 3, 4], x),
        lambda x: np.hypot(x, [[1.0]]),
    ):
        assert_numpys(f, X)
    assert (constant(X) == X.tolist()).all()


def test_sinc_at_any_order() -> None:
    """All derivatives are exact, at 0 and where the closed forms cancel."""
    d: Any = np.sinc
    # sinc^(n)(0) = pi^n cos(n pi / 2) / (n + 1)
    for n in range(7):
        expected = np.pi**n * np.cos(n * np.pi / 2) / (n + 1)
        np.testing.assert_allclose(d(0.0), expected, rtol=1e-13, atol=1e-10)
        for x in (1e-9, 1e-3, 0.3, 1.2, 2.9):
            # By quadrature: sinc(x) is the mean of cos(pi x t) over t from 0 to 1.
            t, w = np.polynomial.legendre.leggauss(60)
            t, w = (t + 1) / 2, w / 2
            quadrature = np.sum(w * (np.pi * t) ** n * np.cos(np.pi * x * t + n * np.pi / 2))
            np.testing.assert_allclose(d(x), quadrature, rtol=1e-11, atol=1e-11)
        d = wg.grad(d)
    assert_numpys(np.sinc, X)
    assert_numpys(np.sinc, np.array(0.0))


def test_i0() -> None:
    assert_numpys(np.i0, X / 10)
    assert_numpys(np.i0, np.array(1.5))
    d: Any = np.i0
    d1, d2 = wg.grad(lambda x: d(x).sum()), wg.grad(wg.grad(lambda x: d(x).sum()))
    for x in (-1.3, 0.0, 0.4, 3.0):
        np.testing.assert_allclose(d1(x), scipy.special.i1(x), rtol=1e-12)
        np.testing.assert_allclose(d2(x), scipy.special.ivp(0, x, 2), rtol=1e-12)
    with pytest.raises(TypeError, match="complex"):
        np.i0(constant(X + 1j))


def test_unwrap() -> None:
    phases = np.cumsum(np.abs(X), axis=-1)
    for f in (
        np.unwrap,
        lambda p: np.unwrap(p, axis=0),
        lambda p: np.unwrap(p, period=3.0),
        lambda p: np.unwrap(p, discont=5.0),
        lambda p: np.unwrap(p.astype(np.float32)),
    ):
        assert_numpys(f, phases, rtol=1e-12)
    assert_numpys(lambda p: np.unwrap(p, period=4), np.array([0, 1, 2, 3, 0, 2, 0, 2]))
    np.testing.assert_array_equal(wg.grad(lambda p: np.sum(np.unwrap(p)))(phases[0]), 1.0)
