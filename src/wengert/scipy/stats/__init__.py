"""``scipy.stats`` for Tensors and plain arrays: distributions whose functions have derivatives."""

from __future__ import annotations

from .circular import vonmises, wrapcauchy
from .counts import bernoulli, betabinom, binom, geom, nbinom, poisson
from .base import DISTRIBUTIONS
from .bounded import beta, chi2, expon, gamma, pareto, truncnorm, uniform
from .line import cauchy, gumbel_l, gumbel_r, laplace, logistic, norm
from .shaped_line import gennorm, t

__all__ = [
    "DISTRIBUTIONS",
    "bernoulli",
    "beta",
    "betabinom",
    "binom",
    "cauchy",
    "chi2",
    "expon",
    "gamma",
    "gennorm",
    "geom",
    "gumbel_l",
    "gumbel_r",
    "laplace",
    "logistic",
    "nbinom",
    "norm",
    "pareto",
    "poisson",
    "t",
    "truncnorm",
    "uniform",
    "vonmises",
    "wrapcauchy",
]
