"""Distributions of several variables, kernel density estimates and statistics of samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.stats

from wengert.scipy import stats

from ..case import Case

Array = Any
BY_VALUE = "the branch (rank, the number of terms) depends on values"


def _against_scipy(name: str, f: Callable[..., Any], **options: Any) -> Case:
    """A case whose function takes the module as its first argument."""

    def plain(*args: Array) -> Any:
        y = f(scipy.stats, *args)
        dtype = np.result_type(*args)
        results = [np.asarray(v, dtype)[()] for v in (y if type(y) is tuple else (y,))]
        return tuple(results) if type(y) is tuple else results[0]

    return Case(name, lambda *args: f(stats, *args), plain=plain, **options)


def _matrix(a: Array) -> Array:
    """A positive definite matrix of any square one; identity is added in the same dtype."""
    return a @ a.T + np.eye(3, dtype=a.dtype)


def _both(distribution: str) -> Callable[..., tuple[Array, Array]]:
    def functions(module: Any, *args: Array) -> tuple[Array, Array]:
        d = getattr(module, distribution)
        density = ("pmf", "logpmf") if hasattr(d, "logpmf") else ("pdf", "logpdf")
        return getattr(d, density[0])(*args), getattr(d, density[1])(*args)

    return functions


normal = _both("multivariate_normal")
dirichlet = _both("dirichlet")
multinomial = _both("multinomial")


def shares(logits: Array) -> Array:
    """Numbers that sum to 1 within rounding, written with what NumPy has."""
    e = np.exp(logits - np.max(logits, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def estimate(module: Any, sample: Array, weights: Array, points: Array) -> tuple[Array, ...]:
    kde = module.gaussian_kde(sample, "silverman", weights)
    return kde.pdf(points), kde.logpdf(points)


def integrals(module: Any, sample: Array, weights: Array, cov: Array) -> tuple[Array, ...]:
    kde = module.gaussian_kde(sample, weights=weights)
    other = module.gaussian_kde(sample[:, 1:] * 1.1)
    one = module.gaussian_kde(sample[0])
    return (
        kde.integrate_gaussian(sample[:, 0], cov @ cov.T + np.eye(2, dtype=cov.dtype)),
        kde.integrate_kde(other),
        one.integrate_box_1d(-0.3, 0.8),
        kde.marginal([1]).pdf(sample[1, :2] + 0.1),
    )


def bandwidth(module: Any, sample: Array, width: Array) -> Array:
    """A bandwidth that is a number may be differentiated."""
    if module is scipy.stats:
        width = float(width)
    kde = module.gaussian_kde(sample, width)
    return kde(sample[:3] + 0.2), kde.inv_cov


def singular(module: Any, a: Array, x: Array) -> Array:
    """A covariance of the rank 2, and points of its range."""
    cov = a @ a.T
    return module.multivariate_normal.logpdf(x @ a.T, cov=cov, allow_singular=True)


def mode(x: Array) -> Array:
    y = np.round(x) + 0.0 * x
    return stats.mode(y * x / x, axis=1).mode * x[:, 0]


CASES = [
    _against_scipy(
        "normal",
        lambda m, x, mean, a: normal(m, x, mean, _matrix(a)),
        args=[(4, 3), (3,), (3, 3)],
    ),
    _against_scipy("normal_diagonal", normal, args=[(3,), (3,), (3,)], domain="positive"),
    _against_scipy("normal_number", normal, args=[(2, 1, 3), (3,), ()], domain="positive"),
    _against_scipy(
        "normal_one",
        lambda m, x, mean, v: normal(m, x, mean, v),
        args=[(4,), (), ()],
        domain="positive",
    ),
    _against_scipy(
        "normal_singular",
        singular,
        args=[(3, 2), (4, 2)],
        float32=False,
        reason="in float32 the tolerance for a point off the range is that of rounding",
    ),
    _against_scipy(
        "normal_entropy",
        lambda m, a: m.multivariate_normal.entropy(cov=_matrix(a)),
        args=[(3, 3)],
    ),
    _against_scipy(
        "dirichlet",
        lambda m, x, alpha: dirichlet(m, x, alpha),
        domain=lambda rng: (
            np.ascontiguousarray(rng.dirichlet([3.0, 2.0, 4.0], 4).T[:2]),
            rng.uniform(0.7, 3.0, 3),
        ),
    ),
    _against_scipy(
        "dirichlet_all",
        lambda m, x, alpha: dirichlet(m, shares(x), alpha),
        args=[(3,), (3,)],
        domain="positive",
    ),
    _against_scipy(
        "dirichlet_entropy",
        lambda m, alpha: m.dirichlet.entropy(alpha),
        args=[(3,)],
        domain="positive",
    ),
    _against_scipy(
        "multinomial",
        lambda m, x, n, logits: multinomial(m, x, n, shares(logits)),
        args=[np.array([[1, 2, 3], [2, 2, 0]]), np.array([6, 4]), (2, 3)],
    ),
    _against_scipy(
        "poisson_entropy",
        lambda m, mu: m.poisson.entropy(mu),
        args=[(3,)],
        domain="positive",
        record=False,
        reason=BY_VALUE,
    ),
    _against_scipy("kde", estimate, args=[(2, 6), (6,), (2, 3)], domain="positive"),
    _against_scipy("kde_one", estimate, args=[(6,), (6,), (3,)], domain="positive"),
    _against_scipy("kde_integrals", integrals, args=[(2, 6), (6,), (2, 2)], domain="positive"),
    _against_scipy("kde_bandwidth", bandwidth, args=[(6,), ()], domain="positive"),
    _against_scipy(
        "sem",
        lambda m, x: (m.sem(x), m.sem(x, axis=None, ddof=0)),
        args=[(4, 3)],
    ),
    Case(
        "rankdata",
        lambda x: stats.rankdata(x, axis=1) * x,
        [(3, 4)],
        domain="distinct",
        primitives=("rankdata",),
        plain=lambda x: scipy.stats.rankdata(x, axis=1).astype(x.dtype) * x,
        float32=False,
        reason="ranks are float64, also inside vmap",
    ),
    Case(
        "mode",
        mode,
        [(3, 4)],
        domain="nonzero",
        primitives=("most_common",),
        plain=lambda x: scipy.stats.mode(np.round(x) + 0.0, axis=1).mode.astype(x.dtype) * x[:, 0],
    ),
]
