"""Polynomials: NumPy's values, options and errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert as wg

from .compare import assert_numpys, constant

P, Q = np.array([1.5, -0.7, 0.0, 2.0]), np.array([0.4, 1.0, -0.3])
XS = np.array([-1.0, -0.3, 0.2, 0.9, 1.4, 2.0])


@pytest.mark.parametrize(
    "f",
    [
        lambda p: np.polyval(p, 2),
        lambda p: np.polyval(p, XS.reshape(2, 3)),
        lambda p: np.polyval(p, np.array([np.inf, 1.0])),
        lambda p: np.polyval(Q, p),
        lambda p: np.polyval(p[:0], 3.0),
        lambda p: np.polyadd(p, Q),
        lambda p: np.polysub(Q, p),
        lambda p: np.polymul(p, Q),
        lambda p: np.polydiv(p, Q),
        lambda p: np.polydiv(Q, p),
        lambda p: np.polydiv(p, 2.0),
        lambda p: np.polyder(p),
        lambda p: np.polyder(p, 0),
        lambda p: np.polyder(p, 9),
        lambda p: np.polyint(p),
        lambda p: np.polyint(p, 0),
        lambda p: np.polyint(p, 3, k=2.0),
        lambda p: np.polyint(p, 2, k=[1.0, -1.0]),
        lambda p: np.poly(p),
        lambda p: np.poly(p[:0]),
        lambda p: np.vander(p, 3),
    ],
)
def test_values(f: Any) -> None:
    for p in (P, P[::-1], np.repeat(P, 2)[::2]):
        with np.errstate(invalid="ignore"):
            assert_numpys(f, p, rtol=1e-13)


def test_polynomials_of_numpys_class() -> None:
    t = wg.Tensor(P, True)
    q = np.poly1d(Q)
    for f in (np.polyadd, np.polysub, np.polymul):
        np.testing.assert_allclose(f(t, q).detach().array, f(P, Q))
    np.testing.assert_allclose(np.polyval(q, t).detach().array, np.polyval(Q, P))
    with pytest.raises(wg.WengertTypeError, match="poly1d"):
        np.polyval(t, q)


def test_leading_zeros_have_derivatives() -> None:
    """NumPy cuts them off; the value of the product depends on them all the same."""
    p = np.array([0.0, 1.0, 2.0])
    gradient = wg.grad(lambda p: np.polyval(np.polymul(p, Q), 0.5))(p)
    np.testing.assert_allclose(gradient, np.polyval(Q, 0.5) * np.array([0.25, 0.5, 1.0]))


def test_roots() -> None:
    for p in ([1.0, -6.0, 11.0, -6.0], [2.0, 0.0, 1.0], [0.0, 1.0, -3.0, 2.0, 0.0], [3.0], [0.0]):
        found = np.roots(wg.Tensor(p, True))
        value = found.detach().array if isinstance(found, wg.Tensor) else found
        expected = np.roots(p)
        assert value.dtype == expected.dtype
        np.testing.assert_array_equal(value, expected)
    # (x - a)(x - b): da/dp is known
    jacobian = wg.jacobian(np.roots)(np.array([1.0, -5.0, 6.0]))
    np.testing.assert_allclose(jacobian, [[-9.0, -3.0, -1.0], [4.0, 2.0, 1.0]], rtol=1e-12)
    with pytest.raises(wg.AbstractValueError, match="number of roots"):
        wg.vmap(np.roots)(np.ones((2, 3)))


def test_fits() -> None:
    y = np.sin(XS)
    w = np.linspace(0.5, 1.5, 6)
    both = np.stack([y, y**2], 1)
    for f in (
        lambda x, y: np.polyfit(x, y, 2),
        lambda x, y: np.polyfit(x, y, 2, w=w),
        lambda x, y: np.polyfit(x, y, 1, full=True)[:4],
        lambda x, y: np.polyfit(x, y, 2, cov=True),
        lambda x, y: np.polyfit(x, y, 2, cov="unscaled"),
        lambda x, y: np.polyfit(x, y, 0),
    ):
        for values in (y, both):
            expected = f(XS, values)
            found = f(wg.Tensor(XS, True), wg.Tensor(values, True))
            if not isinstance(expected, tuple):
                expected, found = (expected,), (found,)
            for value, wanted in zip(found, expected, strict=True):
                value = value.detach().array if isinstance(value, wg.Tensor) else value
                assert np.shape(value) == np.shape(wanted)
                np.testing.assert_allclose(value, wanted, rtol=1e-10)
    with pytest.warns(np.exceptions.RankWarning):
        np.polyfit(constant(np.ones(4)), np.ones(4), 1)


def test_errors() -> None:
    t = wg.Tensor(P, True)
    for f, error, message in (
        (lambda: np.polyadd(t.reshape(2, 2), Q), wg.ShapeError, r"np\.polyadd: .*\(2, 2\)"),
        (lambda: np.polyder(t, -1), ValueError, "positive"),
        (lambda: np.polyint(t, -1), ValueError, "positive"),
        (lambda: np.polyint(t, 3, k=[1.0, 2.0]), ValueError, "k must be"),
        (lambda: np.roots(t.reshape(2, 2)), wg.ShapeError, "one dimension"),
        (lambda: np.poly(t.reshape(4, 1)), ValueError, "1d or non-empty square"),
        (lambda: np.polyfit(t, Q, 1), TypeError, "same length"),
        (lambda: np.polyfit(t, P, -1), ValueError, "deg >= 0"),
        (lambda: np.polyfit(t, P, 1, w=Q), TypeError, "w and y"),
        (lambda: np.polyfit(t, P, 3, cov=True), ValueError, "exceed order"),
    ):
        with pytest.raises(error, match=message):
            f()
