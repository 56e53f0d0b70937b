"""Signatures, frozen distributions, imports, and what is said about bad arguments."""

from __future__ import annotations

import copy
import importlib
import inspect
import pickle
import re
from typing import Any

import numpy as np
import pytest
import scipy.stats

import wengert as wg
from wengert.scipy import stats
from wengert.scipy.stats.base import DISTRIBUTIONS


def test_parameters_by_name_and_by_place() -> None:
    for f, args, kwds in (
        ("gamma", (2.0, 1.0, 3.0), {"a": 2.0, "loc": 1.0, "scale": 3.0}),
        ("beta", (2.0, 3.0, 0.5), {"b": 3.0, "a": 2.0, "loc": 0.5}),
        ("norm", (), {}),
    ):
        d, s = getattr(stats, f), getattr(scipy.stats, f)
        assert d.cdf(1.2, *args) == d.cdf(1.2, **kwds) == s.cdf(1.2, **kwds)
    assert stats.binom.pmf(2, n=5, p=0.5) == stats.binom.pmf(2, 5, 0.5)


def test_shape_parameters_have_scipys_names_and_order() -> None:
    for d in DISTRIBUTIONS.values():
        if "loc" in d.options:
            names = getattr(scipy.stats, d.name).shapes
            assert ", ".join(d.shapes) == (names or ""), d.name
        else:
            for method in d.methods:
                ours = inspect.signature(getattr(d, method))
                theirs = inspect.signature(getattr(getattr(scipy.stats, d.name), method))
                assert list(ours.parameters) == list(theirs.parameters), f"{d.name}.{method}"


def test_every_method_is_scipys() -> None:
    for d in DISTRIBUTIONS.values():
        for method in d.methods:
            assert callable(getattr(getattr(scipy.stats, d.name), method))
            assert callable(getattr(d, method))


def test_lists_of_traced_numbers_are_arguments() -> None:
    g = wg.grad(lambda a, b: np.sum(stats.norm.logpdf([a, b, 1.0])), argnums=(0, 1))(0.5, -2.0)
    assert g == (-0.5, 2.0)


def test_copies_and_pickles() -> None:
    assert copy.deepcopy(stats.norm(1.0)).pdf(0.5) == stats.norm.pdf(0.5, 1.0)
    assert pickle.loads(pickle.dumps(stats.norm(1.0))).pdf(0.5) == stats.norm.pdf(0.5, 1.0)


def test_frozen() -> None:
    d = stats.norm(1.0, scale=2.0)
    assert d.pdf(0.5) == scipy.stats.norm(1.0, 2.0).pdf(0.5)
    assert repr(d) == "<wengert.scipy.stats.norm(1.0, scale=2.0)>"
    g = wg.grad(lambda mu: stats.norm(mu, 2.0).logpdf(3.0))(1.0)
    assert g == 0.5
    cov = np.array([[2.0, 0.3], [0.3, 1.0]])
    assert stats.multivariate_normal([0.0, 1.0], cov).logpdf([0.5, 0.5]) == pytest.approx(
        scipy.stats.multivariate_normal([0.0, 1.0], cov).logpdf([0.5, 0.5]), rel=1e-14
    )


def test_distributions_are_imported_like_modules() -> None:
    """HIPS autograd has one module for each: `import autograd.scipy.stats.norm as norm`."""
    import wengert.scipy.stats.norm as norm
    from wengert.scipy.stats.t import logpdf

    assert norm is stats.norm
    assert logpdf(0.5, 3.0) == stats.t.logpdf(0.5, 3.0)
    for name in DISTRIBUTIONS:
        assert importlib.import_module(f"wengert.scipy.stats.{name}") is getattr(stats, name)


def test_docstrings_tell_the_signatures() -> None:
    assert "logpdf(x, a, loc=0, scale=1)" in stats.gamma.__doc__
    assert "ppf(q, loc=0, scale=1)" in stats.norm.__doc__
    assert "logpmf(k, n, p, loc=0)" in stats.binom.__doc__
    assert repr(stats.t) == "<wengert.scipy.stats.t>"


def test_rvs_draws_by_scipy() -> None:
    assert stats.norm.rvs(size=3, random_state=1).tolist() == (
        scipy.stats.norm.rvs(size=3, random_state=1).tolist()
    )
    shares = stats.dirichlet.rvs([1.0, 2.0], random_state=1)
    np.testing.assert_array_equal(shares, scipy.stats.dirichlet.rvs([1.0, 2.0], random_state=1))
    with pytest.raises(wg.NoRuleError, match="Use wengert.random"):
        wg.grad(lambda mu: stats.norm.rvs(mu))(1.0)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: stats.gamma.pdf(1.0),
            wg.WengertTypeError,
            "gamma.pdf needs the shape parameter 'a'; its parameters are (a, loc, scale)",
        ),
        (
            lambda: stats.norm.cdf(1.0, 0.0, 1.0, 2.0),
            wg.WengertTypeError,
            "norm.cdf takes the parameters (loc, scale), 2 at most; got 3",
        ),
        (
            lambda: stats.binom.pmf(1, 2, 0.5, scale=2.0),
            wg.WengertTypeError,
            "binom.pmf has no parameter 'scale'; its parameters are (n, p, loc)",
        ),
        (
            lambda: stats.t.pdf(1.0, 2.0, df=3.0),
            wg.WengertTypeError,
            "t.pdf got two values for the parameter 'df'",
        ),
        (
            lambda: stats.gamma(scale=2.0),
            wg.WengertTypeError,
            "gamma needs the shape parameter 'a'",
        ),
        (
            lambda: stats.norm.pdf(1j),
            wg.WengertTypeError,
            "norm.pdf: expected real numbers, got the dtype complex128",
        ),
        (
            lambda: stats.norm.pdf("a"),
            wg.WengertTypeError,
            "norm.pdf: expected real numbers, got the dtype <U1",
        ),
        (
            lambda: stats.norm.fit([1.0, 2.0]),
            AttributeError,
            "wengert.scipy.stats.norm has no fit; it has pdf, logpdf, cdf, logcdf, sf, logsf, ppf, "
            "isf. scipy.stats.norm.fit works on plain arrays",
        ),
        (
            lambda: stats.gennorm.moment(2, 2.0),
            AttributeError,
            "wengert.scipy.stats.gennorm has no moment",
        ),
        (lambda: stats.norm.pfd(0.5), AttributeError, "norm has no attribute 'pfd'"),
        (
            lambda: stats.norm(0.0).entropy(),
            AttributeError,
            "wengert.scipy.stats.norm has no entropy",
        ),
        (
            lambda: wg.vmap(lambda n: stats.betabinom.cdf(1, n, 1.0, 1.0))(np.array([2.0, 3.0])),
            wg.AbstractValueError,
            "betabinom.cdf, sf, logcdf and logsf are sums of n terms: n must be known",
        ),
        (
            lambda: wg.vmap(stats.poisson.entropy)(np.array([2.0, 3.0])),
            wg.AbstractValueError,
            "poisson.entropy is a sum whose number of terms depends on mu",
        ),
    ],
)
def test_bad_arguments_are_explained(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=re.escape(message)):
        call()


def test_shapes_that_do_not_fit_are_an_error() -> None:
    with pytest.raises(ValueError, match="broadcast"):
        stats.norm.pdf(np.ones(3), np.ones(2))
    with pytest.raises(wg.WengertError, match=r"\(3,\).*\(2,\)"):
        wg.grad(lambda x: np.sum(stats.norm.pdf(x, np.ones(2))))(np.ones(3))


@pytest.mark.parametrize("n", [1e8, 1e300, np.inf])
def test_sums_that_do_not_fit_are_refused_before_they_are_tried(n: float) -> None:
    with pytest.raises(wg.WengertValueError, match=r"betabinom\.cdf.*n has to be smaller"):
        wg.grad(stats.betabinom.cdf, argnums=2)(1.0, n, 2.0, 3.0)
    if n > 1e8:
        with pytest.raises(wg.WengertValueError, match=r"poisson\.entropy.*mu has to be smaller"):
            wg.grad(stats.poisson.entropy)(n)
